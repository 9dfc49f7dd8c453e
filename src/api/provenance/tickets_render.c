/* What requests about tickets say, and what they are answered. Pure. */
#include <stdio.h>
#include <string.h>

#include "api/provenance/provenance_int.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "report/json.h"

/* ---- fields ---- */

struct ticket_ask ticket_ask_defaults(void)
{
    return (struct ticket_ask){.models = TAMPER_ALL};
}

/* Behind the name stands nothing, "[]" or "[7]". */
static const char *behind_name(const char *name, const char *word)
{
    return text_starts(name, word) ? name + strlen(word) : NULL;
}

bool is_list_field(const char *name, const char *word)
{
    const char *s = behind_name(name, word);

    if (!s || !*s)
        return s != NULL;
    if (*s++ != '[')
        return false;
    s += strspn(s, "0123456789");
    return text_is(s, "]");
}

const char *ticket_field_name(const char *name)
{
    return is_list_field(name, "ref_ids") ? "ref_ids" : is_list_field(name, "models") ? "models" : NULL;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static int add_ref(struct arena *a, struct ticket_ask *ask, const char *s, size_t n, struct err *err)
{
    bool fine = n <= REF_ID_BYTES && text_is_utf8(s, n);

    for (size_t i = 0; i < n; i++)
        fine &= (unsigned char)s[i] >= ' ' && s[i] != 0x7f;
    if (!fine)
        return FAIL(err, ERR_INPUT,
                    "The ref_ids must be texts of at most 255 bytes without control characters.");
    if (ask->nrefs == PARTS_MAX)
        return FAIL(err, ERR_INPUT, "The ref_ids must not have more than %d items.", PARTS_MAX);
    ask->refs[ask->nrefs++] = arena_strndup(a, s, n);
    return 0;
}

static int add_model(struct arena *a, struct ticket_ask *ask, const char *s, size_t n, struct err *err)
{
    enum tamper_model m;

    (void)a;
    if (!n)
        return 0;
    if (!tamper_model_parse(s, n, &m))
        return FAIL(err, ERR_INPUT,
                    "The models must be among error-level, double-jpeg, copy-move, metadata.");
    ask->models |= 1u << m;
    return 0;
}

typedef int add_one(struct arena *a, struct ticket_ask *ask, const char *s, size_t n, struct err *err);

/* Blanks around each are nothing. */
static int add_trimmed(struct arena *a, struct ticket_ask *ask, const char *s, size_t n, add_one *add,
                       struct err *err)
{
    while (n > 0 && is_blank(*s)) {
        s++;
        n--;
    }
    while (n > 0 && is_blank(s[n - 1]))
        n--;
    return add(a, ask, s, n, err);
}

static int add_list(struct arena *a, struct ticket_ask *ask, struct bytes value, add_one *add,
                    struct err *err)
{
    const char *s = (const char *)value.data, *end = s + value.len;

    for (;;) {
        const char *comma = s < end ? memchr(s, ',', (size_t)(end - s)) : NULL;
        if (add_trimmed(a, ask, s, (size_t)((comma ? comma : end) - s), add, err) < 0)
            return -1;
        if (!comma)
            return 0;
        s = comma + 1;
    }
}

/* "name" is a list with commas, "name[]" one of an array. */
static int add_field(struct arena *a, struct ticket_ask *ask, const char *rest, struct bytes value,
                     add_one *add, struct err *err)
{
    if (!value.len)
        return 0;
    return *rest ? add(a, ask, (const char *)value.data, value.len, err) : add_list(a, ask, value, add, err);
}

int ticket_field(struct arena *a, struct ticket_ask *ask, const char *name, struct bytes value,
                 struct err *err)
{
    if (is_list_field(name, "ref_ids"))
        return add_field(a, ask, behind_name(name, "ref_ids"), value, add_ref, err);
    if (!is_list_field(name, "models"))
        return 0;
    if (!ask->models_given)
        ask->models = 0;
    ask->models_given = true;
    return add_field(a, ask, behind_name(name, "models"), value, add_model, err);
}

/* ---- notes ---- */

enum { TICKET_NOTES_MAX = 256 << 10 };

static void put_text(doc_t *doc, val_t *obj, const char *key, const char *text)
{
    if (text)
        yyjson_mut_obj_add_strcpy(doc, obj, key, text);
    else
        yyjson_mut_obj_add_null(doc, obj, key);
}

struct bytes ticket_notes_to_json(struct arena *a, const struct ticket_notes *n)
{
    CLEANUP(json_mut_freep) doc_t *doc = json_doc_new();
    val_t *root = yyjson_mut_obj(doc), *all, *one;

    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "media", "tickets");
    all = yyjson_mut_obj_add_arr(doc, root, "tickets");
    for (size_t i = 0; i < n->n; i++) {
        one = yyjson_mut_arr_add_obj(doc, all);
        put_text(doc, one, "name", n->names[i]);
        if (n->ref_ids)
            put_text(doc, one, "ref_id", n->ref_ids[i]);
    }
    return json_write(a, doc);
}

