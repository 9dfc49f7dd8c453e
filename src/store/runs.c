#include "store/runs.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "store/records_int.h"

/* ---- runs ---- */

/* Part of adding a job, which is in the table already. One whose job came to nothing is taken over. */
int run_insert(struct conn *c, const struct job_row *job, struct err *err)
{
    static const char sql[] =
        "INSERT INTO runs (id, tenant, media, job) VALUES (?,?,?,?)"
        " ON CONFLICT (id) DO UPDATE SET job = excluded.job"
        " WHERE tenant = excluded.tenant AND media = excluded.media"
        " AND (SELECT state FROM jobs WHERE id = runs.job) IN ('failed','timed_out','cancelled')";
    CLEANUP(query_end) struct query q = {0};

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_text(&q, job->run);
    bind_text(&q, job->tenant);
    bind_text(&q, job->run_media);
    bind_text(&q, job->id);
    if (query_run(&q, err) < 0)
        return -1;
    return query_changes(&q) ? 0 : FAIL(err, ERR_CONFLICT, "the same was asked just now");
}

static int read_run(struct reading *r, struct arena *a, struct run_row *ret, struct err *err)
{
    int got = query_next(&r->q, err);

    if (got <= 0)
        return got;
    column_copy(&r->q, ret->id, sizeof ret->id);
    ret->media = column_text(&r->q, a);
    column_copy(&r->q, ret->job, sizeof ret->job);
    ret->tenant = column_text(&r->q, a);
    ret->state = column_text(&r->q, a);
    return 1;
}

#define RUN_COLUMNS "SELECT r.id, r.media, r.job, r.tenant, j.state FROM "

/* 1, 0 or -1, as the next one. */
static int run_of_id(struct records *db, struct arena *a, const char *tenant, const char *media,
                     const char *id, struct run_row *ret, struct err *err)
{
    static const char sql[] = RUN_COLUMNS "runs r JOIN jobs j ON j.id = r.job"
                                          " WHERE r.id = ? AND r.tenant = coalesce(?, r.tenant)"
                                          " AND r.media = coalesce(?, r.media)";
    CLEANUP(reading_end) struct reading r = {0};

    if (reading_begin(&r, db, sql, err) < 0)
        return -1;
    bind_text(&r.q, id);
    bind_text(&r.q, tenant);
    bind_text(&r.q, media);
    return read_run(&r, a, ret, err);
}

static int newest_run_of_file(struct records *db, struct arena *a, const char *tenant, const char *media,
                              const char *sha256, struct run_row *ret, struct err *err)
{
    static const char sql[] = RUN_COLUMNS "jobs j CROSS JOIN runs r ON r.job = j.id"
                                          " WHERE j.sha256 = ? AND j.tenant = ? AND r.media = ?"
                                          " ORDER BY j.seq DESC LIMIT 1";
    CLEANUP(reading_end) struct reading r = {0};

    if (reading_begin(&r, db, sql, err) < 0)
        return -1;
    bind_text(&r.q, sha256);
    bind_text(&r.q, tenant);
    bind_text(&r.q, media);
    return read_run(&r, a, ret, err);
}

int records_find_run(struct records *db, struct arena *a, const char *tenant, const char *media,
                     const char *id_or_hash, struct run_row *ret_row, struct err *err)
{
    int got = run_of_id(db, a, tenant, media, id_or_hash, ret_row, err);

    if (got == 0 && tenant && media)
        got = newest_run_of_file(db, a, tenant, media, id_or_hash, ret_row, err);
    if (got == 0)
        return FAIL(err, ERR_NOT_FOUND, "there is no such result");
    return got < 0 ? -1 : 0;
}

/* ---- overrides ---- */

struct override_args {
    struct override_order order;
    int64_t now_us;
};

static int check_file(struct conn *c, const struct override_order *in, struct err *err)
{
    static const char sql[] = "SELECT 1 FROM jobs j CROSS JOIN runs r ON r.job = j.id"
                              " WHERE j.sha256 = ? AND j.tenant = ? AND r.media = ? LIMIT 1";
    CLEANUP(query_end) struct query q = {0};
    int got;

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_text(&q, in->sha256);
    bind_text(&q, in->tenant);
    bind_text(&q, in->media);
    got = query_next(&q, err);
    if (got < 0)
        return -1;
    return got ? 0 : FAIL(err, ERR_NOT_FOUND, "there is no such result");
}

/* "" = none. */
static int label_before(struct conn *c, const struct override_order *in, char *ret, size_t size,
                        struct err *err)
{
    static const char sql[] = "SELECT label FROM overrides WHERE tenant = ? AND sha256 = ? AND media = ?";
    CLEANUP(query_end) struct query q = {0};
    int got;

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_text(&q, in->tenant);
    bind_text(&q, in->sha256);
    bind_text(&q, in->media);
    got = query_next(&q, err);
    if (got > 0)
        column_copy(&q, ret, size);
    return got < 0 ? -1 : 0;
}

