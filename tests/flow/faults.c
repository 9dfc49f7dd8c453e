/* What goes wrong around a request: time, room, keys, nonsense. Every answer is the documented one
 * (docs/api-alarm.md), and the next request is served. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/text.h"
#include "harness.h"
#include "stage.h"
#include "test.h"

static void check_good_clip(struct stage *g)
{
    struct answer answer = stage_post(g, "/api/classify?sync=true", "tiny.mp4");

    CHECK_INT(answer.status, 200);
    CHECK_STR(json_at(g->a, answer.body, "status.classify"), "done");
}

/* This API's error body: two members. */
static void check_error(struct stage *g, const struct answer *answer, int status)
{
    CHECK_INT(answer->status, status);
    CHECK_STR(json_at(g->a, answer->body, "success"), "false");
    CHECK(json_at(g->a, answer->body, "error") && strlen(json_at(g->a, answer->body, "error")) > 10);
    if (answer->status != status)
        printf("#   %.300s\n", answer->status ? (const char *)answer->body.data : "");
}

/* ---- time ---- */

static void check_timeout(struct stage *g, const struct answer *answer)
{
    CHECK_INT(answer->status, 200);
    CHECK_STR(json_at(g->a, answer->body, "status.classify"), "timeout");
    CHECK_STR(json_at(g->a, answer->body, "status.video"), "timeout");
    CHECK_STR(json_at(g->a, answer->body, "error_code"), "3");
}

/* Whatever was seen until then: never "safe", and no scores which read like it. */
static void check_part(struct stage *g, const struct answer *answer)
{
    struct answer job = stage_job(g, json_at(g->a, answer->body, "id"));
    const char *risk = json_at(g->a, answer->body, "risk");
    int planned = atoi(json_at(g->a, job.body, "report.sampling.planned"));
    int judged = atoi(json_at(g->a, job.body, "report.sampling.judged"));

    CHECK(text_is(risk, "") || text_is(risk, "danger") || text_is(risk, "intrusion"));
    CHECK_INT(*risk != '\0', !text_is(json_at(g->a, answer->body, "scores"), "{}"));
    CHECK_STR(json_at(g->a, job.body, "state"), "timed_out");
    CHECK_STR(json_at(g->a, job.body, "report.error.code"), "timeout");
    CHECK(judged >= 0 && judged < planned);
    printf("# judged %d of %d, risk \"%s\"\n", judged, planned, risk);
}

/* The analysis itself sees that its time is over. */
static void deadline_passes(void)
{
    struct stage g = stage_open(ARGS("--analysts", "1", "--deadline", "100ms"));
    struct answer answer = stage_post(&g, "/api/classify?sync=true", "long.mp4");

    check_timeout(&g, &answer);
    check_part(&g, &answer);
    CHECK(kill(g.analyst, 0) == 0); /* it noticed by itself and lives */
    check_good_clip(&g);
    CHECK_INT(stage_close(&g), 0);
}

/* An analyst that hangs is ended from outside. */
static void analyst_hangs(void)
{
    struct stage g = stage_open(ARGS("--analysts", "1", "--deadline", "500ms"));
    struct answer answer;
    int64_t begun = clock_mono_us();

    kill(g.analyst, SIGSTOP);
    answer = stage_post(&g, "/api/classify?sync=true", "tiny.mp4");
    check_timeout(&g, &answer);
    CHECK_STR(json_at(g.a, answer.body, "risk"), "");
    CHECK_STR(json_at(g.a, answer.body, "scores"), "{}");
    CHECK(clock_mono_us() - begun < 10000000);
    check_good_clip(&g);
    CHECK(only_child(g.keeper) != g.analyst);
    CHECK_INT(stage_close(&g), 0);
}

static void sync_wait_runs_out(void)
{
    struct stage g = stage_open(ARGS("--analysts", "1", "--sync-wait", "200ms"));
    struct answer answer;
    const char *id;

    kill(g.analyst, SIGSTOP);
    answer = stage_post(&g, "/api/classify?sync=true", "tiny.mp4");
    check_error(&g, &answer, 408);
    id = json_at(g.a, answer.body, "id");
    CHECK(id && id_is_valid(id));
    kill(g.analyst, SIGCONT);
    answer = result_wait(g.a, g.s.port, g.key, id ? id : "", 30);
    CHECK_STR(json_at(g.a, answer.body, "status.classify"), "done");
    CHECK_STR(json_at(g.a, answer.body, "id"), id);
    CHECK_INT(stage_close(&g), 0);
}

