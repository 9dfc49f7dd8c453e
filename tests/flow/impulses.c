/* assay impulse: a model that somebody has becomes an impulse, recordings go through it, and it is served as
 * an .eim program. With real models and gestures; skipped without them. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "stage.h"
#include "test.h"

enum { PATIENCE_S = 60 };

struct bench {
    struct arena *a;
    char *base, *data;
};

static const char *shared_file(struct arena *a, const char *name)
{
    const char *shared = getenv("ASSAY_SHARED");
    const char *path = shared ? arena_printf(a, "%s/data/%s", shared, name) : "";

    return access(path, R_OK) == 0 ? path : NULL;
}

static struct bench bench_open(void)
{
    struct bench b = {.a = arena_new()};

    b.base = folder_new(b.a);
    b.data = arena_printf(b.a, "%s/data", b.base);
    return b;
}

static void bench_close(struct bench *b)
{
    folder_remove(b->base);
    b->a = arena_free(b->a);
}

/* `assay impulse WORDS... --data DIR` */
#define IMPULSE(b, ...)                                                                             \
    assay_outcome((b)->a, (const char *const[]){"impulse", __VA_ARGS__, "--data", (b)->data, NULL}, \
                  PATIENCE_S)

static struct outcome import_gestures(struct bench *b, const char *model)
{
    return IMPULSE(b, "import", model, "--labels", "idle,snake,updown,wave", "--axes", "accX,accY,accZ",
                   "--window", "2s", "--step", "192ms", "--frequency", "62.5");
}

static void brought_and_run(void)
{
    struct bench b = bench_open();
    const char *model = shared_file(b.a, "impulses/gestures-i8.lite");
    const char *wave = shared_file(b.a, "sensor/gestures-cbor/testing/wave.0.cbor");
    const char *idle = shared_file(b.a, "sensor/gestures-cbor/testing/idle.0.cbor");
    struct outcome o;

    if (!model || !wave || !idle) {
        bench_close(&b);
        SKIP("no models and recordings");
    }
    o = import_gestures(&b, model);
    CHECK_INT(o.status, 0);
    CHECK_STR(o.out, "impulse 1 of project 1\n");
    o = IMPULSE(&b, "list");
    CHECK(strstr(o.out, "gestures-i8.lite") && strstr(o.out, "ready, standard"));
    o = IMPULSE(&b, "show");
    CHECK(strstr(o.out, "windows of 2000 ms, every 192 ms, at 62.5 Hz") &&
          strstr(o.out, "idle snake updown wave"));
    o = IMPULSE(&b, "run", wave, idle);
    CHECK_INT(o.status, 0);
    CHECK(strstr(o.out, "Classifier: 42 wave\n") && strstr(o.out, "Classifier: 42 idle\n"));
    o = IMPULSE(&b, "run", "--json", wave);
    CHECK(strstr(o.out, "\"nwindows\"") || strstr(o.out, "\"windows\""));
    bench_close(&b);
}

static void what_cannot_be(void)
{
    struct bench b = bench_open();
    char *text = arena_printf(b.a, "%s/notes.txt", b.base);
    FILE *f = fopen(text, "we");
    struct outcome o;

    CHECK(f && fputs("hello\nthere\n", f) >= 0 && fclose(f) == 0);
    o = IMPULSE(&b, "import", text);
    CHECK_INT(o.status, 1);
    CHECK(strstr(o.err, "cannot be imported") || strstr(o.err, "can be imported"));
    o = IMPULSE(&b, "run", text);
    CHECK_INT(o.status, 1);
    CHECK(strstr(o.err, "no impulse") != NULL);
    CHECK_INT(IMPULSE(&b, "run").status, 2);
    CHECK_INT(IMPULSE(&b, "frobnicate").status, 2);
    o = IMPULSE(&b, "run", "--eim", "x.eim", text);
    CHECK(o.status == 1 && strstr(o.err, "--eim-dir"));
    bench_close(&b);
}

