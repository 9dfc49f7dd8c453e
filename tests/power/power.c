/* Power loss: the store works, every write and sync is written down (tape.h), and then the power fails at
 * moments drawn from a seed (disk.h). Whatever of the unsynced writes has arrived, the store must open, be
 * sound, and have all that was acknowledged before; and go on from there, through the next failure.
 *
 * POWER_SEEDS (default 1000) failures; POWER_SEED (default 1). The writer thread groups changes as they come,
 * so the tape of a seed may differ a little from run to run. */
#include <fcntl.h>
#include <ftw.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "power/disk.h"
#include "store/blobs.h"
#include "store/hooks.h"
#include "store/records.h"
#include "store/retention.h"
#include "test.h"
#include "unit/store/tempdir.h"

enum {
    FAILURES = 25, /* of one life */
    ACTIONS = 50,
    JOBS_MAX = 256,
    LIFE_CHAIN = 4, /* every fourth life begins on an empty disk */
    BODY_MAX = 1 << 20,
};
static const size_t never = SIZE_MAX;

/* One job and what the store has said of it: places on the tape. */
struct known {
    char id[ID_TEXT], sha256[HASH_HEX], delivery[DELIVERY_ID];
    int64_t size;
    uint64_t content; /* seed of its bytes */
    size_t report_len;
    size_t added, finish_asked, finished, delete_asked, deleted;
};

struct life {
    struct arena *arena; /* of the tape */
    const char *dir;     /* the data directory */
    uint64_t random;
    bool large; /* reports so large that the log is copied into the database on the way */
    struct records *db;
    struct blobs *blobs;
    struct known jobs[JOBS_MAX];
    int njobs;
    size_t begun; /* what it has inherited is on the disk */
};

/* ---- what is stored: functions of a seed ---- */

static struct bytes noise(struct arena *a, uint64_t seed, size_t len)
{
    uint8_t *p = arena_alloc(a, len + 8);

    for (size_t i = 0; i < len; i += 8) {
        uint64_t z = power_random(&seed);
        memcpy(p + i, &z, 8);
    }
    return bytes_of(p, len);
}

static struct bytes report_of(struct arena *a, const struct known *k)
{
    return noise(a, k->content ^ 0x5eed, k->report_len);
}

/* ---- a life ---- */

static void must(int r)
{
    if (r == 0)
        return;
    printf("Bail out! the store failed without a fault\n");
    exit(99);
}

struct note {
    struct life *life;
    size_t *mark;
    const char *unpin;
};

static void acknowledged(void *arg, const struct err *err)
{
    struct note *note = arg;

    must(err->kind == ERR_NONE ? 0 : -1);
    *note->mark = tape_mark();
    if (note->unpin)
        blob_unpin(note->life->blobs, note->unpin);
}

static struct note *note_new(struct life *l, size_t *mark, const char *unpin)
{
    struct note *note = calloc(1, sizeof *note); /* until the program ends: a few per life */

    *note = (struct note){l, mark, unpin};
    return note;
}

static void store_blob(struct life *l, struct known *k, size_t len)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct blob_writer *w = NULL;

    must(blob_begin(&w, l->blobs, BODY_MAX, NULL));
    must(blob_add(w, noise(a, k->content, len), NULL));
    must(blob_seal_take(w, k->sha256, &k->size, NULL));
}

static void add_job(struct life *l)
{
    struct job_row row = {.tenant = "t", .dialect = "alarm", .state = "new", .spec = bytes_of("{}", 2)};
    struct known *k = &l->jobs[l->njobs];
    bool again = l->njobs > 0 && power_random(&l->random) % 5 == 0;
    const struct known *old = again ? &l->jobs[power_random(&l->random) % (uint64_t)l->njobs] : NULL;
    size_t len = power_random(&l->random) % (power_random(&l->random) % 16 ? 4000 : 300000);

    if (l->njobs == JOBS_MAX)
        return;
    l->njobs++;
    *k = (struct known){.content = old ? old->content : power_random(&l->random)};
    k->added = k->finish_asked = k->finished = k->delete_asked = k->deleted = never;
    k->report_len = 1 + power_random(&l->random) % (l->large ? 250000 : 3000);
    id_new(k->id, clock_wall_us());
    store_blob(l, k, old ? (size_t)old->size : len);
    text_copy(row.id, sizeof row.id, k->id);
    row.sha256 = k->sha256;
    row.size = k->size;
    must(records_add_job(l->db, &row, acknowledged, note_new(l, &k->added, k->sha256), NULL));
}

