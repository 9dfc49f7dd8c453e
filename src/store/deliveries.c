/* Deliveries in the records: the outbox and the log of its tries. */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "store/hooks.h"
#include "store/records_int.h"

void delivery_id_new(char ret_id[DELIVERY_ID], int64_t wall_us)
{
    char id[ID_TEXT];

    id_new(id, wall_us);
    snprintf(ret_id, DELIVERY_ID, "msg_%s", id);
}

/* ---- adding ---- */

int delivery_insert(struct conn *c, const struct delivery_row *row, struct err *err)
{
    static const char sql[] =
        "INSERT INTO deliveries (id, tenant, job, hook, url, site, state, attempts, next_us,"
        " created_us, finished_us, body, secret) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)";
    CLEANUP(query_end) struct query q = {0};

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_text(&q, row->id);
    bind_text(&q, row->tenant);
    bind_text(&q, row->job);
    bind_text(&q, row->hook);
    bind_text(&q, row->url);
    bind_text(&q, row->site);
    bind_text(&q, row->state);
    bind_int(&q, row->attempts);
    bind_int(&q, row->next_us);
    bind_int(&q, row->created_us);
    bind_int(&q, row->finished_us);
    bind_bytes(&q, row->body);
    bind_text(&q, row->secret);
    return query_run(&q, err);
}

struct delivery_row *deliveries_copy(struct arena *a, const struct delivery_row *rows, size_t n)
{
    struct delivery_row *copy = arena_array(a, n, sizeof *copy);

    for (size_t i = 0; i < n; i++) {
        copy[i] = rows[i];
        copy[i].tenant = arena_strdup(a, rows[i].tenant);
        copy[i].job = arena_strdup(a, rows[i].job);
        copy[i].hook = arena_strdup(a, rows[i].hook);
        copy[i].url = arena_strdup(a, rows[i].url);
        copy[i].site = arena_strdup(a, rows[i].site);
        copy[i].secret = arena_strdup(a, rows[i].secret);
        copy[i].state = arena_strdup(a, rows[i].state);
        copy[i].body.data =
            (const uint8_t *)arena_strndup(a, (const char *)rows[i].body.data, rows[i].body.len);
    }
    return copy;
}

static int run_add(struct conn *c, const void *args, struct err *err)
{
    return delivery_insert(c, args, err);
}

static const struct intent_kind add_delivery = {"add delivery", false, run_add};

int records_add_delivery(struct records *db, const struct delivery_row *row, records_done *done, void *arg,
                         struct err *err)
{
    struct arena *a = arena_new();

    return intent_push_take(db, &add_delivery, a, deliveries_copy(a, row, 1), (struct answer){done, arg},
                            err);
}

/* ---- tries ---- */

static int log_line_of(struct conn *c, const struct delivery_try *t, struct err *err)
{
    static const char sql[] =
        "INSERT INTO delivery_log (delivery, at_us, status, ms, error) VALUES (?,?,?,?,?)";
    CLEANUP(query_end) struct query q = {0};

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_text(&q, t->id);
    bind_int(&q, t->at_us);
    bind_int(&q, t->status);
    bind_int(&q, t->ms);
    bind_text(&q, t->error);
    return query_run(&q, err);
}

static int move_and_log(struct conn *c, const void *args, struct err *err)
{
    static const char sql[] = "UPDATE deliveries SET attempts = attempts + 1, state = ?1, next_us = ?2,"
                              " finished_us = CASE ?1 WHEN 'due' THEN 0 ELSE ?3 END WHERE id = ?4";
    CLEANUP(query_end) struct query q = {0};
    const struct delivery_try *t = args;

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_text(&q, t->state);
    bind_int(&q, t->next_us);
    bind_int(&q, t->at_us + t->ms * 1000);
    bind_text(&q, t->id);
    if (query_run(&q, err) < 0)
        return -1;
    if (!query_changes(&q))
        return FAIL(err, ERR_NOT_FOUND, "there is no delivery %.28s", t->id);
    return log_line_of(c, t, err);
}

