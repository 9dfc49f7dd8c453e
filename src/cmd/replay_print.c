/* assay replay: a stored job as it is read, counted and printed. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "cmd/replay_int.h"
#include "report/json.h"

enum { PROGRESS_US = 200000, LABELS_MAX = 1 << 20 };

/* ---- reading ---- */

void replayed_by_report(struct result_once *ret, const struct report *r)
{
    const struct score *intrusion = report_score(r, "intrusion");

    *ret = (struct result_once){
        .judgement = judgement_of(r->verdict.rule ? r->verdict.risk : NULL),
        .has_score = intrusion != NULL,
        .score = intrusion ? intrusion->value : 0,
        .cpu_us = r->decode_us + r->infer_us,
    };
}

/* The first word of the list that says something; an alarm counts before anything harmless beside it. */
static enum truth truth_of(struct arena *a, const struct dialect *d, struct bytes labels,
                           const char **ret_word)
{
    CLEANUP(json_freep) yyjson_doc *doc = json_read(labels, LABELS_MAX, NULL);
    enum truth truth = TRUTH_UNKNOWN;
    yyjson_val *word;
    size_t i, n;

    yyjson_arr_foreach (yyjson_doc_get_root(doc), i, n, word) {
        enum truth says = yyjson_is_str(word) ? d->truth(yyjson_get_str(word)) : TRUTH_UNKNOWN;
        if (says <= truth)
            continue;
        truth = says;
        *ret_word = arena_strdup(a, yyjson_get_str(word));
    }
    return truth;
}

/* The newest labels that say anything. */
static int read_labels(struct records *db, struct arena *a, const struct dialect *d, struct replayed *job,
                       struct err *err)
{
    struct label_row *rows;
    size_t n;

    if (records_job_labels(db, a, job->row.id, &rows, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n && job->truth == TRUTH_UNKNOWN; i++)
        job->truth = truth_of(a, d, rows[i].labels, &job->word);
    return 0;
}

int replayed_read(struct records *db, struct arena *a, const char *id, struct replayed *job, struct err *err)
{
    const struct dialect *d;
    struct report *report;

    job->camera = "";
    job->then.judgement = job->now.judgement = JUDGED_NONE;
    if (records_get_job(db, a, NULL, id, &job->row, err) < 0)
        return -1;
    d = dialect_find(job->row.dialect);
    if (d && d->camera)
        job->camera = d->camera(a, &job->row);
    if (d && d->truth && read_labels(db, a, d, job, err) < 0)
        return -1;
    if (job->row.report.len && report_from_json(a, job->row.report, &report, NULL) == 0) {
        job->report = report;
        replayed_by_report(&job->then, report);
    }
    return 0;
}

/* ---- one flip ---- */

static const char *const agreements[] = {
    [AGREES] = "agrees", [CONTRADICTS] = "contradicts", [SAYS_NOTHING] = ""};

static const char *agreement_of(const struct replayed *job)
{
    return agreements[flip_agreement(job->then.judgement, job->now.judgement, job->truth)];
}

static void clear_progress(void)
{
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
}

static const char *score_text(char text[16], const struct result_once *r)
{
    snprintf(text, 16, r->has_score ? "%.2f" : "-", r->score);
    return text;
}

static void print_flip(struct replay_sums *sums, const struct replayed *job)
{
    char at[CLOCK_TEXT], then[16], now[16];

    clear_progress();
    if (!sums->header)
        printf("%-24s  %-24s  %-12s  %-20s  %-9s    %-9s  %-12s  %s\n", "JOB", "CREATED", "TENANT", "CAMERA",
               "THEN", "NOW", "SCORE", "LABEL");
    sums->header = true;
    printf("%-24s  %-24s  %-12s  %-20s  %-9s -> %-9s  %4s -> %4s", job->row.id,
           clock_rfc3339(at, job->row.created_us), job->row.tenant, *job->camera ? job->camera : "-",
           judgement_name(job->then.judgement), judgement_name(job->now.judgement),
           score_text(then, &job->then), score_text(now, &job->now));
    if (job->word)
        printf("  %s%s%s", job->word, *agreement_of(job) ? ": " : "", agreement_of(job));
    putchar('\n');
    fflush(stdout);
}

typedef yyjson_mut_doc doc_t;
typedef yyjson_mut_val val_t;

static void print_document(doc_t *doc)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();

