/* Models of other people behind infer/graph.h: a real one, our own, and what is none. */
#include "infer/graph.h"

#include <math.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "infer/convert.h"
#include "infer/file_int.h"
#include "infer/onnx_write.h"
#include "test.h"

static struct runtime *rt; /* one for all tests: opening it takes longer than they do */

static bool open_runtime(void)
{
    const char *root = getenv("ASSAY_ROOT");
    char path[4096];
    struct err err = {0};

    snprintf(path, sizeof path, "%s/.deps/lib/libonnxruntime.so.1", root ? root : ".");
    if (runtime_open(&rt, access(path, R_OK) == 0 ? path : NULL, &err) < 0)
        printf("# %s\n", err.text);
    return rt != NULL;
}

static bool read_shared(const char *name, struct buf *ret)
{
    char path[4096];

    snprintf(path, sizeof path, "%s/data/impulses/%s", test_shared() ? test_shared() : "", name);
    return test_shared() && file_read(path, ret, NULL) == 0;
}

/* Row by row what ONNX Runtime in another program gave for features that a real Studio computed. */
static void a_real_model_gives_what_is_expected(void)
{
    enum { FEATURES = 39, LABELS = 4 };
    CLEANUP(buf_clear) struct buf model = BUF(1 << 20), rows = BUF(1 << 20), text = BUF(1 << 20);
    CLEANUP(json_freep) yyjson_doc *doc = NULL;
    CLEANUP(graph_freep) struct graph *g = NULL;
    struct err err = {0};
    yyjson_val *row, *v;
    size_t i, k, n;

    if (!read_shared("accelerometer.onnx", &model) ||
        !read_shared("accelerometer-representative.npy", &rows) ||
        !read_shared("accelerometer.onnx.expected.json", &text))
        SKIP("no shared data");
    doc = json_read(buf_bytes(&text), 1 << 20, &err);
    if (!doc || graph_open(&g, rt, buf_bytes(&model), &err) < 0) {
        CHECK_STR(err.text, "");
        return;
    }
    CHECK_INT(graph_ninputs(g), 1);
    CHECK_INT(graph_noutputs(g), 1);
    CHECK_STR(graph_input(g, 0)->name, "x");
    CHECK_INT(port_count(graph_input(g, 0)), FEATURES);
    CHECK_INT(port_count(graph_output(g, 0)), LABELS);
    yyjson_arr_foreach (yyjson_obj_get(yyjson_doc_get_root(doc), "rows"), i, n, row) {
        size_t at = (size_t)json_int(row, "row", 0) * FEATURES * sizeof(float), header = 128, max, got;
        const float *out;

        CHECK(header + at + FEATURES * sizeof(float) <= rows.len);
        memcpy(graph_in(g, 0), rows.data + header + at, FEATURES * sizeof(float));
        CHECK_INT(graph_run(g, 0, &err), 0);
        out = graph_out(g, 0, &got);
        CHECK_INT(got, LABELS);
        yyjson_arr_foreach (yyjson_obj_get(row, "output"), k, max, v) {
            CHECK_NEAR((double)out[k], yyjson_get_num(v), 1e-6);
        }
        ROW("%zu", i);
    }
    CHECK(n > 0);
}

/* Numbers of a fixed pattern, about -1..1. */
static float *pattern(struct arena *a, size_t n, unsigned state)
{
    float *all = arena_array(a, n, sizeof *all);

    for (size_t i = 0; i < n; i++) {
        state = state * 1103515245u + 12345u;
        all[i] = (float)(state >> 8 & 0xffff) / 32768.0f - 1.0f;
    }
    return all;
}

static void softmax(double *v, size_t n)
{
    double sum = 0, top = v[0];

    for (size_t i = 1; i < n; i++)
        top = fmax(top, v[i]);
    for (size_t i = 0; i < n; i++)
        sum += v[i] = exp(v[i] - top);
    for (size_t i = 0; i < n; i++)
        v[i] /= sum;
}

/* The same net in plain C. */
static void run_dense(const struct dense_net *net, const float *in, double *x)
{
    double y[64];

    for (size_t i = 0; i < net->layers[0].in; i++)
        x[i] = net->mean ? ((double)in[i] - (double)net->mean[i]) / (double)net->dev[i] : (double)in[i];
    for (const struct dense_layer *l = net->layers; l < net->layers + net->nlayers; l++) {
        for (size_t o = 0; o < l->out; o++) {
            y[o] = (double)l->bias[o];
            for (size_t i = 0; i < l->in; i++)
                y[o] += (double)l->weights[o * l->in + i] * x[i];
            if (l->act == DENSE_RELU && y[o] < 0)
                y[o] = 0;
        }
        if (l->act == DENSE_SOFTMAX)
            softmax(y, l->out);
        memcpy(x, y, l->out * sizeof *x);
    }
}

