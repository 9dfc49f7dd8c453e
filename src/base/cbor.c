#include "base/cbor.h"

#include <math.h>
#include <string.h>

#include "base/text.h"

enum { BREAK = 0xff, INDEFINITE = 31, FIRST_RESERVED = 28, MAJOR_TAG = 6, MAJOR_OTHER = 7 };

/* The first bytes of an item: major type, the five bits beside it, and the number they announce. */
struct head {
    unsigned major, info;
    uint64_t n;
    size_t size;
};

/* What is open around the item being read. */
struct level {
    uint64_t left;  /* items to come; unused when a break ends it */
    bool open;      /* ends with a break */
    bool odd;       /* an open map which waits for a value */
    unsigned major; /* 2 or 3: an open string, which holds definite strings of its own kind only */
};

/* One pass over the bytes of one item with everything inside it. */
struct walk {
    struct bytes b;
    size_t at, items, max_items;
    size_t depth;
    struct level levels[CBOR_MAX_DEPTH];
};

static struct bytes after(struct bytes b, size_t n)
{
    return bytes_of(b.data + n, b.len - n);
}

/* False when the bytes end, or the five bits mean nothing. */
static bool read_head(struct bytes b, struct head *ret)
{
    struct head h = {.size = 1};

    if (b.len < 1)
        return false;
    h.major = b.data[0] >> 5;
    h.info = b.data[0] & 31;
    h.n = h.info;
    if (h.info >= 24 && h.info < FIRST_RESERVED) {
        h.size += (size_t)1 << (h.info - 24);
        if (b.len < h.size)
            return false;
        h.n = 0;
        for (size_t i = 1; i < h.size; i++)
            h.n = h.n << 8 | b.data[i];
    }
    *ret = h;
    return h.info < FIRST_RESERVED || (h.info == INDEFINITE && h.major >= CBOR_BYTES && h.major != MAJOR_TAG);
}

static bool is_simple_in_two_bytes(const struct head *h)
{
    return h->major == MAJOR_OTHER && h->info == 24;
}

static int push(struct walk *w, struct level l, struct err *err)
{
    if (w->depth == CBOR_MAX_DEPTH)
        return FAIL(err, ERR_LIMIT, "CBOR is nested deeper than %d levels.", CBOR_MAX_DEPTH);
    w->levels[w->depth++] = l;
    return 0;
}

/* An item has ended, and with it whatever it was the last of. */
static void finish(struct walk *w)
{
    while (w->depth > 0) {
        struct level *top = &w->levels[w->depth - 1];

        if (top->open) {
            top->odd = !top->odd;
            return;
        }
        if (--top->left > 0)
            return;
        w->depth--;
    }
}

static int take_break(struct walk *w, struct err *err)
{
    struct level *top = w->depth > 0 ? &w->levels[w->depth - 1] : NULL;

    if (!top || !top->open || (top->major == CBOR_MAP && top->odd))
        return FAIL(err, ERR_DECODE, "CBOR has a break at byte %zu where none may be.", w->at);
    w->at++;
    w->depth--;
    finish(w);
    return 0;
}

static int take_string(struct walk *w, const struct head *h, struct err *err)
{
    struct bytes rest = after(w->b, w->at);

    if (h->info == INDEFINITE)
        return push(w, (struct level){.open = true, .major = h->major}, err);
    if (h->n > rest.len)
        return FAIL(err, ERR_DECODE, "CBOR ends inside a string, at byte %zu.", w->at);
    if (h->major == CBOR_TEXT && !text_is_utf8((const char *)rest.data, (size_t)h->n))
        return FAIL(err, ERR_DECODE, "CBOR has a text at byte %zu which is not UTF-8.", w->at);
    w->at += (size_t)h->n;
    finish(w);
    return 0;
}

/* An array or a map. Every item has a byte at least, so a count above the rest is a lie. */
static int take_list(struct walk *w, const struct head *h, struct err *err)
{
    uint64_t count = h->n;

    if (h->info == INDEFINITE)
        return push(w, (struct level){.open = true, .major = h->major}, err);
    if ((h->major == CBOR_MAP && ckd_mul(&count, count, 2u)) || count > w->b.len - w->at)
        return FAIL(err, ERR_DECODE, "CBOR announces more items at byte %zu than there are bytes.", w->at);
    if (count > 0)
        return push(w, (struct level){.left = count}, err);
    finish(w);
    return 0;
}

static bool fits_here(const struct walk *w, const struct head *h)
{
    const struct level *top = w->depth > 0 ? &w->levels[w->depth - 1] : NULL;

    if (!top || !top->open || top->major == CBOR_ARRAY || top->major == CBOR_MAP)
        return true;
    return h->major == top->major && h->info != INDEFINITE;
}

