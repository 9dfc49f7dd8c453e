#include "infer/flat_int.h"

#include <string.h>

/* ---- numbers ---- */

/* Little endian, as everywhere we run. */
static bool read(struct flat *f, size_t at, void *to, size_t n)
{
    size_t end;

    if (ckd_add(&end, at, n) || end > f->all.len) {
        f->broken = true;
        return false;
    }
    memcpy(to, f->all.data + at, n);
    return true;
}

/* Where the offset at `at` leads to. */
static bool follow(struct flat *f, size_t at, size_t *ret)
{
    uint32_t off;

    if (!read(f, at, &off, sizeof off))
        return false;
    if (!off || ckd_add(ret, at, off) || *ret >= f->all.len) {
        f->broken = true;
        return false;
    }
    return true;
}

/* ---- tables ---- */

static struct flat_table table_at(struct flat *f, size_t at)
{
    const struct flat_table none = {0};
    struct flat_table t = {.f = f, .at = at};
    uint16_t vlen, len;
    int64_t vtable;
    int32_t back;

    if (!read(f, at, &back, sizeof back))
        return none;
    vtable = (int64_t)at - back;
    if (vtable < 0 || !read(f, (size_t)vtable, &vlen, sizeof vlen) ||
        !read(f, (size_t)vtable + 2, &len, sizeof len) || vlen < 4 || len < 4 ||
        (size_t)vtable + vlen > f->all.len || at + len > f->all.len) {
        f->broken = true;
        return none;
    }
    t.vtable = (size_t)vtable;
    t.nfields = (size_t)(vlen - 4) / 2;
    t.len = len;
    return t;
}

struct flat_table flat_root(struct flat *f)
{
    size_t at;

    return follow(f, 0, &at) ? table_at(f, at) : (struct flat_table){0};
}

/* Where a field of n bytes lies; 0: it is absent. */
static size_t field_at(const struct flat_table *t, size_t field, size_t n)
{
    uint16_t off;

    if (!t->f || field >= t->nfields || !read(t->f, t->vtable + 4 + 2 * field, &off, sizeof off) || !off)
        return 0;
    if (off + n > t->len) {
        t->f->broken = true;
        return 0;
    }
    return t->at + off;
}

bool flat_has(const struct flat_table *t, size_t field)
{
    return field_at(t, field, 1) > 0;
}

int64_t flat_i8(const struct flat_table *t, size_t field, int64_t fallback)
{
    size_t at = field_at(t, field, 1);
    int8_t v;

    return at && read(t->f, at, &v, sizeof v) ? v : fallback;
}

int64_t flat_u8(const struct flat_table *t, size_t field, int64_t fallback)
{
    size_t at = field_at(t, field, 1);
    uint8_t v;

    return at && read(t->f, at, &v, sizeof v) ? v : fallback;
}

int64_t flat_i32(const struct flat_table *t, size_t field, int64_t fallback)
{
    size_t at = field_at(t, field, 4);
    int32_t v;

    return at && read(t->f, at, &v, sizeof v) ? v : fallback;
}

int64_t flat_u32(const struct flat_table *t, size_t field, int64_t fallback)
{
    size_t at = field_at(t, field, 4);
    uint32_t v;

    return at && read(t->f, at, &v, sizeof v) ? v : fallback;
}

float flat_f32(const struct flat_table *t, size_t field, float fallback)
{
    size_t at = field_at(t, field, 4);
    float v;

    return at && read(t->f, at, &v, sizeof v) ? v : fallback;
}

struct flat_table flat_sub(const struct flat_table *t, size_t field)
{
    size_t at = field_at(t, field, 4), to;

    return at && follow(t->f, at, &to) ? table_at(t->f, to) : (struct flat_table){0};
}

/* ---- lists ---- */

struct flat_list flat_list(const struct flat_table *t, size_t field, size_t size)
{
    size_t at = field_at(t, field, 4), to;
    uint32_t n;

    if (!at || !follow(t->f, at, &to) || !read(t->f, to, &n, sizeof n))
        return (struct flat_list){0};
    if (n > (t->f->all.len - to - sizeof n) / size) {
        t->f->broken = true;
        return (struct flat_list){0};
    }
    return (struct flat_list){t->f, to + sizeof n, n, size};
}

struct bytes flat_bytes(const struct flat_table *t, size_t field)
{
    struct flat_list l = flat_list(t, field, 1);

    return l.n ? bytes_of(t->f->all.data + l.at, l.n) : (struct bytes){0};
}

struct flat_table flat_list_table(const struct flat_list *l, size_t i)
{
    size_t to;

    return follow(l->f, l->at + i * l->size, &to) ? table_at(l->f, to) : (struct flat_table){0};
}

int64_t flat_list_i32(const struct flat_list *l, size_t i)
{
    int32_t v = 0;

    read(l->f, l->at + i * l->size, &v, sizeof v);
    return v;
}

int64_t flat_list_i64(const struct flat_list *l, size_t i)
{
    int64_t v = 0;

    read(l->f, l->at + i * l->size, &v, sizeof v);
    return v;
}

float flat_list_f32(const struct flat_list *l, size_t i)
{
    float v = 0;

    read(l->f, l->at + i * l->size, &v, sizeof v);
    return v;
}
