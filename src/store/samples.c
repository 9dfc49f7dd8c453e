#include "store/samples.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "store/records_int.h"

static const char *const category_names[SAMPLE_CATEGORIES] = {
    [SAMPLE_TRAINING] = "training", [SAMPLE_TESTING] = "testing", [SAMPLE_ANOMALY] = "anomaly"};

const char *sample_category_name(enum sample_category c)
{
    return category_names[c];
}

bool sample_category_parse(const char *name, enum sample_category *ret)
{
    for (int i = 0; i < SAMPLE_CATEGORIES; i++)
        if (text_is(category_names[i], name)) {
            *ret = (enum sample_category)i;
            return true;
        }
    return false;
}

static struct bytes bytes_copy(struct arena *a, struct bytes b)
{
    return b.len ? bytes_of(arena_strndup(a, (const char *)b.data, b.len), b.len) : (struct bytes){0};
}

/* ---- adding ---- */

struct add_args {
    struct sample_row row;
    struct sample_rules rules;
    int64_t *ret_id;
};

static struct sample_row row_copy(struct arena *a, const struct sample_row *row)
{
    struct sample_row copy = *row;

    copy.tenant = arena_strdup(a, row->tenant);
    copy.label = arena_strdup(a, row->label);
    copy.name = arena_strdup(a, row->name);
    copy.storage = arena_strdup(a, row->storage);
    copy.method = arena_strdup(a, row->method);
    copy.facts = bytes_copy(a, row->facts);
    copy.metadata = bytes_copy(a, row->metadata);
    copy.boxes = bytes_copy(a, row->boxes);
    copy.stretches = bytes_copy(a, row->stretches);
    return copy;
}

/* ERR_NOT_FOUND, ERR_LIMIT: is there room in the project? */
static int check_project(struct conn *c, const struct add_args *in, struct err *err)
{
    static const char sql[] = "SELECT (SELECT count(*) FROM samples WHERE project = ?1)"
                              " FROM projects WHERE id = ?1 AND tenant = ?2";
    CLEANUP(query_end) struct query q = {0};
    int got;

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_int(&q, in->row.project);
    bind_text(&q, in->row.tenant);
    got = query_next(&q, err);
    if (got <= 0)
        return got < 0 ? -1 : FAIL(err, ERR_NOT_FOUND, "the project is not there any more");
    if (column_int(&q) >= in->rules.max)
        return FAIL(err, ERR_LIMIT,
                    "the project has %" PRId64 " samples, the most there may be; delete some first",
                    in->rules.max);
    return 0;
}

/* 1: there is one with that file. */
static int same_file(struct query *q, int64_t project, const char *sha256, int64_t *ret_id, struct err *err)
{
    int got;

    bind_int(q, project);
    bind_text(q, sha256);
    got = query_next(q, err);
    if (got > 0)
        *ret_id = column_int(q);
    return got;
}

#define SAME_FILE "SELECT id FROM samples WHERE project = ? AND sha256 = ? ORDER BY id LIMIT 1"

static int check_unique(struct conn *c, const struct add_args *in, struct err *err)
{
    CLEANUP(query_end) struct query q = {0};
    int64_t id;
    int got;

    if (!in->rules.unique)
        return 0;
    if (query_begin(&q, c, SAME_FILE, err) < 0)
        return -1;
    got = same_file(&q, in->row.project, in->row.sha256, &id, err);
    if (got > 0)
        return FAIL(err, ERR_CONFLICT, "the project has this very file already, as sample %" PRId64, id);
    return got;
}

