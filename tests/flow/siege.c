/* A crowd before the doors: thousands of idle connections, hundreds of uploads at the same moment, clients
 * that drip. Uploads end with an acknowledgement or a deliberate 429 or 503, nobody is cut off without an
 * answer, drips are dropped in time, somebody who only asks is served meanwhile, and the front stays small.
 *
 * SIEGE_UPLOADS (default 200), SIEGE_IDLE (default 2000); `make soak` says 1000 and 10000. One thread plays
 * them all. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "stage.h"
#include "test.h"

enum {
    DRIPPERS = 40, /* of the head, and as many of the body */
    DRIP_MS = 300, /* between two bytes */
    FRONT_KB = 300 << 10,
    SPARE_FDS = 200,
    MAX_ASKED = 20000,
    MEASURE_EVERY = 20,
    EVENTS = 256,
    LAST_SECONDS = 60, /* nothing takes longer */
};

/* ---- one visitor ---- */

enum role { IDLE, KEPT, UPLOAD, DRIP_HEAD, DRIP_BODY };
enum stand { CONNECTING, SENDING, HOLDING, WAITING, ANSWERED, CLOSED };

struct visitor {
    enum role role;
    enum stand stand;
    int fd, status;
    bool reset; /* closed by a reset */
    size_t sent;
    int64_t begun_us, ended_us;
    char answer[16]; /* "HTTP/1.1 200" */
    size_t got;
};

static struct siege {
    struct stage g;
    int epoll, uploads, idle;
    struct bytes upload, ask;
    struct visitor *all;
    size_t n;
    atomic_bool over;
    /* of those who only ask; written by their thread */
    int64_t asked_us[MAX_ASKED];
    size_t nasked;
    int not_served;
    long most_kb;
} s;

static void leave(struct visitor *v)
{
    close(v->fd);
    v->fd = -1;
    v->ended_us = clock_mono_us();
    if (v->stand != ANSWERED)
        v->stand = CLOSED;
}

static void want(struct visitor *v, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.ptr = v};

    epoll_ctl(s.epoll, EPOLL_CTL_MOD, v->fd, &e);
}

static void arrive(struct visitor *v, enum role role)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)s.g.s.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event e = {.events = EPOLLOUT, .data.ptr = v};

    *v = (struct visitor){.role = role, .begun_us = clock_mono_us()};
    v->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (v->fd < 0 || epoll_ctl(s.epoll, EPOLL_CTL_ADD, v->fd, &e) < 0)
        abort();
    if (connect(v->fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS)
        leave(v);
}

/* What it sends at once, and where an upload holds until all others are as far. */
static struct bytes words_of(const struct visitor *v)
{
    return v->role == KEPT ? s.ask : v->role == IDLE ? (struct bytes){0} : s.upload;
}

static size_t hold_at(const struct visitor *v)
{
    return v->role == UPLOAD      ? s.upload.len / 2
           : v->role == DRIP_HEAD ? 60
           : v->role == DRIP_BODY ? 1000
                                  : SIZE_MAX;
}

static void send_some(struct visitor *v, size_t until)
{
    struct bytes words = words_of(v);
    size_t end = until < words.len ? until : words.len;
    ssize_t n = 0;

    while (v->sent < end && (n = send(v->fd, words.data + v->sent, end - v->sent, MSG_NOSIGNAL)) > 0)
        v->sent += (size_t)n;
    if (v->sent == words.len)
        v->stand = v->role == IDLE ? HOLDING : WAITING;
    else if (v->sent >= end)
        v->stand = HOLDING;
    want(v, EPOLLIN | (v->sent < end ? EPOLLOUT : 0));
}

static void read_some(struct visitor *v)
{
    char rest[4096];
    ssize_t n;

    while ((n = recv(v->fd, rest, sizeof rest, 0)) > 0) {
        size_t part = sizeof v->answer - 1 - v->got < (size_t)n ? sizeof v->answer - 1 - v->got : (size_t)n;
        memcpy(v->answer + v->got, rest, part);
        v->got += part;
    }
    if (!v->status && sscanf(v->answer, "HTTP/1.1 %d", &v->status) == 1)
        v->stand = ANSWERED;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    v->reset = n < 0 && errno == ECONNRESET;
    leave(v);
}

static void on_event(struct visitor *v, uint32_t events)
{
    if (v->fd < 0)
        return;
    if (v->stand == CONNECTING && events & EPOLLOUT) {
        v->stand = SENDING;
        send_some(v, hold_at(v));
    } else if (v->stand == SENDING && events & EPOLLOUT) {
        send_some(v, v->role == UPLOAD && v->sent >= hold_at(v) ? SIZE_MAX : hold_at(v));
    }
    if (v->fd >= 0 && events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        read_some(v);
}

static void serve_events(int ms)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait(s.epoll, events, EVENTS, ms);

    for (int i = 0; i < n; i++)
        on_event(events[i].data.ptr, events[i].events);
}

static size_t count(enum role role, enum stand stand)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += s.all[i].role == role && s.all[i].stand == stand;
    return n;
}

