#include "lab/shelf_int.h"

#include "base/cpu.h"
#include "base/log.h"
#include "base/text.h"
#include "c2pa/trust.h"
#include "infer/variant.h"

static const char *or_null(const char *s)
{
    return *s ? s : NULL;
}

/* ---- which card ---- */

static const struct card_entry *entry_named(const struct shelf *s, const char *name)
{
    for (size_t i = 0; i < s->nentries; i++)
        if (s->entries[i].card.name && text_is(s->entries[i].card.name, name))
            return &s->entries[i];
    return NULL;
}

static const struct card_entry *first_for(const struct shelf *s, const char *task)
{
    for (size_t i = 0; i < s->nentries; i++)
        if (!s->entries[i].problem && text_is(s->entries[i].card.task, task))
            return &s->entries[i];
    return NULL;
}

/* One that may have been meant for the task. The detector comes first: for it, any may have been meant. */
static const struct card_entry *broken_for(const struct shelf *s, const char *task)
{
    for (size_t i = 0; i < s->nentries; i++)
        if (s->entries[i].problem && (text_is(task, "detect") || text_is(s->entries[i].card.task, task)))
            return &s->entries[i];
    return NULL;
}

/* The tasks that one model does, of those that are built in: what the options call it, and whom they name. */
static const char *wanted_for(const struct shelf *s, const char *task)
{
    const struct {
        const char *task, *wanted;
    } all[] = {{"detect", s->opts->detector}, {"faces", s->opts->faces}, {"tags", s->opts->tags}};

    for (size_t i = 0; i < COUNT_OF(all); i++)
        if (text_is(all[i].task, task))
            return or_null(all[i].wanted);
    return NULL;
}

/* Nobody named one: a broken card may be the one that was meant, so no other model silently takes its place.
 */
static const struct card_entry *entry_for(const struct shelf *s, const char *task)
{
    const char *wanted = wanted_for(s, task);
    const struct card_entry *broken = broken_for(s, task);

    if (wanted)
        return entry_named(s, wanted);
    return broken ? broken : first_for(s, task);
}

struct chosen {
    struct card card;
    struct bytes embedded; /* the weights of a built-in model */
};

static int choose_installed(const struct card_entry *found, const char *task, struct chosen *ret,
                            struct err *err)
{
    if (found->problem)
        return FAIL(err, ERR_MODEL, "model card %s: %s", found->path, found->problem);
    if (!text_is(found->card.task, task))
        return FAIL(err, ERR_MODEL, "model %s is not made for \"%s\" but for \"%s\"", found->card.name, task,
                    found->card.task);
    *ret = (struct chosen){.card = found->card};
    return card_verify(&ret->card, err) < 0 ? -1 : 1;
}

/* The built-in one of a task; 0: there is none. */
static int choose_embedded(struct shelf *s, const char *task, struct chosen *ret, struct err *err)
{
    const char *wanted = wanted_for(s, task), *there = NULL;

    for (size_t i = 0; i < embedded_count(); i++) {
        struct card card;
        if (embedded_read(s->arena, i, &card, err) < 0)
            return -1;
        if (!text_is(card.task, task))
            continue;
        there = card.name;
        *ret = (struct chosen){card, embedded_get(i).model};
        break;
    }
    if (wanted && !text_is(wanted, there))
        return FAIL(err, ERR_MODEL, "no model card named %s in %s; %s%s", wanted,
                    *s->opts->models_dir ? s->opts->models_dir : "(no models directory)",
                    there ? "the embedded one is " : "none is built in", there ? there : "");
    return there != NULL;
}

/* 1: chosen, 0: there is none for this task. */
static int choose(struct shelf *s, const char *task, struct chosen *ret, struct err *err)
{
    const struct card_entry *found = entry_for(s, task);

    return found ? choose_installed(found, task, ret, err) : choose_embedded(s, task, ret, err);
}

/* ---- the alarm kit ---- */

static struct shelf_model *place(struct shelf *s, const struct card *card, struct err *err)
{
    struct shelf_model *m;

    if (s->nmodels == SHELF_MODELS)
        return FAIL_NULL(err, ERR_MODEL, "more than %d models", SHELF_MODELS);
    m = &s->models[s->nmodels++];
    m->card = *card;
    return m;
}

static int load_weights(struct shelf *s, const struct card *card, struct bytes embedded,
                        struct model **ret_model, struct err *err)
{
    struct shelf_model *mine = place(s, card, err);

    if (!mine)
        return -1;
    if (model_load(&mine->model, s->runtime, &mine->card, embedded, err) < 0) {
        s->nmodels--;
        return -1;
    }
    *ret_model = mine->model;
    return 0;
}

