#include "media/recording.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "media/recording_int.h"
#include "media/still.h"

enum { NUMBERS_PER_LOOK = 1 << 16 }; /* at the clock */

struct recording_opts recording_opts_defaults(void)
{
    struct still_opts still = still_defaults();

    return (struct recording_opts){.max_pixels = still.max_pixels, .cpu_us = still.cpu_us};
}

int recording_on_time(const struct reader *r, struct err *err)
{
    if (r->opts->deadline_mono_us && clock_mono_us() > r->opts->deadline_mono_us)
        return FAIL(err, ERR_TIMEOUT, "The deadline passed while the recording was read.");
    return 0;
}

/* ---- texts and numbers ---- */

static bool has_controls(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] < ' ' || text.data[i] == 0x7f)
            return true;
    return false;
}

int recording_text(struct reader *r, const char *what, struct bytes text, const char **ret, struct err *err)
{
    if (text.len >= SENSOR_NAME)
        return FAIL(err, ERR_INPUT, "%s is longer than %d bytes.", what, SENSOR_NAME - 1);
    if (text.len > 0 && (has_controls(text) || !text_is_utf8((const char *)text.data, text.len)))
        return FAIL(err, ERR_INPUT, "%s has characters that are no text.", what);
    *ret = text.len > 0 ? arena_strndup(r->arena, (const char *)text.data, text.len) : "";
    return 0;
}

int recording_add_axis(struct reader *r, struct bytes name, struct bytes units, struct err *err)
{
    struct sensor_axis *axis = &r->axes.items[r->axes.n];

    if (r->axes.n == SENSOR_AXES)
        return FAIL(err, ERR_LIMIT, "A recording can have %d sensors (columns) at most.", SENSOR_AXES);
    if (!name.len)
        return FAIL(err, ERR_INPUT, "Sensor (column) %zu has no name.", r->axes.n + 1);
    if (recording_text(r, "The name of a sensor", name, &axis->name, err) < 0 ||
        recording_text(r, "The unit of a sensor", units, &axis->units, err) < 0)
        return -1;
    for (size_t i = 0; i < r->axes.n; i++)
        if (text_is(r->axes.items[i].name, axis->name))
            return FAIL(err, ERR_INPUT, "Two sensors (columns) are called \"%.60s\".", axis->name);
    r->axes.n++;
    return 0;
}

static const char *digits_of(const char *s, uint64_t *mantissa, int *dropped)
{
    for (; *s >= '0' && *s <= '9'; s++)
        if (*mantissa < UINT64_MAX / 10 - 1)
            *mantissa = *mantissa * 10 + (uint64_t)(*s - '0');
        else
            ++*dropped;
    return s;
}

static size_t exponent_length(const char *s)
{
    const char *begin = s;

    if (*s != 'e' && *s != 'E')
        return 0;
    s++;
    s += *s == '+' || *s == '-';
    if (*s < '0' || *s > '9')
        return 0;
    while (*s >= '0' && *s <= '9')
        s++;
    return (size_t)(s - begin);
}

/* A mantissa of up to 53 bits over a power of ten that is exact makes the nearest double by one division;
 * everything else is strtod's. */
size_t recording_number(const char *s, double *ret)
{
    static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                  1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const char *begin = s, *whole, *fraction = NULL, *end;
    uint64_t mantissa = 0;
    int dropped = 0;
    size_t places = 0, exponent;

    s += *s == '-' || *s == '+';
    whole = s;
    end = digits_of(s, &mantissa, &dropped);
    if (*end == '.') {
        fraction = end + 1;
        end = digits_of(fraction, &mantissa, &dropped);
        places = (size_t)(end - fraction);
    }
    if (end - whole - (fraction != NULL) <= 0)
        return 0;
    exponent = exponent_length(end);
    if (!exponent && !dropped && mantissa < 1ULL << 53 && places < COUNT_OF(tens)) {
        double v = (double)mantissa / tens[places];
        *ret = *begin == '-' ? -v : v;
    } else
        *ret = strtod(begin, NULL);
    return (size_t)(end - begin) + exponent;
}

