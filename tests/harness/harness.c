#include "harness.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

enum {
    READ_MAX = 64 << 20,
    START_SECONDS = 60,
    ANSWER_SECONDS = 120,
    RUN_SECONDS = 120,
    GONE_SECONDS = 20,
    MANY = 1024,
    MAX_WORDS = 63
};

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
    CLEANUP(arena_freep) struct arena *a = arena_new();

    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    unlink(arena_printf(a, "%s.log", path)); /* of a server that ran on it */
}

static void read_all(struct buf *out, int fd)
{
    char piece[1 << 16];
    ssize_t n;

    while ((n = read(fd, piece, sizeof piece)) > 0 || (n < 0 && errno == EINTR))
        if (n > 0)
            buf_add(out, piece, (size_t)n);
}

/* Both pipes until both are closed; false when the time is up before. */
static bool read_both(struct buf bufs[2], const int fds[2], int64_t deadline)
{
    struct pollfd p[2] = {{.fd = fds[0], .events = POLLIN}, {.fd = fds[1], .events = POLLIN}};
    char piece[1 << 16];

    while (p[0].fd >= 0 || p[1].fd >= 0) {
        int64_t left = (deadline - clock_mono_us()) / 1000;
        if (left <= 0)
            return false;
        poll(p, 2, (int)left);
        for (int i = 0; i < 2; i++) {
            ssize_t n = p[i].fd >= 0 && p[i].revents ? read(p[i].fd, piece, sizeof piece) : -1;
            if (n > 0)
                buf_add(&bufs[i], piece, (size_t)n);
            else if (n == 0)
                p[i].fd = -1;
        }
    }
    return true;
}

