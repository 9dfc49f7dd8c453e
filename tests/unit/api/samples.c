/* The ground floor of the impulse dialect without a server: headers, labels, files of labels, signatures, and
 * how a sample reads. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "api/impulse/sample_int.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "test.h"

/* NULL is as good as any text. */
#define SAME(got, expected) CHECK_STR((got) ? (got) : "none", (expected) ? (expected) : "none")

/* ---- headers ---- */

static const struct {
    const char *header, *value;
    bool good;
    const char *name, *label; /* as they are then */
} headers[] = {
    {"x-file-name", "idle.01.json", true, "idle.01.json", NULL},
    {"X-File-Name", "a%20b.csv", true, "a b.csv", NULL},
    {"x-file-name", "..%2F..%2Fetc%2Fpasswd", true, "passwd", NULL},
    {"x-file-name", "", false, NULL, NULL},
    {"x-file-name", "%00", false, NULL, NULL},
    {"x-file-name", "100%.csv", false, NULL, NULL},
    {"x-file-name", "a%2", false, NULL, NULL},
    {"x-file-name", "a%FF", false, NULL, NULL},
    {"x-label", "L%C3%A4rm", true, NULL, "L\xc3\xa4rm"},
    {"x-label", "a+b", true, NULL, "a+b"},
    {"x-label", "50%", false, NULL, NULL},
    {"x-label", "", true, NULL, NULL},
    {"x-no-label", "1", true, NULL, ""},
    {"x-no-label", "0", true, NULL, NULL},
    {"x-no-label", "yes", false, NULL, NULL},
    {"x-disallow-duplicates", "1", true, NULL, NULL},
    {"x-disallow-duplicates", "maybe", false, NULL, NULL},
    {"x-add-date-id", "true", true, NULL, NULL},
    {"x-metadata", "{\"room\":\"3\"}", true, NULL, NULL},
    {"x-metadata", "{\"room\":3}", false, NULL, NULL},
    {"x-metadata", "[]", false, NULL, NULL},
    {"x-metadata", "{", false, NULL, NULL},
    {"x-bounding-boxes", "[{\"label\":\"a\",\"x\":1,\"y\":2,\"width\":3,\"height\":4}]", true, NULL, NULL},
    {"x-bounding-boxes", "[{\"label\":\"a\",\"x\":-1,\"y\":2,\"width\":3,\"height\":4}]", false, NULL, NULL},
    {"x-bounding-boxes", "{}", false, NULL, NULL},
    {"x-project-id", "7", true, NULL, NULL},
    {"x-project-id", "0", false, NULL, NULL},
    {"x-project-id", "seven", false, NULL, NULL},
    {"x-upload-source", "anything", true, NULL, NULL},
};

static void headers_are_read(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();

    for (size_t i = 0; i < COUNT_OF(headers); i++) {
        struct sending s = {0};
        struct err err = {0};
        CHECK_INT(sending_set(a, &s, headers[i].header, headers[i].value, &err), headers[i].good ? 0 : -1);
        CHECK(headers[i].good || (err.kind == ERR_INPUT && *err.text));
        if (headers[i].good) {
            SAME(s.file_name, headers[i].name);
            SAME(s.label, headers[i].label);
        }
        ROW("%s: %s", headers[i].header, headers[i].value);
    }
}

static void no_label_has_the_last_word(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct sending s = {0};
    const char *name;

    for (size_t i = 0; (name = sending_header(i)); i++) {
        if (text_is(name, "x-label"))
            CHECK(sending_set(a, &s, name, "idle", NULL) == 0);
        if (text_is(name, "x-no-label"))
            CHECK(sending_set(a, &s, name, "1", NULL) == 0);
    }
    CHECK_STR(s.label, "");
}

static const struct {
    const char *file, *name, *label;
} names[] = {
    {"idle.01.json", "idle.01", "idle"},
    {"wave.01", "wave.01", "wave"},
    {"A B-c_d.WAV", "A B-c_d", "A B-c_d"},
    {"no_1000ms.wav", "no_1000ms", "no_1000ms"},
    {".json", ".json", NULL},
    {"\xc3\xa4.csv", "\xc3\xa4", NULL},
    {"idle (1).csv", "idle (1)", "idle"},
    {"a.labels", "a.labels", "a"},
};

