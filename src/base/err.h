/* One error type for the whole program. The function that detects a fault describes it with FAIL, everybody
 * on the way passes -1 (or NULL) on, and whoever ends the request, job or command turns kind into a status,
 * and logs.
 *
 * Text is one sentence for the user: what is wrong and, where it is not obvious, what to do. No secrets, no
 * paths of other tenants. It may quote foreign bytes: what is no valid UTF-8, or is cut in its middle,
 * becomes
 * '?', and so do control characters. A `struct err *` may be NULL when the caller does not care. */
#ifndef ASSAY_BASE_ERR_H
#define ASSAY_BASE_ERR_H

#include "base/c23.h"

enum err_kind {
    ERR_NONE = 0,
    ERR_INPUT,       /* the request is malformed */
    ERR_DECODE,      /* the subject is not media that can be decoded */
    ERR_NO_STREAM,   /* decodable, but without the stream the pipeline needs (audio-only for a video job) */
    ERR_LIMIT,       /* over a ceiling: bytes, pixels, frames, seconds, memory, nesting */
    ERR_TIMEOUT,     /* the deadline passed */
    ERR_CANCELLED,   /* somebody took the job back */
    ERR_MODEL,       /* model missing, corrupt, or failed to run */
    ERR_NOT_FOUND,   /* no such thing, or not yours */
    ERR_DENIED,      /* key missing, wrong, expired, or without the scope */
    ERR_CONFLICT,    /* not possible in the present state */
    ERR_BUSY,        /* a queue is full; try again later */
    ERR_QUOTA,       /* the caller's own limit is reached; try again later */
    ERR_UNSUPPORTED, /* asked for something this build or format cannot do */
    ERR_CRASH,       /* an analyst died on the job */
    ERR_IO,          /* disk, socket, system call */
    ERR_FULL,        /* the disk of the data directory has no room */
    ERR_INTERNAL,    /* a bug of ours */
    ERR_SOURCE,      /* the URL of a subject gave no file: refused, unreachable, or the wrong answer */
    ERR_KIND_COUNT,
};

struct err {
    enum err_kind kind;
    char text[256];
};

/* return FAIL(err, ERR_INPUT, "PNG ends after %zu bytes", n); */
#define FAIL(err, kind, ...)      (err_set((err), (kind), __VA_ARGS__), -1)
#define FAIL_NULL(err, kind, ...) (err_set((err), (kind), __VA_ARGS__), NULL)
/* As FAIL with ERR_IO and ": strerror(errno)" appended. */
#define FAIL_ERRNO(err, ...) (err_set_errno((err), __VA_ARGS__), -1)

void err_set(struct err *err, enum err_kind kind, const char *fmt, ...) PRINTF(3, 4);
void err_set_errno(struct err *err, const char *fmt, ...) PRINTF(2, 3);

/* The stable code that goes over the wire and into logs: "cannot_decode", "timeout", ... Never NULL. */
const char *err_code(enum err_kind kind);
/* The kind for a code, ERR_INTERNAL for one we do not know. */
enum err_kind err_kind_of(const char *code);

#endif
