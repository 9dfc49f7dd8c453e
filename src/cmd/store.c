#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cmd/cmd.h"
#include "store/audit.h"

int command_records(struct records **ret_records, const char *dir, struct err *err)
{
    char who[64];

    if (records_open(ret_records, dir, err) < 0)
        return -1;
    snprintf(who, sizeof who, "command line (uid %u)", (unsigned)getuid());
    records_act_as(*ret_records, who);
    return 0;
}

void command_keep_error(void *arg, const struct err *err)
{
    *(struct err *)arg = *err;
}

int command_committed(struct records *db, int queued, const struct err *stored, struct err *err)
{
    if (queued < 0)
        return -1;
    records_sync(db); /* the answer comes before */
    return stored->kind == ERR_NONE ? 0 : FAIL(err, stored->kind, "%s", stored->text);
}

enum { STEP = 500 }; /* of job_sweep */

int command_sweep(struct records *db, const char *dir, struct err *err)
{
    CLEANUP(blobs_freep) struct blobs *blobs = NULL;
    size_t n = STEP;

    if (records_own(db, NULL) < 0)
        return 0; /* the server does it within a second */
    if (blobs_open(&blobs, dir, err) < 0)
        return -1;
    while (n == STEP)
        if (job_sweep(db, blobs, &n, err) < 0)
            return -1;
    return 0;
}
