#include <inttypes.h>
#include <string.h>

#include "api/alarm/alarm_int.h"
#include "base/cleanup.h"
#include "base/text.h"

/* An id may be text or a whole number; numbers print in decimal. NULL when absent or of another type. */
static const char *id_text(struct arena *a, yyjson_val *obj, const char *key)
{
    yyjson_val *v = yyjson_obj_get(obj, key);

    if (yyjson_is_str(v))
        return yyjson_get_len(v) ? arena_strndup(a, yyjson_get_str(v), yyjson_get_len(v)) : NULL;
    if (yyjson_is_uint(v))
        return arena_printf(a, "%" PRIu64, yyjson_get_uint(v));
    if (yyjson_is_int(v))
        return arena_printf(a, "%" PRId64, yyjson_get_sint(v));
    return NULL;
}

static const char *first_id(struct arena *a, yyjson_val *obj, const char *key, const char *older_key)
{
    const char *id = id_text(a, obj, key);

    return id ? id : id_text(a, obj, older_key);
}

/* site_id (older: client_id), a hyphen, camera_id (older: code_msg); one side missing: the other alone. */
static const char *camera_id(struct arena *a, yyjson_val *obj)
{
    const char *site = first_id(a, obj, "site_id", "client_id");
    const char *camera = first_id(a, obj, "camera_id", "code_msg");

    if (site && camera)
        return arena_printf(a, "%s-%s", site, camera);
    return site ? site : camera ? camera : "";
}

static int parse_number(yyjson_val *obj, const char *query_number, int64_t *ret, struct err *err)
{
    *ret = json_int(obj, "analyse_id", 0);
    if (query_number && *query_number && !text_to_i64(query_number, ret))
        return FAIL(err, ERR_INPUT, "analyse_id must be a whole number");
    if (*ret < 0)
        return FAIL(err, ERR_INPUT, "analyse_id must not be negative");
    return 0;
}

int alarm_parse_notes(struct arena *a, struct bytes metadata, const char *query_number,
                      struct alarm_notes *ret, struct err *err)
{
    CLEANUP(json_freep) yyjson_doc *doc = NULL;
    yyjson_val *root = NULL;
    struct err why;

    *ret = (struct alarm_notes){.camera_id = ""};
    if (metadata.len) {
        doc = json_read(metadata, METADATA_MAX, &why);
        if (!doc)
            return FAIL(err, why.kind == ERR_IO ? ERR_IO : ERR_INPUT, "metadata: %s", why.text);
        root = yyjson_doc_get_root(doc);
        if (!yyjson_is_obj(root))
            return FAIL(err, ERR_INPUT, "metadata must be a JSON object");
        ret->metadata = arena_strndup(a, (const char *)metadata.data, metadata.len);
        ret->camera_id = camera_id(a, root);
    }
    return parse_number(root, query_number, &ret->analyse_id, err);
}

struct bytes alarm_notes_to_json(struct arena *a, const struct alarm_notes *notes)
{
    CLEANUP(json_mut_freep) yyjson_mut_doc *doc = json_doc_new();
    yyjson_mut_val *root = yyjson_mut_obj(doc);

    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "camera_id", notes->camera_id);
    yyjson_mut_obj_add_int(doc, root, "analyse_id", notes->analyse_id);
    if (notes->metadata) /* as text, so that it can be echoed byte for byte */
        yyjson_mut_obj_add_str(doc, root, "metadata", notes->metadata);
    if (notes->webhook)
        yyjson_mut_obj_add_str(doc, root, "webhook", notes->webhook);
    return json_write(a, doc);
}

int alarm_notes_from_json(struct arena *a, struct bytes json, struct alarm_notes *ret, struct err *err)
{
    CLEANUP(json_freep) yyjson_doc *doc = json_read(json, 8 * METADATA_MAX, err);
    yyjson_val *root = yyjson_doc_get_root(doc);

    if (!doc)
        return -1;
    ret->camera_id = json_str(a, root, "camera_id", "");
    ret->analyse_id = json_int(root, "analyse_id", 0);
    ret->metadata = json_str(a, root, "metadata", NULL);
    ret->webhook = json_str(a, root, "webhook", NULL);
    return 0;
}

/* ---- labels ---- */

/* A text of 1 to LABEL_MAX bytes, none of them NUL: what is stored must be what was sent. */
static bool is_label(yyjson_val *v)
{
    size_t n = yyjson_get_len(v);

    return yyjson_is_str(v) && n > 0 && n <= ALARM_LABEL_MAX && strlen(yyjson_get_str(v)) == n;
}

static int check_labels(yyjson_val *labels, struct err *err)
{
    yyjson_val *v;
    size_t i, n;

    if (!yyjson_is_arr(labels) || !yyjson_arr_size(labels) || yyjson_arr_size(labels) > ALARM_LABELS)
        return FAIL(err, ERR_INPUT, "labels must be a list of 1 to %d texts", ALARM_LABELS);
    yyjson_arr_foreach (labels, i, n, v)
        if (!is_label(v))
            return FAIL(err, ERR_INPUT, "a label is a text of 1 to %d bytes", ALARM_LABEL_MAX);
    return 0;
}

int alarm_parse_labels(struct arena *a, yyjson_val *body, struct alarm_feedback *ret, struct err *err)
{
    yyjson_val *labels = yyjson_obj_get(body, "labels");
    CLEANUP(freep) char *text = NULL;
    size_t n;

    ret->comment = json_str(a, body, "comment", "");
    if (strlen(ret->comment) > ALARM_COMMENT_MAX)
        return FAIL(err, ERR_INPUT, "a comment has at most %d bytes", ALARM_COMMENT_MAX);
    if (check_labels(labels, err) < 0)
        return -1;
    text = yyjson_val_write(labels, 0, &n);
    if (!text)
        return FAIL(err, ERR_INPUT, "labels must be texts of UTF-8");
    ret->labels = bytes_of(arena_strndup(a, text, n), n);
    return 0;
}

int alarm_parse_custom(struct arena *a, yyjson_val *body, struct custom_label **ret, size_t *ret_n,
                       struct err *err)
{
    yyjson_val *labels = yyjson_obj_get(body, "labels"), *v;
    struct custom_label *all;
    size_t i, n;

    if (!yyjson_is_arr(labels) || !yyjson_arr_size(labels) || yyjson_arr_size(labels) > ALARM_LABELS)
        return FAIL(err, ERR_INPUT, "labels must be a list of 1 to %d objects {\"value\", \"label\"}",
                    ALARM_LABELS);
    all = arena_array(a, yyjson_arr_size(labels), sizeof *all);
    yyjson_arr_foreach (labels, i, n, v) {
        if (!is_label(yyjson_obj_get(v, "value")))
            return FAIL(err, ERR_INPUT, "every label needs a \"value\" of 1 to %d bytes", ALARM_LABEL_MAX);
        all[i] = (struct custom_label){json_str(a, v, "value", ""), json_str(a, v, "label", NULL)};
    }
    *ret = all;
    *ret_n = n;
    return 0;
}
