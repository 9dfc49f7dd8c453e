/* Every call fails once: the n-th malloc, read, write, fsync, fork ... of the front, the keeper or an analyst
 * fails (tests/fault/preload.c), for n = 1, 2, ... until a job passes without meeting it. While a server
 * starts, and while it has a clip to judge.
 *
 * What must hold: nothing crashes (a front that runs out of memory ends itself, which is its design:
 * docs/decisions.md, "Memory"; nothing else ends it), nothing hangs, an acknowledged job ends, no end is the
 * harmless verdict, and the same server judges the next clip as if nothing had been.
 *
 * CALLS_SECONDS (default 20) for each of the two; CALLS_STEP: 1 tries every n, the default 2 doubles it;
 * CALLS_ONLY="front calloc 511" does one thing. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/text.h"
#include "ordered.h"
#include "stage.h"
#include "test.h"

enum { UP_SECONDS = 30, JOB_SECONDS = 40, FAILURES_SHOWN = 3 };

static const struct {
    enum fault_call call;
    const char *name;
    int error;
    bool memory; /* the front may end itself */
} calls[] = {
    {FAULT_MALLOC, "malloc", ENOMEM, true},
    {FAULT_CALLOC, "calloc", ENOMEM, true},
    {FAULT_REALLOC, "realloc", ENOMEM, true},
    {FAULT_READ, "read", EIO, false},
    {FAULT_PREAD, "pread", EIO, false},
    {FAULT_WRITE, "write", EIO, false},
    {FAULT_PWRITE, "pwrite", EIO, false},
    {FAULT_FSYNC, "fsync", EIO, false},
    {FAULT_FDATASYNC, "fdatasync", EIO, false},
    {FAULT_OPEN, "open", EMFILE, false},
    {FAULT_OPENAT, "openat", EMFILE, false},
    {FAULT_LINKAT, "linkat", EIO, false},
    {FAULT_UNLINKAT, "unlinkat", EIO, false},
    {FAULT_MKDIRAT, "mkdirat", EIO, false},
    {FAULT_FTRUNCATE, "ftruncate", EIO, false},
    {FAULT_MMAP, "mmap", ENOMEM, true},
    {FAULT_MEMFD, "memfd_create", EMFILE, false},
    {FAULT_FORK, "fork", EAGAIN, false},
    {FAULT_SOCKETPAIR, "socketpair", EMFILE, false},
    {FAULT_ACCEPT, "accept", EMFILE, false},
    {FAULT_SENDMSG, "sendmsg", ENOBUFS, false},
    {FAULT_RECVMSG, "recvmsg", ENOMEM, false},
    {FAULT_EPOLL_CTL, "epoll_ctl", ENOMEM, false},
    {FAULT_THREAD, "pthread_create", EAGAIN, false},
};
static const struct {
    int bit;
    const char *name;
} roles[] = {{FAULT_FRONT, "front"}, {FAULT_KEEPER, "keeper"}, {FAULT_ANALYST, "analyst"}};

struct trial {
    struct arena *a, *whole; /* of one case; of all */
    struct fault_control *faults;
    const char *base, *dir, *key;
    struct bytes clip;
    struct served s;
    bool up;
    size_t call, role;
    int64_t n;
    int cases, deaths, failed; /* in all */
};

/* ---- one fault ---- */

static void arm(struct trial *t)
{
    atomic_store(&t->faults->fired, 0);
    atomic_store(&t->faults->error, calls[t->call].error);
    atomic_store(&t->faults->roles, roles[t->role].bit);
    atomic_store(&t->faults->left, t->n);
    atomic_store(&t->faults->call, (int)calls[t->call].call);
}

static void disarm(struct trial *t)
{
    atomic_store(&t->faults->call, FAULT_NONE);
}

static void show_log(struct trial *t)
{
    const char *log = (const char *)file_read(t->a, t->s.log).data + t->s.log_from;
    size_t n = strlen(log);

    printf("#   in case %s of the %s, n = %lld; the log ends:\n# %s\n", calls[t->call].name,
           roles[t->role].name, (long long)t->n, n > 1500 ? log + n - 1500 : log);
}

/* A front may only end by its own decision. */
static void check_death(struct trial *t, int status, bool at_start)
{
    bool by_itself = status == 128 + SIGABRT && calls[t->call].memory;

    t->deaths++;
    t->up = false;
    if (by_itself || (at_start && (status == 1 || status == 127)))
        return;
    test_ok = false;
    printf("# the server ended with status %d\n", status);
}

