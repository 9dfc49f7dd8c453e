/* The upper floor's table: impulses, classification, jobs. */
#include "api/impulse/impulse_int.h"

const struct route impulse_job_routes[] = {
    {0},
};
