/* Models one pull away: from an address that breaks off, lies and redirects, through a proxy, out of a
 * folder; nothing is installed but what the catalogue promises. */
#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "base/text.h"
#include "harness.h"
#include "test.h"

enum { SECONDS = 100, BREAK_AT = 200000 };

#define RUN_ASSAY(...) assay_outcome(arena, (const char *const[]){__VA_ARGS__, NULL}, SECONDS)

static struct arena *arena;
static char *base;

static char *inside(const char *name)
{
    return arena_printf(arena, "%s/%s", base, name);
}

static char *root_file(const char *name)
{
    const char *root = getenv("ASSAY_ROOT");

    return arena_printf(arena, "%s/%s", root ? root : ".", name);
}

static void write_file(const char *path, struct bytes b)
{
    FILE *f = fopen(path, "we");

    if (!f || fwrite(b.data, 1, b.len, f) != b.len || fclose(f) != 0)
        abort();
}

static void write_text(const char *path, const char *text)
{
    write_file(path, bytes_of(text, strlen(text)));
}

/* ---- a server of weights; one connection at a time ---- */

/* What the part of the path before the file's name does. */
struct manner {
    const char *path;
    bool ranges;      /* it knows them */
    int breaks;       /* so many answers break off at BREAK_AT */
    const char *to;   /* redirected */
    int status;       /* 0 = 200 */
    long missing;     /* bytes at the end that it never had */
    bool other;       /* one byte is another */
    bool unannounced; /* no Content-Length */
};
static struct manner manners[] = {
    {.path = "/good/", .ranges = true},
    {.path = "/breaks/", .ranges = true, .breaks = 1},
    {.path = "/whole/", .ranges = false, .breaks = 1},
    {.path = "/never/", .ranges = true, .breaks = 1000000, .unannounced = true},
    {.path = "/moved/", .to = "/good/"},
    {.path = "/gone/", .status = 404},
    {.path = "/short/", .missing = 1000},
    {.path = "/shortly/", .missing = 1000, .unannounced = true},
    {.path = "/other/", .ranges = true, .other = true},
};

static struct {
    int fd, port, requests, ranges, proxied;
    struct bytes file;
    pthread_t thread;
} server;

static void say(int fd, const void *data, size_t n)
{
    const char *at = data;

    for (ssize_t k; n > 0; at += k, n -= (size_t)k)
        if ((k = send(fd, at, n, MSG_NOSIGNAL)) <= 0)
            return;
}

static void say_head(int fd, const struct manner *m, long from, long size)
{
    char head[512];
    int n = snprintf(head, sizeof head, "HTTP/1.1 %d x\r\nConnection: close\r\n",
                     m->status ? m->status
                     : m->to   ? 302
                     : from    ? 206
                               : 200);

    if (m->to)
        n += snprintf(head + n, sizeof head - (size_t)n, "Location: %sweights.onnx\r\n", m->to);
    if (from)
        n += snprintf(head + n, sizeof head - (size_t)n, "Content-Range: bytes %ld-%ld/%ld\r\n", from,
                      size - 1, size);
    if (!m->unannounced)
        n += snprintf(head + n, sizeof head - (size_t)n, "Content-Length: %ld\r\n",
                      m->to || m->status ? 0 : size - from);
    snprintf(head + n, sizeof head - (size_t)n, "\r\n");
    say(fd, head, strlen(head));
}

static void answer(int fd, struct manner *m, long from)
{
    long size = (long)server.file.len - m->missing;
    uint8_t *copy = malloc(server.file.len);
    bool breaks = m->breaks > 0;
    long to = breaks ? BREAK_AT : size;

    memcpy(copy, server.file.data, server.file.len);
    copy[0] ^= m->other;
    from = m->ranges ? from : 0;
    say_head(fd, m, from, size);
    m->breaks -= breaks;
    if (!m->to && !m->status)
        say(fd, copy + from, to > from ? (size_t)(to - from) : 0);
    free(copy);
}

