#include "stage.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

enum { CHILD_SECONDS = 10, HAND_SECONDS = 20, RUN_SECONDS = 60, MAX_ARGS = 32 };

static char **copy_args(struct arena *a, const char *const args[])
{
    char **copy = arena_array(a, MAX_ARGS + 1, sizeof *copy);

    for (size_t i = 0; i < MAX_ARGS && args[i]; i++)
        copy[i] = arena_strdup(a, args[i]);
    return copy;
}

struct stage stage_open_in(const char *base, const char *const args[])
{
    struct stage g = {.a = arena_new()};

    g.dir = arena_printf(g.a, "%s/data", base);
    g.key = key_new(g.a, g.dir, "acme", NULL);
    served_start(&g.s, g.a, g.dir, copy_args(g.a, args));
    g.keeper = only_child(g.s.pid);
    g.analyst = only_child(g.keeper);
    return g;
}

struct stage stage_open(const char *const args[])
{
    struct arena *a = arena_new();
    char *base = folder_new(a);
    struct stage g = stage_open_in(base, args);

    g.base = arena_strdup(g.a, base);
    arena_free(a);
    return g;
}

int stage_close(struct stage *g)
{
    int status = served_stop(&g->s);

    if (g->base)
        folder_remove(g->base);
    g->a = arena_free(g->a);
    return status;
}

pid_t only_child(pid_t parent)
{
    int64_t deadline = clock_mono_us() + CHILD_SECONDS * 1000000LL;
    pid_t children[8] = {-1};

    while (process_children(parent, children, 8) == 0 && clock_mono_us() < deadline)
        usleep(1000);
    return children[0];
}

struct outcome stage_run(struct stage *g, const char *const args[])
{
    char **copy = copy_args(g->a, args), **argv = arena_array(g->a, MAX_ARGS + 4, sizeof *argv);
    size_t n = 0;

    argv[n++] = arena_strdup(g->a, harness_program());
    while (*copy)
        argv[n++] = *copy++;
    argv[n++] = arena_strdup(g->a, "--data");
    argv[n] = g->dir;
    return program_outcome(g->a, argv, RUN_SECONDS);
}

struct answer stage_post(struct stage *g, const char *path, const char *clip)
{
    return post_clip(g->a, g->s.port, path, g->key, clip, clip_load(g->a, clip), NULL);
}

struct answer stage_get(struct stage *g, const char *path)
{
    return http_get(g->a, g->s.port, path, g->key);
}

char *stage_submit(struct stage *g, const char *clip)
{
    struct answer answer = stage_post(g, "/api/classify", clip);
    char *id = answer.status == 200 ? json_at(g->a, answer.body, "id") : NULL;

    return id ? id : arena_strdup(g->a, "");
}

struct answer stage_job(struct stage *g, const char *id)
{
    return stage_get(g, arena_printf(g->a, "/v1/jobs/%s", id));
}

bool stage_in_hand(struct stage *g, const char *id, const char *attempts)
{
    int64_t deadline = clock_mono_us() + HAND_SECONDS * 1000000LL;

    while (clock_mono_us() < deadline) {
        struct answer job = stage_job(g, id);
        const char *state = json_at(g->a, job.body, "state");
        if (text_is(state, "claimed") && text_is(json_at(g->a, job.body, "attempts"), attempts))
            return true;
        if (!text_is(state, "new") && !text_is(state, "claimed"))
            return false;
        usleep(2000);
    }
    return false;
}
