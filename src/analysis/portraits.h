/* Faces of a picture, asked of the models and handed to people.h: found, told apart, estimated, photographed,
 * as far as the models are there and the job wants it. One per video or batch, one thread. */
#ifndef ASSAY_ANALYSIS_PORTRAITS_H
#define ASSAY_ANALYSIS_PORTRAITS_H

#include "analysis/analysis.h"
#include "analysis/people.h"
#include "media/image.h"

struct portraits;
/* NULL when nobody looks for people: no model of faces, or the job does not want it. Adds the models it uses
 * to the report. Lives as long as `a`. */
struct portraits *portraits_new(struct arena *a, const struct toolbox *tools,
                                const struct scenes_params *params, struct report *report);
/* For a video, or for one picture of a batch. */
struct people *portraits_people(const struct portraits *p, struct arena *a);
/* The next sample of `people`, BGR. `scratch` is for what is not kept. ERR_TIMEOUT, ERR_MODEL. */
struct portrait_sample {
    const struct picture *bgr;
    double pts;
    bool changed; /* another scene than in the sample before */
};
int portraits_take(struct portraits *p, struct people *people, struct arena *scratch,
                   const struct portrait_sample *sample, int64_t deadline_mono_us, struct err *err);

#endif
