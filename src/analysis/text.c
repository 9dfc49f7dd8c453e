#include "analysis/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/strokes.h"
#include "analysis/wording.h"
#include "base/cleanup.h"
#include "base/clock.h"

enum {
    MISSED = 1,          /* samples in which a text may be missing without having ended */
    MAX_DOUBLINGS = 3,   /* what moves and gave nothing is read again after 2, 4, 8 samples */
    BURST_SECONDS = 20,  /* of the allowance per minute may be spent at once */
    WHITE = 208,         /* levels */
    DARKEST_WHITE = 176, /* soft edges of white letters end here */
    LEAST_WHITE = 2,     /* per mille of a region with a caption */
    MOST_WHITE = 400,
    LONGER_SIDE = 1280,
    LONGER_SIDE_MIN = 960,
    MOST_ENLARGED = 2,
};

/* A text, while it can still be seen again and after. */
struct entry {
    struct scene_text text;
    struct wording last; /* as it was read last: what the next one is compared with; only its key */
    uint32_t *key;       /* its room */
    size_t room;
    struct box at; /* where it was read last */
    int64_t seen;  /* sample */
};

/* The strokes of a cell; 0 = it had none. */
struct place {
    uint64_t read;   /* when it was read last; 0 = it was not */
    uint64_t before; /* in the picture before this one */
};

struct texts {
    struct arena *arena;
    struct text_engine engine;
    struct texts_opts opts;
    struct strokes *strokes; /* NULL before the first picture */
    struct place *places;
    int64_t sample;         /* number of the newest picture; -1 = none yet */
    double pts, pts_before; /* of the newest picture and the one before */
    int shot_left;
    double allowance;   /* readings beyond those of the shot */
    bool reading;       /* in this picture */
    int fruitless;      /* readings of what moves, one after the other */
    int64_t rest_until; /* sample from which it is read again */
    struct entry *entries;
    size_t nentries, entries_cap;
    size_t first_open; /* entries before it have ended */
    struct texts_found sum;
};

struct texts_opts texts_defaults(void)
{
    return (struct texts_opts){.min_confidence = 0.6f, .reads_per_shot = 4, .reads_per_minute = 30};
}

static int read_with_ocr(void *arg, struct arena *a, const struct picture *luma, const struct box *region,
                         int64_t deadline_mono_us, struct ocr_word **ret_words, size_t *ret_n,
                         struct err *err)
{
    return ocr_read(arg, a, luma, region, deadline_mono_us, ret_words, ret_n, err);
}

struct text_engine text_engine_of(struct ocr *ocr, const struct languages *languages)
{
    return (struct text_engine){.read = read_with_ocr, .arg = ocr, .languages = languages};
}

void texts_size(int width, int height, int *ret_width, int *ret_height)
{
    int longer = width > height ? width : height;
    double scale = longer > LONGER_SIDE ? (double)LONGER_SIDE / longer : 1;

    if (longer < LONGER_SIDE_MIN)
        scale = fmin((double)LONGER_SIDE_MIN / longer, MOST_ENLARGED);
    *ret_width = (int)fmax(1, round(width * scale));
    *ret_height = (int)fmax(1, round(height * scale));
}

static double burst(const struct texts_opts *o)
{
    return o->reads_per_minute * (double)BURST_SECONDS / 60;
}

struct texts *texts_new(struct arena *a, const struct text_engine *engine, const struct texts_opts *opts)
{
    struct texts *t = arena_alloc(a, sizeof *t);

    t->arena = a;
    t->engine = *engine;
    t->opts = *opts;
    t->sample = -1;
    t->shot_left = opts->reads_per_shot;
    t->allowance = burst(opts);
    return t;
}

/* ---- places ---- */

static bool may_have_text(const struct texts *t, int cell)
{
    return strokes_at(t->strokes, cell);
}

/* The strokes of a cell now. */
static uint64_t mark_of(const struct texts *t, int cell)
{
    return may_have_text(t, cell) ? t->strokes->mark[cell] : 0;
}

