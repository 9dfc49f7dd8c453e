/* The JSON of a batch of pictures, taken apart where it lies. Pure. */
#include <math.h>
#include <string.h>

#include "api/scenes/scenes_int.h"
#include "base/base64.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "store/faces.h"

/* ---- one picture ---- */

/* The text becomes the bytes. What is wrong with it is the item's fault, not the batch's. */
static void decode(yyjson_val *v, int64_t max_image, struct batch_item *item)
{
    char *text = (char *)(uintptr_t)yyjson_get_str(v);
    size_t len = yyjson_get_len(v);

    if (text_starts(text, "data:"))
        err_set(&item->error, ERR_INPUT, "data_base64 is base64 alone, without 'data:...;base64,' before it");
    else if (len / 4 * 3 > (uint64_t)max_image + 2)
        err_set(&item->error, ERR_LIMIT, "the picture is larger than %lld bytes", (long long)max_image);
    else if (!len || !base64_decode(text, len, &item->data))
        err_set(&item->error, ERR_INPUT, "data_base64 is no base64 of the standard alphabet");
    else if (item->data.len > (uint64_t)max_image)
        err_set(&item->error, ERR_LIMIT, "the picture is larger than %lld bytes", (long long)max_image);
    if (item->error.kind != ERR_NONE)
        item->data = bytes_of(NULL, 0);
}

static int read_name(struct arena *a, yyjson_val *obj, const char **ret, struct err *err)
{
    yyjson_val *v = yyjson_obj_get(obj, "external_id");

    if (!yyjson_is_str(v) || !scenes_is_name(yyjson_get_str(v), yyjson_get_len(v), EXTERNAL_ID_BYTES))
        return FAIL(err, ERR_INPUT, "'external_id' is a text of 1 to %d bytes", EXTERNAL_ID_BYTES);
    *ret = arena_strdup(a, yyjson_get_str(v));
    return 0;
}

static int read_item(struct arena *a, yyjson_val *v, int64_t max_image, struct batch_item *item,
                     struct err *err)
{
    yyjson_val *data = yyjson_obj_get(v, "data_base64");

    if (!yyjson_is_obj(v))
        return FAIL(err, ERR_INPUT, "an image is an object {\"external_id\", \"data_base64\"}");
    if (read_name(a, v, &item->external_id, err) < 0)
        return -1;
    if (!yyjson_is_str(data))
        return FAIL(err, ERR_INPUT, "'data_base64' of '%.64s' is missing or no text", item->external_id);
    decode(data, max_image, item);
    return 0;
}

/* ---- the batch ---- */

static int check_unique(const struct batch *b, struct err *err)
{
    for (size_t i = 0; i < b->n; i++)
        for (size_t k = 0; k < i; k++)
            if (text_is(b->items[i].external_id, b->items[k].external_id))
                return FAIL(err, ERR_INPUT, "'external_id' '%.64s' stands twice in the batch",
                            b->items[i].external_id);
    return 0;
}

static int read_images(struct arena *a, yyjson_val *images, int64_t max_image, struct batch *b,
                       struct err *err)
{
    size_t n = yyjson_arr_size(images), i, count;
    yyjson_val *v;

    if (!yyjson_is_arr(images) || !n || n > PARTS_MAX)
        return FAIL(err, ERR_INPUT, "'images' is a list of 1 to %d images", PARTS_MAX);
    b->items = arena_array(a, n, sizeof *b->items);
    b->n = n;
    yyjson_arr_foreach (images, i, count, v)
        if (read_item(a, v, max_image, &b->items[i], err) < 0)
            return -1;
    return check_unique(b, err);
}

/* The text as an object; what is none is 400, or 422 when it is JSON. */
static int read_object(char *text, size_t len, yyjson_doc **ret_doc, int *ret_status, struct err *err)
{
    CLEANUP(json_freep) yyjson_doc *doc = NULL;

    *ret_status = 400;
    doc = json_read_in_place(text, len, BATCH_VALUES, err);
    if (!doc)
        return -1;
    *ret_status = 422;
    if (!yyjson_is_obj(yyjson_doc_get_root(doc)))
        return FAIL(err, ERR_INPUT, "the body is a JSON object");
    *ret_doc = TAKE(doc);
    return 0;
}

int scenes_parse_batch(struct arena *a, char *text, size_t len, int64_t max_image, struct batch *ret,
                       int *ret_status, struct err *err)
{
    CLEANUP(json_freep) yyjson_doc *doc = NULL;
    struct batch b = {0};
    yyjson_val *root, *webhook;

    if (read_object(text, len, &doc, ret_status, err) < 0)
        return -1;
    root = yyjson_doc_get_root(doc);
    webhook = yyjson_obj_get(root, "webhook");
    if (webhook && !yyjson_is_null(webhook) && scenes_parse_callback(a, webhook, &b.callback, err) < 0)
        return -1;
    if (read_images(a, yyjson_obj_get(root, "images"), max_image, &b, err) < 0)
        return -1;
    *ret = b;
    return 0;
}

/* ---- a known face ---- */

/* Of length 1: that is what they are compared by. */
static int read_vector(struct arena *a, yyjson_val *list, struct enrolment *e, struct err *err)
{
    size_t n = yyjson_arr_size(list), i, count;
    float *all;
    double sum = 0;
    yyjson_val *v;

    if (!yyjson_is_arr(list) || n < FACE_MIN || n > FACE_MAX)
        return FAIL(err, ERR_INPUT, "'embedding' is a list of %d to %d numbers", FACE_MIN, FACE_MAX);
    all = arena_array(a, n, sizeof *all);
    yyjson_arr_foreach (list, i, count, v) {
        if (!yyjson_is_num(v) || fabs(yyjson_get_num(v)) > 1e6)
            return FAIL(err, ERR_INPUT, "'embedding' has numbers only, none beyond a million");
        sum += yyjson_get_num(v) * yyjson_get_num(v);
    }
    if (!(sum > 1e-12))
        return FAIL(err, ERR_INPUT, "'embedding' is zero");
    yyjson_arr_foreach (list, i, count, v)
        all[i] = (float)(yyjson_get_num(v) / sqrt(sum));
    e->n = n;
    e->embedding = all;
    return 0;
}

int scenes_parse_enrolment(struct arena *a, char *text, size_t len, int64_t max_image, struct enrolment *ret,
                           int *ret_status, struct err *err)
{
    CLEANUP(json_freep) yyjson_doc *doc = NULL;
    struct enrolment e = {0};
    yyjson_val *root, *data, *vector;

    if (read_object(text, len, &doc, ret_status, err) < 0)
        return -1;
    root = yyjson_doc_get_root(doc);
    data = yyjson_obj_get(root, "data_base64");
    vector = yyjson_obj_get(root, "embedding");
    if (read_name(a, root, &e.external_id, err) < 0)
        return -1;
    if (strchr(e.external_id, '/'))
        return FAIL(err, ERR_INPUT, "'external_id' becomes part of a path and has no '/'");
    if (!data == !vector || (data && !yyjson_is_str(data)))
        return FAIL(err, ERR_INPUT, "a face is either an 'embedding' or a picture, 'data_base64'");
    if (vector && read_vector(a, vector, &e, err) < 0)
        return -1;
    if (data)
        decode(data, max_image, &e.picture);
    if (e.picture.error.kind != ERR_NONE)
        return FAIL(err, ERR_INPUT, "%s", e.picture.error.text);
    *ret = e;
    return 0;
}
