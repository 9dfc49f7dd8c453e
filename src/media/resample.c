#include "media/resample_int.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"

/* The weights of rows are whole numbers with this sum: a weighted sum of bytes stays below 2^16. */
enum { ROW_SUM = 256, LANES = 4 };

/* One pixel, a lane per channel; compilers turn this into vector instructions on any machine. */
typedef float pixel __attribute__((vector_size(16)));
typedef int32_t whole __attribute__((vector_size(16)));

/* Which pixels of the source make one of the target, along one side. */
struct axis {
    int taps;
    int *first;     /* per target pixel */
    float *weights; /* taps per target pixel, their sum is the same for all */
};

/* Weights of one target pixel. Beyond the border the source goes on with its last pixel. */
static void weigh(float *weights, int first, double middle, double reach, int src)
{
    for (int x = (int)ceil(middle - reach); x <= (int)floor(middle + reach); x++) {
        int inside = x < 0 ? 0 : x >= src ? src - 1 : x;
        weights[inside - first] += (float)(1 - fabs(x - middle) / reach);
    }
}

/* Scales the weights to a sum. */
static void normalise(float *weights, int taps, float want)
{
    float sum = 0;

    for (int k = 0; k < taps; k++)
        sum += weights[k];
    for (int k = 0; k < taps; k++)
        weights[k] *= want / sum;
}

static struct axis axis_new(struct arena *a, int src, int dst, float sum)
{
    double scale = (double)src / dst, reach = fmax(scale, 1);
    int most = (int)ceil(2 * reach) + 1, taps = most < src ? most : src;
    struct axis axis = {taps, arena_array(a, (size_t)dst, sizeof *axis.first),
                        arena_array(a, (size_t)dst * (size_t)taps, sizeof *axis.weights)};

    for (int i = 0; i < dst; i++) {
        double middle = (i + 0.5) * scale - 0.5;
        int first = (int)ceil(middle - reach);

        first = first > src - taps ? src - taps : first;
        axis.first[i] = first < 0 ? 0 : first;
        weigh(&axis.weights[i * taps], axis.first[i], middle, reach, src);
        normalise(&axis.weights[i * taps], taps, sum);
    }
    return axis;
}

/* One row of the target's height and the source's width, times ROW_SUM. What rounding leaves of a weight goes
 * to the next. */
static void blend_rows(const uint8_t *src, size_t stride, const float *weights, int taps, size_t n,
                       uint16_t *restrict out)
{
    float until = 0;
    int given = 0;

    memset(out, 0, n * sizeof *out);
    for (int k = 0; k < taps; k++, src += stride) {
        int weight = (int)lrintf(until += weights[k]) - given;

        given += weight;
        for (size_t i = 0; weight && i < n; i++)
            out[i] = (uint16_t)(out[i] + src[i] * weight);
    }
}

static void widen(const uint16_t *row, size_t n, float *restrict out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (float)row[i];
}

/* Reads up to LANES - 1 numbers beyond the last pixel. */
static inline whole blend(const float *row, int channels, const float *weights, int taps)
{
    pixel sum = {0.5f, 0.5f, 0.5f, 0.5f}, p; /* rounds */

    for (int k = 0; k < taps; k++, row += channels) {
        memcpy(&p, row, sizeof p);
        sum += p * weights[k];
    }
    return __builtin_convertvector(sum, whole);
}

static inline void blend_columns(const float *row, const struct axis *columns, int width, int channels,
                                 uint8_t *restrict out)
{
    for (int x = 0; x < width; x++, out += channels) {
        whole sum = blend(row + columns->first[x] * channels, channels, &columns->weights[x * columns->taps],
                          columns->taps);
        out[0] = (uint8_t)sum[0];
        if (channels == 3) {
            out[1] = (uint8_t)sum[1];
            out[2] = (uint8_t)sum[2];
        }
    }
}

void resample(const struct picture *src, int x, int y, int w, int h, struct picture *dst)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct axis rows = axis_new(a, h, dst->height, ROW_SUM),
                columns = axis_new(a, w, dst->width, 1.0f / ROW_SUM);
    size_t channels = (size_t)src->channels, stride = (size_t)src->width * channels, n = (size_t)w * channels;
    uint16_t *row = arena_array(a, n, sizeof *row);
    float *wide = arena_array(a, n + LANES, sizeof *wide);
    const uint8_t *corner = src->pixels + (size_t)y * stride + (size_t)x * channels;
    uint8_t *out = dst->pixels;

    for (int i = 0; i < dst->height; i++, out += (size_t)dst->width * channels) {
        blend_rows(corner + (size_t)rows.first[i] * stride, stride, &rows.weights[i * rows.taps], rows.taps,
                   n, row);
        widen(row, n, wide);
        if (channels == 3)
            blend_columns(wide, &columns, dst->width, 3, out);
        else
            blend_columns(wide, &columns, dst->width, 1, out);
    }
}
