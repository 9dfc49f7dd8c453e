/* Cards of classifiers, and the map from their labels to the product's tags. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "infer/task_int.h"

static const char *const fits[] = {"centre-crop", "stretch", "letterbox-topleft", NULL};
static const char *const decoders[] = {"softmax", "sigmoid", "softmax-logits", "sigmoid-logits", NULL};

static const struct field head_fields[] = {
    CARD_COMMON_FIELDS,
    {"input", FIELD_OTHER, true, 0, 0, 0, NULL},
    {"output", FIELD_OTHER, true, 0, 0, 0, NULL},
    {"labels", FIELD_OTHER, true, 0, 0, 0, NULL},
    {"map", FIELD_NAME, true, offsetof(struct card_head, map), 0, 0, NULL},
    {"threshold", FIELD_NUMBER, false, CARD_AT(tags.threshold), 0, 1, NULL},
    {"calibration", FIELD_OTHER, false, 0, 0, 0, NULL},
};

static const struct field calibration_fields[] = {
    {"temperature", FIELD_NUMBER, true, offsetof(struct card_tags, temperature), 0.05, 20, NULL},
};

static const struct field input_fields[] = {
    INPUT_COMMON_FIELDS,
    {"width", FIELD_WHOLE, true, INPUT_AT(width), 32, 2048, NULL},
    {"height", FIELD_WHOLE, true, INPUT_AT(height), 32, 2048, NULL},
    {"fit", FIELD_WORD, true, INPUT_AT(fit), 0, 0, fits},
    {"pad", FIELD_WHOLE, false, INPUT_AT(pad), 0, 255, NULL},
    {"crop", FIELD_NUMBER, false, INPUT_AT(crop), 0.1, 1, NULL},
};

static const struct field output_fields[] = {
    {"name", FIELD_TEXT, true, offsetof(struct card_output, name), 0, FIELD_SHORT, NULL},
    {"decoder", FIELD_WORD, true, offsetof(struct card_output, decoder), 0, 0, decoders},
};

static const struct field tag_fields[] = {
    {"critical", FIELD_FLAG, false, offsetof(struct card_tag, critical), 0, 0, NULL},
    {"from", FIELD_OTHER, true, 0, 0, 0, NULL},
};

/* ---- the card ---- */

/* The labels by name, for a quick search. */
static int by_name(const void *x, const void *y)
{
    const struct card_label *const *a = x, *const *b = y;

    return strcmp((*a)->name, (*b)->name);
}

static const struct card_label **sorted(struct arena *a, const struct card *card)
{
    const struct card_label **all = arena_array(a, card->nlabels, sizeof *all);

    for (size_t i = 0; i < card->nlabels; i++)
        all[i] = &card->labels[i];
    qsort(all, card->nlabels, sizeof *all, by_name);
    return all;
}

/* The map names labels, so a name must mean one of them. */
static int check_labels(struct reader *r, const struct card *card)
{
    const struct card_label **all = sorted(r->arena, card);

    for (size_t i = 1; i < card->nlabels; i++)
        if (text_is(all[i - 1]->name, all[i]->name))
            return BAD(r, "the label \"%.60s\" is there twice", all[i]->name);
    return 0;
}

int card_read_labels(struct reader *r, yyjson_val *list, struct card *card)
{
    static const struct field name = {"labels", FIELD_TEXT, true, 0, 0, FIELD_SHORT, NULL};
    size_t n = yyjson_arr_size(list), i, max;
    struct card_label *all;
    yyjson_val *v;

    if (!yyjson_is_arr(list) || n < 2 || n > CARD_MAX_LABELS)
        return BAD(r, "\"labels\" must be a list of 2 to %d labels", CARD_MAX_LABELS);
    all = arena_array(r->arena, n, sizeof *all);
    yyjson_arr_foreach (list, i, max, v)
        if (field_string(r, v, &name, &all[i].name) < 0)
            return -1;
    card->labels = all;
    card->nlabels = n;
    return check_labels(r, card);
}

static int read_tags(struct reader *r, yyjson_val *root, struct card *card)
{
    yyjson_val *calibration = yyjson_obj_get(root, "calibration");

    if (!text_ends(yyjson_get_str(yyjson_obj_get(root, "map")), CARD_MAP_ENDING))
        return BAD(r, "\"map\" must be the name of a file that ends in %s", CARD_MAP_ENDING);
    if (FIELDS_READ(r, yyjson_obj_get(root, "input"), "\"input\"", input_fields, &card->input) < 0 ||
        FIELDS_READ(r, yyjson_obj_get(root, "output"), "\"output\"", output_fields, &card->output) < 0 ||
        card_read_labels(r, yyjson_obj_get(root, "labels"), card) < 0 ||
        (calibration && FIELDS_READ(r, calibration, "\"calibration\"", calibration_fields, &card->tags) < 0))
        return -1;
    card->outputs[card->noutputs++] = card->output.name;
    return 0;
}

