/* What exported projects say of their impulse: deployment-metadata.json and model_variables.h. The examples
 * are ours, with the names that the formats use. */
#include "base/cleanup.h"
#include "infer/cdecl_int.h"
#include "infer/deployment.h"
#include "infer/export.h"
#include "test.h"

static struct bytes text_of(const char *s)
{
    return bytes_of(s, strlen(s));
}

/* ---- C ---- */

static const char variables[] =
    "/* made by hand */\n"
    "#ifndef VARIABLES_H\n"
    "#define VARIABLES_H\n"
    "#include <stdint.h>\n"
    "#define EI_CLASSIFIER_THRESHOLD 0.7\n"
    "#define CLUSTER_COUNT (2)\n"
    "const char* ei_classifier_inferencing_categories_7_1[] = { \"idle\", \"say \\\"hi\\\"\", \"wave\" };\n"
    "EI_CLASSIFIER_DSP_AXES_INDEX_TYPE ei_dsp_config_7_3_axes[] = { 2, 0 };\n"
    "const uint32_t ei_dsp_config_7_3_axes_size = 2;\n"
    "ei_dsp_config_spectral_analysis_t ei_dsp_config_7_3 = {\n"
    "    3, // uint32_t blockId\n"
    "    4, // int implementationVersion\n"
    "    2, // int length of axes\n"
    "    1.5f, // float scale-axes\n"
    "    \"low\", // select filter-type\n"
    "    3.0f, // float filter-cutoff\n"
    "    6, // int filter-order\n"
    "    (char*)\"FFT\", // select analysis-type\n"
    "    \"0.1, 0.5, 1.0\", // string spectral-power-edges\n"
    "    true, // boolean do-log\n"
    "    -0.5f // float made-up\n"
    "};\n"
    "ei_dsp_config_flatten_t ei_dsp_config_7_4 = { 4, /* inside */ // uint32_t blockId\n"
    "    1, // int implementationVersion\n"
    "    true // boolean average\n"
    "};\n"
    "static float some_function(int x) { if (x) { return 1; } return \"}\"[0]; }\n"
    "ei_learning_block_config_tflite_graph_t ei_learning_block_config_7_5 = {\n"
    "    .implementation_version = 1, .block_id = 5, .object_detection = 0, .quantized = 1,\n"
    "    .compiled = 1, .graph_config = (void*)&ei_config_graph_7_5,\n"
    "};\n"
    "const float ei_classifier_anom_scale_7[2] = { 4.5f, 2.0f };\n"
    "const float ei_classifier_anom_mean_7[2] = { 1.f, -1e-1f };\n"
    "const uint16_t ei_anom_axis_7[] = { 0, 11 };\n"
    "const float centre_1[] = { 0.25, 0.5 };\n"
    "const ei_classifier_anom_cluster_t ei_classifier_anom_clusters_7[CLUSTER_COUNT] = {\n"
    "    { { 1.25, -0.5 }, 0.45 }, { centre_1, 0.125f }\n"
    "};\n"
    "const ei_learning_block_config_anomaly_kmeans_t ei_learning_block_config_7_6 = {\n"
    "    .implementation_version = 1,\n"
    "    .anom_axis = ei_anom_axis_7,\n"
    "    .anom_axes_size = 2,\n"
    "    .anom_clusters = ei_classifier_anom_clusters_7,\n"
    "    .anom_cluster_count = 2,\n"
    "    .anom_scale = ei_classifier_anom_scale_7,\n"
    "    .anom_mean = ei_classifier_anom_mean_7,\n"
    "};\n"
    "const uint32_t ei_learning_block_7_5_inputs[2] = { 3, 4 };\n"
    "const uint32_t ei_learning_block_7_6_inputs[1] = { 3 };\n"
    "const ei_learning_block_t ei_learning_blocks_7[2] = {\n"
    "    { 5, &run_nn_inference, (void*)&ei_learning_block_config_7_5,\n"
    "      EI_CLASSIFIER_IMAGE_SCALING_NONE, ei_learning_block_7_5_inputs, 2, },\n"
    "    { 6, &run_kmeans_anomaly, (void*)&ei_learning_block_config_7_6,\n"
    "      EI_CLASSIFIER_IMAGE_SCALING_NONE, ei_learning_block_7_6_inputs, 1, },\n"
    "};\n"
    "const ei_impulse_t impulse_7_1 = {\n"
    "    .project_id = 7, .project_name = \"hands\", .impulse_id = 1, .impulse_name = \"Impulse #1\",\n"
    "    .raw_sample_count = 125, .raw_samples_per_frame = 3, .dsp_input_frame_size = 125 * 3,\n"
    "    .input_width = 0, .input_height = 0, .interval_ms = 16, .frequency = 62.5,\n"
    "    .fusion_string = \"accX + accY + accZ\", .slice_size = (125/4), .slices_per_model_window = 4,\n"
    "    .label_count = 3, .categories = ei_classifier_inferencing_categories_7_1,\n"
    "};\n"
    "ei_impulse_handle_t& ei_default_impulse = impulse_handle_7;\n"
    "#endif\n";

