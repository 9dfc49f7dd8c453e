/* Classifications and what they add up to, as clients see them. */
#include "api/impulse/upper_int.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "test.h"

static struct bytes text_bytes(const char *s)
{
    return bytes_of(s, strlen(s));
}

#define PICTURE                                                                                              \
    "{\"inputBlocks\":[{\"type\":\"image\",\"imageWidth\":96,\"imageHeight\":96}],\"dspBlocks\":[{\"id\":2," \
    "\"type\":\"image\"}],\"learnBlocks\":[{\"id\":3,\"type\":\"%s\",\"dsp\":[2],\"labels\":[\"a\",\"b\"]}]" \
    "}"
#define SERIES                                                                                     \
    "{\"inputBlocks\":[{\"type\":\"time-series\",\"windowSizeMs\":1000,\"windowIncreaseMs\":500,"  \
    "\"frequencyHz\":10}],\"dspBlocks\":[{\"id\":2,\"type\":\"raw\"}],\"learnBlocks\":[{\"id\":3," \
    "\"type\":\"keras\",\"dsp\":[2],\"labels\":[\"a\",\"b\"]}]}"

static struct loaded load(struct arena *a, const char *wire)
{
    CLEANUP(json_freep) yyjson_doc *doc = json_read(text_bytes(wire), 1 << 20, NULL);
    struct loaded l = {.variant = "float32"};
    struct bytes json;

    CHECK(doc && definition_make(a, yyjson_doc_get_root(doc), &(struct define_with){0}, &json, NULL) == 0);
    CHECK(definition_read(a, json, &l.def, NULL) == 0);
    l.impulse = l.def.impulse;
    return l;
}

static const char *const labels[] = {"a", "b"};

/* The example of the original's documentation: one of two found, one wrong. */
static void objects_have_boxes_and_debug(void)
{
    static const struct sensor_box found[] = {{"a", 80, 80, 16, 8}, {"b", 16, 48, 16, 8}},
                                   there[] = {{"a", 78, 40, 8, 8}, {"b", 15, 47, 8, 8}};
    static const double scores[] = {0.75, 0.5};
    static const struct box_pair pairs[] = {{0, 0, 0.426}, {1, 1, 0.053}}, assigned[] = {{1, 1, 0.053}};
    struct window_boxes boxes = {.n = 2,
                                 .ntruths = 2,
                                 .boxes = found,
                                 .scores = scores,
                                 .truths = there,
                                 .npairs = 2,
                                 .pairs = pairs,
                                 .nassigned = 1,
                                 .assigned = assigned,
                                 .f1 = 0.5,
                                 .precision = 0.5,
                                 .recall = 0.5};
    struct learn_result r = {.id = 3, .kind = LEARN_FOMO, .nlabels = 2, .labels = labels, .boxes = &boxes};
    struct recording_result res = {.nwindows = 1, .nlearn = 1, .learn = &r};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(json_mut_freep) doc_t *doc = json_doc_new();
    struct loaded l = load(a, arena_printf(a, PICTURE, "keras-object-detection"));
    const char *json;

    yyjson_mut_doc_set_root(doc, classifications_render(doc, &l, &res, true));
    json = (const char *)json_write(a, doc).data;
    CHECK(strstr(json, "\"result\":[{}]"));
    CHECK(strstr(json, "\"boxes\":[[80.0,80.0,16.0,8.0],[16.0,48.0,16.0,8.0]],\"labels\":[\"a\",\"b\"]"));
    CHECK(strstr(json, "\"labels\":[1,2],\"scores\":[0.75,0.5]"));
    CHECK(strstr(json, "\"objectDetectionLastLayer\":\"fomo\""));
    CHECK(strstr(json, "unassigned_y_true_idxs"));
    CHECK(strstr(json, "\"f1\":0.5,\"precision\":0.5,\"recall\":0.5"));
    yyjson_mut_doc_set_root(doc, classifications_render(doc, &l, &res, false));
    CHECK(!strstr((const char *)json_write(a, doc).data, "debugInfoJson"));
}

