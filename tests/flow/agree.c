/* Models measured against each other and calibrated, with made models and made pictures whose figures were
 * worked out by hand: a face is a bright square, a tag is a colour. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/text.h"
#include "harness.h"
#include "infer/onnx_write.h"
#include "test.h"

enum { SECONDS = 200, W = 640, H = 384, STRIDE = 32, POINTS = 5, COLOURS = 3, MAX_ONNX = 4 << 20 };

static struct arena *arena;
static char *base;

#define RUN_ASSAY(...) assay_outcome(arena, (const char *const[]){__VA_ARGS__, NULL}, SECONDS)

static char *inside(const char *name)
{
    return arena_printf(arena, "%s/%s", base, name);
}

static void make_dir(const char *name)
{
    if (mkdir(inside(name), 0755) < 0)
        abort();
}

static void write_file(const char *name, struct bytes b)
{
    FILE *f = fopen(inside(name), "we");

    if (!f || fwrite(b.data, 1, b.len, f) != b.len || fclose(f) != 0)
        abort();
}

/* Documents live to the end of the program: there are few. */
static yyjson_val *document(struct outcome o)
{
    yyjson_doc *doc = json_read(bytes_of(o.out, strlen(o.out)), 64 << 20, NULL);

    CHECK_INT(o.status, 0);
    if (!doc)
        printf("# %d: %.300s %.300s\n", o.status, o.out, o.err);
    return yyjson_doc_get_root(doc);
}

/* ---- pictures ---- */

struct colour {
    int b, g, r;
};
/* A square of one cell, on black; side 0: the whole picture. */
struct square {
    int x, y, side;
    struct colour colour;
};