int recording_room(struct reader *r, size_t most, struct err *err)
{
    r->room = most < RECORDING_MAX_NUMBERS ? most : RECORDING_MAX_NUMBERS;
    if (!(r->numbers = arena_try(r->big, r->room * sizeof *r->numbers)))
        return FAIL(err, ERR_LIMIT, "There is no memory for a recording of %zu numbers.", r->room);
    return 0;
}

static const char *turn_of(const struct reader *r)
{
    return r->axes.items[r->n % r->axes.n].name;
}

int recording_not_number(const struct reader *r, const char *text, size_t len, const char *row, size_t at,
                         struct err *err)
{
    if (!len)
        return FAIL(err, ERR_INPUT, "%s %zu has no number for \"%.60s\".", row, at, turn_of(r));
    return FAIL(err, ERR_INPUT, "%s %zu: \"%.*s\" is not a number (\"%.60s\").", row, at,
                (int)(len < 20 ? len : 20), text, turn_of(r));
}

int recording_put(struct reader *r, double v, const char *row, size_t at, struct err *err)
{
    if (isnan(v))
        return recording_not_number(r, "NaN", 3, row, at, err);
    if (fabs(v) > 3.4028234663852886e38) /* a float's largest */
        return FAIL(err, ERR_INPUT, "%s %zu: %g is too large for a 32-bit float (\"%.60s\").", row, at, v,
                    turn_of(r));
    if (r->n == r->room)
        return FAIL(err, ERR_LIMIT, "The recording has more than %d numbers; cut it into several.",
                    RECORDING_MAX_NUMBERS);
    r->numbers[r->n++] = (float)v;
    return r->n % NUMBERS_PER_LOOK == 0 ? recording_on_time(r, err) : 0;
}

/* ---- the acquisition format ---- */

int64_t recording_signature(const struct reader *r, struct bytes text)
{
    enum { DIGITS = 64 };
    const char *s = (const char *)text.data;

    if (text.len != DIGITS || s < r->text || s + DIGITS > r->text + r->len)
        return -1;
    for (size_t i = 0; i < DIGITS; i++)
        if (text_hex_digit(s[i]) < 0)
            return -1;
    return s - r->text;
}

int recording_refuse_references(struct err *err)
{
    return FAIL(err, ERR_UNSUPPORTED,
                "Values that refer to attached files (\"Ref-BINARY-...\") are not read; "
                "send the numbers themselves.");
}

static bool is(struct bytes b, const char *word)
{
    return b.len == strlen(word) && memcmp(b.data, word, b.len) == 0;
}

static int check_protected(struct reader *r, const struct acquisition *a, struct err *err)
{
    if (!a->algorithm.data)
        return FAIL(err, ERR_INPUT,
                    "The recording does not say how it is signed: it needs \"protected\" with "
                    "\"ver\": \"v1\" and \"alg\": \"HS256\" or \"none\".");
    if (a->version.data && !is(a->version, "v1"))
        return FAIL(err, ERR_INPUT, "The recording is of version \"%.*s\"; only \"v1\" is read.",
                    (int)(a->version.len < 20 ? a->version.len : 20), (const char *)a->version.data);
    if (!is(a->algorithm, "HS256") && !is(a->algorithm, "none"))
        return FAIL(err, ERR_INPUT,
                    "The recording is signed by \"%.*s\"; only \"HS256\" and \"none\" are known.",
                    (int)(a->algorithm.len < 20 ? a->algorithm.len : 20), (const char *)a->algorithm.data);
    r->facts.algorithm = is(a->algorithm, "none") ? "none" : "HS256";
    r->facts.signature_at = a->signature_at;
    if (a->taken_s > 0 && a->taken_s < 1e12)
        r->facts.taken_s = (int64_t)a->taken_s;
    return 0;
}

int recording_take_acquisition(struct reader *r, const struct acquisition *a, struct err *err)
{
    if (check_protected(r, a, err) < 0)
        return -1;
    if (isnan(a->interval_ms))
        return FAIL(err, ERR_INPUT, "\"payload\" needs \"interval_ms\", the time between two readings.");
    r->facts.interval_ms = a->interval_ms;
    if (!r->axes.n)
        return FAIL(err, ERR_INPUT, "\"payload\" needs \"sensors\", a list of {\"name\", \"units\"}.");
    if ((a->device_name.data &&
         recording_text(r, "\"device_name\"", a->device_name, &r->facts.device_name, err) < 0) ||
        (a->device_type.data &&
         recording_text(r, "\"device_type\"", a->device_type, &r->facts.device_type, err) < 0))
        return -1;
    return 0;
}

