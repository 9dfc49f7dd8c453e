/* assay model add FILE.onnx: what is in the file, what about it will be slow here, whether it runs, and a
 * card to begin with. Nothing is installed: a card needs what no file says of itself. */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/text.h"
#include "cmd/foreign.h"
#include "cmd/model_int.h"
#include "cmd/probe.h"
#include "infer/onnx_read.h"

enum { SHOWN = 12, OPEN_SIDE = 320 };

/* ---- what is in it ---- */

static const char *type_name(int type)
{
    static const struct {
        int type;
        const char *name;
    } names[] = {{ONNX_FLOAT32, "float32"}, {ONNX_UINT8, "uint8"}, {ONNX_INT8, "int8"}, {ONNX_INT64, "int64"},
                 {ONNX_FLOAT16, "float16"}, {6, "int32"},          {9, "bool"},         {11, "float64"}};

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (names[i].type == type)
            return names[i].name;
    return "?";
}

static void print_values(const char *what, const struct onnx_value *v, size_t n)
{
    for (size_t i = 0; i < n && i < SHOWN; i++) {
        CLEANUP(buf_clear) struct buf line = BUF(4096);
        foreign_plain(&line, v[i].name, 60, false);
        buf_printf(&line, "  %s [", type_name(v[i].type));
        for (size_t k = 0; k < v[i].ndims; k++)
            if (v[i].dims[k] < 0)
                buf_printf(&line, "%sopen", k ? ", " : "");
            else
                buf_printf(&line, "%s%lld", k ? ", " : "", (long long)v[i].dims[k]);
        printf("%-10s%s]\n", i ? "" : what, line.data);
    }
    if (n > SHOWN)
        printf("%-10sand %zu more\n", "", n - SHOWN);
}

static void print_file(const struct onnx_file *f, struct bytes file, const char *path)
{
    CLEANUP(buf_clear) struct buf producer = BUF(256);

    foreign_plain(&producer, *f->producer ? f->producer : "unknown", 60, false);
    printf("file      %s, %.1f MB, %zu operators, opset %lld, made by %s\n", path, (double)file.len / 1e6,
           f->nnodes, (long long)f->opset, producer.data);
    print_values("input", f->inputs, f->ninputs);
    print_values("output", f->outputs, f->noutputs);
}

static void print_advice(struct arena *a, const struct onnx_file *f)
{
    const char *advice[ONNX_ADVICE_MAX];
    size_t n = onnx_advice(a, f, advice);

    for (size_t i = 0; i < n; i++)
        printf("%-10s%s\n", i ? "" : "warning", advice[i]);
}

static void print_probe(const char *how, const struct probe *p)
{
    printf(
        "probe     %s: %.3f ms of CPU a run (median of %d), %.0f ms and %.1f MB to load, ONNX Runtime %s\n",
        how, p->median_ms, p->runs, p->load_ms, (double)(p->load_kb + p->run_kb) / 1024, p->runtime);
}

/* ---- what it may be ---- */

struct guess {
    const char *task, *decoder;
    const char *why;
    int width, height, samples;
    int64_t labels; /* 0 = no list */
    bool map;       /* tags need one */
    const char *doubt;
};

static bool is_picture(const struct onnx_value *v)
{
    return v->type == ONNX_FLOAT32 && v->ndims == 4 && (v->dims[1] == 3 || v->dims[1] < 0);
}

/* What a card says for a side that the file leaves open. */
static int side(int64_t dim, int fallback)
{
    return dim >= 32 && dim <= 2048 ? (int)dim : fallback;
}

/* Places of a grid of strides 8, 16 and 32. */
static int64_t grid(int width, int height)
{
    int64_t n = 0;

    for (int stride = 8; stride <= 32; stride *= 2)
        n += (int64_t)(width / stride) * (height / stride);
    return n;
}

static bool has_output(const struct onnx_file *f, const char *name)
{
    for (size_t i = 0; i < f->noutputs; i++)
        if (text_is(f->outputs[i].name, name))
            return true;
    return false;
}

