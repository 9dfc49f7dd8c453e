#include "source.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/c23.h"
#include "base/clock.h"
#include "base/text.h"

struct guest {
    struct source *source;
    int fd;
};

/* ---- answering ---- */

static void say(int fd, const void *data, size_t n)
{
    const char *at = data;

    for (ssize_t k; n > 0; at += k, n -= (size_t)k)
        if ((k = send(fd, at, n, MSG_NOSIGNAL)) <= 0)
            return;
}

static void say_text(int fd, const char *text)
{
    say(fd, text, strlen(text));
}

static void say_head(int fd, struct bytes file)
{
    char head[128];

    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: %zu\r\n\r\n",
             file.len);
    say_text(fd, head);
}

static void redirect(int fd, const char *where)
{
    char head[256];

    snprintf(head, sizeof head, "HTTP/1.1 302 There\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", where);
    say_text(fd, head);
}

static void send_file(struct source *s, int fd)
{
    say_head(fd, s->file);
    say(fd, s->file.data, s->file.len);
}

static void send_half(struct source *s, int fd)
{
    say_head(fd, s->file);
    say(fd, s->file.data, s->file.len / 2);
}

static void moved(struct source *s UNUSED, int fd)
{
    redirect(fd, "/clip.mp4");
}

static void trapped(struct source *s, int fd)
{
    redirect(fd, s->trap);
}

static void page(struct source *s UNUSED, int fd)
{
    say_text(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>");
}

static void flaky(struct source *s, int fd)
{
    bool first;

    pthread_mutex_lock(&s->lock);
    first = s->flaky++ == 0;
    pthread_mutex_unlock(&s->lock);
    if (first)
        send_half(s, fd);
    else
        send_file(s, fd);
}

static bool peer_is_gone(int fd)
{
    char byte;

    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* Under lock. Asks now and then whether the other side is still there. */
static void wait_for_release(struct source *s, int fd)
{
    struct timespec t;

    while (!s->released && !peer_is_gone(fd)) {
        clock_gettime(CLOCK_REALTIME, &t);
        t.tv_nsec += 20000000;
        t.tv_sec += t.tv_nsec / 1000000000;
        t.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&s->changed, &s->lock, &t);
    }
}

static void hang(struct source *s, int fd)
{
    send_half(s, fd);
    pthread_mutex_lock(&s->lock);
    s->hanging++;
    if (s->hanging > s->most_hanging)
        s->most_hanging = s->hanging;
    pthread_cond_broadcast(&s->changed);
    wait_for_release(s, fd);
    s->hanging--;
    pthread_mutex_unlock(&s->lock);
    say(fd, s->file.data + s->file.len / 2, s->file.len - s->file.len / 2);
}

static const struct {
    const char *path;
    void (*answer)(struct source *s, int fd);
} paths[] = {
    {"/clip.mp4", send_file}, {"/moved", moved}, {"/trap", trapped}, {"/page", page},
    {"/broken", send_half},   {"/flaky", flaky}, {"/hang", hang},
};

static void answer(struct source *s, int fd, const char *path)
{
    for (size_t i = 0; i < COUNT_OF(paths); i++)
        if (text_is(paths[i].path, path)) {
            paths[i].answer(s, fd);
            return;
        }
    say_text(fd, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
}

/* ---- connections ---- */

static bool read_path(int fd, char *ret, size_t size)
{
    char head[4096] = "";
    size_t len = 0;
    ssize_t n;

    while (!strstr(head, "\r\n\r\n") && len < sizeof head - 1) {
        n = read(fd, head + len, sizeof head - 1 - len);
        if (n <= 0)
            return false;
        len += (size_t)n;
        head[len] = '\0';
    }
    text_copy(ret, size, strchr(head, ' ') ? strchr(head, ' ') + 1 : "");
    ret[strcspn(ret, " ?")] = '\0';
    return true;
}

static void *guest_main(void *arg)
{
    struct guest *g = arg;
    struct source *s = g->source;
    char path[256];

    if (read_path(g->fd, path, sizeof path)) {
        pthread_mutex_lock(&s->lock);
        s->requests++;
        pthread_mutex_unlock(&s->lock);
        answer(s, g->fd, path);
    }
    shutdown(g->fd, SHUT_WR);
    close(g->fd);
    free(g);
    pthread_mutex_lock(&s->lock);
    s->open--;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static void *source_main(void *arg)
{
    struct source *s = arg;
    pthread_t thread;
    int fd;

    while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
        struct guest *g = malloc(sizeof *g);
        *g = (struct guest){s, fd};
        pthread_mutex_lock(&s->lock);
        s->open++;
        pthread_mutex_unlock(&s->lock);
        if (pthread_create(&thread, NULL, guest_main, g) != 0)
            abort();
        pthread_detach(thread);
    }
    return NULL;
}

void source_open(struct source *s, const char *host, struct bytes file)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof at;

    *s = (struct source){.host = host,
                         .file = file,
                         .trap = "http://169.254.169.254/",
                         .lock = PTHREAD_MUTEX_INITIALIZER,
                         .changed = PTHREAD_COND_INITIALIZER};
    inet_pton(AF_INET, host, &at.sin_addr);
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(s->fd, (struct sockaddr *)&at, sizeof at) < 0 || listen(s->fd, 64) < 0 ||
        getsockname(s->fd, (struct sockaddr *)&at, &len) < 0 ||
        pthread_create(&s->thread, NULL, source_main, s) != 0)
        abort();
    s->port = ntohs(at.sin_port);
}

void source_close(struct source *s)
{
    source_release(s);
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    pthread_mutex_lock(&s->lock);
    while (s->open > 0)
        pthread_cond_wait(&s->changed, &s->lock);
    pthread_mutex_unlock(&s->lock);
    close(s->fd);
}

void source_release(struct source *s)
{
    pthread_mutex_lock(&s->lock);
    s->released = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

int source_requests(struct source *s)
{
    int n;

    pthread_mutex_lock(&s->lock);
    n = s->requests;
    pthread_mutex_unlock(&s->lock);
    return n;
}

bool source_hangs(struct source *s, int n, int seconds)
{
    struct timespec t;
    bool enough;

    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_sec += seconds;
    pthread_mutex_lock(&s->lock);
    while (s->hanging < n && pthread_cond_timedwait(&s->changed, &s->lock, &t) == 0) {
    }
    enough = s->hanging >= n;
    pthread_mutex_unlock(&s->lock);
    return enough;
}
