/* The lab with a fake analysis which does what the subject's name says (fake.c). This program is its own
 * keeper. */
#include "lab/lab.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "fake.h"
#include "test.h"

enum { SECOND = 1000000, PATIENCE_US = 60 * SECOND };

#define SUBJECT_HASH "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* ---- one lab and its tasks ---- */

struct desk {
    struct lab *lab;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int idle_calls;
};

static void note_idle(void *arg)
{
    struct desk *d = arg;

    pthread_mutex_lock(&d->lock);
    d->idle_calls++;
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->lock);
}

static struct lab_opts small_lab(int analysts)
{
    struct lab_opts opts = lab_opts_defaults();

    opts.analysts = analysts;
    opts.memory_bytes = 256 << 20;
    return opts;
}

/* In the place of the C library's: the next message with descriptors is refused. */
static atomic_int refuse_tasks;

ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
    if (m->msg_controllen && atomic_exchange(&refuse_tasks, 0)) {
        errno = ENOBUFS;
        return -1;
    }
    return syscall(SYS_sendmsg, fd, m, flags);
}

/* The same: the n-th descriptor cannot be watched. */
static atomic_int refuse_watch;

int epoll_ctl(int epoll, int what, int fd, struct epoll_event *event)
{
    if (what == EPOLL_CTL_ADD && atomic_fetch_sub(&refuse_watch, 1) == 1) {
        errno = ENOMEM;
        return -1;
    }
    return (int)syscall(SYS_epoll_ctl, epoll, what, fd, event);
}

static struct desk *desk_start(struct lab_opts opts)
{
    struct desk *d = mem_alloc(sizeof *d);
    struct err err = {0};

    pthread_mutex_init(&d->lock, NULL);
    pthread_cond_init(&d->changed, NULL);
    opts.idle = note_idle;
    opts.idle_arg = d;
    CHECK(lab_start(&d->lab, &opts, &err) == 0);
    return d;
}

static struct desk *desk_open(int analysts)
{
    struct desk *d = desk_start(small_lab(analysts));
    struct err err = {0};

    CHECK(lab_wait_ready(d->lab, clock_mono_us() + PATIENCE_US, &err) == 0);
    CHECK_STR(err.text, "");
    return d;
}

static void desk_close(struct desk *d)
{
    lab_stop(d->lab);
    pthread_cond_destroy(&d->changed);
    pthread_mutex_destroy(&d->lock);
    free(d);
}

struct order {
    struct desk *desk;
    int done, progressed, last_done, last_planned; /* guarded by the desk's lock */
    struct err error, report_error;
    double intrusion; /* -1: no such score */
    bool has_json;
    int64_t ended_us;
};

static void note_done(void *arg, const struct lab_result *result)
{
    struct order *o = arg;
    const struct score *s = result->report ? report_score(result->report, "intrusion") : NULL;

    pthread_mutex_lock(&o->desk->lock);
    o->done++;
    o->error = result->error;
    if (result->report)
        o->report_error = result->report->error;
    o->intrusion = s ? s->value : -1;
    o->has_json = result->report_json.len > 0;
    o->ended_us = clock_mono_us();
    pthread_cond_broadcast(&o->desk->changed);
    pthread_mutex_unlock(&o->desk->lock);
}

static void note_progress(void *arg, int done, int planned)
{
    struct order *o = arg;

    pthread_mutex_lock(&o->desk->lock);
    o->progressed++;
    o->last_done = done;
    o->last_planned = planned;
    pthread_mutex_unlock(&o->desk->lock);
}

static int memory_file(const char *text)
{
    int fd = memfd_create("subject", MFD_CLOEXEC);

    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    return fd;
}

struct wish {
    const char *id, *deed, *pipeline;
    int64_t deadline_ms;
    int artefact_fd;
    const struct report *report; /* makes it an annotate job */
};

