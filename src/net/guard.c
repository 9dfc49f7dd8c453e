#include "net/guard.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/text.h"

/* ---- addresses ---- */

/* IPv4 networks that are not public unicast (IANA special-purpose registry), in network order. */
static const struct {
    uint8_t net[4];
    int bits;
} forbidden4[] = {
    {{0, 0, 0, 0}, 8},        /* "this" network */
    {{10, 0, 0, 0}, 8},       /* private */
    {{100, 64, 0, 0}, 10},    /* carrier-grade NAT */
    {{127, 0, 0, 0}, 8},      /* loopback */
    {{168, 63, 129, 16}, 32}, /* a cloud's platform service behind a public address */
    {{169, 254, 0, 0}, 16},   /* link-local, and the metadata service 169.254.169.254 */
    {{172, 16, 0, 0}, 12},    /* private */
    {{192, 0, 0, 0}, 24},     /* protocol assignments */
    {{192, 0, 2, 0}, 24},     /* documentation */
    {{192, 88, 99, 0}, 24},   /* 6to4 relays */
    {{192, 168, 0, 0}, 16},   /* private */
    {{198, 18, 0, 0}, 15},    /* benchmarks */
    {{198, 51, 100, 0}, 24},  /* documentation */
    {{203, 0, 113, 0}, 24},   /* documentation */
    {{224, 0, 0, 0}, 4},      /* multicast */
    {{240, 0, 0, 0}, 4},      /* reserved, and broadcast */
};

/* Parts of 2000::/3 that are not public unicast; whatever is outside 2000::/3 is not anyway. */
static const struct {
    uint8_t net[6];
    int bits;
} forbidden6[] = {
    {{0x20, 0x01, 0x00}, 23},                   /* protocol assignments: Teredo, benchmarks, ORCHID */
    {{0x20, 0x01, 0x0d, 0xb8}, 32},             /* documentation */
    {{0x20, 0x02}, 16},                         /* 6to4: carries an IPv4 address */
    {{0x3f, 0xfe}, 16},                         /* the old test network */
    {{0x3f, 0xff, 0x00}, 20},                   /* documentation */
    {{0x26, 0x20, 0x00, 0x4f, 0x80, 0x00}, 48}, /* AS112: answers for private names */
};

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b};
static const uint8_t isatap[4] = {0, 0, 0x5e, 0xfe};

static bool in_net(const uint8_t *address, const uint8_t *net, int bits)
{
    int whole = bits / 8, rest = bits % 8;

    if (memcmp(address, net, (size_t)whole) != 0)
        return false;
    return rest == 0 || ((address[whole] ^ net[whole]) >> (8 - rest)) == 0;
}

static bool is_forbidden4(const uint8_t address[4])
{
    for (size_t i = 0; i < COUNT_OF(forbidden4); i++)
        if (in_net(address, forbidden4[i].net, forbidden4[i].bits))
            return true;
    return false;
}

static bool is_forbidden6(const uint8_t address[16])
{
    if (memcmp(address, mapped, 12) == 0 || memcmp(address, nat64, 12) == 0)
        return is_forbidden4(address + 12); /* that is where the packets go */
    if ((address[0] & 0xe0) != 0x20)
        return true;
    for (size_t i = 0; i < COUNT_OF(forbidden6); i++)
        if (in_net(address, forbidden6[i].net, forbidden6[i].bits))
            return true;
    /* ISATAP: the last four bytes are an IPv4 address of the inside. The bit 0x02 says "unique worldwide". */
    return (address[8] & 0xfd) == 0 && memcmp(address + 9, isatap + 1, 3) == 0;
}

/* The address as 16 bytes, IPv4 mapped; what NAT64 carries counts as IPv4. */
static void unify(const uint8_t address[16], uint8_t ret[16])
{
    memcpy(ret, address, 16);
    if (memcmp(address, nat64, 12) == 0)
        memcpy(ret, mapped, 12);
}

static bool is_allowed(const struct guard *g, const uint8_t address[16])
{
    uint8_t unified[16];

    unify(address, unified);
    for (size_t i = 0; i < g->nallow; i++)
        if (in_net(unified, g->allow[i].address, g->allow[i].bits))
            return true;
    return false;
}

static bool is_forbidden(const struct guard *g, const uint8_t address[16])
{
    return is_forbidden6(address) && !is_allowed(g, address);
}

static void map4(const void *address4, uint8_t ret[16])
{
    memcpy(ret, mapped, 12);
    memcpy(ret + 12, address4, 4);
}