static void an_export_tells_its_impulse(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct imported found;
    const struct impulse *p = &found.impulse;
    const struct impulse_learn *l;
    struct err err = {0};

    CHECK(export_is(text_of(variables)));
    CHECK(!export_is_compiled(text_of(variables)));
    CHECK_INT(export_read(a, text_of(variables), &found, &err), 0);
    CHECK_STR(err.text, "");
    if (err.kind)
        return;
    CHECK_STR(found.format, "model-variables");
    CHECK_STR(p->name, "Impulse #1");
    CHECK_INT(p->input, INPUT_SERIES);
    CHECK_NEAR(p->window_ms, 2000, 1e-9);
    CHECK_NEAR(p->step_ms, 500, 1e-9);
    CHECK_NEAR(p->frequency, 62.5, 0);

    CHECK_INT(p->ndsp, 2);
    CHECK_INT(p->dsp[0].id, 3);
    CHECK_INT(p->dsp[0].version, 4);
    CHECK_STR(p->dsp[0].type, "spectral-analysis");
    CHECK_INT(p->dsp[0].naxes, 2);
    CHECK_STR(p->dsp[0].axes[0], "accZ");
    CHECK_STR(p->dsp[0].axes[1], "accX");
    CHECK_INT(p->dsp[0].nsettings, 8);
    CHECK_STR(p->dsp[0].settings[0].name, "scale-axes");
    CHECK_STR(p->dsp[0].settings[0].value, "1.5");
    CHECK_STR(p->dsp[0].settings[4].value, "FFT");
    CHECK_STR(p->dsp[0].settings[5].value, "0.1, 0.5, 1.0");
    CHECK_STR(p->dsp[0].settings[6].name, "do-log");
    CHECK_STR(p->dsp[0].settings[7].value, "-0.5");
    CHECK_INT(p->dsp[1].id, 4);
    CHECK_STR(p->dsp[1].type, "flatten");
    CHECK_INT(p->dsp[1].naxes, 0);

    CHECK_INT(p->nlearn, 2);
    l = &p->learn[0];
    CHECK_INT(l->id, 5);
    CHECK_INT(l->kind, LEARN_CLASSIFIER);
    CHECK_INT(l->ndsp, 2);
    CHECK_INT(l->dsp[1], 4);
    CHECK_INT(l->nlabels, 3);
    CHECK_STR(l->labels[1], "say \"hi\"");
    CHECK_NEAR(l->min_score, 0.7, 1e-9);
    CHECK_INT(l->model, -1);
    l = &p->learn[1];
    CHECK_INT(l->id, 6);
    CHECK_INT(l->kind, LEARN_CLUSTERS);
    CHECK_STR(l->labels[0], "anomaly");
    CHECK_INT(l->ndsp, 1);
    CHECK_INT(l->nchosen, 2);
    CHECK_INT(l->chosen[1], 11);
    CHECK_NEAR((double)l->mean[1], -0.1, 1e-7);
    CHECK_NEAR((double)l->dev[0], 4.5, 0);
    CHECK_INT(l->nclusters, 2);
    CHECK_NEAR((double)l->clusters[0].centroid[1], -0.5, 0);
    CHECK_NEAR((double)l->clusters[1].centroid[0], 0.25, 0);
    CHECK_NEAR((double)l->clusters[1].max_error, 0.125, 0);
    CHECK_INT(found.nnotes, 2);
    CHECK(found.nnotes == 2 && strstr(found.notes[1], "EON"));
}