static void finish_job(struct life *l, struct known *k)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct delivery_row row = {.tenant = "t",
                               .job = k->id,
                               .url = "http://h.example/",
                               .site = "h.example:80",
                               .state = "due",
                               .created_us = 1,
                               .next_us = 1};
    struct job_move claim = {.id = k->id, .from = "new", .to = "claimed", .attempts = -1, .started_us = 1};
    struct job_move end = {.id = k->id,
                           .from = "claimed",
                           .to = "done",
                           .attempts = -1,
                           .finished_us = 2,
                           .error_code = "ok",
                           .deliveries = &row,
                           .ndeliveries = 1};

    k->finish_asked = tape_mark();
    delivery_id_new(k->delivery, clock_wall_us());
    text_copy(row.id, sizeof row.id, k->delivery);
    row.body = end.report = report_of(a, k);
    must(records_move_job(l->db, &claim, NULL, NULL, NULL));
    must(records_move_job(l->db, &end, acknowledged, note_new(l, &k->finished, NULL), NULL));
}

static void delete_job(struct life *l, struct known *k)
{
    struct job_order order = {.tenant = "t", .id = k->id};

    k->delete_asked = tape_mark();
    must(records_delete_job(l->db, &order, acknowledged, note_new(l, &k->deleted, NULL), NULL));
}

static int in_use(void *arg, const char *sha256, struct err *err)
{
    bool used;

    return records_blob_in_use(arg, sha256, &used, err) < 0 ? -1 : used;
}

/* As job_sweep (job/retain.c) does. */
static void sweep(struct life *l)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct leftover *rows;
    enum blob_fate fate;
    size_t n;

    must(records_leftovers(l->db, a, 100, &rows, &n, NULL));
    for (size_t i = 0; i < n; i++) {
        must(blob_remove_unused(l->blobs, rows[i].sha256, in_use, l->db, &fate, NULL));
        if (fate != BLOB_PINNED)
            must(records_drop_leftover(l->db, rows[i].seq, NULL, NULL, NULL));
    }
}

static void open_store(struct life *l)
{
    must(records_open(&l->db, l->dir, NULL));
    must(blobs_open(&l->blobs, l->dir, NULL));
    must(records_release_claims(l->db, NULL, NULL, NULL));
}

static void close_store(struct life *l)
{
    records_freep(&l->db);
    blobs_freep(&l->blobs);
}

static bool may_finish(const struct known *k)
{
    return k->finish_asked == never;
}

static bool may_delete(const struct known *k)
{
    return k->finish_asked != never && k->delete_asked == never;
}

static struct known *pick(struct life *l, bool (*may)(const struct known *k))
{
    int from = l->njobs ? (int)(power_random(&l->random) % (uint64_t)l->njobs) : 0;

    for (int i = 0; i < l->njobs; i++)
        if (may(&l->jobs[(from + i) % l->njobs]))
            return &l->jobs[(from + i) % l->njobs];
    return NULL;
}

static void act(struct life *l)
{
    uint64_t dice = power_random(&l->random) % 100;
    struct known *k = dice < 50 ? NULL : pick(l, dice < 78 ? may_finish : may_delete);

    if (dice < 50)
        add_job(l);
    else if (dice < 78 && k)
        finish_job(l, k);
    else if (dice < 88 && k)
        delete_job(l, k);
    else if (dice < 95)
        sweep(l);
    else if (dice < 98) {
        close_store(l);
        open_store(l);
    }
    if (power_random(&l->random) % 2)
        records_sync(l->db);
}

/* ---- after the failure ---- */

/* The first row and column of a question, "" when there is none. */
static void ask(sqlite3 *db, const char *sql, char *ret, size_t size)
{
    sqlite3_stmt *s = NULL;

    ret[0] = '\0';
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
        text_copy(ret, size, (const char *)sqlite3_column_text(s, 0));
    sqlite3_finalize(s);
}

