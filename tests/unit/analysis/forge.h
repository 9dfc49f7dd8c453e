/* Makes pictures, changes them, and saves them: examples of what a look for tampering should see. Same seed,
 * same bytes. */
#ifndef ASSAY_TESTS_FORGE_H
#define ASSAY_TESTS_FORGE_H

#include "base/arena.h"
#include "base/bytes.h"
#include "media/image.h"

/* Something like a photo: clouds of all sizes, edges, and a little noise. */
struct picture forge_scene(struct arena *a, int width, int height, unsigned seed);
struct picture forge_copy(struct arena *a, const struct picture *p);
/* w x h pixels of `from` at (sx, sy) go to (x, y) of `to`. */
void forge_paste(struct picture *to, int x, int y, const struct picture *from, int sx, int sy, int w, int h);
struct bytes forge_jpeg(struct arena *a, const struct picture *p, int quality); /* 4:4:4 */
struct bytes forge_bmp(struct arena *a, const struct picture *p);               /* nothing is lost */
/* What a file shows; pixels NULL when it cannot be read. */
struct picture forge_open(struct arena *a, struct bytes file);
/* The JPEG with a segment of that marker behind its first two bytes. */
struct bytes forge_segment(struct arena *a, struct bytes jpeg, int marker, struct bytes data);

#endif
