/* arena, bytes, err, hash, id, json, queue: what the other modules rely on. */
#include <pthread.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/id.h"
#include "base/json.h"
#include "base/queue.h"
#include "base/text.h"
#include "test.h"

static void arena_grows_arrays(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    size_t n = 0, cap = 0;
    int *v = NULL;

    for (int i = 0; i < 1000; i++)
        ARENA_PUSH(a, v, n, cap) = i;
    CHECK_INT(n, 1000);
    CHECK_INT(v[999], 999);
    CHECK(((uintptr_t)arena_alloc(a, 3) & 15) == 0);
    CHECK_STR(arena_printf(a, "%d-%s", 7, "x"), "7-x");
}

/* Round after round: the memory comes clear, whatever was in it, and the large pieces go. */
static void arena_is_rewound(void)
{
    static const size_t sizes[] = {100, 3000, 70000, 1, 2000000};
    CLEANUP(arena_freep) struct arena *a = arena_new();

    arena_rewind(a); /* nothing in it yet */
    for (size_t round = 0; round < 20; round++) {
        for (size_t i = 0; i < COUNT_OF(sizes); i++) {
            size_t n = sizes[(i + round) % COUNT_OF(sizes)];
            unsigned char *p = i % 2 ? arena_alloc(a, n) : arena_try(a, n);
            CHECK(p[0] == 0 && p[n / 2] == 0 && p[n - 1] == 0);
            memset(p, 0xff, n);
        }
        arena_rewind(a);
    }
}

/* What a stranger makes large is refused, and the arena goes on. */
static void arena_may_be_asked_for_too_much(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    char *before = arena_strdup(a, "before"), *large;

    CHECK(arena_try(a, SIZE_MAX - 3) == NULL);
    CHECK(arena_try(a, SIZE_MAX / 4) == NULL);
    large = arena_try(a, 3 << 20);
    CHECK(large && large[0] == 0 && large[(3 << 20) - 1] == 0);
    CHECK_STR(arena_strdup(a, "after"), "after");
    CHECK_STR(before, "before");
}

static void buffer_stops_at_its_ceiling(void)
{
    struct buf b = BUF(10);

    buf_str(&b, "12345");
    buf_str(&b, "67890");
    CHECK(!b.overflow);
    buf_str(&b, "x");
    CHECK(b.overflow);
    CHECK_STR(b.data, "1234567890");
    buf_clear(&b);
}

static void error_codes_round_trip(void)
{
    for (int kind = 0; kind < ERR_KIND_COUNT; kind++)
        CHECK(err_kind_of(err_code((enum err_kind)kind)) == (enum err_kind)kind);
    CHECK(err_kind_of("no such code") == ERR_INTERNAL);
}

static void hashes_known_vectors(void)
{
    char hex[HASH_HEX];
    uint8_t mac[HASH_SIZE];

    hash_hex(bytes_of("abc", 3), hex);
    CHECK_STR(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    hash_hmac(bytes_of("key", 3), bytes_of("The quick brown fox jumps over the lazy dog", 43), mac);
    text_hex(hex, mac, sizeof mac);
    CHECK_STR(hex, "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8");
    CHECK(hash_crc32(bytes_of("123456789", 9)) == 0xcbf43926u);
}

static void ids_are_unique_and_start_with_the_time(void)
{
    char a[ID_TEXT], b[ID_TEXT];

    id_new(a, 1717759963811000);
    id_new(b, 1717759963811000);
    CHECK(id_is_valid(a));
    CHECK(strcmp(a, b) != 0);
    CHECK(memcmp(a, "6662efdb", 8) == 0);
    CHECK(!id_is_valid("6662efdb5200108549e3ac2"));
    CHECK(!id_is_valid("6662efdb5200108549e3ac2bx"));
}

/* The strings are the text's own bytes, and may be changed there. */
static void json_in_place(void)
{
    static const char text[] = "{\"a\": \"x\\\\\", \"b\": [\"\\\"]\", 1], \"c\": \"]]]\"}";
    char room[sizeof text + JSON_PADDING];
    CLEANUP(json_freep) yyjson_doc *doc = NULL;
    yyjson_val *root;
    struct err err;

    memcpy(room, text, sizeof text);
    doc = json_read_in_place(room, sizeof text - 1, 20, &err);
    root = yyjson_doc_get_root(doc);
    CHECK_STR(yyjson_get_str(yyjson_obj_get(root, "a")), "x\\");
    CHECK_STR(yyjson_get_str(yyjson_arr_get(yyjson_obj_get(root, "b"), 0)), "\"]");
    CHECK(yyjson_get_str(yyjson_obj_get(root, "c")) > room &&
          yyjson_get_str(yyjson_obj_get(root, "c")) < room + sizeof room);
    memcpy(room, text, sizeof text);
    CHECK(!json_read_in_place(room, sizeof text - 1, 5, &err) && err.kind == ERR_LIMIT);
    memcpy(room, "[[\"\\", 4);
    CHECK(!json_read_in_place(room, 4, 20, &err) && err.kind == ERR_INPUT);
}

static void json_has_ceilings(void)
{
    struct err err = {0};
    char deep[200];

    memset(deep, '[', 100);
    memset(deep + 100, ']', 100);
    CHECK(!json_read(bytes_of(deep, 200), 1000, &err) && err.kind == ERR_LIMIT);
    CHECK(!json_read(bytes_of("[1]", 3), 2, &err) && err.kind == ERR_LIMIT);
    CHECK(!json_read(bytes_of("{]", 2), 100, &err) && err.kind == ERR_INPUT);
    CHECK(!json_read(bytes_of("", 0), 100, &err) && err.kind == ERR_INPUT);
}

static void *produce(void *arg)
{
    for (intptr_t i = 1; i <= 1000; i++)
        while (!queue_push(arg, (void *)i))
            sched_yield();
    return NULL;
}

static void queue_hands_everything_over(void)
{
    struct queue *q = queue_new(8);
    pthread_t producer;
    intptr_t sum = 0;
    void *items[4];
    size_t n;

    pthread_create(&producer, NULL, produce, q);
    for (size_t got = 0; got < 1000; got += n) {
        n = queue_take(q, items, 4, 0);
        for (size_t i = 0; i < n; i++)
            sum += (intptr_t)items[i];
    }
    pthread_join(producer, NULL);
    CHECK_INT(sum, 500500);
    CHECK_INT(queue_take(q, items, 4, clock_mono_us() + 2000), 0);
    queue_close(q);
    CHECK(!queue_push(q, q));
    CHECK_INT(queue_take(q, items, 4, 0), 0);
    queue_free(q);
}

int main(void)
{
    RUN(arena_grows_arrays);
    RUN(arena_is_rewound);
    RUN(arena_may_be_asked_for_too_much);
    RUN(buffer_stops_at_its_ceiling);
    RUN(error_codes_round_trip);
    RUN(hashes_known_vectors);
    RUN(ids_are_unique_and_start_with_the_time);
    RUN(json_in_place);
    RUN(json_has_ceilings);
    RUN(queue_hands_everything_over);
    return test_end();
}
