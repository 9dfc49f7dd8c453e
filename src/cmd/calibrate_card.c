#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"
#include "cmd/calibrate_int.h"
#include "infer/model.h"
#include "infer/variant.h"

typedef yyjson_mut_doc doc_t;
typedef yyjson_mut_val val_t;

#define CARD    "card.json"
#define WEIGHTS "weights"
#define MAP     "raw" CARD_MAP_ENDING

static const double lowest_face = .05;

/* ---- the model ---- */

static int find_named(struct model_call *c, const char *name, struct workpiece *w, struct err *err)
{
    const struct card_entry *e = model_installed(c, name);
    const struct card *card;

    if (model_find(c, name, &card, err) < 0)
        return -1;
    w->card = *card;
    if (e && card == &e->card) {
        w->path = e->path;
        return model_read_file(c->arena, e->path, &w->text, err);
    }
    for (size_t i = 0; i < embedded_count(); i++)
        if (text_is(embedded_get(i).name, name)) {
            w->text = embedded_get(i).card;
            w->weights = embedded_get(i).model;
        }
    return 0;
}

static int find_card(struct model_call *c, const char *path, struct workpiece *w, struct err *err)
{
    w->path = path;
    if (card_load(c->arena, path, &w->card, err) < 0 || card_verify(&w->card, err) < 0)
        return -1;
    return model_read_file(c->arena, path, &w->text, err);
}

int workpiece_find(struct model_call *c, const char *model, struct workpiece *ret, struct err *err)
{
    *ret = (struct workpiece){0};
    if (!model)
        return FAIL(err, ERR_INPUT, "which model? --model NAME or --model CARD.json says it");
    return text_ends(model, ".json") ? find_card(c, model, ret, err) : find_named(c, model, ret, err);
}

/* ---- the card without ---- */

/* So that the probabilities of the labels can be seen. */
static struct bytes map_of_labels(struct arena *a, const struct card *card)
{
    CLEANUP(json_mut_freep) doc_t *doc = json_doc_new();
    val_t *root = yyjson_mut_obj(doc);

    yyjson_mut_doc_set_root(doc, root);
    for (size_t i = 0; i < card->nlabels; i++) {
        val_t *tag = yyjson_mut_obj(doc);
        yyjson_mut_obj_add(root, yyjson_mut_str(doc, card->labels[i].name), tag);
        yyjson_mut_arr_add_str(doc, yyjson_mut_obj_add_arr(doc, tag, "from"), card->labels[i].name);
    }
    return json_write(a, doc);
}

static void set(doc_t *doc, val_t *obj, const char *key, val_t *value)
{
    yyjson_mut_obj_remove_key(obj, key);
    yyjson_mut_obj_add(obj, yyjson_mut_strcpy(doc, key), value);
}

static void take_calibration(val_t *root)
{
    val_t *concept;
    size_t i, n;

    yyjson_mut_obj_remove_key(root, "calibration");
    yyjson_mut_arr_foreach (yyjson_mut_obj_get(root, "concepts"), i, n, concept)
        yyjson_mut_obj_remove_key(concept, "calibration");
}

static struct bytes card_without(struct arena *a, const struct workpiece *w)
{
    CLEANUP(json_freep) yyjson_doc *old = json_read(w->text, CARD_MAX_BYTES, NULL);
    CLEANUP(json_mut_freep) doc_t *doc = json_doc_new();
    val_t *root = yyjson_val_mut_copy(doc, yyjson_doc_get_root(old));

    yyjson_mut_doc_set_root(doc, root);
    take_calibration(root);
    if (yyjson_mut_obj_get(root, "file"))
        set(doc, root, "file", yyjson_mut_str(doc, WEIGHTS));
    if (text_is(w->card.task, "faces") && w->card.faces.threshold > lowest_face)
        set(doc, root, "threshold", yyjson_mut_real(doc, lowest_face));
    if (text_is(w->card.task, "tags"))
        set(doc, root, "map", yyjson_mut_str(doc, MAP));
    return json_write(a, doc);
}

