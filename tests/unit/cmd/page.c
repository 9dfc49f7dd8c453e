#include "cmd/page.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../store/tempdir.h"
#include "base/base64.h"
#include "base/cleanup.h"
#include "base/hash.h"
#include "base/text.h"
#include "made.h"
#include "test.h"

#define MARK "\xef\xbf\xbd"

static const struct program_ref program = {"0.1.0", "0123456789ab"};
#define JPEG(text)                                                           \
    {                                                                        \
        (const uint8_t *)"\xff\xd8\xff" text "\xff\xd9", sizeof text - 1 + 5 \
    }
static const struct strip_frame frames[] = {{1, JPEG("first")}, {6, JPEG("second")}};

/* The whole page, in the arena. */
static char *page_of(struct arena *a, const char *title, const struct page_entry *e)
{
    CLEANUP(buf_clear) struct buf out = BUF(64 << 20);

    page_head(&out, title);
    page_entry(&out, e);
    page_foot(&out, &program);
    CHECK(!out.overflow);
    return arena_strdup(a, out.data);
}

/* ---- well-formed: every element that needs an end has it, in order; attributes are quoted ---- */

enum { MAX_DEPTH = 32, MAX_TAG = 16 };

/* The end of a tag that begins at s ("<"), NULL when it is none. Quotes are closed in it. */
static const char *tag_end(const char *s)
{
    char quote = 0;

    for (s++; *s; s++) {
        if (quote ? *s == quote : *s == '"')
            quote = quote ? 0 : *s;
        else if (!quote && *s == '\'')
            return NULL;
        else if (!quote && *s == '>')
            return s;
        else if (*s == '<')
            return NULL;
    }
    return NULL;
}

/* What is wrong with it; NULL = nothing. */
static const char *malformed(const char *s)
{
    static const char *const lone[] = {"meta", "img", "br", "!doctype"};
    char open[MAX_DEPTH][MAX_TAG];
    size_t depth = 0;

    for (; *s; s++) {
        char name[MAX_TAG];
        const char *end;
        bool closing, alone = false;
        if (*s == '>')
            return s;
        if (*s != '<')
            continue;
        closing = s[1] == '/';
        snprintf(name, sizeof name, "%.*s", (int)strcspn(s + 1 + closing, " >\n"), s + 1 + closing);
        if (!(end = tag_end(s)) || !*name)
            return s;
        for (size_t i = 0; i < COUNT_OF(lone); i++)
            alone |= text_is(name, lone[i]);
        if (closing && (!depth || !text_is(open[--depth], name)))
            return s;
        if (!closing && !alone && depth == MAX_DEPTH)
            return s;
        if (!closing && !alone)
            text_copy(open[depth++], MAX_TAG, name);
        s = end;
    }
    return depth ? "an element stays open" : NULL;
}

static void check_well_formed(const char *page)
{
    const char *wrong = malformed(page);

    CHECK(text_is_utf8(page, strlen(page)));
    CHECK(!wrong);
    if (wrong)
        printf("#   at: %.120s\n", wrong);
}

static void the_check_itself_sees_faults(void)
{
    static const char *const bad[] = {"<p>",   "<p></b>",           "</p>",           "<p class=\"a></p>",
                                      "a > b", "<p class='a'></p>", "<p <b></b></p>", "<"};

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        CHECK(malformed(bad[i]) != NULL);
        ROW("%s", bad[i]);
    }
    CHECK(!malformed("<!doctype html><p class=\"a\">b<br>c</p>"));
}

/* Nothing is fetched, nothing runs. */
static void check_closed_in(const char *page)
{
    static const char *const never[] = {"<script", "http:",       "https:",  "url(",  "@import",
                                        "<link",   "<iframe",     "<object", "<form", "<base",
                                        "<use",    "javascript:", " style=", " href="};

    for (size_t i = 0; i < COUNT_OF(never); i++) {
        const char *at = strcasestr(page, never[i]);
        CHECK(!at);
        ROW("%s: %.60s", never[i], at ? at : "");
    }
    for (const char *s = page; (s = strstr(s, " src=\"")); s++)
        CHECK(text_starts(s, " src=\"data:image/jpeg;base64,"));
    for (const char *s = page; (s = strcasestr(s, " on")); s++) { /* no handlers inside tags */
        size_t n = strspn(s + 3, "abcdefghijklmnopqrstuvwxyz");
        CHECK(s[3 + n] != '=');
    }
}

/* ---- what is on it ---- */

