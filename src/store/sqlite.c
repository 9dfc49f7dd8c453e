#include "store/sqlite_int.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/text.h"

enum { BUSY_MS = 5000 };

/* What a result code means to the person who reads it. Extended codes first; the first match counts. */
static const struct {
    int code, mask;
    enum err_kind kind;
    const char *text;
} meanings[] = {
    {SQLITE_CONSTRAINT_FOREIGNKEY, ~0, ERR_NOT_FOUND, "it refers to something that does not exist"},
    {SQLITE_CONSTRAINT, 0xff, ERR_CONFLICT, "it exists already"},
    {SQLITE_FULL, 0xff, ERR_FULL, "the disk is full; free space in the data directory"},
    {SQLITE_BUSY, 0xff, ERR_BUSY, "another process keeps the database locked; try again"},
    {SQLITE_LOCKED, 0xff, ERR_BUSY, "the database is locked; try again"},
    {SQLITE_CORRUPT, 0xff, ERR_IO, "the database is damaged; restore it from a backup"},
    {SQLITE_NOTADB, 0xff, ERR_IO, "assay.db is not a database; restore it from a backup"},
    {SQLITE_READONLY, 0xff, ERR_IO, "the data directory cannot be written; check its owner and mode"},
    {SQLITE_CANTOPEN, 0xff, ERR_IO,
     "the database cannot be opened; check owner and mode of the data directory"},
    {SQLITE_TOOBIG, 0xff, ERR_LIMIT, "it is too large"},
    {SQLITE_IOERR, 0xff, ERR_IO, "reading or writing failed; check the disk"},
    {SQLITE_NOMEM, 0xff, ERR_IO, "memory ran out; try again"},
};

static int fail_code(int code, const char *detail, const char *what, struct err *err)
{
    for (size_t i = 0; i < COUNT_OF(meanings); i++)
        if ((code & meanings[i].mask) == meanings[i].code)
            return FAIL(err, meanings[i].kind, "cannot %s: %s (%s)", what, meanings[i].text, detail);
    return FAIL(err, ERR_INTERNAL, "cannot %s: %s", what, detail);
}

