/* The provenance API through the whole server: repeats, webhooks, URLs, many at once, finished results with
 * page and heat map, how they go, rates, heuristics read again. Routes and errors:
 * tests/wire/provenance.wire. Most of what is sent is no media: what counts here is the way, not the verdict.
 */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/text.h"
#include "receiver.h"
#include "report/json.h"
#include "source.h"
#include "stage.h"
#include "store/blobs.h"
#include "store/runs.h"
#include "test.h"

#define QUICK "--analysts", "1", "--hook-allow-http", "--hook-allow", "127.0.0.1"

static struct answer ask(struct stage *g, const char *method, const char *path, const char *key,
                         const char *json)
{
    const char *text =
        arena_printf(g->a,
                     "%s %s HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: %s\r\nConnection: "
                     "close\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                     method, path, key, strlen(json), json);

    return http_raw(g->a, g->s.port, bytes_of(text, strlen(text)));
}

/* One file and at most one field. */
static struct answer upload(struct stage *g, const char *path, const char *part, const char *bytes,
                            const char *field, const char *value)
{
    struct form f = {.body = BUF(1 << 20)};

    form_add(&f, part, "a.bin", bytes_of(bytes, strlen(bytes)));
    if (field)
        form_add(&f, field, NULL, bytes_of(value, strlen(value)));
    return http_raw(g->a, g->s.port, form_request(g->a, &f, path, g->key));
}

static const char *body_text(struct stage *g, const struct answer *answer)
{
    return arena_strndup(g->a, (const char *)answer->body.data, answer->body.len);
}

/* The identifier. */
static const char *image(struct stage *g, const char *bytes, const char *field, const char *value)
{
    struct answer answer = upload(g, "/api/classification", "image", bytes, field, value);

    CHECK_INT(answer.status, 200);
    CHECK(text_is_hex(body_text(g, &answer), 64));
    return body_text(g, &answer);
}

static struct answer ended(struct stage *g, const char *path)
{
    int64_t deadline = clock_mono_us() + 30000000;
    struct answer answer;

    do {
        answer = http_get(g->a, g->s.port, path, g->key);
        if (!text_is(json_at(g->a, answer.body, "status"), "new"))
            return answer;
        usleep(30000);
    } while (clock_mono_us() < deadline);
    CHECK(!"the run ended");
    return answer;
}

static struct answer image_ended(struct stage *g, const char *identifier)
{
    return ended(g, arena_printf(g->a, "/api/classification/%s", identifier));
}

/* As the log has it. */
static size_t jobs_of_api(struct stage *g)
{
    const char *s = (const char *)file_read(g->a, g->s.log).data;
    size_t n = 0;

    while ((s = strstr(s, "dialect=provenance"))) {
        s++;
        n++;
    }
    return n;
}

/* ---- repeats ---- */

static void the_same_again(void)
{
    struct stage g = stage_open(ARGS(QUICK));
    const char *first, *again;
    struct answer answer;

    for (int i = 0; i < 4; i++) /* the only analyst has something to do */
        stage_submit(&g, "long.mp4");
    first = image(&g, "no image", "ref_id", "x");
    CHECK_STR(image(&g, "no image", "ref_id", "x"), first);
    CHECK_INT(jobs_of_api(&g), 1);
    again = image(&g, "no image", "no_cache", "true");
    CHECK(!text_is(again, first));
    CHECK(!text_is(image(&g, "no image", NULL, NULL), first));
    CHECK(!text_is(image(&g, "no image", "with_heatmap", "1"), first));
    CHECK(!text_is(image(&g, "another", "ref_id", "x"), first));
    CHECK_INT(jobs_of_api(&g), 5);
    answer = upload(&g, "/api/classification_video", "video", "no image", "ref_id", "x");
    CHECK(!text_is(body_text(&g, &answer), first));
    CHECK_STR(json_at(g.a, image_ended(&g, first).body, "status"), "errored");
    CHECK_STR(image(&g, "no image", "ref_id", "x"), first); /* it failed: judged once more */
    CHECK_INT(jobs_of_api(&g), 7);
    image_ended(&g, first);
    CHECK_INT(stage_close(&g), 0);
}

/* ---- webhooks ---- */

static void the_end_is_told(void)
{
    struct stage g = stage_open(ARGS(QUICK));
    struct received *got;
    struct receiver r;
    struct answer answer;
    const char *id;

    receiver_open(&r, MANNER_FINE, 1);
    id = image(&g, "no image", "webhook_url", arena_printf(g.a, "http://127.0.0.1:%d/p", r.port));
    answer = image_ended(&g, id);
    CHECK(receiver_wait(&r, 1, 30));
    CHECK_INT(receiver_list(&r, g.a, &got), 1);
    CHECK_STR(got[0].path, "/p");
    CHECK(got[0].body.len == answer.body.len &&
          memcmp(got[0].body.data, answer.body.data, answer.body.len) == 0);
    receiver_close(&r);
    CHECK_INT(stage_close(&g), 0);
}

/* Signed by a hook of the tenant; without --provenance-webhooks the request's own URL counts nothing. */
static void hooks_sign(void)
{
    struct stage g = stage_open(ARGS(QUICK, "--no-provenance-webhooks"));
    struct received *got;
    struct receiver r;

    receiver_open(&r, MANNER_FINE, 1);
    CHECK_INT(stage_run(&g, ARGS("hook", "add", "--tenant", "acme", "--api", "provenance", "--url",
                                 arena_printf(g.a, "http://127.0.0.1:%d/hook", r.port), "--secret",
                                 "0123456789abcdef0123456789abcdef", "--hook-allow-http", "--hook-allow",
                                 "127.0.0.1"))
                  .status,
              0);
    image_ended(&g,
                image(&g, "no image", "webhook_url", arena_printf(g.a, "http://127.0.0.1:%d/own", r.port)));
    CHECK(receiver_wait(&r, 1, 30));
    CHECK_INT(receiver_list(&r, g.a, &got), 1);
    CHECK_STR(got[0].path, "/hook");
    CHECK(got[0].native != NULL);
    receiver_close(&r);
    CHECK_INT(stage_close(&g), 0);
}

/* ---- by URL ---- */

static const char *keyed_url(struct stage *g, const char *key, const char *json)
{
    const char *text =
        arena_printf(g->a,
                     "POST /api/image_fromurl HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: %s\r\nConnection: "
                     "close\r\nIdempotency-Key: %s\r\nContent-Type: application/json\r\nContent-Length: "
                     "%zu\r\n\r\n%s",
                     g->key, key, strlen(json), json);
    struct answer answer = http_raw(g->a, g->s.port, bytes_of(text, strlen(text)));

    return body_text(g, &answer);
}

static void urls_are_fetched(void)
{
    struct stage g = stage_open(ARGS(QUICK, "--fetch-allow", "127.0.0.0/8"));
    struct source s;
    struct answer answer;
    const char *json, *first;

    source_open(&s, "127.0.0.1", bytes_of("no image", 8));
    json = arena_printf(g.a, "{\"file_url\": \"http://127.0.0.1:%d/clip.mp4\", \"ref_id\": \"u\"}", s.port);
    answer = ask(&g, "POST", "/api/image_fromurl", g.key, json);
    CHECK_INT(answer.status, 200);
    first = body_text(&g, &answer);
    answer = image_ended(&g, first);
    CHECK_STR(json_at(g.a, answer.body, "name"), "clip.mp4");
    CHECK_STR(json_at(g.a, answer.body, "ref_id"), "u");
    CHECK(text_is_hex(json_at(g.a, answer.body, "hash"), 64));
    answer = ask(&g, "POST", "/api/image_fromurl", g.key, json);
    CHECK(!text_is(body_text(&g, &answer), first)); /* nobody knows beforehand that it is the same */
    first = keyed_url(&g, "k1", json);
    CHECK_STR(keyed_url(&g, "k1", json), first);
    CHECK(!text_is(keyed_url(&g, "k2", json), first));
    json = arena_printf(g.a, "{\"file_url\": \"http://127.0.0.1:%d/nothing\"}", s.port);
    CHECK(strstr(keyed_url(&g, "k1", json), "was used for another request") != NULL);
    answer = ask(&g, "POST", "/api/audio_fromurl", g.key, json);
    answer = ended(&g, arena_printf(g.a, "/api/classification_audio/%s", body_text(&g, &answer)));
    CHECK_STR(json_at(g.a, answer.body, "status"), "errored");
    CHECK(strstr(json_at(g.a, answer.body, "errors"), "404") != NULL);
    source_close(&s);
    CHECK_INT(stage_close(&g), 0);
}

/* ---- many ---- */

static struct answer many(struct stage *g, const char *id, size_t n)
{
    struct buf path = BUF(1 << 20);
    struct answer answer;

    buf_str(&path, "/api/classifications?");
    for (size_t i = 0; i < n; i++)
        buf_printf(&path, "%sidentifiers[]=%s", i ? "&" : "", id);
    answer = http_get(g->a, g->s.port, path.data, g->key);
    buf_clear(&path);
    return answer;
}

static void a_hundred_and_one(void)
{
    struct stage g = stage_open(ARGS(QUICK));
    const char *id = image(&g, "no image", NULL, NULL);
    struct answer answer;

    image_ended(&g, id);
    answer = many(&g, id, 100);
    CHECK_INT(answer.status, 200);
    CHECK(json_at(g.a, answer.body, "99.status") != NULL || answer.body.len > 100 * 200);
    answer = many(&g, id, 101);
    CHECK_INT(answer.status, 422);
    CHECK_STR(json_at(g.a, answer.body, "message"), "The identifiers must not have more than 100 items.");
    CHECK_INT(stage_close(&g), 0);
}

/* ---- a finished result, as a server of yesterday has left it ---- */

static const char run_id[] = "0a7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static const char job_id[] = "6662efdb5200108549e3ac2b";

static struct bytes a_report(struct arena *a)
{
    static const char *names[] = {"Average"};
    static const struct voter models[] = {{"spectral", true, false}};
    static struct opinion opinion[1] = {{{false, {0.25, 0.75}}, NULL, 0.5}};
    static struct origin_ruling ruling[1] = {{"Average", {ORIGIN_ARTIFICIAL, 0.75, false}, 0, 1}};
    static struct summary summary[1] = {{1, {false, {0.25, 0.75}}, 0}};
    static struct origin_part part[1] = {
        {.opinions = opinion, .rulings = ruling, .unsafe = __builtin_nan("")}};
    static struct origin_stream stream = {
        .nmodels = 1, .models = models, .nparts = 1, .parts = part, .summaries = summary, .rulings = ruling};
    static struct origins all = {
        .nheuristics = 1, .heuristics = names, .pictures = &stream, .has_heatmap = true};
    struct job_spec spec = job_spec_defaults();
    struct report *r;

    spec.pipeline = "origin-image";
    r = report_new(a, &spec);
    r->origins = &all;
    r->verdict.risk = "";
    report_set_config(r, &(struct configuration){.origin_known = true, .origin = spec.origin});
    return report_to_json(a, r);
}

static void put_blob(struct blobs *b, const char *text, size_t n, char ret_sha256[HASH_HEX])
{
    struct blob_writer *w;
    int64_t size;

    CHECK(blob_begin(&w, b, 1 << 20, NULL) == 0 && blob_add(w, bytes_of(text, n), NULL) == 0);
    CHECK(blob_seal_take(w, ret_sha256, &size, NULL) == 0);
    blob_unpin(b, ret_sha256);
}

/* In the data directory of `base`, which no server has now; the subject's hash. */
static const char *leave_result(struct arena *a, const char *base, const char *run)
{
    CLEANUP(records_freep) struct records *db = NULL;
    CLEANUP(blobs_freep) struct blobs *blobs = NULL;
    const char *dir = arena_printf(a, "%s/data", base);
    struct job_spec spec = job_spec_defaults();
    const char *notes = arena_printf(a, "{\"media\":\"image\",\"identifier\":\"%s\"}", run);
    char *sha256 = arena_alloc(a, HASH_HEX), map[HASH_HEX];
    int64_t now = clock_wall_us();
    struct job_row row;

    CHECK(records_open(&db, dir, NULL) == 0 && blobs_open(&blobs, dir, NULL) == 0);
    put_blob(blobs, "an image", 8, sha256);
    put_blob(blobs, "\x89PNG\r\n\x1a\nmap", 11, map);
    spec.pipeline = "origin-image";
    text_copy(spec.subject.sha256, sizeof spec.subject.sha256, sha256);
    spec.subject.size = 8;
    row = (struct job_row){.tenant = "acme",
                           .dialect = "provenance",
                           .state = "done",
                           .created_us = now,
                           .started_us = now,
                           .finished_us = now,
                           .sha256 = sha256,
                           .size = 8,
                           .name = "a <b>.png",
                           .error_code = "ok",
                           .artefact = map,
                           .run = run,
                           .run_media = "image"};
    text_copy(row.id, sizeof row.id, job_id);
    row.spec = spec_to_json(a, &spec);
    row.report = a_report(a);
    row.request = bytes_of(notes, strlen(notes));
    CHECK_INT(records_add_job(db, &row, NULL, NULL, NULL), 0);
    records_sync(db);
    return sha256;
}

static void a_result_is_read_and_goes(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *base = folder_new(a), *sha256 = leave_result(a, base, run_id), *url, *admin;
    struct stage g = stage_open_in(base, ARGS(QUICK));
    struct answer answer = image_ended(&g, run_id);

    CHECK_STR(json_at(g.a, answer.body, "status"), "done");
    CHECK_STR(json_at(g.a, answer.body, "verdict.classification"), "artificial");
    CHECK_STR(json_at(g.a, answer.body, "has_heatmap"), "true");
    url = json_at(g.a, answer.body, "result_url");
    CHECK(url && text_starts(url, "/ui/results/"));
    answer = http_get(g.a, g.s.port, url, "no key");
    CHECK_INT(answer.status, 200);
    CHECK(strstr(body_text(&g, &answer), ">Artificial</h1>") &&
          strstr(body_text(&g, &answer), "a &lt;b&gt;.png"));
    answer = http_get(g.a, g.s.port, arena_printf(g.a, "%s0", url), "no key");
    CHECK_INT(answer.status, 403);
    answer = http_get(g.a, g.s.port, arena_printf(g.a, "/api/classification/heatmap/%s", run_id), g.key);
    CHECK_INT(answer.status, 200);
    CHECK_STR(answer_header(g.a, &answer, "Content-Type"), "image/png");
    CHECK_INT(answer.body.len, 11);
    answer = ask(&g, "POST", arena_printf(g.a, "/api/classification/%s/override", sha256), g.key,
                 "{\"classification\": \"human\"}");
    CHECK_INT(answer.status, 200);
    CHECK_STR(json_at(g.a, image_ended(&g, run_id).body, "force_classification"), "human");
    answer = ask(&g, "POST", arena_printf(g.a, "/api/classification/%s/override", run_id), g.key,
                 "{\"classification\": \"human\"}"); /* the same again leaves no line */
    CHECK_STR(json_at(g.a, answer.body, "hash"), sha256);
    CHECK(strstr(stage_run(&g, ARGS("audit")).out, "override"));
    CHECK(strstr(stage_run(&g, ARGS("audit")).out, "image: human, was as computed"));
    CHECK_STR(json_at(g.a, image_ended(&g, image(&g, "an image", NULL, NULL)).body, "force_classification"),
              "human");
    admin = key_new(g.a, g.dir, "acme", (char *[]){(char[]){"--scopes"}, (char[]){"admin"}, NULL});
    CHECK_INT(ask(&g, "DELETE", arena_printf(g.a, "/v1/jobs/%s", job_id), admin, "").status, 200);
    CHECK_INT(image_ended(&g, run_id).status, 404);
    answer = http_get(g.a, g.s.port, url, "no key");
    CHECK_INT(answer.status, 404);
    CHECK_INT(stage_close(&g), 0);
    folder_remove(base);
}

static void a_result_has_its_time(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *base = folder_new(a);
    struct stage g;
    int64_t deadline;
    int status;

    leave_result(a, base, run_id);
    usleep(20000);
    g = stage_open_in(base, ARGS(QUICK, "--keep", "10ms"));
    deadline = clock_mono_us() + 20000000;
    while ((status =
                http_get(g.a, g.s.port, arena_printf(g.a, "/api/classification/%s", run_id), g.key).status) ==
               200 &&
           clock_mono_us() < deadline)
        usleep(50000);
    CHECK_INT(status, 410);
    CHECK_INT(stage_close(&g), 0);
    folder_remove(base);
}

/* A run that is done is told again where the operator wants that. */
static void repeats_are_told(bool wanted)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *base = folder_new(a), *id, *hook;
    struct stage g = stage_open_in(base, ARGS(QUICK));
    struct received *got;
    struct receiver r;
    struct answer answer;

    id = arena_strdup(a, image(&g, "an image", NULL, NULL));
    image_ended(&g, id);
    CHECK_INT(stage_close(&g), 0);
    leave_result(a, base, id); /* as if it had been judged once more, and well */
    g = stage_open_in(
        base, ARGS(QUICK, wanted ? "--provenance-repeat-webhooks" : "--no-provenance-repeat-webhooks"));
    receiver_open(&r, MANNER_FINE, 1);
    hook = arena_printf(g.a, "http://127.0.0.1:%d/r", r.port);
    CHECK_STR(image(&g, "an image", "webhook_url", hook), id);
    CHECK_INT(jobs_of_api(&g), 1); /* the first one */
    answer = image_ended(&g, id);
    CHECK_STR(json_at(g.a, answer.body, "status"), "done");
    CHECK_INT(receiver_wait(&r, 1, wanted ? 30 : 1), wanted);
    if (wanted && receiver_list(&r, g.a, &got) == 1)
        CHECK(got[0].body.len == answer.body.len &&
              memcmp(got[0].body.data, answer.body.data, answer.body.len) == 0);
    receiver_close(&r);
    CHECK_INT(stage_close(&g), 0);
    folder_remove(base);
}

