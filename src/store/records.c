#include "store/records.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "store/folder_int.h"
#include "store/history.h"
#include "store/records_int.h"

enum { OWNER_NOTE_MAX = 1024 };

static char *join(const char *dir, const char *name)
{
    struct buf b = BUF(SIZE_MAX / 2);

    buf_printf(&b, "%s/%s", dir, name);
    return b.data;
}

static int lock_whole(int fd, int mode)
{
    int r;

    do
        r = flock(fd, LOCK_EX | mode);
    while (r < 0 && errno == EINTR);
    return r;
}

/* The folder stays locked while the database is created or migrated: two processes may start at the same
 * time. */
static int lock_folder(const char *dir, int *ret_fd, struct err *err)
{
    CLEANUP(fd_closep) int fd = -1;

    if (folder_open(dir, &fd, err) < 0)
        return -1;
    if (lock_whole(fd, 0) < 0)
        return FAIL_ERRNO(err, "cannot lock the data directory %s", dir);
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* Only the owner reads what is in there; SQLite gives its other files the same mode. */
static int make_private(const char *path, struct err *err)
{
    CLEANUP(fd_closep) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return FAIL_ERRNO(err, "cannot open %s", path);
    if ((st.st_mode & 077) && fchmod(fd, 0600) < 0)
        return FAIL_ERRNO(err, "others can read %s, and its mode cannot be changed", path);
    return 0;
}

static struct records *records_new(const char *dir)
{
    struct records *db = mem_alloc(sizeof *db);

    db->owner_fd = -1;
    records_act_as(db, "server");
    pthread_mutex_init(&db->lock, NULL);
    db->dir = mem_strdup(dir);
    db->path = join(dir, "assay.db");
    return db;
}

int records_open_reading(struct records **ret_records, const char *dir, struct err *err)
{
    CLEANUP(records_freep) struct records *db = records_new(dir);

    if (access(db->path, F_OK) < 0)
        return FAIL(err, ERR_NOT_FOUND, "there are no records in %s: no assay.db", dir);
    if (conn_open(&db->idle_readers, db->path, CONN_READ, err) < 0 || schema_check(db->idle_readers, err) < 0)
        return -1;
    *ret_records = TAKE(db);
    return 0;
}

int records_open(struct records **ret_records, const char *dir, struct err *err)
{
    CLEANUP(records_freep) struct records *db = records_new(dir);
    CLEANUP(fd_closep) int folder = -1;

    if (lock_folder(dir, &folder, err) < 0 || make_private(db->path, err) < 0 ||
        conn_open(&db->writer, db->path, CONN_WRITE, err) < 0 || schema_bring_up(db->writer, err) < 0 ||
        writer_start(db, err) < 0)
        return -1;
    *ret_records = TAKE(db);
    return 0;
}

static struct flock whole_file(void)
{
    return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
}

/* A lock of the other kind, which others can ask for without taking it: an asker who took the first one for a
 * moment could make a server that starts just then believe that another one runs. An old note goes. */
static void mark_owned(int fd)
{
    struct flock owned = whole_file();

    fcntl(fd, F_OFD_SETLK, &owned); /* a file system without it: nobody is told that we run */
    if (ftruncate(fd, 0) < 0)
        errno = 0; /* a wrong note is asked in vain */
}

int records_own(struct records *db, struct err *err)
{
    CLEANUP(freep) char *path = join(db->dir, "owner.lock");
    CLEANUP(fd_closep) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (db->owner_fd >= 0)
        return 0;
    if (fd < 0)
        return FAIL_ERRNO(err, "cannot create %s", path);
    if (lock_whole(fd, LOCK_NB) < 0)
        return FAIL(err, ERR_CONFLICT,
                    "another assay server runs on %s; stop it or choose another data directory", db->dir);
    mark_owned(fd);
    db->owner_fd = TAKE_FD(fd);
    return 0;
}

int records_owner_note(struct records *db, const char *note, struct err *err)
{
    size_t len = strlen(note);

    if (db->owner_fd < 0)
        return FAIL(err, ERR_CONFLICT, "this process does not run the jobs of %s", db->dir);
    if (len >= OWNER_NOTE_MAX)
        return FAIL(err, ERR_LIMIT, "a note has at most %d bytes", OWNER_NOTE_MAX - 1);
    if (ftruncate(db->owner_fd, 0) < 0 || pwrite(db->owner_fd, note, len, 0) != (ssize_t)len)
        return FAIL_ERRNO(err, "cannot write owner.lock in %s", db->dir);
    return 0;
}

int records_owner(struct arena *a, const char *dir, bool *ret_running, const char **ret_note, struct err *err)
{
    const char *path = arena_printf(a, "%s/owner.lock", dir);
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct flock owned = whole_file();
    char *note = arena_alloc(a, OWNER_NOTE_MAX);
    ssize_t n = 0;

    *ret_running = false;
    *ret_note = "";
    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0 || fcntl(fd, F_OFD_GETLK, &owned) < 0 || (n = pread(fd, note, OWNER_NOTE_MAX - 1, 0)) < 0)
        return FAIL_ERRNO(err, "cannot read %s", path);
    *ret_running = owned.l_type != F_UNLCK;
    note[n] = '\0';
    if (*ret_running)
        *ret_note = note;
    return 0;
}

void records_freep(struct records **db)
{
    struct records *d = TAKE(*db);

    if (!d)
        return;
    writer_stop(d);
    for (struct conn *c = d->idle_readers, *next; c; c = next) {
        next = c->next;
        conn_freep(&c);
    }
    conn_freep(&d->writer); /* last: the last connection to go folds the log into the database */
    fd_closep(&d->owner_fd);
    pthread_mutex_destroy(&d->lock);
    free(d->dir);
    free(d->path);
    free(d);
}

/* ---- readers ---- */

static struct conn *take_idle(struct records *db)
{
    struct conn *c;

    pthread_mutex_lock(&db->lock);
    c = db->idle_readers;
    if (c)
        db->idle_readers = c->next;
    pthread_mutex_unlock(&db->lock);
    return c;
}

int reading_begin(struct reading *r, struct records *db, const char *sql, struct err *err)
{
    *r = (struct reading){.db = db, .conn = take_idle(db)};
    if (!r->conn && conn_open(&r->conn, db->path, CONN_READ, err) < 0)
        return -1;
    return query_begin(&r->q, r->conn, sql, err);
}

int reading_of(struct reading *r, struct records *db, const char *sql, const char *text, struct err *err)
{
    if (reading_begin(r, db, sql, err) < 0)
        return -1;
    bind_text(&r->q, text);
    return query_next(&r->q, err);
}

void reading_end(struct reading *r)
{
    query_end(&r->q);
    if (!r->conn)
        return;
    pthread_mutex_lock(&r->db->lock);
    r->conn->next = r->db->idle_readers;
    r->db->idle_readers = r->conn;
    pthread_mutex_unlock(&r->db->lock);
}
