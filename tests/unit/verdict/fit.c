#include "verdict/fit.h"

#include <math.h>
#include <string.h>

#include "base/c23.h"
#include "test.h"

enum { MAX = 10 };

static const struct {
    const char *what, *truth; /* + an alarm, - harmless */
    double scores[MAX];
    double false_rate, miss_rate;
    size_t least;
    enum fit_result result;
    double low, high;
} rows[] = {
    {"apart", "--++", {.1, .2, .8, .9}, 0, 0, 2, FIT_FINE, .5, .5},
    {"mixed", "-+-+", {.1, .4, .6, .9}, 0, 0, 2, FIT_FINE, .25, .75},
    {"half of the harmless may be false", "-+-+", {.1, .4, .6, .9}, .5, 0, 2, FIT_FINE, .25, .25},
    {"half of the alarms may be missed", "-+-+", {.1, .4, .6, .9}, 0, .5, 2, FIT_FINE, .75, .75},
    {"an alarm without any score", "+-+-", {0, .1, .9, .2}, 0, 0, 2, FIT_FINE, 0, .55},
    {"equal scores", "+-", {.5, .5}, 0, 0, 1, FIT_FINE, .25, .75},
    {"rounded away from the cases", "-+", {.333, .444}, 0, 0, 1, FIT_FINE, .38, .39},
    {"too near for hundredths", "-+", {.5001, .5003}, 0, 0, 1, FIT_FINE, .5002, .5002},
    {"a harmless one at the top", "+-", {.5, 1}, 0, 0, 1, FIT_IMPOSSIBLE, 0, 0},
    {"few alarms", "--+", {.1, .2, .9}, 0, 0, 2, FIT_FEW, 0, 0},
    {"few harmless ones", "-++", {.1, .2, .9}, 0, 0, 2, FIT_FEW, 0, 0},
    {"nothing", "", {0}, 0, 0, 0, FIT_FEW, 0, 0},
};

static size_t fill(size_t row, struct fit_case *cases, bool backwards)
{
    size_t n = strlen(rows[row].truth);

    for (size_t i = 0; i < n; i++)
        cases[backwards ? n - 1 - i : i] = (struct fit_case){rows[row].scores[i], rows[row].truth[i] == '+'};
    return n;
}

static void thresholds(void)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        for (int backwards = 0; backwards < 2; backwards++) {
            struct fit_opts opts = {rows[i].false_rate, rows[i].miss_rate, rows[i].least};
            struct fit_case cases[MAX];
            size_t n = fill(i, cases, backwards);
            double low = 0, high = 0;
            struct fit_count c;

            CHECK_INT(fit_thresholds(cases, n, &opts, &low, &high), rows[i].result);
            CHECK_NEAR(low, rows[i].low, 1e-9);
            CHECK_NEAR(high, rows[i].high, 1e-9);
            c = fit_count(cases, n, low, high);
            if (rows[i].result == FIT_FINE) { /* what is promised holds */
                CHECK((double)c.missed <= rows[i].miss_rate * (double)c.alarms);
                CHECK((double)c.false_intrusions <= rows[i].false_rate * (double)c.harmless);
                CHECK(low <= high && low >= 0 && high <= 1);
            }
            ROW("%s", rows[i].what);
        }
}

static void counts(void)
{
    static const struct fit_case cases[] = {{.1, true},  {.3, true},  {.9, true},
                                            {.2, false}, {.5, false}, {.8, false}};
    struct fit_count c = fit_count(cases, COUNT_OF(cases), .2, .8);

    CHECK_INT(c.alarms, 3);
    CHECK_INT(c.harmless, 3);
    CHECK_INT(c.missed, 1);
    CHECK_INT(c.found, 1);
    CHECK_INT(c.false_dangers, 3);
    CHECK_INT(c.false_intrusions, 1);
}

int main(void)
{
    RUN(thresholds);
    RUN(counts);
    return test_end();
}
