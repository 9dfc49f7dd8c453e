/* The guard against requests that others make us send (SSRF): which URLs a webhook or a file to fetch may
 * have, and which addresses we connect to. Pure: no resolver, no clock. A name is judged twice: its text when
 * somebody registers it (url_check), and the address it means at the moment of connecting
 * (address_is_forbidden), so a name that changes its mind in between gains nothing.
 *
 * Only one spelling of everything passes: what two parsers could read differently is refused. */
#ifndef ASSAY_NET_GUARD_H
#define ASSAY_NET_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/err.h"

enum { URL_MAX = 2048, URL_HOST_MAX = 254, URL_SITE_MAX = URL_HOST_MAX + 8 };

/* A network; IPv4 as ::ffff:a.b.c.d with 96 bits more. */
struct cidr {
    uint8_t address[16];
    int bits;
};

struct guard {
    bool allow_http;          /* plain http, too */
    const struct cidr *allow; /* networks which are fine although the table says no */
    size_t nallow;
    const char *what; /* the subject of the sentences; NULL = "a webhook URL" */
};

/* "127.0.0.1/32, fd00::/8, 10.1.2.3"; NULL or "" = none. The list lives in the arena. ERR_INPUT. */
int guard_parse_allow(struct arena *a, const char *list, struct guard *g, struct err *err);

struct url {
    bool tls;
    char host[URL_HOST_MAX]; /* lower case; an IPv6 address without its brackets */
    int port;
    char site[URL_SITE_MAX]; /* host:port, what "the same receiver" means */
};

/* ERR_INPUT and a sentence for whoever has sent it. An address as host is judged at once. ret_url may be
 * NULL. */
int url_check(const char *text, const struct guard *g, struct url *ret_url, struct err *err);

/* Anything that is not a public unicast address, unless the guard allows it. Other families are forbidden. */
bool address_is_forbidden(const struct guard *g, const struct sockaddr *address);

#endif
