/* Any bytes through the sound reader: open, up to 200 pieces. libav itself is not instrumented, so what this
 * finds is our own handling of what libav says, and crashes. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "media/sound.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_piece(const struct sound_piece *p, int64_t first)
{
    if (p->first != first || p->n < 1 || p->n > SOUND_PIECE)
        abort();
    for (size_t i = 0; i < p->n; i++)
        if (!(p->samples[i] >= -1 && p->samples[i] <= 1))
            abort();
}

static void read_pieces(struct sound *s)
{
    struct sound_piece p;
    int64_t first = 0;

    for (int i = 0; i < 200 && sound_next(s, &p, NULL) > 0; i++) {
        check_piece(&p, first);
        first += (int64_t)p.n;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    CLEANUP(sound_freep) struct sound *s = NULL;
    CLEANUP(fd_closep) int fd = memfd_create("fuzz", 0);
    struct sound_opts o = sound_opts_defaults();
    struct err err = {0};

    if (fd < 0 || write(fd, data, n) != (ssize_t)n)
        return 0;
    o.deadline_mono_us = clock_mono_us() + 1000000;
    if (sound_open(&s, fd, &o, &err) == 0)
        read_pieces(s);
    else if (err.kind == ERR_NONE || err.kind == ERR_INTERNAL || err.kind == ERR_IO)
        abort();
    return 0;
}
