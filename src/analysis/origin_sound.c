/* Pipeline "origin-sound": was it spoken by a human or by a machine? The file's best track, clip by clip.
 * What is no speech is not judged: it is unknown, with a code. docs/speech.md. */
#include "analysis/credentials.h"
#include "analysis/hearing.h"
#include "analysis/panel.h"
#include "base/clock.h"

static int sound_run(const struct toolbox *tools, const struct job_spec *spec, struct subject_fds fds,
                     int64_t deadline_mono_us, struct report *report, struct err *err)
{
    struct jury jury = jury_new(report->arena, &spec->origin);
    struct origins *o = origins_new(report, &jury);
    const struct hearing h = {tools, &jury, report, deadline_mono_us, -1, 0};
    struct origin_stream *track = arena_alloc(report->arena, sizeof *track);
    int64_t begin = clock_mono_us();

    report->media = (struct media_info){.container = "", .codec = ""};
    if (origin_tools_check(&tools->origin, err) < 0 ||
        credentials_read(tools, &spec->origin, fds.media, deadline_mono_us, report, err) < 0)
        return -1;
    o->prepare_secs = (double)(clock_mono_us() - begin) / 1e6;
    if (hearing_hear(&h, fds.media, track, NULL, err) < 0)
        return -1;
    o->tracks = track;
    o->ntracks = 1;
    report->media.codec = track->codec;
    report->media.duration = track->duration;
    report->media.truncated = track->truncated;
    report->sampling.planned = report->sampling.judged = (int)track->nparts;
    return 0;
}

const struct pipeline pipeline_origin_sound = {.name = "origin-sound", .run = sound_run};
