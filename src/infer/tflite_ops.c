#include <string.h>

#include "base/text.h"
#include "infer/tflite_int.h"

enum { FIRST_OPTION }; /* of an operator's options */

/* ---- element by element ---- */

/* Of equal pictures that are there as NCHW: nothing is turned. */
static enum layout common_layout(const struct tflite_tensor *a, const struct tflite_tensor *b)
{
    return a && b && a->ndims == 4 && same_shape(a, b) && a->names[AS_NCHW] && b->names[AS_NCHW] ? AS_NCHW
                                                                                                 : AS_FILED;
}

static int two_inputs(struct work *w, enum layout l, const char *ret[2], struct err *err)
{
    for (size_t i = 0; i < 2; i++)
        if (value_of(w, w->op->in[i], l, &ret[i], err) < 0)
            return -1;
    return 0;
}

static void finish_two(struct work *w, enum layout l, const char *a, const char *b, double factor)
{
    struct tflite_tensor *out = w->op->out[0];
    const char *x = onnx_step(w->onnx, w->row->node, arena_printf(w->arena, "%s %s", a, b));

    value_is(out, l, settle(w, times(w, x, factor), out, flat_i8(&w->op->options, FIRST_OPTION, ACT_NONE)));
}

/* Each in units of the output first. */
static int convert_sum(struct work *w, struct err *err)
{
    struct tflite_tensor **in = w->op->in;
    enum layout l = common_layout(in[0], in[1]);
    double unit = unit_of(w->op->out[0]);
    const char *x[2];

    if (two_inputs(w, l, x, err) < 0)
        return -1;
    finish_two(w, l, times(w, x[0], unit_of(in[0]) / unit), times(w, x[1], unit_of(in[1]) / unit), 1);
    return 0;
}

static int convert_product(struct work *w, struct err *err)
{
    struct tflite_tensor **in = w->op->in;
    enum layout l = common_layout(in[0], in[1]);
    const char *x[2];

    if (two_inputs(w, l, x, err) < 0)
        return -1;
    finish_two(w, l, x[0], x[1], unit_of(in[0]) * unit_of(in[1]) / unit_of(w->op->out[0]));
    return 0;
}

static int convert_quotient(struct work *w, struct err *err)
{
    struct tflite_tensor **in = w->op->in;
    const char *x[2];

    if (two_inputs(w, AS_FILED, x, err) < 0)
        return -1;
    finish_two(w, AS_FILED, x[0], x[1], unit_of(in[0]) / unit_of(in[1]) / unit_of(w->op->out[0]));
    return 0;
}

static int convert_squared_difference(struct work *w, struct err *err)
{
    struct tflite_tensor *out = w->op->out[0];
    const char *a, *b, *x;

    if (real_of(w, w->op->in[0], &a, err) < 0 || real_of(w, w->op->in[1], &b, err) < 0)
        return -1;
    x = onnx_step(w->onnx, "Sub", arena_printf(w->arena, "%s %s", a, b));
    x = onnx_step(w->onnx, "Mul", arena_printf(w->arena, "%s %s", x, x));
    value_is(out, AS_FILED, settle_real(w, x, out, ACT_NONE));
    return 0;
}

/* One input, one node on real numbers. */
static int convert_unary(struct work *w, struct err *err)
{
    struct tflite_tensor *out = w->op->out[0];
    const char *x;

    if (real_of(w, w->op->in[0], &x, err) < 0)
        return -1;
    value_is(out, AS_FILED, settle_real(w, onnx_step(w->onnx, w->row->node, x), out, ACT_NONE));
    return 0;
}

static int convert_square(struct work *w, struct err *err)
{
    struct tflite_tensor *out = w->op->out[0];
    const char *x;

    if (real_of(w, w->op->in[0], &x, err) < 0)
        return -1;
    x = onnx_step(w->onnx, "Mul", arena_printf(w->arena, "%s %s", x, x));
    value_is(out, AS_FILED, settle_real(w, x, out, ACT_NONE));
    return 0;
}

static int convert_rsqrt(struct work *w, struct err *err)
{
    struct tflite_tensor *out = w->op->out[0];
    const char *x;

    if (real_of(w, w->op->in[0], &x, err) < 0)
        return -1;
    x = onnx_step(w->onnx, "Reciprocal", onnx_step(w->onnx, "Sqrt", x));
    value_is(out, AS_FILED, settle_real(w, x, out, ACT_NONE));
    return 0;
}

