/* The signature of a claim, and what stands behind it: first when it was made, then whether that certificate
 * could and may sign then, whether somebody known vouches for it, and at last the signature itself.
 *
 * Which time counts: that of a time stamp; of a claim of version 2 only of one whose authority is trusted, as
 * the specification wants. Without one it is now. Whether the operator trusts the signer is asked for the
 * time of a trusted stamp or for now, so that nobody can date a lost key back with a stamp of his own. */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/text.h"
#include "c2pa/ocsp_int.h"
#include "c2pa/stamp_int.h"
#include "c2pa/trust_int.h"

/* The certificates of a signature, read. */
struct chain {
    X509 *leaf; /* NULL: none, or one that cannot be read */
    STACK_OF(X509) * others;
};

static void chain_clear(struct chain *c)
{
    X509_free(c->leaf);
    sk_X509_pop_free(c->others, X509_free);
    ERR_clear_error();
}

/* The others are of use only to whom asks for an issuer: each costs as much as the rest of the reading. */
static struct chain chain_read(struct reading *r, const struct cose *c, bool with_others)
{
    struct chain chain = {.others = sk_X509_new_null()};

    if (c->nchain > 0)
        chain.leaf = certificate_read(&r->certificates, c->chain[0]);
    for (size_t i = 1; with_others && chain.others && i < c->nchain; i++) {
        X509 *x = certificate_read(&r->certificates, c->chain[i]);

        if (x && sk_X509_push(chain.others, x) <= 0)
            X509_free(x);
    }
    return chain;
}

/* The claim must name the signature box of its own manifest. */
static const struct jumbf_box *find_box(struct reading *r, const struct manifest *m)
{
    const struct manifest *named = manifest_of_uri(r, m->claim.signature);
    const struct jumbf_box *box = jumbf_child(m->box, "c2pa.signature");

    if (!box || (named && named != m) || !text_is(uri_last(m->claim.signature), box->label))
        return NULL;
    return jumbf_content(box, TYPE_CBOR);
}

static void describe(struct reading *r, struct manifest *m, const struct cose *c, X509 *leaf)
{
    struct signature_info *info = &m->signature;

    info->alg = c->alg ? cose_alg_name(c->alg) : NULL;
    info->issuer = certificate_organisation(r->a, leaf);
    info->common_name = certificate_common_name(r->a, leaf);
    info->serial = certificate_serial(r->a, leaf);
}

/* The profile, validity and trust of the certificate. False when a signature by it cannot count. */
static bool check_certificate(struct reading *r, struct manifest *m, const struct chain *chain,
                              const struct stamp *stamp)
{
    bool dated = stamp->at > 0 && (stamp->trusted || m->claim.version == 1);
    int64_t at = dated ? stamp->at : r->opts->now;
    const struct c2pa_trust *trust = r->opts->trust;
    const char *fault = certificate_fault(chain->leaf, TRUST_SIGNING, trust);
    bool valid = certificate_valid_at(chain->leaf, at);

    if (fault)
        status_add(r, CREDENTIAL_INVALID, m->via, m->signature_uri, "%s", fault);
    if (!valid)
        status_add(r, CREDENTIAL_EXPIRED, m->via, m->signature_uri, "certificate expired");
    if (trust_holds(trust, TRUST_SIGNING, chain->leaf, chain->others,
                    stamp->trusted ? stamp->at : r->opts->now))
        status_add(r, CREDENTIAL_TRUSTED, m->via, m->signature_uri, "signing certificate trusted");
    else
        status_add(r, CREDENTIAL_UNTRUSTED, m->via, m->signature_uri, "signing certificate untrusted");
    return valid;
}

static void check_signed(struct reading *r, struct manifest *m, const struct cose *c,
                         const struct chain *chain)
{
    struct stamp stamp = stamp_check(r, m, c);
    EVP_PKEY *key = X509_get0_pubkey(chain->leaf);
    bool valid, ok;

    m->signature.stamped_at = stamp.at;
    m->signature.stamp_trusted = stamp.trusted;
    ocsp_check(r, m, c, chain->leaf, chain->others, stamp.trusted ? stamp.at : r->opts->now);
    valid = check_certificate(r, m, chain, &stamp);
    ok = key && cose_verify(r->a, c, key, m->claim.signed_bytes);
    if (!ok || !valid) {
        status_add(r, CLAIM_SIGNATURE_MISMATCH, m->via, m->signature_uri, "%s",
                   ok ? "claim signature is not valid: the certificate was not valid at that time"
                      : "claim signature is not valid");
        return;
    }
    status_add(r, CLAIM_SIGNATURE_INSIDE_VALIDITY, m->via, m->signature_uri, "claim signature valid");
    status_add(r, CLAIM_SIGNATURE_VALIDATED, m->via, m->signature_uri, "claim signature valid");
}

void signature_check(struct reading *r, struct manifest *m)
{
    const struct jumbf_box *content = find_box(r, m);
    struct chain chain;
    struct cose c;
    struct err err = {0};

    if (!content) {
        status_add(r, CLAIM_SIGNATURE_MISSING, m->via, m->signature_uri, "signature missing");
        return;
    }
    if (cose_read(r->a, content->body, &c, &err) < 0) {
        status_add(r, CLAIM_SIGNATURE_MISMATCH, m->via, m->signature_uri, "%s", err.text);
        return;
    }
    chain = chain_read(r, &c, r->opts->trust || ocsp_has(&c));
    if (chain.leaf)
        describe(r, m, &c, chain.leaf);
    if (!c.alg)
        status_add(r, ALGORITHM_UNSUPPORTED, m->via, m->signature_uri,
                   "unsupported or missing Cose algorithm");
    if (!chain.leaf)
        status_add(r, CREDENTIAL_INVALID, m->via, m->signature_uri,
                   "there is no certificate that can be read");
    if (c.alg && chain.leaf)
        check_signed(r, m, &c, &chain);
    else
        status_add(r, CLAIM_SIGNATURE_MISMATCH, m->via, m->signature_uri, "claim signature is not valid");
    chain_clear(&chain);
}
