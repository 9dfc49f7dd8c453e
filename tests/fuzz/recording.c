/* A recording from anybody, as any of its formats: the first byte says what the file is called. What reads
 * has axes with names, as many numbers as it says, all finite, and a signature inside of the file. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "media/recording.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must_be(bool holds)
{
    if (!holds)
        abort();
}

static void check_series(const struct recorded *r)
{
    const struct recording *f = &r->facts;

    must_be(f->naxes > 0 && f->naxes <= SENSOR_AXES && f->readings > 0);
    must_be(r->n == f->naxes * (size_t)f->readings && r->n <= RECORDING_MAX_NUMBERS);
    must_be(f->interval_ms > 0 || (f->interval_ms == 0 && f->readings == 1));
    for (size_t i = 0; i < f->naxes; i++) {
        must_be(*f->axes[i].name && strlen(f->axes[i].name) < SENSOR_NAME);
        must_be(text_is_utf8(f->axes[i].name, strlen(f->axes[i].name)) && f->axes[i].units);
    }
    for (size_t i = 0; i < r->n; i++)
        must_be(isfinite(r->numbers[i]));
}

static void check_signature(const struct recording *f, struct bytes file)
{
    if (f->signature_at < 0)
        return;
    must_be(f->algorithm && (size_t)f->signature_at + 64 <= file.len);
    for (size_t i = 0; i < 64; i++)
        must_be(text_hex_digit((char)file.data[(size_t)f->signature_at + i]) >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char *const names[] = {NULL, "a.json", "a.cbor", "a.csv", "a.wav", "a"};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct recording_opts opts = recording_opts_defaults();
    struct err err = {0};
    struct recorded r;
    struct bytes file;

    if (n < 1)
        return 0;
    file = bytes_of(data + 1, n - 1);
    opts.name = names[data[0] % COUNT_OF(names)];
    opts.max_pixels = 1 << 16;
    if (recording_parse(a, a, file, &opts, &r, &err) < 0) {
        must_be(err.kind != ERR_NONE && err.kind != ERR_INTERNAL && *err.text);
        must_be(text_is_utf8(err.text, strlen(err.text)));
        return 0;
    }
    if (r.facts.kind == SENSOR_SERIES)
        check_series(&r);
    else
        must_be(r.facts.width > 0 && r.facts.height > 0);
    check_signature(&r.facts, file);
    return 0;
}
