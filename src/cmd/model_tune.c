/* assay model tune: thresholds for each camera of a tenant, fitted to what operators said of its clips, and,
 * by a replay, what would have been other verdicts. Nothing that is stored changes; rules are written only
 * where somebody says so, and count only when a server is started with them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "cmd/foreign.h"
#include "cmd/model_int.h"
#include "cmd/replay_int.h"
#include "cmd/tune_int.h"

enum { PAGE = 200, REPLAY_ARGS = 24 };

#define ROW(name, type, field, fallback, min, max, arg, help)                            \
    {                                                                                    \
        name, type, offsetof(struct tune_settings, field), fallback, min, max, arg, help \
    }
static const struct option tune_rows[] = {
    ROW("tenant", OPT_STRING, tenant, NULL, 0, 0, "NAME", "tune: whose cameras"),
    ROW("since", OPT_DURATION, since_ms, "0s", 0, 1e13, "TIME", "tune: only jobs younger than that; 0s: all"),
    ROW("miss-rate", OPT_DOUBLE, miss_rate, "0", 0, 1, "P", "tune: at most so many alarms may become safe"),
    ROW("least", OPT_INT, least, "10", 1, 1e6, "N",
        "tune: a camera needs so many labelled alarms, and as many that were harmless; calibrate: the same "
        "of files, for a label"),
    ROW("pooled", OPT_FLAG, pooled, "false", 0, 0, NULL,
        "tune: also thresholds of the tenant, from all cameras, for those without their own"),
    ROW("rules", OPT_STRING, rules, NULL, 0, 0, "FILE",
        "tune: the rules of now, which the new ones begin with"),
    ROW("write", OPT_STRING, write, NULL, 0, 0, "FILE",
        "tune: write the new rules there; calibrate: the new card; else nothing is written"),
};

struct option_set tune_set(struct tune_settings *s)
{
    return (struct option_set){"Thresholds from labels (tune)", tune_rows, COUNT_OF(tune_rows), s};
}

struct tune {
    struct model_call *call;
    const struct tune_settings *s;
    struct arena *arena;
    size_t n, cap;
    struct tune_camera *cameras; /* the first: all of them together */
    int64_t jobs, labelled;
};

/* ---- what operators said ---- */

static struct tune_camera *camera_of(struct tune *t, const char *id)
{
    for (size_t i = 1; i < t->n; i++)
        if (text_is(t->cameras[i].id, id))
            return &t->cameras[i];
    if (t->n == TUNE_MAX_CAMERAS)
        return NULL;
    ARENA_PUSH(t->arena, t->cameras, t->n, t->cap) = (struct tune_camera){.id = arena_strdup(t->arena, id)};
    return &t->cameras[t->n - 1];
}

/* Jobs come newest first, so the first of a camera has the thresholds of now. */
static void add_case(struct tune *t, struct tune_camera *c, const struct replayed *job)
{
    const struct risk_rule *rule = &job->report->verdict.thresholds;

    if (!c->n) {
        c->low = rule->low;
        c->high = rule->high;
    }
    ARENA_PUSH(t->arena, c->cases, c->n, c->cap) =
        (struct fit_case){job->then.score, job->truth == TRUTH_ALARM};
}

static int take_job(struct tune *t, struct records *db, const char *id, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct replayed job = {0};
    struct tune_camera *c;
    struct err why = {0};

    if (replayed_read(db, a, id, &job, &why) < 0) /* it may have been deleted meanwhile */
        return why.kind == ERR_NOT_FOUND ? 0 : FAIL(err, why.kind, "%s", why.text);
    t->jobs++;
    if (job.truth == TRUTH_UNKNOWN || !job.then.has_score || !job.report->verdict.rule)
        return 0;
    if (++t->labelled > TUNE_MAX_CASES)
        return FAIL(err, ERR_LIMIT, "there are more than %d labelled jobs; --since takes fewer",
                    TUNE_MAX_CASES);
    add_case(t, &t->cameras[0], &job);
    if (!*job.camera)
        return 0;
    c = camera_of(t, job.camera);
    if (!c)
        return FAIL(err, ERR_LIMIT, "the tenant has more than %d cameras", TUNE_MAX_CAMERAS);
    add_case(t, c, &job);
    return 0;
}

