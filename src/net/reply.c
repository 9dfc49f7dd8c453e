#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "net/server_int.h"

/* The library refuses names and values that would break the head (line ends, empty): such a header is dropped. */
static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
    if (MHD_add_response_header(response, name, value) != MHD_YES)
        log_warn("reply header dropped", "name=%s value=%s", name, value);
}

struct MHD_Response *reply_build(const struct reply *rep)
{
    struct MHD_Response *response;
    size_t n = rep->nheaders < REPLY_MAX_HEADERS ? rep->nheaders : REPLY_MAX_HEADERS;

    /* MUST_COPY: the library only reads through the pointer it wants without const. */
    response = MHD_create_response_from_buffer(rep->body.len, (void *)(uintptr_t)rep->body.data,
                                               MHD_RESPMEM_MUST_COPY);
    if (!response)
        abort(); /* out of memory */
    if (rep->type)
        add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, rep->type);
    for (size_t i = 0; i < n; i++)
        add_header(response, rep->headers[i].name, rep->headers[i].value);
    return response;
}

void reply_header(struct reply *rep, struct request *r, const char *name, const char *fmt, ...)
{
    char text[1024];
    va_list args;

    if (rep->nheaders >= REPLY_MAX_HEADERS) {
        log_warn("reply header dropped", "name=%s reason=too_many", name);
        return;
    }
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    rep->headers[rep->nheaders++] = (struct header){name, arena_strdup(request_arena(r), text)};
}
