#include "infer/onnx_read.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* ---- protocol buffers ---- */

/* A field of a message: a number, or a run of bytes. */
struct field {
    uint32_t number;
    bool is_bytes;
    uint64_t value;
    struct bytes bytes;
};

static bool varint(struct bytes *b, uint64_t *ret)
{
    *ret = 0;
    for (unsigned shift = 0; b->len && shift < 64; shift += 7) {
        uint8_t byte = *b->data;
        *b = bytes_of(b->data + 1, b->len - 1);
        *ret |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return true;
    }
    return false;
}

static bool skip(struct bytes *b, size_t n)
{
    if (n > b->len)
        return false;
    *b = bytes_of(b->data + n, b->len - n);
    return true;
}

/* 1: a field, 0: the end, -1: broken. */
static int next(struct bytes *b, struct field *ret)
{
    uint64_t key, n;

    if (!b->len)
        return 0;
    if (!varint(b, &key))
        return -1;
    *ret = (struct field){.number = (uint32_t)(key >> 3)};
    switch (key & 7) {
    case 0:
        return varint(b, &ret->value) ? 1 : -1;
    case 1:
        return skip(b, 8) ? 1 : -1;
    case 2:
        if (!varint(b, &n) || n > b->len)
            return -1;
        ret->is_bytes = true;
        ret->bytes = bytes_of(b->data, (size_t)n);
        return skip(b, (size_t)n) ? 1 : -1;
    case 5:
        return skip(b, 4) ? 1 : -1;
    default:
        return -1;
    }
}

/* ---- reading ---- */

struct reader {
    struct arena *a;
    struct onnx_file *f;
    size_t cap_nodes, cap_constants, cap_inputs, cap_outputs;
    struct err *err;
};

static int broken(struct reader *r)
{
    return FAIL(r->err, ERR_MODEL, "the file is no ONNX model, or is damaged");
}

/* Every field of a message goes to `take` with the struct that it fills. */
static int each(struct reader *r, struct bytes b, int (*take)(struct reader *, const struct field *, void *),
                void *into)
{
    struct field field;
    int more;

    while ((more = next(&b, &field)) > 0)
        if (take(r, &field, into) < 0)
            return -1;
    return more < 0 ? broken(r) : 0;
}

static const char *text(struct reader *r, const struct field *f)
{
    return f->is_bytes && f->bytes.len ? arena_strndup(r->a, (const char *)f->bytes.data, f->bytes.len) : "";
}

static int add_dim(struct reader *r, struct onnx_value *v, int64_t dim)
{
    if (v->ndims == ONNX_READ_DIMS)
        return FAIL(r->err, ERR_LIMIT, "a tensor of the model has more than %d dimensions", ONNX_READ_DIMS);
    v->dims[v->ndims++] = dim < 0 ? -1 : dim;
    return 0;
}

static int take_dim(struct reader *r, const struct field *f, void *into)
{
    (void)r;
    if (f->number == 1 && !f->is_bytes)
        *(int64_t *)into = (int64_t)f->value;
    return 0;
}

static int take_shape(struct reader *r, const struct field *f, void *into)
{
    int64_t dim = -1; /* a name in place of a number: left open */

    if (f->number != 1 || !f->is_bytes)
        return 0;
    return each(r, f->bytes, take_dim, &dim) < 0 ? -1 : add_dim(r, into, dim ? dim : -1);
}

static int take_tensor_type(struct reader *r, const struct field *f, void *into)
{
    if (f->number == 1 && !f->is_bytes)
        ((struct onnx_value *)into)->type = (int)(f->value & 0xff);
    return f->number == 2 && f->is_bytes ? each(r, f->bytes, take_shape, into) : 0;
}

static int take_type(struct reader *r, const struct field *f, void *into)
{
    return f->number == 1 && f->is_bytes ? each(r, f->bytes, take_tensor_type, into) : 0;
}

static int take_port(struct reader *r, const struct field *f, void *into)
{
    if (f->number == 1)
        ((struct onnx_value *)into)->name = text(r, f);
    return f->number == 2 && f->is_bytes ? each(r, f->bytes, take_type, into) : 0;
}

/* One number, or a run of them. */
static int take_dims(struct reader *r, const struct field *f, struct onnx_value *v)
{
    struct bytes b = f->bytes;
    uint64_t dim;

    if (!f->is_bytes)
        return add_dim(r, v, (int64_t)f->value);
    while (b.len)
        if (!varint(&b, &dim))
            return broken(r);
        else if (add_dim(r, v, (int64_t)dim) < 0)
            return -1;
    return 0;
}

static int take_constant(struct reader *r, const struct field *f, void *into)
{
    struct onnx_value *v = into;

    if (f->number == 1)
        return take_dims(r, f, v);
    if (f->number == 2 && !f->is_bytes)
        v->type = (int)(f->value & 0xff);
    if (f->number == 8)
        v->name = text(r, f);
    if (f->number == 14 && f->value == 1)
        r->f->external = true;
    return 0;
}

