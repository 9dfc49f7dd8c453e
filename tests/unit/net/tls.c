/* The HTTP client over TLS: a receiver that cannot prove its name gets nothing, a source nothing is taken
 * from. The certificates are made here. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "base/c23.h"
#include "base/cleanup.h"
#include "net/client.h"
#include "test.h"
#include "unit/net/certificate.h"
#include "unit/store/latch.h"
#include "unit/store/tempdir.h"

/* A receiver with a certificate of its own making, for one connection. */
struct receiver {
    int fd, port;
    SSL_CTX *tls;
    pthread_t thread;
    const char *answer;
    char got[4096];
};

/* The certificate is also written to that file, for whoever wants to trust it. */
static SSL_CTX *context(const char *name, const char *path)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = certificate(key, name, 1);
    FILE *f = fopen(path, "w");

    must(tls && f && PEM_write_X509(f, x) && SSL_CTX_use_certificate(tls, x) == 1 &&
         SSL_CTX_use_PrivateKey(tls, key) == 1);
    fclose(f);
    X509_free(x);
    EVP_PKEY_free(key);
    return tls;
}

static void *receiver_main(void *arg)
{
    struct receiver *r = arg;
    int fd = accept(r->fd, NULL, NULL), n;
    SSL *s = SSL_new(r->tls);

    if (fd >= 0 && SSL_set_fd(s, fd) == 1 && SSL_accept(s) == 1) {
        n = SSL_read(s, r->got, sizeof r->got - 1);
        r->got[n > 0 ? n : 0] = '\0';
        if (n > 0)
            SSL_write(s, r->answer, (int)strlen(r->answer));
        SSL_shutdown(s);
    }
    SSL_free(s);
    close(fd);
    return NULL;
}

static void receiver_open(struct receiver *r, const char *name, const char *path)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;

    *r = (struct receiver){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
                           .tls = context(name, path),
                           .answer = "HTTP/1.1 204 No Content\r\n\r\n"};
    must(bind(r->fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(r->fd, 4) == 0 &&
         getsockname(r->fd, (struct sockaddr *)&at, &len) == 0 &&
         pthread_create(&r->thread, NULL, receiver_main, r) == 0);
    r->port = ntohs(at.sin_port);
}

static void receiver_close(struct receiver *r)
{
    shutdown(r->fd, SHUT_RDWR);
    pthread_join(r->thread, NULL);
    close(r->fd);
    SSL_CTX_free(r->tls);
}

/* ---- one post ---- */

struct waiting {
    struct latch latch;
    struct client_result result;
};

static void finished(void *arg, const struct client_result *result)
{
    struct waiting *w = arg;

    w->result = *result;
    latch_hit(&w->latch, NULL);
}

static struct client_result post(const char *url, const char *ca_file)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(client_stop) struct client *c = NULL;
    struct guard g = {0};
    struct client_opts opts = client_opts_defaults();
    struct waiting w = {.latch = LATCH};
    struct client_post p = {.url = url, .body = bytes_of("{}", 2), .done = finished, .arg = &w};

    opts.guard = &g;
    opts.ca_file = ca_file;
    must(guard_parse_allow(a, "127.0.0.1", &g, NULL) == 0 && client_start(&c, &opts, NULL) == 0);
    client_post(c, &p);
    CHECK(latch_wait(&w.latch, 1, 30));
    return w.result;
}

static const struct {
    const char *what, *certified, *called;
    bool trusted;
    int status;
} rows[] = {
    {"trusted, and the name fits", "localhost", "localhost", true, 204},
    {"nobody vouches for it", "localhost", "localhost", false, 0},
    {"another's certificate", "example.org", "localhost", true, 0},
    {"a name is no address", "localhost", "127.0.0.1", true, 0},
};

static void names_must_be_proved(void)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct tempdir dir = tempdir_new();
        char path[300], url[64];
        struct receiver r;
        struct client_result got;
        snprintf(path, sizeof path, "%s/ca.pem", dir.path);
        receiver_open(&r, rows[i].certified, path);
        snprintf(url, sizeof url, "https://%s:%d/hook", rows[i].called, r.port);
        got = post(url, rows[i].trusted ? path : NULL);
        receiver_close(&r);
        CHECK_INT(got.status, rows[i].status);
        CHECK(strstr(r.got, "POST /hook") ? rows[i].status != 0 : rows[i].status == 0);
        CHECK(got.status || strstr(got.err.text, "SSL"));
        ROW("%s: %s", rows[i].what, got.err.text);
        tempdir_clear(&dir);
    }
}

/* ---- one fetch ---- */

static int take(void *arg UNUSED, struct bytes piece UNUSED, struct err *err UNUSED)
{
    return 0;
}

static struct client_result get(const char *url, const char *ca_file)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(client_stop) struct client *c = NULL;
    struct guard g = {.allow_http = true, .what = "the URL"};
    struct client_opts opts = client_opts_defaults();
    struct waiting w = {.latch = LATCH};
    struct client_get ask = {
        .url = url, .max_bytes = 100, .total_ms = 10000, .data = take, .done = finished, .arg = &w};

    opts.guard = &g;
    opts.ca_file = ca_file;
    must(guard_parse_allow(a, "127.0.0.1", &g, NULL) == 0 && client_start(&c, &opts, NULL) == 0);
    client_get(c, &ask);
    CHECK(latch_wait(&w.latch, 1, 30));
    return w.result;
}

static const struct {
    const char *what, *certified, *answer, *word;
} sources[] = {
    {"fine", "localhost", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", ""},
    {"another's certificate", "example.org", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
     "does not prove its name"},
    {"to plain http", "localhost",
     "HTTP/1.1 302 Found\r\nLocation: http://localhost:1/\r\nContent-Length: 0\r\n\r\n",
     "from https to plain http"},
};

static void sources_must_prove_their_name_and_stay_with_tls(void)
{
    for (size_t i = 0; i < COUNT_OF(sources); i++) {
        struct tempdir dir = tempdir_new();
        char path[300], url[64];
        struct receiver r;
        struct client_result got;
        snprintf(path, sizeof path, "%s/ca.pem", dir.path);
        receiver_open(&r, sources[i].certified, path);
        r.answer = sources[i].answer;
        snprintf(url, sizeof url, "https://localhost:%d/clip.mp4", r.port);
        got = get(url, path);
        receiver_close(&r);
        CHECK_INT(got.err.kind, *sources[i].word ? ERR_SOURCE : ERR_NONE);
        CHECK(strstr(got.err.text, sources[i].word) != NULL);
        ROW("%s: %s", sources[i].what, got.err.text);
        tempdir_clear(&dir);
    }
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN); /* a refusing client is gone before the goodbye of TLS */
    RUN(names_must_be_proved);
    RUN(sources_must_prove_their_name_and_stay_with_tls);
    return test_end();
}
