#include "media/jpeg_source_int.h"

#include <string.h>

#include <jerror.h>

#include "base/c23.h"
#include "media/exif_int.h"

enum {
    MAX_SCANS = 500,
    MAX_MEMORY = 288 << 20, /* of libjpeg: the coefficients of 40 megapixels */
    EXIF_BYTES = 65533,     /* no segment is longer */
};

/* ---- what libjpeg calls ---- */

static struct jpeg_source *source_of(j_common_ptr c)
{
    return c->client_data;
}

_Noreturn static void leave(j_common_ptr c)
{
    longjmp(source_of(c)->escape, 1);
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
    err_set(source_of(c)->err, kind_of(c->err->msg_code), "The JPEG cannot be read: %s.", text);
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
    err_set(source_of(c)->err, ERR_DECODE, "The JPEG is damaged: %s.", text);
    leave(c);
}

static void on_progress(j_common_ptr c)
{
    struct jpeg_source *r = source_of(c);

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
    err_set(source_of((j_common_ptr)c)->err, ERR_DECODE, "The JPEG was cut off: its end is missing.");
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

void jpeg_source_begin(struct jpeg_source *r, const struct still_work *work, struct bytes file,
                       struct err *err)
{
    r->work = work;
    r->err = err;
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
    jpeg_save_markers(&r->c, JPEG_EXIF, EXIF_BYTES);
}
