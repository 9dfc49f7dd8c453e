/* Words made into texts: cleaning, filter, reading order, and what is the same. */
#include "analysis/wording.h"

#include <math.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "report/scenery.h"
#include "test.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static void cleans_foreign_bytes(void)
{
    static const struct {
        const char *what, *in, *out;
        size_t size;
    } rows[] = {
        {"plain", "Exit", "Exit", 64},
        {"empty", "", "", 64},
        {"controls",
         "a\x01\x1f\x7f"
         "b",
         "ab", 64},
        {"blanks", "  a \t\n b  ", "a b", 64},
        {"no-break blank",
         "a\xc2\xa0"
         "b",
         "a b", 64},
        {"not UTF-8",
         "a\xff\xfe"
         "b\xc3",
         "ab", 64},
        {"too long a form",
         "\xc0\xaf"
         "a",
         "a", 64},
        {"surrogate",
         "\xed\xa0\x80"
         "a",
         "a", 64},
        {"turned direction",
         "a\xe2\x80\xae"
         "b\xe2\x81\xa6"
         "c",
         "abc", 64},
        {"mark of order",
         "\xef\xbb\xbf"
         "a",
         "a", 64},
        {"C1 control",
         "a\xc2\x85"
         "b",
         "ab", 64},
        {"umlauts",
         "Gr\xc3\xb6\xc3\x9f"
         "e",
         "Gr\xc3\xb6\xc3\x9f"
         "e",
         64},
        {"cut at a character",
         "Gr\xc3\xb6\xc3\x9f"
         "e",
         "Gr\xc3\xb6", 6},
        {"no room for the blank", "abc d", "abc", 5},
        {"no room at all", "abc", "", 1},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        char out[64];
        CHECK_STR(wording_clean(out, rows[i].size, rows[i].in), rows[i].out);
        ROW("%s", rows[i].what);
    }
}

static size_t to_points(const char *s, uint32_t *ret)
{
    size_t n = 0;

    for (; *s; s++)
        ret[n++] = (unsigned char)*s;
    return n;
}

static void measures_edit_distance(void)
{
    static const struct {
        const char *a, *b;
        size_t limit, distance;
    } rows[] = {
        {"", "", 0, 0},
        {"", "abc", 5, 3},
        {"abc", "", 5, 3},
        {"kitten", "sitting", 9, 3},
        {"abc", "abc", 0, 0},
        {"abc", "abd", 0, 1},
        {"abc", "abd", 1, 1},
        {"abcdef", "ghijkl", 2, 3},
        {"flaw", "lawn", 4, 2},
        {"abcd", "abcdefgh", 2, 3},
        {"intention", "execution", 9, 5},
    };
    uint32_t a[64], b[64];

    for (size_t i = 0; i < LENGTH(rows); i++) {
        size_t na = to_points(rows[i].a, a), nb = to_points(rows[i].b, b);
        CHECK_INT(wording_distance(a, na, b, nb, rows[i].limit), rows[i].distance);
        CHECK_INT(wording_distance(b, nb, a, na, rows[i].limit), rows[i].distance);
        ROW("%s, %s", rows[i].a, rows[i].b);
    }
    CHECK_INT(wording_distance(a, WORDING_MAX_KEY + 1, b, WORDING_MAX_KEY + 1, 7), 8);
}

/* A word of `conf` percent; x, y, h in 1/1000 of the height of a picture as wide as high. */
struct put {
    const char *text;
    int conf, line, x, y, h;
};

static struct ocr_word to_word(const struct put *p)
{
    return (struct ocr_word){p->text,
                             (float)p->conf / 100,
                             p->line,
                             {(float)p->x / 1000, (float)p->y / 1000,
                              (float)(strlen(p->text) * (size_t)p->h / 2) / 1000, (float)p->h / 1000}};
}

static size_t make(struct arena *a, const struct put *puts, size_t n, struct wording **ret)
{
    struct ocr_word words[16];
    size_t count = 0;

    for (; count < n && puts[count].text; count++)
        words[count] = to_word(&puts[count]);
    return wordings_of(a, words, count, 0.6f, 1, ret);
}