static bool guess_boxes(const struct onnx_value *out, struct guess *g)
{
    if (out->ndims != 3 || out->dims[2] < 5)
        return false;
    g->task = "detect";
    if (out->dims[1] == grid(g->width, g->height)) {
        g->decoder = "yolox-raw";
        g->labels = out->dims[2] - 5;
        g->why = "its output has a row for each place of a grid of strides 8, 16 and 32";
    } else {
        g->decoder = "boxes";
        g->labels = out->dims[2] - 4;
        g->why = "its output has three dimensions, as a list of boxes";
        g->doubt = "whether its boxes are centre x, centre y, width, height in pixels of the input; no other "
                   "form can be read";
    }
    return g->labels > 0;
}

/* Whether what came out of the probe are probabilities. */
static const char *scores_decoder(const struct probe *p)
{
    const struct probe_port *out = &p->outputs[0];
    bool shares = p->runs && out->least >= 0 && out->most <= 1;

    if (shares && fabs(out->sum - 1) < 0.01)
        return "softmax";
    return shares ? "sigmoid" : "softmax-logits";
}

static bool guess_scores(const struct onnx_value *out, const struct probe *p, struct guess *g)
{
    int64_t n = out->ndims == 2 ? out->dims[1] : out->ndims == 1 ? out->dims[0] : -1;

    if (n < 1)
        return false;
    if (n == 1) {
        g->task = "origin-image";
        g->decoder = "logit";
        g->why = "it gives one number for a picture";
        g->doubt = "that this number says \"artificial\"; other meanings have no task";
        return true;
    }
    g->task = "tags";
    g->decoder = scores_decoder(p);
    g->labels = n;
    g->map = true;
    g->why = "it gives a list of numbers for a picture";
    g->doubt = "face-embedding and nsfw models look alike";
    return true;
}

static bool guess_picture(const struct onnx_file *f, const struct probe *p, struct guess *g)
{
    const struct onnx_value *in = &f->inputs[0];

    g->height = side(in->dims[2], OPEN_SIDE);
    g->width = side(in->dims[3], OPEN_SIDE);
    if (f->noutputs == 12 && has_output(f, "cls_8") && has_output(f, "kps_32")) {
        *g = (struct guess){"faces", "yunet", "its outputs are those of YuNet", 640, 384, 0, 0, false, NULL};
        if (in->dims[3] > 0) {
            g->width = side(in->dims[3], 640);
            g->height = side(in->dims[2], 384);
        }
        return true;
    }
    return guess_boxes(&f->outputs[0], g) || guess_scores(&f->outputs[0], p, g);
}

static bool guess_sound(const struct onnx_file *f, struct guess *g)
{
    const struct onnx_value *in = &f->inputs[0], *out = &f->outputs[0];

    g->samples = (int)in->dims[1];
    if (f->ninputs >= 2 && f->noutputs >= 2 && g->samples >= CARD_VOICE_FRAME &&
        g->samples <= 2 * CARD_VOICE_FRAME) {
        g->task = "voice";
        g->why = "it hears some 32 ms and has a state";
        return true;
    }
    g->task = "origin-speech";
    g->why = "it hears a piece of sound and gives two numbers";
    g->doubt = "which of the two is \"artificial\"";
    return out->ndims == 2 && out->dims[1] == 2 && g->samples >= 8000;
}

static bool guess(const struct onnx_file *f, const struct probe *p, struct guess *ret)
{
    struct guess g = {0};
    bool found = false;

    if (f->ninputs && is_picture(&f->inputs[0]) && f->ninputs == 1)
        found = guess_picture(f, p, &g);
    else if (f->ninputs && f->inputs[0].type == ONNX_FLOAT32 && f->inputs[0].ndims == 2 &&
             f->inputs[0].dims[1] > 1)
        found = guess_sound(f, &g);
    *ret = g;
    return found;
}

static void say_unknown(const struct onnx_file *f)
{
    const struct onnx_value *in = f->ninputs ? &f->inputs[0] : NULL;

    puts("card      none: no task of docs/models.md takes such inputs and gives such outputs");
    if (in && in->ndims == 4 && in->dims[3] == 3)
        puts("          pictures must come as [1, 3, height, width]; this file wants the colours last. "
             "Export it so");
}

/* ---- the card ---- */

typedef yyjson_mut_doc doc_t;
typedef yyjson_mut_val val_t;

