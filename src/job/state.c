#include <assert.h>

#include "base/text.h"
#include "job/jobs_int.h"

/*   NEW --claim--> CLAIMED --finish--> DONE
 *    ^                |  +---fail----> FAILED
 *    +-analyst died---+  +---late----> TIMED_OUT
 *    +-server died----+                (NEW, CLAIMED --cancel--> CANCELLED)
 *
 * A job whose analyst died for the last time goes to FAILED. */
static const uint8_t job_next[JOB_STATE_COUNT] = {
    [JOB_NEW] = 1 << JOB_CLAIMED | 1 << JOB_CANCELLED,
    [JOB_CLAIMED] = 1 << JOB_DONE | 1 << JOB_FAILED | 1 << JOB_TIMED_OUT | 1 << JOB_NEW | 1 << JOB_CANCELLED,
    [JOB_DONE] = 0,
    [JOB_FAILED] = 0,
    [JOB_TIMED_OUT] = 0,
    [JOB_CANCELLED] = 0,
};

/* As in the store. */
static const char *const names[JOB_STATE_COUNT] = {
    [JOB_NEW] = "new",       [JOB_CLAIMED] = "claimed",     [JOB_DONE] = "done",
    [JOB_FAILED] = "failed", [JOB_TIMED_OUT] = "timed_out", [JOB_CANCELLED] = "cancelled",
};

const char *job_state_name(enum job_state s)
{
    return names[s];
}

bool job_state_parse(const char *name, enum job_state *ret)
{
    for (int s = 0; s < JOB_STATE_COUNT; s++)
        if (text_is(names[s], name)) {
            *ret = (enum job_state)s;
            return true;
        }
    return false;
}

bool job_state_may(enum job_state from, enum job_state to)
{
    return job_next[from] & 1 << to;
}

bool job_state_is_final(enum job_state s)
{
    return !job_next[s];
}

struct job_move job_move_of(const char *id, enum job_state from, enum job_state to)
{
    assert(job_state_may(from, to));
    return (struct job_move){.id = id, .from = names[from], .to = names[to], .attempts = -1};
}
