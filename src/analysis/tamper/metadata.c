#include "analysis/tamper/metadata.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/tamper/dct.h"
#include "analysis/tamper/evidence_int.h"
#include "base/c23.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "media/exif_facts.h"
#include "media/still.h"

static const double threshold = 0.5;

/* Programs whose purpose it is to change what a picture or a document shows. Not those that only sort or
 * develop. */
static const char *const picture_editors[] = {
    "photoshop", "gimp",       "paint.net", "affinity", "pixelmator", "picsart", "snapseed",
    "canva",     "facetune",   "faceapp",   "corel",    "photopea",   "pixlr",   "krita",
    "acorn",     "photoscape", "paintshop", "fotor",    "befunky",    "meitu"};
static const char *const pdf_editors[] = {
    "ilovepdf",         "sejda",         "pdfescape", "smallpdf", "pdffiller",  "pdf editor", "pdfill",
    "pdf-xchange edit", "foxit phantom", "nitro pro", "infix",    "pdfelement", "photoshop",  "gimp",
    "inkscape",         "canva",         "soda pdf",  "pdf24"};

static bool names_one(const char *text, const char *const *all, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcasestr(text, all[i]))
            return true;
    return false;
}

/* ---- adding up ---- */

static void contradict(struct tamper_evidence *e, const char *name, double weight)
{
    e->score = 1 - (1 - e->score) * (1 - weight);
    evidence_add(e, name, weight);
}

/* Seconds of "2026:11:22 10:20:30" or "D:20261122102030...", roughly: only differences count. */
static bool read_date(const char *s, double *ret)
{
    int digits[14], n = 0;
    double days;

    for (; *s && n < 14; s++)
        if (isdigit((unsigned char)*s))
            digits[n++] = *s - '0';
        else if (n && *s != ':' && *s != ' ' && *s != '-')
            break;
    if (n < 14)
        return false;
#define TWO(i) (digits[i] * 10 + digits[(i) + 1])
    days = (TWO(0) * 100 + TWO(2)) * 372.0 + TWO(4) * 31.0 + TWO(6);
    *ret = days * 86400 + TWO(8) * 3600.0 + TWO(10) * 60.0 + TWO(12);
#undef TWO
    return true;
}

static bool is_later(const char *changed, const char *made)
{
    double to, from;

    return read_date(changed, &to) && read_date(made, &from) && to > from + 60;
}

/* ---- the small picture ---- */

enum { SMALL = 32 };

/* Brightness of the middle part, scaled to SMALL x SMALL, without its mean and with a deviation of 1. */
static bool sketch(const struct picture *bgr, int x, int y, int w, int h, float ret[SMALL * SMALL])
{
    uint8_t pixels[SMALL * SMALL * 3], luma[SMALL * SMALL];
    struct picture small = {SMALL, SMALL, 3, pixels}, grey = {SMALL, SMALL, 1, luma};
    double sum = 0, squares = 0, mean, deviation;

    if (w < SMALL || h < SMALL || picture_scale(bgr, x, y, w, h, &small, NULL) < 0)
        return false;
    picture_luma(&small, &grey);
    for (int i = 0; i < SMALL * SMALL; i++) {
        sum += luma[i];
        squares += (double)luma[i] * luma[i];
    }
    mean = sum / (SMALL * SMALL);
    deviation = sqrt(fmax(0, squares / (SMALL * SMALL) - mean * mean));
    for (int i = 0; i < SMALL * SMALL; i++)
        ret[i] = (float)((luma[i] - mean) / fmax(deviation, 1e-3));
    return deviation > 4;
}

/* Cameras put black bars around a small picture of another shape, so of it only what has the picture's shape
 * counts. */
static void shape(const struct picture *p, double ratio, int *w, int *h)
{
    *w = p->width;
    *h = p->height;
    if (*w > *h * ratio)
        *w = (int)lround(*h * ratio);
    else
        *h = (int)lround(*w / ratio);
}

/* -1..1, how alike they are; NAN: nobody knows. */
static double likeness(const struct picture *bgr, const struct picture *thumbnail, bool turned)
{
    float a[SMALL * SMALL], b[SMALL * SMALL];
    double ratio = (double)bgr->width / bgr->height, sum = 0;
    int w, h;

    if (turned)
        return (double)NAN;
    shape(thumbnail, ratio, &w, &h);
    if (!sketch(bgr, 0, 0, bgr->width, bgr->height, a) ||
        !sketch(thumbnail, (thumbnail->width - w) / 2, (thumbnail->height - h) / 2, w, h, b))
        return (double)NAN;
    for (int i = 0; i < SMALL * SMALL; i++)
        sum += (double)a[i] * (double)b[i];
    return sum / (SMALL * SMALL);
}

static void check_thumbnail(struct tamper_evidence *e, const struct exif_facts *f, const struct picture *bgr,
                            int64_t deadline)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct still_opts opts = still_defaults();
    struct still t;
    double alike;

    opts.max_pixels = 1 << 20;
    opts.deadline_mono_us = deadline;
    if (!f->thumbnail.len || still_read(a, f->thumbnail, &opts, &t, NULL) < 0)
        return;
    alike = likeness(bgr, &t.picture, (t.width > t.height) != (bgr->width > bgr->height));
    if (isnan(alike))
        return;
    evidence_add(e, "thumbnail_likeness", alike);
    if (alike < 0.75)
        contradict(e, "thumbnail", 0.7);
}

/* ---- the file ---- */

struct words {
    struct exif_facts exif;
    bool any, editor, has_table;
    uint16_t table[64];
};

