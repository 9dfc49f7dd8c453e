#include "infer/spectrum.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = SPECTRUM_SIDE, AREA = N * N, HALF = N / 2, BINS = 17, BIN_WIDTH = 4, BLOCK = 16, GRID = 8 };

/* Power of noise of a tenth of a grey level under the window: silence is not minus infinity. */
static const double power_floor = 23.0;

struct spectrum {
    double window[N], cosine[HALF], sine[HALF];
    uint8_t bin[AREA];
    int bin_count[BINS];
    double radius[AREA];
    /* of the patch */
    double channel[3][AREA];                            /* blue, green, red */
    double luma[AREA], residual[AREA], colour[3][AREA]; /* colour: the residual of each channel */
    double re[AREA], im[AREA], power[AREA], radial[BINS];
};

/* Of a frequency counted from either end. */
static int folded(int k)
{
    return k < N - k ? k : N - k;
}

static void make_bins(struct spectrum *s)
{
    for (int y = 0; y < N; y++)
        for (int x = 0; x < N; x++) {
            double radius = hypot(folded(x), folded(y));
            int bin = (int)(radius / BIN_WIDTH);

            s->radius[y * N + x] = radius;
            s->bin[y * N + x] = (uint8_t)(bin < BINS ? bin : BINS - 1);
            s->bin_count[s->bin[y * N + x]]++;
        }
}

struct spectrum *spectrum_new(struct arena *a)
{
    struct spectrum *s = arena_alloc(a, sizeof *s);

    for (int i = 0; i < N; i++)
        s->window[i] = pow(sin(M_PI * (i + 0.5) / N), 2);
    for (int i = 0; i < HALF; i++) {
        s->cosine[i] = cos(2 * M_PI * i / N);
        s->sine[i] = -sin(2 * M_PI * i / N);
    }
    make_bins(s);
    return s;
}

/* ---- planes ---- */

static void read_patch(struct spectrum *s, const struct picture *bgr, int x, int y)
{
    for (int row = 0; row < N; row++) {
        const uint8_t *from = bgr->pixels + ((size_t)(y + row) * (size_t)bgr->width + (size_t)x) * 3;

        for (int i = row * N; i < (row + 1) * N; i++, from += 3) {
            for (int c = 0; c < 3; c++)
                s->channel[c][i] = from[c];
            s->luma[i] = (29 * from[0] + 150 * from[1] + 77 * from[2]) / 256.0;
        }
    }
}

/* What a pixel has over the mean of its four neighbours; the edge repeats. */
static void take_residual(const double *from, double *to)
{
    for (int y = 0; y < N; y++) {
        const double *row = from + y * N, *up = y > 0 ? row - N : row, *down = y < N - 1 ? row + N : row;

        for (int x = 0; x < N; x++)
            to[y * N + x] =
                row[x] - (up[x] + down[x] + row[x > 0 ? x - 1 : x] + row[x < N - 1 ? x + 1 : x]) / 4;
    }
}

/* ---- the transform ---- */

static void swap(double *x, double *y)
{
    double t = *x;

    *x = *y;
    *y = t;
}

/* Puts the value at i to where the bits of i, read backwards, say. */
static void reverse_bits(double *re, double *im, int stride)
{
    for (int i = 1, j = 0; i < N; i++) {
        int bit = N >> 1;

        for (; j & bit; bit >>= 1)
            j ^= bit;
        j ^= bit;
        if (i < j) {
            swap(&re[i * stride], &re[j * stride]);
            swap(&im[i * stride], &im[j * stride]);
        }
    }
}

/* Cooley and Tukey's transform of N values that lie `stride` apart. */
static void fft(const struct spectrum *s, double *re, double *im, int stride)
{
    reverse_bits(re, im, stride);
    for (int half = 1; half < N; half *= 2)
        for (int i = 0; i < N; i++) {
            int turn = (i & (half - 1)) * (HALF / half), a = i * stride, b = (i + half) * stride;
            double x, y;

            if (i & half)
                continue;
            x = re[b] * s->cosine[turn] - im[b] * s->sine[turn];
            y = re[b] * s->sine[turn] + im[b] * s->cosine[turn];
            re[b] = re[a] - x;
            im[b] = im[a] - y;
            re[a] += x;
            im[a] += y;
        }
}

