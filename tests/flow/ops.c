/* Seeing inside: the operator's listener, what it counts, when it says ready; `assay status`; the
 * configuration read again; the service manager; the log. */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "exposition.h"
#include "harness.h"
#include "ordered.h"
#include "receiver.h"
#include "stage.h"
#include "test.h"

enum { PATIENCE_S = 30 };

/* What the log says since this server's start. */
static const char *log_of(struct stage *g)
{
    return (const char *)file_read(g->a, g->s.log).data + g->s.log_from;
}

static bool log_says(struct stage *g, const char *words, int seconds)
{
    int64_t deadline = clock_mono_us() + seconds * 1000000LL;

    while (!strstr(log_of(g), words) && clock_mono_us() < deadline)
        usleep(5000);
    return strstr(log_of(g), words) != NULL;
}

/* The port of the operator's listener, which is in the log before anything else. */
static int ops_port(struct stage *g)
{
    const char *at;

    if (!log_says(g, "listener address=127.0.0.1:", PATIENCE_S))
        return 0;
    at = strstr(log_of(g), "listener address=127.0.0.1:");
    return atoi(at + strlen("listener address=127.0.0.1:"));
}

static struct answer ask(struct stage *g, int port, const char *path)
{
    return http_get(g->a, port, path, NULL);
}

/* Asks until the status is that one. */
static struct answer ask_until(struct stage *g, int port, const char *path, int status)
{
    int64_t deadline = clock_mono_us() + PATIENCE_S * 1000000LL;
    struct answer answer = ask(g, port, path);

    while (answer.status != status && clock_mono_us() < deadline) {
        usleep(3000);
        answer = ask(g, port, path);
    }
    return answer;
}

static const char *reason(struct stage *g, const struct answer *answer)
{
    const char *text = json_at(g->a, answer->body, "reason");

    return text ? text : "";
}

/* ---- metrics ---- */

