/* Files that the test signs itself: every algorithm, certificates that may not sign, time stamps, assertions
 * that were changed, ingredients in a circle; and one file with every byte turned round and every cut. */
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "c2pa/reader.h"
#include "kit.h"
#include "signer.h"
#include "test.h"

static const int64_t now = 1795219200;  /* 2026-11-21 */
static const int64_t past = 1700000000; /* 2023-11-14 */

static struct c2pa_result judge(struct arena *a, struct bytes file, const struct c2pa_trust *trust)
{
    struct c2pa_opts opts = {.trust = trust, .now = now};
    struct source s = source_of_bytes(&file);
    struct c2pa_result r = {0};
    struct err err = {0};

    CHECK_INT(c2pa_read(a, &s, &opts, &r, &err), 0);
    CHECK_STR(err.text, "");
    return r;
}

/* All failures but that the signer is not known. */
static const char *found(struct arena *a, const struct c2pa_result *r)
{
    const char *all = "";

    for (size_t i = 0; i < r->nfailures; i++)
        if (!text_is(r->failures[i].code, "signingCredential.untrusted"))
            all = arena_printf(a, "%s%s%s", all, *all ? " " : "", r->failures[i].code);
    return all;
}

/* Trust in these, through files as an operator has them. */
static struct c2pa_trust *trust_in(const struct identity *anchor, const struct identity *allowed,
                                   const struct identity *tsa)
{
    const struct identity *all[] = {anchor, allowed, tsa};
    char paths[3][64];
    const char *lists[3][2] = {{0}};
    struct c2pa_trust *t = NULL;
    struct c2pa_trust_files files;
    struct err err = {0};

    for (size_t i = 0; i < 3; i++) {
        int fd;

        if (!all[i])
            continue;
        text_copy(paths[i], sizeof paths[i], "/tmp/assay-trust-XXXXXX");
        fd = mkstemp(paths[i]);
        close(fd);
        identity_save(all[i], paths[i]);
        lists[i][0] = paths[i];
    }
    files = (struct c2pa_trust_files){.anchors = lists[0], .allowed = lists[1], .tsa = lists[2]};
    CHECK_INT(c2pa_trust_open(&files, &t, &err), 0);
    CHECK_STR(err.text, "");
    for (size_t i = 0; i < 3; i++)
        if (all[i])
            unlink(paths[i]);
    return t;
}

/* ---- algorithms ---- */

static void verifies_every_algorithm(void)
{
    static const struct {
        const char *key;
        int64_t alg;
        const char *name;
    } rows[] = {
        {"P-256", -7, "Es256"}, {"P-384", -35, "Es384"}, {"P-521", -36, "Es512"}, {"P-384", -7, "Es256"},
        {"RSA", -37, "Ps256"},  {"RSA", -38, "Ps384"},   {"RSA", -39, "Ps512"},   {"ED25519", -8, "Ed25519"},
    };
    struct identity root = identity_root("P-256");
    struct c2pa_trust *trust = trust_in(&root, NULL, NULL);

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct identity signer = identity_new(&(struct identity_opts){.key = rows[i].key, .issuer = &root});
        struct made m = {
            .version = 1 + (int)i % 2, .alg = rows[i].alg, .signer = &signer, .untagged = i % 3 == 0};
        struct bytes file = signed_png(a, &m, 1);
        struct c2pa_result r = judge(a, file, trust);

        CHECK_STR(found(a, &r), "");
        CHECK_INT(r.state, C2PA_TRUSTED);
        CHECK_STR(r.signer, "Assay Tests");
        CHECK(strstr(r.json, arena_printf(a, "\"alg\":\"%s\"", rows[i].name)));
        CHECK_INT(judge(a, file, NULL).state, C2PA_VALID);
        ROW("%s with %s", rows[i].name, rows[i].key);
        identity_clear(&signer);
    }
    c2pa_trust_free(trust);
    identity_clear(&root);
}

