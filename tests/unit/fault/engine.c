/* Every call fails once, under the store and the job engine: the n-th read, write, fsync, link, thread ...,
 * the n-th allocation of SQLite, the n-th of our own. Each n has a process of its own which opens a store,
 * takes a job, runs it to its end (with a fake lab), deletes another, and closes everything.
 *
 * What must hold: it ends by itself within its time; nothing leaks and nothing is touched that is gone (the
 * build with sanitizers says so); memory of our own that runs out ends the process with a message, as it is
 * meant to (base/mem.h), nothing else does; and afterwards the store has every job that was acknowledged,
 * with its bytes, and runs it to a verdict.
 *
 * FAULT_ONLY=pwrite tries that call only. FAULT_STEP: 1 tries every n, the default 3 goes on faster and
 * faster. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "fault/control.h"
#include "store/hooks.h"
#include "test.h"
#include "unit/job/rig.h"
#include "unit/store/tempdir.h"

enum { JOB_SECONDS = 20, CHILD_SECONDS = 60, JOBS = 2, NOISE = 400000 };

#ifdef __SANITIZE_ADDRESS__
static const bool has_sanitizer = true;
#else
static const bool has_sanitizer = false;
#endif

static const struct {
    enum fault_call call;
    const char *name;
    int error;
    bool memory; /* the process may end itself */
} calls[] = {
    {FAULT_READ, "read", EIO, false},
    {FAULT_PREAD, "pread", EIO, false},
    {FAULT_WRITE, "write", EIO, false},
    {FAULT_WRITE, "write", ENOSPC, false},
    {FAULT_PWRITE, "pwrite", EIO, false},
    {FAULT_PWRITE, "pwrite", ENOSPC, false},
    {FAULT_FSYNC, "fsync", EIO, false},
    {FAULT_FDATASYNC, "fdatasync", EIO, false},
    {FAULT_OPEN, "open", EMFILE, false},
    {FAULT_OPENAT, "openat", EMFILE, false},
    {FAULT_LINKAT, "linkat", EIO, false},
    {FAULT_UNLINKAT, "unlinkat", EIO, false},
    {FAULT_MKDIRAT, "mkdirat", ENOSPC, false},
    {FAULT_FTRUNCATE, "ftruncate", EIO, false},
    {FAULT_MMAP, "mmap", ENOMEM, false},
    {FAULT_THREAD, "pthread_create", EAGAIN, false},
    {FAULT_SQLITE, "SQLite's malloc", ENOMEM, false},
    {FAULT_CALLOC, "calloc", ENOMEM, true},
    {FAULT_REALLOC, "realloc", ENOMEM, true},
};

/* Shared with the process that meets the fault. */
struct shared {
    struct fault_control control;
    struct {
        char id[ID_TEXT];
        bool acknowledged, delete_asked, deleted;
    } jobs[JOBS];
    char said[512]; /* what it has to complain of; "" = nothing */
};
static struct shared *shared;
static bool met_here; /* in this process */

/* ---- allocations: ours are wrapped by the linker, SQLite's by its own table ---- */

void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);

void *__wrap_calloc(size_t count, size_t size)
{
    return fault_hit(FAULT_CALLOC) ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *p, size_t size)
{
    return fault_hit(FAULT_REALLOC) ? NULL : __real_realloc(p, size);
}

static sqlite3_mem_methods usual;

static void *sqlite_malloc(int size)
{
    return fault_hit(FAULT_SQLITE) ? NULL : usual.xMalloc(size);
}

static void *sqlite_realloc(void *p, int size)
{
    return fault_hit(FAULT_SQLITE) ? NULL : usual.xRealloc(p, size);
}

static void wrap_sqlite(void)
{
    sqlite3_mem_methods ours;

    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &usual);
    ours = usual;
    ours.xMalloc = sqlite_malloc;
    ours.xRealloc = sqlite_realloc;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &ours);
}

/* ---- in the process that meets the fault ---- */

__attribute__((format(printf, 1, 2))) static void complain(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(shared->said, sizeof shared->said, fmt, args);
    va_end(args);
}

static int deliveries(void *arg UNUSED, struct arena *a, const struct job_row *row,
                      struct delivery_row **ret_rows, size_t *ret_n, struct err *err UNUSED)
{
    struct delivery_row *d = arena_alloc(a, sizeof *d);

    *d = (struct delivery_row){.tenant = row->tenant,
                               .job = row->id,
                               .url = "https://example.org/",
                               .site = "example.org:443",
                               .body = bytes_of("told", 4),
                               .state = "due",
                               .next_us = 1,
                               .created_us = 1};
    delivery_id_new(d->id, row->finished_us);
    *ret_rows = d;
    *ret_n = 1;
    return 0;
}

static void kick(void *arg)
{
    jobs_kick(arg);
}

/* It is no part of what is tested. */
static struct lab *lab_without_faults(void)
{
    struct lab *lab;

    fault_use(NULL);
    lab = fake_lab_new(1);
    fault_use(met_here ? &shared->control : NULL);
    return lab;
}

