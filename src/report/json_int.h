/* What the files that write and read canonical JSON share.
 *
 *   json.c      spec and report
 *   scenes.c    what pipelines "scenes" and "pictures" are asked for and find
 *   origin.c    the same of pipelines "origin-..."
 *   tampering.c the same of pipeline "tampering"
 *   sensor_asked.c, sensor_found.c, sensor_words.c
 *               the same of pipelines "sensor-..."
 *   walk.c      the small steps of all */
#ifndef ASSAY_REPORT_JSON_INT_H
#define ASSAY_REPORT_JSON_INT_H

#include "base/json.h"
#include "report/json.h"

void write_str(yyjson_mut_doc *d, yyjson_mut_val *obj, const char *key, const char *s); /* NULL is "" */
double write_rounded(double v); /* to 4 digits behind the point */
void write_box(yyjson_mut_doc *d, yyjson_mut_val *obj, const struct box *box);
void write_error(yyjson_mut_doc *d, yyjson_mut_val *obj, const struct err *e);

/* Walks one document. The first fault is kept; later reads return harmless values. */
struct reader {
    struct arena *arena;
    struct err *err;
    bool failed;
};
void read_refuse(struct reader *rd, const char *what);
const char *read_str(struct reader *rd, yyjson_val *obj, const char *key);
const char *read_optional(struct reader *rd, yyjson_val *obj, const char *key); /* NULL: not there */
/* The place of a word in a list; 0 and a refusal when it is none of them. */
size_t read_word(struct reader *rd, yyjson_val *obj, const char *key, const char *const words[], size_t n);
double read_num(struct reader *rd, yyjson_val *obj, const char *key, double min, double max);
int64_t read_int(struct reader *rd, yyjson_val *obj, const char *key, int64_t min, int64_t max);
bool read_bool(struct reader *rd, yyjson_val *obj, const char *key);
yyjson_val *read_obj(struct reader *rd, yyjson_val *obj, const char *key);
yyjson_val *read_optional_obj(struct reader *rd, yyjson_val *obj, const char *key); /* NULL: not there */
/* The array and its length, at most max. */
yyjson_val *read_arr(struct reader *rd, yyjson_val *obj, const char *key, size_t max, size_t *ret_n);
struct box read_box(struct reader *rd, yyjson_val *obj);
void read_error(struct reader *rd, yyjson_val *obj, struct err *ret);

void write_scenes_params(yyjson_mut_doc *d, yyjson_mut_val *obj, const struct scenes_params *p);
struct scenes_params read_scenes_params(struct reader *rd, yyjson_val *obj);
/* Members "scenes" and "items", if there are any. */
void write_scenes(yyjson_mut_doc *d, yyjson_mut_val *root, const struct report *r);
void read_scenes(struct reader *rd, yyjson_val *root, struct report *r);

void write_origin_params(yyjson_mut_doc *d, yyjson_mut_val *obj, const struct origin_params *p);
struct origin_params read_origin_params(struct reader *rd, yyjson_val *obj);
/* Member "origins", if there is one. */
void write_origins(yyjson_mut_doc *d, yyjson_mut_val *root, const struct report *r);
void read_origins(struct reader *rd, yyjson_val *root, struct report *r);

/* What the files above share of their parts. Member "parts"; the members of credentials. */
void write_parts(yyjson_mut_doc *d, yyjson_mut_val *obj, const struct subject_part *parts, size_t n);
const struct subject_part *read_parts(struct reader *rd, yyjson_val *obj, size_t *ret_n);
void write_credentials_found(yyjson_mut_doc *d, yyjson_mut_val *o, const struct credentials *c);
struct credentials read_credentials_found(struct reader *rd, yyjson_val *o);

void write_tamper_params(yyjson_mut_doc *d, yyjson_mut_val *obj, const struct tamper_params *p);
struct tamper_params read_tamper_params(struct reader *rd, yyjson_val *obj);
/* Member "tampering", if there is one. */
void write_tampering(yyjson_mut_doc *d, yyjson_mut_val *root, const struct report *r);
void read_tampering(struct reader *rd, yyjson_val *root, struct report *r);

void write_sensor_params(yyjson_mut_doc *d, yyjson_mut_val *obj, const struct sensor_params *p);
struct sensor_params read_sensor_params(struct reader *rd, yyjson_val *obj);
/* Member "sensing", if there is one. */
void write_sensing(yyjson_mut_doc *d, yyjson_mut_val *root, const struct report *r);
void read_sensing(struct reader *rd, yyjson_val *root, struct report *r);

/* What those two share. A float comes back as the float it was and is as short as that allows; what is no
 * number is null, which nobody reads back. */
void write_real(yyjson_mut_doc *d, yyjson_mut_val *obj, const char *key, double v);
void write_float(yyjson_mut_doc *d, yyjson_mut_val *obj, const char *key, float v);
void write_float_list(yyjson_mut_doc *d, yyjson_mut_val *obj, const char *key, const float *v, size_t n);
void write_names(yyjson_mut_doc *d, yyjson_mut_val *obj, const char *key, const char *const *v, size_t n);
void write_stretches(yyjson_mut_doc *d, yyjson_mut_val *obj, const char *key, const struct sensor_stretch *v,
                     size_t n);
void write_boxes(yyjson_mut_doc *d, yyjson_mut_val *obj, const char *key, const struct sensor_box *v,
                 size_t n);
void write_impulse(yyjson_mut_doc *d, yyjson_mut_val *o, const struct impulse *p);
void write_learn_block(yyjson_mut_doc *d, yyjson_mut_val *o, const struct impulse_learn *l);
float read_float(struct reader *rd, yyjson_val *obj, const char *key);
double read_real(struct reader *rd, yyjson_val *obj, const char *key); /* any number */
float *read_float_list(struct reader *rd, yyjson_val *obj, const char *key, size_t max, size_t *ret_n);
const char *read_name(struct reader *rd, yyjson_val *obj, const char *key); /* below SENSOR_NAME bytes */
const char *const *read_names(struct reader *rd, yyjson_val *obj, const char *key, size_t max, size_t *ret_n);
struct sensor_stretch *read_stretches(struct reader *rd, yyjson_val *obj, const char *key, size_t *ret_n);
struct sensor_box *read_boxes(struct reader *rd, yyjson_val *obj, const char *key, size_t *ret_n);
struct impulse read_impulse(struct reader *rd, yyjson_val *o);
struct impulse_learn read_learn_block(struct reader *rd, yyjson_val *o);
extern const char *const picture_fits[PICTURE_FITS], *const learn_kinds[LEARN_KINDS],
                                                         *const picture_scales[PICTURE_SCALES];

#endif
