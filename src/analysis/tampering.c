/* Pipeline "tampering": was a picture or a PDF changed after it was made? The tickets lie one behind the
 * other in the subject; each picture is looked at by itself, and one that cannot be read says why and does
 * not touch the others. docs/tampering.md. */
#include "report/tampering.h"

#include "analysis/analysis.h"
#include "analysis/pipelines_int.h"
#include "analysis/tamper/copy_move.h"
#include "analysis/tamper/double_jpeg.h"
#include "analysis/tamper/error_level.h"
#include "analysis/tamper/metadata.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "c2pa/reader.h"
#include "media/still.h"

struct desk {
    const struct toolbox *tools;
    const struct tamper_params *params;
    int64_t deadline;
    struct report *report;
    size_t cap; /* of the items */
    int fd;
    struct arena *scratch; /* for one ticket */
};

static struct tamper_item *new_item(struct desk *d, size_t part, size_t picture)
{
    struct tampering *t = d->report->tampering;

    ARENA_PUSH(d->report->arena, t->items, t->nitems, d->cap) =
        (struct tamper_item){.part = part, .picture = picture, .format = ""};
    return &t->items[t->nitems - 1];
}

static bool asked(const struct desk *d, enum tamper_model m)
{
    return d->params->models >> m & 1;
}

static struct tamper_evidence unknown(enum tamper_model m, const char *code)
{
    return (struct tamper_evidence){.model = m, .code = code};
}

/* ---- one picture ---- */

struct sight {
    struct bytes file;
    struct still still;
    struct picture luma;
    struct still_opts opts;
};

static int look_at_blocks(struct desk *d, const struct sight *s, struct tamper_evidence *ret, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct jpeg_blocks blocks;
    struct err why = {0};

    *ret = unknown(TAMPER_DOUBLE_JPEG, "not_jpeg");
    if (!text_is(s->still.format, "jpeg"))
        return 0;
    if (jpeg_blocks_read(a, s->file, &s->opts, &blocks, &why) == 0)
        return double_jpeg(&blocks, &s->still.picture, d->deadline, ret, err);
    ret->code = "unsupported";
    return why.kind == ERR_TIMEOUT ? FAIL(err, why.kind, "%s", why.text) : 0;
}

static int ask(struct desk *d, enum tamper_model m, const struct sight *s, struct tamper_evidence *ret,
               struct err *err)
{
    int64_t begin = clock_mono_us();
    int r = 0;

    switch (m) {
    case TAMPER_ERROR_LEVEL:
        r = error_level(&s->still.picture, &s->luma, d->deadline, ret, err);
        break;
    case TAMPER_DOUBLE_JPEG:
        r = look_at_blocks(d, s, ret, err);
        break;
    case TAMPER_COPY_MOVE:
        r = copy_move(&s->luma, d->deadline, ret, err);
        break;
    default:
        *ret = metadata_of_picture(s->file, &s->still.picture, s->still.width, s->still.height, d->deadline);
    }
    ret->seconds = (double)(clock_mono_us() - begin) / 1e6;
    return r;
}

static int open_picture(struct desk *d, struct bytes file, struct sight *ret, struct err *err)
{
    const struct picture *p = &ret->still.picture;
    int64_t begin = clock_cpu_us();

    *ret = (struct sight){.file = file, .opts = still_defaults()};
    ret->opts.as_stored = true;
    ret->opts.deadline_mono_us = d->deadline;
    if (d->tools->cpu_us)
        ret->opts.cpu_us = d->tools->cpu_us;
    if (still_read(d->scratch, file, &ret->opts, &ret->still, err) < 0)
        return -1;
    ret->luma = (struct picture){p->width, p->height, 1, NULL};
    ret->luma.pixels = arena_try(d->scratch, (size_t)p->width * (size_t)p->height);
    if (!ret->luma.pixels)
        return FAIL(err, ERR_LIMIT, "There is no memory for an image of %dx%d.", p->width, p->height);
    picture_luma(p, &ret->luma);
    d->report->decode_us += clock_cpu_us() - begin;
    return 0;
}

static int judge_picture(struct desk *d, struct bytes file, struct tamper_item *item, struct err *err)
{
    int64_t begin;
    struct sight s;

    if (open_picture(d, file, &s, err) < 0)
        return -1;
    item->format = arena_strdup(d->report->arena, s.still.format);
    item->width = s.still.width;
    item->height = s.still.height;
    begin = clock_cpu_us();
    for (int m = 0; m < TAMPER_MODELS; m++) {
        if (!asked(d, (enum tamper_model)m))
            continue;
        if (ask(d, (enum tamper_model)m, &s, &item->evidence[item->nevidence], err) < 0)
            return -1;
        item->nevidence++;
    }
    d->report->infer_us += clock_cpu_us() - begin;
    return 0;
}

/* ---- one ticket ---- */

