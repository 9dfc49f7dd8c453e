/* Cards of face detectors. */
#include "infer/faces_int.h"
#include "infer/task_int.h"

static const char *const fits[] = {"letterbox-topleft", "stretch", NULL};
static const char *const decoders[] = {"yunet", NULL};

static const struct field head_fields[] = {
    CARD_COMMON_FIELDS,
    {"input", FIELD_OTHER, true, 0, 0, 0, NULL},
    {"output", FIELD_OTHER, true, 0, 0, 0, NULL},
    {"threshold", FIELD_NUMBER, false, CARD_AT(faces.threshold), 0.01, 1, NULL},
    {"nms_iou", FIELD_NUMBER, false, CARD_AT(nms_iou), 0, 1, NULL},
    {"calibration", FIELD_OTHER, false, 0, 0, 0, NULL},
    {"min_face", FIELD_WHOLE, false, CARD_AT(faces.min_face), 1, 2048, NULL},
};

static const struct field input_fields[] = {
    INPUT_COMMON_FIELDS,
    {"width", FIELD_WHOLE, false, INPUT_AT(width), 32, 2048, NULL},
    {"height", FIELD_WHOLE, false, INPUT_AT(height), 32, 2048, NULL},
    {"fit", FIELD_WORD, true, INPUT_AT(fit), 0, 0, fits},
    {"pad", FIELD_WHOLE, false, INPUT_AT(pad), 0, 255, NULL},
};

static const struct field output_fields[] = {
    {"decoder", FIELD_WORD, true, offsetof(struct card_output, decoder), 0, 0, decoders},
};

static int read_faces(struct reader *r, yyjson_val *root, struct card *card)
{
    enum { COARSEST = 32 }; /* stride of the last grid: the cells must tile the input */
    struct card_input *in = &card->input;

    in->width = 640;
    in->height = 384;
    if (FIELDS_READ(r, yyjson_obj_get(root, "input"), "\"input\"", input_fields, in) < 0 ||
        FIELDS_READ(r, yyjson_obj_get(root, "output"), "\"output\"", output_fields, &card->output) < 0 ||
        card_read_calibration(r, yyjson_obj_get(root, "calibration"), &card->faces.calibration) < 0)
        return -1;
    if (in->width % COARSEST || in->height % COARSEST)
        return BAD(r, "\"width\" and \"height\" must be multiples of %d", COARSEST);
    card->noutputs = yunet_outputs(card->outputs);
    card->output.name = card->outputs[0];
    return 0;
}

static void set_defaults(struct card *card)
{
    card->nms_iou = 0.3;
    card->faces = (struct card_faces){.threshold = 0.7, .min_face = 16};
}

const struct card_task task_faces = {.name = "faces",
                                     .fields = head_fields,
                                     .nfields = COUNT_OF(head_fields),
                                     .defaults = set_defaults,
                                     .read = read_faces,
                                     .check = yunet_check};