static int take_item(struct walk *w, const struct head *h, struct err *err)
{
    w->at += h->size;
    switch (h->major) {
    case CBOR_BYTES:
    case CBOR_TEXT:
        return take_string(w, h, err);
    case CBOR_ARRAY:
    case CBOR_MAP:
        return take_list(w, h, err);
    case MAJOR_TAG:
        return push(w, (struct level){.left = 1}, err);
    default:
        finish(w);
        return 0;
    }
}

static int step(struct walk *w, struct err *err)
{
    struct head h;

    if (w->at < w->b.len && w->b.data[w->at] == BREAK)
        return take_break(w, err);
    if (!read_head(after(w->b, w->at), &h))
        return FAIL(err, ERR_DECODE, "CBOR ends or has a reserved head at byte %zu.", w->at);
    if (is_simple_in_two_bytes(&h) && h.n < 32)
        return FAIL(err, ERR_DECODE, "CBOR has a simple value at byte %zu in a form that is not allowed.",
                    w->at);
    if (!fits_here(w, &h))
        return FAIL(err, ERR_DECODE, "CBOR has a string at byte %zu with a chunk of another kind.", w->at);
    if (++w->items > w->max_items)
        return FAIL(err, ERR_LIMIT, "CBOR has more than %zu items.", w->max_items);
    return take_item(w, &h, err);
}

/* How many bytes the first item of b has. */
static int measure(struct bytes b, size_t max_items, size_t *ret_size, struct err *err)
{
    struct walk w;

    w.b = b;
    w.at = w.items = w.depth = 0;
    w.max_items = max_items;
    do
        if (step(&w, err) < 0)
            return -1;
    while (w.depth > 0);
    *ret_size = w.at;
    return 0;
}

/* RFC 8949, appendix D. */
static double half(uint64_t n)
{
    int exponent = (int)(n >> 10 & 0x1f);
    double mantissa = (double)(n & 0x3ff), v;

    if (exponent == 0)
        v = ldexp(mantissa, -24);
    else if (exponent != 31)
        v = ldexp(mantissa + 1024, exponent - 25);
    else
        v = mantissa == 0 ? (double)INFINITY : (double)NAN;
    return n & 0x8000 ? -v : v;
}

static double real_of(const struct head *h)
{
    uint32_t bits = (uint32_t)h->n;
    double d;
    float f;

    if (h->size == 3)
        return half(h->n);
    if (h->size == 5) {
        memcpy(&f, &bits, sizeof f);
        return (double)f;
    }
    memcpy(&d, &h->n, sizeof d);
    return d;
}

/* Numbers, floats and the like end with their heads. */
static bool is_head_only(const struct head *h)
{
    return h->major == CBOR_UINT || h->major == CBOR_NINT ||
           (h->major == MAJOR_OTHER && h->info < FIRST_RESERVED && h->info != 24);
}

static int read_first(struct bytes b, size_t max_items, struct cbor *ret, struct err *err)
{
    struct head h;
    size_t size;

    if (read_head(b, &h) && is_head_only(&h)) /* most items; a walk costs ten times as much */
        size = h.size;
    else if (measure(b, max_items, &size, err) < 0 || !read_head(b, &h))
        return -1;
    *ret = (struct cbor){.kind = (enum cbor_kind)h.major, .n = h.n, .raw = bytes_of(b.data, size)};
    ret->indefinite = h.info == INDEFINITE;
    ret->body = bytes_of(b.data + h.size, size - h.size - ret->indefinite);
    if (ret->indefinite)
        ret->n = 0;
    if (h.major == MAJOR_OTHER && h.info > 24) {
        ret->kind = CBOR_FLOAT;
        ret->real = real_of(&h);
    }
    return 0;
}

int cbor_read_first(struct bytes b, struct cbor *ret, struct err *err)
{
    return read_first(b, CBOR_MAX_ITEMS, ret, err);
}

int cbor_read_upto(struct bytes b, size_t max_items, struct cbor *ret, struct err *err)
{
    struct cbor item;

    if (read_first(b, max_items, &item, err) < 0)
        return -1;
    if (item.raw.len != b.len)
        return FAIL(err, ERR_DECODE, "CBOR has %zu bytes after its end.", b.len - item.raw.len);
    *ret = item;
    return 0;
}

int cbor_read(struct bytes b, struct cbor *ret, struct err *err)
{
    return cbor_read_upto(b, CBOR_MAX_ITEMS, ret, err);
}

