/* Every golden vector of ../shared/data/sensor/dsp-vectors: outputs of the vendor's reference on real
 * recordings. Each row prints how far we are. Skipped where ../shared is absent. */
#include <dirent.h>
#include <math.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "dsp/dsp.h"

#include "test.h"

/* Relative and absolute; mfe 3 and 4 are rounded to 1/256, where a last bit may tip over. */
static const double tolerance = 1e-4;

static const char *const rows[] = {
    "flatten_v1",
    "image_v1_grayscale",
    "image_v1_rgb",
    "mfcc_v1_256_low300",
    "mfcc_v2_256_low300",
    "mfcc_v4_default_256",
    "mfcc_v4_default_512",
    "mfcc_v4_nowin_512",
    "mfe_v2_512",
    "mfe_v3_512",
    "mfe_v4_40ms_n32_80_7600_nf-72",
    "mfe_v4_default_256",
    "mfe_v4_default_512",
    "raw_v1_scale05",
    "spectral_v2_default",
    "spectral_v3_default",
    "spectral_v3_fft128_low4.8828_nooverlap",
    "spectral_v4_decim10_512",
    "spectral_v4_decim3",
    "spectral_v4_default",
    "spectral_v4_extralow_512",
    "spectral_v4_fft64",
    "spectral_v4_high_5hz_o4_fft32",
    "spectral_v4_low_3hz_o6",
    "spectral_v4_nolog_nooverlap",
    "spectral_v4_scale01",
    "spectral_v4_wavelet_bior3.1_l1",
    "spectral_v4_wavelet_db4_l1",
    "spectral_v4_wavelet_db4_l3_512",
    "spectral_v4_wavelet_haar_l1",
    "spectral_v4_wavelet_sym4_l1",
    "spectrogram_v3_audio_512",
    "spectrogram_v4_accx",
    "spectrogram_v4_audio_512",
};

struct vector {
    struct dsp_settings settings;
    struct dsp_input input;
    yyjson_val *want, *labels;
};

static char *slurp(struct arena *a, const char *path, size_t *ret_n)
{
    FILE *f = fopen(path, "rb");
    char *text = arena_alloc(a, 1 << 20);

    CHECK(f != NULL);
    *ret_n = f ? fread(text, 1, 1 << 20, f) : 0;
    if (f)
        fclose(f);
    return text;
}

/* The recording that the sound vectors are made of: PCM after a header of 44 bytes. */
static void read_sound(struct arena *a, struct vector *v)
{
    size_t n;
    char *wav = slurp(a, arena_printf(a, "%s/data/sensor/keywords-wav/yes_1000ms.wav", test_shared()), &n);
    float *values = arena_array(a, n / 2, sizeof *values);

    v->input.n = n > 44 ? (n - 44) / 2 : 0;
    for (size_t i = 0; i < v->input.n; i++) {
        int16_t s;
        memcpy(&s, wav + 44 + 2 * i, 2);
        values[i] = s;
    }
    v->input.values = values;
}

static void read_input(struct arena *a, yyjson_val *input, struct vector *v)
{
    float *values = arena_array(a, yyjson_arr_size(input) + 1, sizeof *values);
    yyjson_val *number;
    size_t i, n;

    if (yyjson_is_null(input)) {
        read_sound(a, v);
        return;
    }
    yyjson_arr_foreach (input, i, n, number)
        values[i] = (float)yyjson_get_num(number);
    v->input.values = values;
    v->input.n = yyjson_arr_size(input);
}

static void read_settings(struct arena *a, yyjson_val *doc, struct vector *v)
{
    yyjson_val *key, *value;
    size_t i, n;

    v->settings = dsp_defaults(dsp_kind_of(json_str(a, doc, "block", "")));
    v->settings.version = (int)json_int(doc, "implementation_version", 0);
    yyjson_obj_foreach (yyjson_obj_get(doc, "params"), i, n, key, value) {
        const char *name = yyjson_get_str(key), *text;
        struct err err = {0};
        if (strcmp(name, "show_axes") == 0)
            continue; /* of the vendor's drawing */
        text = yyjson_is_str(value)    ? yyjson_get_str(value)
               : yyjson_is_bool(value) ? (yyjson_get_bool(value) ? "true" : "false")
                                       : arena_printf(a, "%.17g", yyjson_get_num(value));
        CHECK(dsp_set(&v->settings, name, text, &err) == 0);
        ROW("%s = %s: %s", name, text, err.text);
    }
}

