/* assay job: what the records know of jobs, beside a running server or without one. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cmd/verb.h"
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

/* ---- delete ---- */

static int delete_one(struct verb_call *c, struct err *err)
{
    const struct job_settings *s = c->settings;
    int queued;

    if (!id_is_valid(c->word))
        return FAIL(err, ERR_INPUT, "a job id has 24 hexadecimal digits");
    queued = records_delete_job(c->db, &(struct job_order){s->tenant, c->word, NULL}, command_keep_error,
                                &c->stored, err);
    return verb_committed(c, queued, err);
}

static int delete_many(struct verb_call *c, size_t *ret_total, struct err *err)
{
    const struct job_settings *s = c->settings;
    struct job_filter filter = {
        .tenant = s->tenant,
        .finished_before_us = s->older_than_ms ? clock_wall_us() - s->older_than_ms * 1000 : INT64_MAX,
    };
    size_t n;

    do {
        int queued = records_delete_jobs(c->db, &filter, STEP, &n, command_keep_error, &c->stored, err);
        if (verb_committed(c, queued, err) < 0)
            return -1;
        *ret_total += n;
    } while (n == STEP);
    return 0;
}

static int job_remove(struct verb_call *c, struct err *err)
{
    const struct job_settings *s = c->settings;
    size_t total = 0;

    if (!c->word && !s->tenant && !s->older_than_ms)
        return FAIL(err, ERR_INPUT, "assay job delete needs an ID, --tenant NAME or --older-than TIME");
    if ((c->word ? delete_one(c, err) : delete_many(c, &total, err)) < 0 ||
        command_sweep(c->db, c->data, err) < 0)
        return -1;
    printf("deleted %zu\n", c->word ? 1 : total);
    return 0;
}

/* ---- list ---- */

static int job_list(struct verb_call *c, struct err *err)
{
    const struct job_settings *s = c->settings;
    struct job_query query = {s->tenant, s->state, s->limit};
    struct job_brief *jobs;
    enum job_state state;
    char created[CLOCK_TEXT];
    size_t n;

    if (s->state && !job_state_parse(s->state, &state))
        return FAIL(err, ERR_INPUT, "there is no state '%s'", s->state);
    if (records_list_jobs(c->db, c->a, &query, &jobs, &n, err) < 0)
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

static int print_report(struct verb_call *c, const struct job_row *job, struct err *err)
{
    struct report *report;

    if (!job->report.len)
        return 0;
    if (report_from_json(c->a, job->report, &report, err) < 0)
        return -1;
    report_print(job->name && *job->name ? job->name : "report", report);
    report_print_evidence(report);
    return 0;
}

static int job_show(struct verb_call *c, struct err *err)
{
    const struct job_settings *s = c->settings;
    struct job_row job;
    struct event *events;
    size_t n;

    if (!id_is_valid(c->word))
        return FAIL(err, ERR_INPUT, "assay job show needs the ID that `assay job list` shows");
    if (records_get_job(c->db, c->a, s->tenant, c->word, &job, err) < 0 ||
        records_events(c->db, c->a, job.id, &events, &n, err) < 0)
        return -1;
    printf("job %s: %s\n", job.id, job.state);
    printf("  tenant %s, %s, %lld bytes, sha256 %s\n", job.tenant, job.dialect, (long long)job.size,
           job.sha256);
    if (job.source)
        printf("  from %s\n", job.source);
    print_trace(events, n);
    return print_report(c, &job, err);
}

/* ---- the command ---- */

static const struct command_help help = {
    .usage = "assay job list [--tenant NAME] [--state STATE] | show ID | delete ID | delete [--tenant NAME] "
             "[--older-than TIME]",
    .text = "Jobs in the records. `show` prints what happened to one, and the summary of its report. "
            "`delete` removes finished jobs with their labels and every file no other job\n"
            "needs; unfinished ones stay. Works beside a running server.",
};

static const struct verb verbs[] = {
    {"list", job_list, NULL, false},
    {"show", job_show, "the ID that `assay job list` shows", false},
    {"delete", job_remove, "an ID", true},
};

static int job_run(int argc, char **argv)
{
    struct job_settings s = {0};
    const struct verb_command command = {
        &help, verbs, COUNT_OF(verbs), {{"Jobs", job_rows, COUNT_OF(job_rows), &s}}, 1, NULL};

    return verbs_run(&command, &s, argc, argv);
}

const struct command command_job = {"job", "list, show and delete jobs", job_run};
