#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cmd/eval_int.h"
#include "verdict/concept.h"

/* ---- words ---- */

static bool is_one_of(const char *word, const char *const *list)
{
    for (; *list; list++)
        if (text_is_nocase(word, *list))
            return true;
    return false;
}

static const char *const nothings[] = {"nothing", "none",     "empty", "other",
                                       "others",  "negative", "safe",  NULL};

static const char *alarm_label(const char *word)
{
    for (size_t i = 0; concept_words[i]; i++)
        if (text_is_nocase(word, concept_words[i]))
            return is_one_of(word, nothings) ? NULL : concept_words[i];
    return text_is_nocase(word, "intrusion") ? "intrusion" : NULL;
}

static const char *origin_label(const char *word)
{
    static const char *const made[] = {"artificial", "fake", "ai", "generated", "synthetic", "spoof", NULL};

    return is_one_of(word, made) ? "artificial" : NULL;
}

static bool is_human(const char *word)
{
    static const char *const real[] = {"human", "real", "natural", "genuine", "bonafide", NULL};

    return is_one_of(word, real);
}

static const char *unsafe_label(const char *word)
{
    static const char *const unsafe[] = {"nsfw", "unsafe", "porn", "explicit", NULL};

    return is_one_of(word, unsafe) ? "unsafe" : NULL;
}

static const char *face_label(const char *word)
{
    static const char *const faces[] = {"face", "faces", NULL};

    return is_one_of(word, faces) ? "face" : NULL;
}

/* Tags are whatever the model's map calls so. */
static const char *tag_label(const char *word)
{
    return is_one_of(word, nothings) ? NULL : word;
}

/* ---- scores ---- */

static double alarm_score(const struct report *r, const char *label, const char *model)
{
    const struct score *s = report_score(r, label);

    (void)model; /* there is one detector */
    return s ? s->value : (double)NAN;
}

/* The surest face; none has none. */
static double face_score(const struct report *r, const char *label, const char *model)
{
    double best = 0;

    (void)model;
    for (size_t i = 0; i < r->nfindings; i++)
        if (text_is(r->findings[i].label, label))
            best = fmax(best, r->findings[i].score);
    return best;
}

static double tag_score(const struct report *r, const char *label, const char *model)
{
    const struct scenery *s = r->nitems ? &r->items[0].scenery : NULL;

    (void)model;
    if (!s || r->items[0].error.kind != ERR_NONE || !s->has_tags)
        return (double)NAN;
    for (size_t i = 0; i < s->ntags; i++)
        if (text_is(s->tags[i].name, label))
            return s->tags[i].probability;
    return 0;
}

static const struct origin_stream *stream_of(const struct report *r)
{
    const struct origins *o = r->origins;

    if (!o)
        return NULL;
    return o->pictures ? o->pictures : o->ntracks ? &o->tracks[0] : NULL;
}

/* An answer that is too uncertain to be told has a score all the same. */
static bool has_score(const struct opinion *o)
{
    return (!o->code || text_is(o->code, "uncertain")) && isfinite(o->vote.score[ORIGIN_ARTIFICIAL]);
}

/* Of the models that count, or of the one that is asked for: the mean over the parts. */
static double origin_score(const struct report *r, const char *label, const char *model)
{
    const struct origin_stream *s = stream_of(r);
    double sum = 0;
    size_t n = 0;

    (void)label; /* there is one */
    for (size_t p = 0; s && p < s->nparts; p++)
        for (size_t i = 0; i < s->nmodels; i++) {
            const struct voter *who = &s->models[i];
            if (!(model ? text_is(who->model, model) : who->counts && !who->obsolete) ||
                !has_score(&s->parts[p].opinions[i]))
                continue;
            sum += s->parts[p].opinions[i].vote.score[ORIGIN_ARTIFICIAL];
            n++;
        }
    return n ? fmin(fmax(sum / (double)n, 0), 1) : (double)NAN;
}

/* The worst part. */
static double unsafe_score(const struct report *r, const char *label, const char *model)
{
    const struct origin_stream *s = r->origins && r->origins->unsafe_known ? stream_of(r) : NULL;
    double worst = (double)NAN;

    (void)label;
    (void)model;
    for (size_t p = 0; s && p < s->nparts; p++)
        worst = fmax(worst, s->parts[p].unsafe);
    return worst;
}

/* ---- kinds ---- */

const char eval_kind_names[] = "alarm, origin, nsfw, faces or tags";

static const struct eval_kind kinds[] = {
    {"alarm", "alarm", alarm_label, alarm_score, "nothing"},
    {"origin", "origin", origin_label, origin_score, "human"},
    {"nsfw", "origin", unsafe_label, unsafe_score, "safe"},
    {"faces", "faces", face_label, face_score, "nothing"},
    {"tags", NULL, tag_label, tag_score, "nothing"},
};

const struct eval_kind *eval_kind_find(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (text_is(kinds[i].name, name))
            return &kinds[i];
    return NULL;
}

static size_t count_known(const struct eval_kind *k, const char *const *folders, size_t n)
{
    size_t known = 0;

    for (size_t i = 0; i < n; i++) {
        char word[64];
        text_copy(word, sizeof word, folders[i]);
        word[strcspn(word, "+")] = '\0';
        known += k->label(word) || (text_is(k->name, "origin") && is_human(word));
    }
    return known;
}

/* Tags know every word, so they come last, when nobody else knows one. */
const struct eval_kind *eval_kind_guess(const char *const *folders, size_t n)
{
    const struct eval_kind *best = &kinds[COUNT_OF(kinds) - 1];
    size_t most = 0;

    for (size_t i = 0; i + 1 < COUNT_OF(kinds); i++) {
        size_t known = count_known(&kinds[i], folders, n);
        if (known <= most)
            continue;
        most = known;
        best = &kinds[i];
    }
    return best;
}

