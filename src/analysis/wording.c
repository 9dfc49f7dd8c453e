#include "analysis/wording.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "report/scenery.h"

enum {
    LETTERS_OF_A_LINE = 3, /* in one word, at least */
    LETTERS_ALONE = 5,     /* a line of one shorter word must be surer than others: grass is read as "Vii" */
    MAX_LINES = 256,
    WORD_BYTES = 256,
};
static const float sure_alone = 0.8f;
static const double gap_in_line = 2.5, gap_of_lines = 1.0, taller = 2.0; /* in heights of a line */

/* ---- characters ---- */

struct range {
    uint32_t first, last;
};

static bool is_in(uint32_t c, const struct range *ranges, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    return false;
}

/* Controls, and what turns the direction of a text or is not seen. The joiners 200C and 200D are letters to
 * some scripts. */
static const struct range unwanted[] = {
    {0, 0x1f},        {0x7f, 0x9f},     {0xad, 0xad},     {0x200b, 0x200b}, {0x200e, 0x200f},
    {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe0fff},
};
static const struct range blanks[] = {
    {' ', ' '}, {0xa0, 0xa0}, {0x2000, 0x200a}, {0x202f, 0x202f}, {0x3000, 0x3000}};
static const struct range no_letters[] = {
    {0, '0' - 1},     {'9' + 1, 'A' - 1}, {'Z' + 1, 'a' - 1}, {'z' + 1, 0xbf},  {0xd7, 0xd7},
    {0xf7, 0xf7},     {0x2000, 0x2bff},   {0x3000, 0x3004},   {0x3008, 0x3020}, {0xfe30, 0xfe6f},
    {0xff00, 0xff0f}, {0xff1a, 0xff20},   {0xff3b, 0xff40},   {0xff5b, 0xff65}, {0xfff0, 0xffff},
};
/* One of these says as much as two letters. */
static const struct range syllables[] = {{0x3040, 0x9fff}, {0xac00, 0xd7af}, {0x20000, 0x3ffff}};

#define IS_IN(c, ranges) is_in((c), (ranges), COUNT_OF(ranges))

/* The character at s and its length; a byte that begins none gives length 1 and an unwanted character. */
static uint32_t next_char(const char *s, size_t *ret_len)
{
    const unsigned char *p = (const unsigned char *)s;
    size_t len = *p < 0xc0 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
    uint32_t c = len == 1 ? *p : *p & (0xffu >> (len + 1));

    if (strnlen(s, len) < len || !text_is_utf8(s, len)) {
        *ret_len = 1;
        return 0;
    }
    for (size_t i = 1; i < len; i++)
        c = c << 6 | (p[i] & 0x3f);
    *ret_len = len;
    return c;
}

/* Lower case where alphabets have a rule; other letters stay. */
static uint32_t to_lower(uint32_t c)
{
    static const struct {
        uint32_t first, last, add;
    } shifted[] = {{'A', 'Z', 32},     {0xc0, 0xde, 32},     {0x391, 0x3a9, 32},
                   {0x410, 0x42f, 32}, {0x400, 0x40f, 0x50}, {0xff21, 0xff3a, 32}};

    for (size_t i = 0; i < COUNT_OF(shifted); i++)
        if (c >= shifted[i].first && c <= shifted[i].last)
            return c + shifted[i].add;
    if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e)) /* Latin with marks: capital, small, ... */
        return c + (c & 1);
    return c >= 0x100 && c <= 0x177 ? c | 1 : c;
}

char *wording_clean(char *dst, size_t size, const char *foreign)
{
    size_t n = 0, len;
    bool blank = false;

    for (const char *s = foreign; *s; s += len) {
        uint32_t c = next_char(s, &len);
        bool is_blank = IS_IN(c, blanks) || c == '\t' || c == '\n';

        blank = blank || (is_blank && n > 0);
        if (is_blank || IS_IN(c, unwanted))
            continue;
        if (n + blank + len >= size)
            break;
        if (blank)
            dst[n++] = ' ';
        memcpy(dst + n, s, len);
        n += len;
        blank = false;
    }
    dst[n] = '\0';
    return dst;
}

static int count_letters(const char *s)
{
    int letters = 0;
    size_t len;

    for (; *s; s += len) {
        uint32_t c = next_char(s, &len);
        letters += IS_IN(c, no_letters) ? 0 : IS_IN(c, syllables) ? 2 : 1;
    }
    return letters;
}

static void make_key(struct arena *a, struct wording *w)
{
    uint32_t *key = arena_array(a, WORDING_MAX_KEY, sizeof *key);
    size_t n = 0, len;

    for (const char *s = w->words; *s && n < WORDING_MAX_KEY; s += len) {
        uint32_t c = next_char(s, &len);
        if (!IS_IN(c, no_letters))
            key[n++] = to_lower(c);
    }
    w->key = key;
    w->nkey = n;
}

