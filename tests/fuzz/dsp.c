/* Features of anything: settings by name and by bytes, any values. Refused with a sentence, or numbers all of
 * which are finite and as many as their shape says.
 *
 * Input: kind, version, axes, a byte that scales the frequency, one byte with the number of parameters; for
 * each of them its name and its value, both up to a newline; the rest are values, two bytes each, or with an
 * odd number of axes four bytes as a float. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "dsp/dsp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must_be(bool holds)
{
    if (!holds)
        abort();
}

/* The next word, which ends with a newline or where the bytes end. */
static const char *word(struct arena *a, const uint8_t **at, const uint8_t *end)
{
    const uint8_t *nl = memchr(*at, '\n', (size_t)(end - *at));
    size_t len = (size_t)((nl ? nl : end) - *at);
    const char *text = arena_strndup(a, (const char *)*at, len);

    *at = nl ? nl + 1 : end;
    return text;
}

static void set_some(struct arena *a, struct dsp_settings *s, int count, const uint8_t **at,
                     const uint8_t *end)
{
    for (int i = 0; i < count && *at < end; i++) {
        struct err err = {0};
        const char *name = word(a, at, end), *value = word(a, at, end);
        must_be(dsp_set(s, name, value, &err) == 0 || err.text[0] != '\0');
    }
}

static float *values(struct arena *a, bool floats, const uint8_t *at, size_t n, size_t *ret_n)
{
    float *v = arena_array(a, n / 2 + 1, sizeof *v);

    *ret_n = n / (floats ? 4 : 2);
    for (size_t i = 0; i < *ret_n; i++)
        if (floats)
            memcpy(&v[i], at + 4 * i, 4);
        else
            v[i] = (float)(int16_t)(at[2 * i] | at[2 * i + 1] << 8);
    return v;
}

static void check(struct arena *a, const struct dsp_settings *s, const struct dsp_input *in)
{
    struct dsp_features f = {0};
    const char **labels;
    struct err err = {0};
    size_t n;

    if (dsp_features(a, s, in, &f, &err) < 0) {
        must_be(err.text[0] != '\0' && err.kind != ERR_INTERNAL);
        must_be(!f.values);
        return;
    }
    must_be(f.n > 0 && f.n <= DSP_MAX_FEATURES && f.n == f.width * f.height * f.channels * f.frames);
    for (size_t i = 0; i < f.n; i++)
        must_be(isfinite(f.values[i]));
    must_be(dsp_labels(a, s, in->frequency, &labels, &n, &err) == 0);
    must_be(n == 0 || s->version == 1 || f.n == n * in->axes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const uint8_t *at = data + 5, *end = data + n;
    struct dsp_settings s;
    struct dsp_input in;

    if (n < 5)
        return 0;
    s = dsp_defaults((enum dsp_kind)(data[0] % DSP_KIND_COUNT));
    s.version = data[1] % 6;
    in.axes = data[2];
    in.frequency = data[3] * (data[3] % 2 ? 0.5 : 250);
    set_some(a, &s, data[4], &at, end);
    in.values = values(a, data[2] % 2, at, (size_t)(end - at), &in.n);
    check(a, &s, &in);
    return 0;
}
