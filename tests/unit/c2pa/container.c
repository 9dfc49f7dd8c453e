/* Containers made by hand: one store in each, then what is wrong with it. */
#include "c2pa/container.h"

#include "base/cleanup.h"
#include "c2pa/jumbf.h"
#include "kit.h"
#include "test.h"

enum { STORE = 300, PART = 100, LARGEST = 1 << 20 };

/* Where the bytes of a store go, and how. */
typedef void make_fn(struct buf *out, struct bytes store);

static void add_little(struct buf *b, uint64_t v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        kit_number(b, v >> 8 * i & 0xff, 1);
}

/* One APP11 segment; the box header is in front of every part. */
static void add_packet(struct buf *b, int instance, int sequence, struct bytes store, size_t from, size_t n)
{
    size_t header = from > 0 ? 8 : 0;

    buf_add(b, "\xff\xeb", 2);
    kit_number(b, 2 + 8 + header + n, 2);
    buf_add(b, "JP", 2);
    kit_number(b, (uint64_t)instance, 2);
    kit_number(b, (uint64_t)sequence, 4);
    buf_add(b, store.data, header);
    buf_add(b, store.data + from, n);
}

static void begin_jpeg(struct buf *b)
{
    buf_add(b, "\xff\xd8\xff\xe0\x00\x04xx\xff", 9);
}

static void end_jpeg(struct buf *b)
{
    buf_add(b, "\xff\xda\x00\x02 picture \xff\xd9", 15);
}

static void make_jpeg(struct buf *b, struct bytes store)
{
    begin_jpeg(b);
    buf_add(b, "\xff\xeb\x00\x04JQ", 6);
    add_packet(b, 1, 1, store, 0, PART);
    add_packet(b, 1, 3, store, 2 * PART, store.len - 2 * PART);
    add_packet(b, 1, 2, store, PART, PART);
    end_jpeg(b);
}

static void make_jpeg_with_gap(struct buf *b, struct bytes store)
{
    begin_jpeg(b);
    add_packet(b, 1, 1, store, 0, PART);
    add_packet(b, 1, 3, store, 2 * PART, store.len - 2 * PART);
    end_jpeg(b);
}

static void make_jpeg_with_two(struct buf *b, struct bytes store)
{
    begin_jpeg(b);
    add_packet(b, 1, 1, store, 0, store.len);
    add_packet(b, 2, 1, store, 0, store.len);
    end_jpeg(b);
}

/* A box that is no store is somebody else's. */
static void make_jpeg_with_other(struct buf *b, struct bytes store)
{
    static const char other[] =
        "\0\0\0\x24jumb\0\0\0\x1cjumdjson\x00\x11\x00\x10\x80\x00\x00\xaa\x00\x38\x9b\x71\3xy";

    begin_jpeg(b);
    add_packet(b, 7, 1, bytes_of(other, sizeof other), 0, sizeof other);
    if (store.len > 0)
        add_packet(b, 1, 1, store, 0, store.len);
    end_jpeg(b);
}

static void make_only_other(struct buf *b, struct bytes store)
{
    make_jpeg_with_other(b, bytes_of(store.data, 0));
}

static void add_chunk(struct buf *b, const char *type, struct bytes body)
{
    kit_number(b, body.len, 4);
    buf_add(b, type, 4);
    buf_add(b, body.data, body.len);
    kit_number(b, 0, 4);
}

static void make_png(struct buf *b, struct bytes store)
{
    buf_add(b, "\x89PNG\r\n\x1a\n", 8);
    add_chunk(b, "IHDR", bytes_of("0123456789abc", 13));
    add_chunk(b, "caBX", store);
    add_chunk(b, "IEND", bytes_of("", 0));
}

static void make_png_with_two(struct buf *b, struct bytes store)
{
    buf_add(b, "\x89PNG\r\n\x1a\n", 8);
    add_chunk(b, "caBX", store);
    add_chunk(b, "caBX", store);
}

static void make_png_after_end(struct buf *b, struct bytes store)
{
    buf_add(b, "\x89PNG\r\n\x1a\n", 8);
    add_chunk(b, "IEND", bytes_of("", 0));
    add_chunk(b, "caBX", store);
}

static void make_png_with_empty(struct buf *b, struct bytes store)
{
    buf_add(b, "\x89PNG\r\n\x1a\n", 8);
    add_chunk(b, "caBX", bytes_of(store.data, 0));
}

static void make_riff(struct buf *b, struct bytes store)
{
    buf_add(b, "RIFF\0\0\0\0WAVEodd \1\0\0\0x\0C2PA", 26);
    add_little(b, store.len, 4);
    buf_add(b, store.data, store.len);
}

