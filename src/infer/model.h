/* Runs models. infer/onnx.c is the only file that sees ONNX Runtime, which is opened with dlopen at run time.
 *
 * The keeper creates the runtime and the models before it forks; sessions work in the children, each with its
 * own copy of the input and output memory. No threads: neither loading nor running makes one. The runtime and
 * a model's weights are read-only after loading; a model's input and output belong to one thread at a time.
 * Nothing is written to stderr: the runtime's complaints go to the log at level debug, and into `err`. */
#ifndef ASSAY_INFER_MODEL_H
#define ASSAY_INFER_MODEL_H

#include "infer/card.h"

struct runtime;
struct model;

struct tensor {
    float *data;
    size_t ndims;
    int64_t dims[4];
};

static inline size_t tensor_count(const struct tensor *t)
{
    size_t n = 1;

    for (size_t i = 0; i < t->ndims; i++)
        n *= (size_t)t->dims[i];
    return n;
}

/* Outputs in the order of card->outputs. */
struct tensor_list {
    const struct tensor *all;
    size_t n;
};

/* path NULL: search the places of docs/models.md (beside the program, ../lib/assay, .deps/lib of a build
 * folder, the system). A path that is given is the only one tried. ERR_MODEL with what to do when there is
 * none or it is too old. Sets environment variables that forbid the library to report to its makers: call it
 * before there are threads. */
int runtime_open(struct runtime **ret_runtime, const char *path, struct err *err);
void runtime_freep(struct runtime **rt);
const char *runtime_version(const struct runtime *rt); /* "1.30.0" */
/* The path that runtime_open(NULL) would use, for doctor; NULL when none is found. A bare name is one that
 * only the dynamic linker knows the place of. */
const char *runtime_find(struct arena *a);

/* Loads from card->file, or from `embedded` bytes when the card has no file. Compares the SHA-256, checks the
 * names and shapes the card promises, and runs once on an empty input, so a model that loads also runs, and
 * gives what its task needs. An input that the model leaves open gets the size of the card. The card is
 * borrowed and must outlive the model, and so must the runtime. */
int model_load(struct model **ret_model, struct runtime *rt, const struct card *card, struct bytes embedded,
               struct err *err);
void model_freep(struct model **m);
const struct card *model_card(const struct model *m);

/* Input memory of the model, [1,3,height,width] or [1,samples] floats, to be filled before model_run. */
struct tensor model_input(struct model *m);
/* Memory of a state among card->feeds, zero at first; it has the shape that the model says, with 1 for what
 * it leaves open. */
struct tensor model_feed(struct model *m, size_t i);
/* Output valid until the next run. ERR_TIMEOUT when deadline_mono_us (0 = none) has passed before the run
 * begins; a run itself takes milliseconds and is not interrupted. */
int model_run(struct model *m, int64_t deadline_mono_us, struct tensor *ret_output, struct err *err);
/* The same with all outputs of the card; model_run gives the first. */
int model_run_all(struct model *m, int64_t deadline_mono_us, struct tensor_list *ret_outputs,
                  struct err *err);
/* The outputs of the last run; after loading those of the empty input: their shapes never change. */
struct tensor_list model_outputs(const struct model *m);

/* The models that ship inside the binary, their cards as JSON. The first is the detector; `model` is empty
 * where the card holds all weights (method "spectrum"). */
struct embedded {
    const char *name; /* of the card: "assay-detect" */
    struct bytes card, model;
    struct bytes map; /* of tags; empty where the card has none */
};
size_t embedded_count(void);
struct embedded embedded_get(size_t i); /* 0 .. embedded_count() - 1 */
/* Its card with, where there is one, the map. */
int embedded_read(struct arena *a, size_t i, struct card *ret_card, struct err *err);

/* The card and the bytes of the first of them, the detector. */
struct bytes embedded_card(void);
struct bytes embedded_model(void);

#endif
