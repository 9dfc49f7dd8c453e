/* Impulses behind the walls: nothing that opening a model, features or pictures need may be forbidden there.
 * With the real pipelines. */
#include <math.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "infer/convert.h"
#include "lab/lab.h"
#include "test.h"

enum { PATIENCE_US = 60000000, READINGS = 640 };

struct outcome {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
    struct err lab_error, report_error, recording_error;
    size_t windows;
    double first;
    int64_t cpu_us;
};

static void note_done(void *arg, const struct lab_result *result)
{
    struct outcome *o = arg;
    const struct sensing *s = result->report ? result->report->sensing : NULL;

    pthread_mutex_lock(&o->lock);
    o->done = true;
    o->lab_error = result->error;
    if (result->report) {
        o->report_error = result->report->error;
        o->cpu_us = result->report->infer_us;
    }
    if (s && s->nresults) {
        o->recording_error = s->results[0].error;
        o->windows = s->results[0].nwindows;
        if (o->windows && s->results[0].learn[0].scores)
            o->first = (double)s->results[0].learn[0].scores[0];
    }
    pthread_cond_broadcast(&o->changed);
    pthread_mutex_unlock(&o->lock);
}

static const char *runtime_path(void)
{
    static char path[4096];
    const char *root = getenv("ASSAY_ROOT");

    snprintf(path, sizeof path, "%s/.deps/lib/libonnxruntime.so.1", root ? root : ".");
    return access(path, R_OK) == 0 ? path : NULL;
}

static struct lab *open_lab(void)
{
    struct lab_opts opts = lab_opts_defaults();
    struct lab *lab = NULL;
    struct err err = {0};

    opts.analysts = 1;
    opts.runtime = runtime_path();
    CHECK(lab_start(&lab, &opts, &err) == 0);
    CHECK(lab_wait_ready(lab, clock_mono_us() + PATIENCE_US, &err) == 0);
    CHECK_STR(err.text, "");
    return lab;
}

static void run(struct lab *lab, const struct job_spec *spec, int fd, struct outcome *o)
{
    struct lab_task task = {.spec = *spec, .subject_fd = fd, .artefact_fd = -1, .done = note_done, .arg = o};
    struct err err = {0};

    *o = (struct outcome){.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    while (lab_run(lab, &task, &err) < 0 && err.kind == ERR_BUSY)
        usleep(2000);
    pthread_mutex_lock(&o->lock);
    while (!o->done)
        pthread_cond_wait(&o->changed, &o->lock);
    pthread_mutex_unlock(&o->lock);
}

static struct bytes a_model(struct arena *a, size_t in)
{
    float *weights = arena_array(a, in, sizeof *weights);
    static const float bias[] = {0};
    const struct dense_layer layer = {in, 1, weights, bias, DENSE_LINEAR};

    weights[0] = 1;
    return dense_to_onnx(a, &(struct dense_net){.nlayers = 1, .layers = &layer});
}

static const char *const one_axis[] = {"v"};
static const struct impulse_setting settings[] = {{"filter-type", "low"}, {"filter-cutoff", "10"}};
static const struct impulse_dsp dsp = {
    .id = 1, .type = "spectral-analysis", .version = 4, .nsettings = 2, .settings = settings};
static const int64_t ids[] = {1};
static const struct impulse_learn learn = {.id = 2, .kind = LEARN_REGRESSION, .ndsp = 1, .dsp = ids};

static struct job_spec a_spec(const struct sensor_part *parts, int64_t size)
{
    struct job_spec spec = job_spec_defaults();

    spec.id = "665f1c2e9d3b4a0012345678";
    spec.pipeline = "sensor-classify";
    spec.subject.name = "parts";
    spec.subject.size = size;
    memset(spec.subject.sha256, 'a', HASH_HEX - 1);
    spec.sensor.impulse = (struct impulse){.input = INPUT_SERIES,
                                           .window_ms = 1000,
                                           .step_ms = 500,
                                           .frequency = 64,
                                           .ndsp = 1,
                                           .dsp = &dsp,
                                           .nlearn = 1,
                                           .learn = &learn};
    spec.sensor.nparts = 2;
    spec.sensor.parts = parts;
    return spec;
}

/* Twice: the second time the model is open already. The recording is resampled from twice the frequency. */
static void models_open_and_run_inside(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(fd_closep) int fd = memfd_create("parts", MFD_CLOEXEC);
    struct bytes model = a_model(a, 5 + 3);
    struct sensor_part parts[2] = {{.kind = PART_MODEL, .size = (int64_t)model.len},
                                   {.kind = PART_SERIES,
                                    .offset = (int64_t)model.len,
                                    .size = READINGS * (int64_t)sizeof(float),
                                    .number = 1,
                                    .naxes = 1,
                                    .axes = one_axis,
                                    .frequency = 128}};
    struct job_spec spec = a_spec(parts, parts[1].offset + parts[1].size);
    struct lab *lab = open_lab();
    float v[READINGS];

    for (int i = 0; i < READINGS; i++)
        v[i] = (float)sin(i * 2 * M_PI * 4 / 128) * 2;
    CHECK(pwrite(fd, model.data, model.len, 0) == (ssize_t)model.len);
    CHECK(pwrite(fd, v, sizeof v, (off_t)model.len) == (ssize_t)sizeof v);
    hash_hex(model, parts[0].sha256);
    for (int round = 0; round < 2; round++) {
        struct outcome o;
        run(lab, &spec, fd, &o);
        CHECK_STR(o.lab_error.text, "");
        CHECK_STR(o.report_error.text, "");
        CHECK_STR(o.recording_error.text, "");
        CHECK_INT(o.windows, 9);
        CHECK_NEAR(o.first, sqrt(2), 0.3); /* the root mean square */
        printf("# %lld us\n", (long long)o.cpu_us);
    }
    CHECK_INT(lab_stats(lab).crashed, 0);
    lab_stop(lab);
}

int main(int argc, char **argv)
{
    if (argc > 1 && text_is(argv[1], "keeper"))
        return keeper_main(&(struct program_ref){"0", ""});
    log_setup(LOG_ERROR, false);
    RUN(models_open_and_run_inside);
    return test_end();
}
