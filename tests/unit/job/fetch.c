/* Jobs whose subject is named by a URL, over a fetcher which does what its row says and a lab which says
 * "done". */
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "report/json.h"
#include "store/events.h"
#include "test.h"
#include "unit/job/rig.h"
#include "unit/store/tempdir.h"

/* ---- the fetcher ---- */

enum act {
    ACT_FILE,     /* the file, within the call */
    ACT_GONE,     /* no file, and there will not be one */
    ACT_BROKEN,   /* half a file; another time may be better */
    ACT_LATE,     /* half a file, then its time was over */
    ACT_LARGE,    /* more than the blob takes */
    ACT_UNWANTED, /* half a file, then nobody wanted it any more */
    ACT_HANG,     /* nothing until it is released or not wanted, on a thread of its own */
};

static struct {
    pthread_mutex_t lock;
    enum act acts[4];
    int asked, open, most_open;
    bool released;
    int64_t max_ms;
    char url[128], order[64]; /* the last letter of every URL asked for */
} net = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void net_script(enum act first, enum act second, enum act third)
{
    pthread_mutex_lock(&net.lock);
    net.acts[0] = first;
    net.acts[1] = second;
    net.acts[2] = net.acts[3] = third;
    net.asked = net.open = net.most_open = 0;
    net.released = false;
    net.order[0] = '\0';
    pthread_mutex_unlock(&net.lock);
}

static void pause_ms(int ms)
{
    nanosleep(&(struct timespec){0, ms * 1000000L}, NULL);
}

static bool is_released(void)
{
    bool released;

    pthread_mutex_lock(&net.lock);
    released = net.released;
    pthread_mutex_unlock(&net.lock);
    return released;
}

static void net_release(void)
{
    pthread_mutex_lock(&net.lock);
    net.released = true;
    pthread_mutex_unlock(&net.lock);
}

static void net_close(void)
{
    pthread_mutex_lock(&net.lock);
    net.open--;
    pthread_mutex_unlock(&net.lock);
}

static void send_text(const struct job_fetch *f, const char *text)
{
    struct err err = {0};

    CHECK_INT(f->data(f->arg, bytes_of(text, strlen(text)), &err), 0);
}

static void send_file(const struct job_fetch *f)
{
    send_text(f, "a c");
    send_text(f, "lip");
    net_close();
    f->done(f->arg, &(struct err){0}, false);
}

static void *hang_main(void *arg)
{
    struct job_fetch *f = arg;

    while (!is_released() && f->wanted(f->arg))
        pause_ms(2);
    if (f->wanted(f->arg)) {
        send_file(f);
    } else {
        net_close();
        f->done(f->arg, &(struct err){ERR_CANCELLED, "not wanted"}, false);
    }
    free(f);
    return NULL;
}

static void hang(const struct job_fetch *f)
{
    struct job_fetch *copy = malloc(sizeof *copy);
    pthread_t thread;

    *copy = *f;
    if (pthread_create(&thread, NULL, hang_main, copy) != 0)
        abort();
    pthread_detach(thread);
}

static void send_too_much(const struct job_fetch *f)
{
    static const char much[4096];
    struct err err = {0};

    while (f->data(f->arg, bytes_of(much, sizeof much), &err) == 0) {
    }
    CHECK_INT(err.kind, ERR_LIMIT);
    net_close();
    f->done(f->arg, &err, false);
}

static void send_half(const struct job_fetch *f, struct err err, bool again)
{
    send_text(f, "half");
    net_close();
    f->done(f->arg, &err, again);
}

static enum act note(const struct job_fetch *f)
{
    enum act act;
    size_t n;

    pthread_mutex_lock(&net.lock);
    act = net.acts[net.asked < 3 ? net.asked : 3];
    net.asked++;
    net.open++;
    if (net.open > net.most_open)
        net.most_open = net.open;
    net.max_ms = f->max_ms;
    text_copy(net.url, sizeof net.url, f->url);
    n = strlen(net.order);
    if (n + 1 < sizeof net.order) {
        net.order[n] = f->url[strlen(f->url) - 1];
        net.order[n + 1] = '\0';
    }
    pthread_mutex_unlock(&net.lock);
    return act;
}

