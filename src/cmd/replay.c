/* assay replay: another model or other rules over the jobs of a data directory. Which verdicts flip, in which
 * direction, and at what cost. Changes nothing: the records and files are opened for reading, and keeper and
 * analysts are this command's own, at low priority.
 *
 * One thread walks through the jobs, newest first, with a ring of slots in front of it: a job goes into the
 * ring when it is read, to an analyst when it needs one, and is counted and printed when it is the oldest in
 * the ring and answered. So the output has the order of the jobs, and memory does not grow with their number.
 */
#include <libgen.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/rules.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "cmd/replay_int.h"
#include "infer/card.h"
#include "report/json.h"
#include "store/blobs.h"
#include "store/history.h"

enum { PAGE = 200, RING_MAX = 256, LOWER = 10, READY_US = 60000000, LOOK_AGAIN_NS = 100000000 };

struct replay_settings {
    const char *model, *rules, *tenant;
    int64_t since_ms, limit;
    bool json;
};

static const struct option replay_rows[] = {
    {"model", OPT_STRING, offsetof(struct replay_settings, model), NULL, 0, 0, "CARD",
     "judge with the model of this card"},
    {"rules", OPT_STRING, offsetof(struct replay_settings, rules), NULL, 0, 0, "FILE",
     "judge by these rules (docs/rules.md), as if they had been in force"},
    {"since", OPT_DURATION, offsetof(struct replay_settings, since_ms), "0s", 0, 1e13, "TIME",
     "only jobs younger than that; 0s: all"},
    {"tenant", OPT_STRING, offsetof(struct replay_settings, tenant), NULL, 0, 0, "NAME",
     "only jobs of this tenant"},
    {"limit", OPT_INT, offsetof(struct replay_settings, limit), "0", 0, 1e9, "N",
     "the newest so many; 0: all"},
    {"json", OPT_FLAG, offsetof(struct replay_settings, json), "false", 0, 0, NULL,
     "one JSON line for each flip, and one with the sums"},
};

/* ---- a job in the ring ---- */

struct slot {
    struct arena *arena; /* of everything about the job; NULL: empty */
    struct replayed job;
    bool runs; /* given to the lab */
    /* --- guarded by replay.lock --- */
    bool answered;
};

struct replay {
    struct replay_settings s;
    const char *data;
    struct lab_opts lab_opts;
    struct records *db;
    struct blobs *blobs;
    struct rules *rules;
    struct lab *lab;
    struct replay_sums sums;
    struct slot ring[RING_MAX];
    size_t first, n, size; /* of the ring */
    pthread_mutex_t lock;
    pthread_cond_t change; /* an answer, or an idle analyst */
};

/* Ctrl-C: what there is so far is printed. */
static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
    interrupted = sig;
}

static void watch_signals(void)
{
    struct sigaction once = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND};

    sigaction(SIGINT, &once, NULL);
    sigaction(SIGTERM, &once, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* ---- the lab ---- */

static void analyst_idle(void *arg)
{
    struct replay *p = arg;

    pthread_mutex_lock(&p->lock);
    pthread_cond_signal(&p->change);
    pthread_mutex_unlock(&p->lock);
}

/* Under lock: until something changes, or a moment, so that a signal is seen. */
static void wait_a_moment(struct replay *p)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += LOOK_AGAIN_NS;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&p->change, &p->lock, &t);
}

/* The model of that card and no other: the directory is searched by name. */
static int check_model(struct replay *p, const struct card *card, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct makers m;

    if (!lab_makers(p->lab, a, &m) || m.nmodels != 1 || !text_is(m.models[0].card, card->text_sha256))
        return FAIL(err, ERR_CONFLICT, "beside %s lies another card for a model of the name %s", p->s.model,
                    card->name);
    return 0;
}

static int start_lab(struct replay *p, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct lab_opts opts = p->lab_opts;
    struct card card = {0};

    if (p->s.model) {
        if (card_load(a, p->s.model, &card, err) < 0 || card_verify(&card, err) < 0)
            return -1;
        opts.models_dir = dirname(arena_strdup(a, p->s.model));
        opts.detector = card.name;
    }
    opts.idle = analyst_idle;
    opts.idle_arg = p;
    if (lab_start(&p->lab, &opts, err) < 0 || lab_wait_ready(p->lab, clock_mono_us() + READY_US, err) < 0)
        return -1;
    return p->s.model ? check_model(p, &card, err) : 0;
}

