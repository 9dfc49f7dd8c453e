/* Jobs from submit to their one final state, over a lab which does what the row says. */
#include <pthread.h>
#include <sqlite3.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "report/json.h"
#include "test.h"
#include "unit/job/rig.h"
#include "unit/store/tempdir.h"

#define SCRIPT(lab, ...)                                         \
    fake_lab_script((lab), (const enum fake_act[]){__VA_ARGS__}, \
                    sizeof((const enum fake_act[]){__VA_ARGS__}) / sizeof(enum fake_act))

static void every_outcome(void)
{
    static const struct {
        enum fake_act acts[3];
        const char *state, *code;
        int attempts, tasks;
        bool report;
    } rows[] = {
        {{FAKE_DONE}, "done", "ok", 0, 1, true},
        {{FAKE_FAIL}, "failed", "cannot_decode", 0, 1, true},
        {{FAKE_LATE}, "timed_out", "timeout", 0, 1, true},
        {{FAKE_TIMEOUT}, "timed_out", "timeout", 0, 1, false},
        {{FAKE_INTERNAL}, "failed", "internal_error", 0, 1, false},
        {{FAKE_CRASH, FAKE_CRASH, FAKE_DONE}, "failed", "analyst_crashed", 2, 2, false},
        {{FAKE_CRASH, FAKE_DONE, FAKE_DONE}, "done", "ok", 1, 2, true},
        {{FAKE_CRASH, FAKE_FAIL, FAKE_DONE}, "failed", "cannot_decode", 1, 2, true},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct tempdir dir = tempdir_new();
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct rig r = rig_up(dir.path, 1, NULL);
        struct job_row row = {0};
        struct jobs_stats stats;
        char id[ID_TEXT] = "";
        bool done = text_is(rows[i].state, "done");

        fake_lab_script(r.lab, rows[i].acts, COUNT_OF(rows[i].acts));
        CHECK_INT(rig_submit_now(&r, "a clip", id), ERR_NONE);
        CHECK(rig_wait(&r, id, 20));
        CHECK(records_get_job(r.db, a, "acme", id, &row, NULL) == 0);
        CHECK_STR(row.state, rows[i].state);
        CHECK_STR(row.error_code, rows[i].code);
        CHECK_INT(row.error_text != NULL, !done);
        CHECK_INT(row.attempts, rows[i].attempts);
        CHECK_INT(row.report.len > 0, rows[i].report);
        CHECK(row.started_us >= row.created_us && row.finished_us >= row.started_us);
        CHECK_INT(fake_lab_tasks(r.lab), rows[i].tasks);
        stats = jobs_stats(r.jobs);
        CHECK_INT(stats.done, done);
        CHECK_INT(stats.failed, !done);
        CHECK_INT(stats.queued, 0);
        ROW("%zu: %s %s", i, rows[i].state, rows[i].code);
        rig_down(&r);
        tempdir_clear(&dir);
    }
}

static void the_record_holds_what_was_asked(void)
{
    static const struct zone zone = {3, {{0, 0}, {1, 0}, {0, 1}}};
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct rig r = rig_up(dir.path, 0, NULL);
    struct job_spec spec = job_spec_defaults(), back;
    struct ticket t = TICKET;
    struct job_row row = {0};
    char sha256[HASH_HEX];

    spec.alarm.nzones = 1;
    spec.alarm.zones = &zone;
    spec.deadline_ms = 1234;
    hash_hex(bytes_of("a clip", 6), sha256);
    rig_submit_spec(&r, &spec, "a clip", &t);
    CHECK(latch_wait(&t.latch, 1, 20));
    CHECK_INT(t.latch.failures, 0);
    CHECK(records_get_job(r.db, a, "acme", t.id, &row, NULL) == 0);
    CHECK_STR(row.state, "new");
    CHECK_STR(row.dialect, "alarm");
    CHECK_STR(row.name, "clip.mp4");
    CHECK_INT(row.number, 7);
    CHECK_STR((const char *)row.request.data, "{\"n\":1}");
    CHECK_STR(row.sha256, sha256);
    CHECK_INT(row.size, 6);
    CHECK(spec_from_json(a, row.spec, &back, NULL) == 0);
    CHECK_STR(back.id, t.id);
    CHECK_STR(back.subject.sha256, sha256);
    CHECK_INT(back.subject.size, 6);
    CHECK_INT(back.deadline_ms, 1234);
    CHECK_INT(back.alarm.nzones, 1);
    rig_down(&r);
    tempdir_clear(&dir);
}

