/* `assay serve`, in files: serve.c builds and tears down, ops.c answers the operator (metrics.c and
 * overview.c say what), listeners.c serves on more addresses, reload.c reads the configuration again. */
#ifndef ASSAY_CMD_SERVE_INT_H
#define ASSAY_CMD_SERVE_INT_H

#include <stdatomic.h>

#include "api/intake.h"
#include "base/notify.h"
#include "cmd/cmd.h"
#include "hook/deliver.h"
#include "store/disk.h"

struct serve_settings {
    const char *listen, *also_listen, *ops_listen, *tls_cert, *tls_key;
    int64_t threads, connections, idle_ms, drain_ms, max_queued, max_queued_tenant, keep_ms, keep_audit_ms;
    bool print_config, log_requests;
};

/* Everything the options say. */
struct serve_conf {
    struct common_settings common;
    struct data_settings data;
    struct lab_settings lab;
    struct eim_settings eim;
    struct log_settings log;
    struct serve_settings http;
    struct hook_opts hooks;
    struct intake_opts fetching;
    struct api_opts api;
};

/* Only grows. */
enum serve_phase {
    PHASE_OPENING, /* the store opens */
    PHASE_LOADING, /* requests are served, the models still load */
    PHASE_SERVING,
    PHASE_DRAINING, /* nothing new is taken */
};

struct reloads {
    atomic_ullong done, refused;
};

struct ops;
enum { MORE_LISTENERS = 4 };

struct serve {
    struct arena *arena;
    struct serve_conf conf;   /* the main thread's; what others need of it they have got */
    struct conf *first, *now; /* as read at the start, and last; reload.c */
    struct arena *now_arena;  /* of the last reading, unless it is the first */
    int argc;                 /* the command line, to be read again */
    char **argv;
    struct notifier notifier;
    atomic_int phase;   /* enum serve_phase */
    atomic_bool built;  /* everything below is there */
    int64_t started_us; /* wall */
    struct reloads reloads;
    struct guard guard;
    struct api api;
    struct records *db;
    struct blobs *blobs;
    struct lab *analysts;
    struct eim_pool *eims;
    struct intake *intake;
    struct jobs *jobs;
    struct courier *courier;
    struct server *server, *more[MORE_LISTENERS];
    int nmore;
    struct ops *ops;
};

/* ---- serve.c ---- */

/* The options of `assay serve`, which fill c; in the arena. */
enum { SERVE_SETS = 12 };
const struct option_set *serve_sets(struct arena *a, struct serve_conf *c);
/* The limits of the jobs, as the options say. */
struct jobs_limits serve_limits(const struct serve_conf *c);

/* ---- listeners.c: --also-listen ---- */

int listeners_start(struct serve *s, const struct server_opts *like, struct err *err);
void listeners_drain(struct serve *s, int64_t deadline_mono_us);
void listeners_stop(struct serve *s);
/* Of the server and these. */
void listeners_stats(struct serve *s, struct arena *a, struct server_stats *ret);

/* ---- reload.c ---- */

/* SIGHUP: all or nothing. */
void serve_reload(struct serve *s);

/* ---- ops.c ---- */

/* The operator's listener, when there is one (then *ret_ops stays NULL). */
int ops_start(struct ops **ret_ops, struct serve *s, struct err *err);
const char *ops_address(const struct ops *o); /* where it can be asked; NULL for NULL */
void ops_stop(struct ops **o); /* after it nothing of the serve is touched any more; NULL is fine */

/* ---- metrics.c ---- */

struct bytes metrics_text(struct serve *s, struct arena *a, bool ready);

/* ---- overview.c ---- */

/* How things stand, as JSON (docs/operating.md): from the records and files of a directory, and, unless
 * `live` is NULL, from the server that runs. */
struct overview {
    struct records *db;
    const char *dir;
    struct disk_usage *disk; /* kept from one call to the next, because a walk over all files takes time */
    struct serve *live;
    const char *not_ready; /* why the live one is not; NULL: it is */
    const char *note;      /* without `live`: what the owner of the directory has left; "" = nobody runs */
};
int overview_json(struct arena *a, const struct overview *from, struct bytes *ret, struct err *err);

#endif
