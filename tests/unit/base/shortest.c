/* The fewest digits: against the slow way of finding them, over the whole range of floats. */
#include "base/shortest.h"

#include <float.h>
#include <math.h>
#include <stdint.h>

#include "base/c23.h"
#include "test.h"

static void is_what_people_write(void)
{
    static const struct {
        float v;
        const char *text;
    } rows[] = {
        {0, "0"},
        {-0.0F, "-0"},
        {1, "1"},
        {-12, "-12"},
        {9.81F, "9.81"},
        {0.1F, "0.1"},
        {-0.5F, "-0.5"},
        {1e6F, "1000000"},
        {123456.7F, "123456.7"},
        {0.0001F, "0.0001"},
        {1e-5F, "1e-05"},
        {1e30F, "1e+30"},
        {FLT_MAX, "3.4028235e+38"},
        {16777216, "16777216"},
        {0.33333334F, "0.33333334"},
        {NAN, "null"},
        {INFINITY, "null"},
    };
    char text[FLOAT_TEXT];

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CHECK_INT(float_text(text, rows[i].v), strlen(rows[i].text));
        CHECK_STR(text, rows[i].text);
    }
}

/* Digits of a text, without sign, point, exponent and zeros at the ends. */
static int digits_of(const char *text)
{
    int n = 0, zeros = 0;

    for (; *text && *text != 'e'; text++) {
        if (*text < '0' || *text > '9' || (n == 0 && *text == '0'))
            continue;
        n++;
        zeros = *text == '0' ? zeros + 1 : 0;
    }
    return n - zeros;
}

static int slow_digits(float v)
{
    char text[FLOAT_TEXT];

    for (int digits = 6; digits < 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, (double)v);
        if (!(strtof(text, NULL) < v || strtof(text, NULL) > v))
            return digits_of(text);
    }
    return 9;
}

static void reads_back_and_is_short(void)
{
    uint32_t bits = 12345, wrong = 0, longer = 0;
    char text[FLOAT_TEXT];
    float v;

    for (int i = 0; i < 500000; i++) {
        bits = bits * 1664525 + 1013904223;
        memcpy(&v, &bits, sizeof v);
        if (!isfinite(v))
            continue;
        float_text(text, v);
        wrong += strtof(text, NULL) < v || strtof(text, NULL) > v;
        wrong += (float)float_shortest(v) < v || (float)float_shortest(v) > v;
        if (fabsf(v) < 1e6F) /* all digits of a large whole number are shorter than an exponent */
            longer += digits_of(text) > slow_digits(v);
    }
    CHECK_INT(wrong, 0);
    CHECK_INT(longer, 0);
}

/* What sensors say: a few digits behind the point. */
static void decimals_come_back(void)
{
    uint32_t wrong = 0;
    char text[FLOAT_TEXT], want[FLOAT_TEXT];

    for (int i = -200000; i < 200000; i++) {
        float v = (float)(i / 1000.0);
        snprintf(want, sizeof want, "%g", i / 1000.0);
        float_text(text, v);
        wrong += strcmp(text, want) != 0;
    }
    CHECK_INT(wrong, 0);
}

int main(void)
{
    RUN(is_what_people_write);
    RUN(reads_back_and_is_short);
    RUN(decimals_come_back);
    return test_end();
}
