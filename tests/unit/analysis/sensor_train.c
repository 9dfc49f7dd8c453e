/* Pipeline "sensor-train": gestures are learned from real recordings, as well as from made ones; what cannot
 * be learned says why. */
#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analysis/analysis.h"
#include "analysis/lessons.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "infer/graph.h"
#include "infer/kmeans.h"
#include "media/png.h"
#include "media/recording.h"
#include "test.h"

enum { MOST = 64 };

/* A subject with recordings in it. */
struct set {
    struct arena *arena;
    int fd;
    int64_t size;
    size_t n;
    struct sensor_part parts[MOST];
};

static void set_open(struct set *s)
{
    *s = (struct set){.arena = arena_new(), .fd = memfd_create("set", MFD_CLOEXEC)};
}

static void set_clear(struct set *s)
{
    arena_freep(&s->arena);
    fd_closep(&s->fd);
}

static struct sensor_part *set_add(struct set *s, const char *label, const float *numbers, size_t n,
                                   const char *const *axes, size_t naxes, double frequency)
{
    struct sensor_part *p = &s->parts[s->n++];
    int64_t bytes = (int64_t)(n * sizeof *numbers);

    CHECK(s->n <= MOST && pwrite(s->fd, numbers, (size_t)bytes, (off_t)s->size) == bytes);
    *p = (struct sensor_part){.kind = PART_SERIES,
                              .offset = s->size,
                              .size = bytes,
                              .number = (int64_t)s->n,
                              .naxes = naxes,
                              .axes = axes,
                              .frequency = frequency,
                              .label = label};
    s->size += bytes;
    return p;
}

static const char *const xyz[] = {"accX", "accY", "accZ"};

static const char *const *names_of(struct arena *a, const struct recording *r)
{
    const char **names = arena_array(a, r->naxes + 1, sizeof *names);

    for (size_t i = 0; i < r->naxes; i++)
        names[i] = r->axes[i].name;
    return names;
}

