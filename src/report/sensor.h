/* What pipelines "sensor-..." are asked for and find: recordings of sensors, and impulses, which turn windows
 * of them into scores. Dialect-free.
 *
 *   sensor-read      a file as a client sent it -> what it is, and its numbers as the artefact
 *   sensor-classify  an impulse, its models and recordings -> scores for every window
 *   sensor-features  an impulse and one recording -> the features of one window
 *   sensor-train     an impulse and labelled recordings -> a model as the artefact (ONNX), or clusters
 *   sensor-import    a foreign file (model, exported project) -> what it says, and a model as the artefact
 *
 * The numbers of a recording are 32-bit floats, little endian, reading after reading, one for each axis in
 * turn; of a picture there are none, its file is kept. All pipelines but sensor-read and sensor-import get
 * one subject with parts in it: models first, then recordings, in the order of `parts`. An impulse is blocks:
 * one input, DSP blocks which make features (dsp/dsp.h), learn blocks which judge the features of the DSP
 * blocks that they name, joined in that order. Ids of blocks are the client's, positive, no two the same.
 *
 * Everything hangs on the arena of its spec or report. */
#ifndef ASSAY_REPORT_SENSOR_H
#define ASSAY_REPORT_SENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"

enum {
    SENSOR_AXES = 64,
    SENSOR_PARTS = 4096,
    SENSOR_STRETCHES = 10000, /* labels along one recording */
    SENSOR_BOXES = 1000,      /* on one picture */
    SENSOR_NAME = 256,        /* bytes of a label, an axis, a block's name */
    SENSOR_WINDOWS = 100000,  /* of all recordings of a job */
    IMPULSE_BLOCKS = 16,      /* of each sort */
    IMPULSE_LABELS = 1000,
    IMPULSE_SETTINGS = 64,
    IMPULSE_CLUSTERS = 256,
    IMPULSE_FEATURES = 4096, /* that clusters are made of */
};

/* ---- recordings ---- */

enum sensor_kind { SENSOR_SERIES, SENSOR_PICTURE, SENSOR_KINDS };

struct sensor_axis {
    const char *name, *units; /* SenML units, "wav", "" = not known */
};

/* From one reading (or window) to another, both inclusive. */
struct sensor_stretch {
    int64_t first, last;
    const char *label;
};

/* In pixels of the picture. */
struct sensor_box {
    const char *label;
    double x, y, width, height;
};

/* What a file says of itself. */
struct recording {
    enum sensor_kind kind;
    const char *format; /* "json", "cbor", "csv", "wav", "jpeg", ... */
    size_t naxes;
    const struct sensor_axis *axes; /* "audio" for sound; none for a picture */
    double interval_ms;             /* 0: one reading, no time */
    int64_t readings;
    int width, height;                     /* of a picture */
    const char *device_name, *device_type; /* NULL: not said */
    int64_t taken_s;                       /* since 1970, 0: not said */
    /* Of the acquisition format: its algorithm ("HS256", "none"; NULL: the format has no signatures) and
     * where the 64 hex digits lie in the file, -1: nowhere. Whoever has the key checks it. */
    const char *algorithm;
    int64_t signature_at;
    const char *label; /* the file names it; NULL: it does not */
    const char *note;  /* a warning for people; NULL: none */
};

/* ---- impulses ---- */

enum impulse_input { INPUT_SERIES, INPUT_PICTURE, INPUT_FEATURES, IMPULSE_INPUTS };
enum picture_fit { FIT_SQUASH, FIT_SHORT, FIT_LONG, FIT_CROP, PICTURE_FITS };
const char *picture_fit_name(enum picture_fit f); /* "squash", "fit-short", "fit-long", "crop" */

struct impulse_setting {
    const char *name, *value; /* as dsp_set takes them */
};

struct impulse_dsp {
    int64_t id;
    const char *type, *name; /* type as dsp_kind_of knows it */
    int version;             /* 0: the newest */
    size_t naxes;            /* 0: all axes of the recording, in its order */
    const char *const *axes;
    size_t nsettings;
    const struct impulse_setting *settings;
};

