/* Runs models. infer/onnx.c is the only file that sees ONNX Runtime, which is opened with dlopen at run time.
 *
 * The keeper creates the runtime and the models before it forks; sessions work in the children. One thread each,
 * no thread pool. Everything is read-only after loading. */
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

/* path NULL: search the places of docs/models.md (beside the program, ../lib/assay, ../.deps/lib, the system). */
int runtime_open(struct runtime **ret_runtime, const char *path, struct err *err);
void runtime_freep(struct runtime **rt);
const char *runtime_version(const struct runtime *rt);
/* The path that runtime_open(NULL) would use, for doctor; NULL when none is found. */
const char *runtime_find(struct arena *a);

/* Loads from card->file, or from `embedded` bytes when the card has no file. Checks the names and shapes the card
 * promises. The card is borrowed and must outlive the model. */
int model_load(struct model **ret_model, struct runtime *rt, const struct card *card, struct bytes embedded,
               struct err *err);
void model_freep(struct model **m);
const struct card *model_card(const struct model *m);

/* Input memory of the model, [1,3,height,width] floats, to be filled before model_run. */
struct tensor model_input(struct model *m);
/* Output valid until the next run. Stops with ERR_TIMEOUT soon after deadline_mono_us (0 = none). */
int model_run(struct model *m, int64_t deadline_mono_us, struct tensor *ret_output, struct err *err);

/* The model that ships inside the binary: the detector card and its bytes. */
struct bytes embedded_card(void);
struct bytes embedded_model(void);

#endif
