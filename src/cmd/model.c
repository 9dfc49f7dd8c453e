#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/cpu.h"
#include "base/text.h"
#include "cmd/model_int.h"
#include "infer/model.h"
#include "infer/variant.h"

static int load_cards(struct model_call *c, struct err *err)
{
    c->nbuiltin = embedded_count();
    c->builtin = arena_array(c->arena, c->nbuiltin, sizeof *c->builtin);
    for (size_t i = 0; i < c->nbuiltin; i++)
        if (embedded_read(c->arena, i, &c->builtin[i], err) < 0)
            return -1;
    return cards_list(c->arena, c->dir, &c->entries, &c->n, err);
}

/* What runs here, where it is not the plain weights. */
static const struct card_variant *chosen(const struct model_call *p, const struct card *c)
{
    return p->lab.variants ? variant_choose(c, cpu_features()) : NULL;
}

static void list_row(const struct model_call *p, const struct card *c, const char *where)
{
    size_t word = strcspn(c->licence, " :;,("); /* its name; the small print is in `show` */
    const struct card_variant *v = chosen(p, c);

    printf("%-20s  %-8s  %-14s  %-14.*s  %s%s%s\n", c->name, c->version, c->task, (int)word, c->licence,
           where, v ? "; runs as " : "", v ? v->name : "");
}

static int model_list(struct model_call *p, struct err *err)
{
    if (p->pull.available)
        return model_list_available(p, err);
    printf("%-20s  %-8s  %-14s  %-14s  %s\n", "NAME", "VERSION", "TASK", "LICENCE", "WHERE");
    for (size_t i = 0; i < p->nbuiltin; i++)
        list_row(p, &p->builtin[i], "built in");
    for (size_t i = 0; i < p->n; i++)
        if (p->entries[i].problem)
            printf("%-20s  %-8s  %-14s  %-14s  %s: %s\n", "?", "?", "?", "?", p->entries[i].path,
                   p->entries[i].problem);
        else
            list_row(p, &p->entries[i].card, p->entries[i].path);
    return 0;
}

const struct card_entry *model_installed(const struct model_call *c, const char *name)
{
    for (size_t i = 0; i < c->n; i++)
        if (text_is(c->entries[i].card.name, name))
            return &c->entries[i];
    return NULL;
}

static const struct card *find_card(const struct model_call *p, const char *name)
{
    const struct card_entry *e = model_installed(p, name);

    if (e && !e->problem)
        return &e->card;
    for (size_t i = 0; i < p->nbuiltin; i++)
        if (text_is(p->builtin[i].name, name))
            return &p->builtin[i];
    return NULL;
}

static bool is_builtin(const struct model_call *p, const struct card *c)
{
    for (size_t i = 0; i < p->nbuiltin; i++)
        if (c == &p->builtin[i])
            return true;
    return false;
}

/* Where the weights are. */
static const char *place_of(const struct model_call *p, const struct card *c)
{
    if (c->file)
        return c->file;
    return is_builtin(p, c) ? "built in" : "none: the card has the weights";
}

