/* The detectors that look at pictures, asked together: what each says of an image or a frame, of the faces in
 * it, and whether it is safe for work. One per image or video, one thread. */
#ifndef ASSAY_ANALYSIS_PANEL_H
#define ASSAY_ANALYSIS_PANEL_H

#include "analysis/jury.h"
#include "analysis/pipelines_int.h"
#include "media/image.h"

struct panel;
/* `media` is "image" or "video": for which of them the cards' votes count. Adds the models it uses and the
 * face models to the report, whose origins must be there. Lives as long as the report's arena. */
struct panel *panel_new(const struct toolbox *tools, const struct origin_params *params, const char *media,
                        const struct jury *jury, struct report *report);
/* The stream the parts belong to: its models are set. */
struct origin_stream panel_stream(const struct panel *p, size_t max_parts);
/* Asks everybody about a BGR picture at its own size; fills the part but for frame, time and sha256. A model
 * that cannot judge has a code; -1: ERR_TIMEOUT, ERR_MODEL. */
int panel_judge(struct panel *p, const struct picture *bgr, int64_t deadline_mono_us, struct origin_part *ret,
                struct err *err);

/* The tools of pipelines "origin-...": complete, or why not. */
int origin_tools_check(const struct origin_tools *t, struct err *err);
/* The report's origins, with the names of all heuristics. */
struct origins *origins_new(struct report *report, const struct jury *jury);

#endif
