#include "c2pa/bind_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "c2pa/digest_int.h"

enum { CHUNK = 1 << 17 };

static const struct bind_kind bind_boxes = {.label = "c2pa.hash.boxes"};
static const struct bind_kind bind_collection = {.label = "c2pa.hash.collection.data"};

static const struct bind_kind *const kinds[] = {&bind_data, &bind_bmff, &bind_boxes, &bind_collection};

static const struct bind_kind *kind_of(const char *label)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (label_is(label, kinds[i]->label))
            return kinds[i];
    return NULL;
}

bool is_hard_binding(const char *label)
{
    return kind_of(label) != NULL;
}

/* ---- hashing the file ---- */

static int compare_exclusions(const void *a, const void *b)
{
    const struct exclusion *x = a, *y = b;

    return x->at != y->at ? (x->at < y->at ? -1 : 1) : (x->len > y->len) - (x->len < y->len);
}

void exclusions_sort(struct exclusion *x, size_t n)
{
    if (n > 1)
        qsort(x, n, sizeof *x, compare_exclusions);
}

bool cbor_count(const struct cbor *map, const char *key, uint64_t *ret)
{
    struct cbor v;

    if (!cbor_get(map, key, &v) || v.kind != CBOR_UINT)
        return false;
    *ret = v.n;
    return true;
}

bool file_hash_begin(struct file_hash *h, struct reading *r, const EVP_MD *md)
{
    *h = (struct file_hash){.s = r->s, .md = EVP_MD_CTX_new(), .chunk = arena_alloc(r->a, CHUNK)};
    return h->md && EVP_DigestInit_ex(h->md, md, NULL) == 1;
}

void file_hash_clear(struct file_hash *h)
{
    EVP_MD_CTX_free(h->md);
    h->md = NULL;
}

void file_hash_bytes(struct file_hash *h, const void *data, size_t n)
{
    EVP_DigestUpdate(h->md, data, n);
}

static int add_file(struct file_hash *h, uint64_t from, uint64_t to, struct err *err)
{
    while (from < to) {
        size_t n = to - from < CHUNK ? (size_t)(to - from) : CHUNK;

        if (h->s->read(h->s->self, from, h->chunk, n, err) < 0)
            return -1;
        file_hash_bytes(h, h->chunk, n);
        from += n;
    }
    return 0;
}

int file_hash_range(struct file_hash *h, uint64_t from, uint64_t to, const struct exclusion *x, size_t n,
                    size_t *i, struct err *err)
{
    for (; *i < n && x[*i].at < to; ++*i) {
        uint64_t end = x[*i].at + x[*i].len;

        if (x[*i].at > from && add_file(h, from, x[*i].at, err) < 0)
            return -1;
        from = end > from ? end : from;
        if (end > to)
            break; /* it goes on behind `to` */
    }
    return add_file(h, from, to, err);
}

bool file_hash_is(struct file_hash *h, const struct cbor *map, struct arena *a)
{
    uint8_t sum[EVP_MAX_MD_SIZE];
    struct bytes want;
    unsigned n = 0;
    struct cbor v;

    if (!cbor_get(map, "hash", &v) || v.kind != CBOR_BYTES || EVP_DigestFinal_ex(h->md, sum, &n) != 1)
        return false;
    want = cbor_string(a, &v);
    return want.len == n && memcmp(want.data, sum, n) == 0;
}

/* ---- which hash counts ---- */

static struct manifest *parent_of(const struct manifest *m)
{
    for (size_t i = 0; i < m->ningredients; i++)
        if (text_is(m->ingredients[i].relationship, "parentOf"))
            return m->ingredients[i].manifest;
    return NULL;
}

/* Updates of updates lead to the first that is none; a loop leads nowhere. */
void binding_find(struct reading *r)
{
    struct manifest *m = r->active;
    size_t steps = 0;

    while (m && m->box->sort == JUMBF_UPDATE)
        m = ++steps < r->nmanifests ? parent_of(m) : NULL;
    r->binding = m;
}

/* The box of the one hard binding; NULL, and a status, when there is none or several. A reference whose box
 * is not there has its status already. */
static const struct jumbf_box *only_binding(struct reading *r, const struct manifest *m)
{
    const struct jumbf_box *box = NULL;
    size_t n = 0;

    for (size_t i = 0; i < m->claim.nassertions; i++)
        if (is_hard_binding(uri_last(m->claim.assertions[i].url))) {
            box = m->claim.boxes[i];
            n++;
        }
    if (n == 0)
        status_add(r, BINDINGS_MISSING, NULL, m->uri, "claim missing data binding");
    if (n > 1)
        status_add(r, BINDINGS_MULTIPLE, NULL, m->uri, "claim has multiple data bindings");
    return n == 1 ? box : NULL;
}

static void tell(struct bind *b, const struct bind_kind *kind, enum bind_result result)
{
    struct reading *r = b->r;

    switch (result) {
    case BIND_MATCH:
        r->bound = true;
        status_add(r, kind->match, NULL, b->url, "%s", kind->word);
        break;
    case BIND_MISMATCH:
        status_add(r, kind->mismatch, NULL, b->url,
                   "asset hash error, name: %s, error: hash verification( Hashes do not match )", b->name);
        break;
    case BIND_MALFORMED:
        status_add(r, kind->malformed, NULL, b->url, "the hash assertion is malformed");
        break;
    case BIND_ALGORITHM:
        status_add(r, ALGORITHM_UNSUPPORTED, NULL, b->url, "unknown hash algorithm: %s",
                   b->alg ? b->alg : "none");
        break;
    case BIND_NOT_CHECKED:
        status_add(r, BINDING_NOT_CHECKED, NULL, b->url, "this reader does not compute this kind of hash");
        break;
    }
}

int binding_check(struct reading *r, struct err *err)
{
    const struct jumbf_box *box = r->binding ? only_binding(r, r->binding) : NULL;
    const struct bind_kind *kind = box ? kind_of(box->label) : NULL;
    enum bind_result result = BIND_NOT_CHECKED;
    struct bind b = {.r = r, .box = box};

    if (!r->binding)
        status_add(r, BINDINGS_MISSING, NULL, r->active->uri, "could not find manifest with hard binding");
    if (!kind)
        return 0;
    b.url = arena_printf(r->a, "%s%s", r->binding->assertions_uri, box->label);
    if (!box_cbor(box, &b.map) || b.map.kind != CBOR_MAP) {
        if (kind->compare)
            tell(&b, kind, BIND_MALFORMED);
        else
            tell(&b, kind, BIND_NOT_CHECKED);
        return 0;
    }
    b.name = field_text(r->a, &b.map, "name");
    b.alg = field_text(r->a, &b.map, "alg");
    if (!b.name)
        b.name = "unnamed";
    if (!b.alg)
        b.alg = r->binding->claim.alg;
    if (kind->compare && kind->compare(&b, &result, err) < 0)
        return -1;
    tell(&b, kind, result);
    return 0;
}
