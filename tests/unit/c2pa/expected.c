/* Files of others, judged: every row of expected.tsv with the state and the failures it tells, what upstream
 * says about some of them field by field, and the changes that README.md lists beside them. What differs, and
 * why, stands in the tables below and in docs/c2pa.md. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"
#include "c2pa/reader.h"
#include "test.h"

enum { FIELDS = 9, MAX_FILE = 64 << 20 };
static const int64_t now = 1795219200; /* 2026-11-21 */

static const char *folder(struct arena *a)
{
    const char *shared = test_shared();
    char *dir = shared ? arena_printf(a, "%s/data/c2pa", shared) : NULL;

    return dir && access(arena_printf(a, "%s/expected.tsv", dir), R_OK) == 0 ? dir : NULL;
}

static struct bytes load(struct arena *a, const char *path)
{
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    uint8_t *to;

    if (fd < 0 || fstat(fd, &st) < 0 || st.st_size > MAX_FILE)
        return bytes_of("", 0);
    to = arena_alloc(a, (size_t)st.st_size + 1);
    return bytes_of(to, (size_t)(read(fd, to, (size_t)st.st_size) == st.st_size ? st.st_size : 0));
}

static struct c2pa_result judge(struct arena *a, struct bytes file, const struct c2pa_trust *trust)
{
    struct c2pa_opts opts = {.trust = trust, .now = now};
    struct source s = source_of_bytes(&file);
    struct c2pa_result r = {0};
    struct err err = {0};

    CHECK(file.len > 0);
    CHECK_INT(c2pa_read(a, &s, &opts, &r, &err), 0);
    CHECK_STR(err.text, "");
    CHECK((r.json != NULL) == (r.state != C2PA_NONE));
    return r;
}

static struct c2pa_trust *open_test_trust(struct arena *a, const char *dir)
{
    const char *anchors[] = {arena_printf(a, "%s/trust/test_cert_root_bundle.pem", dir), NULL};
    const char *allowed[] = {arena_printf(a, "%s/trust/allowed_list.pem", dir), NULL};
    const char *ekus[] = {arena_printf(a, "%s/trust/store.cfg", dir), NULL};
    const char *tsa[] = {arena_printf(a, "%s/trust/C2PA-TSA-TRUST-LIST.pem", dir), NULL};
    struct c2pa_trust_files files = {anchors, NULL, ekus, tsa};
    struct c2pa_trust *t = NULL, *all = NULL;
    struct err err = {0};

    CHECK_INT(c2pa_trust_open(&files, &t, &err), 0);
    CHECK_STR(err.text, "");
    files.allowed = allowed;
    CHECK_INT(c2pa_trust_open(&files, &all, &err), 0);
    c2pa_trust_free(all);
    return t;
}

/* ---- the table ---- */

/* Failures besides signingCredential.untrusted, where they are others than the table says. */
static const struct {
    const char *file, *failures, *why;
} others[] = {
    {"c2pa-node/testv2.jpg", "signingCredential.expired claimSignature.mismatch",
     "the certificate has expired, and a v2 claim needs a time stamp of a trusted authority"},
    {"c2pa-rs/no_alg.jpg",
     "claimSignature.mismatch algorithm.unsupported algorithm.unsupported assertion.dataHash.mismatch",
     "its references name no hash; README.md asks for it"},
    {"c2pa-rs/prerelease.jpg",
     "signingCredential.invalid signingCredential.expired claimSignature.mismatch assertion.missing "
     "assertion.missing assertion.missing assertion.missing assertion.missing assertion.missing "
     "assertion.missing assertion.missing",
     "its certificate is one of an authority and has expired; the table did not look at certificates"},
    {"public-testfiles/adobe-20220124-E-clm-CAICAI.jpg",
     "assertion.hashedURI.mismatch ingredient.manifest.missing", "today's of the two names in the table"},
    {"public-testfiles/adobe-20220124-E-uri-CIE-sig-CA.jpg", "assertion.hashedURI.mismatch",
     "of the ingredient, as upstream says in the last column"},
    {"public-testfiles/nikon-20221019-building.jpeg", "signingCredential.expired claimSignature.mismatch",
     "as upstream says in the last column"},
};
/* chain-ok, no failure, and yet not Trusted with the test bundle. */
static const struct {
    const char *file, *why;
} not_trusted[] = {{"c2pa-rs/video1.mp4", "the signer of its ingredient is not in the bundle"}};

/* "a x; b y | ingredient manifests: ..." becomes "a b"; "no failure" nothing. */
static const char *codes_of(struct arena *a, char *field)
{
    const char *all = "";
    char *one;

    field[strcspn(field, "|")] = '\0';
    if (text_starts(field, "no failure"))
        return all;
    while ((one = strsep(&field, ";"))) {
        one += strspn(one, " ");
        all = arena_printf(a, "%s%s%.*s", all, *all ? " " : "", (int)strcspn(one, " "), one);
    }
    return all;
}

