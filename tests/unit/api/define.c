/* Impulses: what clients write becomes what is stored and judged, and every fault is a sentence. */
#include "api/impulse/define_int.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "test.h"

#define SERIES                                                                                            \
    "\"inputBlocks\":[{\"id\":1,\"type\":\"time-series\",\"windowSizeMs\":2000,\"windowIncreaseMs\":200," \
    "\"frequencyHz\":62.5,\"padZeros\":true}]"
#define SPECTRAL                                                                                        \
    "\"dspBlocks\":[{\"id\":2,\"type\":\"spectral-analysis\",\"name\":\"Spectral\",\"axes\":[\"accX\"," \
    "\"accY\"],\"input\":1,\"implementationVersion\":3,\"config\":{\"fft-length\":128,\"do-log\":true}}]"
#define KERAS   "\"learnBlocks\":[{\"id\":3,\"type\":\"keras\",\"name\":\"NN\",\"dsp\":[2]}]"
#define IMPULSE "{" SERIES "," SPECTRAL "," KERAS "}"

static struct bytes text_bytes(const char *s)
{
    return bytes_of(s, strlen(s));
}

static int make(struct arena *a, const char *wire, struct bytes before, double frequency, struct bytes *ret,
                struct err *err)
{
    CLEANUP(json_freep) yyjson_doc *doc = json_read(text_bytes(wire), 1 << 20, err);

    CHECK(doc);
    return definition_make(
        a, yyjson_doc_get_root(doc),
        &(struct define_with){.before = before, .frequency = frequency, .now_us = 1700000000000000}, ret,
        err);
}

static void an_impulse_is_read(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const struct learn_more *more;
    struct definition d;
    struct bytes json;
    struct err err = {0};
    size_t at;

    CHECK_INT(make(a, IMPULSE, bytes_of(NULL, 0), 0, &json, &err), 0);
    CHECK_STR(err.text, "");
    CHECK_INT(definition_read(a, json, &d, &err), 0);
    CHECK_INT(d.impulse.input, INPUT_SERIES);
    CHECK_NEAR(d.impulse.window_ms, 2000, 0);
    CHECK_NEAR(d.impulse.frequency, 62.5, 0);
    CHECK(d.impulse.pad);
    CHECK_INT(d.impulse.ndsp, 1);
    CHECK_INT(d.impulse.dsp[0].version, 3);
    CHECK_INT(d.impulse.dsp[0].naxes, 2);
    CHECK_INT(d.impulse.dsp[0].nsettings, 2);
    CHECK_STR(d.impulse.dsp[0].settings[0].name, "fft-length");
    CHECK_STR(d.impulse.dsp[0].settings[0].value, "128");
    CHECK_STR(d.impulse.dsp[0].settings[1].value, "true");
    CHECK_INT(d.impulse.learn[0].kind, LEARN_CLASSIFIER);
    CHECK_INT(d.impulse.learn[0].ndsp, 1);
    CHECK_INT(d.impulse.learn[0].model, -1);
    more = definition_learn(&d, 3, &at);
    CHECK(more && at == 0);
    CHECK_NEAR(more->threshold, 0.6, 0);
    CHECK_STR(more->created_at, "2023-11-14T22:13:20.000Z");
    CHECK(!definition_learn(&d, 4, &at));
}

/* What the client leaves out comes from before; a frequency from the recordings; all DSP blocks. */
static void an_impulse_is_completed(void)
{
    static const char wire[] =
        "{\"name\":\"two\",\"inputBlocks\":[{\"id\":1,\"type\":\"time-series\",\"windowSizeMs\":500}],"
        "\"dspBlocks\":[{\"id\":2,\"type\":\"spectral-analysis\"},{\"id\":4,\"type\":\"flatten\"}],"
        "\"learnBlocks\":[{\"id\":3,\"type\":\"keras\"},{\"id\":5,\"type\":\"anomaly\",\"axes\":[0,3],"
        "\"clusterCount\":8}]}";
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct bytes before, set, json;
    struct definition d;
    struct err err = {0};

    CHECK_INT(make(a, IMPULSE, bytes_of(NULL, 0), 0, &before, &err), 0);
    CHECK_INT(definition_set_threshold(a, before, 3, "min_score", 0.75, &set, &err), 0);
    CHECK_INT(make(a, wire, set, 100, &json, &err), 0);
    CHECK_INT(definition_read(a, json, &d, &err), 0);
    CHECK_STR(d.impulse.name, "two");
    CHECK_NEAR(d.impulse.frequency, 100, 0);
    CHECK_NEAR(d.impulse.step_ms, 500, 0);
    CHECK_INT(d.impulse.dsp[0].version, 3);
    CHECK_STR(d.impulse.dsp[0].settings[0].value, "128");
    CHECK_INT(d.impulse.dsp[1].nsettings, 0);
    CHECK_INT(d.impulse.learn[0].ndsp, 2);
    CHECK_NEAR(d.learn[0].threshold, 0.75, 0);
    CHECK_INT(d.impulse.learn[1].kind, LEARN_CLUSTERS);
    CHECK_INT(d.learn[1].naxes, 2);
    CHECK_INT(d.learn[1].axes[1], 3);
    CHECK_INT(d.learn[1].clusters, 8);
    CHECK_INT(make(a, wire, set, 0, &json, &err), -1);
    CHECK(strstr(err.text, "frequencyHz"));
}

