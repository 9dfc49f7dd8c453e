/* The same question again: answered from the earlier job, or judged, whatever the row says. */
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "report/json.h"
#include "store/events.h"
#include "store/hooks.h"
#include "test.h"
#include "unit/job/rig.h"
#include "unit/store/tempdir.h"

static enum err_kind submit(struct rig *r, const struct job_request *req, const char *text,
                            char ret_id[ID_TEXT])
{
    struct ticket t = TICKET;

    rig_submit_request(r, req, text, &t);
    return rig_answer(&t, ret_id);
}

static struct job_request asked(void)
{
    struct job_request req = rig_request();

    req.reuse = true;
    return req;
}

static void other_tenant(struct rig *r, struct job_request *req)
{
    (void)r;
    req->tenant = "other";
}

static void other_dialect(struct rig *r, struct job_request *req)
{
    (void)r;
    req->dialect = "native";
}

static void other_deadline(struct rig *r, struct job_request *req)
{
    (void)r;
    req->spec.deadline_ms = 1234;
}

static void other_rule(struct rig *r, struct job_request *req)
{
    (void)r;
    req->spec.alarm.rule.high = 0.7;
}

static void other_zone(struct rig *r, struct job_request *req)
{
    static const struct zone zone = {3, {{0, 0}, {1, 0}, {0, 1}}};

    (void)r;
    req->spec.alarm.zones = &zone;
    req->spec.alarm.nzones = 1;
}

static void other_program(struct rig *r, struct job_request *req)
{
    (void)req;
    fake_lab_program(r->lab, "2");
}

static void not_asked(struct rig *r, struct job_request *req)
{
    (void)r;
    req->reuse = false;
}

static void other_name(struct rig *r, struct job_request *req)
{
    (void)r;
    req->name = "renamed.mp4";
    req->number = 8;
}

static const struct {
    const char *what;
    enum fake_act first;
    const char *text; /* of the second upload; the first one is "a clip" */
    void (*change)(struct rig *r, struct job_request *req);
    bool reused;
} rows[] = {
    {"the same", FAKE_DONE, "a clip", NULL, true},
    {"the same bytes, another name", FAKE_DONE, "a clip", other_name, true},
    {"other bytes", FAKE_DONE, "a chip", NULL, false},
    {"another tenant", FAKE_DONE, "a clip", other_tenant, false},
    {"another dialect", FAKE_DONE, "a clip", other_dialect, false},
    {"another deadline", FAKE_DONE, "a clip", other_deadline, false},
    {"another rule", FAKE_DONE, "a clip", other_rule, false},
    {"another zone", FAKE_DONE, "a clip", other_zone, false},
    {"another program", FAKE_DONE, "a clip", other_program, false},
    {"not wanted", FAKE_DONE, "a clip", not_asked, false},
    {"it failed", FAKE_FAIL, "a clip", NULL, false},
    {"it was cut off", FAKE_LATE, "a clip", NULL, false},
};

/* One line of the trace. */
static bool has_event(struct rig *r, struct arena *a, const char *id, const char *what, const char *detail)
{
    struct event *events;
    size_t n;

    if (records_events(r->db, a, id, &events, &n, NULL) < 0)
        return false;
    for (size_t i = 0; i < n; i++)
        if (text_is(events[i].what, what) && (!detail || text_is(events[i].detail, detail)))
            return true;
    return false;
}

static void check_copy(struct rig *r, struct arena *a, const char *first, const char *second,
                       const char *name)
{
    struct job_row one = {0}, two = {0};
    struct report *r1, *r2;

    CHECK_INT(records_get_job(r->db, a, "acme", first, &one, NULL), 0);
    CHECK_INT(records_get_job(r->db, a, "acme", second, &two, NULL), 0);
    CHECK_INT(report_from_json(a, one.report, &r1, NULL), 0);
    CHECK_INT(report_from_json(a, two.report, &r2, NULL), 0);
    CHECK_STR(r2->subject.name, name);
    r2->subject.name = r1->subject.name;
    CHECK_STR((const char *)report_to_json(a, r2).data, (const char *)report_to_json(a, r1).data);
    CHECK(two.started_us >= two.created_us && two.finished_us >= two.started_us);
    CHECK(has_event(r, a, second, "claimed", NULL) && has_event(r, a, second, "done", NULL));
}

static void only_the_very_same_question_is_answered(void)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct tempdir dir = tempdir_new();
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct rig r = rig_up(dir.path, 1, NULL);
        struct job_request req = asked();
        char first[ID_TEXT], second[ID_TEXT];
        const enum fake_act acts[] = {rows[i].first, FAKE_DONE};

        fake_lab_script(r.lab, acts, 2);
        CHECK_INT(submit(&r, &req, "a clip", first), ERR_NONE);
        CHECK(rig_wait(&r, first, 20));
        if (rows[i].change)
            rows[i].change(&r, &req);
        CHECK_INT(submit(&r, &req, rows[i].text, second), ERR_NONE);
        CHECK(rig_wait(&r, second, 20));
        CHECK_STR(rig_state(&r, a, second), "done");
        CHECK(!text_is(first, second));
        CHECK_INT(fake_lab_tasks(r.lab), rows[i].reused ? 1 : 2);
        CHECK_INT(has_event(&r, a, second, "answered", arena_printf(a, "from job %s", first)),
                  rows[i].reused);
        if (rows[i].reused)
            check_copy(&r, a, first, second, req.name);
        ROW("%s", rows[i].what);
        rig_down(&r);
        tempdir_clear(&dir);
    }
}

/* The lab is not needed at all, and places in the queue are given back. */
static void no_analyst_is_needed(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct jobs_opts opts = jobs_opts_defaults();
    struct rig r = (opts.max_queued = 2, rig_up(dir.path, 1, &opts));
    struct job_request req = asked();
    struct jobs_stats stats;
    char id[ID_TEXT];

    CHECK_INT(submit(&r, &req, "a clip", id), ERR_NONE);
    CHECK(rig_wait(&r, id, 20));
    fake_lab_analysts(r.lab, 0);
    for (int i = 0; i < 20; i++) {
        CHECK_INT(submit(&r, &req, "a clip", id), ERR_NONE);
        CHECK(rig_wait(&r, id, 20));
        CHECK_STR(rig_state(&r, a, id), "done");
    }
    for (int i = 0; i < 2000; i++, usleep(10000)) { /* the record is first, then the task goes */
        stats = jobs_stats(r.jobs);
        if (stats.queued + stats.running == 0)
            break;
    }
    CHECK_INT(stats.done, 21);
    CHECK_INT(stats.queued + stats.running, 0);
    CHECK_INT(fake_lab_tasks(r.lab), 1);
    rig_down(&r);
    tempdir_clear(&dir);
}

int main(void)
{
    RUN(only_the_very_same_question_is_answered);
    RUN(no_analyst_is_needed);
    return test_end();
}