static void repeats_are_told_on_request(void)
{
    repeats_are_told(false);
    repeats_are_told(true);
}

/* ---- real verdicts ---- */

static void put_u32(struct buf *b, uint32_t v)
{
    buf_add(b, (uint8_t[]){(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v}, 4);
}

static void put_chunk(struct buf *b, const char *type, struct bytes data)
{
    struct buf body = BUF(1 << 20);

    buf_add(&body, type, 4);
    buf_add(&body, data.data, data.len);
    put_u32(b, (uint32_t)data.len);
    buf_add(b, body.data, body.len);
    put_u32(b, hash_crc32(buf_bytes(&body)));
    buf_clear(&body);
}

static uint32_t adler32(struct bytes data)
{
    uint32_t a = 1, b = 0;

    for (size_t i = 0; i < data.len; i++) {
        a = (a + data.data[i]) % 65521;
        b = (b + a) % 65521;
    }
    return b << 16 | a;
}

enum { SIDE = 256, LINE = 1 + SIDE };

/* A grey picture with some noise, stored: a deflate block of each line. */
static struct bytes a_png(struct arena *a)
{
    static const uint8_t head[] = {0, 0, 1, 0, 0, 0, 1, 0, 8, 0, 0, 0, 0};
    struct buf raw = BUF(1 << 20), packed = BUF(1 << 20), all = BUF(1 << 20);
    uint32_t noise = 1;
    struct bytes png;

    buf_add(&packed, "\x78\x01", 2);
    for (int y = 0; y < SIDE; y++) {
        uint8_t line[LINE] = {0};
        for (int x = 0; x < SIDE; x++) {
            noise = noise * 1664525 + 1013904223;
            line[1 + x] = (uint8_t)((x + y) / 4 + (int)(noise >> 28));
        }
        buf_add(&packed,
                (uint8_t[]){y + 1 == SIDE, LINE & 255, LINE >> 8, 255 - (LINE & 255), 255 - (LINE >> 8)}, 5);
        buf_add(&packed, line, sizeof line);
        buf_add(&raw, line, sizeof line);
    }
    put_u32(&packed, adler32(buf_bytes(&raw)));
    buf_add(&all, "\x89PNG\r\n\x1a\n", 8);
    put_chunk(&all, "IHDR", bytes_of(head, sizeof head));
    put_chunk(&all, "IDAT", buf_bytes(&packed));
    put_chunk(&all, "IEND", bytes_of("", 0));
    png = bytes_of(arena_strndup(a, all.data, all.len), all.len);
    buf_clear(&raw);
    buf_clear(&packed);
    buf_clear(&all);
    return png;
}

/* The path of the run. */
static const char *send(struct stage *g, const char *kind, struct bytes file, const char *field)
{
    struct form f = {.body = BUF(64 << 20)};
    struct answer answer;

    form_add(&f, kind, "a.bin", file);
    if (field)
        form_add(&f, field, NULL, bytes_of("true", 4));
    answer = http_raw(g->a, g->s.port,
                      form_request(g->a, &f, arena_printf(g->a, "/api/classification_%s", kind), g->key));
    CHECK_INT(answer.status, 200);
    return arena_printf(g->a, "/api/classification_%s/%s", kind, body_text(g, &answer));
}

static void files_are_judged(void)
{
    struct stage g = stage_open(ARGS(QUICK));
    struct bytes png = a_png(g.a);
    const char *path = send(&g, "image", png, "with_heatmap");
    struct answer answer = ended(&g, path), map;

    CHECK_STR(json_at(g.a, answer.body, "status"), "done");
    CHECK_STR(json_at(g.a, answer.body, "api_version"), "v1.1.0");
    CHECK_STR(json_at(g.a, answer.body, "has_heatmap"), "true");
    map = http_get(g.a, g.s.port, arena_printf(g.a, "/api/classification/heatmap/%s", strrchr(path, '/') + 1),
                   g.key);
    CHECK(map.status == 200 && map.body.len > 100 && memcmp(map.body.data, png.data, 8) == 0);
    CHECK_STR(send(&g, "image", png, "with_heatmap"), path); /* done: the same run */
    path = send(&g, "video", clip_load(g.a, "person.mp4"), NULL);
    answer = ended(&g, path);
    CHECK_STR(json_at(g.a, answer.body, "status"), "done");
    CHECK_STR(json_at(g.a, answer.body, "verdict.heuristic"), "AverageExcludeObsolete");
    CHECK_STR(send(&g, "video", clip_load(g.a, "person.mp4"), NULL), path);
    answer = ended(&g, send(&g, "audio", clip_load(g.a, "audio.wav"), NULL)); /* silence */
    CHECK_STR(json_at(g.a, answer.body, "status"), "done");
    CHECK(json_at(g.a, answer.body, "verdict.classification") == NULL);
    answer = ended(&g, send(&g, "video", clip_load(g.a, "audio.wav"), NULL)); /* no frames */
    CHECK_STR(json_at(g.a, answer.body, "status"), "errored");
    CHECK_INT(stage_close(&g), 0);
}

/* ---- tickets ---- */

enum { NOISE = 256, NOISE_BYTES = 54 + NOISE * NOISE * 3 };

/* A BMP of noise: enough for every look at pixels to have something to do. */
static struct bytes a_picture(struct arena *a)
{
    static const uint8_t head[] = {'B', 'M', 0x36, 0, 3, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40,
                                   0,   0,   0,    0, 1, 0, 0, 0, 1, 0, 0,  1, 0, 24};
    uint8_t *b = arena_alloc(a, NOISE_BYTES);
    uint32_t x = 1;

    memcpy(b, head, sizeof head);
    for (size_t i = 54; i < NOISE_BYTES; i++) {
        x = x * 1664525 + 1013904223;
        b[i] = (uint8_t)(64 + (x >> 25));
    }
    return bytes_of(b, NOISE_BYTES);
}

static struct answer send_tickets(struct stage *g)
{
    struct form f = {.body = BUF(8 << 20)};

    form_add(&f, "tickets", "changed.pdf", clip_load(g->a, "changed.pdf"));
    form_add(&f, "tickets", "noise.bmp", a_picture(g->a));
    form_add(&f, "tickets", "text.mp4", clip_load(g->a, "text.mp4"));
    form_add(&f, "ref_ids", NULL, bytes_of("a,b,c", 5));
    return http_raw(g->a, g->s.port, form_request(g->a, &f, "/api/v2/tampering/tickets", g->key));
}

static struct answer tickets_done(struct stage *g, const char *batch)
{
    const char *path = arena_printf(g->a, "/api/v2/tampering/tickets/%s", batch);
    int64_t deadline = clock_mono_us() + 30000000;
    struct answer answer;

    do {
        answer = http_get(g->a, g->s.port, path, g->key);
        if (!text_is(json_at(g->a, answer.body, "done"), "false"))
            return answer;
        usleep(30000);
    } while (clock_mono_us() < deadline);
    CHECK(!"the batch ended");
    return answer;
}

/* In the sandbox: each ticket by itself, the identifiers of the start, and receivers are told the same. */
static void tickets_are_judged(void)
{
    static const struct {
        const char *path, *want;
    } rows[] = {
        {"total_results", "3"},
        {"results.0.verdict.classification", "tampered"},
        {"results.0.results.3.classification_details.performance.2.name", "after_signature"},
        {"results.0.results.2.classification_details.code", "no_pictures"},
        {"results.1.ref_id", "b"},
        {"results.1.verdict.classification", "authentic"},
        {"results.1.results.0.unknown", "false"},
        {"results.1.results.1.classification_details.code", "not_jpeg"},
        {"results.1.results.2.unknown", "false"},
        {"results.2.error.code", "cannot_decode"},
        {"results.2.verdict.unknown", "true"},
    };
    struct stage g = stage_open(ARGS(QUICK));
    struct answer sent, answer;
    struct received *got;
    struct receiver r;

    receiver_open(&r, MANNER_FINE, 1);
    CHECK_INT(stage_run(&g, ARGS("hook", "add", "--tenant", "acme", "--api", "provenance", "--url",
                                 arena_printf(g.a, "http://127.0.0.1:%d/hook", r.port), "--secret",
                                 "0123456789abcdef0123456789abcdef", "--hook-allow-http", "--hook-allow",
                                 "127.0.0.1"))
                  .status,
              0);
    sent = send_tickets(&g);
    CHECK_INT(sent.status, 200);
    answer = tickets_done(&g, json_at(g.a, sent.body, "batch_id"));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK_STR(json_at(g.a, answer.body, rows[i].path), rows[i].want);
        ROW("%s of %s", rows[i].path, body_text(&g, &answer));
    }
    CHECK_STR(json_at(g.a, answer.body, "results.1.identifier"),
              json_at(g.a, sent.body, "submissions.1.identifier"));
    CHECK(receiver_wait(&r, 1, 30));
    CHECK_INT(receiver_list(&r, g.a, &got), 1);
    CHECK(got[0].body.len == answer.body.len &&
          memcmp(got[0].body.data, answer.body.data, answer.body.len) == 0);
    receiver_close(&r);
    CHECK_INT(stage_close(&g), 0);
}

