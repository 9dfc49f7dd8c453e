/* Waiters: each is called once, by the end of its job or by its deadline. */
#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "job/jobs_int.h"
#include "test.h"
#include "unit/store/latch.h"

struct seen {
    struct latch *latch;
    atomic_int calls, finished;
    atomic_llong at_us;
};

static void note(void *arg, bool finished)
{
    struct seen *s = arg;

    atomic_store(&s->at_us, clock_mono_us());
    atomic_fetch_add(&s->finished, finished);
    atomic_fetch_add(&s->calls, 1);
    latch_hit(s->latch, NULL);
}

static int64_t in_ms(int64_t ms)
{
    return clock_mono_us() + ms * 1000;
}

static void fired_or_late_but_once(void)
{
    struct latch l = LATCH;
    struct seen a = {.latch = &l}, b = {.latch = &l}, other = {.latch = &l};
    struct waits *w = NULL;

    CHECK(waits_start(&w, NULL) == 0);
    waits_add(w, "a", in_ms(60000), note, &a);
    waits_add(w, "a", in_ms(20), note, &b);
    waits_add(w, "other", in_ms(60000), note, &other);
    CHECK(latch_wait(&l, 1, 10));
    CHECK_INT(b.calls, 1);
    CHECK_INT(b.finished, 0);
    waits_fire(w, "a", true);
    waits_fire(w, "a", true);
    CHECK_INT(a.calls, 1);
    CHECK_INT(a.finished, 1);
    CHECK_INT(other.calls, 0);
    waits_stop(w);
    CHECK_INT(other.calls, 1);
    CHECK_INT(other.finished, 0);
    waits_add(w, "late", in_ms(60000), note, &a);
    CHECK_INT(a.calls, 2);
    CHECK_INT(a.finished, 1);
    waits_freep(&w);
}

/* Nobody is called early, and the order of deadlines does not matter. */
static void deadlines_are_kept(void)
{
    enum { N = 200 };
    struct seen seen[N];
    int64_t deadline[N];
    struct latch l = LATCH;
    struct waits *w = NULL;
    int early = 0;

    CHECK(waits_start(&w, NULL) == 0);
    for (int i = 0; i < N; i++) {
        seen[i] = (struct seen){.latch = &l};
        deadline[i] = in_ms(i * 37 % 100);
        waits_add(w, "same", deadline[i], note, &seen[i]);
    }
    CHECK(latch_wait(&l, N, 20));
    for (int i = 0; i < N; i++) {
        early += seen[i].at_us < deadline[i];
        CHECK_INT(seen[i].calls, 1);
    }
    CHECK_INT(early, 0);
    waits_freep(&w);
}

struct firer {
    struct waits *w;
    int first, step, n;
};

static void *fire(void *arg)
{
    struct firer *f = arg;
    char id[ID_TEXT];

    for (int i = f->first; i < f->n; i += f->step) {
        snprintf(id, sizeof id, "%d", i);
        waits_fire(f->w, id, true);
    }
    return NULL;
}

static void thousands_at_once(void)
{
    enum { N = 5000, THREADS = 4 };
    struct seen *seen = calloc(N, sizeof *seen);
    struct firer firers[THREADS];
    pthread_t threads[THREADS];
    struct latch l = LATCH;
    struct waits *w = NULL;
    char id[ID_TEXT];

    CHECK(waits_start(&w, NULL) == 0);
    for (int i = 0; i < N; i++) {
        seen[i].latch = &l;
        snprintf(id, sizeof id, "%d", i);
        waits_add(w, id, in_ms(i % 50), note, &seen[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        firers[i] = (struct firer){w, i, THREADS, N};
        pthread_create(&threads[i], NULL, fire, &firers[i]);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK(latch_wait(&l, N, 20));
    waits_freep(&w);
    CHECK_INT(l.n, N);
    for (int i = 0; i < N && test_ok; i++)
        CHECK_INT(seen[i].calls, 1);
    free(seen);
}

int main(void)
{
    RUN(fired_or_late_but_once);
    RUN(deadlines_are_kept);
    RUN(thousands_at_once);
    return test_end();
}
