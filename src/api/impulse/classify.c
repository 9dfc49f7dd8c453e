/* What an impulse says of one recording.
 *
 *   cached               -> answered
 *   a job has judged it  -> its report is rendered
 *   a job is about to    -> its number
 *   small                -> asked at once (job/job.h), rendered, remembered
 *   large                -> a job is made of it; its number */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "api/impulse/upper_int.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "report/json.h"

enum { ASK_BYTES = 16 << 20, BUNDLE_BYTES = 1 << 30, TAKES = 2 };
static const double ask_numbers = 64e6; /* of all windows, overlaps counted */

/* One variant. */
struct take {
    struct load_ask ask;
    struct loaded loaded;
    const char *question;
    struct report *report;
};

struct classify {
    struct trip *trip;
    struct sample sample;
    bool debug, few, at_once, several;
    size_t n, at;
    struct take takes[TAKES];
};

/* ---- what others use, too ---- */

const char *question_hash(struct arena *a, const struct loaded *l, const struct sample *s, const char *what)
{
    char *hex = arena_alloc(a, HASH_HEX);
    const char *text;

    text = arena_printf(a, "%s|%lld %s %lld|%lld %lld|%s", what, s ? (long long)s->row.id : 0,
                        s ? s->row.sha256 : "", s ? (long long)s->row.version : 0, (long long)l->row.id,
                        (long long)l->row.version, l->variant);
    hash_hex(bytes_of(text, strlen(text)), hex);
    return hex;
}

int job_report(const struct api *api, struct arena *a, const char *id, struct report **ret, struct err *err)
{
    struct job_row job;

    if (records_get_job(api->db, a, NULL, id, &job, err) < 0)
        return -1;
    if (!job.report.len)
        return FAIL(err, ERR_CONFLICT, "the job has no result");
    return report_from_json(a, job.report, ret, err);
}

struct job_spec sensor_spec(struct trip *t, const char *pipeline)
{
    struct job_spec spec = job_spec_defaults();

    spec.pipeline = pipeline;
    spec.deadline_ms = api_limit(&trip_api(t)->opts.deadline_ms);
    return spec;
}

/* ---- submitting ---- */

struct submission {
    struct trip *trip;
    char id[ID_TEXT];
};

static void answer_number(struct trip *t, int64_t number)
{
    val_t *root;
    doc_t *doc = impulse_doc(&root);

    yyjson_mut_obj_add_int(doc, root, "id", number);
    impulse_answer_take(t->request, doc);
}

static void number_go(struct trip *t)
{
    const struct submission *s = t->data;
    struct err err;
    int64_t number;

    if (records_number_of_job(trip_api(t)->db, s->id, &number, &err) < 0)
        trip_fail(t, &err);
    else
        answer_number(t, number);
}

/* Writer thread, or within the submit. */
static void accepted(void *arg, const struct job_ticket *ticket, const struct err *err)
{
    struct submission *s = arg;

    if (err->kind != ERR_NONE) {
        trip_fail(s->trip, err);
        return;
    }
    text_copy(s->id, sizeof s->id, ticket->id);
    s->trip->data = s;
    trip_again(s->trip, number_go);
}

void trip_submit_take(struct trip *t, struct bundle *b, struct job_request *job)
{
    struct submission *s = arena_alloc(trip_arena(t), sizeof *s);

    s->trip = t;
    job->tenant = t->visit.caller.tenant;
    job->max_jobs = t->visit.caller.max_jobs;
    job->dialect = "impulse";
    job->origin = request_id(t->request);
    job->place.project = t->visit.project.id;
    if (b) {
        job->spec.sensor.parts = b->parts;
        job->spec.sensor.nparts = b->nparts;
        job->body = TAKE(b->writer);
    }
    job_submit(trip_api(t)->jobs, job, accepted, s);
}

/* ---- the answer ---- */

static const struct recording_result *result_of(const struct take *take)
{
    const struct sensing *s = take->report->sensing;

    return s && s->nresults ? &s->results[0] : NULL;
}

static int add_variants(struct classify *c, doc_t *doc, val_t *root)
{
    val_t *list = yyjson_mut_obj_add_arr(doc, root, "results");

    for (size_t i = 0; i < c->n; i++) {
        val_t *o = yyjson_mut_arr_add_obj(doc, list);
        yyjson_mut_obj_add_str(doc, o, "variant", c->takes[i].loaded.variant);
        yyjson_mut_obj_add_val(
            doc, o, "classifications",
            classifications_render(doc, &c->takes[i].loaded, result_of(&c->takes[i]), c->debug));
    }
    return 0;
}

