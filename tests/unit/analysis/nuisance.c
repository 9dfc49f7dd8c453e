/* Nuisance scores: the tables and how they are read, what is absent, and clips rendered in a style and from
 * seeds that nothing was fitted to. */
#include "analysis/nuisance.h"

#include <math.h>
#include <stddef.h>

#include "analysis/nuisance_weights.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "scene.h"
#include "test.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

/* The score, -1 when it is absent. */
static double score_of(const struct nuisance_signs *signs, const char *label)
{
    struct nuisance_score scores[NUISANCE_MAX];
    size_t n = nuisance_scores(signs, scores);

    CHECK(n <= NUISANCE_MAX);
    for (size_t i = 0; i < n; i++)
        if (text_is(scores[i].label, label))
            return (double)scores[i].value;
    return -1;
}

static void the_tables_fit_the_signs(void)
{
    CHECK_INT(nuisance_features(), NUISANCE_FEATURES);
    for (size_t i = 0; i < nuisance_features(); i++)
        CHECK_STR(nuisance_feature_name(i), nuisance_inputs[i]);
    for (size_t i = 0; i < LENGTH(nuisance_heads); i++) {
        const struct nuisance_head *h = &nuisance_heads[i];

        CHECK(h->ntrees > 0 && h->scale > 0 && isfinite(h->offset));
        CHECK(i == 0 || strcmp(nuisance_heads[i - 1].label, h->label) < 0);
        for (size_t k = 0; k < h->ntrees; k++)
            for (size_t d = 0; d < NUISANCE_DEPTH; d++)
                CHECK(h->trees[k].feature[d] < NUISANCE_FEATURES);
        ROW("%s", h->label);
    }
}

/* The same sum, leaf by leaf, without the bits. */
static double slowly(const struct nuisance_head *h, const struct nuisance_signs *signs)
{
    double sum = 0;

    for (size_t k = 0; k < h->ntrees; k++) {
        const struct nuisance_tree *t = &h->trees[k];
        size_t from = 0, n = 1 << NUISANCE_DEPTH;

        for (int d = NUISANCE_DEPTH - 1; d >= 0; d--, n /= 2)
            from += nuisance_feature(signs, t->feature[d]) > t->from[d] ? n / 2 : 0;
        sum += (double)t->leaf[from];
    }
    return 1 / (1 + exp(-((double)h->scale * sum + (double)h->offset)));
}

/* Whatever the signs, a score is a number from 0 to 1: anything else would end the job. */
static void scores_stay_in_range(void)
{
    static const float extremes[] = {0, 1, -1, 0.3f, 1e6f, -1e6f, INFINITY, NAN};

    for (size_t i = 0; i < LENGTH(extremes); i++) {
        struct nuisance_signs s = {.motion.pictures = 100};
        float *motion = &s.motion.moving_share, *texture = &s.texture.staying.share;

        for (size_t k = 0;
             k < (sizeof s.motion - offsetof(struct motion_stats, moving_share)) / sizeof *motion; k++)
            motion[k] = extremes[i];
        for (size_t k = 0; k < sizeof s.texture / sizeof *texture; k++)
            texture[k] = extremes[i];
        for (size_t k = 0; k < LENGTH(nuisance_heads); k++) {
            double value = score_of(&s, nuisance_heads[k].label);
            CHECK(value >= 0 && value <= 1);
            CHECK_NEAR(value, slowly(&nuisance_heads[k], &s), 1e-4);
            ROW("%s at %g: %g", nuisance_heads[k].label, (double)extremes[i], value);
        }
    }
}

static void without_tables_or_pictures_there_is_no_score(void)
{
    static const char *const absent[] = {"nothing", "intrusion", "person", "vehicle", "animal"};
    struct nuisance_signs long_enough = {.motion.pictures = NUISANCE_LEAST_PICTURES},
                          too_short = {.motion.pictures = NUISANCE_LEAST_PICTURES - 1};
    struct nuisance_score scores[NUISANCE_MAX];

    for (size_t i = 0; i < LENGTH(absent); i++)
        CHECK(score_of(&long_enough, absent[i]) < 0);
    CHECK_INT(nuisance_scores(&long_enough, scores), LENGTH(nuisance_heads));
    CHECK_INT(nuisance_scores(&too_short, scores), 0);
    CHECK_INT(nuisance_scores(&(struct nuisance_signs){0}, scores), 0);
}