/* Pictures, and what an older export keeps in its metadata. */
static void an_export_of_pictures_and_of_old(void)
{
    static const char pictures[] =
        "#define EI_CLASSIFIER_RESIZE_MODE EI_CLASSIFIER_RESIZE_FIT_LONGEST\n"
        "const char* ei_classifier_inferencing_categories[] = { \"cup\" };\n"
        "ei_dsp_config_image_t ei_dsp_config_3 = { 3, // uint32_t blockId\n 1, // int implementationVersion\n"
        " 1, // int length of axes\n \"Grayscale\" // select channels\n};\n"
        "ei_learning_block_config_tflite_graph_t config_8 = { .block_id = 8, .object_detection = 1,\n"
        " .object_detection_last_layer = EI_CLASSIFIER_LAST_LAYER_FOMO, .threshold = 0.25 };\n"
        "const ei_learning_block_t ei_learning_blocks[1] = {\n"
        " { 8, false, &run_nn_inference, (void*)&ei_learning_block_config_8, "
        "EI_CLASSIFIER_IMAGE_SCALING_TORCH }};\n"
        "const ei_learning_block_config_tflite_graph_t ei_learning_block_config_8 = { .threshold = 0.25,\n"
        " .object_detection_last_layer = EI_CLASSIFIER_LAST_LAYER_FOMO };\n"
        "const ei_impulse_t impulse = { .input_width = 96, .input_height = 64, .fusion_string = \"image\" "
        "};\n";
    static const char old[] =
        "#define EI_CLASSIFIER_RAW_SAMPLE_COUNT 50\n"
        "#define EI_CLASSIFIER_INTERVAL_MS 20\n"
        "#define EI_CLASSIFIER_FUSION_AXES_STRING \"x + y\"\n"
        "typedef struct { uint16_t implementation_version; int axes; float scale_axes; const char * "
        "filter_type;\n"
        "  struct { int in; } inner; bool do_log[2]; } ei_dsp_config_spectral_analysis_t;\n"
        "const char* ei_classifier_inferencing_categories[] = { \"a\", \"b\" };\n"
        "const float ei_classifier_anom_scale[] = { 1 }; const float ei_classifier_anom_mean[] = { 2 };\n"
        "const ei_classifier_anom_cluster_t ei_classifier_anom_clusters[] = { { { 3 }, 4 } };\n"
        "const uint16_t EI_CLASSIFIER_ANOM_AXIS[] = { 11 };\n"
        "ei_dsp_config_raw_t ei_dsp_config_2 = { 1, // int implementationVersion\n 2, // int length of axes\n"
        " nullptr, // named axes\n 0, // size of the named axes array\n 1.0f // float scale-axes\n};\n"
        "ei_dsp_config_spectral_analysis_t ei_dsp_config_7 = { 1, 3, 1.0f, \"low\", 5, true };\n";
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct imported found;
    struct err err = {0};

    CHECK_INT(export_read(a, text_of(pictures), &found, &err), 0);
    CHECK_STR(err.text, "");
    CHECK_INT(found.impulse.input, INPUT_PICTURE);
    CHECK_INT(found.impulse.width, 96);
    CHECK_INT(found.impulse.height, 64);
    CHECK_INT(found.impulse.fit, FIT_LONG);
    CHECK_INT(found.impulse.learn[0].kind, LEARN_FOMO);
    CHECK_INT(found.impulse.learn[0].scale, SCALE_TORCH);
    CHECK_NEAR(found.impulse.learn[0].min_score, 0.25, 0);
    CHECK_INT(found.impulse.learn[0].dsp[0], 3);
    CHECK_INT(export_read(a, text_of(old), &found, &err), 0);
    CHECK_STR(err.text, "");
    CHECK_NEAR(found.impulse.window_ms, 1000, 1e-9);
    CHECK_NEAR(found.impulse.frequency, 50, 1e-9);
    CHECK_INT(found.impulse.dsp[0].id, 2);
    CHECK_INT(found.impulse.dsp[0].nsettings, 1);
    CHECK_STR(found.impulse.dsp[0].settings[0].name, "scale-axes");
    CHECK_INT(found.impulse.dsp[1].id, 7);
    CHECK_INT(found.impulse.dsp[1].version, 1);
    CHECK_INT(found.impulse.dsp[1].nsettings, 4);
    CHECK_STR(found.impulse.dsp[1].settings[1].name, "filter_type");
    CHECK_STR(found.impulse.dsp[1].settings[3].name, "do_log");
    CHECK_INT(found.impulse.nlearn, 2);
    CHECK_INT(found.impulse.learn[0].id, 8);
    CHECK_INT(found.impulse.learn[0].kind, LEARN_CLASSIFIER);
    CHECK_INT(found.impulse.learn[1].id, 9);
    CHECK_INT(found.impulse.learn[1].kind, LEARN_CLUSTERS);
    CHECK_INT(found.impulse.learn[1].nclusters, 1);
    CHECK_INT(found.impulse.learn[1].chosen[0], 11);
}

