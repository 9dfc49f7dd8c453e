/* Heuristics: the numbers of the provenance API's examples, ties, nobody to ask, an operator's rules. */
#include "verdict/heuristic.h"

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
#define UNKNOWN         \
    {                   \
        .unknown = true \
    }

static const double tiny = 1e-12;

static const struct voter abc[] = {{"a", true, false}, {"b", true, false}, {"c", true, false}};

static const struct heuristic *rule(const char *name)
{
    return heuristic_find(name, NULL, 0);
}

struct want {
    const char *heuristic;
    enum origin origin;
    double confidence;
    bool unknown;
    uint64_t models;
};

static void check_ruling(const struct ruling *r, const struct want *w)
{
    CHECK_STR(r->by->name, w->heuristic);
    CHECK_INT(r->answer.origin, w->origin);
    CHECK_NEAR(r->answer.confidence, w->confidence, tiny);
    CHECK(r->answer.unknown == w->unknown);
    CHECK_INT(r->models, w->models);
}

/* The published example, old shape: of three models on five frames only brokenwand2 counts for videos. */
static const struct voter video_models[] = {
    {.model = "V011"}, {.model = "V01"}, {"brokenwand2", true, false}};
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
static const struct votes golden = {3, video_models, 5, &frames[0][0], NULL};

static void the_published_video_comes_out(void)
{
    static const struct want rows[HEURISTICS] = {
        {"Majority", ORIGIN_HUMAN, 0.751547685265541, false, 4},
        {"Average", ORIGIN_HUMAN, 0.751547685265541, false, 4},
        {"AverageExclude10", ORIGIN_HUMAN, 0.751547685265541, false, 4},
        {"AverageExclude20", ORIGIN_HUMAN, 0.751547685265541, false, 4},
        {"AverageExclude30", ORIGIN_HUMAN, 0.751547685265541, false, 4},
        {"TopRelevant", ORIGIN_HUMAN, 0.75, false, 4},
        {"AverageExcludeObsolete", ORIGIN_HUMAN, 0.751547685265541, false, 4},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct ruling r = heuristic_on_means(&heuristics[i], &golden);
        check_ruling(&r, &rows[i]);
        CHECK_INT(r.count, 0);
        ROW("%s", rows[i].heuristic);
    }
}

/* The published image example. Its two aggregates are known to all digits, the scores of a and b only to
 * eight: the others are chosen so that the sums are the published ones. */
static void the_published_image_comes_out(void)
{
    static const struct vote row[] = {VOTE(0.99508494, 0.00491506),
                                      VOTE(0.963026823000488, 0.036973176999512),
                                      VOTE(0.0603926777839663, 0.9396073222160337)};
    static const struct want rows[HEURISTICS] = {
        {"Majority", ORIGIN_HUMAN, 0.979055881500244, false, 7},
        {"Average", ORIGIN_HUMAN, 0.6728348135948181, false, 7},
        {"AverageExclude10", ORIGIN_HUMAN, 0.6728348135948181, false, 7},
        {"AverageExclude20", ORIGIN_HUMAN, 0.6728348135948181, false, 7},
        {"AverageExclude30", ORIGIN_HUMAN, 0.6728348135948181, false, 7},
        {"TopRelevant", ORIGIN_HUMAN, 0.99, false, 7}, /* rounded it would be 1 */
        {"AverageExcludeObsolete", ORIGIN_HUMAN, 0.6728348135948181, false, 7},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct ruling r = heuristic_on(&heuristics[i], abc, row, 3);
        check_ruling(&r, &rows[i]);
        ROW("%s", rows[i].heuristic);
    }
}

