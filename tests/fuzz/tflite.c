/* A TFLite model of anybody. What converts is a whole ONNX within its ceiling, and its ports are sane; what
 * does not says why. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "infer/convert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must_be(bool holds)
{
    if (!holds)
        abort();
}

static void check_ports(const struct model_port *ports, size_t n)
{
    must_be(n >= 1 && n <= MODEL_PORTS);
    for (size_t i = 0; i < n; i++) {
        must_be(ports[i].name && *ports[i].name && strlen(ports[i].name) < SENSOR_NAME);
        must_be(text_is_utf8(ports[i].name, strlen(ports[i].name)));
        must_be(ports[i].ndims <= 8 && (unsigned)ports[i].number < MODEL_NUMBERS);
        for (size_t k = 0; k < ports[i].ndims; k++)
            must_be(ports[i].dims[k] >= 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct imported what;
    struct bytes onnx = {0};
    struct err err = {0};

    if (convert_tflite(a, bytes_of(data, n), &what, &onnx, &err) < 0) {
        must_be(err.text[0] &&
                (err.kind == ERR_MODEL || err.kind == ERR_UNSUPPORTED || err.kind == ERR_LIMIT));
        return 0;
    }
    must_be(onnx.data && onnx.len > 0);
    check_ports(what.inputs, what.ninputs);
    check_ports(what.outputs, what.noutputs);
    return 0;
}
