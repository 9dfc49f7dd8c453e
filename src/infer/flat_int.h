/* Reads a FlatBuffer of somebody else: every offset is checked before it is followed. What points outside is
 * as if it were absent, and the file is marked broken: read what you want, then look at `broken` once.
 * Nothing here follows more than one offset a call, so a cycle costs what the caller spends on it. */
#ifndef ASSAY_INFER_FLAT_INT_H
#define ASSAY_INFER_FLAT_INT_H

#include "base/arena.h"
#include "base/bytes.h"

struct flat {
    struct bytes all;
    bool broken;
};

struct flat_table {
    struct flat *f; /* NULL: absent, every field has its default */
    size_t at, vtable, nfields, len;
};

struct flat_list {
    struct flat *f;
    size_t at, n, size; /* of one item */
};

struct flat_table flat_root(struct flat *f);
bool flat_has(const struct flat_table *t, size_t field);
int64_t flat_i8(const struct flat_table *t, size_t field, int64_t fallback);
int64_t flat_u8(const struct flat_table *t, size_t field, int64_t fallback);
int64_t flat_i32(const struct flat_table *t, size_t field, int64_t fallback);
int64_t flat_u32(const struct flat_table *t, size_t field, int64_t fallback);
float flat_f32(const struct flat_table *t, size_t field, float fallback);
struct flat_table flat_sub(const struct flat_table *t, size_t field);
/* Of items that have `size` bytes each; tables and texts are offsets of 4. */
struct flat_list flat_list(const struct flat_table *t, size_t field, size_t size);
struct bytes flat_bytes(const struct flat_table *t, size_t field);

/* i < n */
struct flat_table flat_list_table(const struct flat_list *l, size_t i);
int64_t flat_list_i32(const struct flat_list *l, size_t i);
int64_t flat_list_i64(const struct flat_list *l, size_t i);
float flat_list_f32(const struct flat_list *l, size_t i);

#endif
