#include "store/impulses.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "store/records_int.h"

static struct bytes copy_bytes(struct arena *a, struct bytes b)
{
    return b.len ? bytes_of(arena_strndup(a, (const char *)b.data, b.len), b.len) : b;
}

/* ---- saving ---- */

struct save {
    struct impulse_row row;
    int64_t *ret_id;
};

/* The first of a project is its standard one. */
static int insert(struct conn *c, const struct save *in, struct err *err)
{
    static const char sql[] =
        "INSERT INTO impulses (project, name, standard, version, definition, created_us, changed_us)"
        " SELECT ?1, ?2, NOT EXISTS (SELECT 1 FROM impulses WHERE project = ?1 AND standard), 1, ?3, ?4, ?4"
        " WHERE (SELECT count(*) FROM impulses WHERE project = ?1) < ?5 RETURNING id";
    CLEANUP(query_end) struct query q = {0};
    int got;

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_int(&q, in->row.project);
    bind_text(&q, in->row.name);
    bind_bytes(&q, in->row.definition);
    bind_int(&q, in->row.changed_us);
    bind_int(&q, IMPULSES_PER_PROJECT);
    got = query_next(&q, err);
    if (got < 0)
        return -1;
    if (!got)
        return FAIL(err, ERR_LIMIT, "a project has at most %d impulses; delete one first",
                    IMPULSES_PER_PROJECT);
    *in->ret_id = column_int(&q);
    return 0;
}

static int find_impulse(struct conn *c, int64_t project, int64_t id, struct err *err)
{
    CLEANUP(query_end) struct query q = {0};
    int got;

    if (query_begin(&q, c, "SELECT 1 FROM impulses WHERE id = ? AND project = ?", err) < 0)
        return -1;
    bind_int(&q, id);
    bind_int(&q, project);
    got = query_next(&q, err);
    if (got < 0)
        return -1;
    return got ? 0 : FAIL(err, ERR_NOT_FOUND, "the project has no impulse %lld", (long long)id);
}

static int update(struct conn *c, const struct save *in, struct err *err)
{
    static const char sql[] =
        "UPDATE impulses SET name = ?, definition = ?, version = version + 1,"
        " changed_us = ? WHERE id = ? AND project = ? AND version = coalesce(?, version)";
    CLEANUP(query_end) struct query q = {0};

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_text(&q, in->row.name);
    bind_bytes(&q, in->row.definition);
    bind_int(&q, in->row.changed_us);
    bind_int(&q, in->row.id);
    bind_int(&q, in->row.project);
    bind_int_unless(&q, in->row.version, 0);
    if (query_run(&q, err) < 0)
        return -1;
    *in->ret_id = in->row.id;
    if (query_changes(&q))
        return 0;
    if (find_impulse(c, in->row.project, in->row.id, err) < 0)
        return -1;
    return FAIL(err, ERR_CONFLICT, "the impulse was changed just now; read it again and try once more");
}

static int run_save(struct conn *c, const void *args, struct err *err)
{
    const struct save *in = args;

    return in->row.id ? update(c, in, err) : insert(c, in, err);
}

static const struct intent_kind save_impulse = {"save impulse", false, run_save};

int records_save_impulse(struct records *db, const struct impulse_row *row, int64_t *ret_id,
                         records_done *done, void *arg, struct err *err)
{
    struct arena *a = arena_new();
    struct save *copy = arena_alloc(a, sizeof *copy);

    *copy = (struct save){*row, ret_id};
    copy->row.name = arena_strdup(a, row->name);
    copy->row.definition = copy_bytes(a, row->definition);
    copy->row.changed_us = clock_wall_us();
    return intent_push_take(db, &save_impulse, a, copy, (struct answer){done, arg}, err);
}

/* ---- deleting ---- */

static int drop(struct conn *c, const struct impulse_row *in, struct err *err)
{
    CLEANUP(query_end) struct query q = {0};

    if (query_begin(&q, c, "DELETE FROM impulses WHERE id = ? AND project = ?", err) < 0)
        return -1;
    bind_int(&q, in->id);
    bind_int(&q, in->project);
    return query_run(&q, err);
}

static int choose_standard(struct conn *c, int64_t project, struct err *err)
{
    static const char sql[] =
        "UPDATE impulses SET standard = 1 WHERE id = (SELECT min(id) FROM impulses WHERE project = ?1)"
        " AND NOT EXISTS (SELECT 1 FROM impulses WHERE project = ?1 AND standard)";
    CLEANUP(query_end) struct query q = {0};

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_int(&q, project);
    return query_run(&q, err);
}

static int delete_one(struct conn *c, const void *args, struct err *err)
{
    const struct impulse_row *in = args;

    if (find_impulse(c, in->project, in->id, err) < 0 || drop(c, in, err) < 0)
        return -1;
    return choose_standard(c, in->project, err);
}

static int run_delete(struct conn *c, const void *args, struct err *err)
{
    return run_whole(c, delete_one, args, err);
}

static const struct intent_kind delete_impulse = {"delete impulse", false, run_delete};

int records_delete_impulse(struct records *db, int64_t project, int64_t id, records_done *done, void *arg,
                           struct err *err)
{
    struct arena *a = arena_new();
    struct impulse_row *copy = arena_alloc(a, sizeof *copy);

