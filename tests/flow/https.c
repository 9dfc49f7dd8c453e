/* The server over TLS, asked by the curl command: a certificate of its own making, a new one on SIGHUP, and
 * files it does not take. */
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "harness.h"
#include "stage.h"
#include "test.h"

static struct stage stage;
static char *base, *cert, *key;

static struct outcome command(const char *const args[])
{
    char *argv[32] = {(char[]){"/usr/bin/env"}};

    for (size_t i = 0; i < 30 && args[i]; i++)
        argv[i + 1] = arena_strdup(stage.a, args[i]);
    return program_outcome(stage.a, argv, 60);
}

/* For localhost, a day long. */
static bool make_pair(void)
{
    struct outcome o =
        command(ARGS("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                     "-nodes", "-days", "1", "-subj", "/CN=localhost", "-addext",
                     "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert));

    if (o.status)
        printf("# %s\n", o.err);
    return o.status == 0 && chmod(key, 0600) == 0;
}

/* curl's exit status: 0 fine, 60 the certificate is not trusted. */
static int ask(const char *scheme, const char *trusted, const char *path, char **ret_body)
{
    struct outcome o =
        command(ARGS("curl", "-sS", "--noproxy", "*", "--cacert", trusted, "-H",
                     arena_printf(stage.a, "X-Api-Key: %s", stage.key),
                     arena_printf(stage.a, "%s://localhost:%d%s", scheme, stage.s.port, path)));

    *ret_body = o.out;
    return o.status;
}

static void a_client_gets_its_verdict(void)
{
    char *body, *form = arena_printf(stage.a, "video=@%s/tiny.mp4", getenv("ASSAY_CLIPS")), *id;
    struct outcome o =
        command(ARGS("curl", "-sS", "--noproxy", "*", "--cacert", cert, "-H",
                     arena_printf(stage.a, "X-Api-Key: %s", stage.key), "-F", form,
                     arena_printf(stage.a, "https://localhost:%d/api/classify?sync=true", stage.s.port)));

    CHECK_INT(o.status, 0);
    id = json_at(stage.a, bytes_of(o.out, strlen(o.out)), "id");
    CHECK(id && json_at(stage.a, bytes_of(o.out, strlen(o.out)), "risk"));
    CHECK_INT(ask("https", cert, arena_printf(stage.a, "/v1/jobs/%s", id ? id : ""), &body), 0);
    CHECK_STR(json_at(stage.a, bytes_of(body, strlen(body)), "state"), "done");
    CHECK(ask("http", cert, "/api/healthz", &body) != 0 && !strstr(body, "success"));
    CHECK_INT(ask("https", "/etc/ssl/certs/ca-certificates.crt", "/api/healthz", &body), 60);
}

static bool log_says(const char *text)
{
    for (int i = 0; i < 100; i++) {
        struct bytes log = file_read(stage.a, stage.s.log);
        if (memmem(log.data, log.len, text, strlen(text)))
            return true;
        usleep(100000);
    }
    return false;
}

static void a_signal_brings_the_new_certificate(void)
{
    char *old = arena_printf(stage.a, "%s/old.pem", base), *body;

    CHECK_INT(command(ARGS("cp", cert, old)).status, 0);
    CHECK(chmod(key, 0644) == 0);
    kill(stage.s.pid, SIGHUP); /* a key that all can read: the old pair stays */
    CHECK(log_says("configuration refused"));
    CHECK_INT(ask("https", old, "/api/healthz", &body), 0);
    CHECK(make_pair());
    kill(stage.s.pid, SIGHUP);
    CHECK(log_says("configuration read again"));
    CHECK_INT(ask("https", cert, "/api/healthz", &body), 0);
    CHECK_INT(ask("https", old, "/api/healthz", &body), 60);
}

static void bad_files_end_the_start(void)
{
    char *other = arena_printf(stage.a, "%s/other", base);
    const struct {
        const char *cert, *key, *says;
    } rows[] = {
        {cert, NULL, "both a certificate and its key"},
        {NULL, key, "both a certificate and its key"},
        {cert, cert, "can be used by others"},
        {cert, "/nonexistent/key.pem", "cannot open"},
        {"/dev/null", key, "empty"},
    };

    CHECK(chmod(cert, 0644) == 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *argv[12] = {arena_strdup(stage.a, harness_program()),
                          (char[]){"serve"},
                          (char[]){"--data"},
                          other,
                          (char[]){"--listen"},
                          (char[]){"127.0.0.1:0"}};
        size_t n = 6;
        struct outcome o;
        if (rows[i].cert)
            argv[n++] = arena_printf(stage.a, "--tls-cert=%s", rows[i].cert);
        if (rows[i].key)
            argv[n++] = arena_printf(stage.a, "--tls-key=%s", rows[i].key);
        o = program_outcome(stage.a, argv, 60);
        CHECK_INT(o.status, 1);
        CHECK(strstr(o.err, rows[i].says));
        ROW("%zu: %s", i, o.err);
    }
}

/* 0.0.0.0 is reachable from elsewhere; the test does not talk to it. */
static void clear_text_in_the_open_is_a_warning(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    char *dir = arena_printf(a, "%s/open", base);
    struct served s;
    struct bytes log;

    served_start(&s, a, dir, (char *[]){(char[]){"--analysts"}, (char[]){"1"}, NULL});
    log = file_read(a, s.log);
    CHECK(!memmem(log.data, log.len, "no TLS", 6)); /* loopback */
    CHECK_INT(served_stop(&s), 0);
    served_start(&s, a, dir,
                 (char *[]){(char[]){"--analysts"}, (char[]){"1"}, (char[]){"--listen=0.0.0.0:0"}, NULL});
    log = file_read(a, s.log);
    CHECK(memmem(log.data, log.len, "no TLS", 6) != NULL);
    CHECK_INT(served_stop(&s), 0);
}

int main(void)
{
    struct arena *a = arena_new();
    int status;

    base = folder_new(a);
    cert = arena_printf(a, "%s/cert.pem", base);
    key = arena_printf(a, "%s/key.pem", base);
    stage.a = a;
    if (!make_pair())
        return 1;
    stage = stage_open_in(base, ARGS("--analysts", "1", "--tls-cert", cert, "--tls-key", key));
    RUN(a_client_gets_its_verdict);
    RUN(a_signal_brings_the_new_certificate);
    RUN(bad_files_end_the_start);
    RUN(clear_text_in_the_open_is_a_warning);
    status = stage_close(&stage);
    folder_remove(base);
    arena_free(a);
    return status == 0 ? test_end() : 1;
}
