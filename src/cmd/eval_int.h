/* assay model eval, its files: model_eval.c goes through the folder and has the items judged, eval_truth.c
 * knows the words for the truth and finds the score for a label in a report, eval_print.c prints, eval_page.c
 * draws; eval_against.c compares two models on photos without labels. */
#ifndef ASSAY_CMD_EVAL_INT_H
#define ASSAY_CMD_EVAL_INT_H

#include "cmd/model_int.h"
#include "cmd/page.h"
#include "report/report.h"
#include "verdict/agree.h"
#include "verdict/measure.h"

enum { EVAL_MAX_LABELS = 64, EVAL_MAX_FOLDERS = 256, EVAL_MAX_ITEMS = 200000, EVAL_ROC_POINTS = 300 };

/* What can be evaluated, one row each: the words that folders may have, and where the scores are. */
struct eval_kind {
    const char *name;     /* of --pipeline */
    const char *pipeline; /* of check_pipeline() */
    /* The label that a folder's word means ("fake": "artificial"); NULL: none, its items show nothing. */
    const char *(*label)(const char *word);
    /* 0..1, NAN when nobody gave one. model: NULL, or the one whose score is wanted. */
    double (*score)(const struct report *r, const char *label, const char *model);
    const char *nothing; /* what an item without a label above the threshold is called */
};
const struct eval_kind *eval_kind_find(const char *name); /* NULL: none */
/* The kind that fits these folders best. */
const struct eval_kind *eval_kind_guess(const char *const *folders, size_t n);
extern const char eval_kind_names[]; /* "alarm, origin, ..." */

struct eval_folder {
    const char *name; /* its labels, joined by '+' */
    size_t n;         /* labels */
    size_t labels[8]; /* indices */
};

struct eval_item {
    const char *path;
    size_t folder;
    const char *problem; /* why it was not judged; NULL: it was */
    double *scores;      /* one for each label */
    double cpu_ms, wall_ms;
};

struct evaluation {
    struct arena *arena;
    const char *data, *model;
    const char *card; /* SHA-256 of the card of `model`, NULL: whichever has that name */
    const struct eval_kind *kind;
    double threshold, false_rate;
    size_t nlabels;
    const char *labels[EVAL_MAX_LABELS];
    size_t nfolders;
    struct eval_folder *folders;
    size_t n, judged;
    struct eval_item *items;
    size_t nmodels;
    struct model_ref *models; /* that took part */
    /* Called with each report that counts; may be NULL. */
    void (*keep)(struct evaluation *e, const struct eval_item *item, const struct report *r);
    void *kept;
    /* --- after eval_sum --- */
    size_t scored[EVAL_MAX_LABELS]; /* items with a score for it */
    struct measures measures[EVAL_MAX_LABELS];
    struct measured *sorted[EVAL_MAX_LABELS]; /* judged items */
    size_t *confusion;                        /* [nfolders][nlabels + 1], the last: nothing */
    double cpu_ms, wall_ms, wall_all_ms;      /* medians; the sum */
};

/* ---- model_eval.c ---- */

/* Names in a folder, sorted, of those that are folders or are not; into the arena. */
int eval_names(struct arena *a, const char *dir, bool folders, const char ***ret, size_t *ret_n,
               struct err *err);
/* The items of e->data, by their folders. */
int eval_find(struct evaluation *e, const struct eval_settings *s, struct err *err);
/* Has them judged by a lab of its own, and sums up. -1 when none of them could be, or e->model was not asked.
 */
int eval_judge(struct evaluation *e, const struct lab_opts *opts, struct err *err);
/* The model that an option means, a name or the path of a card, and the options of a lab that has it do its
 * task. Its card lives in the arena of the call. */
int eval_choose(struct model_call *c, const char *model, struct lab_opts *opts, const struct card **ret,
                struct err *err);
/* A lab that is ready. */
int eval_lab(struct lab **ret, const struct lab_opts *opts, struct err *err);

/* ---- eval_truth.c ---- */

/* Reads the names of the folders into labels; -1 when they make no sense. */
int eval_read_folders(struct evaluation *e, const char *const *names, size_t n, struct err *err);
bool eval_shows(const struct evaluation *e, const struct eval_item *item, size_t label);
/* Made of other labels, and so no answer beside them: the intrusion beside person and vehicle. */
bool eval_is_derived(const struct evaluation *e, size_t label);
void eval_sum(struct evaluation *e);

/* ---- eval_print.c, eval_page.c ---- */

/* "0.867", "-" for what cannot be said (NAN). Returns text. */
const char *eval_figure(char text[16], double x);

void eval_print(const struct evaluation *e);
void eval_print_json(const struct evaluation *e);
void eval_page(struct buf *out, const struct evaluation *e);

/* ---- eval_against.c, against_print.c: agreement with another model on photos without labels ---- */

/* What both said of the same photos. */
struct against {
    struct arena *arena;
    const char *data;
    const struct card *mine, *other;
    size_t n, judged;                 /* photos; those that both judged */
    const char *problem, *problem_of; /* of the first that was not: why, and which */
    double cpu_ms, cpu_ms_other;      /* medians */
    struct agree_faces faces;         /* of task "faces" */
    struct agree_faces_result of_faces;
    const char **names; /* of the tags of `tags` */
    struct agree_tags tags;
};
int eval_against(struct model_call *c, const char *data, const struct lab_opts *opts, struct err *err);
/* The tags that both cards have, but for those of `mine` that are wider than another of these: their labels
 * hold all of the other's, so they would always be the best. Returns how many; ret_mine, ret_other: indices,
 * room for CARD_MAX_TAGS. */
size_t against_tags(const struct card *mine, const struct card *other, size_t *ret_mine, size_t *ret_other);
void against_print(const struct against *v);
void against_print_json(const struct against *v);
void against_page(struct buf *out, const struct against *v);

#endif
