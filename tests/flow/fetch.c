/* Submitting by URL through the whole server: what comes is judged like an upload, what does not come ends
 * the job with a reason, nobody waits for another's source, and kill -9 at any moment loses no job.
 *
 * FETCH_ROUNDS (default 10) and FETCH_SEED (default 1) say how often and when the server is killed. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "receiver.h"
#include "source.h"
#include "stage.h"
#include "test.h"

enum { END_SECONDS = 60 };

/* Loopback has many addresses. Sources live on two of them; a third one, with the trap, is not allowed. */
#define SOURCE "127.0.0.2"
#define OTHER  "127.0.0.3"
#define QUICK \
    "--analysts", "2", "--fetch-allow", SOURCE "," OTHER, "--hook-allow-http", "--hook-allow", "127.0.0.1"

static char *url_of(struct arena *a, const struct source *s, const char *path)
{
    return arena_printf(a, "http://%s:%d%s", s->host, s->port, path);
}

/* POST /v1/jobs with that JSON. */
static struct answer submit(struct stage *g, const char *query, const char *key, const char *json)
{
    char *text = arena_printf(g->a,
                              "POST /v1/jobs%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                              "Authorization: Bearer %s\r\nContent-Type: application/json\r\n"
                              "Content-Length: %zu\r\n\r\n%s",
                              query, key, strlen(json), json);

    return http_raw(g->a, g->s.port, bytes_of(text, strlen(text)));
}

/* The id, "" on refusal. */
static char *submit_url(struct stage *g, const char *key, const char *url)
{
    struct answer answer = submit(g, "", key, arena_printf(g->a, "{\"url\": \"%s\"}", url));
    char *id = answer.status == 202 ? json_at(g->a, answer.body, "id") : NULL;

    return id ? id : arena_strdup(g->a, "");
}

static bool is_final(const char *state)
{
    return state && !text_is(state, "new") && !text_is(state, "claimed");
}

/* The job as it is at its end, or after too long. */
static struct answer end_of(struct stage *g, const char *id)
{
    int64_t deadline = clock_mono_us() + END_SECONDS * 1000000LL;
    struct answer job = stage_job(g, id);

    while (!is_final(json_at(g->a, job.body, "state")) && clock_mono_us() < deadline) {
        usleep(20000);
        job = stage_job(g, id);
    }
    return job;
}

static void check_end(struct stage *g, const char *id, const char *state)
{
    struct answer job = end_of(g, id);

    CHECK_STR(json_at(g->a, job.body, "state"), state);
    if (text_is(state, "done"))
        CHECK_STR(json_at(g->a, job.body, "report.error.code"), "ok");
    ROW("%s: %.300s", id, (const char *)job.body.data);
}

/* Files in blobs/. */
static int count_blobs(const struct stage *g)
{
    char *dir = arena_printf(g->a, "%s/blobs", g->dir);
    DIR *d = opendir(dir), *sub;
    int n = 0;

    for (struct dirent *e; d && (e = readdir(d));) {
        if (e->d_name[0] == '.')
            continue;
        sub = opendir(arena_printf(g->a, "%s/%s", dir, e->d_name));
        for (struct dirent *f; sub && (f = readdir(sub));)
            n += f->d_name[0] != '.';
        if (sub)
            closedir(sub);
    }
    if (d)
        closedir(d);
    return n;
}

/* ---- one file ---- */

static const char *const same_members[] = {"report.subject.sha256", "report.subject.size",
                                           "report.verdict.risk", "report.sampling.judged",
                                           "report.media.codec"};