static int insert(struct conn *c, const struct add_args *in, struct err *err)
{
    static const char sql[] =
        "INSERT INTO samples (project, tenant, category, label, name, storage, sha256, size, numbers,"
        " readings, facts, metadata, boxes, stretches, signed_well, method, disabled, created_us, added_us,"
        " modified_us, version) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?19,?19,1) RETURNING id";
    const struct sample_row *row = &in->row;
    CLEANUP(query_end) struct query q = {0};

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_int(&q, row->project);
    bind_text(&q, row->tenant);
    bind_text(&q, sample_category_name(row->category));
    bind_text(&q, row->label);
    bind_text(&q, row->name);
    bind_text(&q, row->storage);
    bind_text(&q, row->sha256);
    bind_int(&q, row->size);
    bind_text(&q, row->numbers[0] ? row->numbers : NULL);
    bind_int(&q, row->readings);
    bind_bytes(&q, row->facts);
    bind_bytes(&q, row->metadata);
    bind_bytes(&q, row->boxes);
    bind_bytes(&q, row->stretches);
    bind_int(&q, row->signed_well);
    bind_text(&q, row->method);
    bind_int(&q, row->disabled);
    bind_int(&q, row->created_us);
    bind_int(&q, row->added_us);
    if (query_next(&q, err) <= 0)
        return -1;
    *in->ret_id = column_int(&q);
    return 0;
}

static int run_add(struct conn *c, const void *args, struct err *err)
{
    const struct add_args *in = args;

    if (check_project(c, in, err) < 0 || check_unique(c, in, err) < 0)
        return -1;
    return insert(c, in, err);
}

static const struct intent_kind add_sample = {"add sample", true, run_add};

int records_add_sample(struct records *db, const struct sample_row *row, const struct sample_rules *rules,
                       int64_t *ret_id, records_done *done, void *arg, struct err *err)
{
    struct arena *a = arena_new();
    struct add_args *copy = arena_alloc(a, sizeof *copy);

    *copy = (struct add_args){row_copy(a, row), *rules, ret_id};
    return intent_push_take(db, &add_sample, a, copy, (struct answer){done, arg}, err);
}

/* ---- reading ---- */

#define COLUMNS                                                                                    \
    "SELECT id, project, tenant, category, label, name, storage, sha256, size, numbers, readings," \
    " facts, metadata, boxes, stretches, signed_well, method, disabled, created_us, added_us,"     \
    " modified_us, version FROM samples "

static void read_row(struct query *q, struct arena *a, struct sample_row *row)
{
    row->id = column_int(q);
    row->project = column_int(q);
    row->tenant = column_text(q, a);
    sample_category_parse(column_text(q, a), &row->category);
    row->label = column_text(q, a);
    row->name = column_text(q, a);
    row->storage = column_text(q, a);
    column_copy(q, row->sha256, sizeof row->sha256);
    row->size = column_int(q);
    column_copy(q, row->numbers, sizeof row->numbers);
    row->readings = column_int(q);
    row->facts = column_bytes(q, a);
    row->metadata = column_bytes(q, a);
    row->boxes = column_bytes(q, a);
    row->stretches = column_bytes(q, a);
    row->signed_well = column_int(q) != 0;
    row->method = column_text(q, a);
    row->disabled = column_int(q) != 0;
    row->created_us = column_int(q);
    row->added_us = column_int(q);
    row->modified_us = column_int(q);
    row->version = column_int(q);
}

static int no_sample(struct err *err)
{
    return FAIL(err, ERR_NOT_FOUND, "there is no sample with this ID in the project");
}

int records_get_sample(struct records *db, struct arena *a, int64_t project, int64_t id,
                       struct sample_row *ret_row, struct err *err)
{
    CLEANUP(reading_end) struct reading r = {0};
    int got;

    if (reading_begin(&r, db, COLUMNS "WHERE id = ? AND project = ?", err) < 0)
        return -1;
    bind_int(&r.q, id);
    bind_int(&r.q, project);
    got = query_next(&r.q, err);
    if (got <= 0)
        return got < 0 ? -1 : no_sample(err);
    *ret_row = (struct sample_row){0};
    read_row(&r.q, a, ret_row);
    return 0;
}

int records_find_sample(struct records *db, int64_t project, const char *sha256, int64_t *ret_id,
                        struct err *err)
{
    CLEANUP(reading_end) struct reading r = {0};
    int64_t id = 0;

    if (reading_begin(&r, db, SAME_FILE, err) < 0 || same_file(&r.q, project, sha256, &id, err) < 0)
        return -1;
    *ret_id = id;
    return 0;
}

