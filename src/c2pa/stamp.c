/* What is stamped: of sigTst the claim as if it were countersigned, of sigTst2 the signature (as an encoded
 * byte string, in the place of the claim). The token is a bare one or inside a full answer of the authority;
 * both are met under both names. */
#include "c2pa/stamp_int.h"

#include "c2pa/digest_int.h"
#include "c2pa/token_int.h"
#include "c2pa/trust_int.h"

/* ---- finding it ---- */

static bool find_header(const struct cose *c, struct cbor *ret, bool *ret_second)
{
    *ret_second = cbor_get(&c->unprotected, "sigTst2", ret);
    return *ret_second || cbor_get(&c->unprotected, "sigTst", ret);
}

/* The one token of {tstTokens: [{val}]}; empty when it is not so. */
static struct bytes only_token(struct arena *a, const struct cbor *header)
{
    struct cbor list, item, more, val;
    struct cbor_cursor at;

    if (!cbor_get(header, "tstTokens", &list))
        return bytes_of(NULL, 0);
    at = cbor_items(&list);
    if (!cbor_next(&at, &item) || cbor_next(&at, &more) || !cbor_get(&item, "val", &val) ||
        val.kind != CBOR_BYTES || val.body.len > STAMP_MAX)
        return bytes_of(NULL, 0);
    return cbor_string(a, &val);
}

/* ---- judging it ---- */

static bool is_stamp_of(const struct token *t, struct bytes message)
{
    const EVP_MD *md = EVP_get_digestbynid(t->imprint);

    return md && EVP_MD_get_size(md) >= 32 && digest_matches(md, message, t->hash);
}

static bool is_trusted(struct reading *r, const struct token *t)
{
    const struct c2pa_trust *trust = r->opts->trust;
    STACK_OF(X509) * chain;
    bool ok;

    if (!trust || certificate_fault(t->signer, TRUST_STAMPING, trust))
        return false;
    chain = token_certificates(r, t);
    ok = trust_holds(trust, TRUST_STAMPING, t->signer, chain, t->at);
    sk_X509_pop_free(chain, X509_free);
    return ok;
}

/* When the token holds what it should, its time counts, trusted or not. */
static struct stamp judge(struct reading *r, const struct manifest *m, struct token *t, struct bytes message)
{
    struct stamp s = {.at = t->at};
    const char *via = m->via, *url = m->signature_uri, *name = certificate_common_name(r->a, t->signer);

    if (!name)
        name = "an authority without a name";
    if (!token_verify(t)) {
        status_add(r, STAMP_UNTRUSTED, via, url, "timestamp signed data did not match signature");
    } else if (!certificate_valid_at(t->signer, t->at)) {
        status_add(r, STAMP_OUTSIDE_VALIDITY, via, url,
                   "timestamp signer outside of certificate validity: %s", name);
    } else if (!is_stamp_of(t, message)) {
        status_add(r, STAMP_MISMATCH, via, url, "timestamp message digest did not match: %s", name);
    } else {
        status_add(r, STAMP_VALIDATED, via, url, "timestamp message digest matched: %s", name);
        s.trusted = is_trusted(r, t);
        status_add(r, s.trusted ? STAMP_TRUSTED : STAMP_UNTRUSTED, via, url, "timestamp cert %s: %s",
                   s.trusted ? "trusted" : "untrusted", name);
        return s;
    }
    return (struct stamp){0};
}

struct stamp stamp_check(struct reading *r, const struct manifest *m, const struct cose *c)
{
    struct stamp s = {0};
    struct token t;
    struct cbor header;
    struct bytes der, message;
    bool second;

    if (!find_header(c, &header, &second))
        return s;
    der = only_token(r->a, &header);
    if (der.len == 0 || !token_read(r, der, &t)) {
        status_add(r, STAMP_MALFORMED, m->via, m->signature_uri, "could not parse timestamp data");
        return s;
    }
    message = second ? cose_byte_string(r->a, c->signature) : m->claim.signed_bytes;
    s = judge(r, m, &t, cose_message(r->a, "CounterSignature", c->protected_, message));
    token_clear(&t);
    return s;
}
