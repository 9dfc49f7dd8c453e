#include "kit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/cpu.h"
#include "base/text.h"
#include "infer/variant.h"

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

bool kit_use_variant(struct kit *k)
{
    const struct card_variant *v = variant_choose(&k->card, cpu_features());
    struct err err = {0};

    if (!v)
        return false;
    model_freep(&k->model);
    k->card = variant_card(&k->card, v);
    k->tools.detector = NULL;
    if (model_load(&k->model, k->rt, &k->card, variant_embedded(v), &err) < 0)
        printf("# %s\n", err.text);
    k->tools.detector = k->model;
    return k->model != NULL;
}

/* Reads the text of one of our cards. */
static struct bytes read_card(struct arena *a, const char *name)
{
    const char *root = getenv("ASSAY_ROOT");
    CLEANUP(fd_closep)
    int fd = open(arena_printf(a, "%s/models/cards/%s", root ? root : ".", name), O_RDONLY);
    char *text = arena_alloc(a, CARD_MAX_BYTES);
    ssize_t n = fd < 0 ? -1 : read(fd, text, CARD_MAX_BYTES);

    return bytes_of(text, n < 0 ? 0 : (size_t)n);
}

static bool load_scenes_model(struct kit *k, const char *name, const char *folder, struct card *card,
                              struct model **ret)
{
    const char *shared = getenv("ASSAY_SHARED");
    const char *dir = arena_printf(k->arena, "%s/models/%s", shared ? shared : "", folder);
    struct err err = {0};

    if (card_parse(k->arena, read_card(k->arena, name), dir, name, card, &err) == 0 &&
        (!text_is(card->task, "tags") ||
         card_add_map(k->arena, read_card(k->arena, "imagenet-tags.map.json"), "map", card, &err) == 0) &&
        model_load(ret, k->rt, card, (struct bytes){0}, &err) == 0)
        return true;
    printf("# %s\n", err.text);
    return false;
}

bool kit_add_scenes(struct kit *k)
{
    struct scenes_tools *t = &k->tools.scenes;
    struct err err = {0};

    if (!load_scenes_model(k, "yunet.json", "face", &k->scenes_cards[0], &t->faces) ||
        !load_scenes_model(k, "face-reid-0095.json", "face", &k->scenes_cards[1], &t->embedding) ||
        !load_scenes_model(k, "age-gender.json", "face", &k->scenes_cards[2], &t->traits) ||
        !load_scenes_model(k, "mobilenetv2-imagenet.json", "tags", &k->scenes_cards[3], &t->tags))
        return false;
    setenv("OMP_THREAD_LIMIT", "1", 1); /* before the library that looks for it */
    if (ocr_open(&t->ocr, "eng", NULL, &err) < 0 || languages_open(&t->languages, &err) < 0)
        printf("# %s\n", err.text);
    return t->ocr && t->languages;
}

bool kit_add_origin(struct kit *k)
{
    struct origin_tools *t = &k->tools.origin;
    struct err err = {0};

    for (size_t i = 1; i < embedded_count() && i < KIT_ORIGIN_MODELS; i++) {
        struct embedded e = embedded_get(i);
        struct card *card = &k->origin_cards[i];
        struct model **m = &k->origin_models[i];

        if (card_parse(k->arena, e.card, NULL, "embedded", card, &err) < 0 ||
            (e.model.len && model_load(m, k->rt, card, e.model, &err) < 0)) {
            printf("# %s\n", err.text);
            return false;
        }
        if (text_is(card->task, "origin-image"))
            t->pictures[t->npictures++] = (struct origin_seat){card, *m};
        if (text_is(card->task, "origin-speech"))
            t->speech[t->nspeech++] = *m;
    }
    return t->npictures > 0;
}

void kit_clear(struct kit *k)
{
    for (size_t i = 0; i < KIT_ORIGIN_MODELS; i++)
        model_freep(&k->origin_models[i]);
    ocr_freep(&k->tools.scenes.ocr);
    languages_freep(&k->tools.scenes.languages);
    model_freep(&k->tools.scenes.faces);
    model_freep(&k->tools.scenes.embedding);
    model_freep(&k->tools.scenes.traits);
    model_freep(&k->tools.scenes.tags);
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
