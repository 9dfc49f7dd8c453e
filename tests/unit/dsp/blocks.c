/* Blocks on made signals whose answers are known: by hand, by mathematics, or (made_against_the_reference)
 * printed by the vendor's reference for a signal that a formula makes, where no golden vector goes. */
#include <math.h>

#include "base/cleanup.h"
#include "dsp/dsp.h"
#include "dsp/fft_int.h"
#include "dsp/filter_int.h"

#include "test.h"

/* Features of one made window, for the caller's arena. */
static struct dsp_features make(struct arena *a, const struct dsp_settings *s, const float *v, size_t n,
                                size_t axes, double frequency)
{
    struct dsp_features f = {0};
    struct err err = {0};

    CHECK(dsp_features(a, s, &(struct dsp_input){v, n, axes, frequency}, &f, &err) == 0);
    CHECK_STR(err.text, "");
    return f;
}

static void check_list(const struct dsp_features *f, const double *want, size_t n, double eps)
{
    CHECK_INT(f->n, n);
    for (size_t i = 0; i < n && i < f->n; i++)
        CHECK_NEAR((double)f->values[i], want[i], eps * (1 + fabs(want[i])));
}

static void flatten_of_a_constant(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct dsp_settings s = dsp_defaults(DSP_FLATTEN);
    struct dsp_features f = make(a, &s, (const float[]){3, 3, 3, 3}, 4, 1, 0);

    check_list(&f, (const double[]){3, 3, 3, 3, 0, 0, -3}, 7, 0);
}

static void flatten_goes_axis_by_axis(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct dsp_settings s = dsp_defaults(DSP_FLATTEN);
    struct dsp_features f;

    s.flatten.scale = 2;
    s.flatten.skewness = s.flatten.kurtosis = s.flatten.rms = false;
    f = make(a, &s, (const float[]){1, -1, 2, -5, 3, 6}, 6, 2, 0);
    check_list(&f, (const double[]){4, 2, 6, sqrt(8.0 / 3), 0, -10, 12, sqrt(248.0 / 3)}, 8, 1e-6);
}

/* 0 0 0 4: mean 1, m2 3, m3 6, m4 21. */
static void flatten_moments_by_hand(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct dsp_settings s = dsp_defaults(DSP_FLATTEN);
    struct dsp_features f = make(a, &s, (const float[]){0, 0, 0, 4}, 4, 1, 0);

    check_list(&f, (const double[]){1, 0, 4, 2, sqrt(3), 6 / (3 * sqrt(3)), 21.0 / 9 - 3}, 7, 1e-6);
}

static void raw_is_scaled(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct dsp_settings s = dsp_defaults(DSP_RAW);
    struct dsp_features f;

    s.raw.scale = -0.5;
    f = make(a, &s, (const float[]){2, 4, 0, -8}, 4, 2, 0);
    check_list(&f, (const double[]){-1, -2, 0, 4}, 4, 0);
}

/* A sine of k periods has |X| = n/2 in bin k and nothing elsewhere. */
static void fft_of_a_sine(void)
{
    for (int n = 8; n <= DSP_MAX_FFT; n *= 2) {
        CLEANUP(fft_freep) struct fft *fft = fft_new(n, NULL);
        double *x = calloc((size_t)n, sizeof *x), *power = calloc((size_t)n / 2 + 1, sizeof *power);
        for (int i = 0; i < n; i++)
            x[i] = sin(2 * M_PI * 3 * i / n);
        fft_power(fft, x, (size_t)n, power);
        for (int i = 0; i <= n / 2; i++)
            CHECK_NEAR(power[i] / n / n, i == 3 ? 0.25 : 0, 1e-12);
        free(x);
        free(power);
        ROW("length %d", n);
    }
}

/* Against the sum that defines it; shorter input is padded, longer is cut. */
static void fft_of_any_length_of_input(void)
{
    static const size_t lengths[] = {1, 7, 16, 25};
    double x[25], power[9];

    for (int i = 0; i < 25; i++)
        x[i] = (i * 37) % 17 - 8;
    for (size_t row = 0; row < COUNT_OF(lengths); row++) {
        CLEANUP(fft_freep) struct fft *fft = fft_new(16, NULL);
        fft_power(fft, x, lengths[row], power);
        for (int k = 0; k <= 8; k++) {
            double re = 0, im = 0;
            for (size_t i = 0; i < lengths[row] && i < 16; i++) {
                re += x[i] * cos(2 * M_PI * k * (double)i / 16);
                im -= x[i] * sin(2 * M_PI * k * (double)i / 16);
            }
            CHECK_NEAR(power[k], re * re + im * im, 1e-9);
        }
        ROW("%zu values", lengths[row]);
    }
}

