/* assay serve: builds all parts in layer order, waits for a signal, tears them down in reverse. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "api/intake.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "hook/deliver.h"

struct serve_settings {
    const char *listen;
    int64_t threads, connections, idle_ms, drain_ms, max_queued, max_queued_tenant, keep_ms, keep_audit_ms;
    bool print_config;
};

#define ROW(name, type, field, fallback, min, max, arg, help)                             \
    {                                                                                     \
        name, type, offsetof(struct serve_settings, field), fallback, min, max, arg, help \
    }
static const struct option serve_rows[] = {
    ROW("listen", OPT_STRING, listen, "127.0.0.1:8480", 0, 0, "ADDR:PORT",
        "address to serve on; port 0: any free one"),
    ROW("threads", OPT_INT, threads, "2", 1, 64, "N", "threads that serve HTTP"),
    ROW("max-connections", OPT_INT, connections, "1024", 1, 100000, "N", "open connections at most"),
    ROW("idle-timeout", OPT_DURATION, idle_ms, "30s", 1000, 3600000, "TIME",
        "drop a connection that is silent that long"),
    ROW("drain", OPT_DURATION, drain_ms, "10s", 0, 600000, "TIME",
        "on SIGTERM, time for open requests to finish"),
    ROW("max-queued", OPT_INT, max_queued, "10000", 1, 1e9, "N",
        "jobs waiting at most; beyond it uploads get 503"),
    ROW("max-queued-tenant", OPT_INT, max_queued_tenant, "5000", 1, 1e9, "N",
        "jobs of one tenant waiting at most; beyond it its uploads get 429"),
    ROW("keep", OPT_DURATION, keep_ms, "0s", 0, 1e13, "TIME",
        "delete finished jobs and their files when they are that old; 0s: never"),
    ROW("keep-audit", OPT_DURATION, keep_audit_ms, "0s", 0, 1e13, "TIME",
        "drop lines of the audit when they are that old; 0s: never"),
    ROW("print-config", OPT_FLAG, print_config, "false", 0, 0, NULL,
        "print all options as a configuration file and exit"),
};

struct serve {
    struct arena *arena;
    struct common_settings common;
    struct data_settings data;
    struct lab_settings lab;
    struct log_settings log;
    struct serve_settings http;
    struct hook_opts hooks;
    struct intake_opts fetching;
    struct guard guard;
    struct api api;
    struct records *db;
    struct blobs *blobs;
    struct lab *analysts;
    struct intake *intake;
    struct jobs *jobs;
    struct courier *courier;
    struct server *server;
};

/* The lab wakes the jobs, but exists before them. */
static void analyst_idle(void *arg)
{
    struct serve *s = arg;
    struct jobs *jobs = __atomic_load_n(&s->jobs, __ATOMIC_ACQUIRE);

    if (jobs)
        jobs_kick(jobs);
}

static int deliveries(void *arg, struct arena *a, const struct job_row *row, struct delivery_row **ret_rows,
                      size_t *ret_n, struct err *err)
{
    struct serve *s = arg;

    return api_deliveries(&s->api, a, row, ret_rows, ret_n, err);
}

/* The jobs wake the courier, but exist before it. */
static void told(void *arg)
{
    struct serve *s = arg;

    courier_wake(__atomic_load_n(&s->courier, __ATOMIC_ACQUIRE));
}

static int start_courier(struct serve *s, struct err *err)
{
    struct courier_opts opts = {
        .db = s->db,
        .guard = &s->guard,
        .user_agent = arena_printf(s->arena, "assay/%s", assay_version),
        .hook = s->hooks,
    };
    struct courier *courier;

    if (courier_start(&courier, &opts, err) < 0)
        return -1;
    __atomic_store_n(&s->courier, courier, __ATOMIC_RELEASE);
    return 0;
}

static int start_intake(struct serve *s, struct err *err)
{
    struct intake_with with = {
        .gate = s->api.gate,
        .max_bytes = s->api.opts.max_upload,
        .user_agent = arena_printf(s->arena, "assay/%s", assay_version),
    };

    if (intake_start(&s->intake, &s->fetching, &with, err) < 0)
        return -1;
    s->api.sources = intake_guard(s->intake);
    return 0;
}

static int start_jobs(struct serve *s, struct err *err)
{
    struct jobs_opts opts = jobs_opts_defaults();
    struct jobs *jobs;

    opts.max_queued = (size_t)s->http.max_queued;
    opts.keep_us = s->http.keep_ms * 1000;
    opts.keep_audit_us = s->http.keep_audit_ms * 1000;
    opts.max_queued_tenant = (size_t)s->http.max_queued_tenant;
    opts.deliveries = deliveries;
    opts.told = told;
    opts.deliveries_arg = s;
    opts.fetch = intake_fetch(s->intake);
    if (jobs_start(&jobs, s->db, s->blobs, s->analysts, &opts, err) < 0)
        return -1;
    __atomic_store_n(&s->jobs, jobs, __ATOMIC_RELEASE);
    jobs_kick(jobs);
    return 0;
}

