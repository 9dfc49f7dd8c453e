#include "api/remove.h"

#include "api/api.h"
#include "base/log.h"

/* What becomes of a job, and who may do it. */
static const struct action {
    const char *becomes, *scope;
    void (*run)(struct jobs *jobs, const struct job_order *order, job_ordered *cb, void *arg);
} actions[] = {
    [false] = {"cancelled", "submit", job_cancel},
    [true] = {"deleted", "admin", job_delete},
};

/* One order on its way; in the request's arena. */
struct removal {
    struct request *request;
    const struct remove_manners *manners;
    struct caller caller;
    const char *id;
    const struct action *action;
};

static const struct {
    enum err_kind kind;
    int status;
} statuses[] = {
    {ERR_NOT_FOUND, 404},
    {ERR_CONFLICT, 409},
    {ERR_BUSY, 503},
    {ERR_FULL, 507},
};

static int status_of(enum err_kind kind)
{
    for (size_t i = 0; i < COUNT_OF(statuses); i++)
        if (statuses[i].kind == kind)
            return statuses[i].status;
    return 500;
}

static void ordered(void *arg, const struct err *err)
{
    struct removal *rm = arg;

    if (err->kind != ERR_NONE) {
        rm->manners->refuse(rm->request, status_of(err->kind), err->text);
        return;
    }
    log_info("audit", "action=job_%s job=%s req=%s tenant=%s key=%s", rm->action->becomes, rm->id,
             request_id(rm->request), rm->caller.tenant, rm->caller.key_id);
    rm->manners->done(rm->request, rm->id, rm->action->becomes);
}

void remove_job(struct request *r, const struct caller *caller, const struct job_row *job,
                const struct remove_manners *manners)
{
    struct removal *rm = arena_alloc(request_arena(r), sizeof *rm);
    enum job_state state;

    if (!job_state_parse(job->state, &state)) {
        manners->refuse(r, 500, "the job's record cannot be read");
        return;
    }
    *rm = (struct removal){.request = r, .manners = manners, .caller = *caller};
    rm->id = arena_strdup(request_arena(r), job->id);
    rm->action = &actions[job_state_is_final(state)];
    if (caller_may(caller, rm->action->scope))
        rm->action->run(api_of(r)->jobs, &(struct job_order){rm->caller.tenant, rm->id, rm->caller.key_id},
                        ordered, rm);
    else
        manners->refuse(r, 403,
                        job_state_is_final(state)
                            ? "to delete a finished job needs a key with the scope 'admin'"
                            : "to cancel a job needs a key with the scope 'submit'");
}
