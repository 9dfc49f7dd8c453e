/* Bytes by hand: what hostile files are put together from. All results live in the arena; copies and rooms
 * may be written to. Failures end the test program. */
#ifndef ASSAY_TEST_CRAFT_H
#define ASSAY_TEST_CRAFT_H

#include "base/arena.h"
#include "base/bytes.h"

struct bytes craft_text(struct arena *a, const char *text);
uint8_t *craft_room(struct arena *a, size_t n); /* zeros */
uint8_t *craft_copy(struct arena *a, struct bytes b);
struct bytes craft_join(struct arena *a, struct bytes x, struct bytes y);
struct bytes craft_random(struct arena *a, size_t n, uint64_t seed);
uint64_t craft_next(uint64_t *state); /* splitmix64: the next of a sequence that the state decides */

/* Big endian. */
void craft_put32(uint8_t *at, uint32_t v);
uint32_t craft_get32(const uint8_t *at);

/* The box of that type in an MP4 in memory: its first byte, the size. Types are found as bytes; the clips are
 * small. */
uint8_t *craft_box(uint8_t *clip, size_t len, const char *type);
struct bytes craft_boxed(struct arena *a, const char *type, struct bytes content);
/* The MP4 with its index in front, as a file that was made for streaming has it. */
struct bytes craft_index_first(struct arena *a, struct bytes clip);

/* That many bytes of deflate which unpack to zeros, about 160 times as many. */
struct bytes craft_deflated_zeros(struct arena *a, size_t bytes);

#endif
