/* The scenes API through the whole server: webhooks signed with the job's own secret, jobs taken back, a
 * large batch and what it costs in memory, known faces. Routes and errors: tests/wire/scenes.wire. */
#include <stdio.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/text.h"
#include "receiver.h"
#include "stage.h"
#include "test.h"

#define SECRET "a-secret-of-this-job-only"

#define QUICK "--analysts", "1", "--hook-allow-http", "--hook-allow", "127.0.0.1"

static struct answer ask(struct stage *g, const char *method, const char *path, const char *key,
                         const char *headers, struct bytes body)
{
    struct buf all = BUF(256 << 20);
    struct answer answer;

    buf_printf(&all,
               "%s %s HTTP/1.1\r\nHost: localhost\r\nX-API-Key: %s\r\n%sConnection: close\r\n"
               "Content-Length: %zu\r\n\r\n",
               method, path, key, headers, body.len);
    buf_add(&all, body.data, body.len);
    answer = http_raw(g->a, g->s.port, buf_bytes(&all));
    buf_clear(&all);
    return answer;
}

static struct answer ask_text(struct stage *g, const char *method, const char *path, const char *text)
{
    return ask(g, method, path, g->key, "", bytes_of(text, strlen(text)));
}

/* The path of the new job, "" on refusal. */
static const char *submitted(struct stage *g, const struct answer *answer)
{
    const char *path = answer->status == 202 ? answer_header(g->a, answer, "Location") : NULL;

    CHECK_INT(answer->status, 202);
    return path ? path : "";
}

static struct answer finished(struct stage *g, const char *path)
{
    int64_t deadline = clock_mono_us() + 60000000;
    struct answer answer;
    const char *status;

    do {
        answer = http_get(g->a, g->s.port, path, g->key);
        status = json_at(g->a, answer.body, "status");
        if (text_is(status, "finished") || text_is(status, "failed"))
            return answer;
        CHECK(answer_header(g->a, &answer, "Retry-After") != NULL);
        usleep(50000);
    } while (clock_mono_us() < deadline && answer.status == 200);
    CHECK(!"the job ended");
    return answer;
}

/* ---- webhooks ---- */

static const char *hex_of(struct arena *a, const char *secret, struct bytes body)
{
    uint8_t mac[HASH_SIZE];
    char hex[HASH_HEX];

    hash_hmac(bytes_of(secret, strlen(secret)), body, mac);
    text_hex(hex, mac, sizeof mac);
    return arena_strdup(a, hex);
}

static bool same(struct bytes x, struct bytes y)
{
    return x.len == y.len && memcmp(x.data, y.data, x.len) == 0;
}

/* What came, once `n` have; the last one. */
static struct received last(struct receiver *r, struct arena *a, size_t n)
{
    struct received *got;
    size_t count;

    CHECK(receiver_wait(r, n, 30));
    count = receiver_list(r, a, &got);
    return count ? got[count - 1] : (struct received){.native = NULL};
}

static bool file_has(struct arena *a, const char *path, const char *word)
{
    struct bytes b = file_read(a, path);

    return memmem(b.data, b.len, word, strlen(word)) != NULL;
}

/* The secret signs, and is seen nowhere. */
static void a_job_brings_its_own_secret(void)
{
    struct stage g = stage_open(ARGS(QUICK, "--log-level", "debug", "--log-requests"));
    struct receiver r;
    struct received got;
    struct answer answer, native;
    const char *path;

    receiver_open(&r, MANNER_FINE, 1);
    answer = ask(&g, "POST",
                 arena_printf(g.a, "/v1/videos?webhook.url=http%%3A%%2F%%2F127.0.0.1:%d/x&webhook.secret=%s",
                              r.port, SECRET),
                 g.key, "", bytes_of("no video", 8));
    path = submitted(&g, &answer);
    answer = finished(&g, path);
    got = last(&r, g.a, 1);
    CHECK(same(got.body, answer.body));
    CHECK_STR(got.native, arena_printf(g.a, "sha256=%s", hex_of(g.a, SECRET, got.body)));
    CHECK(got.standard != NULL);
    native = stage_job(&g, path + strlen("/v1/videos/video_"));
    CHECK(native.status == 200 && !memmem(native.body.data, native.body.len, SECRET, strlen(SECRET)));
    CHECK(!memmem(answer.body.data, answer.body.len, SECRET, strlen(SECRET)));
    CHECK(!strstr(stage_run(&g, ARGS("hook", "deliveries")).out, SECRET));
    CHECK(!file_has(g.a, g.s.log, SECRET));
    receiver_close(&r);
    CHECK_INT(stage_close(&g), 0);
}

