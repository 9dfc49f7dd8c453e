/* Where a file keeps its manifest store, and the store's bytes.
 *
 * A file is read through `struct source`, a piece at a time; in memory is only the store itself. One row per
 * container (container.c): JPEG, PNG, RIFF, BMFF, TIFF, ID3v2, PDF. That a file has no store, is of another
 * kind or is damaged elsewhere is no error, it has none: whether a file is sound is not asked here. Errors
 * are a store that is cut off, in two copies, or above a ceiling, and reads that fail.
 *
 * Ceilings: CONTAINER_MAX_STORE bytes of store, CONTAINER_MAX_STEPS segments, chunks, boxes or entries.
 * No state, any thread; same bytes, same answer. */
#ifndef ASSAY_C2PA_CONTAINER_H
#define ASSAY_C2PA_CONTAINER_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"

enum { CONTAINER_MAX_STORE = 64 << 20, CONTAINER_MAX_STEPS = 1 << 18 };
#define CONTAINER_MAX_SCAN ((uint64_t)256 << 20) /* bytes of a PDF, the only kind that is read through */

/* A file, or bytes. read fills exactly n bytes from offset `at` on; it is asked for nothing beyond `size`. */
struct source {
    int (*read)(void *self, uint64_t at, void *to, size_t n, struct err *err);
    void *self;
    uint64_t size; /* bytes */
};
/* Borrows *b, which must stay. */
struct source source_of_bytes(struct bytes *b);
/* Borrows *fd: pread, so its position is neither used nor moved. */
struct source source_of_fd(int *fd, uint64_t size);

/* A part of the file. */
struct extent {
    uint64_t at, len; /* bytes */
};

/* What was found. The store lies in the file in one or more pieces, with wrapping of the container around
 * each that is left out of `bytes`. */
struct container_store {
    const char *container; /* "jpeg", "png", ...; NULL: none of those */
    struct bytes bytes;    /* in the arena, for jumbf_read; empty when there is none */
    struct extent *pieces; /* in the arena: where `bytes` comes from, in this order */
    size_t npieces;
};

/* 1 found, 0 none (ret->container is set all the same), -1: ERR_DECODE, ERR_LIMIT, ERR_UNSUPPORTED, or what
 * source->read said. */
int container_find(struct arena *a, const struct source *s, struct container_store *ret, struct err *err);

#endif
