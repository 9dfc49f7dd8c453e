#include "report/strip.h"

#include <string.h>

#include "base/cleanup.h"
#include "test.h"

#define JPEG(text)                                                           \
    {                                                                        \
        (const uint8_t *)"\xff\xd8\xff" text "\xff\xd9", sizeof text - 1 + 5 \
    }
static const struct strip_frame three[] = {
    {0, JPEG("")}, {0.333333, JPEG("some bytes")}, {3599.999999, JPEG("more of them")}};
enum { HEAD = 20, ENTRY = 12 };

static void strip_survives_the_trip(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct bytes file = strip_write(a, three, 3), again;
    struct strip_frame *back;
    size_t n;
    struct err err = {0};

    CHECK_INT(strip_read(a, file, &back, &n, &err), 0);
    CHECK_INT(n, 3);
    for (size_t i = 0; i < n; i++) {
        CHECK(back[i].pts == three[i].pts);
        CHECK_INT(back[i].jpeg.len, three[i].jpeg.len);
        CHECK(memcmp(back[i].jpeg.data, three[i].jpeg.data, back[i].jpeg.len) == 0);
    }
    again = strip_write(a, back, n);
    CHECK(again.len == file.len && memcmp(again.data, file.data, file.len) == 0);
}

static void none_is_a_strip_too(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct strip_frame *back;
    size_t n = 1;

    CHECK_INT(strip_read(a, strip_write(a, NULL, 0), &back, &n, NULL), 0);
    CHECK_INT(n, 0);
}

/* One byte of a good file set to another value, or the file cut or lengthened. */
static void what_is_none_is_refused(void)
{
    static const struct {
        const char *what;
        size_t at;
        uint8_t value;
        int longer;
    } rows[] = {
        {"another magic", 0, 'A', 0},
        {"another version", 12, '2', 0},
        {"something behind the magic", 15, 1, 0},
        {"one frame less than there are", 16, 2, 0},
        {"one frame more", 16, 4, 0},
        {"61 frames", 16, 61, 0},
        {"2^24 frames", 19, 1, 0},
        {"the same time twice", HEAD + ENTRY, 0, 0},
        {"a time before the one before", HEAD + ENTRY + 7, 0x80, 0},
        {"a time beyond all videos", HEAD + 2 * ENTRY + 6, 0xff, 0},
        {"one byte more", HEAD + 8, 6, 0},
        {"16 MB", HEAD + 2 * ENTRY + 11, 1, 0},
        {"no bytes", HEAD + 8, 0, 0},
        {"no JPEG", HEAD + 3 * ENTRY, '<', 0},
        {"a JPEG without an end", HEAD + 3 * ENTRY + 4, 0, 0},
        {"cut off", 0, 'a', -1},
        {"something behind it", 0, 'a', 1},
        {"only a head", 0, 'a', -1000},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct bytes file = strip_write(a, three, 3);
        uint8_t *copy = arena_alloc(a, file.len + 1);
        struct strip_frame *frames;
        struct err err = {0};
        size_t n;
        int longer = rows[i].longer < -(int)file.len ? -(int)file.len + HEAD - 1 : rows[i].longer;

        memcpy(copy, file.data, file.len);
        copy[rows[i].at] = rows[i].value;
        if (strcmp(rows[i].what, "the same time twice") == 0)
            memset(copy + HEAD + ENTRY, 0, 8);
        CHECK_INT(strip_read(a, bytes_of(copy, file.len + longer), &frames, &n, &err), -1);
        CHECK_INT(err.kind, ERR_INPUT);
        ROW("%s", rows[i].what);
    }
}

static void a_frame_has_a_ceiling(void)
{
    static uint8_t large[STRIP_MAX_JPEG + 1] = {0xff, 0xd8, 0xff};
    static const int sizes[] = {STRIP_MAX_JPEG, STRIP_MAX_JPEG + 1};

    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct strip_frame frame = {1, bytes_of(large, sizes[i])}, *back;
        size_t n;
        large[sizes[i] - 2] = 0xff, large[sizes[i] - 1] = 0xd9;
        CHECK_INT(strip_read(a, strip_write(a, &frame, 1), &back, &n, NULL), i ? -1 : 0);
    }
}

int main(void)
{
    RUN(strip_survives_the_trip);
    RUN(none_is_a_strip_too);
    RUN(what_is_none_is_refused);
    RUN(a_frame_has_a_ceiling);
    return test_end();
}