struct names {
    const char **all;
    size_t n, cap;
};
struct node_parts {
    struct names in, out;
    const char *op;
};

static int add_name(struct reader *r, struct names *names, const char *name)
{
    if (names->n == ONNX_READ_MAX)
        return FAIL(r->err, ERR_LIMIT, "an operator of the model has too many inputs");
    ARENA_PUSH(r->a, names->all, names->n, names->cap) = name;
    return 0;
}

static int take_node(struct reader *r, const struct field *f, void *into)
{
    struct node_parts *parts = into;

    if (f->number == 1 || f->number == 2)
        return add_name(r, f->number == 1 ? &parts->in : &parts->out, text(r, f));
    if (f->number == 4)
        parts->op = text(r, f);
    return 0;
}

static int add_node(struct reader *r, struct bytes b)
{
    struct node_parts parts = {.op = ""};

    if (each(r, b, take_node, &parts) < 0)
        return -1;
    if (r->f->nnodes == ONNX_READ_MAX)
        return FAIL(r->err, ERR_LIMIT, "the model has more than %d operators", ONNX_READ_MAX);
    ARENA_PUSH(r->a, r->f->nodes, r->f->nnodes, r->cap_nodes) =
        (struct onnx_node){parts.op, parts.in.n, parts.out.n, parts.in.all, parts.out.all};
    return 0;
}

static int take_graph(struct reader *r, const struct field *f, void *into)
{
    struct onnx_file *file = into;
    struct onnx_value v = {.name = ""};

    if (!f->is_bytes)
        return 0;
    if (f->number == 1)
        return add_node(r, f->bytes);
    if (file->nconstants == ONNX_READ_MAX || file->ninputs == ONNX_READ_MAX ||
        file->noutputs == ONNX_READ_MAX)
        return FAIL(r->err, ERR_LIMIT, "the model has more than %d constants", ONNX_READ_MAX);
    if (f->number == 5) {
        if (each(r, f->bytes, take_constant, &v) < 0)
            return -1;
        ARENA_PUSH(r->a, file->constants, file->nconstants, r->cap_constants) = v;
    } else if (f->number == 11 || f->number == 12) {
        if (each(r, f->bytes, take_port, &v) < 0)
            return -1;
        if (f->number == 11)
            ARENA_PUSH(r->a, file->inputs, file->ninputs, r->cap_inputs) = v;
        else
            ARENA_PUSH(r->a, file->outputs, file->noutputs, r->cap_outputs) = v;
    }
    return 0;
}

struct opset {
    const char *domain;
    int64_t version;
};

static int take_opset(struct reader *r, const struct field *f, void *into)
{
    struct opset *o = into;

    if (f->number == 1)
        o->domain = text(r, f);
    if (f->number == 2 && !f->is_bytes)
        o->version = (int64_t)f->value;
    return 0;
}

static int take_model(struct reader *r, const struct field *f, void *into)
{
    struct onnx_file *file = into;
    struct opset o = {.domain = ""};

    if (f->number == 1 && !f->is_bytes)
        file->ir = (int64_t)f->value;
    if (f->number == 2)
        file->producer = text(r, f);
    if (f->number == 7 && f->is_bytes)
        return each(r, f->bytes, take_graph, file);
    if (f->number == 8 && f->is_bytes) {
        if (each(r, f->bytes, take_opset, &o) < 0)
            return -1;
        if (!*o.domain || text_is(o.domain, "ai.onnx"))
            file->opset = o.version;
    }
    return 0;
}

/* ---- names ---- */

static int by_name(const void *x, const void *y)
{
    const struct onnx_value *a = x, *b = y;

    return strcmp(a->name, b->name);
}

static const struct onnx_value *constant(const struct onnx_file *f, const char *name)
{
    struct onnx_value key = {.name = name};

    return f->nconstants ? bsearch(&key, f->constants, f->nconstants, sizeof key, by_name) : NULL;
}

/* Old files list their constants among the inputs, too. */
static void drop_constants(struct onnx_file *f)
{
    size_t kept = 0;

    for (size_t i = 0; i < f->ninputs; i++)
        if (!constant(f, f->inputs[i].name))
            f->inputs[kept++] = f->inputs[i];
    f->ninputs = kept;
}

int onnx_read(struct arena *a, struct bytes file, struct onnx_file *ret, struct err *err)
{
    struct onnx_file f = {.producer = ""};
    struct reader r = {.a = a, .f = &f, .err = err};

    if (each(&r, file, take_model, &f) < 0)
        return -1;
    if (!f.nnodes || !f.noutputs)
        return broken(&r);
    if (f.nconstants)
        qsort(f.constants, f.nconstants, sizeof *f.constants, by_name);
    drop_constants(&f);
    *ret = f;
    return 0;
}

