/* The crash promise (docs/reliability.md): kill -9 of the server at random moments with uploads and jobs in
 * flight. What was acknowledged ends, once, with a result that never changes; nothing else stays behind. Then
 * analysts and the keeper.
 *
 * TORTURE_ROUNDS (default 100) and TORTURE_SEED (default 1) say how often and when. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/id.h"
#include "base/text.h"
#include "harness.h"
#include "stage.h"
#include "test.h"

enum {
    CLIENTS = 4,    /* three that upload tiny clips, one that drips a large one */
    POSTS = 2,      /* per client and round */
    START_MS = 300, /* early rounds: killed so long after exec, at most; the server may not be ready yet */
    WORK_MS = 200,  /* other rounds: so long after it was ready */
    EARLY_PERCENT = 20,
    LARGE = 3 << 20, /* bytes of padding behind the large clip */
    PIECE = 64 << 10,
    FINISH_SECONDS = 600,
};

/* One acknowledged upload. */
struct ack {
    char id[ID_TEXT];
    char seen[HASH_HEX]; /* hash of its final result, when it was read while rounds still went on; "" = not
                            seen */
};

struct torture {
    struct arena *arena; /* of the main thread */
    const char *dir, *key;
    struct bytes tiny;
    uint64_t random;
    int rounds, port;
    atomic_bool stop;
    atomic_int posts, serial;
    int64_t *ready_us; /* from exec to ready, of every round that got there */
    size_t nready;
    pthread_mutex_t lock;
    /* --- guarded by lock --- */
    struct ack *acks;
    size_t nacks, cap;
    int changed; /* a final result that was different the next time */
};

/* splitmix64: the moments must be the same again for the same seed. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static int number_of(const char *name, int fallback)
{
    const char *text = getenv(name);

    return text && atoi(text) > 0 ? atoi(text) : fallback;
}

/* A port that nobody uses now, so that clients can knock before the server is up. */
static int free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    CLEANUP(fd_closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t len = sizeof at;

    if (bind(fd, (struct sockaddr *)&at, sizeof at) < 0 || getsockname(fd, (struct sockaddr *)&at, &len) < 0)
        abort();
    return ntohs(at.sin_port);
}

/* ---- clients ---- */

/* The clip with a `free` box behind it: another file with the same frames. serial 0: without. */
static struct bytes padded(struct arena *a, struct bytes clip, int serial, size_t room)
{
    size_t box = serial ? 16 + room : 0;
    uint8_t *all = arena_alloc(a, clip.len + box + 1);

    memcpy(all, clip.data, clip.len);
    if (!serial)
        return bytes_of(all, clip.len);
    for (int i = 0; i < 4; i++) {
        all[clip.len + (size_t)i] = (uint8_t)(box >> (24 - 8 * i));
        all[clip.len + 8 + (size_t)i] = (uint8_t)(serial >> (24 - 8 * i));
    }
    memcpy(all + clip.len + 4, "free", 4);
    return bytes_of(all, clip.len + box);
}

static struct bytes upload_request(struct torture *t, struct arena *a, bool large)
{
    int serial = atomic_fetch_add(&t->serial, 1);
    struct form f = {0};

    /* Every fourth is the very same file, so that blobs are shared. */
    form_add(&f, "video", "tiny.mp4",
             padded(a, t->tiny, large || serial % 4 ? serial : 0, large ? LARGE : 0));
    return form_request(a, &f, "/api/classify", t->key);
}

/* 200 and an id: from now on the server has promised. */
static void acknowledged(struct torture *t, struct arena *a, const struct answer *answer)
{
    char *id = answer->status == 200 ? json_at(a, answer->body, "id") : NULL;

    if (!id || !id_is_valid(id))
        return;
    pthread_mutex_lock(&t->lock);
    if (t->nacks == t->cap) {
        t->cap = t->cap ? 2 * t->cap : 1024;
        t->acks = realloc(t->acks, t->cap * sizeof *t->acks);
    }
    t->acks[t->nacks] = (struct ack){0};
    text_copy(t->acks[t->nacks++].id, ID_TEXT, id);
    pthread_mutex_unlock(&t->lock);
}

/* A large upload takes its time, so that kills hit its middle. */
static void send_slowly(int fd, struct bytes all)
{
    for (size_t at = 0; at < all.len; at += PIECE) {
        if (!http_send(fd, bytes_of(all.data + at, all.len - at < PIECE ? all.len - at : PIECE)))
            return;
        usleep(1000);
    }
}

