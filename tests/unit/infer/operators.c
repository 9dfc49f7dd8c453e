/* Operator by operator: small made TFLite models, converted, run, and compared with plain C. */
#include <math.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "infer/convert.h"
#include "infer/graph.h"
#include "made_tflite.h"
#include "test.h"

static struct runtime *rt;

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

/* One input of n numbers in, the numbers of one output out; how many there are, 0 on failure. */
static size_t run_made(struct arena *a, const struct made_model *m, const float *in, size_t output,
                       float *out, size_t max)
{
    CLEANUP(graph_freep) struct graph *g = NULL;
    struct imported what;
    struct bytes onnx;
    struct err err = {0};
    const float *got;
    size_t n;

    if (convert_tflite(a, made_tflite(a, m), &what, &onnx, &err) < 0 || graph_open(&g, rt, onnx, &err) < 0) {
        CHECK_STR(err.text, "");
        return 0;
    }
    for (size_t i = 0, at = 0; i < graph_ninputs(g); i++) {
        n = port_count(graph_input(g, i));
        memcpy(graph_in(g, i), in + at, n * sizeof *in);
        at += n;
    }
    if (graph_run(g, 0, &err) < 0) {
        CHECK_STR(err.text, "");
        return 0;
    }
    got = graph_out(g, output, &n);
    memcpy(out, got, (n < max ? n : max) * sizeof *out);
    return n;
}

static float *pattern(struct arena *a, size_t n, unsigned state)
{
    float *all = arena_array(a, n, sizeof *all);

    for (size_t i = 0; i < n; i++) {
        state = state * 1103515245u + 12345u;
        all[i] = (float)(state >> 8 & 0xffff) / 32768.0f - 1.0f;
    }
    return all;
}

/* ---- one input, a rule for each number ---- */

static double same(double x)
{
    return x;
}

static double logistic(double x)
{
    return 1 / (1 + exp(-x));
}

static double relu6(double x)
{
    return fmin(fmax(x, 0), 6);
}

static double hard_swish(double x)
{
    return x * relu6(x + 3) / 6;
}

static double reciprocal_root(double x)
{
    return 1 / sqrt(x);
}

static double leaky(double x)
{
    return x < 0 ? 0.25 * x : x;
}

static double square(double x)
{
    return x * x;
}

static void operators_of_one_number(void)
{
    enum { N = 12 };
    static const struct {
        const char *what;
        int code;
        double (*rule)(double);
        bool positive;
        struct made_option option;
    } rows[] = {
        {"LOGISTIC", 14, logistic, false, {0}},
        {"TANH", 28, tanh, false, {0}},
        {"EXP", 47, exp, false, {0}},
        {"LOG", 73, log, true, {0}},
        {"SQRT", 75, sqrt, true, {0}},
        {"RSQRT", 76, reciprocal_root, true, {0}},
        {"SQUARE", 92, square, false, {0}},
        {"ABS", 101, fabs, false, {0}},
        {"RELU6", 21, relu6, false, {0}},
        {"LEAKY_RELU", 98, leaky, false, {0, 4, 0.25, true}},
        {"HARD_SWISH", 117, hard_swish, false, {0}},
        {"RESHAPE", 22, same, false, {0}},
        {"DEQUANTIZE", 6, same, false, {0}},
    };

    for (size_t r = 0; r < COUNT_OF(rows); r++)
        for (int integers = 0; integers < 2; integers++) {
            CLEANUP(arena_freep) struct arena *a = arena_new();
            bool floats_out = !integers || rows[r].code == 6;
            struct made_tensor tensors[] = {{.type = MADE_FLOAT, .ndims = 2, .dims = {1, N}},
                                            {.type = MADE_FLOAT, .ndims = 2, .dims = {1, N}}};
            struct made_op op = {.code = rows[r].code,
                                 .ninputs = 1,
                                 .noutputs = 1,
                                 .in = {0},
                                 .out = {1},
                                 .noptions = rows[r].option.size ? 1 : 0,
                                 .options = {rows[r].option}};
            struct made_model m = {2, 1, 1, 1, tensors, &op, {0}, {1}};
            float *in = pattern(a, N, 5), out[N] = {0};
            double step = 0;

            if (integers) {
                tensors[0] = (struct made_tensor){MADE_INT8, 2, {1, N}, NULL, 0, 1, {0.05f}, -3, 0};
                if (!floats_out)
                    tensors[1] = (struct made_tensor){MADE_INT8, 2, {1, N}, NULL, 0, 1, {0.125f}, 7, 0};
                step = floats_out ? 0 : 0.125;
            }
            for (size_t i = 0; i < N; i++) {
                in[i] = rows[r].positive ? fabsf(in[i]) + 0.5f : in[i] * 4;
                if (integers) /* on a step, so that only the output is rounded */
                    in[i] = 0.05f * roundf(in[i] / 0.05f);
            }
            /* RESHAPE keeps the units: of integers it cannot round. */
            if (integers && rows[r].code == 22)
                tensors[1] = tensors[0], step = 0.05;
            CHECK_INT(run_made(a, &m, in, 0, out, N), N);
            for (size_t i = 0; i < N; i++) {
                double want = rows[r].rule((double)in[i]);
                if (step > 0)
                    want = fmax(fmin(want, (127 - tensors[1].zero) * step), (-128 - tensors[1].zero) * step);
                CHECK_NEAR((double)out[i], want, step * 0.51 + 1e-5 * (1 + fabs(want)));
            }
            ROW("%s of %s", rows[r].what, integers ? "integers" : "floats");
        }
}