static int try_order(struct desk *d, struct order *o, const struct wish *w, struct err *err)
{
    CLEANUP(fd_closep) int subject = memory_file("1");
    struct lab_task task = {.spec = job_spec_defaults(),
                            .subject_fd = subject,
                            .artefact_fd = w->artefact_fd,
                            .done = note_done,
                            .progress = note_progress,
                            .arg = o};

    *o = (struct order){.desk = d, .intrusion = -1};
    task.spec.id = w->id ? w->id : "665f1c2e9d3b4a0012345678";
    task.spec.subject.name = w->deed;
    task.spec.subject.size = 1;
    text_copy(task.spec.subject.sha256, HASH_HEX, SUBJECT_HASH);
    if (w->pipeline)
        task.spec.pipeline = w->pipeline;
    if (w->report) {
        task.spec.pipeline = "annotate";
        task.spec.annotate.report = w->report;
    }
    task.spec.deadline_ms = w->deadline_ms ? w->deadline_ms : 30000;
    return lab_run(d->lab, &task, err);
}

static bool wait_briefly(struct desk *d, int64_t until_us)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += 20000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    pthread_cond_timedwait(&d->changed, &d->lock, &t);
    return clock_mono_us() < until_us;
}

/* Waits for an idle analyst, too. */
static void give_order(struct desk *d, struct order *o, const struct wish *w)
{
    int64_t until = clock_mono_us() + PATIENCE_US;
    struct err err = {0};
    bool patient = true;

    while (try_order(d, o, w, &err) < 0) {
        CHECK_INT(err.kind, ERR_BUSY);
        CHECK(patient);
        if (!patient)
            return;
        pthread_mutex_lock(&d->lock);
        patient = wait_briefly(d, until);
        pthread_mutex_unlock(&d->lock);
    }
}

static void wait_order(struct desk *d, struct order *o)
{
    int64_t until = clock_mono_us() + PATIENCE_US;
    bool patient = true;

    pthread_mutex_lock(&d->lock);
    while (!o->done && patient)
        patient = wait_briefly(d, until);
    CHECK_INT(o->done, 1);
    pthread_mutex_unlock(&d->lock);
}

static void order(struct desk *d, struct order *o, const struct wish *w)
{
    give_order(d, o, w);
    wait_order(d, o);
}

static void check_ok(const struct order *o)
{
    CHECK_INT(o->error.kind, ERR_NONE);
    CHECK_STR(o->error.text, "");
    CHECK_NEAR(o->intrusion, 0.9, 1e-9);
    CHECK(o->has_json);
}

/* ---- helpers to look at processes and descriptors ---- */

static int open_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int n = 0;

    while (dir && readdir(dir))
        n++;
    closedir(dir);
    return n;
}

/* Pids whose parent is `parent`, at most max. */
static size_t children_of(pid_t parent, pid_t *ret_pids, size_t max)
{
    DIR *proc = opendir("/proc");
    struct dirent *e;
    size_t n = 0;

    while ((e = readdir(proc)) && n < max) {
        char path[300], line[512];
        const char *rest;
        FILE *f;
        int ppid;
        snprintf(path, sizeof path, "/proc/%s/stat", e->d_name);
        f = e->d_name[0] >= '0' && e->d_name[0] <= '9' ? fopen(path, "re") : NULL;
        if (!f)
            continue;
        rest = fgets(line, sizeof line, f) ? strrchr(line, ')') : NULL;
        if (rest && sscanf(rest, ") %*c %d", &ppid) == 1 && ppid == parent)
            ret_pids[n++] = (pid_t)atoi(e->d_name);
        fclose(f);
    }
    closedir(proc);
    return n;
}

static pid_t keeper_of(pid_t parent)
{
    pid_t pids[8];

    CHECK_INT(children_of(parent, pids, 8), 1);
    return test_ok ? pids[0] : -1;
}

/* Gone, or a zombie that init has not reaped yet. */
static bool is_gone(pid_t pid)
{
    char path[40], line[512] = "";
    const char *rest;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    f = fopen(path, "re");
    if (!f)
        return true;
    rest = fgets(line, sizeof line, f) ? strrchr(line, ')') : NULL;
    fclose(f);
    return !rest || rest[2] == 'Z' || rest[2] == 'X';
}

