#include "sign.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { DOTS_WIDE = 5, DOTS_HIGH = 7, ADVANCE = 6, WORD = 64 };

/* Seven rows of five dots, the highest bit to the left. */
static const struct {
    char c;
    uint8_t rows[DOTS_HIGH];
} glyphs[] = {
    {'A', {0x0e, 0x11, 0x11, 0x1f, 0x11, 0x11, 0x11}},
    {'B', {0x1e, 0x11, 0x11, 0x1e, 0x11, 0x11, 0x1e}},
    {'C', {0x0e, 0x11, 0x10, 0x10, 0x10, 0x11, 0x0e}},
    {'D', {0x1e, 0x11, 0x11, 0x11, 0x11, 0x11, 0x1e}},
    {'E', {0x1f, 0x10, 0x10, 0x1e, 0x10, 0x10, 0x1f}},
    {'F', {0x1f, 0x10, 0x10, 0x1e, 0x10, 0x10, 0x10}},
    {'G', {0x0e, 0x11, 0x10, 0x17, 0x11, 0x11, 0x0e}},
    {'H', {0x11, 0x11, 0x11, 0x1f, 0x11, 0x11, 0x11}},
    {'I', {0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04}},
    {'J', {0x01, 0x01, 0x01, 0x01, 0x11, 0x11, 0x0e}},
    {'K', {0x11, 0x12, 0x14, 0x18, 0x14, 0x12, 0x11}},
    {'L', {0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x1f}},
    {'M', {0x11, 0x1b, 0x15, 0x15, 0x11, 0x11, 0x11}},
    {'N', {0x11, 0x19, 0x19, 0x15, 0x13, 0x13, 0x11}},
    {'O', {0x0e, 0x11, 0x11, 0x11, 0x11, 0x11, 0x0e}},
    {'P', {0x1e, 0x11, 0x11, 0x1e, 0x10, 0x10, 0x10}},
    {'Q', {0x0e, 0x11, 0x11, 0x11, 0x15, 0x12, 0x0d}},
    {'R', {0x1e, 0x11, 0x11, 0x1e, 0x14, 0x12, 0x11}},
    {'S', {0x0f, 0x10, 0x10, 0x0e, 0x01, 0x01, 0x1e}},
    {'T', {0x1f, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04}},
    {'U', {0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x0e}},
    {'V', {0x11, 0x11, 0x11, 0x11, 0x0a, 0x0a, 0x04}},
    {'W', {0x11, 0x11, 0x11, 0x15, 0x15, 0x1b, 0x11}},
    {'X', {0x11, 0x11, 0x0a, 0x04, 0x0a, 0x11, 0x11}},
    {'Y', {0x11, 0x11, 0x0a, 0x04, 0x04, 0x04, 0x04}},
    {'Z', {0x1f, 0x01, 0x02, 0x04, 0x08, 0x10, 0x1f}},
    {'0', {0x0e, 0x11, 0x11, 0x11, 0x11, 0x11, 0x0e}},
    {'1', {0x04, 0x0c, 0x04, 0x04, 0x04, 0x04, 0x0e}},
    {'2', {0x0e, 0x11, 0x01, 0x06, 0x08, 0x10, 0x1f}},
    {'3', {0x1f, 0x02, 0x04, 0x0e, 0x01, 0x11, 0x0e}},
    {'4', {0x02, 0x06, 0x0a, 0x12, 0x1f, 0x02, 0x02}},
    {'5', {0x1f, 0x10, 0x1e, 0x01, 0x01, 0x11, 0x0e}},
    {'6', {0x06, 0x08, 0x10, 0x1e, 0x11, 0x11, 0x0e}},
    {'7', {0x1f, 0x01, 0x02, 0x04, 0x04, 0x08, 0x08}},
    {'8', {0x0e, 0x11, 0x11, 0x0e, 0x11, 0x11, 0x0e}},
    {'9', {0x0e, 0x11, 0x11, 0x0f, 0x01, 0x02, 0x0c}},
    {'.', {0, 0, 0, 0, 0, 0x0c, 0x0c}},
    {'-', {0, 0, 0, 0x0e, 0, 0, 0}},
};

struct picture sign_blank(struct arena *a, int width, int height, int level)
{
    struct picture p = {width, height, 1, arena_array(a, (size_t)width, (size_t)height)};

