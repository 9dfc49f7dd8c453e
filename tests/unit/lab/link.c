#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "lab/lab_int.h"
#include "test.h"

struct ends {
    int a, b;
};

static struct ends open_ends(void)
{
    int pair[2] = {-1, -1};

    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
    return (struct ends){pair[0], pair[1]};
}

static void close_ends(struct ends *e)
{
    fd_closep(&e->a);
    fd_closep(&e->b);
}

static void carries_descriptors(void)
{
    CLEANUP(close_ends) struct ends e = open_ends();
    struct message m = {.type = MSG_TASK, .task = {.deadline_ms = 5, .spec_bytes = 6}}, got;
    int fds[LINK_MAX_FDS];

    CHECK(link_send(e.a, &m, (int[]){0, 1, 2}, 3, NULL) == 0);
    CHECK(link_recv(e.b, &got, fds) == LINK_MESSAGE);
    CHECK_INT(got.task.spec_bytes, 6);
    CHECK(fds[0] > 2 && fds[1] > 2 && fds[2] > 2 && fds[3] == -1);
    CHECK(fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
    link_close_fds(fds);
}

static void knows_silence_from_the_end(void)
{
    CLEANUP(close_ends) struct ends e = open_ends();
    struct message got;
    int fds[LINK_MAX_FDS];

    CHECK(link_recv(e.b, &got, fds) == LINK_NOTHING);
    fd_closep(&e.a);
    CHECK(link_recv(e.b, &got, fds) == LINK_CLOSED);
}

/* Right type, but size or number of descriptors do not belong to it; or no type at all. */
static void refuses_what_is_no_message(void)
{
    static const struct {
        const char *what;
        uint32_t type;
        size_t size, nfds;
    } rows[] = {
        {"empty", 0, 0, 1},
        {"three bytes", MSG_UP, 3, 0},
        {"type 0", 0, 8, 0},
        {"type too large", MSG_COUNT, 8, 0},
        {"huge type", 0xffffffff, 8, 0},
        {"UP with a body", MSG_UP, 16, 0},
        {"DONE cut short", MSG_DONE, 12, 0},
        {"DONE with a descriptor", MSG_DONE, 16, 1},
        {"TASK without descriptors", MSG_TASK, 24, 0},
        {"TASK with two", MSG_TASK, 24, 2},
        {"longer than any message", MSG_OPTIONS, sizeof(struct message) + 8, 0},
    };
    static char raw[sizeof(struct message) + 64];

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(close_ends) struct ends e = open_ends();
        union {
            struct cmsghdr align;
            char space[CMSG_SPACE(2 * sizeof(int))];
        } control = {0};
        struct iovec piece = {raw, rows[i].size};
        struct msghdr head = {.msg_iov = &piece, .msg_iovlen = 1};
        struct message got;
        int fds[LINK_MAX_FDS];
        memcpy(raw, &rows[i].type, sizeof rows[i].type);
        if (rows[i].nfds) {
            head.msg_control = control.space;
            head.msg_controllen = CMSG_SPACE(rows[i].nfds * sizeof(int));
            control.align = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
                                             .cmsg_type = SCM_RIGHTS,
                                             .cmsg_len = CMSG_LEN(rows[i].nfds * sizeof(int))};
        }
        CHECK(sendmsg(e.a, &head, 0) == (ssize_t)rows[i].size);
        CHECK_INT(link_recv(e.b, &got, fds), LINK_BROKEN);
        CHECK(fds[0] == -1 && fds[1] == -1);
        ROW("%s", rows[i].what);
    }
}

static void ends_strings(void)
{
    CLEANUP(close_ends) struct ends e = open_ends();
    struct message m = {.type = MSG_FAILED}, got;
    int fds[LINK_MAX_FDS];

    memset(m.failed.text, 'x', sizeof m.failed.text);
    CHECK(link_send(e.a, &m, NULL, 0, NULL) == 0);
    CHECK(link_recv(e.b, &got, fds) == LINK_MESSAGE);
    CHECK_INT(strlen(got.failed.text), sizeof got.failed.text - 1);
}

int main(void)
{
    RUN(carries_descriptors);
    RUN(knows_silence_from_the_end);
    RUN(refuses_what_is_no_message);
    RUN(ends_strings);
    return test_end();
}
