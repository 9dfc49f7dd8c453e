#include "analysis/lessons.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/window_features.h"
#include "base/cleanup.h"
#include "base/clock.h"

struct reading {
    const struct lessons_opts *opts;
    struct lessons *out;
    struct arena *arena, *scratch; /* scratch: as long as the reading */
    int fd;
    struct impulse impulse; /* with the DSP blocks before the learn block, and no others */
    struct features *features;
    size_t *counts; /* windows of each part */
};

/* The recording as the user knows it, before what was wrong with it. */
static int blame(const struct sensor_part *part, const struct err *why, struct err *err)
{
    return FAIL(err, why->kind, "Recording %lld: %s", (long long)part->number, why->text);
}

static bool is_recording(const struct sensor_part *p)
{
    return p->kind == PART_SERIES || p->kind == PART_PICTURE;
}

static const struct impulse_dsp *find_block(const struct impulse *p, int64_t id)
{
    for (size_t i = 0; i < p->ndsp; i++)
        if (p->dsp[i].id == id)
            return &p->dsp[i];
    return NULL;
}

/* What other learn blocks want is not made. */
static int set_up(struct reading *r, struct err *err)
{
    const struct impulse *whole = r->opts->impulse;
    const struct impulse_learn *learn = r->opts->block;
    struct impulse_dsp *blocks = arena_array(r->scratch, learn->ndsp + 1, sizeof *blocks);

    r->impulse = *whole;
    r->impulse.dsp = blocks;
    r->impulse.ndsp = 0;
    for (size_t i = 0; i < learn->ndsp && i < IMPULSE_BLOCKS; i++) {
        const struct impulse_dsp *b = find_block(whole, learn->dsp[i]);
        if (!b)
            return FAIL(err, ERR_INPUT, "The learn block %lld names a DSP block %lld that there is not.",
                        (long long)learn->id, (long long)learn->dsp[i]);
        if (!find_block(&r->impulse, b->id))
            blocks[r->impulse.ndsp++] = *b;
    }
    if (!r->impulse.ndsp)
        return FAIL(err, ERR_INPUT, "The learn block %lld has no DSP block before it.", (long long)learn->id);
    return features_new(&r->features, &r->impulse, err);
}

/* ---- labels ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int label_of(const struct lessons *l, const char *name)
{
    const char **hit =
        l->nlabels && name ? bsearch(&name, l->names, l->nlabels, sizeof *l->names, by_name) : NULL;

    return hit ? (int)(hit - l->names) : -1;
}

static int add_label(struct reading *r, const char *name, size_t *cap, struct err *err)
{
    struct lessons *l = r->out;

    if (!name || label_of(l, name) >= 0)
        return 0;
    if (l->nlabels == IMPULSE_LABELS)
        return FAIL(err, ERR_LIMIT, "The recordings have more than %d different labels.", IMPULSE_LABELS);
    ARENA_PUSH(r->arena, l->names, l->nlabels, *cap) = name;
    qsort(l->names, l->nlabels, sizeof *l->names, by_name);
    return 0;
}

/* Every label that is asked for, whether or not a window has it. */
static int gather_labels(struct reading *r, struct err *err)
{
    size_t cap = 0;

    for (size_t i = 0; i < r->opts->nparts; i++) {
        const struct sensor_part *p = &r->opts->parts[i];
        if (!is_recording(p))
            continue;
        if (!p->nstretches && add_label(r, p->label, &cap, err) < 0)
            return -1;
        for (size_t k = 0; k < p->nstretches; k++)
            if (add_label(r, p->stretches[k].label, &cap, err) < 0)
                return -1;
    }
    return 0;
}

/* ---- how many windows ---- */

static int count_of(const struct reading *r, const struct sensor_part *p, size_t *ret, struct err *err)
{
    size_t readings = (size_t)p->size / sizeof(float) / (p->naxes ? p->naxes : 1);
    struct windows w = {.count = 1};
    struct err why = {0};

    if (p->kind == PART_SERIES && windows_of(&r->impulse, readings, p->frequency, &w, &why) < 0)
        return blame(p, &why, err);
    *ret = w.count;
    return 0;
}

static int count_windows(struct reading *r, size_t *ret, struct err *err)
{
    size_t total = 0;

    r->counts = arena_array(r->scratch, r->opts->nparts + 1, sizeof *r->counts);
    for (size_t i = 0; i < r->opts->nparts; i++) {
        if (!is_recording(&r->opts->parts[i]))
            continue;
        if (count_of(r, &r->opts->parts[i], &r->counts[i], err) < 0)
            return -1;
        total += r->counts[i];
        if (total > SENSOR_WINDOWS)
            return FAIL(err, ERR_LIMIT, "The recordings have more than %d windows: make the step larger.",
                        SENSOR_WINDOWS);
    }
    *ret = total;
    return 0;
}

/* ---- features ---- */

