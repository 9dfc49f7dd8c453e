/* The lab with the real decoder, the real model and the real encoder: nothing that they need may be forbidden
 * in the sandbox. The analysis here is the shortest one that uses all three. */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analysis/analysis.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "infer/detect.h"
#include "lab/lab.h"
#include "media/annotate.h"
#include "test.h"

enum { LOOK_EVERY = 10, HEIGHT = 320, PATIENCE_US = 60000000 };

/* ---- the analysis ---- */

struct look {
    struct detector *detector;
    struct scaler *scaler;
    struct report *report;
    int rotation;
};

static int look_at(struct look *l, const struct video_frame *f, struct err *err)
{
    struct picture pic;
    struct detection *found;
    size_t n;
    int moment = report_add_moment(l->report, f->index, f->pts);

    if (scaler_bgr(l->scaler, f->av, l->rotation, HEIGHT * 4 / 3, HEIGHT, &pic, err) < 0 ||
        detect(l->detector, l->report->arena, &pic, 0, &found, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        report_add_finding(l->report, &(struct finding){.moment = moment,
                                                        .label = found[i].label->concept,
                                                        .score = (double)found[i].score,
                                                        .box = found[i].box});
    return 0;
}

static int watch_all(struct look *l, struct video *v, struct err *err)
{
    struct video_frame f;
    int r;

    while ((r = video_next(v, &f, err)) > 0)
        if (f.index % LOOK_EVERY == 0 && look_at(l, &f, err) < 0)
            return -1;
    return r;
}

static int judge(const struct toolbox *tools, struct subject_fds fds, struct report *report, struct err *err)
{
    CLEANUP(video_freep) struct video *v = NULL;
    CLEANUP(scaler_freep) struct scaler *scaler = scaler_new();
    struct look l = {
        .detector = detector_new(report->arena, tools->detector), .scaler = scaler, .report = report};
    struct video_opts opts = video_opts_defaults();

    if (video_open(&v, fds.media, &opts, err) < 0)
        return -1;
    l.rotation = video_info(v)->rotation;
    if (watch_all(&l, v, err) < 0)
        return -1;
    report_add_score(report, "intrusion", 0.5, "test");
    return fds.artefact < 0 ? 0 : annotate_video(fds.media, fds.artefact, report, &opts, err);
}

void analyse(const struct toolbox *tools, const struct job_spec *spec UNUSED, struct subject_fds fds,
             struct report *report)
{
    struct err err = {0};

    if (judge(tools, fds, report, &err) < 0)
        report_fail(report, &err);
}

/* ---- the tests ---- */

struct outcome {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
    struct err lab_error, report_error;
    size_t moments, findings;
};

static void note_done(void *arg, const struct lab_result *result)
{
    struct outcome *o = arg;

    pthread_mutex_lock(&o->lock);
    o->done = true;
    o->lab_error = result->error;
    if (result->report) {
        o->report_error = result->report->error;
        o->moments = result->report->nmoments;
        o->findings = result->report->nfindings;
    }
    pthread_cond_broadcast(&o->changed);
    pthread_mutex_unlock(&o->lock);
}

static const char *runtime_path(void)
{
    static char path[4096];
    const char *root = getenv("ASSAY_ROOT");

    snprintf(path, sizeof path, "%s/.deps/lib/libonnxruntime.so.1", root ? root : ".");
    return access(path, R_OK) == 0 ? path : NULL;
}

static struct lab *open_lab(void)
{
    struct lab_opts opts = lab_opts_defaults();
    struct lab *lab = NULL;
    struct err err = {0};

    opts.analysts = 1;
    opts.runtime = runtime_path();
    CHECK(lab_start(&lab, &opts, &err) == 0);
    CHECK(lab_wait_ready(lab, clock_mono_us() + PATIENCE_US, &err) == 0);
    CHECK_STR(err.text, "");
    return lab;
}

static void run_file(struct lab *lab, int fd, int artefact, struct outcome *o)
{
    struct lab_task task = {
        .spec = job_spec_defaults(), .subject_fd = fd, .artefact_fd = artefact, .done = note_done, .arg = o};
    struct err err = {0};

    *o = (struct outcome){.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    task.spec.id = "665f1c2e9d3b4a0012345678";
    task.spec.subject.name = "clip";
    CHECK(hash_fd(fd, task.spec.subject.sha256) == 0);
    while (lab_run(lab, &task, &err) < 0 && err.kind == ERR_BUSY)
        usleep(2000);
    pthread_mutex_lock(&o->lock);
    while (!o->done)
        pthread_cond_wait(&o->changed, &o->lock);
    pthread_mutex_unlock(&o->lock);
}

static const char *clips_dir(void)
{
    static char path[4096];

    snprintf(path, sizeof path, "%s/data/media/video", test_shared() ? test_shared() : "");
    return test_shared() && access(path, R_OK) == 0 ? path : NULL;
}

static void decodes_detects_and_draws_inside(void)
{
    CLEANUP(fd_closep) int out = memfd_create("clip", MFD_CLOEXEC);
    struct dirent *e;
    struct lab *lab;
    DIR *dir;
    int clips = 0;

    if (!clips_dir())
        SKIP("no development data");
    lab = open_lab();
    dir = opendir(clips_dir());
    while (test_ok && clips < 4 && (e = readdir(dir))) {
        CLEANUP(fd_closep) int fd = openat(dirfd(dir), e->d_name, O_RDONLY | O_CLOEXEC);
        struct stat st;
        struct outcome o;
        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > 4 << 20)
            continue;
        CHECK(ftruncate(out, 0) == 0);
        run_file(lab, fd, out, &o);
        CHECK_STR(o.lab_error.text, "");
        CHECK_STR(o.report_error.text, "");
        CHECK(o.moments > 0);
        CHECK(fstat(out, &st) == 0 && st.st_size > 1000);
        ROW("%s: %zu moments, %zu findings", e->d_name, o.moments, o.findings);
        clips++;
    }
    closedir(dir);
    CHECK(clips > 0);
    CHECK_INT(lab_stats(lab).crashed, 0);
    lab_stop(lab);
}

/* Not media: the decoder itself says so, from inside. */
static void a_text_is_an_error_with_a_code(void)
{
    CLEANUP(fd_closep) int fd = memfd_create("text", MFD_CLOEXEC);
    struct outcome o;
    struct lab *lab = open_lab();

    CHECK(write(fd, "no video at all", 15) == 15);
    run_file(lab, fd, -1, &o);
    CHECK_INT(o.lab_error.kind, ERR_NONE);
    CHECK_INT(o.report_error.kind, ERR_DECODE);
    CHECK_INT(lab_stats(lab).crashed, 0);
    lab_stop(lab);
}

int main(int argc, char **argv)
{
    if (argc > 1 && text_is(argv[1], "keeper"))
        return keeper_main(&(struct program_ref){"0", ""});
    log_setup(LOG_ERROR, false);
    RUN(decodes_detects_and_draws_inside);
    RUN(a_text_is_an_error_with_a_code);
    return test_end();
}
