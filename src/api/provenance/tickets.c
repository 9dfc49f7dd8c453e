/* Batches of documents that may have been tampered with: POST and GET /api/v2/tampering/tickets. A batch is
 * one job; its id is the batch's. The files of a form lie one behind the other in the job's subject,
 * streamed, and nobody looks into them before an analyst does. */
#include <string.h>

#include "api/provenance/provenance_int.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "net/multipart.h"

struct upload {
    struct request *request;
    struct caller caller;
    struct multipart *multipart;
    struct blob_writer *files;
    struct ticket_ask ask;
    size_t n;
    struct subject_part parts[PARTS_MAX];
    const char *names[PARTS_MAX];
    bool in_file;
    char field[64]; /* the part at hand, unless it is a file */
    struct buf value;
    struct job_request job;
    const char *wrong; /* whose fault `err` is; NULL: of no field */
    struct err err;    /* the first fault; what follows of the body is dropped */
};

/* ---- the form ---- */

static int begin_file(struct upload *u, const struct part *part, struct err *err)
{
    const struct provenance_opts *opts = &api_of(u->request)->opts.provenance;
    char name[256];

    u->wrong = "tickets";
    if (!part->file_name)
        return FAIL(err, ERR_INPUT, "The tickets must be files.");
    if (u->n == (size_t)opts->max_tickets)
        return FAIL(err, ERR_INPUT, "The tickets must not have more than %d items.", (int)opts->max_tickets);
    text_base_name(name, sizeof name, part->file_name);
    u->names[u->n] = arena_strdup(request_arena(u->request), name);
    u->parts[u->n].offset = blob_written(u->files);
    u->in_file = true;
    u->wrong = NULL;
    return 0;
}

static int part_begin(void *arg, const struct part *part, struct err *err)
{
    struct upload *u = arg;

    buf_clear(&u->value);
    u->value = BUF(TICKET_FIELD_BYTES);
    text_copy(u->field, sizeof u->field, part->name);
    u->in_file = false;
    return is_list_field(part->name, "tickets") ? begin_file(u, part, err) : 0;
}

static int part_data(void *arg, struct bytes piece, struct err *err)
{
    struct upload *u = arg;
    int64_t max = api_of(u->request)->opts.provenance.max_image;

    if (!u->in_file) {
        buf_add(&u->value, piece.data, piece.len);
        return 0;
    }
    if (u->parts[u->n].size > max - (int64_t)piece.len)
        return FAIL(err, ERR_LIMIT, "A ticket has more than %lld bytes.", (long long)max);
    u->parts[u->n].size += (int64_t)piece.len;
    return blob_add(u->files, piece, err);
}

static int part_end(void *arg, struct err *err)
{
    struct upload *u = arg;
    struct subject_part *part = &u->parts[u->n];

    if (!u->in_file) {
        u->wrong = ticket_field_name(u->field);
        if (u->value.overflow)
            return FAIL(err, ERR_INPUT, "The %s is too long.", u->field);
        if (ticket_field(request_arena(u->request), &u->ask, u->field, buf_bytes(&u->value), err) < 0)
            return -1;
        u->wrong = NULL;
        return 0;
    }
    if (!part->size)
        err_set(&part->error, ERR_INPUT, "The ticket is empty.");
    u->n++;
    return 0;
}

static const struct multipart_events part_events = {part_begin, part_data, part_end};

/* ---- POST ---- */

static void refuse(struct upload *u)
{
    if (u->wrong && u->err.kind == ERR_INPUT)
        provenance_wrong(u->request, u->wrong, u->err.text);
    else
        provenance_fail(u->request, &u->caller, &u->err);
}

static int begin(struct upload *u)
{
    struct api *api = api_of(u->request);
    const char *type = request_header(u->request, "Content-Type");

    if (job_room(api->jobs, u->caller.tenant, u->caller.max_jobs, &u->err) < 0 ||
        blob_begin(&u->files, api->blobs, api->opts.provenance.max_batch, &u->err) < 0)
        return -1;
    if (multipart_new(&u->multipart, type ? type : "", &part_events, u, &u->err) == 0)
        return 0;
    if (u->err.kind != ERR_UNSUPPORTED)
        return -1;
    u->wrong = "tickets"; /* what a form would have without that part */
    return FAIL(&u->err, ERR_INPUT,
                "The tickets field is required, as parts of a form (multipart/form-data).");
}

static void submit_head(struct request *r)
{
    struct upload *u = arena_alloc(request_arena(r), sizeof *u);

    request_set_data(r, u);
    u->request = r;
    u->ask = ticket_ask_defaults();
    if (provenance_enter(r, "submit", RATE_POST, &u->caller) && begin(u) < 0)
        refuse(u);
}

