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

/* The subject, as long as there is time. */
struct timed {
    struct source file;
    int64_t deadline;
};

static int read_in_time(void *self, uint64_t at, void *to, size_t n, struct err *err)
{
    const struct timed *t = self;

    if (clock_mono_us() >= t->deadline)
        return FAIL(err, ERR_TIMEOUT, "The deadline passed while the Content Credentials were read.");
    return t->file.read(t->file.self, at, to, n, err);
}

int credentials_read(const struct toolbox *tools, const struct origin_params *params, int fd,
                     int64_t deadline_mono_us, struct report *report, struct err *err)
{
    const struct c2pa_opts opts = {.trust = tools->origin.trust, .now = params->at};
    struct origins *o = report->origins;
    int64_t begin = clock_cpu_us();
    struct c2pa_result found;
    struct timed timed = {source_of_fd(&fd, (uint64_t)report->subject.size), deadline_mono_us};
    struct source source = {read_in_time, &timed, timed.file.size};

    if (c2pa_read(report->arena, &source, &opts, &found, err) < 0)
        return -1;
    o->credentials_read = true;
    o->credentials = (struct credentials){state_of(found.state), found.says_ai, found.json};
    o->forced = forces(params, &o->credentials);
    report->decode_us += clock_cpu_us() - begin;
    return 0;
}
