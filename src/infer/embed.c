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
#ifdef EMBEDDED_FACES_MODEL
EMBED(assay_faces_card, EMBEDDED_FACES_CARD);
EMBED(assay_faces_model, EMBEDDED_FACES_MODEL);
#endif
#ifdef EMBEDDED_TAGS_MODEL
EMBED(assay_tags_card, EMBEDDED_TAGS_CARD);
EMBED(assay_tags_model, EMBEDDED_TAGS_MODEL);
EMBED(assay_tags_map, EMBEDDED_TAGS_MAP);
#endif

#define SHELF(symbol, name, path, sum) EMBED(symbol, path);
EMBEDDED_SHELF
#undef SHELF

#define SHELF(symbol, name, path, sum) {name, symbol##_begin, symbol##_end},
static const struct {
    const char *name;
    const uint8_t *begin, *end;
} shelf[] = {EMBEDDED_SHELF};
#undef SHELF

#define PIECE(symbol) symbol##_begin, symbol##_end
#define NONE          NULL, NULL

/* In the order of the list: the detector first. */
static const struct {
    const char *name;
    const uint8_t *card, *card_end, *model, *model_end; /* model NULL: the card has the weights */
    const uint8_t *map, *map_end;                       /* NULL: it has none */
} pieces[] = {
    {"assay-detect", PIECE(assay_detect_card), PIECE(assay_detect_model), NONE},
    {"assay-pixels", PIECE(assay_pixels_card), PIECE(assay_pixels_model), NONE},
    {"assay-residual", PIECE(assay_residual_card), PIECE(assay_residual_model), NONE},
    {"assay-spectrum", PIECE(assay_spectrum_card), NONE, NONE},
    {"assay-speech", PIECE(assay_speech_card), PIECE(assay_speech_model), NONE},
#ifdef EMBEDDED_FACES_MODEL
    {"assay-faces", PIECE(assay_faces_card), PIECE(assay_faces_model), NONE},
#endif
#ifdef EMBEDDED_TAGS_MODEL
    {"assay-tags", PIECE(assay_tags_card), PIECE(assay_tags_model), PIECE(assay_tags_map)},
#endif
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
                             between(pieces[i].model, pieces[i].model_end),
                             between(pieces[i].map, pieces[i].map_end)};
}

int embedded_read(struct arena *a, size_t i, struct card *ret_card, struct err *err)
{
    struct embedded e = embedded_get(i);
    struct card card;

    if (card_parse(a, e.card, NULL, "built-in", &card, err) < 0 ||
        (e.map.len && card_add_map(a, e.map, "built-in", &card, err) < 0))
        return -1;
    *ret_card = card;
    return 0;
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