enum learn_kind {
    LEARN_CLASSIFIER, /* a probability for each label */
    LEARN_REGRESSION, /* one number, label "value" */
    LEARN_CLUSTERS,   /* distance to what was seen, label "anomaly" */
    LEARN_MIXTURE,    /* the same by a model (GMM) */
    LEARN_FOMO,       /* grid of centroids */
    LEARN_SSD,        /* boxes of a detector with its own suppression */
    LEARN_GRID,       /* visual anomaly */
    LEARN_FREEFORM,   /* outputs as they are, labels "0", "1", ... */
    LEARN_KINDS
};
const char *learn_kind_name(enum learn_kind k); /* "classifier", "regression", "clusters", ... */

/* How a picture's numbers 0..1 become the model's input. */
enum picture_scale {
    SCALE_UNIT,     /* 0..1 */
    SCALE_SIGNED,   /* -1..1 */
    SCALE_INT8,     /* -128..127 */
    SCALE_BYTE,     /* 0..255 */
    SCALE_TORCH,    /* mean and deviation of ImageNet */
    SCALE_BGR_MEAN, /* 0..255, B G R, less the means */
    PICTURE_SCALES
};
const char *picture_scale_name(enum picture_scale s); /* "0..1", "-1..1", ... */

struct impulse_cluster {
    const float *centroid;
    float max_error;
};

struct impulse_learn {
    int64_t id;
    enum learn_kind kind;
    const char *type, *name, *title; /* type in the client's words; the analysis does not read it */
    size_t ndsp;
    const int64_t *dsp; /* ids, in the order in which their features are joined */
    size_t nlabels;
    const char *const *labels; /* LEARN_FOMO and SSD: without background */
    double min_score;          /* boxes, cells and classes below do not count; 0..1 (anomalies: any) */
    int model;                 /* index of its part; -1: none yet, or needs none */
    enum picture_scale scale;
    /* LEARN_CLUSTERS: `chosen` features (indices into the joined ones), z = (x - mean) / scale */
    size_t nchosen, nclusters;
    const int *chosen;
    const float *mean, *dev;
    const struct impulse_cluster *clusters;
};

struct impulse {
    int64_t id;
    const char *name;
    enum impulse_input input;
    double window_ms, step_ms; /* INPUT_SERIES; step_ms > 0 */
    double frequency;          /* Hz; recordings of another one are resampled */
    bool pad;                  /* a recording shorter than a window is filled with zeros */
    int width, height;         /* INPUT_PICTURE */
    enum picture_fit fit;
    size_t ndsp, nlearn;
    const struct impulse_dsp *dsp;
    const struct impulse_learn *learn;
};

/* ---- what was asked ---- */

enum sensor_part_kind { PART_MODEL, PART_SERIES, PART_PICTURE, SENSOR_PART_KINDS };

struct sensor_part {
    enum sensor_part_kind kind;
    int64_t offset, size;  /* in the subject */
    char sha256[HASH_HEX]; /* of a model: its bytes */
    int64_t number;        /* the client's, of a recording */
    size_t naxes;          /* of a series */
    const char *const *axes;
    double frequency;
    const char *label; /* NULL: not labelled as a whole */
    size_t nstretches; /* labels along it, in readings of this recording */
    const struct sensor_stretch *stretches;
    size_t nboxes; /* what is to be found on a picture */
    const struct sensor_box *boxes;
};

struct train_params {
    int64_t learn; /* id of the block */
    int epochs;    /* of a classifier, 1..10000; default 100 */
    double rate;   /* learning rate; default 0.005 */
    int hidden[2]; /* neurons of its layers, 0 = no such layer; default 20 and 10 */
    double held;   /* share of windows nobody trains on, by recording; default 0.2 */
    int clusters;  /* 1..IMPULSE_CLUSTERS; default 32 */
    uint64_t seed; /* default 1 */
};

struct sensor_params {
    const char *file; /* sensor-read and sensor-import: the client's name for the file */
    struct impulse impulse;
    size_t nparts;
    const struct sensor_part *parts;
    int64_t first; /* sensor-features: reading at which the window begins */
    int64_t only;  /* sensor-features: id of the one DSP block; 0: all */
    struct train_params train;
};
struct train_params train_params_defaults(void);
/* Deep, into the arena. */
struct sensor_params sensor_params_copy(struct arena *a, const struct sensor_params *p);
struct impulse impulse_copy(struct arena *a, const struct impulse *p);
/* SHA-256 of its canonical JSON: two impulses with the same sum judge alike (but for their models, which
 * parts name). */