static void serve(int fd)
{
    char head[4096] = "";
    const char *range, *path;
    size_t len = 0;

    while (!strstr(head, "\r\n\r\n") && len < sizeof head - 1) {
        ssize_t n = read(fd, head + len, sizeof head - 1 - len);
        if (n <= 0)
            return;
        len += (size_t)n;
        head[len] = '\0';
    }
    range = strcasestr(head, "\r\nRange: bytes=");
    server.requests++;
    server.ranges += range != NULL;
    server.proxied += strncmp(head, "GET http://", 11) == 0;
    path = strstr(head, "://") ? strchr(strstr(head, "://") + 3, '/') : strchr(head, '/');
    for (size_t i = 0; path && i < COUNT_OF(manners); i++)
        if (text_starts(path, manners[i].path))
            answer(fd, &manners[i], range ? atol(range + 15) : 0);
}

static void *server_main(void *arg)
{
    int fd;

    while ((fd = accept(server.fd, NULL, NULL)) >= 0) {
        serve(fd);
        shutdown(fd, SHUT_WR);
        close(fd);
    }
    return arg;
}

static void server_open(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;

    server.file = file_read(arena, root_file("models/assay-detect-4.onnx"));
    server.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(server.fd, (struct sockaddr *)&at, sizeof at) < 0 || listen(server.fd, 64) < 0 ||
        getsockname(server.fd, (struct sockaddr *)&at, &len) < 0 ||
        pthread_create(&server.thread, NULL, server_main, NULL) != 0)
        abort();
    server.port = ntohs(at.sin_port);
}

static void server_close(void)
{
    shutdown(server.fd, SHUT_RDWR);
    pthread_join(server.thread, NULL);
    close(server.fd);
}

/* ---- a catalogue ---- */

static char *replaced(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);

    if (!at)
        abort();
    return arena_printf(arena, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

/* The built-in detector under another name, at that address. */
static char *make_catalogue(const char *folder, const char *url)
{
    const char *card = (const char *)file_read(arena, root_file("models/assay-detect-4.card.json")).data;
    char sum[HASH_HEX];

    hash_hex(server.file, sum);
    mkdir(inside(folder), 0700);
    card = replaced(card, "\"assay-detect\"", "\"street\"");
    card = replaced(card, "assay-detect-4.onnx", "weights.onnx");
    write_text(inside(arena_printf(arena, "%s/street.json", folder)), card);
    write_text(
        inside(arena_printf(arena, "%s/catalogue.json", folder)),
        arena_printf(arena,
                     "{\"schema\": \"assay.catalogue/1\", \"models\": [{\"name\": \"street\", \"task\": "
                     "\"detect\", \"card\": \"street.json\", \"file\": \"weights.onnx\", \"size\": %zu, "
                     "\"sha256\": \"%s\", \"licence\": \"Apache-2.0\", \"url\": \"%s\"}]}",
                     server.file.len, sum, url));
    return inside(arena_printf(arena, "%s/catalogue.json", folder));
}

static char *address(const char *path)
{
    return arena_printf(arena, "http://127.0.0.1:%d%s", server.port, path);
}

static bool is_installed(const char *data)
{
    char sum[HASH_HEX] = "", wanted[HASH_HEX];
    char *path = arena_printf(arena, "%s/models/weights.onnx", data);

    hash_hex(server.file, wanted);
    if (access(arena_printf(arena, "%s/models/street.json", data), F_OK) < 0 || access(path, F_OK) < 0)
        return false;
    hash_hex(file_read(arena, path), sum);
    return text_is(sum, wanted);
}

/* How many files and folders are in the models folder. */
static int left_there(const char *data)
{
    DIR *d = opendir(arena_printf(arena, "%s/models", data));
    int n = -2;

    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n;
}

/* ---- tests ---- */

static const struct {
    const char *what, *path;
    bool fine;
    const char *says; /* on stderr, when it is refused */
    int left;         /* in the models folder */
    int ranges;       /* requests for the rest of it */
} rows[] = {
    {"as it should be", "/good/weights.onnx", true, "", 2, 0},
    {"redirected", "/moved/weights.onnx", true, "", 2, 0},
    {"breaks off once", "/breaks/weights.onnx", true, "", 2, 1},
    {"breaks off, and knows no ranges", "/whole/weights.onnx", true, "", 2, 1},
    {"never comes further", "/never/weights.onnx", false, "broke off after 200000 of", 1, 1},
    {"not there", "/gone/weights.onnx", false, "answered 404", 0, 0},
    {"too short, as it says itself", "/short/weights.onnx", false, "not the", 0, 0},
    {"too short, without a word", "/shortly/weights.onnx", false, "broke off after", 1, 1},
    {"another file of that size", "/other/weights.onnx", false, "is another file", 0, 0},
    {"no server", NULL, false, "takes no connection", 0, 0},
};

static void what_the_catalogue_promises_is_installed(void)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *url = rows[i].path ? address(rows[i].path) : "http://127.0.0.1:1/weights.onnx";
        char *catalogue = make_catalogue("catalogue", url);
        char *data = inside(arena_printf(arena, "data-%zu", i));
        int before = server.ranges;
        struct outcome o = RUN_ASSAY("model", "pull", "street", "--catalogue", catalogue, "--data", data);

        CHECK_INT(o.status, rows[i].fine ? 0 : 1);
        CHECK(strstr(o.err, rows[i].says));
        CHECK_INT(is_installed(data), rows[i].fine);
        CHECK_INT(left_there(data), rows[i].left);
        CHECK(rows[i].ranges ? server.ranges > before : server.ranges == before);
        if (!test_ok)
            printf("#   out: %s#   err: %s", o.out, o.err);
        ROW("%s", rows[i].what);
    }
}