/* The weights that this processor runs fastest. A variant that the runtime cannot open is no reason to judge
 * nothing: the plain weights are there. */
static int load(struct shelf *s, const struct card *card, struct bytes embedded, struct model **ret_model,
                struct err *err)
{
    const struct card_variant *v = s->opts->plain ? NULL : variant_choose(card, cpu_features());
    struct err why = {0};
    struct card quick;

    if (v) {
        quick = variant_card(card, v);
        if (load_weights(s, &quick, variant_embedded(v), ret_model, &why) == 0)
            return 0;
        log_warn("a variant is left out", "model=%s variant=%s why=%s", card->name, v->name, why.text);
    }
    return load_weights(s, card, embedded, ret_model, err);
}

/* Nothing for a task is fine: then nobody looks for it. */
static int load_one(struct shelf *s, const char *task, struct model **ret_model, struct err *err)
{
    struct chosen chosen;
    int r = *ret_model ? 0 : choose(s, task, &chosen, err);

    return r > 0 ? load(s, &chosen.card, chosen.embedded, ret_model, err) : r;
}

int shelf_open(struct shelf *s, const struct msg_options *opts, struct err *err)
{
    struct chosen chosen = {0};
    struct model *detector;

    *s = (struct shelf){.arena = arena_new(), .opts = opts, .kits = KIT_ALARM};
    if (*opts->models_dir && cards_list(s->arena, opts->models_dir, &s->entries, &s->nentries, err) < 0)
        return -1;
    if (choose(s, "detect", &chosen, err) < 0 || runtime_open(&s->runtime, or_null(opts->runtime), err) < 0)
        return -1;
    return load(s, &chosen.card, chosen.embedded, &detector, err);
}

/* ---- the scenes kit ---- */

/* "auto" takes what there is, maybe nothing; a server that names languages must have them. */
static int load_reader(struct shelf *s, struct err *err)
{
    const char *tessdata = or_null(s->opts->tessdata);

    if (!*s->opts->languages || text_is(s->opts->languages, "none"))
        return 0;
    if (text_is(s->opts->languages, "auto"))
        (void)ocr_open(&s->scenes.ocr, "eng", tessdata, NULL);
    else if (ocr_open(&s->scenes.ocr, s->opts->languages, tessdata, err) < 0)
        return -1;
    (void)languages_open(&s->scenes.languages, NULL); /* without it texts have no language */
    return 0;
}

static int load_scenes(struct shelf *s, struct err *err)
{
    struct scenes_tools *t = &s->scenes;
    const struct {
        const char *task;
        struct model **model;
    } wanted[] = {
        {"faces", &t->faces},
        {"face-embedding", &t->embedding},
        {"face-traits", &t->traits},
        {"tags", &t->tags},
    };

    t->faces = s->origin.find_faces; /* one for both kits */
    for (size_t i = 0; i < COUNT_OF(wanted); i++)
        if (load_one(s, wanted[i].task, wanted[i].model, err) < 0)
            return -1;
    return load_reader(s, err);
}

/* ---- the origin kit ---- */

static bool is_replaced(const struct shelf *s, const char *name)
{
    const struct card_entry *e = entry_named(s, name);

    return e && !e->problem;
}

/* Where the models of a task sit, all there are. */
struct seats {
    const char *task;
    struct origin_seat *all;
    size_t *n;
};

static int sit(struct shelf *s, const struct seats *seats, const struct card *card, struct bytes embedded,
               struct err *err)
{
    struct model *model = NULL;
    struct shelf_model *alone;

    if (*seats->n == ORIGIN_SEATS)
        return 0;
    if (text_is(card->origin.method, "spectrum")) {
        alone = place(s, card, err);
        if (!alone)
            return -1;
        seats->all[(*seats->n)++] = (struct origin_seat){&alone->card, NULL};
        return 0;
    }
    if (load(s, card, embedded, &model, err) < 0)
        return -1;
    seats->all[(*seats->n)++] = (struct origin_seat){model_card(model), model};
    return 0;
}

static const struct seats *seats_for(const struct seats *all, size_t n, const char *task)
{
    for (size_t i = 0; i < n; i++)
        if (text_is(all[i].task, task))
            return &all[i];
    return NULL;
}

/* The program's own; an installed card of the same name takes its place. */
static int sit_embedded(struct shelf *s, const struct seats *all, size_t n, struct err *err)
{
    for (size_t i = 1; i < embedded_count(); i++) {
        const struct seats *seats;
        struct card card;

        if (embedded_read(s->arena, i, &card, err) < 0)
            return -1;
        seats = seats_for(all, n, card.task);
        if (seats && !is_replaced(s, card.name) && sit(s, seats, &card, embedded_get(i).model, err) < 0)
            return -1;
    }
    return 0;
}

