/* Where one JSON object of a stream ends and the next one begins. Only brackets and quotes are looked at; the
 * parser of the message sees to the rest. */
#include "report/eim.h"

#include <string.h>

#include "base/json.h"

enum { KEEP = 1 << 20 }; /* memory that an idle stream may hold */

struct eim_stream eim_stream_new(void)
{
    return (struct eim_stream){.text = BUF(EIM_MESSAGE + EIM_CHUNK)};
}

void eim_stream_clear(struct eim_stream *s)
{
    buf_clear(&s->text);
    *s = eim_stream_new();
}

bool eim_stream_empty(const struct eim_stream *s)
{
    return s->begin == s->text.len;
}

/* What was handed out goes. */
static void forget(struct eim_stream *s)
{
    size_t left = s->text.len - s->begin;

    if (left && s->begin)
        memmove(s->text.data, s->text.data + s->begin, left);
    s->scanned -= s->begin;
    s->begin = 0;
    s->text.len = left;
    if (!left && s->text.cap > KEEP)
        buf_clear(&s->text);
}

void eim_stream_add(struct eim_stream *s, const void *data, size_t n)
{
    if (s->begin)
        forget(s);
    buf_add(&s->text, data, n);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\0';
}

static int skip_blanks(struct eim_stream *s, struct err *err)
{
    while (s->begin < s->text.len && is_blank(s->text.data[s->begin]))
        s->begin++;
    s->scanned = s->begin;
    if (s->begin < s->text.len && s->text.data[s->begin] != '{')
        return FAIL(err, ERR_DECODE, "a message is a JSON object and begins with '{', not with byte 0x%02x",
                    (unsigned char)s->text.data[s->begin]);
    return 0;
}

static void scan_in_string(struct eim_stream *s, char c)
{
    if (s->escaped)
        s->escaped = false;
    else if (c == '\\')
        s->escaped = true;
    else if (c == '"')
        s->in_string = false;
}

static void scan(struct eim_stream *s, char c)
{
    if (s->in_string)
        scan_in_string(s, c);
    else if (c == '"')
        s->in_string = true;
    else if (c == '{' || c == '[')
        s->depth++;
    else if (c == '}' || c == ']')
        s->depth--;
}

int eim_stream_next(struct eim_stream *s, struct bytes *ret, struct err *err)
{
    if (s->depth == 0 && skip_blanks(s, err) < 0)
        return -1;
    while (s->scanned < s->text.len) {
        scan(s, s->text.data[s->scanned++]);
        if (s->depth > JSON_MAX_DEPTH)
            return FAIL(err, ERR_LIMIT, "a message is nested deeper than %d levels", JSON_MAX_DEPTH);
        if (s->scanned - s->begin > EIM_MESSAGE)
            break;
        if (s->depth == 0) {
            *ret = bytes_of(s->text.data + s->begin, s->scanned - s->begin);
            s->begin = s->scanned;
            return 1;
        }
    }
    if (s->text.overflow || s->scanned - s->begin > EIM_MESSAGE)
        return FAIL(err, ERR_LIMIT, "a message is larger than %d MiB", EIM_MESSAGE >> 20);
    return 0;
}