static void refused_at_once(void)
{
    struct tempdir dir = tempdir_new();
    struct rig r =
        rig_up(dir.path, 0, &(struct jobs_opts){.max_queued = 3, .max_queued_tenant = 9, .max_attempts = 2});
    struct job_spec bad = job_spec_defaults();
    struct ticket t = TICKET;
    struct job_row row;
    char id[ID_TEXT] = "";
    CLEANUP(arena_freep) struct arena *a = arena_new();

    bad.deadline_ms = 0;
    rig_submit_spec(&r, &bad, "x", &t);
    CHECK_INT(t.latch.n, 1);
    CHECK_INT(t.latch.last.kind, ERR_INPUT);
    for (int i = 0; i < 3; i++)
        CHECK_INT(rig_submit_now(&r, "x", id), ERR_NONE);
    CHECK_INT(rig_submit_now(&r, "x", id), ERR_BUSY);
    CHECK(records_get_job(r.db, a, NULL, id, &row, NULL) < 0);
    fake_lab_analysts(r.lab, 1); /* one by one they get done, and there is room again */
    for (int i = 0; i < 2000 && jobs_stats(r.jobs).done < 3; i++)
        sqlite3_sleep(5);
    CHECK_INT(jobs_stats(r.jobs).done, 3);
    CHECK_INT(rig_submit_now(&r, "x", id), ERR_NONE);
    CHECK(rig_wait(&r, id, 20));
    jobs_stop(r.jobs);
    CHECK_INT(rig_submit_now(&r, "x", id), ERR_BUSY);
    rig_down(&r);
    tempdir_clear(&dir);
}

static void first_come_first_served(void)
{
    struct tempdir dir = tempdir_new();
    struct rig r = rig_up(dir.path, 0, NULL);
    char id[10][ID_TEXT];

    for (int i = 0; i < 10; i++)
        CHECK_INT(rig_submit_now(&r, "x", id[i]), ERR_NONE);
    fake_lab_analysts(r.lab, 1);
    for (int i = 0; i < 10; i++)
        CHECK(rig_wait(&r, id[i], 20));
    for (int i = 0; i < 10; i++)
        CHECK_STR(fake_lab_id(r.lab, i), id[i]);
    rig_down(&r);
    tempdir_clear(&dir);
}

/* Another tenant's job, and one that somebody waits for, go ahead of a tenant's heap; also after a restart.
 */
static void the_order_outlives_a_restart(void)
{
    static const struct {
        const char *tenant;
        enum job_priority priority;
    } rows[] = {{"acme", JOB_NORMAL},
                {"acme", JOB_NORMAL},
                {"acme", JOB_NORMAL},
                {"rival", JOB_NORMAL},
                {"acme", JOB_URGENT}};
    static const int want[] = {4, 0, 3, 1, 2};

    for (int restart = 0; restart < 2; restart++) {
        struct tempdir dir = tempdir_new();
        struct rig r = rig_up(dir.path, 0, NULL);
        char id[COUNT_OF(rows)][ID_TEXT];
        for (size_t i = 0; i < COUNT_OF(rows); i++)
            CHECK_INT(rig_submit_as(&r, rows[i].tenant, rows[i].priority, id[i]), ERR_NONE);
        if (restart) {
            rig_down(&r);
            r = rig_up(dir.path, 0, NULL);
        }
        fake_lab_analysts(r.lab, 1);
        for (size_t i = 0; i < COUNT_OF(rows); i++)
            CHECK(rig_wait(&r, id[i], 20));
        for (size_t i = 0; i < COUNT_OF(rows); i++)
            CHECK_STR(fake_lab_id(r.lab, (int)i), id[want[i]]);
        ROW("restart %d", restart);
        rig_down(&r);
        tempdir_clear(&dir);
    }
}

