#include "infer/voice.h"

#include <math.h>
#include <string.h>

#include "infer/number_int.h"

enum {
    SPAN = 2 * VOICE_FRAME, /* two frames: the lowest pitch has several periods in them */
    LAG_MIN = VOICE_RATE / 400,
    LAG_MAX = VOICE_RATE / 65,
    MEMORY = 32, /* frames of a second */
    FLOOR_MEMORY = 64,
    HANG = 8,
};

static const double silence_db = -60, above_floor_db = 6, loud_db = -30;
static const double periodic_from = 0.5, low_from = 0.6;
static const double level_moves_db = 5, steady_share = 0.95, pitch_moves = 0.04;

struct voice_gate {
    struct model *model;
    /* --- the own gate --- */
    float span[SPAN];           /* the frame before, and this one */
    double level[FLOOR_MEMORY]; /* dB, a ring */
    double pitch[MEMORY];       /* Hz, 0 = not periodic; a ring */
    int64_t n;                  /* frames heard */
    int hang;
};

struct voice_gate *voice_gate_new(struct arena *a, struct model *m)
{
    struct voice_gate *g = arena_alloc(a, sizeof *g);

    g->model = m;
    if (m) {
        struct tensor state = model_feed(m, 0), in = model_input(m);

        memset(state.data, 0, tensor_count(&state) * sizeof *state.data);
        memset(in.data, 0, tensor_count(&in) * sizeof *in.data);
    }
    return g;
}

/* ---- with a model ---- */

static int ask_model(struct voice_gate *g, const float *frame, int64_t deadline_mono_us, bool *ret_voiced,
                     struct err *err)
{
    const struct card *card = model_card(g->model);
    struct tensor in = model_input(g->model), state = model_feed(g->model, 0);
    size_t context = (size_t)card->speech.context;
    struct tensor_list out;

    memmove(in.data, in.data + VOICE_FRAME, context * sizeof *in.data);
    memcpy(in.data + context, frame, VOICE_FRAME * sizeof *frame);
    if (model_run_all(g->model, deadline_mono_us, &out, err) < 0)
        return -1;
    if (tensor_count(&out.all[1]) != tensor_count(&state))
        return FAIL(err, ERR_MODEL, "the model %s gives a state of another size than it takes", card->name);
    if (!is_probability(out.all[0].data[0]))
        return FAIL(err, ERR_MODEL, "the model %s gave a score that is not a probability", card->name);
    memcpy(state.data, out.all[1].data, tensor_count(&state) * sizeof *state.data);
    *ret_voiced = (double)out.all[0].data[0] >= card->speech.threshold;
    return 0;
}

/* ---- without ---- */

static double energy(const float *v, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (double)v[i] * (double)v[i];
    return sum;
}

/* The share of the energy below about 4 kHz: of the sum of neighbours against that of their differences. */
static double low_share(const float *v, size_t n)
{
    double low = 0, high = 0;

    for (size_t i = 1; i < n; i++) {
        double s = (double)v[i] + (double)v[i - 1], d = (double)v[i] - (double)v[i - 1];

        low += s * s;
        high += d * d;
    }
    return low + high > 0 ? low / (low + high) : 0;
}

/* The peak of the normalised autocorrelation, 0..1, and its pitch. Every second sample is enough. */
static double periodicity(const float *v, double *ret_hz)
{
    double best = 0;

    *ret_hz = 0;
    for (int lag = LAG_MIN; lag <= LAG_MAX; lag++) {
        double xy = 0, xx = 1e-9, yy = 1e-9;

        for (int i = 0; i + lag < SPAN; i += 2) {
            double x = (double)v[i], y = (double)v[i + lag];

            xy += x * y;
            xx += x * x;
            yy += y * y;
        }
        xy /= sqrt(xx * yy);
        if (xy > best + 0.02) { /* a multiple of the period is no better */
            best = xy;
            *ret_hz = (double)VOICE_RATE / lag;
        }
    }
    return best;
}

static double quietest(const struct voice_gate *g)
{
    int64_t have = g->n < FLOOR_MEMORY ? g->n : FLOOR_MEMORY;
    double least = 0;

    for (int64_t i = 0; i < have; i++)
        least = fmin(least, g->level[i]);
    return least;
}

static bool is_loud(const struct voice_gate *g, double db)
{
    return db > silence_db && (db > quietest(g) + above_floor_db || db > loud_db);
}

/* Of the last second: how much the level moves, in dB. */
static double level_deviation(const struct voice_gate *g)
{
    int64_t have = g->n < MEMORY ? g->n : MEMORY;
    double sum = 0, squares = 0;

    for (int64_t i = 1; i <= have; i++) {
        double db = fmax(g->level[(g->n - i) % FLOOR_MEMORY], silence_db);

        sum += db;
        squares += db * db;
    }
    return have ? sqrt(fmax(squares / (double)have - sum * sum / (double)(have * have), 0)) : 0;
}

/* Of the last second: the share of periodic frames, and how far their pitch moves from one to the next. */
static void look_at_pitch(const struct voice_gate *g, double *ret_share, double *ret_glide)
{
    int64_t have = g->n < MEMORY ? g->n : MEMORY;
    double glide = 0, before = 0;
    int periodic = 0, pairs = 0;

    for (int64_t i = have; i >= 1; i--) {
        double hz = g->pitch[(g->n - i) % MEMORY];

        periodic += hz > 0;
        if (hz > 0 && before > 0) {
            glide += fmin(fabs(log(hz / before)), 0.2);
            pairs++;
        }
        before = hz;
    }
    *ret_share = have ? (double)periodic / (double)have : 0;
    *ret_glide = pairs ? glide / pairs : 0;
}

static bool is_alive(const struct voice_gate *g)
{
    double share, glide;

    look_at_pitch(g, &share, &glide);
    return level_deviation(g) >= level_moves_db && (share < steady_share || glide >= pitch_moves);
}

static bool ask_ourselves(struct voice_gate *g, const float *frame)
{
    double db, hz;
    bool loud;

    memmove(g->span, g->span + VOICE_FRAME, VOICE_FRAME * sizeof *g->span);
    memcpy(g->span + VOICE_FRAME, frame, VOICE_FRAME * sizeof *frame);
    db = 10 * log10(energy(frame, VOICE_FRAME) / VOICE_FRAME + 1e-12);
    loud = is_loud(g, db);
    if (!loud || low_share(frame, VOICE_FRAME) < low_from || periodicity(g->span, &hz) < periodic_from)
        hz = 0;
    g->level[g->n % FLOOR_MEMORY] = db;
    g->pitch[g->n % MEMORY] = hz;
    g->n++;
    if (hz > 0 && is_alive(g))
        g->hang = HANG + 1;
    if (g->hang > 0)
        g->hang--;
    return (hz > 0 || loud) && g->hang > 0;
}

int voice_gate_hear(struct voice_gate *g, const float frame[VOICE_FRAME], int64_t deadline_mono_us,
                    bool *ret_voiced, struct err *err)
{
    if (g->model)
        return ask_model(g, frame, deadline_mono_us, ret_voiced, err);
    *ret_voiced = ask_ourselves(g, frame);
    return 0;
}
