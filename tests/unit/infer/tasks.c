/* Cards of the tasks beside "detect", tag maps, and the cards that the repository ships. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "infer/card.h"
#include "test.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

#define HEAD(task)                                                                                  \
    "{'schema':'assay.model/1','name':'tiny','version':'1.0','task':'" task "','file':'tiny.onnx'," \
    "'sha256':'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad','licence':'MIT',"  \
    "'source':'here','made_by':'us','weakness':'all',"

static const char faces[] = HEAD("faces") "'input':{'name':'x','width':320,'height':192,'order':'bgr',"
                                          "'fit':'letterbox-topleft','pad':0},'output':{'decoder':'yunet'},"
                                          "'threshold':0.5,'nms_iou':0.4,'min_face':20,'about':{}}";
static const char embedding[] =
    HEAD("face-embedding") "'input':{'name':'x','width':112,'height':96,'order':'rgb','scale':2},"
                           "'output':{'name':'y'},'points':[[0.3,0.4],[0.7,0.4],[0.5,0.6],[0.35,0.8],"
                           "[0.65,0.8]],'same_from':0.36,'min_face':40}";
static const char traits[] =
    HEAD("face-traits") "'input':{'name':'x','width':62,'height':62,'order':'bgr'},"
                        "'output':{'age':'a','gender':'g','genders':['female','male'],'age_scale':100},"
                        "'gender_floor':0.7,'enlarge':1.5,'min_face':30}";
static const char tags[] =
    HEAD("tags") "'input':{'name':'x','width':224,'height':224,'order':'rgb','fit':'centre-crop','crop':0.9},"
                 "'output':{'name':'y','decoder':'softmax'},'labels':['tabby','pug','rifle','car'],"
                 "'map':'tiny.map.json','threshold':0.3}";
static const char map[] = "{'animal':{'from':['pug','tabby']},'weapon':{'critical':true,'from':['rifle']},"
                          "'dog':{'critical':false,'from':['pug']}}";

/* JSON is written with ' for " above and below. Replaces the first `from` by `to`. */
static struct bytes text(struct arena *a, const char *json, const char *from, const char *to)
{
    const char *at = from ? strstr(json, from) : NULL;
    char *out;

    CHECK(!from || at);
    out = at ? arena_printf(a, "%.*s%s%s", (int)(at - json), json, to, at + strlen(from))
             : arena_strdup(a, json);
    for (char *p = out; *p; p++)
        if (*p == '\'')
            *p = '"';
    return bytes_of(out, strlen(out));
}

static bool parse(struct arena *a, const char *json, struct card *ret)
{
    struct err err = {0};

    if (card_parse(a, text(a, json, NULL, NULL), "models", "tiny.json", ret, &err) < 0)
        CHECK_STR(err.text, "");
    return !err.text[0];
}

static void cards_of_all_tasks_are_read(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct card c;

    if (parse(a, faces, &c)) {
        CHECK_INT(c.input.width, 320);
        CHECK_NEAR(c.faces.threshold, 0.5, 0);
        CHECK_NEAR(c.nms_iou, 0.4, 0);
        CHECK_INT(c.faces.min_face, 20);
        CHECK_INT(c.noutputs, 12);
        CHECK_STR(c.outputs[0], "cls_8");
        CHECK_STR(c.outputs[11], "kps_32");
    }
    if (parse(a, embedding, &c)) {
        CHECK_INT(c.input.height, 96);
        CHECK_STR(c.output.name, "y");
        CHECK_NEAR(c.embedding.points[4][0], 0.65, 0);
        CHECK_NEAR(c.embedding.same_from, 0.36, 0);
        CHECK_INT(c.embedding.min_face, 40);
    }
    if (parse(a, traits, &c)) {
        CHECK_STR(c.outputs[0], "a");
        CHECK_STR(c.outputs[1], "g");
        CHECK(c.traits.female_first);
        CHECK_NEAR(c.traits.age_scale, 100, 0);
        CHECK_NEAR(c.traits.gender_floor, 0.7, 0);
        CHECK_NEAR(c.traits.enlarge, 1.5, 0);
    }
    if (parse(a, tags, &c)) {
        CHECK_NEAR(c.input.crop, 0.9, 0);
        CHECK_INT(c.nlabels, 4);
        CHECK_STR(c.labels[2].name, "rifle");
        CHECK_STR(c.tags.map, "models/tiny.map.json");
        CHECK_NEAR(c.tags.threshold, 0.3, 0);
        CHECK_INT(c.tags.ntags, 0);
    }
}

