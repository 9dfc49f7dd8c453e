/* Files from anywhere, as the looks for tampering read them: a PDF's facts lie inside of it, EXIF's texts
 * end, and a JPEG's blocks are all there or it is refused with a reason. */
#include <stdlib.h>
#include <string.h>

#include "analysis/tamper/metadata.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "media/exif_facts.h"
#include "media/jpeg_blocks.h"
#include "media/pdf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static volatile int sum;

static void check_inside(struct bytes file, struct bytes part)
{
    if (part.len && (part.data < file.data || part.data + part.len > file.data + file.len))
        abort();
}

static void try_pdf(struct bytes file)
{
    struct pdf_facts f;

    pdf_facts_read(file, &f);
    for (size_t i = 0; i < f.npictures; i++)
        check_inside(file, f.pictures[i]);
    sum += (int)strlen(f.producer) + (int)strlen(f.modified) + metadata_of_pdf(&f).nnumbers;
}

static void try_metadata(struct bytes file)
{
    uint8_t pixels[48 * 48 * 3] = {0};
    struct picture p = {48, 48, 3, pixels};
    struct exif_facts f;

    exif_facts_read(file, &f);
    check_inside(file, f.thumbnail);
    sum += (int)strlen(f.software) + (int)strlen(f.taken);
    sum += (int)metadata_of_picture(file, &p, 48, 48, clock_mono_us() + 1000000).nnumbers;
}

static void try_blocks(struct bytes file)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct still_opts o = still_defaults();
    struct jpeg_blocks b;
    struct err err = {0};

    o.max_pixels = 1 << 18;
    o.deadline_mono_us = clock_mono_us() + 1000000;
    if (jpeg_blocks_read(a, file, &o, &b, &err) < 0) {
        if (err.kind == ERR_NONE || err.kind == ERR_INTERNAL || !err.text[0])
            abort();
        return;
    }
    for (size_t i = 0; i < (size_t)b.across * (size_t)b.down * 64; i++)
        sum += b.coefs[i];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct bytes file = bytes_of(data, n);

    try_pdf(file);
    try_metadata(file);
    try_blocks(file);
    return 0;
}
