/* How far two models agree on the same pictures, when nobody knows the truth: one of them is taken for it
 * ("the other"), as a teacher is whom a small model learned from. Pure; sums grow picture by picture, in the
 * arena of the sum. What cannot be said (nothing of the kind) is NAN. */
#ifndef ASSAY_VERDICT_AGREE_H
#define ASSAY_VERDICT_AGREE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

/* ---- faces ---- */

enum { AGREE_POINTS = 5 };
/* In pixels of the picture that the models saw; the first two points are the eyes. */
struct agree_face {
    double x, y, w, h;
    double points[AGREE_POINTS][2];
};

struct agree_faces {
    struct arena *arena;
    double overlap;  /* intersection over union from which two boxes are one face */
    double min_face; /* shorter side from which the other's face counts */
    size_t photos;
    size_t there, found; /* the other's faces that count, and those of them that were found */
    size_t small;        /* the other's faces that do not count: finding them is neither right nor wrong */
    size_t said;         /* faces told, but for those that met a small one */
    size_t wrong;        /* faces told where the other has none */
    size_t wrong_large;  /* those of them that are at least min_face */
    size_t ndistances, distances_cap;
    double
        *distances; /* of each face found: mean distance of its points, as part of the other's eye distance */
};
/* Each face told meets at most one of the other's, that with which it has the largest overlap; the faces are
 * in order, the surest first. */
void agree_faces_add(struct agree_faces *sum, const struct agree_face *told, size_t ntold,
                     const struct agree_face *other, size_t nother);

struct agree_faces_result {
    double recall, precision;         /* found of there, found of said */
    double wrong_per_20;              /* false faces in 20 photos */
    double distance, distance_median; /* of points, mean and median over the faces found */
};
/* Sorts the distances. */
struct agree_faces_result agree_faces_end(struct agree_faces *sum);

/* ---- tags ---- */

struct agree_tag {
    size_t told, other, both; /* pictures whose best tag it is, in the words of one, of the other, of both */
};

struct agree_tags {
    size_t ntags;
    struct agree_tag *tags;      /* room for ntags */
    double sure_from;            /* the other's best tag counts as sure from here */
    size_t photos, first, three; /* its best tag is the other's; the other's is among its three best */
    size_t sure, sure_first;     /* the same of those where the other was sure */
};
/* Probabilities of the tags, in one order; of equal ones the first is the best. */
void agree_tags_add(struct agree_tags *sum, const double *told, const double *other);

#endif
