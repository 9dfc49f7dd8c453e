/* Cards of detectors "human or artificial": of whole pictures, and of faces. */
#include "base/text.h"
#include "infer/spectrum.h"
#include "infer/task_int.h"

static const char *const methods[] = {"network", "spectrum", NULL};
static const char *const decoders[] = {"logit", NULL};
static const char *const face_decoders[] = {"real-prob", NULL};

static const struct {
    const char *name;
    unsigned bit;
} media[] = {{"image", MEDIA_IMAGE}, {"video", MEDIA_VIDEO}, {"face", MEDIA_FACE}, {"audio", MEDIA_AUDIO}};

#define ORIGIN_FIELDS                                                                          \
    {"calibration", FIELD_OTHER, false, 0, 0, 0, NULL},                                        \
        {"floor", FIELD_NUMBER, false, CARD_AT(origin.floor), 0.5, 1, NULL},                   \
        {"artificial_from", FIELD_NUMBER, false, CARD_AT(origin.artificial_from), 0, 1, NULL}, \
        {"verdict", FIELD_OTHER, true, 0, 0, 0, NULL},                                         \
    {                                                                                          \
        "obsolete", FIELD_FLAG, false, CARD_AT(origin.obsolete), 0, 0, NULL                    \
    }

static const struct field image_fields[] = {
    CARD_COMMON_FIELDS_AND(false),
    ORIGIN_FIELDS,
    {"method", FIELD_WORD, true, CARD_AT(origin.method), 0, 0, methods},
    {"patch", FIELD_WHOLE, true, CARD_AT(origin.patch), 32, 512, NULL},
    {"patches", FIELD_WHOLE, false, CARD_AT(origin.patches), 1, CARD_MAX_PATCHES, NULL},
    {"input", FIELD_OTHER, false, 0, 0, 0, NULL},
    {"output", FIELD_OTHER, false, 0, 0, 0, NULL},
    {"weights", FIELD_OTHER, false, 0, 0, 0, NULL},
};
static const struct field face_fields[] = {
    CARD_COMMON_FIELDS,
    ORIGIN_FIELDS,
    {"input", FIELD_OTHER, true, 0, 0, 0, NULL},
    {"output", FIELD_OTHER, true, 0, 0, 0, NULL},
    {"enlarge", FIELD_NUMBER, false, CARD_AT(origin.enlarge), 0.5, 4, NULL},
    {"min_face", FIELD_WHOLE, false, CARD_AT(origin.min_face), 1, 2048, NULL},
};

static const struct field patch_input[] = {INPUT_COMMON_FIELDS};
static const struct field face_input[] = {
    INPUT_COMMON_FIELDS,
    {"width", FIELD_WHOLE, true, INPUT_AT(width), 32, 1024, NULL},
    {"height", FIELD_WHOLE, true, INPUT_AT(height), 32, 1024, NULL},
};
static const struct field patch_output[] = {
    {"name", FIELD_TEXT, true, offsetof(struct card_output, name), 0, FIELD_SHORT, NULL},
    {"decoder", FIELD_WORD, true, offsetof(struct card_output, decoder), 0, 0, decoders},
};
static const struct field face_output[] = {
    {"name", FIELD_TEXT, true, offsetof(struct card_output, name), 0, FIELD_SHORT, NULL},
    {"decoder", FIELD_WORD, true, offsetof(struct card_output, decoder), 0, 0, face_decoders},
};
static const struct field calibration_fields[] = {
    {"scale", FIELD_NUMBER, true, offsetof(struct card_origin, scale), 1e-6, 1e6, NULL},
    {"offset", FIELD_NUMBER, true, offsetof(struct card_origin, offset), -1e6, 1e6, NULL},
};
static const struct field weight_fields[] = {
    {"mean", FIELD_OTHER, true, 0, 0, 0, NULL},
    {"deviation", FIELD_OTHER, true, 0, 0, 0, NULL},
    {"coefficients", FIELD_OTHER, true, 0, 0, 0, NULL},
};

/* ---- what both tasks have ---- */

static unsigned media_bit(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(media); i++)
        if (text_is(media[i].name, name))
            return media[i].bit;
    return 0;
}

bool card_counts_for(const struct card *card, const char *name)
{
    return card->origin.media & media_bit(name);
}

static int read_verdict(struct reader *r, yyjson_val *list, struct card_origin *o)
{
    size_t i, max;
    yyjson_val *v;

    if (!yyjson_is_arr(list))
        return BAD(r, "\"verdict\" must be a list of %s", "\"image\", \"video\", \"face\", \"audio\"");
    yyjson_arr_foreach (list, i, max, v) {
        unsigned bit = media_bit(yyjson_get_str(v));

        if (!bit || (o->media & bit))
            return BAD(r, "\"verdict\" must name each of %s at most once, and nothing else",
                       "\"image\", \"video\", \"face\", \"audio\"");
        o->media |= bit;
    }
    return 0;
}