/* ---- two inputs ---- */

static void operators_of_two_numbers(void)
{
    enum { N = 6 };
    static const struct {
        const char *what;
        int code, act;
        double want; /* of 1.5 and -0.5, as floats */
    } rows[] = {{"ADD", 0, 0, 1},        {"ADD with RELU6", 0, 3, 1}, {"SUB", 41, 0, 2},
                {"MUL", 18, 0, -0.75},   {"MUL with RELU", 18, 1, 0}, {"DIV", 42, 0, -3},
                {"MAXIMUM", 55, 0, 1.5}, {"MINIMUM", 57, 0, -0.5},    {"SQUARED_DIFFERENCE", 99, 0, 4}};

    for (size_t r = 0; r < COUNT_OF(rows); r++)
        for (int integers = 0; integers < 2; integers++) {
            CLEANUP(arena_freep) struct arena *a = arena_new();
            const struct made_tensor f = {.type = MADE_FLOAT, .ndims = 2, .dims = {1, N}};
            const struct made_tensor q[] = {{MADE_INT8, 2, {1, N}, NULL, 0, 1, {0.02f}, 4, 0},
                                            {MADE_UINT8, 2, {1, N}, NULL, 0, 1, {0.01f}, 128, 0},
                                            {MADE_INT8, 2, {1, N}, NULL, 0, 1, {0.0625f}, -1, 0}};
            const struct made_tensor tensors[] = {integers ? q[0] : f, integers ? q[1] : f,
                                                  integers ? q[2] : f};
            struct made_op op = {.code = rows[r].code,
                                 .ninputs = 2,
                                 .noutputs = 1,
                                 .in = {0, 1},
                                 .out = {2},
                                 .noptions = rows[r].act ? 1 : 0,
                                 .options = {{0, 1, rows[r].act, false}}};
            struct made_model m = {3, 1, 2, 1, tensors, &op, {0, 1}, {2}};
            float in[2 * N], out[N] = {0};

            for (size_t i = 0; i < N; i++) {
                in[i] = 1.5f;
                in[N + i] = -0.5f;
            }
            CHECK_INT(run_made(a, &m, in, 0, out, N), N);
            CHECK_NEAR((double)out[N - 1], rows[r].want, integers ? 0.0625 * 0.51 : 1e-6);
            ROW("%s of %s", rows[r].what, integers ? "integers" : "floats");
        }
}

