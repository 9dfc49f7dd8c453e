/* When a delivery is tried again, and when no more. Pure: the jitter comes from the delivery's id and the
 * number of the try, so it is the same again after a restart. */
#ifndef ASSAY_HOOK_SCHEDULE_H
#define ASSAY_HOOK_SCHEDULE_H

#include <stdint.h>

#include "base/err.h"

enum { SCHEDULE_MAX = 32 };

/* The waits before each try; the first one is 0. */
struct schedule {
    int n;
    int64_t wait_us[SCHEDULE_MAX];
};

/* "0,5s,5m,30m,2h,5h,10h". ERR_INPUT. */
int schedule_parse(const char *text, struct schedule *ret, struct err *err);

/* What became of a try. */
struct attempt {
    const char *id;    /* of the delivery */
    int number;        /* 1 = the first */
    int status;        /* 0 = no answer */
    int retry_after_s; /* -1 = not said */
};
enum verdict { VERDICT_DELIVERED, VERDICT_AGAIN, VERDICT_DEAD };

/* Any 2xx is delivered; 410 is dead at once; all others, and silence, are tried again until the schedule
 * ends. A Retry-After of 429 and 503 makes a wait longer, not shorter, and a day at most. ret_wait_us: with
 * VERDICT_AGAIN. */
enum verdict schedule_next(const struct schedule *s, const struct attempt *t, int64_t *ret_wait_us);

#endif
