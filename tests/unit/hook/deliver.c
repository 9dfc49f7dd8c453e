/* The courier with a store and receivers on loopback. Runs under the sanitizers, which the flow tests do not.
 */
#include "hook/deliver.h"

#include <arpa/inet.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "flow/receiver.h"
#include "store/hooks.h"
#include "test.h"
#include "unit/store/latch.h"
#include "unit/store/tempdir.h"

enum { SITES = 6, EACH = 8 };

struct rig {
    struct tempdir dir;
    struct arena *a;
    struct records *db;
    struct guard guard;
    struct courier *courier;
};

static void must(int r, const struct err *err)
{
    if (r == 0)
        return;
    printf("Bail out! %s\n", err->text);
    exit(99);
}

static void start(struct rig *r, const char *schedule, int timeout_ms)
{
    struct courier_opts opts = {
        .db = r->db,
        .guard = &r->guard,
        .user_agent = "test",
        .hook = {.schedule = schedule,
                 .in_flight = 6,
                 .per_site = 2,
                 .connect_ms = 1000,
                 .timeout_ms = timeout_ms},
    };
    struct err err;

    must(courier_start(&r->courier, &opts, &err), &err);
}

static struct rig rig_up(void)
{
    struct rig r = {.dir = tempdir_new(), .a = arena_new(), .guard = {.allow_http = true}};
    struct err err;

    must(guard_parse_allow(r.a, "127.0.0.1", &r.guard, &err), &err);
    must(records_open(&r.db, r.dir.path, &err), &err);
    return r;
}

static void rig_down(struct rig *r)
{
    courier_stop(&r->courier);
    records_freep(&r->db);
    arena_free(r->a);
    tempdir_clear(&r->dir);
}

/* A due delivery to that receiver, with its own number in the body. */
static void add(struct rig *r, struct receiver *to, int number)
{
    const char *body = arena_printf(r->a, "{\"n\":%d}", number);
    struct delivery_row row = {.tenant = "acme",
                               .url = arena_printf(r->a, "http://127.0.0.1:%d/", to->port),
                               .site = arena_printf(r->a, "127.0.0.1:%d", to->port),
                               .body = bytes_of(body, strlen(body)),
                               .state = "due",
                               .next_us = clock_wall_us(),
                               .created_us = clock_wall_us()};
    struct err err;

    delivery_id_new(row.id, row.created_us);
    must(records_add_delivery(r->db, &row, NULL, NULL, &err), &err);
}

static size_t in_state(struct rig *r, const char *state)
{
    struct delivery_row *rows;
    size_t n = 0;

    records_sync(r->db);
    CHECK(records_list_deliveries(r->db, r->a, NULL, state, 10000, &rows, &n, NULL) == 0);
    return n;
}

static bool wait_state(struct rig *r, const char *state, size_t want)
{
    for (int i = 0; i < 2000 && in_state(r, state) < want; i++)
        usleep(10000);
    return in_state(r, state) == want;
}

static void everything_goes_everywhere(void)
{
    struct rig r = rig_up();
    struct courier_stats stats;
    struct receiver to[SITES];

    for (int i = 0; i < SITES; i++)
        receiver_open(&to[i], MANNER_FINE, 0);
    start(&r, "0", 5000);
    for (int k = 0; k < EACH; k++)
        for (int i = 0; i < SITES; i++)
            add(&r, &to[i], k * SITES + i);
    records_sync(r.db);
    courier_wake(r.courier);
    CHECK(wait_state(&r, "delivered", SITES * EACH));
    courier_stats(r.courier, &stats);
    CHECK(stats.delivered == SITES * EACH && stats.again == 0 && stats.dead == 0);
    for (int i = 0; i < SITES; i++) {
        CHECK_INT((long long)receiver_accepted(&to[i]), EACH);
        CHECK(receiver_connections(&to[i]) >= EACH); /* more when another program strays to this port */
        CHECK(to[i].most_open <= 2);
    }
    rig_down(&r);
    for (int i = 0; i < SITES; i++)
        receiver_close(&to[i]);
}