static int add_rest(struct classify *c, doc_t *doc, val_t *root, struct err *err)
{
    const struct loaded *l = &c->takes[0].loaded;
    const struct recording *rec = &c->sample.recording;
    struct arena *a = trip_arena(c->trip);
    const char *warning = classification_warning(a, l, result_of(&c->takes[0]));
    int64_t most = rec->naxes ? PAYLOAD_NUMBERS / (int64_t)rec->naxes : 0;
    struct values values;

    if (sample_values(trip_api(c->trip), a, &c->sample, 0, rec->readings < most ? rec->readings : most,
                      &values, err) < 0)
        return -1;
    impulse_add_sample(doc, yyjson_mut_obj_add_obj(doc, root, "sample"), &c->sample, &values,
                       c->few ? LABELS_SLICE : SIZE_MAX);
    yyjson_mut_obj_add_real(doc, root, "windowSizeMs", l->impulse.window_ms);
    yyjson_mut_obj_add_real(doc, root, "windowIncreaseMs", window_step_ms(&l->def));
    yyjson_mut_obj_add_bool(doc, root, "alreadyInDatabase", c->sample.row.category == SAMPLE_TRAINING);
    if (warning)
        yyjson_mut_obj_add_str(doc, root, "warning", warning);
    return 0;
}

/* Short enough for the cache. */
static const char *cache_key(struct classify *c)
{
    struct arena *a = trip_arena(c->trip);
    const char *text = arena_printf(a, "%d%d%d", c->several, c->debug, c->few);
    char hex[HASH_HEX];

    for (size_t i = 0; i < c->n; i++)
        text = arena_printf(a, "%s %s", text, c->takes[i].question);
    hash_hex(bytes_of(text, strlen(text)), hex);
    return arena_strndup(a, hex, ID_DIGITS);
}

/* Nobody knows whether a program will say the same tomorrow. */
static bool is_lasting(const struct classify *c)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->takes[i].loaded.def.eim)
            return false;
    return true;
}

static void remember_and_send(struct classify *c, doc_t *doc)
{
    struct bytes body = json_write(trip_arena(c->trip), doc);
    struct kept_reply *k = kept_reply_new(200, "application/json", body);

    if (is_lasting(c))
        reply_cache_put(impulse_cache(trip_api(c->trip)), 0, c->trip->visit.caller.tenant, cache_key(c), k,
                        body.len);
    request_reply_kept(c->trip->request, k);
    kept_reply_unref(k);
}

static void answer(struct classify *c)
{
    CLEANUP(json_mut_freep) doc_t *doc = NULL;
    struct err err;
    val_t *root;

    doc = impulse_doc(&root);
    if (c->several)
        add_variants(c, doc, root);
    else
        yyjson_mut_obj_add_val(
            doc, root, "classifications",
            classifications_render(doc, &c->takes[0].loaded, result_of(&c->takes[0]), c->debug));
    if (add_rest(c, doc, root, &err) < 0)
        trip_fail(c->trip, &err);
    else
        remember_and_send(c, doc);
}

/* ---- asking ---- */

static void next(struct classify *c);

static int check_report(const struct take *take, struct err *err)
{
    const struct recording_result *res = result_of(take);

    if (take->report->error.kind != ERR_NONE)
        *err = take->report->error;
    else if (res && res->error.kind != ERR_NONE)
        *err = res->error;
    else if (res)
        return 0;
    else
        err_set(err, ERR_INTERNAL, "the recording was not judged");
    return -1;
}

/* The report is there, or why it is not. */
static void done(struct classify *c, struct report *report)
{
    struct take *take = &c->takes[c->at];
    struct err err;

    take->report = report;
    if (check_report(take, &err) < 0) {
        trip_fail(c->trip, &err);
        return;
    }
    c->at++;
    next(c);
}

struct answered {
    struct classify *classify;
    struct err error;
    struct bytes json;
};

static void answered_go(struct trip *t)
{
    struct answered *an = t->data;
    struct report *report;

    if (an->error.kind != ERR_NONE || report_from_json(trip_arena(t), an->json, &report, &an->error) < 0)
        trip_fail(t, &an->error);
    else
        done(an->classify, report);
}