/* The same file uploaded and fetched: the same verdict, and the webhook gets what GET answers. */
static void a_file_from_a_url_is_judged_like_an_upload(void)
{
    struct stage g = stage_open(ARGS(QUICK));
    struct receiver r;
    struct source s;
    struct received *got;
    struct answer fetched, uploaded;
    const char *id;

    receiver_open(&r, MANNER_FINE, 0);
    source_open(&s, SOURCE, clip_load(g.a, "person.mp4"));
    id = json_at(g.a,
                 submit(&g, "", g.key,
                        arena_printf(g.a, "{\"url\": \"%s\", \"webhook\": \"http://127.0.0.1:%d/\"}",
                                     url_of(g.a, &s, "/moved?x=%20y"), r.port))
                     .body,
                 "id");
    fetched = end_of(&g, id);
    CHECK_STR(json_at(g.a, fetched.body, "state"), "done");
    CHECK_STR(json_at(g.a, fetched.body, "source"), url_of(g.a, &s, "/moved?x=%20y"));
    CHECK_STR(json_at(g.a, fetched.body, "spec.subject.name"), "moved");
    CHECK(receiver_wait(&r, 1, 20));
    CHECK_INT((long long)receiver_list(&r, g.a, &got), 1);
    CHECK(got[0].body.len == fetched.body.len &&
          memcmp(got[0].body.data, fetched.body.data, fetched.body.len) == 0);
    uploaded = end_of(&g, stage_submit(&g, "person.mp4"));
    for (size_t i = 0; i < COUNT_OF(same_members); i++)
        CHECK_STR(json_at(g.a, fetched.body, same_members[i]), json_at(g.a, uploaded.body, same_members[i]));
    CHECK_INT(count_blobs(&g), 1);
    CHECK_INT(stage_close(&g), 0);
    source_close(&s);
    receiver_close(&r);
}

static const struct {
    const char *path, *state, *code, *word;
    int requests;
} ends[] = {
    {"/clip.mp4", "done", NULL, NULL, 1},
    {"/moved", "done", NULL, NULL, 2},
    {"/flaky", "done", NULL, NULL, 2},
    {"/nothing", "failed", "cannot_fetch", "answered 404", 1},
    {"/page", "failed", "cannot_fetch", "text/html", 1},
    {"/broken", "failed", "cannot_fetch", "broke off", 2},
    {"/trap", "failed", "cannot_fetch", "redirected", 1},
    {"/hang", "timed_out", "timeout", "not here after 2000 ms", 1},
};

static void check_row(struct stage *g, struct source *s, size_t i)
{
    int before = source_requests(s);
    struct answer job =
        submit(g, "?wait=30", g->key, arena_printf(g->a, "{\"url\": \"%s\"}", url_of(g->a, s, ends[i].path)));

    CHECK_INT(job.status, 200);
    CHECK_STR(json_at(g->a, job.body, "state"), ends[i].state);
    CHECK_INT(source_requests(s) - before, ends[i].requests);
    if (ends[i].code) {
        CHECK_STR(json_at(g->a, job.body, "error.code"), ends[i].code);
        CHECK(strstr(json_at(g->a, job.body, "error.text"), ends[i].word) != NULL);
        CHECK(!json_at(g->a, job.body, "report"));
        CHECK(!json_at(g->a, job.body, "report.verdict.risk"));
    }
    ROW("%s: %.400s", ends[i].path, (const char *)job.body.data);
}

static void what_does_not_come_ends_the_job_with_a_reason(void)
{
    struct stage g = stage_open(ARGS(QUICK, "--fetch-timeout", "2s"));
    struct source s, trap;

    source_open(&s, SOURCE, clip_load(g.a, "tiny.mp4"));
    source_open(&trap, "127.0.0.1", clip_load(g.a, "tiny.mp4"));
    s.trap = url_of(g.a, &trap, "/clip.mp4");
    for (size_t i = 0; i < COUNT_OF(ends); i++)
        check_row(&g, &s, i);
    CHECK_INT(source_requests(&trap), 0);
    CHECK_INT(count_blobs(&g), 1); /* half files leave nothing */
    CHECK_INT(stage_close(&g), 0);
    source_close(&s);
    source_close(&trap);
}

