#include "store/idempotency.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "store/records_int.h"

/* Part of adding a job. A use that is over makes room; one that is not is a conflict. */
int key_use_insert(struct conn *c, const struct job_row *job, struct err *err)
{
    static const char sql[] = "INSERT INTO idempotency (tenant, key, fingerprint, job, created_us)"
                              " VALUES (?,?,?,?,?)"
                              " ON CONFLICT (tenant, key) DO UPDATE SET fingerprint = excluded.fingerprint,"
                              " job = excluded.job, created_us = excluded.created_us WHERE created_us < ?";
    CLEANUP(query_end) struct query q = {0};

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_text(&q, job->tenant);
    bind_text(&q, job->key);
    bind_text(&q, job->fingerprint);
    bind_text(&q, job->id);
    bind_int(&q, job->created_us);
    bind_int(&q, job->created_us - idempotency_keep_us);
    if (query_run(&q, err) < 0)
        return -1;
    return query_changes(&q) ? 0 : FAIL(err, ERR_CONFLICT, "the Idempotency-Key has been used just now");
}

int records_find_key_use(struct records *db, const char *tenant, const char *key, int64_t now_us,
                         struct key_use *ret, struct err *err)
{
    static const char sql[] = "SELECT job, fingerprint, created_us FROM idempotency"
                              " WHERE tenant = ? AND key = ? AND created_us >= ?";
    CLEANUP(reading_end) struct reading r = {0};
    int got;

    if (reading_begin(&r, db, sql, err) < 0)
        return -1;
    bind_text(&r.q, tenant);
    bind_text(&r.q, key);
    bind_int(&r.q, now_us - idempotency_keep_us);
    got = query_next(&r.q, err);
    if (got < 0)
        return -1;
    if (got == 0)
        return FAIL(err, ERR_NOT_FOUND, "the Idempotency-Key has not been used");
    column_copy(&r.q, ret->job, sizeof ret->job);
    column_copy(&r.q, ret->fingerprint, sizeof ret->fingerprint);
    ret->created_us = column_int(&r.q);
    return 0;
}

struct forget_args {
    int64_t before_us;
    size_t max;
};

static int run_forget(struct conn *c, const void *args, struct err *err)
{
    static const char sql[] =
        "DELETE FROM idempotency WHERE (tenant, key) IN"
        " (SELECT tenant, key FROM idempotency WHERE created_us < ? ORDER BY created_us LIMIT ?)";
    CLEANUP(query_end) struct query q = {0};
    const struct forget_args *in = args;

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_int(&q, in->before_us);
    bind_int(&q, (int64_t)in->max);
    return query_run(&q, err);
}

static const struct intent_kind forget_key_uses = {"forget key uses", false, run_forget};

int records_forget_key_uses(struct records *db, int64_t before_us, size_t max, records_done *done, void *arg,
                            struct err *err)
{
    struct arena *a = arena_new();
    struct forget_args *copy = arena_alloc(a, sizeof *copy);

    *copy = (struct forget_args){before_us, max};
    return intent_push_take(db, &forget_key_uses, a, copy, (struct answer){done, arg}, err);
}
