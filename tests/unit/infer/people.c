/* The development models on real photos and clips: faces, who is who, traits, tags. Skipped without them. */
#include <fcntl.h>
#include <math.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "infer/embedding.h"
#include "infer/tags.h"
#include "infer/traits.h"
#include "media/still.h"
#include "test.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

enum { FINDER, EMBEDDER, GUESSER, TAGGER, MODELS };
static const struct {
    const char *card, *weights; /* in models/cards; folder of the weights in the shared models */
} wanted[MODELS] = {
    [FINDER] = {"yunet.json", "face"},
    [EMBEDDER] = {"face-reid-0095.json", "face"},
    [GUESSER] = {"age-gender.json", "face"},
    [TAGGER] = {"mobilenetv2-imagenet.json", "tags"},
};

struct kit {
    struct arena *arena;
    struct runtime *rt;
    struct card cards[MODELS];
    struct model *models[MODELS];
    struct face_finder *finder;
    struct embedder *embedder;
    struct trait_guesser *guesser;
    struct tagger *tagger;
};
static struct kit kit;

static bool load_model(size_t i, struct err *err)
{
    const char *root = getenv("ASSAY_ROOT");
    struct card *c = &kit.cards[i];

    if (card_load(kit.arena, arena_printf(kit.arena, "%s/models/cards/%s", root ? root : ".", wanted[i].card),
                  c, err) < 0)
        return false;
    c->file = arena_printf(kit.arena, "%s/models/%s/%s", test_shared(), wanted[i].weights,
                           strrchr(c->file, '/') + 1);
    return access(c->file, R_OK) == 0 && model_load(&kit.models[i], kit.rt, c, (struct bytes){0}, err) == 0;
}

/* The library that tools/deps fetched; NULL when it is not there: then the search has to find another. */
static const char *library(void)
{
    const char *root = getenv("ASSAY_ROOT");
    const char *path = arena_printf(kit.arena, "%s/.deps/lib/libonnxruntime.so.1", root ? root : ".");

    return access(path, R_OK) == 0 ? path : NULL;
}

static void load_kit(void)
{
    struct err err = {0};

    if (!test_shared())
        SKIP("no development models beside the checkout");
    kit.arena = arena_new();
    CHECK_INT(runtime_open(&kit.rt, library(), &err), 0);
    for (size_t i = 0; i < MODELS && kit.rt; i++)
        CHECK(load_model(i, &err));
    CHECK_STR(err.text, "");
    if (!test_ok)
        return;
    kit.finder = face_finder_new(kit.arena, kit.models[FINDER]);
    kit.embedder = embedder_new(kit.arena, kit.models[EMBEDDER]);
    kit.guesser = trait_guesser_new(kit.arena, kit.models[GUESSER]);
    kit.tagger = tagger_new(kit.arena, kit.models[TAGGER]);
    CHECK_INT(embedding_length(kit.embedder), 256);
}

static void free_kit(void)
{
    for (size_t i = 0; i < MODELS; i++)
        model_freep(&kit.models[i]);
    if (kit.rt)
        runtime_freep(&kit.rt);
    arena_freep(&kit.arena);
}

static struct picture read_photo(struct arena *a, const char *name)
{
    CLEANUP(fd_closep)
    int fd = open(arena_printf(a, "%s/data/media/%s", test_shared(), name), O_RDONLY | O_CLOEXEC);
    struct still_opts o = still_defaults();
    struct err err = {0};
    struct still s = {0};

    if (fd < 0 || still_read_range(a, fd, 0, lseek(fd, 0, SEEK_END), &o, &s, &err) < 0)
        CHECK_STR(err.text, name);
    return s.picture;
}

static size_t find(struct arena *a, const struct picture *p, struct face **ret)
{
    struct err err = {0};
    size_t n = 0;

    if (faces_find(kit.finder, a, p, 0, ret, &n, &err) < 0)
        CHECK_STR(err.text, "");
    return n;
}