static void rows_are_ruled(void)
{
    static const struct voter none_counts[] = {{.model = "a"}, {.model = "b"}, {.model = "c"}};
    static const struct voter old_a[] = {{"a", true, true}, {"b", true, false}, {"c", true, false}};
    static const struct voter all_old[] = {{"a", true, true}, {"b", true, true}, {"c", true, true}};
    static const struct {
        const char *what;
        const struct voter *models;
        size_t n;
        struct vote row[3];
        struct want want;
    } rows[] = {
        {"no models", abc, 0, {UNKNOWN}, {"Average", ORIGIN_HUMAN, 0, true, 0}},
        {"no models, majority", abc, 0, {UNKNOWN}, {"Majority", ORIGIN_HUMAN, 0, true, 0}},
        {"no models, top", abc, 0, {UNKNOWN}, {"TopRelevant", ORIGIN_HUMAN, 0, true, 0}},
        {"one", abc, 1, {VOTE(0.2, 0.8)}, {"Average", ORIGIN_ARTIFICIAL, 0.8, false, 1}},
        {"one, majority", abc, 1, {VOTE(0.2, 0.8)}, {"Majority", ORIGIN_ARTIFICIAL, 0.8, false, 1}},
        {"all unknown", abc, 3, {UNKNOWN, UNKNOWN, UNKNOWN}, {"Average", ORIGIN_HUMAN, 0, true, 0}},
        {"all unknown, majority",
         abc,
         3,
         {UNKNOWN, UNKNOWN, UNKNOWN},
         {"Majority", ORIGIN_HUMAN, 0, true, 0}},
        {"all unknown, excluding",
         abc,
         2,
         {UNKNOWN, UNKNOWN},
         {"AverageExclude30", ORIGIN_HUMAN, 0, true, 0}},
        {"none counts", none_counts, 2, {VOTE(0, 1), VOTE(0, 1)}, {"Average", ORIGIN_HUMAN, 0, true, 0}},
        {"unknown ones are skipped",
         abc,
         3,
         {UNKNOWN, VOTE(0.1, 0.9), VOTE((double)NAN, 0.5)},
         {"Average", ORIGIN_ARTIFICIAL, 0.9, false, 2}},
        {"a tie of means",
         abc,
         2,
         {VOTE(0.25, 0.75), VOTE(0.75, 0.25)},
         {"Average", ORIGIN_HUMAN, 0.5, true, 3}},
        {"a tie of heads, the surer side wins",
         abc,
         2,
         {VOTE(0.1, 0.9), VOTE(0.7, 0.3)},
         {"Majority", ORIGIN_ARTIFICIAL, 0.9, false, 3}},
        {"a tie of heads and means",
         abc,
         2,
         {VOTE(0.2, 0.8), VOTE(0.8, 0.2)},
         {"Majority", ORIGIN_HUMAN, 0.8, true, 3}},
        {"who cannot tell votes for neither",
         abc,
         3,
         {VOTE(0.5, 0.5), VOTE(0.5, 0.5), VOTE(0.4, 0.6)},
         {"Majority", ORIGIN_ARTIFICIAL, 0.6, false, 7}},
        {"nobody can tell", abc, 2, {VOTE(0.5, 0.5), VOTE(0.5, 0.5)}, {"Majority", ORIGIN_HUMAN, 0, true, 3}},
        {"two against one surer one",
         abc,
         3,
         {VOTE(0.6, 0.4), VOTE(0.7, 0.3), VOTE(0, 1)},
         {"Majority", ORIGIN_HUMAN, 0.65, false, 7}},
        {"the surer one at the top",
         abc,
         3,
         {VOTE(0.6, 0.4), VOTE(0.7, 0.3), VOTE(0, 0.999)},
         {"TopRelevant", ORIGIN_ARTIFICIAL, 0.99, false, 7}},
        {"a tie at the top",
         abc,
         2,
         {VOTE(0.9, 0.1), VOTE(0.1, 0.9)},
         {"TopRelevant", ORIGIN_HUMAN, 0.9, true, 3}},
        {"0.29 is not cut to 0.28", abc, 1, {VOTE(0.29, 0.1)}, {"TopRelevant", ORIGIN_HUMAN, 0.29, false, 1}},
        {"1 stays 1", abc, 1, {VOTE(0, 1)}, {"TopRelevant", ORIGIN_ARTIFICIAL, 1, false, 1}},
        {"the unsure is excluded",
         abc,
         2,
         {VOTE(0.46, 0.54), VOTE(0.9, 0.1)},
         {"AverageExclude10", ORIGIN_HUMAN, 0.9, false, 2}},
        {"a margin of exactly 10 % stays",
         abc,
         2,
         {VOTE(0.5, 0.6), VOTE(0.9, 0.1)},
         {"AverageExclude10", ORIGIN_HUMAN, 0.7, false, 3}},
        {"20 % excludes more than 10 %",
         abc,
         2,
         {VOTE(0.42, 0.58), VOTE(0.9, 0.1)},
         {"AverageExclude20", ORIGIN_HUMAN, 0.9, false, 2}},
        {"30 % excludes more than 20 %",
         abc,
         2,
         {VOTE(0.38, 0.62), VOTE(0.9, 0.1)},
         {"AverageExclude30", ORIGIN_HUMAN, 0.9, false, 2}},
        {"all excluded: all decide, unknown",
         abc,
         2,
         {VOTE(0.46, 0.54), VOTE(0.48, 0.52)},
         {"AverageExclude10", ORIGIN_ARTIFICIAL, 0.53, true, 3}},
        {"without the obsolete one",
         old_a,
         3,
         {VOTE(0, 1), VOTE(0.8, 0.2), VOTE(0.6, 0.4)},
         {"AverageExcludeObsolete", ORIGIN_HUMAN, 0.7, false, 6}},
        {"others do not care about obsolete",
         old_a,
         3,
         {VOTE(0, 1), VOTE(0.8, 0.2), VOTE(0.6, 0.4)},
         {"Average", ORIGIN_ARTIFICIAL, 1.6 / 3, false, 7}},
        {"all obsolete: all decide, unknown",
         all_old,
         2,
         {VOTE(0, 1), VOTE(0.2, 0.8)},
         {"AverageExcludeObsolete", ORIGIN_ARTIFICIAL, 0.9, true, 3}},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct ruling r = heuristic_on(rule(rows[i].want.heuristic), rows[i].models, rows[i].row, rows[i].n);
        check_ruling(&r, &rows[i].want);
        ROW("%s", rows[i].what);
    }
}

