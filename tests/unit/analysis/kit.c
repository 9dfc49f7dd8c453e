#include "kit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

bool kit_open(struct kit *k, const char *card_path)
{
    struct err err = {0};
    const char *root = getenv("ASSAY_ROOT");
    char library[4096];

    *k = (struct kit){.arena = arena_new()};
    snprintf(library, sizeof library, "%s/.deps/lib/libonnxruntime.so.1", root ? root : ".");
    if (runtime_open(&k->rt, access(library, R_OK) == 0 ? library : NULL, &err) < 0 ||
        (card_path ? card_load(k->arena, card_path, &k->card, &err)
                   : card_parse(k->arena, embedded_card(), NULL, "embedded", &k->card, &err)) < 0 ||
        model_load(&k->model, k->rt, &k->card, embedded_model(), &err) < 0) {
        printf("# %s\n", err.text);
        return false;
    }
    k->tools.detector = k->model;
    return true;
}

void kit_clear(struct kit *k)
{
    model_freep(&k->model);
    runtime_freep(&k->rt);
    arena_freep(&k->arena);
}

struct report *kit_judge(struct kit *k, struct arena *a, const char *path, struct job_spec spec)
{
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct report *r;

    spec.subject.name = path;
    r = report_new(a, &spec);
    analyse(&k->tools, &spec, (struct subject_fds){.media = fd, .artefact = -1}, r);
    return r;
}

/* ---- YOLOX-nano: the card that is shipped, beside the weights that are not ---- */

const char *kit_yolox_card(struct arena *a, const char *dir)
{
    const char *root = getenv("ASSAY_ROOT"), *shared = getenv("ASSAY_SHARED");
    const char *card = arena_printf(a, "%s/models/cards/yolox-nano.json", root ? root : ".");
    const char *model = arena_printf(a, "%s/models/detect/yolox_nano_416.onnx", shared ? shared : "");
    const char *path = arena_printf(a, "%s/yolox-nano.json", dir);

    if (!shared || access(model, R_OK) < 0 || symlink(card, path) < 0 ||
        symlink(model, arena_printf(a, "%s/yolox_nano_416.onnx", dir)) < 0)
        return NULL;
    return path;
}

void kit_yolox_remove(struct arena *a, const char *dir)
{
    unlink(arena_printf(a, "%s/yolox-nano.json", dir));
    unlink(arena_printf(a, "%s/yolox_nano_416.onnx", dir));
    rmdir(dir);
}
