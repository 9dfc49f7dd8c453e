#include "infer/card.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"
#include "verdict/concept.h"

/* What the functions below share while one card is read. */
struct reader {
    struct arena *arena;
    const char *origin;
    struct err *err;
};

#define BAD(r, fmt, ...) FAIL((r)->err, ERR_MODEL, "model card %s: " fmt, (r)->origin, __VA_ARGS__)

/* One member of an object: what it must be and where it goes. Members not in the table are refused. */
enum type { TEXT, WORD, NAME, WHOLE, NUMBER, TRIPLE, OTHER };
struct field {
    const char *key;
    enum type type;
    bool required;
    size_t at;                /* offset in the struct which is filled */
    double min, max;          /* WHOLE, NUMBER, TRIPLE; TEXT: longest */
    const char *const *words; /* WORD: the allowed ones, NULL-terminated */
};

enum { NAME_MAX_LEN = 64, TEXT_MAX_LEN = 2000 };
#define SHORT 200

static const char *const tasks[] = {"detect", NULL};
static const char *const orders[] = {"bgr", "rgb", NULL};
static const char *const fits[] = {"letterbox-topleft", "stretch", NULL};
static const char *const decoders[] = {"yolox-raw", "boxes", NULL};
static const char *const schemas[] = {"assay.model/1", NULL};

/* What is read, then moved to struct card. */
struct head {
    struct card card;
    const char *schema, *file, *sha256;
};

#define AT(member) offsetof(struct head, member)
static const struct field head_fields[] = {
    {"schema", WORD, true, AT(schema), 0, 0, schemas},
    {"name", NAME, true, AT(card.name), 0, 0, NULL},
    {"version", NAME, true, AT(card.version), 0, 0, NULL},
    {"task", WORD, true, AT(card.task), 0, 0, tasks},
    {"file", NAME, true, AT(file), 0, 0, NULL},
    {"sha256", TEXT, true, AT(sha256), 0, HASH_HEX, NULL},
    {"licence", TEXT, true, AT(card.licence), 0, TEXT_MAX_LEN, NULL},
    {"source", TEXT, true, AT(card.source), 0, TEXT_MAX_LEN, NULL},
    {"made_by", TEXT, true, AT(card.made_by), 0, TEXT_MAX_LEN, NULL},
    {"weakness", TEXT, true, AT(card.weakness), 0, TEXT_MAX_LEN, NULL},
    {"nms_iou", NUMBER, true, AT(card.nms_iou), 0, 1, NULL},
    {"input", OTHER, true, 0, 0, 0, NULL},
    {"output", OTHER, true, 0, 0, 0, NULL},
    {"labels", OTHER, true, 0, 0, 0, NULL},
    {"concepts", OTHER, true, 0, 0, 0, NULL},
    {"rule", OTHER, false, 0, 0, 0, NULL},
    {"about", OTHER, false, 0, 0, 0, NULL}, /* for people: data, quality, notices; anything goes */
};
#undef AT

#define AT(member) offsetof(struct card_input, member)
static const struct field input_fields[] = {
    {"name", TEXT, true, AT(name), 0, SHORT, NULL},       {"width", WHOLE, true, AT(width), 32, 2048, NULL},
    {"height", WHOLE, true, AT(height), 32, 2048, NULL},  {"order", WORD, true, AT(order), 0, 0, orders},
    {"scale", NUMBER, false, AT(scale), 1e-6, 1e6, NULL}, {"mean", TRIPLE, false, AT(mean), -1e6, 1e6, NULL},
    {"std", TRIPLE, false, AT(std), 1e-6, 1e6, NULL},     {"fit", WORD, true, AT(fit), 0, 0, fits},
    {"pad", WHOLE, false, AT(pad), 0, 255, NULL},
};
#undef AT

static const struct field output_fields[] = {
    {"name", TEXT, true, offsetof(struct card_output, name), 0, SHORT, NULL},
    {"decoder", WORD, true, offsetof(struct card_output, decoder), 0, 0, decoders},
};

