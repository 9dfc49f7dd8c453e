/* Text that somebody else wrote (words in a picture, tags, names of files), made harmless for people's eyes.
 *
 * Replaced by a mark is what could move a cursor, turn a line around, hide, or pretend to be something else:
 * control characters, marks of direction, what has no width, private and tag characters, bytes that are no
 * UTF-8. Tabs and ends of lines become blanks. Letters of all scripts stay. Pure. */
#ifndef ASSAY_CMD_FOREIGN_H
#define ASSAY_CMD_FOREIGN_H

#include <stdbool.h>

#include "base/bytes.h"

/* For a terminal: at most `columns` of them, what is longer ends in dots. Without utf8 only ASCII comes out.
 * Returns the columns used. */
size_t foreign_plain(struct buf *out, const char *s, size_t columns, bool utf8);
/* For HTML, between tags or inside a double-quoted attribute. */
void foreign_html(struct buf *out, const char *s);

#endif
