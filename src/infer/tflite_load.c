#include <math.h>
#include <string.h>

#include "base/text.h"
#include "infer/tflite_int.h"

/* Fields of the tables of schema.fbs. */
enum { MODEL_VERSION, MODEL_CODES, MODEL_SUBGRAPHS, MODEL_DESCRIPTION, MODEL_BUFFERS };
enum { CODE_OLD, CODE_CUSTOM, CODE_VERSION, CODE_BUILTIN };
enum { GRAPH_TENSORS, GRAPH_INPUTS, GRAPH_OUTPUTS, GRAPH_OPERATORS };
enum {
    TENSOR_SHAPE,
    TENSOR_TYPE,
    TENSOR_BUFFER,
    TENSOR_NAME,
    TENSOR_QUANT,
    TENSOR_VARIABLE,
    TENSOR_SPARSITY
};
enum { QUANT_MIN, QUANT_MAX, QUANT_SCALE, QUANT_ZERO, QUANT_DETAILS_TYPE, QUANT_DETAILS, QUANT_AXIS };
enum { OP_CODE, OP_INPUTS, OP_OUTPUTS, OP_OPTIONS_TYPE, OP_OPTIONS, OP_CUSTOM };
enum { BUFFER_DATA };

enum { CUSTOM = 32, VERSION = 3 };

static int is_broken(struct err *err, const char *what)
{
    return FAIL(err, ERR_MODEL, "the TFLite file is broken: %s; export it once more", what);
}

bool convert_is_tflite(struct bytes file)
{
    return file.len >= 8 && !memcmp(file.data + 4, "TFL3", 4);
}

/* ---- tensors ---- */

static int read_shape(const struct flat_table *table, struct tflite_tensor *t, struct err *err)
{
    struct flat_list shape = flat_list(table, TENSOR_SHAPE, 4);

    if (shape.n > ONNX_MAX_DIMS)
        return FAIL(err, ERR_UNSUPPORTED, "a tensor of the model has %zu dimensions; %d are possible",
                    shape.n, ONNX_MAX_DIMS);
    t->ndims = shape.n;
    t->count = 1;
    for (size_t i = 0; i < shape.n; i++) {
        t->dims[i] = flat_list_i32(&shape, i);
        t->open |= t->dims[i] < 0;
        if (t->dims[i] >= 0 &&
            (ckd_mul(&t->count, t->count, (size_t)t->dims[i]) || t->count > TFLITE_NUMBERS))
            return FAIL(err, ERR_LIMIT, "a tensor of the model holds over %d numbers", TFLITE_NUMBERS);
    }
    return 0;
}

static bool is_scale(float s)
{
    return isfinite(s) && s > 1e-30f && s < 1e30f;
}

static int read_scales(const struct flat_table *table, struct tflite_tensor *t, struct err *err)
{
    struct flat_table q = flat_sub(table, TENSOR_QUANT);

    t->scale = 1;
    t->integer = t->type == TYPE_INT8 || t->type == TYPE_UINT8;
    t->scales = flat_list(&q, QUANT_SCALE, 4);
    t->zeros = flat_list(&q, QUANT_ZERO, 8);
    t->axis = flat_i32(&q, QUANT_AXIS, 0);
    if (t->zeros.n && t->zeros.n != t->scales.n)
        return is_broken(err, "a tensor has more scales than zero points, or fewer");
    for (size_t i = 0; i < t->scales.n; i++)
        if (t->integer && !is_scale(flat_list_f32(&t->scales, i)))
            return is_broken(err, "the scale of a tensor is no positive number");
    for (size_t i = 0; i < t->zeros.n; i++) {
        int64_t zero = flat_list_i64(&t->zeros, i);
        if (zero < INT16_MIN || zero > INT16_MAX)
            return is_broken(err, "the zero point of a tensor is out of range");
    }
    if (t->integer && t->scales.n)
        t->scale = flat_list_f32(&t->scales, 0);
    if (t->zeros.n)
        t->zero = (int)flat_list_i64(&t->zeros, 0);
    return 0;
}

static size_t size_of_number(int type)
{
    switch (type) {
    case TYPE_FLOAT32:
    case TYPE_INT32:
        return 4;
    case TYPE_FLOAT16:
        return 2;
    case TYPE_INT64:
        return 8;
    case TYPE_INT8:
    case TYPE_UINT8:
        return 1;
    default:
        return 0;
    }
}

