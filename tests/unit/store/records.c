/* Records: every call, from many threads and from a second process, and what is refused. */
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "store/records.h"
#include "test.h"
#include "unit/store/latch.h"
#include "unit/store/tempdir.h"

static struct job_row job(const char *id)
{
    struct job_row row = {
        .tenant = "acme",
        .dialect = "alarm",
        .state = "new",
        .created_us = 1700000000000000,
        .sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        .size = 3,
        .name = "gate.mp4",
        .number = 77,
        .spec = bytes_of("{\"a\":1}", 7),
        .request = bytes_of("{\"camera\":\"7\"}", 14),
    };

    text_copy(row.id, sizeof row.id, id);
    return row;
}

/* Waits for the one callback. ERR_NONE or what it got. */
static enum err_kind answer(struct latch *l)
{
    CHECK(latch_wait(l, 1, 20));
    CHECK_INT(latch_count(l), 1);
    return l->failures ? l->last.kind : ERR_NONE;
}

static enum err_kind add(struct records *db, const struct job_row *row)
{
    struct latch l = LATCH;

    CHECK(records_add_job(db, row, latch_done, &l, NULL) == 0);
    return answer(&l);
}

static enum err_kind move(struct records *db, const struct job_move *m)
{
    struct latch l = LATCH;

    CHECK(records_move_job(db, m, latch_done, &l, NULL) == 0);
    return answer(&l);
}

#define ID_A "000000000000000000000001"
#define ID_B "000000000000000000000002"
#define ID_C "000000000000000000000003"

static void jobs_come_back_whole(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct records *db = NULL;
    struct job_row want = job(ID_A), got;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    CHECK_INT(add(db, &want), ERR_NONE);
    for (int again = 0; again < 2; again++) {
        CHECK(records_get_job(db, a, "acme", ID_A, &got, NULL) == 0);
        CHECK_STR(got.id, ID_A);
        CHECK_STR(got.tenant, "acme");
        CHECK_STR(got.dialect, "alarm");
        CHECK_STR(got.state, "new");
        CHECK_INT(got.attempts, 0);
        CHECK_INT(got.created_us, want.created_us);
        CHECK_INT(got.started_us, 0);
        CHECK_INT(got.finished_us, 0);
        CHECK_STR(got.sha256, want.sha256);
        CHECK_INT(got.size, 3);
        CHECK_STR(got.name, "gate.mp4");
        CHECK_INT(got.number, 77);
        CHECK_STR((const char *)got.spec.data, "{\"a\":1}");
        CHECK_INT(got.spec.len, 7);
        CHECK_STR((const char *)got.request.data, "{\"camera\":\"7\"}");
        CHECK_INT(got.report.len, 0);
        CHECK(!got.error_code && !got.error_text && !got.artefact);
        records_freep(&db);
        CHECK(records_open(&db, dir.path, NULL) == 0);
    }
    records_freep(&db);
    tempdir_clear(&dir);
}

static void reads_are_by_tenant(void)
{
    static const struct {
        const char *tenant, *id;
        bool found;
    } rows[] = {
        {"acme", ID_A, true}, {NULL, ID_A, true},    {"other", ID_A, false},
        {"", ID_A, false},    {"acme", ID_B, false}, {NULL, "' OR 1=1 --", false},
    };
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(records_freep) struct records *db = NULL;
    struct job_row row = job(ID_A);
    char id[ID_TEXT] = "";
    struct err err;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    CHECK_INT(add(db, &row), ERR_NONE);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        err.kind = ERR_NONE;
        CHECK_INT(records_get_job(db, a, rows[i].tenant, rows[i].id, &row, &err), rows[i].found ? 0 : -1);
        CHECK_INT(err.kind, rows[i].found ? ERR_NONE : ERR_NOT_FOUND);
        ROW("%zu", i);
    }
    CHECK(records_find_number(db, a, "other", 77, id, &err) < 0);
    CHECK_INT(err.kind, ERR_NOT_FOUND);
    CHECK(records_find_name(db, a, "other", NULL, "gate.mp4", id, NULL) < 0);
    tempdir_clear(&dir);
}

