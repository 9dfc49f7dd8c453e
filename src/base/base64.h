/* Base64 of RFC 4648, the standard alphabet, over OpenSSL. */
#ifndef ASSAY_BASE_BASE64_H
#define ASSAY_BASE_BASE64_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/bytes.h"

/* Padded, one line, NUL-terminated, in the arena. */
char *base64_encode(struct arena *a, struct bytes data);
/* Strict: this alphabet only, no blanks, padding at the end or left out. Decodes in place, the result lies at
 * the beginning of `text`, which needs no NUL. false when it is no base64; then `text` is worth nothing. */
bool base64_decode(char *text, size_t len, struct bytes *ret);

#endif
