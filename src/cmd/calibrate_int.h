/* assay model calibrate, its files: model_calibrate.c has the model judge a labelled folder without its
 * calibration and fits a new one, calibrate_tags.c that of tags; calibrate_card.c makes the card without and
 * the card with it; calibrate_print.c tells what it is worth. */
#ifndef ASSAY_CMD_CALIBRATE_INT_H
#define ASSAY_CMD_CALIBRATE_INT_H

#include "cmd/eval_int.h"
#include "verdict/temper.h"

/* What a fit says; which members, the task knows. */
struct fitted {
    struct calibration points; /* detect, faces, nsfw */
    double scale, offset;      /* origin-... */
    double temperature;        /* tags */
};

struct calibrated_label {
    const char *label;
    const char *stays; /* why there is no fit; NULL: there is one */
    struct fitted fitted;
    struct measures raw, now, after, two_fold; /* without one, with the card's, with the new one; the last:
                                                * with one that was fitted to the other half of the items */
};

/* The model as it was found. */
struct workpiece {
    struct card card;
    struct bytes text;    /* of the card */
    struct bytes weights; /* built in: these, else in card.file, or none */
    const char *path;     /* of the card; NULL: built in */
    const char *folder;   /* with the card without calibration */
    const char *raw;      /* that card */
};
/* By name, or the path of its card. ERR_UNSUPPORTED for a task without calibration. */
int workpiece_find(struct model_call *c, const char *model, struct workpiece *ret, struct err *err);
/* A folder of its own with card, weights and map: no calibration, faces from a low score on, a tag for each
 * label. */
int workpiece_lay(struct arena *a, struct workpiece *w, struct err *err);
void workpiece_clear(struct workpiece *w); /* the folder goes */
/* The card with the new calibration, and the threshold with the false rate that was asked for. Replaces no
 * file but the model's own card. */
int workpiece_write(struct arena *a, const struct workpiece *w, const struct calibrated_label *labels,
                    size_t n, const char *path, struct err *err);

/* ---- model_calibrate.c, calibrate_tags.c ---- */

enum { CALIBRATE_FOLDS = 2 };

/* What a task has. */
struct calibration_method {
    const char *task, *kind; /* of the card; of the evaluation */
    /* NULL, as the rest: tags, one temperature for all of them. */
    bool (*fit)(struct arena *scratch, struct measured *items, size_t n, struct fitted *ret);
    double (*apply)(const struct fitted *f, double raw);
    /* What the card says now; NULL: the label has no calibration in it. */
    const struct fitted *(*now)(const struct card *card, const char *label, struct fitted *ret);
};

struct calibration_run {
    struct model_call *call;
    struct workpiece work;
    const struct calibration_method *how;
    struct evaluation e;
    struct calibrated_label labels[EVAL_MAX_LABELS];
    float *p; /* tags: [items][labels] of the card */
};
/* Sorts the items. */
void calibrate_measure(const struct calibration_run *r, struct measured *items, size_t n,
                       struct measures *ret);

/* Can a temperature be fitted to these folders? */
int calibrate_check_tags(const struct calibration_run *r, struct err *err);
/* eval.keep: what the model said of all labels, into r->p. */
void calibrate_keep_tags(struct evaluation *e, const struct eval_item *item, const struct report *report);
void calibrate_tags(struct calibration_run *r);

/* ---- calibrate_print.c ---- */

void calibrate_print(const struct calibration_run *r);
void calibrate_print_json(const struct calibration_run *r);

#endif
