/* Detectors "human or artificial": their cards, where patches go, what becomes of a logit, and the shipped
 * models, which must give what they gave in Python (models/train/train_origin.py made). */
#include "infer/origin.h"

#include <math.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "infer/spectrum.h"
#include "test.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

/* ---- cards ---- */

#define HEAD(task) "{'schema':'assay.model/1','name':'tiny','version':'1.0','task':'" task "',"
#define WORDS      "'licence':'MIT','source':'here','made_by':'us','weakness':'all',"
#define FILE_OF \
    "'file':'tiny.onnx','sha256':'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',"

static const char network[] =
    HEAD("origin-image") FILE_OF WORDS "'method':'network','patch':64,'patches':4,"
                                       "'input':{'name':'x','order':'rgb','scale':0.1},"
                                       "'output':{'name':'y','decoder':'logit'},"
                                       "'calibration':{'scale':2,'offset':-1},'floor':0.6,"
                                       "'artificial_from':0.9,'verdict':['image','video'],'obsolete':true}";
/* Lists of the right length are put in for A (features) and B (weights). */
static const char spectral[] =
    HEAD("origin-image") WORDS "'method':'spectrum','patch':128,'verdict':['audio'],"
                               "'weights':{'mean':[A],'deviation':[A],'coefficients':[B]}}";
static const char face[] = HEAD("origin-face") FILE_OF WORDS
    "'input':{'name':'x','width':256,'height':256,'order':'rgb'},'output':{'name':'y','decoder':'real-prob'},"
    "'verdict':['face'],'enlarge':1.5,'min_face':80}";
static const char nsfw[] = HEAD("nsfw") FILE_OF WORDS
    "'input':{'name':'x','width':224,'height':224,'order':'rgb','fit':'stretch'},"
    "'output':{'name':'y','decoder':'softmax'},'labels':['Drawing','Hentai','Neutral','Porn','Sexy'],"
    "'unsafe':['Porn','Hentai']}";

static const char *ones(struct arena *a, size_t n)
{
    char *list = arena_alloc(a, 2 * n);

    for (size_t i = 0; i < n; i++)
        memcpy(list + 2 * i, i + 1 < n ? "1," : "1", 2);
    return list;
}

static const char *replace(struct arena *a, const char *in, const char *from, const char *to)
{
    const char *at = strstr(in, from);

    CHECK(at);
    return at ? arena_printf(a, "%.*s%s%s", (int)(at - in), in, to, at + strlen(from)) : in;
}

/* JSON is written with ' for " above and below. */
static struct bytes text(struct arena *a, const char *json, const char *from, const char *to)
{
    char *out;

    json = from ? replace(a, json, from, to) : json;
    if (strstr(json, "'mean':[A]"))
        json = replace(a, json, "[A]", arena_printf(a, "[%s]", ones(a, SPECTRUM_FEATURES)));
    if (strstr(json, "'deviation':[A]"))
        json = replace(a, json, "[A]", arena_printf(a, "[%s]", ones(a, SPECTRUM_FEATURES)));
    if (strstr(json, "[B]"))
        json = replace(a, json, "[B]", arena_printf(a, "[%s]", ones(a, SPECTRUM_WEIGHTS)));
    out = arena_strdup(a, json);
    for (char *p = out; *p; p++)
        if (*p == '\'')
            *p = '"';
    return bytes_of(out, strlen(out));
}

static bool parse(struct arena *a, const char *json, struct card *ret)
{
    struct err err = {0};

    if (card_parse(a, text(a, json, NULL, NULL), "models", "tiny.json", ret, &err) < 0)
        CHECK_STR(err.text, "");
    return !err.text[0];
}

