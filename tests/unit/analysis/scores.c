/* From sightings to verdict: aggregation, parked vehicles, zones, motion as evidence, labels. */
#include "analysis/scores.h"

#include <math.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "test.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static const struct card_concept concepts[] = {{"person", {0}}, {"vehicle", {0}}, {"animal", {0}}};
enum { PERSON, VEHICLE, ANIMAL };
static const struct card_label labels[] = {{"man", "person", 0}, {"car", "vehicle", 0}, {"cat", "animal", 0}};
static const struct card card = {
    .name = "made", .nlabels = 3, .labels = labels, .nconcepts = 3, .concepts = concepts};
static const struct risk_rule rule = {.low = 0.2, .high = 0.8, .label = 0.5};

struct seen {
    int moment, concept;
    float score;
    bool excluded, parked;
};

static struct report *report_of(struct arena *a, int moments, const struct seen *seen, size_t n,
                                struct sightings *ret)
{
    struct job_spec spec = job_spec_defaults();
    struct report *r = report_new(a, &spec);

    *ret = (struct sightings){0};
    for (int i = 0; i < moments; i++)
        report_add_moment(r, i, i);
    for (size_t i = 0; i < n && seen[i].score > 0; i++)
        ARENA_PUSH(a, ret->all, ret->n, ret->cap) = (struct sighting){.moment = seen[i].moment,
                                                                      .concept = &concepts[seen[i].concept],
                                                                      .score = seen[i].score,
                                                                      .excluded = seen[i].excluded,
                                                                      .moves = !seen[i].parked};
    return r;
}

static void clip_scores_follow_the_sightings(void)
{
    static const struct {
        const char *what;
        int moments;
        struct seen seen[4];
        double intrusion, person, vehicle, animal, nothing;
        const char *risk;
        const char *first_label;
    } rows[] = {
        {"nothing seen", 3, {{0}}, 0, 0, 0, 0, 1, "safe", NULL},
        {"a person in two of three frames",
         3,
         {{0, PERSON, 0.75f, 0, 0}, {2, PERSON, 1, 0, 0}},
         0.875,
         0.875,
         0,
         0,
         0.125,
         "intrusion",
         "intrusion"},
        {"in one frame of three", 3, {{1, PERSON, 0.75f, 0, 0}}, 0.375, 0.375, 0, 0, 0.625, "danger", NULL},
        {"in the only frame", 1, {{0, PERSON, 0.75f, 0, 0}}, 0.75, 0.75, 0, 0, 0.25, "danger", "intrusion"},
        {"two in one frame are not two frames",
         3,
         {{1, PERSON, 0.75f, 0, 0}, {1, PERSON, 0.75f, 0, 0}},
         0.375,
         0.375,
         0,
         0,
         0.625,
         "danger",
         NULL},
        {"excluded", 2, {{0, PERSON, 1, 1, 0}, {1, PERSON, 1, 1, 0}}, 0, 0, 0, 0, 1, "safe", NULL},
        {"a moving vehicle",
         2,
         {{0, VEHICLE, 1, 0, 0}, {1, VEHICLE, 1, 0, 0}},
         1,
         0,
         1,
         0,
         0,
         "intrusion",
         "intrusion"},
        {"a parked vehicle is shown, no intrusion",
         2,
         {{0, VEHICLE, 1, 0, 1}, {1, VEHICLE, 1, 0, 1}},
         0.5,
         0,
         1,
         0,
         0,
         "danger",
         "intrusion"},
        {"a weak parked vehicle is not made safer",
         2,
         {{0, VEHICLE, 0.25f, 0, 1}, {1, VEHICLE, 0.25f, 0, 1}},
         0.25,
         0,
         0.25,
         0,
         0.75,
         "danger",
         NULL},
        {"a person who stands still counts",
         2,
         {{0, PERSON, 1, 0, 1}, {1, PERSON, 1, 0, 1}},
         1,
         1,
         0,
         0,
         0,
         "intrusion",
         "intrusion"},
        {"an animal is no intrusion",
         2,
         {{0, ANIMAL, 1, 0, 0}, {1, ANIMAL, 1, 0, 0}},
         0,
         0,
         0,
         1,
         0,
         "safe",
         "animal"},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct sightings s;
        struct report *r = report_of(a, rows[i].moments, rows[i].seen, LENGTH(rows[i].seen), &s);

        CHECK_INT(scores_add(r, &card, &rule, &s, NULL), 0);
        CHECK_INT(scores_decide(r, &rule, NULL), 0);
        CHECK_NEAR(report_score(r, "intrusion")->value, rows[i].intrusion, 1e-6);
        CHECK_NEAR(report_score(r, "person")->value, rows[i].person, 1e-6);
        CHECK_NEAR(report_score(r, "vehicle")->value, rows[i].vehicle, 1e-6);
        CHECK_NEAR(report_score(r, "animal")->value, rows[i].animal, 1e-6);
        CHECK_NEAR(report_score(r, "nothing")->value, rows[i].nothing, 1e-6);
        CHECK_STR(r->verdict.risk, rows[i].risk);
        CHECK_STR(r->verdict.rule, "alarm/1");
        if (rows[i].first_label)
            CHECK_STR(r->verdict.nlabels ? r->verdict.labels[0] : NULL, rows[i].first_label);
        else
            CHECK_INT(r->verdict.nlabels, 0);
        CHECK(!report_score(r, "rain"));
        ROW("%s", rows[i].what);
    }
}

