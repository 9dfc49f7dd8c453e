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
    report_add_model(r, &(struct model_ref){"assay-detect", "1", "detect", sha, sha});
    report_add_model(r, &(struct model_ref){"assay-detect", "1", "detect", sha, sha});
    r->verdict = (struct verdict){"alarm/1", "intrusion", {.low = 0.2, .high = 0.8, .label = 0.5}, 2, labels};
    r->decoder = "libavcodec 59";
    r->runtime = "ONNX Runtime 1.30.0";
    r->program = (struct program_ref){"0.1.0", "0123456789ab"};
    r->reach = reach_any();
    reach_asked(r->reach.high, 0.7, 0.8);
    spec.alarm.rule = r->verdict.thresholds;
    report_set_config(r, &(struct configuration){.alarm = spec.alarm,
                                                 .deadline_ms = 60000,
                                                 .max_pixels = 33554432,
                                                 .max_seconds = 3600,
                                                 .cpu_us = 8000000});
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
    CHECK_STR(back->models[0].card, sha);
    CHECK_STR(back->program.commit, "0123456789ab");
    CHECK(back->config.known && back->config.alarm.rule.high == 0.8);
    CHECK_INT(back->config.alarm.nzones, 1);
    CHECK(back->reach.known && back->reach.high[0] == 0.7 && back->reach.high[1] == 1);
}

/* What older programs did not write stays away, and is not taken for something. */
static void an_older_report_stays_as_it_is(void)
{
    static const struct makers anybody = {.decoder = "libavcodec 59"};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct report *r = a_report(a), *back;
    struct bytes text;
    struct err err = {0};

    r->runtime = NULL;
    r->program = (struct program_ref){0};
    r->config = (struct configuration){0};
    r->reach = (struct reach){0};
    r->models[0].card = NULL;
    text = report_to_json(a, r);
    CHECK(!strstr((const char *)text.data, "configuration") && !strstr((const char *)text.data, "card"));
    CHECK_INT(report_from_json(a, text, &back, &err), 0);
    CHECK_STR((const char *)report_to_json(a, back).data, (const char *)text.data);
    CHECK(!report_made_by(back, &anybody));
}

static struct makers makers_of(const struct report *r)
{
    return (struct makers){r->nmodels, r->models, r->decoder, r->runtime,
                           r->program, 33554432,  3600,       8000000};
}

/* One thing after the other is different. */
static void evidence_tells_makers_apart(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct report *r = a_report(a);
    struct model_ref other = r->models[0];
    struct makers m[10];

    for (size_t i = 0; i < COUNT_OF(m); i++)
        m[i] = makers_of(r);
    m[1].decoder = "libavcodec 60";
    m[2].runtime = "ONNX Runtime 1.31.0";
    m[3].program.version = "0.2.0";
    m[4].program.commit = "ba9876543210";
    m[5].max_pixels++;
    m[6].max_seconds = 60;
    m[7].nmodels = 0;
    other.card = "another card";
    m[8].models = &other;
    m[9].cpu_us = 0;
    for (size_t i = 0; i < COUNT_OF(m); i++) {
        CHECK_INT(report_made_by(r, &m[i]), i == 0);
        ROW("%zu", i);
    }
}

/* The deadline cuts a verdict off: what was seen was seen, and "safe" is not known. */
static void what_the_deadline_leaves(void)
{
    static const struct {
        enum err_kind kind;
        const char *risk;
        int judged;
        bool stays;
    } rows[] = {
        {ERR_TIMEOUT, "intrusion", 1, true}, {ERR_TIMEOUT, "danger", 3, true},
        {ERR_TIMEOUT, "safe", 3, false},     {ERR_TIMEOUT, "", 3, false},
        {ERR_TIMEOUT, "danger", 0, false},   {ERR_DECODE, "intrusion", 3, false},
        {ERR_CRASH, "danger", 3, false},
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct report *r = a_report(a), *back = NULL;
        r->verdict.risk = rows[i].risk;
        r->sampling.judged = rows[i].judged;
        report_fail(r, &(struct err){rows[i].kind, "why"});
        CHECK_INT(report_from_json(a, report_to_json(a, r), &back, NULL), 0);
        CHECK_STR(back ? back->verdict.risk : NULL, rows[i].stays ? rows[i].risk : "");
        CHECK_INT(back && back->nscores > 0, rows[i].stays);
        CHECK_INT(back ? (int)back->nmoments : -1, 2);
        ROW("%zu", i);
    }
}

