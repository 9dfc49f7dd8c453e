#include "api/intake.h"

#include <stdlib.h>
#include <string.h>

#include "api/key.h"
#include "base/cleanup.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/client.h"

#define ROW(name, type, field, fallback, min, max, arg, help)                          \
    {                                                                                  \
        name, type, offsetof(struct intake_opts, field), fallback, min, max, arg, help \
    }
const struct option intake_options[] = {
    ROW("fetch-https-only", OPT_FLAG, https_only, "false", 0, 0, NULL, "fetch nothing over plain http"),
    ROW("fetch-allow", OPT_STRING, allow, NULL, 0, 0, "NETWORKS",
        "addresses to fetch from although they are not public: 10.1.0.0/16,127.0.0.1"),
    ROW("fetch-ca", OPT_STRING, ca, NULL, 0, 0, "FILE", "certificates to trust instead of the system's"),
    ROW("fetch-in-flight", OPT_INT, in_flight, "32", 1, 1000, "N", "files on their way here at a time"),
    ROW("fetch-per-tenant", OPT_INT, per_tenant, "8", 1, 1000, "N", "of these, for one tenant"),
    ROW("fetch-per-host", OPT_INT, per_source, "4", 1, 1000, "N", "of these, from one host"),
    ROW("fetch-connect-timeout", OPT_DURATION, connect_ms, "5s", 1, 600000, "TIME",
        "a host must take the connection in that time"),
    ROW("fetch-timeout", OPT_DURATION, timeout_ms, "60s", 1, 3600000, "TIME",
        "and send the whole file in that time; not longer than the job's deadline"),
    ROW("fetch-min-speed", OPT_BYTES, min_speed, "1K", 1, 1e9, "SIZE",
        "a second; who is slower for 10 s is left"),
};
const size_t intake_noptions = COUNT_OF(intake_options);

struct intake {
    struct intake_opts opts;
    struct intake_with with;
    struct arena *arena;
    struct guard guard;
    struct client *client;
};

/* ---- one fetch: the engine's words to the client's ---- */

struct pass {
    struct intake *intake;
    struct job_fetch ask;
};

static int data(void *arg, struct bytes piece, struct err *err)
{
    struct pass *p = arg;

    if (gate_fetched(p->intake->with.gate, p->ask.tenant, piece.len, err) < 0)
        return -1;
    return p->ask.data(p->ask.arg, piece, err);
}

static bool wanted(void *arg)
{
    struct pass *p = arg;

    return p->ask.wanted(p->ask.arg);
}

static void done(void *arg, const struct client_result *result)
{
    struct pass *p = arg;

    p->ask.done(p->ask.arg, &result->err, result->again);
    free(p);
}

static void fetch(void *arg, const struct job_fetch *ask)
{
    struct intake *in = arg;
    struct pass *p = mem_alloc(sizeof *p);

    *p = (struct pass){in, *ask};
    client_get(in->client, &(struct client_get){.url = ask->url,
                                                .max_bytes = ask->max_bytes,
                                                .total_ms = (int)ask->max_ms,
                                                .data = data,
                                                .wanted = wanted,
                                                .done = done,
                                                .arg = p});
}

struct fetch_opts intake_fetch(struct intake *in)
{
    return (struct fetch_opts){
        .fetch = fetch,
        .arg = in,
        .max_bytes = in->with.max_bytes,
        .max_ms = in->opts.timeout_ms,
        .max_open = (size_t)in->opts.in_flight,
        .max_tenant = (size_t)in->opts.per_tenant,
        .max_source = (size_t)in->opts.per_source,
    };
}

const struct guard *intake_guard(const struct intake *in)
{
    return &in->guard;
}

/* ---- start and stop ---- */

static int make_guard(struct intake *in, struct err *err)
{
    struct err why;

    in->guard = (struct guard){.allow_http = !in->opts.https_only, .what = "the URL"};
    if (guard_parse_allow(in->arena, in->opts.allow, &in->guard, &why) < 0)
        return FAIL(err, ERR_INPUT, "fetch-allow: %s", why.text);
    return 0;
}

int intake_start(struct intake **ret_intake, const struct intake_opts *opts, const struct intake_with *with,
                 struct err *err)
{
    CLEANUP(intake_stop) struct intake *in = mem_alloc(sizeof *in);
    struct client_opts client = client_opts_defaults();

    *in = (struct intake){.opts = *opts, .with = *with, .arena = arena_new()};
    client.guard = &in->guard;
    client.connect_ms = (int)opts->connect_ms;
    client.ca_file = opts->ca;
    client.user_agent = arena_strdup(in->arena, with->user_agent);
    client.min_speed = (int)opts->min_speed;
    if (make_guard(in, err) < 0 || client_start(&in->client, &client, err) < 0)
        return -1;
    *ret_intake = TAKE(in);
    return 0;
}

void intake_stop(struct intake **intake)
{
    struct intake *in = TAKE(*intake);

    if (!in)
        return;
    client_stop(&in->client);
    arena_free(in->arena);
    free(in);
}

/* ---- for the dialects ---- */

/* "https://example.org/a/front%20door.mp4?x" gives "front door.mp4"; "" without a path. */
static void name_of(const char *url, char *dst, size_t size)
{
    const char *path = strchr(strstr(url, "://") + 3, '/'), *end, *s;
    char text[URL_MAX + 1];
    uint8_t byte;
    size_t n = 0;

    path = path ? path : "";
    end = path + strcspn(path, "?");
    for (s = path; s < end; s++) {
        bool encoded = *s == '%' && end - s > 2 && text_unhex(&byte, 1, (char[]){s[1], s[2], '\0'}) && byte;
        text[n++] = encoded ? (char)byte : *s;
        s += encoded ? 2 : 0;
    }
    text[n] = '\0';
    text_base_name(dst, size, text);
}

int intake_take_url(const struct guard *g, struct arena *a, const char *url, struct job_request *req,
                    struct err *err)
{
    char name[256];

    if (!g)
        return FAIL(err, ERR_UNSUPPORTED, "this server fetches no files from URLs");
    if (url_check(url, g, NULL, err) < 0)
        return -1;
    req->source = arena_strdup(a, url);
    name_of(url, name, sizeof name);
    if (!req->name || !*req->name)
        req->name = arena_strdup(a, name);
    return 0;
}
