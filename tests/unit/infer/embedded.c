/* The models that are built in: each is what its card says, and together they are the product's. And the
 * tags: every word of the model they are learned from means exactly one. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"
#include "infer/model.h"
#include "test.h"

static struct bytes root_file(struct arena *a, const char *name)
{
    const char *root = getenv("ASSAY_ROOT");
    CLEANUP(fd_closep) int fd = open(arena_printf(a, "%s/%s", root ? root : ".", name), O_RDONLY);
    char *text = arena_alloc(a, CARD_MAX_BYTES);
    ssize_t n = fd < 0 ? -1 : read(fd, text, CARD_MAX_BYTES);

    CHECK(n > 0);
    return bytes_of(text, n < 0 ? 0 : (size_t)n);
}

static const char *library(struct arena *a)
{
    const char *root = getenv("ASSAY_ROOT");
    const char *path = arena_printf(a, "%s/.deps/lib/libonnxruntime.so.1", root ? root : ".");

    return access(path, R_OK) == 0 ? path : NULL;
}

static void they_are_what_their_cards_say(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(runtime_freep) struct runtime *rt = NULL;
    struct err err = {0};
    size_t bytes = 0;

    CHECK_INT(runtime_open(&rt, library(a), &err), 0);
    for (size_t i = 0; i < embedded_count() && rt; i++) {
        CLEANUP(model_freep) struct model *m = NULL;
        struct embedded e = embedded_get(i);
        struct card card = {0};

        bytes += e.model.len;
        CHECK_INT(embedded_read(a, i, &card, &err), 0);
        CHECK_STR(card.name, e.name);
        CHECK(!card.file && !card.tags.map);
        CHECK(!text_is(card.task, "tags") || card.tags.ntags > 1);
        CHECK(!e.model.len || model_load(&m, rt, &card, e.model, &err) == 0);
        ROW("%s: %s", e.name, err.text);
    }
    CHECK(bytes <= 12000000);
}

static void the_first_is_the_detector(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct card card = {0};

    CHECK_INT(embedded_read(a, 0, &card, NULL), 0);
    CHECK_STR(card.task, "detect");
    CHECK(embedded_card().data == embedded_get(0).card.data);
}

/* ---- tags ---- */

static int label_at(const struct card *card, const char *name)
{
    for (size_t i = 0; i < card->nlabels; i++)
        if (text_is(card->labels[i].name, name))
            return (int)i;
    return -1;
}

static void every_word_of_the_teacher_means_one_tag(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(json_freep)
    yyjson_doc *doc = json_read(root_file(a, "models/train/tags.json"), CARD_MAX_BYTES, NULL);
    struct card teacher = {0};
    size_t i, max, k, most;
    yyjson_val *tag, *list, *word;
    int *used;

    CHECK_INT(
        card_parse(a, root_file(a, "models/cards/mobilenetv2-imagenet.json"), ".", "teacher", &teacher, NULL),
        0);
    used = arena_array(a, teacher.nlabels, sizeof *used);
    yyjson_obj_foreach (yyjson_doc_get_root(doc), i, max, tag, list)
        yyjson_arr_foreach (list, k, most, word) {
            int at = label_at(&teacher, yyjson_get_str(word));
            CHECK(at >= 0);
            if (at >= 0)
                used[at]++;
            ROW("%s: %s", yyjson_get_str(tag), yyjson_get_str(word));
        }
    for (k = 0; k < teacher.nlabels; k++) {
        CHECK_INT(used[k], 1);
        ROW("%s", teacher.labels[k].name);
    }
}

/* A tag that is a word of tags.json means this word alone; the others are wider. */
static void the_map_has_every_tag(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(json_freep)
    yyjson_doc *words = json_read(root_file(a, "models/train/tags.json"), CARD_MAX_BYTES, NULL),
               *map = json_read(root_file(a, "models/assay-tags-2.map.json"), CARD_MAX_BYTES, NULL);
    yyjson_val *all = yyjson_doc_get_root(words), *key, *v, *name;
    size_t i, max, k, most;

    yyjson_obj_foreach (all, i, max, key, v) {
        yyjson_val *from =
            yyjson_obj_get(yyjson_obj_get(yyjson_doc_get_root(map), yyjson_get_str(key)), "from");
        CHECK_INT(yyjson_arr_size(from), 1);
        CHECK_STR(yyjson_get_str(yyjson_arr_get_first(from)), yyjson_get_str(key));
    }
    yyjson_obj_foreach (yyjson_doc_get_root(map), i, max, key, v)
        yyjson_arr_foreach (yyjson_obj_get(v, "from"), k, most, name)
            CHECK(yyjson_obj_get(all, yyjson_get_str(name)));
    CHECK(yyjson_obj_size(yyjson_doc_get_root(map)) > yyjson_obj_size(all));
}

int main(void)
{
    RUN(they_are_what_their_cards_say);
    RUN(the_first_is_the_detector);
    RUN(every_word_of_the_teacher_means_one_tag);
    RUN(the_map_has_every_tag);
    return test_end();
}