static void fetch(void *arg, const struct job_fetch *f)
{
    (void)arg;
    switch (note(f)) {
    case ACT_FILE:
        send_file(f);
        break;
    case ACT_GONE:
        net_close();
        f->done(f->arg, &(struct err){ERR_SOURCE, "the server answered 404"}, false);
        break;
    case ACT_BROKEN:
        send_half(f, (struct err){ERR_SOURCE, "it broke off"}, true);
        break;
    case ACT_LATE:
        send_half(f, (struct err){ERR_TIMEOUT, "it was not here in time"}, false);
        break;
    case ACT_LARGE:
        send_too_much(f);
        break;
    case ACT_UNWANTED:
        send_half(f, (struct err){ERR_CANCELLED, "not wanted"}, false);
        break;
    case ACT_HANG:
        hang(f);
        break;
    }
}

static int net_asked(void)
{
    int asked;

    pthread_mutex_lock(&net.lock);
    asked = net.asked;
    pthread_mutex_unlock(&net.lock);
    return asked;
}

static bool wait_asked(int n)
{
    for (int i = 0; i < 5000 && net_asked() < n; i++)
        pause_ms(2);
    return net_asked() >= n;
}

/* ---- the rig ---- */

static struct jobs_opts opts_with(size_t open, size_t tenant, size_t source)
{
    struct jobs_opts opts = jobs_opts_defaults();

    opts.fetch.fetch = fetch;
    opts.fetch.max_bytes = 100000;
    opts.fetch.max_open = open;
    opts.fetch.max_tenant = tenant;
    opts.fetch.max_source = source;
    return opts;
}

static enum err_kind submit_url(struct rig *r, const char *tenant, const char *url, char ret_id[ID_TEXT])
{
    struct job_request req = rig_request();
    struct ticket t = TICKET;

    req.tenant = tenant;
    req.source = url;
    job_submit(r->jobs, &req, rig_accepted, &t);
    return rig_answer(&t, ret_id);
}

static const char *trace(struct rig *r, struct arena *a, const char *id)
{
    struct event *events;
    const char *text = "";
    size_t n = 0;

    records_sync(r->db);
    CHECK(records_events(r->db, a, id, &events, &n, NULL) == 0);
    for (size_t i = 0; i < n; i++)
        text = arena_printf(a, "%s%s%s", text, i ? ", " : "", events[i].what);
    return text;
}

/* ---- one job ---- */

static const struct {
    const char *what;
    enum act acts[3];
    const char *state, *code;
    int attempts, asked;
    const char *trace;
} outcomes[] = {
    {"fetched", {ACT_FILE}, "done", "ok", 0, 1, "new, fetched, claimed, done"},
    {"gone", {ACT_GONE}, "failed", "cannot_fetch", 1, 1, "new, claimed, failed"},
    {"late", {ACT_LATE}, "timed_out", "timeout", 1, 1, "new, claimed, timed_out"},
    {"too large", {ACT_LARGE}, "failed", "too_large", 1, 1, "new, claimed, failed"},
    {"at the second try",
     {ACT_BROKEN, ACT_FILE},
     "done",
     "ok",
     1,
     2,
     "new, not fetched, fetched, claimed, done"},
    {"never",
     {ACT_BROKEN, ACT_BROKEN, ACT_BROKEN},
     "failed",
     "cannot_fetch",
     2,
     2,
     "new, not fetched, claimed, failed"},
};