static size_t count(const char *text, const char *words)
{
    size_t n = 0;

    for (; (text = strstr(text, words)); text += strlen(words))
        n++;
    return n;
}

static struct page_entry video_entry(struct report *r)
{
    return (struct page_entry){
        .name = "street.mp4", .report = r, .frames = frames, .nframes = COUNT_OF(frames)};
}

static void a_video_is_shown(void)
{
    static const char *const there[] = {
        "<title>street.mp4 - assay</title>",
        "3 shots, 2 people, 2 texts, 2 sections",
        "Critical: <bdi>weapon</bdi>",
        "<h3>Shots</h3>",
        "<h3>Timeline</h3>",
        "<h3>Sections</h3>",
        "<h3>Texts</h3>",
        "<h3>Evidence</h3>",
        "<polygon points=\"0,100 ",
        "Entrance -&gt; Lobby",
        "female, ~34, known",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "yunet 1 (faces)",
        "ONNX Runtime 1.30.0",
        "assay 0.1.0 0123456789ab",
        "1.50 s",
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct page_entry e = video_entry(made_video(a));
    char *page = page_of(a, e.name, &e);

    for (size_t i = 0; i < COUNT_OF(there); i++) {
        CHECK(strstr(page, there[i]) != NULL);
        ROW("%s", there[i]);
    }
    check_well_formed(page);
    check_closed_in(page);
    CHECK_INT(count(page, "<img"), 4); /* two shots, the best of two sections */
    CHECK_INT(count(page, "class=\"cut\""), 2);
    CHECK_INT(count(page, "<rect class=\"person\""), 3);
    CHECK_INT(count(page, "<rect class=\"critical\""), 1);
}

/* The second shot's thumbnail lies in the second section. */
static void the_best_frame_is_inside_its_section(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct page_entry e = video_entry(made_video(a));
    const char *sections = strstr(page_of(a, e.name, &e), "<h3>Sections</h3>");
    const char *first = base64_encode(a, frames[0].jpeg), *second = base64_encode(a, frames[1].jpeg);

    CHECK(sections && strstr(sections, first) < strstr(sections, "street"));
    CHECK(sections && strstr(sections, second) > strstr(sections, "street"));
}

static void faces_are_shown_when_there_are_some(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct report *video = made_video(a), *picture = made_picture(a);
    struct page_entry e = {.name = "a", .report = video};
    char *page;

    CHECK_INT(count(page_of(a, "a", &e), "<img"), 0);
    video->scenery->people[1].thumbnail = frames[0].jpeg;
    page = page_of(a, "a", &e);
    CHECK_INT(count(page, "<img class=\"face\""), 1);
    check_well_formed(page);
    e.report = picture;
    picture->items[0].scenery.people[0].thumbnail = frames[0].jpeg;
    CHECK_INT(count(page_of(a, "a", &e), "<img class=\"face\""), 1);
    picture->items[0].scenery.people[0].thumbnail = bytes_of("<svg onload=alert(1)>", 21); /* no JPEG */
    CHECK_INT(count(page_of(a, "a", &e), "<img"), 0);
}

static void a_picture_is_shown(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct strip_frame frame = {0, frames[0].jpeg};
    struct page_entry e = {.name = "dog.jpg", .report = made_picture(a), .nframes = 1, .frames = &frame};
    char *page = page_of(a, e.name, &e);

    check_well_formed(page);
    check_closed_in(page);
    CHECK(strstr(page, "1 person, 1 text, 2 tags") && strstr(page, "No dogs off leash") &&
          strstr(page, "0.92"));
    CHECK(strstr(page, "Critical: <bdi>knife</bdi>") && strstr(page, "jpeg"));
    CHECK_INT(count(page, "<img class=\"frame\""), 1);
}

static void an_alarm_clip_is_shown(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct report *r = made_video(a);
    struct page_entry e = {.name = "a.mp4", .report = r};
    char *page;

    r->pipeline = "alarm";
    r->scenery = NULL;
    r->verdict = (struct verdict){.rule = "alarm/1", .risk = "intrusion"};
    r->config.scenes_known = false;
    report_add_score(r, "person", 0.93, "made");
    page = page_of(a, e.name, &e);
    check_well_formed(page);
    CHECK(strstr(page, "intrusion") && strstr(page, "0.93"));
    r->verdict = (struct verdict){0};
    r->error = (struct err){ERR_DECODE, "no <video>"};
    page = page_of(a, e.name, &e);
    check_well_formed(page);
    CHECK(strstr(page, "No verdict (cannot_decode): <bdi>no &lt;video&gt;</bdi>") != NULL);
}

static void why_there_is_nothing(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct report *r = made_video(a), *pictures = made_picture(a);
    struct page_entry none = {.name = "a.mp4", .error = {ERR_IO, "cannot open it"}},
                      e = {.name = "a", .report = r};
    char *page = page_of(a, "a", &none);

    check_well_formed(page);
    CHECK(strstr(page, "Could not be judged (io_error): <bdi>cannot open it</bdi>") ||
          strstr(page, "<bdi>cannot open it</bdi>"));
    r->error = (struct err){ERR_TIMEOUT, "the deadline passed"};
    CHECK(strstr(page_of(a, "a", &e), "Cut off; until then (timeout)") != NULL);
    r->scenery = NULL;
    CHECK(strstr(page_of(a, "a", &e), "Could not be judged (timeout)") != NULL);
    e.report = pictures;
    pictures->items[0].error = r->error;
    page = page_of(a, "a", &e);
    check_well_formed(page);
    CHECK(strstr(page, "Could not be judged (timeout)") && !strstr(page, "<h3>Tags"));
}

/* ---- hostile words ---- */

static void set_everything(struct report *video, struct report *picture, const char *bad)
{
    video->media.codec = video->media.container = bad;
    video->decoder = video->runtime = bad;
    video->program = (struct program_ref){bad, bad};
    video->models[0] = (struct model_ref){bad, bad, bad, bad, bad};
    video->scenery->texts[0].words = video->scenery->texts[0].language = bad;
    video->scenery->sections[0].tag = video->scenery->sections[1].tag = bad;
    picture->items[0].format = bad;
    picture->items[0].scenery.tags[0].name = picture->items[0].scenery.tags[1].name = bad;
    picture->items[0].scenery.texts[0].words = picture->items[0].scenery.texts[0].language = bad;
}

static void foreign_words_stay_words(void)
{
    static const char *const rows[] = {
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "</title></style></svg><script>",
        "]]></bdi>--><!--",
        "&lt;script&gt;",
        "\033[31m\a\b",
        "gpj.\xe2\x80\xae"
        "exe",
        "\xff\xfe<\xc0\xbc",
        "javascript&colon;alert(1)",
        "`${alert(1)}`",
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct report *video = made_video(a), *picture = made_picture(a);
        struct page_entry e = video_entry(video), p = {.name = rows[i], .report = picture};
        char *page;
        set_everything(video, picture, rows[i]);
        e.name = rows[i];
        page = arena_printf(a, "%s%s", page_of(a, rows[i], &e), page_of(a, rows[i], &p));
        check_well_formed(page);
        CHECK(!strstr(page, "<script") && !strstr(page, "<img src=x") && !strstr(page, "<!--"));
        CHECK(!strstr(page, "\xe2\x80\xae") && !strchr(page, '\033') && !strchr(page, '\a'));
        ROW("%s", rows[i]);
    }
}

/* A report at its ceilings makes a page that a browser can still open. */
static void much_is_cut(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct report *r = made_video(a);
    struct page_entry e = {.name = "long.mp4", .report = r};
    struct shot *shots = arena_array(a, SCENERY_MAX_SHOTS, sizeof *shots);
    struct person *people = arena_array(a, SCENERY_MAX_PEOPLE, sizeof *people);
    struct scene_text *texts = arena_array(a, SCENERY_MAX_TEXTS, sizeof *texts);
    float *activity = arena_array(a, SCENERY_MAX_ACTIVITY, sizeof *activity);
    char *page;

    for (int i = 0; i < SCENERY_MAX_SHOTS; i++)
        shots[i] = (struct shot){{i * 0.1, (i + 1) * 0.1}, SHOT_CUT};
    for (int i = 0; i < SCENERY_MAX_TEXTS; i++)
        texts[i] = (struct scene_text){"words", "en", 0.9, {i, i + 1}, {0, 0, 1, 1}};
    r->scenery->shots = shots, r->scenery->nshots = SCENERY_MAX_SHOTS;
    r->scenery->people = people, r->scenery->npeople = SCENERY_MAX_PEOPLE;
    r->scenery->texts = texts, r->scenery->ntexts = SCENERY_MAX_TEXTS;
    r->scenery->activity = activity, r->scenery->nactivity = SCENERY_MAX_ACTIVITY;
    page = page_of(a, e.name, &e);
    check_well_formed(page);
    CHECK(strlen(page) < 2000000);
    CHECK(strstr(page, "and 4000 more") && strstr(page, "and 900 more"));
}

/* ---- the head ---- */

static void only_its_own_style_counts(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct page_entry e = {.name = "a", .error = {ERR_IO, "b"}};
    char *page = page_of(a, "a", &e), *style = strstr(page, "<style>") + 7, hex[HASH_HEX];
    uint8_t sum[HASH_SIZE];

    hash_hex(bytes_of(style, (size_t)(strstr(style, "</style>") - style)), hex);
    text_unhex(sum, sizeof sum, hex);
    CHECK(strstr(page, arena_printf(a, "default-src 'none'; img-src data:; style-src 'sha256-%s'",
                                    base64_encode(a, bytes_of(sum, sizeof sum)))) != NULL);
    CHECK(strstr(page, "name=\"viewport\"") && strstr(style, "prefers-color-scheme:dark") &&
          strstr(style, "@media print"));
}

/* ---- the file ---- */

static const char *dir;

static const char *inside(struct arena *a, const char *name)
{
    return arena_printf(a, "%s/%s", dir, name);
}

static void put(const char *path, const char *text)
{
    CLEANUP(fd_closep) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
}

static const char *content(struct arena *a, const char *path)
{
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *text = arena_alloc(a, 1 << 20);

    return fd >= 0 && read(fd, text, (1 << 20) - 1) >= 0 ? text : "";
}

static int write_page(const char *path, struct err *err)
{
    CLEANUP(page_freep) struct page *p = NULL;
    struct page_entry e = {.name = "a.mp4", .error = {ERR_IO, "cannot open it"}};

    return page_begin(&p, path, "a.mp4", err) < 0 || page_add(p, &e, err) < 0 ||
                   page_end(p, &program, err) < 0
               ? -1
               : 0;
}

static void a_page_is_written_whole(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *path = inside(a, "report.html");
    struct err err = {0};
    struct stat st = {0};

    for (int i = 0; i < 2; i++) { /* new, and over the one from before */
        CHECK_INT(write_page(path, &err), 0);
        CHECK(stat(path, &st) == 0 && (st.st_mode & 07777) == 0644);
        CHECK(text_starts(content(a, path), "<!doctype html>") && text_ends(content(a, path), "</html>\n"));
    }
    put(path, "");
    CHECK_INT(write_page(path, &err), 0);
}

static void nothing_else_is_lost(void)
{
    static const char *const rows[] = {"clip.mp4", "folder", "link.html", "none/report.html", "fifo"};
    CLEANUP(arena_freep) struct arena *a = arena_new();

    put(inside(a, "clip.mp4"), "a video");
    CHECK(mkdir(inside(a, "folder"), 0700) == 0 && mkfifo(inside(a, "fifo"), 0600) == 0 &&
          symlink("clip.mp4", inside(a, "link.html")) == 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct err err = {0};
        CHECK_INT(write_page(inside(a, rows[i]), &err), -1);
        CHECK(strlen(err.text) > 10);
        ROW("%s: %s", rows[i], err.text);
    }
    CHECK_STR(content(a, inside(a, "clip.mp4")), "a video");
}

/* What was begun and not ended leaves the old page, and nothing beside it. */
static void half_a_page_is_none(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *path = inside(a, "half.html");
    struct page *p;
    struct err err = {0};

    CHECK_INT(page_begin(&p, path, "a", &err), 0);
    page_freep(&p);
    CHECK(access(path, F_OK) < 0);
    CHECK_INT(page_begin(&p, path, "a", &err), 0);
    put(path, "somebody else's");
    CHECK_INT(page_end(p, &program, &err), -1);
    page_freep(&p);
    CHECK_STR(content(a, path), "somebody else's");
}

int main(void)
{
    struct tempdir folder = tempdir_new();

    dir = folder.path;
    RUN(the_check_itself_sees_faults);
    RUN(a_video_is_shown);
    RUN(the_best_frame_is_inside_its_section);
    RUN(faces_are_shown_when_there_are_some);
    RUN(a_picture_is_shown);
    RUN(an_alarm_clip_is_shown);
    RUN(why_there_is_nothing);
    RUN(foreign_words_stay_words);
    RUN(much_is_cut);
    RUN(only_its_own_style_counts);
    RUN(a_page_is_written_whole);
    RUN(nothing_else_is_lost);
    RUN(half_a_page_is_none);
    tempdir_clear(&folder);
    return test_end();
}