static void moments_vote(void)
{
    static const struct voter one[] = {{"m", true, false}};
    static const struct vote published[] = {VOTE(0.9, 0.1), VOTE(0.2, 0.8), VOTE(0.3, 0.7), VOTE(0.6, 0.4),
                                            VOTE(0.1, 0.9)};
    static const struct vote gaps[] = {UNKNOWN, VOTE(0.2, 0.8), VOTE(0.5, 0.5), VOTE(0.7, 0.3),
                                       VOTE(0.1, 0.9)};
    static const struct vote toss[] = {VOTE(0.9, 0.1), VOTE(0.2, 0.8)};
    static const struct vote unsure[] = {VOTE(0.46, 0.54), VOTE(0.45, 0.551), VOTE(0.9, 0.1)};
    static const struct {
        const char *what, *heuristic;
        const struct vote *cast;
        size_t n, count;
        enum origin origin;
        double confidence;
        bool unknown;
        uint64_t models;
    } rows[] = {
        {"3 of 5 frames", "Average", published, 5, 3, ORIGIN_ARTIFICIAL, 0.6, false, 1},
        {"a share is not cut", "TopRelevant", gaps, 5, 2, ORIGIN_ARTIFICIAL, 2.0 / 3, false, 1},
        {"unknown frames do not vote", "Average", gaps, 5, 2, ORIGIN_ARTIFICIAL, 2.0 / 3, false, 1},
        {"as many on either side", "Average", toss, 2, 1, ORIGIN_HUMAN, 0.5, true, 1},
        {"one frame", "Majority", toss + 1, 1, 1, ORIGIN_ARTIFICIAL, 1, false, 1},
        {"no frames", "Average", NULL, 0, 0, ORIGIN_HUMAN, 0, true, 0},
        {"all frames unknown", "Average", gaps, 1, 0, ORIGIN_HUMAN, 0, true, 0},
        {"a frame that excludes everybody does not vote", "AverageExclude10", unsure, 3, 1, ORIGIN_HUMAN, 0.5,
         true, 1},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct votes v = {1, one, rows[i].n, rows[i].cast, NULL};
        struct ruling r = heuristic_on_moments(rule(rows[i].heuristic), &v);
        CHECK_INT(r.count, rows[i].count);
        check_ruling(&r, &(struct want){rows[i].heuristic, rows[i].origin, rows[i].confidence,
                                        rows[i].unknown, rows[i].models});
        ROW("%s", rows[i].what);
    }
}

static void the_published_video_votes_by_frames_too(void)
{
    struct ruling r = heuristic_on_moments(rule("Majority"), &golden);

    CHECK_INT(r.count, 5);
    check_ruling(&r, &(struct want){"Majority", ORIGIN_HUMAN, 1, false, 4});
}

/* Each frame asks who could judge it; all of them took part. */
static void models_of_all_frames_took_part(void)
{
    static const struct vote cast[2][3] = {{VOTE(0.1, 0.9), UNKNOWN, UNKNOWN},
                                           {UNKNOWN, UNKNOWN, VOTE(0.2, 0.8)}};
    struct votes v = {3, abc, 2, &cast[0][0], NULL};
    struct ruling r = heuristic_on_moments(rule("Average"), &v);

    CHECK_INT(r.models, 5);
    CHECK_INT(r.count, 2);
}

