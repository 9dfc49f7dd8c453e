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

/* ---- YOLOX-nano ---- */

static const char *const coco[] = {
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow", "elephant",
    "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard",
    "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle",
    "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange", "broccoli",
    "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant", "bed", "dining table", "toilet",
    "tv", "laptop", "mouse", "remote", "keyboard", "cell phone", "microwave", "oven", "toaster", "sink",
    "refrigerator", "book", "clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush"};

static const char *concept_of(size_t label)
{
    if (label == 0)
        return "person";
    if ((label >= 1 && label <= 3) || (label >= 5 && label <= 8))
        return "vehicle";
    return label >= 14 && label <= 23 ? "animal" : NULL;
}

static const char yolox_head[] =
    "{\"schema\":\"assay.model/1\",\"name\":\"yolox-nano\",\"version\":\"0.1.1rc0\",\"task\":\"detect\","
    "\"file\":\"yolox_nano_416.onnx\","
    "\"sha256\":\"695e750a5d5754bb5a8d5325643b59282191a7e7a564e435a415fd3c578eab14\","
    "\"licence\":\"Apache-2.0\",\"source\":\"github.com/Kazuhito00/YOLOX-ONNX-TFLite-Sample\","
    "\"made_by\":\"Megvii\",\"weakness\":\"small and far objects\","
    "\"input\":{\"name\":\"images\",\"width\":416,\"height\":416,\"order\":\"bgr\",\"fit\":\"letterbox-topleft\",\"pad\":114},"
    "\"output\":{\"name\":\"output\",\"decoder\":\"yolox-raw\"},\"nms_iou\":0.45,"
    "\"concepts\":[{\"name\":\"person\"},{\"name\":\"vehicle\"},{\"name\":\"animal\"}],"
    "\"rule\":{\"low\":0.2,\"high\":0.8,\"label\":0.5},\"labels\":[";

static void print_labels(FILE *f)
{
    for (size_t i = 0; i < COUNT_OF(coco); i++) {
        const char *concept = concept_of(i), *comma = i ? "," : "";
        if (concept)
            fprintf(f, "%s{\"name\":\"%s\",\"concept\":\"%s\",\"threshold\":0.1}", comma, coco[i], concept);
        else
            fprintf(f, "%s\"%s\"", comma, coco[i]);
    }
}

const char *kit_yolox_card(struct arena *a, const char *dir)
{
    const char *shared = getenv("ASSAY_SHARED"), *path = arena_printf(a, "%s/yolox-nano.card.json", dir);
    const char *model = arena_printf(a, "%s/models/detect/yolox_nano_416.onnx", shared ? shared : "");
    FILE *f;

    if (!shared || access(model, R_OK) < 0 ||
        symlink(model, arena_printf(a, "%s/yolox_nano_416.onnx", dir)) < 0 || !(f = fopen(path, "w")))
        return NULL;
    fputs(yolox_head, f);
    print_labels(f);
    fputs("]}\n", f);
    return fclose(f) == 0 ? path : NULL;
}

void kit_yolox_remove(struct arena *a, const char *dir)
{
    unlink(arena_printf(a, "%s/yolox-nano.card.json", dir));
    unlink(arena_printf(a, "%s/yolox_nano_416.onnx", dir));
    rmdir(dir);
}