/* ---- advice ---- */

struct maker {
    const char *name;
    const struct onnx_node *node;
};

static int by_maker(const void *x, const void *y)
{
    const struct maker *a = x, *b = y;

    return strcmp(a->name, b->name);
}

/* Who makes which tensor. */
static struct maker *makers_of(struct arena *a, const struct onnx_file *f, size_t *ret_n)
{
    struct maker *all;
    size_t n = 0;

    for (size_t i = 0; i < f->nnodes; i++)
        n += f->nodes[i].noutputs;
    all = arena_array(a, n + 1, sizeof *all);
    *ret_n = 0;
    for (size_t i = 0; i < f->nnodes; i++)
        for (size_t k = 0; k < f->nodes[i].noutputs; k++)
            all[(*ret_n)++] = (struct maker){f->nodes[i].out[k], &f->nodes[i]};
    qsort(all, *ret_n, sizeof *all, by_maker);
    return all;
}

struct census {
    size_t quantise, dequantise; /* operators */
    size_t late_relu;            /* that stand behind a DequantizeLinear */
    size_t signed_inputs;        /* activations that are made signed */
    size_t unsigned_weights;
    size_t dynamic, convinteger;
};

static bool is_relu(const char *op)
{
    return text_is(op, "Relu") || text_is(op, "Clip") || text_is(op, "LeakyRelu");
}

static int type_of_input(const struct onnx_file *f, const struct onnx_node *n, size_t i)
{
    const struct onnx_value *v = i < n->ninputs ? constant(f, n->in[i]) : NULL;

    return v ? v->type : 0;
}

static struct census count(struct arena *a, const struct onnx_file *f)
{
    struct census c = {0};
    size_t nmakers;
    struct maker *makers = makers_of(a, f, &nmakers);

    for (size_t i = 0; i < f->nnodes; i++) {
        const struct onnx_node *n = &f->nodes[i];
        struct maker key = {n->ninputs ? n->in[0] : "", NULL}, *from;
        from = nmakers ? bsearch(&key, makers, nmakers, sizeof key, by_maker) : NULL;
        c.quantise += text_is(n->op, "QuantizeLinear");
        c.dequantise += text_is(n->op, "DequantizeLinear");
        c.late_relu += is_relu(n->op) && from && text_is(from->node->op, "DequantizeLinear");
        c.signed_inputs += text_is(n->op, "QuantizeLinear") && type_of_input(f, n, 2) == ONNX_INT8;
        c.unsigned_weights += text_is(n->op, "DequantizeLinear") && type_of_input(f, n, 0) == ONNX_UINT8;
        c.dynamic += text_is(n->op, "DynamicQuantizeLinear");
        c.convinteger += text_is(n->op, "ConvInteger");
    }
    return c;
}

static size_t count_type(const struct onnx_file *f, int type)
{
    size_t n = 0;

    for (size_t i = 0; i < f->ninputs; i++)
        n += f->inputs[i].type == type;
    for (size_t i = 0; i < f->noutputs; i++)
        n += f->outputs[i].type == type;
    return n;
}

size_t onnx_advice(struct arena *a, const struct onnx_file *f, const char *ret[ONNX_ADVICE_MAX])
{
    struct census c = count(a, f);
    size_t n = 0;

    if (f->external)
        ret[n++] = "its constants lie in other files; save it as one file";
    if (count_type(f, ONNX_FLOAT16))
        ret[n++] =
            "it takes or gives 16-bit floats; export it with 32-bit inputs and outputs (weights may stay "
            "16-bit)";
    if (c.late_relu)
        ret[n++] =
            arena_printf(a,
                         "%zu activations (Relu, Clip) stand between DequantizeLinear and QuantizeLinear and "
                         "run as float: such a model was three times slower than its float original. "
                         "Quantise with a range from 0 behind the activation, so that it is absorbed",
                         c.late_relu);
    if (c.signed_inputs)
        ret[n++] =
            arena_printf(a,
                         "%zu activations are signed 8-bit: on this kind of processor no faster than float, "
                         "or slower. Quantise activations unsigned, weights signed (U8S8)",
                         c.signed_inputs);
    if (c.unsigned_weights && c.quantise)
        ret[n++] =
            arena_printf(a,
                         "%zu weights are unsigned 8-bit; only unsigned activations with signed weights "
                         "(U8S8) were measured to be faster than float",
                         c.unsigned_weights);
    if (c.dynamic || c.convinteger)
        ret[n++] =
            "it is quantised while it runs (DynamicQuantizeLinear, ConvInteger); for pictures quantise it "
            "beforehand (QuantizeLinear and DequantizeLinear around the operators)";
    return n;
}
