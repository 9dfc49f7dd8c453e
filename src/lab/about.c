/* The keeper's program: where it is, and what it says of itself. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/c23.h"
#include "base/cleanup.h"
#include "lab/lab.h"

enum { ABOUT_MAX = 4096 };

const char *lab_keeper_path(struct arena *a)
{
    static const char *const places[] = {"assay-keeper", "../lib/assay/assay-keeper"};
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    const char *slash, *path = NULL;

    self[n > 0 ? n : 0] = '\0';
    slash = strrchr(self, '/');
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        path = arena_printf(a, "%.*s/%s", slash ? (int)(slash - self) : 0, self, places[i]);
        if (access(path, X_OK) == 0)
            break;
    }
    return path;
}

static void read_all(int fd, char *text)
{
    ssize_t n;
    size_t len = 0;

    while (len < ABOUT_MAX && ((n = read(fd, text + len, ABOUT_MAX - len)) > 0 || (n < 0 && errno == EINTR)))
        len += n > 0 ? (size_t)n : 0;
}

static int spawn_about(const char *keeper, int out, pid_t *ret_pid)
{
    char *argv[] = {(char[]){"assay-keeper"}, (char[]){"about"}, NULL};
    posix_spawn_file_actions_t files;
    int r;

    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    r = posix_spawn(ret_pid, keeper, &files, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    errno = r;
    return r ? -1 : 0;
}

int lab_keeper_about(const char *keeper, struct arena *a, char **ret_text, struct err *err)
{
    CLEANUP(fd_closep) int in = -1;
    CLEANUP(fd_closep) int out = -1;
    char *text = arena_alloc(a, ABOUT_MAX + 1);
    int pair[2], status;
    pid_t pid;

    if (pipe2(pair, O_CLOEXEC) < 0)
        return FAIL_ERRNO(err, "cannot make a pipe");
    in = pair[0];
    out = pair[1];
    if (spawn_about(keeper, out, &pid) < 0)
        return FAIL_ERRNO(err, "the program %s cannot be started; install assay again", keeper);
    fd_closep(&out);
    read_all(in, text);
    if (waitpid(pid, &status, 0) != pid || status != 0 || !*text)
        return FAIL(err, ERR_IO, "the program %s does not run; install assay again", keeper);
    *ret_text = text;
    return 0;
}