struct findings {
    bool loud;
    int n;
};

__attribute__((format(printf, 2, 3))) static void fault(struct findings *f, const char *fmt, ...)
{
    va_list args;

    f->n++;
    if (!f->loud)
        return;
    va_start(args, fmt);
    printf("#   ");
    vprintf(fmt, args);
    printf("\n");
    va_end(args);
}

static bool blob_is_whole(struct blobs *b, const char *sha256, int64_t size)
{
    CLEANUP(fd_closep) int fd = -1;
    char hash[HASH_HEX];
    int64_t got;

    return blob_open(b, sha256, &fd, &got, NULL) == 0 && got == size && hash_fd(fd, hash) == 0 &&
           text_is(hash, sha256);
}

/* Rows nobody was told of may be there; but never without their file. */
static void check_rows(struct life *l, sqlite3 *db, struct findings *f)
{
    sqlite3_stmt *s = NULL;

    if (sqlite3_prepare_v2(db, "SELECT id, sha256, size FROM jobs", -1, &s, NULL) != SQLITE_OK)
        fault(f, "jobs cannot be read");
    while (s && sqlite3_step(s) == SQLITE_ROW)
        if (!blob_is_whole(l->blobs, (const char *)sqlite3_column_text(s, 1), sqlite3_column_int64(s, 2)))
            fault(f, "job %s is there without its file", sqlite3_column_text(s, 0));
    sqlite3_finalize(s);
}

static void check_database(struct life *l, struct findings *f)
{
    char text[256], path[512];
    sqlite3 *db = NULL;

    snprintf(path, sizeof path, "%s/assay.db", l->dir);
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK) {
        ask(db, "PRAGMA integrity_check", text, sizeof text);
        if (!text_is(text, "ok"))
            fault(f, "integrity_check: %s", text);
        ask(db, "SELECT count(*) FROM pragma_foreign_key_check", text, sizeof text);
        if (!text_is(text, "0"))
            fault(f, "%s rows refer to nothing", text);
        check_rows(l, db, f);
    }
    sqlite3_close(db);
}

static void check_end(struct life *l, const struct known *k, const struct job_row *row, struct findings *f)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct bytes report = report_of(a, k);
    struct delivery_row delivery = {0};

    if (!text_is(row->state, "done") || row->report.len != report.len ||
        memcmp(row->report.data, report.data, report.len) != 0)
        fault(f, "job %s was done, is %s with %zu bytes of report", k->id, row->state, row->report.len);
    else if (records_get_delivery(l->db, a, k->delivery, &delivery, NULL) < 0 ||
             delivery.body.len != report.len || memcmp(delivery.body.data, report.data, report.len) != 0)
        fault(f, "delivery %s is gone or has changed", k->delivery);
}

/* One job, if the power failed at `cut`. */
static void check_job(struct life *l, const struct known *k, size_t cut, struct findings *f)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct job_row row = {0};
    bool there = records_get_job(l->db, a, "t", k->id, &row, NULL) == 0;

    if (k->deleted <= cut && there)
        fault(f, "job %s was deleted and is back", k->id);
    if (k->added > cut || k->delete_asked < cut)
        return;
    if (!there)
        fault(f, "job %s is lost", k->id);
    else if (!blob_is_whole(l->blobs, k->sha256, k->size))
        fault(f, "the file of job %s is lost", k->id);
    else if (k->finished <= cut)
        check_end(l, k, &row, f);
}

static void keep_err(void *arg, const struct err *err)
{
    *(struct err *)arg = *err;
}

static int work(struct life *l, struct err *err)
{
    struct job_row row = {.tenant = "t", .dialect = "alarm", .state = "new", .spec = bytes_of("{}", 2)};
    struct err answered = {.kind = ERR_INTERNAL};
    struct blob_writer *w = NULL;
    char sha256[HASH_HEX];

    if (blob_begin(&w, l->blobs, BODY_MAX, err) < 0 || blob_add(w, bytes_of("new", 3), err) < 0 ||
        blob_seal_take(w, sha256, &row.size, err) < 0)
        return -1;
    id_new(row.id, clock_wall_us());
    row.sha256 = sha256;
    if (records_add_job(l->db, &row, keep_err, &answered, err) < 0)
        return -1;
    records_sync(l->db);
    *err = answered;
    return answered.kind == ERR_NONE ? 0 : -1;
}

