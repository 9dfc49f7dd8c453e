/* What is asked of and found by pipelines "origin-..." survives the trip through its JSON; records that
 * cannot be are refused. */
#include "report/origin.h"

#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "report/json.h"
#include "test.h"

static const char sha[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static const char *const two_models[] = {"a", "b"};
static const struct heuristic own = {
    .name = "Mine", .way = WAY_TOP, .nmodels = 2, .models = two_models, .threshold = 0.75};

static struct job_spec a_spec(const char *pipeline)
{
    struct job_spec spec = job_spec_defaults();

    spec.id = "6662efdb5200108549e3ac2b";
    spec.pipeline = pipeline;
    spec.subject.name = "video.mp4";
    spec.origin.frames = 10;
    spec.origin.choose = FRAMES_COLOR;
    spec.origin.faces = true;
    spec.origin.at = 1700000000;
    spec.origin.nown = 1;
    spec.origin.own = &own;
    spec.origin.heuristic = "Mine";
    return spec;
}

static struct origin_ruling *rulings(struct arena *a, size_t n)
{
    struct origin_ruling *all = arena_array(a, n, sizeof *all);

    for (size_t i = 0; i < n; i++)
        all[i] = (struct origin_ruling){"Average", {ORIGIN_ARTIFICIAL, 0.98761745691299438, false}, 3, 3};
    return all;
}

static struct opinion *opinions(struct arena *a)
{
    struct opinion *all = arena_array(a, 2, sizeof *all);

    all[0] = (struct opinion){{false, {0.0028010292444378138, 0.9971989393234252}}, NULL, 0.25};
    all[1] = (struct opinion){{.unknown = true}, "too_small", 0};
    return all;
}

static void fill_stream(struct arena *a, struct origin_stream *s, bool sound)
{
    static const struct voter voters[] = {{"V01", true, false}, {"V011", false, true}};

    s->nmodels = 2;
    s->models = voters;
    s->nparts = 1;
    s->parts = arena_alloc(a, sizeof *s->parts);
    s->parts[0].frame = 7;
    s->parts[0].time = (struct segment){1.5, 5.54};
    text_copy(s->parts[0].sha256, sizeof s->parts[0].sha256, sha);
    s->parts[0].opinions = opinions(a);
    s->parts[0].rulings = rulings(a, 2);
    s->parts[0].unsafe = sound ? (double)NAN : 0.125;
    s->parts[0].has_faces = !sound;
    s->parts[0].nfaces = sound ? 0 : 1;
    s->parts[0].faces = arena_alloc(a, sizeof *s->parts[0].faces);
    s->parts[0].faces[0] = (struct origin_face){{0.1f, 0.2f, 0.3f, 0.4f}, opinions(a), *rulings(a, 1)};
    s->summaries = arena_array(a, 2, sizeof *s->summaries);
    s->summaries[0] = (struct summary){1, {false, {0.1, 0.9}}, 0.08033582065383414};
    s->rulings = rulings(a, 2);
    s->on_means = sound ? NULL : rulings(a, 2);
    if (sound) {
        s->codec = "aac";
        s->rate = 48000, s->channels = 2, s->duration = 5.54;
    }
}

static struct report *a_report(struct arena *a)
{
    static const char *names[] = {"Average", "Mine"};
    static const struct voter face_models[] = {{"meso4", true, false}, {"mesoinception", true, false}};
    struct job_spec spec = a_spec("origin-video");
    struct report *r = report_new(a, &spec);
    struct origins *o = arena_alloc(a, sizeof *o);

    *o = (struct origins){
        .nheuristics = 2,
        .heuristics = names,
        .main = 1,
        .nface_models = 2,
        .face_models = face_models,
        .pictures = arena_alloc(a, sizeof *o->pictures),
        .ntracks = 1,
        .tracks = arena_alloc(a, sizeof *o->tracks),
        .credentials_read = true,
        .credentials = {CREDENTIALS_VALID, true, "{\"active_manifest\":\"x\"}"},
        .forced = true,
        .unsafe_known = true,
        .prepare_secs = 1.18537,
    };
    fill_stream(a, o->pictures, false);
    fill_stream(a, o->tracks, true);
    r->origins = o;
    r->decoder = "libavcodec 59";
    r->verdict.risk = "";
    report_set_config(r, &(struct configuration){.origin_known = true, .origin = spec.origin});
    return r;
}

static void specs_survive(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct job_spec spec = a_spec("origin-video"), back;
    struct bytes text = spec_to_json(a, &spec), again;
    struct err err;

    CHECK_INT(spec_from_json(a, text, &back, &err), 0);
    again = spec_to_json(a, &back);
    CHECK_STR((const char *)again.data, (const char *)text.data);
    CHECK_INT(back.origin.choose, FRAMES_COLOR);
    CHECK_STR(back.origin.own[0].models[1], "b");
    CHECK_INT(pipeline_kit(back.pipeline), KIT_ORIGIN);
}

static void reports_survive(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct bytes text = report_to_json(a, a_report(a)), again;
    struct report *back;
    struct err err = {0};

    CHECK_INT(report_from_json(a, text, &back, &err), 0);
    again = report_to_json(a, back);
    CHECK_STR((const char *)again.data, (const char *)text.data);
    CHECK(fabs(back->origins->pictures->parts[0].opinions[0].vote.score[ORIGIN_ARTIFICIAL] -
               0.9971989393234252) <= 0);
    CHECK(isnan(back->origins->tracks[0].parts[0].unsafe));
    CHECK_STR(back->origins->credentials.json, "{\"active_manifest\":\"x\"}");
}

/* One change to the text, and it must not be read. */
static void records_that_cannot_be(void)
{
    static const struct {
        const char *from, *to;
    } rows[] = {
        {"\"main\":1", "\"main\":2"},
        {"\"code\":\"too_small\"", "\"cod_\":\"too_small\""},
        {"\"state\":\"valid\"", "\"state\":\"inval\""},
        {"\"forced\":true", "\"forced\":1   "},
        {"\"models\":3", "\"models\":4"},
        {"\"origin\":\"artificial\"", "\"origin\":\"artificiel\""},
        {"\"frame\":7", "\"frame\":-"},
        {"\"says_artificial\":true", "\"says_artificial\":null"},
        {"{\\\"active_manifest\\\":\\\"x\\\"}", "{\\\"active_manifest\\\":\\\"x\\\"]"},
        {"\"heuristics\":[\"Average\",\"Mine\"]", "\"heuristics\":[\"Average\",       ]"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct bytes text = report_to_json(a, a_report(a));
        char *copy = arena_strdup(a, (const char *)text.data), *at = strstr(copy, rows[i].from);
        struct report *back;
        struct err err = {0};

        CHECK(at != NULL);
        if (!at)
            continue;
        memcpy(at, rows[i].to, strlen(rows[i].to));
        CHECK(report_from_json(a, bytes_of(copy, text.len), &back, &err) < 0);
    }
}

static void the_operators_file(void)
{
    static const struct {
        const char *text, *complaint; /* NULL: fine */
    } rows[] = {
        {"{\"heuristics\":[{\"name\":\"Careful\",\"threshold\":0.9,\"models\":[\"a\"]}]}", NULL},
        {"{\"heuristics\":[]}", NULL},
        {"{\"heuristics\":[{\"name\":\"X\",\"comment\":\"why\",\"trim\":0.25,\"digits\":\"cut\","
         "\"decimals\":2}]}",
         NULL},
        {"[]", "object"},
        {"{\"heuristics\":[{\"name\":\"X\",\"bandd\":0.9}]}", "bandd"},
        {"{\"heuristics\":[{\"name\":\"Average\"}]}", "Average"},
        {"{\"heuristics\":[{\"name\":\"X\",\"way\":\"median\"}]}", "way"},
        {"{\"heuristics\":[{\"way\":\"mean\"}]}", "name"},
        {"{\"heuristics\":[{\"name\":\"X\",\"band\":1.5}]}", "band"},
        {"{\"heuristics\":[3]}", "name"},
        {"{\"heuristics\":", ""},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        const struct heuristic *all;
        struct err err = {0};
        size_t n;
        int r = heuristics_from_json(a, bytes_of(rows[i].text, strlen(rows[i].text)), &all, &n, &err);

        CHECK_INT(r, rows[i].complaint ? -1 : 0);
        CHECK(!rows[i].complaint || strstr(err.text, rows[i].complaint) != NULL);
    }
}

int main(void)
{
    RUN(specs_survive);
    RUN(reports_survive);
    RUN(records_that_cannot_be);
    RUN(the_operators_file);
    return test_end();
}
