/* Windows of recordings: how many and where, axes by name, labels of windows, another frequency. */
#include "analysis/windows.h"

#include <math.h>

#include "base/cleanup.h"

#include "test.h"

static struct impulse gestures(double window_ms, double step_ms, double frequency, bool pad)
{
    return (struct impulse){.input = INPUT_SERIES,
                            .window_ms = window_ms,
                            .step_ms = step_ms,
                            .frequency = frequency,
                            .pad = pad};
}

static void counts(void)
{
    static const struct {
        const char *what;
        double window_ms, step_ms, frequency;
        bool pad;
        size_t readings;
        double recorded;
        size_t window, step, count;
    } rows[] = {
        {"real recordings", 2000, 200, 62.5, false, 622, 62.5, 125, 12, 42},
        {"one more changes nothing", 2000, 200, 62.5, false, 621, 62.5, 125, 12, 42},
        {"exactly one", 2000, 200, 62.5, false, 125, 62.5, 125, 12, 1},
        {"one too few", 2000, 200, 62.5, false, 124, 62.5, 125, 12, 0},
        {"filled up", 2000, 200, 62.5, true, 124, 62.5, 125, 12, 1},
        {"nothing to fill up", 2000, 200, 62.5, true, 0, 62.5, 125, 12, 0},
        {"no filling of the last", 2000, 200, 62.5, true, 130, 62.5, 125, 12, 1},
        {"sound", 1000, 500, 16000, false, 16000, 16000, 16000, 8000, 1},
        {"the window is rounded", 2996, 10, 62.5, false, 187, 62.5, 187, 1, 1},
        {"a whole step stays whole", 1000, 80, 1000.0 / 16, false, 100, 62.5, 63, 5, 8},
        {"a step below one reading", 100, 1, 100, false, 20, 100, 10, 1, 11},
        {"no time known", 100, 50, 100, false, 20, 0, 10, 5, 3},
        {"twice as fast", 2000, 200, 62.5, false, 1244, 125, 125, 12, 42},
        {"a hair off is the same", 2000, 200, 62.5, false, 622, 62.5001, 125, 12, 42},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct impulse p = gestures(rows[i].window_ms, rows[i].step_ms, rows[i].frequency, rows[i].pad);
        struct windows w;
        CHECK_INT(windows_of(&p, rows[i].readings, rows[i].recorded, &w, NULL), 0);
        CHECK_INT(w.window, rows[i].window);
        CHECK_INT(w.step, rows[i].step);
        CHECK_INT(w.count, rows[i].count);
        CHECK_INT(w.resampled, rows[i].recorded > 100 && rows[i].recorded < 130);
        ROW("%s", rows[i].what);
    }
}

static void too_far_apart(void)
{
    struct impulse p = gestures(2000, 200, 1, false);
    struct err err = {0};
    struct windows w;

    CHECK(windows_of(&p, 100, 44100, &w, &err) < 0);
    CHECK_INT(err.kind, ERR_INPUT);
    CHECK(windows_of(&p, 100, (double)NAN, &w, &err) == 0); /* not above 0: no time known */
}

static void axes_by_name(void)
{
    static const char *const coffee[] = {"accZ", "accY", "accX"}, *const order[] = {"accX", "accZ"},
                             *const more[] = {"accX", "gyrX"};
    const struct sensor_part part = {.naxes = 3, .axes = coffee};
    size_t at[SENSOR_AXES], n;
    struct err err = {0};

    CHECK_INT(windows_axes(&part, 2, order, at, &n, &err), 0);
    CHECK_INT(n, 2);
    CHECK_INT(at[0], 2);
    CHECK_INT(at[1], 0);
    CHECK_INT(windows_axes(&part, 0, NULL, at, &n, &err), 0);
    CHECK_INT(n, 3);
    CHECK_INT(at[2], 2);
    CHECK(windows_axes(&part, 2, more, at, &n, &err) < 0);
    CHECK_STR(err.text, "the recording has no axis \"gyrX\"; it has accZ, accY, accX");
}

/* ---- expected labels ---- */

