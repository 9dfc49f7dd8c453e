#include "analysis/people.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/scores.h"

static const float overlap_from = 0.25f; /* of the boxes of one face in two samples */
static const float near_from = 0.8f;     /* or: centres at most that many widths apart */
static const float size_ratio = 1.6f;    /* and sizes that differ less */
static const float grown = 1.5f;         /* a face worth another look */
static const float sure = 0.8f;          /* a face seen once counts from here on */
static const double shortest = 1.0;      /* seconds of a stretch */
enum { MAX_MISSED = 2, MAX_LOOKS = 16 };

struct track {
    size_t first, last; /* samples */
    struct box box;     /* where it was last */
    float best_score;
    size_t sightings;
    float looked_at; /* area of the face at the last look */
    size_t nlooks;
    double ages[MAX_LOOKS];
    size_t nages;
    double female, male; /* sums */
    size_t ngenders;
    float *first_vector, *vector_sum; /* NULL = none yet */
    float largest;                    /* area of the largest face, where, and when */
    struct box largest_box;
    double largest_pts;
    struct bytes thumbnail;
    int identity; /* -1: dropped */
};

struct sighting_of {
    int track;
    size_t sample;
    float area;
};

struct identity {
    float *vector_sum; /* NULL = none */
    size_t ntracks;
    int person; /* index in the result, -1 = not told */
};

struct people {
    struct arena *arena;
    struct people_opts opts;
    size_t nsamples, samples_cap;
    double *samples; /* pts */
    size_t ntracks, tracks_cap;
    struct track *tracks;
    size_t nsightings, sightings_cap;
    struct sighting_of *sightings;
    size_t nopen, open_cap; /* tracks that may go on */
    int *open;
    size_t nidentities;
    struct identity *identities;
};

struct people *people_new(struct arena *a, const struct people_opts *opts)
{
    struct people *p = arena_alloc(a, sizeof *p);

    p->arena = a;
    p->opts = *opts;
    return p;
}

/* ---- vectors ---- */

static double cosine(const float *x, const float *y, size_t n)
{
    double xy = 0, xx = 0, yy = 0;

    for (size_t i = 0; i < n; i++) {
        xy += (double)x[i] * (double)y[i];
        xx += (double)x[i] * (double)x[i];
        yy += (double)y[i] * (double)y[i];
    }
    return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 0;
}

static void add_vector(const struct people *p, float **sum, const float *v)
{
    size_t n = p->opts.nembedding;

    if (!*sum)
        *sum = arena_array(p->arena, n, sizeof **sum);
    for (size_t i = 0; i < n; i++)
        (*sum)[i] += v[i];
}

/* ---- tracks ---- */

static float area_of(const struct box *b)
{
    return b->w * b->h;
}

/* How well a face continues a track: 0 = not at all. */
static float continues(const struct box *before, const struct box *now)
{
    float iou = boxes_iou(before, now), ratio = before->w > now->w ? before->w / now->w : now->w / before->w;
    float dx = before->x + before->w / 2 - now->x - now->w / 2,
          dy = before->y + before->h / 2 - now->y - now->h / 2;
    float away = hypotf(dx / before->w, dy / before->h);

    if (iou >= overlap_from)
        return 1 + iou;
    return away <= near_from && ratio <= size_ratio ? 1 - away : 0;
}

static void close_tracks(struct people *p, bool all)
{
    size_t kept = 0;

    for (size_t i = 0; i < p->nopen; i++)
        if (!all && p->tracks[p->open[i]].last + MAX_MISSED + 1 >= p->nsamples - 1)
            p->open[kept++] = p->open[i];
    p->nopen = kept;
}

