#include "made_tflite.h"

#include <stdint.h>
#include <string.h>

/* ---- flatbuffers ---- */

enum { SLOT = 8, FIELDS = 12, LARGEST = 1 << 20 };

struct made {
    uint8_t *all;
    size_t n;
};

static void align(struct made *m, size_t to)
{
    m->n = (m->n + to - 1) / to * to;
}

static void put(struct made *m, size_t at, const void *data, size_t n)
{
    if (n)
        memcpy(m->all + at, data, n);
}

/* A table with room for every field; a field is there once it is set. */
static size_t new_table(struct made *m)
{
    uint16_t vtable[2] = {4 + 2 * FIELDS, 4 + SLOT * (FIELDS + 1)};
    size_t at;
    int32_t back;

    align(m, SLOT);
    put(m, m->n, vtable, sizeof vtable);
    m->n += 4 + 2 * FIELDS;
    align(m, SLOT);
    at = m->n;
    back = (4 + 2 * FIELDS + SLOT - 1) / SLOT * SLOT;
    put(m, at, &back, sizeof back);
    m->n += 4 + SLOT * (FIELDS + 1);
    return at;
}

static void set(struct made *m, size_t table, int field, const void *data, size_t n)
{
    int32_t back;
    uint16_t off = (uint16_t)(SLOT * (field + 1));

    memcpy(&back, m->all + table, sizeof back);
    put(m, table - (size_t)back + 4 + 2 * (size_t)field, &off, sizeof off);
    put(m, table + off, data, n);
}

static void set_int(struct made *m, size_t table, int field, int64_t v, size_t n)
{
    set(m, table, field, &v, n);
}

static void set_offset(struct made *m, size_t table, int field, size_t to)
{
    uint32_t off = (uint32_t)(to - (table + SLOT * ((size_t)field + 1)));

    set(m, table, field, &off, sizeof off);
}

static size_t new_child(struct made *m, size_t table, int field)
{
    size_t child = new_table(m);

    set_offset(m, table, field, child);
    return child;
}

/* A vector of n items of that size, whose place is the result. */
static size_t new_vector(struct made *m, size_t table, int field, const void *data, size_t n, size_t size)
{
    uint32_t count = (uint32_t)n;
    size_t at;

    align(m, SLOT);
    at = m->n + SLOT; /* so that what follows the length is aligned */
    set_offset(m, table, field, at - 4);
    put(m, at - 4, &count, sizeof count);
    if (data)
        put(m, at, data, n * size);
    m->n = at + n * size;
    return at;
}

/* The i-th item of a vector of tables. */
static size_t new_item(struct made *m, size_t vector, size_t i)
{
    size_t table = new_table(m);
    uint32_t off = (uint32_t)(table - (vector + 4 * i));

    put(m, vector + 4 * i, &off, sizeof off);
    return table;
}

/* ---- models: fields of schema.fbs by their numbers ---- */

static void put_codes(struct made *m, size_t model, const struct made_model *from)
{
    size_t all = new_vector(m, model, 1, NULL, from->nops, 4);

    for (size_t i = 0; i < from->nops; i++) {
        const struct made_op *op = &from->ops[i];
        size_t code = new_item(m, all, i);
        set_int(m, code, 0, op->code < 127 ? op->code : 127, 1);
        set_int(m, code, 3, op->code, 4);
        if (op->custom)
            new_vector(m, code, 1, op->custom, strlen(op->custom), 1);
    }
}

static void put_tensor(struct made *m, size_t table, const struct made_tensor *t, size_t buffer)
{
    int64_t zeros[4] = {t->zero, t->zero, t->zero, t->zero};
    size_t quant;

    new_vector(m, table, 0, t->dims, t->ndims, 4);
    set_int(m, table, 1, t->type, 1);
    set_int(m, table, 2, (int64_t)buffer, 4);
    if (!t->nscales)
        return;
    quant = new_child(m, table, 4);
    new_vector(m, quant, 2, t->scales, t->nscales, 4);
    new_vector(m, quant, 3, zeros, t->nscales, 8);
    set_int(m, quant, 6, t->axis, 4);
}

static void put_options(struct made *m, size_t table, const struct made_op *op)
{
    size_t options = new_child(m, table, 4);

    for (size_t i = 0; i < op->noptions; i++) {
        const struct made_option *o = &op->options[i];
        float real = (float)o->value;
        if (o->real)
            set(m, options, o->field, &real, sizeof real);
        else
            set_int(m, options, o->field, (int64_t)o->value, (size_t)o->size);
    }
}