/* "wave.01.cbor" is a wave. */
static void add_file(struct set *s, const char *dir, const char *name)
{
    struct recording_opts opts = recording_opts_defaults();
    CLEANUP(fd_closep) int fd = open(arena_printf(s->arena, "%s/%s", dir, name), O_RDONLY);
    struct recorded r = {0};
    struct err err = {0};
    struct stat st;

    CHECK(fd >= 0 && fstat(fd, &st) == 0);
    CHECK(recording_read(s->arena, s->arena, fd, st.st_size, &opts, &r, &err) == 0);
    if (r.n)
        set_add(s, arena_strndup(s->arena, name, strcspn(name, ".")), r.numbers, r.n,
                names_of(s->arena, &r.facts), r.facts.naxes, 1000 / r.facts.interval_ms);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* Those whose name begins like this ("": all), or, with a '-' before it, all others. */
static void add_folder(struct set *s, const char *folder, const char *which)
{
    const char *dir = arena_printf(s->arena, "%s/data/sensor/gestures-cbor/%s", test_shared(), folder);
    struct dirent **names = NULL;
    int n = scandir(dir, &names, NULL, by_name);

    for (int i = 0; i < n; i++) {
        const char *name = names[i]->d_name;
        bool like = text_starts(name, which + (*which == '-'));
        if (text_ends(name, ".cbor") && like == (*which != '-'))
            add_file(s, dir, name);
        free(names[i]);
    }
    free(names);
}

/* ---- the impulse of api-impulse.md, 5.4 ---- */

static const struct impulse_setting settings[] = {
    {"fft-length", "128"}, {"filter-type", "low"}, {"filter-cutoff", "4.8828"},
    {"filter-order", "6"}, {"do-log", "true"},     {"do-fft-overlap", "false"},
};
static const struct impulse_dsp dsp[] = {
    {.id = 2,
     .type = "spectral-analysis",
     .name = "Spectral",
     .version = 3,
     .naxes = 3,
     .axes = xyz,
     .nsettings = 6,
     .settings = settings},
};
static const int64_t dsp_ids[] = {2};
static const struct impulse_learn learn[] = {
    {.id = 3,
     .kind = LEARN_CLASSIFIER,
     .type = "keras",
     .name = "Gestures",
     .title = "",
     .ndsp = 1,
     .dsp = dsp_ids,
     .min_score = 0.6,
     .model = -1},
    {.id = 4,
     .kind = LEARN_CLUSTERS,
     .type = "anomaly",
     .name = "Odd",
     .title = "",
     .ndsp = 1,
     .dsp = dsp_ids,
     .min_score = 0.3,
     .model = -1},
};

static struct job_spec spec_of(const struct set *s, int64_t block)
{
    struct job_spec spec = job_spec_defaults();

    spec.pipeline = "sensor-train";
    spec.subject.size = s->size;
    spec.sensor.impulse = (struct impulse){.id = 1,
                                           .name = "motion",
                                           .input = INPUT_SERIES,
                                           .window_ms = 2000,
                                           .step_ms = 200,
                                           .frequency = 62.5,
                                           .ndsp = 1,
                                           .dsp = dsp,
                                           .nlearn = 2,
                                           .learn = learn};
    spec.sensor.nparts = s->n;
    spec.sensor.parts = s->parts;
    spec.sensor.train = train_params_defaults();
    spec.sensor.train.learn = block;
    return spec;
}

struct taught {
    struct report *report;
    struct training *training; /* NULL: failed */
    struct bytes model;
    struct err err;
    int steps, planned;
    double seconds;
};

static void count_step(void *arg, int done, int planned)
{
    struct taught *t = arg;

    CHECK(done >= t->steps && done <= planned);
    t->steps = done;
    t->planned = planned;
}

static int teach(const struct set *s, const struct job_spec *spec, int64_t deadline, struct taught *ret)
{
    CLEANUP(fd_closep) int artefact = memfd_create("model", MFD_CLOEXEC);
    const struct pipeline *p = pipeline_find("sensor-train");
    struct toolbox tools = {.progress = count_step, .progress_arg = ret};
    int64_t begin = clock_cpu_us();
    off_t n;
    int r;

    *ret = (struct taught){.report = report_new(s->arena, spec)};
    r = p->run(&tools, spec, (struct subject_fds){s->fd, artefact}, deadline, ret->report, &ret->err);
    ret->seconds = (double)(clock_cpu_us() - begin) / 1e6;
    ret->training = ret->report->sensing ? ret->report->sensing->training : NULL;
    n = lseek(artefact, 0, SEEK_END);
    if (n > 0) {
        void *bytes = arena_alloc(s->arena, (size_t)n);
        CHECK(pread(artefact, bytes, (size_t)n, 0) == n);
        ret->model = bytes_of(bytes, (size_t)n);
    }
    return r;
}

static void print_confusion(const struct training *t)
{
    for (size_t i = 0; i < t->nlabels; i++) {
        printf("#   %-8s", t->labels[i]);
        for (size_t k = 0; k < t->nlabels; k++)
            printf(" %5lld", (long long)t->confusion[i * t->nlabels + k]);
        printf("\n");
    }
}

/* ---- real gestures ---- */

static void check_model(const struct set *s, const struct job_spec *spec, const struct taught *t);

static void learns_gestures(void)
{
    CLEANUP(set_clear) struct set s;
    struct taught t;
    struct job_spec spec;
    int64_t sum = 0;

    if (!test_shared())
        SKIP("no development data");
    set_open(&s);
    add_folder(&s, "training", "");
    add_folder(&s, "testing", "-shake");
    CHECK_INT(s.n, 25);
    spec = spec_of(&s, 3);
    CHECK(teach(&s, &spec, 0, &t) == 0);
    CHECK_STR(t.err.text, "");
    if (!t.training)
        return;
    printf("# %lld windows trained on, %lld held out: accuracy %.4f (%.4f), loss %.4f (%.4f), %.3f s\n",
           (long long)t.training->ntrain, (long long)t.training->nheld, t.training->accuracy,
           t.training->train_accuracy, t.training->loss, t.training->train_loss, t.seconds);
    print_confusion(t.training);
    CHECK_INT(t.training->nlabels, 4);
    CHECK_STR(t.training->labels[0], "idle");
    CHECK_STR(t.training->labels[3], "wave");
    CHECK_INT(t.training->nfeatures, 39);
    CHECK(t.training->nheld > 100 && t.training->ntrain > 500);
    CHECK(t.training->accuracy >= 0.95);
    for (size_t i = 0; i < 16; i++)
        sum += t.training->confusion[i];
    CHECK_INT(sum, t.training->nheld);
    CHECK_INT(t.steps, t.planned);
    CHECK(t.model.len > 1000);
    check_model(&s, &spec, &t);
    CHECK(t.seconds < 20);
}

static void clusters_know_what_is_odd(void)
{
    CLEANUP(set_clear) struct set s, odd;
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const struct impulse_learn *b;
    double sum = 0, least = 1e9, most = -1e9;
    struct lessons_opts opts;
    struct lessons shake;
    struct job_spec spec;
    struct taught t;
    struct err err = {0};

    if (!test_shared())
        SKIP("no development data");
    set_open(&s);
    set_open(&odd);
    add_folder(&s, "training", "");
    add_folder(&s, "testing", "-shake");
    add_folder(&odd, "testing", "shake");
    spec = spec_of(&s, 4);
    CHECK(teach(&s, &spec, 0, &t) == 0);
    CHECK_STR(t.err.text, "");
    if (!t.training)
        return;
    b = &t.training->block;
    CHECK_INT(b->nchosen, 3); /* the RMS of each axis */
    CHECK(b->chosen[0] == 0 && b->chosen[1] == 13 && b->chosen[2] == 26);
    CHECK(b->nclusters > 0 && b->nclusters <= 32 && !t.model.len);
    printf("# %zu clusters; held out: %.4f inside, mean score %.3f; trained on: %.4f, %.3f; %.3f s\n",
           b->nclusters, t.training->accuracy, t.training->loss, t.training->train_accuracy,
           t.training->train_loss, t.seconds);
    CHECK(t.training->train_accuracy == 1 && t.training->train_loss < 0);
    opts = (struct lessons_opts){
        .impulse = &spec.sensor.impulse, .block = b, .nparts = odd.n, .parts = odd.parts, .labelled = false};
    CHECK(lessons_read(a, odd.fd, &opts, &shake, &err) == 0);
    for (size_t i = 0; i < shake.n; i++) {
        float z[3];
        double score;
        for (size_t k = 0; k < 3; k++)
            z[k] = (shake.features[i * shake.nfeatures + (size_t)b->chosen[k]] - b->mean[k]) / b->dev[k];
        score = kmeans_score(b->clusters, b->nclusters, z, 3);
        sum += score;
        least = fmin(least, score);
        most = fmax(most, score);
    }
    printf("# shake: %zu windows, score %.2f to %.2f, mean %.2f\n", shake.n, least, most,
           sum / (double)shake.n);
    CHECK(shake.n > 20 && least > 0.5 && least > t.training->loss + 0.5);
}

/* ---- a real coffee machine ---- */

/* Labels along each recording, which its folder's list has. */
static void label_recording(struct set *s, struct sensor_part *p, yyjson_val *labels)
{
    struct sensor_stretch *all = arena_array(s->arena, yyjson_arr_size(labels), sizeof *all);
    yyjson_val *label;
    size_t i, n;

    yyjson_arr_foreach (labels, i, n, label)
        all[i] = (struct sensor_stretch){json_int(label, "startIndex", 0), json_int(label, "endIndex", 0),
                                         json_str(s->arena, label, "label", "")};
    p->stretches = all;
    p->nstretches = yyjson_arr_size(labels);
}

static void add_coffee(struct set *s)
{
    const char *dir = arena_printf(s->arena, "%s/data/sensor/coffee-multilabel", test_shared());
    CLEANUP(json_freep)
    yyjson_doc *doc = yyjson_read_file(arena_printf(s->arena, "%s/info.labels", dir), 0, NULL, NULL);
    yyjson_val *file;
    size_t i, n;

    yyjson_arr_foreach (yyjson_obj_get(yyjson_doc_get_root(doc), "files"), i, n, file) {
        const char *path = json_str(s->arena, file, "path", "");
        add_file(s, dir, path);
        s->parts[s->n - 1].label = NULL;
        label_recording(s, &s->parts[s->n - 1], yyjson_obj_get(yyjson_obj_get(file, "label"), "labels"));
    }
}

static void learns_what_a_machine_does(void)
{
    static const struct impulse_dsp newest = {
        .id = 2, .type = "spectral-analysis", .name = "", .naxes = 3, .axes = xyz};
    CLEANUP(set_clear) struct set s;
    struct taught t;
    struct job_spec spec;

    if (!test_shared())
        SKIP("no development data");
    set_open(&s);
    add_coffee(&s);
    CHECK_INT(s.n, 11);
    spec = spec_of(&s, 3);
    spec.sensor.impulse.frequency = 198.6131839;
    spec.sensor.impulse.window_ms = 1000;
    spec.sensor.impulse.step_ms = 250;
    spec.sensor.impulse.dsp = &newest;
    CHECK(teach(&s, &spec, 0, &t) == 0);
    CHECK_STR(t.err.text, "");
    if (!t.training)
        return;
    printf("# %lld windows trained on, %lld held out: accuracy %.4f (%.4f), loss %.4f (%.4f), %.3f s\n",
           (long long)t.training->ntrain, (long long)t.training->nheld, t.training->accuracy,
           t.training->train_accuracy, t.training->loss, t.training->train_loss, t.seconds);
    print_confusion(t.training);
    CHECK_INT(t.training->nlabels, 4);
    CHECK(t.training->accuracy > 0.85);
}

/* ---- made recordings ---- */

/* A tone of its own for each label, with noise; `n` readings of one axis at 62.5 Hz. */
static const char *const one_axis[] = {"accX"};
static struct sensor_part *add_tone(struct set *s, const char *label, double hz, size_t n)
{
    float *v = arena_array(s->arena, n, sizeof *v);
    uint32_t state = (uint32_t)s->n * 77u + 1u;

    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        v[i] = (float)(sin(2 * M_PI * hz * (double)i / 62.5 + (double)s->n) +
                       (double)(state >> 16) / 65536 * 0.2);
    }
    return set_add(s, label, v, n, one_axis, 1, 62.5);
}

