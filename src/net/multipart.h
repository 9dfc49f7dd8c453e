/* multipart/form-data, streamed: parts arrive piece by piece and nothing is kept. Feed it from a handler's
 * `body`. Strict about the frame: a body that is cut off, lacks its boundary or its closing line is
 * ERR_INPUT. Ceilings: 64 parts (or as multipart_allow says), 8 KiB of headers per part (ERR_LIMIT). Framing
 * is RFC 2046, fields are RFC 7578; a transfer encoding other than 7bit, 8bit, binary is ERR_UNSUPPORTED.
 * After a failure every further call fails. Use one parser from one thread. */
#ifndef ASSAY_NET_MULTIPART_H
#define ASSAY_NET_MULTIPART_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"

struct part {
    const char *name; /* "" when the part has none */
    const char
        *file_name;   /* NULL when it is not a file part; as sent (see text_base_name), filename* first */
    const char *type; /* Content-Type of the part, NULL when absent */
};

struct multipart_events {
    /* A part begins; `part` lives until its end. Non-zero return stops parsing; the callee has set err. How
     * the data is cut into pieces follows the pieces fed and means nothing; no piece is empty. */
    int (*begin)(void *arg, const struct part *part, struct err *err);
    int (*data)(void *arg, struct bytes piece, struct err *err);
    int (*end)(void *arg, struct err *err);
};

struct multipart;

/* content_type: the request's header. ERR_UNSUPPORTED when it is not multipart/form-data, ERR_INPUT without a
 * usable boundary. */
int multipart_new(struct multipart **ret_mp, const char *content_type, const struct multipart_events *events,
                  void *arg, struct err *err);
void multipart_allow(struct multipart *mp, int parts); /* before the first piece */
void multipart_freep(struct multipart **mp);
int multipart_feed(struct multipart *mp, struct bytes piece, struct err *err);
/* The body is over: ERR_INPUT unless the closing boundary was seen. */
int multipart_finish(struct multipart *mp, struct err *err);

#endif
