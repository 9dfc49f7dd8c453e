/* The table of windows: whole texts, as a person would read them. */
#include "cmd/windows.h"

#include "test.h"

static const char *const labels[] = {"idle", "wave", "\033[31mred"};
static const struct impulse_learn blocks[] = {
    {.id = 3, .kind = LEARN_CLASSIFIER, .name = "NN", .nlabels = 3, .labels = labels, .min_score = 0.6},
    {.id = 4, .kind = LEARN_CLUSTERS, .name = "Anomaly", .min_score = 0.3},
};
static const struct impulse impulse = {.input = INPUT_SERIES,
                                       .window_ms = 2000,
                                       .step_ms = 192,
                                       .frequency = 62.5,
                                       .nlearn = 2,
                                       .learn = blocks};
static const struct terminal plain = {.width = 80};

static void is(const struct recording_result *r, const char *want)
{
    struct buf out = BUF(1 << 16);

    windows_print(&out, "wave.cbor", &impulse, r, &plain);
    CHECK_STR(out.data, want);
    buf_clear(&out);
}

static void classes_and_anomalies(void)
{
    static const float scores[] = {0.01F, 0.98F, 0.01F, 0.5F, 0.1F, 0.4F, 0.1F, 0.2F, 0.7F};
    static const float distances[] = {-0.42F, 0.1F, 1.93F};
    const char *const anomaly[] = {"anomaly"};
    struct learn_result learn[] = {
        {.id = 3, .kind = LEARN_CLASSIFIER, .nlabels = 3, .labels = labels, .scores = scores},
        {.id = 4, .kind = LEARN_CLUSTERS, .nlabels = 1, .labels = anomaly, .scores = distances},
    };

    is(
        &(struct recording_result){
            .nwindows = 3, .window = 125, .step = 12, .nlearn = 2, .learn = learn, .resampled = true},
        "wave.cbor: 3 windows of 2000 ms, every 192 ms, at 62.5 Hz, resampled\n"
        "  from s     to s  NN                      Anomaly\n"
        "   0.000    2.000  wave           0.980       -0.420\n"
        "   0.192    2.192  idle           0.500 ?      0.100\n"
        "   0.384    2.384  ?[31mred       0.700        1.930 anomaly\n"
        "NN: 1 wave 1 ?[31mred 1 uncertain\n"
        "Anomaly: 1 of 3, at most 1.930\n");
}

static void nothing_to_judge(void)
{
    struct recording_result r = {.window = 125, .step = 12};

    is(&r, "wave.cbor: 0 windows of 2000 ms, every 192 ms, at 62.5 Hz\n"
           "Shorter than one window: there is nothing to judge.\n");
    err_set(&r.error, ERR_INPUT, "there is no axis accX");
    is(&r, "wave.cbor: there is no axis accX\n");
}

int main(void)
{
    RUN(classes_and_anomalies);
    RUN(nothing_to_judge);
    return test_end();
}
