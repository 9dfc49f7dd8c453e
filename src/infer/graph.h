/* A model without a card: somebody's own, as ONNX bytes, known by what it says of itself. For impulses, whose
 * models come and go with their projects, so an analyst opens them when a job needs them.
 *
 * Every input and output is a tensor of 32-bit floats of a known shape; a dimension that is left open counts
 * as 1. Models with other inputs are ERR_UNSUPPORTED (infer/convert.h makes floats of integers). The bytes
 * are foreign: run it only where the walls are. A graph belongs to one thread at a time; opening and running
 * make no threads. */
#ifndef ASSAY_INFER_GRAPH_H
#define ASSAY_INFER_GRAPH_H

#include "base/bytes.h"
#include "infer/model.h"
#include "report/sensor.h"

struct graph;

enum { GRAPH_MAX_NUMBERS = 1 << 24 }; /* of one input or output */

/* ERR_MODEL with what the runtime says; ERR_LIMIT. The bytes are not needed afterwards. */
int graph_open(struct graph **ret_graph, struct runtime *rt, struct bytes onnx, struct err *err);
void graph_freep(struct graph **g);
size_t graph_ninputs(const struct graph *g);
size_t graph_noutputs(const struct graph *g);
const struct model_port *graph_input(const struct graph *g, size_t i);
const struct model_port *graph_output(const struct graph *g, size_t i);
size_t port_count(const struct model_port *p); /* numbers of it */
/* Memory of an input, to be filled before graph_run. */
float *graph_in(struct graph *g, size_t i);
/* ERR_TIMEOUT when deadline_mono_us (0 = none) has passed before it begins. */
int graph_run(struct graph *g, int64_t deadline_mono_us, struct err *err);
/* Of the last run; valid until the next. Shapes that depend on the input come as they are: *ret_n numbers. */
const float *graph_out(const struct graph *g, size_t i, size_t *ret_n);

#endif
