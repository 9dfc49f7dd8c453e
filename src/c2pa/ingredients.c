/* What a manifest was made from: ingredient assertions, and the manifests they refer to.
 *
 *     v1, v2   c2pa_manifest: the reference; validationStatus: what its maker found wrong in it
 *     v3       activeManifest, claimSignature; validationResults
 *
 * The hash of a reference covers the ingredient's manifest, or in files up to about 2022 the CBOR of its
 * claim alone. Manifests are queued once each, so that a loop of ingredients ends. */
#include <string.h>

#include "base/text.h"
#include "c2pa/digest_int.h"
#include "c2pa/reader_int.h"

static bool is_zero(struct bytes b)
{
    for (size_t i = 0; i < b.len; i++)
        if (b.data[i] != 0)
            return false;
    return true;
}

static bool read_reference(struct reading *r, const struct cbor *map, struct ingredient *i)
{
    struct cbor v;

    if (!cbor_get(map, "activeManifest", &v) && !cbor_get(map, "c2pa_manifest", &v))
        return true;
    i->has_manifest = true;
    if (!hashed_uri_read(r->a, &v, &i->reference))
        return false;
    i->manifest = manifest_of_uri(r, i->reference.url);
    return true;
}

static void add(struct reading *r, struct manifest *m, const struct jumbf_box *box, size_t *cap)
{
    struct ingredient i = {.box = box};
    const struct jumbf_box *content;

    if (!i.box || !label_is(i.box->label, "c2pa.ingredient") || is_redacted(r, m, i.box->label))
        return;
    content = jumbf_content(i.box, TYPE_CBOR);
    if (content && is_zero(content->body))
        return;
    i.uri = arena_printf(r->a, "%s%s", m->assertions_uri, i.box->label);
    if (!box_cbor(i.box, &i.map) || i.map.kind != CBOR_MAP || !read_reference(r, &i.map, &i))
        i.map = (struct cbor){.kind = CBOR_SIMPLE};
    i.relationship = field_text(r->a, &i.map, "relationship");
    ARENA_PUSH(r->a, m->ingredients, m->ningredients, *cap) = i;
}

void ingredients_read(struct reading *r, struct manifest *m)
{
    size_t cap = 0;

    for (size_t i = 0; i < m->claim.nassertions; i++)
        add(r, m, m->claim.boxes[i], &cap);
}

/* ---- the references ---- */

static bool hash_fits(struct reading *r, const struct ingredient *i)
{
    const struct manifest *to = i->manifest;
    const EVP_MD *md = digest_named(i->reference.alg ? i->reference.alg : to->claim.alg);

    r->hashed += to->box->body.len;
    if (r->hashed > C2PA_MAX_HASHED)
        return false;
    return digest_matches(md, to->box->body, i->reference.hash);
}

static bool old_hash_fits(const struct ingredient *i)
{
    const struct manifest *to = i->manifest;
    const EVP_MD *md = digest_named(i->reference.alg ? i->reference.alg : to->claim.alg);

    return to->claim.signed_bytes.len > 0 && digest_matches(md, to->claim.signed_bytes, i->reference.hash);
}

/* Of a manifest with something taken out only the signature can still be compared. */
static void check_signature_box(struct reading *r, struct ingredient *i)
{
    const struct jumbf_box *box = jumbf_child(i->manifest->box, "c2pa.signature");
    struct hashed_uri u;
    struct cbor v;

    i->matched = i->manifest->claim.version == 1;
    if (i->matched)
        return;
    if (!cbor_get(&i->map, "claimSignature", &v) || !hashed_uri_read(r->a, &v, &u)) {
        status_add(r, INGREDIENT_SIGNATURE_MISSING, i->uri, i->reference.url,
                   "ingredient claimSignature missing");
        return;
    }
    i->matched =
        box && digest_matches(digest_named(u.alg ? u.alg : i->manifest->claim.alg), box->body, u.hash);
    status_add(r, i->matched ? INGREDIENT_SIGNATURE_VALIDATED : INGREDIENT_SIGNATURE_MISMATCH, i->uri,
               i->reference.url, "ingredient claimSignature %s", i->matched ? "validated" : "mismatch");
}

static void check_reference(struct reading *r, struct ingredient *i)
{
    if (hash_fits(r, i)) {
        i->matched = true;
        status_add(r, INGREDIENT_VALIDATED, i->uri, i->reference.url, "ingredient hash matched");
    } else if (old_hash_fits(i)) {
        i->matched = true;
    } else if (is_redacted(r, i->manifest, NULL)) {
        check_signature_box(r, i);
    } else {
        status_add(r, INGREDIENT_MISMATCH, i->uri, i->reference.url, "ingredient hash incorrect");
    }
}

static void check_one(struct reading *r, const struct manifest *m, struct ingredient *i)
{
    const char *title = field_text(r->a, &i->map, "dc:title");

    if (i->map.kind != CBOR_MAP) {
        status_add(r, INGREDIENT_MALFORMED, i->uri, i->uri, "ingredient assertion could not be parsed");
    } else if (i->has_manifest && i->manifest) {
        check_reference(r, i);
        if (!i->manifest->queued)
            i->manifest->via = i->uri;
        i->manifest->queued = true;
        i->manifest->linked |= m->linked && i->matched;
    } else if (i->has_manifest) {
        status_add(r, INGREDIENT_MISSING, i->uri, i->reference.url, "ingredient not found");
    } else if (!text_is(i->relationship, "inputTo")) {
        status_add(r, INGREDIENT_UNKNOWN, i->uri, i->uri, "%s: ingredient does not have provenance",
                   title ? title : "no title");
    }
}