/* The logarithm of the residual's power at each frequency, and its mean in each ring. */
static void transform(struct spectrum *s)
{
    for (int i = 0; i < AREA; i++) {
        s->re[i] = s->residual[i] * s->window[i / N] * s->window[i % N];
        s->im[i] = 0;
    }
    for (int i = 0; i < N; i++)
        fft(s, s->re + i * N, s->im + i * N, 1);
    for (int i = 0; i < N; i++)
        fft(s, s->re + i, s->im + i, N);
    memset(s->radial, 0, sizeof s->radial);
    for (int i = 0; i < AREA; i++) {
        s->power[i] = log(s->re[i] * s->re[i] + s->im[i] * s->im[i] + power_floor);
        s->radial[s->bin[i]] += s->power[i];
    }
    for (int b = 0; b < BINS; b++)
        s->radial[b] /= s->bin_count[b];
}

/* ---- features of the spectrum: each function returns where the next number goes ---- */

static double *put_radial(const struct spectrum *s, double *ret)
{
    double mean = 0;

    for (int b = 0; b < BINS; b++)
        mean += s->radial[b] / BINS;
    for (int b = 0; b < BINS; b++)
        *ret++ = s->radial[b] - mean;
    return ret;
}

/* How much the line of one frequency stands above its surroundings, over the frequencies of the other
 * direction; along: 1 for frequencies in x, N for those in y. */
static double line_over(const struct spectrum *s, int f, int along)
{
    enum { FROM = 4, TO = 60, BESIDE = 3 };
    int across = along == 1 ? N : 1;
    double sum = 0;

    for (int k = FROM; k <= TO; k++) {
        const double *row = s->power + k * across;
        double below = row[(f - BESIDE) * along];
        double beside = f == HALF ? below : (below + row[(f + BESIDE) * along]) / 2;

        sum += row[f * along] - beside;
    }
    return sum / (TO - FROM + 1);
}

static double *put_lines(const struct spectrum *s, double *ret)
{
    static const int at[] = {N / 2, N / 4, N / 8, 3 * N / 8};

    for (size_t i = 0; i < sizeof at / sizeof *at; i++)
        *ret++ = (line_over(s, at[i], 1) + line_over(s, at[i], N)) / 2;
    return ret;
}

static double point_over(const struct spectrum *s, int y, int x)
{
    enum { REACH = 3, SIDE = 2 * REACH + 1 };
    double sum = 0;

    for (int dy = -REACH; dy <= REACH; dy++)
        for (int dx = -REACH; dx <= REACH; dx++)
            sum += s->power[(y + dy + N) % N * N + (x + dx + N) % N];
    return s->power[y * N + x] - sum / (SIDE * SIDE);
}

static double *put_points(const struct spectrum *s, double *ret)
{
    *ret++ = point_over(s, N / 4, N / 4);
    *ret++ = point_over(s, N / 2, N / 2);
    *ret++ = (point_over(s, N / 4, N / 2) + point_over(s, N / 2, N / 4)) / 2;
    return ret;
}

/* How far single frequencies leave their ring: noise of a sensor leaves it little, patterns much. */
static double *put_outliers(const struct spectrum *s, double *ret)
{
    double most = -INFINITY, square[2] = {0, 0};
    int n[2] = {0, 0};

    for (int i = 0; i < AREA; i++) {
        double over = s->power[i] - s->radial[s->bin[i]];
        int ring = s->radius[i] >= 32;

        if (s->radius[i] < 8 || s->radius[i] >= 64)
            continue;
        most = fmax(most, over);
        square[ring] += over * over;
        n[ring]++;
    }
    *ret++ = most;
    *ret++ = sqrt(square[0] / n[0]);
    *ret++ = sqrt(square[1] / n[1]);
    return ret;
}

/* Fine detail along the diagonals against that along the axes. */
static double *put_directions(const struct spectrum *s, double *ret)
{
    enum { NEAR = 8 };
    double diagonal = 0, axis = 0;
    int ndiagonal = 0, naxis = 0;

    for (int i = 0; i < AREA; i++) {
        int y = folded(i / N), x = folded(i % N);

        if (s->radius[i] < 40 || s->radius[i] >= 64)
            continue;
        if (abs(y - x) <= NEAR) {
            diagonal += s->power[i];
            ndiagonal++;
        }
        if ((y < x ? y : x) <= NEAR) {
            axis += s->power[i];
            naxis++;
        }
    }
    *ret++ = diagonal / ndiagonal - axis / naxis;
    return ret;
}