struct cbor_cursor cbor_items(const struct cbor *in)
{
    bool has = in->kind == CBOR_ARRAY || in->kind == CBOR_MAP;

    return (struct cbor_cursor){has ? in->body : bytes_of(NULL, 0)};
}

bool cbor_next(struct cbor_cursor *c, struct cbor *ret)
{
    if (c->rest.len == 0 || read_first(c->rest, SIZE_MAX, ret, NULL) < 0) /* counted with the whole */
        return false;
    c->rest = after(c->rest, ret->raw.len);
    return true;
}

bool cbor_next_pair(struct cbor_cursor *c, struct cbor *ret_key, struct cbor *ret_value)
{
    return cbor_next(c, ret_key) && cbor_next(c, ret_value);
}

/* A key to look for: text, or a number when text is NULL. */
struct key {
    const char *text;
    int64_t number;
};

static bool is_key(const struct cbor *item, struct key key)
{
    int64_t n = 0;

    return key.text ? cbor_is_text(item, key.text) : cbor_number(item, &n) && n == key.number;
}

static bool get(const struct cbor *map, struct key key, struct cbor *ret)
{
    struct cbor_cursor c = cbor_items(map);
    struct cbor k, v, hit = {0};
    int hits = 0;

    if (map->kind != CBOR_MAP)
        return false;
    while (cbor_next_pair(&c, &k, &v))
        if (is_key(&k, key)) {
            hit = v;
            hits++;
        }
    if (hits == 1)
        *ret = hit;
    return hits == 1;
}

bool cbor_get(const struct cbor *map, const char *key, struct cbor *ret)
{
    return get(map, (struct key){.text = key}, ret);
}

bool cbor_get_number(const struct cbor *map, int64_t key, struct cbor *ret)
{
    return get(map, (struct key){.number = key}, ret);
}

bool cbor_tagged(const struct cbor *tag, struct cbor *ret)
{
    return tag->kind == CBOR_TAG && read_first(tag->body, SIZE_MAX, ret, NULL) == 0;
}

bool cbor_number(const struct cbor *item, int64_t *ret)
{
    if ((item->kind != CBOR_UINT && item->kind != CBOR_NINT) || item->n > INT64_MAX)
        return false;
    *ret = item->kind == CBOR_UINT ? (int64_t)item->n : -1 - (int64_t)item->n;
    return true;
}

static bool is_string(const struct cbor *item)
{
    return item->kind == CBOR_BYTES || item->kind == CBOR_TEXT;
}

/* The next chunk of a string; a definite one is a single chunk. */
static bool next_chunk(const struct cbor *item, struct bytes *rest, struct bytes *ret)
{
    struct head h;

    if (!item->indefinite) {
        *ret = *rest;
        *rest = after(*rest, rest->len);
        return ret->len > 0;
    }
    if (!read_head(*rest, &h) || h.n > rest->len - h.size)
        return false;
    *ret = bytes_of(rest->data + h.size, (size_t)h.n);
    *rest = after(*rest, h.size + (size_t)h.n);
    return true;
}

bool cbor_is_text(const struct cbor *item, const char *text)
{
    struct bytes rest = item->body, chunk;
    size_t left = strlen(text);

    if (item->kind != CBOR_TEXT)
        return false;
    while (next_chunk(item, &rest, &chunk)) {
        if (chunk.len > left || memcmp(chunk.data, text, chunk.len) != 0)
            return false;
        text += chunk.len;
        left -= chunk.len;
    }
    return left == 0;
}

bool cbor_is_simple(const struct cbor *item, enum cbor_simple value)
{
    return item->kind == CBOR_SIMPLE && item->n == (uint64_t)value;
}

struct bytes cbor_string(struct arena *a, const struct cbor *item)
{
    struct bytes rest = item->body, chunk;
    uint8_t *joined;
    size_t n = 0;

    if (!is_string(item))
        return bytes_of(NULL, 0);
    if (!item->indefinite)
        return item->body;
    joined = arena_alloc(a, item->body.len);
    while (next_chunk(item, &rest, &chunk)) {
        memcpy(joined + n, chunk.data, chunk.len);
        n += chunk.len;
    }
    return bytes_of(joined, n);
}

const char *cbor_text(struct arena *a, const struct cbor *item)
{
    struct bytes b = cbor_string(a, item);

    if (item->kind != CBOR_TEXT || (b.len > 0 && memchr(b.data, 0, b.len)))
        return NULL;
    return b.len > 0 ? arena_strndup(a, (const char *)b.data, b.len) : arena_strdup(a, "");
}
