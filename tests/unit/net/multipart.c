/* The form parser. Every body of the table is fed whole, byte by byte and cut at every place: the events must not
 * depend on that. */
#include "net/multipart.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "test.h"

#define FORM "multipart/form-data; boundary=B"
#define CD "Content-Disposition: form-data; "

/* Events as text: [name|file|type]data; each part, pieces of data joined. */
static int on_begin(void *arg, const struct part *part, struct err *err)
{
    (void)err;
    buf_printf(arg, "[%s|%s|%s]", part->name, part->file_name ? part->file_name : "-", part->type ? part->type : "-");
    return 0;
}

static int on_data(void *arg, struct bytes piece, struct err *err)
{
    if (!piece.len)
        return FAIL(err, ERR_INTERNAL, "an empty piece");
    buf_add(arg, piece.data, piece.len);
    return 0;
}

static int on_end(void *arg, struct err *err)
{
    (void)err;
    buf_str(arg, ";");
    return 0;
}

static const struct multipart_events to_text = {on_begin, on_data, on_end};

/* The kind of the failure, or ERR_NONE. Pieces: [0, cut), then `step` bytes at a time. */
static enum err_kind parse(const char *type, struct bytes body, size_t cut, size_t step, struct buf *out)
{
    CLEANUP(multipart_freep) struct multipart *mp = NULL;
    struct err err = {0};

    if (multipart_new(&mp, type, &to_text, out, &err) < 0)
        return err.kind;
    for (size_t at = 0, n; at < body.len; at += n) {
        n = at < cut ? cut - at : step;
        n = n < body.len - at ? n : body.len - at;
        /* A copy of exactly that size, so that the sanitizer sees a read beyond the piece. */
        CLEANUP(freep) uint8_t *copy = mem_alloc(n);
        memcpy(copy, body.data + at, n);
        if (multipart_feed(mp, bytes_of(copy, n), &err) < 0)
            return *err.text ? err.kind : ERR_NONE;
    }
    if (multipart_finish(mp, &err) < 0)
        return err.kind;
    return ERR_NONE;
}

struct row {
    const char *what, *type, *body, *events;
    enum err_kind kind;
};

