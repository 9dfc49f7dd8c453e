/* What can be known of a PDF without reading PDF: the JPEG pictures that lie in it as they are, and its words
 * about its own past. A bounded search for bytes, no objects, no cross references, nothing is decompressed:
 * pictures and dates in compressed object streams are not found. Pure, for foreign bytes (fuzz target:
 * tamper_files). Source: ISO 32000-1, 7.5.6 (incremental updates), 12.8.1 (ByteRange), 14.3.3 (Info). */
#ifndef ASSAY_MEDIA_PDF_H
#define ASSAY_MEDIA_PDF_H

#include "base/bytes.h"

enum { PDF_PICTURES = 16, PDF_TEXT = 64 };

struct pdf_facts {
    size_t npictures;
    struct bytes
        pictures[PDF_PICTURES]; /* streams whose bytes are a JPEG, inside of the file; the first ones */
    bool more_pictures;
    bool linearized; /* "fast web view": written with two ends from the start */
    size_t ends;     /* "%%EOF": one for each time it was written or added to */
    bool is_signed;  /* there is a signature with a /ByteRange */
    size_t behind;   /* bytes behind the end of the last signature's range that are no white space */
    char producer[PDF_TEXT], creator[PDF_TEXT]; /* of the last Info; "" = not found; printable ASCII */
    char created[PDF_TEXT], modified[PDF_TEXT]; /* "D:20261122102030+01'00'" */
};
bool pdf_is(struct bytes file);
void pdf_facts_read(struct bytes file, struct pdf_facts *ret);

#endif
