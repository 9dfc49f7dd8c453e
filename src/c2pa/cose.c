#include "c2pa/cose_int.h"

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <string.h>

enum { TAG_SIGN1 = 18, HEADER_ALG = 1, HEADER_X5CHAIN = 33, HEAD_MAX = 9 };

struct cose_alg {
    int64_t id; /* of the IANA registry of COSE algorithms */
    const char *name;
    int key;            /* EVP_PKEY_* */
    const char *digest; /* NULL: the algorithm has its own */
};
static const struct cose_alg algs[] = {
    {-7, "Es256", EVP_PKEY_EC, "SHA256"},    {-35, "Es384", EVP_PKEY_EC, "SHA384"},
    {-36, "Es512", EVP_PKEY_EC, "SHA512"},   {-37, "Ps256", EVP_PKEY_RSA, "SHA256"},
    {-38, "Ps384", EVP_PKEY_RSA, "SHA384"},  {-39, "Ps512", EVP_PKEY_RSA, "SHA512"},
    {-8, "Ed25519", EVP_PKEY_ED25519, NULL},
};

const char *cose_alg_name(const struct cose_alg *alg)
{
    return alg->name;
}

/* ---- reading ---- */

static const struct cose_alg *alg_of(const struct cbor *headers)
{
    struct cbor v;
    int64_t id;

    if (!cbor_get_number(headers, HEADER_ALG, &v) || !cbor_number(&v, &id))
        return NULL;
    for (size_t i = 0; i < COUNT_OF(algs); i++)
        if (algs[i].id == id)
            return &algs[i];
    return NULL;
}

static bool find_chain(const struct cose *c, struct cbor *ret)
{
    return cbor_get_number(&c->headers, HEADER_X5CHAIN, ret) || cbor_get(&c->headers, "x5chain", ret) ||
           cbor_get_number(&c->unprotected, HEADER_X5CHAIN, ret) || cbor_get(&c->unprotected, "x5chain", ret);
}

static bool add_certificate(struct arena *a, struct cose *c, const struct cbor *item)
{
    if (item->kind != CBOR_BYTES || item->body.len > COSE_MAX_CERTIFICATE || c->nchain == COSE_MAX_CHAIN)
        return false;
    c->chain[c->nchain++] = cbor_string(a, item);
    return true;
}

/* One certificate, or several. */
static bool read_chain(struct arena *a, struct cose *c)
{
    struct cbor chain, item;
    struct cbor_cursor at;

    if (!find_chain(c, &chain))
        return true;
    if (chain.kind == CBOR_BYTES)
        return add_certificate(a, c, &chain);
    at = cbor_items(&chain);
    while (cbor_next(&at, &item))
        if (!add_certificate(a, c, &item))
            return false;
    return chain.kind == CBOR_ARRAY;
}

/* [protected, unprotected, payload, signature], in this order. */
static bool split(struct cbor item, struct cbor ret_parts[4])
{
    struct cbor_cursor at;
    struct cbor more;

    if (item.kind == CBOR_TAG && (item.n != TAG_SIGN1 || !cbor_tagged(&item, &item)))
        return false;
    at = cbor_items(&item);
    for (int i = 0; i < 4; i++)
        if (!cbor_next(&at, &ret_parts[i]))
            return false;
    return item.kind == CBOR_ARRAY && !cbor_next(&at, &more) && ret_parts[0].kind == CBOR_BYTES &&
           ret_parts[1].kind == CBOR_MAP && ret_parts[3].kind == CBOR_BYTES;
}

int cose_read(struct arena *a, struct bytes b, struct cose *ret, struct err *err)
{
    struct cose c = {0};
    struct cbor item, parts[4];

    if (cbor_read_first(b, &item, err) < 0)
        return -1;
    if (!split(item, parts))
        return FAIL(err, ERR_DECODE, "the signature is no COSE_Sign1");
    c.protected_ = cbor_string(a, &parts[0]);
    c.unprotected = parts[1];
    c.signature = cbor_string(a, &parts[3]);
    if (cbor_read(c.protected_, &c.headers, NULL) < 0 || c.headers.kind != CBOR_MAP)
        return FAIL(err, ERR_DECODE, "the signature's protected headers are no CBOR map");
    if (c.signature.len > COSE_MAX_SIGNATURE)
        return FAIL(err, ERR_DECODE, "the signature is longer than any");
    if (!read_chain(a, &c))
        return FAIL(err, ERR_DECODE, "the signature's certificates are malformed, or too many");
    c.alg = alg_of(&c.headers);
    *ret = c;
    return 0;
}

