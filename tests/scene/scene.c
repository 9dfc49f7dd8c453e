/* The renderer: every kind, twice the same, with a truth that fits the pixels, through our own writer and
 * reader. */
#include "scene.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/text.h"
#include "media/mp4.h"
#include "test.h"
#include "truth.h"

enum { FRAMES = 10 };

static struct scene_opts small(const char *kind, uint64_t seed)
{
    struct scene_opts o = scene_opts_defaults();

    o.kind = kind;
    o.seed = seed;
    o.seconds = 1;
    o.fps = FRAMES;
    o.width = 320;
    o.height = 240;
    return o;
}

/* Renders into a file in memory; -1 on any error. */
static int render(const struct scene_opts *o)
{
    CLEANUP(scene_freep) struct scene *s = NULL;
    CLEANUP(mp4_freep) struct mp4_writer *out = NULL;
    struct mp4_opts opts = mp4_opts_defaults();
    struct scene_frame frame;
    struct err err = {0};
    int fd = memfd_create("clip", MFD_CLOEXEC);

    opts.width = o->width;
    opts.height = o->height;
    opts.rate_num = o->fps;
    CHECK(fd >= 0);
    CHECK(scene_open(&s, o, &err) == 0 && mp4_open(&out, fd, &opts, &err) == 0);
    while (s && out && scene_next(s, &frame))
        CHECK(mp4_add(out, &frame.picture, &err) == 0);
    CHECK(out && mp4_finish(out, &err) == 0);
    if (err.kind)
        printf("# %s\n", err.text);
    return fd;
}

static int64_t frames_in(int fd)
{
    struct video_opts opts = video_opts_defaults();
    struct video_frame frame;
    struct video *v = NULL;
    struct err err = {0};
    int64_t n = 0;

    if (video_open(&v, fd, &opts, &err) < 0)
        return -1;
    while (video_next(v, &frame, &err) > 0)
        n++;
    video_freep(&v);
    return err.kind ? -1 : n;
}

static void clip_hash(const char *kind, uint64_t seed, bool night, char ret_hex[HASH_HEX])
{
    struct scene_opts o = small(kind, seed);
    CLEANUP(fd_closep) int fd = -1;

    o.night = night;
    fd = render(&o);
    CHECK_INT(frames_in(fd), FRAMES);
    CHECK(hash_fd(fd, ret_hex) == 0);
}

static void same_seed_same_bytes(void)
{
    for (int i = 0; scene_kind(i)->name; i++) {
        char first[HASH_HEX], again[HASH_HEX], other[HASH_HEX], night[HASH_HEX];
        clip_hash(scene_kind(i)->name, 7, false, first);
        clip_hash(scene_kind(i)->name, 7, false, again);
        clip_hash(scene_kind(i)->name, 8, false, other);
        clip_hash(scene_kind(i)->name, 7, true, night);
        CHECK_STR(again, first);
        CHECK(!text_is(other, first));
        CHECK(!text_is(night, first));
        ROW("%s", scene_kind(i)->name);
    }
}

static void check_box(const struct scene_box *b, const char *label)
{
    CHECK_STR(b->label, label);
    CHECK(b->box.x >= 0 && b->box.y >= 0 && b->box.w > 0 && b->box.h > 0);
    CHECK(b->box.x + b->box.w <= 1.0001f && b->box.y + b->box.h <= 1.0001f);
}

static void boxes_lie_in_the_picture(void)
{
    for (int i = 0; scene_kind(i)->name; i++) {
        for (uint64_t seed = 1; seed <= 3; seed++) {
            struct scene_opts o = small(scene_kind(i)->name, seed);
            struct scene_frame f;
            struct scene *s = NULL;
            int frames = 0, boxes = 0;
            CHECK(scene_open(&s, &o, NULL) == 0);
            for (; s && scene_next(s, &f); frames++)
                for (size_t k = 0; k < f.nboxes; k++, boxes++)
                    check_box(&f.boxes[k], scene_kind(i)->label);
            CHECK_INT(frames, FRAMES);
            CHECK(scene_kind(i)->label ? boxes >= FRAMES / 2 : boxes == 0);
            ROW("%s, seed %d", scene_kind(i)->name, (int)seed);
            scene_freep(&s);
        }
    }
}

/* The second kind of a clip is in the pixels and in the truth; one that nobody knows is refused. */
static void two_kinds_share_a_clip(void)
{
    struct scene_opts o = small("rain", 5);
    struct scene_frame f;
    struct scene *s = NULL;
    int boxes = 0;

    o.with = "person";
    CHECK(scene_open(&s, &o, NULL) == 0);
    while (s && scene_next(s, &f))
        for (size_t k = 0; k < f.nboxes; k++, boxes++)
            check_box(&f.boxes[k], "person");
    CHECK(boxes >= FRAMES / 2);
    scene_freep(&s);
    o.with = "unicorn";
    CHECK_INT(scene_open(&s, &o, NULL), -1);
}

static bool within(const struct scene_frame *f, int x, int y)
{
    float px = ((float)x + 0.5f) / (float)f->picture.width, py = ((float)y + 0.5f) / (float)f->picture.height;

    for (size_t k = 0; k < f->nboxes; k++) {
        const struct box *b = &f->boxes[k].box;
        if (px >= b->x && px <= b->x + b->w && py >= b->y && py <= b->y + b->h)
            return true;
    }
    return false;
}

