#include "c2pa/jumbf.h"

#include <string.h>

#include "base/text.h"

enum {
    HEADER = 8,
    LONG_HEADER = 16,
    UUID = 16,
    SHA256 = 32,
    TYPE_JUMB = JUMBF_TYPE('j', 'u', 'm', 'b'),
    TYPE_JUMD = JUMBF_TYPE('j', 'u', 'm', 'd'),
    TYPE_SALT = JUMBF_TYPE('c', '2', 's', 'h'),
};
enum { REQUESTABLE = 1, HAS_LABEL = 2, HAS_ID = 4, HAS_SHA256 = 8, HAS_PRIVATE = 16 };

/* The last twelve bytes of a UUID which is made of four letters. */
static const uint8_t iso_tail[] = {0, 0x11, 0, 0x10, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71};
static const uint8_t file_uuid[UUID] = {0x40, 0xcb, 0x0c, 0x32, 0xbb, 0x8a, 0x48, 0x9d,
                                        0xa7, 0x0b, 0x2a, 0xd6, 0xf4, 0x7f, 0x43, 0x69};

static const struct {
    char letters[5];
    enum jumbf_sort sort;
} sorts[] = {
    {"c2pa", JUMBF_STORE},      {"c2ma", JUMBF_MANIFEST},   {"c2um", JUMBF_UPDATE},
    {"c2cm", JUMBF_COMPRESSED}, {"c2as", JUMBF_ASSERTIONS}, {"c2cl", JUMBF_CLAIM},
    {"c2cs", JUMBF_SIGNATURE},  {"c2vc", JUMBF_VCS},        {"c2db", JUMBF_DATABOXES},
    {"cbor", JUMBF_CBOR},       {"json", JUMBF_JSON},       {"uuid", JUMBF_UUID},
};

/* One reading of a tree: where it is, and what it has cost. */
struct reader {
    struct arena *a;
    const uint8_t *start;
    size_t boxes;
};

static struct bytes after(struct bytes b, size_t n)
{
    return bytes_of(b.data + n, b.len - n);
}

static uint32_t number32(const uint8_t *p)
{
    return JUMBF_TYPE(p[0], p[1], p[2], p[3]);
}

/* The box at the start of b. A size of 0 (to the end) is for files that are written as they are made; a
 * manifest store never is. */
static bool split_box(struct bytes b, struct jumbf_box *ret)
{
    uint64_t size;
    size_t header = HEADER;

    if (b.len < HEADER)
        return false;
    size = number32(b.data);
    if (size == 1) {
        if (b.len < LONG_HEADER)
            return false;
        header = LONG_HEADER;
        size = (uint64_t)number32(b.data + 8) << 32 | number32(b.data + 12);
    }
    if (size < header || size > b.len)
        return false;
    *ret = (struct jumbf_box){.type = number32(b.data + 4), .raw = bytes_of(b.data, (size_t)size)};
    ret->body = after(ret->raw, header);
    return true;
}

static enum jumbf_sort sort_of(const uint8_t *uuid)
{
    if (memcmp(uuid, file_uuid, UUID) == 0)
        return JUMBF_FILE;
    if (memcmp(uuid + 4, iso_tail, sizeof iso_tail) != 0)
        return JUMBF_OTHER;
    for (size_t i = 0; i < COUNT_OF(sorts); i++)
        if (memcmp(uuid, sorts[i].letters, 4) == 0)
            return sorts[i].sort;
    return JUMBF_OTHER;
}

bool jumbf_is_store(struct bytes b)
{
    size_t header = b.len >= HEADER && number32(b.data) == 1 ? LONG_HEADER : HEADER;

    if (b.len < header + HEADER + UUID || number32(b.data + 4) != TYPE_JUMB)
        return false;
    b = after(b, header);
    return number32(b.data + 4) == TYPE_JUMD && sort_of(b.data + HEADER) == JUMBF_STORE;
}

static int malformed(const struct reader *r, const uint8_t *at, const char *what, struct err *err)
{
    return FAIL(err, ERR_DECODE, "The manifest store is malformed at byte %zu: %s.", (size_t)(at - r->start),
                what);
}

/* Takes a label off the front of d. */
static int read_label(struct reader *r, struct bytes *d, struct jumbf_box *box, struct err *err)
{
    const uint8_t *end = d->len > 0 ? memchr(d->data, 0, d->len) : NULL;
    size_t n;

    if (!end)
        return malformed(r, d->data, "a label has no end", err);
    n = (size_t)(end - d->data);
    if (n > JUMBF_MAX_LABEL)
        return FAIL(err, ERR_LIMIT, "A label in the manifest store has more than %d bytes.", JUMBF_MAX_LABEL);
    if (!text_is_utf8((const char *)d->data, n))
        return malformed(r, d->data, "a label is not UTF-8", err);
    box->label = (const char *)d->data;
    *d = after(*d, n + 1);
    return 0;
}

static bool take(struct bytes *d, size_t n, const uint8_t **ret)
{
    if (d->len < n)
        return false;
    *ret = d->data;
    *d = after(*d, n);
    return true;
}

/* The private boxes at the end of a description; only the salt is known. */
static int read_private(const struct reader *r, struct bytes d, struct jumbf_box *box, struct err *err)
{
    struct jumbf_box in;

    if (!split_box(d, &in))
        return malformed(r, d.data, "a private box does not fit its description", err);
    if (in.type == TYPE_SALT)
        box->salt = in.body;
    return 0;
}

