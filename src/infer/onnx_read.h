/* Looks into an ONNX file without running it: its operators, constants, inputs and outputs, and what about
 * them will be slow here. For `assay model add FILE.onnx`; to run a model is the runtime's business.
 *
 * Pure. The bytes are foreign: every length in them is checked. Graphs inside of operators (If, Loop) are not
 * looked into. Everything lives in the arena. */
#ifndef ASSAY_INFER_ONNX_READ_H
#define ASSAY_INFER_ONNX_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"

enum { ONNX_READ_DIMS = 8, ONNX_READ_MAX = 1 << 20 /* of nodes, of constants ... */ };
/* Element types of the format that matter here. */
enum { ONNX_FLOAT32 = 1, ONNX_UINT8 = 2, ONNX_INT8 = 3, ONNX_INT64 = 7, ONNX_FLOAT16 = 10 };

/* A tensor: an input, an output or a constant. */
struct onnx_value {
    const char *name;
    int type;
    size_t ndims;
    int64_t dims[ONNX_READ_DIMS]; /* -1: left open */
};

struct onnx_node {
    const char *op;
    size_t ninputs, noutputs;
    const char **in, **out; /* names; "" = left out */
};

struct onnx_file {
    const char *producer; /* "" = not said */
    int64_t ir, opset;    /* of the default domain; 0 = not said */
    bool external;        /* constants lie in files beside it */
    size_t nnodes, nconstants, ninputs, noutputs;
    struct onnx_node *nodes;
    struct onnx_value *constants;
    struct onnx_value *inputs; /* without those which are constants */
    struct onnx_value *outputs;
};

/* ERR_MODEL when it is no ONNX file or is broken; ERR_LIMIT. */
int onnx_read(struct arena *a, struct bytes file, struct onnx_file *ret, struct err *err);

/* Sentences about what makes it slow or impossible here, each with what to do. Returns how many. */
enum { ONNX_ADVICE_MAX = 8 };
size_t onnx_advice(struct arena *a, const struct onnx_file *f, const char *ret[ONNX_ADVICE_MAX]);

#endif