/* ---- what is signed ---- */

/* The head of an item of that major type; returns its size. */
static size_t put_head(uint8_t to[HEAD_MAX], unsigned major, uint64_t n)
{
    unsigned width = n < 24 ? 0 : n <= UINT8_MAX ? 1 : n <= UINT16_MAX ? 2 : n <= UINT32_MAX ? 4 : 8;
    static const uint8_t infos[] = {0, 24, 25, 0, 26, 0, 0, 0, 27};

    to[0] = (uint8_t)(major << 5 | (width ? infos[width] : (unsigned)n));
    for (unsigned i = 0; i < width; i++)
        to[1 + i] = (uint8_t)(n >> 8 * (width - 1 - i));
    return 1 + width;
}

static uint8_t *put_string(uint8_t *to, unsigned major, struct bytes b)
{
    to += put_head(to, major, b.len);
    if (b.len > 0)
        memcpy(to, b.data, b.len);
    return to + b.len;
}

struct bytes cose_byte_string(struct arena *a, struct bytes b)
{
    uint8_t *to = arena_alloc(a, HEAD_MAX + b.len);

    return bytes_of(to, (size_t)(put_string(to, CBOR_BYTES, b) - to));
}

struct bytes cose_message(struct arena *a, const char *context, struct bytes protected_, struct bytes payload)
{
    struct bytes name = bytes_of(context, strlen(context));
    uint8_t *start = arena_alloc(a, 5 * HEAD_MAX + name.len + protected_.len + payload.len), *to = start;

    to += put_head(to, CBOR_ARRAY, 4);
    to = put_string(to, CBOR_TEXT, name);
    to = put_string(to, CBOR_BYTES, protected_);
    to = put_string(to, CBOR_BYTES, bytes_of(NULL, 0));
    to = put_string(to, CBOR_BYTES, payload);
    return bytes_of(start, (size_t)(to - start));
}

/* ---- verifying ---- */

/* r and s one behind the other become what OpenSSL wants; empty when they are not of the key's size. */
static struct bytes der_of(struct arena *a, struct bytes raw, const EVP_PKEY *key)
{
    size_t half = ((size_t)EVP_PKEY_get_bits(key) + 7) / 8;
    ECDSA_SIG *sig = NULL;
    BIGNUM *r = NULL, *s = NULL;
    uint8_t *der = NULL;
    struct bytes b = {0};
    int n = 0;

    if (raw.len != 2 * half)
        return b;
    sig = ECDSA_SIG_new();
    r = BN_bin2bn(raw.data, (int)half, NULL);
    s = BN_bin2bn(raw.data + half, (int)half, NULL);
    if (sig && r && s && ECDSA_SIG_set0(sig, r, s)) {
        r = s = NULL; /* sig has them */
        n = i2d_ECDSA_SIG(sig, &der);
    }
    if (n > 0)
        b = bytes_of(arena_strndup(a, (const char *)der, (size_t)n), (size_t)n);
    OPENSSL_free(der);
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(sig);
    return b;
}

static bool is_key_for(const EVP_PKEY *key, const struct cose_alg *alg)
{
    int is = EVP_PKEY_get_base_id(key);

    return is == alg->key || (alg->key == EVP_PKEY_RSA && is == EVP_PKEY_RSA_PSS);
}

/* PSS with a salt as long as the digest. */
static bool set_padding(EVP_PKEY_CTX *ctx, const struct cose_alg *alg)
{
    return alg->key != EVP_PKEY_RSA || (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0 &&
                                        EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) > 0);
}

bool cose_verify(struct arena *a, const struct cose *c, EVP_PKEY *key, struct bytes payload)
{
    struct bytes message = cose_message(a, "Signature1", c->protected_, payload), sig = c->signature;
    EVP_PKEY_CTX *ctx = NULL;
    EVP_MD_CTX *md;
    bool ok;

    if (!c->alg || !is_key_for(key, c->alg))
        return false;
    if (c->alg->key == EVP_PKEY_EC)
        sig = der_of(a, sig, key);
    md = EVP_MD_CTX_new();
    ok = sig.len > 0 && md && EVP_DigestVerifyInit_ex(md, &ctx, c->alg->digest, NULL, NULL, key, NULL) > 0 &&
         set_padding(ctx, c->alg) && EVP_DigestVerify(md, sig.data, sig.len, message.data, message.len) == 1;
    EVP_MD_CTX_free(md);
    return ok;
}
