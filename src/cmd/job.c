/* assay job: what the records know of jobs, beside a running server or without one. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "store/retention.h"

enum { STEP = 500 };

struct job_settings {
    const char *tenant;
    int64_t older_than_ms;
};

static const struct option job_rows[] = {
    {"tenant", OPT_STRING, offsetof(struct job_settings, tenant), NULL, 0, 0, "NAME",
     "only jobs of this tenant"},
    {"older-than", OPT_DURATION, offsetof(struct job_settings, older_than_ms), "0s", 0, 1e13, "TIME",
     "`delete`: only jobs that finished longer ago than that"},
};

/* One run of the command. */
struct job_run {
    struct records *db;
    struct arena *a;
    struct job_settings s;
    const char *data, *id; /* the data directory; the argument, NULL when there is none */
};

static void keep_error(void *arg, const struct err *err)
{
    *(struct err *)arg = *err;
}

/* The store's answer to a change that was queued, or not. */
static int answered(struct records *db, int queued, const struct err *stored, struct err *err)
{
    if (queued < 0)
        return -1;
    records_sync(db);
    return stored->kind == ERR_NONE ? 0 : FAIL(err, stored->kind, "%s", stored->text);
}

/* ---- delete ---- */

/* Without a server, the files are for us to remove. */
static int sweep(struct job_run *run, struct err *err)
{
    CLEANUP(blobs_freep) struct blobs *blobs = NULL;
    size_t n = STEP;

    if (records_own(run->db, NULL) < 0)
        return 0; /* the server does it within a second */
    if (blobs_open(&blobs, run->data, err) < 0)
        return -1;
    while (n == STEP)
        if (job_sweep(run->db, blobs, &n, err) < 0)
            return -1;
    return 0;
}

static int delete_one(struct job_run *run, struct err *err)
{
    struct err stored = {ERR_INTERNAL, "the store did not answer"};
    int queued;

    if (!id_is_valid(run->id))
        return FAIL(err, ERR_INPUT, "a job id has 24 hexadecimal digits");
    queued = records_delete_job(run->db, run->s.tenant, run->id, keep_error, &stored, err);
    return answered(run->db, queued, &stored, err);
}

static int delete_many(struct job_run *run, size_t *ret_total, struct err *err)
{
    struct job_filter filter = {
        .tenant = run->s.tenant,
        .finished_before_us =
            run->s.older_than_ms ? clock_wall_us() - run->s.older_than_ms * 1000 : INT64_MAX,
    };
    size_t n;

    do {
        struct err stored = {ERR_INTERNAL, "the store did not answer"};
        int queued = records_delete_jobs(run->db, &filter, STEP, &n, keep_error, &stored, err);
        if (answered(run->db, queued, &stored, err) < 0)
            return -1;
        *ret_total += n;
    } while (n == STEP);
    return 0;
}

static int job_remove(struct job_run *run, struct err *err)
{
    size_t total = 0;

    if (!run->id && !run->s.tenant && !run->s.older_than_ms)
        return FAIL(err, ERR_INPUT, "assay job delete needs an ID, --tenant NAME or --older-than TIME");
    if ((run->id ? delete_one(run, err) : delete_many(run, &total, err)) < 0 || sweep(run, err) < 0)
        return -1;
    printf("deleted %zu\n", run->id ? 1 : total);
    return 0;
}

/* ---- the command ---- */

static const struct verb {
    const char *name;
    int (*run)(struct job_run *run, struct err *err);
} verbs[] = {
    {"delete", job_remove},
};

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(verbs); i++)
        if (text_is(verbs[i].name, name))
            return &verbs[i];
    return NULL;
}

static const struct command_help help = {
    .usage = "assay job delete ID | delete --tenant NAME | delete --older-than TIME",
    .text =
        "Jobs in the records. `delete` removes finished jobs with their labels and every file no other job\n"
        "needs; unfinished ones stay. Works beside a running server.",
};

static int job_run(int argc, char **argv)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(records_freep) struct records *db = NULL;
    struct job_run run = {.a = a};
    struct common_settings common;
    struct data_settings data;
    struct option_set sets[] = {
        common_set(&common), {"Jobs", job_rows, COUNT_OF(job_rows), &run.s}, data_set(&data)};
    struct conf *conf;
    struct err err;
    int status = command_options(a, &help, sets, COUNT_OF(sets), &common, &argc, argv, &conf);
    const struct verb *verb = status < 0 && argc > 1 ? find_verb(argv[1]) : NULL;

    if (status >= 0)
        return status;
    if (!verb || argc > 3)
        return command_misused(&help, argc > 3 ? argv[3] : argc > 1 ? argv[1] : NULL);
    if (records_open(&db, data.data, &err) < 0)
        return command_failed(&err);
    run.db = db;
    run.data = data.data;
    run.id = argc > 2 ? argv[2] : NULL;
    return verb->run(&run, &err) < 0 ? command_failed(&err) : 0;
}

const struct command command_job = {"job", "delete jobs", job_run};
