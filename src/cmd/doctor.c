/* assay doctor: is everything here, does it work, do the walls stand? Each row checks one thing and says how
 * to mend it. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/cpu.h"
#include "base/log.h"
#include "base/text.h"
#include "cmd/check_int.h"
#include "infer/model.h"
#include "lab/sandbox.h"

enum finding_kind { FINE, WARNING, BROKEN };

struct doctor {
    struct arena *arena;
    const struct data_settings *data;
    const struct lab_settings *lab;
    bool verbose;
    int warnings, broken;
};

static enum finding_kind say(struct doctor *d, enum finding_kind kind, const char *fmt, ...) PRINTF(3, 4);

static enum finding_kind say(struct doctor *d, enum finding_kind kind, const char *fmt, ...)
{
    static const char *const marks[] = {"ok  ", "WARN", "FAIL"};
    va_list args;

    printf("%s  ", marks[kind]);
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    putchar('\n');
    d->warnings += kind == WARNING;
    d->broken += kind == BROKEN;
    return kind;
}

static void check_processor(struct doctor *d)
{
    CLEANUP(buf_clear) struct buf names = BUF(256);
    unsigned all = cpu_features();

    for (size_t i = 0; cpu_feature_name(i); i++)
        if (all & cpu_feature(cpu_feature_name(i)))
            buf_printf(&names, " %s", cpu_feature_name(i));
    say(d, FINE, "processor:%s; variants of models that need these are used%s",
        names.len ? names.data : " no feature that a variant could need",
        d->lab->variants ? "" : ", but for --no-variants");
}

static void check_runtime(struct doctor *d)
{
    CLEANUP(runtime_freep) struct runtime *rt = NULL;
    struct err err;

    if (runtime_open(&rt, d->lab->runtime, &err) < 0)
        say(d, BROKEN, "ONNX Runtime: %s. Run tools/deps in the checkout, or give --onnxruntime FILE",
            err.text);
    else
        say(d, FINE, "ONNX Runtime %s (%s)", runtime_version(rt),
            d->lab->runtime ? d->lab->runtime : runtime_find(d->arena));
}

static void check_decoder(struct doctor *d)
{
    char *about, *rest;
    struct err err;

    if (lab_keeper_about(lab_keeper_path(d->arena), d->arena, &about, &err) < 0) {
        say(d, BROKEN, "%s", err.text);
        return;
    }
    for (char *line = strtok_r(about, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        if (!text_ends(line, ": no"))
            say(d, FINE, "%s", line);
        else
            say(d, WARNING,
                "no H.264 encoder in this libavcodec: annotated clips are not possible. Install Debian's "
                "libavcodec59 (or 61)");
}

/* A subject with nothing in it loads what its pipeline needs. */
static int judge_nothing(struct doctor *d, struct lab *lab, const char *pipeline, struct report **ret,
                         struct err *err)
{
    CLEANUP(fd_closep) int nothing = memfd_create("nothing", MFD_CLOEXEC);
    struct subject_part part = {.error = {.kind = ERR_INPUT, .text = "nothing"}};
    struct lab_task task = {.spec = job_spec_defaults(), .subject_fd = nothing, .artefact_fd = -1};
    struct checked checked;

    if (nothing < 0)
        return FAIL_ERRNO(err, "cannot create a file in memory");
    task.spec.pipeline = pipeline;
    if (pipeline_is_scenes(pipeline)) {
        task.spec.scenes.nparts = 1;
        task.spec.scenes.parts = &part;
    }
    hash_hex(bytes_of("", 0), task.spec.subject.sha256);
    if (check_run(d->arena, lab, &task, "", &checked, err) < 0)
        return -1;
    *ret = checked.report;
    return 0;
}

/* What a part of an API needs, and what to do without it. */
static const struct {
    const char *task, *missing;
} wanted_models[] = {
    {"faces", "no model of faces: scenes and pictures tell nothing of people (docs/models.md)"},
    {"tags", "no model of tags: scenes have no sections, pictures no tags (docs/models.md)"},
    {"text", "no text reader: texts are not read. Install Debian's tesseract-ocr-eng (docs/text.md)"},
    {"origin-face", "no model for faces: with_morphing finds nothing (docs/models.md)"},
    {"nsfw", "no model for it: is_nsfw is null (docs/models.md)"},
};

