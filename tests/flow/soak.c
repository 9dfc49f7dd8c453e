/* Mixed traffic for a long time against one server: nothing of it may pile up. Memory of front, keeper and
 * analysts, descriptors, processes, files of uploads and deleted jobs are looked at on the way and at the
 * end.
 *
 * SOAK_SECONDS (default 20; `make soak` says 1800), SOAK_SEED (default 1). */
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "craft.h"
#include "receiver.h"
#include "stage.h"
#include "test.h"

enum {
    SHORT_SECONDS = 20,
    CLIENTS = 4,
    PAUSE_US = 20000, /* between two requests of a client: the machine is for others, too */
    ANALYSTS = 2,
    MAX_SAMPLES = 4000,
    LONG_RUN = 600, /* seconds: from here on drift is judged strictly */
    PERCENT_LONG = 2,
    PERCENT_SHORT = 30, /* the first requests of all kinds are still in the sample */
    WAIT_SECONDS = 60,
    WARM_UP_US = 4000000,
    MOST_WARM_UP_US = 120000000,
    SETTLE_US = 1000000,
};

/* ---- what is looked at ---- */

struct sample {
    long front_kb, keeper_kb, analysts_kb; /* private, dirty */
    int front_fds, keeper_fds;
};

struct soak {
    struct stage g;
    struct receiver hooks;
    const char *hook, *admin; /* URL; a key that may delete */
    struct bytes good, empty, text;
    atomic_bool stop;
    atomic_int requests, refused, broken, finished, unfinished, deleted;
    atomic_ullong serial;
    struct sample samples[MAX_SAMPLES];
    size_t nsamples;
};

static int count_fds(pid_t pid)
{
    char path[32];
    struct dirent *entry;
    int n = -1;
    DIR *d;

    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    d = opendir(path);
    for (n = d ? 0 : -1; d && (entry = readdir(d));)
        n += entry->d_name[0] != '.';
    if (d)
        closedir(d);
    return n;
}

static struct sample look(const struct soak *s)
{
    pid_t analysts[16];
    size_t n = process_children(s->g.keeper, analysts, 16);
    struct sample now = {.front_kb = process_memory_kb(s->g.s.pid, "Private_Dirty"),
                         .keeper_kb = process_memory_kb(s->g.keeper, "Private_Dirty"),
                         .front_fds = count_fds(s->g.s.pid),
                         .keeper_fds = count_fds(s->g.keeper)};

    for (size_t i = 0; i < n; i++) {
        long kb = process_memory_kb(analysts[i], "Private_Dirty");
        now.analysts_kb = kb > now.analysts_kb ? kb : now.analysts_kb;
    }
    return now;
}

/* ---- the traffic ---- */

struct client {
    struct soak *s;
    uint64_t random;
    char *last[8]; /* ids of finished jobs; malloc'ed */
    pthread_t thread;
};

/* A file of its own: the clip and a box with a number. */
static struct bytes fresh_clip(struct soak *s, struct arena *a, struct bytes clip)
{
    uint8_t *box = craft_room(a, 16);
    uint64_t serial = atomic_fetch_add(&s->serial, 1);

    craft_put32(box, 16);
    memcpy(box + 4, "free", 4);
    memcpy(box + 8, &serial, 8);
    return craft_join(a, clip, bytes_of(box, 16));
}

static void note_status(struct soak *s, int status)
{
    atomic_fetch_add(&s->requests, 1);
    if (status == 429 || status == 503)
        atomic_fetch_add(&s->refused, 1);
    else if (status == 0 || status >= 500)
        atomic_fetch_add(&s->broken, 1);
}

static void keep_id(struct client *c, const char *id)
{
    size_t i = craft_next(&c->random) % 8;

    free(c->last[i]);
    c->last[i] = strdup(id);
}

static const char *some_id(struct client *c)
{
    const char *id = c->last[craft_next(&c->random) % 8];

    return id ? id : "000000000000000000000000";
}

static struct answer post(struct client *c, struct arena *a, const char *path, struct bytes clip)
{
    struct answer answer = post_clip(a, c->s->g.s.port, path, c->s->g.key, "clip.mp4", clip, NULL);

    note_status(c->s, answer.status);
    return answer;
}

static struct answer get(struct client *c, struct arena *a, const char *path)
{
    struct answer answer = http_get(a, c->s->g.s.port, path, c->s->g.key);

    note_status(c->s, answer.status);
    return answer;
}

