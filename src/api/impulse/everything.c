/* The whole test set: a job with all its recordings, and what it adds up to. */
#include <string.h>

#include "api/impulse/upper_int.h"
#include "base/cleanup.h"
#include "base/text.h"

#define EVERYTHING_KEY "classify"
static const int64_t bundle_bytes = (int64_t)4 << 30;

enum { DEADLINE_MS = 3600000, PAGE = 100, BODY_MAX = 64 << 10 };

/* ---- asking ---- */

static int bundle_all(struct bundle *b, const struct loaded *l, const struct sample *all, size_t n,
                      struct err *err)
{
    if (!b || bundle_add_models(b, l, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (bundle_add_sample(b, &all[i], err) < 0)
            return -1;
    return 0;
}

static int load_all(struct trip *t, struct load_ask *ask, struct loaded *l, struct sample **ret,
                    size_t *ret_n, struct err *err)
{
    if (impulse_load(trip_api(t), trip_arena(t), ask, l, err) < 0 ||
        samples_load(trip_api(t), trip_arena(t), &t->visit.project, SAMPLE_TESTING,
                     SENSOR_PARTS - IMPULSE_BLOCKS, ret, ret_n, err) < 0)
        return -1;
    return *ret_n ? 0
                  : FAIL(err, ERR_CONFLICT,
                         "the project has no test recordings; upload some to /api/testing/files");
}

/* The variant is in the body or the query. */
static int read_ask(struct trip *t, struct load_ask *ask, struct err *err)
{
    CLEANUP(json_freep) yyjson_doc *body = impulse_body(t->request, BODY_MAX);

    ask->project = t->visit.project.id;
    if (!body)
        return 1;
    ask->variant =
        json_str(trip_arena(t), yyjson_doc_get_root(body), "variant", request_query(t->request, "variant"));
    return impulse_query_int(t->request, "impulseId", json_int(yyjson_doc_get_root(body), "impulseId", 0),
                             &ask->impulse, err);
}

static void everything_go(struct trip *t)
{
    CLEANUP(bundle_freep) struct bundle *b = NULL;
    struct job_request job = {.name = "all test recordings"};
    struct load_ask ask = {0};
    struct loaded l;
    struct sample *all;
    struct err err = {0};
    int asked;
    size_t n;

    asked = read_ask(t, &ask, &err);
    if (asked > 0)
        return; /* it is answered */
    if (asked < 0 || load_all(t, &ask, &l, &all, &n, &err) < 0) {
        trip_fail(t, &err);
        return;
    }
    b = bundle_blob(trip_api(t), trip_arena(t), bundle_bytes, &err);
    if (bundle_all(b, &l, all, n, &err) < 0) {
        trip_fail(t, &err);
        return;
    }
    job.spec = sensor_spec(t, "sensor-classify");
    job.spec.deadline_ms = DEADLINE_MS;
    job.spec.sensor.impulse = l.impulse;
    job.place = (struct job_place){
        .key = EVERYTHING_KEY, .title = "Classifying test data", .impulse = l.row.id, .variant = l.variant};
    trip_submit_take(t, b, &job);
}

/* ---- the result ---- */

struct outcome {
    struct loaded loaded;
    struct judged *all;
    size_t n;
};

/* The newest job that is done. */
static int find_job(struct trip *t, struct project_job *ret, struct err *err)
{
    struct project_jobs_filter filter = {.project = t->visit.project.id, .finished = true, .limit = 1000};
    struct project_job *jobs;
    size_t n, total;

    if (records_project_jobs(trip_api(t)->db, trip_arena(t), &filter, &jobs, &n, &total, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (text_is(jobs[i].place.key, EVERYTHING_KEY) && text_is(jobs[i].state, job_state_name(JOB_DONE))) {
            *ret = jobs[i];
            return 0;
        }
    return FAIL(err, ERR_NOT_FOUND,
                "the test recordings have not been classified yet; POST to jobs/classify");
}

static const struct sample *find_sample(struct trip *t, int64_t id)
{
    struct sample *s = arena_alloc(trip_arena(t), sizeof *s);
    struct sample_row row;

    if (records_get_sample(trip_api(t)->db, trip_arena(t), t->visit.project.id, id, &row, NULL) < 0 ||
        sample_of_row(trip_arena(t), &row, &t->visit.project, s, NULL) < 0)
        return NULL;
    return s;
}

static int load_outcome(struct trip *t, struct outcome *out, struct err *err)
{
    struct load_ask ask = {.project = t->visit.project.id};
    struct project_job job;
    struct report *report;

    if (find_job(t, &job, err) < 0 || job_report(trip_api(t), trip_arena(t), job.id, &report, err) < 0)
        return -1;
    ask.impulse = job.place.impulse;
    ask.variant = *job.place.variant ? job.place.variant : NULL;
    if (impulse_load(trip_api(t), trip_arena(t), &ask, &out->loaded, err) < 0)
        return -1;
    if (!report->sensing)
        return FAIL(err, ERR_INTERNAL, "the job has no results");
    out->all = arena_array(trip_arena(t), report->sensing->nresults, sizeof *out->all);
    for (size_t i = 0; i < report->sensing->nresults; i++) {
        const struct recording_result *res = &report->sensing->results[i];
        const struct sample *s = find_sample(t, res->number);
        if (s)
            out->all[out->n++] = (struct judged){res, s};
    }
    return 0;
}

static void add_result(doc_t *doc, val_t *list, const struct loaded *l, const struct judged *j)
{
    val_t *o = yyjson_mut_arr_add_obj(doc, list);

    yyjson_mut_obj_add_int(doc, o, "sampleId", j->result->number);
    yyjson_mut_obj_add_val(doc, o, "sample", impulse_render_sample(doc, j->sample, LABELS_SLICE));
    yyjson_mut_obj_add_val(doc, o, "classifications", classifications_render(doc, l, j->result, false));
    if (j->result->error.kind != ERR_NONE)
        yyjson_mut_obj_add_str(doc, o, "error", j->result->error.text);
}

static void add_variants(doc_t *doc, val_t *root, const struct loaded *l)
{
    static const char *const names[] = {[NUMBER_FLOAT] = "float32", [NUMBER_INT8] = "int8"};
    val_t *list = yyjson_mut_obj_add_arr(doc, root, "availableVariants");

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (l->has[i])
            yyjson_mut_arr_add_str(doc, list, names[i]);
}

static void answer(struct trip *t, const struct outcome *out, size_t from, size_t to)
{
    val_t *root, *list;
    doc_t *doc = impulse_doc(&root);

    list = yyjson_mut_obj_add_arr(doc, root, "result");
    for (size_t i = from; i < to && i < out->n; i++)
        add_result(doc, list, &out->loaded, &out->all[i]);
    metrics_render(trip_arena(t), doc, root, &out->loaded, out->all, out->n);
    add_variants(doc, root, &out->loaded);
    impulse_answer_take(t->request, doc);
}

static void result_go(struct trip *t)
{
    struct outcome out = {0};
    struct err err;
    int64_t limit, offset;
    bool page = text_ends(request_path(t->request), "/page");

    if (impulse_query_int(t->request, "limit", PAGE, &limit, &err) < 0 ||
        impulse_query_int(t->request, "offset", 0, &offset, &err) < 0 || load_outcome(t, &out, &err) < 0)
        trip_fail(t, &err);
    else
        answer(t, &out, page ? (size_t)offset : 0,
               page ? (size_t)(offset + (limit < SENSOR_PARTS ? limit : SENSOR_PARTS)) : out.n);
}

TRIP_HANDLER(impulse_everything, "submit", everything_go);
TRIP_HANDLER(impulse_everything_result, "read", result_go);
