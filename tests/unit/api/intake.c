/* Which URLs become subjects, and what these are called. */
#include "api/intake.h"
#include "api/key.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "test.h"

/* Nothing is fetched here, and nobody's quota is asked. */
int gate_fetched(struct gate *g, const char *tenant, size_t bytes, struct err *err)
{
    (void)g, (void)tenant, (void)bytes, (void)err;
    return 0;
}

static const struct {
    const char *url, *name; /* name NULL: refused */
} rows[] = {
    {"https://example.org/a/front%20door.mp4?x=/b.avi", "front door.mp4"},
    {"http://example.org/clip.mp4", "clip.mp4"},
    {"https://example.org", ""},
    {"https://example.org/", ""},
    {"https://example.org/?clip.mp4", ""},
    {"https://example.org/a/", ""},
    {"https://example.org/..%2f..%2fetc%2fpasswd", "passwd"},
    {"https://example.org/a%00b.mp4", "a%00b.mp4"},
    {"https://example.org/a%0ab.mp4", "ab.mp4"},
    {"https://example.org/%ff%fe.mp4", ".mp4"},
    {"https://example.org/100%.mp4", "100%.mp4"},
    {"https://example.org/a%4", "a%4"},
    {"https://10.0.0.1/clip.mp4", NULL},
    {"file:///etc/passwd", NULL},
    {"", NULL},
};

static void names(void)
{
    static const struct guard g = {.allow_http = true, .what = "the URL"};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct job_request req = {0};
        struct err err = {0};
        int r = intake_take_url(&g, a, rows[i].url, &req, &err);
        CHECK_INT(r, rows[i].name ? 0 : -1);
        if (rows[i].name) {
            CHECK_STR(req.source, rows[i].url);
            CHECK_STR(req.name, rows[i].name);
        } else {
            CHECK(!req.source && err.kind == ERR_INPUT && err.text[0]);
        }
        ROW("%s: %s", rows[i].url, err.text);
    }
}

static void a_name_that_was_given_stays(void)
{
    static const struct guard g = {0};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct job_request req = {.name = "mine.mp4"};
    struct err err = {0};

    CHECK_INT(intake_take_url(&g, a, "https://example.org/theirs.mp4", &req, &err), 0);
    CHECK_STR(req.name, "mine.mp4");
    CHECK_INT(intake_take_url(NULL, a, "https://example.org/", &req, &err), -1);
    CHECK_INT(err.kind, ERR_UNSUPPORTED);
}

int main(void)
{
    RUN(names);
    RUN(a_name_that_was_given_stays);
    return test_end();
}
