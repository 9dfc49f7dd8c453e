/* Between the files that turn TFLite into ONNX.
 *
 * tflite_load.c makes structs of the file; tflite.c goes through the operators in their order and finds each
 * in the table of tflite_ops.c, whose function adds nodes to the ONNX. Layouts: a TFLite picture is NHWC,
 * ONNX convolves NCHW; a tensor of 4 dimensions may have a name in either order or both, and is turned when
 * the order that is asked for is not there yet, so that a chain of convolutions turns nothing in between.
 *
 * Integers: the ONNX computes with floats. A tensor of integers is there as q - zero, whole numbers, real =
 * that * scale; after each operator it is rounded and clipped to what its type holds, as the original does.
 * The scales of convolutions go into their weights. */
#ifndef ASSAY_INFER_TFLITE_INT_H
#define ASSAY_INFER_TFLITE_INT_H

#include "base/arena.h"
#include "base/err.h"
#include "infer/convert.h"
#include "infer/flat_int.h"
#include "infer/onnx_write.h"

enum {
    TFLITE_TENSORS = 1 << 14,
    TFLITE_OPERATORS = 1 << 13,
    TFLITE_ARGS = 256,         /* inputs of an operator */
    TFLITE_NUMBERS = 1 << 24,  /* of a tensor */
    TFLITE_MAX_ONNX = 64 << 20 /* bytes of what comes out: an analyst has memory for a few times that */
};

/* Numbers of schema.fbs. */
enum tflite_type { TYPE_FLOAT32, TYPE_FLOAT16, TYPE_INT32, TYPE_UINT8, TYPE_INT64, TYPE_INT8 = 9 };
enum tflite_act { ACT_NONE, ACT_RELU, ACT_RELU_N1, ACT_RELU6, ACT_TANH };

enum layout { AS_FILED, AS_NCHW, LAYOUTS };

struct tflite_tensor {
    char *name; /* in the file; may be no UTF-8 */
    int type;
    size_t ndims, count;
    int64_t dims[ONNX_MAX_DIMS];
    struct bytes data; /* of a constant */
    bool integer;      /* int8 or uint8 */
    float scale;       /* of an integer */
    int zero;
    struct flat_list scales, zeros; /* one, or one for each slice along `axis` */
    int64_t axis;
    bool state, sparse, open;   /* what we cannot do */
    const char *names[LAYOUTS]; /* in the ONNX; NULL: not there (yet) */
};

struct tflite_op {
    int code;
    struct bytes custom; /* name of a custom operator */
    size_t ninputs, noutputs;
    struct tflite_tensor **in, **out; /* in: NULL for what is left out */
    struct flat_table options;
    struct bytes custom_options;
};

struct tflite {
    struct flat flat;
    size_t ntensors, nops, ninputs, noutputs;
    struct tflite_tensor *tensors;
    struct tflite_op *ops;
    struct tflite_tensor *in[MODEL_PORTS], *out[MODEL_PORTS];
};

int tflite_load(struct arena *a, struct bytes file, struct tflite **ret, struct err *err);

/* What an operator's function works with: the ONNX it writes, and the operator. */
struct tflite_row;
struct work {
    struct arena *arena;
    struct onnx *onnx;
    const struct tflite_op *op;
    const struct tflite_row *row;
    const char *op_name;
};

/* An operator that we know: how many inputs it must have, and whether one row's function serves several,
 * which node of ONNX it becomes. All have one output at least. */
struct tflite_row {
    int code;
    const char *name;
    size_t min_in, max_in;
    int (*convert)(struct work *w, struct err *err);
    const char *node;
};
/* ERR_UNSUPPORTED by its name and number. */
int tflite_op_convert(struct work *w, const struct tflite_op *op, struct err *err);
int tflite_op_unknown(const struct tflite_op *op, struct err *err);

/* ---- tflite_value.c: tensors as values of the ONNX ---- */

/* The name of it in that order; a constant is written first. Fails when no operator has made it. */
int value_of(struct work *w, struct tflite_tensor *t, enum layout l, const char **ret, struct err *err);
void value_is(struct tflite_tensor *t, enum layout l, const char *name);
/* As a real number, filed order. */
int real_of(struct work *w, struct tflite_tensor *t, const char **ret, struct err *err);
/* x * factor; x itself when the factor is 1. */
const char *times(struct work *w, const char *x, double factor);
/* Of x in units of t's scale: the activation, and of integers the rounding and the limits of their type. */
const char *settle(struct work *w, const char *x, const struct tflite_tensor *t, int64_t act);
/* x real: into units, settled. */
const char *settle_real(struct work *w, const char *x, const struct tflite_tensor *t, int64_t act);
/* real value / units of it */
double unit_of(const struct tflite_tensor *t);
bool same_shape(const struct tflite_tensor *a, const struct tflite_tensor *b);
/* `axis` may count from the end. */
int axis_of(const struct work *w, int64_t axis, size_t ndims, size_t *ret, struct err *err);
/* The numbers of a constant of whole numbers; into the arena. */
int whole_numbers(struct work *w, const struct tflite_tensor *t, size_t max, const int64_t **ret,
                  size_t *ret_n, struct err *err);
/* The i-th number of a constant as it is stored, without zero and scale. */
double stored(const struct tflite_tensor *t, size_t i);
/* Scale and zero of the k-th slice. */
double slice_scale(const struct tflite_tensor *t, size_t k);
double slice_zero(const struct tflite_tensor *t, size_t k);
int broken(const struct work *w, const char *what, struct err *err);

/* ---- operators in files of their own ---- */
int convert_conv(struct work *w, struct err *err);
int convert_dense(struct work *w, struct err *err);
int convert_pool(struct work *w, struct err *err);
int convert_detection(struct work *w, struct err *err);

#endif
