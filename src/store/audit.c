#include "store/audit.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "store/records_int.h"

static const char *const names[AUDIT_KINDS] = {
    [AUDIT_KEY_NEW] = "key.new",
    [AUDIT_KEY_ROTATE] = "key.rotate",
    [AUDIT_KEY_REVOKE] = "key.revoke",
    [AUDIT_HOOK_ADD] = "hook.add",
    [AUDIT_HOOK_ROTATE] = "hook.rotate",
    [AUDIT_HOOK_REMOVE] = "hook.remove",
    [AUDIT_TENANT_SET] = "tenant.set",
    [AUDIT_JOB_CANCEL] = "job.cancel",
    [AUDIT_JOB_DELETE] = "job.delete",
    [AUDIT_JOBS_DELETE] = "jobs.delete",
    [AUDIT_FACE_ADD] = "face.add",
    [AUDIT_FACE_REMOVE] = "face.remove",
    [AUDIT_OVERRIDE] = "override",
    [AUDIT_PROJECT_ADD] = "project.add",
    [AUDIT_PROJECT_DELETE] = "project.delete",
    [AUDIT_SAMPLE_DELETE] = "sample.delete",
    [AUDIT_PRUNE] = "audit.prune",
};

const char *audit_name(enum audit_kind kind)
{
    return names[kind];
}

bool audit_is_kind(const char *name)
{
    for (size_t i = 0; i < AUDIT_KINDS; i++)
        if (text_is(names[i], name))
            return true;
    return false;
}

void records_act_as(struct records *db, const char *who)
{
    text_copy(db->who, sizeof db->who, who);
}

int audit_insert(struct conn *c, enum audit_kind kind, const struct audit_line *line, struct err *err)
{
    static const char sql[] =
        "INSERT INTO audit (at_us, what, who, tenant, object, detail) VALUES (?,?,?,?,?,?)";
    CLEANUP(query_end) struct query q = {0};

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_int(&q, clock_wall_us());
    bind_text(&q, names[kind]);
    bind_text(&q, line->who);
    bind_text(&q, line->tenant);
    bind_text(&q, line->object);
    bind_text(&q, line->detail);
    return query_run(&q, err);
}

static void read_line(struct query *q, struct arena *a, struct audit_line *line)
{
    line->seq = column_int(q);
    line->at_us = column_int(q);
    line->what = column_text(q, a);
    line->who = column_text(q, a);
    line->tenant = column_text(q, a);
    line->object = column_text(q, a);
    line->detail = column_text(q, a);
}

int records_audit(struct records *db, struct arena *a, const struct audit_query *query,
                  struct audit_line **ret_lines, size_t *ret_n, struct err *err)
{
    static const char sql[] =
        "SELECT seq, at_us, what, who, tenant, object, detail FROM audit"
        " WHERE at_us >= ?1 AND (?2 IS NULL OR tenant = ?2) AND (?3 IS NULL OR what = ?3) ORDER BY seq";
    CLEANUP(reading_end) struct reading r = {0};
    struct audit_line *lines = NULL;
    size_t n = 0, cap = 0;
    int got;

    if (reading_begin(&r, db, sql, err) < 0)
        return -1;
    bind_int(&r.q, query->since_us);
    bind_text(&r.q, query->tenant);
    bind_text(&r.q, query->what);
    while ((got = query_next(&r.q, err)) > 0)
        read_line(&r.q, a, &ARENA_PUSH(a, lines, n, cap));
    if (got < 0)
        return -1;
    *ret_lines = lines;
    *ret_n = n;
    return 0;
}

/* ---- old lines ---- */

struct prune {
    int64_t before_us;
    size_t max;
    const char *who;
};

/* A clock that was set back leaves younger times before older ones: what stands before the first line to be
 * kept goes. */
static int prune(struct conn *c, const struct prune *in, int64_t *ret_n, struct err *err)
{
    static const char sql[] = "DELETE FROM audit WHERE seq IN (SELECT seq FROM audit WHERE seq <"
                              " (SELECT coalesce(min(seq), 9223372036854775807) FROM audit WHERE at_us >= ?)"
                              " ORDER BY seq LIMIT ?)";
    CLEANUP(query_end) struct query q = {0};

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_int(&q, in->before_us);
    bind_int(&q, (int64_t)in->max);
    if (query_run(&q, err) < 0)
        return -1;
    *ret_n = query_changes(&q);
    return 0;
}

static int prune_and_say(struct conn *c, const void *args, struct err *err)
{
    const struct prune *in = args;
    struct audit_line line = {.who = in->who};
    char detail[64];
    int64_t n;

    if (prune(c, in, &n, err) < 0)
        return -1;
    if (n == 0)
        return 0;
    snprintf(detail, sizeof detail, "%lld lines", (long long)n);
    line.detail = detail;
    return audit_insert(c, AUDIT_PRUNE, &line, err);
}

static int run_prune(struct conn *c, const void *args, struct err *err)
{
    return run_whole(c, prune_and_say, args, err);
}

static const struct intent_kind prune_kind = {"prune audit", false, run_prune};

int records_forget_audit(struct records *db, int64_t before_us, size_t max, records_done *done, void *arg,
                         struct err *err)
{
    struct arena *a = arena_new();
    struct prune *copy = arena_alloc(a, sizeof *copy);

    *copy = (struct prune){before_us, max, db->who};
    return intent_push_take(db, &prune_kind, a, copy, (struct answer){done, arg}, err);
}