/* The first command ends in the middle; the second goes on there. */
static void a_broken_download_goes_on_the_next_time(void)
{
    char *data = inside("resumed"), *there = arena_printf(arena, "%s/models/.pull/weights.onnx", data);
    char *catalogue = make_catalogue("catalogue", address("/never/weights.onnx"));
    struct outcome o = RUN_ASSAY("model", "pull", "street", "--catalogue", catalogue, "--data", data);
    struct stat st = {0};

    CHECK_INT(o.status, 1);
    CHECK(strstr(o.err, "the same command goes on there"));
    CHECK(stat(there, &st) == 0 && st.st_size == BREAK_AT);
    catalogue = make_catalogue("catalogue", address("/good/weights.onnx"));
    o = RUN_ASSAY("model", "pull", "street", "--catalogue", catalogue, "--data", data);
    CHECK_INT(o.status, 0);
    CHECK(is_installed(data));
    CHECK_INT(left_there(data), 2);
    o = RUN_ASSAY("model", "pull", "street", "--catalogue", catalogue, "--data", data);
    CHECK(o.status == 0 && strstr(o.out, "installed already"));
}

/* What lies there is the beginning of another file. */
static void a_wrong_beginning_is_thrown_away(void)
{
    char *data = inside("wrong");
    char *catalogue = make_catalogue("catalogue", address("/good/weights.onnx"));
    struct outcome o;

    mkdir(data, 0700);
    mkdir(arena_printf(arena, "%s/models", data), 0700);
    mkdir(arena_printf(arena, "%s/models/.pull", data), 0700);
    write_text(arena_printf(arena, "%s/models/.pull/weights.onnx", data), "something else");
    o = RUN_ASSAY("model", "pull", "street", "--catalogue", catalogue, "--data", data);
    CHECK_INT(o.status, 0);
    CHECK(is_installed(data));
}

