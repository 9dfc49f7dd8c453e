/* The server over TLS: which versions it speaks, large bodies both ways, a certificate that is replaced, and
 * files it does not take. The certificates are made here; the client is OpenSSL. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/c23.h"
#include "base/cleanup.h"
#include "net/server.h"
#include "test.h"
#include "unit/net/certificate.h"
#include "unit/store/tempdir.h"

enum { UPLOAD = 20 << 20, DOWNLOAD = 6 << 20, CLIENTS = 8, ROUNDS = 20 };

/* ---- the server ---- */

static atomic_llong received;

static void say(struct request *r, const char *text)
{
    request_reply(r,
                  &(struct reply){.status = 200, .type = "text/plain", .body = bytes_of(text, strlen(text))});
}

static void hello_run(struct request *r)
{
    say(r, "hello");
}

static void *answer_later(void *arg)
{
    usleep(50000);
    say(arg, "late");
    return NULL;
}

static void later_run(struct request *r)
{
    pthread_t thread;

    must(pthread_create(&thread, NULL, answer_later, r) == 0 && pthread_detach(thread) == 0);
}

static void sink_body(struct request *r, struct bytes piece)
{
    (void)r;
    atomic_fetch_add(&received, (long long)piece.len);
}

static void big_run(struct request *r)
{
    FILE *f = tmpfile();
    int fd;

    must(f && ftruncate(fileno(f), DOWNLOAD) == 0);
    fd = dup(fileno(f));
    fclose(f);
    request_reply_fd_take(r, 200, "application/octet-stream", fd, DOWNLOAD);
}

static const struct handler hello = {.run = hello_run}, later = {.run = later_run}, big = {.run = big_run},
                            sink = {.body = sink_body, .run = hello_run};
static const struct route routes[] = {
    {"GET", "/hello", &hello, 0},
    {"GET", "/later", &later, 0},
    {"GET", "/big", &big, 0},
    {"POST", "/sink", &sink, 1 << 30},
};

/* ---- files ---- */

struct site {
    struct tempdir dir;
    char cert[300], key[300];
};

static void write_pair(const struct site *site, const char *name, long serial)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = certificate(key, name, serial);
    FILE *c = fopen(site->cert, "w"), *k = fopen(site->key, "w");

    must(c && k && PEM_write_X509(c, x) && PEM_write_PrivateKey(k, key, NULL, NULL, 0, NULL, NULL));
    fclose(c);
    fclose(k);
    must(chmod(site->key, 0600) == 0);
    X509_free(x);
    EVP_PKEY_free(key);
}

static struct site site_new(void)
{
    struct site s = {.dir = tempdir_new()};

    snprintf(s.cert, sizeof s.cert, "%s/cert.pem", s.dir.path);
    snprintf(s.key, sizeof s.key, "%s/key.pem", s.dir.path);
    write_pair(&s, "localhost", 1);
    return s;
}

static int start(struct server **server, const struct site *site, struct err *err)
{
    struct server_opts opts = {.listen = "127.0.0.1:0",
                               .routes = routes,
                               .nroutes = COUNT_OF(routes),
                               .idle_seconds = 2,
                               .tls_cert = site->cert,
                               .tls_key = site->key};

    return server_start(server, &opts, err);
}

/* ---- the client ---- */

struct client {
    SSL_CTX *tls;
    SSL *ssl;
    int fd;
    long serial;         /* of the server's certificate; 0: no handshake */
    const char *version; /* "TLSv1.3" */
};

static int dial(int port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval patience = {20, 0};

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    must(connect(fd, (struct sockaddr *)&at, sizeof at) == 0);
    return fd;
}

/* Any version down to TLS 1.0, so that it is the server which says no. */
static struct client client_open(int port, int max_version)
{
    struct client c = {.tls = SSL_CTX_new(TLS_client_method()), .fd = dial(port)};
    X509 *peer;

    SSL_CTX_set_security_level(c.tls, 0);
    SSL_CTX_set_min_proto_version(c.tls, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(c.tls, max_version);
    c.ssl = SSL_new(c.tls);
    SSL_set_fd(c.ssl, c.fd);
    if (SSL_connect(c.ssl) != 1)
        return c;
    c.version = SSL_get_version(c.ssl);
    peer = SSL_get1_peer_certificate(c.ssl);
    c.serial = ASN1_INTEGER_get(X509_get_serialNumber(peer));
    X509_free(peer);
    return c;
}

static void client_close(struct client *c)
{
    SSL_free(c->ssl);
    SSL_CTX_free(c->tls);
    close(c->fd);
}

static bool send_all(struct client *c, const char *data, size_t n)
{
    size_t sent = 0, some;

    while (sent < n && SSL_write_ex(c->ssl, data + sent, n - sent, &some) == 1)
        sent += some;
    return sent == n;
}

/* The first bytes of the answer, up to the end of the connection. ret_all: how many came. */
static const char *receive(struct client *c, char *head, size_t size, size_t *ret_all)
{
    char piece[16384];
    size_t n, kept = 0;

    *ret_all = 0;
    while (SSL_read_ex(c->ssl, piece, sizeof piece, &n) == 1) {
        size_t room = size - 1 - kept, more = n < room ? n : room;
        memcpy(head + kept, piece, more);
        kept += more;
        *ret_all += n;
    }
    head[kept] = '\0';
    return head;
}

static bool get(int port, const char *path, const char *want)
{
    struct client c = client_open(port, TLS1_3_VERSION);
    char request[128], head[1024];
    size_t n;
    bool fine;

    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
             path);
    fine = c.serial && send_all(&c, request, strlen(request)) &&
           strstr(receive(&c, head, sizeof head, &n), want);
    client_close(&c);
    return fine;
}

