#include "infer/dense_train.h"

#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "infer/random_int.h"

enum { LAYERS = 3 };

struct dense_training dense_training_defaults(void)
{
    return (struct dense_training){
        .epochs = 100, .rate = 0.005, .hidden = {20, 10}, .batch = 32, .noise = 0.4, .decay = 0.4, .seed = 1};
}

/* One layer as it is trained. Weights lie input by input (in x out), so that inner loops run over neighbours;
 * a weight, its gradient and its two moments have the same place. */
struct layer {
    size_t in, out, n; /* n: weights and, behind them, biases */
    float *w, *grad, *m, *v;
    float *y, *delta; /* of one example: what came out, and the slope of the loss there */
};

struct trainer {
    const struct dense_examples *e;
    const struct dense_training *t;
    struct layer layers[LAYERS];
    size_t nlayers;
    size_t *order; /* of the examples in this epoch */
    float *row;    /* one of them, with noise */
    struct random random;
    int64_t steps; /* of Adam */
    double loss;   /* of this epoch, summed */
};

/* ---- forward ---- */

static void push(const struct layer *l, const float *x, float *y)
{
    memcpy(y, l->w + l->in * l->out, l->out * sizeof *y);
    for (size_t i = 0; i < l->in; i++) {
        const float *w = l->w + i * l->out, xi = x[i];
        for (size_t j = 0; j < l->out; j++)
            y[j] += w[j] * xi;
    }
}

static void relu(float *y, size_t n)
{
    for (size_t j = 0; j < n; j++)
        y[j] = y[j] > 0 ? y[j] : 0;
}

static void softmax(float *y, size_t n)
{
    float most = y[0], sum = 0;

    for (size_t j = 1; j < n; j++)
        most = y[j] > most ? y[j] : most;
    for (size_t j = 0; j < n; j++)
        sum += y[j] = expf(y[j] - most);
    for (size_t j = 0; j < n; j++)
        y[j] /= sum;
}

static const float *forward(struct trainer *t, const float *x)
{
    for (size_t k = 0; k < t->nlayers; k++) {
        struct layer *l = &t->layers[k];
        push(l, x, l->y);
        if (k + 1 < t->nlayers)
            relu(l->y, l->out);
        else
            softmax(l->y, l->out);
        x = l->y;
    }
    return x;
}

/* Not without end where it was sure of something else; fmax would hide what is no number. */
static double loss_of(float p)
{
    return -log(p < 1e-7F ? 1e-7 : (double)p);
}

/* ---- backward ---- */

/* Cross entropy behind a softmax: its slope is what was said less what is. */
static void blame(struct trainer *t, const float *p, int label)
{
    struct layer *last = &t->layers[t->nlayers - 1];

    memcpy(last->delta, p, last->out * sizeof *p);
    last->delta[label] -= 1;
    t->loss += loss_of(p[label]);
}

static void gather(struct layer *l, const float *x)
{
    float *bias = l->grad + l->in * l->out;

    for (size_t i = 0; i < l->in; i++) {
        float *g = l->grad + i * l->out, xi = x[i];
        for (size_t j = 0; j < l->out; j++)
            g[j] += l->delta[j] * xi;
    }
    for (size_t j = 0; j < l->out; j++)
        bias[j] += l->delta[j];
}

/* Through the weights of l to the layer below, where a neuron that was silent has no part in it. */
static void pass_down(const struct layer *l, struct layer *below)
{
    for (size_t i = 0; i < l->in; i++) {
        const float *w = l->w + i * l->out;
        float sum = 0;
        for (size_t j = 0; j < l->out; j++)
            sum += w[j] * l->delta[j];
        below->delta[i] = below->y[i] > 0 ? sum : 0;
    }
}

/* The sum of four numbers of 16 bits each is normal enough. */
static const float *noisy(struct trainer *t, const float *x)
{
    const double deviation = 65536 / sqrt(3), middle = 2 * 65535;
    double scale = t->t->noise / deviation;

    for (size_t i = 0; i < t->e->nfeatures; i++) {
        uint64_t r = random_next(&t->random);
        uint64_t sum = (r & 0xffff) + (r >> 16 & 0xffff) + (r >> 32 & 0xffff) + (r >> 48);
        t->row[i] = x[i] + (float)(scale * ((double)sum - middle));
    }
    return t->row;
}

static void learn_one(struct trainer *t, size_t example)
{
    const float *x = t->e->features + example * t->e->nfeatures;

    if (t->t->noise > 0)
        x = noisy(t, x);
    blame(t, forward(t, x), t->e->labels[example]);
    for (size_t k = t->nlayers; k-- > 0;) {
        gather(&t->layers[k], k > 0 ? t->layers[k - 1].y : x);
        if (k > 0)
            pass_down(&t->layers[k], &t->layers[k - 1]);
    }
}

