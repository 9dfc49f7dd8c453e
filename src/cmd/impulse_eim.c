/* assay impulse run --eim NAME: recordings through a foreign program of the .eim protocol (lab/eim.h). */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cmd/impulse_int.h"
#include "lab/eim.h"

enum { HELLO_MS = 20000, DEADLINE_MS = 600000 };

/* The program does not name its axes: they are those of the recording, in its order. */
static struct impulse with_axes(struct arena *a, const struct impulse *p, const struct sensor_part *part)
{
    struct impulse_dsp *dsp = arena_array(a, p->ndsp, sizeof *dsp);
    struct impulse named = *p;

    for (size_t i = 0; i < p->ndsp; i++) {
        dsp[i] = p->dsp[i];
        dsp[i].naxes = part->naxes;
        dsp[i].axes = part->axes;
    }
    named.dsp = dsp;
    return named;
}

static int judge(struct eim *e, struct arena *a, const struct impulse *impulse, struct recorded *r,
                 struct recording_result *ret, struct err *err)
{
    float *values = NULL;

    if (r->part.kind != PART_SERIES)
        return FAIL(err, ERR_UNSUPPORTED,
                    "pictures cannot be given to .eim programs; bring the model itself");
    r->part.size = impulse_file_size(r->fd);
    values = arena_try(a, (size_t)r->part.size + 1);
    if (!values)
        return FAIL(err, ERR_LIMIT, "there is no memory for this recording");
    if (pread(r->fd, values, (size_t)r->part.size, 0) != r->part.size)
        return FAIL(err, ERR_IO, "the numbers of the recording cannot be read");
    return eim_recording(e, impulse, &r->part, values, a, clock_mono_us() + DEADLINE_MS * 1000LL, ret, err);
}

static int run_one(struct impulse_call *c, struct eim *e, const struct impulse *impulse, const char *path,
                   struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct recorded r = {.fd = open(path, O_RDONLY | O_CLOEXEC)};
    struct recording_result result = {0};
    struct impulse named;
    int status = -1;

    if (r.fd < 0)
        return FAIL_ERRNO(err, "cannot open '%s'", path);
    if (impulse_recorded(c, a, path, &r, err) == 0) {
        named = with_axes(a, impulse, &r.part);
        status = judge(e, a, &named, &r, &result, err);
    }
    if (status == 0)
        impulse_table(path, impulse, &result);
    fd_closep(&r.fd);
    return status;
}

int impulse_run_eim(struct impulse_call *c, struct err *err)
{
    CLEANUP(eim_pool_freep) struct eim_pool *pool = NULL;
    struct eim_opts opts = eim_opts_of(c->eim);
    struct impulse impulse;
    struct eim_about about;
    struct eim *e;
    int worst = 0;

    if (!opts.dir)
        return FAIL(err, ERR_INPUT,
                    "--eim NAME needs --eim-dir DIR: the folder of the programs that may run");
    if (eim_pool_new(&pool, &opts, err) < 0 || eim_open(pool, c->s.eim, &e, err) < 0 ||
        eim_hello(e, c->arena, clock_mono_us() + HELLO_MS * 1000LL, &about, err) < 0)
        return -1;
    impulse = eim_impulse_about(c->arena, &about, (double)c->s.step_ms);
    for (size_t i = 0; i < c->nwords; i++) {
        if (run_one(c, e, &impulse, c->words[i], err) == 0)
            continue;
        fprintf(stderr, "assay: %s: %s\n", c->words[i], err->text);
        worst = 1;
    }
    return worst;
}
