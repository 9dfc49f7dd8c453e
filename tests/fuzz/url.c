/* The URL guard: what passes is plain, and libcurl reads the same host and port out of it. */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "net/guard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *part(CURLU *u, CURLUPart what, unsigned flags)
{
    char *text = NULL;

    return curl_url_get(u, what, &text, flags) == CURLUE_OK ? text : NULL;
}

/* libcurl keeps the brackets. */
static void compare_host(const struct url *url, const char *host)
{
    size_t n = strlen(host);

    if (host[0] == '[') {
        uint8_t ours[16], theirs[16];
        char text[64] = "";
        if (n < 3 || n > sizeof text)
            abort();
        memcpy(text, host + 1, n - 2);
        if (inet_pton(AF_INET6, url->host, ours) != 1 || inet_pton(AF_INET6, text, theirs) != 1 ||
            memcmp(ours, theirs, 16) != 0)
            abort();
    } else if (strcasecmp(url->host, host) != 0) {
        abort();
    }
}

static void compare(const char *text, const struct url *url)
{
    CURLU *u = curl_url();
    char *host, *port, *user;

    if (curl_url_set(u, CURLUPART_URL, text, 0) != CURLUE_OK)
        goto end; /* libcurl is stricter: then nothing is sent */
    host = part(u, CURLUPART_HOST, 0);
    port = part(u, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    user = part(u, CURLUPART_USER, 0);
    if (!host || !port || user || atoi(port) != url->port)
        abort();
    compare_host(url, host);
    curl_free(host);
    curl_free(port);
end:
    curl_url_cleanup(u);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(freep) char *text = mem_alloc(size + 1);
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct guard g = {.allow_http = size % 2};
    struct url url;

    memcpy(text, data, size);
    guard_parse_allow(a, text, &g, NULL);
    g.nallow = 0;
    if (url_check(text, &g, &url, NULL) < 0)
        return 0;
    if (strpbrk(text, " \r\n\t\\#") || url.port < 1 || url.port > 65535 || !url.host[0])
        abort();
    compare(text, &url);
    return 0;
}
