/* Hooks in the records: URLs and their secrets. */
#include "store/hooks.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "store/records_int.h"

static int run_add(struct conn *c, const void *args, struct err *err)
{
    static const char sql[] =
        "INSERT INTO hooks (id, tenant, dialect, url, secret, old_secret, old_until_us, created_us,"
        " removed_us) SELECT ?1,?2,?3,?4,?5,?6,?7,?8,?9 WHERE ?10 >"
        " (SELECT count(*) FROM hooks WHERE tenant = ?2 AND removed_us = 0)";
    CLEANUP(query_end) struct query q = {0};
    const struct hook_row *row = args;

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_text(&q, row->id);
    bind_text(&q, row->tenant);
    bind_text(&q, row->dialect);
    bind_text(&q, row->url);
    bind_text(&q, row->secret);
    bind_text(&q, row->old_secret);
    bind_int(&q, row->old_until_us);
    bind_int(&q, row->created_us);
    bind_int(&q, row->removed_us);
    bind_int(&q, HOOKS_PER_TENANT);
    if (query_run(&q, err) < 0)
        return -1;
    if (!query_changes(&q))
        return FAIL(err, ERR_LIMIT, "a tenant has at most %d hooks; remove one first", HOOKS_PER_TENANT);
    return 0;
}

static const struct intent_kind add_hook = {"add hook", false, run_add};

int records_add_hook(struct records *db, const struct hook_row *row, records_done *done, void *arg,
                     struct err *err)
{
    struct arena *a = arena_new();
    struct hook_row *copy = arena_alloc(a, sizeof *copy);

    *copy = *row;
    copy->tenant = arena_strdup(a, row->tenant);
    copy->dialect = arena_strdup(a, row->dialect);
    copy->url = arena_strdup(a, row->url);
    copy->secret = arena_strdup(a, row->secret);
    copy->old_secret = arena_strdup(a, row->old_secret);
    return intent_push_take(db, &add_hook, a, copy, (struct answer){done, arg}, err);
}

/* Changes of one hook. */
struct hook_args {
    const char *id, *secret;
    int64_t when_us;
};

static int push_change(struct records *db, const struct intent_kind *kind, const struct hook_args *in,
                       struct answer answer, struct err *err)
{
    struct arena *a = arena_new();
    struct hook_args *copy = arena_alloc(a, sizeof *copy);

    *copy = (struct hook_args){arena_strdup(a, in->id), arena_strdup(a, in->secret), in->when_us};
    return intent_push_take(db, kind, a, copy, answer, err);
}

static int must_change(struct query *q, const char *id, struct err *err)
{
    if (query_run(q, err) < 0)
        return -1;
    return query_changes(q) ? 0 : FAIL(err, ERR_NOT_FOUND, "there is no hook %.24s", id);
}

static int run_remove(struct conn *c, const void *args, struct err *err)
{
    static const char sql[] = "UPDATE hooks SET removed_us = ?, secret = NULL, old_secret = NULL"
                              " WHERE id = ? AND removed_us = 0";
    CLEANUP(query_end) struct query q = {0};
    const struct hook_args *in = args;

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_int(&q, in->when_us);
    bind_text(&q, in->id);
    return must_change(&q, in->id, err);
}

static const struct intent_kind remove_hook = {"remove hook", false, run_remove};

int records_remove_hook(struct records *db, const char *id, int64_t now_us, records_done *done, void *arg,
                        struct err *err)
{
    return push_change(db, &remove_hook, &(struct hook_args){id, NULL, now_us}, (struct answer){done, arg},
                       err);
}

static int run_rotate(struct conn *c, const void *args, struct err *err)
{
    static const char sql[] = "UPDATE hooks SET old_secret = secret, old_until_us = ?, secret = ?"
                              " WHERE id = ? AND removed_us = 0";
    CLEANUP(query_end) struct query q = {0};
    const struct hook_args *in = args;

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_int(&q, in->when_us);
    bind_text(&q, in->secret);
    bind_text(&q, in->id);
    return must_change(&q, in->id, err);
}

static const struct intent_kind rotate_hook = {"rotate hook", false, run_rotate};

int records_rotate_hook(struct records *db, const char *id, const char *secret, int64_t old_until_us,
                        records_done *done, void *arg, struct err *err)
{
    return push_change(db, &rotate_hook, &(struct hook_args){id, secret, old_until_us},
                       (struct answer){done, arg}, err);
}

/* ---- reading ---- */

#define HOOK_COLUMNS "id, tenant, dialect, url, secret, old_secret, old_until_us, created_us, removed_us"

static void read_hook(struct query *q, struct arena *a, struct hook_row *row)
{
    column_copy(q, row->id, sizeof row->id);
    row->tenant = column_text(q, a);
    row->dialect = column_text(q, a);
    row->url = column_text(q, a);
    row->secret = column_text(q, a);
    row->old_secret = column_text(q, a);
    row->old_until_us = column_int(q);
    row->created_us = column_int(q);
    row->removed_us = column_int(q);
}

int records_get_hook(struct records *db, struct arena *a, const char *id, struct hook_row *ret_row,
                     struct err *err)
{
    static const char sql[] = "SELECT " HOOK_COLUMNS " FROM hooks WHERE id = ?";
    CLEANUP(reading_end) struct reading r = {0};
    int got;

    if (reading_begin(&r, db, sql, err) < 0)
        return -1;
    bind_text(&r.q, id);
    got = query_next(&r.q, err);
    if (got < 0)
        return -1;
    if (got == 0)
        return FAIL(err, ERR_NOT_FOUND, "there is no hook %.24s", id);
    read_hook(&r.q, a, ret_row);
    return 0;
}

int records_list_hooks(struct records *db, struct arena *a, const char *tenant, struct hook_row **ret_rows,
                       size_t *ret_n, struct err *err)
{
    static const char sql[] =
        "SELECT " HOOK_COLUMNS " FROM hooks WHERE removed_us = 0 AND tenant = coalesce(?, tenant)"
        " ORDER BY seq";
    CLEANUP(reading_end) struct reading r = {0};
    struct hook_row *rows = NULL;
    size_t n = 0, cap = 0;
    int got;

    if (reading_begin(&r, db, sql, err) < 0)
        return -1;
    bind_text(&r.q, tenant);
    while ((got = query_next(&r.q, err)) > 0)
        read_hook(&r.q, a, &ARENA_PUSH(a, rows, n, cap));
    if (got < 0)
        return -1;
    *ret_rows = rows;
    *ret_n = n;
    return 0;
}
