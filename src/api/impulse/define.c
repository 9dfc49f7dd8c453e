#include "api/impulse/define_int.h"

#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

/* ---- reading a stored one ---- */

static const char *const *read_texts(struct arena *a, yyjson_val *list, size_t *ret_n)
{
    const char **texts = arena_array(a, yyjson_arr_size(list), sizeof *texts);
    yyjson_val *v;
    size_t i, n;

    yyjson_arr_foreach (list, i, n, v)
        texts[i] =
            arena_strdup(a, yyjson_is_str(v) ? yyjson_get_str(v) : ""); /* "" is refused by the check */
    *ret_n = yyjson_arr_size(list);
    return texts;
}

static int read_fit(const char *mode, enum picture_fit *ret, struct err *err)
{
    for (int f = 0; f < PICTURE_FITS; f++)
        if (text_is(picture_fit_name((enum picture_fit)f), mode)) {
            *ret = (enum picture_fit)f;
            return 0;
        }
    return FAIL(err, ERR_INPUT, "resizeMode is squash, fit-short, fit-long or crop, not \"%.40s\"", mode);
}

static int read_scale(const char *name, enum picture_scale *ret, struct err *err)
{
    for (int s = 0; s < PICTURE_SCALES; s++)
        if (text_is(picture_scale_name((enum picture_scale)s), name)) {
            *ret = (enum picture_scale)s;
            return 0;
        }
    if (!text_is(name, "bgr-subtract-imagenet-mean"))
        return FAIL(err, ERR_INPUT, "inputScaling cannot be \"%.40s\"", name);
    *ret = SCALE_BGR_MEAN;
    return 0;
}

static int read_input(struct arena *a, yyjson_val *list, struct definition *d, struct err *err)
{
    yyjson_val *in = yyjson_arr_get_first(list);
    struct impulse *p = &d->impulse;
    const char *type = json_str(a, in, "type", "");

    if (yyjson_arr_size(list) != 1)
        return FAIL(err, ERR_UNSUPPORTED, "an impulse here has one input block, not %zu",
                    yyjson_arr_size(list));
    if (text_is(type, "features")) {
        p->input = INPUT_FEATURES;
        return 0;
    }
    if (text_is(type, "image")) {
        p->input = INPUT_PICTURE;
        p->width = (int)fmin(fmax(json_num(in, "imageWidth", 0), 0), 1e6);
        p->height = (int)fmin(fmax(json_num(in, "imageHeight", 0), 0), 1e6);
        return read_fit(json_str(a, in, "resizeMode", "squash"), &p->fit, err);
    }
    if (!text_is(type, "time-series"))
        return FAIL(err, ERR_INPUT, "the type of an input block is time-series, image or features");
    p->input = INPUT_SERIES;
    p->window_ms = json_num(in, "windowSizeMs", 0);
    p->step_ms = json_num(in, "windowIncreaseMs", 0);
    p->frequency = json_num(in, "frequencyHz", 0);
    p->pad = json_bool(in, "padZeros", false);
    d->classify_step_ms = json_num(in, "classificationWindowIncreaseMs", 0);
    if (!(d->classify_step_ms >= 0 && d->classify_step_ms <= 86400e3))
        return FAIL(err, ERR_INPUT, "classificationWindowIncreaseMs is above 0 and at most a day");
    if (!(p->frequency > 0))
        return FAIL(err, ERR_INPUT,
                    "the input block needs frequencyHz, as the project has no recording to take it from");
    return 0;
}

/* A value as dsp_set takes it; NULL: it is none. */
static const char *setting_text(struct arena *a, yyjson_val *v)
{
    size_t len;
    char *text, *copy;

    if (yyjson_is_str(v))
        return arena_strdup(a, yyjson_get_str(v));
    if (yyjson_is_bool(v))
        return yyjson_get_bool(v) ? "true" : "false";
    if (!yyjson_is_num(v))
        return NULL;
    text = yyjson_val_write(v, 0, &len);
    if (!text)
        return NULL;
    copy = arena_strndup(a, text, len);
    freep(&text);
    return copy;
}

