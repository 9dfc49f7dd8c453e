/* A server in a folder of its own, with a key of the tenant "acme", for one test. Between the calls a test
 * may stop and kill its processes. */
#ifndef ASSAY_TEST_STAGE_H
#define ASSAY_TEST_STAGE_H

#include "harness.h"

struct stage {
    struct arena *a;
    char *base, *dir; /* the folder, and the data directory in it */
    const char *key;
    struct served s;
    pid_t keeper, analyst; /* analyst: the first one */
};

/* Arguments of a command, at most 32. */
#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})
/* `assay serve` with these arguments. */
struct stage stage_open(const char *const args[]);
/* The same with a folder that is there already (kept by stage_close then). */
struct stage stage_open_in(const char *base, const char *const args[]);
int stage_close(struct stage *g); /* SIGTERM; the exit status */

/* The only child of a process, waited for; -1 when there is none for 10 s. */
pid_t only_child(pid_t parent);
/* `assay ARGS... --data DIR`: status and both streams. */
struct outcome stage_run(struct stage *g, const char *const args[]);

struct answer stage_post(struct stage *g, const char *path, const char *clip); /* a clip of ASSAY_CLIPS */
struct answer stage_get(struct stage *g, const char *path);
char *stage_submit(struct stage *g, const char *clip);    /* asynchronous; the id, "" on refusal */
struct answer stage_job(struct stage *g, const char *id); /* GET /v1/jobs/{id} */
/* Waits until an analyst has the job after `attempts` deaths; false when it ended before, or after 20 s. */
bool stage_in_hand(struct stage *g, const char *id, const char *attempts);

#endif
