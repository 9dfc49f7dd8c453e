#include "infer/catalogue.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "infer/card.h"
#include "infer/fields_int.h"
#include "infer/file_int.h"
#include "infer/task_int.h"

#define CATALOGUE "catalogue.json"

static const char *const schemas[] = {"assay.catalogue/1", NULL};

static const struct field head_fields[] = {
    {"schema", FIELD_WORD, true, 0, 0, 0, schemas},
    {"models", FIELD_OTHER, true, 0, 0, 0, NULL},
};

#define AT(member) offsetof(struct catalogue_entry, member)
static const struct field entry_fields[] = {
    {"name", FIELD_NAME, true, AT(name), 0, 0, NULL},
    {"task", FIELD_WORD, true, AT(task), 0, 0, card_tasks},
    {"card", FIELD_NAME, true, AT(card), 0, 0, NULL},
    {"map", FIELD_NAME, false, AT(map), 0, 0, NULL},
    {"file", FIELD_NAME, true, AT(file), 0, 0, NULL},
    {"size", FIELD_WHOLE, true, AT(size), 1, MODEL_MAX_BYTES, NULL},
    {"sha256", FIELD_TEXT, true, AT(sha256), 0, HASH_HEX, NULL},
    {"licence", FIELD_TEXT, true, AT(licence), 0, FIELD_SHORT, NULL},
    {"terms", FIELD_TEXT, false, AT(terms), 0, CARD_MAX_TEXT, NULL},
    {"url", FIELD_TEXT, false, AT(url), 0, CARD_MAX_TEXT, NULL},
    {"conversion", FIELD_TEXT, false, AT(conversion), 0, CARD_MAX_TEXT, NULL},
};

static bool is_sum(const char *s)
{
    return text_is_hex(s, HASH_HEX - 1) && !s[strcspn(s, "ABCDEF")];
}

static int check_entry(struct reader *r, const struct catalogue *c, const struct catalogue_entry *e)
{
    if (!is_sum(e->sha256))
        return BAD(r, "\"sha256\" of %s must be 64 hex digits in lower case", e->name);
    if (!text_ends(e->card, ".json") || text_ends(e->card, CARD_MAP_ENDING))
        return BAD(r, "\"card\" of %s must end in .json, and not in %s", e->name, CARD_MAP_ENDING);
    if (e->map && !text_ends(e->map, CARD_MAP_ENDING))
        return BAD(r, "\"map\" of %s must end in %s", e->name, CARD_MAP_ENDING);
    if (text_ends(e->file, ".json"))
        return BAD(r, "\"file\" of %s must not end in .json", e->name);
    if (e->url && !text_starts(e->url, "https://") && !text_starts(e->url, "http://"))
        return BAD(r, "\"url\" of %s must begin with https:// or http://", e->name);
    if (!e->url == !e->conversion)
        return BAD(r, "%s must have either \"url\" or \"conversion\"", e->name);
    if (catalogue_find(c, e->name) != e)
        return BAD(r, "the name %s is there twice", e->name);
    return 0;
}

static int read_entries(struct reader *r, yyjson_val *list, struct catalogue *c)
{
    size_t n = yyjson_arr_size(list), i, max;
    yyjson_val *v;

    if (!yyjson_is_arr(list) || n > CATALOGUE_MAX_MODELS)
        return BAD(r, "\"models\" must be a list of at most %d models", CATALOGUE_MAX_MODELS);
    c->entries = arena_array(r->arena, n, sizeof *c->entries);
    yyjson_arr_foreach (list, i, max, v) {
        if (FIELDS_READ(r, v, "a model", entry_fields, &c->entries[i]) < 0)
            return -1;
        c->n = i + 1;
        if (check_entry(r, c, &c->entries[i]) < 0)
            return -1;
    }
    return 0;
}

int catalogue_parse(struct arena *a, struct bytes json, const char *origin, struct catalogue *ret,
                    struct err *err)
{
    struct reader r = {a, "catalogue", origin, err};
    struct err why = {0};
    CLEANUP(json_freep) yyjson_doc *doc = json_read(json, CATALOGUE_MAX_BYTES, &why);
    struct catalogue c = {0};
    const char *schema = NULL;

    if (!doc)
        return BAD(&r, "%s", why.text);
    if (FIELDS_READ(&r, yyjson_doc_get_root(doc), "the catalogue", head_fields, &schema) < 0 ||
        read_entries(&r, yyjson_obj_get(yyjson_doc_get_root(doc), "models"), &c) < 0)
        return -1;
    *ret = c;
    return 0;
}

static const char *dir_of(struct arena *a, const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? arena_strndup(a, path, slash == path ? 1 : (size_t)(slash - path)) : ".";
}

int catalogue_load(struct arena *a, const char *path, struct catalogue *ret, struct err *err)
{
    CLEANUP(buf_clear) struct buf text = BUF(CATALOGUE_MAX_BYTES);

    if (!path)
        return catalogue_parse(a, embedded_file(CATALOGUE), "(built in)", ret, err);
    if (file_read(path, &text, err) < 0 || catalogue_parse(a, buf_bytes(&text), path, ret, err) < 0)
        return -1;
    ret->dir = dir_of(a, path);
    return 0;
}

const struct catalogue_entry *catalogue_find(const struct catalogue *c, const char *name)
{
    for (size_t i = 0; i < c->n; i++)
        if (text_is(c->entries[i].name, name))
            return &c->entries[i];
    return NULL;
}

int catalogue_text(const struct catalogue *c, struct arena *a, const char *name, struct bytes *ret,
                   struct err *err)
{
    CLEANUP(buf_clear) struct buf text = BUF(CARD_MAX_BYTES);
    struct bytes inside = {0};

    if (!c->dir) {
        inside = embedded_file(name);
        if (!inside.data)
            return FAIL(err, ERR_MODEL, "the catalogue has no card %s", name);
        *ret = inside;
        return 0;
    }
    if (file_read(arena_printf(a, "%s/%s", c->dir, name), &text, err) < 0)
        return -1;
    *ret = bytes_of(arena_strndup(a, text.data ? text.data : "", text.len), text.len);
    return 0;
}
