#include "base/cbor.h"

#include <inttypes.h>
#include <math.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "test.h"

enum { MOST = 256 };

/* Bytes from hex; `to` has room for MOST. */
static struct bytes unhex(const char *hex, uint8_t *to)
{
    size_t n = strlen(hex) / 2;

    CHECK(n <= MOST && text_unhex(to, n, hex));
    return bytes_of(to, n);
}

static void print_item(struct arena *a, struct buf *out, const struct cbor *item);

static void print_items(struct arena *a, struct buf *out, const struct cbor *item)
{
    struct cbor_cursor c = cbor_items(item);
    struct cbor v;

    buf_str(out, item->kind == CBOR_MAP ? "{" : "[");
    for (int i = 0; cbor_next(&c, &v); i++) {
        if (i > 0)
            buf_str(out, item->kind == CBOR_MAP && i % 2 ? ":" : ",");
        print_item(a, out, &v);
    }
    buf_str(out, item->kind == CBOR_MAP ? "}" : "]");
}

static void print_string(struct arena *a, struct buf *out, const struct cbor *item)
{
    struct bytes b = cbor_string(a, item);
    char hex[2 * MOST + 1];

    if (item->kind == CBOR_TEXT) {
        buf_printf(out, "\"%.*s\"", (int)b.len, (const char *)b.data);
        return;
    }
    text_hex(hex, b.data, b.len);
    buf_printf(out, "h'%s'", hex);
}

/* The diagnostic notation of RFC 8949, nearly: indefinite lengths look like definite ones. */
static void print_item(struct arena *a, struct buf *out, const struct cbor *item)
{
    static const char *const simple[] = {"false", "true", "null", "undefined"};
    struct cbor in;
    int64_t n;

    switch (item->kind) {
    case CBOR_UINT:
        buf_printf(out, "%" PRIu64, item->n);
        break;
    case CBOR_NINT:
        buf_printf(out, cbor_number(item, &n) ? "%" PRId64 : "-1-%" PRIu64,
                   cbor_number(item, &n) ? (uint64_t)n : item->n);
        break;
    case CBOR_BYTES:
    case CBOR_TEXT:
        print_string(a, out, item);
        break;
    case CBOR_ARRAY:
    case CBOR_MAP:
        print_items(a, out, item);
        break;
    case CBOR_TAG:
        buf_printf(out, "%" PRIu64 "(", item->n);
        CHECK(cbor_tagged(item, &in));
        print_item(a, out, &in);
        buf_str(out, ")");
        break;
    case CBOR_SIMPLE:
        if (item->n >= 20 && item->n <= 23)
            buf_str(out, simple[item->n - 20]);
        else
            buf_printf(out, "simple(%" PRIu64 ")", item->n);
        break;
    case CBOR_FLOAT:
        buf_printf(out, "%.17g", item->real);
        break;
    }
}

