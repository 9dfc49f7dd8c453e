/* Clips like those of an alarm camera, with the truth known: what is in them and where.
 *
 * A scene is made from a kind and a seed; every frame follows from the two and its index, so frames come in
 * any number of runs the same. Frames are asked for in order. One scene, one thread. */
#ifndef SCENE_SCENE_H
#define SCENE_SCENE_H

#include <stdbool.h>

#include "media/image.h"

enum { SCENE_MAX_BOXES = 8 };

struct scene_opts {
    const char *kind;
    uint64_t seed;
    double seconds;    /* 0.1..120 */
    int fps;           /* 1..60 */
    int width, height; /* even, 64..1920 */
    bool night;        /* infrared camera */
    bool dusk;         /* low light of the evening, else sun or cloud by the seed */
    const char *site;  /* NULL = by the seed */
    const char *style; /* "first" (also NULL), "varied", "second", "third": see style.h */
    const char *with; /* another kind in the same clip, drawn first (a person behind the rain); NULL = none */
};
struct scene_opts scene_opts_defaults(void); /* 3 s, 10 frames per second, 640x480, day */

struct scene;

struct scene_box {
    const char *label;
    struct box box; /* 0..1, cut at the picture's edges */
};

struct scene_frame {
    struct picture picture; /* BGR, valid until the next scene_next */
    double pts;
    size_t nboxes;
    struct scene_box boxes[SCENE_MAX_BOXES];
};

/* ERR_INPUT on an unknown kind or options out of range. */
int scene_open(struct scene **ret_scene, const struct scene_opts *opts, struct err *err);
void scene_freep(struct scene **s);
/* True and the next frame, false at the end. */
bool scene_next(struct scene *s, struct scene_frame *ret_frame);
int scene_frames(const struct scene *s);

/* All kinds, ended by a NULL name. */
struct scene_kind_info {
    const char *name;
    const char *label; /* what an alarm would be about: "person", "vehicle", "animal"; NULL for nuisance */
    const char *about;
};
const struct scene_kind_info *scene_kind(int i);
const char *scene_site(const struct scene *s);

#endif
