#include "base/metric.h"

#include "test.h"

static void values_fall_into_their_buckets(void)
{
    static const struct {
        int64_t us;
        int bucket; /* the first one that counts it */
    } rows[] = {
        {-5, 0}, {0, 0}, {500, 0}, {501, 1}, {1000, 1}, {1001, 2}, {3600000000, 17}, {3600000001, 18},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct histogram h = {0};
        struct histogram_view v;
        histogram_add(&h, rows[i].us);
        histogram_read(&h, &v);
        for (int b = 0; b <= HISTOGRAM_BOUNDS; b++)
            CHECK_INT(v.up_to[b], b >= rows[i].bucket);
        CHECK_NEAR(v.sum_seconds, rows[i].us > 0 ? (double)rows[i].us / 1e6 : 0, 1e-9);
        ROW("%lld us", (long long)rows[i].us);
    }
    for (int b = 1; b < HISTOGRAM_BOUNDS; b++)
        CHECK(histogram_bounds[b] > histogram_bounds[b - 1]);
}

static void text_is_what_the_format_says(void)
{
    struct buf b = BUF(1 << 20);

    metric_family(&b, "a_total", "counter", "One\nline, \\ and \"quotes\".");
    metric_value(&b, "a_total", METRIC_PLAIN, 9007199254740991.0);
    metric_value(&b, "a_total", METRIC_LABELS("x", "a\"b\\c\nd", "y", ""), 0.25);
    CHECK_STR(b.data, "# HELP a_total One\\nline, \\\\ and \"quotes\".\n"
                      "# TYPE a_total counter\n"
                      "a_total 9007199254740991\n"
                      "a_total{x=\"a\\\"b\\\\c\\nd\",y=\"\"} 0.25\n");
    buf_clear(&b);
}

static void histograms_are_cumulative(void)
{
    struct buf b = BUF(1 << 20);
    struct histogram h = {0};
    struct histogram_view v;

    histogram_add(&h, 700);
    histogram_add(&h, 2000000);
    histogram_add(&h, 4000000000);
    histogram_read(&h, &v);
    metric_histogram(&b, "t", METRIC_LABELS("s", "w"), &v);
    CHECK(strstr(b.data, "t_bucket{s=\"w\",le=\"0.0005\"} 0\n"));
    CHECK(strstr(b.data, "t_bucket{s=\"w\",le=\"0.001\"} 1\n"));
    CHECK(strstr(b.data, "t_bucket{s=\"w\",le=\"1\"} 1\n"));
    CHECK(strstr(b.data, "t_bucket{s=\"w\",le=\"2.5\"} 2\n"));
    CHECK(strstr(b.data, "t_bucket{s=\"w\",le=\"3600\"} 2\n"));
    CHECK(strstr(b.data, "t_bucket{s=\"w\",le=\"+Inf\"} 3\n"));
    CHECK(strstr(b.data, "t_sum{s=\"w\"} 4002.0007\n"));
    CHECK(strstr(b.data, "t_count{s=\"w\"} 3\n"));
    buf_clear(&b);
}

int main(void)
{
    RUN(values_fall_into_their_buckets);
    RUN(text_is_what_the_format_says);
    RUN(histograms_are_cumulative);
    return test_end();
}