static void submit_body(struct request *r, struct bytes piece)
{
    struct upload *u = request_data(r);

    if (u->err.kind != ERR_NONE)
        return;
    if (gate_more(api_of(r)->gate, r, &u->caller, piece.len, &u->err) < 0 ||
        multipart_feed(u->multipart, piece, &u->err) < 0)
        blob_writer_freep(&u->files); /* now: the rest of the body may take its time */
}

static int finish(struct upload *u)
{
    if (u->err.kind != ERR_NONE || multipart_finish(u->multipart, &u->err) < 0)
        return -1;
    u->wrong = "tickets";
    if (!u->n)
        return FAIL(&u->err, ERR_INPUT, "The tickets field is required.");
    if (!blob_written(u->files))
        return FAIL(&u->err, ERR_INPUT, "The tickets are empty.");
    u->wrong = "ref_ids";
    if (u->ask.nrefs && u->ask.nrefs != u->n)
        return FAIL(&u->err, ERR_INPUT, "The ref_ids are %zu, the tickets %zu: there must be one for each.",
                    u->ask.nrefs, u->n);
    u->wrong = NULL;
    return 0;
}

static struct ticket_notes notes_of(const struct upload *u)
{
    return (struct ticket_notes){.n = u->n, .names = u->names, .ref_ids = u->ask.nrefs ? u->ask.refs : NULL};
}

static void accepted(void *arg, const struct job_ticket *ticket, const struct err *err)
{
    struct upload *u = arg;
    struct reply rep = {.status = 200, .type = "application/json"};
    struct ticket_notes notes = notes_of(u);

    if (err->kind != ERR_NONE) {
        provenance_fail(u->request, &u->caller, err);
        return;
    }
    rep.body = tickets_render_batch(request_arena(u->request), ticket->id, &notes);
    provenance_reply(u->request, &u->caller, &rep);
}

static void fill(struct upload *u)
{
    struct arena *a = request_arena(u->request);
    struct job_request *job = &u->job;
    struct ticket_notes notes = notes_of(u);

    job->spec = job_spec_defaults();
    job->spec.pipeline = "tampering";
    job->spec.deadline_ms = api_of(u->request)->opts.provenance.time_ms;
    job->spec.tamper = (struct tamper_params){
        .models = u->ask.models, .at = clock_wall_us() / 1000000, .nparts = u->n, .parts = u->parts};
    job->tenant = u->caller.tenant;
    job->max_jobs = u->caller.max_jobs;
    job->dialect = "provenance";
    job->origin = request_id(u->request);
    job->name = u->n == 1 ? u->names[0] : arena_printf(a, "%zu tickets", u->n);
    job->request = ticket_notes_to_json(a, &notes);
}

static void submit_run(struct request *r)
{
    struct upload *u = request_data(r);

    if (finish(u) < 0) {
        refuse(u);
        return;
    }
    fill(u);
    u->job.body = TAKE(u->files);
    job_submit(api_of(r)->jobs, &u->job, accepted, u);
}

static void submit_gone(struct request *r)
{
    struct upload *u = request_data(r);

    if (!u)
        return;
    multipart_freep(&u->multipart);
    blob_writer_freep(&u->files);
    buf_clear(&u->value);
}

const struct handler provenance_tickets_submit = {submit_head, submit_body, submit_run, submit_gone};

/* ---- GET ---- */

static int load(struct request *r, const char *tenant, struct job_row *ret, struct ticket_notes *ret_notes,
                struct err *err)
{
    const char *id = request_param(r, "id");
    struct arena *a = request_arena(r);

    if (!id || !id_is_valid(id))
        return FAIL(err, ERR_NOT_FOUND, "there is no such batch");
    if (records_get_job(api_of(r)->db, a, tenant, id, ret, err) < 0)
        return -1;
    if (!text_is(ret->dialect, "provenance") || ticket_notes_from_json(a, ret->request, ret_notes, NULL) < 0)
        return FAIL(err, ERR_NOT_FOUND, "there is no such batch");
    return 0;
}

static void get_run(struct request *r)
{
    struct reply rep = {.status = 200, .type = "application/json"};
    struct caller caller;
    struct ticket_notes notes;
    struct job_row job;
    struct err err = {0};

    if (!provenance_enter(r, "read", RATE_GET, &caller))
        return;
    if (load(r, caller.tenant, &job, &notes, &err) < 0) {
        if (err.kind == ERR_NOT_FOUND)
            provenance_error(r, 404, "There is no such batch.");
        else
            provenance_fail(r, &caller, &err);
        return;
    }
    if (tickets_render(request_arena(r), &job, &notes, &rep.body, &err) < 0)
        provenance_fail(r, &caller, &err);
    else
        provenance_reply(r, &caller, &rep);
}

const struct handler provenance_tickets_get = {.run = get_run};
