/* What EXIF says about how a picture came to be, and XMP's few words on the same. Pure, bounded, for foreign
 * bytes (fuzz target: tamper_files). Source: EXIF 2.32, TIFF 6. Only the first directory, the one of EXIF
 * and the one of the thumbnail are looked at; what is broken is left out. */
#ifndef ASSAY_MEDIA_EXIF_FACTS_H
#define ASSAY_MEDIA_EXIF_FACTS_H

#include "base/bytes.h"

enum { EXIF_TEXT = 64 };

struct exif_facts {
    bool present;                                                /* it is a TIFF structure */
    char make[EXIF_TEXT], model[EXIF_TEXT], software[EXIF_TEXT]; /* "" = not said; cut, printable ASCII */
    char modified[EXIF_TEXT], taken[EXIF_TEXT]; /* "2026:11:22 10:20:30"; of the file, of the picture */
    int width, height;                          /* what the camera says the picture has; 0 = not said */
    struct bytes thumbnail;                     /* a JPEG, inside of the bytes read; may be empty */
};
/* With or without "Exif\0\0" before it. */
void exif_facts_read(struct bytes exif, struct exif_facts *ret);

#endif