static const struct field label_fields[] = {
    {"name", TEXT, true, offsetof(struct card_label, name), 0, SHORT, NULL},
    {"concept", WORD, true, offsetof(struct card_label, concept), 0, 0, concept_words},
    {"threshold", NUMBER, true, offsetof(struct card_label, threshold), 0, 1, NULL},
};

static const struct field concept_fields[] = {
    {"name", WORD, true, offsetof(struct card_concept, name), 0, 0, concept_words},
    {"calibration", OTHER, false, 0, 0, 0, NULL},
};

static const struct field rule_fields[] = {
    {"low", NUMBER, true, offsetof(struct risk_rule, low), 0, 1, NULL},
    {"high", NUMBER, true, offsetof(struct risk_rule, high), 0, 1, NULL},
    {"label", NUMBER, true, offsetof(struct risk_rule, label), 0, 1, NULL},
};

/* Names end up as file names and in messages: one plain word. */
static bool is_name(const char *s)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-";
    size_t n = strlen(s);

    return n > 0 && n <= NAME_MAX_LEN && s[0] != '.' && s[0] != '-' && strspn(s, allowed) == n;
}

static const char *find_word(const char *const *words, const char *s)
{
    for (; *words; words++)
        if (text_is(*words, s))
            return *words;
    return NULL;
}

static int read_string(struct reader *r, yyjson_val *v, const struct field *f, const char **ret)
{
    const char *s = yyjson_get_str(v);

    if (!s || strlen(s) != yyjson_get_len(v))
        return BAD(r, "\"%s\" must be a string", f->key);
    if (f->type == NAME && !is_name(s))
        return BAD(r, "\"%s\" must be 1 to %d letters, digits or . _ + - (no folders)", f->key, NAME_MAX_LEN);
    if (f->type == TEXT && (!*s || strlen(s) > (size_t)f->max))
        return BAD(r, "\"%s\" must have 1 to %g characters", f->key, f->max);
    if (f->type == WORD && !find_word(f->words, s))
        return BAD(r, "\"%s\" has an unknown value; see docs/models.md", f->key);
    *ret = arena_strdup(r->arena, s);
    return 0;
}

static int read_number(struct reader *r, yyjson_val *v, const struct field *f, double *ret)
{
    double x = yyjson_get_num(v);

    if (!yyjson_is_num(v) || !(x >= f->min && x <= f->max))
        return BAD(r, "\"%s\" must be a number from %g to %g", f->key, f->min, f->max);
    *ret = x;
    return 0;
}

static int read_whole(struct reader *r, yyjson_val *v, const struct field *f, int *ret)
{
    double x;

    if (!yyjson_is_int(v))
        return BAD(r, "\"%s\" must be a whole number", f->key);
    if (read_number(r, v, f, &x) < 0)
        return -1;
    *ret = (int)x;
    return 0;
}

static int read_triple(struct reader *r, yyjson_val *v, const struct field *f, double *ret)
{
    if (!yyjson_is_arr(v) || yyjson_arr_size(v) != 3)
        return BAD(r, "\"%s\" must be a list of three numbers", f->key);
    for (size_t i = 0; i < 3; i++)
        if (read_number(r, yyjson_arr_get(v, i), f, &ret[i]) < 0)
            return -1;
    return 0;
}

static int read_field(struct reader *r, yyjson_val *v, const struct field *f, void *base)
{
    void *to = (char *)base + f->at;

    switch (f->type) {
    case WHOLE:
        return read_whole(r, v, f, to);
    case NUMBER:
        return read_number(r, v, f, to);
    case TRIPLE:
        return read_triple(r, v, f, to);
    case OTHER:
        return 0;
    default:
        return read_string(r, v, f, to);
    }
}

static const struct field *find_field(const struct field *fields, size_t n, const char *key)
{
    for (size_t i = 0; i < n; i++)
        if (text_is(fields[i].key, key))
            return &fields[i];
    return NULL;
}