static void makes_texts_of_words(void)
{
    static const struct {
        const char *what;
        struct put in[8];
        const char *out[4];
    } rows[] = {
        {"nothing", {{0}}, {0}},
        {"one line",
         {{"Mind", 90, 0, 100, 100, 20}, {"the", 95, 0, 150, 100, 20}, {"gap", 91, 0, 190, 100, 20}},
         {"Mind the gap"}},
        {"unsure words are left out",
         {{"Mind", 90, 0, 100, 100, 20}, {"tho", 59, 0, 150, 100, 20}, {"gap", 91, 0, 190, 100, 20}},
         {"Mind gap"}},
        {"a line needs three letters", {{"ab", 99, 0, 100, 100, 20}, {"c", 99, 0, 130, 100, 20}}, {0}},
        {"digits count", {{"5.8", 99, 0, 100, 100, 20}, {"205", 90, 1, 100, 500, 20}}, {"205"}},
        {"short words beside a long one",
         {{"No", 90, 0, 100, 100, 20}, {"entry", 90, 0, 130, 100, 20}},
         {"No entry"}},
        {"a short one alone must be sure",
         {{"Vii", 79, 0, 100, 100, 20}, {"EXIT", 80, 1, 100, 500, 20}},
         {"EXIT"}},
        {"a long one alone need not", {{"Police", 61, 0, 100, 100, 20}}, {"Police"}},
        {"edges at the ends",
         {{"|", 90, 0, 80, 100, 20},
          {"Exit", 90, 0, 100, 100, 20},
          {"->", 90, 0, 150, 100, 20},
          {"A", 90, 0, 180, 100, 20},
          {"_", 90, 0, 200, 100, 20}},
         {"Exit -> A"}},
        {"two lines are one text",
         {{"lobby", 90, 1, 100, 130, 20}, {"Entrance", 90, 0, 100, 100, 20}},
         {"Entrance lobby"}},
        {"far below is another",
         {{"Entrance", 90, 0, 100, 100, 20}, {"lobby", 90, 1, 100, 200, 20}},
         {"Entrance", "lobby"}},
        {"beside is another",
         {{"lobby", 90, 1, 600, 120, 20}, {"Entrance", 90, 0, 100, 100, 20}},
         {"Entrance", "lobby"}},
        {"one line, far apart",
         {{"North", 90, 0, 100, 100, 20}, {"South", 90, 0, 600, 100, 20}},
         {"North", "South"}},
        {"a heading and small print",
         {{"SALE", 90, 0, 100, 100, 80}, {"until", 90, 1, 100, 190, 15}, {"Friday", 90, 1, 150, 190, 15}},
         {"SALE", "until Friday"}},
        {"right to left", {{"alpha", 90, 0, 300, 100, 20}, {"beta", 90, 0, 240, 100, 20}}, {"alpha beta"}},
        {"ideographs", {{"\xe5\x87\xba\xe5\x8f\xa3", 90, 0, 100, 100, 20}}, {"\xe5\x87\xba\xe5\x8f\xa3"}},
        {"foreign bytes",
         {{"Ex\x01\xff"
           "it now",
           90, 0, 100, 100, 20}},
         {"Exit now"}},
        {"only foreign bytes", {{"\xff\xfe\x01", 90, 0, 100, 100, 20}}, {0}},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct wording *got = NULL;
        size_t n = make(a, rows[i].in, LENGTH(rows[i].in), &got), want = 0;

        while (want < LENGTH(rows[i].out) && rows[i].out[want])
            want++;
        CHECK_INT(n, want);
        for (size_t k = 0; k < n && k < want; k++)
            CHECK_STR(got[k].words, rows[i].out[k]);
        ROW("%s", rows[i].what);
    }
}

static void tells_where_and_how_sure(void)
{
    static const struct put in[] = {{"Entrance", 90, 0, 100, 100, 20}, {"lobby", 70, 1, 120, 130, 20}};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct wording *got = NULL;

    CHECK_INT(make(a, in, 2, &got), 1);
    CHECK_NEAR(got[0].confidence, 0.8, 1e-6);
    CHECK_NEAR(got[0].box.x, 0.1, 1e-6);
    CHECK_NEAR(got[0].box.y, 0.1, 1e-6);
    CHECK_NEAR(got[0].box.w, 0.08, 1e-6);
    CHECK_NEAR(got[0].box.h, 0.05, 1e-6);
}

static void knows_the_same_text_again(void)
{
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        {"No entry", "no  ENTRY!", true},
        {"No entry", "No-entry.", true},
        {"No entry", "No exit", false},
        {"2024-06-07 11:32:43", "2024-06-07 11:32:44", true},
        {"11:32", "11:33", false},
        {"EXIT", "EX1T", false},
        {"Platform nine", "Platform mine", true},
        {"\xc3\x84PFEL", "\xc3\xa4pfel", true},
        {"\xd0\x92\xd0\xab\xd0\xa5\xd0\x9e\xd0\x94", "\xd0\xb2\xd1\x8b\xd1\x85\xd0\xbe\xd0\xb4", true},
        {"\xc5\x81\xc3\xb3"
         "dz",
         "\xc5\x82\xc3\x93"
         "DZ",
         true},
        {"Entrance", "Entrance lobby", false},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct wording *x = NULL, *y = NULL;
        struct put px = {rows[i].a, 90, 0, 100, 100, 20}, py = {rows[i].b, 90, 0, 100, 100, 20};

        CHECK(make(a, &px, 1, &x) == 1 && make(a, &py, 1, &y) == 1);
        CHECK(test_ok && wording_same(x, y) == rows[i].same && wording_same(y, x) == rows[i].same);
        ROW("%s, %s", rows[i].a, rows[i].b);
    }
}

/* Boxes and numbers of a broken engine, and a page that never ends. */
static void stands_nonsense(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    enum { MANY = 3000 };
    struct ocr_word *words = arena_array(a, MANY, sizeof *words);
    struct wording *got = NULL;
    size_t n;

    for (size_t i = 0; i < MANY; i++)
        words[i] = (struct ocr_word){"Pneumonoultramicroscopic",
                                     i % 7 ? 0.9f : (float)NAN,
                                     i % 5 ? 0 : -(int)i,
                                     {i % 3 ? 0.5f : (float)INFINITY, i % 11 ? -5.f : (float)NAN, 1e30f, 0}};
    n = wordings_of(a, words, MANY, 0.6f, 1.5, &got);
    CHECK(n > 0 && n <= OCR_MAX_WORDS);
    for (size_t i = 0; i < n; i++) {
        CHECK(strlen(got[i].words) < SCENERY_MAX_TEXT && text_is_utf8(got[i].words, strlen(got[i].words)));
        CHECK(got[i].nkey <= WORDING_MAX_KEY && got[i].confidence >= 0.6 && got[i].confidence <= 1);
        CHECK(got[i].box.x >= 0 && got[i].box.y >= 0 && got[i].box.w >= 0 && got[i].box.h >= 0);
    }
}

int main(void)
{
    RUN(cleans_foreign_bytes);
    RUN(measures_edit_distance);
    RUN(makes_texts_of_words);
    RUN(tells_where_and_how_sure);
    RUN(knows_the_same_text_again);
    RUN(stands_nonsense);
    return test_end();
}
