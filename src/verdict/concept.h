/* The words for what a clip may show. Models, rules and reports use these; a dialect translates. */
#ifndef ASSAY_VERDICT_CONCEPT_H
#define ASSAY_VERDICT_CONCEPT_H

#include <stdbool.h>

/* What a model may see, NULL-terminated: person, vehicle, animal, plant, flag, rain ... */
extern const char *const concept_words[];
/* One of these, or "intrusion", which only the rule makes. */
bool concept_is_label(const char *word);

#endif
