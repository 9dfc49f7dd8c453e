/* Load for the benchmarks: keep-alive connections to 127.0.0.1, one thread, epoll.
 *
 *   load get    PORT KEY PATH CONNECTIONS COUNT        GET of one path
 *   load post   PORT KEY PATH CONNECTIONS COUNT CLIP   POST of one clip, the next when the answer is there
 *   load arrive PORT KEY PATH CONNECTIONS COUNT CLIP RATE
 *                                                      as post, but RATE a second whatever the server does: a
 *                                                      request's time counts from the moment at which it was
 * due
 *
 * Prints one line: requests, answers other than 200, seconds, requests a second, median, 99th percentile and
 * maximum of the milliseconds to an answer, its own CPU time, and the id in the last answer. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

enum {
    MAX_CONNECTIONS = 256,
    MAX_REQUESTS = 5000000,
    HEAD = 1024,
    ANSWER = 256 << 10,
    PIECES = 3,
    LIMIT_S = 120
};

static const char boundary[] = "assay-bench-5e1f";

struct connection {
    int fd;
    bool busy;
    size_t sent; /* of the request */
    size_t got;  /* of the answer */
    size_t want; /* whole answer; 0 while its head is not complete */
    int64_t due_us;
    char answer[ANSWER];
};

struct load {
    int port, epoll_fd;
    size_t connections, count, begun, ended, wrong;
    double rate; /* 0: the next request when the answer is there */
    size_t request_len;
    struct iovec pieces[PIECES]; /* of the request */
    char head[HEAD], tail[64];
    int64_t begin_us;
    uint32_t *times; /* microseconds of each answer */
    char id[32];     /* of the last answer */
    struct connection *all;
};

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "load: %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
    exit(1);
}

/* ---- the request ---- */

static void make_get(struct load *l, const char *path, const char *key)
{
    int n = snprintf(l->head, HEAD, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n\r\n",
                     path, key);

    l->pieces[0] = (struct iovec){l->head, (size_t)n};
}

/* The file is mapped, not read: a large one costs no memory here. */
static struct iovec map_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    void *data;

    if (fd < 0 || fstat(fd, &st) < 0)
        give_up(path);
    data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED)
        give_up(path);
    close(fd);
    return (struct iovec){data, (size_t)st.st_size};
}

static void make_post(struct load *l, const char *path, const char *key, const char *clip)
{
    char part[256];
    int part_len = snprintf(
        part, sizeof part,
        "--%s\r\nContent-Disposition: form-data; name=\"video\"; filename=\"clip.mp4\"\r\n\r\n", boundary);
    int tail_len = snprintf(l->tail, sizeof l->tail, "\r\n--%s--\r\n", boundary), n;

    l->pieces[1] = map_file(clip);
    n = snprintf(l->head, HEAD,
                 "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n"
                 "Content-Type: multipart/form-data; boundary=%s\r\nContent-Length: %zu\r\n\r\n%s",
                 path, key, boundary, (size_t)part_len + l->pieces[1].iov_len + (size_t)tail_len, part);
    l->pieces[0] = (struct iovec){l->head, (size_t)n};
    l->pieces[2] = (struct iovec){l->tail, (size_t)tail_len};
}

/* ---- sending ---- */

static void watch(struct load *l, struct connection *c, int op, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.ptr = c};

    if (epoll_ctl(l->epoll_fd, op, c->fd, &e) < 0)
        give_up("epoll");
}

static ssize_t send_from(const struct load *l, const struct connection *c)
{
    struct iovec left[PIECES];
    size_t skip = c->sent;
    int n = 0;

    for (int i = 0; i < PIECES; i++) {
        size_t passed = skip < l->pieces[i].iov_len ? skip : l->pieces[i].iov_len;
        skip -= passed;
        if (passed < l->pieces[i].iov_len)
            left[n++] = (struct iovec){(char *)l->pieces[i].iov_base + passed, l->pieces[i].iov_len - passed};
    }
    return writev(c->fd, left, n);
}