static const char *wanted(struct arena *a, const char *file, char *field)
{
    for (size_t i = 0; i < COUNT_OF(others); i++)
        if (text_is(others[i].file, file))
            return others[i].failures;
    return codes_of(a, field);
}

static const char *found(struct arena *a, const struct c2pa_result *r)
{
    const char *all = "";

    for (size_t i = 0; i < r->nfailures; i++)
        if (!text_is(r->failures[i].code, "signingCredential.untrusted"))
            all = arena_printf(a, "%s%s%s", all, *all ? " " : "", r->failures[i].code);
    return all;
}

static bool must_be_trusted(const char *file, const char *chain, const char *failures)
{
    for (size_t i = 0; i < COUNT_OF(not_trusted); i++)
        if (text_is(not_trusted[i].file, file))
            return false;
    return text_is(chain, "chain-ok") && failures[0] == '\0';
}

static bool is_generative(const char *source)
{
    return text_is(source, "trainedAlgorithmicMedia") ||
           text_is(source, "compositeWithTrainedAlgorithmicMedia");
}

static void check_row(const char *dir, char *fields[FIELDS], const struct c2pa_trust *trust)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct bytes file = load(a, arena_printf(a, "%s/%s", dir, fields[0]));
    struct c2pa_result r = judge(a, file, NULL), t = judge(a, file, trust);
    const char *failures;

    if (text_is(fields[2], "none")) {
        CHECK_INT(r.state, C2PA_NONE);
        CHECK_INT(t.state, C2PA_NONE);
    } else {
        failures = wanted(a, fields[0], fields[7]);
        CHECK_STR(found(a, &r), failures);
        CHECK_STR(c2pa_state_name(r.state), failures[0] ? "Invalid" : "Valid");
        CHECK_STR(c2pa_state_name(t.state), failures[0]                                       ? "Invalid"
                                            : must_be_trusted(fields[0], fields[5], failures) ? "Trusted"
                                                                                              : "Valid");
        CHECK_INT(r.declares_ai, is_generative(fields[6]));
        CHECK_INT(r.says_ai, is_generative(fields[6]) && !failures[0]);
        CHECK(r.signer && r.generator);
    }
    ROW("%s", fields[0]);
}

static void agrees_with_the_table(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(c2pa_trust_freep) struct c2pa_trust *trust = NULL;
    const char *dir = folder(a);
    char line[4096], *fields[FIELDS];
    int rows = 0;
    FILE *table;

    if (!dir)
        SKIP("no C2PA files in the shared folder");
    trust = open_test_trust(a, dir);
    table = fopen(arena_printf(a, "%s/expected.tsv", dir), "re");
    while (table && fgets(line, sizeof line, table)) {
        char *rest = line;

        line[strcspn(line, "\n")] = '\0';
        for (size_t i = 0; i < FIELDS; i++)
            fields[i] = rest ? strsep(&rest, "\t") : line + strlen(line);
        if (line[0] == '#')
            continue;
        check_row(dir, fields, trust);
        rows++;
    }
    if (table)
        fclose(table);
    CHECK_INT(rows, 58);
}

/* ---- field by field ---- */

/* What differs from upstream's report on purpose: the ends of paths. */
static const char *const left_alone[] = {
    "/actions[0]/instanceId", /* upstream drops it from actions */
    "/thumbnail/identifier",  /* absolute here, as upstream's newest reports have it */
};

static bool is_left_alone(const char *path)
{
    for (size_t i = 0; i < COUNT_OF(left_alone); i++)
        if (text_ends(path, left_alone[i]))
            return true;
    return false;
}

static const char *step(struct arena *a, const char *path, const char *key)
{
    return arena_printf(a, "%s/%s", path, key);
}

/* Upstream made these reports without asking for trust: the one failure that comes of asking, always the
 * first, is passed over. */
static bool is_untrusted(yyjson_val *status)
{
    return text_is(yyjson_get_str(yyjson_obj_get(status, "code")), "signingCredential.untrusted");
}

/* Every value of `want` is in `got`; both are from our own tests, and shallow. */
static void compare(struct arena *a, const char *path, yyjson_val *want, yyjson_val *got)
{
    size_t i, n;
    yyjson_val *k, *v;

    if (is_left_alone(path))
        return;
    if (yyjson_get_type(want) != yyjson_get_type(got)) {
        CHECK_STR(path, "of another type");
    } else if (yyjson_is_obj(want)) {
        yyjson_obj_foreach (want, i, n, k, v)
            compare(a, step(a, path, yyjson_get_str(k)), v, yyjson_obj_get(got, yyjson_get_str(k)));
    } else if (yyjson_is_arr(want)) {
        size_t first = is_untrusted(yyjson_arr_get_first(got));

        CHECK_INT(yyjson_arr_size(got), yyjson_arr_size(want) + first);
        yyjson_arr_foreach (want, i, n, v)
            compare(a, arena_printf(a, "%s[%zu]", path, i), v, yyjson_arr_get(got, i + first));
    } else {
        CHECK(yyjson_equals(want, got));
    }
    ROW("%s", path);
}

