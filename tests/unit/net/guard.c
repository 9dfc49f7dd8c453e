/* Which URLs and addresses pass the guard. */
#include "net/guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/c23.h"
#include "base/cleanup.h"
#include "test.h"

/* ---- URLs ---- */

/* What passes, and the receiver it means. */
static const struct {
    const char *text, *site;
} good[] = {
    {"https://example.org", "example.org:443"},
    {"https://example.org/", "example.org:443"},
    {"https://example.org/hook", "example.org:443"},
    {"https://example.org/hook?a=b&c=%20", "example.org:443"},
    {"https://example.org?a=b", "example.org:443"},
    {"HTTPS://EXAMPLE.ORG/Hook", "example.org:443"},
    {"https://example.org:443/", "example.org:443"},
    {"https://example.org:8443/", "example.org:8443"},
    {"https://example.org:1/", "example.org:1"},
    {"https://example.org:65535/", "example.org:65535"},
    {"https://example.org:22/odd-ports-are-fine", "example.org:22"},
    {"https://a.b.c.d.e.f.example.org/", "a.b.c.d.e.f.example.org:443"},
    {"https://xn--bcher-kva.example/", "xn--bcher-kva.example:443"},
    {"https://my_host.example.org/", "my_host.example.org:443"},
    {"https://intranet/hook", "intranet:443"},
    {"https://1password.com/", "1password.com:443"},
    {"https://127.0.0.1.example.org/", "127.0.0.1.example.org:443"},
    {"https://0x7f.example/", "0x7f.example:443"},
    {"https://example.0xyz/", "example.0xyz:443"},
    {"https://notlocalhost/", "notlocalhost:443"},
    {"https://localhost.example.org/", "localhost.example.org:443"},
    {"https://8.8.8.8/", "8.8.8.8:443"},
    {"https://1.1.1.1:444/x", "1.1.1.1:444"},
    {"https://[2606:4700:4700::1111]/", "2606:4700:4700::1111:443"},
    {"https://[2606:4700:4700::1111]:8443/", "2606:4700:4700::1111:8443"},
    {"https://[2001:4860:4860::8888]", "2001:4860:4860::8888:443"},
    {"https://[::ffff:8.8.8.8]/", "::ffff:8.8.8.8:443"},
    {"https://[64:ff9b::8.8.8.8]/", "64:ff9b::8.8.8.8:443"},
    {"https://example.org/a@b", "example.org:443"},
    {"https://example.org/?u=http://127.0.0.1/", "example.org:443"},
    {"https://example.org//evil.example/", "example.org:443"},
    {"https://example.org/../../x", "example.org:443"},
    {"https://example.org/:8080", "example.org:443"},
    {"https://example.org/[x]", "example.org:443"},
    {"https://a-b-c.example/", "a-b-c.example:443"},
    {"https://example.org/%00", "example.org:443"},
    {"https://example.org/a;b,c!d$e'f(g)h*i+j=k~l", "example.org:443"},
};

static void good_urls_pass(void)
{
    static const struct guard g;

    for (size_t i = 0; i < COUNT_OF(good); i++) {
        struct url url = {0};
        struct err err = {0};
        CHECK_INT(url_check(good[i].text, &g, &url, &err), 0);
        CHECK_STR(url.site, good[i].site);
        CHECK(url.tls);
        ROW("%s: %s", good[i].text, err.text);
    }
}

