#include "media/exif_facts.h"

#include <stddef.h>
#include <string.h>

enum { TYPE_ASCII = 2, TYPE_SHORT = 3, TYPE_LONG = 4, ENTRY = 12, ENTRIES = 200 };

enum {
    TAG_MAKE = 0x010f,
    TAG_MODEL = 0x0110,
    TAG_SOFTWARE = 0x0131,
    TAG_MODIFIED = 0x0132,
    TAG_THUMBNAIL = 0x0201,
    TAG_THUMBNAIL_SIZE = 0x0202,
    TAG_EXIF = 0x8769,
    TAG_TAKEN = 0x9003,
    TAG_WIDTH = 0xa002,
    TAG_HEIGHT = 0xa003,
};

/* A TIFF structure and its byte order. */
struct tiff {
    struct bytes b;
    bool little;
};

/* 0 outside of it. */
static uint32_t number(const struct tiff *t, size_t at, size_t bytes)
{
    uint32_t v = 0;

    if (at > t->b.len || t->b.len - at < bytes)
        return 0;
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

/* A text of n bytes lies in the entry, or where the entry says. */
static void read_text(const struct tiff *t, size_t entry, char ret[EXIF_TEXT])
{
    size_t n = number(t, entry + 4, 4), at = n <= 4 ? entry + 8 : number(t, entry + 8, 4), len = 0;

    if (number(t, entry + 2, 2) != TYPE_ASCII || at > t->b.len || n > t->b.len - at)
        return;
    for (size_t i = 0; i < n && len < EXIF_TEXT - 1 && t->b.data[at + i]; i++) {
        uint8_t c = t->b.data[at + i];
        ret[len++] = c >= ' ' && c < 0x7f ? (char)c : '?';
    }
    while (len > 0 && ret[len - 1] == ' ')
        len--;
    ret[len] = '\0';
}

static int read_number(const struct tiff *t, size_t entry)
{
    uint32_t v = number(t, entry + 8, number(t, entry + 2, 2) == TYPE_SHORT ? 2 : 4);

    return v <= INT32_MAX ? (int)v : 0;
}

struct places {
    size_t exif, thumbnail, thumbnail_size;
};

static void read_entry(const struct tiff *t, size_t entry, struct exif_facts *f, struct places *p)
{
    static const struct {
        uint32_t tag;
        size_t offset;
    } texts[] = {
        {TAG_MAKE, offsetof(struct exif_facts, make)},
        {TAG_MODEL, offsetof(struct exif_facts, model)},
        {TAG_SOFTWARE, offsetof(struct exif_facts, software)},
        {TAG_MODIFIED, offsetof(struct exif_facts, modified)},
        {TAG_TAKEN, offsetof(struct exif_facts, taken)},
    };
    uint32_t tag = number(t, entry, 2);

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i].tag == tag)
            read_text(t, entry, (char *)f + texts[i].offset);
    if (tag == TAG_WIDTH)
        f->width = read_number(t, entry);
    if (tag == TAG_HEIGHT)
        f->height = read_number(t, entry);
    if (tag == TAG_EXIF)
        p->exif = number(t, entry + 8, 4);
    if (tag == TAG_THUMBNAIL)
        p->thumbnail = number(t, entry + 8, 4);
    if (tag == TAG_THUMBNAIL_SIZE)
        p->thumbnail_size = number(t, entry + 8, 4);
}

/* Where the next directory begins; 0 when there is none. */
static size_t read_directory(const struct tiff *t, size_t at, struct exif_facts *f, struct places *p)
{
    size_t n = number(t, at, 2);

    if (at < 8 || at >= t->b.len || n > ENTRIES)
        return 0;
    for (size_t i = 0; i < n && t->b.len - at > 2 + (i + 1) * ENTRY; i++)
        read_entry(t, at + 2 + i * ENTRY, f, p);
    return number(t, at + 2 + n * ENTRY, 4);
}

void exif_facts_read(struct bytes exif, struct exif_facts *ret)
{
    struct places p = {0};
    struct tiff t;
    size_t next;

    *ret = (struct exif_facts){.present = open_tiff(exif, &t)};
    if (!ret->present)
        return;
    next = read_directory(&t, number(&t, 4, 4), ret, &p);
    if (p.exif)
        read_directory(&t, p.exif, ret, &p);
    p.exif = 0;
    if (next) {
        struct exif_facts of_thumbnail = {0};
        read_directory(&t, next, &of_thumbnail, &p);
    }
    if (p.thumbnail && p.thumbnail < t.b.len && p.thumbnail_size <= t.b.len - p.thumbnail)
        ret->thumbnail = bytes_of(t.b.data + p.thumbnail, p.thumbnail_size);
}
