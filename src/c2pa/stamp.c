/* What is stamped: of sigTst the claim as if it were countersigned, of sigTst2 the signature (as an encoded
 * byte string, in the place of the claim). The token is a bare one or inside a full answer of the authority;
 * both are met under both names. */
#include "c2pa/stamp_int.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/ts.h>
#include <string.h>

#include "c2pa/digest_int.h"
#include "c2pa/trust_int.h"

/* A token taken apart. */
struct token {
    CMS_ContentInfo *cms;
    TS_TST_INFO *info;
    STACK_OF(X509) * certificates;
    X509 *signer; /* of `certificates` */
    const char *name;
};

static void token_clear(struct token *t)
{
    CMS_ContentInfo_free(t->cms);
    TS_TST_INFO_free(t->info);
    sk_X509_pop_free(t->certificates, X509_free);
    ERR_clear_error();
}

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

/* The DER of the token inside an answer, or b itself. */
static CMS_ContentInfo *read_cms(struct bytes b)
{
    const uint8_t *at = b.data;
    CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)b.len);
    TS_RESP *answer;
    uint8_t *der = NULL;
    int n = 0;

    if (cms)
        return cms;
    at = b.data;
    answer = d2i_TS_RESP(NULL, &at, (long)b.len);
    if (answer && TS_RESP_get_token(answer))
        n = i2d_PKCS7(TS_RESP_get_token(answer), &der);
    at = der;
    cms = n > 0 ? d2i_CMS_ContentInfo(NULL, &at, n) : NULL;
    OPENSSL_free(der);
    TS_RESP_free(answer);
    return cms;
}

static bool read_info(struct token *t)
{
    ASN1_OCTET_STRING **content = CMS_get0_content(t->cms);
    const uint8_t *at;

    if (OBJ_obj2nid(CMS_get0_eContentType(t->cms)) != NID_id_smime_ct_TSTInfo || !content || !*content)
        return false;
    at = ASN1_STRING_get0_data(*content);
    t->info = d2i_TS_TST_INFO(NULL, &at, ASN1_STRING_length(*content));
    return t->info != NULL;
}

static bool token_read(struct bytes b, struct token *ret)
{
    struct token t = {.cms = read_cms(b)};

    if (t.cms && OBJ_obj2nid(CMS_get0_type(t.cms)) == NID_pkcs7_signed && read_info(&t)) {
        *ret = t;
        return true;
    }
    token_clear(&t);
    return false;
}

/* ---- judging it ---- */

/* Whether its signature is one of a certificate inside; that certificate's worth is another question. */
static bool is_signed(struct arena *a, struct token *t)
{
    STACK_OF(X509) *signers = NULL;
    BIO *out = BIO_new(BIO_s_null());
    bool ok = out && CMS_verify(t->cms, NULL, NULL, NULL, out, CMS_NO_SIGNER_CERT_VERIFY | CMS_BINARY) == 1;

    BIO_free(out);
    if (ok)
        signers = CMS_get0_signers(t->cms);
    if (sk_X509_num(signers) == 1)
        t->signer = sk_X509_value(signers, 0);
    sk_X509_free(signers);
    if (!t->signer)
        return false;
    t->certificates = CMS_get1_certs(t->cms);
    t->name = certificate_common_name(a, t->signer);
    if (!t->name)
        t->name = "an authority without a name";
    return true;
}

static bool is_stamp_of(const struct token *t, struct bytes message)
{
    TS_MSG_IMPRINT *imprint = TS_TST_INFO_get_msg_imprint(t->info);
    const ASN1_OBJECT *alg = NULL;
    const ASN1_OCTET_STRING *hash = TS_MSG_IMPRINT_get_msg(imprint);
    const EVP_MD *md;

    X509_ALGOR_get0(&alg, NULL, NULL, TS_MSG_IMPRINT_get_algo(imprint));
    md = EVP_get_digestbyobj(alg);
    if (!md || EVP_MD_get_size(md) < 32)
        return false;
    return digest_matches(md, message,
                          bytes_of(ASN1_STRING_get0_data(hash), (size_t)ASN1_STRING_length(hash)));
}

/* Seconds since 1970, 0 when it is none. */
static int64_t time_of(const struct token *t)
{
    const ASN1_GENERALIZEDTIME *g = TS_TST_INFO_get_time(t->info);
    struct tm tm;

    if (!g || ASN1_TIME_to_tm(g, &tm) != 1)
        return 0;
    return (int64_t)timegm(&tm);
}

static bool is_trusted(const struct reading *r, const struct token *t, int64_t at)
{
    const struct c2pa_trust *trust = r->opts->trust;

    return trust && !certificate_fault(t->signer, TRUST_STAMPING, trust) &&
           trust_holds(trust, TRUST_STAMPING, t->signer, t->certificates, at);
}

/* The token holds what it should: then its time counts, trusted or not. */
static struct stamp judge(struct reading *r, const struct manifest *m, struct token *t, struct bytes message)
{
    struct stamp s = {.at = time_of(t)};
    const char *via = m->via, *url = m->signature_uri;

    if (!is_signed(r->a, t)) {
        status_add(r, STAMP_UNTRUSTED, via, url, "timestamp signed data did not match signature");
    } else if (s.at <= 0) {
        status_add(r, STAMP_MALFORMED, via, url, "timestamp has no time that can be read");
    } else if (!certificate_valid_at(t->signer, s.at)) {
        status_add(r, STAMP_OUTSIDE_VALIDITY, via, url,
                   "timestamp signer outside of certificate validity: %s", t->name);
    } else if (!is_stamp_of(t, message)) {
        status_add(r, STAMP_MISMATCH, via, url, "timestamp message digest did not match: %s", t->name);
    } else {
        status_add(r, STAMP_VALIDATED, via, url, "timestamp message digest matched: %s", t->name);
        s.trusted = is_trusted(r, t, s.at);
        status_add(r, s.trusted ? STAMP_TRUSTED : STAMP_UNTRUSTED, via, url, "timestamp cert %s: %s",
                   s.trusted ? "trusted" : "untrusted", t->name);
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
    if (der.len == 0 || !token_read(der, &t)) {
        ERR_clear_error();
        status_add(r, STAMP_MALFORMED, m->via, m->signature_uri, "could not parse timestamp data");
        return s;
    }
    message = second ? cose_byte_string(r->a, c->signature) : m->claim.signed_bytes;
    s = judge(r, m, &t, cose_message(r->a, "CounterSignature", c->protected_, message));
    token_clear(&t);
    return s;
}