/* Mean difference of the frame from the same place without anybody, inside and outside the boxes. */
static void differences(const struct scene_frame *f, const uint8_t *without, double *ret_in, double *ret_out)
{
    double sum[2] = {0, 0}, n[2] = {1, 1};

    for (int y = 0; y < f->picture.height; y++)
        for (int x = 0; x < f->picture.width; x++) {
            size_t at = ((size_t)y * (size_t)f->picture.width + (size_t)x) * 3 + 1;
            bool in = within(f, x, y);
            sum[in] += abs(f->picture.pixels[at] - without[at]);
            n[in]++;
        }
    *ret_in = sum[1] / n[1];
    *ret_out = sum[0] / n[0];
}

static void boxes_hold_what_moves(void)
{
    static const struct {
        const char *kind;
        uint64_t seed;
    } rows[] = {
        {"person", 1}, {"person", 2}, {"person-far", 3}, {"vehicle", 4}, {"vehicle", 5}, {"animal", 6},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene_opts o = small(rows[i].kind, rows[i].seed);
        struct scene_frame f = {0};
        struct scene *s = NULL;
        uint8_t *before = NULL;
        double in = 0, out = 0;
        o.seconds = 6; /* the first frame is without anybody, in the middle somebody is there */
        CHECK(scene_open(&s, &o, NULL) == 0);
        CHECK(scene_next(s, &f));
        before = malloc((size_t)o.width * (size_t)o.height * 3);
        memcpy(before, f.picture.pixels, (size_t)o.width * (size_t)o.height * 3);
        for (int k = 0; k < 30; k++)
            CHECK(scene_next(s, &f));
        CHECK_INT(f.nboxes, 1);
        differences(&f, before, &in, &out);
        CHECK(in > 3 * out);
        ROW("%s, seed %d: %.1f inside, %.1f outside", rows[i].kind, (int)rows[i].seed, in, out);
        free(before);
        scene_freep(&s);
    }
}

static void refuses_nonsense(void)
{
    static const struct {
        const char *what, *kind, *site;
        double seconds;
        int fps, width, height;
    } rows[] = {
        {"kind", "elephant", NULL, 1, 10, 320, 240},    {"no kind", NULL, NULL, 1, 10, 320, 240},
        {"site", "empty", "moon", 1, 10, 320, 240},     {"length", "empty", NULL, 0, 10, 320, 240},
        {"too long", "empty", NULL, 1e9, 10, 320, 240}, {"rate", "empty", NULL, 1, 0, 320, 240},
        {"odd width", "empty", NULL, 1, 10, 321, 240},  {"height", "empty", NULL, 1, 10, 320, 8000},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene_opts o = {.kind = rows[i].kind,
                               .seed = 1,
                               .seconds = rows[i].seconds,
                               .fps = rows[i].fps,
                               .width = rows[i].width,
                               .height = rows[i].height,
                               .site = rows[i].site};
        struct scene *s = NULL;
        struct err err = {0};
        CHECK(scene_open(&s, &o, &err) == -1);
        CHECK_INT(err.kind, ERR_INPUT);
        CHECK(!s);
        ROW("%s", rows[i].what);
    }
}

static void truth_is_json(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(scene_freep) struct scene *s = NULL;
    CLEANUP(json_freep) yyjson_doc *doc = NULL;
    struct scene_opts o = small("vehicle", 2);
    struct scene_frame f;
    struct truth *t;
    yyjson_val *root;

    CHECK(scene_open(&s, &o, NULL) == 0);
    t = truth_new(a, &o, s);
    while (scene_next(s, &f))
        truth_add(t, &f);
    doc = json_read(truth_json(t), 1 << 20, NULL);
    root = yyjson_doc_get_root(doc);
    CHECK_STR(json_str(a, root, "kind", ""), "vehicle");
    CHECK_INT(json_int(root, "seed", 0), 2);
    CHECK_INT(yyjson_arr_size(yyjson_obj_get(root, "frames")), FRAMES);
    CHECK_STR(yyjson_get_str(yyjson_arr_get_first(yyjson_obj_get(root, "labels"))), "vehicle");
}

static void demo_clip_is_what_it_says(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(fd_closep) int fd = -1;
    struct stat st = {0};

    if (!getenv("ASSAY_ROOT"))
        SKIP("ASSAY_ROOT is not set");
    fd = open(arena_printf(a, "%s/tools/demo/alarm.mp4", getenv("ASSAY_ROOT")), O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    CHECK_INT(frames_in(fd), 84);
    CHECK(fstat(fd, &st) == 0 && st.st_size > 0 && st.st_size <= 300 * 1000);
}

int main(void)
{
    RUN(same_seed_same_bytes);
    RUN(boxes_lie_in_the_picture);
    RUN(two_kinds_share_a_clip);
    RUN(boxes_hold_what_moves);
    RUN(refuses_nonsense);
    RUN(truth_is_json);
    RUN(demo_clip_is_what_it_says);
    return test_end();
}