/* ---- tests ---- */

static void versions(void)
{
    static const struct {
        int version;
        const char *name; /* NULL: refused */
    } rows[] = {{TLS1_3_VERSION, "TLSv1.3"},
                {TLS1_2_VERSION, "TLSv1.2"},
                {TLS1_1_VERSION, NULL},
                {TLS1_VERSION, NULL}};
    struct site site = site_new();
    struct server *server = NULL;

    CHECK(start(&server, &site, NULL) == 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct client c = client_open(server_port(server), rows[i].version);
        CHECK_INT(c.serial, rows[i].name ? 1 : 0);
        if (rows[i].name)
            CHECK_STR(c.version, rows[i].name);
        ROW("version %x", (unsigned)rows[i].version);
        client_close(&c);
    }
    server_stop(server);
    tempdir_clear(&site.dir);
}

static void clear_text_gets_nothing(void)
{
    static const char request[] = "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n";
    struct site site = site_new();
    struct server *server = NULL;
    char answer[512] = "";
    int fd;

    CHECK(start(&server, &site, NULL) == 0);
    fd = dial(server_port(server));
    CHECK(send(fd, request, strlen(request), MSG_NOSIGNAL) > 0);
    CHECK(recv(fd, answer, sizeof answer - 1, 0) <= 0 || !strstr(answer, "hello"));
    close(fd);
    CHECK(get(server_port(server), "/hello", "hello"));
    server_stop(server);
    tempdir_clear(&site.dir);
}

