#include "unit/job/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"

static void kick(void *arg)
{
    jobs_kick(arg);
}

static void must(int r, const struct err *err)
{
    if (r == 0)
        return;
    printf("Bail out! %s\n", err->text);
    exit(99);
}

struct rig rig_up(const char *dir, int analysts, const struct jobs_opts *opts)
{
    struct rig r = {.dir = dir, .lab = fake_lab_new(analysts)};
    struct jobs_opts defaults = jobs_opts_defaults();
    struct err err = {0};

    must(records_open(&r.db, dir, &err), &err);
    must(blobs_open(&r.blobs, dir, &err), &err);
    must(jobs_start(&r.jobs, r.db, r.blobs, r.lab, opts ? opts : &defaults, &err), &err);
    fake_lab_watch(r.lab, kick, r.jobs);
    jobs_kick(r.jobs); /* an old job may have ended before the lab was watched */
    return r;
}

void rig_down(struct rig *r)
{
    if (r->jobs)
        jobs_stop(r->jobs);
    fake_lab_freep(&r->lab);
    jobs_freep(&r->jobs);
    blobs_freep(&r->blobs);
    records_freep(&r->db);
}

void rig_accepted(void *arg, const struct job_ticket *ticket, const struct err *err)
{
    struct ticket *t = arg;

    text_copy(t->id, sizeof t->id, ticket->id);
    latch_hit(&t->latch, err);
}

void rig_submit_request(struct rig *r, const struct job_request *request, const char *text,
                        struct ticket *ticket)
{
    struct job_request req = *request;
    struct err err = {0};

    must(blob_begin(&req.body, r->blobs, 1 << 20, &err), &err);
    must(blob_add(req.body, bytes_of(text, strlen(text)), &err), &err);
    job_submit(r->jobs, &req, rig_accepted, ticket);
}

struct job_request rig_request(void)
{
    return (struct job_request){
        .tenant = "acme",
        .dialect = "alarm",
        .spec = job_spec_defaults(),
        .request = bytes_of("{\"n\":1}", 7),
        .name = "clip.mp4",
        .number = 7,
    };
}

void rig_submit_spec(struct rig *r, const struct job_spec *spec, const char *text, struct ticket *ticket)
{
    struct job_request req = rig_request();

    req.spec = *spec;
    rig_submit_request(r, &req, text, ticket);
}

void rig_submit(struct rig *r, const char *text, struct ticket *ticket)
{
    struct job_spec spec = job_spec_defaults();

    rig_submit_spec(r, &spec, text, ticket);
}

enum err_kind rig_answer(struct ticket *t, char ret_id[ID_TEXT])
{
    if (!latch_wait(&t->latch, 1, 20))
        return ERR_KIND_COUNT;
    text_copy(ret_id, ID_TEXT, t->id);
    return t->latch.failures ? t->latch.last.kind : ERR_NONE;
}

enum err_kind rig_submit_now(struct rig *r, const char *text, char ret_id[ID_TEXT])
{
    struct ticket t = TICKET;

    rig_submit(r, text, &t);
    return rig_answer(&t, ret_id);
}

enum err_kind rig_submit_as(struct rig *r, const char *tenant, enum job_priority priority,
                            char ret_id[ID_TEXT])
{
    struct job_request req = rig_request();
    struct ticket t = TICKET;

    req.tenant = tenant;
    req.priority = priority;
    rig_submit_request(r, &req, "x", &t);
    return rig_answer(&t, ret_id);
}

static void waited(void *arg, bool finished)
{
    struct err late = {.kind = ERR_TIMEOUT};

    latch_hit(arg, finished ? NULL : &late);
}

bool rig_wait(struct rig *r, const char *id, int seconds)
{
    struct latch l = LATCH;

    job_wait(r->jobs, id, clock_mono_us() + (int64_t)seconds * 1000000, waited, &l);
    return latch_wait(&l, 1, seconds + 5) && !l.failures;
}

const char *rig_state(struct rig *r, struct arena *a, const char *id)
{
    const char *state = "";

    records_job_state(r->db, a, id, &state, NULL);
    return state;
}

bool rig_begun(struct rig *r, int n)
{
    static const struct timespec pause = {0, 2000000};

    for (int i = 0; i < 5000 && fake_lab_tasks(r->lab) < n; i++)
        nanosleep(&pause, NULL);
    return fake_lab_tasks(r->lab) >= n;
}
