/* The websocket on which the original's client waits for its jobs: as much of socket.io (EIO=3) as it speaks.
 *
 *   client                               server
 *                                        0{"sid"...} 40 42["hello",{"hello":{"version":1}}]
 *   42["start-log-stream",{"jobId":7}]   42["job-data-7",{"data":"..."}] ...
 * 42["job-finished-7",{"success":true}] 2 (every few seconds)                3
 *
 * It is opened with a token of GET .../socket-token: project and time, signed. Jobs are looked at now and
 * then, on the thread of the websockets. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/impulse/upper_int.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/websocket.h"
#include "store/runs.h"

enum { TOKEN_SECONDS = 3600, FOLLOWED_MAX = 32, LOOK_EVERY = 2 /* ticks */, MESSAGE_MAX = 4096 };

/* ---- tokens: "12.1700000000.<hmac>" ---- */

static int sign(const struct api *api, int64_t project, int64_t until_s, char ret_hex[HASH_HEX],
                struct err *err)
{
    uint8_t secret[HASH_SIZE], sum[HASH_SIZE];
    char text[64];
    int n;

    if (records_secret(api->db, "impulse-socket", secret, err) < 0)
        return -1;
    n = snprintf(text, sizeof text, "%" PRId64 ".%" PRId64, project, until_s);
    hash_hmac(bytes_of(secret, sizeof secret), bytes_of(text, (size_t)n), sum);
    text_hex(ret_hex, sum, sizeof sum);
    return 0;
}

static void token_go(struct trip *t)
{
    int64_t project = t->visit.project.id, until_s = clock_wall_us() / 1000000 + TOKEN_SECONDS;
    char hex[HASH_HEX];
    struct err err;
    val_t *root, *token;
    doc_t *doc;

    if (sign(trip_api(t), project, until_s, hex, &err) < 0) {
        trip_fail(t, &err);
        return;
    }
    doc = impulse_doc(&root);
    token = yyjson_mut_obj_add_obj(doc, root, "token");
    yyjson_mut_obj_add_str(doc, token, "socketToken",
                           arena_printf(trip_arena(t), "%" PRId64 ".%" PRId64 ".%s", project, until_s, hex));
    impulse_add_time(doc, token, "expires", until_s * 1000000);
    impulse_answer_take(t->request, doc);
}

/* A number before the dot; moves behind it. */
static bool take_number(const char **s, int64_t *ret)
{
    const char *dot = strchr(*s, '.');
    char text[24];

    if (!dot || (size_t)(dot - *s) >= sizeof text)
        return false;
    memcpy(text, *s, (size_t)(dot - *s));
    text[dot - *s] = '\0';
    *s = dot + 1;
    return text_to_i64(text, ret);
}

static int check_token(const struct api *api, const char *token, int64_t *ret_project, struct err *err)
{
    const char *s = token ? token : "";
    char hex[HASH_HEX];
    int64_t until_s;

    if (!take_number(&s, ret_project) || !take_number(&s, &until_s) || strlen(s) != HASH_HEX - 1)
        return FAIL(err, ERR_DENIED, "the token is none; get one from /v1/api/{projectId}/socket-token");
    if (sign(api, *ret_project, until_s, hex, err) < 0)
        return -1;
    if (!hash_equal(s, hex, HASH_HEX - 1) || until_s < clock_wall_us() / 1000000)
        return FAIL(err, ERR_DENIED,
                    "the token is not good any more; get one from /v1/api/{projectId}/socket-token");
    return 0;
}

/* ---- a session; on the thread of the websockets ---- */

struct followed {
    int64_t number;
    size_t sent; /* lines */
};

struct session {
    const struct api *api;
    int64_t project;
    unsigned ticks;
    size_t n;
    struct followed jobs[FOLLOWED_MAX];
};

static void send_text(struct websocket *w, const char *text)
{
    websocket_send(w, bytes_of(text, strlen(text)));
}

/* 42["name-7",{...}] */
static void send_event(struct websocket *w, const char *name, int64_t number, const char *key,
                       val_t *(*value)(doc_t *, const void *), const void *arg)
{
    CLEANUP(json_mut_freep) doc_t *doc = json_doc_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    val_t *root = yyjson_mut_arr(doc), *o;

    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_arr_add_str(doc, root, arena_printf(a, "%s-%" PRId64, name, number));
    o = yyjson_mut_arr_add_obj(doc, root);
    yyjson_mut_obj_add_val(doc, o, key, value(doc, arg));
    send_text(w, arena_printf(a, "42%s", (const char *)json_write(a, doc).data));
}

static val_t *text_value(doc_t *doc, const void *arg)
{
    return yyjson_mut_strcpy(doc, arg);
}

static val_t *flag_value(doc_t *doc, const void *arg)
{
    return yyjson_mut_bool(doc, *(const bool *)arg);
}

