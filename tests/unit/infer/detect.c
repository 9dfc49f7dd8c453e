/* Output decoders and NMS on made numbers, then the whole way with the embedded model on a real photo. */
#include "infer/detect.h"

#include <math.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "test.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static const struct card_label labels[] = {
    {"person", "person", 0.3}, {"sky", NULL, 1}, {"car", "vehicle", 0.5}, {"bus", "vehicle", 0.2}};
static const struct card_concept concepts[] = {{.name = "person"}, {.name = "vehicle"}};

/* A 32x32 input: 16 + 4 + 1 cells of 5 + 4 numbers. */
enum { CELLS = 21, RAW = 9, PLAIN = 8, BOXES = 2 * CELLS + 1 };

static struct card small_card(const char *decoder)
{
    return (struct card){.name = "small",
                         .input = {.width = 32, .height = 32},
                         .output = {"y", decoder},
                         .nlabels = LENGTH(labels),
                         .labels = labels,
                         .nconcepts = LENGTH(concepts),
                         .concepts = concepts};
}

static void raw_grid_form_is_decoded(void)
{
    static const struct {
        const char *what;
        int cell;
        float v[RAW];
        size_t n;
        struct raw_box want;
    } rows[] = {
        {"stride 8, cell (1, 2)",
         9,
         {0.5f, 0.25f, 0, 1, 0.9f, 0.8f, 0, 0},
         1,
         {12, 18, 8, 21.746f, 0.72f, 0}},
        {"stride 16, cell (1, 1)", 19, {0, 0, 0, 0, 1, 0, 0, 0.6f}, 1, {16, 16, 16, 16, 0.6f, 2}},
        {"stride 32", 20, {0.5f, 0.5f, 0, 0, 1, 0.4f, 0, 0.2f}, 1, {16, 16, 32, 32, 0.4f, 0}},
        {"below its threshold", 0, {0, 0, 0, 0, 1, 0.29f, 0, 0.2f}, 0, {0, 0, 0, 0, 0, 0}},
        {"a better label of another concept, below its own threshold",
         0,
         {0, 0, 0, 0, 1, 0.35f, 0, 0.45f},
         1,
         {0, 0, 8, 8, 0.35f, 0}},
        {"the best label of its concept is below its own threshold",
         0,
         {0, 0, 0, 0, 1, 0, 0, 0.45f, 0.4f},
         0,
         {0, 0, 0, 0, 0, 0}},
        {"two labels of a concept", 0, {0, 0, 0, 0, 1, 0, 0, 0.6f, 0.5f}, 1, {0, 0, 8, 8, 0.6f, 2}},
        {"two that say the same", 0, {0, 0, 0, 0, 1, 0, 0, 0.6f, 0.6f}, 1, {0, 0, 8, 8, 0.6f, 2}},
        {"exactly on the threshold", 0, {0, 0, 0, 0, 1, 0, 0, 0.5f}, 1, {0, 0, 8, 8, 0.5f, 2}},
        {"a label without a concept", 0, {0, 0, 0, 0, 1, 0, 1, 0}, 0, {0, 0, 0, 0, 0, 0}},
        {"no object", 0, {0, 0, 0, 0, 0.1f, 1, 1, 1, 1}, 0, {0, 0, 0, 0, 0, 0}},
    };
    struct card card = small_card("yolox-raw");

    for (size_t i = 0; i < LENGTH(rows); i++) {
        float data[CELLS * RAW] = {0};
        struct tensor out = {data, 3, {1, CELLS, RAW}};
        struct raw_box b[BOXES];
        size_t n = 99;

        memcpy(data + rows[i].cell * RAW, rows[i].v, sizeof rows[i].v);
        CHECK_INT(decode_output(&card, &out, b, &n, NULL), 0);
        CHECK_INT(n, rows[i].n);
        if (n == 1 && rows[i].n == 1) {
            CHECK_NEAR((double)b[0].cx, (double)rows[i].want.cx, 1e-3);
            CHECK_NEAR((double)b[0].cy, (double)rows[i].want.cy, 1e-3);
            CHECK_NEAR((double)b[0].w, (double)rows[i].want.w, 1e-3);
            CHECK_NEAR((double)b[0].h, (double)rows[i].want.h, 1e-3);
            CHECK_NEAR((double)b[0].score, (double)rows[i].want.score, 1e-6);
            CHECK_INT(b[0].label, rows[i].want.label);
        }
        ROW("%s", rows[i].what);
    }
}

static void plain_boxes_come_best_first(void)
{
    float data[] = {1,    2, 3,    4, 0.4f, 0, 0, 0.1f, 5,    6, 7,    8,
                    0.4f, 0, 0.9f, 0, 9,    9, 9, 9,    0.1f, 1, 0.2f, 0.1f};
    struct tensor out = {data, 3, {1, 3, PLAIN}};
    struct card card = small_card("boxes");
    struct raw_box b[BOXES];
    size_t n = 0;

    CHECK_INT(decode_output(&card, &out, b, &n, NULL), 0);
    CHECK_INT(n, 3);
    CHECK_INT(b[0].label, 2);
    CHECK_NEAR((double)b[0].cx, 5, 0);
    CHECK_INT(b[1].label, 0);
    CHECK_NEAR((double)b[1].h, 4, 0);
    CHECK_INT(b[2].label, 0); /* the person in the cell of the vehicle */
    CHECK_NEAR((double)b[2].cx, 5, 0);
}