static void go_on_sending(struct load *l, struct connection *c)
{
    while (c->sent < l->request_len) {
        ssize_t n = send_from(l, c);
        if (n < 0 && errno == EAGAIN) {
            watch(l, c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
            return;
        }
        if (n < 0)
            give_up("send");
        c->sent += (size_t)n;
    }
}

static void begin(struct load *l, struct connection *c, int64_t due_us)
{
    c->busy = true;
    c->sent = c->got = c->want = 0;
    c->due_us = due_us;
    l->begun++;
    go_on_sending(l, c);
}

/* ---- receiving ---- */

/* Size of the whole answer, or 0 when its head is not there yet. */
static size_t answer_size(struct connection *c)
{
    char *end, *length;

    c->answer[c->got] = '\0';
    end = strstr(c->answer, "\r\n\r\n");
    if (!end)
        return 0;
    length = strcasestr(c->answer, "\r\nContent-Length:");
    if (!length || length > end)
        give_up("an answer without Content-Length");
    return (size_t)(end + 4 - c->answer) + (size_t)atoll(length + 17);
}

static void note_id(struct load *l, const char *answer)
{
    const char *id = strstr(answer, "\"id\":\"");

    if (id)
        snprintf(l->id, sizeof l->id, "%.24s", id + 6);
}

static void end(struct load *l, struct connection *c)
{
    l->times[l->ended++] = (uint32_t)(clock_mono_us() - c->due_us);
    if (!text_starts(c->answer, "HTTP/1.1 200 ") && l->wrong++ == 0)
        fprintf(stderr, "load: %.300s\n", c->answer);
    if (l->ended == l->count)
        note_id(l, c->answer);
    c->busy = false;
}

static void receive(struct load *l, struct connection *c)
{
    ssize_t n = recv(c->fd, c->answer + c->got, ANSWER - 1 - c->got, 0);

    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0)
        give_up("the server closed a connection");
    c->got += (size_t)n;
    if (!c->want)
        c->want = answer_size(c);
    if (c->want >= ANSWER)
        give_up("a very long answer");
    if (c->want && c->got >= c->want)
        end(l, c);
}

/* ---- the loop ---- */

static void dial(struct load *l, struct connection *c)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)l->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof to) < 0)
        give_up("connect");
    fcntl(c->fd, F_SETFL, O_RDWR | O_NONBLOCK);
    watch(l, c, EPOLL_CTL_ADD, EPOLLIN);
}

static int64_t due_us(const struct load *l, size_t i)
{
    return l->rate > 0 ? l->begin_us + (int64_t)((double)i * 1e6 / l->rate) : 0;
}

/* Begins what is due on the connections which are free. Without a rate everything is due, and counts from
 * now. */
static void begin_due(struct load *l)
{
    int64_t now = clock_mono_us();

    for (size_t i = 0; i < l->connections && l->begun < l->count && due_us(l, l->begun) <= now; i++)
        if (!l->all[i].busy)
            begin(l, &l->all[i], l->rate > 0 ? due_us(l, l->begun) : clock_mono_us());
}

static void wait_and_serve(struct load *l)
{
    struct epoll_event events[MAX_CONNECTIONS];
    int64_t left = l->begun < l->count && l->rate > 0 ? due_us(l, l->begun) - clock_mono_us() : 1000000;
    struct timespec pause = {0, left < 1 ? 1000 : left > 999999 ? 999999000 : left * 1000};
    int n = epoll_pwait2(l->epoll_fd, events, MAX_CONNECTIONS, &pause, NULL);

    for (int i = 0; i < n; i++) {
        struct connection *c = events[i].data.ptr;
        if (events[i].events & EPOLLOUT) {
            watch(l, c, EPOLL_CTL_MOD, EPOLLIN);
            go_on_sending(l, c);
        }
        if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
            receive(l, c);
    }
}

static void run(struct load *l)
{
    l->begin_us = clock_mono_us();
    while (l->ended < l->count) {
        if (clock_mono_us() - l->begin_us > LIMIT_S * 1000000LL) {
            errno = 0;
            give_up("took too long");
        }
        begin_due(l);
        wait_and_serve(l);
    }
}

/* ---- the peer of arrive ---- */

static void write_all(int fd, const void *data, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = write(fd, (const char *)data + done, len - done);
        if (n <= 0)
            give_up("write");
        done += (size_t)n;
    }
}

