#include "dsp/dsp.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "dsp/dsp_int.h"
#include "dsp/fft_int.h"

static const struct dsp_block *const blocks[] = {
    [DSP_RAW] = &dsp_block_raw,           [DSP_FLATTEN] = &dsp_block_flatten,
    [DSP_SPECTRAL] = &dsp_block_spectral, [DSP_MFE] = &dsp_block_mfe,
    [DSP_MFCC] = &dsp_block_mfcc,         [DSP_SPECTROGRAM] = &dsp_block_spectrogram,
    [DSP_IMAGE] = &dsp_block_image,
};

enum dsp_kind dsp_kind_of(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(blocks); i++)
        if (strcmp(blocks[i]->name, name) == 0)
            return (enum dsp_kind)i;
    return DSP_KIND_COUNT;
}

const char *dsp_name(enum dsp_kind kind)
{
    return blocks[kind]->name;
}

int dsp_newest(enum dsp_kind kind)
{
    return blocks[kind]->newest;
}

/* --- settings --- */

static void store(struct dsp_settings *s, const struct dsp_param *p, double v)
{
    char *at = (char *)s + p->offset;

    if (p->type == DSP_NUMBER)
        *(double *)(void *)at = v;
    else if (p->type == DSP_FLAG)
        *(bool *)(void *)at = v != 0;
    else if (p->type != DSP_EDGES)
        *(int *)(void *)at = (int)v;
}

static double load(const struct dsp_settings *s, const struct dsp_param *p)
{
    const char *at = (const char *)s + p->offset;

    if (p->type == DSP_NUMBER)
        return *(const double *)(const void *)at;
    if (p->type == DSP_FLAG)
        return *(const bool *)(const void *)at;
    return *(const int *)(const void *)at;
}

struct dsp_settings dsp_defaults(enum dsp_kind kind)
{
    static const double edges[] = {0.1, 0.5, 1.0, 2.0, 5.0};
    struct dsp_settings s = {.kind = kind, .version = blocks[kind]->newest};

    for (size_t i = 0; i < blocks[kind]->nparams; i++)
        store(&s, &blocks[kind]->params[i], blocks[kind]->params[i].fallback);
    if (kind == DSP_SPECTRAL) {
        s.spectral.nedges = COUNT_OF(edges);
        memcpy(s.spectral.edges, edges, sizeof edges);
    }
    return s;
}

static int refuse(const struct dsp_param *p, const char *value, struct err *err)
{
    if (p->type == DSP_FLAG)
        return FAIL(err, ERR_INPUT, "%s is true or false, not \"%.40s\"", p->name, value);
    if (p->type == DSP_CHOICE)
        return FAIL(err, ERR_INPUT, "%s cannot be \"%.40s\"; \"%s\" is one of its values", p->name, value,
                    p->choices[0]);
    if (p->type == DSP_EDGES)
        return FAIL(err, ERR_INPUT, "%s are 2 to %d rising numbers with commas, not \"%.40s\"", p->name,
                    DSP_MAX_EDGES, value);
    return FAIL(err, ERR_INPUT, "%s is a%s number from %.12g to %.12g, not \"%.40s\"", p->name,
                p->type == DSP_INT ? " whole" : "", p->min, p->max, value);
}

/* NaN fails every comparison, so it is out of every range. */
static bool in_range(const struct dsp_param *p, double v)
{
    return v >= p->min && v <= p->max && (p->type == DSP_NUMBER || v == floor(v));
}

static int parse_number(const struct dsp_param *p, const char *value, double *ret_v, struct err *err)
{
    char *end;
    double v = strtod(value, &end);

    if (end == value || end[strspn(end, " ")] != '\0' || !in_range(p, v))
        return refuse(p, value, err);
    *ret_v = v;
    return 0;
}

static int parse_flag(const struct dsp_param *p, const char *value, double *ret_v, struct err *err)
{
    static const struct {
        const char *word;
        double v;
    } words[] = {{"true", 1}, {"1", 1}, {"yes", 1}, {"false", 0}, {"0", 0}, {"no", 0}};

    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (strcasecmp(words[i].word, value) == 0) {
            *ret_v = words[i].v;
            return 0;
        }
    return refuse(p, value, err);
}

static int parse_choice(const struct dsp_param *p, const char *value, double *ret_v, struct err *err)
{
    for (size_t i = 0; p->choices[i]; i++)
        if (strcmp(p->choices[i], value) == 0) {
            *ret_v = (double)i;
            return 0;
        }
    return refuse(p, value, err);
}

static bool edges_rise(const double *edges, int n)
{
    for (int i = 0; i < n; i++)
        if (!(edges[i] >= (i ? edges[i - 1] : 0) && edges[i] <= 1e9))
            return false;
    return n >= 2 && n <= DSP_MAX_EDGES;
}

