#include <dlfcn.h>
#include <limits.h>
#include <onnxruntime_c_api.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "infer/file_int.h"
#include "infer/model.h"
#include "infer/session_int.h"
#include "infer/task_int.h"

struct runtime {
    void *library;
    const OrtApi *api;
    const char *version; /* of the library's */
    OrtEnv *env;
    OrtMemoryInfo *memory;
};

struct model {
    const struct card *card;
    const struct runtime *rt;
    OrtSession *session;
    struct tensor input, outputs[CARD_MAX_OUTPUTS];          /* own the data */
    OrtValue *input_value, *output_values[CARD_MAX_OUTPUTS]; /* views of it */
    struct tensor feeds[CARD_MAX_FEEDS];                     /* states; they own the data, too */
    int64_t constants[CARD_MAX_FEEDS];
    OrtValue *feed_values[CARD_MAX_FEEDS];
};

/* ---- the library ---- */

/* Where a library of ours may lie, seen from the folder of the program: an installation, then build folders
 * (build/assay and programs deeper in it). */
static const char *const near_program[] = {"", "../lib/assay", "../.deps/lib", "../../.deps/lib"};
static const char *const soname = "libonnxruntime.so.1";
static const char *const system_names[] = {"libonnxruntime.so.1", "libonnxruntime.so"};

static const char *program_dir(struct arena *a)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);

    if (n <= 0)
        return NULL;
    path[n] = '\0';
    *strrchr(path, '/') = '\0';
    return arena_strdup(a, path);
}

static const char *find_near_program(struct arena *a)
{
    const char *dir = program_dir(a);

    for (size_t i = 0; dir && i < COUNT_OF(near_program); i++) {
        const char *path = arena_printf(a, "%s/%s/%s", dir, near_program[i], soname);
        if (access(path, R_OK) == 0)
            return path;
    }
    return NULL;
}

const char *runtime_find(struct arena *a)
{
    const char *path = find_near_program(a);

    for (size_t i = 0; !path && i < COUNT_OF(system_names); i++) {
        void *library = dlopen(system_names[i], RTLD_LAZY | RTLD_LOCAL);
        if (library) {
            path = system_names[i];
            dlclose(library);
        }
    }
    return path;
}

/* The official builds from 1.29 on report home: a thread, a device number and a database in the user's cache
 * folder, and uploads. These variables stop all of it, but only when they are set before the library starts;
 * the call DisableTelemetryEvents comes too late. (The name differs between versions.) */
static void forbid_telemetry(void)
{
    static const char *const switches[] = {"ORT_DISABLE_TELEMETRY", "ORT_TELEMETRY_DISABLED"};

    for (size_t i = 0; i < COUNT_OF(switches); i++)
        setenv(switches[i], "1", 1);
}

static int open_library(struct runtime *rt, const char *path, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();

    forbid_telemetry();
    if (!path && !(path = runtime_find(a)))
        return FAIL(err, ERR_MODEL,
                    "ONNX Runtime is not installed: run tools/deps in the checkout, or name the file "
                    "%s in the configuration",
                    soname);
    rt->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!rt->library)
        return FAIL(err, ERR_MODEL, "ONNX Runtime cannot be opened: %s", dlerror());
    return 0;
}

static int find_api(struct runtime *rt, struct err *err)
{
    const OrtApiBase *(*base)(void);
    void *symbol = dlsym(rt->library, "OrtGetApiBase");

    if (!symbol)
        return FAIL(err, ERR_MODEL, "the file named as ONNX Runtime is another library: %s", dlerror());
    memcpy(&base, &symbol, sizeof base); /* ISO C has no cast from an object to a function pointer */
    rt->version = base()->GetVersionString();
    rt->api = base()->GetApi(ORT_API_VERSION);
    if (!rt->api)
        return FAIL(err, ERR_MODEL, "ONNX Runtime %s is too old; 1.%d or later is needed", rt->version,
                    ORT_API_VERSION);
    return 0;
}

/* ---- errors and messages ---- */

static void on_message(void *param, OrtLoggingLevel severity, const char *category, const char *id,
                       const char *where, const char *message)
{
    (void)param;
    (void)category;
    (void)id;
    log_debug("onnx runtime", "severity=%d at=%s text=%s", (int)severity, where, message);
}

