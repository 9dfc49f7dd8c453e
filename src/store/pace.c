#include "store/pace.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "store/records_int.h"

/* ---- writing: part of a move ---- */

static int add(struct conn *c, const struct pace *p, struct err *err)
{
    static const char sql[] = "INSERT INTO pace (pipeline, ns_per_unit) VALUES (?,?)";
    CLEANUP(query_end) struct query q = {0};

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_text(&q, p->pipeline);
    bind_int(&q, p->ns_per_unit);
    return query_run(&q, err);
}

int pace_insert(struct conn *c, const struct pace *p, struct err *err)
{
    static const char sql[] = "DELETE FROM pace WHERE pipeline = ?1 AND seq <= (SELECT seq FROM pace"
                              " WHERE pipeline = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2)";
    CLEANUP(query_end) struct query q = {0};

    if (add(c, p, err) < 0 || query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_text(&q, p->pipeline);
    bind_int(&q, PACE_KEPT);
    return query_run(&q, err);
}

/* ---- reading ---- */

int records_pace(struct records *db, const char *pipeline, double *ret_ms_per_unit, struct err *err)
{
    static const char sql[] = "SELECT ns_per_unit FROM pace WHERE pipeline = ? ORDER BY ns_per_unit";
    CLEANUP(reading_end) struct reading r = {0};
    int64_t all[PACE_KEPT];
    size_t n = 0;
    int got;

    if (reading_begin(&r, db, sql, err) < 0)
        return -1;
    bind_text(&r.q, pipeline);
    while (n < PACE_KEPT && (got = query_next(&r.q, err)) > 0)
        all[n++] = column_int(&r.q);
    if (n < PACE_KEPT && got < 0)
        return -1;
    if (!n)
        return FAIL(err, ERR_NOT_FOUND, "nothing was observed yet");
    *ret_ms_per_unit = ((double)all[(n - 1) / 2] + (double)all[n / 2]) / 2 / 1e6;
    return 0;
}
