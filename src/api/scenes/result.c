/* GET and DELETE of a job. */
#include <string.h>

#include "api/remove.h"
#include "api/scenes/scenes_int.h"
#include "base/text.h"
#include "store/retention.h"

/* Of this caller, this API and this kind; ERR_NOT_FOUND otherwise. */
static int find(struct request *r, const struct caller *caller, enum media m, struct job_row *ret_job,
                struct scenes_notes *ret_notes, struct err *err)
{
    struct arena *a = request_arena(r);
    const char *id = scenes_id_parse(m, request_param(r, "job_id"));

    if (!id)
        return FAIL(err, ERR_NOT_FOUND, "there is no such job");
    if (records_get_job(api_of(r)->db, a, caller->tenant, id, ret_job, err) < 0)
        return err->kind == ERR_NOT_FOUND ? FAIL(err, ERR_NOT_FOUND, "there is no such job") : -1;
    if (!text_is(ret_job->dialect, "scenes") ||
        scenes_notes_from_json(a, ret_job->request, ret_notes, err) < 0 || ret_notes->media != m)
        return FAIL(err, ERR_NOT_FOUND, "there is no such job");
    return 0;
}

static void send(struct request *r, const struct caller *caller, const struct job_row *job,
                 const struct scenes_notes *notes)
{
    struct api *api = api_of(r);
    struct reply rep = {.status = 200, .type = "application/json"};
    double units = notes->media == MEDIA_IMAGE ? (double)notes->n : scenes_guess_seconds(job->size);
    enum job_state state;
    struct err err;

    if (!job_state_parse(job->state, &state) ||
        scenes_render(request_arena(r), &api->opts, job, &rep.body, &err) < 0) {
        scenes_fail(r, caller, &(struct err){ERR_INTERNAL, "a stored result cannot be read"});
        return;
    }
    if (!job_state_is_final(state))
        reply_header(&rep, r, "Retry-After", "%lld",
                     (long long)scenes_retry_seconds(api->db, notes->media, units));
    request_reply(r, &rep);
}

/* Only who had the job learns that it is over. */
static bool has_expired(struct request *r, const struct caller *caller, enum media m)
{
    const char *id = scenes_id_parse(m, request_param(r, "job_id"));
    bool expired;

    return id && records_has_expired(api_of(r)->db, caller->tenant, id, &expired, NULL) == 0 && expired;
}

static void get(struct request *r, enum media m)
{
    struct scenes_notes notes;
    struct caller caller;
    struct job_row job;
    struct err err;

    if (!scenes_enter(r, "read", &caller))
        return;
    if (find(r, &caller, m, &job, &notes, &err) == 0)
        send(r, &caller, &job, &notes);
    else if (err.kind == ERR_NOT_FOUND && has_expired(r, &caller, m))
        scenes_problem(r, 410, "the time for which results are kept is over for this job");
    else
        scenes_fail(r, &caller, &err);
}

static void video_get(struct request *r)
{
    get(r, MEDIA_VIDEO);
}

static void images_get(struct request *r)
{
    get(r, MEDIA_IMAGE);
}

const struct handler scenes_video_get = {.run = video_get};
const struct handler scenes_images_get = {.run = images_get};

/* ---- DELETE ---- */

static void removed(struct request *r, const char *id, const char *becomes)
{
    (void)id, (void)becomes;
    request_reply(r, &(struct reply){.status = 204});
}

static const struct remove_manners manners = {removed, scenes_problem};

static void take_away(struct request *r, enum media m)
{
    struct scenes_notes notes;
    struct caller caller;
    struct job_row job;
    struct err err;

    if (!scenes_enter(r, NULL, &caller))
        return;
    if (find(r, &caller, m, &job, &notes, &err) < 0)
        scenes_fail(r, &caller, &err);
    else
        remove_job(r, &caller, &job, &manners);
}

static void video_delete(struct request *r)
{
    take_away(r, MEDIA_VIDEO);
}

static void images_delete(struct request *r)
{
    take_away(r, MEDIA_IMAGE);
}

const struct handler scenes_video_delete = {.run = video_delete};
const struct handler scenes_images_delete = {.run = images_delete};