/* At most one parent; an update has exactly one. */
static void check_parents(struct reading *r, const struct manifest *m)
{
    bool update = m->box->sort == JUMBF_UPDATE;
    size_t parents = 0;

    for (size_t i = 0; i < m->ningredients; i++)
        parents += text_is(m->ingredients[i].relationship, "parentOf");
    if (update && parents != 1)
        status_add(r, MANIFEST_UPDATE_PARENTS, m->via, m->uri,
                   "update manifest must have one ingredient with parentOf relationship");
    if (!update && parents > 1)
        status_add(r, MANIFEST_MULTIPLE_PARENTS, m->via, m->uri, "too many ingredient parents");
}

void ingredients_check(struct reading *r, struct manifest *m)
{
    check_parents(r, m);
    for (size_t i = 0; i < m->ningredients; i++)
        check_one(r, m, &m->ingredients[i]);
}

/* ---- what was known before ---- */

/* A status that an ingredient assertion tells of its manifest, or of what that was made from. */
struct record {
    uint32_t key; /* of both strings: most comparisons end here */
    const char *code, *url;
};
struct records {
    struct record *items;
    size_t n, cap;
};

/* FNV-1a. */
static uint32_t key_of(const char *code, const char *url)
{
    const char *const parts[] = {code, url};
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < COUNT_OF(parts); i++)
        for (const char *s = parts[i]; *s; s++)
            h = (h ^ (uint8_t)*s) * 16777619u;
    return h;
}

/* References in a record may be relative to the ingredient's manifest. */
static void add_list(struct reading *r, const struct ingredient *i, const struct cbor *list,
                     struct records *ret)
{
    struct cbor_cursor at = cbor_items(list);
    struct cbor entry;

    while (ret->n < C2PA_MAX_RECORDS && cbor_next(&at, &entry)) {
        const char *code = field_text(r->a, &entry, "code"), *url = field_text(r->a, &entry, "url");

        if (!code || !url)
            continue;
        url = uri_absolute(r->a, i->manifest, url);
        ARENA_PUSH(r->a, ret->items, ret->n, ret->cap) = (struct record){key_of(code, url), code, url};
    }
}

/* {success, informational, failure}. */
static void add_results(struct reading *r, const struct ingredient *i, const struct cbor *results,
                        struct records *ret)
{
    static const char *const keys[] = {"success", "informational", "failure"};
    struct cbor list;

    for (size_t k = 0; k < COUNT_OF(keys); k++)
        if (cbor_get(results, keys[k], &list))
            add_list(r, i, &list, ret);
}

/* validationResults: {activeManifest: results, ingredientDeltas: [{validationDeltas: results}]}. */
static void add_report(struct reading *r, const struct ingredient *i, const struct cbor *report,
                       struct records *ret)
{
    struct cbor results, deltas, delta;
    struct cbor_cursor at;

    if (cbor_get(report, "activeManifest", &results))
        add_results(r, i, &results, ret);
    if (!cbor_get(report, "ingredientDeltas", &deltas))
        return;
    at = cbor_items(&deltas);
    while (ret->n < C2PA_MAX_RECORDS && cbor_next(&at, &delta))
        if (cbor_get(&delta, "validationDeltas", &results))
            add_results(r, i, &results, ret);
}

static void add_ingredient(struct reading *r, const struct ingredient *i, struct records *ret)
{
    struct cbor v;

    if (!i->manifest)
        return;
    if (cbor_get(&i->map, "validationResults", &v))
        add_report(r, i, &v, ret);
    else if (cbor_get(&i->map, "validationStatus", &v))
        add_list(r, i, &v, ret);
}

/* Only of manifests whose own hash is right: a manifest that was exchanged must not excuse itself. */
static struct records records_read(struct reading *r)
{
    struct records all = {0};

    for (size_t k = 0; k < r->nmanifests; k++)
        for (size_t n = 0; r->manifests[k].linked && n < r->manifests[k].ningredients; n++)
            add_ingredient(r, &r->manifests[k].ingredients[n], &all);
    return all;
}

static bool is_recorded(const struct reading *r, const struct records *all, const struct status *s)
{
    const char *code = code_name(s->code);
    uint32_t key = key_of(code, s->url);

    if (!s->via || manifest_of_uri(r, s->url) == r->active)
        return false;
    for (size_t i = 0; i < all->n; i++)
        if (all->items[i].key == key && text_is(all->items[i].code, code) &&
            text_is(all->items[i].url, s->url))
            return true;
    return false;
}

void ingredients_filter(struct reading *r)
{
    struct records all = records_read(r);
    size_t kept = 0;

    for (size_t i = 0; i < r->list.n; i++)
        if (!is_recorded(r, &all, &r->list.items[i]))
            r->list.items[kept++] = r->list.items[i];
    r->list.n = kept;
}
