/* What the looks for tampering share: how they say what they found. */
#ifndef ASSAY_ANALYSIS_TAMPER_EVIDENCE_INT_H
#define ASSAY_ANALYSIS_TAMPER_EVIDENCE_INT_H

#include "analysis/tamper/grid.h"
#include "report/tampering.h"

static inline struct tamper_evidence evidence_unknown(enum tamper_model m, const char *code)
{
    return (struct tamper_evidence){.model = m, .code = code};
}

static inline void evidence_add(struct tamper_evidence *e, const char *name, double value)
{
    if (e->nnumbers < TAMPER_NUMBERS)
        e->numbers[e->nnumbers++] = (struct tamper_number){name, value};
}

static inline double evidence_clamp(double x)
{
    return x < 0 ? 0 : x > 1 ? 1 : x;
}

/* Where a region of blocks lies in a picture of w x h blocks. */
static inline void evidence_place(struct tamper_evidence *e, const struct region *r, int w, int h)
{
    e->has_box = true;
    e->box = (struct box){(float)r->x0 / (float)w, (float)r->y0 / (float)h,
                          (float)(r->x1 + 1 - r->x0) / (float)w, (float)(r->y1 + 1 - r->y0) / (float)h};
}

#endif