/* Turns a status into 0 or -1 with the runtime's own words, and releases it. */
static int check(const struct runtime *rt, OrtStatus *status, const char *what, struct err *err)
{
    if (!status)
        return 0;
    err_set(err, ERR_MODEL, "%s: %s", what, rt->api->GetErrorMessage(status));
    rt->api->ReleaseStatus(status);
    return -1;
}

static int start(struct runtime *rt, struct err *err)
{
    const OrtApi *api = rt->api;

    if (check(rt,
              api->CreateEnvWithCustomLogger(on_message, NULL, ORT_LOGGING_LEVEL_ERROR, "assay", &rt->env),
              "ONNX Runtime does not start", err) < 0 ||
        check(rt, api->DisableTelemetryEvents(rt->env), "ONNX Runtime does not start", err) < 0)
        return -1;
    return check(rt, api->CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &rt->memory),
                 "ONNX Runtime does not start", err);
}

int runtime_open(struct runtime **ret_runtime, const char *path, struct err *err)
{
    CLEANUP(runtime_freep) struct runtime *rt = mem_alloc(sizeof *rt);

    if (open_library(rt, path, err) < 0 || find_api(rt, err) < 0 || start(rt, err) < 0)
        return -1;
    *ret_runtime = TAKE(rt);
    return 0;
}

/* The library stays mapped: its exit handlers and thread-local data outlive a dlclose. */
void runtime_freep(struct runtime **rt)
{
    if (*rt && (*rt)->api) {
        if ((*rt)->memory)
            (*rt)->api->ReleaseMemoryInfo((*rt)->memory);
        if ((*rt)->env)
            (*rt)->api->ReleaseEnv((*rt)->env);
    }
    free(*rt);
    *rt = NULL;
}

const char *runtime_version(const struct runtime *rt)
{
    return rt->version;
}

/* ---- sessions ---- */

/* One thread, no pool (an analyst may not make threads, and one per core is the fastest anyway); all graph
 * optimisations, because the fast memory layout belongs to the last level. A small model, though, comes with
 * its job, runs in microseconds whatever the layout, and loads in two thirds of the time without them. */
static OrtStatus *set_options(const OrtApi *api, OrtSessionOptions *o, size_t model_bytes)
{
    enum { SMALL = 32 << 10 };
    GraphOptimizationLevel level = model_bytes < SMALL ? ORT_ENABLE_BASIC : ORT_ENABLE_ALL;
    OrtStatus *s = NULL;

    (void)((s = api->SetIntraOpNumThreads(o, 1)) || (s = api->SetInterOpNumThreads(o, 1)) ||
           (s = api->SetSessionExecutionMode(o, ORT_SEQUENTIAL)) ||
           (s = api->SetSessionGraphOptimizationLevel(o, level)) || (s = api->EnableCpuMemArena(o)) ||
           (s = api->AddSessionConfigEntry(o, "session.intra_op.allow_spinning", "0")) ||
           (s = api->AddSessionConfigEntry(o, "session.inter_op.allow_spinning", "0")));
    return s;
}

static OrtStatus *new_session(const struct runtime *rt, struct bytes file, OrtSession **ret)
{
    const OrtApi *api = rt->api;
    OrtSessionOptions *options = NULL;
    OrtStatus *status = api->CreateSessionOptions(&options);

    if (!status)
        status = set_options(api, options, file.len);
    if (!status)
        status = api->CreateSessionFromArray(rt->env, file.data, file.len, options, ret);
    if (options)
        api->ReleaseSessionOptions(options);
    return status;
}

static int create_session(struct model *m, struct bytes file, struct err *err)
{
    const OrtApi *api = m->rt->api;
    OrtStatus *status = new_session(m->rt, file, &m->session);

    if (!status)
        return 0;
    err_set(err, ERR_MODEL, "the model file of %s cannot be loaded: %s", m->card->name,
            api->GetErrorMessage(status));
    api->ReleaseStatus(status);
    return -1;
}

/* ---- inputs and outputs ---- */

