/* The looks for tampering on made pictures: clean, pasted, copied, saved twice; the pipeline; and what is no
 * picture at all. */
#include <math.h>
#include <sys/mman.h>
#include <unistd.h>

#include "analysis/analysis.h"
#include "analysis/tamper/copy_move.h"
#include "analysis/tamper/dct.h"
#include "analysis/tamper/metadata.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "forge.h"
#include "report/json.h"
#include "test.h"

/* ---- the pipeline, over files in memory ---- */

static struct report *judge(struct arena *a, const struct bytes *files, size_t n, unsigned models)
{
    CLEANUP(fd_closep) int fd = memfd_create("batch", MFD_CLOEXEC);
    struct subject_part *parts = arena_array(a, n, sizeof *parts);
    struct toolbox tools = {.max_pixels = 40000000};
    struct job_spec spec = job_spec_defaults();
    struct report *r;

    for (size_t i = 0; i < n; i++) {
        parts[i] = (struct subject_part){.offset = spec.subject.size, .size = (int64_t)files[i].len};
        CHECK(write(fd, files[i].data, files[i].len) == (ssize_t)files[i].len);
        spec.subject.size += (int64_t)files[i].len;
    }
    spec.pipeline = "tampering";
    spec.tamper.models = models;
    spec.tamper.nparts = n;
    spec.tamper.parts = parts;
    r = report_new(a, &spec);
    analyse(&tools, &spec, (struct subject_fds){fd, -1}, r);
    return r;
}

static const struct tamper_evidence *evidence(const struct tamper_item *item, enum tamper_model m)
{
    for (size_t i = 0; i < item->nevidence; i++)
        if (item->evidence[i].model == m)
            return &item->evidence[i];
    return NULL;
}

static void say(const struct tamper_item *t)
{
    for (size_t k = 0; k < t->nevidence; k++)
        printf("# %s %s %.3f\n", tamper_model_name(t->evidence[k].model),
               t->evidence[k].code ? t->evidence[k].code : "", t->evidence[k].score);
}

/* '+' speaks against it, '-' does not, '?' unknown. */
static char sign(const struct tamper_evidence *e)
{
    return !e || e->code ? '?' : e->score >= e->threshold ? '+' : '-';
}

/* ---- made examples ---- */

enum made { CLEAN, PASTED, COPIED };

static struct bytes make(struct arena *a, enum made what, int first, int second)
{
    struct picture p = forge_scene(a, 512, 384, 7), other = forge_scene(a, 512, 384, 1234);

    if (first)
        p = forge_open(a, forge_jpeg(a, &p, first));
    if (what == PASTED)
        forge_paste(&p, 259, 133, &other, 21, 13, 128, 96);
    if (what == COPIED)
        forge_paste(&p, 303, 201, &p, 40, 51, 128, 96);
    return second ? forge_jpeg(a, &p, second) : forge_bmp(a, &p);
}

