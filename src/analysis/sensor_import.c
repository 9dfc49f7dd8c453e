/* Pipeline "sensor-import": a foreign file is looked at and says what it is, an exported project or a model;
 * a model becomes the artefact as ONNX, after it has been opened and has run once. The table below is asked
 * from top to bottom; what cannot be read says what to upload instead. docs/impulses-import.md. */
#include <string.h>
#include <unistd.h>

#include "analysis/analysis.h"
#include "analysis/artefact.h"
#include "analysis/pipelines_int.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "dsp/dsp.h"
#include "infer/convert.h"
#include "infer/deployment.h"
#include "infer/export.h"
#include "infer/graph.h"

struct import {
    const struct toolbox *tools;
    const char *name; /* of the file; never NULL */
    struct bytes file;
    int64_t deadline;
    int artefact;
    struct arena *scratch, *arena; /* arena: of the report */
    struct imported *to;
};

static int read_file(struct import *m, int fd, int64_t size, struct err *err)
{
    uint8_t *all;

    if (size > CONVERT_MAX_BYTES)
        return FAIL(err, ERR_LIMIT, "the file has %lld bytes; at most %d are possible", (long long)size,
                    CONVERT_MAX_BYTES);
    if (size < 1 || !(all = arena_try(m->scratch, (size_t)size)))
        return FAIL(err, size < 1 ? ERR_INPUT : ERR_LIMIT, "there is %s of %lld bytes",
                    size < 1 ? "nothing in a file" : "no memory for a file", (long long)size);
    for (int64_t at = 0; at < size;) {
        ssize_t n = pread(fd, all + at, (size_t)(size - at), at);
        if (n <= 0)
            return FAIL_ERRNO(err, "the file cannot be read");
        at += n;
    }
    m->file = bytes_of(all, (size_t)size);
    return 0;
}

/* ---- models ---- */

/* On zeros: a model that opens may still not run. */
static int try_once(struct graph *g, int64_t deadline, struct err *err)
{
    for (size_t i = 0; i < graph_ninputs(g); i++)
        memset(graph_in(g, i), 0, port_count(graph_input(g, i)) * sizeof(float));
    return graph_run(g, deadline, err);
}

static int keep_model(struct import *m, struct bytes onnx, struct graph **ret, struct err *err)
{
    if (m->artefact < 0)
        return FAIL(err, ERR_INPUT, "there is no file to write the model into");
    if (graph_open(ret, m->tools->loader, onnx, err) < 0 || try_once(*ret, m->deadline, err) < 0)
        return -1;
    return artefact_write(m->artefact, onnx, "the model", err);
}

static void copy_names(struct arena *a, size_t n, struct model_port *ports)
{
    for (size_t i = 0; i < n; i++)
        ports[i].name = arena_strdup(a, ports[i].name);
}

static int import_tflite(struct import *m, struct err *err)
{
    CLEANUP(graph_freep) struct graph *g = NULL;
    struct imported found;
    struct bytes onnx;

    if (convert_tflite(m->scratch, m->file, &found, &onnx, err) < 0 || keep_model(m, onnx, &g, err) < 0)
        return -1;
    *m->to = found;
    copy_names(m->arena, found.ninputs, m->to->inputs);
    copy_names(m->arena, found.noutputs, m->to->outputs);
    return 0;
}

static int import_array(struct import *m, struct err *err)
{
    return export_tflite(m->scratch, m->file, &m->file)
               ? import_tflite(m, err)
               : FAIL(err, ERR_LIMIT, "there is no memory for the model in the file");
}

static int import_onnx(struct import *m, struct err *err)
{
    CLEANUP(graph_freep) struct graph *g = NULL;

    if (keep_model(m, m->file, &g, err) < 0)
        return -1;
    *m->to = (struct imported){.format = "onnx", .ninputs = graph_ninputs(g), .noutputs = graph_noutputs(g)};
    for (size_t i = 0; i < m->to->ninputs; i++)
        m->to->inputs[i] = *graph_input(g, i);
    for (size_t i = 0; i < m->to->noutputs; i++)
        m->to->outputs[i] = *graph_output(g, i);
    copy_names(m->arena, m->to->ninputs, m->to->inputs);
    copy_names(m->arena, m->to->noutputs, m->to->outputs);
    return 0;
}