/* Gain at a frequency: what is left of a long sine. */
static double gain_at(const struct filter *f, double frequency, double sampling)
{
    enum { N = 8000 };
    static double x[N];
    double sum = 0;

    for (int i = 0; i < N; i++)
        x[i] = sin(2 * M_PI * frequency * i / sampling);
    filter_run(f, x, N);
    for (int i = N / 2; i < N; i++)
        sum += x[i] * x[i];
    return sqrt(sum / (N / 2) * 2);
}

/* |H| = 1 / sqrt(1 + (w / wc)^(2 order)) at the warped frequencies w = tan(pi f / fs). */
static void butterworth_has_half_the_power_at_the_cutoff(void)
{
    for (int order = 2; order <= 8; order += 2) {
        struct filter low, high;
        CHECK(filter_butterworth(DSP_FILTER_LOW, order, 10, 100, &low, NULL) == 0);
        CHECK(filter_butterworth(DSP_FILTER_HIGH, order, 10, 100, &high, NULL) == 0);
        CHECK_NEAR(gain_at(&low, 10, 100), sqrt(0.5), 1e-3);
        CHECK_NEAR(gain_at(&high, 10, 100), sqrt(0.5), 1e-3);
        CHECK_NEAR(gain_at(&low, 1, 100), 1, 1e-3);
        CHECK_NEAR(gain_at(&high, 40, 100), 1, 1e-3);
        CHECK_NEAR(gain_at(&low, 40, 100), 1 / hypot(1, pow(tan(M_PI * 0.4) / tan(M_PI * 0.1), order)), 1e-6);
        CHECK_NEAR(gain_at(&high, 1, 100), 1 / hypot(1, pow(tan(M_PI * 0.1) / tan(M_PI * 0.01), order)),
                   1e-6);
        ROW("order %d", order);
    }
}

/* It starts settled: a constant comes out as a constant, at the bottom of 0.05 dB. */
static void decimation_keeps_a_constant(void)
{
    static const size_t lengths[] = {1, 2, 9, 10, 11, 512};

    for (size_t row = 0; row < COUNT_OF(lengths); row++) {
        double x[512];
        size_t kept, n = lengths[row];
        for (size_t i = 0; i < n; i++)
            x[i] = 5;
        kept = filter_decimate(x, n, 10);
        CHECK_INT(kept, (n + 9) / 10);
        for (size_t i = 0; i < kept; i++)
            CHECK_NEAR(x[i], 5 * pow(10, -0.05 / 20), 1e-6);
        ROW("%zu values", n);
    }
}

/* 8 Hz at 64 Hz with 32 points: bin 4; rms of a sine sqrt(1/2); kurtosis of one -1.5; power n/4. */
static void spectrum_of_a_sine(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct dsp_settings s = dsp_defaults(DSP_SPECTRAL);
    struct dsp_features f;
    float v[64];

    for (int i = 0; i < 64; i++)
        v[i] = (float)(7 + sin(2 * M_PI * 8 * i / 64));
    s.version = 3;
    s.spectral.fft_length = 32;
    s.spectral.log = false;
    f = make(a, &s, v, 64, 1, 64);
    CHECK_INT(f.n, 3 + 16);
    CHECK_NEAR((double)f.values[0], sqrt(0.5), 1e-5);
    CHECK_NEAR((double)f.values[1], 0, 1e-5);
    CHECK_NEAR((double)f.values[2], -1.5, 1e-5);
    CHECK_NEAR((double)f.values[3 + 3], 8, 1e-4);
}

/* Nothing in, the floor of the logarithm out; no NaN from a spectrum of zeros. */
static void spectrum_of_a_constant(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct dsp_settings s = dsp_defaults(DSP_SPECTRAL);
    float v[64];
    struct dsp_features f;

    for (int i = 0; i < 64; i++)
        v[i] = 2;
    f = make(a, &s, v, 64, 1, 64);
    check_list(&f, (const double[]){0, 0, -3, 0, -3, -10, -10, -10, -10, -10, -10, -10, -10}, 13, 1e-6);
}

