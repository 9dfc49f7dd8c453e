/* How well texts are read: word accuracy on signs of our own font, on signs of real fonts where the ffmpeg
 * program can draw them, and on the development pictures; and how many pictures of a video are really read.
 * The numbers go to docs/text.md.
 *
 *     ASSAY_SHARED=DIR OMP_THREAD_LIMIT=1 build/tests/unit/unit-analysis-signs */
#include <fcntl.h>
#include <libavutil/frame.h>
#include <unistd.h>

#include "../media/clips.h"
#include "analysis/text.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "sign.h"
#include "test.h"

static struct ocr *ocr;
static struct languages *languages;

/* ---- accuracy ---- */

struct tally {
    int words, found, read; /* in truth, found of them, words that were read */
    int64_t cpu_us;
};

static void say(const char *what, const struct tally *t)
{
    printf("# | %s | %d | %.3f | %.3f | %lld |\n", what, t->words, t->words ? (double)t->found / t->words : 0,
           t->read ? (double)t->found / t->read : 1, (long long)t->cpu_us / 1000);
}

static double accuracy(const struct tally *t)
{
    return t->words ? (double)t->found / t->words : 0;
}

static const char *all_words(struct arena *a, const struct texts_found *f)
{
    const char *all = "";

    for (size_t i = 0; i < f->n; i++)
        all = arena_printf(a, "%s%s ", all, f->items[i].words);
    return all;
}

static void judge(struct tally *t, const struct picture *p, const char *truth, const char *show)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct text_engine engine = text_engine_of(ocr, languages);
    struct texts_opts opts = texts_defaults();
    struct texts_found found = {0};
    struct err err = {0};
    int64_t start = clock_cpu_us();
    const char *read;

    CHECK(texts_of_picture(a, &engine, &opts, p, 0, &found, &err) == 0);
    t->cpu_us += clock_cpu_us() - start;
    read = all_words(a, &found);
    t->words += sign_words(truth);
    t->found += sign_words_found(truth, read);
    t->read += sign_words(read);
    if (show)
        printf("#   %s: %d of %d: %s\n", show, sign_words_found(truth, read), sign_words(truth), read);
}

static const char *const lines[] = {
    "PLATFORM 14",    "STATION NORTH", "PRIVATE PROPERTY", "KEEP THIS GATE CLOSED", "NO DOGS ALLOWED",
    "EMERGENCY EXIT", "TICKETS 250",   "CAMERA SEVEN",     "WATER LEVEL",           "BEWARE OF TRAINS"};
enum { NLINES = sizeof lines / sizeof *lines };

/* Two lines per picture, in all sizes and contrasts. */
static void reads_generated_signs(void)
{
    static const struct {
        const char *what;
        double dot;
        int ground, ink;
        double noise, floor;
    } rows[] = {
        {"letters 21 px, dark on bright", 3, 200, 30, 0, 0.9},
        {"letters 21 px, bright on dark", 3, 40, 220, 0, 0.8},
        {"letters 21 px, grey on grey", 3, 110, 150, 0, 0.9},
        {"letters 21 px, noise 10", 3, 200, 30, 10, 0.85},
        {"letters 14 px, dark on bright", 2, 200, 30, 0, 0.85},
        {"letters 10 px, dark on bright", 1.4, 200, 30, 0, 0.7},
        {"letters 42 px, dark on bright", 6, 200, 30, 0, 0.7},
        {"letters 14 px, noise 10", 2, 200, 30, 10, 0.8},
    };
    struct tally all = {0};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tally t = {0};
        for (int k = 0; k < NLINES; k += 2) {
            CLEANUP(arena_freep) struct arena *a = arena_new();
            struct picture p = sign_blank(a, 960, 540, rows[i].ground);

            sign_draw(&p, lines[k], 40, 60, rows[i].dot, rows[i].ink);
            sign_draw(&p, lines[k + 1], 60, 400, rows[i].dot, rows[i].ink);
            sign_noise(&p, rows[i].noise, (uint32_t)k);
            judge(&t, &p, arena_printf(a, "%s %s", lines[k], lines[k + 1]), NULL);
        }
        say(rows[i].what, &t);
        CHECK(accuracy(&t) >= rows[i].floor);
        ROW("%s: %.3f", rows[i].what, accuracy(&t));
        all.words += t.words;
        all.found += t.found;
        all.read += t.read;
        all.cpu_us += t.cpu_us;
    }
    say("all", &all);
}

