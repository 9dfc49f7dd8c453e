/* The default model and its card as data of the program (.incbin: gcc and clang, any architecture). The build
 * writes the paths and sums into embedded.h, so this file is compiled again when one of the files changes. */
#include "embedded.h"
#include "infer/model.h"

#define EMBED(symbol, file)                                                      \
    __asm__(".pushsection .rodata\n"                                             \
            ".balign 16\n" #symbol "_begin:\n"                                   \
            ".incbin \"" file "\"\n" #symbol "_end:\n"                           \
            ".byte 0\n"                                                          \
            ".popsection\n");                                                    \
    extern const uint8_t symbol##_begin[] __attribute__((visibility("hidden"))); \
    extern const uint8_t symbol##_end[] __attribute__((visibility("hidden")))

EMBED(assay_card, EMBEDDED_CARD);
EMBED(assay_model, EMBEDDED_MODEL);

struct bytes embedded_card(void)
{
    /* cppcheck-suppress comparePointers ; two places of one piece of data */
    return bytes_of(assay_card_begin, (size_t)(assay_card_end - assay_card_begin));
}

struct bytes embedded_model(void)
{
    /* cppcheck-suppress comparePointers */
    return bytes_of(assay_model_begin, (size_t)(assay_model_end - assay_model_begin));
}
