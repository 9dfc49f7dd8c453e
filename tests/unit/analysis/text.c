/* Texts of a video with a fake engine, which knows what was drawn: when it is asked, and what lasts how long.
 */
#include "analysis/text.h"

#include <math.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "sign.h"
#include "test.h"

enum { WIDTH = 640, HEIGHT = 480, MAX_SIGNS = 4 };

/* What is to be seen in the present picture, and what the engine has been asked. */
struct stage {
    struct picture picture;
    struct {
        const char *text;
        float confidence;
        struct box box;
    } signs[MAX_SIGNS];
    size_t n;
    int calls;
    enum err_kind fail; /* every call */
    bool blind;         /* finds no words */
    struct box last_region;
};

static int fake_read(void *arg, struct arena *a, const struct picture *luma, const struct box *region,
                     int64_t deadline_mono_us, struct ocr_word **ret_words, size_t *ret_n, struct err *err)
{
    struct stage *s = arg;

    (void)luma;
    s->calls++;
    s->last_region = *region;
    if (s->fail)
        return FAIL(err, s->fail, "as asked");
    if (deadline_mono_us == 1)
        return FAIL(err, ERR_TIMEOUT, "late");
    *ret_words = arena_array(a, MAX_SIGNS, sizeof **ret_words);
    *ret_n = 0;
    for (size_t i = 0; i < s->n && !s->blind; i++) {
        const struct box *b = &s->signs[i].box;
        float x = b->x + b->w / 2, y = b->y + b->h / 2;
        if (x > region->x && x < region->x + region->w && y > region->y && y < region->y + region->h)
            (*ret_words)[(*ret_n)++] =
                (struct ocr_word){s->signs[i].text, s->signs[i].confidence, (int)i, *b};
    }
    return 0;
}

static struct stage stage_new(struct arena *a)
{
    return (struct stage){.picture = sign_blank(a, WIDTH, HEIGHT, 180)};
}

static struct text_engine engine_of(struct stage *s)
{
    return (struct text_engine){.read = fake_read, .arg = s};
}

static void clear(struct stage *s, int level)
{
    memset(s->picture.pixels, level, (size_t)WIDTH * HEIGHT);
    s->n = 0;
}

static void put(struct stage *s, const char *text, int x, int y)
{
    s->signs[s->n].box = sign_draw(&s->picture, text, x, y, 3, 20);
    s->signs[s->n].confidence = 0.9f;
    s->signs[s->n++].text = text;
}

/* One letter of a script = one picture, half a second each: lower case letters stand for texts, '.' for none.
 */
static const char *const texts_of_script[] = {"STATION NORTH", "KEEP CLEAR", "STATION NORTN", "TRACK"};

static struct texts_found play(struct arena *a, struct stage *s, const char *script,
                               const struct texts_opts *opts)
{
    struct text_engine engine = engine_of(s);
    struct texts *t = texts_new(a, &engine, opts);
    double pts = 0;

    for (const char *c = script; *c; c++) {
        if (*c == '|') { /* a cut */
            texts_cut(t);
            continue;
        }
        clear(s, 180);
        if (*c != '.')
            put(s, texts_of_script[*c - 'a'], 100, 200);
        CHECK(texts_next(t, &s->picture, pts, 0, NULL) == 0);
        pts += 0.5;
    }
    return texts_end(t, pts);
}

struct want {
    const char *text;
    double start, end;
};