static void clips_of_sound_weigh_by_length(void)
{
    static const struct voter one[] = {{"m", true, false}};
    static const struct vote clips[] = {VOTE(0.2, 0.8), VOTE(0.9, 0.1)};
    static const double seconds[] = {10, 2};
    struct votes v = {1, one, 2, clips, seconds};
    struct ruling r = heuristic_on_means(rule("Average"), &v);

    check_ruling(&r, &(struct want){"Average", ORIGIN_ARTIFICIAL, 8.2 / 12, false, 1});
}

static void too_many_models_are_nobody(void)
{
    static struct voter many[VOTES_MODELS_MAX + 1];
    static struct vote row[VOTES_MODELS_MAX + 1];
    struct votes v = {VOTES_MODELS_MAX + 1, many, 1, row, NULL};
    struct ruling r;

    for (size_t i = 0; i <= VOTES_MODELS_MAX; i++) {
        many[i] = (struct voter){"m", true, false};
        row[i] = vote_of(0.1, 0.9, 0);
    }
    r = heuristic_on(rule("Average"), many, row, VOTES_MODELS_MAX);
    check_ruling(&r, &(struct want){"Average", ORIGIN_ARTIFICIAL, 0.9, false, UINT64_MAX});
    r = heuristic_on(rule("Average"), many, row, VOTES_MODELS_MAX + 1);
    check_ruling(&r, &(struct want){"Average", ORIGIN_HUMAN, 0, true, 0});
    r = heuristic_on_means(rule("Average"), &v);
    check_ruling(&r, &(struct want){"Average", ORIGIN_HUMAN, 0, true, 0});
}

static void an_operators_rule_is_a_struct(void)
{
    static const char *const only_b[] = {"b"}, *const absent[] = {"z"}, *const c_and_a[] = {"c", "a"};
    static const struct voter five[] = {
        {"a", true, false}, {"b", false, true}, {"c", true, false}, {"d", true, false}, {"e", true, false}};
    static const struct vote row[] = {VOTE(0.9, 0.1), VOTE(0.3, 0.7), VOTE(0.5, 0.5), VOTE(0.345, 0.655),
                                      VOTE(0.2, 0.8)};
    static const struct {
        struct heuristic h;
        enum origin origin;
        double confidence;
        bool unknown;
        uint64_t models;
    } rows[] = {
        {{.name = "named-one-that-does-not-count", .nmodels = 1, .models = only_b},
         ORIGIN_ARTIFICIAL,
         0.7,
         false,
         2},
        {{.name = "named-one-is-absent", .nmodels = 1, .models = absent}, ORIGIN_HUMAN, 0, true, 0},
        {{.name = "named-two", .nmodels = 2, .models = c_and_a}, ORIGIN_HUMAN, 0.7, false, 5},
        {{.name = "trim-a-quarter", .trim = 0.25}, ORIGIN_ARTIFICIAL, 0.5775, false, 12},
        {{.name = "trim-less-than-one", .trim = 0.24}, ORIGIN_ARTIFICIAL, 0.51375, false, 29},
        {{.name = "trim-nearly-half", .trim = 0.4999999999}, ORIGIN_ARTIFICIAL, 0.5775, false, 12},
        {{.name = "strict", .threshold = 0.52}, ORIGIN_HUMAN, 0.48625, false, 29},
        {{.name = "lenient", .threshold = 0.5}, ORIGIN_ARTIFICIAL, 0.51375, false, 29},
        {{.name = "strict-majority", .way = WAY_MAJORITY, .threshold = 0.7},
         ORIGIN_HUMAN,
         1.745 / 3,
         false,
         29},
        {{.name = "strict-top", .way = WAY_TOP, .threshold = 0.8}, ORIGIN_ARTIFICIAL, 0.8, false, 29},
        {{.name = "cut", .digits = DIGITS_CUT, .decimals = 3}, ORIGIN_ARTIFICIAL, 0.513, false, 29},
        {{.name = "rounded", .digits = DIGITS_ROUNDED, .decimals = 3}, ORIGIN_ARTIFICIAL, 0.514, false, 29},
        {{.name = "rounded-up-at-5",
          .way = WAY_MAJORITY,
          .band = 0.3,
          .digits = DIGITS_ROUNDED,
          .decimals = 1},
         ORIGIN_ARTIFICIAL,
         0.7,
         false,
         25},
        {{.name = "band-of-all", .band = 1}, ORIGIN_ARTIFICIAL, 0.51375, true, 29},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct ruling r = heuristic_on(&rows[i].h, five, row, 5);
        CHECK_INT(heuristics_check(&rows[i].h, 1, NULL), 0);
        check_ruling(&r, &(struct want){rows[i].h.name, rows[i].origin, rows[i].confidence, rows[i].unknown,
                                        rows[i].models});
        ROW("%s", rows[i].h.name);
    }
}

