/* The table of wavelets against what defines them, and its default. */
#include <math.h>

#include "dsp/dsp.h"
#include "dsp/wavelet_int.h"

#include "test.h"

static bool orthogonal_name(const char *name)
{
    return strncmp(name, "db", 2) == 0 || strncmp(name, "sym", 3) == 0 || strncmp(name, "coif", 4) == 0 ||
           strcmp(name, "haar") == 0;
}

static double sum(const double *h, int taps)
{
    double s = 0;

    for (int i = 0; i < taps; i++)
        s += h[i];
    return s;
}

/* Of a with b moved by `by`. */
static double product(const double *a, const double *b, int taps, int by)
{
    double s = 0;

    for (int i = 0; i < taps; i++)
        if (i + by >= 0 && i + by < taps)
            s += a[i] * b[i + by];
    return s;
}

/* Every wavelet: the low-pass lets a constant pass times sqrt 2, the high-pass takes it out. */
static void constants_stay_in_the_coarse_half(void)
{
    size_t n = 0;

    for (; wavelet_names[n]; n++) {
        const struct wavelet *w = &wavelet_bank[n];
        CHECK(w->taps >= 2 && w->taps <= WAVELET_MAX_TAPS && w->taps % 2 == 0);
        CHECK_NEAR(sum(w->low, w->taps), sqrt(2), 1e-9);
        CHECK_NEAR(sum(w->high, w->taps), 0, 1e-9);
        ROW("%s", wavelet_names[n]);
    }
    CHECK_INT(n, 50);
}

static void orthogonal_ones_are(void)
{
    for (size_t n = 0; wavelet_names[n]; n++) {
        const struct wavelet *w = &wavelet_bank[n];
        if (!orthogonal_name(wavelet_names[n]))
            continue;
        for (int by = -w->taps + 2; by < w->taps; by += 2) {
            CHECK_NEAR(product(w->low, w->low, w->taps, by), by == 0, 1e-9);
            CHECK_NEAR(product(w->high, w->high, w->taps, by), by == 0, 1e-9);
            CHECK_NEAR(product(w->low, w->high, w->taps, by), 0, 1e-9);
        }
        ROW("%s", wavelet_names[n]);
    }
}

/* The other half of a biorthogonal pair: its low-pass is this high-pass with every other sign turned, and the
 * two low-passes are each other's inverse at even shifts. */
static void biorthogonal_pairs_fit(void)
{
    for (size_t n = 0; wavelet_names[n]; n++) {
        const struct wavelet *w = &wavelet_bank[n];
        double other[WAVELET_MAX_TAPS], back[WAVELET_MAX_TAPS];
        if (orthogonal_name(wavelet_names[n]))
            continue;
        for (int i = 0; i < w->taps; i++)
            other[i] = (i % 2 ? 1 : -1) * w->high[i];
        for (int i = 0; i < w->taps; i++)
            back[w->taps - 1 - i] = w->low[i];
        for (int by = -w->taps + 2; by < w->taps; by += 2)
            CHECK_NEAR(product(back, other, w->taps, by), by == 0, 1e-9);
        ROW("%s", wavelet_names[n]);
    }
}

/* dbN and symN: N vanishing moments of the high-pass. */
static void moments_vanish(void)
{
    for (size_t n = 0; wavelet_names[n]; n++) {
        const struct wavelet *w = &wavelet_bank[n];
        if (strncmp(wavelet_names[n], "db", 2) != 0 && strncmp(wavelet_names[n], "sym", 3) != 0)
            continue;
        for (int power = 0; power < w->taps / 2 && power < 6; power++) {
            double moment = 0;
            for (int i = 0; i < w->taps; i++)
                moment += w->high[i] * pow((double)i / w->taps - 0.5, power);
            CHECK_NEAR(moment, 0, 1e-8);
        }
        ROW("%s", wavelet_names[n]);
    }
}

static void the_default_is_db4(void)
{
    CHECK_STR(wavelet_names[WAVELET_DB4], "db4");
    CHECK_STR(wavelet_names[dsp_defaults(DSP_SPECTRAL).spectral.wavelet], "db4");
}

int main(void)
{
    RUN(constants_stay_in_the_coarse_half);
    RUN(orthogonal_ones_are);
    RUN(biorthogonal_pairs_fit);
    RUN(moments_vanish);
    RUN(the_default_is_db4);
    return test_end();
}
