#include "c2pa/trust_int.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ts.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"

enum { MAX_EKUS = 256, FINGERPRINT = 32, AUTH_LEVEL = 1, CHAIN_DEPTH = 16 };

/* What may sign claims when the operator does not say: e-mail, documents, and the purposes that Microsoft and
 * the C2PA have made for it. */
static const char *const default_ekus[] = {"1.3.6.1.5.5.7.3.4", "1.3.6.1.5.5.7.3.36",
                                           "1.3.6.1.4.1.311.76.59.1.9", "1.3.6.1.4.1.62558.2.1"};

struct c2pa_trust {
    struct arena *a;
    X509_STORE *anchors, *stampers; /* the second holds the first, too */
    uint8_t (*allowed)[FINGERPRINT];
    size_t nallowed, allowed_cap;
    const char **ekus;
    size_t nekus, ekus_cap;
    bool own_ekus; /* the operator's, not the built-in ones */
};

/* One file being read: how much of what it should hold it held. */
struct list {
    const char *path;
    size_t found;
};

/* ---- certificates of a file ---- */

static int read_all(struct arena *a, const char *path, struct bytes *ret, struct err *err)
{
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    uint8_t *to;
    ssize_t n;

    if (fd < 0 || fstat(fd, &st) < 0)
        return FAIL_ERRNO(err, "cannot open the trust list %s", path);
    if (!S_ISREG(st.st_mode) || st.st_size > TRUST_MAX_FILE)
        return FAIL(err, ERR_INPUT, "the trust list %s is no file, or larger than %d MB", path,
                    TRUST_MAX_FILE >> 20);
    to = arena_alloc(a, (size_t)st.st_size + 1);
    n = read(fd, to, (size_t)st.st_size);
    if (n != st.st_size)
        return FAIL(err, ERR_IO, "cannot read the trust list %s", path);
    *ret = bytes_of(to, (size_t)n);
    return 0;
}

/* Calls take with each certificate; -1 when one cannot be read. */
static int each_certificate(struct c2pa_trust *t, struct bytes text, struct list *list,
                            void (*take)(struct c2pa_trust *t, X509 *x), struct err *err)
{
    BIO *in = BIO_new_mem_buf(text.data, (int)text.len);
    unsigned long last;
    X509 *x;

    while (in && list->found < TRUST_MAX_CERTIFICATES && (x = PEM_read_bio_X509(in, NULL, NULL, NULL))) {
        take(t, x);
        X509_free(x);
        list->found++;
    }
    last = ERR_peek_last_error();
    ERR_clear_error();
    BIO_free(in);
    if (ERR_GET_LIB(last) != ERR_LIB_PEM || ERR_GET_REASON(last) != PEM_R_NO_START_LINE)
        return FAIL(err, ERR_INPUT,
                    "certificate %zu of the trust list %s cannot be read, or there are too many",
                    list->found + 1, list->path);
    return 0;
}

static void take_anchor(struct c2pa_trust *t, X509 *x)
{
    X509_STORE_add_cert(t->anchors, x);
    X509_STORE_add_cert(t->stampers, x);
}

static void take_stamper(struct c2pa_trust *t, X509 *x)
{
    X509_STORE_add_cert(t->stampers, x);
}

static bool fingerprint(const X509 *x, uint8_t ret[FINGERPRINT])
{
    unsigned n = 0;

    return X509_digest(x, EVP_sha256(), ret, &n) == 1 && n == FINGERPRINT;
}

static void add_allowed(struct c2pa_trust *t, const uint8_t sum[FINGERPRINT])
{
    t->allowed = arena_grow(t->a, t->allowed, t->nallowed, &t->allowed_cap, FINGERPRINT);
    memcpy(t->allowed[t->nallowed++], sum, FINGERPRINT);
}

static void take_allowed(struct c2pa_trust *t, X509 *x)
{
    uint8_t sum[FINGERPRINT];

    if (fingerprint(x, sum))
        add_allowed(t, sum);
}

/* ---- lines of a file ---- */

static void take_hash(struct c2pa_trust *t, char *line, struct list *list)
{
    struct bytes sum;

    if (strlen(line) == 44 && base64_decode(line, 44, &sum) && sum.len == FINGERPRINT) {
        add_allowed(t, sum.data);
        list->found++;
    }
}

static void take_eku(struct c2pa_trust *t, char *line, struct list *list)
{
    size_t n = strspn(line, "0123456789.");

    if (line[n] != '\0' || !strchr(line, '.') || t->nekus == MAX_EKUS)
        return;
    ARENA_PUSH(t->a, t->ekus, t->nekus, t->ekus_cap) = arena_strdup(t->a, line);
    list->found++;
}

/* Calls take with each line outside of certificates, without blanks around it. */
static void each_line(struct c2pa_trust *t, struct bytes text, struct list *list,
                      void (*take)(struct c2pa_trust *t, char *line, struct list *list))
{
    char *rest = arena_strndup(t->a, (const char *)text.data, text.len), *line;
    bool inside = false;

    while ((line = strsep(&rest, "\n"))) {
        line += strspn(line, " \t\r");
        line[strcspn(line, " \t\r")] = '\0';
        if (text_starts(line, "-----"))
            inside = text_starts(line, "-----BEGIN");
        else if (!inside && line[0] != '\0' && line[0] != '#' && !text_starts(line, "//"))
            take(t, line, list);
    }
}

