/* The protocol of .eim programs, both sides of it, without any I/O (docs/eim.md).
 *
 *   client -> program   {"hello":1,"id":1}   {"classify":[...],"id":2}   {"set_threshold":{...},"id":3} ...
 *   program -> client   {"id":1,"success":true,...}, a newline, a NUL
 *
 * Objects follow each other without a length. Published clients and programs count braces, wherever these
 * stand, so what is written here has none in its texts (they are escaped), and nothing but ASCII; what is
 * read here may have any. Everything that is read is foreign: ceilings, and err in one sentence.
 *
 * cmd/eim_serve.h is such a program, lab/eim.h runs one. */
#ifndef ASSAY_REPORT_EIM_H
#define ASSAY_REPORT_EIM_H

#include "base/bytes.h"
#include "report/sensor.h"

enum {
    EIM_MESSAGE = 32 << 20, /* bytes of one message */
    EIM_VALUES = 4 << 20,   /* values in its JSON */
    EIM_FEATURES = 2 << 20, /* numbers of one window */
    EIM_CHUNK = 64 << 10,   /* what one eim_stream_add takes */
    EIM_THRESHOLDS = 64,
};

/* ---- messages of a stream ---- */

struct eim_stream {
    struct buf text;
    size_t begin, scanned; /* of the message that comes in */
    int depth;             /* of its braces and brackets */
    bool in_string, escaped;
};
struct eim_stream eim_stream_new(void);
void eim_stream_clear(struct eim_stream *s);
/* At most EIM_CHUNK bytes, and only when eim_stream_next has nothing more. */
void eim_stream_add(struct eim_stream *s, const void *data, size_t n);
/* 1 and the next object, which lies in the stream until it is touched again; 0: more bytes are needed; -1:
 * what comes is no object, or too large, and the stream can only be ended. Blanks and NULs between objects
 * are skipped. */
int eim_stream_next(struct eim_stream *s, struct bytes *ret, struct err *err);
bool eim_stream_empty(const struct eim_stream *s); /* nothing of another message is there */

/* ---- what a program says of itself ---- */

enum eim_model { EIM_SCORES, EIM_BOXES, EIM_CENTROIDS, EIM_FREEFORM, EIM_MODELS };
enum eim_sensor { EIM_UNKNOWN = -1, EIM_MICROPHONE = 1, EIM_ACCELEROMETER = 2, EIM_CAMERA = 3 };
enum eim_anomaly { EIM_NO_ANOMALY, EIM_KMEANS, EIM_GMM, EIM_VISUAL_GMM, EIM_VISUAL, EIM_OTHER_ANOMALY };

struct eim_threshold {
    int64_t block;
    const char *type, *key; /* "min_score", "min_anomaly_score" */
    double value;
};

/* Whose impulse it is. */
struct eim_project {
    int64_t id, impulse;
    const char *name, *owner, *impulse_name; /* NULL: "" */
    int version;
};

struct eim_about {
    struct eim_project project;
    enum eim_model model;
    int sensor; /* enum eim_sensor, or another number of theirs */
    enum eim_anomaly anomaly;
    size_t nfeatures; /* numbers of one window; of a picture its pixels, 0xRRGGBB */
    size_t naxes, slice;
    double frequency, interval_ms;
    int width, height, channels;
    enum picture_fit fit;
    size_t nlabels;
    const char *const *labels;
    size_t nthresholds;
    const struct eim_threshold *thresholds;
};

/* What a program of this impulse says. Recordings have these axes, in this order. Of several blocks that
 * give labels the first counts, so of several anomaly blocks: the protocol has room for one of each.
 * ERR_INPUT for an impulse the protocol cannot say. Borrows from the arguments. */
int eim_about_impulse(struct arena *a, const struct impulse *impulse, size_t naxes, const char *const *axes,
                      struct eim_about *ret, struct err *err);
/* The other way: a raw DSP block (id 1) or an image block, and learn blocks, with the program's own
 * thresholds and ids as far as it tells them. A program does not know its steps: step_ms, 0 = a window each.
 * Without names of axes. Borrows from `about`. */
struct impulse eim_impulse_about(struct arena *a, const struct eim_about *about, double step_ms);
/* The places of those two blocks among the learn blocks of an impulse; -1: there is none. */
int eim_label_block(const struct impulse *impulse);
int eim_anomaly_block(const struct impulse *impulse);

/* ---- one window, judged ---- */

struct eim_result {
    size_t nscores; /* as many as there are labels, or none */
    const float *scores;
    bool has_anomaly;
    double anomaly;
    size_t nboxes; /* EIM_BOXES, EIM_CENTROIDS */
    const struct sensor_box *boxes;
    const double *box_scores;
    size_t ncells; /* visual anomaly, as boxes */
    const struct sensor_box *cells;
    const double *cell_scores;
    double visual_max, visual_mean;
    double dsp_ms, model_ms, anomaly_ms;
};

/* One window of what pipeline sensor-classify found, in these terms; the impulse is the one it was asked
 * with. Borrows from `found`. */
int eim_result_of(struct arena *a, const struct impulse *impulse, const struct recording_result *found,
                  size_t window, struct eim_result *ret, struct err *err);
/* The other way: the results of windows as learn blocks of the impulse that eim_impulse_about made. */
struct learn_result *eim_learn_results(struct arena *a, const struct impulse *impulse,
                                       const struct eim_result *all, size_t nwindows);

/* ---- requests ---- */

enum eim_ask { EIM_HELLO, EIM_CLASSIFY, EIM_CONTINUOUS, EIM_SET_THRESHOLD, EIM_ASKS };

struct eim_request {
    bool has_id; /* also known of a request that is refused, if it has one */
    int64_t id;
    enum eim_ask ask;
    size_t n; /* EIM_CLASSIFY, EIM_CONTINUOUS */
    const float *features;
    size_t nset; /* EIM_SET_THRESHOLD */
    const struct eim_threshold *set;
};

/* ERR_INPUT: an object, but no request that is understood: an error answer, and the next one. ERR_DECODE or
 * ERR_LIMIT: not JSON, or too much of it. */
int eim_request_read(struct arena *a, struct bytes message, struct eim_request *ret, struct err *err);
/* EIM_HELLO and EIM_CLASSIFY; in the arena, with a newline. ERR_INPUT for a feature that is not finite. */
int eim_request_write(struct arena *a, const struct eim_request *r, struct bytes *ret, struct err *err);

/* ---- answers ---- */

/* All in the arena, with newline and NUL. What is not finite is written as 0. */
struct bytes eim_hello_write(struct arena *a, int64_t id, const struct eim_about *about);
struct bytes eim_result_write(struct arena *a, int64_t id, const struct eim_about *about,
                              const struct eim_result *result);
struct bytes eim_success_write(struct arena *a, int64_t id);
/* `to` NULL, or without an id: the answer has none. */
struct bytes eim_failure_write(struct arena *a, const struct eim_request *to, const char *error);

/* Of request `id`. 0; 1 and err: the program says no, in its words; -1 and err: this is no answer to the
 * request, and nothing else it says can be believed. ERR_MODEL in both cases. */
int eim_hello_read(struct arena *a, struct bytes message, int64_t id, struct eim_about *ret, struct err *err);
int eim_result_read(struct arena *a, struct bytes message, int64_t id, const struct eim_about *about,
                    struct eim_result *ret, struct err *err);

#endif
