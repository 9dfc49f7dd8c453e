/* Frames of a websocket (RFC 6455), as a server sees them: bytes in, whole messages out, and back. Pure.
 *
 * Strict: frames of a client are masked, control frames short and whole, lengths in their shortest form, text
 * is UTF-8, and nothing else is understood. Fragments are joined. Use one reader from one thread. */
#ifndef ASSAY_NET_FRAMES_H
#define ASSAY_NET_FRAMES_H

#include "base/arena.h"
#include "base/bytes.h"

enum frame_kind {
    FRAME_MORE = 0x0,
    FRAME_TEXT = 0x1,
    FRAME_BINARY = 0x2,
    FRAME_CLOSE = 0x8,
    FRAME_PING = 0x9,
    FRAME_PONG = 0xa
};
/* Why a connection is closed, as the wire says it. */
enum close_code {
    CLOSE_NORMAL = 1000,
    CLOSE_GOING = 1001,
    CLOSE_PROTOCOL = 1002,
    CLOSE_DATA = 1003,
    CLOSE_TEXT = 1007,
    CLOSE_POLICY = 1008,
    CLOSE_LARGE = 1009,
};

struct frame_reader {
    size_t max_message;
    struct buf raw;     /* the begin of a frame that is not whole yet */
    struct buf message; /* fragments so far */
    int kind;           /* of that message; 0: none has begun */
};
struct frame_reader frame_reader(size_t max_message);
void frame_reader_clear(struct frame_reader *r);
/* Calls `got` for every message and control frame in the bytes: FRAME_TEXT, _BINARY, _CLOSE, _PING, _PONG;
 * its data lives for the call. 0, or the close_code for what cannot be gone on with; the reader is of no more
 * use then. A `got` that returns another number than 0 ends it with that. */
typedef int frame_got(void *arg, enum frame_kind kind, struct bytes data);
int frame_feed(struct frame_reader *r, struct bytes data, frame_got *got, void *arg);

/* A frame of a server, unmasked. */
void frame_write(struct buf *out, enum frame_kind kind, struct bytes data);
/* What Sec-WebSocket-Accept says to that key; NULL when it is none. In the arena. */
const char *frame_accept(struct arena *a, const char *key);

#endif