/* RFC 8949, appendix A. */
static void reads_the_examples_of_the_standard(void)
{
    static const struct {
        const char *hex, *want;
    } rows[] = {
        {"00", "0"},
        {"01", "1"},
        {"0a", "10"},
        {"17", "23"},
        {"1818", "24"},
        {"1819", "25"},
        {"1864", "100"},
        {"1903e8", "1000"},
        {"1a000f4240", "1000000"},
        {"1b000000e8d4a51000", "1000000000000"},
        {"1bffffffffffffffff", "18446744073709551615"},
        {"c249010000000000000000", "2(h'010000000000000000')"},
        {"3bffffffffffffffff", "-1-18446744073709551615"},
        {"c349010000000000000000", "3(h'010000000000000000')"},
        {"20", "-1"},
        {"29", "-10"},
        {"3863", "-100"},
        {"3903e7", "-1000"},
        {"f90000", "0"},
        {"f98000", "-0"},
        {"f93c00", "1"},
        {"fb3ff199999999999a", "1.1000000000000001"},
        {"f93e00", "1.5"},
        {"f97bff", "65504"},
        {"fa47c35000", "100000"},
        {"fa7f7fffff", "3.4028234663852886e+38"},
        {"fb7e37e43c8800759c", "1.0000000000000001e+300"},
        {"f90001", "5.9604644775390625e-08"},
        {"f90400", "6.103515625e-05"},
        {"f9c400", "-4"},
        {"fbc010666666666666", "-4.0999999999999996"},
        {"f97c00", "inf"},
        {"f9fc00", "-inf"},
        {"fa7f800000", "inf"},
        {"faff800000", "-inf"},
        {"fb7ff0000000000000", "inf"},
        {"fbfff0000000000000", "-inf"},
        {"f4", "false"},
        {"f5", "true"},
        {"f6", "null"},
        {"f7", "undefined"},
        {"f0", "simple(16)"},
        {"f8ff", "simple(255)"},
        {"c074323031332d30332d32315432303a30343a30305a", "0(\"2013-03-21T20:04:00Z\")"},
        {"c11a514b67b0", "1(1363896240)"},
        {"c1fb41d452d9ec200000", "1(1363896240.5)"},
        {"d74401020304", "23(h'01020304')"},
        {"d818456449455446", "24(h'6449455446')"},
        {"40", "h''"},
        {"4401020304", "h'01020304'"},
        {"60", "\"\""},
        {"6161", "\"a\""},
        {"6449455446", "\"IETF\""},
        {"62225c", "\"\"\\\""},
        {"62c3bc", "\"\xc3\xbc\""},
        {"63e6b0b4", "\"\xe6\xb0\xb4\""},
        {"64f0908591", "\"\xf0\x90\x85\x91\""},
        {"80", "[]"},
        {"83010203", "[1,2,3]"},
        {"8301820203820405", "[1,[2,3],[4,5]]"},
        {"98190102030405060708090a0b0c0d0e0f101112131415161718181819",
         "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25]"},
        {"a0", "{}"},
        {"a201020304", "{1:2,3:4}"},
        {"a26161016162820203", "{\"a\":1,\"b\":[2,3]}"},
        {"826161a161626163", "[\"a\",{\"b\":\"c\"}]"},
        {"a56161614161626142616361436164614461656145",
         "{\"a\":\"A\",\"b\":\"B\",\"c\":\"C\",\"d\":\"D\",\"e\":\"E\"}"},
        {"5f42010243030405ff", "h'0102030405'"},
        {"7f657374726561646d696e67ff", "\"streaming\""},
        {"9fff", "[]"},
        {"9f018202039f0405ffff", "[1,[2,3],[4,5]]"},
        {"9f01820203820405ff", "[1,[2,3],[4,5]]"},
        {"83018202039f0405ff", "[1,[2,3],[4,5]]"},
        {"83019f0203ff820405", "[1,[2,3],[4,5]]"},
        {"bf61610161629f0203ffff", "{\"a\":1,\"b\":[2,3]}"},
        {"826161bf61626163ff", "[\"a\",{\"b\":\"c\"}]"},
        {"bf6346756ef563416d7421ff", "{\"Fun\":true,\"Amt\":-2}"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        CLEANUP(buf_clear) struct buf out = BUF(4096);
        uint8_t raw[MOST];
        struct bytes b = unhex(rows[i].hex, raw);
        struct err err = {0};
        struct cbor item;

        if (cbor_read(b, &item, &err) == 0) {
            print_item(a, &out, &item);
            CHECK_INT(item.raw.len, b.len);
        }
        CHECK_STR(out.data, rows[i].want);
        ROW("%s: %s", rows[i].hex, err.text);
    }
}

static void knows_what_is_no_number(void)
{
    static const char *const rows[] = {"f97e00", "fa7fc00000", "fb7ff8000000000000"};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t raw[MOST];
        struct cbor item = {0};

        CHECK(cbor_read(unhex(rows[i], raw), &item, NULL) == 0 && item.kind == CBOR_FLOAT &&
              isnan(item.real));
        ROW("%s", rows[i]);
    }
}

