/* The canonical JSON of what pipelines "origin-..." are asked for and find. */
#include "report/origin.h"

#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "report/json_int.h"

static const double longest = 1e7; /* seconds; no video goes on that long */

static const char *const ways[] = {[WAY_MEAN] = "mean", [WAY_MAJORITY] = "majority", [WAY_TOP] = "top"};
static const char *const digit_words[] = {
    [DIGITS_ALL] = "all", [DIGITS_CUT] = "cut", [DIGITS_ROUNDED] = "rounded"};
static const char *const states[] = {[CREDENTIALS_NONE] = "none",
                                     [CREDENTIALS_INVALID] = "invalid",
                                     [CREDENTIALS_VALID] = "valid",
                                     [CREDENTIALS_TRUSTED] = "trusted"};

/* ---- heuristics ---- */

static void write_heuristic(yyjson_mut_doc *d, yyjson_mut_val *o, const struct heuristic *h)
{
    yyjson_mut_val *models;

    write_str(d, o, "name", h->name);
    write_str(d, o, "way", ways[h->way]);
    if (h->nmodels) {
        models = yyjson_mut_obj_add_arr(d, o, "models");
        for (size_t i = 0; i < h->nmodels; i++)
            yyjson_mut_arr_add_strcpy(d, models, h->models[i]);
    }
    yyjson_mut_obj_add_bool(d, o, "without_obsolete", h->without_obsolete);
    yyjson_mut_obj_add_real(d, o, "band", h->band);
    yyjson_mut_obj_add_real(d, o, "trim", h->trim);
    yyjson_mut_obj_add_real(d, o, "threshold", h->threshold);
    write_str(d, o, "digits", digit_words[h->digits]);
    yyjson_mut_obj_add_int(d, o, "decimals", h->decimals);
}

static void read_model_names(struct reader *rd, yyjson_val *o, struct heuristic *h)
{
    yyjson_val *all = read_arr(rd, o, "models", VOTES_MODELS_MAX, &h->nmodels), *one;
    const char **names = arena_array(rd->arena, h->nmodels, sizeof *names);
    size_t i, n;

    h->models = names;
    yyjson_arr_foreach (all, i, n, one) {
        names[i] = yyjson_is_str(one) ? arena_strdup(rd->arena, yyjson_get_str(one)) : "";
        if (!yyjson_is_str(one) || strlen(names[i]) != yyjson_get_len(one))
            read_refuse(rd, "models");
    }
}

/* Left-out members have their defaults: an operator's file need not name them all. */
static struct heuristic read_heuristic(struct reader *rd, yyjson_val *o)
{
    struct heuristic h = {.name = read_str(rd, o, "name")};

    if (yyjson_obj_get(o, "way"))
        h.way = (enum heuristic_way)read_word(rd, o, "way", ways, COUNT_OF(ways));
    if (yyjson_obj_get(o, "models"))
        read_model_names(rd, o, &h);
    if (yyjson_obj_get(o, "without_obsolete"))
        h.without_obsolete = read_bool(rd, o, "without_obsolete");
    if (yyjson_obj_get(o, "band"))
        h.band = read_num(rd, o, "band", 0, 1);
    if (yyjson_obj_get(o, "trim"))
        h.trim = read_num(rd, o, "trim", 0, 1);
    if (yyjson_obj_get(o, "threshold"))
        h.threshold = read_num(rd, o, "threshold", 0, 1);
    if (yyjson_obj_get(o, "digits"))
        h.digits = (enum heuristic_digits)read_word(rd, o, "digits", digit_words, COUNT_OF(digit_words));
    if (yyjson_obj_get(o, "decimals"))
        h.decimals = (int)read_int(rd, o, "decimals", 0, HEURISTIC_DECIMALS_MAX);
    return h;
}

