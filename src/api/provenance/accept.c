/* From the fields of a submit to its identifier, however its file comes here. */
#include <stdio.h>
#include <string.h>

#include "api/provenance/provenance_int.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "net/guard.h"

bool entry_begin(struct entry *e, struct request *r, enum subject_kind kind)
{
    e->request = r;
    e->kind = kind;
    e->ask = ask_defaults();
    if (!provenance_enter(r, "submit", RATE_POST, &e->caller))
        return false;
    if (job_room(api_of(r)->jobs, e->caller.tenant, e->caller.max_jobs, &e->err) == 0)
        return true;
    provenance_fail(r, &e->caller, &e->err);
    return false;
}

void entry_refuse(struct entry *e)
{
    if (e->field && e->err.kind == ERR_INPUT)
        provenance_wrong(e->request, e->field, e->err.text);
    else
        provenance_fail(e->request, &e->caller, &e->err);
}

/* ---- the answer ---- */

static void reply_identifier(struct entry *e, const char *identifier)
{
    struct request *r = e->request;
    struct arena *a = request_arena(r);
    struct reply rep = {.status = 200, .type = "text/plain; charset=utf-8"};
    const char *text = identifier;

    if (wants_json(request_header(r, "Accept"), api_of(r)->opts.provenance.submit_json)) {
        rep.type = "application/json";
        text = arena_printf(a, "{\"identifier\":\"%s\"}", identifier);
    }
    rep.body = bytes_of(text, strlen(text));
    provenance_reply(r, &e->caller, &rep);
}

/* ---- the question ---- */

/* Who judges: a result of other makers is no answer. */
static const char *makers_text(const struct api *api, struct arena *a)
{
    CLEANUP(buf_clear) struct buf b = BUF(1 << 20);
    struct model_ref *models;
    size_t n = lab_models(api->lab, a, &models);

    buf_str(&b, api->version);
    for (size_t i = 0; i < n; i++)
        buf_printf(&b, " %.64s", models[i].sha256 ? models[i].sha256 : "-");
    return arena_strndup(a, b.data, b.len);
}

static void fill_spec(const struct entry *e, struct job_spec *spec)
{
    struct api *api = api_of(e->request);
    const struct ask *ask = &e->ask;
    struct origin_params *p;

    *spec = job_spec_defaults();
    spec->pipeline = kind_words(e->kind)->pipeline;
    spec->deadline_ms = api->opts.provenance.time_ms;
    p = &spec->origin;
    own_rules_apply(api->provenance, request_arena(e->request), p);
    p->frames = ask->frames;
    p->choose = ask->key_frames ? ask->method : FRAMES_EVEN;
    p->faces = ask->morphing;
    p->heatmap = ask->heatmap;
    p->unsafe = ask->nsfw;
    p->force = ask->unforced ? FORCE_NEVER : p->force;
    p->at = clock_wall_us() / 1000000;
}

static void name_question(struct entry *e, const char *sha256)
{
    struct arena *a = request_arena(e->request);
    struct question q = {.tenant = e->caller.tenant,
                         .sha256 = sha256,
                         .ref_id = e->ask.ref_id,
                         .makers = makers_text(api_of(e->request), a),
                         .salt = "",
                         .spec = &e->job.spec};
    uint8_t random[16];
    char salt[2 * sizeof random + 1];

    if (e->ask.no_cache || !*sha256) {
        hash_random(random, sizeof random);
        text_hex(salt, random, sizeof random);
        q.salt = salt;
    }
    question_identifier(a, &q, e->identifier);
}

static int check_webhook(struct entry *e)
{
    struct api *api = api_of(e->request);

    if (!api->opts.provenance.webhooks)
        e->ask.webhook = NULL;
    if (!e->ask.webhook)
        return 0;
    e->field = "webhook_url";
    if (url_check(e->ask.webhook, api->guard, NULL, &e->err) < 0)
        return -1;
    e->field = NULL;
    return 0;
}

static void fill(struct entry *e, const char *sha256)
{
    struct provenance_notes notes = {.kind = e->kind,
                                     .identifier = e->identifier,
                                     .ref_id = e->ask.ref_id,
                                     .webhook = e->ask.webhook,
                                     .nsfw = e->ask.nsfw};

    fill_spec(e, &e->job.spec);
    name_question(e, sha256);
    e->job.tenant = e->caller.tenant;
    e->job.max_jobs = e->caller.max_jobs;
    e->job.dialect = "provenance";
    e->job.origin = request_id(e->request);
    e->job.run = e->identifier;
    e->job.run_media = kind_words(e->kind)->name;
    e->job.request = notes_to_json(request_arena(e->request), &notes);
}

/* ---- the same again ---- */

/* It was asked, and the job ended well or may still. */
static bool was_asked(struct entry *e, struct run_row *ret)
{
    struct arena *a = request_arena(e->request);
    enum job_state state;

    if (records_find_run(api_of(e->request)->db, a, e->caller.tenant, kind_words(e->kind)->name,
                         e->identifier, ret, NULL) < 0 ||
        !text_is(ret->id, e->identifier) || !job_state_parse(ret->state, &state))
        return false;
    return !job_state_is_final(state) || state == JOB_DONE;
}

static void told_again(void *arg, const struct err *err UNUSED)
{
    struct entry *e = arg;

    reply_identifier(e, e->identifier);
}

/* False: nobody has to be told, or it cannot be. */
static bool tell_again(struct entry *e, const struct run_row *run)
{
    struct api *api = api_of(e->request);
    struct job_row job;

    if (!api->opts.provenance.repeat_webhooks || !e->ask.webhook || !text_is(run->state, "done"))
        return false;
    if (records_get_job(api->db, request_arena(e->request), e->caller.tenant, run->job, &job, NULL) < 0)
        return false;
    return api_deliver_again(api, request_arena(e->request), &job, e->ask.webhook, told_again, e, NULL) == 0;
}

static void answer_again(struct entry *e, const struct run_row *run)
{
    if (!tell_again(e, run))
        reply_identifier(e, e->identifier);
}

/* ---- submitting ---- */

static void accepted(void *arg, const struct job_ticket *ticket UNUSED, const struct err *err)
{
    struct entry *e = arg;
    struct run_row run;

    if (err->kind == ERR_NONE)
        reply_identifier(e, e->identifier);
    else if (err->kind == ERR_CONFLICT && was_asked(e, &run)) /* by another request, at the same time */
        answer_again(e, &run);
    else
        provenance_fail(e->request, &e->caller, err);
}

void entry_submit_take(struct entry *e, const char *sha256)
{
    CLEANUP(blob_writer_freep) struct blob_writer *body = TAKE(e->job.body);
    struct run_row run;

    if (check_webhook(e) < 0) {
        entry_refuse(e);
        return;
    }
    fill(e, sha256);
    if (was_asked(e, &run)) {
        answer_again(e, &run);
        return;
    }
    e->job.body = TAKE(body);
    job_submit(api_of(e->request)->jobs, &e->job, accepted, e);
}