static const struct row rows[] = {
    {"one field", FORM, "--B\r\n" CD "name=a\r\n\r\nx\r\n--B--\r\n", "[a|-|-]x;", ERR_NONE},
    {"no line end after the last boundary", FORM, "--B\r\n" CD "name=a\r\n\r\nx\r\n--B--", "[a|-|-]x;", ERR_NONE},
    {"field and file", FORM,
     "--B\r\n" CD "name=\"m\"\r\n\r\n{}\r\n--B\r\n" CD
     "name=\"video\"; filename=\"a b.mp4\"\r\nContent-Type: video/mp4\r\n\r\nDATA\r\n--B--\r\n",
     "[m|-|-]{};[video|a b.mp4|video/mp4]DATA;", ERR_NONE},
    {"preamble and epilogue", FORM, "hello\r\n--A\r\n\r\n--B\r\n" CD "name=a\r\n\r\nx\r\n--B--\r\nbye\r\n--B\r\n",
     "[a|-|-]x;", ERR_NONE},
    {"no parts", FORM, "--B--", "", ERR_NONE},
    {"empty data", FORM, "--B\r\n" CD "name=a\r\n\r\n\r\n--B--", "[a|-|-];", ERR_NONE},
    {"empty part without its own line end", FORM, "--B\r\n" CD "name=a\r\n\r\n--B--", "[a|-|-];", ERR_NONE},
    {"part without headers", FORM, "--B\r\n\r\nx\r\n--B--", "[|-|-]x;", ERR_NONE},
    {"header names and words in any case", "Multipart/Form-Data; Boundary=B",
     "--B\r\ncontent-DISPOSITION:Form-Data;NAME=a\r\n\r\nx\r\n--B--", "[a|-|-]x;", ERR_NONE},
    {"blanks behind the boundary", FORM, "--B \t\r\n" CD "name=a\r\n\r\nx\r\n--B--", "[a|-|-]x;", ERR_NONE},
    {"unknown headers", FORM, "--B\r\nX-Y: z\r\n" CD "name=a\r\n\r\nx\r\n--B--", "[a|-|-]x;", ERR_NONE},
    {"parts that look like boundaries", FORM, "--B\r\n" CD "name=a\r\n\r\n--A\r\n--\r\n-\r\r\n\r\n--C--\r\n--B--",
     "[a|-|-]--A\r\n--\r\n-\r\r\n\r\n--C--;", ERR_NONE},
    {"boundary not at the start of a line", FORM, "--B\r\n" CD "name=a\r\n\r\nx--B\n--B\r--B\r\n--B--",
     "[a|-|-]x--B\n--B\r--B;", ERR_NONE},
    {"false start repeated", FORM, "--B\r\n" CD "name=a\r\n\r\n\r\n-\r\n--\r\r\n\r\n--B--", "[a|-|-]\r\n-\r\n--\r\r\n;",
     ERR_NONE},
    {"escaped quote and backslash", FORM, "--B\r\n" CD "name=\"a\\\"b\\\\c\"\r\n\r\nx\r\n--B--", "[a\"b\\c|-|-]x;",
     ERR_NONE},
    {"unescaped Windows path", FORM, "--B\r\n" CD "name=a; filename=\"C:\\x\\y.mp4\"\r\n\r\nx\r\n--B--",
     "[a|C:\\x\\y.mp4|-]x;", ERR_NONE},
    {"semicolon and equals in quotes", FORM, "--B\r\n" CD "name=\"a;name=b\"\r\n\r\nx\r\n--B--", "[a;name=b|-|-]x;",
     ERR_NONE},
    {"no file chosen", FORM, "--B\r\n" CD "name=a; filename=\"\"\r\n\r\n\r\n--B--", "[a||-];", ERR_NONE},
    {"filename* wins", FORM,
     "--B\r\n" CD "name=a; filename=\"x\"; filename*=UTF-8'de'%c3%a4%20b.mp4\r\n\r\nx\r\n--B--",
     "[a|\xc3\xa4 b.mp4|-]x;", ERR_NONE},
    {"quoted boundary with a space", "multipart/form-data; charset=utf-8; boundary=\"a b'()+_,-./:=?c\"",
     "--a b'()+_,-./:=?c\r\n" CD "name=a\r\n\r\nx\r\n--a b'()+_,-./:=?c--", "[a|-|-]x;", ERR_NONE},
    {"boundary of 70", "multipart/form-data; boundary=" "0123456789012345678901234567890123456789012345678901234567890123456789",
     "--0123456789012345678901234567890123456789012345678901234567890123456789--", "", ERR_NONE},
    {"binary encoding", FORM, "--B\r\nContent-Transfer-Encoding: binary\r\n\r\nx\r\n--B--", "[|-|-]x;", ERR_NONE},

    {"not a form", "application/json", "", "", ERR_UNSUPPORTED},
    {"no type", NULL, "", "", ERR_UNSUPPORTED},
    {"longer word", "multipart/form-data2; boundary=B", "", "", ERR_UNSUPPORTED},
    {"no boundary", "multipart/form-data", "", "", ERR_INPUT},
    {"empty boundary", "multipart/form-data; boundary=\"\"", "", "", ERR_INPUT},
    {"boundary of 71", "multipart/form-data; boundary=" "01234567890123456789012345678901234567890123456789012345678901234567890",
     "", "", ERR_INPUT},
    {"boundary ends with a space", "multipart/form-data; boundary=\"B \"", "", "", ERR_INPUT},
    {"boundary with a star", "multipart/form-data; boundary=B*", "", "", ERR_INPUT},
    {"two boundaries", FORM "; boundary=C", "", "", ERR_INPUT},
    {"open quote", "multipart/form-data; boundary=\"B", "", "", ERR_INPUT},
    {"empty body", FORM, "", "", ERR_INPUT},
    {"other boundary", FORM, "--C\r\n\r\nx\r\n--C--", "", ERR_INPUT},
    {"cut in the data", FORM, "--B\r\n" CD "name=a\r\n\r\nx", "[a|-|-]x", ERR_INPUT},
    {"cut in the last boundary", FORM, "--B\r\n" CD "name=a\r\n\r\nx\r\n--B-", "[a|-|-]x", ERR_INPUT},
    {"cut before the last boundary's dashes", FORM, "--B\r\n" CD "name=a\r\n\r\nx\r\n--B", "[a|-|-]x", ERR_INPUT},
    {"cut after a boundary", FORM, "--B\r\n" CD "name=a\r\n\r\nx\r\n--B\r\n", "[a|-|-]x;", ERR_INPUT},
    {"cut in the headers", FORM, "--B\r\n" CD "name=a\r\n", "", ERR_INPUT},
    {"boundary runs on", FORM, "--B\r\n" CD "name=a\r\n\r\nx\r\n--Bx\r\n", "[a|-|-]x", ERR_INPUT},
    {"one dash", FORM, "--B-\r\n", "", ERR_INPUT},
    {"bare line feed behind the boundary", FORM, "--B\n" CD "name=a\n\nx\n--B--", "", ERR_INPUT},
    {"bare line feed in the headers", FORM, "--B\r\n" CD "name=a\n\r\nx\r\n--B--", "", ERR_INPUT},
    {"folded header", FORM, "--B\r\n" CD "name=a;\r\n filename=b\r\n\r\nx\r\n--B--", "", ERR_INPUT},
    {"header without a colon", FORM, "--B\r\nabc\r\n\r\nx\r\n--B--", "", ERR_INPUT},
    {"header without a name", FORM, "--B\r\n: abc\r\n\r\nx\r\n--B--", "", ERR_INPUT},
    {"blank before the colon", FORM, "--B\r\n" "Content-Type : a\r\n\r\nx\r\n--B--", "", ERR_INPUT},
    {"control character", FORM, "--B\r\n" CD "name=\"a\x01\"\r\n\r\nx\r\n--B--", "", ERR_INPUT},
    {"bare CR in a header", FORM, "--B\r\n" CD "name=\"a\rb\"\r\n\r\nx\r\n--B--", "", ERR_INPUT},
    {"boundary where a header should be", FORM, "--B\r\n--B--", "", ERR_INPUT},
    {"not form-data", FORM, "--B\r\nContent-Disposition: attachment; name=a\r\n\r\nx\r\n--B--", "", ERR_INPUT},
    {"two dispositions", FORM, "--B\r\n" CD "name=a\r\n" CD "name=b\r\n\r\nx\r\n--B--", "", ERR_INPUT},
    {"two names", FORM, "--B\r\n" CD "name=a; name=b\r\n\r\nx\r\n--B--", "", ERR_INPUT},
    {"two types", FORM, "--B\r\nContent-Type: a\r\nContent-Type: b\r\n\r\nx\r\n--B--", "", ERR_INPUT},
    {"open quote in a name", FORM, "--B\r\n" CD "name=\"a\r\n\r\nx\r\n--B--", "", ERR_INPUT},
    {"text behind the quote", FORM, "--B\r\n" CD "name=\"a\"b\r\n\r\nx\r\n--B--", "", ERR_INPUT},
    {"filename* in Latin-1", FORM, "--B\r\n" CD "name=a; filename*=ISO-8859-1''%e4\r\n\r\nx\r\n--B--", "", ERR_INPUT},
    {"filename* not UTF-8", FORM, "--B\r\n" CD "name=a; filename*=UTF-8''%e4\r\n\r\nx\r\n--B--", "", ERR_INPUT},
    {"filename* with NUL", FORM, "--B\r\n" CD "name=a; filename*=UTF-8''a%00b\r\n\r\nx\r\n--B--", "", ERR_INPUT},
    {"base64", FORM, "--B\r\nContent-Transfer-Encoding: base64\r\n\r\nx\r\n--B--", "", ERR_UNSUPPORTED},
};