static int exit_status(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

struct outcome program_outcome(struct arena *a, char *const argv[], int seconds)
{
    CLEANUP(buf_clear) struct buf out = BUF(READ_MAX);
    CLEANUP(buf_clear) struct buf err = BUF(READ_MAX);
    struct buf bufs[2] = {out, err};
    struct outcome o = {0};
    int out_pipe[2], err_pipe[2], status;
    pid_t pid;

    if (pipe2(out_pipe, O_CLOEXEC) < 0 || pipe2(err_pipe, O_CLOEXEC) < 0 || (pid = fork()) < 0)
        give_up("fork");
    if (pid == 0) {
        dup2(out_pipe[1], STDOUT_FILENO);
        dup2(err_pipe[1], STDERR_FILENO);
        execv(argv[0], argv);
        _exit(127);
    }
    close(out_pipe[1]);
    close(err_pipe[1]);
    o.late = !read_both(bufs, (int[]){out_pipe[0], err_pipe[0]}, clock_mono_us() + seconds * 1000000LL);
    if (o.late)
        kill(pid, SIGKILL);
    close(out_pipe[0]);
    close(err_pipe[0]);
    waitpid(pid, &status, 0);
    out = bufs[0];
    err = bufs[1];
    o.status = exit_status(status);
    o.out = arena_strndup(a, out.data ? out.data : "", out.len);
    o.err = arena_strndup(a, err.data ? err.data : "", err.len);
    return o;
}

int program_run(struct arena *a, char *const argv[], char **ret_out)
{
    struct outcome o = program_outcome(a, argv, RUN_SECONDS);

    if (o.err[0])
        fputs(o.err, stderr);
    if (ret_out)
        *ret_out = o.out;
    return o.status;
}

/* first..., then extra... */
static char **join(struct arena *a, char *const first[], char *const extra[])
{
    size_t n = 0;
    char **all = arena_array(a, MAX_WORDS + 1, sizeof *all);

    for (; *first && n < MAX_WORDS; first++)
        all[n++] = *first;
    for (; extra && *extra && n < MAX_WORDS; extra++)
        all[n++] = *extra;
    return all;
}

struct outcome assay_outcome(struct arena *a, const char *const words[], int seconds)
{
    char **argv = arena_array(a, MAX_WORDS + 1, sizeof *argv);
    struct outcome o;

    argv[0] = arena_strdup(a, harness_program());
    for (size_t i = 0; words[i] && i + 1 < MAX_WORDS; i++)
        argv[i + 1] = arena_strdup(a, words[i]);
    o = program_outcome(a, argv, seconds);
    errno = ETIMEDOUT;
    if (o.late)
        give_up(words[0] ? words[0] : "the program");
    return o;
}

char *key_new(struct arena *a, const char *dir, const char *tenant, char *const extra[])
{
    char *argv[] = {arena_strdup(a, harness_program()),
                    (char[]){"key"},
                    (char[]){"new"},
                    (char[]){"--data"},
                    arena_strdup(a, dir),
                    (char[]){"--tenant"},
                    arena_strdup(a, tenant),
                    NULL};
    char *out;

    if (program_run(a, join(a, argv, extra), &out) != 0 || !strchr(out, '\n'))
        give_up("assay key new failed");
    *strchr(out, '\n') = '\0';
    return out;
}

/* The port of the "ready" line in the log from that offset on, 0 while there is none. Jobs that wait may fill
 * many lines before it. */
static int ready_port(const char *log, off_t from)
{
    CLEANUP(fd_closep) int fd = open(log, O_RDONLY | O_CLOEXEC);
    CLEANUP(buf_clear) struct buf all = BUF(READ_MAX);
    const char *at;

    if (fd < 0 || lseek(fd, from, SEEK_SET) < 0)
        return 0;
    read_all(&all, fd);
    at = all.len ? strstr(all.data, " ready port=") : NULL;
    return at && strchr(at, '\n') ? atoi(at + strlen(" ready port=")) : 0;
}

void served_launch(struct served *s, struct arena *a, const char *dir, int port, char *const extra[])
{
    char *argv[] = {arena_strdup(a, harness_program()),
                    (char[]){"serve"},
                    (char[]){"--data"},
                    arena_strdup(a, dir),
                    (char[]){"--listen"},
                    arena_printf(a, "127.0.0.1:%d", port),
                    NULL};
    char **all = join(a, argv, extra);
    struct stat st = {0};
    int fd;

    prctl(PR_SET_CHILD_SUBREAPER, 1); /* what a killed server leaves behind becomes our child */
    *s = (struct served){.dir = arena_strdup(a, dir), .log = arena_printf(a, "%s.log", dir)};
    fd = open(s->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || fstat(fd, &st) < 0 || (s->pid = fork()) < 0)
        give_up("fork");
    if (s->pid == 0) {
        dup2(fd, STDERR_FILENO);
        execv(all[0], all);
        _exit(127);
    }
    close(fd);
    s->log_from = st.st_size;
}

void served_wait(struct served *s, struct arena *a)
{
    int64_t deadline = clock_mono_us() + START_SECONDS * 1000000LL;
    int status;

    while (!(s->port = ready_port(s->log, s->log_from))) {
        if (waitpid(s->pid, &status, WNOHANG) == s->pid || clock_mono_us() > deadline) {
            printf("# %s\n", (const char *)file_read(a, s->log).data + s->log_from);
            give_up("the server did not get ready");
        }
        usleep(2000);
    }
}

void served_start(struct served *s, struct arena *a, const char *dir, char *const extra[])
{
    served_launch(s, a, dir, 0, extra);
    served_wait(s, a);
}

/* Fields of /proc/PID/stat after the command's name, which may hold anything. */
static pid_t parent_of(pid_t pid)
{
    char path[32], text[512], *at;
    FILE *f;
    int parent = -1;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    f = fopen(path, "re");
    if (f && fgets(text, sizeof text, f) && (at = strrchr(text, ')')))
        sscanf(at + 1, " %*c %d", &parent);
    if (f)
        fclose(f);
    return parent;
}

size_t process_children(pid_t parent, pid_t *ret, size_t max)
{
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    size_t n = 0;

    while (proc && (entry = readdir(proc)))
        if (isdigit((unsigned char)entry->d_name[0]) && parent_of(atoi(entry->d_name)) == parent && n < max)
            ret[n++] = atoi(entry->d_name);
    if (proc)
        closedir(proc);
    return n;
}

static bool among(pid_t pid, const pid_t *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == pid)
            return true;
    return false;
}

/* Keeper and analysts of a dead server become our children; they end by themselves. `before`: our own
 * children. */
static void bury_orphans(const pid_t *before, size_t nbefore)
{
    int64_t deadline = clock_mono_us() + GONE_SECONDS * 1000000LL;
    pid_t now[MANY];
    size_t n, left;

    do {
        n = process_children(getpid(), now, MANY);
        left = 0;
        for (size_t i = 0; i < n; i++)
            left += !among(now[i], before, nbefore) &&
                    waitpid(now[i], NULL, WNOHANG) >= 0; /* one that ended may have left some */
        if (left && clock_mono_us() > deadline)
            give_up("processes of a dead server are still there");
        if (left)
            usleep(500);
    } while (left);
}

