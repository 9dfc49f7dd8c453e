/* The face decoder on made numbers, alignment on made points, vectors, tags and traits as far as they are
 * arithmetic. With real models: people.c. */
#include "infer/faces.h"

#include <math.h>

#include "base/cleanup.h"
#include "infer/align_int.h"
#include "infer/embedding.h"
#include "infer/faces_int.h"
#include "infer/fit_int.h"
#include "infer/tags.h"
#include "infer/traits.h"
#include "test.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

/* A 64x32 input: 8 x 4 + 4 x 2 + 2 x 1 cells. */
enum { CELLS = 32 + 8 + 2, OUTPUTS = 12 };
static const int cells[] = {32, 8, 2}, columns[] = {1, 1, 4, 10};

struct made {
    float numbers[OUTPUTS][32 * 10];
    struct tensor tensors[OUTPUTS];
    struct tensor_list list;
};

static void made_init(struct made *m)
{
    memset(m, 0, sizeof *m);
    for (int i = 0; i < OUTPUTS; i++)
        m->tensors[i] = (struct tensor){m->numbers[i], 3, {1, cells[i / 4], columns[i % 4]}};
    m->list = (struct tensor_list){m->tensors, OUTPUTS};
}

/* Writes one cell of grid g (0: stride 8). */
static void put_face(struct made *m, int g, int cell, float cls, float obj, const float box[4], float point)
{
    m->numbers[4 * g][cell] = cls;
    m->numbers[4 * g + 1][cell] = obj;
    memcpy(&m->numbers[4 * g + 2][cell * 4], box, 4 * sizeof *box);
    for (int i = 0; i < 10; i++)
        m->numbers[4 * g + 3][cell * 10 + i] = point + (float)i;
}

static struct card small_card(void)
{
    return (struct card){.name = "small",
                         .task = "faces",
                         .input = {.width = 64, .height = 32},
                         .faces = {.threshold = 0.5, .min_face = 1}};
}

static void cells_become_faces(void)
{
    static const struct {
        const char *what;
        int grid, cell;
        float cls, obj, box[4];
        size_t n;
        double score, cx, cy, w, h, x0, y4;
    } rows[] = {
        {"stride 8, cell (3, 1)",
         0,
         11,
         0.81f,
         1,
         {0.5f, 0.25f, 0, 0.693147f},
         1,
         0.9,
         28,
         10,
         8,
         16,
         24,
         80},
        {"stride 16, cell (1, 1)", 1, 5, 0.64f, 0.64f, {0, 0, 0, 0}, 1, 0.64, 16, 16, 16, 16, 16, 160},
        {"stride 32, last cell", 2, 1, 1, 1, {0, 0, 0, 0}, 1, 1, 32, 0, 32, 32, 32, 288},
        {"exactly on the threshold", 0, 0, 0.25f, 1, {0, 0, 0, 0}, 1, 0.5, 0, 0, 8, 8, 0, 72},
        {"sure of a face, not of an object", 0, 0, 1, 0.2f, {0, 0, 0, 0}, 0, 0, 0, 0, 0, 0, 0, 0},
        {"a rounding above 1", 0, 0, 1.0005f, 1, {0, 0, 0, 0}, 1, 1, 0, 0, 8, 8, 0, 72},
    };
    struct card card = small_card();

    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct raw_face f[CELLS + 1];
        struct made m;
        size_t n = 99;

        made_init(&m);
        put_face(&m, rows[i].grid, rows[i].cell, rows[i].cls, rows[i].obj, rows[i].box, 0);
        CHECK_INT(yunet_decode(&card, &m.list, f, &n, NULL), 0);
        CHECK_INT(n, rows[i].n);
        if (n == 1 && rows[i].n == 1) {
            CHECK_NEAR((double)f[0].box.score, rows[i].score, 1e-6);
            CHECK_NEAR((double)f[0].box.cx, rows[i].cx, 1e-4);
            CHECK_NEAR((double)f[0].box.cy, rows[i].cy, 1e-4);
            CHECK_NEAR((double)f[0].box.w, rows[i].w, 1e-3);
            CHECK_NEAR((double)f[0].box.h, rows[i].h, 1e-3);
            CHECK_NEAR((double)f[0].points[0][0], rows[i].x0, 1e-4);
            CHECK_NEAR((double)f[0].points[4][1], rows[i].y4, 1e-4);
        }
        ROW("%s", rows[i].what);
    }
}

