#include "base/clock.h"

#include "test.h"

static void writes_utc_millis(void)
{
    char s[CLOCK_TEXT];

    CHECK_STR(clock_rfc3339(s, 1717766263811000), "2024-06-07T13:17:43.811Z");
    CHECK_STR(clock_rfc3339(s, 0), "1970-01-01T00:00:00.000Z");
}

static void reads_any_offset_and_fraction(void)
{
    static const struct {
        const char *s;
        bool ok;
        int64_t us;
    } rows[] = {
        {"1970-01-01T00:00:00Z", true, 0},
        {"2024-06-07T13:32:43.811+02:00", true, 1717759963811000},
        {"2024-06-07T11:32:43.811123456Z", true, 1717759963811123},
        {"1970-01-01t00:00:01z", true, 1000000},
        {"1970-01-01T00:00:00-01:30", true, 5400000000},
        {"1970-01-01T00:00:00", false, 0},
        {"1970-01-01T00:00:00.Z", false, 0},
        {"1970-01-01", false, 0},
        {"1970-01-01T00:00:00Zx", false, 0},
        {"", false, 0},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t us = 0;
        CHECK(clock_parse_rfc3339(rows[i].s, &us) == rows[i].ok);
        if (rows[i].ok)
            CHECK_INT(us, rows[i].us);
        ROW("%s", rows[i].s);
    }
}

int main(void)
{
    RUN(writes_utc_millis);
    RUN(reads_any_offset_and_fraction);
    return test_end();
}