static void what_is_left_out_has_its_default(void)
{
    static const char bare_faces[] = HEAD("faces") "'input':{'name':'x','order':'bgr','fit':'stretch'},"
                                                   "'output':{'decoder':'yunet'}}";
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct card c;

    if (!parse(a, bare_faces, &c))
        return;
    CHECK_INT(c.input.width, 640);
    CHECK_INT(c.input.height, 384);
    CHECK_NEAR(c.faces.threshold, 0.7, 0);
    CHECK_NEAR(c.nms_iou, 0.3, 0);
    CHECK_INT(c.faces.min_face, 16);
    CHECK_INT(card_parse(a, text(a, embedding, ",'min_face':40", ""), "m", "x", &c, NULL), 0);
    CHECK_INT(c.embedding.min_face, 32);
    CHECK_INT(card_parse(a, text(a, traits, ",'min_face':30", ""), "m", "x", &c, NULL), 0);
    CHECK_INT(c.traits.min_face, 32);
    CHECK_INT(card_parse(a, text(a, traits, "'gender_floor':0.7,'enlarge':1.5,", ""), "m", "x", &c, NULL), 0);
    CHECK_NEAR(c.traits.gender_floor, 0.8, 0);
    CHECK_NEAR(c.traits.enlarge, 1.1, 0);
    CHECK_INT(card_parse(a, text(a, tags, ",'threshold':0.3", ""), "m", "x", &c, NULL), 0);
    CHECK_NEAR(c.tags.threshold, 0.2, 0);
}

static void cards_that_make_no_sense_are_refused(void)
{
    static const struct {
        const char *json, *from, *to, *complaint;
    } rows[] = {
        {faces, "'width':320", "'width':330", "multiples of 32"},
        {faces, "'width':320", "'width':4096", "width"},
        {faces, "'threshold':0.5", "'threshold':0", "threshold"},
        {faces, "'decoder':'yunet'", "'decoder':'boxes'", "decoder"},
        {faces, "'decoder':'yunet'", "'decoder':'yunet','name':'y'", "name"},
        {faces, "'output':{'decoder':'yunet'},", "", "lacks \"output\""},
        {faces, "'fit':'letterbox-topleft'", "'fit':'centre-crop'", "fit"},
        {faces, "'min_face':20", "'min_face':0", "min_face"},
        {faces, "'min_face':20", "'labels':[]", "labels"},
        {faces, "'min_face':20", "'calibration':[[0.5,0.5]]", "calibration"},
        {faces, "'min_face':20", "'calibration':[[0.5,0.5],[0.4,0.6]]", "rise"},
        {faces, "'min_face':20", "'calibration':{'temperature':2}", "calibration"},
        {faces, "'about':{}", "'about':{},'about':{}", "twice"},
        {embedding, "[0.65,0.8]]", "[0.65,0.8],[0,0]]", "points"},
        {embedding, "[0.65,0.8]]", "[0.65]]", "pair"},
        {embedding, "[0.65,0.8]]", "[0.65,1.8]]", "points"},
        {embedding, "[[0.3,0.4],[0.7,0.4]", "[[0.7,0.4],[0.3,0.4]", "left eye"},
        {embedding, "'same_from':0.36", "'same_from':2", "same_from"},
        {embedding, ",'same_from':0.36", "", "lacks \"same_from\""},
        {embedding, "'order':'rgb'", "'order':'rgb','fit':'stretch'", "fit"},
        {embedding, "'width':112", "'width':16", "width"},
        {traits, "['female','male']", "['female','female']", "genders"},
        {traits, "['female','male']", "['male']", "genders"},
        {traits, "['female','male']", "['male','female','x']", "genders"},
        {traits, "['female','male']", "7", "genders"},
        {traits, "'gender':'g'", "'gender':'a'", "two outputs"},
        {traits, "'gender_floor':0.7", "'gender_floor':0.4", "gender_floor"},
        {traits, "'enlarge':1.5", "'enlarge':9", "enlarge"},
        {traits, "'age_scale':100", "'age_scale':-1", "age_scale"},
        {tags, "'decoder':'softmax'", "'decoder':'argmax'", "decoder"},
        {tags, "'labels':['tabby','pug'", "'labels':['pug','pug'", "twice"},
        {tags, "'labels':['tabby','pug'", "'labels':[{'name':'tabby'},'pug'", "labels"},
        {tags, "['tabby','pug','rifle','car']", "['tabby']", "labels"},
        {tags, "'tiny.map.json'", "'tiny.json'", "map"},
        {tags, "'tiny.map.json'", "'../tiny.map.json'", "map"},
        {tags, "'map':'tiny.map.json',", "", "lacks \"map\""},
        {tags, "'crop':0.9", "'crop':0", "crop"},
        {tags, "'threshold':0.3", "'nms_iou':0.3", "nms_iou"},
        {tags, "'threshold':0.3", "'calibration':{'temperature':0}", "temperature"},
        {tags, "'threshold':0.3", "'calibration':{}", "temperature"},
        {tags, "'threshold':0.3", "'calibration':[[0,0],[1,1]]", "calibration"},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct err err = {0};
        struct card c;

        CHECK_INT(card_parse(a, text(a, rows[i].json, rows[i].from, rows[i].to), "m", "tiny.json", &c, &err),
                  -1);
        CHECK(err.kind == ERR_MODEL);
        CHECK(strstr(err.text, rows[i].complaint) && strstr(err.text, "tiny.json"));
        ROW("%s: %s", rows[i].to, err.text);
    }
}