static void set_defaults(struct card *card)
{
    card->tags.temperature = 1;
    card->tags.threshold = 0.2;
}

int card_check_scores(const struct card *card, const struct tensor_list *out, struct err *err)
{
    size_t n = tensor_count(&out->all[0]);

    if (n != card->nlabels)
        return FAIL(err, ERR_MODEL, "the model %s gives %zu scores, but its card has %zu labels", card->name,
                    n, card->nlabels);
    return 0;
}

const struct card_task task_tags = {.name = "tags",
                                    .fields = head_fields,
                                    .nfields = COUNT_OF(head_fields),
                                    .defaults = set_defaults,
                                    .read = read_tags,
                                    .check = card_check_scores};

/* ---- the map ---- */

struct map_reader {
    struct reader r;
    const struct card *card;
    const struct card_label **sorted;
};

static int find_label(struct map_reader *m, const char *name)
{
    const struct card_label want = {.name = name}, *key = &want;
    const struct card_label **found = bsearch(&key, m->sorted, m->card->nlabels, sizeof *m->sorted, by_name);

    return found ? (int)(*found - m->card->labels) : -1;
}

static int read_from(struct map_reader *m, yyjson_val *list, struct card_tag *tag)
{
    static const struct field name = {"from", FIELD_TEXT, true, 0, 0, FIELD_SHORT, NULL};
    size_t n = yyjson_arr_size(list), i, max;
    bool *used = arena_array(m->r.arena, m->card->nlabels, sizeof *used);
    int *from = arena_array(m->r.arena, n, sizeof *from);
    yyjson_val *v;

    if (!yyjson_is_arr(list) || n < 1 || n > m->card->nlabels)
        return BAD(&m->r, "\"from\" of \"%s\" must be a list of 1 to %zu labels", tag->name,
                   m->card->nlabels);
    yyjson_arr_foreach (list, i, max, v) {
        const char *label;

        if (field_string(&m->r, v, &name, &label) < 0)
            return -1;
        from[i] = find_label(m, label);
        if (from[i] < 0)
            return BAD(&m->r, "\"%s\" counts \"%.60s\", which is no label of %s", tag->name, label,
                       m->card->name);
        if (used[from[i]]) /* its probability would count twice */
            return BAD(&m->r, "\"%s\" names the label \"%.60s\" twice", tag->name, label);
        used[from[i]] = true;
    }
    tag->from = from;
    tag->nfrom = n;
    return 0;
}

static bool is_taken(const struct card_tag *tags, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (text_is(tags[i].name, name))
            return true;
    return false;
}

static int read_tag(struct map_reader *m, yyjson_val *key, yyjson_val *v, struct card_tag *tags, size_t i)
{
    static const struct field name = {"tag", FIELD_TEXT, true, 0, 0, FIELD_SHORT, NULL};

    if (field_string(&m->r, key, &name, &tags[i].name) < 0)
        return -1;
    if (is_taken(tags, i, tags[i].name))
        return BAD(&m->r, "the tag \"%s\" is there twice", tags[i].name);
    if (FIELDS_READ(&m->r, v, "a tag", tag_fields, &tags[i]) < 0)
        return -1;
    return read_from(m, yyjson_obj_get(v, "from"), &tags[i]);
}

static int read_map(struct map_reader *m, yyjson_val *root, struct card_tags *ret)
{
    size_t n = yyjson_obj_size(root), i, max;
    struct card_tag *tags = arena_array(m->r.arena, n, sizeof *tags);
    yyjson_val *key, *v;

    if (!yyjson_is_obj(root) || n < 1 || n > CARD_MAX_TAGS)
        return BAD(&m->r, "it must be an object of 1 to %d tags", CARD_MAX_TAGS);
    yyjson_obj_foreach (root, i, max, key, v)
        if (read_tag(m, key, v, tags, i) < 0)
            return -1;
    ret->tags = tags;
    ret->ntags = n;
    return 0;
}

/* The sum of the card so far, then the map: who changes one of them changes the sum. */
static void add_to_sum(struct card *card, struct bytes json)
{
    CLEANUP(hasher_freep) struct hasher *h = hasher_new();

    hasher_add(h, bytes_of(card->text_sha256, HASH_HEX - 1));
    hasher_add(h, json);
    hasher_hex(h, card->text_sha256);
}

int card_add_map(struct arena *a, struct bytes json, const char *origin, struct card *card, struct err *err)
{
    struct err why;
    struct map_reader m = {{a, "tag map", origin, err}, card, sorted(a, card)};
    CLEANUP(json_freep) yyjson_doc *doc = json_read(json, CARD_MAX_BYTES, &why);

    if (!doc)
        return BAD(&m.r, "%s", why.text);
    if (read_map(&m, yyjson_doc_get_root(doc), &card->tags) < 0)
        return -1;
    add_to_sum(card, json);
    return 0;
}