/* Silence is below every floor; in mfcc all coefficients but the first vanish (DCT of a constant), and the
 * first is the logarithm of the replacement for no energy. */
static void sound_of_silence(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    static const float silence[1600];
    struct dsp_settings mfe = dsp_defaults(DSP_MFE), mfcc = dsp_defaults(DSP_MFCC),
                        gram = dsp_defaults(DSP_SPECTROGRAM);
    struct dsp_features f;

    mfe.mfe.mel.filters = 20;
    f = make(a, &mfe, silence, 1600, 1, 16000);
    CHECK_INT(f.width, 9);
    CHECK_INT(f.height, 20);
    for (size_t i = 0; i < f.n; i++)
        CHECK(f.values[i] == 0);
    f = make(a, &gram, silence, 1600, 1, 16000);
    CHECK_INT(f.height, 65);
    for (size_t i = 0; i < f.n; i++)
        CHECK(f.values[i] == 0);
    mfcc.mfcc.mel.window = 0;
    f = make(a, &mfcc, silence, 1600, 1, 16000);
    for (size_t i = 0; i < f.n; i++)
        CHECK_NEAR((double)f.values[i], i % 13 == 0 ? log(1e-10) : 0, 1e-5);
}

/* The loudest tone reaches 1 and does not wrap to 0 as in one of the vendor's two implementations. */
static void the_loudest_tone_is_one(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct dsp_settings s = dsp_defaults(DSP_MFE);
    static float v[1600];
    struct dsp_features f;
    float loudest = 0;

    for (int i = 0; i < 1600; i++)
        v[i] = (float)(32767 * sin(2 * M_PI * 2000 * i / 16000));
    f = make(a, &s, v, 1600, 1, 16000);
    for (size_t i = 0; i < f.n; i++)
        loudest = f.values[i] > loudest ? f.values[i] : loudest;
    CHECK(loudest == 1);
}

static void frames_per_version(void)
{
    static const struct {
        int version;
        size_t n, frames;
    } rows[] = {{1, 16000, 49}, {2, 16000, 50}, {4, 16000, 50}, {4, 320, 1},
                {1, 640, 1},    {4, 639, 1},    {4, 640, 2}};
    static float v[16000];

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct dsp_settings s = dsp_defaults(DSP_MFCC);
        s.version = rows[i].version;
        s.mfcc.mel.low = 300;
        CHECK_INT(make(a, &s, v, rows[i].n, 1, 16000).width, rows[i].frames);
        ROW("version %d, %zu values", rows[i].version, rows[i].n);
    }
}

static void image_channels(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    static const float v[] = {1, 2, 0xff0000, 0x3300ff, 0x00ff00, 0xffffff};
    struct dsp_settings s = dsp_defaults(DSP_IMAGE);
    struct dsp_features f = make(a, &s, v, 6, 1, 0);

    check_list(&f, (const double[]){1, 0, 0, 0.2, 0, 1, 0, 1, 0, 1, 1, 1}, 12, 1e-6);
    CHECK_INT(f.frames, 2);
    CHECK_INT(f.channels, 3);
    CHECK(dsp_set(&s, "channels", "Grayscale", NULL) == 0);
    f = make(a, &s, v, 6, 1, 0);
    check_list(&f, (const double[]){0.299, 0.2 * 0.299 + 0.114, 0.587, 1}, 4, 1e-6);
}

/* Haar halves of +1 -1 +1 -1 ...: the coarse one is silent, the fine one is constant. */
static void wavelet_of_an_alternation(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct dsp_settings s = dsp_defaults(DSP_SPECTRAL);
    float v[64];
    struct dsp_features f;

    for (int i = 0; i < 64; i++)
        v[i] = i % 2 ? -1 : 1;
    CHECK(dsp_set(&s, "analysis-type", "Wavelet", NULL) == 0);
    CHECK(dsp_set(&s, "wavelet", "haar", NULL) == 0);
    f = make(a, &s, v, 64, 1, 64);
    CHECK_INT(f.n, 28);
    CHECK_NEAR((double)f.values[11], 0, 1e-6);                 /* rms of the coarse half */
    CHECK_NEAR((double)f.values[14 + 11], sqrt(2), 1e-6);      /* and of the fine one */
    CHECK_NEAR(fabs((double)f.values[14 + 7]), sqrt(2), 1e-6); /* its median */
}

