#include "analysis/hearing.h"

#include <math.h>

#include "analysis/listen.h"
#include "base/clock.h"
#include "infer/origin.h"

static void set_voters(const struct hearing *h, struct origin_stream *s)
{
    const struct origin_tools *t = &h->tools->origin;
    struct arena *a = h->report->arena;
    struct voter *all = arena_array(a, t->nspeech, sizeof *all);

    for (size_t i = 0; i < t->nspeech; i++) {
        const struct card *card = model_card(t->speech[i]);

        all[i] = (struct voter){arena_strdup(a, card->name), card_counts_for(card, "audio"),
                                card->origin.obsolete};
        note_card(h->report, card);
    }
    if (t->voice)
        note_model(h->report, t->voice);
    s->nmodels = t->nspeech;
    s->models = all;
}

static struct opinion opinion_of(const struct listen_answer *a)
{
    return (struct opinion){
        .vote = {.unknown = a->opinion.unknown,
                 .score = {[ORIGIN_HUMAN] = a->opinion.human, [ORIGIN_ARTIFICIAL] = a->opinion.artificial}},
        .code = a->opinion.code,
        .seconds = a->seconds,
    };
}

static void set_parts(const struct hearing *h, const struct listen_clip *clips, size_t n,
                      struct origin_stream *s)
{
    struct arena *a = h->report->arena;

    s->nparts = n;
    s->parts = arena_array(a, n, sizeof *s->parts);
    for (size_t i = 0; i < n; i++) {
        struct origin_part *part = &s->parts[i];

        part->frame = (int64_t)clips[i].index;
        part->time = (struct segment){clips[i].start, clips[i].end};
        part->unsafe = (double)NAN;
        part->opinions = arena_array(a, s->nmodels, sizeof *part->opinions);
        for (size_t m = 0; m < s->nmodels; m++)
            part->opinions[m] = opinion_of(&clips[i].answers[m]);
        jury_on_part(h->jury, s, part);
    }
}

static int next_piece(const struct hearing *h, struct sound *sound, struct sound_piece *ret, struct err *err)
{
    int64_t begin = clock_cpu_us();
    int r = sound_next(sound, ret, err);

    h->report->decode_us += clock_cpu_us() - begin;
    return r;
}

static int take_piece(const struct hearing *h, struct listen *l, const struct sound_piece *piece,
                      struct err *err)
{
    int64_t begin = clock_cpu_us();
    int r = listen_take(l, piece->samples, piece->n, err);

    h->report->infer_us += clock_cpu_us() - begin;
    return r;
}

/* What is judged in whole clips is judged here. */
static int end_listening(const struct hearing *h, struct listen *l, struct listen_clip **ret_clips,
                         size_t *ret_n, struct err *err)
{
    int64_t begin = clock_cpu_us();
    int r = listen_end(l, ret_clips, ret_n, err);

    h->report->infer_us += clock_cpu_us() - begin;
    return r;
}

/* 1: all of it was heard; 0: there was more than max_seconds. */
static int hear_all(const struct hearing *h, struct sound *sound, struct listen *l, struct err *err)
{
    int64_t most = h->max_seconds > 0 ? (int64_t)(h->max_seconds * SOUND_RATE) : INT64_MAX, heard = 0;
    struct sound_piece piece;
    int r;

    while (heard < most && (r = next_piece(h, sound, &piece, err)) != 0) {
        if (r < 0 || take_piece(h, l, &piece, err) < 0)
            return -1;
        heard += (int64_t)piece.n;
    }
    return heard < most;
}

static void describe(const struct sound_info *info, bool whole, struct origin_stream *s, struct arena *a)
{
    const struct sound_track *track = &info->tracks[info->track];

    s->codec = arena_strdup(a, track->codec);
    s->rate = track->rate;
    s->channels = track->channels;
    s->duration = (double)info->samples / SOUND_RATE;
    s->truncated = info->truncated || !whole;
}

static int hear(const struct hearing *h, struct sound *sound, struct origin_stream *ret, struct err *err)
{
    const struct origin_tools *t = &h->tools->origin;
    const struct listen_tools tools = {t->voice, t->nspeech, t->speech};
    struct listen *l = listen_new(h->report->arena, &tools, h->deadline);
    struct listen_clip *clips;
    size_t n;
    int whole = hear_all(h, sound, l, err);

    if (whole < 0 || end_listening(h, l, &clips, &n, err) < 0)
        return -1;
    set_voters(h, ret);
    describe(sound_info(sound), whole, ret, h->report->arena);
    set_parts(h, clips, n, ret);
    jury_on_stream(h->jury, ret, JURY_CLIPS);
    return 0;
}

int hearing_hear(const struct hearing *h, int fd, struct origin_stream *ret, size_t *ret_ntracks,
                 struct err *err)
{
    struct sound_opts opts = sound_opts_defaults();
    struct sound *sound = NULL;
    int r;

    *ret = (struct origin_stream){0};
    opts.track = h->track;
    opts.deadline_mono_us = h->deadline;
    opts.cpu_us = h->tools->cpu_us;
    if (h->tools->max_seconds > 0)
        opts.max_seconds = h->tools->max_seconds;
    r = sound_open(&sound, fd, &opts, err);
    if (r == 0 && ret_ntracks)
        *ret_ntracks = sound_info(sound)->ntracks;
    if (r == 0)
        r = hear(h, sound, ret, err);
    sound_freep(&sound);
    return r;
}