static void finds_the_newest(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(records_freep) struct records *db = NULL;
    struct job_row first = job(ID_B), second = job(ID_A), none = job(ID_C);
    char id[ID_TEXT] = "";

    CHECK(records_open(&db, dir.path, NULL) == 0);
    none.number = 0;
    none.name = NULL;
    CHECK_INT(add(db, &first), ERR_NONE);
    CHECK_INT(add(db, &second), ERR_NONE);
    CHECK_INT(add(db, &none), ERR_NONE);
    CHECK(records_find_number(db, a, "acme", 77, id, NULL) == 0);
    CHECK_STR(id, ID_A);
    CHECK(records_find_name(db, a, "acme", NULL, "gate.mp4", id, NULL) == 0);
    CHECK_STR(id, ID_A);
    CHECK(records_find_number(db, a, "acme", 0, id, NULL) < 0);
    CHECK(records_find_name(db, a, "acme", NULL, "gate", id, NULL) < 0);
    tempdir_clear(&dir);
}

static void moves_compare_and_set(void)
{
    static const char report[] = "{\"schema\":\"assay.report/1\"}";
    struct job_move rows[] = {
        {.id = ID_A, .from = "claimed", .to = "done", .attempts = -1},
        {.id = ID_B, .from = "new", .to = "claimed", .attempts = -1},
        {.id = ID_A, .from = "new", .to = "claimed", .attempts = -1, .started_us = 5},
        {.id = ID_A, .from = "new", .to = "claimed", .attempts = -1, .started_us = 6},
        {.id = ID_A, .from = "claimed", .to = "new", .attempts = 1},
        {.id = ID_A, .from = "new", .to = "claimed", .attempts = -1},
        {.id = ID_A,
         .from = "claimed",
         .to = "done",
         .attempts = -1,
         .finished_us = 9,
         .report = {NULL, 0},
         .error_code = "ok",
         .error_text = "x"},
        {.id = ID_A, .from = "claimed", .to = "failed", .attempts = -1},
    };
    static const enum err_kind want[] = {ERR_CONFLICT, ERR_NOT_FOUND, ERR_NONE, ERR_CONFLICT,
                                         ERR_NONE,     ERR_NONE,      ERR_NONE, ERR_CONFLICT};
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(records_freep) struct records *db = NULL;
    struct job_row row = job(ID_A);
    const char *state = NULL;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    CHECK_INT(add(db, &row), ERR_NONE);
    rows[6].report = bytes_of(report, sizeof report - 1);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CHECK_INT(move(db, &rows[i]), want[i]);
        ROW("%zu: %s to %s", i, rows[i].from, rows[i].to);
    }
    CHECK(records_get_job(db, a, NULL, ID_A, &row, NULL) == 0);
    CHECK_STR(row.state, "done");
    CHECK_INT(row.attempts, 1);
    CHECK_INT(row.started_us, 5);
    CHECK_INT(row.finished_us, 9);
    CHECK_STR((const char *)row.report.data, report);
    CHECK_STR(row.error_code, "ok");
    CHECK_STR(row.error_text, "x");
    CHECK(records_job_state(db, a, ID_A, &state, NULL) == 0);
    CHECK_STR(state, "done");
    CHECK(records_job_state(db, a, ID_B, &state, NULL) < 0);
    tempdir_clear(&dir);
}

/* One bad change must not spoil the others of its group. */
static void one_failure_stays_alone(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(records_freep) struct records *db = NULL;
    struct latch good = LATCH, bad = LATCH;
    struct job_row row;
    char id[ID_TEXT];

    CHECK(records_open(&db, dir.path, NULL) == 0);
    row = job(ID_A);
    CHECK_INT(add(db, &row), ERR_NONE);
    for (int i = 100; i < 400; i++) {
        snprintf(id, sizeof id, "%024d", i);
        row = job(id);
        records_add_job(db, &row, latch_done, &good, NULL);
        row = job(ID_A);
        records_add_job(db, &row, latch_done, &bad, NULL);
        row = job(id);
        row.id[0] = 'f';
        row.state = "no such state";
        records_add_job(db, &row, latch_done, &bad, NULL);
    }
    records_sync(db);
    CHECK_INT(good.n, 300);
    CHECK_INT(good.failures, 0);
    CHECK_INT(bad.n, 600);
    CHECK_INT(bad.failures, 600);
    CHECK_INT(bad.last.kind, ERR_CONFLICT);
    CHECK(records_get_job(db, a, NULL, "000000000000000000000399", &row, NULL) == 0);
    tempdir_clear(&dir);
}

