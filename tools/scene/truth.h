/* The truth beside a rendered clip, as JSON: docs/scenes.md describes the members. */
#ifndef SCENE_TRUTH_H
#define SCENE_TRUTH_H

#include "scene.h"

struct truth;

/* Strings of opts are borrowed; everything lives in the arena. */
struct truth *truth_new(struct arena *a, const struct scene_opts *opts, const struct scene *s);
void truth_add(struct truth *t, const struct scene_frame *frame);
struct bytes truth_json(struct truth *t);

#endif