static bool soon_gone(pid_t pid)
{
    for (int i = 0; i < 500 && !is_gone(pid); i++)
        usleep(10000);
    return is_gone(pid);
}

/* ---- the tests ---- */

static void gets_ready_and_names_its_model(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct desk *d = desk_open(2);
    struct model_ref *models;

    CHECK(lab_is_ready(d->lab));
    CHECK_INT(lab_models(d->lab, a, &models), 1);
    CHECK_STR(models[0].name, FAKE_MODEL);
    CHECK_STR(models[0].task, "detect");
    desk_close(d);
}

static void says_why_it_is_not_ready(void)
{
    struct lab_opts opts = small_lab(1);
    struct err err = {0};
    struct desk *d;

    opts.models_dir = FAKE_BAD_DIR;
    d = desk_start(opts);
    CHECK(lab_wait_ready(d->lab, clock_mono_us() + PATIENCE_US, &err) < 0);
    CHECK_INT(err.kind, ERR_MODEL);
    CHECK_STR(err.text, "no directory " FAKE_BAD_DIR);
    CHECK(!lab_is_ready(d->lab));
    desk_close(d);

    opts.models_dir = NULL;
    opts.detector = "nobody";
    d = desk_start(opts);
    CHECK(lab_wait_ready(d->lab, clock_mono_us() + PATIENCE_US, &err) < 0);
    CHECK_INT(err.kind, ERR_MODEL);
    CHECK(strstr(err.text, "nobody"));
    desk_close(d);
}

static void refuses_senseless_options(void)
{
    struct lab_opts opts = small_lab(0);
    struct lab *lab = NULL;
    struct err err = {0};

    CHECK(lab_start(&lab, &opts, &err) < 0 && err.kind == ERR_INPUT);
    opts = small_lab(100000);
    CHECK(lab_start(&lab, &opts, &err) < 0 && err.kind == ERR_INPUT);
    opts = small_lab(1);
    opts.memory_bytes = 0;
    CHECK(lab_start(&lab, &opts, &err) < 0 && err.kind == ERR_INPUT);
    CHECK(!lab);
}

static void judges_with_progress_and_artefact(void)
{
    CLEANUP(fd_closep) int artefact = memory_file("");
    struct desk *d = desk_open(1);
    struct order o;
    char drawn[6] = "";

    order(d, &o, &(struct wish){.deed = "slow", .artefact_fd = artefact});
    check_ok(&o);
    CHECK(o.progressed >= 3 && o.progressed <= 5);
    CHECK_INT(o.last_planned, 5);
    CHECK(pread(artefact, drawn, 5, 0) == 5);
    CHECK_STR(drawn, "drawn");
    order(d, &o, &(struct wish){.deed = "hasty", .artefact_fd = -1});
    check_ok(&o);
    CHECK(o.progressed >= 1);
    desk_close(d);
}

static void two_analysts_do_fifty_tasks(void)
{
    struct lab_opts opts = small_lab(2);
    struct order orders[50];
    struct lab_stats s;
    struct desk *d;

    opts.tasks_per_analyst = 10;
    d = desk_start(opts);
    for (size_t i = 0; i < COUNT_OF(orders); i++)
        give_order(d, &orders[i], &(struct wish){.deed = "ok", .artefact_fd = -1});
    for (size_t i = 0; i < COUNT_OF(orders); i++) {
        wait_order(d, &orders[i]);
        check_ok(&orders[i]);
    }
    s = lab_stats(d->lab);
    CHECK_INT(s.tasks, 50);
    CHECK_INT(s.crashed + s.timed_out, 0);
    CHECK(s.respawned >= 3 && s.respawned <= 5);
    CHECK(s.ends[LAB_RETIRED] >= 3 && s.ends[LAB_RETIRED] <= 5 && s.keepers == 1 && s.places == 2);
    CHECK_INT(s.ends[LAB_CRASHED] + s.ends[LAB_DEADLINE] + s.ends[LAB_PROTOCOL], 0);
    desk_close(d);
}

