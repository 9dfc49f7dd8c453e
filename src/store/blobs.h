/* Blobs: files named by their SHA-256, written once, never changed. Streamed while hashing: a body is never
 * whole in memory. A sealed blob is on disk (fsync of the file and its folder) before blob_seal_take returns.
 *
 *   DIR/blobs/ab/abcdef...   one file per content; two uploads of the same bytes share it
 *   DIR/blobs/               unfinished uploads are O_TMPFILE: nameless, gone with the process
 *   DIR/blobs/tmp/           unfinished uploads where the file system has no O_TMPFILE; those of a killed
 *                            process are dropped by blobs_open when they are an hour old
 *
 * Who may remove a blob? Only whoever has made sure that nobody needs it, and uploads of the same bytes come
 * at any moment: they find the file there and are content with it. So a blob is *pinned* from before it gets
 * its name until blob_unpin, which the owner calls when the row that needs it is committed (or will never
 * come). Removing asks for pins and for rows under the same lock under which pins are set:
 *
 *   pin set before the look      -> seen, the file stays
 *   pin set after the look       -> the file is gone by then, the upload gives its own the name
 *   pin gone before the look     -> the row is committed, the look finds it
 *
 * This holds within one process: the one which runs the jobs is the only one to seal and to remove.
 *
 * All calls are thread safe. Errors of the disk are ERR_IO, a full one is ERR_FULL. */
#ifndef ASSAY_STORE_BLOBS_H
#define ASSAY_STORE_BLOBS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/hash.h"

struct blobs;
struct blob_writer;

/* dir: the data directory; created when missing. */
int blobs_open(struct blobs **ret_blobs, const char *dir, struct err *err);
/* For blob_open only: nothing is created or removed. ERR_NOT_FOUND when there is no store in dir. */
int blobs_open_reading(struct blobs **ret_blobs, const char *dir, struct err *err);
void blobs_freep(struct blobs **b);

/* One writer, one thread at a time. Collects 256 KiB before a write. ERR_LIMIT when it passes max_bytes. */
int blob_begin(struct blob_writer **ret_writer, struct blobs *b, int64_t max_bytes, struct err *err);
int blob_add(struct blob_writer *w, struct bytes piece, struct err *err);
int64_t blob_written(const struct blob_writer *w);
/* The SHA-256 of what was added so far: its name, if nothing follows. */
int blob_hash(struct blob_writer *w, char ret_sha256[HASH_HEX], struct err *err);
/* Makes it durable, names and pins it. The writer is finished in any case (success or not) and freed. Waits
 * for the disk. */
int blob_seal_take(struct blob_writer *w, char ret_sha256[HASH_HEX], int64_t *ret_size, struct err *err);
void blob_writer_freep(struct blob_writer **w); /* drops an unfinished upload */
/* Copies a whole descriptor (from 0) into a blob: what others can still write to is never stored itself. */
int blob_from_fd(struct blobs *b, int fd, int64_t max_bytes, char ret_sha256[HASH_HEX], int64_t *ret_size,
                 struct err *err);
/* A nameless file on the same disk, readable and writable, gone when closed. The caller's. */
int blobs_temp(struct blobs *b, int *ret_fd, struct err *err);

/* A read-only descriptor, or ERR_NOT_FOUND. */
int blob_open(struct blobs *b, const char *sha256, int *ret_fd, int64_t *ret_size, struct err *err);
/* Once for every seal that succeeded. */
void blob_unpin(struct blobs *b, const char *sha256);

/* Whether the disk takes a file: writes one and drops it. Waits for the disk. */
int blobs_probe(struct blobs *b, struct err *err);

/* Since the start; any thread. */
struct blobs_stats {
    uint64_t stored, bytes;       /* sealed, those included whose content was there already */
    uint64_t failed;              /* how often the disk has refused to take one */
    bool failing;                 /* the last time it did */
    int64_t disk_size, disk_free; /* of its file system, free for us; -1 = unknown */
};
void blobs_stats(struct blobs *b, struct blobs_stats *ret);

enum blob_fate { BLOB_GONE, BLOB_PINNED, BLOB_IN_USE };
/* Removes the blob unless it is pinned or `in_use` (1, 0, or -1 and err) says that it is needed; asks with
 * the lock of the blob's folder held, so it must not seal, unpin or remove. Fine when the blob is not there.
 */
typedef int blob_in_use(void *arg, const char *sha256, struct err *err);
int blob_remove_unused(struct blobs *b, const char *sha256, blob_in_use *in_use, void *arg,
                       enum blob_fate *ret_fate, struct err *err);
/* The blobs of one of the BLOB_FOLDERS folders, into the arena. */
enum { BLOB_FOLDERS = 256 };
int blobs_list(struct blobs *b, struct arena *a, int folder, const char ***ret_names, size_t *ret_n,
               struct err *err);
int blob_remove(struct blobs *b, const char *sha256, struct err *err); /* whoever needs it */

#endif
