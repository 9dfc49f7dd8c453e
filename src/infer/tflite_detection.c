/* TFLite_Detection_PostProcess: boxes of anchors into pictures' boxes, the best of them, no two on the same
 * thing. Two ways, as the option use_regular_nms says: all classes together, each box of its best class; or
 * class by class. */
#include <math.h>

#include "infer/flex_int.h"
#include "infer/tflite_int.h"

enum { MAX_DETECTIONS = 1000 };

struct detection {
    int64_t detections, per_class, classes, anchors, columns; /* columns: classes and perhaps background */
    double min_score, min_overlap;
    float scale[4]; /* y, x, h, w */
    bool regular;
};

/* ---- options ---- */

static int read_option(struct work *w, const char *key, double low, double high, double *ret, struct err *err)
{
    double v;

    if (!flex_number(w->op->custom_options, key, &v))
        return FAIL(err, ERR_MODEL, "the operator %s of the model has no option %s", w->op_name, key);
    if (!(v >= low && v <= high))
        return FAIL(err, ERR_MODEL,
                    "the operator %s of the model has an option %s of %g; %g to %g are possible", w->op_name,
                    key, v, low, high);
    *ret = v;
    return 0;
}

static int read_scales(struct work *w, struct detection *d, struct err *err)
{
    static const char *const keys[] = {"y_scale", "x_scale", "h_scale", "w_scale"};
    double v;

    for (size_t i = 0; i < 4; i++) {
        if (read_option(w, keys[i], 1e-6, 1e6, &v, err) < 0)
            return -1;
        d->scale[i] = (float)v;
    }
    return 0;
}

static int read_options(struct work *w, struct detection *d, struct err *err)
{
    double detections, classes, each = 1, per_class = 100, regular = 0;

    if (read_option(w, "max_detections", 1, MAX_DETECTIONS, &detections, err) < 0 ||
        read_option(w, "num_classes", 1, 1e5, &classes, err) < 0 ||
        read_option(w, "nms_score_threshold", -1e30, 1e30, &d->min_score, err) < 0 ||
        read_option(w, "nms_iou_threshold", 0, 1, &d->min_overlap, err) < 0 || read_scales(w, d, err) < 0)
        return -1;
    flex_number(w->op->custom_options, "use_regular_nms", &regular);
    flex_number(w->op->custom_options, "max_classes_per_detection", &each);
    d->regular = regular != 0;
    if (flex_number(w->op->custom_options, "detections_per_class", &per_class) &&
        read_option(w, "detections_per_class", 1, MAX_DETECTIONS, &per_class, err) < 0)
        return -1;
    if (!d->regular && each != 1)
        return FAIL(err, ERR_UNSUPPORTED,
                    "the operator %s of the model gives several classes a box; export it with "
                    "max_classes_per_detection 1",
                    w->op_name);
    d->detections = (int64_t)detections;
    d->classes = (int64_t)classes;
    d->per_class = (int64_t)per_class;
    return 0;
}

static int check_inputs(struct work *w, struct detection *d, struct err *err)
{
    struct tflite_tensor **in = w->op->in;

    for (size_t i = 0; i < 3; i++)
        if (!in[i] || in[i]->ndims < 2 || in[i]->dims[in[i]->ndims - 1] < 1)
            return broken(w, "an input is missing", err);
    d->anchors = (int64_t)in[2]->count / 4;
    d->columns = in[1]->dims[in[1]->ndims - 1];
    if (w->op->noutputs != 4 || in[0]->count != in[2]->count || in[2]->count % 4 || !in[2]->count ||
        (int64_t)in[1]->count != d->anchors * d->columns || d->columns < d->classes)
        return broken(w, "its boxes, scores and anchors do not belong together", err);
    return 0;
}

/* ---- nodes ---- */

static const char *two(struct work *w, const char *op, const char *a, const char *b)
{
    return onnx_step(w->onnx, op, arena_printf(w->arena, "%s %s", a, b));
}

static const char *list(struct work *w, int64_t v)
{
    return onnx_list(w->onnx, 1, &v);
}

