/* Opinions become rulings: for an image, for frames that vote, for clips that weigh what they last; and where
 * nobody knows, nobody is cleared. */
#include "analysis/jury.h"

#include <math.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "test.h"

static const struct voter voters[] = {{"a", true, false}, {"b", true, true}};

static struct opinion says(double artificial)
{
    return (struct opinion){.vote = {false, {1 - artificial, artificial}}};
}

static struct opinion knows_not(const char *code)
{
    return (struct opinion){.vote = {.unknown = true}, .code = code};
}

static struct origin_stream stream_of(struct arena *a, const struct jury *j, size_t n,
                                      const struct opinion said[][2], const double *lengths)
{
    struct origin_stream s = {.nmodels = 2, .models = voters, .nparts = n};
    double at = 0;

    s.parts = arena_array(a, n, sizeof *s.parts);
    for (size_t i = 0; i < n; i++) {
        s.parts[i].opinions = arena_array(a, 2, sizeof *s.parts[i].opinions);
        s.parts[i].opinions[0] = said[i][0];
        s.parts[i].opinions[1] = said[i][1];
        s.parts[i].time = (struct segment){at, at + (lengths ? lengths[i] : 0)};
        at = s.parts[i].time.end;
        jury_on_part(j, &s, &s.parts[i]);
    }
    return s;
}

static const struct origin_ruling *named(const struct origin_ruling *all, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (text_is(all[i].heuristic, name))
            return &all[i];
    CHECK(!"a ruling of that name");
    return all;
}

static bool is(double got, double want)
{
    return fabs(got - want) < 1e-12;
}

static struct origin_params params(void)
{
    return (struct origin_params){.frames = 5, .heuristic = heuristic_default};
}

static void an_image(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct origin_params p = params();
    struct jury j = jury_new(a, &p);
    struct origin_stream s = stream_of(a, &j, 1, (struct opinion[][2]){{says(0.9), says(0.2)}}, NULL);

    jury_on_stream(&j, &s, JURY_ONE);
    CHECK_INT(j.n, HEURISTICS);
    CHECK(is(named(s.rulings, j.n, "Average")->answer.confidence, 0.55));
    CHECK(is(s.rulings[j.main].answer.confidence, 0.9)); /* b is obsolete */
    CHECK_INT(s.rulings[j.main].models, 1);
    CHECK(!s.on_means);
}

static void frames_vote(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct origin_params p = params();
    struct jury j = jury_new(a, &p);
    struct origin_stream s = stream_of(a, &j, 4,
                                       (struct opinion[][2]){{says(0.9), knows_not("too_small")},
                                                             {says(0.8), says(0.9)},
                                                             {says(0.3), says(0.1)},
                                                             {knows_not("uncertain"), knows_not("x")}},
                                       NULL);

    jury_on_stream(&j, &s, JURY_FRAMES);
    CHECK_INT(named(s.rulings, j.n, "Average")->count, 2);
    CHECK(is(named(s.rulings, j.n, "Average")->answer.confidence, 2.0 / 3));
    CHECK_INT(named(s.rulings, j.n, "Average")->answer.origin, ORIGIN_ARTIFICIAL);
    CHECK(s.parts[3].rulings[j.main].answer.unknown);
    CHECK_INT(s.summaries[0].known, 3);
    CHECK(is(s.on_means[j.main].answer.confidence, 2.0 / 3));
}

static void clips_weigh(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct origin_params p = params();
    struct jury j = jury_new(a, &p);
    struct origin_stream s =
        stream_of(a, &j, 2, (struct opinion[][2]){{says(0.9), says(0.9)}, {says(0.1), says(0.1)}},
                  (const double[]){4, 1});

    jury_on_stream(&j, &s, JURY_CLIPS);
    CHECK(is(named(s.rulings, j.n, "Average")->answer.confidence, (0.9 * 4 + 0.1) / 5));
}

static void nobody_knows(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct origin_params p = params();
    struct jury j = jury_new(a, &p);
    struct origin_stream s =
        stream_of(a, &j, 1, (struct opinion[][2]){{knows_not("too_small"), knows_not("too_small")}}, NULL);
    struct origin_stream empty = {0};

    jury_on_stream(&j, &s, JURY_ONE);
    jury_on_stream(&j, &empty, JURY_CLIPS);
    for (size_t i = 0; i < j.n; i++) {
        CHECK(s.rulings[i].answer.unknown && s.parts[0].rulings[i].answer.unknown);
        CHECK(empty.rulings[i].answer.unknown);
        CHECK(is(s.rulings[i].answer.confidence, 0));
    }
}

static void the_operators_rule(void)
{
    static const char *const only[] = {"b"};
    static const struct heuristic own = {.name = "Old", .nmodels = 1, .models = only};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct origin_params p = {.frames = 5, .heuristic = "Old", .nown = 1, .own = &own};
    struct jury j = jury_new(a, &p);
    struct origin_stream s = stream_of(a, &j, 1, (struct opinion[][2]){{says(0.9), says(0.2)}}, NULL);

    jury_on_stream(&j, &s, JURY_ONE);
    CHECK_INT(j.main, HEURISTICS);
    CHECK_INT(s.rulings[j.main].answer.origin, ORIGIN_HUMAN);
    CHECK(is(s.rulings[j.main].answer.confidence, 0.8));
    CHECK_INT(jury_on_face(&j, voters, 2, s.parts[0].opinions).answer.origin, ORIGIN_HUMAN);
}

int main(void)
{
    RUN(an_image);
    RUN(frames_vote);
    RUN(clips_weigh);
    RUN(nobody_knows);
    RUN(the_operators_rule);
    return test_end();
}
