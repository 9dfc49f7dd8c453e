#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* The first block of every request should come from malloc's cache of small pieces, which calloc does not
 * use: so small blocks are cleared piece by piece. Large ones come clear from the kernel. */
enum { FIRST_BLOCK = 960, SMALL_BLOCK = 4096, LARGEST_BLOCK = 1 << 20, ALIGN = 16 };

struct block {
    struct block *next;
    size_t used, size;
    bool clear; /* of old data */
    _Alignas(ALIGN) unsigned char data[];
};

struct arena {
    struct block *head; /* the block in use; older ones behind it */
    size_t next_size;
};

struct arena *arena_new(void)
{
    struct arena *a = mem_alloc(sizeof *a);

    a->next_size = FIRST_BLOCK;
    return a;
}

struct arena *arena_free(struct arena *a)
{
    if (!a)
        return NULL;
    for (struct block *b = a->head, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    free(a);
    return NULL;
}

void arena_freep(struct arena **a)
{
    *a = arena_free(*a);
}

static struct block *larger(struct block *a, struct block *b)
{
    if (!a || (b && b->size <= LARGEST_BLOCK && (a->size > LARGEST_BLOCK || b->size > a->size)))
        return b;
    return a;
}

/* Keeps one block: after a few rounds it is as large as all that a round needs. */
void arena_rewind(struct arena *a)
{
    struct block *kept = NULL;

    for (struct block *b = a->head; b; b = b->next)
        kept = larger(kept, b);
    for (struct block *b = a->head, *next; b; b = next) {
        next = b->next;
        if (b != kept || b->size > LARGEST_BLOCK)
            free(b);
    }
    a->head = kept && kept->size <= LARGEST_BLOCK ? kept : NULL;
    if (a->head) {
        a->head->next = NULL;
        a->head->used = 0;
        a->head->clear = false;
    }
}

static struct block *block_link(struct arena *a, struct block *b, size_t size, bool clear)
{
    *b = (struct block){.next = a->head, .size = size, .clear = clear};
    a->head = b;
    if (a->next_size < LARGEST_BLOCK)
        a->next_size *= 2;
    return b;
}

static struct block *block_add(struct arena *a, size_t least)
{
    size_t size = least > a->next_size ? least : a->next_size;
    bool clear = size > SMALL_BLOCK;
    struct block *b = clear ? mem_alloc(sizeof *b + size) : mem_resize(NULL, 1, sizeof *b + size);

    return block_link(a, b, size, clear);
}

void *arena_alloc(struct arena *a, size_t size)
{
    struct block *b = a->head;
    size_t need;
    void *p;

    if (ckd_add(&need, size, ALIGN - 1))
        need = SIZE_MAX / 2; /* mem_alloc ends the process */
    need &= ~(size_t)(ALIGN - 1);
    if (!b || b->size - b->used < need)
        b = block_add(a, need);
    p = b->data + b->used;
    b->used += need;
    return b->clear ? p : memset(p, 0, need);
}

void *arena_try(struct arena *a, size_t size)
{
    struct block *b;
    size_t all;

    if (ckd_add(&all, size, sizeof *b + ALIGN) || !(b = calloc(1, all)))
        return NULL;
    block_link(a, b, size, true)->used = size; /* a block of its own */
    return b->data;
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
    size_t total;

    if (ckd_mul(&total, count, size))
        total = SIZE_MAX / 2;
    return arena_alloc(a, total);
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
    char *copy = arena_alloc(a, n + 1);

    return n ? memcpy(copy, s, n) : copy; /* nothing may lie at NULL */
}

char *arena_strdup(struct arena *a, const char *s)
{
    return s ? arena_strndup(a, s, strlen(s)) : NULL;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list args, again;
    char *s;
    int n;

    va_start(args, fmt);
    va_copy(again, args);
    n = vsnprintf(NULL, 0, fmt, args);
    s = arena_alloc(a, (size_t)(n < 0 ? 0 : n) + 1);
    if (n > 0)
        vsnprintf(s, (size_t)n + 1, fmt, again);
    va_end(again);
    va_end(args);
    return s;
}

void *arena_grow(struct arena *a, void *items, size_t n, size_t *cap, size_t size)
{
    void *bigger;

    if (n < *cap)
        return items;
    *cap = *cap ? *cap * 2 : 8;
    bigger = arena_array(a, *cap, size);
    if (n)
        memcpy(bigger, items, n * size);
    return bigger;
}