    puts((const char *)json_write(a, doc).data);
    fflush(stdout);
}

static void put_result(doc_t *doc, val_t *root, const char *key, const struct result_once *r)
{
    val_t *o = yyjson_mut_obj_add_obj(doc, root, key);

    yyjson_mut_obj_add_str(doc, o, "risk", judgement_name(r->judgement));
    if (r->has_score)
        yyjson_mut_obj_add_real(doc, o, "intrusion", r->score);
}

static void print_flip_json(const struct replayed *job)
{
    CLEANUP(json_mut_freep) doc_t *doc = yyjson_mut_doc_new(NULL);
    val_t *root = yyjson_mut_obj(doc);
    char at[CLOCK_TEXT];

    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "job", job->row.id);
    yyjson_mut_obj_add_str(doc, root, "created_at", clock_rfc3339(at, job->row.created_us));
    yyjson_mut_obj_add_str(doc, root, "tenant", job->row.tenant);
    yyjson_mut_obj_add_str(doc, root, "camera", job->camera);
    put_result(doc, root, "then", &job->then);
    put_result(doc, root, "now", &job->now);
    yyjson_mut_obj_add_bool(doc, root, "from_scores", job->from_scores);
    if (job->word)
        yyjson_mut_obj_add_str(doc, root, "label", job->word);
    if (*agreement_of(job))
        yyjson_mut_obj_add_str(doc, root, "agreement", agreement_of(job));
    print_document(doc);
}

/* ---- counting ---- */

static void count_cost(struct replay_sums *sums, const struct replayed *job)
{
    sums->judged++;
    sums->other_makers += job->other_makers;
    if (!job->then.cpu_us || !job->now.cpu_us)
        return;
    sums->compared++;
    sums->then_us += job->then.cpu_us;
    sums->now_us += job->now.cpu_us;
}

void replay_count(struct replay_sums *sums, const struct replayed *job, bool json)
{
    if (job->missing) {
        sums->missing++;
        return;
    }
    if (job->from_scores)
        sums->from_scores++;
    else
        count_cost(sums, job);
    if (!flips_add(&sums->flips, job->then.judgement, job->now.judgement, job->truth))
        return;
    if (json)
        print_flip_json(job);
    else
        print_flip(sums, job);
}

static int64_t wanted(const struct replay_sums *sums)
{
    return sums->limit && sums->limit < sums->size.ended ? sums->limit : sums->size.ended;
}

void replay_progress(struct replay_sums *sums)
{
    int64_t now = clock_mono_us();

    if (!isatty(STDERR_FILENO) || now - sums->last_progress_us < PROGRESS_US)
        return;
    sums->last_progress_us = now;
    fprintf(stderr, "\r%lld of %lld jobs, %lld flips ", (long long)(flips_jobs(&sums->flips) + sums->missing),
            (long long)wanted(sums), (long long)flips_flipped(&sums->flips));
}

/* ---- the sums ---- */

static void print_matrix(const struct flips *f)
{
    printf("\nthen \\ now  ");
    for (int now = 0; now < JUDGEMENTS; now++)
        printf("%11s", judgement_name((enum judgement)now));
    for (int then = 0; then < JUDGEMENTS; then++) {
        printf("\n  %-10s", judgement_name((enum judgement)then));
        for (int now = 0; now < JUDGEMENTS; now++)
            printf("%11lld", (long long)f->moves[then][now]);
    }
    puts("\n");
}

