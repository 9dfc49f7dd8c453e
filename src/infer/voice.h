/* Where somebody speaks. A gate before the detectors of infer/speech.h, which were made for speech and say
 * anything of a piano. Works on frames of VOICE_FRAME samples (32 ms) of 16 kHz mono, in order.
 *
 * With a model of task "voice" the model decides: its state goes from frame to frame, and from its
 * card->speech.threshold on a frame is speech.
 *
 * Without one an own gate in C does. A frame is voiced when it is
 *   loud       above -60 dB of full scale, and 6 dB above the quietest of the last 2 seconds or above -30 dB
 *   periodic   its normalised autocorrelation has a peak of 0.5 or more at a pitch of 65 to 400 Hz
 *   low        most of its energy lies below 4 kHz, as that of voices does (not of hisses and bells)
 *   alive      level and pitch of the last second move as in speech: deviation of the level 5 dB or more, and
 *              a periodic share below 95 % or a pitch that glides; a held tone or chord is neither
 * and so are the 8 frames (0.26 s) after a voiced one while they are loud: consonants. What this reaches on
 * speech, music, noise and silence stands in docs/speech.md: it keeps out silence, noise and tones, and some
 * music gets through. Singing is speech to it.
 *
 * Deterministic: the same frames, the same answers. One gate per stream and thread. */
#ifndef ASSAY_INFER_VOICE_H
#define ASSAY_INFER_VOICE_H

#include "infer/model.h"

enum { VOICE_FRAME = CARD_VOICE_FRAME, VOICE_RATE = 16000 };

struct voice_gate;
/* Lives as long as `a`; borrows the model, whose task must be "voice"; NULL: the own gate. A model's state
 * begins anew, so it serves one gate at a time. */
struct voice_gate *voice_gate_new(struct arena *a, struct model *m);
/* Whether this frame has speech. Errors: ERR_TIMEOUT, ERR_MODEL (also for what is no probability). */
int voice_gate_hear(struct voice_gate *g, const float frame[VOICE_FRAME], int64_t deadline_mono_us,
                    bool *ret_voiced, struct err *err);

#endif
