/* JPEG in and out, by libjpeg-turbo's libjpeg interface: it goes row by row, so that deadline and processor
 * time can be asked on the way, and it tells each complaint, so that damage is not taken for a picture (its
 * TurboJPEG interface does neither). */
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h> /* wants stdio.h before it */

#include <jerror.h> /* and this one wants jpeglib.h */

#include "base/c23.h"
#include "base/cleanup.h"
#include "base/mem.h"
#include "media/exif_int.h"
#include "media/jpeg_int.h"
#include "media/still_int.h"

enum {
    MAX_SCANS = 500,
    MAX_MEMORY = 288 << 20, /* of libjpeg: the coefficients of 40 megapixels */
    ROWS = 16,              /* at once */
    EXIF_MARKER = JPEG_APP0 + 1,
    EXIF_BYTES = 65533, /* no segment is longer */
};

struct reader {
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    struct jpeg_source_mgr source;
    struct jpeg_decompress_struct c;
    jmp_buf escape;
    const struct still_work *work;
    struct still_raw *raw;
    struct err *err;
};

/* ---- what libjpeg calls ---- */

static struct reader *reader_of(j_common_ptr c)
{
    return c->client_data;
}

_Noreturn static void leave(j_common_ptr c)
{
    longjmp(reader_of(c)->escape, 1);
}

static enum err_kind kind_of(int code)
{
    static const struct {
        int code;
        enum err_kind kind;
    } kinds[] = {
        {JERR_SOF_UNSUPPORTED, ERR_UNSUPPORTED},
        {JERR_BAD_PRECISION, ERR_UNSUPPORTED},
        {JERR_CONVERSION_NOTIMPL, ERR_UNSUPPORTED},
        {JERR_BAD_J_COLORSPACE, ERR_UNSUPPORTED},
        {JERR_NOT_COMPILED, ERR_UNSUPPORTED},
        {JERR_ARITH_NOTIMPL, ERR_UNSUPPORTED},
        {JERR_OUT_OF_MEMORY, ERR_LIMIT},
        {JERR_NO_BACKING_STORE, ERR_LIMIT},
        {JERR_IMAGE_TOO_BIG, ERR_LIMIT},
    };

    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (kinds[i].code == code)
            return kinds[i].kind;
    return ERR_DECODE;
}

_Noreturn static void complain(j_common_ptr c)
{
    char text[JMSG_LENGTH_MAX];

    c->err->format_message(c, text);
    err_set(reader_of(c)->err, kind_of(c->err->msg_code), "The JPEG cannot be read: %s.", text);
    leave(c);
}

/* A warning means that pixels were made up, but for these. */
static bool is_harmless(int code)
{
    static const int harmless[] = {JWRN_EXTRANEOUS_DATA, JWRN_ADOBE_XFORM, JWRN_JFIF_MAJOR,
                                   JWRN_TOO_MUCH_DATA};

    for (size_t i = 0; i < COUNT_OF(harmless); i++)
        if (harmless[i] == code)
            return true;
    return false;
}

static void on_message(j_common_ptr c, int level)
{
    char text[JMSG_LENGTH_MAX];

    if (level >= 0 || is_harmless(c->err->msg_code))
        return;
    c->err->format_message(c, text);
    err_set(reader_of(c)->err, ERR_DECODE, "The JPEG is damaged: %s.", text);
    leave(c);
}

static void on_progress(j_common_ptr c)
{
    struct reader *r = reader_of(c);

    if (still_on_time(r->work, r->err) < 0)
        leave(c);
    if (r->c.input_scan_number <= MAX_SCANS)
        return;
    err_set(r->err, ERR_LIMIT, "The JPEG has more than %d scans.", MAX_SCANS);
    leave(c);
}

static void nothing(j_decompress_ptr c)
{
    (void)c;
}

/* All of the file is there from the beginning: who wants more has come to a place where it was cut off. */
static boolean at_end(j_decompress_ptr c)
{
    err_set(reader_of((j_common_ptr)c)->err, ERR_DECODE, "The JPEG was cut off: its end is missing.");
    leave((j_common_ptr)c);
}

static void skip(j_decompress_ptr c, long n)
{
    if (n <= 0)
        return;
    if ((size_t)n > c->src->bytes_in_buffer)
        at_end(c);
    c->src->next_input_byte += n;
    c->src->bytes_in_buffer -= (size_t)n;
}

/* ---- reading ---- */

static void start(struct reader *r, struct bytes file)
{
    r->c.err = jpeg_std_error(&r->errors);
    r->errors.error_exit = complain;
    r->errors.emit_message = on_message;
    r->c.client_data = r;
    jpeg_create_decompress(&r->c);
    r->c.client_data = r;
    r->c.mem->max_memory_to_use = MAX_MEMORY;
    r->progress.progress_monitor = on_progress;
    r->c.progress = &r->progress;
    r->source = (struct jpeg_source_mgr){
        .next_input_byte = file.data,
        .bytes_in_buffer = file.len,
        .init_source = nothing,
        .fill_input_buffer = at_end,
        .skip_input_data = skip,
        .resync_to_restart = jpeg_resync_to_restart,
        .term_source = nothing,
    };
    r->c.src = &r->source;
    jpeg_save_markers(&r->c, EXIF_MARKER, EXIF_BYTES);
}

/* The first EXIF segment; others of that marker hold XMP. */
static int orientation(const struct reader *r)
{
    for (jpeg_saved_marker_ptr m = r->c.marker_list; m; m = m->next)
        if (m->marker == EXIF_MARKER && m->data_length > 6 && memcmp(m->data, "Exif\0", 6) == 0)
            return exif_orientation(bytes_of(m->data, m->data_length));
    return 1;
}

static bool has_ink(const struct reader *r)
{
    return r->c.jpeg_color_space == JCS_CMYK || r->c.jpeg_color_space == JCS_YCCK;
}

static int read_header(struct reader *r)
{
    struct jpeg_decompress_struct *c = &r->c;

    jpeg_read_header(c, TRUE);
    r->raw->width = (int)c->image_width;
    r->raw->height = (int)c->image_height;
    r->raw->orientation = orientation(r);
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
    struct jpeg_decompress_struct *c = &r->c;
    JSAMPARRAY row = c->mem->alloc_sarray((j_common_ptr)c, JPOOL_IMAGE, (JDIMENSION)p->width * 4, 1);

    while (c->output_scanline < c->output_height) {
        uint8_t *to = p->pixels + (size_t)c->output_scanline * (size_t)p->width * 3;

        if (jpeg_read_scanlines(c, row, 1) == 1)
            ink_to_bgr(row[0], to, p->width, c->saw_Adobe_marker);
    }
}

static void read_rows(struct reader *r, struct picture *p)
{
    struct jpeg_decompress_struct *c = &r->c;

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
    const struct jpeg_decompress_struct *c = &r->c;

    for (int i = 0; c->progressive_mode && c->coef_bits && i < c->num_components; i++)
        if (c->coef_bits[i][0] < 0)
            return FAIL(r->err, ERR_DECODE, "The JPEG was cut off: scans are missing.");
    return 0;
}

static int read_picture(struct reader *r)
{
    struct jpeg_decompress_struct *c = &r->c;
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
    if (setjmp(r->escape))
        return -1;
    start(r, file);
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
    jpeg_destroy_decompress(&r->c);
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