static bool post(struct torture *t, bool large)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(fd_closep) int fd = http_dial(t->port);
    struct bytes request;
    struct answer answer;

    if (fd < 0)
        return false;
    request = upload_request(t, a, large);
    atomic_fetch_add(&t->posts, 1);
    if (large)
        send_slowly(fd, request);
    else
        http_send(fd, request);
    answer = http_receive(a, fd);
    acknowledged(t, a, &answer);
    return true;
}

/* Reads a random earlier result; when it is final, it must be what it was the last time. */
static void look_back(struct torture *t, uint64_t *random)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    char id[ID_TEXT] = "", hash[HASH_HEX];
    struct answer answer;
    const char *state;
    size_t at;

    pthread_mutex_lock(&t->lock);
    at = t->nacks ? next_random(random) % t->nacks : 0;
    if (t->nacks)
        text_copy(id, sizeof id, t->acks[at].id);
    pthread_mutex_unlock(&t->lock);
    if (!id[0])
        return;
    answer = http_get(a, t->port, arena_printf(a, "/api/result/%s", id), t->key);
    state = answer.status == 200 ? json_at(a, answer.body, "status.classify") : NULL;
    if (!text_is(state, "done") && !text_is(state, "error") && !text_is(state, "timeout"))
        return;
    hash_hex(answer.body, hash);
    pthread_mutex_lock(&t->lock);
    t->changed += t->acks[at].seen[0] && !text_is(t->acks[at].seen, hash);
    text_copy(t->acks[at].seen, HASH_HEX, hash);
    pthread_mutex_unlock(&t->lock);
}

struct client {
    struct torture *t;
    uint64_t random;
    bool large;
};

static void *client_main(void *arg)
{
    struct client *c = arg;

    for (int sent = 0; !atomic_load(&c->t->stop) && sent < POSTS;) {
        if (!post(c->t, c->large)) {
            usleep(2000); /* not up yet, or gone */
            continue;
        }
        sent++;
        look_back(c->t, &c->random);
        usleep((useconds_t)(next_random(&c->random) % 80000));
    }
    return NULL;
}

/* ---- rounds ---- */

static char *const serve_args[] = {(char[]){"--analysts"}, (char[]){"2"}, NULL};

static void play_round(struct torture *t)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    bool early = next_random(&t->random) % 100 < EARLY_PERCENT;
    useconds_t moment = (useconds_t)(next_random(&t->random) % ((early ? START_MS : WORK_MS) * 1000));
    struct client clients[CLIENTS];
    pthread_t threads[CLIENTS];
    struct served s;
    int64_t begun = clock_mono_us();

    t->port = free_port();
    atomic_store(&t->stop, false);
    served_launch(&s, a, t->dir, t->port, serve_args);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){t, next_random(&t->random), i == 0};
        if (pthread_create(&threads[i], NULL, client_main, &clients[i]) != 0)
            abort();
    }
    if (!early) {
        served_wait(&s, a);
        t->ready_us[t->nready++] = clock_mono_us() - begun;
    }
    usleep(moment);
    served_kill(&s); /* returns when keeper and analysts are gone, too */
    atomic_store(&t->stop, true);
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(threads[i], NULL);
}

/* ---- the reckoning ---- */

struct tally {
    int done, failed, lost, open, changed, different;
};

/* What a clip of these frames is worth, however often the server died over it. */
static bool same_verdict(struct arena *a, struct bytes job, const char *scores)
{
    const char *got = json_at(a, job, "report.scores");

    return text_is(got, scores) && text_is(json_at(a, job, "state"), "done");
}

static void reckon_one(struct torture *t, int port, const struct ack *ack, const char *scores,
                       struct tally *sum)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct answer result = result_wait(a, port, t->key, ack->id, FINISH_SECONDS), again, job;
    const char *state = result.status == 200 ? json_at(a, result.body, "status.classify") : NULL;
    char hash[HASH_HEX];

    sum->lost += result.status != 200;
    sum->open += text_is(state, "accepted") || text_is(state, "in-progress");
    sum->done += text_is(state, "done");
    sum->failed += text_is(state, "error") || text_is(state, "timeout");
    if (!text_is(state, "done"))
        printf("# job %s: status %d, %s, %.300s\n", ack->id, result.status, state ? state : "?",
               result.status ? (const char *)result.body.data : "");
    again = http_get(a, port, arena_printf(a, "/api/result/%s", ack->id), t->key);
    hash_hex(result.body, hash);
    sum->changed += again.body.len != result.body.len ||
                    memcmp(again.body.data, result.body.data, result.body.len) != 0 ||
                    (ack->seen[0] && !text_is(ack->seen, hash));
    job = http_get(a, port, arena_printf(a, "/v1/jobs/%s", ack->id), t->key);
    sum->different += job.status != 200 || !same_verdict(a, job.body, scores);
}

