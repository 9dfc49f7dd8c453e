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
