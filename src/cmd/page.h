/* `assay check --html FILE`: what was found in one or more files, as one page that needs nothing else: no
 * script, no reference to the outside, pictures inside, readable on a phone, in the dark and on paper.
 *
 * Whatever comes from the files (names, words, tags, messages of decoders, thumbnails) is foreign: text is
 * made harmless and escaped, and the page's Content-Security-Policy allows its own style sheet and pictures
 * inside it, nothing else. Rendering is pure; the file is written at the end, beside its name, and moved
 * there, so that there is a whole page or the one from before. One thread. */
#ifndef ASSAY_CMD_PAGE_H
#define ASSAY_CMD_PAGE_H

#include "base/bytes.h"
#include "report/report.h"
#include "report/strip.h"

/* What the page shows of one file. */
struct page_entry {
    const char *name;            /* of the file */
    const struct report *report; /* NULL: there is none, and `error` says why */
    struct err error;
    size_t nframes; /* thumbnails; 0 = none */
    const struct strip_frame *frames;
};

/* Rendering. page_head, then every entry, then page_foot are one page. */
void page_head(struct buf *out, const char *title);
void page_entry(struct buf *out, const struct page_entry *e);
void page_foot(struct buf *out, const struct program_ref *program);

/* The file. ERR_INPUT when there is something at the path that is neither a page of this kind nor empty:
 * `--html *.mp4` must not cost a video. */
struct page;
int page_begin(struct page **ret, const char *path, const char *title, struct err *err);
int page_add(struct page *p, const struct page_entry *e, struct err *err);
/* For pages of another kind: HTML is added to it, between head and foot. */
struct buf *page_body(struct page *p);
/* The page is there, with mode 0644. */
int page_end(struct page *p, const struct program_ref *program, struct err *err);
void page_freep(struct page **p); /* without page_end: nothing was written */

#endif
