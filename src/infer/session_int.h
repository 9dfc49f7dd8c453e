/* What infer/graph.c needs of ONNX Runtime, which only infer/onnx.c sees: a session over a model's bytes, the
 * ports it has, memory laid under its inputs, a run. */
#ifndef ASSAY_INFER_SESSION_INT_H
#define ASSAY_INFER_SESSION_INT_H

#include "base/arena.h"
#include "base/bytes.h"
#include "infer/model.h"
#include "report/sensor.h"

struct session;

int session_open(struct session **ret_session, const struct runtime *rt, struct bytes onnx, struct err *err);
void session_freep(struct session **s);
size_t session_ninputs(const struct session *s);
size_t session_noutputs(const struct session *s);
/* Name and shape into the arena, which outlives the session; -1 for what the model leaves open.
 * ERR_UNSUPPORTED when it is no tensor of 32-bit floats. */
int session_port(struct session *s, bool input, size_t i, struct arena *a, struct model_port *ret,
                 struct err *err);
/* `data` holds as many numbers as the port, and stays. */
int session_bind(struct session *s, size_t i, const struct model_port *port, float *data, struct err *err);
int session_run(struct session *s, struct err *err);
/* Of the last run, until the next; at most `max` numbers. */
int session_output(struct session *s, size_t i, size_t max, const float **ret, size_t *ret_n,
                   struct err *err);

#endif