/* Those that the block's own page does not know are kept for its clients, and not passed on. */
static int read_settings(struct arena *a, yyjson_val *config, const struct dsp_block_words *words,
                         struct impulse_dsp *dsp, struct err *err)
{
    struct impulse_setting *settings = arena_array(a, yyjson_obj_size(config), sizeof *settings);
    yyjson_val *key, *v;
    size_t i, n;

    yyjson_obj_foreach (config, i, n, key, v) {
        const char *name = yyjson_get_str(key);
        const char *text = setting_text(a, v);
        if (yyjson_is_null(v))
            continue;
        if (!dsp_setting_of(words, name))
            return FAIL(err, ERR_INPUT, "the block %s has no parameter \"%.40s\"", words->type, name);
        if (!text)
            return FAIL(err, ERR_INPUT, "the parameter \"%.40s\" is a text, a number, true or false", name);
        settings[dsp->nsettings++] = (struct impulse_setting){arena_strdup(a, name), text};
    }
    dsp->settings = settings;
    return 0;
}

static int read_dsp(struct arena *a, yyjson_val *v, struct impulse_dsp *ret, struct err *err)
{
    const struct dsp_block_words *words;
    struct impulse_dsp d = {.id = json_int(v, "id", 0), .type = json_str(a, v, "type", "")};

    words = dsp_words_of(d.type);
    if (!words)
        return FAIL(err, ERR_UNSUPPORTED, "there is no DSP block \"%.40s\" here; there are %s", d.type,
                    dsp_types(a));
    d.name = json_str(a, v, "name", words->title);
    d.version = (int)json_int(v, "implementationVersion", words->newest);
    if (d.version < 1 || d.version > words->newest)
        return FAIL(err, ERR_INPUT, "the block %s has the versions 1 to %d", words->type, words->newest);
    d.axes = read_texts(a, yyjson_obj_get(v, "axes"), &d.naxes);
    if (read_settings(a, yyjson_obj_get(v, "config"), words, &d, err) < 0)
        return -1;
    *ret = d;
    return 0;
}

static int read_ids(struct arena *a, yyjson_val *list, struct impulse_learn *l)
{
    int64_t *ids = arena_array(a, yyjson_arr_size(list), sizeof *ids);
    yyjson_val *v;
    size_t i, n;

    yyjson_arr_foreach (list, i, n, v)
        ids[i] = yyjson_is_int(v) ? yyjson_get_sint(v) : 0;
    l->dsp = ids;
    l->ndsp = yyjson_arr_size(list);
    return 0;
}

/* "mobilenet-ssd" and the like are boxes; the rest is refused. */
static int read_last_layer(struct arena *a, yyjson_val *v, struct impulse_learn *l, struct learn_more *more,
                           struct err *err)
{
    more->last_layer = json_str(a, v, "objectDetectionLastLayer", "fomo");
    if (text_is(more->last_layer, "mobilenet-ssd"))
        l->kind = LEARN_SSD;
    else if (!text_is(more->last_layer, "fomo"))
        return FAIL(err, ERR_UNSUPPORTED,
                    "the last layer \"%.40s\" is not supported; fomo and mobilenet-ssd are",
                    more->last_layer);
    return 0;
}

static int read_chosen(struct arena *a, yyjson_val *list, struct learn_more *more, struct err *err)
{
    int *axes = arena_array(a, yyjson_arr_size(list), sizeof *axes);
    yyjson_val *v;
    size_t i, n;

    if (yyjson_arr_size(list) > IMPULSE_FEATURES)
        return FAIL(err, ERR_LIMIT, "an anomaly block looks at %d features at most", IMPULSE_FEATURES);
    yyjson_arr_foreach (list, i, n, v) {
        int64_t at = yyjson_is_int(v) ? yyjson_get_sint(v) : -1;
        if (at < 0 || at > 1 << 22)
            return FAIL(err, ERR_INPUT, "axes are the indices of features, from 0 on");
        axes[i] = (int)at;
    }
    more->axes = axes;
    more->naxes = yyjson_arr_size(list);
    return 0;
}

static double read_threshold(yyjson_val *v, const struct learn_words *words)
{
    return json_num(yyjson_obj_get(v, "thresholds"), words->threshold, words->fallback);
}

