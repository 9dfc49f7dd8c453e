/* The catalogue: refused when it makes no sense, and that which ships fits the cards which ship. */
#include "infer/catalogue.h"

#include <string.h>

#include "base/text.h"
#include "infer/card.h"
#include "test.h"

#define SUM "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ENTRY(more)                                                                             \
    "{\"schema\": \"assay.catalogue/1\", \"models\": [{\"name\": \"a\", \"task\": \"detect\", " \
    "\"card\": \"a.json\", \"file\": \"a.onnx\", \"licence\": \"MIT\"" more "}]}"
#define FINE ", \"size\": 9, \"sha256\": \"" SUM "\", \"url\": \"https://models.invalid/a.onnx\""

static const struct {
    const char *what, *text, *says; /* says NULL: fine */
} rows[] = {
    {"fine", ENTRY(FINE), NULL},
    {"empty", "{\"schema\": \"assay.catalogue/1\", \"models\": []}", NULL},
    {"no JSON", "models", "catalogue test"},
    {"another schema", "{\"schema\": \"assay.catalogue/2\", \"models\": []}", "schema"},
    {"no models", "{\"schema\": \"assay.catalogue/1\"}", "models"},
    {"no size", ENTRY(", \"sha256\": \"" SUM "\", \"url\": \"https://a.invalid/\""), "size"},
    {"no bytes", ENTRY(", \"size\": 0, \"sha256\": \"" SUM "\", \"url\": \"https://a.invalid/\""), "size"},
    {"too large", ENTRY(", \"size\": 1e12, \"sha256\": \"" SUM "\", \"url\": \"https://a.invalid/\""),
     "size"},
    {"a short sum", ENTRY(", \"size\": 9, \"sha256\": \"01\", \"url\": \"https://a.invalid/\""), "sha256"},
    {"a local file", ENTRY(", \"size\": 9, \"sha256\": \"" SUM "\", \"url\": \"file:///a\""), "url"},
    {"neither address nor conversion", ENTRY(", \"size\": 9, \"sha256\": \"" SUM "\""), "either"},
    {"both", ENTRY(FINE ", \"conversion\": \"no\""), "either"},
    {"a map that is none", ENTRY(FINE ", \"map\": \"a.json\""), "map"},
    {"a folder in a name", ENTRY(FINE ", \"map\": \"../a.map.json\""), "map"},
    {"an unknown member", ENTRY(FINE ", \"colour\": 1"), "colour"},
};

static void rows_of_catalogues(void)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena *a = arena_new();
        struct catalogue c = {0};
        struct err err = {0};
        int r = catalogue_parse(a, bytes_of(rows[i].text, strlen(rows[i].text)), "test", &c, &err);

        CHECK_INT(r, rows[i].says ? -1 : 0);
        CHECK(!rows[i].says || strstr(err.text, rows[i].says));
        ROW("%s: %s", rows[i].what, err.text);
        arena_free(a);
    }
}

static void twice_is_refused(void)
{
    static const char one[] = "{\"name\": \"a\", \"task\": \"detect\", \"card\": \"a.json\", \"file\": "
                              "\"a.onnx\", \"licence\": \"MIT\"" FINE "}";
    struct arena *a = arena_new();
    char *text = arena_printf(a, "{\"schema\": \"assay.catalogue/1\", \"models\": [%s, %s]}", one, one);
    struct catalogue c;
    struct err err = {0};

    CHECK_INT(catalogue_parse(a, bytes_of(text, strlen(text)), "test", &c, &err), -1);
    CHECK(strstr(err.text, "twice"));
    arena_free(a);
}

static void what_ships_fits_together(void)
{
    struct arena *a = arena_new();
    struct catalogue c = {0};
    struct err err = {0};

    CHECK_INT(catalogue_load(a, NULL, &c, &err), 0);
    CHECK(c.n > 5);
    for (size_t i = 0; i < c.n; i++) {
        const struct catalogue_entry *e = &c.entries[i];
        struct card card = {0};
        struct bytes text;

        CHECK_INT(catalogue_text(&c, a, e->card, &text, &err), 0);
        CHECK_INT(card_parse(a, text, ".", e->card, &card, &err), 0);
        CHECK_STR(card.name, e->name);
        CHECK_STR(card.task, e->task);
        CHECK_STR(card.sha256, e->sha256);
        CHECK(text_starts(card.licence, e->licence));
        CHECK(card.file && text_ends(card.file, e->file));
        CHECK_INT(card.tags.map != NULL, e->map != NULL);
        if (e->map)
            CHECK(catalogue_text(&c, a, e->map, &text, &err) == 0 &&
                  card_add_map(a, text, e->map, &card, &err) == 0);
        ROW("%s: %s", e->name, err.text);
    }
    arena_free(a);
}

int main(void)
{
    RUN(rows_of_catalogues);
    RUN(twice_is_refused);
    RUN(what_ships_fits_together);
    return test_end();
}