    *copy = (struct impulse_row){.id = id, .project = project};
    return intent_push_take(db, &delete_impulse, a, copy, (struct answer){done, arg}, err);
}

/* ---- reading ---- */

#define IMPULSE_COLUMNS \
    "SELECT id, project, name, standard, version, definition, created_us, changed_us FROM impulses"

static void read_impulse(struct query *q, struct arena *a, struct impulse_row *row)
{
    row->id = column_int(q);
    row->project = column_int(q);
    row->name = column_text(q, a);
    row->standard = column_int(q) != 0;
    row->version = column_int(q);
    row->definition = column_bytes(q, a);
    row->created_us = column_int(q);
    row->changed_us = column_int(q);
}

int records_impulse(struct records *db, struct arena *a, int64_t project, int64_t id,
                    struct impulse_row *ret_row, struct err *err)
{
    static const char sql[] = IMPULSE_COLUMNS " WHERE project = ?1 AND CASE ?2 WHEN 0 THEN standard"
                                              " ELSE id = ?2 END";
    CLEANUP(reading_end) struct reading r = {0};
    int got;

    if (reading_begin(&r, db, sql, err) < 0)
        return -1;
    bind_int(&r.q, project);
    bind_int(&r.q, id);
    got = query_next(&r.q, err);
    if (got < 0)
        return -1;
    if (!got && id)
        return FAIL(err, ERR_NOT_FOUND, "the project has no impulse %lld", (long long)id);
    if (!got)
        return FAIL(err, ERR_NOT_FOUND, "the project has no impulse yet; POST one to /impulse");
    read_impulse(&r.q, a, ret_row);
    return 0;
}

int records_impulses(struct records *db, struct arena *a, int64_t project, struct impulse_row **ret_rows,
                     size_t *ret_n, struct err *err)
{
    static const char sql[] = IMPULSE_COLUMNS " WHERE project = ? ORDER BY standard DESC, id";
    CLEANUP(reading_end) struct reading r = {0};
    struct impulse_row *rows = NULL;
    size_t n = 0, cap = 0;
    int got;

    if (reading_begin(&r, db, sql, err) < 0)
        return -1;
    bind_int(&r.q, project);
    while ((got = query_next(&r.q, err)) > 0)
        read_impulse(&r.q, a, &ARENA_PUSH(a, rows, n, cap));
    if (got < 0)
        return -1;
    *ret_rows = rows;
    *ret_n = n;
    return 0;
}

/* ---- models ---- */

static int run_put_model(struct conn *c, const void *args, struct err *err)
{
    static const char sql[] =
        "INSERT OR REPLACE INTO models (impulse, block, variant, sha256, inputs, job, made_us, report)"
        " SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE EXISTS (SELECT 1 FROM impulses WHERE id = ?1)";
    const struct model_row *in = args;
    CLEANUP(query_end) struct query q = {0};

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_int(&q, in->impulse);
    bind_int(&q, in->block);
    bind_text(&q, in->variant);
    bind_text(&q, in->sha256);
    bind_text(&q, in->inputs);
    bind_text(&q, in->job);
    bind_int(&q, in->made_us);
    bind_bytes(&q, in->report);
    if (query_run(&q, err) < 0)
        return -1;
    return query_changes(&q) ? 0 : FAIL(err, ERR_NOT_FOUND, "there is no such impulse any more");
}

static const struct intent_kind put_model = {"put model", false, run_put_model};

int records_put_model(struct records *db, const struct model_row *row, records_done *done, void *arg,
                      struct err *err)
{
    struct arena *a = arena_new();
    struct model_row *copy = arena_alloc(a, sizeof *copy);

    *copy = *row;
    copy->variant = arena_strdup(a, row->variant ? row->variant : "");
    copy->sha256 = arena_strdup(a, row->sha256);
    copy->inputs = arena_strdup(a, row->inputs ? row->inputs : "");
    copy->job = arena_strdup(a, row->job);
    copy->report = copy_bytes(a, row->report);
    return intent_push_take(db, &put_model, a, copy, (struct answer){done, arg}, err);
}

int records_models(struct records *db, struct arena *a, int64_t impulse, struct model_row **ret_rows,
                   size_t *ret_n, struct err *err)
{
    static const char sql[] =
        "SELECT impulse, block, variant, sha256, inputs, job, made_us, report FROM models"
        " WHERE impulse = ? ORDER BY block, variant";
    CLEANUP(reading_end) struct reading r = {0};
    struct model_row *rows = NULL;
    size_t n = 0, cap = 0;
    int got;

    if (reading_begin(&r, db, sql, err) < 0)
        return -1;
    bind_int(&r.q, impulse);
    while ((got = query_next(&r.q, err)) > 0) {
        struct model_row *row = &ARENA_PUSH(a, rows, n, cap);
        row->impulse = column_int(&r.q);
        row->block = column_int(&r.q);
        row->variant = column_text(&r.q, a);
        row->sha256 = column_text(&r.q, a);
        row->inputs = column_text(&r.q, a);
        row->job = column_text(&r.q, a);
        row->made_us = column_int(&r.q);
        row->report = column_bytes(&r.q, a);
    }
    if (got < 0)
        return -1;
    *ret_rows = rows;
    *ret_n = n;
    return 0;
}
