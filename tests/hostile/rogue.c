#include "rogue.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "craft.h"
#include "rogue_int.h"

enum {
    CUTS = 100,     /* of each sample */
    REAL_CUTS = 20, /* of each clip of the world */
    FLIP_RATES = 3, /* one bit of a hundred thousand, ten thousand, a thousand */
    FLIP_SEEDS = 2,
    REAL_MAX = 700000, /* bytes; larger clips take too long for what they show */
    MAX_GROUPS = 32,
};

/* ---- files from elsewhere ---- */

static struct bytes load(struct arena *a, const char *path)
{
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    uint8_t *data;

    if (fd < 0 || fstat(fd, &st) < 0)
        return (struct bytes){0};
    data = craft_room(a, (size_t)st.st_size);
    if (read(fd, data, (size_t)st.st_size) != st.st_size)
        abort();
    return bytes_of(data, (size_t)st.st_size);
}

static int by_text(const void *x, const void *y)
{
    return strcmp(*(char *const *)x, *(char *const *)y);
}

/* Small clips in the folder, in the order of their names. */
static void list_real(struct rogues *r, struct arena *a)
{
    DIR *d = r->opts.real ? opendir(r->opts.real) : NULL;
    size_t cap = 0;
    struct dirent *entry;
    struct stat st;

    while (d && (entry = readdir(d))) {
        char *path = arena_printf(a, "%s/%s", r->opts.real, entry->d_name);
        if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 && st.st_size <= REAL_MAX)
            ARENA_PUSH(a, r->real, r->nreal, cap) = path;
    }
    if (d)
        closedir(d);
    if (r->nreal)
        qsort(r->real, r->nreal, sizeof r->real[0], by_text);
}

static void add_clips(struct rogues *r, struct arena *a)
{
    static const struct {
        const char *file;
        bool somebody;
    } clips[] = {{"empty.mp4", false}, {"person.mp4", true}, {"tiny.mp4", true}};
    struct sample *all = arena_array(a, r->nsamples + COUNT_OF(clips), sizeof *all);

    memcpy(all, r->samples, r->nsamples * sizeof *all);
    r->samples = all;
    for (size_t i = 0; r->opts.clips && i < COUNT_OF(clips); i++) {
        struct bytes file = load(a, arena_printf(a, "%s/%s", r->opts.clips, clips[i].file));
        if (file.len)
            r->samples[r->nsamples++] = (struct sample){clips[i].file, SAMPLE_CLIP, clips[i].somebody, file};
    }
}

struct bytes rogue_sample(const struct rogues *r, const char *name)
{
    const struct sample *s = sample_named(r->samples, r->nsamples, name);

    return s ? s->file : (struct bytes){0};
}

/* ---- whole ---- */

static size_t whole_count(const struct rogues *r)
{
    return r->nsamples;
}

static struct rogue whole_make(const struct rogues *r, struct arena *a, size_t n)
{
    const struct sample *s = &r->samples[n];
    enum rogue_rule rule = s->kind == SAMPLE_MUTE                 ? ROGUE_NOTHING
                           : s->kind == SAMPLE_OPEN               ? ROGUE_CUT
                           : s->kind == SAMPLE_ODD || s->somebody ? ROGUE_ANY
                                                                  : ROGUE_WHOLE;

    return (struct rogue){arena_printf(a, "%s, whole", s->name), rule, s->file};
}

/* ---- cut ---- */

/* Those worth cutting come by number, too. */
static const struct sample *nth_plain(const struct rogues *r, size_t n)
{
    for (size_t i = 0; i < r->nsamples; i++)
        if (r->samples[i].kind != SAMPLE_ODD && n-- == 0)
            return &r->samples[i];
    abort();
}

static size_t plain_count(const struct rogues *r)
{
    size_t n = 0;

    for (size_t i = 0; i < r->nsamples; i++)
        n += r->samples[i].kind != SAMPLE_ODD;
    return n;
}

static enum rogue_rule cut_rule(const struct sample *s)
{
    static const enum rogue_rule rules[] = {
        [SAMPLE_CLIP] = ROGUE_CUT,  [SAMPLE_FLOW] = ROGUE_OPEN_END, [SAMPLE_OPEN] = ROGUE_CUT,
        [SAMPLE_STILL] = ROGUE_CUT, [SAMPLE_MUTE] = ROGUE_NOTHING,  [SAMPLE_ODD] = ROGUE_ANY};