static void make_uuid(struct buf *b, const char *purpose, struct bytes store)
{
    size_t at = kit_open_box(b, "uuid");

    buf_add(b, "\xd8\xfe\xc3\xd6\x1b\x0e\x48\x3c\x92\x97\x58\x28\x87\x7e\xc4\x81\0\0\0\0", 20);
    buf_add(b, purpose, strlen(purpose) + 1);
    kit_number(b, 0, 8);
    buf_add(b, store.data, store.len);
    kit_close_box(b, at);
}

static void make_bmff(struct buf *b, struct bytes store)
{
    kit_box(b, "ftyp", "mp42", 4);
    buf_add(b, "\0\0\0\1free\0\0\0\0\0\0\0\x11x", 17);
    make_uuid(b, "merkle", bytes_of(store.data, 5));
    make_uuid(b, "manifest", store);
    buf_add(b, "\0\0\0\0mdat...", 11);
}

static void make_bmff_in_parts(struct buf *b, struct bytes store)
{
    kit_box(b, "ftyp", "mp42", 4);
    make_uuid(b, "original", store);
    make_uuid(b, "update", store);
}

static void make_bmff_too_short(struct buf *b, struct bytes store)
{
    kit_box(b, "ftyp", "mp42", 4);
    make_uuid(b, "manifest", bytes_of(store.data, 0));
}

static void make_bmff_without_purpose(struct buf *b, struct bytes store)
{
    kit_box(b, "ftyp", "mp42", 4);
    make_uuid(b, "manifestmanifestmanifestmanifestmanifest", store);
}

static void make_bmff_with_bad_size(struct buf *b, struct bytes store)
{
    kit_box(b, "ftyp", "mp42", 4);
    buf_add(b, "\0\0\0\3free", 8);
    make_uuid(b, "manifest", store);
}

static void make_tiff(struct buf *b, struct bytes store)
{
    buf_add(b, "II*\0\x08\0\0\0", 8);
    buf_add(b, "\2\0\0\1\3\0\1\0\0\0\1\0\0\0\x41\xcd\7\0", 18);
    add_little(b, store.len, 4);
    add_little(b, 8 + 2 + 24 + 4, 4);
    add_little(b, 0, 4);
    buf_add(b, store.data, store.len);
}

static void make_big_tiff(struct buf *b, struct bytes store)
{
    buf_add(b, "MM\0+\0\x8\0\0\0\0\0\0\0\0\0\x10", 16);
    buf_add(b, "\0\0\0\0\0\0\0\1\xcd\x41\0\7", 12);
    kit_number(b, store.len, 8);
    kit_number(b, 16 + 8 + 20 + 8, 8);
    kit_number(b, 0, 8);
    buf_add(b, store.data, store.len);
}

static void make_tiff_that_turns(struct buf *b, struct bytes store)
{
    (void)store;
    buf_add(b, "MM\0*\0\0\0\x8\0\1\1\0\0\3\0\0\0\1\0\1\0\0\0\0\0\x8", 26);
}

static void make_big_tiff_far(struct buf *b, struct bytes store)
{
    (void)store;
    buf_add(b, "MM\0+\0\x8\0\0\xff\xff\xff\xff\xff\xff\xff\xfe", 16);
}

/* A tag with a text frame and the store, whose names are `names`. */
static void add_tag(struct buf *b, int version, const void *names, size_t n, struct bytes store)
{
    size_t frame = n + store.len, all = 12 + 10 + frame;

    buf_printf(b, "ID3%c", version);
    buf_add(b, "\0\0\0\0", 4);
    kit_number(b, all >> 7 & 0x7f, 1);
    kit_number(b, all & 0x7f, 1);
    buf_add(b, "TIT2\0\0\0\2\0\0\0xGEOB\0\0", 18);
    kit_number(b, version == 4 ? frame >> 7 & 0x7f : frame >> 8, 1);
    kit_number(b, version == 4 ? frame & 0x7f : frame & 0xff, 1);
    kit_number(b, 0, 2);
    buf_add(b, names, n);
    buf_add(b, store.data, store.len);
}

static void make_id3(struct buf *b, struct bytes store)
{
    static const char names[] = "\0application/x-c2pa-manifest-store\0a.c2pa\0store";

    add_tag(b, 4, names, sizeof names, store);
    buf_add(b, "\xff\xfb", 2);
}

static void make_id3_wide(struct buf *b, struct bytes store)
{
    static const char names[] = "\1application/x-c2pa-manifest-store\0\xff\xfe"
                                "a\0\0\0\xff\xfe\0";

    add_tag(b, 3, names, sizeof names, store);
}