static int convert_leaky_relu(struct work *w, struct err *err)
{
    struct tflite_tensor *out = w->op->out[0];
    const char *x;

    if (real_of(w, w->op->in[0], &x, err) < 0)
        return -1;
    x = onnx_step(w->onnx, "LeakyRelu", x, ONNX_FLOAT("alpha", flat_f32(&w->op->options, FIRST_OPTION, 0)));
    value_is(out, AS_FILED, settle_real(w, x, out, ACT_NONE));
    return 0;
}

/* x * relu6(x + 3) / 6 */
static int convert_hard_swish(struct work *w, struct err *err)
{
    struct tflite_tensor *out = w->op->out[0];
    const char *x, *gate;

    if (real_of(w, w->op->in[0], &x, err) < 0)
        return -1;
    gate = onnx_step(w->onnx, "HardSigmoid", x, ONNX_FLOAT("alpha", 1.0f / 6), ONNX_FLOAT("beta", 0.5f));
    x = onnx_step(w->onnx, "Mul", arena_printf(w->arena, "%s %s", x, gate));
    value_is(out, AS_FILED, settle_real(w, x, out, ACT_NONE));
    return 0;
}

/* What only changes units or cuts: the same number, settled. QUANTIZE, DEQUANTIZE, RELU, RELU6, ... */
static int pass(struct work *w, int64_t act, struct err *err)
{
    struct tflite_tensor *in = w->op->in[0], *out = w->op->out[0];
    enum layout l = in && in->names[AS_NCHW] ? AS_NCHW : AS_FILED;
    const char *x;

    if (value_of(w, in, l, &x, err) < 0)
        return -1;
    value_is(out, l, settle(w, times(w, x, unit_of(in) / unit_of(out)), out, act));
    return 0;
}

static int convert_units(struct work *w, struct err *err)
{
    return pass(w, ACT_NONE, err);
}

static int convert_relu(struct work *w, struct err *err)
{
    return pass(w, ACT_RELU, err);
}

static int convert_relu_n1(struct work *w, struct err *err)
{
    return pass(w, ACT_RELU_N1, err);
}

static int convert_relu6(struct work *w, struct err *err)
{
    return pass(w, ACT_RELU6, err);
}

/* ---- SOFTMAX ---- */

static int convert_softmax(struct work *w, struct err *err)
{
    struct tflite_tensor *in = w->op->in[0], *out = w->op->out[0];
    bool logarithm = w->op->code == 50;
    double beta = logarithm ? 1 : (double)flat_f32(&w->op->options, FIRST_OPTION, 0);
    const char *x;

    if (value_of(w, in, AS_FILED, &x, err) < 0)
        return -1;
    x = onnx_step(w->onnx, w->row->node, times(w, x, unit_of(in) * beta), ONNX_INT("axis", -1));
    value_is(out, AS_FILED, settle_real(w, x, out, ACT_NONE));
    return 0;
}

/* ---- shapes ---- */

static const char *reshape(struct work *w, const char *x, const struct tflite_tensor *to)
{
    return onnx_step(w->onnx, "Reshape",
                     arena_printf(w->arena, "%s %s", x, onnx_list(w->onnx, to->ndims, to->dims)));
}

/* RESHAPE, SQUEEZE, EXPAND_DIMS: the file says what comes out. */
static int convert_reshape(struct work *w, struct err *err)
{
    struct tflite_tensor *in = w->op->in[0], *out = w->op->out[0];
    const char *x;

    if (value_of(w, in, AS_FILED, &x, err) < 0)
        return -1;
    if (in->count != out->count || out->open)
        return broken(w, "its output holds another count of numbers than its input", err);
    x = times(w, x, unit_of(in) / unit_of(out));
    if (!same_shape(in, out))
        x = reshape(w, x, out);
    value_is(out, AS_FILED, x);
    return 0;
}

/* From a pair for each dimension to all beginnings and then all ends, in the order of the layout. */
static const char *pad_list(struct work *w, const int64_t *pairs, size_t ndims, enum layout l)
{
    static const size_t nchw[] = {0, 3, 1, 2};
    int64_t all[2 * ONNX_MAX_DIMS];

    for (size_t i = 0; i < ndims; i++) {
        size_t from = l == AS_NCHW ? nchw[i] : i;
        all[i] = pairs[2 * from];
        all[ndims + i] = pairs[2 * from + 1];
    }
    return onnx_list(w->onnx, 2 * ndims, all);
}

