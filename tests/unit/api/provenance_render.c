/* How runs of the provenance API read: the published example of the older form, and made reports in the
 * present one. */
#include <math.h>
#include <stdio.h>

#include "api/provenance/provenance_int.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "report/json.h"
#include "test.h"

static const char sha[] = "ee9ac46c6eb0e7bcce54c4167a168cefe6f92feb4fb282687fbbbcf9dd37ba58";
static const char frame_sha[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static const char run_id[] = "0a7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/* ---- made reports ---- */

enum { MODELS_MAX = 4, PARTS_MAX_HERE = 8 };

/* What models said; what follows from it is calculated as the pipelines do. */
struct made {
    struct arena *arena;
    enum subject_kind kind;
    size_t nmodels, nparts;
    struct voter models[MODELS_MAX];
    struct opinion said[PARTS_MAX_HERE * MODELS_MAX];
    double seconds; /* of one part */
    struct report *report;
    struct job_row job;
};

static struct origin_ruling ruling_of(const struct ruling *r)
{
    return (struct origin_ruling){r->by->name, r->answer, r->count, r->models};
}

static struct origin_ruling *rule(struct arena *a, const struct heuristic *all, size_t n,
                                  const struct votes *v,
                                  struct ruling (*by)(const struct heuristic *h, const struct votes *v))
{
    struct origin_ruling *rulings = arena_array(a, n, sizeof *rulings);

    for (size_t i = 0; i < n; i++) {
        struct ruling r = by(&all[i], v);
        rulings[i] = ruling_of(&r);
    }
    return rulings;
}

static struct ruling on_first(const struct heuristic *h, const struct votes *v)
{
    return heuristic_on(h, v->models, v->cast, v->nmodels);
}

static struct votes votes_of(struct made *m, size_t first, size_t n)
{
    struct vote *cast = arena_array(m->arena, n * m->nmodels, sizeof *cast);

    for (size_t i = 0; i < n * m->nmodels; i++)
        cast[i] = m->said[first * m->nmodels + i].vote;
    return (struct votes){.nmodels = m->nmodels, .models = m->models, .nmoments = n, .cast = cast};
}

static void make_part(struct made *m, struct origin_part *p, size_t i)
{
    struct votes v = votes_of(m, i, 1);
    double from = (double)i * m->seconds;

    p->frame = (int64_t)i * 7;
    p->time = (struct segment){from, m->kind == KIND_AUDIO ? from + m->seconds : from};
    text_copy(p->sha256, sizeof p->sha256, m->kind == KIND_AUDIO ? "" : frame_sha);
    p->opinions = &m->said[i * m->nmodels];
    p->rulings = rule(m->arena, heuristics, HEURISTICS, &v, on_first);
    p->unsafe = (double)NAN;
}

static struct origin_stream *make_stream(struct made *m)
{
    struct origin_stream *s = arena_alloc(m->arena, sizeof *s);
    struct votes v = votes_of(m, 0, m->nparts);

    *s = (struct origin_stream){.nmodels = m->nmodels, .models = m->models, .nparts = m->nparts};
    s->parts = arena_array(m->arena, m->nparts, sizeof *s->parts);
    for (size_t i = 0; i < m->nparts; i++)
        make_part(m, &s->parts[i], i);
    s->summaries = arena_array(m->arena, m->nmodels, sizeof *s->summaries);
    for (size_t i = 0; i < m->nmodels; i++)
        s->summaries[i] = votes_summary(&v, i);
    if (m->kind == KIND_VIDEO) {
        s->rulings = rule(m->arena, heuristics, HEURISTICS, &v, heuristic_on_moments);
        s->on_means = rule(m->arena, heuristics, HEURISTICS, &v, heuristic_on_means);
    } else {
        s->rulings = rule(m->arena, heuristics, HEURISTICS, &v, heuristic_on_means);
    }
    if (m->kind == KIND_AUDIO) {
        s->codec = "mp3";
        s->rate = 44100, s->channels = 2, s->duration = m->seconds * (double)m->nparts;
    }
    return s;
}

static void make_report(struct made *m)
{
    struct job_spec spec = job_spec_defaults();
    struct origins *o = arena_alloc(m->arena, sizeof *o);
    const char **names = arena_array(m->arena, HEURISTICS, sizeof *names);

    spec.pipeline = kind_words(m->kind)->pipeline;
    m->report = report_new(m->arena, &spec);
    for (size_t i = 0; i < HEURISTICS; i++)
        names[i] = heuristics[i].name;
    *o = (struct origins){.nheuristics = HEURISTICS, .heuristics = names, .main = HEURISTICS - 1};
    if (m->kind == KIND_AUDIO) {
        o->ntracks = 1;
        o->tracks = make_stream(m);
    } else {
        o->pictures = make_stream(m);
    }
    m->report->origins = o;
    m->report->verdict.risk = "";
    report_set_config(m->report, &(struct configuration){.origin_known = true, .origin = spec.origin});
}

/* The record as it would be stored, read again: what is rendered went through the JSON. */
static struct shown show(struct made *m)
{
    struct provenance_notes notes = {.kind = m->kind, .identifier = run_id};
    struct shown s = {0};
    struct err err = {0};

    m->job.sha256 = m->job.sha256 ? m->job.sha256 : sha;
    m->job.name = m->job.name ? m->job.name : "video.mp4";
    m->job.state = m->job.state ? m->job.state : "done";
    if (!m->job.request.len)
        m->job.request = notes_to_json(m->arena, &notes);
    m->job.report = m->report ? report_to_json(m->arena, m->report) : bytes_of(NULL, 0);
    CHECK_INT(shown_of(m->arena, &m->job, &s, &err), 0);
    if (err.kind != ERR_NONE)
        printf("# %s\n", err.text);
    s.result_url = "/ui/results/x";
    return s;
}

static yyjson_doc *render(struct made *m, const struct shown *s, bool old)
{
    CLEANUP(json_mut_freep) doc_t *doc = json_doc_new();
    struct bytes text;

    yyjson_mut_doc_set_root(doc, old ? render_run_old(doc, s) : render_run(doc, s));
    text = json_write(m->arena, doc);
    return json_read(text, 64 << 20, NULL);
}

static struct opinion said(double artificial)
{
    return (struct opinion){{false, {1 - artificial, artificial}}, NULL, 0.25};
}

static struct opinion silent(const char *code)
{
    return (struct opinion){{.unknown = true}, code, 0};
}

/* Two models that count and one that does not, three frames. */
/* It stays where it is: the report points into it. */
static struct made *a_video(struct arena *a)
{
    struct made *m = arena_alloc(a, sizeof *m);

    *m = (struct made){.arena = a,
                       .kind = KIND_VIDEO,
                       .nmodels = 3,
                       .nparts = 3,
                       .models = {{"spectral", true, false}, {"patches", true, false}, {"old", false, true}},
                       .said = {said(0.9), said(0.8), said(0.1), said(0.75), silent("too_small"), said(0.2),
                                said(0.25), said(0.5), said(0.3)},
                       .seconds = 1.5};

    make_report(m);
    return m;
}

static const char *text_at(struct arena *a, yyjson_doc *doc, const char *pointer)
{
    yyjson_val *v = yyjson_doc_ptr_get(doc, pointer);

    if (!v)
        return "(absent)";
    if (yyjson_is_null(v))
        return "null";
    if (yyjson_is_bool(v))
        return yyjson_get_bool(v) ? "true" : "false";
    if (yyjson_is_num(v))
        return arena_printf(a, "%.12g", yyjson_get_num(v));
    if (yyjson_is_arr(v) || yyjson_is_obj(v))
        return arena_printf(a, "%zu members", yyjson_is_arr(v) ? yyjson_arr_size(v) : yyjson_obj_size(v));
    return yyjson_get_str(v);
}

struct expectation {
    const char *at, *want;
};

static void expect(struct arena *a, yyjson_doc *doc, const struct expectation *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        CHECK_STR(text_at(a, doc, rows[i].at), rows[i].want);
        ROW("%s", rows[i].at);
    }
}