static int read_learn(struct arena *a, yyjson_val *v, struct impulse_learn *ret, struct learn_more *more,
                      struct err *err)
{
    struct impulse_learn l = {.id = json_int(v, "id", 0), .type = json_str(a, v, "type", ""), .model = -1};
    const struct learn_words *words = learn_words_of(l.type);

    if (!words)
        return FAIL(err, ERR_UNSUPPORTED, "there is no learn block \"%.40s\" here; there are %s", l.type,
                    learn_types(a));
    l.kind = words->kind;
    l.name = json_str(a, v, "name", words->title);
    l.title = json_str(a, v, "title", words->title);
    l.labels = read_texts(a, yyjson_obj_get(v, "labels"), &l.nlabels);
    *more = (struct learn_more){.words = words,
                                .created_by = json_str(a, v, "createdBy", "createImpulse"),
                                .created_at = json_str(a, v, "createdAt", NULL),
                                .threshold = read_threshold(v, words),
                                .clusters = (int)fmin(fmax(json_num(v, "clusterCount", 0), 0), 1e6)};
    l.min_score = more->threshold;
    read_ids(a, yyjson_obj_get(v, "dsp"), &l);
    if (l.kind == LEARN_FOMO && read_last_layer(a, v, &l, more, err) < 0)
        return -1;
    if (read_scale(json_str(a, v, "inputScaling", "0..1"), &l.scale, err) < 0 ||
        read_chosen(a, yyjson_obj_get(v, "axes"), more, err) < 0)
        return -1;
    *ret = l;
    return 0;
}

static int read_blocks(struct arena *a, yyjson_val *root, struct definition *d, struct err *err)
{
    yyjson_val *dsps = yyjson_obj_get(root, "dspBlocks"), *learns = yyjson_obj_get(root, "learnBlocks"), *v;
    struct impulse_dsp *dsp = arena_array(a, yyjson_arr_size(dsps), sizeof *dsp);
    struct impulse_learn *learn = arena_array(a, IMPULSE_BLOCKS, sizeof *learn);
    size_t i, n;

    if (yyjson_arr_size(dsps) > IMPULSE_BLOCKS || yyjson_arr_size(learns) > IMPULSE_BLOCKS)
        return FAIL(err, ERR_LIMIT, "an impulse has at most %d blocks of a sort", IMPULSE_BLOCKS);
    yyjson_arr_foreach (dsps, i, n, v)
        if (read_dsp(a, v, &dsp[i], err) < 0)
            return -1;
    yyjson_arr_foreach (learns, i, n, v)
        if (read_learn(a, v, &learn[i], &d->learn[i], err) < 0)
            return -1;
    d->impulse.dsp = dsp;
    d->impulse.ndsp = yyjson_arr_size(dsps);
    d->impulse.learn = learn;
    d->impulse.nlearn = yyjson_arr_size(learns);
    return 0;
}

int definition_read(struct arena *a, struct bytes json, struct definition *ret, struct err *err)
{
    CLEANUP(json_freep) yyjson_doc *doc = json_read(json, DEFINITION_BYTES, err);
    struct definition d = {0};
    yyjson_val *root;

    if (!doc)
        return -1;
    root = yyjson_doc_get_root(doc);
    d.impulse.name = json_str(a, root, "name", "");
    d.eim = json_str(a, root, "eim", NULL);
    if (read_input(a, yyjson_obj_get(root, "inputBlocks"), &d, err) < 0 ||
        read_blocks(a, root, &d, err) < 0 || impulse_check(&d.impulse, err) < 0)
        return -1;
    *ret = d;
    return 0;
}

const struct learn_more *definition_learn(const struct definition *d, int64_t id, size_t *ret_at)
{
    for (size_t i = 0; i < d->impulse.nlearn; i++)
        if (d->impulse.learn[i].id == id) {
            *ret_at = i;
            return &d->learn[i];
        }
    return NULL;
}

/* ---- making one of what a client says ---- */

/* Where a block is completed from. */
struct making {
    struct arena *arena;
    doc_t *doc;
    yyjson_val *before; /* the root of the stored one; NULL: there is none */
    double frequency;
    bool merge;
    const char *now;
    struct err *err;
};

