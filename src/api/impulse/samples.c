/* Lists of samples, and their end. */
#include <stdlib.h>
#include <string.h>

#include "api/impulse/sample_int.h"
#include "base/c23.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"

/* ---- which ones ---- */

/* Better no list than one that looks like the answer. */
static const char *const unsupported[] = {
    "minLength", "maxLength", "minFrequency", "maxFrequency", "minLabel", "maxLabel", "dataType",
    "minId",     "maxId",     "metadata",     "minDate",      "maxDate",  "sortBy",   "proposedActionsJobId"};

static int check_unsupported(struct request *r, struct err *err)
{
    for (size_t i = 0; i < COUNT_OF(unsupported); i++) {
        const char *value = request_query(r, unsupported[i]);
        if (value && *value && !text_is(value, "id-desc"))
            return FAIL(err, ERR_UNSUPPORTED, "this server has no filter '%s'", unsupported[i]);
    }
    return 0;
}

struct choice {
    const char *word;
    int value;
};

static int choose(struct request *r, const char *name, const struct choice *choices, int *ret,
                  struct err *err)
{
    const char *text = request_query(r, name);

    *ret = -1;
    if (!text)
        return 0;
    for (; choices->word; choices++)
        if (text_is(choices->word, text)) {
            *ret = choices->value;
            return 0;
        }
    return FAIL(err, ERR_INPUT, "'%s' in the query has a value that is none of its own", name);
}

static int choose_category(struct request *r, int *ret, struct err *err)
{
    static const struct choice categories[] = {{"training", SAMPLE_TRAINING},
                                               {"training-with-validation", SAMPLE_TRAINING},
                                               {"testing", SAMPLE_TESTING},
                                               {"anomaly", SAMPLE_ANOMALY},
                                               {0}};

    if (!request_query(r, "category"))
        return FAIL(err, ERR_INPUT, "the query must say category=training, testing or anomaly");
    return choose(r, "category", categories, ret, err);
}

static int check_labels(const char *labels, struct err *err)
{
    CLEANUP(json_freep) yyjson_doc *doc = NULL;
    yyjson_val *v;
    size_t i, n;

    if (!labels)
        return 0;
    doc = json_read(bytes_of(labels, strlen(labels)), 64 << 10, NULL);
    if (!yyjson_is_arr(yyjson_doc_get_root(doc)))
        return FAIL(err, ERR_INPUT,
                    "'labels' in the query must be a JSON list of texts: [\"idle\", \"wave\"]");
    yyjson_arr_foreach (yyjson_doc_get_root(doc), i, n, v)
        if (!yyjson_is_str(v))
            return FAIL(err, ERR_INPUT, "'labels' in the query must hold texts only");
    return 0;
}

static int read_filter(struct request *r, int64_t project, struct sample_filter *ret, struct err *err)
{
    static const struct choice validity[] = {{"both", -1}, {"valid", 1}, {"invalid", 0}, {0}};
    static const struct choice disabled[] = {{"both", -1}, {"enabled", 0}, {"disabled", 1}, {0}};

    *ret = (struct sample_filter){.project = project,
                                  .labels = request_query(r, "labels"),
                                  .filename = request_query(r, "filename"),
                                  .search = request_query(r, "search")};
    if (choose_category(r, &ret->category, err) < 0 || check_labels(ret->labels, err) < 0 ||
        choose(r, "signatureValidity", validity, &ret->signature, err) < 0)
        return -1;
    return choose(r, "includeDisabled", disabled, &ret->disabled, err) < 0 ? -1 : check_unsupported(r, err);
}

/* ---- GET raw-data ---- */

enum { LIMIT_DEFAULT = 100 };

struct listing {
    struct request *request;
    struct visit visit;
    struct sample_filter filter;
    int64_t limit, offset;
    bool few; /* labels along them */
};

static int add_rows(struct listing *l, doc_t *doc, val_t *list, struct err *err)
{
    struct arena *a = request_arena(l->request);
    struct sample_row *rows;
    size_t n;

    if (records_list_samples(api_of(l->request)->db, a, &l->filter, l->limit, l->offset, &rows, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        struct sample *s = arena_alloc(a, sizeof *s); /* the document borrows its texts */
        if (sample_of_row(a, &rows[i], &l->visit.project, s, err) < 0)
            return -1;
        yyjson_mut_arr_append(list, impulse_render_sample(doc, s, l->few ? LABELS_SLICE : SIZE_MAX));
    }
    return 0;
}

/* On the desk: a thousand samples take their time. */
static void send_list(void *arg)
{
    CLEANUP(json_mut_freep) doc_t *doc = NULL;
    struct listing *l = arg;
    struct err err;
    int64_t total;
    val_t *root;

    doc = impulse_doc(&root);
    if (records_count_samples(api_of(l->request)->db, &l->filter, &total, &err) < 0 ||
        add_rows(l, doc, yyjson_mut_obj_add_arr(doc, root, "samples"), &err) < 0) {
        impulse_fail(l->request, &l->visit.caller, &err);
        return;
    }
    yyjson_mut_obj_add_int(doc, root, "totalCount", total);
    impulse_answer_take(l->request, TAKE(doc));
}

static int read_page(struct listing *l, struct err *err)
{
    struct request *r = l->request;

    if (read_filter(r, l->visit.project.id, &l->filter, err) < 0 ||
        impulse_query_int(r, "limit", LIMIT_DEFAULT, &l->limit, err) < 0 ||
        impulse_query_int(r, "offset", 0, &l->offset, err) < 0 ||
        impulse_query_bool(r, "truncateStructuredLabels", false, &l->few, err) < 0)
        return -1;
    l->limit = l->limit < SAMPLES_LIMIT ? l->limit : SAMPLES_LIMIT;
    return 0;
}

static void list_run(struct request *r)
{
    struct listing *l = arena_alloc(request_arena(r), sizeof *l);
    struct err err;

    l->request = r;
    if (!impulse_visit(r, "read", &l->visit))
        return;
    if (read_page(l, &err) < 0 || impulse_desk(api_of(r), send_list, l, &err) < 0)
        impulse_fail(r, &l->visit.caller, &err);
}

const struct handler impulse_samples_list = {.run = list_run};

/* ---- GET raw-data/count ---- */

static void count_run(struct request *r)
{
    struct sample_filter filter;
    struct visit v;
    struct err err;
    int64_t n;
    doc_t *doc;
    val_t *root;

    if (!impulse_visit(r, "read", &v))
        return;
    if (read_filter(r, v.project.id, &filter, &err) < 0 ||
        records_count_samples(api_of(r)->db, &filter, &n, &err) < 0) {
        impulse_fail(r, &v.caller, &err);
        return;
    }
    doc = impulse_doc(&root);
    yyjson_mut_obj_add_int(doc, root, "count", n);
    impulse_answer_take(r, doc);
}

const struct handler impulse_samples_count = {.run = count_run};

/* ---- DELETE raw-data/{sampleId} ---- */

static void delete_run(struct request *r)
{
    struct visit v;
    struct err err;
    int64_t id;

    if (!impulse_visit(r, "admin", &v))
        return;
    if (impulse_number(r, "sampleId", &id, &err) < 0 ||
        records_delete_sample(api_of(r)->db, v.project.id, id, v.caller.key_id, impulse_committed, r, &err) <
            0)
        impulse_fail(r, &v.caller, &err);
}

const struct handler impulse_sample_delete = {.run = delete_run};