static void names_of_files(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        SAME(name_of_file(a, names[i].file), names[i].name);
        SAME(label_of_file(a, names[i].file), names[i].label);
        ROW("%s", names[i].file);
    }
}

static void four_of_five_are_for_training(void)
{
    int training = 0;

    for (int i = 0; i < 1000; i++) {
        char hex[HASH_HEX];
        hash_hex(bytes_of(&i, sizeof i), hex);
        training += split_by_hash(hex) == SAMPLE_TRAINING;
    }
    CHECK(training > 770 && training < 830);
}

/* ---- labels ---- */

enum what { STRETCHES, BOXES, METADATA };
static const struct {
    enum what what;
    const char *json, *kept; /* kept NULL: refused */
} labels[] = {
    {STRETCHES, "[]", "[]"},
    {STRETCHES, "[{\"label\":\"a\",\"endIndex\":9.0,\"startIndex\":0,\"x\":1}]",
     "[{\"startIndex\":0,\"endIndex\":9,\"label\":\"a\"}]"},
    {STRETCHES,
     "[{\"startIndex\":0,\"endIndex\":1,\"label\":\"a\"},{\"startIndex\":2,\"endIndex\":2,\"label\":\"b\"}]",
     "[{\"startIndex\":0,\"endIndex\":1,\"label\":\"a\"},{\"startIndex\":2,\"endIndex\":2,\"label\":\"b\"}]"},
    {STRETCHES,
     "[{\"startIndex\":0,\"endIndex\":1,\"label\":\"a\"},{\"startIndex\":1,\"endIndex\":2,\"label\":\"b\"}]",
     NULL},
    {STRETCHES, "[{\"startIndex\":3,\"endIndex\":2,\"label\":\"a\"}]", NULL},
    {STRETCHES, "[{\"startIndex\":-1,\"endIndex\":2,\"label\":\"a\"}]", NULL},
    {STRETCHES, "[{\"startIndex\":0.5,\"endIndex\":2,\"label\":\"a\"}]", NULL},
    {STRETCHES, "[{\"startIndex\":0,\"endIndex\":1e300,\"label\":\"a\"}]", NULL},
    {STRETCHES, "[{\"startIndex\":0,\"endIndex\":2}]", NULL},
    {STRETCHES, "[{\"startIndex\":0,\"endIndex\":2,\"label\":\"\"}]", NULL},
    {STRETCHES, "[{\"startIndex\":0,\"endIndex\":2,\"label\":\"a\\u0000b\"}]", NULL},
    {STRETCHES, "[1]", NULL},
    {STRETCHES, "{}", NULL},
    {STRETCHES, "null", NULL},
    {BOXES, "[{\"label\":\"a\",\"x\":1,\"y\":2.5,\"width\":3,\"height\":4}]",
     "[{\"label\":\"a\",\"x\":1.0,\"y\":2.5,\"width\":3.0,\"height\":4.0}]"},
    {BOXES, "[{\"label\":\"a\",\"x\":1,\"y\":2,\"width\":3}]", NULL},
    {BOXES, "[{\"label\":\"a\",\"x\":1,\"y\":2,\"width\":3,\"height\":1e9}]", NULL},
    {BOXES, "[{\"label\":1,\"x\":1,\"y\":2,\"width\":3,\"height\":4}]", NULL},
    {METADATA, "{}", "{}"},
    {METADATA, "{\"a\":\"b\"}", "{\"a\":\"b\"}"},
    {METADATA, "{\"a\":null}", NULL},
    {METADATA, "[\"a\"]", NULL},
};

static int read_as(struct arena *a, enum what what, const char *json, struct bytes *ret, struct err *err)
{
    CLEANUP(json_freep) yyjson_doc *doc = json_read(bytes_of(json, strlen(json)), 1 << 20, err);
    yyjson_val *root = yyjson_doc_get_root(doc);

    CHECK(doc);
    return what == STRETCHES ? stretches_read(a, root, ret, err)
           : what == BOXES   ? boxes_read(a, root, ret, err)
                             : metadata_read(a, root, ret, err);
}