/* ---- the published example ---- */

static struct opinion opinion_of(yyjson_val *model)
{
    struct opinion o = {.seconds = yyjson_get_num(yyjson_obj_get(model, "elapsed_time"))};
    yyjson_val *score;
    size_t i, n;

    yyjson_arr_foreach (yyjson_obj_get(model, "classification"), i, n, score) {
        bool artificial = text_is(yyjson_get_str(yyjson_obj_get(score, "label")), "artificial");
        o.vote.score[artificial ? ORIGIN_ARTIFICIAL : ORIGIN_HUMAN] =
            yyjson_get_num(yyjson_obj_get(score, "score"));
    }
    return o;
}

/* The two older models count in no verdict about videos (docs/votes.md). */
static void read_example(struct made *m, yyjson_val *example)
{
    yyjson_val *frames = yyjson_obj_get(yyjson_obj_get(example, "results"), "images"), *frame, *model;
    size_t i, n, k, nk;

    yyjson_arr_foreach (frames, i, n, frame)
        yyjson_arr_foreach (frame, k, nk, model) {
            const char *name = yyjson_get_str(yyjson_obj_get(model, "model"));
            m->models[k] = (struct voter){name, text_is(name, "brokenwand2"), false};
            m->said[i * 3 + k] = opinion_of(model);
        }
    m->nmodels = 3;
    m->nparts = yyjson_arr_size(frames);
}