/* ---- features of neighbours and channels ---- */

static double log_ratio(double a, double b, double eps)
{
    return log((a + eps) / (b + eps));
}

/* Correlation of x with y as it lies dx, dy further, where both exist. */
static double correlation(const double *x, const double *y, int dx, int dy)
{
    int w = N - dx, h = N - dy;
    double n = (double)w * h, sx = 0, sy = 0, xy = 0, xx = 0, yy = 0;

    for (int r = 0; r < h; r++)
        for (int c = 0; c < w; c++) {
            sx += x[r * N + c];
            sy += y[(r + dy) * N + c + dx];
        }
    for (int r = 0; r < h; r++)
        for (int c = 0; c < w; c++) {
            double a = x[r * N + c] - sx / n, b = y[(r + dy) * N + c + dx] - sy / n;

            xy += a * b;
            xx += a * a;
            yy += b * b;
        }
    return xy / n / (sqrt(xx / n * (yy / n)) + 0.01);
}

static double *put_neighbours(const struct spectrum *s, double *ret)
{
    const double *r = s->residual;

    *ret++ = (correlation(r, r, 1, 0) + correlation(r, r, 0, 1)) / 2;
    *ret++ = correlation(r, r, 1, 1);
    *ret++ = (correlation(r, r, 2, 0) + correlation(r, r, 0, 2)) / 2;
    return ret;
}

/* Sums of |v|, v^2, v^4 as means. */
static void moments(const double *v, double *ret_abs, double *ret_m2, double *ret_m4)
{
    double a = 0, m2 = 0, m4 = 0;

    for (int i = 0; i < AREA; i++) {
        double square = v[i] * v[i];

        a += fabs(v[i]);
        m2 += square;
        m4 += square * square;
    }
    *ret_abs = a / AREA;
    *ret_m2 = m2 / AREA;
    *ret_m4 = m4 / AREA;
}

static double *put_shape(const struct spectrum *s, double *ret)
{
    double a, m2, m4;

    moments(s->residual, &a, &m2, &m4);
    *ret++ = log((m4 + 0.01) / (m2 * m2 + 0.01));
    *ret++ = log_ratio(a, sqrt(m2), 0.05);
    return ret;
}

/* Mean step from each column to the next, or from each row: N - 1 of them. */
static void steps(const double *v, int along, double ret[N - 1])
{
    int across = along == 1 ? N : 1;

    for (int i = 0; i < N - 1; i++) {
        double sum = 0;

        for (int k = 0; k < N; k++)
            sum += fabs(v[(i + 1) * along + k * across] - v[i * along + k * across]);
        ret[i] = sum / N;
    }
}

/* Mean of every `every`th step from `first` on. */
static double mean_step(const double *d, int first, int every)
{
    double sum = 0;
    int n = 0;

    for (int i = first; i < N - 1; i += every, n++)
        sum += d[i];
    return sum / n;
}

/* Doubling leaves odd and even steps unlike, a grid of blocks one step in eight. */
static double *put_periods(const double *dx, const double *dy, double *ret)
{
    const double *all[] = {dx, dy};
    double pair = 0, grid = 0;

    for (int i = 0; i < 2; i++) {
        double most = -INFINITY;

        pair += fabs(log_ratio(mean_step(all[i], 0, 2), mean_step(all[i], 1, 2), 0.01)) / 2;
        for (int k = 0; k < GRID; k++)
            most = fmax(most, log_ratio(mean_step(all[i], k, GRID), mean_step(all[i], 0, 1), 0.01));
        grid += most / 2;
    }
    *ret++ = pair;
    *ret++ = grid;
    return ret;
}