static const char *variant_in(const struct card *card, const char *sha256)
{
    for (size_t i = 0; i < card->nvariants; i++)
        if (text_is(card->variants[i].sha256, sha256))
            return card->variants[i].name;
    return NULL;
}

/* The name of the variant that has these weights; NULL: they are the plain ones of their card. */
static const char *variant_named(struct doctor *d, const char *sha256)
{
    const char *dir = lab_opts_of(d->lab, d->data, d->arena).models_dir, *name = NULL;
    struct card_entry *entries = NULL;
    struct card card;
    size_t n = 0;

    for (size_t i = 0; !name && i < embedded_count(); i++)
        if (card_parse(d->arena, embedded_get(i).card, NULL, "built-in", &card, NULL) == 0)
            name = variant_in(&card, sha256);
    if (!name && dir && cards_list(d->arena, dir, &entries, &n, NULL) == 0)
        for (size_t i = 0; !name && i < n; i++)
            name = entries[i].problem ? NULL : variant_in(&entries[i].card, sha256);
    return name;
}

/* "assay-detect 1 (detect, sha256 ...), variant ..." */
static const char *about_model(struct doctor *d, const struct model_ref *m)
{
    const char *variant = variant_named(d, m->sha256);

    return arena_printf(d->arena, "model %s %s (%s, sha256 %.12s...)%s%s", m->name, m->version, m->task,
                        m->sha256, variant ? ", variant " : "", variant ? variant : "");
}

static bool has_task(const struct model_ref *models, size_t n, const char *task)
{
    for (size_t i = 0; i < n; i++)
        if (text_is(models[i].task, task))
            return true;
    return false;
}

/* Kits that are loaded only when the first job needs them. Nothing is no picture: that is no fault. */
static void load_kit(struct doctor *d, struct lab *lab, const char *pipeline)
{
    struct report *report;
    struct err err;

    if (judge_nothing(d, lab, pipeline, &report, &err) < 0)
        say(d, BROKEN, "%s: %s", pipeline, err.text);
    else if (report->error.kind != ERR_NONE && report->error.kind != ERR_DECODE)
        say(d, BROKEN, "%s: %s", pipeline, report->error.text);
}

static void check_kits(struct doctor *d, struct lab *lab)
{
    struct model_ref *models;
    size_t n;

    load_kit(d, lab, "pictures");
    load_kit(d, lab, "origin-image");
    n = lab_models(lab, d->arena, &models);
    for (size_t i = 1; i < n; i++) /* the first is the detector */
        say(d, FINE, "%s", about_model(d, &models[i]));
    for (size_t i = 0; i < COUNT_OF(wanted_models); i++)
        if (!has_task(models, n, wanted_models[i].task))
            say(d, FINE, "%s", wanted_models[i].missing);
}

static void check_model(struct doctor *d)
{
    struct lab_opts opts = lab_opts_of(d->lab, d->data, d->arena);
    int64_t begun = clock_mono_us();
    struct model_ref *models;
    struct lab *lab;
    struct err err;
    size_t n;

    opts.analysts = 1;
    if (lab_start(&lab, &opts, &err) < 0) {
        say(d, BROKEN, "keeper: %s", err.text);
        return;
    }
    if (lab_wait_ready(lab, clock_mono_us() + 30000000, &err) < 0) {
        say(d, BROKEN, "keeper: %s", err.text);
    } else {
        n = lab_models(lab, d->arena, &models);
        for (size_t i = 0; i < n; i++)
            say(d, FINE, "%s, ready after %lld ms", about_model(d, &models[i]),
                (long long)(clock_mono_us() - begun) / 1000);
        check_kits(d, lab);
    }
    lab_stop(lab);
}

