/*     answer        SEQUENCE { status SEQUENCE { 0 or 1, ... }, token }
 *     token         SEQUENCE { OID, [0] { signed data } }
 *     signed data   SEQUENCE { version, SET digests, SEQUENCE content, [0] certificates, [1] lists, SET
 * signers } signer        SEQUENCE { version, SEQUENCE { issuer, serial } or [0] key identifier, ... }
 *     certificate   SEQUENCE { SEQUENCE { [0] version, serial, SEQUENCE algorithm, issuer, ... }, ... } */
#include "c2pa/token_int.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/ts.h>
#include <string.h>
#include <time.h>

#include "c2pa/der_int.h"
#include "c2pa/trust_int.h"

enum { DER_KEY_ID = 0x80 };

static bool same(struct bytes a, struct bytes b)
{
    return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

/* ---- taking it apart ---- */

/* *b becomes the token inside an answer that grants it; a token stays as it is. */
static bool unpack_answer(struct bytes *b)
{
    struct bytes outer = *b, in, status_in;
    struct der seq, first, status;

    if (!der_take(&outer, DER_SEQUENCE, &seq))
        return false;
    in = seq.body;
    if (!der_next(&in, &first))
        return false;
    if (first.tag == DER_OID)
        return true;
    status_in = first.body;
    if (first.tag != DER_SEQUENCE || !der_take(&status_in, DER_INTEGER, &status) || status.body.len != 1 ||
        status.body.data[0] > 1)
        return false;
    *b = in;
    return true;
}

/* The parts of signed data that matter. */
struct parts {
    struct der version, digests, content, certificates, signers;
};

static bool split(struct bytes b, struct parts *ret)
{
    struct der outer, type, inner, data, lists;

    if (!der_take(&b, DER_SEQUENCE, &outer) || !der_take(&outer.body, DER_OID, &type) ||
        !der_take(&outer.body, DER_0, &inner) || !der_take(&inner.body, DER_SEQUENCE, &data))
        return false;
    b = data.body;
    if (!der_take(&b, DER_INTEGER, &ret->version) || !der_take(&b, DER_SET, &ret->digests) ||
        !der_take(&b, DER_SEQUENCE, &ret->content) || !der_take(&b, DER_0, &ret->certificates))
        return false;
    der_take(&b, DER_1, &lists);
    return der_take(&b, DER_SET, &ret->signers) && b.len == 0;
}

/* The same signed data without certificates. */
static struct bytes without_certificates(struct arena *a, const struct parts *p)
{
    static const uint8_t signed_oid[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02};
    struct bytes data[] = {p->version.raw, p->digests.raw, p->content.raw, p->signers.raw};
    struct bytes outer[] = {bytes_of(signed_oid, sizeof signed_oid), {0}};
    struct bytes seq = der_wrap(a, DER_SEQUENCE, data, COUNT_OF(data));

    outer[1] = der_wrap(a, DER_0, &seq, 1);
    return der_wrap(a, DER_SEQUENCE, outer, COUNT_OF(outer));
}

static bool list_certificates(struct token *t, struct bytes b)
{
    struct der one;

    while (b.len > 0) {
        if (!der_next(&b, &one))
            return false;
        if (one.tag != DER_SEQUENCE)
            continue; /* of attributes, or of kinds long gone */
        if (t->n == TOKEN_MAX_CERTIFICATES)
            return false;
        t->certificates[t->n++] = one.raw;
    }
    return true;
}

/* ---- who has signed ---- */

static bool is_named(struct bytes certificate, struct bytes issuer, struct bytes serial)
{
    struct der cert, body, version, number, alg, by;

    if (!der_take(&certificate, DER_SEQUENCE, &cert) || !der_take(&cert.body, DER_SEQUENCE, &body))
        return false;
    der_take(&body.body, DER_0, &version);
    return der_take(&body.body, DER_INTEGER, &number) && der_take(&body.body, DER_SEQUENCE, &alg) &&
           der_take(&body.body, DER_SEQUENCE, &by) && same(number.raw, serial) && same(by.raw, issuer);
}

static X509 *find_by_name(struct reading *r, const struct token *t, struct bytes sid)
{
    struct der issuer, serial;

    if (!der_take(&sid, DER_SEQUENCE, &issuer) || !der_take(&sid, DER_INTEGER, &serial))
        return NULL;
    for (size_t i = 0; i < t->n; i++)
        if (is_named(t->certificates[i], issuer.raw, serial.raw))
            return certificate_read(&r->certificates, t->certificates[i]);
    return NULL;
}

static X509 *find_by_key(struct reading *r, const struct token *t, struct bytes id)
{
    for (size_t i = 0; i < t->n; i++) {
        X509 *x = certificate_read(&r->certificates, t->certificates[i]);
        const ASN1_OCTET_STRING *has = x ? X509_get0_subject_key_id(x) : NULL;

        if (has && same(bytes_of(ASN1_STRING_get0_data(has), (size_t)ASN1_STRING_length(has)), id))
            return x;
        X509_free(x);
    }
    return NULL;
}

/* There must be one signer. */
static X509 *find_signer(struct reading *r, const struct token *t, struct bytes signers)
{
    struct der one, version, sid;

    if (!der_take(&signers, DER_SEQUENCE, &one) || signers.len > 0 ||
        !der_take(&one.body, DER_INTEGER, &version) || !der_next(&one.body, &sid))
        return NULL;
    if (sid.tag == DER_SEQUENCE)
        return find_by_name(r, t, sid.body);
    return sid.tag == DER_KEY_ID ? find_by_key(r, t, sid.body) : NULL;
}

/* ---- what is signed ---- */

/* Seconds since 1970, 0 when it is none. */
static int64_t time_of(const TS_TST_INFO *info)
{
    const ASN1_GENERALIZEDTIME *g = TS_TST_INFO_get_time(info);
    struct tm tm;

    if (!g || ASN1_TIME_to_tm(g, &tm) != 1)
        return 0;
    return (int64_t)timegm(&tm);
}

static void read_imprint(struct arena *a, TS_TST_INFO *info, struct token *t)
{
    TS_MSG_IMPRINT *imprint = TS_TST_INFO_get_msg_imprint(info);
    const ASN1_OCTET_STRING *hash = TS_MSG_IMPRINT_get_msg(imprint);
    const ASN1_OBJECT *alg = NULL;
    size_t n = (size_t)ASN1_STRING_length(hash);

    X509_ALGOR_get0(&alg, NULL, NULL, TS_MSG_IMPRINT_get_algo(imprint));
    t->imprint = OBJ_obj2nid(alg);
    t->hash = bytes_of(arena_strndup(a, (const char *)ASN1_STRING_get0_data(hash), n), n);
}

static CMS_ContentInfo *read_cms(struct bytes b)
{
    const uint8_t *at = b.data;

    return d2i_CMS_ContentInfo(NULL, &at, (long)b.len);
}

static bool read_info(struct arena *a, struct token *t)
{
    CMS_ContentInfo *cms = read_cms(t->signed_data);
    ASN1_OCTET_STRING **content = cms ? CMS_get0_content(cms) : NULL;
    TS_TST_INFO *info = NULL;
    const uint8_t *at;

    if (content && *content && OBJ_obj2nid(CMS_get0_eContentType(cms)) == NID_id_smime_ct_TSTInfo) {
        at = ASN1_STRING_get0_data(*content);
        info = d2i_TS_TST_INFO(NULL, &at, ASN1_STRING_length(*content));
    }
    if (info) {
        t->at = time_of(info);
        read_imprint(a, info, t);
    }
    TS_TST_INFO_free(info);
    CMS_ContentInfo_free(cms);
    return t->at > 0;
}

bool token_read(struct reading *r, struct bytes b, struct token *ret)
{
    struct token t = {0};
    struct parts p;
    bool ok = unpack_answer(&b) && split(b, &p) && list_certificates(&t, p.certificates.body);

    if (ok) {
        t.signed_data = without_certificates(r->a, &p);
        t.signer = find_signer(r, &t, p.signers.body);
        ok = t.signer && read_info(r->a, &t);
    }
    if (ok)
        *ret = t;
    else
        token_clear(&t);
    return ok;
}

void token_clear(struct token *t)
{
    X509_free(t->signer);
    t->signer = NULL;
    ERR_clear_error();
}

bool token_verify(const struct token *t)
{
    STACK_OF(X509) *signer = sk_X509_new_null();
    CMS_ContentInfo *cms = read_cms(t->signed_data);
    BIO *out = BIO_new(BIO_s_null());
    bool ok = signer && cms && out && sk_X509_push(signer, t->signer) > 0 &&
              CMS_verify(cms, signer, NULL, NULL, out, CMS_NO_SIGNER_CERT_VERIFY | CMS_BINARY) == 1;

    BIO_free(out);
    CMS_ContentInfo_free(cms);
    sk_X509_free(signer);
    return ok;
}

STACK_OF(X509) * token_certificates(struct reading *r, const struct token *t)
{
    STACK_OF(X509) *all = sk_X509_new_null();

    for (size_t i = 0; all && i < t->n; i++) {
        X509 *x = certificate_read(&r->certificates, t->certificates[i]);

        if (x && sk_X509_push(all, x) <= 0)
            X509_free(x);
    }
    return all;
}
