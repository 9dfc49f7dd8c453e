/* Settings by name, what is refused with which sentence, and input that is no input. */
#include <math.h>

#include "base/cleanup.h"
#include "dsp/dsp.h"

#include "test.h"

static void names_and_versions(void)
{
    static const struct {
        const char *name;
        int newest;
    } rows[] = {{"raw", 1},         {"flatten", 1}, {"spectral-analysis", 4}, {"mfe", 4}, {"mfcc", 4},
                {"spectrogram", 4}, {"image", 1}};

    CHECK_INT(COUNT_OF(rows), DSP_KIND_COUNT);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CHECK_INT(dsp_kind_of(rows[i].name), i);
        CHECK_STR(dsp_name((enum dsp_kind)i), rows[i].name);
        CHECK_INT(dsp_newest((enum dsp_kind)i), rows[i].newest);
        CHECK_INT(dsp_defaults((enum dsp_kind)i).version, rows[i].newest);
    }
    CHECK_INT(dsp_kind_of("imu-fusion"), DSP_KIND_COUNT);
}

static void defaults_are_the_vendors(void)
{
    struct dsp_settings s = dsp_defaults(DSP_SPECTRAL), m = dsp_defaults(DSP_MFCC);

    CHECK(s.spectral.scale == 1 && s.spectral.cutoff == 3 && s.spectral.order == 6 &&
          s.spectral.fft_length == 16);
    CHECK(s.spectral.log && s.spectral.overlap && !s.spectral.extra_low &&
          s.spectral.filter == DSP_FILTER_NONE);
    CHECK(s.spectral.nedges == 5 && s.spectral.edges[4] == 5 && s.spectral.peaks == 3);
    CHECK(m.mfcc.frames.length == 0.02 && m.mfcc.frames.stride == 0.02 && m.mfcc.frames.fft_length == 256);
    CHECK(m.mfcc.mel.filters == 32 && m.mfcc.cepstral == 13 && m.mfcc.mel.window == 101 &&
          m.mfcc.pre_cof == 0.98);
    CHECK(dsp_defaults(DSP_MFE).mfe.noise_floor == -52 && dsp_defaults(DSP_MFE).mfe.frames.stride == 0.01);
    CHECK(dsp_defaults(DSP_SPECTROGRAM).spectrogram.frames.fft_length == 128);
}

static void parameters_by_name(void)
{
    struct dsp_settings s = dsp_defaults(DSP_SPECTRAL);

    CHECK(dsp_set(&s, "filter-type", "high", NULL) == 0 && s.spectral.filter == DSP_FILTER_HIGH);
    CHECK(dsp_set(&s, "filter_cutoff", "4.5", NULL) == 0 && s.spectral.cutoff == 4.5);
    CHECK(dsp_set(&s, "do_log", "False", NULL) == 0 && !s.spectral.log);
    CHECK(dsp_set(&s, "spectral-power-edges", "1, 2 ,3.5", NULL) == 0 && s.spectral.nedges == 3);
    CHECK(s.spectral.edges[2] == 3.5);
}