    return rules[s->kind];
}

/* The last one misses one byte. */
static size_t cut_length(size_t len, size_t point, size_t points)
{
    return point == points - 1 ? len - 1 : len * (point + 1) / points;
}

static size_t cut_count(const struct rogues *r)
{
    return plain_count(r) * CUTS;
}

static struct rogue cut_make(const struct rogues *r, struct arena *a, size_t n)
{
    const struct sample *s = nth_plain(r, n / CUTS);
    size_t len = cut_length(s->file.len, n % CUTS, CUTS);

    return (struct rogue){arena_printf(a, "%s, %zu of %zu bytes", s->name, len, s->file.len), cut_rule(s),
                          bytes_of(s->file.data, len)};
}

static size_t real_count(const struct rogues *r)
{
    return r->nreal * REAL_CUTS;
}

static struct rogue real_make(const struct rogues *r, struct arena *a, size_t n)
{
    const char *path = r->real[n / REAL_CUTS], *name = strrchr(path, '/') + 1;
    struct bytes whole = load(a, path);
    size_t len = cut_length(whole.len, n % REAL_CUTS, REAL_CUTS);

    return (struct rogue){arena_printf(a, "%s, %zu of %zu bytes", name, len, whole.len), ROGUE_CUT,
                          bytes_of(whole.data, len)};
}

/* ---- flipped bits ---- */

static size_t flip_count(const struct rogues *r)
{
    return plain_count(r) * FLIP_RATES * FLIP_SEEDS;
}

static struct rogue flip_make(const struct rogues *r, struct arena *a, size_t n)
{
    static const size_t one_of[FLIP_RATES] = {100000, 10000, 1000};
    const struct sample *s = nth_plain(r, n / (FLIP_RATES * FLIP_SEEDS));
    uint8_t *file = craft_copy(a, s->file);
    size_t bits = 8 * s->file.len, flips = bits / one_of[n % FLIP_RATES] + 1;
    uint64_t state = n;

    for (size_t i = 0; i < flips; i++) {
        uint64_t bit = craft_next(&state) % bits;
        file[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    return (struct rogue){arena_printf(a, "%s, %zu bits flipped, seed %zu", s->name, flips, n),
                          s->kind == SAMPLE_MUTE ? ROGUE_NOTHING : ROGUE_ANY, bytes_of(file, s->file.len)};
}

/* ---- the list ---- */

static const struct rogue_group plain[] = {
    {"whole", true, whole_count, whole_make},
    {"cut", false, cut_count, cut_make},
    {"real cut", false, real_count, real_make},
    {"flipped", false, flip_count, flip_make},
    {0},
};

/* The group of the n-th file, and its number in it. NULL behind the last. */
static const struct rogue_group *find(const struct rogues *r, size_t *n)
{
    const struct rogue_group *const lists[] = {plain, rogue_fields, rogue_made};

    for (size_t i = 0; i < COUNT_OF(lists); i++)
        for (const struct rogue_group *g = lists[i]; g->name; g++) {
            size_t count = g->count(r);
            if (*n < count)
                return g;
            *n -= count;
        }
    return NULL;
}

struct rogues *rogues_new(struct arena *a, const struct rogues_opts *opts)
{
    struct rogues *r = arena_alloc(a, sizeof *r);

    r->opts = *opts;
    r->nsamples = samples_make(a, &r->samples, &r->missing);
    add_clips(r, a);
    list_real(r, a);
    return r;
}

size_t rogues_count(const struct rogues *r)
{
    size_t n = SIZE_MAX;

    find(r, &n);
    return SIZE_MAX - n;
}

struct rogue rogue_make(const struct rogues *r, struct arena *a, size_t n)
{
    const struct rogue_group *g = find(r, &n);

    if (!g)
        abort();
    return g->make(r, a, n);
}

const char *rogue_group(const struct rogues *r, size_t n)
{
    const struct rogue_group *g = find(r, &n);

    return g ? g->name : "";
}

bool rogue_is_vital(const struct rogues *r, size_t n)
{
    const struct rogue_group *g = find(r, &n);

    return g && g->vital;
}

size_t rogues_samples(const struct rogues *r, size_t *ret_missing)
{
    *ret_missing = r->missing;
    return r->nsamples;
}
