/* Small text helpers. All are pure. */
#ifndef ASSAY_BASE_TEXT_H
#define ASSAY_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool text_starts(const char *s, const char *prefix);
bool text_ends(const char *s, const char *suffix);
bool text_is(const char *a, const char *b); /* NULL-safe equality */
bool text_is_nocase(const char *a, const char *b);

/* Copies with truncation, always terminated. Returns dst. */
char *text_copy(char *dst, size_t size, const char *src);

/* Lower-case hex of n bytes into dst (2n + 1 characters). */
void text_hex(char *dst, const uint8_t *data, size_t n);
/* Exactly n bytes from 2n hex digits; false on anything else. */
bool text_unhex(uint8_t *dst, size_t n, const char *hex);
int text_hex_digit(char c);                     /* 0..15, -1 when it is none */
bool text_is_hex(const char *s, size_t digits); /* exactly that many lower- or upper-case hex digits */

/* Whole string as a number; false on empty, trailing bytes or out of range. */
bool text_to_i64(const char *s, int64_t *ret);
bool text_to_double(const char *s, double *ret); /* finite, '.' as decimal point in any locale */

/* Valid UTF-8 without surrogates, at most U+10FFFF. */
bool text_is_utf8(const char *s, size_t n);
/* The code point at s, of which n >= 1 bytes are there, and how many bytes it has; 0 when they are none. */
size_t text_code_point(const char *s, size_t n, uint32_t *ret);

/* In place: each byte that is no valid UTF-8, and each control character, becomes '?', line ends and tabs a
 * blank. */
void text_mend(char *s);

/* The last path component of a client's file name ("C:\\x\\a.mp4" and "/x/a.mp4" give "a.mp4"), control
 * characters and invalid UTF-8 removed, cut to size. Never fails; may be empty. */
void text_base_name(char *dst, size_t size, const char *path);

#endif