static const struct heuristic *read_heuristics(struct reader *rd, yyjson_val *o, const char *key,
                                               size_t *ret_n)
{
    yyjson_val *all = read_arr(rd, o, key, ORIGIN_MAX_OWN, ret_n), *one;
    struct heuristic *own = arena_array(rd->arena, *ret_n, sizeof *own);
    size_t i, n;

    yyjson_arr_foreach (all, i, n, one)
        own[i] = read_heuristic(rd, one);
    return own;
}

/* A word that is misspelt would otherwise change nothing, and nobody would notice. */
static int check_members(yyjson_val *o, struct err *err)
{
    static const char *const known[] = {"name", "way",       "models", "without_obsolete", "band",
                                        "trim", "threshold", "digits", "decimals",         "comment"};
    yyjson_val *key, *value;
    size_t i, n;

    yyjson_obj_foreach (o, i, n, key, value) {
        bool found = false;
        for (size_t k = 0; k < COUNT_OF(known); k++)
            found |= text_is(known[k], yyjson_get_str(key));
        if (!found)
            return FAIL(err, ERR_INPUT, "a heuristic has the unknown member \"%.40s\"", yyjson_get_str(key));
    }
    return 0;
}

int heuristics_from_json(struct arena *a, struct bytes text, const struct heuristic **ret_own, size_t *ret_n,
                         struct err *err)
{
    CLEANUP(json_freep) yyjson_doc *doc = json_read(text, HEURISTICS_MAX_BYTES, err);
    yyjson_val *root = yyjson_doc_get_root(doc), *all, *one;
    struct reader rd = {.arena = a, .err = err};
    size_t i, n;

    if (!doc)
        return -1;
    all = yyjson_obj_get(root, "heuristics");
    if (yyjson_obj_size(root) != 1 || !yyjson_is_arr(all))
        return FAIL(err, ERR_INPUT, "the file must be an object with one member \"heuristics\", a list");
    yyjson_arr_foreach (all, i, n, one)
        if (check_members(one, err) < 0)
            return -1;
    *ret_own = read_heuristics(&rd, root, "heuristics", ret_n);
    return rd.failed ? -1 : heuristics_check(*ret_own, *ret_n, err);
}

/* ---- asked for ---- */

void write_origin_params(yyjson_mut_doc *d, yyjson_mut_val *obj, const struct origin_params *p)
{
    yyjson_mut_val *all;

    yyjson_mut_obj_add_int(d, obj, "frames", p->frames);
    write_str(d, obj, "choose", key_frames_name(p->choose));
    yyjson_mut_obj_add_bool(d, obj, "faces", p->faces);
    yyjson_mut_obj_add_bool(d, obj, "heatmap", p->heatmap);
    yyjson_mut_obj_add_bool(d, obj, "unsafe", p->unsafe);
    write_str(d, obj, "force", credentials_force_name(p->force));
    yyjson_mut_obj_add_int(d, obj, "at", p->at);
    write_str(d, obj, "heuristic", p->heuristic);
    all = yyjson_mut_obj_add_arr(d, obj, "own");
    for (size_t i = 0; i < p->nown; i++)
        write_heuristic(d, yyjson_mut_arr_add_obj(d, all), &p->own[i]);
}

static enum key_frames read_choose(struct reader *rd, yyjson_val *o)
{
    const char *word = read_str(rd, o, "choose");

    for (int k = 0; k < KEY_FRAMES; k++)
        if (text_is(word, key_frames_name((enum key_frames)k)))
            return (enum key_frames)k;
    read_refuse(rd, "choose");
    return FRAMES_EVEN;
}

static enum credentials_force read_force(struct reader *rd, yyjson_val *o)
{
    const char *word = read_str(rd, o, "force");

    for (int f = 0; f < CREDENTIALS_FORCES; f++)
        if (text_is(word, credentials_force_name((enum credentials_force)f)))
            return (enum credentials_force)f;
    read_refuse(rd, "force");
    return FORCE_NEVER;
}