static int read_data(const struct flat_table *table, const struct flat_list *buffers, struct tflite_tensor *t,
                     struct err *err)
{
    int64_t i = flat_u32(table, TENSOR_BUFFER, 0);
    struct flat_table buffer = {0};
    size_t size = size_of_number(t->type);

    if (i >= (int64_t)buffers->n)
        return i ? is_broken(err, "a tensor names a buffer that is not there") : 0;
    buffer = flat_list_table(buffers, (size_t)i);
    t->data = flat_bytes(&buffer, BUFFER_DATA);
    if (t->data.len && size && t->data.len != t->count * size)
        return is_broken(err, "a tensor has more numbers than its shape says, or fewer");
    return 0;
}

static int read_tensor(struct arena *a, const struct flat_table *table, const struct flat_list *buffers,
                       struct tflite_tensor *t, struct err *err)
{
    struct bytes name = flat_bytes(table, TENSOR_NAME);

    t->name = arena_strndup(a, name.len ? (const char *)name.data : "", name.len);
    t->type = (int)flat_i8(table, TENSOR_TYPE, TYPE_FLOAT32);
    t->state = flat_u8(table, TENSOR_VARIABLE, 0);
    t->sparse = flat_has(table, TENSOR_SPARSITY);
    if (read_shape(table, t, err) < 0 || read_scales(table, t, err) < 0)
        return -1;
    return read_data(table, buffers, t, err);
}

static int read_tensors(struct arena *a, struct tflite *m, const struct flat_table *model,
                        const struct flat_table *graph, struct err *err)
{
    struct flat_list tensors = flat_list(graph, GRAPH_TENSORS, 4);
    struct flat_list buffers = flat_list(model, MODEL_BUFFERS, 4);

    if (tensors.n > TFLITE_TENSORS)
        return FAIL(err, ERR_LIMIT, "the model has %zu tensors; at most %d are possible", tensors.n,
                    TFLITE_TENSORS);
    m->ntensors = tensors.n;
    m->tensors = arena_array(a, tensors.n, sizeof *m->tensors);
    for (size_t i = 0; i < tensors.n; i++) {
        struct flat_table t = flat_list_table(&tensors, i);
        if (read_tensor(a, &t, &buffers, &m->tensors[i], err) < 0)
            return -1;
    }
    return 0;
}

/* ---- operators ---- */

/* Of a list of indices, the i-th; NULL for -1, which means "left out". */
static int pick(struct tflite *m, const struct flat_list *l, size_t i, bool may_miss,
                struct tflite_tensor **ret, struct err *err)
{
    int64_t at = flat_list_i32(l, i);

    *ret = NULL;
    if (at == -1 && may_miss)
        return 0;
    if (at < 0 || at >= (int64_t)m->ntensors)
        return is_broken(err, "it names a tensor that is not there");
    *ret = &m->tensors[at];
    return 0;
}

static int pick_all(struct arena *a, struct tflite *m, const struct flat_list *l, bool may_miss,
                    struct tflite_tensor ***ret, size_t *ret_n, struct err *err)
{
    if (l->n > TFLITE_ARGS)
        return FAIL(err, ERR_LIMIT, "an operator of the model has %zu inputs; at most %d are possible", l->n,
                    TFLITE_ARGS);
    *ret = arena_array(a, l->n, sizeof **ret);
    *ret_n = l->n;
    for (size_t i = 0; i < l->n; i++)
        if (pick(m, l, i, may_miss, &(*ret)[i], err) < 0)
            return -1;
    return 0;
}

/* Two fields hold the number: the first one is a byte and stays at 127 for what came later. */
static int read_code(const struct flat_list *codes, int64_t i, struct tflite_op *op, struct err *err)
{
    struct flat_table code;
    int64_t old, new;

    if (i >= (int64_t)codes->n)
        return is_broken(err, "an operator is none of those that it lists");
    code = flat_list_table(codes, (size_t)i);
    old = flat_i8(&code, CODE_OLD, 0);
    new = flat_i32(&code, CODE_BUILTIN, 0);
    op->code = (int)(old > new ? old : new);
    if (op->code == CUSTOM)
        op->custom = flat_bytes(&code, CODE_CUSTOM);
    return 0;
}

