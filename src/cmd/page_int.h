/* The page's files: page.c is the file and its frame, page_entry.c one entry, page_lanes.c what has a time
 * axis or a bar. */
#ifndef ASSAY_CMD_PAGE_INT_H
#define ASSAY_CMD_PAGE_INT_H

#include "cmd/page.h"

/* How much is shown; the rest is counted. */
enum { PAGE_PEOPLE = 100, PAGE_ROWS = 1000, PAGE_GRAINS = 2000 };

/* A JPEG as an <img> inside the page; nothing when it is none. */
void page_image(struct buf *out, struct bytes jpeg, const char *class, const char *alt);
/* "<p>and 7 more ..." when n > shown. */
void page_more(struct buf *out, size_t n, size_t shown);

/* Lanes over one time axis: activity with the shots' boundaries, shots, people, texts, sections. */
void page_lanes(struct buf *out, const struct report *r);
/* A bar of 0..1. */
void page_bar(struct buf *out, double value, bool alarming);

#endif