/* How often the log says that a job ended. Every line was written after a commit, so two for one job would be
 * two outcomes. */
static int ended_twice(struct torture *t, const char *log)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *text = (const char *)file_read(a, log).data;
    int twice = 0;

    for (size_t i = 0; i < t->nacks; i++) {
        const char *needle = arena_printf(a, "job ended job=%s", t->acks[i].id),
                   *first = strstr(text, needle);
        twice += first && strstr(first + 1, needle) != NULL;
    }
    return twice;
}

/* Files in the blob store: each whole, under the hash of its content. */
static int count_blobs(struct arena *a, const char *dir, int *ret_bad)
{
    int n = 0;

    for (int i = 0; i < 256; i++) {
        const char *folder = arena_printf(a, "%s/blobs/%02x", dir, (unsigned)i);
        DIR *d = opendir(folder);
        struct dirent *entry;
        while (d && (entry = readdir(d)))
            if (entry->d_name[0] != '.') {
                char hash[HASH_HEX];
                hash_hex(file_read(a, arena_printf(a, "%s/%s", folder, entry->d_name)), hash);
                *ret_bad += !text_is(hash, entry->d_name);
                n++;
            }
        if (d)
            closedir(d);
    }
    return n;
}

static int count_files(const char *folder)
{
    DIR *d = opendir(folder);
    struct dirent *entry;
    int n = 0;

    while (d && (entry = readdir(d)))
        n += entry->d_name[0] != '.';
    if (d)
        closedir(d);
    return n;
}

static int by_time(const void *x, const void *y)
{
    const int64_t *a = x, *b = y;

    return *a < *b ? -1 : *a > *b;
}

static const char *scores_of_one(struct torture *t, int port)
{
    struct answer answer = post_clip(t->arena, port, "/api/classify", t->key, "tiny.mp4", t->tiny, NULL), job;
    const char *id = json_at(t->arena, answer.body, "id");

    result_wait(t->arena, port, t->key, id, FINISH_SECONDS);
    job = http_get(t->arena, port, arena_printf(t->arena, "/v1/jobs/%s", id), t->key);
    return json_at(t->arena, job.body, "report.scores");
}

static void check_store(struct torture *t)
{
    int bad = 0, blobs = count_blobs(t->arena, t->dir, &bad), posts = atomic_load(&t->posts);

    printf("# uploads begun %d, acknowledged %zu, files in the blob store %d\n", posts, t->nacks, blobs);
    CHECK_INT(bad, 0);
    CHECK(blobs <= posts + 1); /* what was not acknowledged may have left a whole file each, never a piece */
    CHECK_INT(count_files(arena_printf(t->arena, "%s/blobs/tmp", t->dir)), 0);
}

static void reckon(struct torture *t)
{
    struct tally sum = {0};
    struct served s;
    const char *scores;
    int64_t begun = clock_mono_us();
    int twice;

    served_start(&s, t->arena, t->dir, serve_args);
    scores = scores_of_one(t, s.port); /* waits behind all that are left: they are older */
    printf("# last start: the rest was judged after %lld ms\n", (long long)(clock_mono_us() - begun) / 1000);
    for (size_t i = 0; i < t->nacks; i++)
        reckon_one(t, s.port, &t->acks[i], scores, &sum);
    twice = ended_twice(t, s.log);
    printf(
        "# acknowledged %zu: done %d, coded error %d, lost %d, unfinished %d, ended twice %d, changed %d\n",
        t->nacks, sum.done, sum.failed, sum.lost, sum.open, twice, sum.changed + t->changed);
    CHECK(scores != NULL);
    CHECK(t->nacks > (size_t)t->rounds); /* or the test does not test much */
    CHECK_INT(sum.lost, 0);
    CHECK_INT(sum.open, 0);
    CHECK_INT(sum.changed + t->changed, 0);
    CHECK_INT(twice, 0);
    CHECK_INT(sum.done + sum.failed, (long long)t->nacks);
    CHECK_INT(sum.failed, 0); /* the death of a server costs no attempt */
    CHECK_INT(sum.different, 0);
    CHECK_INT(served_stop(&s), 0);
    check_store(t);
}