static void tensors_are_joined(void)
{
    static const struct {
        const char *what;
        int code, axis, field;
        struct made_tensor out;
        float want[8];
    } rows[] = {
        {"CONCATENATION of rows", 2, 0, 0, {.ndims = 2, .dims = {4, 2}}, {1, 2, 3, 4, 5, 6, 7, 8}},
        {"CONCATENATION of columns", 2, -1, 0, {.ndims = 2, .dims = {2, 4}}, {1, 2, 5, 6, 3, 4, 7, 8}},
        {"PACK in front", 83, 0, 1, {.ndims = 3, .dims = {2, 2, 2}}, {1, 2, 3, 4, 5, 6, 7, 8}},
        {"PACK behind", 83, -1, 1, {.ndims = 3, .dims = {2, 2, 2}}, {1, 5, 2, 6, 3, 7, 4, 8}},
    };

    for (size_t r = 0; r < COUNT_OF(rows); r++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        const struct made_tensor tensors[] = {
            {.ndims = 2, .dims = {2, 2}}, {.ndims = 2, .dims = {2, 2}}, rows[r].out};
        struct made_op op = {.code = rows[r].code,
                             .ninputs = 2,
                             .noutputs = 1,
                             .in = {0, 1},
                             .out = {2},
                             .noptions = 1,
                             .options = {{rows[r].field, 4, rows[r].axis, false}}};
        struct made_model m = {3, 1, 2, 1, tensors, &op, {0, 1}, {2}};
        static const float in[] = {1, 2, 3, 4, 5, 6, 7, 8};
        float out[8] = {0};

        CHECK_INT(run_made(a, &m, in, 0, out, 8), 8);
        CHECK(!memcmp(out, rows[r].want, sizeof out));
        ROW("%s", rows[r].what);
    }
}

/* ---- convolutions and pools ---- */

struct shape {
    int h, w, in, out, k, stride, dilation, same,
        times; /* times: channels of a depthwise one; 0: a full one */
};

/* What stands at y, x of the picture; 0 outside. */
static double pixel(const struct shape *s, const float *v, int y, int x, int c)
{
    return y < 0 || x < 0 || y >= s->h || x >= s->w ? 0 : (double)v[(y * s->w + x) * s->in + c];
}

static int steps(const struct shape *s, int size)
{
    int reach = (s->k - 1) * s->dilation + 1;

    return s->same ? (size + s->stride - 1) / s->stride : (size - reach) / s->stride + 1;
}

static int before(const struct shape *s, int size)
{
    int total = (steps(s, size) - 1) * s->stride + (s->k - 1) * s->dilation + 1 - size;

    return s->same && total > 0 ? total / 2 : 0;
}

static double conv_at(const struct shape *s, const float *v, const float *weights, float bias, int y, int x,
                      int o)
{
    double sum = (double)bias;

    for (int ky = 0; ky < s->k; ky++)
        for (int kx = 0; kx < s->k; kx++) {
            int py = y * s->stride - before(s, s->h) + ky * s->dilation;
            int px = x * s->stride - before(s, s->w) + kx * s->dilation;
            if (s->times)
                sum += pixel(s, v, py, px, o / s->times) * (double)weights[(ky * s->k + kx) * s->out + o];
            for (int c = 0; !s->times && c < s->in; c++)
                sum += pixel(s, v, py, px, c) * (double)weights[((o * s->k + ky) * s->k + kx) * s->in + c];
        }
    return sum;
}