/* 0, or -1 when something of it refuses to start. */
static int engine_open(struct rig *r, const char *dir)
{
    struct jobs_opts opts = jobs_opts_defaults();
    struct err err = {0};

    *r = (struct rig){.dir = dir};
    opts.deliveries = deliveries;
    if (records_open(&r->db, dir, &err) < 0 || blobs_open(&r->blobs, dir, &err) < 0)
        return -1;
    r->lab = lab_without_faults();
    if (jobs_start(&r->jobs, r->db, r->blobs, r->lab, &opts, &err) < 0)
        return -1;
    fake_lab_watch(r->lab, kick, r->jobs);
    jobs_kick(r->jobs);
    return 0;
}

static struct bytes noise(struct arena *a, int seed)
{
    uint8_t *p = arena_alloc(a, NOISE);

    for (size_t i = 0; i < NOISE; i++)
        p[i] = (uint8_t)((i + (size_t)seed) * 2654435761u >> 13);
    return bytes_of(p, NOISE);
}

static void accepted(void *arg, const struct job_ticket *ticket, const struct err *err)
{
    struct ticket *t = arg;

    text_copy(t->id, sizeof t->id, ticket->id);
    latch_hit(&t->latch, err);
}

/* false: refused, with an error. */
static bool submit(struct rig *r, int i)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct job_request req = rig_request();
    struct ticket t = TICKET;
    struct err err = {0};

    if (blob_begin(&req.body, r->blobs, 1 << 20, &err) < 0)
        return false;
    if (blob_add(req.body, noise(a, i), &err) < 0) {
        blob_writer_freep(&req.body);
        return false;
    }
    job_submit(r->jobs, &req, accepted, &t);
    if (!latch_wait(&t.latch, 1, JOB_SECONDS))
        complain("a submit was never answered");
    if (t.latch.failures || t.latch.n == 0)
        return false;
    text_copy(shared->jobs[i].id, ID_TEXT, t.id);
    shared->jobs[i].acknowledged = true;
    return true;
}

/* The end of a job may wait for a disk that refuses it, a second at a time. What cannot be read now is read
 * again. */
static void wait_for_end(struct rig *r, const char *id)
{
    int64_t until = clock_mono_us() + JOB_SECONDS * 1000000LL;
    CLEANUP(arena_freep) struct arena *a = arena_new();
    enum job_state state = JOB_NEW;

    while (clock_mono_us() < until && !job_state_is_final(state)) {
        job_state_parse(rig_state(r, a, id), &state);
        usleep(500);
    }
    if (!job_state_is_final(state))
        complain("job %s has no end", id);
}

static void removed(void *arg, const struct err *err)
{
    latch_hit(arg, err);
}

static void remove_job(struct rig *r, int i)
{
    struct latch l = LATCH;

    shared->jobs[i].delete_asked = true;
    job_delete(r->jobs, &(struct job_order){.tenant = "acme", .id = shared->jobs[i].id}, removed, &l);
    if (!latch_wait(&l, 1, JOB_SECONDS))
        complain("a deletion was never answered");
    shared->jobs[i].deleted = l.n > 0 && !l.failures;
    usleep(20000); /* its file goes now, on another thread */
}

static void live(const char *dir)
{
    struct rig r;

    if (engine_open(&r, dir) == 0) {
        for (int i = 0; i < JOBS; i++)
            if (submit(&r, i))
                wait_for_end(&r, shared->jobs[i].id);
        if (shared->jobs[0].acknowledged)
            remove_job(&r, 0);
    }
    rig_down(&r);
}

/* ---- the judge ---- */

static void check_verdict(struct rig *r, struct arena *a, const char *id)
{
    struct job_row row;

    CHECK(records_get_job(r->db, a, "acme", id, &row, NULL) == 0);
    CHECK(text_is(row.state, "done") || text_is(row.state, "failed"));
    CHECK(text_is(row.state, "done") == (row.report.len > 0));
}

static void check_job(struct rig *r, int i)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(fd_closep) int fd = -1;
    struct job_row row;
    struct err err = {0};
    char hash[HASH_HEX];
    int64_t size;
    bool there = records_get_job(r->db, a, "acme", shared->jobs[i].id, &row, &err) == 0;

    CHECK(!shared->jobs[i].deleted || !there);
    if (shared->jobs[i].delete_asked && !there)
        return;
    CHECK_STR(err.text, "");
    if (!there)
        return;
    CHECK(blob_open(r->blobs, row.sha256, &fd, &size, NULL) == 0);
    CHECK(hash_fd(fd, hash) == 0);
    CHECK_STR(hash, row.sha256);
    CHECK(rig_wait(r, shared->jobs[i].id, JOB_SECONDS));
    check_verdict(r, a, shared->jobs[i].id);
}

