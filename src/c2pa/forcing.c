/* Whether a manifest says that its file was made by trained algorithms: an action of the active manifest, or
 * of one it was made from by parentOf, names such a source. What was only put into the file (componentOf)
 * does not count, nor does algorithmicMedia, which is not trained. Nothing in a manifest speaks for a human.
 */
#include <string.h>

#include "base/text.h"
#include "c2pa/reader_int.h"

static const char *const trained[] = {"trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia"};

/* By the last part of the address, so that the list it comes from does not matter. */
static bool is_trained(const char *source)
{
    const char *last = source + strlen(source);

    while (last > source && !strchr("/#:", last[-1]))
        last--;
    for (size_t i = 0; i < COUNT_OF(trained); i++)
        if (text_is(last, trained[i]))
            return true;
    return false;
}

/* The first source that counts in one assertion of actions; else *first becomes the first there is. */
static const char *source_in(struct arena *a, const struct jumbf_box *box, const char **first)
{
    struct cbor map, list, action;
    struct cbor_cursor at;

    if (!box_cbor(box, &map) || !cbor_get(&map, "actions", &list))
        return NULL;
    at = cbor_items(&list);
    while (cbor_next(&at, &action)) {
        const char *source = field_text(a, &action, "digitalSourceType");

        if (source && is_trained(source))
            return source;
        if (source && source[0] && !*first)
            *first = source;
    }
    return NULL;
}

static const char *source_of(struct arena *a, const struct manifest *m, const char **first)
{
    const char *hit = NULL;

    for (size_t i = 0; i < m->claim.nassertions && !hit; i++) {
        const struct jumbf_box *box = m->claim.boxes[i];

        if (box && label_is(box->label, "c2pa.actions"))
            hit = source_in(a, box, first);
    }
    return hit;
}

/* The parent, when the reference to it is right. */
static const struct manifest *parent_of(const struct manifest *m)
{
    for (size_t i = 0; i < m->ningredients; i++)
        if (text_is(m->ingredients[i].relationship, "parentOf") && m->ingredients[i].matched)
            return m->ingredients[i].manifest;
    return NULL;
}

void forcing_judge(const struct reading *r, struct c2pa_result *ret)
{
    const struct manifest *m = r->active;
    const char *first = NULL, *hit = NULL, *ignored = "";

    for (size_t steps = 0; m && !hit && steps < r->nmanifests; steps++) {
        hit = source_of(r->a, m, m == r->active ? &first : &ignored);
        m = parent_of(m);
    }
    ret->declares_ai = hit != NULL;
    ret->says_ai = hit && ret->state >= C2PA_VALID;
    ret->source = hit ? hit : first;
}