static void convolutions_are_those_of_the_original(void)
{
    static const struct {
        const char *what;
        struct shape s;
    } rows[] = {
        {"even, stride 2", {6, 8, 3, 4, 3, 2, 1, 1, 0}},
        {"odd, stride 2", {7, 5, 2, 3, 3, 2, 1, 1, 0}},
        {"no padding", {6, 7, 2, 3, 3, 1, 1, 0, 0}},
        {"dilated", {9, 9, 2, 2, 3, 1, 2, 1, 0}},
        {"one pixel", {4, 4, 5, 2, 1, 1, 1, 1, 0}},
        {"depthwise", {6, 6, 3, 3, 3, 2, 1, 1, 1}},
        {"depthwise, 2 a channel", {5, 6, 2, 4, 3, 1, 1, 1, 2}},
        {"even filter", {7, 7, 1, 2, 4, 2, 1, 1, 0}},
    };

    for (size_t r = 0; r < COUNT_OF(rows); r++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        const struct shape *s = &rows[r].s;
        int h = steps(s, s->h), w = steps(s, s->w);
        size_t nw = (size_t)(s->k * s->k * (s->times ? s->out : s->in * s->out));
        float *weights = pattern(a, nw, 3), *bias = pattern(a, (size_t)s->out, 4);
        float *in = pattern(a, (size_t)(s->h * s->w * s->in), 9),
              *out = pattern(a, (size_t)(h * w * s->out), 1);
        const struct made_tensor tensors[] = {
            {.ndims = 4, .dims = {1, s->h, s->w, s->in}},
            {.ndims = 4,
             .dims = {s->times ? 1 : s->out, s->k, s->k, s->times ? s->out : s->in},
             .data = weights,
             .size = nw * 4},
            {.ndims = 1, .dims = {s->out}, .data = bias, .size = (size_t)s->out * 4},
            {.ndims = 4, .dims = {1, h, w, s->out}}};
        struct made_op op = {.code = s->times ? 4 : 3,
                             .ninputs = 3,
                             .noutputs = 1,
                             .in = {0, 1, 2},
                             .out = {3},
                             .noptions = 5,
                             .options = {{0, 1, !s->same, false},
                                         {1, 4, s->stride, false},
                                         {2, 4, s->stride, false},
                                         {s->times ? 5 : 4, 4, s->dilation, false},
                                         {s->times ? 6 : 5, 4, s->dilation, false}}};
        struct made_model m = {4, 1, 1, 1, tensors, &op, {0}, {3}};

        CHECK_INT(run_made(a, &m, in, 0, out, (size_t)(h * w * s->out)), h * w * s->out);
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++)
                for (int o = 0; o < s->out; o++)
                    CHECK_NEAR((double)out[(y * w + x) * s->out + o],
                               conv_at(s, in, weights, bias[o], y, x, o), 1e-5);
        ROW("%s", rows[r].what);
    }
}

/* int8 with a scale for each filter: every number within one step of the real convolution. */
static void a_convolution_of_integers_rounds(void)
{
    enum { H = 6, W = 6, IN = 3, OUT = 4, K = 3, NW = OUT * K * K * IN };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const struct shape s = {H, W, IN, OUT, K, 1, 1, 1, 0};
    const float scales[OUT] = {0.01f, 0.02f, 0.005f, 0.04f}, in_scale = 0.0625f, out_scale = 0.05f;
    float *random = pattern(a, NW, 3), weights[NW], *in = pattern(a, H * W * IN, 9), out[H * W * OUT] = {0};
    int8_t stored[NW];
    int32_t bias[OUT] = {100, -200, 0, 40};
    struct made_tensor tensors[] = {
        {MADE_INT8, 4, {1, H, W, IN}, NULL, 0, 1, {in_scale}, -5, 0},
        {MADE_INT8, 4, {OUT, K, K, IN}, stored, sizeof stored, OUT, {0.01f, 0.02f, 0.005f, 0.04f}, 0, 0},
        {MADE_INT32, 1, {OUT}, bias, sizeof bias, 0, {0}, 0, 0},
        {MADE_INT8, 4, {1, H, W, OUT}, NULL, 0, 1, {out_scale}, -20, 0}};
    struct made_op op = {.code = 3,
                         .ninputs = 3,
                         .noutputs = 1,
                         .in = {0, 1, 2},
                         .out = {3},
                         .noptions = 3,
                         .options = {{1, 4, 1, false}, {2, 4, 1, false}, {3, 1, 1, false}}};
    struct made_model m = {4, 1, 1, 1, tensors, &op, {0}, {3}};

    for (int i = 0; i < NW; i++) {
        stored[i] = (int8_t)(random[i] * 100);
        weights[i] = (float)stored[i] * scales[i / (K * K * IN)];
    }
    for (int i = 0; i < H * W * IN; i++)
        in[i] = in_scale * roundf(in[i] * 4 / in_scale);
    CHECK_INT(run_made(a, &m, in, 0, out, H * W * OUT), H * W * OUT);
    for (int i = 0; i < H * W * OUT; i++) {
        int o = i % OUT;
        double want =
            conv_at(&s, in, weights, (float)bias[o] * in_scale * scales[o], i / OUT / W, i / OUT % W, o);
        want = fmin(fmax(want, 0), (127 + 20) * (double)out_scale);
        CHECK_NEAR((double)out[i], want, (double)out_scale * 0.51);
        CHECK_NEAR(remainder((double)out[i], (double)out_scale), 0, 1e-5);
    }
}

