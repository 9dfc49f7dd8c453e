/* What the files of the ground floor share: handlers, one table in sample_routes.c. */
#ifndef ASSAY_API_IMPULSE_SAMPLE_INT_H
#define ASSAY_API_IMPULSE_SAMPLE_INT_H

#include "api/impulse/impulse_int.h"

enum { BODY_SAY = 64 << 10, BODY_LABELS = 4 << 20 };

/* projects.c */
extern const struct handler impulse_projects_list, impulse_project_create, impulse_project_info,
    impulse_project_public, impulse_project_devkeys, impulse_project_delete;
/* samples.c */
extern const struct handler impulse_samples_list, impulse_samples_count, impulse_sample_delete;
/* payload.c */
extern const struct handler impulse_sample_get, impulse_sample_slice, impulse_sample_wav, impulse_sample_raw,
    impulse_sample_image;

#endif
