/* TLS of the server: one certificate and its key, which can be replaced while connections are open.
 *
 * The library asks for them at every handshake by a callback without an argument, so there is one such pair
 * for the process. Pairs that were replaced are kept until the end: a handshake may be in the middle of one.
 */
#include <errno.h>
#include <fcntl.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/server_int.h"

enum { CHAIN_MAX = 8, FILE_MAX = 256 << 10, KEY_ID_MAX = 64 };

/* One certificate with what it is signed with, and its key. */
struct pair {
    struct pair *older;
    gnutls_pcert_st chain[CHAIN_MAX];
    unsigned n;
    gnutls_privkey_t key;
    int64_t until_us; /* wall; the certificate expires */
};

/* What a handshake is given. */
static struct {
    pthread_mutex_t lock;
    /* --- guarded by lock --- */
    struct pair *pairs; /* the newest first */
} in_use = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void pair_freep(struct pair **pair)
{
    struct pair *p = TAKE(*pair);

    if (!p)
        return;
    for (unsigned i = 0; i < p->n; i++)
        gnutls_pcert_deinit(&p->chain[i]);
    if (p->key)
        gnutls_privkey_deinit(p->key);
    free(p);
}

/* ---- reading ---- */

/* A key that others may read is no secret any more; one that others may write is not ours. */
static int check_private(int fd, const char *path, struct err *err)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return FAIL_ERRNO(err, "cannot read the key %s", path);
    if (st.st_mode & (S_IRWXO | S_IWGRP))
        return FAIL(err, ERR_DENIED,
                    "the key %s can be used by others; chmod 600 it (640 for a group is fine)", path);
    return 0;
}

static int read_file(const char *path, int (*check)(int fd, const char *path, struct err *err),
                     struct buf *ret, struct err *err)
{
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    char piece[4096];
    ssize_t n;

    if (fd < 0)
        return FAIL_ERRNO(err, "cannot open %s", path);
    if (check && check(fd, path, err) < 0)
        return -1;
    while ((n = read(fd, piece, sizeof piece)) > 0)
        buf_add(ret, piece, (size_t)n);
    if (n < 0)
        return FAIL_ERRNO(err, "cannot read %s", path);
    return ret->overflow || !ret->len ? FAIL(err, ERR_INPUT, "%s is empty or too large", path) : 0;
}

static gnutls_datum_t datum(const struct buf *b)
{
    return (gnutls_datum_t){(unsigned char *)b->data, (unsigned)b->len};
}

static int import_chain(struct pair *p, const struct buf *pem, const char *path, struct err *err)
{
    gnutls_datum_t data = datum(pem);
    gnutls_x509_crt_t *list = NULL;
    unsigned n = 0, max = CHAIN_MAX;
    int r = gnutls_x509_crt_list_import2(&list, &n, &data, GNUTLS_X509_FMT_PEM, 0);

    if (r < 0 || n == 0)
        return FAIL(err, ERR_INPUT, "%s holds no certificate: %s", path, gnutls_strerror(r));
    p->until_us = (int64_t)gnutls_x509_crt_get_expiration_time(list[0]) * 1000000;
    if (n <= max && (r = gnutls_pcert_import_x509_list(p->chain, list, &n, GNUTLS_X509_CRT_LIST_SORT)) == 0)
        p->n = n;
    for (unsigned i = 0; i < n; i++)
        gnutls_x509_crt_deinit(list[i]);
    gnutls_free(list);
    if (n > max)
        return FAIL(err, ERR_LIMIT, "%s holds more than %d certificates", path, CHAIN_MAX);
    return r < 0 ? FAIL(err, ERR_INPUT, "the certificates of %s make no chain: %s", path, gnutls_strerror(r))
                 : 0;
}

static int import_key(struct pair *p, const struct buf *pem, const char *path, struct err *err)
{
    gnutls_datum_t data = datum(pem);
    int r = gnutls_privkey_init(&p->key);

    if (r == 0)
        r = gnutls_privkey_import_x509_raw(p->key, &data, GNUTLS_X509_FMT_PEM, NULL, 0);
    return r < 0 ? FAIL(err, ERR_INPUT, "%s holds no key that can be used: %s", path, gnutls_strerror(r)) : 0;
}

