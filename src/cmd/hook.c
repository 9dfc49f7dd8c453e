/* assay hook: receivers of webhooks and what became of their deliveries. Works beside a running server, which
 * looks into the store once a second. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "hook/deliver.h"
#include "hook/sign.h"
#include "store/hooks.h"

enum { LIST_MAX = 100000 };

struct hook_settings {
    const char *tenant, *url, *secret, *api;
    bool generate, dead;
    int64_t keep_ms, limit;
};

#define ROW(name, type, field, fallback, min, max, arg, help)                            \
    {                                                                                    \
        name, type, offsetof(struct hook_settings, field), fallback, min, max, arg, help \
    }
static const struct option hook_rows[] = {
    ROW("tenant", OPT_STRING, tenant, NULL, 0, 0, "NAME", "whose jobs (needed by `add`, narrows lists)"),
    ROW("url", OPT_STRING, url, NULL, 0, 0, "URL", "where to (needed by `add`)"),
    ROW("api", OPT_STRING, api, "alarm", 0, 0, "NAME",
        "whose jobs by the API they came in by: alarm or native"),
    ROW("secret", OPT_STRING, secret, NULL, 0, 0, "TEXT", "signs deliveries; whsec_ and base64, or any text"),
    ROW("generate-secret", OPT_FLAG, generate, "false", 0, 0, NULL, "make a secret and print it, once"),
    ROW("keep", OPT_DURATION, keep_ms, "24h", 0, 1e10, "TIME",
        "`rotate`: the old secret also signs that long"),
    ROW("dead", OPT_FLAG, dead, "false", 0, 0, NULL, "`deliveries`: only those given up"),
    ROW("limit", OPT_INT, limit, "100", 1, LIST_MAX, "N", "`deliveries`: the newest N"),
};

/* One call of the command. */
struct hook_call {
    struct arena *arena;
    struct records *db;
    struct hook_settings s;
    struct guard guard;
    const char *word; /* the argument behind the verb, "" when missing */
    struct err stored;
};

/* After a write: 0 when it is on disk. */
static int committed(struct hook_call *c, int queued, struct err *err)
{
    return command_committed(c->db, queued, &c->stored, err);
}

/* The secret of this call, NULL = none; printed when it was made here. */
static int take_secret(struct hook_call *c, const char **ret, struct err *err)
{
    char made[SECRET_TEXT];

    if (c->s.generate && c->s.secret)
        return FAIL(err, ERR_INPUT, "--secret and --generate-secret exclude each other");
    if (c->s.generate) {
        secret_new(made);
        c->s.secret = arena_strdup(c->arena, made);
    }
    if (c->s.secret && secret_check(c->s.secret, err) < 0)
        return -1;
    *ret = c->s.secret;
    return 0;
}

static int add(struct hook_call *c, struct err *err)
{
    struct hook_row row = {.tenant = c->s.tenant, .dialect = c->s.api, .url = c->s.url};
    const struct dialect *api = dialect_find(c->s.api);

    if (!row.tenant || !row.url)
        return FAIL(err, ERR_INPUT, "assay hook add needs --tenant NAME and --url URL");
    if (!tenant_is_valid(row.tenant))
        return FAIL(err, ERR_INPUT, "'%.64s' is no name of a tenant", row.tenant);
    if (!api || !api->event)
        return FAIL(err, ERR_INPUT, "there is no API '%.64s' that tells of its jobs", c->s.api);
    if (url_check(row.url, &c->guard, NULL, err) < 0 || take_secret(c, &row.secret, err) < 0)
        return -1;
    row.created_us = clock_wall_us();
    id_new(row.id, row.created_us);
    if (committed(c, records_add_hook(c->db, &row, command_keep_error, &c->stored, err), err) < 0)
        return -1;
    puts(row.id);
    if (c->s.generate)
        puts(row.secret);
    return 0;
}

