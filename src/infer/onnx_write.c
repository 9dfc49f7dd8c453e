#include "infer/onnx_write.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/text.h"

/* Field numbers of onnx.proto, and its enumerations. */
enum { IR_VERSION = 8, OPSET = 13 };
enum { MODEL_IR_VERSION = 1, MODEL_PRODUCER = 2, MODEL_GRAPH = 7, MODEL_OPSET = 8, OPSET_VERSION = 2 };
enum { GRAPH_NODE = 1, GRAPH_NAME = 2, GRAPH_INITIALIZER = 5, GRAPH_INPUT = 11, GRAPH_OUTPUT = 12 };
enum { NODE_INPUT = 1, NODE_OUTPUT = 2, NODE_OP = 4, NODE_ATTRIBUTE = 5 };
enum { ATTRIBUTE_NAME = 1, ATTRIBUTE_F = 2, ATTRIBUTE_I = 3, ATTRIBUTE_INTS = 8, ATTRIBUTE_TYPE = 20 };
enum { TYPE_FLOAT = 1, TYPE_INT = 2, TYPE_INTS = 7 };
enum { TENSOR_DIMS = 1, TENSOR_TYPE = 2, TENSOR_NAME = 8, TENSOR_RAW = 9 };
enum { VALUE_NAME = 1, VALUE_TYPE = 2, TYPE_TENSOR = 1, TENSOR_ELEM = 1, TENSOR_SHAPE = 2 };
enum { SHAPE_DIM = 1, DIM_VALUE = 1, DIM_PARAM = 2 };
enum { ELEM_FLOAT = 1, ELEM_INT64 = 7 };

struct onnx {
    struct arena *arena;
    struct buf graph, scratch, inner; /* of one message, and of a message in it */
    unsigned names;
};

struct onnx *onnx_new(struct arena *a, size_t max_bytes)
{
    struct onnx *o = mem_alloc(sizeof *o);

    o->arena = a;
    o->graph = BUF(max_bytes);
    o->scratch = BUF(max_bytes);
    o->inner = BUF(max_bytes);
    return o;
}

void onnx_freep(struct onnx **o)
{
    if (*o) {
        buf_clear(&(*o)->graph);
        buf_clear(&(*o)->scratch);
        buf_clear(&(*o)->inner);
    }
    free(*o);
    *o = NULL;
}

bool onnx_full(const struct onnx *o)
{
    return o->graph.overflow || o->scratch.overflow;
}

const char *onnx_name(struct onnx *o)
{
    return arena_printf(o->arena, "t%u", o->names++);
}

/* ---- protocol buffers ---- */

static void put_varint(struct buf *b, uint64_t v)
{
    uint8_t bytes[10];
    size_t n = 0;

    do
        bytes[n++] = (uint8_t)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
    while (v >>= 7);
    buf_add(b, bytes, n);
}

static void put_int(struct buf *b, int field, int64_t v)
{
    put_varint(b, (uint64_t)field << 3);
    put_varint(b, (uint64_t)v);
}

static void put_float(struct buf *b, int field, float v)
{
    put_varint(b, (uint64_t)field << 3 | 5);
    buf_add(b, &v, sizeof v); /* little endian, as everywhere we run */
}

static void put_bytes(struct buf *b, int field, struct bytes v)
{
    put_varint(b, (uint64_t)field << 3 | 2);
    put_varint(b, v.len);
    if (v.len)
        buf_add(b, v.data, v.len);
}

static void put_text(struct buf *b, int field, const char *s)
{
    put_bytes(b, field, bytes_of(s, strlen(s)));
}

/* The message in `from` becomes a field, and `from` is empty again. */
static void put_message(struct buf *b, int field, struct buf *from)
{
    put_bytes(b, field, buf_bytes(from));
    b->overflow |= from->overflow;
    from->len = 0;
}

/* ---- ports and constants ---- */

void onnx_port(struct onnx *o, bool input, const char *name, size_t ndims, const int64_t *dims)
{
    struct buf *dim = &o->inner;
    struct buf shape = BUF(1 << 12), tensor = BUF(1 << 12), type = BUF(1 << 12);

    for (size_t i = 0; i < ndims; i++) {
        if (dims[i] >= 0)
            put_int(dim, DIM_VALUE, dims[i]);
        else
            put_text(dim, DIM_PARAM, onnx_name(o));
        put_message(&shape, SHAPE_DIM, dim);
    }
    put_int(&tensor, TENSOR_ELEM, ELEM_FLOAT);
    put_message(&tensor, TENSOR_SHAPE, &shape);
    put_message(&type, TYPE_TENSOR, &tensor);
    put_text(&o->scratch, VALUE_NAME, name);
    put_message(&o->scratch, VALUE_TYPE, &type);
    put_message(&o->graph, input ? GRAPH_INPUT : GRAPH_OUTPUT, &o->scratch);
    buf_clear(&shape);
    buf_clear(&tensor);
    buf_clear(&type);
}