static void a_tenant_has_its_own_limit(void)
{
    struct tempdir dir = tempdir_new();
    struct rig r =
        rig_up(dir.path, 0, &(struct jobs_opts){.max_queued = 4, .max_queued_tenant = 2, .max_attempts = 2});
    char id[ID_TEXT] = "";

    CHECK_INT(rig_submit_as(&r, "acme", JOB_NORMAL, id), ERR_NONE);
    CHECK_INT(rig_submit_as(&r, "acme", JOB_URGENT, id), ERR_NONE);
    CHECK_INT(rig_submit_as(&r, "acme", JOB_NORMAL, id), ERR_QUOTA);
    CHECK_INT(rig_submit_as(&r, "rival", JOB_NORMAL, id), ERR_NONE);
    CHECK_INT(rig_submit_as(&r, "rival", JOB_NORMAL, id), ERR_NONE);
    CHECK_INT(rig_submit_as(&r, "third", JOB_NORMAL, id), ERR_BUSY);
    rig_down(&r);
    tempdir_clear(&dir);
}

/* ---- waiting ---- */

struct waited {
    struct latch latch;
    int finished;
};

static void note(void *arg, bool finished)
{
    struct waited *w = arg;

    w->finished += finished;
    latch_hit(&w->latch, NULL);
}

static void waiting(void)
{
    struct tempdir dir = tempdir_new();
    struct rig r = rig_up(dir.path, 0, NULL);
    struct waited before = {.latch = LATCH}, after = {.latch = LATCH}, late = {.latch = LATCH},
                  unknown = {.latch = LATCH}, stopped = {.latch = LATCH};
    int64_t now = clock_mono_us();
    char id[ID_TEXT] = "", other[ID_TEXT] = "";

    CHECK_INT(rig_submit_now(&r, "x", id), ERR_NONE);
    job_wait(r.jobs, id, now + 60000000, note, &before);
    job_wait(r.jobs, id, now + 1000, note, &late);
    job_wait(r.jobs, "ffffffffffffffffffffffff", now + 60000000, note, &unknown);
    CHECK_INT(unknown.latch.n, 1);
    CHECK_INT(unknown.finished, 0);
    CHECK(latch_wait(&late.latch, 1, 10));
    CHECK_INT(late.finished, 0);
    CHECK_INT(latch_count(&before.latch), 0);
    fake_lab_analysts(r.lab, 1);
    CHECK(latch_wait(&before.latch, 1, 20));
    CHECK_INT(before.finished, 1);
    job_wait(r.jobs, id, now + 60000000, note, &after);
    CHECK_INT(after.latch.n, 1);
    CHECK_INT(after.finished, 1);
    fake_lab_analysts(r.lab, 0);
    CHECK_INT(rig_submit_now(&r, "x", other), ERR_NONE);
    job_wait(r.jobs, other, now + 60000000, note, &stopped);
    jobs_stop(r.jobs);
    CHECK_INT(stopped.latch.n, 1);
    CHECK_INT(stopped.finished, 0);
    CHECK_INT(before.latch.n, 1);
    CHECK_INT(late.latch.n, 1);
    rig_down(&r);
    tempdir_clear(&dir);
}