static int track_begin(struct people *p, const struct box *box)
{
    size_t now = p->nsamples - 1;

    if (p->ntracks == PEOPLE_TRACKS)
        return -1;
    ARENA_PUSH(p->arena, p->tracks, p->ntracks, p->tracks_cap) =
        (struct track){.first = now, .last = now, .box = *box, .identity = -1};
    ARENA_PUSH(p->arena, p->open, p->nopen, p->open_cap) = (int)p->ntracks - 1;
    return (int)p->ntracks - 1;
}

/* Gives the face that fits an open track best to it, then the next best, until none fits. */
static void match(const struct people *p, struct glimpse *faces, size_t n)
{
    for (;;) {
        float best = 0;
        size_t face = 0;
        int track = -1;
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; faces[i].track < 0 && k < p->nopen; k++) {
                const struct track *t = &p->tracks[p->open[k]];
                float fit = t->last == p->nsamples - 1 ? 0 : continues(&t->box, &faces[i].box);
                if (fit > best)
                    best = fit, face = i, track = p->open[k];
            }
        if (track < 0)
            return;
        faces[face].track = track;
        p->tracks[track].last = p->nsamples - 1;
    }
}

static void note(struct people *p, struct glimpse *g)
{
    struct track *t = &p->tracks[g->track];
    float area = area_of(&g->box);

    t->box = g->box;
    t->last = p->nsamples - 1;
    t->sightings++;
    t->best_score = fmaxf(t->best_score, g->score);
    g->wants_look = t->nlooks == 0 || (area > grown * t->looked_at && t->nlooks < MAX_LOOKS);
    g->wants_thumbnail = area > grown * t->largest || t->sightings == 1;
    if (area > t->largest) {
        t->largest = area;
        t->largest_box = g->box;
        t->largest_pts = p->samples[p->nsamples - 1];
    }
    ARENA_PUSH(p->arena, p->sightings, p->nsightings, p->sightings_cap) =
        (struct sighting_of){g->track, p->nsamples - 1, area};
}

static int by_size(const void *a, const void *b)
{
    const struct glimpse *x = a, *y = b;
    float d = area_of(&y->box) - area_of(&x->box);

    if (d != 0)
        return d > 0 ? 1 : -1;
    return x->box.x != y->box.x ? (x->box.x > y->box.x ? 1 : -1) : 0;
}

void people_sample(struct people *p, double pts, bool changed, struct glimpse *faces, size_t n)
{
    ARENA_PUSH(p->arena, p->samples, p->nsamples, p->samples_cap) = pts;
    close_tracks(p, changed);
    if (n)
        qsort(faces, n, sizeof *faces, by_size);
    for (size_t i = 0; i < n; i++)
        faces[i] = (struct glimpse){
            .box = faces[i].box, .score = faces[i].score, .index = faces[i].index, .track = -1};
    n = n < PEOPLE_FACES ? n : PEOPLE_FACES;
    match(p, faces, n);
    for (size_t i = 0; i < n; i++) {
        if (faces[i].track < 0)
            faces[i].track = track_begin(p, &faces[i].box);
        if (faces[i].track >= 0)
            note(p, &faces[i]);
    }
}

/* The face at this place is somebody else's than the one the track began with: a cut that nobody saw. */
static void split(struct people *p, struct glimpse *g)
{
    struct track *old = &p->tracks[g->track];
    struct sighting_of *last = &p->sightings[p->nsightings];
    int begun = track_begin(p, &g->box), was = g->track;

    if (begun < 0)
        return;
    old = &p->tracks[was]; /* the array may have moved */
    old->sightings--;
    old->last = p->nsamples > 1 && old->last > old->first ? old->last - 1 : old->last;
    for (size_t i = 0; i < p->nopen; i++)
        if (p->open[i] == was)
            p->open[i] = p->open[--p->nopen];
    while (last-- > p->sightings && last->sample == p->nsamples - 1)
        if (last->track == was)
            last->track = begun;
    g->track = begun;
    p->tracks[begun].sightings = 1;
    p->tracks[begun].best_score = g->score;
    p->tracks[begun].largest = area_of(&g->box);
    p->tracks[begun].largest_box = g->box;
    p->tracks[begun].largest_pts = p->samples[p->nsamples - 1];
}