static void values_that_a_parameter_cannot_take(void)
{
    static const struct {
        enum dsp_kind kind;
        const char *name, *value, *text;
    } rows[] = {
        {DSP_RAW, "fft-length", "16", "The block raw has no parameter \"fft-length\""},
        {DSP_RAW, "scale-axes", "", "scale-axes is a number from -1000000000 to 1000000000, not \"\""},
        {DSP_RAW, "scale-axes", "nan", "scale-axes is a number from -1000000000 to 1000000000, not \"nan\""},
        {DSP_RAW, "scale-axes", "inf", "scale-axes is a number from -1000000000 to 1000000000, not \"inf\""},
        {DSP_RAW, "scale-axes", "1x", "scale-axes is a number from -1000000000 to 1000000000, not \"1x\""},
        {DSP_FLATTEN, "rms", "maybe", "rms is true or false, not \"maybe\""},
        {DSP_SPECTRAL, "fft-length", "16.5", "fft-length is a whole number from 4 to 16384, not \"16.5\""},
        {DSP_SPECTRAL, "fft-length", "1e99", "fft-length is a whole number from 4 to 16384, not \"1e99\""},
        {DSP_SPECTRAL, "filter-type", "band",
         "filter-type cannot be \"band\"; \"none\" is one of its values"},
        {DSP_SPECTRAL, "spectral-power-edges", "2, 1",
         "spectral-power-edges are 2 to 16 rising numbers with commas, not \"2, 1\""},
        {DSP_SPECTRAL, "spectral-power-edges", "1",
         "spectral-power-edges are 2 to 16 rising numbers with commas, not \"1\""},
        {DSP_SPECTRAL, "spectral-power-edges", "1,",
         "spectral-power-edges are 2 to 16 rising numbers with commas, not \"1,\""},
        {DSP_IMAGE, "channels", "CMYK", "channels cannot be \"CMYK\"; \"RGB\" is one of its values"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct dsp_settings s = dsp_defaults(rows[i].kind), before = s;
        struct err err = {0};
        CHECK(dsp_set(&s, rows[i].name, rows[i].value, &err) == -1);
        CHECK_INT(err.kind, ERR_INPUT);
        CHECK_STR(err.text, rows[i].text);
        CHECK(memcmp(&s, &before, sizeof s) == 0);
        ROW("%s = %s", rows[i].name, rows[i].value);
    }
}

/* name, value: one or two parameters on top of the defaults. */
static void settings_that_do_not_work(void)
{
    static const struct {
        const char *what;
        enum dsp_kind kind;
        int version;
        const char *set[6];
        double frequency;
        size_t n;
        const char *text;
    } rows[] = {
        {"version 0", DSP_RAW, 0, {0}, 1, 8, "The block raw has the versions 1 to 1, not 0"},
        {"version 5", DSP_MFE, 5, {0}, 16000, 800, "The block mfe has the versions 1 to 4, not 5"},
        {"no frequency",
         DSP_SPECTRAL,
         4,
         {0},
         0,
         64,
         "The sampling frequency is a number of Hz above 0, not 0"},
        {"negative",
         DSP_SPECTRAL,
         4,
         {0},
         -5,
         64,
         "The sampling frequency is a number of Hz above 0, not -5"},
        {"FFT length",
         DSP_SPECTRAL,
         4,
         {"fft-length", "48"},
         64,
         64,
         "The FFT length is a power of 2 from 4 to 16384, not 48"},
        {"decimation",
         DSP_SPECTRAL,
         4,
         {"input-decimation-ratio", "7"},
         64,
         64,
         "The decimation ratio is 1, 3, 10, 30, 100 or 1000, not 7"},
        {"decimation too early",
         DSP_SPECTRAL,
         3,
         {"input-decimation-ratio", "3"},
         64,
         64,
         "Only version 4 of spectral-analysis decimates its input"},
        {"decimation below the cutoff",
         DSP_SPECTRAL,
         4,
         {"input-decimation-ratio", "10", "filter-type", "low"},
         64,
         64,
         "A decimation by 10 leaves nothing above 2.88 Hz: lower it or the cutoff"},
        {"odd order",
         DSP_SPECTRAL,
         4,
         {"filter-type", "low", "filter-order", "3"},
         64,
         64,
         "The filter order is 2, 4, 6 or 8, not 3"},
        {"cutoff too high",
         DSP_SPECTRAL,
         4,
         {"filter-type", "low", "filter-cutoff", "32"},
         64,
         64,
         "The cutoff of 32 Hz is not below half the sampling frequency, 32 Hz"},
        {"no bin",
         DSP_SPECTRAL,
         4,
         {"filter-type", "low", "filter-cutoff", "1"},
         64,
         64,
         "A cutoff of 1 Hz leaves no bin of the FFT at 64 Hz"},
        {"not stable",
         DSP_SPECTRAL,
         4,
         {"filter-type", "high", "filter-cutoff", "0"},
         64,
         64,
         "A filter at 0 Hz is not stable here: move the cutoff away from 0 and 32 Hz"},
        {"too short for low frequencies",
         DSP_SPECTRAL,
         4,
         {"extra-low-freq", "true"},
         64,
         64,
         "Extra low frequencies need at least 80 readings"},
        {"too short for wavelets",
         DSP_SPECTRAL,
         4,
         {"analysis-type", "Wavelet", "wavelet-level", "2"},
         64,
         127,
         "Wavelet level 2 needs a window of at least 2000 ms"},
        {"window too short",
         DSP_MFE,
         4,
         {"fft_length", "512"},
         16000,
         319,
         "A frame of 0.02 s is longer than the window of 0.0199375 s"},
        {"version 1 forgets the only frame",
         DSP_MFCC,
         1,
         {"low_frequency", "300"},
         16000,
         320,
         "A frame of 0.02 s is longer than the window of 0.02 s"},
        {"too many frames",
         DSP_MFE,
         4,
         {"frame_stride", "0.0001"},
         16000,
         16000,
         "7841 frames are more than 500: take a longer stride or a shorter window"},
        {"empty frame",
         DSP_MFE,
         1,
         {"frame_length", "0.00001", "win_size", "101"},
         16000,
         16000,
         "A frame of 1e-05 s holds no reading at 16000 Hz"},
        {"empty filter",
         DSP_MFE,
         4,
         {"num_filters", "200"},
         16000,
         800,
         "Filter 1 of 200 is empty: take fewer filters or a longer FFT"},
        {"high above half",
         DSP_MFE,
         4,
         {"high_frequency", "9000"},
         16000,
         800,
         "The high frequency of 9000 Hz is above half the sampling frequency, 8000 Hz"},
        {"low above high",
         DSP_MFE,
         4,
         {"low_frequency", "500", "high_frequency", "400"},
         16000,
         800,
         "The low frequency of 500 Hz is not below the high one, 400 Hz"},
        {"even window",
         DSP_MFCC,
         4,
         {"win_size", "100"},
         16000,
         800,
         "The window of the normalisation is an odd number of frames, not 100"},
        {"no window in mfe",
         DSP_MFE,
         2,
         {"win_size", "0"},
         16000,
         800,
         "The window of the normalisation is an odd number of frames, not 0"},
        {"more coefficients than filters",
         DSP_MFCC,
         4,
         {"num_cepstral", "33"},
         16000,
         800,
         "32 filters give no 33 coefficients"},
        {"frame of 3",
         DSP_SPECTROGRAM,
         4,
         {"frame_length", "0.0001875"},
         16000,
         800,
         "Frame length and stride are at least 4 readings, 0.00025 s"},
        {"a tiny frequency",
         DSP_MFE,
         4,
         {"frame_length", "1000000", "frame_stride", "1000000"},
         0.0001,
         800,
         "The bands of 40 filters do not fit to 0.0001 Hz"},
    };
    static float v[16000];

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct dsp_settings s = dsp_defaults(rows[i].kind);
        struct dsp_features f = {0};
        struct err err = {0};
        s.version = rows[i].version;
        for (size_t k = 0; k < 6 && rows[i].set[k]; k += 2)
            CHECK(dsp_set(&s, rows[i].set[k], rows[i].set[k + 1], NULL) == 0);
        CHECK(dsp_features(a, &s, &(struct dsp_input){v, rows[i].n, 1, rows[i].frequency}, &f, &err) == -1);
        CHECK_INT(err.kind, ERR_INPUT);
        CHECK_STR(err.text, rows[i].text);
        CHECK(!f.values);
        ROW("%s", rows[i].what);
    }
}

