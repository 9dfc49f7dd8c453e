/* What pipelines "scenes" and "pictures" found, in the words that the terminal (timeline.c) and the page
 * (page.c) share. Pure; everything is added to a buffer or lives in the arena. */
#ifndef ASSAY_CMD_FOUND_H
#define ASSAY_CMD_FOUND_H

#include "base/bytes.h"
#include "report/report.h"

/* "3 shots, 2 people, no text, 2 sections": of what was looked for. */
void found_counts(struct buf *out, const struct scenery *s);
/* "people, tags": what nobody looked for. False when there is none. */
bool found_missing(struct buf *out, const struct scenery *s, bool picture);
/* "female, ~34, known"; nothing when nothing is known. */
void found_person(struct buf *out, const struct person *p);
/* "0:05.2", from an hour on "1:00:05.2"; `tenths` false: "0:05". */
void found_clock(struct buf *out, double seconds, bool tenths);
/* "1.2 MB" */
void found_size(struct buf *out, int64_t bytes);

/* Where the time axis ends: the video's length, and no less than what was found in it. 0 = no time in it. */
double found_end(const struct report *r);
/* Round steps of an axis with at most `most` of them. */
double found_step(double end, int most);
/* Which of n equal parts of 0..end a stretch touches: from, and up to before `to`; at least one. */
struct found_span {
    size_t from, to;
};
struct found_span found_span(struct segment s, double end, size_t n);
/* When somebody is seen; stretches less than `grain` seconds apart are one. Who is in none has one moment. */
size_t found_seen(struct arena *a, const struct scenery *s, int person, double grain,
                  struct segment **ret_segments);
/* The activity in n equal parts of 0..end, the liveliest moment of each, in 0..1 of the liveliest of all; the
 * root is drawn, since cuts are far above everything else. In the arena. */
float *found_activity(struct arena *a, const struct scenery *s, double end, size_t n);

extern const char *const found_begins[]; /* by enum shot_begin: "", "cut", "gradual" */

#endif
