/* A folder for one test, removed with everything in it. */
#ifndef ASSAY_TEST_TEMPDIR_H
#define ASSAY_TEST_TEMPDIR_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct tempdir {
    char path[256];
};

__attribute__((unused)) static struct tempdir tempdir_new(void)
{
    const char *base = getenv("TMPDIR");
    struct tempdir d;

    snprintf(d.path, sizeof d.path, "%s/assay-test-XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(d.path)) {
        perror(d.path);
        exit(99);
    }
    return d;
}

__attribute__((unused)) static int tempdir_remove(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path);
}

__attribute__((unused)) static void tempdir_clear(struct tempdir *d)
{
    nftw(d->path, tempdir_remove, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