struct origin_params read_origin_params(struct reader *rd, yyjson_val *o)
{
    struct origin_params p = {
        .frames = (int)read_int(rd, o, "frames", 1, ORIGIN_FRAMES_MAX),
        .choose = read_choose(rd, o),
        .faces = read_bool(rd, o, "faces"),
        .heatmap = read_bool(rd, o, "heatmap"),
        .unsafe = read_bool(rd, o, "unsafe"),
        .force = read_force(rd, o),
        .at = read_int(rd, o, "at", 0, INT64_MAX / 2),
        .heuristic = read_str(rd, o, "heuristic"),
    };

    p.own = read_heuristics(rd, o, "own", &p.nown);
    return p;
}

/* ---- found: writing ---- */

static void write_segment(yyjson_mut_doc *d, yyjson_mut_val *o, const struct segment *s)
{
    yyjson_mut_obj_add_real(d, o, "start", round(s->start * 1e6) / 1e6);
    yyjson_mut_obj_add_real(d, o, "end", round(s->end * 1e6) / 1e6);
}

static void write_vote(yyjson_mut_doc *d, yyjson_mut_val *o, const struct vote *v)
{
    yyjson_mut_obj_add_bool(d, o, "unknown", v->unknown);
    yyjson_mut_obj_add_real(d, o, "human", v->score[ORIGIN_HUMAN]);
    yyjson_mut_obj_add_real(d, o, "artificial", v->score[ORIGIN_ARTIFICIAL]);
}

static void write_opinions(yyjson_mut_doc *d, yyjson_mut_val *obj, const struct opinion *all, size_t n)
{
    yyjson_mut_val *arr = yyjson_mut_obj_add_arr(d, obj, "opinions"), *o;

    for (size_t i = 0; i < n; i++) {
        o = yyjson_mut_arr_add_obj(d, arr);
        write_vote(d, o, &all[i].vote);
        if (all[i].code)
            write_str(d, o, "code", all[i].code);
        yyjson_mut_obj_add_real(d, o, "seconds", all[i].seconds);
    }
}

static void write_ruling(yyjson_mut_doc *d, yyjson_mut_val *o, const struct origin_ruling *r)
{
    write_str(d, o, "heuristic", r->heuristic);
    write_str(d, o, "origin", origin_name(r->answer.origin));
    yyjson_mut_obj_add_real(d, o, "confidence", r->answer.confidence);
    yyjson_mut_obj_add_bool(d, o, "unknown", r->answer.unknown);
    yyjson_mut_obj_add_uint(d, o, "count", r->count);
    yyjson_mut_obj_add_uint(d, o, "models", r->models);
}

static void write_rulings(yyjson_mut_doc *d, yyjson_mut_val *obj, const char *key,
                          const struct origin_ruling *all, size_t n)
{
    yyjson_mut_val *arr = yyjson_mut_obj_add_arr(d, obj, key);

    for (size_t i = 0; i < n; i++)
        write_ruling(d, yyjson_mut_arr_add_obj(d, arr), &all[i]);
}

static void write_voters(yyjson_mut_doc *d, yyjson_mut_val *obj, const char *key, const struct voter *all,
                         size_t n)
{
    yyjson_mut_val *arr = yyjson_mut_obj_add_arr(d, obj, key), *o;

    for (size_t i = 0; i < n; i++) {
        o = yyjson_mut_arr_add_obj(d, arr);
        write_str(d, o, "model", all[i].model);
        yyjson_mut_obj_add_bool(d, o, "counts", all[i].counts);
        yyjson_mut_obj_add_bool(d, o, "obsolete", all[i].obsolete);
    }
}

static void write_faces(yyjson_mut_doc *d, yyjson_mut_val *obj, const struct origin_part *p, size_t nmodels)
{
    yyjson_mut_val *arr = yyjson_mut_obj_add_arr(d, obj, "faces"), *o;

    for (size_t i = 0; i < p->nfaces; i++) {
        o = yyjson_mut_arr_add_obj(d, arr);
        write_box(d, o, &p->faces[i].box);
        write_opinions(d, o, p->faces[i].opinions, nmodels);
        write_ruling(d, yyjson_mut_obj_add_obj(d, o, "ruling"), &p->faces[i].ruling);
    }
}

