#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "infer/tflite_int.h"

int broken(const struct work *w, const char *what, struct err *err)
{
    return FAIL(err, ERR_MODEL, "the operator %s of the model is broken: %s", w->op_name, what);
}

/* ---- numbers of constants ---- */

static double half(uint16_t h)
{
    int exponent = h >> 10 & 31, mantissa = h & 1023;
    double v = exponent ? ldexp(mantissa + 1024, exponent - 25) : ldexp(mantissa, -24);

    if (exponent == 31)
        v = mantissa ? (double)NAN : (double)INFINITY;
    return h >> 15 ? -v : v;
}

double stored(const struct tflite_tensor *t, size_t i)
{
    union {
        float f;
        uint16_t h;
        int32_t i32;
        int64_t i64;
    } v;

    switch (t->type) {
    case TYPE_FLOAT32:
        memcpy(&v.f, t->data.data + i * 4, 4);
        return (double)v.f;
    case TYPE_FLOAT16:
        memcpy(&v.h, t->data.data + i * 2, 2);
        return half(v.h);
    case TYPE_INT32:
        memcpy(&v.i32, t->data.data + i * 4, 4);
        return v.i32;
    case TYPE_INT64:
        memcpy(&v.i64, t->data.data + i * 8, 8);
        return (double)v.i64;
    case TYPE_UINT8:
        return t->data.data[i];
    default:
        return (int8_t)t->data.data[i];
    }
}

double slice_scale(const struct tflite_tensor *t, size_t k)
{
    return t->integer && t->scales.n ? (double)flat_list_f32(&t->scales, t->scales.n == 1 ? 0 : k) : 1;
}

double slice_zero(const struct tflite_tensor *t, size_t k)
{
    return t->integer && t->zeros.n ? (double)flat_list_i64(&t->zeros, t->zeros.n == 1 ? 0 : k) : 0;
}

int whole_numbers(struct work *w, const struct tflite_tensor *t, size_t max, const int64_t **ret,
                  size_t *ret_n, struct err *err)
{
    int64_t *all;

    if (!t->data.len || (t->type != TYPE_INT32 && t->type != TYPE_INT64) || t->count > max)
        return FAIL(
            err, ERR_UNSUPPORTED,
            "the operator %s of the model is only supported with a constant list of at most %zu whole "
            "numbers",
            w->op_name, max);
    all = arena_array(w->arena, t->count, sizeof *all);
    for (size_t i = 0; i < t->count; i++)
        if (t->type == TYPE_INT64)
            memcpy(&all[i], t->data.data + i * 8, 8);
        else
            all[i] = (int64_t)stored(t, i);
    *ret = all;
    *ret_n = t->count;
    return 0;
}

/* ---- names ---- */

static bool is_number(const struct tflite_tensor *t)
{
    return t->type == TYPE_FLOAT32 || t->type == TYPE_FLOAT16 || t->integer;
}

static int write_constant(struct work *w, struct tflite_tensor *t, struct err *err)
{
    CLEANUP(freep) float *all = NULL;
    const char *name = onnx_name(w->onnx);

    if (!is_number(t) || t->sparse || (t->integer && t->scales.n > 1))
        return FAIL(err, ERR_UNSUPPORTED,
                    "the operator %s of the model is not supported with a constant of type %d%s", w->op_name,
                    t->type,
                    t->sparse    ? " that is sparse"
                    : t->integer ? " with a scale for each channel"
                                 : "");
    all = mem_resize(NULL, t->count + 1, sizeof *all);
    for (size_t i = 0; i < t->count; i++)
        all[i] = (float)(stored(t, i) - (t->integer ? t->zero : 0));
    onnx_floats(w->onnx, name, t->ndims, t->dims, all);
    value_is(t, AS_FILED, name);
    return 0;
}

static int find(struct work *w, struct tflite_tensor *t, struct err *err)
{
    if (!t)
        return broken(w, "an input is missing", err);
    if (t->names[AS_FILED] || t->names[AS_NCHW])
        return 0;
    if (t->data.len)
        return write_constant(w, t, err);
    if (t->state)
        return FAIL(err, ERR_UNSUPPORTED,
                    "the model keeps a state between runs; such models are not supported");
    return broken(w, "it needs what no operator before it has made", err);
}