static void server_killed_at_random(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *base = folder_new(a);
    struct torture t = {.arena = a,
                        .random = (uint64_t)number_of("TORTURE_SEED", 1),
                        .rounds = number_of("TORTURE_ROUNDS", 100)};
    int64_t begun = clock_mono_us();

    printf("# seed %d, %d rounds\n", number_of("TORTURE_SEED", 1), t.rounds);
    pthread_mutex_init(&t.lock, NULL);
    t.dir = arena_printf(a, "%s/data", base);
    t.key = key_new(a, t.dir, "acme", NULL);
    t.tiny = clip_load(a, "tiny.mp4");
    t.ready_us = arena_array(a, (size_t)t.rounds, sizeof *t.ready_us);
    for (int i = 0; i < t.rounds; i++)
        play_round(&t);
    qsort(t.ready_us, t.nready, sizeof *t.ready_us, by_time);
    if (t.nready)
        printf("# %d rounds in %.1f s; from exec to ready (%zu times): median %lld ms, longest %lld ms\n",
               t.rounds, (double)(clock_mono_us() - begun) / 1e6, t.nready,
               (long long)t.ready_us[t.nready / 2] / 1000, (long long)t.ready_us[t.nready - 1] / 1000);
    reckon(&t);
    free(t.acks);
    folder_remove(base);
}

/* ---- analysts and keeper ---- */

static const char *const one_analyst[] = {"--analysts", "1", NULL};

/* The long clip, in the hands of the only analyst. */
static char *begin_long_job(struct stage *g)
{
    char *id = stage_submit(g, "long.mp4");

    CHECK(stage_in_hand(g, id, "0"));
    return id;
}

static void check_state(struct stage *g, const char *id, const char *state, const char *attempts,
                        const char *code)
{
    struct answer result = result_wait(g->a, g->s.port, g->key, id, 60), job = stage_job(g, id);

    CHECK_STR(json_at(g->a, job.body, "state"), state);
    CHECK_STR(json_at(g->a, job.body, "attempts"), attempts);
    if (code) {
        CHECK_STR(json_at(g->a, job.body, "error.code"), code);
        CHECK_STR(json_at(g->a, result.body, "error_code"), "9");
        CHECK_STR(json_at(g->a, result.body, "risk"), "");
        CHECK_STR(json_at(g->a, result.body, "scores"), "{}");
        CHECK_STR(json_at(g->a, result.body, "status.classify"), "error");
    }
    if (!test_ok)
        printf("# %.600s\n", (const char *)job.body.data);
}

static void check_next_job(struct stage *g)
{
    struct answer answer = stage_post(g, "/api/classify?sync=true", "tiny.mp4");

    CHECK_INT(answer.status, 200);
    CHECK_STR(json_at(g->a, answer.body, "status.classify"), "done");
}

static void killed_analyst_is_replaced(void)
{
    struct stage g = stage_open(one_analyst);
    char *id = begin_long_job(&g);

    kill(g.analyst, SIGKILL);
    check_state(&g, id, "done", "1", NULL);
    check_next_job(&g);
    CHECK(only_child(g.s.pid) == g.keeper && only_child(g.keeper) != g.analyst);
    CHECK_INT(stage_close(&g), 0);
}

static void two_deaths_fail_the_job(void)
{
    struct stage g = stage_open(one_analyst);
    char *id = begin_long_job(&g);

    kill(g.analyst, SIGKILL);
    CHECK(stage_in_hand(&g, id, "1"));
    kill(only_child(g.keeper), SIGKILL);
    check_state(&g, id, "failed", "2", "analyst_crashed");
    check_next_job(&g);
    CHECK_INT(stage_close(&g), 0);
}

static void killed_keeper_is_replaced(void)
{
    struct stage g = stage_open(one_analyst);
    char *id = begin_long_job(&g);

    kill(g.keeper, SIGKILL); /* takes its analyst along */
    check_state(&g, id, "done", "1", NULL);
    check_next_job(&g);
    CHECK(only_child(g.s.pid) != g.keeper);
    CHECK_INT(stage_close(&g), 0);
}

static void idle_ones_may_die_too(void)
{
    struct stage g = stage_open(one_analyst);

    kill(g.analyst, SIGKILL);
    check_next_job(&g);
    kill(g.keeper, SIGKILL);
    check_next_job(&g);
    CHECK_INT(stage_close(&g), 0);
}

int main(void)
{
    RUN(killed_analyst_is_replaced);
    RUN(two_deaths_fail_the_job);
    RUN(killed_keeper_is_replaced);
    RUN(idle_ones_may_die_too);
    RUN(server_killed_at_random);
    return test_end();
}