/* ---- the kinds of file ---- */

static int read_anchors(struct c2pa_trust *t, struct bytes text, struct list *list, struct err *err)
{
    return each_certificate(t, text, list, take_anchor, err);
}

static int read_stampers(struct c2pa_trust *t, struct bytes text, struct list *list, struct err *err)
{
    return each_certificate(t, text, list, take_stamper, err);
}

static int read_allowed(struct c2pa_trust *t, struct bytes text, struct list *list, struct err *err)
{
    each_line(t, text, list, take_hash);
    return each_certificate(t, text, list, take_allowed, err);
}

static int read_ekus(struct c2pa_trust *t, struct bytes text, struct list *list, struct err *err UNUSED)
{
    t->own_ekus = true;
    each_line(t, text, list, take_eku);
    return 0;
}

static int read_files(struct c2pa_trust *t, const char *const *paths,
                      int (*read)(struct c2pa_trust *, struct bytes, struct list *, struct err *),
                      struct err *err)
{
    for (; paths && *paths; paths++) {
        struct list list = {.path = *paths};
        struct bytes text;

        if (read_all(t->a, *paths, &text, err) < 0 || read(t, text, &list, err) < 0)
            return -1;
        if (list.found == 0)
            return FAIL(err, ERR_INPUT, "the trust list %s holds nothing of what it should", *paths);
    }
    return 0;
}

static int read_all_files(struct c2pa_trust *t, const struct c2pa_trust_files *files, struct err *err)
{
    if (read_files(t, files->anchors, read_anchors, err) < 0 ||
        read_files(t, files->tsa, read_stampers, err) < 0 ||
        read_files(t, files->allowed, read_allowed, err) < 0)
        return -1;
    return read_files(t, files->ekus, read_ekus, err);
}

int c2pa_trust_open(const struct c2pa_trust_files *files, struct c2pa_trust **ret, struct err *err)
{
    CLEANUP(c2pa_trust_freep) struct c2pa_trust *t = mem_alloc(sizeof *t);

    c2pa_prepare();
    t->a = arena_new();
    t->anchors = X509_STORE_new();
    t->stampers = X509_STORE_new();
    if (!t->anchors || !t->stampers)
        return FAIL(err, ERR_LIMIT, "there is no memory for trust lists");
    if (read_all_files(t, files, err) < 0)
        return -1;
    *ret = TAKE(t);
    return 0;
}

struct c2pa_trust *c2pa_trust_free(struct c2pa_trust *t)
{
    if (!t)
        return NULL;
    X509_STORE_free(t->anchors);
    X509_STORE_free(t->stampers);
    arena_free(t->a);
    free(t);
    return NULL;
}

void c2pa_trust_freep(struct c2pa_trust **t)
{
    *t = c2pa_trust_free(*t);
}

/* OpenSSL reads its configuration when it is first used; what it fetches afterwards is in the library. */
void c2pa_prepare(void)
{
    OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG | OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL);
    ERR_clear_error();
}

/* ---- questions ---- */

bool trust_allows_eku(const struct c2pa_trust *t, const char *oid)
{
    const char *const *list = t && t->own_ekus ? t->ekus : default_ekus;
    size_t n = t && t->own_ekus ? t->nekus : COUNT_OF(default_ekus);

    for (size_t i = 0; i < n; i++)
        if (text_is(list[i], oid))
            return true;
    return false;
}

static bool is_allowed(const struct c2pa_trust *t, const X509 *leaf)
{
    uint8_t sum[FINGERPRINT];

    if (t->nallowed == 0 || !fingerprint(leaf, sum))
        return false;
    for (size_t i = 0; i < t->nallowed; i++)
        if (memcmp(t->allowed[i], sum, FINGERPRINT) == 0)
            return true;
    return false;
}

static void set_rules(X509_STORE_CTX *ctx, int64_t at)
{
    X509_VERIFY_PARAM *p = X509_STORE_CTX_get0_param(ctx);

    X509_VERIFY_PARAM_set_time(p, (time_t)at);
    X509_VERIFY_PARAM_set_depth(p, CHAIN_DEPTH);
    X509_VERIFY_PARAM_set_auth_level(p, AUTH_LEVEL);
    X509_VERIFY_PARAM_set_flags(p, X509_V_FLAG_PARTIAL_CHAIN); /* an anchor need not be a root */
}

bool trust_holds(const struct c2pa_trust *t, enum trust_use use, X509 *leaf, STACK_OF(X509) * chain,
                 int64_t at)
{
    X509_STORE_CTX *ctx;
    bool ok;

    if (!t)
        return false;
    if (use == TRUST_SIGNING && is_allowed(t, leaf))
        return true;
    ctx = X509_STORE_CTX_new();
    ok = ctx && X509_STORE_CTX_init(ctx, use == TRUST_SIGNING ? t->anchors : t->stampers, leaf, chain) == 1;
    if (ok) {
        set_rules(ctx, at);
        ok = X509_verify_cert(ctx) == 1;
    }
    X509_STORE_CTX_free(ctx);
    ERR_clear_error();
    return ok;
}
