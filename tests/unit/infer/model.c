/* ONNX Runtime behind infer/model.h: the embedded model, refusals, forked children, threads. */
#include "infer/model.h"

#include <dirent.h>
#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "test.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

/* The library that tools/deps fetched; NULL when it is not there: then the search has to find another. */
static const char *library(void)
{
    static char path[4096];
    const char *root = getenv("ASSAY_ROOT");

    snprintf(path, sizeof path, "%s/.deps/lib/libonnxruntime.so.1", root ? root : ".");
    return access(path, R_OK) == 0 ? path : NULL;
}

static int threads_of_this_process(void)
{
    DIR *tasks = opendir("/proc/self/task");
    int n = 0;

    if (!tasks)
        return -1;
    for (struct dirent *e; (e = readdir(tasks));)
        n += e->d_name[0] != '.';
    closedir(tasks);
    return n;
}

struct loaded {
    struct arena *arena;
    struct runtime *rt;
    struct card card;
    struct model *model;
};

static void loaded_clear(struct loaded *l)
{
    model_freep(&l->model);
    runtime_freep(&l->rt);
    arena_freep(&l->arena);
}

static bool load(struct loaded *l)
{
    struct err err = {0};

    l->arena = arena_new();
    if (runtime_open(&l->rt, library(), &err) < 0 ||
        card_parse(l->arena, embedded_card(), NULL, "embedded", &l->card, &err) < 0 ||
        model_load(&l->model, l->rt, &l->card, embedded_model(), &err) < 0)
        CHECK_STR(err.text, "");
    return l->model != NULL;
}

/* A fixed pattern, and the sum of what the model makes of it. */
static double run_pattern(struct model *m)
{
    struct tensor in = model_input(m), out;
    double sum = 0;

    for (int64_t i = 0; i < in.dims[1] * in.dims[2] * in.dims[3]; i++)
        in.data[i] = (float)(i * 7919 % 256);
    if (model_run(m, 0, &out, NULL) < 0)
        return NAN;
    for (int64_t i = 0; i < out.dims[1] * out.dims[2]; i++)
        sum += (double)out.data[i];
    return sum;
}

/* The official library reports home unless it is told not to, and begins with files in the cache folder. */
static void nothing_is_written_to_the_home_folder(void)
{
    char home[] = "/tmp/assay-home-XXXXXX";
    CLEANUP(loaded_clear) struct loaded l = {0};
    const char *old = getenv("HOME");

    if (!mkdtemp(home) || !old)
        return;
    setenv("HOME", home, 1);
    unsetenv("XDG_CACHE_HOME");
    load(&l);
    setenv("HOME", old, 1);
    CHECK_INT(rmdir(home), 0); /* empty */
}

static void the_embedded_model_runs_without_threads(void)
{
    CLEANUP(loaded_clear) struct loaded l = {0};
    struct tensor in;
    int before = threads_of_this_process();
    double first;

    if (!load(&l))
        return;
    in = model_input(l.model);
    CHECK_INT(in.dims[2], 320);
    CHECK_INT(in.dims[3], 320);
    first = run_pattern(l.model);
    CHECK(isfinite(first) && first > 0);
    CHECK(run_pattern(l.model) == first);
    CHECK_INT(threads_of_this_process(), before);
    CHECK(strchr(runtime_version(l.rt), '.') != NULL);
    CHECK(model_card(l.model) == &l.card);
}

/* The keeper loads, its children run: bit for bit the same, also in a child of a process that has run
 * already. */
static void a_forked_child_gives_the_same_output(void)
{
    CLEANUP(loaded_clear) struct loaded l = {0};
    double here, there = 0;
    int fds[2], status = -1;

    if (!load(&l) || pipe(fds) < 0)
        return;
    for (int round = 0; round < 3; round++) {
        pid_t child = fork();
        if (child == 0) {
            here = run_pattern(l.model);
            _exit(write(fds[1], &here, sizeof here) == sizeof here && threads_of_this_process() == 1 ? 0 : 1);
        }
        CHECK(child > 0 && waitpid(child, &status, 0) == child);
        CHECK_INT(status, 0);
        CHECK(read(fds[0], &there, sizeof there) == sizeof there);
        here = run_pattern(l.model);
        CHECK(isfinite(there) && here == there);
        ROW("round %d: %.17g and %.17g", round, here, there);
    }
    close(fds[0]);
    close(fds[1]);
}

