/* A bounded queue of pointers between threads. Fixed length at creation; full means "busy", never "grow".
 * Any number of producers and consumers. */
#ifndef ASSAY_BASE_QUEUE_H
#define ASSAY_BASE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct queue;

struct queue *queue_new(size_t max_len);
struct queue *queue_free(struct queue *q); /* must be empty or its items owned elsewhere; returns NULL */

bool queue_push(struct queue *q, void *item); /* false when full or closed */
/* Waits for items and moves up to `max` of them to ret_items, oldest first. 0 once closed and drained, or
 * when deadline_mono_us (0 = none) has passed. */
size_t queue_take(struct queue *q, void **ret_items, size_t max, int64_t deadline_mono_us);
void queue_close(struct queue *q); /* wakes all takers; what is inside can still be taken */
size_t queue_len(struct queue *q);

#endif
