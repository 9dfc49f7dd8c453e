/* Pipeline "pictures": what is on each picture of a batch. The pictures lie one behind the other in the
 * subject; one that cannot be judged says why and does not touch the others. docs/scenes.md. */
#include <math.h>
#include <string.h>

#include "analysis/analysis.h"
#include "analysis/pipelines_int.h"
#include "analysis/portraits.h"
#include "analysis/strip.h"
#include "analysis/text.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "infer/tags.h"
#include "media/still.h"

struct album {
    const struct toolbox *tools;
    const struct scenes_params *params;
    int64_t deadline;
    struct report *report;
    int fd;
    struct arena *scratch;       /* for one picture */
    struct portraits *portraits; /* NULL: nobody looks for it */
    struct tagger *tagger;
    bool reads_text;
    struct text_engine engine;
    struct strip *strip; /* NULL: nobody wants thumbnails */
};

/* ---- what is on one picture ---- */

static int take_portraits(struct album *b, const struct picture *bgr, struct scenery *ret, struct err *err)
{
    struct people *people = portraits_people(b->portraits, b->report->arena);
    struct portrait_sample sample = {.bgr = bgr};

    if (portraits_take(b->portraits, people, b->scratch, &sample, b->deadline, err) < 0)
        return -1;
    people_end(people, 0, ret);
    ret->face_frames = 1;
    return 0;
}

static int take_tags(struct album *b, const struct picture *bgr, struct scenery *ret, struct err *err)
{
    struct tag *tags;
    size_t n;

    if (tags_judge(b->tagger, b->scratch, bgr, b->deadline, &tags, &n, err) < 0)
        return -1;
    n = tags_above(tags, n, b->params->tag_from);
    ret->has_tags = true;
    ret->tags = arena_array(b->report->arena, n, sizeof *ret->tags);
    for (ret->ntags = 0; ret->ntags < n; ret->ntags++)
        ret->tags[ret->ntags] = (struct scene_tag){
            .name = tags[ret->ntags].name,
            .probability = fmin(1, (double)tags[ret->ntags].probability),
            .critical = tags[ret->ntags].critical,
        };
    return 0;
}

/* In the size in which letters are read best. */
static int text_picture(struct album *b, const struct picture *bgr, struct picture *ret, struct err *err)
{
    struct picture scaled = {.channels = 3};

    texts_size(bgr->width, bgr->height, &scaled.width, &scaled.height);
    scaled.pixels = arena_array(b->scratch, (size_t)scaled.width * (size_t)scaled.height, 3);
    *ret = (struct picture){.width = scaled.width, .height = scaled.height, .channels = 1};
    ret->pixels = arena_array(b->scratch, (size_t)scaled.width, (size_t)scaled.height);
    if (picture_scale(bgr, 0, 0, bgr->width, bgr->height, &scaled, err) < 0)
        return -1;
    picture_luma(&scaled, ret);
    return 0;
}

static int take_text(struct album *b, const struct picture *bgr, struct scenery *ret, struct err *err)
{
    struct texts_opts opts = texts_defaults();
    struct texts_found found;
    struct picture luma;

    if (text_picture(b, bgr, &luma, err) < 0 ||
        texts_of_picture(b->report->arena, &b->engine, &opts, &luma, b->deadline, &found, err) < 0)
        return -1;
    ret->has_texts = true;
    ret->texts = found.items;
    ret->ntexts = found.n < SCENERY_MAX_TEXTS ? found.n : SCENERY_MAX_TEXTS;
    ret->text_offered = found.offered;
    ret->text_read = found.read;
    return 0;
}

static int look(struct album *b, const struct picture *bgr, struct scenery *ret, struct err *err)
{
    int64_t begin = clock_cpu_us();
    int r = 0;

    if (b->portraits)
        r = take_portraits(b, bgr, ret, err);
    if (r == 0 && b->tagger)
        r = take_tags(b, bgr, ret, err);
    if (r == 0 && b->reads_text)
        r = take_text(b, bgr, ret, err);
    b->report->infer_us += clock_cpu_us() - begin;
    return r;
}

/* ---- the batch ---- */