static int parse_edges(struct dsp_settings *s, const struct dsp_param *p, const char *value, struct err *err)
{
    double edges[DSP_MAX_EDGES];
    const char *at = value;
    char *end;
    int n = 0;

    for (;; at = end + 1) {
        if (n == DSP_MAX_EDGES)
            return refuse(p, value, err);
        edges[n++] = strtod(at, &end);
        end += end == at ? 0 : strspn(end, " ");
        if (end == at || (*end != ',' && *end != '\0'))
            return refuse(p, value, err);
        if (*end == '\0')
            break;
    }
    if (!edges_rise(edges, n))
        return refuse(p, value, err);
    memcpy(s->spectral.edges, edges, sizeof edges);
    s->spectral.nedges = n;
    return 0;
}

static bool same_name(const char *a, const char *b)
{
    while (*a && (*a == *b || (*a == '-' && *b == '_') || (*a == '_' && *b == '-')))
        a++, b++;
    return *a == *b;
}

static const struct dsp_param *find(const struct dsp_block *b, const char *name)
{
    for (size_t i = 0; i < b->nparams; i++)
        if (same_name(b->params[i].name, name))
            return &b->params[i];
    return NULL;
}

int dsp_set(struct dsp_settings *s, const char *name, const char *value, struct err *err)
{
    const struct dsp_param *p = find(blocks[s->kind], name);
    double v = 0;
    int r;

    if (!p)
        return FAIL(err, ERR_INPUT, "The block %s has no parameter \"%.40s\"", blocks[s->kind]->name, name);
    if (p->type == DSP_EDGES)
        return parse_edges(s, p, value, err);
    if (p->type == DSP_FLAG)
        r = parse_flag(p, value, &v, err);
    else if (p->type == DSP_CHOICE)
        r = parse_choice(p, value, &v, err);
    else
        r = parse_number(p, value, &v, err);
    if (r == 0)
        store(s, p, v);
    return r;
}

static double choices_end(const struct dsp_param *p)
{
    double n = 0;

    while (p->choices[(size_t)n])
        n++;
    return n;
}

/* Settings may be filled by hand, so every range is looked at again. */
static int check_param(const struct dsp_settings *s, const struct dsp_param *p, struct err *err)
{
    char text[32];
    double v = p->type == DSP_EDGES ? 0 : load(s, p);

    if (p->type == DSP_FLAG)
        return 0;
    if (p->type == DSP_EDGES)
        return edges_rise(s->spectral.edges, s->spectral.nedges) ? 0 : refuse(p, "the present ones", err);
    snprintf(text, sizeof text, "%.12g", v);
    if (p->type == DSP_CHOICE)
        return v >= 0 && v < choices_end(p) ? 0 : refuse(p, text, err);
    return in_range(p, v) ? 0 : refuse(p, text, err);
}

static int check_settings(const struct dsp_settings *s, double frequency, struct err *err)
{
    const struct dsp_block *b;

    if ((unsigned)s->kind >= DSP_KIND_COUNT)
        return FAIL(err, ERR_INPUT, "There is no such block");
    b = blocks[s->kind];
    if (s->version < 1 || s->version > b->newest)
        return FAIL(err, ERR_INPUT, "The block %s has the versions 1 to %d, not %d", b->name, b->newest,
                    s->version);
    for (size_t i = 0; i < b->nparams; i++)
        if (check_param(s, &b->params[i], err) < 0)
            return -1;
    if (!b->any_frequency && !(frequency >= 1e-6 && frequency <= 1e9))
        return FAIL(err, ERR_INPUT, "The sampling frequency is a number of Hz above 0, not %g", frequency);
    return b->check ? b->check(s, frequency, err) : 0;
}

int dsp_check_fft(int n, struct err *err)
{
    if (n < 4 || n > DSP_MAX_FFT || (n & (n - 1)) != 0)
        return FAIL(err, ERR_INPUT, "The FFT length is a power of 2 from 4 to %d, not %d", DSP_MAX_FFT, n);
    return 0;
}

/* --- one call --- */

static int check_input(const struct dsp_block *b, const struct dsp_input *in, struct err *err)
{
    if (in->n == 0)
        return FAIL(err, ERR_INPUT, "There are no values to make features of");
    if (in->n > DSP_MAX_VALUES)
        return FAIL(err, ERR_LIMIT, "%zu values are more than the %d of one window", in->n, DSP_MAX_VALUES);
    if (in->axes < 1 || in->axes > DSP_MAX_AXES)
        return FAIL(err, ERR_INPUT, "A sample has 1 to %d axes, not %zu", DSP_MAX_AXES, in->axes);
    if (b->one_axis && in->axes != 1)
        return FAIL(err, ERR_INPUT, "The block %s takes one axis, not %zu: add one block for each", b->name,
                    in->axes);
    if (in->n % in->axes != 0)
        return FAIL(err, ERR_INPUT, "%zu values cannot be shared by %zu axes", in->n, in->axes);
    for (size_t i = 0; i < in->n; i++)
        if (!isfinite(in->values[i]))
            return FAIL(err, ERR_INPUT, "Value %zu is not a number", i);
    return 0;
}

/* Small pieces come from the block that an arena keeps when it is rewound. */
static void *room_in(struct arena *a, size_t bytes)
{
    enum { SMALL = 64 << 10 };

    return bytes <= SMALL ? arena_alloc(a, bytes) : arena_try(a, bytes);
}

