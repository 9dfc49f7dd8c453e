#include "store/blobs_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/mem.h"
#include "base/text.h"
#include "store/folder_int.h"

enum { COLLECT = 256 << 10, STALE_SECONDS = 3600, PATH_TEXT = 3 + HASH_HEX, TEMP_TEXT = 4 + ID_TEXT };

struct pin {
    struct pin *next;
    int n;
    char sha256[HASH_HEX];
};

struct blobs {
    int root; /* DIR/blobs */
    bool named;
    atomic_ullong stored, bytes, failed;
    atomic_bool failing;
    atomic_bool ready[BLOB_FOLDERS]; /* this process has made that folder, or seen it, and synced its name */
    pthread_mutex_t locks[BLOB_FOLDERS]; /* of one folder: its pins, and removing from it */
    /* --- guarded by the lock of the same index --- */
    struct pin *pins[BLOB_FOLDERS];
};

struct blob_writer {
    struct blobs *blobs;
    int fd;
    char temp[TEMP_TEXT]; /* below root; "" when nameless */
    struct hasher *hash;
    int64_t written, max;
    size_t len; /* collected, not yet written */
    uint8_t collected[COLLECT];
};

/* errno into a sentence; a full disk gets advice. */
static int io_fail(struct err *err, const char *what)
{
    if (errno == ENOSPC || errno == EDQUOT)
        return FAIL(err, ERR_FULL,
                    "the disk is full: cannot %s; free space in the data directory and send it again", what);
    return FAIL_ERRNO(err, "cannot %s", what);
}

/* ---- opening ---- */

static int sync_folder(int at, const char *name, struct err *err)
{
    CLEANUP(fd_closep) int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || fsync(fd) < 0)
        return io_fail(err, "sync a folder of the blob store");
    return 0;
}

static int make_folder(int at, const char *name, struct err *err)
{
    if (mkdirat(at, name, 0700) < 0 && errno != EEXIST)
        return io_fail(err, "create a folder of the blob store");
    return 0;
}

