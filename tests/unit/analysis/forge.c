#include "forge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h> /* wants stdio.h before it */

#include "media/still.h"

/* ---- a scene ---- */

static uint32_t mix(uint32_t x)
{
    x ^= x >> 16;
    x *= 0x7feb352dU;
    x ^= x >> 15;
    x *= 0x846ca68bU;
    return x ^ x >> 16;
}

static double chance(unsigned seed, int x, int y)
{
    return (double)mix(seed * 2654435761U ^ mix((uint32_t)x * 73856093U ^ mix((uint32_t)y * 19349663U))) /
           4294967296.0;
}

/* Values on a raster of that many pixels, and straight lines between them. */
static double cloud(unsigned seed, int x, int y, int raster)
{
    int cx = x / raster, cy = y / raster;
    double fx = (double)(x % raster) / raster, fy = (double)(y % raster) / raster;
    double top = chance(seed, cx, cy) * (1 - fx) + chance(seed, cx + 1, cy) * fx;
    double bottom = chance(seed, cx, cy + 1) * (1 - fx) + chance(seed, cx + 1, cy + 1) * fx;

    return top * (1 - fy) + bottom * fy - 0.5;
}

static uint8_t level(double v)
{
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

struct picture forge_scene(struct arena *a, int width, int height, unsigned seed)
{
    struct picture p = {width, height, 3, arena_alloc(a, (size_t)width * (size_t)height * 3)};

    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            double v = 128;
            uint8_t *at = p.pixels + ((size_t)y * (size_t)width + (size_t)x) * 3;
            for (int raster = 96, i = 0; raster >= 3; raster /= 2, i++)
                v += cloud(seed + (unsigned)i, x, y, raster) * (20 + raster);
            v += cloud(seed + 50, x, y, 61) > 0.1 ? 35 : 0;
            v += chance(seed + 60, x, y) * 8 - 4;
            for (int c = 0; c < 3; c++)
                at[c] = level(v + cloud(seed + 70 + (unsigned)c, x, y, 80) * 40);
        }
    return p;
}

struct picture forge_copy(struct arena *a, const struct picture *p)
{
    struct picture copy = *p;
    size_t n = (size_t)p->width * (size_t)p->height * (size_t)p->channels;

    copy.pixels = arena_alloc(a, n);
    memcpy(copy.pixels, p->pixels, n);
    return copy;
}

void forge_paste(struct picture *to, int x, int y, const struct picture *from, int sx, int sy, int w, int h)
{
    for (int j = 0; j < h; j++)
        memmove(to->pixels + ((size_t)(y + j) * (size_t)to->width + (size_t)x) * 3,
                from->pixels + ((size_t)(sy + j) * (size_t)from->width + (size_t)sx) * 3, (size_t)w * 3);
}

/* ---- files ---- */

struct bytes forge_jpeg(struct arena *a, const struct picture *p, int quality)
{
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr errors;
    unsigned char *data = NULL;
    unsigned long len = 0;
    uint8_t *copy;

    c.err = jpeg_std_error(&errors);
    jpeg_create_compress(&c);
    jpeg_mem_dest(&c, &data, &len);
    c.image_width = (JDIMENSION)p->width;
    c.image_height = (JDIMENSION)p->height;
    c.input_components = 3;
    c.in_color_space = JCS_EXT_BGR;
    jpeg_set_defaults(&c);
    c.comp_info[0].h_samp_factor = c.comp_info[0].v_samp_factor = 1;
    jpeg_set_quality(&c, quality, TRUE);
    jpeg_start_compress(&c, TRUE);
    while (c.next_scanline < c.image_height) {
        JSAMPROW row = p->pixels + (size_t)c.next_scanline * (size_t)p->width * 3;
        jpeg_write_scanlines(&c, &row, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    copy = arena_alloc(a, len);
    memcpy(copy, data, len);
    free(data);
    return bytes_of(copy, len);
}

static void put_little(uint8_t *at, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(v >> 8 * i);
}

struct bytes forge_bmp(struct arena *a, const struct picture *p)
{
    size_t row = ((size_t)p->width * 3 + 3) / 4 * 4, n = 54 + row * (size_t)p->height;
    uint8_t *b = arena_alloc(a, n);

    memcpy(b, "BM", 2);
    put_little(b + 2, (uint32_t)n);
    put_little(b + 10, 54);
    put_little(b + 14, 40);
    put_little(b + 18, (uint32_t)p->width);
    put_little(b + 22, (uint32_t)p->height);
    b[26] = 1;
    b[28] = 24;
    for (int y = 0; y < p->height; y++)
        memcpy(b + 54 + (size_t)(p->height - 1 - y) * row, p->pixels + (size_t)y * (size_t)p->width * 3,
               (size_t)p->width * 3);
    return bytes_of(b, n);
}

struct picture forge_open(struct arena *a, struct bytes file)
{
    struct still_opts opts = still_defaults();
    struct still s;
    struct err err = {0};

    if (still_read(a, file, &opts, &s, &err) == 0)
        return s.picture;
    printf("# %s\n", err.text);
    return (struct picture){0};
}

struct bytes forge_segment(struct arena *a, struct bytes jpeg, int marker, struct bytes data)
{
    uint8_t *b = arena_alloc(a, jpeg.len + data.len + 4);

    memcpy(b, jpeg.data, 2);
    b[2] = 0xff;
    b[3] = (uint8_t)marker;
    b[4] = (uint8_t)((data.len + 2) >> 8);
    b[5] = (uint8_t)(data.len + 2);
    memcpy(b + 6, data.data, data.len);
    memcpy(b + 6 + data.len, jpeg.data + 2, jpeg.len - 2);
    return bytes_of(b, jpeg.len + data.len + 4);
}
