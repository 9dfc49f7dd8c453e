#include "cmd/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "infer/graph.h"
#include "lab/sandbox.h"
#include "verdict/measure.h"

enum { MAX_RUNS = 10000, WARM = 2 };

/* A model in the child: one of the two. */
struct tried {
    struct runtime *rt;
    const struct card *card;
    struct card bare; /* without its file: nothing can be opened behind the walls */
    struct model *model;
    struct graph *graph;
    int statm;
};

/* ---- in the child ---- */

/* Resident memory; the file was opened before the walls. */
static int64_t resident_kb(const struct tried *s)
{
    char text[128] = "", *second;
    ssize_t n = pread(s->statm, text, sizeof text - 1, 0);

    second = n > 0 ? strchr(text, ' ') : NULL;
    return second ? strtoll(second, NULL, 10) * (sysconf(_SC_PAGESIZE) / 1024) : 0;
}

/* Something that is not 0: what is empty can be quicker than pictures are. */
static void fill(float *to, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (float)((i * 37 + i / 251) % 256) / 255.0F;
}

static int load(struct tried *s, struct bytes onnx, struct err *err)
{
    struct tensor in;

    if (!s->card) {
        if (graph_open(&s->graph, s->rt, onnx, err) < 0)
            return -1;
        for (size_t i = 0; i < graph_ninputs(s->graph); i++)
            fill(graph_in(s->graph, i), port_count(graph_input(s->graph, i)));
        return 0;
    }
    s->bare = *s->card;
    s->bare.file = NULL;
    if (model_load(&s->model, s->rt, &s->bare, onnx, err) < 0)
        return -1;
    in = model_input(s->model);
    fill(in.data, tensor_count(&in));
    return 0;
}

static int run_once(struct tried *s, struct err *err)
{
    struct tensor_list out;

    return s->card ? model_run_all(s->model, 0, &out, err) : graph_run(s->graph, 0, err);
}

static void note_port(struct probe_port *to, const struct model_port *from)
{
    text_copy(to->name, sizeof to->name, from->name);
    to->ndims = from->ndims < PROBE_DIMS ? from->ndims : PROBE_DIMS;
    memcpy(to->dims, from->dims, to->ndims * sizeof *to->dims);
}

static void note_range(struct probe_port *to, const float *data, size_t n)
{
    to->least = to->most = n && isfinite(data[0]) ? (double)data[0] : 0;
    for (size_t i = 0; i < n; i++) {
        to->least = fmin(to->least, (double)data[i]);
        to->most = fmax(to->most, (double)data[i]);
        to->sum += (double)data[i];
    }
}

static void note_ports(const struct tried *s, struct probe *p)
{
    if (!s->graph)
        return;
    p->ninputs = graph_ninputs(s->graph);
    p->noutputs = graph_noutputs(s->graph);
    for (size_t i = 0; i < p->ninputs && i < PROBE_PORTS; i++)
        note_port(&p->inputs[i], graph_input(s->graph, i));
    for (size_t i = 0; i < p->noutputs && i < PROBE_PORTS; i++) {
        size_t n;
        const float *data = graph_out(s->graph, i, &n);
        note_port(&p->outputs[i], graph_output(s->graph, i));
        note_range(&p->outputs[i], data, n);
    }
}

static int measure_runs(struct tried *s, int runs, struct probe *p)
{
    int n = runs < 1 ? 1 : runs > MAX_RUNS ? MAX_RUNS : runs;
    CLEANUP(freep) double *cpu = mem_alloc((size_t)n * sizeof *cpu);
    CLEANUP(freep) double *wall = mem_alloc((size_t)n * sizeof *wall);

    for (int i = 0; i < WARM; i++)
        if (run_once(s, &p->err) < 0)
            return -1;
    for (int i = 0; i < n; i++) {
        int64_t cpu_us = clock_cpu_us(), mono_us = clock_mono_us();
        if (run_once(s, &p->err) < 0)
            return -1;
        cpu[i] = (double)(clock_cpu_us() - cpu_us) / 1000;
        wall[i] = (double)(clock_mono_us() - mono_us) / 1000;
    }
    p->runs = n;
    p->median_ms = measure_median(cpu, (size_t)n); /* sorts */
    p->best_ms = cpu[0];
    p->p95_ms = cpu[(n - 1) * 95 / 100];
    p->wall_ms = measure_median(wall, (size_t)n);
    return 0;
}

static void examine(struct bytes onnx, const struct card *card, const struct probe_opts *opts,
                    struct probe *p)
{
    struct tried s = {.card = card, .statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)};
    struct sandbox_opts walls = {.memory_bytes = opts->memory_bytes, .file_bytes = 1 << 20};
    int64_t before, loaded, cpu_us, mono_us;

    if (runtime_open(&s.rt, opts->runtime, &p->err) < 0)
        return;
    text_copy(p->runtime, sizeof p->runtime, runtime_version(s.rt));
    if (sandbox_enter(&walls, &p->err) < 0)
        return;
    before = resident_kb(&s);
    cpu_us = clock_cpu_us();
    mono_us = clock_mono_us();
    if (load(&s, onnx, &p->err) < 0)
        return;
    p->load_cpu_ms = (double)(clock_cpu_us() - cpu_us) / 1000;
    p->load_ms = (double)(clock_mono_us() - mono_us) / 1000;
    loaded = resident_kb(&s);
    p->load_kb = loaded - before;
    if (measure_runs(&s, opts->runs, p) < 0)
        return;
    p->run_kb = resident_kb(&s) - loaded;
    note_ports(&s, p);
}

/* ---- in the parent ---- */

static bool read_all(int fd, void *to, size_t n)
{
    for (size_t done = 0; done < n;) {
        ssize_t k = read(fd, (char *)to + done, n - done);
        if (k == 0 || (k < 0 && errno != EINTR))
            return false;
        done += k > 0 ? (size_t)k : 0;
    }
    return true;
}

/* Only the exit of a child that was killed has more to say. */
static int wait_for(pid_t child, int fd, const struct probe_opts *opts, struct probe *ret, struct err *err)
{
    bool whole = read_all(fd, ret, sizeof *ret);
    int status = 0;

    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (whole)
        return ret->err.kind == ERR_NONE ? 0 : FAIL(err, ret->err.kind, "%.250s", ret->err.text);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        return FAIL(err, ERR_TIMEOUT, "the model did not end within %d s", opts->seconds);
    return FAIL(err, ERR_CRASH, "the model ended the process that tried it (signal %d); do not use it",
                WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

int probe_run(struct bytes onnx, const struct card *card, const struct probe_opts *opts, struct probe *ret,
              struct err *err)
{
    CLEANUP(fd_closep) int from = -1;
    int ends[2];
    pid_t child;

    fflush(stdout);
    if (pipe2(ends, O_CLOEXEC) < 0 || (child = fork()) < 0)
        return FAIL_ERRNO(err, "cannot start a process to try the model");
    if (child == 0) {
        struct probe p = {0};
        ssize_t n;
        alarm((unsigned)opts->seconds);
        examine(onnx, card, opts, &p);
        n = write(ends[1], &p, sizeof p);
        _exit(n == (ssize_t)sizeof p ? 0 : 1);
    }
    from = ends[0];
    close(ends[1]);
    return wait_for(child, from, opts, ret, err);
}
