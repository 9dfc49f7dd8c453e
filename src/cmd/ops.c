/* The operator's listener: /healthz, /readyz, /metrics, /status. No key is asked for, so it has an address of
 * its own, which is never the public one.
 *
 * /healthz says that the process lives: nothing else is looked at. /readyz asks the disk, /status walks over
 * files: they wait, so a thread of their own does that, and a disk that hangs cannot hold up the other two.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/queue.h"
#include "base/text.h"
#include "cmd/serve_int.h"

enum { OPS_CONNECTIONS = 64, OPS_IDLE_SECONDS = 10, OPS_WAITING = 64, PROBE_US = 1000000, DRAIN_US = 100000 };

struct ops {
    struct serve *serve;
    struct server *server;
    struct arena *arena;
    const char *address;
    struct queue *slow; /* requests that wait for the disk */
    pthread_t thread;
    bool running;
    /* --- its thread only --- */
    int64_t probed_us;
    struct err disk; /* what the last probe said */
    struct disk_usage usage;
};

/* ---- readiness ---- */

/* How the store answered a probe. */
struct answer {
    pthread_mutex_t lock;
    pthread_cond_t wakeup;
    /* --- guarded by lock --- */
    bool here;
    struct err err;
};

static void answered(void *arg, const struct err *err)
{
    struct answer *a = arg;

    pthread_mutex_lock(&a->lock);
    a->here = true;
    a->err = *err;
    pthread_cond_signal(&a->wakeup);
    pthread_mutex_unlock(&a->lock);
}

static struct err probe_records(struct records *db)
{
    struct answer a = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, {0}};

    records_probe(db, answered, &a);
    pthread_mutex_lock(&a.lock);
    while (!a.here)
        pthread_cond_wait(&a.wakeup, &a.lock);
    pthread_mutex_unlock(&a.lock);
    pthread_cond_destroy(&a.wakeup);
    pthread_mutex_destroy(&a.lock);
    return a.err;
}

/* At most once a second: it costs two syncs. */
static void probe_disk(struct ops *o)
{
    int64_t now = clock_mono_us();

    if (o->probed_us && now - o->probed_us < PROBE_US)
        return;
    o->probed_us = now;
    o->disk = (struct err){0};
    if (blobs_probe(o->serve->blobs, &o->disk) == 0)
        o->disk = probe_records(o->serve->db);
}

/* Why the models cannot be used now, without waiting. */
static const char *lab_fault(struct arena *a, struct lab *lab)
{
    struct err err;

    if (lab_is_ready(lab) || lab_wait_ready(lab, clock_mono_us(), &err) == 0)
        return NULL;
    return err.kind == ERR_TIMEOUT ? "the models are still loading" : arena_strdup(a, err.text);
}

/* NULL: ready. Asks no disk. */
static const char *quick_fault(struct serve *s, struct arena *a)
{
    switch ((enum serve_phase)atomic_load(&s->phase)) {
    case PHASE_OPENING:
        return "the data directory is being opened";
    case PHASE_DRAINING:
        return "the server is stopping";
    case PHASE_LOADING:
    case PHASE_SERVING:
        break;
    }
    return lab_fault(a, s->analysts);
}

static const char *disk_fault(struct serve *s, struct arena *a, const struct err *disk)
{
    if (disk->kind != ERR_NONE)
        return arena_printf(a, "the disk refuses writes: %s", disk->text);
    if (jobs_stats(s->jobs).unsaved > 0)
        return "the disk has refused the outcome of a job; it is tried again every second";
    return NULL;
}

/* As far as is known without asking the disk. */
static const char *known_fault(struct serve *s, struct arena *a)
{
    const char *why = quick_fault(s, a);
    struct records_stats store;
    struct blobs_stats blobs;

    if (why)
        return why;
    records_stats(s->db, &store);
    blobs_stats(s->blobs, &blobs);
    if (store.failing || blobs.failing)
        return "the disk has refused the last write";
    return disk_fault(s, a, &(struct err){0});
}

static void reply_ready(struct request *r, const char *why)
{
    CLEANUP(json_mut_freep) yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    struct reply rep = {.status = why ? 503 : 200, .type = "application/json"};

    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_bool(doc, root, "ready", !why);
    if (why)
        yyjson_mut_obj_add_str(doc, root, "reason", why);
    rep.body = json_write(request_arena(r), doc);
    request_reply(r, &rep);
}

/* ---- on the thread that may wait ---- */

static void ready_slow(struct ops *o, struct request *r)
{
    struct arena *a = request_arena(r);
    const char *why = quick_fault(o->serve, a);

    if (!why) {
        probe_disk(o);
        why = quick_fault(o->serve, a); /* it may have taken its time */
    }
    reply_ready(r, why ? why : disk_fault(o->serve, a, &o->disk));
}

static void status_slow(struct ops *o, struct request *r)
{
    struct serve *s = o->serve;
    struct overview from = {.db = s->db, .dir = s->conf.data.data, .disk = &o->usage, .live = s};
    struct reply rep = {.status = 200, .type = "application/json"};
    struct err err;

    from.not_ready = known_fault(s, request_arena(r));
    if (overview_json(request_arena(r), &from, &rep.body, &err) < 0) {
        rep.status = 500;
        rep.type = "text/plain; charset=utf-8";
        rep.body = bytes_of(err.text, strlen(err.text));
    }
    request_reply(r, &rep);
}