void people_look(struct people *p, struct glimpse *g, const struct face_look *look)
{
    struct track *t;

    if (g->track < 0)
        return;
    t = &p->tracks[g->track];
    if (look->embedding && t->first_vector &&
        cosine(look->embedding, t->first_vector, p->opts.nembedding) < p->opts.same_from / 2)
        split(p, g);
    t = &p->tracks[g->track];
    t->looked_at = area_of(&g->box);
    t->nlooks++;
    if (look->embedding) {
        add_vector(p, &t->vector_sum, look->embedding);
        if (!t->first_vector)
            add_vector(p, &t->first_vector, look->embedding);
    }
    if (!isnan(look->age) && t->nages < MAX_LOOKS)
        t->ages[t->nages++] = look->age;
    if (!isnan(look->female) && !isnan(look->male)) {
        t->female += look->female;
        t->male += look->male;
        t->ngenders++;
    }
}

void people_thumbnail(struct people *p, const struct glimpse *g, struct bytes jpeg)
{
    uint8_t *copy = arena_alloc(p->arena, jpeg.len);

    if (g->track < 0 || !jpeg.len)
        return;
    memcpy(copy, jpeg.data, jpeg.len);
    p->tracks[g->track].thumbnail = bytes_of(copy, jpeg.len);
}

/* ---- identities ---- */

/* One face seen once, and not surely, among many samples. */
static bool is_stray(const struct people *p, const struct track *t)
{
    return t->sightings == 0 || (t->sightings == 1 && p->nsamples > 2 && t->best_score < sure);
}

static bool show_at_once(const struct track *a, const struct track *b)
{
    return a->first <= b->last && b->first <= a->last;
}

static bool may_be(const struct people *p, const struct track *t, int identity)
{
    for (size_t i = 0; i < p->ntracks; i++)
        if (p->tracks[i].identity == identity && show_at_once(&p->tracks[i], t))
            return false;
    return true;
}

/* The identity the track is most alike, or -1. */
static int find_identity(const struct people *p, const struct track *t)
{
    double best = p->opts.same_from;
    int found = -1;

    for (size_t i = 0; t->vector_sum && i < p->nidentities; i++) {
        const struct identity *id = &p->identities[i];
        double alike = id->vector_sum ? cosine(t->vector_sum, id->vector_sum, p->opts.nembedding) : -1;
        if (alike >= best && may_be(p, t, (int)i)) {
            best = alike;
            found = (int)i;
        }
    }
    return found;
}

static void identify(struct people *p)
{
    p->identities = arena_array(p->arena, p->ntracks, sizeof *p->identities);
    for (size_t i = 0; i < p->ntracks; i++) {
        struct track *t = &p->tracks[i];
        if (is_stray(p, t))
            continue;
        t->identity = find_identity(p, t);
        if (t->identity < 0)
            t->identity = (int)p->nidentities++;
        p->identities[t->identity].ntracks++;
        if (t->vector_sum)
            add_vector(p, &p->identities[t->identity].vector_sum, t->vector_sum);
    }
}

