/* {ocspVals: [DER of an OCSP response, ...]}. An answer counts when the certificate's issuer has signed it,
 * or somebody to whom the issuer has given that (RFC 6960, 4.2.2.2), and when it is about this certificate.
 * "Revoked" counts from the time of revocation on. */
#include "c2pa/ocsp_int.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>

enum { MAX_ANSWER = 1 << 16, MAX_ANSWERS = 4 };

enum word { NO_WORD, GOOD, REVOKED };

static X509 *issuer_of(X509 *leaf, STACK_OF(X509) * others)
{
    for (int i = 0; i < sk_X509_num(others); i++)
        if (X509_check_issued(sk_X509_value(others, i), leaf) == X509_V_OK)
            return sk_X509_value(others, i);
    return NULL;
}

/* Whether the issuer stands behind the answer. */
static bool is_answered_by(OCSP_BASICRESP *basic, X509 *issuer)
{
    X509_STORE *store = X509_STORE_new();
    STACK_OF(X509) *self = sk_X509_new_null();
    bool ok = store && self && sk_X509_push(self, issuer) > 0 && X509_STORE_add_cert(store, issuer) == 1;

    if (ok) {
        /* Whether the certificates are valid now is not the question: the answer is from back then. */
        X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME);
        ok = OCSP_basic_verify(basic, self, store, OCSP_PARTIAL_CHAIN | OCSP_TRUSTOTHER) == 1;
    }
    sk_X509_free(self);
    X509_STORE_free(store);
    return ok;
}

static enum word word_on(OCSP_BASICRESP *basic, X509 *leaf, X509 *issuer, int64_t at)
{
    static const EVP_MD *(*const digests[])(void) = {EVP_sha1, EVP_sha256};
    ASN1_GENERALIZEDTIME *when = NULL;
    int status = -1, found = 0;

    for (size_t i = 0; i < COUNT_OF(digests) && !found; i++) {
        OCSP_CERTID *id = OCSP_cert_to_id(digests[i](), leaf, issuer);

        found = id && OCSP_resp_find_status(basic, id, &status, NULL, &when, NULL, NULL) == 1;
        OCSP_CERTID_free(id);
    }
    if (!found)
        return NO_WORD;
    if (status == V_OCSP_CERTSTATUS_GOOD)
        return GOOD;
    if (status != V_OCSP_CERTSTATUS_REVOKED)
        return NO_WORD;
    return when && ASN1_TIME_cmp_time_t(when, (time_t)at) == 1 ? GOOD : REVOKED;
}

static enum word read_answer(struct bytes der, X509 *leaf, X509 *issuer, int64_t at)
{
    const uint8_t *p = der.data;
    OCSP_RESPONSE *answer = d2i_OCSP_RESPONSE(NULL, &p, (long)der.len);
    OCSP_BASICRESP *basic = NULL;
    enum word word = NO_WORD;

    if (answer && OCSP_response_status(answer) == OCSP_RESPONSE_STATUS_SUCCESSFUL)
        basic = OCSP_response_get1_basic(answer);
    if (basic && is_answered_by(basic, issuer))
        word = word_on(basic, leaf, issuer, at);
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(answer);
    ERR_clear_error();
    return word;
}

bool ocsp_has(const struct cose *c)
{
    struct cbor v;

    return cbor_get(&c->unprotected, "rVals", &v);
}

void ocsp_check(struct reading *r, const struct manifest *m, const struct cose *c, X509 *leaf,
                STACK_OF(X509) * others, int64_t at)
{
    X509 *issuer = issuer_of(leaf, others);
    enum word word = NO_WORD;
    struct cbor values, list, item;
    struct cbor_cursor cursor;

    if (!cbor_get(&c->unprotected, "rVals", &values) || !cbor_get(&values, "ocspVals", &list))
        return;
    cursor = cbor_items(&list);
    for (int i = 0; issuer && word == NO_WORD && i < MAX_ANSWERS && cbor_next(&cursor, &item); i++)
        if (item.kind == CBOR_BYTES && item.body.len <= MAX_ANSWER)
            word = read_answer(cbor_string(r->a, &item), leaf, issuer, at);
    if (word == GOOD)
        status_add(r, OCSP_NOT_REVOKED, m->via, m->signature_uri, "signing certificate not revoked");
    else if (word == REVOKED)
        status_add(r, OCSP_REVOKED, m->via, m->signature_uri, "signing certificate revoked");
    else
        status_add(r, OCSP_SKIPPED, m->via, m->signature_uri, "no usable answer about revocation");
}