static int read_page(struct tune *t, struct records *db, struct history_query *query, size_t *ret_n,
                     struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct history_job *jobs;

    if (records_history(db, a, query, &jobs, ret_n, err) < 0)
        return -1;
    for (size_t i = 0; i < *ret_n; i++) {
        query->before = jobs[i].seq;
        if (take_job(t, db, jobs[i].id, err) < 0)
            return -1;
    }
    return 0;
}

static int read_history(struct tune *t, struct err *err)
{
    CLEANUP(records_freep) struct records *db = NULL;
    struct history_query query = {
        .tenant = t->s->tenant,
        .since_us = t->s->since_ms ? clock_wall_us() - t->s->since_ms * 1000 : 0,
        .max = PAGE,
    };
    size_t n = 1;

    ARENA_PUSH(t->arena, t->cameras, t->n, t->cap) = (struct tune_camera){.id = NULL};
    if (records_open_reading(&db, t->call->data.data, err) < 0)
        return -1;
    while (n)
        if (read_page(t, db, &query, &n, err) < 0)
            return -1;
    if (!t->labelled)
        return FAIL(
            err, ERR_NOT_FOUND,
            "of %lld jobs of tenant %.60s none has a label of an operator that says whether it was an alarm "
            "(docs/replay.md)",
            (long long)t->jobs, t->s->tenant);
    return 0;
}

/* ---- fits ---- */

/* What a fit to the older half would have done to the newer one. */
static void hold_out(struct tune *t, struct tune_camera *c, const struct fit_opts *opts)
{
    struct fit_case *older = arena_array(t->arena, c->n, sizeof *older);
    struct fit_opts half = *opts;
    double low, high;

    for (size_t i = c->n / 2; i < c->n; i++)
        older[i - c->n / 2] = c->cases[i];
    half.least = opts->least > 1 ? opts->least / 2 : 1;
    if (fit_thresholds(older, c->n - c->n / 2, &half, &low, &high) != FIT_FINE)
        return;
    c->held_out = true;
    c->held = fit_count(c->cases, c->n / 2, low, high);
}

static void fit(struct tune *t, struct tune_camera *c)
{
    struct fit_opts opts = {
        .false_rate = t->call->eval.false_rate, .miss_rate = t->s->miss_rate, .least = (size_t)t->s->least};

    hold_out(t, c, &opts); /* before: the fit sorts */
    c->before = fit_count(c->cases, c->n, c->low, c->high);
    c->new_low = c->low;
    c->new_high = c->high;
    c->result = fit_thresholds(c->cases, c->n, &opts, &c->new_low, &c->new_high);
    c->after = fit_count(c->cases, c->n, c->new_low, c->new_high);
}

/* Returns how many were fitted and count. */
static size_t fit_all(struct tune *t)
{
    size_t fitted = 0;

    for (size_t i = 0; i < t->n; i++) {
        fit(t, &t->cameras[i]);
        if (i || t->s->pooled)
            fitted += t->cameras[i].result == FIT_FINE;
    }
    return fitted;
}

/* ---- what is told ---- */

static const char *const results[] = {[FIT_FINE] = "",
                                      [FIT_FEW] = "too few labels",
                                      [FIT_IMPOSSIBLE] = "harmless clips have the highest score"};

static void print_camera(const struct tune *t, const struct tune_camera *c)
{
    CLEANUP(buf_clear) struct buf name = BUF(1024);
    char thresholds[64];

    foreign_plain(&name, c->id ? c->id : "(all cameras)", 20, false);
    snprintf(thresholds, sizeof thresholds, "%.2f %.2f -> %.2f %.2f", c->low, c->high, c->new_low,
             c->new_high);
    printf("%-20s  %6zu %8zu  ", name.data, c->before.alarms, c->before.harmless);
    if (c->result != FIT_FINE) {
        printf("%.2f %.2f stay: %s\n", c->low, c->high, results[c->result]);
        return;
    }
    printf("%-22s  %4zu -> %-4zu  %4zu -> %-4zu  %4zu -> %-4zu  %4zu -> %-4zu", thresholds, c->before.missed,
           c->after.missed, c->before.found, c->after.found, c->before.false_dangers, c->after.false_dangers,
           c->before.false_intrusions, c->after.false_intrusions);
    if (c->held_out)
        printf("  %zu of %zu, %zu of %zu", c->held.missed, c->held.alarms, c->held.false_intrusions,
               c->held.harmless);
    printf("%s\n", c->id || t->s->pooled ? "" : "  (only with --pooled)");
}

