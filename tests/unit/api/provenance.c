/* The provenance dialect without a server: what requests say, names of runs, rates, links, heuristics of the
 * operator. How runs read: provenance_render.c. */
#include <stdio.h>
#include <unistd.h>

#include "api/provenance/provenance_int.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "test.h"

static struct provenance_opts opts(void)
{
    return (struct provenance_opts){
        .prefix = "/api", .version = "1.1", .rates = "none", .force = "valid", .link_ms = 7 * 86400000LL};
}

static struct bytes text_of(const char *s)
{
    return bytes_of(s, strlen(s));
}

/* ---- fields ---- */

static const struct {
    enum subject_kind kind;
    const char *name, *value;
    const char *want; /* as ask_text says it; NULL: refused */
} fields[] = {
    {KIND_VIDEO, "frames", "1", "1 even"},
    {KIND_VIDEO, "frames", "100", "100 even"},
    {KIND_VIDEO, "frames", "0", NULL},
    {KIND_VIDEO, "frames", "101", NULL},
    {KIND_VIDEO, "frames", "-5", NULL},
    {KIND_VIDEO, "frames", "+5", NULL},
    {KIND_VIDEO, "frames", "5.0", NULL},
    {KIND_VIDEO, "frames", "99999999999999999999", NULL},
    {KIND_VIDEO, "frames", "", "5 even"},
    {KIND_IMAGE, "frames", "0", "5 even"},
    {KIND_VIDEO, "key_frames", "true", "5 iframes"},
    {KIND_VIDEO, "key_frames", "TRUE", "5 iframes"},
    {KIND_VIDEO, "key_frames", "1", "5 iframes"},
    {KIND_VIDEO, "key_frames", "0", "5 even"},
    {KIND_VIDEO, "key_frames", "yes", NULL},
    {KIND_VIDEO, "key_frames", "2", NULL},
    {KIND_VIDEO, "key_frames_method", "iframe", "5 even"},
    {KIND_VIDEO, "key_frames_method", "iframes", "5 even"},
    {KIND_VIDEO, "key_frames_method", "even", NULL},
    {KIND_VIDEO, "key_frames_method", "Flow", NULL},
    {KIND_IMAGE, "with_heatmap", "true", "5 even heatmap"},
    {KIND_VIDEO, "with_heatmap", "perhaps", "5 even"},
    {KIND_IMAGE, "with_morphing", "1", "5 even morphing"},
    {KIND_AUDIO, "with_morphing", "1", "5 even"},
    {KIND_IMAGE, "with_tampering", "true", "5 even tampering"},
    {KIND_IMAGE, "with_nsfw", "true", "5 even nsfw"},
    {KIND_AUDIO, "no_cache", "true", "5 even no_cache"},
    {KIND_AUDIO, "prevent_c2pa_forces", "true", "5 even unforced"},
    {KIND_IMAGE, "with_llm", "maybe", "5 even"},
    {KIND_IMAGE, "anything", "\xff", "5 even"},
    {KIND_IMAGE, "ref_id", "a b/\xc3\xa4", "5 even ref=a b/\xc3\xa4"},
    {KIND_IMAGE, "ref_id", "a\nb", NULL},
    {KIND_IMAGE, "ref_id", "\xff", NULL},
};

static const char *ask_text(struct arena *a, const struct ask *k)
{
    return arena_printf(a, "%d %s%s%s%s%s%s%s%s%s", k->frames, key_frames_name(k->key_frames ? k->method : 0),
                        k->heatmap ? " heatmap" : "", k->morphing ? " morphing" : "",
                        k->tampering ? " tampering" : "", k->nsfw ? " nsfw" : "",
                        k->no_cache ? " no_cache" : "", k->unforced ? " unforced" : "",
                        k->ref_id ? " ref=" : "", k->ref_id ? k->ref_id : "");
}

static void fields_are_read(void)
{
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct ask ask = ask_defaults();
        struct err err = {0};
        int r = ask_field(a, &ask, fields[i].kind, fields[i].name, text_of(fields[i].value), &err);
        CHECK_INT(r, fields[i].want ? 0 : -1);
        if (fields[i].want)
            CHECK_STR(ask_text(a, &ask), fields[i].want);
        else
            CHECK(strstr(err.text, fields[i].name) != NULL);
        ROW("%s=%s", fields[i].name, fields[i].value);
    }
}

