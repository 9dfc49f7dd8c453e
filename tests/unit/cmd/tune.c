/* The candidate of assay model tune: new thresholds in, everything else as it was. */
#include "cmd/tune_int.h"

#include <string.h>

#include "base/c23.h"
#include "test.h"

static const struct {
    const char *what, *now, *rules; /* rules: without blanks; NULL: refused */
} rows[] = {
    {"no rules yet", "", "{\"tenants\":{\"acme\":{\"cameras\":{\"yard\":{\"low\":0.3,\"high\":0.7}}}}}"},
    {"what is there stays",
     "{\"tenants\":{\"acme\":{\"label\":0.4,\"cameras\":{\"yard\":{\"high\":0.9,\"zones\":[]},\"gate\":{"
     "\"low\":0.1}}},"
     "\"b\":{}}}",
     "{\"tenants\":{\"acme\":{\"label\":0.4,\"cameras\":{\"yard\":{\"high\":0.7,\"zones\":[],\"low\":0.3},"
     "\"gate\":{"
     "\"low\":0.1}}},\"b\":{}}}"},
    {"what counted for everybody counts on", "{\"tenants\":{\"*\":{\"high\":0.85}}}",
     "{\"tenants\":{\"*\":{\"high\":0.85},\"acme\":{\"high\":0.85,\"cameras\":{\"yard\":{\"low\":0.3,"
     "\"high\":0.7}}}}}"},
    {"no JSON", "low = 1", NULL},
    {"a list", "[]", NULL},
    {"tenants are a list", "{\"tenants\":[]}", NULL},
    {"a tenant is a number", "{\"tenants\":{\"acme\":1}}", NULL},
    {"a camera is a number", "{\"tenants\":{\"acme\":{\"cameras\":{\"yard\":1}}}}", NULL},
};

static void candidates(void)
{
    static const struct tune_camera cameras[] = {
        {.id = "yard", .result = FIT_FINE, .new_low = .3, .new_high = .7},
        {.id = "gate", .result = FIT_FEW, .new_low = .5, .new_high = .5},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena *a = arena_new();
        struct bytes text = {0};
        struct err err = {0};
        char plain[1000] = "";
        size_t n = 0;
        int r = tune_rules(a, bytes_of(rows[i].now, strlen(rows[i].now)), "acme", cameras, COUNT_OF(cameras),
                           &text, &err);

        for (size_t k = 0; r == 0 && k < text.len && n + 1 < sizeof plain; k++)
            if (text.data[k] != ' ' && text.data[k] != '\n')
                plain[n++] = (char)text.data[k];
        CHECK_INT(r, rows[i].rules ? 0 : -1);
        CHECK_STR(plain, rows[i].rules ? rows[i].rules : "");
        CHECK(rows[i].rules || err.kind == ERR_INPUT);
        ROW("%s: %s", rows[i].what, err.text);
        arena_free(a);
    }
}

static void all_cameras_together_are_the_tenant(void)
{
    static const struct tune_camera all = {.id = NULL, .result = FIT_FINE, .new_low = .25, .new_high = .5};
    struct arena *a = arena_new();
    struct bytes text = {0};

    CHECK_INT(tune_rules(a, bytes_of("", 0), "acme", &all, 1, &text, NULL), 0);
    CHECK(text.data && strstr((const char *)text.data, "\"low\": 0.25"));
    CHECK(text.data && !strstr((const char *)text.data, "cameras"));
    arena_free(a);
}

int main(void)
{
    RUN(candidates);
    RUN(all_cameras_together_are_the_tenant);
    return test_end();
}
