/* Which language a text is in: CLD2 (tables of letter groups, no model file), opened with dlopen at run time
 * as Tesseract is, in the keeper before it forks. Pure after that; any number of threads. */
#ifndef ASSAY_INFER_LANGUAGE_H
#define ASSAY_INFER_LANGUAGE_H

#include "base/err.h"

enum { LANGUAGE_MIN_LETTERS = 12 };

struct languages;
/* ERR_MODEL with the package to install when the library is not there. */
int languages_open(struct languages **ret_languages, struct err *err);
void languages_freep(struct languages **l);

/* ISO 639-1 ("en", "de"; two letters) in static memory, or NULL: `l` is NULL, fewer than LANGUAGE_MIN_LETTERS
 * letters, not UTF-8, not reliable, or a language without a code of two letters. */
const char *language_of(const struct languages *l, const char *utf8);

#endif