static void long_and_cut_texts(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct ask ask = ask_defaults();
    char text[REF_ID_BYTES + 2];

    memset(text, 'x', sizeof text);
    CHECK_INT(ask_field(a, &ask, KIND_IMAGE, "ref_id", bytes_of(text, REF_ID_BYTES), NULL), 0);
    CHECK_INT(ask_field(a, &ask, KIND_IMAGE, "ref_id", bytes_of(text, REF_ID_BYTES + 1), NULL), -1);
    CHECK_INT(ask_field(a, &ask, KIND_IMAGE, "ref_id", bytes_of("a\0b", 3), NULL), -1);
}

static const struct {
    const char *json, *want, *field; /* want NULL: refused, for that field ("" = the body) */
} objects[] = {
    {"{\"file_url\":\"https://x/a\",\"frames\":10,\"with_nsfw\":true,\"z\":{}}", "10 even nsfw", NULL},
    {"{\"frames\":\"10\",\"key_frames\":1,\"key_frames_method\":\"flow\",\"ref_id\":null}", "10 flow", NULL},
    {"{\"frames\":1e1}", NULL, "frames"},
    {"{\"frames\":[5]}", NULL, "frames"},
    {"{\"with_nsfw\":{}}", NULL, "with_nsfw"},
    {"{\"ref_id\":1}", NULL, "ref_id"},
    {"{\"ref_id\":\"a\\u0000b\"}", NULL, "ref_id"},
    {"{\"file_url\":false}", NULL, "file_url"},
    {"[]", NULL, ""},
    {"{", NULL, ""},
    {"", NULL, ""},
};

static void json_is_read(void)
{
    for (size_t i = 0; i < COUNT_OF(objects); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct ask ask = ask_defaults();
        const char *field = "?";
        struct err err;
        CHECK_INT(ask_json(a, &ask, KIND_VIDEO, text_of(objects[i].json), &field, &err),
                  objects[i].want ? 0 : -1);
        if (objects[i].want)
            CHECK_STR(ask_text(a, &ask), objects[i].want);
        else
            CHECK_STR(field ? field : "", objects[i].field);
        ROW("%s", objects[i].json);
    }
}

static const struct {
    const char *body, *want, *field;
} forms[] = {
    {"frames=10&with_nsfw=true", "10 even nsfw", NULL},
    {"&&ref_id=a+b%20c&x", "5 even ref=a b c", NULL},
    {"ref%5Fid=x", "5 even ref=x", NULL},
    {"frames=x", NULL, "frames"},
    {"ref_id=%00", NULL, ""},
    {"ref_id=%0", NULL, ""},
    {"ref_id=%zz", NULL, ""},
    {"%", NULL, ""},
    {"", "5 even", NULL},
};

static void forms_are_read(void)
{
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct ask ask = ask_defaults();
        const char *field = "?";
        struct err err;
        CHECK_INT(ask_urlencoded(a, &ask, KIND_VIDEO, text_of(forms[i].body), &field, &err),
                  forms[i].want ? 0 : -1);
        if (forms[i].want)
            CHECK_STR(ask_text(a, &ask), forms[i].want);
        else
            CHECK_STR(field ? field : "", forms[i].field);
        ROW("%s", forms[i].body);
    }
}

static const struct {
    const char *name;
    bool is;
} query_names[] = {
    {"identifiers", true},
    {"identifiers[]", true},
    {"identifiers%5B%5D", true},
    {"identifiers%5b0%5d", true},
    {"identifiers[17]", true},
    {"identifiers[x]", false},
    {"identifiers[", false},
    {"identifiers[]x", false},
    {"identifiersx", false},
    {"identifier", false},
    {"%zz", false},
    {"", false},
};

static void names_of_identifiers(void)
{
    for (size_t i = 0; i < COUNT_OF(query_names); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        CHECK_INT(is_identifiers(a, query_names[i].name), query_names[i].is);
        ROW("%s", query_names[i].name);
    }
}

