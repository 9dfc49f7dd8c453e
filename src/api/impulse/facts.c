/* What is kept of a recording, as JSON: struct recording without label, signature and note. */
#include <math.h>
#include <string.h>

#include "api/impulse/impulse_int.h"
#include "base/cleanup.h"
#include "base/text.h"

enum { FACTS_MAX = 64 << 10 };

static void add_axes(doc_t *doc, val_t *root, const struct recording *rec)
{
    val_t *list = yyjson_mut_obj_add_arr(doc, root, "axes"), *axis;

    for (size_t i = 0; i < rec->naxes; i++) {
        axis = yyjson_mut_arr_add_obj(doc, list);
        yyjson_mut_obj_add_str(doc, axis, "name", rec->axes[i].name);
        yyjson_mut_obj_add_str(doc, axis, "units", rec->axes[i].units);
    }
}

static void add_text(doc_t *doc, val_t *root, const char *key, const char *text)
{
    if (text)
        yyjson_mut_obj_add_str(doc, root, key, text);
}

struct bytes facts_to_json(struct arena *a, const struct recording *rec)
{
    CLEANUP(json_mut_freep) doc_t *doc = json_doc_new();
    val_t *root = yyjson_mut_obj(doc);

    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "kind", rec->kind == SENSOR_PICTURE ? "picture" : "series");
    add_text(doc, root, "format", rec->format);
    add_axes(doc, root, rec);
    yyjson_mut_obj_add_real(doc, root, "interval_ms", rec->interval_ms);
    yyjson_mut_obj_add_int(doc, root, "readings", rec->readings);
    yyjson_mut_obj_add_int(doc, root, "width", rec->width);
    yyjson_mut_obj_add_int(doc, root, "height", rec->height);
    add_text(doc, root, "device_name", rec->device_name);
    add_text(doc, root, "device_type", rec->device_type);
    yyjson_mut_obj_add_int(doc, root, "taken_s", rec->taken_s);
    return json_write(a, doc);
}

static void read_axes(struct arena *a, yyjson_val *list, struct recording *rec)
{
    struct sensor_axis *axes = arena_array(a, yyjson_arr_size(list) + 1, sizeof *axes);
    yyjson_val *axis;
    size_t i, n;

    yyjson_arr_foreach (list, i, n, axis)
        axes[i] = (struct sensor_axis){json_str(a, axis, "name", ""), json_str(a, axis, "units", "")};
    rec->axes = axes;
    rec->naxes = yyjson_arr_size(list);
}

int facts_from_json(struct arena *a, struct bytes json, struct recording *ret, struct err *err)
{
    CLEANUP(json_freep) yyjson_doc *doc = json_read(json, FACTS_MAX, err);
    yyjson_val *root = yyjson_doc_get_root(doc);

    if (!doc)
        return -1;
    if (!yyjson_is_obj(root))
        return FAIL(err, ERR_INTERNAL, "the facts of a sample are no object");
    *ret = (struct recording){
        .kind = text_is(json_str(a, root, "kind", ""), "picture") ? SENSOR_PICTURE : SENSOR_SERIES,
        .format = json_str(a, root, "format", ""),
        .interval_ms = json_num(root, "interval_ms", 0),
        .readings = json_int(root, "readings", 0),
        .width = (int)json_int(root, "width", 0),
        .height = (int)json_int(root, "height", 0),
        .device_name = json_str(a, root, "device_name", NULL),
        .device_type = json_str(a, root, "device_type", NULL),
        .taken_s = json_int(root, "taken_s", 0),
        .signature_at = -1,
    };
    read_axes(a, yyjson_obj_get(root, "axes"), ret);
    return 0;
}