static void large_bodies_both_ways(void)
{
    static const char head[] =
        "POST /sink HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %d\r\n\r\n";
    struct site site = site_new();
    struct server *server = NULL;
    char *body = calloc(1, UPLOAD), text[1024];
    struct client c;
    size_t n;

    CHECK(start(&server, &site, NULL) == 0);
    atomic_store(&received, 0);
    c = client_open(server_port(server), TLS1_3_VERSION);
    snprintf(text, sizeof text, head, (int)UPLOAD);
    CHECK(send_all(&c, text, strlen(text)) && send_all(&c, body, UPLOAD));
    CHECK(strstr(receive(&c, text, sizeof text, &n), "hello"));
    CHECK_INT(atomic_load(&received), UPLOAD);
    client_close(&c);
    c = client_open(server_port(server), TLS1_2_VERSION);
    CHECK(send_all(&c, "GET /big HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 50));
    CHECK(strstr(receive(&c, text, sizeof text, &n), "200 OK"));
    CHECK(n > DOWNLOAD && n < DOWNLOAD + 1024);
    client_close(&c);
    server_stop(server);
    free(body);
    tempdir_clear(&site.dir);
}

/* The client sends first and reads later. */
static void a_refusal_arrives(void)
{
    static const char head[] = "POST /sink HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000000\r\n\r\n";
    struct site site = site_new();
    struct server *server = NULL;
    char *body = calloc(1, 1 << 20), text[1024];
    struct client c;
    size_t n;

    CHECK(start(&server, &site, NULL) == 0);
    c = client_open(server_port(server), TLS1_3_VERSION);
    CHECK(send_all(&c, head, strlen(head)) && send_all(&c, body, 1 << 20));
    CHECK(strstr(receive(&c, text, sizeof text, &n), " 413 "));
    client_close(&c);
    server_stop(server);
    free(body);
    tempdir_clear(&site.dir);
}

static void silence_before_the_handshake_is_cut_off(void)
{
    struct site site = site_new();
    struct server *server = NULL;
    char byte;
    int fds[3];

    CHECK(start(&server, &site, NULL) == 0);
    for (int i = 0; i < 3; i++)
        fds[i] = dial(server_port(server));
    CHECK(send(fds[1], "\x16", 1, MSG_NOSIGNAL) == 1); /* the first byte of a hello */
    CHECK(send(fds[2], "\x16\x03\x01", 3, MSG_NOSIGNAL) == 3);
    for (int i = 0; i < 3; i++) {
        errno = 0;
        while (recv(fds[i], &byte, 1, 0) > 0) /* an alert may come before the end */
            ;
        CHECK(errno != EAGAIN);
        close(fds[i]);
    }
    server_stop(server);
    tempdir_clear(&site.dir);
}

struct crowd {
    int port;
    atomic_int fine;
};

static void *crowd_main(void *arg)
{
    struct crowd *crowd = arg;

    for (int i = 0; i < ROUNDS; i++)
        atomic_fetch_add(&crowd->fine,
                         get(crowd->port, i % 2 ? "/later" : "/hello", i % 2 ? "late" : "hello"));
    return NULL;
}

/* Replies now and from other threads, while the certificate is replaced again and again. */
static void many_clients_and_a_new_certificate(void)
{
    struct site site = site_new();
    struct server *server = NULL;
    struct crowd crowd = {0};
    pthread_t threads[CLIENTS];
    struct client c;

    CHECK(start(&server, &site, NULL) == 0);
    crowd.port = server_port(server);
    for (int i = 0; i < CLIENTS; i++)
        must(pthread_create(&threads[i], NULL, crowd_main, &crowd) == 0);
    for (int i = 2; i <= 10; i++) {
        write_pair(&site, "localhost", i);
        CHECK(server_reload_tls(server, NULL) == 0);
        c = client_open(crowd.port, TLS1_3_VERSION);
        CHECK_INT(c.serial, i);
        client_close(&c);
    }
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(threads[i], NULL);
    CHECK_INT(atomic_load(&crowd.fine), CLIENTS * ROUNDS);
    server_stop(server);
    tempdir_clear(&site.dir);
}

/* ---- files which are refused ---- */

static void spoil_nothing(const struct site *site)
{
    (void)site;
}

static void share_key(const struct site *site)
{
    must(chmod(site->key, 0644) == 0);
}

static void let_group_write(const struct site *site)
{
    must(chmod(site->key, 0620) == 0);
}

static void let_group_read(const struct site *site)
{
    must(chmod(site->key, 0640) == 0);
}

static void lose_key(const struct site *site)
{
    must(unlink(site->key) == 0);
}

static void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    must(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void empty_cert(const struct site *site)
{
    write_text(site->cert, "");
}

static void no_cert(const struct site *site)
{
    write_text(site->cert, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
}

static void no_key(const struct site *site)
{
    write_text(site->key, "secret");
}

static void other_key(const struct site *site)
{
    struct site other = *site;

    snprintf(other.cert, sizeof other.cert, "%s/other.pem", site->dir.path);
    write_pair(&other, "localhost", 9);
}

static const struct {
    const char *what;
    void (*spoil)(const struct site *site);
    enum err_kind kind;
    const char *says;
} files[] = {
    {"fine", spoil_nothing, ERR_NONE, ""},
    {"a key for a group", let_group_read, ERR_NONE, ""},
    {"a key for all", share_key, ERR_DENIED, "chmod 600"},
    {"a key the group can write", let_group_write, ERR_DENIED, "chmod 600"},
    {"no key file", lose_key, ERR_IO, "key.pem"},
    {"a key that is none", no_key, ERR_INPUT, "no key"},
    {"another's key", other_key, ERR_INPUT, "not that of the certificate"},
    {"an empty certificate", empty_cert, ERR_INPUT, "empty"},
    {"a certificate that is none", no_cert, ERR_INPUT, "no certificate"},
};

static void files_are_checked(void)
{
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        struct site site = site_new();
        struct server *server = NULL;
        struct err err = {0};
        files[i].spoil(&site);
        CHECK_INT(start(&server, &site, &err), files[i].kind ? -1 : 0);
        CHECK_INT(err.kind, files[i].kind);
        CHECK(strstr(err.text, files[i].says));
        CHECK(!strstr(err.text, "secret"));
        ROW("%s: %s", files[i].what, err.text);
        server_stop(server);
        tempdir_clear(&site.dir);
    }
}

static void a_bad_reload_changes_nothing(void)
{
    struct site site = site_new();
    struct server *server = NULL;

    CHECK(start(&server, &site, NULL) == 0);
    for (size_t i = 2; i < COUNT_OF(files); i++) {
        struct err err = {0};
        struct client c;
        write_pair(&site, "localhost", 7);
        files[i].spoil(&site);
        CHECK_INT(server_reload_tls(server, &err), -1);
        CHECK_INT(err.kind, files[i].kind);
        c = client_open(server_port(server), TLS1_3_VERSION);
        CHECK_INT(c.serial, 1);
        client_close(&c);
        ROW("%s", files[i].what);
    }
    write_pair(&site, "localhost", 8);
    CHECK(server_reload_tls(server, NULL) == 0);
    server_stop(server);
    tempdir_clear(&site.dir);
}

static void half_a_pair_is_none(void)
{
    struct site site = site_new();
    struct server *server = NULL;
    struct err err = {0};
    struct server_opts opts = {
        .listen = "127.0.0.1:0", .routes = routes, .nroutes = COUNT_OF(routes), .tls_cert = site.cert};

    CHECK(server_start(&server, &opts, &err) < 0);
    CHECK_INT(err.kind, ERR_INPUT);
    tempdir_clear(&site.dir);
}

int main(void)
{
    RUN(versions);
    RUN(clear_text_gets_nothing);
    RUN(large_bodies_both_ways);
    RUN(a_refusal_arrives);
    RUN(silence_before_the_handshake_is_cut_off);
    RUN(many_clients_and_a_new_certificate);
    RUN(files_are_checked);
    RUN(a_bad_reload_changes_nothing);
    RUN(half_a_pair_is_none);
    return test_end();
}
