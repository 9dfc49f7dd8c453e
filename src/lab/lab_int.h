/* What front, keeper and analysts say to each other. Internal to the lab.
 *
 * All sockets are SOCK_SEQPACKET: one send is one message, never split, never merged. A message is a fixed
 * struct whose size and number of descriptors belong to its type; everything else is refused by link_recv, so
 * a receiver only has to ask whether the type makes sense now. Both ends come from the same binary: host byte
 * order, no versions.
 *
 *   front -> keeper    OPTIONS once, then SPAWN
 *   keeper -> front    READY or FAILED, then ANALYST (socket, pidfd) and EXITED for every SPAWN; READY again
 *                      when a kit was loaded, FAILED when something of it could not be
 *   analyst -> front   UP or FAILED, then PROGRESS and DONE for every TASK
 *   front -> analyst   TASK (spec, subject, report, maybe artefact) */
#ifndef ASSAY_LAB_LAB_INT_H
#define ASSAY_LAB_LAB_INT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/analysis.h"
#include "base/err.h"
#include "base/hash.h"
#include "lab/sandbox.h"

/* Sanitizers reserve terabytes, report on stderr and make calls of their own: their builds get slightly lower
 * walls. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WITH_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WITH_SANITIZER 1
#endif
#endif
#ifndef WITH_SANITIZER
#define WITH_SANITIZER 0
#endif

enum {
    KEEPER_SOCKET = 3,
    LAB_MAX_ANALYSTS = 256,
    LAB_MAX_MODELS = 24,
    LAB_TEXT = 128,
    LINK_MAX_FDS = 4,
};

enum msg_type {
    MSG_OPTIONS = 1,
    MSG_SPAWN,
    MSG_READY,
    MSG_FAILED,
    MSG_ANALYST,
    MSG_EXITED,
    MSG_UP,
    MSG_TASK,
    MSG_PROGRESS,
    MSG_DONE,
    MSG_COUNT,
};

/* Strings are NUL-terminated; empty means "not given". */
struct msg_options {
    char models_dir[PATH_MAX], runtime[PATH_MAX], detector[LAB_TEXT], faces[LAB_TEXT], tags[LAB_TEXT];
    char languages[LAB_TEXT], tessdata[PATH_MAX];                /* infer/ocr.h */
    char anchors[PATH_MAX], allowed[PATH_MAX], stamps[PATH_MAX]; /* c2pa/trust.h */
    int64_t memory_bytes, artefact_bytes, max_pixels, cpu_us;
    double max_seconds;
    int32_t plain; /* no variants of models */
    int32_t unused;
};

struct msg_model {
    char name[LAB_TEXT], version[LAB_TEXT], task[LAB_TEXT], sha256[HASH_HEX], card[HASH_HEX];
};

/* Who judges there: versions of the libraries, of the program and its commit. */
struct msg_about {
    char decoder[LAB_TEXT], runtime[LAB_TEXT], version[LAB_TEXT], commit[LAB_TEXT];
};

struct message {
    uint32_t type; /* enum msg_type */
    uint32_t unused;
    union {
        struct msg_options options;
        struct {
            uint64_t serial; /* never used twice */
            uint32_t kits;   /* KIT_...: what the analyst should have at hand */
        } spawn;
        struct {
            uint32_t nmodels;
            struct msg_model models[LAB_MAX_MODELS];
            struct msg_about about;
        } ready;
        struct err failed;
        struct {
            uint64_t serial;
        } analyst; /* descriptors: its socket, its pidfd */
        struct {
            uint64_t serial;
            int32_t wait_status; /* as from waitpid */
        } exited;
        struct {
            int64_t deadline_ms;
            uint64_t spec_bytes;
        } task; /* descriptors: spec, subject, report, [artefact] */
        struct {
            int32_t done, planned;
        } progress;
        struct {
            uint64_t report_bytes; /* length of the canonical JSON in the report's memfd */
        } done;
    };
};

enum link_got { LINK_BROKEN = -1, LINK_CLOSED = 0, LINK_MESSAGE = 1, LINK_NOTHING = 2 };

/* Borrows the descriptors. -1 and err when the other side is gone or, on a non-blocking socket, does not keep
 * up. */
int link_send(int sock, const struct message *m, const int *fds, size_t nfds, struct err *err);
/* LINK_MESSAGE: *ret_m, and the descriptors of its type in ret_fds (the rest is -1), which are the caller's
 * to close. LINK_NOTHING only on a non-blocking socket. LINK_BROKEN: something that is no message of ours. */
enum link_got link_recv(int sock, struct message *ret_m, int ret_fds[LINK_MAX_FDS]);
void link_close_fds(int fds[LINK_MAX_FDS]);

/* What an analyst gets at birth. */
struct analyst_setup {
    int sock;
    pid_t keeper;
    struct toolbox tools; /* without progress */
    struct sandbox_opts walls;
};
/* The life of an analyst, in the forked child. */
_Noreturn void analyst_main(const struct analyst_setup *setup);

/* Runs the trials in child processes. opts NULL: without a sandbox, one child each, so that a test can see
 * that the trials do get through where there is no wall. */
int trials_run(const struct sandbox_opts *opts, struct sandbox_trial_result *ret_results, struct err *err);

#endif