static const struct {
    const char *accept;
    bool json, turned; /* by default plain; by default JSON */
} accepts[] = {
    {NULL, false, true},
    {"*/*", false, true},
    {"application/json", true, true},
    {"text/html, Application/JSON;q=0.9", true, true},
    {"text/plain", false, false},
    {"application/vnd.api+json", true, true},
};

static void accept_says_how(void)
{
    for (size_t i = 0; i < COUNT_OF(accepts); i++) {
        CHECK_INT(wants_json(accepts[i].accept, false), accepts[i].json);
        CHECK_INT(wants_json(accepts[i].accept, true), accepts[i].turned);
        ROW("%s", accepts[i].accept ? accepts[i].accept : "(none)");
    }
}

/* ---- names of runs ---- */

static const char *identifier(struct arena *a, const char *tenant, const char *sha256, const char *ref_id,
                              const char *salt, const struct job_spec *spec)
{
    char *hex = arena_alloc(a, HASH_HEX);

    question_identifier(a, &(struct question){tenant, sha256, ref_id, "0.1.0 m1", salt, spec}, hex);
    return hex;
}

static void the_same_question_has_one_name(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct job_spec one = job_spec_defaults(), other;
    const char *first;

    one.pipeline = "origin-video";
    first = identifier(a, "acme", "aa", NULL, "", &one);
    CHECK(text_is_hex(first, 64));
    other = one;
    other.origin.at = 1700000000;
    other.id = "x";
    other.deadline_ms = 77;
    CHECK_STR(identifier(a, "acme", "aa", NULL, "", &other), first);
    CHECK(!text_is(identifier(a, "rival", "aa", NULL, "", &one), first));
    CHECK(!text_is(identifier(a, "acme", "ab", NULL, "", &one), first));
    CHECK(!text_is(identifier(a, "acme", "aa", "7", "", &one), first));
    CHECK(!text_is(identifier(a, "acme", "aa", NULL, "salt", &one), first));
    other.origin.frames = 6;
    CHECK(!text_is(identifier(a, "acme", "aa", NULL, "", &other), first));
    other = one;
    other.pipeline = "origin-image";
    CHECK(!text_is(identifier(a, "acme", "aa", NULL, "", &other), first));
}

static void notes_survive(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct provenance_notes n = {KIND_AUDIO, "ab", "a \"b\"", "https://x/", true}, back;

    CHECK_INT(notes_from_json(a, notes_to_json(a, &n), &back, NULL), 0);
    CHECK_INT(back.kind, KIND_AUDIO);
    CHECK_STR(back.identifier, "ab");
    CHECK_STR(back.ref_id, "a \"b\"");
    CHECK_STR(back.webhook, "https://x/");
    CHECK(back.nsfw);
    CHECK_INT(notes_from_json(a, text_of("{}"), &back, NULL), -1);
    CHECK_INT(notes_from_json(a, text_of("{\"media\":\"text\",\"identifier\":\"ab\"}"), &back, NULL), -1);
}

/* ---- options ---- */

static const struct {
    const char *prefix, *path, *want;
    bool ours;
} paths[] = {
    {"/api", "/api/classification", "/api/classification", true},
    {"", "/api/classification/{id}", "/classification/{id}", true},
    {"/x/y", "/api/classifications_video", "/x/y/classifications_video", true},
    {"/x", "/ui/results/{id}", "/ui/results/{id}", true},
    {"/api", "/api/classify", "/api/classify", false},
    {"/api", "/api/classification_text", "/api/classification_text", false},
};

static void paths_follow_the_prefix(void)
{
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct provenance_opts o = opts();
        o.prefix = paths[i].prefix;
        CHECK_INT(provenance_check_opts(&o, NULL), 0);
        CHECK_STR(provenance_path(a, &o, paths[i].path), paths[i].want);
        CHECK_INT(provenance_owns_path(&o, paths[i].want), paths[i].ours);
        ROW("%s%s", paths[i].prefix, paths[i].path);
    }
}