/* RFC 8949, appendix F, and more. */
static void refuses_what_is_malformed(void)
{
    static const struct {
        const char *what, *hex;
    } rows[] = {
        {"nothing", ""},
        {"head without its number", "18"},
        {"number too short", "1b01020304050607"},
        {"reserved heads", "1c"},
        {"reserved heads", "3e"},
        {"reserved heads", "fd"},
        {"integer of indefinite length", "1f"},
        {"tag of indefinite length", "df00"},
        {"break alone", "ff"},
        {"break in a definite array", "81ff"},
        {"break for a tagged item", "c0ff"},
        {"break for the value of an open map", "bf00ff"},
        {"map with half a pair", "a100"},
        {"string too short", "4100ff"},
        {"string cut off", "6261"},
        {"length near the top", "5bffffffffffffffff010203"},
        {"array length near the top", "9bffffffffffffffff"},
        {"map length that overflows", "bb8000000000000000"},
        {"open array without end", "9f0102"},
        {"open string without end", "5f4100"},
        {"number among chunks", "5f00ff"},
        {"text among chunks of bytes", "5f6100ff"},
        {"open string in an open string", "5f5f4100ffff"},
        {"simple value in the long form", "f810"},
        {"simple value in the long form", "f818"},
        {"bytes after the end", "0000"},
        {"tag of nothing", "c0"},
        {"text with an overlong form", "62c080"},
        {"text with a surrogate", "63eda080"},
        {"character across chunks", "7f61c361bcff"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t raw[MOST];
        struct err err = {0};
        struct cbor item;

        CHECK(cbor_read(unhex(rows[i].hex, raw), &item, &err) < 0);
        CHECK_INT(err.kind, ERR_DECODE);
        CHECK(err.text[0]);
        ROW("%s: %s", rows[i].what, rows[i].hex);
    }
}

static void has_ceilings(void)
{
    static uint8_t many[CBOR_MAX_ITEMS + 8];
    uint8_t deep[CBOR_MAX_DEPTH + 1];
    struct err err = {0};
    struct cbor item;

    memset(deep, 0x81, sizeof deep);
    deep[CBOR_MAX_DEPTH] = 0;
    CHECK(cbor_read(bytes_of(deep, sizeof deep), &item, &err) == 0);
    deep[CBOR_MAX_DEPTH] = 0x80;
    CHECK(cbor_read(bytes_of(deep, sizeof deep), &item, &err) == 0);
    memset(deep, 0xc6, sizeof deep);
    CHECK(cbor_read(bytes_of(deep, sizeof deep), &item, &err) < 0 && err.kind == ERR_LIMIT);

    memset(many, 0, sizeof many);
    many[0] = 0x9f;
    err = (struct err){0};
    CHECK(cbor_read(bytes_of(many, sizeof many), &item, &err) < 0 && err.kind == ERR_LIMIT);
}

static void finds_by_key(void)
{
    /* {"alg": "x", 33: h'01', -1: true, "twice": 1, "twice": 2, (open text "ab"): null} */
    static const char map[] = "a6"
                              "63616c676178"
                              "18214101"
                              "20f5"
                              "65747769636501"
                              "65747769636502"
                              "7f61616162fff6";
    CLEANUP(arena_freep) struct arena *a = arena_new();
    uint8_t raw[MOST];
    struct cbor m, v;

    CHECK(cbor_read(unhex(map, raw), &m, NULL) == 0);
    CHECK_INT(m.n, 6);
    CHECK(cbor_get(&m, "alg", &v) && cbor_is_text(&v, "x"));
    CHECK_STR(cbor_text(a, &v), "x");
    CHECK(cbor_get_number(&m, 33, &v) && v.kind == CBOR_BYTES && v.body.len == 1);
    CHECK(cbor_get_number(&m, -1, &v) && cbor_is_simple(&v, CBOR_TRUE));
    CHECK(!cbor_get(&m, "twice", &v));
    CHECK(cbor_get(&m, "ab", &v) && cbor_is_simple(&v, CBOR_NULL));
    CHECK(!cbor_get(&m, "a", &v));
    CHECK(!cbor_get(&m, "abc", &v));
    CHECK(!cbor_get(&m, "", &v));
    CHECK(!cbor_get(&v, "alg", &v));
}

static void reads_the_first_of_many(void)
{
    uint8_t raw[MOST];
    struct bytes b = unhex("8201028103", raw);
    struct cbor item;

    CHECK(cbor_read_first(b, &item, NULL) == 0);
    CHECK_INT(item.raw.len, 3);
    CHECK(item.raw.data == b.data);
}

int main(void)
{
    RUN(reads_the_examples_of_the_standard);
    RUN(knows_what_is_no_number);
    RUN(refuses_what_is_malformed);
    RUN(has_ceilings);
    RUN(finds_by_key);
    RUN(reads_the_first_of_many);
    return test_end();
}
