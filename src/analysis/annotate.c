/* Pipeline "annotate": draws what an earlier job found over its video. The only pipeline that reads a report instead of
 * filling one, hence the only one that includes report/json.h. */
#include <string.h>

#include "analysis/analysis.h"
#include "analysis/pipelines_int.h"
#include "media/annotate.h"
#include "report/json.h"

static int annotate_run(const struct toolbox *tools, const struct job_spec *spec, struct subject_fds fds,
                        int64_t deadline_mono_us, struct report *report, struct err *err)
{
    const char *json = spec->annotate.report_json;
    struct video_opts opts = video_opts_defaults();
    struct report *earlier;

    if (!json)
        return FAIL(err, ERR_INPUT, "there is no report to draw");
    if (fds.artefact < 0)
        return FAIL(err, ERR_INPUT, "there is no file to draw into");
    if (report_from_json(report->arena, bytes_of(json, strlen(json)), &earlier, err) < 0)
        return -1;
    opts.deadline_mono_us = deadline_mono_us;
    if (tools->max_pixels)
        opts.max_pixels = tools->max_pixels;
    if (tools->max_seconds > 0)
        opts.max_seconds = tools->max_seconds;
    return annotate_video(fds.media, fds.artefact, earlier, &opts, err);
}

const struct pipeline pipeline_annotate = {.name = "annotate", .run = annotate_run};