static void no_feature_is_wanted(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct dsp_settings s = {.kind = DSP_FLATTEN, .version = 1, .flatten.scale = 1};
    struct dsp_features f;
    struct err err = {0};

    CHECK(dsp_features(a, &s, &(struct dsp_input){(const float[]){1, 2}, 2, 1, 1}, &f, &err) == -1);
    CHECK_STR(err.text, "These settings leave no feature over");
}

/* Settings need not come through dsp_set. */
static void settings_filled_by_hand(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct dsp_settings s = dsp_defaults(DSP_SPECTRAL);
    struct dsp_features f;
    const float v[64] = {0};
    const struct dsp_input in = {v, 64, 1, 64};

    s.spectral.wavelet = 50;
    CHECK(dsp_features(a, &s, &in, &f, NULL) == -1);
    s = dsp_defaults(DSP_SPECTRAL);
    s.spectral.scale = NAN;
    CHECK(dsp_features(a, &s, &in, &f, NULL) == -1);
    s = dsp_defaults(DSP_SPECTRAL);
    s.spectral.nedges = 17;
    CHECK(dsp_features(a, &s, &in, &f, NULL) == -1);
    s.kind = DSP_KIND_COUNT;
    CHECK(dsp_features(a, &s, &in, &f, NULL) == -1);
}