static bool has(val_t *obj, const char *key)
{
    return yyjson_mut_obj_get(obj, key) != NULL;
}

static void add_text(struct making *m, val_t *obj, const char *key, const char *text)
{
    if (!has(obj, key))
        yyjson_mut_obj_add_strcpy(m->doc, obj, key, text);
}

/* The block of the stored one with that id and type, NULL. */
static yyjson_val *block_before(const struct making *m, const char *list, val_t *block)
{
    val_t *id = yyjson_mut_obj_get(block, "id"), *type = yyjson_mut_obj_get(block, "type");
    yyjson_val *v;
    size_t i, n;

    yyjson_arr_foreach (yyjson_obj_get(m->before, list), i, n, v)
        if (yyjson_is_int(yyjson_obj_get(v, "id")) && yyjson_mut_is_int(id) &&
            yyjson_get_sint(yyjson_obj_get(v, "id")) == yyjson_mut_get_sint(id) &&
            text_is(yyjson_get_str(yyjson_obj_get(v, "type")), yyjson_mut_get_str(type)))
            return v;
    return NULL;
}

static void keep(struct making *m, val_t *block, yyjson_val *before, const char *const *keys)
{
    for (; before && *keys; keys++)
        if (!has(block, *keys) && yyjson_obj_get(before, *keys))
            yyjson_mut_obj_add_val(m->doc, block, *keys,
                                   yyjson_val_mut_copy(m->doc, yyjson_obj_get(before, *keys)));
}

static void complete_common(struct making *m, val_t *block, const char *title)
{
    add_text(m, block, "title", title);
    add_text(m, block, "name",
             yyjson_mut_is_str(yyjson_mut_obj_get(block, "title"))
                 ? yyjson_mut_get_str(yyjson_mut_obj_get(block, "title"))
                 : title);
    add_text(m, block, "createdBy", "createImpulse");
    add_text(m, block, "createdAt", m->now);
    if (!has(block, "primaryVersion"))
        yyjson_mut_obj_add_bool(m->doc, block, "primaryVersion", true);
}

static void complete_input(struct making *m, val_t *block)
{
    static const char *const kept[] = {"createdAt", NULL};
    const char *type = yyjson_mut_get_str(yyjson_mut_obj_get(block, "type"));

    keep(m, block, block_before(m, "inputBlocks", block), kept);
    if (!has(block, "id"))
        yyjson_mut_obj_add_int(m->doc, block, "id", 1);
    complete_common(m, block, text_is(type, "image") ? "Image data" : "Time series data");
    if (!text_is(type, "time-series"))
        return;
    if (!has(block, "frequencyHz") && m->frequency > 0)
        yyjson_mut_obj_add_real(m->doc, block, "frequencyHz", m->frequency);
    if (!has(block, "windowIncreaseMs") && has(block, "windowSizeMs"))
        yyjson_mut_obj_add_real(m->doc, block, "windowIncreaseMs",
                                yyjson_mut_get_num(yyjson_mut_obj_get(block, "windowSizeMs")));
}

/* Settings by the names of our table, so that none is there twice. Unknown ones stay, and are refused. */
static void name_settings(doc_t *doc, val_t *block, const struct dsp_block_words *words)
{
    val_t *old = yyjson_mut_obj_get(block, "config"), *config = yyjson_mut_obj(doc), *key, *v;
    size_t i, n;

    yyjson_mut_obj_foreach (old, i, n, key, v) {
        const char *name = yyjson_mut_get_str(key);
        const struct dsp_words *w = words ? dsp_setting_of(words, name) : NULL;
        yyjson_mut_obj_put(config, yyjson_mut_strcpy(doc, w ? w->name : name),
                           yyjson_mut_val_mut_copy(doc, v));
    }
    yyjson_mut_obj_put(block, yyjson_mut_str(doc, "config"), config);
}

