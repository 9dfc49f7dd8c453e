/* The upper floor's table: impulses, classification, jobs. */
#include "api/impulse/upper_int.h"

enum { BODY_JSON = 1 << 20 };

#define P IMPULSE_PROJECT

/* Names before {names}: where both fit, the earlier row wins. */
const struct route impulse_job_routes[] = {
    {"GET", P "/impulse", &impulse_get, 0},
    {"POST", P "/impulse", &impulse_post, BODY_JSON},
    {"DELETE", P "/impulse", &impulse_delete, BODY_JSON},
    {"GET", P "/impulses", &impulse_list, 0},
    {"POST", P "/impulse/new", &impulse_new, BODY_JSON},
    {"POST", P "/impulse/update", &impulse_update, BODY_JSON},
    {"POST", P "/impulse/eim", &impulse_program, BODY_JSON},
    {"POST", P "/impulse/{impulseId}/set-thresholds", &impulse_thresholds, BODY_JSON},
    {"GET", P "/dsp/{dspId}", &impulse_dsp_get, 0},
    {"POST", P "/dsp/{dspId}", &impulse_dsp_set, BODY_JSON},
    {"POST", P "/dsp/{dspId}/raw-data/{sampleId}/slice/run", &impulse_slice_run, BODY_JSON},

    {"POST", P "/classify/image", &impulse_picture, BODY_UPLOAD},
    {"GET", P "/classify/all/result", &impulse_everything_result, 0},
    {"GET", P "/classify/all/result/page", &impulse_everything_result, 0},
    {"POST", P "/classify/v2/{sampleId}", &impulse_classify, BODY_JSON},
    {"POST", P "/classify/v2/{sampleId}/variants", &impulse_classify_variants, BODY_JSON},
    {"GET", P "/classify/v2/{sampleId}/raw-data/{windowIndex}", &impulse_window, 0},
    {"POST", P "/classify/anomaly-gmm/v2/{blockId}/{sampleId}", &impulse_classify_block, BODY_JSON},
    {"GET", P "/classify/{sampleId}", &impulse_classify_old, 0},

    {"GET", P "/learn/{learnId}/card", &impulse_card, 0},
    {"GET", P "/pretrained-model", &impulse_model_info, 0},
    {"POST", P "/pretrained-model/upload", &impulse_model_upload, BODY_UPLOAD},
    {"POST", P "/pretrained-model/save", &impulse_model_save, BODY_JSON},

    {"POST", P "/jobs/classify", &impulse_everything, BODY_JSON},
    {"POST", P "/jobs/train/keras/{learnId}", &impulse_train, BODY_JSON},
    {"POST", P "/jobs/train/anomaly/{learnId}", &impulse_train_anomaly, BODY_JSON},
    {"GET", P "/jobs", &impulse_jobs, 0},
    {"GET", P "/jobs/history", &impulse_jobs_history, 0},
    {"GET", P "/jobs/{jobId}/status", &impulse_job_status, 0},
    {"GET", P "/jobs/{jobId}/stdout", &impulse_job_stdout, 0},
    {"POST", P "/jobs/{jobId}/cancel", &impulse_job_cancel, BODY_JSON},

    {"GET", P "/socket-token", &impulse_socket_token, 0},
    {"GET", "/socket.io/", &impulse_socket, 0},
    {"GET", "/socket.io", &impulse_socket, 0},
    {0},
};
