/* The walls around an analyst, and the proof that they stand. Linux only.
 *
 * Order: rlimits, no_new_privs, no capabilities, landlock with an empty rule set, seccomp allow-list
 * (everything else fails with EPERM; exec, ptrace and their like end the process). Irrevocable. Descriptors
 * stay as they are: close what should not get in. What is allowed and why: docs/sandbox.md. */
#ifndef ASSAY_LAB_SANDBOX_H
#define ASSAY_LAB_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct sandbox_opts {
    int64_t memory_bytes; /* address space above what is mapped now */
    int64_t file_bytes;   /* largest file it may write */
};

/* What this kernel offers; for doctor. */
struct sandbox_support {
    int landlock_abi; /* 0 = none */
    bool seccomp;
};
struct sandbox_support sandbox_support(void);

/* Closes in on the calling process. A wall that cannot be put up is an error, except landlock on kernels
 * without it. */
int sandbox_enter(const struct sandbox_opts *opts, struct err *err);

/* Tries the n-th forbidden action in the calling (sandboxed) process. */
struct sandbox_trial {
    const char *what;      /* "open /etc/passwd" */
    bool (*attempt)(void); /* true: it worked, the wall has a hole. errno tells how it was refused */
};
extern const struct sandbox_trial sandbox_trials[];
extern const size_t sandbox_ntrials; /* at least 30 */

struct sandbox_trial_result {
    bool blocked;
    int error; /* errno, 0 when the process was killed for it */
};
/* Forks a child for the trials (one more whenever a trial kills it) and fills results[sandbox_ntrials].
 * ERR_UNSUPPORTED when the sandbox cannot be entered at all. */
int sandbox_prove(const struct sandbox_opts *opts, struct sandbox_trial_result *ret_results, struct err *err);

#endif
