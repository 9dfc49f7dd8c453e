#include "api/impulse/define_int.h"
#include "base/text.h"

#define MIN_SCORE \
    "min_score", "Score threshold", "A window whose best score is below this one counts as uncertain."
#define BOX_SCORE                                                                                            \
    "min_score", "Score threshold",                                                                          \
        "Threshold score for bounding boxes. If the score for a bounding box is below this the box will be " \
        "discarded."
#define ANOMALY                                     \
    "min_anomaly_score", "Anomaly score threshold", \
        "A window with a score above this one counts as an anomaly."
#define MAX_ERROR                                   \
    "max_absolute_error", "Maximum absolute error", \
        "A prediction that is further off than this counts as wrong."

static const struct learn_words learns[] = {
    {"keras", "Classification", LEARN_CLASSIFIER, MIN_SCORE, 0.6},
    {"keras-transfer-image", "Transfer Learning (Images)", LEARN_CLASSIFIER, MIN_SCORE, 0.6},
    {"keras-transfer-kws", "Transfer Learning (Keyword Spotting)", LEARN_CLASSIFIER, MIN_SCORE, 0.6},
    {"keras-regression", "Regression", LEARN_REGRESSION, MAX_ERROR, 0.1},
    {"keras-object-detection", "Object Detection (Images)", LEARN_FOMO, BOX_SCORE, 0.5},
    {"keras-visual-anomaly", "Visual Anomaly Detection", LEARN_GRID, ANOMALY, 6},
    {"keras-freeform", "Freeform", LEARN_FREEFORM, MIN_SCORE, 0.6},
    {"anomaly", "Anomaly Detection (K-means)", LEARN_CLUSTERS, ANOMALY, 0.3},
    {"anomaly-gmm", "Anomaly Detection (GMM)", LEARN_MIXTURE, ANOMALY, 5},
};

const struct learn_words *learn_words_of(const char *type)
{
    for (size_t i = 0; i < COUNT_OF(learns); i++)
        if (text_is(learns[i].type, type))
            return &learns[i];
    return NULL;
}

const char *learn_types(struct arena *a)
{
    const char *list = learns[0].type;

    for (size_t i = 1; i < COUNT_OF(learns); i++)
        list = arena_printf(a, "%s, %s", list, learns[i].type);
    return list;
}

/* ---- DSP blocks: names and defaults are those of src/dsp, which has the last word on values ---- */

#define SCALE_AXES                                                                            \
    {                                                                                         \
        "scale-axes", "Scale axes", "Multiplies all numbers by this one.", "float", "1", NULL \
    }
#define FRAMES(points, stride)                                                                 \
    {"frame_length", "Frame length", "Length of a frame, in seconds.", "float", "0.02", NULL}, \
        {"frame_stride", "Frame stride", "Between the begins of two frames, in seconds.",      \
         "float",        stride,         NULL},                                                \
    {                                                                                          \
        "fft_length", "FFT length", "A power of two.", "int", points, NULL                     \
    }
#define MEL(filters)                                                                                       \
    {"num_filters", "Filters", "Bands of the mel scale.", "int", filters, NULL},                           \
        {"low_frequency", "Low frequency", "Lowest edge of the bands, in Hz.", "float", "0", NULL},        \
        {"high_frequency",                                                                                 \
         "High frequency",                                                                                 \
         "Highest edge, in Hz; 0 is half the sampling frequency.",                                         \
         "float",                                                                                          \
         "0",                                                                                              \
         NULL},                                                                                            \
    {                                                                                                      \
        "win_size", "Normalization window size", "Frames of the sliding normalisation; 0 is none.", "int", \
            "101", NULL                                                                                    \
    }
#define NOISE                                                                                            \
    {                                                                                                    \
        "noise_floor_db", "Noise floor (dB)", "What is quieter counts as silence.", "float", "-52", NULL \
    }