/* Named uploads of a process which was killed. Young ones may belong to a process which still runs. */
static void drop_stale(struct blobs *b)
{
    int fd = openat(b->root, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;
    struct stat st;

    while (dir && (entry = readdir(dir)))
        if (id_is_valid(entry->d_name) && fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            st.st_mtime < time(NULL) - STALE_SECONDS)
            unlinkat(fd, entry->d_name, 0);
    if (dir)
        closedir(dir);
    else
        fd_closep(&fd);
}

static int open_root(struct blobs *b, const char *dir, struct err *err)
{
    CLEANUP(fd_closep) int parent = -1;

    if (folder_open(dir, &parent, err) < 0 || make_folder(parent, "blobs", err) < 0 ||
        sync_folder(parent, ".", err) < 0)
        return -1;
    b->root = openat(parent, "blobs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (b->root < 0)
        return io_fail(err, "open the blob store");
    return make_folder(b->root, "tmp", err);
}

static struct blobs *blobs_new(void)
{
    struct blobs *b = mem_alloc(sizeof *b);

    b->root = -1;
    for (int i = 0; i < BLOB_FOLDERS; i++)
        pthread_mutex_init(&b->locks[i], NULL);
    return b;
}

int blobs_open_reading(struct blobs **ret_blobs, const char *dir, struct err *err)
{
    CLEANUP(blobs_freep) struct blobs *b = blobs_new();
    CLEANUP(fd_closep) int parent = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    b->root = parent < 0 ? -1 : openat(parent, "blobs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (b->root < 0 && errno == ENOENT)
        return FAIL(err, ERR_NOT_FOUND, "there are no stored files in %s", dir);
    if (b->root < 0)
        return io_fail(err, "open the blob store");
    *ret_blobs = TAKE(b);
    return 0;
}

int blobs_open(struct blobs **ret_blobs, const char *dir, struct err *err)
{
    CLEANUP(blobs_freep) struct blobs *b = blobs_new();

    if (open_root(b, dir, err) < 0)
        return -1;
    drop_stale(b);
    *ret_blobs = TAKE(b);
    return 0;
}

void blobs_freep(struct blobs **b)
{
    if (!*b)
        return;
    fd_closep(&(*b)->root);
    for (int i = 0; i < BLOB_FOLDERS; i++) {
        for (struct pin *p = (*b)->pins[i], *next; p; p = next) {
            next = p->next;
            free(p);
        }
        pthread_mutex_destroy(&(*b)->locks[i]);
    }
    free(*b);
    *b = NULL;
}

void blobs_use_named(struct blobs *b)
{
    b->named = true;
}

/* ---- writing ---- */

/* A file without a name, or where the file system has none of those, one in tmp (its name in ret_temp). */
static int open_temp(struct blobs *b, char ret_temp[TEMP_TEXT], struct err *err)
{
    char id[ID_TEXT];
    int fd = -1;

    ret_temp[0] = '\0';
    if (!b->named)
        fd = openat(b->root, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 && (b->named || errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
        id_new(id, clock_wall_us());
        snprintf(ret_temp, TEMP_TEXT, "tmp/%s", id);
        fd = openat(b->root, ret_temp, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    }
    if (fd < 0)
        return io_fail(err, "begin a file in the blob store");
    return fd;
}

/* Notes what the disk has said, and passes it on. */
static int note(struct blobs *b, int r)
{
    if (r < 0)
        atomic_fetch_add(&b->failed, 1);
    atomic_store(&b->failing, r < 0);
    return r;
}

int blob_begin(struct blob_writer **ret_writer, struct blobs *b, int64_t max_bytes, struct err *err)
{
    CLEANUP(blob_writer_freep) struct blob_writer *w = mem_alloc(sizeof *w);

    w->blobs = b;
    w->max = max_bytes;
    w->hash = hasher_new();
    w->fd = open_temp(b, w->temp, err);
    if (w->fd < 0)
        return note(b, -1);
    *ret_writer = TAKE(w);
    return 0;
}

void blob_writer_freep(struct blob_writer **w)
{
    if (!*w)
        return;
    if ((*w)->temp[0])
        unlinkat((*w)->blobs->root, (*w)->temp, 0);
    fd_closep(&(*w)->fd);
    hasher_freep(&(*w)->hash);
    free(*w);
    *w = NULL;
}

int64_t blob_written(const struct blob_writer *w)
{
    return w->written;
}

static int write_all(int fd, struct bytes b, struct err *err)
{
    while (b.len > 0) {
        ssize_t n = write(fd, b.data, b.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return io_fail(err, "write to the blob store");
        b = bytes_of(b.data + n, b.len - (size_t)n);
    }
    return 0;
}

static int flush(struct blob_writer *w, struct bytes b, struct err *err)
{
    hasher_add(w->hash, b);
    return write_all(w->fd, b, err) < 0 ? note(w->blobs, -1) : 0;
}

static int flush_collected(struct blob_writer *w, struct err *err)
{
    size_t len = w->len;

    w->len = 0;
    return flush(w, bytes_of(w->collected, len), err);
}

int blob_add(struct blob_writer *w, struct bytes piece, struct err *err)
{
    if ((int64_t)piece.len > w->max - w->written)
        return FAIL(err, ERR_LIMIT, "the upload is larger than the limit of %lld bytes", (long long)w->max);
    w->written += (int64_t)piece.len;
    while (piece.len > 0) {
        size_t room = COLLECT - w->len, n = piece.len < room ? piece.len : room;
        memcpy(w->collected + w->len, piece.data, n);
        w->len += n;
        piece = bytes_of(piece.data + n, piece.len - n);
        if (w->len == COLLECT && flush_collected(w, err) < 0)
            return -1;
    }
    return 0;
}

int blob_hash(struct blob_writer *w, char ret_sha256[HASH_HEX], struct err *err)
{
    if (flush_collected(w, err) < 0)
        return -1;
    hasher_peek(w->hash, ret_sha256);
    return 0;
}

static void path_of(char ret_path[PATH_TEXT], const char *sha256)
{
    snprintf(ret_path, PATH_TEXT, "%.2s/%.64s", sha256, sha256);
}

/* ---- pins ---- */

static uint8_t folder_of(const char *sha256)
{
    uint8_t i = 0;

    text_unhex(&i, 1, (char[]){sha256[0], sha256[1], '\0'});
    return i;
}

/* Under the folder's lock. */
static struct pin **find_pin(struct blobs *b, const char *sha256)
{
    struct pin **p = &b->pins[folder_of(sha256)];

    while (*p && strcmp((*p)->sha256, sha256) != 0)
        p = &(*p)->next;
    return p;
}

static void pin(struct blobs *b, const char *sha256)
{
    uint8_t i = folder_of(sha256);
    struct pin **p;

    pthread_mutex_lock(&b->locks[i]);
    p = find_pin(b, sha256);
    if (!*p) {
        *p = mem_alloc(sizeof **p);
        text_copy((*p)->sha256, HASH_HEX, sha256);
    }
    (*p)->n++;
    pthread_mutex_unlock(&b->locks[i]);
}

void blob_unpin(struct blobs *b, const char *sha256)
{
    uint8_t i = folder_of(sha256);
    struct pin **p, *done = NULL;

    pthread_mutex_lock(&b->locks[i]);
    p = find_pin(b, sha256);
    if (*p && --(*p)->n == 0) {
        done = *p;
        *p = done->next;
    }
    pthread_mutex_unlock(&b->locks[i]);
    free(done);
}

/* ---- names ---- */

/* To link a nameless file through /proc is open to everybody; the direct way needs a capability. */
static int link_once(const struct blob_writer *w, const char *path)
{
    char self[32];

    if (w->temp[0])
        return linkat(w->blobs->root, w->temp, w->blobs->root, path, 0);
    snprintf(self, sizeof self, "/proc/self/fd/%d", w->fd);
    if (linkat(AT_FDCWD, self, w->blobs->root, path, AT_SYMLINK_FOLLOW) == 0)
        return 0;
    if (errno != ENOENT)
        return -1;
    return linkat(w->fd, "", w->blobs->root, path, AT_EMPTY_PATH);
}

/* A file of that name has the same content, or it was damaged behind our back: then ours takes its place. */
static int give_name(const struct blob_writer *w, const char *path, struct err *err)
{
    struct stat st;

    if (link_once(w, path) == 0)
        return 0;
    if (errno != EEXIST)
        return io_fail(err, "name a file in the blob store");
    if (fstatat(w->blobs->root, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_size == w->written)
        return 0;
    if (unlinkat(w->blobs->root, path, 0) < 0 || link_once(w, path) < 0)
        return io_fail(err, "replace a damaged file in the blob store");
    return 0;
}

/* The folder of a path, made when it is missing. Its own name is on disk before anything is put into it. */
static int ready_folder(struct blobs *b, const char *path, char ret_folder[3], struct err *err)
{
    uint8_t i = 0;

    text_copy(ret_folder, 3, path);
    text_unhex(&i, 1, ret_folder);
    if (atomic_load(&b->ready[i]))
        return 0;
    if (make_folder(b->root, ret_folder, err) < 0 || sync_folder(b->root, ".", err) < 0)
        return -1;
    atomic_store(&b->ready[i], true);
    return 0;
}

/* Pinned first: from then on nobody takes away what give_name finds or makes. */
static int name_it(struct blob_writer *w, const char *sha256, struct err *err)
{
    char path[PATH_TEXT], folder[3];

    path_of(path, sha256);
    pin(w->blobs, sha256);
    if (ready_folder(w->blobs, path, folder, err) == 0 && give_name(w, path, err) == 0 &&
        sync_folder(w->blobs->root, folder, err) == 0)
        return 0;
    blob_unpin(w->blobs, sha256);
    return -1;
}

/* The order is the promise: content, name, folder. A name on disk always has its whole content. */
static int seal(struct blob_writer *w, char ret_sha256[HASH_HEX], struct err *err)
{
    if (flush_collected(w, err) < 0)
        return -1;
    if (fdatasync(w->fd) < 0)
        return io_fail(err, "sync a file of the blob store");
    hasher_hex(w->hash, ret_sha256);
    return name_it(w, ret_sha256, err);
}

int blob_seal_take(struct blob_writer *w, char ret_sha256[HASH_HEX], int64_t *ret_size, struct err *err)
{
    char sha256[HASH_HEX];
    int64_t size = w->written;
    struct blobs *b = w->blobs;
    int r = note(b, seal(w, sha256, err));

    blob_writer_freep(&w);
    if (r < 0)
        return -1;
    atomic_fetch_add(&b->stored, 1);
    atomic_fetch_add(&b->bytes, (uint64_t)size);
    text_copy(ret_sha256, HASH_HEX, sha256);
    *ret_size = size;
    return 0;
}

/* ---- whole descriptors ---- */

static int copy_fd(struct blob_writer *w, int fd, struct err *err)
{
    enum { CHUNK = 64 << 10 };
    CLEANUP(freep) uint8_t *chunk = mem_alloc(CHUNK);
    off_t at = 0;
    ssize_t n;

    while ((n = pread(fd, chunk, CHUNK, at)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return io_fail(err, "read the file to store");
        if (blob_add(w, bytes_of(chunk, (size_t)n), err) < 0)
            return -1;
        at += n;
    }
    return 0;
}

int blob_from_fd(struct blobs *b, int fd, int64_t max_bytes, char ret_sha256[HASH_HEX], int64_t *ret_size,
                 struct err *err)
{
    CLEANUP(blob_writer_freep) struct blob_writer *w = NULL;

    if (blob_begin(&w, b, max_bytes, err) < 0 || copy_fd(w, fd, err) < 0)
        return -1;
    return blob_seal_take(TAKE(w), ret_sha256, ret_size, err);
}

int blobs_temp(struct blobs *b, int *ret_fd, struct err *err)
{
    char temp[TEMP_TEXT];
    int fd = open_temp(b, temp, err);

    if (fd < 0)
        return -1;
    if (temp[0])
        unlinkat(b->root, temp, 0);
    *ret_fd = fd;
    return 0;
}

/* ---- how the disk is ---- */

int blobs_probe(struct blobs *b, struct err *err)
{
    static const uint8_t page[4096];
    CLEANUP(fd_closep) int fd = -1;

    if (blobs_temp(b, &fd, err) < 0 || write_all(fd, bytes_of(page, sizeof page), err) < 0)
        return note(b, -1);
    if (fdatasync(fd) < 0)
        return note(b, io_fail(err, "sync a file of the blob store"));
    return note(b, 0);
}

void blobs_stats(struct blobs *b, struct blobs_stats *ret)
{
    struct statvfs fs;
    bool known = fstatvfs(b->root, &fs) == 0;

    *ret = (struct blobs_stats){
        .stored = atomic_load(&b->stored),
        .bytes = atomic_load(&b->bytes),
        .failed = atomic_load(&b->failed),
        .failing = atomic_load(&b->failing),
        .disk_size = known ? (int64_t)fs.f_blocks * (int64_t)fs.f_frsize : -1,
        .disk_free = known ? (int64_t)fs.f_bavail * (int64_t)fs.f_frsize : -1,
    };
}

/* ---- reading ---- */

static int check_name(const char *sha256, struct err *err)
{
    if (!sha256 || !text_is_hex(sha256, HASH_HEX - 1))
        return FAIL(err, ERR_INPUT, "a blob's name has %d hex digits", HASH_HEX - 1);
    return 0;
}

int blob_open(struct blobs *b, const char *sha256, int *ret_fd, int64_t *ret_size, struct err *err)
{
    CLEANUP(fd_closep) int fd = -1;
    char path[PATH_TEXT];
    struct stat st;

    if (check_name(sha256, err) < 0)
        return -1;
    path_of(path, sha256);
    fd = openat(b->root, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT)
        return FAIL(err, ERR_NOT_FOUND, "the stored file %.12s... is gone", sha256);
    if (fd < 0 || fstat(fd, &st) < 0)
        return io_fail(err, "open a file of the blob store");
    *ret_size = st.st_size;
    *ret_fd = TAKE_FD(fd);
    return 0;
}

int blob_remove(struct blobs *b, const char *sha256, struct err *err)
{
    char path[PATH_TEXT];

    if (check_name(sha256, err) < 0)
        return -1;
    path_of(path, sha256);
    if (unlinkat(b->root, path, 0) == 0)
        return 0;
    if (errno == ENOENT)
        return FAIL(err, ERR_NOT_FOUND, "the stored file %.12s... is gone", sha256);
    return io_fail(err, "remove a file of the blob store");
}

/* Under the folder's lock. */
static int remove_unused(struct blobs *b, const char *sha256, blob_in_use *in_use, void *arg,
                         enum blob_fate *ret_fate, struct err *err)
{
    struct err why = {0};
    int used;

    *ret_fate = BLOB_PINNED;
    if (*find_pin(b, sha256))
        return 0;
    used = in_use(arg, sha256, err);
    if (used < 0)
        return -1;
    *ret_fate = used ? BLOB_IN_USE : BLOB_GONE;
    if (used || blob_remove(b, sha256, &why) == 0 || why.kind == ERR_NOT_FOUND)
        return 0;
    return FAIL(err, why.kind, "%s", why.text);
}

int blob_remove_unused(struct blobs *b, const char *sha256, blob_in_use *in_use, void *arg,
                       enum blob_fate *ret_fate, struct err *err)
{
    uint8_t i;
    int r;

    if (check_name(sha256, err) < 0)
        return -1;
    i = folder_of(sha256);
    pthread_mutex_lock(&b->locks[i]);
    r = remove_unused(b, sha256, in_use, arg, ret_fate, err);
    pthread_mutex_unlock(&b->locks[i]);
    return r;
}

/* ---- looking round ---- */

static void closedirp(DIR **dir)
{
    if (*dir)
        closedir(*dir);
}

int blobs_list(struct blobs *b, struct arena *a, int folder, const char ***ret_names, size_t *ret_n,
               struct err *err)
{
    CLEANUP(closedirp) DIR *dir = NULL;
    const char **names = NULL;
    size_t n = 0, cap = 0;
    char name[3];
    int fd;

    *ret_n = 0;
    snprintf(name, sizeof name, "%02x", (uint8_t)folder);
    fd = openat(b->root, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : io_fail(err, "open a folder of the blob store");
    dir = fdopendir(fd);
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        if (text_is_hex(entry->d_name, HASH_HEX - 1))
            ARENA_PUSH(a, names, n, cap) = arena_strdup(a, entry->d_name);
    *ret_names = names;
    *ret_n = n;
    return 0;
}