/* ---- words ---- */

/* A word that was kept, cleaned. x and w are in heights of the picture, as y and h are. */
struct piece {
    const char *text;
    int letters;
    float confidence;
    int line;
    double x, y, w, h;
};

static double number(float v)
{
    return isfinite(v) ? (double)fminf(fmaxf(v, 0), 1) : 0;
}

static bool to_piece(struct arena *a, const struct ocr_word *w, float min_confidence, double aspect,
                     struct piece *ret)
{
    char clean[WORD_BYTES];

    if (!(w->confidence >= min_confidence) || !*wording_clean(clean, sizeof clean, w->text))
        return false;
    *ret = (struct piece){.text = arena_strdup(a, clean),
                          .letters = count_letters(clean),
                          .confidence = fminf(w->confidence, 1),
                          .line = w->line,
                          .x = number(w->box.x) * aspect,
                          .y = number(w->box.y),
                          .w = number(w->box.w) * aspect,
                          .h = number(w->box.h)};
    return true;
}

/* ---- lines ---- */

struct line {
    size_t first, n; /* pieces */
    int block;
    double x, y, w, h;
};

static void widen(struct line *l, const struct piece *p)
{
    double right = fmax(l->x + l->w, p->x + p->w), bottom = fmax(l->y + l->h, p->y + p->h);

    l->x = fmin(l->x, p->x);
    l->y = fmin(l->y, p->y);
    l->w = right - l->x;
    l->h = bottom - l->y;
}

/* The next run of pieces that the reader put into one line and that lie near each other. */
static struct line next_line(const struct piece *p, size_t first, size_t n)
{
    struct line l = {
        .first = first, .n = 1, .x = p[first].x, .y = p[first].y, .w = p[first].w, .h = p[first].h};

    for (size_t i = first + 1; i < n && p[i].line == p[first].line; i++) {
        double gap = fmax(p[i].x - (l.x + l.w), l.x - (p[i].x + p[i].w)); /* the second: right to left */
        if (gap > gap_in_line * fmax(l.h, p[i].h))
            break;
        widen(&l, &p[i]);
        l.n++;
    }
    return l;
}

/* Signs without a letter at the ends of a line are edges of things. */
static void trim(struct line *l, const struct piece *p)
{
    size_t n = l->n, first = l->first;

    while (n > 0 && p[first].letters == 0) {
        first++;
        n--;
    }
    while (n > 0 && p[first + n - 1].letters == 0)
        n--;
    l->first = first;
    l->n = n;
    for (size_t i = 0; i < n; i++) {
        if (i == 0)
            *l = (struct line){
                .first = first, .n = n, .x = p[first].x, .y = p[first].y, .w = p[first].w, .h = p[first].h};
        widen(l, &p[first + i]);
    }
}

static bool is_text(const struct line *l, const struct piece *p)
{
    int most = 0;

    for (size_t i = 0; i < l->n; i++)
        most = p[l->first + i].letters > most ? p[l->first + i].letters : most;
    if (l->n == 1 && most < LETTERS_ALONE && p[l->first].confidence < sure_alone)
        return false;
    return most >= LETTERS_OF_A_LINE;
}

static size_t find_lines(const struct piece *p, size_t n, struct line *lines)
{
    size_t found = 0;

    for (size_t i = 0; i < n && found < MAX_LINES;) {
        struct line l = next_line(p, i, n);

        i = l.first + l.n;
        trim(&l, p);
        if (l.n > 0 && is_text(&l, p))
            lines[found++] = l;
    }
    return found;
}

/* ---- blocks ---- */

static int by_place(const void *x, const void *y)
{
    const struct line *a = x, *b = y;
    double da = a->y + a->h / 2, db = b->y + b->h / 2;

    if (fabs(da - db) > fmin(a->h, b->h) / 2)
        return da < db ? -1 : 1;
    if (a->x != b->x)
        return a->x < b->x ? -1 : 1;
    return a->first < b->first ? -1 : a->first > b->first;
}

/* Insertion: by_place is no order for qsort, "about the same height" does not carry over. */
static void sort_lines(struct line *l, size_t n)
{
    for (size_t i = 1; i < n; i++)
        for (size_t k = i; k > 0 && by_place(&l[k - 1], &l[k]) > 0; k--) {
            struct line swap = l[k];
            l[k] = l[k - 1];
            l[k - 1] = swap;
        }
}