static void compare_report(const char *dir, const char *name)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct c2pa_result r = judge(a, load(a, arena_printf(a, "%s/c2pa-rs/%s.jpg", dir, name)), NULL);
    CLEANUP(json_freep)
    yyjson_doc *want =
        json_read(load(a, arena_printf(a, "%s/c2pa-rs/%s.known_good.json", dir, name)), 1 << 20, NULL);
    CLEANUP(json_freep) yyjson_doc *got = json_read(bytes_of(r.json, r.json_len), C2PA_MAX_JSON * 2, NULL);

    CHECK(want && got);
    if (want && got)
        compare(a, name, yyjson_doc_get_root(want), yyjson_doc_get_root(got));
}

static void agrees_with_upstream_field_by_field(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *dir = folder(a);

    if (!dir)
        SKIP("no C2PA files in the shared folder");
    compare_report(dir, "C");
    compare_report(dir, "CA");
    compare_report(dir, "XCA");
}

/* ---- changed files ---- */

static const struct change {
    const char *file;
    size_t flip;        /* byte that is changed; 0: none */
    const char *insert; /* text of a PNG before its end, or a box at the end of an MP4 */
    size_t insert_at, cut_at, cut;
    const char *failures; /* NULL: no manifest */
} changes[] = {
    {"c2pa-ts/amazon-titan-g1.png", .flip = 26663, .failures = "assertion.dataHash.mismatch"},
    {"c2pa-ts/amazon-titan-g1.png", .insert = "\0\0\0\4tEXta\0bc\0\0\0\0", .insert_at = 1926680,
     .failures = "assertion.dataHash.mismatch"},
    {"c2pa-ts/amazon-titan-g1.png", .cut_at = 33, .cut = 26522, .failures = NULL},
    {"c2pa-python/sample1_signed.wav", .flip = 1044, .failures = "assertion.dataHash.mismatch"},
    {"c2pa-python/sample1_signed.wav", .flip = 1076218, .failures = ""},
    {"c2pa-rs/video1.mp4", .flip = 93158, .failures = "assertion.bmffHash.mismatch"},
    {"c2pa-rs/video1.mp4",
     .insert = "\0\0\0\x10"
               "free12345678",
     .insert_at = SIZE_MAX, .failures = "assertion.bmffHash.mismatch"},
    {"c2pa-ts/trustnxt-icon-signed-v2-bmff.heic", .flip = 32342, .failures = "assertion.bmffHash.mismatch"},
    {"c2pa-rs/C.jpg", .flip = 132418, .failures = "assertion.dataHash.mismatch"},
};

static struct bytes changed(struct arena *a, struct bytes file, const struct change *c)
{
    enum { INSERTED = 16 };
    size_t at = c->insert_at == SIZE_MAX ? file.len : c->insert_at, more = c->insert ? INSERTED : 0;
    uint8_t *to = arena_alloc(a, file.len + more);

    if (!c->insert)
        at = c->cut_at;
    memcpy(to, file.data, at);
    if (more > 0)
        memcpy(to + at, c->insert, more);
    memcpy(to + at + more, file.data + at + c->cut, file.len - at - c->cut);
    if (c->flip)
        to[c->flip] ^= 1;
    return bytes_of(to, file.len + more - c->cut);
}

static void notices_every_change(void)
{
    CLEANUP(arena_freep) struct arena *all = arena_new();
    const char *dir = folder(all);

    if (!dir)
        SKIP("no C2PA files in the shared folder");
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct bytes file = load(a, arena_printf(a, "%s/%s", dir, changes[i].file));
        struct c2pa_result r = judge(a, changed(a, file, &changes[i]), NULL);

        if (!changes[i].failures) {
            CHECK_INT(r.state, C2PA_NONE);
        } else {
            CHECK_STR(found(a, &r), changes[i].failures);
            CHECK(strstr(r.json, "\"claimSignature.validated\"") != NULL);
        }
        ROW("%s, change %zu", changes[i].file, i);
    }
}

static void half_a_store_is_invalid(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *dir = folder(a);
    struct c2pa_result r;
    struct bytes file;
    uint8_t *b;

    if (!dir)
        SKIP("no C2PA files in the shared folder");
    file = load(a, arena_printf(a, "%s/c2pa-ts/amazon-titan-g1.png", dir));
    b = memcpy(arena_alloc(a, file.len), file.data, file.len);
    b[33 + 2] = 13255 >> 8; /* half of 26510 */
    b[33 + 3] = 13255 & 0xff;
    r = judge(a, bytes_of(b, file.len), NULL);
    CHECK_INT(r.state, C2PA_INVALID);
    CHECK_STR(r.failures[0].code, "general.error");
}

int main(void)
{
    c2pa_prepare();
    RUN(agrees_with_the_table);
    RUN(agrees_with_upstream_field_by_field);
    RUN(notices_every_change);
    RUN(half_a_store_is_invalid);
    return test_end();
}
