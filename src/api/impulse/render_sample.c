/* A sample as clients see it. Every member that generated clients insist on is always there. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/impulse/impulse_int.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

/* ---- numbers and times ---- */

val_t *impulse_float(doc_t *doc, float x)
{
    char text[FLOAT_TEXT];
    size_t n = float_text(text, x);

    return yyjson_mut_rawncpy(doc, text, n);
}

void impulse_add_time(doc_t *doc, val_t *to, const char *key, int64_t wall_us)
{
    char text[CLOCK_TEXT];

    yyjson_mut_obj_add_strcpy(doc, to, key, clock_rfc3339(text, wall_us));
}

/* ---- JSON that is kept as it came ---- */

enum { KEPT_MAX = 16 << 20 };

/* A copy of the stored JSON, or `fallback` where there is none or another kind of value. */
static val_t *kept(doc_t *doc, struct bytes json, bool (*is)(yyjson_val *v), val_t *fallback)
{
    CLEANUP(json_freep) yyjson_doc *stored = json.len ? json_read(json, KEPT_MAX, NULL) : NULL;
    yyjson_val *root = yyjson_doc_get_root(stored);

    return stored && is(root) ? yyjson_val_mut_copy(doc, root) : fallback;
}

static bool is_list(yyjson_val *v)
{
    return yyjson_is_arr(v);
}

static bool is_object(yyjson_val *v)
{
    return yyjson_is_obj(v);
}

/* ---- the sample ---- */

static void add_sensors(doc_t *doc, val_t *to, const struct recording *rec)
{
    val_t *list = yyjson_mut_obj_add_arr(doc, to, "sensors"), *o;

    for (size_t i = 0; i < rec->naxes; i++) {
        o = yyjson_mut_arr_add_obj(doc, list);
        yyjson_mut_obj_add_str(doc, o, "name", rec->axes[i].name);
        yyjson_mut_obj_add_str(doc, o, "units", rec->axes[i].units);
    }
    if (rec->kind == SENSOR_PICTURE) {
        o = yyjson_mut_arr_add_obj(doc, list);
        yyjson_mut_obj_add_str(doc, o, "name", "image");
        yyjson_mut_obj_add_str(doc, o, "units", "rgba");
    }
}

static void add_rate(doc_t *doc, val_t *to, const struct recording *rec)
{
    double frequency = rec->interval_ms > 0 ? 1000 / rec->interval_ms : 0;

    yyjson_mut_obj_add_real(doc, to, "intervalMs", rec->interval_ms);
    yyjson_mut_obj_add_real(doc, to, "frequency", frequency);
    yyjson_mut_obj_add_real(doc, to, "originalIntervalMs", rec->interval_ms);
    yyjson_mut_obj_add_real(doc, to, "originalFrequency", frequency);
}

static void add_signature(doc_t *doc, val_t *to, const struct sample_row *row)
{
    yyjson_mut_obj_add_bool(doc, to, "signatureValidate", row->signed_well);
    if (row->method)
        yyjson_mut_obj_add_str(doc, to, "signatureMethod", row->method);
    /* The key that signed it is nobody's business here. */
    yyjson_mut_obj_add_str(doc, to, "signatureKey", "");
}

static bool holds(val_t *list, const char *text)
{
    val_t *v;
    size_t i, n;

    yyjson_mut_arr_foreach (list, i, n, v)
        if (text_is(yyjson_mut_get_str(v), text))
            return true;
    return false;
}

/* Labels along the recording, the first `max`; and which ones there are, once each. */
static void add_stretches(doc_t *doc, val_t *to, const struct sample_row *row, size_t max)
{
    val_t *list = kept(doc, row->stretches, is_list, NULL), *names, *v;
    size_t i, n;

    if (!list)
        return;
    names = yyjson_mut_arr(doc);
    yyjson_mut_arr_foreach (list, i, n, v) {
        const char *label = yyjson_mut_get_str(yyjson_mut_obj_get(v, "label"));
        if (label && !holds(names, label))
            yyjson_mut_arr_add_strcpy(doc, names, label);
    }
    while (yyjson_mut_arr_size(list) > max)
        yyjson_mut_arr_remove_last(list);
    yyjson_mut_obj_add(to, yyjson_mut_str(doc, "structuredLabels"), list);
    yyjson_mut_obj_add(to, yyjson_mut_str(doc, "structuredLabelsList"), names);
}

static void add_picture(doc_t *doc, val_t *to, const struct recording *rec)
{
    val_t *o;

    if (rec->kind != SENSOR_PICTURE)
        return;
    o = yyjson_mut_obj_add_obj(doc, to, "imageDimensions");
    yyjson_mut_obj_add_int(doc, o, "width", rec->width);
    yyjson_mut_obj_add_int(doc, o, "height", rec->height);
}

static const char *chart_type(const struct recording *rec)
{
    if (rec->kind == SENSOR_PICTURE)
        return "image";
    return rec->interval_ms > 0 ? "chart" : "table";
}

static void add_project(doc_t *doc, val_t *to, const struct sample *s)
{
    yyjson_mut_obj_add_int(doc, to, "projectId", s->row.project);
    if (!s->project)
        return;
    yyjson_mut_obj_add_str(doc, to, "projectOwnerName", s->project->tenant);
    yyjson_mut_obj_add_str(doc, to, "projectName", s->project->name);
    yyjson_mut_obj_add_str(doc, to, "projectLabelingMethod", "single_label");
}

