/* assay serve: builds all parts in layer order, waits for a signal, tears them down in reverse. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "cmd/serve_int.h"

#define ROW(name, type, field, fallback, min, max, arg, help)                             \
    {                                                                                     \
        name, type, offsetof(struct serve_settings, field), fallback, min, max, arg, help \
    }
static const struct option serve_rows[] = {
    ROW("listen", OPT_STRING, listen, "127.0.0.1:8480", 0, 0, "ADDR:PORT",
        "address to serve on; port 0: any free one"),
    ROW("also-listen", OPT_STRING, also_listen, NULL, 0, 0, "LIST",
        "also serve there, in clear text: addresses with commas between, 127.0.0.1:4800,127.0.0.1:4810"),
    ROW("ops-listen", OPT_STRING, ops_listen, NULL, 0, 0, "ADDR:PORT",
        "also answer /healthz, /readyz, /metrics and /status there, without a key; default: nowhere"),
    ROW("tls-cert", OPT_STRING, tls_cert, NULL, 0, 0, "FILE",
        "serve HTTPS with this certificate and its chain (PEM)"),
    ROW("tls-key", OPT_STRING, tls_key, NULL, 0, 0, "FILE",
        "its key (PEM); nobody else may be able to read the file"),
    ROW("threads", OPT_INT, threads, "2", 1, 64, "N", "threads that serve HTTP"),
    ROW("max-connections", OPT_INT, connections, "12000", 1, 100000, "N",
        "open connections at most; then those that only wait give way"),
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
    ROW("log-requests", OPT_FLAG, log_requests, "false", 0, 0, NULL, "log a line for every request"),
    ROW("print-config", OPT_FLAG, print_config, "false", 0, 0, NULL,
        "print all options as a configuration file and exit"),
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
        .hook = s->conf.hooks,
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
        .max_bytes = s->conf.api.max_upload,
        .user_agent = arena_printf(s->arena, "assay/%s", assay_version),
    };

    if (intake_start(&s->intake, &s->conf.fetching, &with, err) < 0)
        return -1;
    s->api.sources = intake_guard(s->intake);
    return 0;
}

struct jobs_limits serve_limits(const struct serve_conf *c)
{
    return (struct jobs_limits){
        .max_queued = (size_t)c->http.max_queued,
        .max_queued_tenant = (size_t)c->http.max_queued_tenant,
        .keep_us = c->http.keep_ms * 1000,
        .keep_audit_us = c->http.keep_audit_ms * 1000,
    };
}

static int start_jobs(struct serve *s, struct err *err)
{
    struct jobs_opts opts = jobs_opts_defaults();
    struct jobs_limits limits = serve_limits(&s->conf);
    struct jobs *jobs;

    opts.max_queued = limits.max_queued;
    opts.max_queued_tenant = limits.max_queued_tenant;
    opts.keep_us = limits.keep_us;
    opts.keep_audit_us = limits.keep_audit_us;
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

/* Descriptors for all connections, each of them in the middle of an upload, as far as the system allows;
 * fewer connections where it does not. */
static void allow_descriptors(struct serve_settings *http)
{
    enum { OWN = 256, LEAST = 16 };
    struct rlimit limit;
    rlim_t wanted = 2 * (rlim_t)http->connections + OWN;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
        return;
    if (limit.rlim_cur < (rlim_t)http->connections + 2 * OWN) {
        http->connections = limit.rlim_cur > 2 * OWN + LEAST ? (int64_t)limit.rlim_cur - 2 * OWN : LEAST;
        log_warn("fewer connections", "max=%lld descriptors=%lld", (long long)http->connections,
                 (long long)limit.rlim_cur);
    }
}

static int start_server(struct serve *s, struct err *err)
{
    const struct serve_settings *http = &s->conf.http;
    struct server_opts opts;

    allow_descriptors(&s->conf.http);
    opts = (struct server_opts){
        .listen = http->listen,
        .tls_cert = http->tls_cert,
        .tls_key = http->tls_key,
        .threads = (int)http->threads,
        .max_connections = (int)http->connections,
        .idle_seconds = (int)(http->idle_ms / 1000),
        .log_requests = http->log_requests,
        .routes = s->api.routes,
        .nroutes = s->api.nroutes,
        .context = &s->api,
        .on_error = api_on_error,
    };

    return server_start(&s->server, &opts, err) < 0 ? -1 : listeners_start(s, &opts, err);
}