static yyjson_doc *read_vector(struct arena *a, const char *name, struct vector *v)
{
    size_t n;
    char *text = slurp(a, arena_printf(a, "%s/data/sensor/dsp-vectors/%s.json", test_shared(), name), &n);
    yyjson_doc *doc = json_read((struct bytes){(const uint8_t *)text, n}, 1 << 20, NULL);
    yyjson_val *root = yyjson_doc_get_root(doc);

    CHECK(doc != NULL);
    if (!doc)
        return NULL;
    read_settings(a, root, v);
    read_input(a, yyjson_obj_get(root, "input"), v);
    v->input.axes = yyjson_arr_size(yyjson_obj_get(root, "axes"));
    v->input.frequency = json_num(root, "sampling_freq", 0);
    v->want = yyjson_obj_get(root, "features");
    v->labels = yyjson_obj_get(root, "labels");
    return doc;
}

static bool rounds(const struct dsp_settings *s)
{
    return s->kind == DSP_MFE && s->version >= 3;
}

static void compare(const char *name, const struct vector *v, const struct dsp_features *got)
{
    double worst = 0, off = 0, excess = 0;
    yyjson_val *number;
    size_t i, n, differ = 0;

    yyjson_arr_foreach (v->want, i, n, number) {
        double want = yyjson_get_num(number), d = i < got->n ? fabs((double)got->values[i] - want) : HUGE_VAL;
        double allowed = rounds(&v->settings) ? 1.0 / 256 : tolerance + tolerance * fabs(want);
        worst = fmax(worst, d);
        off = fmax(off, d / fmax(fabs(want), 1e-12));
        excess = fmax(excess, d / allowed);
        differ += d > allowed / 1000;
    }
    printf("# %-40s %6zu features, largest deviation %.3g, of the allowed %.3g, relative %.3g, %zu differ\n",
           name, got->n, worst, excess, off, differ);
    CHECK(excess <= 1);
}

static void compare_labels(const struct vector *v)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char **labels = NULL;
    yyjson_val *label;
    size_t i, n, count = 0;

    CHECK(dsp_labels(a, &v->settings, v->input.frequency, &labels, &count, NULL) == 0);
    CHECK_INT(count, yyjson_arr_size(v->labels));
    yyjson_arr_foreach (v->labels, i, n, label)
        if (i < count)
            CHECK_STR(labels[i], yyjson_get_str(label));
}

static void golden_vectors(void)
{
    if (!test_shared())
        SKIP("no ../shared");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        CLEANUP(json_freep) yyjson_doc *doc = NULL;
        struct vector v = {0};
        struct dsp_features got = {0};
        struct err err = {0};
        doc = read_vector(a, rows[i], &v);
        if (!doc)
            continue;
        CHECK(dsp_features(a, &v.settings, &v.input, &got, &err) == 0);
        CHECK_STR(err.text, "");
        CHECK_INT(got.n, yyjson_arr_size(v.want));
        CHECK_INT(got.width * got.height * got.channels * got.frames, got.n);
        compare(rows[i], &v, &got);
        compare_labels(&v);
        ROW("%s", rows[i]);
    }
}

/* A vector that somebody adds must not go unnoticed. */
static void all_vectors_have_a_row(void)
{
    char path[4096];
    DIR *dir;
    size_t files = 0;

    if (!test_shared())
        SKIP("no ../shared");
    snprintf(path, sizeof path, "%s/data/sensor/dsp-vectors", test_shared());
    dir = opendir(path);
    CHECK(dir != NULL);
    for (const struct dirent *d; dir && (d = readdir(dir));)
        files += strstr(d->d_name, ".json") != NULL;
    CHECK_INT(files, COUNT_OF(rows));
    if (dir)
        closedir(dir);
}

int main(void)
{
    RUN(golden_vectors);
    RUN(all_vectors_have_a_row);
    return test_end();
}
