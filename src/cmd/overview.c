/* How things stand, as one JSON document: `assay status` prints it, /status of the operator's listener sends
 * it. */
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "cmd/serve_int.h"
#include "store/hooks.h"
#include "store/overview.h"

static const int64_t hour_us = 3600000000, day_us = 86400000000;

enum { FAILURES = 5, NOTE_MAX = 4096 };

struct page {
    struct arena *a;
    yyjson_mut_doc *doc;
    yyjson_mut_val *root;
    int64_t now_us;
};

static void put_time(struct page *p, yyjson_mut_val *obj, const char *key, int64_t wall_us)
{
    char text[CLOCK_TEXT];

    yyjson_mut_obj_add_strcpy(p->doc, obj, key, clock_rfc3339(text, wall_us));
}

static void put_seconds(struct page *p, yyjson_mut_val *obj, const char *key, int64_t us)
{
    yyjson_mut_obj_add_real(p->doc, obj, key, (double)(us > 0 ? us / 1000 : 0) / 1000);
}

/* ---- from the records ---- */

/* The heaps are borrowed until the document is written. */
static void put_heaps(struct page *p, const char *key, const struct job_heap *heaps, size_t n)
{
    yyjson_mut_val *arr = yyjson_mut_obj_add_arr(p->doc, p->root, key);

    for (size_t i = 0; i < n; i++) {
        yyjson_mut_val *obj = yyjson_mut_arr_add_obj(p->doc, arr);
        yyjson_mut_obj_add_str(p->doc, obj, "tenant", heaps[i].tenant);
        yyjson_mut_obj_add_str(p->doc, obj, "state", heaps[i].state);
        yyjson_mut_obj_add_int(p->doc, obj, "jobs", heaps[i].jobs);
    }
}

static void put_oldest(struct page *p, const struct job_heap *heaps, size_t n)
{
    int64_t oldest = 0;

    for (size_t i = 0; i < n; i++)
        if (text_is(heaps[i].state, "new") && (!oldest || heaps[i].oldest_us < oldest))
            oldest = heaps[i].oldest_us;
    put_seconds(p, p->root, "oldest_waiting_s", oldest ? p->now_us - oldest : 0);
}

static int put_jobs(struct page *p, struct records *db, struct err *err)
{
    struct job_heap *queue, *hour;
    size_t nqueue, nhour;

    if (records_unfinished_heaps(db, p->a, &queue, &nqueue, err) < 0 ||
        records_finished_heaps(db, p->a, p->now_us - hour_us, &hour, &nhour, err) < 0)
        return -1;
    put_heaps(p, "queue", queue, nqueue);
    put_oldest(p, queue, nqueue);
    put_heaps(p, "last_hour", hour, nhour);
    return 0;
}

