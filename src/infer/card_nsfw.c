/* Cards of classifiers that tell pictures which are not safe for work. */
#include "base/text.h"
#include "infer/task_int.h"

static const char *const fits[] = {"centre-crop", "stretch", NULL};
static const char *const decoders[] = {"softmax", NULL};

static const struct field head_fields[] = {
    CARD_COMMON_FIELDS,
    {"input", FIELD_OTHER, true, 0, 0, 0, NULL},
    {"output", FIELD_OTHER, true, 0, 0, 0, NULL},
    {"labels", FIELD_OTHER, true, 0, 0, 0, NULL},
    {"unsafe", FIELD_OTHER, true, 0, 0, 0, NULL},
    {"calibration", FIELD_OTHER, false, 0, 0, 0, NULL},
    {"threshold", FIELD_NUMBER, false, CARD_AT(nsfw.threshold), 0.01, 1, NULL},
};
static const struct field input_fields[] = {
    INPUT_COMMON_FIELDS,
    {"width", FIELD_WHOLE, true, INPUT_AT(width), 32, 2048, NULL},
    {"height", FIELD_WHOLE, true, INPUT_AT(height), 32, 2048, NULL},
    {"fit", FIELD_WORD, true, INPUT_AT(fit), 0, 0, fits},
    {"crop", FIELD_NUMBER, false, INPUT_AT(crop), 0.1, 1, NULL},
};
static const struct field output_fields[] = {
    {"name", FIELD_TEXT, true, offsetof(struct card_output, name), 0, FIELD_SHORT, NULL},
    {"decoder", FIELD_WORD, true, offsetof(struct card_output, decoder), 0, 0, decoders},
};

static int label_index(const struct card *card, const char *name)
{
    for (size_t i = 0; i < card->nlabels; i++)
        if (text_is(card->labels[i].name, name))
            return (int)i;
    return -1;
}

/* The labels whose sum is the score: some, but not all of them. */
static int read_unsafe(struct reader *r, yyjson_val *list, struct card *card)
{
    size_t n = yyjson_arr_size(list), i, max;
    int *unsafe = arena_array(r->arena, n, sizeof *unsafe);
    yyjson_val *v;

    if (!yyjson_is_arr(list) || n < 1 || n >= card->nlabels)
        return BAD(r, "\"unsafe\" must be a list of 1 to %zu of the labels", card->nlabels - 1);
    yyjson_arr_foreach (list, i, max, v) {
        unsafe[i] = label_index(card, yyjson_get_str(v));
        if (unsafe[i] < 0)
            return BAD(r, "number %zu of \"unsafe\" is none of the labels", i + 1);
        for (size_t k = 0; k < i; k++)
            if (unsafe[k] == unsafe[i])
                return BAD(r, "number %zu of \"unsafe\" is there twice", i + 1);
    }
    card->nsfw.unsafe = unsafe;
    card->nsfw.nunsafe = n;
    return 0;
}

static int read_nsfw(struct reader *r, yyjson_val *root, struct card *card)
{
    if (FIELDS_READ(r, yyjson_obj_get(root, "input"), "\"input\"", input_fields, &card->input) < 0 ||
        FIELDS_READ(r, yyjson_obj_get(root, "output"), "\"output\"", output_fields, &card->output) < 0 ||
        card_read_labels(r, yyjson_obj_get(root, "labels"), card) < 0 ||
        read_unsafe(r, yyjson_obj_get(root, "unsafe"), card) < 0 ||
        card_read_calibration(r, yyjson_obj_get(root, "calibration"), &card->nsfw.calibration) < 0)
        return -1;
    card->outputs[card->noutputs++] = card->output.name;
    return 0;
}

/* High, since party dress and beaches fill the classes below it (docs/origin.md). */
static void set_defaults(struct card *card)
{
    card->nsfw.threshold = 0.85;
}

const struct card_task task_nsfw = {.name = "nsfw",
                                    .fields = head_fields,
                                    .nfields = COUNT_OF(head_fields),
                                    .defaults = set_defaults,
                                    .read = read_nsfw,
                                    .check = card_check_scores};