static void follow(struct client *c, struct arena *a, const char *id)
{
    struct answer answer = result_wait(a, c->s->g.s.port, c->s->g.key, id, WAIT_SECONDS);
    const char *state = json_at(a, answer.body, "status.classify");
    bool ended = text_is(state, "done") || text_is(state, "error");

    note_status(c->s, answer.status);
    atomic_fetch_add(ended ? &c->s->finished : &c->s->unfinished, 1);
    keep_id(c, id);
}

static void send_sync(struct client *c, struct arena *a)
{
    struct answer answer = post(c, a, "/api/classify?sync=true", fresh_clip(c->s, a, c->s->good));
    const char *id = answer.status == 200 ? json_at(a, answer.body, "id") : NULL;

    if (id)
        keep_id(c, id);
}

static void send_async(struct client *c, struct arena *a)
{
    struct answer answer = post(c, a, "/api/classify", fresh_clip(c->s, a, c->s->empty));
    const char *id = answer.status == 200 ? json_at(a, answer.body, "id") : NULL;

    if (id)
        follow(c, a, id);
}

static void send_with_hook(struct client *c, struct arena *a)
{
    post(c, a, arena_printf(a, "/api/classify?sync=true&webhook=%s", c->s->hook),
         fresh_clip(c->s, a, c->s->good));
}

/* Cut somewhere, flipped somewhere, or no clip at all. */
static void send_broken(struct client *c, struct arena *a)
{
    uint8_t *copy = craft_copy(a, c->s->good);
    size_t len = c->s->good.len;
    uint64_t x = craft_next(&c->random);

    copy[x % len] ^= (uint8_t)(1 << (x >> 32 & 7));
    if (x & 1 << 20)
        len = 1 + (x >> 24) % len;
    post(c, a, "/api/classify?sync=true", x & 1 << 21 ? c->s->text : bytes_of(copy, len));
}

static void ask_result(struct client *c, struct arena *a)
{
    get(c, a, arena_printf(a, "/api/result/%s", some_id(c)));
    get(c, a, arena_printf(a, "/v1/jobs/%s", some_id(c)));
}

static void ask_annotated(struct client *c, struct arena *a)
{
    get(c, a, arena_printf(a, "/api/video/annotate/%s", some_id(c)));
}

static struct answer say(struct client *c, struct arena *a, const char *method, const char *path,
                         const char *body)
{
    char *request =
        arena_printf(a,
                     "%s %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: "
                     "application/json\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
                     method, path, c->s->admin, strlen(body), body);
    struct answer answer = http_raw(a, c->s->g.s.port, bytes_of(request, strlen(request)));

    note_status(c->s, answer.status);
    return answer;
}

static void put_label(struct client *c, struct arena *a)
{
    say(c, a, "POST", arena_printf(a, "/api/label/%s", some_id(c)),
        "{\"labels\": [\"plant\"], \"comment\": \"soak\"}");
}

static void delete_job(struct client *c, struct arena *a)
{
    struct answer answer = say(c, a, "DELETE", arena_printf(a, "/v1/jobs/%s", some_id(c)), "");

    atomic_fetch_add(&c->s->deleted, answer.status >= 200 && answer.status < 300);
}

static void ask_nonsense(struct client *c, struct arena *a)
{
    static const char *const texts[] = {
        "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /api/result/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "POST /api/classify HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "POST /api/classify HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: "
        "close\r\n\r\nzz\r\n",
    };
    CLEANUP(fd_closep) int fd = http_dial(c->s->g.s.port);
    const char *text = texts[craft_next(&c->random) % COUNT_OF(texts)];

    if (fd >= 0 && http_send(fd, bytes_of(text, strlen(text))) && craft_next(&c->random) % 2)
        http_receive(a, fd); /* the others do not wait for the answer */
    atomic_fetch_add(&c->s->requests, 1);
}

/* What a client does, by weight. */
static const struct {
    int weight;
    void (*act)(struct client *c, struct arena *a);
} acts[] = {
    {12, send_sync},    {12, send_async}, {8, send_with_hook}, {12, send_broken}, {24, ask_result},
    {6, ask_annotated}, {8, put_label},   {10, delete_job},    {8, ask_nonsense},
};

static void act(struct client *c, struct arena *a)
{
    int total = 0, pick;

    for (size_t i = 0; i < COUNT_OF(acts); i++)
        total += acts[i].weight;
    pick = (int)(craft_next(&c->random) % (uint64_t)total);
    for (size_t i = 0; i < COUNT_OF(acts); i++) {
        if (pick < acts[i].weight) {
            acts[i].act(c, a);
            return;
        }
        pick -= acts[i].weight;
    }
}

