/* deploy/assay.service fits what it starts: the unit is well formed, its configuration is read, and a server
 * with analysts and their sandbox works behind the unit's filter of system calls and its ban on writable
 * code. What needs a service manager as process 1 (namespaces, users) is not tried here. */
#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "harness.h"
#include "stage.h"
#include "test.h"

#ifndef PR_SET_MDWE
#define PR_SET_MDWE              65
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif

enum { CALLS_MAX = 1024, DEPTH_MAX = 8 };

static const char *repository_file(struct arena *a, const char *name)
{
    return arena_printf(a, "%s/%s", getenv("ASSAY_ROOT"), name);
}

/* A command's output; NULL when it could not be run or failed. */
static char *output_of(struct arena *a, const char *command)
{
    CLEANUP(buf_clear) struct buf b = BUF(1 << 20);
    FILE *p = popen(command, "re"); /* the words are our own */
    char chunk[4096];
    size_t n;

    while (p && (n = fread(chunk, 1, sizeof chunk, p)) > 0)
        buf_add(&b, chunk, n);
    buf_str(&b, "");
    return p && pclose(p) == 0 ? arena_strdup(a, b.data) : NULL;
}

static bool has_systemd(struct arena *a)
{
    return output_of(a, "systemd-analyze --version 2>&1") != NULL;
}

/* ---- the unit ---- */

/* With the program under test in it, and without the user, whom this machine need not have. */
static void the_unit_is_well_formed(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    char *text = arena_strdup(a, (const char *)file_read(a, repository_file(a, "deploy/assay.service")).data),
         *line;
    char *base = folder_new(a);
    const char *path = arena_printf(a, "%s/assay.service", base);
    FILE *copy = fopen(path, "we");
    const char *said;

    while (copy && (line = strsep(&text, "\n")))
        if (text_starts(line, "ExecStart="))
            fprintf(copy, "ExecStart=%s%s\n", harness_program(), strchr(line, ' '));
        else if (!text_starts(line, "User="))
            fprintf(copy, "%s\n", line);
    if (copy)
        fclose(copy);
    said = has_systemd(a) ? output_of(a, arena_printf(a, "systemd-analyze verify --man=no %s 2>&1", path))
                          : NULL;
    if (has_systemd(a))
        CHECK_STR(said, "");
    folder_remove(base);
    if (!has_systemd(a))
        SKIP("there is no systemd-analyze");
}

static void its_configuration_is_read(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    char *argv[] = {arena_strdup(a, harness_program()),
                    (char[]){"serve"},
                    (char[]){"--config"},
                    arena_strdup(a, repository_file(a, "deploy/assay.conf")),
                    (char[]){"--print-config"},
                    NULL};
    struct outcome out = program_outcome(a, argv, 20);

    CHECK_INT(out.status, 0);
    CHECK(strstr(out.out, "\nops-listen = 127.0.0.1:9480\n"));
}

/* ---- its filter ---- */

struct calls {
    struct arena *a;
    size_t n;
    const char *names[CALLS_MAX];
};

static void set_call(struct calls *c, const char *name, bool allowed)
{
    size_t i = 0;

    while (i < c->n && !text_is(c->names[i], name))
        i++;
    if (allowed && i == c->n && c->n < CALLS_MAX)
        c->names[c->n++] = name;
    else if (!allowed && i < c->n)
        c->names[i] = c->names[--c->n];
}

/* A name, or a set and everything in it. False when the set is unknown here. */
static bool set_word(struct calls *c, const char *word, bool allowed, int depth)
{
    char *text, *line;

    if (*word != '@') {
        set_call(c, word, allowed);
        return true;
    }
    text = output_of(c->a, arena_printf(c->a, "systemd-analyze syscall-filter %s 2>&1", word));
    if (!text || depth > DEPTH_MAX)
        return false;
    while ((line = strsep(&text, "\n"))) {
        line += strspn(line, " ");
        if (*line && *line != '#' && !text_is(line, word) && !set_word(c, line, allowed, depth + 1))
            return false;
    }
    return true;
}

/* As systemd reads it: the first line begins a list of what is allowed, ~ takes away. */
static bool read_filter(struct calls *c)
{
    char *unit =
        arena_strdup(c->a, (const char *)file_read(c->a, repository_file(c->a, "deploy/assay.service")).data);
    char *line, *word;
    bool good = set_word(c, "@default", true, 0);

    while (good && (line = strsep(&unit, "\n"))) {
        bool allowed = true;
        if (!text_starts(line, "SystemCallFilter="))
            continue;
        line += strlen("SystemCallFilter=");
        if (*line == '~') {
            allowed = false;
            line++;
        }
        while ((word = strsep(&line, " ")))
            good = good && (!*word || set_word(c, word, allowed, 0));
    }
    return good;
}

static bool lock_in(const struct calls *c)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    bool good = ctx && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;

    for (size_t i = 0; i < c->n && good; i++) {
        int nr = seccomp_syscall_resolve_name(c->names[i]);
        if (nr >= 0)
            good = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, nr, 0) == 0;
    }
    if (prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) < 0)
        printf("# this kernel cannot forbid writable code\n");
    good = good && seccomp_load(ctx) == 0;
    seccomp_release(ctx);
    return good;
}

/* In a child that is locked in: everything a service does. */
static void serve_locked_in(void)
{
    struct stage g = stage_open(ARGS("--analysts", "1"));
    struct answer answer = stage_post(&g, "/api/classify?sync=true", "person.mp4");
    struct outcome doctor;
    const char *id;

    CHECK_INT(answer.status, 200);
    CHECK_STR(json_at(g.a, answer.body, "risk"), "intrusion");
    id = json_at(g.a, answer.body, "id");
    CHECK_INT(stage_get(&g, arena_printf(g.a, "/api/video/annotate/%s", id ? id : "x")).status, 200);
    doctor = stage_run(&g, ARGS("doctor"));
    CHECK_INT(doctor.status, 0); /* tries the analysts' sandbox, too */
    if (doctor.status)
        printf("# %s%s\n", doctor.out, doctor.err);
    kill(g.s.pid, SIGHUP);
    CHECK_INT(stage_post(&g, "/api/classify?sync=true", "tiny.mp4").status, 200);
    CHECK_INT(stage_close(&g), 0);
}

static void a_server_works_behind_its_filter(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct calls calls = {.a = a};
    int status = -1;
    pid_t pid;

    if (!has_systemd(a))
        SKIP("there is no systemd-analyze");
    CHECK(read_filter(&calls));
    CHECK(calls.n > 150);
    printf("# %zu system calls are allowed\n", calls.n);
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        CHECK(lock_in(&calls));
        CHECK(fchown(0, getuid(), getgid()) < 0 && errno == EPERM); /* it does hold */
        serve_locked_in();
        fflush(stdout);
        _exit(test_ok ? 0 : 1);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
    RUN(the_unit_is_well_formed);
    RUN(its_configuration_is_read);
    RUN(a_server_works_behind_its_filter);
    return test_end();
}
