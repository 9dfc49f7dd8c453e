#include "cmd/timeline.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "made.h"
#include "test.h"

#define MARK "\xef\xbf\xbd"

static const struct terminal ascii = {.width = 60}, utf8 = {.width = 60, .utf8 = true},
                             colour = {.width = 60, .utf8 = true, .colour = true};

/* The text, in the arena. */
static char *print(struct arena *a, const char *name, const struct report *r, const struct terminal *t)
{
    CLEANUP(buf_clear) struct buf out = BUF(1 << 24);

    timeline_print(&out, name, r, t);
    CHECK(!out.overflow);
    return arena_strdup(a, out.data);
}

static void a_video_in_ascii(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();

    CHECK_STR(print(a, "street.mp4", made_video(a), &ascii),
              "street.mp4: 3 shots, 2 people, 2 texts, 2 sections\n"
              "  0:12.0 of 1920 x 1080 (h264, 25 fps), 4.2 MB; models saw 24 frames; 1.50 s\n"
              "                        0:00          0:05           0:10\n"
              "  activity              .....::::..@@@@:::::====     ....  \n"
              "shots\n"
              "   1 0:00.0             ################...................\n"
              "   2 0:05.2 cut         ...............###############.....\n"
              "   3 0:10.0 gradual     .............................######\n"
              "people\n"
              "   1 female, ~34, known ################...................\n"
              "   2                    ........########..........#########\n"
              "sections\n"
              "  street           0.82 ################.............######\n"
              "! weapon           0.61 ...............###############.....\n"
              "texts\n"
              "  0:00.0 - 0:05.2    en  Entrance -> Lobby\n"
              "  0:06.0 - 0:08.0        EXIT\n");
}

static void a_video_in_utf8(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();

    CHECK_STR(print(a, "street.mp4", made_video(a), &utf8),
              "street.mp4: 3 shots, 2 people, 2 texts, 2 sections\n"
              "  0:12.0 of 1920 x 1080 (h264, 25 fps), 4.2 MB; models saw 24 frames; 1.50 s\n"
              "                        0:00          0:05           0:10\n"
              "  activity              ▁▁▁▁▁▂▂▂▂▁▁████▂▂▂▂▂▄▄▄▄     ▁▁▁▁  \n"
              "shots\n"
              "   1 0:00.0             ████████████████···················\n"
              "   2 0:05.2 cut         ···············███████████████·····\n"
              "   3 0:10.0 gradual     ·····························██████\n"
              "people\n"
              "   1 female, ~34, known ████████████████···················\n"
              "   2                    ········████████··········█████████\n"
              "sections\n"
              "  street           0.82 ████████████████·············██████\n"
              "! weapon           0.61 ···············███████████████·····\n"
              "texts\n"
              "  0:00.0 - 0:05.2    en  Entrance -> Lobby\n"
              "  0:06.0 - 0:08.0        EXIT\n");
}

static void a_picture(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();

    CHECK_STR(print(a, "dog.jpg", made_picture(a), &ascii),
              "dog.jpg: 1 person, 1 text, 2 tags\n"
              "  jpeg, 640 x 480\n"
              "tags\n"
              "  0.92  dog\n"
              "! 0.55  knife\n"
              "people\n"
              "   1 male, ~34          at (30 %, 60 %), 10 % wide\n"
              "texts\n"
              "  0.88  en  No dogs off leash\n");
}

static void what_was_not_looked_for_is_told(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct report *video = made_video(a), *picture = made_picture(a);

    *video->scenery = (struct scenery){.has_shots = true, .nshots = 1, .shots = video->scenery->shots};
    picture->items[0].scenery = (struct scenery){.has_tags = true};
    CHECK_STR(print(a, "street.mp4", video, &ascii),
              "street.mp4: 1 shot\n"
              "  0:12.0 of 1920 x 1080 (h264, 25 fps), 4.2 MB; models saw 24 frames; 1.50 s\n"
              "  not looked for: people, texts, sections\n"
              "                        0:00          0:05           0:10\n"
              "shots\n"
              "   1 0:00.0             ################...................\n");
    CHECK_STR(print(a, "dog.jpg", picture, &ascii), "dog.jpg: no tag\n"
                                                    "  jpeg, 640 x 480\n"
                                                    "  not looked for: people, texts\n");
}