static struct report *report_of(struct arena *a, int findings)
{
    struct job_spec spec = job_spec_defaults();
    struct report *r;
    int moment;

    text_copy(spec.subject.sha256, HASH_HEX, SUBJECT_HASH);
    r = report_new(a, &spec);
    moment = report_add_moment(r, 0, 0);
    for (int i = 0; i < findings; i++)
        report_add_finding(r, &(struct finding){.moment = moment, .label = "person", .score = 0.123456789});
    return r;
}

static void large_jobs_and_reports_have_ceilings(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct report *large = report_of(a, 20000), *too_large = report_of(a, 400000);
    struct desk *d = desk_open(1);
    struct err err = {0};
    struct order o;

    order(d, &o, &(struct wish){.deed = "ok", .artefact_fd = -1, .report = large});
    check_ok(&o);
    CHECK(try_order(d, &o, &(struct wish){.deed = "ok", .artefact_fd = -1, .report = too_large}, &err) < 0);
    CHECK_INT(err.kind, ERR_LIMIT);
    order(d, &o, &(struct wish){.deed = "wordy", .artefact_fd = -1});
    CHECK_INT(o.error.kind, ERR_NONE);
    CHECK_INT(o.report_error.kind, ERR_LIMIT);
    CHECK(o.intrusion < 0);
    CHECK_INT(lab_stats(d->lab).crashed, 0);
    desk_close(d);
}

static void says_busy_when_nobody_is_idle(void)
{
    struct desk *d = desk_open(1);
    struct desk *unready = desk_start(small_lab(1));
    struct order first, second;
    struct err err = {0};

    CHECK(try_order(unready, &first, &(struct wish){.deed = "ok", .artefact_fd = -1}, &err) < 0);
    CHECK_INT(err.kind, ERR_BUSY);
    desk_close(unready);

    give_order(d, &first, &(struct wish){.deed = "slow", .artefact_fd = -1});
    CHECK(try_order(d, &second, &(struct wish){.deed = "ok", .artefact_fd = -1}, &err) < 0);
    CHECK_INT(err.kind, ERR_BUSY);
    CHECK_INT(lab_stats(d->lab).busy, 1);
    wait_order(d, &first);
    check_ok(&first);
    desk_close(d);
}

/* Whoever was told "busy" waits for the call that somebody is idle. It must come. */
static void calls_again_after_a_message_was_refused(void)
{
    struct desk *d = desk_open(1);
    int64_t until = clock_mono_us() + PATIENCE_US;
    struct order o;
    struct err err = {0};
    bool patient = true;
    int calls;

    pthread_mutex_lock(&d->lock);
    calls = d->idle_calls;
    pthread_mutex_unlock(&d->lock);
    atomic_store(&refuse_tasks, 1);
    CHECK(try_order(d, &o, &(struct wish){.deed = "ok", .artefact_fd = -1}, &err) < 0);
    CHECK_INT(err.kind, ERR_BUSY);
    pthread_mutex_lock(&d->lock);
    while (d->idle_calls == calls && patient)
        patient = wait_briefly(d, until);
    CHECK(d->idle_calls > calls);
    pthread_mutex_unlock(&d->lock);
    while (try_order(d, &o, &(struct wish){.deed = "ok", .artefact_fd = -1}, &err) < 0)
        if (clock_mono_us() < until)
            usleep(5000); /* a call may be older than the refusal */
        else
            break;
    wait_order(d, &o);
    check_ok(&o);
    desk_close(d);
}

