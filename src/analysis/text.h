/* Texts in a video or a picture: what can be read, where, and from when to when.
 *
 * Reading is the dearest thing an analyst does (60 ms where a detector takes 4), so a sampled picture goes
 * through three sieves:
 *   gate    strokes (dark-bright-dark within a few pixels) counted in cells of the picture. Where there are
 *           none nothing is read. 0.3 ms for a picture of 640 x 480.
 *   change  a region is read again only when more than a fifth of its strokes are others than when it was
 *           read last: with less the text would count as the same anyway. What moves and turned out to be no
 *           text is left alone for 2, 4, 8 samples, or until it stands still.
 *   cap     some pictures of every shot, and some per minute beyond that.
 * White in a region is read alone first: captions have dark borders which the engine takes for parts of the
 * letters (docs/text.md). The rest is read as it is.
 * Of what the engine reads, words are kept that it is sure of, lines that have one of three letters or
 * digits. Lines that lie below each other make one text. The same text (case, blanks and punctuation do not
 * count; edit distance up to a fifth) in samples next to each other is one text that lasts; one missed sample
 * does not end it. The wording kept is the one read with the most confidence.
 *
 * Pure but for the engine, which comes in as functions: the same pictures and answers, the same texts. One
 * thread; memory from the arena but for what one reading needs. */
#ifndef ASSAY_ANALYSIS_TEXT_H
#define ASSAY_ANALYSIS_TEXT_H

#include "infer/language.h"
#include "infer/ocr.h"
#include "report/scenery.h"

/* What reads: text_engine_of for the real one, anything else in tests. */
struct text_engine {
    int (*read)(void *arg, struct arena *a, const struct picture *luma, const struct box *region,
                int64_t deadline_mono_us, struct ocr_word **ret_words, size_t *ret_n, struct err *err);
    void *arg;
    const struct languages *languages; /* NULL: languages are not told */
};
struct text_engine text_engine_of(struct ocr *ocr, const struct languages *languages);

struct texts_opts {
    float min_confidence; /* of a word; default 0.6 */
    int reads_per_shot;   /* pictures of each shot that are read in any case; default 4 */
    int reads_per_minute; /* of the video, beyond that; default 30 */
};
struct texts_opts texts_defaults(void);

/* What was found. The array and its strings are in the arena of texts_new. */
struct texts_found {
    struct scene_text *items; /* by start, then top to bottom */
    size_t n;
    int offered, read; /* pictures given, and those with at least one reading */
    int engine_calls;  /* regions read */
    int64_t read_us;   /* time in the engine; for statistics, not for a report that must repeat */
};

/* The size in which a frame (as displayed) should be given: large enough for small letters, small enough to
 * be quick. Keeps the shape to a pixel. */
void texts_size(int width, int height, int *ret_width, int *ret_height);

struct texts;
struct texts *texts_new(struct arena *a, const struct text_engine *engine, const struct texts_opts *opts);
/* The next sampled picture, luma, of the same size as the first, with growing pts. -1 and err: ERR_TIMEOUT or
 * what the engine says; what was found until then stays good. */
int texts_next(struct texts *t, const struct picture *luma, double pts, int64_t deadline_mono_us,
               struct err *err);
/* The next picture begins a new shot. */
void texts_cut(struct texts *t);
/* Once, after the last picture; end = the video's, in seconds. Also after an error. */
struct texts_found texts_end(struct texts *t, double end);

/* One picture (time 0..0). */
int texts_of_picture(struct arena *a, const struct text_engine *engine, const struct texts_opts *opts,
                     const struct picture *luma, int64_t deadline_mono_us, struct texts_found *ret,
                     struct err *err);

#endif
