#include "base/text.h"
#include "net/server_int.h"

bool percent_is_valid(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int high, low;
        if (s[i] == '\0')
            return false;
        if (s[i] != '%')
            continue;
        if (n - i < 3 || (high = text_hex_digit(s[i + 1])) < 0 || (low = text_hex_digit(s[i + 2])) < 0 ||
            high + low == 0)
            return false;
        i += 2;
    }
    return true;
}

unsigned char percent_next(const char **s)
{
    const char *p = *s;

    if (*p != '%') {
        *s += 1;
        return (unsigned char)*p;
    }
    *s += 3;
    return (unsigned char)(text_hex_digit(p[1]) << 4 | text_hex_digit(p[2]));
}

char *percent_decode(struct arena *a, const char *s, size_t n)
{
    char *text = arena_alloc(a, n + 1);
    const char *end = s + n;

    for (char *p = text; s < end;)
        *p++ = (char)percent_next(&s);
    return text;
}
