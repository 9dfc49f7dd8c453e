/* Records, continued: recordings in projects of the impulse API ("samples"). Rules as in store/records.h.
 *
 * A sample has two blobs: the file as it was received, and its numbers (report/sensor.h); a picture has no
 * numbers. They go with the last row that needs them, as those of jobs do (store/retention.h). What is JSON
 * here is not read by the store, but for the labels along a recording in filters. */
#ifndef ASSAY_STORE_SAMPLES_H
#define ASSAY_STORE_SAMPLES_H

#include "store/records.h"

enum sample_category { SAMPLE_TRAINING, SAMPLE_TESTING, SAMPLE_ANOMALY, SAMPLE_CATEGORIES };
const char *sample_category_name(enum sample_category c); /* "training" ... */
bool sample_category_parse(const char *name, enum sample_category *ret);

struct sample_row {
    int64_t id, project; /* the id: over all projects, never used twice */
    const char *tenant;
    enum sample_category category;
    const char *label;          /* NULL: has none */
    const char *name, *storage; /* as clients see it; the same with a part of its hash */
    char sha256[HASH_HEX];      /* of the file */
    int64_t size;
    char numbers[HASH_HEX]; /* "" = none */
    int64_t readings;       /* 0 of a picture */
    struct bytes facts;     /* struct recording (api/impulse/impulse_int.h) */
    /* Empty: none. An object of strings; [{label,x,y,width,height}]; [{startIndex,endIndex,label}]. */
    struct bytes metadata, boxes, stretches;
    bool signed_well;   /* it has a signature, and the project's key made it */
    const char *method; /* "HS256", "none"; NULL: its format has no signatures */
    bool disabled;
    int64_t created_us, added_us, modified_us; /* by the device's clock (or added_us); ours */
    int64_t version;                           /* grows with each change */
};

/* ERR_NOT_FOUND when the project is not the tenant's any more, ERR_CONFLICT for a duplicate, ERR_LIMIT beyond
 * `max` of the project, all in the callback; ret_id is written before it. id, modified_us and version of the
 * row are not read. */
struct sample_rules {
    bool unique; /* the project must not have the same file */
    int64_t max;
};
int records_add_sample(struct records *db, const struct sample_row *row, const struct sample_rules *rules,
                       int64_t *ret_id, records_done *done, void *arg, struct err *err);
int records_get_sample(struct records *db, struct arena *a, int64_t project, int64_t id,
                       struct sample_row *ret_row, struct err *err); /* ERR_NOT_FOUND */
/* One with that file, the oldest; 0: none. */
int records_find_sample(struct records *db, int64_t project, const char *sha256, int64_t *ret_id,
                        struct err *err);

struct sample_filter {
    int64_t project;
    int category;         /* enum sample_category; -1: any */
    const char *labels;   /* JSON list of strings; also finds labels along a recording. NULL: any */
    const char *filename; /* a part of it, in any case. NULL: any */
    const char *search;   /* the same, of the name or the label */
    int signature;        /* 1: signed well, 0: not; -1: any */
    int disabled;         /* the same */
};
enum { SAMPLES_LIMIT = 1000, SAMPLES_BYTES = 32 << 20 };
/* Newest first. ERR_INPUT when their labels and other JSON are more than SAMPLES_BYTES together. */
int records_list_samples(struct records *db, struct arena *a, const struct sample_filter *filter,
                         int64_t limit, int64_t offset, struct sample_row **ret_rows, size_t *ret_n,
                         struct err *err);
int records_count_samples(struct records *db, const struct sample_filter *filter, int64_t *ret_n,
                          struct err *err);

/* How many samples of each category have which label, and how long they are together; disabled ones
 * included. */
struct sample_sum {
    enum sample_category category;
    const char *label; /* NULL: none */
    int64_t n;
    double length_ms;
};
int records_sum_samples(struct records *db, struct arena *a, int64_t project, struct sample_sum **ret_rows,
                        size_t *ret_n, struct err *err);

/* Changes what is not NULL, empty or -1. */
struct sample_edit {
    int64_t project, id;
    const char *label, *name; /* label "": none any more */
    int category, disabled;
    struct bytes metadata, boxes, stretches;
};
struct sample_edit sample_edit_of(int64_t project, int64_t id); /* one that changes nothing */
/* ERR_NOT_FOUND in the callback. */
int records_edit_sample(struct records *db, const struct sample_edit *edit, int64_t now_us,
                        records_done *done, void *arg, struct err *err);
/* who: the id of a key, for the audit. ERR_NOT_FOUND in the callback. */
int records_delete_sample(struct records *db, int64_t project, int64_t id, const char *who,
                          records_done *done, void *arg, struct err *err);

#endif