static int list(struct hook_call *c, struct err *err)
{
    struct hook_row *rows;
    char created[CLOCK_TEXT];
    size_t n;

    if (records_list_hooks(c->db, c->arena, c->s.tenant, &rows, &n, err) < 0)
        return -1;
    printf("%-24s  %-16s  %-8s  %-24s  %s\n", "ID", "TENANT", "SIGNED", "CREATED", "URL");
    for (size_t i = 0; i < n; i++) {
        bool both = rows[i].old_secret && rows[i].old_until_us > clock_wall_us();
        printf("%-24s  %-16s  %-8s  %-24s  %s\n", rows[i].id, rows[i].tenant,
               !rows[i].secret ? "no"
               : both          ? "old+new"
                               : "yes",
               clock_rfc3339(created, rows[i].created_us), rows[i].url);
    }
    return 0;
}

static int remove_hook(struct hook_call *c, struct err *err)
{
    return committed(
        c, records_remove_hook(c->db, c->word, clock_wall_us(), command_keep_error, &c->stored, err), err);
}

/* Without --secret a new one is made. */
static int rotate(struct hook_call *c, struct err *err)
{
    int64_t until = clock_wall_us() + c->s.keep_ms * 1000;
    const char *secret;

    c->s.generate = !c->s.secret;
    if (take_secret(c, &secret, err) < 0 ||
        committed(c, records_rotate_hook(c->db, c->word, secret, until, command_keep_error, &c->stored, err),
                  err) < 0)
        return -1;
    if (c->s.generate)
        puts(secret);
    return 0;
}

static void print_tries(const struct delivery_try *tries, size_t n)
{
    char at[CLOCK_TEXT];

    for (size_t i = 0; i < n; i++) {
        printf("try %zu:   %s  status %d  %lld ms", i + 1, clock_rfc3339(at, tries[i].at_us), tries[i].status,
               (long long)tries[i].ms);
        printf("%s%s\n", tries[i].error ? "  " : "", tries[i].error ? tries[i].error : "");
    }
}

static int show(struct hook_call *c, struct err *err)
{
    struct delivery_row row;
    struct delivery_try *tries;
    char created[CLOCK_TEXT], next[CLOCK_TEXT];
    size_t n;

    if (records_get_delivery(c->db, c->arena, c->word, &row, err) < 0 ||
        records_tries(c->db, c->arena, c->word, &tries, &n, err) < 0)
        return -1;
    printf("id:      %s\ntenant:  %s\njob:     %s\nhook:    %s\nurl:     %s\nstate:   %s\ncreated: %s\n",
           row.id, row.tenant, row.job ? row.job : "-", row.hook ? row.hook : "-", row.url, row.state,
           clock_rfc3339(created, row.created_us));
    if (text_is(row.state, "due"))
        printf("next:    %s\n", clock_rfc3339(next, row.next_us));
    print_tries(tries, n);
    printf("body:    %.*s\n", (int)row.body.len, (const char *)row.body.data);
    return 0;
}

static int deliveries(struct hook_call *c, struct err *err)
{
    struct delivery_row *rows;
    char created[CLOCK_TEXT];
    size_t n;

    if (records_list_deliveries(c->db, c->arena, c->s.tenant, c->s.dead ? "dead" : NULL, (size_t)c->s.limit,
                                &rows, &n, err) < 0)
        return -1;
    printf("%-28s  %-9s  %5s  %-16s  %-24s  %-24s  %s\n", "ID", "STATE", "TRIES", "TENANT", "JOB", "CREATED",
           "URL");
    for (size_t i = 0; i < n; i++)
        printf("%-28s  %-9s  %5d  %-16s  %-24s  %-24s  %s\n", rows[i].id, rows[i].state, rows[i].attempts,
               rows[i].tenant, rows[i].job ? rows[i].job : "-", clock_rfc3339(created, rows[i].created_us),
               rows[i].url);
    return 0;
}

static int resend(struct hook_call *c, struct err *err)
{
    return committed(c, records_resend(c->db, c->word, clock_wall_us(), command_keep_error, &c->stored, err),
                     err);
}

