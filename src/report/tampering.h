/* What pipeline "tampering" finds: was a picture or a PDF changed after it was made? Part of the report,
 * dialect-free.
 *
 *   ticket = a part of the subject, as it was sent     item = what was judged of it
 *
 * A picture is one item. A PDF is one item, the document, and one more for each JPEG in it. Every item has
 * one piece of evidence for each model that was asked for, in the order of enum tamper_model; unknown
 * evidence has a code that says why, a score of 0, and enters nothing. An item that could not be read has an
 * error and nothing else. Formulas, thresholds and how often they are wrong: docs/tampering.md. Everything
 * hangs on the report's arena. */
#ifndef ASSAY_REPORT_TAMPERING_H
#define ASSAY_REPORT_TAMPERING_H

#include "base/err.h"
#include "base/hash.h"
#include "report/origin.h"
#include "report/spec.h"
#include "verdict/tamper.h"

const char *tamper_model_name(
    enum tamper_model m); /* "error-level", "double-jpeg", "copy-move", "metadata" */
bool tamper_model_parse(const char *name, size_t len, enum tamper_model *ret);

/* A plain number for people: "blocks", 812. */
struct tamper_number {
    const char *name; /* a constant of its module, or on the arena */
    double value;     /* finite */
};
enum { TAMPER_NUMBERS = 8 };

struct tamper_evidence {
    enum tamper_model model;
    const char *code;        /* why it is unknown: "not_jpeg", "too_small", ...; NULL: it is known */
    double score, threshold; /* 0..1 */
    double seconds;          /* of wall time; never twice the same */
    bool has_box;            /* where, of pictures, in 0..1 */
    struct box box;
    size_t nnumbers;
    struct tamper_number numbers[TAMPER_NUMBERS];
};

struct tamper_item {
    size_t part;           /* index of the ticket */
    size_t picture;        /* in a PDF, from 1 on; 0: the ticket itself */
    struct err error;      /* ERR_NONE: judged */
    const char *format;    /* "jpeg", ..., "pdf"; "" = not known */
    int width, height;     /* displayed pixels; 0 of a PDF */
    char sha256[HASH_HEX]; /* of the ticket's or the picture's bytes */
    size_t nevidence;
    struct tamper_evidence evidence[TAMPER_MODELS];
    struct tamper_answer rulings[TAMPER_HEURISTICS];
    bool credentials_read;
    struct credentials credentials;
};

struct tampering {
    size_t
        nitems; /* by ticket, then by picture; every ticket has one at least when the report has no error */
    struct tamper_item *items;
};

/* Ceiling of a report that is read back. */
enum { TAMPERING_MAX_ITEMS = 320 };

void tamper_item_decide(struct tamper_item *item); /* fills the rulings */

#endif