int ticket_notes_from_json(struct arena *a, struct bytes json, struct ticket_notes *ret, struct err *err)
{
    CLEANUP(json_freep) yyjson_doc *doc = json_read(json, TICKET_NOTES_MAX, err);
    yyjson_val *root = yyjson_doc_get_root(doc), *all = yyjson_obj_get(root, "tickets"), *one;
    size_t i, n = yyjson_arr_size(all), max;
    const char **names, **refs;

    if (!doc)
        return -1;
    if (!text_is(json_str(a, root, "media", ""), "tickets") || !n || n > PARTS_MAX)
        return FAIL(err, ERR_INTERNAL, "the notes of a batch cannot be read");
    names = arena_array(a, n, sizeof *names);
    refs = arena_array(a, n, sizeof *refs);
    yyjson_arr_foreach (all, i, max, one) {
        names[i] = json_str(a, one, "name", "");
        refs[i] = json_str(a, one, "ref_id", NULL);
    }
    *ret = (struct ticket_notes){n, names, refs};
    return 0;
}

/* ---- the answers ---- */

void ticket_identifier(const char *batch, size_t ticket, size_t picture, char ret[ID_TEXT])
{
    char text[128], hex[HASH_HEX];
    int n = snprintf(text, sizeof text, "ticket/%.24s/%zu/%zu", batch, ticket, picture);

    hash_hex(bytes_of(text, (size_t)n), hex);
    text_copy(ret, ID_TEXT, hex);
}

static val_t *head(doc_t *doc, const char *batch, const struct ticket_notes *n, size_t ticket, size_t picture)
{
    val_t *o = yyjson_mut_obj(doc);
    char id[ID_TEXT];

    ticket_identifier(batch, ticket, picture, id);
    put_text(doc, o, "identifier", id);
    put_text(doc, o, "ref_id", n->ref_ids ? n->ref_ids[ticket] : NULL);
    return o;
}

struct bytes tickets_render_batch(struct arena *a, const char *batch, const struct ticket_notes *n)
{
    CLEANUP(json_mut_freep) doc_t *doc = json_doc_new();
    val_t *root = yyjson_mut_obj(doc), *all;

    yyjson_mut_doc_set_root(doc, root);
    put_text(doc, root, "batch_id", batch);
    yyjson_mut_obj_add_uint(doc, root, "total_tickets", n->n);
    all = yyjson_mut_obj_add_arr(doc, root, "submissions");
    for (size_t i = 0; i < n->n; i++)
        yyjson_mut_arr_append(all, head(doc, batch, n, i, 0));
    return json_write(a, doc);
}

static const char *label(bool tampered)
{
    return tampered ? "tampered" : "authentic";
}

static void put_answer(doc_t *doc, val_t *o, const struct tamper_answer *a)
{
    yyjson_mut_obj_add_real(doc, o, "confidence", a->confidence);
    yyjson_mut_obj_add_str(doc, o, "classification", label(a->tampered));
    if (a->unknown)
        yyjson_mut_obj_add_bool(doc, o, "unknown", true);
}