/* One number that is none, and the whole output is refused: it must not look like an empty scene. */
static void broken_outputs_are_errors(void)
{
    static const struct {
        const char *what, *decoder;
        size_t at;
        float value;
    } rows[] = {
        {"objectness", "yolox-raw", 4, NAN},   {"objectness above 1", "yolox-raw", 4, 3},
        {"class", "yolox-raw", 5, NAN},        {"class below 0", "yolox-raw", 7, -1},
        {"place", "yolox-raw", 0, NAN},        {"size overflows", "yolox-raw", 2, 1000},
        {"plain class", "boxes", 4, NAN},      {"plain class, a logit", "boxes", 6, 7.5f},
        {"plain place", "boxes", 3, INFINITY},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        bool raw = text_is(rows[i].decoder, "yolox-raw");
        float data[CELLS * RAW] = {0};
        struct tensor out = {data, 3, {1, CELLS, raw ? RAW : PLAIN}};
        struct card card = small_card(rows[i].decoder);
        struct raw_box b[BOXES];
        struct err err = {0};
        size_t n;

        data[4] = raw ? 1 : 0.9f;
        data[raw ? 5 : 4] = 0.9f;
        CHECK_INT(decode_output(&card, &out, b, &n, &err), 0);
        data[rows[i].at] = rows[i].value;
        CHECK_INT(decode_output(&card, &out, b, &n, &err), -1);
        CHECK(err.kind == ERR_MODEL && err.text[0]);
        ROW("%s", rows[i].what);
    }
}

static void shapes_that_do_not_fit_the_card_are_errors(void)
{
    static const struct {
        const char *decoder;
        size_t ndims;
        int64_t dims[4];
    } rows[] = {
        {"yolox-raw", 3, {1, CELLS, RAW + 1}}, {"yolox-raw", 3, {1, CELLS - 1, RAW}},
        {"yolox-raw", 2, {CELLS, RAW}},        {"yolox-raw", 3, {2, CELLS, RAW}},
        {"boxes", 3, {1, CELLS, RAW}},         {"unheard of", 3, {1, 3, 7}},
    };
    static float data[2 * CELLS * (RAW + 1)];

    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct card card = small_card(rows[i].decoder);
        struct tensor out = {data, rows[i].ndims, {0}};
        struct raw_box b[BOXES];
        struct err err = {0};
        size_t n;

        memcpy(out.dims, rows[i].dims, sizeof out.dims);
        CHECK_INT(decode_output(&card, &out, b, &n, &err), -1);
        CHECK(err.kind == ERR_MODEL);
        ROW("%zu", i);
    }
}

static void nms_keeps_the_best_of_each_label(void)
{
    static const struct {
        const char *what;
        struct raw_box b[3];
        double iou;
        size_t n;
    } rows[] = {
        {"the same box",
         {{5, 5, 10, 10, 0.9f, 0}, {5, 5, 10, 10, 0.8f, 0}, {50, 5, 10, 10, 0.7f, 0}},
         0.45,
         2},
        {"another label",
         {{5, 5, 10, 10, 0.9f, 0}, {5, 5, 10, 10, 0.8f, 2}, {5, 5, 10, 10, 0.7f, 2}},
         0.45,
         2},
        {"a third common",
         {{5, 5, 10, 10, 0.9f, 0}, {10, 5, 10, 10, 0.8f, 0}, {99, 5, 1, 1, 0.7f, 0}},
         0.45,
         3},
        {"a lower limit",
         {{5, 5, 10, 10, 0.9f, 0}, {10, 5, 10, 10, 0.8f, 0}, {99, 5, 1, 1, 0.7f, 0}},
         0.3,
         2},
        {"touching", {{5, 5, 10, 10, 0.9f, 0}, {15, 5, 10, 10, 0.8f, 0}, {25, 5, 10, 10, 0.7f, 0}}, 0, 3},
        {"empty boxes", {{5, 5, 0, 0, 0.9f, 0}, {5, 5, 0, 0, 0.8f, 0}, {5, 5, 0, 0, 0.7f, 0}}, 0.45, 3},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct raw_box b[3];

        memcpy(b, rows[i].b, sizeof b);
        CHECK_INT(nms(b, 3, rows[i].iou), rows[i].n);
        CHECK_NEAR((double)b[0].score, (double)0.9f, 0);
        ROW("%s", rows[i].what);
    }
    CHECK_INT(nms(NULL, 0, 0.5), 0);
}

int main(void)
{
    RUN(raw_grid_form_is_decoded);
    RUN(plain_boxes_come_best_first);
    RUN(broken_outputs_are_errors);
    RUN(shapes_that_do_not_fit_the_card_are_errors);
    RUN(nms_keeps_the_best_of_each_label);
    return test_end();
}
