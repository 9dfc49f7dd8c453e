#include "media/pdf.h"

#include <string.h>

bool pdf_is(struct bytes file)
{
    return file.len >= 5 && memcmp(file.data, "%PDF-", 5) == 0;
}

/* ---- looking for words ---- */

/* Behind the next `word` from `at` on; 0 when there is none. */
static size_t behind(struct bytes b, size_t at, const char *word)
{
    const uint8_t *hit = at < b.len ? memmem(b.data + at, b.len - at, word, strlen(word)) : NULL;

    return hit ? (size_t)(hit - b.data) + strlen(word) : 0;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == '\0';
}

static size_t skip_space(struct bytes b, size_t at)
{
    while (at < b.len && is_space(b.data[at]))
        at++;
    return at;
}

static bool is_delimiter(uint8_t c)
{
    return is_space(c) || strchr("()<>[]{}/%", c);
}

/* ---- texts ---- */

/* "(text)" with a backslash before what is meant as it stands; UTF-16 loses its zeros. */
static void read_literal(struct bytes b, size_t at, char ret[PDF_TEXT])
{
    size_t len = 0;
    int open = 1;

    for (; at < b.len && len < PDF_TEXT - 1; at++) {
        uint8_t c = b.data[at];
        if (c == '\\' && at + 1 < b.len)
            c = b.data[++at];
        else if (c == '(')
            open++;
        else if (c == ')' && --open == 0)
            break;
        if (c >= ' ' && c < 0x7f)
            ret[len++] = (char)c;
    }
    ret[len] = '\0';
}

static int digit(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

static void read_hex(struct bytes b, size_t at, char ret[PDF_TEXT])
{
    size_t len = 0;

    for (; at + 1 < b.len && len < PDF_TEXT - 1; at += 2) {
        int high = digit(b.data[at]), low = digit(b.data[at + 1]), c = high * 16 + low;
        if (high < 0 || low < 0)
            break;
        if (c >= ' ' && c < 0x7f)
            ret[len++] = (char)c;
    }
    ret[len] = '\0';
}

/* The last one stands: an update writes a new one behind. */
static void read_text(struct bytes b, const char *key, char ret[PDF_TEXT])
{
    for (size_t at = 0; (at = behind(b, at, key));) {
        size_t value = skip_space(b, at);
        if (value < b.len && b.data[value] == '(')
            read_literal(b, value + 1, ret);
        else if (value < b.len && b.data[value] == '<' && !(value + 1 < b.len && b.data[value + 1] == '<'))
            read_hex(b, value + 1, ret);
    }
}

/* ---- signatures ---- */

static bool read_number(struct bytes b, size_t *at, uint64_t *ret)
{
    uint64_t v = 0;
    size_t begin;

    *at = begin = skip_space(b, *at);
    for (; *at < b.len && b.data[*at] >= '0' && b.data[*at] <= '9' && v < UINT32_MAX; ++*at)
        v = v * 10 + (uint64_t)(b.data[*at] - '0');
    *ret = v;
    return *at > begin;
}

/* "[0 100 200 50]": signed is all of it but a hole for the signature; the end is at 250. */
static bool read_range(struct bytes b, size_t at, uint64_t *ret_end)
{
    uint64_t v[4];

    at = skip_space(b, at);
    if (at >= b.len || b.data[at++] != '[')
        return false;
    for (size_t i = 0; i < 4; i++)
        if (!read_number(b, &at, &v[i]))
            return false;
    *ret_end = v[2] + v[3];
    return v[0] == 0 && v[1] <= v[2] && *ret_end <= b.len;
}

static void read_signatures(struct bytes b, struct pdf_facts *f)
{
    uint64_t end, last = 0;

    for (size_t at = 0; (at = behind(b, at, "/ByteRange"));)
        if (read_range(b, at, &end)) {
            f->is_signed = true;
            last = end > last ? end : last;
        }
    for (size_t i = (size_t)last; f->is_signed && i < b.len; i++)
        f->behind += !is_space(b.data[i]);
}

/* ---- pictures ---- */

/* The start of a stream's bytes when they are a JPEG; 0 when not. */
static size_t jpeg_start(struct bytes b, size_t at)
{
    at += at < b.len && b.data[at] == '\r';
    at += at < b.len && b.data[at] == '\n';
    return at + 3 <= b.len && memcmp(b.data + at, "\xff\xd8\xff", 3) == 0 ? at : 0;
}

static void read_pictures(struct bytes b, struct pdf_facts *f)
{
    for (size_t at = 0; (at = behind(b, at, "stream"));) {
        size_t start = jpeg_start(b, at), end = start ? behind(b, start, "endstream") : 0;
        if (start && !end)
            return; /* and no other one ends either */
        if (!end)
            continue;
        f->more_pictures = f->npictures == PDF_PICTURES;
        if (f->more_pictures)
            return;
        f->pictures[f->npictures++] = bytes_of(b.data + start, end - strlen("endstream") - start);
        at = end;
    }
}

void pdf_facts_read(struct bytes file, struct pdf_facts *ret)
{
    struct bytes top = bytes_of(file.data, file.len < 1024 ? file.len : 1024);
    size_t at;

    *ret = (struct pdf_facts){0};
    at = behind(top, 0, "/Linearized");
    ret->linearized = at && at < top.len && is_delimiter(top.data[at]);
    for (at = 0; (at = behind(file, at, "%%EOF"));)
        ret->ends++;
    read_text(file, "/Producer", ret->producer);
    read_text(file, "/Creator", ret->creator);
    read_text(file, "/CreationDate", ret->created);
    read_text(file, "/ModDate", ret->modified);
    read_signatures(file, ret);
    read_pictures(file, ret);
}
