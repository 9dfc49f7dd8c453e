/* made by hand */
#ifndef VARIABLES_H
#define VARIABLES_H
#include <stdint.h>
#define EI_CLASSIFIER_THRESHOLD 0.7
#define CLUSTER_COUNT (2)
const char* ei_classifier_inferencing_categories_7_1[] = { "idle", "say \"hi\"", "wave" };
EI_CLASSIFIER_DSP_AXES_INDEX_TYPE ei_dsp_config_7_3_axes[] = { 2, 0 };
const uint32_t ei_dsp_config_7_3_axes_size = 2;
ei_dsp_config_spectral_analysis_t ei_dsp_config_7_3 = {
    3, // uint32_t blockId
    4, // int implementationVersion
    2, // int length of axes
    1.5f, // float scale-axes
    "low", // select filter-type
    3.0f, // float filter-cutoff
    6, // int filter-order
    (char*)"FFT", // select analysis-type
    "0.1, 0.5, 1.0", // string spectral-power-edges
    true, // boolean do-log
    -0.5f // float made-up
};
ei_dsp_config_flatten_t ei_dsp_config_7_4 = { 4, /* inside */ // uint32_t blockId
    1, // int implementationVersion
    true // boolean average
};
static float some_function(int x) { if (x) { return 1; } return "}"[0]; }
ei_learning_block_config_tflite_graph_t ei_learning_block_config_7_5 = {
    .implementation_version = 1, .block_id = 5, .object_detection = 0, .quantized = 1,
    .compiled = 1, .graph_config = (void*)&ei_config_graph_7_5,
};
const float ei_classifier_anom_scale_7[2] = { 4.5f, 2.0f };
const float ei_classifier_anom_mean_7[2] = { 1.f, -1e-1f };
const uint16_t ei_anom_axis_7[] = { 0, 11 };
const float centre_1[] = { 0.25, 0.5 };
const ei_classifier_anom_cluster_t ei_classifier_anom_clusters_7[CLUSTER_COUNT] = {
    { { 1.25, -0.5 }, 0.45 }, { centre_1, 0.125f }
};
const ei_learning_block_config_anomaly_kmeans_t ei_learning_block_config_7_6 = {
    .implementation_version = 1,
    .anom_axis = ei_anom_axis_7,
    .anom_axes_size = 2,
    .anom_clusters = ei_classifier_anom_clusters_7,
    .anom_cluster_count = 2,
    .anom_scale = ei_classifier_anom_scale_7,
    .anom_mean = ei_classifier_anom_mean_7,
};
const uint32_t ei_learning_block_7_5_inputs[2] = { 3, 4 };
const uint32_t ei_learning_block_7_6_inputs[1] = { 3 };
const ei_learning_block_t ei_learning_blocks_7[2] = {
    { 5, &run_nn_inference, (void*)&ei_learning_block_config_7_5,
      EI_CLASSIFIER_IMAGE_SCALING_NONE, ei_learning_block_7_5_inputs, 2, },
    { 6, &run_kmeans_anomaly, (void*)&ei_learning_block_config_7_6,
      EI_CLASSIFIER_IMAGE_SCALING_NONE, ei_learning_block_7_6_inputs, 1, },
};
const ei_impulse_t impulse_7_1 = {
    .project_id = 7, .project_name = "hands", .impulse_id = 1, .impulse_name = "Impulse #1",
    .raw_sample_count = 125, .raw_samples_per_frame = 3, .dsp_input_frame_size = 125 * 3,
    .input_width = 0, .input_height = 0, .interval_ms = 16, .frequency = 62.5,
    .fusion_string = "accX + accY + accZ", .slice_size = (125/4), .slices_per_model_window = 4,
    .label_count = 3, .categories = ei_classifier_inferencing_categories_7_1,
};
ei_impulse_handle_t& ei_default_impulse = impulse_handle_7;
#endif
