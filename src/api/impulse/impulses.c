/* Impulses: GET, POST, DELETE; settings of their DSP blocks; thresholds. */
#include "api/impulse/upper_int.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

enum { BODY_MAX = 1 << 20 };

/* ---- looking ---- */

static int asked_impulse(struct trip *t, int64_t *ret, struct err *err)
{
    return impulse_query_int(t->request, "impulseId", 0, ret, err);
}

/* Also when there is none yet: then *ret_row has the id 0. */
static int find_row(struct trip *t, int64_t id, struct impulse_row *ret_row, struct err *err)
{
    *ret_row = (struct impulse_row){.project = t->visit.project.id};
    if (records_impulse(trip_api(t)->db, trip_arena(t), t->visit.project.id, id, ret_row, err) == 0)
        return 0;
    return err->kind == ERR_NOT_FOUND && !id ? 0 : -1;
}

/* Of the newest recording; 0: not known. */
static double project_frequency(struct trip *t)
{
    struct sample_filter filter = {
        .project = t->visit.project.id, .category = -1, .signature = -1, .disabled = -1};
    struct sample_row *rows;
    struct sample s;
    size_t n;

    if (records_list_samples(trip_api(t)->db, trip_arena(t), &filter, 1, 0, &rows, &n, NULL) < 0 || n == 0 ||
        sample_of_row(trip_arena(t), &rows[0], &t->visit.project, &s, NULL) < 0)
        return 0;
    return s.recording.interval_ms > 0 ? 1000 / s.recording.interval_ms : 0;
}

static val_t *empty_impulse(doc_t *doc)
{
    static const char *const flags[] = {"created", "configured", "complete"};
    static const char *const lists[] = {"inputBlocks", "dspBlocks", "learnBlocks", "postProcessingBlocks"};
    val_t *o = yyjson_mut_obj(doc);

    for (size_t i = 0; i < COUNT_OF(flags); i++)
        yyjson_mut_obj_add_bool(doc, o, flags[i], false);
    for (size_t i = 0; i < COUNT_OF(lists); i++)
        yyjson_mut_obj_add_arr(doc, o, lists[i]);
    return o;
}

static val_t *render_row(struct trip *t, doc_t *doc, const struct impulse_row *row)
{
    val_t *o = yyjson_mut_obj(doc);
    bool complete = impulse_is_complete(trip_api(t), trip_arena(t), row);

    yyjson_mut_obj_add_int(doc, o, "id", row->id);
    yyjson_mut_obj_add_bool(doc, o, "isDefault", row->standard);
    definition_render(trip_arena(t), doc, o, row->definition, complete, NULL);
    return o;
}

static void get_go(struct trip *t)
{
    struct impulse_row row;
    struct err err = {0};
    val_t *root;
    int64_t id;
    doc_t *doc;

    if (asked_impulse(t, &id, &err) < 0 || find_row(t, id, &row, &err) < 0) {
        trip_fail(t, &err);
        return;
    }
    doc = impulse_doc(&root);
    yyjson_mut_obj_add_val(doc, root, "impulse", row.id ? render_row(t, doc, &row) : empty_impulse(doc));
    impulse_answer_take(t->request, doc);
}

static void list_go(struct trip *t)
{
    struct impulse_row *rows;
    struct err err;
    val_t *root, *list;
    size_t n;
    doc_t *doc;

    if (records_impulses(trip_api(t)->db, trip_arena(t), t->visit.project.id, &rows, &n, &err) < 0) {
        trip_fail(t, &err);
        return;
    }
    doc = impulse_doc(&root);
    list = yyjson_mut_obj_add_arr(doc, root, "impulses");
    for (size_t i = 0; i < n; i++)
        yyjson_mut_arr_append(list, render_row(t, doc, &rows[i]));
    impulse_answer_take(t->request, doc);
}

/* ---- changing ---- */

struct change {
    struct trip *trip;
    int64_t id;
};

/* Writer thread. */
static void saved(void *arg, const struct err *err)
{
    struct change *c = arg;
    val_t *root;
    doc_t *doc;

    if (err->kind != ERR_NONE) {
        trip_fail(c->trip, err);
        return;
    }
    doc = impulse_doc(&root);
    yyjson_mut_obj_add_int(doc, root, "id", c->id);
    impulse_answer_take(c->trip->request, doc);
}