static void check_row(const struct row *row, size_t cut, size_t step)
{
    struct buf out = BUF(1 << 16);

    buf_str(&out, "");
    CHECK_INT(parse(row->type, bytes_of(row->body, strlen(row->body)), cut, step, &out), row->kind);
    CHECK_STR(out.data, row->events);
    ROW("%s, cut at %zu, then %zu at a time", row->what, cut, step);
    buf_clear(&out);
}

static void same_events_however_it_is_cut(void)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        size_t len = strlen(rows[i].body);
        check_row(&rows[i], 0, 1);
        check_row(&rows[i], 0, 3);
        for (size_t cut = 0; cut <= len; cut++)
            check_row(&rows[i], cut, len + 1);
        if (!test_ok)
            return;
    }
}

static void holds_binary_data(void)
{
    static const char head[] = "--B\r\n" CD "name=a\r\n\r\n", tail[] = "\r\n--B--";
    struct buf body = BUF(1 << 20), out = BUF(1 << 20);
    uint32_t seed = 1;

    buf_str(&body, head);
    for (int i = 0; i < 100000; i++) {
        seed = seed * 1664525 + 1013904223;
        buf_add(&body, &(uint8_t){(uint8_t)(seed >> 24)}, 1);
    }
    buf_str(&body, tail);
    for (size_t step = 1; step < 200000; step = step * 7 + 1) {
        out.len = 0;
        CHECK_INT(parse(FORM, buf_bytes(&body), 0, step, &out), ERR_NONE);
        CHECK_INT(out.len, 7 + 100000 + 1);
        CHECK(memcmp(out.data + 7, body.data + sizeof head - 1, 100000) == 0);
        ROW("%zu bytes at a time", step);
    }
    buf_clear(&body);
    buf_clear(&out);
}

