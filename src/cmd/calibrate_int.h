/* assay model calibrate, its files: model_calibrate.c has the model judge a labelled folder without its
 * calibration, fits a new one, and tells what it is worth; calibrate_card.c makes the card without and the
 * card with it. */
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

#endif