/* None of n missed still allows 3 / n of them, at 95 % confidence. */
static void print_caution(const struct tune *t)
{
    size_t fewest = 0;

    for (size_t i = t->s->pooled ? 0 : 1; i < t->n; i++)
        if (t->cameras[i].result == FIT_FINE && (!fewest || t->cameras[i].after.alarms < fewest))
            fewest = t->cameras[i].after.alarms;
    if (fewest && t->s->miss_rate <= 0)
        printf("None missed of %zu alarms still allows that %.0f %% of them are (95 %% confidence): more "
               "labels, more "
               "certainty.\n",
               fewest, fewest > 3 ? 300.0 / (double)fewest : 100.0);
}

static void print_table(const struct tune *t)
{
    printf("%-20s  %6s %8s  %-22s  %-12s  %-12s  %-12s  %-12s  %s\n", "CAMERA", "ALARMS", "HARMLESS",
           "LOW HIGH", "MISSED", "INTRUSIONS", "FALSE DANGER", "FALSE INTR.",
           "HELD OUT: MISSED, FALSE INTR.");
    for (size_t i = 1; i < t->n; i++)
        print_camera(t, &t->cameras[i]);
    print_camera(t, &t->cameras[0]);
    printf("\n%lld of %lld jobs have a label that says something. The figures are of the clips that were "
           "fitted to; "
           "held out: fitted to\nthe older half, counted on the newer one.\n",
           (long long)t->labelled, (long long)t->jobs);
    print_caution(t);
    fflush(stdout);
}

static void put_count(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key, const struct fit_count *c)
{
    yyjson_mut_val *o = yyjson_mut_obj_add_obj(doc, obj, key);

    yyjson_mut_obj_add_uint(doc, o, "missed", c->missed);
    yyjson_mut_obj_add_uint(doc, o, "found", c->found);
    yyjson_mut_obj_add_uint(doc, o, "false_dangers", c->false_dangers);
    yyjson_mut_obj_add_uint(doc, o, "false_intrusions", c->false_intrusions);
}

static void print_json(const struct tune *t)
{
    static const char *const words[] = {"fitted", "too_few", "impossible"};
    CLEANUP(json_mut_freep) yyjson_mut_doc *doc = json_doc_new();
    yyjson_mut_val *root = yyjson_mut_obj(doc), *list;

    yyjson_mut_doc_set_root(doc, root);
    list = yyjson_mut_obj_add_arr(doc, root, "cameras");
    for (size_t i = 0; i < t->n; i++) {
        const struct tune_camera *c = &t->cameras[i];
        yyjson_mut_val *o = yyjson_mut_arr_add_obj(doc, list);
        yyjson_mut_obj_add_str(doc, o, "camera", c->id ? c->id : "*");
        yyjson_mut_obj_add_str(doc, o, "result", words[c->result]);
        yyjson_mut_obj_add_uint(doc, o, "alarms", c->before.alarms);
        yyjson_mut_obj_add_uint(doc, o, "harmless", c->before.harmless);
        yyjson_mut_obj_add_real(doc, o, "low", c->low);
        yyjson_mut_obj_add_real(doc, o, "high", c->high);
        yyjson_mut_obj_add_real(doc, o, "new_low", c->new_low);
        yyjson_mut_obj_add_real(doc, o, "new_high", c->new_high);
        put_count(doc, o, "before", &c->before);
        put_count(doc, o, "after", &c->after);
        if (c->held_out)
            put_count(doc, o, "held_out", &c->held);
    }
    puts((const char *)json_write(t->arena, doc).data);
    fflush(stdout);
}

/* ---- the candidate, and its replay ---- */

