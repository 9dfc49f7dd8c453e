/* Samples with their numbers: GET raw-data/{sampleId}, slice, raw, wav, image. */
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "api/impulse/sample_int.h"
#include "base/c23.h"
#include "base/cleanup.h"
#include "base/text.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are stored as they lie in memory");

/* ---- loading ---- */

int sample_of_row(struct arena *a, const struct sample_row *row, const struct project_row *project,
                  struct sample *ret, struct err *err)
{
    *ret = (struct sample){.row = *row, .project = project};
    return facts_from_json(a, row->facts, &ret->recording, err);
}

int sample_load(struct request *r, const struct visit *v, struct sample *ret, struct err *err)
{
    struct arena *a = request_arena(r);
    struct sample_row row;
    int64_t id;

    if (impulse_number(r, "sampleId", &id, err) < 0 ||
        records_get_sample(api_of(r)->db, a, v->project.id, id, &row, err) < 0)
        return -1;
    return sample_of_row(a, &row, &v->project, ret, err);
}

static int read_all(int fd, void *dst, size_t n, int64_t at, struct err *err)
{
    ssize_t got;

    for (size_t done = 0; done < n; done += (size_t)got) {
        got = pread(fd, (char *)dst + done, n - done, at + (int64_t)done);
        if (got < 0)
            return FAIL_ERRNO(err, "cannot read the numbers of a sample");
        if (got == 0)
            return FAIL(err, ERR_INTERNAL, "the numbers of a sample are shorter than they should be");
    }
    return 0;
}

int sample_values(const struct api *api, struct arena *a, const struct sample *s, int64_t first, int64_t n,
                  struct values *ret, struct err *err)
{
    const struct recording *rec = &s->recording;
    CLEANUP(fd_closep) int fd = -1;
    size_t row = rec->naxes * sizeof(float);
    float *numbers;
    int64_t size;

    *ret = (struct values){.first = first};
    if (first < 0 || n < 0 || first > rec->readings || n > rec->readings - first)
        return FAIL(err, ERR_INPUT, "the sample has %" PRId64 " readings, so none beyond can be had",
                    rec->readings);
    if (!n || !row || !s->row.numbers[0])
        return 0;
    if (n > PAYLOAD_NUMBERS / (int64_t)rec->naxes)
        return FAIL(err, ERR_INPUT, "more than %d numbers at once; ask for a slice of the sample",
                    PAYLOAD_NUMBERS);
    numbers = arena_try(a, (size_t)n * row);
    if (!numbers)
        return FAIL(err, ERR_BUSY, "no memory for that many numbers; ask for a slice of the sample");
    if (blob_open(api->blobs, s->row.numbers, &fd, &size, err) < 0 ||
        read_all(fd, numbers, (size_t)n * row, first * (int64_t)row, err) < 0)
        return -1;
    ret->n = n;
    ret->numbers = numbers;
    return 0;
}

/* ---- with numbers, on the desk ---- */

struct look {
    struct request *request;
    struct visit visit;
    struct sample sample;
    int64_t first, n;
    int64_t axis; /* of a sound; -1: all */
    bool few;     /* labels along it */
    void (*answer)(struct look *l, const struct values *v);
};

static void look_up(void *arg)
{
    struct look *l = arg;
    struct values values;
    struct err err;

    if (sample_values(api_of(l->request), request_arena(l->request), &l->sample, l->first, l->n, &values,
                      &err) < 0)
        impulse_fail(l->request, &l->visit.caller, &err);
    else
        l->answer(l, &values);
}

/* NULL: it is answered. */
static struct look *look_begin(struct request *r)
{
    struct look *l = arena_alloc(request_arena(r), sizeof *l);
    struct err err;

    l->request = r;
    if (!impulse_visit(r, "read", &l->visit))
        return NULL;
    if (sample_load(r, &l->visit, &l->sample, &err) == 0)
        return l;
    impulse_fail(r, &l->visit.caller, &err);
    return NULL;
}

static void look_go(struct look *l)
{
    struct err err;

    if (impulse_desk(api_of(l->request), look_up, l, &err) < 0)
        impulse_fail(l->request, &l->visit.caller, &err);
}

static void answer_sample(struct look *l, const struct values *v)
{
    val_t *root;
    doc_t *doc = impulse_doc(&root);

    impulse_add_sample(doc, root, &l->sample, v, l->few ? LABELS_SLICE : SIZE_MAX);
    impulse_answer_take(l->request, doc);
}

/* ---- GET raw-data/{sampleId}?limitPayloadValues= ---- */

static void get_run(struct request *r)
{
    struct look *l = look_begin(r);
    struct err err;

    if (!l)
        return;
    l->answer = answer_sample;
    if (impulse_query_int(r, "limitPayloadValues", l->sample.recording.readings, &l->n, &err) < 0 ||
        impulse_query_bool(r, "truncateStructuredLabels", false, &l->few, &err) < 0) {
        impulse_fail(r, &l->visit.caller, &err);
        return;
    }
    if (l->n > l->sample.recording.readings)
        l->n = l->sample.recording.readings;
    look_go(l);
}

const struct handler impulse_sample_get = {.run = get_run};

/* ---- GET raw-data/{sampleId}/slice?sliceStart=&sliceEnd= : readings [start, end) ---- */

static int find_slice(struct look *l, struct err *err)
{
    int64_t readings = l->sample.recording.readings, end;

    if (impulse_query_int(l->request, "sliceStart", 0, &l->first, err) < 0 ||
        impulse_query_int(l->request, "sliceEnd", readings, &end, err) < 0)
        return -1;
    l->n = (end < readings ? end : readings) - l->first;
    return l->n < 0 ? FAIL(err, ERR_INPUT, "sliceStart must not be behind sliceEnd or the end of the sample")
                    : 0;
}