static const char *slice(struct work *w, const char *x, int64_t from, int64_t to, int64_t axis)
{
    return onnx_step(w->onnx, "Slice",
                     arena_printf(w->arena, "%s %s %s %s", x, list(w, from), list(w, to), list(w, axis)));
}

static const char *shaped(struct work *w, const char *x, int64_t rows, int64_t columns)
{
    return two(w, "Reshape", x, onnx_list(w->onnx, 2, (int64_t[]){rows, columns}));
}

static const char *pair(struct work *w, const float *v)
{
    const char *name = onnx_name(w->onnx);

    onnx_floats(w->onnx, name, 1, (int64_t[]){2}, v);
    return name;
}

/* Centre and size relative to the anchor, to top, left, bottom, right. */
static int put_boxes(struct work *w, const struct detection *d, const char **ret, struct err *err)
{
    const char *boxes, *anchors, *centre, *half, *size;

    if (real_of(w, w->op->in[0], &boxes, err) < 0 || real_of(w, w->op->in[2], &anchors, err) < 0)
        return -1;
    boxes = shaped(w, boxes, d->anchors, 4);
    anchors = shaped(w, anchors, d->anchors, 4);
    size = slice(w, anchors, 2, 4, 1);
    centre = two(w, "Div", slice(w, boxes, 0, 2, 1), pair(w, d->scale));
    centre = two(w, "Add", two(w, "Mul", centre, size), slice(w, anchors, 0, 2, 1));
    half = onnx_step(w->onnx, "Exp", two(w, "Div", slice(w, boxes, 2, 4, 1), pair(w, d->scale + 2)));
    half = times(w, two(w, "Mul", half, size), 0.5);
    *ret =
        onnx_step(w->onnx, "Concat",
                  arena_printf(w->arena, "%s %s", two(w, "Sub", centre, half), two(w, "Add", centre, half)),
                  ONNX_INT("axis", 1));
    return 0;
}

/* anchors x classes, without background, which stands first */
static int put_scores(struct work *w, const struct detection *d, const char **ret, struct err *err)
{
    const char *x;

    if (real_of(w, w->op->in[1], &x, err) < 0)
        return -1;
    *ret = slice(w, shaped(w, x, d->anchors, d->columns), d->columns - d->classes, d->columns, 1);
    return 0;
}

/* [selected, 3]: picture, class, anchor. TFLite keeps a score that equals the limit, ONNX does not. */
static const char *put_suppression(struct work *w, const struct detection *d, const char *boxes,
                                   const char *scores, int64_t max)
{
    float limit = nextafterf((float)d->min_score, -INFINITY);

    boxes = two(w, "Unsqueeze", boxes, list(w, 0));
    scores = two(w, "Unsqueeze", scores, list(w, 0));
    return onnx_step(w->onnx, "NonMaxSuppression",
                     arena_printf(w->arena, "%s %s %s %s %s", boxes, scores, list(w, max),
                                  onnx_float(w->onnx, (float)d->min_overlap), onnx_float(w->onnx, limit)));
}

static const char *column(struct work *w, const char *selected, int64_t i)
{
    return onnx_step(w->onnx, "Squeeze",
                     arena_printf(w->arena, "%s %s", slice(w, selected, i, i + 1, 1), list(w, 1)));
}

/* What was selected, of each kind one row a box. */
struct picks {
    const char *boxes, *classes, *scores;
};

enum { ONNX_FLOAT_TYPE = 1 };

static struct picks pick_together(struct work *w, const struct detection *d, const char *boxes,
                                  const char *scores)
{
    const char *best =
        onnx_step(w->onnx, "ReduceMax", scores, ONNX_INTS("axes", 1, &(int64_t){1}), ONNX_INT("keepdims", 0));
    const char *class = onnx_step(w->onnx, "ArgMax", scores, ONNX_INT("axis", 1), ONNX_INT("keepdims", 0));
    const char *at =
        column(w, put_suppression(w, d, boxes, two(w, "Unsqueeze", best, list(w, 0)), d->detections), 2);

    class = onnx_step(w->onnx, "Cast", class, ONNX_INT("to", ONNX_FLOAT_TYPE));
    return (struct picks){two(w, "Gather", boxes, at), two(w, "Gather", class, at),
                          two(w, "Gather", best, at)};
}