static const struct {
    const char *wire, *says;
    enum err_kind kind;
} faults[] = {
    {"{}", "one input block", ERR_UNSUPPORTED},
    {"{\"inputBlocks\":5}", "inputBlocks is a list", ERR_INPUT},
    {"{\"inputBlocks\":[5]}", "which are objects", ERR_INPUT},
    {"{\"inputBlocks\":[{\"type\":\"video\"}]}", "time-series, image or features", ERR_INPUT},
    {"{" SERIES "," KERAS "}", "DSP block", ERR_INPUT},
    {"{" SERIES ",\"dspBlocks\":[{\"id\":2,\"type\":\"hr\"}]}", "no DSP block \"hr\" here; there are raw,",
     ERR_UNSUPPORTED},
    {"{" SERIES "," SPECTRAL ",\"learnBlocks\":[{\"id\":3,\"type\":\"vlm\"}]}", "no learn block \"vlm\"",
     ERR_UNSUPPORTED},
    {"{" SERIES "," SPECTRAL ",\"learnBlocks\":[{\"id\":2,\"type\":\"keras\"}]}", "two blocks have the id 2",
     ERR_INPUT},
    {"{" SERIES "," SPECTRAL ",\"learnBlocks\":[{\"id\":3,\"type\":\"keras\",\"dsp\":[9]}]}", "9", ERR_INPUT},
    {"{" SERIES ",\"dspBlocks\":[{\"id\":2,\"type\":\"raw\",\"config\":{\"fft\":1}}]}",
     "raw has no parameter \"fft\"", ERR_INPUT},
    {"{" SERIES ",\"dspBlocks\":[{\"id\":2,\"type\":\"raw\",\"implementationVersion\":9}]}",
     "versions 1 to 1", ERR_INPUT},
    {"{" SERIES "," SPECTRAL ",\"learnBlocks\":[{\"id\":3,\"type\":\"keras-object-detection\","
     "\"objectDetectionLastLayer\":\"yolox\"}]}",
     "yolox", ERR_UNSUPPORTED},
    {"{\"inputBlocks\":[{\"type\":\"image\",\"imageWidth\":96,\"imageHeight\":96,\"resizeMode\":\"tile\"}],"
     "\"dspBlocks\":[{\"id\":2,\"type\":\"image\"}]}",
     "not \"tile\"", ERR_INPUT},
};

static void every_fault_is_a_sentence(void)
{
    for (size_t i = 0; i < COUNT_OF(faults); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct bytes json;
        struct err err = {0};
        CHECK_INT(make(a, faults[i].wire, bytes_of(NULL, 0), 0, &json, &err), -1);
        CHECK_INT(err.kind, faults[i].kind);
        if (!strstr(err.text, faults[i].says))
            printf("# %s\n", err.text);
        CHECK(strstr(err.text, faults[i].says));
    }
}

static void settings_and_thresholds_change(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(json_freep)
    yyjson_doc *config = json_read(text_bytes("{\"fft_length\":\"64\",\"filter-type\":\"low\"}"), 1000, NULL);
    CLEANUP(json_freep) yyjson_doc *wrong = json_read(text_bytes("{\"colour\":1}"), 1000, NULL);
    CLEANUP(json_mut_freep) doc_t *doc = json_doc_new();
    val_t *root = yyjson_mut_obj(doc), *item;
    struct bytes json, other;
    const char *inputs, *later;
    struct definition d;
    struct err err = {0};

    CHECK_INT(make(a, IMPULSE, bytes_of(NULL, 0), 0, &json, &err), 0);
    CHECK_INT(definition_read(a, json, &d, &err), 0);
    inputs = definition_inputs(a, &d.impulse, &d.impulse.learn[0]);
    CHECK_INT(definition_set_config(a, json, 2, yyjson_doc_get_root(config), &other, &err), 0);
    CHECK_INT(definition_read(a, other, &d, &err), 0);
    later = definition_inputs(a, &d.impulse, &d.impulse.learn[0]);
    CHECK(!text_is(inputs, later));
    CHECK_INT(definition_set_config(a, json, 9, yyjson_doc_get_root(config), &other, &err), -1);
    CHECK_INT(err.kind, ERR_NOT_FOUND);
    CHECK_INT(definition_set_config(a, json, 2, yyjson_doc_get_root(wrong), &other, &err), -1);
    CHECK_INT(definition_set_threshold(a, json, 3, "min_anomaly_score", 1, &other, &err), -1);
    CHECK_INT(definition_set_threshold(a, json, 3, "min_score", 7, &other, &err), -1);
    CHECK_INT(definition_set_threshold(a, json, 3, "min_score", 0.9, &other, &err), 0);
    CHECK_INT(definition_read(a, other, &d, &err), 0);
    CHECK_STR(definition_inputs(a, &d.impulse, &d.impulse.learn[0]), inputs);
    CHECK_NEAR(d.impulse.learn[0].min_score, 0.9, 0);
    yyjson_mut_doc_set_root(doc, root);
    CHECK_INT(definition_render_dsp(a, doc, root, json, 2, &err), 0);
    item = yyjson_mut_arr_get_first(yyjson_mut_obj_get(root, "config"));
    CHECK_INT(yyjson_mut_arr_size(yyjson_mut_obj_get(item, "items")), 15);
    CHECK_INT(definition_render(a, doc, root, json, false, &err), 0);
    CHECK(!yyjson_mut_obj_get(yyjson_mut_arr_get_first(yyjson_mut_obj_get(root, "dspBlocks")), "config"));
}

int main(void)
{
    RUN(an_impulse_is_read);
    RUN(an_impulse_is_completed);
    RUN(every_fault_is_a_sentence);
    RUN(settings_and_thresholds_change);
    return test_end();
}