/* The lab's own bell, the keeper, the analyst: the first stops the start, the others are tried again. */
static void survives_what_it_cannot_watch(void)
{
    struct lab_opts opts = small_lab(1);
    struct lab *lab = NULL;
    struct err err = {0};

    atomic_store(&refuse_watch, 1);
    CHECK(lab_start(&lab, &opts, &err) < 0);
    CHECK_INT(err.kind, ERR_IO);
    for (int n = 2; n <= 3; n++) {
        struct desk *d;
        struct order o;
        atomic_store(&refuse_watch, n);
        d = desk_start(small_lab(1));
        order(d, &o, &(struct wish){.deed = "ok", .artefact_fd = -1});
        check_ok(&o);
        CHECK(atomic_load(&refuse_watch) <= 0);
        desk_close(d);
        ROW("descriptor %d", n);
    }
    atomic_store(&refuse_watch, 0);
}

/* Every way to fail ends the one task with an error and without a report, and the next task does not notice.
 */
static void a_bad_subject_costs_one_analyst(void)
{
    static const struct {
        const char *deed;
        enum err_kind kind;
        const char *says;
    } rows[] = {
        {"crash", ERR_CRASH, "signal 6"},
        {"leave", ERR_CRASH, "status 7"},
        {"exec", ERR_CRASH, "forbidden"},
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        {"eat-memory", ERR_CRASH, "memory"},
#endif
        {"hang-up", ERR_CRASH, ""},
        {"no-report", ERR_INTERNAL, "no report"},
        {"huge-report", ERR_INTERNAL, "no report"},
        {"garbage", ERR_INTERNAL, "not acceptable"},
        {"empty-object", ERR_INTERNAL, "not acceptable"},
        {"other-subject", ERR_INTERNAL, ""},
        {"wrong-message", ERR_INTERNAL, "protocol"},
        {"short-message", ERR_INTERNAL, "protocol"},
        {"flood", ERR_INTERNAL, "protocol"},
    };
    struct desk *d = desk_open(1);
    int crashed = 0;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct order bad, good;
        crashed += rows[i].kind == ERR_CRASH;
        order(d, &bad, &(struct wish){.deed = rows[i].deed, .artefact_fd = -1});
        CHECK_INT(bad.error.kind, rows[i].kind);
        CHECK(strstr(bad.error.text, rows[i].says));
        CHECK(bad.intrusion < 0 && !bad.has_json);
        order(d, &good, &(struct wish){.deed = "ok", .artefact_fd = -1});
        check_ok(&good);
        ROW("%s: %s", rows[i].deed, bad.error.text);
    }
    CHECK_INT(lab_stats(d->lab).crashed, COUNT_OF(rows));
    CHECK_INT(lab_stats(d->lab).ends[LAB_CRASHED], crashed);
    CHECK_INT(lab_stats(d->lab).ends[LAB_PROTOCOL], (int)COUNT_OF(rows) - crashed);
    desk_close(d);
}

static void forbidden_things_fail_quietly(void)
{
    static const char *const rows[] = {"fork", "change-subject"};
    struct desk *d = desk_open(1);

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct order o;
        order(d, &o, &(struct wish){.deed = rows[i], .artefact_fd = -1});
        check_ok(&o);
        ROW("%s", rows[i]);
    }
    desk_close(d);
}

static void the_deadline_holds(void)
{
    static const char *const rows[] = {"hang", "spin"};
    struct desk *d = desk_open(1);

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct order o;
        int64_t from;
        give_order(d, &o, &(struct wish){.deed = rows[i], .deadline_ms = 300, .artefact_fd = -1});
        from = clock_mono_us();
        wait_order(d, &o);
        CHECK_INT(o.error.kind, ERR_TIMEOUT);
        CHECK(strstr(o.error.text, "300 ms"));
        CHECK(o.ended_us - from >= 1200000 && o.ended_us - from < 300000 + 1500000);
        order(d, &o, &(struct wish){.deed = "ok", .artefact_fd = -1});
        check_ok(&o);
        ROW("%s", rows[i]);
    }
    CHECK_INT(lab_stats(d->lab).timed_out, COUNT_OF(rows));
    CHECK_INT(lab_stats(d->lab).ends[LAB_DEADLINE], COUNT_OF(rows));
    desk_close(d);
}

