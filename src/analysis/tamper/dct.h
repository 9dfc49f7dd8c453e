/* The transform of JPEG: blocks of 8x8, type II, orthonormal, and the tables by which it is usually
 * quantised. Pure. Source: ITU-T T.81, A.3.3 and annex K. */
#ifndef ASSAY_ANALYSIS_TAMPER_DCT_H
#define ASSAY_ANALYSIS_TAMPER_DCT_H

#include <stdbool.h>
#include <stdint.h>

/* Of 8 rows of `stride` bytes; ret by rows of frequencies, as JPEG's coefficients before quantisation. */
void dct8(const uint8_t *pixels, int stride, float ret[64]);
/* The table of brightness for a quality of 1..100, as the Independent JPEG Group's library scales it; by
 * rows. */
void dct_table(int quality, uint16_t ret[64]);
/* The quality whose table it is; 0: none of them. */
int dct_quality(const uint16_t table[64]);

#endif