/* ---- certificates ---- */

static void refuses_certificates(void)
{
    static const struct {
        const char *what;
        struct identity_opts opts;
        int64_t alg;
        const char *failures;
        bool self;
    } rows[] = {
        {"fine", {.key = "P-256"}, -7, "", false},
        {"expired",
         {.key = "P-256", .to = 1600000000},
         -7,
         "signingCredential.expired claimSignature.mismatch",
         false},
        {"not yet",
         {.key = "P-256", .from = 1900000000},
         -7,
         "signingCredential.expired claimSignature.mismatch",
         false},
        {"of an authority",
         {.key = "P-256", .basic = "critical,CA:TRUE"},
         -7,
         "signingCredential.invalid",
         false},
        {"for servers", {.key = "P-256", .purpose = "serverAuth"}, -7, "signingCredential.invalid", false},
        {"for anything",
         {.key = "P-256", .purpose = "anyExtendedKeyUsage,emailProtection"},
         -7,
         "signingCredential.invalid",
         false},
        {"for mail and times",
         {.key = "P-256", .purpose = "emailProtection,timeStamping"},
         -7,
         "signingCredential.invalid",
         false},
        {"for nothing", {.key = "P-256", .purpose = ""}, -7, "signingCredential.invalid", false},
        {"cannot sign", {.key = "P-256", .usage = "keyAgreement"}, -7, "signingCredential.invalid", false},
        {"short RSA", {.key = "RSA-1024"}, -37, "signingCredential.invalid", false},
        {"other curve", {.key = "secp256k1"}, -7, "signingCredential.invalid", false},
        {"by itself", {.key = "P-256"}, -7, "signingCredential.invalid", true},
        {"of another kind", {.key = "RSA"}, -7, "claimSignature.mismatch", false},
        {"documents", {.key = "P-256", .purpose = "1.3.6.1.5.5.7.3.36"}, -7, "", false},
    };
    struct identity root = identity_root("P-256");

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct identity_opts o = rows[i].opts;
        struct identity signer;
        struct made m = {.alg = rows[i].alg, .signer = &signer};
        struct c2pa_result r;

        o.issuer = rows[i].self ? NULL : &root;
        signer = identity_new(&o);
        r = judge(a, signed_png(a, &m, 1), NULL);
        CHECK_STR(found(a, &r), rows[i].failures);
        CHECK_INT(r.state, rows[i].failures[0] ? C2PA_INVALID : C2PA_VALID);
        ROW("%s", rows[i].what);
        identity_clear(&signer);
    }
    identity_clear(&root);
}

/* ---- trust ---- */

static void trusts_whom_the_operator_trusts(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct identity root = identity_root("P-384"), other = identity_root("P-256"), middle, signer;
    struct made m = {.alg = -7, .signer = &signer, .issuer = &middle};
    const struct {
        const char *what;
        const struct identity *anchor, *allowed;
        enum c2pa_state state;
    } rows[] = {
        {"its root", &root, NULL, C2PA_TRUSTED},      {"the one between", &middle, NULL, C2PA_TRUSTED},
        {"another root", &other, NULL, C2PA_VALID},   {"the signer itself", NULL, &signer, C2PA_TRUSTED},
        {"another signer", NULL, &other, C2PA_VALID}, {"a signer as an anchor", &signer, NULL, C2PA_TRUSTED},
    };
    struct bytes file;

    middle = identity_new(&(struct identity_opts){.key = "P-256",
                                                  .basic = "critical,CA:TRUE",
                                                  .usage = "critical,keyCertSign",
                                                  .purpose = "",
                                                  .issuer = &root});
    signer = identity_new(&(struct identity_opts){.key = "P-256", .issuer = &middle});
    file = signed_png(a, &m, 1);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct c2pa_trust *t = trust_in(rows[i].anchor, rows[i].allowed, NULL);

        CHECK_INT(judge(a, file, t).state, rows[i].state);
        ROW("%s", rows[i].what);
        c2pa_trust_free(t);
    }
    identity_clear(&signer);
    identity_clear(&middle);
    identity_clear(&other);
    identity_clear(&root);
}