static void *client_main(void *arg)
{
    struct client *c = arg;

    while (!atomic_load(&c->s->stop)) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        act(c, a);
        usleep(PAUSE_US);
    }
    for (size_t i = 0; i < 8; i++)
        free(c->last[i]);
    return NULL;
}

/* ---- the run ---- */

static struct soak soak;

static int seconds(void)
{
    const char *text = getenv("SOAK_SECONDS");

    return text && atoi(text) > 0 ? atoi(text) : SHORT_SECONDS;
}

static uint64_t seed(void)
{
    const char *text = getenv("SOAK_SEED");

    return text && atoi(text) > 0 ? (uint64_t)atoi(text) : 1;
}

static void open_soak(struct soak *s)
{
    s->g = stage_open(ARGS("--analysts", "2", "--hook-allow-http", "--hook-allow", "127.0.0.1",
                           "--hook-schedule", "0,100ms,100ms,100ms,100ms,100ms"));
    s->admin = key_new(s->g.a, s->g.dir, "acme",
                       (char *[]){(char[]){"--scopes"}, (char[]){"admin submit read"}, NULL});
    receiver_open(&s->hooks, MANNER_FINE, 1);
    s->hook = arena_printf(s->g.a, "http%%3A%%2F%%2F127.0.0.1%%3A%d%%2F", s->hooks.port);
    s->good = clip_load(s->g.a, "tiny.mp4");
    s->empty = clip_load(s->g.a, "empty.mp4");
    s->text = clip_load(s->g.a, "text.mp4");
}

/* All clients for that long. With samples every now and then. */
static void run_traffic(int64_t length_us, uint64_t random)
{
    struct client clients[CLIENTS] = {0};
    int64_t begun = clock_mono_us(), every_us = length_us / 200 > 250000 ? length_us / 200 : 250000;

    atomic_store(&soak.stop, false);
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){.s = &soak, .random = random + i};
        if (pthread_create(&clients[i].thread, NULL, client_main, &clients[i]) != 0)
            abort();
    }
    while (clock_mono_us() - begun < length_us && soak.nsamples < MAX_SAMPLES) {
        usleep((useconds_t)every_us);
        soak.samples[soak.nsamples++] = look(&soak);
    }
    atomic_store(&soak.stop, true);
    for (size_t i = 0; i < CLIENTS; i++)
        pthread_join(clients[i].thread, NULL);
}

static struct sample first;

/* Everything a few times: what is opened at the first use is open then, and caches have begun to fill. */
static void warm_up(void)
{
    pid_t analysts[16];
    int64_t eighth_us = seconds() * 1000000LL / 8;

    run_traffic(eighth_us < WARM_UP_US        ? WARM_UP_US
                : eighth_us < MOST_WARM_UP_US ? eighth_us
                                              : MOST_WARM_UP_US,
                seed() * 999);
    for (int i = 0; i < 100 && process_children(soak.g.keeper, analysts, 16) != ANALYSTS; i++)
        usleep(SETTLE_US / 10);
    usleep(4 * SETTLE_US); /* until the front knows all of them, and the last connections are closed */
    for (int i = 0; i < 20; i++) { /* an analyst that is being replaced has two descriptors less */
        struct sample now;
        usleep(SETTLE_US / 20);
        now = look(&soak);
        first.front_fds = now.front_fds > first.front_fds ? now.front_fds : first.front_fds;
        first.keeper_fds = now.keeper_fds > first.keeper_fds ? now.keeper_fds : first.keeper_fds;
    }
    soak.nsamples = 0;
    CHECK(first.front_fds > 0 && first.keeper_fds > 0);
}

static void traffic_flows(void)
{
    printf("# %d s, seed %llu\n", seconds(), (unsigned long long)seed());
    run_traffic(seconds() * 1000000LL, seed() * 1000);
    printf(
        "# %d requests, %d refused with 429 or 503, %d jobs followed to their end, %d deleted, %d webhooks\n",
        soak.requests, soak.refused, soak.finished, soak.deleted, receiver_connections(&soak.hooks));
    CHECK_INT(soak.broken, 0);
    CHECK_INT(soak.unfinished, 0);
    CHECK(soak.finished > 0 && soak.deleted > 0 && receiver_connections(&soak.hooks) > 0);
}

/* ---- what is left ---- */

static int by_value(const void *x, const void *y)
{
    const long *a = x, *b = y;

    return *a < *b ? -1 : *a > *b;
}

