/* One analyst as the front sees it: what it says, how it ends. What it says is foreign input. */
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "lab/front_int.h"
#include "report/json.h"

/* ---- its state ---- */

struct place *place_of(struct lab *lab, uint64_t serial)
{
    for (size_t i = 0; i < lab->nplaces && serial; i++)
        if (lab->places[i].serial == serial)
            return &lab->places[i];
    return NULL;
}

enum place_state place_state(struct lab *lab, const struct place *p)
{
    enum place_state state;

    pthread_mutex_lock(&lab->lock);
    state = p->state;
    pthread_mutex_unlock(&lab->lock);
    return state;
}

const char *lab_end_name(enum lab_end e)
{
    static const char *const names[] = {
        [LAB_RETIRED] = "retired", [LAB_DEADLINE] = "deadline", [LAB_CANCELLED] = "cancelled",
        [LAB_CRASHED] = "crashed", [LAB_PROTOCOL] = "protocol", [LAB_KEEPER] = "keeper",
        [LAB_STOPPED] = "stopped",
    };

    return names[e];
}

/* Needs the lock. How it ended, when all that is known from outside is `end`. */
static enum lab_end end_of(const struct lab *lab, const struct place *p, enum lab_end end)
{
    if (lab->stopping)
        return LAB_STOPPED;
    if (p->why.kind == ERR_TIMEOUT || p->why.kind == ERR_CANCELLED)
        return p->why.kind == ERR_TIMEOUT ? LAB_DEADLINE : LAB_CANCELLED;
    if (p->why.kind != ERR_NONE)
        return LAB_PROTOCOL;
    return end == LAB_CRASHED && !p->ticket && (p->outgrown || p->tasks >= lab->opts.tasks_per_analyst)
               ? LAB_RETIRED
               : end;
}

/* Needs the lock. */
static void count(struct lab *lab, const struct place *p, enum lab_end end)
{
    lab->stats.ends[end_of(lab, p, end)]++;
    if (p->why.kind == ERR_TIMEOUT)
        lab->stats.timed_out++;
    else if (p->why.kind != ERR_CANCELLED && p->ticket)
        lab->stats.crashed++;
}

void pidfd_kill(int pidfd)
{
    if (pidfd >= 0)
        syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
}

void place_leave(struct lab *lab, struct place *p, const struct err *why)
{
    if (p->state == EMPTY || p->state == LEAVING)
        return;
    if (why && p->why.kind == ERR_NONE)
        p->why = *why;
    pidfd_kill(p->pidfd);
    if (p->sock >= 0)
        epoll_ctl(lab->epoll_fd, EPOLL_CTL_DEL, p->sock, NULL);
    fd_closep(&p->sock);
    p->state = LEAVING;
}

static const char *signal_hint(int sig)
{
    static const struct {
        int sig;
        const char *hint;
    } hints[] = {
        {SIGABRT, "; perhaps it needed more memory than it may have"},
        {SIGKILL, "; perhaps this machine is out of memory"},
        {SIGXCPU, "; it used more processor time than the deadline allows"},
        {SIGXFSZ, "; it wrote more than it may"},
        {SIGSYS, "; it tried something that is forbidden in the sandbox"},
    };

    for (size_t i = 0; i < COUNT_OF(hints); i++)
        if (hints[i].sig == sig)
            return hints[i].hint;
    return "";
}

static void describe_death(struct err *err, int status)
{
    if (WIFSIGNALED(status))
        err_set(err, ERR_CRASH, "The analyst died of signal %d (%s) on this subject%s.", WTERMSIG(status),
                strsignal(WTERMSIG(status)), signal_hint(WTERMSIG(status)));
    else
        err_set(err, ERR_CRASH, "The analyst left with status %d before it had judged this subject.",
                WEXITSTATUS(status));
}

/* Its process is gone. Hands out the task that was left, for the caller to end outside the lock. */
static struct ticket *place_vacate(struct lab *lab, struct place *p, const struct err *death,
                                   struct err *ret_why)
{
    struct ticket *left = TAKE(p->ticket);

    if (p->why.kind == ERR_NONE)
        p->why = *death;
    *ret_why = p->why;
    if (p->tasks == 0 && !left && !p->outgrown)
        backoff_failed(&lab->spawn_backoff); /* died without a task: the next one may, too */
    fd_closep(&p->sock);
    fd_closep(&p->pidfd);
    *p = (struct place){.state = EMPTY, .sock = -1, .pidfd = -1};
    return left;
}

/* ---- what an analyst says ---- */

static void tell_idle(struct lab *lab)
{
    if (lab->opts.idle)
        lab->opts.idle(lab->opts.idle_arg);
}

static bool on_up(struct lab *lab, struct place *p, const struct message *m UNUSED)
{
    if (place_state(lab, p) != STARTING)
        return false;
    pthread_mutex_lock(&lab->lock);
    p->state = IDLE;
    lab->up_once = true;
    lab->failed = (struct err){0};
    pthread_cond_broadcast(&lab->changed);
    pthread_mutex_unlock(&lab->lock);
    tell_idle(lab);
    return true;
}

