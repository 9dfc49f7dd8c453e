/* assay job: what the records know of jobs, beside a running server or without one. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "report/json.h"
#include "store/events.h"
#include "store/retention.h"

enum { STEP = 500 };

struct job_settings {
    const char *tenant, *state;
    int64_t older_than_ms, limit;
};

static const struct option job_rows[] = {
    {"tenant", OPT_STRING, offsetof(struct job_settings, tenant), NULL, 0, 0, "NAME",
     "only jobs of this tenant"},
    {"state", OPT_STRING, offsetof(struct job_settings, state), NULL, 0, 0, "STATE",
     "`list`: only jobs in it: new, claimed, done, failed, timed_out or cancelled"},
    {"limit", OPT_INT, offsetof(struct job_settings, limit), "100", 1, 1e9, "N",
     "`list`: the newest so many"},
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

/* ---- delete ---- */

static int delete_one(struct job_run *run, struct err *err)
{
    struct err stored = {ERR_INTERNAL, "the store did not answer"};
    int queued;

    if (!id_is_valid(run->id))
        return FAIL(err, ERR_INPUT, "a job id has 24 hexadecimal digits");
    queued = records_delete_job(run->db, &(struct job_order){run->s.tenant, run->id, NULL},
                                command_keep_error, &stored, err);
    return command_committed(run->db, queued, &stored, err);
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
        int queued = records_delete_jobs(run->db, &filter, STEP, &n, command_keep_error, &stored, err);
        if (command_committed(run->db, queued, &stored, err) < 0)
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
    if ((run->id ? delete_one(run, err) : delete_many(run, &total, err)) < 0 ||
        command_sweep(run->db, run->data, err) < 0)
        return -1;
    printf("deleted %zu\n", run->id ? 1 : total);
    return 0;
}

/* ---- list ---- */

static int job_list(struct job_run *run, struct err *err)
{
    struct job_query query = {run->s.tenant, run->s.state, run->s.limit};
    struct job_brief *jobs;
    enum job_state state;
    char created[CLOCK_TEXT];
    size_t n;

    if (run->s.state && !job_state_parse(run->s.state, &state))
        return FAIL(err, ERR_INPUT, "there is no state '%s'", run->s.state);
    if (records_list_jobs(run->db, run->a, &query, &jobs, &n, err) < 0)
        return -1;
    printf("%-24s  %-9s  %-16s  %-24s  %10s  %-16s  %s\n", "ID", "STATE", "TENANT", "CREATED", "BYTES",
           "ERROR", "NAME");
    for (size_t i = 0; i < n; i++)
        printf("%-24s  %-9s  %-16s  %-24s  %10lld  %-16s  %s\n", jobs[i].id, jobs[i].state, jobs[i].tenant,
               clock_rfc3339(created, jobs[i].created_us), (long long)jobs[i].size,
               jobs[i].error_code && !text_is(jobs[i].error_code, "ok") ? jobs[i].error_code : "-",
               jobs[i].name ? jobs[i].name : "");
    return 0;
}

/* ---- show ---- */

static void print_trace(const struct event *events, size_t n)
{
    char at[CLOCK_TEXT];

    for (size_t i = 0; i < n; i++)
        printf("  %s  %-9s  %s\n", clock_rfc3339(at, events[i].at_us), events[i].what,
               events[i].detail ? events[i].detail : "");
}

static int print_report(struct job_run *run, const struct job_row *job, struct err *err)
{
    struct report *report;

    if (!job->report.len)
        return 0;
    if (report_from_json(run->a, job->report, &report, err) < 0)
        return -1;
    report_print(job->name && *job->name ? job->name : "report", report);
    report_print_evidence(report);
    return 0;
}

static int job_show(struct job_run *run, struct err *err)
{
    struct job_row job;
    struct event *events;
    size_t n;

    if (!id_is_valid(run->id))
        return FAIL(err, ERR_INPUT, "assay job show needs the ID that `assay job list` shows");
    if (records_get_job(run->db, run->a, run->s.tenant, run->id, &job, err) < 0 ||
        records_events(run->db, run->a, job.id, &events, &n, err) < 0)
        return -1;
    printf("job %s: %s\n", job.id, job.state);
    printf("  tenant %s, %s, %lld bytes, sha256 %s\n", job.tenant, job.dialect, (long long)job.size,
           job.sha256);
    if (job.source)
        printf("  from %s\n", job.source);
    print_trace(events, n);
    return print_report(run, &job, err);
}

/* ---- the command ---- */

static const struct verb {
    const char *name;
    int (*run)(struct job_run *run, struct err *err);
} verbs[] = {
    {"list", job_list},
    {"show", job_show},
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
    .usage = "assay job list [--tenant NAME] [--state STATE] | show ID | delete ID | delete [--tenant NAME] "
             "[--older-than TIME]",
    .text = "Jobs in the records. `show` prints what happened to one, and the summary of its report. "
            "`delete` removes finished jobs with their labels and every file no other job\n"
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
    if (command_records(&db, data.data, &err) < 0)
        return command_failed(&err);
    run.db = db;
    run.data = data.data;
    run.id = argc > 2 ? argv[2] : NULL;
    return verb->run(&run, &err) < 0 ? command_failed(&err) : 0;
}

const struct command command_job = {"job", "list, show and delete jobs", job_run};
