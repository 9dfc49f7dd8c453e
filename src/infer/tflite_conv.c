/* Convolutions, dense layers and pools. The scales of integers go into the weights, so that what comes out of
 * the sum only has to be rounded. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "infer/tflite_int.h"

enum { PADDING_SAME, PADDING_VALID };

/* How the filter moves, of convolutions and pools. */
struct motion {
    int64_t padding, stride[2], dilation[2], size[2], act;
    int64_t pads[4]; /* top, left, bottom, right */
};

/* TFLite's SAME: as many steps as fit, the odd pixel of padding behind. */
static int set_pads(struct work *w, const struct tflite_tensor *in, struct motion *m, struct err *err)
{
    for (size_t i = 0; i < 2; i++) {
        int64_t size = in->dims[1 + i], reach, steps, total;

        if (m->stride[i] < 1 || m->dilation[i] < 1 || m->size[i] < 1 || m->stride[i] > INT16_MAX ||
            m->dilation[i] > INT16_MAX || m->size[i] > INT16_MAX || size < 1)
            return broken(w, "its size or stride is out of range", err);
        reach = (m->size[i] - 1) * m->dilation[i] + 1;
        steps = (size + m->stride[i] - 1) / m->stride[i];
        total = (steps - 1) * m->stride[i] + reach - size;
        if (m->padding == PADDING_SAME && total > 0) {
            m->pads[i] = total / 2;
            m->pads[2 + i] = total - total / 2;
        }
    }
    return 0;
}

/* ---- weights ---- */

/* Filters and their factors. `channels` along dimension `axis` of the weights. */
struct filter {
    struct tflite_tensor *weights, *bias; /* bias: may be NULL */
    size_t channels, axis;
    double *factor, *zero; /* of each channel: of a stored number, in units of the output; its zero point */
};

static int check_filter(struct work *w, const struct filter *f, struct err *err)
{
    const struct tflite_tensor *t = f->weights;
    bool known = t->type == TYPE_FLOAT32 || t->type == TYPE_FLOAT16 || t->integer;

    if (!t->data.len || !known || t->sparse)
        return FAIL(err, ERR_UNSUPPORTED,
                    "the operator %s of the model is only supported with dense constant weights of float32, "
                    "float16 or int8 (these have type %d)",
                    w->op_name, t->type);
    if (t->scales.n > 1 && t->integer && (t->scales.n != f->channels || t->axis != (int64_t)f->axis))
        return broken(w, "its weights have scales that do not belong to their channels", err);
    if (f->bias && (!f->bias->data.len || f->bias->count != f->channels))
        return broken(w, "its bias has another size than its output", err);
    return 0;
}

static int open_filter(struct work *w, size_t axis, struct filter *f, struct err *err)
{
    const struct tflite_tensor *in = w->op->in[0], *out = w->op->out[0];

    f->weights = w->op->in[1];
    f->bias = w->op->ninputs > 2 ? w->op->in[2] : NULL;
    f->axis = axis;
    if (!in || !f->weights || f->weights->ndims <= axis)
        return broken(w, "its weights are missing", err);
    f->channels = (size_t)f->weights->dims[axis];
    if (in->integer != out->integer)
        return FAIL(err, ERR_UNSUPPORTED, "the operator %s of the model mixes integers and floats",
                    w->op_name);
    if (check_filter(w, f, err) < 0)
        return -1;
    f->factor = arena_array(w->arena, f->channels, sizeof *f->factor);
    f->zero = arena_array(w->arena, f->channels, sizeof *f->zero);
    for (size_t k = 0; k < f->channels; k++) {
        f->zero[k] = slice_zero(f->weights, k);
        f->factor[k] = unit_of(in) * slice_scale(f->weights, k) / unit_of(out);
    }
    return 0;
}

/* A bias of integers has the scale of the sum: of the input times that of the weights. */
static const char *put_bias(struct work *w, const struct filter *f)
{
    CLEANUP(freep) float *all = mem_resize(NULL, f->channels + 1, sizeof *all);
    bool sums = f->bias && f->bias->type == TYPE_INT32;
    const char *name = onnx_name(w->onnx);

    for (size_t k = 0; k < f->channels; k++)
        all[k] = f->bias ? (float)(stored(f->bias, k) * (sums ? f->factor[k] : 1)) : 0;
    onnx_floats(w->onnx, name, 1, (int64_t[]){(int64_t)f->channels}, all);
    return name;
}

