/* onnx_run: runs an ONNX file in ONNX Runtime as the product does (one thread, all optimisations), to compare
 * another implementation with it (models/train/onnx_torch.py).
 *
 *     onnx_run [--optimized FILE] [--runs N] MODEL.onnx FOLDER [NAME SHAPE FILE]...
 *
 * Each input is a name, its shape ("1,3,320,320") and a file of float32. Every output is written to a file in
 * FOLDER and told in a line "FILE SHAPE NAME"; int64 and int8 outputs are written as float32, too.
 * --optimized writes the graph that the runtime really runs: there one sees which operators it fused. --runs
 * N (1) runs again and tells best and median CPU time in milliseconds, in a line "cpu BEST MEDIAN". */
#include <dlfcn.h>
#include <onnxruntime_c_api.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/c23.h"
#include "base/text.h"
#include "infer/model.h"

enum { PORTS = 64, DIMS = 8, MAX_RUNS = 10000 };

struct port {
    char *name;
    int64_t dims[DIMS];
    size_t ndims;
    OrtValue *value;
};

struct job {
    struct arena *arena;
    const OrtApi *api;
    OrtSession *session;
    OrtMemoryInfo *memory;
    const char *optimized, *model, *folder;
    int runs;
    size_t ninputs, noutputs;
    struct port inputs[PORTS], outputs[PORTS];
};

static void stop(const char *what, const char *why)
{
    fprintf(stderr, "onnx_run: %s: %s\n", what, why);
    exit(1);
}

static void must(const struct job *j, OrtStatus *status, const char *what)
{
    if (status)
        stop(what, j->api->GetErrorMessage(status));
}

/* ---- loading ---- */

static const OrtApi *open_runtime(struct arena *a)
{
    const char *path = runtime_find(a);
    void *library = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    void *symbol = library ? dlsym(library, "OrtGetApiBase") : NULL;
    const OrtApiBase *(*base)(void);

    if (!symbol)
        stop("ONNX Runtime", "not found; run tools/deps");
    memcpy(&base, &symbol, sizeof base);
    return base()->GetApi(ORT_API_VERSION);
}

static void open_session(struct job *j)
{
    OrtSessionOptions *o;
    OrtEnv *env;

    must(j, j->api->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "onnx_run", &env), "environment");
    must(j, j->api->CreateSessionOptions(&o), "options");
    must(j, j->api->SetIntraOpNumThreads(o, 1), "options");
    must(j, j->api->SetInterOpNumThreads(o, 1), "options");
    must(j, j->api->SetSessionGraphOptimizationLevel(o, ORT_ENABLE_ALL), "options");
    if (j->optimized)
        must(j, j->api->SetOptimizedModelFilePath(o, j->optimized), "options");
    must(j, j->api->CreateSession(env, j->model, o, &j->session), j->model);
    must(j, j->api->CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &j->memory), "memory");
}

/* ---- inputs and outputs ---- */

static size_t read_shape(const char *text, struct port *p)
{
    size_t n = 1;
    char *end;

    for (; p->ndims < DIMS; text = end + 1) {
        p->dims[p->ndims] = strtoll(text, &end, 10);
        n *= (size_t)p->dims[p->ndims++];
        if (*end != ',')
            return n;
    }
    return n;
}

static void add_input(struct job *j, char *name, const char *shape, const char *path)
{
    struct port *p = &j->inputs[j->ninputs++];
    size_t n = read_shape(shape, p);
    float *data = arena_alloc(j->arena, n * sizeof *data);
    FILE *f = fopen(path, "rb");

    p->name = name;
    if (!f || fread(data, sizeof *data, n, f) != n)
        stop(path, "cannot be read, or is too short");
    fclose(f);
    must(j,
         j->api->CreateTensorWithDataAsOrtValue(j->memory, data, n * sizeof *data, p->dims, p->ndims,
                                                ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &p->value),
         name);
}

static void name_outputs(struct job *j)
{
    OrtAllocator *allocator;

    must(j, j->api->GetAllocatorWithDefaultOptions(&allocator), "memory");
    must(j, j->api->SessionGetOutputCount(j->session, &j->noutputs), "outputs");
    if (j->noutputs > PORTS)
        stop(j->model, "too many outputs");
    for (size_t i = 0; i < j->noutputs; i++)
        must(j, j->api->SessionGetOutputName(j->session, i, allocator, &j->outputs[i].name), "outputs");
}

