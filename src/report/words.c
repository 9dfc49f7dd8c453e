#include "report/words.h"

#include <string.h>

#include "base/text.h"

struct flag {
    const char *word;
    size_t offset; /* of a bool in scenes_params */
};
#define FLAG(word, field)                           \
    {                                               \
        word, offsetof(struct scenes_params, field) \
    }
enum { WORDS = 3 };
static const struct list {
    const char *what;
    struct flag flags[WORDS];
} lists[] = {
    {"what to look for", {FLAG("people", people), FLAG("texts", texts), FLAG("tags", tags)}},
    {"biometrics",
     {FLAG("embeddings", embeddings), FLAG("thumbnails", thumbnails), FLAG("age-gender", age_gender)}},
};

static void set(const struct flag *f, struct scenes_params *p, bool on)
{
    *(bool *)((char *)p + f->offset) = on;
}

static bool set_word(const struct list *l, const char *word, struct scenes_params *p)
{
    bool all = text_is(word, "all"), known = all || text_is(word, "none") || !*word;

    for (size_t i = 0; i < WORDS; i++)
        if (all || text_is(word, l->flags[i].word)) {
            set(&l->flags[i], p, true);
            known = true;
        }
    return known;
}

static int read_list(const struct list *l, const char *text, struct scenes_params *p, struct err *err)
{
    char word[32];

    for (size_t i = 0; i < WORDS; i++)
        set(&l->flags[i], p, false);
    for (const char *s = text ? text : ""; *s; s += strcspn(s, ","), s += *s == ',') {
        s += strspn(s, " ");
        text_copy(word, sizeof word, s);
        word[strcspn(word, " ,")] = '\0';
        if (!set_word(l, word, p))
            return FAIL(err, ERR_INPUT, "%s: '%s' is not known (%s, %s, %s, all, none)", l->what, word,
                        l->flags[0].word, l->flags[1].word, l->flags[2].word);
    }
    return 0;
}

int scenes_params_words(struct scenes_params *p, const char *blocks, const char *biometrics, struct err *err)
{
    struct scenes_params changed = *p;

    if (read_list(&lists[0], blocks, &changed, err) < 0 ||
        read_list(&lists[1], biometrics, &changed, err) < 0)
        return -1;
    *p = changed;
    return 0;
}