/* What is fetched counts for the tenant like what is uploaded; a hook of the tenant hears of the end. */
static void fetched_bytes_count_for_the_quota(void)
{
    struct stage g = stage_open(ARGS(QUICK));
    struct receiver r;
    struct source s;
    struct received *got;
    struct answer job;
    struct outcome o;

    receiver_open(&r, MANNER_FINE, 0);
    source_open(&s, SOURCE, clip_load(g.a, "person.mp4"));
    o = stage_run(&g,
                  ARGS("hook", "--hook-allow-http", "--hook-allow", "127.0.0.1", "add", "--tenant", "acme",
                       "--api", "native", "--url", arena_printf(g.a, "http://127.0.0.1:%d/", r.port)));
    CHECK_INT(o.status, 0);
    CHECK_INT(stage_run(&g, ARGS("tenant", "set", "acme", "--bytes-per-day", "200K")).status, 0);
    usleep(1100000); /* the server looks once a second */
    for (int i = 0; i < 2; i++) {
        job = submit(&g, "?wait=30", g.key,
                     arena_printf(g.a, "{\"url\": \"%s\"}", url_of(g.a, &s, "/clip.mp4")));
        CHECK_STR(json_at(g.a, job.body, "state"), i ? "failed" : "done");
        CHECK(receiver_wait(&r, (size_t)i + 1, 20));
    }
    CHECK_STR(json_at(g.a, job.body, "error.code"), "over_quota");
    CHECK_INT((long long)receiver_list(&r, g.a, &got), 2);
    CHECK(got[1].body.len == job.body.len && memcmp(got[1].body.data, job.body.data, job.body.len) == 0);
    CHECK_INT(stage_close(&g), 0);
    source_close(&s);
    receiver_close(&r);
}

/* ---- many ---- */

/* One tenant has a heap of jobs at a source that is silent. Its own other jobs pass, and another tenant's. */
static void a_silent_source_delays_nobody(void)
{
    enum { HEAP = 30 };
    struct stage g = stage_open(ARGS(QUICK));
    const char *other_key = key_new(g.a, g.dir, "globex", NULL), *heap[HEAP];
    struct source silent, quick;
    struct answer job;
    int64_t begun;

    source_open(&silent, SOURCE, clip_load(g.a, "tiny.mp4"));
    source_open(&quick, OTHER, clip_load(g.a, "tiny.mp4"));
    for (size_t i = 0; i < HEAP; i++)
        heap[i] = submit_url(&g, g.key, url_of(g.a, &silent, "/hang"));
    CHECK(source_hangs(&silent, 4, 20));
    begun = clock_mono_us();
    for (int i = 0; i < 4; i++) {
        job = submit(&g, "?wait=30", i % 2 ? other_key : g.key,
                     arena_printf(g.a, "{\"url\": \"%s\"}", url_of(g.a, &quick, "/clip.mp4")));
        CHECK_STR(json_at(g.a, job.body, "state"), "done");
    }
    CHECK(clock_mono_us() - begun < 9 * 1000000LL); /* the silent ones are not given up yet */
    CHECK_INT(silent.most_hanging, 4);
    source_release(&silent);
    for (size_t i = 0; i < HEAP; i++)
        check_end(&g, heap[i], "done");
    CHECK_INT(silent.most_hanging, 4);
    CHECK_INT(stage_close(&g), 0);
    source_close(&silent);
    source_close(&quick);
}

static struct answer delete_job(struct stage *g, const char *id)
{
    char *text = arena_printf(g->a,
                              "DELETE /v1/jobs/%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                              "Authorization: Bearer %s\r\n\r\n",
                              id, g->key);

    return http_raw(g->a, g->s.port, bytes_of(text, strlen(text)));
}

static void a_cancelled_fetch_ends_and_frees_its_place(void)
{
    struct stage g = stage_open(ARGS(QUICK, "--fetch-per-host", "1"));
    const char *hung, *waiting, *last;
    struct source s;

    source_open(&s, SOURCE, clip_load(g.a, "tiny.mp4"));
    hung = submit_url(&g, g.key, url_of(g.a, &s, "/hang"));
    CHECK(source_hangs(&s, 1, 20));
    waiting = submit_url(&g, g.key, url_of(g.a, &s, "/clip.mp4"));
    last = submit_url(&g, g.key, url_of(g.a, &s, "/clip.mp4"));
    CHECK_INT(delete_job(&g, waiting).status, 200);
    CHECK_INT(delete_job(&g, hung).status, 200);
    check_end(&g, last, "done");
    check_end(&g, hung, "cancelled");
    check_end(&g, waiting, "cancelled");
    CHECK_INT(source_requests(&s), 2);
    CHECK_INT(stage_close(&g), 0);
    source_close(&s);
}