static bool launch(struct trial *t, int *ret_status)
{
    ordered_begin();
    served_launch(&t->s, t->whole, t->dir, 0, (char *[]){(char[]){"--analysts"}, (char[]){"1"}, NULL});
    ordered_end();
    t->up = served_up(&t->s, UP_SECONDS, ret_status);
    return t->up;
}

/* There is a server; a new one after a death. */
static void must_be_up(struct trial *t)
{
    int status = 0;

    if (!t->up && !launch(t, &status)) {
        printf("Bail out! no server without faults: status %d\n", status);
        show_log(t);
        exit(99);
    }
}

static void look_for_death(struct trial *t)
{
    int status;

    if (t->up && served_ended(&t->s, &status))
        check_death(t, status, false);
}

/* The same, given a moment to die. */
static bool has_died(struct trial *t)
{
    for (int i = 0; i < 500 && t->up; i++) {
        look_for_death(t);
        usleep(2000);
    }
    return !t->up;
}

/* ---- what came of it ---- */

/* No error ends in the harmless verdict; the clip shows an intruder. A decoder that lacks memory for a packet
 * looks like a damaged stream: then what was seen until there counts, and may be less. */
static void check_outcome(const struct answer *result, struct arena *a)
{
    const char *state = json_at(a, result->body, "status.classify"), *risk = json_at(a, result->body, "risk");

    CHECK(text_is(state, "done") || text_is(state, "error") || text_is(state, "timeout"));
    CHECK(text_is(state, "done") ? text_is(risk, "intrusion") || text_is(risk, "danger") : text_is(risk, ""));
    if (!test_ok)
        printf("# %d %.600s\n", result->status, result->status ? (const char *)result->body.data : "");
}

static void check_acknowledged(struct trial *t, const char *id)
{
    int64_t deadline = clock_mono_us() + JOB_SECONDS * 1000000LL;
    struct answer result;
    const char *state;

    do {
        look_for_death(t);
        if (!t->up)
            disarm(t);
        must_be_up(t);
        result = http_get(t->a, t->s.port, arena_printf(t->a, "/api/result/%s", id), t->key);
        state = result.status == 200 ? json_at(t->a, result.body, "status.classify") : "accepted";
        usleep(2000);
    } while ((text_is(state, "accepted") || text_is(state, "in-progress")) && clock_mono_us() < deadline);
    CHECK_INT(result.status, 200);
    if (result.status == 200)
        check_outcome(&result, t->a);
}

static void post_with_fault(struct trial *t)
{
    bool sync = t->n % 2;
    struct answer answer;
    const char *id;

    arm(t);
    answer = post_clip(t->a, t->s.port, sync ? "/api/classify?sync=true" : "/api/classify", t->key,
                       "person.mp4", t->clip, NULL);
    look_for_death(t);
    if (answer.status == 200) {
        id = json_at(t->a, answer.body, "id");
        CHECK(id && id_is_valid(id));
        if (sync)
            check_outcome(&answer, t->a);
        if (id)
            check_acknowledged(t, id);
    } else {
        CHECK(answer.status == 0 || answer.status == 408 || answer.status >= 500);
    }
    disarm(t);
}

/* The same server, or the one after it, judges the next clip. */
static void check_good_clip(struct trial *t)
{
    struct answer answer;
    const char *risk;

    look_for_death(t);
    must_be_up(t);
    answer = post_clip(t->a, t->s.port, "/api/classify?sync=true", t->key, "person.mp4", t->clip, NULL);
    if (answer.status == 0 && has_died(t)) { /* of the fault, but not at once */
        must_be_up(t);
        answer = post_clip(t->a, t->s.port, "/api/classify?sync=true", t->key, "person.mp4", t->clip, NULL);
    }
    if (answer.status != 200)
        printf("# %s\n", answer.status ? (const char *)answer.body.data : "no answer");
    risk = answer.status == 200 ? json_at(t->a, answer.body, "risk") : NULL;
    CHECK_INT(answer.status, 200);
    CHECK_STR(risk, "intrusion");
    if (!text_is(risk, "intrusion") && answer.status == 200)
        printf("# %s\n", (const char *)http_get(
                             t->a, t->s.port,
                             arena_printf(t->a, "/v1/jobs/%s", json_at(t->a, answer.body, "id")), t->key)
                             .body.data);
}

