#include "analysis/people.h"

#include <math.h>

#include "base/cleanup.h"
#include "test.h"

/* Vectors of three people, far apart, and one that lies near the first. */
static const float ann[] = {1, 0, 0}, ben[] = {0, 1, 0}, cleo[] = {0, 0, 1}, ann_again[] = {0.9f, 0.3f, 0.1f};

static struct people_opts with_vectors(void)
{
    return (struct people_opts){.nembedding = 3, .same_from = 0.4, .gender_floor = 0.8};
}

struct seen {
    float x, size; /* of a square face, at half height */
    const float *vector;
    double age, female;
};

/* One sample; looks whenever it is asked to. Returns how many looks that were. */
static int sample(struct people *p, double pts, bool changed, const struct seen *all, size_t n)
{
    struct glimpse g[8];
    int looks = 0;

    for (size_t i = 0; i < n; i++)
        g[i] = (struct glimpse){.box = {all[i].x, 0.4f, all[i].size, all[i].size}, .score = 0.9f};
    people_sample(p, pts, changed, g, n);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++)
            if (g[i].wants_look && all[k].x == g[i].box.x) {
                double female = all[k].female;
                struct face_look look = {all[k].vector, all[k].age > 0 ? all[k].age : (double)NAN,
                                         female > 0 ? female : (double)NAN,
                                         female > 0 ? 1 - female : (double)NAN};
                people_look(p, &g[i], &look);
                looks++;
            }
    return looks;
}

static void one_person_stays_one(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct people_opts opts = with_vectors();
    struct people *p = people_new(a, &opts);
    struct scenery s = {0};
    int looks = 0;

    for (int i = 0; i < 10; i++)
        looks +=
            sample(p, i * 0.5, false, &(struct seen){0.3f + (float)i * 0.02f, 0.2f, ann, 30 + i, 0.95}, 1);
    people_end(p, 5, &s);
    CHECK_INT(looks, 1);
    CHECK(s.has_people && s.npeople == 1 && s.nconstellations == 1);
    CHECK_NEAR(s.people[0].age, 30, 1e-9);
    CHECK(s.people[0].gender == GENDER_FEMALE && s.people[0].nembedding == 3 &&
          s.people[0].listed == LISTED_UNKNOWN);
    CHECK_NEAR(s.constellations[0].time.start, 0, 1e-9);
    CHECK_NEAR(s.constellations[0].time.end, 5, 1e-9);
    CHECK_NEAR(s.constellations[0].seen[0].prominence, 1, 1e-9);
}

static void nobody_is_one_empty_stretch(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct people_opts opts = with_vectors();
    struct people *p = people_new(a, &opts);
    struct scenery s = {0};

    for (int i = 0; i < 4; i++)
        sample(p, i * 0.5, false, NULL, 0);
    people_end(p, 2, &s);
    CHECK(s.has_people && s.npeople == 0 && s.nconstellations == 1 && s.constellations[0].n == 0);
}

/* Ann, then Ben after a cut, then Ann again elsewhere: two people, three stretches. */
static void somebody_comes_back(void)
{
    static const struct seen shots[] = {
        {0.2f, 0.2f, ann, 30, 0.9}, {0.7f, 0.2f, ben, 50, 0.1}, {0.5f, 0.4f, ann_again, 34, 0.9}};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct people_opts opts = with_vectors();
    struct people *p = people_new(a, &opts);
    struct scenery s = {0};

    for (int i = 0; i < 12; i++)
        sample(p, i * 0.5, i == 4 || i == 8, &shots[i / 4], 1);
    people_end(p, 6, &s);
    CHECK(s.npeople == 2 && s.nconstellations == 3);
    CHECK_INT(s.constellations[0].seen[0].person, s.constellations[2].seen[0].person);
    CHECK(s.constellations[1].seen[0].person != s.constellations[0].seen[0].person);
    CHECK_NEAR(s.people[0].age, 32, 1e-9);
    CHECK(s.people[1].gender == GENDER_MALE);
    CHECK_NEAR(s.people[0].box_pts, 4, 1e-9);
}

/* The same place, another face, and nobody noticed the cut: the vector tells. */
static void a_missed_cut_is_noticed_by_the_face(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct people_opts opts = with_vectors();
    struct people *p = people_new(a, &opts);
    struct scenery s = {0};

    for (int i = 0; i < 4; i++)
        sample(p, i * 0.5, false, &(struct seen){0.4f, 0.1f, ann, 0, 0}, 1);
    for (int i = 4; i < 8; i++)
        sample(p, i * 0.5, false, &(struct seen){0.38f, 0.14f, ben, 0, 0}, 1);
    people_end(p, 4, &s);
    CHECK(s.npeople == 2 && s.nconstellations == 2);
    CHECK_NEAR(s.constellations[1].time.start, 2, 1e-9);
}