static void the_reader_is_strict(void)
{
#define HEAD  "# HELP a_total Some words.\n# TYPE a_total counter\n"
#define HISTO "# HELP h Some words.\n# TYPE h histogram\n"
    static const struct {
        const char *text, *says; /* NULL: it is fine */
    } rows[] = {
        {HEAD "a_total 1\na_total{x=\"y\\\"\\\\\\n\"} 2\n", NULL},
        {HISTO "h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n", NULL},
        {HEAD "a_total 1", "does not end"},
        {HEAD HEAD, "second HELP"},
        {HEAD "a_total 1\na_total 1\n", "second time"},
        {HEAD "a_total -1\n", "less than nothing"},
        {HEAD "a_total x\n", "no number"},
        {HEAD "a_total 1 x\n", "no number"},
        {HEAD "b_total 1\n", "another family"},
        {HEAD "a_total{x=y} 1\n", "bad labels"},
        {HEAD "a_total{x=\"\\q\"} 1\n", "bad labels"},
        {HEAD "a_total{1x=\"q\"} 1\n", "bad labels"},
        {HEAD "a_total{x=\"a\nb\"} 1\n", "bad labels"},
        {"a_total 1\n", "another family"},
        {"# HELP a_total Some words.\na_total 1\n", "another family"},
        {"# HELP a Some words.\n# TYPE a counter\n", "ends in _total"},
        {"# HELP a Some words.\n# TYPE a thing\n", "unknown type"},
        {HISTO "h_bucket{le=\"1\"} 3\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n", "not cumulative"},
        {HISTO "h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 3\n", "not the count"},
        {HISTO "h_bucket{le=\"1\"} 1\nh_sum 3\nh_count 1\n", "not +Inf"},
        {HISTO "h_bucket{le=\"2\"} 1\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 3\nh_count 1\n",
         "ascend"},
        {HISTO "h_bucket{le=\"+Inf\"} 1\nh_count 1\n", "no sum"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct exposition e;
        const char *why = exposition_read(a, bytes_of(rows[i].text, strlen(rows[i].text)), &e);
        CHECK(rows[i].says ? why && strstr(why, rows[i].says) : !why);
        ROW("%zu: %s", i, why ? why : "fine");
    }
}

static struct exposition scrape(struct stage *g, int port)
{
    struct answer answer = ask(g, port, "/metrics");
    struct exposition e = {0};
    const char *why;

    CHECK_INT(answer.status, 200);
    CHECK_STR(answer_header(g->a, &answer, "Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
    why = exposition_read(g->a, answer.body, &e);
    CHECK_STR(why ? why : "", "");
    return e;
}

#define IS(e, series, want) CHECK_NEAR(exposition_value((e), (series)), (want), 0)
/* Scrapes until the series has that value, and leaves the scrape in e. */
#define COMES(g, port, e, series, want)                                                  \
    do {                                                                                 \
        int64_t until_ = clock_mono_us() + PATIENCE_S * 1000000LL;                       \
        (e) = scrape((g), (port));                                                       \
        while (exposition_value(&(e), (series)) != (want) && clock_mono_us() < until_) { \
            usleep(10000);                                                               \
            (e) = scrape((g), (port));                                                   \
        }                                                                                \
        IS(&(e), (series), (want));                                                      \
    } while (0)

static void check_fresh(const struct exposition *e)
{
    IS(e, "assay_ready", 1);
    IS(e, "assay_jobs_waiting", 0);
    IS(e, "assay_jobs_oldest_waiting_seconds", 0);
    IS(e, "assay_jobs_waiting_limit", 10000);
    IS(e, "assay_analysts_wanted", 1);
    IS(e, "assay_keeper_starts_total", 1);
    IS(e, "assay_disk_failing", 0);
    CHECK(exposition_value(e, "process_start_time_seconds") > 1.7e9);
    CHECK(exposition_value(e, "process_resident_memory_bytes") > 1e6);
    CHECK(exposition_value(e, "assay_disk_free_bytes") > 0);
    CHECK(exposition_value(e, "assay_disk_size_bytes") >= exposition_value(e, "assay_disk_free_bytes"));
}

static void metrics_are_what_was_done(void)
{
    struct receiver to;
    char url[64];
    struct stage g;
    struct exposition first, e, last;
    struct answer answer;
    const char *held;
    int port;

    receiver_open(&to, MANNER_FINE, 1);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", to.port);
    g = stage_open(ARGS("--analysts", "1", "--ops-listen", "127.0.0.1:0", "--hook-allow-http", "--hook-allow",
                        "127.0.0.1", "--max-queued-tenant", "1"));
    port = ops_port(&g);
    CHECK_INT(ask_until(&g, port, "/readyz", 200).status, 200);
    first = scrape(&g, port);
    check_fresh(&first);

    /* Two good clips, one of which somebody is told of, one that is none, one without a key, some noise. */
    CHECK_INT(stage_post(&g, "/api/classify?sync=true", "tiny.mp4").status, 200);
    answer = stage_post(&g, arena_printf(g.a, "/api/classify?sync=true&webhook=%s", url), "tiny.mp4");
    CHECK_INT(answer.status, 200);
    CHECK_INT(
        post_clip(g.a, g.s.port, "/api/classify?sync=true", g.key, "x.mp4", bytes_of("none", 4), NULL).status,
        200);
    CHECK_INT(post_clip(g.a, g.s.port, "/api/classify", "ak_0", "x.mp4", bytes_of("none", 4), NULL).status,
              403);
    CHECK_INT(stage_get(&g, "/no/such/\"path\"{}/4711").status, 404);
    CHECK_INT(stage_get(&g, "/api/result/ffffffffffffffffffffffff").status, 404);
    CHECK(receiver_wait(&to, 1, PATIENCE_S));
    COMES(&g, port, e, "assay_delivery_tries_total{outcome=\"delivered\"}", 1);
    COMES(&g, port, e, "assay_deliveries_due", 0); /* a try is counted before its end is stored */
    IS(&e, "assay_jobs_accepted_total{dialect=\"alarm\"}", 3);
    IS(&e, "assay_jobs_ended_total{dialect=\"alarm\",state=\"done\"}", 2);
    IS(&e, "assay_jobs_ended_total{dialect=\"alarm\",state=\"failed\"}", 1);
    IS(&e, "assay_job_stage_seconds_count{stage=\"waiting\"}", 3);
    IS(&e, "assay_job_stage_seconds_count{stage=\"analysis\"}", 3);
    IS(&e, "assay_job_stage_seconds_count{stage=\"commit\"}", 3);
    CHECK(exposition_value(&e, "assay_job_stage_seconds_sum{stage=\"analysis\"}") > 0);
    IS(&e, "assay_http_requests_total{method=\"POST\",route=\"/api/classify\",status=\"200\"}", 3);
    IS(&e, "assay_http_requests_total{method=\"POST\",route=\"/api/classify\",status=\"403\"}", 1);
    IS(&e, "assay_http_requests_total{method=\"\",route=\"\",status=\"404\"}", 1);
    IS(&e, "assay_http_requests_total{method=\"GET\",route=\"/api/result/{id}\",status=\"404\"}", 1);
    CHECK(exposition_value(&e, "assay_http_received_bytes_total") >
          2.0 * (double)clip_load(g.a, "tiny.mp4").len);
    CHECK(!strstr((const char *)ask(&g, port, "/metrics").body.data, "4711"));
    CHECK(exposition_value(&e, "assay_store_commit_seconds_count") > 3);
    IS(&e, "assay_files_stored_total", 3);

    /* A queue with an age, and an analyst that is killed with a job in its hands. */
    kill(g.analyst, SIGSTOP);
    held = stage_submit(&g, "tiny.mp4");
    CHECK(stage_in_hand(&g, held, "0"));
    CHECK(*stage_submit(&g, "tiny.mp4"));
    CHECK_INT(stage_post(&g, "/api/classify", "tiny.mp4").status, 429);
    usleep(50000);
    e = scrape(&g, port);
    IS(&e, "assay_jobs_waiting", 1);
    IS(&e, "assay_jobs_running", 1);
    IS(&e, "assay_analysts{state=\"busy\"}", 1);
    IS(&e, "assay_jobs_refused_total{reason=\"quota\"}", 1);
    CHECK(exposition_value(&e, "assay_jobs_oldest_waiting_seconds") >= 0.05);
    kill(g.analyst, SIGKILL);
    COMES(&g, port, last, "assay_jobs_ended_total{dialect=\"alarm\",state=\"done\"}", 4);
    IS(&last, "assay_analysts_ended_total{reason=\"crashed\"}", 1);
    IS(&last, "assay_jobs_requeued_total", 1);
    IS(&last, "assay_jobs_accepted_total{dialect=\"alarm\"}", 5);
    CHECK(!exposition_grows(g.a, &first, &e) && !exposition_grows(g.a, &e, &last));
    printf("# %zu families, %zu series\n", last.nfamilies, last.nsamples);
    CHECK_INT(stage_close(&g), 0);
    receiver_close(&to);
}

/* docs/operating.md has every family in its table, and nothing that is not there. */
static void the_table_of_metrics_is_whole(void)
{
    struct stage g = stage_open(ARGS("--analysts", "1", "--ops-listen", "127.0.0.1:0"));
    const char *path = arena_printf(g.a, "%s/docs/operating.md", getenv("ASSAY_ROOT"));
    const char *page = (const char *)file_read(g.a, path).data;
    struct exposition e = scrape(&g, ops_port(&g));
    size_t rows = 0;

    for (size_t i = 0; i < e.nfamilies; i++) {
        const struct family *f = &e.families[i];
        const char *row = strstr(page, arena_printf(g.a, "\n| `%s", f->name));
        const char *end = row ? row + strlen("\n| `") + strlen(f->name) : "";
        CHECK(*end == '`' || *end == '{');
        CHECK(row && strstr(row, arena_printf(g.a, " | %s | ", f->type)) < strchr(row + 1, '\n'));
        ROW("%s", f->name);
    }
    for (const char *row = page; (row = strstr(row, "\n| `")); row++)
        rows += text_starts(row + 3, "`assay_") || text_starts(row + 3, "`process_");
    CHECK_INT(rows, e.nfamilies);
    CHECK_INT(stage_close(&g), 0);
}

/* Whatever paths clients think of, there are no more series than routes and statuses. */
static void nobody_makes_series(void)
{
    struct stage g = stage_open(ARGS("--analysts", "1", "--ops-listen", "127.0.0.1:0"));
    struct exposition before, after;
    int port = ops_port(&g);

    CHECK_INT(stage_get(&g, "/x").status, 404);
    CHECK_INT(stage_get(&g, "/api/result/000000000000000000000000").status, 404);
    before = scrape(&g, port);
    for (int i = 0; i < 200; i++) {
        stage_get(&g, arena_printf(g.a, "/x%d", i));
        stage_get(&g, arena_printf(g.a, "/api/result/%024d", i));
    }
    after = scrape(&g, port);
    CHECK_INT(after.nsamples, before.nsamples);
    IS(&after, "assay_http_requests_total{method=\"\",route=\"\",status=\"404\"}", 201);
    CHECK_INT(stage_close(&g), 0);
}

/* Only where it was asked for. */
static void nothing_of_it_is_public(void)
{
    static const char *const paths[] = {"/metrics", "/status"};
    struct stage g = stage_open(ARGS("--analysts", "1"));

    for (size_t i = 0; i < COUNT_OF(paths); i++)
        CHECK_INT(stage_get(&g, paths[i]).status, 404);
    CHECK(strstr(log_of(&g), " ops=off"));
    CHECK_INT(stage_close(&g), 0);
}

/* ---- readiness ---- */

static void not_ready_while_models_load(void)
{
    struct stage g = {.a = arena_new()};
    char *args[] = {(char[]){"--analysts"}, (char[]){"1"}, (char[]){"--ops-listen"}, (char[]){"127.0.0.1:0"},
                    NULL};
    char *base = folder_new(g.a);
    struct answer answer;
    int port;

    g.dir = arena_printf(g.a, "%s/data", base);
    g.key = key_new(g.a, g.dir, "acme", NULL);
    served_launch(&g.s, g.a, g.dir, 0, args);
    g.keeper = only_child(g.s.pid);
    kill(g.keeper, SIGSTOP); /* with its models not loaded: that takes longer */
    port = ops_port(&g);
    CHECK_INT(ask(&g, port, "/healthz").status, 200);
    answer = ask(&g, port, "/readyz");
    CHECK_INT(answer.status, 503);
    CHECK_STR(json_at(g.a, answer.body, "ready"), "false");
    for (int i = 0; i < 1000 && strstr(reason(&g, &answer), "data directory"); i++, usleep(5000))
        answer = ask(&g, port, "/readyz");
    CHECK_STR(reason(&g, &answer), "the models are still loading");
    CHECK_INT(ask(&g, port, "/status").status, 200);
    CHECK_STR(json_at(g.a, ask(&g, port, "/status").body, "server.reason"), "the models are still loading");
    kill(g.keeper, SIGCONT);
    served_wait(&g.s, g.a);
    answer = ask_until(&g, port, "/readyz", 200);
    CHECK_STR((const char *)answer.body.data, "{\"ready\":true}");
    kill(g.keeper, SIGKILL); /* and again, until there is another one */
    answer = ask_until(&g, port, "/readyz", 503);
    CHECK(*reason(&g, &answer));
    CHECK_INT(ask_until(&g, port, "/readyz", 200).status, 200);
    CHECK_INT(served_stop(&g.s), 0);
    folder_remove(base);
    arena_free(g.a);
}

/* The disk of an idle server is full: nobody has tried to write, but it is asked. */
static void not_ready_without_room(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    char *base = folder_new(a);
    struct fault_control *disk = ordered_new(a, base);
    struct exposition e;
    struct answer answer;
    struct stage g;
    int port;

    ordered_begin();
    g = stage_open_in(base, ARGS("--analysts", "1", "--ops-listen", "127.0.0.1:0"));
    ordered_end();
    port = ops_port(&g);
    CHECK_INT(ask_until(&g, port, "/readyz", 200).status, 200);
    atomic_store(&disk->room, 0);
    answer = ask_until(&g, port, "/readyz", 503);
    CHECK_INT(answer.status, 503);
    CHECK(strstr(reason(&g, &answer), "the disk refuses writes: "));
    CHECK_INT(ask(&g, port, "/healthz").status, 200);
    e = scrape(&g, port);
    IS(&e, "assay_disk_failing", 1);
    IS(&e, "assay_ready", 0);
    CHECK_INT(stage_post(&g, "/api/classify", "tiny.mp4").status, 507);
    e = scrape(&g, port);
    IS(&e, "assay_http_requests_total{method=\"POST\",route=\"/api/classify\",status=\"507\"}", 1);
    CHECK(exposition_value(&e, "assay_files_failed_total") >= 1);
    atomic_store(&disk->room, -1);
    CHECK_INT(ask_until(&g, port, "/readyz", 200).status, 200);
    e = scrape(&g, port);
    IS(&e, "assay_disk_failing", 0);
    IS(&e, "assay_ready", 1);
    ordered_free(disk);
    CHECK_INT(stage_close(&g), 0);
    folder_remove(base);
}

struct poster {
    struct stage *g;
    pthread_t thread;
    struct arena *arena;
    int status;
};

static void *post_sync(void *arg)
{
    struct poster *p = arg;
    struct answer answer = post_clip(p->arena, p->g->s.port, "/api/classify?sync=true", p->g->key, "a.mp4",
                                     clip_load(p->arena, "tiny.mp4"), NULL);

    p->status = answer.status;
    return NULL;
}

/* SIGTERM while a request is open: not ready, still alive, and the request is answered. */
static void not_ready_while_draining(void)
{
    struct stage g = stage_open(ARGS("--analysts", "1", "--ops-listen", "127.0.0.1:0", "--drain", "20s"));
    struct poster p = {.g = &g, .arena = arena_new()};
    int port = ops_port(&g);
    struct exposition e;
    struct answer answer;

    kill(g.analyst, SIGSTOP);
    pthread_create(&p.thread, NULL, post_sync, &p);
    COMES(&g, port, e, "assay_jobs_running", 1);
    CHECK_INT(ask(&g, port, "/readyz").status, 200);
    kill(g.s.pid, SIGTERM);
    answer = ask_until(&g, port, "/readyz", 503);
    CHECK_STR(reason(&g, &answer), "the server is stopping");
    CHECK_INT(ask(&g, port, "/healthz").status, 200);
    e = scrape(&g, port);
    IS(&e, "assay_ready", 0);
    IS(&e, "assay_http_requests_open", 1);
    CHECK_INT(http_dial(g.s.port), -1); /* the door is shut */
    kill(g.analyst, SIGCONT);
    pthread_join(p.thread, NULL);
    CHECK_INT(p.status, 200);
    CHECK_INT(stage_close(&g), 0);
    arena_free(p.arena);
}

/* ---- more addresses ---- */

/* A port that was free just now. */
static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    CLEANUP(fd_closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t len = sizeof address;

    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&address, len) == 0 &&
          getsockname(fd, (struct sockaddr *)&address, &len) == 0);
    return ntohs(address.sin_port);
}

/* The same API on both, counted as one. */
static void served_on_two_addresses(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    int second = free_port();
    struct stage g = stage_open(ARGS("--analysts", "1", "--ops-listen", "127.0.0.1:0", "--also-listen",
                                     arena_printf(a, "127.0.0.1:%d", second)));
    struct exposition e;

    CHECK_INT(stage_get(&g, "/v1/jobs/000000000000000000000000").status, 404);
    CHECK_INT(http_get(g.a, second, "/v1/jobs/000000000000000000000000", g.key).status, 404);
    CHECK_INT(http_get(g.a, second, "/v1/jobs/000000000000000000000000", "ak_wrong").status, 401);
    e = scrape(&g, ops_port(&g));
    IS(&e, "assay_http_requests_total{method=\"GET\",route=\"/v1/jobs/{id}\",status=\"404\"}", 2);
    CHECK_INT(stage_close(&g), 0);
}

/* ---- assay status ---- */

static struct outcome status_of(struct stage *g, const char *extra)
{
    return extra ? stage_run(g, ARGS("status", extra)) : stage_run(g, ARGS("status"));
}

static void status_on_a_screen(void)
{
    struct stage g = stage_open(ARGS("--analysts", "1", "--ops-listen", "127.0.0.1:0"));
    struct outcome out;
    struct bytes json;
    const char *held;

    CHECK_INT(
        post_clip(g.a, g.s.port, "/api/classify?sync=true", g.key, "x.mp4", bytes_of("none", 4), NULL).status,
        200);
    kill(g.analyst, SIGSTOP);
    held = stage_submit(&g, "tiny.mp4");
    CHECK(stage_in_hand(&g, held, "0"));
    CHECK(*stage_submit(&g, "tiny.mp4"));
    out = status_of(&g, NULL);
    CHECK_INT(out.status, 0);
    CHECK_STR(out.err, "");
    CHECK(strstr(out.out, ", ready\n") && strstr(out.out, "1 of 1 alive, 1 busy") &&
          strstr(out.out, "model "));
    CHECK(strstr(out.out, "1 waiting, 1 running; the oldest has been waiting for "));
    CHECK(strstr(out.out, "\nacme ") && strstr(out.out, "cannot_decode") && strstr(out.out, "0 due, 0 dead"));
    CHECK(strstr(out.out, "\ndisk        2 files, "));
    out = status_of(&g, "--json");
    CHECK_INT(out.status, 0);
    json = bytes_of(out.out, strlen(out.out));
    CHECK_INT(atoi(json_at(g.a, json, "server.pid")), g.s.pid);
    CHECK_STR(json_at(g.a, json, "server.ready"), "true");
    CHECK_STR(json_at(g.a, json, "server.busy"), "1");
    CHECK_STR(json_at(g.a, json, "disk.files"), "2");
    kill(g.analyst, SIGCONT);
    out = stage_run(&g, ARGS("status", "--ops", "127.0.0.1:1"));
    CHECK_INT(out.status, 1);
    CHECK(strstr(out.err, "nobody answers on 127.0.0.1:1"));
    CHECK_INT(served_stop(&g.s), 0);
    out = status_of(&g, NULL);
    CHECK_INT(out.status, 0);
    CHECK(text_starts(out.out, "no server runs on "));
    folder_remove(g.base);
    arena_free(g.a);
}

/* Without a listener the directory says what it can. */
static void status_of_a_directory(void)
{
    struct stage g = stage_open(ARGS("--analysts", "1"));
    struct outcome out;

    CHECK_INT(stage_post(&g, "/api/classify?sync=true", "tiny.mp4").status, 200);
    out = status_of(&g, NULL);
    CHECK_INT(out.status, 0);
    CHECK(strstr(out.out, arena_printf(g.a, "pid %d, 127.0.0.1:%d\n", (int)g.s.pid, g.s.port)));
    CHECK(strstr(out.out, "--ops-listen") && strstr(out.out, "0 waiting, 0 running"));
    served_kill(&g.s); /* its note stays behind, and deceives nobody */
    out = status_of(&g, NULL);
    CHECK(text_starts(out.out, "no server runs on "));
    out = program_outcome(g.a,
                          (char *[]){arena_strdup(g.a, harness_program()), (char[]){"status"},
                                     (char[]){"--data"}, arena_printf(g.a, "%s/nothing", g.base), NULL},
                          20);
    CHECK_INT(out.status, 1);
    CHECK(strstr(out.err, "there is no assay data in "));
    CHECK(access(arena_printf(g.a, "%s/nothing", g.base), F_OK) < 0); /* and none is made */
    folder_remove(g.base);
    arena_free(g.a);
}

/* ---- the configuration, read again ---- */

static void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "we");

    if (!f || fputs(text, f) < 0 || fclose(f) != 0)
        test_ok = false;
}