static void the_best_face_comes_first(void)
{
    static const float box[4] = {0};
    struct card card = small_card();
    struct raw_face f[CELLS + 1];
    struct made m;
    size_t n = 0;

    made_init(&m);
    put_face(&m, 0, 3, 0.5f, 0.6f, box, 0);
    put_face(&m, 1, 2, 0.9f, 1, box, 7);
    put_face(&m, 2, 0, 0.8f, 0.8f, box, 0);
    CHECK_INT(yunet_decode(&card, &m.list, f, &n, NULL), 0);
    CHECK_INT(n, 3);
    CHECK_NEAR((double)f[0].box.w, 16, 1e-4);
    CHECK_NEAR((double)f[0].points[0][0], (2 + 7) * 16, 1e-4); /* its points came with it */
    CHECK_NEAR((double)f[1].box.w, 32, 1e-4);
}

/* One number that is none, and the whole output is refused: it must not look like a picture without faces. */
static void broken_outputs_are_errors(void)
{
    static const struct {
        const char *what;
        int output, at;
        float value;
    } rows[] = {
        {"class", 0, 5, NAN},      {"class above 1", 4, 1, 1.5f}, {"object", 1, 31, -0.5f},
        {"place", 2, 0, INFINITY}, {"size", 2, 2, 1000},          {"point", 3, 9, NAN},
    };
    static const float box[4] = {0};
    struct card card = small_card();

    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct raw_face f[CELLS + 1];
        struct err err = {0};
        struct made m;
        size_t n;

        made_init(&m);
        put_face(&m, 0, 0, 1, 1, box, 0);
        CHECK_INT(yunet_decode(&card, &m.list, f, &n, &err), 0);
        m.numbers[rows[i].output][rows[i].at] = rows[i].value;
        CHECK_INT(yunet_decode(&card, &m.list, f, &n, &err), -1);
        CHECK_INT(err.kind, ERR_MODEL);
        ROW("%s", rows[i].what);
    }
}

static void outputs_of_another_shape_are_refused(void)
{
    struct card card = small_card();
    struct err err = {0};
    struct made m;

    made_init(&m);
    CHECK_INT(yunet_check(&card, &m.list, &err), 0);
    m.tensors[7].dims[2] = 8;
    CHECK_INT(yunet_check(&card, &m.list, &err), -1);
    CHECK(strstr(err.text, "kps_16"));
    made_init(&m);
    card.input.width = 96;
    CHECK_INT(yunet_check(&card, &m.list, &err), -1);
    card.input.width = 64;
    m.list.n = 11;
    CHECK_INT(yunet_check(&card, &m.list, &err), -1);
}

/* ---- alignment ---- */

static void similarities_are_found_again(void)
{
    static const double from[5][2] = {{30, 40}, {70, 42}, {50, 60}, {35, 80}, {65, 82}};
    static const struct similarity rows[] = {
        {1, 0, 0, 0}, {2, 0, 5, -3}, {0, 1, 10, 10}, {0.3, -0.4, -20, 7}, {-1, 0, 100, 100}};

    for (size_t i = 0; i < LENGTH(rows); i++) {
        const struct similarity *t = &rows[i];
        struct similarity got = {0}, back;
        double to[5][2];

        for (int k = 0; k < 5; k++) {
            to[k][0] = t->c * from[k][0] - t->s * from[k][1] + t->x;
            to[k][1] = t->s * from[k][0] + t->c * from[k][1] + t->y;
        }
        CHECK(similarity_between(from, to, 5, &got));
        CHECK_NEAR(got.c, t->c, 1e-9);
        CHECK_NEAR(got.s, t->s, 1e-9);
        CHECK_NEAR(got.x, t->x, 1e-7);
        CHECK_NEAR(got.y, t->y, 1e-7);
        back = similarity_inverse(&got);
        CHECK_NEAR(back.c * to[1][0] - back.s * to[1][1] + back.x, from[1][0], 1e-9);
        CHECK_NEAR(back.s * to[1][0] + back.c * to[1][1] + back.y, from[1][1], 1e-9);
        ROW("%zu", i);
    }
}

/* By hand: unit square corners to ones that no similarity reaches; the least squares answer is the mean
 * scale.
 */