void trip_save_impulse(struct trip *t, const struct impulse_row *row)
{
    struct change *c = arena_alloc(trip_arena(t), sizeof *c);
    struct err err;

    c->trip = t;
    if (records_save_impulse(trip_api(t)->db, row, &c->id, saved, c, &err) < 0)
        trip_fail(t, &err);
}

/* What is in the body as a definition, on top of the row. */
static int make(struct trip *t, yyjson_val *body, bool merge, struct impulse_row *row, struct err *err)
{
    struct arena *a = trip_arena(t);
    struct define_with with = {.before = row->definition,
                               .frequency = project_frequency(t),
                               .now_us = clock_wall_us(),
                               .merge = merge};
    const char *name = json_str(a, body, "name", row->name);

    if (name && (!text_is_utf8(name, strlen(name)) || strlen(name) >= SENSOR_NAME))
        return FAIL(err, ERR_INPUT, "the name of an impulse has at most %d bytes", SENSOR_NAME - 1);
    row->name = name;
    return definition_make(a, body, &with, &row->definition, err);
}

/* POST impulse: the one asked for, else the standard one, else a new one. */
static void post_go(struct trip *t)
{
    CLEANUP(json_freep) yyjson_doc *body = impulse_body(t->request, BODY_MAX);
    struct impulse_row row;
    struct err err = {0};
    int64_t id;

    if (!body)
        return;
    if (asked_impulse(t, &id, &err) < 0 || find_row(t, id, &row, &err) < 0 ||
        make(t, yyjson_doc_get_root(body), false, &row, &err) < 0)
        trip_fail(t, &err);
    else
        trip_save_impulse(t, &row);
}

static void new_go(struct trip *t)
{
    CLEANUP(json_freep) yyjson_doc *body = impulse_body(t->request, BODY_MAX);
    struct impulse_row row = {.project = t->visit.project.id};
    struct err err = {0};

    if (!body)
        return;
    if (make(t, yyjson_doc_get_root(body), false, &row, &err) < 0)
        trip_fail(t, &err);
    else
        trip_save_impulse(t, &row);
}

/* The impulse's id is in the body or the query; what the body does not say stays. */
static void update_go(struct trip *t)
{
    CLEANUP(json_freep) yyjson_doc *body = impulse_body(t->request, BODY_MAX);
    struct impulse_row row;
    struct err err = {0};
    int64_t id;

    if (!body)
        return;
    if (asked_impulse(t, &id, &err) < 0) {
        trip_fail(t, &err);
        return;
    }
    id = json_int(yyjson_doc_get_root(body), "impulseId", json_int(yyjson_doc_get_root(body), "id", id));
    if (records_impulse(trip_api(t)->db, trip_arena(t), t->visit.project.id, id, &row, &err) < 0 ||
        make(t, yyjson_doc_get_root(body), true, &row, &err) < 0)
        trip_fail(t, &err);
    else
        trip_save_impulse(t, &row);
}

static void delete_go(struct trip *t)
{
    struct api *api = trip_api(t);
    struct impulse_row row;
    struct err err = {0};
    int64_t id;

    if (asked_impulse(t, &id, &err) < 0 ||
        records_impulse(api->db, trip_arena(t), t->visit.project.id, id, &row, &err) < 0 ||
        records_delete_impulse(api->db, row.project, row.id, impulse_committed, t->request, &err) < 0)
        trip_fail(t, &err);
}

/* ---- settings of a DSP block ---- */

static bool has_dsp(struct trip *t, const struct impulse_row *row, int64_t id)
{
    struct definition d;

    if (definition_read(trip_arena(t), row->definition, &d, NULL) < 0)
        return false;
    for (size_t i = 0; i < d.impulse.ndsp; i++)
        if (d.impulse.dsp[i].id == id)
            return true;
    return false;
}