struct configured {
    struct stage g;
    const char *file, *rules;
    int port, reloads, refused;
};

static const char no_rules[] = "{\"tenants\":{}}";

static struct configured configured_open(void)
{
    struct arena *a = arena_new();
    struct configured c = {0};
    char *base = folder_new(a);

    c.file = arena_printf(a, "%s/assay.conf", base);
    c.rules = arena_printf(a, "%s/rules.json", base);
    write_text(c.rules, no_rules);
    write_text(c.file, arena_printf(a, "rules = %s\nmax-queued-tenant = 1\nlog-level = info\n", c.rules));
    c.g = stage_open_in(base, ARGS("--analysts", "1", "--ops-listen", "127.0.0.1:0", "--config", c.file));
    c.g.base = arena_strdup(c.g.a, base);
    c.file = arena_strdup(c.g.a, c.file);
    c.rules = arena_strdup(c.g.a, c.rules);
    c.port = ops_port(&c.g);
    arena_free(a);
    return c;
}

/* SIGHUP, and until it is counted as applied, or refused. */
static void reload(struct configured *c, bool applied)
{
    const char *series = applied ? "assay_config_reloads_total{outcome=\"applied\"}"
                                 : "assay_config_reloads_total{outcome=\"refused\"}";
    int *count = applied ? &c->reloads : &c->refused;
    struct exposition e;

    (*count)++;
    kill(c->g.s.pid, SIGHUP);
    COMES(&c->g, c->port, e, series, *count);
}