static void look_for_editor(struct words *w, struct bytes text)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    size_t n = text.len < 65536 ? text.len : 65536;
    char *copy = arena_alloc(a, n + 1);

    for (size_t i = 0; i < n; i++)
        copy[i] = text.data[i] ? (char)text.data[i] : ' ';
    w->editor |= names_one(copy, picture_editors, COUNT_OF(picture_editors));
}

/* Of brightness, by rows; in the file they lie in a zigzag. */
static void read_table(struct words *w, struct bytes b)
{
    static const uint8_t zigzag[64] = {0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,
                                       12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6,  7,  14, 21, 28,
                                       35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
                                       58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

    for (size_t at = 0; at < b.len;) {
        size_t wide = b.data[at] >> 4 ? 2 : 1;
        if (b.len - at < 1 + 64 * wide)
            return;
        for (size_t i = 0; (b.data[at] & 15) == 0 && i < 64; i++)
            w->table[zigzag[i]] = (uint16_t)(wide == 2 ? b.data[at + 1 + 2 * i] << 8 | b.data[at + 2 + 2 * i]
                                                       : b.data[at + 1 + i]);
        w->has_table |= (b.data[at] & 15) == 0;
        at += 1 + 64 * wide;
    }
}

static void read_segment(struct words *w, uint8_t marker, struct bytes b)
{
    static const char xmp[] = "http://ns.adobe.com/xap/1.0/";

    if (marker == 0xdb)
        read_table(w, b);
    if (marker != 0xe1)
        return;
    if (b.len > 6 && memcmp(b.data, "Exif\0", 6) == 0 && !w->exif.present)
        exif_facts_read(b, &w->exif);
    if (b.len > sizeof xmp && memcmp(b.data, xmp, sizeof xmp) == 0) {
        w->any = true;
        look_for_editor(w, b);
    }
}

static void read_jpeg(struct words *w, struct bytes b)
{
    for (size_t at = 2; at + 4 <= b.len && b.data[at] == 0xff;) {
        uint8_t marker = b.data[at + 1];
        size_t n = (size_t)b.data[at + 2] << 8 | b.data[at + 3];
        if (marker == 0xff) { /* a filler */
            at++;
            continue;
        }
        if (marker == 0xda || marker == 0xd9 || n < 2 || n > b.len - at - 2)
            return;
        read_segment(w, marker, bytes_of(b.data + at + 4, n - 2));
        at += 2 + n;
    }
}

static void read_png(struct words *w, struct bytes b)
{
    for (size_t at = 8; b.len - at >= 12 && at < b.len;) {
        const uint8_t *p = b.data + at;
        size_t n = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
        bool text = memcmp(p + 4, "tEXt", 4) == 0 || memcmp(p + 4, "iTXt", 4) == 0;
        if (n > b.len - at - 12)
            return;
        if (text) {
            w->any = true;
            look_for_editor(w, bytes_of(p + 8, n));
        }
        if (memcmp(p + 4, "eXIf", 4) == 0)
            exif_facts_read(bytes_of(p + 8, n), &w->exif);
        at += 12 + n;
    }
}

static void read_words(struct words *w, struct bytes file)
{
    if (file.len > 3 && memcmp(file.data, "\xff\xd8\xff", 3) == 0)
        read_jpeg(w, file);
    else if (file.len > 8 && memcmp(file.data, "\x89PNG\r\n\x1a\n", 8) == 0)
        read_png(w, file);
    w->any |= w->exif.present;
    w->editor |= names_one(w->exif.software, picture_editors, COUNT_OF(picture_editors));
}

static bool other_size(const struct exif_facts *f, int width, int height)
{
    if (f->width < 1 || f->height < 1)
        return false;
    return !(f->width == width && f->height == height) && !(f->width == height && f->height == width);
}

struct tamper_evidence metadata_of_picture(struct bytes file, const struct picture *bgr, int width,
                                           int height, int64_t deadline_mono_us)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct tamper_evidence e = {.model = TAMPER_METADATA, .threshold = threshold};
    struct words *w = arena_alloc(a, sizeof *w);

    read_words(w, file);
    if (!w->any)
        return evidence_unknown(TAMPER_METADATA, "no_metadata");
    check_thumbnail(&e, &w->exif, bgr, deadline_mono_us);
    if (w->editor)
        contradict(&e, "editor", 0.35);
    if (other_size(&w->exif, width, height))
        contradict(&e, "size", 0.25);
    if (is_later(w->exif.modified, w->exif.taken))
        contradict(&e, "dates", 0.15);
    if (*w->exif.make && w->has_table && dct_quality(w->table))
        contradict(&e, "tables", 0.1);
    return e;
}

struct tamper_evidence metadata_of_pdf(const struct pdf_facts *f)
{
    struct tamper_evidence e = {.model = TAMPER_METADATA, .threshold = threshold};
    bool says = *f->producer || *f->creator || *f->created || *f->modified || f->is_signed || f->ends > 1;

    if (!says)
        return evidence_unknown(TAMPER_METADATA, "no_metadata");
    evidence_add(&e, "ends", (double)f->ends);
    if (f->is_signed)
        evidence_add(&e, "signed", 1);
    if (f->is_signed && f->behind)
        contradict(&e, "after_signature", 0.8);
    if (names_one(f->producer, pdf_editors, COUNT_OF(pdf_editors)) ||
        names_one(f->creator, pdf_editors, COUNT_OF(pdf_editors)))
        contradict(&e, "editor", 0.35);
    if (!f->is_signed && f->ends > (f->linearized ? 2 : 1))
        contradict(&e, "updates", 0.25);
    if (is_later(f->modified, f->created))
        contradict(&e, "dates", 0.15);
    return e;
}