/* The first frame of a descriptor in the size that texts ask for. */
static bool load(struct scaler *scaler, int fd, struct picture *ret)
{
    CLEANUP(video_freep) struct video *v = NULL;
    struct video_opts opts = video_opts_defaults();
    struct video_frame f;
    struct err err = {0};
    int w, h;

    if (video_open(&v, fd, &opts, &err) < 0 || video_next(v, &f, &err) <= 0) {
        printf("# %s\n", err.text);
        return false;
    }
    texts_size(f.av->width, f.av->height, &w, &h);
    return scaler_luma(scaler, f.av, 0, w, h, ret, &err) == 0;
}

static void reads_signs_of_real_fonts(void)
{
    static const struct {
        const char *what, *style;
    } rows[] = {
        {"ffmpeg: sans 32, white on a test picture", "fontsize=32:fontcolor=white:box=1:boxcolor=black@0.6"},
        {"ffmpeg: sans 20, white on a test picture", "fontsize=20:fontcolor=white:box=1:boxcolor=black@0.6"},
        {"ffmpeg: serif 28, yellow", "font=serif:fontsize=28:fontcolor=yellow:box=1:boxcolor=black@0.6"},
        {"ffmpeg: sans 32, white with a border", "fontsize=32:fontcolor=white:borderw=3:bordercolor=black"},
    };
    struct tally all = {0};

    if (!clip_has("ffmpeg"))
        SKIP("ffmpeg is not installed");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tally t = {0};
        for (int k = 0; k < NLINES; k += 2) {
            CLEANUP(arena_freep) struct arena *a = arena_new();
            CLEANUP(scaler_freep) struct scaler *scaler = scaler_new();
            struct picture p;
            char *upper = arena_strdup(a, lines[k]), *lower = arena_strdup(a, lines[k + 1]);
            CLEANUP(fd_closep) int fd = -1;

            for (char *c = upper; (c = strchr(c, ' '));)
                *c = '|'; /* a blank inside of an argument */
            for (char *c = lower; (c = strchr(c, ' '));)
                *c = '|';
            fd = clip_ffmpeg(
                arena_printf(a,
                             "-f lavfi -i mandelbrot=size=640x480 -frames:v 1 -vf "
                             "drawtext=text=%s:x=40:y=60:%s,drawtext=text=%s:x=60:y=380:%s -c:v mjpeg -q:v 3",
                             upper, rows[i].style, lower, rows[i].style),
                ".mjpeg");
            if (fd < 0 || !load(scaler, fd, &p))
                SKIP("this ffmpeg cannot draw text");
            judge(&t, &p, arena_printf(a, "%s %s", lines[k], lines[k + 1]), NULL);
        }
        say(rows[i].what, &t);
        all.words += t.words;
        all.found += t.found;
        all.read += t.read;
        all.cpu_us += t.cpu_us;
    }
    say("all with real fonts", &all);
    CHECK(accuracy(&all) >= 0.9);
}

/* What a person reads in them, in the languages that the engine was opened with. */
static const struct {
    const char *name, *truth;
} pictures[] = {
    {"easyocr_english.png", "Reduce your risk of coronavirus infection: Clean hands with soap and water or "
                            "alcohol-based hand rub Cover nose and "
                            "mouth when coughing and sneezing with tissue or flexed elbow Avoid close "
                            "contact with anyone with cold or flu-like "
                            "symptoms Thoroughly cook meat and eggs No unprotected contact with live wild or "
                            "farm animals World Health "
                            "Organization"},
    {"en.jpg", "3 MovieShots Dataset To facilitate the shot type analysis in videos, we collect MovieShots, "
               "a large-scale shot type "
               "annotation set that contains 46K shots from 7858 movies. The details of this dataset are "
               "specified as follows."},
    {"latin.jpg", "Alphabetum in mundo hodie frequentissime adhibitum est alphabetum Latinum."},
    {"easyocr_korean.png", "Seoul Pyeongyang 56Km 205Km"},
    {"easyocr_example.png", "image result Reduce your risk of coronavirus infection: Clean hands with soap "
                            "and water or alcohol-based hand rub "
                            "Cover nose and mouth when coughing and sneezing with tissue or flexed elbow "
                            "Avoid close contact with anyone with cold "
                            "or flu-like symptoms Thoroughly cook meat and eggs No unprotected contact with "
                            "live wild or farm animals World Health "
                            "Organization Mairie du Palais du LOUVRE LES ARTS DECORATIFS Musee du LOUVRE "
                            "Theatre du PALAIS-ROYAL Reduce your risk "
                            "of coronavirus infection Clean hands with soap and water or alcohol based hand "
                            "rub Cover nose and mouth when coughing "
                            "and sneezing with tissue or flexed elbow Avoid close contact with anyone with "
                            "cold or flu like symptoms Thoroughly "
                            "cook meat and eggs No unprotected contact with live wild or farm animals World "
                            "Health organization du I Mairie Palais "
                            "du LOUVRE LES ARTS DECORATIFS Musee du LOUVRE Theatre du PALAIS-ROYAL"},
};