/* Events until nobody of that role is in one of the stands, or the time is up. */
static void settle(enum role role, enum stand a, enum stand b, int seconds)
{
    int64_t until = clock_mono_us() + seconds * 1000000LL;

    while (count(role, a) + count(role, b) > 0 && clock_mono_us() < until)
        serve_events(20);
}

/* ---- those who only ask ---- */

static void *asker_main(void *arg)
{
    struct siege *me = arg;

    while (!atomic_load(&me->over) && me->nasked < MAX_ASKED) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        int64_t begun = clock_mono_us();
        struct answer answer = http_get(a, me->g.s.port, "/api/healthz", me->g.key);
        me->asked_us[me->nasked++] = clock_mono_us() - begun;
        me->not_served += answer.status != 200;
        if (me->nasked % MEASURE_EVERY == 0) { /* it stops the server for a moment */
            long kb = process_memory_kb(me->g.s.pid, "Private_Dirty");
            me->most_kb = kb > me->most_kb ? kb : me->most_kb;
        }
        usleep(10000);
    }
    return NULL;
}

static int by_time(const void *x, const void *y)
{
    const int64_t *a = x, *b = y;

    return *a < *b ? -1 : *a > *b;
}

/* ---- the siege ---- */

static int setting(const char *name, int fallback)
{
    const char *text = getenv(name);

    return text && atoi(text) > 0 ? atoi(text) : fallback;
}

static struct bytes upload_request(struct arena *a, const char *key)
{
    struct form f = {0};

    form_add(&f, "video", "clip.mp4", clip_load(a, "tiny.mp4"));
    return form_request(a, &f, "/api/classify", key);
}

static void open_siege(const char *const args[])
{
    char *ask;

    s.g = stage_open(args);
    ask = arena_printf(
        s.g.a, "GET /api/healthz HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n", s.g.key);
    s.ask = bytes_of(ask, strlen(ask));
    s.upload = upload_request(s.g.a, s.g.key);
    s.epoll = epoll_create1(EPOLL_CLOEXEC);
    s.n = 0;
    s.all = mem_alloc((size_t)(s.idle + s.uploads + 2 * DRIPPERS + 400) * sizeof *s.all);
}

static void close_siege(void)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.all[i].fd >= 0)
            leave(&s.all[i]);
    close(s.epoll);
    free(s.all);
    CHECK_INT(stage_close(&s.g), 0);
}

static void arrive_all(enum role role, int n)
{
    for (int i = 0; i < n; i++) {
        arrive(&s.all[s.n++], role);
        if (i % 100 == 99)
            serve_events(0);
    }
}

/* All uploads stand in the middle of their body at the same moment; then they go on. */
static void storm(void)
{
    arrive_all(UPLOAD, s.uploads);
    settle(UPLOAD, CONNECTING, SENDING, 20);
    printf("# %zu uploads in the middle of their body\n", count(UPLOAD, HOLDING));
    for (size_t i = 0; i < s.n; i++)
        if (s.all[i].role == UPLOAD && s.all[i].stand == HOLDING) {
            s.all[i].stand = SENDING;
            send_some(&s.all[i], SIZE_MAX);
        }
    settle(UPLOAD, SENDING, WAITING, LAST_SECONDS);
}

/* A byte each, again and again, while they last. */
static void drip(int seconds)
{
    int64_t until = clock_mono_us() + seconds * 1000000LL, next = 0;

    while (clock_mono_us() < until && count(DRIP_HEAD, HOLDING) + count(DRIP_BODY, HOLDING) > 0) {
        if (clock_mono_us() >= next) {
            next = clock_mono_us() + DRIP_MS * 1000;
            for (size_t i = 0; i < s.n; i++)
                if ((s.all[i].role == DRIP_HEAD || s.all[i].role == DRIP_BODY) && s.all[i].stand == HOLDING)
                    send_some(&s.all[i], s.all[i].sent + 1);
        }
        serve_events(20);
    }
}

static void check_uploads(void)
{
    int ok = 0, busy = 0, other = 0, silent = 0;

    for (size_t i = 0; i < s.n; i++) {
        const struct visitor *v = &s.all[i];
        if (v->role != UPLOAD)
            continue;
        ok += v->status == 200;
        busy += v->status == 429 || v->status == 503;
        silent += v->status == 0;
        other += v->status && v->status != 200 && v->status != 429 && v->status != 503;
    }
    printf("# uploads: %d accepted, %d told 429 or 503, %d other answers, %d without an answer\n", ok, busy,
           other, silent);
    CHECK_INT(ok + busy, s.uploads);
    CHECK_INT(other + silent, 0);
}

/* When the last of them was dropped, in ms since it came; -1 when one is still there. */
static int64_t last_dropped(enum role role)
{
    int64_t last = 0;

    for (size_t i = 0; i < s.n; i++)
        if (s.all[i].role == role) {
            int64_t ms = (s.all[i].ended_us - s.all[i].begun_us) / 1000;
            if (s.all[i].fd >= 0)
                return -1;
            last = ms > last ? ms : last;
        }
    return last;
}

