/* provenance [--trust FILE] FILE...: how long it takes to judge the Content Credentials of each file, median
 * of many in one process, file in the page cache; beside it one SHA-256 over the file, which any hard binding
 * costs at least. docs/c2pa.md. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/hash.h"
#include "c2pa/reader.h"

enum { TIMES = 201 };

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static double median_ms(int64_t *us)
{
    qsort(us, TIMES, sizeof *us, compare);
    return (double)us[TIMES / 2] / 1000;
}

static int measure(const char *path, const struct c2pa_trust *trust)
{
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct c2pa_opts opts = {.trust = trust, .now = clock_wall_us() / 1000000};
    int64_t reads[TIMES], hashes[TIMES];
    char hex[HASH_HEX];
    struct c2pa_result r;
    struct source s;
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return 1;
    s = source_of_fd(&fd, (uint64_t)st.st_size);
    for (int i = 0; i < TIMES; i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        int64_t t = clock_cpu_us();

        if (c2pa_read(a, &s, &opts, &r, NULL) < 0)
            return 1;
        reads[i] = clock_cpu_us() - t;
        t = clock_cpu_us();
        if (hash_fd(fd, hex) < 0)
            return 1;
        hashes[i] = clock_cpu_us() - t;
    }
    printf("%-60s %8lld KB  %-8s %7.3f ms, SHA-256 %7.3f ms\n", path, (long long)st.st_size >> 10,
           c2pa_state_name(r.state), median_ms(reads), median_ms(hashes));
    return 0;
}

int main(int argc, char **argv)
{
    CLEANUP(c2pa_trust_freep) struct c2pa_trust *trust = NULL;
    const char *anchors[] = {NULL, NULL};
    struct c2pa_trust_files files = {.anchors = anchors};
    struct err err;
    int at = 1;

    c2pa_prepare();
    if (argc > 2 && strcmp(argv[1], "--trust") == 0) {
        anchors[0] = argv[2];
        at = 3;
        if (c2pa_trust_open(&files, &trust, &err) < 0)
            return fprintf(stderr, "%s\n", err.text), 1;
    }
    for (; at < argc; at++)
        if (measure(argv[at], trust))
            return fprintf(stderr, "cannot read %s\n", argv[at]), 1;
    return 0;
}