/* ---- through .eim programs ---- */

static const char program[] =
    "#!/usr/bin/python3\n"
    "import json, socket, sys\n"
    "s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(1); c, _ = s.accept()\n"
    "def ask():\n"
    "    text = ''\n"
    "    while True:\n"
    "        piece = c.recv(65536)\n"
    "        if not piece: sys.exit(0)\n"
    "        text += piece.decode()\n"
    "        try: return json.loads(text)\n"
    "        except ValueError: pass\n"
    "def say(o, **more): c.send((json.dumps(dict(id=o['id'], success=True, **more)) + '\\n\\0').encode())\n"
    "say(ask(), project=dict(id=1, name='p', owner='o', deploy_version=1), model_parameters=dict(\n"
    "    input_features_count=6, sensor=2, frequency=10, interval_ms=100, axis_count=2, label_count=2, "
    "has_anomaly=0,\n"
    "    labels=['low', 'high'], model_type='classification', slice_size=0, image_input_width=0, "
    "image_input_height=0,\n"
    "    image_channel_count=0))\n"
    "while True:\n"
    "    o = ask(); high = float(sum(o['classify'][1::2]) > 3)\n"
    "    say(o, result=dict(classification=dict(low=1 - high, high=high)), timing=dict(dsp=0, "
    "classification=0, anomaly=0))\n";

static void write_file(const char *path, const char *text, mode_t mode)
{
    FILE *f = fopen(path, "we");

    CHECK(f && fputs(text, f) >= 0 && fclose(f) == 0 && chmod(path, mode) == 0);
}

static struct answer post(struct stage *g, const char *path, const char *body)
{
    const char *text =
        arena_printf(g->a,
                     "POST %s HTTP/1.1\r\nHost: localhost\r\nX-API-Key: %s\r\nConnection: close\r\n"
                     "x-file-name: low.1.csv\r\nContent-Length: %zu\r\n\r\n%s",
                     path, g->key, strlen(body), body);

    return http_raw(g->a, g->s.port, bytes_of(text, strlen(text)));
}

static bool says(const struct answer *a, const char *words)
{
    return a->body.data && strstr((const char *)a->body.data, words);
}

/* A recording whose second axis rises: low at first, then high. */
static void programs_judge(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *folder = folder_new(a), *slow = arena_printf(a, "%s/slow.eim", folder);
    struct answer answer;
    struct stage g;

    CHECK(chmod(folder, 0755) == 0);
    write_file(arena_printf(a, "%s/good.eim", folder), program, 0755);
    write_file(slow, "#!/bin/sh\nsleep 60\n", 0755);
    g = stage_open(geteuid() == 0 ? ARGS("--analysts", "1", "--eim-dir", folder, "--eim-user", "nobody",
                                         "--eim-start", "2s")
                                  : ARGS("--analysts", "1", "--eim-dir", folder, "--eim-start", "2s"));
    post(&g, "/api/testing/data", "timestamp,x,y\n0,1,0\n100,1,0\n200,1,1\n300,1,1\n400,1,2\n500,1,2\n");
    answer = post(&g, "/v1/api/1/impulse/eim", "{\"program\":\"good.eim\",\"axes\":[\"x\"]}");
    CHECK(says(&answer, "\"success\":false") && says(&answer, "name the 2 axes"));
    answer = post(&g, "/v1/api/1/impulse/eim",
                  "{\"program\":\"good.eim\",\"axes\":[\"x\",\"y\"],\"windowIncreaseMs\":300}");
    CHECK(says(&answer, "\"success\":true"));
    answer = post(&g, "/v1/api/1/classify/v2/1", "");
    CHECK(says(&answer, "\"result\":[{\"low\":1,\"high\":0},{\"low\":0,\"high\":1}]"));
    answer = post(&g, "/v1/api/1/impulse/eim", "{\"program\":\"slow.eim\",\"axes\":[\"x\"]}");
    CHECK(says(&answer, "slow.eim: it did not open its socket in time"));
    answer = post(&g, "/v1/api/1/jobs/classify", "{}");
    CHECK(says(&answer, "only single recordings"));
    CHECK_INT(stage_close(&g), 0);
    g = stage_open(ARGS("--analysts", "1"));
    CHECK_INT(stage_get(&g, "/v1/api/projects").status, 200); /* makes the first one */
    answer = post(&g, "/v1/api/1/impulse/eim", "{\"program\":\"good.eim\",\"axes\":[\"x\",\"y\"]}");
    CHECK(says(&answer, "--eim-dir"));
    CHECK_INT(stage_close(&g), 0);
    folder_remove(folder);
}

