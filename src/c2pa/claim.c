/* The claim of a manifest: what its signer puts a name to.
 *
 *     c2pa.claim      v1   claim_generator, dc:format, instanceID, signature, assertions
 *     c2pa.claim.v2   v2   claim_generator_info, instanceID, signature, created_assertions;
 * gathered_assertions
 *
 * The program before 1.0 left out some of these (dc:format, instanceID), so of v1 only what the checks need
 * is asked for. */
#include <string.h>

#include "base/text.h"
#include "c2pa/reader_int.h"

static const struct {
    const char *label;
    int version;
} versions[] = {{"c2pa.claim", 1}, {"c2pa.claim.v2", 2}};

bool box_cbor(const struct jumbf_box *box, struct cbor *ret)
{
    const struct jumbf_box *content = box ? jumbf_content(box, TYPE_CBOR) : NULL;

    return content && cbor_read(content->body, ret, NULL) == 0;
}

const char *field_text(struct arena *a, const struct cbor *map, const char *key)
{
    struct cbor v;

    return cbor_get(map, key, &v) ? cbor_text(a, &v) : NULL;
}

bool hashed_uri_read(struct arena *a, const struct cbor *map, struct hashed_uri *ret)
{
    struct hashed_uri u = {.url = field_text(a, map, "url"), .alg = field_text(a, map, "alg")};
    struct cbor hash;

    if (!u.url || !cbor_get(map, "hash", &hash) || hash.kind != CBOR_BYTES)
        return false;
    u.hash = cbor_string(a, &hash);
    *ret = u;
    return true;
}

static void fault(struct claim *c, enum c2pa_code code, const char *text)
{
    c->fault = code;
    c->fault_text = text;
}

/* The claim's box; NULL, and the fault, when there is not exactly one. */
static const struct jumbf_box *find_box(struct manifest *m, int *ret_version)
{
    const struct jumbf_box *hit = NULL;

    for (const struct jumbf_box *b = m->box->first; b; b = b->next)
        for (size_t i = 0; b->label && i < COUNT_OF(versions); i++)
            if (text_is(b->label, versions[i].label)) {
                if (hit) {
                    fault(&m->claim, CLAIM_MULTIPLE, "the manifest has more than one claim");
                    return NULL;
                }
                hit = b;
                *ret_version = versions[i].version;
            }
    if (!hit)
        fault(&m->claim, CLAIM_MISSING, "the manifest has no claim");
    return hit;
}

/* Adds the references of one list. A list that is not there is no fault here. */
static bool read_assertions(struct arena *a, const struct cbor *map, const char *key, struct claim *c,
                            size_t *cap)
{
    struct cbor list, item;
    struct cbor_cursor at;

    if (!cbor_get(map, key, &list))
        return true;
    if (list.kind != CBOR_ARRAY)
        return false;
    at = cbor_items(&list);
    while (cbor_next(&at, &item)) {
        struct hashed_uri u;

        if (c->nassertions == C2PA_MAX_ASSERTIONS || !hashed_uri_read(a, &item, &u))
            return false;
        ARENA_PUSH(a, c->assertions, c->nassertions, *cap) = u;
    }
    return true;
}

static bool read_redacted(struct arena *a, const struct cbor *map, struct claim *c)
{
    struct cbor list, item;
    struct cbor_cursor at;
    size_t cap = 0;

    if (!cbor_get(map, "redacted_assertions", &list))
        return true;
    at = cbor_items(&list);
    while (cbor_next(&at, &item)) {
        const char *url = cbor_text(a, &item);

        if (!url || c->nredacted == C2PA_MAX_ASSERTIONS)
            return false;
        ARENA_PUSH(a, c->redacted, c->nredacted, cap) = url;
    }
    return true;
}

static const char *generator_of(struct arena *a, const struct claim *c)
{
    struct cbor first = c->generator_info;
    struct cbor_cursor at = cbor_items(&first);

    if (first.kind == CBOR_ARRAY && !cbor_next(&at, &first))
        return NULL;
    return field_text(a, &first, "name");
}

static void read_fields(struct arena *a, const struct cbor *map, struct claim *c)
{
    const char *alg = field_text(a, map, "alg");

    c->alg = alg || c->version > 1 ? alg : "sha256";
    c->signature = field_text(a, map, "signature");
    c->generator = field_text(a, map, "claim_generator");
    c->title = field_text(a, map, "dc:title");
    c->format = field_text(a, map, "dc:format");
    c->instance_id = field_text(a, map, "instanceID");
    if (!cbor_get(map, "claim_generator_info", &c->generator_info))
        c->generator_info = (struct cbor){.kind = CBOR_SIMPLE};
    if (!c->generator)
        c->generator = generator_of(a, c);
}

/* What must be in a claim; NULL, or what is missing. */
static const char *missing_field(const struct claim *c, const struct cbor *map)
{
    struct cbor v;

    if (!c->signature)
        return "the claim does not name its signature";
    if (c->version == 1)
        return cbor_get(map, "assertions", &v) ? NULL : "the claim has no list of assertions";
    if (c->generator_info.kind != CBOR_MAP || !c->generator)
        return "the claim does not name its generator";
    if (!c->instance_id)
        return "the claim has no instanceID";
    return cbor_get(map, "created_assertions", &v) ? NULL : "the claim has no list of assertions";
}

static bool read_lists(struct arena *a, const struct cbor *map, struct claim *c)
{
    size_t cap = 0;

    if (c->version == 1)
        return read_assertions(a, map, "assertions", c, &cap) && read_redacted(a, map, c);
    return read_assertions(a, map, "created_assertions", c, &cap) &&
           read_assertions(a, map, "gathered_assertions", c, &cap) && read_redacted(a, map, c);
}

void claim_read(struct reading *r, struct manifest *m)
{
    struct claim *c = &m->claim;
    const struct jumbf_box *content, *box = find_box(m, &c->version);
    struct cbor map;
    const char *missing;

    if (!box)
        return;
    content = jumbf_content(box, TYPE_CBOR);
    if (!content || content->body.len > C2PA_MAX_CLAIM || cbor_read(content->body, &map, NULL) < 0 ||
        map.kind != CBOR_MAP) {
        c->version = 0;
        fault(c, CLAIM_CBOR_INVALID, "the claim is no readable CBOR map, or a very large one");
        return;
    }
    c->signed_bytes = content->body;
    read_fields(r->a, &map, c);
    missing = missing_field(c, &map);
    if (!missing && !read_lists(r->a, &map, c))
        missing = "a list of the claim holds something else than references, or too many";
    if (missing)
        fault(c, CLAIM_MALFORMED, missing);
}
