/* What the tests of pipelines need: a model that is ready, and one clip through one pipeline. */
#ifndef ASSAY_TEST_ANALYSIS_KIT_H
#define ASSAY_TEST_ANALYSIS_KIT_H

#include "analysis/analysis.h"

enum { KIT_SCENES_MODELS = 4, KIT_ORIGIN_MODELS = 8 };

struct kit {
    struct arena *arena;
    struct runtime *rt;
    struct card card;
    struct model *model;
    struct card scenes_cards[KIT_SCENES_MODELS];
    struct card origin_cards[KIT_ORIGIN_MODELS];
    struct model *origin_models[KIT_ORIGIN_MODELS];
    struct toolbox tools;
};

/* card_path NULL: the embedded model. false and a line on stdout when something is missing. */
bool kit_open(struct kit *k, const char *card_path);
/* The variant of the detector that this processor would run, in its place. false: there is none, or it cannot
 * be loaded. */
bool kit_use_variant(struct kit *k);
/* The models of pipelines "scenes" and "pictures" with our cards from the development data, and the reader of
 * texts. false when one of them is not there. */
bool kit_add_scenes(struct kit *k);
/* The program's own detectors of what a machine made. */
bool kit_add_origin(struct kit *k);
void kit_clear(struct kit *k);
/* Judges a file with the given spec (its subject is filled in); the report lives in the arena. */
struct report *kit_judge(struct kit *k, struct arena *a, const char *path, struct job_spec spec);
/* Writes a card for a YOLOX-nano of 416x416 (docs/models.md) into dir, and copies the model beside it. NULL
 * when the model is not among the development data. */
const char *kit_yolox_card(struct arena *a, const char *dir);
void kit_yolox_remove(struct arena *a, const char *dir);

#endif
