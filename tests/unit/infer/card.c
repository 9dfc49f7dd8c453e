/* Model cards: the embedded one, strictness, folders of models. */
#include "infer/card.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/cpu.h"
#include "base/text.h"
#include "infer/model.h"
#include "infer/variant.h"
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
    "'variants':[{'file':'tiny.vnni.onnx','sha256':"
    "'CB8379AC2098AA165029E3938A51DA0BCECFC008FD6795F401178647F96C5B34','needs':['avx2','avx512_vnni'],"
    "'about':'quick'},"
    "{'file':'tiny.u8s8.onnx','sha256':'36bbe50ed96841d10443bcb670d6554f0a34b761be67ec9c4a8ad2c0c44ca42c',"
    "'needs':['avx2']}],"
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
    CHECK_INT(c.nvariants, 2);
    CHECK_STR(c.variants[0].name, "tiny.vnni.onnx");
    CHECK_STR(c.variants[0].file, "models/tiny.vnni.onnx");
    CHECK_STR(c.variants[0].sha256, "cb8379ac2098aa165029e3938a51da0bcecfc008fd6795f401178647f96c5b34");
    CHECK_STR(c.variants[0].about, "quick");
    CHECK_INT(c.variants[0].needs, cpu_feature("avx2") | cpu_feature("avx512_vnni"));
    CHECK(!c.variants[1].about && !c.variant);
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
        {"'tiny.u8s8.onnx'", "'tiny.onnx'", "both"},
        {"'tiny.u8s8.onnx'", "'tiny.vnni.onnx'", "twice"},
        {"'tiny.u8s8.onnx'", "'../tiny.u8s8.onnx'", "file"},
        {"'sha256':'36bb", "'sha256':'36xx", "sha256"},
        {"'needs':['avx2']", "'needs':['avx3']", "avx3"},
        {"'needs':['avx2']", "'needs':['avx2',7]", "needs"},
        {"'needs':['avx2']", "'needs':[]", "needs"},
        {"'needs':['avx2']", "'needs':'avx2'", "needs"},
        {",'needs':['avx2']", "", "lacks \"needs\""},
        {"'needs':['avx2']", "'needs':['avx2'],'speed':2", "speed"},
        {"'variants':[", "'variants':[7,", "object"},
        {"'variants':[{'file'", "'variants':{'file'", "JSON"},
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

