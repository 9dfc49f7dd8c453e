/* assay impulse import: foreign files become an impulse of a project. One of the files may describe it (an
 * exported project); models go to its learn blocks, in their order. Models alone get an impulse around them,
 * as the options say. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "cmd/impulse_int.h"
#include "store/blobs.h"

enum { DEADLINE_MS = 120000, MODEL_MAX_BYTES = 64 << 20, FILES = 32 };

struct file {
    const char *path;
    const struct imported *is;
    struct bytes report;   /* of reading it */
    char sha256[HASH_HEX]; /* of its model; "" = none */
};

struct importing {
    struct impulse_call *call;
    size_t nfiles;
    struct file files[FILES];
    struct impulse impulse;
    struct project_row project;
    struct impulse_row row;
};

/* ---- reading ---- */

static void mention_notes(const struct file *f)
{
    for (size_t i = 0; i < f->is->nnotes; i++)
        fprintf(stderr, "assay: %s: %s\n", f->path, f->is->notes[i]);
}

/* The model is kept at once; without the impulse that follows, the next start of a server removes it. */
static int keep_model(struct importing *m, struct file *f, int fd, struct err *err)
{
    int64_t size = impulse_file_size(fd);

    return size ? blob_from_fd(m->call->host.blobs, fd, MODEL_MAX_BYTES, f->sha256, &size, err) : 0;
}

static int read_file(struct importing *m, const char *path, struct err *err)
{
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC), model = -1;
    struct file *f = &m->files[m->nfiles++];
    struct impulse_errand e = {.spec = job_spec_defaults(), .name = path, .subject_fd = fd};
    struct report *report;
    const char *json;

    if (fd < 0)
        return FAIL_ERRNO(err, "cannot open '%s'", path);
    if (impulse_file(&model, err) < 0)
        return -1;
    e.artefact_fd = model;
    e.spec.pipeline = "sensor-import";
    e.spec.deadline_ms = DEADLINE_MS;
    e.spec.sensor.file = path;
    if (impulse_ask(m->call, m->call->arena, &e, &report, &json, err) < 0)
        return -1;
    if (!report->sensing->imported)
        return FAIL(err, ERR_INTERNAL, "the analyst has read no model");
    *f = (struct file){path, report->sensing->imported, bytes_of(json, strlen(json)), ""};
    mention_notes(f);
    return keep_model(m, f, model, err);
}

/* ---- an impulse around a model ---- */

/* "a,b,c" in the arena. */
static size_t split(struct arena *a, const char *list, const char *const **ret)
{
    const char **words = arena_array(a, IMPULSE_LABELS, sizeof *words);
    size_t n = 0;

    for (const char *p = list ? list : "", *comma; *p && n < IMPULSE_LABELS; p = *comma ? comma + 1 : comma) {
        comma = strchrnul(p, ',');
        words[n++] = arena_strndup(a, p, (size_t)(comma - p));
    }
    *ret = words;
    return n;
}

static void around_picture(struct impulse *p, struct impulse_dsp *dsp, const struct model_port *port)
{
    static const struct impulse_setting grey = {"channels", "Grayscale"}, colour = {"channels", "RGB"};

    p->input = INPUT_PICTURE;
    p->height = (int)port->dims[1];
    p->width = (int)port->dims[2];
    dsp->type = "image";
    dsp->nsettings = 1;
    dsp->settings = port->dims[3] == 1 ? &grey : &colour;
}

/* One raw block, one classifier. */
static int around(struct importing *m, const struct file *f, struct err *err)
{
    static const int64_t ids[] = {2};
    struct impulse_settings *s = &m->call->s;
    struct arena *a = m->call->arena;
    struct impulse_dsp *dsp = arena_alloc(a, sizeof *dsp);
    struct impulse_learn *learn = arena_alloc(a, sizeof *learn);
    struct impulse *p = &m->impulse;

    *dsp = (struct impulse_dsp){.id = 2, .type = "raw", .name = "Raw data"};
    *learn = (struct impulse_learn){.id = 3,
                                    .kind = LEARN_CLASSIFIER,
                                    .type = "keras",
                                    .name = "Classifier",
                                    .title = "Classification",
                                    .ndsp = 1,
                                    .dsp = ids,
                                    .min_score = s->threshold,
                                    .model = -1};
    learn->nlabels = split(a, s->labels, &learn->labels);
    dsp->naxes = split(a, s->axes, &dsp->axes);
    *p = (struct impulse){.id = 0,
                          .input = INPUT_SERIES,
                          .window_ms = (double)s->window_ms,
                          .step_ms = (double)(s->step_ms ? s->step_ms : s->window_ms),
                          .frequency = s->frequency,
                          .ndsp = 1,
                          .nlearn = 1,
                          .dsp = dsp,
                          .learn = learn};
    if (f->is->ninputs && f->is->inputs[0].ndims == 4)
        around_picture(p, dsp, &f->is->inputs[0]);
    else if (!(p->window_ms > 0) || !(p->frequency > 0) || !dsp->naxes)
        return FAIL(err, ERR_INPUT,
                    "a model alone does not say what it wants: add --window, --frequency and --axes, "
                    "or a file that describes the impulse");
    return learn->nlabels
               ? 0
               : FAIL(err, ERR_INPUT, "a model alone does not say what it knows: add --labels a,b,c");
}

