/* Blobs: what goes in comes out, under its hash; what fails leaves nothing behind. */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "store/blobs_int.h"
#include "test.h"
#include "unit/store/tempdir.h"

enum { KIB = 1 << 10, MIB = 1 << 20 };

static uint8_t *pattern(size_t n)
{
    uint8_t *data = mem_alloc(n + 1);

    for (size_t i = 0; i < n; i++)
        data[i] = (uint8_t)(i * 2654435761u >> 13);
    return data;
}

/* Stores n bytes in pieces of `piece`. */
static int put(struct blobs *b, const uint8_t *data, size_t n, size_t piece, char sha256[HASH_HEX],
               struct err *err)
{
    CLEANUP(blob_writer_freep) struct blob_writer *w = NULL;
    int64_t size = -1;

    if (blob_begin(&w, b, 64 * MIB, err) < 0)
        return -1;
    for (size_t at = 0; at < n; at += piece)
        if (blob_add(w, bytes_of(data + at, n - at < piece ? n - at : piece), err) < 0)
            return -1;
    CHECK_INT(blob_written(w), n);
    if (blob_seal_take(TAKE(w), sha256, &size, err) < 0)
        return -1;
    CHECK_INT(size, n);
    return 0;
}

static size_t count_files(const char *dir, const char *sub)
{
    char path[400];
    size_t n = 0;
    DIR *d;

    snprintf(path, sizeof path, "%s/blobs/%s", dir, sub);
    d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));)
        n += e->d_name[0] != '.';
    if (d)
        closedir(d);
    return n;
}

static void comes_back_as_it_went_in(void)
{
    static const struct {
        size_t size, piece;
        bool named;
    } rows[] = {
        {0, 1, false},
        {1, 1, false},
        {256 * KIB - 1, 8191, false},
        {256 * KIB, 256 * KIB, false},
        {256 * KIB + 1, 65536, false},
        {3 * MIB + 7, 100000, false},
        {3 * MIB + 7, 3 * MIB + 7, false},
        {0, 1, true},
        {MIB + 3, 4096, true},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct tempdir dir = tempdir_new();
        CLEANUP(blobs_freep) struct blobs *b = NULL;
        CLEANUP(freep) uint8_t *data = pattern(rows[i].size);
        char sha256[HASH_HEX] = "", want[HASH_HEX], back[HASH_HEX] = "", folder[3] = "";
        CLEANUP(fd_closep) int fd = -1;
        int64_t size = -1;

        CHECK(blobs_open(&b, dir.path, NULL) == 0);
        if (rows[i].named)
            blobs_use_named(b);
        hash_hex(bytes_of(data, rows[i].size), want);
        CHECK(put(b, data, rows[i].size, rows[i].piece, sha256, NULL) == 0);
        CHECK_STR(sha256, want);
        CHECK(blob_open(b, sha256, &fd, &size, NULL) == 0);
        CHECK_INT(size, rows[i].size);
        CHECK(hash_fd(fd, back) == 0);
        CHECK_STR(back, want);
        CHECK(write(fd, "x", 1) < 0);
        memcpy(folder, want, 2);
        CHECK_INT(count_files(dir.path, folder), 1);
        CHECK_INT(count_files(dir.path, "tmp"), 0);
        ROW("%zu: %zu bytes in pieces of %zu", i, rows[i].size, rows[i].piece);
        tempdir_clear(&dir);
    }
}

static void the_same_bytes_are_one_file(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(blobs_freep) struct blobs *b = NULL;
    char one[HASH_HEX] = "", two[HASH_HEX] = "";

    CHECK(blobs_open(&b, dir.path, NULL) == 0);
    CHECK(put(b, (const uint8_t *)"abc", 3, 3, one, NULL) == 0);
    CHECK(put(b, (const uint8_t *)"abc", 3, 1, two, NULL) == 0);
    CHECK_STR(one, two);
    CHECK_INT(count_files(dir.path, "ba"), 1);
    tempdir_clear(&dir);
}

static void a_damaged_file_is_replaced(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(blobs_freep) struct blobs *b = NULL;
    CLEANUP(fd_closep) int fd = -1;
    char sha256[HASH_HEX] = "", path[400];
    int64_t size = 0;

    CHECK(blobs_open(&b, dir.path, NULL) == 0);
    CHECK(put(b, (const uint8_t *)"abc", 3, 3, sha256, NULL) == 0);
    snprintf(path, sizeof path, "%s/blobs/ba/%s", dir.path, sha256);
    CHECK(truncate(path, 1) == 0);
    CHECK(put(b, (const uint8_t *)"abc", 3, 3, sha256, NULL) == 0);
    CHECK(blob_open(b, sha256, &fd, &size, NULL) == 0);
    CHECK_INT(size, 3);
    tempdir_clear(&dir);
}