static void texts_last_as_long_as_they_are_seen(void)
{
    static const struct {
        const char *what, *script;
        int read;
        struct want texts[4];
    } rows[] = {
        {"nothing", "......", 0, {{0}}},
        {"one picture", "a", 1, {{"STATION NORTH", 0, 0.5}}},
        {"all the time", "aaaaaa", 1, {{"STATION NORTH", 0, 3}}},
        {"appears", "...aaa", 1, {{"STATION NORTH", 1.5, 3}}},
        {"goes", "aaa...", 1, {{"STATION NORTH", 0, 1.5}}},
        {"comes and goes", ".aa...", 1, {{"STATION NORTH", 0.5, 1.5}}},
        {"changes", "aaabbb", 2, {{"STATION NORTH", 0, 1.5}, {"KEEP CLEAR", 1.5, 3}}},
        {"comes back late", "aa....aa", 2, {{"STATION NORTH", 0, 1}, {"STATION NORTH", 3, 4}}},
        {"one sample missing", "aa.aa", 2, {{"STATION NORTH", 0, 2.5}}},
        {"read a little differently", "aaacc", 1, {{"STATION NORTH", 0, 2.5}}},
        {"there and back", "abab", 4, {{"STATION NORTH", 0, 1.5}, {"KEEP CLEAR", 0.5, 2}}},
        {"a cut reads again", "aa|aa", 2, {{"STATION NORTH", 0, 2}}},
    };
    struct texts_opts opts = texts_defaults();

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct stage s = stage_new(a);
        struct texts_found got = play(a, &s, rows[i].script, &opts);
        size_t want = 0;

        while (want < 4 && rows[i].texts[want].text)
            want++;
        CHECK_INT(got.n, want);
        CHECK_INT(got.read, rows[i].read);
        for (size_t k = 0; k < want && k < got.n; k++) {
            CHECK_STR(got.items[k].words, rows[i].texts[k].text);
            CHECK_NEAR(got.items[k].time.start, rows[i].texts[k].start, 1e-9);
            CHECK_NEAR(got.items[k].time.end, rows[i].texts[k].end, 1e-9);
        }
        ROW("%s", rows[i].what);
    }
}

static void two_places_are_two_texts(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct stage s = stage_new(a);
    struct text_engine engine = engine_of(&s);
    struct texts_opts opts = texts_defaults();
    struct texts *t = texts_new(a, &engine, &opts);
    struct texts_found got;

    for (int i = 0; i < 6; i++) {
        clear(&s, 180);
        put(&s, "STATION NORTH", 40, 60);
        put(&s, i < 3 ? "TRACK SEVEN" : "OUT OF ORDER", 300, 400);
        CHECK(texts_next(t, &s.picture, i, 0, NULL) == 0);
    }
    got = texts_end(t, 6);
    CHECK_INT(got.n, 3);
    CHECK_INT(got.offered, 6);
    CHECK_INT(got.read, 2);
    CHECK_INT(got.engine_calls, 3); /* only what changed is read the second time */
    CHECK(s.last_region.y > 0.5f);
    CHECK_STR(got.items[0].words, "STATION NORTH");
    CHECK_NEAR(got.items[0].time.end, 6, 0);
    CHECK_STR(got.items[1].words, "TRACK SEVEN");
    CHECK_NEAR(got.items[1].time.end, 3, 0);
    CHECK_STR(got.items[2].words, "OUT OF ORDER");
}

static void noise_is_no_change(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct stage s = stage_new(a);
    struct text_engine engine = engine_of(&s);
    struct texts_opts opts = texts_defaults();
    struct texts *t = texts_new(a, &engine, &opts);
    struct texts_found got;

    for (int i = 0; i < 20; i++) {
        clear(&s, 180);
        put(&s, "STATION NORTH", 100, 200);
        sign_noise(&s.picture, 5, (uint32_t)i);
        CHECK(texts_next(t, &s.picture, i, 0, NULL) == 0);
    }
    got = texts_end(t, 20);
    CHECK_INT(got.n, 1);
    CHECK_INT(got.read, 1);
    CHECK_NEAR(got.items[0].time.end, 20, 0);
}

/* The wording is the surest one; the place is the first one. */
static void keeps_the_surest_wording(void)
{
    static const struct {
        const char *text;
        float confidence;
    } seen[] = {{"STATION NORTN", 0.7f}, {"STATION NORTH", 0.95f}, {"STATI0N NORTH", 0.8f}};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct stage s = stage_new(a);
    struct text_engine engine = engine_of(&s);
    struct texts_opts opts = texts_defaults();
    struct texts *t = texts_new(a, &engine, &opts);
    struct texts_found got;

    for (int i = 0; i < 3; i++) {
        clear(&s, 180);
        put(&s, seen[i].text, 100 + 40 * i, 100); /* it moves, so it is read each time */
        s.signs[0].confidence = seen[i].confidence;
        CHECK(texts_next(t, &s.picture, i, 0, NULL) == 0);
    }
    got = texts_end(t, 3);
    CHECK_INT(got.n, 1);
    CHECK_INT(got.read, 3);
    CHECK_STR(got.items[0].words, "STATION NORTH");
    CHECK_NEAR(got.items[0].confidence, 0.95, 1e-6);
    CHECK_NEAR(got.items[0].box.x, 100.0 / WIDTH, 0.01);
}

