/* What was found: one typed struct for every pipeline, dialect-free. A pipeline fills it, report/json.h turns
 * it into the canonical JSON (schema in docs/report.md) and back, a dialect renders it.
 *
 * Everything hangs on the report's arena. Labels are the pipeline's own words in English ("person",
 * "vehicle"); a dialect translates. Boxes are in 0..1 of the displayed frame (after rotation), seconds are
 * PTS minus the PTS of the first frame. A score that no model or rule made is absent, never 0. */
#ifndef ASSAY_REPORT_REPORT_H
#define ASSAY_REPORT_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "report/origin.h"
#include "report/scenery.h"
#include "report/spec.h"
#include "report/tampering.h"
#include "verdict/reach.h"

/* The file as it is. */
struct media_info {
    const char *container, *codec; /* libav's short names */
    double duration;               /* seconds; container, else last PTS + frame duration */
    int width, height;             /* displayed pixels, rotation applied */
    double fps;                    /* average frame rate, true source value */
    int64_t frames;                /* frames decoded, or the container's count when decoding stopped early */
    int rotation;                  /* 0, 90, 180, 270 clockwise, as applied */
    bool truncated;                /* the stream broke off or was damaged after some good frames */
};

/* What the models saw. */
struct sampling {
    int width, height; /* of the frames judged */
    int planned;       /* moments wanted from the header's duration; an estimate */
    int judged;        /* moments really judged: 0 means there is no verdict */
    double fps;        /* judged / duration, 0 when the duration is 0 */
};

struct moment {
    int64_t frame; /* index of the source frame, 0-based, in display order */
    double pts;    /* seconds */
};

struct score {
    const char *label;
    double value;       /* 0..1, whole subject */
    const char *source; /* name of the model or rule which made it */
};

struct finding {
    int moment; /* index into moments */
    const char *label;
    double score; /* 0..1 */
    struct box box;
    bool excluded; /* foot point in an exclusion zone: shown, not counted */
};

struct model_ref {
    const char *name, *version, *task, *sha256;
    const char *card; /* sha256 of the card's text, NULL = not known */
};

/* The program that judged: its version and the commit it was built from ("" = not known). */
struct program_ref {
    const char *version, *commit;
};

/* What was in force, whatever came of it. */
struct configuration {
    bool known;                  /* false in records of a program which did not write it */
    struct alarm_params alarm;   /* the rule is whole: what the job left open is the model card's */
    bool scenes_known;           /* made by pipeline "scenes" or "pictures"; then not `alarm` but this */
    struct scenes_params scenes; /* without parts and known faces */
    bool origin_known;           /* made by pipelines "origin-..."; then these */
    struct origin_params origin;
    bool tamper_known; /* made by pipeline "tampering"; then these, without parts */
    struct tamper_params tamper;
    bool sensor_known;      /* made by pipelines "sensor-..."; then this */
    char impulse[HASH_HEX]; /* impulse_sum; "" where there is none */
    int64_t deadline_ms;
    int64_t max_pixels; /* of a frame */
    double max_seconds; /* of a video */
    int64_t cpu_us;     /* processor time for a file, and again for each MB of it; 0 = no ceiling */
};

/* What judges. The same subject, configuration and makers give the same report, but for its timing. */
struct makers {
    size_t nmodels;
    const struct model_ref *models;
    const char *decoder, *runtime; /* versions of the libraries */
    struct program_ref program;
    int64_t max_pixels;
    double max_seconds;
    int64_t cpu_us;
};

struct verdict {
    const char *rule; /* "alarm/1", NULL when there is no verdict */
    const char *risk; /* "safe", "danger", "intrusion", "" */
    struct risk_rule thresholds;
    size_t nlabels;
    const char **labels; /* alphabetical */
};

/* One picture of a batch. */
struct item {
    struct err error;   /* ERR_NONE: judged */
    const char *format; /* libav's short name of the codec, "" = not known */
    int width, height;  /* displayed pixels */
    struct scenery scenery;
};

struct report {
    struct arena *arena;
    const char *pipeline;
    struct subject subject;
    struct err error; /* kind ERR_NONE: judged. Otherwise there is no verdict, but what was found stays */
    struct media_info media;
    struct sampling sampling;
    size_t nmoments, moments_cap;
    struct moment *moments;
    size_t nscores, scores_cap;
    struct score *scores;
    size_t nfindings, findings_cap;
    struct finding *findings;
    size_t nmodels, models_cap;
    struct model_ref *models;
    struct scenery *scenery; /* of a video; NULL: the pipeline makes none */
    size_t nitems;           /* pipeline "pictures": one for each part of the subject, in their order */
    struct item *items;
    struct origins *origins;     /* NULL: the pipeline asks for none */
    struct tampering *tampering; /* the same */
    struct sensing *sensing;     /* pipelines "sensor-..." */
    struct verdict verdict;
    struct reach reach;                    /* for which other rules the intrusion score stays */
    const char *decoder;                   /* "libavcodec 59.37.100 libavformat ... libswscale ..." */
    const char *runtime;                   /* "ONNX Runtime 1.30.0"; NULL = not known */
    struct program_ref program;            /* version NULL = not known */
    struct configuration config;           /* what was in force */
    int64_t decode_us, infer_us, total_us; /* total: wall; the other two: CPU */
};

/* An empty report for this spec; copies what it keeps. */
struct report *report_new(struct arena *a, const struct job_spec *spec);
void report_add_score(struct report *r, const char *label, double value, const char *source);
int report_add_moment(struct report *r, int64_t frame, double pts); /* returns its index */
void report_add_finding(struct report *r, const struct finding *f); /* copies the label */
void report_add_model(struct report *r, const struct model_ref *m); /* copies; the same sha256 twice is one */
/* Copies; marks it as known. */
void report_set_config(struct report *r, const struct configuration *c);
/* The rule in force, once it is known. Copies. */
void report_set_rule(struct report *r, const struct risk_rule *rule);
/* The clip-level score for a label; NULL when nothing made one. */
const struct score *report_score(const struct report *r, const char *label);
/* Whether the report may have a verdict at all: it has judged moments and no error, or only the deadline cut
 * it off after something was seen. Never "safe" beside an error: nobody knows what the rest would have shown.
 */
bool report_may_decide(const struct report *r);
/* Ends the report as failed: kind and text kept, and of the verdict only what may stand. */
void report_fail(struct report *r, const struct err *why);
/* Whether the report alone says which risk the same makers would find under other parameters: false when the
 * subject has to be looked at again. `asked` is what the job asked for when the report was made. ret_risk:
 * the risk under `now`. */
bool report_answers(const struct report *r, const struct alarm_params *asked, const struct alarm_params *now,
                    const char **ret_risk);
/* Whether both were made by the same models, libraries and program. */
bool report_same_makers(const struct report *a, const struct report *b);
/* Whether these would make this report again from the same subject and configuration. False when the report
 * does not say who made it. */
bool report_made_by(const struct report *r, const struct makers *m);

#endif
