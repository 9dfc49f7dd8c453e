/* assay tenant: what each customer may use, and has used. */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/text.h"
#include "cmd/verb.h"
#include "store/projects.h"
#include "store/tenants.h"

/* -1: not given, stays as it is. */
struct tenant_settings {
    int64_t requests_day, requests_month, bytes_day, bytes_month, jobs;
};

#define ROW(name, type, field, max, arg, help)                                                       \
    {                                                                                                \
        name, type, offsetof(struct tenant_settings, field), NULL, 0, max, arg, help "; 0: no limit" \
    }
static const struct option tenant_rows[] = {
    ROW("requests-per-day", OPT_INT, requests_day, 1e15, "N", "requests with its keys on one day (UTC)"),
    ROW("requests-per-month", OPT_INT, requests_month, 1e15, "N", "the same in a month"),
    ROW("bytes-per-day", OPT_BYTES, bytes_day, 1e18, "SIZE", "bytes of their bodies on one day"),
    ROW("bytes-per-month", OPT_BYTES, bytes_month, 1e18, "SIZE", "the same in a month"),
    ROW("jobs", OPT_INT, jobs, 1e9, "N", "jobs that are not finished at a time"),
};

static int tenant_set(struct verb_call *c, struct err *err)
{
    const struct tenant_settings *s = c->settings;
    struct quota quota = {s->requests_day, s->requests_month, s->bytes_day, s->bytes_month, s->jobs};
    int queued;

    if (!tenant_is_valid(c->word))
        return FAIL(err, ERR_INPUT,
                    "a tenant's name has 1 to %d letters, digits, '-', '_' or '.', and begins with none of "
                    "'-' and '.'",
                    TENANT_MAX - 1);
    if (s->requests_day < 0 && s->requests_month < 0 && s->bytes_day < 0 && s->bytes_month < 0 && s->jobs < 0)
        return FAIL(err, ERR_INPUT, "assay tenant set needs a limit, --requests-per-day N for example");
    queued = records_set_quota(c->db, c->word, &quota, command_keep_error, &c->stored, err);
    return verb_committed(c, queued, err);
}

/* "12/100", "12" without a limit. */
static const char *of_limit(struct arena *a, int64_t used, int64_t limit)
{
    return limit ? arena_printf(a, "%" PRId64 "/%" PRId64, used, limit) : arena_printf(a, "%" PRId64, used);
}

static int find(struct verb_call *c, const char *name, struct tenant_row **ret_rows, size_t *ret_n,
                struct err *err)
{
    return records_list_tenants(c->db, c->a, &(struct tenant_query){name, clock_wall_us()}, ret_rows, ret_n,
                                err);
}

static int tenant_list(struct verb_call *c, struct err *err)
{
    struct arena *a = c->a;
    struct tenant_row *rows;
    size_t n;

    if (find(c, NULL, &rows, &n, err) < 0)
        return -1;
    printf("%-16s  %4s  %-12s  %-18s  %-18s  %-24s  %s\n", "TENANT", "KEYS", "JOBS", "REQUESTS TODAY",
           "THIS MONTH", "BYTES TODAY", "THIS MONTH");
    for (size_t i = 0; i < n; i++) {
        const struct tenant_row *t = &rows[i];
        printf("%-16s  %4" PRId64 "  %-12s  %-18s  %-18s  %-24s  %s\n", t->name, t->keys,
               of_limit(a, t->jobs, t->quota.jobs), of_limit(a, t->today.requests, t->quota.requests_day),
               of_limit(a, t->month.requests, t->quota.requests_month),
               of_limit(a, t->today.bytes, t->quota.bytes_day),
               of_limit(a, t->month.bytes, t->quota.bytes_month));
    }
    return 0;
}

static int tenant_show(struct verb_call *c, struct err *err)
{
    struct arena *a = c->a;
    struct tenant_row *t;
    size_t n;

    if (find(c, c->word, &t, &n, err) < 0)
        return -1;
    if (!n)
        return FAIL(err, ERR_NOT_FOUND, "there is no tenant '%.64s'", c->word);
    printf("tenant:             %s\n", t->name);
    printf("keys:               %" PRId64 "\n", t->keys);
    printf("jobs:               %s\n", of_limit(a, t->jobs, t->quota.jobs));
    printf("requests today:     %s\n", of_limit(a, t->today.requests, t->quota.requests_day));
    printf("requests in month:  %s\n", of_limit(a, t->month.requests, t->quota.requests_month));
    printf("bytes today:        %s\n", of_limit(a, t->today.bytes, t->quota.bytes_day));
    printf("bytes in month:     %s\n", of_limit(a, t->month.bytes, t->quota.bytes_month));
    return 0;
}

/* ---- forget ---- */

static int delete_project(struct verb_call *c, int64_t id, struct err *err)
{
    int queued = records_delete_project(c->db, c->word, id, NULL, command_keep_error, &c->stored, err);

    return verb_committed(c, queued, err);
}

static int tenant_forget(struct verb_call *c, struct err *err)
{
    struct project_row *rows;
    size_t n;

    if (records_list_projects(c->db, c->a, c->word, &rows, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (delete_project(c, rows[i].id, err) < 0)
            return -1;
    if (command_sweep(c->db, c->data, err) < 0)
        return -1;
    printf(
        "deleted %zu projects with their samples and impulses; `assay job delete --tenant %s` deletes jobs\n",
        n, c->word);
    return 0;
}

static const struct command_help help = {
    .usage = "assay tenant list | show NAME | set NAME [limits] | forget NAME",
    .text =
        "Tenants are whoever keys were made for. `set` limits what one may use, whichever of its keys it "
        "comes "
        "with;\n"
        "limits that are not named stay. `list` and `show` print used/limit; a running server knows limits "
        "within a\n"
        "second, and what is shown is at most a few seconds old. `forget` deletes the recordings and "
        "impulses of "
        "a\n"
        "tenant for good. Days and months are those of UTC.",
};

static const struct verb verbs[] = {
    {"list", tenant_list, NULL, false},
    {"show", tenant_show, "a NAME that `assay tenant list` shows", false},
    {"set", tenant_set, "the NAME of a tenant", false},
    {"forget", tenant_forget, "a NAME that `assay tenant list` shows", false},
};

static int tenant_run(int argc, char **argv)
{
    struct tenant_settings s = {-1, -1, -1, -1, -1};
    const struct verb_command command = {
        &help, verbs, COUNT_OF(verbs), {{"Limits", tenant_rows, COUNT_OF(tenant_rows), &s}}, 1, NULL};

    return verbs_run(&command, &s, argc, argv);
}

const struct command command_tenant = {"tenant", "what a customer may use, and has used", tenant_run};