/* Where others find us: `assay status` reads it. Its loss is no reason not to serve. */
static void leave_note(struct serve *s)
{
    const char *listen = s->conf.http.listen, *colon = strrchr(listen, ':'), *ops = ops_address(s->ops);
    char started[CLOCK_TEXT];
    struct err err;
    const char *note = arena_printf(
        s->arena,
        "{\"pid\":%d,\"version\":\"%s\",\"started_at\":\"%s\",\"listen\":\"%.*s:%d\",\"ops\":\"%s\"}\n",
        (int)getpid(), assay_version, clock_rfc3339(started, s->started_us), (int)(colon - listen), listen,
        server_port(s->server), ops ? ops : "");

    if (records_owner_note(s->db, note, &err) < 0)
        log_warn("note not left", "why=%s", err.text);
}

static int start_eims(struct serve *s, struct err *err)
{
    struct eim_opts opts = eim_opts_of(&s->conf.eim);

    return opts.dir ? eim_pool_new(&s->eims, &opts, err) : 0;
}

static int start_all(struct serve *s, struct err *err)
{
    struct serve_conf *c = &s->conf;
    struct lab_opts lab = lab_opts_of(&c->lab, &c->data, s->arena);

    if (hook_guard(s->arena, &c->hooks, &s->guard, err) < 0)
        return -1;
    lab.idle = analyst_idle;
    lab.idle_arg = s;
    if (lab_start(&s->analysts, &lab, err) < 0) /* first: models load while the store opens */
        return -1;
    if (ops_start(&s->ops, s, err) < 0 || records_open(&s->db, c->data.data, err) < 0 ||
        blobs_open(&s->blobs, c->data.data, err) < 0)
        return -1;
    s->api.opts = c->api;
    s->api.db = s->db;
    s->api.guard = &s->guard;
    s->api.version = assay_version;
    s->api.build_at = assay_build_at;
    s->api.models_dir = lab.models_dir;
    if (start_eims(s, err) < 0 || api_init(&s->api, err) < 0 || start_intake(s, err) < 0 ||
        start_jobs(s, err) < 0 || start_courier(s, err) < 0)
        return -1;
    s->api.blobs = s->blobs;
    s->api.jobs = s->jobs;
    s->api.lab = s->analysts;
    s->api.eims = s->eims;
    if (start_server(s, err) < 0)
        return -1;
    atomic_store(&s->built, true);
    atomic_store(&s->phase, PHASE_LOADING);
    leave_note(s);
    return lab_wait_ready(s->analysts, clock_mono_us() + 60000000, err);
}

/* In this order nobody replies to a request that is gone: first no handler runs any more, then whatever calls
 * back from another thread ends (the jobs, the lab, the store's writer), then the requests. The operator is
 * answered while requests are drained, and no longer. */
static void stop_all(struct serve *s)
{
    int64_t deadline = clock_mono_us() + s->conf.http.drain_ms * 1000;

    atomic_store(&s->phase, PHASE_DRAINING);
    notify(&s->notifier, "STOPPING=1\nSTATUS=stopping: open requests finish");
    if (s->server)
        server_drain(s->server, deadline);
    listeners_drain(s, deadline);
    ops_stop(&s->ops);
    api_stop(&s->api);
    eim_pool_freep(&s->eims); /* after the last thread that could ask one */
    if (s->jobs)
        jobs_stop(s->jobs);
    intake_stop(&s->intake);
    if (s->analysts)
        lab_stop(s->analysts);
    if (s->db)
        records_sync(s->db); /* after it no job ends any more, and nobody wakes the courier */
    courier_stop(&s->courier);
    server_stop(s->server);
    listeners_stop(s);
    jobs_freep(&s->jobs);
    records_freep(&s->db);
    blobs_freep(&s->blobs);
    api_clear(&s->api);
}

/* ---- what the main thread does ---- */

/* Threads inherit the mask, so it is set before the first one starts. */
static sigset_t block_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return set;
}

/* To get this far, every lock below was free; a writer that is stuck longer than the watchdog waits is stuck.
 */
