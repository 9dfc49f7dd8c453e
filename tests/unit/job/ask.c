/* Questions: answered once whatever happens, with what was written for them, and not kept. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "test.h"
#include "unit/job/rig.h"
#include "unit/store/tempdir.h"

struct answer {
    struct latch latch;
    char written[128];
    int64_t size; /* of the subject, as the report says; -1: no report */
};
#define ANSWER                    \
    {                             \
        .latch = LATCH, .size = 7 \
    }

static void answered(void *arg, const struct lab_result *result, int artefact_fd)
{
    struct answer *a = arg;
    ssize_t n = artefact_fd < 0 ? 0 : pread(artefact_fd, a->written, sizeof a->written - 1, 0);

    a->written[n > 0 ? n : 0] = '\0';
    a->size = result->report ? result->report->subject.size : -1;
    latch_hit(&a->latch, &result->error);
}

static int subject(const char *text)
{
    int fd = memfd_create("subject", MFD_CLOEXEC);

    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    return fd;
}

static void ask(struct rig *r, struct answer *a, int artefact_fd)
{
    struct job_question q = {
        .spec = job_spec_defaults(), .subject_fd = subject("12345"), .artefact_fd = artefact_fd};

    job_ask_take(r->jobs, &q, answered, a);
}

static void is_answered(void)
{
    struct tempdir dir = tempdir_new();
    struct rig r = rig_up(dir.path, 1, NULL);
    struct answer plain = ANSWER, made = ANSWER;
    char expected[64];

    ask(&r, &plain, -1);
    CHECK(latch_wait(&plain.latch, 1, 20) && !plain.latch.failures);
    CHECK_INT(plain.size, 5);
    CHECK_STR(plain.written, "");
    ask(&r, &made, subject(""));
    CHECK(latch_wait(&made.latch, 1, 20) && !made.latch.failures);
    snprintf(expected, sizeof expected, "clip of %s", fake_lab_id(r.lab, 1));
    CHECK_STR(made.written, expected);
    rig_down(&r);
    tempdir_clear(&dir);
}

static void failures_are_told(void)
{
    static const struct {
        enum fake_act act;
        enum err_kind kind;
    } rows[] = {{FAKE_CRASH, ERR_CRASH}, {FAKE_TIMEOUT, ERR_TIMEOUT}, {FAKE_INTERNAL, ERR_INTERNAL}};
    struct tempdir dir = tempdir_new();
    struct rig r = rig_up(dir.path, 1, NULL);

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct answer a = ANSWER;
        fake_lab_script(r.lab, &rows[i].act, 1);
        ask(&r, &a, -1);
        CHECK(latch_wait(&a.latch, 1, 20));
        CHECK_INT(a.latch.last.kind, rows[i].kind);
        CHECK_INT(a.size, -1);
    }
    rig_down(&r);
    tempdir_clear(&dir);
}

/* At once, within the call. */
static void a_bad_question_is_refused(void)
{
    struct tempdir dir = tempdir_new();
    struct rig r = rig_up(dir.path, 1, NULL);
    struct answer a = ANSWER;
    struct job_question q = {.spec = job_spec_defaults(), .subject_fd = subject("1"), .artefact_fd = -1};

    q.spec.deadline_ms = -5;
    job_ask_take(r.jobs, &q, answered, &a);
    CHECK_INT(a.latch.n, 1);
    CHECK_INT(a.latch.last.kind, ERR_INPUT);
    rig_down(&r);
    tempdir_clear(&dir);
}

/* It goes ahead of jobs which came earlier, and only so many wait. */
static void ahead_and_bounded(void)
{
    struct tempdir dir = tempdir_new();
    struct rig r = rig_up(dir.path, 0, NULL);
    struct answer all = ANSWER, extra = ANSWER;
    char first[ID_TEXT], second[ID_TEXT];

    CHECK_INT(rig_submit_now(&r, "one", first), ERR_NONE);
    CHECK_INT(rig_submit_now(&r, "two", second), ERR_NONE);
    for (int i = 0; i < JOB_QUESTIONS_MAX; i++)
        ask(&r, &all, -1);
    ask(&r, &extra, -1);
    CHECK_INT(extra.latch.n, 1);
    CHECK_INT(extra.latch.last.kind, ERR_BUSY);
    CHECK_INT(all.latch.n, 0);
    fake_lab_analysts(r.lab, 1);
    jobs_kick(r.jobs);
    CHECK(latch_wait(&all.latch, JOB_QUESTIONS_MAX, 20) && !all.latch.failures);
    CHECK(rig_wait(&r, second, 20));
    /* The run thread may have had the first job in its hand already. */
    CHECK(text_is(fake_lab_id(r.lab, JOB_QUESTIONS_MAX + 1), second));
    rig_down(&r);
    tempdir_clear(&dir);
}

static void stopping_answers_all(void)
{
    static const enum fake_act hang = FAKE_HANG;
    struct tempdir dir = tempdir_new();
    struct rig r = rig_up(dir.path, 1, NULL);
    struct answer begun = ANSWER, waiting = ANSWER, late = ANSWER;

    fake_lab_script(r.lab, &hang, 1);
    ask(&r, &begun, -1);
    CHECK(rig_begun(&r, 1));
    ask(&r, &waiting, -1);
    jobs_stop(r.jobs);
    CHECK_INT(begun.latch.n, 1);
    CHECK_INT(begun.latch.last.kind, ERR_BUSY);
    CHECK_INT(waiting.latch.n, 1);
    CHECK_INT(waiting.latch.last.kind, ERR_BUSY);
    ask(&r, &late, -1);
    CHECK_INT(late.latch.last.kind, ERR_BUSY);
    rig_down(&r);
    tempdir_clear(&dir);
}

int main(void)
{
    RUN(is_answered);
    RUN(failures_are_told);
    RUN(a_bad_question_is_refused);
    RUN(ahead_and_bounded);
    RUN(stopping_answers_all);
    return test_end();
}