static void options_change_while_it_serves(void)
{
    struct configured c = configured_open();
    const char *key = c.g.key;
    struct exposition e;

    kill(c.g.analyst, SIGSTOP);
    CHECK(stage_in_hand(&c.g, stage_submit(&c.g, "tiny.mp4"), "0"));
    CHECK(*stage_submit(&c.g, "tiny.mp4"));
    CHECK_INT(stage_post(&c.g, "/api/classify", "tiny.mp4").status, 429);
    write_text(
        c.file,
        arena_printf(c.g.a,
                     "rules = %s\nmax-queued-tenant = 3\nmax-queued = 77\nthreads = 5\nlog-requests = yes\n"
                     "listen = 127.0.0.1:1\n",
                     c.rules));
    reload(&c, true);
    CHECK_INT(stage_post(&c.g, "/api/classify", "tiny.mp4").status, 200);
    e = scrape(&c.g, c.port);
    IS(&e, "assay_jobs_waiting_limit", 77);
    CHECK(strstr(log_of(&c.g), "option changed option=max-queued-tenant was=1 is=3"));
    CHECK(strstr(log_of(&c.g), "option changed option=max-queued was=10000 is=77"));
    CHECK(strstr(log_of(&c.g), "option needs a restart option=threads was=2 is=5"));
    CHECK(!strstr(log_of(&c.g), "option=listen")); /* the flag wins, as at the start */
    CHECK(log_says(&c.g, "info  request req=", PATIENCE_S));
    kill(c.g.analyst, SIGCONT);

    /* The rules: a threshold that nothing reaches makes an intrusion harmless. */
    c.g.key = key;
    CHECK_STR(json_at(c.g.a, stage_post(&c.g, "/api/classify?sync=true", "person.mp4").body, "risk"),
              "intrusion");
    write_text(c.rules, "{\"tenants\":{\"acme\":{\"low\":0.9998,\"high\":0.9999}}}");
    reload(&c, true);
    CHECK_STR(json_at(c.g.a, stage_post(&c.g, "/api/classify?sync=true", "person.mp4").body, "risk"), "safe");
    CHECK_INT(stage_close(&c.g), 0);
}