static void a_proxy_is_asked(void)
{
    char *catalogue = make_catalogue("catalogue", "http://models.invalid/good/weights.onnx");
    char *data = inside("proxied");
    int before = server.proxied;
    struct outcome o;

    setenv("HTTP_PROXY", address(""), 1);
    o = RUN_ASSAY("model", "pull", "street", "--catalogue", catalogue, "--data", data);
    unsetenv("HTTP_PROXY");
    CHECK_INT(o.status, 0);
    CHECK(is_installed(data));
    CHECK_INT(server.proxied, before + 1);
}

static void a_mirror_is_a_folder_or_an_address(void)
{
    char *catalogue = make_catalogue("catalogue", "http://127.0.0.1:1/elsewhere.onnx");
    struct outcome o = RUN_ASSAY("model", "pull", "street", "--catalogue", catalogue, "--data", inside("m1"),
                                 "--from", address("/good"));

    CHECK_INT(o.status, 0);
    CHECK(is_installed(inside("m1")));
    o = RUN_ASSAY("model", "pull", "--all", "--catalogue", catalogue, "--data", inside("m2"), "--from",
                  inside("m1/models"));
    CHECK_INT(o.status, 0);
    CHECK(is_installed(inside("m2")));
    o = RUN_ASSAY("model", "pull", "street", "--catalogue", catalogue, "--data", inside("m3"), "--from",
                  base);
    CHECK(o.status == 1 && strstr(o.err, "there is no weights.onnx in"));
    mkdir(inside("mirror"), 0700);
    mkdir(inside("mirror/sub"), 0700);
    write_file(inside("mirror/sub/weights.onnx"), bytes_of(server.file.data, server.file.len - 1));
    o = RUN_ASSAY("model", "pull", "street", "--catalogue", catalogue, "--data", inside("m3"), "--from",
                  inside("mirror"));
    CHECK(o.status == 1 && strstr(o.err, "not the"));
    CHECK_INT(left_there(inside("m3")), 0);
}

static void what_was_pulled_judges_and_is_removed(void)
{
    const char *clips = getenv("ASSAY_CLIPS");
    char *data = inside("m1");
    struct outcome o = RUN_ASSAY("check", "--json", "--data", data,
                                 arena_printf(arena, "%s/person.mp4", clips ? clips : "build/clips"));

    CHECK_INT(o.status, 20);
    CHECK(strstr(o.out, "\"street\""));
    o = RUN_ASSAY("model", "verify", "street", "--data", data);
    CHECK(o.status == 0 && strstr(o.out, "street"));
    write_text(arena_printf(arena, "%s/models/weights.onnx", data), "something else");
    o = RUN_ASSAY("model", "verify", "--data", data);
    CHECK(o.status == 1 && strstr(o.out, "BAD"));
    o = RUN_ASSAY("model", "pull", "street", "--data", data, "--catalogue",
                  inside("catalogue/catalogue.json"));
    CHECK(o.status == 1 && strstr(o.err, "assay model remove street"));
    o = RUN_ASSAY("model", "remove", "street", "--data", data);
    CHECK_INT(o.status, 0);
    CHECK_INT(left_there(data), 0);
    o = RUN_ASSAY("model", "remove", "street", "--data", data);
    CHECK(o.status == 1 && strstr(o.err, "no model 'street' is installed"));
}

static char *copied(const char *folder, const char *clip)
{
    const char *clips = getenv("ASSAY_CLIPS");
    char *to = arena_printf(arena, "%s/%s/%s", base, folder, clip);

    write_file(to, file_read(arena, arena_printf(arena, "%s/%s", clips ? clips : "build/clips", clip)));
    return to;
}

