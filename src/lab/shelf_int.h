/* What the keeper holds for its analysts: models and what runs them. Loaded once, kit by kit, before the
 * fork, so that analysts share it and open nothing themselves.
 *
 * The alarm kit is there from the start; without it there is no keeper. Another kit is loaded when the first
 * analyst is to have it (about 0.4 s, 100 MB and more): a server that is never asked for scenes never pays
 * for them. What cannot be loaded then does not stop the keeper: the jobs that need it end with the reason.
 */
#ifndef ASSAY_LAB_SHELF_INT_H
#define ASSAY_LAB_SHELF_INT_H

#include "lab/lab_int.h"

enum { SHELF_MODELS = LAB_MAX_MODELS - 1 }; /* and a reader of texts */

struct shelf {
    struct arena *arena;
    const struct msg_options *opts; /* borrowed */
    unsigned kits;                  /* loaded, or tried */
    struct runtime *runtime;
    size_t nentries; /* the cards of the models directory */
    struct card_entry *entries;
    size_t nmodels;
    struct shelf_model {
        struct card card;
        struct model *model; /* borrows the card; NULL where the card is enough */
    } models[SHELF_MODELS];  /* the detector first */
    struct scenes_tools scenes;
    struct origin_tools origin;
    struct c2pa_trust *trust;
};

/* Loads the alarm kit. On failure what is half there is for shelf_clear. */
int shelf_open(struct shelf *s, const struct msg_options *opts, struct err *err);
void shelf_clear(struct shelf *s);
/* Loads of these kits what is not there yet. -1 and err when something of it could not be loaded now; later
 * calls do not try again. */
int shelf_add(struct shelf *s, unsigned kits, struct err *err);
/* Everything loaded, for an analyst. */
void shelf_fill(const struct shelf *s, struct toolbox *ret);
/* The models, at most LAB_MAX_MODELS. */
size_t shelf_models(const struct shelf *s, struct msg_model ret[LAB_MAX_MODELS]);

#endif
