/* Models that jobs bring along, kept open: opening one takes milliseconds, running it a few microseconds. An
 * analyst has one shelf and gets the models of a job from it, by the SHA-256 of their bytes; a few of the
 * last ones stay. One thread. */
#ifndef ASSAY_INFER_GRAPH_SHELF_H
#define ASSAY_INFER_GRAPH_SHELF_H

#include "infer/graph.h"

enum { GRAPH_SHELF_PLACES = 2 * IMPULSE_BLOCKS, GRAPH_SHELF_BYTES = 64 << 20 }; /* of files, between jobs */

struct graph_shelf;
struct graph_shelf *graph_shelf_new(void);
void graph_shelf_freep(struct graph_shelf **s);

/* A job begins: what nobody asked for lately goes, if there is too much. Graphs of earlier jobs may be gone
 * now; those of this job stay, for at most IMPULSE_BLOCKS different models. */
void graph_shelf_begin(struct graph_shelf *s);
/* The model in `size` bytes at `offset` of a descriptor, ONNX or TFLite; nothing is read when it is open
 * already. sha256 "": never kept for another job. ERR_MODEL, ERR_UNSUPPORTED, ERR_LIMIT, ERR_IO. */
int graph_shelf_get(struct graph_shelf *s, struct runtime *rt, const char *sha256, int fd, int64_t offset,
                    int64_t size, struct graph **ret_graph, struct err *err);

#endif