/* PAD fills with real 0, PADV2 with its third input. */
static int convert_pad(struct work *w, struct err *err)
{
    struct tflite_tensor *in = w->op->in[0], *out = w->op->out[0];
    enum layout l = in && in->names[AS_NCHW] ? AS_NCHW : AS_FILED;
    const char *x, *fill = NULL;
    const int64_t *pairs;
    size_t n;

    if (value_of(w, in, l, &x, err) < 0 || !w->op->in[1] ||
        whole_numbers(w, w->op->in[1], 2 * ONNX_MAX_DIMS, &pairs, &n, err) < 0)
        return -1;
    if (n != 2 * in->ndims)
        return broken(w, "it pads other dimensions than its input has", err);
    for (size_t i = 0; i < n; i++)
        if (pairs[i] < 0 || pairs[i] > INT16_MAX)
            return broken(w, "its padding is out of range", err);
    if (w->op->ninputs > 2) {
        if (value_of(w, w->op->in[2], AS_FILED, &fill, err) < 0)
            return -1;
        fill = onnx_step(w->onnx, "Squeeze", fill);
    }
    x = onnx_step(w->onnx, "Pad",
                  arena_printf(w->arena, "%s %s %s", x, pad_list(w, pairs, in->ndims, l), fill ? fill : "-"));
    value_is(out, l, times(w, x, unit_of(in) / unit_of(out)));
    return 0;
}

