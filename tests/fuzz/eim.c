/* Messages of the .eim protocol, from a client and from a program. First byte: which of the two, and how the
 * bytes arrive. However they do, the same messages come out; what a request says is a window at most; what is
 * believed of a program can be written again and read as the same. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "report/eim.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must_be(bool holds)
{
    if (!holds)
        abort();
}

static void check_request(struct arena *a, struct bytes message)
{
    struct eim_request r;
    struct err err = {0};

    if (eim_request_read(a, message, &r, &err) < 0) {
        must_be(err.text[0] && eim_failure_write(a, &r, err.text).len > 2);
        return;
    }
    must_be(r.has_id && r.ask < EIM_ASKS);
    for (size_t i = 0; i < r.n; i++)
        must_be(isfinite(r.features[i]));
}

static void check_result(struct arena *a, struct bytes message, const struct eim_about *about)
{
    struct impulse p = eim_impulse_about(a, about, 0);
    struct eim_result r, back;
    struct bytes text;

    if (eim_result_read(a, message, 1, about, &r, NULL) != 0)
        return;
    must_be(eim_learn_results(a, &p, &r, 1) != NULL);
    text = eim_result_write(a, 1, about, &r);
    must_be(eim_result_read(a, bytes_of(text.data, text.len - 2), 1, about, &back, NULL) == 0);
    must_be(back.nscores == r.nscores && back.nboxes == r.nboxes && back.anomaly == r.anomaly);
}

static void check_hello(struct arena *a, struct bytes message, struct eim_about *about)
{
    struct eim_about said;
    struct bytes text;

    if (eim_hello_read(a, message, 1, &said, NULL) != 0)
        return;
    must_be(said.nfeatures > 0 && said.nfeatures <= EIM_FEATURES && said.naxes > 0);
    text = eim_hello_write(a, 1, &said);
    must_be(eim_hello_read(a, bytes_of(text.data, text.len - 2), 1, about, NULL) == 0);
    must_be(about->nlabels == said.nlabels && about->nfeatures == said.nfeatures);
    for (size_t i = 0; i < said.nlabels; i++)
        must_be(text_is(about->labels[i], said.labels[i]));
}

/* How many messages, and where they end; -1 behind a fault. */
static size_t take_apart(struct arena *a, struct bytes all, size_t step, bool client)
{
    static const char *const labels[] = {"a", "b"};
    CLEANUP(eim_stream_clear) struct eim_stream s = eim_stream_new();
    struct eim_about about = {.nfeatures = 1, .naxes = 1, .nlabels = 2, .labels = labels};
    struct bytes message;
    size_t sum = 0, n;
    int r = 0;

    for (size_t i = 0; i < all.len && r >= 0; i += n) {
        n = all.len - i < step ? all.len - i : step;
        eim_stream_add(&s, all.data + i, n);
        while ((r = eim_stream_next(&s, &message, NULL)) > 0) {
            sum = sum * 31 + message.len;
            must_be(message.data[0] == '{');
            if (client)
                check_request(a, message);
            else if (a)
                check_result(a, message, &about);
            if (a && !client)
                check_hello(a, message, &about);
        }
    }
    return sum * 2 + (r < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct bytes all = bytes_of(data + (n > 0), n ? n - 1 : 0);
    size_t sum;

    if (!n || all.len > EIM_CHUNK)
        return 0;
    sum = take_apart(a, all, EIM_CHUNK, data[0] & 1);
    must_be(sum == take_apart(NULL, all, 1 + data[0] / 2, false));
    return 0;
}
