#include "scene.h"

#include "base/c23.h"
#include "base/cleanup.h"
#include "base/mem.h"
#include "base/text.h"
#include "scene_int.h"

static const struct kind *const kinds[] = {
    &kind_person, &kind_person_far, &kind_vehicle, &kind_animal, &kind_plant, &kind_flag,  &kind_wind,
    &kind_rain,   &kind_insect,     &kind_spider,  &kind_web,    &kind_shake, &kind_light, &kind_empty,
    &kind_near,   &kind_text,       &kind_smoke,   &kind_litter, &kind_belt,  &kind_pan,   &kind_cut,
};
static const struct kind *const second_kinds[] = {
    &second_plant, &second_flag,  &second_wind,  &second_rain,  &second_insect, &second_spider,
    &second_web,   &second_shake, &second_light, &second_smoke, &second_litter, &second_text,
};
static const struct kind *const third_kinds[] = {
    &third_plant, &third_flag,   &third_wind,  &third_rain,  &third_insect, &third_spider,
    &third_web,   &third_litter, &third_shake, &third_light, &third_smoke,
};
static const struct style_kinds {
    const char *name;
    const struct kind *const *own; /* instead of those in `kinds` */
    size_t nown;
} styles[STYLES] = {
    {"first", NULL, 0},
    {"varied", NULL, 0},
    {"second", second_kinds, COUNT_OF(second_kinds)},
    {"third", third_kinds, COUNT_OF(third_kinds)},
};

/* Streams of random numbers. */
enum { FOR_SITE = 1, FOR_PROPS, FOR_CAMERA, FOR_FRAMES, FOR_WITH = 1 << 30, FOR_PACE };

struct scene {
    const struct kind *kind, *with; /* with: drawn first; may be NULL */
    struct scene_opts opts;
    struct stage stage, behind; /* behind: what `with` sees */
    struct camera camera;
    struct canvas canvas;
    struct arena *clip, *frame;
    int next, frames;
    float pace; /* seconds of the scene in a second of the clip */
};

struct scene_opts scene_opts_defaults(void)
{
    return (struct scene_opts){.seconds = 3, .fps = 10, .width = 640, .height = 480};
}

const struct scene_kind_info *scene_kind(int i)
{
    static const struct scene_kind_info end = {NULL, NULL, NULL};

    return i >= 0 && i < (int)COUNT_OF(kinds) ? &kinds[i]->info : &end;
}

/* -1 when there is none. */
static int find_style(const char *name)
{
    for (int i = 0; i < STYLES; i++)
        if (!name || text_is(styles[i].name, name))
            return i;
    return -1;
}

static const struct kind *find_kind(enum style style, const char *name)
{
    for (size_t i = 0; i < styles[style].nown; i++)
        if (text_is(styles[style].own[i]->info.name, name))
            return styles[style].own[i];
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (text_is(kinds[i]->info.name, name))
            return kinds[i];
    return NULL;
}

static int check(const struct scene_opts *o, struct err *err)
{
    int style = find_style(o->style);

    if (style < 0)
        return FAIL(err, ERR_INPUT, "There is no style \"%s\": it is first, varied, second or third.",
                    o->style);
    if (!find_kind(style, o->kind) || (o->with && !find_kind(style, o->with)))
        return FAIL(err, ERR_INPUT, "There is no scene \"%s\": --list names all.",
                    o->kind && find_kind(style, o->kind) ? o->with
                    : o->kind                            ? o->kind
                                                         : "");
    if (!(o->seconds >= 0.1 && o->seconds <= 120) || o->fps < 1 || o->fps > 60)
        return FAIL(err, ERR_INPUT, "A scene lasts 0.1 to 120 seconds at 1 to 60 frames per second.");
    if (o->width < 64 || o->height < 64 || o->width > 1920 || o->height > 1920 || o->width % 2 ||
        o->height % 2)
        return FAIL(err, ERR_INPUT, "A scene's width and height are even and 64 to 1920.");
    if (o->site && backdrop_site(style, o->site) < 0)
        return FAIL(err, ERR_INPUT, "There is no site \"%s\".", o->site);
    return 0;
}

static struct backdrop make_backdrop(const struct scene_opts *o)
{
    enum style style = find_style(o->style);
    struct rng r = rng_new(o->seed, FOR_SITE);
    int site = rng_int(&r, sites_count(style)), cloudy = rng_int(&r, 5);
    enum daylight day = o->dusk ? DAY_DUSK : cloudy < 2 ? DAY_SUN : cloudy < 4 ? DAY_CLOUD : DAY_DUSK;

    if (o->site)
        site = backdrop_site(style, o->site);
    return backdrop_new(&r, style, site, day, o->night, o->width, o->height);
}

/* Both kinds stand in one place under one light: each set-up may change it, and the last word counts for
 * both. */
static void set_up(struct scene *s)
{
    if (s->kind->setup)
        s->kind->setup(&s->stage);
    s->behind = s->stage;
    s->behind.rng = rng_new(s->opts.seed, FOR_WITH);
    if (s->with && s->with->setup)
        s->with->setup(&s->behind);
    s->stage.backdrop = s->behind.backdrop;
    backdrop_draw(&s->stage.backdrop, &s->stage.background);
    if (s->with && s->with->prepare)
        s->with->prepare(&s->behind);
    if (s->kind->prepare)
        s->kind->prepare(&s->stage);
}

