/* ONNX files from anywhere: refused or sensible, and advice about them never fails. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "infer/onnx_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *advice[ONNX_ADVICE_MAX];
    struct onnx_file f;
    size_t said;

    if (onnx_read(a, bytes_of(data, n), &f, NULL) < 0)
        return 0;
    said = onnx_advice(a, &f, advice);
    if (!f.nnodes || !f.noutputs || said > ONNX_ADVICE_MAX)
        abort();
    for (size_t i = 0; i < said; i++)
        if (!advice[i] || !*advice[i])
            abort();
    for (size_t i = 0; i < f.ninputs; i++)
        if (!f.inputs[i].name || f.inputs[i].ndims > ONNX_READ_DIMS)
            abort();
    return 0;
}
