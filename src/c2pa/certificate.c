/* The certificate profile of C2PA (specification, "X.509 certificates"): what a certificate that signs must
 * be like, whoever has issued it. */
#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/text.h"
#include "c2pa/trust_int.h"

enum { RSA_LEAST_BITS = 2048, OID_TEXT = 128, NAME_MAX_BYTES = 256 };

static bool is_one_of(int nid, const int *nids, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (nids[i] == nid)
            return true;
    return false;
}

static bool is_signed_well(const X509 *x)
{
    static const int nids[] = {
        NID_sha256WithRSAEncryption,
        NID_sha384WithRSAEncryption,
        NID_sha512WithRSAEncryption,
        NID_ecdsa_with_SHA256,
        NID_ecdsa_with_SHA384,
        NID_ecdsa_with_SHA512,
        NID_rsassaPss,
        NID_ED25519,
    };

    return is_one_of(X509_get_signature_nid(x), nids, COUNT_OF(nids));
}

static bool is_known_curve(const EVP_PKEY *key)
{
    static const int nids[] = {NID_X9_62_prime256v1, NID_secp384r1, NID_secp521r1};
    char name[64];

    return EVP_PKEY_get_group_name(key, name, sizeof name, NULL) == 1 &&
           is_one_of(OBJ_txt2nid(name), nids, COUNT_OF(nids));
}

static const char *key_fault(const X509 *x)
{
    EVP_PKEY *key = X509_get0_pubkey(x);

    if (!key)
        return "the certificate's key cannot be read";
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
        return EVP_PKEY_get_bits(key) < RSA_LEAST_BITS ? "the certificate's RSA key is too short" : NULL;
    case EVP_PKEY_EC:
        return is_known_curve(key) ? NULL : "the certificate's key is on a curve that is not allowed";
    case EVP_PKEY_ED25519:
        return NULL;
    default:
        return "the certificate's key is of a kind that is not allowed";
    }
}

/* What it is and is not: an end entity of today's kind. */
static const char *nature_fault(X509 *x, uint32_t flags)
{
    const ASN1_BIT_STRING *issuer = NULL, *subject = NULL;

    X509_get0_uids(x, &issuer, &subject);
    if (X509_get_version(x) != X509_VERSION_3)
        return "the certificate is not of version 3";
    if (flags & (EXFLAG_INVALID | EXFLAG_CRITICAL))
        return "the certificate has extensions that are malformed, or critical and not known";
    if (flags & EXFLAG_CA)
        return "the certificate is one of an authority, not of a signer";
    if (flags & EXFLAG_SI)
        return "the certificate is signed by itself";
    if (issuer || subject)
        return "the certificate has unique identifiers";
    return X509_get0_authority_key_id(x) ? NULL : "the certificate does not name the key of its issuer";
}

static const char *usage_fault(X509 *x, uint32_t flags)
{
    uint32_t usage = X509_get_key_usage(x);

    if (!(flags & EXFLAG_KUSAGE) || !(usage & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)))
        return "the certificate is not made for digital signatures";
    return usage & KU_KEY_CERT_SIGN ? "the certificate may sign certificates without being of an authority"
                                    : NULL;
}

static bool is_for(const EXTENDED_KEY_USAGE *list, enum trust_use use, const struct c2pa_trust *t)
{
    char oid[OID_TEXT];

    for (int i = 0; i < sk_ASN1_OBJECT_num(list); i++) {
        const ASN1_OBJECT *o = sk_ASN1_OBJECT_value(list, i);

        if (use == TRUST_STAMPING && OBJ_obj2nid(o) == NID_time_stamp)
            return true;
        if (use == TRUST_SIGNING && OBJ_obj2txt(oid, sizeof oid, o, 1) > 0 && trust_allows_eku(t, oid))
            return true;
    }
    return false;
}

/* Who stamps times or answers for revocations does nothing else. */
static bool is_mixed(const EXTENDED_KEY_USAGE *list)
{
    int n = sk_ASN1_OBJECT_num(list), special = 0;

    for (int i = 0; i < n; i++) {
        int nid = OBJ_obj2nid(sk_ASN1_OBJECT_value(list, i));

        special += nid == NID_time_stamp || nid == NID_OCSP_sign;
    }
    return special > 0 && n > 1;
}