static int open_picture(struct album *b, const struct subject_part *part, struct item *item,
                        struct picture *ret, struct err *err)
{
    struct still_opts opts = still_defaults();
    int64_t begin = clock_cpu_us();
    struct still still;
    int r;

    opts.shortest = PICTURES_SHORTEST;
    opts.deadline_mono_us = b->deadline;
    if (b->tools->cpu_us)
        opts.cpu_us = b->tools->cpu_us;
    r = still_read_range(b->scratch, b->fd, part->offset, part->size, &opts, &still, err);
    b->report->decode_us += clock_cpu_us() - begin;
    if (r < 0)
        return -1;
    item->format = arena_strdup(b->report->arena, still.format);
    item->width = still.width;
    item->height = still.height;
    *ret = still.picture;
    return 0;
}

static int judge(struct album *b, size_t i, struct err *err)
{
    const struct subject_part *part = &b->params->parts[i];
    struct item *item = &b->report->items[i];
    struct picture bgr;

    if (part->error.kind != ERR_NONE)
        return FAIL(err, part->error.kind, "%s", part->error.text);
    if (open_picture(b, part, item, &bgr, err) < 0)
        return -1;
    if (b->strip)
        strip_sample(b->strip, &bgr, (double)i, true, 0);
    return look(b, &bgr, &item->scenery, err);
}

/* What stops the whole batch and not one picture of it. */
static bool stops_all(const struct err *err)
{
    return err->kind == ERR_TIMEOUT || err->kind == ERR_MODEL || err->kind == ERR_INTERNAL;
}

static int judge_all(struct album *b, struct err *err)
{
    for (size_t i = 0; i < b->params->nparts; i++) {
        struct item *item = &b->report->items[i];
        struct err why = {0};
        int r;
        b->scratch = arena_new();
        r = judge(b, i, &why);
        arena_freep(&b->scratch);
        if (r < 0 && stops_all(&why)) {
            for (size_t k = i; k < b->params->nparts; k++)
                b->report->items[k].error = why;
            return FAIL(err, why.kind, "%s", why.text);
        }
        if (r < 0)
            item->error = why;
        else
            b->report->sampling.judged++;
        if (b->tools->progress)
            b->tools->progress(b->tools->progress_arg, (int)i + 1, (int)b->params->nparts);
    }
    return 0;
}

static void equip(struct album *b)
{
    const struct scenes_tools *t = &b->tools->scenes;
    struct arena *a = b->report->arena;

    b->portraits = portraits_new(a, b->tools, b->params, b->report);
    if (t->tags && b->params->tags) {
        b->tagger = tagger_new(a, t->tags);
        note_model(b->report, t->tags);
    }
    b->reads_text = t->ocr && b->params->texts;
    if (b->reads_text) {
        b->engine = text_engine_of(t->ocr, t->languages);
        note_reader(b->report, t->ocr);
    }
}

static void make_items(struct report *r, size_t n)
{
    r->nitems = n;
    r->items = arena_array(r->arena, n, sizeof *r->items);
    for (size_t i = 0; i < n; i++)
        r->items[i].format = "";
    r->media = (struct media_info){.container = "", .codec = ""};
    r->sampling.planned = (int)n;
}

static int pictures_run(const struct toolbox *tools, const struct job_spec *spec, struct subject_fds fds,
                        int64_t deadline_mono_us, struct report *report, struct err *err)
{
    struct album b = {
        .tools = tools,
        .params = &spec->scenes,
        .deadline = deadline_mono_us,
        .report = report,
        .fd = fds.media,
    };
    int r;

    if (tools->scenes.problem.kind != ERR_NONE)
        return FAIL(err, tools->scenes.problem.kind, "%s", tools->scenes.problem.text);
    make_items(report, spec->scenes.nparts);
    equip(&b);
    if (fds.artefact >= 0)
        b.strip = strip_new(report->arena);
    r = judge_all(&b, err);
    if (b.strip)
        strip_end(b.strip, fds.artefact, NULL); /* the report is the same without them */
    return r;
}

const struct pipeline pipeline_pictures = {.name = "pictures", .run = pictures_run};
