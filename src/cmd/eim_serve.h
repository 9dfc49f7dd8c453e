/* An impulse of this server as a program of the .eim protocol, on a unix socket, for everything that speaks
 * it (docs/eim.md). Two parts: a session answers messages, without any I/O; the server carries them.
 *
 * One thread, the caller's; judge is called on it and may take its time, while other connections wait. */
#ifndef ASSAY_CMD_EIM_SERVE_H
#define ASSAY_CMD_EIM_SERVE_H

#include "report/eim.h"

/* One window to be judged. */
struct eim_question {
    const struct impulse *impulse; /* of the host, with the thresholds of this connection */
    size_t n;                      /* about->nfeatures */
    const float *features;         /* reading after reading, all axes; of a picture 0xRRGGBB, row after row */
};

struct eim_host {
    const struct impulse *impulse;
    size_t naxes; /* of its recordings; a picture has none */
    const char *const *axes;
    struct eim_project project; /* `impulse` and `impulse_name` are taken from the impulse */
    /* Fills *ret, whose memory is the arena's; eim_result_of helps. What it refuses is told the client. */
    int (*judge)(void *arg, struct arena *a, const struct eim_question *q, struct eim_result *ret,
                 struct err *err);
    void *arg;
};

/* ---- one connection ---- */

struct eim_session;

/* The host outlives it. ERR_INPUT: no such program can be (eim_about_impulse). */
int eim_session_new(struct eim_session **ret, const struct eim_host *host, struct err *err);
void eim_session_freep(struct eim_session **s);
/* The answer to one message, in the arena, with newline and NUL. *ret_end: the message was not JSON, and
 * after the answer the connection ends. */
struct bytes eim_session_answer(struct eim_session *s, struct arena *a, struct bytes message, bool *ret_end);

/* ---- all of them ---- */

enum { EIM_CONNECTIONS = 8 };

/* Blocks SIGINT and SIGTERM in this thread and all that it starts, so call it before there are others (the
 * lab has one); *ret_fd becomes readable when one of them comes. */
int eim_stop_signals(int *ret_fd, struct err *err);

/* Serves on a socket of that path, which only its owner may connect to, until stop_fd is readable; then
 * removes it. A socket that nobody serves on is replaced; ERR_CONFLICT when somebody does, or when something
 * else has that name. `ready` may be NULL; called once clients can connect. */
int eim_serve(const struct eim_host *host, const char *path, int stop_fd, void (*ready)(void *arg),
              void *ready_arg, struct err *err);

#endif
