/* What a task needs of its card and its model: one file and one row each; card.c has the list. */
#ifndef ASSAY_INFER_TASK_INT_H
#define ASSAY_INFER_TASK_INT_H

#include <stddef.h>

#include "infer/card.h"
#include "infer/fields_int.h"
#include "infer/model.h"

/* The members of a card are read into this, then the card is taken out of it. */
struct card_head {
    struct card card;
    const char *schema, *file, *sha256, *map;
};

struct card_task {
    const char *name;
    const struct field *fields; /* all members of such a card, over struct card_head */
    size_t nfields;
    void (*defaults)(struct card *card); /* of members that may be left out; NULL: none */
    /* Reads the members that are objects and lists, sets card->outputs, and checks that all fits together.
     * card->input has its defaults already. */
    int (*read)(struct reader *r, yyjson_val *root, struct card *card);
    /* Whether the outputs of a loaded model have the shapes that the task reads; NULL: asked at every run. */
    int (*check)(const struct card *card, const struct tensor_list *out, struct err *err);
};
extern const struct card_task task_detect, task_faces, task_embedding, task_traits, task_tags, task_origin,
    task_origin_face, task_nsfw, task_voice, task_origin_speech;
/* Never NULL for a card that was parsed. */
const struct card_task *card_task(const char *name);

/* The list "labels" of a classifier: 2 to CARD_MAX_LABELS names, none twice. */
int card_read_labels(struct reader *r, yyjson_val *list, struct card *card);
/* Points [raw, probability] of a calibration that rises; no list, no points. */
int card_read_calibration(struct reader *r, yyjson_val *list, struct calibration *c);
/* card_task.check of classifiers: a score for each label. */
int card_check_scores(const struct card *card, const struct tensor_list *out, struct err *err);

/* HASH_HEX - 1 hex digits, in any case. */
int card_read_sha256(struct reader *r, const char *text, char ret[HASH_HEX]);
/* The list "variants", NULL where there is none; their files are looked for in dir (NULL: embedded). */
int card_read_variants(struct reader *r, yyjson_val *list, struct card_head *head, const char *dir);

/* "calibration", "verdict" and the floors, of every detector "human or artificial"; its table of fields has
 * them. */
int card_read_origin(struct reader *r, yyjson_val *root, struct card_origin *o);

extern const char *const card_schemas[], *const card_tasks[], *const card_orders[];

#define CARD_AT(member) offsetof(struct card_head, card.member)
/* `has_file`: whether such a card must have a model file beside it. */
#define CARD_COMMON_FIELDS_AND(has_file)                                                         \
    {"schema", FIELD_WORD, true, offsetof(struct card_head, schema), 0, 0, card_schemas},        \
        {"name", FIELD_NAME, true, CARD_AT(name), 0, 0, NULL},                                   \
        {"version", FIELD_NAME, true, CARD_AT(version), 0, 0, NULL},                             \
        {"task", FIELD_WORD, true, CARD_AT(task), 0, 0, card_tasks},                             \
        {"file", FIELD_NAME, has_file, offsetof(struct card_head, file), 0, 0, NULL},            \
        {"sha256", FIELD_TEXT, has_file, offsetof(struct card_head, sha256), 0, HASH_HEX, NULL}, \
        {"licence", FIELD_TEXT, true, CARD_AT(licence), 0, CARD_MAX_TEXT, NULL},                 \
        {"source", FIELD_TEXT, true, CARD_AT(source), 0, CARD_MAX_TEXT, NULL},                   \
        {"made_by", FIELD_TEXT, true, CARD_AT(made_by), 0, CARD_MAX_TEXT, NULL},                 \
        {"weakness", FIELD_TEXT, true, CARD_AT(weakness), 0, CARD_MAX_TEXT, NULL},               \
        {"variants", FIELD_OTHER, false, 0, 0, 0, NULL}, /* about: anything */                   \
    {                                                                                            \
        "about", FIELD_OTHER, false, 0, 0, 0, NULL                                               \
    }

#define CARD_COMMON_FIELDS CARD_COMMON_FIELDS_AND(true)

#define INPUT_AT(member) offsetof(struct card_input, member)
#define INPUT_COMMON_FIELDS                                               \
    {"name", FIELD_TEXT, true, INPUT_AT(name), 0, FIELD_SHORT, NULL},     \
        {"order", FIELD_WORD, true, INPUT_AT(order), 0, 0, card_orders},  \
        {"scale", FIELD_NUMBER, false, INPUT_AT(scale), 1e-6, 1e6, NULL}, \
        {"mean", FIELD_TRIPLE, false, INPUT_AT(mean), -1e6, 1e6, NULL},   \
    {                                                                     \
        "std", FIELD_TRIPLE, false, INPUT_AT(std), 1e-6, 1e6, NULL        \
    }

#endif
