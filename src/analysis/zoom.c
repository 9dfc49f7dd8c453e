#include "analysis/zoom.h"

#include <math.h>
#include <stdlib.h>

enum { CHANNELS = 3, LEAST_SIDE = 64 };
static const float surroundings =
    1.6f;                           /* crop side / longer side of the place: a detector needs some context */
static const float largest = 0.75f; /* crop side / frame height: above it, zooming gains nothing */

struct zooms zooms_new(struct arena *a, int side)
{
    return (struct zooms){.arena = a, .side = side};
}

static float clampf(float v, float low, float high)
{
    return fminf(fmaxf(v, low), high);
}

bool zoom_square(const struct picture *frame, const struct box *place, struct box *ret_square)
{
    float width = (float)frame->width, height = (float)frame->height;
    float side = fmaxf(fmaxf(place->w * width, place->h * height) * surroundings, LEAST_SIDE);
    float x = (place->x + place->w / 2) * width - side / 2, y = (place->y + place->h / 2) * height - side / 2;

    if (side > largest * height || side > width)
        return false;
    x = clampf(x, 0, width - side);
    y = clampf(y, 0, height - side);
    *ret_square = (struct box){x / width, y / height, side / width, side / height};
    return true;
}

/* A free place, or the one of the least promising crop; NULL when that promises more than `weight`. */
static struct zoom *find_place(struct zooms *z, float weight)
{
    struct zoom *least = &z->all[0];

    if (z->n < ZOOM_MAX) {
        z->all[z->n].picture = (struct picture){
            z->side, z->side, CHANNELS, arena_alloc(z->arena, (size_t)z->side * (size_t)z->side * CHANNELS)};
        return &z->all[z->n++];
    }
    for (size_t i = 1; i < z->n; i++)
        if (z->all[i].weight < least->weight)
            least = &z->all[i];
    return least->weight < weight ? least : NULL;
}

int zooms_offer(struct zooms *z, const struct picture *frame, const struct zoom *offer, struct err *err)
{
    struct zoom *place = find_place(z, offer->weight);
    const struct box *b = &offer->box;
    struct picture keep;

    if (!place)
        return 0;
    keep = place->picture;
    *place = *offer;
    place->picture = keep;
    return picture_scale(frame, (int)(b->x * (float)frame->width), (int)(b->y * (float)frame->height),
                         (int)(b->w * (float)frame->width), (int)(b->h * (float)frame->height), &keep, err);
}

static int by_weight(const void *x, const void *y)
{
    const struct zoom *a = x, *b = y;

    if (a->weight != b->weight)
        return a->weight > b->weight ? -1 : 1;
    return a->moment - b->moment;
}

void zooms_sort(struct zooms *z)
{
    qsort(z->all, z->n, sizeof z->all[0], by_weight);
}

size_t zooms_budget(int judged)
{
    size_t n = 2 + (size_t)judged / 4;

    return n < ZOOM_MAX ? n : ZOOM_MAX;
}

struct box zoom_to_frame(const struct zoom *z, const struct box *b)
{
    return (struct box){z->box.x + b->x * z->box.w, z->box.y + b->y * z->box.h, b->w * z->box.w,
                        b->h * z->box.h};
}