/* The impulse asked for, else the first that has the block. */
static int find_dsp(struct trip *t, int64_t dsp, struct impulse_row *ret, struct err *err)
{
    struct impulse_row *rows;
    int64_t id;
    size_t n;

    if (asked_impulse(t, &id, err) < 0 ||
        records_impulses(trip_api(t)->db, trip_arena(t), t->visit.project.id, &rows, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if ((!id || rows[i].id == id) && has_dsp(t, &rows[i], dsp)) {
            *ret = rows[i];
            return 0;
        }
    return FAIL(err, ERR_NOT_FOUND, "the project has no DSP block %lld", (long long)dsp);
}

static void dsp_get_go(struct trip *t)
{
    CLEANUP(json_mut_freep) doc_t *doc = NULL;
    struct impulse_row row;
    struct err err = {0};
    val_t *root;
    int64_t dsp;

    doc = impulse_doc(&root);
    if (impulse_number(t->request, "dspId", &dsp, &err) < 0 || find_dsp(t, dsp, &row, &err) < 0 ||
        definition_render_dsp(trip_arena(t), doc, root, row.definition, dsp, &err) < 0)
        trip_fail(t, &err);
    else
        impulse_answer_take(t->request, TAKE(doc));
}

static void answer_save(struct trip *t, const struct impulse_row *row)
{
    struct change *c = arena_alloc(trip_arena(t), sizeof *c);
    struct err err;

    if (records_save_impulse(trip_api(t)->db, row, &c->id, impulse_committed, t->request, &err) < 0)
        trip_fail(t, &err);
}

static void dsp_set_go(struct trip *t)
{
    CLEANUP(json_freep) yyjson_doc *body = impulse_body(t->request, BODY_MAX);
    struct impulse_row row;
    struct err err = {0};
    int64_t dsp;

    if (!body)
        return;
    if (impulse_number(t->request, "dspId", &dsp, &err) < 0 || find_dsp(t, dsp, &row, &err) < 0 ||
        definition_set_config(trip_arena(t), row.definition, dsp,
                              yyjson_obj_get(yyjson_doc_get_root(body), "config"), &row.definition, &err) < 0)
        trip_fail(t, &err);
    else
        answer_save(t, &row);
}

/* ---- thresholds ---- */

static int set_all(struct trip *t, yyjson_val *list, struct impulse_row *row, struct err *err)
{
    struct arena *a = trip_arena(t);
    yyjson_val *v;
    size_t i, n;

    if (!yyjson_is_arr(list))
        return FAIL(err, ERR_INPUT, "thresholds is a list of {blockId, key, value}");
    yyjson_arr_foreach (list, i, n, v) {
        const char *text = json_str(a, v, "value", "");
        double value = json_num(v, "value", 0);
        if (!yyjson_is_num(yyjson_obj_get(v, "value")) && !text_to_double(text, &value))
            return FAIL(err, ERR_INPUT, "the value of a threshold is a number");
        if (definition_set_threshold(a, row->definition, json_int(v, "blockId", 0), json_str(a, v, "key", ""),
                                     value, &row->definition, err) < 0)
            return -1;
    }
    return 0;
}

static void thresholds_go(struct trip *t)
{
    CLEANUP(json_freep) yyjson_doc *body = impulse_body(t->request, BODY_MAX);
    struct impulse_row row;
    struct err err = {0};
    int64_t id;

    if (!body)
        return;
    if (impulse_number(t->request, "impulseId", &id, &err) < 0 ||
        records_impulse(trip_api(t)->db, trip_arena(t), t->visit.project.id, id, &row, &err) < 0 ||
        set_all(t, yyjson_obj_get(yyjson_doc_get_root(body), "thresholds"), &row, &err) < 0)
        trip_fail(t, &err);
    else
        answer_save(t, &row);
}

/* ---- the handlers ---- */

TRIP_HANDLER(impulse_get, "read", get_go);
TRIP_HANDLER(impulse_list, "read", list_go);
TRIP_HANDLER(impulse_post, "submit", post_go);
TRIP_HANDLER(impulse_new, "submit", new_go);
TRIP_HANDLER(impulse_update, "submit", update_go);
TRIP_HANDLER(impulse_delete, "submit", delete_go);
TRIP_HANDLER(impulse_dsp_get, "read", dsp_get_go);
TRIP_HANDLER(impulse_dsp_set, "submit", dsp_set_go);
TRIP_HANDLER(impulse_thresholds, "submit", thresholds_go);
