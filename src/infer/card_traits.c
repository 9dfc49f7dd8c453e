/* Cards of models that read age and gender in a face. */
#include "base/text.h"
#include "infer/task_int.h"

static const struct field head_fields[] = {
    CARD_COMMON_FIELDS,
    {"input", FIELD_OTHER, true, 0, 0, 0, NULL},
    {"output", FIELD_OTHER, true, 0, 0, 0, NULL},
    {"gender_floor", FIELD_NUMBER, false, CARD_AT(traits.gender_floor), 0.5, 1, NULL},
    {"enlarge", FIELD_NUMBER, false, CARD_AT(traits.enlarge), 0.5, 4, NULL},
    {"min_face", FIELD_WHOLE, false, CARD_AT(traits.min_face), 1, 2048, NULL},
};

static const struct field input_fields[] = {
    INPUT_COMMON_FIELDS,
    {"width", FIELD_WHOLE, true, INPUT_AT(width), 32, 1024, NULL},
    {"height", FIELD_WHOLE, true, INPUT_AT(height), 32, 1024, NULL},
};

static const struct field output_fields[] = {
    {"age", FIELD_TEXT, true, offsetof(struct card_traits, age_output), 0, FIELD_SHORT, NULL},
    {"age_scale", FIELD_NUMBER, false, offsetof(struct card_traits, age_scale), 1e-3, 1e3, NULL},
    {"gender", FIELD_TEXT, true, offsetof(struct card_traits, gender_output), 0, FIELD_SHORT, NULL},
    {"genders", FIELD_OTHER, true, 0, 0, 0, NULL},
};

/* The two words, in the order of the model. */
static int read_genders(struct reader *r, yyjson_val *list, struct card_traits *t)
{
    const char *first = yyjson_get_str(yyjson_arr_get(list, 0));
    const char *second = yyjson_get_str(yyjson_arr_get(list, 1));

    t->female_first = text_is(first, "female");
    if (yyjson_arr_size(list) != 2 || !text_is(t->female_first ? second : first, "male") ||
        !text_is(t->female_first ? first : second, "female"))
        return BAD(r, "\"genders\" must be %s", "[\"female\", \"male\"] or [\"male\", \"female\"]");
    return 0;
}

static int read_traits(struct reader *r, yyjson_val *root, struct card *card)
{
    yyjson_val *output = yyjson_obj_get(root, "output");
    struct card_traits *t = &card->traits;

    if (FIELDS_READ(r, yyjson_obj_get(root, "input"), "\"input\"", input_fields, &card->input) < 0 ||
        FIELDS_READ(r, output, "\"output\"", output_fields, t) < 0 ||
        read_genders(r, yyjson_obj_get(output, "genders"), t) < 0)
        return -1;
    if (text_is(t->age_output, t->gender_output))
        return BAD(r, "\"age\" and \"gender\" must be %s", "two outputs");
    card->output.name = t->age_output;
    card->outputs[card->noutputs++] = t->age_output;
    card->outputs[card->noutputs++] = t->gender_output;
    return 0;
}

static void set_defaults(struct card *card)
{
    card->traits = (struct card_traits){.age_scale = 1, .gender_floor = 0.8, .enlarge = 1.1, .min_face = 32};
}

static int check_output(const struct card *card, const struct tensor_list *out, struct err *err)
{
    size_t age = tensor_count(&out->all[0]), gender = tensor_count(&out->all[1]);

    if (age != 1 || gender != 2)
        return FAIL(err, ERR_MODEL, "the model %s gives %zu numbers for age and %zu for gender, not 1 and 2",
                    card->name, age, gender);
    return 0;
}

const struct card_task task_traits = {.name = "face-traits",
                                      .fields = head_fields,
                                      .nfields = COUNT_OF(head_fields),
                                      .defaults = set_defaults,
                                      .read = read_traits,
                                      .check = check_output};
