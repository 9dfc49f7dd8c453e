/* JPEG in and out, by libjpeg-turbo's libjpeg interface: it goes row by row, so that deadline and processor
 * time can be asked on the way, and it tells each complaint, so that damage is not taken for a picture (its
 * TurboJPEG interface does neither; jpeg_source.c). */
#include <setjmp.h>
#include <string.h>

#include "base/c23.h"
#include "base/cleanup.h"
#include "base/mem.h"
#include "media/exif_int.h"
#include "media/jpeg_int.h"
#include "media/jpeg_source_int.h"

enum { ROWS = 16 /* at once */ };

struct reader {
    struct jpeg_source in;
    const struct still_work *work;
    struct still_raw *raw;
    struct err *err;
};

/* The first EXIF segment; others of that marker hold XMP. */
static int orientation(const struct reader *r)
{
    for (jpeg_saved_marker_ptr m = r->in.c.marker_list; m; m = m->next)
        if (m->marker == JPEG_EXIF && m->data_length > 6 && memcmp(m->data, "Exif\0", 6) == 0)
            return exif_orientation(bytes_of(m->data, m->data_length));
    return 1;
}

static bool has_ink(const struct reader *r)
{
    return r->in.c.jpeg_color_space == JCS_CMYK || r->in.c.jpeg_color_space == JCS_YCCK;
}

static int read_header(struct reader *r)
{
    struct jpeg_decompress_struct *c = &r->in.c;

    jpeg_read_header(c, TRUE);
    r->raw->width = (int)c->image_width;
    r->raw->height = (int)c->image_height;
    r->raw->orientation = r->work->opts.as_stored ? 1 : orientation(r);
    if (still_check_size(r->work, c->image_width, c->image_height, r->err) < 0)
        return -1;
    c->scale_num = 1;
    c->scale_denom = (unsigned)still_divisor(r->work, r->raw->width, r->raw->height);
    c->out_color_space = has_ink(r) ? JCS_CMYK : JCS_EXT_BGR;
    c->dct_method = JDCT_ISLOW;
    return 0;
}

/* Four inks to three lights, as if each ink took its part of the white. Adobe's programs store them inverted.
 */
static void ink_to_bgr(const uint8_t *from, uint8_t *to, int width, bool inverted)
{
    for (int x = 0; x < width; x++, from += 4, to += 3)
        for (int i = 0; i < 3; i++) {
            int ink = from[2 - i], black = from[3];

            to[i] = (uint8_t)((inverted ? ink * black : (255 - ink) * (255 - black)) / 255);
        }
}

static void read_inks(struct reader *r, struct picture *p)
{
    struct jpeg_decompress_struct *c = &r->in.c;
    JSAMPARRAY row = c->mem->alloc_sarray((j_common_ptr)c, JPOOL_IMAGE, (JDIMENSION)p->width * 4, 1);

    while (c->output_scanline < c->output_height) {
        uint8_t *to = p->pixels + (size_t)c->output_scanline * (size_t)p->width * 3;

        if (jpeg_read_scanlines(c, row, 1) == 1)
            ink_to_bgr(row[0], to, p->width, c->saw_Adobe_marker);
    }
}

static void read_rows(struct reader *r, struct picture *p)
{
    struct jpeg_decompress_struct *c = &r->in.c;

    while (c->output_scanline < c->output_height) {
        JSAMPROW rows[ROWS];
        JDIMENSION n = c->output_height - c->output_scanline;

        n = n < ROWS ? n : ROWS;
        for (JDIMENSION i = 0; i < n; i++)
            rows[i] = p->pixels + (size_t)(c->output_scanline + i) * (size_t)p->width * 3;
        jpeg_read_scanlines(c, rows, n);
    }
}

/* A progressive file that lacks the first scan of a component has an end, but no picture. */
static int check_scans(struct reader *r)
{
    const struct jpeg_decompress_struct *c = &r->in.c;

    for (int i = 0; c->progressive_mode && c->coef_bits && i < c->num_components; i++)
        if (c->coef_bits[i][0] < 0)
            return FAIL(r->err, ERR_DECODE, "The JPEG was cut off: scans are missing.");
    return 0;
}