static void two_at_once_are_never_one(void)
{
    static const struct seen twins[] = {{0.1f, 0.2f, ann, 0, 0}, {0.6f, 0.1f, ann, 0, 0}};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct people_opts opts = with_vectors();
    struct people *p = people_new(a, &opts);
    struct scenery s = {0};

    for (int i = 0; i < 6; i++)
        sample(p, i * 0.5, false, twins, 2);
    people_end(p, 3, &s);
    CHECK(s.npeople == 2 && s.nconstellations == 1 && s.constellations[0].n == 2);
    CHECK_NEAR(s.constellations[0].seen[0].prominence, 0.8, 1e-6);
    CHECK_NEAR(s.constellations[0].seen[1].prominence, 0.2, 1e-6);
}

static void without_vectors_places_tell_people_apart(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct people_opts opts = {.gender_floor = 0.8};
    struct people *p = people_new(a, &opts);
    struct scenery s = {0};

    for (int i = 0; i < 8; i++)
        sample(p, i * 0.5, i == 4, &(struct seen){i < 4 ? 0.2f : 0.7f, 0.2f, NULL, 0, 0}, 1);
    people_end(p, 4, &s);
    CHECK(s.npeople == 2 && s.people[0].nembedding == 0 && s.people[0].gender == GENDER_UNIDENTIFIED);
    CHECK(isnan(s.people[0].age));
}

/* Missed for a second: still the same stretch. Gone for longer: a stretch without. A flicker: not told. */
static void gaps_and_flickers(void)
{
    static const struct seen face = {0.4f, 0.2f, ann, 0, 0}, other = {0.1f, 0.05f, cleo, 0, 0};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct people_opts opts = with_vectors();
    struct people *p = people_new(a, &opts);
    struct scenery s = {0};

    for (int i = 0; i < 20; i++) {
        bool there = i != 3 && i != 4 && (i < 8 || i >= 14);
        struct seen both[] = {face, other};
        sample(p, i * 0.5, false, both, there ? (i == 6 ? 2 : 1) : 0);
    }
    people_end(p, 10, &s);
    CHECK_INT(s.nconstellations, 3);
    CHECK_INT(s.npeople, 1);
    CHECK(s.constellations[0].n == 1 && s.constellations[1].n == 0 && s.constellations[2].n == 1);
    CHECK_NEAR(s.constellations[1].time.start, 4, 1e-9);
    CHECK_NEAR(s.constellations[1].time.end, 7, 1e-9);
    CHECK_INT(s.constellations[0].seen[0].person, s.constellations[2].seen[0].person);
}

static void knows_who_is_listed(void)
{
    static const float of_another_model[] = {1, 0};
    static const struct known_face known[] = {{2, of_another_model}, {3, ben}};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct people_opts opts = with_vectors();
    static const struct seen both[] = {{0.1f, 0.2f, ann, 0, 0}, {0.6f, 0.1f, ben, 0, 0}};
    struct people *p;
    struct scenery s = {0};

    opts.nknown = 2;
    opts.known = known;
    p = people_new(a, &opts);
    sample(p, 0, false, both, 2);
    people_end(p, 0, &s);
    CHECK(s.npeople == 2 && s.people[0].listed == LISTED_NO && s.people[1].listed == LISTED_YES);
    CHECK(s.nconstellations == 1 && s.constellations[0].n == 2);
}

/* However many, the largest count, and nothing grows without end. */
static void crowds_have_a_ceiling(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct people_opts opts = with_vectors();
    struct people *p = people_new(a, &opts);
    struct glimpse g[300];
    struct scenery s = {0};

    for (int t = 0; t < 200; t++) {
        for (int i = 0; i < 300; i++)
            g[i] = (struct glimpse){
                .box = {(float)((i * 37 + t * 71) % 300) / 300, 0, 0.001f + (float)i * 1e-5f, 0.01f},
                .score = 1};
        people_sample(p, t, true, g, 300);
        CHECK(g[PEOPLE_FACES].track == -1 && !g[PEOPLE_FACES].wants_look);
    }
    people_end(p, 200, &s);
    CHECK(s.npeople > 0 && s.npeople <= SCENERY_MAX_PEOPLE);
    for (size_t i = 0; i < s.nconstellations; i++)
        for (size_t k = 0; k < s.constellations[i].n; k++)
            CHECK(s.constellations[i].seen[k].person < (int)s.npeople);
}

int main(void)
{
    RUN(one_person_stays_one);
    RUN(nobody_is_one_empty_stretch);
    RUN(somebody_comes_back);
    RUN(a_missed_cut_is_noticed_by_the_face);
    RUN(two_at_once_are_never_one);
    RUN(without_vectors_places_tell_people_apart);
    RUN(gaps_and_flickers);
    RUN(knows_who_is_listed);
    RUN(crowds_have_a_ceiling);
    return test_end();
}
