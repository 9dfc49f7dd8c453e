#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"
#include "net/server_int.h"

/* The library counts the connections a response is queued on; `refs` counts the owners on our side. */
struct kept_reply {
    atomic_size_t refs;
    int status;
    struct MHD_Response *response;
};

struct kept_reply *kept_reply_new(int status, const char *type, struct bytes body)
{
    struct kept_reply *k = mem_alloc(sizeof *k);

    k->status = status;
    k->response = reply_build(&(struct reply){.status = status, .type = type, .body = body});
    atomic_init(&k->refs, 1);
    return k;
}

struct kept_reply *kept_reply_ref(struct kept_reply *k)
{
    atomic_fetch_add_explicit(&k->refs, 1, memory_order_relaxed);
    return k;
}

void kept_reply_unref(struct kept_reply *k)
{
    if (!k || atomic_fetch_sub_explicit(&k->refs, 1, memory_order_acq_rel) != 1)
        return;
    MHD_destroy_response(k->response);
    free(k);
}

struct MHD_Response *kept_response(const struct kept_reply *k)
{
    return k->response;
}

int kept_status(const struct kept_reply *k)
{
    return k->status;
}
