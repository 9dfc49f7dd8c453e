/* deployment-metadata.json, the public description of a project of Edge Impulse that comes with its models:
 * the impulse with the ids of its blocks. Pure; the bytes are foreign.
 *
 * What the format does not have may be added beside it: "anomaly": {"<block>": {"axes": [0, 11], "scale": [],
 * "mean": [], "clusters": [{"centroid": [], "max_error": 0.4}]}} and "thresholds": {"<block>": 0.6}, or as
 * [{"blockId": 5, "key": "min_score", "value": 0.6}]. */
#ifndef ASSAY_INFER_DEPLOYMENT_H
#define ASSAY_INFER_DEPLOYMENT_H

#include "base/bytes.h"
#include "report/sensor.h"

enum { DEPLOYMENT_MAX_BYTES = 8 << 20 };

/* Fills format, ports (of the first model that it names) and impulse. ERR_INPUT, ERR_LIMIT, ERR_UNSUPPORTED.
 */
int deployment_read(struct arena *a, struct bytes json, struct imported *ret, struct err *err);

#endif