/* Reads all members of obj into base; each at most once, none unknown, the required ones present. */
static int read_fields(struct reader *r, yyjson_val *obj, const char *what, const struct field *fields,
                       size_t n, void *base)
{
    size_t i, count;
    yyjson_val *key, *v;
    unsigned seen = 0;

    if (!yyjson_is_obj(obj))
        return BAD(r, "%s must be an object", what);
    yyjson_obj_foreach (obj, i, count, key, v) {
        const struct field *f = find_field(fields, n, yyjson_get_str(key));
        if (!f)
            return BAD(r, "%s has a member \"%.60s\" that is not in the schema", what, yyjson_get_str(key));
        if (seen & 1u << (f - fields))
            return BAD(r, "\"%s\" is there twice", f->key);
        seen |= 1u << (f - fields);
        if (read_field(r, v, f, base) < 0)
            return -1;
    }
    for (i = 0; i < n; i++)
        if (fields[i].required && !(seen & 1u << i))
            return BAD(r, "%s lacks \"%s\"", what, fields[i].key);
    return 0;
}

#define READ(r, obj, what, fields, base) read_fields(r, obj, what, fields, COUNT_OF(fields), base)

static int read_calibration(struct reader *r, yyjson_val *list, struct calibration *c)
{
    static const struct field number = {"calibration", NUMBER, true, 0, 0, 1, NULL};
    size_t n = yyjson_arr_size(list);

    if (!list)
        return 0;
    if (!yyjson_is_arr(list) || n < 2 || n > COUNT_OF(c->knots))
        return BAD(r, "\"calibration\" must be a list of 2 to %zu pairs", COUNT_OF(c->knots));
    for (size_t i = 0; i < n; i++) {
        yyjson_val *pair = yyjson_arr_get(list, i);
        struct knot *k = &c->knots[i];

        if (yyjson_arr_size(pair) != 2)
            return BAD(r, "\"calibration\" holds %s", "something that is not a pair [raw, probability]");
        if (read_number(r, yyjson_arr_get(pair, 0), &number, &k->x) < 0 ||
            read_number(r, yyjson_arr_get(pair, 1), &number, &k->y) < 0)
            return -1;
        if (i && (k->x <= k[-1].x || k->y < k[-1].y))
            return BAD(r, "\"calibration\" must rise: pair %zu does not", i + 1);
    }
    c->n = n;
    return 0;
}

static int read_concepts(struct reader *r, yyjson_val *list, struct card *card)
{
    size_t n = yyjson_arr_size(list);
    struct card_concept *all = arena_array(r->arena, n, sizeof *all);

    if (!yyjson_is_arr(list) || n < 1 || n > CARD_MAX_CONCEPTS)
        return BAD(r, "\"concepts\" must be a list of 1 to %d objects", CARD_MAX_CONCEPTS);
    card->concepts = all;
    for (size_t i = 0; i < n; i++) {
        yyjson_val *obj = yyjson_arr_get(list, i);

        if (READ(r, obj, "a concept", concept_fields, &all[i]) < 0 ||
            read_calibration(r, yyjson_obj_get(obj, "calibration"), &all[i].calibration) < 0)
            return -1;
        if (card_concept(card, all[i].name))
            return BAD(r, "the concept \"%s\" is there twice", all[i].name);
        card->nconcepts = i + 1;
    }
    return 0;
}

/* A label is an object, or only its name when nothing counts it. */
static int read_label(struct reader *r, yyjson_val *v, struct card_label *label)
{
    static const struct field name = {"labels", TEXT, true, 0, 0, SHORT, NULL};

    *label = (struct card_label){.threshold = 1};
    if (yyjson_is_str(v))
        return read_string(r, v, &name, &label->name);
    return READ(r, v, "a label", label_fields, label);
}

static int read_labels(struct reader *r, yyjson_val *list, struct card *card)
{
    size_t n = yyjson_arr_size(list), i, max;
    struct card_label *all;
    yyjson_val *v;

    if (!yyjson_is_arr(list) || n < 1 || n > CARD_MAX_LABELS)
        return BAD(r, "\"labels\" must be a list of 1 to %d labels", CARD_MAX_LABELS);
    all = arena_array(r->arena, n, sizeof *all);
    yyjson_arr_foreach (list, i, max, v) {
        if (read_label(r, v, &all[i]) < 0)
            return -1;
        if (all[i].concept && !card_concept(card, all[i].concept))
            return BAD(r, "the label \"%s\" counts for \"%s\", which is not in \"concepts\"", all[i].name,
                       all[i].concept);
    }
    card->labels = all;
    card->nlabels = n;
    return 0;
}