/* Two clips whose truth is known, one that is none. */
static void a_folder_is_evaluated(void)
{
    static const char *const folders[] = {"truth", "truth/person", "truth/nothing"};
    struct outcome o;
    struct bytes json, page;

    for (size_t i = 0; i < COUNT_OF(folders); i++)
        mkdir(inside(folders[i]), 0700);
    copied("truth/person", "person.mp4");
    copied("truth/nothing", "empty.mp4");
    copied("truth/nothing", "zero.bin");
    o = RUN_ASSAY("model", "eval", "--data", inside("truth"), "--html", inside("truth.html"));
    CHECK_INT(o.status, 0);
    CHECK(strstr(o.out, "person") && strstr(o.out, "1.000") && strstr(o.out, "assay-detect"));
    CHECK(strstr(o.out, "3, of which 2 were judged"));
    page = file_read(arena, inside("truth.html"));
    CHECK(strstr((const char *)page.data, "<polyline") && !strstr((const char *)page.data, "<script"));
    o = RUN_ASSAY("model", "eval", inside("truth"), "--json", "--data", inside("none"), "--model",
                  "assay-detect");
    CHECK_INT(o.status, 0);
    json = bytes_of(o.out, strlen(o.out));
    CHECK_STR(json_at(arena, json, "judged"), "2");
    CHECK_STR(json_at(arena, json, "not_judged"), "1");
    CHECK_STR(json_at(arena, json, "confusion.person.person"), "1");
    CHECK_STR(json_at(arena, json, "confusion.nothing.nothing"), "1");
    o = RUN_ASSAY("model", "eval", inside("truth"), "--pipeline", "taste");
    CHECK(o.status == 1 && strstr(o.err, "pipeline must be"));
    o = RUN_ASSAY("model", "eval", inside("nowhere"));
    CHECK(o.status == 1 && strstr(o.err, "cannot read the folder"));
    o = RUN_ASSAY("model", "eval", inside("truth"), "--model", "yunet");
    CHECK(o.status == 1 && strstr(o.err, "assay model pull yunet"));
    o = RUN_ASSAY("model", "eval", inside("truth"), "--pipeline", "tags");
    CHECK(o.status == 1 && strstr(o.err, "none of the 3 files could be judged"));
}

/* Two cards of one name in a folder: the figures are those of the one that was asked for, or there are none.
 */
static void the_card_that_is_asked_for_is_evaluated(void)
{
    const char *card = (const char *)file_read(arena, root_file("models/assay-detect-4.card.json")).data;
    int refused = 0, judged = 0;

    mkdir(inside("twins"), 0700);
    write_file(inside("twins/assay-detect-4.onnx"),
               file_read(arena, root_file("models/assay-detect-4.onnx")));
    for (int i = 0; i < 2; i++)
        write_text(inside(i ? "twins/b.json" : "twins/a.json"),
                   i ? card : replaced(card, "\"nms_iou\": 0.45", "\"nms_iou\": 0.4"));
    for (int i = 0; i < 2; i++) {
        struct outcome o = RUN_ASSAY("model", "eval", inside("truth"), "--no-variants", "--model",
                                     inside(i ? "twins/b.json" : "twins/a.json"));
        refused += o.status == 1 && strstr(o.err, "another card of its name");
        judged += o.status == 0;
    }
    CHECK_INT(refused, 1);
    CHECK_INT(judged, 1);
}

static void the_cost_of_a_model_is_told(void)
{
    char *onnx = root_file("models/assay-detect-4.onnx");
    struct outcome o = RUN_ASSAY("model", "bench", "assay-detect", "--runs", "3", "--data", inside("none"));

    CHECK(o.status == 0 && strstr(o.out, "assay-detect"));
    o = RUN_ASSAY("model", "bench", onnx, "--runs", "3", "--json");
    CHECK_INT(o.status, 0);
    CHECK_STR(json_at(arena, bytes_of(o.out, strlen(o.out)), "runs"), "3");
    o = RUN_ASSAY("model", "bench", "assay-spectrum", "--data", inside("none"));
    CHECK(o.status == 1 && strstr(o.err, "no network"));
    write_text(inside("bad.onnx"), "this is no model");
    o = RUN_ASSAY("model", "bench", inside("bad.onnx"));
    CHECK(o.status == 1 && strstr(o.err, "cannot be loaded"));
}

