/* Webhooks through the whole server, against receivers that misbehave: everything arrives, unchanged, once
 * the receiver lets it; nobody waits for another's receiver; nothing goes where it must not.
 *
 * HOOKS_SEED (default 1) decides which of the requests are answered badly. */
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/text.h"
#include "receiver.h"
#include "stage.h"
#include "test.h"

enum { JOBS = 16, MANY_JOBS = 104, ARRIVE_SECONDS = 120 };

#define SECRET      "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3" /* base64 of 0123456789abcdef01234567 */
#define NEXT_SECRET "another-secret"

/* What most tests serve with: quick tries, loopback allowed. */
#define QUICK                                                                                    \
    "--analysts", "2", "--hook-allow-http", "--hook-allow", "127.0.0.1", "--hook-timeout", "1s", \
        "--hook-schedule",                                                                       \
        "0,100ms,100ms,100ms,100ms,100ms,100ms,100ms,100ms,100ms,100ms,100ms,100ms,100ms,100ms,100ms"

/* The same with more tries: a receiver may be down for a while. */
#define PATIENT QUICK ",200ms,200ms,200ms,200ms,200ms,200ms,500ms,500ms,500ms,500ms,500ms,1s,1s,1s,1s"

static char *url_of(struct arena *a, const struct receiver *r, const char *path)
{
    return arena_printf(a, "http://127.0.0.1:%d%s", r->port, path);
}

/* `assay hook` with what makes loopback fine. The first word of its output. */
static char *hook(struct stage *g, const char *const args[])
{
    const char *all[16] = {"hook", "--hook-allow-http", "--hook-allow", "127.0.0.1,::1"};
    struct outcome o;
    size_t n = 4;

    while (*args)
        all[n++] = *args++;
    o = stage_run(g, all);
    CHECK_INT(o.status, 0);
    if (o.status)
        printf("# %s", o.err);
    o.out[strcspn(o.out, "\n")] = o.out[0] ? '\0' : o.out[0];
    return o.out;
}

static struct outcome hook_whole(struct stage *g, const char *verb, const char *word)
{
    return stage_run(g, word ? ARGS("hook", verb, word) : ARGS("hook", verb));
}

/* A clip whose result is wanted at that URL ("" = none); waits for the end of the job. */
static char *submit(struct stage *g, const char *clip, const char *url)
{
    char *encoded = arena_alloc(g->a, 3 * strlen(url) + 1), *to = encoded, *id;
    struct answer answer;

    for (; *url; url++)
        to += strchr(":/?=&", *url) ? sprintf(to, "%%%02X", (unsigned)*url) : sprintf(to, "%c", *url);
    answer =
        stage_post(g, arena_printf(g->a, "/api/classify%s%s", *encoded ? "?webhook=" : "", encoded), clip);
    CHECK_INT(answer.status, 200);
    id = answer.status == 200 ? json_at(g->a, answer.body, "id") : NULL;
    return id ? id : arena_strdup(g->a, "");
}

/* ---- what arrived ---- */

static bool same(struct bytes x, struct bytes y)
{
    return x.len == y.len && memcmp(x.data, y.data, x.len) == 0;
}

static const char *base64_of(struct arena *a, const uint8_t *data, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *text = arena_alloc(a, 4 * ((n + 2) / 3) + 1);

    for (size_t i = 0, k = 0; i < n; i += 3, k += 4) {
        uint32_t v = (uint32_t)data[i] << 16 | (i + 1 < n ? (uint32_t)data[i + 1] << 8 : 0) |
                     (i + 2 < n ? data[i + 2] : 0);
        for (size_t j = 0; j < 4; j++)
            text[k + j] = i + j <= n ? digits[v >> (18 - 6 * j) & 63] : '=';
    }
    return text;
}

/* The Standard Webhooks signature as a receiver checks it. */
static const char *expected(struct arena *a, const struct received *got, const char *key)
{
    char *message = arena_printf(a, "%s.%s.%.*s", got->id, got->timestamp, (int)got->body.len,
                                 (const char *)got->body.data);
    uint8_t mac[HASH_SIZE];

    hash_hmac(bytes_of(key, strlen(key)), bytes_of(message, strlen(message)), mac);
    return arena_printf(a, "v1,%s", base64_of(a, mac, sizeof mac));
}