/* The two directions of a session, so that one function checks both. */
struct side {
    const char *what;
    OrtStatus *(ORT_API_CALL *count)(const OrtSession *, size_t *);
    OrtStatus *(ORT_API_CALL *name)(const OrtSession *, size_t, OrtAllocator *, char **);
    OrtStatus *(ORT_API_CALL *type)(const OrtSession *, size_t, OrtTypeInfo **);
};

static struct side side_of(const OrtApi *api, bool input)
{
    if (input)
        return (struct side){"input", api->SessionGetInputCount, api->SessionGetInputName,
                             api->SessionGetInputTypeInfo};
    return (struct side){"output", api->SessionGetOutputCount, api->SessionGetOutputName,
                         api->SessionGetOutputTypeInfo};
}

static bool has_name(const struct model *m, const struct side *side, size_t i, const char *want)
{
    const OrtApi *api = m->rt->api;
    OrtAllocator *allocator = NULL;
    char *name = NULL;
    bool same;

    if (check(m->rt, api->GetAllocatorWithDefaultOptions(&allocator), side->what, NULL) < 0 ||
        check(m->rt, side->name(m->session, i, allocator, &name), side->what, NULL) < 0)
        return false;
    same = text_is(name, want);
    allocator->Free(allocator, name);
    return same;
}

static int find_by_name(const struct model *m, const struct side *side, const char *want, size_t *ret_index,
                        size_t *ret_count, struct err *err)
{
    if (check(m->rt, side->count(m->session, ret_count), m->card->name, err) < 0)
        return -1;
    for (size_t i = 0; i < *ret_count; i++)
        if (has_name(m, side, i, want)) {
            *ret_index = i;
            return 0;
        }
    return FAIL(err, ERR_MODEL, "the model %s has no %s named \"%.60s\", as its card says", m->card->name,
                side->what, want);
}

static int read_shape(const struct model *m, const OrtTypeInfo *type, struct tensor *ret, struct err *err)
{
    const OrtApi *api = m->rt->api;
    const OrtTensorTypeAndShapeInfo *info = NULL;
    ONNXTensorElementDataType element = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
    size_t n = 0;

    if (check(m->rt, api->CastTypeInfoToTensorInfo(type, &info), m->card->name, err) < 0)
        return -1;
    if (!info || check(m->rt, api->GetTensorElementType(info, &element), m->card->name, NULL) < 0 ||
        element != ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT)
        return FAIL(err, ERR_MODEL, "the model %s must take and give float32 tensors", m->card->name);
    if (check(m->rt, api->GetDimensionsCount(info, &n), m->card->name, err) < 0)
        return -1;
    if (n < 1 || n > COUNT_OF(ret->dims))
        return FAIL(err, ERR_MODEL, "the model %s has a tensor of %zu dimensions", m->card->name, n);
    ret->ndims = n;
    return check(m->rt, api->GetDimensions(info, ret->dims, n), m->card->name, err);
}

/* Memory for the tensor, whose shape is known by now. */
static int allocate(const struct model *m, struct tensor *t, struct err *err)
{
    enum { MAX_FLOATS = 64 << 20 };
    size_t total = 1;

    for (size_t i = 0; i < t->ndims; i++)
        if (t->dims[i] < 1 || ckd_mul(&total, total, (size_t)t->dims[i]) || total > MAX_FLOATS)
            return FAIL(err, ERR_MODEL,
                        "the model %s has a tensor without a fixed, sensible shape; export it with a "
                        "fixed input size",
                        m->card->name);
    t->data = mem_alloc(total * sizeof *t->data);
    return 0;
}

/* Lays a runtime value over our own memory. */
static int make_value(const struct model *m, struct tensor *t, OrtValue **ret_value, struct err *err)
{
    const OrtApi *api = m->rt->api;

    if (allocate(m, t, err) < 0)
        return -1;
    return check(m->rt,
                 api->CreateTensorWithDataAsOrtValue(m->rt->memory, t->data,
                                                     tensor_count(t) * sizeof *t->data, t->dims, t->ndims,
                                                     ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, ret_value),
                 m->card->name, err);
}

/* Finds the named input or output and takes its shape from the model; -1 stands for what it leaves open. */
static int find_tensor(const struct model *m, bool input, const char *name, struct tensor *ret,
                       struct err *err)
{
    const OrtApi *api = m->rt->api;
    struct side side = side_of(api, input);
    OrtTypeInfo *type = NULL;
    size_t index, count;
    int r;

