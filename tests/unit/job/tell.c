/* What the end of a job has to tell is stored with it, whatever the end is. */
#include <stdatomic.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "store/hooks.h"
#include "test.h"
#include "unit/job/rig.h"
#include "unit/store/tempdir.h"

/* Stands for the api: one delivery for each end, or an error. */
struct teller {
    atomic_int asked, told;
    atomic_int busy; /* so many times the store cannot be read */
    enum err_kind refuse;
    const char *hook; /* of the delivery */
};

static int deliveries(void *arg, struct arena *a, const struct job_row *row, struct delivery_row **ret_rows,
                      size_t *ret_n, struct err *err)
{
    struct teller *t = arg;
    struct delivery_row *d = arena_alloc(a, sizeof *d);
    const char *body =
        arena_printf(a, "%s %s %s %zu", row->state, row->error_code, row->tenant, row->report.len);

    atomic_fetch_add(&t->asked, 1);
    if (atomic_load(&t->busy) > 0) {
        atomic_fetch_sub(&t->busy, 1);
        return FAIL(err, ERR_IO, "the disk is tired");
    }
    if (t->refuse != ERR_NONE)
        return FAIL(err, t->refuse, "no words for it");
    *d = (struct delivery_row){.tenant = row->tenant,
                               .job = row->id,
                               .hook = t->hook,
                               .url = "https://example.org/",
                               .site = "example.org:443",
                               .body = bytes_of(body, strlen(body)),
                               .state = "due",
                               .next_us = row->finished_us,
                               .created_us = row->finished_us};
    delivery_id_new(d->id, row->finished_us);
    *ret_rows = d;
    *ret_n = 1;
    return 0;
}

static void told(void *arg)
{
    atomic_fetch_add(&((struct teller *)arg)->told, 1);
}

/* One job to its end: its state, and how the body of its only delivery begins ("" = none). */
static void run(struct teller *t, enum fake_act act, const char *state, const char *body)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct jobs_opts opts = jobs_opts_defaults();
    struct delivery_row *rows, row;
    struct rig r;
    char id[ID_TEXT];
    size_t n;

    opts.deliveries = deliveries;
    opts.told = told;
    opts.deliveries_arg = t;
    r = rig_up(dir.path, 1, &opts);
    fake_lab_script(r.lab, &act, 1);
    CHECK_INT(rig_submit_now(&r, "clip", id), ERR_NONE);
    CHECK(rig_wait(&r, id, 20));
    records_sync(r.db); /* the end is on disk before everybody has heard of it */
    CHECK_STR(rig_state(&r, a, id), state);
    CHECK(records_list_deliveries(r.db, a, "acme", "due", 10, &rows, &n, NULL) == 0);
    CHECK_INT((long long)n, *body ? 1 : 0);
    CHECK_INT(atomic_load(&t->told), *body ? 1 : 0);
    if (n == 1 && records_get_delivery(r.db, a, rows[0].id, &row, NULL) == 0) {
        CHECK_STR(row.job, id);
        CHECK(text_starts((const char *)row.body.data, body));
    }
    rig_down(&r);
    tempdir_clear(&dir);
}

/* In the transaction that cancels it. */
static void who_is_taken_back_is_told_of(void)
{
    struct teller t = {0};
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct jobs_opts opts = jobs_opts_defaults();
    struct delivery_row *rows, row;
    struct latch latch = LATCH;
    struct rig r;
    char id[ID_TEXT];
    size_t n;

    opts.deliveries = deliveries;
    opts.told = told;
    opts.deliveries_arg = &t;
    r = rig_up(dir.path, 0, &opts);
    CHECK_INT(rig_submit_now(&r, "clip", id), ERR_NONE);
    job_cancel(r.jobs, &(struct job_order){"acme", id, NULL}, latch_done, &latch);
    CHECK(latch_wait(&latch, 1, 20) && !latch.failures);
    CHECK_STR(rig_state(&r, a, id), "cancelled");
    CHECK_INT(atomic_load(&t.told), 1);
    CHECK(records_list_deliveries(r.db, a, "acme", "due", 10, &rows, &n, NULL) == 0 && n == 1);
    if (n == 1 && records_get_delivery(r.db, a, rows[0].id, &row, NULL) == 0)
        CHECK_STR((const char *)row.body.data, "cancelled cancelled acme 0");
    rig_down(&r);
    tempdir_clear(&dir);
}

static const struct {
    enum fake_act act;
    const char *state, *body;
} rows[] = {
    {FAKE_DONE, "done", "done ok acme "},
    {FAKE_FAIL, "failed", "failed cannot_decode acme "},
    {FAKE_LATE, "timed_out", "timed_out timeout acme "},
    {FAKE_TIMEOUT, "timed_out", "timed_out timeout acme 0"},
    {FAKE_CRASH, "failed", "failed analyst_crashed acme 0"}, /* after two deaths; told once */
};

static void every_end_is_told_once(void)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct teller t = {0};
        run(&t, rows[i].act, rows[i].state, rows[i].body);
        CHECK_INT(atomic_load(&t.asked), 1);
        ROW("%s", rows[i].body);
    }
}

static void the_end_waits_for_the_disk(void)
{
    struct teller t = {.busy = 2};

    run(&t, FAKE_DONE, "done", "done ok acme ");
    CHECK_INT(atomic_load(&t.asked), 3);
}

static void what_cannot_be_told_ends_anyway(void)
{
    struct teller t = {.refuse = ERR_INTERNAL};

    run(&t, FAKE_DONE, "done", "");
}

static void what_the_store_refuses_does_not_hold_the_end(void)
{
    struct teller t = {.hook = "nobody"};

    run(&t, FAKE_DONE, "done", "");
    CHECK_INT(atomic_load(&t.asked), 1);
}

int main(void)
{
    RUN(every_end_is_told_once);
    RUN(who_is_taken_back_is_told_of);
    RUN(the_end_waits_for_the_disk);
    RUN(what_cannot_be_told_ends_anyway);
    RUN(what_the_store_refuses_does_not_hold_the_end);
    return test_end();
}