/* The labels along a recording are in JSON text; a blob of it would be taken for SQLite's own binary kind. */
#define FITS                                                                            \
    " WHERE project = ?1 AND (?2 IS NULL OR category = ?2) AND (?3 IS NULL"             \
    " OR label IN (SELECT value FROM json_each(?3))"                                    \
    " OR EXISTS (SELECT 1 FROM json_each(CAST(coalesce(stretches, '[]') AS TEXT)) AS s" \
    " WHERE json_extract(s.value, '$.label') IN (SELECT value FROM json_each(?3))))"    \
    " AND (?4 IS NULL OR instr(lower(name), lower(?4)))"                                \
    " AND (?5 IS NULL OR instr(lower(name || ' ' || coalesce(label, '')), lower(?5)))"  \
    " AND (?6 IS NULL OR signed_well = ?6) AND (?7 IS NULL OR disabled = ?7)"

static void bind_filter(struct query *q, const struct sample_filter *f)
{
    bind_int(q, f->project);
    bind_text(q, f->category >= 0 ? sample_category_name((enum sample_category)f->category) : NULL);
    bind_text(q, f->labels);
    bind_text(q, f->filename);
    bind_text(q, f->search);
    bind_int_unless(q, f->signature, -1);
    bind_int_unless(q, f->disabled, -1);
}

int records_list_samples(struct records *db, struct arena *a, const struct sample_filter *filter,
                         int64_t limit, int64_t offset, struct sample_row **ret_rows, size_t *ret_n,
                         struct err *err)
{
    CLEANUP(reading_end) struct reading r = {0};
    struct sample_row *rows = NULL;
    size_t n = 0, cap = 0, bytes = 0;
    int got;

    if (reading_begin(&r, db, COLUMNS FITS " ORDER BY id DESC LIMIT ?8 OFFSET ?9", err) < 0)
        return -1;
    bind_filter(&r.q, filter);
    bind_int(&r.q, limit);
    bind_int(&r.q, offset);
    while ((got = query_next(&r.q, err)) > 0) {
        struct sample_row *row = &ARENA_PUSH(a, rows, n, cap);
        read_row(&r.q, a, row);
        bytes += row->metadata.len + row->boxes.len + row->stretches.len;
        if (bytes > SAMPLES_BYTES)
            return FAIL(err, ERR_INPUT, "so many samples have too many labels for one answer; ask for fewer");
    }
    if (got < 0)
        return -1;
    *ret_rows = rows;
    *ret_n = n;
    return 0;
}

int records_count_samples(struct records *db, const struct sample_filter *filter, int64_t *ret_n,
                          struct err *err)
{
    CLEANUP(reading_end) struct reading r = {0};

    if (reading_begin(&r, db, "SELECT count(*) FROM samples" FITS, err) < 0)
        return -1;
    bind_filter(&r.q, filter);
    if (query_next(&r.q, err) <= 0)
        return -1;
    *ret_n = column_int(&r.q);
    return 0;
}

int records_sum_samples(struct records *db, struct arena *a, int64_t project, struct sample_sum **ret_rows,
                        size_t *ret_n, struct err *err)
{
    static const char sql[] =
        "SELECT category, label, count(*),"
        " CAST(sum(readings * json_extract(CAST(facts AS TEXT), '$.interval_ms') * 1000) AS INTEGER)"
        " FROM samples WHERE project = ? GROUP BY category, label ORDER BY category, label";
    CLEANUP(reading_end) struct reading r = {0};
    struct sample_sum *rows = NULL;
    size_t n = 0, cap = 0;
    int got;

    if (reading_begin(&r, db, sql, err) < 0)
        return -1;
    bind_int(&r.q, project);
    while ((got = query_next(&r.q, err)) > 0) {
        struct sample_sum *row = &ARENA_PUSH(a, rows, n, cap);
        sample_category_parse(column_text(&r.q, a), &row->category);
        row->label = column_text(&r.q, a);
        row->n = column_int(&r.q);
        row->length_ms = (double)column_int(&r.q) / 1000;
    }
    if (got < 0)
        return -1;
    *ret_rows = rows;
    *ret_n = n;
    return 0;
}

