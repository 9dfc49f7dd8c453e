/* assay status: how things stand, on one screen. Asks the running server through its operator's listener;
 * without one the data directory says the rest. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "cmd/serve_int.h"
#include "net/ask.h"

enum { ASK_MS = 10000, ANSWER_MAX = 16 << 20, NOTE_MAX = 4096, TENANTS_SHOWN = 20 };

struct status_settings {
    const char *ops;
    bool json;
    int64_t watch_ms;
};

static const struct option status_rows[] = {
    {"ops", OPT_STRING, offsetof(struct status_settings, ops), NULL, 0, 0, "ADDR:PORT",
     "ask the server there (its --ops-listen); default: the one that runs on the data directory"},
    {"json", OPT_FLAG, offsetof(struct status_settings, json), "false", 0, 0, NULL, "print JSON"},
    {"watch", OPT_DURATION, offsetof(struct status_settings, watch_ms), "0s", 0, 86400000, "TIME",
     "again and again, that far apart, until Ctrl-C"},
};

/* One run of the command. */
struct look {
    struct status_settings s;
    const char *dir;
    struct records *db; /* opened when first needed */
    struct disk_usage disk;
};

/* ---- finding the document ---- */

static int ask(struct arena *a, const char *address, struct bytes *ret, struct err *err)
{
    struct question q = {
        .address = address, .path = "/status", .timeout_ms = ASK_MS, .max_bytes = ANSWER_MAX};
    int status;

    if (net_ask(a, &q, &status, ret, err) < 0)
        return -1;
    return status == 200
               ? 0
               : FAIL(err, ERR_IO, "%s answers %d: %.200s", address, status, (const char *)ret->data);
}

/* From the directory alone. note: of the server that runs there, "" = none. */
static int collect(struct look *l, struct arena *a, const char *note, struct bytes *ret, struct err *err)
{
    struct overview from = {.dir = l->dir, .disk = &l->disk, .note = note};

    if (access(arena_printf(a, "%s/assay.db", l->dir), F_OK) < 0)
        return FAIL(err, ERR_NOT_FOUND, "there is no assay data in %s; say --data DIR", l->dir);
    if (!l->db && records_open(&l->db, l->dir, err) < 0)
        return -1;
    from.db = l->db;
    return overview_json(a, &from, ret, err);
}

/* The operator's address in a note, "" = it has none. */
static const char *noted_ops(struct arena *a, const char *note)
{
    CLEANUP(json_freep) yyjson_doc *doc = json_read(bytes_of(note, strlen(note)), NOTE_MAX, NULL);

    return json_str(a, yyjson_doc_get_root(doc), "ops", "");
}

static int find_page(struct look *l, struct arena *a, struct bytes *ret, struct err *err)
{
    const char *note, *ops;
    bool running;

    if (l->s.ops)
        return ask(a, l->s.ops, ret, err);
    if (records_owner(a, l->dir, &running, &note, err) < 0)
        return -1;
    ops = noted_ops(a, note);
    if (*ops && ask(a, ops, ret, NULL) == 0)
        return 0;
    return collect(l, a, running && !*note ? "{}" : note, ret, err);
}

/* ---- printing ---- */

/* A value of the document as text for a terminal: whatever a file or a client has put into it. */
static const char *plain(struct arena *a, yyjson_val *obj, const char *key)
{
    char *text = (char *)(uintptr_t)json_str(a, obj, key, "");

    for (char *s = text; *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f ||
            ((unsigned char)*s == 0xc2 && (unsigned char)s[1] < 0xa0))
            *s = '?';
    return text;
}

static const char *bytes_text(struct arena *a, int64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double v = (double)bytes;
    size_t u = 0;

    for (; v >= 1024 && u + 1 < COUNT_OF(units); u++)
        v /= 1024;
    return arena_printf(a, u && v < 10 ? "%.1f %s" : "%.0f %s", v, units[u]);
}

static const char *time_text(struct arena *a, double seconds)
{
    int64_t s = (int64_t)seconds;

    if (s < 60)
        return arena_printf(a, "%.*f s", s < 10, seconds);
    if (s < 3600)
        return arena_printf(a, "%lld min %lld s", (long long)s / 60, (long long)s % 60);
    if (s < 86400)
        return arena_printf(a, "%lld h %lld min", (long long)s / 3600, (long long)s / 60 % 60);
    return arena_printf(a, "%lld d %lld h", (long long)s / 86400, (long long)s / 3600 % 24);
}