static void draw_gravel(struct stage *s, uint32_t seed)
{
    clear(s, 128);
    for (uint32_t y = 0; y < HEIGHT; y++)
        for (uint32_t x = 0; x < WIDTH; x++) {
            uint32_t stone = (x + seed * 3 % 7) / 6 * 7919 + (y + seed * 5 % 11) / 6 * 104729 + seed;
            s->picture.pixels[y * WIDTH + x] = (uint8_t)(stone * 2654435761u >> 24);
        }
}

/* Everything changes all the time and nothing is found: fewer and fewer pictures are read. */
static void what_gave_nothing_rests(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct stage s = stage_new(a);
    struct text_engine engine = engine_of(&s);
    struct texts_opts opts = texts_defaults();
    struct texts *t = texts_new(a, &engine, &opts);
    struct texts_found got;

    opts.reads_per_shot = 1000;
    for (int i = 0; i < 80; i++) {
        draw_gravel(&s, (uint32_t)i);
        CHECK(texts_next(t, &s.picture, i * 0.5, 0, NULL) == 0);
    }
    got = texts_end(t, 40);
    CHECK_INT(got.n, 0);
    CHECK(got.read >= 5 && got.read <= 30);
    printf("# gravel: %d of %d pictures read\n", got.read, got.offered);
}

static void moves(struct stage *s, struct texts *t, int n, double step, double *pts)
{
    static const char *const words[] = {"ALPHA BRAVO", "CHARLIE DELTA", "ECHO FOXTROT", "GOLF HOTEL",
                                        "INDIA JULIET"};

    for (int i = 0; i < n; i++, *pts += step) {
        clear(s, 180);
        put(s, words[i % 5], 100, 200);
        CHECK(texts_next(t, &s->picture, *pts, 0, NULL) == 0);
    }
}

static void has_an_allowance(void)
{
    static const struct {
        const char *what;
        int per_shot, per_minute, pictures;
        double step;
        int least, most;
    } rows[] = {
        {"all of them", 1000, 0, 50, 0.5, 50, 50},
        {"only those of the shot", 3, 0, 50, 0.5, 3, 3},
        {"those of the shot and some per minute", 3, 30, 120, 0.5, 3 + 10 + 28, 3 + 10 + 30},
        {"slow samples are all read", 1, 30, 40, 2, 40, 40},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct stage s = stage_new(a);
        struct text_engine engine = engine_of(&s);
        struct texts_opts opts = {.min_confidence = 0.6f,
                                  .reads_per_shot = rows[i].per_shot,
                                  .reads_per_minute = rows[i].per_minute};
        struct texts *t = texts_new(a, &engine, &opts);
        struct texts_found got;
        double pts = 0;

        moves(&s, t, rows[i].pictures, rows[i].step, &pts);
        got = texts_end(t, pts);
        CHECK(got.read >= rows[i].least && got.read <= rows[i].most);
        ROW("%s: %d read", rows[i].what, got.read);
    }
}

static void errors_end_it_and_leave_what_was_found(void)
{
    static const struct {
        enum err_kind kind;
        int r;
    } rows[] = {{ERR_TIMEOUT, -1}, {ERR_MODEL, -1}, {ERR_LIMIT, 0}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct stage s = stage_new(a);
        struct text_engine engine = engine_of(&s);
        struct texts_opts opts = texts_defaults();
        struct texts *t = texts_new(a, &engine, &opts);
        struct texts_found got;
        struct err err = {0};

        put(&s, "STATION NORTH", 100, 100);
        CHECK(texts_next(t, &s.picture, 0, 0, &err) == 0);
        clear(&s, 180);
        put(&s, "KEEP CLEAR", 100, 300);
        s.fail = rows[i].kind;
        CHECK_INT(texts_next(t, &s.picture, 1, 0, &err), rows[i].r);
        CHECK_INT(err.kind, rows[i].r < 0 ? rows[i].kind : ERR_NONE);
        got = texts_end(t, 2);
        CHECK_INT(got.n, 1);
        CHECK_NEAR(got.items[0].time.end, 1, 0);
        ROW("%s", err_code(rows[i].kind));
    }
}