void impulse_sum(const struct impulse *p, char ret_hex[HASH_HEX]);
/* ERR_INPUT and a sentence: ranges, ids, blocks that name blocks, parts inside the subject. Does not know
 * names of DSP blocks or settings; the analysis does. */
int impulse_check(const struct impulse *p, struct err *err);
int sensor_params_check(const struct sensor_params *p, const char *pipeline, int64_t subject_size,
                        struct err *err);

/* ---- what was found ---- */

/* A prediction paired with what is there. */
struct box_pair {
    size_t predicted, actual; /* indices among the boxes of its window */
    double distance;          /* of the centroids, in 0..1 of the picture */
};

/* Boxes of one window (a picture is one window), in pixels of the model's input. */
struct window_boxes {
    size_t n, ntruths;
    const struct sensor_box *boxes;
    const double *scores;
    const struct sensor_box *truths;
    size_t npairs, nassigned; /* LEARN_FOMO: all of the same label; those assigned */
    const struct box_pair *pairs, *assigned;
    double f1, precision, recall, map; /* 0 when nothing is known to be there */
};

/* What one learn block says of all windows of one recording. */
struct learn_result {
    int64_t id;
    enum learn_kind kind;
    size_t nlabels;
    const char *const *labels;
    const float *scores;        /* windows x labels; none for boxes */
    struct window_boxes *boxes; /* of each window; LEARN_FOMO, LEARN_SSD */
    size_t side;                /* LEARN_GRID: cells of a row */
    const float *grid;          /* windows x side x side */
};

/* About how long its JSON is, rather more; a report has a ceiling (report/json.h), which
 * SENSOR_ANSWER_BYTES stays below. */
enum { SENSOR_ANSWER_BYTES = 7 << 20 };
size_t learn_result_bytes(const struct learn_result *l, size_t nwindows);

struct recording_result {
    struct err error; /* ERR_NONE: judged */
    int64_t number;
    size_t part;
    size_t nwindows, window, step; /* in readings at the impulse's frequency */
    bool resampled, padded;
    size_t nexpected; /* labels, in windows */
    const struct sensor_stretch *expected;
    size_t nlearn;
    struct learn_result *learn;
};

struct feature_result { /* of one window */
    size_t n, nlabels;
    const float *values;
    const char *const *labels; /* of one axis, see dsp_labels; may be none */
    size_t width, height, channels;
    size_t nraw; /* what went in */
    const float *raw;
};

/* What came of training one block. */
struct training {
    int64_t learn;
    size_t nlabels, nfeatures;
    const char *const *labels;
    int64_t ntrain, nheld; /* windows */
    double accuracy, loss; /* of the held-out windows; without any, of the others */
    double train_accuracy, train_loss;
    const int64_t *confusion; /* nlabels x nlabels, row: what it is, column: what was said */
    int epochs;
    struct impulse_learn block; /* with the clusters; for a classifier its labels */
};

enum model_number { NUMBER_FLOAT, NUMBER_INT8, NUMBER_UINT8, MODEL_NUMBERS };
/* A tensor of a model as its file has it. */
struct model_port {
    const char *name;
    enum model_number number;
    size_t ndims;
    int64_t dims[8];
    double scale; /* of an integer: real = (q - zero) * scale; 0: a float */
    int zero;
};
enum { MODEL_PORTS = 8 };

/* What a foreign file says. The artefact is the model in ONNX, float in and out, if it is one. */
struct imported {
    const char *format; /* "tflite", "onnx", "deployment-metadata", "model-variables" */
    bool quantised;     /* its numbers are integers inside */
    size_t ninputs, noutputs;
    struct model_port inputs[MODEL_PORTS], outputs[MODEL_PORTS];
    bool has_impulse;
    struct impulse impulse;
    size_t nnotes; /* what could not be taken over, a sentence each */
    const char *const *notes;
};

struct sensing {
    struct recording *recording; /* sensor-read */
    size_t nresults;             /* sensor-classify */
    struct recording_result *results;
    struct feature_result *features;
    struct training *training;
    struct imported *imported;
};

#endif