static bool are_one_text(const struct line *a, const struct line *b)
{
    double low = fmin(a->h, b->h), high = fmax(a->h, b->h);
    double below = fmax(a->y - (b->y + b->h), b->y - (a->y + a->h));
    double common = fmin(a->x + a->w, b->x + b->w) - fmax(a->x, b->x);

    if (high > taller * low)
        return false;
    if (below < -low / 2) /* side by side */
        return common > -gap_in_line / 2 * high;
    return below < gap_of_lines * low && common > 0.3 * fmin(a->w, b->w);
}

/* Gives lines that belong together the number of the first of them. */
static void find_blocks(struct line *l, size_t n)
{
    for (size_t i = 0; i < n; i++)
        l[i].block = (int)i;
    for (size_t i = 0; i < n; i++)
        for (size_t k = i + 1; k < n; k++) {
            int from = l[k].block, to = l[i].block;
            if (from == to || !are_one_text(&l[i], &l[k]))
                continue;
            for (size_t j = 0; j < n; j++)
                if (l[j].block == from || l[j].block == to)
                    l[j].block = from < to ? from : to;
        }
}

/* ---- texts ---- */

struct sum {
    struct buf words;
    double confidence, count;
    struct line around;
};

static void add_line(struct sum *s, const struct line *l, const struct piece *p)
{
    for (size_t i = l->first; i < l->first + l->n; i++) {
        if (s->words.len + strlen(p[i].text) + 2 > SCENERY_MAX_TEXT)
            return;
        buf_str(&s->words, s->words.len ? " " : "");
        buf_str(&s->words, p[i].text);
        s->confidence += (double)p[i].confidence;
        if (s->count == 0)
            s->around = *l;
        s->count++;
        widen(&s->around, &p[i]);
    }
}

static struct wording wording_of(struct arena *a, const struct line *lines, size_t n, int block,
                                 const struct piece *p, double aspect)
{
    struct sum s = {.words = BUF(SCENERY_MAX_TEXT)};
    struct wording w = {0};

    for (size_t i = 0; i < n; i++)
        if (lines[i].block == block)
            add_line(&s, &lines[i], p);
    w.words = arena_strdup(a, s.words.data ? s.words.data : "");
    buf_clear(&s.words);
    w.confidence = s.count > 0 ? s.confidence / s.count : 0;
    w.box = (struct box){(float)(s.around.x / aspect), (float)s.around.y, (float)(s.around.w / aspect),
                         (float)s.around.h};
    make_key(a, &w);
    return w;
}

size_t wordings_of(struct arena *a, const struct ocr_word *words, size_t n, float min_confidence,
                   double aspect, struct wording **ret)
{
    struct piece *pieces = arena_array(a, n + 1, sizeof *pieces);
    struct line *lines = arena_array(a, MAX_LINES, sizeof *lines);
    size_t npieces = 0, nlines, found = 0;

    for (size_t i = 0; i < n && i < OCR_MAX_WORDS; i++)
        npieces += to_piece(a, &words[i], min_confidence, aspect, &pieces[npieces]);
    nlines = find_lines(pieces, npieces, lines);
    sort_lines(lines, nlines);
    find_blocks(lines, nlines);
    *ret = arena_array(a, nlines + 1, sizeof **ret);
    for (size_t i = 0; i < nlines; i++)
        if (lines[i].block == (int)i) /* the first of its block */
            (*ret)[found++] = wording_of(a, lines, nlines, (int)i, pieces, aspect);
    return found;
}

/* ---- the same ---- */

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;

    return m < c ? m : c;
}

/* One row of the usual table, in place. Cells farther from the diagonal than the limit cannot matter, but
 * skipping them would cost more reading than time: the texts are short. */
size_t wording_distance(const uint32_t *a, size_t na, const uint32_t *b, size_t nb, size_t limit)
{
    size_t row[WORDING_MAX_KEY + 1];

    if ((na > nb ? na - nb : nb - na) > limit || na > WORDING_MAX_KEY || nb > WORDING_MAX_KEY)
        return limit + 1;
    for (size_t k = 0; k <= nb; k++)
        row[k] = k;
    for (size_t i = 0; i < na; i++) {
        size_t corner = row[0], best = row[0] = i + 1;

        for (size_t k = 0; k < nb; k++) {
            size_t left_up = corner;

            corner = row[k + 1];
            row[k + 1] = min3(left_up + (a[i] != b[k]), corner + 1, row[k] + 1);
            best = row[k + 1] < best ? row[k + 1] : best;
        }
        if (best > limit)
            return limit + 1;
    }
    return row[nb] > limit ? limit + 1 : row[nb];
}

bool wording_same(const struct wording *a, const struct wording *b)
{
    size_t limit = (a->nkey > b->nkey ? a->nkey : b->nkey) / 5;

    return wording_distance(a->key, a->nkey, b->key, b->nkey, limit) <= limit;
}