    if (find_by_name(m, &side, name, &index, &count, err) < 0)
        return -1;
    if (input && count != 1 + m->card->nfeeds)
        return FAIL(err, ERR_MODEL, "the model %s has %zu inputs, but its card tells of %zu", m->card->name,
                    count, 1 + m->card->nfeeds);
    if (check(m->rt, side.type(m->session, index, &type), m->card->name, err) < 0)
        return -1;
    r = read_shape(m, type, ret, err);
    api->ReleaseTypeInfo(type);
    return r;
}

/* What the card says goes in. */
static size_t wanted_shape(const struct card_input *in, int64_t ret[4])
{
    if (in->samples) {
        ret[0] = 1;
        ret[1] = in->samples;
        return 2;
    }
    ret[0] = 1;
    ret[1] = 3;
    ret[2] = in->height;
    ret[3] = in->width;
    return 4;
}

static int fail_input(const struct model *m, struct err *err)
{
    const struct card_input *in = &m->card->input;

    if (in->samples)
        return FAIL(err, ERR_MODEL, "the model %s does not take %d samples, as its card says", m->card->name,
                    in->samples);
    return FAIL(err, ERR_MODEL, "the model %s does not take a picture of %dx%d, as its card says",
                m->card->name, in->width, in->height);
}

/* One picture or piece of sound of the card's size; what the model leaves open is filled in. */
static int bind_input(struct model *m, struct err *err)
{
    int64_t want[4];
    size_t n = wanted_shape(&m->card->input, want);
    struct tensor *t = &m->input;

    if (find_tensor(m, true, m->card->input.name, t, err) < 0)
        return -1;
    for (size_t i = 0; t->ndims == n && i < n; i++)
        if (t->dims[i] == -1)
            t->dims[i] = want[i];
    if (t->ndims != n || memcmp(t->dims, want, n * sizeof *want) != 0)
        return fail_input(m, err);
    return make_value(m, t, &m->input_value, err);
}

static int bind_state(struct model *m, size_t i, struct err *err)
{
    struct tensor *t = &m->feeds[i];

    if (find_tensor(m, true, m->card->feeds[i].name, t, err) < 0)
        return -1;
    for (size_t k = 0; k < t->ndims; k++)
        if (t->dims[k] == -1)
            t->dims[k] = 1;
    return make_value(m, t, &m->feed_values[i], err);
}

/* A number without dimensions; whether the model takes it so is seen at the first run. */
static int bind_constant(struct model *m, size_t i, struct err *err)
{
    struct side side = side_of(m->rt->api, true);
    size_t index, count;

    if (find_by_name(m, &side, m->card->feeds[i].name, &index, &count, err) < 0)
        return -1;
    m->constants[i] = m->card->feeds[i].value;
    return check(m->rt,
                 m->rt->api->CreateTensorWithDataAsOrtValue(
                     m->rt->memory, &m->constants[i], sizeof m->constants[i], NULL, 0,
                     ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64, &m->feed_values[i]),
                 m->card->name, err);
}

static int bind_feeds(struct model *m, struct err *err)
{
    for (size_t i = 0; i < m->card->nfeeds; i++)
        if ((m->card->feeds[i].is_state ? bind_state(m, i, err) : bind_constant(m, i, err)) < 0)
            return -1;
    return 0;
}

/* ---- outputs, whose shapes only a run tells when the model leaves its input open ---- */

static int run(struct model *m, OrtValue **outputs, struct err *err)
{
    const OrtValue *inputs[1 + CARD_MAX_FEEDS] = {m->input_value};
    const char *names[1 + CARD_MAX_FEEDS] = {m->card->input.name};
    OrtStatus *status;

    for (size_t i = 0; i < m->card->nfeeds; i++) {
        inputs[1 + i] = m->feed_values[i];
        names[1 + i] = m->card->feeds[i].name;
    }
    status = m->rt->api->Run(m->session, NULL, names, inputs, 1 + m->card->nfeeds, m->card->outputs,
                             m->card->noutputs, outputs);
    if (!status)
        return 0;
    err_set(err, ERR_MODEL, "the model %s failed: %s", m->card->name, m->rt->api->GetErrorMessage(status));
    m->rt->api->ReleaseStatus(status);
    return -1;
}

