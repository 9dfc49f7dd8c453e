#include "store/sources.h"

#include "base/cleanup.h"
#include "store/records_int.h"

/* ---- it is here ---- */

static int run_set(struct conn *c, const void *args, struct err *err)
{
    static const char sql[] = "UPDATE jobs SET sha256 = ?, size = ?, spec = ?"
                              " WHERE id = ? AND state = 'new' AND sha256 = ''";
    CLEANUP(query_end) struct query q = {0};
    const struct found_subject *in = args;

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_text(&q, in->sha256);
    bind_int(&q, in->size);
    bind_bytes(&q, in->spec);
    bind_text(&q, in->id);
    if (query_run(&q, err) < 0)
        return -1;
    return query_changes(&q) ? 0 : FAIL(err, ERR_CONFLICT, "job %.24s waits for no file", in->id);
}

static const struct intent_kind set_subject = {"set subject", true, run_set};

int records_set_subject(struct records *db, const struct found_subject *found, records_done *done, void *arg,
                        struct err *err)
{
    struct arena *a = arena_new();
    struct found_subject *copy = arena_alloc(a, sizeof *copy);

    *copy = *found;
    copy->id = arena_strdup(a, found->id);
    copy->sha256 = arena_strdup(a, found->sha256);
    copy->spec = bytes_of(arena_strndup(a, (const char *)found->spec.data, found->spec.len), found->spec.len);
    return intent_push_take(db, &set_subject, a, copy, (struct answer){done, arg}, err);
}

/* ---- it did not come ---- */

static int count(struct conn *c, const struct failed_fetch *in, int64_t *ret_changes, struct err *err)
{
    static const char sql[] = "UPDATE jobs SET attempts = ? WHERE id = ? AND state = 'new' AND sha256 = ''";
    CLEANUP(query_end) struct query q = {0};

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_int(&q, in->attempts);
    bind_text(&q, in->id);
    if (query_run(&q, err) < 0)
        return -1;
    *ret_changes = query_changes(&q);
    return 0;
}

static int count_and_note(struct conn *c, const void *args, struct err *err)
{
    static const char sql[] = "INSERT INTO events (job, at_us, what, detail) VALUES (?, ?, 'not fetched', ?)";
    CLEANUP(query_end) struct query q = {0};
    const struct failed_fetch *in = args;
    int64_t changes;

    if (count(c, in, &changes, err) < 0)
        return -1;
    if (!changes)
        return FAIL(err, ERR_CONFLICT, "job %.24s waits for no file", in->id);
    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_text(&q, in->id);
    bind_int(&q, in->at_us);
    bind_text(&q, in->why);
    return query_run(&q, err);
}

static int run_count(struct conn *c, const void *args, struct err *err)
{
    return run_whole(c, count_and_note, args, err);
}

static const struct intent_kind count_fetch = {"count fetch", true, run_count};

int records_count_fetch(struct records *db, const struct failed_fetch *fetch, records_done *done, void *arg,
                        struct err *err)
{
    struct arena *a = arena_new();
    struct failed_fetch *copy = arena_alloc(a, sizeof *copy);

    *copy = *fetch;
    copy->id = arena_strdup(a, fetch->id);
    copy->why = arena_strdup(a, fetch->why);
    return intent_push_take(db, &count_fetch, a, copy, (struct answer){done, arg}, err);
}