/* Lab thread. */
static void judged(void *arg, const struct lab_result *result)
{
    struct slot *slot = arg;
    struct replay *p = slot->job.replay;
    const struct report *r = result->report;

    if (r)
        replayed_by_report(&slot->job.now, r);
    if (r && slot->job.report)
        slot->job.other_makers = !report_same_makers(slot->job.report, r);
    pthread_mutex_lock(&p->lock);
    slot->answered = true;
    pthread_cond_signal(&p->change);
    pthread_mutex_unlock(&p->lock);
}

/* To an analyst, as soon as one is idle. */
static int run_slot(struct replay *p, struct slot *slot, const struct job_spec *spec, int subject_fd,
                    struct err *err)
{
    struct lab_task task = {
        .spec = *spec, .subject_fd = subject_fd, .artefact_fd = -1, .done = judged, .arg = slot};
    struct err why = {0};

    if (!p->lab && start_lab(p, err) < 0)
        return -1;
    while (lab_run(p->lab, &task, &why) < 0) {
        if (why.kind != ERR_BUSY)
            return FAIL(err, why.kind, "%s", why.text);
        if (interrupted)
            return 0;
        pthread_mutex_lock(&p->lock);
        wait_a_moment(p);
        pthread_mutex_unlock(&p->lock);
    }
    slot->runs = true;
    return 0;
}

/* ---- out of the ring ---- */

static bool wait_answer(struct replay *p, struct slot *slot)
{
    bool answered;

    pthread_mutex_lock(&p->lock);
    while (slot->runs && !slot->answered && !interrupted)
        wait_a_moment(p);
    answered = slot->answered;
    pthread_mutex_unlock(&p->lock);
    return answered;
}

/* The oldest job is counted, when it was answered. */
static void settle(struct replay *p)
{
    struct slot *slot = &p->ring[p->first % p->size];
    bool answered = wait_answer(p, slot);

    if (!answered && slot->runs)
        return; /* interrupted: the lab may still write into it */
    if (answered)
        replay_count(&p->sums, &slot->job, p->s.json);
    arena_freep(&slot->arena);
    p->first++;
    p->n--;
}

static struct slot *take_slot(struct replay *p)
{
    struct slot *slot;

    if (p->n == p->size)
        settle(p);
    if (p->n == p->size)
        return NULL;
    slot = &p->ring[(p->first + p->n++) % p->size];
    *slot = (struct slot){.arena = arena_new()};
    slot->job.replay = p;
    return slot;
}

/* ---- into the ring ---- */

/* What the job would have been asked under the candidate rules. */
static void ask(struct replay *p, struct slot *slot, struct job_spec *spec)
{
    struct replayed *job = &slot->job;

    if (!p->s.rules)
        return;
    spec->alarm.rule = risk_rule_unset();
    spec->alarm.nzones = 0;
    rules_apply(p->rules, slot->arena, job->row.tenant, job->camera, job->row.created_us, &spec->alarm);
}

static int judge_again(struct replay *p, struct slot *slot, const struct job_spec *spec, struct err *err)
{
    CLEANUP(fd_closep) int fd = -1;
    struct err why = {0};
    int64_t size;

    if (blob_open(p->blobs, slot->job.row.sha256, &fd, &size, &why) < 0) {
        if (why.kind != ERR_NOT_FOUND)
            return FAIL(err, why.kind, "%s", why.text);
        slot->job.missing = slot->answered = true;
        return 0;
    }
    return run_slot(p, slot, spec, fd, err);
}

static int put_job(struct replay *p, struct slot *slot, struct err *err)
{
    struct replayed *job = &slot->job;
    struct job_spec spec, asked;
    const char *risk;

    if (spec_from_json(slot->arena, job->row.spec, &spec, err) < 0)
        return -1;
    asked = spec;
    spec.spent_ms = 0; /* its file is here */
    ask(p, slot, &spec);
    if (!p->s.model && job->report && report_answers(job->report, &asked.alarm, &spec.alarm, &risk)) {
        job->now = job->then;
        job->now.judgement = judgement_of(risk);
        job->from_scores = slot->answered = true;
        return 0;
    }
    return judge_again(p, slot, &spec, err);
}

/* A job that was deleted since its page was read is none any more. */
static int take_job(struct replay *p, const char *id, struct err *err)
{
    struct slot *slot = take_slot(p);
    struct err why = {0};

    if (!slot)
        return 0;
    if (replayed_read(p->db, slot->arena, id, &slot->job, &why) < 0) {
        slot->answered = false;
        return why.kind == ERR_NOT_FOUND ? 0 : FAIL(err, why.kind, "%s", why.text);
    }
    return put_job(p, slot, err);
}