static void dropped_uploads_leave_nothing(void)
{
    for (int named = 0; named < 2; named++) {
        struct tempdir dir = tempdir_new();
        CLEANUP(blobs_freep) struct blobs *b = NULL;
        struct blob_writer *w = NULL;

        CHECK(blobs_open(&b, dir.path, NULL) == 0);
        if (named)
            blobs_use_named(b);
        CHECK(blob_begin(&w, b, 10, NULL) == 0);
        CHECK(blob_add(w, bytes_of("abc", 3), NULL) == 0);
        CHECK_INT(count_files(dir.path, "tmp"), named);
        blob_writer_freep(&w);
        CHECK(!w);
        CHECK_INT(count_files(dir.path, "tmp"), 0);
        CHECK_INT(count_files(dir.path, "ba"), 0);
        ROW("named %d", named);
        tempdir_clear(&dir);
    }
}

static void refuses_what_it_should(void)
{
    static const struct {
        const char *sha256;
        enum err_kind kind;
    } rows[] = {
        {"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", ERR_NOT_FOUND},
        {"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a", ERR_INPUT},
        {"../../../../../../../../../../../../../../../../etc/passwd/0/0/0", ERR_INPUT},
        {"", ERR_INPUT},
        {NULL, ERR_INPUT},
    };
    struct tempdir dir = tempdir_new();
    CLEANUP(blobs_freep) struct blobs *b = NULL;
    struct err err;
    int64_t size;
    int fd;

    CHECK(blobs_open(&b, dir.path, NULL) == 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        err.kind = ERR_NONE;
        CHECK(blob_open(b, rows[i].sha256, &fd, &size, &err) < 0);
        CHECK_INT(err.kind, rows[i].kind);
        err.kind = ERR_NONE;
        CHECK(blob_remove(b, rows[i].sha256, &err) < 0);
        CHECK_INT(err.kind, rows[i].kind);
        ROW("%zu", i);
    }
    tempdir_clear(&dir);
}

static void stops_at_the_limit(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(blobs_freep) struct blobs *b = NULL;
    CLEANUP(blob_writer_freep) struct blob_writer *w = NULL;
    struct err err = {0};

    CHECK(blobs_open(&b, dir.path, NULL) == 0);
    CHECK(blob_begin(&w, b, 5, NULL) == 0);
    CHECK(blob_add(w, bytes_of("abcde", 5), &err) == 0);
    CHECK(blob_add(w, bytes_of("f", 1), &err) < 0);
    CHECK_INT(err.kind, ERR_LIMIT);
    tempdir_clear(&dir);
}

static void copies_a_descriptor(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(blobs_freep) struct blobs *b = NULL;
    CLEANUP(freep) uint8_t *data = pattern(MIB);
    CLEANUP(fd_closep) int fd = -1;
    char sha256[HASH_HEX] = "", want[HASH_HEX];
    struct err err = {0};
    int64_t size = 0;

    hash_hex(bytes_of(data, MIB), want);
    CHECK(blobs_open(&b, dir.path, NULL) == 0);
    CHECK(blobs_temp(b, &fd, NULL) == 0);
    CHECK(write(fd, data, MIB) == MIB);
    CHECK(blob_from_fd(b, fd, MIB - 1, sha256, &size, &err) < 0);
    CHECK_INT(err.kind, ERR_LIMIT);
    CHECK(blob_from_fd(b, fd, MIB, sha256, &size, NULL) == 0);
    CHECK_STR(sha256, want);
    CHECK_INT(size, MIB);
    CHECK(blob_remove(b, sha256, NULL) == 0);
    CHECK(blob_remove(b, sha256, &err) < 0);
    CHECK_INT(err.kind, ERR_NOT_FOUND);
    tempdir_clear(&dir);
}