/* Refused by a server with the default guard, each with a sentence that holds this word. */
static const struct {
    const char *text, *word;
} bad[] = {
    /* no URL at all */
    {"", "https://"},
    {"https", "https://"},
    {"https:", "https://"},
    {"https:/", "https://"},
    {"https:/example.org/", "https://"},
    {"//example.org/", "https://"},
    {"example.org", "https://"},
    {"/hook", "https://"},
    {"https://", "host name"},
    {"https:///", "host name"},
    {"https:///hook", "host name"},
    {"https://?x", "host name"},
    {"https://:443/", "host name"},
    /* other schemes */
    {"http://example.org/", "plain http"},
    {"HTTP://example.org/", "plain http"},
    {"ftp://example.org/", "https://"},
    {"file:///etc/passwd", "https://"},
    {"gopher://127.0.0.1:6379/_FLUSHALL", "https://"},
    {"dict://127.0.0.1:11211/stat", "https://"},
    {"ldap://127.0.0.1/", "https://"},
    {"smb://host/share", "https://"},
    {"javascript:alert(1)", "https://"},
    {"data:text/plain,x", "https://"},
    {"ws://example.org/", "https://"},
    {"httpss://example.org/", "https://"},
    {"https//example.org", "https://"},
    {"https;//example.org", "https://"},
    /* characters */
    {" https://example.org/", "blanks"},
    {"https://example.org/ ", "blanks"},
    {"https://example.org/a b", "blanks"},
    {"https://exam ple.org/", "blanks"},
    {"https://example.org/\n", "blanks"},
    {"https://example.org/\r\nX-Injected: 1", "blanks"},
    {"https://example.org\t/", "blanks"},
    {"https://example.org/\x01", "blanks"},
    {"https://example.org/\x7f", "blanks"},
    {"\thttps://example.org/", "blanks"},
    {"https://b\xc3\xbc"
     "cher.example/",
     "non-ASCII"},
    {"https://127\xe3\x80\x82"
     "0\xe3\x80\x82"
     "0\xe3\x80\x82"
     "1/",
     "non-ASCII"}, /* ideographic full stops */
    {"https://127\xef\xbc\x8e"
     "0.0.1/",
     "non-ASCII"}, /* full-width full stop */
    {"https://127\xef\xbd\xa1"
     "0.0.1/",
     "non-ASCII"},                                                        /* half-width ideographic */
    {"https://\xe2\x91\xa0\xe2\x91\xa1\xe2\x91\xa6.0.0.1/", "non-ASCII"}, /* circled digits */
    {"https://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1/", "non-ASCII"}, /* full-width digits */
    {"https://\xe2\x93\x9b"
     "ocalhost/",
     "non-ASCII"},
    {"https://exa\xc2\xadmple.org/", "non-ASCII"}, /* soft hyphen */
    {"https://example.org/\xff", "non-ASCII"},
    {"https://example.org\\@127.0.0.1/", "'\\'"},
    {"https:\\\\127.0.0.1\\", "'\\'"},
    {"https://example.org/{x}", "'{'"},
    {"https://{127.0.0.1,example.org}/", "'{'"},
    {"https://example.org/<x>", "'<'"},
    {"https://example.org/\"", "'\"'"},
    {"https://example.org/`id`", "'`'"},
    {"https://example.org/a|b", "'|'"},
    {"https://example.org/^", "'^'"},
    {"https://example.org/#part", "fragment"},
    {"https://example.org#@127.0.0.1/", "fragment"},
    {"https://127.0.0.1#example.org", "fragment"},
    /* user names */
    {"https://user@example.org/", "user name"},
    {"https://user:pass@example.org/", "user name"},
    {"https://@example.org/", "user name"},
    {"https://:@example.org/", "user name"},
    {"https://example.org@127.0.0.1/", "user name"},
    {"https://example.org:443@127.0.0.1/", "user name"},
    {"https://a@b@127.0.0.1/", "user name"},
    {"https://127.0.0.1@example.org/", "user name"},
    {"https://example.org:80@127.0.0.1:22/", "user name"},
    {"https://[::1]@example.org/", "user name"},
    {"https://example.org%40127.0.0.1/", "host name"},
    {"https://example.org%2f@127.0.0.1/", "user name"},
    {"https://foo@[::1]/", "user name"},
    /* ports */
    {"https://example.org:/", "port"},
    {"https://example.org:0/", "port"},
    {"https://example.org:00443/", "port"},
    {"https://example.org:0443/", "port"},
    {"https://example.org:65536/", "port"},
    {"https://example.org:99999/", "port"},
    {"https://example.org:4294967739/", "port"},
    {"https://example.org:-1/", "port"},
    {"https://example.org:+443/", "port"},
    {"https://example.org:443x/", "port"},
    {"https://example.org:0x1bb/", "port"},
    {"https://example.org:443:80/", "port"},
    {"https://example.org:http/", "port"},
    {"https://[2606:4700:4700::1111]x/", "port"},
    {"https://[2606:4700:4700::1111]443/", "port"},
    {"https://[2606:4700:4700::1111]:/", "port"},
    {"https://8.8.8.8:/", "port"},
    /* names */
    {"https://example.org./", "host name"},
    {"https://example.org../", "host name"},
    {"https://.example.org/", "host name"},
    {"https://example..org/", "host name"},
    {"https://./", "host name"},
    {"https://../", "host name"},
    {"https://exam%70le.org/", "host name"},
    {"https://%31%32%37.0.0.1/", "host name"},
    {"https://example.org%00.evil.example/", "host name"},
    {"https://example,org/", "host name"},
    {"https://example.org;/", "host name"},
    {"https://exa*mple.org/", "host name"},
    {"https://exa$mple.org/", "host name"},
    {"https://example.org&x/", "host name"},
    {"https://(example.org)/", "host name"},
    {"https://exa!mple/", "host name"},
    {"https://exa~mple/", "host name"},
    {"https://exa'mple/", "host name"},
    {"https://exa=mple/", "host name"},
    {"https://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example/", "host name"},
    {"https://127.0.0.1./", "host name"},
    {"https://2130706433./", "host name"},
    {"https://localhost./", "host name"},
    {"https://localhost/", "public"},
    {"https://LOCALHOST/", "public"},
    {"https://LocalHost:8443/x", "public"},
    {"https://a.localhost/", "public"},
    {"https://a.b.LOCALHOST/", "public"},
    /* numbers for names: one spelling only */
    {"https://2130706433/", "written like"},
    {"https://0x7f000001/", "written like"},
    {"https://0X7F000001/", "written like"},
    {"https://017700000001/", "written like"},
    {"https://127.1/", "written like"},
    {"https://127.0.1/", "written like"},
    {"https://127.0.0.01/", "written like"},
    {"https://0127.0.0.1/", "written like"},
    {"https://0177.0.0.1/", "written like"},
    {"https://0177.0.0.01/", "written like"},
    {"https://0x7f.0.0.1/", "written like"},
    {"https://0x7f.0x0.0x0.0x1/", "written like"},
    {"https://127.0.0.0x1/", "written like"},
    {"https://0x7f.1/", "written like"},
    {"https://127.0.0.1.1/", "written like"},
    {"https://127.0.0.256/", "written like"},
    {"https://127.0.0.1000/", "written like"},
    {"https://383.0.0.1/", "written like"},
    {"https://0/", "written like"},
    {"https://00/", "written like"},
    {"https://0x/", "written like"},
    {"https://0x0/", "written like"},
    {"https://1/", "written like"},
    {"https://8.8/", "written like"},
    {"https://134744072/", "written like"}, /* 8.8.8.8, but spelt oddly */
    {"https://4294967296/", "written like"},
    {"https://18446744073709551617/", "written like"},
    {"https://0xa9fea9fe/", "written like"},
    {"https://2852039166/", "written like"},
    {"https://0251.0376.0251.0376/", "written like"},
    {"https://169.254.43518/", "written like"},
    {"https://10.1/", "written like"},
    {"https://example.1/", "written like"},
    {"https://example.0x1/", "written like"},
    {"https://a.b.c.4/", "written like"},
    {"https://1e3.0x10/", "written like"},
    {"https://1.2.3.4.5.6/", "written like"},
    /* addresses */
    {"https://127.0.0.1/", "public"},
    {"https://127.0.0.1:443/", "public"},
    {"https://127.255.255.254/", "public"},
    {"https://127.1.2.3/", "public"},
    {"https://0.0.0.0/", "public"},
    {"https://0.1.2.3/", "public"},
    {"https://10.0.0.1/", "public"},
    {"https://100.64.0.1/", "public"},
    {"https://169.254.169.254/latest/meta-data/", "public"},
    {"https://172.16.0.1/", "public"},
    {"https://192.168.1.1/", "public"},
    {"https://255.255.255.255/", "public"},
    {"https://224.0.0.1/", "public"},
    {"https://[::1]/", "public"},
    {"https://[::1]:443/", "public"},
    {"https://[0:0:0:0:0:0:0:1]/", "public"},
    {"https://[0000:0000:0000:0000:0000:0000:0000:0001]/", "public"},
    {"https://[::]/", "public"},
    {"https://[::ffff:127.0.0.1]/", "public"},
    {"https://[::FFFF:127.0.0.1]/", "public"},
    {"https://[::ffff:7f00:1]/", "public"},
    {"https://[0:0:0:0:0:ffff:10.0.0.1]/", "public"},
    {"https://[::127.0.0.1]/", "public"},
    {"https://[64:ff9b::127.0.0.1]/", "public"},
    {"https://[64:ff9b::a9fe:a9fe]/", "public"},
    {"https://[64:ff9b:1::8.8.8.8]/", "public"},
    {"https://[2002:7f00:1::]/", "public"},
    {"https://[2001:0:4136:e378:8000:63bf:80ff:fffe]/", "public"},
    {"https://[fe80::1]/", "public"},
    {"https://[fc00::1]/", "public"},
    {"https://[fd00:ec2::254]/", "public"},
    {"https://[ff02::1]/", "public"},
    /* brackets */
    {"https://[::1/", "']'"},
    {"https://[", "']'"},
    {"https://[]/", "IPv6"},
    {"https://[fe80::1%25eth0]/", "IPv6"},
    {"https://[fe80::1%eth0]/", "IPv6"},
    {"https://[127.0.0.1]/", "IPv6"},
    {"https://[example.org]/", "IPv6"},
    {"https://[::1::1]/", "IPv6"},
    {"https://[::ffff:0x7f.0.0.1]/", "IPv6"},
    {"https://[::ffff:0177.0.0.1]/", "IPv6"},
    {"https://[::ffff:127.1]/", "IPv6"},
    {"https://[v1.127.0.0.1]/", "IPv6"},
    {"https://[12345::1]/", "IPv6"},
    {"https://[[::1]]/", "IPv6"},
    {"https://::1/", "host name"},
    {"https://2606:4700:4700::1111/", "written like"},
    {"https://x[::1]/", "host name"},
};

