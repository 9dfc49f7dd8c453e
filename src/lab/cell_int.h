/* A cell: the process between us and a foreign program. Internal to the lab.
 *
 *   cell.c         its life: folder, program, watching, clearing up
 *   cell_walls.c   what the program may not
 *   eim_run.c      the cell and its program as seen from the server
 *   eim.c          the pool, and what a program is asked
 *   eim_recording.c  all windows of a recording
 *
 * Server and cell speak over a SOCK_SEQPACKET pair: one order at first, then news. CELL_QUIT asks the program
 * to leave; a closed socket ends everything at once. Both come from one executable: host byte order, no
 * versions. */
#ifndef ASSAY_LAB_CELL_INT_H
#define ASSAY_LAB_CELL_INT_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

enum { CELL_SOCKET = 3, CELL_FOLDER = 80, CELL_SAID = 112 };
#define CELL_LISTENS "eim.sock" /* in its folder */

struct cell_order {
    char program[PATH_MAX], dir[PATH_MAX];
    char temporary[CELL_FOLDER];
    bool other_user;
    uid_t uid;
    gid_t gid;
    int64_t memory_bytes, file_bytes, cpu_seconds, processes;
};

enum cell_says { CELL_UP = 1, CELL_FAILED, CELL_ENDED };
struct cell_news {
    enum cell_says says;
    pid_t pid; /* CELL_UP: of the program */
    char folder[CELL_FOLDER];
    bool alone; /* with namespaces of its own: network, processes */
    int landlock;
    int status;           /* CELL_ENDED, as wait has it */
    char said[CELL_SAID]; /* the end of what it printed; foreign */
    struct err failed;    /* CELL_FAILED */
};
enum { CELL_QUIT = 'q' };

/* ---- cell_walls.c: in the child that becomes the program ---- */

/* Namespaces of its own for the children of this process, as far as the system permits. */
bool cell_alone(void);
/* Everything else. Irrevocable. `alone` as cell_alone has said. */
int cell_walls(const struct cell_order *order, const char *folder, bool alone, struct err *err);

/* ---- sandbox.c ---- */

int landlock_abi(void); /* 0: there is none */
/* From now on nothing but these paths, as far as there is landlock; a path that does not exist is left out.
 */
struct landlock_path {
    const char *path;
    uint64_t rights; /* LANDLOCK_ACCESS_FS_... */
};
int landlock_enter(const struct landlock_path *paths, size_t n, struct err *err);

#endif