static struct impulse_dsp dsp_one = {
    .id = 2, .type = "spectral-analysis", .name = "", .version = 4, .naxes = 1, .axes = one_axis};

static struct job_spec tones_spec(const struct set *s, int64_t block)
{
    struct job_spec spec = spec_of(s, block);

    spec.sensor.impulse.dsp = &dsp_one;
    return spec;
}

static void add_tones(struct set *s, int of_each)
{
    for (int i = 0; i < of_each; i++) {
        add_tone(s, "slow", 2, 300);
        add_tone(s, "fast", 9, 300);
    }
}

/* What was written runs, and says of every window what was said in training. */
static void check_model(const struct set *s, const struct job_spec *spec, const struct taught *t)
{
    CLEANUP(runtime_freep) struct runtime *rt = NULL;
    CLEANUP(graph_freep) struct graph *g = NULL;
    struct lessons_opts opts = {.impulse = &spec->sensor.impulse,
                                .block = &learn[0],
                                .nparts = s->n,
                                .parts = s->parts,
                                .labelled = true};
    const char *root = getenv("ASSAY_ROOT"),
               *path = arena_printf(s->arena, "%s/.deps/lib/libonnxruntime.so.1", root ? root : ".");
    struct lessons l;
    struct err err = {0};
    size_t right = 0, n = 0;

    if (runtime_open(&rt, access(path, R_OK) == 0 ? path : NULL, &err) < 0) {
        printf("# %s\n", err.text);
        return;
    }
    CHECK(lessons_read(s->arena, s->fd, &opts, &l, &err) == 0 && graph_open(&g, rt, t->model, &err) == 0);
    CHECK_STR(err.text, "");
    for (size_t i = 0; g && i < l.n; i++) {
        const float *p;
        size_t said = 0;
        memcpy(graph_in(g, 0), l.features + i * l.nfeatures, l.nfeatures * sizeof *l.features);
        CHECK(graph_run(g, 0, &err) == 0);
        p = graph_out(g, 0, &n);
        CHECK_INT(n, l.nlabels);
        for (size_t k = 1; k < n; k++)
            said = p[k] > p[said] ? k : said;
        right += (int)said == l.labels[i];
    }
    CHECK_NEAR((double)right,
               t->training->accuracy * (double)t->training->nheld +
                   t->training->train_accuracy * (double)t->training->ntrain,
               0.01);
}

