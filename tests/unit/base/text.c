#include "base/text.h"
#include "base/err.h"

#include "test.h"

static void takes_the_base_name(void)
{
    static const struct {
        const char *path, *want;
    } rows[] = {
        {"a.mp4", "a.mp4"},
        {"/etc/passwd", "passwd"},
        {"C:\\clips\\door 1.avi", "door 1.avi"},
        {"../../x", "x"},
        {"dir/", ""},
        {"a\nb\x7f.mp4", "ab.mp4"},
        {"\xff\xfe.mp4", ".mp4"},
        {"caf\xc3\xa9.mp4", "caf\xc3\xa9.mp4"},
        {"", ""},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char name[64];
        text_base_name(name, sizeof name, rows[i].path);
        CHECK_STR(name, rows[i].want);
    }
}

static void cuts_between_characters(void)
{
    char name[5];

    text_base_name(name, sizeof name, "abc\xc3\xa9");
    CHECK_STR(name, "abc");
}

static void knows_utf8(void)
{
    static const struct {
        const char *s;
        bool ok;
    } rows[] = {
        {"plain", true},
        {"\xc3\xa9", true},
        {"\xe2\x82\xac", true},
        {"\xf0\x9f\x98\x80", true},
        {"\xc0\x80", false},
        {"\xed\xa0\x80", false},
        {"\xf5\x80\x80\x80", false},
        {"\xe2\x82", false},
        {"\x80", false},
        {"\xf0\x80\x80\x80", false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CHECK(text_is_utf8(rows[i].s, strlen(rows[i].s)) == rows[i].ok);
        ROW("%zu", i);
    }
}

static void reads_numbers_strictly(void)
{
    int64_t i;
    double d;

    CHECK(text_to_i64("-42", &i) && i == -42);
    CHECK(!text_to_i64("", &i));
    CHECK(!text_to_i64("4x", &i));
    CHECK(!text_to_i64(" 4", &i));
    CHECK(!text_to_i64("99999999999999999999", &i));
    CHECK(text_to_double("0.25", &d) && d == 0.25);
    CHECK(!text_to_double("nan", &d));
    CHECK(!text_to_double("inf", &d));
    CHECK(!text_to_double("1,5", &d));
}

static void hex_round_trip(void)
{
    uint8_t raw[3];
    char hex[7];

    CHECK(text_unhex(raw, 3, "00aBff"));
    text_hex(hex, raw, 3);
    CHECK_STR(hex, "00abff");
    CHECK(!text_unhex(raw, 3, "00abf"));
    CHECK(!text_unhex(raw, 3, "00abfff"));
    CHECK(!text_unhex(raw, 3, "00abfg"));
}

static void mends(void)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"", ""},           {"plain \xc3\xa9", "plain \xc3\xa9"}, {"a\nb\x7f", "a b?"},
        {"\xff\xc3", "??"}, {"cut \xe2\x82", "cut ??"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char s[32];

        text_copy(s, sizeof s, rows[i].text);
        text_mend(s);
        CHECK_STR(s, rows[i].want);
    }
}

static void errors_are_text(void)
{
    struct err err;

    err_set(&err, ERR_INPUT, "\"%.2s\" is no number", "1\xc3\xa9");
    CHECK_STR(err.text, "\"1?\" is no number");
}

int main(void)
{
    RUN(mends);
    RUN(errors_are_text);
    RUN(takes_the_base_name);
    RUN(cuts_between_characters);
    RUN(knows_utf8);
    RUN(reads_numbers_strictly);
    RUN(hex_round_trip);
    return test_end();
}
