#include "base/base64.h"

#include <string.h>

#include "base/cleanup.h"
#include "test.h"

/* RFC 4648, section 10. */
static const struct {
    const char *plain, *text;
} rows[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
};

static void writes(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        CHECK_STR(base64_encode(a, bytes_of(rows[i].plain, strlen(rows[i].plain))), rows[i].text);
}

static void reads_in_place_with_and_without_padding(void)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t full = strlen(rows[i].text), bare = strcspn(rows[i].text, "=");
        for (int padded = 0; padded < 2; padded++) {
            char text[16];
            struct bytes got;
            memcpy(text, rows[i].text, full + 1);
            CHECK(base64_decode(text, padded ? full : bare, &got));
            CHECK(got.len == strlen(rows[i].plain) && memcmp(got.data, rows[i].plain, got.len) == 0);
            ROW("%s", rows[i].text);
        }
    }
}

static void refuses(void)
{
    static const char *const bad[] = {
        "Z",        "Zm9vY", "Zg=",   "Zg===",  "Z===",
        "====",     "=",     "Zm9v=", " Zm9v",  "Zm9v ",
        "Zm\n9v",   "Zm9-",  "Zm9_",  "Zm==9v", "data:image/png;base64,Zm9v",
        "Zm9v\x80",
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct bytes got;
        char text[64];
        strcpy(text, bad[i]);
        CHECK(!base64_decode(text, strlen(bad[i]), &got));
        ROW("%s", bad[i]);
    }
}

/* Longer than what is given to the library at once. */
static void large_ones_survive_the_trip(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    size_t n = (10 << 20) + 1;
    uint8_t *data = arena_alloc(a, n);
    struct bytes got;
    char *text;

    for (size_t i = 0; i < n; i++)
        data[i] = (uint8_t)(i * 2654435761u >> 13);
    text = base64_encode(a, bytes_of(data, n));
    CHECK(base64_decode(text, strlen(text), &got));
    CHECK(got.len == n && memcmp(got.data, data, n) == 0);
}

int main(void)
{
    RUN(writes);
    RUN(reads_in_place_with_and_without_padding);
    RUN(refuses);
    RUN(large_ones_survive_the_trip);
    return test_end();
}