static void add_state(doc_t *doc, val_t *to, const struct sample_row *row)
{
    yyjson_mut_obj_add_bool(doc, to, "isDisabled", row->disabled);
    yyjson_mut_obj_add_bool(doc, to, "isProcessing", false);
    yyjson_mut_obj_add_bool(doc, to, "processingError", false);
    yyjson_mut_obj_add_bool(doc, to, "isCropped", false);
}

static void add_names(doc_t *doc, val_t *to, const struct sample_row *row)
{
    yyjson_mut_obj_add_int(doc, to, "id", row->id);
    yyjson_mut_obj_add_str(doc, to, "filename", row->name);
    yyjson_mut_obj_add_str(doc, to, "coldstorageFilename", row->storage);
    yyjson_mut_obj_add_str(doc, to, "sha256Hash", row->sha256);
    yyjson_mut_obj_add_str(doc, to, "category", sample_category_name(row->category));
    yyjson_mut_obj_add_str(doc, to, "label", row->label ? row->label : "");
    impulse_add_time(doc, to, "created", row->created_us);
    impulse_add_time(doc, to, "lastModified", row->modified_us);
    impulse_add_time(doc, to, "added", row->added_us);
}

val_t *impulse_render_sample(doc_t *doc, const struct sample *s, size_t max_labels)
{
    const struct recording *rec = &s->recording;
    val_t *o = yyjson_mut_obj(doc);

    add_names(doc, o, &s->row);
    add_signature(doc, o, &s->row);
    add_rate(doc, o, rec);
    if (rec->device_name)
        yyjson_mut_obj_add_str(doc, o, "deviceName", rec->device_name);
    yyjson_mut_obj_add_str(doc, o, "deviceType", rec->device_type ? rec->device_type : "");
    add_sensors(doc, o, rec);
    yyjson_mut_obj_add_int(doc, o, "valuesCount", rec->kind == SENSOR_PICTURE ? 1 : rec->readings);
    yyjson_mut_obj_add_real(doc, o, "totalLengthMs", (double)rec->readings * rec->interval_ms);
    yyjson_mut_obj_add(o, yyjson_mut_str(doc, "boundingBoxes"),
                       kept(doc, s->row.boxes, is_list, yyjson_mut_arr(doc)));
    yyjson_mut_obj_add_str(doc, o, "boundingBoxesType", "object_detection");
    yyjson_mut_obj_add_str(doc, o, "chartType", chart_type(rec));
    add_state(doc, o, &s->row);
    yyjson_mut_obj_add(o, yyjson_mut_str(doc, "metadata"),
                       kept(doc, s->row.metadata, is_object, yyjson_mut_obj(doc)));
    add_project(doc, o, s);
    add_stretches(doc, o, &s->row, max_labels);
    add_picture(doc, o, rec);
    yyjson_mut_obj_add_arr(doc, o, "datastreams");
    return o;
}

/* ---- the payload ---- */

/* As text: a tree of millions of values would take a hundred bytes for each. */
static val_t *values_of(doc_t *doc, const struct values *v, size_t naxes)
{
    CLEANUP(buf_clear) struct buf out = BUF((size_t)PAYLOAD_NUMBERS * (FLOAT_TEXT + 4));
    char text[FLOAT_TEXT];

    buf_str(&out, "[");
    for (int64_t i = 0; i < v->n; i++) {
        buf_str(&out, i ? ",[" : "[");
        for (size_t k = 0; k < naxes; k++) {
            if (k)
                buf_add(&out, ",", 1);
            buf_add(&out, text, float_text(text, v->numbers[(size_t)i * naxes + k]));
        }
        buf_add(&out, "]", 1);
    }
    buf_str(&out, "]");
    return yyjson_mut_rawncpy(doc, out.data, out.len);
}

val_t *impulse_render_payload(doc_t *doc, const struct sample *s, const struct values *v)
{
    const struct recording *rec = &s->recording;
    val_t *o = yyjson_mut_obj(doc);

    if (rec->device_name)
        yyjson_mut_obj_add_str(doc, o, "device_name", rec->device_name);
    yyjson_mut_obj_add_str(doc, o, "device_type", rec->device_type ? rec->device_type : "");
    yyjson_mut_obj_add_real(doc, o, "intervalMs", rec->interval_ms);
    yyjson_mut_obj_add_real(doc, o, "frequencyHz", rec->interval_ms > 0 ? 1000 / rec->interval_ms : 0);
    add_sensors(doc, o, rec);
    yyjson_mut_obj_add(o, yyjson_mut_str(doc, "values"), values_of(doc, v, rec->naxes));
    yyjson_mut_obj_add_int(doc, o, "cropStart", 0);
    yyjson_mut_obj_add_int(doc, o, "cropEnd", rec->readings);
    return o;
}

void impulse_add_sample(doc_t *doc, val_t *to, const struct sample *s, const struct values *v,
                        size_t max_labels)
{
    yyjson_mut_obj_add(to, yyjson_mut_str(doc, "sample"), impulse_render_sample(doc, s, max_labels));
    yyjson_mut_obj_add(to, yyjson_mut_str(doc, "payload"), impulse_render_payload(doc, s, v));
    yyjson_mut_obj_add_int(doc, to, "totalPayloadLength", s->recording.readings);
}