static int find_impulse(struct importing *m, struct err *err)
{
    const struct file *model = NULL, *described = NULL;

    for (size_t i = 0; i < m->nfiles; i++) {
        if (m->files[i].is->has_impulse && described)
            return FAIL(err, ERR_INPUT, "'%s' and '%s' both describe an impulse; bring one", described->path,
                        m->files[i].path);
        described = m->files[i].is->has_impulse ? &m->files[i] : described;
        model = model || !m->files[i].sha256[0] ? model : &m->files[i];
    }
    if (described)
        m->impulse = described->is->impulse;
    else if (!model)
        return FAIL(err, ERR_INPUT, "none of the files is a model or describes an impulse");
    return described ? 0 : around(m, model, err);
}

/* ---- storing ---- */

static int find_project(struct importing *m, struct err *err)
{
    const struct impulse_call *c = m->call;

    if (c->s.project)
        return records_get_project(c->host.db, c->arena, c->host.tenant, c->s.project, &m->project, err);
    return records_first_project(c->host.db, c->arena, c->host.tenant, &m->project, err);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static int store_impulse(struct importing *m, struct err *err)
{
    struct impulse_call *c = m->call;
    const char *name = c->s.name ? c->s.name : m->impulse.name;
    int queued;

    m->row = (struct impulse_row){.project = m->project.id,
                                  .name = name && *name ? name : base_name(m->files[0].path)};
    if (hosted_definition(c->arena, &m->impulse, clock_wall_us(), &m->row.definition, err) < 0)
        return -1;
    queued = records_save_impulse(c->host.db, &m->row, &m->row.id, command_keep_error, &c->stored, err);
    return command_committed(c->host.db, queued, &c->stored, err);
}

static int store_model(struct importing *m, const struct impulse_learn *block, const struct file *f,
                       struct err *err)
{
    struct impulse_call *c = m->call;
    struct model_row row = {.impulse = m->row.id,
                            .block = block->id,
                            .variant = "",
                            .inputs = "",
                            .report = f->report,
                            .sha256 = f->sha256[0] ? f->sha256 : NULL,
                            .made_us = clock_wall_us()};
    int queued;

    c->stored.kind = ERR_INTERNAL;
    queued = records_put_model(c->host.db, &row, command_keep_error, &c->stored, err);
    return command_committed(c->host.db, queued, &c->stored, err);
}

/* The next file with a model, from *at on; NULL: there is none. A float and an int8 model go to one block. */
static const struct file *next_model(const struct importing *m, size_t *at)
{
    while (*at < m->nfiles)
        if (m->files[(*at)++].sha256[0])
            return &m->files[*at - 1];
    return NULL;
}

static const struct file *describing(const struct importing *m)
{
    for (size_t i = 0; i < m->nfiles; i++)
        if (m->files[i].is->has_impulse)
            return &m->files[i];
    return NULL;
}

static bool is_other_variant(const struct importing *m, const struct file *f, size_t at)
{
    return at < m->nfiles && m->files[at].sha256[0] && m->files[at].is->quantised != f->is->quantised;
}

static int store_models(struct importing *m, struct err *err)
{
    size_t at = 0;

    for (size_t i = 0; i < m->impulse.nlearn; i++) {
        const struct impulse_learn *l = &m->impulse.learn[i];
        const struct file *f = l->kind == LEARN_CLUSTERS ? describing(m) : next_model(m, &at);
        if (!f)
            continue;
        if (store_model(m, l, f, err) < 0)
            return -1;
        if (l->kind != LEARN_CLUSTERS && is_other_variant(m, f, at) &&
            store_model(m, l, next_model(m, &at), err) < 0)
            return -1;
    }
    return 0;
}

static void unpin(struct importing *m)
{
    for (size_t i = 0; i < m->nfiles; i++)
        if (m->files[i].sha256[0])
            blob_unpin(m->call->host.blobs, m->files[i].sha256);
}

static int import_all(struct importing *m, struct err *err)
{
    for (size_t i = 0; i < m->call->nwords; i++)
        if (read_file(m, m->call->words[i], err) < 0)
            return -1;
    if (find_impulse(m, err) < 0 || find_project(m, err) < 0 || store_impulse(m, err) < 0)
        return -1;
    return store_models(m, err);
}

int impulse_import(struct impulse_call *c, struct err *err)
{
    struct importing m = {.call = c};
    int r;

    if (c->nwords > FILES)
        return FAIL(err, ERR_INPUT, "at most %d files make an impulse", FILES);
    if (records_own(c->host.db, err) < 0)
        return FAIL(err, ERR_CONFLICT,
                    "a server runs on this data directory; upload to it "
                    "(docs/api-impulse.md), or stop it for the import");
    r = import_all(&m, err);
    unpin(&m);
    if (r == 0)
        printf("impulse %lld of project %lld\n", (long long)m.row.id, (long long)m.project.id);
    return r;
}