static void check_native(struct arena *a, const struct received *got, const char *secret)
{
    uint8_t mac[HASH_SIZE];
    char hex[HASH_HEX];

    hash_hmac(bytes_of(secret, strlen(secret)), got->body, mac);
    text_hex(hex, mac, sizeof mac);
    CHECK_STR(got->native, arena_printf(a, "sha256=%s", hex));
}

static void check_signed(struct arena *a, const struct received *got)
{
    CHECK_STR(got->standard, expected(a, got, "0123456789abcdef01234567"));
    check_native(a, got, SECRET);
}

/* Requests with that id have all the same body. */
static void check_repeats(const struct received *got, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++)
            if (text_is(got[i].id, got[k].id)) {
                CHECK(same(got[i].body, got[k].body));
                CHECK_STR(got[i].path, got[k].path);
            }
}

static size_t distinct_ids(const struct received *got, size_t n)
{
    size_t distinct = 0;

    for (size_t i = 0; i < n; i++) {
        bool again = false;
        for (size_t k = 0; k < i && !again; k++)
            again = text_is(got[i].id, got[k].id);
        distinct += !again;
    }
    return distinct;
}

/* How many accepted requests on that path have exactly that body. */
static int accepted_on(const struct received *got, size_t n, const char *path, struct bytes body)
{
    const char *id = NULL;
    int distinct = 0;

    for (size_t i = 0; i < n; i++)
        if (got[i].accepted && text_is(got[i].path, path) && same(got[i].body, body) &&
            !text_is(got[i].id, id)) {
            distinct++;
            id = got[i].id;
        }
    return distinct;
}

static uint64_t seed(void)
{
    const char *text = getenv("HOOKS_SEED");

    return text && atoi(text) > 0 ? (uint64_t)atoi(text) : 1;
}

/* ---- arriving ---- */

static void print_manners(const struct received *got, size_t n)
{
    static const char *const names[] = {[MANNER_FINE] = "fine",         [MANNER_BROKEN] = "500",
                                        [MANNER_BUSY] = "503",          [MANNER_REDIRECT] = "redirected",
                                        [MANNER_RESET] = "reset",       [MANNER_HANG] = "hung",
                                        [MANNER_BABBLE] = "no HTTP",    [MANNER_SHORT] = "200 and too little",
                                        [MANNER_LONG] = "200 and more", [MANNER_TAKEN] = "200 and a reset"};

    printf("# %zu requests for %d deliveries:", n, 2 * MANY_JOBS);
    for (size_t m = 0; m < COUNT_OF(names); m++) {
        size_t of = 0;
        for (size_t i = 0; i < n; i++)
            of += got[i].manner == (enum manner)m;
        if (names[m])
            printf(" %zu %s%s", of, names[m], m + 1 < COUNT_OF(names) ? "," : "\n");
    }
}

static void check_arrivals(struct stage *g, struct receiver *r, char **ids)
{
    struct received *got;
    size_t n = receiver_list(r, g->a, &got);

    print_manners(got, n);
    CHECK((int)n > 2 * MANY_JOBS); /* or nothing went wrong, and little was tested */
    CHECK_INT((long long)distinct_ids(got, n), 2 * MANY_JOBS);
    check_repeats(got, n);
    for (size_t i = 0; i < MANY_JOBS; i++) {
        struct answer result = stage_get(g, arena_printf(g->a, "/api/result/%s", ids[i]));
        CHECK_INT(accepted_on(got, n, "/tenant", result.body), 1);
        CHECK_INT(accepted_on(got, n, "/own?x=1", result.body), 1);
        ROW("job %s: %.200s", ids[i], (const char *)result.body.data);
    }
    for (size_t i = 0; i < n; i++)
        if (text_is(got[i].path, "/tenant"))
            check_signed(g->a, &got[i]);
        else
            CHECK(!got[i].native && !got[i].standard);
}

