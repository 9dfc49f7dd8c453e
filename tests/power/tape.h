/* What a program does to a folder, in order, as a disk would see it: every write, every name, every sync.
 * tape.c stands in the place of the C library's calls (it is linked into the program), does them, and writes
 * them down while the tape runs. Syncs are only written down: what they mean is decided later, by disk.c.
 *
 * One tape a program. All calls are thread safe. */
#ifndef ASSAY_TEST_TAPE_H
#define ASSAY_TEST_TAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"

enum { TAPE_NAME = 80 };

/* What a node is to the store; the kinds whose syncs can be left out (disk.h). */
enum tape_kind {
    KIND_ROOT,   /* the folder that the data directory is in */
    KIND_DATA,   /* the data directory */
    KIND_BLOBS,  /* DIR/blobs */
    KIND_FOLDER, /* DIR/blobs/ab */
    KIND_BLOB,   /* a file in there, or on its way there */
    KIND_DB,     /* assay.db */
    KIND_WAL,    /* assay.db-wal */
    KIND_OTHER,
    KIND_COUNT
};
extern const char *const tape_kind_names[KIND_COUNT];

enum tape_what {
    TAPE_NODE,     /* a file or folder comes into being, without a name */
    TAPE_LINK,     /* gets a name in a folder */
    TAPE_UNLINK,   /* a name goes */
    TAPE_WRITE,    /* bytes */
    TAPE_TRUNCATE, /* a new length */
    TAPE_SYNC,     /* of a file or folder */
};

struct tape_event {
    enum tape_what what;
    int node;    /* the folder for LINK and UNLINK */
    int target;  /* LINK: the node which gets the name */
    bool folder; /* NODE */
    enum tape_kind kind;
    char name[TAPE_NAME];
    off_t at; /* TRUNCATE: the length */
    size_t len;
    const uint8_t *data;
};

struct tape {
    struct tape_event *events; /* node 0 is the root; it needs no event */
    size_t n;
};

/* From now on what happens below `root`, an existing folder which is empty. The tape lives in `a`. */
void tape_start(struct arena *a, const char *root);
/* How many events there are so far. */
size_t tape_mark(void);
struct tape tape_stop(void);

#endif
