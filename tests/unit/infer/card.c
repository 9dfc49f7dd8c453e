/* Model cards: the embedded one, strictness, folders of models. */
#include "infer/card.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "infer/model.h"
#include "test.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static const char good[] =
    "{'schema':'assay.model/1','name':'tiny','version':'1.0','task':'detect','file':'tiny.onnx',"
    "'sha256':'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad','licence':'MIT','source':'"
    "here',"
    "'made_by':'us','weakness':'all','nms_iou':0.5,"
    "'input':{'name':'x','width':64,'height':32,'order':'rgb','scale':0.5,'mean':[1,2,3],'std':[4,5,6],"
    "'fit':'stretch','pad':7},"
    "'output':{'name':'y','decoder':'boxes'},"
    "'concepts':[{'name':'person','calibration':[[0,0],[0.4,0.5],[1,1]]},{'name':'vehicle'}],"
    "'labels':['sky',{'name':'man','concept':'person','threshold':0.25},"
    "{'name':'car','concept':'vehicle','threshold':0.5}],"
    "'rule':{'low':0.1,'high':0.9,'label':0.6},'about':{'any':['thing']}}";

/* JSON is written with ' for " above and below. Replaces the first `from` by `to`. */
static struct bytes json_text(struct arena *a, const char *from, const char *to)
{
    const char *at = from ? strstr(good, from) : NULL;
    char *text;

    CHECK(!from || at);
    text = at ? arena_printf(a, "%.*s%s%s", (int)(at - good), good, to, at + strlen(from))
              : arena_strdup(a, good);
    for (char *p = text; *p; p++)
        if (*p == '\'')
            *p = '"';
    return bytes_of(text, strlen(text));
}

static void reads_every_member(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct card c;
    struct err err = {0};

    if (card_parse(a, json_text(a, NULL, NULL), "models", "tiny.json", &c, &err) < 0) {
        CHECK_STR(err.text, "");
        return;
    }
    CHECK_STR(c.name, "tiny");
    CHECK_STR(c.file, "models/tiny.onnx");
    CHECK_INT(c.input.width, 64);
    CHECK_INT(c.input.height, 32);
    CHECK_STR(c.input.order, "rgb");
    CHECK_NEAR(c.input.mean[1], 2, 0);
    CHECK_NEAR(c.input.std[2], 6, 0);
    CHECK_INT(c.input.pad, 7);
    CHECK_STR(c.output.decoder, "boxes");
    CHECK_INT(c.nlabels, 3);
    CHECK(!c.labels[0].concept);
    CHECK_STR(c.labels[1].concept, "person");
    CHECK_NEAR(c.labels[1].threshold, 0.25, 0);
    CHECK_INT(card_concept(&c, "person")->calibration.n, 3);
    CHECK_INT(card_concept(&c, "vehicle")->calibration.n, 0);
    CHECK(!card_concept(&c, "animal"));
    CHECK_NEAR(c.rule.high, 0.9, 0);
    CHECK_STR(card_ref(&c).task, "detect");
}

static void refuses_what_makes_no_sense(void)
{
    static const struct {
        const char *from, *to, *complaint;
    } rows[] = {
        {"'assay.model/1'", "'assay.model/2'", "schema"},
        {"'name':'tiny'", "'name':'../tiny'", "name"},
        {"'name':'tiny'", "'name':''", "name"},
        {"'name':'tiny'", "'name':7", "name"},
        {"'name':'tiny',", "", "lacks \"name\""},
        {"'name':'tiny'", "'name':'tiny','name':'tiny'", "twice"},
        {"'task':'detect'", "'task':'paint'", "task"},
        {"'tiny.onnx'", "'/etc/passwd'", "file"},
        {"'tiny.onnx'", "'..'", "file"},
        {"'tiny.onnx'", "'a\\u0000b'", "file"},
        {"'sha256':'ba", "'sha256':'xx", "sha256"},
        {"'sha256':'ba", "'sha256':'", "sha256"},
        {"'nms_iou':0.5", "'nms_iou':1.5", "nms_iou"},
        {"'nms_iou':0.5", "'nms_iou':'0.5'", "nms_iou"},
        {"'width':64", "'width':16", "width"},
        {"'width':64", "'width':64.5", "width"},
        {"'order':'rgb'", "'order':'grb'", "order"},
        {"'std':[4,5,6]", "'std':[4,0,6]", "std"},
        {"'mean':[1,2,3]", "'mean':[1,2]", "mean"},
        {"'fit':'stretch'", "'fit':'crop'", "fit"},
        {"'pad':7", "'pad':256", "pad"},
        {"'pad':7", "'padding':7", "padding"},
        {"'decoder':'boxes'", "'decoder':'magic'", "decoder"},
        {"'threshold':0.25", "'least':0.25", "least"},
        {"'threshold':0.25", "'threshold':-1", "threshold"},
        {"'concept':'person'", "'concept':'ghost'", "concept"},
        {"'concept':'person'", "'concept':'animal'", "not in \"concepts\""},
        {"'concept':'vehicle'", "'concept':'person'", "no label"},
        {"{'name':'vehicle'}", "{'name':'person'}", "twice"},
        {"{'name':'vehicle'}", "{'name':'intrusion'}", "name"},
        {"[[0,0],[0.4,0.5],[1,1]]", "[[0,0],[0,0.5],[1,1]]", "rise"},
        {"[[0,0],[0.4,0.5],[1,1]]", "[[0,0],[0.4,0.5],[1,0.4]]", "rise"},
        {"[[0,0],[0.4,0.5],[1,1]]", "[[0,0]]", "calibration"},
        {"[[0,0],[0.4,0.5],[1,1]]", "[[0,0],[0.4]]", "pair"},
        {"[[0,0],[0.4,0.5],[1,1]]", "[[0,0],[2,1]]", "calibration"},
        {"'low':0.1", "'low':0.95", "low"},
        {"'label':0.6", "'label':0", "label"},
        {"'labels':['sky',", "'labels':[7,", "label"},
        {"{'any':['thing']}}", "{", "JSON"},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct err err = {0};
        struct card c;

        CHECK_INT(card_parse(a, json_text(a, rows[i].from, rows[i].to), "m", "tiny.json", &c, &err), -1);
        CHECK(err.kind == ERR_MODEL);
        CHECK(strstr(err.text, rows[i].complaint) && strstr(err.text, "tiny.json"));
        ROW("%s: %s", rows[i].to, err.text);
    }
}