/* ---- what is told of each ---- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median_age(struct people *p, int identity)
{
    size_t n = 0, cap = 0;
    double *all = NULL;

    for (size_t i = 0; i < p->ntracks; i++)
        for (size_t k = 0; p->tracks[i].identity == identity && k < p->tracks[i].nages; k++)
            ARENA_PUSH(p->arena, all, n, cap) = p->tracks[i].ages[k];
    if (!n)
        return (double)NAN;
    qsort(all, n, sizeof *all, by_value);
    return n % 2 ? all[n / 2] : (all[n / 2 - 1] + all[n / 2]) / 2;
}

static enum gender mean_gender(const struct people *p, int identity)
{
    double female = 0, male = 0, n = 0;

    for (size_t i = 0; i < p->ntracks; i++)
        if (p->tracks[i].identity == identity) {
            female += p->tracks[i].female;
            male += p->tracks[i].male;
            n += (double)p->tracks[i].ngenders;
        }
    if (n > 0 && female / n >= p->opts.gender_floor)
        return GENDER_FEMALE;
    return n > 0 && male / n >= p->opts.gender_floor ? GENDER_MALE : GENDER_UNIDENTIFIED;
}

static const float *unit_vector(const struct people *p, const float *sum)
{
    size_t n = p->opts.nembedding;
    float *unit = arena_array(p->arena, n, sizeof *unit);
    double length = 0;

    for (size_t i = 0; i < n; i++)
        length += (double)sum[i] * (double)sum[i];
    for (size_t i = 0; length > 0 && i < n; i++)
        unit[i] = (float)((double)sum[i] / sqrt(length));
    return unit;
}

static enum listed is_listed(const struct people *p, const float *vector)
{
    enum listed listed = LISTED_UNKNOWN;

    for (size_t i = 0; vector && i < p->opts.nknown; i++) {
        if (p->opts.known[i].n != p->opts.nembedding)
            continue; /* of another model */
        listed = LISTED_NO;
        if (cosine(vector, p->opts.known[i].embedding, p->opts.nembedding) >= p->opts.same_from)
            return LISTED_YES;
    }
    return listed;
}

static void show_largest(const struct people *p, int identity, struct person *person)
{
    float largest = -1;

    for (size_t i = 0; i < p->ntracks; i++) {
        const struct track *t = &p->tracks[i];
        if (t->identity != identity || t->largest <= largest)
            continue;
        largest = t->largest;
        person->box = t->largest_box;
        person->box_pts = t->largest_pts;
        if (t->thumbnail.len)
            person->thumbnail = t->thumbnail;
    }
}

static struct person describe(struct people *p, int identity)
{
    const float *sum = p->identities[identity].vector_sum;
    struct person person = {.age = median_age(p, identity), .gender = mean_gender(p, identity)};

    if (sum) {
        person.nembedding = p->opts.nembedding;
        person.embedding = unit_vector(p, sum);
        person.listed = is_listed(p, person.embedding);
    }
    show_largest(p, identity, &person);
    return person;
}

/* ---- stretches ---- */

struct stretch {
    size_t first, last; /* samples */
    size_t n;
    int *who; /* identities, ascending */
};

