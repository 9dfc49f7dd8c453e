#include "analysis/resample.h"

#include <math.h>

#include "base/cleanup.h"
#include "base/clock.h"

/* The best fraction by its continued one: each convergent is nearer than any other with factors as small. */
int resample_ratio(double from, double to, struct resample *ret, struct err *err)
{
    double want = to / from, rest = want;
    int64_t p[2] = {0, 1}, q[2] = {1, 0}; /* of the convergents before */

    if (!(from > 0 && to > 0 && want <= RESAMPLE_MAX_FACTOR && want >= 1.0 / RESAMPLE_MAX_FACTOR))
        return FAIL(err, ERR_INPUT,
                    "a recording of %g Hz cannot become one of %g Hz: they are more than a factor of %d "
                    "apart",
                    from, to, RESAMPLE_MAX_FACTOR);
    for (int i = 0; i < 40; i++) {
        int64_t whole = (int64_t)floor(rest), pn = whole * p[1] + p[0], qn = whole * q[1] + q[0];
        if (pn > RESAMPLE_MAX_FACTOR || qn > RESAMPLE_MAX_FACTOR)
            break;
        p[0] = p[1], p[1] = pn;
        q[0] = q[1], q[1] = qn;
        rest -= (double)whole;
        if (rest < 1e-7 || fabs((double)pn / (double)qn - want) < 1e-9 * want)
            break;
        rest = 1 / rest;
    }
    /* 0/1 comes of ratios below 1 whose first whole part is too long for us. */
    *ret = p[1] ? (struct resample){(int)p[1], (int)q[1]} : (struct resample){1, RESAMPLE_MAX_FACTOR};
    return 0;
}

int resample_count(size_t readings, const struct resample *r, size_t *ret, struct err *err)
{
    size_t n;

    if (ckd_mul(&n, readings, (size_t)r->up) || ckd_add(&n, n, (size_t)r->down - 1) ||
        n / (size_t)r->down > RESAMPLE_MAX_NUMBERS)
        return FAIL(err, ERR_LIMIT, "resampled, the recording would have more than %d readings",
                    RESAMPLE_MAX_NUMBERS);
    *ret = n / (size_t)r->down;
    return 0;
}

/* ---- the filter ---- */

static double bessel_i0(double x)
{
    double sum = 1, term = 1;

    for (int k = 1; k < 100 && term > 1e-17 * sum; k++) {
        term *= (x / (2 * k)) * (x / (2 * k));
        sum += term;
    }
    return sum;
}

static double sinc(double x)
{
    return fabs(x) > 0 ? sin(M_PI * x) / (M_PI * x) : 1;
}

/* 2 * half + 1 taps, their sum is `up`: of each `up` inputs all but one are the zeros in between. */
static double *make_taps(struct arena *a, const struct resample *r, size_t half)
{
    double cutoff = 1.0 / (r->up > r->down ? r->up : r->down), sum = 0;
    double *taps = arena_try(a, (2 * half + 1) * sizeof *taps);

    for (size_t i = 0; taps && i <= 2 * half; i++) {
        double m = (double)i - (double)half, at = m / (double)half;
        taps[i] = cutoff * sinc(cutoff * m) * bessel_i0(5 * sqrt(fmax(0, 1 - at * at))) / bessel_i0(5);
        sum += taps[i];
    }
    for (size_t i = 0; taps && i <= 2 * half; i++)
        taps[i] *= r->up / sum;
    return taps;
}

/* ---- one reading ---- */

struct bench {
    const float *in;
    size_t readings, axes;
    const double *taps;
    int64_t half, up, down;
};

/* Input k meets tap m * down + half - k * up. */
static void make_reading(const struct bench *b, int64_t m, float *out)
{
    int64_t middle = m * b->down, first = middle - b->half, last = (middle + b->half) / b->up;

    first = first > 0 ? (first + b->up - 1) / b->up : 0;
    if (last > (int64_t)b->readings - 1)
        last = (int64_t)b->readings - 1;
    for (size_t axis = 0; axis < b->axes; axis++) {
        double sum = 0;
        for (int64_t k = first; k <= last; k++)
            sum += b->taps[middle + b->half - k * b->up] * (double)b->in[(size_t)k * b->axes + axis];
        out[axis] = (float)sum;
    }
}

int resample_series(struct arena *a, const float *in, size_t readings, size_t axes, const struct resample *r,
                    int64_t deadline_mono_us, float **ret_out, size_t *ret_readings, struct err *err)
{
    CLEANUP(arena_freep) struct arena *scratch = arena_new();
    size_t half = 10 * (size_t)(r->up > r->down ? r->up : r->down), n, numbers;
    struct bench b = {in, readings, axes, NULL, (int64_t)half, r->up, r->down};
    float *out;

    if (resample_count(readings, r, &n, err) < 0)
        return -1;
    if (ckd_mul(&numbers, n, axes) || numbers > RESAMPLE_MAX_NUMBERS)
        return FAIL(err, ERR_LIMIT, "resampled, the recording would have more than %d numbers",
                    RESAMPLE_MAX_NUMBERS);
    out = arena_try(a, numbers * sizeof *out);
    b.taps = make_taps(scratch, r, half);
    if (!out || !b.taps)
        return FAIL(err, ERR_LIMIT, "there is no memory to resample the recording");
    for (size_t m = 0; m < n; m++) {
        if (m % 1024 == 0 && deadline_mono_us && clock_mono_us() >= deadline_mono_us)
            return FAIL(err, ERR_TIMEOUT, "the deadline passed while a recording was resampled");
        make_reading(&b, (int64_t)m, out + m * axes);
    }
    *ret_out = out;
    *ret_readings = n;
    return 0;
}
