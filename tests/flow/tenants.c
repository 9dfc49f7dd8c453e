/* Tenants do not see each other, keys do what their scopes say, and each tenant has its own thresholds. */
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "harness.h"
#include "stage.h"
#include "test.h"

static struct stage stage;
static const char *other; /* a key of the second tenant */

static struct answer post_text(struct stage *g, const char *path, const char *key, const char *body)
{
    char *request = arena_printf(g->a,
                                 "POST %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
                                 "%s\r\nContent-Type: application/json\r\n"
                                 "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
                                 path, key, strlen(body), body);

    return http_raw(g->a, g->s.port, bytes_of(request, strlen(request)));
}

/* A finished clip of the tenant of the key. */
static char *judged(const char *key, const char *name)
{
    struct answer answer = post_clip(stage.a, stage.s.port, "/api/classify?sync=true&analyse_id=77", key,
                                     name, clip_load(stage.a, "tiny.mp4"), NULL);

    CHECK_INT(answer.status, 200);
    return json_at(stage.a, answer.body, "id");
}

/* Whatever has an id or a name: the owner gets 200, the other 404, and cannot tell it from an id that never
 * was. */
static void nobody_sees_what_is_not_theirs(void)
{
    static const char *const rows[] = {
        "/api/result/%s",
        "/v1/result/%s",
        "/result/%s",
        "/api/video/annotate/%s",
        "/api/avconv/serve.v2/%s",
        "/api/avconv/original/serve.v2/%s",
        "/v1/jobs/%s",
    };
    char *id = judged(stage.key, "mine.mp4");

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *hole = strstr(rows[i], "%s");
        char *path = arena_printf(stage.a, "%.*s%s", (int)(hole - rows[i]), rows[i], id);
        char *none =
            arena_printf(stage.a, "%.*s%s", (int)(hole - rows[i]), rows[i], "000000000000000000000000");
        struct answer mine = http_get(stage.a, stage.s.port, path, stage.key),
                      theirs = http_get(stage.a, stage.s.port, path, other);
        struct answer nobodys = http_get(stage.a, stage.s.port, none, other);
        CHECK_INT(mine.status, 200);
        CHECK_INT(theirs.status, 404);
        CHECK_INT(nobodys.status, 404);
        CHECK(theirs.body.len < 300 && !memmem(theirs.body.data, theirs.body.len, "mine.mp4", 8));
        ROW("%s", rows[i]);
    }
}

/* Once more: answers which the server remembers are remembered per tenant. */
static void remembered_answers_do_not_leak(void)
{
    char *id = judged(stage.key, "again.mp4"), *path = arena_printf(stage.a, "/api/result/%s", id);

    for (int i = 0; i < 3; i++) {
        CHECK_INT(http_get(stage.a, stage.s.port, path, stage.key).status, 200);
        CHECK_INT(http_get(stage.a, stage.s.port, path, other).status, 404);
    }
}

static void names_and_numbers_are_per_tenant(void)
{
    char *mine = judged(stage.key, "gate.mp4"), *theirs = judged(other, "gate.mp4");
    struct answer answer = stage_get(&stage, "/api/result?analyse_id=77");

    CHECK_STR(json_at(stage.a, answer.body, "id"), mine); /* the newest with that number, of this tenant */
    CHECK_STR(json_at(stage.a, answer.body, "tenant"), "acme");
    answer = http_get(stage.a, stage.s.port, "/api/result?analyse_id=77", other);
    CHECK_STR(json_at(stage.a, answer.body, "id"), theirs);
    CHECK_STR(json_at(stage.a, answer.body, "tenant"), "other");
    CHECK_INT(http_get(stage.a, stage.s.port, "/api/avconv/original/serve.v2/gate.mp4", other).status, 200);
    CHECK_INT(http_get(stage.a, stage.s.port, "/api/avconv/original/serve.v2/mine.mp4", other).status, 404);
    CHECK_INT(http_get(stage.a, stage.s.port, "/api/avconv/serve.v2/mine.mp4", other).status, 404);
}

static void labels_are_per_tenant(void)
{
    char *id = judged(stage.key, "label.mp4");
    struct answer answer =
        post_text(&stage, arena_printf(stage.a, "/api/label/%s", id), other, "{\"labels\": [\"person\"]}");

    CHECK_INT(answer.status, 404);
    answer = post_text(&stage, "/api/flow/labels", other,
                       arena_printf(stage.a, "{\"id\": \"%s\", \"labels\": [\"person\"]}", id));
    CHECK_INT(answer.status, 404);
    answer = post_text(&stage, arena_printf(stage.a, "/api/label/%s", id), stage.key,
                       "{\"labels\": [\"person\"]}");
    CHECK_INT(answer.status, 200);
    answer = post_text(&stage, "/api/flow/labels/custom", stage.key,
                       "{\"labels\": [{\"value\": \"thermal\", \"label\": \"Thermal\"}]}");
    CHECK_INT(answer.status, 200);
    answer = stage_get(&stage, "/api/flow/labels/custom");
    CHECK_STR(json_at(stage.a, answer.body, "labels.0.value"), "thermal");
    answer = http_get(stage.a, stage.s.port, "/api/flow/labels/custom", other);
    CHECK_STR(json_at(stage.a, answer.body, "labels"), "[]");
    answer = post_text(&stage, "/api/flow/labels/custom", other, "{\"labels\": [{\"value\": \"night\"}]}");
    CHECK_INT(answer.status, 200);
    answer = stage_get(&stage, "/api/label");
    CHECK_STR(json_at(stage.a, answer.body, "custom"), "[\"thermal\"]");
    answer = http_get(stage.a, stage.s.port, "/api/label", other);
    CHECK_STR(json_at(stage.a, answer.body, "custom"), "[\"night\"]");
}

