/* The list of pipelines, and what they share. */
#ifndef ASSAY_ANALYSIS_PIPELINES_INT_H
#define ASSAY_ANALYSIS_PIPELINES_INT_H

#include "analysis/analysis.h"

extern const struct pipeline pipeline_alarm, pipeline_annotate, pipeline_scenes, pipeline_pictures,
    pipeline_origin_image, pipeline_origin_video, pipeline_origin_sound, pipeline_tampering,
    pipeline_sensor_read, pipeline_sensor_import, pipeline_sensor_classify, pipeline_sensor_features,
    pipeline_sensor_train, pipeline_faces;

/* What models of still pictures need at most: a JPEG with a shorter side of at least twice this is decoded at
 * half the size, and so on. Faces of 1 in 20 of the shorter side and small print are still there. */
enum { PICTURES_SHORTEST = 480 };

/* The picture that is the whole subject, in `scratch`, and what the report says of it before anybody looks.
 * shortest: as in media/still.h; 0: at its own size. */
int subject_picture(const struct toolbox *tools, int fd, int shortest, int64_t deadline_mono_us,
                    struct arena *scratch, struct report *report, struct picture *ret, struct err *err);

/* The evidence: this model, or the reader of texts, had a say. */
void note_model(struct report *r, const struct model *m);
void note_card(struct report *r, const struct card *card);
void note_reader(struct report *r, const struct ocr *ocr);

#endif
