#include "net/client_int.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

enum { POLL_MS = 1000 };

struct client {
    struct client_opts opts;
    CURLM *multi;
    pthread_t thread;
    bool running;
    struct transfer *open; /* client thread only */
    pthread_mutex_t lock;
    /* --- guarded by lock --- */
    struct transfer *arriving;
    bool stopping;
};

struct client_opts client_opts_defaults(void)
{
    return (struct client_opts){.connect_ms = 5000,
                                .total_ms = 15000,
                                .user_agent = "assay",
                                .min_speed = 1024,
                                .min_speed_s = 10,
                                .max_redirects = 5};
}

/* ---- one transfer ---- */

const struct client_opts *client_opts_of(const struct transfer *t)
{
    return &t->client->opts;
}

static void transfer_free(struct transfer *t)
{
    curl_easy_cleanup(t->easy);
    curl_slist_free_all(t->headers);
    arena_free(t->arena);
}

/* Tells and frees. */
static void transfer_end(struct transfer *t, struct client_result *result)
{
    result->ms = (clock_mono_us() - t->begun_us) / 1000;
    t->done(t->arg, result);
    transfer_free(t);
}

static void transfer_fail(struct transfer *t, const struct err *err)
{
    transfer_end(t, &(struct client_result){.retry_after_s = -1, .err = *err});
}

static void transfer_cancel(struct transfer *t)
{
    transfer_fail(t, &(struct err){ERR_CANCELLED, "the server is stopping"});
}

/* The only place where a socket is made: whatever the resolver said a moment ago, this is where it would go.
 */
static curl_socket_t open_socket(void *arg, curlsocktype purpose UNUSED, struct curl_sockaddr *to)
{
    struct transfer *t = arg;
    char service[8];

    if (!address_is_forbidden(t->client->opts.guard, &to->addr))
        return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
    if (getnameinfo(&to->addr, to->addrlen, t->refused, sizeof t->refused, service, sizeof service,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        snprintf(t->refused, sizeof t->refused, "?");
    return CURL_SOCKET_BAD;
}

size_t transfer_drop(char *data UNUSED, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;

    t->head += size * n;
    return t->head > ANSWER_MAX ? 0 : size * n;
}

static void set_where(CURL *e, struct transfer *t)
{
    curl_easy_setopt(e, CURLOPT_URL, t->url);
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, t->client->opts.guard->allow_http ? "http,https" : "https");
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(e, CURLOPT_PROXY, ""); /* not that of the environment either */
    curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, t);
    if (t->client->opts.ca_file)
        curl_easy_setopt(e, CURLOPT_CAINFO, t->client->opts.ca_file);
}

static void set_how(CURL *e, struct transfer *t)
{
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)t->client->opts.connect_ms);
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, t->headers);
    curl_easy_setopt(e, CURLOPT_USERAGENT, t->client->opts.user_agent);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, transfer_drop);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L); /* one receiver's connection is never another's */
    curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L); /* a name server that hangs holds nobody up */
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->why);
    curl_easy_setopt(e, CURLOPT_PRIVATE, t);
}

/* Takes the transfer. */
static void transfer_begin(struct transfer *t)
{
    struct client *c = t->client;
    struct err err;

    if (url_check(t->url, c->opts.guard, NULL, &err) < 0) {
        transfer_fail(t, &err);
        return;
    }
    t->easy = curl_easy_init();
    if (!t->easy) {
        transfer_fail(t, &(struct err){ERR_IO, "libcurl cannot begin a request"});
        return;
    }
    set_where(t->easy, t);
    set_how(t->easy, t);
    t->kind->set(t->easy, t);
    t->next = c->open;
    c->open = t;
    curl_multi_add_handle(c->multi, t->easy);
}