static void cancels_the_right_job(void)
{
    struct desk *d = desk_open(2);
    struct order doomed, other;

    give_order(d, &doomed,
               &(struct wish){.id = "665f1c2e9d3b4a0000000001", .deed = "hang", .artefact_fd = -1});
    give_order(d, &other,
               &(struct wish){.id = "665f1c2e9d3b4a0000000002", .deed = "slow", .artefact_fd = -1});
    CHECK(!lab_cancel(d->lab, "665f1c2e9d3b4a0000000003"));
    CHECK(lab_cancel(d->lab, "665f1c2e9d3b4a0000000001"));
    wait_order(d, &doomed);
    wait_order(d, &other);
    CHECK_INT(doomed.error.kind, ERR_CANCELLED);
    check_ok(&other);
    CHECK(!lab_cancel(d->lab, "665f1c2e9d3b4a0000000001"));
    CHECK_INT(lab_stats(d->lab).crashed, 0);
    CHECK_INT(lab_stats(d->lab).ends[LAB_CANCELLED], 1);
    desk_close(d);
}

static void stopping_cancels_what_runs(void)
{
    struct desk *d = desk_open(1);
    struct order o;
    struct lab *lab = d->lab;

    give_order(d, &o, &(struct wish){.deed = "hang", .artefact_fd = -1});
    lab_stop(lab);
    CHECK_INT(o.done, 1);
    CHECK_INT(o.error.kind, ERR_CANCELLED);
    d->lab = NULL;
    desk_close(d);
}

/* One of the analysts makes room for one with the kit, the next one when it is needed; nobody counts as dead.
 */
static void a_kit_is_there_when_it_is_needed(void)
{
    struct wish alarm = {.deed = "ok", .artefact_fd = -1};
    struct wish scenes = {.deed = "ok", .pipeline = "scenes", .artefact_fd = -1};
    struct desk *d = desk_open(2);
    struct order o;

    order(d, &o, &alarm);
    CHECK_INT(lab_stats(d->lab).respawned, 0);
    for (int i = 0; i < 3; i++) {
        order(d, &o, &scenes);
        check_ok(&o);
    }
    order(d, &o, &alarm);
    check_ok(&o);
    CHECK_INT(lab_stats(d->lab).respawned, 1);
    CHECK_INT(lab_stats(d->lab).ends[LAB_RETIRED], 1);
    CHECK_INT(lab_stats(d->lab).ends[LAB_CRASHED], 0);
    CHECK_INT(lab_stats(d->lab).crashed, 0);
    desk_close(d);
}

static void a_dead_keeper_is_replaced(void)
{
    struct desk *d = desk_open(2);
    struct order lost, next;
    pid_t keeper = keeper_of(getpid());

    give_order(d, &lost, &(struct wish){.deed = "hang", .artefact_fd = -1});
    CHECK(keeper > 0 && kill(keeper, SIGKILL) == 0);
    wait_order(d, &lost);
    CHECK_INT(lost.error.kind, ERR_CRASH);
    order(d, &next, &(struct wish){.deed = "ok", .artefact_fd = -1});
    check_ok(&next);
    CHECK(lab_is_ready(d->lab));
    CHECK(keeper_of(getpid()) != keeper);
    CHECK_INT(lab_stats(d->lab).ends[LAB_KEEPER], 2);
    CHECK_INT(lab_stats(d->lab).keepers, 2);
    desk_close(d);
}

