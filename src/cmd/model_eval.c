/* assay model eval: how good a model is on a folder whose folders say what their files show. The files are
 * judged as `assay check` judges them, in the same sandbox. */
#include <dirent.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "cmd/check_int.h"
#include "cmd/eval_int.h"
#include "cmd/model_int.h"
#include "infer/model.h"

enum { READY_US = 60000000, DEADLINE_MS = 600000 };

#define ROW(name, type, field, fallback, min, max, arg, help)                            \
    {                                                                                    \
        name, type, offsetof(struct eval_settings, field), fallback, min, max, arg, help \
    }
static const struct option eval_rows[] = {
    ROW("model", OPT_STRING, model, NULL, 0, 0, "NAME|CARD",
        "eval: the model to evaluate, installed or beside this card; default: what a server would use"),
    ROW("against", OPT_STRING, against, NULL, 0, 0, "NAME|CARD",
        "eval: photos without labels, and how far the model agrees with this one (faces, tags)"),
    ROW("pipeline", OPT_STRING, pipeline, NULL, 0, 0, "NAME",
        "eval: alarm, origin, nsfw, faces or tags; default: as the names of the folders say"),
    ROW("threshold", OPT_DOUBLE, threshold, "0.5", 0, 1, "P", "eval: a label is told from this score on"),
    ROW("false-rate", OPT_DOUBLE, false_rate, "0.05", 0, 1, "P",
        "eval, tune: also find the threshold with at most so many false ones"),
    ROW("per-folder", OPT_INT, per_folder, "0", 0, 1e6, "N",
        "eval: at most so many files of a folder; 0: all"),
    ROW("html", OPT_STRING, html, NULL, 0, 0, "PAGE.html", "eval: also write one page with curves"),
    ROW("json", OPT_FLAG, json, "false", 0, 0, NULL, "eval, bench, tune: one JSON document"),
};

struct option_set eval_set(struct eval_settings *s)
{
    return (struct option_set){"Evaluation (eval, bench, tune)", eval_rows, COUNT_OF(eval_rows), s};
}

/* ---- files ---- */

