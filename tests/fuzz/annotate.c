/* A clip whose first bytes are boxes and moments of a report, through the annotated clip. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "media/annotate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { FINDINGS = 4, HEAD = FINDINGS * (sizeof(struct box) + 2) + 2 * sizeof(double) };

static const uint8_t *fill(struct finding *found, struct moment *moments, const uint8_t *data)
{
    for (int i = 0; i < FINDINGS; i++) {
        memcpy(&found[i].box, data, sizeof found[i].box);
        found[i].moment = (int8_t)data[sizeof found[i].box];
        found[i].excluded = data[sizeof found[i].box + 1] & 1;
        data += sizeof found[i].box + 2;
    }
    for (int i = 0; i < 2; i++, data += sizeof moments[i].pts)
        memcpy(&moments[i].pts, data, sizeof moments[i].pts);
    return data;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    CLEANUP(fd_closep) int fd = memfd_create("fuzz", 0);
    CLEANUP(fd_closep) int out = memfd_create("out", 0);
    struct finding found[FINDINGS] = {0};
    struct moment moments[2] = {0};
    struct report report = {.moments = moments, .nmoments = 2, .findings = found, .nfindings = FINDINGS};
    struct video_opts o = video_opts_defaults();

    if (n < HEAD || fd < 0 || out < 0)
        return 0;
    n -= (size_t)(fill(found, moments, data) - data);
    if (write(fd, data + HEAD, n) != (ssize_t)n)
        return 0;
    o.max_pixels = 1 << 18;
    o.max_frames = 20;
    o.deadline_mono_us = clock_mono_us() + 1000000;
    annotate_video(fd, out, &report, &o, NULL);
    return 0;
}
