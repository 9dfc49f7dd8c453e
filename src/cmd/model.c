#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "infer/card.h"
#include "infer/model.h"

struct places {
    struct arena *arena;
    const char *data; /* the data directory that dir is in, NULL when dir was named */
    const char *dir;
    struct card *builtin;
    size_t nbuiltin;
    struct card_entry *entries;
    size_t n;
};

static int load_places(struct places *p, struct err *err)
{
    p->nbuiltin = embedded_count();
    p->builtin = arena_array(p->arena, p->nbuiltin, sizeof *p->builtin);
    for (size_t i = 0; i < p->nbuiltin; i++)
        if (card_parse(p->arena, embedded_get(i).card, NULL, "built-in", &p->builtin[i], err) < 0)
            return -1;
    return p->dir ? cards_list(p->arena, p->dir, &p->entries, &p->n, err) : 0;
}

static void list_row(const struct card *c, const char *where)
{
    size_t word = strcspn(c->licence, " :;,("); /* its name; the small print is in `show` */

    printf("%-20s  %-8s  %-14s  %-14.*s  %s\n", c->name, c->version, c->task, (int)word, c->licence, where);
}

static int model_list(struct places *p, const char *name, struct err *err)
{
    (void)name;
    (void)err;
    printf("%-20s  %-8s  %-14s  %-14s  %s\n", "NAME", "VERSION", "TASK", "LICENCE", "WHERE");
    for (size_t i = 0; i < p->nbuiltin; i++)
        list_row(&p->builtin[i], "built in");
    for (size_t i = 0; i < p->n; i++)
        if (p->entries[i].problem)
            printf("%-20s  %-8s  %-14s  %-14s  %s: %s\n", "?", "?", "?", "?", p->entries[i].path,
                   p->entries[i].problem);
        else
            list_row(&p->entries[i].card, p->entries[i].path);
    return 0;
}

static const struct card *find_card(const struct places *p, const char *name)
{
    for (size_t i = 0; i < p->n; i++)
        if (!p->entries[i].problem && text_is(p->entries[i].card.name, name))
            return &p->entries[i].card;
    for (size_t i = 0; i < p->nbuiltin; i++)
        if (text_is(p->builtin[i].name, name))
            return &p->builtin[i];
    return NULL;
}

static bool is_builtin(const struct places *p, const struct card *c)
{
    for (size_t i = 0; i < p->nbuiltin; i++)
        if (c == &p->builtin[i])
            return true;
    return false;
}

/* Where the weights are. */
static const char *place_of(const struct places *p, const struct card *c)
{
    if (c->file)
        return c->file;
    return is_builtin(p, c) ? "built in" : "none: the card has the weights";
}

static int need_card(const struct places *p, const char *name, const struct card **ret, struct err *err)
{
    *ret = name ? find_card(p, name) : NULL;
    if (!*ret)
        return FAIL(err, ERR_NOT_FOUND, "no model '%s'; `assay model list` shows what is there",
                    name ? name : "");
    return 0;
}

/* ---- what only one task has ---- */

static void show_detect(const struct card *c)
{
    printf("risk      danger from %g, intrusion from %g, label from %g\n", c->rule.low, c->rule.high,
           c->rule.label);
    printf("labels    ");
    for (size_t i = 0; i < c->nlabels; i++)
        if (c->labels[i].concept)
            printf("%s (%s >= %g) ", c->labels[i].name, c->labels[i].concept, c->labels[i].threshold);
    putchar('\n');
}

static void show_faces(const struct card *c)
{
    printf("faces     score from %g, at least %d pixels, overlap up to %g\n", c->faces.threshold,
           c->faces.min_face, c->nms_iou);
}

static void show_embedding(const struct card *c)
{
    printf("same      from a cosine of %g; faces of at least %d pixels\n", c->embedding.same_from,
           c->embedding.min_face);
}

static void show_traits(const struct card *c)
{
    printf("gender    from %g (%s); faces of at least %d pixels\n", c->traits.gender_floor,
           c->traits.gender_output, c->traits.min_face);
}

static void show_tags(const struct card *c)
{
    printf("labels    %zu\nmap       %s\ntags      from %g; ", c->nlabels, c->tags.map, c->tags.threshold);
    for (size_t i = 0; i < c->tags.ntags; i++)
        printf("%s%s%s", i ? ", " : "", c->tags.tags[i].name, c->tags.tags[i].critical ? " (critical)" : "");
    putchar('\n');
}

static void show_answers(const struct card *c)
{
    static const char *const media[] = {"image", "video", "face", "audio"};

    printf("answers   artificial from %g, human from %g, else unknown\nverdicts ", c->origin.artificial_from,
           c->origin.floor);
    for (size_t i = 0; i < COUNT_OF(media); i++)
        if (card_counts_for(c, media[i]))
            printf(" %s", media[i]);
    printf("%s\n", c->origin.obsolete ? " (obsolete)" : "");
}

static void show_origin(const struct card *c)
{
    printf("method    %s\n", c->origin.method);
    show_answers(c);
}

static void show_speech(const struct card *c)
{
    printf("hears     windows %.4g s apart, with %g s of speech or more\n", (double)c->speech.hop / 16000,
           c->speech.min_voiced);
    show_answers(c);
}

static void show_voice(const struct card *c)
{
    printf("speech    from %g\n", c->speech.threshold);
}