static int ping(struct hook_call *c, struct err *err)
{
    struct hook_row hook;
    struct url url;
    struct delivery_row row = {.state = "due", .created_us = clock_wall_us()};
    char when[CLOCK_TEXT];
    const char *body;

    if (records_get_hook(c->db, c->arena, c->word, &hook, err) < 0 ||
        url_check(hook.url, &c->guard, &url, err) < 0)
        return -1;
    if (hook.removed_us)
        return FAIL(err, ERR_NOT_FOUND, "hook %s was removed", hook.id);
    body = arena_printf(c->arena, "{\"type\":\"ping\",\"hook\":\"%s\",\"created_at\":\"%s\"}", hook.id,
                        clock_rfc3339(when, row.created_us));
    delivery_id_new(row.id, row.created_us);
    row.tenant = hook.tenant;
    row.hook = hook.id;
    row.url = hook.url;
    row.site = url.site;
    row.body = bytes_of(body, strlen(body));
    row.next_us = row.created_us;
    if (committed(c, records_add_delivery(c->db, &row, command_keep_error, &c->stored, err), err) < 0)
        return -1;
    puts(row.id);
    return 0;
}

static const struct {
    const char *name;
    int (*run)(struct hook_call *c, struct err *err);
    const char *needs; /* NULL: no argument */
} verbs[] = {
    {"add", add, NULL},
    {"list", list, NULL},
    {"remove", remove_hook, "the ID that `assay hook list` shows"},
    {"rotate", rotate, "the ID that `assay hook list` shows"},
    {"ping", ping, "the ID that `assay hook list` shows"},
    {"deliveries", deliveries, NULL},
    {"show", show, "the ID that `assay hook deliveries` shows"},
    {"resend", resend, "the ID that `assay hook deliveries` shows"},
};

static const struct command_help help = {
    .usage =
        "assay hook add --tenant NAME --url URL [--secret TEXT | --generate-secret] | list | remove ID | "
        "rotate ID |\n"
        "       ping ID | deliveries [--dead] | show DELIVERY | resend DELIVERY",
    .text = "Webhooks: who is told of a tenant's finished jobs, and what became of every delivery. A running "
            "server notices\n"
            "within a second. It and this command must agree on --hook-allow-http and --hook-allow.",
    .after = "Examples:\n"
             "  assay hook add --tenant acme --url https://example.org/alarms --generate-secret\n"
             "  assay hook ping ID             send a test\n"
             "  assay hook deliveries --dead   what never arrived",
};

static int hook_call(struct hook_call *c, const char *data, int argc, char **argv)
{
    struct err err;

    for (size_t i = 0; i < COUNT_OF(verbs); i++) {
        if (argc < 2 || !text_is(argv[1], verbs[i].name))
            continue;
        if (argc > (verbs[i].needs ? 3 : 2))
            return command_misused(&help, argv[argc - 1]);
        if (verbs[i].needs && argc < 3) {
            fprintf(stderr, "assay: hook %s needs %s\n", verbs[i].name, verbs[i].needs);
            return 2;
        }
        c->word = argc > 2 ? argv[2] : "";
        if (command_records(&c->db, data, &err) < 0 || verbs[i].run(c, &err) < 0)
            return command_failed(&err);
        return 0;
    }
    return command_misused(&help, argc > 1 ? argv[1] : NULL);
}

static int hook_run(int argc, char **argv)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct hook_call c = {.arena = a, .stored = {ERR_INTERNAL, "the store did not answer"}};
    struct hook_opts opts = {0};
    struct common_settings common;
    struct data_settings data;
    struct option_set sets[] = {common_set(&common),
                                {"Hooks", hook_rows, COUNT_OF(hook_rows), &c.s},
                                {"URLs", hook_options, HOOK_URL_OPTIONS, &opts},
                                data_set(&data)};
    struct conf *conf;
    struct err err;
    int status = command_options(a, &help, sets, COUNT_OF(sets), &common, &argc, argv, &conf);

    if (status < 0 && hook_guard(a, &opts, &c.guard, &err) < 0)
        status = command_failed(&err);
    if (status < 0)
        status = hook_call(&c, data.data, argc, argv);
    records_freep(&c.db);
    return status;
}

const struct command command_hook = {"hook", "webhooks: receivers and deliveries", hook_run};