static size_t numbers;

/* The item of a list which stands for the wanted item i: labels have no fixed order there. */
static yyjson_val *item_like(yyjson_val *list, yyjson_val *want, size_t i)
{
    const char *label = yyjson_get_str(yyjson_obj_get(want, "label"));
    yyjson_val *item;
    size_t k, n;

    if (!label)
        return yyjson_arr_get(list, i);
    yyjson_arr_foreach (list, k, n, item)
        if (text_is(yyjson_get_str(yyjson_obj_get(item, "label")), label))
            return item;
    return NULL;
}

/* The same members, and the same values; numbers to 1e-12. */
static void same(yyjson_val *got, yyjson_val *want, const char *at)
{
    yyjson_val *key, *value;
    size_t i, n;

    if (yyjson_is_obj(want)) {
        CHECK_INT(yyjson_obj_size(got), yyjson_obj_size(want));
        yyjson_obj_foreach (want, i, n, key, value)
            same(yyjson_obj_get(got, yyjson_get_str(key)), value, yyjson_get_str(key));
    } else if (yyjson_is_arr(want)) {
        CHECK_INT(yyjson_arr_size(got), yyjson_arr_size(want));
        yyjson_arr_foreach (want, i, n, value)
            same(item_like(got, value, i), value, at);
    } else if (yyjson_is_num(want)) {
        numbers++;
        CHECK(yyjson_is_num(got));
        CHECK_NEAR(yyjson_get_num(got), yyjson_get_num(want), 1e-12);
    } else {
        CHECK_STR(yyjson_get_str(got), yyjson_get_str(want));
    }
    ROW("%s", at);
}

static struct bytes example_text(struct arena *a)
{
    char *path = test_shared() ? arena_printf(a, "%s/seeds/001_a9e351b9e758e63a.txt", test_shared()) : NULL;
    char *text = arena_alloc(a, 65536), *from, *to;
    FILE *f = path ? fopen(path, "r") : NULL;

    if (!f)
        return bytes_of(NULL, 0);
    text[fread(text, 1, 65535, f)] = '\0';
    fclose(f);
    from = strstr(text, "\n{\n");
    to = from ? strstr(from, "\n}\n") : NULL;
    return to ? bytes_of(from + 1, (size_t)(to - from) + 1) : bytes_of(NULL, 0);
}

