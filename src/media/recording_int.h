/* What the readers of recordings share: the file in memory, and the numbers as they come. */
#ifndef ASSAY_MEDIA_RECORDING_INT_H
#define ASSAY_MEDIA_RECORDING_INT_H

#include "media/recording.h"

struct reader {
    struct arena *arena;   /* for what is handed out */
    struct arena *big;     /* for its numbers */
    struct arena *scratch; /* gone when the call ends */
    const struct recording_opts *opts;
    char *text; /* the file; RECORDING_PADDING zeros behind it. A reader may write into it */
    size_t len;
    struct recording facts;
    float *numbers;
    size_t n, room;
    struct recording_axis_list {
        size_t n;
        struct sensor_axis items[SENSOR_AXES];
    } axes;
};
enum { RECORDING_PADDING = 16 };

/* Room for at most that many numbers, or for the most there may be. Once, before the first. */
int recording_room(struct reader *r, size_t most, struct err *err);
/* The next number. `row` ("Line", "Reading") and `at` say where it stands, for the error. */
int recording_put(struct reader *r, double v, const char *row, size_t at, struct err *err);
/* -1 and a sentence that the text there is no number, for the axis whose turn it is. */
int recording_not_number(const struct reader *r, const char *text, size_t len, const char *row, size_t at,
                         struct err *err);
int recording_on_time(const struct reader *r, struct err *err);
/* Checks the name and copies. */
int recording_add_axis(struct reader *r, struct bytes name, struct bytes units, struct err *err);
/* Into the arena; `what` for the error. Control characters and more than SENSOR_NAME - 1 bytes are refused.
 */
int recording_text(struct reader *r, const char *what, struct bytes text, const char **ret, struct err *err);

/* A decimal number at the start of s, which ends with a NUL somewhere: how many bytes it has, 0 when there is
 * none. Neither hexadecimal nor "nan"; too large comes out infinite. */
size_t recording_number(const char *s, double *ret);

/* The acquisition format, whichever way it is written. NULL or NAN: not said. */
struct acquisition {
    struct bytes version, algorithm;
    double taken_s, interval_ms;
    struct bytes device_name, device_type;
    int64_t signature_at;
};
int recording_take_acquisition(struct reader *r, const struct acquisition *a, struct err *err);
/* -1: "Ref-BINARY-..." instead of numbers. */
int recording_refuse_references(struct err *err);
/* Where 64 hexadecimal digits lie, or -1: `text` points into the file, as it was sent. */
int64_t recording_signature(const struct reader *r, struct bytes text);

int recording_json(struct reader *r, struct err *err);
int recording_cbor(struct reader *r, struct err *err);
int recording_csv(struct reader *r, struct err *err);
int recording_wav(struct reader *r, struct err *err);

#endif