static void unfinished_are_listed_oldest_first(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(records_freep) struct records *db = NULL;
    struct job_row c = job(ID_C), b = job(ID_B), x = job(ID_A);
    struct latch l = LATCH;
    struct waiting_job *ids = NULL;
    const char *state = NULL;
    size_t n = 0;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    CHECK(records_unfinished(db, a, &ids, &n, NULL) == 0);
    CHECK_INT(n, 0);
    b.state = "claimed";
    x.state = "done";
    CHECK_INT(add(db, &c), ERR_NONE);
    CHECK_INT(add(db, &x), ERR_NONE);
    CHECK_INT(add(db, &b), ERR_NONE);
    CHECK(records_unfinished(db, a, &ids, &n, NULL) == 0);
    CHECK_INT(n, 2);
    if (n == 2) {
        CHECK_STR(ids[0].id, ID_C);
        CHECK_STR(ids[1].id, ID_B);
    }
    CHECK(records_release_claims(db, latch_done, &l, NULL) == 0);
    CHECK_INT(answer(&l), ERR_NONE);
    CHECK(records_job_state(db, a, ID_B, &state, NULL) == 0);
    CHECK_STR(state, "new");
    CHECK(records_job_state(db, a, ID_A, &state, NULL) == 0);
    CHECK_STR(state, "done");
    tempdir_clear(&dir);
}

static void artefacts_are_noted(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(records_freep) struct records *db = NULL;
    struct job_row row = job(ID_A);
    struct latch known = LATCH, unknown = LATCH;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    CHECK_INT(add(db, &row), ERR_NONE);
    CHECK(records_set_artefact(db, ID_A, "00ff", latch_done, &known, NULL) == 0);
    CHECK(records_set_artefact(db, ID_B, "00ff", latch_done, &unknown, NULL) == 0);
    CHECK_INT(answer(&known), ERR_NONE);
    CHECK_INT(answer(&unknown), ERR_NOT_FOUND);
    CHECK(records_get_job(db, a, NULL, ID_A, &row, NULL) == 0);
    CHECK_STR(row.artefact, "00ff");
    tempdir_clear(&dir);
}

static struct key_row key(const char *id, const char *text)
{
    struct key_row row = {.tenant = "acme",
                          .scopes = "submit read",
                          .note = "gate",
                          .created_us = 3,
                          .expires_us = 4,
                          .rate_per_minute = 60};

    text_copy(row.id, sizeof row.id, id);
    hash_hex(bytes_of(text, strlen(text)), row.hash);
    return row;
}

static void keys(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(records_freep) struct records *db = NULL;
    struct key_row row = key(ID_A, "secret"), same = key(ID_B, "secret"), other = key(ID_C, "other"), got,
                   *list;
    struct latch l[5] = {LATCH, LATCH, LATCH, LATCH, LATCH};
    struct err err = {0};
    size_t n = 0;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    CHECK(records_add_key(db, &row, latch_done, &l[0], NULL) == 0);
    CHECK(records_add_key(db, &same, latch_done, &l[1], NULL) == 0);
    CHECK(records_add_key(db, &other, latch_done, &l[2], NULL) == 0);
    CHECK_INT(answer(&l[0]), ERR_NONE);
    CHECK_INT(answer(&l[1]), ERR_CONFLICT);
    CHECK_INT(answer(&l[2]), ERR_NONE);
    CHECK(records_get_key(db, a, row.hash, &got, NULL) == 0);
    CHECK_STR(got.id, ID_A);
    CHECK_STR(got.hash, row.hash);
    CHECK_STR(got.tenant, "acme");
    CHECK_STR(got.scopes, "submit read");
    CHECK_STR(got.note, "gate");
    CHECK_INT(got.created_us, 3);
    CHECK_INT(got.expires_us, 4);
    CHECK_INT(got.revoked_us, 0);
    CHECK_INT(got.rate_per_minute, 60);
    CHECK(records_get_key(db, a, "00", &got, &err) < 0);
    CHECK_INT(err.kind, ERR_NOT_FOUND);
    CHECK(records_revoke_key(db, ID_A, 99, latch_done, &l[3], NULL) == 0);
    CHECK_INT(answer(&l[3]), ERR_NONE);
    CHECK(records_revoke_key(db, ID_A, 100, NULL, NULL, NULL) == 0);
    CHECK(records_revoke_key(db, ID_B, 100, latch_done, &l[4], NULL) == 0);
    CHECK_INT(answer(&l[4]), ERR_NOT_FOUND);
    CHECK(records_list_keys(db, a, &list, &n, NULL) == 0);
    CHECK_INT(n, 2);
    if (n == 2) {
        CHECK_INT(list[0].revoked_us, 99);
        CHECK_STR(list[1].id, ID_C);
        CHECK_INT(list[1].revoked_us, 0);
    }
    tempdir_clear(&dir);
}

