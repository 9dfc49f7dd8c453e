/* From opinions to rulings: what several models said about the parts of one image, video or track of sound,
 * decided by every heuristic (verdict/heuristic.h). Fills the numbers of report/origin.h that are computed of
 * other numbers. Pure; everything new is in the jury's arena. */
#ifndef ASSAY_ANALYSIS_JURY_H
#define ASSAY_ANALYSIS_JURY_H

#include "report/report.h"

struct jury {
    struct arena *arena;
    size_t n; /* heuristics: the service's own, then the operator's */
    const struct heuristic **all;
    size_t main;
};
/* The params were checked (job_spec_check), are borrowed, and so are the names in them. */
struct jury jury_new(struct arena *a, const struct origin_params *params);

/* The rulings about one part, by its opinions. */
void jury_on_part(const struct jury *j, const struct origin_stream *s, struct origin_part *part);
/* What the main heuristic says of a face. */
struct origin_ruling jury_on_face(const struct jury *j, const struct voter *models, size_t n,
                                  const struct opinion *opinions);

/* The whole of a stream whose parts all have their rulings: */
enum jury_way {
    JURY_ONE,    /* an image: what was said of its one part */
    JURY_FRAMES, /* a video: frames vote; and on each model's mean over the frames */
    JURY_CLIPS,  /* sound: on each model's mean over the clips, weighted by their length */
};
void jury_on_stream(const struct jury *j, struct origin_stream *s, enum jury_way way);

#endif
