/* Frames of a websocket: fed whole and in small pieces, the events are the same, and never longer than
 * allowed. The input's first byte is the size of the pieces. */
#include <stdlib.h>
#include <string.h>

#include "net/frames.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX = 300 };

static int note(void *arg, enum frame_kind kind, struct bytes data)
{
    uint8_t head[2] = {(uint8_t)kind, (uint8_t)data.len};

    if (data.len > MAX)
        abort();
    buf_add(arg, head, sizeof head);
    if (data.len)
        buf_add(arg, data.data, data.len);
    return 0;
}

static int feed(struct bytes data, size_t step, struct buf *seen)
{
    struct frame_reader r = frame_reader(MAX);
    int code = 0;

    for (size_t at = 0; at < data.len && !code; at += step)
        code =
            frame_feed(&r, bytes_of(data.data + at, data.len - at < step ? data.len - at : step), note, seen);
    frame_reader_clear(&r);
    return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole = BUF(1 << 24), pieces = BUF(1 << 24);

    if (size < 2)
        return 0;
    if (feed(bytes_of(data + 1, size - 1), size, &whole) !=
        feed(bytes_of(data + 1, size - 1), data[0] % 16 + 1U, &pieces))
        abort();
    if (whole.len != pieces.len || (whole.len && memcmp(whole.data, pieces.data, whole.len) != 0))
        abort();
    buf_clear(&whole);
    buf_clear(&pieces);
    return 0;
}