static void progress_can_be_read(void)
{
    struct tempdir dir = tempdir_new();
    struct rig r = rig_up(dir.path, 1, NULL);
    struct job_progress p = {0};
    char id[ID_TEXT] = "", next[ID_TEXT] = "";

    SCRIPT(r.lab, FAKE_HANG, FAKE_DONE);
    CHECK_INT(rig_submit_now(&r, "x", id), ERR_NONE);
    CHECK_INT(rig_submit_now(&r, "x", next), ERR_NONE);
    CHECK(rig_begun(&r, 1));
    CHECK(!job_progress(r.jobs, id, &p)); /* nothing said yet */
    fake_lab_progress(r.lab, id, 3, 21);
    CHECK(job_progress(r.jobs, id, &p));
    CHECK_INT(p.done, 3);
    CHECK_INT(p.planned, 21);
    CHECK(!job_progress(r.jobs, next, &p));
    CHECK(!job_progress(r.jobs, "ffffffffffffffffffffffff", &p));
    CHECK(lab_cancel(r.lab, id));
    CHECK(rig_wait(&r, next, 20));
    CHECK(!job_progress(r.jobs, id, &p));
    rig_down(&r);
    tempdir_clear(&dir);
}

/* ---- restarts ---- */

static void running_jobs_are_taken_up_again(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct rig r = rig_up(dir.path, 1, NULL);
    struct job_row row;
    char running[ID_TEXT] = "", queued[ID_TEXT] = "";

    SCRIPT(r.lab, FAKE_HANG);
    CHECK_INT(rig_submit_now(&r, "x", running), ERR_NONE);
    CHECK(rig_begun(&r, 1));
    CHECK_INT(rig_submit_now(&r, "x", queued), ERR_NONE);
    CHECK_INT(jobs_stats(r.jobs).running, 1);
    jobs_stop(r.jobs);
    CHECK_STR(rig_state(&r, a, running), "claimed");
    CHECK_STR(rig_state(&r, a, queued), "new");
    rig_down(&r);
    r = rig_up(dir.path, 1, NULL);
    CHECK(rig_wait(&r, running, 20));
    CHECK(rig_wait(&r, queued, 20));
    CHECK(records_get_job(r.db, a, NULL, running, &row, NULL) == 0);
    CHECK_STR(row.state, "done");
    CHECK_INT(row.attempts, 0);
    CHECK_STR(fake_lab_id(r.lab, 0), running);
    rig_down(&r);
    tempdir_clear(&dir);
}

static void attempts_outlive_a_restart(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct rig r = rig_up(dir.path, 1, NULL);
    struct job_row row;
    char id[ID_TEXT] = "";

    SCRIPT(r.lab, FAKE_CRASH, FAKE_HANG);
    CHECK_INT(rig_submit_now(&r, "x", id), ERR_NONE);
    CHECK(rig_begun(&r, 2));
    rig_down(&r);
    r = rig_up(dir.path, 0, NULL);
    SCRIPT(r.lab, FAKE_CRASH);
    fake_lab_analysts(r.lab, 1);
    CHECK(rig_wait(&r, id, 20));
    CHECK(records_get_job(r.db, a, NULL, id, &row, NULL) == 0);
    CHECK_STR(row.state, "failed");
    CHECK_STR(row.error_code, "analyst_crashed");
    CHECK_INT(row.attempts, 2);
    CHECK_INT(fake_lab_tasks(r.lab), 1);
    rig_down(&r);
    tempdir_clear(&dir);
}

static void one_engine_per_directory(void)
{
    struct tempdir dir = tempdir_new();
    struct rig r = rig_up(dir.path, 0, NULL);
    struct records *second = NULL;
    struct jobs_opts opts = jobs_opts_defaults();
    struct jobs *jobs = NULL;
    struct err err = {0};

    CHECK(records_open(&second, dir.path, NULL) == 0);
    CHECK(jobs_start(&jobs, second, r.blobs, r.lab, &opts, &err) < 0);
    CHECK_INT(err.kind, ERR_CONFLICT);
    records_freep(&second);
    rig_down(&r);
    tempdir_clear(&dir);
}

/* ---- what goes wrong around a job ---- */

