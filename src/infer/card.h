/* Model cards: a JSON file beside a model file says what goes in, what comes out, what the labels mean, how
 * good it is and under which licence. Schema: docs/models.md. Cards are the operator's own files: checked
 * strictly for sense (ranges, known decoders, no unknown members), because a wrong card makes wrong verdicts.
 *
 * Pure but for card_load, card_verify and the cards_* functions, which read files. Everything a card points
 * to lives in the arena it was parsed into. Errors: ERR_MODEL with a sentence that names the card and the
 * member; ERR_IO. */
#ifndef ASSAY_INFER_CARD_H
#define ASSAY_INFER_CARD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/hash.h"
#include "report/report.h"
#include "verdict/risk.h"

enum {
    CARD_MAX_LABELS = 2048,
    CARD_MAX_TAGS = 256,   /* = SCENERY_MAX_TAGS */
    CARD_MAX_OUTPUTS = 16, /* tensors that a model is asked for */
    CARD_POINTS = 5,       /* of a face */
    CARD_MAX_CONCEPTS = 16,
    CARD_MAX_PATCHES = 8,
    CARD_MAX_FEEDS = 2, /* inputs of a model beside the first */
    CARD_MAX_VARIANTS = 4,
    CARD_VOICE_FRAME = 512,   /* new samples that a voice model sees at once */
    CARD_MAX_BYTES = 1 << 20, /* also of a map */
    CARD_MAX_TEXT = 2000,
    MODEL_MAX_BYTES = 512 << 20
};

/* What tells a map from a card in a folder of models. */
#define CARD_MAP_ENDING ".map.json"

/* One label of a model and the concept it counts for. */
struct card_label {
    const char *name;    /* the model's word: "car" */
    const char *concept; /* ours: "person", "vehicle", "animal"; NULL = not used */
    double threshold;    /* a detection whose raw score is below it is dropped; 0..1 */
};

/* How raw scores of a concept become probabilities. */
struct card_concept {
    const char *name; /* "person" */
    struct calibration calibration;
};

struct card_input {
    const char *name;              /* of the tensor, [1,3,height,width] float32, or [1,samples] */
    int samples;                   /* of sound, 16 kHz mono -1..1; 0: the model sees a picture */
    int width, height;             /* 32..2048 */
    const char *order;             /* of the channels: "bgr", "rgb" */
    double scale, mean[3], std[3]; /* (pixel * scale - mean) / std, channels in the model's order */
    const char *fit;               /* "letterbox-topleft": keeps the shape, pads right or below; "stretch";
                                    * "centre-crop": keeps the shape, cuts off what is too much on two sides;
                                    * NULL where the task cuts its own picture (faces, one by one) */
    int pad;                       /* 0..255 */
    double crop;                   /* centre-crop: the part of the shorter side that is kept, 0.1..1 */
};

/* An input beside the first: a float32 state, which is zero at first and whose next value is one of the
 * outputs, or an int64 constant. */
struct card_feed {
    const char *name;
    bool is_state;
    int64_t value; /* of a constant */
};

struct card_output {
    const char *name;    /* of the first tensor, float32 */
    const char *decoder; /* "yolox-raw", "boxes": infer/detect.h; "yunet": infer/faces.h; "softmax",
                          * "sigmoid", "softmax-logits", "sigmoid-logits": infer/tags.h; else NULL */
};

/* What only one task has. */
struct card_faces {
    double threshold;               /* of the raw score, 0..1 */
    struct calibration calibration; /* from the raw score to the one that is told */
    int min_face;                   /* pixels of the picture; smaller faces are not told */
};

struct card_embedding {
    double points[CARD_POINTS][2]; /* where the face's points go, x, y in 0..1 of the input */
    double same_from;              /* cosine from which two vectors are one person */
    int min_face;                  /* pixels of the picture; smaller faces get no vector */
};

struct card_traits {
    const char *age_output, *gender_output; /* names of the tensors */
    double age_scale;                       /* years = output * this */
    bool female_first;                      /* order of the gender output */
    double gender_floor;                    /* below it a gender is unidentified; 0.5..1 */
    double enlarge;                         /* side of the square the model sees / longer side of the box */
    int min_face;                           /* pixels of the picture */
};

/* A tag of the product and the labels it is made of. */
struct card_tag {
    const char *name; /* one plain word or several: "street" */
    bool critical;
    size_t nfrom;
    const int *from; /* indices into labels */
};

struct card_tags {
    const char *map;    /* path of the file with the tags */
    double threshold;   /* tags below it are not worth telling */
    double temperature; /* calibration: softmax(logits / it), sigmoid(logit / it); 1 = as they are */
    size_t ntags;
    const struct card_tag *tags; /* in the order of the file */
};