static void nuisance_explains_and_never_lowers(void)
{
    static const struct seen seen[] = {{0, PERSON, 0.75f, 0, 0}, {1, PERSON, 0.75f, 0, 0}};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct sightings s;
    struct report *r = report_of(a, 2, seen, LENGTH(seen), &s);

    report_add_score(r, "rain", 0.9, "motion/3");
    CHECK_INT(scores_add(r, &card, &rule, &s, NULL), 0);
    CHECK_INT(scores_decide(r, &rule, NULL), 0);
    CHECK_NEAR(report_score(r, "intrusion")->value, 0.75, 1e-6);
    CHECK_NEAR(report_score(r, "nothing")->value, 0.1, 1e-6);
    CHECK_STR(r->verdict.risk, "danger");
    CHECK_INT(r->verdict.nlabels, 3);
    CHECK_STR(r->verdict.labels[2], "rain");
}

/* Whatever is said of the clip beside, somebody who was seen stays seen: by the person, by the vehicle, at
 * every height of the nuisance. */
static void no_nuisance_lowers_an_intrusion(void)
{
    static const char *const nuisances[] = {"flag",   "other", "plant", "rain",
                                            "spider", "text",  "web",   "wind"};
    static const struct seen seen[][2] = {{{0, PERSON, 0.85f, 0, 0}, {1, PERSON, 0.9f, 0, 0}},
                                          {{0, VEHICLE, 0.4f, 0, 0}, {1, VEHICLE, 0.3f, 0, 0}},
                                          {{0, PERSON, 0.25f, 0, 0}, {1, PERSON, 0.21f, 0, 0}}};
    static const double heights[] = {0, 0.5, 0.9, 1};

    for (size_t k = 0; k < LENGTH(seen); k++) {
        double intrusion = -1;
        const char *risk = NULL;
        for (size_t h = 0; h < LENGTH(heights); h++) {
            CLEANUP(arena_freep) struct arena *a = arena_new();
            struct sightings s;
            struct report *r = report_of(a, 2, seen[k], 2, &s);

            for (size_t i = 0; i < LENGTH(nuisances); i++)
                report_add_score(r, nuisances[i], heights[h], "motion/3");
            CHECK_INT(scores_add(r, &card, &rule, &s, NULL), 0);
            CHECK_INT(scores_decide(r, &rule, NULL), 0);
            if (h == 0) {
                intrusion = report_score(r, "intrusion")->value;
                risk = text_is(r->verdict.risk, "intrusion") ? "intrusion" : "danger";
            }
            CHECK_NEAR(report_score(r, "intrusion")->value, intrusion, 0);
            CHECK_STR(r->verdict.risk, risk);
            ROW("seen %zu, nuisances %g", k, heights[h]);
        }
    }
}

