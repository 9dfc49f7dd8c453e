#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cmd/check_int.h"
#include "cmd/foreign.h"
#include "cmd/origins.h"
#include "report/json.h"

/* One task in the lab, waited for. */
struct errand {
    pthread_mutex_t lock;
    pthread_cond_t wakeup;
    /* --- guarded by lock --- */
    bool finished;
    struct err err;
    char *report_json; /* malloc'ed */
    /* --- */
    const char *name; /* harmless; NULL: progress is not shown */
};

static void errand_done(void *arg, const struct lab_result *result)
{
    struct errand *e = arg;

    pthread_mutex_lock(&e->lock);
    e->err = result->error;
    if (result->error.kind == ERR_NONE)
        e->report_json = strndup((const char *)result->report_json.data, result->report_json.len);
    e->finished = true;
    pthread_cond_signal(&e->wakeup);
    pthread_mutex_unlock(&e->lock);
}

static void errand_progress(void *arg, int done, int planned)
{
    struct errand *e = arg;

    if (e->name)
        fprintf(stderr, "\r%s: %d of about %d frames judged ", e->name, done,
                planned > done ? planned : done);
}

static int run(struct lab *lab, struct lab_task *task, struct errand *e, struct err *err)
{
    pthread_mutex_init(&e->lock, NULL);
    pthread_cond_init(&e->wakeup, NULL);
    task->done = errand_done;
    task->progress = errand_progress;
    task->arg = e;
    while (lab_run(lab, task, err) < 0) {
        if (err->kind != ERR_BUSY)
            return -1;
        usleep(1000); /* an analyst is being replaced */
    }
    pthread_mutex_lock(&e->lock);
    while (!e->finished)
        pthread_cond_wait(&e->wakeup, &e->lock);
    pthread_mutex_unlock(&e->lock);
    if (e->name)
        fprintf(stderr, "\r\033[K");
    if (e->err.kind != ERR_NONE) {
        *err = e->err;
        return -1;
    }
    return 0;
}

int check_run(struct arena *a, struct lab *lab, struct lab_task *task, const char *name, struct checked *ret,
              struct err *err)
{
    struct terminal t = terminal_of(STDERR_FILENO);
    CLEANUP(buf_clear) struct buf shown = BUF(4096);
    struct errand e = {0};
    int result;

    foreign_plain(&shown, name, (size_t)t.width - 36, t.utf8);
    e.name = isatty(STDERR_FILENO) && shown.len ? shown.data : NULL;
    result = run(lab, task, &e, err);
    if (result == 0) {
        ret->json = arena_strdup(a, e.report_json);
        result = report_from_json(a, bytes_of(ret->json, strlen(ret->json)), &ret->report, err);
    }
    free(e.report_json);
    return result;
}

static bool is_whole(const struct report *r)
{
    for (size_t i = 0; i < r->nitems; i++)
        if (r->items[i].error.kind != ERR_NONE)
            return false;
    return r->error.kind == ERR_NONE;
}

/* As an alarm's: human is safe, artificial is what somebody should look at. */
static int origin_status(const struct report *r)
{
    const char *verdict = origins_verdict(r);

    if (text_is(verdict, "unknown"))
        return risk_exit_status("");
    return risk_exit_status(text_is(verdict, "human") ? "safe" : "intrusion");
}

int check_status(const struct report *r)
{
    if (pipeline_is_origin(r->pipeline))
        return origin_status(r);
    if (pipeline_is_scenes(r->pipeline))
        return risk_exit_status(is_whole(r) ? "safe" : "");
    return risk_exit_status(r->verdict.risk);
}