/* At first nothing is taken at all, then 30 % of the requests end badly, at last the receiver is well. Clips
 * that cannot be judged are told of, too. */
static void everything_arrives_in_the_end(void)
{
    struct receiver r, trap;
    struct stage g = stage_open(ARGS(PATIENT));
    char *ids[MANY_JOBS];
    struct outcome o;

    printf("# seed %llu\n", (unsigned long long)seed());
    receiver_open(&r, MANNER_BROKEN, seed());
    receiver_open(&trap, MANNER_FINE, 0);
    r.elsewhere = trap.port;
    hook(&g, ARGS("add", "--tenant", "acme", "--url", url_of(g.a, &r, "/tenant"), "--secret", SECRET));
    hook(&g, ARGS("add", "--tenant", "globex", "--url", url_of(g.a, &trap, "/other-tenant")));
    for (size_t i = 0; i < MANY_JOBS; i++) {
        ids[i] = submit(&g, i % 4 ? "tiny.mp4" : "text.mp4", url_of(g.a, &r, "/own?x=1"));
        if (i == MANY_JOBS / 8)
            receiver_turn(&r, MANNER_SEEDED);
    }
    receiver_wait(&r, 2 * MANY_JOBS * 3 / 4, ARRIVE_SECONDS);
    receiver_turn(&r, MANNER_FINE);
    CHECK(receiver_wait(&r, 2 * MANY_JOBS, ARRIVE_SECONDS));
    check_arrivals(&g, &r, ids);
    o = stage_run(&g, ARGS("hook", "deliveries", "--dead"));
    CHECK(strstr(o.out, "msg_") == NULL);
    CHECK_INT(receiver_connections(&trap), 0);
    CHECK_INT(stage_close(&g), 0);
    receiver_close(&r);
    receiver_close(&trap);
}

/* The job has ended, its delivery is on its way, the server dies. */
static void a_killed_server_delivers_later(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *base = folder_new(a);
    struct stage g = stage_open_in(base, ARGS(QUICK, "--hook-timeout", "30s"));
    struct receiver r;
    struct received *got;
    struct answer result;
    char *path;
    size_t n;

    receiver_open(&r, MANNER_HANG, 0);
    path = arena_printf(a, "/api/result/%s", submit(&g, "tiny.mp4", url_of(g.a, &r, "/own")));
    for (int i = 0; i < 2000 && receiver_connections(&r) == 0; i++)
        usleep(10000);
    served_kill(&g.s);
    receiver_turn(&r, MANNER_FINE);
    arena_free(g.a);
    g = stage_open_in(base, ARGS(QUICK));
    CHECK(receiver_wait(&r, 1, ARRIVE_SECONDS));
    result = stage_get(&g, path);
    n = receiver_list(&r, a, &got);
    CHECK_INT((long long)n, 2);
    CHECK_INT((long long)distinct_ids(got, n), 1);
    check_repeats(got, n);
    CHECK(n > 0 && same(got[0].body, result.body));
    CHECK_INT(stage_close(&g), 0);
    receiver_close(&r);
    folder_remove(base);
}

/* One receiver is silent for far longer than the other one needs for everything. */
static void a_silent_receiver_delays_nobody(void)
{
    struct stage g = stage_open(ARGS(QUICK, "--hook-timeout", "20s"));
    struct receiver silent, fine;
    int64_t begun;

    receiver_open(&silent, MANNER_HANG, 0);
    receiver_open(&fine, MANNER_FINE, 0);
    hook(&g, ARGS("add", "--tenant", "acme", "--url", url_of(g.a, &silent, "/")));
    begun = clock_mono_us();
    for (size_t i = 0; i < JOBS; i++)
        submit(&g, "tiny.mp4", url_of(g.a, &fine, "/"));
    CHECK(receiver_wait(&fine, JOBS, ARRIVE_SECONDS));
    CHECK(clock_mono_us() - begun < 19 * 1000000LL); /* nothing has timed out yet */
    CHECK_INT(receiver_connections(&silent), 2);     /* and it never gets more at a time */
    CHECK_INT(stage_close(&g), 0);
    receiver_close(&silent);
    receiver_close(&fine);
}