static const struct dsp_words raw[] = {SCALE_AXES};
static const struct dsp_words flatten[] = {
    SCALE_AXES,
    {"average", "Average", "The mean of the window.", "boolean", "true", NULL},
    {"minimum", "Minimum", "The lowest number.", "boolean", "true", NULL},
    {"maximum", "Maximum", "The highest number.", "boolean", "true", NULL},
    {"rms", "Root-mean square", "The root of the mean square.", "boolean", "true", NULL},
    {"stdev", "Standard deviation", "How far the numbers are from their mean.", "boolean", "true", NULL},
    {"skewness", "Skewness", "How lopsided they lie.", "boolean", "true", NULL},
    {"kurtosis", "Kurtosis", "How heavy the tails are.", "boolean", "true", NULL},
};
static const struct dsp_words spectral[] = {
    SCALE_AXES,
    {"input-decimation-ratio", "Input decimation ratio", "Keeps one of so many readings.", "select", "1",
     "1 3 10 30 100 1000"},
    {"filter-type", "Type", "Which frequencies go on.", "select", "none", "none low high"},
    {"filter-cutoff", "Cut-off frequency", "In Hz.", "float", "3", NULL},
    {"filter-order", "Order", "Even, 2 to 8; 0 limits the bins only.", "int", "6", NULL},
    {"analysis-type", "Type", "How the window is taken apart.", "select", "FFT", "FFT Wavelet"},
    {"fft-length", "FFT length", "A power of two.", "int", "16", NULL},
    {"do-log", "Take log of spectrum", "Its logarithm instead of the power.", "boolean", "true", NULL},
    {"do-fft-overlap", "Overlap FFT frames", "By half of their length.", "boolean", "true", NULL},
    {"extra-low-freq", "Improve low frequency resolution", "The same once more at a tenth of the frequency.",
     "boolean", "false", NULL},
    {"wavelet-level", "Wavelet decomposition level", "How often it is halved.", "int", "1", NULL},
    {"wavelet", "Wavelet", "Its name: haar, db2, bior1.3 ...", "string", "db4", NULL},
    {"spectral-peaks-count", "Number of peaks", "Version 1 only.", "int", "3", NULL},
    {"spectral-peaks-threshold", "Peaks threshold", "Version 1 only.", "float", "0.1", NULL},
    {"spectral-power-edges", "Power edges", "In Hz, with commas. Version 1 only.", "string",
     "0.1, 0.5, 1.0, 2.0, 5.0", NULL},
};
static const struct dsp_words mfe[] = {FRAMES("256", "0.01"), MEL("40"), NOISE};
static const struct dsp_words mfcc[] = {
    FRAMES("256", "0.02"),
    MEL("32"),
    {"num_cepstral", "Number of coefficients", "How many are kept.", "int", "13", NULL},
    {"pre_cof", "Pre-emphasis coefficient", "0 is none.", "float", "0.98", NULL},
    {"pre_shift", "Pre-emphasis shift", "In readings.", "int", "1", NULL},
};
static const struct dsp_words spectrogram[] = {FRAMES("128", "0.01"), NOISE};
static const struct dsp_words image[] = {
    {"channels", "Color depth", "Colours, or grey only.", "select", "RGB", "RGB Grayscale"},
};

#define BLOCK(type, title, newest, settings)              \
    {                                                     \
        type, title, newest, settings, COUNT_OF(settings) \
    }
static const struct dsp_block_words blocks[] = {
    BLOCK("raw", "Raw Data", 1, raw),
    BLOCK("flatten", "Flatten", 1, flatten),
    BLOCK("spectral-analysis", "Spectral Analysis", 4, spectral),
    BLOCK("mfe", "Audio (MFE)", 4, mfe),
    BLOCK("mfcc", "Audio (MFCC)", 4, mfcc),
    BLOCK("spectrogram", "Spectrogram", 4, spectrogram),
    BLOCK("image", "Image", 1, image),
};

const struct dsp_block_words *dsp_words_of(const char *type)
{
    for (size_t i = 0; i < COUNT_OF(blocks); i++)
        if (text_is(blocks[i].type, type))
            return &blocks[i];
    return NULL;
}

const char *dsp_types(struct arena *a)
{
    const char *list = blocks[0].type;

    for (size_t i = 1; i < COUNT_OF(blocks); i++)
        list = arena_printf(a, "%s, %s", list, blocks[i].type);
    return list;
}

/* '-' and '_' are the same. */
static bool is_same_name(const char *a, const char *b)
{
    for (; *a && *b; a++, b++)
        if ((*a == '_' ? '-' : *a) != (*b == '_' ? '-' : *b))
            return false;
    return !*a && !*b;
}

const struct dsp_words *dsp_setting_of(const struct dsp_block_words *block, const char *name)
{
    for (size_t i = 0; i < block->n; i++)
        if (is_same_name(block->settings[i].name, name))
            return &block->settings[i];
    return NULL;
}