static void bad_urls_are_refused(void)
{
    static const struct guard g;

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct url url = {.port = -1};
        struct err err = {0};
        CHECK_INT(url_check(bad[i].text, &g, &url, &err), -1);
        CHECK_INT(err.kind, ERR_INPUT);
        CHECK(strstr(err.text, bad[i].word) != NULL);
        CHECK_INT(url.port, -1);
        ROW("%s: %s", bad[i].text, err.text);
    }
}

static void long_urls_are_refused(void)
{
    static const struct guard g;
    char text[URL_MAX + 2] = "https://example.org/", host[400] = "https://";

    memset(text + 20, 'a', sizeof text - 20);
    text[URL_MAX + 1] = '\0';
    CHECK_INT(url_check(text, &g, NULL, NULL), -1);
    text[URL_MAX] = '\0';
    CHECK_INT(url_check(text, &g, NULL, NULL), 0);
    for (size_t i = 8; i < 8 + 254; i++)
        host[i] = i % 10 == 5 ? '.' : 'a';
    CHECK_INT(url_check(host, &g, NULL, NULL), -1);
    host[8 + 253] = '\0';
    CHECK_INT(url_check(host, &g, NULL, NULL), 0);
}

/* ---- addresses ---- */

static bool forbidden(const struct guard *g, const char *text)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

    if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
        return address_is_forbidden(g, (const struct sockaddr *)&in);
    if (inet_pton(AF_INET6, text, &in6.sin6_addr) != 1)
        abort();
    return address_is_forbidden(g, (const struct sockaddr *)&in6);
}