/* ---- where they must not go ---- */

static void wait_state(struct stage *g, const char *id, const char *state)
{
    const char *line = arena_printf(g->a, "state:   %s\n", state);
    struct outcome o = {0};

    for (int i = 0; i < 300; i++) {
        o = hook_whole(g, "show", id);
        if (o.status == 0 && strstr(o.out, line))
            return;
        usleep(50000);
    }
    CHECK(!"it gets there");
    printf("# %s not %s: %s\n", id, state, o.out);
}

/* The hooks were registered by somebody who allowed more than the server does. */
static void forbidden_addresses_get_nothing(void)
{
    struct stage g = stage_open(
        ARGS("--analysts", "1", "--hook-allow-http", "--hook-schedule", "0,50ms", "--hook-allow", "::1"));
    struct receiver r;
    char *by_address, *by_name;
    struct outcome o;

    receiver_open(&r, MANNER_FINE, 0);
    by_address = hook(&g, ARGS("add", "--tenant", "acme", "--url", url_of(g.a, &r, "/")));
    by_name =
        hook(&g, ARGS("add", "--tenant", "acme", "--url", arena_printf(g.a, "http://localhost:%d/", r.port)));
    by_address = hook(&g, ARGS("ping", by_address));
    by_name = hook(&g, ARGS("ping", by_name)); /* a fine name here, but it means 127.0.0.1, too */
    wait_state(&g, by_address, "dead");
    wait_state(&g, by_name, "dead");
    o = hook_whole(&g, "show", by_address);
    CHECK(strstr(o.out, "must not go to 127.0.0.1") != NULL);
    o = hook_whole(&g, "show", by_name);
    CHECK(strstr(o.out, "the address 127.0.0.1 is not public") != NULL);
    CHECK_INT(receiver_connections(&r), 0);
    CHECK_INT(stage_close(&g), 0);
    receiver_close(&r);
}

/* ---- dead letters, and the command ---- */

static void dead_letters_are_listed_and_sent_again(void)
{
    struct stage g = stage_open(ARGS(QUICK, "--hook-schedule", "0,50ms"));
    struct receiver r;
    struct received *got;
    struct outcome o;
    char *id, *ping;

    receiver_open(&r, MANNER_BROKEN, 0);
    id = hook(&g, ARGS("add", "--tenant", "acme", "--url", url_of(g.a, &r, "/dead")));
    ping = hook(&g, ARGS("ping", id));
    wait_state(&g, ping, "dead");
    CHECK_INT(receiver_connections(&r), 2);
    o = stage_run(&g, ARGS("hook", "deliveries", "--dead"));
    CHECK(strstr(o.out, ping) != NULL);
    receiver_turn(&r, MANNER_GONE);
    hook(&g, ARGS("resend", ping));
    for (int i = 0; i < 200 && receiver_connections(&r) < 3; i++)
        usleep(20000);
    wait_state(&g, ping, "dead");
    CHECK_INT(receiver_connections(&r), 3); /* 410: no second try */
    receiver_turn(&r, MANNER_FINE);
    hook(&g, ARGS("resend", ping));
    CHECK(receiver_wait(&r, 1, 20));
    wait_state(&g, ping, "delivered");
    CHECK_INT((long long)receiver_list(&r, g.a, &got), 4);
    CHECK_INT((long long)distinct_ids(got, 4), 1);
    CHECK_STR(got[3].id, ping);
    check_repeats(got, 4);
    o = hook_whole(&g, "show", ping);
    CHECK(strstr(o.out, "try 4:") && strstr(o.out, "status 410") && strstr(o.out, "status 204"));
    CHECK_INT(stage_close(&g), 0);
    receiver_close(&r);
}