/* Weights of OHWI (a convolution) or 1HWO (a depthwise one) as OIHW. */
static const char *put_weights(struct work *w, const struct filter *f)
{
    const struct tflite_tensor *t = f->weights;
    CLEANUP(freep) float *all = mem_resize(NULL, t->count + 1, sizeof *all);
    size_t area = (size_t)(t->dims[1] * t->dims[2]), deep = f->axis == 0 ? (size_t)t->dims[3] : 1;
    const char *name = onnx_name(w->onnx);
    float *to = all;

    for (size_t o = 0; o < f->channels; o++)
        for (size_t i = 0; i < deep; i++)
            for (size_t at = 0; at < area; at++) {
                size_t from = f->axis == 0 ? (o * area + at) * deep + i : at * f->channels + o;
                *to++ = (float)((stored(t, from) - f->zero[o]) * f->factor[o]);
            }
    onnx_floats(w->onnx, name, 4, (int64_t[]){(int64_t)f->channels, (int64_t)deep, t->dims[1], t->dims[2]},
                all);
    return name;
}

/* ---- CONV_2D, DEPTHWISE_CONV_2D ---- */

enum { CONV_PADDING, CONV_STRIDE_W, CONV_STRIDE_H, CONV_ACT, CONV_DILATION_W, CONV_DILATION_H };
enum {
    DEPTH_PADDING,
    DEPTH_STRIDE_W,
    DEPTH_STRIDE_H,
    DEPTH_TIMES,
    DEPTH_ACT,
    DEPTH_DILATION_W,
    DEPTH_DILATION_H
};

static struct motion conv_motion(const struct work *w, const struct tflite_tensor *weights, bool depth)
{
    const struct flat_table *o = &w->op->options;

    return (struct motion){
        .padding = flat_i8(o, CONV_PADDING, PADDING_SAME),
        .stride = {flat_i32(o, CONV_STRIDE_H, 0), flat_i32(o, CONV_STRIDE_W, 0)},
        .dilation = {flat_i32(o, depth ? DEPTH_DILATION_H : CONV_DILATION_H, 1),
                     flat_i32(o, depth ? DEPTH_DILATION_W : CONV_DILATION_W, 1)},
        .size = {weights->dims[1], weights->dims[2]},
        .act = flat_i8(o, depth ? DEPTH_ACT : CONV_ACT, ACT_NONE),
    };
}

static int put_conv(struct work *w, const struct filter *f, const struct motion *m, int64_t groups,
                    struct err *err)
{
    struct tflite_tensor *in = w->op->in[0], *out = w->op->out[0];
    const char *x, *weights, *bias;

    if (value_of(w, in, AS_NCHW, &x, err) < 0)
        return -1;
    weights = put_weights(w, f);
    bias = put_bias(w, f);
    x = onnx_step(w->onnx, "Conv", arena_printf(w->arena, "%s %s %s", x, weights, bias),
                  ONNX_INTS("strides", 2, m->stride), ONNX_INTS("dilations", 2, m->dilation),
                  ONNX_INTS("pads", 4, m->pads), ONNX_INT("group", groups));
    value_is(out, AS_NCHW, settle(w, x, out, m->act));
    return 0;
}

int convert_conv(struct work *w, struct err *err)
{
    bool depth = w->op->code == 4;
    struct tflite_tensor *in = w->op->in[0];
    struct motion m;
    struct filter f;
    int64_t groups;

    if (open_filter(w, depth ? 3 : 0, &f, err) < 0)
        return -1;
    if (in->ndims != 4 || f.weights->ndims != 4 || w->op->out[0]->ndims != 4 || in->dims[3] < 1 ||
        f.weights->dims[3] < 1)
        return broken(w, "its input or its weights are not of 4 dimensions", err);
    groups = depth ? in->dims[3] : in->dims[3] / f.weights->dims[3];
    if (depth ? f.weights->dims[0] != 1 || f.weights->dims[3] % groups
              : in->dims[3] % f.weights->dims[3] || f.weights->dims[0] % groups)
        return broken(w, "its weights do not fit its input", err);
    m = conv_motion(w, f.weights, depth);
    return set_pads(w, in, &m, err) < 0 ? -1 : put_conv(w, &f, &m, groups, err);
}

