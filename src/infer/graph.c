#include "infer/graph.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "infer/session_int.h"

struct graph {
    struct arena *arena;
    struct session *session;
    struct model_port inputs[MODEL_PORTS], outputs[MODEL_PORTS];
    float *in[MODEL_PORTS];
    const float *out[MODEL_PORTS];
    size_t nout[MODEL_PORTS];
};

size_t port_count(const struct model_port *p)
{
    size_t n = 1;

    for (size_t i = 0; i < p->ndims; i++)
        n *= (size_t)p->dims[i];
    return n;
}

/* What is left open counts as 1. */
static int fix_shape(struct model_port *p, struct err *err)
{
    size_t n = 1;

    for (size_t i = 0; i < p->ndims; i++) {
        if (p->dims[i] < 0)
            p->dims[i] = 1;
        if (p->dims[i] == 0)
            return FAIL(err, ERR_MODEL, "\"%.60s\" of the model holds no numbers", p->name);
        if (ckd_mul(&n, n, (size_t)p->dims[i]) || n > GRAPH_MAX_NUMBERS)
            return FAIL(err, ERR_LIMIT, "\"%.60s\" of the model holds over %d numbers", p->name,
                        GRAPH_MAX_NUMBERS);
    }
    return 0;
}

static int open_input(struct graph *g, size_t i, struct err *err)
{
    struct model_port *p = &g->inputs[i];

    if (session_port(g->session, true, i, g->arena, p, err) < 0 || fix_shape(p, err) < 0)
        return -1;
    g->in[i] = arena_try(g->arena, port_count(p) * sizeof(float));
    if (!g->in[i])
        return FAIL(err, ERR_LIMIT, "there is no memory for the model's input of %zu numbers", port_count(p));
    return session_bind(g->session, i, p, g->in[i], err);
}

static int open_output(struct graph *g, size_t i, struct err *err)
{
    if (session_port(g->session, false, i, g->arena, &g->outputs[i], err) < 0)
        return -1;
    return fix_shape(&g->outputs[i], err);
}

static int open_ports(struct graph *g, struct err *err)
{
    for (size_t i = 0; i < graph_ninputs(g); i++)
        if (open_input(g, i, err) < 0)
            return -1;
    for (size_t i = 0; i < graph_noutputs(g); i++)
        if (open_output(g, i, err) < 0)
            return -1;
    return 0;
}

int graph_open(struct graph **ret_graph, struct runtime *rt, struct bytes onnx, struct err *err)
{
    CLEANUP(graph_freep) struct graph *g = mem_alloc(sizeof *g);

    if (!rt)
        return FAIL(err, ERR_MODEL, "there is no ONNX Runtime to open the model with");
    if (!onnx.len)
        return FAIL(err, ERR_MODEL, "the model's file is empty");
    g->arena = arena_new();
    if (session_open(&g->session, rt, onnx, err) < 0 || open_ports(g, err) < 0)
        return -1;
    *ret_graph = TAKE(g);
    return 0;
}

void graph_freep(struct graph **g)
{
    if (*g) {
        session_freep(&(*g)->session);
        arena_freep(&(*g)->arena);
    }
    free(*g);
    *g = NULL;
}

size_t graph_ninputs(const struct graph *g)
{
    return session_ninputs(g->session);
}

size_t graph_noutputs(const struct graph *g)
{
    return session_noutputs(g->session);
}

const struct model_port *graph_input(const struct graph *g, size_t i)
{
    return &g->inputs[i];
}

const struct model_port *graph_output(const struct graph *g, size_t i)
{
    return &g->outputs[i];
}

float *graph_in(struct graph *g, size_t i)
{
    return g->in[i];
}

int graph_run(struct graph *g, int64_t deadline_mono_us, struct err *err)
{
    if (deadline_mono_us && clock_mono_us() >= deadline_mono_us)
        return FAIL(err, ERR_TIMEOUT, "the deadline passed before all windows were judged");
    if (session_run(g->session, err) < 0)
        return -1;
    for (size_t i = 0; i < graph_noutputs(g); i++)
        if (session_output(g->session, i, GRAPH_MAX_NUMBERS, &g->out[i], &g->nout[i], err) < 0)
            return -1;
    return 0;
}

const float *graph_out(const struct graph *g, size_t i, size_t *ret_n)
{
    *ret_n = g->nout[i];
    return g->out[i];
}