/* ---- projects ---- */

static void add_note(struct import *m, const char *note)
{
    const char **all = arena_array(m->arena, m->to->nnotes + 1, sizeof *all);

    for (size_t i = 0; i < m->to->nnotes; i++)
        all[i] = m->to->notes[i];
    all[m->to->nnotes++] = note;
    m->to->notes = all;
}

/* Keeps what our blocks know: exports also carry settings that only the trainer needs. */
static void keep_known(struct import *m, struct impulse_dsp *d)
{
    struct impulse_setting *kept = arena_array(m->arena, d->nsettings, sizeof *kept);
    enum dsp_kind kind = dsp_kind_of(d->type);
    struct dsp_settings s;
    size_t n = 0;

    if (kind == DSP_KIND_COUNT) {
        add_note(m, arena_printf(m->arena, "The DSP block \"%s\" (%lld) is not supported.", d->type,
                                 (long long)d->id));
        return;
    }
    s = dsp_defaults(kind);
    for (size_t i = 0; i < d->nsettings; i++)
        if (dsp_set(&s, d->settings[i].name, d->settings[i].value, NULL) == 0)
            kept[n++] = d->settings[i];
        else
            add_note(m, arena_printf(m->arena, "The setting \"%s\" (%s) of the DSP block %lld was left out.",
                                     d->settings[i].name, d->settings[i].value, (long long)d->id));
    d->settings = kept;
    d->nsettings = n;
}

static int finish_impulse(struct import *m, struct err *err)
{
    struct impulse *p = &m->to->impulse;
    struct impulse_dsp *dsp;

    if (impulse_check(p, err) < 0)
        return -1;
    dsp = arena_array(m->arena, p->ndsp, sizeof *dsp);
    for (size_t i = 0; i < p->ndsp; i++) {
        dsp[i] = p->dsp[i];
        keep_known(m, &dsp[i]);
    }
    p->dsp = dsp;
    return 0;
}

static int import_deployment(struct import *m, struct err *err)
{
    return deployment_read(m->arena, m->file, m->to, err) < 0 ? -1 : finish_impulse(m, err);
}

static int import_export(struct import *m, struct err *err)
{
    return export_read(m->arena, m->file, m->to, err) < 0 ? -1 : finish_impulse(m, err);
}

/* ---- what it is ---- */

static bool starts(const struct import *m, const char *magic, size_t n)
{
    return m->file.len >= n && !memcmp(m->file.data, magic, n);
}
#define STARTS(m, magic) starts((m), (magic), sizeof(magic) - 1)

static bool is_named(const struct import *m, const char *ending)
{
    size_t n = strlen(m->name), k = strlen(ending);

    return n >= k && text_is_nocase(m->name + n - k, ending);
}

static bool is_tflite(const struct import *m)
{
    return convert_is_tflite(m->file);
}

static bool is_zip(const struct import *m)
{
    return STARTS(m, "PK\x03\x04") || STARTS(m, "PK\x05\x06") || STARTS(m, "\x1f\x8b") || is_named(m, ".tar");
}

static bool is_keras(const struct import *m)
{
    return STARTS(m, "\x89HDF\r\n\x1a\n") || is_named(m, ".keras");
}

static bool is_program(const struct import *m)
{
    return STARTS(m, "\x7f"
                     "ELF") ||
           STARTS(m, "\xcf\xfa\xed\xfe") || is_named(m, ".eim");
}

/* Both are protocol buffers whose first field is a version; that of ONNX has long been above 1. */
static bool is_saved_model(const struct import *m)
{
    return STARTS(m, "\x08\x01\x12") && !is_named(m, ".onnx");
}

static bool is_json(const struct import *m)
{
    size_t i = 0;

    while (i < m->file.len && strchr(" \t\r\n", m->file.data[i]) && m->file.data[i])
        i++;
    return i < m->file.len && m->file.data[i] == '{';
}

