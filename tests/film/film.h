/* Films with known cuts, dissolves, fades, flashes and changes of light, for the tests and benchmarks of
 * shots. A film is a row of shots; what a shot shows comes from a source: made worlds with texture, cameras
 * that pan, zoom and shake, things that pass, and noise (film_worlds), or frames of real clips.
 *
 * Same seed, same film, on every machine. Never part of the product. */
#ifndef ASSAY_TEST_FILM_H
#define ASSAY_TEST_FILM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

struct AVFrame;

/* I420, limited range, planes one behind the other. */
struct sheet {
    int width, height; /* even */
    uint8_t *y, *u, *v;
};
struct sheet sheet_new(struct arena *a, int width, int height);
size_t sheet_size(int width, int height);

struct film_source {
    /* Draws shot `number` as it is `t` seconds after its beginning. */
    void (*draw)(void *of, int number, double t, struct sheet *on);
    void *of;
    int shots; /* how many there are; 0 = any number */
};

enum film_kind { FILM_CUT, FILM_DISSOLVE, FILM_BLACK, FILM_WHITE, FILM_FLASH, FILM_LIGHT, FILM_KINDS };
struct film_event {
    enum film_kind kind;
    int64_t first, last; /* frames in which it shows; of a cut, both the first frame of the new shot */
    double start, end;   /* their times */
};

struct film_opts {
    uint64_t seed;
    int width, height;
    double seconds;
    double fps;                    /* 0 = 24, 25, 30 or 15, by seed */
    bool variable;                 /* frames come early, late, or not at all */
    bool cuts, gradual, disturbed; /* which transitions there are; flashes and changes of light */
};
struct film_opts film_opts_defaults(void); /* 320x180, 20 s, everything but a variable rate */

struct film;
/* source NULL: worlds of this seed. Everything lives in the arena. */
struct film *film_new(struct arena *a, const struct film_opts *o, const struct film_source *source);
/* false at the end. The frame belongs to the film and is valid until the next call. */
bool film_next(struct film *f, const struct AVFrame **ret_frame, double *ret_pts);
const struct film_event *film_events(const struct film *f, size_t *ret_n);
double film_time(const struct film *f, int64_t frame); /* of the nearest frame that there is */
double film_end(const struct film *f);
void film_free_frame(struct film *f); /* what does not live in the arena */

/* Worlds: made scenes, numbered. */
struct film_source film_worlds(struct arena *a, uint64_t seed, int width, int height);

/* Shots of real clips: the first seconds after `from`, each clip once before one comes again. The caller
 * knows that there is no cut in them. false when one cannot be read. */
struct film_clip {
    const char *name;
    double from, until;
};
bool film_clips(struct arena *a, const char *folder, const struct film_clip *clips, size_t n, uint64_t seed,
                int width, int height, struct film_source *ret);
/* The development clips in two halves, one to tune on and one to report about. */
const struct film_clip *film_half(int half, size_t *ret_n);

#endif
