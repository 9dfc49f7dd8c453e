/* A place in a picture. */
#ifndef ASSAY_REPORT_BOX_H
#define ASSAY_REPORT_BOX_H

struct box {
    float x, y, w, h; /* left, top, width, height; 0..1 of the displayed frame */
};

#endif
