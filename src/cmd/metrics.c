/* The numbers of /metrics: every module's own struct, as text. docs/operating.md tells what each means. */
#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/metric.h"
#include "base/text.h"
#include "cmd/serve_int.h"
#include "store/overview.h"

enum { METRICS_MAX = 16 << 20 };

/* ---- this process ---- */

static int64_t resident_bytes(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    long long pages = 0;

    if (f) {
        if (fscanf(f, "%*d %lld", &pages) != 1)
            pages = 0;
        fclose(f);
    }
    return pages * sysconf(_SC_PAGESIZE);
}

static int64_t open_files(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int64_t n = dir ? -3 : 0; /* . and .., and its own */

    if (!dir)
        return 0;
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

static void add_process(struct buf *b, const struct serve *s, bool ready)
{
    metric_family(b, "assay_build_info", "gauge", "Version and build time of the server; always 1.");
    metric_value(b, "assay_build_info", METRIC_LABELS("version", assay_version, "built", assay_build_at), 1);
    metric_single(b, "assay_ready", "gauge", "1 when /readyz would say so, as far as is known.", ready);
    metric_single(b, "process_start_time_seconds", "gauge", "When the server started, in seconds since 1970.",
                  (double)s->started_us / 1e6);
    metric_single(b, "process_cpu_seconds_total", "counter",
                  "Processor time of the front; keeper and analysts are other processes.",
                  (double)clock_cpu_us() / 1e6);
    metric_single(b, "process_resident_memory_bytes", "gauge", "Memory of the front.",
                  (double)resident_bytes());
    metric_single(b, "process_open_fds", "gauge", "Open descriptors of the front.", (double)open_files());
    metric_family(b, "assay_config_reloads_total", "counter", "Configurations read again, by outcome.");
    metric_value(b, "assay_config_reloads_total", METRIC_LABELS("outcome", "applied"),
                 (double)atomic_load(&s->reloads.done));
    metric_value(b, "assay_config_reloads_total", METRIC_LABELS("outcome", "refused"),
                 (double)atomic_load(&s->reloads.refused));
}

/* ---- jobs ---- */

static void add_queue(struct buf *b, const struct jobs_stats *j)
{
    metric_single(b, "assay_jobs_waiting", "gauge", "Jobs that wait for an analyst.", (double)j->queued);
    metric_single(b, "assay_jobs_waiting_limit", "gauge", "More than these are refused (--max-queued).",
                  (double)j->max_queued);
    metric_single(b, "assay_jobs_oldest_waiting_seconds", "gauge",
                  "For how long the job that waits longest has been waiting; 0 when none does.",
                  j->oldest_us > 0 ? (double)j->oldest_us / 1e6 : 0);
    metric_single(b, "assay_jobs_fetching", "gauge",
                  "Jobs whose file is on its way here, or waits to be fetched.", (double)j->fetching);
    metric_single(b, "assay_jobs_running", "gauge", "Jobs in the hands of analysts, or being written down.",
                  (double)j->running);
    metric_single(b, "assay_jobs_unsaved", "gauge", "Ended jobs whose outcome the disk refuses.",
                  (double)j->unsaved);
}

static void add_tallies(struct buf *b, const struct jobs_stats *j)
{
    static const char *const refusals[] = {
        [JOB_REFUSED_BUSY] = "busy",
        [JOB_REFUSED_QUOTA] = "quota",
        [JOB_REFUSED_DISK] = "disk",
        [JOB_REFUSED_OTHER] = "other",
    };

    metric_family(b, "assay_jobs_accepted_total", "counter", "Jobs taken, on disk.");
    for (size_t i = 0; i < j->ntallies; i++)
        metric_value(b, "assay_jobs_accepted_total", METRIC_LABELS("dialect", j->tallies[i].dialect),
                     (double)j->tallies[i].accepted);
    metric_family(b, "assay_jobs_ended_total", "counter", "Jobs that ended, by how.");
    for (size_t i = 0; i < j->ntallies; i++)
        for (int state = 0; state < JOB_STATE_COUNT; state++)
            if (job_state_is_final((enum job_state)state))
                metric_value(b, "assay_jobs_ended_total",
                             METRIC_LABELS("dialect", j->tallies[i].dialect, "state",
                                           job_state_name((enum job_state)state)),
                             (double)j->tallies[i].ended[state]);
    metric_family(
        b, "assay_jobs_refused_total", "counter",
        "Uploads that became no job: queue full or stopping, the tenant's limit, the disk, the rest.");
    for (int i = 0; i < JOB_REFUSALS; i++)
        metric_value(b, "assay_jobs_refused_total", METRIC_LABELS("reason", refusals[i]),
                     (double)j->refused[i]);
    metric_single(b, "assay_jobs_requeued_total", "counter", "Jobs queued again because their analyst died.",
                  (double)j->died);
}

static void add_stages(struct buf *b, const struct jobs_stats *j)
{
    static const char *const stages[] = {
        [JOB_WAITING] = "waiting",
        [JOB_ANALYSIS] = "analysis",
        [JOB_COMMIT] = "commit",
    };

    metric_family(b, "assay_job_stage_seconds", "histogram",
                  "Time of jobs: until an analyst has it, until its report is back, until that is on disk.");
    for (int i = 0; i < JOB_STAGES; i++)
        metric_histogram(b, "assay_job_stage_seconds", METRIC_LABELS("stage", stages[i]), &j->stages[i]);
}

static void add_jobs(struct buf *b, struct jobs *jobs)
{
    struct jobs_stats j = jobs_stats(jobs);

    add_queue(b, &j);
    add_tallies(b, &j);
    add_stages(b, &j);
}

/* ---- the lab ---- */

static void add_analysts(struct buf *b, struct lab *lab)
{
    struct lab_stats l = lab_stats(lab);

    metric_family(b, "assay_analysts", "gauge", "Analysts alive, by what they do.");
    metric_value(b, "assay_analysts", METRIC_LABELS("state", "idle"), l.analysts - l.busy);
    metric_value(b, "assay_analysts", METRIC_LABELS("state", "busy"), l.busy);
    metric_single(b, "assay_analysts_wanted", "gauge", "As many as there should be (--analysts).", l.places);
    metric_family(b, "assay_analysts_ended_total", "counter", "Analysts that are no more, by why.");
    for (int i = 0; i < LAB_ENDS; i++)
        metric_value(b, "assay_analysts_ended_total", METRIC_LABELS("reason", lab_end_name((enum lab_end)i)),
                     (double)l.ends[i]);
    metric_single(b, "assay_keeper_starts_total", "counter",
                  "Starts of the process that keeps the models; more than 1: it died.", (double)l.keepers);
    metric_single(b, "assay_analyst_tasks_total", "counter", "Reports that analysts have given.",
                  (double)l.tasks);
}

static void add_models(struct buf *b, struct arena *a, struct lab *lab)
{
    struct model_ref *models;
    size_t n = lab_models(lab, a, &models);

    metric_family(b, "assay_model_info", "gauge", "Models that are loaded; always 1.");
    for (size_t i = 0; i < n; i++)
        metric_value(b, "assay_model_info",
                     METRIC_LABELS("name", models[i].name, "version", models[i].version, "task",
                                   models[i].task, "sha256", models[i].sha256),
                     1);
}

/* ---- webhooks ---- */

static void add_deliveries(struct buf *b, struct serve *s)
{
    struct courier_stats c;
    struct delivery_totals totals;

    courier_stats(s->courier, &c);
    metric_family(b, "assay_delivery_tries_total", "counter",
                  "Tries of deliveries by what came of them: delivered, again later, given up.");
    metric_value(b, "assay_delivery_tries_total", METRIC_LABELS("outcome", "delivered"), (double)c.delivered);
    metric_value(b, "assay_delivery_tries_total", METRIC_LABELS("outcome", "again"), (double)c.again);
    metric_value(b, "assay_delivery_tries_total", METRIC_LABELS("outcome", "dead"), (double)c.dead);
    metric_single(b, "assay_deliveries_in_flight", "gauge", "Deliveries on their way now.",
                  (double)c.in_flight);
    if (records_delivery_totals(s->db, &totals, NULL) < 0)
        return; /* no number is better than a wrong one */
    metric_single(b, "assay_deliveries_due", "gauge", "Deliveries still to be made, those between tries too.",
                  (double)totals.due);
    metric_single(b, "assay_deliveries_dead", "gauge", "Deliveries given up and kept (assay hook resend).",
                  (double)totals.dead);
}

/* ---- HTTP ---- */

static void add_replies(struct buf *b, const struct server_stats *h)
{
    metric_family(b, "assay_http_requests_total", "counter",
                  "Requests answered, by route (its pattern) and status; status 0: gone before an answer.");
    for (size_t i = 0; i < h->nreplies; i++) {
        const struct reply_count *c = &h->replies[i];
        char code[16];
        snprintf(code, sizeof code, "%d", c->status);
        metric_value(b, "assay_http_requests_total",
                     METRIC_LABELS("method", c->route ? c->route->method : "", "route",
                                   c->route ? c->route->path : "", "status", code),
                     (double)c->n);
    }
}

static void add_http(struct buf *b, struct arena *a, struct serve *s)
{
    struct server_stats h;

    listeners_stats(s, a, &h);
    add_replies(b, &h);
    metric_single(b, "assay_http_requests_open", "gauge", "Requests that are not answered yet.",
                  (double)h.requests);
    metric_single(b, "assay_http_connections", "gauge", "Open connections.", (double)h.connections);
    metric_single(b, "assay_http_connections_total", "counter", "Connections accepted.", (double)h.accepted);
    metric_single(b, "assay_http_slow_clients_total", "counter",
                  "Connections dropped because the client sent too slowly.", (double)h.slow);
    metric_single(b, "assay_http_received_bytes_total", "counter", "Bytes of request bodies received.",
                  (double)h.received);
}

/* ---- the store ---- */

static void add_records(struct buf *b, struct records *db)
{
    struct records_stats r;

    records_stats(db, &r);
    metric_family(b, "assay_store_commit_seconds", "histogram",
                  "Time of one commit; each holds all changes that were waiting.");
    metric_histogram(b, "assay_store_commit_seconds", METRIC_PLAIN, &r.commits);
    metric_single(b, "assay_store_changes_total", "counter", "Changes committed.", (double)r.changes);
    metric_single(b, "assay_store_changes_failed_total", "counter", "Changes the disk has refused.",
                  (double)r.failed);
    metric_single(b, "assay_store_changes_waiting", "gauge", "Changes that wait for the disk.",
                  (double)r.queued);
}

static void add_disk(struct buf *b, struct serve *s)
{
    struct records_stats r;
    struct blobs_stats f;

    records_stats(s->db, &r);
    blobs_stats(s->blobs, &f);
    metric_single(b, "assay_files_stored_total", "counter", "Files stored: uploads and annotated clips.",
                  (double)f.stored);
    metric_single(b, "assay_files_stored_bytes_total", "counter", "Their bytes.", (double)f.bytes);
    metric_single(b, "assay_files_failed_total", "counter", "How often the disk has refused a file.",
                  (double)f.failed);
    metric_single(b, "assay_disk_failing", "gauge", "1 when the disk has refused the last write.",
                  r.failing || f.failing);
    metric_single(b, "assay_disk_size_bytes", "gauge", "Size of the data directory's file system.",
                  (double)f.disk_size);
    metric_single(b, "assay_disk_free_bytes", "gauge", "Free for us there.", (double)f.disk_free);
}

struct bytes metrics_text(struct serve *s, struct arena *a, bool ready)
{
    CLEANUP(buf_clear) struct buf b = BUF(METRICS_MAX);

    add_process(&b, s, ready);
    if (atomic_load(&s->built)) {
        add_jobs(&b, s->jobs);
        add_analysts(&b, s->analysts);
        add_models(&b, a, s->analysts);
        add_deliveries(&b, s);
        add_http(&b, a, s);
        add_records(&b, s->db);
        add_disk(&b, s);
    }
    return bytes_of(arena_strndup(a, b.data, b.len), b.len);
}
