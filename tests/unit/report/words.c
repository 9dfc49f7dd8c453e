#include "report/words.h"

#include "base/text.h"
#include "test.h"

/* As bits: people 1, texts 2, tags 4, embeddings 8, thumbnails 16, age and gender 32. */
static int bits(const struct scenes_params *p)
{
    return p->people | p->texts << 1 | p->tags << 2 | p->embeddings << 3 | p->thumbnails << 4 |
           p->age_gender << 5;
}

static void lists_are_read(void)
{
    static const struct {
        const char *blocks, *biometrics;
        int bits; /* -1: refused */
    } rows[] = {
        {"people,texts,tags", "none", 7},
        {"people", "", 1},
        {"texts, tags", "all", 2 + 4 + 56},
        {"none", "thumbnails", 16},
        {"all", "embeddings,age-gender", 7 + 8 + 32},
        {"", NULL, 0},
        {NULL, NULL, 0},
        {"tags,", ",,", 4},
        {"people,faces", "none", -1},
        {"people", "age", -1},
        {"people", "thumbnails thumbnails", 1 + 16},
        {"people", "a-word-that-is-longer-than-any-word-here", -1},
        {"People", "none", -1},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct scenes_params p = job_spec_defaults().scenes;
        struct err err = {0};
        int r = scenes_params_words(&p, rows[i].blocks, rows[i].biometrics, &err);
        CHECK_INT(r, rows[i].bits < 0 ? -1 : 0);
        CHECK_INT(bits(&p), rows[i].bits < 0 ? 7 : rows[i].bits);
        CHECK((r < 0) == (strstr(err.text, "is not known") != NULL));
        ROW("%zu: %s", i, err.text);
    }
}

int main(void)
{
    RUN(lists_are_read);
    return test_end();
}
