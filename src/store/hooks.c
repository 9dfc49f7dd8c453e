/* Hooks in the records: URLs and their secrets. */
#include "store/hooks.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "store/records_int.h"

/* Changes of one hook, and what the audit says of it. */
struct hook_change {
    struct hook_row row; /* adding: all of it; else the id and the new secret */
    int64_t when_us;
    const char *who, *detail;
};

static int say(struct conn *c, enum audit_kind kind, const struct hook_change *in, const char *tenant,
               struct err *err)
{
    struct audit_line line = {.who = in->who, .tenant = tenant, .object = in->row.id, .detail = in->detail};

    return audit_insert(c, kind, &line, err);
}

static int insert(struct conn *c, const struct hook_row *row, struct err *err)
{
    static const char sql[] =
        "INSERT INTO hooks (id, tenant, dialect, url, secret, old_secret, old_until_us, created_us,"
        " removed_us) SELECT ?1,?2,?3,?4,?5,?6,?7,?8,?9 WHERE ?10 >"
        " (SELECT count(*) FROM hooks WHERE tenant = ?2 AND removed_us = 0)";
    CLEANUP(query_end) struct query q = {0};

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

static int add_and_say(struct conn *c, const void *args, struct err *err)
{
    const struct hook_change *in = args;

    return insert(c, &in->row, err) < 0 || say(c, AUDIT_HOOK_ADD, in, in->row.tenant, err) < 0 ? -1 : 0;
}

static int run_add(struct conn *c, const void *args, struct err *err)
{
    return run_whole(c, add_and_say, args, err);
}

static const struct intent_kind add_hook = {"add hook", false, run_add};

int records_add_hook(struct records *db, const struct hook_row *row, records_done *done, void *arg,
                     struct err *err)
{
    struct arena *a = arena_new();
    struct hook_change *copy = arena_alloc(a, sizeof *copy);

    *copy = (struct hook_change){.row = *row, .who = db->who};
    copy->row.tenant = arena_strdup(a, row->tenant);
    copy->row.dialect = arena_strdup(a, row->dialect);
    copy->row.url = arena_strdup(a, row->url);
    copy->row.secret = arena_strdup(a, row->secret);
    copy->row.old_secret = arena_strdup(a, row->old_secret);
    copy->detail = arena_strndup(a, row->url, strcspn(row->url, "?")); /* a query may hold a secret */
    return intent_push_take(db, &add_hook, a, copy, (struct answer){done, arg}, err);
}

static int push_change(struct records *db, const struct intent_kind *kind, const struct hook_change *in,
                       struct answer answer, struct err *err)
{
    struct arena *a = arena_new();
    struct hook_change *copy = arena_alloc(a, sizeof *copy);

    *copy = *in;
    copy->who = db->who;
    copy->row.secret = arena_strdup(a, in->row.secret);
    return intent_push_take(db, kind, a, copy, answer, err);
}

/* The statement returns the tenant of the hook it has changed. */
static int changed(struct query *q, enum audit_kind kind, const struct hook_change *in, struct err *err)
{
    char tenant[128];
    int got = query_next(q, err);

    if (got <= 0)
        return got < 0 ? -1 : FAIL(err, ERR_NOT_FOUND, "there is no hook %.24s", in->row.id);
    column_copy(q, tenant, sizeof tenant);
    return say(q->conn, kind, in, tenant, err);
}

static int remove_and_say(struct conn *c, const void *args, struct err *err)
{
    static const char sql[] = "UPDATE hooks SET removed_us = ?, secret = NULL, old_secret = NULL"
                              " WHERE id = ? AND removed_us = 0 RETURNING tenant";
    CLEANUP(query_end) struct query q = {0};
    const struct hook_change *in = args;

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_int(&q, in->when_us);
    bind_text(&q, in->row.id);
    return changed(&q, AUDIT_HOOK_REMOVE, in, err);
}

static int run_remove(struct conn *c, const void *args, struct err *err)
{
    return run_whole(c, remove_and_say, args, err);
}

static const struct intent_kind remove_hook = {"remove hook", false, run_remove};

int records_remove_hook(struct records *db, const char *id, int64_t now_us, records_done *done, void *arg,
                        struct err *err)
{
    struct hook_change in = {.when_us = now_us};

    text_copy(in.row.id, sizeof in.row.id, id);
    return push_change(db, &remove_hook, &in, (struct answer){done, arg}, err);
}

static int rotate_and_say(struct conn *c, const void *args, struct err *err)
{
    static const char sql[] = "UPDATE hooks SET old_secret = secret, old_until_us = ?, secret = ?"
                              " WHERE id = ? AND removed_us = 0 RETURNING tenant";
    CLEANUP(query_end) struct query q = {0};
    const struct hook_change *in = args;

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_int(&q, in->when_us);
    bind_text(&q, in->row.secret);
    bind_text(&q, in->row.id);
    return changed(&q, AUDIT_HOOK_ROTATE, in, err);
}

static int run_rotate(struct conn *c, const void *args, struct err *err)
{
    return run_whole(c, rotate_and_say, args, err);
}

static const struct intent_kind rotate_hook = {"rotate hook", false, run_rotate};

int records_rotate_hook(struct records *db, const char *id, const char *secret, int64_t old_until_us,
                        records_done *done, void *arg, struct err *err)
{
    struct hook_change in = {.row.secret = secret, .when_us = old_until_us};

    text_copy(in.row.id, sizeof in.row.id, id);
    return push_change(db, &rotate_hook, &in, (struct answer){done, arg}, err);
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
    int got = reading_of(&r, db, sql, id, err);

    if (got <= 0)
        return got < 0 ? -1 : FAIL(err, ERR_NOT_FOUND, "there is no hook %.24s", id);
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
