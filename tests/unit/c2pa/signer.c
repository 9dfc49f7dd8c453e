#include "signer.h"

#include <openssl/cms.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ts.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "kit.h"

enum { LARGEST = 1 << 20, DIGEST = 32, PNG_HEAD = 8, PNG_CHUNK = 12 };

static void must(bool done)
{
    if (!done) {
        printf("Bail out! the signer of the tests failed\n");
        abort();
    }
}

/* ---- identities ---- */

static EVP_PKEY *new_key(const char *kind)
{
    if (text_is(kind, "RSA"))
        return EVP_RSA_gen(2048);
    if (text_is(kind, "RSA-1024"))
        return EVP_RSA_gen(1024);
    if (text_is(kind, "ED25519"))
        return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    return EVP_EC_gen(kind);
}

static void add_extension(X509 *x, const X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *e;

    X509V3_set_ctx(&ctx, (X509 *)(uintptr_t)issuer, x, NULL, NULL, 0);
    e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    must(e && X509_add_ext(x, e, -1) == 1);
    X509_EXTENSION_free(e);
}

static void name(X509 *x, int serial)
{
    X509_NAME *n = X509_get_subject_name(x);
    char common[32];

    snprintf(common, sizeof common, "Number %d", serial);

    must(X509_NAME_add_entry_by_txt(n, "O", MBSTRING_UTF8, (const uint8_t *)"Assay Tests", -1, -1, 0));
    must(X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_UTF8, (const uint8_t *)common, -1, -1, 0));
}

struct identity identity_new(const struct identity_opts *o)
{
    static int serial = 1000;
    struct identity i = {X509_new(), new_key(o->key)};
    const struct identity *by = o->issuer ? o->issuer : &i;
    const char *basic = o->basic ? o->basic : "critical,CA:FALSE";

    must(i.cert && i.key && X509_set_version(i.cert, X509_VERSION_3) == 1);
    must(ASN1_INTEGER_set(X509_get_serialNumber(i.cert), ++serial) == 1);
    must(ASN1_TIME_set(X509_getm_notBefore(i.cert), o->from ? o->from : 1577836800) != NULL);
    must(ASN1_TIME_set(X509_getm_notAfter(i.cert), o->to ? o->to : 2208988800) != NULL);
    name(i.cert, serial);
    must(X509_set_issuer_name(i.cert, X509_get_subject_name(by->cert)) == 1 &&
         X509_set_pubkey(i.cert, i.key) == 1);
    add_extension(i.cert, by->cert, NID_subject_key_identifier, "hash");
    add_extension(i.cert, by->cert, NID_basic_constraints, basic);
    add_extension(i.cert, by->cert, NID_key_usage, o->usage ? o->usage : "critical,digitalSignature");
    if (!o->purpose || o->purpose[0])
        add_extension(i.cert, by->cert, NID_ext_key_usage, o->purpose ? o->purpose : "emailProtection");
    if (o->issuer)
        add_extension(i.cert, by->cert, NID_authority_key_identifier, "keyid");
    must(X509_sign(i.cert, by->key, EVP_PKEY_get_base_id(by->key) == EVP_PKEY_ED25519 ? NULL : EVP_sha256()) >
         0);
    return i;
}

struct identity identity_root(const char *key)
{
    return identity_new(&(struct identity_opts){
        .key = key, .basic = "critical,CA:TRUE", .usage = "critical,keyCertSign", .purpose = ""});
}

void identity_clear(struct identity *i)
{
    X509_free(i->cert);
    EVP_PKEY_free(i->key);
    *i = (struct identity){0};
}

void identity_save(const struct identity *i, const char *path)
{
    FILE *f = fopen(path, "we");

    must(f && PEM_write_X509(f, i->cert) == 1);
    fclose(f);
}

/* ---- CBOR ---- */

/* Always with eight bytes for what may change its value, so that lengths do not. */
void cb_head(struct buf *b, unsigned major, uint64_t n)
{
    if (n < 24) {
        kit_number(b, major << 5 | n, 1);
        return;
    }
    kit_number(b, major << 5 | 26, 1);
    kit_number(b, n, 4);
}

void cb_text(struct buf *b, const char *s)
{
    cb_head(b, 3, strlen(s));
    buf_str(b, s);
}

void cb_bytes(struct buf *b, struct bytes v)
{
    cb_head(b, 2, v.len);
    buf_add(b, v.data, v.len);
}