static void learns_tones(void)
{
    CLEANUP(set_clear) struct set s;
    struct taught t, again;
    struct job_spec spec;

    set_open(&s);
    add_tones(&s, 6);
    spec = tones_spec(&s, 3);
    CHECK(teach(&s, &spec, 0, &t) == 0 && t.training);
    CHECK_STR(t.err.text, "");
    if (!t.training)
        return;
    CHECK_INT(t.training->ntrain + t.training->nheld, 12 * 15);
    CHECK_INT(t.training->nheld, 2 * 15); /* one recording of each */
    CHECK(t.training->accuracy > 0.99);
    CHECK_STR(t.training->block.labels[1], "slow");
    check_model(&s, &spec, &t);
    CHECK(teach(&s, &spec, 0, &again) == 0);
    CHECK(again.model.len == t.model.len && t.model.len > 0);
    CHECK(memcmp(again.model.data, t.model.data, t.model.len) == 0);
    spec.sensor.train.seed = 5;
    CHECK(teach(&s, &spec, 0, &again) == 0);
    CHECK(memcmp(again.model.data, t.model.data, t.model.len) != 0);
}

/* Half of each recording is one, half the other. */
static void learns_from_stretches(void)
{
    CLEANUP(set_clear) struct set s;
    static const struct sensor_stretch first[] = {{0, 499, "slow"}};
    struct taught t;
    struct job_spec spec;

    set_open(&s);
    for (int i = 0; i < 4; i++) {
        struct sensor_part *p = add_tone(&s, NULL, i % 2 ? 2 : 9, 500);
        struct sensor_stretch *all = arena_array(s.arena, 2, sizeof *all);
        all[0] = (struct sensor_stretch){0, 249, i % 2 ? "slow" : "fast"};
        all[1] = (struct sensor_stretch){250, 499, i % 2 ? "slow" : "fast"};
        p->nstretches = i == 3 ? 1 : 2;
        p->stretches = i == 3 ? first : all;
    }
    spec = tones_spec(&s, 3);
    CHECK(teach(&s, &spec, 0, &t) == 0 && t.training);
    CHECK_STR(t.err.text, "");
    if (t.training)
        CHECK_INT(t.training->nlabels, 2);
}

