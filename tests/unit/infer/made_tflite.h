/* Small TFLite models made for tests: tensors and operators in, the bytes of a flatbuffer out. Offsets lead
 * forwards: parents first, then their children. */
#ifndef ASSAY_MADE_TFLITE_H
#define ASSAY_MADE_TFLITE_H

#include "base/arena.h"
#include "base/bytes.h"

enum { MADE_FLOAT = 0, MADE_INT32 = 2, MADE_UINT8 = 3, MADE_INT8 = 9, MADE_MAX = 8 };

struct made_tensor {
    int type;
    size_t ndims;
    int dims[4];
    const void *data; /* of a constant; NULL: none */
    size_t size;      /* bytes of it */
    size_t nscales;   /* 0: a float */
    float scales[4];
    int zero, axis;
};

/* One option of an operator: field of its table, bytes of the number (4 floats with `real`). */
struct made_option {
    int field, size;
    double value;
    bool real;
};

struct made_op {
    int code;
    const char *custom; /* of code 32 */
    size_t ninputs, noutputs;
    int in[MADE_MAX], out[MADE_MAX]; /* indices of tensors */
    size_t noptions;
    struct made_option options[MADE_MAX];
    struct bytes custom_options;
};

struct made_model {
    size_t ntensors, nops, ninputs, noutputs;
    const struct made_tensor *tensors;
    const struct made_op *ops;
    int in[MADE_MAX], out[MADE_MAX];
};

struct bytes made_tflite(struct arena *a, const struct made_model *m);

/* A FlexBuffer map of numbers; keys in the order of their bytes, as the format wants it. */
struct made_pair {
    const char *key;
    double value;
    bool real; /* else a whole number */
};
struct bytes made_flex(struct arena *a, const struct made_pair *pairs, size_t n);

#endif
