/* What the build writes into the programs: version, commit and date. */
#ifndef ASSAY_CMD_STAMP_H
#define ASSAY_CMD_STAMP_H

#include "report/report.h"

extern const char assay_version[], assay_build_at[];
extern const struct program_ref assay_program; /* commit "": built without git */

#endif
