#include "lab/shelf_int.h"

#include "base/text.h"

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

static const struct card_entry *first_broken(const struct shelf *s)
{
    for (size_t i = 0; i < s->nentries; i++)
        if (s->entries[i].problem)
            return &s->entries[i];
    return NULL;
}

/* Nobody named one: a broken card may be the one that was meant, so no other model silently takes its place.
 */
static const struct card_entry *detector_entry(const struct shelf *s)
{
    const char *wanted = or_null(s->opts->detector);
    const struct card_entry *broken = first_broken(s);

    if (wanted)
        return entry_named(s, wanted);
    return broken ? broken : first_for(s, "detect");
}

/* ---- the alarm kit ---- */

/* 1: an installed card is chosen; 0: the embedded one is to be used. */
static int choose_installed(struct shelf *s, struct card *ret_card, struct err *err)
{
    const struct card_entry *found = detector_entry(s);

    if (!found)
        return 0;
    if (found->problem)
        return FAIL(err, ERR_MODEL, "model card %s: %s", found->path, found->problem);
    if (!text_is(found->card.task, "detect"))
        return FAIL(err, ERR_MODEL, "model %s is not a detector but made for \"%s\"", s->opts->detector,
                    found->card.task);
    *ret_card = found->card;
    return card_verify(ret_card, err) < 0 ? -1 : 1;
}

static int choose_embedded(struct shelf *s, struct card *ret_card, struct err *err)
{
    const char *wanted = or_null(s->opts->detector);

    if (card_parse(s->arena, embedded_card(), NULL, "the embedded model card", ret_card, err) < 0)
        return -1;
    if (wanted && !text_is(wanted, ret_card->name))
        return FAIL(err, ERR_MODEL, "no model card named %s in %s; the embedded detector is %s", wanted,
                    *s->opts->models_dir ? s->opts->models_dir : "(no models directory)", ret_card->name);
    return 0;
}

static int load(struct shelf *s, const struct card *card, struct bytes embedded, struct model **ret_model,
                struct err *err)
{
    struct card *mine = &s->cards[s->nmodels];

    if (s->nmodels == SHELF_MODELS)
        return FAIL(err, ERR_MODEL, "more than %d models", SHELF_MODELS);
    *mine = *card;
    if (model_load(&s->models[s->nmodels], s->runtime, mine, embedded, err) < 0)
        return -1;
    *ret_model = s->models[s->nmodels++];
    return 0;
}

int shelf_open(struct shelf *s, const struct msg_options *opts, struct err *err)
{
    struct bytes embedded = {0};
    struct card card = {0};
    struct model *detector;
    int installed;

    *s = (struct shelf){.arena = arena_new(), .opts = opts, .kits = KIT_ALARM};
    if (*opts->models_dir && cards_list(s->arena, opts->models_dir, &s->entries, &s->nentries, err) < 0)
        return -1;
    installed = choose_installed(s, &card, err);
    if (installed < 0 || (installed == 0 && choose_embedded(s, &card, err) < 0))
        return -1;
    if (runtime_open(&s->runtime, or_null(opts->runtime), err) < 0)
        return -1;
    if (!installed)
        embedded = embedded_model();
    return load(s, &card, embedded, &detector, err);
}

/* ---- the scenes kit ---- */

/* Nothing installed for a task is fine: then nobody looks for it. */
static int load_first(struct shelf *s, const char *task, struct model **ret_model, struct err *err)
{
    const struct card_entry *e = first_for(s, task);

    if (!e)
        return 0;
    if (card_verify(&e->card, err) < 0)
        return -1;
    return load(s, &e->card, (struct bytes){0}, ret_model, err);
}

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

    for (size_t i = 0; i < COUNT_OF(wanted); i++)
        if (load_first(s, wanted[i].task, wanted[i].model, err) < 0)
            return -1;
    return load_reader(s, err);
}

int shelf_add(struct shelf *s, unsigned kits, struct err *err)
{
    struct err why = {0};

    if ((kits & KIT_SCENES) && !(s->kits & KIT_SCENES) && load_scenes(s, &why) < 0)
        s->scenes.problem = why;
    s->kits |= kits;
    return why.kind == ERR_NONE ? 0 : FAIL(err, why.kind, "%s", why.text);
}

/* ---- all of it ---- */

void shelf_fill(const struct shelf *s, struct toolbox *ret)
{
    ret->detector = s->models[0];
    ret->scenes = s->scenes;
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
        ret[n] = model_of(&s->cards[n]);
    if (s->scenes.ocr)
        ret[n++] = reader_of(s->scenes.ocr);
    return n;
}

void shelf_clear(struct shelf *s)
{
    ocr_freep(&s->scenes.ocr);
    languages_freep(&s->scenes.languages);
    for (size_t i = 0; i < SHELF_MODELS; i++)
        model_freep(&s->models[i]);
    runtime_freep(&s->runtime);
    arena_freep(&s->arena);
}
