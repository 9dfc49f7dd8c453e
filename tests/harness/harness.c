#include "harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"

enum { READ_MAX = 64 << 20, START_SECONDS = 60, ANSWER_SECONDS = 120 };

static const char boundary[] = "assay-test-7b1d";

static _Noreturn void give_up(const char *what)
{
    printf("Bail out! harness: %s: %s\n", what, strerror(errno));
    exit(99);
}

const char *harness_program(void)
{
    const char *path = getenv("ASSAY_BIN");

    return path ? path : "build/assay";
}

char *folder_new(struct arena *a)
{
    const char *tmp = getenv("TMPDIR");
    char *path = arena_printf(a, "%s/assay-test-XXXXXX", tmp ? tmp : "/tmp");

    if (!mkdtemp(path))
        give_up("mkdtemp");
    return path;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

void folder_remove(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void read_all(struct buf *out, int fd)
{
    char piece[1 << 16];
    ssize_t n;

    while ((n = read(fd, piece, sizeof piece)) > 0 || (n < 0 && errno == EINTR))
        if (n > 0)
            buf_add(out, piece, (size_t)n);
}

int program_run(struct arena *a, char *const argv[], char **ret_out)
{
    struct buf out = BUF(READ_MAX);
    int pipe_fds[2], status;
    pid_t pid;

    if (pipe2(pipe_fds, O_CLOEXEC) < 0 || (pid = fork()) < 0)
        give_up("fork");
    if (pid == 0) {
        dup2(pipe_fds[1], STDOUT_FILENO);
        execv(argv[0], argv);
        _exit(127);
    }
    close(pipe_fds[1]);
    read_all(&out, pipe_fds[0]);
    close(pipe_fds[0]);
    waitpid(pid, &status, 0);
    if (ret_out)
        *ret_out = arena_strndup(a, out.data ? out.data : "", out.len);
    buf_clear(&out);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* first..., then extra... */
static char **join(struct arena *a, char *const first[], char *const extra[])
{
    size_t n = 0;
    char **all = arena_array(a, 64, sizeof *all);

    for (; *first && n < 60; first++)
        all[n++] = *first;
    for (; extra && *extra && n < 63; extra++)
        all[n++] = *extra;
    return all;
}

char *key_new(struct arena *a, const char *dir, const char *tenant, char *const extra[])
{
    char *argv[] = {arena_strdup(a, harness_program()), (char[]){"key"}, (char[]){"new"}, (char[]){"--data"}, arena_strdup(a, dir),
                    (char[]){"--tenant"}, arena_strdup(a, tenant), NULL};
    char *out;

    if (program_run(a, join(a, argv, extra), &out) != 0 || !strchr(out, '\n'))
        give_up("assay key new failed");
    *strchr(out, '\n') = '\0';
    return out;
}

/* The port of the last "ready" line of the log, 0 while there is none. */
static int ready_port(struct arena *a, const char *log, off_t from)
{
    struct bytes text = file_read(a, log);
    const char *at;

    if (text.len <= (size_t)from)
        return 0;
    at = strstr((const char *)text.data + from, " ready port=");
    return at ? atoi(at + strlen(" ready port=")) : 0;
}

void served_start(struct served *s, struct arena *a, const char *dir, char *const extra[])
{
    char *argv[] = {arena_strdup(a, harness_program()), (char[]){"serve"}, (char[]){"--data"}, arena_strdup(a, dir),
                    (char[]){"--listen"}, (char[]){"127.0.0.1:0"}, NULL};
    char **all = join(a, argv, extra);
    int64_t deadline = clock_mono_us() + START_SECONDS * 1000000LL;
    struct stat st = {0};
    int fd, status;

    s->dir = arena_strdup(a, dir);
    s->log = arena_printf(a, "%s.log", dir);
    fd = open(s->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || fstat(fd, &st) < 0 || (s->pid = fork()) < 0)
        give_up("fork");
    if (s->pid == 0) {
        dup2(fd, STDERR_FILENO);
        execv(all[0], all);
        _exit(127);
    }
    close(fd);
    while (!(s->port = ready_port(a, s->log, st.st_size))) {
        if (waitpid(s->pid, &status, WNOHANG) == s->pid || clock_mono_us() > deadline) {
            printf("# %s\n", (const char *)file_read(a, s->log).data);
            give_up("the server did not get ready");
        }
        usleep(5000);
    }
}

/* The keeper and the analysts end with the server; a test must not leave any behind, so wait for the socket to be gone. */
void served_kill(struct served *s)
{
    int status;

    kill(s->pid, SIGKILL);
    waitpid(s->pid, &status, 0);
}

int served_stop(struct served *s)
{
    int status;

    kill(s->pid, SIGTERM);
    waitpid(s->pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* ---------------------------------------------------------------- HTTP */

static int dial(int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval limit = {ANSWER_SECONDS, 0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

/* Whether head and a body of Content-Length bytes are complete. */
static bool complete(const struct buf *in)
{
    char *end = in->data ? strstr(in->data, "\r\n\r\n") : NULL, *length;

    if (!end)
        return false;
    length = strcasestr(in->data, "\r\nContent-Length:");
    return length && length < end && in->len - (size_t)(end + 4 - in->data) >= strtoull(length + 17, NULL, 10);
}

static struct answer split_answer(struct arena *a, const struct buf *in)
{
    char *end = in->data ? strstr(in->data, "\r\n\r\n") : NULL;
    struct answer answer = {.head = arena_strdup(a, "")};
    size_t head;

    if (!end || sscanf(in->data, "HTTP/1.1 %d", &answer.status) != 1)
        return answer;
    head = (size_t)(end + 2 - in->data);
    answer.head = arena_strndup(a, in->data, head);
    answer.body = bytes_of(arena_strndup(a, end + 4, in->len - head - 2), in->len - head - 2);
    return answer;
}

struct answer http_raw(struct arena *a, int port, struct bytes request)
{
    CLEANUP(buf_clear) struct buf in = BUF(READ_MAX);
    CLEANUP(fd_closep) int fd = dial(port);
    char piece[1 << 16];
    size_t sent = 0;
    ssize_t n;

    if (fd < 0)
        return (struct answer){.head = arena_strdup(a, "")};
    while (sent < request.len) { /* a server that refuses early closes: then read what it said */
        n = send(fd, request.data + sent, request.len - sent, MSG_NOSIGNAL);
        if (n <= 0)
            break;
        sent += (size_t)n;
    }
    while (!complete(&in) && (n = recv(fd, piece, sizeof piece, 0)) > 0)
        buf_add(&in, piece, (size_t)n);
    return split_answer(a, &in);
}

static const char *key_header(struct arena *a, const char *key)
{
    return key ? arena_printf(a, "Authorization: Bearer %s\r\n", key) : "";
}

struct answer http_get(struct arena *a, int port, const char *path, const char *key)
{
    char *request = arena_printf(a, "GET %s HTTP/1.1\r\nHost: localhost\r\n%sConnection: close\r\n\r\n", path, key_header(a, key));

    return http_raw(a, port, bytes_of(request, strlen(request)));
}

const char *answer_header(struct arena *a, const struct answer *answer, const char *name)
{
    char *at = strcasestr(answer->head, arena_printf(a, "\r\n%s:", name)), *end;

    if (!at)
        return NULL;
    at += strlen(name) + 3;
    at += strspn(at, " ");
    end = strstr(at, "\r\n");
    return end ? arena_strndup(a, at, (size_t)(end - at)) : at;
}

void form_add(struct form *f, const char *name, const char *file_name, struct bytes value)
{
    f->body.max = READ_MAX;
    buf_printf(&f->body, "--%s\r\nContent-Disposition: form-data; name=\"%s\"", boundary, name);
    if (file_name)
        buf_printf(&f->body, "; filename=\"%s\"\r\nContent-Type: application/octet-stream", file_name);
    buf_str(&f->body, "\r\n\r\n");
    buf_add(&f->body, value.data, value.len);
    buf_str(&f->body, "\r\n");
}

struct bytes form_request(struct arena *a, struct form *f, const char *path, const char *key)
{
    struct buf all = BUF(READ_MAX);
    struct bytes kept;

    f->body.max = READ_MAX;
    buf_printf(&f->body, "--%s--\r\n", boundary);
    buf_printf(&all, "POST %s HTTP/1.1\r\nHost: localhost\r\n%sContent-Type: multipart/form-data; boundary=%s\r\n"
                     "Content-Length: %zu\r\nConnection: close\r\n\r\n", path, key_header(a, key), boundary, f->body.len);
    buf_add(&all, f->body.data, f->body.len);
    kept = bytes_of(arena_strndup(a, all.data, all.len), all.len);
    buf_clear(&all);
    buf_clear(&f->body);
    return kept;
}

struct answer post_clip(struct arena *a, int port, const char *path, const char *key, const char *file_name, struct bytes clip,
                        const char *metadata)
{
    struct form f = {0};

    if (metadata)
        form_add(&f, "metadata", "metadata.json", bytes_of(metadata, strlen(metadata)));
    form_add(&f, "video", file_name, clip);
    return http_raw(a, port, form_request(a, &f, path, key));
}

/* ---------------------------------------------------------------- small things */

struct bytes file_read(struct arena *a, const char *path)
{
    CLEANUP(buf_clear) struct buf all = BUF(READ_MAX);
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        give_up(path);
    read_all(&all, fd);
    return bytes_of(arena_strndup(a, all.data ? all.data : "", all.len), all.len);
}

char *json_at(struct arena *a, struct bytes json, const char *path)
{
    CLEANUP(json_freep) yyjson_doc *doc = json_read(json, READ_MAX, NULL);
    yyjson_val *v = yyjson_doc_get_root(doc);
    char *copy = arena_strdup(a, path), *rest = copy, *part;

    while (v && (part = strsep(&rest, ".")))
        v = yyjson_is_arr(v) ? yyjson_arr_get(v, strtoul(part, NULL, 10)) : yyjson_obj_get(v, part);
    if (!v)
        return NULL;
    if (yyjson_is_str(v))
        return arena_strdup(a, yyjson_get_str(v));
    copy = yyjson_val_write(v, 0, NULL);
    rest = arena_strdup(a, copy);
    free(copy);
    return rest;
}

struct answer result_wait(struct arena *a, int port, const char *key, const char *id, int seconds)
{
    int64_t deadline = clock_mono_us() + seconds * 1000000LL;
    struct answer answer;
    char *state;

    for (;;) {
        answer = http_get(a, port, arena_printf(a, "/api/result/%s", id), key);
        state = answer.status == 200 ? json_at(a, answer.body, "status.classify") : NULL;
        if ((state && strcmp(state, "accepted") != 0 && strcmp(state, "in-progress") != 0) || clock_mono_us() > deadline)
            return answer;
        usleep(20000);
    }
}