static void labels_are_checked(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();

    for (size_t i = 0; i < COUNT_OF(labels); i++) {
        struct bytes kept = {0};
        struct err err = {0};
        CHECK_INT(read_as(a, labels[i].what, labels[i].json, &kept, &err), labels[i].kept ? 0 : -1);
        SAME((const char *)kept.data, labels[i].kept);
        CHECK(labels[i].kept || (err.kind == ERR_INPUT && *err.text));
        ROW("%s", labels[i].json);
    }
}

static void labels_end_within_the_recording(void)
{
    const char *json = "[{\"startIndex\":0,\"endIndex\":9,\"label\":\"a\"}]";
    struct bytes b = bytes_of(json, strlen(json));

    CHECK_INT(stretches_fit(b, 10, NULL), 0);
    CHECK_INT(stretches_fit(b, 9, NULL), -1);
    CHECK_INT(stretches_fit((struct bytes){0}, 0, NULL), 0);
}

static const struct {
    const char *file, *json;
    bool good;
} files[] = {
    {"info.labels", "{\"version\":1,\"files\":[]}", true},
    {"info.labels",
     "{\"version\":1,\"files\":[{\"path\":\"training/a.json\",\"name\":\"a\",\"category\":\"testing\","
     "\"label\":{\"type\":\"label\",\"label\":\"idle\"},\"metadata\":{\"k\":\"v\"}}]}",
     true},
    {"info.labels", "{\"version\":1,\"files\":[{\"name\":\"a\"}]}", false},
    {"info.labels", "{\"version\":1,\"files\":[{\"path\":\"a\",\"label\":{\"type\":\"odd\"}}]}", false},
    {"info.labels", "{\"version\":2,\"files\":[]}", false},
    {"info.labels", "{\"version\":1}", false},
    {"info.labels", "[]", false},
    {"info.labels", "", false},
    {"structured_labels.labels",
     "{\"version\":1,\"type\":\"structured-labels\",\"structuredLabels\":{\"a.json\":[{\"startIndex\":0,"
     "\"endIndex\":1,\"label\":\"x\"}]}}",
     true},
    {"structured_labels.labels", "{\"version\":1,\"type\":\"structured-labels\"}", false},
    {"bounding_boxes.labels",
     "{\"version\":1,\"type\":\"bounding-box-labels\",\"boundingBoxes\":{\"a.json\":[{\"label\":\"x\",\"x\":"
     "1,"
     "\"y\":1,\"width\":1,\"height\":1}]}}",
     true},
    {"odd.labels", "{\"version\":1,\"type\":\"odd\"}", false},
};

static void files_of_labels(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct annotations all = {0};
    struct annotation said;

    for (size_t i = 0; i < COUNT_OF(files); i++) {
        CHECK_INT(
            annotations_add(a, &all, files[i].file, bytes_of(files[i].json, strlen(files[i].json)), NULL),
            files[i].good ? 0 : -1);
        ROW("%s %s", files[i].file, files[i].json);
    }
    said = annotation_of(&all, "a.json"); /* what three of them say */
    CHECK_STR(said.label, "idle");
    CHECK_STR(said.name, "a");
    CHECK_INT(said.category, SAMPLE_TESTING);
    CHECK(said.stretches.len && said.boxes.len && said.metadata.len);
    said = annotation_of(&all, "b.json");
    CHECK(!said.label && said.category == -1 && !said.boxes.len);
}

/* No data when it is not there. */
static struct bytes file_read(struct arena *a, const char *path)
{
    CLEANUP(freep) char *text = malloc(1 << 20);
    FILE *f = fopen(path, "rb");
    size_t n;

    if (!f)
        return (struct bytes){0};
    n = fread(text, 1, 1 << 20, f);
    fclose(f);
    return bytes_of(arena_strndup(a, text, n), n);
}

