/* How far something long is, as one line on stderr; nothing when that is no terminal. One thread. */
#ifndef ASSAY_CMD_PROGRESS_H
#define ASSAY_CMD_PROGRESS_H

#include "base/bytes.h"
#include "cmd/terminal.h"

struct progress {
    struct terminal terminal;
    bool shown;       /* there is a terminal to show it on */
    const char *name; /* harmless */
    int64_t total, first, begun_us, last_us;
};

/* `first` of `total` are there already. */
struct progress progress_begin(const char *name, int64_t first, int64_t total);
void progress_at(struct progress *p, int64_t done);
void progress_end(struct progress *p); /* takes the line away */

/* "yunet  [=====>     ]  45 %  145.3 kB of 322.9 kB, 1.2 MB a second, 2 s to go", in so many columns or less.
 * Pure. seconds: since the beginning, for `done - first`. */
void progress_line(struct buf *out, const struct progress *p, int64_t done, double seconds);

#endif
