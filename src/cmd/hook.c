/* assay hook: receivers of webhooks and what became of their deliveries. Works beside a running server, which
 * looks into the store once a second. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cmd/verb.h"
#include "hook/deliver.h"
#include "hook/sign.h"
#include "store/hooks.h"

enum { LIST_MAX = 100000 };

struct hook_settings {
    const char *tenant, *url, *secret, *api;
    bool generate, dead;
    int64_t keep_ms, limit;
    struct hook_opts opts;
    struct guard guard; /* of opts */
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

/* The secret of this call, NULL = none; printed when it was made here. */
static int take_secret(struct verb_call *c, const char **ret, struct err *err)
{
    struct hook_settings *s = c->settings;
    char made[SECRET_TEXT];

    if (s->generate && s->secret)
        return FAIL(err, ERR_INPUT, "--secret and --generate-secret exclude each other");
    if (s->generate) {
        secret_new(made);
        s->secret = arena_strdup(c->a, made);
    }
    if (s->secret && secret_check(s->secret, err) < 0)
        return -1;
    *ret = s->secret;
    return 0;
}

static int add(struct verb_call *c, struct err *err)
{
    const struct hook_settings *s = c->settings;
    struct hook_row row = {.tenant = s->tenant, .dialect = s->api, .url = s->url};
    const struct dialect *api = dialect_find(s->api);

    if (!row.tenant || !row.url)
        return FAIL(err, ERR_INPUT, "assay hook add needs --tenant NAME and --url URL");
    if (!tenant_is_valid(row.tenant))
        return FAIL(err, ERR_INPUT, "'%.64s' is no name of a tenant", row.tenant);
    if (!api || !api->event)
        return FAIL(err, ERR_INPUT, "there is no API '%.64s' that tells of its jobs", s->api);
    if (url_check(row.url, &s->guard, NULL, err) < 0 || take_secret(c, &row.secret, err) < 0)
        return -1;
    row.created_us = clock_wall_us();
    id_new(row.id, row.created_us);
    if (verb_committed(c, records_add_hook(c->db, &row, command_keep_error, &c->stored, err), err) < 0)
        return -1;
    puts(row.id);
    if (s->generate)
        puts(row.secret);
    return 0;
}

static int list(struct verb_call *c, struct err *err)
{
    const struct hook_settings *s = c->settings;
    struct hook_row *rows;
    char created[CLOCK_TEXT];
    size_t n;

    if (records_list_hooks(c->db, c->a, s->tenant, &rows, &n, err) < 0)
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

static int remove_hook(struct verb_call *c, struct err *err)
{
    return verb_committed(
        c, records_remove_hook(c->db, c->word, clock_wall_us(), command_keep_error, &c->stored, err), err);
}

/* Without --secret a new one is made. */
static int rotate(struct verb_call *c, struct err *err)
{
    struct hook_settings *s = c->settings;
    int64_t until = clock_wall_us() + s->keep_ms * 1000;
    const char *secret;

    s->generate = !s->secret;
    if (take_secret(c, &secret, err) < 0 ||
        verb_committed(
            c, records_rotate_hook(c->db, c->word, secret, until, command_keep_error, &c->stored, err), err) <
            0)
        return -1;
    if (s->generate)
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

static int show(struct verb_call *c, struct err *err)
{
    struct delivery_row row;
    struct delivery_try *tries;
    char created[CLOCK_TEXT], next[CLOCK_TEXT];
    size_t n;

    if (records_get_delivery(c->db, c->a, c->word, &row, err) < 0 ||
        records_tries(c->db, c->a, c->word, &tries, &n, err) < 0)
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

static int deliveries(struct verb_call *c, struct err *err)
{
    const struct hook_settings *s = c->settings;
    struct delivery_row *rows;
    char created[CLOCK_TEXT];
    size_t n;

    if (records_list_deliveries(c->db, c->a, s->tenant, s->dead ? "dead" : NULL, (size_t)s->limit, &rows, &n,
                                err) < 0)
        return -1;
    printf("%-28s  %-9s  %5s  %-16s  %-24s  %-24s  %s\n", "ID", "STATE", "TRIES", "TENANT", "JOB", "CREATED",
           "URL");
    for (size_t i = 0; i < n; i++)
        printf("%-28s  %-9s  %5d  %-16s  %-24s  %-24s  %s\n", rows[i].id, rows[i].state, rows[i].attempts,
               rows[i].tenant, rows[i].job ? rows[i].job : "-", clock_rfc3339(created, rows[i].created_us),
               rows[i].url);
    return 0;
}

static int resend(struct verb_call *c, struct err *err)
{
    return verb_committed(
        c, records_resend(c->db, c->word, clock_wall_us(), command_keep_error, &c->stored, err), err);
}

static int ping(struct verb_call *c, struct err *err)
{
    const struct hook_settings *s = c->settings;
    struct hook_row hook;
    struct url url;
    struct delivery_row row = {.state = "due", .created_us = clock_wall_us()};
    char when[CLOCK_TEXT];
    const char *body;

    if (records_get_hook(c->db, c->a, c->word, &hook, err) < 0 ||
        url_check(hook.url, &s->guard, &url, err) < 0)
        return -1;
    if (hook.removed_us)
        return FAIL(err, ERR_NOT_FOUND, "hook %s was removed", hook.id);
    body = arena_printf(c->a, "{\"type\":\"ping\",\"hook\":\"%s\",\"created_at\":\"%s\"}", hook.id,
                        clock_rfc3339(when, row.created_us));
    delivery_id_new(row.id, row.created_us);
    row.tenant = hook.tenant;
    row.hook = hook.id;
    row.url = hook.url;
    row.site = url.site;
    row.body = bytes_of(body, strlen(body));
    row.next_us = row.created_us;
    if (verb_committed(c, records_add_delivery(c->db, &row, command_keep_error, &c->stored, err), err) < 0)
        return -1;
    puts(row.id);
    return 0;
}

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

static const struct verb verbs[] = {
    {"add", add, NULL, false},
    {"list", list, NULL, false},
    {"remove", remove_hook, "the ID that `assay hook list` shows", false},
    {"rotate", rotate, "the ID that `assay hook list` shows", false},
    {"ping", ping, "the ID that `assay hook list` shows", false},
    {"deliveries", deliveries, NULL, false},
    {"show", show, "the ID that `assay hook deliveries` shows", false},
    {"resend", resend, "the ID that `assay hook deliveries` shows", false},
};

static int check_guard(struct verb_call *c, struct err *err)
{
    struct hook_settings *s = c->settings;

    return hook_guard(c->a, &s->opts, &s->guard, err);
}

static int hook_run(int argc, char **argv)
{
    struct hook_settings s = {0};
    const struct verb_command command = {
        &help,
        verbs,
        COUNT_OF(verbs),
        {{"Hooks", hook_rows, COUNT_OF(hook_rows), &s}, {"URLs", hook_options, HOOK_URL_OPTIONS, &s.opts}},
        2,
        check_guard};

    return verbs_run(&command, &s, argc, argv);
}

const struct command command_hook = {"hook", "webhooks: receivers and deliveries", hook_run};