/* The clusters are in a header of their own, the settings' names in another. */
static void an_export_without_its_other_headers_says_so(void)
{
    static const char text[] =
        "ei_dsp_config_raw_t ei_dsp_config_2 = { 1, 3, 1.0f };\n"
        "const ei_learning_block_config_anomaly_kmeans_t ei_learning_block_config_4 = {\n"
        "  .anom_axis = ei_classifier_anom_axes, .anom_clusters = ei_classifier_anom_clusters };\n"
        "const ei_learning_block_t blocks[] = { { 4, &run_kmeans_anomaly, (void*)&ei_learning_block_config_4 "
        "} };\n"
        "const ei_impulse_t i = { .raw_sample_count = 5, .frequency = 10 };\n";
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct imported found;
    struct err err = {0};

    CHECK_INT(export_read(a, text_of(text), &found, &err), 0);
    CHECK_STR(err.text, "");
    CHECK_INT(found.impulse.learn[0].kind, LEARN_CLUSTERS);
    CHECK_INT(found.impulse.learn[0].nclusters, 0);
    CHECK_INT(found.nnotes, 3);
    CHECK(found.nnotes == 3 && strstr(found.notes[1], "model_metadata.h"));
    CHECK(found.nnotes == 3 && strstr(found.notes[2], "anomaly_metadata.h"));
}

static void broken_exports_are_refused(void)
{
    static const struct {
        const char *what, *text;
        enum err_kind kind;
    } rows[] = {
        {"nothing of ours", "int main(void) { return 0; }", ERR_INPUT},
        {"a list without end", "ei_dsp_config_raw_t c = { 1, 2", ERR_INPUT},
        {"a text without end", "const char *x[] = { \"a };\n", ERR_INPUT},
        {"a body without end", "void f(void) { {", ERR_INPUT},
        {"lists in lists", "int x = {{{{{{{{{{{{{{{{{{1}}}}}}}}}}}}}}}}}};", ERR_INPUT},
        {"no window", "ei_dsp_config_raw_t c = { 1 };", ERR_INPUT},
        {"no blocks", "ei_impulse_t i = { .raw_sample_count = 5, .frequency = 10 };", ERR_INPUT},
        {"a member without =", "ei_impulse_t i = { .raw_sample_count };", ERR_INPUT},
        {"two impulses", "ei_impulse_t i = { .a = 1 }; ei_impulse_t k = { .a = 1 };", ERR_UNSUPPORTED},
        {"a width that is none", "ei_impulse_t i = { .input_width = 1e9, .input_height = 5 };", ERR_INPUT},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct imported found;
        struct err err = {0};

        CHECK_INT(export_read(a, text_of(rows[i].text), &found, &err), -1);
        CHECK_INT(err.kind, rows[i].kind);
        CHECK(err.text[0]);
        ROW("%s: %s", rows[i].what, err.text);
    }
}