/* ---- all of them ---- */

static int replay_page(struct replay *p, struct history_query *query, size_t *ret_n, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct history_job *jobs;

    if (records_history(p->db, a, query, &jobs, ret_n, err) < 0)
        return -1;
    for (size_t i = 0; i < *ret_n && !interrupted; i++) {
        query->before = jobs[i].seq;
        replay_progress(&p->sums);
        if (take_job(p, jobs[i].id, err) < 0)
            return -1;
    }
    return 0;
}

static int replay_all(struct replay *p, struct err *err)
{
    struct history_query query = {
        .tenant = p->s.tenant,
        .since_us = p->s.since_ms ? clock_wall_us() - p->s.since_ms * 1000 : 0,
    };
    int64_t left = p->s.limit ? p->s.limit : INT64_MAX;
    size_t n = 1;

    if (records_history_size(p->db, &query, &p->sums.size, err) < 0)
        return -1;
    for (; n && left > 0 && !interrupted; left -= (int64_t)n) {
        query.max = left < PAGE ? (size_t)left : PAGE;
        if (replay_page(p, &query, &n, err) < 0)
            return -1;
    }
    while (p->n && !interrupted)
        settle(p);
    return 0;
}

static int prepare(struct replay *p, struct err *err)
{
    p->rules = rules_load(p->s.rules, err);
    if (!p->rules || records_open_reading(&p->db, p->data, err) < 0 ||
        blobs_open_reading(&p->blobs, p->data, err) < 0)
        return -1;
    return p->s.model ? start_lab(p, err) : 0; /* a bad card is told before anything is read */
}

static int run(struct replay *p)
{
    struct err err = {0};
    int status = 0;

    if (prepare(p, &err) < 0 || replay_all(p, &err) < 0)
        status = 1;
    lab_stop(p->lab);
    p->lab = NULL;
    for (; p->n; p->n--, p->first++) { /* nobody writes into them any more */
        struct slot *slot = &p->ring[p->first % p->size];
        arena_freep(&slot->arena);
    }
    p->sums.interrupted = interrupted;
    if (status == 0)
        replay_print_sums(&p->sums, p->s.json);
    else
        command_failed(&err);
    return status ? status : interrupted ? 128 + interrupted : 0;
}

static const struct command_help help = {
    .usage = "assay replay --model CARD | --rules FILE [--since TIME] [--tenant NAME] [--limit N] [--json]",
    .text =
        "Judges the jobs of a data directory again, with another model or under other rules, and tells which "
        "verdicts\n"
        "would have been others. Nothing stored changes; a server may run beside it. Rules alone are "
        "answered from the\n"
        "stored scores wherever these are enough; everything else goes to analysts of its own, at low "
        "priority.",
    .after = "Examples:\n"
             "  assay replay --rules strict.json --since 7d\n"
             "  assay replay --model yolox-nano.json --tenant acme --limit 500 --analysts 2\n"
             "Ctrl-C prints what there is so far. docs/replay.md has more.",
};

static int replay_run(int argc, char **argv)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct replay *p = arena_alloc(a, sizeof *p);
    struct common_settings common;
    struct data_settings data;
    struct lab_settings lab;
    struct option_set sets[] = {common_set(&common),
                                {"Replay", replay_rows, COUNT_OF(replay_rows), &p->s},
                                data_set(&data),
                                lab_set(&lab)};
    struct conf *conf;
    int status = command_options(a, &help, sets, COUNT_OF(sets), &common, &argc, argv, &conf);

    if (status >= 0)
        return status;
    if (argc > 1 || (!p->s.model && !p->s.rules))
        return command_misused(&help, argc > 1 ? argv[1] : NULL);
    log_setup(LOG_ERROR, false);
    setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + LOWER); /* before there are threads */
    watch_signals();
    lab.analysts = lab.analysts ? lab.analysts : 1;
    p->data = data.data;
    p->lab_opts = lab_opts_of(&lab, &data, a);
    p->size = (size_t)lab.analysts;
    p->sums.limit = p->s.limit;
    p->sums.model = p->s.model;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->change, NULL);
    status = run(p);
    blobs_freep(&p->blobs);
    records_freep(&p->db);
    p->rules = rules_free(p->rules);
    return status;
}

const struct command command_replay = {"replay", "stored jobs under another model or other rules",
                                       replay_run};