    memset(p.pixels, level, (size_t)width * (size_t)height);
    return p;
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* The sum of twelve even numbers is close to normal. */
static double next_normal(uint32_t *state)
{
    double sum = -6;

    for (int i = 0; i < 12; i++)
        sum += (double)next_random(state) / (1 << 24);
    return sum;
}

static uint8_t to_level(double v)
{
    return (uint8_t)fmin(fmax(v + 0.5, 0), 255);
}

void sign_noise(struct picture *p, double sigma, uint32_t seed)
{
    for (size_t i = 0; i < (size_t)p->width * (size_t)p->height; i++)
        p->pixels[i] = to_level(p->pixels[i] + sigma * next_normal(&seed));
}

static const uint8_t *rows_of(char c)
{
    for (size_t i = 0; i < sizeof glyphs / sizeof *glyphs; i++)
        if (glyphs[i].c == toupper((unsigned char)c))
            return glyphs[i].rows;
    return NULL;
}

static double dot_at(const uint8_t *rows, int x, int y)
{
    return x >= 0 && y >= 0 && x < DOTS_WIDE && y < DOTS_HIGH ? rows[y] >> (DOTS_WIDE - 1 - x) & 1 : 0;
}

/* Between the middles of dots straight lines, then steeper: round corners with soft edges. */
static double ink_at(const uint8_t *rows, double x, double y)
{
    int ix = (int)floor(x - 0.5), iy = (int)floor(y - 0.5);
    double fx = x - 0.5 - ix, fy = y - 0.5 - iy;
    double v = (dot_at(rows, ix, iy) * (1 - fx) + dot_at(rows, ix + 1, iy) * fx) * (1 - fy) +
               (dot_at(rows, ix, iy + 1) * (1 - fx) + dot_at(rows, ix + 1, iy + 1) * fx) * fy;

    return fmin(fmax((v - 0.35) / 0.3, 0), 1);
}

static void draw_glyph(struct picture *p, const uint8_t *rows, double x0, double y0, double dot, int level)
{
    for (int y = (int)(y0 - dot); y < y0 + (DOTS_HIGH + 1) * dot; y++)
        for (int x = (int)(x0 - dot); x < x0 + (DOTS_WIDE + 1) * dot; x++) {
            double ink = ink_at(rows, (x + 0.5 - x0) / dot, (y + 0.5 - y0) / dot);
            if (x < 0 || y < 0 || x >= p->width || y >= p->height || ink == 0)
                continue;
            uint8_t *at = &p->pixels[(size_t)y * (size_t)p->width + (size_t)x];
            *at = to_level(*at + ink * (level - *at));
        }
}

struct box sign_draw(struct picture *p, const char *text, int x, int y, double dot, int level)
{
    float w = (float)p->width, h = (float)p->height;
    size_t n = strlen(text);

    for (size_t i = 0; i < n; i++) {
        const uint8_t *rows = rows_of(text[i]);
        if (rows)
            draw_glyph(p, rows, x + (double)i * ADVANCE * dot, y, dot, level);
    }
    return (struct box){(float)x / w, (float)y / h, (float)((double)n * ADVANCE * dot) / w,
                        (float)(DOTS_HIGH * dot) / h};
}

/* ---- how well was it read ---- */

static bool is_edge(char c)
{
    return !isalnum((unsigned char)c) && !(c & 0x80);
}

/* The next word in lower case without punctuation at its ends; false at the end. */
static bool next_word(const char **at, char ret[WORD])
{
    size_t n = 0;

    for (*at += strspn(*at, " "); **at && **at != ' '; ++*at)
        if (n < WORD - 1 && (n > 0 || !is_edge(**at)))
            ret[n++] = (char)tolower((unsigned char)**at);
    while (n > 0 && is_edge(ret[n - 1]))
        n--;
    ret[n] = '\0';
    return n > 0 || **at;
}

int sign_words(const char *text)
{
    char word[WORD];
    int n = 0;

    while (next_word(&text, word))
        n += *word != '\0';
    return n;
}

static int count(const char *text, const char *wanted)
{
    char word[WORD];
    int n = 0;

    while (next_word(&text, word))
        n += strcmp(word, wanted) == 0;
    return n;
}

int sign_words_found(const char *truth, const char *read)
{
    const char *at = truth;
    char word[WORD];
    int n = 0;

    while (next_word(&at, word)) {
        size_t len = (size_t)(at - truth);
        char before[8192];

        snprintf(before, sizeof before, "%.*s", (int)len, truth);
        n += *word && count(before, word) <= count(read, word);
    }
    return n;
}