static void a_list_of_variants_has_an_end(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *list = "'variants':[";
    struct err err = {0};
    struct card c;

    for (int i = 0; i < CARD_MAX_VARIANTS; i++)
        list = arena_printf(
            a,
            "%s{'file':'tiny%d.onnx','sha256':"
            "'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad','needs':['avx2']},",
            list, i);
    CHECK_INT(card_parse(a, json_text(a, "'variants':[", list), "m", "x", &c, &err), -1);
    CHECK(strstr(err.text, "at most 4"));
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
    static const char *const names[] = {"tiny.json",      "tiny.onnx",  "tiny.u8s8.onnx", "bad.json",
                                        "tiny.vnni.onnx", "other.json", "notes.txt"};

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

/* What the table of a processor says decides, and which files are there. */
static void chooses_by_features(void)
{
    static const struct {
        const char *what, *has[2];
        bool vnni, u8s8; /* files that are there */
        const char *wanted;
    } rows[] = {
        {"nothing", {NULL}, true, true, NULL},
        {"something else", {"asimddp"}, true, true, NULL},
        {"one of two", {"avx512_vnni"}, true, true, NULL},
        {"enough for the second", {"avx2"}, true, true, "tiny.u8s8.onnx"},
        {"all", {"avx2", "avx512_vnni"}, true, true, "tiny.vnni.onnx"},
        {"all, but the first is not there", {"avx2", "avx512_vnni"}, false, true, "tiny.u8s8.onnx"},
        {"all, but nothing is there", {"avx2", "avx512_vnni"}, false, false, NULL},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        const char *dir = temp_dir(a);
        const struct card_variant *v;
        unsigned features = 0;
        struct card c, with;

        if (rows[i].vnni)
            put(arena_printf(a, "%s/tiny.vnni.onnx", dir), bytes_of("x", 1));
        if (rows[i].u8s8)
            put(arena_printf(a, "%s/tiny.u8s8.onnx", dir), bytes_of("x", 1));
        for (size_t k = 0; k < LENGTH(rows[i].has) && rows[i].has[k]; k++)
            features |= cpu_feature(rows[i].has[k]);
        CHECK_INT(card_parse(a, json_text(a, NULL, NULL), dir, "tiny.json", &c, NULL), 0);
        v = variant_choose(&c, features);
        CHECK_STR(v ? v->name : "", rows[i].wanted ? rows[i].wanted : "");
        ROW("%s", rows[i].what);
        if (v) {
            with = variant_card(&c, v);
            CHECK_STR(with.file, v->file);
            CHECK_STR(with.variant, v->name);
            CHECK_STR(card_ref(&with).sha256, v->sha256);
            CHECK_STR(card_ref(&with).card, c.text_sha256);
        }
        remove_dir(a, dir);
    }
}

static void features_have_names(void)
{
    unsigned all = 0, bit;

    for (size_t i = 0; cpu_feature_name(i); i++) {
        bit = cpu_feature(cpu_feature_name(i));
        CHECK(bit && !(all & bit));
        all |= bit;
    }
    CHECK(!(cpu_features() & ~all));
    CHECK_INT(cpu_feature("avx3"), 0);
    CHECK_INT(cpu_feature(""), 0);
}

/* A variant that is there must be the card's; one that is not there is not missed. */
static void variants_come_along_and_are_verified(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *from = temp_dir(a), *to = arena_printf(a, "%s/models", from);
    const char *card = arena_printf(a, "%s/tiny.json", from);
    const char *variant = arena_printf(a, "%s/tiny.u8s8.onnx", from);
    struct card_entry *entries;
    struct err err = {0};
    struct card c;
    size_t n = 0;

    put(card, json_text(a, NULL, NULL));
    put(arena_printf(a, "%s/tiny.onnx", from), bytes_of("abc", 3));
    put(variant, bytes_of("abd", 3));
    CHECK_INT(cards_add(to, card, &err), -1);
    CHECK(err.kind == ERR_MODEL && strstr(err.text, "tiny.u8s8.onnx") && strstr(err.text, "SHA-256"));
    put(variant, bytes_of("abcd", 4));
    hash_hex(bytes_of("abcd", 4), c.sha256);
    put(card, json_text(a, "36bbe50ed96841d10443bcb670d6554f0a34b761be67ec9c4a8ad2c0c44ca42c", c.sha256));
    CHECK_INT(cards_add(to, card, &err), 0);
    CHECK_INT(cards_list(a, to, &entries, &n, &err), 0);
    CHECK(n == 1 && !entries[0].problem && access(entries[0].card.variants[1].file, F_OK) == 0);
    put(arena_printf(a, "%s/tiny.u8s8.onnx", to), bytes_of("abce", 4));
    CHECK(n == 1 && card_verify(&entries[0].card, &err) == -1 && strstr(err.text, "SHA-256"));
    CHECK_INT(cards_list(a, to, &entries, &n, &err), 0);
    CHECK(n == 1 && entries[0].problem && strstr(entries[0].problem, "tiny.u8s8.onnx"));
    CHECK_INT(unlink(arena_printf(a, "%s/tiny.u8s8.onnx", to)), 0);
    CHECK_INT(cards_list(a, to, &entries, &n, &err), 0);
    CHECK(n == 1 && !entries[0].problem);
    remove_dir(a, to);
    remove_dir(a, from);
}

/* Those that ship, in the program and as files. */
static void embedded_variants_are_those_of_their_cards(void)
{
    for (size_t i = 0; i < embedded_count(); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct embedded e = embedded_get(i);
        struct card c;
        char hex[HASH_HEX];

        CHECK_INT(card_parse(a, e.card, NULL, e.name, &c, NULL), 0);
        for (size_t k = 0; k < c.nvariants; k++) {
            hash_hex(variant_embedded(&c.variants[k]), hex);
            CHECK_STR(c.variants[k].sha256, hex);
            CHECK(variant_choose(&c, c.variants[k].needs) != NULL);
            ROW("%s", c.variants[k].name);
        }
    }
}

int main(void)
{
    RUN(reads_every_member);
    RUN(refuses_what_makes_no_sense);
    RUN(the_rule_may_be_left_out);
    RUN(the_embedded_card_fits_the_embedded_model);
    RUN(adds_and_lists_models);
    RUN(a_list_of_variants_has_an_end);
    RUN(chooses_by_features);
    RUN(features_have_names);
    RUN(variants_come_along_and_are_verified);
    RUN(embedded_variants_are_those_of_their_cards);
    return test_end();
}
