/* Pipeline "origin-image": was a picture made by a human or by a machine? Every detector looks at the picture
 * at its own size, the jury rules, Content Credentials may decide. docs/origin.md. */
#include "analysis/credentials.h"
#include "analysis/heatmap.h"
#include "analysis/panel.h"
#include "base/cleanup.h"
#include "base/clock.h"

/* A picture that is too small for one has none. */
static int draw_heatmap(const struct toolbox *tools, const struct picture *picture, int fd, int64_t deadline,
                        struct report *report, struct err *err)
{
    const struct origin_seat *seat = heatmap_seat(&tools->origin, picture->width, picture->height);
    int64_t begin = clock_cpu_us();

    if (!seat)
        return 0;
    if (heatmap_write(seat, picture, fd, deadline, err) < 0)
        return -1;
    report->origins->has_heatmap = true;
    report->infer_us += clock_cpu_us() - begin;
    return 0;
}

static int image_run(const struct toolbox *tools, const struct job_spec *spec, struct subject_fds fds,
                     int64_t deadline_mono_us, struct report *report, struct err *err)
{
    CLEANUP(arena_freep) struct arena *scratch = arena_new();
    struct jury jury = jury_new(report->arena, &spec->origin);
    struct origins *o = origins_new(report, &jury);
    int64_t begin = clock_mono_us();
    struct picture picture;
    struct panel *panel;

    report->media = (struct media_info){.container = "", .codec = ""};
    if (origin_tools_check(&tools->origin, err) < 0 ||
        subject_picture(tools, fds.media, 0, deadline_mono_us, scratch, report, &picture, err) < 0 ||
        credentials_read(tools, &spec->origin, fds.media, deadline_mono_us, report, err) < 0)
        return -1;
    o->prepare_secs = (double)(clock_mono_us() - begin) / 1e6;
    panel = panel_new(tools, &spec->origin, "image", &jury, report);
    o->pictures = arena_alloc(report->arena, sizeof *o->pictures);
    *o->pictures = panel_stream(panel, 1);
    if (panel_judge(panel, &picture, deadline_mono_us, &o->pictures->parts[0], err) < 0)
        return -1;
    o->pictures->nparts = 1;
    jury_on_stream(&jury, o->pictures, JURY_ONE);
    report->sampling.judged = 1;
    return spec->origin.heatmap && fds.artefact >= 0
               ? draw_heatmap(tools, &picture, fds.artefact, deadline_mono_us, report, err)
               : 0;
}

const struct pipeline pipeline_origin_image = {.name = "origin-image", .run = image_run};