static void made_examples_are_told_apart(void)
{
    static const struct {
        const char *what;
        enum made made;
        int first, second;
        const char *signs; /* error level, double JPEG, copy-move, metadata */
    } rows[] = {
        {"never compressed", CLEAN, 0, 0, "-?-?"},
        {"saved once", CLEAN, 0, 90, "---?"},
        {"saved once, hard", CLEAN, 0, 60, "---?"},
        {"saved twice is no tampering", CLEAN, 75, 92, "---?"},
        {"saved twice, the second time harder", CLEAN, 92, 75, "---?"},
        {"a JPEG that became something else", CLEAN, 75, 0, "-?-?"},
        {"pasted into a JPEG, saved finer", PASTED, 75, 92, "++-?"},
        {"pasted into a harder one", PASTED, 60, 90, "++-?"},
        {"pasted into a JPEG, not compressed again", PASTED, 75, 0, "+?-?"},
        {"copied inside, never compressed", COPIED, 0, 0, "-?+?"},
        {"copied inside, saved", COPIED, 0, 92, "--+?"},
        {"copied inside a JPEG, saved finer", COPIED, 75, 92, "+++?"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct bytes file = make(a, rows[i].made, rows[i].first, rows[i].second);
        struct report *r = judge(a, &file, 1, TAMPER_ALL);
        char signs[TAMPER_MODELS + 1] = "";
        CHECK_INT(r->error.kind, ERR_NONE);
        for (int m = 0; m < TAMPER_MODELS; m++)
            signs[m] = sign(evidence(&r->tampering->items[0], (enum tamper_model)m));
        say(&r->tampering->items[0]);
        CHECK_STR(signs, rows[i].signs);
        CHECK_INT(r->tampering->items[0].rulings[TAMPER_MAIN].tampered, strchr(signs, '+') != NULL);
        ROW("%s", rows[i].what);
    }
}

/* It is said that the whole was compressed twice, and where something was put in. */
static void numbers_and_places(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct bytes files[] = {make(a, CLEAN, 75, 92), make(a, PASTED, 75, 92)};
    struct report *r = judge(a, files, 2, 1u << TAMPER_DOUBLE_JPEG);
    const struct tamper_evidence *e = &r->tampering->items[0].evidence[0];

    CHECK_STR(e->numbers[1].name, "twice");
    CHECK(e->numbers[1].value > 0.7);
    e = &r->tampering->items[1].evidence[0];
    CHECK(e->has_box);
    CHECK_NEAR((double)e->box.x, 259.0 / 512, 0.05);
    CHECK_NEAR((double)e->box.y, 133.0 / 384, 0.07);
    CHECK_NEAR((double)e->box.w, 128.0 / 512, 0.08);
    CHECK_NEAR((double)e->box.h, 96.0 / 384, 0.1);
}

/* A copy by odd numbers is between the blocks of either raster. */
static void any_shift_is_met(void)
{
    static const int shifts[][2] = {{151, 0}, {0, 111}, {150, 100}, {-149, 97}, {131, -93}};

    for (size_t i = 0; i < sizeof shifts / sizeof *shifts; i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct picture p = forge_scene(a, 512, 384, 21), luma = {512, 384, 1, arena_alloc(a, 512 * 384)};
        struct tamper_evidence e;
        struct err err = {0};
        forge_paste(&p, 200 + shifts[i][0], 150 + shifts[i][1], &p, 200, 150, 90, 80);
        picture_luma(&p, &luma);
        CHECK(copy_move(&luma, clock_mono_us() + 60000000, &e, &err) == 0);
        CHECK_INT(sign(&e), '+');
        CHECK_NEAR(fabs(e.numbers[1].value), fabs((double)shifts[i][0]), 0);
        ROW("%d, %d", shifts[i][0], shifts[i][1]);
    }
}

/* A fence copies nothing. */
static void what_repeats_itself_is_unknown(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct picture p = forge_scene(a, 480, 480, 3), luma = {480, 480, 1, arena_alloc(a, 480 * 480)};
    struct tamper_evidence e;

    for (int y = 0; y < 480; y += 60)
        for (int x = 0; x < 480; x += 60)
            if (x || y)
                forge_paste(&p, x, y, &p, 0, 0, 60, 60);
    picture_luma(&p, &luma);
    CHECK(copy_move(&luma, clock_mono_us() + 60000000, &e, NULL) == 0);
    CHECK_STR(e.code, "repetitive");
}

/* ---- the tables ---- */

static void a_table_has_its_quality(void)
{
    uint16_t t[64];

    for (int q = 1; q <= 100; q++) {
        dct_table(q, t);
        CHECK(dct_quality(t) >= q);
        ROW("%d", q);
    }
    t[63]++;
    CHECK_INT(dct_quality(t), 0);
}

static void the_transform_keeps_energy(void)
{
    uint8_t pixels[64];
    double before = 0, after = 0;
    float c[64];

    for (int i = 0; i < 64; i++) {
        pixels[i] = (uint8_t)(i * 37 % 256);
        before += (pixels[i] - 128.0) * (pixels[i] - 128.0);
    }
    dct8(pixels, 8, c);
    for (int i = 0; i < 64; i++)
        after += (double)c[i] * (double)c[i];
    CHECK_NEAR(after / before, 1, 1e-5);
}

/* ---- what stands beside the picture ---- */

/* EXIF by little endian: Make, Software, DateTime; DateTimeOriginal and sides in their directory. */
static struct bytes exif(struct arena *a, const char *software, const char *changed, int width)
{
    static const char made[] = "2024:05:06 07:08:09";
    uint8_t *b = arena_alloc(a, 512), *p = b + 6 + 8;
    size_t texts = 200, n;
#define PUT16(at, v) ((at)[0] = (uint8_t)(v), (at)[1] = (uint8_t)((v) >> 8))
#define ENTRY(tag, type, count, value) \
    do {                               \
        PUT16(p, tag);                 \
        PUT16(p + 2, type);            \
        PUT16(p + 4, count);           \
        PUT16(p + 8, value);           \
        p += 12;                       \
    } while (0)
#define TEXT(tag, text)                 \
    do {                                \
        n = strlen(text) + 1;           \
        memcpy(b + 6 + texts, text, n); \
        ENTRY(tag, 2, n, texts);        \
        texts += n;                     \
    } while (0)
    memcpy(b, "Exif\0\0II*\0\10\0\0\0", 14);
    PUT16(p, 4);
    p += 2;
    TEXT(0x010f, "Camera Works");
    TEXT(0x0131, software);
    TEXT(0x0132, changed);
    ENTRY(0x8769, 4, 1, 100);
    p = b + 6 + 100;
    PUT16(p, 3);
    p += 2;
    TEXT(0x9003, made);
    ENTRY(0xa002, 3, 1, width);
    ENTRY(0xa003, 3, 1, 384);
    return bytes_of(b, 512);
}

static void metadata_contradicts_itself(void)
{
    static const struct {
        const char *what, *software, *changed;
        int width;
        double score;
    } rows[] = {
        {"as taken", "Firmware 1.0", "2024:05:06 07:08:09", 512, 0.1},
        {"changed a day later", "Firmware 1.0", "2024:05:07 07:08:09", 512, 0.235},
        {"an editor", "Adobe Photoshop 25.0", "2024:05:06 07:08:09", 512, 0.415},
        {"an editor, other sides, later", "GIMP 2.10", "2024:05:07 01:00:00", 4000, 0.627},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct bytes e = exif(a, rows[i].software, rows[i].changed, rows[i].width);
        struct bytes file = forge_segment(a, make(a, CLEAN, 0, 90), 0xe1, e);
        struct report *r = judge(a, &file, 1, 1u << TAMPER_METADATA);
        CHECK_NEAR(r->tampering->items[0].evidence[0].score, rows[i].score, 0.001);
        ROW("%s", rows[i].what);
    }
}

/* ---- PDFs ---- */

static struct bytes pdf_of(struct arena *a, const char *head, struct bytes jpeg, const char *tail)
{
    struct buf b = BUF(8 << 20);
    struct bytes copy;

    buf_str(&b, "%PDF-1.7\n1 0 obj\n");
    buf_str(&b, head);
    if (jpeg.len) {
        buf_printf(&b, "\n2 0 obj\n<</Subtype /Image /Filter /DCTDecode /Length %zu>>\nstream\r\n", jpeg.len);
        buf_add(&b, jpeg.data, jpeg.len);
        buf_str(&b, "\nendstream\nendobj\n");
    }
    buf_str(&b, tail);
    copy = bytes_of(arena_alloc(a, b.len), b.len);
    memcpy((uint8_t *)(uintptr_t)copy.data, b.data, b.len);
    buf_clear(&b);
    return copy;
}

static void pictures_in_a_pdf_are_items(void)
{
    static const char info[] =
        "<</Producer (Word) /CreationDate (D:20240506070809Z) /ModDate (D:20240506070809Z)>>";
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct bytes files[] = {pdf_of(a, info, make(a, PASTED, 75, 92), "%%EOF\n"),
                            pdf_of(a, info, (struct bytes){0}, "%%EOF\n"),
                            pdf_of(a, "<<>>", (struct bytes){0}, "%%EOF\n")};
    struct report *r = judge(a, files, 3, TAMPER_ALL);
    const struct tamper_item *it = r->tampering->items;

    CHECK_INT(r->tampering->nitems, 4);
    CHECK_STR(it[0].format, "pdf");
    CHECK_STR(it[0].evidence[TAMPER_COPY_MOVE].code, "not_a_picture");
    CHECK_INT(sign(&it[0].evidence[TAMPER_METADATA]), '-');
    CHECK(it[1].part == 0 && it[1].picture == 1 && it[1].rulings[TAMPER_MAIN].tampered);
    CHECK_INT(sign(&it[1].evidence[TAMPER_DOUBLE_JPEG]), '+');
    CHECK_STR(it[2].evidence[TAMPER_COPY_MOVE].code, "no_pictures");
    CHECK(!it[2].rulings[TAMPER_MAIN].unknown && it[2].rulings[TAMPER_PIXELS].unknown);
    CHECK_STR(it[3].evidence[TAMPER_METADATA].code, "no_metadata");
    CHECK(it[3].rulings[TAMPER_MAIN].unknown && !it[3].rulings[TAMPER_MAIN].tampered);
}

static void pdfs_tell_of_their_past(void)
{
    static const struct {
        const char *what, *head, *tail;
        double score; /* -1: unknown */
    } rows[] = {
        {"nothing said", "<<>>", "%%EOF\n", -1},
        {"made once", "<</Producer (Word)>>", "%%EOF\n", 0},
        {"added to", "<</Producer (Word)>>", "%%EOF\n3 0 obj\n%%EOF\n", 0.25},
        {"written for the web", "/Linearized 1 <</Producer (Word)>>", "%%EOF\n3 0 obj\n%%EOF\n", 0},
        {"an editor, in UTF-16, later",
         "<</Producer <FEFF00530065006A00640061> /CreationDate (D:20240101000000) /ModDate "
         "(D:20240201000000)>>",
         "%%EOF\n", 0.4475},
        {"signed", "<</ByteRange [0 10 20 30]>>", "%%EOF\n", 0},
        {"changed behind a signature", "<</ByteRange [0 10 20 20]>>", "%%EOF\n4 0 obj\n%%EOF\n", 0.8},
        {"a range that is none", "<</Producer (Word) /ByteRange [0 10 20 99999]>>", "%%EOF\n", 0},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct pdf_facts f;
        struct tamper_evidence e;
        pdf_facts_read(pdf_of(a, rows[i].head, (struct bytes){0}, rows[i].tail), &f);
        e = metadata_of_pdf(&f);
        CHECK_NEAR(e.code ? -1 : e.score, rows[i].score, 1e-9);
        ROW("%s", rows[i].what);
    }
}

/* ---- batches and strangers ---- */

static void one_bad_ticket_does_not_touch_the_others(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct bytes good = make(a, CLEAN, 0, 90), bomb = bytes_of(arena_alloc(a, good.len), good.len);
    struct picture one = {1, 1, 3, (uint8_t[]){1, 2, 3}};
    struct bytes files[] = {good,
                            bytes_of(good.data, good.len / 2),
                            bytes_of("no picture", 10),
                            forge_jpeg(a, &one, 90),
                            bomb,
                            bytes_of("%PDF-", 5)};
    uint8_t *b = (uint8_t *)(uintptr_t)bomb.data;
    struct report *r, *back;
    uint8_t *sof;

    memcpy(b, good.data, good.len);
    sof = memmem(b, bomb.len, "\xff\xc0", 2);
    CHECK(sof != NULL);
    memset(sof + 5, 0xff, 4); /* 65535 x 65535 */
    r = judge(a, files, 6, TAMPER_ALL);
    CHECK_INT(r->error.kind, ERR_NONE);
    CHECK_INT(r->tampering->nitems, 6);
    CHECK_INT(r->tampering->items[0].error.kind, ERR_NONE);
    CHECK_INT(r->tampering->items[1].error.kind, ERR_DECODE);
    CHECK_INT(r->tampering->items[2].error.kind, ERR_DECODE);
    CHECK_INT(r->tampering->items[3].error.kind, ERR_NONE);
    CHECK_STR(r->tampering->items[3].evidence[TAMPER_ERROR_LEVEL].code, "too_small");
    CHECK(r->tampering->items[3].rulings[TAMPER_MAIN].unknown);
    CHECK_INT(r->tampering->items[4].error.kind, ERR_LIMIT);
    CHECK(r->tampering->items[4].rulings[TAMPER_MAIN].unknown);
    CHECK(r->tampering->items[5].rulings[TAMPER_MAIN].unknown);
    CHECK(report_from_json(a, report_to_json(a, r), &back, NULL) == 0);
    CHECK_STR((const char *)report_to_json(a, back).data, (const char *)report_to_json(a, r).data);
}

/* The same bytes, the same report, but for the times; none asked, none answered. */
static void same_batch_same_report(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct bytes file = make(a, PASTED, 75, 92);
    struct report *r[2];

    for (int i = 0; i < 2; i++) {
        r[i] = judge(a, &file, 1, TAMPER_ALL);
        r[i]->decode_us = r[i]->infer_us = r[i]->total_us = 0;
        for (size_t k = 0; k < r[i]->tampering->items[0].nevidence; k++)
            r[i]->tampering->items[0].evidence[k].seconds = 0;
    }
    CHECK_STR((const char *)report_to_json(a, r[0]).data, (const char *)report_to_json(a, r[1]).data);
    r[0] = judge(a, &file, 1, 0);
    CHECK_INT(r[0]->tampering->items[0].nevidence, 0);
    CHECK(r[0]->tampering->items[0].rulings[TAMPER_MAIN].unknown);
}

int main(void)
{
    RUN(made_examples_are_told_apart);
    RUN(numbers_and_places);
    RUN(any_shift_is_met);
    RUN(what_repeats_itself_is_unknown);
    RUN(a_table_has_its_quality);
    RUN(the_transform_keeps_energy);
    RUN(metadata_contradicts_itself);
    RUN(pictures_in_a_pdf_are_items);
    RUN(pdfs_tell_of_their_past);
    RUN(one_bad_ticket_does_not_touch_the_others);
    RUN(same_batch_same_report);
    return test_end();
}