static const struct {
    const char *address;
    bool forbidden;
} addresses[] = {
    {"0.0.0.0", true},
    {"0.255.255.255", true},
    {"1.0.0.0", false},
    {"9.255.255.255", false},
    {"10.0.0.0", true},
    {"10.255.255.255", true},
    {"11.0.0.0", false},
    {"100.63.255.255", false},
    {"100.64.0.0", true},
    {"100.100.100.200", true},
    {"100.127.255.255", true},
    {"100.128.0.0", false},
    {"126.255.255.255", false},
    {"127.0.0.0", true},
    {"127.0.0.53", true},
    {"127.255.255.255", true},
    {"128.0.0.0", false},
    {"168.63.129.15", false},
    {"168.63.129.16", true},
    {"169.253.255.255", false},
    {"169.254.0.0", true},
    {"169.254.169.254", true},
    {"169.254.170.2", true},
    {"169.255.0.0", false},
    {"172.15.255.255", false},
    {"172.16.0.0", true},
    {"172.31.255.255", true},
    {"172.32.0.0", false},
    {"192.0.0.1", true},
    {"192.0.0.192", true},
    {"192.0.1.0", false},
    {"192.0.2.1", true},
    {"192.0.3.0", false},
    {"192.88.99.1", true},
    {"192.167.255.255", false},
    {"192.168.0.0", true},
    {"192.168.255.255", true},
    {"192.169.0.0", false},
    {"198.17.255.255", false},
    {"198.18.0.0", true},
    {"198.19.255.255", true},
    {"198.20.0.0", false},
    {"198.51.100.7", true},
    {"203.0.113.7", true},
    {"203.0.114.7", false},
    {"223.255.255.255", false},
    {"224.0.0.0", true},
    {"239.255.255.255", true},
    {"240.0.0.0", true},
    {"255.255.255.255", true},
    {"8.8.8.8", false},
    {"::", true},
    {"::1", true},
    {"::2", true},
    {"::8.8.8.8", true},
    {"::ffff:8.8.8.8", false},
    {"::ffff:127.0.0.1", true},
    {"::ffff:10.1.2.3", true},
    {"::ffff:169.254.169.254", true},
    {"::ffff:0:8.8.8.8", true},
    {"64:ff9b::8.8.8.8", false},
    {"64:ff9b::10.0.0.1", true},
    {"64:ff9b::7f00:1", true},
    {"64:ff9b:1::1", true},
    {"64:ff9b::1:8.8.8.8", true},
    {"100::1", true},
    {"1fff::1", true},
    {"2000::1", false},
    {"2001::1", true},
    {"2001:1::1", true},
    {"2001:2::1", true},
    {"2001:10::1", true},
    {"2001:20::1", true},
    {"2001:1ff::1", true},
    {"2001:200::1", false},
    {"2001:db8::1", true},
    {"2001:db9::1", false},
    {"2002::1", true},
    {"2002:808:808::1", true},
    {"2003::1", false},
    {"2606:4700::1111", false},
    {"2620:4f:8000::1", true},
    {"2a00:1450::200e", false},
    {"2a00:1450::5efe:a00:1", true},
    {"2a00:1450::200:5efe:a00:1", true},
    {"3ffe::1", true},
    {"3fff::1", true},
    {"3fff:fff::1", true},
    {"3fff:1000::1", false},
    {"4000::1", true},
    {"5f00::1", true},
    {"fc00::1", true},
    {"fd12:3456::1", true},
    {"fe80::1", true},
    {"fec0::1", true},
    {"ff02::1", true},
    {"ffff::1", true},
};