/* Class by class, the boxes of all classes lie behind one another. */
static struct picks pick_by_class(struct work *w, const struct detection *d, const char *boxes,
                                  const char *scores)
{
    const char *by_class = onnx_step(w->onnx, "Transpose", scores);
    const char *selected = put_suppression(w, d, boxes, by_class, d->per_class);
    const char *class = column(w, selected, 1);

    return (struct picks){
        two(w, "Gather", boxes, column(w, selected, 2)),
        onnx_step(w->onnx, "Cast", class, ONNX_INT("to", ONNX_FLOAT_TYPE)),
        two(w, "GatherND", by_class, slice(w, selected, 1, 3, 1)),
    };
}

/* Rows of zeros behind, so that there are enough. */
static const char *padded(struct work *w, const struct detection *d, const char *x, bool four, double fill)
{
    int64_t ends[] = {0, d->detections}, box_ends[] = {0, 0, d->detections, 0};

    return onnx_step(w->onnx, "Pad",
                     arena_printf(w->arena, "%s %s %s", x,
                                  four ? onnx_list(w->onnx, 4, box_ends) : onnx_list(w->onnx, 2, ends),
                                  onnx_float(w->onnx, (float)fill)));
}

static const char *put_count(struct work *w, const struct detection *d, const struct picks *p)
{
    const char *n =
        onnx_step(w->onnx, "Cast", onnx_step(w->onnx, "Shape", p->scores), ONNX_INT("to", ONNX_FLOAT_TYPE));

    return two(w, "Min", n, onnx_float(w->onnx, (float)d->detections));
}

static void finish(struct work *w, size_t i, const char *x, size_t ndims, const int64_t *dims)
{
    struct tflite_tensor *out = w->op->out[i];

    out->ndims = ndims;
    out->count = 1;
    for (size_t k = 0; k < ndims; k++)
        out->count *= (size_t)(out->dims[k] = dims[k]);
    value_is(out, AS_FILED, two(w, "Reshape", x, onnx_list(w->onnx, ndims, dims)));
}

/* The best `detections` of what was picked. What fills up has a score far below all and is sorted behind. */
static void put_outputs(struct work *w, const struct detection *d, const struct picks *p)
{
    enum { BELOW_ALL = -1000000 };
    const char *best = onnx_name(w->onnx), *at = onnx_name(w->onnx), *zero = onnx_float(w->onnx, 0);
    const char *known, *scores = padded(w, d, p->scores, false, BELOW_ALL);

    onnx_node(w->onnx, "TopK", arena_printf(w->arena, "%s %s", scores, list(w, d->detections)),
              arena_printf(w->arena, "%s %s", best, at));
    known = two(w, "Greater", best, onnx_float(w->onnx, BELOW_ALL));
    scores = onnx_step(w->onnx, "Where", arena_printf(w->arena, "%s %s %s", known, best, zero));
    finish(w, 0, two(w, "Gather", padded(w, d, p->boxes, true, 0), at), 3, (int64_t[]){1, d->detections, 4});
    finish(w, 1, two(w, "Gather", padded(w, d, p->classes, false, 0), at), 2, (int64_t[]){1, d->detections});
    finish(w, 2, scores, 2, (int64_t[]){1, d->detections});
    finish(w, 3, put_count(w, d, p), 1, (int64_t[]){1});
}

static int check_outputs(struct work *w, struct err *err)
{
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k <= i; k++)
            if (w->op->out[i]->integer || (k < i && w->op->out[i] == w->op->out[k]))
                return broken(w, "its outputs are not four tensors of floats", err);
    return 0;
}

int convert_detection(struct work *w, struct err *err)
{
    struct detection d = {0};
    const char *boxes, *scores;
    struct picks p;

    if (read_options(w, &d, err) < 0 || check_inputs(w, &d, err) < 0 || check_outputs(w, err) < 0 ||
        put_boxes(w, &d, &boxes, err) < 0 || put_scores(w, &d, &scores, err) < 0)
        return -1;
    p = d.regular ? pick_by_class(w, &d, boxes, scores) : pick_together(w, &d, boxes, scores);
    put_outputs(w, &d, &p);
    return 0;
}
