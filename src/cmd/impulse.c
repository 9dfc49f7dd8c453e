/* assay impulse: impulses of projects, from the command line. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "cmd/eim_serve.h"
#include "cmd/foreign.h"
#include "cmd/impulse_int.h"
#include "cmd/terminal.h"
#include "report/json.h"
#include "store/blobs.h"

#define ROW(name, type, field, fallback, min, max, arg, help)                               \
    {                                                                                       \
        name, type, offsetof(struct impulse_settings, field), fallback, min, max, arg, help \
    }
static const struct option impulse_rows[] = {
    ROW("tenant", OPT_STRING, tenant, "default", 0, 0, "NAME", "whose impulses"),
    ROW("impulse", OPT_INT, impulse, "0", 0, 1e15, "ID",
        "which one; 0: the standard one of the tenant's first project"),
    ROW("variant", OPT_STRING, variant, NULL, 0, 0, "WORD", "float32 or int8; default: what there is"),
    ROW("eim", OPT_STRING, eim, NULL, 0, 0, "NAME",
        "`run`: through the .eim program of that name in --eim-dir, instead of an impulse (docs/eim.md)"),
    ROW("json", OPT_FLAG, json, "false", 0, 0, NULL,
        "`run`: print the canonical report, one JSON line a file"),
    ROW("project", OPT_INT, project, "0", 0, 1e15, "ID", "`import`: into which; 0: the tenant's first"),
    ROW("name", OPT_STRING, name, NULL, 0, 0, "TEXT", "`import`: what to call it"),
    ROW("labels", OPT_STRING, labels, NULL, 0, 0, "LIST",
        "`import` of a model alone: what it knows, in its order"),
    ROW("axes", OPT_STRING, axes, NULL, 0, 0, "LIST", "`import` of a model alone: its axes, in its order"),
    ROW("window", OPT_DURATION, window_ms, "0s", 0, 1e9, "TIME",
        "`import` of a model alone: length of a window"),
    ROW("step", OPT_DURATION, step_ms, "0s", 0, 1e9, "TIME",
        "`import` of a model alone, `run --eim`: from one window to the next; 0s: a window"),
    ROW("frequency", OPT_DOUBLE, frequency, "0", 0, 1e7, "HZ",
        "`import` of a model alone: readings a second"),
    ROW("threshold", OPT_DOUBLE, threshold, "0.6", 0, 1, "P",
        "`import` of a model alone: below it a window is uncertain"),
};

/* ---- list ---- */

static void print_foreign(const char *text, size_t columns)
{
    CLEANUP(buf_clear) struct buf out = BUF(4096);
    struct terminal t = terminal_of(STDOUT_FILENO);
    size_t used = foreign_plain(&out, text ? text : "", columns, t.utf8);

    printf("%s%*s", out.data ? out.data : "", (int)(columns - used), "");
}

static void list_row(struct impulse_call *c, const struct impulse_row *row)
{
    struct impulse p;
    struct err err;
    bool complete;

    printf("%7lld  %7lld  ", (long long)row->project, (long long)row->id);
    print_foreign(row->name, 24);
    if (hosted_read(&c->host, c->arena, row, &p, &complete, &err) < 0)
        printf("  (%s)\n", err.text);
    else
        printf("  %zu DSP, %zu learn  %s%s\n", p.ndsp, p.nlearn, complete ? "ready" : "not trained",
               row->standard ? ", standard" : "");
}

static int list(struct impulse_call *c, struct err *err)
{
    struct project_row *projects;
    struct impulse_row *rows;
    size_t nprojects, n;

    if (records_list_projects(c->host.db, c->arena, c->host.tenant, &projects, &nprojects, err) < 0)
        return -1;
    printf("project  impulse  %-24s  blocks\n", "name");
    for (size_t i = 0; i < nprojects; i++) {
        if (records_impulses(c->host.db, c->arena, projects[i].id, &rows, &n, err) < 0)
            return -1;
        for (size_t k = 0; k < n; k++)
            list_row(c, &rows[k]);
    }
    return 0;
}

