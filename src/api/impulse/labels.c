#include <math.h>
#include <string.h>

#include "api/impulse/sample_int.h"
#include "base/c23.h"
#include "base/cleanup.h"
#include "base/text.h"

enum { METADATA_MAX = 1000, METADATA_VALUE = 4096 };

/* ---- texts ---- */

int label_check(const char *label, struct err *err)
{
    if (strlen(label) > LABEL_BYTES)
        return FAIL(err, ERR_INPUT, "a label has at most %d bytes", LABEL_BYTES);
    return text_is_utf8(label, strlen(label)) ? 0 : FAIL(err, ERR_INPUT, "a label must be UTF-8");
}

/* The member as a text without NUL; borrowed from the document. */
static int read_label(yyjson_val *o, size_t at, const char **ret, struct err *err)
{
    yyjson_val *v = yyjson_obj_get(o, "label");

    if (!yyjson_is_str(v) || strlen(yyjson_get_str(v)) != yyjson_get_len(v) || !yyjson_get_len(v))
        return FAIL(err, ERR_INPUT, "entry %zu needs a 'label', a text that is not empty", at);
    *ret = yyjson_get_str(v);
    return label_check(*ret, err);
}

static int check_list(yyjson_val *list, const char *what, size_t max, struct err *err)
{
    if (!yyjson_is_arr(list))
        return FAIL(err, ERR_INPUT, "'%s' must be a list", what);
    if (yyjson_arr_size(list) > max)
        return FAIL(err, ERR_INPUT, "'%s' has %zu entries, there may be %zu", what, yyjson_arr_size(list),
                    max);
    return 0;
}

/* ---- along a recording ---- */

/* A whole number, 0 or more, however it is written (9.0 is one). */
static bool whole(yyjson_val *v, int64_t *ret)
{
    double x = yyjson_is_num(v) ? yyjson_get_num(v) : -1;

    if (!(x >= 0) || x > 9e15 || x != floor(x))
        return false;
    *ret = (int64_t)x;
    return true;
}

static int add_stretch(doc_t *doc, val_t *to, yyjson_val *v, size_t at, int64_t *next, struct err *err)
{
    int64_t first, last;
    const char *label;
    val_t *o;

    if (!whole(yyjson_obj_get(v, "startIndex"), &first) || !whole(yyjson_obj_get(v, "endIndex"), &last))
        return FAIL(err, ERR_INPUT, "entry %zu needs 'startIndex' and 'endIndex', numbers of readings", at);
    if (read_label(v, at, &label, err) < 0)
        return -1;
    if (first > last)
        return FAIL(err, ERR_INPUT, "entry %zu ends before it begins", at);
    if (first < *next)
        return FAIL(err, ERR_INPUT, "entry %zu begins within or before the one ahead of it", at);
    *next = last + 1;
    o = yyjson_mut_arr_add_obj(doc, to);
    yyjson_mut_obj_add_int(doc, o, "startIndex", first);
    yyjson_mut_obj_add_int(doc, o, "endIndex", last);
    yyjson_mut_obj_add_str(doc, o, "label", label);
    return 0;
}

int stretches_read(struct arena *a, yyjson_val *list, struct bytes *ret, struct err *err)
{
    CLEANUP(json_mut_freep) doc_t *doc = json_doc_new();
    val_t *out = yyjson_mut_arr(doc);
    int64_t next = 0;
    yyjson_val *v;
    size_t i, n;

    if (check_list(list, "structuredLabels", SENSOR_STRETCHES, err) < 0)
        return -1;
    yyjson_mut_doc_set_root(doc, out);
    yyjson_arr_foreach (list, i, n, v)
        if (add_stretch(doc, out, v, i, &next, err) < 0)
            return -1;
    *ret = json_write(a, doc);
    return 0;
}

int stretches_fit(struct bytes json, int64_t readings, struct err *err)
{
    CLEANUP(json_freep) yyjson_doc *doc = json.len ? json_read(json, ANNOTATION_BYTES, NULL) : NULL;
    yyjson_val *last = yyjson_arr_get_last(yyjson_doc_get_root(doc));
    int64_t end = json_int(last, "endIndex", -1);

    if (end >= readings)
        return FAIL(
            err, ERR_INPUT,
            "the labels end at reading %lld, but the last one of the sample is %lld (they count from 0)",
            (long long)end, (long long)readings - 1);
    return 0;
}

