/* assay tenant: what each customer may use, and has used. */
#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "cmd/cmd.h"
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

struct tenant_call {
    struct arena *arena;
    struct records *db;
    struct tenant_settings s;
    const char *name, *data; /* name: NULL when missing */
    struct err stored;
};

static int tenant_set(struct tenant_call *c, struct err *err)
{
    const struct tenant_settings *s = &c->s;
    struct quota quota = {s->requests_day, s->requests_month, s->bytes_day, s->bytes_month, s->jobs};
    int queued;

    if (!c->name || !tenant_is_valid(c->name))
        return FAIL(err, ERR_INPUT,
                    "a tenant's name has 1 to %d letters, digits, '-', '_' or '.', and begins with none of "
                    "'-' and '.'",
                    TENANT_MAX - 1);
    if (s->requests_day < 0 && s->requests_month < 0 && s->bytes_day < 0 && s->bytes_month < 0 && s->jobs < 0)
        return FAIL(err, ERR_INPUT, "assay tenant set needs a limit, --requests-per-day N for example");
    queued = records_set_quota(c->db, c->name, &quota, command_keep_error, &c->stored, err);
    return command_committed(c->db, queued, &c->stored, err);
}

/* "12/100", "12" without a limit. */
static const char *of_limit(struct arena *a, int64_t used, int64_t limit)
{
    return limit ? arena_printf(a, "%" PRId64 "/%" PRId64, used, limit) : arena_printf(a, "%" PRId64, used);
}

static int find(struct tenant_call *c, const char *name, struct tenant_row **ret_rows, size_t *ret_n,
                struct err *err)
{
    return records_list_tenants(c->db, c->arena, &(struct tenant_query){name, clock_wall_us()}, ret_rows,
                                ret_n, err);
}

static int tenant_list(struct tenant_call *c, struct err *err)
{
    struct arena *a = c->arena;
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

static int tenant_show(struct tenant_call *c, struct err *err)
{
    struct arena *a = c->arena;
    struct tenant_row *t;
    size_t n;

    if (!c->name)
        return FAIL(err, ERR_INPUT, "assay tenant show needs a NAME that `assay tenant list` shows");
    if (find(c, c->name, &t, &n, err) < 0)
        return -1;
    if (!n)
        return FAIL(err, ERR_NOT_FOUND, "there is no tenant '%.64s'", c->name);
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

static int delete_project(struct tenant_call *c, int64_t id, struct err *err)
{
    int queued;

    c->stored = (struct err){ERR_INTERNAL, "the store did not answer"};
    queued = records_delete_project(c->db, c->name, id, NULL, command_keep_error, &c->stored, err);
    return command_committed(c->db, queued, &c->stored, err);
}

static int tenant_forget(struct tenant_call *c, struct err *err)
{
    struct project_row *rows;
    size_t n;

    if (!c->name)
        return FAIL(err, ERR_INPUT, "assay tenant forget needs a NAME that `assay tenant list` shows");
    if (records_list_projects(c->db, c->arena, c->name, &rows, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (delete_project(c, rows[i].id, err) < 0)
            return -1;
    if (command_sweep(c->db, c->data, err) < 0)
        return -1;
    printf(
        "deleted %zu projects with their samples and impulses; `assay job delete --tenant %s` deletes jobs\n",
        n, c->name);
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

static const struct verb {
    const char *name;
    int (*run)(struct tenant_call *c, struct err *err);
} verbs[] = {
    {"list", tenant_list},
    {"show", tenant_show},
    {"set", tenant_set},
    {"forget", tenant_forget},
};

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(verbs); i++)
        if (text_is(verbs[i].name, name))
            return &verbs[i];
    return NULL;
}

static int tenant_run(int argc, char **argv)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(records_freep) struct records *db = NULL;
    struct tenant_call c = {
        .arena = a, .s = {-1, -1, -1, -1, -1}, .stored = {ERR_INTERNAL, "the store did not answer"}};
    struct common_settings common;
    struct data_settings data;
    struct option_set sets[] = {
        common_set(&common), {"Limits", tenant_rows, COUNT_OF(tenant_rows), &c.s}, data_set(&data)};
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
    c.db = db;
    c.name = argc > 2 ? argv[2] : NULL;
    c.data = data.data;
    return verb->run(&c, &err) < 0 ? command_failed(&err) : 0;
}

const struct command command_tenant = {"tenant", "what a customer may use, and has used", tenant_run};
