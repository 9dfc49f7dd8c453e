/* The life of a request. The daemon calls request_step with the head, then with each piece of the body, then
 * once more, and request_end at the very end:
 *
 *   head --(no reply yet)--> body* --> run --(no reply yet)--> suspended --reply--> queued --> end
 *     \                        \         \
 *      reply: see below         reply: the rest of the body is read and thrown away, then queued
 *
 * The library takes a response only with the head or after the whole body, and a response with the head
 * closes the connection. So a refusal with the head is queued at once when much is on the way, and otherwise
 * waits for the rest. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/server_int.h"

enum {
    SWALLOW_SMALL =
        64 << 10,           /* a refused body up to this size is read, so that the connection can stay open */
    SWALLOW_MORE = 1 << 20, /* a chunked body may run this far past max_body before the connection is cut */
};

/* Who has replied. OPEN -> REPLIED, or OPEN -> SUSPENDED -> REPLIED; whoever takes it out of SUSPENDED
 * resumes. */
enum { STATE_OPEN, STATE_SUSPENDED, STATE_REPLIED };

struct request {
    struct server *server;
    struct MHD_Connection *connection;
    struct conn *conn;
    char id[20]; /* "5f3c12aa-1b", made from the number when first asked for */
    uint64_t number;
    int64_t begun_us;
    const char *method, *path; /* the connection's memory, valid as long as the request */
    struct route_match match;
    struct arena *arena; /* made when first asked for */
    void *data;
    struct buf body;
    int64_t length; /* -1: chunked */
    int64_t received;
    bool expects_100;
    bool has_run;
    struct request *prev, *next; /* guarded by the server's lock */
    bool listed;                 /* likewise */
    /* The reply: `claimed` decides who may write the other three, `state` publishes them. */
    atomic_flag claimed;
    atomic_int state;
    int status;
    struct MHD_Response *response;
    struct kept_reply *kept;     /* owner of the response when there is one */
    struct websocket *websocket; /* until it is handed over */
    bool upgraded;               /* handed over: it is no open request any more */
};

/* ---- reading ---- */

void *request_context(struct request *r)
{
    return r->server->opts.context;
}

struct arena *request_arena(struct request *r)
{
    if (!r->arena)
        r->arena = arena_new();
    return r->arena;
}

const char *request_id(struct request *r)
{
    if (!r->id[0])
        snprintf(r->id, sizeof r->id, "%08x-%llx", r->server->epoch, (unsigned long long)r->number);
    return r->id;
}

const char *request_method(struct request *r)
{
    return r->method;
}

const char *request_path(struct request *r)
{
    return r->path;
}

const char *request_header(struct request *r, const char *name)
{
    return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

struct query_search {
    struct request *r;
    const char *name, *value;
};

static bool encoded_is(const char *encoded, const char *plain)
{
    while (*encoded && *plain)
        if (percent_next(&encoded) != (unsigned char)*plain++)
            return false;
    return !*encoded && !*plain;
}

static enum MHD_Result query_compare(void *arg, enum MHD_ValueKind kind, const char *key, const char *value)
{
    struct query_search *search = arg;

    (void)kind;
    if (!encoded_is(key, search->name))
        return MHD_YES;
    search->value = value ? percent_decode(request_arena(search->r), value, strlen(value)) : "";
    return MHD_NO; /* the first one counts */
}

struct query_visit {
    void (*each)(void *arg, const char *name, const char *value);
    void *arg;
};

static enum MHD_Result query_visit(void *arg, enum MHD_ValueKind kind, const char *key, const char *value)
{
    struct query_visit *visit = arg;

    (void)kind;
    visit->each(visit->arg, key, value);
    return MHD_YES;
}

void request_query_each(struct request *r, void (*each)(void *arg, const char *name, const char *value),
                        void *arg)
{
    struct query_visit visit = {each, arg};

    MHD_get_connection_values(r->connection, MHD_GET_ARGUMENT_KIND, query_visit, &visit);
}

const char *request_query(struct request *r, const char *name)
{
    struct query_search search = {r, name, NULL};

    MHD_get_connection_values(r->connection, MHD_GET_ARGUMENT_KIND, query_compare, &search);
    return search.value;
}

const char *request_param(struct request *r, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < r->match.nparams; i++) {
        const struct route_param *p = &r->match.params[i];
        if (p->name_len == len && memcmp(p->name, name, len) == 0)
            return percent_decode(request_arena(r), p->value, p->len);
    }
    return NULL;
}

