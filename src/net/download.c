#include "net/download.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

enum { CONNECT_MS = 15000, SILENCE_S = 30, SLOWEST = 100, REDIRECTS = 8 };

struct fetch {
    const struct download *d;
    CURL *easy;
    int64_t at; /* place of the next byte in the file */
    bool judged;
    char range[32];
    struct err stop; /* why we have broken off, if we have */
};

static void easy_freep(CURL **e)
{
    curl_easy_cleanup(*e);
}

/* ---- the head of the answer ---- */

static const char *header(CURL *e, const char *name)
{
    struct curl_header *h;

    return curl_easy_header(e, name, 0, CURLH_HEADER, -1, &h) == CURLHE_OK ? h->value : NULL;
}

/* Whether the part which comes is the one that was asked for. */
static bool is_our_part(struct fetch *f)
{
    const char *range = header(f->easy, "Content-Range");
    char ours[40];

    snprintf(ours, sizeof ours, "bytes %lld-", (long long)f->d->from);
    return f->d->from > 0 && range && text_starts(range, ours);
}

/* Size of the whole file, as the answer says it; -1 = it does not. */
static int64_t announced(struct fetch *f, long status)
{
    const char *range = header(f->easy, "Content-Range"), *slash = range ? strrchr(range, '/') : NULL;
    curl_off_t length = -1;
    int64_t total = -1;

    if (status == 206)
        return slash && text_to_i64(slash + 1, &total) ? total : -1;
    curl_easy_getinfo(f->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    return length;
}

static int judge(struct fetch *f, struct err *err)
{
    long status = 0;
    int64_t total;

    if (f->judged)
        return 0;
    f->judged = true;
    curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200 && status != 206)
        return FAIL(err, ERR_SOURCE, "%.120s: the server answered %ld", f->d->url, status);
    if (status == 206 && !is_our_part(f))
        return FAIL(err, ERR_SOURCE, "%.120s: the server sent a part that nobody asked for", f->d->url);
    total = announced(f, status);
    if (total >= 0 && total != f->d->size)
        return FAIL(err, ERR_SOURCE, "%.120s has %lld bytes, not the %lld of the catalogue", f->d->url,
                    (long long)total, (long long)f->d->size);
    f->at = status == 206 ? f->d->from : 0;
    return 0;
}

/* ---- the body ---- */

static int take(struct fetch *f, struct bytes piece, struct err *err)
{
    if (judge(f, err) < 0)
        return -1;
    if ((int64_t)piece.len > f->d->size - f->at)
        return FAIL(err, ERR_SOURCE, "%.120s is longer than the %lld bytes of the catalogue", f->d->url,
                    (long long)f->d->size);
    if (f->d->data(f->d->arg, f->at, piece, err) < 0)
        return -1;
    f->at += (int64_t)piece.len;
    return 0;
}

static size_t write_body(char *data, size_t size, size_t n, void *arg)
{
    struct fetch *f = arg;

    return take(f, bytes_of(data, size * n), &f->stop) < 0 ? 0 : size * n;
}

/* ---- the request ---- */

/* libcurl reads https_proxy and HTTPS_PROXY, but of http only the name in lower case, since a web server sets
 * HTTP_PROXY from a header. A command is no web server. */
static const char *proxy_of(const char *url)
{
    const char *proxy = getenv("HTTP_PROXY"), *lower = getenv("http_proxy");

    return text_starts(url, "http:") && proxy && *proxy && !lower ? proxy : NULL;
}

static void set(CURL *e, struct fetch *f)
{
    const struct download *d = f->d;

    curl_easy_setopt(e, CURLOPT_URL, d->url);
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_REDIR_PROTOCOLS_STR, text_starts(d->url, "https:") ? "https" : "http,https");
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(e, CURLOPT_MAXREDIRS, (long)REDIRECTS);
    curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(e, CURLOPT_USERAGENT, d->user_agent ? d->user_agent : "assay");
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)(d->connect_ms ? d->connect_ms : CONNECT_MS));
    curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, (long)SLOWEST);
    curl_easy_setopt(e, CURLOPT_LOW_SPEED_TIME, (long)(d->silence_s ? d->silence_s : SILENCE_S));
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, write_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, f);
    if (d->from > 0) { /* not RESUME_FROM: whoever knows no ranges sends the whole file, and that is fine */
        snprintf(f->range, sizeof f->range, "%lld-", (long long)d->from);
        curl_easy_setopt(e, CURLOPT_RANGE, f->range);
    }
    if (d->ca_file)
        curl_easy_setopt(e, CURLOPT_CAINFO, d->ca_file);
    if (proxy_of(d->url))
        curl_easy_setopt(e, CURLOPT_PROXY, proxy_of(d->url));
}

/* ---- the end ---- */

static int describe(const struct fetch *f, CURLcode code, bool *ret_again, struct err *err)
{
    const char *url = f->d->url;

    *ret_again = code == CURLE_PARTIAL_FILE || code == CURLE_RECV_ERROR || code == CURLE_OPERATION_TIMEDOUT ||
                 code == CURLE_GOT_NOTHING || code == CURLE_HTTP2_STREAM || code == CURLE_SEND_ERROR;
    if (code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY)
        return FAIL(err, ERR_SOURCE,
                    "the name of the server in %.120s is unknown here; without network use --from DIR", url);
    if (code == CURLE_COULDNT_CONNECT)
        return FAIL(err, ERR_SOURCE,
                    "the server of %.120s takes no connection; without network use --from DIR", url);
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CONNECT_ERROR)
        return FAIL(err, ERR_SOURCE, "the server of %.120s does not prove its name (TLS)", url);
    if (code == CURLE_UNSUPPORTED_PROTOCOL)
        return FAIL(err, ERR_SOURCE, "%.120s is redirected from https to plain http, or to what is neither",
                    url);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return FAIL(err, ERR_TIMEOUT, "the server of %.120s is silent or too slow", url);
    if (f->at > 0)
        return FAIL(err, ERR_SOURCE, "%.120s broke off after %lld of %lld bytes", url, (long long)f->at,
                    (long long)f->d->size);
    return FAIL(err, ERR_SOURCE, "%.120s: %s", url, curl_easy_strerror(code));
}

static int conclude(struct fetch *f, CURLcode code, bool *ret_again, struct err *err)
{
    if (code == CURLE_OK)
        judge(f, &f->stop); /* an empty body was never judged */
    if (f->stop.kind != ERR_NONE) {
        *err = f->stop;
        return -1;
    }
    if (code != CURLE_OK)
        return describe(f, code, ret_again, err);
    if (f->at == f->d->size)
        return 0;
    *ret_again = true;
    return FAIL(err, ERR_SOURCE, "%.120s broke off after %lld of %lld bytes", f->d->url, (long long)f->at,
                (long long)f->d->size);
}

int download(const struct download *d, bool *ret_again, struct err *err)
{
    CLEANUP(easy_freep) CURL *e = NULL;
    struct fetch f = {.d = d};
    CURLcode code;

    *ret_again = false;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    signal(SIGPIPE, SIG_IGN);
    e = curl_easy_init();
    if (!e)
        return FAIL(err, ERR_IO, "libcurl cannot begin a request");
    f.easy = e;
    set(e, &f);
    code = curl_easy_perform(e);
    return conclude(&f, code, ret_again, err);
}