static void check_asked(void)
{
    qsort(s.asked_us, s.nasked, sizeof s.asked_us[0], by_time);
    if (s.nasked == 0)
        abort();
    printf("# asked %zu times meanwhile: median %.1f ms, p99 %.1f ms, longest %.1f ms; %d not served\n",
           s.nasked, (double)s.asked_us[s.nasked / 2] / 1000, (double)s.asked_us[s.nasked * 99 / 100] / 1000,
           (double)s.asked_us[s.nasked - 1] / 1000, s.not_served);
    CHECK_INT(s.not_served, 0);
    CHECK(s.asked_us[s.nasked * 99 / 100] < 2000000);
}

/* --idle-timeout of the server: everybody must have arrived before the first one is dropped. */
static int idle_seconds(void)
{
    return s.idle >= 5000 ? 20 : 8;
}

/* As many descriptors as both sides need; false when the system does not give them. */
static bool raise_fds(int needed)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return false;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_max >= (rlim_t)needed;
}

static void everybody_at_once(void)
{
    CLEANUP(arena_freep) struct arena *text = arena_new();
    int64_t begun;
    pthread_t asker;

    s.uploads = setting("SIEGE_UPLOADS", 200);
    s.idle = setting("SIEGE_IDLE", 2000);
    if (!raise_fds(s.idle + 2 * s.uploads + SPARE_FDS))
        SKIP("the hard limit of open files is too low");
    open_siege(ARGS("--analysts", "1", "--idle-timeout", arena_printf(text, "%ds", idle_seconds())));
    if (pthread_create(&asker, NULL, asker_main, &s) != 0)
        abort();
    begun = clock_mono_us();
    arrive_all(DRIP_HEAD, DRIPPERS);
    arrive_all(DRIP_BODY, DRIPPERS);
    arrive_all(IDLE, s.idle / 2);
    arrive_all(KEPT, s.idle / 2);
    settle(IDLE, CONNECTING, SENDING, 20);
    settle(KEPT, SENDING, WAITING, 20);
    printf("# %zu silent and %zu kept connections after %lld ms\n", count(IDLE, HOLDING),
           count(KEPT, ANSWERED), (long long)(clock_mono_us() - begun) / 1000);
    CHECK_INT((long long)(count(IDLE, HOLDING) + count(KEPT, ANSWERED)), s.idle);
    storm();
    drip(3 * idle_seconds());
    settle(IDLE, HOLDING, HOLDING, 3 * idle_seconds());
    atomic_store(&s.over, true);
    pthread_join(asker, NULL);
    check_uploads();
    check_asked();
    printf("# dropped at the latest after: dripping heads %lld ms, dripping bodies %lld ms, silent %lld ms\n",
           (long long)last_dropped(DRIP_HEAD), (long long)last_dropped(DRIP_BODY),
           (long long)last_dropped(IDLE));
    CHECK(last_dropped(DRIP_HEAD) >= 0 && last_dropped(DRIP_HEAD) < (2 * idle_seconds() + 4) * 1000);
    CHECK(last_dropped(DRIP_BODY) >= 0 && last_dropped(DRIP_BODY) < (2 * idle_seconds() + 4) * 1000);
    CHECK(last_dropped(IDLE) >= 0 && last_dropped(IDLE) < (2 * idle_seconds() + 4) * 1000);
    printf("# front: private %ld kB at most\n", s.most_kb);
    CHECK(s.most_kb > 0 && s.most_kb <= FRONT_KB);
    close_siege();
}

/* Queues that are full say so, each in its own way. */
static void full_queues_say_so(void)
{
    s.uploads = setting("SIEGE_UPLOADS", 200);
    s.idle = 0;
    open_siege(ARGS("--analysts", "1", "--max-queued-tenant", "20"));
    storm();
    check_uploads();
    close_siege();
    open_siege(ARGS("--analysts", "1", "--max-queued", "20"));
    storm();
    check_uploads();
    close_siege();
}

/* More silent connections than there are places: they give way. */
static void idle_connections_give_way(void)
{
    struct answer answer = {0};
    int refused = 0;
    int64_t begun;

    s.uploads = 100;
    s.idle = 300;
    open_siege(ARGS("--analysts", "1", "--max-connections", "100", "--idle-timeout", "30s"));
    arrive_all(IDLE, s.idle);
    settle(IDLE, CONNECTING, SENDING, 10);
    begun = clock_mono_us();
    while (answer.status != 200 && clock_mono_us() - begun < 5000000) {
        answer = http_get(s.g.a, s.g.s.port, "/api/healthz", s.g.key);
        CHECK(answer.status == 200 || answer.status == 503);
        refused += answer.status == 503;
        serve_events(50);
    }
    printf("# a question behind 300 silent connections in 100 places: status %d after %lld ms, %d times 503 "
           "before\n",
           answer.status, (long long)(clock_mono_us() - begun) / 1000, refused);
    CHECK_INT(answer.status, 200);
    CHECK(clock_mono_us() - begun < 5000000);
    storm();
    check_uploads();
    close_siege();
}

int main(void)
{
    RUN(everybody_at_once);
    RUN(full_queues_say_so);
    RUN(idle_connections_give_way);
    return test_end();
}
