/* One learn block over windows: features in, what the block says of them out. A table of kinds says what each
 * wants of its model and makes of its outputs:
 *
 *   classifier  one output, a number for each label
 *   regression  the first number of the first output, label "value"
 *   clusters    no model; distance to the nearest cluster (infer/kmeans.h), label "anomaly"
 *   mixture     the first number of the first output, of the chosen features if some are chosen, "anomaly"
 *   fomo        one output, rows x columns x (labels + 1) (analysis/fomo.h)
 *   ssd         four outputs: boxes [top, left, bottom, right] in 0..1, classes, scores, count
 *   grid        one output of side x side numbers; the highest is the score "anomaly"
 *   freeform    all outputs as they are, labels "0", "1", ...
 *
 * Everything that ends up in a report is checked: a model may give what is no number. */
#ifndef ASSAY_ANALYSIS_JUDGE_H
#define ASSAY_ANALYSIS_JUDGE_H

#include "analysis/window_features.h"
#include "infer/graph.h"

struct judge {
    const struct impulse *impulse;
    const struct impulse_learn *block;
    struct graph *graph; /* borrowed; NULL: the block has no model */
    size_t nlabels;      /* of the scores of a window */
    const char *const *labels;
    size_t side; /* of a grid, else 0 */
    int64_t deadline_mono_us;
};

/* ERR_INPUT, ERR_UNSUPPORTED: the block is not trained yet, or the model is not one for it. Labels that are
 * made up live in `a`. */
int judge_open(struct judge *j, struct arena *a, const struct impulse *p, const struct impulse_learn *l,
               struct graph *graph, struct err *err);
/* Room for the findings in `a`; what the judge says of `nwindows` windows. */
struct learn_result judge_room(const struct judge *j, struct arena *a, size_t nwindows);
/* n features of window `at` -> the result. `shape`: of the last DSP block that they come from. `t`: for what
 * is to be found on a picture. Boxes live in `a`, the arena of the room. */
int judge_window(const struct judge *j, struct arena *a, const struct taken *t, const float *features,
                 size_t n, const struct dsp_features *shape, size_t at, struct learn_result *to,
                 struct err *err);

#endif
