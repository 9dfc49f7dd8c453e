#include "report/json_int.h"

#include <math.h>
#include <string.h>

#include "base/text.h"

void write_str(yyjson_mut_doc *d, yyjson_mut_val *obj, const char *key, const char *s)
{
    yyjson_mut_obj_add_strcpy(d, obj, key, s ? s : "");
}

/* Metre-stick precision for pictures: 4 digits behind the point are less than a pixel of any frame we judge,
 * and keep the report small. */
double write_rounded(double v)
{
    return round(v * 10000) / 10000;
}

void write_box(yyjson_mut_doc *d, yyjson_mut_val *obj, const struct box *box)
{
    yyjson_mut_val *arr = yyjson_mut_obj_add_arr(d, obj, "box");

    for (int k = 0; k < 4; k++)
        yyjson_mut_arr_add_real(d, arr, write_rounded((double)(&box->x)[k]));
}

void write_error(yyjson_mut_doc *d, yyjson_mut_val *root, const struct err *e)
{
    yyjson_mut_val *o = yyjson_mut_obj_add_obj(d, root, "error");

    write_str(d, o, "code", err_code(e->kind));
    write_str(d, o, "text", e->kind == ERR_NONE ? "" : e->text);
}

void read_refuse(struct reader *rd, const char *what)
{
    if (!rd->failed)
        err_set(rd->err, ERR_INPUT, "the record is not valid: %s", what);
    rd->failed = true;
}

const char *read_str(struct reader *rd, yyjson_val *obj, const char *key)
{
    const char *s = json_str(rd->arena, obj, key, NULL);

    if (!s || strlen(s) != yyjson_get_len(yyjson_obj_get(obj, key)))
        read_refuse(rd, key); /* absent, not text, or with a NUL inside */
    return s ? s : "";
}

const char *read_optional(struct reader *rd, yyjson_val *obj, const char *key)
{
    return yyjson_obj_get(obj, key) ? read_str(rd, obj, key) : NULL;
}

size_t read_word(struct reader *rd, yyjson_val *o, const char *key, const char *const words[], size_t n)
{
    const char *s = read_str(rd, o, key);

    for (size_t i = 0; i < n; i++)
        if (text_is(s, words[i]))
            return i;
    read_refuse(rd, key);
    return 0;
}

double read_num(struct reader *rd, yyjson_val *obj, const char *key, double min, double max)
{
    double v = json_num(obj, key, (double)NAN);

    if (!(v >= min && v <= max)) {
        read_refuse(rd, key);
        return min;
    }
    return v;
}

int64_t read_int(struct reader *rd, yyjson_val *obj, const char *key, int64_t min, int64_t max)
{
    yyjson_val *v = yyjson_obj_get(obj, key);
    int64_t n = yyjson_is_int(v) ? yyjson_get_sint(v) : min - 1;

    if (n < min || n > max || (yyjson_is_uint(v) && yyjson_get_uint(v) > INT64_MAX)) {
        read_refuse(rd, key);
        return min;
    }
    return n;
}

bool read_bool(struct reader *rd, yyjson_val *obj, const char *key)
{
    yyjson_val *v = yyjson_obj_get(obj, key);

    if (!yyjson_is_bool(v))
        read_refuse(rd, key);
    return yyjson_get_bool(v);
}

yyjson_val *read_obj(struct reader *rd, yyjson_val *obj, const char *key)
{
    yyjson_val *v = yyjson_obj_get(obj, key);

    if (!yyjson_is_obj(v))
        read_refuse(rd, key);
    return v;
}

yyjson_val *read_optional_obj(struct reader *rd, yyjson_val *obj, const char *key)
{
    return yyjson_obj_get(obj, key) ? read_obj(rd, obj, key) : NULL;
}

yyjson_val *read_arr(struct reader *rd, yyjson_val *obj, const char *key, size_t max, size_t *ret_n)
{
    yyjson_val *v = yyjson_obj_get(obj, key);

    *ret_n = yyjson_arr_size(v);
    if (!yyjson_is_arr(v) || *ret_n > max) {
        read_refuse(rd, key);
        *ret_n = 0;
        return NULL;
    }
    return v;
}

void read_error(struct reader *rd, yyjson_val *root, struct err *ret)
{
    yyjson_val *o = read_obj(rd, root, "error");
    enum err_kind kind = err_kind_of(read_str(rd, o, "code"));

    if (kind != ERR_NONE)
        err_set(ret, kind, "%s", read_str(rd, o, "text"));
}

struct box read_box(struct reader *rd, yyjson_val *o)
{
    size_t n;
    yyjson_val *arr = read_arr(rd, o, "box", 4, &n);
    float v[4] = {0};

    for (size_t i = 0; i < 4; i++) {
        yyjson_val *num = yyjson_arr_get(arr, i);
        double d = yyjson_get_num(num);
        if (!yyjson_is_num(num) || !(d >= -1 && d <= 2))
            read_refuse(rd, "box");
        else
            v[i] = (float)d;
    }
    return (struct box){v[0], v[1], v[2], v[3]};
}
