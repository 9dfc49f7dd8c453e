/* Telling the service manager how we are: systemd's notification protocol, a datagram to the socket that
 * NOTIFY_SOCKET names (a path, or @ and an abstract name). Without the variable nothing is sent. */
#ifndef ASSAY_BASE_NOTIFY_H
#define ASSAY_BASE_NOTIFY_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/c23.h"

struct notifier {
    struct sockaddr_un addr;
    socklen_t len;       /* 0 = nobody listens */
    int64_t watchdog_us; /* the manager wants a WATCHDOG=1 at least that often; 0 = it does not */
};

/* Reads the variables and removes them from the environment, so that children do not speak for us. Before the
 * first thread is started. */
struct notifier notifier_take(void);
/* Lines NAME=VALUE: "READY=1\nSTATUS=...". Waits a second at most; what cannot be sent then is lost. */
void notify(const struct notifier *n, const char *fmt, ...) PRINTF(2, 3);

#endif