struct change {
    int cells;   /* with strokes now, or when they were read last */
    int changed; /* of them, those with others now */
    int settled; /* of them, those that were as they are now in the picture before */
    int moved;   /* of all cells, those that were not */
};

static struct change change_in(const struct texts *t, struct cells c)
{
    struct change sum = {0};

    for (int y = c.y0; y <= c.y1; y++)
        for (int x = c.x0; x <= c.x1; x++) {
            int i = y * t->strokes->cols + x;
            uint64_t mark = mark_of(t, i);
            bool changed = !strokes_alike(t->places[i].read, mark);
            bool settled = strokes_alike(t->places[i].before, mark);

            sum.cells += mark || t->places[i].read;
            sum.changed += changed;
            sum.settled += changed && settled;
            sum.moved += !settled;
        }
    return sum;
}

static bool is_other_text(int changed, int cells)
{
    return changed * 5 > cells; /* as wording_same: up to a fifth is the same */
}

/* Where there is nothing now a text is new when it comes back. */
static void forget_empty_places(struct texts *t)
{
    for (int i = 0; i < t->strokes->cols * t->strokes->rows; i++)
        if (!may_have_text(t, i))
            t->places[i].read = 0;
}

static void remember_picture(struct texts *t)
{
    for (int i = 0; i < t->strokes->cols * t->strokes->rows; i++)
        t->places[i].before = mark_of(t, i);
}

static void remember_reading(struct texts *t, struct cells c)
{
    for (int y = c.y0; y <= c.y1; y++)
        for (int x = c.x0; x <= c.x1; x++)
            t->places[y * t->strokes->cols + x].read = mark_of(t, y * t->strokes->cols + x);
}

/* ---- entries ---- */

static bool is_open(const struct texts *t, const struct entry *e)
{
    return t->sample - e->seen <= 1 + MISSED;
}

/* A text ends with the sample after the one that showed it last; so this is where it ends as far as we know.
 */
static void begin_sample(struct texts *t, double pts)
{
    for (size_t i = t->first_open; i < t->nentries; i++)
        if (t->entries[i].seen == t->sample)
            t->entries[i].text.time.end = pts;
    t->sample++;
    t->pts_before = t->sample > 0 ? t->pts : pts;
    t->pts = pts;
    while (t->first_open < t->nentries && !is_open(t, &t->entries[t->first_open]))
        t->first_open++;
}

static void keep_words(struct texts *t, struct entry *e, const struct wording *w)
{
    e->text.words = arena_strdup(t->arena, w->words);
    e->text.confidence = w->confidence;
}

/* The key is copied into room that the entry keeps. */
static void keep_last(struct texts *t, struct entry *e, const struct wording *w)
{
    if (e->room < w->nkey) {
        e->room = w->nkey;
        e->key = arena_array(t->arena, e->room, sizeof *e->key);
    }
    memcpy(e->key, w->key, w->nkey * sizeof *e->key);
    e->last = (struct wording){.key = e->key, .nkey = w->nkey};
}

static struct entry *find_same(struct texts *t, const struct wording *w)
{
    for (size_t i = t->first_open; i < t->nentries; i++)
        if (is_open(t, &t->entries[i]) && wording_same(&t->entries[i].last, w))
            return &t->entries[i];
    return NULL;
}

/* A new text that was there one picture earlier, when it was not read, began there. */
static double start_of(const struct texts *t, const struct box *box)
{
    struct change c = change_in(t, strokes_cells(t->strokes, box));

    return is_other_text(c.moved, c.cells) ? t->pts : t->pts_before;
}

static void see(struct texts *t, const struct wording *w, double start)
{
    struct entry *e = find_same(t, w);

    if (!e && t->nentries == SCENERY_MAX_TEXTS)
        return;
    if (!e) {
        e = &ARENA_PUSH(t->arena, t->entries, t->nentries, t->entries_cap);
        *e = (struct entry){.text = {.time = {start, t->pts}, .box = w->box}};
    }
    if (w->confidence > e->text.confidence)
        keep_words(t, e, w);
    keep_last(t, e, w);
    e->at = w->box;
    e->seen = t->sample;
}

