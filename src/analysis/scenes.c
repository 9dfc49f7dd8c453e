/* Pipeline "scenes": what happens in a video. Decodes once; every frame goes into the activity curve and the
 * search for shots, and a few per second to the models: faces, tags, text. docs/scenes.md. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/activity.h"
#include "analysis/analysis.h"
#include "analysis/hold.h"
#include "analysis/pipelines_int.h"
#include "analysis/portraits.h"
#include "analysis/sections.h"
#include "analysis/shots.h"
#include "analysis/strip.h"
#include "analysis/text.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "infer/tags.h"
#include "media/sample.h"

/* Longest side of what the models of faces and tags see. */
enum { MODEL_SIDE = 640 };
/* Mean difference of luma from which a sample shows another scene than the one before. */
static const double changed_from = 0.06;
/* A shot whose best tag is less probable than this belongs to no section. */
static const double section_from = 0.2;
/* The models work on every second of video, not on every byte of it: more processor time than for an alarm.
 */
enum { CPU_FACTOR = 4 };

struct film {
    const struct toolbox *tools;
    const struct scenes_params *params;
    int64_t deadline;
    struct report *report;
    struct scenery *scenery;
    struct arena *kept;    /* the report's: tracks, texts, samples */
    struct arena *scratch; /* for one sample */
    struct video *video;
    struct scaler *scaler;
    struct glancer *glancer, *sample_glancer;
    struct activity *activity;
    struct shots *shots;
    struct sampler sampler;
    struct hold hold;
    uint8_t *last_luma; /* glance at the sample before */
    bool has_last;
    /* NULL: nobody looks for it */
    struct portraits *portraits;
    struct people *people;
    struct tagger *tagger;
    struct sections *sections;
    struct texts *texts;
    struct strip *strip; /* NULL: nobody wants thumbnails */
};

static void film_clear(struct film *f)
{
    hold_clear(&f->hold);
    scaler_freep(&f->scaler);
    glancer_freep(&f->glancer);
    glancer_freep(&f->sample_glancer);
    video_freep(&f->video);
    arena_freep(&f->scratch);
}

/* ---- one sample ---- */

/* A sample before the models see it. */
struct shown {
    double pts;
    bool changed;
    double sharpness;
    struct picture bgr;
};

static double difference(const uint8_t *a, const uint8_t *b, size_t n)
{
    int64_t sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += abs(a[i] - b[i]);
    return n ? (double)sum / ((double)n * 255) : 0;
}

static int glance_at_sample(struct film *f, struct shown *s, struct err *err)
{
    struct glance g;
    size_t n;

    if (glance_at(f->sample_glancer, f->hold.frame.av, &g, err) < 0)
        return -1;
    n = (size_t)g.height * GLANCE_WIDTH;
    s->changed = f->has_last && difference(g.luma, f->last_luma, n) >= changed_from;
    s->sharpness = sharpness_of(&g);
    memcpy(f->last_luma, g.luma, n);
    f->has_last = true;
    return 0;
}

static int take_portraits(struct film *f, const struct shown *s, struct err *err)
{
    struct portrait_sample sample = {&s->bgr, s->pts, s->changed};

    f->scenery->face_frames++;
    return portraits_take(f->portraits, f->people, f->scratch, &sample, f->deadline, err);
}

static int take_tags(struct film *f, const struct shown *s, struct err *err)
{
    struct tag *tags;
    float *p;
    size_t n;

    if (tags_judge(f->tagger, f->scratch, &s->bgr, f->deadline, &tags, &n, err) < 0)
        return -1;
    p = arena_array(f->scratch, n, sizeof *p);
    for (size_t i = 0; i < n; i++)
        p[i] = tags[i].probability;
    sections_sample(f->sections, s->pts, p, s->sharpness);
    return 0;
}

static int take_text(struct film *f, const struct shown *s, struct err *err)
{
    const struct media_info *info = video_info(f->video);
    struct picture luma;
    int width, height;

    texts_size(info->width, info->height, &width, &height);
    if (scaler_luma(f->scaler, f->hold.frame.av, info->rotation, width, height, &luma, err) < 0)
        return -1;
    if (s->changed)
        texts_cut(f->texts);
    return texts_next(f->texts, &luma, s->pts, f->deadline, err);
}

static int scale(struct film *f, struct shown *s, struct err *err)
{
    const struct sampling *size = &f->report->sampling;
    int64_t begin = clock_cpu_us();
    int r = scaler_bgr(f->scaler, f->hold.frame.av, video_info(f->video)->rotation, size->width, size->height,
                       &s->bgr, err);

    f->report->decode_us += clock_cpu_us() - begin;
    return r;
}

