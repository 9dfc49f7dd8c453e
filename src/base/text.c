#include "base/text.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool text_starts(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool text_ends(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);

    return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

bool text_is(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

bool text_is_nocase(const char *a, const char *b)
{
    return a && b && strcasecmp(a, b) == 0;
}

char *text_copy(char *dst, size_t size, const char *src)
{
    snprintf(dst, size, "%s", src ? src : "");
    return dst;
}

void text_hex(char *dst, const uint8_t *data, size_t n)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < n; i++) {
        dst[2 * i] = digits[data[i] >> 4];
        dst[2 * i + 1] = digits[data[i] & 15];
    }
    dst[2 * n] = '\0';
}

int text_hex_digit(char c)
{
    /* Value + 1; asked for every id and key of every request. */
    static const uint8_t digits[256] = {
        ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
        ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
        ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
    };

    return digits[(unsigned char)c] - 1;
}

bool text_unhex(uint8_t *dst, size_t n, const char *hex)
{
    if (!text_is_hex(hex, 2 * n))
        return false;
    for (size_t i = 0; i < n; i++)
        dst[i] = (uint8_t)(text_hex_digit(hex[2 * i]) << 4 | text_hex_digit(hex[2 * i + 1]));
    return true;
}

bool text_is_hex(const char *s, size_t digits)
{
    for (size_t i = 0; i < digits; i++)
        if (text_hex_digit(s[i]) < 0) /* stops at the NUL, too */
            return false;
    return s[digits] == '\0';
}

bool text_to_i64(const char *s, int64_t *ret)
{
    char *end;
    long long v;

    if (!s || !*s || *s == ' ')
        return false;
    errno = 0;
    v = strtoll(s, &end, 10);
    if (errno || *end)
        return false;
    *ret = v;
    return true;
}

bool text_to_double(const char *s, double *ret)
{
    char *end;
    double v;

    /* The program never calls setlocale, so strtod reads '.' as the decimal point. */
    if (!s || !*s || *s == ' ')
        return false;
    v = strtod(s, &end);
    if (*end || !isfinite(v))
        return false;
    *ret = v;
    return true;
}

/* Bytes of the UTF-8 sequence at s (1 to 4), 0 when it is invalid or cut off after n bytes. */
static size_t utf8_len(const unsigned char *s, size_t n)
{
    if (s[0] < 0x80)
        return 1;
    if (s[0] < 0xc2 || s[0] > 0xf4)
        return 0;
    if (n < 2 || (s[1] & 0xc0) != 0x80)
        return 0;
    if (s[0] < 0xe0)
        return 2;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f))
        return 0;
    if (n < 3 || (s[2] & 0xc0) != 0x80)
        return 0;
    if (s[0] < 0xf0)
        return 3;
    if ((s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return n >= 4 && (s[3] & 0xc0) == 0x80 ? 4 : 0;
}

bool text_is_utf8(const char *s, size_t n)
{
    const unsigned char *p = (const unsigned char *)s;

    for (size_t i = 0, len; i < n; i += len)
        if (!(len = utf8_len(p + i, n - i)))
            return false;
    return true;
}

size_t text_code_point(const char *s, size_t n, uint32_t *ret)
{
    static const uint8_t first[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    size_t len = utf8_len((const unsigned char *)s, n);
    uint32_t v = (unsigned char)s[0] & first[len];

    for (size_t i = 1; i < len; i++)
        v = v << 6 | ((unsigned char)s[i] & 0x3f);
    *ret = v;
    return len;
}

void text_mend(char *s)
{
    size_t n = strlen(s);

    for (size_t i = 0, len; i < n; i += len) {
        len = utf8_len((const unsigned char *)s + i, n - i);
        if (!len || (unsigned char)s[i] < 0x20 || s[i] == 0x7f) {
            s[i] = s[i] == '\n' || s[i] == '\t' ? ' ' : '?';
            len = 1;
        }
    }
}

void text_base_name(char *dst, size_t size, const char *path)
{
    const unsigned char *s = (const unsigned char *)path;
    size_t n, out = 0;

    for (const char *p = path; *p; p++)
        if (*p == '/' || *p == '\\')
            s = (const unsigned char *)p + 1;
    n = strlen((const char *)s);
    for (size_t i = 0, len; i < n; i += len) {
        len = utf8_len(s + i, n - i);
        if (!len || s[i] < 0x20 || s[i] == 0x7f) {
            len = 1;
            continue;
        }
        if (out + len >= size)
            break;
        memcpy(dst + out, s + i, len);
        out += len;
    }
    dst[out] = '\0';
}
