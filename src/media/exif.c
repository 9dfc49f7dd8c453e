#include "media/exif_int.h"

#include <string.h>

enum { TAG_ORIENTATION = 0x0112, TYPE_SHORT = 3, ENTRY = 12 };

/* A TIFF structure and its byte order. */
struct tiff {
    struct bytes b;
    bool little;
};

static uint32_t number(const struct tiff *t, size_t at, size_t bytes)
{
    uint32_t v = 0;

    for (size_t i = 0; i < bytes; i++)
        v = v << 8 | t->b.data[at + (t->little ? bytes - 1 - i : i)];
    return v;
}

static bool open_tiff(struct bytes b, struct tiff *ret)
{
    if (b.len >= 6 && memcmp(b.data, "Exif\0", 6) == 0)
        b = bytes_of(b.data + 6, b.len - 6);
    *ret = (struct tiff){.b = b, .little = b.len > 0 && b.data[0] == 'I'};
    return b.len >= 8 && (memcmp(b.data, "II*\0", 4) == 0 || memcmp(b.data, "MM\0*", 4) == 0);
}

int exif_orientation(struct bytes exif)
{
    struct tiff t;
    size_t at, n;

    if (!open_tiff(exif, &t))
        return 1;
    at = number(&t, 4, 4);
    if (at > t.b.len - 2)
        return 1;
    n = number(&t, at, 2);
    at += 2;
    for (; n > 0 && t.b.len - at >= ENTRY; n--, at += ENTRY) {
        uint32_t value = number(&t, at + 8, 2);

        if (number(&t, at, 2) == TAG_ORIENTATION)
            return number(&t, at + 2, 2) == TYPE_SHORT && value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}

struct orientation orientation_of(int exif)
{
    static const struct orientation all[] = {
        [1] = {false, 0},  [2] = {true, 0},   [3] = {false, 180}, [4] = {true, 180},
        [5] = {true, 270}, [6] = {false, 90}, [7] = {true, 90},   [8] = {false, 270},
    };

    return exif >= 1 && exif <= 8 ? all[exif] : all[1];
}
