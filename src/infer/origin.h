/* Was a picture made by a camera and a hand, or by a generator? Detectors of the task "origin-image", which
 * judge patches of the picture at its own resolution (resizing would wipe out what they look for), of the
 * task "origin-face", which judge one face, and of the task "nsfw". docs/origin.md says how far they can be
 * believed: not far. What a detector cannot judge is an opinion too: unknown, with a code.
 *
 * Pictures are BGR as decoded, without scaling where the caller can have it so: an origin detector that gets
 * a shrunk picture sees the shrinking. One judge per model and thread. The same pixels give the same bits.
 * Errors: ERR_TIMEOUT, ERR_MODEL; a picture that cannot be judged is no error. */
#ifndef ASSAY_INFER_ORIGIN_H
#define ASSAY_INFER_ORIGIN_H

#include "infer/faces.h"
#include "infer/model.h"
#include "media/image.h"

struct origin_opinion {
    bool unknown;
    const char *code;         /* why: "too_small", "uncertain"; NULL when known */
    double human, artificial; /* 0..1, their sum is 1; both 0 when too small */
};

struct origin_judge;
/* Lives as long as `a`; borrows model and card. `m` is NULL for a card of method "spectrum", whose weights
 * are in the card; otherwise the card is the model's. */
struct origin_judge *origin_judge_new(struct arena *a, struct model *m, const struct card *card);

/* At most card->origin.patches patches, laid out over the picture as origin_grid says; the mean of their
 * logits is calibrated. The deadline (0 = none) is asked before every patch. */
int origin_judge_picture(struct origin_judge *j, struct arena *scratch, const struct picture *bgr,
                         int64_t deadline_mono_us, struct origin_opinion *ret, struct err *err);

/* A part of the picture, in pixels. */
struct origin_area {
    int x, y, w, h;
};
/* The same for a part that lies in the picture (else "too_small" of what is left of it): one patch costs one
 * run, so a part of the size of a patch is the cheap tile of a heat map. */
int origin_judge_part(struct origin_judge *j, struct arena *scratch, const struct picture *bgr,
                      const struct origin_area *part, int64_t deadline_mono_us, struct origin_opinion *ret,
                      struct err *err);

/* Where the patches of `patch` pixels go in a part of w x h pixels: a fixed grid of at most `max` of them,
 * 1..CARD_MAX_PATCHES, spread evenly from edge to edge. Returns how many; 0: too small. Pure, for tests. */
size_t origin_grid(int w, int h, int patch, int max, struct origin_area ret[]);
/* From the mean logit (above 0: artificial) to an opinion; pure, for tests. A NaN is "uncertain". */
struct origin_opinion origin_opinion_of(const struct card_origin *o, double logit);

/* ---- faces ---- */

struct face_judge;
/* Lives as long as `a`; borrows the model, whose task must be "origin-face". */
struct face_judge *face_judge_new(struct arena *a, struct model *m);
/* One face, cut out of the picture as a square. A face smaller than card->origin.min_face is "too_small". */
int face_judge_face(struct face_judge *j, const struct picture *bgr, const struct face *face,
                    int64_t deadline_mono_us, struct origin_opinion *ret, struct err *err);

/* ---- not safe for work ---- */

struct nsfw_opinion {
    bool unsafe;  /* score >= card->nsfw.threshold */
    double score; /* 0..1: the sum of the card's unsafe labels */
};
struct nsfw_judge;
/* Lives as long as `a`; borrows the model, whose task must be "nsfw". */
struct nsfw_judge *nsfw_judge_new(struct arena *a, struct model *m);
int nsfw_judge_picture(struct nsfw_judge *j, const struct picture *bgr, int64_t deadline_mono_us,
                       struct nsfw_opinion *ret, struct err *err);

#endif
