/* Features of sensor samples: from the numbers of one window to the numbers a small model was trained on.
 *
 * A block (raw, flatten, spectral-analysis, mfe, mfcc, spectrogram, image) has a name, implementation
 * versions and parameters with the names and defaults of the vendor whose exported models we run; a model
 * only works when its features come out as they did in training, bugs of old versions included. What each
 * version does stands in the header of its file; docs/dsp.md says how near the golden vectors we come.
 *
 *     struct dsp_settings s = dsp_defaults(DSP_MFE);
 *     dsp_set(&s, "fft_length", "512", &err);
 *     dsp_features(arena, &s, &(struct dsp_input){.values = v, .n = 16000, .axes = 1, .frequency = 16000},
 * &f, &err);
 *
 * Pure: no I/O, no clock, no threads; same input, same features. Calculated in double, handed out as float.
 * Errors: ERR_INPUT for settings or values that cannot be used, ERR_LIMIT over a ceiling, each with a
 * sentence for the user. Neither NaN nor infinity comes in or goes out. */
#ifndef ASSAY_DSP_DSP_H
#define ASSAY_DSP_DSP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

enum {
    DSP_MAX_VALUES = 1 << 22,   /* raw values of one window, all axes together */
    DSP_MAX_FEATURES = 1 << 22, /* features of one window */
    DSP_MAX_AXES = 64,
    DSP_MAX_FFT = 1 << 14,
    DSP_MAX_FRAMES = 500, /* the vendor's own ceiling */
    DSP_MAX_FILTERS = 256,
    DSP_MAX_EDGES = 16,
    DSP_MAX_PEAKS = 64,
    DSP_MAX_WINDOW = 1001, /* frames of the sliding normalisation */
    DSP_MAX_MOVING = 1000, /* windows of a moving average */
};

enum dsp_kind {
    DSP_RAW,
    DSP_FLATTEN,
    DSP_SPECTRAL,
    DSP_MFE,
    DSP_MFCC,
    DSP_SPECTROGRAM,
    DSP_IMAGE,
    DSP_KIND_COUNT
};
enum dsp_filter { DSP_FILTER_NONE, DSP_FILTER_LOW, DSP_FILTER_HIGH };
enum dsp_analysis { DSP_FFT, DSP_WAVELET };
enum dsp_channels { DSP_RGB, DSP_GREY };

struct dsp_frames {
    double length, stride; /* seconds */
    int fft_length;        /* a power of two; a longer frame is cut to it */
};

struct dsp_mel {
    int filters;
    double low, high; /* Hz; high 0 = half the sampling frequency */
    int window;       /* frames of the sliding normalisation, odd; 0 = none (mfcc) */
};

struct dsp_settings {
    enum dsp_kind kind;
    int version; /* implementation version, 1..dsp_newest(kind) */
    union {
        struct {
            double scale;
        } raw;
        struct {
            double scale;
            bool average, minimum, maximum, rms, stdev, skewness, kurtosis;
            int moving; /* mean of the averages of that many windows, this one the last; 0 = no such feature
                         */
        } flatten;
        struct {
            double scale;
            int decimation; /* 1, 3, 10, 30, 100, 1000 */
            int filter;     /* enum dsp_filter */
            double cutoff;  /* Hz */
            int order;      /* even, 2..8; 0 = limit the bins, do not filter */
            int analysis;   /* enum dsp_analysis */
            int fft_length;
            bool log, overlap;
            bool extra_low;              /* the same features once more at a tenth of the frequency */
            int wavelet;                 /* index of its name, see dsp/wavelet_int.h */
            int wavelet_level;           /* 1.. */
            int peaks;                   /* version 1 only, as the next three */
            double peak_threshold;       /* height below which a peak does not count */
            int nedges;                  /* 2..DSP_MAX_EDGES */
            double edges[DSP_MAX_EDGES]; /* Hz, rising */
        } spectral;
        struct {
            struct dsp_frames frames;
            struct dsp_mel mel;
            double noise_floor; /* dB, below 12 */
        } mfe;
        struct {
            struct dsp_frames frames;
            struct dsp_mel mel;
            int cepstral;   /* coefficients kept, 1..filters */
            double pre_cof; /* pre-emphasis; 0 = none */
            int pre_shift;
        } mfcc;
        struct {
            struct dsp_frames frames;
            double noise_floor;
        } spectrogram;
        struct {
            int channels; /* enum dsp_channels */
        } image;
    };
};

/* One window. Readings follow each other, each with one value for every axis. Image: width, height, then one
 * number 0xRRGGBB for each pixel of each frame; its frequency does not matter. Borrowed for the call. */
struct dsp_input {
    const float *values;
    size_t n, axes;
    double frequency; /* Hz */
};

/* `values` lives in the arena of the call. Shape: flat (width = n, height = 1), frames x bins (width, height;
 * frame after frame), or pictures (width, height, channels, frames; channel fastest). */
struct dsp_features {
    float *values;
    size_t n;
    size_t width, height, channels, frames;
};

/* "spectral-analysis" and so on; DSP_KIND_COUNT for a name that is none. */
enum dsp_kind dsp_kind_of(const char *name);
const char *dsp_name(enum dsp_kind kind);
int dsp_newest(enum dsp_kind kind);

/* The vendor's defaults, newest version. */
struct dsp_settings dsp_defaults(enum dsp_kind kind);
/* One parameter by the vendor's name ('-' and '_' are the same), the value as text: "0.02", "true", "low",
 * "0.1, 0.5, 1.0". ERR_INPUT for an unknown name or a value that the parameter cannot take. */
int dsp_set(struct dsp_settings *s, const char *name, const char *value, struct err *err);

/* Settings made ready for many windows of one frequency: looked at once, with the FFT and the memory that a
 * window needs kept. Moving averages go over the windows that a plan has seen. One thread at a time. */
struct dsp_plan;
int dsp_plan_new(struct dsp_plan **ret_plan, const struct dsp_settings *s, double frequency, struct err *err);
void dsp_plan_freep(struct dsp_plan **p);
void dsp_plan_restart(struct dsp_plan *p); /* another recording begins */
/* As dsp_features of one window; in->frequency does not matter. */
int dsp_plan_run(struct dsp_plan *p, struct arena *a, const struct dsp_input *in, struct dsp_features *ret,
                 struct err *err);

/* The features of one window. In failure *ret is untouched. */
int dsp_features(struct arena *a, const struct dsp_settings *s, const struct dsp_input *in,
                 struct dsp_features *ret, struct err *err);
/* The labels as the vendor's reference gives them: for one axis, as all axes have the same; with extra_low
 * those of the second part behind them. *ret_n = 0 for blocks whose features have no names of their own. */
int dsp_labels(struct arena *a, const struct dsp_settings *s, double frequency, const char ***ret_labels,
               size_t *ret_n, struct err *err);

#endif
