#include "cmd/foreign.h"

#include <string.h>

#include "base/cleanup.h"
#include "test.h"

#define MARK "\xef\xbf\xbd"

static void terminals_are_safe(void)
{
    static const struct {
        const char *what, *text;
        size_t columns;
        bool utf8;
        const char *shown;
        size_t used;
    } rows[] = {
        {"plain", "EXIT", 80, false, "EXIT", 4},
        {"nothing", "", 80, true, "", 0},
        {"escape sequence", "a\033[31mb", 80, true, "a" MARK "[31mb", 7},
        {"escape sequence in ASCII", "a\033[31mb", 80, false, "a?[31mb", 7},
        {"C1 control",
         "a\xc2\x9b"
         "31m",
         80, true, "a" MARK "31m", 5},
        {"lines and tabs", "a\nb\tc\r\n", 80, false, "a b c  ", 7},
        {"backspace, bell, delete", "a\b\a\x7f", 80, false, "a???", 4},
        {"turns the line around",
         "gpj.\xe2\x80\xae"
         "exe",
         80, true, "gpj." MARK "exe", 8},
        {"isolates", "\xe2\x81\xa6x\xe2\x81\xa9", 80, true, MARK "x" MARK, 3},
        {"no width",
         "a\xe2\x80\x8b"
         "b",
         80, true, "a" MARK "b", 3},
        {"tag characters", "\xf3\xa0\x81\xa1", 80, true, MARK, 1},
        {"private use", "\xee\x80\x80", 80, true, MARK, 1},
        {"byte order mark",
         "\xef\xbb\xbf"
         "a",
         80, true, MARK "a", 2},
        {"no UTF-8", "a\xff\xc3", 80, true, "a" MARK MARK, 3},
        {"overlong slash", "\xc0\xaf", 80, true, MARK MARK, 2},
        {"letters",
         "Stra\xc3\x9f"
         "e",
         80, true,
         "Stra\xc3\x9f"
         "e",
         6},
        {"letters in ASCII",
         "Stra\xc3\x9f"
         "e",
         80, false, "Stra?e", 6},
        {"wide letters", "\xec\xb6\x9c\xea\xb5\xac", 80, true, "\xec\xb6\x9c\xea\xb5\xac", 4},
        {"wide letters cut", "\xec\xb6\x9c\xea\xb5\xac", 3, true, "\xec\xb6\x9c\xe2\x80\xa6", 3},
        {"cut", "Entrance", 5, true, "Entr\xe2\x80\xa6", 5},
        {"cut in ASCII", "Entrance", 5, false, "En...", 5},
        {"just fits", "Entrance", 8, true, "Entrance", 8},
        {"no room for dots", "Entrance", 2, false, "En", 2},
        {"marks pile up", "a\xcc\x81\xcc\x81\xcc\x81\xcc\x81", 80, true, "a\xcc\x81\xcc\x81", 1},
        {"marks in ASCII",
         "a\xcc\x81"
         "b",
         80, false, "a?b", 3},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(buf_clear) struct buf out = BUF(1024);
        CHECK_INT(foreign_plain(&out, rows[i].text, rows[i].columns, rows[i].utf8), rows[i].used);
        CHECK_STR(out.data ? out.data : "", rows[i].shown);
        ROW("%s", rows[i].what);
    }
}

static void pages_are_safe(void)
{
    static const struct {
        const char *text, *html;
    } rows[] = {
        {"<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"},
        {"\" onload='x' &amp;", "&quot; onload=&#39;x&#39; &amp;amp;"},
        {"gpj.\xe2\x80\xae"
         "exe\033[1m",
         "gpj." MARK "exe" MARK "[1m"},
        {"\xff<", MARK "&lt;"},
        {"\xc3\x9f\n", "\xc3\x9f "},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(buf_clear) struct buf out = BUF(1024);
        foreign_html(&out, rows[i].text);
        CHECK_STR(out.data, rows[i].html);
    }
}

int main(void)
{
    RUN(terminals_are_safe);
    RUN(pages_are_safe);
    return test_end();
}
