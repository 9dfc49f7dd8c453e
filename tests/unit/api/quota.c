/* Quotas: what is counted, when it is refused, what a restart and a disk that refuses make of it. */
#include "api/quota.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "test.h"
#include "unit/store/tempdir.h"

static int64_t at(const char *text)
{
    int64_t us = 0;

    CHECK(clock_parse_rfc3339(text, &us));
    return us;
}

static void set(struct records *db, struct quota quota)
{
    CHECK(records_set_quota(db, "acme", &quota, NULL, NULL, NULL) == 0);
    records_sync(db);
}

static enum err_kind use(struct quotas *q, int64_t requests, int64_t bytes, const char *when,
                         struct quota_state *ret)
{
    struct err err = {0};

    return quotas_use(q, "acme", &(struct usage){requests, bytes}, at(when), ret, &err) == 0 ? ERR_NONE
                                                                                             : err.kind;
}

/* What the meter would do. */
static struct usage write_out(struct quotas *q, bool kept)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct usage_batch batch;
    struct usage sum = {0};

    quotas_take(q, a, &batch);
    for (size_t i = 0; i < batch.n; i++) {
        CHECK_STR(batch.rows[i].tenant, "acme");
        sum.requests += batch.rows[i].more.requests;
        sum.bytes += batch.rows[i].more.bytes;
    }
    quotas_taken(q, kept);
    return sum;
}

static void each_limit_refuses_until_its_end(void)
{
    static const struct {
        const char *what;
        struct quota quota;
        int64_t requests, bytes; /* of each use */
        int fine;                /* so many */
        int64_t limit, seconds;
    } rows[] = {
        {"no limits", {0}, 1, 1000, 50, 0, 0},
        {"requests a day", {.requests_day = 3}, 1, 10, 3, 3, 3600},
        {"requests a month", {.requests_month = 4}, 1, 10, 4, 4, 3600 + 9 * 86400},
        {"bytes a day", {.bytes_day = 100}, 1, 40, 2, 100, 3600},
        {"to the last byte", {.bytes_day = 120}, 1, 40, 3, 120, 3600},
        {"bytes a month", {.bytes_month = 100}, 1, 40, 2, 100, 3600 + 9 * 86400},
        {"the longest wait counts", {.requests_day = 2, .requests_month = 2}, 1, 0, 2, 2, 3600 + 9 * 86400},
        {"no body, no bytes", {.bytes_day = 1}, 1, 0, 50, 0, 0},
        {"a piece is no request", {.requests_day = 1}, 0, 5, 50, 0, 0},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct tempdir dir = tempdir_new();
        struct records *db = NULL;
        struct quotas *q;
        struct quota_state state;
        CHECK(records_open(&db, dir.path, NULL) == 0);
        set(db, rows[i].quota);
        q = quotas_new(db);
        for (int n = 0; n < rows[i].fine; n++)
            CHECK_INT(use(q, rows[i].requests, rows[i].bytes, "2026-11-21T23:00:00Z", &state), ERR_NONE);
        if (rows[i].limit) {
            for (int n = 0; n < 3; n++) /* a refused one does not count */
                CHECK_INT(use(q, rows[i].requests, rows[i].bytes, "2026-11-21T23:00:00Z", &state), ERR_QUOTA);
            CHECK_INT(state.limit, rows[i].limit);
            CHECK_INT(state.seconds, rows[i].seconds);
            CHECK_INT(use(q, rows[i].requests, rows[i].bytes, "2026-12-01T00:00:00Z", &state), ERR_NONE);
        }
        CHECK_INT(write_out(q, true).requests, rows[i].requests * (rows[i].fine + (rows[i].limit != 0)));
        ROW("%s", rows[i].what);
        quotas_free(q);
        records_freep(&db);
        tempdir_clear(&dir);
    }
}

