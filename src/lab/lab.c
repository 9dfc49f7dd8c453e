/* The lab thread and the calls for other threads. */
#include "lab/lab.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "lab/front_int.h"

enum {
    GRACE_US = 1000000, /* between the analyst's own deadline and the kill */
    BACKOFF_FIRST_US = 100000,
    BACKOFF_MAX_US = 5000000,
    PROGRESS_PER_SECOND = 20, /* twice what an honest analyst sends; beyond it is flooding us */
    EVENTS = 64,
};

static int64_t lesser(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

struct lab_opts lab_opts_defaults(void)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);

    return (struct lab_opts){
        .analysts = (int)(cpus < 1 ? 1 : lesser(cpus, LAB_MAX_ANALYSTS)),
        .tasks_per_analyst = 64,
        .memory_bytes = 512LL << 20,
        .artefact_bytes = 512LL << 20,
        .max_pixels = 8192LL * 4096,
        .max_seconds = 3600,
        .cpu_us = 8000000,
    };
}

static void wake(struct lab *lab)
{
    uint64_t one = 1;
    ssize_t n UNUSED = write(lab->wake_fd, &one, sizeof one); /* full means: awake anyway */
}

static void awake(struct lab *lab)
{
    uint64_t count;
    ssize_t n UNUSED = read(lab->wake_fd, &count, sizeof count);
}

void backoff_failed(struct backoff *b)
{
    b->pause_us = b->pause_us ? b->pause_us * 2 : BACKOFF_FIRST_US;
    if (b->pause_us > BACKOFF_MAX_US)
        b->pause_us = BACKOFF_MAX_US;
    b->until_us = clock_mono_us() + b->pause_us;
}

int lab_watch(struct lab *lab, int fd, uint32_t tag)
{
    struct epoll_event e = {.events = EPOLLIN, .data.u32 = tag};

    return epoll_ctl(lab->epoll_fd, EPOLL_CTL_ADD, fd, &e);
}

int fd_set_nonblocking(int fd)
{
    return fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK);
}

void lab_set_failed(struct lab *lab, const struct err *why)
{
    pthread_mutex_lock(&lab->lock);
    lab->failed = *why;
    pthread_cond_broadcast(&lab->changed);
    pthread_mutex_unlock(&lab->lock);
}

/* ---- the lab thread ---- */

static void fill_places_when_due(struct lab *lab, int64_t now)
{
    if (lab->keeper_sock < 0 || !lab->loaded)
        return;
    for (size_t i = 0; i < lab->nplaces; i++)
        if (lab->places[i].serial == 0 && now >= lab->spawn_backoff.until_us)
            keeper_ask_for(lab, &lab->places[i]);
}

static void kill_overdue(struct lab *lab, int64_t now)
{
    pthread_mutex_lock(&lab->lock);
    for (size_t i = 0; i < lab->nplaces; i++) {
        struct place *p = &lab->places[i];
        struct err why = {0};
        if (p->state != BUSY || now < p->kill_at_us)
            continue;
        err_set(&why, ERR_TIMEOUT, "The analysis did not end within its deadline of %lld ms and was stopped.",
                (long long)p->ticket->deadline_ms);
        place_leave(lab, p, &why);
    }
    pthread_mutex_unlock(&lab->lock);
}

/* When the loop has something to do even if nobody says a word. */
static int64_t next_due(struct lab *lab)
{
    int64_t due = INT64_MAX;

    if (lab->keeper_sock < 0)
        return lab->keeper_backoff.until_us;
    pthread_mutex_lock(&lab->lock);
    for (size_t i = 0; i < lab->nplaces; i++)
        if (lab->places[i].state == BUSY)
            due = lesser(due, lab->places[i].kill_at_us);
        else if (lab->places[i].state == EMPTY && lab->loaded)
            due = lesser(due, lab->spawn_backoff.until_us);
    pthread_mutex_unlock(&lab->lock);
    return due;
}

static int wait_ms(int64_t due)
{
    int64_t left = due - clock_mono_us();

    if (due == INT64_MAX)
        return -1;
    return left <= 0 ? 0 : (int)lesser(left / 1000 + 1, INT_MAX);
}

static bool is_stopping(struct lab *lab)
{
    bool stopping;

    pthread_mutex_lock(&lab->lock);
    stopping = lab->stopping;
    pthread_mutex_unlock(&lab->lock);
    return stopping;
}

