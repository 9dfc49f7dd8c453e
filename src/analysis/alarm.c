/* Pipeline "alarm": is somebody there? Decodes once, judges a few frames per second with a detector, follows
 * what moves, looks closer at moving places when nothing certain was seen, and decides by the rule alarm/1.
 */
#include <math.h>
#include <string.h>

#include "analysis/analysis.h"
#include "analysis/hold.h"
#include "analysis/nuisance.h"
#include "analysis/pipelines_int.h"
#include "analysis/scores.h"
#include "analysis/zoom.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "infer/detect.h"
#include "media/sample.h"
#include "verdict/zone.h"

/* A box moves when at least this share of it does: the edges of a slow thing, but not one flickering cell. */
static const float moving_share = 0.02f;
/* A moving place is explained when this share of it lies in an animal's box: somebody beside a dog is
 * outside. */
static const float explained_share = 0.7f;

/* Everything about the clip in hand. */
struct watch {
    const struct toolbox *tools;
    const struct alarm_params *params;
    const struct card *card;
    struct risk_rule rule;
    int64_t deadline;
    struct report *report;
    struct arena *scratch; /* detections, pictures; dropped at the end */
    struct video *video;
    struct scaler *scaler;
    struct detector *detector;
    struct motion *motion;
    struct texture *texture;
    struct zooms zooms;
    struct sightings sightings;
    struct hold kept;
    struct sampler sampler;
    struct reach reach;  /* every question about the rule so far */
    struct picture last; /* the picture judged before, for frames that repeat it exactly; the scaler's */
    double last_pts;
};

static void watch_clear(struct watch *w)
{
    hold_clear(&w->kept);
    scaler_freep(&w->scaler);
    video_freep(&w->video);
    arena_freep(&w->scratch);
}

/* ---- one frame ---- */

static bool is_excluded(const struct watch *w, const struct box *b)
{
    return zones_exclude(w->params->zones, w->params->nzones, (double)b->x, (double)b->y, (double)b->w,
                         (double)b->h);
}

/* What moves in a frame. */
struct movement {
    const struct region *regions;
    size_t n;
};

static float best_fit(const struct movement *moving, const struct box *box)
{
    float best = 0;

    for (size_t i = 0; i < moving->n; i++)
        best = fmaxf(best, boxes_iou(&moving->regions[i].box, box));
    return best;
}

static bool counts_for_intrusion(const struct sighting *s)
{
    return !s->excluded &&
           (strcmp(s->concept->name, "person") == 0 || strcmp(s->concept->name, "vehicle") == 0);
}

static struct sighting to_sighting(struct watch *w, int moment, const struct movement *moving,
                                   const struct detection *d, const struct box *box)
{
    const struct card_concept *concept = card_concept(w->card, d->label->concept);
    struct sighting s = {
        .moment = moment,
        .concept = concept,
        .score = (float)calibrate(&concept->calibration, (double)d->score),
        .box = *box,
        .excluded = is_excluded(w, box),
        .moves = moment == 0 || motion_inside(w->motion, box) >= moving_share,
    };

    if (counts_for_intrusion(&s))
        s.score = score_with_motion(s.score, best_fit(moving, box), &w->rule, &w->reach);
    return s;
}

static void add_sighting(struct watch *w, const struct sighting *s)
{
    ARENA_PUSH(w->scratch, w->sightings.all, w->sightings.n, w->sightings.cap) = *s;
}

static int run_detector(struct watch *w, const struct picture *pic, struct detection **ret_found,
                        size_t *ret_n, struct err *err)
{
    int64_t begin = clock_cpu_us();
    int r = detect(w->detector, w->scratch, pic, w->deadline, ret_found, ret_n, err);

    w->report->infer_us += clock_cpu_us() - begin;
    return r;
}