static void put(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

static void write_picture(const char *name, const struct square *s, size_t n)
{
    size_t len = 54 + W * H * 3;
    uint8_t *bmp = arena_alloc(arena, len);

    memcpy(bmp, "BM", 2);
    put(bmp + 2, (uint32_t)len);
    put(bmp + 10, 54);
    put(bmp + 14, 40);
    put(bmp + 18, W);
    put(bmp + 22, H);
    put(bmp + 26, 1 | 24 << 16);
    for (size_t i = 0; i < n; i++)
        for (int y = 0; y < (s[i].side ? s[i].side : H); y++)
            for (int x = 0; x < (s[i].side ? s[i].side : W); x++) {
                uint8_t *at = bmp + 54 + ((H - 1 - s[i].y - y) * W + s[i].x + x) * 3; /* from the bottom up */
                at[0] = (uint8_t)s[i].colour.b;
                at[1] = (uint8_t)s[i].colour.g;
                at[2] = (uint8_t)s[i].colour.r;
            }
    write_file(name, bytes_of(bmp, len));
}

static void write_plain(const char *name, struct colour c)
{
    write_picture(name, &(struct square){0, 0, 0, c}, 1);
}

/* In cell 5, 5. */
static void write_grey(const char *name, int grey)
{
    write_picture(name, &(struct square){160, 160, STRIDE, {grey, grey, grey}}, 1);
}

/* ---- models ---- */

#define COMMON(name, task)                                                                            \
    "{\"schema\": \"assay.model/1\", \"name\": \"" name "\", \"version\": \"1\", \"task\": \"" task   \
    "\", \"file\": \"" name ".onnx\", \"sha256\": \"%s\", \"licence\": \"MIT\", \"source\": \"made\"" \
    ", \"made_by\": \"a test\", \"weakness\": \"made\", "

static void write_model(const char *name, struct onnx **o)
{
    struct bytes model;

    if (onnx_end(*o, arena, &model, NULL) < 0)
        abort();
    onnx_freep(o);
    write_file(arena_printf(arena, "%s.onnx", name), model);
}

static const char *sum_of(const char *name)
{
    char hex[HASH_HEX];

    hash_hex(file_read(arena, inside(arena_printf(arena, "%s.onnx", name))), hex);
    return arena_strdup(arena, hex);
}

/* One output with the same numbers in every cell. */
static void add_constant(struct onnx *o, const char *name, int64_t cells, int64_t columns, const float *row)
{
    const char *value = arena_printf(arena, "%s_value", name);
    float *all = arena_array(arena, (size_t)(cells * columns), sizeof *all);
    int64_t dims[] = {1, cells, columns};

    for (int64_t i = 0; row && i < cells * columns; i++)
        all[i] = row[i % columns];
    onnx_floats(o, value, 3, dims, all);
    onnx_node(o, "Identity", value, name);
    onnx_port(o, false, name, 3, dims);
}

/* Of stride 32: the probability of a face is sigmoid(0.04 * mean - 8) of the colours that it looks at. */
static void add_cells(struct onnx *o, const float weights[3])
{
    static const int64_t kernel[] = {STRIDE, STRIDE}, one[] = {1, 3, 1, 1}, bias[] = {1};
    static const float off[] = {-8};
    const int64_t cells = (W / STRIDE) * (H / STRIDE), shape[] = {1, cells, 1};
    const char *mean = onnx_step(o, "AveragePool", "input", ONNX_INTS("kernel_shape", 2, kernel),
                                 ONNX_INTS("strides", 2, kernel));
    const char *list = onnx_list(o, 3, shape), *logits, *p;

    onnx_floats(o, "weights", 4, one, weights);
    onnx_floats(o, "off", 1, bias, off);
    logits = onnx_step(o, "Conv", arena_printf(arena, "%s weights off", mean));
    p = onnx_step(o, "Sigmoid", logits);
    onnx_node(o, "Reshape", arena_printf(arena, "%s %s", p, list), "cls_32");
    onnx_node(o, "Identity", "cls_32", "obj_32");
    onnx_port(o, false, "cls_32", 3, shape);
    onnx_port(o, false, "obj_32", 3, shape);
}

/* A face fills its cell; its points lie `right` cells to the right of where they should. */
static void write_faces(const char *name, const float weights[3], float right)
{
    static const float points[2 * POINTS] = {.2f, .3f, .8f, .3f, .5f, .5f, .3f, .8f, .7f, .8f};
    static const float box[] = {.5f, .5f, 0, 0};
    struct onnx *o = onnx_new(arena, MAX_ONNX);
    float moved[2 * POINTS];

    for (int i = 0; i < 2 * POINTS; i++)
        moved[i] = points[i] + (i % 2 ? 0 : right);
    onnx_port(o, true, "input", 4, (int64_t[]){1, 3, H, W});
    add_cells(o, weights);
    for (int stride = 8; stride <= STRIDE; stride *= 2) {
        int64_t cells = (int64_t)(W / stride) * (H / stride);
        if (stride < STRIDE) {
            add_constant(o, arena_printf(arena, "cls_%d", stride), cells, 1, NULL);
            add_constant(o, arena_printf(arena, "obj_%d", stride), cells, 1, NULL);
        }
        add_constant(o, arena_printf(arena, "bbox_%d", stride), cells, 4, box);
        add_constant(o, arena_printf(arena, "kps_%d", stride), cells, 2 * POINTS, moved);
    }
    write_model(name, &o);
}

#define FACES                                                                                \
    "\"input\": {\"name\": \"input\", \"order\": \"bgr\", \"fit\": \"letterbox-topleft\"}, " \
    "\"output\": {\"decoder\": \"yunet\"}, \"threshold\": %s}"

static void write_face_models(void)
{
    static const float all[] = {.04f / 3, .04f / 3, .04f / 3}, blue[] = {.04f, 0, 0};
    char *card;

    write_faces("teacher", all, 0);
    card = arena_printf(arena, COMMON("teacher", "faces") FACES, sum_of("teacher"), "0.5");
    write_file("teacher.json", bytes_of(card, strlen(card)));
    write_faces("pupil", blue, .1f);
    card = arena_printf(arena, COMMON("pupil", "faces") FACES, sum_of("pupil"), "0.7");
    write_file("pupil.json", bytes_of(card, strlen(card)));
}

/* The mean of each colour, times 0.02, is the logit of its tag. */
static void write_colours(const char *name, const float weights[COLOURS][COLOURS])
{
    static const int64_t kernel[] = {32, 32}, square[] = {COLOURS, COLOURS};
    struct onnx *o = onnx_new(arena, MAX_ONNX);
    const char *mean, *flat;

    onnx_port(o, true, "input", 4, (int64_t[]){1, 3, 32, 32});
    mean = onnx_step(o, "AveragePool", "input", ONNX_INTS("kernel_shape", 2, kernel));
    flat = onnx_step(o, "Flatten", mean);
    onnx_floats(o, "weights", 2, square, &weights[0][0]);
    onnx_node(o, "MatMul", arena_printf(arena, "%s weights", flat), "logits");
    onnx_port(o, false, "logits", 2, (int64_t[]){1, COLOURS});
    write_model(name, &o);
}

#define TAGS                                                                                        \
    "\"input\": {\"name\": \"input\", \"width\": 32, \"height\": 32, \"order\": \"bgr\", \"fit\": " \
    "\"stretch\"}, \"output\": {\"name\": \"logits\", \"decoder\": \"softmax-logits\"}, \"map\": "  \
    "\"%s.map.json\", \"labels\": [%s]}"
#define MAP(a, b, c)                                                                                  \
    "{\"colour\": {\"from\": [\"" a "\", \"" b "\", \"" c "\"]}, \"blue\": {\"from\": [\"" a "\"]}, " \
    "\"green\": {\"from\": [\"" b "\"]}, \"red\": {\"from\": [\"" c "\"]}}"

/* The second takes green for more than it is, and has its labels in another order, by other names. */
static void write_tag_models(void)
{
    static const float plain[][COLOURS] = {{.02f, 0, 0}, {0, .02f, 0}, {0, 0, .02f}};
    static const float greener[][COLOURS] = {{0, 0, .02f}, {0, .024f, 0}, {.02f, 0, 0}};
    static const char map[] = MAP("b", "g", "r"), other[] = MAP("blau", "gruen", "rot");
    char *card;

    write_colours("painter", plain);
    card = arena_printf(arena, COMMON("painter", "tags") TAGS, sum_of("painter"), "painter",
                        "\"b\", \"g\", \"r\"");
    write_file("painter.json", bytes_of(card, strlen(card)));
    write_file("painter.map.json", bytes_of(map, strlen(map)));
    write_colours("gardener", greener);
    card = arena_printf(arena, COMMON("gardener", "tags") TAGS, sum_of("gardener"), "gardener",
                        "\"rot\", \"gruen\", \"blau\"");
    write_file("gardener.json", bytes_of(card, strlen(card)));
    write_file("gardener.map.json", bytes_of(other, strlen(other)));
}

/* ---- agreement ---- */

/* Four photos: two white faces, which both find; a grey one, of which the pupil is not sure enough; a blue
 * square, which is a face to the pupil alone; nothing. */
static void faces_like_the_teacher(void)
{
    static const struct square two[] = {{64, 96, STRIDE, {255, 255, 255}},
                                        {320, 160, STRIDE, {255, 255, 255}}},
                               blue = {96, 96, STRIDE, {255, 0, 0}};
    yyjson_val *v, *f;
    struct outcome o;

    make_dir("photos");
    make_dir("photos/more");
    write_picture("photos/two.bmp", two, 2);
    write_grey("photos/grey.bmp", 205);
    write_picture("photos/more/blue.bmp", &blue, 1);
    write_plain("photos/more/none.bmp", (struct colour){0, 0, 0});
    v = document(RUN_ASSAY("model", "eval", inside("photos"), "--model", inside("pupil.json"), "--against",
                           inside("teacher.json"), "--json"));
    f = yyjson_obj_get(v, "faces");
    CHECK_INT(json_int(v, "judged", 0), 4);
    CHECK_INT(json_int(f, "there", 0), 3);
    CHECK_INT(json_int(f, "found", 0), 2);
    CHECK_INT(json_int(f, "told", 0), 3);
    CHECK_INT(json_int(f, "false", 0), 1);
    CHECK_INT(json_int(f, "false_large", 0), 1);
    CHECK_NEAR(json_num(f, "recall", 0), 2 / 3., 1e-9);
    CHECK_NEAR(json_num(f, "precision", 0), 2 / 3., 1e-9);
    CHECK_NEAR(json_num(f, "false_in_20", 0), 5, 1e-9);
    CHECK_NEAR(json_num(f, "distance", 0), .1 / .6, 5e-3); /* reports round to a tenth of a thousandth */
    o = RUN_ASSAY("model", "eval", inside("photos"), "--model", inside("pupil.json"), "--against",
                  inside("teacher.json"), "--html", inside("page.html"));
    CHECK(strstr(o.out, "recall 0.667") && strstr(o.out, "5.00 in 20 photos"));
    CHECK(strstr((const char *)file_read(arena, inside("page.html")).data, "<td>0.667</td>"));
}

static int count(yyjson_val *tags, const char *tag, const char *who)
{
    return (int)json_int(yyjson_obj_get(tags, tag), who, -1);
}

/* Blue with much green is green to the gardener. The tag "colour" is all of them, and is not compared. */
static void tags_like_the_teacher(void)
{
    yyjson_val *v, *t, *tags;

    make_dir("colours");
    write_plain("colours/blue.bmp", (struct colour){255, 0, 0});
    write_plain("colours/green.bmp", (struct colour){0, 255, 0});
    write_plain("colours/red.bmp", (struct colour){0, 0, 255});
    write_plain("colours/both.bmp", (struct colour){200, 180, 0});
    v = document(RUN_ASSAY("model", "eval", inside("colours"), "--model", inside("gardener.json"),
                           "--against", inside("painter.json"), "--json"));
    t = yyjson_obj_get(v, "tags");
    tags = yyjson_obj_get(t, "tags");
    CHECK_INT(json_int(v, "judged", 0), 4);
    CHECK_INT(json_int(t, "first", 0), 3);
    CHECK_INT(json_int(t, "three", 0), 4);
    CHECK_INT(yyjson_obj_size(tags), 3);
    CHECK_INT(count(tags, "blue", "other"), 2);
    CHECK_INT(count(tags, "blue", "told"), 1);
    CHECK_INT(count(tags, "blue", "both"), 1);
    CHECK_INT(count(tags, "green", "told"), 2);
}

static void what_cannot_be_compared(void)
{
    const struct {
        const char *model, *against, *says;
    } rows[] = {
        {NULL, "teacher.json", "--model names the first"},
        {"pupil.json", "painter.json", "is made for \"faces\""},
        {"nobody.json", "teacher.json", "nobody.json"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct outcome o =
            rows[i].model
                ? RUN_ASSAY("model", "eval", inside("photos"), "--model", inside(rows[i].model), "--against",
                            inside(rows[i].against))
                : RUN_ASSAY("model", "eval", inside("photos"), "--against", inside(rows[i].against));
        CHECK_INT(o.status, 1);
        CHECK(strstr(o.err, rows[i].says));
        ROW("%s: %s", rows[i].says, o.err);
    }
    CHECK(strstr(
        RUN_ASSAY("model", "eval", inside("photos"), "--model", "assay-detect", "--against", "assay-detect")
            .err,
        "cannot be compared without labels"));
}

/* ---- calibration ---- */

/* The score of a square of 220 is sigmoid(0.8) = 0.69, and 12 of 16 of them are faces; of one of 150 it is
 * 0.12, and none of 8 is. */
static void faces_are_calibrated(void)
{
    yyjson_val *l, *points;
    struct outcome o;

    make_dir("truth");
    make_dir("truth/face");
    make_dir("truth/nothing");
    for (int i = 0; i < 12; i++)
        write_grey(arena_printf(arena, "truth/face/%02d.bmp", i), 220);
    for (int i = 0; i < 12; i++)
        write_grey(arena_printf(arena, "truth/nothing/%02d.bmp", i), i < 4 ? 220 : 150);
    l = yyjson_arr_get_first(yyjson_obj_get(
        document(RUN_ASSAY("model", "calibrate", inside("truth"), "--model", inside("teacher.json"), "--json",
                           "--false-rate", "0.4", "--write", inside("calibrated.json"))),
        "labels"));
    points = yyjson_obj_get(l, "points");
    CHECK_STR(json_str(arena, l, "label", ""), "face");
    CHECK_INT(yyjson_arr_size(points), 4); /* two, and the ends */
    CHECK_NEAR(yyjson_get_num(yyjson_arr_get(yyjson_arr_get(points, 2), 0)), .69, .01);
    CHECK_NEAR(yyjson_get_num(yyjson_arr_get(yyjson_arr_get(points, 2), 1)), 12.5 / 17, 1e-4);
    CHECK(json_num(l, "ece_fitted", 1) < .03 && json_num(l, "ece_halves", 1) < .06);
    CHECK(json_num(l, "ece_now", 0) > .05);
    CHECK_NEAR(json_num(l, "threshold", 0), 12.5 / 17, 1e-4); /* with 4 of 12 false ones */
    o = RUN_ASSAY("model", "eval", inside("truth"), "--model", inside("calibrated.json"), "--json");
    l = yyjson_arr_get_first(yyjson_obj_get(document(o), "labels"));
    CHECK(json_num(l, "ece", 1) < .03);
    CHECK(strstr(RUN_ASSAY("model", "calibrate", inside("truth"), "--model", inside("teacher.json"),
                           "--write", inside("pupil.json"))
                     .err,
                 "is not the card of teacher"));
    o = RUN_ASSAY("model", "calibrate", inside("truth"), "--model", inside("teacher.json"));
    CHECK(strstr(o.out, "nothing was written"));
    o = RUN_ASSAY("model", "calibrate", inside("truth"), "--model", inside("teacher.json"), "--least", "13");
    CHECK_INT(o.status, 1);
    CHECK(strstr(o.out, "too few files"));
}

/* 0.99 is said, and three of four are so: colder it must not be. */
static void tags_are_calibrated(void)
{
    static const struct colour blue = {255, 0, 0}, red = {0, 0, 255};
    yyjson_val *l;

    make_dir("shades");
    make_dir("shades/blue");
    make_dir("shades/red");
    for (int i = 0; i < 12; i++) {
        write_plain(arena_printf(arena, "shades/blue/%02d.bmp", i), i % 3 == 0 && i ? red : blue);
        write_plain(arena_printf(arena, "shades/red/%02d.bmp", i), i % 3 == 0 && i ? blue : red);
    }
    l = yyjson_arr_get_first(yyjson_obj_get(
        document(RUN_ASSAY("model", "calibrate", inside("shades"), "--model", inside("painter.json"),
                           "--json", "--write", inside("painter.json"))),
        "labels"));
    CHECK(json_num(l, "temperature", 0) > 2);
    CHECK(json_num(l, "ece_now", 0) > .2 && json_num(l, "ece_halves", 1) < .2);
    CHECK(strstr((const char *)file_read(arena, inside("painter.json")).data, "\"temperature\""));
    l = yyjson_arr_get_first(yyjson_obj_get(
        document(RUN_ASSAY("model", "eval", inside("shades"), "--model", inside("painter.json"), "--json")),
        "labels"));
    CHECK(json_num(l, "ece", 1) < .15);
    CHECK(strstr(RUN_ASSAY("model", "calibrate", inside("truth"), "--model", inside("painter.json")).err,
                 "has no tag \"face\""));
}

static void what_cannot_be_calibrated(void)
{
    CHECK(strstr(RUN_ASSAY("model", "calibrate", inside("truth")).err, "which model?"));
    CHECK(strstr(RUN_ASSAY("model", "calibrate", inside("truth"), "--model", "nobody").err,
                 "no model 'nobody'"));
}

int main(void)
{
    arena = arena_new();
    base = folder_new(arena);
    write_face_models();
    write_tag_models();
    RUN(faces_like_the_teacher);
    RUN(tags_like_the_teacher);
    RUN(what_cannot_be_compared);
    RUN(faces_are_calibrated);
    RUN(tags_are_calibrated);
    RUN(what_cannot_be_calibrated);
    folder_remove(base);
    arena_freep(&arena);
    return test_end();
}