/* ---- Adam (Kingma and Ba, 2015) ---- */

/* decay: what a weight loses of itself; a bias loses nothing. */
static void adam(struct layer *l, float rate, float scale, float decay)
{
    const float b1 = 0.9F, b2 = 0.999F, tiny = 1e-7F;

    for (size_t i = 0; i < l->in * l->out; i++)
        l->w[i] -= decay * l->w[i];
    for (size_t i = 0; i < l->n; i++) {
        float g = l->grad[i] * scale;
        l->m[i] = b1 * l->m[i] + (1 - b1) * g;
        l->v[i] = b2 * l->v[i] + (1 - b2) * g * g;
        l->w[i] -= rate * l->m[i] / (sqrtf(l->v[i]) + tiny);
        l->grad[i] = 0;
    }
}

/* One step against the mean slope of n examples. */
static void step(struct trainer *t, size_t n)
{
    double s = (double)++t->steps;
    double rate = t->t->rate * sqrt(1 - pow(0.999, s)) / (1 - pow(0.9, s));

    for (size_t k = 0; k < t->nlayers; k++)
        adam(&t->layers[k], (float)rate, 1 / (float)n, (float)(t->t->rate * t->t->decay));
}

/* ---- epochs ---- */

static void shuffle(struct trainer *t)
{
    for (size_t i = t->e->n; i > 1; i--) {
        size_t k = random_below(&t->random, i), kept = t->order[i - 1];
        t->order[i - 1] = t->order[k];
        t->order[k] = kept;
    }
}

static void epoch(struct trainer *t)
{
    size_t batch = t->t->batch ? t->t->batch : 32;

    shuffle(t);
    t->loss = 0;
    for (size_t i = 0; i < t->e->n; i += batch) {
        size_t n = t->e->n - i < batch ? t->e->n - i : batch;
        for (size_t k = 0; k < n; k++)
            learn_one(t, t->order[i + k]);
        step(t, n);
    }
}

static bool is_sane(const struct trainer *t)
{
    if (!isfinite(t->loss))
        return false;
    for (size_t k = 0; k < t->nlayers; k++)
        for (size_t i = 0; i < t->layers[k].n; i++)
            if (!isfinite(t->layers[k].w[i]))
                return false;
    return true;
}

static int run(struct trainer *t, struct err *err)
{
    for (int i = 0; i < t->t->epochs; i++) {
        if (t->t->deadline_mono_us && clock_mono_us() > t->t->deadline_mono_us)
            return FAIL(err, ERR_TIMEOUT,
                        "The deadline passed after %d of %d epochs; train for fewer, or give it more time.",
                        i, t->t->epochs);
        epoch(t);
        if (!is_sane(t))
            return FAIL(err, ERR_INPUT,
                        "Training has failed, as its numbers grew too large: choose a smaller "
                        "learning rate.");
        if (t->t->progress)
            t->t->progress(t->t->arg, i + 1, t->t->epochs);
    }
    return 0;
}

/* ---- before and after ---- */

/* Glorot and Bengio, 2010. */
static void draw_weights(struct layer *l, struct random *r)
{
    double limit = sqrt(6.0 / (double)(l->in + l->out));

    for (size_t i = 0; i < l->in * l->out; i++)
        l->w[i] = (float)((2 * random_unit(r) - 1) * limit);
}

static void add_layer(struct arena *a, struct trainer *t, size_t in, size_t out)
{
    struct layer *l = &t->layers[t->nlayers++];

    *l = (struct layer){.in = in, .out = out, .n = in * out + out};
    l->w = arena_array(a, l->n, sizeof *l->w);
    l->grad = arena_array(a, l->n, sizeof *l->grad);
    l->m = arena_array(a, l->n, sizeof *l->m);
    l->v = arena_array(a, l->n, sizeof *l->v);
    l->y = arena_array(a, out, sizeof *l->y);
    l->delta = arena_array(a, out, sizeof *l->delta);
    draw_weights(l, &t->random);
}

