/* The accuracy promise, on the development clips with known content: no clip that shows a person or a vehicle
 * may be "safe". With YOLOX-nano, no clip without them may be an "intrusion" either; with the small built-in
 * model such false alarms are only counted. No clip is taken for a nuisance that it plainly does not show.
 * The table goes to docs/accuracy.md.
 *
 *     ASSAY_SHARED=DIR ASSAY_ROOT=. build/tests/unit/unit-analysis-real_clips */
#include "base/cleanup.h"
#include "base/cpu.h"
#include "base/text.h"
#include "infer/variant.h"
#include "kit.h"
#include "test.h"

/* Truth from the list of the clips, checked by looking at them. moonwalk.01.avi is left out: nobody can say
 * what it shows. */
enum truth { EMPTY, SOMEBODY };
static const struct clip {
    const char *name;
    enum truth truth;

} clips[] = {
    {"asl_walk.mkv", SOMEBODY},
    {"asl_yes.mkv", SOMEBODY},
    {"bgs_demo.avi", SOMEBODY},
    {"bgs_video.avi", SOMEBODY},
    {"bikes.mp4", SOMEBODY},
    {"car-detection.mp4", SOMEBODY},
    {"carphone.mp4", SOMEBODY},
    {"classroom.mp4", SOMEBODY},
    {"faces-walking.gif", SOMEBODY},
    {"four_shots.mp4", SOMEBODY},
    {"head-female.gif", SOMEBODY},
    {"mma_demo.mp4", SOMEBODY},
    {"mma_structuralize.mp4", SOMEBODY},
    {"mmtrack_demo.mp4", SOMEBODY},
    {"onscreen_text.mov", SOMEBODY},
    {"people-detection.gif", SOMEBODY},
    {"person-bicycle-car.gif", SOMEBODY},
    {"person_in_room.avi", SOMEBODY},
    {"scene_cuts.mp4", SOMEBODY},
    {"still_dog.mp4", SOMEBODY},
    {"store_aisle.mp4", SOMEBODY},
    {"worker_zone.mp4", SOMEBODY},
    {"bigbuckbunny.mp4", EMPTY},
    {"conveyor_fruit.mp4", EMPTY},
    {"echo-hereweare.webm", EMPTY},
    {"empty_scene_ir.mp4", EMPTY},
    {"newtonscradle.gif", EMPTY},
    {"realshort.mp4", EMPTY},
    {"still_fox_ir.mp4", EMPTY},
};

struct count {
    int missed, false_alarms, dangers, judged, nuisances;
};

static double score(const struct report *r, const char *label)
{
    const struct score *s = report_score(r, label);

    return s ? s->value : -1;
}

/* Where it is not plain that a nuisance is absent: the list of models/train/train_nuisance.py. */
static const struct {
    const char *label, *clip;
} unclear[] = {
    {"plant", "realshort.mp4"},      {"plant", "bigbuckbunny.mp4"},   {"wind", "realshort.mp4"},
    {"wind", "bigbuckbunny.mp4"},    {"other", "bigbuckbunny.mp4"},   {"other", "echo-hereweare.webm"},
    {"other", "newtonscradle.gif"},  {"other", "conveyor_fruit.mp4"}, {"other", "realshort.mp4"},
    {"other", "still_dog.mp4"},      {"other", "still_fox_ir.mp4"},   {"text", "onscreen_text.mov"},
    {"text", "echo-hereweare.webm"},
};

static bool is_plain(const char *label, const char *clip)
{
    for (size_t i = 0; i < sizeof unclear / sizeof unclear[0]; i++)
        if (text_is(unclear[i].label, label) && text_is(unclear[i].clip, clip))
            return false;
    return true;
}

static int false_nuisances(const struct clip *c, const struct report *r)
{
    static const char *const labels[] = {"flag", "other", "plant", "rain", "spider", "text", "web", "wind"};
    int n = 0;

    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++)
        if (score(r, labels[i]) >= 0.5) {
            printf("# %s: %s %.2f%s\n", c->name, labels[i], score(r, labels[i]),
                   is_plain(labels[i], c->name) ? "" : " (may be so)");
            n += is_plain(labels[i], c->name);
        }
    return n;
}