int64_t request_length(struct request *r)
{
    return r->length;
}

struct bytes request_body(struct request *r)
{
    return buf_bytes(&r->body);
}

void request_set_data(struct request *r, void *data)
{
    r->data = data;
}

void *request_data(struct request *r)
{
    return r->data;
}

bool request_replied(struct request *r)
{
    return atomic_load(&r->state) == STATE_REPLIED;
}

/* ---- replying; any thread ---- */

static bool claim(struct request *r)
{
    bool first = !atomic_flag_test_and_set(&r->claimed);

    if (!first)
        log_debug("second reply dropped", NULL); /* the request may be gone already: not even its id */
    return first;
}

/* After this the request may be gone at any moment, unless the caller is its net thread. */
static void publish(struct request *r, int status, struct MHD_Response *response)
{
    struct MHD_Connection *connection = r->connection;

    r->status = status;
    r->response = response;
    counters_replied(r->server->counters, r->match.route, status);
    if (atomic_exchange(&r->state, STATE_REPLIED) == STATE_SUSPENDED)
        MHD_resume_connection(connection);
}

void request_reply(struct request *r, const struct reply *rep)
{
    struct MHD_Response *response;

    if (!claim(r))
        return;
    response = reply_build(rep);
    if (rep->status == 405 && r->match.allow[0])
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, r->match.allow);
    if (rep->status >= 400)
        MHD_add_response_header(response, "X-Request-Id", request_id(r));
    publish(r, rep->status, response);
}

void request_reply_fd_take(struct request *r, int status, const char *type, int fd, int64_t size)
{
    struct MHD_Response *response;

    if (!claim(r)) {
        close(fd);
        return;
    }
    response = MHD_create_response_from_fd64((uint64_t)size, fd);
    if (!response)
        abort(); /* out of memory, or a negative size: a bug of ours */
    if (type)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    publish(r, status, response);
}

void request_reply_kept(struct request *r, struct kept_reply *k)
{
    if (!claim(r))
        return;
    r->kept = kept_reply_ref(k);
    publish(r, kept_status(k), kept_response(k));
}

/* ---- a websocket instead ---- */

struct sockets *request_sockets(struct request *r)
{
    return r->server->sockets;
}

static void upgraded(void *arg, struct MHD_Connection *connection, void *state, const char *extra,
                     size_t extra_size, MHD_socket fd, struct MHD_UpgradeResponseHandle *handle)
{
    struct request *r = arg;

    (void)connection, (void)state;
    r->upgraded = true;
    atomic_fetch_sub(&r->server->open, 1);
    websocket_hand_over_take(TAKE(r->websocket), fd, handle, bytes_of(extra, extra_size));
}

void request_reply_upgrade_take(struct request *r, const char *accept, struct websocket *w)
{
    struct MHD_Response *response;

    if (!claim(r)) {
        websocket_drop_take(w);
        return;
    }
    response = MHD_create_response_for_upgrade(upgraded, r);
    if (!response)
        abort(); /* out of memory */
    MHD_add_response_header(response, MHD_HTTP_HEADER_UPGRADE, "websocket");
    MHD_add_response_header(response, "Sec-WebSocket-Accept", accept);
    r->websocket = w;
    publish(r, MHD_HTTP_SWITCHING_PROTOCOLS, response);
}

/* Answers through the server's on_error; in plain text when there is none or it did not reply. */
static void refuse(struct request *r, int status, const char *text)
{
    const struct server_opts *opts = &r->server->opts;

    if (opts->on_error)
        opts->on_error(r, status, text);
    if (!request_replied(r))
        request_reply(
            r, &(struct reply){status, "text/plain; charset=utf-8", bytes_of(text, strlen(text)), 0, {{0}}});
}

