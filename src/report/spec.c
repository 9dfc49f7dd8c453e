#include "report/spec.h"

#include <math.h>
#include <string.h>

#include "base/text.h"
#include "report/origin.h"

struct job_spec job_spec_defaults(void)
{
    return (struct job_spec){
        .id = "",
        .pipeline = "alarm",
        .subject = {.name = ""},
        .deadline_ms = 60000,
        .alarm = {.fps = 3, .height = 320, .max_frames = 600, .rule = risk_rule_unset()},
        .scenes = {.fps = 2, .people = true, .texts = true, .tags = true, .tag_from = 0.5},
        .origin = {.frames = 5, .force = FORCE_VALID, .heuristic = heuristic_default},
        .tamper = {.models = TAMPER_ALL},
        .sensor = {.train = train_params_defaults()},
    };
}

struct alarm_params alarm_params_copy(struct arena *a, const struct alarm_params *p)
{
    struct label_threshold *labels = arena_array(a, p->rule.nlabels, sizeof *labels);
    struct zone *zones = arena_array(a, p->nzones, sizeof *zones);
    struct alarm_params copy = *p;

    for (size_t i = 0; i < p->rule.nlabels; i++)
        labels[i] =
            (struct label_threshold){arena_strdup(a, p->rule.labels[i].label), p->rule.labels[i].from};
    for (size_t i = 0; i < p->nzones; i++)
        zones[i] = p->zones[i];
    copy.rule.labels = labels;
    copy.zones = zones;
    return copy;
}

struct scenes_params scenes_params_copy(struct arena *a, const struct scenes_params *p)
{
    struct subject_part *parts = arena_array(a, p->nparts, sizeof *parts);
    struct known_face *known = arena_array(a, p->nknown, sizeof *known);
    struct scenes_params copy = *p;

    for (size_t i = 0; i < p->nparts; i++)
        parts[i] = p->parts[i];
    for (size_t i = 0; i < p->nknown; i++) {
        float *embedding = arena_array(a, p->known[i].n, sizeof *embedding);
        for (size_t k = 0; k < p->known[i].n; k++)
            embedding[k] = p->known[i].embedding[k];
        known[i] = (struct known_face){p->known[i].n, embedding};
    }
    copy.parts = parts;
    copy.known = known;
    return copy;
}

struct origin_params origin_params_copy(struct arena *a, const struct origin_params *p)
{
    struct heuristic *own = arena_array(a, p->nown, sizeof *own);
    struct origin_params copy = *p;

    for (size_t i = 0; i < p->nown; i++) {
        const char **models = arena_array(a, p->own[i].nmodels, sizeof *models);
        own[i] = p->own[i];
        own[i].name = arena_strdup(a, p->own[i].name);
        for (size_t k = 0; k < own[i].nmodels; k++)
            models[k] = arena_strdup(a, p->own[i].models[k]);
        own[i].models = models;
    }
    copy.own = own;
    copy.heuristic = arena_strdup(a, p->heuristic);
    return copy;
}

struct tamper_params tamper_params_copy(struct arena *a, const struct tamper_params *p)
{
    struct subject_part *parts = arena_array(a, p->nparts, sizeof *parts);
    struct tamper_params copy = *p;

    for (size_t i = 0; i < p->nparts; i++)
        parts[i] = p->parts[i];
    copy.parts = parts;
    return copy;
}

static int alarm_check(const struct alarm_params *p, struct err *err)
{
    if (!(p->fps > 0 && p->fps <= 60))
        return FAIL(err, ERR_INPUT, "frames per second must be above 0 and at most 60");
    if (p->height < 32 || p->height > 2160 || p->height % 2)
        return FAIL(err, ERR_INPUT, "the analysed height must be an even number from 32 to 2160");
    if (p->max_frames < 1 || p->max_frames > 100000)
        return FAIL(err, ERR_INPUT, "the number of analysed frames must be from 1 to 100000");
    if (p->nzones > ZONE_MAX)
        return FAIL(err, ERR_LIMIT, "more than %d exclusion zones", ZONE_MAX);
    for (size_t i = 0; i < p->nzones; i++)
        if (p->zones[i].n < 3 || p->zones[i].n > ZONE_MAX_POINTS)
            return FAIL(err, ERR_INPUT, "an exclusion zone has %zu corners; 3 to %d are possible",
                        p->zones[i].n, ZONE_MAX_POINTS);
    return risk_rule_check_partial(&p->rule, err);
}

bool pipeline_is_scenes(const char *name)
{
    return text_is(name, "scenes") || text_is(name, "pictures");
}

bool pipeline_is_origin(const char *name)
{
    return text_is(name, "origin-image") || text_is(name, "origin-video") || text_is(name, "origin-sound");
}

bool pipeline_is_tampering(const char *name)
{
    return text_is(name, "tampering");
}

bool pipeline_is_sensor(const char *name)
{
    return name && strncmp(name, "sensor-", 7) == 0;
}