/* Room for the features of all windows, once it is known how many one has. */
static int make_room(struct reading *r, size_t windows, const struct made *m, size_t n, struct err *err)
{
    struct lessons *l = r->out;
    size_t all;

    if (ckd_mul(&all, windows, n) || all > LESSONS_MAX_NUMBERS ||
        !(l->features = arena_try(r->arena, all * sizeof *l->features)))
        return FAIL(err, ERR_LIMIT,
                    "training on %zu windows of %zu features takes too much memory: make the "
                    "step larger, or the features fewer",
                    windows, n);
    l->nfeatures = n;
    l->nblocks = r->opts->block->ndsp;
    for (size_t i = 0; i < l->nblocks; i++)
        l->of_block[i] = m->of[features_place(r->features, r->opts->block->dsp[i])].n;
    return 0;
}

static int keep_window(struct reading *r, struct arena *a, const struct taken *t, size_t k, size_t windows,
                       struct err *err)
{
    struct lessons *l = r->out;
    const float *values;
    struct made m;
    size_t n;

    if (r->opts->deadline_mono_us && clock_mono_us() > r->opts->deadline_mono_us)
        return FAIL(err, ERR_TIMEOUT, "the deadline passed while features were made");
    if (features_make(r->features, a, t, k, &m, err) < 0)
        return -1;
    values = features_joined(r->features, a, &m, r->opts->block, &n);
    if (!l->features && make_room(r, windows, &m, n, err) < 0)
        return -1;
    if (n != l->nfeatures)
        return FAIL(err, ERR_INPUT,
                    "it gives %zu features, the recordings before it %zu: all need the same axes", n,
                    l->nfeatures);
    memcpy(l->features + l->n * n, values, n * sizeof *values);
    return 0;
}

/* Of each window of it, or -1. */
static const int *labels_along(const struct reading *r, struct arena *a, const struct taken *t)
{
    int *labels = arena_array(a, t->windows.count + 1, sizeof *labels);
    const struct sensor_stretch *expected;
    size_t n;

    for (size_t k = 0; k < t->windows.count; k++)
        labels[k] = -1;
    expected = windows_expected(a, t->part, &t->windows, &n);
    for (size_t i = 0; i < n; i++)
        for (int64_t k = expected[i].first; k <= expected[i].last && k < (int64_t)t->windows.count; k++)
            labels[k] = label_of(r->out, expected[i].label);
    return labels;
}

static int read_windows(struct reading *r, size_t part, size_t windows, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(arena_freep) struct arena *window = arena_new();
    struct lessons *l = r->out;
    const int *labels;
    struct taken t;

    if (features_open(r->features, a, r->fd, &r->opts->parts[part], r->opts->deadline_mono_us, &t, err) < 0)
        return -1;
    labels = labels_along(r, a, &t);
    for (size_t k = 0; k < t.windows.count && l->n < windows; k++) {
        if (r->opts->labelled && labels[k] < 0)
            continue;
        arena_rewind(window);
        if (keep_window(r, window, &t, k, windows, err) < 0)
            return -1;
        l->labels[l->n] = labels[k];
        l->recordings[l->n++] = part;
    }
    return 0;
}

static int read_all(struct reading *r, size_t windows, struct err *err)
{
    struct lessons *l = r->out;

    l->labels = arena_array(r->arena, windows + 1, sizeof *l->labels);
    l->recordings = arena_array(r->arena, windows + 1, sizeof *l->recordings);
    for (size_t i = 0; i < r->opts->nparts; i++) {
        struct err why = {0};
        if (r->counts[i] && read_windows(r, i, windows, &why) < 0)
            return blame(&r->opts->parts[i], &why, err);
        if (r->opts->progress)
            r->opts->progress(r->opts->progress_arg, (int)i + 1, r->opts->planned);
    }
    return 0;
}

/* ---- who is held out ---- */

/* A recording with windows, in the order of its label and of its number's hash. */
struct candidate {
    int label;
    uint64_t hash;
    size_t part;
};

/* The last step of MurmurHash3. */
static uint64_t mixed(uint64_t x)
{
    x ^= x >> 33;
    x *= 0xff51afd7ed558ccdULL;
    x ^= x >> 33;
    x *= 0xc4ceb9fe1a85ec53ULL;
    return x ^ x >> 33;
}

static int by_label_and_hash(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    if (x->label != y->label)
        return x->label < y->label ? -1 : 1;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return x->part < y->part ? -1 : x->part > y->part;
}

/* Of n recordings of a label. One that is alone is trained on. */
static size_t share(size_t n, double held)
{
    size_t k = (size_t)(held * (double)n + 0.5);

    if (n < 2 || !(held > 0))
        return 0;
    return k < 1 ? 1 : k > n - 1 ? n - 1 : k;
}

/* Recordings with several labels are a group of their own. */
static size_t list_candidates(const struct reading *r, struct candidate *ret)
{
    const struct lessons *l = r->out;
    size_t n = 0;

    for (size_t i = 0; i < l->n; i++) {
        const struct sensor_part *p = &r->opts->parts[l->recordings[i]];
        if (i > 0 && l->recordings[i] == l->recordings[i - 1])
            continue;
        ret[n++] = (struct candidate){p->nstretches ? -1 : label_of(l, p->label), mixed((uint64_t)p->number),
                                      l->recordings[i]};
    }
    return n;
}

