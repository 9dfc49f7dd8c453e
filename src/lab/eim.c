/* The pool of foreign programs, and what each of them is asked. */
#include "lab/eim.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "lab/eim_int.h"
#include "lab/front_int.h"

enum { PROGRAMS = 64 };

struct eim {
    struct eim_pool *pool;
    const char *name;
    pthread_mutex_t lock;
    /* --- guarded by lock --- */
    struct run run;
    struct stat file; /* of the program that runs */
    struct backoff backoff;
    struct arena *arena; /* of what it said of itself */
    struct eim_about about;
    int64_t last_id;
};

struct eim_pool {
    struct arena *arena;
    struct eim_opts opts;
    const char *executable;
    struct cell_order order; /* but for the program */
    pthread_mutex_t lock;
    /* --- guarded by lock --- */
    struct eim *programs[PROGRAMS];
    size_t n;
    struct eim_stats stats;
};

struct eim_opts eim_opts_defaults(void)
{
    return (struct eim_opts){.temporary = "/tmp",
                             .memory_bytes = 1LL << 30,
                             .file_bytes = 64 << 20,
                             .cpu_seconds = 3600,
                             .processes = 256,
                             .start_ms = 10000};
}

/* ---- the pool ---- */

static int find_user(const char *name, struct cell_order *o, struct err *err)
{
    struct passwd entry, *found = NULL;
    char text[16 << 10];

    if (geteuid() != 0)
        return name ? FAIL(err, ERR_INPUT,
                           "only root can run .eim programs as somebody else; leave the user out")
                    : 0;
    if (!name)
        return FAIL(err, ERR_INPUT,
                    "root runs no .eim programs itself; name a user for them who has no other business");
    if (getpwnam_r(name, &entry, text, sizeof text, &found) != 0 || !found)
        return FAIL(err, ERR_INPUT, "there is no user %.60s for .eim programs", name);
    if (found->pw_uid == 0)
        return FAIL(err, ERR_INPUT, "the user for .eim programs must not be root");
    o->other_user = true;
    o->uid = found->pw_uid;
    o->gid = found->pw_gid;
    return 0;
}

static int check_folder(const char *dir, struct err *err)
{
    struct stat st;

    if (stat(dir, &st) < 0)
        return FAIL_ERRNO(err, "cannot look at the folder of .eim programs, %s", dir);
    if (!S_ISDIR(st.st_mode))
        return FAIL(err, ERR_INPUT, "%s is to hold .eim programs, but it is no folder", dir);
    if (st.st_mode & S_IWOTH)
        return FAIL(err, ERR_INPUT, "everybody may write to %s, so nothing in it is run; chmod o-w it", dir);
    return 0;
}

static int fill_order(struct eim_pool *p, struct err *err)
{
    const struct eim_opts *o = &p->opts;

    if (!realpath(o->dir, p->order.dir))
        return FAIL_ERRNO(err, "cannot look at the folder of .eim programs, %s", o->dir);
    if (strlen(o->temporary) > CELL_FOLDER - 20)
        return FAIL(err, ERR_INPUT, "the folder for temporary files has a name of more than %d bytes",
                    CELL_FOLDER - 20);
    text_copy(p->order.temporary, sizeof p->order.temporary, o->temporary);
    p->order.memory_bytes = o->memory_bytes;
    p->order.file_bytes = o->file_bytes;
    p->order.cpu_seconds = o->cpu_seconds;
    p->order.processes = o->processes;
    return find_user(o->user, &p->order, err);
}

int eim_pool_new(struct eim_pool **ret, const struct eim_opts *opts, struct err *err)
{
    CLEANUP(eim_pool_freep) struct eim_pool *p = mem_alloc(sizeof *p);

    p->arena = arena_new();
    p->opts = *opts;
    p->executable = opts->program ? arena_strdup(p->arena, opts->program) : "/proc/self/exe";
    pthread_mutex_init(&p->lock, NULL);
    if (check_folder(opts->dir, err) < 0 || fill_order(p, err) < 0)
        return -1;
    p->opts.dir = p->order.dir;
    p->opts.user = p->opts.program = p->opts.temporary = NULL; /* they were the caller's */
    *ret = TAKE(p);
    return 0;
}

static void eim_free(struct eim *e)
{
    run_end(&e->run, true);
    arena_free(e->arena);
    pthread_mutex_destroy(&e->lock);
    free(e);
}

void eim_pool_freep(struct eim_pool **pool)
{
    struct eim_pool *p = *pool;

    if (!p)
        return;
    for (size_t i = 0; i < p->n; i++)
        eim_free(p->programs[i]);
    pthread_mutex_destroy(&p->lock);
    arena_free(p->arena);
    free(p);
    *pool = NULL;
}

