/* Real clips through pipeline "scenes", with and without the development models. */
#include <math.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "kit.h"
#include "report/json.h"
#include "test.h"

static struct kit kit, bare;
static bool ready;

static const char *clip(struct arena *a, const char *name)
{
    const char *shared = getenv("ASSAY_SHARED");

    return arena_printf(a, "%s/data/media/video/%s", shared ? shared : "", name);
}

static struct report *judge(struct arena *a, struct kit *k, const char *name, struct job_spec spec)
{
    spec.pipeline = "scenes";
    return kit_judge(k, a, clip(a, name), spec);
}

static void print_people(const struct scenery *s)
{
    for (size_t i = 0; i < s->nconstellations; i++) {
        const struct constellation *c = &s->constellations[i];
        printf("#   people %.2f-%.2f:", c->time.start, c->time.end);
        for (size_t k = 0; k < c->n; k++) {
            const struct person *p = &s->people[c->seen[k].person];
            printf(" no %d (%.2f, age %.0f, gender %d)", c->seen[k].person, c->seen[k].prominence, p->age,
                   (int)p->gender);
        }
        printf("\n");
    }
}

static void print(const char *name, const struct report *r)
{
    const struct scenery *s = r->scenery;

    printf("# %s: %.2f s, %s, %d samples, decode %.0f ms, models %.0f ms\n", name, r->media.duration,
           r->error.kind ? r->error.text : "ok", r->sampling.judged, (double)r->decode_us / 1e3,
           (double)r->infer_us / 1e3);
    if (!s)
        return;
    for (size_t i = 0; i < s->nshots; i++)
        printf("#   shot %.2f-%.2f (%d)\n", s->shots[i].time.start, s->shots[i].time.end,
               (int)s->shots[i].begin);
    print_people(s);
    for (size_t i = 0; i < s->ntexts; i++)
        printf("#   text %.2f-%.2f \"%s\" %s %.2f\n", s->texts[i].time.start, s->texts[i].time.end,
               s->texts[i].words, s->texts[i].language ? s->texts[i].language : "-", s->texts[i].confidence);
    for (size_t i = 0; i < s->nsections; i++)
        printf("#   section %s %.2f, activity %.2f, best at %.2f, %zu segments\n", s->sections[i].tag,
               s->sections[i].confidence, s->sections[i].activity, s->sections[i].best_pts,
               s->sections[i].nsegments);
}

/* From 0 to the end, without a gap. */
static void check_contiguous(const struct report *r)
{
    const struct scenery *s = r->scenery;

    CHECK(s && s->has_shots && s->nshots > 0);
    CHECK_NEAR(s->shots[0].time.start, 0, 1e-9);
    for (size_t i = 1; i < s->nshots; i++)
        CHECK_NEAR(s->shots[i].time.start, s->shots[i - 1].time.end, 1e-9);
    CHECK(fabs(s->shots[s->nshots - 1].time.end - r->media.duration) < 0.2);
    CHECK(s->nactivity <= SCENERY_MAX_ACTIVITY);
}

/* What is not there is not looked for, and not claimed to be absent. */
static void without_models_there_are_shots_and_activity(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct report *r;

    if (!test_shared())
        SKIP("no development data");
    r = judge(a, &bare, "four_shots.mp4", job_spec_defaults());
    print("four_shots.mp4", r);
    CHECK_INT(r->error.kind, ERR_NONE);
    check_contiguous(r);
    CHECK(!r->scenery->has_people && !r->scenery->has_texts && !r->scenery->has_sections &&
          !r->scenery->has_tags);
    CHECK(r->scenery->activity_step > 0 && r->scenery->nactivity > 0);
}

static void real_clips_have_a_timeline(void)
{
    static const char *const names[] = {"four_shots.mp4", "scene_cuts.mp4", "onscreen_text.mov",
                                        "mma_demo.mp4",   "carphone.mp4",   "head-female.gif",
                                        "classroom.mp4"};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct job_spec spec = job_spec_defaults();
    struct report *back;
    struct err err = {0};

    if (!ready)
        SKIP("no development models");
    spec.scenes.embeddings = spec.scenes.age_gender = spec.scenes.thumbnails = true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct report *r = judge(a, &kit, names[i], spec);
        print(names[i], r);
        CHECK_INT(r->error.kind, ERR_NONE);
        check_contiguous(r);
        CHECK(r->scenery->has_people && r->scenery->has_texts && r->scenery->has_sections &&
              !r->scenery->has_tags);
        CHECK(report_from_json(a, report_to_json(a, r), &back, &err) == 0);
        CHECK_STR(err.text, "");
        ROW("%s", names[i]);
    }
}

static void same_clip_same_report(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct job_spec spec = job_spec_defaults();
    struct report *r[2];

    if (!ready)
        SKIP("no development models");
    spec.scenes.embeddings = spec.scenes.age_gender = spec.scenes.thumbnails = true;
    for (int i = 0; i < 2; i++) {
        r[i] = judge(a, &kit, "carphone.mp4", spec);
        r[i]->decode_us = r[i]->infer_us = r[i]->total_us = 0;
    }
    CHECK_STR((const char *)report_to_json(a, r[0]).data, (const char *)report_to_json(a, r[1]).data);
}

/* The job fails, and what was seen until then is in the report. */
static void the_deadline_leaves_what_was_seen(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct job_spec spec = job_spec_defaults();
    struct report *r;

    if (!ready)
        SKIP("no development models");
    spec.deadline_ms = 150;
    r = judge(a, &kit, "classroom.mp4", spec);
    print("classroom.mp4 in 150 ms", r);
    CHECK_INT(r->error.kind, ERR_TIMEOUT);
    CHECK(r->total_us < 2000000);
}

static void what_could_not_be_loaded_is_no_silence(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct kit broken = bare;
    struct report *r;

    broken.tools.scenes.problem.kind = ERR_MODEL;
    r = judge(a, &broken, "four_shots.mp4", job_spec_defaults());
    CHECK_INT(r->error.kind, ERR_MODEL);
    CHECK(!r->scenery);
}

int main(void)
{
    ready = kit_open(&kit, NULL) && kit_add_scenes(&kit);
    CHECK(kit_open(&bare, NULL));
    RUN(without_models_there_are_shots_and_activity);
    RUN(real_clips_have_a_timeline);
    RUN(same_clip_same_report);
    RUN(the_deadline_leaves_what_was_seen);
    RUN(what_could_not_be_loaded_is_no_silence);
    kit_clear(&bare);
    kit_clear(&kit);
    return test_end();
}