static void a_compiled_model_is_known(void)
{
    CHECK(export_is_compiled(text_of("#include \"x.h\"\nTfLiteStatus tflite_learn_5_init( void*(*alloc)"
                                     "(size_t,size_t) ) { TfLiteEvalTensor *t; return kTfLiteOk; }")));
    CHECK(!export_is_compiled(text_of("int main(void) { return 0; }")));
}

static void a_model_in_an_array_is_found(void)
{
    static const char text[] =
        "const int other[] = {1, 2, 300};\n"
        "alignas(16) const unsigned char model[] = {\n  0x1c, 0x00, 0X00, 0, 0x54, 70, "
        "0x4c, 0x33,\n  255, 0x7,\n};\nunsigned int model_len = 10;\n";
    static const uint8_t want[] = {0x1c, 0, 0, 0, 'T', 'F', 'L', '3', 255, 7};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct bytes got;

    CHECK(export_tflite(a, text_of(text), &got));
    CHECK_INT(got.len, sizeof want);
    CHECK(got.len == sizeof want && !memcmp(got.data, want, sizeof want));
    CHECK(!export_tflite(a, text_of("int x[] = {0x1c, 0, 0};"), &got));
    CHECK(!export_tflite(a, text_of("{"), &got));
}

/* ---- JSON ---- */

#define INPUT_SERIES_JSON                                                                                 \
    "\"inputBlocks\":[{\"id\":1,\"type\":\"time-series\",\"windowSizeMs\":2000,\"windowIncreaseMs\":200," \
    "\"frequencyHz\":62.5,\"classificationWindowIncreaseMs\":80,\"padZeros\":true}],"
#define DSP_JSON                                                                                        \
    "\"dspBlocks\":[{\"id\":3,\"type\":\"spectral-analysis\",\"name\":\"Spectral\",\"axes\":[\"accX\"," \
    "\"accY\"],"                                                                                        \
    "\"implementationVersion\":4,\"metadata\":{\"dspConfig\":{\"options\":{\"fft-length\":128,"         \
    "\"do-log\":true,\"filter-cutoff\":4.8828,\"filter-type\":\"low\",\"odd\":[1],\"none\":null}}}}],"
#define MODEL_JSON                                                                                          \
    "\"tfliteModels\":[{\"details\":{\"modelType\":\"int8\",\"inputs\":[{\"dataType\":\"int8\",\"name\":"   \
    "\"x\","                                                                                                \
    "\"shape\":[1,39],\"quantizationScale\":0.5,\"quantizationZeroPoint\":-3}],\"outputs\":[{\"dataType\":" \
    "\"float32\",\"name\":\"y\",\"shape\":[1,2]}]}}],"
#define CLUSTERS_JSON                                                                        \
    "\"anomaly\":{\"6\":{\"axes\":[0,11],\"scale\":[1,2],\"mean\":[0.5,-0.5],\"clusters\":[" \
    "{\"centroid\":[1,2],\"max_error\":0.25},{\"centroid\":[3,4],\"max_error\":0.5}]}},"

static const char deployment[] =
    "{\"version\":1,\"deployCounter\":2,\"classes\":[\"idle\",\"wave\"],\"frequency\":62.5," MODEL_JSON
        CLUSTERS_JSON "\"thresholds\":{\"5\":{\"min_score\":0.8},\"6\":0.4},"
    "\"project\":{\"name\":\"hands\",\"id\":7},\"impulse\":{" INPUT_SERIES_JSON DSP_JSON
    "\"learnBlocks\":[{\"id\":5,\"type\":\"keras\",\"name\":\"NN\",\"title\":\"Classification\",\"dsp\":[3]},"
    "{\"id\":6,\"type\":\"anomaly\",\"name\":\"Odd\",\"title\":\"Anomaly\",\"dsp\":[3]}]}}";

