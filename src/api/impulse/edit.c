/* Changes of one sample: POST raw-data/{sampleId}/edit-label and the like. Each route reads what it changes
 * from the body; the rest is the same. */
#include <string.h>

#include "api/impulse/sample_int.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

struct editing {
    struct request *request;
    struct sample sample;
    yyjson_val *body;
};
typedef int read_edit(const struct editing *in, struct sample_edit *edit, struct err *err);

static int member(const struct editing *in, const char *name, const char **ret, struct err *err)
{
    yyjson_val *v = yyjson_obj_get(in->body, name);

    if (!yyjson_is_str(v) || strlen(yyjson_get_str(v)) != yyjson_get_len(v))
        return FAIL(err, ERR_INPUT, "the body needs '%s', a text", name);
    *ret = arena_strdup(request_arena(in->request), yyjson_get_str(v));
    return 0;
}

/* ---- what each reads ---- */

static int read_new_label(const struct editing *in, struct sample_edit *edit, struct err *err)
{
    return member(in, "label", &edit->label, err) < 0 ? -1 : label_check(edit->label, err);
}

static int read_name(const struct editing *in, struct sample_edit *edit, struct err *err)
{
    char name[NAME_BYTES];
    const char *text;

    if (member(in, "name", &text, err) < 0)
        return -1;
    text_base_name(name, sizeof name, text);
    if (!*name)
        return FAIL(err, ERR_INPUT, "the 'name' of a sample must not be empty");
    edit->name = arena_strdup(request_arena(in->request), name);
    return 0;
}

static int read_category(const struct editing *in, struct sample_edit *edit, struct err *err)
{
    enum sample_category category;
    const char *text;

    if (member(in, "newCategory", &text, err) < 0)
        return -1;
    if (!sample_category_parse(text, &category))
        return FAIL(err, ERR_INPUT, "'newCategory' must be training, testing or anomaly");
    edit->category = (int)category;
    return 0;
}

static int read_stretches(const struct editing *in, struct sample_edit *edit, struct err *err)
{
    if (in->sample.recording.kind != SENSOR_SERIES)
        return FAIL(err, ERR_INPUT, "a picture has no labels along it; use bounding-boxes");
    if (stretches_read(request_arena(in->request), yyjson_obj_get(in->body, "structuredLabels"),
                       &edit->stretches, err) < 0)
        return -1;
    return stretches_fit(edit->stretches, in->sample.recording.readings, err);
}

static int read_boxes(const struct editing *in, struct sample_edit *edit, struct err *err)
{
    if (in->sample.recording.kind != SENSOR_PICTURE)
        return FAIL(err, ERR_INPUT, "only pictures have bounding boxes; use structured-labels");
    return boxes_read(request_arena(in->request), yyjson_obj_get(in->body, "boundingBoxes"), &edit->boxes,
                      err);
}

/* Without any: there are none any more. */
static int read_metadata(const struct editing *in, struct sample_edit *edit, struct err *err)
{
    yyjson_val *v = yyjson_obj_get(in->body, "metadata");

    if (v && !yyjson_is_null(v))
        return metadata_read(request_arena(in->request), v, &edit->metadata, err);
    edit->metadata = bytes_of("{}", 2);
    return 0;
}

static int read_enable(const struct editing *in UNUSED, struct sample_edit *edit, struct err *err UNUSED)
{
    edit->disabled = 0;
    return 0;
}

static int read_disable(const struct editing *in UNUSED, struct sample_edit *edit, struct err *err UNUSED)
{
    edit->disabled = 1;
    return 0;
}

/* ---- the rest ---- */

static void edit_run(struct request *r, read_edit *read)
{
    CLEANUP(json_freep) yyjson_doc *body = NULL;
    struct editing in = {.request = r};
    struct sample_edit edit;
    struct visit v;
    struct err err;

    if (!impulse_visit(r, "submit", &v) || !(body = impulse_body(r, BODY_LABELS)))
        return;
    in.body = yyjson_doc_get_root(body);
    if (sample_load(r, &v, &in.sample, &err) < 0) {
        impulse_fail(r, &v.caller, &err);
        return;
    }
    edit = sample_edit_of(v.project.id, in.sample.row.id);
    if (read(&in, &edit, &err) < 0 ||
        records_edit_sample(api_of(r)->db, &edit, clock_wall_us(), impulse_committed, r, &err) < 0)
        impulse_fail(r, &v.caller, &err);
}

#define EDIT(name, read)                      \
    static void name##_run(struct request *r) \
    {                                         \
        edit_run(r, read);                    \
    }                                         \
    const struct handler impulse_sample_##name = {.run = name##_run}

EDIT(label, read_new_label);
EDIT(rename, read_name);
EDIT(move, read_category);
EDIT(stretches, read_stretches);
EDIT(boxes, read_boxes);
EDIT(metadata, read_metadata);
EDIT(enable, read_enable);
EDIT(disable, read_disable);