static void calibrations_are_read(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct card c;

    CHECK_INT(card_parse(a, text(a, faces, "'about':{}", "'calibration':[[0.1,0],[0.6,0.5],[0.9,1]]"), "m",
                         "x", &c, NULL),
              0);
    CHECK_INT(c.faces.calibration.n, 3);
    CHECK_NEAR(calibrate(&c.faces.calibration, 0.75), 0.75, 1e-12);
    CHECK_INT(card_parse(a, text(a, faces, NULL, NULL), "m", "x", &c, NULL), 0);
    CHECK_NEAR(calibrate(&c.faces.calibration, 0.75), 0.75, 0);
    CHECK_INT(card_parse(a, text(a, tags, "'threshold':0.3", "'calibration':{'temperature':2.5}"), "m", "x",
                         &c, NULL),
              0);
    CHECK_NEAR(c.tags.temperature, 2.5, 0);
    CHECK_INT(card_parse(a, text(a, tags, NULL, NULL), "m", "x", &c, NULL), 0);
    CHECK_NEAR(c.tags.temperature, 1, 0);
}

/* ---- maps ---- */

static void a_map_joins_labels_to_tags(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct card c;
    struct err err = {0};
    char before[HASH_HEX];

    if (!parse(a, tags, &c))
        return;
    memcpy(before, c.text_sha256, HASH_HEX);
    CHECK_INT(card_add_map(a, text(a, map, NULL, NULL), "tiny.map.json", &c, &err), 0);
    CHECK_STR(err.text, "");
    CHECK_INT(c.tags.ntags, 3);
    CHECK_STR(c.tags.tags[0].name, "animal");
    CHECK_INT(c.tags.tags[0].nfrom, 2);
    CHECK_INT(c.tags.tags[0].from[0], 1);
    CHECK_INT(c.tags.tags[0].from[1], 0);
    CHECK(!c.tags.tags[0].critical && c.tags.tags[1].critical && !c.tags.tags[2].critical);
    CHECK(!text_is(c.text_sha256, before)); /* another map is another card */
}

static void maps_that_make_no_sense_are_refused(void)
{
    static const struct {
        const char *from, *to, *complaint;
    } rows[] = {
        {"'from':['rifle']", "'from':['gun']", "no label"},
        {"'from':['rifle']", "'from':[]", "from"},
        {"'from':['rifle']", "'from':'rifle'", "from"},
        {"'from':['rifle']", "'from':['rifle','rifle']", "twice"},
        {"'from':['rifle']", "'from':[2]", "from"},
        {",'from':['rifle']", "", "lacks \"from\""},
        {"'critical':true", "'critical':1", "critical"},
        {"'critical':true", "'Critical':true", "Critical"},
        {"'dog':", "'animal':", "twice"},
        {"'dog':", "'':", "tag"},
        {"{'critical':false,'from':['pug']}", "['pug']", "object"},
        {"{'animal'", "['animal'", "JSON"},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct err err = {0};
        struct card c;

        if (!parse(a, tags, &c))
            return;
        CHECK_INT(card_add_map(a, text(a, map, rows[i].from, rows[i].to), "tiny.map.json", &c, &err), -1);
        CHECK(err.kind == ERR_MODEL);
        CHECK(strstr(err.text, rows[i].complaint) && strstr(err.text, "tiny.map.json"));
        ROW("%s: %s", rows[i].to, err.text);
    }
}