static void put_op(struct made *m, size_t table, const struct made_op *op, size_t code)
{
    set_int(m, table, 0, (int64_t)code, 4);
    new_vector(m, table, 1, op->in, op->ninputs, 4);
    new_vector(m, table, 2, op->out, op->noutputs, 4);
    put_options(m, table, op);
    if (op->custom_options.len)
        new_vector(m, table, 5, op->custom_options.data, op->custom_options.len, 1);
}

static void put_graph(struct made *m, size_t model, const struct made_model *from)
{
    size_t graph = new_item(m, new_vector(m, model, 2, NULL, 1, 4), 0), all;

    all = new_vector(m, graph, 0, NULL, from->ntensors, 4);
    for (size_t i = 0; i < from->ntensors; i++)
        put_tensor(m, new_item(m, all, i), &from->tensors[i], i + 1);
    new_vector(m, graph, 1, from->in, from->ninputs, 4);
    new_vector(m, graph, 2, from->out, from->noutputs, 4);
    all = new_vector(m, graph, 3, NULL, from->nops, 4);
    for (size_t i = 0; i < from->nops; i++)
        put_op(m, new_item(m, all, i), &from->ops[i], i);
}

/* Buffer 0 is empty, as in every model; then one for each tensor. */
static void put_buffers(struct made *m, size_t model, const struct made_model *from)
{
    size_t all = new_vector(m, model, 4, NULL, from->ntensors + 1, 4);

    new_item(m, all, 0);
    for (size_t i = 0; i < from->ntensors; i++) {
        size_t buffer = new_item(m, all, i + 1);
        if (from->tensors[i].data)
            new_vector(m, buffer, 0, from->tensors[i].data, from->tensors[i].size, 1);
    }
}

struct bytes made_tflite(struct arena *a, const struct made_model *from)
{
    struct made m = {arena_alloc(a, LARGEST), 8};
    uint32_t root;
    size_t model;

    memcpy(m.all + 4, "TFL3", 4);
    model = new_table(&m);
    root = (uint32_t)model;
    memcpy(m.all, &root, sizeof root);
    set_int(&m, model, 0, 3, 4);
    put_codes(&m, model, from);
    put_graph(&m, model, from);
    put_buffers(&m, model, from);
    return bytes_of(m.all, m.n);
}

/* ---- flexbuffers ---- */

/* Keys, the vector of keys, then the map with values of 4 bytes, its kinds, and the root. */
struct bytes made_flex(struct arena *a, const struct made_pair *pairs, size_t n)
{
    enum { INT = 1, FLOAT = 3, MAP = 9, WIDTH = 2 };
    uint8_t *all = arena_alloc(a, 4096);
    size_t at = 0, keys[32], vector, map;
    uint32_t v;

    for (size_t i = 0; i < n; i++) {
        keys[i] = at;
        memcpy(all + at, pairs[i].key, strlen(pairs[i].key) + 1);
        at += strlen(pairs[i].key) + 1;
    }
    at = (at + 3) / 4 * 4;
    v = (uint32_t)n;
    memcpy(all + at, &v, 4);
    vector = at += 4;
    for (size_t i = 0; i < n; i++, at += 4) {
        v = (uint32_t)(at - keys[i]);
        memcpy(all + at, &v, 4);
    }
    v = (uint32_t)(at - vector); /* to the keys, their width, the count */
    memcpy(all + at, &v, 4);
    v = 4;
    memcpy(all + at + 4, &v, 4);
    v = (uint32_t)n;
    memcpy(all + at + 8, &v, 4);
    map = at += 12;
    for (size_t i = 0; i < n; i++, at += 4) {
        float real = (float)pairs[i].value;
        v = (uint32_t)(int32_t)pairs[i].value;
        memcpy(all + at, pairs[i].real ? (const void *)&real : (const void *)&v, 4);
    }
    for (size_t i = 0; i < n; i++)
        all[at++] = (uint8_t)((pairs[i].real ? FLOAT : INT) << 2 | WIDTH);
    all[at] = (uint8_t)(at - map);
    all[at + 1] = MAP << 2 | WIDTH;
    all[at + 2] = 1;
    return bytes_of(all, at + 3);
}