static int is_visible(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

int eval_names(struct arena *a, const char *dir, bool folders, const char ***ret, size_t *ret_n,
               struct err *err)
{
    struct dirent **found = NULL;
    int n = scandir(dir, &found, is_visible, alphasort);

    if (n < 0)
        return FAIL_ERRNO(err, "cannot read the folder %.150s", dir);
    *ret = arena_array(a, (size_t)n + 1, sizeof **ret);
    *ret_n = 0;
    for (int i = 0; i < n; i++) {
        struct stat st;
        if (stat(arena_printf(a, "%s/%s", dir, found[i]->d_name), &st) == 0 &&
            (folders ? S_ISDIR(st.st_mode) : S_ISREG(st.st_mode)))
            (*ret)[(*ret_n)++] = arena_strdup(a, found[i]->d_name);
        free(found[i]);
    }
    free(found);
    return 0;
}

static int add_files(struct evaluation *e, size_t folder, size_t most, size_t *cap, struct err *err)
{
    const char *dir = arena_printf(e->arena, "%s/%s", e->data, e->folders[folder].name), **names;
    size_t n;

    if (eval_names(e->arena, dir, false, &names, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n && (!most || i < most); i++) {
        if (e->n == EVAL_MAX_ITEMS)
            return FAIL(err, ERR_LIMIT, "there are more than %d files; --per-folder takes fewer",
                        EVAL_MAX_ITEMS);
        ARENA_PUSH(e->arena, e->items, e->n, *cap) = (struct eval_item){
            .path = arena_printf(e->arena, "%s/%s", dir, names[i]),
            .folder = folder,
            .scores = arena_array(e->arena, e->nlabels, sizeof(double)),
        };
    }
    return 0;
}

int eval_find(struct evaluation *e, const struct eval_settings *s, struct err *err)
{
    const char **folders;
    size_t n, cap = 0;

    if (eval_names(e->arena, e->data, true, &folders, &n, err) < 0)
        return -1;
    e->kind = s->pipeline ? eval_kind_find(s->pipeline) : eval_kind_guess(folders, n);
    if (!e->kind)
        return FAIL(err, ERR_INPUT, "pipeline must be %s", eval_kind_names);
    if (eval_read_folders(e, folders, n, err) < 0)
        return -1;
    for (size_t i = 0; i < e->nfolders; i++)
        if (add_files(e, i, (size_t)s->per_folder, &cap, err) < 0)
            return -1;
    return e->n ? 0 : FAIL(err, ERR_INPUT, "the folders in %.150s have no files", e->data);
}

/* ---- one item ---- */

static int fill_spec(const struct evaluation *e, int fd, const char *path, struct subject_part *whole,
                     struct job_spec *spec, struct err *err)
{
    struct stat st;

    *spec = job_spec_defaults();
    if (fstat(fd, &st) < 0 || hash_fd(fd, spec->subject.sha256) < 0)
        return FAIL_ERRNO(err, "cannot read it");
    *whole = (struct subject_part){.size = st.st_size};
    spec->id = "eval";
    spec->pipeline = text_is(e->kind->pipeline, "faces") ? "faces" : check_pipeline(e->kind->pipeline, fd);
    spec->subject.size = st.st_size;
    spec->subject.name = path;
    spec->deadline_ms = DEADLINE_MS;
    spec->scenes = (struct scenes_params){.fps = 2, .tags = true, .parts = whole, .nparts = 1};
    spec->origin.at = clock_wall_us() / 1000000;
    spec->origin.unsafe = text_is(e->kind->name, "nsfw");
    spec->origin.force = FORCE_NEVER; /* the models are asked, not the Content Credentials */
    return job_spec_check(spec, err);
}

static void note_models(struct evaluation *e, const struct report *r)
{
    for (size_t i = 0; i < r->nmodels; i++) {
        size_t k = 0;
        while (k < e->nmodels && !text_is(e->models[k].sha256, r->models[i].sha256))
            k++;
        if (k < e->nmodels || e->nmodels == EVAL_MAX_LABELS)
            continue;
        e->models[e->nmodels++] = (struct model_ref){
            .name = arena_strdup(e->arena, r->models[i].name),
            .version = arena_strdup(e->arena, r->models[i].version),
            .task = arena_strdup(e->arena, r->models[i].task),
            .sha256 = arena_strdup(e->arena, r->models[i].sha256),
            .card = arena_strdup(e->arena, r->models[i].card),
        };
    }
}

static int take_report(struct evaluation *e, struct eval_item *item, const struct report *r, struct err *err)
{
    size_t known = 0;

    if (r->error.kind != ERR_NONE)
        return FAIL(err, r->error.kind, "%s", r->error.text);
    for (size_t i = 0; i < e->nlabels; i++) {
        item->scores[i] = e->kind->score(r, e->labels[i], e->model);
        known += item->scores[i] == item->scores[i];
    }
    item->cpu_ms = (double)(r->decode_us + r->infer_us) / 1000;
    item->wall_ms = (double)r->total_us / 1000;
    note_models(e, r);
    if (e->keep)
        e->keep(e, item, r);
    return known ? 0 : FAIL(err, ERR_MODEL, "no model gave a score");
}

static int judge(struct evaluation *e, struct lab *lab, struct arena *a, struct eval_item *item,
                 struct err *err)
{
    CLEANUP(fd_closep) int fd = open(item->path, O_RDONLY | O_CLOEXEC);
    struct lab_task task = {.subject_fd = fd, .artefact_fd = -1};
    const char *name = arena_printf(a, "%zu of %zu, %s", (size_t)(item - e->items) + 1, e->n, item->path);
    struct subject_part whole;
    struct checked found;

    if (fd < 0)
        return FAIL_ERRNO(err, "cannot open it");
    if (fill_spec(e, fd, item->path, &whole, &task.spec, err) < 0 ||
        check_run(a, lab, &task, name, &found, err) < 0)
        return -1;
    if (text_is(task.spec.pipeline, "origin-video") && found.report->error.kind == ERR_NO_STREAM) {
        task.spec.pipeline = "origin-sound";
        if (check_run(a, lab, &task, name, &found, err) < 0)
            return -1;
    }
    return take_report(e, item, found.report, err);
}

static void judge_all(struct evaluation *e, struct lab *lab)
{
    e->models = arena_array(e->arena, EVAL_MAX_LABELS, sizeof *e->models);
    for (size_t i = 0; i < e->n; i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct err why = {0};
        if (judge(e, lab, a, &e->items[i], &why) < 0)
            e->items[i].problem = arena_strdup(e->arena, why.text);
    }
}

/* ---- the command ---- */

int eval_choose(struct model_call *c, const char *model, struct lab_opts *opts, const struct card **ret,
                struct err *err)
{
    struct card *card = arena_alloc(c->arena, sizeof *card);

    *ret = card;
    if (text_ends(model, ".json")) {
        if (card_load(c->arena, model, card, err) < 0 || card_verify(card, err) < 0)
            return -1;
        opts->models_dir = dirname(arena_strdup(c->arena, model));
        if (!opts->detector) /* what else lies there is not asked */
            opts->detector = embedded_get(0).name;
    } else if (model_find(c, model, ret, err) < 0) {
        return -1;
    }
    if (text_is((*ret)->task, "detect"))
        opts->detector = (*ret)->name;
    else if (text_is((*ret)->task, "faces"))
        opts->faces = (*ret)->name;
    else if (text_is((*ret)->task, "tags"))
        opts->tags = (*ret)->name;
    return 0;
}

static int choose_model(struct model_call *c, struct evaluation *e, struct lab_opts *opts, struct err *err)
{
    const struct card *found;

    if (!c->eval.model)
        return 0;
    if (eval_choose(c, c->eval.model, opts, &found, err) < 0)
        return -1;
    e->model = found->name;
    e->card = found->text_sha256;
    return 0;
}

int eval_lab(struct lab **ret, const struct lab_opts *opts, struct err *err)
{
    struct lab *lab = NULL;

    if (lab_start(&lab, opts, err) < 0)
        return -1;
    if (lab_wait_ready(lab, clock_mono_us() + READY_US, err) < 0) {
        lab_stop(lab);
        return -1;
    }
    *ret = lab;
    return 0;
}

static bool is_asked(const struct evaluation *e, const struct model_ref *m)
{
    return !e->model || (text_is(m->name, e->model) && (!e->card || text_is(m->card, e->card)));
}

/* Another one has the place of a task that one model does, or another card of the folder has its name: then
 * its figures are not those that were asked for. */
static int check_took_part(const struct evaluation *e, struct err *err)
{
    for (size_t i = 0; i < e->nmodels; i++)
        if (is_asked(e, &e->models[i]))
            return 0;
    return e->model ? FAIL(err, ERR_MODEL,
                           "%s judged none of the files: another model of its task, of another task, or "
                           "another card of its name in the same folder did (docs/models.md)",
                           e->model)
                    : 0;
}

int eval_judge(struct evaluation *e, const struct lab_opts *opts, struct err *err)
{
    struct lab *lab;

    if (eval_lab(&lab, opts, err) < 0)
        return -1;
    judge_all(e, lab);
    lab_stop(lab);
    eval_sum(e);
    if (!e->judged)
        return FAIL(err, ERR_MODEL, "none of the %zu files could be judged; the first: %.150s", e->n,
                    e->items[0].problem);
    return check_took_part(e, err);
}

static int run(struct model_call *c, struct evaluation *e, const struct lab_opts *opts, struct err *err)
{
    CLEANUP(page_freep) struct page *page = NULL;

    if ((c->eval.html && page_begin(&page, c->eval.html, e->data, err) < 0) || eval_judge(e, opts, err) < 0)
        return -1;
    if (c->eval.json)
        eval_print_json(e);
    else
        eval_print(e);
    if (!page)
        return 0;
    eval_page(page_body(page), e);
    return page_end(page, &assay_program, err);
}

int model_eval(struct model_call *c, struct err *err)
{
    struct evaluation e = {.arena = c->arena,
                           .data = c->truth ? c->truth : c->argv[0],
                           .threshold = c->eval.threshold,
                           .false_rate = c->eval.false_rate};
    struct lab_opts opts;

    log_setup(LOG_WARN, false);
    c->lab.analysts = c->lab.analysts ? c->lab.analysts : 1;
    opts = lab_opts_of(&c->lab, &c->data, c->arena);
    if (c->eval.against)
        return eval_against(c, e.data, &opts, err);
    if (eval_find(&e, &c->eval, err) < 0 || choose_model(c, &e, &opts, err) < 0)
        return -1;
    return run(c, &e, &opts, err);
}
