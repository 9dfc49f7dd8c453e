/* The operator's rules: thresholds per tenant and camera, exclusion zones per camera, read from a JSON file
 * (docs/rules.md).
 *
 *   {"tenants": {"acme": {"low": 0.2, "high": 0.8, "label": 0.5,
 *      "cameras": {"134188-VI08": {"high": 0.9, "zones": [
 *          {"width": 640, "height": 480, "points": [{"px": 0, "py": 0}, ...],
 *           "active": true, "enabled": true, "repeatAt": 127, "from": "2026-01-01T00:00:00Z", "to":
 * "..."}]}}}}}
 *
 * The tenant "*" is the fallback for tenants without an entry. Rules do not change; a rulebook, of which the
 * API has one, holds those in force and is handed others while requests use it. */
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
 * params. What params points to lives in the arena. */
void rules_apply(const struct rules *r, struct arena *a, const char *tenant, const char *camera_id,
                 int64_t now_wall_us, struct alarm_params *params);

struct rulebook;
struct rulebook *rulebook_new_take(struct rules *r);
struct rulebook *rulebook_free(struct rulebook *b);              /* NULL is fine */
void rulebook_replace_take(struct rulebook *b, struct rules *r); /* any thread */
/* rules_apply with those in force; any thread. */
void rulebook_apply(struct rulebook *b, struct arena *a, const char *tenant, const char *camera_id,
                    int64_t now_wall_us, struct alarm_params *params);

#endif