/* The true shape of a value, which must be of those dimensions the model declared. */
static int shape_of_value(const struct model *m, const OrtValue *value, struct tensor *t, struct err *err)
{
    const OrtApi *api = m->rt->api;
    OrtTensorTypeAndShapeInfo *info = NULL;
    size_t n = 0;
    int r;

    if (check(m->rt, api->GetTensorTypeAndShape(value, &info), m->card->name, err) < 0)
        return -1;
    r = check(m->rt, api->GetDimensionsCount(info, &n), m->card->name, err);
    if (r == 0 && n != t->ndims)
        r = FAIL(err, ERR_MODEL, "the model %s gives a tensor of %zu dimensions and declares %zu",
                 m->card->name, n, t->ndims);
    if (r == 0)
        r = check(m->rt, api->GetDimensions(info, t->dims, n), m->card->name, err);
    api->ReleaseTensorTypeAndShapeInfo(info);
    return r;
}

/* The first run, on an empty input: the runtime makes the outputs, and we learn their shapes. */
static int learn_shapes(struct model *m, struct err *err)
{
    OrtValue *values[CARD_MAX_OUTPUTS] = {NULL};
    int r = run(m, values, err);

    for (size_t i = 0; r == 0 && i < m->card->noutputs; i++)
        r = shape_of_value(m, values[i], &m->outputs[i], err);
    for (size_t i = 0; i < m->card->noutputs; i++)
        if (values[i])
            m->rt->api->ReleaseValue(values[i]);
    return r;
}