/* It can be used. */
static void check_work(struct life *l, struct findings *f)
{
    struct err err = {0};

    if (work(l, &err) < 0)
        fault(f, "nothing can be stored any more: %s", err.text);
}

/* What is left in `dir` after the failure at `cut` of that life. */
static int check_found(const struct life *before, const char *dir, size_t cut, bool loud)
{
    struct findings f = {.loud = loud};
    struct life l = {.dir = dir};
    struct err err = {0};

    if (records_open(&l.db, dir, &err) < 0 || blobs_open(&l.blobs, dir, &err) < 0) {
        fault(&f, "the store does not open: %s", err.text);
    } else {
        check_database(&l, &f);
        for (int i = 0; i < before->njobs; i++)
            check_job(&l, &before->jobs[i], cut, &f);
        check_work(&l, &f);
    }
    close_store(&l);
    return f.n;
}

/* ---- from life to life ---- */

static char old_base[512]; /* nftw gives no argument to its callback */
static const char *new_base;

static int copy_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    char to[512], piece[1 << 16];
    ssize_t n;
    int in, out;

    (void)st;
    if (at->level == 0)
        return 0;
    snprintf(to, sizeof to, "%s%s", new_base, path + strlen(old_base));
    if (kind == FTW_D)
        return mkdir(to, 0700);
    in = open(path, O_RDONLY | O_CLOEXEC);
    out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    while ((n = read(in, piece, sizeof piece)) > 0)
        must(write(out, piece, (size_t)n) == n ? 0 : -1);
    fsync(out);
    close(in);
    close(out);
    return 0;
}

static int sync_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    int fd = kind == FTW_D ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

    (void)st;
    (void)at;
    if (fd < 0)
        return 0;
    fsync(fd);
    return close(fd);
}

/* What the last failure has left is what the next life begins with, all of it on the disk. */
static void move_in(const char *from, const char *to)
{
    text_copy(old_base, sizeof old_base, from);
    new_base = to;
    must(nftw(from, copy_one, 16, FTW_PHYS));
    must(nftw(to, sync_one, 16, FTW_PHYS));
}

/* Of the jobs of the life before, those which are still there were there from the beginning. */
static void remember(struct life *l)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *state;
    int n = 0;

    for (int i = 0; i < l->njobs; i++) {
        struct known *k = &l->jobs[i];
        if (records_job_state(l->db, a, k->id, &state, NULL) < 0)
            continue;
        k->added = 0;
        k->finish_asked = k->finished = text_is(state, "done") ? 0 : never;
        k->delete_asked = k->deleted = never;
        l->jobs[n++] = *k;
    }
    l->njobs = n;
}

static struct tape record(struct life *l, const char *root, const char *inherited)
{
    tape_start(l->arena, root);
    if (inherited)
        move_in(inherited, root);
    else
        l->njobs = 0;
    l->begun = tape_mark();
    open_store(l);
    records_sync(l->db);
    remember(l);
    for (int i = 0; i < ACTIONS; i++)
        act(l);
    close_store(l);
    return tape_stop();
}

/* Mostly just after something was acknowledged. */
static size_t choose_cut(const struct life *l, const struct tape *tape, uint64_t *random)
{
    const struct known *k = &l->jobs[power_random(random) % (uint64_t)l->njobs];
    uint64_t dice = power_random(random) % 8;
    size_t mark = dice < 2 ? k->added : dice < 4 ? k->finished : dice < 5 ? k->deleted : never;

    if (mark == never)
        mark = power_random(random) % (tape->n + 1);
    return mark < l->begun ? l->begun : mark;
}

static int by_place(const void *x, const void *y)
{
    const size_t *a = x, *b = y;

    return *a < *b ? -1 : *a > *b;
}

static void remove_tree(const char *path)
{
    nftw(path, tempdir_remove, 16, FTW_DEPTH | FTW_PHYS);
}

struct sum {
    int failures, faulty;
    size_t events;
};

