/* What pipelines "origin-image", "origin-video" and "origin-sound" find: was it made by a human or by a
 * machine? Part of the report, dialect-free.
 *
 *   picture, frame or clip of sound = a part     every model of the stream has an opinion about it
 *   image, video, track of sound = a stream      statistics over its parts, one ruling per heuristic
 *
 * Scores are what the models gave (0..1, they need not sum to 1), never rounded. An opinion that is unknown
 * has a code that says why, and entered nothing. Seconds are PTS minus the PTS of the first frame; clips are
 * half-open. Boxes are in 0..1 of the displayed frame. What was not looked for is absent, what is not known
 * is NAN or NULL. All arrays `rulings` have nheuristics entries in the order of `heuristics`. Arithmetic:
 * docs/votes.md. Everything hangs on the report's arena. */
#ifndef ASSAY_REPORT_ORIGIN_H
#define ASSAY_REPORT_ORIGIN_H

#include <stdint.h>

#include "base/hash.h"
#include "report/box.h"
#include "report/scenery.h"
#include "verdict/heuristic.h"

/* Of one model about one thing. */
struct opinion {
    struct vote vote;
    const char *code; /* why it is unknown: "too_small", "not_speech", "uncertain", ...; NULL: it is known */
    double seconds;   /* of wall time the model took; never twice the same */
};

/* Of one heuristic: verdict/heuristic.h's ruling, with the name of the rule. */
struct origin_ruling {
    const char *heuristic;
    struct vote_answer answer;
    size_t count;    /* parts that voted for the answer; 0 when parts do not vote */
    uint64_t models; /* bit i: model i of the stream took part */
};

struct origin_face {
    struct box box;
    struct opinion *opinions; /* one for each of face_models */
    struct origin_ruling ruling;
};

struct origin_part {
    int64_t frame;         /* of a video: 0-based, in display order, -1: nobody counted (media/seek.h); else
                            * the place among the parts */
    struct segment time;   /* of a frame start == end, of an image both are 0 */
    char sha256[HASH_HEX]; /* of a frame's pixels: rows of blue, green, red as decoded; else "" */
    struct opinion *opinions;
    struct origin_ruling *rulings;
    bool has_faces; /* they were looked for */
    size_t nfaces;
    struct origin_face *faces; /* the largest first */
    double unsafe;             /* 0..1, not safe for work; NAN: not looked for */
};

struct origin_stream {
    size_t nmodels;
    const struct voter *models;
    size_t nparts;
    struct origin_part *parts;
    struct summary *summaries;      /* one per model, over the parts */
    struct origin_ruling *rulings;  /* of all of it: frames vote, clips of sound are averaged */
    struct origin_ruling *on_means; /* of a video: on each model's mean over the frames; else NULL */
    const char *codec;              /* of sound; else NULL */
    int rate, channels;             /* of sound: Hz, as in the file */
    double duration;                /* of sound: seconds decoded */
    bool truncated;                 /* of sound */
};

/* Content Credentials in the file (docs/c2pa.md). */
enum credentials_state { CREDENTIALS_NONE, CREDENTIALS_INVALID, CREDENTIALS_VALID, CREDENTIALS_TRUSTED };

struct credentials {
    enum credentials_state state;
    bool says_artificial; /* it, or what it was made from, declares a trained model as its source */
    const char *json;     /* what the reader says, an object; NULL: there are none */
};

struct origins {
    size_t nheuristics;
    const char **heuristics;        /* names */
    size_t main;                    /* which of them is the verdict */
    struct origin_stream *pictures; /* an image or the frames of a video; NULL: none */
    size_t nface_models;
    const struct voter *face_models;
    size_t ntracks;
    struct origin_stream *tracks; /* of sound */
    bool credentials_read;        /* somebody looked for them */
    struct credentials credentials;
    bool forced;         /* the credentials make it artificial, whatever the models say */
    bool unsafe_known;   /* somebody looked for what is not safe for work... */
    bool unsafe;         /* ...and a part is above the model's threshold */
    bool has_heatmap;    /* the artefact is a PNG that shows where */
    double prepare_secs; /* of wall time, before the first model: decoding and choosing frames */
};

/* Ceilings of a report that is read back. */
enum {
    ORIGIN_MAX_PARTS = 2000,
    ORIGIN_MAX_FACES = 64, /* on one part */
    ORIGIN_MAX_TRACKS = 8,
    ORIGIN_MAX_CREDENTIALS = 1 << 20, /* bytes of JSON */
    ORIGIN_MAX_HEURISTICS = HEURISTICS + 32,
    ORIGIN_MAX_OWN = 32,
};

#endif