bool address_is_forbidden(const struct guard *g, const struct sockaddr *address)
{
    uint8_t bytes[16];

    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        map4(&in.sin_addr, bytes);
    } else if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof in6);
        memcpy(bytes, &in6.sin6_addr, 16);
    } else {
        return true;
    }
    return is_forbidden(g, bytes);
}

/* ---- the list of exceptions ---- */

/* An address by its only spelling; ret_most: bits of its family, ret_offset: bits in front of it in 16 bytes.
 */
static bool parse_address(const char *text, uint8_t ret[16], int *ret_most, int *ret_offset)
{
    uint8_t four[4];

    *ret_most = strchr(text, ':') ? 128 : 32;
    *ret_offset = 128 - *ret_most;
    if (*ret_most == 128)
        return inet_pton(AF_INET6, text, ret) == 1;
    if (inet_pton(AF_INET, text, four) != 1)
        return false;
    map4(four, ret);
    return true;
}

static int parse_cidr(const char *text, struct cidr *ret, struct err *err)
{
    char address[64];
    const char *slash = strchr(text, '/');
    int most, offset;
    int64_t bits;

    text_copy(address, sizeof address, text);
    if (slash && (size_t)(slash - text) < sizeof address)
        address[slash - text] = '\0';
    if (!parse_address(address, ret->address, &most, &offset))
        return FAIL(err, ERR_INPUT, "'%.64s' is no address or network like 10.1.2.0/24", text);
    bits = most;
    if (slash && (!isdigit((unsigned char)slash[1]) || !text_to_i64(slash + 1, &bits) || bits > most))
        return FAIL(err, ERR_INPUT, "'%.64s': the part after the slash must be 0 to %d", text, most);
    ret->bits = offset + (int)bits;
    return 0;
}

int guard_parse_allow(struct arena *a, const char *list, struct guard *g, struct err *err)
{
    char *copy = arena_strdup(a, list ? list : ""), *rest = copy, *word;
    struct cidr *allow = NULL;
    size_t n = 0, cap = 0;

    while ((word = strsep(&rest, ", \t")))
        if (*word && parse_cidr(word, &ARENA_PUSH(a, allow, n, cap), err) < 0)
            return -1;
    g->allow = allow;
    g->nallow = n;
    return 0;
}

/* ---- URLs ---- */

/* A URL on its way through the parser. */
struct parse {
    const struct guard *guard;
    struct url *url;
    struct err *err;
};

static const char *noun(const struct guard *g)
{
    return g->what ? g->what : "a webhook URL";
}

static int check_text(const char *text, const struct guard *g, struct err *err)
{
    size_t n = strnlen(text, URL_MAX + 1);

    if (n > URL_MAX)
        return FAIL(err, ERR_INPUT, "%s has at most %d characters", noun(g), URL_MAX);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c <= ' ' || c >= 0x7f)
            return FAIL(err, ERR_INPUT, "%s has no blanks, control or non-ASCII characters; encode them",
                        noun(g));
        if (strchr("\\\"<>^`{|}", c))
            return FAIL(err, ERR_INPUT, "%s has no '%c'; encode it", noun(g), c);
        if (c == '#')
            return FAIL(err, ERR_INPUT, "%s has no fragment ('#')", noun(g));
    }
    return 0;
}

static int take_scheme(struct parse *p, const char **text)
{
    if (strncasecmp(*text, "https://", 8) == 0) {
        p->url->tls = true;
        *text += 8;
        return 0;
    }
    if (strncasecmp(*text, "http://", 7) != 0)
        return FAIL(p->err, ERR_INPUT, "%s begins with https://%s", noun(p->guard),
                    p->guard->what && p->guard->allow_http ? " or http://" : "");
    if (!p->guard->allow_http)
        return FAIL(p->err, ERR_INPUT, "%s begins with https://; this server calls no plain http",
                    noun(p->guard));
    *text += 7;
    return 0;
}

static int take_port(struct parse *p, const char *text)
{
    size_t n = strlen(text);
    int64_t port = p->url->tls ? 443 : 80;

    if (n > 0) {
        bool digits = n <= 6 && strspn(text + 1, "0123456789") == n - 1 && text[1] != '0';
        if (text[0] != ':' || !digits || !text_to_i64(text + 1, &port) || port > 65535)
            return FAIL(p->err, ERR_INPUT, "%s's port is a number from 1 to 65535", noun(p->guard));
    }
    p->url->port = (int)port;
    return 0;
}

