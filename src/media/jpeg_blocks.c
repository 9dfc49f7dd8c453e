#include "media/jpeg_blocks.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "media/jpeg_source_int.h"

struct reader {
    struct jpeg_source in;
    struct jpeg_blocks *ret;
    struct arena *arena;
    struct err *err;
};

static int room(struct reader *r, int16_t **ret)
{
    const jpeg_component_info *y = &r->in.c.comp_info[0];
    int16_t *all;

    r->ret->across = (int)y->width_in_blocks;
    r->ret->down = (int)y->height_in_blocks;
    all = arena_try(r->arena, (size_t)r->ret->across * (size_t)r->ret->down * DCTSIZE2 * sizeof *all);
    if (!all)
        return FAIL(r->err, ERR_LIMIT, "There is no memory for the blocks of a JPEG.");
    r->ret->coefs = *ret = all;
    return 0;
}

static void copy_rows(struct reader *r, jvirt_barray_ptr brightness, int16_t *to)
{
    j_common_ptr c = (j_common_ptr)&r->in.c;
    size_t row = (size_t)r->ret->across * DCTSIZE2;

    for (int y = 0; y < r->ret->down; y++) {
        JBLOCKARRAY blocks = r->in.c.mem->access_virt_barray(c, brightness, (JDIMENSION)y, 1, FALSE);

        memcpy(to + (size_t)y * row, blocks[0][0], row * sizeof *to);
    }
}

static int check_header(struct reader *r)
{
    struct jpeg_decompress_struct *c = &r->in.c;

    if (c->jpeg_color_space != JCS_YCbCr && c->jpeg_color_space != JCS_GRAYSCALE)
        return FAIL(r->err, ERR_UNSUPPORTED, "The JPEG has no component of brightness.");
    r->ret->width = (int)c->image_width;
    r->ret->height = (int)c->image_height;
    return still_check_size(r->in.work, c->image_width, c->image_height, r->err);
}

/* Everything that libjpeg may leave by a jump. */
static int read_guarded(struct reader *r, const struct still_work *work, struct bytes file)
{
    jvirt_barray_ptr *all;
    int16_t *to;

    if (setjmp(r->in.escape))
        return -1;
    jpeg_source_begin(&r->in, work, file, r->err);
    jpeg_read_header(&r->in.c, TRUE);
    if (check_header(r) < 0)
        return -1;
    all = jpeg_read_coefficients(&r->in.c);
    if (!r->in.c.comp_info[0].quant_table)
        return FAIL(r->err, ERR_DECODE, "The JPEG has no table of quantisation.");
    memcpy(r->ret->quant, r->in.c.comp_info[0].quant_table->quantval, sizeof r->ret->quant);
    if (room(r, &to) < 0)
        return -1;
    copy_rows(r, all[0], to);
    jpeg_finish_decompress(&r->in.c);
    return 0;
}

int jpeg_blocks_read(struct arena *a, struct bytes file, const struct still_opts *opts,
                     struct jpeg_blocks *ret, struct err *err)
{
    CLEANUP(freep) struct reader *r = mem_alloc(sizeof *r);
    struct still_work work = {a, a, *opts, opts->cpu_us > 0 ? clock_cpu_us() + opts->cpu_us : 0};
    struct jpeg_blocks found = {0};
    struct err why = {0};
    int status;

    if (file.len < 3 || memcmp(file.data, "\xff\xd8\xff", 3) != 0)
        return FAIL(err, ERR_DECODE, "This is not a JPEG.");
    if (opts->max_bytes > 0 && file.len > (uint64_t)opts->max_bytes)
        return FAIL(err, ERR_LIMIT, "The image has more than %lld bytes.", (long long)opts->max_bytes);
    *r = (struct reader){.ret = &found, .arena = a, .err = &why};
    status = read_guarded(r, &work, file);
    jpeg_destroy_decompress(&r->in.c);
    if (status < 0)
        return FAIL(err, why.kind, "%s", why.text);
    *ret = found;
    return 0;
}
