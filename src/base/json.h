/* JSON in and out over yyjson, with the ceilings every foreign document gets.
 * Reading: json_read, then the getters below; writing: yyjson_mut_* and json_write.
 * Only files that include this header see yyjson; pipelines never do (docs/layers.md). */
#ifndef ASSAY_BASE_JSON_H
#define ASSAY_BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <yyjson.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"

enum { JSON_MAX_DEPTH = 32 };

/* Strict RFC 8259; at most max_bytes and JSON_MAX_DEPTH levels. The document lives until yyjson_doc_free and
 * copies the bytes. NULL and err (ERR_INPUT, or ERR_LIMIT when too large or too deep). */
yyjson_doc *json_read(struct bytes text, size_t max_bytes, struct err *err) MUST_USE;
/* The same without copying: the text's bytes become the document's strings (which may be changed there, each
 * within its length) and must outlive it. For large bodies: at most max_values values, counted before a tree
 * is made of them. `text` has JSON_PADDING bytes behind its `len`, for the parser. */
enum { JSON_PADDING = YYJSON_PADDING_SIZE };
yyjson_doc *json_read_in_place(char *text, size_t len, size_t max_values, struct err *err) MUST_USE;
void json_freep(yyjson_doc **doc);
/* A document to be filled. yyjson leaves out what it has no memory for, and a caller who does not look at
 * every result would send half an answer: this one ends the process instead, as base/mem.h does. */
yyjson_mut_doc *json_doc_new(void);
void json_mut_freep(yyjson_mut_doc **doc);

/* Members of an object; the fallback when absent or of another type. Strings are copied into the arena. */
const char *json_str(struct arena *a, yyjson_val *obj, const char *key, const char *fallback);
int64_t json_int(yyjson_val *obj, const char *key, int64_t fallback);
double json_num(yyjson_val *obj, const char *key, double fallback);
bool json_bool(yyjson_val *obj, const char *key, bool fallback);

/* A number of an object, or null for NAN, which JSON does not know. */
void json_put_real(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key, double x);

/* Compact text of a document, shortest round-trip numbers, NUL-terminated in the arena. */
struct bytes json_write(struct arena *a, yyjson_mut_doc *doc);
struct bytes json_write_pretty(struct arena *a, yyjson_mut_doc *doc);

#endif