static void what_does_not_fit_is_fitted_best(void)
{
    static const double from[4][2] = {{-1, -1}, {1, -1}, {-1, 1}, {1, 1}};
    static const double to[4][2] = {{-3, -1}, {3, -1}, {-3, 1}, {3, 1}};
    static const double mirrored[4][2] = {{1, -1}, {-1, -1}, {1, 1}, {-1, 1}};
    struct similarity t = {0};

    CHECK(similarity_between(from, to, 4, &t));
    CHECK_NEAR(t.c, 2, 1e-12);
    CHECK_NEAR(t.s, 0, 1e-12);
    CHECK(!similarity_between(from, mirrored, 4, &t)); /* no turn is better than another */
}

static void points_without_direction_are_refused(void)
{
    static const double one[3][2] = {{5, 5}, {5, 5}, {5, 5}}, some[3][2] = {{0, 0}, {1, 0}, {0, 1}};
    static const double none[3][2] = {{NAN, 0}, {1, 0}, {0, 1}};
    struct similarity t;

    CHECK(!similarity_between(one, some, 3, &t));
    CHECK(!similarity_between(some, one, 3, &t));
    CHECK(!similarity_between(none, some, 3, &t));
}

static struct picture checker(struct arena *a, int width, int height, int cell)
{
    struct picture p = {width, height, 3, arena_alloc(a, (size_t)(width * height * 3))};

    for (int i = 0; i < width * height; i++)
        memset(p.pixels + 3 * i, (i % width / cell + i / width / cell) % 2 ? 200 : 40, 3);
    return p;
}

static int pixel(const struct picture *p, int x, int y)
{
    return p->pixels[(y * p->width + x) * 3];
}

static void cuts_show_what_they_should(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct picture p = checker(a, 64, 64, 16);
    struct picture d = {16, 16, 3, arena_alloc(a, 16 * 16 * 3)};

    similarity_cut(a, &p, &(struct similarity){1, 0, 16, 0}, &d); /* straight, one cell to the right */
    CHECK_INT(pixel(&d, 0, 0), 200);
    CHECK_INT(pixel(&d, 15, 15), 200);
    similarity_cut(a, &p, &(struct similarity){1, 0, 8, 0}, &d); /* half and half, to the pixel */
    CHECK_INT(pixel(&d, 7, 3), 40);
    CHECK_INT(pixel(&d, 8, 3), 200);
    similarity_cut(a, &p, &(struct similarity){4, 0, 0, 0}, &d); /* all of it, a quarter as large */
    CHECK_NEAR(pixel(&d, 1, 1), 40, 8);
    CHECK_NEAR(pixel(&d, 5, 1), 200, 8);
    CHECK_NEAR(pixel(&d, 14, 14), 40, 8);
    similarity_cut(a, &p, &(struct similarity){0, 1, 16, 0}, &d); /* a quarter turn: u runs down */
    CHECK_INT(pixel(&d, 0, 0), 40);
    CHECK_INT(pixel(&d, 15, 15), 40);
    similarity_cut(a, &p, &(struct similarity){1, 0, 200, 200}, &d); /* beside it: black */
    CHECK_INT(pixel(&d, 3, 3), 0);
    similarity_cut(a, &p, &(struct similarity){1e9, 0, -1e12, 1e12}, &d); /* far away, and huge */
    CHECK_INT(pixel(&d, 3, 3), 0);
    similarity_cut(a, &p, &(struct similarity){1e-9, 0, 20, 4}, &d); /* one point only */
    CHECK_INT(pixel(&d, 3, 3), 200);
}

/* A fine pattern that is shrunk must become its mean, not one of its colours. */
static void shrinking_leaves_no_pixel_out(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct picture p = checker(a, 160, 160, 1);
    struct picture d = {16, 16, 3, arena_alloc(a, 16 * 16 * 3)};

    similarity_cut(a, &p, &(struct similarity){10, 0, 0, 0}, &d);
    for (int i = 1; i < 15; i++)
        CHECK_NEAR(pixel(&d, i, i), 120, 6);
}

/* ---- vectors ---- */

static void alike_is_the_cosine(void)
{
    static const float x[] = {0.6f, 0.8f}, y[] = {0.8f, -0.6f}, z[] = {-0.6f, -0.8f};
    const float *both[] = {x, y}, *against[] = {x, z};
    float mean[2];

    CHECK_NEAR(faces_alike(x, x, 2), 1, 1e-6);
    CHECK_NEAR(faces_alike(x, y, 2), 0, 1e-6);
    CHECK_NEAR(faces_alike(x, z, 2), -1, 1e-6);
    CHECK(embedding_mean(both, 2, 2, mean));
    CHECK_NEAR(hypot((double)mean[0], (double)mean[1]), 1, 1e-6);
    CHECK_NEAR(faces_alike(mean, x, 2), sqrt(0.5), 1e-6);
    CHECK(!embedding_mean(against, 2, 2, mean));
    CHECK(!embedding_mean(both, 0, 2, mean));
}