static void check_data(struct doctor *d)
{
    const char *dir = d->data->data;
    struct statvfs fs;
    struct stat st;
    double free_gb;

    if (stat(dir, &st) < 0) {
        say(d, WARNING, "data directory %s does not exist yet; `assay serve` makes it", dir);
        return;
    }
    if (!S_ISDIR(st.st_mode) || access(dir, W_OK) < 0) {
        say(d, BROKEN,
            "data directory %s cannot be written. Give another with --data DIR, or change its owner", dir);
        return;
    }
    if (st.st_mode & 0007)
        say(d, WARNING, "data directory %s is open to all users of this machine: chmod o-rwx it", dir);
    if (statvfs(dir, &fs) == 0) {
        free_gb = (double)fs.f_bavail * (double)fs.f_frsize / 1e9;
        say(d, free_gb < 1 ? WARNING : FINE, "data directory %s, %.1f GB free", dir, free_gb);
    }
}

static void check_kernel(struct doctor *d)
{
    struct sandbox_support s = sandbox_support();

    if (!s.seccomp)
        say(d, BROKEN,
            "this kernel has no seccomp filters: analysts cannot be locked in, and assay will not run them");
    else
        say(d, FINE, "seccomp filters");
    if (s.landlock_abi)
        say(d, FINE, "landlock, ABI %d", s.landlock_abi);
    else
        say(d, WARNING,
            "no landlock in this kernel (5.13 or later, and `landlock` in the lsm= boot list): seccomp alone "
            "holds");
}

static void check_sandbox(struct doctor *d)
{
    struct sandbox_trial_result *results = arena_array(d->arena, sandbox_ntrials, sizeof *results);
    struct sandbox_opts opts = {.memory_bytes = d->lab->memory, .file_bytes = d->lab->artefact};
    size_t blocked = 0;
    struct err err;

    if (sandbox_prove(&opts, results, &err) < 0) {
        say(d, BROKEN, "sandbox: %s", err.text);
        return;
    }
    for (size_t i = 0; i < sandbox_ntrials; i++) {
        blocked += results[i].blocked;
        if (!results[i].blocked)
            say(d, BROKEN, "inside an analyst, this was possible: %s", sandbox_trials[i].what);
        else if (d->verbose)
            say(d, FINE, "  refused: %-44s %s", sandbox_trials[i].what,
                results[i].error ? strerror(results[i].error) : "killed");
    }
    say(d, blocked == sandbox_ntrials ? FINE : BROKEN,
        "sandbox: %zu of %zu forbidden actions refused inside an analyst", blocked, sandbox_ntrials);
}

static void (*const checks[])(struct doctor *) = {
    check_kernel, check_processor, check_sandbox, check_runtime, check_decoder, check_model, check_data};

struct doctor_settings {
    bool brief;
};
static const struct option doctor_rows[] = {
    {"brief", OPT_FLAG, offsetof(struct doctor_settings, brief), "false", 0, 0, NULL,
     "do not list every forbidden action"},
};

static const struct command_help help = {
    .usage = "assay doctor [options]",
    .text = "Checks the installation: kernel, sandbox (by trying forbidden actions inside an analyst), "
            "runtime, decoder,\n"
            "model, data directory. Says how to mend what is wrong. Exit status 0: all fine or warnings "
            "only, 1: broken.",
};

static int doctor_run(int argc, char **argv)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct common_settings common;
    struct data_settings data;
    struct lab_settings lab;
    struct doctor_settings s;
    struct option_set sets[] = {common_set(&common),
                                {"Doctor", doctor_rows, COUNT_OF(doctor_rows), &s},
                                data_set(&data),
                                lab_set(&lab)};
    struct doctor d = {.arena = a, .data = &data, .lab = &lab};
    struct conf *conf;
    int status = command_options(a, &help, sets, COUNT_OF(sets), &common, &argc, argv, &conf);

    if (status >= 0)
        return status;
    if (argc > 1)
        return command_misused(&help, argv[1]);
    log_setup(LOG_ERROR, false);
    d.verbose = !s.brief;
    for (size_t i = 0; i < COUNT_OF(checks); i++)
        checks[i](&d);
    printf("\n%s: %d broken, %d to look at\n", d.broken ? "NOT WELL" : "well", d.broken, d.warnings);
    return d.broken ? 1 : 0;
}

const struct command command_doctor = {"doctor", "checks the installation and proves the sandbox",
                                       doctor_run};