/* ---- the list of suspended requests ---- */

/* False when the server stops: nobody would wake the request. */
static bool list_add(struct request *r)
{
    struct server *s = r->server;

    pthread_mutex_lock(&s->lock);
    r->listed = !s->stopping;
    if (r->listed) {
        r->next = s->suspended;
        if (r->next)
            r->next->prev = r;
        s->suspended = r;
    }
    pthread_mutex_unlock(&s->lock);
    return r->listed;
}

static void list_drop(struct request *r)
{
    struct server *s = r->server;

    pthread_mutex_lock(&s->lock);
    if (r->next)
        r->next->prev = r->prev;
    if (r->prev)
        r->prev->next = r->next;
    else
        s->suspended = r->next;
    r->listed = false;
    pthread_mutex_unlock(&s->lock);
}

static const char stopping_text[] = "the server is stopping; ask again later";

void request_stop_all(struct server *s)
{
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    for (struct request *r = s->suspended, *next; r; r = next) {
        next = r->next; /* its net thread drops it from the list, but not while we hold the lock */
        if (!request_replied(r))
            refuse(r, 503, stopping_text);
    }
    pthread_mutex_unlock(&s->lock);
}

/* ---- the daemon's calls ---- */

static enum MHD_Result queue_reply(struct request *r)
{
    watch_state(r->server->watch, r->conn, CONN_OURS);
    if (r->conn->over) {
        MHD_add_response_header(r->response, MHD_HTTP_HEADER_CONNECTION, "close");
        MHD_add_response_header(r->response, MHD_HTTP_HEADER_RETRY_AFTER, "1");
    }
    return MHD_queue_response(r->connection, (unsigned)r->status, r->response);
}

/* What the head says about the request's end and address. More than one reading of it would let a proxy in
 * front of us and us disagree about the next request; so whatever is unclear is refused, and the connection
 * closed. */
struct framing {
    int lengths, encodings, hosts;
    bool broken;
    struct request *r;
};

static bool is_header(const char *name, size_t name_len, const char *key, size_t len)
{
    return len == name_len && strncasecmp(key, name, len) == 0;
}

#define IS_HEADER(name) is_header(name, sizeof name - 1, key, len)

static enum MHD_Result framing_header(void *arg, enum MHD_ValueKind kind, const char *key, size_t len,
                                      const char *value, size_t value_len)
{
    struct framing *f = arg;

    (void)kind, (void)value_len;
    if (IS_HEADER(MHD_HTTP_HEADER_CONTENT_LENGTH)) {
        f->lengths++;
        f->broken |= !text_to_i64(value, &f->r->length) || f->r->length < 0;
    } else if (IS_HEADER(MHD_HTTP_HEADER_TRANSFER_ENCODING)) {
        f->encodings++;
        f->broken |= !text_is_nocase(value, "chunked");
    } else if (IS_HEADER(MHD_HTTP_HEADER_HOST)) {
        f->hosts++;
    } else if (IS_HEADER(MHD_HTTP_HEADER_EXPECT)) {
        f->r->expects_100 = true;
    }
    f->broken |= memchr(key, ' ', len) ||
                 memchr(key, '\t', len); /* "Content-Length : 3" is another header to the library */
    return MHD_YES;
}

/* NULL, or why the request is refused. */
static const char *framing_fault(struct request *r, const char *version)
{
    struct framing f = {.r = r};

    MHD_get_connection_values_n(r->connection, MHD_HEADER_KIND, framing_header, &f);
    if (f.encodings)
        r->length = -1;
    if (f.broken || f.lengths + f.encodings > 1)
        return "the length of the body is not clear: send one Content-Length or Transfer-Encoding: chunked";
    if (f.hosts > 1 || (f.hosts == 0 && text_is(version, MHD_HTTP_VERSION_1_1)))
        return "the request needs one Host header";
    return NULL;
}

static enum MHD_Result query_check(void *arg, enum MHD_ValueKind kind, const char *key, const char *value)
{
    bool *ok = arg;