static bool fired(struct trial *t)
{
    return atomic_load(&t->faults->fired) > 0;
}

/* ---- n = 1, 2, ... ---- */

static int number_of(const char *name, int fallback)
{
    const char *text = getenv(name);

    return text && atoi(text) > 0 ? atoi(text) : fallback;
}

static int64_t next_n(int64_t n)
{
    return number_of("CALLS_STEP", 2) == 1 ? n + 1 : 2 * n + 1;
}

/* CALLS_ONLY narrows it down to one call, one role, one n. */
static bool is_wanted(struct trial *t)
{
    const char *only = getenv("CALLS_ONLY");
    char role[16], call[32];
    long n;

    if (!only)
        return true;
    if (sscanf(only, "%15s %31s %ld", role, call, &n) != 3 || !text_is(role, roles[t->role].name) ||
        !text_is(call, calls[t->call].name))
        return false;
    t->n = n;
    return true;
}

/* Whether the fault was met. */
static bool one(struct trial *t, void (*one_case)(struct trial *t))
{
    test_ok = true;
    t->a = arena_new();
    one_case(t);
    t->cases += fired(t);
    if (!test_ok)
        show_log(t);
    t->failed += !test_ok;
    t->a = arena_free(t->a);
    return fired(t) && !getenv("CALLS_ONLY");
}

/* The small n of all calls first, so that a short time is spent on all of them. Returns how many calls of
 * how many roles have not come to their end. */
static int every_n(struct trial *t, void (*one_case)(struct trial *t), int64_t until_us)
{
    enum { ROLES = sizeof roles / sizeof roles[0], CALLS = sizeof calls / sizeof calls[0] };
    int64_t n[ROLES * CALLS];
    int open = ROLES * CALLS;

    for (int i = 0; i < ROLES * CALLS; i++)
        n[i] = 1;
    while (open > 0 && clock_mono_us() < until_us && t->failed < FAILURES_SHOWN)
        for (int i = 0; i < ROLES * CALLS && clock_mono_us() < until_us; i++) {
            t->role = (size_t)i / CALLS;
            t->call = (size_t)i % CALLS;
            t->n = n[i];
            if (n[i] == 0)
                continue;
            n[i] = is_wanted(t) && one(t, one_case) ? next_n(n[i]) : 0;
            open -= n[i] == 0;
        }
    return open;
}

static void while_it_judges(struct trial *t)
{
    must_be_up(t);
    post_with_fault(t);
    check_good_clip(t);
}

/* A server whose start met the fault says why it does not start, or starts all the same. */
static void while_it_starts(struct trial *t)
{
    int status = 0;

    arm(t);
    launch(t, &status);
    if (!t->up)
        check_death(t, status, true);
    disarm(t);
    check_good_clip(t);
    look_for_death(t);
    if (t->up)
        CHECK_INT(served_stop(&t->s), 0);
    t->up = false;
}

static void every_call(void (*one_case)(struct trial *t), const char *when)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct trial t = {.whole = a, .base = folder_new(a)};
    int64_t begun = clock_mono_us();
    int open;

    t.faults = ordered_new(a, t.base);
    t.dir = arena_printf(a, "%s/data", t.base);
    t.key = key_new(a, t.dir, "acme", NULL);
    t.clip = clip_load(a, "person.mp4");
    open = every_n(&t, one_case, begun + number_of("CALLS_SECONDS", 20) * 1000000LL);
    test_ok = true;
    if (t.up)
        CHECK_INT(served_stop(&t.s), 0);
    printf("# %s: %d calls failed, the front ended itself %d times, %.1f s%s\n", when, t.cases, t.deaths,
           (double)(clock_mono_us() - begun) / 1e6, open ? "; stopped before every n had its turn" : "");
    CHECK(t.cases > 0);
    CHECK_INT(t.failed, 0);
    ordered_free(t.faults);
    folder_remove(t.base);
}

static void each_call_fails_while_a_clip_is_judged(void)
{
    every_call(while_it_judges, "with a clip");
}

static void each_call_fails_while_the_server_starts(void)
{
    every_call(while_it_starts, "at the start");
}

int main(void)
{
    RUN(each_call_fails_while_a_clip_is_judged);
    RUN(each_call_fails_while_the_server_starts);
    return test_end();
}
