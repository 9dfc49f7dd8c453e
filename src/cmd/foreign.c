#include "cmd/foreign.h"

#include <string.h>

#include "base/text.h"

struct range {
    uint32_t from, to;
};

static const struct range harmful[] = {
    {0x00, 0x1f},     {0x7f, 0x9f},     {0xad, 0xad},     {0x34f, 0x34f},     {0x61c, 0x61c},
    {0x115f, 0x1160}, {0x17b4, 0x17b5}, {0x180b, 0x180f}, {0x200b, 0x200f},   {0x2028, 0x202e},
    {0x2060, 0x206f}, {0x3164, 0x3164}, {0xe000, 0xf8ff}, {0xfdd0, 0xfdef},   {0xfeff, 0xfeff},
    {0xffa0, 0xffa0}, {0xfff0, 0xfffb}, {0xfffe, 0xffff}, {0x1d173, 0x1d17a}, {0xe0000, 0x10ffff},
};
static const struct range narrow[] = {
    /* no column of their own */
    {0x300, 0x36f},   {0x483, 0x489},   {0x591, 0x5bd},   {0x610, 0x61a},   {0x64b, 0x65f},
    {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f},
};
static const struct range wide[] = {
    /* two columns */
    {0x1100, 0x115e},   {0x2e80, 0x303e},   {0x3041, 0xa4cf},   {0xac00, 0xd7a3},
    {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},
    {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
};

static bool among(uint32_t c, const struct range *ranges, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (c >= ranges[i].from && c <= ranges[i].to)
            return true;
    return false;
}

/* The next letter of a text, already harmless. */
struct letter {
    const char *bytes;
    size_t len, columns;
};

static const char mark[] = "\xef\xbf\xbd"; /* U+FFFD */

/* Moves *s on. */
static struct letter next_letter(const char **s)
{
    uint32_t c;
    size_t len = text_code_point(*s, strnlen(*s, 4), &c);
    struct letter l = {*s, len, 1};

    *s += len ? len : 1;
    if (len && (c == '\t' || c == '\n' || c == '\r'))
        return (struct letter){" ", 1, 1};
    if (!len || among(c, harmful, COUNT_OF(harmful)))
        return (struct letter){mark, sizeof mark - 1, 1};
    if (among(c, narrow, COUNT_OF(narrow)))
        l.columns = 0;
    else if (among(c, wide, COUNT_OF(wide)))
        l.columns = 2;
    return l;
}

enum { MARKS = 2 }; /* above and below one letter; more of them would climb over the lines around it */

static struct letter next_shown(const char **s, bool utf8, size_t *marks)
{
    struct letter l = next_letter(s);

    *marks = l.columns ? 0 : *marks + 1;
    if (*marks > MARKS)
        return (struct letter){"", 0, 0};
    return l.len > 1 && !utf8 ? (struct letter){"?", 1, 1} : l;
}

/* ---- a terminal ---- */

static size_t columns_of(const char *s, bool utf8, size_t enough)
{
    size_t n = 0, marks = 0;

    while (*s && n <= enough)
        n += next_shown(&s, utf8, &marks).columns;
    return n;
}

size_t foreign_plain(struct buf *out, const char *s, size_t columns, bool utf8)
{
    static const struct letter dots[] = {{"...", 3, 3}, {"\xe2\x80\xa6", 3, 1}};
    size_t marks = 0, n = 0, room = columns;
    bool cut = columns_of(s, utf8, columns) > columns && columns >= dots[utf8].columns;

    if (cut)
        room -= dots[utf8].columns;
    while (*s) {
        struct letter l = next_shown(&s, utf8, &marks);
        if (n + l.columns > room)
            break;
        buf_add(out, l.bytes, l.len);
        n += l.columns;
    }
    if (cut)
        buf_add(out, dots[utf8].bytes, dots[utf8].len);
    return cut ? n + dots[utf8].columns : n;
}

/* ---- a page ---- */

static const char *entity_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void foreign_html(struct buf *out, const char *s)
{
    size_t marks = 0;

    while (*s) {
        struct letter l = next_shown(&s, true, &marks);
        const char *entity = l.len == 1 ? entity_of(*l.bytes) : NULL;
        if (entity)
            buf_str(out, entity);
        else
            buf_add(out, l.bytes, l.len);
    }
}
