#include "hook/schedule.h"

#include <string.h>

#include "base/text.h"
#include "conf/conf.h"

enum { WORD_MAX = 32, DAY_S = 86400 };

static int parse_wait(const char *word, size_t n, int64_t *ret_us, struct err *err)
{
    char text[WORD_MAX];
    int64_t ms = 0;

    if (n < sizeof text) {
        memcpy(text, word, n);
        text[n] = '\0';
        if (text_is(text, "0") || (conf_duration(text, &ms) && ms <= 30LL * DAY_S * 1000)) {
            *ret_us = ms * 1000;
            return 0;
        }
    }
    return FAIL(err, ERR_INPUT, "'%.*s' is no time like 5s, 30m or 2h, 30d at most", (int)n, word);
}

int schedule_parse(const char *text, struct schedule *ret, struct err *err)
{
    struct schedule s = {0};

    for (const char *word = text;; word++) {
        size_t n = strcspn(word, ",");
        if (s.n == SCHEDULE_MAX)
            return FAIL(err, ERR_INPUT, "a schedule has at most %d tries", SCHEDULE_MAX);
        if (parse_wait(word, n, &s.wait_us[s.n++], err) < 0)
            return -1;
        word += n;
        if (!*word)
            break;
    }
    if (s.wait_us[0] != 0)
        return FAIL(err, ERR_INPUT, "a schedule begins with 0: the first try comes at once");
    *ret = s;
    return 0;
}

/* -10 % to +10 %, in millionths. */
static int64_t jitter(const struct attempt *t)
{
    uint64_t h = 14695981039346656037u ^ (uint64_t)t->number;

    for (const char *s = t->id; *s; s++)
        h = (h ^ (unsigned char)*s) * 1099511628211u;
    h ^= h >> 33; /* the last characters must reach the low bits, too */
    h *= 0xff51afd7ed558ccdu;
    h ^= h >> 33;
    return (int64_t)(h % 200001) - 100000;
}

enum verdict schedule_next(const struct schedule *s, const struct attempt *t, int64_t *ret_wait_us)
{
    int64_t wait, asked = 0;

    if (t->status >= 200 && t->status < 300)
        return VERDICT_DELIVERED;
    if (t->status == 410 || t->number >= s->n)
        return VERDICT_DEAD;
    wait = s->wait_us[t->number];
    wait += wait / 1000000 * jitter(t) + wait % 1000000 * jitter(t) / 1000000;
    if ((t->status == 429 || t->status == 503) && t->retry_after_s > 0)
        asked = (int64_t)(t->retry_after_s < DAY_S ? t->retry_after_s : DAY_S) * 1000000;
    *ret_wait_us = wait > asked ? wait : asked;
    return VERDICT_AGAIN;
}
