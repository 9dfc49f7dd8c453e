/* The operator's rules: thresholds per tenant and camera, exclusion zones per camera. Read once at start from
 * a JSON file (docs/rules.md); read-only afterwards, so thread safe.
 *
 *   {"tenants": {"acme": {"low": 0.2, "high": 0.8, "label": 0.5,
 *      "cameras": {"134188-VI08": {"high": 0.9, "zones": [
 *          {"width": 640, "height": 480, "points": [{"px": 0, "py": 0}, ...],
 *           "active": true, "enabled": true, "repeatAt": 127, "from": "2026-01-01T00:00:00Z", "to":
 * "..."}]}}}}}
 *
 * The tenant "*" is the fallback for tenants without an entry. */
#ifndef ASSAY_API_RULES_H
#define ASSAY_API_RULES_H

#include <stdint.h>

#include "report/spec.h"

struct rules;

/* path NULL: no rules. NULL and err when the file cannot be read or does not make sense (low above high, two
 * corners ...). */
struct rules *rules_load(const char *path, struct err *err);
struct rules *rules_free(struct rules *r);

/* Fills the rule (what the file leaves open stays unset) and the zones that are active at this moment into
 * params. Zones live in the arena. */
void rules_apply(const struct rules *r, struct arena *a, const char *tenant, const char *camera_id,
                 int64_t now_wall_us, struct alarm_params *params);

#endif