/* ---- pictures ---- */

static int read_picture(struct reader *r, struct err *err)
{
    struct still_opts opts = still_defaults();
    struct still still;

    opts.shortest = 1; /* the pixels are thrown away */
    opts.max_pixels = r->opts->max_pixels;
    opts.cpu_us = r->opts->cpu_us;
    opts.deadline_mono_us = r->opts->deadline_mono_us;
    if (still_read(r->scratch, bytes_of(r->text, r->len), &opts, &still, err) < 0)
        return -1;
    r->facts.kind = SENSOR_PICTURE;
    r->facts.format = arena_strdup(r->arena, still.format);
    r->facts.width = still.width;
    r->facts.height = still.height;
    return 0;
}

static int refuse_film(struct reader *r UNUSED, struct err *err)
{
    return FAIL(err, ERR_UNSUPPORTED,
                "Videos are not read as samples; send their pictures as JPEG or PNG, or their sound as WAV.");
}

/* ---- which one it is ---- */

static bool has(const struct reader *r, size_t at, struct bytes magic)
{
    return r->len >= at + magic.len && memcmp(r->text + at, magic.data, magic.len) == 0;
}
#define BEGINS(r, at, magic) has((r), (at), bytes_of((magic), sizeof(magic) - 1))

static bool is_wav(const struct reader *r)
{
    return (BEGINS(r, 0, "RIFF") || BEGINS(r, 0, "RIFX") || BEGINS(r, 0, "RF64")) && BEGINS(r, 8, "WAVE");
}

static bool is_picture(const struct reader *r)
{
    return BEGINS(r, 0, "\xff\xd8\xff") || BEGINS(r, 0, "\x89PNG") || BEGINS(r, 0, "GIF8") ||
           (BEGINS(r, 0, "BM") && BEGINS(r, 6, "\0\0\0\0")) || BEGINS(r, 0, "II*\0") ||
           BEGINS(r, 0, "MM\0*") || (BEGINS(r, 0, "RIFF") && BEGINS(r, 8, "WEBP"));
}

static bool is_film(const struct reader *r)
{
    return BEGINS(r, 4, "ftyp") || (BEGINS(r, 0, "RIFF") && BEGINS(r, 8, "AVI ")) ||
           BEGINS(r, 0, "\x1a\x45\xdf\xa3");
}

static bool is_json(const struct reader *r)
{
    size_t at = BEGINS(r, 0, "\xef\xbb\xbf") ? 3 : 0;

    while (at < r->len && strchr(" \t\r\n", r->text[at]) && r->text[at])
        at++;
    return at < r->len && (r->text[at] == '{' || r->text[at] == '[');
}

/* A map, perhaps in the tag that says "this is CBOR": no text begins like that. */
static bool is_cbor(const struct reader *r)
{
    return r->len > 0 && ((((uint8_t)r->text[0]) >> 5) == 5 || BEGINS(r, 0, "\xd9\xd9\xf7"));
}

static bool is_text(const struct reader *r)
{
    return r->len > 0 && !memchr(r->text, '\0', r->len);
}

static bool is_never(const struct reader *r UNUSED)
{
    return false;
}

static const struct format {
    const char *name;
    bool (*is)(const struct reader *r);
    const char *endings[4];
    int (*read)(struct reader *r, struct err *err);
} formats[] = {
    {"wav", is_wav, {".wav"}, recording_wav},
    {"picture", is_picture, {".jpg", ".jpeg", ".png"}, read_picture},
    {"film", is_film, {".mp4", ".avi"}, refuse_film},
    {"cbor", is_cbor, {".cbor"}, recording_cbor},
    {"json", is_json, {".json"}, recording_json},
    {"csv", is_never, {".csv", ".txt"}, recording_csv},
    {"csv", is_text, {0}, recording_csv}, /* whatever it is called */
};

static bool is_called(const struct format *f, const char *name)
{
    for (size_t i = 0; i < COUNT_OF(f->endings) && f->endings[i]; i++) {
        size_t n = strlen(f->endings[i]), have = strlen(name);

        if (have >= n && text_is_nocase(name + have - n, f->endings[i]))
            return true;
    }
    return false;
}

