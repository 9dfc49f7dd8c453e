#include "power/tape.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/text.h"

enum { FDS = 1024, NODES = 4096, OFF = -1 };

const char *const tape_kind_names[KIND_COUNT] = {
    [KIND_ROOT] = "the folder above the data directory",
    [KIND_DATA] = "the data directory",
    [KIND_BLOBS] = "blobs/",
    [KIND_FOLDER] = "blobs/ab/",
    [KIND_BLOB] = "a blob",
    [KIND_DB] = "assay.db",
    [KIND_WAL] = "assay.db-wal",
    [KIND_OTHER] = "other",
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* --- guarded by lock --- */
static struct {
    struct arena *arena; /* NULL: does not run */
    struct tape tape;
    size_t cap;
    int nnodes;
    ino_t inodes[NODES]; /* of each node, the last one counts; numbers are used again */
    dev_t dev;
    int of_fd[FDS]; /* node + 1, 0 = not ours */
} t;

/* ---- writing down; all under lock ---- */

static struct tape_event *add(enum tape_what what, int node)
{
    struct tape_event *e = &ARENA_PUSH(t.arena, t.tape.events, t.tape.n, t.cap);

    *e = (struct tape_event){.what = what, .node = node};
    return e;
}

static int node_of_inode(const struct stat *st)
{
    if (st->st_dev != t.dev)
        return OFF;
    for (int i = t.nnodes - 1; i >= 0; i--)
        if (t.inodes[i] == st->st_ino)
            return i;
    return OFF;
}

static int node_at(int at, const char *path, int flags)
{
    struct stat st;

    return fstatat(at, path, &st, flags) == 0 ? node_of_inode(&st) : OFF;
}

static int node_of_fd(int fd)
{
    return t.arena && fd >= 0 && fd < FDS ? t.of_fd[fd] - 1 : OFF;
}

static enum tape_kind kind_of(const char *name)
{
    static const struct {
        const char *name;
        enum tape_kind kind;
    } rows[] = {{"data", KIND_DATA},
                {"blobs", KIND_BLOBS},
                {"assay.db", KIND_DB},
                {"assay.db-wal", KIND_WAL},
                {"", KIND_BLOB}};

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (strcmp(name, rows[i].name) == 0)
            return rows[i].kind;
    return text_is_hex(name, 2) ? KIND_FOLDER : KIND_OTHER;
}

static int new_node(const struct stat *st, bool folder, const char *name)
{
    struct tape_event *e;

    if (t.nnodes == NODES)
        abort();
    t.inodes[t.nnodes] = st->st_ino;
    e = add(TAPE_NODE, t.nnodes);
    e->folder = folder;
    e->kind = kind_of(name);
    return t.nnodes++;
}

static void add_link(int folder, const char *name, int target)
{
    struct tape_event *e = add(TAPE_LINK, folder);

    text_copy(e->name, sizeof e->name, name);
    e->target = target;
}

static void add_unlink(int folder, const char *name)
{
    text_copy(add(TAPE_UNLINK, folder)->name, TAPE_NAME, name);
}

/* The folder of a path, and the name in it. */
static int folder_of(int at, const char *path, char ret_name[TAPE_NAME])
{
    const char *slash = strrchr(path, '/');
    char folder[512];

    if (!t.arena)
        return OFF;
    text_copy(ret_name, TAPE_NAME, slash ? slash + 1 : path);
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    return node_at(at, folder, 0);
}

static void opened(int fd, int folder, const char *name, bool is_new)
{
    struct stat st;
    int node;

    if (fd < 0 || fd >= FDS || fstat(fd, &st) < 0)
        return;
    node = is_new ? new_node(&st, false, name) : node_of_inode(&st);
    if (is_new && *name)
        add_link(folder, name, node);
    t.of_fd[fd] = node + 1;
}

/* ---- from outside ---- */

void tape_start(struct arena *a, const char *root)
{
    struct stat st;

    if (stat(root, &st) < 0)
        abort();
    pthread_mutex_lock(&lock);
    memset(&t, 0, sizeof t);
    t.arena = a;
    t.dev = st.st_dev;
    t.inodes[t.nnodes++] = st.st_ino;
    pthread_mutex_unlock(&lock);
}

size_t tape_mark(void)
{
    size_t n;

    pthread_mutex_lock(&lock);
    n = t.tape.n;
    pthread_mutex_unlock(&lock);
    return n;
}

struct tape tape_stop(void)
{
    struct tape tape;

    pthread_mutex_lock(&lock);
    tape = t.tape;
    t.arena = NULL;
    pthread_mutex_unlock(&lock);
    return tape;
}

/* ---- in the place of the C library ---- */

#define WRAP(type, name, symbol, ...)              \
    type tape_##name(__VA_ARGS__) __asm__(symbol); \
    type tape_##name(__VA_ARGS__)

static int open_at(int at, const char *path, int flags, mode_t mode)
{
    bool nameless = (flags & O_TMPFILE) == O_TMPFILE, is_new;
    char name[TAPE_NAME];
    int fd, folder;

    pthread_mutex_lock(&lock);
    folder = nameless ? (t.arena ? node_at(at, path, 0) : OFF) : folder_of(at, path, name);
    is_new = nameless || ((flags & O_CREAT) && faccessat(at, path, F_OK, 0) < 0);
    fd = (int)syscall(SYS_openat, at, path, flags, mode);
    if (t.arena)
        opened(fd, folder, nameless ? "" : name, is_new && folder != OFF);
    pthread_mutex_unlock(&lock);
    return fd;
}

static mode_t mode_of(int flags, va_list args)
{
    return (flags & (O_CREAT | O_TMPFILE)) ? va_arg(args, mode_t) : 0;
}

#define WRAP_OPEN(name, symbol)                               \
    WRAP(int, name, symbol, const char *path, int flags, ...) \
    {                                                         \
        va_list args;                                         \
        mode_t mode;                                          \
        va_start(args, flags);                                \
        mode = mode_of(flags, args);                          \
        va_end(args);                                         \
        return open_at(AT_FDCWD, path, flags, mode);          \
    }
#define WRAP_OPENAT(name, symbol)                                     \
    WRAP(int, name, symbol, int at, const char *path, int flags, ...) \
    {                                                                 \
        va_list args;                                                 \
        mode_t mode;                                                  \
        va_start(args, flags);                                        \
        mode = mode_of(flags, args);                                  \
        va_end(args);                                                 \
        return open_at(at, path, flags, mode);                        \
    }
WRAP_OPEN(open, "open")
WRAP_OPEN(open64, "open64")
WRAP_OPENAT(openat, "openat")
WRAP_OPENAT(openat64, "openat64")

WRAP(int, close, "close", int fd)
{
    int r;

    pthread_mutex_lock(&lock);
    if (fd >= 0 && fd < FDS)
        t.of_fd[fd] = 0;
    r = (int)syscall(SYS_close, fd);
    pthread_mutex_unlock(&lock);
    return r;
}

static void wrote(int fd, const void *data, ssize_t n, off_t at)
{
    int node = node_of_fd(fd);
    struct tape_event *e;

    if (node == OFF || n <= 0)
        return;
    e = add(TAPE_WRITE, node);
    e->at = at;
    e->len = (size_t)n;
    e->data = memcpy(arena_alloc(t.arena, (size_t)n), data, (size_t)n);
}

WRAP(ssize_t, write, "write", int fd, const void *data, size_t n)
{
    ssize_t done;
    off_t at;

    pthread_mutex_lock(&lock);
    at = node_of_fd(fd) == OFF ? 0 : lseek(fd, 0, SEEK_CUR);
    done = syscall(SYS_write, fd, data, n);
    wrote(fd, data, done, at);
    pthread_mutex_unlock(&lock);
    return done;
}

WRAP(ssize_t, pwrite64, "pwrite64", int fd, const void *data, size_t n, off_t at)
{
    ssize_t done;

    pthread_mutex_lock(&lock);
    done = syscall(SYS_pwrite64, fd, data, n, at);
    wrote(fd, data, done, at);
    pthread_mutex_unlock(&lock);
    return done;
}

WRAP(int, ftruncate64, "ftruncate64", int fd, off_t len)
{
    int r;

    pthread_mutex_lock(&lock);
    r = (int)syscall(SYS_ftruncate, fd, len);
    if (r == 0 && node_of_fd(fd) != OFF)
        add(TAPE_TRUNCATE, node_of_fd(fd))->at = len;
    pthread_mutex_unlock(&lock);
    return r;
}

static int sync_fd(int fd)
{
    pthread_mutex_lock(&lock);
    if (node_of_fd(fd) != OFF)
        add(TAPE_SYNC, node_of_fd(fd));
    pthread_mutex_unlock(&lock);
    return 0;
}

WRAP(int, fsync, "fsync", int fd)
{
    return sync_fd(fd);
}

WRAP(int, fdatasync, "fdatasync", int fd)
{
    return sync_fd(fd);
}

/* blobs.c links nameless files through /proc. */
static int link_source(int at, const char *from)
{
    int fd = -1;

    if (sscanf(from, "/proc/self/fd/%d", &fd) == 1)
        return node_of_fd(fd);
    return *from ? node_at(at, from, AT_SYMLINK_NOFOLLOW) : node_of_fd(at);
}

WRAP(int, linkat, "linkat", int from_at, const char *from, int to_at, const char *to, int flags)
{
    char name[TAPE_NAME];
    int r, folder;

    pthread_mutex_lock(&lock);
    r = (int)syscall(SYS_linkat, from_at, from, to_at, to, flags);
    folder = r < 0 ? OFF : folder_of(to_at, to, name);
    if (folder != OFF)
        add_link(folder, name, link_source(from_at, from));
    pthread_mutex_unlock(&lock);
    return r;
}

static int unlink_at(int at, const char *path, int flags)
{
    char name[TAPE_NAME];
    int r, folder;

    pthread_mutex_lock(&lock);
    r = (int)syscall(SYS_unlinkat, at, path, flags);
    folder = r < 0 ? OFF : folder_of(at, path, name);
    if (folder != OFF)
        add_unlink(folder, name);
    pthread_mutex_unlock(&lock);
    return r;
}

WRAP(int, unlinkat, "unlinkat", int at, const char *path, int flags)
{
    return unlink_at(at, path, flags);
}

WRAP(int, unlink, "unlink", const char *path)
{
    return unlink_at(AT_FDCWD, path, 0);
}

static int make_folder(int at, const char *path, mode_t mode)
{
    char name[TAPE_NAME];
    struct stat st;
    int r, folder;

    pthread_mutex_lock(&lock);
    r = (int)syscall(SYS_mkdirat, at, path, mode);
    folder = r < 0 ? OFF : folder_of(at, path, name);
    if (folder != OFF && fstatat(at, path, &st, 0) == 0)
        add_link(folder, name, new_node(&st, true, name));
    pthread_mutex_unlock(&lock);
    return r;
}

WRAP(int, mkdirat, "mkdirat", int at, const char *path, mode_t mode)
{
    return make_folder(at, path, mode);
}

WRAP(int, mkdir, "mkdir", const char *path, mode_t mode)
{
    return make_folder(AT_FDCWD, path, mode);
}
