/* What the upper floor of the impulse dialect knows of impulses. Pure.
 *
 *   define.c      an impulse as its clients write it <-> as it is stored <-> struct impulse
 *   wire.c        an impulse of ours as a client would write it
 *   words.c       the client's words: sorts of learn blocks, settings of DSP blocks, thresholds
 *
 * Stored is the client's own JSON, checked and completed, with a few members of ours: `config` of a DSP
 * block; `labels`, `thresholds`, `inputScaling`, `objectDetectionLastLayer`, `axes`, `clusterCount` of a
 * learn block. Clients may send all of these, too, but not `eim`, the program that judges (program.c). */
#ifndef ASSAY_API_IMPULSE_DEFINE_INT_H
#define ASSAY_API_IMPULSE_DEFINE_INT_H

#include "base/json.h"
#include "report/sensor.h"

typedef yyjson_mut_doc doc_t;
typedef yyjson_mut_val val_t;

enum { DEFINITION_BYTES = 512 << 10 };

/* ---- words.c ---- */

/* A sort of learn block, as clients call it. */
struct learn_words {
    const char *type, *title;
    enum learn_kind kind;
    /* Its threshold: which key, what it says, what it is at first. */
    const char *threshold, *description, *help;
    double fallback;
};
const struct learn_words *learn_words_of(const char *type); /* NULL: none of ours */
/* A list of all types for people. */
const char *learn_types(struct arena *a);

/* A setting of a DSP block. */
struct dsp_words {
    const char *name, *title, *help;
    const char *type; /* "float", "int", "boolean", "select", "string" */
    const char *fallback;
    const char *choices; /* "none low high" */
};
struct dsp_block_words {
    const char *type, *title;
    int newest; /* implementation version */
    const struct dsp_words *settings;
    size_t n;
};
const struct dsp_block_words *dsp_words_of(const char *type); /* NULL: none of ours */
const char *dsp_types(struct arena *a);
const struct dsp_words *dsp_setting_of(const struct dsp_block_words *block, const char *name); /* NULL */

/* ---- define.c ---- */

/* What a learn block has beside struct impulse_learn. */
struct learn_more {
    const struct learn_words *words;
    const char *created_by, *created_at; /* RFC 3339 */
    const char *last_layer;              /* NULL: it detects no objects */
    double threshold;
    size_t naxes; /* of an anomaly block: features it looks at; 0: all */
    const int *axes;
    int clusters; /* 0: not said */
};
struct definition {
    struct impulse impulse;  /* models -1, clusters none: they are not stored here */
    double classify_step_ms; /* 0: as step_ms */
    const char *eim;         /* the program that judges instead of models (docs/eim.md); NULL: none */
    struct learn_more learn[IMPULSE_BLOCKS];
};

/* A client's impulse becomes a stored one. `before`: the stored one it replaces (empty: none), of which
 * blocks with the same id and type keep what the client does not say. frequency: of the project's
 * recordings, when the impulse names none; 0: not known. ERR_INPUT, ERR_LIMIT, ERR_UNSUPPORTED. */
struct define_with {
    struct bytes before;
    double frequency;
    int64_t now_us;
    bool merge;      /* lists of blocks that the client does not send stay as they were */
    const char *eim; /* the program that judges instead of models; NULL: none */
};
int definition_make(struct arena *a, yyjson_val *wire, const struct define_with *with, struct bytes *ret_json,
                    struct err *err);
/* The other way round: members of a client's impulse, borrowed from p, to be made one with definition_make.
 * input: a number for its input block. */
void definition_wire(doc_t *doc, val_t *wire, const struct impulse *p, int64_t input);
/* A stored one. */
int definition_read(struct arena *a, struct bytes json, struct definition *ret, struct err *err);
const struct learn_more *definition_learn(const struct definition *d, int64_t id, size_t *ret_at); /* NULL */

/* Changes of a stored one, each into a new text. */
/* {"param": value}. ERR_NOT_FOUND: no such block. */
int definition_set_config(struct arena *a, struct bytes json, int64_t dsp, yyjson_val *config,
                          struct bytes *ret_json, struct err *err);
int definition_set_threshold(struct arena *a, struct bytes json, int64_t learn, const char *key, double value,
                             struct bytes *ret_json, struct err *err);

/* The members of the wire's "impulse". complete: every learn block has its model. */
int definition_render(struct arena *a, doc_t *doc, val_t *to, struct bytes json, bool complete,
                      struct err *err);
/* The answer to GET dsp/{id}: "dsp" and "config". */
int definition_render_dsp(struct arena *a, doc_t *doc, val_t *to, struct bytes json, int64_t dsp,
                          struct err *err);
/* [{key, description, helpText, suggestedValue, value}]. */
val_t *threshold_render(doc_t *doc, const struct learn_more *more);

/* Which features a learn block gets, as a hash: a model made for others is of no use. */
const char *definition_inputs(struct arena *a, const struct impulse *p, const struct impulse_learn *l);

#endif