static int put_failures(struct page *p, struct records *db, struct err *err)
{
    yyjson_mut_val *arr = yyjson_mut_obj_add_arr(p->doc, p->root, "failures");
    struct failure *rows;
    size_t n;

    if (records_failures(db, p->a, p->now_us - day_us, FAILURES, &rows, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        yyjson_mut_val *obj = yyjson_mut_arr_add_obj(p->doc, arr);
        yyjson_mut_obj_add_str(p->doc, obj, "job", rows[i].id);
        yyjson_mut_obj_add_str(p->doc, obj, "tenant", rows[i].tenant);
        yyjson_mut_obj_add_str(p->doc, obj, "state", rows[i].state);
        yyjson_mut_obj_add_str(p->doc, obj, "code", rows[i].error_code ? rows[i].error_code : "");
        yyjson_mut_obj_add_str(p->doc, obj, "text", rows[i].error_text ? rows[i].error_text : "");
        put_time(p, obj, "at", rows[i].finished_us);
    }
    return 0;
}

static int put_deliveries(struct page *p, struct records *db, struct err *err)
{
    yyjson_mut_val *obj = yyjson_mut_obj_add_obj(p->doc, p->root, "deliveries");
    struct delivery_totals t;

    if (records_delivery_totals(db, &t, err) < 0)
        return -1;
    yyjson_mut_obj_add_int(p->doc, obj, "due", t.due);
    yyjson_mut_obj_add_int(p->doc, obj, "dead", t.dead);
    put_seconds(p, obj, "late_s", t.first_due_us ? p->now_us - t.first_due_us : 0);
    return 0;
}

static int put_disk(struct page *p, const struct overview *from, struct err *err)
{
    yyjson_mut_val *obj = yyjson_mut_obj_add_obj(p->doc, p->root, "disk");
    const struct disk_usage *u = from->disk;

    if (disk_usage_refresh(from->disk, from->dir, err) < 0)
        return -1;
    yyjson_mut_obj_add_int(p->doc, obj, "files", u->blobs);
    yyjson_mut_obj_add_int(p->doc, obj, "files_bytes", u->blob_bytes);
    yyjson_mut_obj_add_int(p->doc, obj, "database_bytes", u->database_bytes);
    yyjson_mut_obj_add_int(p->doc, obj, "size_bytes", u->size);
    yyjson_mut_obj_add_int(p->doc, obj, "free_bytes", u->free);
    return 0;
}

/* ---- from the running server ---- */

static void put_analysts(struct page *p, yyjson_mut_val *obj, struct lab *lab)
{
    struct lab_stats l = lab_stats(lab);
    yyjson_mut_val *ended, *models;
    struct model_ref *refs;
    size_t n = lab_models(lab, p->a, &refs);

    yyjson_mut_obj_add_int(p->doc, obj, "analysts", l.analysts);
    yyjson_mut_obj_add_int(p->doc, obj, "busy", l.busy);
    yyjson_mut_obj_add_int(p->doc, obj, "wanted", l.places);
    ended = yyjson_mut_obj_add_obj(p->doc, obj, "ended");
    for (int i = 0; i < LAB_ENDS; i++)
        yyjson_mut_obj_add_int(p->doc, ended, lab_end_name((enum lab_end)i), l.ends[i]);
    models = yyjson_mut_obj_add_arr(p->doc, obj, "models");
    for (size_t i = 0; i < n; i++) {
        yyjson_mut_val *model = yyjson_mut_arr_add_obj(p->doc, models);
        yyjson_mut_obj_add_str(p->doc, model, "name", refs[i].name);
        yyjson_mut_obj_add_str(p->doc, model, "version", refs[i].version);
        yyjson_mut_obj_add_str(p->doc, model, "sha256", refs[i].sha256);
    }
}

/* With the port it really has. */
static const char *server_address(struct arena *a, struct serve *s)
{
    const char *listen = s->conf.http.listen;

    return arena_printf(a, "%.*s:%d", (int)(strrchr(listen, ':') - listen), listen, server_port(s->server));
}

static void put_server(struct page *p, struct serve *s, const char *not_ready)
{
    yyjson_mut_val *obj = yyjson_mut_obj_add_obj(p->doc, p->root, "server");
    struct server_stats h;

    listeners_stats(s, p->a, &h);
    yyjson_mut_obj_add_int(p->doc, obj, "pid", getpid());
    yyjson_mut_obj_add_str(p->doc, obj, "version", assay_version);
    put_time(p, obj, "started_at", s->started_us);
    put_seconds(p, obj, "uptime_s", p->now_us - s->started_us);
    yyjson_mut_obj_add_str(p->doc, obj, "listen", server_address(p->a, s));
    yyjson_mut_obj_add_bool(p->doc, obj, "ready", !not_ready);
    if (not_ready)
        yyjson_mut_obj_add_str(p->doc, obj, "reason", not_ready);
    yyjson_mut_obj_add_int(p->doc, obj, "connections", (int64_t)h.connections);
    put_analysts(p, obj, s->analysts);
}

/* What little a note tells of a server that cannot be asked. */
static void put_noted_server(struct page *p, const char *note)
{
    CLEANUP(json_freep) yyjson_doc *doc = json_read(bytes_of(note, strlen(note)), NOTE_MAX, NULL);
    yyjson_val *root = yyjson_doc_get_root(doc);
    yyjson_mut_val *obj = yyjson_mut_obj_add_obj(p->doc, p->root, "server");
    const char *started = json_str(p->a, root, "started_at", "");
    int64_t started_us;

    yyjson_mut_obj_add_int(p->doc, obj, "pid", json_int(root, "pid", 0));
    yyjson_mut_obj_add_str(p->doc, obj, "version", json_str(p->a, root, "version", ""));
    yyjson_mut_obj_add_str(p->doc, obj, "listen", json_str(p->a, root, "listen", ""));
    yyjson_mut_obj_add_str(p->doc, obj, "started_at", started);
    if (clock_parse_rfc3339(started, &started_us))
        put_seconds(p, obj, "uptime_s", p->now_us - started_us);
}

int overview_json(struct arena *a, const struct overview *from, struct bytes *ret, struct err *err)
{
    CLEANUP(json_mut_freep) yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    struct page p = {.a = a, .doc = doc, .root = yyjson_mut_obj(doc), .now_us = clock_wall_us()};

    yyjson_mut_doc_set_root(doc, p.root);
    put_time(&p, p.root, "at", p.now_us);
    yyjson_mut_obj_add_str(doc, p.root, "data", from->dir);
    if (from->live)
        put_server(&p, from->live, from->not_ready);
    else if (from->note && *from->note)
        put_noted_server(&p, from->note);
    if (put_jobs(&p, from->db, err) < 0 || put_failures(&p, from->db, err) < 0 ||
        put_deliveries(&p, from->db, err) < 0 || put_disk(&p, from, err) < 0)
        return -1;
    *ret = json_write(a, doc);
    return 0;
}
