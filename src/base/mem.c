#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/c23.h"

static _Noreturn void out_of_memory(size_t size)
{
    fprintf(stderr, "assay: out of memory (%zu bytes wanted)\n", size);
    abort();
}

void *mem_alloc(size_t size)
{
    void *p = calloc(1, size ? size : 1);

    if (!p)
        out_of_memory(size);
    return p;
}

void *mem_resize(void *p, size_t count, size_t size)
{
    size_t total;

    if (ckd_mul(&total, count, size))
        out_of_memory(SIZE_MAX);
    p = realloc(p, total ? total : 1);
    if (!p)
        out_of_memory(total);
    return p;
}

char *mem_strdup(const char *s)
{
    size_t n = strlen(s) + 1;

    return memcpy(mem_alloc(n), s, n);
}