static int write_file(const char *path, struct bytes data, int flags, struct err *err)
{
    CLEANUP(fd_closep) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644);

    for (size_t at = 0; fd >= 0 && at < data.len;) {
        ssize_t n = write(fd, data.data + at, data.len - at);
        if (n < 0 && errno != EINTR)
            return FAIL_ERRNO(err, "cannot write %s", path);
        at += n > 0 ? (size_t)n : 0;
    }
    return fd < 0 ? FAIL_ERRNO(err, "cannot write %s", path) : 0;
}

/* Bytes, or a file that lies elsewhere; nothing where there is neither. */
static int lay(struct arena *a, const struct workpiece *w, const char *name, struct bytes data,
               const char *file, struct err *err)
{
    const char *to = arena_printf(a, "%s/%s", w->folder, name);
    char real[PATH_MAX];

    if (data.len)
        return write_file(to, data, O_EXCL, err);
    if (file && (!realpath(file, real) || symlink(real, to) < 0))
        return FAIL_ERRNO(err, "cannot lay %s beside its card", file);
    return 0;
}

/* With the variants: what is calibrated is what runs here. */
static int lay_weights(struct arena *a, const struct workpiece *w, struct err *err)
{
    if (lay(a, w, WEIGHTS, w->weights, w->card.file, err) < 0)
        return -1;
    for (size_t i = 0; i < w->card.nvariants; i++) {
        const struct card_variant *v = &w->card.variants[i];
        const char *file = v->file && access(v->file, F_OK) == 0 ? v->file : NULL;
        if (lay(a, w, v->name, variant_embedded(v), file, err) < 0)
            return -1;
    }
    return 0;
}

int workpiece_lay(struct arena *a, struct workpiece *w, struct err *err)
{
    const char *tmp = getenv("TMPDIR");
    char *folder = arena_printf(a, "%s/assay-calibrate-XXXXXX", tmp && *tmp ? tmp : "/tmp");

    if (!mkdtemp(folder))
        return FAIL_ERRNO(err, "cannot make the folder %s", folder);
    w->folder = folder;
    w->raw = arena_printf(a, "%s/" CARD, folder);
    if (write_file(w->raw, card_without(a, w), O_EXCL, err) < 0 || lay_weights(a, w, err) < 0)
        return -1;
    return text_is(w->card.task, "tags")
               ? write_file(arena_printf(a, "%s/" MAP, folder), map_of_labels(a, &w->card), O_EXCL, err)
               : 0;
}

static void remove_file(const struct workpiece *w, const char *name)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof path, "%s/%s", w->folder, name) < (int)sizeof path)
        unlink(path);
}

void workpiece_clear(struct workpiece *w)
{
    static const char *const files[] = {CARD, WEIGHTS, MAP};

    if (!w->folder)
        return;
    for (size_t i = 0; i < COUNT_OF(files); i++)
        remove_file(w, files[i]);
    for (size_t i = 0; i < w->card.nvariants; i++)
        remove_file(w, w->card.variants[i].name);
    rmdir(w->folder);
}

/* ---- the card with it ---- */

/* As many digits as mean something. */
static double rounded(double x)
{
    return round(x * 1e4) / 1e4;
}

/* Rounding may make two points one. */
static val_t *points_of(doc_t *doc, const struct calibration *c)
{
    val_t *list = yyjson_mut_arr(doc);
    double last = -1;

    for (size_t i = 0; i < c->n; i++) {
        val_t *pair;
        if (rounded(c->knots[i].x) <= last)
            continue;
        last = rounded(c->knots[i].x);
        pair = yyjson_mut_arr_add_arr(doc, list);
        yyjson_mut_arr_add_real(doc, pair, last);
        yyjson_mut_arr_add_real(doc, pair, rounded(c->knots[i].y));
    }
    return list;
}