static int served_end(struct served *s, int sig)
{
    pid_t before[MANY];
    size_t n = process_children(getpid(), before, MANY);
    int status;

    kill(s->pid, sig);
    waitpid(s->pid, &status, 0);
    bury_orphans(before, n);
    return exit_status(status);
}

void served_kill(struct served *s)
{
    served_end(s, SIGKILL);
}

int served_stop(struct served *s)
{
    return served_end(s, SIGTERM);
}

bool served_ended(struct served *s, int *ret_status)
{
    int status;

    if (waitpid(s->pid, &status, WNOHANG) != s->pid)
        return false;
    bury_orphans(NULL, 0);
    *ret_status = exit_status(status);
    return true;
}

bool served_up(struct served *s, int seconds, int *ret_status)
{
    int64_t deadline = clock_mono_us() + seconds * 1000000LL;

    while (!(s->port = ready_port(s->log, s->log_from))) {
        if (served_ended(s, ret_status))
            return false;
        if (clock_mono_us() > deadline) {
            served_kill(s);
            *ret_status = -1;
            return false;
        }
        usleep(2000);
    }
    return true;
}

long process_memory_kb(pid_t pid, const char *what)
{
    char path[48], line[256];
    long kb = -1;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
    f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, what, strlen(what)) == 0 && line[strlen(what)] == ':')
            kb = atol(line + strlen(what) + 1);
    if (f)
        fclose(f);
    return kb;
}

/* ---------------------------------------------------------------- HTTP */

int http_dial(int port)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
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
    return length && length < end &&
           in->len - (size_t)(end + 4 - in->data) >= strtoull(length + 17, NULL, 10);
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

bool http_send(int fd, struct bytes piece)
{
    size_t sent = 0;
    ssize_t n;

    while (sent < piece.len) {
        n = send(fd, piece.data + sent, piece.len - sent, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        sent += (size_t)n;
    }
    return true;
}

struct answer http_receive(struct arena *a, int fd)
{
    CLEANUP(buf_clear) struct buf in = BUF(READ_MAX);
    char piece[1 << 16];
    ssize_t n;

    while (!complete(&in) && (n = recv(fd, piece, sizeof piece, 0)) > 0)
        buf_add(&in, piece, (size_t)n);
    return split_answer(a, &in);
}

struct answer http_raw(struct arena *a, int port, struct bytes request)
{
    CLEANUP(fd_closep) int fd = http_dial(port);

    if (fd < 0)
        return (struct answer){.head = arena_strdup(a, "")};
    http_send(fd, request); /* a server that refuses early closes: then read what it said */
    return http_receive(a, fd);
}

static const char *key_header(struct arena *a, const char *key)
{
    return key ? arena_printf(a, "Authorization: Bearer %s\r\n", key) : "";
}

struct answer http_get(struct arena *a, int port, const char *path, const char *key)
{
    char *request = arena_printf(a, "GET %s HTTP/1.1\r\nHost: localhost\r\n%sConnection: close\r\n\r\n", path,
                                 key_header(a, key));

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
    buf_printf(&all,
               "POST %s HTTP/1.1\r\nHost: localhost\r\n%sContent-Type: multipart/form-data; boundary=%s\r\n"
               "Content-Length: %zu\r\nConnection: close\r\n\r\n",
               path, key_header(a, key), boundary, f->body.len);
    buf_add(&all, f->body.data, f->body.len);
    kept = bytes_of(arena_strndup(a, all.data, all.len), all.len);
    buf_clear(&all);
    buf_clear(&f->body);
    return kept;
}

struct answer post_clip(struct arena *a, int port, const char *path, const char *key, const char *file_name,
                        struct bytes clip, const char *metadata)
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

struct bytes clip_load(struct arena *a, const char *name)
{
    const char *dir = getenv("ASSAY_CLIPS");

    return file_read(a, arena_printf(a, "%s/%s", dir ? dir : "build/clips", name));
}

struct answer result_wait(struct arena *a, int port, const char *key, const char *id, int seconds)
{
    int64_t deadline = clock_mono_us() + seconds * 1000000LL;
    struct answer answer;
    char *state;

    for (;;) {
        answer = http_get(a, port, arena_printf(a, "/api/result/%s", id), key);
        state = answer.status == 200 ? json_at(a, answer.body, "status.classify") : NULL;
        if ((state && strcmp(state, "accepted") != 0 && strcmp(state, "in-progress") != 0) ||
            clock_mono_us() > deadline)
            return answer;
        usleep(20000);
    }
}