/* Texts of the sample before whose strokes are still there need no reading. */
static void see_unchanged(struct texts *t)
{
    for (size_t i = t->first_open; i < t->nentries; i++) {
        struct entry *e = &t->entries[i];
        struct change c = change_in(t, strokes_cells(t->strokes, &e->at));

        if (e->seen == t->sample - 1 && c.cells > 0 && !is_other_text(c.changed, c.cells))
            e->seen = t->sample;
    }
}

static bool do_touch(struct cells a, struct cells b)
{
    return a.x0 <= b.x1 && b.x0 <= a.x1 && a.y0 <= b.y1 && b.y0 <= a.y1;
}

/* Whether a text that the sample before showed is here no longer, or is another one now. */
static bool has_lost_text(const struct texts *t, struct cells c)
{
    for (size_t i = t->first_open; i < t->nentries; i++)
        if (t->entries[i].seen == t->sample - 1 && do_touch(strokes_cells(t->strokes, &t->entries[i].at), c))
            return true;
    return false;
}

/* ---- reading ---- */

static void refill(struct texts *t, double seconds)
{
    if (seconds > 0)
        t->allowance = fmin(t->allowance + seconds * t->opts.reads_per_minute / 60, burst(&t->opts));
}

/* Whether this picture may be read: asked for each region, paid for once. */
static bool may_read(struct texts *t)
{
    if (t->reading)
        return true;
    if (t->shot_left > 0)
        t->shot_left--;
    else if (t->allowance >= 1)
        t->allowance--;
    else
        return false;
    t->sum.read++;
    return t->reading = true;
}

static int call_engine(struct texts *t, struct arena *scratch, const struct picture *luma,
                       const struct box *box, int64_t deadline_mono_us, struct ocr_word **ret_words,
                       size_t *ret_n, struct err *err)
{
    int64_t start = clock_mono_us();
    struct err why = {0};
    int r = t->engine.read(t->engine.arg, scratch, luma, box, deadline_mono_us, ret_words, ret_n, &why);

    t->sum.engine_calls++;
    t->sum.read_us += clock_mono_us() - start;
    if (r == 0)
        return 0;
    if (why.kind == ERR_LIMIT) { /* gravel: more words than anybody writes */
        *ret_n = 0;
        return 0;
    }
    if (err)
        *err = why;
    return -1;
}

/* Pixels, right and bottom exclusive. */
struct pixels {
    int x0, y0, x1, y1;
};

static struct pixels pixels_of(const struct picture *p, const struct box *b)
{
    int x1 = (int)lroundf((b->x + b->w) * (float)p->width),
        y1 = (int)lroundf((b->y + b->h) * (float)p->height);

    return (struct pixels){(int)lroundf(b->x * (float)p->width), (int)lroundf(b->y * (float)p->height),
                           x1 < p->width ? x1 : p->width, y1 < p->height ? y1 : p->height};
}

/* Captions are drawn in white with a dark border, over anything. Whether there may be such: some white, but
 * not as much as paper has. */
static bool may_have_caption(const struct picture *p, const struct box *box)
{
    struct pixels r = pixels_of(p, box);
    int64_t white = 0, all = (int64_t)(r.x1 - r.x0) * (r.y1 - r.y0);

    for (int y = r.y0; y < r.y1; y++)
        for (int x = r.x0; x < r.x1; x++)
            white += p->pixels[(size_t)y * (size_t)p->width + (size_t)x] >= WHITE;
    return white * 1000 >= all * LEAST_WHITE && white * 1000 <= all * MOST_WHITE;
}

/* The white of the region as black on white, and nothing else: the borders of the letters, which the engine
 * takes for parts of them, and what is behind them are gone. */
static struct picture white_only(struct arena *a, const struct picture *p, const struct box *box)
{
    struct picture ink = {p->width, p->height, 1, arena_array(a, (size_t)p->width, (size_t)p->height)};
    struct pixels r = pixels_of(p, box);

