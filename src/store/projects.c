#include "store/projects.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "store/records_int.h"

/* ---- adding ---- */

struct project_args {
    struct project_order order;
    bool first; /* only when the tenant has none */
    char hmac_key[HMAC_KEY_TEXT];
    int64_t now_us, *ret_id;
};

static int say(struct conn *c, enum audit_kind kind, const char *tenant, const char *who, int64_t id,
               struct err *err)
{
    char object[24];

    snprintf(object, sizeof object, "%" PRId64, id);
    return audit_insert(c, kind, &(struct audit_line){.who = who, .tenant = tenant, .object = object}, err);
}

static int insert(struct conn *c, const struct project_args *in, int64_t *ret_id, struct err *err)
{
    static const char sql[] =
        "INSERT INTO projects (tenant, name, hmac_key, created_us) SELECT ?1, ?2, ?3, ?4"
        " WHERE (SELECT count(*) FROM projects WHERE tenant = ?1) < ?5 RETURNING id";
    CLEANUP(query_end) struct query q = {0};
    int got;

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_text(&q, in->order.tenant);
    bind_text(&q, in->order.name);
    bind_text(&q, in->hmac_key);
    bind_int(&q, in->now_us);
    bind_int(&q, in->order.max);
    got = query_next(&q, err);
    *ret_id = got > 0 ? column_int(&q) : 0;
    return got < 0 ? -1 : 0;
}

static int insert_and_say(struct conn *c, const void *args, struct err *err)
{
    const struct project_args *in = args;
    int64_t id;

    if (insert(c, in, &id, err) < 0)
        return -1;
    if (!id)
        return in->first
                   ? 0
                   : FAIL(err, ERR_LIMIT, "there are %" PRId64 " projects already, the most there may be",
                          in->order.max);
    if (in->ret_id)
        *in->ret_id = id;
    return say(c, AUDIT_PROJECT_ADD, in->order.tenant, in->order.who, id, err);
}

static int run_add(struct conn *c, const void *args, struct err *err)
{
    return run_whole(c, insert_and_say, args, err);
}

static const struct intent_kind add_project = {"add project", false, run_add};

static int push_add(struct records *db, const struct project_args *in, struct answer answer, struct err *err)
{
    struct arena *a = arena_new();
    struct project_args *copy = arena_alloc(a, sizeof *copy);
    uint8_t key[HMAC_KEY_TEXT / 2];

    *copy = *in;
    copy->order.tenant = arena_strdup(a, in->order.tenant);
    copy->order.name = arena_strdup(a, in->order.name);
    copy->order.who = in->order.who ? arena_strdup(a, in->order.who) : db->who;
    hash_random(key, sizeof key);
    text_hex(copy->hmac_key, key, sizeof key);
    copy->now_us = clock_wall_us();
    return intent_push_take(db, &add_project, a, copy, answer, err);
}

int records_add_project(struct records *db, const struct project_order *order, int64_t *ret_id,
                        records_done *done, void *arg, struct err *err)
{
    return push_add(db, &(struct project_args){.order = *order, .ret_id = ret_id}, (struct answer){done, arg},
                    err);
}

/* ---- reading ---- */

#define COLUMNS "SELECT id, tenant, name, hmac_key, created_us FROM projects "

static void read_row(struct query *q, struct arena *a, struct project_row *row)
{
    row->id = column_int(q);
    row->tenant = column_text(q, a);
    row->name = column_text(q, a);
    row->hmac_key = column_text(q, a);
    row->created_us = column_int(q);
}

int records_get_project(struct records *db, struct arena *a, const char *tenant, int64_t id,
                        struct project_row *ret_row, struct err *err)
{
    CLEANUP(reading_end) struct reading r = {0};
    int got;

    if (reading_begin(&r, db, COLUMNS "WHERE id = ? AND tenant = coalesce(?, tenant)", err) < 0)
        return -1;
    bind_int(&r.q, id);
    bind_text(&r.q, tenant);
    got = query_next(&r.q, err);
    if (got == 0)
        return FAIL(err, ERR_NOT_FOUND, "there is no project with this ID that your key gives access to");
    if (got < 0)
        return -1;
    read_row(&r.q, a, ret_row);
    return 0;
}

int records_list_projects(struct records *db, struct arena *a, const char *tenant,
                          struct project_row **ret_rows, size_t *ret_n, struct err *err)
{
    CLEANUP(reading_end) struct reading r = {0};
    struct project_row *rows = NULL;
    size_t n = 0, cap = 0;
    int got;

    if (reading_begin(&r, db, COLUMNS "WHERE tenant = ? ORDER BY id", err) < 0)
        return -1;
    bind_text(&r.q, tenant);
    while ((got = query_next(&r.q, err)) > 0)
        read_row(&r.q, a, &ARENA_PUSH(a, rows, n, cap));
    if (got < 0)
        return -1;
    *ret_rows = rows;
    *ret_n = n;
    return 0;
}

/* 1: there is one. */
static int read_first(struct records *db, struct arena *a, const char *tenant, struct project_row *ret,
                      struct err *err)
{
    CLEANUP(reading_end) struct reading r = {0};
    int got;

    if (reading_begin(&r, db, COLUMNS "WHERE tenant = ? ORDER BY id LIMIT 1", err) < 0)
        return -1;
    bind_text(&r.q, tenant);
    got = query_next(&r.q, err);
    if (got > 0)
        read_row(&r.q, a, ret);
    return got;
}

int records_first_project(struct records *db, struct arena *a, const char *tenant,
                          struct project_row *ret_row, struct err *err)
{
    struct project_args first = {.order = {.tenant = tenant, .name = tenant, .max = 1}, .first = true};
    int got = read_first(db, a, tenant, ret_row, err);

    if (got)
        return got < 0 ? -1 : 0;
    if (push_add(db, &first, (struct answer){0}, err) < 0)
        return -1;
    records_sync(db);
    got = read_first(db, a, tenant, ret_row, err);
    if (got == 0)
        return FAIL(err, ERR_IO, "the tenant's first project could not be stored");
    return got < 0 ? -1 : 0;
}

/* ---- deleting ---- */

struct project_end {
    const char *tenant, *who;
    int64_t id;
};

static int delete_and_say(struct conn *c, const void *args, struct err *err)
{
    const struct project_end *in = args;
    CLEANUP(query_end) struct query q = {0};

    if (query_begin(&q, c, "DELETE FROM projects WHERE id = ? AND tenant = ?", err) < 0)
        return -1;
    bind_int(&q, in->id);
    bind_text(&q, in->tenant);
    if (query_run(&q, err) < 0)
        return -1;
    if (!query_changes(&q))
        return FAIL(err, ERR_NOT_FOUND, "there is no project with this ID that your key gives access to");
    return say(c, AUDIT_PROJECT_DELETE, in->tenant, in->who, in->id, err);
}

static int run_delete(struct conn *c, const void *args, struct err *err)
{
    return run_whole(c, delete_and_say, args, err);
}

static const struct intent_kind delete_project = {"delete project", false, run_delete};

int records_delete_project(struct records *db, const char *tenant, int64_t id, const char *who,
                           records_done *done, void *arg, struct err *err)
{
    struct arena *a = arena_new();
    struct project_end *copy = arena_alloc(a, sizeof *copy);

    *copy = (struct project_end){arena_strdup(a, tenant), who ? arena_strdup(a, who) : db->who, id};
    return intent_push_take(db, &delete_project, a, copy, (struct answer){done, arg}, err);
}