/* Looked into, tried, and the card that is proposed is one. */
static void a_file_without_a_card_is_looked_into(void)
{
    char *onnx = inside("street.onnx");
    struct outcome o;

    write_file(onnx, server.file);
    o = RUN_ASSAY("model", "add", onnx, "--runs", "3", "--data", inside("none"));
    CHECK_INT(o.status, 0);
    CHECK(strstr(o.out, "task      detect") && strstr(o.out, "with the card below:") &&
          strstr(o.out, "to be filled in"));
    o = RUN_ASSAY("model", "add", onnx, "--runs", "1", "--card", "--data", inside("none"));
    CHECK_INT(o.status, 0);
    o = RUN_ASSAY("model", "add", inside("street.json"), "--data", inside("added"));
    CHECK_INT(o.status, 0);
    o = RUN_ASSAY("model", "add", onnx, "--runs", "1", "--card", "--data", inside("none"));
    CHECK(o.status == 1 && strstr(o.err, "cannot write"));
    write_text(inside("bad.onnx"), "this is no model");
    o = RUN_ASSAY("model", "add", inside("bad.onnx"));
    CHECK(o.status == 1 && strstr(o.err, "no ONNX model"));
}

static void the_catalogue_inside(void)
{
    struct outcome o = RUN_ASSAY("model", "list", "--available", "--data", inside("none"));

    CHECK_INT(o.status, 0);
    CHECK(strstr(o.out, "yolox-nano") && strstr(o.out, "can be pulled") &&
          strstr(o.out, "only from a mirror"));
    o = RUN_ASSAY("model", "pull", "aasist", "--data", inside("none"));
    CHECK(o.status == 1 && strstr(o.err, "nobody publishes aasist"));
    o = RUN_ASSAY("model", "pull", "nothing", "--data", inside("none"));
    CHECK(o.status == 1 && strstr(o.err, "list --available"));
    o = RUN_ASSAY("model", "show", "yunet", "--data", inside("none"));
    CHECK(o.status == 1 && strstr(o.err, "assay model pull yunet"));
    CHECK_INT(RUN_ASSAY("model", "pull", "--data", inside("none")).status, 1);
}

/* Every card of the catalogue fits its file. */
static void everything_from_the_shared_folder(void)
{
    char *data = inside("shared");
    struct outcome o;

    if (!test_shared())
        SKIP("no shared data");
    o = RUN_ASSAY("model", "pull", "--all", "--data", data, "--from",
                  arena_printf(arena, "%s/models", test_shared()));
    CHECK_INT(o.status, 0);
    CHECK(!strstr(o.out, "left out"));
    o = RUN_ASSAY("model", "verify", "--data", data);
    CHECK(o.status == 0 && !strstr(o.out, "BAD"));
}

/* What the machine's own network is like must not matter. */
static const char *const proxies[] = {"http_proxy", "HTTP_PROXY", "all_proxy",
                                      "ALL_PROXY",  "no_proxy",   "NO_PROXY"};

int main(void)
{
    arena = arena_new();
    base = folder_new(arena);
    for (size_t i = 0; i < COUNT_OF(proxies); i++)
        unsetenv(proxies[i]);
    server_open();
    RUN(what_the_catalogue_promises_is_installed);
    RUN(a_broken_download_goes_on_the_next_time);
    RUN(a_wrong_beginning_is_thrown_away);
    RUN(a_proxy_is_asked);
    RUN(a_mirror_is_a_folder_or_an_address);
    RUN(what_was_pulled_judges_and_is_removed);
    RUN(a_folder_is_evaluated);
    RUN(the_card_that_is_asked_for_is_evaluated);
    RUN(the_cost_of_a_model_is_told);
    RUN(a_file_without_a_card_is_looked_into);
    RUN(the_catalogue_inside);
    RUN(everything_from_the_shared_folder);
    server_close();
    folder_remove(base);
    arena_freep(&arena);
    return test_end();
}