static void reads_the_development_pictures(void)
{
    const char *shared = test_shared();
    struct tally all = {0};

    if (!shared)
        SKIP("no development data");
    for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        CLEANUP(scaler_freep) struct scaler *scaler = scaler_new();
        const char *path = arena_printf(a, "%s/data/media/text/%s", shared, pictures[i].name);
        CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
        struct tally t = {0};
        struct picture p;

        if (fd < 0 || !load(scaler, fd, &p))
            SKIP("a development picture is missing");
        judge(&t, &p, pictures[i].truth, NULL);
        say(pictures[i].name, &t);
        all.words += t.words;
        all.found += t.found;
        all.read += t.read;
        all.cpu_us += t.cpu_us;
    }
    say("all development pictures", &all);
    CHECK(accuracy(&all) >= 0.8);
    CHECK((double)all.found / all.read >= 0.9);
}

/* ---- effort ---- */

enum { SAMPLES = 120, WIDE = 960, HIGH = 540 };

/* Noise as of a camera, a thing that moves, a text that comes at 10 s, changes at 30 s and goes at 50 s. Two
 * samples a second. */
static void draw(struct picture *p, int i)
{
    int x0 = i * 23 % WIDE;

    memset(p->pixels, 170, (size_t)WIDE * HIGH);
    for (int y = 300; y < 400; y++)
        for (int x = x0; x < x0 + 80 && x < WIDE; x++)
            p->pixels[y * WIDE + x] = (uint8_t)(60 + (x - x0) % 16 * 6);
    if (i >= 20 && i < 100)
        sign_draw(p, i < 60 ? "STATION NORTH" : "ALL TRAINS STOP HERE", 80, 100, 3, 20);
    sign_noise(p, 4, (uint32_t)i);
}

static void reads_only_what_changed(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct text_engine engine = text_engine_of(ocr, languages);
    struct texts_opts opts = texts_defaults();
    struct texts *t = texts_new(a, &engine, &opts);
    struct picture p = sign_blank(a, WIDE, HIGH, 0);
    struct texts_found got;
    int64_t cpu = 0;

    for (int i = 0; i < SAMPLES; i++) {
        int64_t start;
        draw(&p, i);
        start = clock_cpu_us();
        CHECK(texts_next(t, &p, i * 0.5, 0, NULL) == 0);
        cpu += clock_cpu_us() - start;
    }
    got = texts_end(t, SAMPLES * 0.5);
    printf("# %d pictures offered, %d read (%.3f), %d regions; %lld us of processor time each, %lld us in "
           "the engine\n",
           got.offered, got.read, (double)got.read / got.offered, got.engine_calls, (long long)cpu / SAMPLES,
           (long long)got.read_us / SAMPLES);
    for (size_t i = 0; i < got.n; i++)
        printf("#   %.1f..%.1f %s (%s)\n", got.items[i].time.start, got.items[i].time.end, got.items[i].words,
               got.items[i].language ? got.items[i].language : "?");
    CHECK(got.read <= SAMPLES / 6);
    CHECK_INT(got.n, 2);
    if (got.n == 2) {
        CHECK_STR(got.items[0].words, "STATION NORTH");
        CHECK_NEAR(got.items[0].time.start, 10, 0);
        CHECK_NEAR(got.items[0].time.end, 30, 0);
        CHECK_STR(got.items[1].words, "ALL TRAINS STOP HERE");
        CHECK_NEAR(got.items[1].time.start, 30, 0);
        CHECK_NEAR(got.items[1].time.end, 50, 0);
    }
}

int main(void)
{
    struct err err = {0};

    if (ocr_open(&ocr, "eng", NULL, &err) < 0) {
        printf("ok 1 - signs # SKIP %s\n1..1\n", err.text);
        return 0;
    }
    languages_open(&languages, NULL);
    printf("# %s\n# | what | words | recall | precision | CPU ms |\n", ocr_version(ocr));
    RUN(reads_generated_signs);
    RUN(reads_signs_of_real_fonts);
    RUN(reads_the_development_pictures);
    RUN(reads_only_what_changed);
    languages_freep(&languages);
    ocr_freep(&ocr);
    return test_end();
}