static void refuses_pictures_that_do_not_fit(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct stage s = stage_new(a);
    struct text_engine engine = engine_of(&s);
    struct texts_opts opts = texts_defaults();
    struct texts *t = texts_new(a, &engine, &opts);
    struct picture smaller = sign_blank(a, 320, 240, 0), colour = s.picture,
                   large = {OCR_MAX_SIDE + 1, 1, 1, NULL};
    struct err err = {0};

    colour.channels = 3;
    CHECK(texts_next(t, &colour, 0, 0, &err) < 0 && err.kind == ERR_INTERNAL);
    CHECK(texts_next(t, &large, 0, 0, &err) < 0 && err.kind == ERR_INTERNAL);
    CHECK(texts_next(t, &s.picture, 0, 0, &err) == 0);
    CHECK(texts_next(t, &smaller, 1, 0, &err) < 0 && err.kind == ERR_INTERNAL);
    CHECK_INT(texts_end(texts_new(a, &engine, &opts), 5).n, 0);
}

static void a_picture_has_no_time(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct stage s = stage_new(a);
    struct text_engine engine = engine_of(&s);
    struct texts_opts opts = texts_defaults();
    struct texts_found got = {0};
    struct err err = {0};

    put(&s, "STATION NORTH", 40, 60);
    put(&s, "TRACK SEVEN", 300, 400);
    CHECK(texts_of_picture(a, &engine, &opts, &s.picture, 0, &got, &err) == 0);
    CHECK_INT(got.n, 2);
    CHECK_INT(got.read, 1);
    CHECK_NEAR(got.items[0].time.start, 0, 0);
    CHECK_NEAR(got.items[0].time.end, 0, 0);
    CHECK(texts_of_picture(a, &engine, &opts, &s.picture, 1, &got, &err) < 0 && err.kind == ERR_TIMEOUT);
}

static void there_is_a_ceiling(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct stage s = stage_new(a);
    struct text_engine engine = engine_of(&s);
    struct texts_opts opts = {.min_confidence = 0.6f, .reads_per_shot = 1 << 20};
    struct texts *t = texts_new(a, &engine, &opts);
    char name[32];

    for (int i = 0; i < SCENERY_MAX_TEXTS + 200 && test_ok; i++) {
        snprintf(name, sizeof name, "%c%c%c%c%c", 'A' + i % 26, 'A' + i / 26 % 26, 'A' + i / 676 % 26,
                 'A' + i * 7 % 26, 'A' + i * 11 % 26);
        clear(&s, 180);
        put(&s, name, 100 + i % 2 * 200, 200);
        CHECK(texts_next(t, &s.picture, i, 0, NULL) == 0);
    }
    CHECK_INT(texts_end(t, 1e6).n, SCENERY_MAX_TEXTS);
}

static void chooses_a_size(void)
{
    static const int rows[][4] = {{640, 480, 960, 720}, {1920, 1080, 1280, 720}, {1280, 720, 1280, 720},
                                  {320, 240, 640, 480}, {1000, 500, 1000, 500},  {480, 1920, 320, 1280},
                                  {1, 1, 2, 2},         {8192, 2, 1280, 1}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int w = 0, h = 0;
        texts_size(rows[i][0], rows[i][1], &w, &h);
        CHECK_INT(w, rows[i][2]);
        CHECK_INT(h, rows[i][3]);
    }
}

int main(void)
{
    RUN(texts_last_as_long_as_they_are_seen);
    RUN(two_places_are_two_texts);
    RUN(noise_is_no_change);
    RUN(keeps_the_surest_wording);
    RUN(what_gave_nothing_rests);
    RUN(has_an_allowance);
    RUN(errors_end_it_and_leave_what_was_found);
    RUN(refuses_pictures_that_do_not_fit);
    RUN(a_picture_has_no_time);
    RUN(there_is_a_ceiling);
    RUN(chooses_a_size);
    return test_end();
}
