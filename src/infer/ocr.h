/* Reads text in a grey picture with Tesseract, which is opened with dlopen at run time: a server that reads
 * no text pays nothing, and no program links it. infer/ocr.c is the only file that sees it.
 *
 * Everything that needs files happens in ocr_open, in the keeper before it forks: the library, and one
 * NAME.traineddata per language (docs/text.md has the packages and the places). An analyst inherits the
 * engine, which from then on opens nothing; each process has its own copy of what it writes. One thread at a
 * time, and no thread of its own: Tesseract brings OpenMP, which makes four where OMP_THREAD_LIMIT=1 is not
 * in the environment when the program starts. setenv is too late: libav has loaded OpenMP by then. The front
 * starts the keeper with it (lab/hire.c).
 *
 * Pure as far as a reader can be: the same picture gives the same words, whatever was read before. */
#ifndef ASSAY_INFER_OCR_H
#define ASSAY_INFER_OCR_H

#include "base/hash.h"
#include "media/image.h"

struct ocr;

struct ocr_word {
    const char *text; /* as the engine gave it: foreign bytes, to be checked by who keeps it */
    float confidence; /* 0..1 */
    int line;         /* words of one line have the same number; lines and words come in reading order */
    struct box box;   /* 0..1 of the picture */
};

enum {
    OCR_MAX_WORDS = 1000, /* of one picture: a minute of work */
    OCR_MAX_LANGUAGES = 8,
    OCR_MAX_SIDE = 4096, /* pixels of a picture, either way */
};

/* languages: names of traineddata files joined by '+', the most important first ("eng", "eng+deu+chi_sim").
 * data_dir NULL: search the places of docs/text.md; a folder that is given is the only one tried.
 *
 * ERR_INPUT names that could not be a language; ERR_MODEL, with what to do: no library, a language without a
 * file, a file that is none of Tesseract's, OMP_THREAD_LIMIT not 1. Reads one empty picture, so an engine
 * that opens also reads. */
int ocr_open(struct ocr **ret_ocr, const char *languages, const char *data_dir, struct err *err);
void ocr_freep(struct ocr **o);

/* For the evidence: "Tesseract 5.3.0 eng+deu", and the SHA-256 over the traineddata files, in the order of
 * the languages. Live as long as `o`. */
const char *ocr_version(const struct ocr *o);
const char *ocr_sha256(const struct ocr *o);

/* Reads the region (0..1 of the picture; NULL = all of it) of a luma picture. The words and their texts are
 * in `a`, the boxes in the whole picture.
 *
 * ERR_TIMEOUT when the deadline (0 = none) passes: asked before and between words, not while the layout is
 * searched, which takes up to a second for a megapixel full of letters. ERR_LIMIT: more than OCR_MAX_WORDS,
 * or over OCR_MAX_SIDE. ERR_MODEL: the engine failed. */
int ocr_read(struct ocr *o, struct arena *a, const struct picture *luma, const struct box *region,
             int64_t deadline_mono_us, struct ocr_word **ret_words, size_t *ret_n, struct err *err);

/* Whether the library can be opened and where the languages lie, for doctor. NULL when there is none. */
const char *ocr_find_data(struct arena *a, const char *language);

#endif