static void labels(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(records_freep) struct records *db = NULL;
    struct job_row row = job(ID_A);
    struct label_row label = {ID_B, "acme", ID_A, bytes_of("[\"fox\"]", 7), "at night", 5};
    struct latch l[3] = {LATCH, LATCH, LATCH};
    struct custom_label *words = NULL;
    size_t n = 0;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    CHECK_INT(add(db, &row), ERR_NONE);
    CHECK(records_add_label(db, &label, latch_done, &l[0], NULL) == 0);
    CHECK_INT(answer(&l[0]), ERR_NONE);
    text_copy(label.id, sizeof label.id, ID_C);
    label.tenant = "other";
    CHECK(records_add_label(db, &label, latch_done, &l[1], NULL) == 0);
    CHECK_INT(answer(&l[1]), ERR_NOT_FOUND);
    CHECK(records_add_custom_label(db, "acme", "thermal", "Thermal", NULL, NULL, NULL) == 0);
    CHECK(records_add_custom_label(db, "acme", "thermal", NULL, NULL, NULL, NULL) == 0);
    CHECK(records_add_custom_label(db, "other", "fox", NULL, NULL, NULL, NULL) == 0);
    CHECK(records_add_custom_label(db, "acme", "bird", NULL, latch_done, &l[2], NULL) == 0);
    CHECK_INT(answer(&l[2]), ERR_NONE);
    CHECK(records_custom_labels(db, a, "acme", &words, &n, NULL) == 0);
    CHECK_INT(n, 2);
    if (n == 2) {
        CHECK_STR(words[0].value, "bird");
        CHECK(!words[0].label);
        CHECK_STR(words[1].value, "thermal");
        CHECK_STR(words[1].label, "Thermal");
    }
    tempdir_clear(&dir);
}

/* ---- threads ---- */

enum { THREADS = 8, EACH = 200 };

struct adder {
    struct records *db;
    struct latch *l;
    int number, unseen;
};

/* Adds, and after each own answer reads: what was answered is there. */
static void *add_many(void *arg)
{
    struct adder *w = arg;
    CLEANUP(arena_freep) struct arena *a = arena_new();
    char id[ID_TEXT];
    struct job_row row;
    const char *state;

    for (int i = 0; i < EACH; i++) {
        struct latch own = LATCH;
        snprintf(id, sizeof id, "%012d%012d", w->number, i);
        row = job(id);
        if (i % 20) {
            records_add_job(w->db, &row, latch_done, w->l, NULL);
            continue;
        }
        records_add_job(w->db, &row, latch_done, &own, NULL);
        latch_wait(&own, 1, 20);
        latch_hit(w->l, &own.last);
        w->unseen += records_job_state(w->db, a, id, &state, NULL) < 0;
    }
    return NULL;
}