/* ---- room ---- */

static void queue_is_full(void)
{
    struct stage g = stage_open(ARGS("--analysts", "1", "--max-queued", "2"));
    char *ids[3];
    struct answer answer;

    kill(g.analyst, SIGSTOP);
    ids[0] = stage_submit(&g, "tiny.mp4");
    CHECK(stage_in_hand(&g, ids[0], "0")); /* no longer in the queue */
    ids[1] = stage_submit(&g, "tiny.mp4");
    ids[2] = stage_submit(&g, "tiny.mp4");
    answer = stage_post(&g, "/api/classify", "tiny.mp4");
    check_error(&g, &answer, 503);
    CHECK(answer_header(g.a, &answer, "Retry-After") != NULL);
    kill(g.analyst, SIGCONT);
    for (int i = 0; i < 3; i++) {
        answer = result_wait(g.a, g.s.port, g.key, ids[i], 30);
        CHECK_STR(json_at(g.a, answer.body, "status.classify"), "done");
    }
    check_good_clip(&g);
    CHECK_INT(stage_close(&g), 0);
}

/* A disk of 16 MB of our own; needs root. */
static bool mount_small(const char *base)
{
    return unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("tmpfs", base, "tmpfs", 0, "size=16m") == 0;
}

static void fill_disk(const char *path)
{
    static const char zeros[4096];
    CLEANUP(fd_closep) int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    while (write(fd, zeros, sizeof zeros) == sizeof zeros)
        ;
    while (write(fd, zeros, 1) == 1)
        ;
}

static struct bytes zeros_behind(struct arena *a, struct bytes clip, size_t more)
{
    uint8_t *all = arena_alloc(a, clip.len + more + 1);

    memcpy(all, clip.data, clip.len);
    return bytes_of(all, clip.len + more);
}

static void check_no_room(struct stage *g, const struct answer *answer)
{
    check_error(g, answer, 507);
    CHECK(!json_at(g->a, answer->body, "id"));
}

static void upload_larger_than_the_disk(struct stage *g)
{
    struct bytes large = zeros_behind(g->a, clip_load(g->a, "tiny.mp4"), 24 << 20);
    struct answer answer = post_clip(g->a, g->s.port, "/api/classify", g->key, "large.mp4", large, NULL);

    check_no_room(g, &answer);
    ROW("%s", "an upload larger than the disk");
    check_good_clip(g); /* what was written of it is gone */
}

static void upload_to_a_full_disk(struct stage *g, const char *filler)
{
    struct answer answer;

    fill_disk(filler);
    answer = stage_post(g, "/api/classify?sync=true", "person.mp4");
    check_no_room(g, &answer);
    ROW("%s", "an upload to a full disk");
    unlink(filler);
    check_good_clip(g);
}

/* The outcome of a job finds the disk full: it waits, and is not lost. */
static void outcome_to_a_full_disk(struct stage *g, const char *filler)
{
    struct answer answer;
    char *id;

    kill(g->analyst, SIGSTOP);
    id = stage_submit(g, "person.mp4");
    CHECK(stage_in_hand(g, id, "0"));
    fill_disk(filler);
    kill(g->analyst, SIGCONT);
    sleep(2);
    answer = stage_get(g, arena_printf(g->a, "/api/result/%s", id));
    CHECK_INT(answer.status, 200);
    unlink(filler);
    answer = result_wait(g->a, g->s.port, g->key, id, 30);
    CHECK_STR(json_at(g->a, answer.body, "status.classify"), "done");
    ROW("%s", "an outcome to a full disk");
    check_good_clip(g);
}

static void disk_is_full(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    char *base = folder_new(a), *filler = arena_printf(a, "%s/filler", base),
         *log = arena_printf(a, "%s/data.log", base);
    struct stage g;

    if (!mount_small(base)) {
        folder_remove(base);
        SKIP("a small disk cannot be mounted; that needs root");
    }
    g = stage_open_in(base, ARGS("--analysts", "1"));
    upload_larger_than_the_disk(&g);
    upload_to_a_full_disk(&g, filler);
    outcome_to_a_full_disk(&g, filler);
    if (!test_ok)
        printf("# %.2000s\n", (const char *)file_read(a, log).data);
    CHECK_INT(stage_close(&g), 0);
    umount2(base, MNT_DETACH);
    folder_remove(base);
}