static void refuses_trust_files(void)
{
    const char *missing[] = {"/nonexistent/trust.pem", NULL}, *empty[] = {"/dev/null", NULL};
    struct c2pa_trust_files files = {.anchors = missing};
    struct c2pa_trust *t = NULL;
    struct err err = {0};

    CHECK_INT(c2pa_trust_open(&files, &t, &err), -1);
    CHECK_INT(err.kind, ERR_IO);
    files.anchors = empty;
    CHECK_INT(c2pa_trust_open(&files, &t, &err), -1);
    CHECK_INT(err.kind, ERR_INPUT);
    CHECK(!t);
}

/* ---- time stamps ---- */

static void believes_time_stamps(void)
{
    static const struct {
        const char *what;
        int version;
        bool trusted, other, bare;
        int64_t at, to; /* of the stamp; the signer's end */
        const char *code, *failures;
        enum c2pa_state state;
    } rows[] = {
        {"v1, authority not known", 1, false, false, false, past, 0, "timeStamp.untrusted", "", C2PA_TRUSTED},
        {"v1, known", 1, true, false, false, past, 0, "timeStamp.trusted", "", C2PA_TRUSTED},
        {"v2, a bare token", 2, true, false, true, past, 0, "timeStamp.trusted", "", C2PA_TRUSTED},
        {"of something else", 1, true, true, false, past, 0, "timeStamp.mismatch", "", C2PA_TRUSTED},
        {"before the authority's time", 1, true, false, false, 1500000000, 0, "timeStamp.outsideValidity", "",
         C2PA_TRUSTED},
        {"since expired, v1, known", 1, true, false, false, past, past + 9, "timeStamp.trusted", "",
         C2PA_TRUSTED},
        /* Anybody can stamp with a clock of his own: that makes nobody trusted. */
        {"since expired, v1, not known", 1, false, false, false, past, past + 9, "timeStamp.untrusted", "",
         C2PA_VALID},
        {"since expired, v2, known", 2, true, false, false, past, past + 9, "timeStamp.trusted", "",
         C2PA_TRUSTED},
        {"since expired, v2, not known", 2, false, false, false, past, past + 9, "timeStamp.untrusted",
         "signingCredential.expired claimSignature.mismatch", C2PA_INVALID},
        {"expired before", 1, true, false, false, past, past - 9, "timeStamp.trusted",
         "signingCredential.expired claimSignature.mismatch", C2PA_INVALID},
    };
    struct identity root = identity_root("P-256"), stampers = identity_root("P-256");
    struct identity stamper = identity_new(
        &(struct identity_opts){.key = "P-256", .purpose = "critical,timeStamping", .issuer = &stampers});

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct identity signer =
            identity_new(&(struct identity_opts){.key = "P-256", .to = rows[i].to, .issuer = &root});
        struct c2pa_trust *t = trust_in(&root, NULL, rows[i].trusted ? &stampers : NULL);
        struct made m = {.version = rows[i].version,
                         .alg = -7,
                         .signer = &signer,
                         .stamper = &stamper,
                         .stamped_at = rows[i].at,
                         .stamp_other = rows[i].other,
                         .bare = rows[i].bare};
        struct c2pa_result r = judge(a, signed_png(a, &m, 1), t);

        CHECK_STR(found(a, &r), rows[i].failures);
        CHECK_STR(c2pa_state_name(r.state), c2pa_state_name(rows[i].state));
        CHECK(strstr(r.json, arena_printf(a, "\"%s\"", rows[i].code)));
        CHECK_INT(r.signed_at, strstr(r.json, "timeStamp.validated") ? rows[i].at : 0);
        ROW("%s", rows[i].what);
        c2pa_trust_free(t);
        identity_clear(&signer);
    }
    identity_clear(&stamper);
    identity_clear(&stampers);
    identity_clear(&root);
}