int model_find(const struct model_call *c, const char *name, const struct card **ret, struct err *err)
{
    struct catalogue all;

    *ret = name ? find_card(c, name) : NULL;
    if (*ret)
        return 0;
    if (name && catalogue_load(c->arena, c->pull.catalogue, &all, NULL) == 0 && catalogue_find(&all, name))
        return FAIL(err, ERR_NOT_FOUND, "the model %s is not installed; `assay model pull %s` gets it", name,
                    name);
    return FAIL(err, ERR_NOT_FOUND, "no model '%s'; `assay model list` shows what is there",
                name ? name : "");
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
    printf("labels    %zu\nmap       %s\ntags      from %g; ", c->nlabels,
           c->tags.map ? c->tags.map : "built in", c->tags.threshold);
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

static void show_variants(const struct model_call *p, const struct card *c)
{
    const struct card_variant *used = chosen(p, c);

    for (size_t i = 0; i < c->nvariants; i++) {
        const struct card_variant *v = &c->variants[i];
        printf("variant   %s, for", v->name);
        for (size_t k = 0; cpu_feature_name(k); k++)
            if (v->needs & cpu_feature(cpu_feature_name(k)))
                printf(" %s", cpu_feature_name(k));
        printf("%s\n          sha256 %s\n", v == used ? ": what runs here" : "", v->sha256);
        if (v->about)
            printf("          %s\n", v->about);
    }
}

static int model_show(struct model_call *p, struct err *err)
{
    const struct card *c;

    if (model_find(p, p->argc ? p->argv[0] : NULL, &c, err) < 0)
        return -1;
    printf("name      %s %s (%s)\nfile      %s\nsha256    %s\nlicence   %s\nsource    %s\nmade by   "
           "%s\nweakness  %s\n",
           c->name, c->version, c->task, place_of(p, c), c->sha256, c->licence, c->source, c->made_by,
           c->weakness);
    show_variants(p, c);
    if (c->input.name) /* a card may have all weights, and no network */
        show_tensors(c);
    for (size_t i = 0; i < COUNT_OF(shown); i++)
        if (text_is(shown[i].task, c->task))
            shown[i].show(c);
    return 0;
}

/* Without a name: all of them. */
static int model_verify(struct model_call *p, struct err *err)
{
    const char *name = p->argc ? p->argv[0] : NULL;
    const struct card *one = NULL;
    int bad = 0;

    if (name && !model_installed(p, name) && model_find(p, name, &one, err) < 0)
        return -1;
    if (name && model_installed(p, name)) /* one that is damaged, too */
        one = &model_installed(p, name)->card;
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

int model_make_dir(const struct model_call *c, struct err *err)
{
    if (!c->lab.models && mkdir(c->data.data, 0700) < 0 && errno != EEXIST)
        return FAIL_ERRNO(err, "cannot make the directory %s", c->data.data);
    if (mkdir(c->dir, 0755) < 0 && errno != EEXIST)
        return FAIL_ERRNO(err, "cannot make the directory %s", c->dir);
    return 0;
}

int model_read_file(struct arena *a, const char *path, struct bytes *ret, struct err *err)
{
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    uint8_t *data;

    if (fd < 0 || fstat(fd, &st) < 0)
        return FAIL_ERRNO(err, "cannot open %s", path);
    if (!S_ISREG(st.st_mode) || st.st_size > MODEL_MAX_BYTES)
        return FAIL(err, ERR_INPUT, "%s is no file of at most %d MB", path, MODEL_MAX_BYTES >> 20);
    data = arena_try(a, (size_t)st.st_size + 1);
    if (!data)
        return FAIL(err, ERR_LIMIT, "there is no memory for %s", path);
    for (int64_t at = 0; at < st.st_size;) {
        ssize_t n = pread(fd, data + at, (size_t)(st.st_size - at), at);
        if (n <= 0 && errno != EINTR)
            return FAIL_ERRNO(err, "cannot read %s", path);
        at += n > 0 ? n : 0;
    }
    *ret = bytes_of(data, (size_t)st.st_size);
    return 0;
}

static int model_add(struct model_call *c, struct err *err)
{
    if (!c->argc)
        return FAIL(err, ERR_INPUT,
                    "assay model add needs the path of a model card (FILE.json, docs/models.md), or of a "
                    "model (FILE.onnx) to propose one");
    if (text_ends(c->argv[0], ".onnx"))
        return model_propose(c, c->argv[0], err);
    if (model_make_dir(c, err) < 0 || cards_add(c->dir, c->argv[0], err) < 0)
        return -1;
    printf("added to %s; restart the server to use it\n", c->dir);
    return 0;
}

static const struct {
    const char *name;
    int (*run)(struct model_call *, struct err *);
    bool blind; /* does not look at what is there */
} verbs[] = {
    {"list", model_list, false},           {"show", model_show, false},   {"verify", model_verify, false},
    {"eval", model_eval, false},           {"bench", model_bench, false}, {"tune", model_tune, true},
    {"pull", model_pull, false},           {"add", model_add, true},      {"remove", model_remove, false},
    {"calibrate", model_calibrate, false},
};

static const struct command_help help = {
    .usage = "assay model list|show|verify|pull|add|remove|eval|calibrate|bench|tune [NAME...] [options]",
    .text =
        "Models. Some are built in. Others come from the catalogue (`pull`), or as a model card (a JSON "
        "file,\n"
        "docs/models.md) beside a model file.\n\n"
        "  list [--available]     what is there; what the catalogue has\n"
        "  show NAME              the card of a model\n"
        "  verify [NAME]          do the weights still have the SHA-256 of their cards?\n"
        "  pull NAME...|--all     gets weights by the catalogue, checks and installs them\n"
        "  add CARD.json          checks a card and its model file, and installs both\n"
        "  add FILE.onnx          looks into a model, tries it, proposes a card; installs nothing\n"
        "  remove NAME...         takes models away\n"
        "  eval DIR               accuracy on a folder whose folders are named after what their files show\n"
        "                         (person, animal, person+animal, nothing; human, artificial; tags)\n"
        "                         --against NAME: agreement with another model on photos without labels\n"
        "  calibrate DIR          fits a model's calibration to such a folder; --model, --write CARD\n"
        "  bench [NAME...]        what a run costs: processor time, memory, loading; also CARD.json, "
        "FILE.onnx\n"
        "  tune --tenant NAME     thresholds for each camera from operators' labels, shown by replay",
    .after = "Examples:\n"
             "  assay model list --available\n"
             "  assay model pull yolox-nano yunet\n"
             "  assay model pull --all --from /media/stick/models\n"
             "  assay model eval --html page.html clips\n"
             "  assay model tune --tenant acme --write rules.json",
};

static int run(struct model_call *c, size_t verb)
{
    struct err err = {0};

    if ((verbs[verb].run == model_eval || verbs[verb].run == model_calibrate) &&
        !c->argc) { /* then --data is the folder with the truth */
        c->truth = c->data.data;
        c->data.data = "./assay-data";
    }
    c->dir = c->lab.models ? c->lab.models : arena_printf(c->arena, "%s/models", c->data.data);
    if ((!verbs[verb].blind && load_cards(c, &err) < 0) || verbs[verb].run(c, &err) < 0)
        return command_failed(&err);
    return 0;
}

static int model_run_command(int argc, char **argv)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct common_settings common;
    struct model_call c = {.arena = a};
    struct option_set sets[] = {common_set(&common), pull_set(&c.pull), eval_set(&c.eval),
                                bench_set(&c.bench), tune_set(&c.tune), data_set(&c.data),
                                lab_set(&c.lab)};
    struct conf *conf;
    int status = command_options(a, &help, sets, COUNT_OF(sets), &common, &argc, argv, &conf);

    if (status >= 0)
        return status;
    for (size_t i = 0; argc > 1 && i < COUNT_OF(verbs); i++) {
        if (!text_is(verbs[i].name, argv[1]))
            continue;
        c.argc = argc - 2;
        c.argv = argv + 2;
        return run(&c, i);
    }
    return command_misused(&help, argc > 1 ? argv[1] : NULL);
}

const struct command command_model = {"model", "list, pull, add, verify and remove models",
                                      model_run_command};
