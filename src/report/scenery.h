/* What pipelines "scenes" (a video) and "pictures" (a batch of images) find: shots, activity, people, texts,
 * sections, tags. Part of the report, dialect-free.
 *
 * Seconds are PTS minus the PTS of the first frame, segments are half-open. Boxes are in 0..1 of the
 * displayed frame. A block that was not looked for (no model, switched off) is absent: its `has_` is false.
 * One that was looked for and not found is there and empty. What is not known is NULL, NAN or 0 bytes, never
 * a guess. Everything hangs on the report's arena. */
#ifndef ASSAY_REPORT_SCENERY_H
#define ASSAY_REPORT_SCENERY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "report/box.h"

struct segment {
    double start, end; /* seconds, start < end but for a video without duration */
};

/* How a shot begins. */
enum shot_begin { SHOT_START, SHOT_CUT, SHOT_GRADUAL };

struct shot {
    struct segment time; /* contiguous: the first begins at 0, the last ends with the video */
    enum shot_begin begin;
};

enum gender { GENDER_UNIDENTIFIED, GENDER_FEMALE, GENDER_MALE };
enum listed { LISTED_UNKNOWN, LISTED_NO, LISTED_YES }; /* unknown: there is no list */

/* One identity, as far as the pipeline can tell. */
struct person {
    double age; /* years, NAN = not known */
    enum gender gender;
    size_t nembedding;      /* 0 = not made */
    const float *embedding; /* L2-normalised */
    struct bytes thumbnail; /* JPEG; 0 bytes = not made */
    enum listed listed;
    double box_pts; /* where the largest face was seen, and when */
    struct box box;
};

struct appearance {
    int person;        /* index into people */
    double prominence; /* 0..1; sums to 1 over those seen together */
};

/* A stretch of time with an unchanged set of people; of a picture: all of it. */
struct constellation {
    struct segment time;
    size_t n;
    struct appearance *seen; /* the most prominent first */
};

struct scene_text {
    const char *words;    /* UTF-8, lines joined with a blank */
    const char *language; /* ISO 639-1, NULL = not known */
    double confidence;    /* 0..1, mean over the words */
    struct segment time;  /* of a picture: 0, 0 */
    struct box box;       /* where it was read first */
};

struct scene_tag {
    const char *name;
    double probability; /* 0..1 */
    bool critical;
};

/* All shots whose best tag is this one. */
struct section {
    const char *tag;
    bool critical;
    double confidence; /* 0..1, duration-weighted mean */
    double activity;   /* 0..1 of the liveliest section */
    double best_pts;   /* of the frame that shows it best; inside one of the segments */
    size_t nsegments;
    struct segment *segments;
};

struct scenery {
    bool has_shots, has_people, has_texts, has_sections, has_tags;
    size_t nshots;
    struct shot *shots;
    double activity_step; /* seconds between two samples of the curve; 0 = none was made */
    size_t nactivity;
    float *activity; /* 0..1, difference of sample i+1 to sample i */
    size_t npeople;
    struct person *people;
    size_t nconstellations;
    struct constellation *constellations; /* cover the whole video, also where nobody is */
    size_t ntexts;
    struct scene_text *texts; /* by start */
    size_t nsections;
    struct section *sections; /* by tag's first appearance */
    size_t ntags;
    struct scene_tag *tags; /* of a picture, the most probable first */
    /* Effort: frames offered to and really read by the text reader, faces looked at. */
    int text_offered, text_read, face_frames;
};

/* Ceilings of a report that is read back. */
enum {
    SCENERY_MAX_SHOTS = 100000,
    SCENERY_MAX_ACTIVITY = 7200,
    SCENERY_MAX_PEOPLE = 1000,
    SCENERY_MAX_EMBEDDING = 1024,
    SCENERY_MAX_THUMBNAIL = 64 << 10,
    SCENERY_MAX_CONSTELLATIONS = 20000,
    SCENERY_MAX_TEXTS = 5000,
    SCENERY_MAX_TEXT = 8192, /* bytes of one */
    SCENERY_MAX_TAGS = 256,
    SCENERY_MAX_SEGMENTS = 100000,
};

#endif
