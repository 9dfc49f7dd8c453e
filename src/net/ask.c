#include "net/ask.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "net/server_int.h"

/* 0, or -1 and errno (ETIMEDOUT). */
static int wait_for(int fd, short events, int64_t deadline_us)
{
    struct pollfd p = {.fd = fd, .events = events};
    int64_t left_us = deadline_us - clock_mono_us();
    int r;

    do
        r = left_us > 0 ? poll(&p, 1, (int)(left_us / 1000) + 1) : 0;
    while (r < 0 && errno == EINTR);
    if (r == 0)
        errno = ETIMEDOUT;
    return r > 0 ? 0 : -1;
}

static int dial(const struct question *q, int64_t deadline_us, struct err *err)
{
    CLEANUP(fd_closep) int fd = -1;
    struct sockaddr_storage addr;
    int failed = 0;
    socklen_t len, size = sizeof failed;

    if (address_parse(q->address, &addr, &len, err) < 0)
        return -1;
    fd = socket(addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || (connect(fd, (struct sockaddr *)&addr, len) < 0 && errno != EINPROGRESS) ||
        wait_for(fd, POLLOUT, deadline_us) < 0)
        return FAIL_ERRNO(err, "nobody answers on %s", q->address);
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size);
    errno = failed;
    return failed ? FAIL_ERRNO(err, "nobody answers on %s", q->address) : TAKE_FD(fd);
}

/* HTTP/1.0: the answer ends with the connection. The question fits into any socket's buffer. */
static int exchange(int fd, const struct question *q, int64_t deadline_us, struct buf *answer,
                    struct err *err)
{
    char text[512];
    int n = snprintf(text, sizeof text, "GET %s HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n",
                     q->path);
    ssize_t got = 1;

    if (n < 0 || n >= (int)sizeof text || send(fd, text, (size_t)n, MSG_NOSIGNAL) != n)
        return FAIL_ERRNO(err, "nobody listens on %s", q->address);
    while (got > 0) {
        if (wait_for(fd, POLLIN, deadline_us) < 0 || (got = recv(fd, text, sizeof text, 0)) < 0)
            return FAIL_ERRNO(err, "no whole answer from %s", q->address);
        buf_add(answer, text, (size_t)got);
    }
    return answer->overflow ? FAIL(err, ERR_LIMIT, "the answer of %s is too long", q->address) : 0;
}

int net_ask(struct arena *a, const struct question *q, int *ret_status, struct bytes *ret_body,
            struct err *err)
{
    int64_t deadline_us = clock_mono_us() + q->timeout_ms * 1000LL;
    CLEANUP(buf_clear) struct buf answer = BUF(q->max_bytes);
    CLEANUP(fd_closep) int fd = dial(q, deadline_us, err);
    const char *end;
    size_t head;

    if (fd < 0 || exchange(fd, q, deadline_us, &answer, err) < 0)
        return -1;
    end = answer.data ? strstr(answer.data, "\r\n\r\n") : NULL;
    if (!end || sscanf(answer.data, "HTTP/1.%*d %d", ret_status) != 1)
        return FAIL(err, ERR_IO, "what answers on %s is no HTTP server", q->address);
    head = (size_t)(end + 4 - answer.data);
    *ret_body = bytes_of(arena_strndup(a, answer.data + head, answer.len - head), answer.len - head);
    return 0;
}