/* Room for a new file or for the log's index is missing: SQLite calls that an I/O error. */
static bool lacks_room(sqlite3 *db, int code)
{
    int why = sqlite3_system_errno(db);

    return ((code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN) &&
           (why == ENOSPC || why == EDQUOT);
}

int conn_fail(struct conn *c, const char *what, struct err *err)
{
    int code = sqlite3_extended_errcode(c->db);

    return fail_code(lacks_room(c->db, code) ? SQLITE_FULL : code, sqlite3_errmsg(c->db), what, err);
}

static int note_wal(void *arg, sqlite3 *db UNUSED, const char *name UNUSED, int pages)
{
    ((struct conn *)arg)->wal_pages = pages;
    return SQLITE_OK;
}

int conn_open(struct conn **ret_conn, const char *path, enum conn_mode mode, struct err *err)
{
    static const int flags[] = {
        [CONN_WRITE] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
        [CONN_READ] = SQLITE_OPEN_READONLY,
    };
    CLEANUP(conn_freep) struct conn *c = mem_alloc(sizeof *c);

    if (sqlite3_open_v2(path, &c->db, flags[mode] | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL))
        return conn_fail(c, "open the database", err);
    sqlite3_busy_timeout(c->db, BUSY_MS);
    /* The writer decides itself when to copy the log into the database: after it has answered its callers. */
    sqlite3_wal_hook(c->db, note_wal, c);
    if (conn_exec(c, "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF", err) < 0)
        return -1;
    *ret_conn = TAKE(c);
    return 0;
}

void conn_freep(struct conn **c)
{
    if (!*c)
        return;
    for (size_t i = 0; i < (*c)->n; i++)
        sqlite3_finalize((*c)->kept[i].stmt);
    sqlite3_close((*c)->db);
    free(*c);
    *c = NULL;
}

int conn_exec(struct conn *c, const char *sql, struct err *err)
{
    return sqlite3_exec(c->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0
                                                                   : conn_fail(c, "use the database", err);
}

int conn_pragma(struct conn *c, const char *sql, int64_t *ret_value, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int r = sqlite3_prepare_v2(c->db, sql, -1, &stmt, NULL);

    if (r == SQLITE_OK)
        r = sqlite3_step(stmt);
    if (r == SQLITE_ROW)
        *ret_value = sqlite3_column_int64(stmt, 0);
    else
        conn_fail(c, "read the database", err);
    sqlite3_finalize(stmt);
    return r == SQLITE_ROW ? 0 : -1;
}

/* ---- statements ---- */

int query_begin(struct query *q, struct conn *c, const char *sql, struct err *err)
{
    *q = (struct query){.conn = c};
    for (size_t i = 0; i < c->n && !q->stmt; i++)
        if (c->kept[i].sql == sql)
            q->stmt = c->kept[i].stmt;
    if (q->stmt)
        return 0;
    if (c->n == CONN_STATEMENTS)
        return FAIL(err, ERR_INTERNAL, "more than %d kinds of statements", CONN_STATEMENTS);
    if (sqlite3_prepare_v3(c->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &q->stmt, NULL) != SQLITE_OK)
        return conn_fail(c, "use the database", err);
    c->kept[c->n].sql = sql;
    c->kept[c->n++].stmt = q->stmt;
    return 0;
}

void query_end(struct query *q)
{
    if (!q->stmt)
        return;
    sqlite3_reset(q->stmt); /* repeats the code that query_next has reported */
    sqlite3_clear_bindings(q->stmt);
    q->stmt = NULL;
}

static void note_bind(struct query *q, int code)
{
    q->unbound |= code != SQLITE_OK;
}

void bind_text(struct query *q, const char *s)
{
    note_bind(q, sqlite3_bind_text(q->stmt, ++q->bound, s, -1, SQLITE_STATIC));
}

void bind_bytes(struct query *q, struct bytes b)
{
    note_bind(q, sqlite3_bind_blob64(q->stmt, ++q->bound, b.len ? b.data : NULL, b.len, SQLITE_STATIC));
}

void bind_int(struct query *q, int64_t v)
{
    note_bind(q, sqlite3_bind_int64(q->stmt, ++q->bound, v));
}

void bind_int_unless(struct query *q, int64_t v, int64_t none)
{
    if (v == none)
        note_bind(q, sqlite3_bind_null(q->stmt, ++q->bound));
    else
        bind_int(q, v);
}

int query_next(struct query *q, struct err *err)
{
    int r;

    if (q->unbound)
        return FAIL(err, ERR_LIMIT, "a value is too large for the database");
    r = sqlite3_step(q->stmt);
    q->read = 0;
    if (r == SQLITE_ROW || r == SQLITE_DONE)
        return r == SQLITE_ROW;
    return conn_fail(q->conn, "use the database", err);
}

int query_run(struct query *q, struct err *err)
{
    return query_next(q, err) < 0 ? -1 : 0;
}

int64_t query_changes(const struct query *q)
{
    return sqlite3_changes64(q->conn->db);
}

int64_t column_int(struct query *q)
{
    return sqlite3_column_int64(q->stmt, q->read++);
}

struct bytes column_bytes(struct query *q, struct arena *a)
{
    const void *data = sqlite3_column_blob(q->stmt, q->read);
    size_t len = (size_t)sqlite3_column_bytes(q->stmt, q->read++);

    return data ? bytes_of(arena_strndup(a, data, len), len) : bytes_of(NULL, 0);
}

const char *column_text(struct query *q, struct arena *a)
{
    if (sqlite3_column_type(q->stmt, q->read) == SQLITE_NULL) {
        q->read++;
        return NULL;
    }
    return arena_strdup(a, (const char *)sqlite3_column_text(q->stmt, q->read++));
}

void column_copy(struct query *q, char *dst, size_t size)
{
    const char *s = (const char *)sqlite3_column_text(q->stmt, q->read++);

    text_copy(dst, size, s ? s : "");
}