/* The power fails FAILURES times in this life. `keep`: a folder which gets what the last one has left. */
static void fail_and_check(struct life *l, const struct tape *tape, enum tape_kind lying_about,
                           const char *base, const char *keep, struct sum *sum)
{
    struct disk *d = disk_new(tape, lying_about);
    size_t cuts[FAILURES];
    char root[300], dir[320];

    for (int i = 0; i < FAILURES; i++)
        cuts[i] = choose_cut(l, tape, &l->random);
    qsort(cuts, FAILURES, sizeof cuts[0], by_place);
    for (int i = 0; i < FAILURES; i++) {
        int n;
        snprintf(root, sizeof root, "%s/found", base);
        snprintf(dir, sizeof dir, "%s/data", root);
        must(mkdir(root, 0700));
        disk_run(d, cuts[i]);
        disk_fail(d, root, &l->random);
        if (keep && i == FAILURES - 1)
            move_in(root, keep);
        n = check_found(l, dir, cuts[i], lying_about == KIND_COUNT);
        if (n && lying_about == KIND_COUNT)
            printf("#   at event %zu of %zu\n", cuts[i], tape->n);
        sum->faulty += n > 0;
        sum->failures++;
        remove_tree(root);
    }
    sum->events += tape->n;
    disk_free(d);
}

static void one_life(struct life *l, int number, enum tape_kind lying_about, const char *base,
                     struct sum *sum)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    bool chained = number % LIFE_CHAIN != 0;
    char root[300], dir[320], kept[300];
    struct tape tape;

    snprintf(root, sizeof root, "%s/life", base);
    snprintf(dir, sizeof dir, "%s/data", root);
    snprintf(kept, sizeof kept, "%s/kept", base);
    l->arena = a;
    l->dir = dir;
    l->large = number % 6 == 0;
    must(mkdir(root, 0700));
    tape = record(l, root, chained ? kept : NULL);
    remove_tree(root);
    remove_tree(kept);
    must(mkdir(kept, 0700));
    fail_and_check(l, &tape, lying_about, base, kept, sum);
}

static int number_of(const char *name, int fallback)
{
    const char *text = getenv(name);

    return text && atoi(text) > 0 ? atoi(text) : fallback;
}

static void nothing_acknowledged_is_lost(void)
{
    int seeds = number_of("POWER_SEEDS", 1000), seed = number_of("POWER_SEED", 1);
    struct life *l = calloc(1, sizeof *l);
    struct tempdir base = tempdir_new();
    struct sum sum = {0};
    int64_t begun = clock_mono_us();

    l->random = (uint64_t)seed;
    for (int i = 0; sum.failures < seeds; i++)
        one_life(l, i, KIND_COUNT, base.path, &sum);
    printf("# seed %d: the power failed %d times in %zu events, %.1f s; stores with something lost: %d\n",
           seed, sum.failures, sum.events, (double)(clock_mono_us() - begun) / 1e6, sum.faulty);
    CHECK_INT(sum.faulty, 0);
    tempdir_clear(&base);
    free(l);
}

/* The proof that the test can fail: with a disk that lies about the syncs of one kind, something is lost. */
static void each_sync_is_needed(void)
{
    enum { LIVES = 8 };

    for (int kind = 0; kind < KIND_OTHER; kind++) {
        struct life *l = calloc(1, sizeof *l);
        struct tempdir base = tempdir_new();
        struct sum sum = {0};
        l->random = 1;
        for (int i = 0; i < LIVES && (sum.faulty == 0 || i < 2); i++)
            one_life(l, (i % 2 ? 1 + 2 * i : 3 * i) * LIFE_CHAIN, (enum tape_kind)kind, base.path, &sum);
        printf("# syncs of %s confirmed and forgotten: something lost in %d of %d failures\n",
               tape_kind_names[kind], sum.faulty, sum.failures);
        CHECK(sum.faulty > 0);
        ROW("%s", tape_kind_names[kind]);
        tempdir_clear(&base);
        free(l);
    }
}

int main(void)
{
    if (!getenv("TMPDIR") && access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 1); /* nothing here is meant to reach a disk */
    RUN(each_sync_is_needed);
    RUN(nothing_acknowledged_is_lost);
    return test_end();
}
