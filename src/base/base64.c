#include "base/base64.h"

#include <openssl/evp.h>
#include <string.h>

/* One call takes an int of bytes. */
enum { CHUNK = 3 << 20 };

char *base64_encode(struct arena *a, struct bytes data)
{
    char *text = arena_alloc(a, 4 * ((data.len + 2) / 3) + 1), *to = text;

    for (size_t at = 0; at < data.len; at += CHUNK) {
        size_t n = data.len - at < CHUNK ? data.len - at : CHUNK;
        to += EVP_EncodeBlock((unsigned char *)to, data.data + at, (int)n);
    }
    return text;
}

/* OpenSSL's decoder passes over blanks and lets hyphens end a text; others do not. */
static bool in_alphabet(const char *text, size_t len)
{
    static const bool digit[256] = {
        ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['0' ... '9'] = true, ['+'] = true, ['/'] = true,
    };
    bool all = true;

    for (size_t i = 0; i < len; i++)
        all &= digit[(unsigned char)text[i]];
    return all;
}

/* The last 2 or 3 digits, with the padding that may have been left out. */
static size_t decode_rest(const char *text, size_t len, char *to)
{
    unsigned char four[4] = {'=', '=', '=', '='}, room[3];

    if (!len)
        return 0;
    memcpy(four, text, len);
    EVP_DecodeBlock(room, four, 4);
    memcpy(to, room, len - 1);
    return len - 1;
}

bool base64_decode(char *text, size_t len, struct bytes *ret)
{
    size_t digits = len, whole, n = 0;

    while (digits > 0 && len - digits < 2 && text[digits - 1] == '=')
        digits--;
    if ((digits < len && len % 4) || digits % 4 == 1 || !in_alphabet(text, digits))
        return false;
    whole = digits / 4 * 4;
    for (size_t at = 0; at < whole; at += 4 * (CHUNK / 3)) {
        size_t step = whole - at < 4 * (CHUNK / 3) ? whole - at : 4 * (CHUNK / 3);
        n += (size_t)EVP_DecodeBlock((unsigned char *)text + n, (unsigned char *)text + at, (int)step);
    }
    n += decode_rest(text + whole, digits - whole, text + n);
    *ret = bytes_of(text, n);
    return true;
}