/* Headers, JSON; unsigned without a secret; bare hex where the operator says so. */
static void carriers_and_formats(void)
{
    struct stage g = stage_open(ARGS(QUICK, "--hook-signature-format", "hex"));
    struct receiver r;
    struct received got;
    struct answer answer;

    receiver_open(&r, MANNER_FINE, 1);
    answer =
        ask(&g, "POST", "/v1/videos", g.key,
            arena_printf(g.a, "Webhook-Url: http://127.0.0.1:%d/h\r\nWebhook-Secret: %s\r\n", r.port, SECRET),
            bytes_of("no video", 8));
    finished(&g, submitted(&g, &answer));
    got = last(&r, g.a, 1);
    CHECK_STR(got.path, "/h");
    CHECK_STR(got.native, hex_of(g.a, SECRET, got.body));
    answer = ask_text(&g, "POST", "/v1/images",
                      arena_printf(g.a,
                                   "{\"images\": [{\"external_id\": \"1\", \"data_base64\": \"Zm9v\"}],"
                                   " \"webhook\": {\"url\": \"http://127.0.0.1:%d/j\"}}",
                                   r.port));
    answer = finished(&g, submitted(&g, &answer));
    got = last(&r, g.a, 2);
    CHECK_STR(got.path, "/j");
    CHECK(!got.native && !got.standard);
    CHECK(same(got.body, answer.body));
    receiver_close(&r);
    CHECK_INT(stage_close(&g), 0);
}

/* ---- taken back ---- */

static void a_cancelled_job_tells_of_it(void)
{
    struct stage g = stage_open(ARGS(QUICK));
    struct receiver r;
    struct received got;
    struct answer answer;
    const char *path;

    receiver_open(&r, MANNER_FINE, 1);
    for (int i = 0; i < 4; i++) /* the only analyst has something to do */
        stage_submit(&g, "long.mp4");
    answer =
        ask(&g, "POST", "/v1/videos", g.key,
            arena_printf(g.a, "Webhook-Url: http://127.0.0.1:%d/\r\nWebhook-Secret: %s\r\n", r.port, SECRET),
            bytes_of("no video", 8));
    path = submitted(&g, &answer);
    answer = ask_text(&g, "DELETE", path, "");
    CHECK_INT(answer.status, 204);
    answer = http_get(g.a, g.s.port, path, g.key);
    CHECK_STR(json_at(g.a, answer.body, "status"), "failed");
    CHECK_STR(json_at(g.a, answer.body, "error.code"), "cancelled");
    got = last(&r, g.a, 1);
    CHECK(same(got.body, answer.body));
    CHECK_STR(got.native, arena_printf(g.a, "sha256=%s", hex_of(g.a, SECRET, got.body)));
    receiver_close(&r);
    CHECK_INT(stage_close(&g), 0);
}

/* ---- a large batch ---- */

enum { PICTURES = 64, PICTURE = 327680 }; /* 20 MiB in all */

static long peak_kb(pid_t pid)
{
    char path[64], line[256];
    long kb = -1;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        if (text_starts(line, "VmHWM:"))
            kb = atol(line + 6);
    if (f)
        fclose(f);
    return kb;
}

static struct bytes large_batch(struct arena *a)
{
    struct buf json = BUF(64 << 20);
    uint8_t *data = arena_alloc(a, PICTURE);
    struct bytes text;

