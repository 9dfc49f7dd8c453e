/* ONNX files, made by hand: what is in them, and what about them is slow. */
#include "infer/onnx_read.h"

#include <string.h>

#include "infer/onnx_write.h"
#include "test.h"

/* ---- a little writer of the format ---- */

static void put_varint(struct buf *b, uint64_t n)
{
    for (; n > 127; n >>= 7)
        buf_add(b, &(uint8_t){(uint8_t)(n | 128)}, 1);
    buf_add(b, &(uint8_t){(uint8_t)n}, 1);
}

static void put_number(struct buf *b, int field, uint64_t n)
{
    put_varint(b, (uint64_t)field << 3);
    put_varint(b, n);
}

static void put_bytes(struct buf *b, int field, const void *data, size_t n)
{
    put_varint(b, (uint64_t)field << 3 | 2);
    put_varint(b, n);
    buf_add(b, data, n);
}

static void put_text(struct buf *b, int field, const char *text)
{
    put_bytes(b, field, text, strlen(text));
}

static void put_node(struct buf *graph, const char *op, const char *const in[], const char *out)
{
    struct buf n = BUF(4096);

    for (size_t i = 0; in[i]; i++)
        put_text(&n, 1, in[i]);
    put_text(&n, 2, out);
    put_text(&n, 4, op);
    put_bytes(graph, 1, n.data, n.len);
    buf_clear(&n);
}

static void put_constant(struct buf *graph, const char *name, int type)
{
    struct buf n = BUF(4096);

    put_number(&n, 1, 4);
    put_number(&n, 2, (uint64_t)type);
    put_text(&n, 8, name);
    put_bytes(graph, 5, n.data, n.len);
    buf_clear(&n);
}

static void put_output(struct buf *graph, const char *name)
{
    struct buf n = BUF(4096);

    put_text(&n, 1, name);
    put_bytes(graph, 12, n.data, n.len);
    buf_clear(&n);
}

#define IN(...) ((const char *const[]){__VA_ARGS__, NULL})

/* What to make of: a chain of operators with the types of their constants. */
static const struct {
    const char *what;
    bool late, is_signed, weights, dynamic;
    size_t advice;
    const char *says;
} rows[] = {
    {"unsigned activations, the Relu absorbed", false, false, false, false, 0, NULL},
    {"a Relu behind DequantizeLinear", true, false, false, false, 1, "three times slower"},
    {"signed activations", false, true, false, false, 1, "U8S8"},
    {"unsigned weights", false, false, true, false, 1, "weights are unsigned"},
    {"quantised on the way", false, false, false, true, 1, "while it runs"},
    {"all of it", true, true, true, true, 4, "three times slower"},
};

static void slow_patterns(void)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena *a = arena_new();
        struct buf graph = BUF(1 << 16), model = BUF(1 << 16);
        const char *advice[ONNX_ADVICE_MAX];
        struct onnx_file f;
        struct err err = {0};
        size_t n;

        put_constant(&graph, "scale", ONNX_FLOAT32);
        put_constant(&graph, "zero", rows[i].is_signed ? ONNX_INT8 : ONNX_UINT8);
        put_constant(&graph, "weights", rows[i].weights ? ONNX_UINT8 : ONNX_INT8);
        put_node(&graph, "QuantizeLinear", IN("x", "scale", "zero"), "q");
        put_node(&graph, "DequantizeLinear", IN("q", "scale", "zero"), "d");
        put_node(&graph, "DequantizeLinear", IN("weights", "scale", "zero"), "w");
        put_node(&graph, rows[i].dynamic ? "ConvInteger" : "Conv", IN("d", "w"), "c");
        if (rows[i].late)
            put_node(&graph, "Relu", IN("d"), "r");
        else
            put_node(&graph, "Relu", IN("c"), "r");
        put_output(&graph, "r");
        put_bytes(&model, 7, graph.data, graph.len);
        CHECK_INT(onnx_read(a, buf_bytes(&model), &f, &err), 0);
        n = onnx_advice(a, &f, advice);
        CHECK_INT(n, rows[i].advice);
        CHECK(!rows[i].says || (n && strstr(advice[0], rows[i].says)) ||
              (n > 1 && strstr(advice[1], rows[i].says)));
        ROW("%s", rows[i].what);
        buf_clear(&graph);
        buf_clear(&model);
        arena_free(a);
    }
}

static struct bytes small(struct arena *a)
{
    struct onnx *o = onnx_new(a, 1 << 16);
    struct bytes ret = {0};
    float w[4] = {1, 2, 3, 4};

    onnx_port(o, true, "x", 2, (int64_t[]){-1, 2});
    onnx_floats(o, "w", 2, (int64_t[]){2, 2}, w);
    onnx_node(o, "MatMul", "x w", "y");
    onnx_port(o, false, "y", 2, (int64_t[]){-1, 2});
    if (onnx_end(o, a, &ret, NULL) < 0)
        abort();
    onnx_freep(&o);
    return ret;
}

static void what_is_in_it(void)
{
    struct arena *a = arena_new();
    struct onnx_file f;
    struct err err = {0};

    CHECK_INT(onnx_read(a, small(a), &f, &err), 0);
    CHECK_INT(f.nnodes, 1);
    CHECK_STR(f.nodes[0].op, "MatMul");
    CHECK_INT(f.nodes[0].ninputs, 2);
    CHECK_STR(f.nodes[0].in[1], "w");
    CHECK_INT(f.ninputs, 1);
    CHECK_STR(f.inputs[0].name, "x");
    CHECK_INT(f.inputs[0].type, ONNX_FLOAT32);
    CHECK_INT(f.inputs[0].ndims, 2);
    CHECK_INT(f.inputs[0].dims[0], -1);
    CHECK_INT(f.inputs[0].dims[1], 2);
    CHECK_INT(f.nconstants, 1);
    CHECK_INT(f.constants[0].dims[1], 2);
    CHECK(f.opset > 0);
    arena_free(a);
}

static void what_is_none(void)
{
    static const char text[] = "this is no model at all, and never was one";
    struct arena *a = arena_new();
    struct bytes whole = small(a);
    struct onnx_file f;
    struct err err = {0};

    CHECK_INT(onnx_read(a, bytes_of(text, sizeof text), &f, &err), -1);
    CHECK_INT(err.kind, ERR_MODEL);
    CHECK_INT(onnx_read(a, bytes_of(text, 0), &f, &err), -1);
    for (size_t n = 0; n < whole.len; n++) /* a beginning is broken, or less: never a crash */
        onnx_read(a, bytes_of(whole.data, n), &f, NULL);
    arena_free(a);
}

int main(void)
{
    RUN(slow_patterns);
    RUN(what_is_in_it);
    RUN(what_is_none);
    return test_end();
}