static void on_event(struct lab *lab, uint32_t tag)
{
    if (tag == TAG_KEEPER)
        keeper_hear(lab);
    else if (tag == TAG_WAKE)
        awake(lab);
    else
        place_hear(lab, &lab->places[tag]);
}

static void wind_up(struct lab *lab)
{
    struct err why = {0};

    err_set(&why, ERR_CANCELLED, "The program is shutting down.");
    pthread_mutex_lock(&lab->lock);
    for (size_t i = 0; i < lab->nplaces; i++)
        place_leave(lab, &lab->places[i], &why);
    pthread_mutex_unlock(&lab->lock);
    keeper_dismiss(lab, &why);
}

static void *lab_thread(void *arg)
{
    struct lab *lab = arg;
    struct epoll_event events[EVENTS];

    while (!is_stopping(lab)) {
        int64_t now = clock_mono_us();
        int n;
        keeper_start_when_due(lab, now);
        fill_places_when_due(lab, now);
        kill_overdue(lab, now);
        n = epoll_wait(lab->epoll_fd, events, EVENTS, wait_ms(next_due(lab)));
        for (int i = 0; i < n; i++)
            on_event(lab, events[i].data.u32);
    }
    wind_up(lab);
    return NULL;
}

/* ---- for other threads ---- */

static int copy_option(char *dst, size_t size, const char *src, const char *what, struct err *err)
{
    if (src && strlen(src) >= size)
        return FAIL(err, ERR_INPUT, "the %s is too long", what);
    text_copy(dst, size, src ? src : "");
    return 0;
}

static int copy_options(struct lab *lab, const struct lab_opts *opts, struct err *err)
{
    struct msg_options *m = &lab->options;

    if (opts->analysts < 1 || opts->analysts > LAB_MAX_ANALYSTS)
        return FAIL(err, ERR_INPUT, "the number of analysts must be 1 to %d", LAB_MAX_ANALYSTS);
    if (opts->tasks_per_analyst < 1 || opts->memory_bytes < 1 || opts->artefact_bytes < 1)
        return FAIL(err, ERR_INPUT, "tasks, memory or artefact size of an analyst is too small");
    lab->opts = *opts;
    lab->opts.models_dir = lab->opts.runtime = lab->opts.detector = lab->opts.keeper = lab->opts.languages =
        lab->opts.tessdata = lab->opts.anchors = lab->opts.allowed = lab->opts.stamps = lab->opts.faces =
            lab->opts.tags = NULL; /* copied elsewhere */
    lab->keeper = mem_strdup(opts->keeper ? opts->keeper : "/proc/self/exe");
    m->memory_bytes = opts->memory_bytes;
    m->artefact_bytes = opts->artefact_bytes;
    m->max_pixels = opts->max_pixels;
    m->max_seconds = opts->max_seconds;
    m->cpu_us = opts->cpu_us;
    m->plain = opts->plain;
    if (copy_option(m->models_dir, sizeof m->models_dir, opts->models_dir, "path of the models", err) < 0 ||
        copy_option(m->runtime, sizeof m->runtime, opts->runtime, "path of the runtime", err) < 0 ||
        copy_option(m->detector, sizeof m->detector, opts->detector, "name of the detector", err) < 0 ||
        copy_option(m->faces, sizeof m->faces, opts->faces, "name of the model of faces", err) < 0 ||
        copy_option(m->tags, sizeof m->tags, opts->tags, "name of the model of tags", err) < 0 ||
        copy_option(m->languages, sizeof m->languages, opts->languages, "list of languages", err) < 0 ||
        copy_option(m->tessdata, sizeof m->tessdata, opts->tessdata, "path of the languages", err) < 0 ||
        copy_option(m->anchors, sizeof m->anchors, opts->anchors, "path of the trusted anchors", err) < 0 ||
        copy_option(m->allowed, sizeof m->allowed, opts->allowed, "path of the trusted signers", err) < 0 ||
        copy_option(m->stamps, sizeof m->stamps, opts->stamps, "path of the time stamp anchors", err) < 0)
        return -1;
    return 0;
}

static void lab_freep(struct lab **lab)
{
    if (!*lab)
        return;
    fd_closep(&(*lab)->epoll_fd);
    fd_closep(&(*lab)->wake_fd);
    pthread_cond_destroy(&(*lab)->changed);
    pthread_mutex_destroy(&(*lab)->lock);
    free((*lab)->places);
    free((*lab)->keeper);
    free(*lab);
    *lab = NULL;
}

