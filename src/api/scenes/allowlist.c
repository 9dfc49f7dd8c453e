/* The allow list: faces a tenant knows, by a vector or a photo of which only the vector is kept.
 *
 *   vector: body -> desk -> row -> 201
 *   photo:  body -> desk -> job of pipeline "pictures" -> waited for -> row -> job deleted -> 201
 *
 * The job is of the dialect PASSING_DIALECT: no route shows it, and a restart drops it. */
#include <string.h>

#include "api/scenes/scenes_int.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "report/json.h"
#include "store/faces.h"

_Static_assert((int)FACES_PER_TENANT == (int)KNOWN_FACES_MAX, "what is kept is what an analysis takes");

static bool is_on(struct api *api)
{
    struct scenes_params p;

    return scenes_params_of(&api->opts.scenes, &p, NULL) == 0 && p.embeddings;
}

/* ---- adding ---- */

/* One face on its way. */
struct enrol {
    struct request *request;
    struct caller caller;
    struct inbox inbox;
    struct enrolment face;
    char job[ID_TEXT]; /* "" = none */
    struct err err;    /* the first fault */
    int status;        /* the answer, while the job is removed; 0: by err */
};

static void add_head(struct request *r)
{
    struct enrol *e = arena_alloc(request_arena(r), sizeof *e);
    struct api *api = api_of(r);
    struct err err;

    e->request = r;
    request_set_data(r, e);
    if (!scenes_enter(r, "admin", &e->caller))
        return;
    if (!is_on(api))
        scenes_problem(r, 403,
                       "the operator of this server has not switched face embeddings on (--biometrics)");
    else if (inbox_begin(&e->inbox, api->scenes, api->opts.scenes.max_image / 3 * 4 + (64 << 10),
                         request_length(r), &err) < 0)
        scenes_fail(r, &e->caller, &err);
}

static void add_body(struct request *r, struct bytes piece)
{
    struct enrol *e = request_data(r);

    if (e->err.kind != ERR_NONE)
        return;
    if (gate_more(api_of(r)->gate, r, &e->caller, piece.len, &e->err) < 0 ||
        inbox_add(&e->inbox, piece, &e->err) < 0)
        inbox_clear(&e->inbox);
}

/* ---- the answer ---- */

static void reply_added(struct enrol *e)
{
    CLEANUP(json_mut_freep) yyjson_mut_doc *doc = json_doc_new();
    struct reply rep = {.status = 201, .type = "application/json"};
    yyjson_mut_val *root = yyjson_mut_obj(doc);

    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "external_id", e->face.external_id);
    rep.body = json_write(request_arena(e->request), doc);
    request_reply(e->request, &rep);
}

static void answer(struct enrol *e)
{
    if (e->status)
        scenes_problem(e->request, e->status, e->err.text);
    else if (e->err.kind != ERR_NONE)
        scenes_fail(e->request, &e->caller, &e->err);
    else
        reply_added(e);
}

/* ---- the job goes ---- */

static struct job_order order_of(const struct enrol *e)
{
    return (struct job_order){e->caller.tenant, e->job, e->caller.key_id};
}

static void deleted(void *arg, const struct err *err)
{
    struct enrol *e = arg;

    if (err->kind != ERR_NONE && err->kind != ERR_NOT_FOUND)
        log_error("a photo for the allow list is still here; the next start removes it", "job=%s why=%s",
                  e->job, err->text);
    answer(e);
}

static void delete_job(struct enrol *e)
{
    struct job_order order = order_of(e);

    job_delete(api_of(e->request)->jobs, &order, deleted, e);
}

/* It had not ended. In a race with its end there is no difference: it goes. */
static void cancelled(void *arg, const struct err *err UNUSED)
{
    delete_job(arg);
}

/* ---- the row ---- */

/* Writer thread. */
static void added(void *arg, const struct err *err)
{
    struct enrol *e = arg;

    e->err = *err;
    if (err->kind == ERR_LIMIT)
        e->status = 409;
    if (e->job[0])
        delete_job(e);
    else
        answer(e);
}

static void add(struct enrol *e)
{
    struct face_row row = {.name = e->face.external_id,
                           .created_us = clock_wall_us(),
                           .n = e->face.n,
                           .embedding = e->face.embedding};
    struct face_order order = {e->caller.tenant, e->caller.key_id};
    struct err err = {0};

    if (records_add_face(api_of(e->request)->db, &order, &row, added, e, &err) < 0)
        added(e, &err);
}

/* ---- a photo ---- */

static int the_only_face(const struct report *report, struct enrol *e, struct err *err)
{
    const struct item *item = report->nitems == 1 ? &report->items[0] : NULL;
    const struct scenery *s = item ? &item->scenery : NULL;

    if (!item)
        return FAIL(err, ERR_INTERNAL, "the photo was not judged");
    if (item->error.kind != ERR_NONE)
        return FAIL(err, ERR_INPUT, "%s", item->error.text);
    if (!s->has_people)
        return FAIL(err, ERR_INPUT, "this server has no model for faces; enrol an 'embedding' instead");
    if (s->npeople != 1)
        return FAIL(err, ERR_INPUT, "the photo must show exactly one face, not %zu", s->npeople);
    if (s->people[0].nembedding < FACE_MIN || s->people[0].nembedding > FACE_MAX)
        return FAIL(err, ERR_INPUT, "the face in the photo cannot be described; use another photo");
    e->face.n = s->people[0].nembedding;
    e->face.embedding = s->people[0].embedding;
    return 0;
}

