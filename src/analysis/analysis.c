#include "analysis/analysis.h"

#include "analysis/pipelines_int.h"
#include "base/clock.h"
#include "base/text.h"
#include "media/video.h"

static const struct pipeline *const pipelines[] = {&pipeline_alarm,           &pipeline_annotate,
                                                   &pipeline_scenes,          &pipeline_pictures,
                                                   &pipeline_origin_image,    &pipeline_origin_video,
                                                   &pipeline_origin_sound,    &pipeline_tampering,
                                                   &pipeline_sensor_read,     &pipeline_sensor_classify,
                                                   &pipeline_sensor_features, &pipeline_sensor_import,
                                                   &pipeline_sensor_train,    &pipeline_faces};

const struct pipeline *pipeline_find(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(pipelines); i++)
        if (text_is(pipelines[i]->name, name))
            return pipelines[i];
    return NULL;
}

void note_card(struct report *r, const struct card *card)
{
    struct model_ref ref = card_ref(card);

    report_add_model(r, &ref);
}

void note_model(struct report *r, const struct model *m)
{
    note_card(r, model_card(m));
}

void note_reader(struct report *r, const struct ocr *ocr)
{
    report_add_model(r, &(struct model_ref){"tesseract", ocr_version(ocr), "text", ocr_sha256(ocr), NULL});
}

static int run(const struct toolbox *tools, const struct job_spec *spec, struct subject_fds fds,
               struct report *report, int64_t begin_us, struct err *err)
{
    const struct pipeline *p = pipeline_find(spec->pipeline);

    if (!p)
        return FAIL(err, ERR_UNSUPPORTED, "there is no pipeline named \"%.40s\"", spec->pipeline);
    if (job_spec_check(spec, err) < 0)
        return -1;
    return p->run(tools, spec, fds, begin_us + job_spec_left_ms(spec) * 1000, report, err);
}

/* Who judges and by what, before anything can go wrong. */
static void note_evidence(const struct toolbox *tools, const struct job_spec *spec, struct report *report)
{
    struct configuration config = {
        .alarm = spec->alarm,
        .scenes_known = pipeline_is_scenes(spec->pipeline),
        .scenes = spec->scenes,
        .origin_known = pipeline_is_origin(spec->pipeline),
        .origin = spec->origin,
        .tamper_known = pipeline_is_tampering(spec->pipeline),
        .tamper = spec->tamper,
        .sensor_known = pipeline_is_sensor(spec->pipeline),
        .deadline_ms = spec->deadline_ms,
        .max_pixels = tools->max_pixels,
        .max_seconds = tools->max_seconds,
        .cpu_us = tools->cpu_us,
    };

    if (config.sensor_known && spec->sensor.impulse.ndsp)
        impulse_sum(&spec->sensor.impulse, config.impulse);
    report->decoder = arena_strdup(report->arena, video_decoder_version());
    report->runtime = arena_strdup(report->arena, tools->runtime);
    report->program = (struct program_ref){arena_strdup(report->arena, tools->program.version),
                                           arena_strdup(report->arena, tools->program.commit)};
    report_set_config(report, &config);
}

void analyse(const struct toolbox *tools, const struct job_spec *spec, struct subject_fds fds,
             struct report *report)
{
    int64_t begin_us = clock_mono_us();
    struct err err = {0};

    note_evidence(tools, spec, report);
    if (run(tools, spec, fds, report, begin_us, &err) < 0)
        report_fail(report, &err);
    report->total_us = clock_mono_us() - begin_us;
}
