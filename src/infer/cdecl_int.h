/* Declarations with initialisers out of the text of a C or C++ header, as exports of models are: enough of
 * the language for lists of constants, no more. Functions, types and what else there is are skipped. Of an
 * item the first word counts ("88 * 3" is "88"), casts and & are dropped.
 *
 *     ei_dsp_config_raw_t config_2 = {        words "ei_dsp_config_raw_t", name "config_2",
 *         2, // uint32_t blockId              value: a list; item "2" with a comment
 *         .scale = 1.0f                       item "1.0f" designated "scale"
 *     };
 */
#ifndef ASSAY_INFER_CDECL_INT_H
#define ASSAY_INFER_CDECL_INT_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"

enum { CDECL_MAX_BYTES = 16 << 20, CDECL_MAX_ITEMS = 400000, CDECL_MAX_DEPTH = 8 };

enum cvalue_kind { CVALUE_WORD, CVALUE_TEXT, CVALUE_LIST };

struct cvalue {
    enum cvalue_kind kind;
    const char *text;       /* of a word or text; never NULL */
    const char *designator; /* "" without */
    const char *comment;    /* the one behind it on its line; "" without */
    struct cvalue *first, *next;
};

struct cdecl {
    const char *type; /* the words before the name, each with a blank behind it */
    const char *name;
    struct cvalue value;
    struct cdecl *next;
};

/* #define NAME VALUE, the first word of the value or its text. */
struct cdefine {
    const char *name, *value;
    struct cdefine *next;
};

/* typedef struct { ... } NAME; the names of its members, each with a blank behind it. */
struct ctype {
    const char *name, *members;
    struct ctype *next;
};

struct cfile {
    struct cdecl *decls;
    struct cdefine *defines;
    struct ctype *types;
};

/* ERR_LIMIT; ERR_INPUT when braces or quotes do not close, with the line. */
int cfile_read(struct arena *a, struct bytes text, struct cfile *ret, struct err *err);

/* The first whose type has that word; `from` NULL: from the beginning, else the next one after it. */
const struct cdecl *cfile_typed(const struct cfile *f, const struct cdecl *from, const char *word);
const struct cdecl *cfile_named(const struct cfile *f, const char *name);
const char *cfile_define(const struct cfile *f, const char *name); /* NULL: none */
/* The i-th member of a type, into the arena; NULL: none. */
const char *cfile_member(struct arena *a, const struct cfile *f, const char *type, size_t i);

size_t cvalue_count(const struct cvalue *list);
const struct cvalue *cvalue_at(const struct cvalue *list, size_t i);             /* NULL: none */
const struct cvalue *cvalue_member(const struct cvalue *list, const char *name); /* NULL: none */
/* A finite number, also one that is #defined; false for anything else. */
bool cvalue_number(const struct cfile *f, const struct cvalue *v, double *ret);

#endif