/* ---- rates ---- */

static void the_preset_limits(void)
{
    struct stage g = stage_open(ARGS(QUICK, "--provenance-rates", "identifai"));
    const char *path = arena_printf(g.a, "/api/classification/%s", run_id);
    struct answer answer;
    int refused = 0;

    answer = http_get(g.a, g.s.port, path, g.key);
    CHECK_INT(answer.status, 404);
    for (int i = 0; i < 8 && !refused; i++) {
        answer = http_get(g.a, g.s.port, path, g.key);
        refused = answer.status == 429;
    }
    CHECK_INT(refused, 1);
    CHECK_STR(body_text(&g, &answer), "{\"message\":\"Too Many Attempts.\"}");
    CHECK_STR(answer_header(g.a, &answer, "X-RateLimit-Limit"), "2");
    CHECK_STR(answer_header(g.a, &answer, "X-RateLimit-Remaining"), "0");
    CHECK_STR(answer_header(g.a, &answer, "Retry-After"), "1");
    CHECK(answer_header(g.a, &answer, "X-RateLimit-Reset") != NULL);
    answer = upload(&g, "/api/classification", "image", "x", NULL, NULL);
    CHECK_INT(answer.status, 200);
    CHECK_STR(answer_header(g.a, &answer, "X-RateLimit-Limit"), "30");
    CHECK_STR(answer_header(g.a, &answer, "X-RateLimit-Remaining"), "29");
    CHECK_INT(stage_close(&g), 0);
}