void cb_pair(struct buf *b, const char *key, const char *text)
{
    cb_text(b, key);
    cb_text(b, text);
}

void cb_reference(struct buf *b, const char *url, struct bytes hash)
{
    cb_head(b, 5, 2);
    cb_pair(b, "url", url);
    cb_text(b, "hash");
    cb_bytes(b, hash);
}

/* ---- time stamps ---- */

static ASN1_INTEGER *stamp_serial(TS_RESP_CTX *ctx, void *data)
{
    ASN1_INTEGER *i = ASN1_INTEGER_new();

    (void)ctx;
    (void)data;
    must(ASN1_INTEGER_set(i, 7) == 1);
    return i;
}

static int stamp_time(TS_RESP_CTX *ctx, void *data, long *sec, long *usec)
{
    (void)ctx;
    *sec = (long)*(const int64_t *)data;
    *usec = 0;
    return 1;
}

static BIO *request_for(struct bytes message)
{
    uint8_t sum[DIGEST];
    TS_REQ *req = TS_REQ_new();
    TS_MSG_IMPRINT *imprint = TS_MSG_IMPRINT_new();
    X509_ALGOR *alg = X509_ALGOR_new();
    BIO *out = BIO_new(BIO_s_mem());

    must(EVP_Digest(message.data, message.len, sum, NULL, EVP_sha256(), NULL) == 1);
    must(X509_ALGOR_set0(alg, OBJ_nid2obj(NID_sha256), V_ASN1_NULL, NULL) == 1);
    must(TS_MSG_IMPRINT_set_algo(imprint, alg) == 1 && TS_MSG_IMPRINT_set_msg(imprint, sum, DIGEST) == 1);
    must(TS_REQ_set_version(req, 1) == 1 && TS_REQ_set_msg_imprint(req, imprint) == 1);
    must(TS_REQ_set_cert_req(req, 1) == 1 && i2d_TS_REQ_bio(out, req) == 1);
    X509_ALGOR_free(alg);
    TS_MSG_IMPRINT_free(imprint);
    TS_REQ_free(req);
    return out;
}

static void add_stamp(struct buf *b, const struct made *m, struct bytes message)
{
    CLEANUP(freep) char *der = NULL;
    TS_RESP_CTX *ctx = TS_RESP_CTX_new();
    BIO *req = request_for(m->stamp_other ? bytes_of("other", 5) : message);
    ASN1_OBJECT *policy = OBJ_txt2obj("1.2.3.4", 1);
    int64_t at = m->stamped_at;
    uint8_t *p = NULL;
    TS_RESP *resp;
    int n;

    must(TS_RESP_CTX_set_signer_cert(ctx, m->stamper->cert) == 1 &&
         TS_RESP_CTX_set_signer_key(ctx, m->stamper->key) == 1);
    must(TS_RESP_CTX_set_signer_digest(ctx, EVP_sha256()) == 1 &&
         TS_RESP_CTX_set_def_policy(ctx, policy) == 1);
    must(TS_RESP_CTX_add_md(ctx, EVP_sha256()) == 1);
    TS_RESP_CTX_set_serial_cb(ctx, stamp_serial, NULL);
    TS_RESP_CTX_set_time_cb(ctx, stamp_time, &at);
    must((resp = TS_RESP_create_response(ctx, req)) && TS_RESP_get_token(resp));
    n = m->bare ? i2d_PKCS7(TS_RESP_get_token(resp), &p) : i2d_TS_RESP(resp, &p);
    must(n > 0);
    cb_head(b, 5, 1);
    cb_text(b, "tstTokens");
    cb_head(b, 4, 1);
    cb_head(b, 5, 1);
    cb_text(b, "val");
    cb_bytes(b, bytes_of(p, (size_t)n));
    OPENSSL_free(p);
    TS_RESP_free(resp);
    ASN1_OBJECT_free(policy);
    BIO_free(req);
    TS_RESP_CTX_free(ctx);
}

/* ---- revocation ---- */

