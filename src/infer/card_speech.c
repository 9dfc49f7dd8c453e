/* Cards of models that hear: whether somebody speaks, and whether it is a human. */
#include "base/text.h"
#include "infer/task_int.h"

enum { SECOND = 16000, LONGEST = 30 * SECOND };

/* ---- voice ---- */

static const struct field voice_fields[] = {
    CARD_COMMON_FIELDS,
    {"input", FIELD_OTHER, true, 0, 0, 0, NULL},
    {"output", FIELD_OTHER, true, 0, 0, 0, NULL},
    {"state", FIELD_OTHER, true, 0, 0, 0, NULL},
    {"rate", FIELD_TEXT, false, CARD_AT(feeds[1].name), 0, FIELD_SHORT, NULL},
    {"threshold", FIELD_NUMBER, false, CARD_AT(speech.threshold), 0.01, 0.99, NULL},
};

static const struct field voice_input_fields[] = {
    {"name", FIELD_TEXT, true, INPUT_AT(name), 0, FIELD_SHORT, NULL},
    {"samples", FIELD_WHOLE, true, INPUT_AT(samples), 512, 4096, NULL},
};

static const struct field voice_output_fields[] = {
    {"name", FIELD_TEXT, true, offsetof(struct card_output, name), 0, FIELD_SHORT, NULL},
};

struct state_names {
    const char *input, *output;
};

static const struct field state_fields[] = {
    {"input", FIELD_TEXT, true, offsetof(struct state_names, input), 0, FIELD_SHORT, NULL},
    {"output", FIELD_TEXT, true, offsetof(struct state_names, output), 0, FIELD_SHORT, NULL},
};

static void set_voice_defaults(struct card *card)
{
    card->speech.threshold = 0.5;
}

/* Whoever reads a frame of CARD_VOICE_FRAME samples hands out so many new ones; what the input has beyond
 * them is of the frame before. */
static int read_voice(struct reader *r, yyjson_val *root, struct card *card)
{
    struct state_names state = {0};

    if (FIELDS_READ(r, yyjson_obj_get(root, "input"), "\"input\"", voice_input_fields, &card->input) < 0 ||
        FIELDS_READ(r, yyjson_obj_get(root, "output"), "\"output\"", voice_output_fields, &card->output) <
            0 ||
        FIELDS_READ(r, yyjson_obj_get(root, "state"), "\"state\"", state_fields, &state) < 0)
        return -1;
    card->speech.context = card->input.samples - CARD_VOICE_FRAME;
    if (card->speech.context < 0 || card->speech.context > CARD_VOICE_FRAME)
        return BAD(r, "\"samples\" must be %d to %d", CARD_VOICE_FRAME, 2 * CARD_VOICE_FRAME);
    card->feeds[0] = (struct card_feed){state.input, true, 0};
    card->feeds[1].value = SECOND;
    card->nfeeds = card->feeds[1].name ? 2 : 1;
    card->outputs[card->noutputs++] = card->output.name;
    card->outputs[card->noutputs++] = state.output;
    return 0;
}

static int check_voice(const struct card *card, const struct tensor_list *out, struct err *err)
{
    size_t n = tensor_count(&out->all[0]);

    if (n != 1)
        return FAIL(err, ERR_MODEL, "the model %s gives %zu numbers, not one probability of speech",
                    card->name, n);
    return 0;
}

const struct card_task task_voice = {.name = "voice",
                                     .fields = voice_fields,
                                     .nfields = COUNT_OF(voice_fields),
                                     .defaults = set_voice_defaults,
                                     .read = read_voice,
                                     .check = check_voice};

/* ---- origin-speech ---- */

static const struct field speech_fields[] = {
    CARD_COMMON_FIELDS,
    {"input", FIELD_OTHER, true, 0, 0, 0, NULL},
    {"output", FIELD_OTHER, true, 0, 0, 0, NULL},
    {"hop", FIELD_WHOLE, false, CARD_AT(speech.hop), 1600, LONGEST, NULL},
    {"calibration", FIELD_OTHER, false, 0, 0, 0, NULL},
    {"floor", FIELD_NUMBER, false, CARD_AT(origin.floor), 0.5, 1, NULL},
    {"artificial_from", FIELD_NUMBER, false, CARD_AT(origin.artificial_from), 0.5, 1, NULL},
    {"min_voiced", FIELD_NUMBER, false, CARD_AT(speech.min_voiced), 0.2, 30, NULL},
    {"verdict", FIELD_OTHER, true, 0, 0, 0, NULL},
    {"obsolete", FIELD_FLAG, false, CARD_AT(origin.obsolete), 0, 0, NULL},
};

static const struct field speech_input_fields[] = {
    {"name", FIELD_TEXT, true, INPUT_AT(name), 0, FIELD_SHORT, NULL},
    {"samples", FIELD_WHOLE, true, INPUT_AT(samples), SECOND / 2, LONGEST, NULL},
};

static const struct field speech_output_fields[] = {
    {"name", FIELD_TEXT, true, offsetof(struct card_output, name), 0, FIELD_SHORT, NULL},
    {"logits", FIELD_OTHER, true, 0, 0, 0, NULL},
};

/* The two words, in the order of the model. */
static int read_logits(struct reader *r, yyjson_val *list, struct card *card)
{
    const char *first = yyjson_get_str(yyjson_arr_get(list, 0));
    const char *second = yyjson_get_str(yyjson_arr_get(list, 1));

    card->speech.human_first = text_is(first, "human");
    if (yyjson_arr_size(list) != 2 || !text_is(card->speech.human_first ? second : first, "artificial") ||
        !text_is(card->speech.human_first ? first : second, "human"))
        return BAD(r, "\"logits\" must be %s", "[\"artificial\", \"human\"] or [\"human\", \"artificial\"]");
    return 0;
}

static void set_speech_defaults(struct card *card)
{
    card->origin = (struct card_origin){.scale = 1, .floor = 0.5};
    card->speech.min_voiced = 1;
}

static int read_speech(struct reader *r, yyjson_val *root, struct card *card)
{
    yyjson_val *output = yyjson_obj_get(root, "output");

    if (FIELDS_READ(r, yyjson_obj_get(root, "input"), "\"input\"", speech_input_fields, &card->input) < 0 ||
        FIELDS_READ(r, output, "\"output\"", speech_output_fields, &card->output) < 0 ||
        read_logits(r, yyjson_obj_get(output, "logits"), card) < 0 ||
        card_read_origin(r, root, &card->origin) < 0)
        return -1;
    if (!card->speech.hop)
        card->speech.hop = card->input.samples;
    card->outputs[card->noutputs++] = card->output.name;
    return 0;
}

static int check_speech(const struct card *card, const struct tensor_list *out, struct err *err)
{
    size_t n = tensor_count(&out->all[0]);

    if (n != 2)
        return FAIL(err, ERR_MODEL, "the model %s gives %zu numbers, not two logits", card->name, n);
    return 0;
}

const struct card_task task_origin_speech = {.name = "origin-speech",
                                             .fields = speech_fields,
                                             .nfields = COUNT_OF(speech_fields),
                                             .defaults = set_speech_defaults,
                                             .read = read_speech,
                                             .check = check_speech};
