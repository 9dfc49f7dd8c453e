/* The form parser: whatever the bytes, the events of a body fed whole and fed in small pieces are the same, the data given
 * is never more than the body, and every part that begins ends at most once. The input's first line is the Content-Type,
 * its next byte the size of the pieces. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "net/multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    struct buf text;
    size_t begun, ended, bytes;
};

static int on_begin(void *arg, const struct part *part, struct err *err)
{
    struct seen *s = arg;

    (void)err;
    if (s->begun++ != s->ended)
        abort();
    buf_printf(&s->text, "[%s|%s|%s]", part->name, part->file_name ? part->file_name : "", part->type ? part->type : "");
    return 0;
}

static int on_data(void *arg, struct bytes piece, struct err *err)
{
    struct seen *s = arg;

    (void)err;
    if (!piece.len || s->begun != s->ended + 1)
        abort();
    s->bytes += piece.len;
    buf_add(&s->text, piece.data, piece.len);
    return 0;
}

static int on_end(void *arg, struct err *err)
{
    struct seen *s = arg;

    (void)err;
    if (++s->ended != s->begun)
        abort();
    buf_str(&s->text, ";");
    return 0;
}

static enum err_kind parse(const char *type, struct bytes body, size_t step, struct seen *s)
{
    static const struct multipart_events events = {on_begin, on_data, on_end};
    CLEANUP(multipart_freep) struct multipart *mp = NULL;
    struct err err = {0};

    if (multipart_new(&mp, type, &events, s, &err) < 0)
        return err.kind;
    for (size_t at = 0; at < body.len; at += step) {
        size_t n = step < body.len - at ? step : body.len - at;
        if (multipart_feed(mp, bytes_of(body.data + at, n), &err) < 0)
            return err.kind;
    }
    return multipart_finish(mp, &err) < 0 ? err.kind : ERR_NONE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *line_end = memchr(data, '\n', size);
    size_t head = line_end ? (size_t)(line_end - data) : size;
    CLEANUP(freep) char *type = mem_alloc(head + 1);
    struct seen whole = {.text = BUF(1 << 24)}, pieces = {.text = BUF(1 << 24)};
    struct bytes body;

    memcpy(type, data, head);
    if (size - head < 2)
        return 0;
    body = bytes_of(data + head + 2, size - head - 2);
    if (parse(type, body, size, &whole) != parse(type, body, data[head + 1] % 16 + 1, &pieces))
        abort();
    if (whole.bytes > body.len || whole.begun != pieces.begun || whole.ended != pieces.ended ||
        whole.text.len != pieces.text.len ||
        (whole.text.len && memcmp(whole.text.data, pieces.text.data, whole.text.len) != 0))
        abort();
    buf_clear(&whole.text);
    buf_clear(&pieces.text);
    return 0;
}
