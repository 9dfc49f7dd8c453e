#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "infer/tflite_int.h"

static const char *port_name(struct arena *a, const char *name, bool input, size_t i)
{
    if (*name && strlen(name) < SENSOR_NAME && text_is_utf8(name, strlen(name)))
        return name;
    return arena_printf(a, input ? "input_%zu" : "output_%zu", i);
}

static struct model_port port_of(struct arena *a, const struct tflite_tensor *t, bool input, size_t i)
{
    struct model_port p = {.name = port_name(a, t->name, input, i),
                           .number = t->type == TYPE_INT8    ? NUMBER_INT8
                                     : t->type == TYPE_UINT8 ? NUMBER_UINT8
                                                             : NUMBER_FLOAT,
                           .ndims = t->ndims};

    memcpy(p.dims, t->dims, sizeof p.dims);
    if (t->integer) {
        p.scale = (double)t->scale;
        p.zero = t->zero;
    }
    return p;
}

/* Real numbers come in, and are rounded to the steps of an input of integers. */
static int open_input(struct work *w, struct tflite_tensor *t, size_t i, struct err *err)
{
    const char *name = arena_printf(w->arena, "input_%zu", i), *x = name;

    if (t->type != TYPE_FLOAT32 && !t->integer)
        return FAIL(err, ERR_UNSUPPORTED,
                    "the model's input is of type %d; export it with inputs of float32, int8 or uint8",
                    t->type);
    if (t->open || !t->count || t->state)
        return FAIL(err, ERR_UNSUPPORTED, "the model's input has no fixed size; export it with one");
    if (t->data.len || t->names[AS_FILED])
        return FAIL(err, ERR_MODEL, "the TFLite file is broken: an input of it is a constant");
    onnx_port(w->onnx, true, name, t->ndims, t->dims);
    if (t->integer)
        x = settle(
            w, onnx_step(w->onnx, "Div", arena_printf(w->arena, "%s %s", x, onnx_float(w->onnx, t->scale))),
            t, ACT_NONE);
    value_is(t, AS_FILED, x);
    return 0;
}

static int close_output(struct work *w, struct tflite_tensor *t, size_t i, struct err *err)
{
    const char *name = arena_printf(w->arena, "output_%zu", i), *x;

    if (!t->names[AS_FILED] && !t->names[AS_NCHW])
        return FAIL(err, ERR_MODEL, "the TFLite file is broken: no operator makes its output");
    if (t->open)
        return FAIL(err, ERR_UNSUPPORTED, "the model's output has no fixed size; export it with one");
    if (real_of(w, t, &x, err) < 0)
        return -1;
    onnx_port(w->onnx, false, name, t->ndims, t->dims);
    onnx_node(w->onnx, "Identity", x, name);
    return 0;
}

static int write_ops(struct work *w, const struct tflite *m, bool *ret_quantised, struct err *err)
{
    for (size_t i = 0; i < m->nops; i++) {
        if (tflite_op_convert(w, &m->ops[i], err) < 0)
            return -1;
        if (onnx_full(w->onnx))
            return onnx_end(w->onnx, w->arena, &(struct bytes){0}, err);
        *ret_quantised |= m->ops[i].out[0]->integer;
    }
    return 0;
}

/* A detector's outputs, which files have in this order and that and nothing tells apart: as its last operator
 * gives them. */
static void order_outputs(struct tflite *m)
{
    enum { CUSTOM = 32, OUTPUTS = 4 };
    const struct tflite_op *last = m->nops ? &m->ops[m->nops - 1] : NULL;
    unsigned found = 0;

    if (m->noutputs != OUTPUTS || !last || last->code != CUSTOM || last->noutputs != OUTPUTS)
        return;
    for (size_t i = 0; i < OUTPUTS; i++)
        for (size_t k = 0; k < OUTPUTS; k++)
            found |= (unsigned)(m->out[k] == last->out[i]) << i;
    if (found == (1u << OUTPUTS) - 1)
        memcpy(m->out, last->out, OUTPUTS * sizeof *m->out);
}

static int write_all(struct work *w, struct tflite *m, struct imported *ret, struct err *err)
{
    for (size_t i = 0; i < m->ninputs; i++) {
        if (open_input(w, m->in[i], i, err) < 0)
            return -1;
        ret->inputs[i] = port_of(w->arena, m->in[i], true, i);
    }
    if (write_ops(w, m, &ret->quantised, err) < 0)
        return -1;
    order_outputs(m);
    for (size_t i = 0; i < m->noutputs; i++) {
        if (close_output(w, m->out[i], i, err) < 0)
            return -1;
        ret->outputs[i] = port_of(w->arena, m->out[i], false, i);
    }
    return 0;
}

int convert_tflite(struct arena *a, struct bytes file, struct imported *ret, struct bytes *ret_onnx,
                   struct err *err)
{
    CLEANUP(onnx_freep) struct onnx *o = onnx_new(a, TFLITE_MAX_ONNX);
    struct work w = {.arena = a, .onnx = o, .op_name = "output"};
    struct imported found = {.format = "tflite"};
    struct tflite *m;

    if (tflite_load(a, file, &m, err) < 0)
        return -1;
    found.ninputs = m->ninputs;
    found.noutputs = m->noutputs;
    if (write_all(&w, m, &found, err) < 0 || onnx_end(o, a, ret_onnx, err) < 0)
        return -1;
    *ret = found;
    return 0;
}