static void feed_watchdog(struct serve *s)
{
    struct jobs_stats jobs = jobs_stats(s->jobs);
    struct lab_stats lab = lab_stats(s->analysts);
    struct records_stats store;

    records_stats(s->db, &store);
    if (store.busy_us < s->notifier.watchdog_us)
        notify(&s->notifier, "WATCHDOG=1\nSTATUS=%zu jobs waiting, %zu running; %d analysts", jobs.queued,
               jobs.running, lab.analysts);
    else
        log_error("the store is stuck", "ms=%lld", (long long)store.busy_us / 1000);
}

/* The next signal; the watchdog is fed meanwhile. */
static int next_signal(struct serve *s, const sigset_t *signals)
{
    int64_t half = s->notifier.watchdog_us / 2;
    struct timespec t = {half / 1000000, half % 1000000 * 1000};
    int sig;

    for (;;) {
        sig = half ? sigtimedwait(signals, NULL, &t) : sigwaitinfo(signals, NULL);
        if (sig > 0)
            return sig;
        if (errno == EAGAIN)
            feed_watchdog(s);
    }
}

static void serve_until_told(struct serve *s, const sigset_t *signals)
{
    int sig;

    atomic_store(&s->phase, PHASE_SERVING);
    notify(&s->notifier, "READY=1\nSTATUS=ready");
    while ((sig = next_signal(s, signals)) == SIGHUP) {
        notify(&s->notifier, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_mono_us());
        serve_reload(s);
        notify(&s->notifier, "READY=1");
    }
    log_info("stopping", "signal=%d", sig);
}

static int serve(struct serve *s)
{
    sigset_t signals = block_signals();
    struct err err;
    int64_t begun = clock_mono_us();
    int status = 0;

    s->started_us = clock_wall_us();
    s->notifier = notifier_take();
    if (start_all(s, &err) < 0) {
        status = command_failed(&err);
    } else {
        log_info("ready", "port=%d analysts=%d ms=%lld data=%s ops=%s", server_port(s->server),
                 lab_stats(s->analysts).analysts, (long long)(clock_mono_us() - begun) / 1000,
                 s->conf.data.data, s->ops ? ops_address(s->ops) : "off");
        serve_until_told(s, &signals);
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
    .after = "Stop it with SIGTERM or Ctrl-C: open requests finish, queued jobs go on at the next start. "
             "SIGHUP reads "
             "the\nconfiguration and the rules again.",
};

const struct option_set *serve_sets(struct arena *a, struct serve_conf *c)
{
    const struct option_set all[] = {
        common_set(&c->common),
        {"HTTP", serve_rows, COUNT_OF(serve_rows), &c->http},
        data_set(&c->data),
        {"Jobs", api_options, api_noptions, &c->api},
        {"Scenes API", scenes_options, scenes_noptions, &c->api.scenes},
        {"Impulse API", impulse_options, impulse_noptions, &c->api.impulse},
        {"Provenance API", provenance_options, provenance_noptions, &c->api.provenance},
        {"Submit by URL", intake_options, intake_noptions, &c->fetching},
        {"Webhooks", hook_options, hook_noptions, &c->hooks},
        lab_set(&c->lab),
        eim_set(&c->eim),
        log_set(&c->log),
    };
    struct option_set *sets = arena_array(a, SERVE_SETS, sizeof *sets);

    _Static_assert(COUNT_OF(all) == SERVE_SETS, "SERVE_SETS counts them");
    memcpy(sets, all, sizeof all);
    return sets;
}

static int serve_run(int argc, char **argv)
{
    struct serve *s = &(struct serve){.arena = arena_new(), .argc = argc};
    struct err err;
    int status;

    s->argv = arena_array(s->arena, (size_t)argc + 1, sizeof *s->argv);
    memcpy(s->argv, argv, ((size_t)argc + 1) * sizeof *argv);
    status = command_options(s->arena, &help, serve_sets(s->arena, &s->conf), SERVE_SETS, &s->conf.common,
                             &argc, argv, &s->first);
    s->now = s->first;
    if (status < 0 && argc > 1) {
        fprintf(stderr, "assay: serve takes no argument '%s'\n", argv[1]);
        status = 2;
    }
    if (status < 0 && log_apply(&s->conf.log, &err) < 0)
        status = command_failed(&err);
    if (status < 0 && s->conf.http.print_config) {
        conf_print(s->first, stdout);
        status = 0;
    }
    if (status < 0)
        status = serve(s);
    arena_freep(&s->now_arena);
    arena_free(s->arena);
    return status;
}

const struct command command_serve = {"serve", "the HTTP API", serve_run};