    for (int y = r.y0; y < r.y1; y++)
        for (int x = r.x0; x < r.x1; x++) {
            size_t i = (size_t)y * (size_t)p->width + (size_t)x;
            int above = (p->pixels[i] - DARKEST_WHITE) * (255 / (255 - DARKEST_WHITE));
            ink.pixels[i] = (uint8_t)(above <= 0 ? 255 : above < 255 ? 255 - above : 0);
        }
    return ink;
}

/* What one look at a region gave. */
struct look {
    struct wording *found;
    size_t n;
};

static int look_at(struct texts *t, struct arena *scratch, const struct picture *luma, const struct box *box,
                   int64_t deadline_mono_us, struct look *ret, struct err *err)
{
    struct ocr_word *words = NULL;
    size_t n = 0;

    if (call_engine(t, scratch, luma, box, deadline_mono_us, &words, &n, err) < 0)
        return -1;
    ret->n = wordings_of(scratch, words, n, t->opts.min_confidence, (double)luma->width / luma->height,
                         &ret->found);
    return 0;
}

/* Whether the texts lie over at least half of the strokes. */
static bool explains(const struct texts *t, const struct look *look, struct cells c)
{
    int all = 0, covered = 0;

    for (int y = c.y0; y <= c.y1; y++)
        for (int x = c.x0; x <= c.x1; x++) {
            struct cells here = {x, y, x, y};
            bool inside = false;

            for (size_t i = 0; i < look->n && !inside; i++)
                inside = do_touch(strokes_cells(t->strokes, &look->found[i].box), here);
            all += may_have_text(t, y * t->strokes->cols + x);
            covered += inside && may_have_text(t, y * t->strokes->cols + x);
        }
    return covered * 2 >= all;
}

static bool do_overlap(const struct box *a, const struct box *b)
{
    float w = fminf(a->x + a->w, b->x + b->w) - fmaxf(a->x, b->x);
    float h = fminf(a->y + a->h, b->y + b->h) - fmaxf(a->y, b->y);

    return w > 0 && h > 0 && w * h * 3 > fminf(a->w * a->h, b->w * b->h);
}

static double weight_of(const struct wording *w)
{
    return w->confidence * (double)w->nkey;
}

static bool is_better_elsewhere(const struct wording *w, const struct look *other, bool or_equal)
{
    for (size_t i = 0; i < other->n; i++) {
        double theirs = weight_of(&other->found[i]), ours = weight_of(w);
        if (do_overlap(&w->box, &other->found[i].box) && (theirs > ours || (or_equal && theirs == ours)))
            return true;
    }
    return false;
}

static void see_all(struct texts *t, const struct look *look, const struct look *other, bool or_equal)
{
    for (size_t i = 0; i < look->n; i++)
        if (!is_better_elsewhere(&look->found[i], other, or_equal))
            see(t, &look->found[i], start_of(t, &look->found[i].box));
}

static int read_region(struct texts *t, const struct picture *luma, struct cells c, int64_t deadline_mono_us,
                       struct err *err)
{
    CLEANUP(arena_freep) struct arena *scratch = arena_new();
    struct box box = strokes_box(t->strokes, c, 1);
    struct look caption = {0}, plain = {0};

    if (may_have_caption(luma, &box)) {
        struct picture ink = white_only(scratch, luma, &box);
        if (look_at(t, scratch, &ink, &box, deadline_mono_us, &caption, err) < 0)
            return -1;
    }
    if ((caption.n == 0 || !explains(t, &caption, c)) &&
        look_at(t, scratch, luma, &box, deadline_mono_us, &plain, err) < 0)
        return -1;
    see_all(t, &caption, &plain, false);
    see_all(t, &plain, &caption, true);
    remember_reading(t, strokes_cells(t->strokes, &box));
    if (caption.n + plain.n > 0)
        t->fruitless = 0;
    else if (t->fruitless < MAX_DOUBLINGS)
        t->fruitless++;
    return 0;
}

/* What has settled is read at once. What moves (leaves, cars, but also a text that a camera passes) is not
 * read as long as it rests. */