static void a_real_file_of_labels(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *shared = getenv("ASSAY_SHARED");
    struct annotations all = {0};
    struct annotation said;
    struct bytes json;

    if (!shared)
        return;
    json = file_read(a, arena_printf(a, "%s/data/sensor/coffee-multilabel/info.labels", shared));
    if (!json.data)
        return;
    CHECK(annotations_add(a, &all, "info.labels", json, NULL) == 0);
    CHECK_INT(all.n, 11);
    said = annotation_of(&all, "coffeemachine_multilabel_4.csv.4g9rugge.ingestion-dd78489dc-45k85.json");
    CHECK_STR(said.name, "coffeemachine_multilabel_4");
    CHECK_INT(said.category, SAMPLE_TESTING);
    CHECK_INT(stretches_fit(said.stretches, 8160, NULL), 0);
    CHECK_INT(stretches_fit(said.stretches, 8159, NULL), -1);
}

/* ---- signatures ---- */

#define DIGITS "%064d"

/* A file with the right signature, made by a plain HMAC of all of it. */
static int signed_file(struct arena *a, const char *key, size_t padding, char **ret_text, int64_t *ret_at)
{
    char *text = arena_printf(a, "{\"signature\":\"" DIGITS "\",\"x\":\"%*s\"}", 0, (int)padding, "");
    uint8_t mac[HASH_SIZE];
    char hex[HASH_HEX];
    int fd = memfd_create("signed", MFD_CLOEXEC);

    *ret_at = (int64_t)strlen("{\"signature\":\"");
    hash_hmac(bytes_of(key, strlen(key)), bytes_of(text, strlen(text)), mac);
    text_hex(hex, mac, sizeof mac);
    memcpy(text + *ret_at, hex, 64);
    CHECK(pwrite(fd, text, strlen(text), 0) == (ssize_t)strlen(text));
    *ret_text = text;
    return fd;
}

static void signatures_are_checked(void)
{
    static const size_t paddings[] = {0, 65520, 65536 - 14 - 30, 200000}; /* digits across two pieces, too */
    const char *key = "a8a30fb50ff21092366ba2178fd36583";

    for (size_t i = 0; i < COUNT_OF(paddings); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        CLEANUP(fd_closep) int fd = -1;
        int64_t at, size;
        bool good;
        char *text;

        fd = signed_file(a, key, paddings[i], &text, &at);
        size = (int64_t)strlen(text);
        CHECK(signed_with(fd, size, at, key, &good, NULL) == 0 && good);
        CHECK(signed_with(fd, size, at, "another", &good, NULL) == 0 && !good);
        CHECK(signed_with(fd, size, at + 1, key, &good, NULL) == 0 && !good);
        CHECK(signed_with(fd, size, -1, key, &good, NULL) == 0 && !good);
        CHECK(signed_with(fd, size, size, key, &good, NULL) == 0 && !good);
        CHECK(pwrite(fd, " ", 1, size - 1) == 1); /* one byte of the text is another one */
        CHECK(signed_with(fd, size, at, key, &good, NULL) == 0 && !good);
        ROW("padding %zu", paddings[i]);
    }
}

/* ---- how it reads ---- */

static void floats_read_back(void)
{
    static const struct {
        float x;
        const char *text;
    } rows[] = {{0, "0"},          {1, "1"},          {-32768, "-32768"},     {0.1f, "0.1"},
                {-9.81f, "-9.81"}, {1e-5f, "1e-05"},  {16777216, "16777216"}, {1e10f, "1e+10"},
                {NAN, "null"},     {INFINITY, "null"}};
    uint32_t state = 1;
    char text[FLOAT_TEXT];

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CHECK_INT(float_text(text, rows[i].x), strlen(rows[i].text));
        CHECK_STR(text, rows[i].text);
    }
    for (int i = 0; i < 100000; i++) {
        float x;
        state = state * 1664525 + 1013904223;
        memcpy(&x, &state, sizeof x);
        if (!isfinite(x))
            continue;
        float_text(text, x);
        CHECK(strtof(text, NULL) == x);
    }
}

static struct sample picture(void)
{
    return (struct sample){.row = {.id = 2,
                                   .project = 1,
                                   .name = "p",
                                   .storage = "p.1",
                                   .created_us = 1,
                                   .boxes = bytes_of("[{\"label\":\"a\"}]", 15)},
                           .recording = {.kind = SENSOR_PICTURE, .format = "jpeg", .width = 4, .height = 3}};
}

