/* Hand-made reports of pipelines "scenes" and "pictures". */
#ifndef TESTS_UNIT_CMD_MADE_H
#define TESTS_UNIT_CMD_MADE_H

#include "report/report.h"

/* 12 s of a street in 3 shots, with two people, two texts, two sections. */
struct report *made_video(struct arena *a);
/* Two tags, one person, one text. */
struct report *made_picture(struct arena *a);

#endif