static void slice_run(struct request *r)
{
    struct look *l = look_begin(r);
    struct err err;

    if (!l)
        return;
    l->answer = answer_sample;
    if (find_slice(l, &err) < 0 ||
        impulse_query_bool(r, "truncateStructuredLabels", false, &l->few, &err) < 0)
        impulse_fail(r, &l->visit.caller, &err);
    else
        look_go(l);
}

const struct handler impulse_sample_slice = {.run = slice_run};

/* ---- GET raw-data/{sampleId}/wav?axisIx=&sliceStart=&sliceEnd= : as PCM, 16 bits ---- */

enum { WAV_HEAD = 44 };

static void put16(uint8_t *dst, uint32_t v)
{
    dst[0] = (uint8_t)v;
    dst[1] = (uint8_t)(v >> 8);
}

static void put32(uint8_t *dst, uint32_t v)
{
    put16(dst, v);
    put16(dst + 2, v >> 16);
}

static void wav_head(uint8_t dst[WAV_HEAD], uint32_t rate, uint32_t channels, uint32_t bytes)
{
    memcpy(dst, "RIFF....WAVEfmt ", 16);
    put32(dst + 4, bytes + WAV_HEAD - 8);
    put32(dst + 16, 16);
    put16(dst + 20, 1); /* PCM */
    put16(dst + 22, channels);
    put32(dst + 24, rate);
    put32(dst + 28, rate * channels * 2);
    put16(dst + 32, channels * 2);
    put16(dst + 34, 16);
    memcpy(dst + 36, "data", 4);
    put32(dst + 40, bytes);
}

static int16_t to_int16(float x)
{
    if (!(x > -32768))
        return -32768;
    return x > 32767 ? 32767 : (int16_t)lrintf(x);
}

static void answer_wav(struct look *l, const struct values *v)
{
    const struct recording *rec = &l->sample.recording;
    size_t channels = l->axis < 0 ? rec->naxes : 1, begin = l->axis < 0 ? 0 : (size_t)l->axis,
           n = (size_t)v->n * channels;
    uint8_t *wav = arena_alloc(request_arena(l->request), WAV_HEAD + n * 2);

    wav_head(wav, (uint32_t)lrint(1000 / rec->interval_ms), (uint32_t)channels, (uint32_t)(n * 2));
    for (size_t i = 0; i < n; i++)
        put16(wav + WAV_HEAD + i * 2,
              (uint16_t)to_int16(v->numbers[i / channels * rec->naxes + begin + i % channels]));
    request_reply(l->request,
                  &(struct reply){.status = 200, .type = "audio/wav", .body = {wav, WAV_HEAD + n * 2}});
}

static int check_sound(struct look *l, struct err *err)
{
    const struct recording *rec = &l->sample.recording;

    if (rec->kind != SENSOR_SERIES || !(rec->interval_ms > 1e-3) || rec->interval_ms > 1000 || !rec->naxes)
        return FAIL(err, ERR_INPUT,
                    "the sample cannot be heard: it is no series of 1 to 1,000,000 readings a second");
    if (impulse_query_int(l->request, "axisIx", -1, &l->axis, err) < 0)
        return -1;
    if (l->axis >= (int64_t)rec->naxes)
        return FAIL(err, ERR_INPUT, "the sample has %zu axes, so the last axisIx is %zu", rec->naxes,
                    rec->naxes - 1);
    return find_slice(l, err);
}

static void wav_run(struct request *r)
{
    struct look *l = look_begin(r);
    struct err err;

    if (!l)
        return;
    l->answer = answer_wav;
    if (check_sound(l, &err) < 0)
        impulse_fail(r, &l->visit.caller, &err);
    else
        look_go(l);
}

const struct handler impulse_sample_wav = {.run = wav_run};

/* ---- GET raw-data/{sampleId}/raw : the file as it was received; /image : the same of a picture ---- */

static const struct {
    const char *format, *type;
} types[] = {
    {"json", "application/json"}, {"cbor", "application/cbor"}, {"csv", "text/csv"},  {"wav", "audio/wav"},
    {"jpeg", "image/jpeg"},       {"jpg", "image/jpeg"},        {"png", "image/png"},
};

static const char *type_of(const char *format)
{
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (text_is(types[i].format, format))
            return types[i].type;
    return "application/octet-stream";
}

static void send_file(struct look *l)
{
    struct request *r = l->request;
    struct err err;
    int64_t size;
    int fd;

    if (blob_open(api_of(r)->blobs, l->sample.row.sha256, &fd, &size, &err) < 0)
        impulse_fail(r, &l->visit.caller, &err);
    else
        request_reply_fd_take(r, 200, type_of(l->sample.recording.format), fd, size);
}

static void raw_run(struct request *r)
{
    struct look *l = look_begin(r);

    if (l)
        send_file(l);
}

const struct handler impulse_sample_raw = {.run = raw_run};

static void image_run(struct request *r)
{
    struct look *l = look_begin(r);
    struct err err;

    if (!l)
        return;
    if (l->sample.recording.kind == SENSOR_PICTURE) {
        send_file(l);
        return;
    }
    err_set(&err, ERR_INPUT, "the sample is no picture");
    impulse_fail(r, &l->visit.caller, &err);
}

const struct handler impulse_sample_image = {.run = image_run};