static int run_try(struct conn *c, const void *args, struct err *err)
{
    return run_whole(c, move_and_log, args, err);
}

static const struct intent_kind log_try = {"log try", true, run_try};

int records_log_try(struct records *db, const struct delivery_try *t, records_done *done, void *arg,
                    struct err *err)
{
    struct arena *a = arena_new();
    struct delivery_try *copy = arena_alloc(a, sizeof *copy);

    *copy = *t;
    copy->id = arena_strdup(a, t->id);
    copy->error = arena_strdup(a, t->error);
    copy->state = arena_strdup(a, t->state);
    return intent_push_take(db, &log_try, a, copy, (struct answer){done, arg}, err);
}

struct resend_args {
    const char *id;
    int64_t now_us;
};

static int run_resend(struct conn *c, const void *args, struct err *err)
{
    static const char sql[] =
        "UPDATE deliveries SET state = 'due', attempts = 0, next_us = ?, finished_us = 0 WHERE id = ?";
    CLEANUP(query_end) struct query q = {0};
    const struct resend_args *in = args;

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_int(&q, in->now_us);
    bind_text(&q, in->id);
    if (query_run(&q, err) < 0)
        return -1;
    return query_changes(&q) ? 0 : FAIL(err, ERR_NOT_FOUND, "there is no delivery %.28s", in->id);
}

static const struct intent_kind resend = {"resend", false, run_resend};

int records_resend(struct records *db, const char *id, int64_t now_us, records_done *done, void *arg,
                   struct err *err)
{
    struct arena *a = arena_new();
    struct resend_args *copy = arena_alloc(a, sizeof *copy);

    *copy = (struct resend_args){arena_strdup(a, id), now_us};
    return intent_push_take(db, &resend, a, copy, (struct answer){done, arg}, err);
}

/* ---- what is due ---- */

int records_due_sites(struct records *db, struct arena *a, struct due_site **ret_sites, size_t *ret_n,
                      struct err *err)
{
    /* From site to site through the index, instead of over all rows. */
    static const char sql[] =
        "WITH RECURSIVE s(site) AS ("
        " SELECT min(site) FROM deliveries WHERE state = 'due'"
        " UNION ALL SELECT (SELECT min(site) FROM deliveries WHERE state = 'due' AND site > s.site)"
        " FROM s WHERE s.site IS NOT NULL)"
        "SELECT site, (SELECT min(next_us) FROM deliveries d WHERE d.state = 'due' AND d.site = s.site) AS "
        "next"
        " FROM s WHERE site IS NOT NULL ORDER BY next";
    CLEANUP(reading_end) struct reading r = {0};
    struct due_site *sites = NULL;
    size_t n = 0, cap = 0;
    int got;

    if (reading_begin(&r, db, sql, err) < 0)
        return -1;
    while ((got = query_next(&r.q, err)) > 0) {
        struct due_site *s = &ARENA_PUSH(a, sites, n, cap);
        s->site = column_text(&r.q, a);
        s->next_us = column_int(&r.q);
    }
    if (got < 0)
        return -1;
    *ret_sites = sites;
    *ret_n = n;
    return 0;
}

#define DELIVERY_COLUMNS "id, tenant, job, hook, url, site, state, attempts, next_us, created_us, finished_us"

static void read_delivery(struct query *q, struct arena *a, struct delivery_row *row)
{
    *row = (struct delivery_row){0};
    column_copy(q, row->id, sizeof row->id);
    row->tenant = column_text(q, a);
    row->job = column_text(q, a);
    row->hook = column_text(q, a);
    row->url = column_text(q, a);
    row->site = column_text(q, a);
    row->state = column_text(q, a);
    row->attempts = (int)column_int(q);
    row->next_us = column_int(q);
    row->created_us = column_int(q);
    row->finished_us = column_int(q);
}

