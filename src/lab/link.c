#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "lab/lab_int.h"

#define BODY(member) sizeof(((struct message *)0)->member)

static const struct {
    size_t size;
    size_t fds_min, fds_max;
} shapes[MSG_COUNT] = {
    [MSG_OPTIONS] = {BODY(options), 0, 0},
    [MSG_SPAWN] = {BODY(spawn), 0, 0},
    [MSG_READY] = {BODY(ready), 0, 0},
    [MSG_FAILED] = {BODY(failed), 0, 0},
    [MSG_ANALYST] = {BODY(analyst), 2, 2},
    [MSG_EXITED] = {BODY(exited), 0, 0},
    [MSG_UP] = {0, 0, 0},
    [MSG_TASK] = {BODY(task), 3, 4},
    [MSG_PROGRESS] = {BODY(progress), 0, 0},
    [MSG_DONE] = {BODY(done), 0, 0},
};

static size_t wire_size(uint32_t type)
{
    return offsetof(struct message, options) + shapes[type].size;
}

static bool shape_fits(uint32_t type, size_t size, size_t nfds)
{
    return type > 0 && type < MSG_COUNT && size == wire_size(type) && nfds >= shapes[type].fds_min &&
           nfds <= shapes[type].fds_max;
}

/* Room for the descriptors of one message, aligned as the kernel wants it. */
union control {
    struct cmsghdr align;
    char space[CMSG_SPACE(LINK_MAX_FDS * sizeof(int))];
};

int link_send(int sock, const struct message *m, const int *fds, size_t nfds, struct err *err)
{
    union control control = {0};
    struct iovec piece = {.iov_base = (void *)(uintptr_t)m, .iov_len = wire_size(m->type)};
    struct msghdr head = {.msg_iov = &piece, .msg_iovlen = 1};
    ssize_t n;

    if (nfds) {
        head.msg_control = control.space;
        head.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
        control.align = (struct cmsghdr){
            .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(nfds * sizeof(int))};
        memcpy(CMSG_DATA(&control.align), fds, nfds * sizeof(int));
    }
    do
        n = sendmsg(sock, &head, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? FAIL_ERRNO(err, "cannot send to another process of the lab") : 0;
}

void link_close_fds(int fds[LINK_MAX_FDS])
{
    for (size_t i = 0; i < LINK_MAX_FDS; i++)
        fd_closep(&fds[i]);
}

static size_t take_fds(struct msghdr *head, int ret_fds[LINK_MAX_FDS])
{
    size_t n = 0;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(head); c; c = CMSG_NXTHDR(head, c)) {
        size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t i = 0; i < count && n < LINK_MAX_FDS; i++)
            memcpy(&ret_fds[n++], CMSG_DATA(c) + i * sizeof(int), sizeof(int));
    }
    return n;
}

/* A hijacked sender may leave out the terminators. */
static void end_strings(struct message *m)
{
    if (m->type == MSG_FAILED)
        m->failed.text[sizeof m->failed.text - 1] = '\0';
}

enum link_got link_recv(int sock, struct message *ret_m, int ret_fds[LINK_MAX_FDS])
{
    union control control;
    struct iovec piece = {.iov_base = ret_m, .iov_len = sizeof *ret_m};
    struct msghdr head = {.msg_iov = &piece,
                          .msg_iovlen = 1,
                          .msg_control = control.space,
                          .msg_controllen = sizeof control.space};
    size_t nfds;
    ssize_t n;

    for (size_t i = 0; i < LINK_MAX_FDS; i++)
        ret_fds[i] = -1;
    do
        n = recvmsg(sock, &head, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN ? LINK_NOTHING : LINK_CLOSED;
    nfds = take_fds(&head, ret_fds);
    if (n == 0 && nfds == 0)
        return LINK_CLOSED;
    if (n < (ssize_t)offsetof(struct message, options) || head.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ||
        !shape_fits(ret_m->type, (size_t)n, nfds)) {
        link_close_fds(ret_fds);
        return LINK_BROKEN;
    }
    end_strings(ret_m);
    return LINK_MESSAGE;
}
