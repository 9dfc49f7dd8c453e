/* The list of pipelines. */
#ifndef ASSAY_ANALYSIS_PIPELINES_INT_H
#define ASSAY_ANALYSIS_PIPELINES_INT_H

#include "analysis/analysis.h"

extern const struct pipeline pipeline_alarm, pipeline_annotate;

#endif
