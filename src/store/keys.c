/* API keys in the records: only their hashes. */
#include "base/cleanup.h"
#include "base/text.h"
#include "store/records_int.h"

static int run_add(struct conn *c, const void *args, struct err *err)
{
    static const char sql[] = "INSERT INTO keys (id, hash, tenant, scopes, note, created_us, expires_us, "
                              "revoked_us, rate_per_minute)"
                              " VALUES (?,?,?,?,?,?,?,?,?)";
    CLEANUP(query_end) struct query q = {0};
    const struct key_row *row = args;

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_text(&q, row->id);
    bind_text(&q, row->hash);
    bind_text(&q, row->tenant);
    bind_text(&q, row->scopes);
    bind_text(&q, row->note);
    bind_int(&q, row->created_us);
    bind_int(&q, row->expires_us);
    bind_int(&q, row->revoked_us);
    bind_int(&q, row->rate_per_minute);
    return query_run(&q, err);
}

static const struct intent_kind add_key = {"add key", false, run_add};

int records_add_key(struct records *db, const struct key_row *row, records_done *done, void *arg,
                    struct err *err)
{
    struct arena *a = arena_new();
    struct key_row *copy = arena_alloc(a, sizeof *copy);

    *copy = *row;
    copy->tenant = arena_strdup(a, row->tenant);
    copy->scopes = arena_strdup(a, row->scopes);
    copy->note = arena_strdup(a, row->note);
    return intent_push_take(db, &add_key, a, copy, (struct answer){done, arg}, err);
}

struct revoke_args {
    const char *id;
    int64_t now_us;
};

/* A key which is revoked already keeps its first time. */
static int run_revoke(struct conn *c, const void *args, struct err *err)
{
    static const char sql[] =
        "UPDATE keys SET revoked_us = CASE WHEN revoked_us = 0 THEN ? ELSE revoked_us END WHERE id = ?";
    CLEANUP(query_end) struct query q = {0};
    const struct revoke_args *in = args;

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_int(&q, in->now_us);
    bind_text(&q, in->id);
    if (query_run(&q, err) < 0)
        return -1;
    if (!query_changes(&q))
        return FAIL(err, ERR_NOT_FOUND, "there is no key %.24s", in->id);
    return 0;
}

static const struct intent_kind revoke_key = {"revoke key", true, run_revoke};

int records_revoke_key(struct records *db, const char *id, int64_t now_us, records_done *done, void *arg,
                       struct err *err)
{
    struct arena *a = arena_new();
    struct revoke_args *copy = arena_alloc(a, sizeof *copy);

    *copy = (struct revoke_args){arena_strdup(a, id), now_us};
    return intent_push_take(db, &revoke_key, a, copy, (struct answer){done, arg}, err);
}

static void read_row(struct query *q, struct arena *a, struct key_row *row)
{
    column_copy(q, row->id, sizeof row->id);
    column_copy(q, row->hash, sizeof row->hash);
    row->tenant = column_text(q, a);
    row->scopes = column_text(q, a);
    row->note = column_text(q, a);
    row->created_us = column_int(q);
    row->expires_us = column_int(q);
    row->revoked_us = column_int(q);
    row->rate_per_minute = (int)column_int(q);
}

#define KEY_COLUMNS "id, hash, tenant, scopes, note, created_us, expires_us, revoked_us, rate_per_minute"

int records_get_key(struct records *db, struct arena *a, const char *hash, struct key_row *ret_row,
                    struct err *err)
{
    static const char sql[] = "SELECT " KEY_COLUMNS " FROM keys WHERE hash = ?";
    CLEANUP(reading_end) struct reading r = {0};
    struct key_row row = {0};
    int got;

    if (reading_begin(&r, db, sql, err) < 0)
        return -1;
    bind_text(&r.q, hash);
    got = query_next(&r.q, err);
    if (got < 0)
        return -1;
    if (got == 0)
        return FAIL(err, ERR_NOT_FOUND, "there is no such key");
    read_row(&r.q, a, &row);
    *ret_row = row;
    return 0;
}

int records_list_keys(struct records *db, struct arena *a, struct key_row **ret_rows, size_t *ret_n,
                      struct err *err)
{
    static const char sql[] = "SELECT " KEY_COLUMNS " FROM keys ORDER BY seq";
    CLEANUP(reading_end) struct reading r = {0};
    struct key_row *rows = NULL;
    size_t n = 0, cap = 0;
    int got;

    if (reading_begin(&r, db, sql, err) < 0)
        return -1;
    while ((got = query_next(&r.q, err)) > 0)
        read_row(&r.q, a, &ARENA_PUSH(a, rows, n, cap));
    if (got < 0)
        return -1;
    *ret_rows = rows;
    *ret_n = n;
    return 0;
}