static int build(struct arena *a, struct trainer *t, struct err *err)
{
    size_t in = t->e->nfeatures, weights = 0;
    size_t outs[LAYERS] = {(size_t)t->t->hidden[0], (size_t)t->t->hidden[1], t->e->nlabels};

    for (size_t k = 0; k < LAYERS; k++) {
        if (!outs[k])
            continue;
        if (k < 2 && outs[k] > DENSE_MAX_HIDDEN)
            return FAIL(err, ERR_LIMIT, "A layer can have %d neurons at most.", DENSE_MAX_HIDDEN);
        weights += in * outs[k];
        if (in > DENSE_MAX_WEIGHTS || weights > DENSE_MAX_WEIGHTS)
            return FAIL(err, ERR_LIMIT,
                        "The network would have more than %d weights: make its first layer or the features "
                        "smaller.",
                        DENSE_MAX_WEIGHTS);
        add_layer(a, t, in, outs[k]);
        in = outs[k];
    }
    t->row = arena_array(a, t->e->nfeatures + 1, sizeof *t->row);
    t->order = arena_array(a, t->e->n + 1, sizeof *t->order);
    for (size_t i = 0; i < t->e->n; i++)
        t->order[i] = i;
    return 0;
}

/* Weights as everybody else has them, out x in. */
static struct dense_layer turned(struct arena *a, const struct layer *l, enum dense_act act)
{
    float *weights = arena_array(a, l->in * l->out, sizeof *weights);
    float *bias = arena_array(a, l->out, sizeof *bias);

    for (size_t i = 0; i < l->in; i++)
        for (size_t j = 0; j < l->out; j++)
            weights[j * l->in + i] = l->w[i * l->out + j];
    memcpy(bias, l->w + l->in * l->out, l->out * sizeof *bias);
    return (struct dense_layer){l->in, l->out, weights, bias, act};
}

static struct dense_net taken(struct arena *a, const struct trainer *t)
{
    struct dense_layer *layers = arena_array(a, t->nlayers, sizeof *layers);

    for (size_t k = 0; k < t->nlayers; k++)
        layers[k] = turned(a, &t->layers[k], k + 1 < t->nlayers ? DENSE_RELU : DENSE_SOFTMAX);
    return (struct dense_net){.nlayers = t->nlayers, .layers = layers};
}

int dense_train(struct arena *a, const struct dense_examples *e, const struct dense_training *t,
                struct dense_net *ret, struct err *err)
{
    CLEANUP(arena_freep) struct arena *scratch = arena_new();
    struct trainer trainer = {.e = e, .t = t, .random = random_of(t->seed)};

    if (build(scratch, &trainer, err) < 0 || run(&trainer, err) < 0)
        return -1;
    *ret = taken(a, &trainer);
    return 0;
}

/* ---- using it ---- */

static void apply(const struct dense_layer *l, const float *x, float *y)
{
    for (size_t j = 0; j < l->out; j++) {
        const float *w = l->weights + j * l->in;
        float sum = l->bias[j];
        for (size_t i = 0; i < l->in; i++)
            sum += w[i] * x[i];
        y[j] = sum;
    }
    if (l->act == DENSE_RELU)
        relu(y, l->out);
    if (l->act == DENSE_SOFTMAX)
        softmax(y, l->out);
}

static size_t widest(const struct dense_net *net)
{
    size_t most = net->layers[0].in;

    for (size_t k = 0; k < net->nlayers; k++)
        most = net->layers[k].out > most ? net->layers[k].out : most;
    return most;
}

/* between: room for twice the widest layer. */
static void run_through(const struct dense_net *net, const float *x, float *between, float *scores)
{
    const struct dense_layer *first = &net->layers[0];
    size_t wide = widest(net);

    for (size_t i = 0; net->mean && i < first->in; i++)
        between[i] = (x[i] - net->mean[i]) / net->dev[i];
    x = net->mean ? between : x;
    for (size_t k = 0; k < net->nlayers; k++) {
        float *y = k + 1 == net->nlayers ? scores : between + (k % 2 ? 0 : wide);
        apply(&net->layers[k], x, y);
        x = y;
    }
}

void dense_run(struct arena *scratch, const struct dense_net *net, const float *features, float *scores)
{
    run_through(net, features, arena_array(scratch, 2 * widest(net), sizeof(float)), scores);
}

struct dense_score dense_test(const struct dense_net *net, const struct dense_examples *e, int64_t *confusion)
{
    CLEANUP(arena_freep) struct arena *scratch = arena_new();
    float *between = arena_array(scratch, 2 * widest(net), sizeof *between);
    float *p = arena_array(scratch, e->nlabels, sizeof *p);
    struct dense_score s = {0};

    for (size_t i = 0; i < e->n; i++) {
        size_t is = (size_t)e->labels[i], said = 0;
        run_through(net, e->features + i * e->nfeatures, between, p);
        for (size_t j = 1; j < e->nlabels; j++)
            said = p[j] > p[said] ? j : said;
        s.accuracy += said == is;
        s.loss += loss_of(p[is]);
        if (confusion)
            confusion[is * e->nlabels + said]++;
    }
    if (e->n) {
        s.accuracy /= (double)e->n;
        s.loss /= (double)e->n;
    }
    return s;
}