/* The fields of a description box, in the order in which the toggles announce them. */
static int read_description(struct reader *r, struct bytes d, struct jumbf_box *box, struct err *err)
{
    const uint8_t *toggles, *id;

    if (!take(&d, UUID, &box->uuid) || !take(&d, 1, &toggles))
        return malformed(r, d.data, "a description is too short", err);
    box->sort = sort_of(box->uuid);
    box->requestable = *toggles & REQUESTABLE;
    if (*toggles & HAS_LABEL && read_label(r, &d, box, err) < 0)
        return -1;
    if (*toggles & HAS_ID) {
        if (!take(&d, 4, &id))
            return malformed(r, d.data, "a description is too short for its number", err);
        box->has_id = true;
        box->id = number32(id);
    }
    if (*toggles & HAS_SHA256 && !take(&d, SHA256, &box->sha256))
        return malformed(r, d.data, "a description is too short for its hash", err);
    return *toggles & HAS_PRIVATE ? read_private(r, d, box, err) : 0;
}

/* Reads what a superbox says of itself; *ret_rest is what it holds after that. */
static int open_superbox(struct reader *r, struct jumbf_box *box, struct bytes *ret_rest, struct err *err)
{
    struct jumbf_box description;

    box->label = "";
    if (!split_box(box->body, &description) || description.type != TYPE_JUMD)
        return malformed(r, box->body.data, "a superbox does not begin with its description", err);
    *ret_rest = after(box->body, description.raw.len);
    return read_description(r, description.body, box, err);
}

/* Takes one box off the front of rest and hangs it below `parent`. */
static struct jumbf_box *read_box(struct reader *r, struct bytes *rest, struct jumbf_box *parent,
                                  struct err *err)
{
    struct jumbf_box box, *kept;

    if (!split_box(*rest, &box)) {
        malformed(r, rest->data, "a box does not fit into its surroundings", err);
        return NULL;
    }
    if (++r->boxes > JUMBF_MAX_BOXES)
        return FAIL_NULL(err, ERR_LIMIT, "The manifest store has more than %d boxes.", JUMBF_MAX_BOXES);
    kept = arena_alloc(r->a, sizeof *kept);
    *kept = box;
    kept->parent = parent;
    if (parent) {
        *(parent->last ? &parent->last->next : &parent->first) = kept;
        parent->last = kept;
    }
    *rest = after(*rest, box.raw.len);
    return kept;
}

/* Reads the tree below `root` in the order of the bytes; `rest` holds what is left of each open superbox. */
static int read_tree(struct reader *r, struct jumbf_box *root, struct err *err)
{
    struct bytes rest[JUMBF_MAX_DEPTH];
    struct jumbf_box *at = root, *child;
    size_t depth = 0;

    if (open_superbox(r, root, &rest[0], err) < 0)
        return -1;
    while (at) {
        if (rest[depth].len == 0) {
            at = at->parent;
            depth -= depth > 0;
            continue;
        }
        if (!(child = read_box(r, &rest[depth], at, err)))
            return -1;
        if (child->type != TYPE_JUMB)
            continue;
        if (++depth == JUMBF_MAX_DEPTH)
            return FAIL(err, ERR_LIMIT, "The manifest store is nested deeper than %d boxes.",
                        JUMBF_MAX_DEPTH);
        if (open_superbox(r, child, &rest[depth], err) < 0)
            return -1;
        at = child;
    }
    return 0;
}

int jumbf_read(struct arena *a, struct bytes b, struct jumbf_box **ret_root, struct err *err)
{
    struct reader r = {.a = a, .start = b.data};
    struct jumbf_box *root = read_box(&r, &b, NULL, err);

    if (!root)
        return -1;
    if (root->type != TYPE_JUMB)
        return FAIL(err, ERR_DECODE, "The manifest store is not a JUMBF superbox.");
    if (read_tree(&r, root, err) < 0)
        return -1;
    *ret_root = root;
    return 0;
}

/* The child superbox whose label is the n bytes at `label`. */
static const struct jumbf_box *child_named(const struct jumbf_box *in, const char *label, size_t n)
{
    const struct jumbf_box *hit = NULL;

    for (const struct jumbf_box *c = in->first; c; c = c->next) {
        if (c->type != TYPE_JUMB || strlen(c->label) != n || memcmp(c->label, label, n) != 0)
            continue;
        if (hit)
            return NULL;
        hit = c;
    }
    return n > 0 ? hit : NULL;
}

const struct jumbf_box *jumbf_child(const struct jumbf_box *in, const char *label)
{
    return child_named(in, label, strlen(label));
}

const struct jumbf_box *jumbf_content(const struct jumbf_box *in, uint32_t type)
{
    const struct jumbf_box *c = in->first;

    while (c && c->type != type)
        c = c->next;
    return c;
}

const struct jumbf_box *jumbf_find(const struct jumbf_box *store, const struct jumbf_box *manifest,
                                   const char *url)
{
    static const char scheme[] = "self#jumbf=";
    const struct jumbf_box *at = manifest;
    const char *p = url + sizeof scheme - 1;
    struct jumbf_box above = {0}, top = *store;

    if (!text_starts(url, scheme))
        return NULL;
    if (*p == '/') {
        /* A level above the store, so that its label is a step like any other. */
        top.next = NULL;
        above.first = &top;
        at = &above;
        p++;
    }
    while (at) {
        size_t n = strcspn(p, "/");

        at = child_named(at, p, n);
        if (p[n] == '\0')
            break;
        p += n + 1;
    }
    return at == &top ? store : at;
}