static void print_server(struct arena *a, yyjson_val *root)
{
    yyjson_val *server = yyjson_obj_get(root, "server"), *ready = yyjson_obj_get(server, "ready");

    if (!server) {
        printf("no server runs on %s\n", plain(a, root, "data"));
        return;
    }
    printf("assay %s on %s, up %s, pid %lld, %s", plain(a, server, "version"), plain(a, root, "data"),
           time_text(a, json_num(server, "uptime_s", 0)), (long long)json_int(server, "pid", 0),
           plain(a, server, "listen"));
    if (!ready)
        printf("\n(start it with --ops-listen to see more)\n");
    else if (yyjson_get_bool(ready))
        printf(", ready\n");
    else
        printf("\nNOT READY: %s\n", plain(a, server, "reason"));
}

static void print_analysts(struct arena *a, yyjson_val *server)
{
    yyjson_val *ended = yyjson_obj_get(server, "ended"), *model;
    size_t i, n;

    if (!ended)
        return;
    printf("\nanalysts    %lld of %lld alive, %lld busy; ended: %lld crashed, %lld at the deadline, %lld by "
           "protocol\n",
           (long long)json_int(server, "analysts", 0), (long long)json_int(server, "wanted", 0),
           (long long)json_int(server, "busy", 0), (long long)json_int(ended, "crashed", 0),
           (long long)json_int(ended, "deadline", 0), (long long)json_int(ended, "protocol", 0));
    yyjson_arr_foreach (yyjson_obj_get(server, "models"), i, n, model)
        printf("model       %s %s, sha256 %.12s\n", plain(a, model, "name"), plain(a, model, "version"),
               plain(a, model, "sha256"));
}

/* A column for each state, in the order of a job's life. */
static const char *const states[] = {"new", "claimed", "done", "failed", "timed_out", "cancelled"};
enum { QUEUE_STATES = 2 };

struct tenant_row {
    const char *name;
    int64_t jobs[COUNT_OF(states)];
};

static struct tenant_row *row_of(struct tenant_row *rows, size_t *n, const char *name)
{
    for (size_t i = 0; i < *n; i++)
        if (text_is(rows[i].name, name))
            return &rows[i];
    rows[*n].name = name;
    return &rows[(*n)++];
}

static void add_heaps(struct arena *a, yyjson_val *heaps, struct tenant_row *rows, size_t *n)
{
    yyjson_val *heap;
    size_t i, max;

    yyjson_arr_foreach (heaps, i, max, heap) {
        struct tenant_row *row = row_of(rows, n, plain(a, heap, "tenant"));
        for (size_t s = 0; s < COUNT_OF(states); s++)
            if (text_is(states[s], json_str(a, heap, "state", "")))
                row->jobs[s] += json_int(heap, "jobs", 0);
    }
}

static void print_rows(const struct tenant_row *rows, size_t n)
{
    printf("\n%-24s %9s %9s | last hour: %7s %7s %9s %9s\n", "TENANT", "WAITING", "RUNNING", "DONE", "FAILED",
           "TIMED OUT", "CANCELLED");
    for (size_t i = 0; i < n && i < TENANTS_SHOWN; i++)
        printf("%-24.24s %9lld %9lld |            %7lld %7lld %9lld %9lld\n", rows[i].name,
               (long long)rows[i].jobs[0], (long long)rows[i].jobs[1], (long long)rows[i].jobs[2],
               (long long)rows[i].jobs[3], (long long)rows[i].jobs[4], (long long)rows[i].jobs[5]);
    if (n > TENANTS_SHOWN)
        printf("and %zu more; --json has all\n", n - TENANTS_SHOWN);
}

static void print_queue(struct arena *a, yyjson_val *root)
{
    yyjson_val *queue = yyjson_obj_get(root, "queue"), *hour = yyjson_obj_get(root, "last_hour");
    size_t n = 0, max = yyjson_arr_size(queue) + yyjson_arr_size(hour);
    struct tenant_row *rows = arena_array(a, max, sizeof *rows);
    int64_t total[QUEUE_STATES] = {0};

    memset(rows, 0, max * sizeof *rows);
    add_heaps(a, queue, rows, &n);
    add_heaps(a, hour, rows, &n);
    for (size_t i = 0; i < n; i++)
        for (int s = 0; s < QUEUE_STATES; s++)
            total[s] += rows[i].jobs[s];
    printf("\nqueue       %lld waiting, %lld running", (long long)total[0], (long long)total[1]);
    if (total[0])
        printf("; the oldest has been waiting for %s", time_text(a, json_num(root, "oldest_waiting_s", 0)));
    printf("\n");
    if (n)
        print_rows(rows, n);
}

