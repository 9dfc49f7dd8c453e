/* Reads sound from a descriptor: of a sound file (WAV, MP3, FLAC, Ogg, AAC, M4A, 3GP, AMR, ...) or of a
 * video. The container is recognised by its content, with the limits and refusals of media/video.h (both open
 * it through container_int.h): nothing that names other files, no network.
 *
 * Whatever the track is, what comes out is mono, 16,000 samples a second, float, nominally -1..1. Channels
 * are mixed down with equal weights, so two channels that differ are heard both and two that cancel each
 * other are silent; the resampler is libswresample's. What a higher rate holds above 8 kHz is gone; a lower
 * rate (telephone) gives nothing there.
 *
 * One pass, forward only, in pieces of at most SOUND_PIECE samples: memory does not grow with the length.
 * Used inside an analyst: one thread, no file is opened.
 *
 * Second 0 is the first decoded sample of the track. A damaged packet is skipped and counted, and its time is
 * not filled, as players do.
 *
 * sound_open decodes the first samples already: a file without any is refused there.
 *
 * Errors: ERR_DECODE not media, or no sample of it can be decoded, ERR_NO_STREAM a file without sound,
 * ERR_LIMIT over a ceiling, ERR_TIMEOUT the deadline passed, ERR_IO the descriptor cannot be read. A file
 * that breaks after some good samples is not an error: sound_info.truncated says so. */
#ifndef ASSAY_MEDIA_SOUND_H
#define ASSAY_MEDIA_SOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct sound;

enum { SOUND_RATE = 16000, SOUND_PIECE = 4096 };

struct sound_opts {
    int track;                /* which of sound_info.tracks; default -1: the one that libav thinks best */
    double max_seconds;       /* of the container, and of what is decoded; default 3600 */
    int64_t deadline_mono_us; /* 0 = none */
    int64_t cpu_us;           /* as video_opts.cpu_us; 0 = no limit */
};
struct sound_opts sound_opts_defaults(void);

struct sound_track {
    const char *codec; /* libavcodec's name: "mp3", "aac", "pcm_s16le" */
    int rate;          /* samples a second of one channel, as the file says; 0 = it does not */
    int channels;
    double duration; /* seconds as the file says; 0 = it does not */
};

struct sound_info {
    const char *container; /* libavformat's name of the demuxer */
    size_t ntracks;
    const struct sound_track *tracks; /* those with sound, in the order of the file */
    size_t track;                     /* the one that is decoded */
    bool has_video;                   /* a picture that moves; a cover picture is none */
    /* exact after sound_next returned 0 */
    int64_t samples; /* handed out so far, of SOUND_RATE a second */
    int64_t damaged; /* packets that were skipped */
    bool truncated;  /* something was damaged, or the file ends before its container does */
};

/* fd is borrowed and read with pread from 0. */
int sound_open(struct sound **ret_sound, int fd, const struct sound_opts *opts, struct err *err);
void sound_freep(struct sound **s);

struct sound_piece {
    const float *samples; /* valid until the next call */
    size_t n;             /* 1..SOUND_PIECE */
    int64_t first;        /* number of the first of them since second 0 */
};
/* 1 and a piece, 0 at the end, -1 and err. A sample is always a number: what a decoder gives beside that is
 * silence. */
int sound_next(struct sound *s, struct sound_piece *ret_piece, struct err *err);
/* Strings and tracks live as long as s. */
const struct sound_info *sound_info(const struct sound *s);
/* "libavformat a.b.c libavcodec a.b.c libswresample a.b.c" */
const char *sound_decoder_version(void);

#endif
