/* Base64 with the standard alphabet (RFC 4648, section 4). Pure.
 *
 * Decoding is strict where decoders usually are not: no blanks, no line ends, no other alphabet, nothing
 * behind the padding, and the bits that no byte uses are zero. So one run of bytes has one text, but for its
 * padding, which may be left away. */
#ifndef ASSAY_BASE_BASE64_H
#define ASSAY_BASE_BASE64_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/bytes.h"

/* In place: text[0..n) becomes the bytes, never more than there were characters. False leaves it half done.
 */
bool base64_decode_in_place(char *text, size_t n, size_t *ret_n);
/* Padded, NUL-terminated, in the arena. */
char *base64_encode(struct arena *a, struct bytes b);

#endif