/* ---- folders ---- */

static void write_file(struct arena *a, const char *dir, const char *name, struct bytes b)
{
    CLEANUP(fd_closep) int fd = open(arena_printf(a, "%s/%s", dir, name), O_WRONLY | O_CREAT | O_TRUNC, 0644);

    CHECK(fd >= 0 && write(fd, b.data, b.len) == (ssize_t)b.len);
}

static void remove_folder(struct arena *a, const char *dir)
{
    DIR *d = opendir(dir);

    for (struct dirent *e; d && (e = readdir(d));)
        unlink(arena_printf(a, "%s/%s", dir, e->d_name));
    if (d)
        closedir(d);
    rmdir(dir);
}

static void a_map_is_installed_with_its_card(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    char from[] = "/tmp/assay-cards-XXXXXX", to[] = "/tmp/assay-models-XXXXXX";
    struct card_entry *entries = NULL;
    struct err err = {0};
    size_t n = 0;

    if (!mkdtemp(from) || !mkdtemp(to))
        return;
    write_file(a, from, "tiny.json", text(a, tags, NULL, NULL));
    write_file(a, from, "tiny.onnx", bytes_of("abc", 3)); /* the sum in the card is that of abc */
    CHECK_INT(cards_add(to, arena_printf(a, "%s/tiny.json", from), &err), -1);
    CHECK(strstr(err.text, "tiny.map.json"));
    write_file(a, from, "tiny.map.json", text(a, map, NULL, NULL));
    CHECK_INT(cards_add(to, arena_printf(a, "%s/tiny.json", from), &err), 0);
    CHECK_INT(cards_add(to, arena_printf(a, "%s/tiny.map.json", from), &err), -1);
    CHECK_INT(cards_list(a, to, &entries, &n, &err), 0);
    CHECK_INT(n, 1); /* the map is no card */
    if (n == 1) {
        CHECK(!entries[0].problem);
        CHECK_INT(entries[0].card.tags.ntags, 3);
    }
    write_file(a, to, "tiny.map.json", text(a, map, "'rifle'", "'riffle'")); /* edited, with a slip */
    CHECK_INT(cards_list(a, to, &entries, &n, &err), 0);
    CHECK(n == 1 && entries[0].problem && strstr(entries[0].problem, "riffle"));
    remove_folder(a, from);
    remove_folder(a, to);
}

/* The cards in models/cards: only their weights are missing. */
static void the_shipped_cards_are_read(void)
{
    static const struct {
        const char *file, *task;
    } rows[] = {
        {"yolox-nano.json", "detect"},
        {"yunet.json", "faces"},
        {"face-reid-0095.json", "face-embedding"},
        {"age-gender.json", "face-traits"},
        {"mobilenetv2-imagenet.json", "tags"},
        {"silero-vad.json", "voice"},
        {"aasist.json", "origin-speech"},
        {"aasist-l.json", "origin-speech"},
        {"meso4.json", "origin-face"},
        {"mesoinception.json", "origin-face"},
        {"nsfw.json", "nsfw"},
    };
    const char *root = getenv("ASSAY_ROOT");

    for (size_t i = 0; i < LENGTH(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct err err = {0};
        struct card c = {0};

        CHECK_INT(
            card_load(a, arena_printf(a, "%s/models/cards/%s", root ? root : ".", rows[i].file), &c, &err),
            0);
        CHECK_STR(err.text, "");
        CHECK_STR(c.task, rows[i].task);
        CHECK(!text_is(c.task, "tags") || c.tags.ntags >= 60);
        ROW("%s", rows[i].file);
    }
}

int main(void)
{
    RUN(cards_of_all_tasks_are_read);
    RUN(what_is_left_out_has_its_default);
    RUN(cards_that_make_no_sense_are_refused);
    RUN(calibrations_are_read);
    RUN(a_map_joins_labels_to_tags);
    RUN(maps_that_make_no_sense_are_refused);
    RUN(a_map_is_installed_with_its_card);
    RUN(the_shipped_cards_are_read);
    return test_end();
}