/* ---- starts that must not be ---- */

static void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "we");

    if (!f || fputs(text, f) < 0 || fclose(f) != 0)
        abort();
}

/* Not started, and one sentence says why. */
static void check_refused(struct stage *g, const struct outcome *o, const char *word)
{
    const char *last = strstr(o->err, "assay: ");

    (void)g;
    CHECK(!o->late);
    CHECK_INT(o->status, 1);
    CHECK(last && strstr(last, word));
    CHECK(!last || strlen(last) > 30);
    if (o->late || o->status != 1 || !last || !strstr(last, word))
        printf("#   %.600s\n", o->err);
}

static void second_server_is_refused(void)
{
    struct stage g = stage_open(ARGS("--analysts", "1"));
    struct outcome o = stage_run(&g, ARGS("serve", "--listen", "127.0.0.1:0"));

    check_refused(&g, &o, "another assay server");
    o = stage_run(&g, ARGS("serve", "--listen", arena_printf(g.a, "127.0.0.1:%d", g.s.port)));
    CHECK_INT(o.status, 1);
    check_good_clip(&g);
    CHECK_INT(stage_close(&g), 0);
}

static void nonsense_stops_the_start(void)
{
    static const struct {
        const char *what, *option, *file, *text, *word;
    } rows[] = {
        {"a card that is no JSON", "--models", "bad.json", "{\"schema\": ", "bad.json"},
        {"a card of something else", "--models", "bad.json", "{\"schema\": \"x\"}", "bad.json"},
        {"a card without its model", "--models", "bad.card.json", NULL, "model file"},
        {"rules that are no JSON", "--rules", "rules.json", "{", "JSON"},
        {"low above high", "--rules", "rules.json",
         "{\"tenants\": {\"acme\": {\"low\": 0.9, \"high\": 0.1}}}", "acme"},
        {"no such rules", "--rules", "none.json", NULL, "none.json"},
        {"no such runtime", "--onnxruntime", "libnone.so", NULL, "libnone.so"},
    };
    struct stage g = stage_open(ARGS("--analysts", "1"));

    served_stop(&g.s);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *folder = folder_new(g.a), *path = arena_printf(g.a, "%s/%s", folder, rows[i].file);
        bool is_folder = text_is(rows[i].option, "--models");
        struct outcome o;
        if (rows[i].text)
            write_text(path, rows[i].text);
        else if (is_folder) /* our own card: the model is not beside it */
            write_text(path,
                       (const char *)file_read(
                           g.a, arena_printf(g.a, "%s/models/assay-detect-4.card.json", getenv("ASSAY_ROOT")))
                           .data);
        o = stage_run(&g,
                      ARGS("serve", "--listen", "127.0.0.1:0", rows[i].option, is_folder ? folder : path));
        check_refused(&g, &o, rows[i].word);
        ROW("%s", rows[i].what);
        folder_remove(folder);
    }
    served_start(&g.s, g.a, g.dir, NULL);
    check_good_clip(&g);
    CHECK_INT(stage_close(&g), 0);
}

/* ---- the end ---- */

struct late_answer {
    struct stage *g;
    struct arena *a;
    struct answer answer;
};

static void *post_late(void *arg)
{
    struct late_answer *l = arg;

    l->answer = post_clip(l->a, l->g->s.port, "/api/classify?sync=true", l->g->key, "long.mp4",
                          clip_load(l->a, "long.mp4"), NULL);
    return NULL;
}

static void wait_for_log(struct stage *g, const char *words)
{
    int64_t deadline = clock_mono_us() + 10000000;

    while (!strstr((const char *)file_read(g->a, g->s.log).data + g->s.log_from, words) &&
           clock_mono_us() < deadline)
        usleep(5000);
}