static bool asks_models(const struct film *f)
{
    return f->portraits || f->tagger || f->texts;
}

static int ask_models(struct film *f, const struct shown *s, struct err *err)
{
    if (f->portraits && take_portraits(f, s, err) < 0)
        return -1;
    if (f->tagger && take_tags(f, s, err) < 0)
        return -1;
    return f->texts ? take_text(f, s, err) : 0;
}

static void tell_progress(const struct film *f)
{
    if (f->tools->progress)
        f->tools->progress(f->tools->progress_arg, (int)f->report->nmoments, f->report->sampling.planned);
}

static int judge(struct film *f, struct err *err)
{
    struct shown s = {.pts = f->hold.frame.pts};
    int64_t begin;
    int r;

    if (clock_mono_us() >= f->deadline)
        return FAIL(err, ERR_TIMEOUT, "the deadline passed before all of the video was seen");
    if (!asks_models(f) && !f->strip)
        return 0;
    if (glance_at_sample(f, &s, err) < 0 || scale(f, &s, err) < 0)
        return -1;
    if (f->strip)
        strip_sample(f->strip, &s.bgr, s.pts, s.changed, s.sharpness);
    if (!asks_models(f))
        return 0;
    f->scratch = arena_new();
    begin = clock_cpu_us();
    r = ask_models(f, &s, err);
    f->report->infer_us += clock_cpu_us() - begin;
    arena_freep(&f->scratch);
    if (r < 0)
        return -1;
    report_add_moment(f->report, f->hold.frame.index, s.pts);
    tell_progress(f);
    return 0;
}

/* ---- the whole video ---- */

static int open_video(struct film *f, int fd, struct err *err)
{
    struct video_opts opts = video_opts_defaults();

    opts.deadline_mono_us = f->deadline;
    opts.cpu_us = f->tools->cpu_us * CPU_FACTOR;
    if (f->tools->max_pixels)
        opts.max_pixels = f->tools->max_pixels;
    if (f->tools->max_seconds > 0)
        opts.max_seconds = f->tools->max_seconds;
    return video_open(&f->video, fd, &opts, err);
}

/* As the video lies, at most MODEL_SIDE on its longest side, never enlarged. */
static void model_size(const struct media_info *info, struct sampling *s)
{
    int longest = info->width > info->height ? info->width : info->height;
    double scale = longest > MODEL_SIDE ? (double)MODEL_SIDE / longest : 1;

    s->width = (int)fmax(2, round(info->width * scale));
    s->height = (int)fmax(2, round(info->height * scale));
}

static void equip_tags(struct film *f)
{
    const struct card *card;
    struct scene_tag *tags;

    if (!f->tools->scenes.tags || !f->params->tags)
        return;
    card = model_card(f->tools->scenes.tags);
    tags = arena_array(f->kept, card->tags.ntags, sizeof *tags);
    for (size_t i = 0; i < card->tags.ntags; i++)
        tags[i] =
            (struct scene_tag){.name = card->tags.tags[i].name, .critical = card->tags.tags[i].critical};
    f->tagger = tagger_new(f->kept, f->tools->scenes.tags);
    f->sections = sections_new(f->kept, &(struct sections_opts){card->tags.ntags, tags, section_from});
    note_model(f->report, f->tools->scenes.tags);
}

static void equip_text(struct film *f)
{
    const struct scenes_tools *t = &f->tools->scenes;
    struct text_engine engine;
    struct texts_opts opts = texts_defaults();

    if (!t->ocr || !f->params->texts)
        return;
    engine = text_engine_of(t->ocr, t->languages);
    f->texts = texts_new(f->kept, &engine, &opts);
    note_reader(f->report, t->ocr);
}

static void equip(struct film *f, bool thumbnails)
{
    const struct media_info *info = video_info(f->video);
    struct sampling *s = &f->report->sampling;

    model_size(info, s);
    s->planned = (int)fmax(1, fmin(info->duration * f->params->fps + 0.5, 1e6));
    f->sampler = sampler_new(f->params->fps);
    f->scaler = scaler_new();
    f->glancer = glancer_new();
    f->sample_glancer = glancer_new();
    f->activity = activity_new(f->kept);
    f->shots = shots_new(f->kept);
    f->last_luma = arena_alloc(f->kept, (size_t)GLANCE_MAX_HEIGHT * GLANCE_WIDTH);
    f->portraits = portraits_new(f->kept, f->tools, f->params, f->report);
    f->people = f->portraits ? portraits_people(f->portraits, f->kept) : NULL;
    equip_tags(f);
    equip_text(f);
    f->strip = thumbnails ? strip_new(f->kept) : NULL;
}

