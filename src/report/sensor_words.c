/* The small steps that the JSON of sensors is written and read by. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/shortest.h"
#include "report/json_int.h"

/* The largest float with 8 digits, 3.4028235e38, is a little larger than itself. */
static const double float_end = 3.4028236e38;

/* ---- writing ---- */

void write_real(yyjson_mut_doc *d, yyjson_mut_val *obj, const char *key, double v)
{
    if (isfinite(v))
        yyjson_mut_obj_add_real(d, obj, key, v);
    else
        yyjson_mut_obj_add_null(d, obj, key);
}

void write_float(yyjson_mut_doc *d, yyjson_mut_val *obj, const char *key, float v)
{
    write_real(d, obj, key, isfinite(v) ? float_shortest(v) : (double)v);
}

void write_float_list(yyjson_mut_doc *d, yyjson_mut_val *obj, const char *key, const float *v, size_t n)
{
    yyjson_mut_val *all = yyjson_mut_obj_add_arr(d, obj, key);

    for (size_t i = 0; i < n; i++)
        if (isfinite(v[i]))
            yyjson_mut_arr_add_real(d, all, float_shortest(v[i]));
        else
            yyjson_mut_arr_add_null(d, all);
}

void write_names(yyjson_mut_doc *d, yyjson_mut_val *obj, const char *key, const char *const *v, size_t n)
{
    yyjson_mut_val *all = yyjson_mut_obj_add_arr(d, obj, key);

    for (size_t i = 0; i < n; i++)
        yyjson_mut_arr_add_strcpy(d, all, v[i] ? v[i] : "");
}

void write_stretches(yyjson_mut_doc *d, yyjson_mut_val *obj, const char *key, const struct sensor_stretch *v,
                     size_t n)
{
    yyjson_mut_val *all = yyjson_mut_obj_add_arr(d, obj, key), *one;

    for (size_t i = 0; i < n; i++) {
        one = yyjson_mut_arr_add_arr(d, all);
        yyjson_mut_arr_add_int(d, one, v[i].first);
        yyjson_mut_arr_add_int(d, one, v[i].last);
        yyjson_mut_arr_add_strcpy(d, one, v[i].label ? v[i].label : "");
    }
}

void write_boxes(yyjson_mut_doc *d, yyjson_mut_val *obj, const char *key, const struct sensor_box *v,
                 size_t n)
{
    yyjson_mut_val *all = yyjson_mut_obj_add_arr(d, obj, key), *one;

    for (size_t i = 0; i < n; i++) {
        const double side[] = {v[i].x, v[i].y, v[i].width, v[i].height};
        one = yyjson_mut_arr_add_arr(d, all);
        yyjson_mut_arr_add_strcpy(d, one, v[i].label ? v[i].label : "");
        for (size_t k = 0; k < COUNT_OF(side); k++)
            yyjson_mut_arr_add_real(d, one, isfinite(side[k]) ? side[k] : 0);
    }
}

/* ---- reading ---- */

double read_real(struct reader *rd, yyjson_val *obj, const char *key)
{
    return read_num(rd, obj, key, -DBL_MAX, DBL_MAX);
}

float read_float(struct reader *rd, yyjson_val *obj, const char *key)
{
    return float_nearest(read_num(rd, obj, key, -float_end, float_end));
}

float *read_float_list(struct reader *rd, yyjson_val *obj, const char *key, size_t max, size_t *ret_n)
{
    yyjson_val *all = read_arr(rd, obj, key, max, ret_n), *v;
    float *list = arena_array(rd->arena, *ret_n, sizeof *list);
    size_t i, n;

    yyjson_arr_foreach (all, i, n, v) {
        double x = yyjson_is_num(v) ? yyjson_get_num(v) : (double)NAN;
        if (fabs(x) < float_end)
            list[i] = float_nearest(x);
        else
            read_refuse(rd, key);
    }
    return list;
}

/* Text without a NUL inside and not too long; "" and a refusal for everything else. */
static const char *name_of(struct reader *rd, yyjson_val *v, const char *key)
{
    const char *s = yyjson_get_str(v);
    size_t len = yyjson_get_len(v);

    if (s && len < SENSOR_NAME && strlen(s) == len)
        return arena_strdup(rd->arena, s);
    read_refuse(rd, key);
    return "";
}

const char *read_name(struct reader *rd, yyjson_val *obj, const char *key)
{
    return name_of(rd, yyjson_obj_get(obj, key), key);
}

const char *const *read_names(struct reader *rd, yyjson_val *obj, const char *key, size_t max, size_t *ret_n)
{
    yyjson_val *all = read_arr(rd, obj, key, max, ret_n), *v;
    const char **names = arena_array(rd->arena, *ret_n, sizeof *names);
    size_t i, n;

    yyjson_arr_foreach (all, i, n, v)
        names[i] = name_of(rd, v, key);
    return names;
}

static int64_t index_of(struct reader *rd, yyjson_val *v, const char *key)
{
    if (yyjson_is_uint(v) && yyjson_get_uint(v) <= INT64_MAX / 2)
        return (int64_t)yyjson_get_uint(v);
    read_refuse(rd, key);
    return 0;
}

struct sensor_stretch *read_stretches(struct reader *rd, yyjson_val *obj, const char *key, size_t *ret_n)
{
    yyjson_val *all = read_arr(rd, obj, key, SENSOR_STRETCHES, ret_n), *v;
    struct sensor_stretch *list = arena_array(rd->arena, *ret_n, sizeof *list);
    size_t i, n;

    yyjson_arr_foreach (all, i, n, v)
        list[i] = (struct sensor_stretch){index_of(rd, yyjson_arr_get(v, 0), key),
                                          index_of(rd, yyjson_arr_get(v, 1), key),
                                          name_of(rd, yyjson_arr_get(v, 2), key)};
    return list;
}

static struct sensor_box box_of(struct reader *rd, yyjson_val *v, const char *key)
{
    struct sensor_box box = {.label = name_of(rd, yyjson_arr_get(v, 0), key)};
    double *side[] = {&box.x, &box.y, &box.width, &box.height};

    for (size_t k = 0; k < COUNT_OF(side); k++) {
        yyjson_val *num = yyjson_arr_get(v, k + 1);
        *side[k] = yyjson_get_num(num);
        if (!yyjson_is_num(num) || !(fabs(*side[k]) <= 1e9))
            read_refuse(rd, key);
    }
    return box;
}

struct sensor_box *read_boxes(struct reader *rd, yyjson_val *obj, const char *key, size_t *ret_n)
{
    yyjson_val *all = read_arr(rd, obj, key, SENSOR_BOXES, ret_n), *v;
    struct sensor_box *list = arena_array(rd->arena, *ret_n, sizeof *list);
    size_t i, n;

    yyjson_arr_foreach (all, i, n, v)
        list[i] = box_of(rd, v, key);
    return list;
}
