/* Pipeline "sensor-train": an impulse and labelled recordings -> a classifier as the artefact (ONNX), or
 * clusters of what is normal. What was held out judges it; docs/impulses-train.md. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "analysis/analysis.h"
#include "analysis/artefact.h"
#include "analysis/lessons.h"
#include "analysis/pipelines_int.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "infer/dense_train.h"
#include "infer/kmeans.h"

enum { LEAST_WINDOWS = 10 }; /* to train on */

struct school {
    const struct toolbox *tools;
    const struct job_spec *spec;
    const struct train_params *params;
    const struct impulse_learn *block;
    int artefact;
    int64_t deadline;
    int planned; /* steps in all: recordings, then epochs */
    struct report *report;
    struct arena *arena; /* for what is not handed out */
    struct lessons lessons;
    float *mean, *dev; /* of each feature, over the windows that are trained on */
};

/* ---- numbers ---- */

static bool is_held(const struct school *s, size_t window)
{
    return s->lessons.held[s->lessons.recordings[window]];
}

static size_t count(const struct school *s, bool held)
{
    size_t n = 0;

    for (size_t i = 0; i < s->lessons.n; i++)
        n += is_held(s, i) == held;
    return n;
}

/* A feature that never changes says nothing, and its deviation would divide by nothing. */
static void measure_feature(const struct school *s, size_t feature, size_t n, float *ret_mean, float *ret_dev)
{
    const struct lessons *l = &s->lessons;
    double sum = 0, squares = 0, mean;

    for (size_t i = 0; i < l->n; i++)
        if (!is_held(s, i))
            sum += (double)l->features[i * l->nfeatures + feature];
    mean = sum / (double)n;
    for (size_t i = 0; i < l->n; i++) {
        double d = (double)l->features[i * l->nfeatures + feature] - mean;
        if (!is_held(s, i))
            squares += d * d;
    }
    *ret_mean = (float)mean;
    *ret_dev = (float)fmin(sqrt(squares / (double)n), (double)FLT_MAX);
    if (!(*ret_dev > 1e-6F * fabsf(*ret_mean)) || *ret_dev < 1e-30F)
        *ret_dev = 1;
}

static void measure(struct school *s)
{
    size_t n = count(s, false);

    s->mean = arena_array(s->arena, s->lessons.nfeatures, sizeof *s->mean);
    s->dev = arena_array(s->arena, s->lessons.nfeatures, sizeof *s->dev);
    for (size_t j = 0; j < s->lessons.nfeatures; j++)
        measure_feature(s, j, n, &s->mean[j], &s->dev[j]);
}

/* The windows of one side, with `nchosen` features of each (NULL: all), on the scale that is trained on. */
static float *scaled(const struct school *s, bool held, const int *chosen, size_t nchosen, struct err *err)
{
    const struct lessons *l = &s->lessons;
    float *rows = arena_try(s->arena, (count(s, held) * nchosen + 1) * sizeof *rows), *to = rows;

    if (!rows)
        return FAIL_NULL(err, ERR_LIMIT, "There is no memory to train on %zu windows: make the step larger.",
                         l->n);
    for (size_t i = 0; i < l->n; i++) {
        if (is_held(s, i) != held)
            continue;
        for (size_t k = 0; k < nchosen; k++) {
            size_t j = chosen ? (size_t)chosen[k] : k;
            *to = (l->features[i * l->nfeatures + j] - s->mean[j]) / s->dev[j];
            if (!isfinite(*to++))
                return FAIL_NULL(err, ERR_INPUT,
                                 "The features of the recordings are too large to train on: scale "
                                 "the axes in the DSP block.");
        }
    }
    return rows;
}

static int *labels_of(const struct school *s, bool held)
{
    int *labels = arena_array(s->arena, count(s, held) + 1, sizeof *labels), *to = labels;

    for (size_t i = 0; i < s->lessons.n; i++)
        if (is_held(s, i) == held)
            *to++ = s->lessons.labels[i];
    return labels;
}

/* ---- a classifier ---- */

static void tell_epoch(void *arg, int done, int of)
{
    const struct school *s = arg;

    if (s->tools->progress)
        s->tools->progress(s->tools->progress_arg, s->planned - of + done, s->planned);
}

static int examples_of(const struct school *s, bool held, struct dense_examples *ret, struct err *err)
{
    *ret = (struct dense_examples){.n = count(s, held),
                                   .nfeatures = s->lessons.nfeatures,
                                   .nlabels = s->lessons.nlabels,
                                   .features = scaled(s, held, NULL, s->lessons.nfeatures, err),
                                   .labels = labels_of(s, held)};
    return ret->features ? 0 : -1;
}

static int fit(struct school *s, const struct dense_examples *e, struct dense_net *ret, struct err *err)
{
    struct dense_training t = dense_training_defaults();

    t.epochs = s->params->epochs;
    t.rate = s->params->rate;
    t.hidden[0] = s->params->hidden[0];
    t.hidden[1] = s->params->hidden[1];
    t.seed = s->params->seed;
    t.deadline_mono_us = s->deadline;
    t.progress = tell_epoch;
    t.arg = s;
    return dense_train(s->arena, e, &t, ret, err);
}

