/* Trains a small network on features: one or two hidden layers with ReLU, or none, and a softmax over the
 * labels. Cross entropy, minibatches, Adam. So that it does not learn a few recordings by heart, every look
 * at a row adds noise to it, and weights decay (Loshchilov and Hutter, 2019). For a few thousand windows of
 * some dozens of features, on one core, in seconds; what it makes runs as ONNX (dense_to_onnx in
 * infer/convert.h).
 *
 * The same examples, options and seed give the same weights, bit for bit, on the same machine and program. No
 * clock but the deadline, no threads. The weights are those after the last epoch: whoever picks the best
 * epoch by what was held out has trained on it. */
#ifndef ASSAY_INFER_DENSE_TRAIN_H
#define ASSAY_INFER_DENSE_TRAIN_H

#include "infer/convert.h"

enum { DENSE_MAX_HIDDEN = 1024, DENSE_MAX_WEIGHTS = 1 << 22 };

/* Rows of features, and which label each has. The features are the caller's to standardise. */
struct dense_examples {
    size_t n, nfeatures, nlabels;
    const float *features; /* n * nfeatures */
    const int *labels;     /* n */
};

struct dense_training {
    int epochs;    /* 1.. */
    double rate;   /* learning rate */
    int hidden[2]; /* 0: no such layer */
    size_t batch;  /* default 32 */
    double noise;  /* deviation of what is added to each feature; 0: nothing */
    double decay;  /* of weights, as a share of the rate */
    uint64_t seed;
    int64_t deadline_mono_us;                      /* 0: none; asked every epoch */
    void (*progress)(void *arg, int done, int of); /* may be NULL; after every epoch */
    void *arg;
};
/* 100 epochs, 0.005, 20 and 10 neurons, batches of 32, noise 0.4, decay 0.4, seed 1. */
struct dense_training dense_training_defaults(void);

/* The network lives in `a`, without mean and dev. ERR_LIMIT, ERR_TIMEOUT; ERR_INPUT when the loss is no
 * number any more: a smaller rate helps. */
int dense_train(struct arena *a, const struct dense_examples *e, const struct dense_training *t,
                struct dense_net *ret, struct err *err);

/* How well a network says what is there. */
struct dense_score {
    double accuracy, loss; /* of all examples; 0 without any */
};
/* confusion: nlabels x nlabels counts, row: what it is, column: what was said; added to. May be NULL. */
struct dense_score dense_test(const struct dense_net *net, const struct dense_examples *e,
                              int64_t *confusion);
/* Probabilities of one row of features; `scores` has room for the labels. mean and dev are applied. */
void dense_run(struct arena *scratch, const struct dense_net *net, const float *features, float *scores);

#endif