static void secrets_are_rotated(void)
{
    struct stage g = stage_open(ARGS(QUICK));
    struct receiver r;
    struct received *got;
    char *id, *ping;

    receiver_open(&r, MANNER_FINE, 0);
    id = hook(&g, ARGS("add", "--tenant", "acme", "--url", url_of(g.a, &r, "/"), "--secret", SECRET));
    hook(&g, ARGS("rotate", id, "--secret", NEXT_SECRET));
    hook(&g, ARGS("ping", id));
    CHECK(receiver_wait(&r, 1, 20));
    hook(&g, ARGS("rotate", id, "--secret", SECRET, "--keep", "0ms"));
    hook(&g, ARGS("ping", id));
    CHECK(receiver_wait(&r, 2, 20));
    CHECK_INT((long long)receiver_list(&r, g.a, &got), 2);
    CHECK_STR(got[0].standard, arena_printf(g.a, "%s %s", expected(g.a, &got[0], NEXT_SECRET),
                                            expected(g.a, &got[0], "0123456789abcdef01234567")));
    check_native(g.a, &got[0], NEXT_SECRET);
    check_signed(g.a, &got[1]);
    CHECK(text_starts(hook(&g, ARGS("rotate", id)), "whsec_"));
    ping = hook(&g, ARGS("ping", id));
    CHECK(receiver_wait(&r, 3, 20));
    CHECK(text_starts(ping, "msg_"));
    hook(&g, ARGS("remove", id));
    CHECK_INT(
        stage_run(&g, ARGS("hook", "--hook-allow-http", "--hook-allow", "127.0.0.1", "ping", id)).status, 1);
    CHECK_INT(stage_close(&g), 0);
    receiver_close(&r);
}

static const struct {
    const char *what;
    const char *args[8];
    int status;
} calls[] = {
    {"no verb", {"hook"}, 2},
    {"unknown verb", {"hook", "frobnicate"}, 2},
    {"no id", {"hook", "remove"}, 2},
    {"one word too many", {"hook", "list", "x"}, 2},
    {"no URL", {"hook", "add", "--tenant", "acme"}, 1},
    {"no tenant", {"hook", "add", "--url", "https://example.org/"}, 1},
    {"no tenant's name", {"hook", "add", "--tenant", "a b", "--url", "https://example.org/"}, 1},
    {"plain http", {"hook", "add", "--tenant", "acme", "--url", "http://example.org/"}, 1},
    {"own network", {"hook", "add", "--tenant", "acme", "--url", "https://10.0.0.1/"}, 1},
    {"short secret",
     {"hook", "add", "--tenant", "acme", "--url", "https://example.org/", "--secret", "x"},
     1},
    {"unknown hook", {"hook", "remove", "000000000000000000000000"}, 1},
    {"unknown delivery", {"hook", "show", "msg_000000000000000000000000"}, 1},
    {"resend unknown", {"hook", "resend", "msg_000000000000000000000000"}, 1},
    {"list", {"hook", "list"}, 0},
    {"deliveries", {"hook", "deliveries"}, 0},
    {"bad schedule", {"serve", "--listen", "127.0.0.1:0", "--hook-schedule", "5s"}, 1},
    {"bad network", {"serve", "--listen", "127.0.0.1:0", "--hook-allow", "localhost"}, 1},
};

static void wrong_calls_are_told(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct stage g = {.a = a, .base = folder_new(a)};

    g.dir = arena_printf(a, "%s/data", g.base);
    for (size_t i = 0; i < COUNT_OF(calls); i++) {
        const char *args[9] = {0};
        struct outcome o;
        memcpy(args, calls[i].args, sizeof calls[i].args);
        o = stage_run(&g, args);
        CHECK_INT(o.status, calls[i].status);
        CHECK((o.err[0] != '\0') == (o.status != 0));
        ROW("%s: %s", calls[i].what, o.err);
    }
    folder_remove(g.base);
}

int main(void)
{
    RUN(everything_arrives_in_the_end);
    RUN(a_killed_server_delivers_later);
    RUN(a_silent_receiver_delays_nobody);
    RUN(forbidden_addresses_get_nothing);
    RUN(dead_letters_are_listed_and_sent_again);
    RUN(secrets_are_rotated);
    RUN(wrong_calls_are_told);
    return test_end();
}
