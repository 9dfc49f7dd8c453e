#include "analysis/pipelines_int.h"
#include "base/clock.h"
#include "media/still.h"

int subject_picture(const struct toolbox *tools, int fd, int shortest, int64_t deadline_mono_us,
                    struct arena *scratch, struct report *report, struct picture *ret, struct err *err)
{
    struct still_opts opts = still_defaults();
    int64_t begin = clock_cpu_us();
    struct still still;
    int r;

    opts.shortest = shortest;
    opts.deadline_mono_us = deadline_mono_us;
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
