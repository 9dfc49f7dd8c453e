/* Writes ONNX models: the few messages of the format (a protocol buffer) that a converter needs. Nodes must
 * be added in the order in which they run. What does not fit under the ceiling is noticed at the end.
 *
 *     struct onnx *o = onnx_new(a, max_bytes);
 *     onnx_port(o, true, "x", 2, (int64_t[]){1, 8});
 *     onnx_floats(o, "w", 2, (int64_t[]){8, 8}, weights);
 *     onnx_node(o, "MatMul", "x w", "y");
 *     onnx_node(o, "Softmax", "y", "scores", ONNX_INT("axis", -1));
 *     onnx_port(o, false, "scores", 2, (int64_t[]){1, 8});
 *     r = onnx_end(o, a, &bytes, err);
 */
#ifndef ASSAY_INFER_ONNX_WRITE_H
#define ASSAY_INFER_ONNX_WRITE_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"

struct onnx;

enum { ONNX_MAX_DIMS = 8 };

/* Belongs to the caller, whose ONNX is freed by onnx_freep; names made by onnx_name lie in the arena. */
struct onnx *onnx_new(struct arena *a, size_t max_bytes);
void onnx_freep(struct onnx **o);
bool onnx_full(const struct onnx *o); /* over the ceiling: nothing more is kept */
/* Not given to anything before. */
const char *onnx_name(struct onnx *o);

/* A tensor of 32-bit floats that goes in or comes out; a dimension of -1 stays open. */
void onnx_port(struct onnx *o, bool input, const char *name, size_t ndims, const int64_t *dims);

/* Constants. */
void onnx_floats(struct onnx *o, const char *name, size_t ndims, const int64_t *dims, const float *data);
void onnx_int64s(struct onnx *o, const char *name, size_t ndims, const int64_t *dims, const int64_t *data);
/* The same with a new name, which is the result: one number without dimensions, and a list. */
const char *onnx_float(struct onnx *o, float value);
const char *onnx_list(struct onnx *o, size_t n, const int64_t *data);

/* One node. Names of inputs and outputs are separated by blanks; "-" stands for an input left out. Then
 * attributes, and NULL, which the macro adds. */
struct onnx_attr {
    const char *name;
    enum { ONNX_ATTR_INT, ONNX_ATTR_FLOAT, ONNX_ATTR_INTS } kind;
    int64_t i;
    float f;
    size_t n;
    const int64_t *ints;
};
#define ONNX_INT(k, v)            (&(struct onnx_attr){.name = (k), .kind = ONNX_ATTR_INT, .i = (v)})
#define ONNX_FLOAT(k, v)          (&(struct onnx_attr){.name = (k), .kind = ONNX_ATTR_FLOAT, .f = (v)})
#define ONNX_INTS(k, m, v)        (&(struct onnx_attr){.name = (k), .kind = ONNX_ATTR_INTS, .n = (m), .ints = (v)})
#define onnx_node(o, op, in, ...) onnx_node_((o), (op), (in), __VA_ARGS__, (const struct onnx_attr *)NULL)
void onnx_node_(struct onnx *o, const char *op, const char *in, const char *out, ...);
/* The same with one output of a new name, which is the result. */
#define onnx_step(o, op, ...) onnx_step_((o), (op), __VA_ARGS__, (const struct onnx_attr *)NULL)
const char *onnx_step_(struct onnx *o, const char *op, const char *in, ...);

/* The whole model, into the arena. ERR_LIMIT over the ceiling or without memory. */
int onnx_end(struct onnx *o, struct arena *a, struct bytes *ret, struct err *err);

#endif