/* A get that was redirected begins again, on the same transfer. */
static void transfer_finish(struct transfer *t, CURLcode code)
{
    struct client_result result = {.retry_after_s = -1};
    curl_off_t retry_after = 0;

    curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &retry_after);
    if (retry_after > 0)
        result.retry_after_s = retry_after > 1000000 ? 1000000 : (int)retry_after;
    if (t->kind->end(t, code, &result)) {
        transfer_end(t, &result);
        return;
    }
    curl_easy_cleanup(TAKE(t->easy));
    t->head = 0;
    t->refused[0] = t->why[0] = '\0';
    transfer_begin(t);
}

/* ---- the thread ---- */

static void unlink_open(struct client *c, struct transfer *t)
{
    struct transfer **p = &c->open;

    while (*p != t)
        p = &(*p)->next;
    *p = t->next;
    curl_multi_remove_handle(c->multi, t->easy);
}

static void begin_arrived(struct client *c)
{
    struct transfer *list;

    pthread_mutex_lock(&c->lock);
    list = TAKE(c->arriving);
    pthread_mutex_unlock(&c->lock);
    while (list) {
        struct transfer *t = list;
        list = t->next;
        transfer_begin(t);
    }
}

static void end_finished(struct client *c)
{
    CURLMsg *m;
    int left;

    while ((m = curl_multi_info_read(c->multi, &left))) {
        CURLcode code = m->data.result; /* before the handle goes: it owns the message */
        struct transfer *t;
        if (m->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t);
        unlink_open(c, t);
        transfer_finish(t, code);
    }
}

static bool is_stopping(struct client *c)
{
    bool stopping;

    pthread_mutex_lock(&c->lock);
    stopping = c->stopping;
    pthread_mutex_unlock(&c->lock);
    return stopping;
}

/* TLS writes with write(2), and a receiver that has gone must not end the program. Held back, not ignored:
 * whoever writes to a pipe on another thread still wants the signal. */
static void hold_sigpipe(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void *client_main(void *arg)
{
    struct client *c = arg;
    int still_open;

    hold_sigpipe();
    while (!is_stopping(c)) {
        begin_arrived(c);
        curl_multi_perform(c->multi, &still_open);
        end_finished(c);
        curl_multi_poll(c->multi, NULL, 0, POLL_MS, NULL);
    }
    while (c->open) {
        struct transfer *t = c->open;
        unlink_open(c, t);
        transfer_cancel(t);
    }
    return NULL;
}

/* ---- from outside ---- */

void client_begin(struct client *c, struct transfer *t, struct arena *a)
{
    bool stopping;

    t->client = c;
    t->arena = a;
    t->begun_us = clock_mono_us();
    pthread_mutex_lock(&c->lock);
    stopping = c->stopping;
    if (!stopping) {
        t->next = c->arriving;
        c->arriving = t;
        curl_multi_wakeup(c->multi);
    }
    pthread_mutex_unlock(&c->lock);
    if (stopping)
        transfer_cancel(t);
}

static void init_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

int client_start(struct client **ret_client, const struct client_opts *opts, struct err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    CLEANUP(client_stop) struct client *c = mem_alloc(sizeof *c);

    pthread_once(&once, init_curl);
    c->opts = *opts;
    pthread_mutex_init(&c->lock, NULL);
    c->multi = curl_multi_init();
    if (!c->multi)
        return FAIL(err, ERR_IO, "libcurl does not start");
    if (pthread_create(&c->thread, NULL, client_main, c) != 0)
        return FAIL(err, ERR_IO, "cannot start the HTTP client's thread; raise the limit of threads");
    c->running = true;
    *ret_client = TAKE(c);
    return 0;
}

void client_stop(struct client **client)
{
    struct client *c = TAKE(*client);

    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    c->stopping = true;
    pthread_mutex_unlock(&c->lock);
    if (c->running) {
        curl_multi_wakeup(c->multi);
        pthread_join(c->thread, NULL);
    }
    while (c->arriving) { /* nobody else touches the list any more */
        struct transfer *t = c->arriving;
        c->arriving = t->next;
        transfer_cancel(t);
    }
    curl_multi_cleanup(c->multi);
    pthread_mutex_destroy(&c->lock);
    free(c);
}
