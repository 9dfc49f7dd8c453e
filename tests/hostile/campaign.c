/* Thousands of hostile files (rogue.h) through real keepers and analysts in the real sandbox: each ends with
 * judged moments or with a code, none of those that lack a part or hold nothing is "safe", none takes more
 * memory and time than one file may, none reaches a file or an address, and no keeper falls.
 *
 * HOSTILE_FILES=N (default 600): about so many of them, the ones in rogue.c's vital groups first; 0: all. The
 * seed is in the list itself: the same files in every run. HOSTILE_ONLY=TEXT: those whose name contains it.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/text.h"
#include "craft.h"
#include "harness.h"
#include "lab/lab.h"
#include "rogue.h"
#include "test.h"

enum {
    SHORT_RUN = 600,
    LANES = 2, /* labs with one analyst each, so that time and memory belong to one file */
    MAX_CPU_MS = 10000,
    MAX_RSS_KB = 512 << 10,
    MAX_TOLD = 60, /* complaints */
    MAX_GROUPS = 16,
    READY_US = 60000000,
    PATIENCE_S = 10,
};

/* ---- what came out of one file ---- */

struct ending {
    struct err error; /* of the lab or of the report */
    bool from_lab;    /* there is no report */
    char risk[16];
    int moments;
    int64_t cpu_ms, wall_ms;
    long rss_kb; /* the analyst's highest so far */
};

struct lane {
    struct lab *lab;
    pid_t keeper;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* --- guarded by lock --- */
    bool done;
    struct ending ending;
};

static struct campaign {
    struct arena *a;
    struct rogues *rogues;
    struct lane lanes[LANES];
    char *folder, *canary;
    int trap, trap_port, watch;
    size_t *chosen, nchosen;
    atomic_size_t next;
    struct bytes good;
    char good_before[16];
    int good_moments;
    pthread_mutex_t lock;
    /* --- guarded by lock --- */
    struct tally {
        const char *name;
        size_t files, judged, safe, open_end, failed[ERR_KIND_COUNT], dead;
        int64_t cpu_ms, most_cpu_ms;
        long most_rss_kb;
    } groups[MAX_GROUPS];
    size_t ngroups, wrong;
} c = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void note_done(void *arg, const struct lab_result *result)
{
    struct lane *l = arg;
    struct ending *e = &l->ending;

    pthread_mutex_lock(&l->lock);
    e->error = result->error;
    e->from_lab = !result->report;
    if (result->report) {
        e->error = result->report->error;
        e->moments = (int)result->report->nmoments;
        text_copy(e->risk, sizeof e->risk, result->report->verdict.risk);
    }
    l->done = true;
    pthread_cond_signal(&l->changed);
    pthread_mutex_unlock(&l->lock);
}

/* ---- the analyst seen from outside ---- */

static pid_t analyst_of(const struct lane *l)
{
    pid_t children[4] = {0};

    for (int i = 0; i < PATIENCE_S * 1000 && process_children(l->keeper, children, 4) == 0; i++)
        usleep(1000);
    return children[0];
}

/* User and system time; -1 when it is gone. */
static int64_t cpu_ms(pid_t pid)
{
    char path[40], text[512], *at;
    unsigned long user = 0, sys = 0;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    f = fopen(path, "re");
    at = f && fgets(text, sizeof text, f) ? strrchr(text, ')') : NULL;
    if (f)
        fclose(f);
    if (!at || sscanf(at + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &sys) != 2)
        return -1;
    return (int64_t)(user + sys) * 1000 / sysconf(_SC_CLK_TCK);
}

/* The most memory it ever had, shared pages included. */
static long most_rss_kb(pid_t pid)
{
    char path[40], line[128];
    long kb = -1;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, "VmHWM:", 6) == 0)
            kb = atol(line + 6);
    if (f)
        fclose(f);
    return kb;
}

/* ---- one file ---- */

