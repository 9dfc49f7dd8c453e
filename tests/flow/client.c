/* The published clients of the original sensor service against this server, in their own language: what they
 * do stands in tests/client/impulse.js, a scenario for each test here. They are installed by
 * `tools/deps --tests`; without them, and without the recordings of ASSAY_SHARED, the tests are skipped. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "stage.h"
#include "test.h"

enum { FORWARDER_PORT = 4810 };

static const char *why_not(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *root = getenv("ASSAY_ROOT"), *shared = getenv("ASSAY_SHARED");

    if (access(arena_printf(a, "%s/.deps/client/installed", root ? root : "."), R_OK) != 0)
        return "the clients are not installed (tools/deps --tests)";
    if (!shared || access(arena_printf(a, "%s/data/sensor/gestures-cbor", shared), R_OK) != 0)
        return "no recordings";
    return NULL;
}

/* Runs one scenario; what it says goes out as comments. */
static bool scenario(struct stage *g, const char *name)
{
    const char *root = getenv("ASSAY_ROOT");
    char line[512];
    FILE *out;

    setenv("ASSAY_URL", arena_printf(g->a, "http://127.0.0.1:%d", g->s.port), 1);
    setenv("ASSAY_KEY", g->key, 1);
    setenv("NODE_PATH", arena_printf(g->a, "%s/.deps/client/node_modules", root ? root : "."), 1);
    out = popen(
        arena_printf(g->a, "timeout 120 node '%s/tests/client/impulse.js' %s 2>&1", root ? root : ".", name),
        "r");
    while (out && fgets(line, sizeof line, out))
        printf("# %s%s", line, strchr(line, '\n') ? "" : "\n");
    return out && pclose(out) == 0;
}

static struct stage open_with_key(const char *const args[])
{
    struct stage g = stage_open(args);

    g.key = key_new(g.a, g.dir, "acme", (char *[]){(char[]){"--style"}, (char[]){"ei"}, NULL});
    return g;
}

/* One after the other: each goes on where the last one stopped. */
static void train_and_classify(void)
{
    static const char *const names[] = {"upload", "list", "sample",   "impulse", "untrained", "train",
                                        "result", "v1",   "variants", "all",     "foreign"};
    const char *why = why_not();
    struct stage g;

    if (why)
        SKIP(why);
    g = open_with_key(ARGS("--analysts", "2"));
    for (size_t i = 0; i < COUNT_OF(names); i++)
        CHECK(scenario(&g, names[i]));
    CHECK_INT(stage_close(&g), 0);
}

/* The client waits for a job on its websocket. */
static void a_job_instead_of_a_result(void)
{
    static const char *const names[] = {"upload", "impulse", "train", "job"};
    const char *why = why_not();
    struct stage g;

    if (why)
        SKIP(why);
    g = open_with_key(ARGS("--analysts", "2", "--impulse-jobs", "always"));
    for (size_t i = 0; i < COUNT_OF(names); i++)
        CHECK(scenario(&g, names[i]));
    CHECK_INT(stage_close(&g), 0);
}

/* It has its port built in. */
static void devices_send_signed(void)
{
    CLEANUP(fd_closep) int fd = http_dial(FORWARDER_PORT);
    const char *why = fd >= 0 ? "somebody else serves on port 4810" : why_not();
    struct stage g;

    if (why)
        SKIP(why);
    g = open_with_key(ARGS("--analysts", "1", "--also-listen", "127.0.0.1:4810"));
    CHECK(scenario(&g, "forwarder"));
    CHECK_INT(stage_close(&g), 0);
}

int main(void)
{
    RUN(train_and_classify);
    RUN(a_job_instead_of_a_result);
    RUN(devices_send_signed);
    return test_end();
}
