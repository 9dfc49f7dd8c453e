/* Cards of models that make a vector of a face. */
#include "infer/task_int.h"
#include "report/scenery.h"

static const struct field head_fields[] = {
    CARD_COMMON_FIELDS,
    {"input", FIELD_OTHER, true, 0, 0, 0, NULL},
    {"output", FIELD_OTHER, true, 0, 0, 0, NULL},
    {"points", FIELD_OTHER, true, 0, 0, 0, NULL},
    {"same_from", FIELD_NUMBER, true, CARD_AT(embedding.same_from), -1, 1, NULL},
    {"min_face", FIELD_WHOLE, false, CARD_AT(embedding.min_face), 1, 2048, NULL},
};

static const struct field input_fields[] = {
    INPUT_COMMON_FIELDS,
    {"width", FIELD_WHOLE, true, INPUT_AT(width), 32, 1024, NULL},
    {"height", FIELD_WHOLE, true, INPUT_AT(height), 32, 1024, NULL},
};

static const struct field output_fields[] = {
    {"name", FIELD_TEXT, true, offsetof(struct card_output, name), 0, FIELD_SHORT, NULL},
};

static int read_points(struct reader *r, yyjson_val *list, struct card_embedding *e)
{
    static const struct field number = {"points", FIELD_NUMBER, true, 0, 0, 1, NULL};

    if (!yyjson_is_arr(list) || yyjson_arr_size(list) != CARD_POINTS)
        return BAD(r, "\"points\" must be a list of %d pairs [x, y]", CARD_POINTS);
    for (size_t i = 0; i < CARD_POINTS; i++) {
        yyjson_val *pair = yyjson_arr_get(list, i);

        if (yyjson_arr_size(pair) != 2)
            return BAD(r, "\"points\" holds %s", "something that is not a pair [x, y]");
        for (size_t k = 0; k < 2; k++)
            if (field_number(r, yyjson_arr_get(pair, k), &number, &e->points[i][k]) < 0)
                return -1;
    }
    if (e->points[0][0] >= e->points[1][0] || e->points[3][0] >= e->points[4][0] ||
        e->points[0][1] >= e->points[3][1])
        return BAD(r, "\"points\" must be %s",
                   "left eye, right eye, nose, left and right corner of the mouth, "
                   "as they lie in the picture");
    return 0;
}

static int read_embedding(struct reader *r, yyjson_val *root, struct card *card)
{
    if (FIELDS_READ(r, yyjson_obj_get(root, "input"), "\"input\"", input_fields, &card->input) < 0 ||
        FIELDS_READ(r, yyjson_obj_get(root, "output"), "\"output\"", output_fields, &card->output) < 0 ||
        read_points(r, yyjson_obj_get(root, "points"), &card->embedding) < 0)
        return -1;
    card->outputs[card->noutputs++] = card->output.name;
    return 0;
}

static void set_defaults(struct card *card)
{
    card->embedding.min_face = 32;
}

static int check_output(const struct card *card, const struct tensor_list *out, struct err *err)
{
    size_t n = tensor_count(&out->all[0]);

    if (n < 2 || n > SCENERY_MAX_EMBEDDING)
        return FAIL(err, ERR_MODEL, "the model %s gives a vector of %zu numbers; 2 to %d are possible",
                    card->name, n, SCENERY_MAX_EMBEDDING);
    return 0;
}

const struct card_task task_embedding = {.name = "face-embedding",
                                         .fields = head_fields,
                                         .nfields = COUNT_OF(head_fields),
                                         .defaults = set_defaults,
                                         .read = read_embedding,
                                         .check = check_output};
