/* Rows whose figures were counted by hand. */
#include "verdict/measure.h"

#include <math.h>
#include <string.h>

#include "base/c23.h"
#include "test.h"

enum { MAX = 10 };

/* items: one letter each, + shows it, - does not; scores beside them. */
static const struct {
    const char *what, *truth;
    double scores[MAX];
    double auc, recall, precision, false_rate, f1; /* at .5 */
    double best_threshold, best_f1;
    double kept_threshold, kept_recall; /* at most a quarter of the others */
    double ece;
} rows[] = {
    {"perfect", "++--", {.9, .8, .2, .1}, 1, 1, 1, 0, 1, .8, 1, .8, 1, .15},
    {"the wrong way round", "++--", {.1, .2, .8, .9}, 0, 0, 0, 1, 0, .1, 2 / 3., NAN, 0, .85},
    {"all the same", "+-+-", {.5, .5, .5, .5}, .5, 1, .5, 1, 2 / 3., .5, 2 / 3., NAN, 0, 0},
    /* pairs: .7 beats .6 .4 .3 .2; .4 beats .3 .2, ties .4, loses to .6: (4 + 2.5) / 8 */
    {"mixed", "+-+---", {.7, .6, .4, .4, .3, .2}, 6.5 / 8, .5, .5, .25, .5, .7, 2 / 3., .6, .5, 1.6 / 6},
    {"nothing shows it", "--", {.6, .2}, NAN, NAN, 0, .5, 0, NAN, NAN, NAN, NAN, .4},
    {"all show it", "++", {.6, .2}, NAN, .5, 1, NAN, 2 / 3., .2, 1, .2, 1, .6},
    {"none", "", {0}, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN},
};

static bool is(double got, double want)
{
    return isnan(want) ? isnan(got) : fabs(got - want) < 1e-12;
}

#define CHECK_IS(got, want)                                                          \
    do {                                                                             \
        CHECK(is(got, want));                                                        \
        if (!is(got, want))                                                          \
            printf("#   %s: %s is %.6g, not %.6g\n", rows[i].what, #got, got, want); \
    } while (0)

static void figures(void)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct measured items[MAX];
        size_t n = strlen(rows[i].truth);
        struct measures m;

        for (size_t k = 0; k < n; k++)
            items[k] = (struct measured){rows[i].scores[k], rows[i].truth[k] == '+'};
        measure(items, n, 0.5, 0.25, &m);
        CHECK_IS(m.auc, rows[i].auc);
        CHECK_IS(m.at.recall, rows[i].recall);
        CHECK_IS(m.at.precision, rows[i].precision);
        CHECK_IS(m.at.false_rate, rows[i].false_rate);
        CHECK_IS(m.at.f1, rows[i].f1);
        CHECK_IS(m.best.threshold, rows[i].best_threshold);
        CHECK_IS(m.best.f1, rows[i].best_f1);
        CHECK_IS(m.kept.threshold, rows[i].kept_threshold);
        CHECK_IS(m.kept.recall, rows[i].kept_recall);
        CHECK_IS(m.ece, rows[i].ece);
        CHECK_INT(m.at.hits + m.at.misses + m.at.wrong + m.at.silent, n);
    }
}

static void the_order_does_not_matter(void)
{
    struct measured a[] = {{.7, true}, {.6, false}, {.4, true}, {.4, false}, {.3, false}};
    struct measured b[] = {{.4, false}, {.3, false}, {.4, true}, {.6, false}, {.7, true}};
    struct measures x, y;

    measure(a, COUNT_OF(a), 0.5, 0.1, &x);
    measure(b, COUNT_OF(b), 0.5, 0.1, &y);
    CHECK(x.auc == y.auc && x.ece == y.ece && x.best.f1 == y.best.f1);
    CHECK(memcmp(a, b, sizeof a[0].score) == 0);
}

static void a_curve_goes_from_corner_to_corner(void)
{
    struct measured items[] = {{.9, true}, {.8, false}, {.8, true}, {.1, false}};
    struct roc_point p[8];
    struct measures m;

    measure(items, COUNT_OF(items), 0.5, 0.1, &m);
    CHECK_INT(measure_roc(items, COUNT_OF(items), p, COUNT_OF(p)), 4);
    CHECK(p[0].false_rate == 0 && p[0].recall == 0);
    CHECK(p[1].false_rate == 0 && p[1].recall == 0.5);
    CHECK(p[2].false_rate == 0.5 && p[2].recall == 1);
    CHECK(p[3].false_rate == 1 && p[3].recall == 1);
    CHECK_INT(measure_roc(items, COUNT_OF(items), p, 2), 2);
    CHECK(p[1].false_rate == 1 && p[1].recall == 1);
    CHECK_INT(measure_roc(NULL, 0, p, 2), 2);
}

static void a_curve_of_many_is_thinned(void)
{
    static struct measured items[1000];
    struct roc_point p[50];
    struct measures m;
    size_t n;

    for (size_t i = 0; i < COUNT_OF(items); i++)
        items[i] = (struct measured){(double)i / 1000, i % 3 == 0};
    measure(items, COUNT_OF(items), 0.5, 0.1, &m);
    n = measure_roc(items, COUNT_OF(items), p, COUNT_OF(p));
    CHECK(n > 40 && n <= COUNT_OF(p));
    CHECK(p[n - 1].false_rate == 1 && p[n - 1].recall == 1);
    for (size_t i = 1; i < n; i++)
        CHECK(p[i].false_rate >= p[i - 1].false_rate && p[i].recall >= p[i - 1].recall);
}

static void medians(void)
{
    CHECK(isnan(measure_median(NULL, 0)));
    CHECK_NEAR(measure_median((double[]){3, 1, 2}, 3), 2, 0);
    CHECK_NEAR(measure_median((double[]){4, 1, 2, 3}, 4), 2.5, 0);
}

int main(void)
{
    RUN(figures);
    RUN(the_order_does_not_matter);
    RUN(a_curve_goes_from_corner_to_corner);
    RUN(a_curve_of_many_is_thinned);
    RUN(medians);
    return test_end();
}