static void hold_out(struct reading *r)
{
    struct candidate *c = arena_array(r->scratch, r->opts->nparts + 1, sizeof *c);
    size_t n = list_candidates(r, c);

    r->out->held = arena_array(r->arena, r->opts->nparts + 1, sizeof *r->out->held);
    qsort(c, n, sizeof *c, by_label_and_hash);
    for (size_t first = 0, end; first < n; first = end) {
        for (end = first; end < n && c[end].label == c[first].label;)
            end++;
        for (size_t i = 0; i < share(end - first, r->opts->held); i++)
            r->out->held[c[first + i].part] = true;
    }
}

static void count_labels(const struct lessons *l, bool held, size_t *ret)
{
    memset(ret, 0, l->nlabels * sizeof *ret);
    for (size_t i = 0; i < l->n; i++)
        if (l->labels[i] >= 0 && l->held[l->recordings[i]] == held)
            ret[l->labels[i]]++;
}

/* Recordings with several labels may all be held out that have one of them. */
static void give_back(struct reading *r)
{
    struct lessons *l = r->out;
    size_t *seen = arena_array(r->scratch, l->nlabels + 1, sizeof *seen);

    count_labels(l, false, seen);
    for (size_t i = 0; i < l->n; i++)
        if (l->labels[i] >= 0 && !seen[l->labels[i]])
            l->held[l->recordings[i]] = false;
}

/* ---- all together ---- */

static int check_labels(struct reading *r, struct err *err)
{
    const struct lessons *l = r->out;
    size_t *seen = arena_array(r->scratch, l->nlabels + 1, sizeof *seen);

    for (size_t i = 0; i < l->n; i++)
        if (l->labels[i] >= 0)
            seen[l->labels[i]]++;
    for (size_t i = 0; r->opts->labelled && i < l->nlabels; i++)
        if (!seen[i])
            return FAIL(err, ERR_INPUT,
                        "No window is labelled \"%.60s\": what has that label is shorter than a "
                        "window (%g ms). Record more of it, or remove it.",
                        l->names[i], r->opts->impulse->window_ms);
    return 0;
}

static int read_lessons(struct reading *r, struct err *err)
{
    const struct lessons_opts *opts = r->opts;
    const struct lessons *l = r->out;
    size_t windows;

    if (set_up(r, err) < 0 || gather_labels(r, err) < 0 || count_windows(r, &windows, err) < 0)
        return -1;
    if (opts->labelled && l->nlabels < 2)
        return FAIL(err, ERR_INPUT,
                    "A classifier needs recordings with at least two different labels; here all "
                    "are %s%.60s%s.",
                    l->nlabels ? "\"" : "without any", l->nlabels ? l->names[0] : "", l->nlabels ? "\"" : "");
    if (!windows)
        return FAIL(err, ERR_INPUT,
                    "There is nothing to train on: no recording is as long as a window (%g ms).",
                    opts->impulse->window_ms);
    if (read_all(r, windows, err) < 0 || check_labels(r, err) < 0)
        return -1;
    hold_out(r);
    give_back(r);
    return 0;
}

int lessons_read(struct arena *a, int fd, const struct lessons_opts *opts, struct lessons *ret,
                 struct err *err)
{
    CLEANUP(arena_freep) struct arena *scratch = arena_new();
    struct reading r = {.opts = opts, .out = ret, .arena = a, .scratch = scratch, .fd = fd};
    int result;

    *ret = (struct lessons){0};
    result = read_lessons(&r, err);
    features_freep(&r.features);
    return result;
}

/* ---- names ---- */

/* The names of a block are those of one axis, and again for each. With extra-low-freq there is a second part
 * behind all axes, and the first alone is not told apart: then there are none. */
static int name_block(struct arena *a, const struct dsp_settings *s, double frequency, size_t n,
                      const char **to, struct err *err)
{
    const char **labels;
    size_t of_axis;

    if (dsp_labels(a, s, frequency, &labels, &of_axis, err) < 0)
        return -1;
    if (!of_axis || n % of_axis || (s->kind == DSP_SPECTRAL && s->spectral.extra_low))
        return 0;
    for (size_t i = 0; i < n; i++)
        to[i] = labels[i % of_axis];
    return 0;
}

int lessons_names(struct arena *a, const struct lessons_opts *opts, const struct lessons *l,
                  const char ***ret, struct err *err)
{
    CLEANUP(features_freep) struct features *f = NULL;
    const char **names = arena_array(a, l->nfeatures + 1, sizeof *names), **to = names;

    if (features_new(&f, opts->impulse, err) < 0)
        return -1;
    for (size_t k = 0; k < l->nblocks; to += l->of_block[k++]) {
        const struct dsp_settings *s = features_settings(f, features_place(f, opts->block->dsp[k]));
        if (name_block(a, s, opts->impulse->frequency, l->of_block[k], to, err) < 0)
            return -1;
    }
    *ret = names;
    return 0;
}