static struct outcome new_key(const char *tenant, const char *scopes)
{
    return stage_run(&stage, ARGS("key", "new", "--tenant", tenant, "--scopes", scopes));
}

static char *scoped(const char *scopes)
{
    struct outcome o = new_key("acme", scopes);

    CHECK_INT(o.status, 0);
    return arena_strndup(stage.a, o.out, strcspn(o.out, "\n"));
}

static void scopes_are_honoured(void)
{
    char *submit = scoped("submit"), *read = scoped("read"), *both = scoped("submit read"),
         *admin = scoped("admin");
    char *id = judged(stage.key, "scope.mp4"), *result = arena_printf(stage.a, "/api/result/%s", id);
    char *label = arena_printf(stage.a, "/api/label/%s", id);
    const struct {
        const char *what, *key;
        int classify, result, label, job;
    } rows[] = {
        {"submit", submit, 200, 403, 200, 403},
        {"read", read, 403, 200, 403, 200},
        {"both", both, 200, 200, 200, 200},
        {"admin", admin, 403, 403, 403, 403},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct answer answer = post_clip(stage.a, stage.s.port, "/api/classify", rows[i].key, "a.mp4",
                                         clip_load(stage.a, "tiny.mp4"), NULL);
        CHECK_INT(answer.status, rows[i].classify);
        CHECK_INT(http_get(stage.a, stage.s.port, result, rows[i].key).status, rows[i].result);
        CHECK_INT(post_text(&stage, label, rows[i].key, "{\"labels\": [\"rain\"]}").status, rows[i].label);
        CHECK_INT(
            http_get(stage.a, stage.s.port, arena_printf(stage.a, "/v1/jobs/%s", id), rows[i].key).status,
            rows[i].job);
        ROW("%s", rows[i].what);
    }
    CHECK_INT(new_key("acme", "everything").status, 1);
    CHECK_INT(new_key("a/b", "read").status, 1);
}

/* ---- thresholds ---- */

static const char rules[] =
    "{\"tenants\": {"
    "\"strict\": {\"low\": 0.01, \"high\": 0.02},"
    "\"lax\": {\"low\": 0.98, \"high\": 0.99, \"label\": 0.01},"
    "\"between\": {\"low\": 0.02, \"high\": 0.999, \"cameras\": {\"yard-1\": {\"high\": 0.03},"
    " \"yard-2\": {\"zones\": [{\"width\": 1, \"height\": 1, \"points\": [{\"px\": 0, \"py\": 0},"
    " {\"px\": 1, \"py\": 0}, {\"px\": 1, \"py\": 1}, {\"px\": 0, \"py\": 1}]}]}}},"
    "\"*\": {\"low\": 0.05, \"high\": 0.997}}}";

static void same_clip_other_risk(void)
{
    static const struct {
        const char *tenant, *metadata, *risk;
    } rows[] = {
        {"strict", NULL, "intrusion"},
        {"lax", NULL, "safe"},
        {"between", NULL, "danger"},
        {"between", "{\"site_id\": \"yard\", \"camera_id\": 1}", "intrusion"},
        {"between", "{\"site_id\": \"yard\", \"camera_id\": 2}", "safe"}, /* the whole picture is excluded */
        {"between", "{\"site_id\": \"yard\", \"camera_id\": 3}", "danger"},
        {"anybody", NULL, "danger"},
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    char *base = folder_new(a), *path = arena_printf(a, "%s/rules.json", base), *scores = NULL;
    FILE *f = fopen(path, "we");
    struct stage g;

    if (!f || fputs(rules, f) < 0 || fclose(f) != 0)
        abort();
    g = stage_open_in(base, ARGS("--analysts", "1", "--rules", path));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *key = key_new(g.a, g.dir, rows[i].tenant, NULL);
        struct answer answer = post_clip(g.a, g.s.port, "/api/classify?sync=true", key, "a.mp4",
                                         clip_load(g.a, "tiny.mp4"), rows[i].metadata);
        CHECK_STR(json_at(g.a, answer.body, "risk"), rows[i].risk);
        if (!rows[i].metadata) { /* the thresholds differ, the clip is worth the same */
            char *person = json_at(g.a, answer.body, "scores.person");
            CHECK(!scores || text_is(person, scores));
            scores = person;
        }
        ROW("%s %s: %s", rows[i].tenant, rows[i].metadata ? rows[i].metadata : "",
            (const char *)answer.body.data);
    }
    CHECK_INT(stage_close(&g), 0);
    folder_remove(base);
}

int main(void)
{
    stage = stage_open(ARGS("--analysts", "1"));
    other = key_new(stage.a, stage.dir, "other", NULL);
    RUN(nobody_sees_what_is_not_theirs);
    RUN(remembered_answers_do_not_leak);
    RUN(names_and_numbers_are_per_tenant);
    RUN(labels_are_per_tenant);
    RUN(scopes_are_honoured);
    RUN(same_clip_other_risk);
    return stage_close(&stage) == 0 ? test_end() : 1;
}
