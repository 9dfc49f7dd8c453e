/* WAV, chunk by chunk. Samples come out on the scale of 16 bits, as 16-bit samples are: 8 bits and 24 and 32
 * are shifted, floats are times 32768 and cut off where 16 bits end. */
#include <math.h>
#include <string.h>

#include "media/recording_int.h"

enum { FORMAT_PCM = 1, FORMAT_FLOAT = 3, FORMAT_EXTENSIBLE = 0xfffe };

struct wav {
    unsigned format, channels, bits, frame; /* frame: bytes of one sample of all channels */
    uint32_t rate;
    const uint8_t *data;
    size_t len;
    bool cut_off;
};

static uint32_t little(const uint8_t *p, int bytes)
{
    uint32_t v = 0;

    while (bytes-- > 0)
        v = v << 8 | p[bytes];
    return v;
}

static void take_format(const uint8_t *p, size_t n, struct wav *w)
{
    if (n < 16)
        return;
    w->format = little(p, 2);
    w->channels = little(p + 2, 2);
    w->rate = little(p + 4, 4);
    w->frame = little(p + 12, 2);
    w->bits = little(p + 14, 2);
    if (w->format == FORMAT_EXTENSIBLE && n >= 26)
        w->format = little(p + 24, 2);
}

/* Chunks: four letters, a length, so many bytes, and one more to make it even. A recorder that was cut off,
 * or did not know the length, leaves one that is too large: then the rest is it. */
static void walk(const struct reader *r, struct wav *w)
{
    const uint8_t *file = (const uint8_t *)r->text;

    for (size_t at = 12; r->len - at >= 8 && !w->data;) {
        size_t len = little(file + at + 4, 4), rest = r->len - at - 8, n = len < rest ? len : rest;

        if (memcmp(file + at, "fmt ", 4) == 0)
            take_format(file + at + 8, n, w);
        if (memcmp(file + at, "data", 4) == 0) {
            w->data = file + at + 8;
            w->len = n;
            w->cut_off = len > rest;
        }
        at += 8 + n;
        at += (n & 1) && at < r->len;
    }
}

static int check(const struct wav *w, struct err *err)
{
    bool whole = w->format == FORMAT_PCM && (w->bits == 8 || w->bits == 16 || w->bits == 24 || w->bits == 32);
    bool real = w->format == FORMAT_FLOAT && (w->bits == 32 || w->bits == 64);

    if (!w->channels || !w->rate)
        return FAIL(err, ERR_DECODE, "The WAV file does not say what its samples are; it is broken.");
    if (!whole && !real)
        return FAIL(err, ERR_UNSUPPORTED,
                    "WAV samples of format %u with %u bits are not read; save them as PCM "
                    "of 8, 16, 24 or 32 bits, or as floats.",
                    w->format, w->bits);
    if (w->channels > SENSOR_AXES)
        return FAIL(err, ERR_LIMIT, "A WAV file can have %d channels at most.", SENSOR_AXES);
    if (w->frame != w->channels * w->bits / 8)
        return FAIL(err, ERR_DECODE,
                    "The WAV file contradicts itself: %u channels of %u bits are not %u bytes.", w->channels,
                    w->bits, w->frame);
    if (w->rate > 1000000)
        return FAIL(err, ERR_LIMIT, "The WAV file has %u samples a second; 1000000 are the most.", w->rate);
    if (w->len < w->frame)
        return FAIL(err, ERR_DECODE, "The WAV file has no samples.");
    return 0;
}

static double clip(double v)
{
    return isnan(v) ? v : fmin(fmax(v * 32768, -32768), 32767);
}

static double sample_at(const struct wav *w, const uint8_t *p)
{
    double d;
    float f;

    if (w->format == FORMAT_PCM && w->bits == 8)
        return (p[0] - 128) * 256;
    if (w->format == FORMAT_PCM) /* moved to the top of 32 bits, which brings the sign along */
        return (int32_t)(little(p, (int)w->bits / 8) << (32 - w->bits)) / 65536.0;
    if (w->bits == 32) {
        memcpy(&f, p, sizeof f);
        return clip((double)f);
    }
    memcpy(&d, p, sizeof d);
    return clip(d);
}

/* The first channel keeps the name that models of sound ask for. */
static int name_channels(struct reader *r, const struct wav *w, struct err *err)
{
    for (unsigned i = 0; i < w->channels; i++) {
        const char *name = i ? arena_printf(r->scratch, "audio%u", i + 1) : "audio";
        if (recording_add_axis(r, bytes_of(name, strlen(name)), bytes_of("wav", 3), err) < 0)
            return -1;
    }
    return 0;
}

int recording_wav(struct reader *r, struct err *err)
{
    struct wav w = {0};
    size_t samples, step;

    if (memcmp(r->text, "RIFF", 4) != 0 || r->len < 12 || memcmp(r->text + 8, "WAVE", 4) != 0)
        return FAIL(err, ERR_DECODE, "The file is no WAV file of the usual kind (RIFF).");
    walk(r, &w);
    if (check(&w, err) < 0 || name_channels(r, &w, err) < 0)
        return -1;
    step = w.bits / 8;
    samples = w.len / w.frame * w.channels;
    if (recording_room(r, samples, err) < 0)
        return -1;
    for (size_t i = 0; i < samples; i++)
        if (recording_put(r, sample_at(&w, w.data + i * step), "Sample", i / w.channels + 1, err) < 0)
            return -1;
    r->facts.interval_ms = 1000.0 / w.rate;
    if (w.cut_off)
        r->facts.note = "The WAV file ends before its header says; what is there was taken.";
    return 0;
}
