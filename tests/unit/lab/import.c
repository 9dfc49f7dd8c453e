/* Foreign models inside of the sandbox: behind the walls of an analyst, with its memory and no file to open,
 * they are converted, opened, run and written, the largest too. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analysis/analysis.h"
#include "base/cleanup.h"
#include "lab/lab_int.h"
#include "test.h"

static const struct sandbox_opts walls = {.memory_bytes = 512 << 20, .file_bytes = 512 << 20};
enum { SUBJECT = 3, ARTEFACT = 4 };

static struct runtime *open_runtime(void)
{
    const char *root = getenv("ASSAY_ROOT");
    struct runtime *rt = NULL;
    char path[4096];
    struct err err = {0};

    snprintf(path, sizeof path, "%s/.deps/lib/libonnxruntime.so.1", root ? root : ".");
    if (runtime_open(&rt, access(path, R_OK) == 0 ? path : NULL, &err) < 0)
        printf("# %s\n", err.text);
    return rt;
}

static int import(struct runtime *rt, off_t size)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct toolbox tools = {.loader = rt};
    struct job_spec spec = job_spec_defaults();
    struct report *report = report_new(a, &spec);
    struct err err = {0};
    int r;

    spec.pipeline = "sensor-import";
    spec.subject.size = size;
    spec.sensor.file = "model";
    r = pipeline_find(spec.pipeline)
            ->run(&tools, &spec, (struct subject_fds){SUBJECT, ARTEFACT}, 0, report, &err);
    return r < 0 ? 2 : report->sensing->imported->noutputs ? 0 : 3;
}

/* Exit status of the child: 0 fine, 1 no sandbox, 2 refused. As an analyst does, all other descriptors are
 * closed. */
static int in_the_sandbox(struct runtime *rt, int subject, int artefact)
{
    off_t size = lseek(subject, 0, SEEK_END);
    int null = open("/dev/null", O_RDWR);

    subject = fcntl(subject, F_DUPFD, 20);
    artefact = fcntl(artefact, F_DUPFD, 20);
    for (int fd = 0; fd < SUBJECT; fd++)
        dup2(null, fd);
    dup2(subject, SUBJECT);
    dup2(artefact, ARTEFACT);
    close_range(ARTEFACT + 1, ~0u, 0);
    return sandbox_enter(&walls, NULL) < 0 ? 1 : import(rt, size);
}

static void models_are_imported_behind_the_walls(void)
{
    static const char *const files[] = {"accelerometer.onnx", "gestures-i8.lite", "fomo.96x96.i8q.lite",
                                        "responding-to-your-voice-tutorial.f32.lite",
                                        "object-detection-tutorial.i8.lite"};
    struct runtime *rt;

    if (!test_shared())
        SKIP("no shared data");
    if (!(rt = open_runtime()))
        SKIP("no ONNX Runtime");
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        CLEANUP(fd_closep) int subject = -1, artefact = memfd_create("artefact", MFD_CLOEXEC);
        char path[4096];
        int status = 0;
        pid_t pid;

        snprintf(path, sizeof path, "%s/data/impulses/%s", test_shared(), files[i]);
        subject = open(path, O_RDONLY | O_CLOEXEC);
        CHECK(subject >= 0 && artefact >= 0);
        fflush(stdout);
        pid = fork();
        if (pid == 0)
            _exit(in_the_sandbox(rt, subject, artefact));
        waitpid(pid, &status, 0);
        CHECK(WIFEXITED(status));
        CHECK_INT(WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), 0);
        CHECK(lseek(artefact, 0, SEEK_END) > 0);
        ROW("%s", files[i]);
    }
    runtime_freep(&rt);
}

int main(void)
{
    RUN(models_are_imported_behind_the_walls);
    return test_end();
}
