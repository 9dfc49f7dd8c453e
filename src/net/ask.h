/* A question to a server of our own on a numeric address: one GET, in clear text, without a key. For commands
 * that look into a running server; nothing else is trusted with this. */
#ifndef ASSAY_NET_ASK_H
#define ASSAY_NET_ASK_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"

/* address: "127.0.0.1:9480". The body of any answer, in the arena, with its status. ERR_INPUT for a bad
 * address, ERR_IO when nobody answers within the time, ERR_LIMIT beyond max_bytes. Waits. */
struct question {
    const char *address, *path;
    int timeout_ms;
    size_t max_bytes;
};
int net_ask(struct arena *a, const struct question *q, int *ret_status, struct bytes *ret_body,
            struct err *err);

#endif