static void the_rule_may_be_left_out(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct card c;

    CHECK_INT(
        card_parse(a, json_text(a, "'rule':{'low':0.1,'high':0.9,'label':0.6},", ""), "m", "x", &c, NULL), 0);
    CHECK_NEAR(c.rule.low, risk_rule_defaults().low, 0);
}

static void the_embedded_card_fits_the_embedded_model(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct err err = {0};
    struct card c = {0};
    char hex[HASH_HEX];

    CHECK_INT(card_parse(a, embedded_card(), NULL, "embedded", &c, &err), 0);
    CHECK_STR(err.text, "");
    hash_hex(embedded_model(), hex);
    CHECK_STR(c.sha256, hex);
    CHECK(!c.file);
    CHECK_INT(card_verify(&c, NULL), 0);
    CHECK_INT(c.nlabels, 18);
}

/* ---- folders ---- */

static const char *temp_dir(struct arena *a)
{
    char *dir = arena_printf(a, "%s/assay-cards-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");

    return mkdtemp(dir);
}

static void put(const char *path, struct bytes text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    CHECK(fd >= 0 && write(fd, text.data, text.len) == (ssize_t)text.len);
    close(fd);
}

static void remove_dir(struct arena *a, const char *dir)
{
    static const char *const names[] = {"tiny.json", "tiny.onnx", "other.json", "bad.json", "notes.txt"};

    for (size_t i = 0; i < LENGTH(names); i++)
        unlink(arena_printf(a, "%s/%s", dir, names[i]));
    CHECK_INT(rmdir(dir), 0);
}

static void adds_and_lists_models(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *from = temp_dir(a), *to = arena_printf(a, "%s/models", from);
    const char *card = arena_printf(a, "%s/tiny.json", from), *model = arena_printf(a, "%s/tiny.onnx", from);
    struct card_entry *entries;
    struct err err = {0};
    size_t n = 9;

    CHECK_INT(cards_list(a, to, &entries, &n, &err), 0);
    CHECK_INT(n, 0);
    CHECK_INT(cards_add(to, card, &err), -1);
    CHECK(err.kind == ERR_NOT_FOUND);
    put(card, json_text(a, NULL, NULL));
    CHECK_INT(cards_add(to, card, &err), -1);
    CHECK(err.kind == ERR_MODEL && strstr(err.text, "cannot be opened"));
    put(model, bytes_of("abd", 3));
    CHECK_INT(cards_add(to, card, &err), -1);
    CHECK(err.kind == ERR_MODEL && strstr(err.text, "SHA-256"));
    put(model, bytes_of("abc", 3));
    CHECK_INT(cards_add(to, card, &err), 0);
    CHECK_INT(cards_add(to, card, &err), 0);
    put(arena_printf(a, "%s/other.json", from), json_text(a, NULL, NULL));
    CHECK_INT(cards_add(to, arena_printf(a, "%s/other.json", from), &err), -1);
    CHECK(err.kind == ERR_CONFLICT);
    put(card, json_text(a, "0.25", "0.3"));
    CHECK_INT(cards_add(to, card, &err), -1);
    CHECK(err.kind == ERR_CONFLICT);

    put(arena_printf(a, "%s/bad.json", to), bytes_of("{", 1));
    put(arena_printf(a, "%s/notes.txt", to), bytes_of("hello", 5));
    CHECK_INT(cards_list(a, to, &entries, &n, &err), 0);
    CHECK_INT(n, 2);
    CHECK(n == 2 && entries[0].problem && !entries[1].problem);
    CHECK_STR(entries[n - 1].card.name, "tiny");
    put(arena_printf(a, "%s/tiny.onnx", to), bytes_of("damaged", 7));
    CHECK_INT(cards_list(a, to, &entries, &n, &err), 0);
    CHECK(n == 2 && entries[1].problem && strstr(entries[1].problem, "SHA-256"));
    remove_dir(a, to);
    remove_dir(a, from);
}

int main(void)
{
    RUN(reads_every_member);
    RUN(refuses_what_makes_no_sense);
    RUN(the_rule_may_be_left_out);
    RUN(the_embedded_card_fits_the_embedded_model);
    RUN(adds_and_lists_models);
    return test_end();
}