/* True: nothing more will come of it. */
static bool look_at(struct session *s, struct websocket *w, struct followed *f)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct job_line lines[JOB_LINES];
    struct project_job job;
    struct err err;
    size_t n;
    bool good;

    if (records_project_job(s->api->db, a, s->project, f->number, &job, &err) < 0)
        return err.kind == ERR_NOT_FOUND;
    n = job_lines(a, &job, lines);
    for (; f->sent < n; f->sent++)
        send_event(w, "job-data", f->number, "data", text_value, lines[f->sent].text);
    if (!job_is_over(&job))
        return false;
    good = text_is(job.state, job_state_name(JOB_DONE));
    send_event(w, "job-finished", f->number, "success", flag_value, &good);
    return true;
}

static void look_at_all(struct session *s, struct websocket *w)
{
    for (size_t i = 0; i < s->n;) {
        if (look_at(s, w, &s->jobs[i]))
            s->jobs[i] = s->jobs[--s->n];
        else
            i++;
    }
}

static void follow(struct session *s, struct websocket *w, int64_t number)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->jobs[i].number == number)
            return;
    if (number <= 0 || s->n == FOLLOWED_MAX)
        return;
    s->jobs[s->n++] = (struct followed){.number = number};
    look_at_all(s, w);
}

static void unfollow(struct session *s, int64_t number)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->jobs[i].number == number) {
            s->jobs[i] = s->jobs[--s->n];
            return;
        }
}

/* ["start-log-stream",{"jobId":7}] */
static void event(struct session *s, struct websocket *w, struct bytes json)
{
    CLEANUP(json_freep) yyjson_doc *doc = json_read(json, MESSAGE_MAX, NULL);
    yyjson_val *root = yyjson_doc_get_root(doc);
    const char *name = yyjson_get_str(yyjson_arr_get_first(root));
    int64_t number = json_int(yyjson_arr_get(root, 1), "jobId", 0);

    if (text_is(name, "start-log-stream"))
        follow(s, w, number);
    else if (text_is(name, "stop-log-stream"))
        unfollow(s, number);
}

static void on_text(struct websocket *w, void *arg, struct bytes message)
{
    const char *text = (const char *)message.data;

    if (message.len >= 1 && text[0] == '2') {
        char pong[64] = "3";
        size_t n = message.len < sizeof pong ? message.len : sizeof pong;
        memcpy(pong + 1, text + 1, n - 1);
        websocket_send(w, bytes_of(pong, n));
    } else if (message.len >= 2 && memcmp(text, "42", 2) == 0) {
        event(arg, w, bytes_of(message.data + 2, message.len - 2));
    } else if ((message.len >= 2 && memcmp(text, "41", 2) == 0) || (message.len == 1 && text[0] == '1')) {
        websocket_close(w);
    }
}

static void on_open(struct websocket *w, void *arg)
{
    char hello[160], id[ID_TEXT];

    (void)arg;
    id_new(id, clock_wall_us());
    snprintf(hello, sizeof hello,
             "0{\"sid\":\"%s\",\"upgrades\":[],\"pingInterval\":25000,\"pingTimeout\":60000}", id);
    send_text(w, hello);
    send_text(w, "40");
    send_text(w, "42[\"hello\",{\"hello\":{\"version\":1}}]");
}

static void on_tick(struct websocket *w, void *arg)
{
    struct session *s = arg;

    if (s->n && ++s->ticks % LOOK_EVERY == 0)
        look_at_all(s, w);
}

static void on_gone(void *arg)
{
    free(arg);
}

static const struct websocket_handler handler = {on_open, on_text, on_tick, on_gone};

/* ---- GET /socket.io/ ---- */

static int check_transport(struct request *r, struct err *err)
{
    const char *version = request_query(r, "EIO"), *transport = request_query(r, "transport");

    if ((version && !text_is(version, "3")) || (transport && !text_is(transport, "websocket")))
        return FAIL(err, ERR_UNSUPPORTED, "only transport=websocket of EIO=3 is spoken here");
    return 0;
}

static int status_of(const struct err *err)
{
    return err->kind == ERR_DENIED ? 401 : err->kind == ERR_BUSY || err->kind == ERR_IO ? 503 : 400;
}

static void socket_run(struct request *r)
{
    struct session *s = mem_alloc(sizeof *s);
    struct err err;

    s->api = api_of(r);
    if (check_transport(r, &err) == 0 &&
        check_token(s->api, request_query(r, "token"), &s->project, &err) == 0 &&
        request_upgrade(r, &handler, s, &err) == 0)
        return;
    free(s);
    impulse_error(r, status_of(&err), err.text);
}

const struct handler impulse_socket = {.run = socket_run};

static void token_run(struct request *r)
{
    trip_begin(r, "read", token_go);
}

const struct handler impulse_socket_token = {.run = token_run};
