/* From sightings to clip scores to the verdict: the arithmetic of the alarm pipeline. Pure but for filling
 * the report. */
#ifndef ASSAY_ANALYSIS_SCORES_H
#define ASSAY_ANALYSIS_SCORES_H

#include "infer/card.h"
#include "report/report.h"
#include "verdict/reach.h"

/* Something the detector saw in one judged frame. */
struct sighting {
    int moment;
    const struct card_concept *concept;
    float score; /* calibrated, motion counted in, 0..1 */
    struct box box;
    bool excluded; /* foot point in an exclusion zone */
    bool moves;    /* something moves inside the box, or it is not known */
};

struct sightings {
    size_t n, cap;
    struct sighting *all;
};

/* Motion as evidence: when something moves where the detector weakly sees something, the odds that it is
 * there double (a detection in a random place is far more often wrong than one in the very place that moves).
 * Motion lifts a score no higher than a quarter of the way from the rule's low threshold to its high one: it
 * gets a clip looked at, but never makes an intrusion. `fit`: intersection over union of the detection and
 * the moving region it fits best. Notes what the rule had to do with it. */
float score_with_motion(float score, float fit, const struct risk_rule *rule, struct reach *reach);
float boxes_iou(const struct box *a, const struct box *b);
/* Share of `a` that lies in `b`. */
float box_cover(const struct box *a, const struct box *b);

/* The name of the rule in scores and verdicts. */
#define ALARM_RULE "alarm/1"

/* Adds the scores of the card's concepts, "intrusion", and "nothing" to the report:
 *   concept    mean of the two best frames; a frame has the score of its best sighting that is not excluded
 *   intrusion  the larger of person and vehicle, where a vehicle that does not move counts no more than the
 * middle of the rule's two thresholds: it is shown to the operator, but never alone an intrusion and never
 * safe because of that nothing    1 - the largest of all the others ERR_INTERNAL when a score is not a
 * number. */
int scores_add(struct report *r, const struct card *card, const struct risk_rule *rule,
               const struct sightings *s, struct err *err);
/* The intrusion score alone. */
double scores_intrusion(size_t nmoments, const struct risk_rule *rule, const struct sightings *s);
/* For which rules the intrusion score stays, seen from its end. settle: when whole frames were enough for
 * `high`, so that nowhere was looked twice; false when the two frames that decide are not clearly above what
 * motion and standing still do to scores, and then every question counts. note_still: what the middle did to
 * vehicles that stand still. */
bool scores_settle_reach(size_t nmoments, const struct risk_rule *rule, const struct sightings *s,
                         struct reach *reach);
void scores_note_still(const struct risk_rule *rule, const struct sightings *s, struct reach *reach);
/* Sightings that can matter for the rule (score >= low), in the order of the moments, best first. */
void scores_add_findings(struct report *r, const struct risk_rule *rule, struct sightings *s);
/* Risk and labels from the scores that the report has. ERR_INTERNAL without an intrusion score. */
int scores_decide(struct report *r, const struct risk_rule *rule, struct err *err);

#endif