static void a_new_day_is_not_a_new_month(void)
{
    struct tempdir dir = tempdir_new();
    struct records *db = NULL;
    struct quotas *q;
    struct quota_state state;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    set(db, (struct quota){.requests_day = 2, .requests_month = 5});
    q = quotas_new(db);
    CHECK_INT(use(q, 2, 0, "2026-11-28T12:00:00Z", &state), ERR_NONE);
    CHECK_INT(use(q, 1, 0, "2026-11-28T23:59:59Z", &state), ERR_QUOTA);
    CHECK_INT(use(q, 2, 0, "2026-11-29T00:00:00Z", &state), ERR_NONE);
    CHECK_INT(use(q, 1, 0, "2026-11-28T12:00:00Z", &state), ERR_QUOTA); /* a clock that was set back */
    CHECK_INT(use(q, 1, 0, "2026-11-30T00:00:00Z", &state), ERR_NONE);
    CHECK_INT(use(q, 1, 0, "2026-11-30T00:00:00Z", &state), ERR_QUOTA);
    CHECK_INT(state.limit, 5);
    CHECK_INT(use(q, 2, 0, "2026-12-01T00:00:00Z", &state), ERR_NONE);
    quotas_free(q);
    records_freep(&db);
    tempdir_clear(&dir);
}

/* ---- with the records ---- */

static void take(void *arg, struct arena *a, struct usage_batch *ret)
{
    quotas_take(arg, a, ret);
}

static void taken(void *arg, bool kept)
{
    quotas_taken(arg, kept);
}

static void a_restart_forgets_nothing(void)
{
    struct tempdir dir = tempdir_new();
    struct quota_state state;
    int64_t day = usage_calendar(at("2026-11-21T12:00:00Z")).day;
    struct usage got;

    for (int run = 0; run < 3; run++) {
        struct records *db = NULL;
        struct quotas *q;
        CHECK(records_open(&db, dir.path, NULL) == 0);
        if (run == 0)
            set(db, (struct quota){.requests_day = 4, .jobs = 7});
        q = quotas_new(db);
        records_set_meter(db, &(struct meter){take, taken, q});
        CHECK_INT(use(q, 1, 10, "2026-11-21T12:00:00Z", &state), ERR_NONE);
        CHECK_INT(use(q, 1, 10, "2026-11-21T12:00:00Z", &state), run < 2 ? ERR_NONE : ERR_QUOTA);
        CHECK_INT(state.jobs, 7);
        if (run == 1)
            set(db, (struct quota){5, -1, -1, -1, -1});
        records_freep(&db);
        quotas_free(q);
    }
    {
        struct records *db = NULL;
        CHECK(records_open(&db, dir.path, NULL) == 0);
        CHECK(records_get_usage(db, "acme", day, day, &got, NULL) == 0);
        CHECK_INT(got.requests, 5);
        CHECK_INT(got.bytes, 50);
        records_freep(&db);
    }
    tempdir_clear(&dir);
}

/* What a commit has lost comes again, together with what was used meanwhile, and each on its day. */
static void what_was_not_kept_comes_again(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct records *db = NULL;
    struct quotas *q;
    struct quota_state state;
    struct usage_batch batch;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    q = quotas_new(db);
    use(q, 1, 10, "2026-11-21T12:00:00Z", &state);
    CHECK_INT(write_out(q, false).requests, 1);
    CHECK_INT(write_out(q, false).requests, 1);
    quotas_take(q, a, &batch);
    CHECK_INT(batch.n, 1);
    use(q, 2, 5, "2026-11-21T12:00:00Z", &state); /* while the writer is writing */
    quotas_taken(q, true);
    CHECK_INT(write_out(q, false).requests, 2);
    use(q, 4, 7, "2026-11-22T00:00:00Z", &state);
    quotas_take(q, a, &batch);
    CHECK_INT(batch.n, 2);
    for (size_t i = 0; i < batch.n && i < 2; i++) {
        bool old = batch.rows[i].day == usage_calendar(at("2026-11-21T12:00:00Z")).day;
        CHECK(old || batch.rows[i].day == usage_calendar(at("2026-11-22T12:00:00Z")).day);
        CHECK_INT(batch.rows[i].more.requests, old ? 2 : 4);
        CHECK_INT(batch.rows[i].more.bytes, old ? 5 : 7);
    }
    quotas_taken(q, true);
    CHECK_INT(write_out(q, true).requests, 0);
    records_freep(&db);
    quotas_free(q);
    tempdir_clear(&dir);
}

int main(void)
{
    RUN(each_limit_refuses_until_its_end);
    RUN(a_new_day_is_not_a_new_month);
    RUN(a_restart_forgets_nothing);
    RUN(what_was_not_kept_comes_again);
    return test_end();
}
