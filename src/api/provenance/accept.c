/* From the fields of a submit to its identifier, however its file comes here. */
#include <stdio.h>
#include <string.h>

#include "api/provenance/provenance_int.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "net/guard.h"

/* Refused before the body, where that can be known. Not a request that may be the second try of one which has
 * its job already. */
static int find_room(struct entry *e, struct err *err)
{
    if (request_header(e->request, "Idempotency-Key"))
        return 0;
    return job_room(api_of(e->request)->jobs, e->caller.tenant, e->caller.max_jobs, err);
}

bool entry_begin(struct entry *e, struct request *r, enum subject_kind kind)
{
    e->request = r;
    e->kind = kind;
    e->ask = ask_defaults();
    if (!provenance_enter(r, "submit", RATE_POST, &e->caller))
        return false;
    if (find_room(e, &e->err) == 0 &&
        keyed_begin(&e->keyed, api_of(r)->keys_in_use, r, e->caller.tenant, &e->err) == 0)
        return true;
    entry_refuse(e);
    return false;
}

/* A refusal frees the key first: the client may try again at once. */
void entry_refuse(struct entry *e)
{
    keyed_end(&e->keyed);
    if (e->field && e->err.kind == ERR_INPUT)
        provenance_wrong(e->request, e->field, e->err.text);
    else
        provenance_fail(e->request, &e->caller, &e->err);
}

void entry_gone(struct entry *e)
{
    if (e)
        keyed_end(&e->keyed);
}

/* ---- the answer ---- */

static void reply_identifier(struct entry *e, const char *identifier)
{
    struct request *r = e->request;
    struct arena *a = request_arena(r);
    struct reply rep = {.status = 200, .type = "text/plain; charset=utf-8"};
    const char *text = identifier;

    keyed_end(&e->keyed); /* before anybody can know of the run and send the request again */
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
    return arena_printf(a, "%s %s %s", api->version, api->build_at, api->provenance->cards);
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

/* What an earlier request with the same Idempotency-Key was answered. */
static void replay(struct entry *e, const char *job_id)
{
    struct arena *a = request_arena(e->request);
    struct provenance_notes notes;
    struct job_row job;

    if (records_get_job(api_of(e->request)->db, a, e->caller.tenant, job_id, &job, &e->err) == 0 &&
        notes_from_json(a, job.request, &notes, &e->err) == 0)
        reply_identifier(e, notes.identifier);
    else
        entry_refuse(e);
}

/* ---- submitting ---- */

static void accepted(void *arg, const struct job_ticket *ticket UNUSED, const struct err *err)
{
    struct entry *e = arg;
    struct run_row run;

    if (err->kind == ERR_NONE) {
        reply_identifier(e, e->identifier);
    } else if (err->kind == ERR_CONFLICT && was_asked(e, &run)) { /* by another request, at the same time */
        answer_again(e, &run);
    } else {
        e->err = *err;
        entry_refuse(e);
    }
}

/* Takes the body. */
static void submit(struct entry *e, struct blob_writer *body)
{
    struct run_row run;

    if (was_asked(e, &run)) {
        blob_writer_freep(&body);
        answer_again(e, &run);
        return;
    }
    if (e->keyed.key[0]) {
        e->job.key = e->keyed.key;
        e->job.fingerprint = e->keyed.fingerprint;
    }
    e->job.body = body;
    job_submit(api_of(e->request)->jobs, &e->job, accepted, e);
}

void entry_submit_take(struct entry *e, const char *sha256)
{
    CLEANUP(blob_writer_freep) struct blob_writer *body = TAKE(e->job.body);
    struct key_use use;

    if (check_webhook(e) < 0) {
        entry_refuse(e);
        return;
    }
    fill(e, sha256);
    switch (keyed_look(&e->keyed, api_of(e->request)->db, &use, &e->err)) {
    case KEY_NEW:
        submit(e, TAKE(body));
        return;
    case KEY_REPLAY:
        replay(e, use.job);
        return;
    case KEY_OTHER:
        keyed_end(&e->keyed);
        provenance_wrong(e->request, NULL, "This Idempotency-Key was used for another request.");
        return;
    case KEY_ERROR:
        entry_refuse(e);
        return;
    }
}
