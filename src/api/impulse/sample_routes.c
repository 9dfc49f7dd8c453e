/* The ground floor's table: projects, samples, ingestion. */
#include "api/impulse/sample_int.h"

#define SAMPLE IMPULSE_PROJECT "/raw-data/{sampleId}"
/* The ingestion service is another host in the original, without a version in its paths. */
#define INGEST(prefix, name, door)                                                 \
    {"POST", prefix "/" name "/files", &impulse_ingest_files[door], BODY_SAMPLES}, \
    {                                                                              \
        "POST", prefix "/" name "/data", &impulse_ingest_data[door], BODY_SAMPLE   \
    }

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
    {"POST", SAMPLE "/edit-label", &impulse_sample_label, BODY_SAY},
    {"POST", SAMPLE "/rename", &impulse_sample_rename, BODY_SAY},
    {"POST", SAMPLE "/move", &impulse_sample_move, BODY_SAY},
    {"POST", SAMPLE "/structured-labels", &impulse_sample_stretches, BODY_LABELS},
    {"POST", SAMPLE "/bounding-boxes", &impulse_sample_boxes, BODY_LABELS},
    {"POST", SAMPLE "/metadata", &impulse_sample_metadata, BODY_LABELS},
    {"POST", SAMPLE "/enable", &impulse_sample_enable, BODY_SAY},
    {"POST", SAMPLE "/disable", &impulse_sample_disable, BODY_SAY},
    INGEST(IMPULSE_API, "training", SAMPLE_TRAINING),
    INGEST(IMPULSE_API, "testing", SAMPLE_TESTING),
    INGEST(IMPULSE_API, "anomaly", SAMPLE_ANOMALY),
    INGEST(IMPULSE_API, "split", INGEST_SPLIT),
    INGEST("/api", "training", SAMPLE_TRAINING),
    INGEST("/api", "testing", SAMPLE_TESTING),
    INGEST("/api", "anomaly", SAMPLE_ANOMALY),
    INGEST("/api", "split", INGEST_SPLIT),
    {0},
};
