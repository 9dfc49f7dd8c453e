/* Records, continued: runs of the provenance API, and verdicts that a person set aside. Rules as in
 * store/records.h.
 *
 * A run is what that API calls a job: 64 hex digits that stand for one question of one tenant about one file
 * (api/provenance/parse.c says how they are made), so the same question is the same run. A run goes with its
 * job; a failed job's run is taken over by the next job with the same question.
 *
 * An override is of a tenant, a kind of media and the bytes of a file: it holds for every run of them, also
 * for later ones, and goes with the tenant's last job about that file. */
#ifndef ASSAY_STORE_RUNS_H
#define ASSAY_STORE_RUNS_H

#include "store/records.h"

struct run_row {
    char id[HASH_HEX];
    const char *media; /* "image", "video", "audio" */
    char job[ID_TEXT];
    const char *tenant, *state; /* of the job */
};
/* By the run's id, else by the SHA-256 of the file: then the newest. tenant and media NULL: any, and then
 * only by id. ERR_NOT_FOUND. */
int records_find_run(struct records *db, struct arena *a, const char *tenant, const char *media,
                     const char *id_or_hash, struct run_row *ret_row, struct err *err);

struct override_order {
    const char *tenant, *who; /* who: the id of a key, for the audit */
    const char *media, *sha256;
    const char *label; /* "human", "artificial"; NULL: what was said holds no more */
};
/* ERR_NOT_FOUND in the callback when the tenant has no run of that file. To say the same again, or to take
 * back what was not said, is fine and leaves no line in the audit. */
int records_set_override(struct records *db, const struct override_order *order, int64_t now_us,
                         records_done *done, void *arg, struct err *err);
/* NULL: there is none. */
int records_get_override(struct records *db, struct arena *a, const char *tenant, const char *media,
                         const char *sha256, const char **ret_label, struct err *err);

/* Random bytes that stay the same for the life of the directory; made by the first who asks. Waits for the
 * disk. */
int records_secret(struct records *db, const char *name, uint8_t ret[HASH_SIZE], struct err *err);

#endif