static float as_float(const void *data, ONNXTensorElementDataType type, size_t i)
{
    if (type == ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64)
        return (float)((const int64_t *)data)[i];
    if (type == ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8)
        return (float)((const int8_t *)data)[i];
    if (type == ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8)
        return (float)((const uint8_t *)data)[i];
    return ((const float *)data)[i];
}

static void write_output(struct job *j, size_t number)
{
    struct port *p = &j->outputs[number];
    const char *path = arena_printf(j->arena, "%s/output%zu", j->folder, number);
    FILE *f = fopen(path, "wb");
    OrtTensorTypeAndShapeInfo *info;
    ONNXTensorElementDataType type;
    void *data;
    size_t n;

    must(j, j->api->GetTensorTypeAndShape(p->value, &info), p->name);
    must(j, j->api->GetTensorElementType(info, &type), p->name);
    must(j, j->api->GetDimensionsCount(info, &p->ndims), p->name);
    must(j, j->api->GetDimensions(info, p->dims, p->ndims < DIMS ? p->ndims : DIMS), p->name);
    must(j, j->api->GetTensorShapeElementCount(info, &n), p->name);
    must(j, j->api->GetTensorMutableData(p->value, &data), p->name);
    if (!f)
        stop(path, "cannot be written");
    for (size_t i = 0; i < n; i++) {
        float value = as_float(data, type, i);
        fwrite(&value, sizeof value, 1, f);
    }
    fclose(f);
    printf("%s ", path);
    for (size_t i = 0; i < p->ndims; i++)
        printf("%s%lld", i ? "," : "", (long long)p->dims[i]);
    printf(" %s\n", p->name);
}

/* ---- running ---- */

static double cpu_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void run(struct job *j)
{
    const char *in[PORTS], *out[PORTS];
    const OrtValue *values[PORTS];
    OrtValue *results[PORTS] = {0};
    double *times = arena_alloc(j->arena, (size_t)j->runs * sizeof *times);

    for (size_t i = 0; i < j->ninputs; i++) {
        in[i] = j->inputs[i].name;
        values[i] = j->inputs[i].value;
    }
    for (size_t i = 0; i < j->noutputs; i++)
        out[i] = j->outputs[i].name;
    for (int k = 0; k < j->runs; k++) {
        double start = cpu_ms();
        must(j, j->api->Run(j->session, NULL, in, values, j->ninputs, out, j->noutputs, results), "the run");
        times[k] = cpu_ms() - start;
    }
    for (size_t i = 0; i < j->noutputs; i++)
        j->outputs[i].value = results[i];
    qsort(times, (size_t)j->runs, sizeof *times, by_size);
    if (j->runs > 1)
        printf("cpu %.3f %.3f\n", times[0], times[j->runs / 2]);
}

static int read_options(struct job *j, int argc, char **argv)
{
    int i = 1;

    for (; i + 1 < argc && argv[i][0] == '-'; i += 2)
        if (text_is(argv[i], "--optimized"))
            j->optimized = argv[i + 1];
        else if (text_is(argv[i], "--runs"))
            j->runs = atoi(argv[i + 1]);
        else
            stop(argv[i], "no such option");
    if (i + 2 > argc || (argc - i - 2) % 3 || (argc - i - 2) / 3 > PORTS || j->runs < 1 || j->runs > MAX_RUNS)
        stop("usage", "onnx_run [--optimized FILE] [--runs N] MODEL.onnx FOLDER [NAME SHAPE FILE]...");
    j->model = argv[i];
    j->folder = argv[i + 1];
    return i + 2;
}

int main(int argc, char **argv)
{
    struct job j = {.arena = arena_new(), .runs = 1};
    int first = read_options(&j, argc, argv);

    setenv("ORT_DISABLE_TELEMETRY", "1", 1);
    setenv("ORT_TELEMETRY_DISABLED", "1", 1);
    j.api = open_runtime(j.arena);
    if (!j.api)
        stop("ONNX Runtime", "too old");
    open_session(&j);
    for (int i = first; i < argc; i += 3)
        add_input(&j, argv[i], argv[i + 1], argv[i + 2]);
    name_outputs(&j);
    run(&j);
    for (size_t i = 0; i < j.noutputs; i++)
        write_output(&j, i);
    arena_freep(&j.arena);
    return 0;
}
