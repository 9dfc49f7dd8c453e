/* Allocation. Memory exhaustion ends the process (docs/decisions.md, "Memory"): every input has a ceiling,
 * the store survives a kill at any moment, and an analyst which dies costs one job attempt. So none of these
 * returns NULL. What may be large because somebody sent something large is asked for with arena_try. */
#ifndef ASSAY_BASE_MEM_H
#define ASSAY_BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t size);                         /* zeroed */
void *mem_resize(void *p, size_t count, size_t size); /* realloc to count * size, checked */
char *mem_strdup(const char *s);

#endif