static void good_cards_are_read(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct card c;

    if (parse(a, network, &c)) {
        CHECK_INT(c.input.width, 64);
        CHECK_INT(c.origin.patches, 4);
        CHECK_STR(c.outputs[0], "y");
        CHECK_STR(c.file, "models/tiny.onnx");
        CHECK_NEAR(c.origin.offset, -1, 0);
        CHECK_NEAR(c.origin.artificial_from, 0.9, 0);
        CHECK(c.origin.obsolete);
        CHECK(card_counts_for(&c, "image") && card_counts_for(&c, "video"));
        CHECK(!card_counts_for(&c, "face") && !card_counts_for(&c, "audio") && !card_counts_for(&c, "x"));
    }
    if (parse(a, spectral, &c)) {
        CHECK(!c.file);
        CHECK_STR(c.sha256, c.text_sha256);
        CHECK_NEAR(c.origin.weights[SPECTRUM_WEIGHTS - 1], 1, 0);
        CHECK_NEAR(c.origin.floor, 0.5, 0);
        CHECK_NEAR(c.origin.artificial_from, 0.5, 0);
        CHECK_INT(c.origin.patches, CARD_MAX_PATCHES);
        CHECK(!c.origin.obsolete);
    }
    if (parse(a, face, &c)) {
        CHECK_INT(c.origin.min_face, 80);
        CHECK_NEAR(c.origin.enlarge, 1.5, 0);
        CHECK(card_counts_for(&c, "face"));
    }
    if (parse(a, nsfw, &c)) {
        CHECK_NEAR(c.nsfw.threshold, 0.85, 0);
        CHECK_INT(c.nsfw.nunsafe, 2);
        CHECK_INT(c.nsfw.unsafe[0], 3);
        CHECK_INT(c.nsfw.unsafe[1], 1);
    }
}

static void bad_cards_are_refused(void)
{
    static const struct {
        const char *json, *from, *to, *complaint;
    } rows[] = {
        {network, "'method':'network'", "'method':'magic'", "method"},
        {network, "'method':'network',", "", "lacks \"method\""},
        {network, "'patch':64", "'patch':16", "patch"},
        {network, "'patch':64", "'patch':64.5", "whole"},
        {network, "'patches':4", "'patches':9", "patches"},
        {network, "'patches':4", "'patches':0", "patches"},
        {network, FILE_OF, "", "network"},
        {network, "'file':'tiny.onnx',", "", "network"},
        {network, "'scale':0.1", "'width':64", "width"},
        {network, "'input':{'name':'x','order':'rgb','scale':0.1},", "", "\"input\""},
        {network, "'decoder':'logit'", "'decoder':'softmax'", "decoder"},
        {network, "'scale':2,", "'scale':-2,", "scale"},
        {network, "'scale':2,", "", "scale"},
        {network, "'offset':-1", "'offset':1e99", "offset"},
        {network, "'floor':0.6", "'floor':0.4", "floor"},
        {network, "'artificial_from':0.9", "'artificial_from':0.55", "artificial_from"},
        {network, "'artificial_from':0.9", "'artificial_from':1.1", "artificial_from"},
        {network, "['image','video']", "['image','image']", "verdict"},
        {network, "['image','video']", "['text']", "verdict"},
        {network, "['image','video']", "[7]", "verdict"},
        {network, "['image','video']", "'image'", "verdict"},
        {network, "'verdict':['image','video'],", "", "lacks \"verdict\""},
        {network, "'obsolete':true", "'obsolete':1", "obsolete"},
        {network, "'obsolete':true", "'weights':{}", "weights"},
        {network, "'obsolete':true", "'threshold':1", "threshold"},
        {spectral, "'patch':128", "'patch':64", "patch"},
        {spectral, "'patch':128,", "'patch':128," FILE_OF, "spectrum"},
        {spectral, "'mean':[A]", "'mean':[1,2]", "mean"},
        {spectral, "'deviation':[A]", "'deviation':[0]", "deviation"},
        {spectral, "'coefficients':[B]", "'coefficients':7", "coefficients"},
        {spectral, ",'coefficients':[B]", "", "lacks \"coefficients\""},
        {spectral, "'coefficients':[B]", "'coefficients':[B],'x':1", "\"x\""},
        {face, "'decoder':'real-prob'", "'decoder':'logit'", "decoder"},
        {face, "'width':256", "'width':16", "width"},
        {face, "'enlarge':1.5", "'enlarge':9", "enlarge"},
        {face, "'min_face':80", "'min_face':0", "min_face"},
        {face, "'min_face':80", "'patch':64", "patch"},
        {face, FILE_OF, "", "file"},
        {nsfw, "'unsafe':['Porn','Hentai']", "'unsafe':['Porn','Gore']", "unsafe"},
        {nsfw, "'unsafe':['Porn','Hentai']", "'unsafe':['Porn','Porn']", "twice"},
        {nsfw, "'unsafe':['Porn','Hentai']", "'unsafe':[]", "unsafe"},
        {nsfw, "'unsafe':['Porn','Hentai']", "'unsafe':['Drawing','Hentai','Neutral','Porn','Sexy']",
         "unsafe"},
        {nsfw, "'unsafe':['Porn','Hentai']", "'unsafe':[3]", "unsafe"},
        {nsfw, "'labels':['Drawing'", "'labels':['Porn'", "twice"},
        {nsfw, "'decoder':'softmax'", "'decoder':'sigmoid'", "decoder"},
        {nsfw, "'unsafe':['Porn','Hentai']", "'unsafe':['Porn'],'threshold':0", "threshold"},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct err err = {0};
        struct card c;

        CHECK_INT(card_parse(a, text(a, rows[i].json, rows[i].from, rows[i].to), "m", "tiny.json", &c, &err),
                  -1);
        CHECK(err.kind == ERR_MODEL);
        CHECK(strstr(err.text, rows[i].complaint) && strstr(err.text, "tiny.json"));
        ROW("%zu %s: %s", i, rows[i].to, err.text);
    }
}

