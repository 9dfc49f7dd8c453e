#include <stdlib.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "infer/convert.h"
#include "infer/onnx_write.h"

/* (x - mean) / dev */
static const char *put_scaling(struct onnx *o, const struct dense_net *net, const char *x)
{
    int64_t shape[] = {1, (int64_t)net->layers[0].in};

    if (!net->mean)
        return x;
    onnx_floats(o, "mean", 2, shape, net->mean);
    onnx_floats(o, "dev", 2, shape, net->dev);
    onnx_node(o, "Sub", "features mean", "centred");
    onnx_node(o, "Div", "centred dev", "scaled");
    return "scaled";
}

static const char *put_layer(struct onnx *o, struct arena *a, const struct dense_layer *l, size_t i,
                             const char *x)
{
    static const char *const acts[] = {[DENSE_RELU] = "Relu", [DENSE_SOFTMAX] = "Softmax"};
    int64_t shape[] = {(int64_t)l->out, (int64_t)l->in};
    const char *w = arena_printf(a, "weights%zu", i), *b = arena_printf(a, "bias%zu", i);
    const char *y;

    onnx_floats(o, w, 2, shape, l->weights);
    onnx_floats(o, b, 1, shape, l->bias);
    y = onnx_step(o, "Gemm", arena_printf(a, "%s %s %s", x, w, b), ONNX_INT("transB", 1));
    return acts[l->act] ? onnx_step(o, acts[l->act], y) : y;
}

struct bytes dense_to_onnx(struct arena *a, const struct dense_net *net)
{
    CLEANUP(onnx_freep) struct onnx *o = onnx_new(a, SIZE_MAX / 2);
    const char *x = "features";
    struct bytes all = {0};

    onnx_port(o, true, x, 2, (int64_t[]){1, (int64_t)net->layers[0].in});
    onnx_port(o, false, "scores", 2, (int64_t[]){1, (int64_t)net->layers[net->nlayers - 1].out});
    x = put_scaling(o, net, x);
    for (size_t i = 0; i < net->nlayers; i++)
        x = put_layer(o, a, &net->layers[i], i, x);
    onnx_node(o, "Identity", x, "scores");
    onnx_end(o, a, &all, NULL);
    return all;
}
