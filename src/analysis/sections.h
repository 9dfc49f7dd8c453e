/* What a video is about, stretch by stretch: tags of single samples, averaged over shots, shots with the same
 * best tag grouped to sections. Pure: the probabilities are handed in. One instance per video, one thread. */
#ifndef ASSAY_ANALYSIS_SECTIONS_H
#define ASSAY_ANALYSIS_SECTIONS_H

#include "media/glance.h"
#include "report/scenery.h"

struct arena;

struct sections_opts {
    size_t ntags;
    const struct scene_tag *tags; /* names and critical flags, borrowed; the order of the probabilities */
    double from; /* a shot whose best tag is less probable belongs to no section; default 0.2 */
};

struct sections;
struct sections *sections_new(struct arena *a, const struct sections_opts *opts);
/* A sample: the probability of each tag, and how sharp the picture is (sharpness_of). */
void sections_sample(struct sections *s, double pts, const float *probabilities, double sharpness);
/* The shots and the activity curve are in `ret` already; fills has_sections and sections. Once. */
void sections_end(struct sections *s, struct scenery *ret);

/* Mean absolute second difference of luma, 0..1: comparable between pictures of one video only. */
double sharpness_of(const struct glance *g);

#endif