static void put_verdicts(doc_t *doc, val_t *o, const struct tamper_answer rulings[TAMPER_HEURISTICS])
{
    val_t *all, *one;

    put_answer(doc, yyjson_mut_obj_add_obj(doc, o, "verdict"), &rulings[TAMPER_MAIN]);
    all = yyjson_mut_obj_add_arr(doc, o, "verdicts");
    for (int h = 0; h < TAMPER_HEURISTICS; h++) {
        one = yyjson_mut_arr_add_obj(doc, all);
        yyjson_mut_obj_add_str(doc, one, "heuristic", tamper_heuristic_name((enum tamper_heuristic)h));
        yyjson_mut_obj_add_str(doc, one, "description",
                               tamper_heuristic_description((enum tamper_heuristic)h));
        put_answer(doc, one, &rulings[h]);
    }
}

static void put_score(doc_t *doc, val_t *all, bool tampered, double score)
{
    val_t *o = yyjson_mut_arr_add_obj(doc, all);

    yyjson_mut_obj_add_str(doc, o, "label", label(tampered));
    yyjson_mut_obj_add_real(doc, o, "score", score);
}

static void put_box(doc_t *doc, val_t *obj, const struct box *b)
{
    val_t *o = yyjson_mut_obj_add_obj(doc, obj, "box");

    yyjson_mut_obj_add_real(doc, o, "x1", (double)b->x);
    yyjson_mut_obj_add_real(doc, o, "x2", (double)b->x + (double)b->w);
    yyjson_mut_obj_add_real(doc, o, "y1", (double)b->y);
    yyjson_mut_obj_add_real(doc, o, "y2", (double)b->y + (double)b->h);
}

static void put_details(doc_t *doc, val_t *obj, const struct tamper_evidence *e)
{
    val_t *o = yyjson_mut_obj_add_obj(doc, obj, "classification_details"), *all, *one;

    if (e->code) {
        put_text(doc, o, "code", e->code);
        return;
    }
    yyjson_mut_obj_add_real(doc, o, "confidence", e->score >= e->threshold ? e->score : 1 - e->score);
    all = yyjson_mut_obj_add_arr(doc, o, "performance");
    for (size_t i = 0; i < e->nnumbers; i++) {
        one = yyjson_mut_arr_add_obj(doc, all);
        put_text(doc, one, "name", e->numbers[i].name);
        yyjson_mut_obj_add_real(doc, one, "value", e->numbers[i].value);
    }
    if (e->has_box)
        put_box(doc, o, &e->box);
}

/* The higher score first. */
static val_t *evidence_value(doc_t *doc, const struct tamper_evidence *e)
{
    val_t *o = yyjson_mut_obj(doc), *all;
    bool first = e->score >= 0.5;

    yyjson_mut_obj_add_str(doc, o, "model", tamper_model_name(e->model));
    yyjson_mut_obj_add_bool(doc, o, "unknown", e->code != NULL);
    yyjson_mut_obj_add_real(doc, o, "elapsed_time", e->seconds);
    all = yyjson_mut_obj_add_arr(doc, o, "classification");
    if (!e->code) {
        put_score(doc, all, first, first ? e->score : 1 - e->score);
        put_score(doc, all, !first, first ? 1 - e->score : e->score);
    }
    put_details(doc, o, e);
    return o;
}

static void put_error(doc_t *doc, val_t *obj, const char *code, const char *text)
{
    val_t *o = yyjson_mut_obj_add_obj(doc, obj, "error");

    put_text(doc, o, "code", code);
    put_text(doc, o, "message", text);
}

