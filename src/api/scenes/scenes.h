/* The scenes dialect, as the rest of the API sees it: its options, and what it needs while it serves
 * (docs/api-scenes.md). */
#ifndef ASSAY_API_SCENES_SCENES_H
#define ASSAY_API_SCENES_SCENES_H

#include "conf/conf.h"

struct scenes_opts {
    const char *prefix, *videos, *images, *latency, *allowlist; /* paths */
    const char *blocks;                                         /* what to look for: "people,texts,tags" */
    const char *biometrics; /* "none", or some of "embeddings,thumbnails,age-gender", or "all" */
    double fps;
    int64_t max_video, max_batch, batch_memory, max_image; /* bytes */
    int64_t time_ms, time_cap_ms;                          /* Max-Processing-Time: when absent, and at most */
};
extern const struct option scenes_options[];
extern const size_t scenes_noptions;

/* What large bodies of JSON need: a budget of memory, and a thread which takes them apart. */
struct scenes;
/* ERR_INPUT when the options make no sense. */
int scenes_start(struct scenes **ret, const struct scenes_opts *opts, struct err *err);
/* Ends what was begun; nothing of it replies any more. NULL is fine. After it scenes_freep only. */
void scenes_stop(struct scenes *s);
void scenes_freep(struct scenes **s);

#endif