static void a_dense_net_of_ours_runs(void)
{
    static const struct {
        const char *what;
        bool scaled;
        size_t sizes[4];
        enum dense_act acts[3];
    } rows[] = {
        {"one layer", false, {5, 3}, {DENSE_SOFTMAX}},
        {"a number", true, {8, 10, 1}, {DENSE_RELU, DENSE_LINEAR}},
        {"as it is trained", true, {39, 20, 10, 4}, {DENSE_RELU, DENSE_RELU, DENSE_SOFTMAX}},
    };
    for (size_t r = 0; r < COUNT_OF(rows); r++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        CLEANUP(graph_freep) struct graph *g = NULL;
        struct dense_layer layers[3];
        struct dense_net net = {0, layers, NULL, NULL};
        size_t width = rows[r].sizes[0], got = 0;
        const float *out, *in = pattern(a, width, 99);
        struct err err = {0};
        double want[64];

        for (; net.nlayers < 3 && rows[r].sizes[net.nlayers + 1]; net.nlayers++) {
            size_t from = rows[r].sizes[net.nlayers], to = rows[r].sizes[net.nlayers + 1];
            layers[net.nlayers] = (struct dense_layer){from, to, pattern(a, from * to, (unsigned)net.nlayers),
                                                       pattern(a, to, 7), rows[r].acts[net.nlayers]};
        }
        if (rows[r].scaled) {
            float *dev = pattern(a, width, 4);

            for (size_t i = 0; i < width; i++)
                dev[i] += 1.5f;
            net.mean = pattern(a, width, 3);
            net.dev = dev;
        }
        CHECK_INT(graph_open(&g, rt, dense_to_onnx(a, &net), &err), 0);
        CHECK_STR(err.text, "");
        if (!g)
            return;
        CHECK_STR(graph_input(g, 0)->name, "features");
        CHECK_STR(graph_output(g, 0)->name, "scores");
        memcpy(graph_in(g, 0), in, width * sizeof *in);
        CHECK_INT(graph_run(g, 0, &err), 0);
        out = graph_out(g, 0, &got);
        run_dense(&net, in, want);
        CHECK_INT(got, rows[r].sizes[net.nlayers]);
        for (size_t i = 0; i < got; i++)
            CHECK_NEAR((double)out[i], want[i], 1e-4 * (1 + fabs(want[i])));
        ROW("%s", rows[r].what);
    }
}

/* Of four numbers those above 0, twice: the shape of the output changes from run to run. */
static void a_shape_may_depend_on_the_input(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(onnx_freep) struct onnx *o = onnx_new(a, 1 << 16);
    CLEANUP(graph_freep) struct graph *g = NULL;
    struct bytes model;
    struct err err = {0};
    const float *out;
    size_t n;

    onnx_port(o, true, "x", 1, (int64_t[]){-1});
    onnx_port(o, true, "y", 1, (int64_t[]){4});
    onnx_port(o, false, "some", 1, (int64_t[]){-1});
    onnx_node(o, "Greater", arena_printf(a, "y %s", onnx_float(o, 0)), "above");
    onnx_node(o, "Compress", "y above", "kept");
    onnx_node(o, "Mul", "kept x", "some");
    CHECK_INT(onnx_end(o, a, &model, &err), 0);
    CHECK_INT(graph_open(&g, rt, model, &err), 0);
    CHECK_STR(err.text, "");
    if (!g)
        return;
    CHECK_INT(graph_input(g, 0)->dims[0], 1);
    *graph_in(g, 0) = 2;
    for (int above = 1; above <= 4; above++) {
        for (int i = 0; i < 4; i++)
            graph_in(g, 1)[i] = i < above ? 1.5f : -1;
        CHECK_INT(graph_run(g, 0, &err), 0);
        out = graph_out(g, 0, &n);
        CHECK_INT(n, above);
        CHECK_NEAR((double)out[above - 1], 3, 0);
    }
    CHECK_INT(graph_run(g, 1, &err), -1);
    CHECK_INT(err.kind, ERR_TIMEOUT);
}

static void what_is_no_model_is_refused(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(onnx_freep) struct onnx *large = onnx_new(a, 1 << 16);
    CLEANUP(graph_freep) struct graph *g = NULL;
    static const char *const junk[] = {"", "hello", "\x08\x08", "TFL3 and so on"};
    struct bytes model;
    struct err err = {0};

    for (size_t i = 0; i < COUNT_OF(junk); i++) {
        CHECK_INT(graph_open(&g, rt, bytes_of(junk[i], strlen(junk[i])), &err), -1);
        CHECK_INT(err.kind, ERR_MODEL);
        ROW("\"%s\"", junk[i]);
    }
    onnx_port(large, true, "x", 2, (int64_t[]){1 << 20, 1 << 20});
    onnx_port(large, false, "y", 2, (int64_t[]){1 << 20, 1 << 20});
    onnx_node(large, "Relu", "x", "y");
    CHECK_INT(onnx_end(large, a, &model, &err), 0);
    CHECK_INT(graph_open(&g, rt, model, &err), -1);
    CHECK_INT(err.kind, ERR_LIMIT);
    CHECK_INT(graph_open(&g, NULL, model, &err), -1);
    CHECK_INT(err.kind, ERR_MODEL);
}

static void too_much_is_refused_by_the_writer(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(onnx_freep) struct onnx *o = onnx_new(a, 1 << 12);
    struct bytes model;
    struct err err = {0};

    onnx_floats(o, "w", 1, (int64_t[]){4096}, pattern(a, 4096, 1));
    CHECK_INT(onnx_end(o, a, &model, &err), -1);
    CHECK_INT(err.kind, ERR_LIMIT);
}

int main(void)
{
    RUN(too_much_is_refused_by_the_writer);
    if (open_runtime()) {
        RUN(a_real_model_gives_what_is_expected);
        RUN(a_dense_net_of_ours_runs);
        RUN(a_shape_may_depend_on_the_input);
        RUN(what_is_no_model_is_refused);
    }
    runtime_freep(&rt);
    return test_end();
}
