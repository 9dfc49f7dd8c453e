#include "analysis/credentials.h"

#include "base/clock.h"
#include "c2pa/reader.h"

static enum credentials_state state_of(enum c2pa_state s)
{
    static const enum credentials_state states[] = {
        [C2PA_NONE] = CREDENTIALS_NONE,
        [C2PA_INVALID] = CREDENTIALS_INVALID,
        [C2PA_VALID] = CREDENTIALS_VALID,
        [C2PA_TRUSTED] = CREDENTIALS_TRUSTED,
    };

    return states[s];
}

static bool forces(const struct origin_params *params, const struct credentials *c)
{
    static const enum credentials_state least[] = {
        [FORCE_TRUSTED] = CREDENTIALS_TRUSTED,
        [FORCE_VALID] = CREDENTIALS_VALID,
    };

    return params->force != FORCE_NEVER && c->says_artificial && c->state >= least[params->force];
}

int credentials_read(const struct toolbox *tools, const struct origin_params *params, int fd,
                     struct report *report, struct err *err)
{
    const struct c2pa_opts opts = {.trust = tools->origin.trust, .now = params->at};
    struct origins *o = report->origins;
    int64_t begin = clock_cpu_us();
    struct c2pa_result found;
    struct source source = source_of_fd(&fd, (uint64_t)report->subject.size);

    if (c2pa_read(report->arena, &source, &opts, &found, err) < 0)
        return -1;
    o->credentials_read = true;
    o->credentials = (struct credentials){state_of(found.state), found.says_ai, found.json};
    o->forced = forces(params, &o->credentials);
    report->decode_us += clock_cpu_us() - begin;
    return 0;
}
