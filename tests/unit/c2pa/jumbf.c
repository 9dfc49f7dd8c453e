#include "c2pa/jumbf.h"

#include "base/cleanup.h"
#include "kit.h"
#include "test.h"

enum { CBOR = JUMBF_TYPE('c', 'b', 'o', 'r'), JSON = JUMBF_TYPE('j', 's', 'o', 'n') };

/* A store with one manifest; the assertion "a" has a salt. */
static void make_store(struct buf *b)
{
    size_t store = kit_open_super(b, "c2pa", "c2pa"), manifest, assertions, a;

    manifest = kit_open_super(b, "c2ma", "urn:one");
    assertions = kit_open_super(b, "c2as", "c2pa.assertions");
    a = kit_open_box(b, "jumb");
    kit_description(b, "cbor", 0x13, "a",
                    "\0\0\0\x0c"
                    "c2shSALT",
                    12);
    kit_box(b, "cbor", "\xa0", 1);
    kit_close_box(b, a);
    a = kit_open_super(b, "json", "twice");
    kit_box(b, "json", "{}", 2);
    kit_close_box(b, a);
    a = kit_open_super(b, "json", "twice");
    kit_close_box(b, a);
    kit_close_box(b, assertions);
    kit_close_box(b, manifest);
    kit_close_box(b, store);
}

static void reads_a_store(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(buf_clear) struct buf b = BUF(4096);
    struct jumbf_box *root;
    const struct jumbf_box *m, *x;
    struct err err = {0};

    make_store(&b);
    CHECK(jumbf_is_store(buf_bytes(&b)));
    buf_add(&b, "\0\0\0", 3);
    CHECK(jumbf_read(a, buf_bytes(&b), &root, &err) == 0);
    CHECK_STR(err.text, "");
    if (err.kind)
        return;
    CHECK_INT(root->raw.len, b.len - 3);
    CHECK_INT(root->sort, JUMBF_STORE);
    CHECK_STR(root->label, "c2pa");
    m = root->last;
    CHECK(m && m->sort == JUMBF_MANIFEST && m->requestable && m->parent == root);
    x = jumbf_child(jumbf_child(m, "c2pa.assertions"), "a");
    CHECK(x && x->salt.len == 4 && memcmp(x->salt.data, "SALT", 4) == 0);
    CHECK(x && jumbf_content(x, CBOR) && jumbf_content(x, CBOR)->body.len == 1 && !jumbf_content(x, JSON));
}

static void finds_by_path(void)
{
    static const struct {
        const char *url, *want; /* a label; NULL = no such box */
    } rows[] = {
        {"self#jumbf=/c2pa", "c2pa"},
        {"self#jumbf=/c2pa/urn:one", "urn:one"},
        {"self#jumbf=/c2pa/urn:one/c2pa.assertions/a", "a"},
        {"self#jumbf=c2pa.assertions/a", "a"},
        {"self#jumbf=c2pa.assertions", "c2pa.assertions"},
        {"self#jumbf=c2pa.assertions/twice", NULL},
        {"self#jumbf=c2pa.assertions/b", NULL},
        {"self#jumbf=c2pa.assertions/a/b", NULL},
        {"self#jumbf=c2pa.assertions/", NULL},
        {"self#jumbf=c2pa.assertions//a", NULL},
        {"self#jumbf=/urn:one", NULL},
        {"self#jumbf=", NULL},
        {"self#jumbf=/", NULL},
        {"c2pa.assertions/a", NULL},
        {"", NULL},
        {"https://example.com/a", NULL},
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(buf_clear) struct buf b = BUF(4096);
    struct jumbf_box *root;

    make_store(&b);
    if (jumbf_read(a, buf_bytes(&b), &root, NULL) < 0) {
        CHECK(false);
        return;
    }
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct jumbf_box *x = jumbf_find(root, root->last, rows[i].url);

        CHECK(!x == !rows[i].want);
        if (x && rows[i].want)
            CHECK_STR(x->label, rows[i].want);
        ROW("%s", rows[i].url);
    }
    CHECK(jumbf_find(root, root->last, "self#jumbf=/c2pa") == root);
    CHECK(!jumbf_find(root, NULL, "self#jumbf=c2pa.assertions"));
}

#define JUMD   "jumdc2pa\x00\x11\x00\x10\x80\x00\x00\xaa\x00\x38\x9b\x71"
#define RAW(s) s, sizeof s - 1