/* The same tones recorded at twice the frequency are another recording of the same thing. */
static void resamples(void)
{
    CLEANUP(set_clear) struct set s;
    struct taught t;
    struct job_spec spec;

    set_open(&s);
    add_tones(&s, 4);
    for (size_t i = 0; i < s.n; i++)
        s.parts[i].frequency = 125;
    spec = tones_spec(&s, 3);
    CHECK(teach(&s, &spec, 0, &t) == 0 && t.training);
    if (t.training)
        CHECK_INT(t.training->ntrain + t.training->nheld, 8 * 3); /* 150 readings are left of each */
}

/* A picture of one colour with noise. */
static void add_picture_of(struct set *s, const char *label, uint8_t blue, uint8_t red)
{
    CLEANUP(fd_closep) int fd = memfd_create("picture", MFD_CLOEXEC);
    enum { SIDE = 24 };
    uint8_t pixels[SIDE * SIDE * 3];
    struct picture p = {SIDE, SIDE, 3, pixels};
    uint32_t state = (uint32_t)s->n + 1;
    struct err err = {0};
    off_t n;

    for (size_t i = 0; i < sizeof pixels; i++) {
        state = state * 1664525u + 1013904223u;
        pixels[i] = (uint8_t)((i % 3 == 0 ? blue : i % 3 == 2 ? red : 60) + (state >> 27));
    }
    CHECK(png_write(fd, &p, &err) == 0);
    n = lseek(fd, 0, SEEK_END);
    CHECK(n > 0 && n < 8192);
    for (off_t at = 0; at < n; at++) {
        char c;
        CHECK(pread(fd, &c, 1, at) == 1 && pwrite(s->fd, &c, 1, (off_t)s->size + at) == 1);
    }
    s->parts[s->n++] = (struct sensor_part){
        .kind = PART_PICTURE, .offset = s->size, .size = n, .number = (int64_t)s->n + 1, .label = label};
    s->size += n;
}