static const char *const *names_kept(const struct school *s)
{
    const char **names = arena_array(s->report->arena, s->lessons.nlabels + 1, sizeof *names);

    for (size_t i = 0; i < s->lessons.nlabels; i++)
        names[i] = arena_strdup(s->report->arena, s->lessons.names[i]);
    return names;
}

static void judge_net(struct school *s, const struct dense_net *net, const struct dense_examples *seen,
                      const struct dense_examples *held, struct training *t)
{
    int64_t *confusion = arena_array(s->report->arena, seen->nlabels * seen->nlabels, sizeof *confusion);
    struct dense_score score = dense_test(net, seen, held->n ? NULL : confusion);

    t->train_accuracy = t->accuracy = score.accuracy;
    t->train_loss = t->loss = score.loss;
    t->confusion = confusion;
    if (!held->n)
        return;
    score = dense_test(net, held, confusion);
    t->accuracy = score.accuracy;
    t->loss = score.loss;
}

static int write_net(const struct school *s, const struct dense_net *net, struct err *err)
{
    struct dense_net whole = *net;

    whole.mean = s->mean;
    whole.dev = s->dev;
    if (s->artefact < 0)
        return 0;
    return artefact_write(s->artefact, dense_to_onnx(s->arena, &whole), "the model", err);
}

static int train_classifier(struct school *s, struct training *t, struct err *err)
{
    struct dense_examples seen, held;
    struct dense_net net;

    if (examples_of(s, false, &seen, err) < 0 || examples_of(s, true, &held, err) < 0 ||
        fit(s, &seen, &net, err) < 0)
        return -1;
    t->epochs = s->params->epochs;
    t->nlabels = t->block.nlabels = seen.nlabels;
    t->labels = t->block.labels = names_kept(s);
    judge_net(s, &net, &seen, &held, t);
    return write_net(s, &net, err);
}

/* ---- clusters ---- */

static int take_chosen(const struct school *s, struct impulse_learn *b, struct err *err)
{
    for (size_t i = 0; i < b->nchosen; i++)
        if (b->chosen[i] < 0 || (size_t)b->chosen[i] >= s->lessons.nfeatures)
            return FAIL(err, ERR_INPUT,
                        "The clusters ask for feature %d, but a window has only %zu (from 0).", b->chosen[i],
                        s->lessons.nfeatures);
    return 0;
}

static bool is_level(const char *name)
{
    return name && (text_is_nocase(name, "rms") || text_is_nocase(name, "average"));
}

/* Nobody has chosen: how strong each axis is, or all features where no block says that. */
static int choose(const struct school *s, const struct lessons_opts *opts, struct impulse_learn *b,
                  struct err *err)
{
    size_t n = s->lessons.nfeatures;
    int *chosen = arena_array(s->report->arena, n, sizeof *chosen);
    const char **names;

