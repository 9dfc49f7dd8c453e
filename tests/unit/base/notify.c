#include "base/notify.h"

#include <stddef.h>
#include <unistd.h>

#include "test.h"

/* A socket as a manager has one; abstract when the name begins with @. */
static int listen_on(const char *name)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    memcpy(addr.sun_path, name, strlen(name));
    if (name[0] == '@')
        addr.sun_path[0] = '\0';
    CHECK(bind(fd, (struct sockaddr *)&addr,
               (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))) == 0);
    return fd;
}

static const char *received(int fd)
{
    static char text[2048];
    ssize_t n = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);

    text[n > 0 ? n : 0] = '\0';
    return text;
}

static void environment(const char *socket_name, const char *usec, const char *pid)
{
    setenv("NOTIFY_SOCKET", socket_name, 1);
    setenv("WATCHDOG_USEC", usec, 1);
    setenv("WATCHDOG_PID", pid, 1);
    if (!*pid)
        unsetenv("WATCHDOG_PID");
}

static void paths_and_abstract_names(void)
{
    char path[64], abstract[64];
    const char *names[2] = {path, abstract};

    snprintf(path, sizeof path, "/tmp/assay-notify-%d", getpid());
    snprintf(abstract, sizeof abstract, "@assay-notify-%d", getpid());
    for (int i = 0; i < 2; i++) {
        struct notifier n;
        int fd = listen_on(names[i]);
        environment(names[i], "", "");
        n = notifier_take();
        CHECK(n.len > 0);
        CHECK(!getenv("NOTIFY_SOCKET") && !getenv("WATCHDOG_USEC") && !getenv("WATCHDOG_PID"));
        notify(&n, "READY=1\nSTATUS=%d analysts", 2);
        CHECK_STR(received(fd), "READY=1\nSTATUS=2 analysts");
        close(fd);
        notify(&n, "STOPPING=1"); /* nobody listens any more: lost, not fatal */
        ROW("%s", names[i]);
    }
    unlink(path);
}

static void what_is_no_socket(void)
{
    char longer[200] = "/";
    const char *const rows[] = {"", "/", "@", "relative", "vsock:2:1234", longer};

    memset(longer + 1, 'x', sizeof longer - 2);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct notifier n;
        environment(rows[i], "", "");
        n = notifier_take();
        CHECK_INT(n.len, 0);
        notify(&n, "READY=1");
        ROW("%s", rows[i]);
    }
}

static void the_watchdog(void)
{
    char mine[16], path[] = "/nowhere";
    const struct {
        const char *usec, *pid;
        int64_t want;
    } rows[] = {{"30000000", "", 30000000},
                {"30000000", mine, 30000000},
                {"30000000", "1", 0},
                {"", mine, 0},
                {"-5", mine, 0},
                {"x", mine, 0},
                {"30000000", "x", 0}};

    snprintf(mine, sizeof mine, "%d", getpid());
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        environment(path, rows[i].usec, rows[i].pid);
        CHECK_INT(notifier_take().watchdog_us, rows[i].want);
        ROW("%s %s", rows[i].usec, rows[i].pid);
    }
}

int main(void)
{
    RUN(paths_and_abstract_names);
    RUN(what_is_no_socket);
    RUN(the_watchdog);
    return test_end();
}