static val_t *item_value(doc_t *doc, const char *batch, const struct ticket_notes *n,
                         const struct tamper_item *item)
{
    val_t *o = head(doc, batch, n, item->part, item->picture), *all;

    yyjson_mut_obj_add_str(doc, o, "status", "done");
    put_text(doc, o, "hash", *item->sha256 ? item->sha256 : NULL);
    put_text(doc, o, "name", n->names[item->part]);
    if (item->picture)
        yyjson_mut_obj_add_uint(doc, o, "picture", item->picture);
    put_verdicts(doc, o, item->rulings);
    all = yyjson_mut_obj_add_arr(doc, o, "results");
    for (size_t i = 0; i < item->nevidence; i++)
        yyjson_mut_arr_append(all, evidence_value(doc, &item->evidence[i]));
    yyjson_mut_obj_add(o, yyjson_mut_str(doc, "c2pa"),
                       item->credentials.json ? yyjson_mut_rawcpy(doc, item->credentials.json)
                                              : yyjson_mut_null(doc));
    if (item->error.kind != ERR_NONE)
        put_error(doc, o, err_code(item->error.kind), item->error.text);
    return o;
}

/* Of a batch that came to nothing: nobody knows, and why. */
static val_t *lost_value(doc_t *doc, const struct job_row *job, const struct ticket_notes *n, size_t i)
{
    val_t *o = head(doc, job->id, n, i, 0);
    struct tamper_item nothing = {0};

    tamper_item_decide(&nothing);
    yyjson_mut_obj_add_str(doc, o, "status", "done");
    yyjson_mut_obj_add_null(doc, o, "hash");
    put_text(doc, o, "name", n->names[i]);
    put_verdicts(doc, o, nothing.rulings);
    yyjson_mut_obj_add_arr(doc, o, "results");
    yyjson_mut_obj_add_null(doc, o, "c2pa");
    put_error(doc, o, job->error_code ? job->error_code : job->state,
              job->error_text && *job->error_text ? job->error_text : "The analysis failed.");
    return o;
}

static val_t *waiting_value(doc_t *doc, const struct job_row *job, const struct ticket_notes *n, size_t i)
{
    val_t *o = head(doc, job->id, n, i, 0);

    yyjson_mut_obj_add_str(doc, o, "status", "inprogress");
    return o;
}

/* NULL: there is nothing. */
static int find_items(struct arena *a, const struct job_row *job, const struct ticket_notes *n,
                      const struct tampering **ret, struct err *err)
{
    struct report *report;

    *ret = NULL;
    if (!text_is(job->state, "done"))
        return 0;
    if (report_from_json(a, job->report, &report, err) < 0 || !report->tampering)
        return FAIL(err, ERR_INTERNAL, "a stored result cannot be read");
    for (size_t i = 0; i < report->tampering->nitems; i++)
        if (report->tampering->items[i].part >= n->n)
            return FAIL(err, ERR_INTERNAL, "a stored result does not fit its batch");
    *ret = report->tampering;
    return 0;
}

int tickets_render(struct arena *a, const struct job_row *job, const struct ticket_notes *n,
                   struct bytes *ret, struct err *err)
{
    CLEANUP(json_mut_freep) doc_t *doc = json_doc_new();
    bool waits = text_is(job->state, "new") || text_is(job->state, "claimed");
    val_t *root = yyjson_mut_obj(doc), *all;
    const struct tampering *t;
    size_t total;

    if (find_items(a, job, n, &t, err) < 0)
        return -1;
    total = t ? t->nitems : n->n;
    yyjson_mut_doc_set_root(doc, root);
    put_text(doc, root, "identifier", job->id);
    yyjson_mut_obj_add_bool(doc, root, "done", !waits);
    yyjson_mut_obj_add_uint(doc, root, "total_results", total);
    all = yyjson_mut_obj_add_arr(doc, root, "results");
    for (size_t i = 0; i < total; i++)
        yyjson_mut_arr_append(all, t       ? item_value(doc, job->id, n, &t->items[i])
                                   : waits ? waiting_value(doc, job, n, i)
                                           : lost_value(doc, job, n, i));
    *ret = json_write(a, doc);
    return 0;
}