static int read_picture(struct reader *r)
{
    struct jpeg_decompress_struct *c = &r->in.c;
    struct picture *p = &r->raw->picture;

    jpeg_start_decompress(c);
    if (still_room(r->work, (int)c->output_width, (int)c->output_height, r->raw->orientation == 1, p,
                   r->err) < 0 ||
        check_scans(r) < 0)
        return -1;
    if (has_ink(r))
        read_inks(r, p);
    else
        read_rows(r, p);
    jpeg_finish_decompress(c);
    return 0;
}

/* Everything that libjpeg may leave by a jump; nothing in here needs to be freed. */
static int read_guarded(struct reader *r, struct bytes file)
{
    if (setjmp(r->in.escape))
        return -1;
    jpeg_source_begin(&r->in, r->work, file, r->err);
    return read_header(r) < 0 ? -1 : read_picture(r);
}

static int read_jpeg(const struct still_work *w, struct bytes file, struct still_raw *ret, struct err *err)
{
    CLEANUP(freep) struct reader *r = mem_alloc(sizeof *r);
    struct err why = {0};
    int status;

    r->work = w;
    r->raw = ret;
    r->err = &why;
    status = read_guarded(r, file);
    jpeg_destroy_decompress(&r->in.c);
    if (status < 0)
        return FAIL(err, why.kind, "%s", why.text);
    return 0;
}

static bool is_jpeg(struct bytes file)
{
    return file.len >= 3 && memcmp(file.data, "\xff\xd8\xff", 3) == 0;
}

const struct still_format still_jpeg = {"jpeg", is_jpeg, read_jpeg};

/* ---- writing ---- */

struct writer {
    struct jpeg_error_mgr errors;
    struct jpeg_compress_struct c;
    jmp_buf escape;
    unsigned char *data;
    unsigned long len;
};

_Noreturn static void stop_writing(j_common_ptr c)
{
    struct writer *w = c->client_data;

    longjmp(w->escape, 1);
}

static int write_guarded(struct writer *w, const struct picture *p, int quality)
{
    struct jpeg_compress_struct *c = &w->c;

    if (setjmp(w->escape))
        return -1;
    c->err = jpeg_std_error(&w->errors);
    w->errors.error_exit = stop_writing;
    c->client_data = w;
    jpeg_create_compress(c);
    c->client_data = w;
    jpeg_mem_dest(c, &w->data, &w->len);
    c->image_width = (JDIMENSION)p->width;
    c->image_height = (JDIMENSION)p->height;
    c->input_components = p->channels;
    c->in_color_space = p->channels == 1 ? JCS_GRAYSCALE : JCS_EXT_BGR;
    jpeg_set_defaults(c);
    jpeg_set_quality(c, quality, TRUE);
    c->dct_method = JDCT_ISLOW;
    c->optimize_coding = TRUE;
    jpeg_start_compress(c, TRUE);
    while (c->next_scanline < c->image_height) {
        JSAMPROW row = p->pixels + (size_t)c->next_scanline * (size_t)p->width * (size_t)p->channels;

        jpeg_write_scanlines(c, &row, 1);
    }
    jpeg_finish_compress(c);
    return 0;
}

int jpeg_write(struct arena *a, const struct picture *p, int quality, struct bytes *ret, struct err *err)
{
    CLEANUP(freep) struct writer *w = mem_alloc(sizeof *w);
    int status = write_guarded(w, p, quality);
    uint8_t *copy;

    jpeg_destroy_compress(&w->c);
    if (status == 0) {
        copy = arena_alloc(a, w->len);
        memcpy(copy, w->data, w->len);
        *ret = bytes_of(copy, w->len);
    }
    freep(&w->data);
    return status < 0 ? FAIL(err, ERR_INTERNAL, "A picture of %dx%d could not be written as JPEG.", p->width,
                             p->height)
                      : 0;
}
