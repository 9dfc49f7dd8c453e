/* The one thing of EXIF that changes what is seen: how the picture is to be turned. Pure, bounded, for
 * foreign bytes (fuzz target: exif). */
#ifndef ASSAY_MEDIA_EXIF_INT_H
#define ASSAY_MEDIA_EXIF_INT_H

#include "base/bytes.h"

/* 1 (as it is) to 8 of the tag Orientation in the first directory of a TIFF structure, with or without the
 * "Exif\0\0" before it. 1 when it is absent or anything about it is broken. */
int exif_orientation(struct bytes exif);

/* How an orientation is undone: mirror left and right, then turn clockwise. */
struct orientation {
    bool mirror;
    int degrees; /* 0, 90, 180, 270 */
};
struct orientation orientation_of(int exif); /* 1..8 */

#endif
