/* The acquisition format as CBOR, read where it lies (base/cbor.h): whole numbers and floats of every width,
 * in one list. */
#include <math.h>

#include "base/cbor.h"
#include "media/recording_int.h"

/* A number, a list around each of them, and the rest. */
enum { MAX_ITEMS = 2 * RECORDING_MAX_NUMBERS + 10000 };

static bool number_of(const struct cbor *item, double *ret)
{
    switch (item->kind) {
    case CBOR_UINT:
        *ret = (double)item->n;
        return true;
    case CBOR_NINT:
        *ret = -1 - (double)item->n;
        return true;
    case CBOR_FLOAT:
        *ret = item->real;
        return true;
    default:
        return false;
    }
}

static double get_number(const struct cbor *map, const char *key, double fallback)
{
    struct cbor v;
    double n;

    return cbor_get(map, key, &v) && number_of(&v, &n) ? n : fallback;
}

static struct bytes get_text(struct reader *r, const struct cbor *map, const char *key)
{
    struct cbor v;
    struct bytes b = {0};

    if (cbor_get(map, key, &v) && v.kind == CBOR_TEXT) {
        b = cbor_string(r->scratch, &v);
        if (!b.data)
            b.data = v.raw.data;
    }
    return b;
}

static int take_number(struct reader *r, const struct cbor *item, struct err *err)
{
    size_t reading = r->n / r->axes.n + 1;
    double v;

    if (item->kind == CBOR_TEXT)
        return recording_refuse_references(err);
    if (!number_of(item, &v))
        return recording_not_number(r, "this", 4, "Reading", reading, err);
    return recording_put(r, v, "Reading", reading, err);
}

static int take_row(struct reader *r, const struct cbor *row, struct err *err)
{
    size_t begin = r->n, reading = begin / r->axes.n + 1;
    struct cbor_cursor c = cbor_items(row);
    struct cbor item;

    if (row->kind != CBOR_ARRAY) {
        if (r->axes.n > 1 && row->kind != CBOR_TEXT)
            return FAIL(err, ERR_INPUT, "Reading %zu is not a list, but there are %zu sensors.", reading,
                        r->axes.n);
        return take_number(r, row, err);
    }
    while (cbor_next(&c, &item)) {
        if (r->n - begin == r->axes.n)
            return FAIL(err, ERR_INPUT, "Reading %zu has more numbers than there are sensors (%zu).", reading,
                        r->axes.n);
        if (take_number(r, &item, err) < 0)
            return -1;
    }
    if (r->n - begin != r->axes.n)
        return FAIL(err, ERR_INPUT, "Reading %zu has %zu numbers, but there are %zu sensors.", reading,
                    r->n - begin, r->axes.n);
    return 0;
}

static int take_list(struct reader *r, const struct cbor *payload, struct err *err)
{
    struct cbor list, row;
    struct cbor_cursor c;

    if (!cbor_get(payload, "values", &list) || (list.kind != CBOR_ARRAY && list.kind != CBOR_TEXT))
        return FAIL(err, ERR_INPUT, "\"payload\" needs a list \"values\".");
    if (list.kind == CBOR_TEXT)
        return take_number(r, &list, err);
    if (recording_room(r, list.raw.len, err) < 0) /* a number has a byte at least */
        return -1;
    c = cbor_items(&list);
    while (cbor_next(&c, &row))
        if (take_row(r, &row, err) < 0)
            return -1;
    return 0;
}

static int take_sensors(struct reader *r, const struct cbor *payload, struct err *err)
{
    struct cbor_cursor c;
    struct cbor list, sensor;

    if (!cbor_get(payload, "sensors", &list))
        return 0; /* which somebody else finds */
    c = cbor_items(&list);
    while (cbor_next(&c, &sensor))
        if (recording_add_axis(r, get_text(r, &sensor, "name"), get_text(r, &sensor, "units"), err) < 0)
            return -1;
    return 0;
}

int recording_cbor(struct reader *r, struct err *err)
{
    struct cbor root, payload, protection = {0};
    struct acquisition a;

    if (cbor_read_upto(bytes_of(r->text, r->len), MAX_ITEMS, &root, err) < 0)
        return err && err->kind == ERR_DECODE ? (err->kind = ERR_INPUT, -1) : -1;
    while (root.kind == CBOR_TAG && cbor_tagged(&root, &root))
        ;
    if (!cbor_get(&root, "payload", &payload))
        return FAIL(err, ERR_INPUT,
                    "This CBOR is no recording: it needs \"payload\" with a list \"values\", "
                    "beside \"protected\" and \"signature\".");
    if (!cbor_get(&root, "protected", &protection))
        protection = (struct cbor){.kind = CBOR_SIMPLE};
    a = (struct acquisition){
        .version = get_text(r, &protection, "ver"),
        .algorithm = get_text(r, &protection, "alg"),
        .taken_s = get_number(&protection, "iat", 0),
        .interval_ms = get_number(&payload, "interval_ms", (double)NAN),
        .device_name = get_text(r, &payload, "device_name"),
        .device_type = get_text(r, &payload, "device_type"),
        .signature_at = recording_signature(r, get_text(r, &root, "signature")),
    };
    if (take_sensors(r, &payload, err) < 0 || recording_take_acquisition(r, &a, err) < 0)
        return -1;
    return take_list(r, &payload, err);
}