    if (lessons_names(s->arena, opts, &s->lessons, &names, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (is_level(names[i]))
            chosen[b->nchosen++] = (int)i;
    if (!b->nchosen)
        while (b->nchosen < n) {
            chosen[b->nchosen] = (int)b->nchosen;
            b->nchosen++;
        }
    if (b->nchosen > IMPULSE_FEATURES)
        return FAIL(err, ERR_LIMIT,
                    "Clusters are made of %d features at most, and a window has %zu: choose some.",
                    IMPULSE_FEATURES, n);
    b->chosen = chosen;
    return 0;
}

static void keep_scale(const struct school *s, struct impulse_learn *b)
{
    float *mean = arena_array(s->report->arena, b->nchosen, sizeof *mean);
    float *dev = arena_array(s->report->arena, b->nchosen, sizeof *dev);

    for (size_t i = 0; i < b->nchosen; i++) {
        mean[i] = s->mean[b->chosen[i]];
        dev[i] = s->dev[b->chosen[i]];
    }
    b->mean = mean;
    b->dev = dev;
}

/* Accuracy: the share of windows which are not anomalous; loss: the mean score. */
static int judge_clusters(const struct school *s, bool held, const struct impulse_learn *b,
                          double *ret_accuracy, double *ret_loss, struct err *err)
{
    const float *rows = scaled(s, held, b->chosen, b->nchosen, err);
    size_t n = count(s, held);
    double inside = 0, sum = 0;

    if (!rows)
        return -1;
    for (size_t i = 0; i < n; i++) {
        double score = kmeans_score(b->clusters, b->nclusters, rows + i * b->nchosen, b->nchosen);
        inside += score <= b->min_score;
        sum += score;
    }
    *ret_accuracy = n ? inside / (double)n : 0;
    *ret_loss = n ? sum / (double)n : 0;
    return 0;
}

static int train_clusters(struct school *s, const struct lessons_opts *opts, struct training *t,
                          struct err *err)
{
    const struct kmeans_opts how = {(size_t)s->params->clusters, s->params->seed, s->deadline};
    struct impulse_learn *b = &t->block;
    struct impulse_cluster *clusters;
    const float *rows;

    if ((b->nchosen ? take_chosen(s, b, err) : choose(s, opts, b, err)) < 0)
        return -1;
    keep_scale(s, b);
    if (!(rows = scaled(s, false, b->chosen, b->nchosen, err)) ||
        kmeans(s->report->arena, rows, count(s, false), b->nchosen, &how, &clusters, &b->nclusters, err) < 0)
        return -1;
    b->clusters = clusters;
    if (judge_clusters(s, false, b, &t->train_accuracy, &t->train_loss, err) < 0)
        return -1;
    t->accuracy = t->train_accuracy;
    t->loss = t->train_loss;
    return t->nheld ? judge_clusters(s, true, b, &t->accuracy, &t->loss, err) : 0;
}

/* ---- all together ---- */

/* Strings and arrays of the block live as long as the report. */
static struct impulse_learn block_kept(const struct school *s)
{
    struct impulse one = s->spec->sensor.impulse;

    one.learn = s->block;
    one.nlearn = 1;
    return impulse_copy(s->report->arena, &one).learn[0];
}

static const struct impulse_learn *find_block(const struct sensor_params *p)
{
    for (size_t i = 0; i < p->impulse.nlearn; i++)
        if (p->impulse.learn[i].id == p->train.learn)
            return &p->impulse.learn[i];
    return NULL;
}

static struct lessons_opts lessons_wanted(const struct school *s)
{
    const struct sensor_params *p = &s->spec->sensor;

    return (struct lessons_opts){.impulse = &p->impulse,
                                 .block = s->block,
                                 .nparts = p->nparts,
                                 .parts = p->parts,
                                 .held = p->train.held,
                                 .labelled = s->block->kind == LEARN_CLASSIFIER,
                                 .deadline_mono_us = s->deadline,
                                 .progress = s->tools->progress,
                                 .progress_arg = s->tools->progress_arg,
                                 .planned = s->planned};
}

static int train(struct school *s, const struct lessons_opts *opts, struct training *t, struct err *err)
{
    int64_t begin = clock_cpu_us();
    int r;

    t->learn = s->block->id;
    t->ntrain = (int64_t)count(s, false);
    t->nheld = (int64_t)count(s, true);
    t->nfeatures = s->lessons.nfeatures;
    t->block = block_kept(s);
    if (t->ntrain < LEAST_WINDOWS)
        return FAIL(err, ERR_INPUT,
                    "There are too few windows to train on: %lld, and %lld held out; %d are the "
                    "least. Record more.",
                    (long long)t->ntrain, (long long)t->nheld, LEAST_WINDOWS);
    measure(s);
    r = s->block->kind == LEARN_CLUSTERS ? train_clusters(s, opts, t, err) : train_classifier(s, t, err);
    s->report->infer_us += clock_cpu_us() - begin;
    return r;
}

static int teach(struct school *s, int fd, struct err *err)
{
    struct training *t = arena_alloc(s->report->arena, sizeof *t);
    int64_t begin = clock_cpu_us();
    struct lessons_opts opts;

    s->planned = (int)s->spec->sensor.nparts + (s->block->kind == LEARN_CLASSIFIER ? s->params->epochs : 1);
    opts = lessons_wanted(s);
    s->report->sampling.planned = (int)s->spec->sensor.nparts;
    if (lessons_read(s->arena, fd, &opts, &s->lessons, err) < 0)
        return -1;
    s->report->decode_us += clock_cpu_us() - begin;
    if (train(s, &opts, t, err) < 0)
        return -1;
    s->report->sampling.judged = (int)s->lessons.n;
    s->report->sensing->training = t;
    return 0;
}

static int sensor_train_run(const struct toolbox *tools, const struct job_spec *spec, struct subject_fds fds,
                            int64_t deadline_mono_us, struct report *report, struct err *err)
{
    CLEANUP(arena_freep) struct arena *scratch = arena_new();
    struct school s = {.tools = tools,
                       .spec = spec,
                       .params = &spec->sensor.train,
                       .block = find_block(&spec->sensor),
                       .artefact = fds.artefact,
                       .deadline = deadline_mono_us,
                       .report = report,
                       .arena = scratch};

    report->sensing = arena_alloc(report->arena, sizeof *report->sensing);
    report->media = (struct media_info){.container = "", .codec = ""};
    if (!s.block)
        return FAIL(err, ERR_INPUT, "There is no learn block %lld to be trained.",
                    (long long)s.params->learn);
    if (s.block->kind != LEARN_CLASSIFIER && s.block->kind != LEARN_CLUSTERS)
        return FAIL(err, ERR_UNSUPPORTED,
                    "Only classifiers and anomaly clusters are trained here; upload a model "
                    "for the block %lld.",
                    (long long)s.params->learn);
    return teach(&s, fds.media, err);
}

const struct pipeline pipeline_sensor_train = {.name = "sensor-train", .run = sensor_train_run};
