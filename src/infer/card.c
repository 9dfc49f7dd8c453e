#include "infer/card.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "infer/task_int.h"

static const struct card_task *const tasks[] = {
    &task_detect, &task_faces,       &task_embedding, &task_traits, &task_tags,
    &task_origin, &task_origin_face, &task_nsfw,      &task_voice,  &task_origin_speech};

const char *const card_tasks[] = {
    "detect",      "faces", "face-embedding", "face-traits",   "tags", "origin-image",
    "origin-face", "nsfw",  "voice",          "origin-speech", NULL};
const char *const card_orders[] = {"bgr", "rgb", NULL};
const char *const card_schemas[] = {"assay.model/1", NULL};

const struct card_task *card_task(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(tasks); i++)
        if (text_is(tasks[i]->name, name))
            return tasks[i];
    return NULL;
}

int card_read_sha256(struct reader *r, const char *text, char ret[HASH_HEX])
{
    if (!text_is_hex(text, HASH_HEX - 1))
        return BAD(r, "\"sha256\" must be %d hex digits", HASH_HEX - 1);
    for (size_t i = 0; i < HASH_HEX; i++)
        ret[i] = text[i] >= 'A' && text[i] <= 'F' ? (char)(text[i] | 0x20) : text[i];
    return 0;
}

/* A card that has all weights in itself has no file, and none to sum up. */
static int read_sha256(struct reader *r, struct card_head *head)
{
    return head->sha256 ? card_read_sha256(r, head->sha256, head->card.sha256) : 0;
}

/* A card without a known task is read as a detector's: the complaint will be about its task. */
static int read_card(struct reader *r, yyjson_val *root, const char *dir, struct card_head *head)
{
    const struct card_task *task = card_task(yyjson_get_str(yyjson_obj_get(root, "task")));

    if (!task)
        task = &task_detect;
    head->card.input = (struct card_input){.scale = 1, .std = {1, 1, 1}, .crop = 1};
    if (task->defaults)
        task->defaults(&head->card);
    if (fields_read(r, root, "the card", task->fields, task->nfields, head) < 0 || read_sha256(r, head) < 0 ||
        card_read_variants(r, yyjson_obj_get(root, "variants"), head, dir) < 0)
        return -1;
    return task->read(r, root, &head->card);
}

int card_parse(struct arena *a, struct bytes json, const char *dir, const char *origin, struct card *ret_card,
               struct err *err)
{
    struct err why;
    struct reader r = {a, "model card", origin, err};
    struct card_head head = {0};
    CLEANUP(json_freep) yyjson_doc *doc = json_read(json, CARD_MAX_BYTES, &why);

    if (!doc)
        return BAD(&r, "%s", why.text);
    if (read_card(&r, yyjson_doc_get_root(doc), dir, &head) < 0)
        return -1;
    head.card.file = dir && head.file ? arena_printf(a, "%s/%s", dir, head.file) : NULL;
    head.card.tags.map = dir && head.map ? arena_printf(a, "%s/%s", dir, head.map) : NULL;
    hash_hex(json, head.card.text_sha256);
    if (!head.sha256) /* the card is the model */
        memcpy(head.card.sha256, head.card.text_sha256, HASH_HEX);
    *ret_card = head.card;
    return 0;
}

const struct card_concept *card_concept(const struct card *card, const char *name)
{
    for (size_t i = 0; i < card->nconcepts; i++)
        if (text_is(card->concepts[i].name, name))
            return &card->concepts[i];
    return NULL;
}

struct model_ref card_ref(const struct card *card)
{
    return (struct model_ref){
        .name = card->name,
        .version = card->version,
        .task = card->task,
        .sha256 = card->sha256,
        .card = card->text_sha256,
    };
}