static const char *purpose_fault(X509 *x, enum trust_use use, const struct c2pa_trust *t)
{
    EXTENDED_KEY_USAGE *list = X509_get_ext_d2i(x, NID_ext_key_usage, NULL, NULL);
    const char *fault = NULL;

    if (!list)
        return "the certificate does not say what it is made for";
    if (X509_get_extended_key_usage(x) & XKU_ANYEKU)
        fault = "the certificate is made for any purpose";
    else if (!is_for(list, use, t))
        fault = "the certificate is made for another purpose";
    else if (is_mixed(list))
        fault = "the certificate is made for purposes that exclude each other";
    sk_ASN1_OBJECT_pop_free(list, ASN1_OBJECT_free);
    return fault;
}

const char *certificate_fault(X509 *x, enum trust_use use, const struct c2pa_trust *t)
{
    uint32_t flags = X509_get_extension_flags(x);
    const char *fault = nature_fault(x, flags);

    if (!fault && !is_signed_well(x))
        fault = "the certificate is signed with an algorithm that is not allowed";
    if (!fault)
        fault = key_fault(x);
    if (!fault)
        fault = usage_fault(x, flags);
    return fault ? fault : purpose_fault(x, use, t);
}

static X509 *decode(struct bytes b)
{
    const uint8_t *at = b.data;
    X509 *x = d2i_X509(NULL, &at, (long)b.len);

    if (x && at != b.data + b.len) {
        X509_free(x);
        return NULL;
    }
    return x;
}

X509 *certificate_read(struct certificates *kept, struct bytes b)
{
    X509 *x;

    for (size_t i = 0; i < kept->n; i++)
        if (kept->items[i].der.len == b.len && memcmp(kept->items[i].der.data, b.data, b.len) == 0)
            return X509_up_ref(kept->items[i].x) == 1 ? kept->items[i].x : NULL;
    x = decode(b);
    if (x && kept->n < CERTIFICATES_KEPT && X509_up_ref(x) == 1) {
        kept->items[kept->n].der = b;
        kept->items[kept->n++].x = x;
    }
    return x;
}

void certificates_clear(struct certificates *kept)
{
    while (kept->n > 0)
        X509_free(kept->items[--kept->n].x);
}

bool certificate_valid_at(const X509 *x, int64_t at)
{
    int begun = ASN1_TIME_cmp_time_t(X509_get0_notBefore(x), (time_t)at);
    int ended = ASN1_TIME_cmp_time_t(X509_get0_notAfter(x), (time_t)at);

    return (begun == -1 || begun == 0) && (ended == 0 || ended == 1);
}

/* ---- names ---- */

static const char *name_entry(struct arena *a, const X509 *x, int nid)
{
    const X509_NAME *name = X509_get_subject_name(x);
    uint8_t *text = NULL;
    const char *s = NULL;
    int at = -1, next, n;

    while ((next = X509_NAME_get_index_by_NID(name, nid, at)) >= 0)
        at = next;
    if (at < 0)
        return NULL;
    n = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    if (n > 0 && n <= NAME_MAX_BYTES && text_is_utf8((const char *)text, (size_t)n) &&
        !memchr(text, 0, (size_t)n))
        s = arena_strndup(a, (const char *)text, (size_t)n);
    OPENSSL_free(text);
    return s;
}

const char *certificate_organisation(struct arena *a, const X509 *x)
{
    return name_entry(a, x, NID_organizationName);
}

const char *certificate_common_name(struct arena *a, const X509 *x)
{
    return name_entry(a, x, NID_commonName);
}

/* At most 20 bytes by RFC 5280; a longer one is of no use to anybody, and turning it costs its square. */
const char *certificate_serial(struct arena *a, X509 *x)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(x);
    BIGNUM *n = ASN1_STRING_length(serial) <= 64 ? ASN1_INTEGER_to_BN(serial, NULL) : NULL;
    char *text = n ? BN_bn2dec(n) : NULL;
    const char *s = arena_strdup(a, text);

    OPENSSL_free(text);
    BN_free(n);
    return s;
}
