#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec t;

    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_wall_us(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t clock_mono_us(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_cpu_us(void)
{
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

char *clock_rfc3339(char *dst, int64_t wall_us)
{
    time_t seconds = (time_t)(wall_us / 1000000);
    int millis = (int)(wall_us % 1000000 / 1000);
    struct tm t;
    size_t n;

    gmtime_r(&seconds, &t);
    n = strftime(dst, CLOCK_TEXT, "%Y-%m-%dT%H:%M:%S", &t);
    snprintf(dst + n, CLOCK_TEXT - n, ".%03dZ", millis);
    return dst;
}

/* Reads the optional fraction at *s and moves *s behind it. */
static bool parse_fraction(const char **s, int64_t *ret_us)
{
    int64_t scale = 100000;

    *ret_us = 0;
    if (**s != '.')
        return true;
    for (++*s; **s >= '0' && **s <= '9'; ++*s, scale /= 10)
        *ret_us += (**s - '0') * scale;
    return (*s)[-1] != '.';
}

static bool parse_offset(const char *s, int64_t *ret_seconds)
{
    int hours, minutes, used = 0;
    char sign;

    *ret_seconds = 0;
    if ((*s == 'Z' || *s == 'z') && !s[1])
        return true;
    if (sscanf(s, "%c%2d:%2d%n", &sign, &hours, &minutes, &used) != 3 || used != 6 || s[6])
        return false;
    *ret_seconds = (hours * 60 + minutes) * 60 * (sign == '-' ? -1 : 1);
    return sign == '+' || sign == '-';
}

bool clock_parse_rfc3339(const char *s, int64_t *ret_wall_us)
{
    struct tm t = {0};
    int64_t fraction_us, offset;
    int used = 0;

    if (sscanf(s, "%4d-%2d-%2d%*1[Tt ]%2d:%2d:%2d%n", &t.tm_year, &t.tm_mon, &t.tm_mday, &t.tm_hour,
               &t.tm_min, &t.tm_sec, &used) != 6 ||
        used != 19)
        return false;
    s += used;
    if (!parse_fraction(&s, &fraction_us) || !parse_offset(s, &offset))
        return false;
    t.tm_year -= 1900;
    t.tm_mon -= 1;
    *ret_wall_us = ((int64_t)timegm(&t) - offset) * 1000000 + fraction_us;
    return true;
}