static void write_part(yyjson_mut_doc *d, yyjson_mut_val *o, const struct origin_part *p,
                       const struct origin_stream *s, const struct origins *all)
{
    yyjson_mut_obj_add_int(d, o, "frame", p->frame);
    write_segment(d, o, &p->time);
    write_str(d, o, "sha256", p->sha256);
    write_opinions(d, o, p->opinions, s->nmodels);
    write_rulings(d, o, "rulings", p->rulings, all->nheuristics);
    if (p->has_faces)
        write_faces(d, o, p, all->nface_models);
    if (!isnan(p->unsafe))
        yyjson_mut_obj_add_real(d, o, "unsafe", p->unsafe);
}

static void write_summaries(yyjson_mut_doc *d, yyjson_mut_val *obj, const struct origin_stream *s)
{
    yyjson_mut_val *arr = yyjson_mut_obj_add_arr(d, obj, "summaries"), *o;

    for (size_t i = 0; i < s->nmodels; i++) {
        o = yyjson_mut_arr_add_obj(d, arr);
        yyjson_mut_obj_add_uint(d, o, "known", s->summaries[i].known);
        write_vote(d, o, &s->summaries[i].mean);
        yyjson_mut_obj_add_real(d, o, "deviation", s->summaries[i].deviation);
    }
}

static void write_sound(yyjson_mut_doc *d, yyjson_mut_val *o, const struct origin_stream *s)
{
    write_str(d, o, "codec", s->codec);
    yyjson_mut_obj_add_int(d, o, "rate", s->rate);
    yyjson_mut_obj_add_int(d, o, "channels", s->channels);
    yyjson_mut_obj_add_real(d, o, "duration", s->duration);
    yyjson_mut_obj_add_bool(d, o, "truncated", s->truncated);
}

static void write_stream(yyjson_mut_doc *d, yyjson_mut_val *o, const struct origin_stream *s,
                         const struct origins *all)
{
    yyjson_mut_val *arr;

    write_voters(d, o, "models", s->models, s->nmodels);
    arr = yyjson_mut_obj_add_arr(d, o, "parts");
    for (size_t i = 0; i < s->nparts; i++)
        write_part(d, yyjson_mut_arr_add_obj(d, arr), &s->parts[i], s, all);
    write_summaries(d, o, s);
    write_rulings(d, o, "rulings", s->rulings, all->nheuristics);
    if (s->on_means)
        write_rulings(d, o, "on_means", s->on_means, all->nheuristics);
    if (s->codec)
        write_sound(d, o, s);
}

void write_credentials_found(yyjson_mut_doc *d, yyjson_mut_val *o, const struct credentials *c)
{
    write_str(d, o, "state", states[c->state]);
    yyjson_mut_obj_add_bool(d, o, "says_artificial", c->says_artificial);
    if (c->json)
        write_str(d, o, "json", c->json);
}

static void write_credentials(yyjson_mut_doc *d, yyjson_mut_val *obj, const struct origins *all)
{
    yyjson_mut_val *o = yyjson_mut_obj_add_obj(d, obj, "credentials");

    write_credentials_found(d, o, &all->credentials);
    yyjson_mut_obj_add_bool(d, o, "forced", all->forced);
}