/* ---- patches and logits ---- */

static void patches_go_everywhere(void)
{
    static const struct {
        int w, h, patch, max;
        size_t n;
        struct origin_area first, last;
    } rows[] = {
        {127, 500, 128, 8, 0, {0}, {0}},
        {500, 127, 128, 8, 0, {0}, {0}},
        {0, 0, 128, 8, 0, {0}, {0}},
        {128, 128, 128, 8, 1, {0, 0, 128, 128}, {0, 0, 128, 128}},
        {129, 255, 128, 8, 1, {0, 63, 128, 128}, {0, 63, 128, 128}},
        {1920, 1080, 128, 8, 8, {176, 206, 128, 128}, {1616, 746, 128, 128}},
        {1080, 1920, 128, 8, 8, {206, 176, 128, 128}, {746, 1616, 128, 128}},
        {500, 375, 128, 8, 6, {19, 29, 128, 128}, {352, 217, 128, 128}},
        {1024, 1024, 128, 1, 1, {448, 448, 128, 128}, {448, 448, 128, 128}},
        {65535, 128, 128, 8, 8, {4031, 0, 128, 128}, {61375, 0, 128, 128}},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct origin_area at[CARD_MAX_PATCHES];
        size_t n = origin_grid(rows[i].w, rows[i].h, rows[i].patch, rows[i].max, at);

        CHECK_INT(n, rows[i].n);
        CHECK(!n || !memcmp(&at[0], &rows[i].first, sizeof at[0]));
        CHECK(!n || !memcmp(&at[n - 1], &rows[i].last, sizeof at[0]));
        for (size_t k = 0; k < n; k++)
            CHECK(at[k].x >= 0 && at[k].y >= 0 && at[k].x + at[k].w <= rows[i].w &&
                  at[k].y + at[k].h <= rows[i].h);
        ROW("%d x %d: %zu, %d %d .. %d %d", rows[i].w, rows[i].h, n, at[0].x, at[0].y, at[n ? n - 1 : 0].x,
            at[n ? n - 1 : 0].y);
    }
}

static void a_logit_becomes_an_opinion(void)
{
    static const struct card_origin o = {.scale = 2, .offset = -1, .floor = 0.6, .artificial_from = 0.9};
    static const struct {
        double logit;
        bool unknown;
        double artificial;
    } rows[] = {
        {-400, false, 0},
        {0, false, 0.26894142136999512},
        {0.35, true, 0.42555748318834102},
        {0.5, true, 0.5},
        {1.5, true, 0.88079707797788243},
        {1.7, false, 0.91682730350607766},
        {400, false, 1},
        {INFINITY, false, 1},
        {-INFINITY, false, 0},
        {NAN, true, 0.5},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct origin_opinion got = origin_opinion_of(&o, rows[i].logit);

        CHECK_INT(got.unknown, rows[i].unknown);
        CHECK_NEAR(got.artificial, rows[i].artificial, 1e-12);
        CHECK_NEAR(got.human + got.artificial, 1, 1e-12);
        CHECK(got.unknown ? text_is(got.code, "uncertain") : !got.code);
        ROW("%g", rows[i].logit);
    }
}

/* ---- the shipped models ---- */

/* The library that tools/deps fetched; NULL when it is not there: then the search has to find another. */
static const char *library(void)
{
    static char path[4096];
    const char *root = getenv("ASSAY_ROOT");

    snprintf(path, sizeof path, "%s/.deps/lib/libonnxruntime.so.1", root ? root : ".");
    return access(path, R_OK) == 0 ? path : NULL;
}

struct shipped {
    struct arena *arena;
    struct runtime *rt;
    size_t n;
    struct card card[8];
    struct model *model[8];
    struct origin_judge *judge[8];
};