/* ---- rendered clips ---- */

static const struct clip {
    const char *kind, *with;
} clips[] = {
    {"rain", NULL},   {"wind", NULL},  {"plant", NULL},      {"flag", NULL},
    {"spider", NULL}, {"web", NULL},   {"text", NULL},       {"insect", NULL},
    {"shake", NULL},  {"light", NULL}, {"person", NULL},     {"vehicle", NULL},
    {"animal", NULL}, {"near", NULL},  {"person-far", NULL}, {"empty", NULL},
};
enum { EACH = 2, CLIPS = LENGTH(clips) * EACH };

/* A clip as the pipeline samples it, three pictures per second of 320 lines; not compressed. */
static struct nuisance_signs signs_of(const struct clip *c, uint64_t seed, bool night)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(scene_freep) struct scene *s = NULL;
    struct scene_opts o = scene_opts_defaults();
    struct motion *m = motion_new(a, 426, 320);
    struct texture *t = texture_new(a, 426, 320);
    struct region regions[MOTION_MAX_REGIONS];
    struct scene_frame f;

    o.kind = c->kind;
    o.with = c->with;
    o.style = "second";
    o.seed = seed;
    o.night = night;
    o.width = 426;
    o.height = 320;
    o.seconds = 3;
    o.fps = 3;
    CHECK_INT(scene_open(&s, &o, NULL), 0);
    while (s && scene_next(s, &f)) {
        size_t n = motion_next(m, &f.picture, 1 / 3.0, regions);
        texture_next(t, m, &f.picture, regions, n);
    }
    return (struct nuisance_signs){motion_stats(m), texture_stats(t)};
}

/* 1 shows it, 0 does not, -1 says nothing: what training says, too. */
static int shows(const char *label, const char *kind)
{
    static const char *const others[] = {"insect", "shake", "light"};

    for (size_t i = 0; i < LENGTH(others); i++)
        if (text_is(kind, others[i]) && text_is(label, "other"))
            return 1;
    if ((text_is(label, "wind") && (text_is(kind, "plant") || text_is(kind, "flag"))) ||
        (text_is(label, "plant") && text_is(kind, "wind")) ||
        (text_is(label, "spider") && text_is(kind, "insect")))
        return -1;
    return text_is(label, kind);
}

/* Pairs of a clip that shows it and one that does not, in the right order. */
static double area_of(const char *label, const struct nuisance_signs *signs)
{
    double right = 0, pairs = 0;

    for (size_t i = 0; i < CLIPS; i++)
        for (size_t k = 0; k < CLIPS; k++) {
            double a, b;
            if (shows(label, clips[i / EACH].kind) != 1 || shows(label, clips[k / EACH].kind) != 0)
                continue;
            a = score_of(&signs[i], label);
            b = score_of(&signs[k], label);
            right += a > b ? 1 : a == b ? 0.5 : 0;
            pairs++;
        }
    return pairs > 0 ? right / pairs : 0;
}

static int false_fires(const char *label, const struct nuisance_signs *signs)
{
    int n = 0;

    for (size_t i = 0; i < CLIPS; i++)
        n += shows(label, clips[i / EACH].kind) == 0 && score_of(&signs[i], label) >= 0.5;
    return n;
}

/* Few clips, so the bounds are lower than what docs/accuracy.md tells. */
static void another_style_is_told_apart(void)
{
    static struct nuisance_signs signs[CLIPS];

    for (size_t i = 0; i < CLIPS; i++)
        signs[i] = signs_of(&clips[i / EACH], 9000 + i, i % EACH == 1);
    for (size_t i = 0; i < LENGTH(nuisance_heads); i++) {
        const char *label = nuisance_heads[i].label;
        double area = area_of(label, signs);
        int fires = false_fires(label, signs);

        printf("# %s: area %.3f, %d false\n", label, area, fires);
        CHECK(area >= 0.8);
        CHECK(fires <= 3);
        ROW("%s: area %.3f, %d false", label, area, fires);
    }
}

int main(void)
{
    RUN(the_tables_fit_the_signs);
    RUN(scores_stay_in_range);
    RUN(without_tables_or_pictures_there_is_no_score);
    RUN(another_style_is_told_apart);
    return test_end();
}
