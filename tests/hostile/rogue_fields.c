/* Whole samples with one number of their head changed: counts, sizes, times, sides of the picture. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "craft.h"
#include "rogue_int.h"

static void put_le(uint8_t *at, uint32_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (uint8_t)(v >> 8 * i);
}

static void put_be(uint8_t *at, uint32_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (uint8_t)(v >> 8 * (bytes - 1 - i));
}

/* ---- words of MP4 boxes and RIFF chunks ---- */

static const uint32_t odd_words[] = {0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x00ffffff};
enum { ODD_WORDS = COUNT_OF(odd_words) };

static const struct place {
    const char *type;
    int words; /* of its content; 0 = its size */
} boxes[] = {{"stts", 0}, {"stts", 5}, {"stsc", 0}, {"stsc", 5}, {"stsz", 0},  {"stsz", 5},
             {"stco", 0}, {"stco", 4}, {"stss", 3}, {"stsd", 0}, {"stsd", 12}, {"elst", 5},
             {"mvhd", 7}, {"tkhd", 6}, {"mdhd", 6}, {"hdlr", 3}, {"dref", 4},  {"moov", 0},
             {"trak", 0}, {"mdia", 0}, {"minf", 0}, {"stbl", 0}, {"mdat", 0},  {"ftyp", 0}},
  chunks[] = {{"RIFF", 0}, {"avih", 14}, {"strh", 12}, {"strf", 10}, {"hdrl", 0},
              {"strl", 0}, {"movi", 0},  {"idx1", 0},  {"idx1", 4},  {"00dc", 0}};

/* How many files the places make, and the place, word and value of the n-th. */
static size_t words_count(const struct place *p, size_t nplaces)
{
    size_t n = 0;

    for (size_t i = 0; i < nplaces; i++)
        n += (size_t)(p[i].words ? p[i].words : 1) * ODD_WORDS;
    return n;
}

static const struct place *word_of(const struct place *p, size_t n, int *ret_word, uint32_t *ret_value)
{
    for (;; p++) {
        size_t here = (size_t)(p->words ? p->words : 1) * ODD_WORDS;
        if (n < here) {
            *ret_word = p->words ? (int)(n / ODD_WORDS) : -1;
            *ret_value = odd_words[n % ODD_WORDS];
            return p;
        }
        n -= here;
    }
}

static size_t mp4_count(const struct rogues *r)
{
    return rogue_sample(r, "mp4 mpeg4").len ? words_count(boxes, COUNT_OF(boxes)) : 0;
}

static struct rogue mp4_make(const struct rogues *r, struct arena *a, size_t n)
{
    struct bytes whole = rogue_sample(r, "mp4 mpeg4");
    uint8_t *file = craft_copy(a, whole), *at;
    uint32_t value;
    int word;
    const struct place *p = word_of(boxes, n, &word, &value);

    at = memmem(file, whole.len, p->type, 4);
    if (at && (size_t)(at - file) + 8 + 4 * (size_t)(word + 1) <= whole.len)
        craft_put32(at + 4 * word + (word < 0 ? 0 : 4), value);
    return (struct rogue){arena_printf(a, "mp4, %s, word %d = %u", p->type, word, value), ROGUE_ANY,
                          bytes_of(file, whole.len)};
}

static size_t avi_count(const struct rogues *r)
{
    return rogue_sample(r, "avi mpeg4").len ? words_count(chunks, COUNT_OF(chunks)) : 0;
}

static struct rogue avi_make(const struct rogues *r, struct arena *a, size_t n)
{
    struct bytes whole = rogue_sample(r, "avi mpeg4");
    uint8_t *file = craft_copy(a, whole), *at;
    uint32_t value;
    int word;
    const struct place *p = word_of(chunks, n, &word, &value);

    at = memmem(file, whole.len, p->type, 4);
    if (at && (size_t)(at - file) + 12 + 4 * (size_t)(word + 1) <= whole.len)
        put_le(at + 4 + 4 * (word + 1), value, 4);
    return (struct rogue){arena_printf(a, "avi, %s, word %d = %u", p->type, word, value), ROGUE_ANY,
                          bytes_of(file, whole.len)};
}

