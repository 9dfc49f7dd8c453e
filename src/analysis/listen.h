/* Sound into clips, and what every detector of speech says of each. Sound comes in as it is decoded
 * (media/sound.h): 16 kHz mono, any number of samples at once; an hour of it takes no more memory than a
 * minute but for the list of clips.
 *
 * A clip has LISTEN_CLIP samples, 4.032 s: the window of the public detectors (4.0375 s) in whole frames of
 * the voice gate. Clips follow each other without gap or overlap, half-open, from second 0; the last one is
 * as long as what is left. The gate (infer/voice.h) says how much of a clip is speech; what a detector then
 * says of it is its opinion or, with less than 0.2 s of speech "not_speech", with less than the detector
 * needs (1 s by default) "too_short", without a clear answer "uncertain": unknown, never a guess.
 *
 * Pure but for the models: the same samples give the same clips, however they are cut into pieces. One
 * thread. Errors: ERR_TIMEOUT, ERR_MODEL, ERR_LIMIT for more than LISTEN_CLIPS clips; the clips until then
 * stay good (listen_end). */
#ifndef ASSAY_ANALYSIS_LISTEN_H
#define ASSAY_ANALYSIS_LISTEN_H

#include "infer/speech.h"
#include "infer/voice.h"

enum { LISTEN_RATE = VOICE_RATE, LISTEN_CLIP = 126 * VOICE_FRAME, LISTEN_CLIPS = 2000, LISTEN_MODELS = 16 };

struct listen_tools {
    struct model *voice;         /* of task "voice"; NULL: the own gate */
    size_t nspeech;              /* up to LISTEN_MODELS */
    struct model *const *speech; /* of task "origin-speech" */
};

struct listen_answer {
    struct speech_opinion opinion;
    double seconds; /* of wall time the model took; never twice the same */
};

struct listen_clip {
    size_t index;
    double start, end;             /* seconds, half-open */
    double voiced;                 /* seconds of it that are speech */
    struct listen_answer *answers; /* one for each model of tools->speech */
};

struct listen;
/* Lives as long as `a`, and so do the clips; borrows the models. */
struct listen *listen_new(struct arena *a, const struct listen_tools *tools, int64_t deadline_mono_us);
int listen_take(struct listen *l, const float *samples, size_t n, struct err *err);
/* The clip that is not full yet becomes the last one. Also after an error: then without it. Once. */
int listen_end(struct listen *l, struct listen_clip **ret_clips, size_t *ret_n, struct err *err);

#endif