/* ---- heuristics ---- */

static void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    CHECK(f && fputs(text, f) >= 0);
    if (f)
        fclose(f);
}

static bool log_says(struct stage *g, const char *words)
{
    for (int i = 0; i < 200; i++) {
        struct bytes log = file_read(g->a, g->s.log);
        if (memmem(log.data, log.len, words, strlen(words)))
            return true;
        usleep(20000);
    }
    return false;
}

static void heuristics_are_read_again(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    char *base = folder_new(a), *path = arena_printf(a, "%s/own.json", base);
    struct stage g;
    const char *first, *second;

    write_text(path, "{\"heuristics\": [{\"name\": \"Strict\", \"threshold\": 0.9}]}");
    g = stage_open_in(base, ARGS(QUICK, "--provenance-heuristics", path));
    first = image(&g, "no image", NULL, NULL);
    write_text(path, "{\"heuristics\": [{\"name\": \"Strict\", \"threshold\": 2}]}");
    kill(g.s.pid, SIGHUP);
    CHECK(log_says(&g, "configuration refused"));
    CHECK_STR(image(&g, "no image", NULL, NULL), first);
    write_text(path, "{\"heuristics\": [{\"name\": \"Strict\", \"threshold\": 0.8}]}");
    kill(g.s.pid, SIGHUP);
    CHECK(log_says(&g, "configuration read again"));
    second = image(&g, "no image", NULL, NULL);
    CHECK(!text_is(second, first)); /* another question */
    CHECK_INT(stage_close(&g), 0);
    folder_remove(base);
}

int main(void)
{
    RUN(the_same_again);
    RUN(the_end_is_told);
    RUN(hooks_sign);
    RUN(urls_are_fetched);
    RUN(a_hundred_and_one);
    RUN(a_result_is_read_and_goes);
    RUN(a_result_has_its_time);
    RUN(repeats_are_told_on_request);
    RUN(files_are_judged);
    RUN(tickets_are_judged);
    RUN(the_preset_limits);
    RUN(heuristics_are_read_again);
    return test_end();
}