/* ---- revocation ---- */

static void hears_about_revocation(void)
{
    struct identity root = identity_root("P-256"), other = identity_root("P-256");
    struct identity signer = identity_new(&(struct identity_opts){.key = "P-256", .issuer = &root});
    struct identity helper =
        identity_new(&(struct identity_opts){.key = "P-256", .purpose = "OCSPSigning", .issuer = &root});
    struct identity nobody = identity_new(&(struct identity_opts){.key = "P-256", .issuer = &root});
    struct identity stamper = identity_new(
        &(struct identity_opts){.key = "P-256", .purpose = "critical,timeStamping", .issuer = &root});
    struct c2pa_trust *trust = trust_in(&root, NULL, NULL);
    const struct {
        const char *what;
        const struct identity *answerer, *stamper;
        int64_t revoked_at;
        const char *code;
    } rows[] = {
        {"not revoked", &root, NULL, 0, "notRevoked"},
        {"revoked", &root, NULL, past, "revoked"},
        {"revoked after it was stamped", &root, &stamper, past + 9, "notRevoked"},
        {"revoked before it was stamped", &root, &stamper, past - 9, "revoked"},
        {"told by a helper of the issuer", &helper, NULL, past, "revoked"},
        {"told by somebody else of the issuer", &nobody, NULL, past, "skipped"},
        {"told by a stranger", &other, NULL, past, "skipped"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct made m = {.alg = -7,
                         .signer = &signer,
                         .issuer = &root,
                         .answerer = rows[i].answerer,
                         .revoked_at = rows[i].revoked_at,
                         .stamper = rows[i].stamper,
                         .stamped_at = past};
        struct c2pa_result r = judge(a, signed_png(a, &m, 1), trust);

        CHECK(strstr(r.json, arena_printf(a, "\"signingCredential.ocsp.%s\"", rows[i].code)));
        CHECK_INT(r.state, text_is(rows[i].code, "revoked") ? C2PA_INVALID : C2PA_TRUSTED);
        ROW("%s", rows[i].what);
    }
    c2pa_trust_free(trust);
    identity_clear(&stamper);
    identity_clear(&nobody);
    identity_clear(&helper);
    identity_clear(&signer);
    identity_clear(&other);
    identity_clear(&root);
}

/* ---- manifests ---- */

static void tells_what_is_wrong(void)
{
    struct identity root = identity_root("P-256");
    struct identity signer = identity_new(&(struct identity_opts){.key = "P-256", .issuer = &root});
    static const uint8_t note[] = {0xa1, 0x61, 'a', 0x01}, broken[] = {0xa1, 0x61, 'a'};
    struct {
        const char *what;
        struct made made;
        const char *failures;
    } rows[] = {
        {"fine", {0}, ""},
        {"other key for certificates", {.chain_key = "x5chain"}, ""},
        {"signature as DER", {.der = true}, "claimSignature.mismatch"},
        {"an assertion more", {.more = {{"org.note", {note, sizeof note}}}}, ""},
        {"an assertion gone",
         {.more = {{"org.note", {note, sizeof note}}}, .skip = "org.note"},
         "assertion.missing"},
        {"one that nobody declared", {.undeclared = true}, "assertion.undeclared"},
        {"one that cannot be read",
         {.more = {{"org.note", {broken, sizeof broken}}}},
         "assertion.cbor.invalid"},
        {"no hash of the file", {.unbound = true}, "claim.hardBindings.missing"},
        {"two hashes",
         {.more = {{"c2pa.hash.data__1", {note, sizeof note}}}},
         "assertion.multipleHardBindings"},
        {"a hash of boxes",
         {.unbound = true, .more = {{"c2pa.hash.boxes", {note, sizeof note}}}},
         "(not checked)"},
        {"a broken hash of boxes of MP4",
         {.unbound = true, .more = {{"c2pa.hash.bmff.v2", {note, sizeof note}}}},
         "assertion.bmffHash.malformed"},
        {"compressed", {.sort = "c2cm"}, "manifest.compressed.invalid"},
        {"an update of nothing",
         {.sort = "c2um", .unbound = true},
         "manifest.update.wrongParents claim.hardBindings.missing"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct made *m = &rows[i].made;
        struct c2pa_result r;

        m->alg = -7;
        m->signer = &signer;
        r = judge(a, signed_png(a, m, 1), NULL);
        if (rows[i].failures[0] == '(') {
            CHECK_STR(found(a, &r), "");
            CHECK_INT(r.state, C2PA_INVALID);
            CHECK(strstr(r.json, "assay.hardBinding.notChecked"));
        } else {
            CHECK_STR(found(a, &r), rows[i].failures);
            CHECK_INT(r.state, rows[i].failures[0] ? C2PA_INVALID : C2PA_VALID);
        }
        ROW("%s", rows[i].what);
    }
    identity_clear(&signer);
    identity_clear(&root);
}

/* An ingredient assertion; validationStatus: one recorded failure, or none. */
static struct bytes ingredient(struct arena *a, const char *relationship, const char *label,
                               struct bytes hash, const char *recorded)
{
    CLEANUP(buf_clear) struct buf b = BUF(1 << 16);
    const char *url = arena_printf(a, "self#jumbf=/c2pa/%s", label);

    cb_head(&b, 5, recorded ? 4 : 3);
    cb_pair(&b, "dc:title", "part.png");
    cb_pair(&b, "relationship", relationship);
    cb_text(&b, "c2pa_manifest");
    cb_reference(&b, url, hash);
    if (recorded) {
        cb_text(&b, "validationStatus");
        cb_head(&b, 4, 1);
        cb_head(&b, 5, 2);
        cb_pair(&b, "code", recorded);
        cb_pair(&b, "url", url);
    }
    return bytes_of(arena_strndup(a, b.data, b.len), b.len);
}

#define GENERATIVE "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"

static void follows_ingredients(void)
{
    static const struct {
        const char *what, *relationship, *own, *of_part;
        bool other_hash, declares;
        const char *failures;
    } rows[] = {
        {"says it itself", "componentOf", GENERATIVE, NULL, false, true, ""},
        {"made from what says it", "parentOf", NULL, GENERATIVE, false, true, ""},
        {"with a part that says it", "componentOf", NULL, GENERATIVE, false, false, ""},
        {"not trained", "parentOf", "http://x/algorithmicMedia", NULL, false, false, ""},
        {"a camera", "parentOf", "http://x/digitalCapture", NULL, false, false, ""},
        {"something like it", "parentOf", "http://x/nottrainedAlgorithmicMedia", NULL, false, false, ""},
        {"composite", "parentOf", "urn:x:compositeWithTrainedAlgorithmicMedia", NULL, false, true, ""},
        {"made from another", "parentOf", NULL, GENERATIVE, true, false, "ingredient.manifest.mismatch"},
    };
    struct identity root = identity_root("P-256");
    struct identity signer = identity_new(&(struct identity_opts){.key = "ED25519", .issuer = &root});

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct made m[2] = {{.label = "urn:uuid:part",
                             .alg = -8,
                             .signer = &signer,
                             .unbound = true,
                             .source = rows[i].of_part},
                            {.label = "urn:uuid:all", .alg = -8, .signer = &signer, .source = rows[i].own}};
        struct bytes hash =
            rows[i].other_hash ? bytes_of("01234567890123456789012345678901", 32) : made_hash(a, &m[0]);
        struct c2pa_result r;

        m[1].more[0].label = "c2pa.ingredient";
        m[1].more[0].cbor = ingredient(a, rows[i].relationship, m[0].label, hash, NULL);
        r = judge(a, signed_png(a, m, 2), NULL);
        CHECK_STR(found(a, &r), rows[i].failures);
        CHECK_INT(r.declares_ai, rows[i].declares);
        CHECK_INT(r.says_ai, rows[i].declares && !rows[i].failures[0]);
        ROW("%s", rows[i].what);
    }
    identity_clear(&signer);
    identity_clear(&root);
}

/* Each is the other's ingredient: one hash at least is wrong, and the reading ends. */
static void a_circle_of_ingredients_ends(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct identity root = identity_root("P-256");
    struct identity signer = identity_new(&(struct identity_opts){.key = "ED25519", .issuer = &root});
    struct bytes wrong = bytes_of("01234567890123456789012345678901", 32);
    struct made m[2] = {
        {.label = "urn:uuid:a", .alg = -8, .signer = &signer, .unbound = true, .sort = "c2um"},
        {.label = "urn:uuid:b", .alg = -8, .signer = &signer, .unbound = true, .sort = "c2um"}};
    struct c2pa_result r;

    for (int i = 0; i < 2; i++) {
        m[i].more[0].label = "c2pa.ingredient";
        m[i].more[0].cbor = ingredient(a, "parentOf", m[1 - i].label, wrong, NULL);
    }
    r = judge(a, signed_png(a, m, 2), NULL);
    CHECK_INT(r.state, C2PA_INVALID);
    CHECK_STR(found(a, &r),
              "claim.hardBindings.missing ingredient.manifest.mismatch ingredient.manifest.mismatch");
    m[1].more[0].cbor = ingredient(a, "parentOf", m[1].label, wrong, NULL); /* its own */
    r = judge(a, signed_png(a, m, 2), NULL);
    CHECK_INT(r.state, C2PA_INVALID);
    identity_clear(&signer);
    identity_clear(&root);
}

/* What an ingredient assertion tells of its manifest is no news. An exchanged manifest cannot tell that of
 * itself.
 */
static void old_failures_are_no_news(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct identity root = identity_root("P-256");
    struct identity signer = identity_new(&(struct identity_opts){.key = "ED25519", .issuer = &root});
    struct bytes wrong = bytes_of("01234567890123456789012345678901", 32);
    struct made m[2] = {{.label = "urn:uuid:part", .alg = -8, .signer = &signer, .unbound = true},
                        {.label = "urn:uuid:all", .alg = -8, .signer = &signer}};
    struct c2pa_result r;

    m[1].more[0].label = m[0].more[0].label = "c2pa.ingredient";
    m[0].more[0].cbor = ingredient(a, "componentOf", "urn:uuid:gone", wrong, NULL);
    m[1].more[0].cbor = ingredient(a, "componentOf", m[0].label, made_hash(a, &m[0]), NULL);
    r = judge(a, signed_png(a, m, 2), NULL);
    CHECK_STR(found(a, &r), "ingredient.manifest.missing");
    m[1].more[0].cbor = ingredient(a, "componentOf", m[0].label, wrong, "ingredient.manifest.mismatch");
    r = judge(a, signed_png(a, m, 2), NULL);
    CHECK_STR(found(a, &r), "ingredient.manifest.missing");
    m[1].more[0].cbor = ingredient(a, "componentOf", m[0].label, wrong, NULL);
    m[0].more[0].cbor = ingredient(a, "componentOf", m[0].label, wrong, "ingredient.manifest.mismatch");
    r = judge(a, signed_png(a, m, 2), NULL);
    CHECK_INT(r.state, C2PA_INVALID);
    CHECK(strstr(found(a, &r), "ingredient.manifest.mismatch"));
    identity_clear(&signer);
    identity_clear(&root);
}

/* ---- reads that fail ---- */

/* A source that fails at its n-th read. */
struct failing {
    struct bytes file;
    int left;
};

static int read_or_fail(void *self, uint64_t at, void *to, size_t n, struct err *err)
{
    struct failing *f = self;

    if (f->left-- == 0)
        return FAIL(err, ERR_IO, "the disk is gone");
    CHECK(at <= f->file.len && n <= f->file.len - at);
    memcpy(to, f->file.data + at, n);
    return 0;
}

static void a_failing_read_is_an_error(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct identity root = identity_root("P-256");
    struct identity signer = identity_new(&(struct identity_opts){.key = "ED25519", .issuer = &root});
    struct made m = {.alg = -8, .signer = &signer};
    struct failing f = {.file = signed_png(a, &m, 1)};
    struct source s = {read_or_fail, &f, f.file.len};
    struct c2pa_opts opts = {.now = now};
    struct c2pa_result r;
    struct err err;
    int n = 0, done;

    do {
        err = (struct err){0};
        f.left = n++;
        done = c2pa_read(a, &s, &opts, &r, &err);
        CHECK(done == 0 || (err.kind == ERR_IO && text_is(err.text, "the disk is gone")));
    } while (done < 0 && n < 100);
    CHECK(n > 2 && n < 20);
    CHECK_INT(r.state, C2PA_VALID);
    identity_clear(&signer);
    identity_clear(&root);
}

/* ---- damage ---- */

static void judge_damaged(struct bytes file, size_t flipped)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct c2pa_result r = judge(a, file, NULL);

    CHECK(r.state == C2PA_NONE || r.state == C2PA_INVALID || r.state == C2PA_VALID);
    CHECK((r.json != NULL) == (r.state != C2PA_NONE));
    CHECK(!r.json || strlen(r.json) == r.json_len);
    ROW("byte %zu", flipped);
}

