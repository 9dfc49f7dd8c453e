#include "verdict/concept.h"

#include <stddef.h>

#include "base/text.h"

const char *const concept_words[] = {"person", "vehicle", "animal", "plant", "flag",  "rain",
                                     "wind",   "spider",  "web",    "text",  "other", NULL};

bool concept_is_label(const char *word)
{
    for (const char *const *w = concept_words; *w; w++)
        if (text_is(*w, word))
            return true;
    return text_is(word, "intrusion");
}
