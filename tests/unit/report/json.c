#include "report/json.h"

#include <math.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "test.h"

static const char sha[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

static struct job_spec a_spec(void)
{
    static const struct label_threshold animal = {"animal", 0.3};
    static const struct zone zone = {3, {{0, 0}, {1, 0}, {0.5, 1}}};
    struct job_spec spec = job_spec_defaults();

    spec.id = "6662efdb5200108549e3ac2b";
    text_copy(spec.subject.sha256, sizeof spec.subject.sha256, sha);
    spec.subject.size = 786800;
    spec.subject.name = "door \"1\".mp4";
    spec.alarm.rule =
        (struct risk_rule){.low = 0.1, .high = 0.9, .label = NAN, .nlabels = 1, .labels = &animal};
    spec.alarm.zones = &zone;
    spec.alarm.nzones = 1;
    return spec;
}

static struct report *a_report(struct arena *a)
{
    static const char *labels[] = {"intrusion", "person"};
    struct job_spec spec = a_spec();
    struct report *r = report_new(a, &spec);

    r->media = (struct media_info){"mov,mp4", "h264", 4.217772, 640, 360, 24.18, 102, 90, true};
    r->sampling = (struct sampling){568, 320, 13, 13, 3.082196003008223};
    report_add_moment(r, 0, 0);
    report_add_moment(r, 8, 0.3333333333333333);
    report_add_score(r, "person", 0.919, "assay-detect");
    report_add_finding(r, &(struct finding){1, "person", 0.87654321, {0.1f, 0.2f, 0.3f, 0.4f}, true});
    report_add_model(r, &(struct model_ref){"assay-detect", "1", "detect", sha});
    report_add_model(r, &(struct model_ref){"assay-detect", "1", "detect", sha});
    r->verdict = (struct verdict){"alarm/1", "intrusion", {.low = 0.2, .high = 0.8, .label = 0.5}, 2, labels};
    r->decoder = "libavcodec 59";
    r->decode_us = 1, r->infer_us = 2, r->total_us = 3;
    return r;
}

static void spec_survives_the_trip(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct job_spec spec = a_spec(), back;
    struct bytes text = spec_to_json(a, &spec);
    struct err err = {0};

    CHECK_INT(spec_from_json(a, text, &back, &err), 0);
    CHECK_STR((const char *)spec_to_json(a, &back).data, (const char *)text.data);
    CHECK_STR(back.subject.name, "door \"1\".mp4");
    CHECK(back.alarm.zones[0].points[2].y == 1);
    CHECK(back.alarm.rule.low == 0.1 && isnan(back.alarm.rule.label));
    CHECK(risk_label_from(&back.alarm.rule, "animal") == 0.3);
}

static void report_survives_the_trip(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct bytes text = report_to_json(a, a_report(a));
    struct report *back;
    struct err err = {0};

    CHECK_INT(report_from_json(a, text, &back, &err), 0);
    CHECK_STR((const char *)report_to_json(a, back).data, (const char *)text.data);
    CHECK_INT(back->nmodels, 1);
    CHECK(report_score(back, "person") && report_score(back, "person")->value == 0.919);
    CHECK(!report_score(back, "animal"));
}

static void a_failed_report_has_no_verdict(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct report *r = a_report(a), *back;
    struct err why = {ERR_TIMEOUT, "the deadline passed"}, err = {0};

    report_fail(r, &why);
    CHECK_INT(report_from_json(a, report_to_json(a, r), &back, &err), 0);
    CHECK(back->error.kind == ERR_TIMEOUT);
    CHECK(!back->verdict.rule);
    CHECK_STR(back->verdict.risk, "");
    CHECK_INT(back->nmoments, 2);
}

/* The text with the first `from` replaced by `to`. */
static struct bytes mutated(struct arena *a, struct bytes text, const char *from, const char *to)
{
    const char *s = (const char *)text.data, *at = strstr(s, from);
    char *out;

    if (!at)
        return bytes_of("", 0);
    out = arena_printf(a, "%.*s%s%s", (int)(at - s), s, to, at + strlen(from));
    return bytes_of(out, strlen(out));
}

static void refuses_what_an_analyst_may_not_say(void)
{
    static const struct {
        const char *what, *from, *to;
    } rows[] = {
        {"a score above 1", "\"value\":0.919", "\"value\":1.919"},
        {"a score that is text", "\"value\":0.919", "\"value\":\"x\""},
        {"a verdict on nothing", "\"judged\":13", "\"judged\":0"},
        {"a verdict beside an error", "\"code\":\"ok\"", "\"code\":\"timeout\""},
        {"an unknown risk", "\"risk\":\"intrusion\"", "\"risk\":\"fine\""},
        {"an empty risk in a verdict", "\"risk\":\"intrusion\"", "\"risk\":\"\""},
        {"a finding of a moment that is not there", "\"moment\":1", "\"moment\":2"},
        {"a negative moment", "\"moment\":1", "\"moment\":-1"},
        {"a box of three", "0.1,0.2,0.3,0.4", "0.1,0.2,0.3"},
        {"a box far outside", "0.1,0.2", "9.1,0.2"},
        {"another schema", "assay.report/1", "assay.report/9"},
        {"a short hash", "ba7816bf", "ba"},
        {"no scores", "\"scores\"", "\"scorez\""},
        {"not JSON", "{", "["},
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct bytes text = report_to_json(a, a_report(a));
    struct report *back;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bytes bad = mutated(a, text, rows[i].from, rows[i].to);
        struct err err = {0};
        CHECK(bad.len > 0);
        CHECK(report_from_json(a, bad, &back, &err) < 0);
        CHECK(err.kind == ERR_INPUT && err.text[0]);
        ROW("%s", rows[i].what);
    }
}

static void spec_has_ranges(void)
{
    static const struct {
        const char *what, *from, *to;
    } rows[] = {
        {"no frames a second", "\"fps\":3.0", "\"fps\":0.0"},
        {"an odd height", "\"height\":320", "\"height\":321"},
        {"low above high", "\"low\":0.1", "\"low\":0.95"},
        {"a zone of two corners", "[[0.0,0.0],[1.0,0.0],[0.5,1.0]]", "[[0.0,0.0],[1.0,0.0]]"},
        {"an endless deadline", "\"deadline_ms\":60000", "\"deadline_ms\":99999999999"},
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct job_spec spec = a_spec(), back;
    struct bytes text = spec_to_json(a, &spec);

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bytes bad = mutated(a, text, rows[i].from, rows[i].to);
        struct err err = {0};
        CHECK(bad.len > 0);
        CHECK(spec_from_json(a, bad, &back, &err) < 0);
        ROW("%s", rows[i].what);
    }
}

int main(void)
{
    RUN(spec_survives_the_trip);
    RUN(report_survives_the_trip);
    RUN(a_failed_report_has_no_verdict);
    RUN(refuses_what_an_analyst_may_not_say);
    RUN(spec_has_ranges);
    return test_end();
}
