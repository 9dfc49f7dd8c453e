/* One file from an address which the operator named, at a command line: waits for it. Not for URLs that come
 * over the wire (net/client.h): there is no guard here, and the proxy of the environment is used (http_proxy,
 * HTTP_PROXY, https_proxy, HTTPS_PROXY, all_proxy, no_proxy and so on).
 *
 * Goes on where an earlier attempt broke off, follows redirects, but never from https to http. What comes is
 * whatever the other side says: whoever calls checks it. */
#ifndef ASSAY_NET_DOWNLOAD_H
#define ASSAY_NET_DOWNLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

struct download {
    const char *url;        /* http or https */
    int64_t from;           /* the first byte that is wanted: what was there before */
    int64_t size;           /* of the whole file; an answer of another size is ERR_SOURCE */
    const char *ca_file;    /* certificates trusted instead of the system's; NULL = the system's */
    const char *user_agent; /* NULL = "assay" */
    int connect_ms;         /* 0 = 15 s */
    int silence_s;          /* so long with less than 100 bytes a second end it; 0 = 30 */
    /* A piece, in order. `at`: its place in the file; 0 although `from` was asked for: the other side begins
     * from the start. Non-zero: that err ends it. */
    int (*data)(void *arg, int64_t at, struct bytes piece, struct err *err);
    void *arg;
};

/* 0: all bytes up to `size` were handed on. ERR_SOURCE, ERR_TIMEOUT with a sentence about the address;
 * *ret_again: it may go on another time from where it broke off. */
int download(const struct download *d, bool *ret_again, struct err *err);

#endif