void write_origins(yyjson_mut_doc *d, yyjson_mut_val *root, const struct report *r)
{
    const struct origins *all = r->origins;
    yyjson_mut_val *o, *arr;

    if (!all)
        return;
    o = yyjson_mut_obj_add_obj(d, root, "origins");
    arr = yyjson_mut_obj_add_arr(d, o, "heuristics");
    for (size_t i = 0; i < all->nheuristics; i++)
        yyjson_mut_arr_add_strcpy(d, arr, all->heuristics[i]);
    yyjson_mut_obj_add_uint(d, o, "main", all->main);
    write_voters(d, o, "face_models", all->face_models, all->nface_models);
    if (all->pictures)
        write_stream(d, yyjson_mut_obj_add_obj(d, o, "pictures"), all->pictures, all);
    arr = yyjson_mut_obj_add_arr(d, o, "tracks");
    for (size_t i = 0; i < all->ntracks; i++)
        write_stream(d, yyjson_mut_arr_add_obj(d, arr), &all->tracks[i], all);
    if (all->credentials_read)
        write_credentials(d, o, all);
    if (all->unsafe_known)
        yyjson_mut_obj_add_bool(d, o, "unsafe", all->unsafe);
    yyjson_mut_obj_add_bool(d, o, "heatmap", all->has_heatmap);
    yyjson_mut_obj_add_real(d, o, "prepare", all->prepare_secs);
}

/* ---- found: reading ---- */

static struct segment read_segment(struct reader *rd, yyjson_val *o)
{
    struct segment s = {read_num(rd, o, "start", 0, longest), read_num(rd, o, "end", 0, longest)};

    if (s.end < s.start)
        read_refuse(rd, "end");
    return s;
}

static struct vote read_vote(struct reader *rd, yyjson_val *o)
{
    return (struct vote){
        .unknown = read_bool(rd, o, "unknown"),
        .score = {[ORIGIN_HUMAN] = read_num(rd, o, "human", 0, 1),
                  [ORIGIN_ARTIFICIAL] = read_num(rd, o, "artificial", 0, 1)},
    };
}

/* One for each of nmodels. */
static struct opinion *read_opinions(struct reader *rd, yyjson_val *obj, size_t nmodels)
{
    struct opinion *all = arena_array(rd->arena, nmodels, sizeof *all);
    yyjson_val *arr, *o;
    size_t i, n, have;

    arr = read_arr(rd, obj, "opinions", nmodels, &have);
    if (have != nmodels)
        read_refuse(rd, "opinions");
    yyjson_arr_foreach (arr, i, n, o) {
        all[i].vote = read_vote(rd, o);
        all[i].code = read_optional(rd, o, "code");
        all[i].seconds = read_num(rd, o, "seconds", 0, longest);
        if (all[i].vote.unknown != (all[i].code != NULL))
            read_refuse(rd, "code");
    }
    return all;
}

static enum origin read_origin(struct reader *rd, yyjson_val *o)
{
    static const char *const words[] = {[ORIGIN_HUMAN] = "human", [ORIGIN_ARTIFICIAL] = "artificial"};

    return (enum origin)read_word(rd, o, "origin", words, COUNT_OF(words));
}

static struct origin_ruling read_ruling(struct reader *rd, yyjson_val *o, size_t nmodels)
{
    struct origin_ruling r = {
        .heuristic = read_str(rd, o, "heuristic"),
        .answer = {.origin = read_origin(rd, o),
                   .confidence = read_num(rd, o, "confidence", 0, 1),
                   .unknown = read_bool(rd, o, "unknown")},
        .count = (size_t)read_int(rd, o, "count", 0, ORIGIN_MAX_PARTS),
    };
    yyjson_val *models = yyjson_obj_get(o, "models");

    if (!yyjson_is_uint(models) || (nmodels < 64 && yyjson_get_uint(models) >> nmodels))
        read_refuse(rd, "models");
    r.models = yyjson_get_uint(models);
    return r;
}

/* One for each heuristic. */
static struct origin_ruling *read_rulings(struct reader *rd, yyjson_val *obj, const char *key, size_t nmodels,
                                          const struct origins *of)
{
    struct origin_ruling *all = arena_array(rd->arena, of->nheuristics, sizeof *all);
    yyjson_val *arr, *o;
    size_t i, n, have;

    arr = read_arr(rd, obj, key, of->nheuristics, &have);
    if (have != of->nheuristics)
        read_refuse(rd, key);
    yyjson_arr_foreach (arr, i, n, o)
        all[i] = read_ruling(rd, o, nmodels);
    return all;
}

