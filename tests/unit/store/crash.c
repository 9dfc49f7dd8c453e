/* The promise of the store, by kill -9: a child stores blobs and jobs and reports each acknowledged one through a pipe;
 * it is killed at a random moment; afterwards every reported job is there and its blob is whole.
 * (This tests the order of steps. That a sync reaches the platter is the kernel's part.) */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "store/blobs.h"
#include "store/records.h"
#include "test.h"
#include "unit/store/tempdir.h"

enum { ROUNDS = 30, LINE = 24 + 1 + 64 + 1, MAX_LINES = 100000 };

/* ---- the child ---- */

struct note {
    int fd;
    char line[LINE + 1];
};

static void acknowledged(void *arg, const struct err *err)
{
    struct note *note = arg;

    if (err->kind == ERR_NONE && write(note->fd, note->line, LINE) != LINE)
        _exit(5);
    free(note);
}

/* A blob of up to 300 KiB which no other has. */
static int store_blob(struct blobs *b, const char *id, unsigned *seed, char sha256[HASH_HEX], int64_t *ret_size)
{
    struct blob_writer *w = NULL;
    int pieces = 1 + rand_r(seed) % 12000;

    if (blob_begin(&w, b, 1 << 20, NULL) < 0)
        return -1;
    for (int i = 0; i < pieces; i++)
        if (blob_add(w, bytes_of(id, ID_DIGITS), NULL) < 0)
            return -1;
    return blob_seal_take(w, sha256, ret_size, NULL);
}

static int store_job(struct records *db, struct blobs *b, unsigned *seed, int fd)
{
    struct note *note = calloc(1, sizeof *note);
    struct job_row row = {.tenant = "t", .dialect = "alarm", .state = "new", .spec = bytes_of("{}", 2)};
    char sha256[HASH_HEX];

    id_new(row.id, clock_wall_us());
    if (!note || store_blob(b, row.id, seed, sha256, &row.size) < 0)
        return -1;
    row.sha256 = sha256;
    note->fd = fd;
    snprintf(note->line, sizeof note->line, "%s %s\n", row.id, sha256);
    return records_add_job(db, &row, acknowledged, note, NULL);
}

static int role_writer(const char *dir, unsigned seed, int fd)
{
    struct records *db = NULL;
    struct blobs *b = NULL;

    if (records_open(&db, dir, NULL) < 0 || blobs_open(&b, dir, NULL) < 0)
        return 2;
    for (;;)
        if (store_job(db, b, &seed, fd) < 0)
            return 3;
}

/* ---- the parent ---- */

static pid_t start_writer(const char *dir, unsigned seed, int *ret_fd)
{
    char role[] = "writer", folder[256], number[16], out[16];
    char *argv[] = {role, role, folder, number, out, NULL};
    int fds[2];
    pid_t pid;

    if (pipe(fds) < 0)
        return -1;
    text_copy(folder, sizeof folder, dir);
    snprintf(number, sizeof number, "%u", seed);
    snprintf(out, sizeof out, "%d", fds[1]);
    pid = fork();
    if (pid == 0) {
        close(fds[0]);
        execv("/proc/self/exe", argv);
        _exit(99);
    }
    close(fds[1]);
    *ret_fd = fds[0];
    return pid;
}

/* Lines until the end of the pipe; a pipe keeps what was written before the kill. */
static size_t read_lines(FILE *f, char (*lines)[LINE + 1], size_t n)
{
    char line[LINE + 2];

    while (n < MAX_LINES && fgets(line, sizeof line, f))
        if (strlen(line) == LINE)
            memcpy(lines[n++], line, LINE + 1);
    return n;
}

static size_t one_round(const char *dir, unsigned *seed, char (*lines)[LINE + 1], size_t n)
{
    int fd = -1, status;
    pid_t pid = start_writer(dir, *seed, &fd);
    FILE *f = fdopen(fd, "r");

    CHECK(pid > 0 && f);
    if (pid <= 0 || !f)
        return n;
    if (fgets(lines[n], LINE + 1, f)) /* it works: from now on it may die at any moment */
        n++;
    usleep((useconds_t)(rand_r(seed) % 60000));
    kill(pid, SIGKILL);
    n = read_lines(f, lines, n);
    waitpid(pid, &status, 0);
    CHECK(WIFSIGNALED(status));
    fclose(f);
    return n;
}

static void check_job(struct records *db, struct blobs *b, struct arena *a, const char *line)
{
    char id[ID_TEXT], want[HASH_HEX], got[HASH_HEX] = "";
    CLEANUP(fd_closep) int fd = -1;
    struct job_row row = {0};
    int64_t size = -1;

    text_copy(id, sizeof id, line);
    text_copy(want, sizeof want, line + ID_DIGITS + 1);
    CHECK(records_get_job(db, a, "t", id, &row, NULL) == 0);
    CHECK_STR(row.sha256, want);
    CHECK(blob_open(b, want, &fd, &size, NULL) == 0);
    CHECK_INT(size, row.size);
    CHECK(hash_fd(fd, got) == 0);
    CHECK_STR(got, want);
}

static void check_all(const char *dir, char (*lines)[LINE + 1], size_t from, size_t n)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(records_freep) struct records *db = NULL;
    CLEANUP(blobs_freep) struct blobs *b = NULL;

    CHECK(records_open(&db, dir, NULL) == 0);
    CHECK(blobs_open(&b, dir, NULL) == 0);
    for (size_t i = from; db && b && i < n && test_ok; i++)
        check_job(db, b, a, lines[i]);
}

static void killed_at_any_moment(void)
{
    struct tempdir dir = tempdir_new();
    char(*lines)[LINE + 1] = calloc(MAX_LINES, sizeof *lines);
    unsigned seed = 1;
    size_t n = 0, before;

    for (int round = 0; lines && round < ROUNDS; round++) {
        before = n;
        n = one_round(dir.path, &seed, lines, n);
        CHECK(n > before);
        check_all(dir.path, lines, before, n);
        ROW("round %d", round);
    }
    check_all(dir.path, lines, 0, n); /* the first rounds survived the later ones */
    printf("# %zu acknowledged jobs\n", n);
    free(lines);
    tempdir_clear(&dir);
}

int main(int argc, char **argv)
{
    if (argc == 5 && text_is(argv[1], "writer"))
        return role_writer(argv[2], (unsigned)atoi(argv[3]), atoi(argv[4]));
    RUN(killed_at_any_moment);
    return test_end();
}
