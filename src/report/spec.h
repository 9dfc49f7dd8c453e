/* What was asked: one job. Filled by a dialect (or `assay check`), checked by spec_check, handed to an
 * analyst. Everything a pipeline needs to give the same answer again is in here; nothing of HTTP is. */
#ifndef ASSAY_REPORT_SPEC_H
#define ASSAY_REPORT_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "report/sensor.h"
#include "verdict/heuristic.h"
#include "verdict/risk.h"
#include "verdict/zone.h"

struct report;

/* The bytes to judge. `name` is only for people. */
struct subject {
    char sha256[HASH_HEX];
    int64_t size;
    const char *name;
};

/* Pipeline "alarm": intrusion or not. */
struct alarm_params {
    double fps;     /* frames judged per second of video; default 3 */
    int height;     /* lines of the frames judged; default 320; width scales and is rounded to even */
    int max_frames; /* ceiling of judged frames; default 600. Longer videos are judged at a lower rate, evenly
                     */
    struct risk_rule rule; /* what is not a number: the model card's own */
    size_t nzones;
    const struct zone *zones;
};

/* Pipeline "annotate": draws an earlier report's findings over its video, as MP4. */
struct annotate_params {
    const struct report *report; /* of the finished job; NULL for other pipelines */
};

/* A part of the subject: one picture of a batch lies behind the other. Size 0: the client's data were no
 * data; `error` says why. */
struct subject_part {
    int64_t offset, size;
    struct err error;
};

/* Somebody the tenant knows. */
struct known_face {
    size_t n;
    const float *embedding; /* L2-normalised */
};

/* Pipelines "scenes" and "pictures": what to look for. What there is no model for is not found. */
struct scenes_params {
    double fps;       /* frames per second of video that models see; default 2 */
    bool people;      /* tell people apart; default true */
    bool texts, tags; /* default true */
    /* Biometric outputs; default false. Without embeddings people are told apart by where they are. */
    bool embeddings, thumbnails, age_gender;
    double tag_from; /* pictures: tags at least that probable; default 0.5 */
    size_t nparts;   /* of "pictures" */
    const struct subject_part *parts;
    size_t nknown; /* filled when the job begins, never stored */
    const struct known_face *known;
};
enum { PARTS_MAX = 64, KNOWN_FACES_MAX = 1000, JOB_DEADLINE_MAX_MS = 86400000 };

/* Which frames of a video are judged, at most `frames` of them. */
enum key_frames {
    FRAMES_EVEN,  /* the middles of equal stretches */
    FRAMES_INTRA, /* those that the encoder made key frames */
    FRAMES_FLOW,  /* of each stretch from one key frame to the next the stillest */
    FRAMES_COLOR, /* of each such stretch the one nearest its mean colour */
    KEY_FRAMES
};
const char *key_frames_name(enum key_frames k); /* "even", "iframes", "flow", "color" */

/* From when on Content Credentials that name a trained model as the source decide. */
enum credentials_force { FORCE_NEVER, FORCE_TRUSTED, FORCE_VALID, CREDENTIALS_FORCES };
const char *credentials_force_name(enum credentials_force f); /* "never", "trusted", "valid" */

/* Pipelines "origin-image", "origin-video" and "origin-sound": made by a human or by a machine? */
struct origin_params {
    int frames;                   /* of a video, 1..ORIGIN_FRAMES_MAX; default 5 */
    enum key_frames choose;       /* default even */
    bool faces;                   /* also look at each face; default false */
    bool heatmap;                 /* of an image; default false */
    bool unsafe;                  /* also: is it safe for work? default false */
    enum credentials_force force; /* default valid */
    int64_t at;                   /* seconds since 1970: when validity of certificates is asked */
    const char *heuristic;        /* the one that is the verdict; default heuristic_default */
    size_t nown;
    const struct heuristic *own; /* of the operator, beside the service's seven */
};
enum { ORIGIN_FRAMES_MAX = 100 };

/* Pipeline "tampering": was a picture or a document changed after it was made? */
enum tamper_model {
    TAMPER_ERROR_LEVEL,
    TAMPER_DOUBLE_JPEG,
    TAMPER_COPY_MOVE,
    TAMPER_METADATA,
    TAMPER_MODELS
};
enum { TAMPER_ALL = (1 << TAMPER_MODELS) - 1 };
struct tamper_params {
    unsigned models; /* bit i: enum tamper_model i is asked; default all of them; none is possible */
    int64_t at;      /* seconds since 1970: when validity of certificates is asked */
    size_t nparts;   /* tickets, 1..PARTS_MAX: pictures or PDFs */
    const struct subject_part *parts;
};

struct job_spec {
    const char *id;       /* of the job; for logs */
    const char *pipeline; /* "alarm", "annotate", "scenes", "pictures", "faces", "origin-image",
                           * "origin-video", "origin-sound", "tampering", "sensor-..." (report/sensor.h) */
    struct subject subject;
    int64_t deadline_ms; /* from the start of the analysis; 1..JOB_DEADLINE_MAX_MS */
    int64_t spent_ms;    /* of it, before the analysis: fetching the subject; at most deadline_ms */
    struct alarm_params alarm;
    struct scenes_params scenes;
    struct origin_params origin;
    struct tamper_params tamper;
    struct sensor_params sensor;
    struct annotate_params annotate;
};

bool pipeline_is_scenes(const char *name); /* "scenes" or "pictures" */
bool pipeline_is_origin(const char *name); /* "origin-image", "origin-video" or "origin-sound" */
bool pipeline_is_tampering(const char *name);
bool pipeline_is_sensor(const char *name); /* "sensor-..." */
/* What an analyst must have at hand for it: bits, because one analyst may have several. */
enum { KIT_ALARM = 1 << 0, KIT_SCENES = 1 << 1, KIT_ORIGIN = 1 << 2 };
unsigned pipeline_kit(const char *name);
/* With its zones and thresholds in the arena. */
struct alarm_params alarm_params_copy(struct arena *a, const struct alarm_params *p);
/* With its parts and known faces in the arena. */
struct scenes_params scenes_params_copy(struct arena *a, const struct scenes_params *p);
/* With its heuristics in the arena. */
struct origin_params origin_params_copy(struct arena *a, const struct origin_params *p);
/* With its parts in the arena. */
struct tamper_params tamper_params_copy(struct arena *a, const struct tamper_params *p);
struct job_spec job_spec_defaults(void);               /* pipeline alarm, deadline 60 s, the defaults above */
int64_t job_spec_left_ms(const struct job_spec *spec); /* of the deadline, for the analysis; at least 1 */
int job_spec_check(const struct job_spec *spec, struct err *err);

#endif
