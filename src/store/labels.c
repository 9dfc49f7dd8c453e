/* Operator feedback in the records: labels of jobs, and each tenant's own label words. */
#include "base/cleanup.h"
#include "base/text.h"
#include "store/records_int.h"

/* Adds only when the tenant has the job. */
static int run_add(struct conn *c, const void *args, struct err *err)
{
    static const char sql[] = "INSERT INTO labels (id, labels, comment, created_us, tenant, job)"
                              " SELECT ?, ?, ?, ?, tenant, id FROM jobs WHERE tenant = ? AND id = ?";
    CLEANUP(query_end) struct query q = {0};
    const struct label_row *row = args;

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_text(&q, row->id);
    bind_bytes(&q, row->labels);
    bind_text(&q, row->comment);
    bind_int(&q, row->created_us);
    bind_text(&q, row->tenant);
    bind_text(&q, row->job);
    if (query_run(&q, err) < 0)
        return -1;
    if (!query_changes(&q))
        return FAIL(err, ERR_NOT_FOUND, "there is no job %.24s", row->job);
    return 0;
}

static const struct intent_kind add_label = {"add label", false, run_add};

int records_add_label(struct records *db, const struct label_row *row, records_done *done, void *arg,
                      struct err *err)
{
    struct arena *a = arena_new();
    struct label_row *copy = arena_alloc(a, sizeof *copy);

    *copy = *row;
    copy->tenant = arena_strdup(a, row->tenant);
    copy->job = arena_strdup(a, row->job);
    copy->comment = arena_strdup(a, row->comment);
    copy->labels.data = (const uint8_t *)arena_strndup(a, (const char *)row->labels.data, row->labels.len);
    return intent_push_take(db, &add_label, a, copy, (struct answer){done, arg}, err);
}

struct custom_args {
    const char *tenant, *value, *label;
};

static int run_add_custom(struct conn *c, const void *args, struct err *err)
{
    static const char sql[] = "INSERT INTO custom_labels (tenant, value, label) VALUES (?,?,?) ON CONFLICT "
                              "(tenant, value) DO NOTHING";
    CLEANUP(query_end) struct query q = {0};
    const struct custom_args *in = args;

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_text(&q, in->tenant);
    bind_text(&q, in->value);
    bind_text(&q, in->label);
    return query_run(&q, err);
}

static const struct intent_kind add_custom = {"add custom label", false, run_add_custom};

int records_add_custom_label(struct records *db, const char *tenant, const char *value, const char *label,
                             records_done *done, void *arg, struct err *err)
{
    struct arena *a = arena_new();
    struct custom_args *copy = arena_alloc(a, sizeof *copy);

    *copy = (struct custom_args){arena_strdup(a, tenant), arena_strdup(a, value), arena_strdup(a, label)};
    return intent_push_take(db, &add_custom, a, copy, (struct answer){done, arg}, err);
}

int records_custom_labels(struct records *db, struct arena *a, const char *tenant,
                          struct custom_label **ret_labels, size_t *ret_n, struct err *err)
{
    static const char sql[] = "SELECT value, label FROM custom_labels WHERE tenant = ? ORDER BY value";
    CLEANUP(reading_end) struct reading r = {0};
    struct custom_label *labels = NULL;
    size_t n = 0, cap = 0;
    int got;

    if (reading_begin(&r, db, sql, err) < 0)
        return -1;
    bind_text(&r.q, tenant);
    while ((got = query_next(&r.q, err)) > 0) {
        struct custom_label *label = &ARENA_PUSH(a, labels, n, cap);
        label->value = column_text(&r.q, a);
        label->label = column_text(&r.q, a);
    }
    if (got < 0)
        return -1;
    *ret_labels = labels;
    *ret_n = n;
    return 0;
}
