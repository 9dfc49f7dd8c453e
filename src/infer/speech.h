/* Was a piece of speech spoken by a human, or made by a machine? Detectors of the task "origin-speech"
 * (docs/models.md): a waveform goes in, two logits come out. docs/speech.md says how far they can be
 * believed: not far. What a detector cannot judge is an opinion too: unknown, with a code.
 *
 * Sound is 16 kHz mono, -1..1. Who calls has found out how much of it is speech (infer/voice.h).
 *
 * One judge per model and thread. The same samples give the same bits. Errors: ERR_TIMEOUT, ERR_MODEL; a
 * sound that cannot be judged is no error. */
#ifndef ASSAY_INFER_SPEECH_H
#define ASSAY_INFER_SPEECH_H

#include "infer/model.h"

struct speech_opinion {
    bool unknown;
    const char *code;         /* why; NULL when known */
    double human, artificial; /* 0..1, their sum is 1; both 0 when the model was not asked */
};

struct speech_judge;
/* Lives as long as `a`; borrows the model, whose task must be "origin-speech". */
struct speech_judge *speech_judge_new(struct arena *a, struct model *m);

/* Codes: "not_speech" when less than SPEECH_SOME seconds of it are speech, "too_short" when less than
 * card->speech.min_voiced are, "uncertain" when the better score is below the card's floor (of "artificial":
 * artificial_from). Then the model was not asked, but for "uncertain".
 *
 * The model sees windows of its own length, card->speech.hop apart, each whole; shorter sound is repeated
 * until it fills one. The mean of their logits (artificial - human) is calibrated:
 * artificial = sigmoid(scale * logit + offset). */
#define SPEECH_SOME 0.2
int speech_judge_hear(struct speech_judge *j, const float *samples, size_t n, double voiced_seconds,
                      int64_t deadline_mono_us, struct speech_opinion *ret, struct err *err);

/* From the mean logit to an opinion; pure, for tests. A NaN is "uncertain". */
struct speech_opinion speech_opinion_of(const struct card_origin *o, double logit);

#endif