static int by_number(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static struct stretch stretch_at(struct people *p, size_t sample)
{
    struct stretch s = {.first = sample, .last = sample};
    size_t cap = 0;

    for (size_t i = 0; i < p->ntracks; i++)
        if (p->tracks[i].identity >= 0 && p->tracks[i].first <= sample && sample <= p->tracks[i].last)
            ARENA_PUSH(p->arena, s.who, s.n, cap) = p->tracks[i].identity;
    if (s.n)
        qsort(s.who, s.n, sizeof *s.who, by_number);
    return s;
}

static bool same_people(const struct stretch *a, const struct stretch *b)
{
    return a->n == b->n && (a->n == 0 || memcmp(a->who, b->who, a->n * sizeof *a->who) == 0);
}

static double begin_of(const struct people *p, const struct stretch *s)
{
    return s->first == 0 ? 0 : p->samples[s->first];
}

static double end_of(const struct people *p, const struct stretch *s, double end)
{
    return s->last + 1 < p->nsamples ? p->samples[s->last + 1] : end;
}

struct stretches {
    size_t n, cap;
    struct stretch *all;
};

/* Runs of samples with the same people. */
static struct stretches find_stretches(struct people *p)
{
    struct stretches found = {0};

    for (size_t i = 0; i < p->nsamples; i++) {
        struct stretch now = stretch_at(p, i);
        if (found.n && same_people(&found.all[found.n - 1], &now))
            found.all[found.n - 1].last = i;
        else
            ARENA_PUSH(p->arena, found.all, found.n, found.cap) = now;
    }
    return found;
}

static bool is_short(const struct people *p, const struct stretch *s, double end)
{
    return end_of(p, s, end) - begin_of(p, s) < shortest;
}

/* A short stretch joins the one before it, the first one the one behind it. */
static void join_short(const struct people *p, struct stretches *s, double end)
{
    size_t kept = 0;

    for (size_t i = 0; i < s->n; i++) {
        struct stretch *now = &s->all[i], *before = kept ? &s->all[kept - 1] : NULL;
        if (before && (is_short(p, now, end) || same_people(before, now)))
            before->last = now->last;
        else if (before && kept == 1 && is_short(p, before, end))
            now->first = before->first, *before = *now;
        else
            s->all[kept++] = *now;
    }
    s->n = kept;
}

static int by_prominence(const void *a, const void *b)
{
    const struct appearance *x = a, *y = b;

    if (x->prominence != y->prominence)
        return x->prominence < y->prominence ? 1 : -1;
    return x->person - y->person;
}

/* Area times samples, as a share of everybody's; equal shares where nobody was really seen. */
static void weigh(const struct people *p, const struct stretch *s, struct appearance *seen)
{
    double sum = 0;

    for (size_t i = 0; i < p->nsightings; i++) {
        const struct sighting_of *g = &p->sightings[i];
        if (g->sample < s->first || g->sample > s->last || p->tracks[g->track].identity < 0)
            continue;
        for (size_t k = 0; k < s->n; k++)
            if (s->who[k] == p->tracks[g->track].identity) {
                seen[k].prominence += (double)g->area;
                sum += (double)g->area;
            }
    }
    for (size_t k = 0; k < s->n; k++)
        seen[k].prominence = sum > 0 ? seen[k].prominence / sum : 1.0 / (double)s->n;
}

static struct constellation constellation_of(struct people *p, const struct stretch *s, double end)
{
    struct constellation c = {.time = {begin_of(p, s), end_of(p, s, end)}};
    struct appearance *seen = arena_array(p->arena, s->n, sizeof *seen);

    weigh(p, s, seen);
    for (size_t i = 0; i < s->n; i++) {
        seen[i].person = p->identities[s->who[i]].person;
        if (seen[i].person >= 0)
            seen[c.n++] = seen[i];
    }
    if (c.n)
        qsort(seen, c.n, sizeof *seen, by_prominence);
    c.seen = seen;
    return c;
}

/* Who is in a stretch is told; a face that came and went within a second is nobody's business. */
static void tell_people(struct people *p, const struct stretches *s, struct scenery *ret)
{
    for (size_t i = 0; i < p->nidentities; i++)
        p->identities[i].person = -1;
    ret->people = arena_array(p->arena, p->nidentities, sizeof *ret->people);
    for (size_t i = 0; i < s->n; i++)
        for (size_t k = 0; k < s->all[i].n && ret->npeople < SCENERY_MAX_PEOPLE; k++) {
            struct identity *id = &p->identities[s->all[i].who[k]];
            if (id->person >= 0)
                continue;
            id->person = (int)ret->npeople;
            ret->people[ret->npeople++] = describe(p, s->all[i].who[k]);
        }
}

void people_end(struct people *p, double end, struct scenery *ret)
{
    struct stretches s;

    identify(p);
    s = find_stretches(p);
    join_short(p, &s, end);
    ret->has_people = true;
    tell_people(p, &s, ret);
    ret->nconstellations = s.n < SCENERY_MAX_CONSTELLATIONS ? s.n : SCENERY_MAX_CONSTELLATIONS;
    ret->constellations = arena_array(p->arena, ret->nconstellations, sizeof *ret->constellations);
    for (size_t i = 0; i < ret->nconstellations; i++)
        ret->constellations[i] = constellation_of(p, &s.all[i], end);
}