/* A file with all there is: time stamp, chain, ingredient. */
static void no_damage_is_too_much(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct identity root = identity_root("P-256");
    struct identity signer = identity_new(&(struct identity_opts){.key = "ED25519", .issuer = &root});
    struct identity stamper = identity_new(
        &(struct identity_opts){.key = "P-256", .purpose = "critical,timeStamping", .issuer = &root});
    struct made m[2] = {{.label = "urn:uuid:part", .alg = -8, .signer = &signer, .unbound = true},
                        {.label = "urn:uuid:all",
                         .alg = -8,
                         .signer = &signer,
                         .issuer = &root,
                         .stamper = &stamper,
                         .stamped_at = past,
                         .source = GENERATIVE}};
    struct bytes file;
    uint8_t *b;

    m[1].more[0].label = "c2pa.ingredient";
    m[1].more[0].cbor = ingredient(a, "parentOf", m[0].label, made_hash(a, &m[0]), "timeStamp.mismatch");
    file = signed_png(a, m, 2);
    CHECK_INT(judge(a, file, NULL).state, C2PA_VALID);
    b = memcpy(arena_alloc(a, file.len), file.data, file.len);
    for (size_t i = 0; i < file.len; i++) {
        b[i] ^= 0xff;
        judge_damaged(bytes_of(b, file.len), i);
        b[i] ^= 0xff;
        judge_damaged(bytes_of(b, i), i);
    }
    printf("# %zu bytes\n", file.len);
    identity_clear(&stamper);
    identity_clear(&signer);
    identity_clear(&root);
}

int main(void)
{
    c2pa_prepare();
    RUN(verifies_every_algorithm);
    RUN(refuses_certificates);
    RUN(trusts_whom_the_operator_trusts);
    RUN(refuses_trust_files);
    RUN(believes_time_stamps);
    RUN(hears_about_revocation);
    RUN(tells_what_is_wrong);
    RUN(follows_ingredients);
    RUN(a_circle_of_ingredients_ends);
    RUN(old_failures_are_no_news);
    RUN(a_failing_read_is_an_error);
    RUN(no_damage_is_too_much);
    return test_end();
}