static void complete_dsp(struct making *m, val_t *block)
{
    static const char *const kept[] = {"createdAt", "config", "implementationVersion", NULL};
    const char *type = yyjson_mut_get_str(yyjson_mut_obj_get(block, "type"));
    const struct dsp_block_words *words = dsp_words_of(type);

    keep(m, block, block_before(m, "dspBlocks", block), kept);
    complete_common(m, block, words ? words->title : "");
    if (!has(block, "implementationVersion"))
        yyjson_mut_obj_add_int(m->doc, block, "implementationVersion", words ? words->newest : 1);
    if (!has(block, "axes"))
        yyjson_mut_obj_add_arr(m->doc, block, "axes");
    name_settings(m->doc, block, words);
}

static void name_all_dsp(struct making *m, val_t *block, val_t *dsps)
{
    val_t *ids = yyjson_mut_obj_add_arr(m->doc, block, "dsp"), *v;
    size_t i, n;

    yyjson_mut_arr_foreach (dsps, i, n, v) {
        yyjson_mut_arr_add_int(m->doc, ids, yyjson_mut_get_sint(yyjson_mut_obj_get(v, "id")));
    }
}

static void complete_learn(struct making *m, val_t *block, val_t *dsps)
{
    static const char *const kept[] = {"createdAt",    "labels", "thresholds",   "objectDetectionLastLayer",
                                       "inputScaling", "axes",   "clusterCount", NULL};
    const char *type = yyjson_mut_get_str(yyjson_mut_obj_get(block, "type"));
    const struct learn_words *words = learn_words_of(type);

    keep(m, block, block_before(m, "learnBlocks", block), kept);
    complete_common(m, block, words ? words->title : "");
    if (!has(block, "dsp"))
        name_all_dsp(m, block, dsps);
}

/* A list of objects, completed one by one. */
static int copy_blocks(struct making *m, yyjson_val *wire, val_t *to, const char *key,
                       void (*complete)(struct making *m, val_t *block))
{
    yyjson_val *list = yyjson_obj_get(wire, key), *v;
    val_t *blocks = yyjson_mut_obj_add_arr(m->doc, to, key);
    size_t i, n;

    if (!list && m->merge)
        list = yyjson_obj_get(m->before, key);
    if (list && !yyjson_is_arr(list))
        return FAIL(m->err, ERR_INPUT, "%s is a list of blocks", key);
    yyjson_arr_foreach (list, i, n, v) {
        val_t *block = yyjson_val_mut_copy(m->doc, v);
        if (!yyjson_is_obj(v))
            return FAIL(m->err, ERR_INPUT, "%s is a list of blocks, which are objects", key);
        if (complete)
            complete(m, block);
        yyjson_mut_arr_append(blocks, block);
    }
    return 0;
}

static int complete_all(struct making *m, yyjson_val *wire, val_t *root)
{
    static const char *const kept[] = {"name", NULL};
    val_t *dsps, *v;
    size_t i, n;

    if (yyjson_is_str(yyjson_obj_get(wire, "name")))
        yyjson_mut_obj_add_strcpy(m->doc, root, "name", yyjson_get_str(yyjson_obj_get(wire, "name")));
    keep(m, root, m->before, kept);
    if (copy_blocks(m, wire, root, "inputBlocks", complete_input) < 0 ||
        copy_blocks(m, wire, root, "dspBlocks", complete_dsp) < 0 ||
        copy_blocks(m, wire, root, "learnBlocks", NULL) < 0 ||
        copy_blocks(m, wire, root, "postProcessingBlocks", NULL) < 0)
        return -1;
    dsps = yyjson_mut_obj_get(root, "dspBlocks");
    yyjson_mut_arr_foreach (yyjson_mut_obj_get(root, "learnBlocks"), i, n, v) {
        complete_learn(m, v, dsps);
    }
    return 0;
}

/* Written, and read back: what is stored can be used. */
static int write_checked(struct arena *a, doc_t *doc, struct bytes *ret_json, struct err *err)
{
    struct bytes json = json_write(a, doc);
    struct definition d;

    if (json.len > DEFINITION_BYTES)
        return FAIL(err, ERR_LIMIT, "the impulse is larger than %d KiB", DEFINITION_BYTES >> 10);
    if (definition_read(a, json, &d, err) < 0)
        return -1;
    *ret_json = json;
    return 0;
}