    hash_random(data, PICTURE);
    buf_str(&json, "{\"images\":[");
    for (int i = 0; i < PICTURES; i++)
        buf_printf(&json, "%s{\"external_id\":\"p%d\",\"data_base64\":\"%s\"}", i ? "," : "", i,
                   base64_encode(a, bytes_of(data, PICTURE)));
    buf_str(&json, "]}");
    text = bytes_of(arena_strndup(a, json.data, json.len), json.len);
    buf_clear(&json);
    return text;
}

/* In memory once, as text: not a second time as a tree, nor as pictures. */
static void a_large_batch_is_in_memory_once(void)
{
    struct stage g = stage_open(ARGS(QUICK));
    struct bytes batch = large_batch(g.a);
    struct answer answer;
    long before = peak_kb(g.s.pid), grown;
    int64_t begun = clock_mono_us();

    answer = ask(&g, "POST", "/v1/images", g.key, "Content-Type: application/json\r\n", batch);
    grown = peak_kb(g.s.pid) - before;
    printf("# %zu bytes of JSON: accepted after %lld ms, the server grew by %ld KiB\n", batch.len,
           (long long)(clock_mono_us() - begun) / 1000, grown);
    CHECK(before > 0 && grown < (long)(batch.len >> 10) * 3 / 2);
    answer = finished(&g, submitted(&g, &answer));
    CHECK_STR(json_at(g.a, answer.body, "status"), "finished");
    CHECK(memmem(answer.body.data, answer.body.len, "\"external_id\":\"p63\"", 19));
    CHECK_INT(stage_close(&g), 0);
}

static void a_budget_for_batches(void)
{
    struct stage g = stage_open(ARGS(QUICK, "--scenes-batch-memory", "1M", "--scenes-max-batch", "28M"));
    struct bytes batch = large_batch(g.a);
    struct answer answer = ask(&g, "POST", "/v1/images", g.key, "", batch);

    CHECK_INT(answer.status, 503);
    CHECK(answer_header(g.a, &answer, "Retry-After") != NULL);
    answer = ask(&g, "POST", "/v1/images", g.key, "",
                 bytes_of(batch.data, 29 << 20 < (int)batch.len ? 29 << 20 : batch.len));
    CHECK(answer.status == 503 || answer.status == 413);
    answer = ask_text(&g, "POST", "/v1/images",
                      "{\"images\": [{\"external_id\": \"1\", \"data_base64\": \"Zm9v\"}]}");
    CHECK_INT(answer.status, 202); /* what was refused is given back */
    CHECK_INT(stage_close(&g), 0);
}

/* ---- latency ---- */

#define PIXEL /* a PNG of one pixel */ \
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

/* Observed when a batch is done; it outlives the job and the server. */
static void latency_is_remembered(void)
{
    struct stage g = stage_open(ARGS(QUICK));
    const char *admin =
        key_new(g.a, g.dir, "acme", (char *[]){(char[]){"--scopes"}, (char[]){"submit read admin"}, NULL});
    struct answer answer = http_get(g.a, g.s.port, "/v1/latency/image", g.key);
    const char *path, *ms;

    CHECK_INT(answer.status, 503);
    CHECK_STR(json_at(g.a, answer.body, "code"), "no_observation");
    answer = ask_text(&g, "POST", "/v1/images",
                      "{\"images\": [{\"external_id\": \"1\", \"data_base64\": \"" PIXEL "\"}]}");
    path = submitted(&g, &answer);
    answer = finished(&g, path);
    CHECK(!memmem(answer.body.data, answer.body.len, "error", 5));
    CHECK_INT(ask(&g, "DELETE", path, admin, "", bytes_of(NULL, 0)).status, 204);
    CHECK_INT(served_stop(&g.s), 0);
    served_start(&g.s, g.a, g.dir, (char *[]){(char[]){"--analysts"}, (char[]){"1"}, NULL});
    answer = http_get(g.a, g.s.port, "/v1/latency?media_type=image", g.key);
    CHECK_INT(answer.status, 200);
    CHECK_STR(json_at(g.a, answer.body, "unit"), "image");
    ms = json_at(g.a, answer.body, "latency_ms_per_unit");
    CHECK(ms && atof(ms) > 0);
    CHECK_INT(http_get(g.a, g.s.port, "/v1/latency/video", g.key).status, 503);
    CHECK_INT(stage_close(&g), 0);
}

