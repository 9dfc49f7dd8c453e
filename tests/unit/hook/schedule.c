/* When deliveries are tried again. */
#include "hook/schedule.h"

#include "base/c23.h"
#include "test.h"

#define S 1000000LL

static const struct {
    const char *text;
    int n;
    int64_t last_us;
} texts[] = {
    {"0,5s,5m,30m,2h,5h,10h", 7, 36000 * S},
    {"0", 1, 0},
    {"0s,100ms", 2, S / 10},
    {"0,1d", 2, 86400 * S},
    {"", -1, 0},
    {"5s", -1, 0},
    {"0,", -1, 0},
    {"0,,5s", -1, 0},
    {"0,5", -1, 0},
    {"0,-5s", -1, 0},
    {"0,x", -1, 0},
    {"0,31d", -1, 0},
    {"0,5s ", -1, 0},
    {"0,00000000000000000000000000000000000000000000000005s", -1, 0},
    {"0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0", 32, 0},
    {"0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0", -1, 0},
};

static void schedules_are_parsed(void)
{
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct schedule s;
        struct err err = {0};
        int r = schedule_parse(texts[i].text, &s, &err);
        CHECK_INT(r, texts[i].n < 0 ? -1 : 0);
        if (r == 0) {
            CHECK_INT(s.n, texts[i].n);
            CHECK_INT(s.wait_us[s.n - 1], texts[i].last_us);
        }
        ROW("%s: %s", texts[i].text, err.text);
    }
}

/* The schedule of the rows: 0, 5 s, 5 min. wait: before jitter, in seconds. */
static const struct {
    const char *what;
    int number, status, retry_after_s;
    enum verdict verdict;
    int64_t wait_s;
    bool exact;
} rows[] = {
    {"200", 1, 200, -1, VERDICT_DELIVERED, 0, false},
    {"204", 3, 204, -1, VERDICT_DELIVERED, 0, false},
    {"299", 9, 299, 5, VERDICT_DELIVERED, 0, false},
    {"redirect", 1, 302, -1, VERDICT_AGAIN, 5, false},
    {"304", 1, 304, -1, VERDICT_AGAIN, 5, false},
    {"400", 1, 400, -1, VERDICT_AGAIN, 5, false},
    {"404", 2, 404, -1, VERDICT_AGAIN, 300, false},
    {"500", 1, 500, -1, VERDICT_AGAIN, 5, false},
    {"no answer", 1, 0, -1, VERDICT_AGAIN, 5, false},
    {"no answer again", 2, 0, -1, VERDICT_AGAIN, 300, false},
    {"no answer, the last time", 3, 0, -1, VERDICT_DEAD, 0, false},
    {"500 after a shorter schedule", 7, 500, -1, VERDICT_DEAD, 0, false},
    {"gone", 1, 410, -1, VERDICT_DEAD, 0, false},
    {"asked to wait", 1, 503, 60, VERDICT_AGAIN, 60, true},
    {"asked to wait", 1, 429, 60, VERDICT_AGAIN, 60, true},
    {"asked to come sooner", 2, 429, 1, VERDICT_AGAIN, 300, false},
    {"asked to wait for a year", 1, 503, 31536000, VERDICT_AGAIN, 86400, true},
    {"asked at the end", 3, 503, 60, VERDICT_DEAD, 0, false},
    {"only 429 and 503 may ask", 1, 500, 60, VERDICT_AGAIN, 5, false},
    {"asked for nothing", 1, 503, 0, VERDICT_AGAIN, 5, false},
};

static void tries_follow_the_schedule(void)
{
    struct schedule s;

    CHECK_INT(schedule_parse("0,5s,5m", &s, NULL), 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct attempt t = {"msg_1", rows[i].number, rows[i].status, rows[i].retry_after_s};
        int64_t wait = -1, want = rows[i].wait_s * S;
        CHECK_INT(schedule_next(&s, &t, &wait), rows[i].verdict);
        if (rows[i].verdict == VERDICT_AGAIN && rows[i].exact)
            CHECK_INT(wait, want);
        else if (rows[i].verdict == VERDICT_AGAIN)
            CHECK(wait >= want - want / 10 && wait <= want + want / 10);
        ROW("%s: %lld us", rows[i].what, (long long)wait);
    }
}

/* The same delivery waits the same again; many of them are spread over the whole range. */
static void jitter_is_spread_and_repeatable(void)
{
    int below = 0, above = 0, least = 0, most = 0;
    struct schedule s;

    CHECK_INT(schedule_parse("0,100s", &s, NULL), 0);
    for (int i = 0; i < 1000; i++) {
        char id[32];
        struct attempt t = {id, 1, 0, -1};
        int64_t first, again;
        snprintf(id, sizeof id, "msg_%024d", i);
        schedule_next(&s, &t, &first);
        schedule_next(&s, &t, &again);
        CHECK_INT(first, again);
        CHECK(first >= 90 * S && first <= 110 * S);
        below += first < 100 * S;
        above += first > 100 * S;
        least += first < 92 * S;
        most += first > 108 * S;
    }
    CHECK(below > 400 && above > 400);
    CHECK(least > 50 && most > 50);
}

int main(void)
{
    RUN(schedules_are_parsed);
    RUN(tries_follow_the_schedule);
    RUN(jitter_is_spread_and_repeatable);
    return test_end();
}
