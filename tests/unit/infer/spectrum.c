/* Features of the spectrum: the numbers that models/train/spectrum.py printed for the same made picture. */
#include "infer/spectrum.h"

#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "test.h"

enum { N = SPECTRUM_SIDE };

/* made_picture() of spectrum.py. */
static struct picture made_picture(struct arena *a, int width, int height)
{
    struct picture p = {width, height, 3, arena_alloc(a, (size_t)width * (size_t)height * 3)};
    uint8_t *to = p.pixels;
    uint32_t state = 7;

    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < 3; c++) {
                state = (state * 1103515245u + 12345u) & 0x7fffffff;
                *to++ = (uint8_t)((x * (c + 1) + y * 2 + ((x * y) >> 5)) % 200 + (int)((state >> 16) % 40));
            }
    return p;
}

static void the_features_are_those_of_the_training(void)
{
    static const double golden[SPECTRUM_FEATURES] = {
        -4.58485927198,   -3.78690608401,   -2.54080997918,   -1.83597230772,   -0.980700496764,
        -0.476273839812,  0.0707586812662,  0.239395753514,   0.788271156246,   0.857794586819,
        1.24276824974,    1.46885531573,    1.53719710495,    1.52304587544,    1.76328285535,
        1.89415547214,    2.81999692829,    -0.0988699936113, -0.0469822217114, 0.295203473709,
        -0.0333224187656, 0.624097680575,   -1.11299389854,   1.14482470053,    6.00686231294,
        1.91631915835,    1.51050701577,    1.50891094704,    -0.377768999737,  -0.00587752543962,
        -0.0367593120999, 2.23686613572,    -0.420232920902,  0.0117955381151,  0.0232053113612,
        -0.190055632369,  0.00155270958688, 0.0167925254145,  0.0085027840352,  0.740765309061,
        0.75449659452,    0.704856849544,   -0.505501203176,  2.70182622585};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct picture p = made_picture(a, N, N);
    double f[SPECTRUM_FEATURES];

    spectrum_features(spectrum_new(a), &p, 0, 0, f);
    for (int i = 0; i < SPECTRUM_FEATURES; i++) {
        CHECK_NEAR(f[i], golden[i], 1e-7);
        ROW("feature %d", i);
    }
}

/* A patch in a larger picture gives what it gives alone, and again what it gave before. */
static void a_patch_is_judged_by_itself(void)
{
    enum { AT_X = 33, AT_Y = 17, WIDE = 200 };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct picture small = made_picture(a, N, N), large = made_picture(a, WIDE, WIDE);
    struct spectrum *s = spectrum_new(a);
    double alone[SPECTRUM_FEATURES], part[SPECTRUM_FEATURES];

    for (int y = 0; y < N; y++)
        memcpy(large.pixels + ((size_t)(AT_Y + y) * WIDE + AT_X) * 3, small.pixels + (size_t)y * N * 3,
               N * 3);
    spectrum_features(s, &small, 0, 0, alone);
    spectrum_features(s, &large, AT_X, AT_Y, part);
    CHECK(!memcmp(alone, part, sizeof alone));
    spectrum_features(s, &small, 0, 0, part);
    CHECK(!memcmp(alone, part, sizeof alone));
}

static void flat_pictures_give_numbers(void)
{
    static const uint8_t levels[] = {0, 1, 128, 255};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct picture p = made_picture(a, N, N);
    struct spectrum *s = spectrum_new(a);
    double f[SPECTRUM_FEATURES];

    for (size_t i = 0; i < sizeof levels; i++) {
        memset(p.pixels, levels[i], (size_t)N * N * 3);
        spectrum_features(s, &p, 0, 0, f);
        for (int k = 0; k < SPECTRUM_FEATURES; k++)
            CHECK(isfinite(f[k]));
        ROW("grey %d", levels[i]);
    }
}

/* A picture of which every pixel stands four times has a line at half the sampling rate. */
static void doubling_shows(void)
{
    enum { LINE_AT_HALF = 17, PAIRS = 33 };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct picture plain = made_picture(a, N, N), twice = made_picture(a, N, N);
    struct spectrum *s = spectrum_new(a);
    double f[SPECTRUM_FEATURES], g[SPECTRUM_FEATURES];

    for (int y = 0; y < N; y++)
        for (int x = 0; x < N; x++)
            memcpy(twice.pixels + (y * N + x) * 3, plain.pixels + (y / 2 * N + x / 2) * 3, 3);
    spectrum_features(s, &plain, 0, 0, f);
    spectrum_features(s, &twice, 0, 0, g);
    CHECK(g[LINE_AT_HALF] < f[LINE_AT_HALF] - 0.5);
    CHECK(g[PAIRS] > f[PAIRS] + 1);
}

static void the_logit_is_bounded_by_the_cut(void)
{
    double f[SPECTRUM_FEATURES] = {1e30, -1e30, 2}, mean[SPECTRUM_FEATURES] = {0},
           deviation[SPECTRUM_FEATURES], weights[SPECTRUM_WEIGHTS] = {0};

    for (int i = 0; i < SPECTRUM_FEATURES; i++)
        deviation[i] = 1;
    weights[0] = 1;
    weights[1] = 0.5;
    weights[SPECTRUM_FEATURES + 2] = 3;
    weights[SPECTRUM_WEIGHTS - 1] = -1;
    CHECK_NEAR(spectrum_logit(f, mean, deviation, weights), 4 - 2 + 12 - 1, 1e-12);
}

int main(void)
{
    RUN(the_features_are_those_of_the_training);
    RUN(a_patch_is_judged_by_itself);
    RUN(flat_pictures_give_numbers);
    RUN(doubling_shows);
    RUN(the_logit_is_bounded_by_the_cut);
    return test_end();
}
