#include "net/frames.h"

#include <string.h>

#include "base/base64.h"
#include "base/hash.h"
#include "base/text.h"

enum { CONTROL_MAX = 125, HEAD_MAX = 14, KEY_CHARS = 24 };

struct frame_reader frame_reader(size_t max_message)
{
    return (struct frame_reader){
        .max_message = max_message,
        .raw = BUF(max_message + HEAD_MAX),
        .message = BUF(max_message),
    };
}

void frame_reader_clear(struct frame_reader *r)
{
    buf_clear(&r->raw);
    buf_clear(&r->message);
}

/* ---- one frame ---- */

struct frame {
    bool last, control;
    int kind;
    uint8_t mask[4];
    size_t head, len; /* bytes of the head, and of what follows */
};

static bool is_known(int kind)
{
    return kind <= FRAME_BINARY || (kind >= FRAME_CLOSE && kind <= FRAME_PONG);
}

static uint64_t number(const uint8_t *p, size_t n)
{
    uint64_t v = 0;

    for (size_t i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

/* Bytes of the length after the second one. */
static size_t length_bytes(uint8_t second)
{
    return (second & 0x7f) == 127 ? 8 : (second & 0x7f) == 126 ? 2 : 0;
}

/* 1: whole head; 0: more is needed; -1: *ret_code. */
static int parse_head(struct bytes in, size_t max, struct frame *f, int *ret_code)
{
    const uint8_t *p = in.data;
    size_t extra;
    uint64_t len;

    if (in.len < 2)
        return 0;
    extra = length_bytes(p[1]);
    *f = (struct frame){.last = p[0] & 0x80, .kind = p[0] & 0xf, .head = 2 + extra + 4};
    f->control = f->kind & 0x8;
    *ret_code = CLOSE_PROTOCOL;
    if (p[0] & 0x70 || !(p[1] & 0x80) || !is_known(f->kind) || (f->control && (!f->last || extra)))
        return -1;
    if (in.len < f->head)
        return 0;
    len = extra ? number(p + 2, extra) : p[1] & 0x7f;
    if ((extra == 2 && len <= CONTROL_MAX) || (extra == 8 && len <= 0xffff))
        return -1;
    *ret_code = CLOSE_LARGE;
    if (len > max)
        return -1;
    f->len = (size_t)len;
    memcpy(f->mask, p + 2 + extra, sizeof f->mask);
    return 1;
}

static void unmask(uint8_t *data, size_t len, const uint8_t mask[4])
{
    for (size_t i = 0; i < len; i++)
        data[i] ^= mask[i % 4];
}

/* ---- messages ---- */

/* A close frame says nothing, or a code and a text. */
static bool is_close(struct bytes data)
{
    return data.len == 0 || (data.len >= 2 && text_is_utf8((const char *)data.data + 2, data.len - 2));
}

static int take_control(const struct frame *f, struct bytes data, frame_got *got, void *arg)
{
    if (f->kind == FRAME_CLOSE && !is_close(data))
        return CLOSE_PROTOCOL;
    return got(arg, (enum frame_kind)f->kind, data);
}

static int take_message(struct frame_reader *r, frame_got *got, void *arg)
{
    struct bytes data = buf_bytes(&r->message);
    int kind = r->kind, code;

    if (kind == FRAME_TEXT && !text_is_utf8((const char *)data.data, data.len))
        return CLOSE_TEXT;
    code = got(arg, (enum frame_kind)kind, data);
    r->message.len = 0;
    r->kind = 0;
    return code;
}

static int take(struct frame_reader *r, const struct frame *f, struct bytes data, frame_got *got, void *arg)
{
    if (f->control)
        return take_control(f, data, got, arg);
    if ((f->kind == FRAME_MORE) != (r->kind != 0)) /* goes on with nothing, or begins in the middle */
        return CLOSE_PROTOCOL;
    if (f->kind != FRAME_MORE)
        r->kind = f->kind;
    if (data.len)
        buf_add(&r->message, data.data, data.len);
    if (r->message.overflow)
        return CLOSE_LARGE;
    return f->last ? take_message(r, got, arg) : 0;
}

/* Whole frames at the begin of what is there; *ret_used: how much that was. */
static int take_frames(struct frame_reader *r, size_t *ret_used, frame_got *got, void *arg)
{
    uint8_t *data = (uint8_t *)r->raw.data;
    struct frame f;
    int code, whole;

    for (*ret_used = 0;; *ret_used += f.head + f.len) {
        size_t left = r->raw.len - *ret_used;
        uint8_t *at = data + *ret_used;
        whole = parse_head(bytes_of(at, left), r->max_message, &f, &code);
        if (whole < 0)
            return code;
        if (!whole || left < f.head + f.len)
            return 0;
        unmask(at + f.head, f.len, f.mask);
        code = take(r, &f, bytes_of(at + f.head, f.len), got, arg);
        if (code)
            return code;
    }
}

static int feed_some(struct frame_reader *r, struct bytes data, frame_got *got, void *arg)
{
    size_t used;
    int code;

    buf_add(&r->raw, data.data, data.len);
    code = take_frames(r, &used, got, arg);
    if (code)
        return code;
    if (used && used < r->raw.len)
        memmove(r->raw.data, r->raw.data + used, r->raw.len - used);
    r->raw.len -= used;
    return 0;
}

/* In pieces for which there is always room: what stays in `raw` is less than one frame. */
int frame_feed(struct frame_reader *r, struct bytes data, frame_got *got, void *arg)
{
    size_t at = 0;

    while (at < data.len) {
        size_t room = r->raw.max - r->raw.len, n = data.len - at < room ? data.len - at : room;
        int code = feed_some(r, bytes_of(data.data + at, n), got, arg);
        if (code)
            return code;
        at += n;
    }
    return 0;
}

/* ---- the other way ---- */

static void put_length(struct buf *out, size_t len)
{
    uint8_t head[9];
    size_t extra = len <= CONTROL_MAX ? 0 : len <= 0xffff ? 2 : 8;

    head[0] = extra == 0 ? (uint8_t)len : extra == 2 ? 126 : 127;
    for (size_t i = 0; i < extra; i++)
        head[1 + i] = (uint8_t)((uint64_t)len >> 8 * (extra - 1 - i));
    buf_add(out, head, 1 + extra);
}

void frame_write(struct buf *out, enum frame_kind kind, struct bytes data)
{
    uint8_t first = (uint8_t)(0x80 | kind);

    buf_add(out, &first, 1);
    put_length(out, data.len);
    if (data.len)
        buf_add(out, data.data, data.len);
}

/* Sixteen bytes in base64. */
static bool is_key(struct arena *a, const char *key)
{
    struct bytes raw;

    return key && strlen(key) == KEY_CHARS && base64_decode(arena_strdup(a, key), KEY_CHARS, &raw) &&
           raw.len == 16;
}

const char *frame_accept(struct arena *a, const char *key)
{
    uint8_t sum[HASH_SHA1_SIZE];
    const char *text;

    if (!is_key(a, key))
        return NULL;
    text = arena_printf(a, "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
    hash_sha1(bytes_of(text, strlen(text)), sum);
    return base64_encode(a, bytes_of(sum, sizeof sum));
}
