/* Thresholds out of what operators said: fitted for each camera, shown by replay, written only when asked. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "harness.h"
#include "stage.h"
#include "test.h"

static void label(struct stage *g, const char *id, const char *word)
{
    char *body = arena_printf(g->a, "{\"labels\":[\"%s\"]}", word);
    char *request =
        arena_printf(g->a,
                     "POST /api/label/%s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
                     "Content-Type: application/json\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
                     id, g->key, strlen(body), body);

    CHECK_INT(http_raw(g->a, g->s.port, bytes_of(request, strlen(request))).status, 200);
}

/* A clip of that camera, and what an operator says of it. */
static void seen(struct stage *g, const char *camera, const char *clip, const char *word)
{
    char *metadata = arena_printf(g->a, "{\"camera_id\": \"%s\"}", camera);
    struct answer a = post_clip(g->a, g->s.port, "/api/classify?sync=true", g->key, clip,
                                clip_load(g->a, clip), *camera ? metadata : NULL);
    char *id = json_at(g->a, a.body, "id");

    CHECK(id != NULL);
    if (id && word)
        label(g, id, word);
}

/* One camera with labels enough, one with few; the known clips: intrusion (near), intrusion (0.86), safe. */
static struct stage labelled(void)
{
    struct stage g = stage_open(ARGS("--analysts", "1", "--reuse-results"));

    for (int i = 0; i < 2; i++) {
        seen(&g, "yard", "person.mp4", "person");
        seen(&g, "yard", "tiny.mp4", "EMPTY");
        seen(&g, "yard", "empty.mp4", "wind");
    }
    seen(&g, "yard", "tiny.mp4", NULL);
    seen(&g, "gate", "person.mp4", "person");
    seen(&g, "gate", "tiny.mp4", NULL);
    return g;
}

static double value(struct stage *g, const char *json, const char *path)
{
    char *text = json_at(g->a, bytes_of(json, strlen(json)), path);

    return text ? atof(text) : -1;
}

static void check_has(const char *text, const char *words)
{
    CHECK(strstr(text, words) != NULL);
    if (!strstr(text, words))
        printf("#   no \"%s\" in \"%s\"\n", words, text);
}

static void cameras_are_fitted_and_nothing_is_written(void)
{
    struct stage g = labelled();
    struct outcome o = stage_run(&g, ARGS("model", "tune", "--tenant", "acme", "--least", "2"));

    CHECK_INT(o.status, 0);
    check_has(o.out, "yard");
    check_has(o.out, "too few labels");
    check_has(o.out, "(only with --pooled)");
    check_has(o.out, "flips     3 of 9"); /* the two of the yard, and the one without a label */
    check_has(o.out, "operators' labels agree with 2 and contradict 0 of the flips");
    check_has(o.out, "nothing was written");
    CHECK_INT(stage_close(&g), 0);
}

static void rules_are_written_and_keep_what_was_there(void)
{
    static const char now[] = "{\"tenants\": {\"*\": {\"label\": 0.4}, \"other\": {\"high\": 0.7}}}";
    struct stage g = labelled();
    char *old = arena_printf(g.a, "%s/now.json", g.base), *to = arena_printf(g.a, "%s/new.json", g.base);
    struct outcome o;
    const char *text;
    FILE *f = fopen(old, "we");

    CHECK(f && fputs(now, f) >= 0 && fclose(f) == 0);
    o = stage_run(&g,
                  ARGS("model", "tune", "--tenant", "acme", "--least", "2", "--rules", old, "--write", to));
    CHECK_INT(o.status, 0);
    check_has(o.out, "written to");
    text = (const char *)file_read(g.a, to).data;
    CHECK(value(&g, text, "tenants.acme.cameras.yard.high") > 0.87);
    CHECK(value(&g, text, "tenants.acme.cameras.yard.low") > 0.87);
    CHECK_NEAR(value(&g, text, "tenants.acme.label"), 0.4, 0); /* of "*" before */
    CHECK_NEAR(value(&g, text, "tenants.other.high"), 0.7, 0);
    CHECK(value(&g, text, "tenants.acme.cameras.gate.high") < 0);
    CHECK(value(&g, text, "tenants.acme.high") < 0);
    o = stage_run(&g, ARGS("replay", "--rules", to));
    CHECK_INT(o.status, 0);
    o = stage_run(&g, ARGS("model", "tune", "--tenant", "acme", "--least", "2", "--write", to));
    CHECK(o.status == 1 && strstr(o.err, "is there already"));
    o = stage_run(&g, ARGS("model", "tune", "--tenant", "acme", "--least", "2", "--pooled", "--json"));
    CHECK_INT(o.status, 0);
    check_has(o.out, "{\"cameras\":[{\"camera\":\"*\",\"result\":\"fitted\",\"alarms\":3,\"harmless\":4");
    check_has(o.out, "{\"sums\":{");
    CHECK_INT(stage_close(&g), 0);
}

static void what_cannot_be_fitted_is_told(void)
{
    struct stage g = labelled();
    char *nowhere = arena_printf(g.a, "%s/new.json", g.base);
    struct outcome o = stage_run(&g, ARGS("model", "tune"));

    CHECK(o.status == 1 && strstr(o.err, "--tenant NAME"));
    o = stage_run(&g, ARGS("model", "tune", "--tenant", "nobody"));
    CHECK(o.status == 1 && strstr(o.err, "none has a label"));
    o = stage_run(&g, ARGS("model", "tune", "--tenant", "acme", "--write", nowhere));
    CHECK(o.status == 1 && strstr(o.err, "no camera has 10 labelled alarms"));
    CHECK(access(nowhere, F_OK) < 0);
    o = stage_run(&g,
                  ARGS("model", "tune", "--tenant", "acme", "--least", "2", "--rules", "/nonexistent.json"));
    CHECK_INT(o.status, 1);
    CHECK_INT(stage_close(&g), 0);
}

int main(void)
{
    RUN(cameras_are_fitted_and_nothing_is_written);
    RUN(rules_are_written_and_keep_what_was_there);
    RUN(what_cannot_be_fitted_is_told);
    return test_end();
}
