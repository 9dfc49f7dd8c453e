/* Pipeline "faces": where faces are on one picture, and their five points, as the model of faces says it. For
 * measuring models: no API offers it. A face is a finding "face", followed by its points, which are findings
 * "point" without width and height, in the order of infer/faces.h. */
#include "infer/faces.h"

#include "analysis/pipelines_int.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "media/still.h"

/* As pipeline "pictures" opens it, so that models see the same. */
static int open_picture(const struct toolbox *tools, int fd, int64_t deadline, struct arena *scratch,
                        struct report *report, struct picture *ret, struct err *err)
{
    struct still_opts opts = still_defaults();
    int64_t begin = clock_cpu_us();
    struct still still;
    int r;

    opts.shortest = PICTURES_SHORTEST;
    opts.deadline_mono_us = deadline;
    opts.cpu_us = tools->cpu_us ? tools->cpu_us : opts.cpu_us;
    r = still_read_range(scratch, fd, 0, report->subject.size, &opts, &still, err);
    report->decode_us += clock_cpu_us() - begin;
    if (r < 0)
        return -1;
    report->media = (struct media_info){.container = arena_strdup(report->arena, still.format),
                                        .codec = arena_strdup(report->arena, still.format),
                                        .width = still.width,
                                        .height = still.height,
                                        .frames = 1};
    report->sampling =
        (struct sampling){.width = still.picture.width, .height = still.picture.height, .planned = 1};
    *ret = still.picture;
    return 0;
}

static void add_face(struct report *r, int moment, const struct face *f)
{
    struct finding found = {.moment = moment, .label = "face", .score = (double)f->score, .box = f->box};

    report_add_finding(r, &found);
    found.label = "point";
    for (size_t i = 0; i < FACE_POINTS; i++) {
        found.box = (struct box){.x = f->points[i][0], .y = f->points[i][1]};
        report_add_finding(r, &found);
    }
}

static int faces_run(const struct toolbox *tools, const struct job_spec *spec UNUSED, struct subject_fds fds,
                     int64_t deadline_mono_us, struct report *report, struct err *err)
{
    CLEANUP(arena_freep) struct arena *scratch = arena_new();
    const struct scenes_tools *t = &tools->scenes;
    struct picture picture;
    struct face *faces;
    int64_t begin;
    size_t n;
    int moment;

    if (t->problem.kind != ERR_NONE)
        return FAIL(err, t->problem.kind, "%s", t->problem.text);
    if (!t->faces)
        return FAIL(err, ERR_MODEL, "there is no model of faces");
    note_model(report, t->faces);
    if (open_picture(tools, fds.media, deadline_mono_us, scratch, report, &picture, err) < 0)
        return -1;
    begin = clock_cpu_us();
    if (faces_find(face_finder_new(scratch, t->faces), scratch, &picture, deadline_mono_us, &faces, &n, err) <
        0)
        return -1;
    report->infer_us += clock_cpu_us() - begin;
    report->sampling.judged = 1;
    moment = report_add_moment(report, 0, 0);
    for (size_t i = 0; i < n; i++)
        add_face(report, moment, &faces[i]);
    return 0;
}

const struct pipeline pipeline_faces = {.name = "faces", .run = faces_run};