static char *told(struct arena *a, const struct sensor_part *part, const struct windows *w)
{
    size_t n;
    const struct sensor_stretch *runs = windows_expected(a, part, w, &n);
    char *text = arena_strdup(a, "");

    for (size_t i = 0; i < n; i++)
        text = arena_printf(a, "%s%s%lld-%lld %s", text, i ? ", " : "", (long long)runs[i].first,
                            (long long)runs[i].last, runs[i].label);
    return text;
}

/* Windows of 10 readings, one every 5: last readings 9, 14, 19, ... */
static void labels_of_windows(void)
{
    static const struct {
        const char *what, *label;
        struct sensor_stretch stretches[4];
        const char *expected;
    } rows[] = {
        {"no label", NULL, {{0, 0, NULL}}, ""},
        {"one for all", "idle", {{0, 0, NULL}}, "0-8 idle"},
        {"the end decides", NULL, {{0, 13, "a"}, {14, 99, "b"}}, "0-0 a, 1-8 b"},
        {"too short to be seen", NULL, {{0, 14, "a"}, {15, 18, "b"}, {19, 99, "c"}}, "0-1 a, 2-8 c"},
        {"a gap", NULL, {{0, 9, "a"}, {20, 99, "a"}}, "0-0 a, 3-8 a"},
        {"the same label goes on", NULL, {{0, 16, "a"}, {17, 99, "a"}}, "0-8 a"},
        {"in any order", NULL, {{14, 99, "b"}, {0, 13, "a"}}, "0-0 a, 1-8 b"},
        {"beyond the end", NULL, {{49, 4000, "z"}}, "8-8 z"},
        {"labels go before the label", "x", {{0, 9, "a"}}, "0-0 a"},
    };
    struct impulse p = gestures(100, 50, 100, false);

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct sensor_part part = {.label = rows[i].label, .stretches = rows[i].stretches};
        struct windows w;
        while (part.nstretches < 4 && rows[i].stretches[part.nstretches].label)
            part.nstretches++;
        CHECK_INT(windows_of(&p, 50, 100, &w, NULL), 0);
        CHECK_STR(told(a, &part, &w), rows[i].expected);
        ROW("%s", rows[i].what);
    }
}

/* Labels are in readings as recorded, windows in readings as resampled. */
static void labels_at_another_frequency(void)
{
    static const struct sensor_stretch stretches[] = {{0, 27, "a"}, {28, 99, "b"}};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct impulse p = gestures(100, 50, 100, true);
    const struct sensor_part part = {.nstretches = 2, .stretches = stretches};
    struct windows w;

    CHECK_INT(windows_of(&p, 100, 200, &w, NULL), 0);
    CHECK_INT(w.count, 9);
    CHECK_STR(told(a, &part, &w), "0-0 a, 1-8 b");
    CHECK_INT(windows_of(&p, 7, 100, &w, NULL), 0);
    CHECK(w.padded);
    CHECK_STR(told(a, &part, &w), "0-0 a");
}

/* ---- another frequency ---- */

/* scipy.signal.resample_poly on the same numbers. */
static const double five_eighths[] = {-10.0077909, -8.34993782, -9.45838699, -12.0698859,  9.38788435,
                                      -6.69343836, -4.53030993, 1.52668925,  2.30267193,   -2.07815313,
                                      -2.78124349, 15.1624276,  -5.1207241,  -0.249628588, 1.49077413,
                                      2.11891312,  -6.75641408, -3.69442477, 7.71314908,   -13.1090036,
                                      -9.31095566, -7.14865717, -14.7201565, 3.10721627,   2.2751046};
static const double quarter[] = {-7.31177685, -7.75170569, -0.668297856, -1.52686785, 2.74677649,
                                 1.81464762,  -1.89141519, -0.987073248, -10.197039,  -4.92307322};
static const double to_16k[] = {-5.82761607, -12.6069149, -0.806389117, -3.4863804,  0.381909528,
                                -1.36839751, 4.50071279,  1.13219053,   0.498241039, -2.21454969,
                                -1.27314445, -4.38643738, -12.859055,   -4.54886979, 1.21356436};
