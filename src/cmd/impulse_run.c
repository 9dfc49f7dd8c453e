/* assay impulse run and serve-eim: a recording, or windows on a socket, through an impulse that is stored. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "cmd/eim_serve.h"
#include "cmd/impulse_int.h"
#include "cmd/windows.h"

enum { PAGE_BYTES = 64 << 20, DEADLINE_MS = 600000, WINDOW_MS = 10000 };

static struct job_spec spec_of(const char *pipeline, int64_t deadline_ms)
{
    struct job_spec spec = job_spec_defaults();

    spec.pipeline = pipeline;
    spec.deadline_ms = deadline_ms;
    return spec;
}

/* ---- one recording ---- */

/* What a file is, and its numbers, or the file itself when it is a picture. */
struct recorded {
    struct sensor_part part;
    int fd;
};

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

static int read_recording(struct impulse_call *c, struct arena *a, const char *path, struct recorded *ret,
                          struct err *err)
{
    CLEANUP(fd_closep) int numbers = -1;
    struct impulse_errand e = {spec_of("sensor-read", DEADLINE_MS), path, ret->fd, -1};
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
                 const char *name, int64_t deadline_ms, struct report **ret, const char **ret_json,
                 struct err *err)
{
    CLEANUP(fd_closep) int bundle = -1;
    struct impulse_errand e = {spec_of("sensor-classify", deadline_ms), name, -1, -1};

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

static void show(const struct impulse_call *c, const char *path, const struct hosted *h,
                 const struct report *report, const char *json)
{
    CLEANUP(buf_clear) struct buf page = BUF(PAGE_BYTES);
    struct terminal t = terminal_of(STDOUT_FILENO);

    if (c->s.json) {
        puts(json);
        return;
    }
    windows_print(&page, path, &h->impulse, &report->sensing->results[0], &t);
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
    if (read_recording(c, a, path, &r, err) == 0 &&
        judge(c, a, h, &r, path, DEADLINE_MS, &report, &json, err) == 0) {
        show(c, path, h, report, json);
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

struct eim_desk {
    struct impulse_call *call;
    struct hosted hosted;
    struct eim_host host;
};

static int write_window(const struct eim_question *q, struct recorded *r, struct err *err)
{
    if (impulse_file(&r->fd, err) < 0)
        return -1;
    if (write(r->fd, q->features, q->n * sizeof *q->features) != (ssize_t)(q->n * sizeof *q->features))
        return FAIL_ERRNO(err, "cannot write a file in memory");
    return 0;
}

static int eim_judge(void *arg, struct arena *a, const struct eim_question *q, struct eim_result *ret,
                     struct err *err)
{
    struct eim_desk *d = arg;
    struct recorded r = {.fd = -1,
                         .part = {.kind = PART_SERIES,
                                  .naxes = d->host.naxes,
                                  .axes = d->host.axes,
                                  .frequency = q->impulse->frequency}};
    struct hosted h = d->hosted;
    const struct recording_result *result;
    struct report *report;
    int status = -1;

    h.impulse = *q->impulse;
    if (write_window(q, &r, err) == 0 &&
        judge(d->call, a, &h, &r, "window", WINDOW_MS, &report, NULL, err) == 0) {
        result = &report->sensing->results[0];
        *err = result->error;
        status = err->kind == ERR_NONE ? eim_result_of(a, q->impulse, result, 0, ret, err) : -1;
    }
    fd_closep(&r.fd);
    return status;
}

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
    ret->naxes = n;
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

int impulse_serve_eim(struct impulse_call *c, struct err *err)
{
    CLEANUP(hosted_clear) struct hosted h = {.fd = -1};
    struct eim_desk d = {.call = c};

    if (hosted_open(&c->host, c->arena, c->s.impulse, c->s.variant, &h, err) < 0)
        return -1;
    mention_left_out(&h);
    if (h.impulse.input == INPUT_PICTURE)
        return FAIL(err, ERR_UNSUPPORTED,
                    "only impulses over recordings can be served as .eim, not over pictures");
    d.hosted = h;
    d.host = (struct eim_host){.impulse = &h.impulse,
                               .project = {.id = h.project.id,
                                           .impulse = h.row.id,
                                           .name = h.project.name,
                                           .owner = h.project.tenant,
                                           .version = (int)h.row.version},
                               .judge = eim_judge,
                               .arg = &d};
    if (find_axes(c, &h.impulse, &d.host, err) < 0)
        return -1;
    return eim_serve(&d.host, c->words[0], c->stop_fd, eim_ready, (void *)(uintptr_t)c->words[0], err);
}
