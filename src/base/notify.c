#include "base/notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"

enum { MESSAGE_MAX = 1024 };

/* A path has its NUL in the address; an abstract name has a NUL in front instead, and ends where it ends. */
static void take_socket(struct notifier *n, const char *name)
{
    size_t len = strlen(name);

    if ((name[0] != '/' && name[0] != '@') || len < 2 || len >= sizeof n->addr.sun_path)
        return;
    n->addr.sun_family = AF_UNIX;
    memcpy(n->addr.sun_path, name, len + 1);
    n->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (name[0] == '/'));
    if (name[0] == '@')
        n->addr.sun_path[0] = '\0';
}

/* WATCHDOG_PID names the process that is watched; without it, it is us. */
static int64_t take_watchdog(const char *usec, const char *pid)
{
    int64_t us, who;

    if (!usec || !text_to_i64(usec, &us) || us <= 0)
        return 0;
    return !pid || (text_to_i64(pid, &who) && who == getpid()) ? us : 0;
}

struct notifier notifier_take(void)
{
    struct notifier n = {.len = 0};
    const char *name = getenv("NOTIFY_SOCKET");

    if (name)
        take_socket(&n, name);
    n.watchdog_us = take_watchdog(getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"));
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    return n;
}

void notify(const struct notifier *n, const char *fmt, ...)
{
    static const struct timeval patience = {.tv_sec = 1};
    CLEANUP(fd_closep) int fd = -1;
    char text[MESSAGE_MAX];
    va_list args;

    if (!n->len)
        return;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0)
        while (sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&n->addr, n->len) < 0 &&
               errno == EINTR)
            ;
}
