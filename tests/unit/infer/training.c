/* Small networks and clusters are trained on points whose answer is known. */
#include <math.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "infer/dense_train.h"
#include "infer/kmeans.h"
#include "test.h"

enum { POINTS = 600, WIDTH = 2 };

struct cloud {
    float points[POINTS * WIDTH];
    int labels[POINTS];
};

/* Reproducible noise of its own, -1..1. */
static double noise(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (double)(*state >> 8) / (1 << 23) - 1;
}

/* Two rings around each other: no straight line tells them apart. */
static void make_rings(struct cloud *c)
{
    uint32_t state = 7;

    for (int i = 0; i < POINTS; i++) {
        double angle = noise(&state) * M_PI, radius = (i % 2 ? 2 : 1) + 0.2 * noise(&state);
        c->points[2 * i] = (float)(radius * cos(angle));
        c->points[2 * i + 1] = (float)(radius * sin(angle));
        c->labels[i] = i % 2;
    }
}

/* Four heaps at the corners of a square of 10, numbered. */
static void make_heaps(struct cloud *c)
{
    uint32_t state = 3;

    for (int i = 0; i < POINTS; i++) {
        c->labels[i] = i % 4;
        c->points[2 * i] = (float)((i % 4 / 2 ? 10 : 0) + noise(&state));
        c->points[2 * i + 1] = (float)((i % 2 ? 10 : 0) + noise(&state));
    }
}

static struct dense_examples examples_of(const struct cloud *c, size_t nlabels)
{
    return (struct dense_examples){POINTS, WIDTH, nlabels, c->points, c->labels};
}

static void learns_what_no_line_divides(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct dense_training t = dense_training_defaults();
    int64_t confusion[4] = {0};
    struct dense_examples e;
    struct dense_net net;
    struct dense_score s;
    struct err err = {0};
    struct cloud c;

    make_rings(&c);
    e = examples_of(&c, 2);
    t.noise = t.decay = 0; /* the rings are as near to each other as the noise is wide */
    CHECK(dense_train(a, &e, &t, &net, &err) == 0);
    CHECK_INT(net.nlayers, 3);
    CHECK_INT(net.layers[0].out, 20);
    CHECK_INT(net.layers[1].out, 10);
    s = dense_test(&net, &e, confusion);
    CHECK(s.accuracy > 0.99 && s.loss < 0.05);
    CHECK_INT(confusion[0] + confusion[1], POINTS / 2);
    CHECK_INT(confusion[0] + confusion[3], (int64_t)(s.accuracy * POINTS + 0.5));
    /* Without hidden layers it is a line, which cannot. */
    t.hidden[0] = t.hidden[1] = 0;
    CHECK(dense_train(a, &e, &t, &net, &err) == 0);
    CHECK_INT(net.nlayers, 1);
    CHECK(dense_test(&net, &e, NULL).accuracy < 0.7);
}

static void same_seed_same_weights(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct dense_training t = dense_training_defaults();
    struct dense_net one, two, other;
    struct dense_examples e;
    struct err err = {0};
    struct cloud c;
    size_t n;

    make_heaps(&c);
    e = examples_of(&c, 4);
    t.epochs = 5;
    CHECK(dense_train(a, &e, &t, &one, &err) == 0 && dense_train(a, &e, &t, &two, &err) == 0);
    t.seed = 2;
    CHECK(dense_train(a, &e, &t, &other, &err) == 0);
    for (size_t k = 0; k < one.nlayers; k++) {
        n = one.layers[k].in * one.layers[k].out * sizeof(float);
        CHECK(memcmp(one.layers[k].weights, two.layers[k].weights, n) == 0);
        CHECK(memcmp(one.layers[k].weights, other.layers[k].weights, n) != 0);
    }
}

static void applies_mean_and_dev(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    static const float weights[] = {1, 0, 0, 2}, bias[] = {0, 1}, mean[] = {1, 2}, dev[] = {2, 4};
    const struct dense_layer layers[] = {{2, 2, weights, bias, DENSE_LINEAR}};
    struct dense_net net = {1, layers, NULL, NULL};
    float y[2];

    dense_run(a, &net, (const float[]){3, 10}, y);
    CHECK_NEAR((double)y[0], 3, 0);
    CHECK_NEAR((double)y[1], 21, 0);
    net.mean = mean;
    net.dev = dev;
    dense_run(a, &net, (const float[]){3, 10}, y);
    CHECK_NEAR((double)y[0], 1, 0);
    CHECK_NEAR((double)y[1], 5, 0);
}

