/* raw: the values as they are, times a scale. Version 1. */
#include "dsp/dsp_int.h"

static int raw_run(struct dsp_call *c, struct err *err)
{
    if (dsp_room(c, c->n, err) < 0)
        return -1;
    for (size_t i = 0; i < c->n; i++)
        dsp_put(c, (double)c->values[i] * c->s->raw.scale);
    return 0;
}

static const struct dsp_param raw_params[] = {
    {"scale-axes", DSP_NUMBER, offsetof(struct dsp_settings, raw.scale), -1e9, 1e9, 1, NULL},
};

const struct dsp_block dsp_block_raw = {
    .name = "raw",
    .newest = 1,
    .any_frequency = true,
    .params = raw_params,
    .nparams = COUNT_OF(raw_params),
    .run = raw_run,
};
