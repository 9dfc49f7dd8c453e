/* Downloads of the operator over TLS: whom they trust, and that they never leave it. What servers without it
 * do to them: tests/flow/models.c. */
#include "net/download.h"

#include <openssl/ssl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/c23.h"
#include "net/server.h"
#include "test.h"
#include "unit/net/certificate.h"
#include "unit/store/tempdir.h"

static const char file[] = "these are the weights";

/* ---- the server ---- */

static char elsewhere[200]; /* where /away leads */

static void file_run(struct request *r)
{
    request_reply(r, &(struct reply){.status = 200, .body = bytes_of(file, sizeof file - 1)});
}

static void away_run(struct request *r)
{
    struct reply rep = {.status = 302};

    reply_header(&rep, r, "Location", "%s", elsewhere);
    request_reply(r, &rep);
}

static void gone_run(struct request *r)
{
    request_reply(r, &(struct reply){.status = 404});
}

static const struct handler whole = {.run = file_run}, away = {.run = away_run}, gone = {.run = gone_run};
static const struct route routes[] = {
    {"GET", "/file", &whole, 0}, {"GET", "/away", &away, 0}, {"GET", "/gone", &gone, 0}};

struct site {
    struct tempdir dir;
    char cert[300], key[300];
    struct server *server;
};

static void site_open(struct site *s, bool tls)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = certificate(key, "localhost", 1);
    struct server_opts opts = {
        .listen = "127.0.0.1:0", .routes = routes, .nroutes = COUNT_OF(routes), .idle_seconds = 2};
    FILE *c, *k;

    *s = (struct site){.dir = tempdir_new()};
    snprintf(s->cert, sizeof s->cert, "%s/cert.pem", s->dir.path);
    snprintf(s->key, sizeof s->key, "%s/key.pem", s->dir.path);
    c = fopen(s->cert, "w");
    k = fopen(s->key, "w");
    must(c && k && PEM_write_X509(c, x) && PEM_write_PrivateKey(k, key, NULL, NULL, 0, NULL, NULL));
    fclose(c);
    fclose(k);
    must(chmod(s->key, 0600) == 0);
    if (tls) {
        opts.tls_cert = s->cert;
        opts.tls_key = s->key;
    }
    must(server_start(&s->server, &opts, NULL) == 0);
    X509_free(x);
    EVP_PKEY_free(key);
}

static void site_close(struct site *s)
{
    server_stop(s->server);
    tempdir_clear(&s->dir);
}

/* ---- the download ---- */

static int take(void *arg, int64_t at, struct bytes piece, struct err *err)
{
    char *to = arg;

    if (at + (int64_t)piece.len > 99)
        return FAIL(err, ERR_LIMIT, "too much");
    memcpy(to + at, piece.data, piece.len);
    return 0;
}

static const struct {
    const char *what, *path;
    bool trusted; /* the certificate */
    bool plain;   /* no TLS */
    const char *elsewhere;
    int64_t size;
    const char *says; /* NULL: fine */
} rows[] = {
    {"a certificate that is trusted", "/file", true, false, NULL, 21, NULL},
    {"one that nobody knows", "/file", false, false, NULL, 21, "does not prove its name"},
    {"redirected within", "/away", true, false, "/file", 21, NULL},
    {"redirected to plain http", "/away", true, false, "http://127.0.0.1:1/file", 21,
     "redirected from https"},
    {"redirected to a local file", "/away", true, true, "file:///etc/hostname", 21, "redirected"},
    {"redirected for ever", "/away", true, false, "/away", 21, "redirect"},
    {"not there", "/gone", true, false, NULL, 21, "answered 404"},
    {"another size", "/file", true, false, NULL, 22, "has 21 bytes, not the 22"},
    {"without TLS", "/file", true, true, NULL, 21, NULL},
};

static void over_tls(void)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct site s;
        char url[200], got[100] = "";
        struct err err = {0};
        bool again;
        struct download d = {.url = url, .size = rows[i].size, .data = take, .arg = got};
        int r;

        site_open(&s, !rows[i].plain);
        snprintf(url, sizeof url, "http%s://localhost:%d%s", rows[i].plain ? "" : "s", server_port(s.server),
                 rows[i].path);
        snprintf(elsewhere, sizeof elsewhere, "%s", rows[i].elsewhere ? rows[i].elsewhere : "");
        d.ca_file = rows[i].trusted ? s.cert : NULL;
        r = download(&d, &again, &err);
        CHECK_INT(r, rows[i].says ? -1 : 0);
        CHECK_STR(got, rows[i].says ? "" : file);
        CHECK(!rows[i].says || strstr(err.text, rows[i].says));
        CHECK(!again);
        ROW("%s: %s", rows[i].what, err.text);
        site_close(&s);
    }
}

int main(void)
{
    setenv("no_proxy", "*", 1);
    RUN(over_tls);
    return test_end();
}
