/* assay check: verdicts for files, without a server. The same keeper, analysts and pipeline as behind the
 * API. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "report/json.h"

struct check_settings {
    bool json;
    const char *annotate;
    double low, high;
    int64_t deadline_ms, max_frames;
};

static const struct option check_rows[] = {
    {"json", OPT_FLAG, offsetof(struct check_settings, json), "false", 0, 0, NULL,
     "print the canonical report, one JSON line a file"},
    {"annotate", OPT_STRING, offsetof(struct check_settings, annotate), NULL, 0, 0, "OUT.mp4",
     "also write the clip with boxes drawn (one file only)"},
    {"low", OPT_DOUBLE, offsetof(struct check_settings, low), "-1", -1, 1, "P",
     "danger from this score on; -1: the model card's own"},
    {"high", OPT_DOUBLE, offsetof(struct check_settings, high), "-1", -1, 1, "P",
     "intrusion from this score on; -1: the model card's own"},
    {"deadline", OPT_DURATION, offsetof(struct check_settings, deadline_ms), "60s", 1, 3600000, "TIME",
     "longest analysis of one file"},
    {"max-frames", OPT_INT, offsetof(struct check_settings, max_frames), "600", 1, 100000, "N",
     "frames judged of one clip at most"},
};

/* One task in the lab, waited for. */
struct errand {
    pthread_mutex_t lock;
    pthread_cond_t wakeup;
    /* --- guarded by lock --- */
    bool finished;
    struct err err;
    char *report_json; /* malloc'ed */
    struct err judged; /* what the report itself complains about */
    int exit_status;
    /* --- */
    bool show_progress;
    const char *name;
};

static void errand_done(void *arg, const struct lab_result *result)
{
    struct errand *e = arg;

    pthread_mutex_lock(&e->lock);
    e->err = result->error;
    if (result->error.kind == ERR_NONE) {
        e->report_json = strndup((const char *)result->report_json.data, result->report_json.len);
        e->exit_status = risk_exit_status(result->report->verdict.risk);
        e->judged = result->report->error;
    }
    e->finished = true;
    pthread_cond_signal(&e->wakeup);
    pthread_mutex_unlock(&e->lock);
}

static void errand_progress(void *arg, int done, int planned)
{
    struct errand *e = arg;

    if (e->show_progress)
        fprintf(stderr, "\r%s: %d of about %d frames judged ", e->name, done,
                planned > done ? planned : done);
}

/* 0 and the report's text (malloc'ed), or -1. */
static int run_task(struct lab *lab, struct lab_task *task, struct errand *e, struct err *err)
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
    if (e->show_progress)
        fprintf(stderr, "\r\033[K");
    if (e->err.kind != ERR_NONE) {
        *err = e->err;
        return -1;
    }
    return 0;
}

struct check {
    struct arena *arena;
    struct lab *lab;
    const struct check_settings *s;
    int worst; /* exit status so far */
};

static int fill_spec(const struct check *c, int fd, const char *path, struct job_spec *spec, struct err *err)
{
    struct stat st;

    *spec = job_spec_defaults();
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return FAIL(err, ERR_INPUT, "not a file");
    if (hash_fd(fd, spec->subject.sha256) < 0)
        return FAIL_ERRNO(err, "cannot read it");
    spec->id = "check";
    spec->subject.size = st.st_size;
    spec->subject.name = path;
    spec->deadline_ms = c->s->deadline_ms;
    spec->alarm.max_frames = (int)c->s->max_frames;
    if (c->s->low >= 0)
        spec->alarm.rule.low = c->s->low;
    if (c->s->high >= 0)
        spec->alarm.rule.high = c->s->high;
    return job_spec_check(spec, err);
}

/* Runs the annotate pipeline with the report of the first run. */
static int annotate(struct check *c, int fd, struct job_spec spec, const struct report *report,
                    struct err *err)
{
    CLEANUP(fd_closep) int out = open(c->s->annotate, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    struct errand e = {.name = c->s->annotate};
    struct lab_task task = {.spec = spec, .subject_fd = fd, .artefact_fd = out};
    int result;

    if (out < 0)
        return FAIL_ERRNO(err, "cannot write %s", c->s->annotate);
    task.spec.pipeline = "annotate";
    task.spec.annotate.report = report;
    result = run_task(c->lab, &task, &e, err);
    free(e.report_json);
    if (result == 0 && e.judged.kind != ERR_NONE)
        return FAIL(err, e.judged.kind, "the annotated clip could not be made: %s", e.judged.text);
    return result;
}

static int check_file(struct check *c, const char *path, struct err *err)
{
    struct errand e = {.name = path, .show_progress = isatty(STDERR_FILENO)};
    CLEANUP(freep) char *json = NULL;
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct lab_task task = {.subject_fd = fd, .artefact_fd = -1};
    struct report *report;

    if (fd < 0)
        return FAIL_ERRNO(err, "cannot open it");
    if (fill_spec(c, fd, path, &task.spec, err) < 0 || run_task(c->lab, &task, &e, err) < 0)
        return -1;
    json = e.report_json;
    if (report_from_json(c->arena, bytes_of(json, strlen(json)), &report, err) < 0)
        return -1;
    if (c->s->json)
        puts(json);
    else
        report_print(path, report);
    c->worst = e.exit_status > c->worst ? e.exit_status : c->worst;
    return c->s->annotate ? annotate(c, fd, task.spec, report, err) : 0;
}

static int check_all(struct check *c, int argc, char **argv)
{
    struct err err;

    if (lab_wait_ready(c->lab, clock_mono_us() + 60000000, &err) < 0)
        return command_failed(&err);
    for (int i = 1; i < argc; i++)
        if (check_file(c, argv[i], &err) < 0) {
            fprintf(stderr, "assay: %s: %s\n", argv[i], err.text);
            c->worst = risk_exit_status("");
        }
    return c->worst;
}

static const struct command_help help = {
    .usage = "assay check [options] FILE...",
    .text = "Judges video files on this machine, without a server, in the same sandbox as behind the API.\n"
            "Exit status, the worst of all files: 0 safe, 10 danger, 20 intrusion, 30 no verdict; 1 and 2: "
            "not started.",
    .after = "Examples:\n"
             "  assay check clip.mp4\n"
             "  assay check --json *.mp4 | jq .verdict.risk\n"
             "  assay check --annotate seen.mp4 clip.mp4",
};

static int check_run(int argc, char **argv)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct common_settings common;
    struct check_settings s;
    struct data_settings data;
    struct lab_settings lab;
    struct option_set sets[] = {
        common_set(&common), {"Check", check_rows, COUNT_OF(check_rows), &s}, data_set(&data), lab_set(&lab)};
    struct check c = {.arena = a, .s = &s};
    struct conf *conf;
    struct lab_opts opts;
    struct err err;
    int status = command_options(a, &help, sets, COUNT_OF(sets), &common, &argc, argv, &conf);

    if (status >= 0)
        return status;
    if (argc < 2 || (s.annotate && argc != 2))
        return command_misused(&help, NULL);
    log_setup(LOG_WARN, false);
    lab.analysts = lab.analysts ? lab.analysts : 1;
    opts = lab_opts_of(&lab, &data, a);
    if (lab_start(&c.lab, &opts, &err) < 0)
        return command_failed(&err);
    status = check_all(&c, argc, argv);
    lab_stop(c.lab);
    return status;
}

const struct command command_check = {"check", "a verdict for files, without a server", check_run};