/* ---- killed ---- */

/* Some are half here, some have not begun; what was acknowledged is fetched again and judged. */
static void a_killed_server_fetches_again(void)
{
    enum { JOBS = 12 };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *base = folder_new(a), *ids[JOBS];
    struct stage g = stage_open_in(base, ARGS(QUICK));
    struct source s;

    source_open(&s, SOURCE, clip_load(a, "person.mp4"));
    for (size_t i = 0; i < JOBS; i++) {
        ids[i] = arena_strdup(a, submit_url(&g, g.key, url_of(g.a, &s, "/hang")));
        CHECK(*ids[i]);
    }
    CHECK(source_hangs(&s, 4, 20));
    served_kill(&g.s);
    source_release(&s);
    arena_free(g.a);
    g = stage_open_in(base, ARGS(QUICK));
    for (size_t i = 0; i < JOBS; i++)
        check_end(&g, ids[i], "done");
    CHECK_INT(source_requests(&s), 4 + JOBS);
    CHECK_INT(count_blobs(&g), 1);
    CHECK_INT(stage_close(&g), 0);
    source_close(&s);
    folder_remove(base);
}

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

/* Every round: a few jobs at a good source, then kill -9 somewhere between their rows and their ends. */
static void killed_at_any_moment_no_job_is_lost(void)
{
    enum { JOBS = 4, MOMENT_MS = 60, MAX_ROUNDS = 1000 };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *base = folder_new(a), **ids = arena_array(a, MAX_ROUNDS * JOBS, sizeof *ids);
    static const char *const paths[] = {"/clip.mp4", "/moved", "/flaky", "/clip.mp4"};
    int rounds = number_of("FETCH_ROUNDS", 10), acknowledged = 0, half = 0;
    uint64_t random = (uint64_t)number_of("FETCH_SEED", 1);
    struct source s;
    struct stage g;

    printf("# rounds %d, seed %d\n", rounds, number_of("FETCH_SEED", 1));
    source_open(&s, SOURCE, clip_load(a, "tiny.mp4"));
    for (int round = 0; round < rounds && round < MAX_ROUNDS; round++) {
        g = stage_open_in(base, ARGS(QUICK));
        for (int i = 0; i < JOBS; i++) {
            char *id = submit_url(&g, g.key, url_of(g.a, &s, paths[i]));
            CHECK(*id);
            ids[acknowledged++] = arena_strdup(a, id);
        }
        usleep((useconds_t)(next_random(&random) % (MOMENT_MS * 1000)));
        served_kill(&g.s);
        arena_free(g.a);
    }
    g = stage_open_in(base, ARGS(QUICK));
    for (int i = 0; i < acknowledged; i++)
        check_end(&g, ids[i], "done");
    half = source_requests(&s) - acknowledged;
    printf("# %d jobs acknowledged, %d requests more than jobs\n", acknowledged, half);
    CHECK_INT(count_blobs(&g), 1);
    CHECK_INT(stage_close(&g), 0);
    source_close(&s);
    folder_remove(base);
}

int main(void)
{
    RUN(a_file_from_a_url_is_judged_like_an_upload);
    RUN(what_does_not_come_ends_the_job_with_a_reason);
    RUN(fetched_bytes_count_for_the_quota);
    RUN(a_silent_source_delays_nobody);
    RUN(a_cancelled_fetch_ends_and_frees_its_place);
    RUN(a_killed_server_fetches_again);
    RUN(killed_at_any_moment_no_job_is_lost);
    return test_end();
}
