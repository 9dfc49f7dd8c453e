#include "made.h"

#include <math.h>
#include <string.h>

#include "base/text.h"

static const char sha[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

static struct job_spec spec_of(const char *pipeline)
{
    struct job_spec spec = job_spec_defaults();

    spec.pipeline = pipeline;
    text_copy(spec.subject.sha256, sizeof spec.subject.sha256, sha);
    spec.subject.size = 4200000;
    spec.subject.name = "made";
    return spec;
}

static struct report *made(struct arena *a, const struct job_spec *spec)
{
    struct report *r = report_new(a, spec);

    report_add_model(r, &(struct model_ref){"yunet", "1", "faces", sha, sha});
    r->decoder = "libavcodec 59";
    r->runtime = "ONNX Runtime 1.30.0";
    r->program = (struct program_ref){"0.1.0", "0123456789ab"};
    report_set_config(
        r, &(struct configuration){.scenes_known = true, .scenes = spec->scenes, .deadline_ms = 1});
    r->decode_us = 500000, r->infer_us = 1000000, r->total_us = 1500000;
    return r;
}

static void *copy(struct arena *a, const void *of, size_t size)
{
    return memcpy(arena_alloc(a, size), of, size);
}
#define COPY(a, ...) copy((a), &(__VA_ARGS__), sizeof(__VA_ARGS__))

static struct constellation seen(struct arena *a, double start, double end, int first, int second)
{
    struct appearance both[] = {{first, second < 0 ? 1 : 0.75}, {second, 0.25}};

    return (struct constellation){{start, end}, (first >= 0) + (second >= 0), COPY(a, both)};
}

static struct scenery *scenery_of(struct arena *a)
{
    struct shot shots[] = {{{0, 5.2}, SHOT_START}, {{5.2, 10}, SHOT_CUT}, {{10, 12}, SHOT_GRADUAL}};
    float activity[] = {0.01f, 0.01f, 0.02f, 0.01f, 0.3f, 0.02f, 0.02f, 0.08f, 0, 0, 0.01f};
    struct person people[] = {{.age = 34, .gender = GENDER_FEMALE, .listed = LISTED_YES},
                              {.age = (double)NAN, .gender = GENDER_UNIDENTIFIED}};
    struct constellation constellations[] = {seen(a, 0, 3, 0, -1), seen(a, 3, 5.2, 0, 1),
                                             seen(a, 5.2, 9, -1, -1), seen(a, 9, 12, 1, -1)};
    struct scene_text texts[] = {{"Entrance -> Lobby", "en", 0.93, {0, 5.2}, {0, 0, 1, 1}},
                                 {"EXIT", NULL, 0.71, {6, 8}, {0, 0, 1, 1}}};
    struct segment twice[] = {{0, 5.2}, {10, 12}}, once[] = {{5.2, 10}};
    struct section sections[] = {{"street", false, 0.82, 0.4, 1.5, 2, COPY(a, twice)},
                                 {"weapon", true, 0.61, 1, 7, 1, COPY(a, once)}};
    struct scenery s = {
        .has_shots = true,
        .has_people = true,
        .has_texts = true,
        .has_sections = true,
        .nshots = 3,
        .shots = COPY(a, shots),
        .activity_step = 1,
        .nactivity = COUNT_OF(activity),
        .activity = COPY(a, activity),
        .npeople = 2,
        .people = COPY(a, people),
        .nconstellations = 4,
        .constellations = COPY(a, constellations),
        .ntexts = 2,
        .texts = COPY(a, texts),
        .nsections = 2,
        .sections = COPY(a, sections),
    };

    return COPY(a, s);
}

struct report *made_video(struct arena *a)
{
    struct job_spec spec = spec_of("scenes");
    struct report *r = made(a, &spec);

    r->media = (struct media_info){"mov,mp4", "h264", 12, 1920, 1080, 25, 300, 0, false};
    r->sampling.judged = 24;
    r->scenery = scenery_of(a);
    return r;
}

struct report *made_picture(struct arena *a)
{
    struct job_spec spec = spec_of("pictures");
    struct report *r = made(a, &spec);
    struct scene_tag tags[] = {{"dog", 0.92, false}, {"knife", 0.55, true}};
    struct person person = {.age = 34, .gender = GENDER_MALE, .box = {0.25f, 0.5f, 0.1f, 0.2f}};
    struct scene_text text = {"No dogs off leash", "en", 0.88, {0, 0}, {0, 0, 1, 1}};
    struct item item = {.format = "jpeg", .width = 640, .height = 480};

    item.scenery = (struct scenery){
        .has_people = true,
        .has_texts = true,
        .has_tags = true,
        .npeople = 1,
        .people = COPY(a, person),
        .ntexts = 1,
        .texts = COPY(a, text),
        .ntags = 2,
        .tags = COPY(a, tags),
    };
    r->nitems = 1;
    r->items = COPY(a, item);
    return r;
}