/* No fault any more: what was acknowledged is there and ends. */
static void check_after(const char *dir)
{
    struct rig r;

    CHECK(engine_open(&r, dir) == 0);
    if (r.jobs)
        for (int i = 0; i < JOBS; i++)
            if (shared->jobs[i].acknowledged)
                check_job(&r, i);
    rig_down(&r);
}

/* ---- one fault ---- */

static void arm(size_t call, int64_t n)
{
    *shared = (struct shared){.control = {.room = -1, .roles = FAULT_FRONT}};
    shared->control.error = calls[call].error;
    shared->control.left = n;
    shared->control.call = (int)calls[call].call;
}

/* In a process of its own; its stderr in a file. Leaks are looked for at its end. */
static pid_t begin(const char *dir, const char *log, void (*deed)(const char *dir))
{
    pid_t pid;
    int fd;

    fflush(stdout);
    pid = fork();

    if (pid)
        return pid;
    alarm(CHILD_SECONDS);
    fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(fd, STDERR_FILENO);
    close(fd);
    met_here = true;
    fault_use(&shared->control);
    deed(dir);
    fault_use(NULL);
    exit(0);
}

static bool says(const char *log, const char *words, char *ret_text, size_t size)
{
    CLEANUP(fd_closep) int fd = open(log, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, ret_text, size - 1);

    ret_text[n > 0 ? n : 0] = '\0';
    return strstr(ret_text, words);
}

static void check_exit(size_t call, const char *log, int status)
{
    char text[4096];
    bool by_itself = says(log, "assay: out of memory", text, sizeof text) && calls[call].memory &&
                     WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;

    CHECK_STR(shared->said, "");
    if (by_itself || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
        return;
    test_ok = false;
    printf("# %s %d; it said:\n# %s\n", WIFSIGNALED(status) ? "killed by signal" : "status",
           WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), text);
}

/* Whether the fault was met. */
static bool one_fault(const char *base, size_t call, int64_t n, void (*deed)(const char *dir))
{
    char dir[300], log[300];
    int status = 0;
    pid_t pid;
    bool ok = test_ok;

    snprintf(dir, sizeof dir, "%s/data", base);
    snprintf(log, sizeof log, "%s/log", base);
    arm(call, n);
    test_ok = true;
    pid = begin(dir, log, deed);
    waitpid(pid, &status, 0);
    check_exit(call, log, status);
    check_after(dir);
    ROW("%s (%s), n = %lld", calls[call].name, strerror(calls[call].error), (long long)n);
    test_ok &= ok;
    nftw(dir, tempdir_remove, 16, FTW_DEPTH | FTW_PHYS);
    return shared->control.fired > 0;
}

static int64_t next_n(int64_t n)
{
    const char *text = getenv("FAULT_STEP");
    int64_t step = text && atoi(text) > 0 ? atoi(text) : 3;

    return step == 1 ? n + 1 : n + 1 + n / 8 * (step - 1);
}

static void every_call_fails_once(void)
{
    struct tempdir base = tempdir_new();
    int64_t begun = clock_mono_us();
    int cases = 0;

    for (size_t call = 0; call < COUNT_OF(calls); call++) {
        int64_t n = 1;
        const char *only = getenv("FAULT_ONLY");
        if (only && !text_is(only, calls[call].name))
            continue;
        while (one_fault(base.path, call, n, live)) {
            cases++;
            n = next_n(n);
        }
        CHECK(n > 1); /* else it stands for nothing */
        if (n == 1)
            printf("#   %s was never met\n", calls[call].name);
    }
    printf("# %d faults, %.1f s\n", cases, (double)(clock_mono_us() - begun) / 1e6);
    tempdir_clear(&base);
}

/* ---- the judge can say no ---- */

static void crash(const char *dir UNUSED)
{
    abort();
}

static void lose(const char *dir)
{
    live(dir);
    text_copy(shared->jobs[1].id, ID_TEXT, "665f1c2e9d3b4a0012345678");
}

static void leave_unended(const char *dir UNUSED)
{
    complain("a job has no end");
}

static void leak(const char *dir UNUSED)
{
    static volatile uintptr_t hidden;

    hidden = ~(uintptr_t)malloc(77);
    (void)hidden;
}

static void faults_are_found(void)
{
    static const struct {
        const char *what;
        void (*deed)(const char *dir);
        bool sanitizer; /* it takes one to see this */
    } rows[] = {{"crash", crash, false},
                {"lost job", lose, false},
                {"hang", leave_unended, false},
                {"leak", leak, true}};
    struct tempdir base = tempdir_new();
    int missed = 0;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (rows[i].sanitizer && !has_sanitizer)
            continue;
        printf("# this must be found: a %s\n", rows[i].what);
        test_ok = true;
        one_fault(base.path, 0, 1000000, rows[i].deed);
        missed += test_ok;
    }
    test_ok = true;
    CHECK_INT(missed, 0);
    tempdir_clear(&base);
}

int main(void)
{
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return 99;
    if (!getenv("TMPDIR") && access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 1);
    wrap_sqlite();
    RUN(faults_are_found);
    RUN(every_call_fails_once);
    return test_end();
}
