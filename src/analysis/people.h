/* Who is in a video, and when: from faces in samples to tracks, from tracks to identities, from those to the
 * stretches with an unchanged set of people. Pure: what models say of a face is handed in.
 *
 *   track      faces at one place in samples that follow each other; two missed samples do not end it, a
 *              changed scene does, and so does a vector that points elsewhere than the track's first
 *   identity   tracks whose mean vectors are alike (cosine >= same_from) and which never show at once.
 * Without vectors every track is somebody else: people are told apart by where they are, nothing more stretch
 * the set of identities at each sample; shorter than a second joins the stretch before
 *
 * A look (vector, age and gender) is dear, so it is asked for only when a track begins, when the scene has
 * changed, and when the face has become half as large again. One face seen once, and not surely, is dropped.
 *
 * One instance per video, one thread, memory from the arena: at most PEOPLE_FACES of a sample count, the
 * largest ones. */
#ifndef ASSAY_ANALYSIS_PEOPLE_H
#define ASSAY_ANALYSIS_PEOPLE_H

#include "report/report.h"

enum { PEOPLE_FACES = 32, PEOPLE_TRACKS = 4000 };

struct people_opts {
    size_t nembedding;   /* numbers of a vector; 0 = there are none */
    double same_from;    /* cosine from which two vectors are one person */
    double gender_floor; /* mean probability from which a gender is told; 0.5..1 */
    size_t nknown;
    const struct known_face *known;
};

/* A face in the present sample. */
struct glimpse {
    struct box box;
    float score;
    int index;                        /* the caller's: kept */
    int track;                        /* set by people_sample; -1: not counted */
    bool wants_look, wants_thumbnail; /* the same: worth asking the models */
};

/* What models read in a face. */
struct face_look {
    const float *embedding;   /* copied; NULL = none */
    double age, female, male; /* NAN = not known */
};

struct people;
struct people *people_new(struct arena *a, const struct people_opts *opts);
/* The next sample, also one without faces. `changed`: it shows another scene than the sample before. Sorts
 * the faces, the largest first, and says of each what would be worth knowing. */
void people_sample(struct people *p, double pts, bool changed, struct glimpse *faces, size_t n);
/* What the models say of a face of the present sample. May give it another track. */
void people_look(struct people *p, struct glimpse *g, const struct face_look *look);
void people_thumbnail(struct people *p, const struct glimpse *g, struct bytes jpeg); /* copies */
/* The video ends at `end` seconds: fills has_people, people and constellations. A picture is one sample that
 * ends at 0. Vectors, ages and genders are told as far as they were handed in. Once. */
void people_end(struct people *p, double end, struct scenery *ret);

#endif
