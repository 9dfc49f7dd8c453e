#include "score.h"

#include <math.h>

static const char *const names[FILM_KINDS] = {"cut", "dissolve", "black", "white", "flash", "light"};
static const double beside_gradual = 0.2, after_flash = 0.15;

static bool is_gradual(const struct film_event *e)
{
    return e->kind == FILM_DISSOLVE || e->kind == FILM_BLACK || e->kind == FILM_WHITE;
}

static bool is_transition(const struct film_event *e)
{
    return e->kind == FILM_CUT || is_gradual(e);
}

static bool fits(const struct film *f, const struct film_event *e, const struct shot *s)
{
    double at = s->time.start;

    if (is_gradual(e))
        return s->begin == SHOT_GRADUAL && at >= e->start - beside_gradual && at <= e->end + beside_gradual;
    return e->kind == FILM_CUT && s->begin == SHOT_CUT && at >= film_time(f, e->first - 1) - 1e-6 &&
           at <= film_time(f, e->first + 1) + 1e-6;
}

/* The first shot that fits and is not taken; 0 = none (the first has no transition). */
static size_t find(const struct film *f, const struct film_event *e, const struct scenery *found,
                   const bool *taken)
{
    for (size_t i = 1; i < found->nshots; i++)
        if (!taken[i] && fits(f, e, &found->shots[i]))
            return i;
    return 0;
}

static const struct film_event *event_at(const struct film_event *events, size_t n, double t)
{
    for (size_t i = n; i-- > 0;)
        if (t >= events[i].start - 1e-6 && t <= events[i].end + after_flash)
            return &events[i];
    return NULL;
}

static void count_false(struct film_score *s, const struct film_event *events, size_t n,
                        const struct shot *shot, FILE *tell)
{
    const struct film_event *e = event_at(events, n, shot->time.start);

    s->false_on_flashes += e && !is_transition(e);
    if (tell)
        fprintf(tell, "#   false %s at %.3f, %s\n", shot->begin == SHOT_CUT ? "cut" : "gradual",
                shot->time.start, e ? names[e->kind] : "nothing there");
}

void film_score_add(struct film_score *s, const struct film *f, const struct scenery *found, FILE *tell)
{
    bool taken[4096] = {0};
    size_t n;
    const struct film_event *events = film_events(f, &n);

    for (size_t i = 0; i < n; i++) {
        struct film_count *c = events[i].kind == FILM_CUT ? &s->cuts : &s->gradual;
        size_t hit = is_transition(&events[i]) ? find(f, &events[i], found, taken) : 0;

        s->flashes += !is_transition(&events[i]);
        if (!is_transition(&events[i]))
            continue;
        c->truth++;
        c->hits += hit > 0;
        taken[hit] = true;
        if (!hit && tell)
            fprintf(tell, "#   missed %s %.3f..%.3f\n", names[events[i].kind], events[i].start,
                    events[i].end);
    }
    for (size_t i = 1; i < found->nshots; i++) {
        struct film_count *c = found->shots[i].begin == SHOT_CUT ? &s->cuts : &s->gradual;
        c->found++;
        if (!taken[i])
            count_false(s, events, n, &found->shots[i], tell);
    }
}

double film_f1(const struct film_count *c)
{
    return c->truth + c->found ? 2.0 * c->hits / (c->truth + c->found) : 1;
}

void film_score_print(const struct film_score *s, FILE *to)
{
    fprintf(to,
            "# cuts: F1 %.3f (%d of %d, %d found); gradual: F1 %.3f (%d of %d, %d found); %d false on %d "
            "flashes\n",
            film_f1(&s->cuts), s->cuts.hits, s->cuts.truth, s->cuts.found, film_f1(&s->gradual),
            s->gradual.hits, s->gradual.truth, s->gradual.found, s->false_on_flashes, s->flashes);
}
