/* The canonical JSON of job_spec and report. Same report, same bytes: fixed key order, shortest round-trip
 * numbers. Schema: docs/report.md. Version: REPORT_SCHEMA.
 *
 * A report comes back from an analyst, which a hostile file may have taken over, so report_from_json treats
 * its input as foreign: ceilings, ranges, finite numbers, known error codes, valid UTF-8. */
#ifndef ASSAY_REPORT_JSON_H
#define ASSAY_REPORT_JSON_H

#include "base/bytes.h"
#include "report/report.h"

#define REPORT_SCHEMA "assay.report/1"
enum { REPORT_MAX_BYTES = 8 << 20, SPEC_MAX_BYTES = 24 << 20, HEURISTICS_MAX_BYTES = 256 << 10 };

struct bytes spec_to_json(struct arena *a, const struct job_spec *spec);
int spec_from_json(struct arena *a, struct bytes text, struct job_spec *ret_spec, struct err *err);

struct bytes report_to_json(struct arena *a, const struct report *r);
int report_from_json(struct arena *a, struct bytes text, struct report **ret_report, struct err *err);

/* An operator's heuristics: {"heuristics": [{"name": ..., "way": ..., ...}]}, members and ranges in
 * docs/votes.md. Strict: an unknown member is refused. ERR_INPUT with a sentence. */
int heuristics_from_json(struct arena *a, struct bytes text, const struct heuristic **ret_own, size_t *ret_n,
                         struct err *err);

#endif
