/* `assay provenance` as a person and a script meet it, over files that tests/fuzz/seeds has: locked in before
 * it reads, exit statuses, sentences, the same bytes twice. */
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"
#include "harness.h"
#include "test.h"

enum { SECONDS = 60 };

static struct arena *arena;

#define RUN_PROVENANCE(...) \
    assay_outcome(arena, (const char *const[]){"provenance", __VA_ARGS__, NULL}, SECONDS)

static char *seed(const char *name)
{
    const char *root = getenv("ASSAY_ROOT");

    return arena_printf(arena, "%s/tests/fuzz/seeds/provenance/%s", root ? root : ".", name);
}

static void tells_in_sentences(void)
{
    struct outcome o = RUN_PROVENANCE(seed("two.png"));

    CHECK_INT(o.status, 0);
    CHECK_STR(o.err, "");
    CHECK(strstr(o.out, "Content Credentials that hold, by a signer whom no trust list knows."));
    CHECK(strstr(o.out, "Signed by: Assay Tests"));
    CHECK(strstr(
        o.out, "Signed at: 2023-11-14T22:13:20.000Z (by a time stamp whose authority no trust list knows)"));
    CHECK(strstr(o.out, "AI: it declares that it was made with generative AI"));
    CHECK(strstr(o.out, "signingCredential.untrusted"));
    o = RUN_PROVENANCE(harness_program());
    CHECK_INT(o.status, 0);
    CHECK(strstr(o.out, "No Content Credentials"));
}

static void tells_as_json(void)
{
    struct outcome o = RUN_PROVENANCE("--json", seed("one.png")),
                   again = RUN_PROVENANCE("--json", seed("one.png"));
    CLEANUP(json_freep) yyjson_doc *doc = json_read(bytes_of(o.out, strlen(o.out)), 1 << 20, NULL);

    CHECK_INT(o.status, 0);
    CHECK_STR(again.out, o.out);
    CHECK(doc &&
          text_is(yyjson_get_str(yyjson_ptr_get(yyjson_doc_get_root(doc), "/validation_state")), "Valid"));
    o = RUN_PROVENANCE("--json", harness_program());
    CHECK_STR(o.out, "null\n");
}

static void says_what_is_wrong(void)
{
    struct outcome o = RUN_PROVENANCE("/nonexistent/photo.jpg");

    CHECK_INT(o.status, 1);
    CHECK(strstr(o.err, "/nonexistent/photo.jpg"));
    o = RUN_PROVENANCE(seed("one.png"), "--trust", "/nonexistent/list.pem");
    CHECK_INT(o.status, 1);
    CHECK(strstr(o.err, "/nonexistent/list.pem"));
    o = RUN_PROVENANCE(seed("one.png"), "--trust", seed("one.png"));
    CHECK_INT(o.status, 1);
    o = RUN_PROVENANCE("/tmp");
    CHECK_INT(o.status, 1);
    CHECK(strstr(o.err, "not a file"));
    o = RUN_PROVENANCE("--json");
    CHECK_INT(o.status, 2);
    o = RUN_PROVENANCE("a.jpg", "b.jpg");
    CHECK_INT(o.status, 2);
    CHECK(strstr(o.err, "'b.jpg'"));
    o = RUN_PROVENANCE("--help");
    CHECK_INT(o.status, 0);
    CHECK(strstr(o.out, "Usage: assay provenance"));
}

int main(void)
{
    arena = arena_new();
    RUN(tells_in_sentences);
    RUN(tells_as_json);
    RUN(says_what_is_wrong);
    arena_free(arena);
    return test_end();
}
