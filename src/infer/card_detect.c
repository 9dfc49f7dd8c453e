/* Cards of detectors: labels, the concepts they count for, calibration, and the rule that fits. */
#include "base/text.h"
#include "infer/task_int.h"
#include "verdict/concept.h"

static const char *const fits[] = {"letterbox-topleft", "stretch", NULL};
static const char *const decoders[] = {"yolox-raw", "boxes", NULL};

static const struct field head_fields[] = {
    CARD_COMMON_FIELDS,
    {"nms_iou", FIELD_NUMBER, true, CARD_AT(nms_iou), 0, 1, NULL},
    {"input", FIELD_OTHER, true, 0, 0, 0, NULL},
    {"output", FIELD_OTHER, true, 0, 0, 0, NULL},
    {"labels", FIELD_OTHER, true, 0, 0, 0, NULL},
    {"concepts", FIELD_OTHER, true, 0, 0, 0, NULL},
    {"rule", FIELD_OTHER, false, 0, 0, 0, NULL},
};

static const struct field input_fields[] = {
    INPUT_COMMON_FIELDS,
    {"width", FIELD_WHOLE, true, INPUT_AT(width), 32, 2048, NULL},
    {"height", FIELD_WHOLE, true, INPUT_AT(height), 32, 2048, NULL},
    {"fit", FIELD_WORD, true, INPUT_AT(fit), 0, 0, fits},
    {"pad", FIELD_WHOLE, false, INPUT_AT(pad), 0, 255, NULL},
};

static const struct field output_fields[] = {
    {"name", FIELD_TEXT, true, offsetof(struct card_output, name), 0, FIELD_SHORT, NULL},
    {"decoder", FIELD_WORD, true, offsetof(struct card_output, decoder), 0, 0, decoders},
};

static const struct field label_fields[] = {
    {"name", FIELD_TEXT, true, offsetof(struct card_label, name), 0, FIELD_SHORT, NULL},
    {"concept", FIELD_WORD, true, offsetof(struct card_label, concept), 0, 0, concept_words},
    {"threshold", FIELD_NUMBER, true, offsetof(struct card_label, threshold), 0, 1, NULL},
};

static const struct field concept_fields[] = {
    {"name", FIELD_WORD, true, offsetof(struct card_concept, name), 0, 0, concept_words},
    {"calibration", FIELD_OTHER, false, 0, 0, 0, NULL},
};

static const struct field rule_fields[] = {
    {"low", FIELD_NUMBER, true, offsetof(struct risk_rule, low), 0, 1, NULL},
    {"high", FIELD_NUMBER, true, offsetof(struct risk_rule, high), 0, 1, NULL},
    {"label", FIELD_NUMBER, true, offsetof(struct risk_rule, label), 0, 1, NULL},
};

int card_read_calibration(struct reader *r, yyjson_val *list, struct calibration *c)
{
    static const struct field number = {"calibration", FIELD_NUMBER, true, 0, 0, 1, NULL};
    size_t n = yyjson_arr_size(list);

    if (!list)
        return 0;
    if (!yyjson_is_arr(list) || n < 2 || n > COUNT_OF(c->knots))
        return BAD(r, "\"calibration\" must be a list of 2 to %zu pairs", COUNT_OF(c->knots));
    for (size_t i = 0; i < n; i++) {
        yyjson_val *pair = yyjson_arr_get(list, i);
        struct knot *k = &c->knots[i];

        if (yyjson_arr_size(pair) != 2)
            return BAD(r, "\"calibration\" holds %s", "something that is not a pair [raw, probability]");
        if (field_number(r, yyjson_arr_get(pair, 0), &number, &k->x) < 0 ||
            field_number(r, yyjson_arr_get(pair, 1), &number, &k->y) < 0)
            return -1;
        if (i && (k->x <= k[-1].x || k->y < k[-1].y))
            return BAD(r, "\"calibration\" must rise: pair %zu does not", i + 1);
    }
    c->n = n;
    return 0;
}

