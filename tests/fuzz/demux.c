/* Any bytes through the video reader: open, up to 20 frames, both kinds of pictures. libav itself is not
 * instrumented, so what this finds is our own handling of what libav says, and crashes. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "media/image.h"
#include "media/sample.h"
#include "media/video.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void read_frames(struct video *v)
{
    CLEANUP(scaler_freep) struct scaler *s = scaler_new();
    const struct media_info *m = video_info(v);
    int width = sample_width(m->width, m->height, 64);
    struct video_frame f;
    struct picture p;
    double last = -1;

    for (int i = 0; i < 20 && video_next(v, &f, NULL) > 0; i++) {
        if (f.index != i || !(f.pts > last))
            abort();
        last = f.pts;
        scaler_bgr(s, f.av, m->rotation, width, 64, &p, NULL);
        scaler_luma(s, f.av, m->rotation, width, 64, &p, NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    CLEANUP(video_freep) struct video *v = NULL;
    CLEANUP(fd_closep) int fd = memfd_create("fuzz", 0);
    struct video_opts o = video_opts_defaults();
    struct err err = {0};

    if (fd < 0 || write(fd, data, n) != (ssize_t)n)
        return 0;
    o.max_pixels = 1 << 20;
    o.deadline_mono_us = clock_mono_us() + 1000000;
    if (video_open(&v, fd, &o, &err) == 0)
        read_frames(v);
    else if (err.kind == ERR_NONE || err.kind == ERR_INTERNAL || err.kind == ERR_IO)
        abort();
    return 0;
}