static struct lab *lab_new(void)
{
    struct lab *lab = mem_alloc(sizeof *lab);
    pthread_condattr_t attr;

    lab->keeper_pidfd = lab->keeper_sock = -1;
    lab->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    lab->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&lab->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&lab->changed, &attr);
    pthread_condattr_destroy(&attr);
    return lab;
}

/* The lab thread takes no signals: they are for the threads of the program. */
static int start_thread(struct lab *lab)
{
    sigset_t all, before;
    int r;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    r = pthread_create(&lab->thread, NULL, lab_thread, lab);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = r;
    return r ? -1 : 0;
}

int lab_start(struct lab **ret_lab, const struct lab_opts *opts, struct err *err)
{
    CLEANUP(lab_freep) struct lab *lab = lab_new();

    if (copy_options(lab, opts, err) < 0)
        return -1;
    if (lab->epoll_fd < 0 || lab->wake_fd < 0)
        return FAIL_ERRNO(err, "cannot watch the lab");
    lab->kits = KIT_ALARM;
    lab->nplaces = (size_t)opts->analysts;
    lab->places = mem_alloc(lab->nplaces * sizeof *lab->places);
    for (size_t i = 0; i < lab->nplaces; i++)
        lab->places[i] = (struct place){.sock = -1, .pidfd = -1};
    if (lab_watch(lab, lab->wake_fd, TAG_WAKE) < 0)
        return FAIL_ERRNO(err, "cannot watch the lab");
    if (start_thread(lab) < 0)
        return FAIL_ERRNO(err, "cannot start the lab's thread");
    *ret_lab = TAKE(lab);
    return 0;
}

void lab_stop(struct lab *lab)
{
    if (!lab)
        return;
    pthread_mutex_lock(&lab->lock);
    lab->stopping = true;
    pthread_mutex_unlock(&lab->lock);
    wake(lab);
    pthread_join(lab->thread, NULL);
    lab_freep(&lab);
}

int lab_wait_ready(struct lab *lab, int64_t deadline_mono_us, struct err *err)
{
    struct timespec until = {deadline_mono_us / 1000000, deadline_mono_us % 1000000 * 1000};
    struct err failed;
    bool ready;
    int r = 0;

    pthread_mutex_lock(&lab->lock);
    while (!lab->up_once && lab->failed.kind == ERR_NONE && r == 0)
        r = pthread_cond_timedwait(&lab->changed, &lab->lock, &until);
    ready = lab->up_once;
    failed = lab->failed;
    pthread_mutex_unlock(&lab->lock);
    if (ready)
        return 0;
    if (failed.kind != ERR_NONE)
        return FAIL(err, failed.kind, "%s", failed.text);
    return FAIL(err, ERR_TIMEOUT, "the models were not loaded in time");
}

bool lab_is_ready(struct lab *lab)
{
    bool ready;

    pthread_mutex_lock(&lab->lock);
    ready = lab->up_once;
    pthread_mutex_unlock(&lab->lock);
    return ready;
}

/* Whether an analyst who has the kit comes up at this place without anybody asking for it. */
static bool brings(const struct place *p, unsigned kit)
{
    if (p->state == STARTING)
        return (p->kits & kit) == kit;
    return p->outgrown || p->state == EMPTY || p->state == LEAVING;
}

/* Needs the lock. No idle analyst has the kit: from now on every new one gets it, and one of the idle ones
 * makes room, unless a new one is on its way. The lab thread sees it hang up, and `idle` is called when its
 * successor is up. */
static void grow(struct lab *lab, unsigned kit)
{
    lab->kits |= kit;
    for (size_t i = 0; i < lab->nplaces; i++)
        if (brings(&lab->places[i], kit))
            return;
    for (size_t i = 0; i < lab->nplaces; i++) {
        struct place *p = &lab->places[i];
        if (p->state != IDLE)
            continue;
        p->outgrown = true;
        pidfd_kill(p->pidfd);
        return;
    }
}

/* Needs the lock. An idle analyst which cannot be reached has died, or memory for the message was missing:
 * it is replaced, and the next one to come up calls `idle`. Left as it is, nobody would ever call again. */