static void print_directions(const struct flips *f)
{
    int64_t jobs = flips_jobs(f), flipped = flips_flipped(f);

    printf("flips     %lld of %lld (%.1f %%)", (long long)flipped, (long long)jobs,
           jobs ? 100.0 * (double)flipped / (double)jobs : 0.0);
    for (int then = 0; then < JUDGEMENTS; then++)
        for (int now = 0; now < JUDGEMENTS; now++)
            if (then != now && f->moves[then][now])
                printf("; %s -> %s %lld", judgement_name((enum judgement)then),
                       judgement_name((enum judgement)now), (long long)f->moves[then][now]);
    putchar('\n');
    if (f->agree + f->contradict)
        printf("labels    operators' labels agree with %lld and contradict %lld of the flips\n",
               (long long)f->agree, (long long)f->contradict);
}

static void print_cost(const struct replay_sums *s)
{
    double n = (double)s->compared * 1e6;

    printf("cost      %lld answered from their scores, %lld judged again", (long long)s->from_scores,
           (long long)s->judged);
    if (s->compared)
        printf(": %.3f s of CPU a job then, %.3f s now", (double)s->then_us / n, (double)s->now_us / n);
    putchar('\n');
}

static void print_table(const struct replay_sums *s)
{
    int64_t seen = flips_jobs(&s->flips) + s->missing;

    clear_progress();
    print_matrix(&s->flips);
    print_directions(&s->flips);
    print_cost(s);
    if (s->other_makers && !s->model)
        printf("note      %lld of those judged again were judged by another model or program then\n",
               (long long)s->other_makers);
    printf("jobs      %lld of %lld that ended", (long long)seen, (long long)s->size.ended);
    if (s->missing)
        printf("; %lld without their file", (long long)s->missing);
    if (s->size.others)
        printf("; %lld cancelled or not ended, left out", (long long)s->size.others);
    puts(s->interrupted ? "; stopped before the end" : "");
}

static void put_sum(doc_t *doc, val_t *obj, const char *key, int64_t n)
{
    yyjson_mut_obj_add_int(doc, obj, key, n);
}

static void put_moves(doc_t *doc, val_t *root, const struct flips *f)
{
    val_t *moves = yyjson_mut_obj_add_obj(doc, root, "moves");

    for (int then = 0; then < JUDGEMENTS; then++) {
        val_t *row = yyjson_mut_obj_add_obj(doc, moves, judgement_name((enum judgement)then));
        for (int now = 0; now < JUDGEMENTS; now++)
            put_sum(doc, row, judgement_name((enum judgement)now), f->moves[then][now]);
    }
}

static void print_json(const struct replay_sums *s)
{
    CLEANUP(json_mut_freep) doc_t *doc = yyjson_mut_doc_new(NULL);
    val_t *root = yyjson_mut_obj(doc), *sums;

    yyjson_mut_doc_set_root(doc, root);
    sums = yyjson_mut_obj_add_obj(doc, root, "sums");
    put_sum(doc, sums, "jobs", flips_jobs(&s->flips));
    put_sum(doc, sums, "flips", flips_flipped(&s->flips));
    put_moves(doc, sums, &s->flips);
    put_sum(doc, sums, "agree", s->flips.agree);
    put_sum(doc, sums, "contradict", s->flips.contradict);
    put_sum(doc, sums, "from_scores", s->from_scores);
    put_sum(doc, sums, "judged_again", s->judged);
    put_sum(doc, sums, "other_makers", s->other_makers);
    put_sum(doc, sums, "without_file", s->missing);
    put_sum(doc, sums, "left_out", s->size.others);
    put_sum(doc, sums, "cost_jobs", s->compared);
    put_sum(doc, sums, "cost_then_us", s->then_us);
    put_sum(doc, sums, "cost_now_us", s->now_us);
    yyjson_mut_obj_add_bool(doc, sums, "interrupted", s->interrupted);
    print_document(doc);
}

void replay_print_sums(const struct replay_sums *sums, bool json)
{
    if (json)
        print_json(sums);
    else
        print_table(sums);
}