static void learns_pictures(void)
{
    static const struct impulse_dsp image = {.id = 2, .type = "image", .name = ""};
    CLEANUP(set_clear) struct set s;
    struct job_spec spec;
    struct taught t;

    set_open(&s);
    for (int i = 0; i < 10; i++) {
        add_picture_of(&s, "red", 60, 180);
        add_picture_of(&s, "blue", 180, 60);
    }
    spec = spec_of(&s, 3);
    spec.sensor.impulse.input = INPUT_PICTURE;
    spec.sensor.impulse.width = spec.sensor.impulse.height = 8;
    spec.sensor.impulse.fit = FIT_SQUASH;
    spec.sensor.impulse.dsp = &image;
    CHECK(teach(&s, &spec, 0, &t) == 0 && t.training);
    CHECK_STR(t.err.text, "");
    if (!t.training)
        return;
    CHECK_INT(t.training->nfeatures, 8 * 8 * 3);
    CHECK_INT(t.training->nheld, 4);
    CHECK_NEAR(t.training->accuracy, 1, 0);
    check_model(&s, &spec, &t);
}

static void holds_out_the_same_again(void)
{
    CLEANUP(set_clear) struct set s;
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct lessons one, two;
    struct lessons_opts opts;
    struct job_spec spec;
    struct err err = {0};
    int held = 0;

    set_open(&s);
    add_tones(&s, 20);
    spec = tones_spec(&s, 3);
    opts = (struct lessons_opts){&spec.sensor.impulse, &learn[0], s.n, s.parts, 0.2, true, 0, NULL, NULL, 0};
    CHECK(lessons_read(a, s.fd, &opts, &one, &err) == 0 && lessons_read(a, s.fd, &opts, &two, &err) == 0);
    for (size_t i = 0; i < s.n; i++) {
        held += one.held[i];
        CHECK(one.held[i] == two.held[i]);
    }
    CHECK_INT(held, 8); /* 4 of each label */
    opts.held = 0;
    CHECK(lessons_read(a, s.fd, &opts, &one, &err) == 0);
    for (size_t i = 0; i < s.n; i++)
        CHECK(!one.held[i]);
}

