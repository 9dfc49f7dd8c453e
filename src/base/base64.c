#include "base/base64.h"

#include <openssl/evp.h>
#include <stdint.h>

/* OpenSSL's decoder passes over blanks and dashes at the ends, needs the padding, and does not promise to
 * work in place; so this direction is by hand. */

/* 64 and the digit's value, 0 for what is no digit. A row is 16 characters; those above ASCII are none. */
static const uint8_t digits[256] = {
    0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,  0,  0,  0,  0,  0,   0,   0,
    0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,  0,  0,  0,  0,  0,   0,   126,
    0,   0,   0,   127, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 0,  0,  0,  0,  0,  0,   0,   64,
    65,  66,  67,  68,  69,  70,  71,  72,  73,  74,  75,  76,  77,  78,  79, 80, 81, 82, 83, 84,  85,  86,
    87,  88,  89,  0,   0,   0,   0,   0,   0,   90,  91,  92,  93,  94,  95, 96, 97, 98, 99, 100, 101, 102,
    103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 115, 0,   0,  0,  0,  0,
};
enum { DIGIT = 64 };

/* The last one to three bytes, out of two or three digits; false when their unused bits are not zero. */
static bool decode_rest(const uint8_t *from, size_t n, uint8_t *to)
{
    uint32_t a, b, c;

    if (n == 0)
        return true;
    a = digits[from[0]];
    b = digits[from[1]];
    c = n == 3 ? digits[from[2]] : DIGIT;
    if (!(a & b & c & DIGIT))
        return false;
    to[0] = (uint8_t)(a << 2 | (b & 63) >> 4);
    if (n == 2)
        return (b & 15) == 0;
    to[1] = (uint8_t)(b << 4 | (c & 63) >> 2);
    return (c & 3) == 0;
}

/* With padding it is whole; without, what is missing is what padding would stand for. */
static bool drop_padding(const uint8_t *text, size_t *n)
{
    size_t padding = 0;

    while (padding < 2 && padding < *n && text[*n - 1 - padding] == '=')
        padding++;
    if (padding && *n % 4)
        return false;
    *n -= padding;
    return *n % 4 != 1;
}

bool base64_decode_in_place(char *text, size_t n, size_t *ret_n)
{
    uint8_t *from = (uint8_t *)text, *to = from, all = DIGIT;

    if (!drop_padding(from, &n))
        return false;
    for (size_t whole = n / 4; whole; whole--, from += 4, to += 3) {
        uint8_t a = digits[from[0]], b = digits[from[1]], c = digits[from[2]], d = digits[from[3]];
        all &= a & b & c & d;
        to[0] = (uint8_t)(a << 2 | (b & 63) >> 4);
        to[1] = (uint8_t)(b << 4 | (c & 63) >> 2);
        to[2] = (uint8_t)(c << 6 | (d & 63));
    }
    if (!all || !decode_rest(from, n % 4, to))
        return false;
    *ret_n = (size_t)(to - (uint8_t *)text) + (n % 4 ? n % 4 - 1 : 0);
    return true;
}

char *base64_encode(struct arena *a, struct bytes b)
{
    char *text = arena_alloc(a, 4 * ((b.len + 2) / 3) + 1);

    EVP_EncodeBlock((unsigned char *)text, b.data, (int)b.len);
    return text;
}
