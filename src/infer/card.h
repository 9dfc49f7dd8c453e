/* Model cards: a JSON file beside a model file says what goes in, what comes out, what the labels mean, how good it
 * is and under which licence. Schema: docs/models.md. Cards are the operator's own files: checked strictly for
 * sense (ranges, known decoders), because a wrong card makes wrong verdicts. */
#ifndef ASSAY_INFER_CARD_H
#define ASSAY_INFER_CARD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "report/report.h"
#include "verdict/risk.h"

enum { CARD_MAX_LABELS = 2048 };

/* One label of a model and the concept it counts for. */
struct card_label {
    const char *name;    /* the model's word: "car" */
    const char *concept; /* ours: "person", "vehicle", "animal"; NULL = not used */
    double threshold;    /* a detection below it is dropped; 0..1 */
};

/* How clip-level raw scores become the pipeline's scores. */
struct card_concept {
    const char *name; /* "person" */
    struct calibration calibration;
};

struct card {
    const char *name, *version, *task; /* task: "detect" */
    const char *file;                  /* absolute path, or NULL for the embedded model */
    char sha256[HASH_HEX];             /* of the model file */
    const char *licence, *source, *made_by, *weakness;
    struct {
        const char *name;
        int width, height;
        bool bgr;           /* else RGB */
        double scale, mean[3], std[3]; /* (pixel * scale - mean) / std */
        const char *fit;    /* "letterbox-topleft", "stretch" */
        int pad;            /* 0..255 */
    } input;
    struct {
        const char *name;
        const char *decoder; /* "yolox", "yolox-raw": see infer/detect.h */
    } output;
    double nms_iou;
    size_t nlabels;
    const struct card_label *labels;
    size_t nconcepts;
    const struct card_concept *concepts;
    struct risk_rule rule; /* the thresholds that fit this model's calibrated scores */
};

/* `origin` is for messages; file paths in the card are relative to dir (NULL: embedded, no file). */
int card_parse(struct arena *a, struct bytes json, const char *dir, const char *origin, struct card *ret_card,
               struct err *err);
int card_load(struct arena *a, const char *path, struct card *ret_card, struct err *err);
/* Reads the model file and compares its sha256 with the card's. */
int card_verify(const struct card *card, struct err *err);
struct model_ref card_ref(const struct card *card);

/* The models of a directory (*.json), sorted by name; a bad card is reported in `problem` and does not stop the others. */
struct card_entry {
    const char *path;
    struct card card;
    const char *problem; /* NULL = fine */
};
int cards_list(struct arena *a, const char *dir, struct card_entry **ret_entries, size_t *ret_n, struct err *err);
/* Copies FILE (a card) and its model into dir after verifying both. */
int cards_add(const char *dir, const char *path, struct err *err);

#endif
