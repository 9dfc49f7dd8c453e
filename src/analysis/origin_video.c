/* Pipeline "origin-video": was a video made by humans or by a machine? A few frames, each judged like an
 * image, vote; each track of its sound has its own ruling. docs/origin.md. */
#include "analysis/credentials.h"
#include "analysis/hearing.h"
#include "analysis/key_frames.h"
#include "analysis/panel.h"
#include "base/cleanup.h"
#include "base/clock.h"

/* Of a video's sound at most that much is heard: frames are what was asked about, and an hour of it would
 * take half an hour. */
static const double heard_seconds = 600;

struct viewing {
    const struct toolbox *tools;
    const struct origin_params *params;
    int64_t deadline;
    struct report *report;
    struct jury jury;
    int fd;
    struct key_plan plan;
    struct key_reader reader;
    struct scaler *scaler;
    struct panel *panel;
    int64_t decode_wall_us; /* so far */
};

static void viewing_clear(struct viewing *v)
{
    key_reader_clear(&v->reader);
    key_plan_clear(&v->plan);
    scaler_freep(&v->scaler);
}

static struct video_opts opts_of(const struct viewing *v)
{
    struct video_opts opts = video_opts_defaults();

    opts.deadline_mono_us = v->deadline;
    if (v->tools->max_pixels)
        opts.max_pixels = v->tools->max_pixels;
    if (v->tools->max_seconds > 0)
        opts.max_seconds = v->tools->max_seconds;
    opts.cpu_us = v->tools->cpu_us;
    return opts;
}

/* ---- frames ---- */

static int open_frames(struct viewing *v, struct err *err)
{
    struct video_opts opts = opts_of(v);

    if (key_frames_plan(v->report->arena, v->fd, &opts, v->params, &v->plan, err) < 0)
        return -1;
    v->report->media = v->plan.media;
    v->report->sampling = (struct sampling){
        .width = v->plan.media.width, .height = v->plan.media.height, .planned = (int)v->plan.n};
    return key_reader_open(&v->reader, &v->plan, v->fd, &opts, err);
}

static void hash_pixels(const struct picture *p, char ret[HASH_HEX])
{
    CLEANUP(hasher_freep) struct hasher *h = hasher_new();

    hasher_add(h, bytes_of(p->pixels, (size_t)p->width * (size_t)p->height * 3));
    hasher_hex(h, ret);
}

static int next_picture(struct viewing *v, struct video_frame *ret_frame, struct picture *ret,
                        struct err *err)
{
    int64_t cpu = clock_cpu_us(), wall = clock_mono_us();
    const struct media_info *m = &v->plan.media;
    int r = key_reader_next(&v->reader, ret_frame, err);

    if (r > 0 && scaler_bgr(v->scaler, ret_frame->av, m->rotation, m->width, m->height, ret, err) < 0)
        r = -1;
    v->report->decode_us += clock_cpu_us() - cpu;
    v->decode_wall_us += clock_mono_us() - wall;
    return r;
}

static int judge_frames(struct viewing *v, struct origin_stream *s, struct err *err)
{
    struct video_frame frame;
    struct picture picture;
    int r;

    while (s->nparts < v->plan.n && (r = next_picture(v, &frame, &picture, err)) != 0) {
        struct origin_part *part = &s->parts[s->nparts];

        if (r < 0 || panel_judge(v->panel, &picture, v->deadline, part, err) < 0)
            return -1;
        part->frame = frame.index;
        part->time = (struct segment){frame.pts, frame.pts};
        hash_pixels(&picture, part->sha256);
        v->report->sampling.judged = (int)++s->nparts;
        if (v->tools->progress)
            v->tools->progress(v->tools->progress_arg, (int)s->nparts, (int)v->plan.n);
    }
    v->report->media.truncated |= s->nparts < v->plan.n && video_info(v->reader.video)->truncated;
    return 0;
}

/* ---- sound ---- */

/* A track that cannot be read is left out, and the frames are judged all the same. */
static bool spoils_only_the_track(const struct err *why)
{
    return why->kind == ERR_NO_STREAM || why->kind == ERR_DECODE || why->kind == ERR_UNSUPPORTED;
}

static int judge_sound(struct viewing *v, struct err *err)
{
    struct hearing h = {v->tools, &v->jury, v->report, v->deadline, 0, heard_seconds};
    struct origins *o = v->report->origins;
    size_t ntracks = 1;

    o->tracks = arena_array(v->report->arena, ORIGIN_MAX_TRACKS, sizeof *o->tracks);
    for (; h.track < (int)ntracks && h.track < ORIGIN_MAX_TRACKS; h.track++) {
        struct err why = {0};

        if (hearing_hear(&h, v->fd, &o->tracks[o->ntracks], &ntracks, &why) == 0)
            o->ntracks++;
        else if (!spoils_only_the_track(&why))
            return FAIL(err, why.kind, "%s", why.text);
    }
    return 0;
}

/* ---- the video ---- */

static int view(struct viewing *v, struct err *err)
{
    struct origins *o = v->report->origins;
    int64_t begin = clock_mono_us();

    if (origin_tools_check(&v->tools->origin, err) < 0 || open_frames(v, err) < 0 ||
        credentials_read(v->tools, v->params, v->fd, v->deadline, v->report, err) < 0)
        return -1;
    v->decode_wall_us = clock_mono_us() - begin;
    v->panel = panel_new(v->tools, v->params, "video", &v->jury, v->report);
    o->pictures = arena_alloc(v->report->arena, sizeof *o->pictures);
    *o->pictures = panel_stream(v->panel, v->plan.n);
    if (judge_frames(v, o->pictures, err) < 0)
        return -1;
    o->prepare_secs = (double)v->decode_wall_us / 1e6;
    jury_on_stream(&v->jury, o->pictures, JURY_FRAMES);
    if (!o->pictures->nparts)
        return FAIL(err, ERR_DECODE, "Not one frame of the video can be decoded.");
    return judge_sound(v, err);
}

static int video_run(const struct toolbox *tools, const struct job_spec *spec, struct subject_fds fds,
                     int64_t deadline_mono_us, struct report *report, struct err *err)
{
    CLEANUP(viewing_clear)
    struct viewing v = {
        .tools = tools,
        .params = &spec->origin,
        .deadline = deadline_mono_us,
        .report = report,
        .jury = jury_new(report->arena, &spec->origin),
        .fd = fds.media,
        .scaler = scaler_new(),
    };

    report->media = (struct media_info){.container = "", .codec = ""};
    origins_new(report, &v.jury);
    return view(&v, err);
}

const struct pipeline pipeline_origin_video = {.name = "origin-video", .run = video_run};