static void training_ends_with_a_sentence(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct dense_training t = dense_training_defaults();
    struct dense_examples e;
    struct dense_net net;
    struct err err = {0};
    struct cloud c;

    make_heaps(&c);
    e = examples_of(&c, 4);
    t.deadline_mono_us = clock_mono_us() - 1;
    CHECK(dense_train(a, &e, &t, &net, &err) < 0 && err.kind == ERR_TIMEOUT);
    t = dense_training_defaults();
    t.hidden[0] = DENSE_MAX_HIDDEN + 1;
    CHECK(dense_train(a, &e, &t, &net, &err) < 0 && err.kind == ERR_LIMIT);
    t.hidden[0] = DENSE_MAX_HIDDEN;
    e.nfeatures = 1 << 20;
    CHECK(dense_train(a, &e, &t, &net, &err) < 0 && err.kind == ERR_LIMIT);
    t = dense_training_defaults();
    e = examples_of(&c, 4);
    for (int i = 0; i < POINTS * WIDTH; i++)
        c.points[i] *= 1e38F;
    t.rate = 1;
    CHECK(dense_train(a, &e, &t, &net, &err) < 0 && err.kind == ERR_INPUT);
    CHECK(strstr(err.text, "smaller learning rate"));
}

/* ---- clusters ---- */

static void finds_the_heaps(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct impulse_cluster *k;
    struct err err = {0};
    struct cloud c;
    size_t n;

    make_heaps(&c);
    CHECK(kmeans(a, c.points, POINTS, WIDTH, &(struct kmeans_opts){4, 1, 0}, &k, &n, &err) == 0);
    CHECK_INT(n, 4);
    for (int corner = 0; corner < 4; corner++) {
        const float at[] = {corner / 2 ? 10 : 0, corner % 2 ? 10 : 0};
        CHECK(kmeans_score(k, n, at, 2) < -1);
        CHECK(kmeans_score(k, n, (const float[]){at[0] * 2 - 5, at[1]}, 2) > 3);
    }
    CHECK(kmeans_score(k, n, (const float[]){5, 5}, 2) > 5);
    CHECK_NEAR(kmeans_score(k, n, (const float[]){1e6F, 0}, 2), 1000, 0);
    for (int i = 0; i < POINTS; i++)
        CHECK(kmeans_score(k, n, c.points + 2 * i, 2) <= 0);
}

static void has_no_empty_clusters(void)
{
    static const float same[] = {1, 1, 1, 1, 2, 2, 2, 2, 1, 1};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct impulse_cluster *k;
    struct err err = {0};
    struct cloud c;
    size_t n;

    CHECK(kmeans(a, same, 5, 2, &(struct kmeans_opts){4, 1, 0}, &k, &n, &err) == 0);
    CHECK_INT(n, 2);
    CHECK(k[0].max_error == 0 && k[1].max_error == 0);
    CHECK(kmeans(a, same, 1, 2, &(struct kmeans_opts){4, 1, 0}, &k, &n, &err) == 0);
    CHECK_INT(n, 1);
    CHECK(kmeans(a, same, 0, 2, &(struct kmeans_opts){4, 1, 0}, &k, &n, &err) < 0 && err.kind == ERR_INPUT);
    make_heaps(&c);
    for (uint64_t seed = 0; seed < 20; seed++) {
        CHECK(kmeans(a, c.points, POINTS, WIDTH, &(struct kmeans_opts){200, seed, 0}, &k, &n, &err) == 0);
        CHECK(n > 150 && n <= 200);
        for (int i = 0; i < POINTS; i++)
            CHECK(kmeans_score(k, n, c.points + 2 * i, 2) <= 0);
    }
    CHECK(kmeans(a, c.points, POINTS, WIDTH, &(struct kmeans_opts){9, 1, 1}, &k, &n, &err) < 0);
    CHECK_INT(err.kind, ERR_TIMEOUT);
}

int main(void)
{
    RUN(learns_what_no_line_divides);
    RUN(same_seed_same_weights);
    RUN(applies_mean_and_dev);
    RUN(training_ends_with_a_sentence);
    RUN(finds_the_heaps);
    RUN(has_no_empty_clusters);
    return test_end();
}
