/* Statistics of votes. The golden numbers are those of the provenance API's published example: three models
 * on five frames of one video. */
#include "verdict/votes.h"

#include <math.h>

#include "test.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))
#define VOTE(human, artificial)   \
    {                             \
        false,                    \
        {                         \
            (human), (artificial) \
        }                         \
    }

static const double tiny = 1e-12;

static const struct voter models[] = {{.model = "V011"}, {.model = "V01"}, {"brokenwand2", true, false}};
static const struct vote frames[5][3] = {
    {VOTE(0.0028010292444378138, 0.9971989393234252), VOTE(0.00871063582599163, 0.9912893772125244),
     VOTE(0.7165966629981995, 0.28340333700180054)},
    {VOTE(0.010278819128870964, 0.9897212386131288), VOTE(0.021563712507486343, 0.978436291217804),
     VOTE(0.690691739320755, 0.309308260679245)},
    {VOTE(0.002871240023523569, 0.9971287846565248), VOTE(0.015795564278960228, 0.9842044711112976),
     VOTE(0.7980024516582489, 0.2019975483417511)},
    {VOTE(0.0025370449293404818, 0.9974629878997804), VOTE(0.01009807176887989, 0.9899019002914428),
     VOTE(0.8856960088014603, 0.11430399119853972)},
    {VOTE(0.0023849199060350657, 0.9976150989532472), VOTE(0.005744705908000469, 0.9942552447319032),
     VOTE(0.6667515635490417, 0.33324843645095825)},
};
static const struct votes golden = {3, models, 5, &frames[0][0], NULL};

static void the_published_example_comes_out(void)
{
    static const struct {
        const char *model;
        double deviation;
        enum origin origin;
        double confidence;
    } rows[] = {
        {"V011", 0.003057153072553004, ORIGIN_ARTIFICIAL, 0.9958254098892212},
        {"V01", 0.005633900655308306, ORIGIN_ARTIFICIAL, 0.9876174569129944},
        {"brokenwand2", 0.08033582065383414, ORIGIN_HUMAN, 0.751547685265541},
    };

    CHECK_INT(votes_check(&golden, NULL), 0);
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct summary s = votes_summary(&golden, i);
        struct vote_answer a = vote_answer(&s.mean);
        CHECK_STR(models[i].model, rows[i].model);
        CHECK_INT(s.known, 5);
        CHECK_NEAR(s.deviation, rows[i].deviation, tiny);
        CHECK_INT(a.origin, rows[i].origin);
        CHECK_NEAR(a.confidence, rows[i].confidence, tiny);
        CHECK(!a.unknown);
        ROW("%s", rows[i].model);
    }
}

static void outputs_become_votes(void)
{
    static const struct {
        const char *what;
        double human, artificial, floor;
        bool known;
    } rows[] = {
        {"plain", 0.2, 0.8, 0, true},
        {"they need not sum to 1", 0.9, 0.9, 0, true},
        {"both ends", 0, 1, 0, true},
        {"nothing said", 0, 0, 0, true},
        {"no number", (double)NAN, 0.8, 0, false},
        {"the other no number", 0.8, (double)NAN, 0, false},
        {"infinite", 0, (double)INFINITY, 0, false},
        {"a logit", -2.5, 0.9, 0, false},
        {"above 1", 0.1, 1.5, 0, false},
        {"below the floor", 0.45, 0.55, 0.6, false},
        {"on the floor", 0.4, 0.6, 0.6, true},
        {"the floor is for the better one", 0.9, 0.1, 0.6, true},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct vote v = vote_of(rows[i].human, rows[i].artificial, rows[i].floor);
        CHECK(vote_known(&v) == rows[i].known);
        CHECK(v.unknown == !rows[i].known);
        ROW("%s", rows[i].what);
    }
}

static void votes_are_answers(void)
{
    static const struct {
        const char *what;
        struct vote v;
        struct vote_answer want;
    } rows[] = {
        {"artificial", VOTE(0.3, 0.7), {ORIGIN_ARTIFICIAL, 0.7, false}},
        {"human", VOTE(0.7, 0.3), {ORIGIN_HUMAN, 0.7, false}},
        {"a toss accuses nobody", VOTE(0.5, 0.5), {ORIGIN_HUMAN, 0.5, true}},
        {"neither", VOTE(0, 0), {ORIGIN_HUMAN, 0, true}},
        {"unknown", {true, {0.1, 0.9}}, {ORIGIN_HUMAN, 0, true}},
        {"no number, though not marked", {false, {0.1, (double)NAN}}, {ORIGIN_HUMAN, 0, true}},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct vote_answer a = vote_answer(&rows[i].v);
        CHECK_INT(a.origin, rows[i].want.origin);
        CHECK_NEAR(a.confidence, rows[i].want.confidence, 0);
        CHECK(a.unknown == rows[i].want.unknown);
        ROW("%s", rows[i].what);
    }
    CHECK_STR(origin_name(ORIGIN_HUMAN), "human");
    CHECK_STR(origin_name(ORIGIN_ARTIFICIAL), "artificial");
}