static void input_that_is_none(void)
{
    static float v[DSP_MAX_VALUES + 1];
    static const struct {
        const char *what;
        enum dsp_kind kind;
        size_t n, axes;
        enum err_kind err;
        const char *text;
    } rows[] = {
        {"nothing", DSP_RAW, 0, 1, ERR_INPUT, "There are no values to make features of"},
        {"far too much", DSP_RAW, DSP_MAX_VALUES + 1, 1, ERR_LIMIT,
         "4194305 values are more than the 4194304 of one window"},
        {"no axes", DSP_RAW, 6, 0, ERR_INPUT, "A sample has 1 to 64 axes, not 0"},
        {"too many axes", DSP_RAW, 650, 65, ERR_INPUT, "A sample has 1 to 64 axes, not 65"},
        {"ragged", DSP_RAW, 7, 3, ERR_INPUT, "7 values cannot be shared by 3 axes"},
        {"stereo", DSP_MFCC, 1600, 2, ERR_INPUT,
         "The block mfcc takes one axis, not 2: add one block for each"},
        {"no pixels", DSP_IMAGE, 2, 1, ERR_INPUT,
         "A picture begins with its width and height, then come its pixels"},
        {"too many features", DSP_IMAGE, 2 + 2048 * 2047, 1, ERR_LIMIT,
         "12576768 features are more than the 4194304 of one window"},
        {"other size", DSP_IMAGE, 3 + 2048 * 100, 1, ERR_INPUT, "204801 pixels are no frames of 2048 x 2047"},
    };

    v[0] = 2048;
    v[1] = 2047;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct dsp_settings s = dsp_defaults(rows[i].kind);
        struct dsp_features f = {0};
        struct err err = {0};
        CHECK(dsp_features(a, &s, &(struct dsp_input){v, rows[i].n, rows[i].axes, 16000}, &f, &err) == -1);
        CHECK_INT(err.kind, rows[i].err);
        CHECK_STR(err.text, rows[i].text);
        ROW("%s", rows[i].what);
    }
}

static void numbers_that_are_none(void)
{
    static const float bad[] = {NAN, INFINITY, -INFINITY};

    for (size_t kind = 0; kind < DSP_KIND_COUNT; kind++)
        for (size_t i = 0; i < COUNT_OF(bad); i++) {
            CLEANUP(arena_freep) struct arena *a = arena_new();
            static float v[1600];
            struct dsp_settings s = dsp_defaults((enum dsp_kind)kind);
            struct dsp_features f = {0};
            struct err err = {0};
            v[1599] = bad[i];
            CHECK(dsp_features(a, &s, &(struct dsp_input){v, 1600, 1, 16000}, &f, &err) == -1);
            CHECK_STR(err.text, "Value 1599 is not a number");
            ROW("%s", dsp_name((enum dsp_kind)kind));
        }
}

/* Squares of the largest floats do not fit into a float: said, not handed out as infinity. */
static void features_too_large(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct dsp_settings s = dsp_defaults(DSP_SPECTRAL);
    float v[64];
    struct dsp_features f = {0};
    struct err err = {0};

    for (int i = 0; i < 64; i++)
        v[i] = i % 2 ? 3e38f : -3e38f;
    s.spectral.log = false;
    CHECK(dsp_features(a, &s, &(struct dsp_input){v, 64, 1, 64}, &f, &err) == -1);
    CHECK_STR(err.text, "Feature 4 is too large for a number: the values need a smaller scale");
}

static void labels_of_a_block(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct dsp_settings s = dsp_defaults(DSP_SPECTRAL);
    const char **labels;
    size_t n;

    CHECK(dsp_labels(a, &s, 62.5, &labels, &n, NULL) == 0);
    CHECK_INT(n, 13);
    CHECK_STR(labels[3], "Spectral Skewness");
    CHECK_STR(labels[5], "Spectral Power 1.95 - 5.86 Hz");
    s.spectral.fft_length = 15;
    CHECK(dsp_labels(a, &s, 62.5, &labels, &n, NULL) == -1);
    s = dsp_defaults(DSP_MFE);
    CHECK(dsp_labels(a, &s, 16000, &labels, &n, NULL) == 0 && n == 0);
}

int main(void)
{
    RUN(names_and_versions);
    RUN(defaults_are_the_vendors);
    RUN(parameters_by_name);
    RUN(values_that_a_parameter_cannot_take);
    RUN(settings_that_do_not_work);
    RUN(no_feature_is_wanted);
    RUN(settings_filled_by_hand);
    RUN(input_that_is_none);
    RUN(numbers_that_are_none);
    RUN(features_too_large);
    RUN(labels_of_a_block);
    return test_end();
}
