/* The pipelines as the analyst calls them: what is in a report, and that no fault ends in "safe". */
#include <fcntl.h>
#include <math.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "kit.h"
#include "media/mp4.h"
#include "report/json.h"
#include "scene.h"
#include "test.h"
#include "unit/media/clips.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static struct report *judge_fd(struct kit *k, struct arena *a, int fd, struct job_spec spec)
{
    struct report *r = report_new(a, &spec);

    analyse(&k->tools, &spec, (struct subject_fds){.media = fd, .artefact = -1}, r);
    return r;
}

static void count_progress(void *arg, int done, int planned)
{
    int *calls = arg;

    CHECK_INT(done, ++*calls);
    CHECK(planned > 0);
}

static void a_clip_gives_a_full_report(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(kit_clear) struct kit k = {0};
    CLEANUP(fd_closep) int fd = clip_mp4(640, 360, 48, 24, 1);
    struct report *r;
    int calls = 0;

    CHECK(kit_open(&k, NULL));
    k.tools.progress = count_progress;
    k.tools.progress_arg = &calls;
    r = judge_fd(&k, a, fd, job_spec_defaults());
    CHECK_INT(r->error.kind, ERR_NONE);
    CHECK_INT(r->media.width, 640);
    CHECK_INT(r->media.frames, 48);
    CHECK_NEAR(r->media.duration, 2, 0.05);
    CHECK_INT(r->sampling.width, 568);
    CHECK_INT(r->sampling.height, 320);
    CHECK_INT(r->sampling.judged, 6);
    CHECK_INT(r->sampling.planned, 6);
    CHECK_NEAR(r->sampling.fps, 6 / r->media.duration, 1e-9);
    CHECK_INT(r->nmoments, 6);
    CHECK_INT(calls, 6);
    CHECK_INT(r->nmodels, 1);
    CHECK_STR(r->models[0].name, "assay-detect");
    CHECK(report_score(r, "intrusion") && report_score(r, "person") && report_score(r, "nothing"));
    CHECK(risk_rank(r->verdict.risk) >= 0);
    CHECK(strstr(r->decoder, "libavcodec"));
    CHECK(r->decode_us > 0 && r->infer_us > 0 && r->total_us > 0);
}

/* ---- rendered clips ---- */

/* A clip of the scene renderer, 3 s, in a memfd; -1 when it cannot be made. */
static int rendered(const char *kind, const char *site, uint64_t seed)
{
    CLEANUP(scene_freep) struct scene *s = NULL;
    CLEANUP(mp4_freep) struct mp4_writer *out = NULL;
    CLEANUP(fd_closep) int fd = memfd_create("clip", MFD_CLOEXEC);
    struct scene_opts o = scene_opts_defaults();
    struct mp4_opts opts = mp4_opts_defaults();
    struct scene_frame frame;

    o.kind = kind;
    o.site = site;
    o.seed = seed;
    o.fps = 5;
    opts.width = o.width;
    opts.height = o.height;
    opts.rate_num = o.fps;
    if (scene_open(&s, &o, NULL) < 0 || mp4_open(&out, fd, &opts, NULL) < 0)
        return -1;
    while (scene_next(s, &frame))
        if (mp4_add(out, &frame.picture, NULL) < 0)
            return -1;
    return mp4_finish(out, NULL) < 0 ? -1 : TAKE_FD(fd);
}

/* The marked ground of a car park looks a little like a long vehicle to the small detector: shown at most,
 * never escalated. */
static void an_empty_car_park_is_no_intrusion(void)
{
    CLEANUP(kit_clear) struct kit k = {0};

    if (!mp4_can_encode())
        SKIP("this libavcodec has no H.264 encoder");
    CHECK(kit_open(&k, NULL));
    for (uint64_t seed = 1; seed <= 6; seed++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        CLEANUP(fd_closep) int fd = rendered("empty", "lot", seed);
        struct report *r = judge_fd(&k, a, fd, job_spec_defaults());

        CHECK_INT(r->error.kind, ERR_NONE);
        CHECK(report_score(r, "intrusion") && report_score(r, "intrusion")->value < 0.5);
        CHECK_INT(r->verdict.nlabels, 0);
        ROW("seed %d: %s", (int)seed, r->error.text);
    }
}