static void sigterm_lets_requests_finish(void)
{
    struct stage g = stage_open(ARGS("--analysts", "1"));
    struct late_answer l = {.g = &g, .a = arena_new()};
    pthread_t thread;
    int fd, status;

    kill(g.analyst, SIGSTOP);
    if (pthread_create(&thread, NULL, post_late, &l) != 0)
        abort();
    usleep(300000); /* the request is in; its job waits for the analyst */
    kill(g.s.pid, SIGTERM);
    wait_for_log(&g, "stopping");
    usleep(100000);
    fd = http_dial(g.s.port);
    CHECK_INT(fd, -1); /* nobody new */
    fd_closep(&fd);
    kill(g.analyst, SIGCONT);
    pthread_join(thread, NULL);
    CHECK_INT(l.answer.status, 200);
    CHECK_STR(json_at(l.a, l.answer.body, "status.classify"), "done");
    CHECK_STR(json_at(l.a, l.answer.body, "risk"), "intrusion");
    waitpid(g.s.pid, &status, 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    if (!test_ok)
        printf("# %s\n", (const char *)file_read(g.a, g.s.log).data + g.s.log_from);
    arena_free(l.a);
    folder_remove(g.base);
    arena_free(g.a);
}

/* A request that takes longer than the drain gets an answer that says so; its job goes on at the next start.
 */
static void drain_runs_out(void)
{
    struct stage g = stage_open(ARGS("--analysts", "1", "--drain", "300ms"));
    struct late_answer l = {.g = &g, .a = arena_new()};
    struct answer answer;
    pthread_t thread;
    char *waiting;

    kill(g.analyst, SIGSTOP);
    if (pthread_create(&thread, NULL, post_late, &l) != 0)
        abort();
    usleep(300000);
    waiting = stage_submit(&g, "tiny.mp4");
    CHECK_INT(served_stop(&g.s), 0);
    pthread_join(thread, NULL);
    CHECK(l.answer.status == 408 || l.answer.status == 503);
    CHECK_STR(json_at(l.a, l.answer.body, "success"), "false");
    served_start(&g.s, g.a, g.dir, NULL);
    answer = result_wait(g.a, g.s.port, g.key, waiting, 30); /* it was behind the long one */
    CHECK_STR(json_at(g.a, answer.body, "status.classify"), "done");
    answer = stage_get(&g, "/api/avconv/original/serve.v2/long.mp4");
    CHECK_INT(answer.status, 200);
    if (!test_ok)
        printf("# %d %s\n", l.answer.status, l.answer.status ? (const char *)l.answer.body.data : "");
    arena_free(l.a);
    CHECK_INT(stage_close(&g), 0);
}

/* ---- keys ---- */

static const char denied[] = "{\"success\":false,\"error\":\"no access to current endpoint, make sure you "
                             "are using correct API key\"}";

static void check_denied(const struct answer *answer)
{
    CHECK_INT(answer->status, 403);
    CHECK(answer->body.len == sizeof denied - 1 && memcmp(answer->body.data, denied, sizeof denied - 1) == 0);
}

static void key_is_revoked(void)
{
    struct stage g = stage_open(ARGS("--analysts", "1"));
    struct outcome o = stage_run(&g, ARGS("key", "list"));
    char *line = strchr(o.out, '\n'),
         *id = line ? arena_strndup(g.a, line + 1, ID_DIGITS) : arena_strdup(g.a, "");
    const char *next;
    struct answer answer = stage_get(&g, "/api/label");
    int64_t begun = clock_mono_us();

    CHECK_INT(answer.status, 200);
    CHECK(id_is_valid(id));
    o = stage_run(&g, ARGS("key", "revoke", id));
    CHECK_INT(o.status, 0);
    while ((answer = stage_get(&g, "/api/label")).status == 200 && clock_mono_us() - begun < 5000000)
        usleep(20000);
    check_denied(&answer);
    next = key_new(g.a, g.dir, "acme", NULL);
    answer = http_get(g.a, g.s.port, "/api/label", next);
    CHECK_INT(answer.status, 200); /* without a restart */
    answer = stage_get(&g, "/api/label");
    check_denied(&answer);
    CHECK_INT(stage_close(&g), 0);
}

static void key_is_wrong(void)
{
    static const char *const paths[] = {"/api/result/000000000000000000000000",
                                        "/api/label",
                                        "/api/video/annotate/000000000000000000000000",
                                        "/v1/result/zz",
                                        "/api/avconv/serve.v2/a.mp4",
                                        "/flow/labels/custom"};
    struct stage g = stage_open(ARGS("--analysts", "1"));
    struct answer answer =
        post_clip(g.a, g.s.port, "/api/classify", "ak_0000", "a.mp4", clip_load(g.a, "tiny.mp4"), NULL);

    check_denied(&answer);
    answer = post_clip(g.a, g.s.port, "/api/classify", NULL, "a.mp4", clip_load(g.a, "person.mp4"), NULL);
    check_denied(&answer);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        answer = http_get(g.a, g.s.port, paths[i], i % 2 ? NULL : "ak_no");
        check_denied(&answer);
        ROW("%s", paths[i]);
    }
    CHECK_INT(stage_close(&g), 0);
}

