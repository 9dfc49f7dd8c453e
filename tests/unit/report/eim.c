/* The .eim protocol: where messages end, what is read, what is written and read back. */
#include "report/eim.h"

#include <math.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"
#include "test.h"

/* ---- the stream ---- */

/* What comes out of the text, fed in pieces of `step` bytes: messages joined by '|', and '!' for a fault. */
static void take_apart(const char *text, size_t len, size_t step, struct buf *out)
{
    CLEANUP(eim_stream_clear) struct eim_stream s = eim_stream_new();
    struct bytes message;
    int r = 0;

    for (size_t i = 0; i < len && r >= 0; i += step) {
        eim_stream_add(&s, text + i, len - i < step ? len - i : step);
        while ((r = eim_stream_next(&s, &message, NULL)) > 0) {
            buf_add(out, message.data, message.len);
            buf_str(out, "|");
        }
    }
    if (r < 0)
        buf_str(out, "!");
}

static void finds_where_messages_end(void)
{
    static const struct {
        const char *text;
        size_t len;
        const char *want;
    } rows[] = {
        {"", 0, ""},
        {"{\"a\":1}", 7, "{\"a\":1}|"},
        {"{}{}", 4, "{}|{}|"},
        {" {}\n\0{}\r\n", 9, "{}|{}|"},
        {"{\"a\":\"}{\"}{\"b\":2}", 18, "{\"a\":\"}{\"}|{\"b\":2}|"},
        {"{\"a\":\"\\\"}\"}x", 12, "{\"a\":\"\\\"}\"}|!"},
        {"{\"a\":\"\\\\\"}{}", 12, "{\"a\":\"\\\\\"}|{}|"},
        {"{\"a\":{\"b\":[1,{}]}}", 18, "{\"a\":{\"b\":[1,{}]}}|"},
        {"{\"a\":", 5, ""},
        {"hello", 5, "!"},
        {"{}]", 3, "{}|!"},
        {"[1]", 3, "!"},
        {"{]{}", 4, "{]|{}|"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        for (size_t step = 1; step <= rows[i].len; step++) {
            CLEANUP(buf_clear) struct buf out = BUF(1 << 16);
            take_apart(rows[i].text, rows[i].len, step, &out);
            CHECK_STR(out.data ? out.data : "", rows[i].want);
            ROW("%s, %zu at a time", rows[i].text, step);
        }
}

static void has_ceilings(void)
{
    CLEANUP(eim_stream_clear) struct eim_stream s = eim_stream_new();
    char chunk[EIM_CHUNK];
    struct bytes message;
    struct err err = {0};
    size_t fed = 0;

    memset(chunk, '{', 40);
    eim_stream_add(&s, chunk, 40);
    CHECK(eim_stream_next(&s, &message, &err) < 0 && err.kind == ERR_LIMIT);
    eim_stream_clear(&s);
    memset(chunk, ' ', sizeof chunk);
    eim_stream_add(&s, "{", 1);
    while (eim_stream_next(&s, &message, &err) == 0) {
        eim_stream_add(&s, chunk, sizeof chunk);
        fed += sizeof chunk;
    }
    CHECK(err.kind == ERR_LIMIT && strstr(err.text, "32 MiB"));
    CHECK_INT(fed / EIM_CHUNK, EIM_MESSAGE / EIM_CHUNK);
}

/* ---- requests ---- */

static int request(struct arena *a, const char *text, struct eim_request *ret, struct err *err)
{
    *err = (struct err){0};
    return eim_request_read(a, bytes_of(text, strlen(text)), ret, err);
}

static void reads_requests(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct eim_request r;
    struct err err;

    CHECK(request(a, "{\"hello\":1,\"id\":7}", &r, &err) == 0 && r.ask == EIM_HELLO && r.id == 7);
    CHECK(request(a, "{\"id\":2,\"classify\":[1,2.5,-3e2],\"debug\":false}", &r, &err) == 0);
    CHECK(r.ask == EIM_CLASSIFY && r.n == 3 && r.features[1] == 2.5f && r.features[2] == -300);
    CHECK(request(a, "{\"id\":3,\"classify_continuous\":[]}", &r, &err) == 0 && r.ask == EIM_CONTINUOUS);
    CHECK(request(a, "{\"id\":4,\"set_threshold\":{\"id\":9,\"min_score\":0.7}}", &r, &err) == 0);
    CHECK(r.ask == EIM_SET_THRESHOLD && r.nset == 1 && r.set[0].block == 9 && r.set[0].value == 0.7);
    CHECK_STR(r.set[0].key, "min_score");
}

static void refuses_other_requests(void)
{
    static const struct {
        const char *text;
        enum err_kind kind;
        const char *says;
        bool has_id;
    } rows[] = {
        {"{\"hello\":1}", ERR_INPUT, "'id'", false},
        {"{\"hello\":1,\"id\":\"x\"}", ERR_INPUT, "'id'", false},
        {"{\"hello\":1,\"id\":18446744073709551615}", ERR_INPUT, "'id'", false},
        {"{\"hello\":2,\"id\":1}", ERR_INPUT, "only version", true},
        {"{\"hello\":true,\"id\":1}", ERR_INPUT, "only version", true},
        {"{\"id\":1}", ERR_INPUT, "unknown message", true},
        {"{\"id\":1,\"run\":1}", ERR_INPUT, "unknown message", true},
        {"{\"id\":1,\"classify\":1}", ERR_INPUT, "array", true},
        {"{\"id\":1,\"classify\":[1,\"2\"]}", ERR_INPUT, "value 1", true},
        {"{\"id\":1,\"classify\":[1e39]}", ERR_INPUT, "value 0", true},
        {"{\"id\":1,\"classify_shm\":{\"elements\":3}}", ERR_INPUT, "not offered", true},
        {"{\"id\":1,\"set_threshold\":{\"min_score\":1}}", ERR_INPUT, "'id' of a block", true},
        {"{\"id\":1,\"set_threshold\":{\"id\":1,\"min_score\":\"a\"}}", ERR_INPUT, "number", true},
        {"{\"id\":1,}", ERR_DECODE, "JSON", false},
        {"{]", ERR_DECODE, "JSON", false},
        {"{\"a\":NaN}", ERR_DECODE, "JSON", false},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct eim_request r;
        struct err err;
        CHECK(request(a, rows[i].text, &r, &err) < 0);
        CHECK_INT(err.kind, rows[i].kind);
        CHECK(strstr(err.text, rows[i].says));
        CHECK(r.has_id == rows[i].has_id);
        ROW("%s: %s", rows[i].text, err.text);
    }
}

/* ---- both sides ---- */

static const char *const labels[] = {"idle", "wa}ve{", "\"quoted\\", "\xc3\xa4\xf0\x9f\x98\x80"};

static struct impulse motion(void)
{
    static const char *const axes[] = {"accX", "accY", "accZ"};
    static const int64_t from[] = {2};
    static const struct impulse_dsp dsp[] = {{.id = 2, .type = "raw", .naxes = 3, .axes = axes}};
    static const struct impulse_learn learn[] = {
        {.id = 3,
         .kind = LEARN_CLASSIFIER,
         .ndsp = 1,
         .dsp = from,
         .nlabels = 4,
         .labels = labels,
         .min_score = 0.6},
        {.id = 4, .kind = LEARN_CLUSTERS, .ndsp = 1, .dsp = from, .min_score = 0.3},
    };

    return (struct impulse){.id = 5,
                            .name = "motion",
                            .input = INPUT_SERIES,
                            .window_ms = 2000,
                            .step_ms = 192,
                            .frequency = 62.5,
                            .ndsp = 1,
                            .nlearn = 2,
                            .dsp = dsp,
                            .learn = learn};
}

static struct eim_about motion_about(struct arena *a)
{
    static const char *const axes[] = {"accX", "accY", "accZ"};
    struct impulse *p = arena_alloc(a, sizeof *p);
    struct eim_about about = {0};
    struct err err = {0};

    *p = motion();
    CHECK(eim_about_impulse(a, p, 3, axes, &about, &err) == 0);
    CHECK_STR(err.text, "");
    about.project.name = "gestures";
    return about;
}

/* What a client that counts braces, wherever they stand, makes of it. */
static bool braces_match(struct bytes text)
{
    int open = 0;

    for (size_t i = 0; i < text.len; i++) {
        open += (text.data[i] == '{') - (text.data[i] == '}');
        if (text.data[i] >= 0x80 || (open == 0 && text.data[i] == '}' && i + 3 != text.len))
            return false;
    }
    return open == 0;
}

static void says_hello_and_hears_it(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct eim_about about = motion_about(a), back;
    struct bytes text = eim_hello_write(a, 12, &about);
    struct impulse p;
    struct err err = {0};

    CHECK(text.len > 2 && text.data[text.len - 1] == '\0' && text.data[text.len - 2] == '\n');
    CHECK(braces_match(text));
    CHECK(eim_hello_read(a, bytes_of(text.data, text.len - 2), 12, &back, &err) == 0);
    CHECK_STR(err.text, "");
    CHECK_INT(back.nfeatures, 375);
    CHECK_INT(back.naxes, 3);
    CHECK_INT(back.slice, 93);
    CHECK_INT(back.sensor, EIM_ACCELEROMETER);
    CHECK_INT(back.anomaly, EIM_KMEANS);
    CHECK_INT(back.nlabels, 4);
    for (size_t i = 0; i < back.nlabels; i++)
        CHECK_STR(back.labels[i], labels[i]);
    CHECK_STR(back.project.name, "gestures");
    CHECK_INT(back.project.impulse, 5);
    p = eim_impulse_about(a, &back, 192);
    CHECK(impulse_check(&p, &err) == 0);
    CHECK_NEAR(p.window_ms, 2000, 1e-9);
    CHECK_NEAR(p.frequency, 62.5, 1e-9);
    CHECK(p.step_ms == 192 && p.nlearn == 2 && p.ndsp == 1);
    CHECK(p.learn[0].id == 3 && p.learn[0].kind == LEARN_CLASSIFIER && p.learn[0].min_score == 0.6);
    CHECK(p.learn[1].id == 4 && p.learn[1].kind == LEARN_CLUSTERS && p.learn[1].min_score == 0.3);
}

static void tells_results_and_hears_them(void)
{
    static const float scores[] = {0.1f, 0.2f, 0.3f, 0.4f};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct eim_about about = motion_about(a);
    struct eim_result r = {.nscores = 4, .scores = scores, .has_anomaly = true, .anomaly = -0.25}, back;
    struct bytes text = eim_result_write(a, 3, &about, &r);
    struct impulse p = eim_impulse_about(a, &about, 0);
    struct learn_result *learnt;
    struct err err = {0};

    CHECK(braces_match(text));
    CHECK(eim_result_read(a, text, 3, &about, &back, &err) < 0); /* with its end it is no message */
    CHECK(eim_result_read(a, bytes_of(text.data, text.len - 2), 3, &about, &back, &err) == 0);
    CHECK(back.nscores == 4 && back.has_anomaly && back.anomaly == -0.25);
    for (size_t i = 0; i < 4; i++)
        CHECK(back.scores[i] == scores[i]);
    learnt = eim_learn_results(a, &p, &back, 1);
    CHECK(learnt[0].nlabels == 4 && learnt[0].scores[3] == 0.4f && learnt[1].scores[0] == -0.25f);
    CHECK_STR(learnt[1].labels[0], "anomaly");
    CHECK(eim_result_read(a, bytes_of(text.data, text.len - 2), 4, &about, &back, &err) < 0);
    CHECK(strstr(err.text, "another request"));
}

static void windows_of_the_analysis_are_results(void)
{
    static const float scores[] = {1, 0, 0, 0, 0, 0, 1, 0}, distances[] = {0.5f, 1.5f};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct impulse p = motion();
    struct learn_result learn[] = {
        {.id = 3, .kind = LEARN_CLASSIFIER, .nlabels = 4, .labels = labels, .scores = scores},
        {.id = 4, .kind = LEARN_CLUSTERS, .nlabels = 1, .scores = distances},
    };
    struct recording_result found = {.nwindows = 2, .nlearn = 2, .learn = learn};
    struct eim_result r;
    struct err err = {0};

    CHECK(eim_result_of(a, &p, &found, 1, &r, &err) == 0);
    CHECK(r.nscores == 4 && r.scores[2] == 1 && r.has_anomaly && r.anomaly == 1.5);
    CHECK(eim_result_of(a, &p, &found, 2, &r, &err) < 0);
    found.nlearn = 1;
    CHECK(eim_result_of(a, &p, &found, 0, &r, &err) < 0 && err.kind == ERR_INTERNAL);
    err_set(&found.error, ERR_INPUT, "ragged");
    CHECK(eim_result_of(a, &p, &found, 0, &r, &err) < 0 && err.kind == ERR_INPUT);
}

static void pictures_and_boxes(void)
{
    static const char *const things[] = {"cup"};
    static const struct impulse_learn learn[] = {
        {.id = 7, .kind = LEARN_FOMO, .nlabels = 1, .labels = things, .min_score = 0.5}};
    static const struct sensor_box box = {"cup", 8, 16, 8, 8};
    static const double score = 0.75;
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct impulse p = {
        .input = INPUT_PICTURE, .width = 96, .height = 64, .fit = FIT_LONG, .nlearn = 1, .learn = learn};
    struct eim_result r = {.nboxes = 1, .boxes = &box, .box_scores = &score}, result;
    struct eim_about about, back;
    struct bytes text;
    struct err err = {0};

    CHECK(eim_about_impulse(a, &p, 0, NULL, &about, &err) == 0);
    CHECK(about.nfeatures == 96 * 64 && about.channels == 3 && about.sensor == EIM_CAMERA);
    text = eim_hello_write(a, 1, &about);
    CHECK(eim_hello_read(a, bytes_of(text.data, text.len - 2), 1, &back, &err) == 0);
    CHECK_STR(err.text, "");
    p = eim_impulse_about(a, &back, 0);
    CHECK(impulse_check(&p, &err) == 0);
    CHECK(p.input == INPUT_PICTURE && p.width == 96 && p.fit == FIT_LONG && p.learn[0].kind == LEARN_FOMO);
    CHECK(p.learn[0].id == 7);
    text = eim_result_write(a, 2, &about, &r);
    CHECK(eim_result_read(a, bytes_of(text.data, text.len - 2), 2, &back, &result, &err) == 0);
    CHECK(result.nboxes == 1 && result.boxes[0].y == 16 && result.box_scores[0] == 0.75);
    CHECK_STR(result.boxes[0].label, "cup");
}

static void cells_of_a_visual_anomaly(void)
{
    static const float grid[] = {0, 0, 0, 0, 0, 9, 0, 0, 0};
    static const struct impulse_learn learn[] = {{.id = 7, .kind = LEARN_GRID, .min_score = 3}};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct impulse p = {.input = INPUT_PICTURE, .width = 96, .height = 96, .nlearn = 1, .learn = learn};
    struct learn_result found[] = {{.id = 7, .kind = LEARN_GRID, .side = 3, .grid = grid}}, *back;
    struct recording_result recording = {.nwindows = 1, .nlearn = 1, .learn = found};
    struct eim_result r;
    struct err err = {0};

    CHECK(eim_result_of(a, &p, &recording, 0, &r, &err) == 0);
    CHECK(r.ncells == 1 && r.cells[0].x == 64 && r.cells[0].y == 32 && r.visual_max == 9 &&
          r.visual_mean == 1);
    back = eim_learn_results(a, &p, &r, 1);
    CHECK(back[0].side == 3 && back[0].grid[5] == 9 && back[0].grid[4] == 0);
}

static void impulses_it_cannot_say(void)
{
    static const char *const axes[] = {"a"};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct eim_about about;
    struct err err = {0};
    struct impulse p = motion();

    CHECK(eim_about_impulse(a, &p, 0, axes, &about, &err) < 0 && err.kind == ERR_INPUT);
    p.window_ms = (double)NAN;
    CHECK(eim_about_impulse(a, &p, 1, axes, &about, &err) < 0);
    p.window_ms = 1e12;
    CHECK(eim_about_impulse(a, &p, 1, axes, &about, &err) < 0);
    p = motion();
    p.nlearn = 0;
    CHECK(eim_about_impulse(a, &p, 1, axes, &about, &err) < 0);
}

/* ---- answers of strange programs ---- */

#define HEAD "{\"id\":1,\"success\":true,"
#define PARAMETERS(more)                                                                                  \
    HEAD "\"model_parameters\":{\"frequency\":10,\"interval_ms\":100,\"axis_count\":2,\"labels\":[\"a\"," \
         "\"b\"]"                                                                                         \
         "," more "}}"

static void refuses_strange_hellos(void)
{
    static const struct {
        const char *text;
        int want;
    } rows[] = {
        {PARAMETERS("\"input_features_count\":4"), 0},
        {PARAMETERS("\"input_features_count\":4,\"has_anomaly\":true"), 0},
        {PARAMETERS("\"input_features_count\":4,\"has_anomaly\":77,\"model_type\":\"new\""), 0},
        {PARAMETERS("\"input_features_count\":4,\"thresholds\":7"), 0},
        {PARAMETERS("\"input_features_count\":4,\"thresholds\":[{\"id\":1,\"x\":2},3]"), 0},
        {PARAMETERS("\"input_features_count\":4,\"thresholds\":[{\"id\":1,\"min_score\":-7}]"), 0},
        {PARAMETERS("\"input_features_count\":5"), -1},
        {PARAMETERS("\"input_features_count\":0"), -1},
        {PARAMETERS("\"input_features_count\":4e9"), -1},
        {PARAMETERS("\"input_features_count\":4,\"image_input_width\":2"), -1},
        {PARAMETERS("\"input_features_count\":4,\"image_input_width\":3,\"image_input_height\":2"), -1},
        {HEAD "\"model_parameters\":[]}", -1},
        {HEAD "\"x\":1}", -1},
        {"{\"id\":1}", -1},
        {"{\"id\":2,\"success\":true}", -1},
        {"{\"success\":false,\"error\":\"no\"}", 1},
        {"{\"id\":1,\"success\":false,\"error\":\"no \\u0007 \\u20ac\"}", 1},
        {"{\"id\":1,\"success\":false}", 1},
        {"{\"id\":1,\"success\":fals", -1},
        {"", -1},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct eim_about about;
        struct err err = {0};
        int r = eim_hello_read(a, bytes_of(rows[i].text, strlen(rows[i].text)), 1, &about, &err);
        CHECK_INT(r, rows[i].want);
        CHECK(r == 0 || (err.kind == ERR_MODEL && err.text[0] && !strchr(err.text, '\a')));
        if (r == 0) {
            struct impulse p = eim_impulse_about(a, &about, 0);
            CHECK(impulse_check(&p, &err) == 0);
        }
        ROW("%s: %s", rows[i].text, err.text);
    }
}

static void refuses_strange_results(void)
{
    static const struct {
        const char *text;
        int want;
    } rows[] = {
        {HEAD "\"result\":{\"classification\":{\"b\":1,\"a\":0.5}}}", 0},
        {HEAD "\"result\":{\"classification\":{\"b\":1,\"a\":0.5},\"anomaly\":2}}", 0},
        {HEAD "\"result\":{\"classification\":{\"b\":1}}}", -1},
        {HEAD "\"result\":{\"classification\":{\"b\":1,\"c\":1}}}", -1},
        {HEAD "\"result\":{\"classification\":{\"b\":1,\"a\":null}}}", -1},
        {HEAD "\"result\":{\"classification\":{\"b\":1,\"a\":1e300}}}", -1},
        {HEAD "\"result\":{\"classification\":[1,2]}}", -1},
        {HEAD "\"result\":{}}", -1},
        {HEAD "\"result\":{\"classification\":{\"b\":1,\"a\":0.5},\"anomaly\":\"x\"}}", -1},
        {HEAD "\"result\":{\"classification\":{\"b\":1,\"a\":0},\"visual_anomaly_grid\":[{}]}}", -1},
    };
    static const char *const ab[] = {"a", "b"};
    struct eim_about about = {.nlabels = 2, .labels = ab};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct eim_result result;
        struct err err = {0};
        CHECK_INT(eim_result_read(a, bytes_of(rows[i].text, strlen(rows[i].text)), 1, &about, &result, &err),
                  rows[i].want);
        ROW("%s: %s", rows[i].text, err.text);
    }
}

static void complaints_are_always_text(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct bytes text = eim_failure_write(a, NULL, "half \xc3");
    struct eim_about about;
    struct err err = {0};

    CHECK_STR((const char *)text.data, "{\"success\":false,\"error\":\"half ?\"}\n");
    CHECK_INT(eim_hello_read(a, bytes_of(text.data, text.len - 2), 1, &about, &err), 1);
    CHECK_STR(err.text, "it says: half ?");
}

static void writes_requests(void)
{
    static const float features[] = {1, -0.5f}, bad[] = {(float)NAN};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct eim_request hello = {.ask = EIM_HELLO, .id = 1},
                       classify = {.ask = EIM_CLASSIFY, .id = 2, .n = 2, .features = features};
    struct bytes text;
    struct err err = {0};

    CHECK(eim_request_write(a, &hello, &text, &err) == 0);
    CHECK_STR((const char *)text.data, "{\"hello\":1,\"id\":1}\n");
    CHECK(eim_request_write(a, &classify, &text, &err) == 0);
    CHECK_STR((const char *)text.data, "{\"classify\":[1.0,-0.5],\"id\":2}\n");
    classify.features = bad;
    CHECK(eim_request_write(a, &classify, &text, &err) < 0 && err.kind == ERR_INPUT);
}

int main(void)
{
    RUN(finds_where_messages_end);
    RUN(has_ceilings);
    RUN(reads_requests);
    RUN(refuses_other_requests);
    RUN(says_hello_and_hears_it);
    RUN(tells_results_and_hears_them);
    RUN(windows_of_the_analysis_are_results);
    RUN(pictures_and_boxes);
    RUN(cells_of_a_visual_anomaly);
    RUN(impulses_it_cannot_say);
    RUN(refuses_strange_hellos);
    RUN(refuses_strange_results);
    RUN(complaints_are_always_text);
    RUN(writes_requests);
    return test_end();
}
