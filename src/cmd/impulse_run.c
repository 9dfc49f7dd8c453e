/* assay impulse run and serve-eim: a recording, or windows on a socket, through an impulse that is stored. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "cmd/eim_judge.h"
#include "cmd/impulse_int.h"
#include "cmd/windows.h"

enum { PAGE_BYTES = 64 << 20, DEADLINE_MS = 600000, WINDOW_MS = 10000 };

static struct job_spec spec_of(const char *pipeline)
{
    struct job_spec spec = job_spec_defaults();

    spec.pipeline = pipeline;
    spec.deadline_ms = DEADLINE_MS;
    return spec;
}

/* ---- one recording ---- */

static void describe(struct arena *a, const struct recording *rec, struct sensor_part *ret)
{
    const char **axes = arena_array(a, rec->naxes, sizeof *axes);

    for (size_t i = 0; i < rec->naxes; i++)
        axes[i] = rec->axes[i].name;
    *ret = (struct sensor_part){.kind = rec->kind == SENSOR_PICTURE ? PART_PICTURE : PART_SERIES,
                                .naxes = rec->naxes,
                                .axes = axes,
                                .frequency = rec->interval_ms > 0 ? 1000 / rec->interval_ms : 0};
}

int impulse_recorded(struct impulse_call *c, struct arena *a, const char *path, struct recorded *ret,
                     struct err *err)
{
    CLEANUP(fd_closep) int numbers = -1;
    struct impulse_errand e = {spec_of("sensor-read"), path, ret->fd, -1};
    struct report *report;

    if (impulse_file(&numbers, err) < 0)
        return -1;
    e.spec.sensor.file = path;
    e.artefact_fd = numbers;
    if (impulse_ask(c, a, &e, &report, NULL, err) < 0)
        return -1;
    if (!report->sensing->recording)
        return FAIL(err, ERR_INTERNAL, "the analyst has read no recording");
    describe(a, report->sensing->recording, &ret->part);
    if (ret->part.kind == PART_SERIES) {
        fd_closep(&ret->fd);
        ret->fd = TAKE_FD(numbers);
    }
    return 0;
}

/* Models, then the recording, in one file. */
static int make_bundle(const struct hosted *h, struct arena *a, const struct recorded *r, int fd,
                       struct sensor_params *ret, struct err *err)
{
    struct sensor_part *parts = arena_array(a, h->nparts + 1, sizeof *parts);

    for (size_t i = 0; i < h->nparts; i++)
        parts[i] = h->parts[i];
    parts[h->nparts] = r->part;
    parts[h->nparts].offset = impulse_file_size(h->fd);
    parts[h->nparts].size = impulse_file_size(r->fd);
    ret->impulse = h->impulse;
    ret->nparts = h->nparts + 1;
    ret->parts = parts;
    return impulse_append(fd, h->fd, err) < 0 ? -1 : impulse_append(fd, r->fd, err);
}

static int judge(struct impulse_call *c, struct arena *a, const struct hosted *h, const struct recorded *r,
                 const char *name, struct report **ret, const char **ret_json, struct err *err)
{
    CLEANUP(fd_closep) int bundle = -1;
    struct impulse_errand e = {spec_of("sensor-classify"), name, -1, -1};

    if (impulse_file(&bundle, err) < 0 || make_bundle(h, a, r, bundle, &e.spec.sensor, err) < 0)
        return -1;
    e.subject_fd = bundle;
    if (impulse_ask(c, a, &e, ret, ret_json, err) < 0)
        return -1;
    if ((*ret)->sensing->nresults != 1)
        return FAIL(err, ERR_INTERNAL, "the analyst has judged %zu recordings, not one",
                    (*ret)->sensing->nresults);
    return 0;
}

/* ---- run ---- */

void impulse_table(const char *path, const struct impulse *impulse, const struct recording_result *result)
{
    CLEANUP(buf_clear) struct buf page = BUF(PAGE_BYTES);
    struct terminal t = terminal_of(STDOUT_FILENO);

    windows_print(&page, path, impulse, result, &t);
    fputs(page.data ? page.data : "", stdout);
}