static void bad_options_are_refused(void)
{
    static const struct provenance_opts rows[] = {
        {.prefix = "api", .version = "1.1", .rates = "none"},
        {.prefix = "/api/", .version = "1.1", .rates = "none"},
        {.prefix = "/a<b", .version = "1.1", .rates = "none"},
        {.prefix = "/api", .version = "2", .rates = "none"},
        {.prefix = "/api", .version = "1.1", .rates = "some"},
        {.prefix = "/api", .version = "1.1", .rates = "none", .public_url = "example.org"},
        {.prefix = "/api", .version = "1.1", .rates = "none", .public_url = "https://example.org/"},
        {.prefix = "/api", .version = "1.1", .rates = "none", .public_url = "https://\"onclick"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CHECK_INT(provenance_check_opts(&rows[i], NULL), -1);
        ROW("%zu", i);
    }
}

/* ---- rates ---- */

enum { SECOND = 1000000 };

static void the_preset_counts(void)
{
    struct rate_table *t = rate_table_new();
    struct caller c = {.key_id = "6b01fcc91a44c63e9ea94b73"}, other = {.key_id = "6b01fcc91a44c63e9ea94b74"};
    int64_t now = 5 * SECOND, passed = 0;

    CHECK(rate_use(t, &c, RATE_GET, now));
    CHECK(rate_use(t, &c, RATE_GET, now));
    CHECK_INT(c.limit, 60);
    CHECK_INT(c.remaining, 58);
    CHECK(!rate_use(t, &c, RATE_GET, now + SECOND - 1));
    CHECK(c.over_rate);
    CHECK_INT(c.limit, 2);
    CHECK_INT(c.remaining, 0);
    CHECK_INT(c.reset_seconds, 1);
    CHECK(rate_use(t, &other, RATE_GET, now));
    CHECK(rate_use(t, &c, RATE_POST, now));
    CHECK(!rate_use(t, &c, RATE_POST, now));
    for (int i = 0; i < 59; i++) /* one a second: 29 more of these 30 */
        passed += rate_use(t, &c, RATE_POST, now + (i + 1) * (int64_t)SECOND);
    CHECK_INT(passed, 29);
    CHECK(!rate_use(t, &c, RATE_POST, now + 59 * (int64_t)SECOND));
    CHECK_INT(c.limit, 30);
    CHECK_INT(c.reset_seconds, 1);
    CHECK(rate_use(t, &c, RATE_POST, now + 60 * (int64_t)SECOND));
    CHECK(!rate_table_free(t));
}

/* ---- links ---- */

static void links_are_signed(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct provenance p = {.secret = {1, 2, 3}};
    struct api api = {.opts.provenance = opts(), .provenance = &p};
    const int64_t now = 1700000000LL * SECOND;
    const char *id = identifier(
        a, "acme", "aa", NULL, "",
        &(struct job_spec){
            .id = "", .pipeline = "origin-image", .subject.name = "", .origin = job_spec_defaults().origin});
    const char *url, *expires, *signature;

    api.opts.provenance.public_url = "https://example.org";
    url = link_make(&api, a, id, now);
    CHECK(text_starts(url, "https://example.org/ui/results/"));
    CHECK_STR(link_make(&api, a, id, now + 1000 * (int64_t)SECOND), url);
    expires = arena_strndup(a, strstr(url, "expires=") + 8, 10);
    signature = strstr(url, "signature=") + 10;
    CHECK_STR(expires, "1700611200");
    CHECK(link_is_good(&api, id, expires, signature, now));
    CHECK(link_is_good(&api, id, expires, signature, now + 7 * 86400LL * SECOND));
    CHECK(!link_is_good(&api, id, expires, signature, now + 8 * 86400LL * SECOND));
    CHECK(!link_is_good(&api, id, "1800611200", signature, now));
    CHECK(!link_is_good(&api, "00", expires, signature, now));
    CHECK(!link_is_good(&api, id, expires, "00", now));
    CHECK(!link_is_good(&api, id, NULL, signature, now));
    CHECK(!link_is_good(&api, id, expires, NULL, now));
    CHECK(!link_is_good(&api, id, "x", signature, now));
    p.secret[0] = 9;
    CHECK(!link_is_good(&api, id, expires, signature, now));
    api.provenance = NULL;
    CHECK(!strchr(link_make(&api, a, id, now), '?'));
}

/* ---- heuristics of the operator ---- */

static const struct {
    const char *text, *heuristic, *force;
    const char *wrong; /* in the sentence; NULL: fine */
} rule_files[] = {
    {"{\"heuristics\":[{\"name\":\"Strict\",\"way\":\"mean\",\"threshold\":0.8}]}", "Strict", "valid", NULL},
    {"{\"heuristics\":[]}", NULL, "never", NULL},
    {NULL, "Majority", "trusted", NULL},
    {NULL, "Strict", "valid", "no heuristic named"},
    {NULL, NULL, "sometimes", "never, trusted or valid"},
    {"{\"heuristics\":[{\"name\":\"Strict\",\"limit\":0.8}]}", NULL, "valid", "limit"},
    {"{\"heuristics\":[{\"name\":\"Average\"}]}", NULL, "valid", "Average"},
    {"not json", NULL, "valid", "provenance-heuristics"},
};

static const char *file_with(struct arena *a, const char *text)
{
    char *path = arena_strdup(a, "provenance-XXXXXX");
    int fd = mkstemp(path);

    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    return path;
}

static void rules_are_loaded(void)
{
    for (size_t i = 0; i < COUNT_OF(rule_files); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        CLEANUP(own_rules_freep) struct own_rules *r = NULL;
        struct provenance_opts o = opts();
        struct err err = {0};
        o.heuristic = rule_files[i].heuristic;
        o.force = rule_files[i].force;
        o.heuristics = rule_files[i].text ? file_with(a, rule_files[i].text) : NULL;
        r = own_rules_load(&o, &err);
        CHECK_INT(r != NULL, !rule_files[i].wrong);
        if (rule_files[i].wrong)
            CHECK(strstr(err.text, rule_files[i].wrong) != NULL);
        if (o.heuristics)
            unlink(o.heuristics);
        ROW("%zu: %s", i, err.text);
    }
}

static void rules_are_applied(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(provenance_freep) struct provenance *p = NULL;
    struct provenance_opts o = opts();
    struct origin_params params = job_spec_defaults().origin;
    struct own_rules *next;

    o.heuristics = file_with(a, "{\"heuristics\":[{\"name\":\"Strict\",\"models\":[\"a\"]}]}");
    o.heuristic = "Strict";
    o.force = "trusted";
    CHECK_INT(provenance_start(&p, &o, NULL, NULL, NULL), 0);
    own_rules_apply(p, a, &params);
    CHECK_INT(params.nown, 1);
    CHECK_STR(params.own[0].models[0], "a");
    CHECK_STR(params.heuristic, "Strict");
    CHECK_INT(params.force, FORCE_TRUSTED);
    unlink(o.heuristics);
    o.heuristics = o.heuristic = NULL;
    next = own_rules_load(&o, NULL);
    provenance_renew_take(p, next);
    CHECK_STR(params.own[0].name, "Strict"); /* what a job has got stays */
    own_rules_apply(p, a, &params);
    CHECK_INT(params.nown, 0);
    CHECK_STR(params.heuristic, heuristic_default);
}

/* ---- installed models ---- */

static void cards_make_the_hash(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    char *dir = arena_strdup(a, "cards-XXXXXX"), none[HASH_HEX], empty[HASH_HEX], one[HASH_HEX],
         other[HASH_HEX];
    const char *card;
    FILE *f;

    CHECK(mkdtemp(dir) != NULL);
    card = arena_printf(a, "%s/a.json", dir);
    cards_hash(NULL, none);
    cards_hash(dir, empty);
    CHECK_STR(empty, none);
    f = fopen(card, "w");
    fputs("{}", f);
    fclose(f);
    cards_hash(dir, one);
    CHECK(!text_is(one, none));
    f = fopen(card, "a");
    fputs(" ", f);
    fclose(f);
    cards_hash(dir, other);
    CHECK(!text_is(other, one));
    unlink(card);
    rmdir(dir);
}

int main(void)
{
    RUN(fields_are_read);
    RUN(long_and_cut_texts);
    RUN(json_is_read);
    RUN(forms_are_read);
    RUN(names_of_identifiers);
    RUN(accept_says_how);
    RUN(the_same_question_has_one_name);
    RUN(notes_survive);
    RUN(paths_follow_the_prefix);
    RUN(bad_options_are_refused);
    RUN(the_preset_counts);
    RUN(links_are_signed);
    RUN(rules_are_loaded);
    RUN(rules_are_applied);
    RUN(cards_make_the_hash);
    return test_end();
}