static void shipped_clear(struct shipped *s)
{
    for (size_t i = 0; i < s->n; i++)
        model_freep(&s->model[i]);
    runtime_freep(&s->rt);
    arena_freep(&s->arena);
}

/* All embedded models of the task origin-image. */
static bool load(struct shipped *s)
{
    struct err err = {0};

    s->arena = arena_new();
    if (runtime_open(&s->rt, library(), &err) < 0)
        CHECK_STR(err.text, "");
    for (size_t i = 0; i < embedded_count() && s->rt; i++) {
        struct embedded e = embedded_get(i);
        struct card *c = &s->card[s->n];

        if (card_parse(s->arena, e.card, NULL, e.name, c, &err) < 0)
            CHECK_STR(err.text, "");
        CHECK_STR(c->name, e.name);
        if (!text_is(c->task, "origin-image"))
            continue;
        if (e.model.len && model_load(&s->model[s->n], s->rt, c, e.model, &err) < 0)
            CHECK_STR(err.text, "");
        s->judge[s->n] = origin_judge_new(s->arena, s->model[s->n], c);
        s->n++;
    }
    CHECK_INT(s->n, 3);
    return s->n == 3;
}

/* made_picture() of models/train/spectrum.py. */
static struct picture made_picture(struct arena *a, int side)
{
    struct picture p = {side, side, 3, arena_alloc(a, (size_t)side * (size_t)side * 3)};
    uint8_t *to = p.pixels;
    uint32_t state = 7;

    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++)
            for (int c = 0; c < 3; c++) {
                state = (state * 1103515245u + 12345u) & 0x7fffffff;
                *to++ = (uint8_t)((x * (c + 1) + y * 2 + ((x * y) >> 5)) % 200 + (int)((state >> 16) % 40));
            }
    return p;
}

static double logit_of(const struct card *c, const struct origin_opinion *o)
{
    return (log(o->artificial / o->human) - c->origin.offset) / c->origin.scale;
}

static void models_answer_as_in_python(void)
{
    static const struct {
        const char *name;
        double logit; /* of made_picture(): printed by train_origin.py, made */
    } rows[] = {{"assay-pixels", 2.0165560245513916},
                {"assay-residual", -0.4324943423271179},
                {"assay-spectrum", 0.05825395951922879}};
    CLEANUP(shipped_clear) struct shipped s = {0};
    struct picture p;

    if (!load(&s))
        return;
    p = made_picture(s.arena, 128);
    for (size_t i = 0; i < LENGTH(rows) && i < s.n; i++) {
        struct origin_opinion o = {0};
        struct err err = {0};

        CHECK_STR(s.card[i].name, rows[i].name);
        CHECK_INT(origin_judge_picture(s.judge[i], s.arena, &p, 0, &o, &err), 0);
        CHECK_NEAR(logit_of(&s.card[i], &o), rows[i].logit, 1e-4);
        ROW("%s %s", rows[i].name, err.text);
    }
}

static void the_same_pixels_give_the_same_bits(void)
{
    CLEANUP(shipped_clear) struct shipped s = {0};
    struct picture p;

    if (!load(&s))
        return;
    p = made_picture(s.arena, 300);
    for (size_t i = 0; i < s.n; i++) {
        struct origin_opinion first = {0}, again = {0}, tile = {0};

        CHECK_INT(origin_judge_picture(s.judge[i], s.arena, &p, 0, &first, NULL), 0);
        CHECK_INT(
            origin_judge_part(s.judge[i], s.arena, &p, &(struct origin_area){5, 9, 128, 128}, 0, &tile, NULL),
            0);
        CHECK_INT(origin_judge_part(s.judge[i], s.arena, &p, &(struct origin_area){-50, 0, 900, 300}, 0,
                                    &again, NULL),
                  0);
        CHECK(!memcmp(&first.artificial, &again.artificial, sizeof(double)));
        CHECK(tile.artificial >= 0 && tile.artificial <= 1 && tile.artificial != first.artificial);
        ROW("%s", s.card[i].name);
    }
}

static void what_is_too_small_is_not_judged(void)
{
    static const struct origin_area parts[] = {
        {0, 0, 127, 300},
        {200, 0, 128, 128},
        {500, 500, 128, 128},
        {-128, 0, 128, 128},
        {0, 0, 0, 0},
        {0, 0, -5, 300},
        {2147483647, 2147483647, 2147483647, 2147483647},
    };
    CLEANUP(shipped_clear) struct shipped s = {0};
    struct picture p;

    if (!load(&s))
        return;
    p = made_picture(s.arena, 300);
    for (size_t i = 0; i < s.n; i++)
        for (size_t k = 0; k < LENGTH(parts); k++) {
            struct origin_opinion o = {0};

            CHECK_INT(origin_judge_part(s.judge[i], s.arena, &p, &parts[k], 0, &o, NULL), 0);
            CHECK(o.unknown && o.human == 0 && o.artificial == 0);
            CHECK_STR(o.code, "too_small");
            ROW("%s %zu", s.card[i].name, k);
        }
}