int definition_make(struct arena *a, yyjson_val *wire, const struct define_with *with, struct bytes *ret_json,
                    struct err *err)
{
    CLEANUP(json_mut_freep) doc_t *doc = json_doc_new();
    CLEANUP(json_freep) yyjson_doc *before = NULL;
    struct making m = {
        .arena = a, .doc = doc, .frequency = with->frequency, .merge = with->merge, .err = err};
    char now[CLOCK_TEXT];

    m.now = clock_rfc3339(now, with->now_us);
    if (with->before.len) {
        before = json_read(with->before, DEFINITION_BYTES, err);
        if (!before)
            return -1;
        m.before = yyjson_doc_get_root(before);
    }
    yyjson_mut_doc_set_root(doc, yyjson_mut_obj(doc));
    if (complete_all(&m, wire, yyjson_mut_doc_get_root(doc)) < 0)
        return -1;
    if (with->eim)
        yyjson_mut_obj_add_str(doc, yyjson_mut_doc_get_root(doc), "eim", with->eim);
    return write_checked(a, doc, ret_json, err);
}

/* ---- small changes ---- */

static val_t *find_block(val_t *root, const char *list, int64_t id)
{
    val_t *v;
    size_t i, n;

    yyjson_mut_arr_foreach (yyjson_mut_obj_get(root, list), i, n, v) {
        if (yyjson_mut_get_sint(yyjson_mut_obj_get(v, "id")) == id)
            return v;
    }
    return NULL;
}

/* A stored one to be changed; NULL and err. */
static doc_t *open_stored(struct bytes json, struct err *err)
{
    CLEANUP(json_freep) yyjson_doc *doc = json_read(json, DEFINITION_BYTES, err);
    doc_t *copy;

    if (!doc)
        return NULL;
    copy = json_doc_new();
    yyjson_mut_doc_set_root(copy, yyjson_val_mut_copy(copy, yyjson_doc_get_root(doc)));
    return copy;
}

/* Its member, made when missing or no object. */
static val_t *member(doc_t *doc, val_t *block, const char *key)
{
    val_t *v = yyjson_mut_obj_get(block, key);

    if (yyjson_mut_is_obj(v))
        return v;
    yyjson_mut_obj_remove_key(block, key);
    return yyjson_mut_obj_add_obj(doc, block, key);
}

static void put(doc_t *doc, val_t *obj, const char *key, val_t *v)
{
    yyjson_mut_obj_put(obj, yyjson_mut_strcpy(doc, key), v);
}

int definition_set_config(struct arena *a, struct bytes json, int64_t dsp, yyjson_val *config,
                          struct bytes *ret_json, struct err *err)
{
    CLEANUP(json_mut_freep) doc_t *doc = open_stored(json, err);
    val_t *block = doc ? find_block(yyjson_mut_doc_get_root(doc), "dspBlocks", dsp) : NULL;
    const struct dsp_block_words *words;
    yyjson_val *key, *v;
    size_t i, n;

    if (!doc)
        return -1;
    if (!block)
        return FAIL(err, ERR_NOT_FOUND, "the impulse has no DSP block %lld", (long long)dsp);
    if (!yyjson_is_obj(config))
        return FAIL(err, ERR_INPUT, "config is an object of parameters and their values");
    words = dsp_words_of(yyjson_mut_get_str(yyjson_mut_obj_get(block, "type")));
    yyjson_obj_foreach (config, i, n, key, v) {
        const struct dsp_words *w = words ? dsp_setting_of(words, yyjson_get_str(key)) : NULL;
        put(doc, member(doc, block, "config"), w ? w->name : yyjson_get_str(key),
            yyjson_val_mut_copy(doc, v));
    }
    return write_checked(a, doc, ret_json, err);
}

int definition_set_threshold(struct arena *a, struct bytes json, int64_t learn, const char *key, double value,
                             struct bytes *ret_json, struct err *err)
{
    CLEANUP(json_mut_freep) doc_t *doc = open_stored(json, err);
    val_t *block = doc ? find_block(yyjson_mut_doc_get_root(doc), "learnBlocks", learn) : NULL;
    const struct learn_words *words;