static void drops_stale_uploads_only(void)
{
    struct tempdir dir = tempdir_new();
    struct blobs *b = NULL;
    struct timespec old[2] = {{1000000, 0}, {1000000, 0}};
    static const char *const names[] = {"tmp/0123456789abcdef01234567", "tmp/0123456789abcdef01234568",
                                        "tmp/keep"};
    char path[400];

    CHECK(blobs_open(&b, dir.path, NULL) == 0);
    blobs_freep(&b);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        CLEANUP(fd_closep) int fd = -1;
        snprintf(path, sizeof path, "%s/blobs/%s", dir.path, names[i]);
        fd = open(path, O_CREAT | O_WRONLY, 0600);
        CHECK(fd >= 0);
        if (i != 1)
            futimens(fd, old);
    }
    CHECK(blobs_open(&b, dir.path, NULL) == 0);
    CHECK_INT(count_files(dir.path, "tmp"), 2);
    blobs_freep(&b);
    tempdir_clear(&dir);
}

/* In a child: files may not grow beyond 1 MiB, as on a disk which is full. */
static void a_disk_which_refuses_is_told(void)
{
    struct tempdir dir = tempdir_new();
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        struct rlimit limit = {MIB, MIB};
        struct blobs *b = NULL;
        uint8_t *data = pattern(2 * MIB);
        struct blobs_stats stats;
        struct err err = {0};
        char sha256[HASH_HEX] = "";

        signal(SIGXFSZ, SIG_IGN);
        if (setrlimit(RLIMIT_FSIZE, &limit) < 0 || blobs_open(&b, dir.path, NULL) < 0)
            _exit(2);
        if (put(b, data, 2 * MIB, 4096, sha256, &err) == 0 || err.kind != ERR_IO)
            _exit(3);
        blobs_stats(b, &stats);
        if (!stats.failing || stats.failed != 1 || stats.stored != 0)
            _exit(5);
        if (put(b, data, MIB, 4096, sha256, &err) < 0)
            _exit(4);
        blobs_stats(b, &stats);
        if (stats.failing || stats.stored != 1 || stats.bytes != MIB || stats.disk_free <= 0 ||
            stats.disk_size < stats.disk_free)
            _exit(6);
        limit.rlim_cur = 100;
        if (setrlimit(RLIMIT_FSIZE, &limit) < 0 || blobs_probe(b, &err) == 0 || err.kind != ERR_IO)
            _exit(7);
        limit.rlim_cur = MIB;
        blobs_stats(b, &stats);
        if (!stats.failing || setrlimit(RLIMIT_FSIZE, &limit) < 0 || blobs_probe(b, &err) < 0)
            _exit(8);
        blobs_stats(b, &stats);
        if (stats.failing)
            _exit(9);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status));
    CHECK_INT(WEXITSTATUS(status), 0);
    tempdir_clear(&dir);
}

struct same {
    struct blobs *b;
    int failures;
};

static void *put_many(void *arg)
{
    struct same *s = arg;
    char sha256[HASH_HEX], text[32];

    for (int i = 0; i < 50; i++) {
        int n = snprintf(text, sizeof text, "blob %d", i);
        if (put(s->b, (const uint8_t *)text, (size_t)n, 3, sha256, NULL) < 0)
            s->failures++;
    }
    return NULL;
}

static void threads_may_store_the_same_bytes(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(blobs_freep) struct blobs *b = NULL;
    struct same same[4];
    pthread_t threads[4];

    CHECK(blobs_open(&b, dir.path, NULL) == 0);
    for (int i = 0; i < 4; i++) {
        same[i] = (struct same){b, 0};
        pthread_create(&threads[i], NULL, put_many, &same[i]);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        CHECK_INT(same[i].failures, 0);
    }
    tempdir_clear(&dir);
}

static void a_folder_which_is_none_is_refused(void)
{
    struct tempdir dir = tempdir_new();
    struct blobs *b = NULL;
    struct err err = {0};
    char path[400];

    snprintf(path, sizeof path, "%s/no/such", dir.path);
    CHECK(blobs_open(&b, path, &err) < 0);
    CHECK_INT(err.kind, ERR_IO);
    CHECK(!b);
    tempdir_clear(&dir);
}

int main(void)
{
    RUN(comes_back_as_it_went_in);
    RUN(the_same_bytes_are_one_file);
    RUN(a_damaged_file_is_replaced);
    RUN(dropped_uploads_leave_nothing);
    RUN(refuses_what_it_should);
    RUN(stops_at_the_limit);
    RUN(copies_a_descriptor);
    RUN(drops_stale_uploads_only);
    RUN(a_disk_which_refuses_is_told);
    RUN(threads_may_store_the_same_bytes);
    RUN(a_folder_which_is_none_is_refused);
    return test_end();
}