/* ---- show ---- */

static void show_input(const struct impulse *p)
{
    if (p->input == INPUT_PICTURE)
        printf("input     pictures of %d x %d, %s\n", p->width, p->height, picture_fit_name(p->fit));
    else if (p->input == INPUT_SERIES)
        printf("input     windows of %g ms, every %g ms, at %g Hz%s\n", p->window_ms, p->step_ms,
               p->frequency, p->pad ? ", short recordings filled with zeros" : "");
    else
        printf("input     features as they come\n");
}

static void show_dsp(const struct impulse_dsp *d)
{
    printf("dsp %-5lld %s, version %d;", (long long)d->id, d->type, d->version);
    for (size_t i = 0; i < d->naxes; i++) {
        printf(" ");
        print_foreign(d->axes[i], strnlen(d->axes[i], 24));
    }
    for (size_t i = 0; i < d->nsettings; i++)
        printf("%s%s=%s", i ? " " : "\n          ", d->settings[i].name, d->settings[i].value);
    printf("\n");
}

static void show_learn(const struct impulse_learn *l)
{
    printf("learn %-3lld %s, from %g on;", (long long)l->id, learn_kind_name(l->kind), l->min_score);
    for (size_t i = 0; i < l->nlabels; i++) {
        printf(" ");
        print_foreign(l->labels[i], strnlen(l->labels[i], 24));
    }
    printf("\n");
}

/* How good it was on what it had not seen. */
static void show_training(struct impulse_call *c, const struct model_row *m)
{
    struct report *report;
    const struct training *t;

    if (!m->report.len || report_from_json(c->arena, m->report, &report, NULL) < 0 || !report->sensing ||
        !(t = report->sensing->training))
        return;
    if (t->nlabels)
        printf("          trained on %lld windows, %.1f %% of %lld others right\n", (long long)t->ntrain,
               100 * t->accuracy, (long long)t->nheld);
    else
        printf("          trained on %lld windows\n", (long long)t->ntrain);
}

