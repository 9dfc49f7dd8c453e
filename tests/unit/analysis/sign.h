/* Pictures with text whose truth is known: capitals and digits of an own font of 5 x 7 dots, smoothed, in any
 * size, on flat or noisy ground. */
#ifndef ASSAY_TEST_ANALYSIS_SIGN_H
#define ASSAY_TEST_ANALYSIS_SIGN_H

#include "base/arena.h"
#include "media/image.h"

struct picture sign_blank(struct arena *a, int width, int height, int level);
/* Normal noise about; the same seed gives the same noise. */
void sign_noise(struct picture *p, double sigma, uint32_t seed);
/* `dot` = pixels of a dot: letters are 7 dots high, 6 dots apart. Other characters than A-Z, 0-9, '.', '-'
 * are blanks. Returns the place it takes. */
struct box sign_draw(struct picture *p, const char *text, int x, int y, double dot, int level);

/* Words of `truth` (separated by blanks) that are among the words of `read`, each once, without regard to
 * case and punctuation at the ends. */
int sign_words_found(const char *truth, const char *read);
int sign_words(const char *text);

#endif