    (void)kind;
    *ok = *ok && percent_is_valid(key, strlen(key)) && (!value || percent_is_valid(value, strlen(value)));
    return *ok ? MHD_YES : MHD_NO;
}

static bool query_is_valid(struct request *r)
{
    bool ok = true;

    MHD_get_connection_values(r->connection, MHD_GET_ARGUMENT_KIND, query_check, &ok);
    return ok;
}

static const char *refusal_text(int status)
{
    static const struct {
        int status;
        const char *text;
    } texts[] = {
        {400, "the URL holds a broken %-encoding"},
        {404, "there is nothing at this path"},
        {405, "this path does not take that method; see the Allow header"},
    };

    for (size_t i = 0; i < COUNT_OF(texts); i++)
        if (texts[i].status == status)
            return texts[i].text;
    return "the request cannot be served";
}

static void refuse_too_large(struct request *r)
{
    long long max = (long long)r->match.route->max_body;

    if (max)
        refuse(r, 413, arena_printf(request_arena(r), "the body is over the limit of %lld bytes", max));
    else
        refuse(r, 413, "this path takes no body");
}

static void head(struct request *r)
{
    const struct route *route;
    int status;

    if (!query_is_valid(r))
        return refuse(r, 400, refusal_text(400));
    status = route_find(r->server->routes, r->method, r->path, &r->match);
    if (status)
        return refuse(r, status, refusal_text(status));
    route = r->match.route;
    if (r->length > route->max_body || (r->length < 0 && route->max_body == 0))
        return refuse_too_large(r);
    r->body.max = (size_t)route->max_body;
    if (route->handler->head)
        route->handler->head(r);
}

/* Whether a reply that is known with the head can wait for the end of the body. Not for a client that waits
 * for our word before it sends the body, nor for a body we called too large. */
static bool is_worth_reading(const struct request *r)
{
    if (r->length == 0)
        return true;
    return r->length > 0 && r->length <= SWALLOW_SMALL && !r->expects_100 && r->status != 413;
}

static struct request *request_new(struct server *s, struct MHD_Connection *connection, const char *url,
                                   const char *method)
{
    struct request *r = mem_alloc(sizeof *r);

    r->server = s;
    r->connection = connection;
    r->conn = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    r->begun_us = clock_mono_us();
    r->number = atomic_fetch_add_explicit(&s->serial, 1, memory_order_relaxed) & 0xffffffffff;
    r->method = method;
    r->path = url;
    atomic_flag_clear(&r->claimed);
    atomic_fetch_add(&s->open, 1);
    return r;
}

/* The body stays on the wire and the library closes the connection after the reply. */
static enum MHD_Result queue_early(struct request *r)
{
    r->conn->lingers = r->length != 0;
    return queue_reply(r);
}

static enum MHD_Result step_head(struct request *r, const char *version)
{
    const char *fault = framing_fault(r, version);

    if (r->conn->over) {
        refuse(r, 503, "too many connections; try again later");
        return queue_early(r);
    }

    if (fault) {
        refuse(r, 400, fault);
        return queue_early(r);
    }
    head(r);
    if (request_replied(r) && !is_worth_reading(r))
        return queue_early(r);
    watch_state(r->server->watch, r->conn, r->length ? CONN_BODY : CONN_OURS);
    return MHD_YES;
}

static enum MHD_Result step_body(struct request *r, struct bytes piece)
{
    const struct route *route = r->match.route;

    r->received += (int64_t)piece.len;
    atomic_fetch_add_explicit(&r->server->received, piece.len, memory_order_relaxed);
    atomic_fetch_add_explicit(&r->conn->body, piece.len, memory_order_relaxed);
    if (request_replied(r))
        return r->length >= 0 || r->received <= route->max_body + SWALLOW_MORE ? MHD_YES : MHD_NO;
    if (r->received > route->max_body)
        refuse_too_large(r);
    else if (route->handler->body)
        route->handler->body(r, piece);
    else
        buf_add(&r->body, piece.data, piece.len);
    return MHD_YES;
}

