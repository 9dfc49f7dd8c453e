/* jobs_stats: what it counts is what happened. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "job/jobs_int.h"
#include "test.h"
#include "unit/job/rig.h"
#include "unit/store/tempdir.h"

#define SCRIPT(lab, ...)                                         \
    fake_lab_script((lab), (const enum fake_act[]){__VA_ARGS__}, \
                    sizeof((const enum fake_act[]){__VA_ARGS__}) / sizeof(enum fake_act))

static uint64_t count_of(const struct histogram_view *v)
{
    return v->up_to[HISTOGRAM_BOUNDS];
}

/* Ends are counted after their commit, so a waiter may be told before. */
static struct jobs_stats ended(struct rig *r, int64_t n)
{
    struct jobs_stats s = jobs_stats(r->jobs);

    for (int i = 0; i < 4000 && s.done + s.failed < n; i++, s = jobs_stats(r->jobs))
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    return s;
}

/* A job that the lab is offered, and does not take, counts as running meanwhile. */
static struct jobs_stats queued(struct rig *r, size_t n)
{
    struct jobs_stats s = jobs_stats(r->jobs);

    for (int i = 0; i < 4000 && s.queued != n; i++, s = jobs_stats(r->jobs))
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    return s;
}

static void ends_by_dialect_and_state(void)
{
    static const enum fake_act acts[] = {FAKE_DONE, FAKE_FAIL, FAKE_CRASH, FAKE_DONE, FAKE_LATE, FAKE_DONE};
    struct tempdir dir = tempdir_new();
    struct rig r = rig_up(dir.path, 1, NULL);
    struct job_request other = rig_request();
    struct ticket t = TICKET;
    struct jobs_stats s;
    char id[ID_TEXT] = "";

    fake_lab_script(r.lab, acts, COUNT_OF(acts));
    for (int i = 0; i < 4; i++) { /* done, failed, died and then done, late */
        CHECK_INT(rig_submit_now(&r, "x", id), ERR_NONE);
        CHECK(rig_wait(&r, id, 20));
    }
    other.dialect = "scenes";
    rig_submit_request(&r, &other, "y", &t);
    CHECK_INT(rig_answer(&t, id), ERR_NONE);
    CHECK(rig_wait(&r, id, 20));
    s = ended(&r, 5);
    CHECK_INT(s.ntallies, 2);
    CHECK_STR(s.tallies[0].dialect, "alarm");
    CHECK_INT(s.tallies[0].accepted, 4);
    CHECK_INT(s.tallies[0].ended[JOB_DONE], 2);
    CHECK_INT(s.tallies[0].ended[JOB_FAILED], 1);
    CHECK_INT(s.tallies[0].ended[JOB_TIMED_OUT], 1);
    CHECK_STR(s.tallies[1].dialect, "scenes");
    CHECK_INT(s.tallies[1].accepted, 1);
    CHECK_INT(s.tallies[1].ended[JOB_DONE], 1);
    CHECK_INT(s.died, 1);
    CHECK_INT(count_of(&s.stages[JOB_WAITING]), 6);  /* one waited twice */
    CHECK_INT(count_of(&s.stages[JOB_ANALYSIS]), 6); /* and was judged twice */
    CHECK_INT(count_of(&s.stages[JOB_COMMIT]), 5);
    CHECK_INT(s.oldest_us, 0);
    rig_down(&r);
    tempdir_clear(&dir);
}

static void the_oldest_waits_longest(void)
{
    struct tempdir dir = tempdir_new();
    struct rig r = rig_up(dir.path, 0, NULL);
    int64_t begun = clock_wall_us(), age;
    struct jobs_stats s;
    char id[ID_TEXT] = "";

    CHECK_INT(jobs_stats(r.jobs).oldest_us, 0);
    CHECK_INT(rig_submit_as(&r, "acme", JOB_NORMAL, id), ERR_NONE);
    nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL);
    CHECK_INT(rig_submit_as(&r, "other", JOB_URGENT, id), ERR_NONE);
    age = queued(&r, 2).oldest_us;
    CHECK(age >= 30000 && age <= clock_wall_us() - begun);
    rig_down(&r);
    r = rig_up(dir.path, 0, NULL); /* a restart makes nobody younger, and accepts nothing anew */
    s = queued(&r, 2);
    CHECK_INT(s.queued, 2);
    CHECK(s.oldest_us >= age);
    CHECK_INT(s.ntallies, 0);
    fake_lab_analysts(r.lab, 1);
    CHECK_INT(ended(&r, 2).tallies[0].ended[JOB_DONE], 2);
    rig_down(&r);
    tempdir_clear(&dir);
}

