/* SQLite, a connection at a time: open, statements kept prepared, values in and out in order, result codes
 * into sentences. A connection belongs to one thread at a time (it is opened without SQLite's own mutex). */
#ifndef ASSAY_STORE_SQLITE_INT_H
#define ASSAY_STORE_SQLITE_INT_H

#include <sqlite3.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"

enum { CONN_STATEMENTS = 128 };

struct conn {
    sqlite3 *db;
    struct conn *next; /* in the pool of idle readers */
    int wal_pages;     /* in the write-ahead log after the last commit */
    size_t n;
    struct {
        const char *sql;
        sqlite3_stmt *stmt;
    } kept[CONN_STATEMENTS];
};

enum conn_mode { CONN_WRITE, CONN_READ };

int conn_open(struct conn **ret_conn, const char *path, enum conn_mode mode, struct err *err);
void conn_freep(struct conn **c);
/* Describes the connection's last error. Always -1. */
int conn_fail(struct conn *c, const char *what, struct err *err);
/* Statements without values and results; several, separated by semicolons. */
int conn_exec(struct conn *c, const char *sql, struct err *err);
/* The single integer that a pragma answers. */
int conn_pragma(struct conn *c, const char *sql, int64_t *ret_value, struct err *err);

/* A prepared statement in use. `sql` is a string constant: its address is the key under which it stays
 * prepared. Values are bound, and columns read, one after the other. */
struct query {
    struct conn *conn;
    sqlite3_stmt *stmt;
    int bound, read;
    bool unbound; /* a value could not be bound (larger than SQLite takes) */
};
int query_begin(struct query *q, struct conn *c, const char *sql, struct err *err);
void query_end(struct query *q); /* for CLEANUP; fine on a query that never began */

/* Borrowed until query_end. NULL text and empty bytes are stored as NULL. */
void bind_text(struct query *q, const char *s);
void bind_bytes(struct query *q, struct bytes b);
void bind_int(struct query *q, int64_t v);
void bind_int_unless(struct query *q, int64_t v, int64_t none); /* NULL when v is `none` */

int query_run(struct query *q, struct err *err);  /* no rows expected */
int query_next(struct query *q, struct err *err); /* 1 = a row, 0 = the end, -1 */
int64_t query_changes(const struct query *q);

int64_t column_int(struct query *q);
const char *column_text(struct query *q, struct arena *a);   /* NULL for NULL */
struct bytes column_bytes(struct query *q, struct arena *a); /* empty for NULL; NUL-terminated in the arena */
void column_copy(struct query *q, char *dst, size_t size);   /* "" for NULL */

#endif