/* Counts as large as they get, beside tables that are not there. */
static const struct {
    const char *type;
    int word;
} counts[] = {{"stts", 1}, {"stsc", 1}, {"stsz", 2}, {"stco", 1},
              {"stss", 1}, {"elst", 1}, {"stsd", 1}, {"dref", 1}};

static size_t table_count(const struct rogues *r)
{
    return rogue_sample(r, "mp4 mpeg4").len ? COUNT_OF(counts) * 8 : 0;
}

/* A box that is as long as its count says and full of the same entry: 2^n entries of it. */
static struct rogue table_make(const struct rogues *r, struct arena *a, size_t n)
{
    static const uint32_t entries[] = {1 << 10, 1 << 14, 1 << 17, 1 << 18,
                                       1 << 19, 1 << 20, 1 << 21, 3 << 20};
    struct bytes whole = rogue_sample(r, "mp4 mpeg4"), table, moov;
    const char *type = counts[n / 8].type;
    uint32_t many = entries[n % 8], each = strcmp(type, "stts") == 0 ? 2 : strcmp(type, "stsc") == 0 ? 3 : 1;
    uint8_t *copy = craft_copy(a, whole), *stbl = craft_box(copy, whole.len, "stbl"), *body;
    size_t words = (size_t)counts[n / 8].word + 1 + (size_t)many * each;

    if (words > 4u << 20)
        words = 4u << 20;
    body = craft_room(a, 4 * words);
    for (size_t i = 0; i < words; i++)
        craft_put32(body + 4 * i, 1);
    craft_put32(body, 0);
    craft_put32(body + 4 * counts[n / 8].word, many);
    table = craft_boxed(a, "stbl",
                        craft_join(a, bytes_of(stbl + 8, craft_get32(stbl) - 8),
                                   craft_boxed(a, type, bytes_of(body, 4 * words))));
    moov = craft_boxed(
        a, "moov",
        craft_boxed(
            a, "trak",
            craft_boxed(
                a, "mdia",
                craft_join(a, craft_boxed(a, "mdhd", bytes_of(craft_box(copy, whole.len, "mdhd") + 8, 24)),
                           craft_boxed(a, "minf", table)))));
    return (struct rogue){
        arena_printf(a, "mp4, %s of %u entries", type, many), ROGUE_ANY,
        craft_join(a, bytes_of(copy, (size_t)(craft_box(copy, whole.len, "moov") - copy)), moov)};
}

/* ---- elements of Matroska ---- */

struct element {
    uint32_t id;
    size_t size_at, size_len, body, len;
};

static bool is_master(uint32_t id)
{
    static const uint32_t masters[] = {0x1A45DFA3, 0x18538067, 0x114D9B74, 0x4DBB,     0x1549A966, 0x1654AE6B,
                                       0xAE,       0xE0,       0xE1,       0x1F43B675, 0xA0,       0x1C53BB6B,
                                       0xBB,       0xB7,       0x1254C367, 0x7373,     0x67C8};

    for (size_t i = 0; i < COUNT_OF(masters); i++)
        if (masters[i] == id)
            return true;
    return false;
}

static size_t width_of(uint8_t first)
{
    return first ? (size_t)__builtin_clz(first) - 23 : 9;
}

/* The element at that place; false when there is none. */
static bool element_at(struct bytes file, size_t at, struct element *ret)
{
    size_t n = at < file.len ? width_of(file.data[at]) : 9;

    *ret = (struct element){0};
    if (n > 4 || at + n >= file.len)
        return false;
    for (size_t i = 0; i < n; i++)
        ret->id = ret->id << 8 | file.data[at + i];
    ret->size_at = at + n;
    ret->size_len = width_of(file.data[ret->size_at]);
    ret->body = ret->size_at + ret->size_len;
    if (ret->size_len > 8 || ret->body > file.len)
        return false;
    ret->len = file.data[ret->size_at] & ((1u << (8 - ret->size_len)) - 1);
    for (size_t i = 1; i < ret->size_len; i++)
        ret->len = ret->len << 8 | file.data[ret->size_at + i];
    return true;
}

/* The n-th element in the order of the file; false behind the last. */
static bool nth_element(struct bytes file, size_t n, struct element *ret)
{
    size_t at = 0;

    while (element_at(file, at, ret)) {
        if (n-- == 0)
            return true;
        at = is_master(ret->id) ? ret->body : ret->body + ret->len;
    }
    return false;
}