/* ---- changing ---- */

struct edit_args {
    struct sample_edit edit;
    int64_t now_us;
};

struct sample_edit sample_edit_of(int64_t project, int64_t id)
{
    return (struct sample_edit){.project = project, .id = id, .category = -1, .disabled = -1};
}

static int run_edit(struct conn *c, const void *args, struct err *err)
{
    static const char sql[] =
        "UPDATE samples SET label = CASE WHEN ?1 IS NULL THEN label ELSE nullif(?1, '') END,"
        " name = coalesce(?2, name), category = coalesce(?3, category), disabled = coalesce(?4, disabled),"
        " metadata = coalesce(?5, metadata), boxes = coalesce(?6, boxes),"
        " stretches = coalesce(?7, stretches), modified_us = ?8, version = version + 1"
        " WHERE id = ?9 AND project = ?10";
    const struct edit_args *in = args;
    const struct sample_edit *e = &in->edit;
    CLEANUP(query_end) struct query q = {0};

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_text(&q, e->label);
    bind_text(&q, e->name);
    bind_text(&q, e->category >= 0 ? sample_category_name((enum sample_category)e->category) : NULL);
    bind_int_unless(&q, e->disabled, -1);
    bind_bytes(&q, e->metadata);
    bind_bytes(&q, e->boxes);
    bind_bytes(&q, e->stretches);
    bind_int(&q, in->now_us);
    bind_int(&q, e->id);
    bind_int(&q, e->project);
    if (query_run(&q, err) < 0)
        return -1;
    return query_changes(&q) ? 0 : no_sample(err);
}

static const struct intent_kind edit_sample = {"edit sample", false, run_edit};

int records_edit_sample(struct records *db, const struct sample_edit *edit, int64_t now_us,
                        records_done *done, void *arg, struct err *err)
{
    struct arena *a = arena_new();
    struct edit_args *copy = arena_alloc(a, sizeof *copy);

    *copy = (struct edit_args){*edit, now_us};
    copy->edit.label = arena_strdup(a, edit->label);
    copy->edit.name = arena_strdup(a, edit->name);
    copy->edit.metadata = bytes_copy(a, edit->metadata);
    copy->edit.boxes = bytes_copy(a, edit->boxes);
    copy->edit.stretches = bytes_copy(a, edit->stretches);
    return intent_push_take(db, &edit_sample, a, copy, (struct answer){done, arg}, err);
}

/* ---- deleting ---- */

struct delete_args {
    int64_t project, id;
    const char *who;
};

static int delete_and_say(struct conn *c, const void *args, struct err *err)
{
    static const char sql[] = "DELETE FROM samples WHERE id = ? AND project = ? RETURNING tenant";
    const struct delete_args *in = args;
    CLEANUP(query_end) struct query q = {0};
    char tenant[128], object[24];
    int got;

    if (query_begin(&q, c, sql, err) < 0)
        return -1;
    bind_int(&q, in->id);
    bind_int(&q, in->project);
    got = query_next(&q, err);
    if (got <= 0)
        return got < 0 ? -1 : no_sample(err);
    column_copy(&q, tenant, sizeof tenant);
    snprintf(object, sizeof object, "%" PRId64, in->id);
    return audit_insert(c, AUDIT_SAMPLE_DELETE,
                        &(struct audit_line){.who = in->who, .tenant = tenant, .object = object}, err);
}

static int run_delete(struct conn *c, const void *args, struct err *err)
{
    return run_whole(c, delete_and_say, args, err);
}

static const struct intent_kind delete_sample = {"delete sample", false, run_delete};

int records_delete_sample(struct records *db, int64_t project, int64_t id, const char *who,
                          records_done *done, void *arg, struct err *err)
{
    struct arena *a = arena_new();
    struct delete_args *copy = arena_alloc(a, sizeof *copy);

    *copy = (struct delete_args){project, id, who ? arena_strdup(a, who) : db->who};
    return intent_push_take(db, &delete_sample, a, copy, (struct answer){done, arg}, err);
}
