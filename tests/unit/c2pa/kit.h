/* Makes JUMBF boxes, for the tests of this folder. */
#ifndef ASSAY_TESTS_C2PA_KIT_H
#define ASSAY_TESTS_C2PA_KIT_H

#include "base/bytes.h"

/* Big-endian number of n bytes. */
void kit_number(struct buf *b, uint64_t v, size_t n);
/* Begins a box; close_box with what it returns fills in the size. */
size_t kit_open_box(struct buf *b, const char *type);
void kit_close_box(struct buf *b, size_t at);
void kit_box(struct buf *b, const char *type, const void *body, size_t n);
/* A description box; `more` is what follows the label. */
void kit_description(struct buf *b, const char *letters, int toggles, const char *label, const void *more,
                     size_t n);
/* Begins a superbox with its description, requestable and labelled. */
size_t kit_open_super(struct buf *b, const char *letters, const char *label);
/* A whole store with one manifest of that label, `padding` bytes large and more. */
void kit_store(struct buf *b, const char *manifest, size_t padding);

#endif