static int next_frame(struct film *f, struct video_frame *ret, struct err *err)
{
    int64_t begin = clock_cpu_us();
    int r = video_next(f->video, ret, err);

    f->report->decode_us += clock_cpu_us() - begin;
    return r;
}

static int see(struct film *f, const struct video_frame *frame, struct err *err)
{
    struct glance g;

    if (glance_at(f->glancer, frame->av, &g, err) < 0)
        return -1;
    activity_next(f->activity, &g, frame->pts);
    shots_next(f->shots, &g, frame->pts);
    return 0;
}

static int watch(struct film *f, struct err *err)
{
    struct video_frame frame;
    int r;

    while ((r = next_frame(f, &frame, err)) > 0) {
        if (see(f, &frame, err) < 0)
            return -1;
        if (sampler_next(&f->sampler, frame.pts) && judge(f, err) < 0)
            return -1;
        hold_put(&f->hold, &frame);
    }
    if (r < 0)
        return -1;
    return sampler_end(&f->sampler, video_end(f->video)) ? judge(f, err) : 0;
}

/* ---- the end ---- */

static void end_text(struct film *f, double end)
{
    struct texts_found found = texts_end(f->texts, end);

    f->scenery->has_texts = true;
    f->scenery->texts = found.items;
    f->scenery->ntexts = found.n < SCENERY_MAX_TEXTS ? found.n : SCENERY_MAX_TEXTS;
    f->scenery->text_offered = found.offered;
    f->scenery->text_read = found.read;
}

static void finish_media(struct film *f)
{
    struct report *r = f->report;

    r->media = *video_info(f->video);
    r->media.container = arena_strdup(r->arena, r->media.container);
    r->media.codec = arena_strdup(r->arena, r->media.codec);
    r->sampling.judged = (int)r->nmoments;
    r->sampling.fps = r->media.duration > 0 ? fmin(r->sampling.judged / r->media.duration, 1e6) : 0;
}

/* What a sample shows for the first time has been there since the cut before it, when there is one between it
 * and the sample before. */
static double at_cut(const struct scenery *s, double pts, double step)
{
    for (size_t i = 0; i < s->nshots; i++) {
        double cut = s->shots[i].time.start;
        if (cut <= pts && cut > pts - step)
            return cut;
    }
    return pts;
}

static void settle_at_cuts(struct scenery *s, double step)
{
    for (size_t i = 0; i < s->nconstellations; i++) {
        struct segment *t = &s->constellations[i].time;
        *t = (struct segment){at_cut(s, t->start, step), at_cut(s, t->end, step)};
    }
    for (size_t i = 0; i < s->ntexts; i++) {
        struct segment *t = &s->texts[i].time;
        *t = (struct segment){at_cut(s, t->start, step), at_cut(s, t->end, step)};
    }
}

/* Also after an error: what was seen until then was seen. */
static void conclude(struct film *f)
{
    double end = fmax(video_end(f->video), 0);

    finish_media(f);
    shots_end(f->shots, end, f->scenery);
    activity_end(f->activity, end, f->scenery);
    if (f->people)
        people_end(f->people, end, f->scenery);
    if (f->sections)
        sections_end(f->sections, f->scenery);
    if (f->texts)
        end_text(f, end);
    settle_at_cuts(f->scenery, 1 / f->params->fps);
}

static int scenes_run(const struct toolbox *tools, const struct job_spec *spec, struct subject_fds fds,
                      int64_t deadline_mono_us, struct report *report, struct err *err)
{
    CLEANUP(film_clear)
    struct film f = {
        .tools = tools,
        .params = &spec->scenes,
        .deadline = deadline_mono_us,
        .report = report,
        .kept = report->arena,
    };
    int r;

    if (tools->scenes.problem.kind != ERR_NONE)
        return FAIL(err, tools->scenes.problem.kind, "%s", tools->scenes.problem.text);
    if (open_video(&f, fds.media, err) < 0)
        return -1;
    report->scenery = f.scenery = arena_alloc(report->arena, sizeof *f.scenery);
    equip(&f, fds.artefact >= 0);
    r = watch(&f, err);
    conclude(&f);
    if (f.strip)
        strip_end(f.strip, fds.artefact, NULL); /* the report is the same without them */
    return r;
}

const struct pipeline pipeline_scenes = {.name = "scenes", .run = scenes_run};
