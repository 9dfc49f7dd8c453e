/* Windows of .eim clients through the real lab: needs the keeper's program (ASSAY_KEEPER), no model. */
#include "cmd/eim_judge.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "test.h"

static const char *const axes[] = {"accX", "accY"};
static const int64_t from[] = {2};
static const int chosen[] = {0, 1};
static const float mean[] = {0, 0}, dev[] = {1, 1}, centroid[] = {3, 4};
static const struct impulse_cluster cluster = {centroid, 1};

/* Distance of (root mean square of accX, of accY) to (3, 4), less 1. */
static const struct impulse_setting settings[] = {
    {"average", "false"}, {"minimum", "false"},  {"maximum", "false"}, {"rms", "true"},
    {"stdev", "false"},   {"skewness", "false"}, {"kurtosis", "false"}};
static const struct impulse_dsp dsp[] = {
    {.id = 2, .type = "flatten", .name = "Flatten", .nsettings = 7, .settings = settings}};
static const struct impulse_learn learn[] = {{.id = 3,
                                              .kind = LEARN_CLUSTERS,
                                              .name = "Anomaly",
                                              .ndsp = 1,
                                              .dsp = from,
                                              .model = -1,
                                              .min_score = 0.3,
                                              .nchosen = 2,
                                              .nclusters = 1,
                                              .chosen = chosen,
                                              .mean = mean,
                                              .dev = dev,
                                              .clusters = &cluster}};
static const struct impulse impulse = {.id = 1,
                                       .name = "anomaly",
                                       .input = INPUT_SERIES,
                                       .window_ms = 400,
                                       .step_ms = 400,
                                       .frequency = 10,
                                       .ndsp = 1,
                                       .nlearn = 1,
                                       .dsp = dsp,
                                       .learn = learn};

static const char *answer(struct eim_session *s, struct arena *a, const char *message)
{
    bool end;

    return (const char *)eim_session_answer(s, a, bytes_of(message, strlen(message)), &end).data;
}

static void windows_are_judged_in_the_lab(void)
{
    struct lab_opts opts = lab_opts_defaults();
    struct eim_judge judge = {.naxes = 2, .axes = axes, .models_fd = -1, .deadline_ms = 20000};
    struct eim_host host = {
        .impulse = &impulse, .naxes = 2, .axes = axes, .judge = eim_judge_window, .arg = &judge};
    struct eim_session *s = NULL;
    struct err err = {0};
    struct arena *a;
    const char *text;

    opts.keeper = getenv("ASSAY_KEEPER");
    opts.analysts = 1;
    if (!opts.keeper)
        SKIP("ASSAY_KEEPER does not name the keeper's program");
    a = arena_new();
    CHECK(lab_start(&judge.lab, &opts, &err) == 0);
    CHECK(lab_wait_ready(judge.lab, clock_mono_us() + 60000000, &err) == 0);
    CHECK(eim_judge_open(&judge, &err) == 0 && eim_session_new(&s, &host, &err) == 0);
    CHECK_STR(err.text, "");
    CHECK(strstr(answer(s, a, "{\"hello\":1,\"id\":1}"), "\"input_features_count\":8,\"sensor\":2"));
    text = answer(s, a, "{\"classify\":[3,4,3,4,3,4,3,4],\"id\":2}");
    CHECK(strstr(text, "{\"id\":2,\"success\":true,\"result\":{\"anomaly\":-1.0}"));
    ROW("%s", text);
    text = answer(s, a, "{\"classify\":[3,9,3,9,3,9,3,9],\"id\":3}");
    CHECK(strstr(text, "\"result\":{\"anomaly\":4.0}"));
    ROW("%s", text);
    eim_session_freep(&s);
    eim_judge_close(&judge);
    lab_stop(judge.lab);
    arena_free(a);
}

static void pictures_are_files(void)
{
    static const float pixels[] = {0xff0000, 0x00ff00, 0x0000ff, 0xffffff, -1, 1e9f};
    struct arena *a = arena_new();
    struct bytes file = eim_picture(a, pixels, 3, 2);

    CHECK_INT(file.len, 54 + 2 * 12);
    CHECK(memcmp(file.data, "BM", 2) == 0);
    CHECK(memcmp(file.data + 54, "\xff\xff\xff\0\0\0\0\0\0\0\0\0", 12) == 0);
    CHECK(memcmp(file.data + 66, "\0\0\xff\0\xff\0\xff\0\0", 9) == 0);
    arena_free(a);
}

int main(void)
{
    log_setup(LOG_ERROR, false);
    RUN(pictures_are_files);
    RUN(windows_are_judged_in_the_lab);
    return test_end();
}
