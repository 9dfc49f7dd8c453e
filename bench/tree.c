/* What a process and all its descendants have used, as one line of name=value words.
 *
 *   tree PID            cpu_us=... pss_kib=... rss_kib=... peak_kib=... processes=...
 *   tree --reset PID    also sets the peak (VmHWM) of every process back to what it has now
 *
 * CPU time comes from schedstat in nanoseconds for threads that live, and from the ticks of utime and stime
 * for reaped children. Reading the PSS of a sandboxed process (it is not dumpable) needs root. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"

enum { MAX_PROCESSES = 1024 };

struct use {
    long long cpu_us, pss_kib, rss_kib, peak_kib;
    int processes;
};

struct process {
    long pid, parent;
    long long reaped_ticks;
};

static void fclosep(FILE **f)
{
    if (*f)
        fclose(*f);
}

static FILE *open_proc(long pid, const char *name, const char *mode)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%ld/%s", pid, name);
    return fopen(path, mode);
}

/* The fields of stat after the name in brackets, which may hold anything. */
static int read_process(long pid, struct process *ret)
{
    CLEANUP(fclosep) FILE *f = open_proc(pid, "stat", "re");
    char line[1024], *rest;
    long long user, system;

    if (!f || !fgets(line, sizeof line, f) || !(rest = strrchr(line, ')')))
        return -1;
    /* state, parent, 9 numbers, utime and stime, then those of reaped children */
    if (sscanf(rest + 1, " %*c %ld %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %lld %lld", &ret->parent,
               &user, &system) != 3)
        return -1;
    ret->pid = pid;
    ret->reaped_ticks = user + system;
    return 0;
}

static size_t list_processes(struct process *ret)
{
    DIR *dir = opendir("/proc");
    struct dirent *entry;
    size_t n = 0;

    while (dir && n < MAX_PROCESSES && (entry = readdir(dir))) {
        long pid = atol(entry->d_name);
        if (pid > 0 && read_process(pid, &ret[n]) == 0)
            n++;
    }
    if (dir)
        closedir(dir);
    return n;
}

static long long threads_us(long pid)
{
    char path[64], file[512];
    long long sum_ns = 0, ns;
    struct dirent *entry;
    DIR *dir;

    snprintf(path, sizeof path, "/proc/%ld/task", pid);
    dir = opendir(path);
    while (dir && (entry = readdir(dir))) {
        CLEANUP(fclosep) FILE *f = NULL;
        snprintf(file, sizeof file, "%s/%s/schedstat", path, entry->d_name);
        f = entry->d_name[0] == '.' ? NULL : fopen(file, "re");
        if (f && fscanf(f, "%lld", &ns) == 1)
            sum_ns += ns;
    }
    if (dir)
        closedir(dir);
    return sum_ns / 1000;
}

/* The number after "Key:" in a file of /proc; 0 when it cannot be read. */
static long long field(long pid, const char *name, const char *key)
{
    CLEANUP(fclosep) FILE *f = open_proc(pid, name, "re");
    char line[256];

    while (f && fgets(line, sizeof line, f))
        if (text_starts(line, key))
            return atoll(line + strlen(key));
    return 0;
}

static void add(struct use *sum, const struct process *p)
{
    sum->cpu_us += threads_us(p->pid) + p->reaped_ticks * (1000000 / sysconf(_SC_CLK_TCK));
    sum->pss_kib += field(p->pid, "smaps_rollup", "Pss:");
    sum->rss_kib += field(p->pid, "status", "VmRSS:");
    sum->peak_kib += field(p->pid, "status", "VmHWM:");
    sum->processes++;
}

static void reset_peak(long pid)
{
    CLEANUP(fclosep) FILE *f = open_proc(pid, "clear_refs", "we");

    if (f)
        fputs("5", f);
}

static void walk(const struct process *all, size_t n, long pid, bool reset, struct use *sum)
{
    for (size_t i = 0; i < n; i++) {
        if (all[i].pid == pid) {
            if (reset)
                reset_peak(pid);
            add(sum, &all[i]);
        }
        if (all[i].parent == pid)
            walk(all, n, all[i].pid, reset, sum);
    }
}

int main(int argc, char **argv)
{
    static struct process all[MAX_PROCESSES];
    bool reset = argc > 2 && text_is(argv[1], "--reset");
    long pid = argc > 1 ? atol(argv[argc - 1]) : 0;
    struct use u = {0};

    if (pid > 0)
        walk(all, list_processes(all), pid, reset, &u);
    if (!u.processes) {
        fprintf(stderr, "usage: tree [--reset] PID (of a process that lives)\n");
        return 2;
    }
    printf("cpu_us=%lld pss_kib=%lld rss_kib=%lld peak_kib=%lld processes=%d\n", u.cpu_us, u.pss_kib,
           u.rss_kib, u.peak_kib, u.processes);
    return 0;
}