static int show_models(struct impulse_call *c, const struct impulse_row *row, struct err *err)
{
    struct model_row *models;
    char made[CLOCK_TEXT];
    size_t n;

    if (records_models(c->host.db, c->arena, row->id, &models, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        printf("model     of learn block %lld%s%s, %s, %.12s\n", (long long)models[i].block,
               *models[i].variant ? ", " : "", models[i].variant, clock_rfc3339(made, models[i].made_us),
               models[i].sha256 ? models[i].sha256 : "clusters");
        show_training(c, &models[i]);
    }
    return 0;
}

static int show(struct impulse_call *c, struct err *err)
{
    struct project_row project;
    struct impulse_row row;
    struct impulse p;
    bool complete;

    if (hosted_find(&c->host, c->arena, c->s.impulse, &project, &row, err) < 0 ||
        hosted_read(&c->host, c->arena, &row, &p, &complete, err) < 0)
        return -1;
    printf("impulse   %lld, version %lld: ", (long long)row.id, (long long)row.version);
    print_foreign(row.name, strnlen(row.name ? row.name : "", 60));
    printf("\nproject   %lld\n", (long long)project.id);
    show_input(&p);
    for (size_t i = 0; i < p.ndsp; i++)
        show_dsp(&p.dsp[i]);
    for (size_t i = 0; i < p.nlearn; i++)
        show_learn(&p.learn[i]);
    return show_models(c, &row, err);
}

/* ---- the command ---- */

static const struct verb {
    const char *name;
    int (*run)(struct impulse_call *c, struct err *err);
    size_t least, most; /* arguments */
    const char *needs;
    bool lab;
} verbs[] = {
    {"import", impulse_import, 1, SIZE_MAX, "FILE... (a model, or an exported project and its models)", true},
    {"list", list, 0, 0, "", false},
    {"show", show, 0, 0, "", false},
    {"run", impulse_run, 1, SIZE_MAX, "FILE... (recordings or pictures)", true},
    {"serve-eim", impulse_serve_eim, 1, 1, "SOCKET (a path)", true},
};

static const struct command_help help = {
    .usage = "assay impulse import FILE... | list | show | run FILE... | serve-eim SOCKET",
    .text = "Impulses turn windows of a sensor's recording into scores. This works on the data directory: "
            "beside a "
            "running\nserver, but for `import`, which needs it stopped (upload to the server instead).",
    .after = "Examples:\n"
             "  assay impulse run wave.cbor\n"
             "  assay impulse import gestures.tflite --labels idle,wave --axes accX,accY,accZ --window 2s "
             "--frequency 62.5\n"
             "  assay impulse serve-eim /run/gestures.sock   for everything that speaks the .eim protocol",
};

static int start_lab(struct impulse_call *c, const struct lab_opts *opts, struct err *err)
{
    if (lab_start(&c->lab, opts, err) < 0)
        return -1;
    return lab_wait_ready(c->lab, clock_mono_us() + 60000000, err);
}

static int run_verb(struct impulse_call *c, const struct verb *v, const char *data,
                    const struct lab_opts *opts, struct err *err)
{
    if (v->run == impulse_serve_eim && eim_stop_signals(&c->stop_fd, err) < 0)
        return -1;
    if (command_records(&c->host.db, data, err) < 0)
        return -1;
    if ((v->run == impulse_import ? blobs_open : blobs_open_reading)(&c->host.blobs, data, err) < 0)
        return -1;
    if (v->lab && start_lab(c, opts, err) < 0)
        return -1;
    return v->run(c, err);
}

static int find_and_run(struct impulse_call *c, const char *data, const struct lab_opts *opts, int argc,
                        char **argv)
{
    struct err err = {0};
    int status;

    for (size_t i = 0; i < COUNT_OF(verbs); i++) {
        if (argc < 2 || !text_is(argv[1], verbs[i].name))
            continue;
        c->words = (const char *const *)argv + 2;
        c->nwords = (size_t)argc - 2;
        if (c->nwords > verbs[i].most)
            return command_misused(&help, argv[argc - 1]);
        if (c->nwords < verbs[i].least) {
            fprintf(stderr, "assay: impulse %s needs %s\n", verbs[i].name, verbs[i].needs);
            return 2;
        }
        status = run_verb(c, &verbs[i], data, opts, &err);
        return status < 0 ? command_failed(&err) : status;
    }
    return command_misused(&help, argc > 1 ? argv[1] : NULL);
}

static int impulse_command(int argc, char **argv)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct impulse_call c = {.arena = a, .stop_fd = -1, .stored = {ERR_INTERNAL, "the store did not answer"}};
    struct common_settings common;
    struct data_settings data;
    struct lab_settings lab;
    struct eim_settings eim;
    struct option_set sets[] = {common_set(&common),
                                {"Impulses", impulse_rows, COUNT_OF(impulse_rows), &c.s},
                                data_set(&data),
                                eim_set(&eim),
                                lab_set(&lab)};
    struct lab_opts opts;
    struct conf *conf;
    int status = command_options(a, &help, sets, COUNT_OF(sets), &common, &argc, argv, &conf);

    if (status >= 0)
        return status;
    log_setup(LOG_WARN, false);
    lab.analysts = lab.analysts ? lab.analysts : 1;
    opts = lab_opts_of(&lab, &data, a);
    c.host.tenant = c.s.tenant;
    c.eim = &eim;
    status = find_and_run(&c, data.data, &opts, argc, argv);
    if (c.lab)
        lab_stop(c.lab);
    records_freep(&c.host.db);
    blobs_freep(&c.host.blobs);
    fd_closep(&c.stop_fd);
    return status;
}

const struct command command_impulse = {
    "impulse", "impulses: import, list, show, run recordings, serve as .eim", impulse_command};
