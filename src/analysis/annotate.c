/* Pipeline "annotate": draws what an earlier job found over its video. */
#include "media/annotate.h"
#include "analysis/analysis.h"
#include "analysis/pipelines_int.h"

static int annotate_run(const struct toolbox *tools, const struct job_spec *spec, struct subject_fds fds,
                        int64_t deadline_mono_us, struct report *report, struct err *err)
{
    struct video_opts opts = video_opts_defaults();

    (void)report;
    if (!spec->annotate.report)
        return FAIL(err, ERR_INPUT, "there is no report to draw");
    if (fds.artefact < 0)
        return FAIL(err, ERR_INPUT, "there is no file to draw into");
    opts.deadline_mono_us = deadline_mono_us;
    if (tools->max_pixels)
        opts.max_pixels = tools->max_pixels;
    if (tools->max_seconds > 0)
        opts.max_seconds = tools->max_seconds;
    return annotate_video(fds.media, fds.artefact, spec->annotate.report, &opts, err);
}

const struct pipeline pipeline_annotate = {.name = "annotate", .run = annotate_run};