/* Content, name, folder, and a page of a log: each has to be on disk before the next step. */
static void keep_clip(int folder, int log, struct iovec clip, size_t i)
{
    char name[32], self[32], page[4096] = "";
    int fd = openat(folder, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);

    snprintf(name, sizeof name, "clip%zu", i);
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    if (fd < 0)
        give_up("a file without a name");
    write_all(fd, clip.iov_base, clip.iov_len);
    if (fdatasync(fd) < 0 || linkat(AT_FDCWD, self, folder, name, AT_SYMLINK_FOLLOW) < 0 || fsync(folder) < 0)
        give_up("keep a clip");
    close(fd);
    write_all(log, page, sizeof page);
    if (fdatasync(log) < 0)
        give_up("sync the log");
}

static void sleep_until(int64_t us)
{
    struct timespec t = {us / 1000000, us % 1000000 * 1000};

    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static void run_disk(struct load *l, const char *path, const char *clip)
{
    struct iovec bytes = map_file(clip);
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), log;

    log = folder < 0 ? -1 : openat(folder, "log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log < 0)
        give_up(path);
    l->begin_us = clock_mono_us();
    for (; l->ended < l->count; l->ended++) {
        sleep_until(due_us(l, l->ended));
        keep_clip(folder, log, bytes, l->ended);
        l->times[l->ended] = (uint32_t)(clock_mono_us() - due_us(l, l->ended));
    }
}

/* ---- the result ---- */

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static void print(struct load *l)
{
    double seconds = (double)(clock_mono_us() - l->begin_us) / 1e6;

    qsort(l->times, l->ended, sizeof *l->times, by_value);
    printf("requests=%zu wrong=%zu seconds=%.3f rate=%.1f p50_ms=%.3f p99_ms=%.3f max_ms=%.3f "
           "own_cpu_us=%lld id=%s\n",
           l->ended, l->wrong, seconds, (double)l->ended / seconds, l->times[l->ended / 2] / 1e3,
           l->times[l->ended * 99 / 100] / 1e3, l->times[l->ended - 1] / 1e3, (long long)clock_cpu_us(),
           l->id);
}

static int parse_disk(char **argv, struct load *l)
{
    l->count = (size_t)atoi(argv[3]);
    l->rate = atof(argv[5]);
    return l->count - 1 < MAX_REQUESTS && l->rate > 0 ? 0 : -1;
}

static int parse(int argc, char **argv, struct load *l)
{
    bool get = argc == 7 && text_is(argv[1], "get"), post = argc == 8 && text_is(argv[1], "post");
    bool arrive = argc == 9 && text_is(argv[1], "arrive");

    if (argc == 6 && text_is(argv[1], "disk"))
        return parse_disk(argv, l);
    if (!get && !post && !arrive)
        return -1;
    l->port = atoi(argv[2]);
    l->connections = (size_t)atoi(argv[5]);
    l->count = (size_t)atoi(argv[6]);
    l->rate = arrive ? atof(argv[8]) : 0;
    if (get)
        make_get(l, argv[4], argv[3]);
    else
        make_post(l, argv[4], argv[3], argv[7]);
    for (int i = 0; i < PIECES; i++)
        l->request_len += l->pieces[i].iov_len;
    return l->port > 0 && l->connections - 1 < MAX_CONNECTIONS && l->count - 1 < MAX_REQUESTS && l->rate >= 0
               ? 0
               : -1;
}

int main(int argc, char **argv)
{
    static struct load l;

    if (parse(argc, argv, &l) < 0) {
        fprintf(stderr, "usage: load get|post|arrive PORT KEY PATH CONNECTIONS COUNT [CLIP [RATE]]\n"
                        "       load disk FOLDER COUNT CLIP RATE\n");
        return 2;
    }
    l.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    l.all = calloc(l.connections + 1, sizeof *l.all);
    l.times = calloc(l.count, sizeof *l.times);
    if (l.epoll_fd < 0 || !l.all || !l.times)
        give_up("out of memory");
    for (size_t i = 0; i < l.connections; i++)
        dial(&l, &l.all[i]);
    if (l.connections)
        run(&l);
    else
        run_disk(&l, argv[2], argv[4]);
    print(&l);
    return l.wrong ? 1 : 0;
}
