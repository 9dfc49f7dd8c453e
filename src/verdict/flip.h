/* What changes when jobs are judged again: judgements then and now, counted; and whether what an operator
 * said of a clip speaks for the change. Pure. */
#ifndef ASSAY_VERDICT_FLIP_H
#define ASSAY_VERDICT_FLIP_H

#include <stdbool.h>
#include <stdint.h>

enum judgement { JUDGED_SAFE, JUDGED_DANGER, JUDGED_INTRUSION, JUDGED_NONE, JUDGEMENTS };

/* "safe", "danger", "intrusion"; everything else, NULL too, is no verdict. */
enum judgement judgement_of(const char *risk);
const char *judgement_name(enum judgement o); /* "none" for no verdict */

/* What an operator's labels say of a clip. */
enum truth { TRUTH_UNKNOWN, TRUTH_HARMLESS, TRUTH_ALARM };

enum agreement { AGREES, CONTRADICTS, SAYS_NOTHING };
/* Towards the alarm is right for an alarm, away from it for something harmless. Of a verdict that is lost
 * nobody can say that it was right. */
enum agreement flip_agreement(enum judgement then, enum judgement now, enum truth truth);

struct flips {
    int64_t moves[JUDGEMENTS][JUDGEMENTS]; /* then, now */
    int64_t agree, contradict;             /* of those that flipped and have a label that says something */
};
/* Counts one job; true when it flipped. */
bool flips_add(struct flips *f, enum judgement then, enum judgement now, enum truth truth);
int64_t flips_jobs(const struct flips *f);
int64_t flips_flipped(const struct flips *f);

#endif
