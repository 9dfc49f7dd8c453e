/* The whole engine in a folder of its own, with a fake lab below it. */
#ifndef ASSAY_TEST_RIG_H
#define ASSAY_TEST_RIG_H

#include "job/job.h"
#include "unit/job/fake_lab.h"
#include "unit/store/latch.h"

struct rig {
    const char *dir;
    struct records *db;
    struct blobs *blobs;
    struct lab *lab;
    struct jobs *jobs;
};

/* Ends the program when something does not start. */
struct rig rig_up(const char *dir, int analysts, const struct jobs_opts *opts);
void rig_down(struct rig *r);

/* What a submit was answered. */
struct ticket {
    struct latch latch;
    char id[ID_TEXT];
};
#define TICKET         \
    {                  \
        .latch = LATCH \
    }

void rig_accepted(void *ticket, const struct job_ticket *got, const struct err *err); /* for job_submit */

/* What the calls below ask for, to be changed; the body comes from `text`. */
struct job_request rig_request(void);
void rig_submit_request(struct rig *r, const struct job_request *request, const char *text,
                        struct ticket *ticket);
/* Submits a subject with this text; name "clip.mp4", number 7, notes {"n":1}. */
void rig_submit_spec(struct rig *r, const struct job_spec *spec, const char *text, struct ticket *ticket);
void rig_submit(struct rig *r, const char *text, struct ticket *ticket);
/* The same, and waits for the answer. */
enum err_kind rig_submit_now(struct rig *r, const char *text, char ret_id[ID_TEXT]);
enum err_kind rig_submit_as(struct rig *r, const char *tenant, enum job_priority priority,
                            char ret_id[ID_TEXT]);
enum err_kind rig_answer(struct ticket *t, char ret_id[ID_TEXT]); /* waits for it */
/* Waits until the job is final, at most that long. */
bool rig_wait(struct rig *r, const char *id, int seconds);
/* "" when there is no such job. */
const char *rig_state(struct rig *r, struct arena *a, const char *id);
/* Waits until the lab has begun n tasks in all. */
bool rig_begun(struct rig *r, int n);

#endif