static const struct voter *read_voters(struct reader *rd, yyjson_val *obj, const char *key, size_t *ret_n)
{
    yyjson_val *arr = read_arr(rd, obj, key, VOTES_MODELS_MAX, ret_n), *o;
    struct voter *all = arena_array(rd->arena, *ret_n, sizeof *all);
    size_t i, n;

    yyjson_arr_foreach (arr, i, n, o)
        all[i] = (struct voter){read_str(rd, o, "model"), read_bool(rd, o, "counts"),
                                read_bool(rd, o, "obsolete")};
    return all;
}

static void read_faces(struct reader *rd, yyjson_val *obj, struct origin_part *p, const struct origins *of)
{
    yyjson_val *arr = read_arr(rd, obj, "faces", ORIGIN_MAX_FACES, &p->nfaces), *o;
    size_t i, n;

    p->has_faces = true;
    p->faces = arena_array(rd->arena, p->nfaces, sizeof *p->faces);
    yyjson_arr_foreach (arr, i, n, o) {
        p->faces[i].box = read_box(rd, o);
        p->faces[i].opinions = read_opinions(rd, o, of->nface_models);
        p->faces[i].ruling = read_ruling(rd, read_obj(rd, o, "ruling"), of->nface_models);
    }
}

static void read_part(struct reader *rd, yyjson_val *o, struct origin_part *p, size_t nmodels,
                      const struct origins *of)
{
    const char *sha256 = read_str(rd, o, "sha256");

    if (*sha256 && !text_is_hex(sha256, HASH_HEX - 1))
        read_refuse(rd, "sha256");
    text_copy(p->sha256, sizeof p->sha256, sha256);
    p->frame = read_int(rd, o, "frame", -1, INT64_MAX / 2);
    p->time = read_segment(rd, o);
    p->opinions = read_opinions(rd, o, nmodels);
    p->rulings = read_rulings(rd, o, "rulings", nmodels, of);
    if (yyjson_obj_get(o, "faces"))
        read_faces(rd, o, p, of);
    p->unsafe = yyjson_obj_get(o, "unsafe") ? read_num(rd, o, "unsafe", 0, 1) : (double)NAN;
}

static struct summary *read_summaries(struct reader *rd, yyjson_val *obj, size_t nmodels)
{
    struct summary *all = arena_array(rd->arena, nmodels, sizeof *all);
    yyjson_val *arr, *o;
    size_t i, n, have;

    arr = read_arr(rd, obj, "summaries", nmodels, &have);
    if (have != nmodels)
        read_refuse(rd, "summaries");
    yyjson_arr_foreach (arr, i, n, o)
        all[i] = (struct summary){
            .known = (size_t)read_int(rd, o, "known", 0, ORIGIN_MAX_PARTS),
            .mean = read_vote(rd, o),
            .deviation = read_num(rd, o, "deviation", 0, 1),
        };
    return all;
}

static void read_sound(struct reader *rd, yyjson_val *o, struct origin_stream *s)
{
    s->codec = read_str(rd, o, "codec");
    s->rate = (int)read_int(rd, o, "rate", 0, 1 << 24);
    s->channels = (int)read_int(rd, o, "channels", 0, 1024);
    s->duration = read_num(rd, o, "duration", 0, longest);
    s->truncated = read_bool(rd, o, "truncated");
}

static void read_stream(struct reader *rd, yyjson_val *obj, struct origin_stream *s, const struct origins *of)
{
    yyjson_val *arr, *o;
    size_t i, n;

    s->models = read_voters(rd, obj, "models", &s->nmodels);
    arr = read_arr(rd, obj, "parts", ORIGIN_MAX_PARTS, &s->nparts);
    s->parts = arena_array(rd->arena, s->nparts, sizeof *s->parts);
    yyjson_arr_foreach (arr, i, n, o)
        read_part(rd, o, &s->parts[i], s->nmodels, of);
    s->summaries = read_summaries(rd, obj, s->nmodels);
    s->rulings = read_rulings(rd, obj, "rulings", s->nmodels, of);
    if (yyjson_obj_get(obj, "on_means"))
        s->on_means = read_rulings(rd, obj, "on_means", s->nmodels, of);
    if (yyjson_obj_get(obj, "codec"))
        read_sound(rd, obj, s);
}

