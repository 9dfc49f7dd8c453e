/* The order of the queue: lanes, turns of the tenants, limits. */
#include "base/mem.h"
#include "base/text.h"
#include "job/jobs_int.h"
#include "test.h"

static struct task *job(const char *tenant, enum job_priority priority, const char *id)
{
    struct waiting_job row = {.tenant = tenant, .dialect = "alarm", .priority = priority};

    text_copy(row.id, sizeof row.id, id);
    return job_task_new(NULL, &row);
}

static void push(struct fair *f, const char *tenant, enum job_priority priority, const char *id)
{
    fair_push(f, job(tenant, priority, id));
}

/* The ids of the next n, separated by blanks; each is one letter. */
static const char *order(struct fair *f, size_t n)
{
    static char text[256];
    struct task *t;

    text[0] = '\0';
    for (size_t i = 0; i < n && (t = fair_pop(f)); i++) {
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i ? " " : "", t->id);
        job_task_free(t);
    }
    return text;
}

static struct fair *pushed(const char *jobs)
{
    struct fair *f = fair_new(1000, 1000);

    /* "a1" tenant a, job 1; a capital tenant is an urgent job of the small one. */
    for (const char *p = jobs; *p; p += p[2] ? 3 : 2) {
        bool urgent = *p >= 'A' && *p <= 'Z';
        char tenant[2] = {(char)(*p | 0x20), '\0'}, id[3] = {p[0], p[1], '\0'};
        push(f, tenant, urgent ? JOB_URGENT : JOB_NORMAL, id);
    }
    return f;
}

static void turns(void)
{
    static const struct {
        const char *what, *in, *out;
    } rows[] = {
        {"one tenant: oldest first", "a1 a2 a3", "a1 a2 a3"},
        {"two tenants take turns", "a1 a2 a3 b1 b2", "a1 b1 a2 b2 a3"},
        {"three, one of them short", "a1 a2 a3 b1 c1 c2", "a1 b1 c1 a2 c2 a3"},
        {"urgent jobs first", "a1 b1 A2 B2", "A2 B2 a1 b1"},
        {"turns among the urgent, too", "A1 A2 B1 a3 b3", "A1 B1 A2 a3 b3"},
        {"nothing", "", ""},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fair *f = pushed(rows[i].in);
        CHECK_STR(order(f, 20), rows[i].out);
        CHECK_INT(fair_len(f), 0);
        ROW("%s", rows[i].what);
        fair_free(f);
    }
}

/* The promise in numbers: behind a thousand jobs of somebody else, a job is the second to go. */
static void a_thousand_jobs_starve_nobody(void)
{
    struct fair *f = fair_new(100000, 100000);
    int at = 0;

    for (int i = 0; i < 1000; i++)
        push(f, "busy", JOB_NORMAL, "x");
    push(f, "other", JOB_NORMAL, "y");
    for (struct task *t; (t = fair_pop(f)); at++) {
        bool other = text_is(t->tenant, "other");
        job_task_free(t);
        if (other)
            break;
    }
    CHECK_INT(at, 1);
    while (fair_len(f))
        job_task_free(fair_pop(f));
    fair_free(f);
}

/* Without end, urgent jobs would keep the others out; after LANE_RUN of them one gets through. */
static void urgent_jobs_leave_a_gap(void)
{
    struct fair *f = fair_new(100000, 100000);
    int first_normal = -1, normal = 0;

    for (int i = 0; i < 3; i++)
        push(f, "a", JOB_NORMAL, "n");
    for (int i = 0; i < 5 * LANE_RUN; i++) {
        struct task *t;
        push(f, "b", JOB_URGENT, "u");
        t = fair_pop(f);
        if (t->priority == JOB_NORMAL && ++normal == 1)
            first_normal = i;
        job_task_free(t);
    }
    CHECK_INT(first_normal, LANE_RUN);
    CHECK_INT(normal, 3);
    while (fair_len(f))
        job_task_free(fair_pop(f));
    fair_free(f);
}