static bool is_text(const struct import *m)
{
    return m->file.len && !memchr(m->file.data, 0, m->file.len);
}

static bool is_array(const struct import *m)
{
    struct bytes b;

    return is_text(m) && export_tflite(m->scratch, m->file, &b);
}

static bool is_export(const struct import *m)
{
    return is_text(m) && export_is(m->file) && !export_is_compiled(m->file);
}

static bool is_compiled(const struct import *m)
{
    return is_text(m) && export_is_compiled(m->file);
}

/* Newer exports name the model's file in the header instead of holding its bytes. */
static bool is_include(const struct import *m)
{
    return is_text(m) && memmem(m->file.data, m->file.len, "INCBIN(", 7) &&
           !memmem(m->file.data, m->file.len, "ei_impulse_t", 12);
}

static bool is_onnx(const struct import *m)
{
    return STARTS(m, "\x08") || is_named(m, ".onnx");
}

static const struct format {
    bool (*is)(const struct import *m);
    int (*import)(struct import *m, struct err *err);
    const char *instead; /* what to do with a file that has no function */
} formats[] = {
    {is_tflite, import_tflite, NULL},
    {is_program, NULL,
     "the file is a program (.eim), which is not run here; download the model in Studio's Dashboard as "
     "\"TensorFlow Lite (float32)\" or \"(int8)\" and upload that"},
    {is_keras, NULL,
     "the file is a Keras model; convert it with tf.lite.TFLiteConverter.from_keras_model, or to ONNX, and "
     "upload that"},
    {is_zip, NULL,
     "the file is an archive; unpack it and upload what is in it: the .tflite or .onnx, "
     "deployment-metadata.json or model_variables.h"},
    {is_saved_model, NULL,
     "the file is part of a TensorFlow SavedModel; convert it with "
     "tf.lite.TFLiteConverter.from_saved_model, or to ONNX, and upload that"},
    {is_json, import_deployment, NULL},
    {is_array, import_array, NULL},
    {is_include, NULL,
     "the file only names the model, which lies beside it in tflite-model/ with the ending .tflite; upload "
     "that"},
    {is_compiled, NULL,
     "the model in the file was compiled to C++ (EON); download the TensorFlow Lite (float32/int8) model in "
     "Studio's Dashboard, or export with the \"TensorFlow Lite\" engine, and upload that"},
    {is_export, import_export, NULL},
    {is_onnx, import_onnx, NULL},
};

static int import_file(struct import *m, struct err *err)
{
    for (size_t i = 0; i < COUNT_OF(formats); i++)
        if (formats[i].is(m))
            return formats[i].import ? formats[i].import(m, err)
                                     : FAIL(err, ERR_UNSUPPORTED, "%s", formats[i].instead);
    return FAIL(err, ERR_UNSUPPORTED,
                "the file is none that can be imported; TensorFlow Lite and ONNX models, "
                "deployment-metadata.json and model_variables.h can");
}

static int sensor_import_run(const struct toolbox *tools, const struct job_spec *spec, struct subject_fds fds,
                             int64_t deadline_mono_us, struct report *report, struct err *err)
{
    CLEANUP(arena_freep) struct arena *scratch = arena_new();
    struct import m = {.tools = tools,
                       .name = spec->sensor.file ? spec->sensor.file : "",
                       .deadline = deadline_mono_us,
                       .artefact = fds.artefact,
                       .scratch = scratch,
                       .arena = report->arena};
    int64_t begin = clock_cpu_us();
    int r;

    report->media = (struct media_info){.container = "", .codec = ""};
    report->sampling.planned = 1;
    report->sensing = arena_alloc(report->arena, sizeof *report->sensing);
    m.to = arena_alloc(report->arena, sizeof *m.to);
    if (read_file(&m, fds.media, spec->subject.size, err) < 0)
        return -1;
    r = import_file(&m, err);
    report->infer_us += clock_cpu_us() - begin;
    if (r < 0)
        return -1;
    report->sensing->imported = m.to;
    report->sampling.judged = 1;
    return 0;
}

const struct pipeline pipeline_sensor_import = {.name = "sensor-import", .run = sensor_import_run};