static void a_failed_report_has_no_verdict(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct report *r = a_report(a), *back;
    struct err why = {ERR_DECODE, "it breaks off"}, err = {0};

    report_fail(r, &why);
    CHECK_INT(report_from_json(a, report_to_json(a, r), &back, &err), 0);
    CHECK(back->error.kind == ERR_DECODE);
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
        {"a verdict beside an error", "\"code\":\"ok\"", "\"code\":\"cannot_decode\""},
        {"a height that is text", "\"height\":320,\"max", "\"height\":\"x\",\"max"},
        {"a program without a version", "\"version\":\"0.1.0\"", "\"v\":1"},
        {"a configuration that is text", "\"configuration\":{", "\"configuration\":7,\"x\":{"},
        {"a reach without an end", "\"label\":[-1.0,1.0]", "\"label\":[-1.0]"},
        {"a reach beyond all rules", "\"label\":[-1.0,1.0]", "\"label\":[-1.0,7.0]"},
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

/* ---- what pipelines "scenes" and "pictures" say ---- */

static struct job_spec a_batch(void)
{
    static const float known[] = {0.6f, 0.8f};
    static const struct known_face face = {2, known};
    static struct subject_part parts[2] = {{0, 700000, {0}},
                                           {700000, 0, {.kind = ERR_INPUT, .text = "no base64"}}};
    struct job_spec spec = a_spec();

    spec.pipeline = "pictures";
    spec.scenes.nparts = 2;
    spec.scenes.parts = parts;
    spec.scenes.nknown = 1;
    spec.scenes.known = &face;
    spec.scenes.embeddings = true;
    return spec;
}

static struct scenery *a_scenery(void)
{
    static struct shot shots[] = {{{0, 5.2}, SHOT_START}, {{5.2, 10.7}, SHOT_GRADUAL}};
    static float activity[] = {0, 0.125f, 1}, embedding[] = {0.6f, -0.8f};
    static struct person people[] = {{34.5,
                                      GENDER_FEMALE,
                                      2,
                                      embedding,
                                      {(const uint8_t *)"\xff\xd8", 2},
                                      LISTED_NO,
                                      3.25,
                                      {0.5f, 0.5f, 0.1f, 0.1f}},
                                     {.age = NAN, .box = {0, 0, 1, 1}}};
    static struct appearance seen[] = {{1, 0.65}, {0, 0.35}};
    static struct constellation constellations[] = {{{0, 3}, 0, NULL}, {{3, 10.7}, 2, seen}};
    static struct scene_text texts[] = {{"Entr\u00e9e \"B\"", "fr", 0.9, {1, 2.5}, {0.1f, 0.1f, 0.2f, 0.1f}},
                                        {"EXIT", NULL, 0.75, {1, 2}, {0, 0, 1, 1}}};
    static struct segment segments[] = {{0, 3}, {5, 6}};
    static struct section sections[] = {{"intro", true, 0.91, 0.5, 1.2, 2, segments}};
    static struct scene_tag tags[] = {{"cat", 0.92, false}};
    static struct scenery s = {
        .has_shots = true,
        .has_people = true,
        .has_texts = true,
        .has_sections = true,
        .has_tags = true,
        .nshots = 2,
        .shots = shots,
        .activity_step = 0.5,
        .nactivity = 3,
        .activity = activity,
        .npeople = 2,
        .people = people,
        .nconstellations = 2,
        .constellations = constellations,
        .ntexts = 2,
        .texts = texts,
        .nsections = 1,
        .sections = sections,
        .ntags = 1,
        .tags = tags,
        .text_offered = 20,
        .text_read = 3,
        .face_frames = 20,
    };

    return &s;
}

static struct report *a_scenes_report(struct arena *a)
{
    static struct item items[2] = {{.format = "png", .width = 640, .height = 480},
                                   {.error = {.kind = ERR_DECODE, .text = "no picture"}, .format = ""}};
    struct job_spec spec = a_batch();
    struct report *r = report_new(a, &spec);

    items[0].scenery = *a_scenery();
    r->media = (struct media_info){.container = "", .codec = ""};
    r->decoder = "libavcodec 59";
    r->scenery = a_scenery();
    r->nitems = 2;
    r->items = items;
    report_set_config(
        r, &(struct configuration){.scenes_known = true, .scenes = spec.scenes, .deadline_ms = 1000});
    return r;
}

static void a_batch_survives_the_trip(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct job_spec spec = a_batch(), back;
    struct bytes text = spec_to_json(a, &spec);
    struct err err = {0};

    CHECK(spec_from_json(a, text, &back, &err) == 0);
    CHECK(back.scenes.nparts == 2 && back.scenes.parts[1].error.kind == ERR_INPUT);
    CHECK(back.scenes.nknown == 1 && back.scenes.known[0].n == 2);
    CHECK_STR((const char *)spec_to_json(a, &back).data, (const char *)text.data);
}

static void scenes_survive_the_trip(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct bytes text = report_to_json(a, a_scenes_report(a));
    struct report *back;
    struct err err = {0};

    CHECK(report_from_json(a, text, &back, &err) == 0);
    CHECK_STR(err.text, "");
    CHECK(back->scenery->npeople == 2 && back->scenery->people[0].thumbnail.len == 2);
    CHECK(isnan(back->scenery->people[1].age) && back->scenery->people[1].listed == LISTED_UNKNOWN);
    CHECK(back->nitems == 2 && back->items[1].error.kind == ERR_DECODE);
    CHECK(back->config.scenes_known && back->config.scenes.nparts == 0);
    CHECK_STR((const char *)report_to_json(a, back).data, (const char *)text.data);
}

static void scenes_have_ranges(void)
{
    static const struct {
        const char *what, *from, *to;
    } rows[] = {
        {"a shot that ends before it begins", "{\"start\":5.2,", "{\"start\":15.2,"},
        {"a beginning of another kind", "\"gradual\"", "\"sudden\""},
        {"a person who is not there", "\"person\":1", "\"person\":2"},
        {"more prominent than all", "0.65", "1.65"},
        {"no gender of ours", "\"female\"", "\"femal3\""},
        {"no base64", "\"/9g=\"", "\"/9g*\""},
        {"a probability above 1", "0.92", "1.92"},
        {"an age of 3000", "34.5", "3000"},
        {"an embedding of texts", "-0.8", "\"a\""},
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct bytes text = report_to_json(a, a_scenes_report(a));
    struct report *back;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct bytes bad = mutated(a, text, rows[i].from, rows[i].to);
        struct err err = {0};
        CHECK(bad.len > 0);
        CHECK(report_from_json(a, bad, &back, &err) < 0);
        ROW("%s", rows[i].what);
    }
}

static void batches_have_ranges(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct subject_part beyond = {786000, 801, {0}};
    struct job_spec spec = a_batch();

    CHECK(job_spec_check(&spec, NULL) == 0);
    spec.scenes.nparts = 0;
    CHECK(job_spec_check(&spec, NULL) < 0);
    spec.scenes.nparts = 1;
    spec.scenes.parts = &beyond;
    CHECK(job_spec_check(&spec, NULL) < 0);
    spec.pipeline = "scenes";
    CHECK(job_spec_check(&spec, NULL) < 0);
    spec.scenes.nparts = 0;
    CHECK(job_spec_check(&spec, NULL) == 0);
}

int main(void)
{
    RUN(spec_survives_the_trip);
    RUN(report_survives_the_trip);
    RUN(an_older_report_stays_as_it_is);
    RUN(evidence_tells_makers_apart);
    RUN(a_failed_report_has_no_verdict);
    RUN(what_the_deadline_leaves);
    RUN(refuses_what_an_analyst_may_not_say);
    RUN(spec_has_ranges);
    RUN(a_batch_survives_the_trip);
    RUN(scenes_survive_the_trip);
    RUN(scenes_have_ranges);
    RUN(batches_have_ranges);
    return test_end();
}