/* ---- nonsense ---- */

static struct answer post_with(struct stage *g, const char *metadata)
{
    return post_clip(g->a, g->s.port, "/api/classify", g->key, "a.mp4", clip_load(g->a, "tiny.mp4"),
                     metadata);
}

static void metadata_is_nonsense(void)
{
    static const char *const rows[] = {"{", "[]", "\"x\"", "nonsense", "{\"a\":1}x", "{\"analyse_id\":-1}"};
    struct stage g = stage_open(ARGS("--analysts", "1"));
    struct buf deep = BUF(1 << 20);
    struct answer answer;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        answer = post_with(&g, rows[i]);
        check_error(&g, &answer, 412);
        ROW("%s", rows[i]);
    }
    answer = post_with(&g, (const char *)clip_load(g.a, "big.json").data);
    check_error(&g, &answer, 412);
    for (int i = 0; i < 5000; i++)
        buf_str(&deep, "{\"a\":");
    buf_str(&deep, "1");
    for (int i = 0; i < 5000; i++)
        buf_str(&deep, "}");
    answer = post_with(&g, deep.data);
    check_error(&g, &answer, 412);
    buf_clear(&deep);
    check_good_clip(&g);
    CHECK_INT(stage_close(&g), 0);
}

/* POST /api/classify with that type and body. */
static struct answer post_body(struct stage *g, const char *type, const char *body)
{
    char *request = arena_printf(
        g->a,
        "POST /api/classify HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\n"
        "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
        g->key, type, strlen(body), body);

    return http_raw(g->a, g->s.port, bytes_of(request, strlen(request)));
}

static void form_is_nonsense(void)
{
    static const struct {
        const char *what, *type, *body;
        int status;
    } rows[] = {
        {"no form", "multipart/form-data; boundary=x", "hello", 412},
        {"an empty body", "multipart/form-data; boundary=x", "", 412},
        {"never closed", "multipart/form-data; boundary=x",
         "--x\r\nContent-Disposition: form-data; name=\"video\"\r\n\r\nabc", 412},
        {"no video", "multipart/form-data; boundary=x",
         "--x\r\nContent-Disposition: form-data; name=\"v\"\r\n\r\nabc\r\n--x--\r\n", 412},
        {"an empty video", "multipart/form-data; boundary=x",
         "--x\r\nContent-Disposition: form-data; name=\"video\"; filename=\"a\"\r\n\r\n\r\n--x--\r\n", 412},
        {"two videos", "multipart/form-data; boundary=x",
         "--x\r\nContent-Disposition: form-data; name=\"video\"\r\n\r\na\r\n--x\r\nContent-Disposition: "
         "form-data; name=\"video\"\r\n\r\nb\r\n--x--\r\n",
         412},
        {"a part without a name", "multipart/form-data; boundary=x",
         "--x\r\nContent-Type: a/b\r\n\r\na\r\n--x--\r\n", 412},
        {"no boundary", "multipart/form-data", "--x--\r\n", 412},
        {"JSON", "application/json", "{}", 415},
        {"an urlencoded form", "application/x-www-form-urlencoded", "video=a", 415},
    };
    struct stage g = stage_open(ARGS("--analysts", "1"));

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct answer answer = post_body(&g, rows[i].type, rows[i].body);
        check_error(&g, &answer, rows[i].status);
        ROW("%s", rows[i].what);
    }
    check_good_clip(&g);
    CHECK_INT(stage_close(&g), 0);
}

