/* Pipeline "faces": where faces are on one picture, and their five points, as the model of faces says it. For
 * measuring models: no API offers it. A face is a finding "face", followed by its points, which are findings
 * "point" without width and height, in the order of infer/faces.h. */
#include "infer/faces.h"

#include "analysis/pipelines_int.h"
#include "base/cleanup.h"
#include "base/clock.h"

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
    if (subject_picture(tools, fds.media, PICTURES_SHORTEST, deadline_mono_us, scratch, report, &picture,
                        err) < 0)
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
