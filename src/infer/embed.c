/* The models that ship with the program and their cards as data of it (.incbin: gcc and clang, any
 * architecture). The build writes the paths and sums into embedded.h, so this file is compiled again when one
 * of the files changes. */
#include "embedded.h"

#include "base/c23.h"
#include "base/text.h"
#include "infer/catalogue.h"
#include "infer/model.h"

#define EMBED(symbol, file)                                                      \
    __asm__(".pushsection .rodata\n"                                             \
            ".balign 16\n" #symbol "_begin:\n"                                   \
            ".incbin \"" file "\"\n" #symbol "_end:\n"                           \
            ".byte 0\n"                                                          \
            ".popsection\n");                                                    \
    extern const uint8_t symbol##_begin[] __attribute__((visibility("hidden"))); \
    extern const uint8_t symbol##_end[] __attribute__((visibility("hidden")))

EMBED(assay_detect_card, EMBEDDED_DETECT_CARD);
EMBED(assay_detect_model, EMBEDDED_DETECT_MODEL);
EMBED(assay_pixels_card, EMBEDDED_PIXELS_CARD);
EMBED(assay_pixels_model, EMBEDDED_PIXELS_MODEL);
EMBED(assay_residual_card, EMBEDDED_RESIDUAL_CARD);
EMBED(assay_residual_model, EMBEDDED_RESIDUAL_MODEL);
EMBED(assay_spectrum_card, EMBEDDED_SPECTRUM_CARD);
EMBED(assay_speech_card, EMBEDDED_SPEECH_CARD);
EMBED(assay_speech_model, EMBEDDED_SPEECH_MODEL);

#define SHELF(symbol, name, path, sum) EMBED(symbol, path);
EMBEDDED_SHELF
#undef SHELF

#define SHELF(symbol, name, path, sum) {name, symbol##_begin, symbol##_end},
static const struct {
    const char *name;
    const uint8_t *begin, *end;
} shelf[] = {EMBEDDED_SHELF};
#undef SHELF

/* In the order of the list: the detector first. */
static const struct {
    const char *name;
    const uint8_t *card, *card_end, *model, *model_end; /* model NULL: the card has the weights */
} pieces[] = {
    {"assay-detect", assay_detect_card_begin, assay_detect_card_end, assay_detect_model_begin,
     assay_detect_model_end},
    {"assay-pixels", assay_pixels_card_begin, assay_pixels_card_end, assay_pixels_model_begin,
     assay_pixels_model_end},
    {"assay-residual", assay_residual_card_begin, assay_residual_card_end, assay_residual_model_begin,
     assay_residual_model_end},
    {"assay-spectrum", assay_spectrum_card_begin, assay_spectrum_card_end, NULL, NULL},
    {"assay-speech", assay_speech_card_begin, assay_speech_card_end, assay_speech_model_begin,
     assay_speech_model_end},
};

static struct bytes between(const uint8_t *begin, const uint8_t *end)
{
    /* cppcheck-suppress comparePointers ; two places of one piece of data */
    return begin ? bytes_of(begin, (size_t)(end - begin)) : (struct bytes){0};
}

size_t embedded_count(void)
{
    return COUNT_OF(pieces);
}

struct embedded embedded_get(size_t i)
{
    return (struct embedded){pieces[i].name, between(pieces[i].card, pieces[i].card_end),
                             between(pieces[i].model, pieces[i].model_end)};
}

struct bytes embedded_card(void)
{
    return embedded_get(0).card;
}

struct bytes embedded_model(void)
{
    return embedded_get(0).model;
}

struct bytes embedded_file(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(shelf); i++)
        if (text_is(shelf[i].name, name))
            return between(shelf[i].begin, shelf[i].end);
    return (struct bytes){0};
}
