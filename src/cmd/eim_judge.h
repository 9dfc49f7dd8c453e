/* The judge of an eim_host (cmd/eim_serve.h) that asks the lab: pipeline sensor-classify, a window at a time.
 * One thread, which waits for the analyst; not the lab's. */
#ifndef ASSAY_CMD_EIM_JUDGE_H
#define ASSAY_CMD_EIM_JUDGE_H

#include "cmd/eim_serve.h"
#include "lab/lab.h"

struct eim_judge {
    struct lab *lab; /* ready */
    size_t naxes;    /* as of the host; a picture has none */
    const char *const *axes;
    size_t nmodels; /* parts of kind PART_MODEL, one behind the other from offset 0 of models_fd */
    const struct sensor_part *models;
    int models_fd;       /* borrowed; -1: the impulse needs no model */
    int64_t deadline_ms; /* of one window */
    /* eim_judge_open makes them */
    int subject_fd; /* the models, and behind them the window */
    int64_t models_size;
};

int eim_judge_open(struct eim_judge *j, struct err *err);
void eim_judge_close(struct eim_judge *j);
/* For eim_host.judge, with the eim_judge as its arg. */
int eim_judge_window(void *judge, struct arena *a, const struct eim_question *q, struct eim_result *ret,
                     struct err *err);

/* A picture of numbers 0xRRGGBB, row after row, as a BMP file in the arena. */
struct bytes eim_picture(struct arena *a, const float *pixels, int width, int height);

#endif
