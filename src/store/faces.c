#include "store/faces.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "store/records_int.h"

struct face_args {
    struct face_order order;
    struct face_row row;
};

static struct face_args *args_new(struct arena *a, const struct face_order *order, const char *name)
{
    struct face_args *args = arena_alloc(a, sizeof *args);

    args->order = (struct face_order){arena_strdup(a, order->tenant), arena_strdup(a, order->who)};
    args->row.name = arena_strdup(a, name);
    return args;
}

static int say(struct conn *c, enum audit_kind kind, const struct face_args *in, struct err *err)
{
    return audit_insert(
        c, kind,
        &(struct audit_line){.who = in->order.who, .tenant = in->order.tenant, .object = in->row.name}, err);
}

/* ---- adding ---- */

/* A statement for both: the ceiling is for new names only. */
static int insert(struct conn *c, const struct face_args *in, struct err *err)
{
    static const char sql[] = "INSERT INTO faces (tenant, name, created_us, embedding) SELECT ?1, ?2, ?3, ?4"
                              " WHERE (SELECT count(*) FROM faces WHERE tenant = ?1 AND name <> ?2) < ?5"
                              " ON CONFLICT (tenant, name) DO UPDATE SET created_us = excluded.created_us,"
                              " embedding = excluded.embedding";
    CLEANUP(query_end) struct query q = {0};

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_text(&q, in->order.tenant);
    bind_text(&q, in->row.name);
    bind_int(&q, in->row.created_us);
    bind_bytes(&q, bytes_of(in->row.embedding, in->row.n * sizeof *in->row.embedding));
    bind_int(&q, FACES_PER_TENANT);
    if (query_run(&q, err) < 0)
        return -1;
    return query_changes(&q) ? 0 : FAIL(err, ERR_LIMIT, "the list has %d faces already", FACES_PER_TENANT);
}

static int insert_and_say(struct conn *c, const void *args, struct err *err)
{
    return insert(c, args, err) < 0 ? -1 : say(c, AUDIT_FACE_ADD, args, err);
}

static int run_add(struct conn *c, const void *args, struct err *err)
{
    return run_whole(c, insert_and_say, args, err);
}

static const struct intent_kind add_face = {"add face", false, run_add};

int records_add_face(struct records *db, const struct face_order *order, const struct face_row *row,
                     records_done *done, void *arg, struct err *err)
{
    struct arena *a = arena_new();
    struct face_args *args = args_new(a, order, row->name);
    float *copy = arena_array(a, row->n, sizeof *copy);

    memcpy(copy, row->embedding, row->n * sizeof *copy);
    args->row.created_us = row->created_us;
    args->row.n = row->n;
    args->row.embedding = copy;
    return intent_push_take(db, &add_face, a, args, (struct answer){done, arg}, err);
}

/* ---- removing ---- */

static int delete_and_say(struct conn *c, const void *args, struct err *err)
{
    static const char sql[] = "DELETE FROM faces WHERE tenant = ? AND name = ?";
    CLEANUP(query_end) struct query q = {0};
    const struct face_args *in = args;

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_text(&q, in->order.tenant);
    bind_text(&q, in->row.name);
    if (query_run(&q, err) < 0)
        return -1;
    if (!query_changes(&q))
        return FAIL(err, ERR_NOT_FOUND, "there is no such face on the list");
    return say(c, AUDIT_FACE_REMOVE, in, err);
}

static int run_remove(struct conn *c, const void *args, struct err *err)
{
    return run_whole(c, delete_and_say, args, err);
}

static const struct intent_kind remove_face = {"remove face", false, run_remove};

int records_remove_face(struct records *db, const struct face_order *order, const char *name,
                        records_done *done, void *arg, struct err *err)
{
    struct arena *a = arena_new();

    return intent_push_take(db, &remove_face, a, args_new(a, order, name), (struct answer){done, arg}, err);
}

/* ---- reading ---- */

int records_faces(struct records *db, struct arena *a, const char *tenant, bool whole,
                  struct face_row **ret_rows, size_t *ret_n, struct err *err)
{
    static const char sql[] = "SELECT name, created_us, CASE WHEN ?2 THEN embedding END FROM faces"
                              " WHERE tenant = ?1 ORDER BY name";
    CLEANUP(reading_end) struct reading r = {0};
    struct face_row *rows = NULL;
    size_t n = 0, cap = 0;
    int got;

    if (reading_begin(&r, db, sql, err) < 0)
        return -1;
    bind_text(&r.q, tenant);
    bind_int(&r.q, whole);
    while ((got = query_next(&r.q, err)) > 0) {
        struct face_row *row = &ARENA_PUSH(a, rows, n, cap);
        struct bytes b;
        row->name = column_text(&r.q, a);
        row->created_us = column_int(&r.q);
        b = column_bytes(&r.q, a); /* from an arena: aligned */
        row->n = b.len / sizeof *row->embedding;
        row->embedding = (const float *)(const void *)b.data;
    }
    if (got < 0)
        return -1;
    *ret_rows = rows;
    *ret_n = n;
    return 0;
}