static void cancelled_ones_count_once(void)
{
    struct tempdir dir = tempdir_new();
    struct rig r = rig_up(dir.path, 1, NULL);
    struct latch l = LATCH;
    struct jobs_stats s;
    char running[ID_TEXT] = "", waiting[ID_TEXT] = "";

    SCRIPT(r.lab, FAKE_HANG);
    CHECK_INT(rig_submit_now(&r, "x", running), ERR_NONE);
    CHECK(rig_begun(&r, 1));
    CHECK_INT(rig_submit_now(&r, "x", waiting), ERR_NONE);
    job_cancel(r.jobs, &(struct job_order){.tenant = "acme", .id = running}, latch_done, &l);
    job_cancel(r.jobs, &(struct job_order){.tenant = "acme", .id = waiting}, latch_done, &l);
    job_cancel(r.jobs, &(struct job_order){.tenant = "acme", .id = waiting}, latch_done, &l); /* too late */
    CHECK(latch_wait(&l, 3, 20));
    jobs_stop(r.jobs);
    s = jobs_stats(r.jobs);
    CHECK_INT(s.tallies[0].ended[JOB_CANCELLED], 2);
    CHECK_INT(s.failed, 2);
    CHECK_INT(count_of(&s.stages[JOB_COMMIT]), 0);
    rig_down(&r);
    tempdir_clear(&dir);
}

static void refusals_and_new_limits(void)
{
    struct tempdir dir = tempdir_new();
    struct rig r =
        rig_up(dir.path, 0, &(struct jobs_opts){.max_queued = 3, .max_queued_tenant = 2, .max_attempts = 2});
    struct job_spec bad = job_spec_defaults();
    struct ticket t = TICKET;
    struct jobs_stats s;
    char id[ID_TEXT] = "";

    bad.deadline_ms = 0;
    rig_submit_spec(&r, &bad, "x", &t);
    for (int i = 0; i < 2; i++)
        CHECK_INT(rig_submit_as(&r, "acme", JOB_NORMAL, id), ERR_NONE);
    CHECK_INT(rig_submit_as(&r, "acme", JOB_NORMAL, id), ERR_QUOTA);
    CHECK_INT(rig_submit_as(&r, "other", JOB_NORMAL, id), ERR_NONE);
    CHECK_INT(rig_submit_as(&r, "other", JOB_NORMAL, id), ERR_BUSY);
    s = jobs_stats(r.jobs);
    CHECK_INT(s.refused[JOB_REFUSED_QUOTA], 1);
    CHECK_INT(s.refused[JOB_REFUSED_BUSY], 1);
    CHECK_INT(s.refused[JOB_REFUSED_DISK], 0);
    CHECK_INT(s.refused[JOB_REFUSED_OTHER], 1);
    CHECK_INT(s.tallies[0].accepted, 3);
    CHECK_INT(s.max_queued, 3);
    jobs_set_limits(r.jobs, &(struct jobs_limits){.max_queued = 5, .max_queued_tenant = 3});
    CHECK_INT(rig_submit_as(&r, "acme", JOB_NORMAL, id), ERR_NONE);
    CHECK_INT(rig_submit_as(&r, "acme", JOB_NORMAL, id), ERR_QUOTA);
    jobs_set_limits(r.jobs, &(struct jobs_limits){.max_queued = 1, .max_queued_tenant = 1});
    CHECK_INT(rig_submit_as(&r, "third", JOB_NORMAL, id), ERR_BUSY);
    CHECK_INT(jobs_stats(r.jobs).queued, 4); /* what is accepted stays */
    CHECK_INT(jobs_stats(r.jobs).max_queued, 1);
    rig_down(&r);
    tempdir_clear(&dir);
}

/* Names of dialects cannot make the numbers more than JOB_MAX_DIALECTS. */
static void dialects_are_bounded(void)
{
    struct tempdir dir = tempdir_new();
    struct rig r = rig_up(dir.path, 0, NULL);
    struct job_request req = rig_request();
    struct jobs_stats s;
    uint64_t sum = 0;

    for (int i = 0; i < JOB_MAX_DIALECTS + 4; i++) {
        struct ticket t = TICKET;
        char name[32], id[ID_TEXT];
        snprintf(name, sizeof name, "dialect%d", i);
        req.dialect = name;
        rig_submit_request(&r, &req, "x", &t);
        CHECK_INT(rig_answer(&t, id), ERR_NONE);
    }
    s = jobs_stats(r.jobs);
    CHECK_INT(s.ntallies, JOB_MAX_DIALECTS);
    for (size_t i = 0; i < s.ntallies; i++)
        sum += s.tallies[i].accepted;
    CHECK_INT(sum, JOB_MAX_DIALECTS + 4);
    rig_down(&r);
    tempdir_clear(&dir);
}

int main(void)
{
    RUN(ends_by_dialect_and_state);
    RUN(the_oldest_waits_longest);
    RUN(cancelled_ones_count_once);
    RUN(refusals_and_new_limits);
    RUN(dialects_are_bounded);
    return test_end();
}
