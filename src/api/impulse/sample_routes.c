/* The ground floor's table: projects, samples, ingestion. */
#include "api/impulse/impulse_int.h"
#include "api/impulse/sample_int.h"

#define SAMPLE IMPULSE_PROJECT "/raw-data/{sampleId}"

const struct route impulse_sample_routes[] = {
    {"GET", IMPULSE_API "/projects", &impulse_projects_list, 0},
    {"POST", IMPULSE_API "/projects/create", &impulse_project_create, BODY_SAY},
    {"GET", IMPULSE_PROJECT, &impulse_project_info, 0},
    {"DELETE", IMPULSE_PROJECT, &impulse_project_delete, 0},
    {"GET", IMPULSE_PROJECT "/public-info", &impulse_project_public, 0},
    {"GET", IMPULSE_PROJECT "/devkeys", &impulse_project_devkeys, 0},
    {"GET", IMPULSE_PROJECT "/raw-data", &impulse_samples_list, 0},
    {"GET", IMPULSE_PROJECT "/raw-data/count", &impulse_samples_count, 0},
    {"GET", SAMPLE, &impulse_sample_get, 0},
    {"DELETE", SAMPLE, &impulse_sample_delete, 0},
    {"GET", SAMPLE "/raw", &impulse_sample_raw, 0},
    {"GET", SAMPLE "/wav", &impulse_sample_wav, 0},
    {"GET", SAMPLE "/image", &impulse_sample_image, 0},
    {"GET", SAMPLE "/slice", &impulse_sample_slice, 0},
    {0},
};
