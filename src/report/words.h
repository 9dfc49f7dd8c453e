/* Lists of words, as options and settings have them, for what pipelines "scenes" and "pictures" look for. */
#ifndef ASSAY_REPORT_WORDS_H
#define ASSAY_REPORT_WORDS_H

#include "report/spec.h"

/* blocks: some of "people,texts,tags"; biometrics: some of "embeddings,thumbnails,age-gender"; of both "all"
 * or "none". Commas, and blanks behind them. Sets those members and no others; ERR_INPUT names the word that
 * is not known. */
int scenes_params_words(struct scenes_params *p, const char *blocks, const char *biometrics, struct err *err);

#endif
