/* Frames: the same events however the bytes are cut, and every fault with its code. */
#include "net/frames.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "test.h"

enum { MAX = 1000 };

static int note(void *arg, enum frame_kind kind, struct bytes data)
{
    buf_printf(arg, "%x:%.*s;", (unsigned)kind, data.len > 20 ? 20 : (int)data.len, (const char *)data.data);
    return 0;
}

static const uint8_t mask[4] = {0x11, 0x22, 0x33, 0x44};

/* As a client sends it. */
static void add_frame(struct buf *out, unsigned first, const char *data, size_t len)
{
    uint8_t head[4] = {(uint8_t)first, (uint8_t)(0x80 | (len < 126 ? len : 126)), (uint8_t)(len >> 8),
                       (uint8_t)len};

    buf_add(out, head, len < 126 ? 2 : 4);
    buf_add(out, mask, 4);
    for (size_t i = 0; i < len; i++) {
        uint8_t c = (uint8_t)data[i] ^ mask[i % 4];
        buf_add(out, &c, 1);
    }
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

static const struct {
    const char *what;
    struct {
        unsigned first;
        const char *data;
    } frames[4];
    int code;
    const char *seen;
} rows[] = {
    {"text", {{0x81, "hello"}}, 0, "1:hello;"},
    {"empty text", {{0x81, ""}}, 0, "1:;"},
    {"fragments", {{0x01, "he"}, {0x00, "l"}, {0x80, "lo"}}, 0, "1:hello;"},
    {"a ping between them", {{0x01, "he"}, {0x89, "p"}, {0x80, "llo"}}, 0, "9:p;1:hello;"},
    {"half a letter in each", {{0x01, "\xc3"}, {0x80, "\xa4"}}, 0, "1:\xc3\xa4;"},
    {"no UTF-8", {{0x81, "\xc3"}}, CLOSE_TEXT, ""},
    {"binary", {{0x82, "\xff"}}, 0, "2:\xff;"},
    {"close", {{0x88, "\x03\xe8 bye"}}, 0, "8:\x03\xe8 bye;"},
    {"close with half a code", {{0x88, "\x03"}}, CLOSE_PROTOCOL, ""},
    {"goes on with nothing", {{0x80, "x"}}, CLOSE_PROTOCOL, ""},
    {"begins in the middle", {{0x01, "x"}, {0x81, "y"}}, CLOSE_PROTOCOL, ""},
    {"ping in fragments", {{0x09, "x"}}, CLOSE_PROTOCOL, ""},
    {"reserved bit", {{0xc1, "x"}}, CLOSE_PROTOCOL, ""},
    {"unknown kind", {{0x83, "x"}}, CLOSE_PROTOCOL, ""},
};

static void test_rows(void)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        for (size_t step = 1; step < 64; step += 7) {
            CLEANUP(buf_clear) struct buf wire = BUF(4096), seen = BUF(4096);
            for (size_t f = 0; f < 4 && rows[i].frames[f].data; f++)
                add_frame(&wire, rows[i].frames[f].first, rows[i].frames[f].data,
                          strlen(rows[i].frames[f].data));
            buf_str(&seen, "");
            CHECK_INT(feed(buf_bytes(&wire), step, &seen), rows[i].code);
            if (!text_is(seen.data, rows[i].seen))
                printf("# %s\n", rows[i].what);
            CHECK_STR(seen.data, rows[i].seen);
        }
}

static void test_sizes(void)
{
    static const uint8_t unmasked[] = {0x81, 1, 'x'}, long_form[] = {0x81, 0xfe, 0, 5, 0, 0, 0, 0},
                         huge[] = {0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4};
    CLEANUP(buf_clear) struct buf seen = BUF(4096), most = BUF(4096), more = BUF(4096), parts = BUF(4096);
    char text[MAX + 1];

    memset(text, 'a', sizeof text);
    CHECK_INT(feed(bytes_of(unmasked, sizeof unmasked), 9, &seen), CLOSE_PROTOCOL);
    CHECK_INT(feed(bytes_of(long_form, sizeof long_form), 9, &seen), CLOSE_PROTOCOL);
    CHECK_INT(feed(bytes_of(huge, sizeof huge), 99, &seen), CLOSE_LARGE);
    add_frame(&most, 0x81, text, MAX);
    CHECK_INT(feed(buf_bytes(&most), 4096, &seen), 0);
    CHECK_INT(feed(buf_bytes(&most), 1, &seen), 0);
    add_frame(&more, 0x81, text, MAX + 1);
    CHECK_INT(feed(buf_bytes(&more), 4096, &seen), CLOSE_LARGE);
    add_frame(&parts, 0x01, text, 600);
    add_frame(&parts, 0x80, text, 600);
    CHECK_INT(feed(buf_bytes(&parts), 4096, &seen), CLOSE_LARGE);
}

static void test_write(void)
{
    static const size_t sizes[] = {0, 125, 126, 65535, 65536};
    static const size_t heads[] = {2, 2, 4, 4, 10};
    CLEANUP(freep) char *text = calloc(1, 65536);

    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        CLEANUP(buf_clear) struct buf out = BUF(1 << 20);
        frame_write(&out, FRAME_TEXT, bytes_of(text, sizes[i]));
        CHECK_INT(out.len, heads[i] + sizes[i]);
        CHECK_INT((uint8_t)out.data[0], 0x81);
    }
}

/* The example of RFC 6455. */
static void test_accept(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();

    CHECK_STR(frame_accept(a, "dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    CHECK(!frame_accept(a, NULL));
    CHECK(!frame_accept(a, ""));
    CHECK(!frame_accept(a, "dGhlIHNhbXBsZSBub25jZ***"));
    CHECK(!frame_accept(a, "dGhlIHNhbXBsZQ=="));
}

int main(void)
{
    RUN(test_rows);
    RUN(test_sizes);
    RUN(test_write);
    RUN(test_accept);
    return test_end();
}
