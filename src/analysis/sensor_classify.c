/* Pipeline "sensor-classify": an impulse, its models and recordings -> what every learn block says of every
 * window. A recording that cannot be judged says why and does not touch the others; an impulse that cannot be
 * run, or more windows than a report has room for, end the job. docs/impulses.md. */
#include "analysis/analysis.h"
#include "analysis/judge.h"
#include "analysis/pipelines_int.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "infer/graph_shelf.h"

enum { TELL_EVERY = 256 }; /* windows */

struct session {
    const struct toolbox *tools;
    const struct sensor_params *params;
    struct report *report;
    int fd;
    int64_t deadline;
    struct features *features;
    struct judge judges[IMPULSE_BLOCKS];
    struct arena *window; /* rewound for each */
    size_t planned, done; /* windows */
    size_t bytes;         /* of the report, about */
    bool full;
};

/* ---- before the first recording ---- */

static int open_judge(struct session *s, struct graph_shelf *shelf, size_t at, struct err *err)
{
    const struct impulse_learn *l = &s->params->impulse.learn[at];
    const struct sensor_part *part = l->model < 0 ? NULL : &s->params->parts[l->model];
    struct graph *graph = NULL;
    struct err why = {0};

    if (part && l->kind != LEARN_CLUSTERS) {
        if (graph_shelf_get(shelf, s->tools->loader, part->sha256, s->fd, part->offset, part->size, &graph,
                            &why) < 0)
            return FAIL(err, why.kind, "the model of block %lld: %s", (long long)l->id, why.text);
        report_add_model(s->report, &(struct model_ref){.name = l->name ? l->name : "",
                                                        .version = "",
                                                        .task = learn_kind_name(l->kind),
                                                        .sha256 = part->sha256});
    }
    if (judge_open(&s->judges[at], s->report->arena, &s->params->impulse, l, graph, err) < 0)
        return -1;
    s->judges[at].deadline_mono_us = s->deadline;
    return 0;
}

/* 0 for one that cannot be cut; it will say so when its turn comes. */
static size_t windows_planned(const struct sensor_params *p, const struct sensor_part *part)
{
    struct windows w;

    if (part->kind == PART_PICTURE)
        return 1;
    if (windows_of(&p->impulse, (size_t)part->size / sizeof(float) / part->naxes, part->frequency, &w, NULL) <
        0)
        return 0;
    return w.count;
}

static int plan(struct session *s, size_t first, struct err *err)
{
    for (size_t i = first; i < s->params->nparts; i++)
        s->planned += windows_planned(s->params, &s->params->parts[i]);
    if (s->planned > SENSOR_WINDOWS)
        return FAIL(
            err, ERR_LIMIT,
            "there are %zu windows and at most %d in one job: classify fewer recordings at a time, or "
            "with a longer step between windows",
            s->planned, SENSOR_WINDOWS);
    s->report->sampling.planned = (int)s->planned;
    return 0;
}

/* ---- one recording ---- */

static int too_long(struct session *s, struct err *err)
{
    s->full = true;
    return FAIL(err, ERR_LIMIT,
                "the answer is longer than %d MB: classify fewer recordings at a time, or with a longer step "
                "between windows",
                SENSOR_ANSWER_BYTES >> 20);
}

static int judge_one(struct session *s, const struct taken *t, size_t window, struct recording_result *r,
                     struct err *err)
{
    struct made made;

    arena_rewind(s->window);
    if (features_make(s->features, s->window, t, window, &made, err) < 0)
        return -1;
    for (size_t i = 0; i < s->params->impulse.nlearn; i++) {
        const struct impulse_learn *l = &s->params->impulse.learn[i];
        size_t n, last = features_place(s->features, l->dsp[l->ndsp - 1]);
        const float *v = features_joined(s->features, s->window, &made, l, &n);
        if (judge_window(&s->judges[i], s->report->arena, t, v, n, &made.of[last], window, &r->learn[i],
                         err) < 0)
            return -1;
    }
    return 0;
}

static void tell(const struct session *s)
{
    if (s->tools->progress)
        s->tools->progress(s->tools->progress_arg, (int)s->done, (int)s->planned);
}

static int make_room(struct session *s, struct recording_result *r, size_t count, struct err *err)
{
    size_t bytes = 0;

    r->nlearn = s->params->impulse.nlearn;
    r->learn = arena_array(s->report->arena, r->nlearn, sizeof *r->learn);
    for (size_t i = 0; i < r->nlearn; i++) {
        struct learn_result sized = {
            .kind = s->judges[i].block->kind, .nlabels = s->judges[i].nlabels, .side = s->judges[i].side};
        bytes += learn_result_bytes(&sized, count);
    }
    if (s->bytes + bytes > SENSOR_ANSWER_BYTES)
        return too_long(s, err);
    for (size_t i = 0; i < r->nlearn; i++)
        r->learn[i] = judge_room(&s->judges[i], s->report->arena, count);
    return 0;
}

