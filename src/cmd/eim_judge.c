/* Windows of .eim clients, judged in the lab. */
#include "cmd/eim_judge.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cmd/check_int.h"

enum { COPY = 1 << 20 };

/* ---- the subject ---- */

static int write_at(int fd, const void *data, size_t n, int64_t at, struct err *err)
{
    const char *from = data;

    while (n) {
        ssize_t done = pwrite(fd, from, n, at);
        if (done <= 0)
            return FAIL_ERRNO(err, "cannot write a window down");
        from += done;
        at += done;
        n -= (size_t)done;
    }
    return 0;
}

static int copy_models(struct eim_judge *j, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    char *chunk = arena_alloc(a, COPY);
    int64_t at = 0;

    while (at < j->models_size) {
        int64_t left = j->models_size - at;
        ssize_t n = pread(j->models_fd, chunk, left < COPY ? (size_t)left : COPY, at);
        if (n <= 0)
            return FAIL(err, ERR_IO, "the impulse's models cannot be read");
        if (write_at(j->subject_fd, chunk, (size_t)n, at, err) < 0)
            return -1;
        at += n;
    }
    return 0;
}

int eim_judge_open(struct eim_judge *j, struct err *err)
{
    j->models_size = 0;
    for (size_t i = 0; i < j->nmodels; i++)
        if (j->models[i].offset + j->models[i].size > j->models_size)
            j->models_size = j->models[i].offset + j->models[i].size;
    j->subject_fd = memfd_create("window", MFD_CLOEXEC);
    if (j->subject_fd < 0)
        return FAIL_ERRNO(err, "cannot make room for windows");
    if (copy_models(j, err) == 0)
        return 0;
    eim_judge_close(j);
    return -1;
}

void eim_judge_close(struct eim_judge *j)
{
    fd_closep(&j->subject_fd);
}

/* ---- windows ---- */

static void little(uint8_t *to, uint32_t v, int n)
{
    for (int i = 0; i < n; i++)
        to[i] = (uint8_t)(v >> 8 * i);
}

/* What is no colour counts as black. */
static uint32_t colour(float v)
{
    return v >= 0 && v <= (float)0xffffff ? (uint32_t)v : 0;
}

struct bytes eim_picture(struct arena *a, const float *pixels, int width, int height)
{
    enum { HEAD = 54, INFO = 40, BITS = 24 };
    size_t row = ((size_t)width * 3 + 3) / 4 * 4, size = HEAD + row * (size_t)height;
    uint8_t *file = arena_alloc(a, size);

    file[0] = 'B';
    file[1] = 'M';
    little(file + 2, (uint32_t)size, 4);
    little(file + 10, HEAD, 4);
    little(file + 14, INFO, 4);
    little(file + 18, (uint32_t)width, 4);
    little(file + 22, (uint32_t)height, 4);
    little(file + 26, 1, 2);
    little(file + 28, BITS, 2);
    little(file + 34, (uint32_t)(row * (size_t)height), 4);
    for (int y = 0; y < height; y++) /* the last row comes first */
        for (int x = 0; x < width; x++)
            little(file + HEAD + row * (size_t)(height - 1 - y) + 3 * (size_t)x,
                   colour(pixels[(size_t)y * (size_t)width + (size_t)x]), 3);
    return bytes_of(file, size);
}

static struct sensor_part series_part(const struct eim_judge *j, const struct impulse *p)
{
    return (struct sensor_part){.kind = PART_SERIES,
                                .naxes = j->naxes,
                                .axes = j->axes,
                                .frequency = p->input == INPUT_SERIES ? p->frequency : 0};
}

/* The window behind the models, and the parts of the job. */
static int write_window(const struct eim_judge *j, struct arena *a, const struct eim_question *q,
                        struct job_spec *spec, struct err *err)
{
    struct sensor_part *parts = arena_array(a, j->nmodels + 1, sizeof *parts), *window = &parts[j->nmodels];
    bool picture = q->impulse->input == INPUT_PICTURE;
    struct bytes body = picture ? eim_picture(a, q->features, q->impulse->width, q->impulse->height)
                                : bytes_of(q->features, q->n * sizeof *q->features);

    for (size_t i = 0; i < j->nmodels; i++)
        parts[i] = j->models[i];
    *window = series_part(j, q->impulse);
    if (picture)
        *window = (struct sensor_part){.kind = PART_PICTURE};
    window->offset = j->models_size;
    window->size = (int64_t)body.len;
    window->number = 1;
    spec->subject.size = window->offset + window->size;
    spec->sensor.parts = parts;
    spec->sensor.nparts = j->nmodels + 1;
    if (ftruncate(j->subject_fd, spec->subject.size) < 0)
        return FAIL_ERRNO(err, "cannot make room for a window");
    return write_at(j->subject_fd, body.data, body.len, window->offset, err);
}

static int take(struct arena *a, const struct eim_question *q, const struct report *r, struct eim_result *ret,
                struct err *err)
{
    if (r->error.kind != ERR_NONE)
        return FAIL(err, r->error.kind, "%s", r->error.text);
    if (!r->sensing || r->sensing->nresults != 1)
        return FAIL(err, ERR_INTERNAL, "the analysis found nothing");
    return eim_result_of(a, q->impulse, r->sensing->results, 0, ret, err);
}

int eim_judge_window(void *judge, struct arena *a, const struct eim_question *q, struct eim_result *ret,
                     struct err *err)
{
    const struct eim_judge *j = judge;
    struct job_spec spec = job_spec_defaults();
    struct lab_task task;
    struct checked found;

    spec.id = "eim";
    spec.pipeline = "sensor-classify";
    spec.subject.name = "window";
    spec.deadline_ms = j->deadline_ms;
    spec.sensor.impulse = *q->impulse;
    if (write_window(j, a, q, &spec, err) < 0 || job_spec_check(&spec, err) < 0)
        return -1;
    task = (struct lab_task){.spec = spec, .subject_fd = j->subject_fd, .artefact_fd = -1};
    if (check_run(a, j->lab, &task, "", &found, err) < 0)
        return -1;
    return take(a, q, found.report, ret, err);
}
