/* What the files of the ground floor share.
 *
 *   sample_routes.c   the table
 *   projects.c samples.c payload.c edit.c   one family of routes each
 *   ingest.c          files on their way in: multipart or a body -> blob -> analyst -> row
 *   sending.c         the headers of an upload. Pure
 *   labels.c          labels, boxes and metadata as clients write them, annotation files. Pure
 *   signature.c       who signed a file */
#ifndef ASSAY_API_IMPULSE_SAMPLE_INT_H
#define ASSAY_API_IMPULSE_SAMPLE_INT_H

#include "api/impulse/impulse_int.h"

enum { BODY_SAY = 64 << 10, BODY_LABELS = 4 << 20, LABEL_BYTES = 256, NAME_BYTES = 256 };

/* ---- handlers ---- */

/* projects.c */
extern const struct handler impulse_projects_list, impulse_project_create, impulse_project_info,
    impulse_project_public, impulse_project_devkeys, impulse_project_delete;
/* samples.c */
extern const struct handler impulse_samples_list, impulse_samples_count, impulse_sample_delete;
/* payload.c */
extern const struct handler impulse_sample_get, impulse_sample_slice, impulse_sample_wav, impulse_sample_raw,
    impulse_sample_image;
/* edit.c */
extern const struct handler impulse_sample_label, impulse_sample_rename, impulse_sample_move,
    impulse_sample_stretches, impulse_sample_boxes, impulse_sample_metadata, impulse_sample_enable,
    impulse_sample_disable;
/* ingest.c: into a category, or "split" */
enum { INGEST_SPLIT = SAMPLE_CATEGORIES, INGEST_DOORS };
extern const struct handler impulse_ingest_files[INGEST_DOORS], impulse_ingest_data[INGEST_DOORS];

/* ---- labels.c. Pure ---- */

/* Each reads a value that a client sent, and writes it anew with nothing in it but what belongs there.
 * ERR_INPUT and a sentence. */
/* [{startIndex, endIndex, label}], in order and not across each other; at most SENSOR_STRETCHES. */
int stretches_read(struct arena *a, yyjson_val *list, struct bytes *ret, struct err *err);
/* [{label, x, y, width, height}], at most SENSOR_BOXES. */
int boxes_read(struct arena *a, yyjson_val *list, struct bytes *ret, struct err *err);
/* An object of texts. */
int metadata_read(struct arena *a, yyjson_val *object, struct bytes *ret, struct err *err);
/* Whether the last one (as stretches_read wrote them) ends within the recording. */
int stretches_fit(struct bytes json, int64_t readings, struct err *err);
/* Valid UTF-8 of at most LABEL_BYTES. */
int label_check(const char *label, struct err *err);

/* What files of labels say of one other file. */
struct annotation {
    const char *file;                        /* its base name, as it is uploaded */
    const char *name;                        /* what it shall be called; NULL: after the file */
    int category;                            /* enum sample_category, -1: not said */
    const char *label;                       /* NULL: not said, "": has none */
    struct bytes stretches, boxes, metadata; /* empty: not said */
};
struct annotations {
    size_t n, cap;
    struct annotation *list;
};
enum { ANNOTATIONS_MAX = 10000, ANNOTATION_BYTES = 16 << 20 };
bool is_annotation(const char *file_name); /* "structured_labels.labels" ... any ".labels" */
/* Takes one such file up. ERR_INPUT. */
int annotations_add(struct arena *a, struct annotations *all, const char *file_name, struct bytes json,
                    struct err *err);
/* What all of them say of it together. */
struct annotation annotation_of(const struct annotations *all, const char *file);

/* ---- sending.c. Pure ---- */

/* What the headers say of all files of an upload. */
struct sending {
    const char *file_name, *label; /* NULL: not said. label "": none wanted */
    bool unique, date_id;
    struct bytes metadata, boxes; /* empty: not said */
    int64_t project;              /* 0: the tenant's first */
};
/* The headers that mean something; NULL behind the last. */
const char *sending_header(size_t i);
/* One header. ERR_INPUT. */
int sending_set(struct arena *a, struct sending *s, const char *header, const char *value, struct err *err);
/* "wave.01.json" gives "wave.01": without an extension that says what sort of file it is. */
const char *name_of_file(struct arena *a, const char *file_name);
/* "idle.01.json" gives "idle": the letters, digits, blanks, '-' and '_' it begins with. NULL: none. */
const char *label_of_file(struct arena *a, const char *file_name);
/* Of every five files four are for training; the same file always goes the same way. */
enum sample_category split_by_hash(const char *sha256);

/* ---- signature.c ---- */

/* HMAC-SHA256 with the key's text over the whole file, with '0' in place of the 64 hex digits at `at`,
 * compared with these. Waits for the disk. */
int signed_with(int fd, int64_t size, int64_t at, const char *key, bool *ret_good, struct err *err);

#endif