/* By content; what says nothing, by name; what is left may be text. */
static const struct format *format_of(const struct reader *r)
{
    const char *name = r->opts->name ? r->opts->name : "";
    const size_t last = COUNT_OF(formats) - 1;

    for (size_t i = 0; i < last; i++)
        if (formats[i].is(r))
            return &formats[i];
    for (size_t i = 0; i < last; i++)
        if (is_called(&formats[i], name))
            return &formats[i];
    return formats[last].is(r) ? &formats[last] : NULL;
}

/* ---- all together ---- */

static int check_series(struct reader *r, struct err *err)
{
    double ms = r->facts.interval_ms;

    if (!r->n)
        return FAIL(err, ERR_INPUT, "The recording has no readings.");
    r->facts.naxes = r->axes.n;
    r->facts.readings = (int64_t)(r->n / r->axes.n);
    if (ms == 0 && r->facts.readings > 1)
        return FAIL(err, ERR_INPUT,
                    "The recording has %lld readings, so the time between them cannot be 0 ms.",
                    (long long)r->facts.readings);
    if (ms != 0 && !(ms >= 1e-6 && ms <= 1e10))
        return FAIL(err, ERR_INPUT, "The time between two readings cannot be %g ms.", ms);
    return 0;
}

static struct recorded taken(struct reader *r)
{
    struct sensor_axis *axes = arena_array(r->arena, r->axes.n + 1, sizeof *axes);

    memcpy(axes, r->axes.items, r->axes.n * sizeof *axes);
    r->facts.axes = axes;
    return (struct recorded){r->facts, r->numbers, r->n};
}

static int parse(struct reader *r, struct recorded *ret, struct err *err)
{
    const struct format *f = format_of(r);

    if (!r->len)
        return FAIL(err, ERR_INPUT, "The file is empty.");
    if (!f)
        return FAIL(err, ERR_INPUT, "The file is none of JSON, CBOR, CSV, WAV, JPEG or PNG.");
    r->facts = (struct recording){.kind = SENSOR_SERIES, .format = f->name, .signature_at = -1};
    if (f->read(r, err) < 0 || (r->facts.kind == SENSOR_SERIES && check_series(r, err) < 0))
        return -1;
    *ret = taken(r);
    return 0;
}

static int hold(struct reader *r, int64_t size, struct err *err)
{
    if (size > RECORDING_MAX_BYTES)
        return FAIL(err, ERR_LIMIT, "The file is larger than %d MiB; cut the recording into several.",
                    RECORDING_MAX_BYTES >> 20);
    if (size < 0 || !(r->text = arena_try(r->scratch, (size_t)size + RECORDING_PADDING)))
        return FAIL(err, ERR_LIMIT, "There is no memory for a file of %lld bytes.", (long long)size);
    r->len = (size_t)size;
    return 0;
}

static int fetch(struct reader *r, int fd, struct err *err)
{
    for (size_t at = 0; at < r->len;) {
        ssize_t n = pread(fd, r->text + at, r->len - at, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return FAIL_ERRNO(err, "The recording cannot be read");
        if (n == 0)
            return FAIL(err, ERR_IO, "The file ends %zu bytes early.", r->len - at);
        at += (size_t)n;
    }
    return 0;
}

int recording_read(struct arena *a, struct arena *big, int fd, int64_t size,
                   const struct recording_opts *opts, struct recorded *ret, struct err *err)
{
    CLEANUP(arena_freep) struct arena *scratch = arena_new();
    struct reader r = {.arena = a, .big = big, .scratch = scratch, .opts = opts};

    return hold(&r, size, err) < 0 || fetch(&r, fd, err) < 0 ? -1 : parse(&r, ret, err);
}

int recording_parse(struct arena *a, struct arena *big, struct bytes file, const struct recording_opts *opts,
                    struct recorded *ret, struct err *err)
{
    CLEANUP(arena_freep) struct arena *scratch = arena_new();
    struct reader r = {.arena = a, .big = big, .scratch = scratch, .opts = opts};

    if (hold(&r, file.len > RECORDING_MAX_BYTES ? INT64_MAX : (int64_t)file.len, err) < 0)
        return -1;
    if (file.len > 0)
        memcpy(r.text, file.data, file.len);
    return parse(&r, ret, err);
}