static void make_id3_with_other(struct buf *b, struct bytes store)
{
    static const char names[] = "\0image/png\0a\0b";

    add_tag(b, 3, names, sizeof names, store);
}

static void make_pdf(struct buf *b, struct bytes store)
{
    buf_str(b, "%PDF-1.7\njumb jumd");
    for (int i = 0; i < 65530; i++) /* the store begins before the end of a block and ends after it */
        buf_str(b, " ");
    buf_str(b, "stream\n");
    buf_add(b, store.data, store.len);
    buf_str(b, "endstream");
}

static void make_pdf_with_two(struct buf *b, struct bytes store)
{
    make_pdf(b, store);
    buf_add(b, store.data, store.len);
}

static void make_nothing(struct buf *b, struct bytes store)
{
    (void)store;
    buf_str(b, "");
}

static void make_text(struct buf *b, struct bytes store)
{
    (void)store;
    buf_str(b, "just a text, longer than a head");
}

static const struct {
    const char *what;
    make_fn *make;
    const char *container;
    int want; /* 1 found, 0 none, -1 error */
    enum err_kind kind;
} rows[] = {
    {"three packets, not in order", make_jpeg, "jpeg", 1, 0},
    {"a packet is missing", make_jpeg_with_gap, "jpeg", -1, ERR_DECODE},
    {"two stores", make_jpeg_with_two, "jpeg", -1, ERR_DECODE},
    {"beside another box", make_jpeg_with_other, "jpeg", 1, 0},
    {"another box alone", make_only_other, "jpeg", 0, 0},
    {"chunk", make_png, "png", 1, 0},
    {"two chunks", make_png_with_two, "png", -1, ERR_DECODE},
    {"chunk after the end", make_png_after_end, "png", 0, 0},
    {"empty chunk", make_png_with_empty, "png", -1, ERR_DECODE},
    {"chunk after an odd one", make_riff, "riff", 1, 0},
    {"uuid box", make_bmff, "bmff", 1, 0},
    {"two uuid boxes", make_bmff_in_parts, "bmff", -1, ERR_UNSUPPORTED},
    {"empty uuid box", make_bmff_too_short, "bmff", -1, ERR_DECODE},
    {"uuid box without purpose", make_bmff_without_purpose, "bmff", -1, ERR_DECODE},
    {"box smaller than its header", make_bmff_with_bad_size, "bmff", 0, 0},
    {"tag", make_tiff, "tiff", 1, 0},
    {"tag in a BigTIFF", make_big_tiff, "tiff", 1, 0},
    {"directories in a circle", make_tiff_that_turns, "tiff", 0, 0},
    {"directory near 2^64", make_big_tiff_far, "tiff", 0, 0},
    {"frame of version 2.4", make_id3, "id3", 1, 0},
    {"frame of version 2.3, UTF-16", make_id3_wide, "id3", 1, 0},
    {"frame of another type", make_id3_with_other, "id3", 0, 0},
    {"stream", make_pdf, "pdf", 1, 0},
    {"two streams", make_pdf_with_two, "pdf", -1, ERR_DECODE},
    {"empty file", make_nothing, NULL, 0, 0},
    {"another kind of file", make_text, NULL, 0, 0},
};

static void check_found(struct arena *a, const struct container_store *found, struct bytes store)
{
    struct jumbf_box *root;
    size_t sum = 0;

    CHECK(found->bytes.len == store.len && memcmp(found->bytes.data, store.data, store.len) == 0);
    for (size_t i = 0; i < found->npieces; i++)
        sum += found->pieces[i].len;
    CHECK_INT(sum, store.len);
    CHECK(jumbf_read(a, found->bytes, &root, NULL) == 0 && jumbf_child(root, "urn:one"));
}

static void finds_the_store(void)
{
    CLEANUP(buf_clear) struct buf store = BUF(4096);

    kit_store(&store, "urn:one", STORE);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        CLEANUP(buf_clear) struct buf file = BUF(LARGEST);
        struct container_store found = {0};
        struct err err = {0};
        struct bytes b;
        struct source s;

        rows[i].make(&file, buf_bytes(&store));
        b = buf_bytes(&file);
        s = source_of_bytes(&b);
        CHECK_INT(container_find(a, &s, &found, &err), rows[i].want);
        CHECK_INT(err.kind, rows[i].kind);
        if (rows[i].want >= 0 && rows[i].container)
            CHECK_STR(found.container, rows[i].container);
        if (rows[i].want == 1)
            check_found(a, &found, buf_bytes(&store));
        ROW("%s: %s", rows[i].what, err.text);
    }
}