static void order(struct lane *l, int fd, size_t size)
{
    struct lab_task task = {
        .spec = job_spec_defaults(), .subject_fd = fd, .artefact_fd = -1, .done = note_done, .arg = l};
    struct err err = {0};

    task.spec.id = "rogue";
    task.spec.subject.name = "clip.mp4";
    task.spec.subject.size = (int64_t)size;
    if (hash_fd(fd, task.spec.subject.sha256) < 0)
        abort();
    l->done = false;
    l->ending = (struct ending){0};
    while (lab_run(l->lab, &task, &err) < 0) {
        if (err.kind != ERR_BUSY)
            abort();
        usleep(500); /* an analyst is being replaced */
    }
}

static struct ending judge(struct lane *l, struct bytes file)
{
    CLEANUP(fd_closep) int fd = memfd_create("clip", MFD_CLOEXEC);
    pid_t analyst = analyst_of(l);
    int64_t before = cpu_ms(analyst), begun = clock_mono_us(), after;
    struct ending e;

    if (fd < 0 || write(fd, file.data, file.len) != (ssize_t)file.len)
        abort();
    order(l, fd, file.len);
    pthread_mutex_lock(&l->lock);
    while (!l->done)
        pthread_cond_wait(&l->changed, &l->lock);
    e = l->ending;
    pthread_mutex_unlock(&l->lock);
    after = cpu_ms(analyst);
    e.wall_ms = (clock_mono_us() - begun) / 1000;
    e.cpu_ms = before >= 0 && after >= before ? after - before : e.from_lab ? e.wall_ms : 0;
    e.rss_kb = most_rss_kb(analyst);
    return e;
}

/* NULL, or what is wrong with it. */
static const char *fault(const struct rogue *r, const struct ending *e)
{
    bool safe = text_is(e->risk, "safe"), error = e->error.kind != ERR_NONE;

    if (error && e->risk[0])
        return "an error with a verdict";
    if (error && (strlen(e->error.text) < 10 || e->error.kind == ERR_INTERNAL))
        return "an error without a reason";
    if (!error && e->moments == 0)
        return "a verdict on nothing";
    if (!error && !e->risk[0])
        return "neither error nor verdict";
    if (r->rule == ROGUE_WHOLE && !safe)
        return "a good clip is refused, or not safe";
    if (r->rule == ROGUE_CUT && safe)
        return "part of it is missing, and it is safe";
    if (r->rule == ROGUE_NOTHING && !error)
        return "nothing is in it, and it was judged";
    if (e->cpu_ms > MAX_CPU_MS)
        return "too much time";
    if (e->rss_kb > MAX_RSS_KB)
        return "too much memory";
    return NULL;
}

static struct tally *tally_of(const char *name)
{
    for (size_t i = 0; i < c.ngroups; i++)
        if (text_is(c.groups[i].name, name))
            return &c.groups[i];
    if (c.ngroups == MAX_GROUPS)
        abort();
    c.groups[c.ngroups].name = name;
    return &c.groups[c.ngroups++];
}

static void note(const char *group, const struct rogue *r, const struct ending *e)
{
    const char *wrong = fault(r, e);
    struct tally *t;

    pthread_mutex_lock(&c.lock);
    t = tally_of(group);
    t->files++;
    t->failed[e->error.kind]++;
    t->judged += e->error.kind == ERR_NONE;
    t->safe += text_is(e->risk, "safe");
    t->open_end += r->rule == ROGUE_OPEN_END && text_is(e->risk, "safe");
    t->dead += e->error.kind == ERR_CRASH;
    t->cpu_ms += e->cpu_ms;
    t->most_cpu_ms = e->cpu_ms > t->most_cpu_ms ? e->cpu_ms : t->most_cpu_ms;
    t->most_rss_kb = e->rss_kb > t->most_rss_kb ? e->rss_kb : t->most_rss_kb;
    c.wrong += wrong != NULL;
    if ((wrong && c.wrong <= MAX_TOLD) || e->error.kind == ERR_CRASH || getenv("HOSTILE_ONLY"))
        printf("# %s: %s: %s [%s] risk \"%s\", %d moments, %lld ms, %ld kB: %s\n", wrong ? wrong : "note",
               group, r->what, err_code(e->error.kind), e->risk, e->moments, (long long)e->cpu_ms, e->rss_kb,
               e->error.text);
    pthread_mutex_unlock(&c.lock);
}

