/* An impulse and a recording from anybody, judged without a model: a spec as JSON, a NUL, the numbers. What
 * is found can be told, and told again; a window that is counted is judged. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "analysis/analysis.h"
#include "base/cleanup.h"
#include "report/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { DEADLINE_MS = 500 };

static void must_be(bool holds)
{
    if (!holds)
        abort();
}

/* What takes long is the business of the deadline, which is not asked within one window. */
static bool is_quick(const struct sensor_params *p)
{
    return p->impulse.input != INPUT_SERIES || p->impulse.window_ms * p->impulse.frequency / 1000 < 4096;
}

static void judge(struct arena *a, struct job_spec *spec, const char *pipeline, int fd)
{
    const struct toolbox tools = {0};
    struct report *r, *back;

    spec->pipeline = pipeline;
    spec->deadline_ms = DEADLINE_MS;
    spec->spent_ms = 0;
    if (sensor_params_check(&spec->sensor, pipeline, spec->subject.size, NULL) < 0)
        return; /* as every spec is before it becomes a job: now that the size of the subject is known */
    r = report_new(a, spec);
    analyse(&tools, spec, (struct subject_fds){fd, -1}, r);
    must_be(report_from_json(a, report_to_json(a, r), &back, NULL) == 0);
    for (size_t i = 0; r->sensing && i < r->sensing->nresults; i++)
        must_be(r->sensing->results[i].error.kind == ERR_NONE || !r->sensing->results[i].nwindows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(fd_closep) int fd = -1;
    const uint8_t *end = n ? memchr(data, 0, n) : NULL;
    size_t left = end ? n - (size_t)(end + 1 - data) : 0;
    struct job_spec spec;

    if (!end || spec_from_json(a, bytes_of(data, (size_t)(end - data)), &spec, NULL) < 0 ||
        !pipeline_is_sensor(spec.pipeline) || !spec.sensor.nparts || !is_quick(&spec.sensor))
        return 0;
    spec.subject.size = (int64_t)left;
    fd = memfd_create("subject", MFD_CLOEXEC);
    must_be(fd >= 0 && (!left || write(fd, end + 1, left) == (ssize_t)left));
    judge(a, &spec, "sensor-classify", fd);
    judge(a, &spec, "sensor-features", fd);
    return 0;
}