int card_read_origin(struct reader *r, yyjson_val *root, struct card_origin *o)
{
    yyjson_val *calibration = yyjson_obj_get(root, "calibration");

    if (calibration && FIELDS_READ(r, calibration, "\"calibration\"", calibration_fields, o) < 0)
        return -1;
    if (o->artificial_from == 0)
        o->artificial_from = o->floor;
    if (o->artificial_from < o->floor)
        return BAD(r, "\"artificial_from\" must not be below \"floor\" (%g)", o->floor);
    return read_verdict(r, yyjson_obj_get(root, "verdict"), o);
}

static void set_defaults(struct card *card)
{
    card->origin = (struct card_origin){
        .patches = CARD_MAX_PATCHES, .scale = 1, .floor = 0.5, .min_face = 64, .enlarge = 1.3};
}

/* ---- pictures ---- */

static int read_numbers(struct reader *r, yyjson_val *weights, const char *key, double least, size_t n,
                        const double **ret)
{
    struct field f = {key, FIELD_NUMBER, true, 0, least, 1e6, NULL};
    yyjson_val *list = yyjson_obj_get(weights, key), *v;
    double *all = arena_array(r->arena, n, sizeof *all);
    size_t i, max;

    if (!yyjson_is_arr(list) || yyjson_arr_size(list) != n)
        return BAD(r, "\"%s\" must be a list of %zu numbers", key, n);
    yyjson_arr_foreach (list, i, max, v)
        if (field_number(r, v, &f, &all[i]) < 0)
            return -1;
    *ret = all;
    return 0;
}

static int read_spectrum(struct reader *r, yyjson_val *root, struct card_origin *o)
{
    yyjson_val *weights = yyjson_obj_get(root, "weights");

    if (yyjson_obj_get(root, "file") || yyjson_obj_get(root, "sha256") || yyjson_obj_get(root, "input") ||
        yyjson_obj_get(root, "output"))
        return BAD(r, "%s",
                   "the method \"spectrum\" has \"weights\", but no \"file\", \"sha256\", "
                   "\"input\", \"output\"");
    if (o->patch != SPECTRUM_SIDE)
        return BAD(r, "\"patch\" must be %d for the method \"spectrum\"", SPECTRUM_SIDE);
    if (FIELDS_READ(r, weights, "\"weights\"", weight_fields, o) < 0 ||
        read_numbers(r, weights, "mean", -1e6, SPECTRUM_FEATURES, &o->mean) < 0 ||
        read_numbers(r, weights, "deviation", 1e-12, SPECTRUM_FEATURES, &o->deviation) < 0)
        return -1;
    return read_numbers(r, weights, "coefficients", -1e6, SPECTRUM_WEIGHTS, &o->weights);
}

static int read_network(struct reader *r, yyjson_val *root, struct card *card)
{
    if (!yyjson_obj_get(root, "file") || !yyjson_obj_get(root, "sha256") || yyjson_obj_get(root, "weights"))
        return BAD(r, "%s",
                   "the method \"network\" has \"file\", \"sha256\", \"input\", \"output\", but no "
                   "\"weights\"");
    if (FIELDS_READ(r, yyjson_obj_get(root, "input"), "\"input\"", patch_input, &card->input) < 0 ||
        FIELDS_READ(r, yyjson_obj_get(root, "output"), "\"output\"", patch_output, &card->output) < 0)
        return -1;
    card->input.width = card->input.height = card->origin.patch;
    card->outputs[card->noutputs++] = card->output.name;
    return 0;
}

static int read_image(struct reader *r, yyjson_val *root, struct card *card)
{
    if (card_read_origin(r, root, &card->origin) < 0)
        return -1;
    if (text_is(card->origin.method, "spectrum"))
        return read_spectrum(r, root, &card->origin);
    return read_network(r, root, card);
}

/* ---- faces ---- */

static int read_face(struct reader *r, yyjson_val *root, struct card *card)
{
    if (card_read_origin(r, root, &card->origin) < 0 ||
        FIELDS_READ(r, yyjson_obj_get(root, "input"), "\"input\"", face_input, &card->input) < 0 ||
        FIELDS_READ(r, yyjson_obj_get(root, "output"), "\"output\"", face_output, &card->output) < 0)
        return -1;
    card->origin.method = methods[0];
    card->outputs[card->noutputs++] = card->output.name;
    return 0;
}

static int check_output(const struct card *card, const struct tensor_list *out, struct err *err)
{
    size_t n = tensor_count(&out->all[0]);

    if (n != 1)
        return FAIL(err, ERR_MODEL, "the model %s gives %zu numbers, not one", card->name, n);
    return 0;
}

const struct card_task task_origin = {.name = "origin-image",
                                      .fields = image_fields,
                                      .nfields = COUNT_OF(image_fields),
                                      .defaults = set_defaults,
                                      .read = read_image,
                                      .check = check_output};
const struct card_task task_origin_face = {.name = "origin-face",
                                           .fields = face_fields,
                                           .nfields = COUNT_OF(face_fields),
                                           .defaults = set_defaults,
                                           .read = read_face,
                                           .check = check_output};