typedef void slow_answer(struct ops *o, struct request *r);

static void *ops_main(void *arg)
{
    struct ops *o = arg;
    void *item;

    while (queue_take(o->slow, &item, 1, 0) > 0) {
        struct request *r = item;
        slow_answer **answer = request_data(r);
        (*answer)(o, r);
    }
    return NULL;
}

/* ---- on the net thread ---- */

static void say(struct request *r, int status, const char *text)
{
    request_reply(r, &(struct reply){.status = status,
                                     .type = "text/plain; charset=utf-8",
                                     .body = bytes_of(text, strlen(text))});
}

static void answer_later(struct request *r, slow_answer *answer)
{
    struct ops *o = request_context(r);
    slow_answer **data = arena_alloc(request_arena(r), sizeof(slow_answer *));

    *data = answer;
    request_set_data(r, data);
    if (!queue_push(o->slow, r))
        say(r, 503, "too many questions at once\n");
}

static void health_run(struct request *r)
{
    static const char body[] = "{\"alive\":true}";

    request_reply(r, &(struct reply){
                         .status = 200, .type = "application/json", .body = bytes_of(body, sizeof body - 1)});
}

static void ready_run(struct request *r)
{
    struct ops *o = request_context(r);
    const char *why = quick_fault(o->serve, request_arena(r));

    if (why)
        reply_ready(r, why);
    else
        answer_later(r, ready_slow);
}

static void status_run(struct request *r)
{
    struct ops *o = request_context(r);

    if (atomic_load(&o->serve->built))
        answer_later(r, status_slow);
    else
        say(r, 503, "the data directory is being opened\n");
}

static void metrics_run(struct request *r)
{
    struct ops *o = request_context(r);
    struct arena *a = request_arena(r);
    bool ready = atomic_load(&o->serve->built) && !known_fault(o->serve, a);
    struct reply rep = {.status = 200, .type = "text/plain; version=0.0.4; charset=utf-8"};

    rep.body = metrics_text(o->serve, a, ready);
    request_reply(r, &rep);
}

static const struct handler health = {.run = health_run}, ready = {.run = ready_run},
                            status = {.run = status_run}, metrics = {.run = metrics_run};
static const struct route routes[] = {
    {"GET", "/healthz", &health, 0},
    {"GET", "/readyz", &ready, 0},
    {"GET", "/metrics", &metrics, 0},
    {"GET", "/status", &status, 0},
};

/* ---- its life ---- */

static void ops_freep(struct ops **o)
{
    if (!*o)
        return;
    arena_free((*o)->arena);
    queue_free((*o)->slow);
    free(*o);
    *o = NULL;
}

/* The address as given, with the port it really has. */
static const char *real_address(struct ops *o, const char *listen)
{
    return arena_printf(o->arena, "%.*s:%d", (int)(strrchr(listen, ':') - listen), listen,
                        server_port(o->server));
}

static bool is_loopback(const char *address)
{
    return text_starts(address, "127.") || text_starts(address, "[::1]:") ||
           text_starts(address, "localhost:");
}

static int listen_on(struct ops *o, const char *listen, struct err *err)
{
    struct server_opts opts = {
        .listen = listen,
        .threads = 1,
        .max_connections = OPS_CONNECTIONS,
        .idle_seconds = OPS_IDLE_SECONDS,
        .routes = routes,
        .nroutes = COUNT_OF(routes),
        .context = o,
    };

    if (server_start(&o->server, &opts, err) < 0)
        return -1;
    o->address = real_address(o, listen);
    log_info("operator's listener", "address=%s", o->address);
    if (!is_loopback(listen))
        log_warn("the operator's listener asks for no key and can be reached from elsewhere", NULL);
    return 0;
}

int ops_start(struct ops **ret_ops, struct serve *s, struct err *err)
{
    const char *listen = s->conf.http.ops_listen;
    CLEANUP(ops_stop) struct ops *o = NULL;

    if (!listen || !*listen)
        return 0;
    o = mem_alloc(sizeof *o);
    o->serve = s;
    o->arena = arena_new();
    o->slow = queue_new(OPS_WAITING);
    if (pthread_create(&o->thread, NULL, ops_main, o) != 0)
        return FAIL(err, ERR_IO, "cannot start the operator's thread; raise the limit of threads");
    o->running = true;
    if (listen_on(o, listen, err) < 0)
        return -1;
    *ret_ops = TAKE(o);
    return 0;
}

const char *ops_address(const struct ops *o)
{
    return o ? o->address : NULL;
}

void ops_stop(struct ops **ops)
{
    struct ops *o = TAKE(*ops);

    if (!o)
        return;
    if (o->server)
        server_drain(o->server, clock_mono_us() + DRAIN_US);
    queue_close(o->slow); /* what is in it is answered first */
    if (o->running)
        pthread_join(o->thread, NULL);
    server_stop(o->server);
    ops_freep(&o);
}
