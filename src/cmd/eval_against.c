/* assay model eval --against: how far a model agrees with another one on photos that nobody has labelled, as
 * a small one with the teacher it learned from. Both judge all photos, one after the other, in the analysts'
 * sandbox. */
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "cmd/check_int.h"
#include "cmd/eval_int.h"

enum { DEADLINE_MS = 600000 };
static const double face_overlap = .4, face_pixels = 24, sure_from = .5;

/* What one model said of one photo. */
struct look {
    const char *problem; /* NULL: it was judged */
    size_t nfaces;
    struct agree_face *faces;
    double *tags; /* of those that are compared */
    double cpu_ms;
};

struct pair {
    struct against v;
    const char **photos;
    const char *names[CARD_MAX_TAGS];
};

/* ---- photos ---- */

static int add_photos(struct pair *p, const char *dir, size_t most, size_t *cap, struct err *err)
{
    const char **names;
    size_t n;

    if (eval_names(p->v.arena, dir, false, &names, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n && (!most || i < most); i++) {
        if (p->v.n == EVAL_MAX_ITEMS)
            return FAIL(err, ERR_LIMIT, "there are more than %d files; --per-folder takes fewer",
                        EVAL_MAX_ITEMS);
        ARENA_PUSH(p->v.arena, p->photos, p->v.n, *cap) = arena_printf(p->v.arena, "%s/%s", dir, names[i]);
    }
    return 0;
}

/* Those in the folder and in its folders, whatever they are called. */
static int find_photos(struct pair *p, size_t most, struct err *err)
{
    const char **folders;
    size_t n, cap = 0;

    if (add_photos(p, p->v.data, most, &cap, err) < 0 ||
        eval_names(p->v.arena, p->v.data, true, &folders, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (add_photos(p, arena_printf(p->v.arena, "%s/%s", p->v.data, folders[i]), most, &cap, err) < 0)
            return -1;
    return p->v.n ? 0 : FAIL(err, ERR_INPUT, "there are no files in %.150s", p->v.data);
}

/* ---- tags that both have ---- */

static bool holds(const struct card_tag *wide, int label)
{
    for (size_t i = 0; i < wide->nfrom; i++)
        if (wide->from[i] == label)
            return true;
    return false;
}

static bool is_wider(const struct card_tag *wide, const struct card_tag *narrow)
{
    for (size_t i = 0; i < narrow->nfrom; i++)
        if (!holds(wide, narrow->from[i]))
            return false;
    return wide->nfrom > narrow->nfrom;
}

static size_t tag_named(const struct card *card, const char *name)
{
    size_t i = 0;

    while (i < card->tags.ntags && !text_is(card->tags.tags[i].name, name))
        i++;
    return i;
}

static bool both_have(const struct card *other, const struct card_tag *tag)
{
    return tag_named(other, tag->name) < other->tags.ntags;
}

size_t against_tags(const struct card *mine, const struct card *other, size_t *ret_mine, size_t *ret_other)
{
    const struct card_tag *all = mine->tags.tags;
    size_t n = 0;

    for (size_t i = 0; i < mine->tags.ntags; i++) {
        bool wide = false;
        for (size_t k = 0; k < mine->tags.ntags; k++)
            wide = wide || (both_have(other, &all[k]) && is_wider(&all[i], &all[k]));
        if (wide || !both_have(other, &all[i]))
            continue;
        ret_mine[n] = i;
        ret_other[n++] = tag_named(other, all[i].name);
    }
    return n;
}

static int choose_tags(struct pair *p, struct err *err)
{
    size_t mine[CARD_MAX_TAGS], other[CARD_MAX_TAGS];
    size_t n = against_tags(p->v.mine, p->v.other, mine, other);

    if (n < 2)
        return FAIL(err, ERR_INPUT, "%s and %s have no tags in common that could be compared",
                    p->v.mine->name, p->v.other->name);
    for (size_t i = 0; i < n; i++)
        p->names[i] = p->v.mine->tags.tags[mine[i]].name;
    p->v.names = p->names;
    p->v.tags = (struct agree_tags){
        .ntags = n, .tags = arena_array(p->v.arena, n, sizeof *p->v.tags.tags), .sure_from = sure_from};
    return 0;
}

/* ---- one photo ---- */

static int fill_spec(const struct pair *p, int fd, const char *path, struct subject_part *whole,
                     struct job_spec *spec, struct err *err)
{
    bool faces = text_is(p->v.mine->task, "faces");
    struct stat st;

    *spec = job_spec_defaults();
    if (fstat(fd, &st) < 0 || hash_fd(fd, spec->subject.sha256) < 0)
        return FAIL_ERRNO(err, "cannot read it");
    *whole = (struct subject_part){.size = st.st_size};
    spec->id = "eval";
    spec->pipeline = faces ? "faces" : "pictures";
    spec->subject.size = st.st_size;
    spec->subject.name = path;
    spec->deadline_ms = DEADLINE_MS;
    if (!faces)
        spec->scenes = (struct scenes_params){.fps = 1, .tags = true, .parts = whole, .nparts = 1};
    return job_spec_check(spec, err);
}

/* A finding "face", then its points (analysis/faces.c). */
static void take_faces(struct arena *a, const struct report *r, struct look *ret)
{
    double w = r->sampling.width, h = r->sampling.height;
    size_t point = 0;

    ret->faces = arena_array(a, r->nfindings + 1, sizeof *ret->faces);
    for (size_t i = 0; i < r->nfindings; i++) {
        const struct box *b = &r->findings[i].box;
        if (text_is(r->findings[i].label, "face")) {
            ret->faces[ret->nfaces++] = (struct agree_face){
                (double)b->x * w, (double)b->y * h, (double)b->w * w, (double)b->h * h, {{0}}};
            point = 0;
        } else if (ret->nfaces && point < AGREE_POINTS) {
            double *at = ret->faces[ret->nfaces - 1].points[point++];
            at[0] = (double)b->x * w;
            at[1] = (double)b->y * h;
        }
    }
}

static void take_tags(const struct pair *p, const struct scenery *s, struct look *ret)
{
    ret->tags = arena_array(p->v.arena, p->v.tags.ntags, sizeof *ret->tags);
    for (size_t i = 0; i < p->v.tags.ntags; i++)
        for (size_t k = 0; k < s->ntags; k++)
            if (text_is(s->tags[k].name, p->names[i]))
                ret->tags[i] = s->tags[k].probability;
}

static int take(const struct pair *p, const struct report *r, struct look *ret, struct err *err)
{
    const struct item *item = r->nitems ? &r->items[0] : NULL;

    if (r->error.kind != ERR_NONE)
        return FAIL(err, r->error.kind, "%s", r->error.text);
    if (item && item->error.kind != ERR_NONE)
        return FAIL(err, item->error.kind, "%s", item->error.text);
    if (p->v.tags.ntags && !(item && item->scenery.has_tags))
        return FAIL(err, ERR_MODEL, "no model told its tags");
    if (p->v.tags.ntags)
        take_tags(p, &item->scenery, ret);
    else
        take_faces(p->v.arena, r, ret);
    ret->cpu_ms = (double)(r->decode_us + r->infer_us) / 1000;
    return 0;
}

static int look_at(const struct pair *p, struct lab *lab, struct arena *a, size_t i, struct look *ret,
                   struct err *err)
{
    CLEANUP(fd_closep) int fd = open(p->photos[i], O_RDONLY | O_CLOEXEC);
    struct lab_task task = {.subject_fd = fd, .artefact_fd = -1};
    const char *name = arena_printf(a, "%zu of %zu, %s", i + 1, p->v.n, p->photos[i]);
    struct subject_part whole;
    struct checked found;

    if (fd < 0)
        return FAIL_ERRNO(err, "cannot open it");
    if (fill_spec(p, fd, p->photos[i], &whole, &task.spec, err) < 0 ||
        check_run(a, lab, &task, name, &found, err) < 0)
        return -1;
    return take(p, found.report, ret, err);
}

/* ---- all photos ---- */

static int look_at_all(struct pair *p, const struct lab_opts *opts, struct look **ret, struct err *err)
{
    struct look *all = arena_array(p->v.arena, p->v.n, sizeof *all);
    struct lab *lab;

    if (eval_lab(&lab, opts, err) < 0)
        return -1;
    for (size_t i = 0; i < p->v.n; i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct err why = {0};
        if (look_at(p, lab, a, i, &all[i], &why) < 0)
            all[i].problem = arena_strdup(p->v.arena, why.text);
    }
    lab_stop(lab);
    *ret = all;
    return 0;
}

static void compare(struct pair *p, const struct look *mine, const struct look *other)
{
    double *cpu = arena_array(p->v.arena, p->v.n, sizeof *cpu),
           *cpu_other = arena_array(p->v.arena, p->v.n, sizeof *cpu_other);

    for (size_t i = 0; i < p->v.n; i++) {
        const char *problem = mine[i].problem ? mine[i].problem : other[i].problem;
        if (problem && !p->v.problem) {
            p->v.problem = problem;
            p->v.problem_of = p->photos[i];
        }
        if (problem)
            continue;
        cpu[p->v.judged] = mine[i].cpu_ms;
        cpu_other[p->v.judged++] = other[i].cpu_ms;
        if (p->v.tags.ntags)
            agree_tags_add(&p->v.tags, mine[i].tags, other[i].tags);
        else
            agree_faces_add(&p->v.faces, mine[i].faces, mine[i].nfaces, other[i].faces, other[i].nfaces);
    }
    p->v.of_faces = agree_faces_end(&p->v.faces);
    p->v.cpu_ms = measure_median(cpu, p->v.judged);
    p->v.cpu_ms_other = measure_median(cpu_other, p->v.judged);
}

static int judge(struct pair *p, const struct lab_opts *mine, const struct lab_opts *other, struct err *err)
{
    struct look *of_mine, *of_other;

    if (look_at_all(p, mine, &of_mine, err) < 0 || look_at_all(p, other, &of_other, err) < 0)
        return -1;
    compare(p, of_mine, of_other);
    return p->v.judged ? 0
                       : FAIL(err, ERR_MODEL, "none of the %zu files could be judged; the first: %.150s",
                              p->v.n, p->v.problem);
}

/* ---- the command ---- */

static int choose(struct model_call *c, struct pair *p, struct lab_opts *mine, struct lab_opts *other,
                  struct err *err)
{
    if (!c->eval.model)
        return FAIL(err, ERR_INPUT, "--against compares a model with another one: --model names the first");
    if (eval_choose(c, c->eval.model, mine, &p->v.mine, err) < 0 ||
        eval_choose(c, c->eval.against, other, &p->v.other, err) < 0)
        return -1;
    if (!text_is(p->v.mine->task, p->v.other->task))
        return FAIL(err, ERR_INPUT, "%s is made for \"%s\", but %s for \"%s\"", p->v.mine->name,
                    p->v.mine->task, p->v.other->name, p->v.other->task);
    if (!text_is(p->v.mine->task, "faces") && !text_is(p->v.mine->task, "tags"))
        return FAIL(err, ERR_UNSUPPORTED,
                    "models of the task \"%s\" cannot be compared without labels; faces and tags can",
                    p->v.mine->task);
    return text_is(p->v.mine->task, "tags") ? choose_tags(p, err) : 0;
}

int eval_against(struct model_call *c, const char *data, const struct lab_opts *opts, struct err *err)
{
    CLEANUP(page_freep) struct page *page = NULL;
    struct pair p = {.v = {.arena = c->arena, .data = data}};
    struct lab_opts mine = *opts, other = *opts;

    p.v.faces = (struct agree_faces){.arena = c->arena, .overlap = face_overlap, .min_face = face_pixels};
    if (choose(c, &p, &mine, &other, err) < 0 || find_photos(&p, (size_t)c->eval.per_folder, err) < 0 ||
        (c->eval.html && page_begin(&page, c->eval.html, data, err) < 0) || judge(&p, &mine, &other, err) < 0)
        return -1;
    if (c->eval.json)
        against_print_json(&p.v);
    else
        against_print(&p.v);
    if (!page)
        return 0;
    against_page(page_body(page), &p.v);
    return page_end(page, &assay_program, err);
}