static int judge(struct parse *p, const uint8_t address[16])
{
    if (!is_forbidden(p->guard, address))
        return 0;
    if (p->guard->what)
        return FAIL(p->err, ERR_INPUT, "the address of %s is private: %.64s", p->guard->what, p->url->host);
    return FAIL(p->err, ERR_INPUT, "a webhook must not go to %.64s: it is not a public address",
                p->url->host);
}

static bool is_host_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

/* Letters, digits, hyphens and underscores between single dots, no dot at either end. */
static bool is_name(const char *host)
{
    size_t label = 0;

    for (const char *s = host; *s; s++) {
        if (!is_host_char(*s) || (*s == '.' && label == 0))
            return false;
        label = *s == '.' ? 0 : label + 1;
        if (label > 63)
            return false;
    }
    return label > 0;
}

/* Whether resolvers might read the name as a number: the last part is one, decimal, octal or hexadecimal. */
static bool ends_in_number(const char *host)
{
    const char *dot = strrchr(host, '.'), *last = dot ? dot + 1 : host;

    if (strspn(last, "0123456789") == strlen(last))
        return true;
    return last[0] == '0' && last[1] == 'x' && strspn(last + 2, "0123456789abcdef") == strlen(last + 2);
}

static bool is_localhost(const char *host)
{
    size_t n = strlen(host), k = strlen(".localhost");

    return text_is(host, "localhost") || (n > k && text_is(host + n - k, ".localhost"));
}

static int check_localhost(struct parse *p)
{
    static const uint8_t loopback4[4] = {127, 0, 0, 1}, loopback6[16] = {[15] = 1};
    uint8_t address[16];

    map4(loopback4, address);
    return is_allowed(p->guard, loopback6) ? 0 : judge(p, address);
}

static int check_host4(struct parse *p)
{
    uint8_t address[16];
    int most, offset;

    if (!is_name(p->url->host))
        return FAIL(p->err, ERR_INPUT, "%s needs a host name: letters, digits, hyphens and dots",
                    noun(p->guard));
    if (is_localhost(p->url->host))
        return check_localhost(p);
    if (!ends_in_number(p->url->host))
        return 0;
    if (!parse_address(p->url->host, address, &most, &offset))
        return FAIL(p->err, ERR_INPUT, "%s's address is written like 203.0.114.7", noun(p->guard));
    return judge(p, address);
}

static int check_host6(struct parse *p)
{
    uint8_t address[16];

    if (inet_pton(AF_INET6, p->url->host, address) != 1)
        return FAIL(p->err, ERR_INPUT, "what stands in the brackets of %s is no IPv6 address",
                    noun(p->guard));
    return judge(p, address);
}

static int take_host(struct parse *p, const char *from, size_t n)
{
    if (n >= sizeof p->url->host)
        return FAIL(p->err, ERR_INPUT, "%s's host has at most %zu characters", noun(p->guard),
                    sizeof p->url->host - 1);
    for (size_t i = 0; i < n; i++)
        p->url->host[i] = (char)tolower((unsigned char)from[i]);
    p->url->host[n] = '\0';
    return 0;
}

/* host, host:port, [v6], [v6]:port */
static int take_authority(struct parse *p, const char *text)
{
    const char *end = *text == '[' ? strchr(text, ']') : text + strcspn(text, ":");

    if (!end)
        return FAIL(p->err, ERR_INPUT, "%s's IPv6 address ends with ']'", noun(p->guard));
    if (*text == '[') {
        if (take_host(p, text + 1, (size_t)(end - text) - 1) < 0 || check_host6(p) < 0)
            return -1;
        return take_port(p, end + 1);
    }
    if (take_host(p, text, (size_t)(end - text)) < 0 || check_host4(p) < 0)
        return -1;
    return take_port(p, end);
}

int url_check(const char *text, const struct guard *g, struct url *ret_url, struct err *err)
{
    struct url url = {0};
    struct parse p = {g, &url, err};
    char authority[URL_MAX + 1];

    if (check_text(text, g, err) < 0 || take_scheme(&p, &text) < 0)
        return -1;
    text_copy(authority, sizeof authority, text);
    authority[strcspn(authority, "/?")] = '\0';
    if (strchr(authority, '@'))
        return FAIL(err, ERR_INPUT, "%s has no user name and no password", noun(g));
    if (take_authority(&p, authority) < 0)
        return -1;
    snprintf(url.site, sizeof url.site, "%s:%d", url.host, url.port);
    if (ret_url)
        *ret_url = url;
    return 0;
}