static void put_back_is_next(void)
{
    struct fair *f = pushed("a1 a2 b1 b2 c1");
    struct task *t = fair_pop(f);

    CHECK_STR(t->id, "a1");
    fair_push_front(f, t); /* b would be next: it waits */
    CHECK_STR(order(f, 9), "a1 b1 c1 a2 b2");
    t = job("z", JOB_NORMAL, "z1");
    fair_push_front(f, t);
    CHECK_STR(order(f, 9), "z1");
    fair_free(f);
}

static void removed_from_the_middle(void)
{
    struct fair *f = pushed("a1 a2 b1 B2 c1");
    struct task *t = fair_remove(f, "b1");

    CHECK(t && text_is(t->id, "b1"));
    job_task_free(t);
    CHECK(!fair_remove(f, "b1"));
    t = fair_remove(f, "B2");
    CHECK(t && text_is(t->id, "B2"));
    job_task_free(t);
    CHECK_INT(fair_len(f), 3);
    CHECK_STR(order(f, 9), "a1 c1 a2");
    fair_free(f);
}

static void limits(void)
{
    struct fair *f = fair_new(5, 3);
    struct err err = {0};

    for (int i = 0; i < 2; i++)
        CHECK_INT(fair_enter(f, "a", &err), 0);
    push(f, "a", JOB_NORMAL, "1"); /* the first has arrived */
    fair_leave(f, "a");
    CHECK_INT(fair_enter(f, "a", &err), 0);
    CHECK_INT(fair_enter(f, "a", &err), -1);
    CHECK_INT(err.kind, ERR_QUOTA);
    for (int i = 0; i < 2; i++)
        CHECK_INT(fair_enter(f, "b", &err), 0);
    CHECK_INT(fair_enter(f, "b", &err), -1);
    CHECK_INT(err.kind, ERR_BUSY);
    CHECK_INT(fair_enter(f, "a", &err), -1); /* both: the whole queue is the one to name */
    CHECK_INT(err.kind, ERR_BUSY);
    fair_leave(f, "b");
    CHECK_INT(fair_enter(f, "c", &err), 0);
    CHECK_STR(order(f, 1), "1");
    CHECK_INT(fair_enter(f, "a", &err), 0); /* its job runs: a place is free */
    fair_free(f);
}

/* Everything against a plain model: whatever is pushed comes out once, each tenant's jobs in their order. */
static void nothing_is_lost(void)
{
    enum { N = 20000, TENANTS = 40 };
    struct fair *f = fair_new(N, N);
    int next_in[TENANTS][JOB_PRIORITIES] = {{0}}, next_out[TENANTS][JOB_PRIORITIES] = {{0}}, in = 0, out = 0;
    unsigned seed = 7;
    char tenant[16], id[16];

    while (out < N) {
        struct task *t;
        if (in < N && (rand_r(&seed) % 5 < 3 || in == out)) {
            int who = rand_r(&seed) % TENANTS, p = rand_r(&seed) % JOB_PRIORITIES;
            snprintf(tenant, sizeof tenant, "t%d", who);
            snprintf(id, sizeof id, "%d", next_in[who][p]++);
            push(f, tenant, (enum job_priority)p, id);
            in++;
            continue;
        }
        t = fair_pop(f);
        if (rand_r(&seed) % 8 == 0) { /* as when no analyst was idle */
            fair_push_front(f, t);
            continue;
        }
        CHECK_INT(atoi(t->id), next_out[atoi(t->tenant + 1)][t->priority]++);
        job_task_free(t);
        out++;
    }
    CHECK_INT(fair_len(f), 0);
    CHECK(!fair_pop(f));
    fair_free(f);
}

int main(void)
{
    RUN(turns);
    RUN(a_thousand_jobs_starve_nobody);
    RUN(urgent_jobs_leave_a_gap);
    RUN(put_back_is_next);
    RUN(removed_from_the_middle);
    RUN(limits);
    RUN(nothing_is_lost);
    return test_end();
}