static int read_job(struct enrol *e, struct err *err)
{
    struct arena *a = request_arena(e->request);
    struct report *report;
    struct job_row job;

    if (records_get_job(api_of(e->request)->db, a, e->caller.tenant, e->job, &job, err) < 0)
        return -1;
    if (!text_is(job.state, "done"))
        return FAIL(err, ERR_INPUT, "the photo cannot be judged: %s",
                    job.error_text ? job.error_text : job.state);
    return report_from_json(a, job.report, &report, err) < 0 ? -1 : the_only_face(report, e, err);
}

static void judged(void *arg, bool finished)
{
    struct enrol *e = arg;
    struct job_order order = order_of(e);

    if (!finished) {
        err_set(&e->err, ERR_BUSY, "the photo was not judged in time; try again later");
        job_cancel(api_of(e->request)->jobs, &order, cancelled, e);
    } else if (read_job(e, &e->err) < 0) {
        e->status = e->err.kind == ERR_INPUT ? 422 : 0;
        delete_job(e);
    } else {
        add(e);
    }
}

static void accepted(void *arg, const struct job_ticket *ticket, const struct err *err)
{
    struct enrol *e = arg;
    struct api *api = api_of(e->request);

    if (err->kind != ERR_NONE) {
        e->err = *err;
        answer(e);
        return;
    }
    text_copy(e->job, sizeof e->job, ticket->id);
    job_wait(api->jobs, e->job, clock_mono_us() + api_limit(&api->opts.sync_wait_ms) * 1000, judged, e);
}

static void submit(struct enrol *e)
{
    struct subject_part part = {0, (int64_t)e->face.picture.data.len, {0}};
    struct api *api = api_of(e->request);
    struct job_request job = {.tenant = e->caller.tenant,
                              .max_jobs = e->caller.max_jobs,
                              .dialect = PASSING_DIALECT,
                              .origin = request_id(e->request),
                              .priority = JOB_URGENT};
    struct err err = {0};

    job.spec = job_spec_defaults();
    job.spec.pipeline = media_words(MEDIA_IMAGE)->pipeline;
    job.spec.deadline_ms = api_limit(&api->opts.sync_wait_ms);
    job.spec.scenes.texts = job.spec.scenes.tags = false;
    job.spec.scenes.embeddings = true;
    job.spec.scenes.parts = &part;
    job.spec.scenes.nparts = 1;
    if (blob_begin(&job.body, api->blobs, api->opts.scenes.max_image, &err) < 0 ||
        blob_add(job.body, e->face.picture.data, &err) < 0) {
        blob_writer_freep(&job.body);
        e->err = err;
        answer(e);
        return;
    }
    inbox_clear(&e->inbox);
    job_submit(api->jobs, &job, accepted, e);
}

/* On the desk. */
static void take_apart(struct request *r)
{
    struct enrol *e = request_data(r);
    size_t len;
    char *text;

    if (inbox_text(&e->inbox, &text, &len, &e->err) == 0 &&
        scenes_parse_enrolment(request_arena(r), text, len, api_of(r)->opts.scenes.max_image, &e->face,
                               &e->status, &e->err) == 0) {
        e->status = 0;
        if (e->face.picture.data.data)
            submit(e);
        else
            add(e);
    } else {
        answer(e);
    }
}

static void add_run(struct request *r)
{
    struct enrol *e = request_data(r);

    if (e->err.kind != ERR_NONE || desk_push(api_of(r)->scenes, r, take_apart, &e->err) < 0)
        scenes_fail(r, &e->caller, &e->err);
}

static void add_gone(struct request *r)
{
    struct enrol *e = request_data(r);

    if (e)
        inbox_clear(&e->inbox);
}

const struct handler scenes_face_add = {add_head, add_body, add_run, add_gone};

/* ---- looking ---- */

static void send_list(struct request *r, const struct face_row *rows, size_t n)
{
    CLEANUP(json_mut_freep) yyjson_mut_doc *doc = json_doc_new();
    struct reply rep = {.status = 200, .type = "application/json"};
    yyjson_mut_val *root = yyjson_mut_obj(doc), *list, *o;
    char when[CLOCK_TEXT];

    yyjson_mut_doc_set_root(doc, root);
    list = yyjson_mut_obj_add_arr(doc, root, "items");
    for (size_t i = 0; i < n; i++) {
        o = yyjson_mut_arr_add_obj(doc, list);
        yyjson_mut_obj_add_str(doc, o, "external_id", rows[i].name);
        yyjson_mut_obj_add_strcpy(doc, o, "created_at", clock_rfc3339(when, rows[i].created_us));
    }
    rep.body = json_write(request_arena(r), doc);
    request_reply(r, &rep);
}

static void list_run(struct request *r)
{
    struct face_row *rows;
    struct caller caller;
    struct err err;
    size_t n;

    if (!scenes_enter(r, "read", &caller))
        return;
    if (records_faces(api_of(r)->db, request_arena(r), caller.tenant, false, &rows, &n, &err) < 0)
        scenes_fail(r, &caller, &err);
    else
        send_list(r, rows, n);
}

const struct handler scenes_face_list = {.run = list_run};

/* ---- removing: also with biometrics off, or nobody could get rid of what is there ---- */

static void removed(void *arg, const struct err *err)
{
    struct request *r = arg;

    if (err->kind == ERR_NONE)
        request_reply(r, &(struct reply){.status = 204});
    else
        scenes_fail(r, NULL, err);
}

static void remove_run(struct request *r)
{
    struct caller caller;
    struct err err;

    if (!scenes_enter(r, "admin", &caller))
        return;
    if (records_remove_face(api_of(r)->db, &(struct face_order){caller.tenant, caller.key_id},
                            request_param(r, "id"), removed, r, &err) < 0)
        scenes_fail(r, &caller, &err);
}

const struct handler scenes_face_remove = {.run = remove_run};