int dsp_room(struct dsp_call *c, size_t n, struct err *err)
{
    if (n == 0)
        return FAIL(err, ERR_INPUT, "These settings leave no feature over");
    if (n > DSP_MAX_FEATURES)
        return FAIL(err, ERR_LIMIT, "%zu features are more than the %d of one window", n, DSP_MAX_FEATURES);
    c->out.values = room_in(c->arena, n * sizeof *c->out.values);
    if (!c->out.values)
        return FAIL(err, ERR_LIMIT, "There is no memory for %zu features", n);
    c->out.width = n;
    c->out.height = c->out.channels = c->out.frames = 1;
    c->room = n;
    return 0;
}

void dsp_put(struct dsp_call *c, double v)
{
    if (c->out.n < c->room)
        c->out.values[c->out.n] = (float)v;
    c->out.n++; /* a block that puts more than it said is found by check_output */
}

double *dsp_scratch(struct dsp_call *c, size_t count, struct err *err)
{
    size_t bytes;
    double *v = ckd_mul(&bytes, count, sizeof *v) ? NULL : room_in(c->scratch, bytes);

    if (!v)
        err_set(err, ERR_LIMIT, "There is no memory for this window");
    return v;
}

double *dsp_axis(struct dsp_call *c, size_t axis, double scale, struct err *err)
{
    double *x = dsp_scratch(c, c->readings, err);

    for (size_t i = 0; x && i < c->readings; i++)
        x[i] = (double)c->values[i * c->axes + axis] * scale;
    return x;
}

static int check_output(const struct dsp_call *c, struct err *err)
{
    if (c->out.n != c->room)
        return FAIL(err, ERR_INTERNAL, "The block %s made %zu features and not %zu", blocks[c->s->kind]->name,
                    c->out.n, c->room);
    for (size_t i = 0; i < c->out.n; i++)
        if (!isfinite(c->out.values[i]))
            return FAIL(err, ERR_INPUT,
                        "Feature %zu is too large for a number: the values need a smaller scale", i);
    return 0;
}

struct dsp_plan {
    struct dsp_settings settings;
    double frequency;
    struct arena *scratch;
    struct fft *fft;
    struct dsp_past past;
};

void dsp_plan_freep(struct dsp_plan **p)
{
    if (!*p)
        return;
    fft_freep(&(*p)->fft);
    arena_free((*p)->scratch);
    free((*p)->past.means);
    freep(p);
}

int dsp_plan_new(struct dsp_plan **ret_plan, const struct dsp_settings *s, double frequency, struct err *err)
{
    struct dsp_plan *p;

    if (check_settings(s, frequency, err) < 0)
        return -1;
    p = mem_alloc(sizeof *p);
    p->settings = *s;
    p->frequency = frequency;
    p->scratch = arena_new();
    *ret_plan = p;
    return 0;
}

void dsp_plan_restart(struct dsp_plan *p)
{
    p->past.n = p->past.next = 0;
}

struct fft *dsp_fft(struct dsp_call *c, int n, struct err *err)
{
    if (!*c->fft)
        *c->fft = fft_new(n, err);
    return *c->fft;
}

int dsp_plan_run(struct dsp_plan *p, struct arena *a, const struct dsp_input *in, struct dsp_features *ret,
                 struct err *err)
{
    const struct dsp_block *b = blocks[p->settings.kind];
    struct dsp_call c = {.arena = a,
                         .scratch = p->scratch,
                         .fft = &p->fft,
                         .past = &p->past,
                         .s = &p->settings,
                         .values = in->values,
                         .n = in->n,
                         .axes = in->axes,
                         .frequency = p->frequency};

    if (check_input(b, in, err) < 0)
        return -1;
    arena_rewind(p->scratch);
    c.readings = in->n / in->axes;
    if (b->run(&c, err) < 0 || check_output(&c, err) < 0)
        return -1;
    *ret = c.out;
    return 0;
}

int dsp_features(struct arena *a, const struct dsp_settings *s, const struct dsp_input *in,
                 struct dsp_features *ret, struct err *err)
{
    CLEANUP(dsp_plan_freep) struct dsp_plan *p = NULL;

    if (dsp_plan_new(&p, s, in->frequency, err) < 0)
        return -1;
    return dsp_plan_run(p, a, in, ret, err);
}

/* --- labels --- */

void dsp_label(struct dsp_names *to, const char *fmt, ...)
{
    char text[96];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    ARENA_PUSH(to->arena, to->labels, to->n, to->cap) = arena_strdup(to->arena, text);
}

int dsp_labels(struct arena *a, const struct dsp_settings *s, double frequency, const char ***ret_labels,
               size_t *ret_n, struct err *err)
{
    struct dsp_names names = {.arena = a};

    if (check_settings(s, frequency, err) < 0)
        return -1;
    if (blocks[s->kind]->label && blocks[s->kind]->label(&names, s, frequency, err) < 0)
        return -1;
    *ret_labels = names.labels;
    *ret_n = names.n;
    return 0;
}