/* ---- FULLY_CONNECTED ---- */

enum { DENSE_ACT, DENSE_FORMAT };

static const char *put_matrix(struct work *w, const struct filter *f)
{
    const struct tflite_tensor *t = f->weights;
    CLEANUP(freep) float *all = mem_resize(NULL, t->count + 1, sizeof *all);
    const char *name = onnx_name(w->onnx);
    size_t wide = (size_t)t->dims[1];

    for (size_t i = 0; i < t->count; i++)
        all[i] = (float)((stored(t, i) - f->zero[i / wide]) * f->factor[i / wide]);
    onnx_floats(w->onnx, name, 2, t->dims, all);
    return name;
}

int convert_dense(struct work *w, struct err *err)
{
    struct tflite_tensor *in = w->op->in[0], *out = w->op->out[0];
    struct filter f;
    const char *x, *matrix, *bias;

    if (open_filter(w, 0, &f, err) < 0)
        return -1;
    if (f.weights->ndims != 2 || f.weights->dims[1] < 1 || in->count % (size_t)f.weights->dims[1])
        return broken(w, "its weights do not fit its input", err);
    if (flat_i8(&w->op->options, DENSE_FORMAT, 0))
        return FAIL(err, ERR_UNSUPPORTED, "the operator %s of the model has shuffled weights", w->op_name);
    if (value_of(w, in, AS_FILED, &x, err) < 0)
        return -1;
    if (in->ndims != 2 || in->dims[1] != f.weights->dims[1])
        x = onnx_step(
            w->onnx, "Reshape",
            arena_printf(w->arena, "%s %s", x, onnx_list(w->onnx, 2, (int64_t[]){-1, f.weights->dims[1]})));
    matrix = put_matrix(w, &f);
    bias = put_bias(w, &f);
    x = onnx_step(w->onnx, "Gemm", arena_printf(w->arena, "%s %s %s", x, matrix, bias),
                  ONNX_INT("transB", 1));
    x = settle(w, x, out, flat_i8(&w->op->options, DENSE_ACT, ACT_NONE));
    if (out->ndims != 2)
        x = onnx_step(w->onnx, "Reshape",
                      arena_printf(w->arena, "%s %s", x, onnx_list(w->onnx, out->ndims, out->dims)));
    value_is(out, AS_FILED, x);
    return 0;
}

/* ---- MAX_POOL_2D, AVERAGE_POOL_2D ---- */

enum { POOL_PADDING, POOL_STRIDE_W, POOL_STRIDE_H, POOL_WIDTH, POOL_HEIGHT, POOL_ACT };

int convert_pool(struct work *w, struct err *err)
{
    const struct flat_table *o = &w->op->options;
    struct tflite_tensor *in = w->op->in[0], *out = w->op->out[0];
    struct motion m = {.padding = flat_i8(o, POOL_PADDING, PADDING_SAME),
                       .stride = {flat_i32(o, POOL_STRIDE_H, 0), flat_i32(o, POOL_STRIDE_W, 0)},
                       .dilation = {1, 1},
                       .size = {flat_i32(o, POOL_HEIGHT, 0), flat_i32(o, POOL_WIDTH, 0)},
                       .act = flat_i8(o, POOL_ACT, ACT_NONE)};
    const char *x;

    if (!in || in->ndims != 4 || out->ndims != 4)
        return broken(w, "its input is no picture", err);
    if (set_pads(w, in, &m, err) < 0 || value_of(w, in, AS_NCHW, &x, err) < 0)
        return -1;
    x = onnx_step(w->onnx, w->op->code == 1 ? "AveragePool" : "MaxPool", x,
                  ONNX_INTS("kernel_shape", 2, m.size), ONNX_INTS("strides", 2, m.stride),
                  ONNX_INTS("pads", 4, m.pads));
    x = times(w, x, unit_of(in) / unit_of(out));
    value_is(out, AS_NCHW, settle(w, x, out, m.act));
    return 0;
}