static void only_public_addresses_pass(void)
{
    static const struct guard g;

    for (size_t i = 0; i < COUNT_OF(addresses); i++) {
        CHECK_INT(forbidden(&g, addresses[i].address), addresses[i].forbidden);
        ROW("%s", addresses[i].address);
    }
}

static void other_families_are_forbidden(void)
{
    static const struct guard g;
    struct sockaddr_storage s = {.ss_family = AF_UNIX};

    CHECK(address_is_forbidden(&g, (const struct sockaddr *)&s));
    s.ss_family = AF_UNSPEC;
    CHECK(address_is_forbidden(&g, (const struct sockaddr *)&s));
}

/* ---- exceptions ---- */

static const struct {
    const char *list, *address;
    bool forbidden;
} exceptions[] = {
    {"127.0.0.1/32", "127.0.0.1", false},
    {"127.0.0.1", "127.0.0.1", false},
    {"127.0.0.1", "127.0.0.2", true},
    {"127.0.0.1", "::1", true},
    {"127.0.0.1", "::ffff:127.0.0.1", false},
    {"127.0.0.1", "64:ff9b::127.0.0.1", false},
    {"::1", "::1", false},
    {"::1", "127.0.0.1", true},
    {"10.1.0.0/16", "10.1.255.255", false},
    {"10.1.0.0/16", "10.2.0.0", true},
    {"10.1.2.3/9", "10.127.0.1", false},
    {"10.1.2.3/9", "10.128.0.1", true},
    {"192.168.0.0/16,127.0.0.1", "127.0.0.1", false},
    {" 192.168.0.0/16 ,, 127.0.0.1 ", "192.168.3.4", false},
    {"fd00::/8", "fd12::1", false},
    {"fd00::/8", "fc00::1", true},
    {"0.0.0.0/0", "10.0.0.1", false},
    {"0.0.0.0/0", "fe80::1", true},
    {"::/0", "fe80::1", false},
    {"", "127.0.0.1", true},
};