int records_due(struct records *db, struct arena *a, const char *site, int64_t now_us, size_t max,
                struct delivery_row **ret_rows, size_t *ret_n, struct err *err)
{
    static const char sql[] = "SELECT " DELIVERY_COLUMNS ", body, secret FROM deliveries"
                              " WHERE state = 'due' AND site = ? AND next_us <= ? ORDER BY next_us LIMIT ?";
    CLEANUP(reading_end) struct reading r = {0};
    struct delivery_row *rows = NULL;
    size_t n = 0, cap = 0;
    int got;

    if (reading_begin(&r, db, sql, err) < 0)
        return -1;
    bind_text(&r.q, site);
    bind_int(&r.q, now_us);
    bind_int(&r.q, (int64_t)max);
    while ((got = query_next(&r.q, err)) > 0) {
        struct delivery_row *row = &ARENA_PUSH(a, rows, n, cap);
        read_delivery(&r.q, a, row);
        row->body = column_bytes(&r.q, a);
        row->secret = column_text(&r.q, a);
    }
    if (got < 0)
        return -1;
    *ret_rows = rows;
    *ret_n = n;
    return 0;
}

/* ---- looking in ---- */

int records_get_delivery(struct records *db, struct arena *a, const char *id, struct delivery_row *ret_row,
                         struct err *err)
{
    static const char sql[] = "SELECT " DELIVERY_COLUMNS ", body FROM deliveries WHERE id = ?";
    CLEANUP(reading_end) struct reading r = {0};
    int got = reading_of(&r, db, sql, id, err);

    if (got <= 0)
        return got < 0 ? -1 : FAIL(err, ERR_NOT_FOUND, "there is no delivery %.28s", id);
    read_delivery(&r.q, a, ret_row);
    ret_row->body = column_bytes(&r.q, a);
    return 0;
}

int records_list_deliveries(struct records *db, struct arena *a, const char *tenant, const char *state,
                            size_t max, struct delivery_row **ret_rows, size_t *ret_n, struct err *err)
{
    static const char sql[] = "SELECT " DELIVERY_COLUMNS " FROM deliveries"
                              " WHERE tenant = coalesce(?, tenant) AND state = coalesce(?, state)"
                              " ORDER BY seq DESC LIMIT ?";
    CLEANUP(reading_end) struct reading r = {0};
    struct delivery_row *rows = NULL;
    size_t n = 0, cap = 0;
    int got;

    if (reading_begin(&r, db, sql, err) < 0)
        return -1;
    bind_text(&r.q, tenant);
    bind_text(&r.q, state);
    bind_int(&r.q, (int64_t)max);
    while ((got = query_next(&r.q, err)) > 0)
        read_delivery(&r.q, a, &ARENA_PUSH(a, rows, n, cap));
    if (got < 0)
        return -1;
    *ret_rows = rows;
    *ret_n = n;
    return 0;
}

int records_tries(struct records *db, struct arena *a, const char *id, struct delivery_try **ret_tries,
                  size_t *ret_n, struct err *err)
{
    static const char sql[] =
        "SELECT at_us, status, ms, error FROM delivery_log WHERE delivery = ? ORDER BY seq";
    CLEANUP(reading_end) struct reading r = {0};
    struct delivery_try *tries = NULL;
    size_t n = 0, cap = 0;
    int got;

    if (reading_begin(&r, db, sql, err) < 0)
        return -1;
    bind_text(&r.q, id);
    while ((got = query_next(&r.q, err)) > 0) {
        struct delivery_try *t = &ARENA_PUSH(a, tries, n, cap);
        *t = (struct delivery_try){.id = id};
        t->at_us = column_int(&r.q);
        t->status = (int)column_int(&r.q);
        t->ms = column_int(&r.q);
        t->error = column_text(&r.q, a);
    }
    if (got < 0)
        return -1;
    *ret_tries = tries;
    *ret_n = n;
    return 0;
}
