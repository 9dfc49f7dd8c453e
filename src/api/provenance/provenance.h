/* The provenance dialect, as the rest of the API sees it: its options, and what it needs while it serves
 * (docs/api-provenance.md). */
#ifndef ASSAY_API_PROVENANCE_PROVENANCE_H
#define ASSAY_API_PROVENANCE_PROVENANCE_H

#include "conf/conf.h"

struct records;
struct own_rules;

struct provenance_opts {
    const char *prefix;                      /* of the routes; the pages stay under /ui/results */
    const char *public_url;                  /* of this server, without a slash at the end; NULL: not known */
    int64_t link_ms;                         /* how long a link to a page is good, at least */
    const char *version;                     /* "1.1", "1.0": when the request does not say */
    bool submit_json;                        /* submits answer in JSON unless Accept names text/plain */
    bool webhooks;                           /* webhook_url counts */
    bool repeat_webhooks;                    /* also when nothing new is made */
    const char *rates;                       /* "none", "identifai" */
    const char *heuristic;                   /* the one that is the verdict; NULL: heuristic_default */
    const char *heuristics;                  /* file with the operator's own; NULL: none */
    const char *force;                       /* "never", "trusted", "valid" */
    int64_t max_image, max_video, max_audio; /* bytes */
    int64_t max_tickets, max_batch;          /* of a batch; bytes of all of it */
    int64_t time_ms;                         /* of one analysis */
};
extern const struct option provenance_options[];
extern const size_t provenance_noptions;

/* The operator's heuristics and what follows from the options. Does not change. */
struct own_rules *own_rules_load(const struct provenance_opts *opts, struct err *err);
void own_rules_freep(struct own_rules **r);

/* Rules in force, secrets, rates. */
struct provenance;
/* models_dir: where model cards are, NULL: nowhere. ERR_INPUT when the options or the file of heuristics make
 * no sense. */
int provenance_start(struct provenance **ret, const struct provenance_opts *opts, struct records *db,
                     const char *models_dir, struct err *err);
/* While it serves; any thread. */
void provenance_renew_take(struct provenance *p, struct own_rules *rules);
void provenance_freep(struct provenance **p);

#endif