/* ---- on a picture ---- */

static int add_box(doc_t *doc, val_t *to, yyjson_val *v, size_t at, struct err *err)
{
    static const char *const sides[] = {"x", "y", "width", "height"};
    const char *label;
    val_t *o;

    if (read_label(v, at, &label, err) < 0)
        return -1;
    o = yyjson_mut_arr_add_obj(doc, to);
    yyjson_mut_obj_add_str(doc, o, "label", label);
    for (size_t i = 0; i < COUNT_OF(sides); i++) {
        yyjson_val *side = yyjson_obj_get(v, sides[i]);
        double x = yyjson_is_num(side) ? yyjson_get_num(side) : -1;
        if (!(x >= 0 && x <= 1e6))
            return FAIL(err, ERR_INPUT, "entry %zu needs '%s', a number of pixels", at, sides[i]);
        yyjson_mut_obj_add_real(doc, o, sides[i], x);
    }
    return 0;
}

int boxes_read(struct arena *a, yyjson_val *list, struct bytes *ret, struct err *err)
{
    CLEANUP(json_mut_freep) doc_t *doc = json_doc_new();
    val_t *out = yyjson_mut_arr(doc);
    yyjson_val *v;
    size_t i, n;

    if (check_list(list, "boundingBoxes", SENSOR_BOXES, err) < 0)
        return -1;
    yyjson_mut_doc_set_root(doc, out);
    yyjson_arr_foreach (list, i, n, v)
        if (add_box(doc, out, v, i, err) < 0)
            return -1;
    *ret = json_write(a, doc);
    return 0;
}

/* ---- metadata ---- */

int metadata_read(struct arena *a, yyjson_val *object, struct bytes *ret, struct err *err)
{
    CLEANUP(json_mut_freep) doc_t *doc = json_doc_new();
    val_t *out = yyjson_mut_obj(doc);
    yyjson_val *key, *v;
    size_t i, n;

    if (!yyjson_is_obj(object))
        return FAIL(err, ERR_INPUT, "the metadata must be a JSON object of texts: {\"room\": \"3\"}");
    if (yyjson_obj_size(object) > METADATA_MAX)
        return FAIL(err, ERR_INPUT, "the metadata have over %d entries", METADATA_MAX);
    yyjson_mut_doc_set_root(doc, out);
    yyjson_obj_foreach (object, i, n, key, v) {
        if (!yyjson_is_str(v) || yyjson_get_len(v) > METADATA_VALUE || yyjson_get_len(key) > LABEL_BYTES)
            return FAIL(err, ERR_INPUT, "'%.64s' of the metadata must be a text of at most %d bytes",
                        yyjson_get_str(key), METADATA_VALUE);
        yyjson_mut_obj_add(out, yyjson_mut_strncpy(doc, yyjson_get_str(key), yyjson_get_len(key)),
                           yyjson_mut_strncpy(doc, yyjson_get_str(v), yyjson_get_len(v)));
    }
    *ret = json_write(a, doc);
    return 0;
}

/* ---- files of labels ---- */

bool is_annotation(const char *file_name)
{
    return text_ends(file_name, ".labels");
}

static int annotation_add(struct arena *a, struct annotations *all, const struct annotation *one,
                          struct err *err)
{
    if (all->n == ANNOTATIONS_MAX)
        return FAIL(err, ERR_INPUT, "the files of labels speak of more than %d files", ANNOTATIONS_MAX);
    ARENA_PUSH(a, all->list, all->n, all->cap) = *one;
    return 0;
}

static const char *base_of(struct arena *a, const char *path)
{
    char name[NAME_BYTES];

    text_base_name(name, sizeof name, path);
    return arena_strdup(a, name);
}

/* {"<file>": [...], ...} under that member. */
static int add_lists(struct arena *a, struct annotations *all, yyjson_val *root, bool boxes, struct err *err)
{
    const char *member = boxes ? "boundingBoxes" : "structuredLabels";
    yyjson_val *files = yyjson_obj_get(root, member), *key, *list;
    size_t i, n;

    if (!yyjson_is_obj(files))
        return FAIL(err, ERR_INPUT, "the file of labels needs an object '%s': {\"<file>\": [...]}", member);
    yyjson_obj_foreach (files, i, n, key, list) {
        struct annotation one = {.file = base_of(a, yyjson_get_str(key)), .category = -1};
        if ((boxes ? boxes_read(a, list, &one.boxes, err) : stretches_read(a, list, &one.stretches, err)) <
                0 ||
            annotation_add(a, all, &one, err) < 0)
            return -1;
    }
    return 0;
}