static void a_broken_file_changes_nothing(void)
{
    static const struct {
        const char *what, *conf, *rules, *says;
    } rows[] = {
        {"an unknown option", "log-level = debug\nno-such-option = 1\n", no_rules, "there is no option"},
        {"out of range", "log-level = debug\nmax-queued = 0\n", no_rules, "outside the range"},
        {"no level", "log-level = loud\n", no_rules, "log-level must be"},
        {"rules that are no JSON", "log-level = debug\nmax-queued = 5\nrules = %s\n", "{", ""},
        {"rules that make no sense", "log-level = debug\nmax-queued = 5\nrules = %s\n",
         "{\"tenants\":{\"acme\":{\"low\":0.9,\"high\":0.1}}}", "rules for acme"},
        {"rules that are not there", "log-level = debug\nmax-queued = 5\nrules = /nowhere/rules.json\n",
         no_rules, "cannot read the rules file"},
    };
    struct configured c = configured_open();
    struct exposition e;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf text = BUF(4096);
        const char *place = strstr(rows[i].conf, "%s");
        buf_add(&text, rows[i].conf, place ? (size_t)(place - rows[i].conf) : strlen(rows[i].conf));
        if (place)
            buf_printf(&text, "%s%s", c.rules, place + 2);
        write_text(c.file, text.data);
        write_text(c.rules, rows[i].rules);
        buf_clear(&text);
        reload(&c, false);
        e = scrape(&c.g, c.port);
        IS(&e, "assay_jobs_waiting_limit", 10000);
        CHECK(strstr(log_of(&c.g), "configuration refused, the old one stays why="));
        CHECK(strstr(log_of(&c.g), rows[i].says));
        CHECK(!strstr(log_of(&c.g), " debug ")); /* all or nothing */
        ROW("%s", rows[i].what);
    }
    unlink(c.file);
    reload(&c, false);
    CHECK(strstr(log_of(&c.g), "cannot read the configuration file"));
    CHECK_INT(stage_post(&c.g, "/api/classify?sync=true", "tiny.mp4").status, 200);
    write_text(c.rules, no_rules);
    write_text(c.file, "log-level = debug\n"); /* and it can be mended */
    reload(&c, true);
    stage_get(&c.g, "/x");
    CHECK(log_says(&c.g, "info  request req=", PATIENCE_S)); /* as at level debug */
    CHECK_INT(stage_close(&c.g), 0);
}