static void every_outcome(void)
{
    for (size_t i = 0; i < COUNT_OF(outcomes); i++) {
        struct tempdir dir = tempdir_new();
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct jobs_opts opts = opts_with(8, 8, 8);
        struct rig r = rig_up(dir.path, 1, &opts);
        struct job_row row = {0};
        char id[ID_TEXT] = "";

        net_script(outcomes[i].acts[0], outcomes[i].acts[1], outcomes[i].acts[2]);
        CHECK_INT(submit_url(&r, "acme", "http://a.test/clip", id), ERR_NONE);
        CHECK(rig_wait(&r, id, 20));
        CHECK_INT(records_get_job(r.db, a, "acme", id, &row, NULL), 0);
        CHECK_STR(row.state, outcomes[i].state);
        CHECK_STR(row.error_code, outcomes[i].code);
        CHECK_INT(row.attempts, outcomes[i].attempts);
        CHECK_INT(net_asked(), outcomes[i].asked);
        CHECK_STR(trace(&r, a, id), outcomes[i].trace);
        CHECK_STR(row.source, "http://a.test/clip");
        CHECK_INT((long long)row.report.len > 0, text_is(row.state, "done"));
        CHECK_INT(jobs_stats(r.jobs).fetching + jobs_stats(r.jobs).queued, 0);
        ROW("%s", outcomes[i].what);
        rig_down(&r);
        tempdir_clear(&dir);
    }
}

static void the_record_names_what_came(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(fd_closep) int fd = -1;
    struct jobs_opts opts = opts_with(8, 8, 8);
    struct rig r = rig_up(dir.path, 1, &opts);
    struct job_spec spec;
    struct job_row row = {0};
    char id[ID_TEXT] = "", sha256[HASH_HEX];
    int64_t size = 0;

    hash_hex(bytes_of("a clip", 6), sha256);
    net_script(ACT_FILE, ACT_FILE, ACT_FILE);
    CHECK_INT(submit_url(&r, "acme", "http://a.test/clip", id), ERR_NONE);
    CHECK(rig_wait(&r, id, 20));
    CHECK_INT(records_get_job(r.db, a, "acme", id, &row, NULL), 0);
    CHECK_STR(row.sha256, sha256);
    CHECK_INT(row.size, 6);
    CHECK_INT(spec_from_json(a, row.spec, &spec, NULL), 0);
    CHECK_STR(spec.subject.sha256, sha256);
    CHECK_INT(spec.subject.size, 6);
    CHECK_INT(spec.deadline_ms, 60000);
    CHECK(spec.spent_ms >= 0 && spec.spent_ms < 10000);
    CHECK_INT(blob_open(r.blobs, sha256, &fd, &size, NULL), 0);
    CHECK_STR(net.url, "http://a.test/clip");
    rig_down(&r);
    tempdir_clear(&dir);
}

/* The time to fetch is the fetcher's own or the job's deadline, whichever is shorter, less what was spent. */
static void fetching_takes_from_the_deadline(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct jobs_opts opts = opts_with(8, 8, 8);
    struct rig r = rig_up(dir.path, 1, &opts);
    struct job_request req = rig_request();
    struct ticket t = TICKET;
    struct job_spec spec;
    struct job_row row = {0};
    char id[ID_TEXT] = "";

    net_script(ACT_HANG, ACT_HANG, ACT_HANG);
    req.source = "http://a.test/clip";
    req.spec.deadline_ms = 30000;
    job_submit(r.jobs, &req, rig_accepted, &t);
    CHECK_INT(rig_answer(&t, id), ERR_NONE);
    CHECK(wait_asked(1));
    CHECK_INT(net.max_ms, 30000);
    pause_ms(300);
    net_release();
    CHECK(rig_wait(&r, id, 20));
    CHECK_INT(records_get_job(r.db, a, "acme", id, &row, NULL), 0);
    CHECK_INT(spec_from_json(a, row.spec, &spec, NULL), 0);
    CHECK_INT(spec.deadline_ms, 30000);
    CHECK(spec.spent_ms >= 300 && spec.spent_ms < 20000);
    CHECK_INT(job_spec_left_ms(&spec), 30000 - spec.spent_ms);
    rig_down(&r);
    tempdir_clear(&dir);
}

