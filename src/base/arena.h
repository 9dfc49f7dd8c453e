/* An arena: many small allocations, one free. One per job and one per request; what belongs to it is never
 * freed by hand. Not thread safe: an arena has one owner at a time and may be handed over.
 *
 * Memory is zeroed and aligned to 16 bytes. Allocation never fails (base/mem.h). */
#ifndef ASSAY_BASE_ARENA_H
#define ASSAY_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "base/c23.h"

struct arena;

struct arena *arena_new(void);
struct arena *arena_free(struct arena *a); /* NULL is fine; returns NULL */
void arena_freep(struct arena **a);

void *arena_alloc(struct arena *a, size_t size);
/* For what is as large as a stranger wants it to be: NULL when there is no memory for it. */
void *arena_try(struct arena *a, size_t size);
/* Everything in it is gone, and the memory of most of it is kept for what comes next: for the same work over
 * and over. */
void arena_rewind(struct arena *a);
/* count * size with overflow check. */
void *arena_array(struct arena *a, size_t count, size_t size);
char *arena_strdup(struct arena *a, const char *s); /* NULL gives NULL */
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF(2, 3);

/* Makes room for one more element in a growing array that lives in the arena:
 *     ARENA_PUSH(a, r->scores, r->nscores, r->scores_cap) = (struct score){...};
 * Doubling leaves the old copies in the arena: at most as much again as the final array. */
#define ARENA_PUSH(a, items, n, cap) \
    (*((items) = arena_grow((a), (items), (n), &(cap), sizeof *(items)), &(items)[(n)++]))
void *arena_grow(struct arena *a, void *items, size_t n, size_t *cap, size_t size);

#endif