static void exceptions_open_the_guard(void)
{
    for (size_t i = 0; i < COUNT_OF(exceptions); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct guard g = {0};
        CHECK_INT(guard_parse_allow(a, exceptions[i].list, &g, NULL), 0);
        CHECK_INT(forbidden(&g, exceptions[i].address), exceptions[i].forbidden);
        ROW("%s for %s", exceptions[i].list, exceptions[i].address);
    }
}

static void exceptions_open_urls(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct guard g = {.allow_http = true};
    struct url url;

    CHECK_INT(guard_parse_allow(a, "127.0.0.1", &g, NULL), 0);
    CHECK_INT(url_check("http://127.0.0.1:8080/x", &g, &url, NULL), 0);
    CHECK_STR(url.site, "127.0.0.1:8080");
    CHECK(!url.tls);
    CHECK_INT(url_check("http://localhost/", &g, &url, NULL), 0);
    CHECK_INT(url.port, 80);
    CHECK_INT(url_check("http://127.1/", &g, &url, NULL), -1);
    CHECK_INT(url_check("http://10.0.0.1/", &g, &url, NULL), -1);
    CHECK_INT(url_check("http://user@127.0.0.1/", &g, &url, NULL), -1);
}

static void broken_exceptions_are_refused(void)
{
    static const char *const lists[] = {"localhost",   "127.1",   "10.0.0.0/33", "10.0.0.0/",
                                        "10.0.0.0/-1", "::1/129", "10.0.0.0/+8", "10.0.0.0/8/8",
                                        "10.0.0.0/8x", "/8"};

    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct guard g = {0};
        struct err err = {0};
        CHECK_INT(guard_parse_allow(a, lists[i], &g, &err), -1);
        CHECK_INT(err.kind, ERR_INPUT);
        ROW("%s", lists[i]);
    }
}

int main(void)
{
    RUN(good_urls_pass);
    RUN(bad_urls_are_refused);
    RUN(long_urls_are_refused);
    RUN(only_public_addresses_pass);
    RUN(other_families_are_forbidden);
    RUN(exceptions_open_the_guard);
    RUN(exceptions_open_urls);
    RUN(broken_exceptions_are_refused);
    return test_end();
}
