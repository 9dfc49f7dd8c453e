/* What the files of the .eim protocol share.
 *
 *   eim_stream.c    where a message ends
 *   eim_request.c   requests, read and written
 *   eim_answer.c    answers, written
 *   eim_read.c      answers, read
 *   eim_impulse.c   impulses and results, in the protocol's terms and back */
#ifndef ASSAY_REPORT_EIM_INT_H
#define ASSAY_REPORT_EIM_INT_H

#include "base/json.h"
#include "report/eim.h"

/* Parses a message; ERR_DECODE or ERR_LIMIT. */
yyjson_doc *eim_parse(struct arena *a, struct bytes message, struct err *err) MUST_USE;
/* The document as others can read it: ASCII, and no brace inside a text; `end` behind it. */
struct bytes eim_text(struct arena *a, yyjson_mut_doc *doc, struct bytes end);
/* Words of the protocol, by number. */
extern const char *const eim_model_words[EIM_MODELS], *const eim_fit_words[PICTURE_FITS];

#endif