static void print_rest(struct arena *a, yyjson_val *root)
{
    yyjson_val *deliveries = yyjson_obj_get(root, "deliveries"), *disk = yyjson_obj_get(root, "disk");
    double late = json_num(deliveries, "late_s", 0);

    printf("\ndeliveries  %lld due", (long long)json_int(deliveries, "due", 0));
    if (late > 1)
        printf(" (late by %s)", time_text(a, late));
    printf(", %lld dead\n", (long long)json_int(deliveries, "dead", 0));
    printf("disk        %lld files, %s; database %s; %s of %s free\n", (long long)json_int(disk, "files", 0),
           bytes_text(a, json_int(disk, "files_bytes", 0)),
           bytes_text(a, json_int(disk, "database_bytes", 0)), bytes_text(a, json_int(disk, "free_bytes", 0)),
           bytes_text(a, json_int(disk, "size_bytes", 0)));
}

static void print_failures(struct arena *a, yyjson_val *failures)
{
    yyjson_val *f;
    size_t i, n;

    if (yyjson_arr_size(failures))
        printf("\nlast failures of 24 h (assay job show ID tells more)\n");
    yyjson_arr_foreach (failures, i, n, f)
        printf("%s  %s  %-16.16s %s: %.60s\n", plain(a, f, "at"), plain(a, f, "job"), plain(a, f, "tenant"),
               plain(a, f, "code"), plain(a, f, "text"));
}

static int print_page(const struct look *l, struct arena *a, struct bytes page, struct err *err)
{
    CLEANUP(json_freep) yyjson_doc *doc = NULL;
    yyjson_val *root;

    if (l->s.json) {
        printf("%.*s\n", (int)page.len, (const char *)page.data);
        return 0;
    }
    doc = json_read(page, ANSWER_MAX, err);
    if (!doc)
        return -1;
    root = yyjson_doc_get_root(doc);
    print_server(a, root);
    print_analysts(a, yyjson_obj_get(root, "server"));
    print_queue(a, root);
    print_rest(a, root);
    print_failures(a, yyjson_obj_get(root, "failures"));
    return 0;
}

/* ---- the command ---- */

static int look_once(struct look *l, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct bytes page;

    if (find_page(l, a, &page, err) < 0)
        return -1;
    if (l->s.watch_ms && !l->s.json && isatty(STDOUT_FILENO))
        printf("\033[H\033[2J"); /* from the top of an empty screen */
    return print_page(l, a, page, err);
}

/* A watcher outlives the server it watches: what goes wrong is shown, and it looks again. */
static int watch(struct look *l)
{
    struct timespec pause = {l->s.watch_ms / 1000, l->s.watch_ms % 1000 * 1000000};
    struct err err;

    for (;;) {
        if (look_once(l, &err) < 0)
            printf("assay: %s\n", err.text);
        if (fflush(stdout) == EOF)
            return 0; /* nobody reads any more */
        nanosleep(&pause, NULL);
    }
}

static const struct command_help help = {
    .usage = "assay status [--watch TIME] [--json] [--data DIR | --ops ADDR:PORT]",
    .text =
        "How things stand: the server, its queue by tenant, analysts, the last failures, deliveries and the\n"
        "disk. Analysts and readiness are known only of a server that was started with --ops-listen.",
};

static int status_run(int argc, char **argv)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct look l = {.db = NULL};
    struct common_settings common;
    struct data_settings data;
    struct option_set sets[] = {
        common_set(&common), {"Status", status_rows, COUNT_OF(status_rows), &l.s}, data_set(&data)};
    struct conf *conf;
    struct err err;
    int status = command_options(a, &help, sets, COUNT_OF(sets), &common, &argc, argv, &conf);

    if (status >= 0)
        return status;
    if (argc > 1)
        return command_misused(&help, argv[1]);
    l.dir = data.data;
    if (l.s.watch_ms)
        return watch(&l);
    status = look_once(&l, &err) < 0 ? command_failed(&err) : 0;
    records_freep(&l.db);
    return status;
}

const struct command command_status = {"status", "how things stand, on one screen", status_run};