static void show_nsfw(const struct card *c)
{
    printf("unsafe    from %g of", c->nsfw.threshold);
    for (size_t i = 0; i < c->nsfw.nunsafe; i++)
        printf("%s %s", i ? " +" : "", c->labels[c->nsfw.unsafe[i]].name);
    putchar('\n');
}

static const struct {
    const char *task;
    void (*show)(const struct card *c);
} shown[] = {
    {"detect", show_detect},        {"faces", show_faces}, {"face-embedding", show_embedding},
    {"face-traits", show_traits},   {"tags", show_tags},   {"origin-image", show_origin},
    {"origin-face", show_origin},   {"nsfw", show_nsfw},   {"voice", show_voice},
    {"origin-speech", show_speech},
};

static void show_tensors(const struct card *c)
{
    if (c->input.samples) {
        printf("input     %s, %d samples of 16 kHz\noutput    %s\n", c->input.name, c->input.samples,
               c->output.name);
        return;
    }
    printf("input     %s, %d x %d, %s%s%s\noutput    %s%s%s\n", c->input.name, c->input.width,
           c->input.height, c->input.order, c->input.fit ? ", " : "", c->input.fit ? c->input.fit : "",
           c->output.name, c->output.decoder ? ", " : "", c->output.decoder ? c->output.decoder : "");
}

static int model_show(struct places *p, const char *name, struct err *err)
{
    const struct card *c;

    if (need_card(p, name, &c, err) < 0)
        return -1;
    printf("name      %s %s (%s)\nfile      %s\nsha256    %s\nlicence   %s\nsource    %s\nmade by   "
           "%s\nweakness  %s\n",
           c->name, c->version, c->task, place_of(p, c), c->sha256, c->licence, c->source, c->made_by,
           c->weakness);
    if (c->input.name) /* a card may have all weights, and no network */
        show_tensors(c);
    for (size_t i = 0; i < COUNT_OF(shown); i++)
        if (text_is(shown[i].task, c->task))
            shown[i].show(c);
    return 0;
}

/* Without a name: all of them. */
static int model_verify(struct places *p, const char *name, struct err *err)
{
    const struct card *one = NULL;
    int bad = 0;

    if (name && need_card(p, name, &one, err) < 0)
        return -1;
    for (size_t i = 0; i < p->nbuiltin; i++)
        if (!one || one == &p->builtin[i])
            printf("%-20s fine (built in)\n", p->builtin[i].name);
    for (size_t i = 0; i < p->n; i++) {
        const struct card_entry *e = &p->entries[i];
        if (one && one != &e->card)
            continue;
        if (e->problem || card_verify(&e->card, err) < 0) {
            printf("%-20s BAD: %s\n", e->problem ? e->path : e->card.name,
                   e->problem ? e->problem : err->text);
            bad++;
        } else {
            printf("%-20s fine\n", e->card.name);
        }
    }
    return bad ? FAIL(err, ERR_MODEL, "%d of the models must not be used; take them away or add them again",
                      bad)
               : 0;
}

static int model_add(struct places *p, const char *path, struct err *err)
{
    if (!path)
        return FAIL(err, ERR_INPUT,
                    "assay model add needs the path of a model card (FILE.json, docs/models.md)");
    if (p->data && mkdir(p->data, 0700) < 0 &&
        errno != EEXIST) /* the models folder itself is made by cards_add */
        return FAIL_ERRNO(err, "cannot make the directory %s", p->data);
    if (cards_add(p->dir, path, err) < 0)
        return -1;
    printf("added to %s; restart the server to use it\n", p->dir);
    return 0;
}

static const struct {
    const char *name;
    int (*run)(struct places *, const char *, struct err *);
} verbs[] = {
    {"list", model_list},
    {"show", model_show},
    {"verify", model_verify},
    {"add", model_add},
};

static const struct command_help help = {
    .usage = "assay model list | show NAME | verify [NAME] | add CARD.json",
    .text = "Models. Some are built in. Others come as a model card (a JSON file, docs/models.md) "
            "beside a model\n"
            "file; `add` checks both and copies them into the model directory.",
};

static int model_run_command(int argc, char **argv)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct common_settings common;
    struct data_settings data;
    struct lab_settings lab;
    struct option_set sets[] = {common_set(&common), data_set(&data), lab_set(&lab)};
    struct places p = {.arena = a};
    struct conf *conf;
    struct err err;
    int status = command_options(a, &help, sets, COUNT_OF(sets), &common, &argc, argv, &conf);

    if (status >= 0)
        return status;
    for (size_t i = 0; argc > 1 && i < COUNT_OF(verbs); i++) {
        if (!text_is(verbs[i].name, argv[1]))
            continue;
        p.data = lab.models ? NULL : data.data;
        p.dir = lab.models ? lab.models : arena_printf(a, "%s/models", data.data);
        if (verbs[i].run != model_add && access(p.dir, F_OK) < 0)
            p.dir = NULL;
        if ((verbs[i].run != model_add && load_places(&p, &err) < 0) ||
            verbs[i].run(&p, argc > 2 ? argv[2] : NULL, &err) < 0)
            return command_failed(&err);
        return 0;
    }
    return command_misused(&help, argc > 1 ? argv[1] : NULL);
}

const struct command command_model = {"model", "list, show, verify and add models", model_run_command};
