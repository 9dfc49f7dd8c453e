/* The states, and what a result makes of a job. */
#include "job/jobs_int.h"
#include "test.h"

static void names_go_both_ways(void)
{
    enum job_state back = JOB_STATE_COUNT;

    for (int s = 0; s < JOB_STATE_COUNT; s++) {
        CHECK(job_state_parse(job_state_name((enum job_state)s), &back));
        CHECK_INT(back, s);
    }
    CHECK(!job_state_parse("finished", &back));
    CHECK(!job_state_parse("", &back));
    CHECK(!job_state_parse(NULL, &back));
}

static void moves_are_as_drawn(void)
{
    static const char *const rows[JOB_STATE_COUNT] = {
        /*                to: new claimed done failed timed_out cancelled */
        [JOB_NEW] = ".c...x",     [JOB_CLAIMED] = "n.dftx", [JOB_DONE] = "......",
        [JOB_FAILED] = "......", [JOB_TIMED_OUT] = "......", [JOB_CANCELLED] = "......",
    };

    for (int from = 0; from < JOB_STATE_COUNT; from++)
        for (int to = 0; to < JOB_STATE_COUNT; to++) {
            CHECK_INT(job_state_may((enum job_state)from, (enum job_state)to), rows[from][to] != '.');
            ROW("%s to %s", job_state_name((enum job_state)from), job_state_name((enum job_state)to));
        }
    for (int s = 0; s < JOB_STATE_COUNT; s++)
        CHECK_INT(job_state_is_final((enum job_state)s), s != JOB_NEW && s != JOB_CLAIMED);
}

/* Every kind of error of lab and report: none but "no error at all" ends in DONE. */
static void outcomes(void)
{
    struct report report = {0};
    struct lab_result result = {.report = &report};
    struct err why;

    for (int kind = 0; kind < ERR_KIND_COUNT; kind++) {
        enum job_state want = kind == ERR_NONE ? JOB_DONE : kind == ERR_TIMEOUT ? JOB_TIMED_OUT : JOB_FAILED;
        result.error.kind = ERR_NONE;
        report.error.kind = (enum err_kind)kind;
        CHECK_INT(finish_state(&result, 0, 2, &why), want);
        CHECK_INT(why.kind, kind);
        if (kind == ERR_CRASH)
            want = JOB_NEW;
        if (kind == ERR_CANCELLED)
            want = JOB_CLAIMED;
        result.error.kind = (enum err_kind)kind;
        CHECK_INT(finish_state(&result, 0, 2, &why), want);
        CHECK_INT(why.kind, kind);
        ROW("%s", err_code((enum err_kind)kind));
    }
}

static void deaths_are_counted(void)
{
    static const struct {
        int before, max;
        enum job_state want;
    } rows[] = {{0, 1, JOB_FAILED}, {0, 2, JOB_NEW}, {1, 2, JOB_FAILED}, {5, 2, JOB_FAILED}, {1, 3, JOB_NEW}};
    struct lab_result result = {.error = {.kind = ERR_CRASH}};
    struct err why;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CHECK_INT(finish_state(&result, rows[i].before, rows[i].max, &why), rows[i].want);
        ROW("%d of %d", rows[i].before, rows[i].max);
    }
}

static void lists_keep_their_order(void)
{
    struct task t[4];
    struct task_list l;

    task_list_init(&l);
    for (int i = 0; i < 4; i++)
        task_init(&t[i], &task_job, NULL, "x");
    CHECK(!task_list_pop(&l));
    task_list_push(&l, &t[1]);
    task_list_push(&l, &t[2]);
    task_list_push_front(&l, &t[0]);
    task_list_push(&l, &t[3]);
    CHECK(task_list_remove(&l, &t[3]));
    CHECK(!task_list_remove(&l, &t[3]));
    task_list_push(&l, &t[3]);
    CHECK_INT(l.len, 4);
    for (int i = 0; i < 4; i++)
        CHECK(task_list_pop(&l) == &t[i]);
    task_list_push_front(&l, &t[0]);
    task_list_push(&l, &t[1]);
    CHECK(task_list_pop(&l) == &t[0]);
    CHECK(task_list_pop(&l) == &t[1]);
    CHECK_INT(l.len, 0);
}

int main(void)
{
    RUN(names_go_both_ways);
    RUN(moves_are_as_drawn);
    RUN(outcomes);
    RUN(deaths_are_counted);
    RUN(lists_keep_their_order);
    return test_end();
}