static bool has_label_for(const struct card *card, const char *concept)
{
    for (size_t i = 0; i < card->nlabels; i++)
        if (text_is(card->labels[i].concept, concept))
            return true;
    return false;
}

/* A concept nothing can trigger would score 0 for ever: as good as a lie. And without people or vehicles
 * there is nothing to make an intrusion score of. */
static int check_concepts(struct reader *r, const struct card *card)
{
    for (size_t i = 0; i < card->nconcepts; i++)
        if (!has_label_for(card, card->concepts[i].name))
            return BAD(r, "no label counts for the concept \"%s\"", card->concepts[i].name);
    if (!card_concept(card, "person") && !card_concept(card, "vehicle"))
        return BAD(r, "a %s model needs the concept \"person\" or \"vehicle\"", card->task);
    return 0;
}

static int read_rule(struct reader *r, yyjson_val *obj, struct risk_rule *rule)
{
    struct err why;

    *rule = risk_rule_defaults();
    if (!obj)
        return 0;
    if (READ(r, obj, "\"rule\"", rule_fields, rule) < 0)
        return -1;
    return risk_rule_check(rule, &why) < 0 ? BAD(r, "%s", why.text) : 0;
}

static int read_input(struct reader *r, yyjson_val *obj, struct card_input *in)
{
    *in = (struct card_input){.scale = 1, .std = {1, 1, 1}, .pad = 114};
    return READ(r, obj, "\"input\"", input_fields, in);
}

static int read_card(struct reader *r, yyjson_val *root, struct head *head)
{
    struct card *card = &head->card;

    if (READ(r, root, "the card", head_fields, head) < 0)
        return -1;
    if (!text_is_hex(head->sha256, HASH_HEX - 1))
        return BAD(r, "\"sha256\" must be %d hex digits", HASH_HEX - 1);
    for (size_t i = 0; i < HASH_HEX; i++)
        card->sha256[i] = head->sha256[i] >= 'A' && head->sha256[i] <= 'F' ? (char)(head->sha256[i] | 0x20)
                                                                           : head->sha256[i];
    if (read_input(r, yyjson_obj_get(root, "input"), &card->input) < 0 ||
        READ(r, yyjson_obj_get(root, "output"), "\"output\"", output_fields, &card->output) < 0 ||
        read_concepts(r, yyjson_obj_get(root, "concepts"), card) < 0 ||
        read_labels(r, yyjson_obj_get(root, "labels"), card) < 0 ||
        read_rule(r, yyjson_obj_get(root, "rule"), &card->rule) < 0)
        return -1;
    return check_concepts(r, card);
}

int card_parse(struct arena *a, struct bytes json, const char *dir, const char *origin, struct card *ret_card,
               struct err *err)
{
    struct err why;
    struct reader r = {a, origin, err};
    struct head head = {0};
    CLEANUP(json_freep) yyjson_doc *doc = json_read(json, CARD_MAX_BYTES, &why);

    if (!doc)
        return BAD(&r, "%s", why.text);
    if (read_card(&r, yyjson_doc_get_root(doc), &head) < 0)
        return -1;
    head.card.file = dir ? arena_printf(a, "%s/%s", dir, head.file) : NULL;
    hash_hex(json, head.card.text_sha256);
    *ret_card = head.card;
    return 0;
}

const struct card_concept *card_concept(const struct card *card, const char *name)
{
    for (size_t i = 0; i < card->nconcepts; i++)
        if (text_is(card->concepts[i].name, name))
            return &card->concepts[i];
    return NULL;
}

struct model_ref card_ref(const struct card *card)
{
    return (struct model_ref){
        .name = card->name,
        .version = card->version,
        .task = card->task,
        .sha256 = card->sha256,
        .card = card->text_sha256,
    };
}
