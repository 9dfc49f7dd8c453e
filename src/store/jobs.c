/* Jobs in the records. The states and their moves are drawn in job/state.c. */
#include "base/cleanup.h"
#include "base/text.h"
#include "store/hooks.h"
#include "store/records_int.h"

static struct bytes copy_bytes(struct arena *a, struct bytes b)
{
    return b.len ? bytes_of(arena_strndup(a, (const char *)b.data, b.len), b.len) : b;
}

/* ---- adding ---- */

static int insert(struct conn *c, const void *args, struct err *err)
{
    static const char sql[] =
        "INSERT INTO jobs (id, tenant, dialect, state, attempts, created_us, "
        "started_us, finished_us, sha256, size,"
        " name, number, spec, request, error_code, error_text, artefact, report, priority, source)"
        " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
    CLEANUP(query_end) struct query q = {0};
    const struct job_row *row = args;

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_text(&q, row->id);
    bind_text(&q, row->tenant);
    bind_text(&q, row->dialect);
    bind_text(&q, row->state);
    bind_int(&q, row->attempts);
    bind_int(&q, row->created_us);
    bind_int(&q, row->started_us);
    bind_int(&q, row->finished_us);
    bind_text(&q, row->sha256);
    bind_int(&q, row->size);
    bind_text(&q, row->name);
    bind_int(&q, row->number);
    bind_bytes(&q, row->spec);
    bind_bytes(&q, row->request);
    bind_text(&q, row->error_code);
    bind_text(&q, row->error_text);
    bind_text(&q, row->artefact);
    bind_bytes(&q, row->report);
    bind_int(&q, row->priority);
    bind_text(&q, row->source);
    return query_run(&q, err);
}

static int insert_with_names(struct conn *c, const void *args, struct err *err)
{
    const struct job_row *row = args;

    if (insert(c, row, err) < 0 || (row->key && key_use_insert(c, row, err) < 0))
        return -1;
    if (row->run && run_insert(c, row, err) < 0)
        return -1;
    return row->place.project ? place_insert(c, row, err) : 0;
}

static int run_add(struct conn *c, const void *args, struct err *err)
{
    const struct job_row *row = args;

    return row->key || row->run || row->place.project ? run_whole(c, insert_with_names, row, err)
                                                      : insert(c, row, err);
}

static const struct intent_kind add_job = {"add job", false, run_add};

int records_add_job(struct records *db, const struct job_row *row, records_done *done, void *arg,
                    struct err *err)
{
    struct arena *a = arena_new();
    struct job_row *copy = arena_alloc(a, sizeof *copy);

    *copy = *row;
    copy->tenant = arena_strdup(a, row->tenant);
    copy->dialect = arena_strdup(a, row->dialect);
    copy->state = arena_strdup(a, row->state);
    copy->sha256 = arena_strdup(a, row->sha256);
    copy->name = arena_strdup(a, row->name);
    copy->spec = copy_bytes(a, row->spec);
    copy->request = copy_bytes(a, row->request);
    copy->report = copy_bytes(a, row->report);
    copy->error_code = arena_strdup(a, row->error_code);
    copy->error_text = arena_strdup(a, row->error_text);
    copy->artefact = arena_strdup(a, row->artefact);
    copy->source = arena_strdup(a, row->source);
    copy->key = arena_strdup(a, row->key);
    copy->fingerprint = arena_strdup(a, row->fingerprint);
    copy->run = arena_strdup(a, row->run);
    copy->run_media = arena_strdup(a, row->run_media);
    copy->place = place_copy(a, &row->place);
    return intent_push_take(db, &add_job, a, copy, (struct answer){done, arg}, err);
}

/* ---- moving ---- */

static int state_of(struct conn *c, const char *id, char *ret_state, size_t size, struct err *err)
{
    static const char sql[] = "SELECT state FROM jobs WHERE id = ?";
    CLEANUP(query_end) struct query q = {0};
    int r;

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_text(&q, id);
    r = query_next(&q, err);
    if (r == 0)
        return FAIL(err, ERR_NOT_FOUND, "there is no job %.24s", id);
    if (r > 0)
        column_copy(&q, ret_state, size);
    return r < 0 ? -1 : 0;
}

/* An update changed no row: the job is unknown, or in another state than the caller thought. */
static int explain_no_move(struct conn *c, const struct job_move *move, struct err *err)
{
    char state[16];

    if (state_of(c, move->id, state, sizeof state, err) < 0)
        return -1;
    return FAIL(err, ERR_CONFLICT, "job %.24s is %s, not %s", move->id, state, move->from);
}