static void upload_is_too_large(void)
{
    struct stage g = stage_open(ARGS("--analysts", "1", "--max-upload", "1M"));
    struct bytes most =
        zeros_behind(g.a, clip_load(g.a, "tiny.mp4"), (1 << 20) - clip_load(g.a, "tiny.mp4").len);
    struct bytes more = zeros_behind(g.a, most, 1);
    struct answer answer = stage_post(&g, "/api/classify", "huge.bin");

    check_error(&g, &answer, 413); /* by its Content-Length */
    answer = post_clip(g.a, g.s.port, "/api/classify", g.key, "a.mp4", more, NULL);
    check_error(&g, &answer, 413); /* by one byte */
    answer = post_clip(g.a, g.s.port, "/api/classify?sync=1", g.key, "a.mp4", most, NULL);
    CHECK_INT(answer.status, 200);
    CHECK_STR(json_at(g.a, answer.body, "status.classify"), "done");
    CHECK_INT(stage_close(&g), 0);
}

/* The same without a Content-Length: it is noticed on the way. */
static void endless_upload_is_cut_off(void)
{
    enum { CHUNK = 1 << 16 };
    struct stage g = stage_open(ARGS("--analysts", "1", "--max-upload", "1M"));
    CLEANUP(fd_closep) int fd = http_dial(g.s.port);
    char *head = arena_printf(
        g.a,
        "POST /api/classify HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\nTransfer-Encoding: chunked\r\n\r\n"
        "44\r\n--x\r\nContent-Disposition: form-data; name=\"video\"; filename=\"a\"\r\n\r\n\r\n",
        g.key);
    char *chunk = arena_alloc(g.a, CHUNK + 32);
    struct answer answer;
    size_t sent = 0;

    CHECK(http_send(fd, bytes_of(head, strlen(head))));
    memcpy(chunk, "10000\r\n", 7);
    memset(chunk + 7, 'v', CHUNK);
    memcpy(chunk + 7 + CHUNK, "\r\n", 2);
    while (sent < (size_t)64 << 20 && http_send(fd, bytes_of(chunk, CHUNK + 9)))
        sent += CHUNK;
    CHECK(sent < (size_t)16 << 20); /* not swallowed for ever */
    answer = http_receive(g.a, fd);
    CHECK(answer.status == 413 || answer.status == 0); /* 0: reset while we were sending */
    check_good_clip(&g);
    CHECK_INT(stage_close(&g), 0);
}

static void ids_that_are_none(void)
{
    struct stage g = stage_open(ARGS("--analysts", "1"));
    const char *other = key_new(g.a, g.dir, "other", NULL);
    char *id = stage_submit(&g, "tiny.mp4");
    struct answer answer;
    static const char *const malformed[] = {"zz", "00000000000000000000000", "0000000000000000000000000",
                                            "00000000000000000000000g", "..%2f..%2fx"};

    result_wait(g.a, g.s.port, g.key, id, 30);
    answer = http_get(g.a, g.s.port, arena_printf(g.a, "/api/result/%s", id), other);
    check_error(&g, &answer, 404); /* another tenant's, as if it were not there */
    answer = stage_get(&g, "/api/result/000000000000000000000000");
    check_error(&g, &answer, 404);
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        answer = stage_get(&g, arena_printf(g.a, "/api/result/%s", malformed[i]));
        check_error(&g, &answer, strchr(malformed[i], '%') ? 404 : 400);
        ROW("%s", malformed[i]);
    }
    CHECK_INT(stage_close(&g), 0);
}

int main(void)
{
    RUN(deadline_passes);
    RUN(analyst_hangs);
    RUN(sync_wait_runs_out);
    RUN(queue_is_full);
    RUN(second_server_is_refused);
    RUN(nonsense_stops_the_start);
    RUN(sigterm_lets_requests_finish);
    RUN(drain_runs_out);
    RUN(key_is_revoked);
    RUN(key_is_wrong);
    RUN(metadata_is_nonsense);
    RUN(form_is_nonsense);
    RUN(upload_is_too_large);
    RUN(endless_upload_is_cut_off);
    RUN(ids_that_are_none);
    RUN(disk_is_full); /* last: it leaves the file systems which others see */
    return test_end();
}