/* ---- the service manager ---- */

/* What the manager has heard so far: messages behind each other, each followed by "|". */
struct manager {
    int fd;
    struct buf heard;
};

static struct manager manager_open(const char *name)
{
    struct manager m = {.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), .heard = BUF(1 << 20)};
    struct sockaddr_un addr = {.sun_family = AF_UNIX};

    memcpy(addr.sun_path + 1, name + 1, strlen(name) - 1); /* abstract: "@name" */
    CHECK(bind(m.fd, (struct sockaddr *)&addr,
               (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))) == 0);
    return m;
}

static bool hears(struct manager *m, const char *words)
{
    int64_t deadline = clock_mono_us() + PATIENCE_S * 1000000LL;
    char text[2048];
    ssize_t n;

    do {
        while ((n = recv(m->fd, text, sizeof text, MSG_DONTWAIT)) > 0) {
            buf_add(&m->heard, text, (size_t)n);
            buf_str(&m->heard, "|");
        }
        if (m->heard.data && strstr(m->heard.data, words))
            return true;
        usleep(5000);
    } while (clock_mono_us() < deadline);
    return false;
}

static void the_manager_is_told(void)
{
    char name[64];
    struct manager m;
    struct stage g;

    snprintf(name, sizeof name, "@assay-manager-%d", getpid());
    m = manager_open(name);
    setenv("NOTIFY_SOCKET", name, 1);
    setenv("WATCHDOG_USEC", "200000", 1);
    g = stage_open(ARGS("--analysts", "1"));
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    CHECK(hears(&m, "READY=1"));
    CHECK(!strstr(m.heard.data, "STOPPING"));
    CHECK(hears(&m, "WATCHDOG=1\nSTATUS=0 jobs waiting, 0 running; 1 analysts|"));
    kill(g.s.pid, SIGHUP);
    CHECK(hears(&m, "RELOADING=1\nMONOTONIC_USEC="));
    CHECK_INT(stage_close(&g), 0);
    CHECK(hears(&m, "STOPPING=1"));
    CHECK(strstr(strstr(m.heard.data, "RELOADING"), "READY=1|"));
    buf_clear(&m.heard);
    close(m.fd);
}

