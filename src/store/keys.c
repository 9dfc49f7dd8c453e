/* API keys in the records: only their hashes. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "store/records_int.h"

/* A change of one key, and what the audit says of it. */
struct key_change {
    struct key_row row; /* adding: all of it; else only the id */
    struct key_rotation rotation;
    int64_t now_us;
    const char *who, *detail;
};

static int say(struct conn *c, enum audit_kind kind, const struct key_change *in, const char *tenant,
               struct err *err)
{
    struct audit_line line = {.who = in->who, .tenant = tenant, .object = in->row.id, .detail = in->detail};

    return audit_insert(c, kind, &line, err);
}

/* ---- adding ---- */

static int insert(struct conn *c, const struct key_row *row, struct err *err)
{
    static const char sql[] = "INSERT INTO keys (id, hash, tenant, scopes, note, created_us, expires_us, "
                              "revoked_us, rate_per_minute)"
                              " VALUES (?,?,?,?,?,?,?,?,?)";
    CLEANUP(query_end) struct query q = {0};

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

static int add_and_say(struct conn *c, const void *args, struct err *err)
{
    const struct key_change *in = args;

    return insert(c, &in->row, err) < 0 || say(c, AUDIT_KEY_NEW, in, in->row.tenant, err) < 0 ? -1 : 0;
}

static int run_add(struct conn *c, const void *args, struct err *err)
{
    return run_whole(c, add_and_say, args, err);
}

static const struct intent_kind add_key = {"add key", false, run_add};

int records_add_key(struct records *db, const struct key_row *row, records_done *done, void *arg,
                    struct err *err)
{
    struct arena *a = arena_new();
    struct key_change *copy = arena_alloc(a, sizeof *copy);

    *copy = (struct key_change){.row = *row, .who = db->who};
    copy->row.tenant = arena_strdup(a, row->tenant);
    copy->row.scopes = arena_strdup(a, row->scopes);
    copy->row.note = arena_strdup(a, row->note);
    copy->detail = arena_printf(a, "scopes %s", row->scopes);
    return intent_push_take(db, &add_key, a, copy, (struct answer){done, arg}, err);
}

/* ---- revoking ---- */

/* A key which is revoked already keeps its first time. */
static int revoke_and_say(struct conn *c, const void *args, struct err *err)
{
    static const char sql[] =
        "UPDATE keys SET revoked_us = CASE WHEN revoked_us = 0 THEN ? ELSE revoked_us END"
        " WHERE id = ? RETURNING tenant";
    CLEANUP(query_end) struct query q = {0};
    const struct key_change *in = args;
    char tenant[128];
    int got;

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_int(&q, in->now_us);
    bind_text(&q, in->row.id);
    got = query_next(&q, err);
    if (got <= 0)
        return got < 0 ? -1 : FAIL(err, ERR_NOT_FOUND, "there is no key %.24s", in->row.id);
    column_copy(&q, tenant, sizeof tenant);
    return say(c, AUDIT_KEY_REVOKE, in, tenant, err);
}

static int run_revoke(struct conn *c, const void *args, struct err *err)
{
    return run_whole(c, revoke_and_say, args, err);
}

static const struct intent_kind revoke_key = {"revoke key", true, run_revoke};

int records_revoke_key(struct records *db, const char *id, int64_t now_us, records_done *done, void *arg,
                       struct err *err)
{
    struct arena *a = arena_new();
    struct key_change *copy = arena_alloc(a, sizeof *copy);

    *copy = (struct key_change){.now_us = now_us, .who = db->who};
    text_copy(copy->row.id, sizeof copy->row.id, id);
    return intent_push_take(db, &revoke_key, a, copy, (struct answer){done, arg}, err);
}

/* ---- rotating ---- */

static int usable(struct conn *c, const struct key_rotation *in, struct err *err)
{
    static const char sql[] =
        "SELECT revoked_us > 0 OR (expires_us > 0 AND expires_us <= ?) FROM keys WHERE id = ?";
    CLEANUP(query_end) struct query q = {0};
    int got;

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_int(&q, in->now_us);
    bind_text(&q, in->id);
    got = query_next(&q, err);
    if (got <= 0)
        return got < 0 ? -1 : FAIL(err, ERR_NOT_FOUND, "there is no key %.24s", in->id);
    return column_int(&q) ? FAIL(err, ERR_CONFLICT, "key %.24s is revoked or expired; make a new one", in->id)
                          : 0;
}

static int rotate_and_say(struct conn *c, const void *args, struct err *err)
{
    static const char sql[] = "UPDATE keys SET old_hash = hash, old_until_us = ?, hash = ?, rotated_us = ?"
                              " WHERE id = ? RETURNING tenant";
    CLEANUP(query_end) struct query q = {0};
    const struct key_change *in = args;
    char tenant[128];

    if (usable(c, &in->rotation, err) < 0 || query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_int(&q, in->rotation.old_until_us);
    bind_text(&q, in->rotation.hash);
    bind_int(&q, in->rotation.now_us);
    bind_text(&q, in->row.id);
    if (query_next(&q, err) < 0)
        return -1;
    column_copy(&q, tenant, sizeof tenant);
    return say(c, AUDIT_KEY_ROTATE, in, tenant, err);
}

static int run_rotate(struct conn *c, const void *args, struct err *err)
{
    return run_whole(c, rotate_and_say, args, err);
}

static const struct intent_kind rotate_key = {"rotate key", false, run_rotate};

int records_rotate_key(struct records *db, const struct key_rotation *rotation, records_done *done, void *arg,
                       struct err *err)
{
    struct arena *a = arena_new();
    struct key_change *copy = arena_alloc(a, sizeof *copy);
    char until[CLOCK_TEXT];

    *copy = (struct key_change){.rotation = *rotation, .who = db->who};
    text_copy(copy->row.id, sizeof copy->row.id, rotation->id);
    copy->rotation.id = copy->row.id;
    copy->rotation.hash = arena_strdup(a, rotation->hash);
    copy->detail = arena_printf(a, "the old secret dies at %s", clock_rfc3339(until, rotation->old_until_us));
    return intent_push_take(db, &rotate_key, a, copy, (struct answer){done, arg}, err);
}

/* ---- reading ---- */

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
    row->rotated_us = column_int(q);
    column_copy(q, row->old_hash, sizeof row->old_hash);
    row->old_until_us = column_int(q);
}

#define KEY_COLUMNS                                                                                     \
    "id, hash, tenant, scopes, note, created_us, expires_us, revoked_us, rate_per_minute, rotated_us, " \
    "old_hash, old_until_us"

int records_get_key(struct records *db, struct arena *a, const char *hash, struct key_row *ret_row,
                    struct err *err)
{
    static const char sql[] = "SELECT " KEY_COLUMNS " FROM keys WHERE hash = ?1 OR old_hash = ?1";
    CLEANUP(reading_end) struct reading r = {0};
    struct key_row row = {0};
    int got = reading_of(&r, db, sql, hash, err);

    if (got <= 0)
        return got < 0 ? -1 : FAIL(err, ERR_NOT_FOUND, "there is no such key");
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
