/* Files that somebody named by a URL. The head of every answer is judged before a byte of its body is handed
 * on, and every hop of a redirect is a request of its own: its URL goes through the guard, its address
 * through the guard's other half when the socket is made. */
#include <ctype.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "net/client_int.h"

struct get {
    struct transfer transfer; /* first */
    struct client_get ask;
    struct err stop; /* why we have broken off, if we have */
    int64_t received;
    int hops;
    bool tls;      /* this hop */
    bool redirect; /* this answer is one */
    bool judged, dropped;
};

static const char unknown[] = "the address of the URL is private, or its name is unknown";

/* ---- the head of an answer ---- */

/* What a server may call media; NULL is fine, too. Everything else says that this is not the file but a page
 * about it. */
static const char *const types[] = {"application/octet-stream",
                                    "binary/octet-stream", /* what S3 says of anything */
                                    "application/x-octet-stream",
                                    "application/mp4",
                                    "application/ogg",
                                    "application/mxf",
                                    "application/x-matroska",
                                    NULL};

static bool is_media(const char *type)
{
    if (!type || !*type || text_starts(type, "video/") || text_starts(type, "image/") ||
        text_starts(type, "audio/"))
        return true;
    for (const char *const *t = types; *t; t++)
        if (text_is(*t, type))
            return true;
    return false;
}

/* "Text/HTML; charset=utf-8" gives "text/html"; what no type has becomes '?'. */
static void essence(const char *header, char *dst, size_t size)
{
    text_copy(dst, size, header ? header : "");
    dst[strcspn(dst, "; \t,")] = '\0';
    for (char *c = dst; *c; c++)
        *c = isalnum((unsigned char)*c) || strchr("/.+-_", *c) ? (char)tolower((unsigned char)*c) : '?';
}

/* The only header of that name in the present answer; NULL when there is none, "?" when there are several. */
static const char *header(CURL *e, const char *name)
{
    struct curl_header *h;

    if (curl_easy_header(e, name, 0, CURLH_HEADER, -1, &h) != CURLHE_OK)
        return NULL;
    return h->amount == 1 ? h->value : "?";
}

static int judge_type(CURL *e, struct err *err)
{
    const char *encoding = header(e, "Content-Encoding");
    char type[64];

    essence(header(e, "Content-Type"), type, sizeof type);
    if (!is_media(type))
        return FAIL(err, ERR_SOURCE, "the server says that the URL is %s, which is no video, image or sound",
                    type);
    if (encoding && *encoding && !text_is_nocase(encoding, "identity"))
        return FAIL(err, ERR_SOURCE, "the server sends the file packed although it was asked not to");
    return 0;
}

static int too_large(const struct get *g, struct err *err)
{
    return FAIL(err, ERR_LIMIT, "the file at the URL is larger than %lld bytes, the most this server takes",
                (long long)g->ask.max_bytes);
}

static int judge_status(struct get *g, struct err *err)
{
    long status = 0;

    curl_easy_getinfo(g->transfer.easy, CURLINFO_RESPONSE_CODE, &status);
    g->redirect = status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
    if (status == 200 || g->redirect)
        return 0;
    return FAIL(err, ERR_SOURCE, "the server answered %ld", status);
}

/* Once, before the first byte of a body or at its end. */
static int judge(struct get *g, struct err *err)
{
    CURL *e = g->transfer.easy;
    curl_off_t length = -1;

    if (g->judged)
        return 0;
    g->judged = true;
    if (judge_status(g, err) < 0)
        return -1;
    if (g->redirect)
        return 0;
    curl_easy_getinfo(e, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    if (judge_type(e, err) < 0)
        return -1;
    return length > g->ask.max_bytes ? too_large(g, err) : 0;
}

/* ---- the body ---- */

static int take(struct get *g, struct bytes piece, struct err *err)
{
    if (judge(g, err) < 0)
        return -1;
    if (g->redirect) { /* what it says beside the address is for people */
        g->dropped = true;
        return -1;
    }
    g->received += (int64_t)piece.len;
    if (g->received > g->ask.max_bytes)
        return too_large(g, err);
    return g->ask.data(g->ask.arg, piece, err);
}

static size_t write_body(char *data, size_t size, size_t n, void *arg)
{
    return take(arg, bytes_of(data, size * n), &((struct get *)arg)->stop) < 0 ? 0 : size * n;
}

static int still_wanted(void *arg, curl_off_t total UNUSED, curl_off_t now UNUSED, curl_off_t ul_total UNUSED,
                        curl_off_t ul_now UNUSED)
{
    struct get *g = arg;

    return g->ask.wanted && !g->ask.wanted(g->ask.arg);
}

/* ---- the request ---- */

static int64_t elapsed_ms(const struct get *g)
{
    return (clock_mono_us() - g->transfer.begun_us) / 1000;
}

static void set(CURL *e, struct transfer *t)
{
    struct get *g = (struct get *)t;
    const struct client_opts *opts = client_opts_of(t);
    int64_t left = g->ask.total_ms - elapsed_ms(g);

    g->tls = text_starts(t->url, "https:");
    g->judged = g->redirect = g->dropped = false;
    curl_easy_setopt(e, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, left > 0 ? (long)left : 1L);
    curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, (long)opts->min_speed);
    curl_easy_setopt(e, CURLOPT_LOW_SPEED_TIME, (long)opts->min_speed_s);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, write_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, g);
    curl_easy_setopt(e, CURLOPT_XFERINFOFUNCTION, still_wanted);
    curl_easy_setopt(e, CURLOPT_XFERINFODATA, g);
    curl_easy_setopt(e, CURLOPT_NOPROGRESS, 0L);
}