static void the_published_example(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(json_freep) yyjson_doc *example = NULL;
    CLEANUP(json_freep) yyjson_doc *got = NULL;
    struct made m = {.arena = a, .kind = KIND_VIDEO, .seconds = 1};
    struct bytes text = example_text(a);
    struct shown s;

    if (!text.len)
        SKIP("no ../shared here");
    example = json_read(text, 1 << 20, NULL);
    CHECK(example != NULL);
    read_example(&m, yyjson_doc_get_root(example));
    make_report(&m);
    m.report->origins->prepare_secs = 1.18537;
    s = show(&m);
    got = render(&m, &s, true);
    same(yyjson_doc_get_root(got), yyjson_doc_get_root(example), "$");
    CHECK_INT(numbers, 5 * 3 * 3 + 1 + 3 + 3 + 6);
}

/* ---- the present form ---- */

static void a_video_reads(void)
{
    static const struct expectation rows[] = {
        {"/hash", sha},
        {"/identifier", run_id},
        {"/api_version", "v1.1.0"},
        {"/status", "done"},
        {"/errors", "null"},
        {"/ref_id", "null"},
        {"/is_nsfw", "(absent)"},
        {"/has_heatmap", "(absent)"},
        {"/c2pa", "null"},
        {"/verdict/heuristic", "AverageExcludeObsolete"},
        {"/verdict/classification", "artificial"},
        {"/verdict/count", "2"},
        {"/verdict/confidence", "0.666666666667"},
        {"/verdict/unknown", "false"},
        {"/verdict/models", "2 members"},
        {"/verdicts", "7 members"},
        {"/verdicts/0/heuristic", "Majority"},
        {"/force_classification", "null"},
        {"/audio_verdict", "null"},
        {"/results/audios", "0 members"},
        {"/results/images", "3 members"},
        {"/results/images/1/hash", frame_sha},
        {"/results/images/1/name", "frame-1"},
        {"/results/images/1/status", "done"},
        {"/results/images/1/timestamp", "1.5"},
        {"/results/images/1/frame_index", "7"},
        {"/results/images/1/c2pa", "null"},
        {"/results/images/1/has_heatmap", "false"},
        {"/results/images/1/verdict/confidence", "0.75"},
        {"/results/images/1/verdict/count", "(absent)"},
        {"/results/images/1/results/0/classification/0/label", "artificial"},
        {"/results/images/1/results/0/classification/0/score", "0.75"},
        {"/results/images/1/results/0/unknown", "false"},
        {"/results/images/1/results/0/classification_details", "0 members"},
        {"/results/images/1/results/1/unknown", "true"},
        {"/results/images/1/results/1/classification", "0 members"},
        {"/results/images/1/results/1/classification_details/code", "too_small"},
        {"/results/images/2/results/0/classification/0/label", "human"},
        {"/results/images/2/details", "(absent)"},
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct made *m = a_video(a);
    struct shown s = show(m);
    CLEANUP(json_freep) yyjson_doc *doc = render(m, &s, false);

    expect(a, doc, rows, COUNT_OF(rows));
}

static void a_person_and_credentials(void)
{
    static const struct expectation rows[] = {
        {"/verdict/heuristic", "C2PA"},
        {"/verdict/confidence", "1"},
        {"/verdict/classification", "artificial"},
        {"/verdict/models", "0 members"},
        {"/verdicts/6/heuristic", "AverageExcludeObsolete"},
        {"/force_classification", "human"},
        {"/c2pa/active_manifest", "urn:x"},
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(json_freep) yyjson_doc *doc = NULL;
    CLEANUP(json_freep) yyjson_doc *old = NULL;
    struct made *m = a_video(a);
    struct shown s;

    m->report->origins->credentials_read = true;
    m->report->origins->credentials =
        (struct credentials){CREDENTIALS_VALID, true, "{\"active_manifest\":\"urn:x\"}"};
    m->report->origins->forced = true;
    s = show(m);
    s.forced = "human";
    doc = render(m, &s, false);
    expect(a, doc, rows, COUNT_OF(rows));
    old = render(m, &s, true);
    CHECK_STR(text_at(a, old, "/verdicts/0/heuristic"), "C2PA");
    CHECK_STR(text_at(a, old, "/force_classification"), "human");
}

/* An image whose only model cannot judge is not called human, in neither form. */
static void nobody_is_cleared_by_an_unknown(void)
{
    static const struct expectation rows[] = {
        {"/status", "done"},
        {"/verdict", "null"},
        {"/verdicts", "0 members"},
        {"/results/0/unknown", "true"},
        {"/results/0/classification_details/code", "uncertain"},
        {"/has_heatmap", "false"},
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct made m = {
        .arena = a, .kind = KIND_IMAGE, .nmodels = 1, .nparts = 1, .models = {{"x", true, false}}};
    CLEANUP(json_freep) yyjson_doc *doc = NULL;
    CLEANUP(json_freep) yyjson_doc *old = NULL;
    struct bytes page;
    struct shown s;

    m.said[0] = (struct opinion){{true, {0.51, 0.49}}, "uncertain", 0.5};
    make_report(&m);
    m.report->origins->has_heatmap = true; /* but nothing was kept */
    s = show(&m);
    doc = render(&m, &s, false);
    expect(a, doc, rows, COUNT_OF(rows));
    old = render(&m, &s, true);
    CHECK_STR(text_at(a, old, "/results"), "0 members");
    CHECK_STR(text_at(a, old, "/verdicts"), "0 members");
    page = render_page(a, &s);
    CHECK(strstr((const char *)page.data, "<h1 class=\"unknown\">Unknown</h1>") != NULL);
    CHECK(!strstr((const char *)page.data, ">Human</h1>"));
}

static void a_video_may_say_unknown(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct made m = {
        .arena = a, .kind = KIND_VIDEO, .nmodels = 1, .nparts = 1, .models = {{"x", true, false}}};
    CLEANUP(json_freep) yyjson_doc *doc = NULL;
    struct shown s;

    m.said[0] = silent("too_small");
    make_report(&m);
    s = show(&m);
    doc = render(&m, &s, false);
    CHECK_STR(text_at(a, doc, "/verdict/unknown"), "true");
    CHECK_STR(text_at(a, doc, "/verdict/confidence"), "0");
    CHECK_STR(text_at(a, doc, "/results/images/0/verdict"), "null");
}

static void a_sound_reads(void)
{
    static const struct expectation rows[] = {
        {"/results/0/model", "mel"},
        {"/results/0/elapsed_time", "0.5"},
        {"/results/0/classification/0/score", "0.75"},
        {"/results/1/unknown", "true"},
        {"/results/1/classification_details/code", "not_speech"},
        {"/verdict/confidence", "0.75"},
        {"/verdict/unknown", "(absent)"},
        {"/details/clips", "2 members"},
        {"/details/clips/1/index", "1"},
        {"/details/clips/1/start", "4.04"},
        {"/details/clips/1/end", "8.08"},
        {"/details/clips/1/verdict/classification", "artificial"},
        {"/details/clips/1/results/1/unknown", "true"},
        {"/details/sample_rate", "44100"},
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct made m = {.arena = a,
                     .kind = KIND_AUDIO,
                     .nmodels = 2,
                     .nparts = 2,
                     .models = {{"mel", true, false}, {"aasist", true, false}},
                     .said = {said(0.875), silent("not_speech"), said(0.625), silent("not_speech")},
                     .seconds = 4.04};
    CLEANUP(json_freep) yyjson_doc *doc = NULL;
    struct shown s;

    make_report(&m);
    s = show(&m);
    doc = render(&m, &s, false);
    expect(a, doc, rows, COUNT_OF(rows));
}

static void faces_have_boxes(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct made *m = a_video(a);
    struct origins *o = m->report->origins;
    static const struct voter face_models[] = {{"meso4", true, false}};
    static struct opinion opinion[1];
    static struct origin_face face[1];
    CLEANUP(json_freep) yyjson_doc *doc = NULL;
    struct shown s;

    opinion[0] = said(0.875);
    face[0] = (struct origin_face){{0.25f, 0.5f, 0.25f, 0.125f},
                                   opinion,
                                   {"AverageExcludeObsolete", {ORIGIN_ARTIFICIAL, 0.875, false}, 0, 1}};
    o->nface_models = 1;
    o->face_models = face_models;
    o->pictures->parts[0].has_faces = true;
    o->pictures->parts[0].nfaces = 1;
    o->pictures->parts[0].faces = face;
    s = show(m);
    doc = render(m, &s, false);
    CHECK_STR(text_at(a, doc, "/results/images/0/details/0/detections/0/box/x2"), "0.5");
    CHECK_STR(text_at(a, doc, "/results/images/0/details/0/detections/0/box/y2"), "0.625");
    CHECK_STR(text_at(a, doc, "/results/images/0/details/0/detections/0/verdict/models/0"), "meso4");
    CHECK_STR(text_at(a, doc, "/results/images/0/details/0/detections/0/results/0/classification/0/score"),
              "0.875");
}

/* ---- without a result ---- */

static const struct {
    const char *state, *error, *status, *errors, *version;
} states[] = {
    {"new", NULL, "new", "null", "null"},
    {"claimed", NULL, "new", "null", "null"},
    {"failed", "cannot be decoded", "errored", "cannot be decoded", "null"},
    {"timed_out", "too slow", "errored", "too slow", "null"},
    {"cancelled", "", "errored", "The analysis failed.", "null"},
};

static void states_have_words(void)
{
    for (size_t i = 0; i < COUNT_OF(states); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct made m = {.arena = a,
                         .kind = KIND_VIDEO,
                         .job = {.state = states[i].state, .error_text = states[i].error, .sha256 = ""}};
        struct shown s = show(&m);
        CLEANUP(json_freep) yyjson_doc *doc = render(&m, &s, false);
        CHECK_STR(text_at(a, doc, "/status"), states[i].status);
        CHECK_STR(text_at(a, doc, "/errors"), states[i].errors);
        CHECK_STR(text_at(a, doc, "/api_version"), states[i].version);
        CHECK_STR(text_at(a, doc, "/verdict"), "null");
        CHECK_STR(text_at(a, doc, "/verdicts"), "0 members");
        CHECK_STR(text_at(a, doc, "/results"), "null");
        CHECK_STR(text_at(a, doc, "/hash"), "null");
        ROW("%s", states[i].state);
    }
}

/* ---- the page ---- */

static void pages_are_escaped(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct made *m = a_video(a);
    struct shown s;
    const char *page;

    m->job.name = "<script>alert('x')</script>&\".mp4";
    m->models[0].model = "<img src=x>";
    make_report(m);
    s = show(m);
    s.notes.ref_id = "<b onclick=\"x\">";
    s.forced = "human";
    page = (const char *)render_page(a, &s).data;
    CHECK(!strstr(page, "<script") && !strstr(page, "<img") && !strstr(page, "<b "));
    CHECK(strstr(page, "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;.mp4") != NULL);
    CHECK(strstr(page, "&lt;img src=x&gt;") != NULL);
    CHECK(strstr(page, "<h1 class=\"artificial\">Artificial</h1><p>66.6 %, by the heuristic "
                       "AverageExcludeObsolete: 2 of 3 frames.</p>") != NULL);
    CHECK(strstr(page, "A person has set this result to") != NULL);
    CHECK(strstr(page, "cannot judge") == NULL); /* over all frames both could */
    CHECK(strstr((const char *)render_sorry(a, 404, "no <b>").data, "no &lt;b&gt;") != NULL);
    CHECK(strstr(page_policy(a), "style-src 'sha256-") != NULL);
}

int main(void)
{
    RUN(the_published_example);
    RUN(a_video_reads);
    RUN(a_person_and_credentials);
    RUN(nobody_is_cleared_by_an_unknown);
    RUN(a_video_may_say_unknown);
    RUN(a_sound_reads);
    RUN(faces_have_boxes);
    RUN(states_have_words);
    RUN(pages_are_escaped);
    return test_end();
}