static void print_row(const struct clip *c, const struct report *r)
{
    printf("# | %s | %s | %.2f | %.2f | %.2f | %.2f | %s | %d | %lld | %lld |\n", c->name,
           c->truth == SOMEBODY ? "yes" : "no", score(r, "person"), score(r, "vehicle"), score(r, "animal"),
           score(r, "intrusion"), r->error.kind ? err_code(r->error.kind) : r->verdict.risk,
           r->sampling.judged, (long long)r->decode_us / 1000, (long long)r->infer_us / 1000);
}

static void judge_one(struct kit *k, const struct clip *c, struct count *sum)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct report *r = kit_judge(k, a, arena_printf(a, "%s/data/media/video/%s", test_shared(), c->name),
                                 job_spec_defaults());

    print_row(c, r);
    CHECK(r->error.kind == ERR_NONE);
    ROW("%s: %s", c->name, r->error.text);
    sum->judged++;
    sum->missed += c->truth == SOMEBODY && text_is(r->verdict.risk, "safe");
    sum->false_alarms += c->truth == EMPTY && text_is(r->verdict.risk, "intrusion");
    sum->nuisances += false_nuisances(c, r);
    sum->dangers += c->truth == EMPTY && text_is(r->verdict.risk, "danger");
}

static struct count judge_all(struct kit *k)
{
    struct count sum = {0};

    printf("# | clip | person or vehicle | person | vehicle | animal | intrusion | risk | frames | decode ms "
           "| infer ms |\n");
    printf("# |---|---|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < sizeof clips / sizeof clips[0]; i++)
        judge_one(k, &clips[i], &sum);
    printf("# %s: %d clips, %d missed, %d false intrusions, %d empty ones shown as danger\n", k->card.name,
           sum.judged, sum.missed, sum.false_alarms, sum.dangers);
    return sum;
}

static void built_in_model_misses_nobody_and_sees_no_nuisance(void)
{
    CLEANUP(kit_clear) struct kit k = {0};
    struct count sum;

    if (!test_shared())
        SKIP("no development data");
    CHECK(kit_open(&k, NULL));
    if (!k.model)
        return;
    sum = judge_all(&k);
    CHECK_INT(sum.missed, 0);
    CHECK_INT(sum.nuisances, 0);
}

static void its_variant_misses_nobody_and_sees_no_nuisance(void)
{
    CLEANUP(kit_clear) struct kit k = {0};
    struct count sum;

    if (!test_shared())
        SKIP("no development data");
    CHECK(kit_open(&k, NULL));
    if (!variant_choose(&k.card, cpu_features()))
        SKIP("the built-in detector has no variant for this processor");
    CHECK(kit_use_variant(&k));
    if (!k.model)
        return;
    sum = judge_all(&k);
    CHECK_INT(sum.missed, 0);
    CHECK_INT(sum.nuisances, 0);
}

static void yolox_nano_misses_nobody_and_raises_no_false_intrusion(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(kit_clear) struct kit k = {0};
    char dir[] = "/tmp/assay-yolox-XXXXXX";
    const char *card = mkdtemp(dir) ? kit_yolox_card(a, dir) : NULL;
    struct count sum;

    if (!card)
        SKIP("no development data");
    CHECK(kit_open(&k, card));
    kit_yolox_remove(a, dir);
    if (!k.model)
        return;
    sum = judge_all(&k);
    CHECK_INT(sum.missed, 0);
    CHECK_INT(sum.false_alarms, 0);
}

int main(void)
{
    RUN(built_in_model_misses_nobody_and_sees_no_nuisance);
    RUN(its_variant_misses_nobody_and_sees_no_nuisance);
    RUN(yolox_nano_misses_nobody_and_raises_no_false_intrusion);
    return test_end();
}