static int read_credentials(struct desk *d, struct bytes file, struct tamper_item *item, struct err *err)
{
    static const enum credentials_state states[] = {[C2PA_NONE] = CREDENTIALS_NONE,
                                                    [C2PA_INVALID] = CREDENTIALS_INVALID,
                                                    [C2PA_VALID] = CREDENTIALS_VALID,
                                                    [C2PA_TRUSTED] = CREDENTIALS_TRUSTED};
    const struct c2pa_opts opts = {.trust = d->tools->origin.trust, .now = d->params->at};
    struct source source = source_of_bytes(&file);
    struct c2pa_result found;

    if (c2pa_read(d->report->arena, &source, &opts, &found, err) < 0)
        return -1;
    item->credentials_read = true;
    item->credentials = (struct credentials){states[found.state], found.says_ai, found.json};
    return 0;
}

/* The document itself: nothing of it is pixels. */
static void judge_document(struct desk *d, const struct pdf_facts *f, struct tamper_item *item)
{
    const char *code = f->npictures ? "not_a_picture" : "no_pictures";

    item->format = "pdf";
    for (int m = 0; m < TAMPER_MODELS; m++)
        if (asked(d, (enum tamper_model)m))
            item->evidence[item->nevidence++] =
                m == TAMPER_METADATA ? metadata_of_pdf(f) : unknown((enum tamper_model)m, code);
}

/* What stops the whole batch and not one picture of it. */
static bool stops_all(const struct err *err)
{
    return err->kind == ERR_TIMEOUT || err->kind == ERR_INTERNAL;
}

static void finish(struct desk *d, struct tamper_item *item, struct bytes file, const struct err *why)
{
    if (file.data)
        hash_hex(file, item->sha256);
    if (why->kind != ERR_NONE)
        item->nevidence = 0;
    item->error = *why;
    tamper_item_decide(item);
    d->report->sampling.judged += why->kind == ERR_NONE;
}

static int judge_file(struct desk *d, struct bytes file, size_t part, size_t picture, struct err *err)
{
    struct tamper_item *item = new_item(d, part, picture);
    struct err why = {0};
    int r = judge_picture(d, file, item, &why);

    if (r == 0 && !picture)
        r = read_credentials(d, file, item, &why);
    finish(d, item, file, &why);
    return r < 0 && stops_all(&why) ? FAIL(err, why.kind, "%s", why.text) : 0;
}

static int judge_pdf(struct desk *d, struct bytes file, size_t part, struct err *err)
{
    struct pdf_facts *f = arena_alloc(d->scratch, sizeof *f);
    struct tamper_item *item = new_item(d, part, 0);
    struct err why = {0};
    int r;

    pdf_facts_read(file, f);
    judge_document(d, f, item);
    r = read_credentials(d, file, item, &why);
    finish(d, item, file, &why);
    if (r < 0 && stops_all(&why))
        return FAIL(err, why.kind, "%s", why.text);
    for (size_t i = 0; i < f->npictures; i++) {
        if (d->report->tampering->nitems + d->params->nparts - part >= TAMPERING_MAX_ITEMS)
            return 0; /* the other tickets come first */
        if (judge_file(d, f->pictures[i], part, i + 1, err) < 0)
            return -1;
    }
    return 0;
}

static int read_ticket(struct desk *d, const struct subject_part *p, struct bytes *ret, struct err *err)
{
    struct still_opts opts = still_defaults();

    if (p->error.kind != ERR_NONE)
        return FAIL(err, p->error.kind, "%s", p->error.text);
    return still_bytes(d->scratch, d->fd, p->offset, p->size, opts.max_bytes, ret, err);
}

static int judge_ticket(struct desk *d, size_t part, struct err *err)
{
    struct bytes file = {0};
    struct err why = {0};

    if (read_ticket(d, &d->params->parts[part], &file, &why) < 0) {
        finish(d, new_item(d, part, 0), (struct bytes){0}, &why);
        return stops_all(&why) ? FAIL(err, why.kind, "%s", why.text) : 0;
    }
    return pdf_is(file) ? judge_pdf(d, file, part, err) : judge_file(d, file, part, 0, err);
}

static int tampering_run(const struct toolbox *tools, const struct job_spec *spec, struct subject_fds fds,
                         int64_t deadline_mono_us, struct report *report, struct err *err)
{
    struct desk d = {.tools = tools,
                     .params = &spec->tamper,
                     .deadline = deadline_mono_us,
                     .report = report,
                     .fd = fds.media};

    report->tampering = arena_alloc(report->arena, sizeof *report->tampering);
    report->media = (struct media_info){.container = "", .codec = ""};
    report->sampling.planned = (int)spec->tamper.nparts;
    for (size_t i = 0; i < spec->tamper.nparts; i++) {
        int r;
        d.scratch = arena_new();
        r = judge_ticket(&d, i, err);
        arena_freep(&d.scratch);
        if (r < 0)
            return -1;
        if (tools->progress)
            tools->progress(tools->progress_arg, (int)i + 1, (int)spec->tamper.nparts);
    }
    return 0;
}

const struct pipeline pipeline_tampering = {.name = "tampering", .run = tampering_run};