static const char *const required[] = {"id",
                                       "filename",
                                       "signatureValidate",
                                       "created",
                                       "lastModified",
                                       "category",
                                       "coldstorageFilename",
                                       "label",
                                       "intervalMs",
                                       "frequency",
                                       "originalIntervalMs",
                                       "originalFrequency",
                                       "deviceType",
                                       "sensors",
                                       "valuesCount",
                                       "added",
                                       "boundingBoxes",
                                       "boundingBoxesType",
                                       "chartType",
                                       "isDisabled",
                                       "isProcessing",
                                       "processingError",
                                       "isCropped",
                                       "projectId",
                                       "sha256Hash"};

static void nothing_required_is_missing(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(json_mut_freep) doc_t *doc = json_doc_new();
    struct sample s = picture();
    val_t *o = impulse_render_sample(doc, &s, SIZE_MAX);

    for (size_t i = 0; i < COUNT_OF(required); i++) {
        CHECK(yyjson_mut_obj_get(o, required[i]));
        ROW("%s", required[i]);
    }
    CHECK_STR(yyjson_mut_get_str(yyjson_mut_obj_get(o, "chartType")), "image");
    CHECK_INT(yyjson_mut_arr_size(yyjson_mut_obj_get(o, "boundingBoxes")), 1);
    CHECK_STR(yyjson_mut_get_str(yyjson_mut_obj_get(o, "created")), "1970-01-01T00:00:00.000Z");
}

static void labels_are_cut_when_asked(void)
{
    CLEANUP(json_mut_freep) doc_t *doc = json_doc_new();
    const char *json = "[{\"label\":\"a\"},{\"label\":\"b\"},{\"label\":\"a\"}]";
    struct sample s = {.row = {.name = "n", .storage = "s", .stretches = bytes_of(json, strlen(json))},
                       .recording = {.interval_ms = 16, .readings = 3}};
    val_t *o = impulse_render_sample(doc, &s, 2);

    CHECK_INT(yyjson_mut_arr_size(yyjson_mut_obj_get(o, "structuredLabels")), 2);
    CHECK_INT(yyjson_mut_arr_size(yyjson_mut_obj_get(o, "structuredLabelsList")), 2);
    CHECK(yyjson_mut_get_real(yyjson_mut_obj_get(o, "frequency")) == 62.5);
    CHECK(yyjson_mut_get_real(yyjson_mut_obj_get(o, "totalLengthMs")) == 48);
}

static void facts_stay_the_same(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct sensor_axis axes[] = {{"accX", "m/s2"}, {"accY", ""}};
    struct recording rec = {.kind = SENSOR_SERIES,
                            .format = "cbor",
                            .naxes = 2,
                            .axes = axes,
                            .interval_ms = 5.0349121093750115,
                            .readings = 8160,
                            .device_type = "X",
                            .taken_s = 1701250924},
                     got;

    CHECK(facts_from_json(a, facts_to_json(a, &rec), &got, NULL) == 0);
    CHECK(got.kind == rec.kind && got.naxes == 2 && got.interval_ms == rec.interval_ms);
    CHECK(got.readings == 8160 && got.taken_s == rec.taken_s && !got.device_name);
    CHECK_STR(got.axes[0].units, "m/s2");
    CHECK_STR(got.device_type, "X");
    CHECK(facts_from_json(a, bytes_of("[]", 2), &got, NULL) < 0);
}

int main(void)
{
    RUN(headers_are_read);
    RUN(no_label_has_the_last_word);
    RUN(names_of_files);
    RUN(four_of_five_are_for_training);
    RUN(labels_are_checked);
    RUN(labels_end_within_the_recording);
    RUN(files_of_labels);
    RUN(a_real_file_of_labels);
    RUN(signatures_are_checked);
    RUN(floats_read_back);
    RUN(nothing_required_is_missing);
    RUN(labels_are_cut_when_asked);
    RUN(facts_stay_the_same);
    return test_end();
}