static void a_passed_deadline_stops_the_run(void)
{
    CLEANUP(loaded_clear) struct loaded l = {0};
    struct err err = {0};
    struct tensor out;

    if (!load(&l))
        return;
    CHECK_INT(model_run(l.model, clock_mono_us() - 1, &out, &err), -1);
    CHECK(err.kind == ERR_TIMEOUT);
    CHECK_INT(model_run(l.model, clock_mono_us() + 60000000, &out, &err), 0);
}

/* Each row spoils the card or the file; `keep` bytes of the model stay, its sum is then made right unless the
 * row is about the sum. */
static void wrong_files_and_cards_are_model_errors(void)
{
    static const struct {
        const char *what;
        size_t keep;
        const char *input, *output, *sum, *complaint;
        int width;
    } rows[] = {
        {"cut in half", 400000, "images", "detections", NULL, "cannot be loaded", 320},
        {"empty", 0, "images", "detections", NULL, "cannot be loaded", 320},
        {"another sum", SIZE_MAX, "images", "detections", "00", "SHA-256", 320},
        {"no such input", SIZE_MAX, "data", "detections", NULL, "no input", 320},
        {"no such output", SIZE_MAX, "images", "boxes", NULL, "no output", 320},
        {"another size", SIZE_MAX, "images", "detections", NULL, "416x320", 416},
    };
    CLEANUP(loaded_clear) struct loaded l = {0};

    if (!load(&l))
        return;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        CLEANUP(model_freep) struct model *m = NULL;
        struct bytes file = embedded_model();
        struct card card = l.card;
        struct err err = {0};

        file.len = rows[i].keep < file.len ? rows[i].keep : file.len;
        hash_hex(file, card.sha256);
        if (rows[i].sum)
            memcpy(card.sha256, rows[i].sum, strlen(rows[i].sum));
        card.input.name = rows[i].input;
        card.input.width = rows[i].width;
        card.output.name = card.outputs[0] = rows[i].output;
        CHECK_INT(model_load(&m, l.rt, &card, file, &err), -1);
        CHECK(err.kind == ERR_MODEL && strstr(err.text, rows[i].complaint) && !m);
        ROW("%s: %s", rows[i].what, err.text);
    }
}

/* Flipped bytes all over the file: refused or loaded, but never a crash. */
static void damaged_files_do_not_crash(void)
{
    CLEANUP(loaded_clear) struct loaded l = {0};
    size_t len = embedded_model().len;
    CLEANUP(freep) uint8_t *file = malloc(len);

    if (!load(&l))
        return;
    for (size_t i = 0; i < 24; i++) {
        CLEANUP(model_freep) struct model *m = NULL;
        struct card card = l.card;
        struct err err = {0};

        memcpy(file, embedded_model().data, len);
        for (size_t k = 0; k < 64; k++)
            file[(i * 7919 + k * 104729) % (i < 12 ? 4000 : len)] ^= (uint8_t)(1 + i * 31 + k);
        hash_hex(bytes_of(file, len), card.sha256);
        if (model_load(&m, l.rt, &card, bytes_of(file, len), &err) < 0)
            CHECK(err.kind == ERR_MODEL && err.text[0]);
        ROW("damage %zu", i);
    }
}

static void a_missing_file_and_a_missing_library_are_explained(void)
{
    CLEANUP(loaded_clear) struct loaded l = {0};
    CLEANUP(runtime_freep) struct runtime *none = NULL;
    CLEANUP(model_freep) struct model *m = NULL;
    struct err err = {0};

    CHECK_INT(runtime_open(&none, "/nowhere/libonnxruntime.so.1", &err), -1);
    CHECK(err.kind == ERR_MODEL && strstr(err.text, "ONNX Runtime"));
    CHECK_INT(runtime_open(&none, "libm.so.6", &err), -1);
    CHECK(err.kind == ERR_MODEL && strstr(err.text, "another library"));
    if (!load(&l))
        return;
    l.card.file = "/nowhere/model.onnx";
    CHECK_INT(model_load(&m, l.rt, &l.card, embedded_model(), &err), -1);
    CHECK(err.kind == ERR_MODEL && strstr(err.text, "there is no file"));
}

int main(void)
{
    RUN(nothing_is_written_to_the_home_folder);
    RUN(the_embedded_model_runs_without_threads);
    RUN(a_forked_child_gives_the_same_output);
    RUN(a_passed_deadline_stops_the_run);
    RUN(wrong_files_and_cards_are_model_errors);
    RUN(damaged_files_do_not_crash);
    RUN(a_missing_file_and_a_missing_library_are_explained);
    return test_end();
}