/* {"type": "label", "label": "idle"}, {"type": "multi-label", "labels": [...]}, {"type": "unlabeled"}. */
static int read_info_label(struct arena *a, yyjson_val *o, struct annotation *one, struct err *err)
{
    const char *type = json_str(a, o, "type", "");

    if (text_is(type, "unlabeled"))
        one->label = "";
    else if (text_is(type, "multi-label"))
        return stretches_read(a, yyjson_obj_get(o, "labels"), &one->stretches, err);
    else if (text_is(type, "label") && (one->label = json_str(a, o, "label", NULL)))
        return label_check(one->label, err);
    else
        return FAIL(err, ERR_INPUT,
                    "a 'label' of info.labels must be of type label, multi-label or unlabeled");
    return 0;
}

static int read_info(struct arena *a, yyjson_val *o, struct annotation *one, struct err *err)
{
    yyjson_val *label = yyjson_obj_get(o, "label"), *boxes = yyjson_obj_get(o, "boundingBoxes"),
               *metadata = yyjson_obj_get(o, "metadata");
    enum sample_category category;
    const char *path = json_str(a, o, "path", NULL), *name = json_str(a, o, "name", NULL);

    if (!path || !*path)
        return FAIL(err, ERR_INPUT, "every entry of info.labels needs a 'path'");
    *one = (struct annotation){.file = base_of(a, path), .category = -1};
    one->name = name ? base_of(a, name) : NULL;
    if (sample_category_parse(json_str(a, o, "category", ""), &category))
        one->category = (int)category;
    if (label && !yyjson_is_null(label) && read_info_label(a, label, one, err) < 0)
        return -1;
    if (boxes && yyjson_arr_size(boxes) && boxes_read(a, boxes, &one->boxes, err) < 0)
        return -1;
    return metadata && !yyjson_is_null(metadata) ? metadata_read(a, metadata, &one->metadata, err) : 0;
}

static int add_info(struct arena *a, struct annotations *all, yyjson_val *root, struct err *err)
{
    yyjson_val *files = yyjson_obj_get(root, "files"), *o;
    struct annotation one;
    size_t i, n;

    if (!yyjson_is_arr(files))
        return FAIL(err, ERR_INPUT, "info.labels needs a list 'files'");
    yyjson_arr_foreach (files, i, n, o)
        if (read_info(a, o, &one, err) < 0 || annotation_add(a, all, &one, err) < 0)
            return -1;
    return 0;
}

int annotations_add(struct arena *a, struct annotations *all, const char *file_name, struct bytes json,
                    struct err *err)
{
    CLEANUP(json_freep) yyjson_doc *doc = json_read(json, ANNOTATION_BYTES, err);
    yyjson_val *root = yyjson_doc_get_root(doc);

    if (!doc)
        return -1;
    if (json_int(root, "version", 0) != 1)
        return FAIL(err, ERR_UNSUPPORTED, "%.64s must be an object with \"version\": 1", file_name);
    if (text_is(file_name, "info.labels"))
        return add_info(a, all, root, err);
    if (text_is(json_str(a, root, "type", ""), "structured-labels"))
        return add_lists(a, all, root, false, err);
    if (text_is(json_str(a, root, "type", ""), "bounding-box-labels"))
        return add_lists(a, all, root, true, err);
    return FAIL(
        err, ERR_UNSUPPORTED,
        "%.64s must be info.labels, or say \"type\": \"structured-labels\" or \"bounding-box-labels\"",
        file_name);
}

static void merge(struct annotation *into, const struct annotation *from)
{
    if (from->name)
        into->name = from->name;
    if (from->category >= 0)
        into->category = from->category;
    if (from->label)
        into->label = from->label;
    if (from->stretches.len)
        into->stretches = from->stretches;
    if (from->boxes.len)
        into->boxes = from->boxes;
    if (from->metadata.len)
        into->metadata = from->metadata;
}

struct annotation annotation_of(const struct annotations *all, const char *file)
{
    struct annotation found = {.file = file, .category = -1};

    for (size_t i = 0; i < all->n; i++)
        if (text_is(all->list[i].file, file))
            merge(&found, &all->list[i]);
    return found;
}