/* Two axes that a formula makes; see docs/dsp.md how the numbers came about. */
static void made_signal(float v[128])
{
    for (int i = 0; i < 64; i++) {
        v[2 * i] = (float)(3 + sin(2 * M_PI * 5.3 * i / 64) + 0.5 * sin(2 * M_PI * 13.2 * i / 64 + 1) +
                           0.01 * (i * 7 % 11));
        v[2 * i + 1] = (float)(0.3 * (i * 37 % 17) - 1);
    }
}

static void made_against_the_reference(void)
{
    static const struct {
        const char *what;
        int version, fft_length, order, filter;
        double cutoff;
        const char *wavelet;
        size_t n, nwant;
        double want[24];
    } rows[] = {
        {"version 1, FFT as long as the axis",
         1,
         64,
         0,
         DSP_FILTER_NONE,
         3,
         NULL,
         24,
         24,
         {0.78811866,  5.16129032, 0.86695683, 13.4193548,     0.436585844,   0,
          0,           0,          0,          0.000302966172, 0.00109818792, 0.00385876396,
          1.4893862,   11.3548387, 1.47808468, 23.7419355,     0.571169674,   30.9677419,
          0.549246132, 0,          0,          0.000160196319, 0.00206674018, 0.0109136753}},
        {"version 1, a shorter FFT",
         1,
         32,
         0,
         DSP_FILTER_NONE,
         3,
         NULL,
         24,
         24,
         {0.78811866,  6.4,  0.725353718, 14.9333333, 0.415491432,   0,
          0,           0,    0,           0,          0.00467216,    0.00277498032,
          1.4893862,   12.8, 1.13627899,  23.4666667, 0.844272196,   4.26666667,
          0.453274965, 0,    0,           0,          0.00291741663, 0.00992571721}},
        {"version 1, a longer FFT",
         1,
         128,
         0,
         DSP_FILTER_NONE,
         3,
         NULL,
         24,
         24,
         {0.78811866,  5.58730159, 0.460842311,    13.7142857,     0.22649999,    0,
          0,           0,          0.00036231936,  0.000304483867, 0.00129076513, 0.00381403763,
          1.4893862,   11.1746032, 0.739042342,    22.8571429,     0.438891321,   30.4761905,
          0.274623096, 0,          0.000717012817, 0.000459334557, 0.00247741621, 0.0103664165}},
        {"limits the bins without filtering",
         4,
         16,
         0,
         DSP_FILTER_LOW,
         6,
         NULL,
         14,
         12,
         {0.788119, -0.097072, -0.985336, 2.1325, 3.09734, 0.638433, -0.154393, 1.48939, 0.0290761, -1.2325,
          1.66536, 1.92747}},
        {"low-pass of order 8",
         4,
         32,
         8,
         DSP_FILTER_LOW,
         2,
         NULL,
         12,
         12,
         {1.40626, -0.23055, -1.69244, 3.17741, 8.86059, 1.28015, 0.667453, -0.0509771, -1.75687, 3.14028,
          8.63535, 0.677913}},
        {"high-pass of order 2",
         4,
         16,
         2,
         DSP_FILTER_HIGH,
         1,
         NULL,
         26,
         12,
         {1.11644, 0.807044, 0.652824, 1.34225, -0.154349, 1.12486, -0.154813, -0.0146389, -0.209844,
          -0.666808, -0.833258, -0.918873}},
        {"a coiflet",
         3,
         16,
         0,
         DSP_FILTER_NONE,
         3,
         "coif1",
         56,
         12,
         {3.36327, 0.294118, 0.294118, -1.82066, -0.641468, 1.00999, 1.37361, 0.329078, 0.0679861, 1.08148,
          1.20504, 1.08362}},
    };
    float v[128];

    made_signal(v);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct dsp_settings s = dsp_defaults(DSP_SPECTRAL);
        struct dsp_features f;
        s.version = rows[i].version;
        s.spectral.fft_length = rows[i].fft_length;
        s.spectral.filter = rows[i].filter;
        s.spectral.order = rows[i].order;
        s.spectral.cutoff = rows[i].cutoff;
        CHECK(s.version > 1 || dsp_set(&s, "spectral-power-edges", "0.1, 0.5, 1.0, 2.0, 5.0, 20", NULL) == 0);
        CHECK(!rows[i].wavelet || dsp_set(&s, "wavelet", rows[i].wavelet, NULL) == 0);
        s.spectral.analysis = rows[i].wavelet ? DSP_WAVELET : DSP_FFT;
        f = make(a, &s, v, 128, 2, 64);
        CHECK_INT(f.n, rows[i].n);
        for (size_t k = 0; k < rows[i].nwant && k < f.n; k++)
            CHECK_NEAR((double)f.values[k], rows[i].want[k], 2e-5 * (1 + fabs(rows[i].want[k])));
        ROW("%s", rows[i].what);
    }
}

