#include "store/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "store/blobs.h"

enum { FRESH_US = 10000000, FRESH_LOOKS = 100 };

/* What is gone by now is no error: files come and go while we look. */
static void add_files(struct disk_usage *u, int at, const char *folder)
{
    int fd = openat(at, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;
    struct stat st;

    while (dir && (entry = readdir(dir)))
        if (text_is_hex(entry->d_name, HASH_HEX - 1) &&
            fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
            u->blobs++;
            u->blob_bytes += (int64_t)st.st_blocks * 512;
        }
    if (dir)
        closedir(dir);
    else
        fd_closep(&fd);
}

static void add_blobs(struct disk_usage *u, int root)
{
    CLEANUP(fd_closep) int blobs = openat(root, "blobs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char name[3];

    for (int i = 0; blobs >= 0 && i < BLOB_FOLDERS; i++) {
        snprintf(name, sizeof name, "%02x", (uint8_t)i);
        add_files(u, blobs, name);
    }
}

static void add_database(struct disk_usage *u, int root)
{
    static const char *const names[] = {"assay.db", "assay.db-wal", "assay.db-shm"};
    struct stat st;

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (fstatat(root, names[i], &st, AT_SYMLINK_NOFOLLOW) == 0)
            u->database_bytes += (int64_t)st.st_blocks * 512;
}

int disk_usage_refresh(struct disk_usage *u, const char *dir, struct err *err)
{
    CLEANUP(fd_closep) int root = -1;
    int64_t begun = clock_mono_us(), age = begun - u->at_us;
    struct disk_usage now = {.at_us = begun};
    struct statvfs fs;

    if (u->at_us && (age < FRESH_US || age < FRESH_LOOKS * u->took_us))
        return 0;
    root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0 || fstatvfs(root, &fs) < 0)
        return FAIL_ERRNO(err, "cannot look into the data directory %s", dir);
    add_blobs(&now, root);
    add_database(&now, root);
    now.size = (int64_t)fs.f_blocks * (int64_t)fs.f_frsize;
    now.free = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
    now.took_us = clock_mono_us() - begun;
    *u = now;
    return 0;
}