    if (!doc)
        return -1;
    if (!block)
        return FAIL(err, ERR_NOT_FOUND, "the impulse has no learn block %lld", (long long)learn);
    words = learn_words_of(yyjson_mut_get_str(yyjson_mut_obj_get(block, "type")));
    if (!words || !text_is(words->threshold, key))
        return FAIL(err, ERR_INPUT, "the learn block %lld has no threshold \"%.40s\", but \"%s\"",
                    (long long)learn, key, words ? words->threshold : "");
    put(doc, member(doc, block, "thresholds"), words->threshold, yyjson_mut_real(doc, value));
    return write_checked(a, doc, ret_json, err);
}

/* ---- for clients ---- */

static void copy_list(doc_t *doc, val_t *to, yyjson_val *root, const char *key)
{
    static const char *const ours[] = {"config", "thresholds"};
    val_t *list = yyjson_mut_obj_add_arr(doc, to, key);
    yyjson_val *v;
    size_t i, n;

    yyjson_arr_foreach (yyjson_obj_get(root, key), i, n, v) {
        val_t *block = yyjson_val_mut_copy(doc, v);
        for (size_t k = 0; k < COUNT_OF(ours); k++)
            yyjson_mut_obj_remove_key(block, ours[k]);
        yyjson_mut_arr_append(list, block);
    }
}

int definition_render(struct arena *a, doc_t *doc, val_t *to, struct bytes json, bool complete,
                      struct err *err)
{
    static const char *const lists[] = {"inputBlocks", "dspBlocks", "learnBlocks", "postProcessingBlocks"};
    CLEANUP(json_freep) yyjson_doc *stored = json_read(json, DEFINITION_BYTES, err);
    const char *name;

    if (!stored)
        return -1;
    name = json_str(a, yyjson_doc_get_root(stored), "name", NULL);
    if (name)
        yyjson_mut_obj_add_strcpy(doc, to, "name", name);
    yyjson_mut_obj_add_bool(doc, to, "created", true);
    yyjson_mut_obj_add_bool(doc, to, "configured", true);
    yyjson_mut_obj_add_bool(doc, to, "complete", complete);
    for (size_t i = 0; i < COUNT_OF(lists); i++)
        copy_list(doc, to, yyjson_doc_get_root(stored), lists[i]);
    return 0;
}

static const char *value_of(struct arena *a, yyjson_val *config, const struct dsp_block_words *block,
                            const struct dsp_words *w)
{
    yyjson_val *key, *v;
    size_t i, n;

    yyjson_obj_foreach (config, i, n, key, v)
        if (dsp_setting_of(block, yyjson_get_str(key)) == w && !yyjson_is_null(v))
            return setting_text(a, v);
    return w->fallback;
}

static void add_choices(struct arena *a, doc_t *doc, val_t *item, const char *choices)
{
    val_t *list = yyjson_mut_obj_add_arr(doc, item, "selectOptions");

    while (*choices) {
        size_t len = strcspn(choices, " ");
        val_t *o = yyjson_mut_arr_add_obj(doc, list);
        const char *text = arena_strndup(a, choices, len);
        yyjson_mut_obj_add_strcpy(doc, o, "value", text);
        yyjson_mut_obj_add_bool(doc, o, "selected", false);
        yyjson_mut_obj_add_strcpy(doc, o, "optionLabel", text);
        choices += len + (choices[len] == ' ');
    }
}

static void add_items(struct arena *a, doc_t *doc, val_t *group, yyjson_val *config,
                      const struct dsp_block_words *words)
{
    val_t *items = yyjson_mut_obj_add_arr(doc, group, "items");

    for (size_t i = 0; i < words->n; i++) {
        const struct dsp_words *w = &words->settings[i];
        val_t *item = yyjson_mut_arr_add_obj(doc, items);
        const char *value = value_of(a, config, words, w);
        yyjson_mut_obj_add_str(doc, item, "param", w->name);
        yyjson_mut_obj_add_str(doc, item, "title", w->title);
        yyjson_mut_obj_add_str(doc, item, "help", w->help);
        yyjson_mut_obj_add_str(doc, item, "type", w->type);
        yyjson_mut_obj_add_strcpy(doc, item, "value", value ? value : "");
        yyjson_mut_obj_add_str(doc, item, "defaultValue", w->fallback);
        yyjson_mut_obj_add_bool(doc, item, "readonly", false);
        yyjson_mut_obj_add_bool(doc, item, "shouldShow", true);
        yyjson_mut_obj_add_bool(doc, item, "required", false);
        if (w->choices)
            add_choices(a, doc, item, w->choices);
    }
}