/* ---- folders ---- */

static int add_label(struct evaluation *e, const char *label, size_t *ret, struct err *err)
{
    for (*ret = 0; *ret < e->nlabels; ++*ret)
        if (text_is(e->labels[*ret], label))
            return 0;
    if (e->nlabels == EVAL_MAX_LABELS)
        return FAIL(err, ERR_LIMIT, "the folders have more than %d labels", EVAL_MAX_LABELS);
    e->labels[e->nlabels++] = arena_strdup(e->arena, label);
    return 0;
}

static int read_folder(struct evaluation *e, struct eval_folder *f, const char *name, struct err *err)
{
    char *words = arena_strdup(e->arena, name), *rest = NULL;

    *f = (struct eval_folder){.name = name};
    for (char *word = strtok_r(words, "+", &rest); word; word = strtok_r(NULL, "+", &rest)) {
        const char *label = e->kind->label(word);
        if (!label)
            continue;
        if (f->n == COUNT_OF(f->labels))
            return FAIL(err, ERR_LIMIT, "the folder %.100s has more than %zu labels", name,
                        COUNT_OF(f->labels));
        if (add_label(e, label, &f->labels[f->n++], err) < 0)
            return -1;
    }
    return 0;
}

/* Somebody is an intrusion, whatever he is called. */
static int add_intrusion(struct evaluation *e, struct err *err)
{
    size_t at;
    bool wanted = false;

    for (size_t i = 0; i < e->nlabels; i++)
        wanted |= text_is(e->labels[i], "person") || text_is(e->labels[i], "vehicle");
    return wanted && text_is(e->kind->name, "alarm") ? add_label(e, "intrusion", &at, err) : 0;
}

int eval_read_folders(struct evaluation *e, const char *const *names, size_t n, struct err *err)
{
    if (!n)
        return FAIL(err, ERR_INPUT, "%.150s has no folders; each is named after what its files show",
                    e->data);
    if (n > EVAL_MAX_FOLDERS)
        return FAIL(err, ERR_LIMIT, "%.150s has more than %d folders", e->data, EVAL_MAX_FOLDERS);
    e->folders = arena_array(e->arena, n, sizeof *e->folders);
    e->nfolders = n;
    for (size_t i = 0; i < n; i++)
        if (read_folder(e, &e->folders[i], names[i], err) < 0)
            return -1;
    if (!e->nlabels)
        return FAIL(err, ERR_INPUT,
                    "no folder in %.100s is named after something that pipeline %s finds (docs/models.md)",
                    e->data, e->kind->name);
    return add_intrusion(e, err);
}

bool eval_is_derived(const struct evaluation *e, size_t label)
{
    return label < e->nlabels && e->nlabels > 1 && text_is(e->kind->name, "alarm") &&
           text_is(e->labels[label], "intrusion");
}

bool eval_shows(const struct evaluation *e, const struct eval_item *item, size_t label)
{
    const struct eval_folder *f = &e->folders[item->folder];
    bool derived = eval_is_derived(e, label);

    for (size_t i = 0; i < f->n; i++)
        if (f->labels[i] == label || (derived && (text_is(e->labels[f->labels[i]], "person") ||
                                                  text_is(e->labels[f->labels[i]], "vehicle"))))
            return true;
    return false;
}

/* ---- sums ---- */

/* The label with the highest score; nlabels: none is high enough. What is derived from others is no answer
 * beside them. */
static size_t said(const struct evaluation *e, const struct eval_item *item)
{
    size_t best = e->nlabels;

    for (size_t i = 0; i < e->nlabels; i++)
        if (item->scores[i] >= e->threshold && (best == e->nlabels || item->scores[i] > item->scores[best]) &&
            !eval_is_derived(e, i))
            best = i;
    return best;
}

/* Who has no score, while others have, has none for it: 0. */
static void sum_label(struct evaluation *e, size_t label)
{
    struct measured *m = arena_array(e->arena, e->judged + 1, sizeof *m);
    size_t n = 0;

    for (size_t i = 0; i < e->n; i++) {
        const struct eval_item *item = &e->items[i];
        if (item->problem)
            continue;
        e->scored[label] += !isnan(item->scores[label]);
        m[n++] = (struct measured){isnan(item->scores[label]) ? 0 : item->scores[label],
                                   eval_shows(e, item, label)};
    }
    measure(m, n, e->threshold, e->false_rate, &e->measures[label]);
    e->sorted[label] = m;
}

static void sum_cost(struct evaluation *e)
{
    double *cpu = arena_array(e->arena, e->n + 1, sizeof *cpu),
           *wall = arena_array(e->arena, e->n + 1, sizeof *wall);
    size_t n = 0;

    for (size_t i = 0; i < e->n; i++) {
        if (e->items[i].problem)
            continue;
        cpu[n] = e->items[i].cpu_ms;
        wall[n++] = e->items[i].wall_ms;
        e->wall_all_ms += e->items[i].wall_ms;
    }
    e->cpu_ms = measure_median(cpu, n);
    e->wall_ms = measure_median(wall, n);
}

void eval_sum(struct evaluation *e)
{
    e->judged = 0;
    for (size_t i = 0; i < e->n; i++)
        e->judged += !e->items[i].problem;
    e->confusion = arena_array(e->arena, e->nfolders * (e->nlabels + 1), sizeof *e->confusion);
    for (size_t i = 0; i < e->n; i++)
        if (!e->items[i].problem)
            e->confusion[e->items[i].folder * (e->nlabels + 1) + said(e, &e->items[i])]++;
    for (size_t i = 0; i < e->nlabels; i++)
        sum_label(e, i);
    sum_cost(e);
}