/* ---- the log ---- */

/* The lines of a log in JSON; the test fails on one that is none. */
struct line {
    const char *what, *job, *req, *level;
    yyjson_val *obj;
};
struct lines {
    size_t n, cap;
    struct line *at;
};

static const char *text_of(struct arena *a, yyjson_val *obj, const char *key)
{
    return json_str(a, obj, key, "");
}

static struct lines read_lines(struct arena *a, const char *text)
{
    char *rest = arena_strdup(a, text), *line;
    struct lines l = {0};

    while ((line = strsep(&rest, "\n")) && rest) {
        yyjson_doc *doc = json_read(bytes_of(line, strlen(line)), 1 << 20, NULL);
        yyjson_val *obj = yyjson_doc_get_root(doc);
        int64_t at_us;
        CHECK(yyjson_is_obj(obj) && clock_parse_rfc3339(text_of(a, obj, "time"), &at_us));
        ROW("%s", line);
        if (doc)
            ARENA_PUSH(a, l.at, l.n, l.cap) =
                (struct line){text_of(a, obj, "what"), text_of(a, obj, "job"), text_of(a, obj, "req"),
                              text_of(a, obj, "level"), NULL};
        yyjson_doc_free(doc);
    }
    return l;
}

static size_t count_lines(const struct lines *l, const char *what, const char *job)
{
    size_t n = 0;

    for (size_t i = 0; i < l->n; i++)
        n += text_is(l->at[i].what, what) && (!job || text_is(l->at[i].job, job));
    return n;
}