static void add_answer(struct buf *b, const struct made *m)
{
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), m->signer->cert, m->issuer->cert);
    ASN1_TIME *when = ASN1_TIME_set(NULL, m->revoked_at), *now = ASN1_TIME_set(NULL, 1700000000);
    OCSP_RESPONSE *answer;
    uint8_t *der = NULL;
    int n;

    must(OCSP_basic_add1_status(basic, id, m->revoked_at ? V_OCSP_CERTSTATUS_REVOKED : V_OCSP_CERTSTATUS_GOOD,
                                0, m->revoked_at ? when : NULL, now, NULL) != NULL);
    must(OCSP_basic_sign(basic, m->answerer->cert, m->answerer->key, EVP_sha256(), NULL, 0) == 1);
    must((answer = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic)) != NULL);
    must((n = i2d_OCSP_RESPONSE(answer, &der)) > 0);
    cb_text(b, "rVals");
    cb_head(b, 5, 1);
    cb_text(b, "ocspVals");
    cb_head(b, 4, 1);
    cb_bytes(b, bytes_of(der, (size_t)n));
    OPENSSL_free(der);
    OCSP_RESPONSE_free(answer);
    ASN1_TIME_free(when);
    ASN1_TIME_free(now);
    OCSP_CERTID_free(id);
    OCSP_BASICRESP_free(basic);
}

/* ---- signatures ---- */

static void add_message(struct buf *b, const char *context, struct bytes protected_, struct bytes payload)
{
    /* Not with cb_head: this must be written as COSE asks for it. */
    struct {
        unsigned major;
        struct bytes v;
    } parts[] = {
        {3, bytes_of(context, strlen(context))}, {2, protected_}, {2, bytes_of("", 0)}, {2, payload}};

    kit_number(b, 0x84, 1);
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        size_t n = parts[i].v.len, width = n < 24 ? 0 : n < 256 ? 1 : n < 65536 ? 2 : 4;

        kit_number(b, parts[i].major << 5 | (width == 0 ? n : width == 1 ? 24 : width == 2 ? 25 : 26), 1);
        kit_number(b, n, width);
        buf_add(b, parts[i].v.data, n);
    }
}

static const char *digest_of(int64_t alg)
{
    return alg == -8                  ? NULL
           : alg == -7 || alg == -37  ? "SHA256"
           : alg == -35 || alg == -38 ? "SHA384"
                                      : "SHA512";
}

/* r and s with leading zeros, one behind the other. */
static size_t raw_of(uint8_t *sig, size_t n, size_t half)
{
    const uint8_t *p = sig;
    ECDSA_SIG *s = d2i_ECDSA_SIG(NULL, &p, (long)n);

    must(s && BN_bn2binpad(ECDSA_SIG_get0_r(s), sig, (int)half) > 0 &&
         BN_bn2binpad(ECDSA_SIG_get0_s(s), sig + half, (int)half) > 0);
    ECDSA_SIG_free(s);
    return 2 * half;
}

static size_t sign(const struct made *m, struct bytes message, uint8_t sig[1024])
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    EVP_PKEY_CTX *ctx = NULL;
    size_t n = 1024;

    must(EVP_DigestSignInit_ex(md, &ctx, digest_of(m->alg), NULL, NULL, m->signer->key, NULL) == 1);
    if (m->alg <= -37)
        must(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0 &&
             EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) > 0);
    must(EVP_DigestSign(md, sig, &n, message.data, message.len) == 1);
    EVP_MD_CTX_free(md);
    if (!m->der && EVP_PKEY_get_base_id(m->signer->key) == EVP_PKEY_EC)
        n = raw_of(sig, n, ((size_t)EVP_PKEY_get_bits(m->signer->key) + 7) / 8);
    return n;
}

static void add_chain(struct buf *b, const struct made *m)
{
    const struct identity *all[] = {m->signer, m->issuer};

    cb_head(b, 4, m->issuer ? 2 : 1);
    for (size_t i = 0; i < COUNT_OF(all) && all[i]; i++) {
        uint8_t *der = NULL;
        int n = i2d_X509(all[i]->cert, &der);

        must(n > 0);
        cb_bytes(b, bytes_of(der, (size_t)n));
        OPENSSL_free(der);
    }
}

static void add_protected(struct buf *b, const struct made *m)
{
    cb_head(b, 5, m->chain_key ? 1 : 2);
    cb_head(b, 0, 1);
    cb_head(b, 1, (uint64_t)(-1 - m->alg));
    if (m->chain_key)
        return;
    cb_head(b, 0, 33);
    add_chain(b, m);
}

static void add_unprotected(struct buf *b, const struct made *m, struct bytes protected_, struct bytes claim,
                            struct bytes sig)
{
    CLEANUP(buf_clear) struct buf message = BUF(LARGEST), inner = BUF(LARGEST);

