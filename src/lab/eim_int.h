/* A program that runs, as seen from the server. Internal to the lab. */
#ifndef ASSAY_LAB_EIM_INT_H
#define ASSAY_LAB_EIM_INT_H

#include "lab/cell_int.h"
#include "lab/eim.h"

struct run {
    pid_t cell, program;
    int control, sock; /* -1: none; without a control there is no cell */
    char folder[CELL_FOLDER];
    uid_t uid; /* whose the program is */
    bool alone;
    int landlock;
    struct eim_stream in;
};
#define RUN_NONE ((struct run){.control = -1, .sock = -1})

bool run_is(const struct run *r);
/* Starts cell and program and connects, until the deadline. What fails is described, and nothing is left. */
int run_start(struct run *r, const char *executable, const struct cell_order *order, int64_t deadline_us,
              struct err *err);
/* It is there and has said nothing unasked. */
bool run_is_quiet(struct run *r);
/* Sends a request and waits for the next message, which lies in the stream until the next call. ERR_TIMEOUT,
 * or ERR_MODEL. After a failure it must be ended. */
int run_ask(struct run *r, struct bytes request, int64_t deadline_us, struct bytes *ret, struct err *err);
/* Kills it, `politely` after it was asked to leave, and waits for it. */
void run_end(struct run *r, bool politely);

#endif