/* A varied clip goes slower or faster than the first would. */
static float pace_of(enum style style, uint64_t seed)
{
    struct rng r = rng_new(seed, FOR_PACE);

    return style == STYLE_VARIED || style == STYLE_THIRD ? expf(rng_float(&r, -0.5f, 0.5f)) : 1.0f;
}

int scene_open(struct scene **ret_scene, const struct scene_opts *opts, struct err *err)
{
    struct scene *s;
    struct rng camera = rng_new(opts->seed, FOR_CAMERA);
    enum style style;

    if (check(opts, err) < 0)
        return -1;
    s = mem_alloc(sizeof *s);
    s->opts = *opts;
    style = find_style(opts->style);
    s->kind = find_kind(style, opts->kind);
    s->with = opts->with ? find_kind(style, opts->with) : NULL;
    s->pace = pace_of(style, opts->seed);
    s->clip = arena_new();
    s->frames = (int)(opts->seconds * opts->fps + 0.5);
    s->frames = s->frames < 1 ? 1 : s->frames;
    s->canvas = canvas_new(s->clip, opts->width, opts->height);
    s->stage = (struct stage){
        .clip = s->clip,
        .rng = rng_new(opts->seed, FOR_PROPS),
        .backdrop = make_backdrop(opts),
        .background = canvas_new(s->clip, opts->width, opts->height),
        .width = (float)opts->width,
        .height = (float)opts->height,
        .seconds = (float)opts->seconds * s->pace,
        .night = opts->night,
        .style = style,
    };
    s->camera = camera_new(&camera, style, opts->night, s->stage.backdrop.hour, opts->width, opts->height);
    set_up(s);
    *ret_scene = s;
    return 0;
}

void scene_freep(struct scene **s)
{
    struct scene *gone = TAKE(*s);

    if (!gone)
        return;
    arena_freep(&gone->frame);
    arena_freep(&gone->clip);
    freep(&gone);
}

int scene_frames(const struct scene *s)
{
    return s->frames;
}

const char *scene_site(const struct scene *s)
{
    return backdrop_name(&s->stage.backdrop);
}

/* Boxes were noted where things stand on the canvas. */
static void see_boxes(const struct scene *s, struct exposure e, struct scene_frame *f)
{
    float w = (float)s->canvas.width, h = (float)s->canvas.height;
    size_t kept = 0;

    for (size_t i = 0; i < f->nboxes; i++) {
        struct box b = f->boxes[i].box;
        struct vec2 p = camera_sees(&s->camera, e, &s->canvas, (struct vec2){b.x * w, b.y * h});
        struct vec2 q =
            camera_sees(&s->camera, e, &s->canvas, (struct vec2){(b.x + b.w) * w, (b.y + b.h) * h});
        float x0 = clampf(fminf(p.x, q.x) / w, 0, 1), x1 = clampf(fmaxf(p.x, q.x) / w, 0, 1);
        float y0 = clampf(p.y / h, 0, 1), y1 = clampf(q.y / h, 0, 1);
        if (x1 > x0 && y1 > y0)
            f->boxes[kept++] = (struct scene_box){f->boxes[i].label, {x0, y0, x1 - x0, y1 - y0}};
    }
    f->nboxes = kept;
}

bool scene_next(struct scene *s, struct scene_frame *ret_frame)
{
    struct instant m = {.canvas = &s->canvas, .exposure = {.gain = 1}, .truth = ret_frame};

    if (s->next >= s->frames)
        return false;
    arena_freep(&s->frame);
    m.frame = s->frame = arena_new();
    m.rng = rng_new(s->opts.seed, FOR_FRAMES + (uint32_t)s->next);
    m.t = (float)s->next / (float)s->opts.fps * s->pace;
    *ret_frame = (struct scene_frame){.pts = (double)s->next / s->opts.fps};
    canvas_copy(&s->canvas, &s->stage.background);
    if (s->with && s->with->draw)
        s->with->draw(&s->behind, &m);
    if (s->kind->draw)
        s->kind->draw(&s->stage, &m);
    if (s->camera.crop.zoom > 0 || m.exposure.zoom > 0)
        see_boxes(s, m.exposure, ret_frame);
    camera_take(&s->camera, &s->canvas, m.exposure, ret_frame->pts, &m.rng, s->frame, &ret_frame->picture);
    s->next++;
    return true;
}

void instant_box(const struct stage *s, struct instant *m, const char *label, struct bounds b)
{
    float x0 = clampf(b.x0 / s->width, 0, 1), x1 = clampf(b.x1 / s->width, 0, 1);
    float y0 = clampf(b.y0 / s->height, 0, 1), y1 = clampf(b.y1 / s->height, 0, 1);
    struct scene_frame *f = m->truth;

    if (f->nboxes == SCENE_MAX_BOXES || (x1 - x0) * s->width < (b.x1 - b.x0) / 6 ||
        (y1 - y0) * s->height < (b.y1 - b.y0) / 6 || !(b.x1 > b.x0))
        return;
    f->boxes[f->nboxes++] = (struct scene_box){label, {x0, y0, x1 - x0, y1 - y0}};
}