static void a_grid_has_cells(void)
{
    static const float grid[] = {1, 9, 2, 4};
    struct learn_result r = {.id = 3, .kind = LEARN_GRID, .side = 2, .grid = grid};
    struct recording_result res = {.nwindows = 1, .nlearn = 1, .learn = &r};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(json_mut_freep) doc_t *doc = json_doc_new();
    struct loaded l = load(a, arena_printf(a, PICTURE, "keras-visual-anomaly"));
    const char *json;

    yyjson_mut_doc_set_root(doc, classifications_render(doc, &l, &res, true));
    json = (const char *)json_write(a, doc).data;
    CHECK(strstr(json, "{\"label\":\"anomaly\",\"x\":48,\"y\":0,\"width\":48,\"height\":48,\"score\":9}"));
    CHECK(strstr(json, "\"scores\":[[1,9],[2,4]],\"meanScore\":4.0,\"maxScore\":9.0"));
}

static double number_at(val_t *root, const char *pointer)
{
    return yyjson_mut_get_num(yyjson_mut_ptr_get(root, pointer));
}

/* Four windows of "a" in two recordings: two right, one wrong, one uncertain. */
static void uncertain_is_never_right(void)
{
    static const float first[] = {0.9F, 0.1F, 0.55F, 0.45F}, second[] = {0.2F, 0.8F, 0.7F, 0.3F};
    static const struct sensor_stretch all[] = {{0, 1, "a"}};
    struct learn_result r[] = {
        {.id = 3, .kind = LEARN_CLASSIFIER, .nlabels = 2, .labels = labels, .scores = first},
        {.id = 3, .kind = LEARN_CLASSIFIER, .nlabels = 2, .labels = labels, .scores = second}};
    struct recording_result res[] = {
        {.number = 7, .nwindows = 2, .nexpected = 1, .expected = all, .nlearn = 1, .learn = &r[0]},
        {.number = 8, .nwindows = 2, .nexpected = 1, .expected = all, .nlearn = 1, .learn = &r[1]}};
    struct judged judged[] = {{&res[0], NULL}, {&res[1], NULL}};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(json_mut_freep) doc_t *doc = json_doc_new();
    struct loaded l = load(a, SERIES);
    val_t *root = yyjson_mut_obj(doc);

    yyjson_mut_doc_set_root(doc, root);
    metrics_render(a, doc, root, &l, judged, 2);
    CHECK_NEAR(number_at(root, "/accuracy/accuracyScore"), 0.5, 0);
    CHECK_NEAR(number_at(root, "/accuracy/totalSummary/bad"), 2, 0);
    CHECK_NEAR(number_at(root, "/accuracy/confusionMatrixValues/a/a"), 2, 0);
    CHECK_NEAR(number_at(root, "/accuracy/confusionMatrixValues/a/b"), 1, 0);
    CHECK_NEAR(number_at(root, "/accuracy/confusionMatrixValues/a/uncertain"), 1, 0);
    CHECK_STR(yyjson_mut_get_str(yyjson_mut_ptr_get(root, "/predictions/1/prediction")), "uncertain");
    CHECK_NEAR(number_at(root, "/predictions/3/startMs"), 500, 0);
    CHECK_NEAR(number_at(root, "/predictions/3/endMs"), 1500, 0);
    CHECK(!yyjson_mut_get_bool(yyjson_mut_ptr_get(root, "/predictions/2/predictionCorrect")));
    /* Nothing was judged. */
    root = yyjson_mut_obj(doc);
    metrics_render(a, doc, root, &l, NULL, 0);
    CHECK_NEAR(number_at(root, "/accuracy/accuracyScore"), 0, 0);
}

static void warnings_say_what_was_done(void)
{
    struct recording_result fine = {.nwindows = 1}, odd = {.nwindows = 1, .resampled = true, .padded = true},
                            none = {0};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct loaded l = load(a, SERIES);

    CHECK(!classification_warning(a, &l, &fine));
    CHECK_STR(classification_warning(a, &l, &odd), "The sample was resampled to 10 Hz, the frequency of the "
                                                   "impulse. The sample is shorter than a window "
                                                   "(1000 ms) and was filled up with zeros.");
    CHECK(strstr(classification_warning(a, &l, &none), "nothing was classified"));
    l.left_out = "Far off";
    CHECK(strstr(classification_warning(a, &l, &fine), "no model yet: Far off."));
}

int main(void)
{
    RUN(objects_have_boxes_and_debug);
    RUN(a_grid_has_cells);
    RUN(uncertain_is_never_right);
    RUN(warnings_say_what_was_done);
    return test_end();
}