/* Whether the key is that of the certificate. */
static bool belong_together(struct pair *p)
{
    unsigned char ids[2][KEY_ID_MAX];
    size_t n[2] = {KEY_ID_MAX, KEY_ID_MAX};
    gnutls_pubkey_t pub = NULL;
    bool same;

    if (gnutls_pubkey_init(&pub) < 0)
        return false;
    same = gnutls_pubkey_import_privkey(pub, p->key, 0, 0) == 0 &&
           gnutls_pubkey_get_key_id(pub, GNUTLS_KEYID_USE_SHA256, ids[0], &n[0]) == 0 &&
           gnutls_pubkey_get_key_id(p->chain[0].pubkey, GNUTLS_KEYID_USE_SHA256, ids[1], &n[1]) == 0 &&
           n[0] == n[1] && memcmp(ids[0], ids[1], n[0]) == 0;
    gnutls_pubkey_deinit(pub);
    return same;
}

static int pair_read(struct pair **ret, const struct tls_files *files, struct err *err)
{
    CLEANUP(pair_freep) struct pair *p = mem_alloc(sizeof *p);
    CLEANUP(buf_clear) struct buf cert = BUF(FILE_MAX), key = BUF(FILE_MAX);
    int r;

    if (read_file(files->cert, NULL, &cert, err) < 0 || read_file(files->key, check_private, &key, err) < 0)
        return -1;
    r = import_chain(p, &cert, files->cert, err) < 0 || import_key(p, &key, files->key, err) < 0 ? -1 : 0;
    explicit_bzero(key.data, key.len);
    if (r < 0)
        return -1;
    if (!belong_together(p))
        return FAIL(err, ERR_INPUT, "the key %s is not that of the certificate %s", files->key, files->cert);
    *ret = TAKE(p);
    return 0;
}

/* ---- in use ---- */

static void log_pair(const struct pair *p, const struct tls_files *files)
{
    char until[CLOCK_TEXT];

    if (p->until_us < clock_wall_us())
        log_warn("certificate has expired", "cert=%s until=%s", files->cert,
                 clock_rfc3339(until, p->until_us));
    else
        log_info("certificate", "cert=%s until=%s", files->cert, clock_rfc3339(until, p->until_us));
}

int tls_load(const struct tls_files *files, struct err *err)
{
    struct pair *p;

    if (pair_read(&p, files, err) < 0)
        return -1;
    log_pair(p, files);
    pthread_mutex_lock(&in_use.lock);
    p->older = in_use.pairs;
    in_use.pairs = p;
    pthread_mutex_unlock(&in_use.lock);
    return 0;
}

void tls_drop(void)
{
    struct pair *p;

    pthread_mutex_lock(&in_use.lock);
    p = TAKE(in_use.pairs);
    pthread_mutex_unlock(&in_use.lock);
    while (p) {
        struct pair *older = p->older;
        pair_freep(&p);
        p = older;
    }
}

/* Net threads, at every handshake. */
static int give_pair(gnutls_session_t session, const gnutls_datum_t *cas, int ncas,
                     const gnutls_pk_algorithm_t *algorithms, int nalgorithms, gnutls_pcert_st **ret_chain,
                     unsigned *ret_n, gnutls_privkey_t *ret_key)
{
    struct pair *p;

    (void)session, (void)cas, (void)ncas, (void)algorithms, (void)nalgorithms;
    pthread_mutex_lock(&in_use.lock);
    p = in_use.pairs;
    pthread_mutex_unlock(&in_use.lock);
    if (!p)
        return -1;
    *ret_chain = p->chain;
    *ret_n = p->n;
    *ret_key = p->key;
    return 0;
}

void tls_options(struct MHD_OptionItem ret[3])
{
    static char priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE";

    ret[0] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_PRIORITIES, 0, priorities};
    ret[1] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)(intptr_t)give_pair};
    ret[2] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
}

bool tls_is_there(void)
{
    return MHD_is_feature_supported(MHD_FEATURE_TLS) == MHD_YES &&
           MHD_is_feature_supported(MHD_FEATURE_HTTPS_CERT_CALLBACK) == MHD_YES;
}
