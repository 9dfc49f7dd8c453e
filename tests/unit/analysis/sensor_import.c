/* Pipeline "sensor-import" by itself: what a file is told to be, and the model in the artefact. */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "analysis/analysis.h"
#include "base/cleanup.h"
#include "infer/convert.h"
#include "infer/graph.h"
#include "test.h"

static struct runtime *rt;

static bool open_runtime(void)
{
    const char *root = getenv("ASSAY_ROOT");
    char path[4096];
    struct err err = {0};

    snprintf(path, sizeof path, "%s/.deps/lib/libonnxruntime.so.1", root ? root : ".");
    if (runtime_open(&rt, access(path, R_OK) == 0 ? path : NULL, &err) < 0)
        printf("# %s\n", err.text);
    return rt != NULL;
}

static int file_of(struct bytes b)
{
    int fd = memfd_create("subject", MFD_CLOEXEC);

    CHECK(fd >= 0 && (!b.len || write(fd, b.data, b.len) == (ssize_t)b.len));
    return fd;
}

struct outcome {
    struct report *report;
    const struct imported *found; /* NULL: refused */
    struct bytes artefact;
    struct err err;
};

static struct outcome import_bytes(struct arena *a, const char *name, struct bytes file)
{
    CLEANUP(fd_closep) int subject = file_of(file), artefact = file_of((struct bytes){0});
    const struct pipeline *p = pipeline_find("sensor-import");
    struct job_spec spec = job_spec_defaults();
    struct toolbox tools = {.loader = rt};
    struct outcome o = {0};
    off_t n;

    spec.pipeline = "sensor-import";
    spec.subject.size = (int64_t)file.len;
    spec.sensor.file = name;
    o.report = report_new(a, &spec);
    if (p->run(&tools, &spec, (struct subject_fds){subject, artefact}, 0, o.report, &o.err) == 0)
        o.found = o.report->sensing->imported;
    n = lseek(artefact, 0, SEEK_END);
    if (n > 0) {
        uint8_t *all = arena_alloc(a, (size_t)n);
        CHECK(pread(artefact, all, (size_t)n, 0) == n);
        o.artefact = bytes_of(all, (size_t)n);
    }
    return o;
}

static struct outcome import_text(struct arena *a, const char *name, const char *text)
{
    return import_bytes(a, name, bytes_of(text, strlen(text)));
}

static struct bytes read_shared(struct arena *a, const char *name)
{
    CLEANUP(fd_closep) int fd = -1;
    struct bytes b = {0};
    char path[4096];
    uint8_t *all;
    off_t n;

    snprintf(path, sizeof path, "%s/data/impulses/%s", test_shared() ? test_shared() : "", name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || (n = lseek(fd, 0, SEEK_END)) <= 0)
        return b;
    all = arena_alloc(a, (size_t)n);
    return pread(fd, all, (size_t)n, 0) == n ? bytes_of(all, (size_t)n) : b;
}

static void models_become_artefacts(void)
{
    static const struct {
        const char *file, *format;
        bool quantised;
    } rows[] = {
        {"accelerometer.onnx", "onnx", false},
        {"gestures-i8.lite", "tflite", true},
        {"fan-v3.f32.lite", "tflite", false},
        {"object-detection-tutorial.i8.lite", "tflite", true},
    };

    if (!test_shared())
        SKIP("no shared data");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        CLEANUP(graph_freep) struct graph *g = NULL;
        struct outcome o = import_bytes(a, rows[i].file, read_shared(a, rows[i].file));

        CHECK_STR(o.err.text, "");
        CHECK(o.found && !o.found->has_impulse && o.found->quantised == rows[i].quantised);
        if (o.found) {
            CHECK_STR(o.found->format, rows[i].format);
            CHECK(o.found->ninputs == 1 && *o.found->inputs[0].name);
        }
        CHECK_INT(graph_open(&g, rt, o.artefact, &o.err), 0);
        ROW("%s", rows[i].file);
    }
}

/* The same model in the C array of an export. */
static void a_model_in_c_becomes_an_artefact(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(buf_clear) struct buf text = BUF(1 << 20);
    struct bytes file = read_shared(a, "temperature-regression.i8.lite");
    struct outcome direct, o;

    if (!file.len)
        SKIP("no shared data");
    buf_str(&text, "const unsigned char trained_tflite[] __attribute__((aligned(16))) = {\n");
    for (size_t i = 0; i < file.len; i++)
        buf_printf(&text, "0x%02x,%s", file.data[i], i % 16 == 15 ? "\n" : " ");
    buf_str(&text, "\n};\nunsigned int trained_tflite_len = 2784;\n");
    direct = import_bytes(a, "t.lite", file);
    o = import_bytes(a, "trained.h", buf_bytes(&text));
    CHECK_STR(o.err.text, "");
    CHECK(o.found && text.len > 0);
    CHECK(o.artefact.len == direct.artefact.len && o.artefact.len &&
          !memcmp(o.artefact.data, direct.artefact.data, o.artefact.len));
}