/* ---- many ---- */

/* One tenant's silent source, and another tenant whose jobs pass by. */
static void a_silent_source_delays_nobody(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct jobs_opts opts = opts_with(4, 2, 1);
    struct rig r = rig_up(dir.path, 1, &opts);
    char silent[3][ID_TEXT] = {""}, quick[ID_TEXT] = "", same[ID_TEXT] = "";

    net_script(ACT_HANG, ACT_FILE, ACT_FILE);
    for (int i = 0; i < 3; i++)
        CHECK_INT(submit_url(&r, "acme", "http://slow.test/x", silent[i]), ERR_NONE);
    CHECK(wait_asked(1));
    CHECK_INT(submit_url(&r, "acme", "http://quick.test/a", same), ERR_NONE);
    CHECK_INT(submit_url(&r, "globex", "http://quick.test/b", quick), ERR_NONE);
    CHECK(rig_wait(&r, same, 20) && rig_wait(&r, quick, 20));
    CHECK_STR(rig_state(&r, a, silent[0]), "new");
    CHECK_STR(rig_state(&r, a, silent[2]), "new");
    CHECK_INT(jobs_stats(r.jobs).fetching, 3);
    net_release();
    for (int i = 0; i < 3; i++)
        CHECK(rig_wait(&r, silent[i], 20));
    CHECK_INT(net.most_open, 2);
    rig_down(&r);
    tempdir_clear(&dir);
}

/* Jobs which wait for their file count against the limits of the queue like others. */
static void the_queue_is_bounded(void)
{
    struct tempdir dir = tempdir_new();
    struct jobs_opts opts = opts_with(1, 1, 1);
    struct rig r;
    char id[ID_TEXT] = "", other[ID_TEXT] = "";

    opts.max_queued = 3;
    opts.max_queued_tenant = 2;
    r = rig_up(dir.path, 1, &opts);
    net_script(ACT_HANG, ACT_FILE, ACT_FILE);
    CHECK_INT(submit_url(&r, "acme", "http://a.test/", id), ERR_NONE);
    CHECK_INT(submit_url(&r, "acme", "http://a.test/", id), ERR_NONE);
    CHECK_INT(submit_url(&r, "acme", "http://a.test/", other), ERR_QUOTA);
    CHECK_INT(submit_url(&r, "globex", "http://a.test/", other), ERR_NONE);
    CHECK_INT(submit_url(&r, "initech", "http://a.test/", other), ERR_BUSY);
    net_release();
    CHECK(rig_wait(&r, id, 20));
    CHECK_INT(submit_url(&r, "acme", "http://a.test/", id), ERR_NONE);
    CHECK(rig_wait(&r, id, 20));
    rig_down(&r);
    tempdir_clear(&dir);
}

/* ---- cancelled ---- */

static enum err_kind cancel(struct rig *r, const char *id)
{
    struct latch l = LATCH;

    job_cancel(r->jobs, &(struct job_order){.tenant = "acme", .id = id}, latch_done, &l);
    CHECK(latch_wait(&l, 1, 20));
    return l.failures ? l.last.kind : ERR_NONE;
}

static void cancelled_while_it_waits_and_on_its_way(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct jobs_opts opts = opts_with(1, 1, 1);
    struct rig r = rig_up(dir.path, 1, &opts);
    char open[ID_TEXT] = "", waiting[ID_TEXT] = "", last[ID_TEXT] = "";

    net_script(ACT_HANG, ACT_FILE, ACT_FILE);
    CHECK_INT(submit_url(&r, "acme", "http://a.test/1", open), ERR_NONE);
    CHECK(wait_asked(1));
    CHECK_INT(submit_url(&r, "acme", "http://a.test/2", waiting), ERR_NONE);
    CHECK_INT(submit_url(&r, "acme", "http://a.test/3", last), ERR_NONE);
    CHECK_INT(cancel(&r, waiting), ERR_NONE);
    CHECK_INT(cancel(&r, open), ERR_NONE);
    CHECK(rig_wait(&r, last, 20)); /* the place of the cancelled one is free */
    CHECK_STR(rig_state(&r, a, open), "cancelled");
    CHECK_STR(rig_state(&r, a, waiting), "cancelled");
    CHECK_STR(rig_state(&r, a, last), "done");
    CHECK_STR(net.order, "13");
    CHECK_INT(jobs_stats(r.jobs).fetching, 0);
    CHECK_INT(fake_lab_tasks(r.lab), 1);
    rig_down(&r);
    tempdir_clear(&dir);
}