/* Five silent receivers could hold all six places for good. Once they are known, they share three. */
static void silence_gets_half_of_the_places(void)
{
    struct rig r = rig_up();
    struct receiver silent[5], fine;
    int64_t begun;

    for (int i = 0; i < 5; i++)
        receiver_open(&silent[i], MANNER_HANG, 0);
    receiver_open(&fine, MANNER_FINE, 0);
    start(&r, "0,1ms,1ms,1ms,1ms,1ms,1ms,1ms,1ms,1ms,1ms,1ms,1ms,1ms,1ms,1ms,1ms,1ms,1ms,1ms", 1000);
    for (int k = 0; k < 10; k++)
        for (int i = 0; i < 5; i++)
            add(&r, &silent[i], k);
    records_sync(r.db);
    courier_wake(r.courier);
    usleep(2500000); /* every receiver has had its turn and timed out */
    begun = clock_mono_us();
    for (int k = 0; k < EACH; k++)
        add(&r, &fine, k);
    records_sync(r.db);
    courier_wake(r.courier);
    CHECK(receiver_wait(&fine, EACH, 20));
    printf("# %d deliveries in %lld ms beside five silent receivers\n", EACH,
           (long long)(clock_mono_us() - begun) / 1000);
    CHECK(clock_mono_us() - begun < 900000); /* sooner than one of the silent ones gives its place back */
    rig_down(&r);
    for (int i = 0; i < 5; i++)
        receiver_close(&silent[i]);
    receiver_close(&fine);
}

/* Broken off by a stop: no try, due as before, sent by the next courier with the same id. */
static void a_stop_loses_nothing(void)
{
    struct rig r = rig_up();
    struct receiver to;
    struct received *got;
    size_t n;

    receiver_open(&to, MANNER_HANG, 0);
    start(&r, "0", 20000); /* one try only: if it counted, the delivery would be dead */
    add(&r, &to, 1);
    records_sync(r.db);
    courier_wake(r.courier);
    for (int i = 0; i < 1000 && receiver_connections(&to) == 0; i++)
        usleep(5000);
    courier_stop(&r.courier);
    CHECK_INT((long long)in_state(&r, "due"), 1);
    receiver_turn(&to, MANNER_FINE);
    start(&r, "0", 20000);
    CHECK(wait_state(&r, "delivered", 1));
    n = receiver_list(&to, r.a, &got);
    CHECK(n == 2 || n == 1); /* the first one may have been broken off before it was read */
    CHECK_STR(got[0].id, got[n - 1].id);
    rig_down(&r);
    receiver_close(&to);
}

/* Bound and not listening: it refuses, and nobody else can get its port. */
static int deaf_socket(struct receiver *to)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CHECK(bind(fd, (struct sockaddr *)&at, len) == 0 && getsockname(fd, (struct sockaddr *)&at, &len) == 0);
    *to = (struct receiver){.port = ntohs(at.sin_port)};
    return fd;
}

/* Nobody listens: dead after the last try, and every try is in the log. */
static void refusals_are_logged(void)
{
    struct rig r = rig_up();
    struct delivery_row *rows;
    struct delivery_try *tries;
    struct courier_stats stats;
    struct receiver to;
    CLEANUP(fd_closep) int deaf = deaf_socket(&to);
    size_t n;

    start(&r, "0,10ms,10ms", 5000);
    add(&r, &to, 1);
    records_sync(r.db);
    courier_wake(r.courier);
    CHECK(wait_state(&r, "dead", 1));
    CHECK(records_list_deliveries(r.db, r.a, NULL, "dead", 10, &rows, &n, NULL) == 0 && n == 1);
    CHECK(records_tries(r.db, r.a, rows[0].id, &tries, &n, NULL) == 0 && n == 3);
    for (size_t i = 0; i < n; i++)
        CHECK(tries[i].status == 0 && tries[i].error);
    courier_stats(r.courier, &stats);
    CHECK(stats.delivered == 0 && stats.again == 2 && stats.dead == 1);
    rig_down(&r);
}

int main(void)
{
    RUN(everything_goes_everywhere);
    RUN(silence_gets_half_of_the_places);
    RUN(a_stop_loses_nothing);
    RUN(refusals_are_logged);
    return test_end();
}