static void has_ceilings(void)
{
    struct buf body = BUF(1 << 20), out = BUF(1 << 20);

    for (int i = 0; i < 64; i++)
        buf_str(&body, "--B\r\n\r\n\r\n");
    buf_str(&body, "--B--");
    CHECK_INT(parse(FORM, buf_bytes(&body), 0, 1, &out), ERR_NONE);
    body.len -= 2;
    buf_str(&body, "\r\n\r\n\r\n--B--");
    CHECK_INT(parse(FORM, buf_bytes(&body), 0, 1, &out), ERR_LIMIT);

    for (size_t over = 0; over < 2; over++) { /* 8192 bytes with the empty line are the limit */
        body.len = 0;
        buf_str(&body, "--B\r\nX: ");
        for (size_t i = 0; i < 8192 - 3 - 4 + over; i++)
            buf_str(&body, "y");
        buf_str(&body, "\r\n\r\n\r\n--B--");
        CHECK_INT(parse(FORM, buf_bytes(&body), 0, 1, &out), over ? ERR_LIMIT : ERR_NONE);
        CHECK_INT(parse(FORM, buf_bytes(&body), 0, body.len, &out), over ? ERR_LIMIT : ERR_NONE);
    }
    buf_clear(&body);
    buf_clear(&out);
}

static int count_call(void *arg, struct bytes piece, struct err *err)
{
    (void)piece, (void)err;
    ++*(size_t *)arg;
    return 0;
}

static int no_begin(void *arg, const struct part *part, struct err *err)
{
    (void)arg, (void)part, (void)err;
    return 0;
}

static int no_end(void *arg, struct err *err)
{
    (void)arg, (void)err;
    return 0;
}

/* Work is counted in calls, which do not depend on the machine: one false start after the other must not cost one call
 * each. */
static void false_starts_are_cheap(void)
{
    static const struct multipart_events counting = {no_begin, count_call, no_end};
    static const char *const starts[] = {"\r\n--", "\r", "\r\n", "\r\n--C"};
    enum { SIZE = 1 << 20 };

    for (size_t i = 0; i < COUNT_OF(starts); i++) {
        CLEANUP(multipart_freep) struct multipart *mp = NULL;
        CLEANUP(freep) char *body = mem_alloc(SIZE);
        size_t calls = 0;
        for (size_t at = 0; at < SIZE; at++)
            body[at] = starts[i][at % strlen(starts[i])];
        CHECK_INT(multipart_new(&mp, FORM, &counting, &calls, NULL), 0);
        CHECK_INT(multipart_feed(mp, bytes_of("--B\r\n\r\n", 7), NULL), 0);
        for (int piece = 0; piece < 10; piece++)
            CHECK_INT(multipart_feed(mp, bytes_of(body, SIZE), NULL), 0);
        CHECK(calls <= 30);
        ROW("start %zu: %zu calls", i, calls);
    }
}

static int refuse_data(void *arg, struct bytes piece, struct err *err)
{
    (void)arg, (void)piece;
    return FAIL(err, ERR_BUSY, "disk is full");
}

static void stays_failed(void)
{
    static const struct multipart_events refusing = {no_begin, refuse_data, no_end};
    CLEANUP(multipart_freep) struct multipart *mp = NULL;
    struct err err = {0};

    CHECK_INT(multipart_new(&mp, FORM, &refusing, NULL, &err), 0);
    CHECK_INT(multipart_feed(mp, bytes_of("--B\r\n\r\nx\r\n--B--", 15), &err), -1);
    CHECK(err.kind == ERR_BUSY);
    CHECK_STR(err.text, "disk is full");
    CHECK_INT(multipart_feed(mp, bytes_of("\r\n--B--", 7), &err), -1);
    CHECK_INT(multipart_finish(mp, &err), -1);
}

int main(void)
{
    RUN(same_events_however_it_is_cut);
    RUN(holds_binary_data);
    RUN(has_ceilings);
    RUN(false_starts_are_cheap);
    RUN(stays_failed);
    return test_end();
}