static int start_server(struct serve *s, struct err *err)
{
    struct server_opts opts = {
        .listen = s->http.listen,
        .threads = (int)s->http.threads,
        .max_connections = (int)s->http.connections,
        .idle_seconds = (int)(s->http.idle_ms / 1000),
        .routes = s->api.routes,
        .nroutes = s->api.nroutes,
        .context = &s->api,
        .on_error = api_on_error,
    };

    return server_start(&s->server, &opts, err);
}

static int start_all(struct serve *s, struct err *err)
{
    struct lab_opts lab = lab_opts_of(&s->lab, &s->data, s->arena);

    if (hook_guard(s->arena, &s->hooks, &s->guard, err) < 0)
        return -1;
    lab.idle = analyst_idle;
    lab.idle_arg = s;
    if (lab_start(&s->analysts, &lab, err) < 0) /* first: models load while the store opens */
        return -1;
    if (records_open(&s->db, s->data.data, err) < 0 || blobs_open(&s->blobs, s->data.data, err) < 0)
        return -1;
    s->api.db = s->db;
    s->api.guard = &s->guard;
    s->api.version = assay_version;
    s->api.build_at = assay_build_at;
    if (api_init(&s->api, err) < 0 || start_intake(s, err) < 0 || start_jobs(s, err) < 0 ||
        start_courier(s, err) < 0)
        return -1;
    s->api.blobs = s->blobs;
    s->api.jobs = s->jobs;
    s->api.lab = s->analysts;
    if (start_server(s, err) < 0)
        return -1;
    return lab_wait_ready(s->analysts, clock_mono_us() + 60000000, err);
}

/* In this order nobody replies to a request that is gone: first no handler runs any more, then whatever calls
 * back from another thread ends (the jobs, the lab, the store's writer), then the requests. */
static void stop_all(struct serve *s)
{
    if (s->server)
        server_drain(s->server, clock_mono_us() + s->http.drain_ms * 1000);
    if (s->jobs)
        jobs_stop(s->jobs);
    intake_stop(&s->intake);
    if (s->analysts)
        lab_stop(s->analysts);
    if (s->db)
        records_sync(s->db); /* after it no job ends any more, and nobody wakes the courier */
    courier_stop(&s->courier);
    server_stop(s->server);
    jobs_freep(&s->jobs);
    records_freep(&s->db);
    blobs_freep(&s->blobs);
    api_clear(&s->api);
}

/* Threads inherit the mask, so it is set before the first one starts. */
static sigset_t block_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return set;
}

static int serve(struct serve *s)
{
    sigset_t signals = block_signals();
    struct err err;
    int64_t begun = clock_mono_us();
    int sig, status = 0;

    if (start_all(s, &err) < 0) {
        status = command_failed(&err);
    } else {
        log_info("ready", "port=%d analysts=%d ms=%lld data=%s", server_port(s->server),
                 lab_stats(s->analysts).analysts, (long long)(clock_mono_us() - begun) / 1000, s->data.data);
        sigwait(&signals, &sig);
        log_info("stopping", "signal=%d", sig);
    }
    stop_all(s);
    return status;
}

static const struct command_help help = {
    .usage = "assay serve [options]",
    .text = "Serves the HTTP API. Every option can also stand in a file (--config) or in the environment "
            "(--max-upload is\n"
            "ASSAY_MAX_UPLOAD); a flag wins over the environment, the environment over the file. Nothing is "
            "reachable\n"
            "without a key: make one with `assay key new`.",
    .after = "Stop it with SIGTERM or Ctrl-C: open requests finish, queued jobs go on at the next start.",
};

static int serve_run(int argc, char **argv)
{
    struct serve *s = &(struct serve){.arena = arena_new()};
    struct option_set sets[] = {
        common_set(&s->common),
        {"HTTP", serve_rows, COUNT_OF(serve_rows), &s->http},
        data_set(&s->data),
        {"Jobs", api_options, api_noptions, &s->api.opts},
        {"Submit by URL", intake_options, intake_noptions, &s->fetching},
        {"Webhooks", hook_options, hook_noptions, &s->hooks},
        lab_set(&s->lab),
        log_set(&s->log),
    };
    struct conf *conf;
    struct err err;
    int status = command_options(s->arena, &help, sets, COUNT_OF(sets), &s->common, &argc, argv, &conf);

    if (status < 0 && argc > 1) {
        fprintf(stderr, "assay: serve takes no argument '%s'\n", argv[1]);
        status = 2;
    }
    if (status < 0 && log_apply(&s->log, &err) < 0)
        status = command_failed(&err);
    if (status < 0 && s->http.print_config) {
        conf_print(conf, stdout);
        status = 0;
    }
    if (status < 0)
        status = serve(s);
    arena_free(s->arena);
    return status;
}

const struct command command_serve = {"serve", "the HTTP API", serve_run};