/* Tampering needs no models, but the list of those who are trusted with credentials. */
unsigned pipeline_kit(const char *name)
{
    if (pipeline_is_origin(name) || pipeline_is_tampering(name))
        return KIT_ORIGIN;
    return pipeline_is_scenes(name) || text_is(name, "faces") ? KIT_SCENES : KIT_ALARM;
}

const char *key_frames_name(enum key_frames k)
{
    static const char *const names[KEY_FRAMES] = {
        [FRAMES_EVEN] = "even", [FRAMES_INTRA] = "iframes", [FRAMES_FLOW] = "flow", [FRAMES_COLOR] = "color"};

    return names[k];
}

const char *credentials_force_name(enum credentials_force f)
{
    static const char *const names[CREDENTIALS_FORCES] = {
        [FORCE_NEVER] = "never", [FORCE_TRUSTED] = "trusted", [FORCE_VALID] = "valid"};

    return names[f];
}

/* "": the subject's size is not known yet. */
static int places_check(const struct subject *s, const struct subject_part *parts, size_t n, struct err *err)
{
    for (size_t i = 0; i < n && *s->sha256; i++)
        if (parts[i].offset < 0 || parts[i].size < 0 || parts[i].offset > s->size ||
            parts[i].size > s->size - parts[i].offset)
            return FAIL(err, ERR_INPUT, "picture %zu does not lie in the batch", i + 1);
    return 0;
}

static int parts_check(const struct job_spec *spec, struct err *err)
{
    const struct scenes_params *p = &spec->scenes;

    if (p->nparts > PARTS_MAX)
        return FAIL(err, ERR_LIMIT, "more than %d pictures in one batch", PARTS_MAX);
    if ((p->nparts > 0) != text_is(spec->pipeline, "pictures"))
        return FAIL(err, ERR_INPUT, "a batch of pictures has at least one, and a video has none");
    return places_check(&spec->subject, p->parts, p->nparts, err);
}

static int scenes_check(const struct job_spec *spec, struct err *err)
{
    const struct scenes_params *p = &spec->scenes;

    if (!(p->fps > 0 && p->fps <= 30))
        return FAIL(err, ERR_INPUT, "frames per second for models must be above 0 and at most 30");
    if (!(p->tag_from >= 0 && p->tag_from <= 1))
        return FAIL(err, ERR_INPUT, "the threshold of tags must be from 0 to 1");
    if (p->nknown > KNOWN_FACES_MAX)
        return FAIL(err, ERR_LIMIT, "more than %d known faces", KNOWN_FACES_MAX);
    return parts_check(spec, err);
}

static int origin_check(const struct origin_params *p, struct err *err)
{
    if (p->frames < 1 || p->frames > ORIGIN_FRAMES_MAX)
        return FAIL(err, ERR_INPUT, "the number of frames must be from 1 to %d", ORIGIN_FRAMES_MAX);
    if (p->nown > ORIGIN_MAX_OWN)
        return FAIL(err, ERR_LIMIT, "more than %d heuristics of the operator", ORIGIN_MAX_OWN);
    if (heuristics_check(p->own, p->nown, err) < 0)
        return -1;
    if (!heuristic_find(p->heuristic, p->own, p->nown))
        return FAIL(err, ERR_INPUT, "there is no heuristic named \"%.64s\"", p->heuristic);
    return 0;
}

static int tamper_check(const struct job_spec *spec, struct err *err)
{
    const struct tamper_params *p = &spec->tamper;

    if (p->nparts < 1 || p->nparts > PARTS_MAX)
        return FAIL(err, ERR_INPUT, "a batch has 1 to %d tickets", PARTS_MAX);
    if (p->models & ~(unsigned)TAMPER_ALL)
        return FAIL(err, ERR_INPUT, "a model of tampering is asked for that there is not");
    return places_check(&spec->subject, p->parts, p->nparts, err);
}

int64_t job_spec_left_ms(const struct job_spec *spec)
{
    return spec->deadline_ms > spec->spent_ms ? spec->deadline_ms - spec->spent_ms : 1;
}

int job_spec_check(const struct job_spec *spec, struct err *err)
{
    if (spec->deadline_ms < 1 || spec->deadline_ms > JOB_DEADLINE_MAX_MS)
        return FAIL(err, ERR_INPUT, "the deadline must be from 1 to %d milliseconds", JOB_DEADLINE_MAX_MS);
    if (spec->spent_ms < 0 || spec->spent_ms > spec->deadline_ms)
        return FAIL(err, ERR_INPUT, "more time is spent than the deadline leaves");
    if (pipeline_is_sensor(spec->pipeline))
        return sensor_params_check(&spec->sensor, spec->pipeline,
                                   *spec->subject.sha256 ? spec->subject.size : -1, err);
    if (pipeline_is_tampering(spec->pipeline))
        return tamper_check(spec, err);
    if (pipeline_is_origin(spec->pipeline))
        return origin_check(&spec->origin, err);
    return pipeline_is_scenes(spec->pipeline) ? scenes_check(spec, err) : alarm_check(&spec->alarm, err);
}