static int read_op(struct arena *a, struct tflite *m, const struct flat_table *table,
                   const struct flat_list *codes, struct tflite_op *op, struct err *err)
{
    struct flat_list in = flat_list(table, OP_INPUTS, 4), out = flat_list(table, OP_OUTPUTS, 4);

    op->options = flat_sub(table, OP_OPTIONS);
    op->custom_options = flat_bytes(table, OP_CUSTOM);
    if (read_code(codes, flat_u32(table, OP_CODE, 0), op, err) < 0 ||
        pick_all(a, m, &in, true, &op->in, &op->ninputs, err) < 0)
        return -1;
    return pick_all(a, m, &out, false, &op->out, &op->noutputs, err);
}

static int read_ops(struct arena *a, struct tflite *m, const struct flat_table *model,
                    const struct flat_table *graph, struct err *err)
{
    struct flat_list codes = flat_list(model, MODEL_CODES, 4), ops = flat_list(graph, GRAPH_OPERATORS, 4);

    if (ops.n > TFLITE_OPERATORS)
        return FAIL(err, ERR_LIMIT, "the model has %zu operators; at most %d are possible", ops.n,
                    TFLITE_OPERATORS);
    m->nops = ops.n;
    m->ops = arena_array(a, ops.n, sizeof *m->ops);
    for (size_t i = 0; i < ops.n; i++) {
        struct flat_table t = flat_list_table(&ops, i);
        if (read_op(a, m, &t, &codes, &m->ops[i], err) < 0)
            return -1;
    }
    return 0;
}

/* ---- the whole ---- */

static int read_ports(struct tflite *m, const struct flat_table *graph, bool input, struct err *err)
{
    struct flat_list l = flat_list(graph, input ? GRAPH_INPUTS : GRAPH_OUTPUTS, 4);

    if (l.n < 1 || l.n > MODEL_PORTS)
        return FAIL(err, ERR_UNSUPPORTED, "the model has %zu %s; 1 to %d are possible", l.n,
                    input ? "inputs" : "outputs", MODEL_PORTS);
    *(input ? &m->ninputs : &m->noutputs) = l.n;
    for (size_t i = 0; i < l.n; i++)
        if (pick(m, &l, i, false, input ? &m->in[i] : &m->out[i], err) < 0)
            return -1;
    return 0;
}

static int read_graph(struct arena *a, struct tflite *m, const struct flat_table *model,
                      const struct flat_table *graph, struct err *err)
{
    if (read_tensors(a, m, model, graph, err) < 0 || read_ops(a, m, model, graph, err) < 0 ||
        read_ports(m, graph, true, err) < 0)
        return -1;
    return read_ports(m, graph, false, err);
}

int tflite_load(struct arena *a, struct bytes file, struct tflite **ret, struct err *err)
{
    struct tflite *m = arena_alloc(a, sizeof *m);
    struct flat_table model, graph;
    struct flat_list graphs;
    struct err why = {0};
    int r;

    if (file.len > CONVERT_MAX_BYTES)
        return FAIL(err, ERR_LIMIT, "the model has %zu bytes; at most %d are possible", file.len,
                    CONVERT_MAX_BYTES);
    if (!convert_is_tflite(file))
        return FAIL(err, ERR_MODEL, "the file is no TFLite model");
    m->flat.all = file;
    model = flat_root(&m->flat);
    if (!m->flat.broken && flat_u32(&model, MODEL_VERSION, 0) != VERSION)
        return FAIL(err, ERR_UNSUPPORTED, "the TFLite file has version %d; version %d is supported",
                    (int)flat_u32(&model, MODEL_VERSION, 0), VERSION);
    graphs = flat_list(&model, MODEL_SUBGRAPHS, 4);
    if (!graphs.n)
        return is_broken(err, "there is no graph in it");
    graph = flat_list_table(&graphs, 0);
    r = read_graph(a, m, &model, &graph, &why);
    if (m->flat.broken)
        return is_broken(err, "an offset in it leads nowhere");
    *ret = m;
    return r < 0 ? FAIL(err, why.kind, "%s", why.text) : 0;
}