static void many_threads_add(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(records_freep) struct records *db = NULL;
    struct latch l = LATCH;
    struct adder adders[THREADS];
    pthread_t threads[THREADS];
    struct waiting_job *ids;
    size_t n = 0;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    for (int i = 0; i < THREADS; i++) {
        adders[i] = (struct adder){db, &l, i, 0};
        pthread_create(&threads[i], NULL, add_many, &adders[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        CHECK_INT(adders[i].unseen, 0);
    }
    CHECK(latch_wait(&l, THREADS * EACH, 60));
    CHECK_INT(l.n, THREADS * EACH);
    CHECK_INT(l.failures, 0);
    CHECK(records_unfinished(db, a, &ids, &n, NULL) == 0);
    CHECK_INT(n, THREADS * EACH);
    tempdir_clear(&dir);
}

static void closing_answers_everything(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct records *db = NULL;
    struct latch l = LATCH;
    struct job_row row;
    char id[ID_TEXT];
    struct waiting_job *ids;
    size_t n = 0;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    for (int i = 0; i < 500; i++) {
        snprintf(id, sizeof id, "%024d", i);
        row = job(id);
        CHECK(records_add_job(db, &row, latch_done, &l, NULL) == 0);
    }
    records_freep(&db);
    CHECK_INT(l.n, 500);
    CHECK_INT(l.failures, 0);
    CHECK(records_open(&db, dir.path, NULL) == 0);
    CHECK(records_unfinished(db, a, &ids, &n, NULL) == 0);
    CHECK_INT(n, 500);
    records_freep(&db);
    tempdir_clear(&dir);
}

/* While a foreign lock holds the writer, the queue fills, says so, and keeps its reserve. */
static void a_full_queue_is_busy(void)
{
    struct tempdir dir = tempdir_new();
    struct records *db = NULL;
    struct latch l = LATCH;
    struct job_row row = job(ID_A);
    struct job_move m = {.id = ID_A, .from = "new", .to = "claimed", .attempts = -1};
    sqlite3 *other = NULL;
    struct err err = {0};
    char path[300], id[ID_TEXT];
    int added = 0, i;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    CHECK_INT(add(db, &row), ERR_NONE);
    snprintf(path, sizeof path, "%s/assay.db", dir.path);
    CHECK(sqlite3_open(path, &other) == SQLITE_OK);
    CHECK(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK);
    for (i = 0; i < 100000 && err.kind == ERR_NONE; i++) {
        snprintf(id, sizeof id, "%024d", 1000 + i);
        row = job(id);
        added += records_add_job(db, &row, latch_done, &l, &err) == 0;
    }
    CHECK_INT(err.kind, ERR_BUSY);
    CHECK(i < 100000);
    CHECK(records_move_job(db, &m, NULL, NULL, NULL) == 0);
    CHECK(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL) == SQLITE_OK);
    sqlite3_close(other);
    records_sync(db);
    CHECK_INT(l.n, added);
    CHECK_INT(l.failures, 0);
    records_freep(&db);
    tempdir_clear(&dir);
}

/* ---- files which are not ours ---- */

static void prepare_file(const char *dir, const char *sql)
{
    char path[300];
    sqlite3 *db = NULL;

    snprintf(path, sizeof path, "%s/assay.db", dir);
    CHECK(sqlite3_open(path, &db) == SQLITE_OK);
    CHECK(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK);
    sqlite3_close(db);
}

static void foreign_files_are_refused(void)
{
    static const struct {
        const char *what, *sql, *says;
        bool made; /* opened by us before */
    } rows[] = {
        {"newer version", "PRAGMA user_version = 1000", "newer", true},
        {"another program", "CREATE TABLE t (x)", "another program", false},
        {"another program's mark", "PRAGMA application_id = 5", "another program", false},
        {"another program's version", "PRAGMA user_version = 1", "another program", false},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct tempdir dir = tempdir_new();
        struct records *db = NULL;
        struct err err = {0};

        if (rows[i].made)
            CHECK(records_open(&db, dir.path, NULL) == 0);
        records_freep(&db);
        prepare_file(dir.path, rows[i].sql);
        CHECK(records_open(&db, dir.path, &err) < 0);
        CHECK_INT(err.kind, ERR_CONFLICT);
        CHECK(strstr(err.text, rows[i].says) != NULL);
        ROW("%s: %s", rows[i].what, err.text);
        tempdir_clear(&dir);
    }
}

static void no_database_is_refused(void)
{
    struct tempdir dir = tempdir_new();
    struct records *db = NULL;
    struct err err = {0};
    char path[300];
    FILE *f;

    snprintf(path, sizeof path, "%s/assay.db", dir.path);
    f = fopen(path, "w");
    CHECK(
        f &&
        fputs(
            "this is a text file, and it is longer than the header of a database would be, in fact by far\n",
            f) >= 0);
    fclose(f);
    CHECK(records_open(&db, dir.path, &err) < 0);
    CHECK_INT(err.kind, ERR_IO);
    CHECK(records_open(&db, path, &err) < 0);
    CHECK_INT(err.kind, ERR_IO);
    tempdir_clear(&dir);
}

static void one_owner_at_a_time(void)
{
    struct tempdir dir = tempdir_new();
    struct records *one = NULL, *two = NULL;
    struct err err = {0};

    CHECK(records_open(&one, dir.path, NULL) == 0);
    CHECK(records_open(&two, dir.path, NULL) == 0);
    CHECK(records_own(one, NULL) == 0);
    CHECK(records_own(one, NULL) == 0);
    CHECK(records_own(two, &err) < 0);
    CHECK_INT(err.kind, ERR_CONFLICT);
    records_freep(&one);
    CHECK(records_own(two, NULL) == 0);
    records_freep(&two);
    tempdir_clear(&dir);
}

/* ---- other processes: this program again, with a role ---- */

static int role_add_key(const char *dir)
{
    struct records *db = NULL;
    struct key_row row = key(ID_B, "from outside");
    struct latch l = LATCH;

    if (records_open(&db, dir, NULL) < 0 || records_add_key(db, &row, latch_done, &l, NULL) < 0)
        return 2;
    records_freep(&db);
    return l.n == 1 && !l.failures ? 0 : 3;
}

/* The log may not grow beyond 1 MiB. Adds must be refused with a reason, and go well again when there is
 * room. */
static int role_full_disk(const char *dir)
{
    static char big[2 << 20];
    struct rlimit limit = {1 << 20, RLIM_INFINITY};
    struct records *db = NULL;
    struct job_row row;
    struct latch l = LATCH, last = LATCH, asked = LATCH;
    struct records_stats stats;
    char id[ID_TEXT];
    int good = 0;

    signal(SIGXFSZ, SIG_IGN);
    memset(big, 'x', sizeof big);
    if (records_open(&db, dir, NULL) < 0 || setrlimit(RLIMIT_FSIZE, &limit) < 0)
        return 2;
    for (int i = 0; i < 40; i++) {
        snprintf(id, sizeof id, "%024d", i);
        row = job(id);
        row.request = bytes_of(big, i < 39 ? 64 << 10 : sizeof big); /* the last one never fits */
        if (records_add_job(db, &row, latch_done, &l, NULL) < 0)
            return 3;
    }
    records_sync(db);
    good = l.n - l.failures;
    if (l.n != 40 || !l.failures || l.last.kind != ERR_IO)
        return 4;
    records_stats(db, &stats);
    if (!stats.failing || stats.changes != (uint64_t)good || stats.failed != (uint64_t)l.failures)
        return 6;
    limit.rlim_cur = 1 << 10; /* now nothing at all can be written */
    setrlimit(RLIMIT_FSIZE, &limit);
    records_probe(db, latch_done, &asked);
    records_sync(db); /* goes well, and proves nothing */
    records_stats(db, &stats);
    if (asked.n != 1 || asked.last.kind != ERR_IO || !stats.failing)
        return 7;
    limit.rlim_cur = RLIM_INFINITY;
    setrlimit(RLIMIT_FSIZE, &limit);
    row = job("ffffffffffffffffffffffff");
    records_add_job(db, &row, latch_done, &last, NULL);
    records_sync(db);
    if (last.n != 1 || last.failures)
        return 5;
    records_probe(db, latch_done, &asked);
    records_sync(db);
    records_stats(db, &stats);
    if (asked.n != 2 || asked.failures != 1 || stats.failing)
        return 8;
    records_freep(&db);
    printf("%d\n", good);
    return 0;
}

/* Runs this program with a role; its exit status, and a number it prints. */
static int in_child(const char *role, const char *dir, int *ret_number)
{
    char text[32] = "", argument[64], folder[256];
    char *argv[] = {argument, argument, folder, NULL};
    int status = -1, out[2];
    ssize_t n;
    pid_t pid;

    text_copy(argument, sizeof argument, role);
    text_copy(folder, sizeof folder, dir);
    if (pipe(out) < 0)
        return -1;
    pid = fork();
    if (pid == 0) {
        dup2(out[1], STDOUT_FILENO);
        execv("/proc/self/exe", argv);
        _exit(99);
    }
    close(out[1]);
    n = read(out[0], text, sizeof text - 1);
    if (ret_number && n > 0)
        *ret_number = atoi(text);
    close(out[0]);
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void counts_what_it_commits(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(records_freep) struct records *db = NULL;
    struct job_row row = job(ID_A);
    struct records_stats stats;
    struct latch l = LATCH;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    records_sync(db);
    records_stats(db, &stats);
    CHECK_INT(stats.changes, 0);
    CHECK_INT(add(db, &row), ERR_NONE);
    CHECK_INT(add(db, &row), ERR_CONFLICT); /* no fault of the disk, and no change */
    records_probe(db, latch_done, &l);
    CHECK(latch_wait(&l, 1, 20));
    CHECK_INT(l.failures, 0);
    records_sync(db);
    records_stats(db, &stats);
    CHECK_INT(stats.changes, 2);
    CHECK_INT(stats.commits.up_to[HISTOGRAM_BOUNDS], 2);
    CHECK(stats.commits.sum_seconds > 0);
    CHECK(!stats.failing && stats.failed == 0 && stats.queued == 0 && stats.busy_us == 0);
    tempdir_clear(&dir);
}

static void a_second_process_adds_a_key(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(records_freep) struct records *db = NULL;
    struct key_row want = key(ID_B, "from outside"), got;
    struct job_row row = job(ID_A);

    CHECK(records_open(&db, dir.path, NULL) == 0);
    CHECK(records_own(db, NULL) == 0);
    CHECK(records_get_key(db, a, want.hash, &got, NULL) < 0);
    CHECK_INT(in_child("add-key", dir.path, NULL), 0);
    CHECK(records_get_key(db, a, want.hash, &got, NULL) == 0);
    CHECK_STR(got.id, ID_B);
    CHECK_INT(add(db, &row), ERR_NONE);
    tempdir_clear(&dir);
}

static void a_full_disk_is_told_and_survived(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(records_freep) struct records *db = NULL;
    struct waiting_job *ids;
    const char *state;
    int good = -1;
    size_t n = 0;

    CHECK_INT(in_child("full-disk", dir.path, &good), 0);
    CHECK(records_open(&db, dir.path, NULL) == 0);
    CHECK(records_unfinished(db, a, &ids, &n, NULL) == 0);
    CHECK_INT(n, good + 1);
    CHECK(records_job_state(db, a, "ffffffffffffffffffffffff", &state, NULL) == 0);
    tempdir_clear(&dir);
}

int main(int argc, char **argv)
{
    if (argc == 3 && text_is(argv[1], "add-key"))
        return role_add_key(argv[2]);
    if (argc == 3 && text_is(argv[1], "full-disk"))
        return role_full_disk(argv[2]);
    RUN(jobs_come_back_whole);
    RUN(reads_are_by_tenant);
    RUN(finds_the_newest);
    RUN(moves_compare_and_set);
    RUN(one_failure_stays_alone);
    RUN(unfinished_are_listed_oldest_first);
    RUN(artefacts_are_noted);
    RUN(keys);
    RUN(labels);
    RUN(many_threads_add);
    RUN(closing_answers_everything);
    RUN(a_full_queue_is_busy);
    RUN(foreign_files_are_refused);
    RUN(no_database_is_refused);
    RUN(one_owner_at_a_time);
    RUN(counts_what_it_commits);
    RUN(a_second_process_adds_a_key);
    RUN(a_full_disk_is_told_and_survived);
    return test_end();
}