/* The median of one member of the samples in that part of the run. */
static long median(size_t offset, double from, double to)
{
    static long values[MAX_SAMPLES];
    size_t n = 0;

    for (size_t i = (size_t)(from * (double)soak.nsamples); i < (size_t)(to * (double)soak.nsamples); i++)
        memcpy(&values[n++], (const char *)&soak.samples[i] + offset, sizeof(long));
    if (n == 0)
        return 0;
    qsort(values, n, sizeof values[0], by_value);
    return values[n / 2];
}

static void check_drift(const char *what, size_t offset, long percent)
{
    long before = median(offset, 0.25, 0.42), after = median(offset, 0.83, 1);

    printf("# %s: private %ld kB after a third, %ld kB at the end: %+.2f %%\n", what, before, after,
           before ? 100.0 * (double)(after - before) / (double)before : 0);
    CHECK(before > 0 && after - before <= before * percent / 100);
}

static void memory_does_not_grow(void)
{
    long percent = seconds() >= LONG_RUN ? PERCENT_LONG : PERCENT_SHORT;

    if (soak.nsamples < 20)
        SKIP("the run was too short");
    check_drift("front", offsetof(struct sample, front_kb), percent);
    check_drift("keeper", offsetof(struct sample, keeper_kb), percent);
    check_drift("analysts", offsetof(struct sample, analysts_kb),
                10 * percent); /* they are replaced all the time */
}

/* The store keeps one connection for each thread that ever read at the same moment as others (two
 * descriptors: the file and its log); which moment of the run is the busiest is chance. Whatever leaks passes
 * this bound. */
enum { READING_THREADS = 6, MORE_READERS = 2 * (READING_THREADS - 1) };

/* Idle again, the front has as many descriptors as before the first request; a few connections may still
 * close. */
static void descriptors_do_not_grow(void)
{
    struct sample last = {0};

    for (int i = 0; i < 100; i++) {
        last = look(&soak);
        if (last.front_fds <= first.front_fds + MORE_READERS && last.keeper_fds <= first.keeper_fds)
            break;
        usleep(100000);
    }
    printf("# descriptors of the front: %d before, %d after; of the keeper: %d, %d\n", first.front_fds,
           last.front_fds, first.keeper_fds, last.keeper_fds);
    CHECK(last.front_fds <= first.front_fds + MORE_READERS);
    CHECK(last.keeper_fds <= first.keeper_fds);
}

static char state_of(pid_t pid)
{
    char path[32], text[512], *at;
    FILE *f;
    char state = '?';

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    f = fopen(path, "re");
    if (f && fgets(text, sizeof text, f) && (at = strrchr(text, ')')))
        state = at[2];
    if (f)
        fclose(f);
    return state;
}

static void no_process_is_left_over(void)
{
    pid_t children[16];
    size_t n = process_children(soak.g.s.pid, children, 16);

    CHECK_INT((long long)n, 1);
    CHECK_INT(children[0], soak.g.keeper); /* it never fell */
    n = process_children(soak.g.keeper, children, 16);
    for (int i = 0; i < 50 && n != ANALYSTS; i++) { /* one may be being replaced */
        usleep(100000);
        n = process_children(soak.g.keeper, children, 16);
    }
    CHECK_INT((long long)n, ANALYSTS);
    for (size_t i = 0; i < n; i++)
        CHECK(state_of(children[i]) != 'Z');
}

/* Files of the blob store that are open and have no name, and names of unfinished ones. */
static int temporary_files(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    char *folder = arena_printf(a, "/proc/%d/fd", (int)soak.g.s.pid), target[512];
    DIR *d = opendir(folder);
    struct dirent *entry;
    int found = 0;

    while (d && (entry = readdir(d))) {
        ssize_t n = readlink(arena_printf(a, "%s/%s", folder, entry->d_name), target, sizeof target - 1);
        target[n > 0 ? n : 0] = '\0';
        found += strstr(target, "/blobs/") && strstr(target, "(deleted)");
    }
    if (d)
        closedir(d);
    return found;
}

static void no_file_is_left_over(void)
{
    int left = -1;

    for (int i = 0; i < 100 && (left = temporary_files()) > 0; i++)
        usleep(100000);
    CHECK_INT(left, 0);
}

static void the_server_ends_well(void)
{
    CHECK_INT(stage_close(&soak.g), 0);
    receiver_close(&soak.hooks);
}

int main(void)
{
    open_soak(&soak);
    RUN(warm_up);
    RUN(traffic_flows);
    RUN(memory_does_not_grow);
    RUN(descriptors_do_not_grow);
    RUN(no_process_is_left_over);
    RUN(no_file_is_left_over);
    RUN(the_server_ends_well);
    return test_end();
}
