/* Foreign models into ONNX bytes that infer/graph.h opens: floats in and out, whatever is inside. Pure; the
 * bytes are foreign, every offset and size in them is checked.
 *
 * TFLite, read by our own reader of its flatbuffer: FULLY_CONNECTED, CONV_2D, DEPTHWISE_CONV_2D, ADD, PAD,
 * RESHAPE, MAX_POOL_2D, SOFTMAX in float32 and int8, and what SSD needs: LOGISTIC, CONCATENATION, PACK,
 * DEQUANTIZE, QUANTIZE and the custom TFLite_Detection_PostProcess. An int8 model is rounded to its steps
 * after every operator as the original does, so it agrees within one or two of them. Pictures keep their
 * order, NHWC, at the ports. A detector's outputs come in the order boxes (top, left, bottom, right; 0..1),
 * classes, scores, count, whatever their order in the file. What else is known: tflite_ops.c. */
#ifndef ASSAY_INFER_CONVERT_H
#define ASSAY_INFER_CONVERT_H

#include "base/bytes.h"
#include "report/sensor.h"

enum { CONVERT_MAX_BYTES = 64 << 20 };

bool convert_is_tflite(struct bytes file);
/* Fills format, quantised and the ports (as the file has them). ERR_UNSUPPORTED names the operator and its
 * number; ERR_MODEL a file that is broken; ERR_LIMIT. */
int convert_tflite(struct arena *a, struct bytes file, struct imported *ret, struct bytes *ret_onnx,
                   struct err *err);

/* A small network of our own: y = act(W x + b), layer by layer, after (x - mean) / dev. */
enum dense_act { DENSE_LINEAR, DENSE_RELU, DENSE_SOFTMAX };
struct dense_layer {
    size_t in, out;
    const float *weights; /* out x in */
    const float *bias;    /* out */
    enum dense_act act;
};
struct dense_net {
    size_t nlayers;
    const struct dense_layer *layers;
    const float *mean, *dev; /* of the inputs; NULL: as they come */
};
/* Input "features" [1, in], output "scores" [1, out]. */
struct bytes dense_to_onnx(struct arena *a, const struct dense_net *net);

#endif
