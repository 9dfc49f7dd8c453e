#include "c2pa/reader.h"

#include <string.h>

#include "base/text.h"
#include "c2pa/reader_int.h"
#include "c2pa/trust_int.h"

const char *c2pa_state_name(enum c2pa_state state)
{
    static const char *const names[] = {"None", "Invalid", "Valid", "Trusted"};

    return names[state];
}

/* ---- the store ---- */

static void add_manifest(struct reading *r, const struct jumbf_box *box)
{
    struct manifest *m = &r->manifests[r->nmanifests++];

    m->box = box;
    m->label = box->label;
    m->uri = arena_printf(r->a, "self#jumbf=/c2pa/%s", box->label);
    m->signature_uri = arena_printf(r->a, "%s/c2pa.signature", m->uri);
    m->assertions_uri = arena_printf(r->a, "%s/c2pa.assertions/", m->uri);
}

static bool is_manifest(const struct jumbf_box *b)
{
    return b->sort == JUMBF_MANIFEST || b->sort == JUMBF_UPDATE || b->sort == JUMBF_COMPRESSED;
}

/* False when there are too many. */
static bool find_manifests(struct reading *r)
{
    size_t boxes = 0, n = 0;

    for (const struct jumbf_box *b = r->root->first; b; b = b->next) {
        boxes++;
        n += is_manifest(b);
    }
    if (boxes > C2PA_MAX_BOXES || n > C2PA_MAX_MANIFESTS)
        return false;
    r->manifests = arena_array(r->a, n + 1, sizeof *r->manifests);
    for (const struct jumbf_box *b = r->root->first; b; b = b->next)
        if (is_manifest(b))
            add_manifest(r, b);
    if (n > 0)
        r->active = &r->manifests[n - 1];
    return true;
}

/* Two manifests of one name: a reference could mean either. */
static void check_names(struct reading *r)
{
    for (size_t i = 0; i < r->nmanifests; i++)
        for (size_t k = i + 1; k < r->nmanifests; k++)
            if (text_is(r->manifests[i].label, r->manifests[k].label))
                status_add(r, GENERAL_ERROR, NULL, r->manifests[k].uri, "two manifests have the same label");
}

static void read_claims(struct reading *r)
{
    for (size_t i = 0; i < r->nmanifests; i++) {
        claim_read(r, &r->manifests[i]);
        assertions_resolve(r, &r->manifests[i]);
    }
    redactions_read(r);
    for (size_t i = 0; i < r->nmanifests; i++)
        if (!r->manifests[i].claim.fault_text)
            ingredients_read(r, &r->manifests[i]);
}

/* False, and a status, when there is nothing to judge. */
static bool open_store(struct reading *r)
{
    static const char url[] = "self#jumbf=/c2pa";
    struct err err = {0};

    if (jumbf_read(r->a, r->store.bytes, &r->root, &err) < 0) {
        r->root = NULL;
        status_add(r, GENERAL_ERROR, NULL, url, "%s", err.text);
    } else if (r->root->sort != JUMBF_STORE || !find_manifests(r)) {
        status_add(r, GENERAL_ERROR, NULL, url, "this is no manifest store, or it holds too much");
    } else if (!r->active) {
        status_add(r, CLAIM_MISSING, NULL, url, "the manifest store holds no manifest");
    } else {
        check_names(r);
        read_claims(r);
        return true;
    }
    return false;
}

/* ---- the manifests ---- */

static void check_manifest(struct reading *r, struct manifest *m)
{
    if (m->box->sort == JUMBF_COMPRESSED) {
        status_add(r, MANIFEST_COMPRESSED, m->via, m->uri, "compressed manifests are not read");
        return;
    }
    if (m->claim.fault_text) {
        status_add(r, m->claim.fault, m->via, m->uri, "%s", m->claim.fault_text);
        return;
    }
    signature_check(r, m);
    assertions_check(r, m);
    ingredients_check(r, m);
}

static struct manifest *next_queued(struct reading *r, bool *done)
{
    for (size_t i = 0; i < r->nmanifests; i++)
        if (r->manifests[i].queued && !done[i]) {
            done[i] = true;
            return &r->manifests[i];
        }
    return NULL;
}

static int check_all(struct reading *r, struct err *err)
{
    bool done[C2PA_MAX_MANIFESTS] = {0};
    struct manifest *m;

    r->active->queued = r->active->linked = true;
    done[r->active - r->manifests] = true;
    check_manifest(r, r->active);
    binding_find(r);
    if (!r->active->claim.fault_text && binding_check(r, err) < 0)
        return -1;
    while ((m = next_queued(r, done)))
        check_manifest(r, m);
    ingredients_filter(r);
    return 0;
}

/* ---- the result ---- */

static void add_failures(const struct reading *r, struct c2pa_result *ret)
{
    struct c2pa_failure *f = arena_array(r->a, r->list.n + 1, sizeof *f);
    size_t n = 0;

    for (int via = 0; via < 2; via++)
        for (size_t i = 0; i < r->list.n; i++) {
            const struct status *s = &r->list.items[i];

            if (code_kind(s->code) == STATUS_FAILURE && (s->via != NULL) == via)
                f[n++] = (struct c2pa_failure){code_name(s->code), s->explanation};
        }
    ret->failures = f;
    ret->nfailures = n;
}

static void fill(const struct reading *r, struct c2pa_result *ret)
{
    const struct signature_info *s = r->active ? &r->active->signature : NULL;

    ret->state = state_judge(r);
    add_failures(r, ret);
    if (r->active) {
        forcing_judge(r, ret);
        ret->signer = s->issuer ? s->issuer : s->common_name;
        ret->generator = r->active->claim.generator;
        ret->signed_at = s->stamped_at;
        ret->signed_at_known = s->stamp_trusted;
    }
    render_json(r, ret);
}

/* A fault of the file, and not of reading it. */
static bool is_about_file(enum err_kind kind)
{
    return kind == ERR_DECODE || kind == ERR_LIMIT || kind == ERR_UNSUPPORTED;
}

int c2pa_read(struct arena *a, const struct source *s, const struct c2pa_opts *opts, struct c2pa_result *ret,
              struct err *err)
{
    struct reading r = {.a = a, .s = s, .opts = opts};
    struct c2pa_result result = {0};
    struct err why = {0};
    int found = container_find(a, s, &r.store, &why), failed = 0;

    if (found < 0 && !is_about_file(why.kind))
        return FAIL(err, why.kind, "%s", why.text);
    if (found < 0)
        status_add(&r, GENERAL_ERROR, NULL, "self#jumbf=/c2pa", "%s", why.text);
    if (found > 0 && open_store(&r))
        failed = check_all(&r, err);
    certificates_clear(&r.certificates);
    if (failed < 0)
        return -1;
    if (found != 0)
        fill(&r, &result);
    *ret = result;
    return 0;
}