/* Every cut, and every byte turned round: an answer of one kind or the other, and memory that is kept. */
static void survives_damage(void)
{
    CLEANUP(buf_clear) struct buf store = BUF(4096);

    kit_store(&store, "urn:one", STORE);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(buf_clear) struct buf file = BUF(LARGEST);

        rows[i].make(&file, buf_bytes(&store));
        for (size_t k = 0; k < file.len && k < 2000; k++) {
            CLEANUP(arena_freep) struct arena *a = arena_new();
            struct container_store found;
            struct bytes cut = bytes_of(file.data, k), whole = buf_bytes(&file);
            struct source s = source_of_bytes(&cut);

            container_find(a, &s, &found, NULL);
            s = source_of_bytes(&whole);
            file.data[k] = (char)~file.data[k];
            container_find(a, &s, &found, NULL);
            file.data[k] = (char)~file.data[k];
        }
    }
}

/* A chunk with a wrong length gives a store that does not read: that is told by jumbf_read, not hidden. */
static void half_a_store_does_not_read(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(buf_clear) struct buf store = BUF(4096), file = BUF(LARGEST);
    struct container_store found = {0};
    struct jumbf_box *root;
    struct err err = {0};
    struct bytes b;
    struct source s;

    kit_store(&store, "urn:one", STORE);
    make_png(&file, bytes_of(store.data, store.len / 2));
    b = buf_bytes(&file);
    s = source_of_bytes(&b);
    CHECK_INT(container_find(a, &s, &found, &err), 1);
    CHECK(jumbf_read(a, found.bytes, &root, &err) < 0);
    CHECK_INT(err.kind, ERR_DECODE);
}

static int fail_to_read(void *self, uint64_t at, void *to, size_t n, struct err *err)
{
    int *left = self;

    memset(to, 0, n);
    if (at == 0)
        memcpy(to, "\x89PNG\r\n\x1a\n", n < 8 ? n : 8);
    return --*left < 0 ? FAIL(err, ERR_IO, "no disk") : 0;
}

static void passes_on_failing_reads(void)
{
    for (int good = 0; good < 3; good++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct container_store found;
        struct err err = {0};
        int left = good;
        struct source s = {fail_to_read, &left, 1 << 20};

        CHECK(container_find(a, &s, &found, &err) < 0);
        CHECK_INT(err.kind, ERR_IO);
    }
}

/* A huge file of nothing but zeroes after its head; no end of its chunks. */
static int read_endless(void *self, uint64_t at, void *to, size_t n, struct err *err)
{
    const char *head = self;

    (void)err;
    memset(to, 0, n);
    if (at == 0)
        memcpy(to, head, n < 12 ? n : 12);
    return 0;
}

static void stops_at_ceilings(void)
{
    static const struct {
        char head[16];
        int want;
        enum err_kind kind;
    } endless[] = {
        {"\x89PNG\r\n\x1a\n", -1, ERR_LIMIT},
        {"RIFF\0\0\0\0WAVE", -1, ERR_LIMIT},
        {"%PDF-1.7", -1, ERR_LIMIT},
        {"II+\0\x08\0\0\0\0", 0, 0},
    };

    for (size_t i = 0; i < COUNT_OF(endless); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct container_store found;
        struct err err = {0};
        char head[16];
        struct source s = {read_endless, head, (uint64_t)1 << 40};

        memcpy(head, endless[i].head, sizeof head);
        CHECK_INT(container_find(a, &s, &found, &err), endless[i].want);
        CHECK_INT(err.kind, endless[i].kind);
        ROW("%zu: %s", i, err.text);
    }
}

static void refuses_a_giant(void)
{
    static const char png[] = "\x89PNG\r\n\x1a\n\x04\x00\x00\x01"
                              "caBX";
    CLEANUP(arena_freep) struct arena *a = arena_new();
    uint8_t *big = calloc(1, ((size_t)64 << 20) + 64);
    struct bytes b = bytes_of(big, ((size_t)64 << 20) + 64);
    struct source s = source_of_bytes(&b);
    struct container_store found;
    struct err err = {0};

    memcpy(big, png, sizeof png - 1);
    CHECK(container_find(a, &s, &found, &err) < 0);
    CHECK_INT(err.kind, ERR_LIMIT);
    free(big);
}

int main(void)
{
    RUN(finds_the_store);
    RUN(survives_damage);
    RUN(half_a_store_does_not_read);
    RUN(passes_on_failing_reads);
    RUN(stops_at_ceilings);
    RUN(refuses_a_giant);
    return test_end();
}