/* ---- redirects ---- */

/* Where the answer points, relative to where we are, without a fragment; NULL when that is no URL. */
static char *target_of(struct get *g)
{
    const char *location = header(g->transfer.easy, "Location");
    CURLU *u = curl_url();
    char *text = NULL, *kept = NULL;

    if (u && location && curl_url_set(u, CURLUPART_URL, g->transfer.url, 0) == CURLUE_OK &&
        curl_url_set(u, CURLUPART_URL, location, CURLU_URLENCODE) == CURLUE_OK &&
        curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0) == CURLUE_OK &&
        curl_url_get(u, CURLUPART_URL, &text, 0) == CURLUE_OK)
        kept = arena_strdup(g->transfer.arena, text);
    curl_free(text);
    curl_url_cleanup(u);
    return kept;
}

/* Not a word about where it leads: that may be somebody's secret. */
static int follow(struct get *g, struct err *err)
{
    const struct client_opts *opts = client_opts_of(&g->transfer);
    char *target = target_of(g);
    struct url where;

    if (g->hops == opts->max_redirects)
        return FAIL(err, ERR_SOURCE, "the URL is redirected more than %d times", opts->max_redirects);
    if (!target || url_check(target, opts->guard, &where, NULL) < 0)
        return FAIL(err, ERR_SOURCE,
                    "the URL is redirected to an address that this server does not fetch from");
    if (g->tls && !where.tls)
        return FAIL(err, ERR_SOURCE, "the URL is redirected from https to plain http");
    g->hops++;
    g->transfer.url = target;
    return 0;
}

/* ---- the end ---- */

static int describe(const struct get *g, CURLcode code, bool *ret_again, struct err *err)
{
    *ret_again = code != CURLE_OPERATION_TIMEDOUT;
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return FAIL(err, ERR_CANCELLED, "nobody wants the file any more");
    if (code == CURLE_COULDNT_RESOLVE_HOST || g->transfer.refused[0])
        return FAIL(err, ERR_SOURCE, "%s", unknown);
    if (code == CURLE_OPERATION_TIMEDOUT && elapsed_ms(g) + 1 >= g->ask.total_ms)
        return FAIL(err, ERR_TIMEOUT, "the file at the URL was not here after %d ms", g->ask.total_ms);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return FAIL(err, ERR_TIMEOUT, "the server of the URL is silent or too slow");
    if (code == CURLE_PARTIAL_FILE || g->received)
        return FAIL(err, ERR_SOURCE, "the file at the URL broke off after %lld bytes",
                    (long long)g->received);
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CONNECT_ERROR)
        return FAIL(err, ERR_SOURCE, "the server of the URL does not prove its name (TLS)");
    if (code == CURLE_COULDNT_CONNECT)
        return FAIL(err, ERR_SOURCE, "the server of the URL takes no connection");
    return FAIL(err, ERR_SOURCE, "the server of the URL gives no answer that is HTTP");
}

static bool is_passing(long status)
{
    return status == 408 || status == 429 || status >= 500;
}

/* The answer is complete, or we have broken it off. */
static int conclude(struct get *g, long status, CURLcode code, struct client_result *result)
{
    struct err *err = &result->err;

    if (code == CURLE_OK && judge(g, &g->stop) < 0)
        code = CURLE_WRITE_ERROR;
    if (g->stop.kind != ERR_NONE) {
        *err = g->stop;
        result->again =
            is_passing(status) || err->kind == ERR_IO || err->kind == ERR_BUSY || err->kind == ERR_FULL;
        return -1;
    }
    if (g->redirect && (code == CURLE_OK || g->dropped))
        return 0;
    if (code != CURLE_OK)
        return describe(g, code, &result->again, err);
    if (!g->received)
        return FAIL(err, ERR_SOURCE, "the file at the URL is empty");
    return 0;
}

static bool end(struct transfer *t, CURLcode code, struct client_result *result)
{
    struct get *g = (struct get *)t;
    long status = 0;

    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    result->status = (int)status;
    if (conclude(g, status, code, result) < 0)
        return true;
    return !g->redirect || follow(g, &result->err) < 0;
}

static const struct transfer_kind kind = {set, end};

void client_get(struct client *c, const struct client_get *get)
{
    struct arena *a = arena_new();
    struct get *g = arena_alloc(a, sizeof *g);

    *g = (struct get){.transfer = {.kind = &kind, .done = get->done, .arg = get->arg}, .ask = *get};
    g->transfer.url = arena_strdup(a, get->url);
    g->transfer.headers = curl_slist_append(NULL, "Accept-Encoding: identity");
    client_begin(c, &g->transfer, a);
}