static int move_row(struct conn *c, const struct job_move *move, struct err *err)
{
    static const char sql[] =
        "UPDATE jobs SET state = ?, attempts = coalesce(?, attempts), started_us = coalesce(?, started_us),"
        " finished_us = coalesce(?, finished_us), report = coalesce(?, report),"
        " error_code = coalesce(?, error_code), error_text = coalesce(?, error_text),"
        " reused = coalesce(?, reused), artefact = coalesce(?, artefact) WHERE id = ? AND state = ?";
    CLEANUP(query_end) struct query q = {0};

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_text(&q, move->to);
    bind_int_unless(&q, move->attempts, -1);
    bind_int_unless(&q, move->started_us, 0);
    bind_int_unless(&q, move->finished_us, 0);
    bind_bytes(&q, move->report);
    bind_text(&q, move->error_code);
    bind_text(&q, move->error_text);
    bind_text(&q, move->reused);
    bind_text(&q, move->artefact);
    bind_text(&q, move->id);
    bind_text(&q, move->from);
    if (query_run(&q, err) < 0)
        return -1;
    return query_changes(&q) ? 0 : explain_no_move(c, move, err);
}

static int move_and_insert(struct conn *c, const void *args, struct err *err)
{
    const struct job_move *move = args;

    if (move_row(c, move, err) < 0)
        return -1;
    for (size_t i = 0; i < move->ndeliveries; i++)
        if (delivery_insert(c, &move->deliveries[i], err) < 0)
            return -1;
    return move->pace.pipeline ? pace_insert(c, &move->pace, err) : 0;
}

/* The outbox: the end of a job and what has to be told about it, together or not at all. */
static int run_move(struct conn *c, const void *args, struct err *err)
{
    const struct job_move *move = args;

    return move->ndeliveries || move->pace.pipeline ? run_whole(c, move_and_insert, move, err)
                                                    : move_row(c, move, err);
}

static const struct intent_kind move_job = {"move job", true, run_move};

int records_move_job(struct records *db, const struct job_move *move, records_done *done, void *arg,
                     struct err *err)
{
    struct arena *a = arena_new();
    struct job_move *copy = arena_alloc(a, sizeof *copy);

    *copy = *move;
    copy->id = arena_strdup(a, move->id);
    copy->from = arena_strdup(a, move->from);
    copy->to = arena_strdup(a, move->to);
    copy->report = copy_bytes(a, move->report);
    copy->error_code = arena_strdup(a, move->error_code);
    copy->error_text = arena_strdup(a, move->error_text);
    copy->reused = arena_strdup(a, move->reused);
    copy->artefact = arena_strdup(a, move->artefact);
    copy->deliveries = deliveries_copy(a, move->deliveries, move->ndeliveries);
    copy->pace.pipeline = arena_strdup(a, move->pace.pipeline);
    return intent_push_take(db, &move_job, a, copy, (struct answer){done, arg}, err);
}

static int run_release(struct conn *c, const void *args UNUSED, struct err *err)
{
    /* Said twice, so that the index of the unfinished is used. */
    static const char sql[] =
        "UPDATE jobs SET state = 'new' WHERE state = 'claimed' AND state IN ('new','claimed')";
    CLEANUP(query_end) struct query q = {0};

    return query_begin(&q, c, sql, err) < 0 ? -1 : query_run(&q, err);
}

static const struct intent_kind release_claims = {"release claims", true, run_release};

int records_release_claims(struct records *db, records_done *done, void *arg, struct err *err)
{
    return intent_push_take(db, &release_claims, arena_new(), NULL, (struct answer){done, arg}, err);
}

struct artefact_args {
    const char *id, *sha256;
};

static int run_set_artefact(struct conn *c, const void *args, struct err *err)
{
    static const char sql[] = "UPDATE jobs SET artefact = ? WHERE id = ?";
    CLEANUP(query_end) struct query q = {0};
    const struct artefact_args *in = args;

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_text(&q, in->sha256);
    bind_text(&q, in->id);
    if (query_run(&q, err) < 0)
        return -1;
    if (!query_changes(&q))
        return FAIL(err, ERR_NOT_FOUND, "there is no job %.24s", in->id);
    return 0;
}

static const struct intent_kind set_artefact = {"set artefact", true, run_set_artefact};

int records_set_artefact(struct records *db, const char *id, const char *sha256, records_done *done,
                         void *arg, struct err *err)
{
    struct arena *a = arena_new();
    struct artefact_args *copy = arena_alloc(a, sizeof *copy);

    *copy = (struct artefact_args){arena_strdup(a, id), arena_strdup(a, sha256)};
    return intent_push_take(db, &set_artefact, a, copy, (struct answer){done, arg}, err);
}

/* ---- reading ---- */