static void rain_is_named_in_the_report(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(kit_clear) struct kit k = {0};
    CLEANUP(fd_closep) int fd = -1;
    const struct score *rain;
    struct report *r;

    if (!mp4_can_encode())
        SKIP("this libavcodec has no H.264 encoder");
    CHECK(kit_open(&k, NULL));
    fd = rendered("rain", "yard", 1);
    r = judge_fd(&k, a, fd, job_spec_defaults());
    rain = report_score(r, "rain");
    CHECK(rain && rain->value > 0.5);
    CHECK_STR(rain ? rain->source : NULL, "motion/3");
    CHECK(report_score(r, "nothing") && report_score(r, "nothing")->value < 0.5);
}

/* ---- faults ---- */

static const char wav[] =
    "RIFF\x2c\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0data\x08\0\0\0\0\0\0\0\0\0\0";

static void no_fault_ends_in_a_verdict(void)
{
    static const struct {
        const char *what, *data;
        size_t n;
        const char *pipeline;
        int64_t deadline_ms;
        enum err_kind kind;
    } rows[] = {
        {"nothing", "", 0, "alarm", 60000, ERR_DECODE},
        {"not media", "hello, this is a text and no video at all", 40, "alarm", 60000, ERR_DECODE},
        {"sound only", wav, sizeof wav - 1, "alarm", 60000, ERR_NO_STREAM},
        {"no such pipeline", NULL, 0, "paint", 60000, ERR_UNSUPPORTED},
        {"no report to draw", NULL, 0, "annotate", 60000, ERR_INPUT},
        {"no time", NULL, 0, "alarm", 1, ERR_TIMEOUT},
        {"no time at all", NULL, 0, "alarm", 0, ERR_INPUT},
    };
    CLEANUP(kit_clear) struct kit k = {0};

    CHECK(kit_open(&k, NULL));
    for (size_t i = 0; i < LENGTH(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        CLEANUP(fd_closep)
        int fd = rows[i].data ? clip_of(rows[i].data, rows[i].n) : clip_mp4(320, 240, 60, 10, 1);
        struct job_spec spec = job_spec_defaults();
        struct report *r;

        spec.pipeline = rows[i].pipeline;
        spec.deadline_ms = rows[i].deadline_ms;
        r = judge_fd(&k, a, fd, spec);
        CHECK_STR(err_code(r->error.kind), err_code(rows[i].kind));
        CHECK(r->error.text[0] != '\0');
        CHECK_STR(r->verdict.risk, "");
        CHECK(!r->verdict.rule && !r->verdict.nlabels);
        CHECK(!report_score(r, "intrusion"));
        ROW("%s: %s", rows[i].what, r->error.text);
    }
}

static void parameters_out_of_range_are_refused(void)
{
    CLEANUP(kit_clear) struct kit k = {0};

    CHECK(kit_open(&k, NULL));
    for (int i = 0; i < 4; i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        CLEANUP(fd_closep) int fd = clip_mp4(64, 64, 3, 10, 1);
        struct job_spec spec = job_spec_defaults();
        struct report *r;

        spec.alarm.fps = i == 0 ? 0 : 3;
        spec.alarm.height = i == 1 ? 31 : 320;
        if (i == 2)
            spec.alarm.rule = (struct risk_rule){.low = 0.9, .high = 0.1, .label = 0.5};
        if (i == 3) /* above the card's own high threshold */
            spec.alarm.rule.low = 0.9;
        r = judge_fd(&k, a, fd, spec);
        CHECK_STR(err_code(r->error.kind), "bad_input");
        CHECK_STR(r->verdict.risk, "");
        ROW("%d", i);
    }
}

static void a_truncated_clip_is_judged_but_never_safe(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(kit_clear) struct kit k = {0};
    CLEANUP(fd_closep) int whole = -1, half = -1;
    CLEANUP(freep) uint8_t *data = NULL;
    struct report *r;
    size_t n;

    if (!clip_has("ffmpeg"))
        SKIP("no ffmpeg program to make the clip");
    whole = clip_ffmpeg("-f lavfi -i rgbtestsrc=s=320x240:r=10:d=6 -c:v mpeg4", ".mkv");
    CHECK(whole >= 0);
    data = clip_bytes(whole, &n);
    half = clip_of(data, n / 2);
    CHECK(kit_open(&k, NULL));
    r = judge_fd(&k, a, half, job_spec_defaults());
    CHECK(r->media.truncated);
    CHECK(r->sampling.judged > 0 && r->sampling.judged < 18);
    CHECK_INT(r->error.kind, ERR_DECODE); /* nobody is there, as far as it goes */
    CHECK_STR(r->verdict.risk, "");
    CHECK(!report_score(r, "intrusion"));
}

/* ---- parameters ---- */

static void the_number_of_frames_has_a_ceiling(void)
{
    static const struct {
        double fps;
        int max, judged;
    } rows[] = {{3, 600, 12}, {1, 600, 4}, {3, 5, 5}, {3, 1, 1}, {60, 600, 40}};
    CLEANUP(kit_clear) struct kit k = {0};

    CHECK(kit_open(&k, NULL));
    for (size_t i = 0; i < LENGTH(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        CLEANUP(fd_closep) int fd = clip_mp4(160, 120, 40, 10, 1);
        struct job_spec spec = job_spec_defaults();
        struct report *r;

        spec.alarm.fps = rows[i].fps;
        spec.alarm.max_frames = rows[i].max;
        r = judge_fd(&k, a, fd, spec);
        CHECK_INT(r->error.kind, ERR_NONE);
        CHECK_INT(r->sampling.judged, rows[i].judged);
        ROW("%zu: %s", i, r->error.text);
    }
}

static void the_rule_of_the_job_decides(void)
{
    static const struct {
        struct risk_rule rule;
        const char *risk;
    } rows[] = {
        {{.low = 0, .high = 0, .label = 0.5}, "intrusion"},
        {{.low = 0, .high = 1, .label = 0.5}, "danger"},
    };
    CLEANUP(kit_clear) struct kit k = {0};

    CHECK(kit_open(&k, NULL));
    for (size_t i = 0; i < LENGTH(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        CLEANUP(fd_closep) int fd = clip_mp4(160, 120, 10, 10, 1);
        struct job_spec spec = job_spec_defaults();
        struct report *r;

        spec.alarm.rule = rows[i].rule;
        r = judge_fd(&k, a, fd, spec);
        CHECK_STR(r->verdict.risk, rows[i].risk);
        CHECK_NEAR(r->verdict.thresholds.high, rows[i].rule.high, 0);
        ROW("%zu", i);
    }
}

/* ---- the deadline ---- */

/* Dozes past the deadline once so many frames are judged. */
struct doze {
    int after;
    int64_t until_us;
};

static void doze(void *arg, int done, int planned UNUSED)
{
    struct doze *d = arg;

    while (done == d->after && clock_mono_us() < d->until_us)
        usleep(10000);
}

/* A report that ends after so many frames: with a longer deadline when a busy machine did not come that far.
 */
static struct report *judge_until(struct kit *k, struct arena *a, const char *path, int frames)
{
    struct job_spec spec = job_spec_defaults();
    struct report *r = NULL;

    for (spec.deadline_ms = 1500; spec.deadline_ms < 60000; spec.deadline_ms *= 2) {
        struct doze d = {frames, clock_mono_us() + spec.deadline_ms * 1000 + 100000};
        k->tools.progress = doze;
        k->tools.progress_arg = &d;
        r = kit_judge(k, a, path, spec);
        if (r->sampling.judged == frames)
            break;
    }
    CHECK_INT(r->config.deadline_ms, spec.deadline_ms);
    return r;
}

/* What was judged until then comes back; what was seen was seen, and nothing seen is not "safe". */
static void the_deadline_leaves_a_part(void)
{
    static const struct {
        int after;
        const char *risk;
        bool seen;
    } rows[] = {{2, "", false}, {13, "intrusion", true}};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(kit_clear) struct kit k = {0};
    const char *root = getenv("ASSAY_ROOT");
    const char *path = arena_printf(a, "%s/tools/demo/alarm.mp4", root ? root : ".");
    struct report *whole, *r;

    CHECK(kit_open(&k, NULL));
    whole = kit_judge(&k, a, path, job_spec_defaults());
    CHECK_INT(whole->error.kind, ERR_NONE);
    for (size_t i = 0; i < LENGTH(rows); i++) {
        r = judge_until(&k, a, path, rows[i].after);
        CHECK_STR(err_code(r->error.kind), "timeout");
        CHECK_INT(r->sampling.judged, rows[i].after);
        CHECK_INT(r->nmoments, rows[i].after);
        CHECK_INT(r->sampling.planned, whole->sampling.judged);
        CHECK(r->nmoments > 1 && memcmp(r->moments, whole->moments, 2 * sizeof *r->moments) == 0);
        CHECK_STR(r->verdict.risk, rows[i].risk);
        CHECK_INT(r->nscores > 0, rows[i].seen);
        CHECK_INT(r->nfindings > 0, rows[i].seen);
        CHECK(r->config.alarm.rule.low > 0 && r->config.alarm.rule.low == whole->config.alarm.rule.low);
        ROW("%zu: %s", i, r->error.text);
    }
}

/* ---- other rules from the same scores ---- */

struct tally {
    int answered, asked, flipped;
};

/* Wherever a report says that it knows the risk under another rule, the whole analysis under it says the
 * same. */
static void compare_with_rules(struct kit *k, int fd, struct tally *t)
{
    static const double grid[] = {0.05, 0.2, 0.4, 0.8, 0.95};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct job_spec first = job_spec_defaults(), other = first;
    struct report *r = judge_fd(k, a, fd, first), *full;
    const char *risk;

    CHECK(r->reach.known);
    for (size_t low = 0; low < LENGTH(grid); low++)
        for (size_t high = low; high < LENGTH(grid); high += 2) {
            double label = low % 2 ? 0.4 : (double)NAN;
            other.alarm.rule = (struct risk_rule){.low = grid[low], .high = grid[high], .label = label};
            t->asked++;
            if (!report_answers(r, &first.alarm, &other.alarm, &risk))
                continue;
            full = judge_fd(k, a, fd, other);
            t->answered++;
            t->flipped += !text_is(risk, r->verdict.risk);
            CHECK_STR(full->verdict.risk, risk);
            CHECK_NEAR(report_score(full, "intrusion")->value, report_score(r, "intrusion")->value, 0);
            ROW("low %g, high %g", grid[low], grid[high]);
        }
}

static void scores_answer_for_other_rules(void)
{
    static const char *const kinds[] = {"person", "empty", "animal", "wind"};
    static const char *const real[] = {"people-detection.gif", "still_fox_ir.mp4"};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(kit_clear) struct kit k = {0};
    struct tally t = {0};

    if (!mp4_can_encode())
        SKIP("this libavcodec has no H.264 encoder");
    CHECK(kit_open(&k, NULL));
    for (size_t i = 0; i < LENGTH(kinds); i++) {
        CLEANUP(fd_closep) int fd = rendered(kinds[i], i % 2 ? "lot" : "yard", i + 1);
        compare_with_rules(&k, fd, &t);
        ROW("%s", kinds[i]);
    }
    for (size_t i = 0; i < LENGTH(real) && test_shared(); i++) {
        CLEANUP(fd_closep)
        int fd =
            open(arena_printf(a, "%s/data/media/video/%s", test_shared(), real[i]), O_RDONLY | O_CLOEXEC);
        compare_with_rules(&k, fd, &t);
        ROW("%s", real[i]);
    }
    printf("# %d of %d rules answered from the scores, %d with another risk\n", t.answered, t.asked,
           t.flipped);
    CHECK(t.answered > t.asked / 4 && t.flipped > 0);
}

/* What a report cannot know: other zones, a clip that breaks off, a job without a verdict, a card's threshold
 * which the job had put aside. */
static void scores_do_not_answer_for_everything(void)
{
    static const struct zone zone = {3, {{0, 0}, {1, 0}, {0, 1}}};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(kit_clear) struct kit k = {0};
    CLEANUP(fd_closep) int fd = clip_mp4(320, 240, 20, 10, 1);
    struct job_spec first = job_spec_defaults(), other = first;
    const char *risk = NULL;
    struct report *r;

    CHECK(kit_open(&k, NULL));
    first.alarm.rule.low = 0.25;
    r = judge_fd(&k, a, fd, first);
    CHECK_INT(r->error.kind, ERR_NONE);
    CHECK(report_answers(r, &first.alarm, &first.alarm, &risk));
    CHECK_STR(risk, r->verdict.risk);
    CHECK(!report_answers(r, &first.alarm, &other.alarm, &risk)); /* the card's low is not in the report */
    other.alarm = first.alarm;
    other.alarm.zones = &zone;
    other.alarm.nzones = 1;
    CHECK(!report_answers(r, &first.alarm, &other.alarm, &risk));
    r->media.truncated = true;
    CHECK(!report_answers(r, &first.alarm, &first.alarm, &risk));
    r->media.truncated = false;
    r->reach.known = false;
    CHECK(!report_answers(r, &first.alarm, &first.alarm, &risk));
    report_fail(r, &(struct err){ERR_DECODE, "why"});
    CHECK(!report_answers(r, &first.alarm, &first.alarm, &risk));
}

/* ---- real clips ---- */

static const char *real_clip(struct arena *a)
{
    return test_shared() ? arena_printf(a, "%s/data/media/video/store_aisle.mp4", test_shared()) : NULL;
}

static void zones_take_people_out(void)
{
    static const struct zone everywhere = {4, {{0, 0}, {1, 0}, {1, 1}, {0, 1}}};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(kit_clear) struct kit k = {0};
    struct job_spec spec = job_spec_defaults();
    struct report *with, *without;

    if (!test_shared())
        SKIP("no development data");
    CHECK(kit_open(&k, NULL));
    without = kit_judge(&k, a, real_clip(a), spec);
    spec.alarm.nzones = 1;
    spec.alarm.zones = &everywhere;
    with = kit_judge(&k, a, real_clip(a), spec);
    CHECK_STR(without->verdict.risk, "intrusion");
    CHECK_STR(with->verdict.risk, "safe");
    CHECK_NEAR(report_score(with, "intrusion")->value, 0, 0);
    CHECK(with->nfindings > 0);
    for (size_t i = 0; i < with->nfindings; i++)
        CHECK(with->findings[i].excluded);
}

static struct bytes without_times(struct arena *a, struct report *r)
{
    r->decode_us = r->infer_us = r->total_us = 0;
    return report_to_json(a, r);
}

static void the_same_clip_gives_the_same_report(void)
{
    static const char *const names[] = {"store_aisle.mp4", "people-detection.gif", "bgs_video.avi"};
    CLEANUP(kit_clear) struct kit k = {0};

    if (!test_shared())
        SKIP("no development data");
    CHECK(kit_open(&k, NULL));
    for (size_t i = 0; i < LENGTH(names); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        const char *path = arena_printf(a, "%s/data/media/video/%s", test_shared(), names[i]);
        struct bytes one = without_times(a, kit_judge(&k, a, path, job_spec_defaults()));
        struct bytes two = without_times(a, kit_judge(&k, a, path, job_spec_defaults()));

        CHECK(one.len > 200 && one.len == two.len && memcmp(one.data, two.data, one.len) == 0);
        ROW("%s", names[i]);
    }
}

static void a_report_is_drawn_over_its_clip(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(kit_clear) struct kit k = {0};
    CLEANUP(fd_closep) int in = -1, out = memfd_create("out", 0);
    struct job_spec spec = job_spec_defaults();
    struct report *r;
    char head[12] = "";

    if (!test_shared())
        SKIP("no development data");
    CHECK(kit_open(&k, NULL));
    r = kit_judge(&k, a, real_clip(a), spec);
    spec.pipeline = "annotate";
    spec.annotate.report = r;
    in = open(real_clip(a), O_RDONLY | O_CLOEXEC);
    r = report_new(a, &spec);
    analyse(&k.tools, &spec, (struct subject_fds){in, out}, r);
    if (r->error.kind == ERR_UNSUPPORTED)
        SKIP("this libavcodec has no H.264 encoder");
    CHECK_INT(r->error.kind, ERR_NONE);
    CHECK(pread(out, head, sizeof head, 0) == sizeof head && memcmp(head + 4, "ftyp", 4) == 0);
}

int main(void)
{
    RUN(a_clip_gives_a_full_report);
    RUN(an_empty_car_park_is_no_intrusion);
    RUN(rain_is_named_in_the_report);
    RUN(no_fault_ends_in_a_verdict);
    RUN(parameters_out_of_range_are_refused);
    RUN(a_truncated_clip_is_judged_but_never_safe);
    RUN(the_number_of_frames_has_a_ceiling);
    RUN(the_rule_of_the_job_decides);
    RUN(the_deadline_leaves_a_part);
    RUN(scores_answer_for_other_rules);
    RUN(scores_do_not_answer_for_everything);
    RUN(zones_take_people_out);
    RUN(the_same_clip_gives_the_same_report);
    RUN(a_report_is_drawn_over_its_clip);
    return test_end();
}
