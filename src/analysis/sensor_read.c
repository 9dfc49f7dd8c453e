/* Pipeline "sensor-read": a file as a client sent it -> what it is, and its numbers as the artefact. */
#include "analysis/analysis.h"
#include "analysis/artefact.h"
#include "analysis/pipelines_int.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "media/recording.h"

static int sensor_read_run(const struct toolbox *tools, const struct job_spec *spec, struct subject_fds fds,
                           int64_t deadline_mono_us, struct report *report, struct err *err)
{
    CLEANUP(arena_freep) struct arena *scratch = arena_new();
    struct recording_opts opts = recording_opts_defaults();
    int64_t begin = clock_cpu_us();
    struct recorded found;

    report->sensing = arena_alloc(report->arena, sizeof *report->sensing);
    report->media = (struct media_info){.container = "", .codec = ""};
    report->sampling.planned = 1;
    opts.name = spec->sensor.file;
    opts.deadline_mono_us = deadline_mono_us;
    if (tools->max_pixels)
        opts.max_pixels = tools->max_pixels;
    if (tools->cpu_us)
        opts.cpu_us = tools->cpu_us;
    if (recording_read(report->arena, scratch, fds.media, spec->subject.size, &opts, &found, err) < 0)
        return -1;
    report->decode_us = clock_cpu_us() - begin;
    report->sampling.judged = 1;
    report->sensing->recording = arena_alloc(report->arena, sizeof found.facts);
    *report->sensing->recording = found.facts;
    if (fds.artefact < 0 || found.facts.kind != SENSOR_SERIES)
        return 0;
    return artefact_write(fds.artefact, bytes_of(found.numbers, found.n * sizeof *found.numbers),
                          "the numbers of the recording", err);
}

const struct pipeline pipeline_sensor_read = {.name = "sensor-read", .run = sensor_read_run};