static void faces_are_counted(void)
{
    static const struct {
        const char *photo;
        size_t least, most;
    } rows[] = {
        {"photo/astronaut.png", 1, 1},  {"photo/faces_16.jpg", 9, 9},
        {"photo/faces_11.jpg", 25, 27}, {"photo/cat_0.jpg", 0, 0},
        {"photo/coffee.png", 0, 0},     {"photo/n03355925_flagpole.jpeg", 0, 0},
        {"photo/room_0.jpg", 0, 0},     {"photo/masked_faces.webp", 18, 24},
    };

    if (!kit.tagger)
        SKIP("no models");
    for (size_t i = 0; i < LENGTH(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct picture p = read_photo(a, rows[i].photo);
        struct face *f = NULL;
        size_t n = p.pixels ? find(a, &p, &f) : 99;

        CHECK(n >= rows[i].least && n <= rows[i].most);
        for (size_t k = 0; k < n && p.pixels; k++) {
            CHECK(f[k].score >= 0.7f && f[k].score <= 1 && (!k || f[k].score <= f[k - 1].score));
            CHECK(f[k].box.x >= 0 && f[k].box.y >= 0 && f[k].box.x + f[k].box.w <= 1.0001f &&
                  f[k].box.y + f[k].box.h <= 1.0001f);
            CHECK(f[k].points[0][0] < f[k].points[1][0]); /* eyes, as they lie in the picture */
        }
        ROW("%s: %zu faces", rows[i].photo, n);
    }
}

/* The portrait: the box holds the face, the points lie in it, in their order. */
static void the_points_lie_in_the_face(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct picture p;
    struct face *f;

    if (!kit.tagger)
        SKIP("no models");
    p = read_photo(a, "photo/astronaut.png");
    if (find(a, &p, &f) != 1)
        return;
    CHECK(f[0].box.x > 0.3f && f[0].box.x + f[0].box.w < 0.6f && f[0].box.y > 0.1f && f[0].box.y < 0.3f);
    for (int i = 0; i < FACE_POINTS; i++)
        CHECK(f[0].points[i][0] > f[0].box.x && f[0].points[i][0] < f[0].box.x + f[0].box.w &&
              f[0].points[i][1] > f[0].box.y && f[0].points[i][1] < f[0].box.y + f[0].box.h);
    CHECK(f[0].points[2][1] > f[0].points[0][1] && f[0].points[3][1] > f[0].points[2][1]);
}

/* ---- who is who ---- */

enum { FRAMES = 4 };

/* The best face of some frames of a clip, every seventh; the vectors of those that have one. */
static size_t vectors_of_clip(struct arena *a, const char *name, const float *ret[FRAMES])
{
    CLEANUP(fd_closep)
    int fd = open(arena_printf(a, "%s/data/media/video/%s", test_shared(), name), O_RDONLY | O_CLOEXEC);
    CLEANUP(video_freep) struct video *v = NULL;
    CLEANUP(scaler_freep) struct scaler *s = scaler_new();
    struct video_opts o = video_opts_defaults();
    struct video_frame frame;
    struct err err = {0};
    size_t n = 0;

    CHECK_INT(video_open(&v, fd, &o, &err), 0);
    while (v && n < FRAMES && video_next(v, &frame, &err) > 0) {
        const struct media_info *info = video_info(v);
        struct picture p;
        struct face *f;

        if (frame.index % 7 ||
            scaler_bgr(s, frame.av, info->rotation, info->width, info->height, &p, &err) < 0)
            continue;
        if (find(a, &p, &f) > 0 && embedding_make(kit.embedder, a, &p, &f[0], 0, &ret[n], &err) == 1)
            n++;
    }
    CHECK_STR(err.text, "");
    return n;
}

static void people_are_told_apart(void)
{
    static const char *const clips[] = {"head-female.gif", "carphone.mp4", "asl_yes.mkv"};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const float *v[LENGTH(clips)][FRAMES];
    size_t n[LENGTH(clips)];
    double same_from;

    if (!kit.tagger)
        SKIP("no models");
    same_from = kit.cards[EMBEDDER].embedding.same_from;
    for (size_t i = 0; i < LENGTH(clips); i++) {
        n[i] = vectors_of_clip(a, clips[i], v[i]);
        CHECK(n[i] >= 2);
        ROW("%s", clips[i]);
    }
    for (size_t i = 0; i < LENGTH(clips); i++)
        for (size_t j = 0; j < LENGTH(clips); j++)
            for (size_t k = 0; k < n[i] * n[j]; k++) {
                double alike = faces_alike(v[i][k / n[j]], v[j][k % n[j]], 256);

                CHECK(i == j ? alike >= same_from : alike < same_from);
                ROW("%s and %s: %.3f", clips[i], clips[j], alike);
            }
}

/* Nobody is twice in a group photo. */
static void strangers_of_one_photo_are_not_alike(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const float *v[FACES_MAX];
    struct picture p;
    struct face *f = NULL;
    size_t n, made = 0;

    if (!kit.tagger)
        SKIP("no models");
    p = read_photo(a, "photo/faces_16.jpg");
    n = find(a, &p, &f);
    for (size_t i = 0; i < n; i++)
        made += (size_t)(embedding_make(kit.embedder, a, &p, &f[i], 0, &v[made], NULL) == 1);
    CHECK_INT(made, 9);
    for (size_t i = 0; i < made; i++)
        for (size_t j = 0; j < i; j++)
            CHECK(faces_alike(v[i], v[j], 256) < kit.cards[EMBEDDER].embedding.same_from);
}

static void small_faces_get_no_vector(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct face small = {.box = {0.5f, 0.5f, 0.01f, 0.01f}};
    struct picture p;
    const float *v = NULL;
    struct traits t;

    if (!kit.tagger)
        SKIP("no models");
    p = read_photo(a, "photo/faces_16.jpg");
    CHECK_INT(embedding_make(kit.embedder, a, &p, &small, 0, &v, NULL), 0);
    CHECK_INT(traits_guess(kit.guesser, &p, &small, 0, &t, NULL), 0);
    CHECK(isnan(t.age) && isnan(t.female) && t.gender == GENDER_UNIDENTIFIED);
    small.box = (struct box){0, 0, 1, 1}; /* large, but all points in one place */
    CHECK_INT(embedding_make(kit.embedder, a, &p, &small, 0, &v, NULL), 0);
}

static void traits_are_plausible(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct picture p;
    struct face *f;
    struct traits t = {0};

    if (!kit.tagger)
        SKIP("no models");
    p = read_photo(a, "photo/astronaut.png");
    if (find(a, &p, &f) != 1)
        return;
    CHECK_INT(traits_guess(kit.guesser, &p, &f[0], 0, &t, NULL), 0);
    CHECK(t.age > 15 && t.age < 60);
    CHECK_INT(t.gender, GENDER_FEMALE);
    CHECK_NEAR(t.female + t.male, 1, 1e-9);
}

/* ---- tags ---- */

static void photos_get_their_tags(void)
{
    static const struct {
        const char *photo, *label, *tag;
    } rows[] = {
        {"photo/n01773157_black_and_gold_garden_spider.jpeg", "black and gold garden spider", "spider"},
        {"photo/n02123045_tabby.jpeg", NULL, "cat"},
        {"photo/n02391049_zebra.jpeg", "zebra", "animal"},
        {"photo/n03133878_Crock_Pot.jpeg", "Crock Pot", "kitchen"},
        {"photo/n03355925_flagpole.jpeg", "flagpole", "flag"},
        {"photo/n03457902_greenhouse.jpeg", "greenhouse", "building"},
        {"photo/n03792782_mountain_bike.jpeg", "mountain bike", "bicycle"},
        {"photo/n03930313_picket_fence.jpeg", "picket fence", "fence"},
        {"photo/n03977966_police_van.jpeg", "police van", "vehicle"},
        {"photo/n04285008_sports_car.jpeg", "sports car", "car"},
        {"photo/n04404412_television.jpeg", NULL, "indoor"},
        {"photo/n06359193_web_site.jpeg", "web site", "screen"},
        {"photo/n07248320_book_jacket.jpeg", "book jacket", "book"},
        {"photo/n07565083_menu.jpeg", "menu", "document"},
        {"photo/chelsea.png", NULL, "cat"},
        {"photo/coffee.png", "espresso", "drink"},
        {"photo/bird_0.jpg", "robin", "bird"},
        {"photo/horse_0.jpg", "sorrel", "horse"},
        {"photo/airplane_0.jpg", NULL, "aircraft"},
        {"photo/dog_0.jpg", NULL, "dog"},
        {"photo/room_0.jpg", NULL, "indoor"},
        {"photo/city_0.jpg", NULL, "street"},
    };

    if (!kit.tagger)
        SKIP("no models");
    for (size_t i = 0; i < LENGTH(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct picture p = read_photo(a, rows[i].photo);
        struct tensor_list out = model_outputs(kit.models[TAGGER]);
        struct tag *tags;
        size_t n, above, best = 0;
        bool there = false;

        CHECK_INT(tags_judge(kit.tagger, a, &p, 0, &tags, &n, NULL), 0);
        for (size_t k = 1; k < kit.cards[TAGGER].nlabels; k++)
            best = out.all[0].data[k] > out.all[0].data[best] ? k : best;
        if (rows[i].label)
            CHECK_STR(kit.cards[TAGGER].labels[best].name, rows[i].label);
        above = tags_above(tags, n, kit.cards[TAGGER].tags.threshold);
        for (size_t k = 0; k < above; k++)
            there = there || text_is(tags[k].name, rows[i].tag);
        CHECK(there);
        ROW("%s: %s", rows[i].photo, above ? tags[0].name : "none");
    }
}

static void a_passed_deadline_is_an_error(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    int64_t now = clock_mono_us();
    struct picture p;
    struct err err = {0};
    struct tag *tags;
    struct face *f, face = {.box = {0, 0, 1, 1},
                            .points = {{0.3f, 0.3f}, {0.7f, 0.3f}, {0.5f, 0.5f}, {0.4f, 0.7f}, {0.6f, 0.7f}}};
    struct traits t;
    const float *v;
    size_t n;

    if (!kit.tagger)
        SKIP("no models");
    p = read_photo(a, "photo/astronaut.png");
    CHECK(faces_find(kit.finder, a, &p, now, &f, &n, &err) < 0 && err.kind == ERR_TIMEOUT);
    CHECK(tags_judge(kit.tagger, a, &p, now, &tags, &n, &err) < 0 && err.kind == ERR_TIMEOUT);
    CHECK(embedding_make(kit.embedder, a, &p, &face, now, &v, &err) < 0 && err.kind == ERR_TIMEOUT);
    CHECK(traits_guess(kit.guesser, &p, &face, now, &t, &err) < 0 && err.kind == ERR_TIMEOUT);
}

/* A card that promises what the model does not have stops the start. */
static void a_model_that_is_not_that_of_its_card_is_refused(void)
{
    struct card c;
    struct model *m = NULL;
    struct err err = {0};

    if (!kit.tagger)
        SKIP("no models");
    c = kit.cards[TAGGER];
    c.nlabels--;
    CHECK(model_load(&m, kit.rt, &c, (struct bytes){0}, &err) < 0 && strstr(err.text, "labels"));
    c = kit.cards[GUESSER];
    c.outputs[1] = c.outputs[0];
    CHECK(model_load(&m, kit.rt, &c, (struct bytes){0}, &err) < 0 && strstr(err.text, "gender"));
    c = kit.cards[EMBEDDER];
    c.input.width = 112;
    CHECK(model_load(&m, kit.rt, &c, (struct bytes){0}, &err) < 0 && strstr(err.text, "112x128"));
    c = kit.cards[FINDER];
    c.outputs[3] = "kps_4";
    CHECK(model_load(&m, kit.rt, &c, (struct bytes){0}, &err) < 0 && strstr(err.text, "kps_4"));
}

int main(void)
{
    RUN(load_kit);
    RUN(faces_are_counted);
    RUN(the_points_lie_in_the_face);
    RUN(people_are_told_apart);
    RUN(strangers_of_one_photo_are_not_alike);
    RUN(small_faces_get_no_vector);
    RUN(traits_are_plausible);
    RUN(photos_get_their_tags);
    RUN(a_passed_deadline_is_an_error);
    RUN(a_model_that_is_not_that_of_its_card_is_refused);
    free_kit();
    return test_end();
}