/* "models/My net.onnx" gives "My-net". */
static const char *name_of(struct arena *a, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *name = arena_strdup(a, slash ? slash + 1 : path);

    name[strlen(name) - strlen(".onnx")] = '\0';
    for (char *c = name; *c; c++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-", *c))
            *c = '-';
    return *name && *name != '.' && *name != '-' ? name : "model";
}

static void put_input(doc_t *doc, val_t *root, const struct onnx_file *f, const struct guess *g)
{
    val_t *in = yyjson_mut_obj_add_obj(doc, root, "input");

    yyjson_mut_obj_add_str(doc, in, "name", f->inputs[0].name);
    if (g->samples) {
        yyjson_mut_obj_add_int(doc, in, "samples", g->samples);
        return;
    }
    if (!text_is(g->task, "origin-image")) {
        yyjson_mut_obj_add_int(doc, in, "width", g->width);
        yyjson_mut_obj_add_int(doc, in, "height", g->height);
    }
    yyjson_mut_obj_add_str(doc, in, "order",
                           text_is(g->task, "faces") || text_is(g->decoder, "yolox-raw") ? "bgr" : "rgb");
    if (text_is(g->task, "tags") || text_is(g->task, "origin-image"))
        yyjson_mut_obj_add_real(doc, in, "scale", 1.0 / 255);
    if (!text_is(g->task, "origin-image"))
        yyjson_mut_obj_add_str(doc, in, "fit",
                               text_is(g->task, "tags") ? "centre-crop" : "letterbox-topleft");
}

static void put_output(doc_t *doc, val_t *root, const struct onnx_file *f, const struct guess *g)
{
    val_t *out = yyjson_mut_obj_add_obj(doc, root, "output"), *logits;

    if (!text_is(g->decoder, "yunet"))
        yyjson_mut_obj_add_str(doc, out, "name", f->outputs[0].name);
    if (g->decoder)
        yyjson_mut_obj_add_str(doc, out, "decoder", g->decoder);
    if (text_is(g->task, "origin-speech")) {
        logits = yyjson_mut_obj_add_arr(doc, out, "logits");
        yyjson_mut_arr_add_str(doc, logits, "artificial");
        yyjson_mut_arr_add_str(doc, logits, "human");
    }
}

/* Whoever knows the model writes its words over these. */
static void put_labels(struct arena *a, doc_t *doc, val_t *root, const struct guess *g)
{
    val_t *labels, *o;
    bool detect = text_is(g->task, "detect");

    if (!g->labels || g->labels > CARD_MAX_LABELS)
        return;
    labels = yyjson_mut_obj_add_arr(doc, root, "labels");
    for (int64_t i = 0; i < g->labels; i++) {
        const char *name = arena_printf(a, "label %lld", (long long)i);
        if (!detect || i) {
            yyjson_mut_arr_add_str(doc, labels, name);
            continue;
        }
        o = yyjson_mut_arr_add_obj(doc, labels);
        yyjson_mut_obj_add_str(doc, o, "name", "person");
        yyjson_mut_obj_add_str(doc, o, "concept", "person");
        yyjson_mut_obj_add_real(doc, o, "threshold", 0.1);
    }
    if (detect) {
        o = yyjson_mut_arr_add_obj(doc, yyjson_mut_obj_add_arr(doc, root, "concepts"));
        yyjson_mut_obj_add_str(doc, o, "name", "person");
        yyjson_mut_obj_add_real(doc, root, "nms_iou", 0.45);
    }
}

static void put_rest(struct arena *a, doc_t *doc, val_t *root, const struct onnx_file *f,
                     const struct guess *g, const char *name)
{
    val_t *state;

    if (g->map)
        yyjson_mut_obj_add_strcpy(doc, root, "map", arena_printf(a, "%s" CARD_MAP_ENDING, name));
    if (text_is(g->task, "origin-image")) {
        yyjson_mut_obj_add_str(doc, root, "method", "network");
        yyjson_mut_obj_add_int(doc, root, "patch", g->width);
        yyjson_mut_obj_add_arr(doc, root, "verdict");
    }
    if (text_is(g->task, "origin-speech"))
        yyjson_mut_obj_add_arr(doc, root, "verdict");
    if (text_is(g->task, "voice")) {
        state = yyjson_mut_obj_add_obj(doc, root, "state");
        yyjson_mut_obj_add_str(doc, state, "input", f->inputs[1].name);
        yyjson_mut_obj_add_str(doc, state, "output", f->outputs[1].name);
    }
}

static struct bytes make_card(struct arena *a, const char *path, struct bytes file, const struct onnx_file *f,
                              const struct guess *g)
{
    static const char *const open[] = {"licence", "source", "made_by", "weakness"};
    CLEANUP(json_mut_freep) doc_t *doc = json_doc_new();
    val_t *root = yyjson_mut_obj(doc);
    const char *name = name_of(a, path), *slash = strrchr(path, '/');
    char sum[HASH_HEX];

    hash_hex(file, sum);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "schema", "assay.model/1");
    yyjson_mut_obj_add_str(doc, root, "name", name);
    yyjson_mut_obj_add_str(doc, root, "version", "1");
    yyjson_mut_obj_add_str(doc, root, "task", g->task);
    yyjson_mut_obj_add_str(doc, root, "file", slash ? slash + 1 : path);
    yyjson_mut_obj_add_str(doc, root, "sha256", sum);
    for (size_t i = 0; i < COUNT_OF(open); i++)
        yyjson_mut_obj_add_str(doc, root, open[i], "to be filled in");
    put_input(doc, root, f, g);
    put_output(doc, root, f, g);
    put_labels(a, doc, root, g);
    put_rest(a, doc, root, f, g, name);
    return json_write_pretty(a, doc);
}