static const double three_halves_begin[] = {-15.0090926, -7.931249, -5.9481399, -12.0072741, -7.87281224};

static void as_the_reference_does(void)
{
    static const struct {
        double from, to;
        int up, down;
        size_t n;
        const double *want;
        size_t known;
    } rows[] = {
        {100, 62.5, 5, 8, 25, five_eighths, COUNT_OF(five_eighths)},
        {1000, 250, 1, 4, 10, quarter, COUNT_OF(quarter)},
        {44100, 16000, 160, 441, 15, to_16k, COUNT_OF(to_16k)},
        {20, 30, 3, 2, 60, three_halves_begin, COUNT_OF(three_halves_begin)},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct resample r;
        float in[2 * 40], *out; /* the second axis is the first, upside down */
        size_t n;
        for (int k = 0; k < 40; k++) {
            in[2 * k] = (float)((k * k * 7 + k * 3) % 31 - 15);
            in[2 * k + 1] = -in[2 * k];
        }
        CHECK_INT(resample_ratio(rows[i].from, rows[i].to, &r, NULL), 0);
        CHECK_INT(r.up, rows[i].up);
        CHECK_INT(r.down, rows[i].down);
        CHECK_INT(resample_series(a, in, 40, 2, &r, 0, &out, &n, NULL), 0);
        CHECK_INT(n, rows[i].n);
        for (size_t k = 0; k < rows[i].known; k++) {
            CHECK_NEAR((double)out[2 * k], rows[i].want[k], 2e-6);
            CHECK_NEAR((double)out[2 * k + 1], -rows[i].want[k], 2e-6);
        }
        ROW("%g Hz to %g Hz", rows[i].from, rows[i].to);
    }
}

static void ratios_are_near(void)
{
    uint32_t seed = 7;

    for (int i = 0; i < 20000; i++) {
        struct resample r;
        double from, to;
        seed = seed * 1664525 + 1013904223;
        from = 1 + (double)(seed >> 12) / 1000;
        seed = seed * 1664525 + 1013904223;
        to = from * exp2(((double)(seed >> 8) / (1 << 24) - 0.5) * 12);
        CHECK_INT(resample_ratio(from, to, &r, NULL), 0);
        CHECK(r.up >= 1 && r.up <= RESAMPLE_MAX_FACTOR && r.down >= 1 && r.down <= RESAMPLE_MAX_FACTOR);
        CHECK_NEAR((double)r.up / r.down / (to / from), 1, 0.02 / fmin(fmin(r.up, r.down), 100));
        ROW("%.17g to %.17g: %d/%d", from, to, r.up, r.down);
    }
}

static void ratio_limits(void)
{
    struct resample r;

    CHECK_INT(resample_ratio(2000, 1, &r, NULL), 0);
    CHECK_INT(r.down, 2000);
    CHECK_INT(resample_ratio(1, 2000, &r, NULL), 0);
    CHECK_INT(r.up, 2000);
    CHECK_INT(resample_ratio(1999.9999999, 1, &r, NULL), 0);
    CHECK(resample_ratio(2001, 1, &r, NULL) < 0);
    CHECK(resample_ratio(0, 1, &r, NULL) < 0);
    CHECK(resample_ratio(1, (double)INFINITY, &r, NULL) < 0);
}

static void too_much_of_it(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const struct resample r = {2000, 1};
    struct err err = {0};
    float in[1] = {1}, *out;
    size_t n;

    CHECK(resample_series(a, in, 10000, 1, &r, 0, &out, &n, &err) < 0);
    CHECK_INT(err.kind, ERR_LIMIT);
    CHECK(resample_series(a, in, 1, 1, &r, 1, &out, &n, &err) < 0);
    CHECK_INT(err.kind, ERR_TIMEOUT);
}

int main(void)
{
    RUN(counts);
    RUN(too_far_apart);
    RUN(axes_by_name);
    RUN(labels_of_windows);
    RUN(labels_at_another_frequency);
    RUN(as_the_reference_does);
    RUN(ratios_are_near);
    RUN(ratio_limits);
    RUN(too_much_of_it);
    return test_end();
}