static int convert_transpose(struct work *w, struct err *err)
{
    struct tflite_tensor *in = w->op->in[0], *out = w->op->out[0];
    const int64_t *order;
    const char *x;
    size_t n, axis;

    if (value_of(w, in, AS_FILED, &x, err) < 0 || !w->op->in[1] ||
        whole_numbers(w, w->op->in[1], ONNX_MAX_DIMS, &order, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (order[i] < 0 || axis_of(w, order[i], in->ndims, &axis, err) < 0)
            return broken(w, "its order names dimensions that are not there", err);
    x = onnx_step(w->onnx, "Transpose", x, ONNX_INTS("perm", n, order));
    value_is(out, AS_FILED, times(w, x, unit_of(in) / unit_of(out)));
    return 0;
}

/* Names of all inputs in one text, in units of the output. */
static int join_inputs(struct work *w, enum layout l, const char *also, const char **ret, struct err *err)
{
    const struct tflite_tensor *out = w->op->out[0];
    struct buf names = BUF(TFLITE_ARGS * 16);

    for (size_t i = 0; i < w->op->ninputs; i++) {
        const char *x;
        if (value_of(w, w->op->in[i], l, &x, err) < 0) {
            buf_clear(&names);
            return -1;
        }
        x = times(w, x, unit_of(w->op->in[i]) / unit_of(out));
        if (also)
            x = onnx_step(w->onnx, "Unsqueeze", arena_printf(w->arena, "%s %s", x, also));
        buf_printf(&names, i ? " %s" : "%s", x);
    }
    *ret = arena_strdup(w->arena, names.data);
    buf_clear(&names);
    return 0;
}

enum { CONCAT_AXIS, CONCAT_ACT };
enum { PACK_COUNT, PACK_AXIS };

static enum layout layout_of_all(const struct work *w)
{
    for (size_t i = 0; i < w->op->ninputs; i++)
        if (!w->op->in[i] || w->op->in[i]->ndims != 4 || !w->op->in[i]->names[AS_NCHW])
            return AS_FILED;
    return AS_NCHW;
}

static int convert_concatenation(struct work *w, struct err *err)
{
    static const int64_t nchw[] = {0, 2, 3, 1};
    struct tflite_tensor *out = w->op->out[0];
    enum layout l = layout_of_all(w);
    const char *names;
    size_t axis;

    if (!w->op->in[0])
        return broken(w, "an input is missing", err);
    if (axis_of(w, flat_i32(&w->op->options, CONCAT_AXIS, 0), w->op->in[0]->ndims, &axis, err) < 0 ||
        join_inputs(w, l, NULL, &names, err) < 0)
        return -1;
    names = onnx_step(w->onnx, "Concat", names, ONNX_INT("axis", l == AS_NCHW ? nchw[axis] : (int64_t)axis));
    value_is(out, l, settle(w, names, out, flat_i8(&w->op->options, CONCAT_ACT, ACT_NONE)));
    return 0;
}

static int convert_pack(struct work *w, struct err *err)
{
    struct tflite_tensor *out = w->op->out[0];
    const char *names;
    size_t axis;

    if (!w->op->in[0])
        return broken(w, "an input is missing", err);
    if (axis_of(w, flat_i32(&w->op->options, PACK_AXIS, 0), w->op->in[0]->ndims + 1, &axis, err) < 0 ||
        join_inputs(w, AS_FILED, onnx_list(w->onnx, 1, (int64_t[]){(int64_t)axis}), &names, err) < 0)
        return -1;
    names = onnx_step(w->onnx, "Concat", names, ONNX_INT("axis", (int64_t)axis));
    value_is(out, AS_FILED, settle(w, names, out, ACT_NONE));
    return 0;
}

/* MEAN, SUM, REDUCE_MAX, REDUCE_MIN over constant axes. */
static int convert_reduce(struct work *w, struct err *err)
{
    struct tflite_tensor *in = w->op->in[0], *out = w->op->out[0];
    bool keep = flat_u8(&w->op->options, FIRST_OPTION, 0), as_input = text_is(w->row->node, "ReduceSum");
    const int64_t *axes;
    const char *x;
    size_t n, axis;

    if (value_of(w, in, AS_FILED, &x, err) < 0 || !w->op->in[1] ||
        whole_numbers(w, w->op->in[1], ONNX_MAX_DIMS, &axes, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (axis_of(w, axes[i], in->ndims, &axis, err) < 0)
            return -1;
    if (as_input)
        x = onnx_step(w->onnx, w->row->node, arena_printf(w->arena, "%s %s", x, onnx_list(w->onnx, n, axes)),
                      ONNX_INT("keepdims", keep));
    else
        x = onnx_step(w->onnx, w->row->node, x, ONNX_INTS("axes", n, axes), ONNX_INT("keepdims", keep));
    value_is(out, AS_FILED, settle(w, times(w, x, unit_of(in) / unit_of(out)), out, ACT_NONE));
    return 0;
}

/* ---- BATCH_MATMUL ---- */

static const char *turn_last_two(struct work *w, const char *x, size_t ndims)
{
    int64_t order[ONNX_MAX_DIMS];

    for (size_t i = 0; i < ndims; i++)
        order[i] = (int64_t)i;
    order[ndims - 2] = (int64_t)ndims - 1;
    order[ndims - 1] = (int64_t)ndims - 2;
    return onnx_step(w->onnx, "Transpose", x, ONNX_INTS("perm", ndims, order));
}

static int convert_matmul(struct work *w, struct err *err)
{
    struct tflite_tensor *out = w->op->out[0];
    const char *x[2];

    for (size_t i = 0; i < 2; i++) {
        if (real_of(w, w->op->in[i], &x[i], err) < 0)
            return -1;
        if (w->op->in[i]->ndims < 2)
            return broken(w, "its input is no matrix", err);
        if (flat_u8(&w->op->options, i, 0))
            x[i] = turn_last_two(w, x[i], w->op->in[i]->ndims);
    }
    x[0] = onnx_step(w->onnx, "MatMul", arena_printf(w->arena, "%s %s", x[0], x[1]));
    value_is(out, AS_FILED, settle_real(w, x[0], out, ACT_NONE));
    return 0;
}

/* ---- the table ---- */

static const struct tflite_row rows[] = {
    {0, "ADD", 2, 2, convert_sum, "Add"},
    {1, "AVERAGE_POOL_2D", 1, 1, convert_pool, NULL},
    {2, "CONCATENATION", 1, TFLITE_ARGS, convert_concatenation, NULL},
    {3, "CONV_2D", 2, 3, convert_conv, NULL},
    {4, "DEPTHWISE_CONV_2D", 2, 3, convert_conv, NULL},
    {6, "DEQUANTIZE", 1, 1, convert_units, NULL},
    {9, "FULLY_CONNECTED", 2, 3, convert_dense, NULL},
    {14, "LOGISTIC", 1, 1, convert_unary, "Sigmoid"},
    {17, "MAX_POOL_2D", 1, 1, convert_pool, NULL},
    {18, "MUL", 2, 2, convert_product, "Mul"},
    {19, "RELU", 1, 1, convert_relu, NULL},
    {20, "RELU_N1_TO_1", 1, 1, convert_relu_n1, NULL},
    {21, "RELU6", 1, 1, convert_relu6, NULL},
    {22, "RESHAPE", 1, 2, convert_reshape, NULL},
    {25, "SOFTMAX", 1, 1, convert_softmax, "Softmax"},
    {28, "TANH", 1, 1, convert_unary, "Tanh"},
    {34, "PAD", 2, 2, convert_pad, NULL},
    {39, "TRANSPOSE", 2, 2, convert_transpose, NULL},
    {40, "MEAN", 2, 2, convert_reduce, "ReduceMean"},
    {41, "SUB", 2, 2, convert_sum, "Sub"},
    {42, "DIV", 2, 2, convert_quotient, "Div"},
    {43, "SQUEEZE", 1, 1, convert_reshape, NULL},
    {47, "EXP", 1, 1, convert_unary, "Exp"},
    {50, "LOG_SOFTMAX", 1, 1, convert_softmax, "LogSoftmax"},
    {55, "MAXIMUM", 2, 2, convert_sum, "Max"},
    {57, "MINIMUM", 2, 2, convert_sum, "Min"},
    {59, "NEG", 1, 1, convert_unary, "Neg"},
    {60, "PADV2", 3, 3, convert_pad, NULL},
    {70, "EXPAND_DIMS", 1, 2, convert_reshape, NULL},
    {73, "LOG", 1, 1, convert_unary, "Log"},
    {74, "SUM", 2, 2, convert_reduce, "ReduceSum"},
    {75, "SQRT", 1, 1, convert_unary, "Sqrt"},
    {76, "RSQRT", 1, 1, convert_rsqrt, NULL},
    {82, "REDUCE_MAX", 2, 2, convert_reduce, "ReduceMax"},
    {83, "PACK", 1, TFLITE_ARGS, convert_pack, NULL},
    {89, "REDUCE_MIN", 2, 2, convert_reduce, "ReduceMin"},
    {92, "SQUARE", 1, 1, convert_square, NULL},
    {98, "LEAKY_RELU", 1, 1, convert_leaky_relu, NULL},
    {99, "SQUARED_DIFFERENCE", 2, 2, convert_squared_difference, NULL},
    {101, "ABS", 1, 1, convert_unary, "Abs"},
    {111, "ELU", 1, 1, convert_unary, "Elu"},
    {114, "QUANTIZE", 1, 1, convert_units, NULL},
    {117, "HARD_SWISH", 1, 1, convert_hard_swish, NULL},
    {126, "BATCH_MATMUL", 2, 2, convert_matmul, NULL},
};
static const struct tflite_row detection = {32,  "TFLite_Detection_PostProcess", 3, 3, convert_detection,
                                            NULL};

static const struct tflite_row *find_row(const struct tflite_op *op)
{
    if (op->code == detection.code)
        return op->custom.len == strlen(detection.name) &&
                       !memcmp(op->custom.data, detection.name, op->custom.len)
                   ? &detection
                   : NULL;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (rows[i].code == op->code)
            return &rows[i];
    return NULL;
}

static int check_types(const struct work *w, struct err *err)
{
    for (size_t i = 0; i < w->op->noutputs; i++) {
        const struct tflite_tensor *t = w->op->out[i];
        if (t->names[AS_FILED] || t->names[AS_NCHW] || t->data.len)
            return broken(w, "its output is there already", err);
        if (t->type != TYPE_FLOAT32 && !t->integer)
            return FAIL(err, ERR_UNSUPPORTED,
                        "the operator %s of the model gives numbers of type %d; float32, int8 and uint8 are "
                        "supported",
                        w->op_name, t->type);
        if (t->open)
            return FAIL(err, ERR_UNSUPPORTED,
                        "the operator %s of the model gives an output of open size; export the model with a "
                        "fixed input size",
                        w->op_name);
    }
    return 0;
}

int tflite_op_convert(struct work *w, const struct tflite_op *op, struct err *err)
{
    const struct tflite_row *row = find_row(op);

    w->op = op;
    w->row = row;
    if (!row)
        return tflite_op_unknown(op, err);
    w->op_name = row->name;
    if (op->ninputs < row->min_in || op->ninputs > row->max_in || op->noutputs < 1)
        return broken(w, "it has too few or too many inputs", err);
    return check_types(w, err) < 0 ? -1 : row->convert(w, err);
}