/* ---- known faces ---- */

static struct answer enrol(struct stage *g, const char *key, const char *text)
{
    return ask(g, "POST", "/v1/allowlist", key, "", bytes_of(text, strlen(text)));
}

static void faces_are_enrolled(void)
{
    static const char vector[] = "{\"external_id\": \"boss 1\", \"embedding\": [1, 2, 3, 4, 5, 6, 7, 8]}";
    struct stage g = stage_open(ARGS(QUICK, "--biometrics", "embeddings"));
    const char *admin =
        key_new(g.a, g.dir, "acme", (char *[]){(char[]){"--scopes"}, (char[]){"submit read admin"}, NULL});
    struct answer answer;

    CHECK_INT(enrol(&g, g.key, vector).status, 403);
    CHECK_INT(enrol(&g, admin, vector).status, 201);
    CHECK_INT(enrol(&g, admin, "{\"external_id\": \"x\"}").status, 422);
    CHECK_INT(enrol(&g, admin, "{").status, 400);
    answer = enrol(&g, admin, "{\"external_id\": \"junk\", \"data_base64\": \"Zm9v\"}");
    CHECK_INT(answer.status, 422);
    answer = http_get(g.a, g.s.port, "/v1/allowlist", g.key);
    CHECK_INT(answer.status, 200);
    CHECK(memmem(answer.body.data, answer.body.len, "boss 1", 6) &&
          !memmem(answer.body.data, answer.body.len, "junk", 4));
    CHECK(!memmem(answer.body.data, answer.body.len, "embedding", 9));
    CHECK(strstr(stage_run(&g, ARGS("audit")).out, "face.add"));
    CHECK(!strstr(stage_run(&g, ARGS("job", "list")).out, "enrol")); /* the photo's job is gone */
    answer = ask(&g, "DELETE", "/v1/allowlist/boss%201", admin, "", bytes_of(NULL, 0));
    CHECK_INT(answer.status, 204);
    CHECK_STR((const char *)http_get(g.a, g.s.port, "/v1/allowlist", g.key).body.data, "{\"items\":[]}");
    CHECK_INT(stage_close(&g), 0);
}

/* ---- paths of the operator's ---- */

static void paths_are_the_operators(void)
{
    struct stage g =
        stage_open(ARGS(QUICK, "--scenes-prefix", "/api/v0.2.0", "--scenes-videos-path", "analysis/video"));
    struct answer answer = ask_text(&g, "POST", "/api/v0.2.0/analysis/video", "no video");

    CHECK(text_starts(submitted(&g, &answer), "/api/v0.2.0/analysis/video/video_"));
    CHECK_INT(finished(&g, submitted(&g, &answer)).status, 200);
    answer = ask_text(&g, "PUT", "/api/v0.2.0/analysis/video", "");
    CHECK_INT(answer.status, 405);
    CHECK_STR(json_at(g.a, answer.body, "code"), "method_not_allowed");
    CHECK_INT(ask_text(&g, "POST", "/v1/videos", "no video").status, 404);
    CHECK_INT(stage_close(&g), 0);
}

int main(void)
{
    unsetenv("MALLOC_PERTURB_"); /* the test runner's: it touches memory that the server only reserves */
    RUN(a_job_brings_its_own_secret);
    RUN(carriers_and_formats);
    RUN(a_cancelled_job_tells_of_it);
    RUN(a_large_batch_is_in_memory_once);
    RUN(a_budget_for_batches);
    RUN(latency_is_remembered);
    RUN(faces_are_enrolled);
    RUN(paths_are_the_operators);
    return test_end();
}