static int bind_outputs(struct model *m, struct err *err)
{
    size_t n = m->card->noutputs;

    for (size_t i = 0; i < n; i++)
        if (find_tensor(m, false, m->card->outputs[i], &m->outputs[i], err) < 0)
            return -1;
    if (learn_shapes(m, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (make_value(m, &m->outputs[i], &m->output_values[i], err) < 0)
            return -1;
    return 0;
}

static int check_outputs(struct model *m, struct err *err)
{
    const struct card_task *task = card_task(m->card->task);
    struct tensor_list out = model_outputs(m);

    return task && task->check ? task->check(m->card, &out, err) : 0;
}

/* ---- models ---- */

static int load_bytes(struct model *m, struct bytes file, struct err *err)
{
    char hex[HASH_HEX];

    hash_hex(file, hex);
    if (!text_is(hex, m->card->sha256))
        return FAIL(err, ERR_MODEL, "the model file of %s is not the one of its card: its SHA-256 differs",
                    m->card->name);
    return create_session(m, file, err);
}

/* The bytes are not needed once the session stands. */
static int load_file(struct model *m, struct err *err)
{
    CLEANUP(buf_clear) struct buf file = BUF(MODEL_MAX_BYTES);
    struct err why = {0};

    if (file_read(m->card->file, &file, &why) < 0)
        return FAIL(err, ERR_MODEL, "the model file of %s: %s", m->card->name, why.text);
    return load_bytes(m, buf_bytes(&file), err);
}

int model_load(struct model **ret_model, struct runtime *rt, const struct card *card, struct bytes embedded,
               struct err *err)
{
    CLEANUP(model_freep) struct model *m = mem_alloc(sizeof *m);

    m->card = card;
    m->rt = rt;
    if ((card->file ? load_file(m, err) : load_bytes(m, embedded, err)) < 0 || bind_input(m, err) < 0 ||
        bind_feeds(m, err) < 0 || bind_outputs(m, err) < 0 || check_outputs(m, err) < 0)
        return -1;
    *ret_model = TAKE(m);
    return 0;
}

void model_freep(struct model **m)
{
    if (*m) {
        const OrtApi *api = (*m)->rt->api;

        if ((*m)->input_value)
            api->ReleaseValue((*m)->input_value);
        free((*m)->input.data);
        for (size_t i = 0; i < CARD_MAX_FEEDS; i++) {
            if ((*m)->feed_values[i])
                api->ReleaseValue((*m)->feed_values[i]);
            free((*m)->feeds[i].data);
        }
        for (size_t i = 0; i < CARD_MAX_OUTPUTS; i++) {
            if ((*m)->output_values[i])
                api->ReleaseValue((*m)->output_values[i]);
            free((*m)->outputs[i].data);
        }
        if ((*m)->session)
            api->ReleaseSession((*m)->session);
    }
    free(*m);
    *m = NULL;
}

const struct card *model_card(const struct model *m)
{
    return m->card;
}

struct tensor model_input(struct model *m)
{
    return m->input;
}

struct tensor model_feed(struct model *m, size_t i)
{
    return m->feeds[i];
}

struct tensor_list model_outputs(const struct model *m)
{
    return (struct tensor_list){m->outputs, m->card->noutputs};
}

int model_run_all(struct model *m, int64_t deadline_mono_us, struct tensor_list *ret_outputs, struct err *err)
{
    if (deadline_mono_us && clock_mono_us() >= deadline_mono_us)
        return FAIL(err, ERR_TIMEOUT, "the deadline passed before all frames were judged");
    if (run(m, m->output_values, err) < 0)
        return -1;
    *ret_outputs = model_outputs(m);
    return 0;
}

int model_run(struct model *m, int64_t deadline_mono_us, struct tensor *ret_output, struct err *err)
{
    struct tensor_list all;

    if (model_run_all(m, deadline_mono_us, &all, err) < 0)
        return -1;
    *ret_output = all.all[0];
    return 0;
}

/* ---- sessions without a card (infer/graph.h) ---- */

struct session {
    const struct runtime *rt;
    OrtSession *session;
    size_t ninputs, noutputs;
    const char *inputs[MODEL_PORTS], *outputs[MODEL_PORTS];
    OrtValue *in[MODEL_PORTS], *out[MODEL_PORTS];
    bool fixed[MODEL_PORTS]; /* the output's shape: its memory serves every run */
};

static int count_ports(const struct session *s, bool input, size_t *ret, struct err *err)
{
    struct side side = side_of(s->rt->api, input);

    if (check(s->rt, side.count(s->session, ret), "the model cannot be read", err) < 0)
        return -1;
    if (*ret < 1 || *ret > MODEL_PORTS)
        return FAIL(err, ERR_UNSUPPORTED, "the model has %zu %ss; 1 to %d are possible", *ret, side.what,
                    MODEL_PORTS);
    return 0;
}

int session_open(struct session **ret_session, const struct runtime *rt, struct bytes onnx, struct err *err)
{
    CLEANUP(session_freep) struct session *s = mem_alloc(sizeof *s);

    s->rt = rt;
    if (check(rt, new_session(rt, onnx, &s->session), "the model cannot be loaded", err) < 0 ||
        count_ports(s, true, &s->ninputs, err) < 0 || count_ports(s, false, &s->noutputs, err) < 0)
        return -1;
    *ret_session = TAKE(s);
    return 0;
}

void session_freep(struct session **s)
{
    for (size_t i = 0; *s && i < MODEL_PORTS; i++) {
        if ((*s)->in[i])
            (*s)->rt->api->ReleaseValue((*s)->in[i]);
        if ((*s)->out[i])
            (*s)->rt->api->ReleaseValue((*s)->out[i]);
    }
    if (*s && (*s)->session)
        (*s)->rt->api->ReleaseSession((*s)->session);
    free(*s);
    *s = NULL;
}

size_t session_ninputs(const struct session *s)
{
    return s->ninputs;
}

size_t session_noutputs(const struct session *s)
{
    return s->noutputs;
}

static int port_name(const struct session *s, const struct side *side, size_t i, struct arena *a,
                     const char **ret, struct err *err)
{
    OrtAllocator *allocator = NULL;
    char *name = NULL;

    if (check(s->rt, s->rt->api->GetAllocatorWithDefaultOptions(&allocator), side->what, err) < 0 ||
        check(s->rt, side->name(s->session, i, allocator, &name), side->what, err) < 0)
        return -1;
    *ret = arena_strdup(a, name);
    allocator->Free(allocator, name);
    return 0;
}

static int port_shape(const struct session *s, const OrtTypeInfo *type, struct model_port *ret,
                      struct err *err)
{
    const OrtApi *api = s->rt->api;
    const OrtTensorTypeAndShapeInfo *info = NULL;
    ONNXTensorElementDataType element = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;

    if (check(s->rt, api->CastTypeInfoToTensorInfo(type, &info), ret->name, err) < 0 ||
        (info && check(s->rt, api->GetTensorElementType(info, &element), ret->name, err) < 0))
        return -1;
    if (element != ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT)
        return FAIL(err, ERR_UNSUPPORTED,
                    "\"%.60s\" of the model is no tensor of 32-bit floats; export it with such", ret->name);
    if (check(s->rt, api->GetDimensionsCount(info, &ret->ndims), ret->name, err) < 0)
        return -1;
    if (ret->ndims > COUNT_OF(ret->dims))
        return FAIL(err, ERR_UNSUPPORTED, "\"%.60s\" of the model has %zu dimensions; 8 are possible",
                    ret->name, ret->ndims);
    return check(s->rt, api->GetDimensions(info, ret->dims, ret->ndims), ret->name, err);
}

static bool all_known(const struct model_port *p)
{
    for (size_t i = 0; i < p->ndims; i++)
        if (p->dims[i] < 0)
            return false;
    return true;
}

int session_port(struct session *s, bool input, size_t i, struct arena *a, struct model_port *ret,
                 struct err *err)
{
    struct side side = side_of(s->rt->api, input);
    struct model_port port = {.number = NUMBER_FLOAT};
    OrtTypeInfo *type = NULL;
    int r;

    if (port_name(s, &side, i, a, &port.name, err) < 0 ||
        check(s->rt, side.type(s->session, i, &type), port.name, err) < 0)
        return -1;
    r = port_shape(s, type, &port, err);
    s->rt->api->ReleaseTypeInfo(type);
    if (r < 0)
        return -1;
    *(input ? &s->inputs[i] : &s->outputs[i]) = port.name;
    if (!input)
        s->fixed[i] = all_known(&port);
    *ret = port;
    return 0;
}

int session_bind(struct session *s, size_t i, const struct model_port *port, float *data, struct err *err)
{
    size_t n = 1;

    for (size_t k = 0; k < port->ndims; k++)
        n *= (size_t)port->dims[k];
    return check(s->rt,
                 s->rt->api->CreateTensorWithDataAsOrtValue(s->rt->memory, data, n * sizeof *data, port->dims,
                                                            port->ndims, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT,
                                                            &s->in[i]),
                 port->name, err);
}

int session_run(struct session *s, struct err *err)
{
    for (size_t i = 0; i < s->noutputs; i++)
        if (s->out[i] && !s->fixed[i]) {
            s->rt->api->ReleaseValue(s->out[i]);
            s->out[i] = NULL;
        }
    return check(s->rt,
                 s->rt->api->Run(s->session, NULL, s->inputs, (const OrtValue *const *)s->in, s->ninputs,
                                 s->outputs, s->noutputs, s->out),
                 "the model failed", err);
}

static int count_of_value(const struct session *s, const OrtValue *value, const char *name, size_t *ret,
                          struct err *err)
{
    const OrtApi *api = s->rt->api;
    OrtTensorTypeAndShapeInfo *info = NULL;
    int r;

    if (check(s->rt, api->GetTensorTypeAndShape(value, &info), name, err) < 0)
        return -1;
    r = check(s->rt, api->GetTensorShapeElementCount(info, ret), name, err);
    api->ReleaseTensorTypeAndShapeInfo(info);
    return r;
}

int session_output(struct session *s, size_t i, size_t max, const float **ret, size_t *ret_n, struct err *err)
{
    void *data = NULL;
    size_t n = 0;

    if (count_of_value(s, s->out[i], s->outputs[i], &n, err) < 0 ||
        check(s->rt, s->rt->api->GetTensorMutableData(s->out[i], &data), s->outputs[i], err) < 0)
        return -1;
    if (n > max)
        return FAIL(err, ERR_LIMIT, "the model gave %zu numbers in \"%.60s\"; at most %zu are possible", n,
                    s->outputs[i], max);
    *ret = data;
    *ret_n = n;
    return 0;
}
