/* What the readers of still images share. */
#ifndef ASSAY_MEDIA_STILL_INT_H
#define ASSAY_MEDIA_STILL_INT_H

#include "media/still.h"

struct still_work {
    struct arena *arena;   /* of the caller: for the picture that is handed out */
    struct arena *scratch; /* for what is not */
    struct still_opts opts;
    int64_t cpu_until_us; /* 0 = no limit */
};

/* What a reader found. */
struct still_raw {
    struct picture picture; /* BGR, as stored: not yet upright, maybe larger than needed */
    int width, height;      /* of the image as stored */
    int orientation;        /* EXIF, 1..8 */
};

/* -1 and ERR_TIMEOUT or ERR_LIMIT when the deadline has passed or the processor time is spent. */
int still_on_time(const struct still_work *w, struct err *err);
/* ERR_LIMIT, ERR_DECODE for a size that is not accepted. */
int still_check_size(const struct still_work *w, int64_t width, int64_t height, struct err *err);
/* How often a picture of that size may be halved: 1, 2, 4 or 8. */
int still_divisor(const struct still_work *w, int width, int height);
/* Memory for a picture; in the caller's arena when it is the one that is handed out. ERR_LIMIT. */
int still_room(const struct still_work *w, int width, int height, bool final, struct picture *ret,
               struct err *err);

/* A kind of image, known by its first bytes. */
struct still_format {
    const char *name;
    bool (*is)(struct bytes file);
    int (*read)(const struct still_work *w, struct bytes file, struct still_raw *ret, struct err *err);
};
extern const struct still_format still_jpeg, still_png, still_webp, still_gif, still_bmp, still_tiff;

#endif