/* The lab's thread, or within the call. */
static void answered(void *arg, const struct lab_result *result, int artefact_fd UNUSED)
{
    struct classify *c = arg;
    struct arena *a = trip_arena(c->trip);
    struct answered *an = arena_alloc(a, sizeof *an);

    an->classify = c;
    an->error = result->error;
    if (result->error.kind == ERR_NONE)
        an->json = bytes_of(arena_strndup(a, (const char *)result->report_json.data, result->report_json.len),
                            result->report_json.len);
    c->trip->data = an;
    trip_again(c->trip, answered_go);
}

static int fill(struct classify *c, struct bundle *b, struct job_spec *spec, struct err *err)
{
    const struct take *take = &c->takes[c->at];

    if (!b || bundle_add_models(b, &take->loaded, err) < 0 || bundle_add_sample(b, &c->sample, err) < 0)
        return -1;
    *spec = sensor_spec(c->trip, "sensor-classify");
    spec->sensor.impulse = take->loaded.impulse;
    spec->sensor.parts = b->parts;
    spec->sensor.nparts = b->nparts;
    return 0;
}

static void ask(struct classify *c)
{
    CLEANUP(bundle_freep) struct bundle *b = NULL;
    struct job_question q = {.artefact_fd = -1};
    struct err err = {0};

    b = bundle_memory(trip_api(c->trip), trip_arena(c->trip), c->at_once ? BUNDLE_BYTES : 4 * ASK_BYTES,
                      &err);
    if (fill(c, b, &q.spec, &err) < 0) {
        trip_fail(c->trip, &err);
        return;
    }
    q.subject_fd = TAKE_FD(b->fd);
    job_ask_take(trip_api(c->trip)->jobs, &q, answered, c);
}

static void submit(struct classify *c)
{
    CLEANUP(bundle_freep) struct bundle *b = NULL;
    const struct take *take = &c->takes[c->at];
    struct job_request job = {.name = c->sample.row.name, .priority = JOB_URGENT};
    struct err err = {0};

    b = bundle_blob(trip_api(c->trip), trip_arena(c->trip), BUNDLE_BYTES, &err);
    if (fill(c, b, &job.spec, &err) < 0) {
        trip_fail(c->trip, &err);
        return;
    }
    job.place = (struct job_place){.key = "classify-sample",
                                   .title = "Classifying sample",
                                   .question = take->question,
                                   .impulse = take->loaded.row.id};
    trip_submit_take(c->trip, b, &job);
}

static bool is_large(const struct classify *c)
{
    const struct loaded *l = &c->takes[c->at].loaded;
    const struct recording *rec = &c->sample.recording;
    double window = (double)window_readings(&l->impulse), step = fmax(window_step_ms(&l->def), 1e-3),
           span = (double)rec->readings * rec->interval_ms,
           numbers = (span / step + 1) * window * (double)rec->naxes;

    if (text_is(trip_api(c->trip)->opts.impulse.jobs, "always"))
        return true;
    return sample_bytes(&c->sample) > ASK_BYTES ||
           (l->impulse.input == INPUT_SERIES && numbers > ask_numbers);
}

/* A job about the very same: done, or on its way. True: nothing more has to be done. */
static bool use_job(struct classify *c)
{
    struct take *take = &c->takes[c->at];
    struct api *api = trip_api(c->trip);
    struct project_job job;
    struct report *report;

    if (records_find_project_job(api->db, trip_arena(c->trip), c->trip->visit.project.id, "classify-sample",
                                 take->question, &job, NULL) < 0)
        return false;
    if (!job_is_over(&job) && !c->at_once) {
        answer_number(c->trip, job.number);
        return true;
    }
    if (!text_is(job.state, job_state_name(JOB_DONE)) ||
        job_report(api, trip_arena(c->trip), job.id, &report, NULL) < 0)
        return false;
    done(c, report);
    return true;
}

static bool use_cache(struct classify *c)
{
    struct kept_reply *k =
        reply_cache_get(impulse_cache(trip_api(c->trip)), 0, c->trip->visit.caller.tenant, cache_key(c));

    if (!k)
        return false;
    request_reply_kept(c->trip->request, k);
    kept_reply_unref(k);
    return true;
}

/* A program of this machine judges, while this thread of the desk waits for it. */
static void run_program(struct classify *c)
{
    const struct take *take = &c->takes[c->at];
    struct report *report;
    struct err err;

    if (program_judge(c->trip, &take->loaded, &c->sample, &report, &err) < 0)
        trip_fail(c->trip, &err);
    else
        done(c, report);
}