static yyjson_val *find_stored(yyjson_val *root, const char *list, int64_t id)
{
    yyjson_val *v;
    size_t i, n;

    yyjson_arr_foreach (yyjson_obj_get(root, list), i, n, v)
        if (json_int(v, "id", 0) == id)
            return v;
    return NULL;
}

int definition_render_dsp(struct arena *a, doc_t *doc, val_t *to, struct bytes json, int64_t dsp,
                          struct err *err)
{
    CLEANUP(json_freep) yyjson_doc *stored = json_read(json, DEFINITION_BYTES, err);
    yyjson_val *root = stored ? yyjson_doc_get_root(stored) : NULL, *block, *in;
    const struct dsp_block_words *words;
    val_t *about, *group;

    if (!stored)
        return -1;
    block = find_stored(root, "dspBlocks", dsp);
    words = dsp_words_of(json_str(a, block, "type", ""));
    if (!words)
        return FAIL(err, ERR_NOT_FOUND, "the impulse has no DSP block %lld", (long long)dsp);
    in = yyjson_arr_get_first(yyjson_obj_get(root, "inputBlocks"));
    about = yyjson_mut_obj_add_obj(doc, to, "dsp");
    yyjson_mut_obj_add_int(doc, about, "id", dsp);
    yyjson_mut_obj_add_strcpy(doc, about, "name", json_str(a, block, "name", words->title));
    yyjson_mut_obj_add_str(doc, about, "type", words->type);
    yyjson_mut_obj_add_real(doc, about, "windowLength", json_num(in, "windowSizeMs", 0));
    yyjson_mut_obj_add_int(doc, about, "implementationVersion",
                           json_int(block, "implementationVersion", words->newest));
    yyjson_mut_obj_add_int(doc, about, "latestImplementationVersion", words->newest);
    group = yyjson_mut_arr_add_obj(doc, yyjson_mut_obj_add_arr(doc, to, "config"));
    yyjson_mut_obj_add_str(doc, group, "group", words->title);
    add_items(a, doc, group, yyjson_obj_get(block, "config"), words);
    return 0;
}

val_t *threshold_render(doc_t *doc, const struct learn_more *more)
{
    val_t *list = yyjson_mut_arr(doc), *t = yyjson_mut_arr_add_obj(doc, list);

    yyjson_mut_obj_add_str(doc, t, "key", more->words->threshold);
    yyjson_mut_obj_add_str(doc, t, "description", more->words->description);
    yyjson_mut_obj_add_str(doc, t, "helpText", more->words->help);
    yyjson_mut_obj_add_real(doc, t, "suggestedValue", more->words->fallback);
    yyjson_mut_obj_add_real(doc, t, "value", more->threshold);
    return list;
}

/* ---- features ---- */

static void add_dsp_text(struct buf *text, const struct impulse_dsp *d)
{
    buf_printf(text, "|%s %d", d->type, d->version);
    for (size_t i = 0; i < d->naxes; i++)
        buf_printf(text, " %s", d->axes[i]);
    for (size_t i = 0; i < d->nsettings; i++)
        buf_printf(text, ",%s=%s", d->settings[i].name, d->settings[i].value);
}

const char *definition_inputs(struct arena *a, const struct impulse *p, const struct impulse_learn *l)
{
    CLEANUP(buf_clear) struct buf text = BUF(DEFINITION_BYTES);
    char *hex = arena_alloc(a, HASH_HEX);

    buf_printf(&text, "%d %.17g %.17g %d %d %d", (int)p->input, p->window_ms, p->frequency, p->width,
               p->height, (int)p->fit);
    for (size_t k = 0; k < l->ndsp; k++)
        for (size_t i = 0; i < p->ndsp; i++)
            if (p->dsp[i].id == l->dsp[k])
                add_dsp_text(&text, &p->dsp[i]);
    hash_hex(buf_bytes(&text), hex);
    return hex;
}
