#include "cmd/found.h"

#include "base/cleanup.h"
#include "made.h"
#include "test.h"

static void clocks(void)
{
    static const struct {
        double seconds;
        bool tenths;
        const char *text;
    } rows[] = {
        {0, true, "0:00.0"},        {5.25, true, "0:05.3"},      {59.96, true, "1:00.0"},
        {61.5, false, "1:01"},      {3599.94, true, "59:59.9"},  {3600, true, "1:00:00.0"},
        {36000, false, "10:00:00"}, {1e7, true, "2777:46:40.0"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(buf_clear) struct buf out = BUF(64);
        found_clock(&out, rows[i].seconds, rows[i].tenths);
        CHECK_STR(out.data, rows[i].text);
    }
}

static void sizes(void)
{
    static const struct {
        int64_t bytes;
        const char *text;
    } rows[] = {{0, "0 bytes"},
                {999, "999 bytes"},
                {1500, "1.5 kB"},
                {4200000, "4.2 MB"},
                {INT64_MAX, "9223372.0 TB"}};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(buf_clear) struct buf out = BUF(64);
        found_size(&out, rows[i].bytes);
        CHECK_STR(out.data, rows[i].text);
    }
}

static void spans(void)
{
    static const struct {
        double start, end, length;
        size_t n, from, to;
    } rows[] = {
        {0, 10, 10, 10, 0, 10},    {0, 0.1, 10, 10, 0, 1},    {2.5, 2.5, 10, 10, 2, 3},
        {9.99, 10, 10, 10, 9, 10}, {10, 10, 10, 10, 9, 10},   {12, 15, 10, 10, 9, 10},
        {3, 4, 10, 10, 3, 4},      {3, 4.5, 10, 10, 3, 5},    {0, 0, 0, 10, 0, 10},
        {5, 9, 0, 10, 0, 10},      {0, 1e7, 1e-3, 10, 0, 10},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct found_span s =
            found_span((struct segment){rows[i].start, rows[i].end}, rows[i].length, rows[i].n);
        CHECK_INT(s.from, rows[i].from);
        CHECK_INT(s.to, rows[i].to);
        ROW("%zu", i);
    }
}

static void stretches_of_a_person(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct scenery *s = made_video(a)->scenery;
    struct segment *seen;

    CHECK_INT(found_seen(a, s, 0, 0.1, &seen), 1);
    CHECK(seen[0].start == 0 && seen[0].end == 5.2);
    CHECK_INT(found_seen(a, s, 1, 0.1, &seen), 2);
    CHECK(seen[1].start == 9 && seen[1].end == 12);
    CHECK_INT(found_seen(a, s, 1, 5, &seen), 1);
    s->nconstellations = 0;
    s->people[1].box_pts = 7;
    CHECK_INT(found_seen(a, s, 1, 0, &seen), 1);
    CHECK(seen[0].start == 7 && seen[0].end == 7);
}

static void activity_fits_any_width(void)
{
    static const size_t widths[] = {1, 3, 11, 200};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct scenery *s = made_video(a)->scenery;

    for (size_t i = 0; i < COUNT_OF(widths); i++) {
        float *parts = found_activity(a, s, 12, widths[i]), most = 0;
        for (size_t k = 0; k < widths[i]; k++) {
            CHECK(parts[k] >= 0 && parts[k] <= 1);
            most = parts[k] > most ? parts[k] : most;
        }
        CHECK(most == 1);
    }
    s->nactivity = 0;
    CHECK(found_activity(a, s, 12, 2)[1] == 0);
}

int main(void)
{
    RUN(clocks);
    RUN(sizes);
    RUN(spans);
    RUN(stretches_of_a_person);
    RUN(activity_fits_any_width);
    return test_end();
}
