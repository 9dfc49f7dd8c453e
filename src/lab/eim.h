/* Programs of the .eim protocol as models: a user's own executable, which this machine runs (docs/eim.md).
 *
 * Off unless the operator names a folder, and only what lies in that folder runs. Each program has a cell:
 *
 *   this process --control--> cell (this executable, `eim-cell`: makes a private folder, puts up the walls,
 * watches) |                      | fork, walls, exec
 *        +------ socket ----> program   other uid if there is one, limits, no network, no new privileges,
 * only its folder to write to; dies with the cell, the cell with this process
 *
 *   none --asked--> starting --hello--> idle --asked--> asked --answer--> idle
 *     ^                |                                  |
 *     +--- pause ------+------ failed, late, strange -----+      (the pause grows with each failure)
 *
 * Everything a program says is foreign input: one that hangs is killed at the deadline, one that says what is
 * no answer is ended, and the next request starts it anew. Calls may block until their deadline: they are not
 * for net threads. Thread safe; one request at a time for each program. */
#ifndef ASSAY_LAB_EIM_H
#define ASSAY_LAB_EIM_H

#include "report/eim.h"

struct eim_opts {
    const char *dir;       /* where the programs lie */
    const char *user;      /* who they run as, when this process is root's; must be named then */
    const char *program;   /* called as `PROGRAM eim-cell`; NULL: this executable */
    const char *temporary; /* where private folders are made; default /tmp */
    int64_t memory_bytes;  /* address space; default 1 GiB */
    int64_t file_bytes;    /* largest file; default 64 MiB */
    int64_t cpu_seconds;   /* of one life; default 1 hour; then it is started anew */
    int64_t processes;     /* processes and threads of that user; default 256 */
    int64_t start_ms;      /* from its start to its hello; default 10 s */
};
struct eim_opts eim_opts_defaults(void);

struct eim_pool;
struct eim;

/* Looks at the folder and the user; starts no program. ERR_INPUT when they cannot be used: not a folder, open
 * to be written by everybody, no such user, root without a user. opts is copied. */
int eim_pool_new(struct eim_pool **ret, const struct eim_opts *opts, struct err *err);
/* Ends all programs. Nobody may be in a call any more. */
void eim_pool_freep(struct eim_pool **pool);

/* The program of that name, which belongs to the pool; it is not started. ERR_INPUT for what is no plain
 * name, ERR_NOT_FOUND, ERR_DENIED for what is no executable file, or one that everybody may write. */
int eim_open(struct eim_pool *pool, const char *name, struct eim **ret, struct err *err);

/* What it says of itself, in the arena; starts it when it does not run. Errors of this call and the next:
 * ERR_MODEL (it does not do what it should; the sentence says what), ERR_TIMEOUT, ERR_BUSY (it has just
 * failed, and waits for its next start). */
int eim_hello(struct eim *e, struct arena *a, int64_t deadline_mono_us, struct eim_about *ret,
              struct err *err);
/* One window of about->nfeatures numbers (ERR_INPUT for another count); the result is the arena's. */
int eim_classify(struct eim *e, const float *features, size_t n, struct arena *a, int64_t deadline_mono_us,
                 struct eim_result *ret, struct err *err);

/* All windows of a recording, part->size bytes of numbers, as pipeline sensor-classify tells it (but for
 * part): axes by name, resampled, filled up. The impulse is that of eim_impulse_about, with the step and, in
 * its DSP block, the names of the axes that the caller knows. ERR_INPUT as windows_of and windows_axes;
 * ERR_UNSUPPORTED for pictures. */
int eim_recording(struct eim *e, const struct impulse *impulse, const struct sensor_part *part,
                  const float *values, struct arena *a, int64_t deadline_mono_us,
                  struct recording_result *ret, struct err *err);

/* How often programs were started, and failed. */
struct eim_stats {
    int64_t started, failed;
};
struct eim_stats eim_stats(struct eim_pool *pool);

/* The main of a cell, on socket 3: `PROGRAM eim-cell`. */
_Noreturn void eim_cell_main(void);

#endif
