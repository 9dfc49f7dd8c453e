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

/* What is looked for in a map. All at once: each look passes over everything in the map, and `values` may be
 * long. A key that is there twice could mean either, and means nothing. */
struct slot {
    const char *key;
    struct cbor value;
    int hits;
};

static void look(const struct cbor *map, struct slot *slots, size_t n)
{
    struct cbor_cursor c = cbor_items(map);
    struct cbor key, value;

    if (map->kind != CBOR_MAP)
        return;
    while (cbor_next_pair(&c, &key, &value))
        for (size_t i = 0; i < n; i++)
            if (cbor_is_text(&key, slots[i].key)) {
                slots[i].value = value;
                slots[i].hits++;
            }
}

static double slot_number(const struct slot *s, double fallback)
{
    double n;

    return s->hits == 1 && number_of(&s->value, &n) ? n : fallback;
}

static struct bytes slot_text(struct reader *r, const struct slot *s)
{
    struct bytes b = {0};

    if (s->hits == 1 && s->value.kind == CBOR_TEXT) {
        b = cbor_string(r->scratch, &s->value);
        if (!b.data) /* said, but empty */
            b.data = s->value.raw.data;
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
        return FAIL(err, ERR_INPUT, "Reading %zu has %zu number%s, but there are %zu sensors.", reading,
                    r->n - begin, r->n - begin == 1 ? "" : "s", r->axes.n);
    return 0;
}

static int take_list(struct reader *r, const struct slot *values, struct err *err)
{
    const struct cbor *list = &values->value;
    struct cbor_cursor c;
    struct cbor row;

    if (values->hits != 1 || (list->kind != CBOR_ARRAY && list->kind != CBOR_TEXT))
        return FAIL(err, ERR_INPUT, "\"payload\" needs a list \"values\".");
    if (list->kind == CBOR_TEXT)
        return recording_refuse_references(err);
    if (recording_room(r, list->raw.len, err) < 0) /* a number has a byte at least */
        return -1;
    c = cbor_items(list);
    while (cbor_next(&c, &row))
        if (take_row(r, &row, err) < 0)
            return -1;
    return 0;
}

static int take_sensors(struct reader *r, const struct slot *sensors, struct err *err)
{
    struct cbor_cursor c;
    struct cbor sensor;

    if (sensors->hits != 1)
        return 0; /* which somebody else finds */
    c = cbor_items(&sensors->value);
    while (cbor_next(&c, &sensor)) {
        struct slot of[] = {{.key = "name"}, {.key = "units"}};
        look(&sensor, of, COUNT_OF(of));
        if (recording_add_axis(r, slot_text(r, &of[0]), slot_text(r, &of[1]), err) < 0)
            return -1;
    }
    return 0;
}

static int take_root(struct reader *r, const struct cbor *root, struct err *err)
{
    struct slot top[] = {{.key = "payload"}, {.key = "protected"}, {.key = "signature"}};
    struct slot of[] = {{.key = "interval_ms"},
                        {.key = "device_name"},
                        {.key = "device_type"},
                        {.key = "sensors"},
                        {.key = "values"}};
    struct slot how[] = {{.key = "ver"}, {.key = "alg"}, {.key = "iat"}};
    struct acquisition a;

    look(root, top, COUNT_OF(top));
    if (top[0].hits != 1)
        return FAIL(err, ERR_INPUT,
                    "This CBOR is no recording: it needs \"payload\" with a list \"values\", "
                    "beside \"protected\" and \"signature\".");
    look(&top[0].value, of, COUNT_OF(of));
    if (top[1].hits == 1)
        look(&top[1].value, how, COUNT_OF(how));
    a = (struct acquisition){
        .version = slot_text(r, &how[0]),
        .algorithm = slot_text(r, &how[1]),
        .taken_s = slot_number(&how[2], 0),
        .interval_ms = slot_number(&of[0], (double)NAN),
        .device_name = slot_text(r, &of[1]),
        .device_type = slot_text(r, &of[2]),
        .signature_at = recording_signature(r, slot_text(r, &top[2])),
    };
    if (take_sensors(r, &of[3], err) < 0 || recording_take_acquisition(r, &a, err) < 0)
        return -1;
    return take_list(r, &of[4], err);
}

int recording_cbor(struct reader *r, struct err *err)
{
    struct cbor root;

    if (cbor_read_upto(bytes_of(r->text, r->len), MAX_ITEMS, &root, err) < 0) {
        if (err && err->kind == ERR_DECODE)
            err->kind = ERR_INPUT; /* the sender can mend it */
        return -1;
    }
    while (root.kind == CBOR_TAG)
        if (!cbor_tagged(&root, &root))
            break;
    return take_root(r, &root, err);
}