static void a_deadline_that_passed_is_told(void)
{
    CLEANUP(shipped_clear) struct shipped s = {0};
    struct picture p;

    if (!load(&s))
        return;
    p = made_picture(s.arena, 128);
    for (size_t i = 0; i < s.n; i++) {
        struct origin_opinion o;
        struct err err = {0};

        CHECK_INT(origin_judge_picture(s.judge[i], s.arena, &p, clock_mono_us() - 1, &o, &err), -1);
        CHECK(err.kind == ERR_TIMEOUT);
    }
}

/* ---- models that are not ours ---- */

/* A card of models/cards with the development weights; skipped where there are none. */
static bool load_other(struct shipped *s, const char *card, const char *weights)
{
    const char *root = getenv("ASSAY_ROOT"), *shared = getenv("ASSAY_SHARED");
    struct err err = {0};

    s->arena = arena_new();
    s->n = 1;
    if (runtime_open(&s->rt, library(), &err) < 0 ||
        card_load(s->arena, arena_printf(s->arena, "%s/models/cards/%s", root ? root : ".", card),
                  &s->card[0], &err) < 0)
        CHECK_STR(err.text, "");
    s->card[0].file = arena_printf(s->arena, "%s/models/%s", shared ? shared : "", weights);
    if (access(s->card[0].file, R_OK) != 0)
        return false;
    if (model_load(&s->model[0], s->rt, &s->card[0], (struct bytes){0}, &err) < 0)
        CHECK_STR(err.text, "");
    return s->model[0] != NULL;
}

static void faces_are_judged(void)
{
    static const char *const rows[][2] = {{"meso4.json", "fake-image/meso4_df_256.onnx"},
                                          {"mesoinception.json", "fake-image/mesoinception_df_256.onnx"}};

    for (size_t i = 0; i < LENGTH(rows); i++) {
        CLEANUP(shipped_clear) struct shipped s = {0};
        struct face near = {.box = {0.1f, 0.2f, 0.6f, 0.7f}}, far = {.box = {0.1f, 0.2f, 0.1f, 0.1f}};
        struct origin_opinion o = {0}, again = {0};
        struct face_judge *j;
        struct picture p;

        if (!load_other(&s, rows[i][0], rows[i][1]))
            SKIP("no development models");
        p = made_picture(s.arena, 300);
        j = face_judge_new(s.arena, s.model[0]);
        CHECK_INT(face_judge_face(j, &p, &near, 0, &o, NULL), 0);
        CHECK_NEAR(o.human + o.artificial, 1, 1e-9);
        CHECK_INT(face_judge_face(j, &p, &near, 0, &again, NULL), 0);
        CHECK(!memcmp(&o.human, &again.human, sizeof o.human));
        CHECK_INT(face_judge_face(j, &p, &far, 0, &o, NULL), 0);
        CHECK(o.unknown && text_is(o.code, "too_small"));
        ROW("%s", rows[i][0]);
    }
}

static void nsfw_is_a_sum(void)
{
    CLEANUP(shipped_clear) struct shipped s = {0};
    struct nsfw_opinion o = {.score = -1};
    struct picture p;

    if (!load_other(&s, "nsfw.json", "nsfw/nsfw_mobilenetv2_224.onnx"))
        SKIP("no development models");
    p = made_picture(s.arena, 300);
    CHECK_INT(nsfw_judge_picture(nsfw_judge_new(s.arena, s.model[0]), &p, 0, &o, NULL), 0);
    CHECK(o.score >= 0 && o.score < 0.85 && !o.unsafe);
}

int main(void)
{
    RUN(good_cards_are_read);
    RUN(bad_cards_are_refused);
    RUN(patches_go_everywhere);
    RUN(a_logit_becomes_an_opinion);
    RUN(models_answer_as_in_python);
    RUN(the_same_pixels_give_the_same_bits);
    RUN(what_is_too_small_is_not_judged);
    RUN(a_deadline_that_passed_is_told);
    RUN(faces_are_judged);
    RUN(nsfw_is_a_sum);
    return test_end();
}