static void a_lost_subject_is_an_error(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct rig r = rig_up(dir.path, 0, NULL);
    struct job_row row;
    char lost[ID_TEXT] = "", fine[ID_TEXT] = "";

    CHECK_INT(rig_submit_now(&r, "lost", lost), ERR_NONE);
    CHECK_INT(rig_submit_now(&r, "fine", fine), ERR_NONE);
    rig_down(&r);
    r = rig_up(dir.path, 0, NULL);
    CHECK(records_get_job(r.db, a, NULL, lost, &row, NULL) == 0);
    rig_down(&r);
    CHECK(blobs_open(&r.blobs, dir.path, NULL) == 0);
    CHECK(blob_remove(r.blobs, row.sha256, NULL) == 0);
    blobs_freep(&r.blobs);
    r = rig_up(dir.path, 1, NULL);
    CHECK(rig_wait(&r, lost, 20));
    CHECK(rig_wait(&r, fine, 20));
    CHECK(records_get_job(r.db, a, NULL, lost, &row, NULL) == 0);
    CHECK_STR(row.state, "failed");
    CHECK_STR(row.error_code, "io_error");
    CHECK_STR(rig_state(&r, a, fine), "done");
    rig_down(&r);
    tempdir_clear(&dir);
}

/* Somebody keeps the database locked for longer than the writer waits, just when the outcome comes. */
static void an_outcome_is_written_again(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct rig r = rig_up(dir.path, 0, NULL);
    sqlite3 *other = NULL;
    char path[300], id[ID_TEXT] = "";

    snprintf(path, sizeof path, "%s/assay.db", dir.path);
    CHECK_INT(rig_submit_now(&r, "x", id), ERR_NONE);
    CHECK(sqlite3_open(path, &other) == SQLITE_OK);
    CHECK(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK);
    fake_lab_analysts(r.lab, 1);
    CHECK(!rig_wait(&r, id, 6));
    CHECK_STR(rig_state(&r, a, id), "new");
    CHECK_INT(jobs_stats(r.jobs).running, 1);
    CHECK(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL) == SQLITE_OK);
    sqlite3_close(other);
    CHECK(rig_wait(&r, id, 20));
    CHECK_STR(rig_state(&r, a, id), "done");
    CHECK_INT(fake_lab_tasks(r.lab), 1);
    CHECK_INT(jobs_stats(r.jobs).running, 0);
    rig_down(&r);
    tempdir_clear(&dir);
}

/* Another hand cancels a job while it runs: its outcome is not wanted any more, and everything goes on. */
static void a_job_moved_by_others_is_left_alone(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct rig r = rig_up(dir.path, 0, NULL);
    struct job_move move = {.from = "new", .to = "cancelled", .attempts = -1};
    char id[ID_TEXT] = "", next[ID_TEXT] = "";

    CHECK_INT(rig_submit_now(&r, "x", id), ERR_NONE);
    CHECK_INT(rig_submit_now(&r, "x", next), ERR_NONE);
    move.id = id;
    CHECK(records_move_job(r.db, &move, NULL, NULL, NULL) == 0);
    records_sync(r.db);
    fake_lab_analysts(r.lab, 1);
    CHECK(rig_wait(&r, next, 20));
    CHECK_STR(rig_state(&r, a, id), "cancelled");
    rig_down(&r);
    tempdir_clear(&dir);
}

/* ---- many at once ---- */

enum { THREADS = 4, EACH = 50 };

struct client {
    struct rig *r;
    pthread_t thread;
    char id[EACH][ID_TEXT];
    struct waited waited[EACH];
};

static void *client_main(void *arg)
{
    struct client *c = arg;
    char text[32];

    for (int i = 0; i < EACH; i++) {
        snprintf(text, sizeof text, "clip %d", i);
        if (rig_submit_now(c->r, text, c->id[i]) == ERR_NONE)
            job_wait(c->r->jobs, c->id[i], clock_mono_us() + 60000000, note, &c->waited[i]);
    }
    return NULL;
}