static int judge_windows(struct session *s, const struct taken *t, struct recording_result *r,
                         struct err *err)
{
    for (size_t k = 0; k < t->windows.count; k++) {
        if (judge_one(s, t, k, r, err) < 0)
            return -1;
        if (++s->done % TELL_EVERY == 0)
            tell(s);
    }
    r->nwindows = t->windows.count;
    for (size_t i = 0; i < r->nlearn; i++)
        s->bytes += learn_result_bytes(&r->learn[i], r->nwindows);
    return s->bytes > SENSOR_ANSWER_BYTES ? too_long(s, err) : 0;
}

static int judge_recording(struct session *s, const struct sensor_part *part, struct recording_result *r,
                           struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    int64_t begin = clock_cpu_us();
    struct taken t;

    if (features_open(s->features, a, s->fd, part, s->deadline, &t, err) < 0)
        return -1;
    s->report->decode_us += clock_cpu_us() - begin;
    r->window = t.windows.window;
    r->step = t.windows.step;
    r->resampled = t.windows.resampled;
    r->padded = t.windows.padded;
    r->expected = windows_expected(s->report->arena, part, &t.windows, &r->nexpected);
    if (make_room(s, r, t.windows.count, err) < 0)
        return -1;
    return judge_windows(s, &t, r, err);
}

/* What stops the whole job and not one recording of it. */
static bool stops_all(const struct session *s, const struct err *err)
{
    return err->kind == ERR_TIMEOUT || err->kind == ERR_INTERNAL || err->kind == ERR_IO || s->full;
}

static int judge_part(struct session *s, size_t part, struct err *err)
{
    struct sensing *all = s->report->sensing;
    struct recording_result *r = &all->results[all->nresults++];
    struct err why = {0};

    *r = (struct recording_result){.number = s->params->parts[part].number, .part = part};
    s->bytes += 400;
    if (judge_recording(s, &s->params->parts[part], r, &why) < 0) {
        r->error = why;
        r->nwindows = r->nlearn = r->nexpected = 0;
        if (stops_all(s, &why))
            return FAIL(err, why.kind, "%s", why.text);
    }
    s->report->sampling.judged += (int)r->nwindows;
    tell(s);
    return 0;
}

/* ---- the job ---- */

static size_t first_recording(const struct sensor_params *p)
{
    size_t i = 0;

    while (i < p->nparts && p->parts[i].kind == PART_MODEL)
        i++;
    return i;
}

static int judge_all(struct session *s, struct graph_shelf *shelf, struct err *err)
{
    size_t first = first_recording(s->params);

    if (!s->params->impulse.nlearn)
        return FAIL(err, ERR_INPUT, "the impulse has no learn block");
    if (features_new(&s->features, &s->params->impulse, err) < 0)
        return -1;
    for (size_t i = 0; i < s->params->impulse.nlearn; i++)
        if (open_judge(s, shelf, i, err) < 0)
            return -1;
    if (plan(s, first, err) < 0)
        return -1;
    s->report->sensing->results =
        arena_array(s->report->arena, s->params->nparts - first, sizeof *s->report->sensing->results);
    for (size_t i = first; i < s->params->nparts; i++)
        if (judge_part(s, i, err) < 0)
            return -1;
    return 0;
}

static int sensor_classify_run(const struct toolbox *tools, const struct job_spec *spec,
                               struct subject_fds fds, int64_t deadline_mono_us, struct report *report,
                               struct err *err)
{
    CLEANUP(graph_shelf_freep) struct graph_shelf *own = tools->graphs ? NULL : graph_shelf_new();
    struct graph_shelf *shelf = own ? own : tools->graphs;
    struct sensor_params params = sensor_params_copy(report->arena, &spec->sensor); /* labels stay */
    struct session s = {
        .tools = tools, .params = &params, .report = report, .fd = fds.media, .deadline = deadline_mono_us};
    int64_t begin = clock_cpu_us();
    int r;

    report->sensing = arena_alloc(report->arena, sizeof *report->sensing);
    report->media = (struct media_info){.container = "", .codec = ""};
    s.window = arena_new();
    graph_shelf_begin(shelf);
    r = judge_all(&s, shelf, err);
    features_freep(&s.features);
    arena_freep(&s.window);
    report->infer_us = clock_cpu_us() - begin - report->decode_us;
    return r;
}

const struct pipeline pipeline_sensor_classify = {.name = "sensor-classify", .run = sensor_classify_run};