/* Of one variant after the other. */
static void next(struct classify *c)
{
    if (c->at == c->n)
        answer(c);
    else if (c->takes[c->at].loaded.def.eim)
        run_program(c);
    else if (use_job(c))
        return;
    else if (!c->at_once && is_large(c))
        submit(c);
    else
        ask(c);
}

/* ---- the request ---- */

static int load_takes(struct classify *c, struct err *err)
{
    struct arena *a = trip_arena(c->trip);

    for (size_t i = 0; i < c->n; i++) {
        struct take *take = &c->takes[i];
        if (impulse_load(trip_api(c->trip), a, &take->ask, &take->loaded, err) < 0)
            return -1;
        take->question = question_hash(a, &take->loaded, &c->sample,
                                       arena_printf(a, "classify %lld", (long long)take->ask.block));
    }
    return 0;
}

static int read_query(struct classify *c, struct load_ask *ask, struct err *err)
{
    struct trip *t = c->trip;

    ask->project = t->visit.project.id;
    if (sample_load(t->request, &t->visit, &c->sample, err) < 0 ||
        impulse_query_int(t->request, "impulseId", 0, &ask->impulse, err) < 0 ||
        impulse_query_bool(t->request, "includeDebugInfo", false, &c->debug, err) < 0)
        return -1;
    return impulse_query_bool(t->request, "truncateStructuredLabels", false, &c->few, err);
}

static struct classify *classify_new(struct trip *t)
{
    struct classify *c = arena_alloc(trip_arena(t), sizeof *c);

    c->trip = t;
    c->n = 1;
    return c;
}

static void go(struct classify *c, const struct err *err)
{
    struct err why = *err;

    if (why.kind != ERR_NONE || load_takes(c, &why) < 0)
        trip_fail(c->trip, &why);
    else if (!use_cache(c))
        next(c);
}

static void classify_go(struct trip *t)
{
    struct classify *c = classify_new(t);
    struct err err = {0};

    read_query(c, &c->takes[0].ask, &err);
    c->takes[0].ask.variant = request_query(t->request, "variant");
    go(c, &err);
}

static void old_go(struct trip *t)
{
    struct classify *c = classify_new(t);
    struct err err = {0};

    c->at_once = true;
    read_query(c, &c->takes[0].ask, &err);
    go(c, &err);
}

static void block_go(struct trip *t)
{
    struct classify *c = classify_new(t);
    struct err err = {0};

    if (read_query(c, &c->takes[0].ask, &err) == 0)
        impulse_number(t->request, "blockId", &c->takes[0].ask.block, &err);
    c->takes[0].ask.variant = request_query(t->request, "variant");
    go(c, &err);
}

/* ["int8","float32"]; absent: float32. */
static int read_variants(struct classify *c, struct err *err)
{
    const char *text = request_query(c->trip->request, "variants");
    CLEANUP(json_freep) yyjson_doc *doc = NULL;
    struct load_ask ask = c->takes[0].ask;
    yyjson_val *v;
    size_t i, n;

    if (!text)
        return 0;
    doc = json_read(bytes_of(text, strlen(text)), 1024, err);
    if (!doc)
        return -1;
    n = yyjson_arr_size(yyjson_doc_get_root(doc));
    if (n < 1 || n > TAKES)
        return FAIL(err, ERR_INPUT, "variants is a list of one or two: [\"int8\",\"float32\"]");
    c->n = n;
    yyjson_arr_foreach (yyjson_doc_get_root(doc), i, n, v) {
        c->takes[i].ask = ask;
        c->takes[i].ask.variant =
            arena_strdup(trip_arena(c->trip), yyjson_is_str(v) ? yyjson_get_str(v) : "");
    }
    return 0;
}

static void variants_go(struct trip *t)
{
    struct classify *c = classify_new(t);
    struct err err = {0};

    c->several = true;
    if (read_query(c, &c->takes[0].ask, &err) == 0)
        read_variants(c, &err);
    go(c, &err);
}

TRIP_HANDLER(impulse_classify, "submit", classify_go);
TRIP_HANDLER(impulse_classify_old, "submit", old_go);
TRIP_HANDLER(impulse_classify_variants, "submit", variants_go);
TRIP_HANDLER(impulse_classify_block, "submit", block_go);