static int look_at_frame(struct watch *w, const struct picture *pic, int moment,
                         const struct movement *moving, struct err *err)
{
    struct detection *found;
    size_t n;

    if (run_detector(w, pic, &found, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        struct sighting s = to_sighting(w, moment, moving, &found[i], &found[i].box);
        add_sighting(w, &s);
    }
    return 0;
}

/* The first frame has nothing to be compared with; the second shows what of it moved. */
static void settle_first_frame(struct watch *w, int moment)
{
    for (size_t i = 0; moment == 1 && i < w->sightings.n; i++)
        w->sightings.all[i].moves = motion_inside(w->motion, &w->sightings.all[i].box) >= moving_share;
}

/* A frame that repeats the one before pixel by pixel gives the same detections: they are copied, not computed
 * again. */
static bool repeats_last(const struct watch *w, const struct picture *pic)
{
    return w->last.pixels &&
           memcmp(w->last.pixels, pic->pixels, (size_t)pic->width * (size_t)pic->height * 3) == 0;
}

static void copy_sightings(struct watch *w, int moment)
{
    size_t n = w->sightings.n;

    for (size_t i = 0; i < n; i++) {
        struct sighting s = w->sightings.all[i];
        if (s.moment != moment - 1)
            continue;
        s.moment = moment;
        s.moves = motion_inside(w->motion, &s.box) >= moving_share;
        add_sighting(w, &s);
    }
}

/* ---- places for a second look ---- */

static float best_in_frame(const struct watch *w, int moment)
{
    float best = 0;

    for (size_t i = w->sightings.n; i-- > 0 && w->sightings.all[i].moment == moment;)
        if (counts_for_intrusion(&w->sightings.all[i]) && w->sightings.all[i].score > best)
            best = w->sightings.all[i].score;
    return best;
}

/* Whether nearly all of the place belongs to something that was recognised as none of our business, an
 * animal. */
static bool is_explained(struct watch *w, int moment, const struct box *place)
{
    for (size_t i = w->sightings.n; i-- > 0 && w->sightings.all[i].moment == moment;) {
        const struct sighting *s = &w->sightings.all[i];
        if (counts_for_intrusion(s) || s->excluded || box_cover(place, &s->box) < explained_share)
            continue;
        reach_asked(w->reach.label, (double)s->score, w->rule.label);
        if ((double)s->score >= w->rule.label)
            return true;
    }
    return false;
}

static bool touch(const struct box *a, const struct box *b)
{
    return a->x < b->x + b->w && b->x < a->x + a->w && a->y < b->y + b->h && b->y < a->y + a->h;
}

/* A place promises something when much of it moves and when the detector half saw something there. */
static float promise(const struct watch *w, int moment, const struct region *region)
{
    float weak = 0;

    for (size_t i = w->sightings.n; i-- > 0 && w->sightings.all[i].moment == moment;)
        if (counts_for_intrusion(&w->sightings.all[i]) && touch(&w->sightings.all[i].box, &region->box) &&
            w->sightings.all[i].score > weak)
            weak = w->sightings.all[i].score;
    return weak + region->area;
}

/* Offers the best moving place of the frame that stands in no exclusion zone and is not explained. */
static int offer_place(struct watch *w, const struct picture *pic, const struct movement *moving, int moment,
                       struct err *err)
{
    struct zoom best = {.moment = moment, .weight = -1}, offer = best;

    for (size_t i = 0; i < moving->n; i++) {
        offer.place = moving->regions[i];
        if (is_excluded(w, &offer.place.box) || is_explained(w, moment, &offer.place.box) ||
            !zoom_square(pic, &offer.place.box, &offer.box))
            continue;
        offer.weight = promise(w, moment, &offer.place);
        if (offer.weight > best.weight)
            best = offer;
    }
    return best.weight < 0 ? 0 : zooms_offer(&w->zooms, pic, &best, err);
}

static bool is_high(struct watch *w, double score)
{
    reach_asked(w->reach.high, score, w->rule.high);
    return score >= w->rule.high;
}

static int judge(struct watch *w, struct err *err)
{
    const struct video_frame *f = &w->kept.frame;
    struct region regions[MOTION_MAX_REGIONS];
    struct picture pic;
    int64_t begin = clock_cpu_us();
    int moment, r = scaler_bgr(w->scaler, f->av, video_info(w->video)->rotation, w->report->sampling.width,
                               w->report->sampling.height, &pic, err);
    struct movement moving;

    w->report->decode_us += clock_cpu_us() - begin;
    if (r < 0)
        return -1;
    if ((int)w->report->nmoments >= w->params->max_frames)
        return FAIL(err, ERR_LIMIT,
                    "the video is longer than its header says: more than %d frames would have to be "
                    "judged; ask for fewer frames per second",
                    w->params->max_frames);
    moving = (struct movement){regions, motion_next(w->motion, &pic, f->pts - w->last_pts, regions)};
    w->last_pts = f->pts;
    texture_next(w->texture, w->motion, &pic, moving.regions, moving.n);
    moment = report_add_moment(w->report, f->index, f->pts);
    settle_first_frame(w, moment);
    if (repeats_last(w, &pic)) {
        copy_sightings(w, moment);
    } else if (look_at_frame(w, &pic, moment, &moving, err) < 0) {
        w->report->nmoments--; /* a moment in the report was judged */
        return -1;
    }
    w->last = pic;
    if (w->tools->progress)
        w->tools->progress(w->tools->progress_arg, moment + 1, w->report->sampling.planned);
    return is_high(w, (double)best_in_frame(w, moment)) ? 0 : offer_place(w, &pic, &moving, moment, err);
}

/* ---- the whole clip ---- */

static struct media_info copy_info(struct arena *a, const struct media_info *info)
{
    struct media_info copy = *info;

    copy.container = arena_strdup(a, info->container);
    copy.codec = arena_strdup(a, info->codec);
    return copy;
}

static int open_video(struct watch *w, int fd, struct err *err)
{
    struct video_opts opts = video_opts_defaults();

    opts.deadline_mono_us = w->deadline;
    opts.cpu_us = w->tools->cpu_us;
    if (w->tools->max_pixels)
        opts.max_pixels = w->tools->max_pixels;
    if (w->tools->max_seconds > 0)
        opts.max_seconds = w->tools->max_seconds;
    return video_open(&w->video, fd, &opts, err);
}

static void plan(struct watch *w)
{
    const struct media_info *info = video_info(w->video);
    double rate = sample_rate(w->params->fps, info->duration, w->params->max_frames);
    struct sampling *s = &w->report->sampling;

    s->height = w->params->height;
    s->width = sample_width(info->width, info->height, s->height);
    s->planned = (int)(info->duration * rate + 0.5);
    s->planned = s->planned > 1 ? s->planned : 1;
    w->sampler = sampler_new(rate);
    w->scaler = scaler_new();
    w->motion = motion_new(w->scratch, s->width, s->height);
    w->texture = texture_new(w->scratch, s->width, s->height);
    w->detector = detector_new(w->scratch, w->tools->detector);
    w->zooms = zooms_new(w->scratch, w->card->input.width < w->card->input.height ? w->card->input.width
                                                                                  : w->card->input.height);
}

static int next_frame(struct watch *w, struct video_frame *ret, struct err *err)
{
    int64_t begin = clock_cpu_us();
    int r = video_next(w->video, ret, err);

    w->report->decode_us += clock_cpu_us() - begin;
    return r;
}

static int check_deadline(const struct watch *w, struct err *err)
{
    return clock_mono_us() < w->deadline
               ? 0
               : FAIL(err, ERR_TIMEOUT, "the deadline passed before all frames were judged");
}

static int watch_video(struct watch *w, struct err *err)
{
    struct video_frame frame;
    int r;

    while ((r = next_frame(w, &frame, err)) > 0) {
        if (check_deadline(w, err) < 0)
            return -1;
        if (sampler_next(&w->sampler, frame.pts) && judge(w, err) < 0)
            return -1;
        hold_put(&w->kept, &frame);
    }
    if (r < 0)
        return -1;
    if (sampler_end(&w->sampler, video_info(w->video)->duration) && judge(w, err) < 0)
        return -1;
    return w->report->nmoments ? 0 : FAIL(err, ERR_DECODE, "the video has no frame that could be judged");
}

static void finish_media(struct watch *w)
{
    struct report *r = w->report;

    r->media = copy_info(r->arena, video_info(w->video));
    r->sampling.judged = (int)r->nmoments;
    r->sampling.fps = r->media.duration > 0 ? fmin(r->sampling.judged / r->media.duration, 1e6) : 0;
}

static int look_closer(struct watch *w, const struct zoom *z, struct err *err)
{
    struct detection *found;
    size_t n;

    if (run_detector(w, &z->picture, &found, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        struct box box = zoom_to_frame(z, &found[i].box);
        struct sighting s = to_sighting(w, z->moment, &(struct movement){&z->place, 1}, &found[i], &box);

        s.moves = true; /* that is why it was looked at */
        add_sighting(w, &s);
    }
    return 0;
}

/* Looks at the most promising places until something certain is found or the budget is spent. */
static int second_look(struct watch *w, struct err *err)
{
    size_t budget = zooms_budget(w->report->sampling.judged);

    zooms_sort(&w->zooms);
    for (size_t i = 0; i < w->zooms.n && i < budget; i++) {
        if (is_high(w, scores_intrusion(w->report->nmoments, &w->rule, &w->sightings)))
            return 0;
        if (look_closer(w, &w->zooms.all[i], err) < 0)
            return -1;
    }
    return 0;
}

/* Whole frames may be enough: then where else one might have looked is no question any more. */
static bool settle_reach(struct watch *w)
{
    struct sightings *s = &w->sightings;

    return scores_intrusion(w->report->nmoments, &w->rule, s) >= w->rule.high &&
           scores_settle_reach(w->report->nmoments, &w->rule, s, &w->report->reach);
}

static void add_nuisances(struct watch *w)
{
    struct nuisance_score scores[NUISANCE_MAX];
    struct nuisance_signs signs = {motion_stats(w->motion), texture_stats(w->texture)};
    size_t n = nuisance_scores(&signs, scores);

    for (size_t i = 0; i < n; i++)
        report_add_score(w->report, scores[i].label, (double)scores[i].value, nuisance_source());
}

/* Somebody who was seen was seen. But nobody can say "safe" of what is missing or damaged. */
static int check_whole(const struct watch *w, struct err *err)
{
    struct report *r = w->report;

    if (!r->media.truncated || !text_is(r->verdict.risk, "safe"))
        return 0;
    return FAIL(err, ERR_DECODE,
                "The clip is damaged or breaks off: nothing was seen in %d judged frames, but that is not "
                "all of it.",
                r->sampling.judged);
}

static int conclude(struct watch *w, struct err *err)
{
    bool settled = settle_reach(w);

    if (second_look(w, err) < 0)
        return -1;
    if (!settled) {
        scores_note_still(&w->rule, &w->sightings, &w->reach);
        w->report->reach = w->reach;
    }
    scores_add_findings(w->report, &w->rule, &w->sightings);
    add_nuisances(w);
    if (scores_add(w->report, w->card, &w->rule, &w->sightings, err) < 0)
        return -1;
    return scores_decide(w->report, &w->rule, err) < 0 ? -1 : check_whole(w, err);
}

/* The deadline passed: what was seen so far goes into the report. A verdict stays only when it is worse than
 * "safe" (report_fail), because nobody knows the rest. */
static void conclude_early(struct watch *w)
{
    if (w->report->nmoments == 0)
        return;
    scores_add_findings(w->report, &w->rule, &w->sightings);
    if (scores_add(w->report, w->card, &w->rule, &w->sightings, NULL) == 0)
        (void)scores_decide(w->report, &w->rule, NULL);
}

static int alarm_run(const struct toolbox *tools, const struct job_spec *spec, struct subject_fds fds,
                     int64_t deadline_mono_us, struct report *report, struct err *err)
{
    const struct card *card = model_card(tools->detector);
    CLEANUP(watch_clear)
    struct watch w = {.tools = tools,
                      .params = &spec->alarm,
                      .card = card,
                      .rule = risk_rule_over(&card->rule, &spec->alarm.rule),
                      .deadline = deadline_mono_us,
                      .report = report,
                      .reach = reach_any(),
                      .scratch = arena_new()};
    struct model_ref ref = card_ref(card);
    int64_t begin = clock_cpu_us();
    int r;

    report_add_model(report, &ref);
    if (risk_rule_check(&w.rule, err) < 0) /* an own threshold that does not fit the card's others */
        return -1;
    report_set_rule(report, &w.rule);
    if (open_video(&w, fds.media, err) < 0)
        return -1;
    report->decode_us += clock_cpu_us() - begin;
    plan(&w);
    r = watch_video(&w, err);
    finish_media(&w); /* also of a video that could not be judged to its end */
    r = r < 0 ? -1 : conclude(&w, err);
    if (r < 0 && err->kind == ERR_TIMEOUT)
        conclude_early(&w);
    return r;
}

const struct pipeline pipeline_alarm = {.name = "alarm", .run = alarm_run};
