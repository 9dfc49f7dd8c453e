/* Pipelines: what to do with a subject. One file, one struct, one line in the list of analysis.c; nobody else
 * says its name. A pipeline fills one report, sees neither JSON nor HTTP, and asks the deadline between
 * frames. */
#ifndef ASSAY_ANALYSIS_ANALYSIS_H
#define ASSAY_ANALYSIS_ANALYSIS_H

#include "infer/language.h"
#include "infer/model.h"
#include "infer/ocr.h"
#include "report/report.h"

/* For pipelines "scenes" and "pictures". NULL: there is none of it, and nobody looks for what it finds. */
struct scenes_tools {
    struct model *faces, *embedding, *traits, *tags;
    struct ocr *ocr;
    struct languages *languages;
    struct err problem; /* what was installed but could not be loaded: nothing is judged then */
};

/* For pipelines "origin-...": a detector has a card and, unless its weights are in the card, a model. */
enum { ORIGIN_SEATS = 8 };
struct origin_seat {
    const struct card *card;
    struct model *model; /* NULL: the card is enough */
};
struct c2pa_trust;
struct origin_tools {
    size_t npictures, nfaces, nspeech;
    struct origin_seat pictures[ORIGIN_SEATS], faces[ORIGIN_SEATS];
    struct model *speech[ORIGIN_SEATS];
    struct model *find_faces, *unsafe, *voice; /* NULL: there is none */
    const struct c2pa_trust *trust;            /* NULL: nobody is trusted */
    struct err problem; /* what was installed but could not be loaded: nothing is judged then */
};

struct graph_shelf;
/* What an analyst has at hand. */
struct toolbox {
    struct model *detector;     /* never NULL in a ready keeper */
    struct scenes_tools scenes; /* empty for an analyst without the kit */
    struct origin_tools origin; /* the same */
    struct runtime *loader;     /* for models that come with a job; NULL: there is none */
    struct graph_shelf *graphs; /* those that came lately; NULL: each job opens its own */
    const char *runtime;        /* name and version of what runs it */
    struct program_ref program; /* of this program; for the record */
    int64_t max_pixels;         /* ceilings for media/video.h */
    double max_seconds;
    int64_t cpu_us;
    void (*progress)(void *arg, int done, int planned); /* may be NULL */
    void *progress_arg;
};

struct subject_fds {
    int media;    /* read-only, pread */
    int artefact; /* write-only, seekable, or -1 */
};

struct pipeline {
    const char *name;
    /* 0 and the report filled; -1 and err: the caller ends the report with report_fail. */
    int (*run)(const struct toolbox *tools, const struct job_spec *spec, struct subject_fds fds,
               int64_t deadline_mono_us, struct report *report, struct err *err);
};

const struct pipeline *pipeline_find(const char *name); /* NULL when unknown */
/* Finds the pipeline, runs it, and ends a failed report; always leaves a complete report. */
void analyse(const struct toolbox *tools, const struct job_spec *spec, struct subject_fds fds,
             struct report *report);

#endif
