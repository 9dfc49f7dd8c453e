/* What the readers of containers share. A reader walks the headers of its format and reports the pieces of
 * the store with find_piece; container.c fetches and joins them. */
#ifndef ASSAY_C2PA_CONTAINER_INT_H
#define ASSAY_C2PA_CONTAINER_INT_H

#include "c2pa/container.h"

/* As many first bytes of a file as `is` sees, if it has them. */
enum { CONTAINER_FIRST = 16, FIND_NEAR = 4096 };

/* One search in one file. */
struct find {
    struct arena *a;
    const struct source *s;
    size_t steps; /* counted by find_step */
    struct extent *pieces;
    size_t n, cap;
    uint8_t near[FIND_NEAR]; /* what was read last: headers that lie close together cost one read */
    uint64_t near_at;
    size_t near_len;
};

/* One kind of container. */
struct container {
    const char *name;
    bool (*is)(struct bytes first);
    int (*find)(struct find *f, struct err *err); /* 0, or -1 and err */
};
extern const struct container container_jpeg, container_png, container_riff, container_bmff, container_tiff,
    container_id3, container_pdf;

/* n bytes from `at` on. 1; 0 when the file ends before; -1 when reading fails. */
int find_read(struct find *f, uint64_t at, void *to, size_t n, struct err *err);
/* Counts a segment, chunk, box or entry; ERR_LIMIT when there are too many. */
int find_step(struct find *f, struct err *err);
/* Here is (more of) the store. ERR_DECODE when the file ends before it does. */
int find_piece(struct find *f, uint64_t at, uint64_t len, struct err *err);
/* As find_piece, for a store that is whole in one place; ERR_DECODE when there is one already. */
int find_whole(struct find *f, uint64_t at, uint64_t len, struct err *err);

/* Numbers of n <= 8 bytes, big and little endian. */
uint64_t find_big(const uint8_t *p, size_t n);
uint64_t find_little(const uint8_t *p, size_t n);

#endif
