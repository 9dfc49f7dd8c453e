#include "truth.h"

#include <math.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"

struct truth {
    struct arena *arena;
    const struct scene_opts *opts;
    const char *site, *label;
    struct scene_frame *frames; /* without pictures */
    size_t n, cap;
};

struct truth *truth_new(struct arena *a, const struct scene_opts *opts, const struct scene *s)
{
    struct truth *t = arena_alloc(a, sizeof *t);

    t->arena = a;
    t->opts = opts;
    t->site = scene_site(s);
    for (int i = 0; scene_kind(i)->name; i++)
        if (scene_kind(i)->label &&
            (text_is(scene_kind(i)->name, opts->kind) || text_is(scene_kind(i)->name, opts->with)))
            t->label = scene_kind(i)->label;
    return t;
}

void truth_add(struct truth *t, const struct scene_frame *frame)
{
    ARENA_PUSH(t->arena, t->frames, t->n, t->cap) = *frame;
}

/* Four decimals: a tenth of a pixel. */
static double rounded(double v)
{
    return round(v * 1e4) / 1e4;
}

static yyjson_mut_val *box_json(yyjson_mut_doc *doc, const struct scene_box *b)
{
    yyjson_mut_val *o = yyjson_mut_obj(doc);

    yyjson_mut_obj_add_str(doc, o, "label", b->label);
    yyjson_mut_obj_add_real(doc, o, "x", rounded((double)b->box.x));
    yyjson_mut_obj_add_real(doc, o, "y", rounded((double)b->box.y));
    yyjson_mut_obj_add_real(doc, o, "w", rounded((double)b->box.w));
    yyjson_mut_obj_add_real(doc, o, "h", rounded((double)b->box.h));
    return o;
}

static yyjson_mut_val *frames_json(yyjson_mut_doc *doc, const struct truth *t)
{
    yyjson_mut_val *list = yyjson_mut_arr(doc);

    for (size_t i = 0; i < t->n; i++) {
        yyjson_mut_val *o = yyjson_mut_arr_add_obj(doc, list), *boxes = yyjson_mut_arr(doc);
        yyjson_mut_obj_add_real(doc, o, "pts", rounded(t->frames[i].pts));
        for (size_t k = 0; k < t->frames[i].nboxes; k++)
            yyjson_mut_arr_append(boxes, box_json(doc, &t->frames[i].boxes[k]));
        yyjson_mut_obj_add_val(doc, o, "boxes", boxes);
    }
    return list;
}

struct bytes truth_json(struct truth *t)
{
    CLEANUP(json_mut_freep) yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc), *labels;
    const struct scene_opts *o = t->opts;

    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "generator", "tools/scene");
    yyjson_mut_obj_add_str(doc, root, "kind", o->kind);
    yyjson_mut_obj_add_uint(doc, root, "seed", o->seed);
    yyjson_mut_obj_add_str(doc, root, "site", t->site);
    yyjson_mut_obj_add_bool(doc, root, "night", o->night);
    yyjson_mut_obj_add_int(doc, root, "width", o->width);
    yyjson_mut_obj_add_int(doc, root, "height", o->height);
    yyjson_mut_obj_add_int(doc, root, "fps", o->fps);
    labels = yyjson_mut_obj_add_arr(doc, root, "labels");
    if (t->label)
        yyjson_mut_arr_add_str(doc, labels, t->label);
    yyjson_mut_obj_add_val(doc, root, "frames", frames_json(doc, t));
    return json_write(t->arena, doc);
}
