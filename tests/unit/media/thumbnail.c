/* Thumbnails: size, place, the same bytes again. */
#include "media/thumbnail.h"

#include "base/cleanup.h"
#include "images.h"
#include "media/still.h"
#include "test.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static struct picture four_corners(struct arena *a, int width, int height)
{
    struct still_opts o = still_defaults();
    struct still s = {0};

    still_read(a,
               image_make(a, &(struct image_kind){"png", AV_PIX_FMT_RGB24, width, height, NULL, NULL, false}),
               &o, &s, NULL);
    return s.picture;
}

static void regions_become_small_jpegs(void)
{
    static const struct {
        struct box box;
        int longest, width, height;
        int top_left; /* colour */
    } rows[] = {
        {{0, 0, 1, 1}, 112, 112, 56, CORNER_RED},
        {{0.5f, 0, 0.5f, 0.5f}, 112, 112, 56, CORNER_GREEN},
        {{0, 0.5f, 0.25f, 0.5f}, 50, 50, 50, CORNER_BLUE},
        {{0.5f, 0.5f, 0.5f, 0.5f}, 0, 200, 100, CORNER_WHITE},
        {{0.5f, 0.5f, 0.1f, 0.1f}, 112, 40, 20, CORNER_WHITE}, /* not enlarged */
        {{0.9f, 0.9f, 5, 5}, 112, 40, 20, CORNER_WHITE},       /* cut to the picture */
        {{-1, -1, 1.25f, 1.25f}, 112, 100, 50, CORNER_RED},
        {{2, 2, 1, 1}, 112, 1, 1, CORNER_WHITE}, /* beside it: the nearest pixel */
        {{0.25f, 0.25f, 0, 0}, 112, 1, 1, CORNER_RED},
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct picture p = four_corners(a, 400, 200);

    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct thumbnail_opts o = {rows[i].longest, THUMBNAIL_QUALITY};
        struct still_opts so = still_defaults();
        struct bytes jpeg = {0};
        struct still s = {0};
        struct err err = {0};

        CHECK_INT(thumbnail_make(a, &p, rows[i].box, &o, &jpeg, &err), 0);
        CHECK_INT(still_read(a, jpeg, &so, &s, &err), 0);
        CHECK_STR(err.text, "");
        CHECK_STR(s.format, "jpeg");
        CHECK_INT(s.width, rows[i].width);
        CHECK_INT(s.height, rows[i].height);
        CHECK_INT(corner_of(&s.picture, 0, 16), rows[i].top_left);
        ROW("%zu", i);
    }
}

static void the_same_picture_gives_the_same_bytes(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct picture p = four_corners(a, 123, 77);
    struct thumbnail_opts o = thumbnail_defaults();
    struct bytes x = {0}, y = {0};

    CHECK_INT(o.longest, 112);
    CHECK_INT(o.quality, 85);
    CHECK_INT(thumbnail_make(a, &p, (struct box){0.1f, 0.1f, 0.7f, 0.6f}, &o, &x, NULL), 0);
    CHECK_INT(thumbnail_make(a, &p, (struct box){0.1f, 0.1f, 0.7f, 0.6f}, &o, &y, NULL), 0);
    CHECK(x.len > 100 && x.len == y.len && memcmp(x.data, y.data, x.len) == 0);
}

int main(void)
{
    RUN(regions_become_small_jpegs);
    RUN(the_same_picture_gives_the_same_bytes);
    return test_end();
}