static int put_label(struct conn *c, const struct override_args *in, struct err *err)
{
    static const char sql[] = "INSERT OR REPLACE INTO overrides (tenant, sha256, media, label, who, at_us)"
                              " VALUES (?,?,?,?,?,?)";
    const struct override_order *o = &in->order;
    CLEANUP(query_end) struct query q = {0};

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_text(&q, o->tenant);
    bind_text(&q, o->sha256);
    bind_text(&q, o->media);
    bind_text(&q, o->label);
    bind_text(&q, o->who);
    bind_int(&q, in->now_us);
    return query_run(&q, err);
}

static int drop_label(struct conn *c, const struct override_order *in, struct err *err)
{
    static const char sql[] = "DELETE FROM overrides WHERE tenant = ? AND sha256 = ? AND media = ?";
    CLEANUP(query_end) struct query q = {0};

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_text(&q, in->tenant);
    bind_text(&q, in->sha256);
    bind_text(&q, in->media);
    return query_run(&q, err);
}

static int override_and_say(struct conn *c, const void *args, struct err *err)
{
    const struct override_args *in = args;
    const struct override_order *o = &in->order;
    struct audit_line line = {.who = o->who, .tenant = o->tenant, .object = o->sha256};
    char before[16] = "", detail[64];

    if (check_file(c, o, err) < 0 || label_before(c, o, before, sizeof before, err) < 0)
        return -1;
    if (text_is(before, o->label ? o->label : ""))
        return 0;
    snprintf(detail, sizeof detail, "%s: %s, was %s", o->media, o->label ? o->label : "as computed",
             *before ? before : "as computed");
    line.detail = detail;
    if ((o->label ? put_label(c, in, err) : drop_label(c, o, err)) < 0)
        return -1;
    return audit_insert(c, AUDIT_OVERRIDE, &line, err);
}

static int run_override(struct conn *c, const void *args, struct err *err)
{
    return run_whole(c, override_and_say, args, err);
}

static const struct intent_kind set_override = {"set override", false, run_override};

int records_set_override(struct records *db, const struct override_order *order, int64_t now_us,
                         records_done *done, void *arg, struct err *err)
{
    struct arena *a = arena_new();
    struct override_args *copy = arena_alloc(a, sizeof *copy);

    *copy = (struct override_args){{arena_strdup(a, order->tenant), arena_strdup(a, order->who),
                                    arena_strdup(a, order->media), arena_strdup(a, order->sha256),
                                    arena_strdup(a, order->label)},
                                   now_us};
    return intent_push_take(db, &set_override, a, copy, (struct answer){done, arg}, err);
}

int records_get_override(struct records *db, struct arena *a, const char *tenant, const char *media,
                         const char *sha256, const char **ret_label, struct err *err)
{
    static const char sql[] = "SELECT label FROM overrides WHERE tenant = ? AND sha256 = ? AND media = ?";
    CLEANUP(reading_end) struct reading r = {0};
    int got;

    if (reading_begin(&r, db, sql, err) < 0)
        return -1;
    bind_text(&r.q, tenant);
    bind_text(&r.q, sha256);
    bind_text(&r.q, media);
    got = query_next(&r.q, err);
    if (got < 0)
        return -1;
    *ret_label = got ? column_text(&r.q, a) : NULL;
    return 0;
}

/* ---- secrets ---- */

struct secret_args {
    const char *name;
    uint8_t value[HASH_SIZE];
};

static int insert_secret(struct conn *c, const void *args, struct err *err)
{
    static const char sql[] = "INSERT OR IGNORE INTO secrets (name, value) VALUES (?,?)";
    CLEANUP(query_end) struct query q = {0};
    const struct secret_args *in = args;

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_text(&q, in->name);
    bind_bytes(&q, bytes_of(in->value, sizeof in->value));
    return query_run(&q, err);
}

static const struct intent_kind add_secret = {"add secret", false, insert_secret};

/* 1: it is there. */
static int read_secret(struct records *db, const char *name, uint8_t ret[HASH_SIZE], struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(reading_end) struct reading r = {0};
    struct bytes b;
    int got = reading_of(&r, db, "SELECT value FROM secrets WHERE name = ?", name, err);

    if (got <= 0)
        return got;
    b = column_bytes(&r.q, a);
    if (b.len != HASH_SIZE)
        return FAIL(err, ERR_INTERNAL, "the secret '%.32s' of the records is damaged", name);
    memcpy(ret, b.data, HASH_SIZE);
    return 1;
}

int records_secret(struct records *db, const char *name, uint8_t ret[HASH_SIZE], struct err *err)
{
    int got = read_secret(db, name, ret, err);
    struct secret_args *fresh;
    struct arena *a;

    if (got)
        return got < 0 ? -1 : 0;
    a = arena_new();
    fresh = arena_alloc(a, sizeof *fresh);
    fresh->name = arena_strdup(a, name);
    hash_random(fresh->value, sizeof fresh->value);
    if (intent_push_take(db, &add_secret, a, fresh, (struct answer){0}, err) < 0)
        return -1;
    records_sync(db);
    got = read_secret(db, name, ret, err);
    if (got == 0)
        return FAIL(err, ERR_IO, "a secret could not be stored");
    return got < 0 ? -1 : 0;
}