static void a_trim_drops_one_of_equals(void)
{
    static const struct heuristic h = {.name = "t", .trim = 0.3333333333}; /* a third, as people type it */
    static const struct vote row[] = {VOTE(0.5, 0.6), VOTE(0.3, 0.6), VOTE(0.1, 0.6)};
    struct ruling r = heuristic_on(&h, abc, row, 3);

    check_ruling(&r, &(struct want){"t", ORIGIN_ARTIFICIAL, 0.6, false, 2});
}

static void rules_without_sense_are_refused(void)
{
    static const char *const twice[] = {"a", "b", "a"}, *const empty[] = {""};
    static const struct {
        struct heuristic h;
        const char *text;
    } rows[] = {
        {{.name = NULL}, "a heuristic's name is 1 to 64 letters, digits, '-', '_' and '.'"},
        {{.name = ""}, "a heuristic's name is 1 to 64 letters, digits, '-', '_' and '.'"},
        {{.name = "a b"}, "a heuristic's name is 1 to 64 letters, digits, '-', '_' and '.'"},
        {{.name = "Majority"}, "heuristic Majority is the service's own and cannot be changed"},
        {{.name = "h", .band = 1.1}, "heuristic h: the band must lie between 0 and 1"},
        {{.name = "h", .band = (double)NAN}, "heuristic h: the band must lie between 0 and 1"},
        {{.name = "h", .trim = 0.5}, "heuristic h: the trimmed share must be from 0 on and below 0.5"},
        {{.name = "h", .trim = (double)NAN},
         "heuristic h: the trimmed share must be from 0 on and below 0.5"},
        {{.name = "h", .threshold = -0.1}, "heuristic h: the threshold must lie between 0 and 1"},
        {{.name = "h", .digits = DIGITS_CUT}, "heuristic h: decimals must be 1 to 6"},
        {{.name = "h", .digits = DIGITS_ROUNDED, .decimals = 7}, "heuristic h: decimals must be 1 to 6"},
        {{.name = "h", .decimals = 2}, "heuristic h: decimals must be 0 to 0"},
        {{.name = "h", .nmodels = 3, .models = twice}, "heuristic h names the model a twice"},
        {{.name = "h", .nmodels = 1, .models = empty}, "heuristic h names a model without a name"},
        {{.name = "h", .nmodels = 65}, "heuristic h names more than 64 models"},
    };
    static const struct heuristic same[] = {{.name = "x"}, {.name = "y"}, {.name = "x"}};
    struct err err = {0};

    for (size_t i = 0; i < LENGTH(rows); i++) {
        CHECK_INT(heuristics_check(&rows[i].h, 1, &err), -1);
        CHECK_STR(err.text, rows[i].text);
        ROW("%zu", i);
    }
    CHECK_INT(heuristics_check(same, 3, &err), -1);
    CHECK_STR(err.text, "two heuristics are named x");
    CHECK_INT(heuristics_check(NULL, 0, &err), 0);
}

static void heuristics_are_found_by_name(void)
{
    static const struct heuristic own[] = {{.name = "mine"}, {.name = "Average", .band = 1}};

    CHECK(rule(heuristic_default) == &heuristics[HEURISTICS - 1]);
    CHECK(heuristic_find("mine", own, 2) == &own[0]);
    CHECK(heuristic_find("Average", own, 2) == &heuristics[1]);
    CHECK(!heuristic_find("mine", NULL, 0));
    CHECK(!heuristic_find("average", own, 2));
    CHECK(!heuristic_find(NULL, own, 2));
}

int main(void)
{
    RUN(the_published_video_comes_out);
    RUN(the_published_image_comes_out);
    RUN(rows_are_ruled);
    RUN(moments_vote);
    RUN(the_published_video_votes_by_frames_too);
    RUN(models_of_all_frames_took_part);
    RUN(clips_of_sound_weigh_by_length);
    RUN(too_many_models_are_nobody);
    RUN(an_operators_rule_is_a_struct);
    RUN(a_trim_drops_one_of_equals);
    RUN(rules_without_sense_are_refused);
    RUN(heuristics_are_found_by_name);
    return test_end();
}