/* It goes out again as it is: it must at least be an object. */
static bool is_object(const char *text)
{
    CLEANUP(json_freep)
    yyjson_doc *doc = json_read(bytes_of(text, strlen(text)), ORIGIN_MAX_CREDENTIALS, NULL);

    return yyjson_is_obj(yyjson_doc_get_root(doc));
}

struct credentials read_credentials_found(struct reader *rd, yyjson_val *o)
{
    struct credentials c = {
        .state = (enum credentials_state)read_word(rd, o, "state", states, COUNT_OF(states)),
        .says_artificial = read_bool(rd, o, "says_artificial"),
        .json = read_optional(rd, o, "json"),
    };

    if ((c.json != NULL) != (c.state != CREDENTIALS_NONE) || (c.json && !is_object(c.json)))
        read_refuse(rd, "credentials");
    return c;
}

static void read_credentials(struct reader *rd, yyjson_val *o, struct origins *all)
{
    const struct credentials *c = &all->credentials;

    all->credentials_read = true;
    all->credentials = read_credentials_found(rd, o);
    all->forced = read_bool(rd, o, "forced");
    if (all->forced && !(c->says_artificial && c->state >= CREDENTIALS_VALID))
        read_refuse(rd, "forced");
}

static void read_heuristic_names(struct reader *rd, yyjson_val *o, struct origins *all)
{
    yyjson_val *arr = read_arr(rd, o, "heuristics", ORIGIN_MAX_HEURISTICS, &all->nheuristics), *one;
    size_t i, n;

    all->heuristics = arena_array(rd->arena, all->nheuristics, sizeof *all->heuristics);
    yyjson_arr_foreach (arr, i, n, one) {
        if (!yyjson_is_str(one))
            read_refuse(rd, "heuristics");
        all->heuristics[i] = arena_strdup(rd->arena, yyjson_is_str(one) ? yyjson_get_str(one) : "");
    }
    all->main = (size_t)read_int(rd, o, "main", 0, (int64_t)all->nheuristics - 1);
}

static void read_tracks(struct reader *rd, yyjson_val *o, struct origins *all)
{
    yyjson_val *arr = read_arr(rd, o, "tracks", ORIGIN_MAX_TRACKS, &all->ntracks), *one;
    size_t i, n;

    all->tracks = arena_array(rd->arena, all->ntracks, sizeof *all->tracks);
    yyjson_arr_foreach (arr, i, n, one)
        read_stream(rd, one, &all->tracks[i], all);
}

void read_origins(struct reader *rd, yyjson_val *root, struct report *r)
{
    yyjson_val *o = read_optional_obj(rd, root, "origins");
    struct origins *all;

    if (!o)
        return;
    r->origins = all = arena_alloc(rd->arena, sizeof *all);
    read_heuristic_names(rd, o, all);
    all->face_models = read_voters(rd, o, "face_models", &all->nface_models);
    if (yyjson_obj_get(o, "pictures")) {
        all->pictures = arena_alloc(rd->arena, sizeof *all->pictures);
        read_stream(rd, read_obj(rd, o, "pictures"), all->pictures, all);
    }
    read_tracks(rd, o, all);
    if (yyjson_obj_get(o, "credentials"))
        read_credentials(rd, read_obj(rd, o, "credentials"), all);
    all->unsafe_known = yyjson_obj_get(o, "unsafe");
    all->unsafe = all->unsafe_known && read_bool(rd, o, "unsafe");
    all->has_heatmap = read_bool(rd, o, "heatmap");
    all->prepare_secs = read_num(rd, o, "prepare", 0, longest);
}
