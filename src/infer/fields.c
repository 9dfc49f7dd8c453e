#include "infer/fields_int.h"

#include <string.h>

#include "base/text.h"

enum { NAME_MAX_LEN = 64 };

/* Names end up as file names and in messages: one plain word. */
static bool is_name(const char *s)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-";
    size_t n = strlen(s);

    return n > 0 && n <= NAME_MAX_LEN && s[0] != '.' && s[0] != '-' && strspn(s, allowed) == n;
}

static const char *find_word(const char *const *words, const char *s)
{
    for (; *words; words++)
        if (text_is(*words, s))
            return *words;
    return NULL;
}

int field_string(struct reader *r, yyjson_val *v, const struct field *f, const char **ret)
{
    const char *s = yyjson_get_str(v);

    if (!s || strlen(s) != yyjson_get_len(v))
        return BAD(r, "\"%s\" must be a string", f->key);
    if (f->type == FIELD_NAME && !is_name(s))
        return BAD(r, "\"%s\" must be 1 to %d letters, digits or . _ + - (no folders)", f->key, NAME_MAX_LEN);
    if (f->type == FIELD_TEXT && (!*s || strlen(s) > (size_t)f->max))
        return BAD(r, "\"%s\" must have 1 to %g characters", f->key, f->max);
    if (f->type == FIELD_WORD && !find_word(f->words, s))
        return BAD(r, "\"%s\" has an unknown value; see docs/models.md", f->key);
    *ret = arena_strdup(r->arena, s);
    return 0;
}

int field_number(struct reader *r, yyjson_val *v, const struct field *f, double *ret)
{
    double x = yyjson_get_num(v);

    if (!yyjson_is_num(v) || !(x >= f->min && x <= f->max))
        return BAD(r, "\"%s\" must be a number from %g to %g", f->key, f->min, f->max);
    *ret = x;
    return 0;
}

static int read_whole(struct reader *r, yyjson_val *v, const struct field *f, int *ret)
{
    double x;

    if (!yyjson_is_int(v))
        return BAD(r, "\"%s\" must be a whole number", f->key);
    if (field_number(r, v, f, &x) < 0)
        return -1;
    *ret = (int)x;
    return 0;
}

static int read_triple(struct reader *r, yyjson_val *v, const struct field *f, double *ret)
{
    if (!yyjson_is_arr(v) || yyjson_arr_size(v) != 3)
        return BAD(r, "\"%s\" must be a list of three numbers", f->key);
    for (size_t i = 0; i < 3; i++)
        if (field_number(r, yyjson_arr_get(v, i), f, &ret[i]) < 0)
            return -1;
    return 0;
}

static int read_flag(struct reader *r, yyjson_val *v, const struct field *f, bool *ret)
{
    if (!yyjson_is_bool(v))
        return BAD(r, "\"%s\" must be true or false", f->key);
    *ret = yyjson_get_bool(v);
    return 0;
}

static int read_field(struct reader *r, yyjson_val *v, const struct field *f, void *base)
{
    void *to = (char *)base + f->at;

    switch (f->type) {
    case FIELD_WHOLE:
        return read_whole(r, v, f, to);
    case FIELD_NUMBER:
        return field_number(r, v, f, to);
    case FIELD_TRIPLE:
        return read_triple(r, v, f, to);
    case FIELD_FLAG:
        return read_flag(r, v, f, to);
    case FIELD_OTHER:
        return 0;
    default:
        return field_string(r, v, f, to);
    }
}

static const struct field *find_field(const struct field *fields, size_t n, const char *key)
{
    for (size_t i = 0; i < n; i++)
        if (text_is(fields[i].key, key))
            return &fields[i];
    return NULL;
}

/* Reads all members of obj into base; each at most once, none unknown, the required ones present. */
int fields_read(struct reader *r, yyjson_val *obj, const char *what, const struct field *fields, size_t n,
                void *base)
{
    size_t i, count;
    yyjson_val *key, *v;
    unsigned seen = 0;

    if (!yyjson_is_obj(obj))
        return BAD(r, "%s must be an object", what);
    yyjson_obj_foreach (obj, i, count, key, v) {
        const struct field *f = find_field(fields, n, yyjson_get_str(key));
        if (!f)
            return BAD(r, "%s has a member \"%.60s\" that is not in the schema", what, yyjson_get_str(key));
        if (seen & 1u << (f - fields))
            return BAD(r, "\"%s\" is there twice", f->key);
        seen |= 1u << (f - fields);
        if (read_field(r, v, f, base) < 0)
            return -1;
    }
    for (i = 0; i < n; i++)
        if (fields[i].required && !(seen & 1u << i))
            return BAD(r, "%s lacks \"%s\"", what, fields[i].key);
    return 0;
}
