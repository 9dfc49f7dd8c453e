/* An impulse in the client's words, as if a client had sent it. */
#include "api/impulse/define_int.h"

#include "base/text.h"

struct writer {
    doc_t *doc;
    val_t *wire;
    int64_t input; /* id of the input block */
};

static void write_input(struct writer *w, const struct impulse *p)
{
    static const char *const types[] = {
        [INPUT_SERIES] = "time-series", [INPUT_PICTURE] = "image", [INPUT_FEATURES] = "features"};
    val_t *in = yyjson_mut_arr_add_obj(w->doc, yyjson_mut_obj_add_arr(w->doc, w->wire, "inputBlocks"));

    yyjson_mut_obj_add_int(w->doc, in, "id", w->input);
    yyjson_mut_obj_add_str(w->doc, in, "type", types[p->input]);
    if (p->input == INPUT_SERIES) {
        yyjson_mut_obj_add_real(w->doc, in, "windowSizeMs", p->window_ms);
        yyjson_mut_obj_add_real(w->doc, in, "windowIncreaseMs", p->step_ms);
        yyjson_mut_obj_add_real(w->doc, in, "frequencyHz", p->frequency);
        yyjson_mut_obj_add_bool(w->doc, in, "padZeros", p->pad);
    } else if (p->input == INPUT_PICTURE) {
        yyjson_mut_obj_add_int(w->doc, in, "imageWidth", p->width);
        yyjson_mut_obj_add_int(w->doc, in, "imageHeight", p->height);
        yyjson_mut_obj_add_str(w->doc, in, "resizeMode", picture_fit_name(p->fit));
    }
}

static void write_texts(doc_t *doc, val_t *to, const char *key, const char *const *texts, size_t n)
{
    val_t *list = yyjson_mut_obj_add_arr(doc, to, key);

    for (size_t i = 0; i < n; i++)
        yyjson_mut_arr_add_str(doc, list, texts[i]);
}

static void write_dsp(struct writer *w, val_t *list, const struct impulse_dsp *d)
{
    val_t *o = yyjson_mut_arr_add_obj(w->doc, list), *config;

    yyjson_mut_obj_add_int(w->doc, o, "id", d->id);
    yyjson_mut_obj_add_str(w->doc, o, "type", d->type);
    if (d->name)
        yyjson_mut_obj_add_str(w->doc, o, "name", d->name);
    if (d->version)
        yyjson_mut_obj_add_int(w->doc, o, "implementationVersion", d->version);
    write_texts(w->doc, o, "axes", d->axes, d->naxes);
    config = yyjson_mut_obj_add_obj(w->doc, o, "config");
    for (size_t i = 0; i < d->nsettings; i++)
        yyjson_mut_obj_add_str(w->doc, config, d->settings[i].name, d->settings[i].value);
}

static const char *type_of_kind(const struct impulse_learn *l)
{
    static const char *const types[] = {
        [LEARN_CLASSIFIER] = "keras",
        [LEARN_REGRESSION] = "keras-regression",
        [LEARN_CLUSTERS] = "anomaly",
        [LEARN_MIXTURE] = "anomaly-gmm",
        [LEARN_FOMO] = "keras-object-detection",
        [LEARN_SSD] = "keras-object-detection",
        [LEARN_GRID] = "keras-visual-anomaly",
        [LEARN_FREEFORM] = "keras-freeform",
    };

    return learn_words_of(l->type) ? l->type : types[l->kind];
}

static void write_learn(struct writer *w, val_t *list, const struct impulse_learn *l)
{
    val_t *o = yyjson_mut_arr_add_obj(w->doc, list), *ids;
    const char *type = type_of_kind(l);

    yyjson_mut_obj_add_int(w->doc, o, "id", l->id);
    yyjson_mut_obj_add_str(w->doc, o, "type", type);
    if (l->name)
        yyjson_mut_obj_add_str(w->doc, o, "name", l->name);
    if (l->title)
        yyjson_mut_obj_add_str(w->doc, o, "title", l->title);
    ids = yyjson_mut_obj_add_arr(w->doc, o, "dsp");
    for (size_t i = 0; i < l->ndsp; i++)
        yyjson_mut_arr_add_int(w->doc, ids, l->dsp[i]);
    write_texts(w->doc, o, "labels", l->labels, l->nlabels);
    yyjson_mut_obj_add_str(w->doc, o, "inputScaling", picture_scale_name(l->scale));
    if (l->kind == LEARN_FOMO || l->kind == LEARN_SSD)
        yyjson_mut_obj_add_str(w->doc, o, "objectDetectionLastLayer",
                               l->kind == LEARN_SSD ? "mobilenet-ssd" : "fomo");
    if (l->min_score > 0)
        yyjson_mut_obj_add_real(w->doc, yyjson_mut_obj_add_obj(w->doc, o, "thresholds"),
                                learn_words_of(type)->threshold, l->min_score);
}

void definition_wire(doc_t *doc, val_t *wire, const struct impulse *p, int64_t input)
{
    struct writer *w = &(struct writer){doc, wire, input};
    val_t *dsp, *learn;

    if (p->name && *p->name)
        yyjson_mut_obj_add_str(w->doc, w->wire, "name", p->name);
    write_input(w, p);
    dsp = yyjson_mut_obj_add_arr(w->doc, w->wire, "dspBlocks");
    for (size_t i = 0; i < p->ndsp; i++)
        write_dsp(w, dsp, &p->dsp[i]);
    learn = yyjson_mut_obj_add_arr(w->doc, w->wire, "learnBlocks");
    for (size_t i = 0; i < p->nlearn; i++)
        write_learn(w, learn, &p->learn[i]);
}