static void gender_needs_its_floor(void)
{
    static const struct {
        double female, male;
        enum gender want;
    } rows[] = {
        {0.8, 0.2, GENDER_FEMALE},       {0.79, 0.21, GENDER_UNIDENTIFIED}, {0.1, 0.9, GENDER_MALE},
        {NAN, NAN, GENDER_UNIDENTIFIED}, {0.5, 0.5, GENDER_UNIDENTIFIED},
    };
    const struct card card = {.traits = {.gender_floor = 0.8}};

    for (size_t i = 0; i < LENGTH(rows); i++) {
        CHECK_INT(traits_gender(&card, rows[i].female, rows[i].male), rows[i].want);
        ROW("%zu", i);
    }
}

/* ---- tags ---- */

static void labels_fold_into_tags(void)
{
    static const int dogs[] = {0, 1}, things[] = {0, 1, 2}, none[] = {3};
    static const struct card_tag tags[] = {
        {"dog", false, 2, dogs}, {"thing", true, 3, things}, {"none", false, 1, none}};
    static const float labels[] = {0.5f, 0.25f, 0.375f, 0};
    static const struct {
        const char *decoder;
        double dog, thing;
    } rows[] = {{"softmax", 0.75, 1}, {"softmax-logits", 0.75, 1}, {"sigmoid", 0.5, 0.5}};

    for (size_t i = 0; i < LENGTH(rows); i++) {
        const struct card card = {.output = {"y", rows[i].decoder},
                                  .nlabels = 4,
                                  .tags = {.threshold = 0.2, .ntags = 3, .tags = tags}};
        struct tag got[3];

        tags_fold(&card, labels, got);
        CHECK_NEAR((double)got[0].probability, rows[i].dog, 0);
        CHECK_NEAR((double)got[1].probability, rows[i].thing, 0);
        CHECK(got[1].critical && !got[0].critical);
        CHECK_INT(tags_above(got, 3, 0.2), 2);
        CHECK_STR(got[0].name, rows[i].thing > rows[i].dog ? "thing" : "dog");
        CHECK_STR(got[2].name, "none");
        ROW("%s", rows[i].decoder);
    }
}

static void pictures_are_placed(void)
{
    static const struct {
        const char *fit;
        double crop;
        int width, height;
        struct placement want;
    } rows[] = {
        {"letterbox-topleft", 1, 200, 100, {0, 0, 200, 100, 100, 50}},
        {"letterbox-topleft", 1, 10, 1000, {0, 0, 10, 1000, 1, 100}},
        {"stretch", 1, 200, 100, {0, 0, 200, 100, 100, 100}},
        {"centre-crop", 1, 200, 100, {50, 0, 100, 100, 100, 100}},
        {"centre-crop", 0.5, 200, 100, {75, 25, 50, 50, 100, 100}},
        {"centre-crop", 1, 100, 300, {0, 100, 100, 100, 100, 100}},
        {"centre-crop", 0.1, 1, 1, {0, 0, 1, 1, 100, 100}},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        const struct card_input in = {.width = 100, .height = 100, .fit = rows[i].fit, .crop = rows[i].crop};
        struct placement got = placement_of(&in, rows[i].width, rows[i].height);

        CHECK(memcmp(&got, &rows[i].want, sizeof got) == 0);
        ROW("%s of %d x %d: %d %d %d %d", rows[i].fit, rows[i].width, rows[i].height, got.x, got.y, got.w,
            got.h);
    }
}

int main(void)
{
    RUN(cells_become_faces);
    RUN(the_best_face_comes_first);
    RUN(broken_outputs_are_errors);
    RUN(outputs_of_another_shape_are_refused);
    RUN(similarities_are_found_again);
    RUN(what_does_not_fit_is_fitted_best);
    RUN(points_without_direction_are_refused);
    RUN(cuts_show_what_they_should);
    RUN(shrinking_leaves_no_pixel_out);
    RUN(alike_is_the_cosine);
    RUN(gender_needs_its_floor);
    RUN(labels_fold_into_tags);
    RUN(pictures_are_placed);
    return test_end();
}