/* ---- what cannot be trained ---- */

static void add_same(struct set *s)
{
    add_tone(s, "slow", 2, 300);
    add_tone(s, "slow", 2, 300);
}

static void add_unlabelled(struct set *s)
{
    add_tone(s, NULL, 2, 300);
}

static void add_short(struct set *s)
{
    add_tone(s, "slow", 2, 100);
    add_tone(s, "fast", 2, 124);
}

static void add_one_short(struct set *s)
{
    add_tones(s, 2);
    add_tone(s, "brief", 2, 100);
}

static void add_few(struct set *s)
{
    add_tone(s, "slow", 2, 150);
    add_tone(s, "fast", 9, 150);
}

static void add_other_axis(struct set *s)
{
    static const char *const other[] = {"gyrX"};

    add_tones(s, 2);
    add_tone(s, "slow", 2, 300)->axes = other;
}

static void add_picture(struct set *s)
{
    add_tones(s, 2);
    add_tone(s, "slow", 2, 300)->kind = PART_PICTURE;
}

static void add_cut_off(struct set *s)
{
    add_tones(s, 2);
    s->parts[1].offset += 400;
    s->parts[3].offset += 400;
}

static void says_what_is_missing(void)
{
    static const struct {
        void (*add)(struct set *s);
        int64_t block;
        enum err_kind kind;
        const char *says;
    } rows[] = {
        {add_same, 3, ERR_INPUT, "at least two different labels; here all are \"slow\"."},
        {add_unlabelled, 3, ERR_INPUT, "at least two different labels; here all are without any."},
        {add_short, 3, ERR_INPUT, "no recording is as long as a window (2000 ms)"},
        {add_short, 4, ERR_INPUT, "no recording is as long as a window (2000 ms)"},
        {add_one_short, 3, ERR_INPUT, "No window is labelled \"brief\""},
        {add_few, 3, ERR_INPUT, "too few windows to train on: 6"},
        {add_other_axis, 3, ERR_INPUT, "Recording 5: the recording has no axis \"accX\""},
        {add_picture, 3, ERR_INPUT,
         "Recording 5: the impulse judges series of readings, and this is a picture"},
        {add_cut_off, 3, ERR_IO, "Recording 4: the recording cannot be read"},
        {add_same, 9, ERR_INPUT, "no learn block 9"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(set_clear) struct set s;
        struct job_spec spec;
        struct taught t;

        set_open(&s);
        rows[i].add(&s);
        spec = tones_spec(&s, rows[i].block);
        CHECK(teach(&s, &spec, 0, &t) < 0 && !t.training && !t.model.len);
        CHECK_INT(t.err.kind, rows[i].kind);
        CHECK(strstr(t.err.text, rows[i].says));
        ROW("%s: %s", rows[i].says, t.err.text);
    }
}

static void keeps_the_deadline(void)
{
    CLEANUP(set_clear) struct set s;
    struct job_spec spec;
    struct taught t;

    set_open(&s);
    add_tones(&s, 2);
    spec = tones_spec(&s, 3);
    CHECK(teach(&s, &spec, clock_mono_us() - 1, &t) < 0);
    CHECK_INT(t.err.kind, ERR_TIMEOUT);
    spec.sensor.train.epochs = 10000;
    CHECK(teach(&s, &spec, clock_mono_us() + 100000, &t) < 0);
    CHECK_INT(t.err.kind, ERR_TIMEOUT);
    CHECK(strstr(t.err.text, "of 10000 epochs"));
}

int main(void)
{
    RUN(learns_gestures);
    RUN(clusters_know_what_is_odd);
    RUN(learns_what_a_machine_does);
    RUN(learns_tones);
    RUN(learns_from_stretches);
    RUN(resamples);
    RUN(learns_pictures);
    RUN(holds_out_the_same_again);
    RUN(says_what_is_missing);
    RUN(keeps_the_deadline);
    return test_end();
}