static bool on_failed_start(struct lab *lab, struct place *p, const struct message *m)
{
    if (place_state(lab, p) != STARTING)
        return false;
    log_error("analyst cannot start", "error=%s", m->failed.text);
    pthread_mutex_lock(&lab->lock);
    lab->failed = m->failed;
    pthread_cond_broadcast(&lab->changed);
    place_leave(lab, p, NULL);
    pthread_mutex_unlock(&lab->lock);
    return true;
}

static bool on_progress(struct lab *lab, struct place *p, const struct message *m)
{
    if (place_state(lab, p) != BUSY || p->progress_left-- <= 0 || m->progress.done < 0 ||
        m->progress.planned < 0)
        return false;
    if (p->ticket->progress)
        p->ticket->progress(p->ticket->arg, m->progress.done, m->progress.planned);
    return true;
}

/* Takes the task off the analyst. An analyst that has done its share, or whose report is bad, is replaced.
 * NULL when the task has been cancelled meanwhile: then it ends with its analyst. */
static struct ticket *take_task(struct lab *lab, struct place *p, const struct err *bad, bool *ret_idle)
{
    struct ticket *t;

    *ret_idle = false;
    pthread_mutex_lock(&lab->lock);
    if (p->why.kind != ERR_NONE) {
        pthread_mutex_unlock(&lab->lock);
        return NULL;
    }
    t = TAKE(p->ticket);
    p->tasks++;
    lab->stats.tasks++;
    p->state = IDLE;
    if (bad) {
        lab->stats.crashed++;
        place_leave(lab, p, bad);
    } else if (p->tasks >= lab->opts.tasks_per_analyst) {
        place_leave(lab, p, NULL);
    }
    *ret_idle = p->state == IDLE;
    pthread_mutex_unlock(&lab->lock);
    lab->spawn_backoff = (struct backoff){0};
    return t;
}

static bool on_done(struct lab *lab, struct place *p, const struct message *m)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct lab_result result = {0};
    struct report *report = NULL;
    struct ticket *t;
    bool idle;

    if (place_state(lab, p) != BUSY)
        return false;
    if (ticket_report(p->ticket, a, m->done.report_bytes, &report, &result.error) == 0) {
        result.report = report;
        result.report_json = report_to_json(a, report);
    }
    t = take_task(lab, p, result.report ? NULL : &result.error, &idle);
    if (t)
        ticket_end(t, &result);
    if (idle)
        tell_idle(lab);
    return true;
}

static const struct {
    enum msg_type type;
    bool (*act)(struct lab *lab, struct place *p, const struct message *m); /* false: out of turn */
} analyst_says[] = {
    {MSG_UP, on_up},
    {MSG_FAILED, on_failed_start},
    {MSG_PROGRESS, on_progress},
    {MSG_DONE, on_done},
};

static bool act_on(struct lab *lab, struct place *p, const struct message *m)
{
    for (size_t i = 0; i < COUNT_OF(analyst_says); i++)
        if (analyst_says[i].type == m->type)
            return analyst_says[i].act(lab, p, m);
    return false;
}

static void misbehaved(struct lab *lab, struct place *p)
{
    struct err why = {0};

    err_set(&why, ERR_INTERNAL, "The analyst did not keep to the protocol and was stopped.");
    pthread_mutex_lock(&lab->lock);
    log_warn("analyst breaks the protocol", "job=%s serial=%llu", p->ticket ? p->ticket->job_id : "-",
             (unsigned long long)p->serial);
    place_leave(lab, p, &why);
    pthread_mutex_unlock(&lab->lock);
}

static void hung_up(struct lab *lab, struct place *p)
{
    pthread_mutex_lock(&lab->lock);
    place_leave(lab, p, NULL);
    pthread_mutex_unlock(&lab->lock);
}

void place_hear(struct lab *lab, struct place *p)
{
    int fds[LINK_MAX_FDS];
    struct message m;

    while (p->sock >= 0) {
        enum link_got got = link_recv(p->sock, &m, fds);
        if (got == LINK_NOTHING)
            return;
        link_close_fds(fds); /* an analyst has none to give */
        if (got == LINK_CLOSED)
            hung_up(lab, p);
        else if (got == LINK_BROKEN || !act_on(lab, p, &m))
            misbehaved(lab, p);
    }
}

/* ---- the end of an analyst ---- */

void place_died(struct lab *lab, struct place *p, const struct err *death, enum lab_end end)
{
    struct ticket *left;
    struct err why;

    place_hear(lab, p); /* a last report may still be on the way */
    pthread_mutex_lock(&lab->lock);
    count(lab, p, end);
    left = place_vacate(lab, p, death, &why);
    pthread_mutex_unlock(&lab->lock);
    if (!left)
        return;
    log_warn("task lost its analyst", "job=%s error=%s", left->job_id, why.text);
    ticket_fail(left, &why);
}

void place_died_with_status(struct lab *lab, struct place *p, int wait_status)
{
    struct err death = {0};

    describe_death(&death, wait_status);
    place_died(lab, p, &death, LAB_CRASHED);
}