static int write_whole(int fd, struct bytes text)
{
    for (size_t done = 0; done < text.len;) {
        ssize_t n = write(fd, text.data + done, text.len - done);
        if (n < 0 && errno != EINTR)
            return -1;
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int make_rules(struct tune *t, struct bytes *ret, struct err *err)
{
    struct bytes now = {0};
    size_t skip = !t->s->pooled;

    if (t->s->rules && model_read_file(t->arena, t->s->rules, &now, err) < 0)
        return -1;
    return tune_rules(t->arena, now, t->s->tenant, t->cameras + skip, t->n - skip, ret, err);
}

/* As `assay replay --rules FILE --tenant NAME` at the command line. */
static int replay(struct tune *t, const char *rules, struct err *err)
{
    const struct lab_settings *lab = &t->call->lab;
    const char *const with[][2] = {
        {"--rules", rules},
        {"--tenant", t->s->tenant},
        {"--data", t->call->data.data},
        {"--models", lab->models},
        {"--detector", lab->detector},
        {"--onnxruntime", lab->runtime},
        {"--since", t->s->since_ms ? arena_printf(t->arena, "%lldms", (long long)t->s->since_ms) : NULL}};
    char *argv[REPLAY_ARGS] = {arena_strdup(t->arena, "replay")};
    int argc = 1;

    for (size_t i = 0; i < COUNT_OF(with); i++) {
        if (!with[i][1])
            continue;
        argv[argc++] = arena_strdup(t->arena, with[i][0]);
        argv[argc++] = arena_strdup(t->arena, with[i][1]);
    }
    if (!lab->variants)
        argv[argc++] = arena_strdup(t->arena, "--no-variants");
    if (t->call->eval.json)
        argv[argc++] = arena_strdup(t->arena, "--json");
    if (command_replay.run(argc, argv) != 0)
        return FAIL(err, ERR_CONFLICT, "the replay did not come to its end; nothing was written");
    return 0;
}

static int try_rules(struct tune *t, struct bytes text, struct err *err)
{
    const char *tmp = getenv("TMPDIR");
    char *path = arena_printf(t->arena, "%s/assay-tune-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    CLEANUP(fd_closep) int fd = mkostemp(path, O_CLOEXEC);
    int result;

    if (fd < 0)
        return FAIL_ERRNO(err, "cannot write %s", path);
    result = write_whole(fd, text) < 0 ? FAIL_ERRNO(err, "cannot write %s", path) : replay(t, path, err);
    unlink(path);
    return result;
}

static int write_rules(struct tune *t, struct bytes text, struct err *err)
{
    CLEANUP(fd_closep) int fd = -1;

    if (!t->s->write) {
        if (!t->call->eval.json)
            puts("\nnothing was written; --write FILE writes these rules");
        return 0;
    }
    fd = open(t->s->write, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0 && errno == EEXIST)
        return FAIL(err, ERR_CONFLICT, "%s is there already; the rules go into a new file", t->s->write);
    if (fd < 0 || write_whole(fd, text) < 0 || write_whole(fd, bytes_of("\n", 1)) < 0 || fsync(fd) < 0)
        return FAIL_ERRNO(err, "cannot write %s", t->s->write);
    if (!t->call->eval.json)
        printf("\nwritten to %s; `assay serve --rules %s` uses it\n", t->s->write, t->s->write);
    return 0;
}

int model_tune(struct model_call *c, struct err *err)
{
    struct tune t = {.call = c, .s = &c->tune, .arena = c->arena};
    struct bytes text;
    size_t fitted;

    if (!c->tune.tenant)
        return FAIL(err, ERR_INPUT, "assay model tune needs --tenant NAME; `assay tenant list` shows them");
    if (c->tune.write && access(c->tune.write, F_OK) == 0)
        return FAIL(err, ERR_CONFLICT, "%s is there already; the rules go into a new file", c->tune.write);
    if (read_history(&t, err) < 0)
        return -1;
    fitted = fit_all(&t);
    if (c->eval.json)
        print_json(&t);
    else
        print_table(&t);
    if (!fitted)
        return FAIL(
            err, ERR_NOT_FOUND,
            "no camera has %lld labelled alarms and as many harmless clips (--least, --pooled); nothing was "
            "fitted",
            (long long)c->tune.least);
    if (!c->eval.json)
        puts("\nWhat would have changed, of all jobs of the tenant, labelled or not:\n");
    fflush(stdout);
    if (make_rules(&t, &text, err) < 0 || try_rules(&t, text, err) < 0)
        return -1;
    return write_rules(&t, text, err);
}