static int sit_installed(struct shelf *s, const struct seats *all, size_t n, struct err *err)
{
    for (size_t i = 0; i < s->nentries; i++) {
        const struct card_entry *e = &s->entries[i];
        const struct seats *seats = e->problem ? NULL : seats_for(all, n, e->card.task);

        if (seats && (card_verify(&e->card, err) < 0 || sit(s, seats, &e->card, (struct bytes){0}, err) < 0))
            return -1;
    }
    return 0;
}

static int open_trust(struct shelf *s, struct err *err)
{
    const char *anchors[] = {or_null(s->opts->anchors), NULL}, *allowed[] = {or_null(s->opts->allowed), NULL},
               *stamps[] = {or_null(s->opts->stamps), NULL};
    const struct c2pa_trust_files files = {.anchors = anchors, .allowed = allowed, .tsa = stamps};

    c2pa_prepare();
    if (!anchors[0] && !allowed[0])
        return 0;
    if (c2pa_trust_open(&files, &s->trust, err) < 0)
        return -1;
    s->origin.trust = s->trust;
    return 0;
}

static int load_origin(struct shelf *s, struct err *err)
{
    struct origin_tools *t = &s->origin;
    struct origin_seat speech[ORIGIN_SEATS];
    const struct seats all[] = {
        {"origin-image", t->pictures, &t->npictures},
        {"origin-face", t->faces, &t->nfaces},
        {"origin-speech", speech, &t->nspeech},
    };

    t->find_faces = s->scenes.faces;
    if (open_trust(s, err) < 0 || sit_embedded(s, all, COUNT_OF(all), err) < 0 ||
        sit_installed(s, all, COUNT_OF(all), err) < 0 || load_one(s, "nsfw", &t->unsafe, err) < 0 ||
        load_one(s, "voice", &t->voice, err) < 0)
        return -1;
    if (t->nfaces && load_one(s, "faces", &t->find_faces, err) < 0) /* only they want to see them */
        return -1;
    for (size_t i = 0; i < t->nspeech; i++)
        t->speech[i] = speech[i].model;
    return 0;
}

/* ---- kits ---- */

typedef int kit_loader(struct shelf *s, struct err *err);

static int add_kit(struct shelf *s, unsigned kit, kit_loader *loader, struct err *ret_problem,
                   struct err *err)
{
    if (s->kits & kit)
        return 0;
    s->kits |= kit;
    if (loader(s, ret_problem) == 0)
        return 0;
    return FAIL(err, ret_problem->kind, "%s", ret_problem->text);
}

int shelf_add(struct shelf *s, unsigned kits, struct err *err)
{
    int r = 0;

    if (kits & KIT_SCENES)
        r = add_kit(s, KIT_SCENES, load_scenes, &s->scenes.problem, err);
    if (kits & KIT_ORIGIN && add_kit(s, KIT_ORIGIN, load_origin, &s->origin.problem, err) < 0)
        r = -1;
    return r;
}

/* ---- all of it ---- */

void shelf_fill(const struct shelf *s, struct toolbox *ret)
{
    ret->detector = s->models[0].model;
    ret->scenes = s->scenes;
    ret->origin = s->origin;
    ret->loader = s->runtime;
}

static struct msg_model model_of(const struct card *card)
{
    struct model_ref ref = card_ref(card);
    struct msg_model m = {0};

    text_copy(m.name, sizeof m.name, ref.name);
    text_copy(m.version, sizeof m.version, ref.version);
    text_copy(m.task, sizeof m.task, ref.task);
    text_copy(m.sha256, sizeof m.sha256, ref.sha256);
    text_copy(m.card, sizeof m.card, ref.card);
    return m;
}

static struct msg_model reader_of(const struct ocr *ocr)
{
    struct msg_model m = {.name = "tesseract", .task = "text"};

    text_copy(m.version, sizeof m.version, ocr_version(ocr));
    text_copy(m.sha256, sizeof m.sha256, ocr_sha256(ocr));
    return m;
}

size_t shelf_models(const struct shelf *s, struct msg_model ret[LAB_MAX_MODELS])
{
    size_t n = 0;

    for (; n < s->nmodels; n++)
        ret[n] = model_of(&s->models[n].card);
    if (s->scenes.ocr)
        ret[n++] = reader_of(s->scenes.ocr);
    return n;
}

void shelf_clear(struct shelf *s)
{
    ocr_freep(&s->scenes.ocr);
    languages_freep(&s->scenes.languages);
    for (size_t i = 0; i < SHELF_MODELS; i++)
        model_freep(&s->models[i].model);
    runtime_freep(&s->runtime);
    c2pa_trust_freep(&s->trust);
    arena_freep(&s->arena);
}
