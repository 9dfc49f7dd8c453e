#include "analysis/listen.h"

#include <string.h>

#include "base/clock.h"

struct listen {
    struct arena *arena;
    int64_t deadline_mono_us;
    struct voice_gate *gate;
    size_t njudges;
    struct speech_judge *judges[LISTEN_MODELS];
    float clip[LISTEN_CLIP];
    size_t n;      /* samples of the present clip */
    size_t heard;  /* of them, those that the gate has had */
    size_t voiced; /* frames of it */
    size_t nclips, clips_cap;
    struct listen_clip *clips;
    bool failed;
};

struct listen *listen_new(struct arena *a, const struct listen_tools *tools, int64_t deadline_mono_us)
{
    struct listen *l = arena_alloc(a, sizeof *l);

    l->arena = a;
    l->deadline_mono_us = deadline_mono_us;
    l->gate = voice_gate_new(a, tools->voice);
    l->njudges = tools->nspeech < LISTEN_MODELS ? tools->nspeech : LISTEN_MODELS;
    for (size_t i = 0; i < l->njudges; i++)
        l->judges[i] = speech_judge_new(a, tools->speech[i]);
    return l;
}

static int hear_frame(struct listen *l, const float *frame, struct err *err)
{
    bool voiced;

    if (voice_gate_hear(l->gate, frame, l->deadline_mono_us, &voiced, err) < 0)
        return -1;
    l->voiced += voiced;
    return 0;
}

static int hear_frames(struct listen *l, struct err *err)
{
    for (; l->heard + VOICE_FRAME <= l->n; l->heard += VOICE_FRAME)
        if (hear_frame(l, l->clip + l->heard, err) < 0)
            return -1;
    return 0;
}

static int ask_all(struct listen *l, const struct listen_clip *c, struct err *err)
{
    for (size_t i = 0; i < l->njudges; i++) {
        int64_t begin = clock_mono_us();

        if (speech_judge_hear(l->judges[i], l->clip, l->n, c->voiced, l->deadline_mono_us,
                              &c->answers[i].opinion, err) < 0)
            return -1;
        c->answers[i].seconds = (double)(clock_mono_us() - begin) / 1e6;
    }
    return 0;
}

static int finish_clip(struct listen *l, struct err *err)
{
    struct listen_clip c = {.index = l->nclips};

    if (l->nclips == LISTEN_CLIPS)
        return FAIL(err, ERR_LIMIT, "The sound has more than %d clips of %.0f seconds.", LISTEN_CLIPS,
                    (double)LISTEN_CLIP / LISTEN_RATE);
    c.start = (double)l->nclips * LISTEN_CLIP / LISTEN_RATE;
    c.end = c.start + (double)l->n / LISTEN_RATE;
    c.voiced = (double)l->voiced * VOICE_FRAME / LISTEN_RATE;
    c.answers = arena_array(l->arena, l->njudges, sizeof *c.answers);
    if (ask_all(l, &c, err) < 0)
        return -1;
    ARENA_PUSH(l->arena, l->clips, l->nclips, l->clips_cap) = c;
    l->n = l->heard = l->voiced = 0;
    return 0;
}

static int take(struct listen *l, const float *samples, size_t n, struct err *err)
{
    while (n > 0) {
        size_t room = LISTEN_CLIP - l->n, some = n < room ? n : room;

        memcpy(l->clip + l->n, samples, some * sizeof *samples);
        l->n += some;
        samples += some;
        n -= some;
        if (hear_frames(l, err) < 0 || (l->n == LISTEN_CLIP && finish_clip(l, err) < 0))
            return -1;
    }
    return 0;
}

int listen_take(struct listen *l, const float *samples, size_t n, struct err *err)
{
    if (l->failed)
        return FAIL(err, ERR_INTERNAL, "sound was handed in after an error");
    l->failed = take(l, samples, n, err) < 0;
    return l->failed ? -1 : 0;
}

/* The samples behind the last whole frame are heard with silence after them. */
static int hear_rest(struct listen *l, struct err *err)
{
    float frame[VOICE_FRAME] = {0};

    if (l->heard == l->n)
        return 0;
    memcpy(frame, l->clip + l->heard, (l->n - l->heard) * sizeof *frame);
    return hear_frame(l, frame, err);
}

int listen_end(struct listen *l, struct listen_clip **ret_clips, size_t *ret_n, struct err *err)
{
    int r = 0;

    if (!l->failed && l->n > 0 && (hear_rest(l, err) < 0 || finish_clip(l, err) < 0))
        r = -1;
    *ret_clips = l->clips;
    *ret_n = l->nclips;
    return r;
}