static void read_row(struct query *q, struct arena *a, struct job_row *row)
{
    column_copy(q, row->id, sizeof row->id);
    row->tenant = column_text(q, a);
    row->dialect = column_text(q, a);
    row->state = column_text(q, a);
    row->attempts = (int)column_int(q);
    row->created_us = column_int(q);
    row->started_us = column_int(q);
    row->finished_us = column_int(q);
    row->sha256 = column_text(q, a);
    row->size = column_int(q);
    row->name = column_text(q, a);
    row->number = column_int(q);
    row->spec = column_bytes(q, a);
    row->request = column_bytes(q, a);
    row->error_code = column_text(q, a);
    row->error_text = column_text(q, a);
    row->artefact = column_text(q, a);
    row->report = column_bytes(q, a);
    row->priority = (int)column_int(q);
    row->source = column_text(q, a);
}

int records_get_job(struct records *db, struct arena *a, const char *tenant, const char *id,
                    struct job_row *ret_row, struct err *err)
{
    static const char sql[] = "SELECT id, tenant, dialect, state, attempts, created_us, started_us, "
                              "finished_us, sha256, size, name, number,"
                              " spec, request, error_code, error_text, artefact, report, priority, source"
                              " FROM jobs WHERE id = ? AND tenant = coalesce(?, tenant)";
    CLEANUP(reading_end) struct reading r = {0};
    struct job_row row = {0};
    int got;

    if (reading_begin(&r, db, sql, err) < 0)
        return -1;
    bind_text(&r.q, id);
    bind_text(&r.q, tenant);
    got = query_next(&r.q, err);
    if (got < 0)
        return -1;
    if (got == 0)
        return FAIL(err, ERR_NOT_FOUND, "there is no job %.24s", id);
    read_row(&r.q, a, &row);
    *ret_row = row;
    return 0;
}

int records_job_state(struct records *db, struct arena *a, const char *id, const char **ret_state,
                      struct err *err)
{
    static const char sql[] = "SELECT state FROM jobs WHERE id = ?";
    CLEANUP(reading_end) struct reading r = {0};
    int got = reading_of(&r, db, sql, id, err);

    if (got <= 0)
        return got < 0 ? -1 : FAIL(err, ERR_NOT_FOUND, "there is no job %.24s", id);
    *ret_state = column_text(&r.q, a);
    return 0;
}

/* The statement is bound; its first column is the id. */
static int first_id(struct query *q, char ret_id[ID_TEXT], struct err *err)
{
    int got = query_next(q, err);

    if (got < 0)
        return -1;
    if (got == 0)
        return FAIL(err, ERR_NOT_FOUND, "there is no such job");
    column_copy(q, ret_id, ID_TEXT);
    return 0;
}

int records_find_number(struct records *db, struct arena *a UNUSED, const char *tenant, int64_t number,
                        char ret_id[ID_TEXT], struct err *err)
{
    static const char sql[] =
        "SELECT id FROM jobs WHERE tenant = ? AND number = ? AND number <> 0 ORDER BY seq DESC LIMIT 1";
    CLEANUP(reading_end) struct reading r = {0};

    if (reading_begin(&r, db, sql, err) < 0)
        return -1;
    bind_text(&r.q, tenant);
    bind_int(&r.q, number);
    return first_id(&r.q, ret_id, err);
}

int records_find_name(struct records *db, struct arena *a UNUSED, const char *tenant, const char *dialect,
                      const char *name, char ret_id[ID_TEXT], struct err *err)
{
    static const char sql[] = "SELECT id FROM jobs WHERE tenant = ? AND name = ?"
                              " AND dialect = coalesce(?, dialect) ORDER BY seq DESC LIMIT 1";
    CLEANUP(reading_end) struct reading r = {0};

    if (reading_begin(&r, db, sql, err) < 0)
        return -1;
    bind_text(&r.q, tenant);
    bind_text(&r.q, name);
    bind_text(&r.q, dialect);
    return first_id(&r.q, ret_id, err);
}

static void read_waiting(struct query *q, struct arena *a, struct waiting_job *job)
{
    column_copy(q, job->id, sizeof job->id);
    job->tenant = column_text(q, a);
    job->dialect = column_text(q, a);
    job->priority = (int)column_int(q);
    job->source = column_text(q, a);
    job->created_us = column_int(q);
}

int records_unfinished(struct records *db, struct arena *a, struct waiting_job **ret_jobs, size_t *ret_n,
                       struct err *err)
{
    static const char sql[] =
        "SELECT id, tenant, dialect, priority, CASE sha256 WHEN '' THEN source END, created_us"
        " FROM jobs WHERE state IN ('new','claimed') ORDER BY seq";
    CLEANUP(reading_end) struct reading r = {0};
    struct waiting_job *jobs = NULL;
    size_t n = 0, cap = 0;
    int got;

    if (reading_begin(&r, db, sql, err) < 0)
        return -1;
    while ((got = query_next(&r.q, err)) > 0)
        read_waiting(&r.q, a, &ARENA_PUSH(a, jobs, n, cap));
    if (got < 0)
        return -1;
    *ret_jobs = jobs;
    *ret_n = n;
    return 0;
}