static void reads_or_refuses_boxes(void)
{
    static const struct {
        const char *what, *bytes;
        size_t n;
        int kind;
    } rows[] = {
        {"no label", RAW("\0\0\0\x21jumb\0\0\0\x19" JUMD "\0"), 0},
        {"64-bit size", RAW("\0\0\0\1jumb\0\0\0\0\0\0\0\x29\0\0\0\x19" JUMD "\0"), 0},
        {"label and number", RAW("\0\0\0\x27jumb\0\0\0\x1f" JUMD "\6c\0\0\0\0\7"), 0},
        {"nothing", RAW(""), ERR_DECODE},
        {"half a header", RAW("\0\0\0"), ERR_DECODE},
        {"size below the header", RAW("\0\0\0\7jumb"), ERR_DECODE},
        {"size 0", RAW("\0\0\0\0jumb\0\0\0\x19" JUMD "\0"), ERR_DECODE},
        {"size above the bytes", RAW("\0\0\0\x22jumb\0\0\0\x19" JUMD "\0"), ERR_DECODE},
        {"64-bit size that lies", RAW("\0\0\0\1jumb\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\x19" JUMD "\0"),
         ERR_DECODE},
        {"64-bit size cut off", RAW("\0\0\0\1jumb\0\0"), ERR_DECODE},
        {"not a superbox",
         RAW("\0\0\0\x8"
             "cbor"),
         ERR_DECODE},
        {"no description",
         RAW("\0\0\0\x10jumb\0\0\0\x8"
             "cbor"),
         ERR_DECODE},
        {"empty superbox", RAW("\0\0\0\x8jumb"), ERR_DECODE},
        {"description too short", RAW("\0\0\0\x20jumb\0\0\0\x18" JUMD), ERR_DECODE},
        {"label without end", RAW("\0\0\0\x22jumb\0\0\0\x1a" JUMD "\2c"), ERR_DECODE},
        {"label that is not UTF-8", RAW("\0\0\0\x23jumb\0\0\0\x1b" JUMD "\2\xff\0"), ERR_DECODE},
        {"number missing", RAW("\0\0\0\x23jumb\0\0\0\x1b" JUMD "\4\0\0"), ERR_DECODE},
        {"hash missing", RAW("\0\0\0\x23jumb\0\0\0\x1b" JUMD "\x8\0\0"), ERR_DECODE},
        {"private box missing", RAW("\0\0\0\x21jumb\0\0\0\x19" JUMD "\x10"), ERR_DECODE},
        {"bytes after the last child", RAW("\0\0\0\x23jumb\0\0\0\x19" JUMD "\0\0\0"), ERR_DECODE},
        {"child larger than its parent",
         RAW("\0\0\0\x29jumb\0\0\0\x19" JUMD "\0\0\0\0\x9"
             "cbor"),
         ERR_DECODE},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct jumbf_box *root;
        struct err err = {0};

        CHECK((jumbf_read(a, bytes_of(rows[i].bytes, rows[i].n), &root, &err) < 0) == (rows[i].kind != 0));
        CHECK_INT(err.kind, rows[i].kind);
        ROW("%s: %s", rows[i].what, err.text);
    }
}

/* Superboxes in superboxes, `depth` of them. */
static int read_nested(int depth, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(buf_clear) struct buf b = BUF(1 << 16);
    struct jumbf_box *root;
    size_t open[64];

    for (int i = 0; i < depth; i++)
        open[i] = kit_open_super(&b, "c2as", "x");
    for (int i = depth; i > 0; i--)
        kit_close_box(&b, open[i - 1]);
    return jumbf_read(a, buf_bytes(&b), &root, err);
}

/* A superbox with n empty boxes. */
static int read_wide(int n, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(buf_clear) struct buf b = BUF(1 << 20);
    size_t at = kit_open_super(&b, "c2pa", "c2pa");
    struct jumbf_box *root;

    for (int i = 0; i < n; i++)
        kit_box(&b, "free", "", 0);
    kit_close_box(&b, at);
    return jumbf_read(a, buf_bytes(&b), &root, err);
}

static void has_ceilings(void)
{
    struct err err = {0};

    CHECK(read_nested(JUMBF_MAX_DEPTH, &err) == 0);
    CHECK(read_nested(JUMBF_MAX_DEPTH + 1, &err) < 0 && err.kind == ERR_LIMIT);
    err = (struct err){0};
    CHECK(read_wide(JUMBF_MAX_BOXES - 1, &err) == 0);
    CHECK(read_wide(JUMBF_MAX_BOXES, &err) < 0 && err.kind == ERR_LIMIT);
}

int main(void)
{
    RUN(reads_a_store);
    RUN(finds_by_path);
    RUN(reads_or_refuses_boxes);
    RUN(has_ceilings);
    return test_end();
}