static void exactly_one_end_each(void)
{
    static const enum fake_act acts[] = {
        FAKE_DONE,     FAKE_CRASH, FAKE_FAIL,  FAKE_DONE,  FAKE_TIMEOUT, FAKE_CRASH, FAKE_LATE,
        FAKE_INTERNAL, FAKE_DONE,  FAKE_CRASH, FAKE_CRASH, FAKE_CRASH,   FAKE_CRASH, FAKE_DONE,
    };
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct rig r = rig_up(dir.path, 3, NULL);
    struct client *clients = calloc(THREADS, sizeof *clients);
    struct jobs_stats stats;
    struct job_row row;
    int deaths = 0, crashes = 0;

    fake_lab_script(r.lab, acts, COUNT_OF(acts));
    for (size_t i = 0; i < COUNT_OF(acts); i++)
        crashes += acts[i] == FAKE_CRASH;
    for (int i = 0; i < THREADS; i++) {
        clients[i].r = &r;
        for (int k = 0; k < EACH; k++)
            clients[i].waited[k].latch = (struct latch)LATCH;
        pthread_create(&clients[i].thread, NULL, client_main, &clients[i]);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(clients[i].thread, NULL);
    for (int i = 0; i < THREADS * EACH; i++) {
        struct waited *w = &clients[i / EACH].waited[i % EACH];
        CHECK(latch_wait(&w->latch, 1, 30));
        CHECK_INT(w->finished, 1);
        CHECK(records_get_job(r.db, a, NULL, clients[i / EACH].id[i % EACH], &row, NULL) == 0);
        CHECK(row.finished_us > 0);
        deaths += row.attempts;
    }
    jobs_stop(r.jobs);
    stats = jobs_stats(r.jobs);
    CHECK_INT(stats.done + stats.failed, THREADS * EACH);
    CHECK_INT(stats.queued, 0);
    CHECK_INT(stats.running, 0);
    CHECK_INT(deaths, crashes);
    for (int i = 0; i < THREADS * EACH; i++)
        CHECK_INT(clients[i / EACH].waited[i % EACH].latch.n, 1);
    rig_down(&r);
    free(clients);
    tempdir_clear(&dir);
}

/* Stopped in the middle of everything, again and again: nothing acknowledged is lost, nothing ends twice. */
static void stopping_in_the_middle(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct ticket tickets[5][10];
    struct rig r;

    for (int round = 0; round < 5; round++) {
        r = rig_up(dir.path, 2, NULL);
        for (int i = 0; i < 10; i++) {
            tickets[round][i] = (struct ticket)TICKET;
            rig_submit(&r, "x", &tickets[round][i]);
        }
        jobs_stop(r.jobs);
        for (int i = 0; i < 10; i++)
            CHECK_INT(tickets[round][i].latch.n, 1);
        rig_down(&r);
    }
    r = rig_up(dir.path, 2, NULL);
    for (int i = 0; i < 50; i++) {
        struct ticket *t = &tickets[i / 10][i % 10];
        CHECK_INT(t->latch.failures, 0);
        CHECK(rig_wait(&r, t->id, 20));
        CHECK_STR(rig_state(&r, a, t->id), "done");
    }
    rig_down(&r);
    tempdir_clear(&dir);
}

int main(void)
{
    RUN(every_outcome);
    RUN(the_record_holds_what_was_asked);
    RUN(refused_at_once);
    RUN(first_come_first_served);
    RUN(the_order_outlives_a_restart);
    RUN(a_tenant_has_its_own_limit);
    RUN(waiting);
    RUN(progress_can_be_read);
    RUN(running_jobs_are_taken_up_again);
    RUN(attempts_outlive_a_restart);
    RUN(one_engine_per_directory);
    RUN(a_lost_subject_is_an_error);
    RUN(an_outcome_is_written_again);
    RUN(a_job_moved_by_others_is_left_alone);
    RUN(exactly_one_end_each);
    RUN(stopping_in_the_middle);
    return test_end();
}
