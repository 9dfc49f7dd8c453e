#include "analysis/lessons.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/windows.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "dsp/dsp.h"

struct reading {
    const struct lessons_opts *opts;
    struct lessons *out;
    struct arena *arena, *scratch; /* scratch: as long as the reading */
    int fd;
    struct windows *windows; /* of each part */
    size_t nblocks;
    const struct impulse_dsp *blocks[IMPULSE_BLOCKS];
    struct dsp_settings settings[IMPULSE_BLOCKS];
};

/* The recording as the user knows it, before what was wrong with it. */
static int blame(const struct sensor_part *part, const struct err *why, struct err *err)
{
    return FAIL(err, why->kind, "Recording %lld: %s", (long long)part->number, why->text);
}

/* ---- the blocks ---- */

static int set_up(const struct impulse_dsp *b, struct dsp_settings *ret, struct err *err)
{
    enum dsp_kind kind = dsp_kind_of(b->type);

    if (kind == DSP_KIND_COUNT)
        return FAIL(err, ERR_UNSUPPORTED, "There is no DSP block \"%.40s\".", b->type);
    if (b->version < 0 || b->version > dsp_newest(kind))
        return FAIL(err, ERR_UNSUPPORTED, "The DSP block \"%.40s\" has no version %d; the newest is %d.",
                    b->type, b->version, dsp_newest(kind));
    *ret = dsp_defaults(kind);
    if (b->version)
        ret->version = b->version;
    for (size_t i = 0; i < b->nsettings; i++)
        if (dsp_set(ret, b->settings[i].name, b->settings[i].value, err) < 0)
            return -1;
    return 0;
}

static const struct impulse_dsp *find_block(const struct impulse *p, int64_t id)
{
    for (size_t i = 0; i < p->ndsp; i++)
        if (p->dsp[i].id == id)
            return &p->dsp[i];
    return NULL;
}