/* Kills every idle analyst for 1.5 seconds: 100, 200, 400, 800 ms of pause allow five. */
static void pauses_when_analysts_die_at_once(void)
{
    struct desk *d = desk_open(1);
    pid_t keeper = keeper_of(getpid()), victim;
    int64_t until = clock_mono_us() + 1500000;
    struct order o;
    int kills = 0;

    while (test_ok && clock_mono_us() < (kills < 2 ? until + PATIENCE_US : until)) {
        if (children_of(keeper, &victim, 1) == 1 && lab_stats(d->lab).analysts == 1 &&
            kill(victim, SIGKILL) == 0)
            kills++;
        usleep(5000);
    }
    CHECK(kills >= 2 && kills <= 12);
    ROW("%d kills", kills);
    CHECK(lab_stats(d->lab).respawned <= 5);
    order(d, &o, &(struct wish){.deed = "ok", .artefact_fd = -1});
    check_ok(&o);
    desk_close(d);
}

static _Noreturn void be_a_front(int tell)
{
    struct desk *d = desk_open(2);
    pid_t pids[9];
    size_t n;

    pids[0] = keeper_of(getpid());
    while ((n = children_of(pids[0], pids + 1, 8)) < 2)
        usleep(10000);
    n = (n + 1) * sizeof *pids;
    if (write(tell, pids, n) != (ssize_t)n)
        _exit(1);
    give_order(d, &(struct order){0}, &(struct wish){.deed = "hang", .artefact_fd = -1});
    for (;;)
        pause();
}

static void children_die_with_the_front(void)
{
    int pipes[2], status;
    pid_t pids[9] = {0}, front;

    CHECK(pipe(pipes) == 0);
    front = fork();
    if (front == 0)
        be_a_front(pipes[1]);
    CHECK(read(pipes[0], pids, sizeof pids) == 3 * (ssize_t)sizeof *pids);
    for (int i = 0; i < 3; i++)
        CHECK(pids[i] > 1 && !is_gone(pids[i]));
    kill(front, SIGKILL);
    waitpid(front, &status, 0);
    for (int i = 0; i < 3; i++)
        CHECK(soon_gone(pids[i]));
    close(pipes[0]);
    close(pipes[1]);
}

static void leaves_nothing_behind(void)
{
    int before = open_descriptors();

    for (int i = 0; i < 3; i++) {
        struct desk *d = desk_open(2);
        struct order o;
        order(d, &o, &(struct wish){.deed = "ok", .artefact_fd = -1});
        order(d, &o, &(struct wish){.deed = "crash", .artefact_fd = -1});
        if (i == 2)
            kill(keeper_of(getpid()), SIGKILL);
        desk_close(d);
    }
    CHECK_INT(open_descriptors(), before);
    CHECK(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
}

static void starts_and_stops_at_once(void)
{
    int before = open_descriptors();

    for (int i = 0; i < 5; i++) {
        struct desk *d = desk_start(small_lab(2));
        usleep((useconds_t)i * 5000);
        desk_close(d);
    }
    CHECK_INT(open_descriptors(), before);
    CHECK(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
}

int main(int argc, char **argv)
{
    if (argc > 1 && text_is(argv[1], "keeper"))
        return keeper_main(&(struct program_ref){"0", ""});
    log_setup(LOG_ERROR, false);
    RUN(gets_ready_and_names_its_model);
    RUN(says_why_it_is_not_ready);
    RUN(refuses_senseless_options);
    RUN(judges_with_progress_and_artefact);
    RUN(two_analysts_do_fifty_tasks);
    RUN(large_jobs_and_reports_have_ceilings);
    RUN(says_busy_when_nobody_is_idle);
    RUN(calls_again_after_a_message_was_refused);
    RUN(survives_what_it_cannot_watch);
    RUN(a_bad_subject_costs_one_analyst);
    RUN(forbidden_things_fail_quietly);
    RUN(the_deadline_holds);
    RUN(cancels_the_right_job);
    RUN(stopping_cancels_what_runs);
    RUN(a_kit_is_there_when_it_is_needed);
    RUN(a_dead_keeper_is_replaced);
    RUN(pauses_when_analysts_die_at_once);
    RUN(children_die_with_the_front);
    RUN(leaves_nothing_behind);
    RUN(starts_and_stops_at_once);
    return test_end();
}