/* What pixels have over the left top one of their 2x2 block, against the mean step. */
static double *put_blocks_of_four(const struct spectrum *s, const double *dx, const double *dy, double *ret)
{
    double sum = 0;

    for (int y = 0; y < N; y++)
        for (int x = 0; x < N; x++)
            sum += fabs(s->luma[y * N + x] - s->luma[(y & ~1) * N + (x & ~1)]);
    *ret++ = log_ratio(sum / AREA, (mean_step(dx, 0, 1) + mean_step(dy, 0, 1)) / 2, 0.05);
    return ret;
}

static double *put_steps(const struct spectrum *s, double *ret)
{
    double dx[N - 1], dy[N - 1];

    steps(s->luma, 1, dx);
    steps(s->luma, N, dy);
    ret = put_periods(dx, dy, ret);
    return put_blocks_of_four(s, dx, dy, ret);
}

/* Means of |x - y| and (x - y)^2. */
static void distance(const double *x, const double *y, double *ret_abs, double *ret_square)
{
    double a = 0, square = 0;

    for (int i = 0; i < AREA; i++) {
        a += fabs(x[i] - y[i]);
        square += (x[i] - y[i]) * (x[i] - y[i]);
    }
    *ret_abs = a / AREA;
    *ret_square = square / AREA;
}

/* A camera's colours come from one mosaic, so their residuals go together. */
static double *put_colours(const struct spectrum *s, double *ret)
{
    const double *b = s->colour[0], *g = s->colour[1], *r = s->colour[2];
    double luma, m2, m4, green, green2, red_green, red_green2, blue_green, blue_green2;

    moments(s->residual, &luma, &m2, &m4);
    moments(g, &green, &green2, &m4);
    distance(r, g, &red_green, &red_green2);
    distance(b, g, &blue_green, &blue_green2);
    *ret++ = correlation(r, g, 0, 0);
    *ret++ = correlation(g, b, 0, 0);
    *ret++ = correlation(r, b, 0, 0);
    *ret++ = log_ratio(red_green2, green2, 0.05);
    *ret++ = log_ratio(red_green, luma, 0.05);
    *ret++ = log_ratio(blue_green, luma, 0.05);
    return ret;
}

static int by_value(const void *x, const void *y)
{
    const double *a = x, *b = y;

    return *a < *b ? -1 : *a > *b;
}

/* Noise of a sensor is everywhere; a generator's smooth places are smooth. */
static double *put_evenness(const struct spectrum *s, double *ret)
{
    enum { ACROSS = N / BLOCK, BLOCKS = ACROSS * ACROSS, TENTH = 6, MIDDLE = BLOCKS / 2 };
    double square[BLOCKS] = {0};

    for (int i = 0; i < AREA; i++)
        square[i / N / BLOCK * ACROSS + i % N / BLOCK] += s->residual[i] * s->residual[i];
    for (int i = 0; i < BLOCKS; i++)
        square[i] = sqrt(square[i] / (BLOCK * BLOCK));
    qsort(square, BLOCKS, sizeof *square, by_value);
    *ret++ = log_ratio(square[TENTH], square[MIDDLE], 0.05);
    *ret++ = log(square[MIDDLE] + 0.1);
    return ret;
}

/* ---- all together ---- */

void spectrum_features(struct spectrum *s, const struct picture *bgr, int x, int y,
                       double ret[SPECTRUM_FEATURES])
{
    read_patch(s, bgr, x, y);
    take_residual(s->luma, s->residual);
    for (int c = 0; c < 3; c++)
        take_residual(s->channel[c], s->colour[c]);
    transform(s);
    ret = put_radial(s, ret);
    ret = put_lines(s, ret);
    ret = put_points(s, ret);
    ret = put_outliers(s, ret);
    ret = put_directions(s, ret);
    ret = put_neighbours(s, ret);
    ret = put_shape(s, ret);
    ret = put_steps(s, ret);
    ret = put_colours(s, ret);
    put_evenness(s, ret);
}

double spectrum_logit(const double *features, const double *mean, const double *deviation,
                      const double *weights)
{
    static const double limit = 4; /* deviations */
    double sum = weights[SPECTRUM_WEIGHTS - 1];

    for (int i = 0; i < SPECTRUM_FEATURES; i++) {
        double z = fmin(fmax((features[i] - mean[i]) / deviation[i], -limit), limit);

        sum += weights[i] * z + weights[SPECTRUM_FEATURES + i] * z * z;
    }
    return sum;
}