enum { SIZE_WAYS = 3, BODY_WAYS = 5, ELEMENT_WAYS = SIZE_WAYS + BODY_WAYS, MAX_ELEMENTS = 110 };

static size_t ebml_count(const struct rogues *r)
{
    struct bytes file = rogue_sample(r, "matroska mpeg4");
    struct element e;
    size_t n = 0;

    while (n < MAX_ELEMENTS && nth_element(file, n, &e))
        n++;
    return n * ELEMENT_WAYS;
}

static void change_size(uint8_t *file, const struct element *e, size_t way)
{
    uint8_t marker = (uint8_t)(0x80 >> (e->size_len - 1));

    memset(file + e->size_at, way ? 0xff : 0, e->size_len); /* 0, unknown, as large as it gets */
    file[e->size_at] = way ? (uint8_t)(marker | (marker - 1)) : marker;
    if (way == 2)
        file[e->body - 1] &= 0xfe;
}

/* Numbers of the body: 0, all ones, sign bit, and as floats: not a number, infinite. */
static void change_body(uint8_t *file, const struct element *e, size_t way)
{
    static const uint8_t first[BODY_WAYS][2] = {{0, 0}, {0xff, 0xff}, {0x80, 0}, {0x7f, 0xf8}, {0x7f, 0xf0}};
    size_t len = e->len < 8 ? e->len : 8;

    memset(file + e->body, way == 1 ? 0xff : 0, len);
    memcpy(file + e->body, first[way], len < 2 ? len : 2);
    if (len == 4 && way == 4)
        file[e->body + 1] = 0x80; /* a short float is infinite earlier */
}

static struct rogue ebml_make(const struct rogues *r, struct arena *a, size_t n)
{
    struct bytes whole = rogue_sample(r, "matroska mpeg4");
    uint8_t *file = craft_copy(a, whole);
    size_t way = n % ELEMENT_WAYS;
    struct element e;

    if (!nth_element(whole, n / ELEMENT_WAYS, &e))
        abort();
    if (way < SIZE_WAYS)
        change_size(file, &e, way);
    else if (e.body + e.len <= whole.len)
        change_body(file, &e, way - SIZE_WAYS);
    return (struct rogue){arena_printf(a, "matroska, element %zu (%x), way %zu", n / ELEMENT_WAYS, e.id, way),
                          ROGUE_ANY, bytes_of(file, whole.len)};
}

/* ---- sides of the picture ---- */

static const struct {
    uint32_t w, h;
} sides[] = {{65535, 65535},          {65535, 1},   {1, 65535},   {0, 0},       {1, 1},       {3, 3},
             {16384, 16384},          {8192, 8192}, {8192, 4096}, {4096, 8192}, {7680, 4320}, {32767, 1024},
             {0x7fffffff, 0x7fffffff}};

/* Where both sides stand in a sample. */
struct spot {
    const char *sample;
    const char *mark; /* text before it */
    int zeros;        /* that many behind the mark, too: a name of a codec may stand elsewhere */
    int skip;         /* from the mark to the width */
    int gap;          /* from the width to the height; negative: the height is before it */
    int bytes;        /* of each */
    bool little;
};

static const struct spot spots[] = {
    {"gif", "GIF8", 0, 6, 2, 2, true},
    {"png", "IHDR", 0, 4, 4, 4, false},
    {"apng", "IHDR", 0, 4, 4, 4, false},
    {"bmp", "BM", 0, 18, 4, 4, true},
    {"tiff", "\x00\x01\x03", 0, 8, 12, 2, true},
    {"jpeg", "\xff\xc0", 0, 7, -2, 2, false},
    {"raw mjpeg", "\xff\xc0", 0, 7, -2, 2, false},
    {"avi mjpeg", "\xff\xc0", 0, 7, -2, 2, false},
    {"mov mjpeg", "jpeg", 6, 28, 2, 2, false},
    {"mp4 mpeg4", "mp4v", 6, 28, 2, 2, false},
    {"mp4 h264", "avc1", 6, 28, 2, 2, false},
    {"mov qtrle", "rle ", 6, 28, 2, 2, false},
    {"mov png", "png ", 6, 28, 2, 2, false},
    {"avi mpeg4", "strf", 0, 12, 4, 4, true},
    {"avi huffyuv", "strf", 0, 12, 4, 4, true},
    {"avi raw", "strf", 0, 12, 4, 4, true},
    {"avi cinepak", "strf", 0, 12, 4, 4, true},
    {"matroska ffv1", "\xb0\x82", 0, 2, 4, 2, false},
    {"matroska mpeg4", "\xb0\x82", 0, 2, 4, 2, false},
};