static void cancelled_between_two_tries(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct jobs_opts opts = opts_with(1, 1, 1);
    struct rig r = rig_up(dir.path, 1, &opts);
    char id[ID_TEXT] = "";

    net_script(ACT_BROKEN, ACT_FILE, ACT_FILE);
    CHECK_INT(submit_url(&r, "acme", "http://a.test/1", id), ERR_NONE);
    CHECK(wait_asked(1));
    pause_ms(100);
    CHECK_INT(cancel(&r, id), ERR_NONE);
    for (int i = 0; i < 2000 && jobs_stats(r.jobs).fetching + jobs_stats(r.jobs).queued > 0; i++)
        pause_ms(2);
    pause_ms(1200);
    CHECK_INT(net_asked(), 1);
    CHECK_STR(rig_state(&r, a, id), "cancelled");
    rig_down(&r);
    tempdir_clear(&dir);
}

/* ---- stopped ---- */

/* Whatever was on its way or waited is fetched by the next server, attempts kept; a deleted one leaves
 * nothing. */
static void the_next_start_goes_on(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct jobs_opts opts = opts_with(1, 1, 1);
    struct rig r = rig_up(dir.path, 1, &opts);
    char ids[4][ID_TEXT] = {""};
    struct job_row row = {0};

    net_script(ACT_BROKEN, ACT_HANG, ACT_FILE);
    CHECK_INT(submit_url(&r, "acme", "http://a.test/0", ids[0]), ERR_NONE);
    CHECK(wait_asked(1));
    for (int i = 1; i < 4; i++)
        CHECK_INT(submit_url(&r, "acme", arena_printf(a, "http://a.test/%d", i), ids[i]), ERR_NONE);
    CHECK(wait_asked(2));
    rig_down(&r);
    net_script(ACT_FILE, ACT_FILE, ACT_FILE);
    r = rig_up(dir.path, 1, &opts);
    for (int i = 0; i < 4; i++) {
        CHECK(rig_wait(&r, ids[i], 20));
        CHECK_STR(rig_state(&r, a, ids[i]), "done");
    }
    CHECK_STR(net.order, "0123");
    CHECK_INT(records_get_job(r.db, a, "acme", ids[0], &row, NULL), 0);
    CHECK_INT(row.attempts, 1);
    rig_down(&r);
    tempdir_clear(&dir);
}

/* Without a fetcher nobody is told that his job was taken. */
static void no_fetcher_no_job(void)
{
    struct tempdir dir = tempdir_new();
    struct rig r = rig_up(dir.path, 1, NULL);
    char id[ID_TEXT] = "";

    CHECK_INT(submit_url(&r, "acme", "http://a.test/", id), ERR_UNSUPPORTED);
    rig_down(&r);
    tempdir_clear(&dir);
}

int main(void)
{
    RUN(every_outcome);
    RUN(the_record_names_what_came);
    RUN(fetching_takes_from_the_deadline);
    RUN(a_silent_source_delays_nobody);
    RUN(the_queue_is_bounded);
    RUN(cancelled_while_it_waits_and_on_its_way);
    RUN(cancelled_between_two_tries);
    RUN(the_next_start_goes_on);
    RUN(no_fetcher_no_job);
    return test_end();
}