static void save(struct arena *a, const struct rogue *r, size_t number)
{
    const char *folder = getenv("HOSTILE_SAVE");
    CLEANUP(fd_closep) int fd = -1;

    if (!folder)
        return;
    fd = open(arena_printf(a, "%s/%zu", folder, number), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, r->file.data, r->file.len) != (ssize_t)r->file.len)
        abort();
    printf("# %zu: %s\n", number, r->what);
}

static void *lane_main(void *arg)
{
    struct lane *l = arg;
    size_t i;

    while ((i = atomic_fetch_add(&c.next, 1)) < c.nchosen) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct rogue r = rogue_make(c.rogues, a, c.chosen[i]);
        struct ending e = judge(l, r.file);
        save(a, &r, c.chosen[i]);
        note(rogue_group(c.rogues, c.chosen[i]), &r, &e);
    }
    return NULL;
}

/* ---- around it ---- */

static void set_trap(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;

    c.trap = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (bind(c.trap, (struct sockaddr *)&at, sizeof at) < 0 || listen(c.trap, 8) < 0 ||
        getsockname(c.trap, (struct sockaddr *)&at, &len) < 0)
        abort();
    c.trap_port = ntohs(at.sin_port);
}

/* A good clip where the references point at; whoever opens it is seen. */
static void set_canary(void)
{
    int fd;

    c.canary = arena_printf(c.a, "%s/canary.mp4", c.folder);
    fd = open(c.canary, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, c.good.data, c.good.len) != (ssize_t)c.good.len)
        abort();
    close(fd);
    c.watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (c.watch < 0 ||
        inotify_add_watch(c.watch, c.canary, IN_OPEN | IN_ACCESS | IN_MOVE_SELF | IN_DELETE_SELF) < 0)
        abort();
}

static bool canary_sang(void)
{
    char event[4096];

    return read(c.watch, event, sizeof event) > 0;
}

static void open_lane(struct lane *l)
{
    struct lab_opts opts = lab_opts_defaults();
    pid_t before[8], now[8];
    size_t nbefore = process_children(getpid(), before, 8), nnow;
    struct err err = {0};

    opts.keeper = getenv("ASSAY_KEEPER") ? getenv("ASSAY_KEEPER") : "build/assay-keeper";
    opts.analysts = 1;
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->changed, NULL);
    if (lab_start(&l->lab, &opts, &err) < 0 || lab_wait_ready(l->lab, clock_mono_us() + READY_US, &err) < 0) {
        printf("Bail out! %s\n", err.text);
        exit(1);
    }
    nnow = process_children(getpid(), now, 8);
    for (size_t i = 0; i < nnow; i++) {
        bool old = false;
        for (size_t k = 0; k < nbefore; k++)
            old |= before[k] == now[i];
        l->keeper = old ? l->keeper : now[i];
    }
}

/* As many as asked for: the vital ones, and of the others what the number allows, spread by a fixed rule. */
static void choose(size_t wanted)
{
    size_t all = rogues_count(c.rogues), vital = 0, rest;

    c.chosen = arena_array(c.a, all, sizeof *c.chosen);
    for (size_t i = 0; i < all; i++)
        vital += rogue_is_vital(c.rogues, i);
    rest = wanted > vital ? wanted - vital : 0;
    for (size_t i = 0; i < all; i++) {
        uint64_t state = i;
        const char *only = getenv("HOSTILE_ONLY");
        bool take = wanted == 0 || rogue_is_vital(c.rogues, i) || craft_next(&state) % (all - vital) < rest;
        if (only) {
            CLEANUP(arena_freep) struct arena *a = arena_new();
            take = strstr(rogue_make(c.rogues, a, i).what, only) || strstr(rogue_group(c.rogues, i), only);
        }
        if (take)
            c.chosen[c.nchosen++] = i;
    }
    printf("# %zu files of %zu\n", c.nchosen, all);
}