static void why_it_could_not_be_judged(void)
{
    static const struct {
        bool picture, scenery, item;
        const char *first;
    } rows[] = {
        {false, false, false, "a.mp4: COULD NOT BE JUDGED (cannot_decode): it ends" MARK " early\n"},
        {false, true, false,
         "a.mp4: CUT OFF (cannot_decode): it ends" MARK
         " early\n  until then 3 shots, 2 people, 2 texts, 2 sections\n"},
        {true, false, true, "a.mp4: COULD NOT BE JUDGED (cannot_decode): it ends" MARK " early\n"},
        {true, false, false, "a.mp4: COULD NOT BE JUDGED (cannot_decode): it ends" MARK " early\n"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct report *r = rows[i].picture ? made_picture(a) : made_video(a);
        struct err why = {ERR_DECODE, "it ends\a early"};
        char *text;
        if (rows[i].item)
            r->items[0].error = why;
        else
            r->error = why;
        if (rows[i].picture && !rows[i].item)
            r->items[0].error = why;
        if (!rows[i].scenery)
            r->scenery = NULL;
        text = print(a, "a.mp4", r, &utf8);
        CHECK(text_starts(text, rows[i].first));
        ROW("%zu: %s", i, text);
    }
}

/* The name, the words, tags, languages, codecs and formats of somebody with bad intentions. */
static void foreign_words_are_harmless(void)
{
    static char bad[] = "\033]0;x\a\xe2\x80\xae\xc2\x9b"
                        "31m\n\r<b>\xff";
    const struct terminal *all[] = {&ascii, &utf8};

    for (size_t i = 0; i < COUNT_OF(all); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct report *video = made_video(a), *picture = made_picture(a);
        const char *text;
        video->media.codec = bad;
        video->scenery->texts[0].words = video->scenery->texts[0].language = bad;
        video->scenery->sections[0].tag = bad;
        picture->items[0].format = bad;
        picture->items[0].scenery.tags[0].name = bad;
        picture->items[0].scenery.texts[0].words = bad;
        text = arena_printf(a, "%s%s", print(a, bad, video, all[i]), print(a, bad, picture, all[i]));
        for (const char *s = text; *s; s++)
            CHECK((unsigned char)*s >= ' ' || *s == '\n');
        for (const char *s = text; *s && !all[i]->utf8; s++)
            CHECK((unsigned char)*s < 0x7f);
        CHECK(!strstr(text, "\xe2\x80\xae") && !strstr(text, "\xc2\x9b") && text_is_utf8(text, strlen(text)));
        ROW("%s", text);
    }
}

static void colour_is_closed_again(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *text = print(a, "street.mp4", made_video(a), &colour);
    int begun = 0, open = 0;

    for (const char *s = text; (s = strchr(s, '\033')); s++) {
        open = !text_starts(s, "\033[0m");
        begun += open;
    }
    CHECK(begun > 5);
    CHECK_INT(open, 0);
    CHECK(strstr(text, "\033[1;31m! weapon") != NULL);
}

/* No line is wider than the terminal, whatever the terminal and however long the video. */
static void lines_fit(void)
{
    static const double ends[] = {0, 1e-3, 0.5, 12, 3600, 86400, 1e7};

    for (int width = TERMINAL_NARROWEST; width <= TERMINAL_WIDEST; width += 25)
        for (size_t i = 0; i < COUNT_OF(ends); i++) {
            CLEANUP(arena_freep) struct arena *a = arena_new();
            struct report *r = made_video(a);
            struct terminal t = {.width = width};
            char *text, *rest, *line;
            r->media.duration = ends[i];
            r->scenery->shots[2].time.end = ends[i] > 12 ? ends[i] : 12;
            r->scenery->texts[0].words =
                "a text that is much longer than any terminal is wide, and longer still, "
                "and then it goes on, and on, and on, and on, and on, and on, and on, "
                "and on, and on, and on, and on, and on, and on, and on, and on, to the "
                "end, which is here";
            text = strstr(print(a, "street.mp4", r, &t), "s\n") + 2; /* the header may wrap */
            rest = strchr(text, '\n') + 1;
            while ((line = strsep(&rest, "\n"))) {
                CHECK(strlen(line) < (size_t)width);
                ROW("%d columns, %g s: %s", width, ends[i], line);
            }
        }
}

static void long_lists_are_cut(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct report *r = made_video(a);
    struct shot *shots = arena_array(a, 100000, sizeof *shots);
    const char *text;

    for (int i = 0; i < 100000; i++)
        shots[i] = (struct shot){{i, i + 1}, SHOT_CUT};
    r->scenery->shots = shots;
    r->scenery->nshots = 100000;
    text = print(a, "street.mp4", r, &ascii);
    CHECK(strstr(text, "and 99950 more: --json has them all") != NULL);
    CHECK(strlen(text) < 10000);
}

static void the_environment_says_what_is_shown(void)
{
    static const struct {
        const char *all, *ctype, *lang, *columns;
        bool utf8;
        int width;
    } rows[] = {
        {NULL, NULL, NULL, NULL, false, 80},      {NULL, NULL, "C.UTF-8", "100", true, 100},
        {"C", NULL, "C.UTF-8", "1", false, 40},   {"", "de_DE.utf8", "C", "9999", true, 240},
        {NULL, NULL, "POSIX", "many", false, 80}, {NULL, NULL, "C", "-5", false, 80},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *names[] = {"LC_ALL", "LC_CTYPE", "LANG", "COLUMNS"};
        const char *values[] = {rows[i].all, rows[i].ctype, rows[i].lang, rows[i].columns};
        struct terminal t;
        for (size_t k = 0; k < COUNT_OF(names); k++)
            values[k] ? setenv(names[k], values[k], 1) : unsetenv(names[k]);
        t = terminal_of(-1);
        CHECK_INT(t.utf8, rows[i].utf8);
        CHECK_INT(t.width, rows[i].width);
        CHECK(!t.colour);
        ROW("%zu", i);
    }
}

int main(void)
{
    RUN(a_video_in_ascii);
    RUN(a_video_in_utf8);
    RUN(a_picture);
    RUN(what_was_not_looked_for_is_told);
    RUN(why_it_could_not_be_judged);
    RUN(foreign_words_are_harmless);
    RUN(colour_is_closed_again);
    RUN(lines_fit);
    RUN(long_lists_are_cut);
    RUN(the_environment_says_what_is_shown);
    return test_end();
}