static void a_broken_score_is_an_error(void)
{
    static const float broken[] = {NAN, 1.5f, INFINITY};

    for (size_t i = 0; i < LENGTH(broken); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct err err = {0};
        struct sightings s;
        struct seen seen[] = {{0, PERSON, 0.5f, 0, 0}};
        struct report *r = report_of(a, 1, seen, 1, &s);

        s.all[0].score = broken[i];
        CHECK_INT(scores_add(r, &card, &rule, &s, &err), -1);
        CHECK(err.kind == ERR_INTERNAL);
        ROW("%zu", i);
    }
}

static void no_intrusion_score_no_verdict(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct job_spec spec = job_spec_defaults();
    struct report *r = report_new(a, &spec);
    struct err err = {0};

    report_add_score(r, "person", 0, "made");
    CHECK_INT(scores_decide(r, &rule, &err), -1);
    CHECK(err.kind == ERR_INTERNAL);
    CHECK_STR(r->verdict.risk, "");
}

static void labels_are_alphabetical_without_nothing_and_other(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct job_spec spec = job_spec_defaults();
    struct report *r = report_new(a, &spec);

    report_add_score(r, "vehicle", 0.9, "made");
    report_add_score(r, "other", 0.9, "made");
    report_add_score(r, "nothing", 0.9, "made");
    report_add_score(r, "animal", 0.5, "made");
    report_add_score(r, "rain", 0.49, "made");
    report_add_score(r, "intrusion", 0.9, "made");
    CHECK_INT(scores_decide(r, &rule, NULL), 0);
    CHECK_INT(r->verdict.nlabels, 3);
    CHECK_STR(r->verdict.labels[0], "animal");
    CHECK_STR(r->verdict.labels[1], "intrusion");
    CHECK_STR(r->verdict.labels[2], "vehicle");
}

static void motion_lifts_a_weak_score_to_danger_and_no_higher(void)
{
    static const struct {
        float score, fit, want;
    } rows[] = {
        {0.15f, 0.29f, 0.15f},
        {0.15f, 0.3f, 0.260870f},
        {0.15f, 1, 0.260870f},
        {0.3f, 1, 0.35f},
        {0.35f, 1, 0.35f},
        {0.9f, 1, 0.9f},
        {0, 1, 0},
        {0.05f, 1, 0.095238f},
    };
    struct reach reach = reach_any();

    for (size_t i = 0; i < LENGTH(rows); i++) {
        CHECK_NEAR((double)score_with_motion(rows[i].score, rows[i].fit, &rule, &reach), (double)rows[i].want,
                   1e-5);
        ROW("%zu", i);
    }
}

static void findings_are_sorted_and_weak_ones_left_out(void)
{
    static const struct seen seen[] = {
        {2, PERSON, 0.9f, 0, 0}, {0, ANIMAL, 0.3f, 0, 0}, {0, PERSON, 0.19f, 0, 0}, {0, VEHICLE, 0.4f, 1, 0}};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct sightings s;
    struct report *r = report_of(a, 3, seen, LENGTH(seen), &s);

    scores_add_findings(r, &rule, &s);
    CHECK_INT(r->nfindings, 3);
    CHECK_STR(r->findings[0].label, "vehicle");
    CHECK(r->findings[0].excluded);
    CHECK_STR(r->findings[1].label, "animal");
    CHECK_INT(r->findings[2].moment, 2);
}

int main(void)
{
    RUN(clip_scores_follow_the_sightings);
    RUN(nuisance_explains_and_never_lowers);
    RUN(no_nuisance_lowers_an_intrusion);
    RUN(a_broken_score_is_an_error);
    RUN(no_intrusion_score_no_verdict);
    RUN(labels_are_alphabetical_without_nothing_and_other);
    RUN(motion_lifts_a_weak_score_to_danger_and_no_higher);
    RUN(findings_are_sorted_and_weak_ones_left_out);
    return test_end();
}