/* A reply from another thread may come before, while or after the connection is suspended. */
static enum MHD_Result suspend(struct request *r)
{
    struct MHD_Connection *connection = r->connection;
    int expected = STATE_OPEN;

    if (!list_add(r)) {
        if (!request_replied(r))
            refuse(r, 503, stopping_text);
        return queue_reply(r);
    }
    MHD_suspend_connection(connection);
    if (!atomic_compare_exchange_strong(&r->state, &expected, STATE_SUSPENDED))
        MHD_resume_connection(connection);
    return MHD_YES;
}

static enum MHD_Result step_end(struct request *r)
{
    if (request_replied(r))
        return queue_reply(r);
    if (r->has_run) {
        log_error("request woke up without a reply", "req=%s path=%s", request_id(r), r->path);
        return MHD_NO;
    }
    r->has_run = true;
    watch_state(r->server->watch, r->conn, CONN_OURS);
    if (r->match.route->handler->run)
        r->match.route->handler->run(r);
    else
        refuse(r, 500, "this path has no handler");
    return request_replied(r) ? queue_reply(r) : suspend(r);
}

/* False when the server is stopping: the request is refused without its handler. */
static bool may_go_on(struct request *r, bool begins)
{
    int phase = atomic_load(&r->server->phase);

    if (phase == SERVER_OPEN || (phase == SERVER_DRAINING && !begins) || request_replied(r))
        return true;
    refuse(r, 503, stopping_text);
    return false;
}

static enum MHD_Result step(struct server *s, struct MHD_Connection *connection, const char *url,
                            const char *method, const char *version, struct bytes piece, void **state)
{
    struct request *r = *state;

    if (!r) {
        *state = r = request_new(s, connection, url, method);
        return may_go_on(r, true) ? step_head(r, version) : queue_early(r);
    }
    may_go_on(r, false);
    return piece.len ? step_body(r, piece) : step_end(r);
}

enum MHD_Result request_step(void *server, struct MHD_Connection *connection, const char *url,
                             const char *method, const char *version, const char *upload, size_t *upload_size,
                             void **state)
{
    struct server *s = server;
    struct bytes piece = bytes_of(upload, *upload_size);
    enum MHD_Result result;

    if (*state)
        *upload_size = 0;
    atomic_fetch_add(&s->steps, 1);
    result = step(s, connection, url, method, version, piece, state);
    atomic_fetch_sub(&s->steps, 1);
    return result;
}

static void log_end(struct request *r, enum MHD_RequestTerminationCode why)
{
    const struct route *route = r->match.route;
    bool replied = request_replied(r);

    if (!replied)
        counters_replied(r->server->counters, route, 0);
    if (why != MHD_REQUEST_TERMINATED_COMPLETED_OK)
        log_debug("request cut off", "req=%s path=%s why=%d", request_id(r), r->path, (int)why);
    if (atomic_load_explicit(&r->server->log_requests, memory_order_relaxed) || log_wants(LOG_DEBUG))
        log_line(LOG_INFO, "request", "req=%s method=%s route=%s path=%s status=%d received=%lld ms=%lld",
                 request_id(r), r->method, route ? route->path : "-", r->path, replied ? r->status : 0,
                 (long long)r->received, (long long)(clock_mono_us() - r->begun_us) / 1000);
}

void request_end(void *server, struct MHD_Connection *connection, void **state,
                 enum MHD_RequestTerminationCode why)
{
    struct server *s = server;
    struct request *r = *state;
    const struct route *route;

    (void)connection;
    if (!r)
        return;
    *state = NULL;
    log_end(r, why);
    route = r->match.route;
    if (r->listed)
        list_drop(r);
    if (route && route->handler->gone)
        route->handler->gone(r);
    watch_state(s->watch, r->conn, CONN_HEAD);
    if (r->websocket) /* its client was gone before the 101 */
        websocket_drop_take(r->websocket);
    if (r->kept)
        kept_reply_unref(r->kept);
    else if (r->response)
        MHD_destroy_response(r->response);
    buf_clear(&r->body);
    arena_free(r->arena);
    if (!r->upgraded)
        atomic_fetch_sub(&s->open, 1);
    free(r);
}