static int set_up_all(struct reading *r, struct err *err)
{
    const struct impulse_learn *learn = r->opts->block;

    for (size_t i = 0; i < learn->ndsp && i < IMPULSE_BLOCKS; i++) {
        const struct impulse_dsp *b = find_block(r->opts->impulse, learn->dsp[i]);
        if (!b)
            return FAIL(err, ERR_INPUT, "The learn block %lld names a DSP block %lld that there is not.",
                        (long long)learn->id, (long long)learn->dsp[i]);
        r->blocks[r->nblocks] = b;
        if (set_up(b, &r->settings[r->nblocks++], err) < 0)
            return -1;
    }
    return r->nblocks ? 0 : FAIL(err, ERR_INPUT, "The learn block has no DSP block before it.");
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
        if (p->kind != PART_SERIES)
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

static int count_windows(struct reading *r, size_t *ret, struct err *err)
{
    size_t total = 0;

    r->windows = arena_array(r->scratch, r->opts->nparts + 1, sizeof *r->windows);
    for (size_t i = 0; i < r->opts->nparts; i++) {
        const struct sensor_part *p = &r->opts->parts[i];
        struct err why = {0};
        if (p->kind == PART_PICTURE)
            return FAIL(err, ERR_UNSUPPORTED,
                        "Recording %lld is a picture, and nothing is trained on pictures "
                        "here; upload a model.",
                        (long long)p->number);
        if (p->kind != PART_SERIES || !p->naxes)
            continue;
        if (windows_of(r->opts->impulse, (size_t)p->size / sizeof(float) / p->naxes, p->frequency,
                       &r->windows[i], &why) < 0)
            return blame(p, &why, err);
        total += r->windows[i].count;
        if (total > SENSOR_WINDOWS)
            return FAIL(err, ERR_LIMIT, "The recordings have more than %d windows: make the step larger.",
                        SENSOR_WINDOWS);
    }
    *ret = total;
    return 0;
}

/* ---- features ---- */

static int read_numbers(const struct reading *r, const struct sensor_part *p, struct arena *a, float **ret,
                        struct err *err)
{
    char *to = arena_try(a, (size_t)p->size + 1);

    if (!to)
        return FAIL(err, ERR_LIMIT, "There is no memory for %lld bytes.", (long long)p->size);
    for (int64_t at = 0; at < p->size;) {
        ssize_t n = pread(r->fd, to + at, (size_t)(p->size - at), (off_t)(p->offset + at));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return FAIL(err, ERR_IO, "Its numbers cannot be read.");
        at += n;
    }
    *ret = (float *)(void *)to;
    return 0;
}

/* One recording, at the impulse's frequency. */
struct tape {
    const struct sensor_part *part;
    const struct windows *w;
    const float *numbers;
    size_t readings;
    size_t naxes[IMPULSE_BLOCKS], axes[IMPULSE_BLOCKS][SENSOR_AXES]; /* of each block */
    float *window;                                                   /* of one block */
};

static int open_tape(const struct reading *r, size_t part, struct arena *a, struct tape *t, struct err *err)
{
    float *numbers, *other;
    size_t widest = 1;

    *t = (struct tape){.part = &r->opts->parts[part], .w = &r->windows[part]};
    for (size_t i = 0; i < r->nblocks; i++) {
        if (windows_axes(t->part, r->blocks[i]->naxes, r->blocks[i]->axes, t->axes[i], &t->naxes[i], err) < 0)
            return -1;
        widest = t->naxes[i] > widest ? t->naxes[i] : widest;
    }
    if (read_numbers(r, t->part, a, &numbers, err) < 0)
        return -1;
    t->numbers = numbers;
    t->readings = (size_t)t->part->size / sizeof(float) / t->part->naxes;
    if (t->w->resampled) {
        if (resample(a, numbers, t->readings, t->part->naxes, &t->w->ratio, r->opts->deadline_mono_us, &other,
                     &t->readings, err) < 0)
            return -1;
        t->numbers = other;
    }
    if (!(t->window = arena_try(a, t->w->window * widest * sizeof *t->window)))
        return FAIL(err, ERR_LIMIT, "There is no memory for a window of %zu readings.", t->w->window);
    return 0;
}

/* Beyond the end of a recording there are zeros. */
static void fill_window(struct tape *t, size_t k, size_t block)
{
    size_t first = k * t->w->step, n = t->naxes[block];

    for (size_t i = 0; i < t->w->window; i++)
        for (size_t j = 0; j < n; j++)
            t->window[i * n + j] =
                first + i < t->readings ? t->numbers[(first + i) * t->part->naxes + t->axes[block][j]] : 0;
}

/* The features of one window, block by block. */
struct made {
    struct dsp_features of[IMPULSE_BLOCKS];
    size_t n;
};

/* Room for the features of all windows, once it is known how many one has. */
static int make_room(struct reading *r, size_t windows, const struct made *m, struct err *err)
{
    struct lessons *l = r->out;
    size_t all;

    if (ckd_mul(&all, windows, m->n) || all > LESSONS_MAX_NUMBERS ||
        !(l->features = arena_try(r->arena, all * sizeof *l->features)))
        return FAIL(err, ERR_LIMIT,
                    "Training on %zu windows of %zu features takes too much memory: make the "
                    "step larger, or the features fewer.",
                    windows, m->n);
    l->nfeatures = m->n;
    l->nblocks = r->nblocks;
    for (size_t i = 0; i < r->nblocks; i++)
        l->of_block[i] = m->of[i].n;
    return 0;
}

static int make_features(const struct reading *r, struct tape *t, size_t k, struct arena *a, struct made *ret,
                         struct err *err)
{
    double frequency =
        r->opts->impulse->input == INPUT_SERIES ? r->opts->impulse->frequency : t->part->frequency;

    ret->n = 0;
    for (size_t i = 0; i < r->nblocks; i++) {
        struct dsp_input in = {t->window, t->w->window * t->naxes[i], t->naxes[i], frequency};
        fill_window(t, k, i);
        if (dsp_features(a, &r->settings[i], &in, &ret->of[i], err) < 0)
            return -1;
        ret->n += ret->of[i].n;
    }
    return 0;
}

static int keep_features(struct reading *r, const struct made *m, size_t windows, struct err *err)
{
    struct lessons *l = r->out;
    float *to;

    if (!l->features && make_room(r, windows, m, err) < 0)
        return -1;
    if (m->n != l->nfeatures)
        return FAIL(err, ERR_INPUT,
                    "it gives %zu features, the recordings before it %zu: all need the same axes.", m->n,
                    l->nfeatures);
    to = l->features + l->n * l->nfeatures;
    for (size_t i = 0; i < r->nblocks; i++) {
        memcpy(to, m->of[i].values, m->of[i].n * sizeof *to);
        to += m->of[i].n;
    }
    return 0;
}

static int read_window(struct reading *r, struct tape *t, size_t k, size_t windows, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct made m;

    if (r->opts->deadline_mono_us && clock_mono_us() > r->opts->deadline_mono_us)
        return FAIL(err, ERR_TIMEOUT, "the deadline passed while features were made");
    return make_features(r, t, k, a, &m, err) < 0 ? -1 : keep_features(r, &m, windows, err);
}

/* `labels`: of each window of it, or -1. */
static int read_windows(struct reading *r, size_t part, const int *labels, size_t windows, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct lessons *l = r->out;
    struct tape t;

    if (open_tape(r, part, a, &t, err) < 0)
        return -1;
    for (size_t k = 0; k < t.w->count; k++) {
        if (r->opts->labelled && labels[k] < 0)
            continue;
        if (read_window(r, &t, k, windows, err) < 0)
            return -1;
        l->labels[l->n] = labels[k];
        l->recordings[l->n++] = part;
    }
    return 0;
}

static int read_recording(struct reading *r, size_t part, size_t windows, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const struct windows *w = &r->windows[part];
    int *labels = arena_array(a, w->count + 1, sizeof *labels);
    const struct sensor_stretch *expected;
    struct err why = {0};
    size_t n;

    for (size_t k = 0; k < w->count; k++)
        labels[k] = -1;
    expected = windows_expected(a, &r->opts->parts[part], w, &n);
    for (size_t i = 0; i < n; i++)
        for (int64_t k = expected[i].first; k <= expected[i].last && k < (int64_t)w->count; k++)
            labels[k] = label_of(r->out, expected[i].label);
    return read_windows(r, part, labels, windows, &why) < 0 ? blame(&r->opts->parts[part], &why, err) : 0;
}

static int read_all(struct reading *r, size_t windows, struct err *err)
{
    struct lessons *l = r->out;

    l->labels = arena_array(r->arena, windows + 1, sizeof *l->labels);
    l->recordings = arena_array(r->arena, windows + 1, sizeof *l->recordings);
    for (size_t i = 0; i < r->opts->nparts; i++) {
        if (r->windows[i].count && read_recording(r, i, windows, err) < 0)
            return -1;
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

int lessons_read(struct arena *a, int fd, const struct lessons_opts *opts, struct lessons *ret,
                 struct err *err)
{
    CLEANUP(arena_freep) struct arena *scratch = arena_new();
    struct reading r = {.opts = opts, .out = ret, .arena = a, .scratch = scratch, .fd = fd};
    size_t windows;

    *ret = (struct lessons){0};
    if (opts->impulse->input == INPUT_PICTURE)
        return FAIL(err, ERR_UNSUPPORTED, "Nothing is trained on pictures here; upload a model.");
    if (set_up_all(&r, err) < 0 || gather_labels(&r, err) < 0 || count_windows(&r, &windows, err) < 0)
        return -1;
    if (opts->labelled && ret->nlabels < 2)
        return FAIL(err, ERR_INPUT,
                    "A classifier needs recordings with at least two different labels; here all "
                    "are %s%.60s%s.",
                    ret->nlabels ? "\"" : "without any", ret->nlabels ? ret->names[0] : "",
                    ret->nlabels ? "\"" : "");
    if (!windows)
        return FAIL(err, ERR_INPUT,
                    "There is nothing to train on: no recording is as long as a window (%g ms).",
                    opts->impulse->window_ms);
    if (read_all(&r, windows, err) < 0 || check_labels(&r, err) < 0)
        return -1;
    hold_out(&r);
    give_back(&r);
    return 0;
}

/* ---- names ---- */

/* The names of a block are those of one axis, and again for each. With extra-low-freq there is a second part
 * behind all axes, and the first alone is not told apart: then there are none. */
int lessons_names(struct arena *a, const struct lessons_opts *opts, const struct lessons *l,
                  const char ***ret, struct err *err)
{
    CLEANUP(arena_freep) struct arena *scratch = arena_new();
    struct reading r = {.opts = opts, .scratch = scratch};
    const char **names = arena_array(a, l->nfeatures + 1, sizeof *names), **to = names, **labels;
    size_t n;

    if (set_up_all(&r, err) < 0)
        return -1;
    for (size_t k = 0; k < r.nblocks; to += l->of_block[k++]) {
        const struct dsp_settings *s = &r.settings[k];
        if (dsp_labels(a, s, opts->impulse->frequency, &labels, &n, err) < 0)
            return -1;
        if (!n || l->of_block[k] % n || (s->kind == DSP_SPECTRAL && s->spectral.extra_low))
            continue;
        for (size_t i = 0; i < l->of_block[k]; i++)
            to[i] = labels[i % n];
    }
    *ret = names;
    return 0;
}
