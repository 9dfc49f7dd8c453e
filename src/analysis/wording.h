/* What a reader gave, made into texts: sure words, lines that lie below each other, in reading order; and
 * whether two texts are the same. Takes any bytes, gives UTF-8 without control characters. Pure. */
#ifndef ASSAY_ANALYSIS_WORDING_H
#define ASSAY_ANALYSIS_WORDING_H

#include <stdbool.h>
#include <stdint.h>

#include "infer/ocr.h"

enum { WORDING_MAX_KEY = 1000 }; /* characters that are compared */

struct wording {
    const char *words;   /* below SCENERY_MAX_TEXT bytes; lines joined with a blank */
    double confidence;   /* 0..1, mean over the words */
    struct box box;      /* 0..1, around its words */
    const uint32_t *key; /* code points in lower case, without blanks and punctuation */
    size_t nkey;
};

/* Copies with truncation at whole characters: valid UTF-8, no control or direction characters, blanks at
 * neither end and never two. Returns dst. */
char *wording_clean(char *dst, size_t size, const char *foreign);

/* Keeps words of at least min_confidence in lines that have one with three letters or digits (a lone word of
 * fewer than five needs 0.8), and joins lines below each other. aspect = width / height of the
 * picture. */
size_t wordings_of(struct arena *a, const struct ocr_word *words, size_t n, float min_confidence,
                   double aspect, struct wording **ret);

/* At most a fifth of the longer one differs. */
bool wording_same(const struct wording *a, const struct wording *b);
/* Levenshtein distance of code points, or limit + 1 as soon as it is larger. At most WORDING_MAX_KEY each. */
size_t wording_distance(const uint32_t *a, size_t na, const uint32_t *b, size_t nb, size_t limit);

#endif