    cb_head(b, 5, (m->stamper ? 1u : 0u) + (m->chain_key ? 1u : 0u) + (m->answerer ? 1u : 0u));
    if (m->answerer)
        add_answer(b, m);
    if (m->chain_key) {
        cb_text(b, m->chain_key);
        add_chain(b, m);
    }
    if (!m->stamper)
        return;
    cb_text(b, m->version == 2 ? "sigTst2" : "sigTst");
    if (m->version == 2) {
        kit_number(&inner, sig.len < 256 ? 0x58 : 0x59, 1);
        kit_number(&inner, sig.len, sig.len < 256 ? 1 : 2);
        buf_add(&inner, sig.data, sig.len);
    } else {
        buf_add(&inner, claim.data, claim.len);
    }
    add_message(&message, "CounterSignature", protected_, buf_bytes(&inner));
    add_stamp(b, m, buf_bytes(&message));
}

static void add_signature(struct buf *b, const struct made *m, struct bytes claim)
{
    CLEANUP(buf_clear) struct buf protected_ = BUF(LARGEST), message = BUF(LARGEST), cose = BUF(LARGEST);
    size_t at = kit_open_super(b, "c2cs", "c2pa.signature"), n;
    uint8_t sig[1024];

    add_protected(&protected_, m);
    add_message(&message, "Signature1", buf_bytes(&protected_), claim);
    n = sign(m, buf_bytes(&message), sig);
    if (!m->untagged)
        kit_number(&cose, 0xd2, 1);
    cb_head(&cose, 4, 4);
    cb_bytes(&cose, buf_bytes(&protected_));
    add_unprotected(&cose, m, buf_bytes(&protected_), claim, bytes_of(sig, n));
    kit_number(&cose, 0xf6, 1);
    cb_bytes(&cose, bytes_of(sig, n));
    kit_box(b, "cbor", cose.data, cose.len);
    kit_close_box(b, at);
}

/* ---- assertions and claims ---- */

/* A superbox; its hash, without its header, is appended to `claim` as a reference. */
static void add_assertion(struct buf *b, const struct made *m, struct buf *claim, const char *label,
                          struct bytes cbor)
{
    CLEANUP(buf_clear) struct buf one = BUF(LARGEST), url = BUF(4096);
    size_t at = kit_open_super(&one, "cbor", label);
    uint8_t sum[DIGEST];

    kit_box(&one, "cbor", cbor.data, cbor.len);
    kit_close_box(&one, at);
    must(EVP_Digest(one.data + 8, one.len - 8, sum, NULL, EVP_sha256(), NULL) == 1);
    buf_printf(&url, "self#jumbf=c2pa.assertions/%s", label);
    if (claim)
        cb_reference(claim, url.data, bytes_of(sum, DIGEST));
    if (!text_is(m->skip, label))
        buf_add(b, one.data, one.len);
}

static void add_binding(struct buf *b, const struct made *m, struct buf *claim)
{
    CLEANUP(buf_clear) struct buf c = BUF(LARGEST);

    cb_head(&c, 5, 3);
    cb_text(&c, "exclusions");
    cb_head(&c, 4, 1);
    cb_head(&c, 5, 2);
    cb_text(&c, "start");
    cb_head(&c, 0, PNG_HEAD);
    cb_text(&c, "length");
    kit_number(&c, 0x1a, 1);
    kit_number(&c, m->exclude, 4);
    cb_pair(&c, "alg", "sha256");
    cb_text(&c, "hash");
    cb_bytes(&c, m->file_hash);
    add_assertion(b, m, claim, "c2pa.hash.data", buf_bytes(&c));
}

static void add_actions(struct buf *b, const struct made *m, struct buf *claim)
{
    CLEANUP(buf_clear) struct buf c = BUF(LARGEST);

    cb_head(&c, 5, 1);
    cb_text(&c, "actions");
    cb_head(&c, 4, 1);
    cb_head(&c, 5, 2);
    cb_pair(&c, "action", "c2pa.created");
    cb_pair(&c, "digitalSourceType", m->source);
    add_assertion(b, m, claim, "c2pa.actions", buf_bytes(&c));
}

static size_t count_assertions(const struct made *m)
{
    size_t n = (m->source != NULL) + !m->unbound;

    for (size_t i = 0; i < MORE_MAX; i++)
        n += m->more[i].label != NULL;
    return n;
}

