/* What a window of an impulse costs, and a whole classification of one recording, in this process and on one
 * core. For docs/benchmarks.md.
 *
 *     sensor MODEL RECORDING [ROUNDS]
 *
 * MODEL: ONNX for 39 spectral features of 3 axes (fft 128, low-pass 4.8828 Hz), 2 s at 62.5 Hz; RECORDING:
 * whatever pipeline sensor-read reads, with axes accX, accY, accZ. Counts what it asks malloc for. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analysis/analysis.h"
#include "analysis/judge.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "infer/graph_shelf.h"
#include "media/recording.h"
#include "report/json.h"

/* ---- malloc, counted (glibc) ---- */

static size_t allocations;
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

void *malloc(size_t n)
{
    allocations++;
    return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    allocations++;
    return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    allocations++;
    return __libc_realloc(p, n);
}

/* ---- the job ---- */

static const char *const axes[] = {"accX", "accY", "accZ"}, *const labels[] = {"idle", "snake", "updown",
                                                                               "wave"};
static const struct impulse_setting settings[] = {{"fft-length", "128"},
                                                  {"filter-type", "low"},
                                                  {"filter-cutoff", "4.8828"},
                                                  {"filter-order", "6"},
                                                  {"do-fft-overlap", "false"}};
static const int64_t first_block[] = {2};
static const struct impulse_dsp dsp = {.id = 2,
                                       .type = "spectral-analysis",
                                       .version = 3,
                                       .naxes = 3,
                                       .axes = axes,
                                       .nsettings = COUNT_OF(settings),
                                       .settings = settings};
static const struct impulse_learn learn = {
    .id = 3, .kind = LEARN_CLASSIFIER, .ndsp = 1, .dsp = first_block, .nlabels = 4, .labels = labels};
static const struct impulse impulse = {.input = INPUT_SERIES,
                                       .window_ms = 2000,
                                       .step_ms = 200,
                                       .frequency = 62.5,
                                       .ndsp = 1,
                                       .dsp = &dsp,
                                       .nlearn = 1,
                                       .learn = &learn};

struct job {
    struct arena *arena;
    struct toolbox tools;
    struct job_spec spec;
    struct sensor_part parts[2];
    int fd;
};

static int fail(const struct err *err)
{
    fprintf(stderr, "sensor: %s\n", err->text);
    return -1;
}

static int add(struct job *j, size_t i, enum sensor_part_kind kind, const void *data, size_t n)
{
    j->parts[i] = (struct sensor_part){.kind = kind, .offset = j->spec.subject.size, .size = (int64_t)n};
    j->spec.subject.size += (int64_t)n;
    return pwrite(j->fd, data, n, (off_t)j->parts[i].offset) == (ssize_t)n ? 0 : -1;
}

static int add_model(struct job *j, const char *path)
{
    static char bytes[8 << 20];
    FILE *f = fopen(path, "rb");
    size_t n = f ? fread(bytes, 1, sizeof bytes, f) : 0;

    if (f)
        fclose(f);
    if (!n || add(j, 0, PART_MODEL, bytes, n) < 0)
        return -1;
    hash_hex(bytes_of(bytes, n), j->parts[0].sha256);
    return 0;
}

static int add_recording(struct job *j, const char *path)
{
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct recording_opts opts = recording_opts_defaults();
    struct recorded r;
    struct err err = {0};
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return -1;
    if (recording_read(j->arena, j->arena, fd, st.st_size, &opts, &r, &err) < 0)
        return fail(&err);
    if (add(j, 1, PART_SERIES, r.numbers, r.n * sizeof *r.numbers) < 0)
        return -1;
    j->parts[1].naxes = r.facts.naxes;
    j->parts[1].axes = axes;
    j->parts[1].frequency = 1000 / r.facts.interval_ms;
    printf("recording: %lld readings at %g Hz\n", (long long)r.facts.readings, j->parts[1].frequency);
    return 0;
}

/* ---- what is measured ---- */

static void report_row(const char *what, int64_t us, size_t n, size_t asked)
{
    printf("%-34s %8.2f us CPU, %8.0f a second, %5.2f allocations\n", what, (double)us / (double)n,
           (double)n * 1e6 / (double)us, (double)asked / (double)n);
}