static void a_deployment_tells_its_impulse(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct imported found;
    const struct impulse *p = &found.impulse;
    struct err err = {0};

    CHECK_INT(deployment_read(a, text_of(deployment), &found, &err), 0);
    CHECK_STR(err.text, "");
    if (err.kind)
        return;
    CHECK_STR(found.format, "deployment-metadata");
    CHECK(found.has_impulse && found.quantised);
    CHECK_INT(found.ninputs, 1);
    CHECK_INT(found.inputs[0].dims[1], 39);
    CHECK_INT(found.inputs[0].zero, -3);
    CHECK_INT(found.outputs[0].number, NUMBER_FLOAT);
    CHECK_STR(p->name, "hands");
    CHECK_NEAR(p->window_ms, 2000, 0);
    CHECK_NEAR(p->step_ms, 80, 0);
    CHECK(p->pad);
    CHECK_INT(p->dsp[0].naxes, 2);
    CHECK_INT(p->dsp[0].nsettings, 4);
    CHECK_STR(p->dsp[0].settings[0].value, "128");
    CHECK_STR(p->dsp[0].settings[1].value, "true");
    CHECK_NEAR(atof(p->dsp[0].settings[2].value), 4.8828, 0);
    CHECK_INT(found.nnotes, 1);
    CHECK_INT(p->learn[0].nlabels, 2);
    CHECK_NEAR(p->learn[0].min_score, 0.8, 0);
    CHECK_INT(p->learn[1].kind, LEARN_CLUSTERS);
    CHECK_NEAR(p->learn[1].min_score, 0.4, 0);
    CHECK_INT(p->learn[1].nclusters, 2);
    CHECK_NEAR((double)p->learn[1].clusters[1].centroid[1], 4, 0);
    CHECK_INT(p->learn[1].chosen[1], 11);
}

#define IMPULSE_JSON(x) "{\"version\":1,\"impulse\":{" x "}}"

static void broken_deployments_are_refused(void)
{
    static const struct {
        const char *what, *text;
        enum err_kind kind;
    } rows[] = {
        {"not JSON", "{\"version\":1,", ERR_INPUT},
        {"another JSON", "{\"a\":1}", ERR_UNSUPPORTED},
        {"a list", "[1]", ERR_UNSUPPORTED},
        {"another version", "{\"version\":2,\"impulse\":{}}", ERR_UNSUPPORTED},
        {"no input", IMPULSE_JSON("\"dspBlocks\":[]"), ERR_UNSUPPORTED},
        {"no DSP", IMPULSE_JSON(INPUT_SERIES_JSON "\"learnBlocks\":[]"), ERR_INPUT},
        {"no window", IMPULSE_JSON("\"inputBlocks\":[{\"type\":\"time-series\",\"frequencyHz\":5}]"),
         ERR_INPUT},
        {"a width of nothing", IMPULSE_JSON("\"inputBlocks\":[{\"type\":\"image\",\"imageWidth\":0}]"),
         ERR_INPUT},
        {"another input", IMPULSE_JSON("\"inputBlocks\":[{\"type\":\"smell\"}]"), ERR_UNSUPPORTED},
        {"an unknown block",
         IMPULSE_JSON(INPUT_SERIES_JSON DSP_JSON "\"learnBlocks\":[{\"id\":5,\"type\":\"vlm\",\"dsp\":[3]}]"),
         ERR_UNSUPPORTED},
        {"learns from nothing",
         IMPULSE_JSON(INPUT_SERIES_JSON DSP_JSON "\"learnBlocks\":[{\"id\":5,\"type\":\"keras\"}]"),
         ERR_INPUT},
        {"an id of a text",
         IMPULSE_JSON(INPUT_SERIES_JSON DSP_JSON "\"learnBlocks\":[{\"id\":\"x\",\"type\":\"keras\"}]"),
         ERR_INPUT},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct imported found;
        struct err err = {0};

        CHECK_INT(deployment_read(a, text_of(rows[i].text), &found, &err), -1);
        CHECK_INT(err.kind, rows[i].kind);
        ROW("%s: %s", rows[i].what, err.text);
    }
}

int main(void)
{
    RUN(an_export_tells_its_impulse);
    RUN(an_export_of_pictures_and_of_old);
    RUN(an_export_without_its_other_headers_says_so);
    RUN(broken_exports_are_refused);
    RUN(a_compiled_model_is_known);
    RUN(a_model_in_an_array_is_found);
    RUN(a_deployment_tells_its_impulse);
    RUN(broken_deployments_are_refused);
    return test_end();
}