static int read_concepts(struct reader *r, yyjson_val *list, struct card *card)
{
    size_t n = yyjson_arr_size(list);
    struct card_concept *all = arena_array(r->arena, n, sizeof *all);

    if (!yyjson_is_arr(list) || n < 1 || n > CARD_MAX_CONCEPTS)
        return BAD(r, "\"concepts\" must be a list of 1 to %d objects", CARD_MAX_CONCEPTS);
    card->concepts = all;
    for (size_t i = 0; i < n; i++) {
        yyjson_val *obj = yyjson_arr_get(list, i);

        if (FIELDS_READ(r, obj, "a concept", concept_fields, &all[i]) < 0 ||
            card_read_calibration(r, yyjson_obj_get(obj, "calibration"), &all[i].calibration) < 0)
            return -1;
        if (card_concept(card, all[i].name))
            return BAD(r, "the concept \"%s\" is there twice", all[i].name);
        card->nconcepts = i + 1;
    }
    return 0;
}

/* A label is an object, or only its name when nothing counts it. */
static int read_label(struct reader *r, yyjson_val *v, struct card_label *label)
{
    static const struct field name = {"labels", FIELD_TEXT, true, 0, 0, FIELD_SHORT, NULL};

    *label = (struct card_label){.threshold = 1};
    if (yyjson_is_str(v))
        return field_string(r, v, &name, &label->name);
    return FIELDS_READ(r, v, "a label", label_fields, label);
}

static int read_labels(struct reader *r, yyjson_val *list, struct card *card)
{
    size_t n = yyjson_arr_size(list), i, max;
    struct card_label *all;
    yyjson_val *v;

    if (!yyjson_is_arr(list) || n < 1 || n > CARD_MAX_LABELS)
        return BAD(r, "\"labels\" must be a list of 1 to %d labels", CARD_MAX_LABELS);
    all = arena_array(r->arena, n, sizeof *all);
    yyjson_arr_foreach (list, i, max, v) {
        if (read_label(r, v, &all[i]) < 0)
            return -1;
        if (all[i].concept && !card_concept(card, all[i].concept))
            return BAD(r, "the label \"%s\" counts for \"%s\", which is not in \"concepts\"", all[i].name,
                       all[i].concept);
    }
    card->labels = all;
    card->nlabels = n;
    return 0;
}

static bool has_label_for(const struct card *card, const char *concept)
{
    for (size_t i = 0; i < card->nlabels; i++)
        if (text_is(card->labels[i].concept, concept))
            return true;
    return false;
}

/* A concept nothing can trigger would score 0 for ever: as good as a lie. And without people or vehicles
 * there is nothing to make an intrusion score of. */
static int check_concepts(struct reader *r, const struct card *card)
{
    for (size_t i = 0; i < card->nconcepts; i++)
        if (!has_label_for(card, card->concepts[i].name))
            return BAD(r, "no label counts for the concept \"%s\"", card->concepts[i].name);
    if (!card_concept(card, "person") && !card_concept(card, "vehicle"))
        return BAD(r, "a %s model needs the concept \"person\" or \"vehicle\"", card->task);
    return 0;
}

static int read_rule(struct reader *r, yyjson_val *obj, struct risk_rule *rule)
{
    struct err why;

    *rule = risk_rule_defaults();
    if (!obj)
        return 0;
    if (FIELDS_READ(r, obj, "\"rule\"", rule_fields, rule) < 0)
        return -1;
    return risk_rule_check(rule, &why) < 0 ? BAD(r, "%s", why.text) : 0;
}

static int read_detect(struct reader *r, yyjson_val *root, struct card *card)
{
    card->input.pad = 114;
    if (FIELDS_READ(r, yyjson_obj_get(root, "input"), "\"input\"", input_fields, &card->input) < 0 ||
        FIELDS_READ(r, yyjson_obj_get(root, "output"), "\"output\"", output_fields, &card->output) < 0 ||
        read_concepts(r, yyjson_obj_get(root, "concepts"), card) < 0 ||
        read_labels(r, yyjson_obj_get(root, "labels"), card) < 0 ||
        read_rule(r, yyjson_obj_get(root, "rule"), &card->rule) < 0)
        return -1;
    card->outputs[card->noutputs++] = card->output.name;
    return check_concepts(r, card);
}

const struct card_task task_detect = {
    .name = "detect", .fields = head_fields, .nfields = COUNT_OF(head_fields), .read = read_detect};