/* Everything before the list of assertions. */
static void begin_claim(struct buf *c, const struct made *m)
{
    cb_head(c, 5, 5);
    cb_pair(c, "instanceID", "xmp:iid:1");
    cb_pair(c, "alg", "sha256");
    cb_pair(c, "signature", "self#jumbf=c2pa.signature");
    if (m->version == 2) {
        cb_text(c, "claim_generator_info");
        cb_head(c, 5, 1);
        cb_pair(c, "name", "assay tests");
        cb_text(c, "created_assertions");
    } else {
        cb_pair(c, "claim_generator", "assay tests");
        cb_text(c, "assertions");
    }
    cb_head(c, 4, count_assertions(m));
}

static void add_assertions(struct buf *b, const struct made *m, struct buf *claim)
{
    size_t at = kit_open_super(b, "c2as", "c2pa.assertions");

    if (m->source)
        add_actions(b, m, claim);
    if (!m->unbound)
        add_binding(b, m, claim);
    for (size_t i = 0; i < MORE_MAX; i++)
        if (m->more[i].label)
            add_assertion(b, m, claim, m->more[i].label, m->more[i].cbor);
    if (m->undeclared)
        add_assertion(b, m, NULL, "org.nobody.knows", bytes_of("\xa0", 1));
    kit_close_box(b, at);
}

void made_manifest(struct buf *b, const struct made *m)
{
    CLEANUP(buf_clear) struct buf claim = BUF(LARGEST);
    size_t manifest = kit_open_super(b, m->sort ? m->sort : "c2ma", m->label ? m->label : "urn:uuid:one"), at;

    begin_claim(&claim, m);
    add_assertions(b, m, &claim);
    at = kit_open_super(b, "c2cl", m->version == 2 ? "c2pa.claim.v2" : "c2pa.claim");
    kit_box(b, "cbor", claim.data, claim.len);
    kit_close_box(b, at);
    add_signature(b, m, buf_bytes(&claim));
    kit_close_box(b, manifest);
}

struct bytes made_hash(struct arena *a, const struct made *m)
{
    CLEANUP(buf_clear) struct buf b = BUF(LARGEST);
    uint8_t *sum = arena_alloc(a, DIGEST);

    made_manifest(&b, m);
    must(EVP_Digest(b.data + 8, b.len - 8, sum, NULL, EVP_sha256(), NULL) == 1);
    return bytes_of(sum, DIGEST);
}

/* ---- files ---- */

static const char png_head[] = "\x89PNG\r\n\x1a\n";
static const char png_rest[] =
    "\0\0\0\x0dIHDR\0\0\0\1\0\0\0\1\x08\0\0\0\0crc.\0\0\0\4IDATdatacrc.\0\0\0\0IEND\xae\x42\x60\x82";

static void make_store(struct buf *b, const struct made *m, size_t n)
{
    size_t at = kit_open_super(b, "c2pa", "c2pa");

    for (size_t i = 0; i < n; i++)
        made_manifest(b, &m[i]);
    kit_close_box(b, at);
}

/* The hash does not depend on the store, and the store's length not on the hash: two rounds are enough. Time
 * stamps vary in length with their signatures, so the rest is padding. */
struct bytes signed_png(struct arena *a, struct made *m, size_t n)
{
    enum { ROOM = 64 };
    CLEANUP(buf_clear) struct buf store = BUF(LARGEST), again = BUF(LARGEST), out = BUF(LARGEST);
    uint8_t *sum = arena_alloc(a, DIGEST);

    buf_add(&out, png_head, PNG_HEAD);
    buf_add(&out, png_rest, sizeof png_rest - 1);
    must(EVP_Digest(out.data, out.len, sum, NULL, EVP_sha256(), NULL) == 1);
    for (size_t i = 0; i < n; i++)
        m[i].file_hash = bytes_of(sum, DIGEST);
    make_store(&store, m, n);
    for (size_t i = 0; i < n; i++)
        m[i].exclude = store.len + ROOM + PNG_CHUNK;
    make_store(&again, m, n);
    must(again.len <= store.len + ROOM);
    out.len = PNG_HEAD;
    kit_number(&out, store.len + ROOM, 4);
    buf_str(&out, "caBX");
    buf_add(&out, again.data, again.len);
    for (size_t i = again.len; i < store.len + ROOM + 4; i++)
        kit_number(&out, 0, 1);
    buf_add(&out, png_rest, sizeof png_rest - 1);
    return bytes_of(arena_strndup(a, out.data, out.len), out.len);
}