static void summaries_at_the_edges(void)
{
    static const struct voter one[] = {{.model = "m", .counts = true}};
    static const struct vote steps[] = {
        VOTE(0.8, 0.2), VOTE(0.4, 0.6), {true, {0, 1}}, VOTE(0.2, (double)NAN)};
    static const double seconds[] = {3, 1, 100, 100}, nothing[] = {0, 0, 0, 0}, second_only[] = {0, 2, 1, 1};
    static const struct {
        const char *what;
        size_t nmoments;
        const struct vote *cast;
        const double *weights;
        size_t known;
        double human, artificial, deviation;
    } rows[] = {
        {"no moments", 0, NULL, NULL, 0, 0, 0, 0},
        {"one", 1, steps, NULL, 1, 0.8, 0.2, 0},
        {"two", 2, steps, NULL, 2, 0.6, 0.4, 0.2},
        {"unknown and broken ones are skipped", 4, steps, NULL, 2, 0.6, 0.4, 0.2},
        {"all unknown", 2, steps + 2, NULL, 0, 0, 0, 0},
        {"weighted by seconds", 4, steps, seconds, 2, 0.7, 0.3, 0.17320508075688773},
        {"what weighs nothing is not there", 4, steps, second_only, 1, 0.4, 0.6, 0},
        {"all weigh nothing", 4, steps, nothing, 0, 0, 0, 0},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct votes v = {1, one, rows[i].nmoments, rows[i].cast, rows[i].weights};
        struct summary s = votes_summary(&v, 0);
        CHECK_INT(s.known, rows[i].known);
        CHECK(s.mean.unknown == !rows[i].known);
        CHECK_NEAR(s.mean.score[ORIGIN_HUMAN], rows[i].human, tiny);
        CHECK_NEAR(s.mean.score[ORIGIN_ARTIFICIAL], rows[i].artificial, tiny);
        CHECK_NEAR(s.deviation, rows[i].deviation, tiny);
        ROW("%s", rows[i].what);
    }
}

/* A model that changes its mind: the larger mean wins, not the mean of what won in each frame. */
static void the_larger_mean_wins(void)
{
    static const struct voter one[] = {{.model = "m", .counts = true}};
    static const struct vote cast[] = {VOTE(0.1, 0.9), VOTE(0.6, 0.4), VOTE(0.6, 0.4)};
    struct votes v = {1, one, 3, cast, NULL};
    struct summary s = votes_summary(&v, 0);
    struct vote_answer a = vote_answer(&s.mean);

    CHECK_INT(a.origin, ORIGIN_ARTIFICIAL);
    CHECK_NEAR(a.confidence, 1.7 / 3, tiny);
}

static void what_makes_no_sense_is_refused(void)
{
    static const struct voter unnamed[] = {{.model = "m"}, {.model = ""}};
    static const struct voter twice[] = {{.model = "m"}, {.model = "n"}, {.model = "m"}};
    static const struct voter two[] = {{.model = "m"}, {.model = "n"}};
    static const struct vote cast[2] = {VOTE(0.1, 0.9), VOTE(0.1, 0.9)};
    static const double negative[] = {-1}, no_number[] = {(double)NAN}, infinite[] = {(double)INFINITY};
    static const struct {
        struct votes v;
        const char *text;
    } rows[] = {
        {{0, two, 0, NULL, NULL}, "votes come from 1 to 64 models, not from 0"},
        {{65, two, 0, NULL, NULL}, "votes come from 1 to 64 models, not from 65"},
        {{2, unnamed, 1, cast, NULL}, "model 1 of those that vote has no name"},
        {{3, twice, 0, NULL, NULL}, "two models that vote are named m"},
        {{2, two, 1, cast, negative}, "the weight of moment 0 is no number from 0 on"},
        {{2, two, 1, cast, no_number}, "the weight of moment 0 is no number from 0 on"},
        {{2, two, 1, cast, infinite}, "the weight of moment 0 is no number from 0 on"},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct err err = {0};
        CHECK_INT(votes_check(&rows[i].v, &err), -1);
        CHECK_STR(err.text, rows[i].text);
        ROW("%zu", i);
    }
}

int main(void)
{
    RUN(the_published_example_comes_out);
    RUN(outputs_become_votes);
    RUN(votes_are_answers);
    RUN(summaries_at_the_edges);
    RUN(the_larger_mean_wins);
    RUN(what_makes_no_sense_is_refused);
    return test_end();
}