static void pools_look_at_their_window(void)
{
    static const float in[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    static const struct {
        const char *what;
        int code, same, n;
        float want[4];
    } rows[] = {
        {"MAX_POOL_2D", 17, 0, 1, {5}},
        {"MAX_POOL_2D padded", 17, 1, 4, {5, 6, 8, 9}},
        {"AVERAGE_POOL_2D", 1, 0, 1, {3}},
        {"AVERAGE_POOL_2D padded", 1, 1, 4, {3, 4.5f, 7.5f, 9}},
    };

    for (size_t r = 0; r < COUNT_OF(rows); r++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        int side = rows[r].same ? 2 : 1;
        const struct made_tensor tensors[] = {{.ndims = 4, .dims = {1, 3, 3, 1}},
                                              {.ndims = 4, .dims = {1, side, side, 1}}};
        struct made_op op = {.code = rows[r].code,
                             .ninputs = 1,
                             .noutputs = 1,
                             .in = {0},
                             .out = {1},
                             .noptions = 5,
                             .options = {{0, 1, !rows[r].same, false},
                                         {1, 4, 2, false},
                                         {2, 4, 2, false},
                                         {3, 4, 2, false},
                                         {4, 4, 2, false}}};
        struct made_model m = {2, 1, 1, 1, tensors, &op, {0}, {1}};
        float out[4] = {0};

        CHECK_INT(run_made(a, &m, in, 0, out, 4), rows[r].n);
        CHECK(!memcmp(out, rows[r].want, (size_t)rows[r].n * sizeof *out));
        ROW("%s", rows[r].what);
    }
}

/* ---- TFLite_Detection_PostProcess ---- */

enum { ANCHORS = 6, CLASSES = 2, KEPT = 4 };

/* Anchors on a diagonal, the second almost on the first. Scores with background in front. */
static const float anchors[ANCHORS * 4] = {0.2f, 0.2f, 0.2f, 0.2f, 0.21f, 0.2f, 0.2f, 0.2f,
                                           0.5f, 0.5f, 0.2f, 0.2f, 0.8f,  0.8f, 0.2f, 0.2f,
                                           0.8f, 0.2f, 0.2f, 0.2f, 0.2f,  0.8f, 0.2f, 0.2f};
static const float class_scores[ANCHORS * (CLASSES + 1)] = {0, 0.9f, 0.1f, 0, 0.8f, 0.75f, 0, 0.2f,  0.7f,
                                                            0, 0.1f, 0.1f, 0, 0.6f, 0,     0, 0.05f, 0.3f};

static size_t run_detection(struct arena *a, double regular, size_t output, float *out, size_t max)
{
    const struct made_pair pairs[] = {{"detections_per_class", 100, false},
                                      {"h_scale", 5, true},
                                      {"max_classes_per_detection", 1, false},
                                      {"max_detections", KEPT, false},
                                      {"nms_iou_threshold", 0.5, true},
                                      {"nms_score_threshold", 0.25, true},
                                      {"num_classes", CLASSES, false},
                                      {"use_regular_nms", regular, false},
                                      {"w_scale", 5, true},
                                      {"x_scale", 10, true},
                                      {"y_scale", 10, true}};
    const struct made_tensor tensors[] = {
        {.ndims = 3, .dims = {1, ANCHORS, 4}},
        {.ndims = 3, .dims = {1, ANCHORS, CLASSES + 1}},
        {.ndims = 2, .dims = {ANCHORS, 4}, .data = anchors, .size = sizeof anchors},
        {.ndims = 0},
        {.ndims = 0},
        {.ndims = 0},
        {.ndims = 0}};
    const struct made_op op = {.code = 32,
                               .custom = "TFLite_Detection_PostProcess",
                               .ninputs = 3,
                               .noutputs = 4,
                               .in = {0, 1, 2},
                               .out = {3, 4, 5, 6},
                               .custom_options = made_flex(a, pairs, COUNT_OF(pairs))};
    /* outputs in another order, as real files have them */
    const struct made_model m = {7, 1, 2, 4, tensors, &op, {0, 1}, {5, 3, 6, 4}};
    float in[ANCHORS * (4 + CLASSES + 1)] = {0};

    in[4 * 2] = 1; /* the third box: 0.1 of its height further down, and twice as wide */
    in[4 * 2 + 3] = 5 * logf(2);
    memcpy(in + 4 * ANCHORS, class_scores, sizeof class_scores);
    return run_made(a, &m, in, output, out, max);
}

static void check_numbers(const float *got, const float *want, size_t n)
{
    for (size_t i = 0; i < n; i++)
        CHECK_NEAR((double)got[i], (double)want[i], 1e-6);
}

static void detections_of_all_classes_together(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    static const float scores[KEPT] = {0.9f, 0.7f, 0.6f, 0.3f}, classes[KEPT] = {0, 1, 0, 1};
    static const float boxes[] = {0.1f, 0.1f, 0.3f, 0.3f, 0.42f, 0.3f, 0.62f, 0.7f};
    float out[4 * KEPT];

    CHECK_INT(run_detection(a, 0, 0, out, 4 * KEPT), 4 * KEPT);
    check_numbers(out, boxes, COUNT_OF(boxes));
    CHECK_INT(run_detection(a, 0, 1, out, KEPT), KEPT);
    check_numbers(out, classes, KEPT);
    CHECK_INT(run_detection(a, 0, 2, out, KEPT), KEPT);
    check_numbers(out, scores, KEPT);
    CHECK_INT(run_detection(a, 0, 3, out, 1), 1);
    CHECK_NEAR((double)out[0], 4, 0);
}

/* The second box is suppressed among those of class 0, but not in class 1. */
static void detections_class_by_class(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    static const float scores[KEPT] = {0.9f, 0.75f, 0.7f, 0.6f}, classes[KEPT] = {0, 1, 1, 0};
    float out[4 * KEPT];

    CHECK_INT(run_detection(a, 1, 2, out, KEPT), KEPT);
    check_numbers(out, scores, KEPT);
    CHECK_INT(run_detection(a, 1, 1, out, KEPT), KEPT);
    check_numbers(out, classes, KEPT);
    CHECK_INT(run_detection(a, 1, 3, out, 1), 1);
    CHECK_NEAR((double)out[0], KEPT, 0);
}

/* ---- what is refused ---- */

static void refused_models_say_why(void)
{
    const struct made_tensor f = {.ndims = 2, .dims = {1, 4}},
                             q = {MADE_INT8, 2, {1, 4}, NULL, 0, 1, {0.5f}, 0, 0};
    const struct made_tensor plain[] = {f, f, f}, mixed[] = {q, f, f};
    const struct made_tensor whole[] = {{.type = MADE_INT32, .ndims = 2, .dims = {1, 4}}, f, f};
    const struct made_tensor open[] = {{.ndims = 2, .dims = {-1, 4}}, f, f};
    const struct made_tensor large[] = {{.ndims = 3, .dims = {1 << 20, 1 << 20, 1 << 20}}, f, f};
    const struct made_tensor scaled[] = {{MADE_INT8, 2, {1, 4}, NULL, 0, 1, {-1}, 0, 0}, f, f};
    const struct {
        const char *what, *says;
        const struct made_tensor *tensors;
        struct made_op op;
        enum err_kind kind;
    } rows[] = {
        {"an operator we do not know",
         "LSTM (16)",
         plain,
         {.code = 16, .ninputs = 1, .noutputs = 1, .out = {1}},
         ERR_UNSUPPORTED},
        {"an operator nobody knows",
         "unknown (5000)",
         plain,
         {.code = 5000, .ninputs = 1, .noutputs = 1, .out = {1}},
         ERR_UNSUPPORTED},
        {"a custom operator",
         "MyOwn",
         plain,
         {.code = 32, .custom = "MyOwn", .ninputs = 1, .noutputs = 1, .out = {1}},
         ERR_UNSUPPORTED},
        {"an operator that feeds itself",
         "no operator before it",
         plain,
         {.code = 14, .ninputs = 1, .noutputs = 1, .in = {1}, .out = {1}},
         ERR_MODEL},
        {"an output that is an input",
         "there already",
         plain,
         {.code = 14, .ninputs = 1, .noutputs = 1, .in = {0}, .out = {0}},
         ERR_MODEL},
        {"a tensor that is not there",
         "not there",
         plain,
         {.code = 14, .ninputs = 1, .noutputs = 1, .in = {77}, .out = {1}},
         ERR_MODEL},
        {"no output", "too few", plain, {.code = 14, .ninputs = 1, .noutputs = 0}, ERR_MODEL},
        {"too few inputs", "too few", plain, {.code = 0, .ninputs = 1, .noutputs = 1, .out = {1}}, ERR_MODEL},
        {"a softmax along nothing is one along the last",
         "no operator makes",
         plain,
         {.code = 25, .ninputs = 1, .noutputs = 1, .out = {2}},
         ERR_MODEL},
        {"weights that are computed",
         "constant weights",
         plain,
         {.code = 9, .ninputs = 2, .noutputs = 1, .in = {0, 0}, .out = {1}},
         ERR_UNSUPPORTED},
        {"integers and floats",
         "mixes",
         mixed,
         {.code = 9, .ninputs = 2, .noutputs = 1, .in = {0, 0}, .out = {1}},
         ERR_UNSUPPORTED},
        {"an input of whole numbers",
         "type 2",
         whole,
         {.code = 14, .ninputs = 1, .noutputs = 1, .out = {1}},
         ERR_UNSUPPORTED},
        {"an input of open size",
         "fixed size",
         open,
         {.code = 14, .ninputs = 1, .noutputs = 1, .out = {1}},
         ERR_UNSUPPORTED},
        {"a tensor of all numbers",
         "holds over",
         large,
         {.code = 14, .ninputs = 1, .noutputs = 1, .out = {1}},
         ERR_LIMIT},
        {"a scale below nothing",
         "positive",
         scaled,
         {.code = 14, .ninputs = 1, .noutputs = 1, .out = {1}},
         ERR_MODEL},
        {"a detector without options",
         "max_detections",
         plain,
         {.code = 32, .custom = "TFLite_Detection_PostProcess", .ninputs = 3, .noutputs = 1, .out = {1}},
         ERR_MODEL},
    };

    for (size_t r = 0; r < COUNT_OF(rows); r++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct made_model m = {3, 1, 1, 1, rows[r].tensors, &rows[r].op, {0}, {1}};
        struct imported what;
        struct bytes onnx;
        struct err err = {0};

        CHECK_INT(convert_tflite(a, made_tflite(a, &m), &what, &onnx, &err), -1);
        CHECK_INT(err.kind, rows[r].kind);
        CHECK(strstr(err.text, rows[r].says) != NULL);
        ROW("%s: %s", rows[r].what, err.text);
    }
}

int main(void)
{
    RUN(refused_models_say_why);
    if (open_runtime()) {
        RUN(operators_of_one_number);
        RUN(operators_of_two_numbers);
        RUN(tensors_are_joined);
        RUN(convolutions_are_those_of_the_original);
        RUN(a_convolution_of_integers_rounds);
        RUN(pools_look_at_their_window);
        RUN(detections_of_all_classes_together);
        RUN(detections_class_by_class);
    }
    runtime_freep(&rt);
    return test_end();
}
