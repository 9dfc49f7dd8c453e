/* For tests of the whole program: a server in a folder of its own, keys, and a small HTTP client on raw
 * sockets. Everything listens and talks on 127.0.0.1 only. Failures inside the harness end the test program.
 */
#ifndef ASSAY_TEST_HARNESS_H
#define ASSAY_TEST_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/bytes.h"

/* The program under test: ASSAY_BIN, set by meson. */
const char *harness_program(void);
/* A new folder under TMPDIR; removed by folder_remove. */
char *folder_new(struct arena *a);
void folder_remove(const char *path);

/* Runs the program to its end; its stdout in the arena. Returns the exit status, or 128 + signal. */
int program_run(struct arena *a, char *const argv[], char **ret_out);
/* The same with both streams; killed after that many seconds (then `late`). */
struct outcome {
    int status;
    bool late;
    char *out, *err;
};
struct outcome program_outcome(struct arena *a, char *const argv[], int seconds);
/* The program under test with these words (NULL-terminated, at most 62) to its end; one that takes longer
 * ends the test. */
struct outcome assay_outcome(struct arena *a, const char *const words[], int seconds);
/* `assay key new`: the key, in the arena. extra: NULL or more arguments, NULL-terminated. */
char *key_new(struct arena *a, const char *dir, const char *tenant, char *const extra[]);

struct served {
    pid_t pid;
    int port;
    char *dir, *log; /* data directory; path of the log file */
    off_t log_from;  /* where this server's lines begin */
};
/* Starts `assay serve --data dir --listen 127.0.0.1:0` plus extra arguments and waits until it is ready. */
void served_start(struct served *s, struct arena *a, const char *dir, char *const extra[]);
/* The same in two steps: started on that port (0: any), and ready. */
void served_launch(struct served *s, struct arena *a, const char *dir, int port, char *const extra[]);
void served_wait(struct served *s, struct arena *a);
/* For servers that may fail. Up: ready within so many seconds; else whether it has ended, with the status
 * (exit status, 128 + signal), or is late (-1), and then it is killed. */
bool served_up(struct served *s, int seconds, int *ret_status);
/* Whether it has ended meanwhile; if so, all of its processes are gone. */
bool served_ended(struct served *s, int *ret_status);
/* SIGKILL. Returns when keeper and analysts are gone, too; that they go by themselves is part of every test.
 */
void served_kill(struct served *s);
int served_stop(struct served *s); /* SIGTERM; exit status. Waits for all of them, too */

/* Processes whose parent is that one. */
size_t process_children(pid_t parent, pid_t *ret, size_t max);
/* A line of /proc/PID/smaps_rollup ("Pss", "Private_Dirty"); -1 when it cannot be read. */
long process_memory_kb(pid_t pid, const char *what);

struct answer {
    int status; /* 0: the connection broke before an answer */
    char *head; /* status line and headers */
    struct bytes body;
};
/* One connection by hand. -1: nobody listens there. */
int http_dial(int port);
bool http_send(int fd, struct bytes piece); /* false: the other side has closed */
struct answer http_receive(struct arena *a, int fd);
/* Sends the bytes on a new connection and reads until the server closes or the Content-Length is there. */
struct answer http_raw(struct arena *a, int port, struct bytes request);
struct answer http_get(struct arena *a, int port, const char *path, const char *key);
const char *answer_header(struct arena *a, const struct answer *answer,
                          const char *name); /* NULL when absent */

/* A form: parts are added, then the whole request is made of it. */
struct form {
    struct buf body;
};
void form_add(struct form *f, const char *name, const char *file_name, struct bytes value);
struct bytes form_request(struct arena *a, struct form *f, const char *path, const char *key);
/* One clip: POST path with part video (and metadata unless NULL). */
struct answer post_clip(struct arena *a, int port, const char *path, const char *key, const char *file_name,
                        struct bytes clip, const char *metadata);

struct bytes file_read(struct arena *a, const char *path);
struct bytes clip_load(struct arena *a, const char *name); /* out of ASSAY_CLIPS */
/* The value at a dotted path of a JSON text ("status.classify"), as text; NULL when absent. */
char *json_at(struct arena *a, struct bytes json, const char *path);
/* Polls GET /api/result/{id} until status.classify is neither accepted nor in-progress, or the time is up. */
struct answer result_wait(struct arena *a, int port, const char *key, const char *id, int seconds);

#endif