static void same_input_same_features(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct dsp_settings s = dsp_defaults(DSP_SPECTRAL);
    struct dsp_features one, two;
    float v[128];

    made_signal(v);
    one = make(a, &s, v, 128, 2, 64);
    two = make(a, &s, v, 128, 2, 64);
    CHECK_INT(one.n, two.n);
    CHECK(memcmp(one.values, two.values, one.n * sizeof *one.values) == 0);
}

static struct dsp_features planned(struct dsp_plan *p, struct arena *a, const float *v, size_t n, size_t axes)
{
    struct dsp_features f = {0};

    CHECK(dsp_plan_run(p, a, &(struct dsp_input){.values = v, .n = n, .axes = axes}, &f, NULL) == 0);
    return f;
}

/* The mean of the averages of as many windows as there were, at most three; then anew. */
static void moving_averages(void)
{
    static const double want[] = {1, (1 + 4) / 2.0, (1 + 4 + 10) / 3.0, (4 + 10 + 100) / 3.0, 7};
    static const float levels[] = {1, 4, 10, 100, 7};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(dsp_plan_freep) struct dsp_plan *p = NULL;
    struct dsp_settings s = dsp_defaults(DSP_FLATTEN);
    const char **labels;
    size_t n;

    CHECK_INT(dsp_set(&s, "moving_avg_num_windows", "3", NULL), 0);
    CHECK_INT(dsp_plan_new(&p, &s, 0, NULL), 0);
    for (size_t i = 0; i < COUNT_OF(levels); i++) {
        float v[] = {levels[i], -levels[i], levels[i], -levels[i]};
        struct dsp_features f;
        if (i == 4)
            dsp_plan_restart(p);
        f = planned(p, a, v, 4, 2);
        CHECK_INT(f.n, 16);
        CHECK_NEAR((double)f.values[0], (double)levels[i], 0);
        CHECK_NEAR((double)f.values[7], want[i], 1e-6);
        CHECK_NEAR((double)f.values[15], -want[i], 1e-6);
        ROW("window %zu", i);
    }
    CHECK_INT(dsp_labels(a, &s, 0, &labels, &n, NULL), 0);
    CHECK_STR(labels[n - 1], "Moving average");
}

/* Window after window with one plan gives what each gives alone. */
static void a_plan_forgets(void)
{
    static const enum dsp_kind kinds[] = {DSP_SPECTRAL, DSP_MFCC, DSP_FLATTEN, DSP_RAW};
    float v[4000];

    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        CLEANUP(dsp_plan_freep) struct dsp_plan *p = NULL;
        struct dsp_settings s = dsp_defaults(kinds[k]);
        CHECK_INT(dsp_plan_new(&p, &s, 4000, NULL), 0);
        for (int round = 0; round < 5; round++) {
            struct dsp_features alone, kept;
            for (size_t i = 0; i < 4000; i++)
                v[i] = (float)sin((double)i * (0.01 + round)) * 1000;
            alone = make(a, &s, v, 4000, 1, 4000);
            kept = planned(p, a, v, 4000, 1);
            CHECK_INT(kept.n, alone.n);
            CHECK(memcmp(kept.values, alone.values, alone.n * sizeof *alone.values) == 0);
        }
    }
}

int main(void)
{
    RUN(flatten_of_a_constant);
    RUN(flatten_goes_axis_by_axis);
    RUN(flatten_moments_by_hand);
    RUN(raw_is_scaled);
    RUN(fft_of_a_sine);
    RUN(fft_of_any_length_of_input);
    RUN(butterworth_has_half_the_power_at_the_cutoff);
    RUN(decimation_keeps_a_constant);
    RUN(spectrum_of_a_sine);
    RUN(spectrum_of_a_constant);
    RUN(sound_of_silence);
    RUN(the_loudest_tone_is_one);
    RUN(frames_per_version);
    RUN(image_channels);
    RUN(wavelet_of_an_alternation);
    RUN(made_against_the_reference);
    RUN(same_input_same_features);
    RUN(moving_averages);
    RUN(a_plan_forgets);
    return test_end();
}
