/* The list "variants" of a card, of any task. */
#include <string.h>

#include "base/cpu.h"
#include "base/text.h"
#include "infer/task_int.h"

/* The members as they are read. */
struct row {
    const char *file, *sha256, *about;
};

static const struct field variant_fields[] = {
    {"file", FIELD_NAME, true, offsetof(struct row, file), 0, 0, NULL},
    {"sha256", FIELD_TEXT, true, offsetof(struct row, sha256), 0, HASH_HEX, NULL},
    {"needs", FIELD_OTHER, true, 0, 0, 0, NULL},
    {"about", FIELD_TEXT, false, offsetof(struct row, about), 0, CARD_MAX_TEXT, NULL},
};

static int read_need(struct reader *r, yyjson_val *word, unsigned *needs)
{
    const char *name = yyjson_get_str(word);
    unsigned bit = name ? cpu_feature(name) : 0;

    if (!bit)
        return BAD(r, "\"needs\" has \"%.40s\", which is no processor feature of docs/models.md",
                   name ? name : "?");
    *needs |= bit;
    return 0;
}

/* A variant that needs nothing would never let the plain weights be used. */
static int read_needs(struct reader *r, yyjson_val *list, unsigned *needs)
{
    if (!yyjson_is_arr(list) || !yyjson_arr_size(list))
        return BAD(r, "%s", "\"needs\" must be a list of one or more processor features");
    for (size_t i = 0; i < yyjson_arr_size(list); i++)
        if (read_need(r, yyjson_arr_get(list, i), needs) < 0)
            return -1;
    return 0;
}

static int check_file(struct reader *r, const struct card_head *head, const char *file)
{
    if (text_is(file, head->file))
        return BAD(r, "\"%s\" is both the model and a variant of it", file);
    for (size_t i = 0; i < head->card.nvariants; i++)
        if (text_is(file, head->card.variants[i].name))
            return BAD(r, "the variant \"%s\" is there twice", file);
    return 0;
}

static int read_variant(struct reader *r, yyjson_val *obj, struct card_head *head, const char *dir)
{
    struct card_variant *v = &head->card.variants[head->card.nvariants];
    struct row row = {0};

    if (FIELDS_READ(r, obj, "a variant", variant_fields, &row) < 0 || check_file(r, head, row.file) < 0 ||
        card_read_sha256(r, row.sha256, v->sha256) < 0 ||
        read_needs(r, yyjson_obj_get(obj, "needs"), &v->needs) < 0)
        return -1;
    v->name = row.file;
    v->file = dir ? arena_printf(r->arena, "%s/%s", dir, row.file) : NULL;
    v->about = row.about;
    head->card.nvariants++;
    return 0;
}

int card_read_variants(struct reader *r, yyjson_val *list, struct card_head *head, const char *dir)
{
    size_t n = yyjson_arr_size(list);

    if (!list)
        return 0;
    if (!yyjson_is_arr(list) || n > CARD_MAX_VARIANTS)
        return BAD(r, "\"variants\" must be a list of at most %d", CARD_MAX_VARIANTS);
    if (!head->file && n)
        return BAD(r, "%s", "\"variants\" are of models that have a \"file\"");
    for (size_t i = 0; i < n; i++)
        if (read_variant(r, yyjson_arr_get(list, i), head, dir) < 0)
            return -1;
    return 0;
}
