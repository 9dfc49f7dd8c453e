/* The assertions of a manifest: each that the claim refers to is there and has the hash the claim says, and
 * no other is there. What a later claim has taken out (redacted) need not be there. */
#include <string.h>

#include "base/text.h"
#include "c2pa/digest_int.h"
#include "c2pa/reader_int.h"

static size_t count(const struct jumbf_box *in)
{
    size_t n = 0;

    for (const struct jumbf_box *b = in ? in->first : NULL; b; b = b->next)
        n++;
    return n;
}

/* The box that a reference means, inside the manifest's own assertions. */
static const struct jumbf_box *find(const struct reading *r, const struct manifest *m, const char *url)
{
    const struct jumbf_box *box = jumbf_find(r->root, m->box, url);
    bool own = box && box->parent && box->parent->sort == JUMBF_ASSERTIONS && box->parent->parent == m->box;

    return own ? box : NULL;
}

void assertions_resolve(struct reading *r, struct manifest *m)
{
    struct claim *c = &m->claim;

    c->boxes = arena_array(r->a, c->nassertions + 1, sizeof *c->boxes);
    if (count(m->box) > C2PA_MAX_BOXES || count(jumbf_child(m->box, "c2pa.assertions")) > C2PA_MAX_BOXES) {
        c->fault = GENERAL_ERROR;
        c->fault_text = "the manifest has too many boxes";
        return;
    }
    for (size_t i = 0; i < c->nassertions; i++) {
        c->boxes[i] = find(r, m, c->assertions[i].url);
        for (size_t k = 0; k < i && c->boxes[i]; k++)
            if (c->boxes[k] == c->boxes[i] && !c->fault_text) {
                c->fault = CLAIM_MALFORMED;
                c->fault_text = "the claim refers to an assertion twice";
            }
    }
    if (c->fault_text)
        c->nassertions = 0; /* nobody looks at them, however many there are */
}

/* ---- redactions ---- */

void redactions_read(struct reading *r)
{
    size_t cap = 0;

    for (size_t i = 0; i < r->nmanifests; i++) {
        const struct manifest *by = &r->manifests[i];

        for (size_t k = 0; k < by->claim.nredacted && r->nredactions < C2PA_MAX_REDACTIONS; k++) {
            const char *url = by->claim.redacted[k];
            struct redaction one = {by, manifest_of_uri(r, url), uri_last(url)};

            if (one.of && one.of != by)
                ARENA_PUSH(r->a, r->redactions, r->nredactions, cap) = one;
        }
    }
}

bool is_redacted(const struct reading *r, const struct manifest *m, const char *label)
{
    for (size_t i = 0; i < r->nredactions; i++)
        if (r->redactions[i].of == m && (!label || text_is(r->redactions[i].label, label)))
            return true;
    return false;
}

/* ---- references ---- */

/* Whether there is still room for a hash of so many bytes; one status says when there is not. */
static bool may_hash(struct reading *r, const struct manifest *m, size_t n)
{
    bool had_room = r->hashed <= C2PA_MAX_HASHED;

    r->hashed += n;
    if (had_room && r->hashed > C2PA_MAX_HASHED)
        status_add(r, GENERAL_ERROR, NULL, m->uri, "the references in the store make too much to hash");
    return r->hashed <= C2PA_MAX_HASHED;
}

static void compare(struct reading *r, const struct manifest *m, const struct hashed_uri *u, const char *url,
                    const struct jumbf_box *box)
{
    const char *alg = u->alg ? u->alg : m->claim.alg;
    const EVP_MD *md = digest_named(alg);

    if (!md)
        status_add(r, ALGORITHM_UNSUPPORTED, m->via, url, "unknown hash algorithm: %s", alg ? alg : "none");
    else if (may_hash(r, m, box->body.len) && digest_matches(md, box->body, u->hash))
        status_add(r, ASSERTION_MATCH, m->via, url, "hashed uri matched: %s", u->url);
    else
        status_add(r, ASSERTION_MISMATCH, m->via, url, "hash does not match assertion data: %s", u->url);
}

static void check_one(struct reading *r, const struct manifest *m, const struct hashed_uri *u,
                      const struct jumbf_box *box)
{
    const char *url = uri_absolute(r->a, m, u->url);
    const struct manifest *other = manifest_of_uri(r, u->url);

    if (is_redacted(r, m, uri_last(u->url)))
        return;
    if (other && other != m)
        status_add(r, ASSERTION_OUTSIDE, m->via, url, "assertion reference to external assertion store: %s",
                   u->url);
    else if (!box)
        status_add(r, ASSERTION_MISSING, m->via, url, "cannot find matching assertion: %s", u->url);
    else
        compare(r, m, u, url, box);
}

static bool is_referred(const struct claim *c, const struct jumbf_box *box)
{
    for (size_t i = 0; i < c->nassertions; i++)
        if (c->boxes[i] == box || (!c->boxes[i] && text_is(uri_last(c->assertions[i].url), box->label)))
            return true; /* a reference that leads nowhere is told as such, and its box not once more */
    return false;
}

/* Every superbox in the assertion store is one that the claim knows. */
static void check_undeclared(struct reading *r, const struct manifest *m)
{
    const struct jumbf_box *all = jumbf_child(m->box, "c2pa.assertions");

    for (const struct jumbf_box *b = all ? all->first : NULL; b; b = b->next)
        if (b->label && !is_referred(&m->claim, b))
            status_add(r, ASSERTION_UNDECLARED, m->via,
                       arena_printf(r->a, "%s%s", m->assertions_uri, b->label),
                       "assertion is not referenced by the claim");
}

/* What can be read by its kind must be readable: data that nobody can read has been agreed to by nobody. */
static void check_readable(struct reading *r, const struct manifest *m, const struct hashed_uri *u,
                           const struct jumbf_box *box)
{
    const struct jumbf_box *content = box ? jumbf_content(box, TYPE_CBOR) : NULL;
    struct cbor item;

    if (content && cbor_read(content->body, &item, NULL) < 0 && !is_redacted(r, m, box->label))
        status_add(r, ASSERTION_CBOR_INVALID, m->via, uri_absolute(r->a, m, u->url),
                   "the assertion is no readable CBOR");
}

/* A claim may take out what others have said, but neither actions nor hashes, and nothing of its own. */
static void check_redactions(struct reading *r, const struct manifest *m)
{
    for (size_t i = 0; i < m->claim.nredacted; i++) {
        const char *url = m->claim.redacted[i], *label = uri_last(url);

        if (manifest_of_uri(r, uri_absolute(r->a, m, url)) == m)
            status_add(r, ASSERTION_SELF_REDACTED, m->via, url, "claim contains self redaction");
        if (label_is(label, "c2pa.actions"))
            status_add(r, ASSERTION_ACTION_REDACTED, m->via, url,
                       "redaction of action assertions disallowed");
        if (is_hard_binding(label))
            status_add(r, ASSERTION_BINDING_REDACTED, m->via, url, "redaction of disallowed hash assertion");
    }
}

void assertions_check(struct reading *r, struct manifest *m)
{
    check_redactions(r, m);
    for (size_t i = 0; i < m->claim.nassertions; i++) {
        check_one(r, m, &m->claim.assertions[i], m->claim.boxes[i]);
        check_readable(r, m, &m->claim.assertions[i], m->claim.boxes[i]);
    }
    check_undeclared(r, m);
}
