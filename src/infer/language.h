/* Which language a text is in: CLD2 (a table of letter groups, no model file) behind one call. Pure. */
#ifndef ASSAY_INFER_LANGUAGE_H
#define ASSAY_INFER_LANGUAGE_H

enum { LANGUAGE_MIN_LETTERS = 12 };

/* ISO 639-1 ("en", "de"; two letters) in static memory, or NULL: fewer than LANGUAGE_MIN_LETTERS letters, not
 * UTF-8, not reliable, or a language without a code of two letters. */
const char *language_of(const char *utf8);

#endif
