/* Pipeline "sensor-read" by itself: facts in the report, numbers in the artefact. */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "analysis/analysis.h"
#include "base/cleanup.h"
#include "test.h"

struct read {
    struct report *report;
    float numbers[64];
    size_t n;
    struct err err;
};

static int file_of(const void *data, size_t n)
{
    int fd = memfd_create("subject", MFD_CLOEXEC);

    CHECK(fd >= 0 && write(fd, data, n) == (ssize_t)n);
    return fd;
}

static int read_text(struct arena *a, const char *name, const char *text, bool wanted, struct read *ret)
{
    CLEANUP(fd_closep) int subject = file_of(text, strlen(text)), artefact = file_of("", 0);
    const struct pipeline *p = pipeline_find("sensor-read");
    struct job_spec spec = job_spec_defaults();
    struct toolbox tools = {0};
    ssize_t n;
    int r;

    *ret = (struct read){0};
    CHECK(p != NULL);
    spec.pipeline = "sensor-read";
    spec.subject.size = (int64_t)strlen(text);
    spec.sensor.file = name;
    ret->report = report_new(a, &spec);
    r = p->run(&tools, &spec, (struct subject_fds){subject, wanted ? artefact : -1}, 0, ret->report,
               &ret->err);
    n = pread(artefact, ret->numbers, sizeof ret->numbers, 0);
    ret->n = n > 0 ? (size_t)n / sizeof(float) : 0;
    return r;
}

static const char csv[] = "timestamp,x,y\n0,1,2\n20,3,4\n40,5,6\n";

static void finds_and_writes(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const struct recording *f;
    struct read r;

    CHECK(read_text(a, "walk.01.csv", csv, true, &r) == 0);
    CHECK(r.report->sensing && r.report->sensing->recording);
    f = r.report->sensing->recording;
    CHECK_STR(f->format, "csv");
    CHECK_INT(f->readings, 3);
    CHECK_INT(f->naxes, 2);
    CHECK_STR(f->axes[1].name, "y");
    CHECK_NEAR(f->interval_ms, 20, 0);
    CHECK_INT(r.n, 6);
    for (size_t i = 0; i < r.n; i++)
        CHECK(r.numbers[i] == (float)(i + 1));
    CHECK_INT(r.report->sampling.judged, 1);
}

static void only_finds(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct read r;

    CHECK(read_text(a, "walk.01.csv", csv, false, &r) == 0);
    CHECK_INT(r.report->sensing->recording->readings, 3);
    CHECK_INT(r.n, 0);
}

static void refuses_by_name_of_the_line(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct read r;

    CHECK(read_text(a, "walk.csv", "timestamp,x\n0,1\n20,NaN\n", true, &r) < 0);
    CHECK_INT(r.err.kind, ERR_INPUT);
    CHECK_STR(r.err.text, "Line 3: \"NaN\" is not a number (\"x\").");
    CHECK_INT(r.n, 0);
}

int main(void)
{
    RUN(finds_and_writes);
    RUN(only_finds);
    RUN(refuses_by_name_of_the_line);
    return test_end();
}