enum { STAGE_FEATURES, STAGE_ALL };

static int windows(struct job *j, int stage, size_t rounds, struct err *err)
{
    CLEANUP(features_freep) struct features *f = NULL;
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(arena_freep) struct arena *w = arena_new();
    struct graph *graph;
    struct learn_result room;
    struct judge judge;
    struct taken t;
    struct made made;
    size_t n, done = 0, asked = 0, warm = 2;
    int64_t begin = 0;

    if (features_new(&f, &impulse, err) < 0 || features_open(f, a, j->fd, &j->parts[1], 0, &t, err) < 0 ||
        graph_shelf_get(j->tools.graphs, j->tools.loader, j->parts[0].sha256, j->fd, j->parts[0].offset,
                        j->parts[0].size, &graph, err) < 0 ||
        judge_open(&judge, a, &impulse, &learn, graph, err) < 0)
        return -1;
    room = judge_room(&judge, a, t.windows.count);
    for (size_t round = 0; round < rounds + warm; round++) {
        if (round == warm) {
            begin = clock_cpu_us();
            asked = allocations;
            done = 0;
        }
        for (size_t k = 0; k < t.windows.count; k++, done++) {
            const float *v;
            arena_rewind(w);
            if (features_make(f, w, &t, k, &made, err) < 0)
                return -1;
            v = features_joined(f, w, &made, &learn, &n);
            if (stage == STAGE_ALL && judge_window(&judge, a, &t, v, n, &made.of[0], k, &room, err) < 0)
                return -1;
        }
    }
    report_row(stage == STAGE_ALL ? "one window: features and model" : "one window: features",
               clock_cpu_us() - begin, done, allocations - asked);
    return 0;
}

/* As an analyst does it, with the JSON of spec and report. */
static int classify(struct job *j, const char *what, size_t rounds, struct err *err)
{
    int64_t begin = clock_cpu_us();
    size_t asked = allocations, judged = 0;

    for (size_t i = 0; i < rounds; i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct job_spec spec;
        struct report *r;
        if (spec_from_json(a, spec_to_json(a, &j->spec), &spec, err) < 0)
            return -1;
        r = report_new(a, &spec);
        analyse(&j->tools, &spec, (struct subject_fds){j->fd, -1}, r);
        if (r->error.kind != ERR_NONE)
            return FAIL(err, r->error.kind, "%s", r->error.text);
        judged += (size_t)r->sampling.judged;
        if (report_from_json(a, report_to_json(a, r), &r, err) < 0)
            return -1;
    }
    report_row(what, clock_cpu_us() - begin, rounds, allocations - asked);
    if (rounds > 1)
        printf("%zu windows in each\n", judged / rounds);
    return 0;
}

int main(int argc, char **argv)
{
    struct job j = {.arena = arena_new(), .fd = memfd_create("subject", MFD_CLOEXEC)};
    size_t rounds = argc > 3 ? (size_t)strtoul(argv[3], NULL, 10) : 500;
    struct runtime *rt;
    struct err err = {0};

    if (argc < 3 || runtime_open(&rt, NULL, &err) < 0)
        return fail(&err) < 0;
    j.tools = (struct toolbox){.loader = rt, .graphs = graph_shelf_new()};
    j.spec = job_spec_defaults();
    j.spec.pipeline = "sensor-classify";
    j.spec.sensor.impulse = impulse;
    j.spec.sensor.nparts = 2;
    j.spec.sensor.parts = j.parts;
    if (add_model(&j, argv[1]) < 0 || add_recording(&j, argv[2]) < 0)
        return 1;
    hash_hex(bytes_of("", 0), j.spec.subject.sha256);
    if (classify(&j, "classification that opens its model", 1, &err) < 0 ||
        windows(&j, STAGE_FEATURES, rounds, &err) < 0 || windows(&j, STAGE_ALL, rounds, &err) < 0 ||
        classify(&j, "classification of the recording", rounds, &err) < 0)
        return fail(&err) < 0;
    return 0;
}
