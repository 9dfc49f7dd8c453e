/* Runs a model by itself, some times, to see what it costs: in a child process behind the walls of an analyst
 * (lab/sandbox.h), since the file may be anybody's. One thread, as in an analyst. */
#ifndef ASSAY_CMD_PROBE_H
#define ASSAY_CMD_PROBE_H

#include "infer/card.h"
#include "infer/model.h"

enum { PROBE_PORTS = 8, PROBE_DIMS = 8, PROBE_NAME = 64 };

struct probe_port {
    char name[PROBE_NAME];
    size_t ndims;
    int64_t dims[PROBE_DIMS];
    double least, most, sum; /* of an output, at the last run */
};

/* Plain bytes: it comes through a pipe. */
struct probe {
    struct err err;
    char runtime[32];
    double load_ms, load_cpu_ms;
    double median_ms, best_ms, p95_ms; /* CPU time of a run */
    double wall_ms;                    /* median */
    int64_t load_kb, run_kb;           /* memory that came with loading, and with running */
    int runs;
    size_t ninputs, noutputs; /* of a graph */
    struct probe_port inputs[PROBE_PORTS], outputs[PROBE_PORTS];
};

struct probe_opts {
    const char *runtime; /* path of ONNX Runtime; NULL: search */
    int runs;
    int seconds;          /* it is killed after that */
    int64_t memory_bytes; /* that it may take */
};

/* card NULL: the graph as it is, what it leaves open being 1; else as the card says. */
int probe_run(struct bytes onnx, const struct card *card, const struct probe_opts *opts, struct probe *ret,
              struct err *err);

#endif