struct eim_stats eim_stats(struct eim_pool *p)
{
    struct eim_stats stats;

    pthread_mutex_lock(&p->lock);
    stats = p->stats;
    pthread_mutex_unlock(&p->lock);
    return stats;
}

/* ---- opening ---- */

static bool is_plain_name(const char *name)
{
    size_t n = strlen(name);

    if (n == 0 || n > 200 || name[0] == '.' || name[0] == '-' || !text_is_utf8(name, n))
        return false;
    for (size_t i = 0; i < n; i++)
        if (name[i] == '/' || (unsigned char)name[i] < 0x20 || name[i] == 0x7f)
            return false;
    return true;
}

static int look_at(const struct eim_pool *p, const char *name, struct stat *ret, struct err *err)
{
    char path[2 * PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", p->order.dir, name);
    if (strlen(path) >= PATH_MAX)
        return FAIL(err, ERR_INPUT, "the path of %.60s is too long", name);
    if (lstat(path, ret) < 0)
        return FAIL(err, ERR_NOT_FOUND, "there is no program %.120s in the folder of .eim programs", name);
    if (!S_ISREG(ret->st_mode) || !(ret->st_mode & 0111))
        return FAIL(err, ERR_DENIED, "%.120s is no executable file", name);
    if (ret->st_mode & S_IWOTH)
        return FAIL(err, ERR_DENIED, "everybody may write to %.120s, so it is not run", name);
    return 0;
}

static struct eim *find(const struct eim_pool *p, const char *name)
{
    for (size_t i = 0; i < p->n; i++)
        if (text_is(p->programs[i]->name, name))
            return p->programs[i];
    return NULL;
}

static struct eim *add(struct eim_pool *p, const char *name, struct err *err)
{
    struct eim *e;

    if (p->n == PROGRAMS)
        return FAIL_NULL(err, ERR_LIMIT, "%d .eim programs are in use, and there is no room for more",
                         PROGRAMS);
    e = mem_alloc(sizeof *e);
    e->pool = p;
    e->name = arena_strdup(p->arena, name);
    e->run = RUN_NONE;
    e->arena = arena_new();
    pthread_mutex_init(&e->lock, NULL);
    return p->programs[p->n++] = e;
}

int eim_open(struct eim_pool *p, const char *name, struct eim **ret, struct err *err)
{
    struct stat st;
    struct eim *e;

    if (!is_plain_name(name))
        return FAIL(err, ERR_INPUT, "a .eim program is named by its file's name, without a folder");
    if (look_at(p, name, &st, err) < 0)
        return -1;
    pthread_mutex_lock(&p->lock);
    e = find(p, name);
    e = e ? e : add(p, name, err);
    pthread_mutex_unlock(&p->lock);
    *ret = e;
    return e ? 0 : -1;
}

/* ---- its life ---- */

static void count(struct eim_pool *p, int64_t *of)
{
    pthread_mutex_lock(&p->lock);
    (*of)++;
    pthread_mutex_unlock(&p->lock);
}

/* Ends it for what it did, and says so; the next start waits. */
static int failed(struct eim *e, const struct err *why, struct err *err)
{
    run_end(&e->run, false);
    backoff_failed(&e->backoff);
    count(e->pool, &e->pool->stats.failed);
    log_warn("eim program failed", "program=%s pause_ms=%lld why=%s", e->name,
             (long long)e->backoff.pause_us / 1000, why->text);
    return FAIL(err, why->kind, "%.60s: %.180s", e->name, why->text);
}

/* A message that is asked for; the request is the arena's. */
static int exchange(struct eim *e, struct arena *a, struct eim_request *request, int64_t deadline_us,
                    struct bytes *ret, struct err *err)
{
    struct bytes text;

    request->id = ++e->last_id;
    return eim_request_write(a, request, &text, err) < 0 || run_ask(&e->run, text, deadline_us, ret, err) < 0
               ? -1
               : 0;
}

static int greet(struct eim *e, int64_t deadline_us, struct err *err)
{
    struct eim_request hello = {.ask = EIM_HELLO};
    struct bytes answer;

    arena_freep(&e->arena);
    e->arena = arena_new();
    e->last_id = 0;
    if (exchange(e, e->arena, &hello, deadline_us, &answer, err) < 0)
        return -1;
    return eim_hello_read(e->arena, answer, hello.id, &e->about, err) ? -1 : 0;
}

static int start(struct eim *e, int64_t deadline_us, struct err *err)
{
    int64_t patience = clock_mono_us() + e->pool->opts.start_ms * 1000;
    CLEANUP(freep) struct cell_order *order = mem_alloc(sizeof *order);
    struct err why = {0};

    if (clock_mono_us() < e->backoff.until_us)
        return FAIL(err, ERR_BUSY, "%.120s has failed just now and is not started again yet; try again later",
                    e->name);
    *order = e->pool->order;
    snprintf(order->program, sizeof order->program, "%.3800s/%.200s", e->pool->order.dir, e->name);
    count(e->pool, &e->pool->stats.started);
    patience = patience < deadline_us ? patience : deadline_us;
    if (run_start(&e->run, e->pool->executable, order, patience, &why) < 0 || greet(e, patience, &why) < 0)
        return failed(e, &why, err);
    log_info("eim program started", "program=%s pid=%d alone=%d landlock=%d features=%zu labels=%zu", e->name,
             (int)e->run.program, e->run.alone, e->run.landlock, e->about.nfeatures, e->about.nlabels);
    return 0;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* It runs, has said hello, is the file that lies there now, and waits for a request. */
static int ready(struct eim *e, int64_t deadline_us, struct err *err)
{
    struct stat st;

    if (look_at(e->pool, e->name, &st, err) < 0)
        return -1;
    if (run_is(&e->run) && (!same_file(&st, &e->file) || !run_is_quiet(&e->run)))
        run_end(&e->run, false);
    e->file = st;
    return run_is(&e->run) ? 0 : start(e, deadline_us, err);
}

/* ---- asking ---- */

static struct eim_about about_copy(struct arena *a, const struct eim_about *from)
{
    struct eim_about to = *from;
    const char **labels = arena_array(a, from->nlabels, sizeof *labels);
    struct eim_threshold *thresholds = arena_array(a, from->nthresholds, sizeof *thresholds);

    for (size_t i = 0; i < from->nlabels; i++)
        labels[i] = arena_strdup(a, from->labels[i]);
    for (size_t i = 0; i < from->nthresholds; i++)
        thresholds[i] =
            (struct eim_threshold){from->thresholds[i].block, arena_strdup(a, from->thresholds[i].type),
                                   arena_strdup(a, from->thresholds[i].key), from->thresholds[i].value};
    to.labels = labels;
    to.thresholds = thresholds;
    to.project.name = arena_strdup(a, from->project.name);
    to.project.owner = arena_strdup(a, from->project.owner);
    to.project.impulse_name = arena_strdup(a, from->project.impulse_name);
    return to;
}

int eim_hello(struct eim *e, struct arena *a, int64_t deadline_mono_us, struct eim_about *ret,
              struct err *err)
{
    int r;

    pthread_mutex_lock(&e->lock);
    r = ready(e, deadline_mono_us, err);
    if (r == 0)
        *ret = about_copy(a, &e->about);
    pthread_mutex_unlock(&e->lock);
    return r;
}

/* Labels of boxes are those of the hello, which ends with the program. */
static void own_labels(struct arena *a, struct eim_result *r)
{
    struct sensor_box *boxes = arena_array(a, r->nboxes, sizeof *boxes);

    for (size_t i = 0; i < r->nboxes; i++) {
        boxes[i] = r->boxes[i];
        boxes[i].label = arena_strdup(a, boxes[i].label);
    }
    r->boxes = boxes;
}

static int classify(struct eim *e, struct eim_request *request, struct arena *a, int64_t deadline_us,
                    struct eim_result *ret, struct err *err)
{
    CLEANUP(arena_freep) struct arena *text = arena_new();
    struct eim_result result;
    struct bytes answer;
    struct err why = {0};
    int r;

    if (request->n != e->about.nfeatures)
        return FAIL(err, ERR_INPUT, "%.60s judges windows of %zu numbers, not of %zu", e->name,
                    e->about.nfeatures, request->n);
    if (exchange(e, text, request, deadline_us, &answer, &why) < 0)
        return why.kind == ERR_INPUT ? FAIL(err, why.kind, "%s", why.text) : failed(e, &why, err);
    r = eim_result_read(a, answer, request->id, &e->about, &result, &why);
    if (r < 0)
        return failed(e, &why, err);
    e->backoff = (struct backoff){0};
    if (r > 0)
        return FAIL(err, ERR_MODEL, "%.60s: %.180s", e->name, why.text);
    own_labels(a, &result);
    *ret = result;
    return 0;
}

int eim_classify(struct eim *e, const float *features, size_t n, struct arena *a, int64_t deadline_mono_us,
                 struct eim_result *ret, struct err *err)
{
    struct eim_request request = {.ask = EIM_CLASSIFY, .n = n, .features = features};
    int r;

    pthread_mutex_lock(&e->lock);
    r = ready(e, deadline_mono_us, err);
    if (r == 0)
        r = classify(e, &request, a, deadline_mono_us, ret, err);
    pthread_mutex_unlock(&e->lock);
    return r;
}