/* A PNG's head has a check sum. */
static void seal_png(uint8_t *ihdr)
{
    craft_put32(ihdr + 17, hash_crc32(bytes_of(ihdr, 17)));
}

static uint8_t *find_spot(uint8_t *file, size_t len, const struct spot *s)
{
    size_t text = s->mark[0] ? strlen(s->mark) : 3;
    char mark[16] = {0};

    memcpy(mark, s->mark, text);
    return memmem(file, len, mark, text + (size_t)s->zeros);
}

static size_t sides_count(const struct rogues *r)
{
    (void)r;
    return COUNT_OF(spots) * COUNT_OF(sides);
}

static struct rogue sides_make(const struct rogues *r, struct arena *a, size_t n)
{
    const struct spot *s = &spots[n / COUNT_OF(sides)];
    uint32_t w = sides[n % COUNT_OF(sides)].w, h = sides[n % COUNT_OF(sides)].h;
    struct bytes whole = rogue_sample(r, s->sample);
    uint8_t *file = craft_copy(a, whole), *mark = find_spot(file, whole.len, s);

    if (mark) {
        (s->little ? put_le : put_be)(mark + s->skip, w, s->bytes);
        (s->little ? put_le : put_be)(mark + s->skip + s->gap, h, s->bytes);
        if (memcmp(mark, "IHDR", 4) == 0)
            seal_png(mark);
    }
    return (struct rogue){arena_printf(a, "%s of %u x %u", s->sample, w, h), ROGUE_ANY,
                          bytes_of(file, whole.len)};
}

/* Formats whose head is text, or is made here. */
static struct bytes text_head(struct arena *a, const char *format, uint32_t w, uint32_t h)
{
    char *text = arena_strdup(a, format), *first = strchr(text, '#'), *second = strchr(first + 1, '#');

    *first = *second = '\0';
    return craft_text(a, arena_printf(a, "%s%u%s%u%s", text, w, first + 1, h, second + 1));
}

static const char *const text_heads[] = {
    "P6\n# #\n255\n",
    "P5\n# #\n65535\n",
    "P4\n# #\n",
    "P7\nWIDTH #\nHEIGHT #\nDEPTH 4\nMAXVAL 65535\nTUPLTYPE RGB_ALPHA\nENDHDR\n",
    "YUV4MPEG2 W# H# F25:1 Ip A1:1 C420jpeg\nFRAME\n",
    "YUV4MPEG2 W# H# F0:0 Ip A0:0 C444p16\nFRAME\n",
};

static size_t text_sides_count(const struct rogues *r)
{
    (void)r;
    return COUNT_OF(text_heads) * COUNT_OF(sides);
}

static struct rogue text_sides_make(const struct rogues *r, struct arena *a, size_t n)
{
    uint32_t w = sides[n % COUNT_OF(sides)].w, h = sides[n % COUNT_OF(sides)].h;
    struct bytes head = text_head(a, text_heads[n / COUNT_OF(sides)], w, h);

    (void)r;
    return (struct rogue){arena_printf(a, "%.9s of %u x %u", text_heads[n / COUNT_OF(sides)], w, h),
                          ROGUE_ANY, craft_join(a, head, bytes_of(craft_room(a, 1 << 16), 1 << 16))};
}

const struct rogue_group rogue_fields[] = {
    {"mp4 fields", false, mp4_count, mp4_make},
    {"mp4 tables", true, table_count, table_make},
    {"avi fields", false, avi_count, avi_make},
    {"matroska elements", false, ebml_count, ebml_make},
    {"sides", false, sides_count, sides_make},
    {"sides in text", false, text_sides_count, text_sides_make},
    {0},
};
