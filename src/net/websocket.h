/* Websockets: connections that stay, and say something when there is something to say. RFC 6455, text only.
 *
 * A GET handler asks with request_upgrade instead of replying. From then on the connection belongs to one
 * thread for all of them, the only one which calls the handler below; a call must not wait for anything
 * slower than a small read. Ceilings: connections, bytes of a message, bytes that wait to be sent, silence. A
 * client that says nothing for a while is pinged, and dropped when it does not answer. server_drain closes
 * them all. */
#ifndef ASSAY_NET_WEBSOCKET_H
#define ASSAY_NET_WEBSOCKET_H

#include "net/server.h"

struct websocket;

enum {
    WEBSOCKETS_MAX = 512,
    WEBSOCKET_MESSAGE_MAX = 64 << 10,
    WEBSOCKET_UNSENT_MAX = 4 << 20, /* beyond it the client is too slow, and dropped */
    WEBSOCKET_TICK_MS = 250,
    WEBSOCKET_SILENCE_S = 30, /* then it is pinged, and as long again until it is dropped */
};

struct websocket_handler {
    void (*open)(struct websocket *w, void *arg);
    void (*text)(struct websocket *w, void *arg, struct bytes message);
    void (*tick)(struct websocket *w, void *arg); /* every WEBSOCKET_TICK_MS, about */
    void (*gone)(void *arg);                      /* once; the others are not called again */
};

/* Answers the request with 101, after which the request's `gone` comes when the websocket ends. ERR_INPUT:
 * the request is no handshake, ERR_BUSY: there are too many or the server stops; nothing is answered then,
 * and `arg` stays the caller's. Otherwise the handler's `gone` gets it, on any thread when the client was
 * gone before it could be told. */
int request_upgrade(struct request *r, const struct websocket_handler *handler, void *arg, struct err *err);

/* ---- on the thread of the websockets ---- */
void websocket_send(struct websocket *w, struct bytes text);
void websocket_close(struct websocket *w); /* after what is to be sent; `gone` comes later */

#endif