/* The numbers are not copied twice: what stands before them is made first, so the length is known. */
static void put_tensor(struct onnx *o, const char *name, int elem, size_t ndims, const int64_t *dims,
                       const void *data, size_t size)
{
    size_t n = size;

    for (size_t i = 0; i < ndims; i++) {
        put_int(&o->scratch, TENSOR_DIMS, dims[i]);
        n *= (size_t)dims[i];
    }
    put_int(&o->scratch, TENSOR_TYPE, elem);
    put_text(&o->scratch, TENSOR_NAME, name);
    put_varint(&o->scratch, TENSOR_RAW << 3 | 2);
    put_varint(&o->scratch, n);
    put_varint(&o->graph, GRAPH_INITIALIZER << 3 | 2);
    put_varint(&o->graph, o->scratch.len + n);
    buf_add(&o->graph, o->scratch.data, o->scratch.len);
    if (n)
        buf_add(&o->graph, data, n);
    o->scratch.len = 0;
}

void onnx_floats(struct onnx *o, const char *name, size_t ndims, const int64_t *dims, const float *data)
{
    put_tensor(o, name, ELEM_FLOAT, ndims, dims, data, sizeof *data);
}

void onnx_int64s(struct onnx *o, const char *name, size_t ndims, const int64_t *dims, const int64_t *data)
{
    put_tensor(o, name, ELEM_INT64, ndims, dims, data, sizeof *data);
}

const char *onnx_float(struct onnx *o, float value)
{
    const char *name = onnx_name(o);

    onnx_floats(o, name, 0, NULL, &value);
    return name;
}

const char *onnx_list(struct onnx *o, size_t n, const int64_t *data)
{
    const char *name = onnx_name(o);

    onnx_int64s(o, name, 1, &(int64_t){(int64_t)n}, data);
    return name;
}

/* ---- nodes ---- */

static void put_names(struct buf *b, int field, const char *names)
{
    for (const char *s = names, *end; *s; s = end + (*end == ' ')) {
        end = s + strcspn(s, " ");
        put_bytes(b, field, bytes_of(s, *s == '-' ? 0 : (size_t)(end - s)));
    }
}

static void put_attr(struct onnx *o, const struct onnx_attr *attr)
{
    static const int types[] = {
        [ONNX_ATTR_INT] = TYPE_INT, [ONNX_ATTR_FLOAT] = TYPE_FLOAT, [ONNX_ATTR_INTS] = TYPE_INTS};
    struct buf *b = &o->inner;

    put_text(b, ATTRIBUTE_NAME, attr->name);
    if (attr->kind == ONNX_ATTR_INT)
        put_int(b, ATTRIBUTE_I, attr->i);
    else if (attr->kind == ONNX_ATTR_FLOAT)
        put_float(b, ATTRIBUTE_F, attr->f);
    for (size_t i = 0; attr->kind == ONNX_ATTR_INTS && i < attr->n; i++)
        put_int(b, ATTRIBUTE_INTS, attr->ints[i]);
    put_int(b, ATTRIBUTE_TYPE, types[attr->kind]);
    put_message(&o->scratch, NODE_ATTRIBUTE, b);
}

static void put_node(struct onnx *o, const char *op, const char *in, const char *out, va_list attrs)
{
    put_names(&o->scratch, NODE_INPUT, in);
    put_names(&o->scratch, NODE_OUTPUT, out);
    put_text(&o->scratch, NODE_OP, op);
    for (const struct onnx_attr *attr; (attr = va_arg(attrs, const struct onnx_attr *));)
        put_attr(o, attr);
    put_message(&o->graph, GRAPH_NODE, &o->scratch);
}

void onnx_node_(struct onnx *o, const char *op, const char *in, const char *out, ...)
{
    va_list attrs;

    va_start(attrs, out);
    put_node(o, op, in, out, attrs);
    va_end(attrs);
}

const char *onnx_step_(struct onnx *o, const char *op, const char *in, ...)
{
    const char *out = onnx_name(o);
    va_list attrs;

    va_start(attrs, in);
    put_node(o, op, in, out, attrs);
    va_end(attrs);
    return out;
}

/* ---- the model ---- */

int onnx_end(struct onnx *o, struct arena *a, struct bytes *ret, struct err *err)
{
    struct buf *head = &o->scratch;
    uint8_t *all;
    size_t n;

    put_text(&o->graph, GRAPH_NAME, "converted");
    put_int(head, MODEL_IR_VERSION, IR_VERSION);
    put_text(head, MODEL_PRODUCER, "assay");
    put_int(&o->inner, OPSET_VERSION, OPSET);
    put_message(head, MODEL_OPSET, &o->inner);
    put_varint(head, MODEL_GRAPH << 3 | 2);
    put_varint(head, o->graph.len);
    if (onnx_full(o))
        return FAIL(err, ERR_LIMIT, "the model is over %zu bytes once its numbers are floats", o->graph.max);
    n = head->len + o->graph.len;
    if (!(all = arena_try(a, n)))
        return FAIL(err, ERR_LIMIT, "there is no memory for a model of %zu bytes", n);
    memcpy(all, head->data, head->len);
    memcpy(all + head->len, o->graph.data, o->graph.len);
    *ret = bytes_of(all, n);
    return 0;
}