static void open_campaign(void)
{
    const char *files = getenv("HOSTILE_FILES"), *shared = test_shared();
    size_t missing, samples;

    c.a = arena_new();
    c.folder = folder_new(c.a);
    c.good = clip_load(c.a, "person.mp4");
    set_trap();
    set_canary();
    c.rogues = rogues_new(
        c.a, &(struct rogues_opts){.canary = c.canary,
                                   .trap_port = c.trap_port,
                                   .clips = getenv("ASSAY_CLIPS"),
                                   .real = shared ? arena_printf(c.a, "%s/data/media/video", shared) : NULL});
    samples = rogues_samples(c.rogues, &missing);
    printf("# %zu samples; %zu more cannot be made with this libav\n", samples, missing);
    choose(files ? (size_t)atol(files) : SHORT_RUN);
    log_setup(LOG_ERROR, false);
    for (int i = 0; i < LANES; i++)
        open_lane(&c.lanes[i]);
}

/* ---- the tests ---- */

static void a_good_clip_is_judged(void)
{
    struct ending e = judge(&c.lanes[0], c.good);

    CHECK_INT(e.error.kind, ERR_NONE);
    CHECK_STR(e.risk, "intrusion");
    text_copy(c.good_before, sizeof c.good_before, e.risk);
    c.good_moments = e.moments;
}

static void print_tally(const struct tally *t)
{
    char errors[256] = "";

    for (int k = ERR_NONE + 1; k < ERR_KIND_COUNT; k++)
        if (t->failed[k])
            snprintf(errors + strlen(errors), sizeof errors - strlen(errors), " %s %zu", err_code(k),
                     t->failed[k]);
    printf("# %s: %zu files, %zu judged (%zu safe, %zu of them flows cut at a packet);%s; CPU %lld s, at "
           "most %lld ms a "
           "file; at most %ld MB\n",
           t->name, t->files, t->judged, t->safe, t->open_end, errors, (long long)t->cpu_ms / 1000,
           (long long)t->most_cpu_ms, t->most_rss_kb >> 10);
}

static void every_file_ends_as_it_should(void)
{
    int64_t begun = clock_mono_us();
    size_t dead = 0;

    for (int i = 0; i < LANES; i++)
        if (pthread_create(&c.lanes[i].thread, NULL, lane_main, &c.lanes[i]) != 0)
            abort();
    for (int i = 0; i < LANES; i++)
        pthread_join(c.lanes[i].thread, NULL);
    for (size_t i = 0; i < c.ngroups; i++) {
        print_tally(&c.groups[i]);
        dead += c.groups[i].dead;
    }
    printf("# %zu files in %lld s, %zu analysts died, %zu endings are wrong\n", c.nchosen,
           (long long)(clock_mono_us() - begun) / 1000000, dead, c.wrong);
    CHECK_INT(c.wrong, 0);
    CHECK_INT(dead, 0);
}

static void no_keeper_fell(void)
{
    for (int i = 0; i < LANES; i++) {
        pid_t children[8];
        size_t n = process_children(getpid(), children, 8);
        bool there = false;
        for (size_t k = 0; k < n; k++)
            there |= children[k] == c.lanes[i].keeper;
        CHECK(there);
    }
}

static void nothing_was_opened_or_called(void)
{
    struct pollfd p = {.fd = c.trap, .events = POLLIN};
    int fd;

    CHECK_INT(poll(&p, 1, 0), 0);
    CHECK(!canary_sang());
    fd = open(c.canary, O_RDONLY | O_CLOEXEC); /* and it would have been seen */
    CHECK(fd >= 0 && canary_sang());
    fd_closep(&fd);
}

static void the_good_clip_is_judged_as_before(void)
{
    for (int i = 0; i < LANES; i++) {
        struct ending e = judge(&c.lanes[i], c.good);
        CHECK_STR(e.risk, c.good_before);
        CHECK_INT(e.moments, c.good_moments);
    }
}

int main(void)
{
    open_campaign();
    RUN(a_good_clip_is_judged);
    RUN(every_file_ends_as_it_should);
    RUN(no_keeper_fell);
    RUN(nothing_was_opened_or_called);
    RUN(the_good_clip_is_judged_as_before);
    for (int i = 0; i < LANES; i++)
        lab_stop(c.lanes[i].lab);
    folder_remove(c.folder);
    arena_free(c.a);
    return test_end();
}
