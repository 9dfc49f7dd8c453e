/* A kind of clip: what it sets up once and draws in each frame. One struct per kind, listed in scene.c. */
#ifndef SCENE_SCENE_INT_H
#define SCENE_SCENE_INT_H

#include "backdrop.h"
#include "body.h"
#include "camera.h"
#include "scene.h"

/* What a kind sees of the clip. */
struct stage {
    struct arena *clip;       /* memory for the whole clip */
    struct rng rng;           /* for set-up only: drawing is a function of time */
    struct backdrop backdrop; /* may be changed in set-up, before it is drawn */
    enum style style;
    struct canvas background; /* drawn backdrop; may be drawn on in `prepare` */
    float width, height, seconds;
    bool night;
    void *props; /* of the kind */
};

struct instant {
    float t;               /* seconds */
    struct canvas *canvas; /* starts as a copy of the background */
    struct arena *frame;   /* memory until the next frame */
    struct rng rng;        /* of this frame */
    struct exposure exposure;
    struct scene_frame *truth;
};

struct kind {
    struct scene_kind_info info;
    void (*setup)(struct stage *s);                         /* before the backdrop is drawn; may be NULL */
    void (*prepare)(struct stage *s);                       /* after it; may be NULL */
    void (*draw)(const struct stage *s, struct instant *m); /* may be NULL */
};

/* Adds a box to the truth, cut at the edges; nothing when less than a sixth of its width or height is in
 * view. */
void instant_box(const struct stage *s, struct instant *m, const char *label, struct bounds b);

extern const struct kind kind_person, kind_person_far, kind_near, kind_vehicle,
    kind_animal;                                                                 /* kinds_alarm.c */
extern const struct kind kind_plant, kind_flag, kind_wind;                       /* kinds_wind.c */
extern const struct kind kind_rain, kind_insect, kind_spider, kind_web;          /* kinds_lens.c */
extern const struct kind kind_shake, kind_light, kind_empty, kind_pan, kind_cut; /* kinds_camera.c */
extern const struct kind kind_smoke, kind_litter, kind_belt;                     /* kinds_loose.c */
extern const struct kind kind_text;                                              /* kinds_text.c */

/* Other drawings of some of them, for STYLE_SECOND. */
extern const struct kind second_plant, second_flag, second_wind;                  /* second_wind.c */
extern const struct kind second_rain, second_insect, second_spider, second_web;   /* second_lens.c */
extern const struct kind second_shake, second_light, second_smoke, second_litter; /* second_loose.c */
extern const struct kind second_text;                                             /* second_text.c */

/* And for STYLE_THIRD: third.c. */
extern const struct kind third_plant, third_flag, third_wind, third_rain, third_insect, third_spider,
    third_web;
extern const struct kind third_shake, third_light, third_smoke, third_litter;

#endif