/* ---- the command ---- */

static int write_card(struct model_call *c, const char *path, struct bytes card, struct err *err)
{
    char *to = arena_strdup(c->arena, path);
    CLEANUP(fd_closep) int fd = -1;

    to = arena_printf(c->arena, "%.*s.json", (int)(strlen(to) - strlen(".onnx")), to);
    fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        return FAIL_ERRNO(err, "cannot write %s", to);
    if (write(fd, card.data, card.len) != (ssize_t)card.len || write(fd, "\n", 1) != 1)
        return FAIL_ERRNO(err, "cannot write %s", to);
    printf("card      written to %s: fill it in, then `assay model add %s`\n", to, to);
    return 0;
}

/* Whether the card fits the file, and what a run with it costs. */
static void try_card(struct model_call *c, struct bytes file, struct bytes text)
{
    struct probe_opts opts = model_probe_opts(c);
    struct err why = {0};
    struct card card;
    struct probe p;

    if (card_parse(c->arena, text, ".", "proposed", &card, &why) < 0 ||
        probe_run(file, &card, &opts, &p, &why) < 0)
        printf("probe     with the card below it does not run: %s\n", why.text);
    else
        print_probe("with the card below", &p);
}

static int propose(struct model_call *c, const char *path, struct bytes file, const struct onnx_file *f,
                   const struct probe *p, struct err *err)
{
    struct guess g;
    struct bytes card;

    if (!guess(f, p, &g)) {
        say_unknown(f);
        return 0;
    }
    card = make_card(c->arena, path, file, f, &g);
    try_card(c, file, card);
    printf("task      %s, since %s\n", g.task, g.why);
    if (g.doubt)
        printf("%-10sto be checked: %s\n", "", g.doubt);
    if (!g.samples)
        puts(
            "          to be checked: order of colours, scale, mean and std of the input; no file says them");
    if (c->bench.card)
        return write_card(c, path, card, err);
    printf("card      a beginning (--card writes it beside the file):\n%s\n", (const char *)card.data);
    return 0;
}

static bool is_open(const struct onnx_file *f)
{
    for (size_t i = 0; i < f->ninputs; i++)
        for (size_t k = 1; k < f->inputs[i].ndims; k++)
            if (f->inputs[i].dims[k] < 0)
                return true;
    return false;
}

int model_propose(struct model_call *c, const char *path, struct err *err)
{
    struct probe_opts opts = model_probe_opts(c);
    struct probe p = {0};
    struct onnx_file f;
    struct bytes file;
    struct err why = {0};

    if (model_read_file(c->arena, path, &file, err) < 0 || onnx_read(c->arena, file, &f, err) < 0)
        return -1;
    print_file(&f, file, path);
    print_advice(c->arena, &f);
    if (probe_run(file, NULL, &opts, &p, &why) < 0) {
        p = (struct probe){0};
        printf("probe     alone it does not run: %s\n", why.text);
    } else if (!is_open(&f)) {
        print_probe("alone", &p);
    }
    return propose(c, path, file, &f, &p, err);
}