static void projects_tell_their_impulse(void)
{
    static const char deployment[] =
        " {\"version\":1,\"classes\":[\"a\",\"b\"],\"impulse\":{\"inputBlocks\":[{\"type\":\"time-series\","
        "\"windowSizeMs\":1000,\"windowIncreaseMs\":100,\"frequencyHz\":50}],\"dspBlocks\":[{\"id\":2,"
        "\"type\":"
        "\"flatten\",\"axes\":[\"x\"],\"implementationVersion\":1,\"metadata\":{\"dspConfig\":{\"options\":{"
        "\"average\":true,\"moving_avg_num_windows\":0,\"colour\":\"red\"}}}}],\"learnBlocks\":[{\"id\":3,"
        "\"type\":\"keras\",\"dsp\":[2]}]}}";
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct outcome o = import_text(a, "deployment-metadata.json", deployment);
    bool named = false;

    CHECK_STR(o.err.text, "");
    CHECK(o.found && o.found->has_impulse && !o.artefact.len);
    if (!o.found)
        return;
    CHECK_STR(o.found->impulse.dsp[0].settings[0].name, "average");
    for (size_t i = 0; i < o.found->impulse.dsp[0].nsettings; i++)
        CHECK(strcmp(o.found->impulse.dsp[0].settings[i].name, "colour") != 0);
    for (size_t i = 0; i < o.found->nnotes; i++)
        named |= strstr(o.found->notes[i], "colour") != NULL;
    CHECK(named);
    o = import_text(a, "model_variables.h",
                    "ei_dsp_config_raw_t c = { 2, // uint32_t blockId\n 1, // int implementationVersion\n"
                    " 1, // int length of axes\n 1.0f // float scale-axes\n};\n"
                    "const ei_impulse_t impulse = { .raw_sample_count = 50, .frequency = 100 };\n");
    CHECK_STR(o.err.text, "");
    CHECK(o.found && o.found->impulse.ndsp == 1);
}

static void what_cannot_be_imported_says_what_to_do(void)
{
    static const struct {
        const char *name, *text, *says;
        enum err_kind kind;
    } rows[] = {
        {"a.zip", "PK\x03\x04 and so on", "unpack", ERR_UNSUPPORTED},
        {"a.h5", "\x89HDF\r\n\x1a\n", "TFLiteConverter", ERR_UNSUPPORTED},
        {"a.eim",
         "\x7f"
         "ELF...",
         "Dashboard", ERR_UNSUPPORTED},
        {"saved_model.pb", "\x08\x01\x12\x05", "SavedModel", ERR_UNSUPPORTED},
        {"tflite_learn_5_compiled.cpp", "TfLiteStatus tflite_learn_5_init() { TfLiteEvalTensor *t; }",
         "Dashboard", ERR_UNSUPPORTED},
        {"tflite_learn_5.h", "INCBIN(incbin_tflite_learn_5, \"tflite-model/tflite_learn_5.tflite\");",
         "beside it", ERR_UNSUPPORTED},
        {"notes.txt", "hello", "can be imported", ERR_UNSUPPORTED},
        {"a.json", "{\"hello\":1}", "deployment-metadata.json", ERR_UNSUPPORTED},
        {"a.json", "{\"hello\":", "JSON", ERR_INPUT},
        {"a.onnx", "no model", "model", ERR_MODEL},
        {"a.tflite", "1234TFL3 this is none", "broken", ERR_MODEL},
        {"empty", "", "nothing", ERR_INPUT},
        {"m.h", "ei_dsp_config_raw_t c = { 1 };", "window", ERR_INPUT},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct outcome o = import_text(a, rows[i].name, rows[i].text);

        CHECK(!o.found && !o.artefact.len);
        CHECK_INT(o.err.kind, rows[i].kind);
        CHECK(strstr(o.err.text, rows[i].says) != NULL);
        ROW("%s: %s", rows[i].name, o.err.text);
    }
}

static void an_impulse_that_contradicts_itself_is_refused(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct outcome o = import_text(
        a, "d.json",
        "{\"version\":1,\"impulse\":{\"inputBlocks\":[{\"type\":\"features\"}],\"dspBlocks\":[{\"id\":2,"
        "\"type\":\"raw\"}],\"learnBlocks\":[{\"id\":2,\"type\":\"keras\",\"dsp\":[2]}]}}");

    CHECK(!o.found);
    CHECK_INT(o.err.kind, ERR_INPUT);
    CHECK(strstr(o.err.text, "two blocks") != NULL);
}

int main(void)
{
    bool runtime = open_runtime();

    RUN(projects_tell_their_impulse);
    RUN(an_impulse_that_contradicts_itself_is_refused);
    if (runtime) {
        RUN(what_cannot_be_imported_says_what_to_do);
        RUN(models_become_artefacts);
        RUN(a_model_in_c_becomes_an_artefact);
    }
    runtime_freep(&rt);
    return test_end();
}