static int run_one(struct impulse_call *c, const struct hosted *h, const char *path, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct recorded r = {.fd = open(path, O_RDONLY | O_CLOEXEC)};
    struct report *report;
    const char *json;
    int status = -1;

    if (r.fd < 0)
        return FAIL_ERRNO(err, "cannot open '%s'", path);
    if (impulse_recorded(c, a, path, &r, err) == 0 && judge(c, a, h, &r, path, &report, &json, err) == 0) {
        if (c->s.json)
            puts(json);
        else
            impulse_table(path, &h->impulse, &report->sensing->results[0]);
        status = report->sensing->results[0].error.kind == ERR_NONE ? 0 : 1;
    }
    fd_closep(&r.fd);
    return status;
}

static void mention_left_out(const struct hosted *h)
{
    if (h->left_out)
        fprintf(stderr, "assay: without a model, so left out: %s\n", h->left_out);
}

int impulse_run(struct impulse_call *c, struct err *err)
{
    CLEANUP(hosted_clear) struct hosted h = {.fd = -1};
    int status, worst = 0;

    if (c->s.eim)
        return impulse_run_eim(c, err);
    if (hosted_open(&c->host, c->arena, c->s.impulse, c->s.variant, &h, err) < 0)
        return -1;
    mention_left_out(&h);
    for (size_t i = 0; i < c->nwords; i++) {
        status = run_one(c, &h, c->words[i], err);
        if (status < 0)
            fprintf(stderr, "assay: %s: %s\n", c->words[i], err->text);
        worst = status ? 1 : worst;
    }
    return worst;
}

/* ---- serve-eim ---- */

/* The axes in the order in which the DSP blocks name them, each once. */
static int find_axes(struct impulse_call *c, const struct impulse *p, struct eim_host *ret, struct err *err)
{
    const char **axes = arena_array(c->arena, SENSOR_AXES, sizeof *axes);
    size_t n = 0;

    for (size_t i = 0; i < p->ndsp; i++)
        for (size_t k = 0; k < p->dsp[i].naxes; k++) {
            bool known = false;
            for (size_t j = 0; j < n; j++)
                known |= text_is(axes[j], p->dsp[i].axes[k]);
            if (!known && n < SENSOR_AXES)
                axes[n++] = p->dsp[i].axes[k];
        }
    ret->axes = axes;
    ret->naxes = p->input == INPUT_PICTURE ? 0 : n;
    return p->input == INPUT_PICTURE || n
               ? 0
               : FAIL(err, ERR_INPUT,
                      "the DSP blocks of this impulse name no axes, so nobody knows how "
                      "many numbers a window has; set them");
}

static void eim_ready(void *path)
{
    printf("serving on %s\n", (const char *)path);
    fflush(stdout);
}

static int host_impulse(struct impulse_call *c, const struct hosted *h, struct eim_host *host,
                        struct eim_judge *judge, struct err *err)
{
    *host = (struct eim_host){.impulse = &h->impulse,
                              .project = {.id = h->project.id,
                                          .impulse = h->row.id,
                                          .name = h->project.name,
                                          .owner = h->project.tenant,
                                          .version = (int)h->row.version},
                              .judge = eim_judge_window,
                              .arg = judge};
    if (find_axes(c, &h->impulse, host, err) < 0)
        return -1;
    *judge = (struct eim_judge){.lab = c->lab,
                                .naxes = host->naxes,
                                .axes = host->axes,
                                .nmodels = h->nparts,
                                .models = h->parts,
                                .models_fd = h->nparts ? h->fd : -1,
                                .deadline_ms = WINDOW_MS};
    return eim_judge_open(judge, err);
}

int impulse_serve_eim(struct impulse_call *c, struct err *err)
{
    CLEANUP(hosted_clear) struct hosted h = {.fd = -1};
    CLEANUP(eim_judge_close) struct eim_judge judge = {.subject_fd = -1};
    struct eim_host host;

    if (hosted_open(&c->host, c->arena, c->s.impulse, c->s.variant, &h, err) < 0)
        return -1;
    mention_left_out(&h);
    if (host_impulse(c, &h, &host, &judge, err) < 0)
        return -1;
    return eim_serve(&host, c->words[0], c->stop_fd, eim_ready, (void *)(uintptr_t)c->words[0], err);
}