/* Detectors "human or artificial": origin-image, origin-face. */
struct card_origin {
    const char *method;     /* "network", "spectrum": infer/spectrum.h */
    int patch;              /* side in pixels; of a network the input's */
    int patches;            /* at most as many of one picture, 1..CARD_MAX_PATCHES */
    double scale, offset;   /* calibration: artificial = sigmoid(scale * logit + offset) */
    double floor;           /* an answer whose better score is below it is "uncertain"; 0.5..1 */
    double artificial_from; /* the same for "artificial" alone, where a false accusation costs more; 0.5..1 */
    unsigned media;         /* bit set of enum card_media: where the votes enter verdicts; none: shown only */
    bool obsolete;          /* superseded: rules may leave it out */
    int min_face;           /* origin-face: pixels of the picture */
    double enlarge;         /* origin-face: side of the square / longer side of the box */
    const double *mean, *deviation, *weights; /* spectrum: SPECTRUM_FEATURES twice, SPECTRUM_WEIGHTS */
};
enum card_media { MEDIA_IMAGE = 1, MEDIA_VIDEO = 2, MEDIA_FACE = 4, MEDIA_AUDIO = 8 };

/* What only models of sound have. A card of task "origin-speech" uses scale, offset, floor, artificial_from,
 * media and obsolete of card_origin, too. */
struct card_speech {
    int context;       /* voice: samples of the input that it has seen already */
    double threshold;  /* voice: a probability from which it is speech */
    int hop;           /* origin-speech: samples from one window to the next */
    bool human_first;  /* origin-speech: order of the logits */
    double min_voiced; /* origin-speech: seconds of speech that it needs */
};

struct card_nsfw {
    double threshold;               /* of the score, 0..1 */
    struct calibration calibration; /* from the sum to the score */
    size_t nunsafe;
    const int *unsafe; /* indices into labels */
};

/* Other weights of the same model (infer/variant.h). */
struct card_variant {
    const char *name;      /* of their file, without a folder */
    const char *file;      /* path; NULL for a variant of an embedded model */
    char sha256[HASH_HEX]; /* of the file */
    unsigned needs;        /* bits of base/cpu.h, all of which a processor must have */
    const char *about;     /* for people; NULL */
};

struct card {
    const char *name, *version;
    const char *task;      /* "detect", "faces", "face-embedding", "face-traits", "tags", "origin-image",
                            * "origin-face", "nsfw", "voice", "origin-speech" */
    const char *file;      /* path of the model file; NULL for an embedded model, and where the card
                            * holds the weights itself (method "spectrum") */
    char sha256[HASH_HEX]; /* of the model file; of the card where there is none */
    size_t nvariants;
    struct card_variant variants[CARD_MAX_VARIANTS];
    const char *variant;        /* the one whose file and sha256 these are; NULL: the plain weights */
    char text_sha256[HASH_HEX]; /* of the card itself; of a card with a map: of both, one after the
                                 * other, since both make the verdict */
    const char *licence, *source, *made_by, *weakness;
    struct card_input input;
    size_t nfeeds;
    struct card_feed feeds[CARD_MAX_FEEDS];
    struct card_output output;
    size_t noutputs;
    const char *outputs[CARD_MAX_OUTPUTS]; /* the tensors to ask for, in the order the task reads them */
    double nms_iou; /* detect, faces: 0..1; boxes of one label which overlap more than this are one */
    size_t nlabels; /* detect, tags, nsfw */
    const struct card_label *labels; /* in the model's order */
    size_t nconcepts;
    const struct card_concept *concepts;
    struct risk_rule rule; /* the thresholds that fit this model's calibrated scores */
    struct card_faces faces;
    struct card_embedding embedding;
    struct card_traits traits;
    struct card_tags tags;
    struct card_origin origin;
    struct card_nsfw nsfw;
    struct card_speech speech;
};

/* `origin` is for messages; the model file is looked for in dir (NULL: embedded, the card's file name is
 * ignored). A card of task "tags" has no tags yet: they are in its map (card_add_map). */
int card_parse(struct arena *a, struct bytes json, const char *dir, const char *origin, struct card *ret_card,
               struct err *err);
/* Reads the tags of a map into a card of task "tags", and folds the map into its text_sha256. Every label
 * that the map names must be one of the card's. */
int card_add_map(struct arena *a, struct bytes json, const char *origin, struct card *card, struct err *err);
/* Card and, where it names one, map. */
int card_load(struct arena *a, const char *path, struct card *ret_card, struct err *err);
/* Reads the model file, and the variants that are there, and compares their sha256 with the card's. An
 * embedded model is always fine. */
int card_verify(const struct card *card, struct err *err);
/* The calibration of a concept; NULL when the card has no such concept. */
const struct card_concept *card_concept(const struct card *card, const char *name);
struct model_ref card_ref(const struct card *card);
/* Whether the votes of an origin card enter verdicts for a kind of media: "image", "video", "face", "audio".
 */
bool card_counts_for(const struct card *card, const char *media);

/* The models of a directory (*.json), sorted by name; a bad card or model file is reported in `problem` and
 * does not stop the others. A directory that does not exist has none. At most 1000. */
struct card_entry {
    const char *path;
    struct card card;    /* valid unless there is a problem */
    const char *problem; /* NULL = fine */
};
int cards_list(struct arena *a, const char *dir, struct card_entry **ret_entries, size_t *ret_n,
               struct err *err);
/* Copies a card, its model and the variants that are beside it into dir (created when missing) after checking
 * all. Adding the same again is
 * fine; ERR_CONFLICT when a file of that name with other content, or a card with the same name, is there. The
 * model is in place before its card, so a list never sees half of a pair. */
int cards_add(const char *dir, const char *path, struct err *err);

#endif