/* ---- as an .eim program ---- */

static int dial(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = -1;

    text_copy(to.sun_path, sizeof to.sun_path, path);
    for (int i = 0; i < PATIENCE_S * 50; i++) {
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
            return fd;
        fd_closep(&fd);
        usleep(20000);
    }
    return -1;
}

/* Up to the NUL; NULL: it has closed. */
static const char *say(struct bench *b, int fd, const char *message)
{
    enum { MOST = 1 << 16 };
    char *answer = arena_alloc(b->a, MOST);
    size_t n = 0;

    if (write(fd, message, strlen(message)) != (ssize_t)strlen(message))
        return NULL;
    while (n < MOST - 1 && read(fd, answer + n, 1) == 1 && answer[n])
        n++;
    return n ? answer : NULL;
}

static pid_t serve(struct bench *b, const char *socket_path)
{
    pid_t pid = fork();

    if (pid == 0) {
        if (!freopen("/dev/null", "w", stdout)) /* which is the test's report */
            _exit(127);
        execl(harness_program(), "assay", "impulse", "serve-eim", socket_path, "--data", b->data,
              (char *)NULL);
        _exit(127);
    }
    return pid;
}

static const char *classify_message(struct bench *b, size_t n)
{
    struct buf text = BUF(1 << 16);
    const char *copy;

    buf_str(&text, "{\"classify\":[");
    for (size_t i = 0; i < n; i++)
        buf_printf(&text, "%s%d", i ? "," : "", (int)(i % 3));
    buf_str(&text, "],\"id\":2}");
    copy = arena_strdup(b->a, text.data);
    buf_clear(&text);
    return copy;
}

static void served_as_eim(void)
{
    struct bench b = bench_open();
    const char *model = shared_file(b.a, "impulses/gestures-i8.lite"), *answer;
    char *path = arena_printf(b.a, "%s/g.sock", b.base);
    int fd = -1, status = -1;
    pid_t pid;

    if (!model) {
        bench_close(&b);
        SKIP("no models");
    }
    CHECK_INT(import_gestures(&b, model).status, 0);
    pid = serve(&b, path);
    fd = dial(path);
    answer = fd >= 0 ? say(&b, fd, "{\"hello\":1,\"id\":1}") : NULL;
    CHECK(answer && strstr(answer, "\"input_features_count\":375") && strstr(answer, "\"updown\""));
    answer = fd >= 0 ? say(&b, fd, classify_message(&b, 375)) : NULL;
    CHECK(answer && strstr(answer, "\"success\":true") && strstr(answer, "\"classification\":{\"idle\""));
    answer = fd >= 0 ? say(&b, fd, classify_message(&b, 7)) : NULL;
    CHECK(answer && strstr(answer, "\"success\":false") && strstr(answer, "375"));
    fd_closep(&fd);
    kill(pid, SIGTERM);
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(access(path, F_OK) != 0);
    bench_close(&b);
}

int main(void)
{
    RUN(brought_and_run);
    RUN(what_cannot_be);
    RUN(programs_judge);
    RUN(served_as_eim);
    return test_end();
}