static bool assign(struct lab *lab, struct ticket *t)
{
    for (size_t i = 0; i < lab->nplaces; i++) {
        struct place *p = &lab->places[i];
        if (p->state != IDLE || p->outgrown || (p->kits & t->kit) != t->kit)
            continue;
        if (ticket_send(t, p->sock) < 0) {
            pidfd_kill(p->pidfd); /* the lab thread sees it hang up */
            continue;
        }
        p->state = BUSY;
        p->ticket = t;
        p->kill_at_us = clock_mono_us() + t->deadline_ms * 1000 + GRACE_US;
        p->progress_left = PROGRESS_PER_SECOND * (t->deadline_ms / 1000 + 2);
        return true;
    }
    grow(lab, t->kit);
    return false;
}

static bool has_idle(struct lab *lab)
{
    bool idle = false;

    pthread_mutex_lock(&lab->lock);
    for (size_t i = 0; i < lab->nplaces && !idle; i++)
        idle = lab->places[i].state == IDLE;
    pthread_mutex_unlock(&lab->lock);
    return idle;
}

int lab_run(struct lab *lab, const struct lab_task *task, struct err *err)
{
    CLEANUP(ticket_freep) struct ticket *t = NULL;
    bool assigned;

    if (!has_idle(lab))
        return FAIL(err, ERR_BUSY, "all analysts are busy");
    t = ticket_new(task, err);
    if (!t)
        return -1;
    pthread_mutex_lock(&lab->lock);
    assigned = !lab->stopping && assign(lab, t);
    pthread_mutex_unlock(&lab->lock);
    if (!assigned)
        return FAIL(err, ERR_BUSY, "all analysts are busy");
    (void)TAKE(t);
    wake(lab); /* there is a new deadline */
    return 0;
}

bool lab_cancel(struct lab *lab, const char *job_id)
{
    struct err why = {0};
    bool found = false;

    err_set(&why, ERR_CANCELLED, "The job was cancelled.");
    pthread_mutex_lock(&lab->lock);
    for (size_t i = 0; i < lab->nplaces && !found; i++) {
        struct place *p = &lab->places[i];
        found = p->state == BUSY && p->why.kind == ERR_NONE && text_is(p->ticket->job_id, job_id);
        if (!found)
            continue;
        p->why = why;
        pidfd_kill(p->pidfd); /* the lab thread sees it hang up */
    }
    pthread_mutex_unlock(&lab->lock);
    return found;
}

struct lab_stats lab_stats(struct lab *lab)
{
    struct lab_stats s;

    pthread_mutex_lock(&lab->lock);
    s = lab->stats;
    s.places = (int)lab->nplaces;
    for (size_t i = 0; i < lab->nplaces; i++) {
        s.analysts += lab->places[i].state == IDLE || lab->places[i].state == BUSY;
        s.busy += lab->places[i].state == BUSY;
    }
    pthread_mutex_unlock(&lab->lock);
    return s;
}

/* Under lock. task NULL: all. */
static size_t copy_models(const struct lab *lab, struct arena *a, const char *task,
                          struct model_ref **ret_models)
{
    struct model_ref *models = arena_array(a, lab->nmodels, sizeof *models);
    size_t n = 0;

    for (size_t i = 0; i < lab->nmodels; i++) {
        if (task && !text_is(lab->models[i].task, task))
            continue;
        models[n++] = (struct model_ref){
            .name = arena_strdup(a, lab->models[i].name),
            .version = arena_strdup(a, lab->models[i].version),
            .task = arena_strdup(a, lab->models[i].task),
            .sha256 = arena_strdup(a, lab->models[i].sha256),
            .card = arena_strdup(a, lab->models[i].card),
        };
    }
    *ret_models = models;
    return n;
}

size_t lab_models(struct lab *lab, struct arena *a, struct model_ref **ret_models)
{
    size_t n;

    pthread_mutex_lock(&lab->lock);
    n = copy_models(lab, a, NULL, ret_models);
    pthread_mutex_unlock(&lab->lock);
    return n;
}

bool lab_makers(struct lab *lab, struct arena *a, struct makers *ret)
{
    struct model_ref *models;
    bool loaded;

    pthread_mutex_lock(&lab->lock);
    loaded = lab->loaded;
    *ret = (struct makers){
        .nmodels = copy_models(lab, a, "detect", &models),
        .decoder = arena_strdup(a, lab->about.decoder),
        .runtime = arena_strdup(a, lab->about.runtime),
        .program = {arena_strdup(a, lab->about.version), arena_strdup(a, lab->about.commit)},
        .max_pixels = lab->opts.max_pixels,
        .max_seconds = lab->opts.max_seconds,
        .cpu_us = lab->opts.cpu_us,
    };
    ret->models = models;
    pthread_mutex_unlock(&lab->lock);
    return loaded;
}