static bool is_due(const struct texts *t, struct cells c)
{
    struct change change = change_in(t, c);
    bool resting = t->sample < t->rest_until;

    return is_other_text(change.settled, change.cells) ||
           (!resting && is_other_text(change.changed, change.cells)) || has_lost_text(t, c);
}

static int read_changed(struct texts *t, const struct picture *luma, int64_t deadline_mono_us,
                        struct err *err)
{
    struct cells regions[STROKES_MAX_REGIONS];
    size_t n = strokes_regions(t->strokes, regions);

    for (size_t i = 0; i < n; i++)
        if (is_due(t, regions[i]) && may_read(t) &&
            read_region(t, luma, regions[i], deadline_mono_us, err) < 0)
            return -1;
    if (t->reading && t->fruitless)
        t->rest_until = t->sample + (1 << t->fruitless);
    return 0;
}

static int check_picture(struct texts *t, const struct picture *luma, struct err *err)
{
    if (luma->channels != 1 || luma->width < 1 || luma->height < 1 || luma->width > OCR_MAX_SIDE ||
        luma->height > OCR_MAX_SIDE)
        return FAIL(err, ERR_INTERNAL, "text is looked for in grey pictures of at most %d pixels a side",
                    OCR_MAX_SIDE);
    if (!t->strokes) {
        t->strokes = strokes_new(t->arena, luma->width, luma->height);
        t->places =
            arena_array(t->arena, (size_t)t->strokes->cols * (size_t)t->strokes->rows, sizeof *t->places);
    }
    if (luma->width != t->strokes->width || luma->height != t->strokes->height)
        return FAIL(err, ERR_INTERNAL, "the pictures of a video change their size");
    return 0;
}

int texts_next(struct texts *t, const struct picture *luma, double pts, int64_t deadline_mono_us,
               struct err *err)
{
    if (check_picture(t, luma, err) < 0)
        return -1;
    begin_sample(t, pts);
    refill(t, pts - t->pts_before);
    t->reading = false;
    t->sum.offered++;
    strokes_look(t->strokes, luma);
    forget_empty_places(t);
    see_unchanged(t);
    if (read_changed(t, luma, deadline_mono_us, err) < 0)
        return -1;
    remember_picture(t);
    return 0;
}

void texts_cut(struct texts *t)
{
    t->shot_left = t->opts.reads_per_shot;
    t->fruitless = 0;
    t->rest_until = 0;
    for (int i = 0; t->strokes && i < t->strokes->cols * t->strokes->rows; i++)
        t->places[i] = (struct place){0};
}

/* ---- the end ---- */

static int by_start(const void *x, const void *y)
{
    const struct scene_text *a = x, *b = y;

    if (a->time.start != b->time.start)
        return a->time.start < b->time.start ? -1 : 1;
    if (a->box.y != b->box.y)
        return a->box.y < b->box.y ? -1 : 1;
    return a->box.x < b->box.x ? -1 : a->box.x > b->box.x;
}

struct texts_found texts_end(struct texts *t, double end)
{
    struct scene_text *items = arena_array(t->arena, t->nentries + 1, sizeof *items);

    for (size_t i = 0; i < t->nentries; i++) {
        items[i] = t->entries[i].text;
        items[i].language = language_of(t->engine.languages, items[i].words);
        if (t->entries[i].seen == t->sample)
            items[i].time.end = fmax(items[i].time.start, end);
    }
    qsort(items, t->nentries, sizeof *items, by_start);
    t->sum.items = items;
    t->sum.n = t->nentries;
    return t->sum;
}

int texts_of_picture(struct arena *a, const struct text_engine *engine, const struct texts_opts *opts,
                     const struct picture *luma, int64_t deadline_mono_us, struct texts_found *ret,
                     struct err *err)
{
    struct texts_opts once = *opts;
    struct texts *t;

    once.reads_per_shot = 1;
    t = texts_new(a, engine, &once);
    if (texts_next(t, luma, 0, deadline_mono_us, err) < 0)
        return -1;
    *ret = texts_end(t, 0);
    return 0;
}
