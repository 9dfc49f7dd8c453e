/* Reading JSON objects into structs by a table: strict, since cards are the operator's own files and a wrong
 * card makes wrong verdicts. Complaints name the card and the member. */
#ifndef ASSAY_INFER_FIELDS_INT_H
#define ASSAY_INFER_FIELDS_INT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"

/* What is shared while one file is read. */
struct reader {
    struct arena *arena;
    const char *what;   /* "model card", "tag map" */
    const char *origin; /* its file name */
    struct err *err;
};

#define BAD(r, fmt, ...) FAIL((r)->err, ERR_MODEL, "%s %s: " fmt, (r)->what, (r)->origin, __VA_ARGS__)

/* One member of an object: what it must be and where it goes. Members not in the table are refused. */
enum field_type {
    FIELD_TEXT,   /* const char *, at most `max` characters */
    FIELD_WORD,   /* const char *, one of `words` */
    FIELD_NAME,   /* const char *, one plain word that can be a file name */
    FIELD_WHOLE,  /* int */
    FIELD_NUMBER, /* double */
    FIELD_TRIPLE, /* double[3] */
    FIELD_FLAG,   /* bool */
    FIELD_OTHER,  /* read by hand */
};
struct field {
    const char *key;
    enum field_type type;
    bool required;
    size_t at;                /* offset in the struct which is filled */
    double min, max;          /* WHOLE, NUMBER, TRIPLE; TEXT: longest */
    const char *const *words; /* WORD: the allowed ones, NULL-terminated */
};

enum { FIELDS_MAX = 32 }; /* of one table */
#define FIELD_SHORT 200   /* longest of a name inside a model */

/* Reads all members of obj into base; each at most once, none unknown, the required ones present. */
int fields_read(struct reader *r, yyjson_val *obj, const char *what, const struct field *fields, size_t n,
                void *base);
/* The same for an array as table. */
#define FIELDS_READ(r, obj, what, fields, base) fields_read(r, obj, what, fields, COUNT_OF(fields), base)

/* One value as the field says, into `ret`. */
int field_string(struct reader *r, yyjson_val *v, const struct field *f, const char **ret);
int field_number(struct reader *r, yyjson_val *v, const struct field *f, double *ret);

#endif