/* The first line of that kind about that job. */
static const struct line *find_line(const struct lines *l, const char *what, const char *job)
{
    for (size_t i = 0; i < l->n; i++)
        if (text_is(l->at[i].what, what) && text_is(l->at[i].job, job))
            return &l->at[i];
    return NULL;
}

static void lines_carry_ids(void)
{
    static const char *const about_jobs[] = {
        "job accepted",          "job ended", "analyst died, job queued again",
        "task lost its analyst", "delivered", "delivery failed"};
    struct receiver to;
    struct stage g = {.a = arena_new()};
    char *base = folder_new(g.a);
    char *args[] = {(char[]){"--analysts"},        (char[]){"1"},
                    (char[]){"--log-json"},        (char[]){"--log-requests"},
                    (char[]){"--hook-allow-http"}, (char[]){"--hook-allow"},
                    (char[]){"127.0.0.1"},         NULL};
    const char *good, *lost, *refused;
    const struct line *accepted;
    struct answer answer;
    struct lines l;

    receiver_open(&to, MANNER_FINE, 1);
    g.dir = arena_printf(g.a, "%s/data", base);
    g.key = key_new(g.a, g.dir, "acme", NULL);
    served_launch(&g.s, g.a, g.dir, 0, args);
    CHECK(log_says(&g, "\"what\":\"ready\",\"port\":\"", PATIENCE_S));
    g.s.port = atoi(strstr(log_of(&g), "\"port\":\"") + strlen("\"port\":\""));
    g.analyst = only_child(only_child(g.s.pid));

    answer = stage_post(
        &g, arena_printf(g.a, "/api/classify?sync=true&webhook=http://127.0.0.1:%d/", to.port), "tiny.mp4");
    good = json_at(g.a, answer.body, "id");
    CHECK(receiver_wait(&to, 1, PATIENCE_S));
    kill(g.analyst, SIGSTOP);
    lost = stage_submit(&g, "tiny.mp4");
    CHECK(stage_in_hand(&g, lost, "0"));
    kill(g.analyst, SIGKILL);
    CHECK_STR(json_at(g.a, result_wait(g.a, g.s.port, g.key, lost, PATIENCE_S).body, "status.classify"),
              "done");
    answer = stage_get(&g, "/nowhere/\"quoted\"=x%20y");
    CHECK_INT(answer.status, 404);
    refused = answer_header(g.a, &answer, "X-Request-Id");
    CHECK(refused && *refused);
    CHECK_INT(served_stop(&g.s), 0);

    l = read_lines(g.a, log_of(&g));
    CHECK_INT(count_lines(&l, "job accepted", NULL), 2);
    CHECK_INT(count_lines(&l, "job ended", good), 1);
    CHECK_INT(count_lines(&l, "job ended", lost), 1);
    CHECK_INT(count_lines(&l, "task lost its analyst", lost), 1);
    CHECK_INT(count_lines(&l, "analyst died, job queued again", lost), 1);
    CHECK_INT(count_lines(&l, "delivered", good), 1);
    for (size_t i = 0; i < l.n; i++) {
        for (size_t k = 0; k < COUNT_OF(about_jobs); k++)
            if (text_is(l.at[i].what, about_jobs[k]))
                CHECK(text_is(l.at[i].job, good) || text_is(l.at[i].job, lost));
        if (text_is(l.at[i].what, "request"))
            CHECK(*l.at[i].req);
        ROW("%s", l.at[i].what);
    }
    /* From the request to the job: the same id. */
    accepted = find_line(&l, "job accepted", good);
    CHECK(accepted && *accepted->req);
    for (size_t i = 0, seen = 0; i < l.n && accepted; i++) {
        seen += text_is(l.at[i].what, "request") && text_is(l.at[i].req, accepted->req);
        CHECK(i + 1 < l.n || seen == 1);
    }
    for (size_t i = 0, seen = 0; i < l.n; i++) {
        seen += text_is(l.at[i].what, "request") && text_is(l.at[i].req, refused);
        CHECK(i + 1 < l.n || seen == 1);
    }
    folder_remove(base);
    receiver_close(&to);
    arena_free(g.a);
}

int main(void)
{
    RUN(the_reader_is_strict);
    RUN(metrics_are_what_was_done);
    RUN(the_table_of_metrics_is_whole);
    RUN(nobody_makes_series);
    RUN(nothing_of_it_is_public);
    RUN(not_ready_while_models_load);
    RUN(not_ready_without_room);
    RUN(not_ready_while_draining);
    RUN(served_on_two_addresses);
    RUN(status_on_a_screen);
    RUN(status_of_a_directory);
    RUN(options_change_while_it_serves);
    RUN(a_broken_file_changes_nothing);
    RUN(the_manager_is_told);
    RUN(lines_carry_ids);
    return test_end();
}