int value_of(struct work *w, struct tflite_tensor *t, enum layout l, const char **ret, struct err *err)
{
    static const int64_t turns[LAYOUTS][4] = {[AS_FILED] = {0, 2, 3, 1}, [AS_NCHW] = {0, 3, 1, 2}};

    if (find(w, t, err) < 0)
        return -1;
    if (!t->names[l] && t->ndims != 4)
        return broken(w, "its input is no picture", err);
    if (!t->names[l])
        t->names[l] = onnx_step(w->onnx, "Transpose", t->names[!l], ONNX_INTS("perm", 4, turns[l]));
    *ret = t->names[l];
    return 0;
}

void value_is(struct tflite_tensor *t, enum layout l, const char *name)
{
    t->names[l] = name;
    t->names[!l] = NULL;
}

/* ---- arithmetic ---- */

double unit_of(const struct tflite_tensor *t)
{
    return t->integer ? (double)t->scale : 1;
}

const char *times(struct work *w, const char *x, double factor)
{
    if ((float)factor == 1.0f)
        return x;
    return onnx_step(w->onnx, "Mul", arena_printf(w->arena, "%s %s", x, onnx_float(w->onnx, (float)factor)));
}

int real_of(struct work *w, struct tflite_tensor *t, const char **ret, struct err *err)
{
    const char *x;

    if (value_of(w, t, AS_FILED, &x, err) < 0)
        return -1;
    *ret = times(w, x, unit_of(t));
    return 0;
}

static const char *clip(struct work *w, const char *x, double low, double high)
{
    return onnx_step(w->onnx, "Clip",
                     arena_printf(w->arena, "%s %s %s", x, onnx_float(w->onnx, (float)low),
                                  onnx_float(w->onnx, (float)high)));
}

static const char *act_on_floats(struct work *w, const char *x, int64_t act)
{
    switch (act) {
    case ACT_RELU:
        return onnx_step(w->onnx, "Relu", x);
    case ACT_RELU_N1:
        return clip(w, x, -1, 1);
    case ACT_RELU6:
        return clip(w, x, 0, 6);
    case ACT_TANH:
        return onnx_step(w->onnx, "Tanh", x);
    default:
        return x;
    }
}

const char *settle(struct work *w, const char *x, const struct tflite_tensor *t, int64_t act)
{
    static const double lows[] = {[ACT_RELU] = 0, [ACT_RELU_N1] = -1, [ACT_RELU6] = 0};
    static const double highs[] = {[ACT_RELU] = (double)INFINITY, [ACT_RELU_N1] = 1, [ACT_RELU6] = 6};
    double low = (t->type == TYPE_UINT8 ? 0 : -128) - t->zero;
    double high = (t->type == TYPE_UINT8 ? 255 : 127) - t->zero;

    if (!t->integer)
        return act_on_floats(w, x, act);
    if (act == ACT_TANH)
        x = times(w, onnx_step(w->onnx, "Tanh", times(w, x, unit_of(t))), 1 / unit_of(t));
    if (act >= ACT_RELU && act <= ACT_RELU6) {
        low = fmax(low, round(lows[act] / (double)t->scale));
        high = fmin(high, round(highs[act] / (double)t->scale));
    }
    return clip(w, onnx_step(w->onnx, "Round", x), low, high);
}

const char *settle_real(struct work *w, const char *x, const struct tflite_tensor *t, int64_t act)
{
    return settle(w, times(w, x, 1 / unit_of(t)), t, act);
}

/* ---- shapes ---- */

bool same_shape(const struct tflite_tensor *a, const struct tflite_tensor *b)
{
    return a->ndims == b->ndims && !memcmp(a->dims, b->dims, a->ndims * sizeof *a->dims);
}

int axis_of(const struct work *w, int64_t axis, size_t ndims, size_t *ret, struct err *err)
{
    if (axis < 0)
        axis += (int64_t)ndims;
    if (axis < 0 || axis >= (int64_t)ndims)
        return broken(w, "its axis is none of its input's", err);
    *ret = (size_t)axis;
    return 0;
}
