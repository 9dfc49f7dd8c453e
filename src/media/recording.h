/* Reads one recording of sensors as a client sent it: what it says of itself, and its numbers as floats,
 * reading after reading, one for each axis in turn.
 *
 *   json, cbor   the acquisition format: {"protected", "signature", "payload"}, keys in any order; an entry
 *                of `values` is a list with a number for each sensor, with one sensor a number will do
 *   csv          a line of names, then readings; a column "timestamp" (milliseconds, even steps) gives the
 *                interval; one reading without it is a list of features; comma, semicolon or tab between
 *   wav          whole or float samples of up to 64 channels, all on the scale of 16 bits, at the rate of
 *                the file: what libav would resample or round (media/sound.h) must stay as it was recorded
 *   jpeg, png, webp, gif, bmp, tiff   no numbers; only that it is whole, and its size as displayed
 *
 * The content says which it is; only what could be anything is tried as its name has it. A signature is not
 * checked here, as nobody here has the key: `signature_at` says where its digits lie in the file.
 *
 * A number is a number that a float can hold, or the recording is refused with its row; names of axes are
 * all there and no two the same. Pure but for pread on the descriptor; same bytes, same recording. Memory:
 * the file, once, and the numbers.
 *
 * Errors: ERR_INPUT what the client can mend, ERR_DECODE broken sound or pictures, ERR_UNSUPPORTED formats
 * and kinds of values that are not read, ERR_LIMIT, ERR_TIMEOUT, ERR_IO. docs/recordings.md */
#ifndef ASSAY_MEDIA_RECORDING_H
#define ASSAY_MEDIA_RECORDING_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"
#include "report/sensor.h"

enum { RECORDING_MAX_BYTES = 100 << 20, RECORDING_MAX_NUMBERS = 1 << 24 };

struct recording_opts {
    const char *name;         /* the client's, for its ending; may be NULL */
    int64_t max_pixels;       /* of a picture; default 40 million */
    int64_t cpu_us;           /* of decoding a picture; default 8 s */
    int64_t deadline_mono_us; /* 0 = none */
};
struct recording_opts recording_opts_defaults(void);

struct recorded {
    struct recording facts;
    const float *numbers; /* facts.readings * facts.naxes */
    size_t n;
};

/* `size` bytes from the start of a descriptor, read with pread. The facts live in `a`, the numbers in `big`,
 * which may be the same. */
int recording_read(struct arena *a, struct arena *big, int fd, int64_t size,
                   const struct recording_opts *opts, struct recorded *ret, struct err *err);
int recording_parse(struct arena *a, struct arena *big, struct bytes file, const struct recording_opts *opts,
                    struct recorded *ret, struct err *err);

#endif