static void put_concept(doc_t *doc, val_t *root, const struct calibrated_label *l)
{
    val_t *concept;
    size_t i, n;

    yyjson_mut_arr_foreach (yyjson_mut_obj_get(root, "concepts"), i, n, concept)
        if (text_is(yyjson_mut_get_str(yyjson_mut_obj_get(concept, "name")), l->label))
            set(doc, concept, "calibration", points_of(doc, &l->fitted.points));
}

/* Scores were seen rounded: who is at the threshold must not fall below it. */
static void put_threshold(doc_t *doc, val_t *root, const char *key, double least, double x)
{
    if (x >= .01 && x <= 1)
        set(doc, root, key, yyjson_mut_real(doc, fmax(rounded(x - 1e-4), least)));
}

static void put(doc_t *doc, val_t *root, const struct card *card, const struct calibrated_label *l)
{
    val_t *object = yyjson_mut_obj(doc);

    if (text_is(card->task, "detect")) {
        put_concept(doc, root, l);
    } else if (text_is(card->task, "tags")) {
        yyjson_mut_obj_add_real(doc, object, "temperature", rounded(l->fitted.temperature));
        set(doc, root, "calibration", object);
    } else if (text_starts(card->task, "origin-")) {
        yyjson_mut_obj_add_real(doc, object, "scale", rounded(l->fitted.scale));
        yyjson_mut_obj_add_real(doc, object, "offset", rounded(l->fitted.offset));
        set(doc, root, "calibration", object);
        put_threshold(doc, root, "artificial_from", card->origin.floor, l->after.kept.threshold);
    } else {
        set(doc, root, "calibration", points_of(doc, &l->fitted.points));
        put_threshold(doc, root, "threshold", .01,
                      text_is(card->task, "faces") ? l->raw.kept.threshold : l->after.kept.threshold);
    }
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat x, y;

    return a && stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Built-in weights are laid beside the card, so that it can be used. */
static int write_weights(struct arena *a, const struct workpiece *w, const char *path, yyjson_doc *card,
                         struct err *err)
{
    const char *file = json_str(a, yyjson_doc_get_root(card), "file", NULL);
    const char *to = arena_printf(a, "%s/%s", dirname(arena_strdup(a, path)), file ? file : "");

    if (!file || access(to, F_OK) == 0)
        return 0;
    if (w->weights.len)
        return write_file(to, w->weights, O_EXCL, err);
    fprintf(stderr, "its weights, %s, must lie beside it\n", file);
    return 0;
}

int workpiece_write(struct arena *a, const struct workpiece *w, const struct calibrated_label *labels,
                    size_t n, const char *path, struct err *err)
{
    CLEANUP(json_freep) yyjson_doc *old = json_read(w->text, CARD_MAX_BYTES, err);
    CLEANUP(json_mut_freep) doc_t *doc = json_doc_new();
    const char *beside = arena_printf(a, "%s.part", path);
    val_t *root = old ? yyjson_val_mut_copy(doc, yyjson_doc_get_root(old)) : NULL;
    struct bytes text;

    if (!old)
        return -1;
    if (access(path, F_OK) == 0 && !is_same_file(w->path, path))
        return FAIL(err, ERR_CONFLICT, "%s is there already, and it is not the card of %s", path,
                    w->card.name);
    yyjson_mut_doc_set_root(doc, root);
    for (size_t i = 0; i < n; i++)
        if (!labels[i].stays)
            put(doc, root, &w->card, &labels[i]);
    text = json_write_pretty(a, doc);
    if (write_file(beside, text, O_TRUNC, err) < 0 ||
        write_file(beside, bytes_of("\n", 1), O_APPEND, err) < 0)
        return -1;
    if (rename(beside, path) < 0) {
        unlink(beside);
        return FAIL_ERRNO(err, "cannot write %s", path);
    }
    return write_weights(a, w, path, old, err);
}
