#include "report/spec.h"

#include <math.h>

struct job_spec job_spec_defaults(void)
{
    return (struct job_spec){
        .id = "",
        .pipeline = "alarm",
        .subject = {.name = ""},
        .deadline_ms = 60000,
        .alarm = {.fps = 3, .height = 320, .max_frames = 600, .rule = risk_rule_unset()},
    };
}

struct alarm_params alarm_params_copy(struct arena *a, const struct alarm_params *p)
{
    struct label_threshold *labels = arena_array(a, p->rule.nlabels, sizeof *labels);
    struct zone *zones = arena_array(a, p->nzones, sizeof *zones);
    struct alarm_params copy = *p;

    for (size_t i = 0; i < p->rule.nlabels; i++)
        labels[i] =
            (struct label_threshold){arena_strdup(a, p->rule.labels[i].label), p->rule.labels[i].from};
    for (size_t i = 0; i < p->nzones; i++)
        zones[i] = p->zones[i];
    copy.rule.labels = labels;
    copy.zones = zones;
    return copy;
}

static int alarm_check(const struct alarm_params *p, struct err *err)
{
    if (!(p->fps > 0 && p->fps <= 60))
        return FAIL(err, ERR_INPUT, "frames per second must be above 0 and at most 60");
    if (p->height < 32 || p->height > 2160 || p->height % 2)
        return FAIL(err, ERR_INPUT, "the analysed height must be an even number from 32 to 2160");
    if (p->max_frames < 1 || p->max_frames > 100000)
        return FAIL(err, ERR_INPUT, "the number of analysed frames must be from 1 to 100000");
    if (p->nzones > ZONE_MAX)
        return FAIL(err, ERR_LIMIT, "more than %d exclusion zones", ZONE_MAX);
    for (size_t i = 0; i < p->nzones; i++)
        if (p->zones[i].n < 3 || p->zones[i].n > ZONE_MAX_POINTS)
            return FAIL(err, ERR_INPUT, "an exclusion zone has %zu corners; 3 to %d are possible",
                        p->zones[i].n, ZONE_MAX_POINTS);
    return risk_rule_check_partial(&p->rule, err);
}

int64_t job_spec_left_ms(const struct job_spec *spec)
{
    return spec->deadline_ms > spec->spent_ms ? spec->deadline_ms - spec->spent_ms : 1;
}

int job_spec_check(const struct job_spec *spec, struct err *err)
{
    if (spec->deadline_ms < 1 || spec->deadline_ms > 3600000)
        return FAIL(err, ERR_INPUT, "the deadline must be from 1 to 3600000 milliseconds");
    if (spec->spent_ms < 0 || spec->spent_ms > spec->deadline_ms)
        return FAIL(err, ERR_INPUT, "more time is spent than the deadline leaves");
    return alarm_check(&spec->alarm, err);
}
