/* Operators' feedback: which labels a clip should have had. */
#include <string.h>

#include "api/alarm/alarm_int.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

enum { MAX_CUSTOM = 1000, BODY_MAX = 64 << 10 };

static const char *const standard[] = {"animal",   "flag", "person", "plant", "rain", "spider", "text",
                                       "vehicule", "web",  "wind",   "EMPTY", "FIX",  "N/A"};

static bool is_standard(const char *label)
{
    for (size_t i = 0; i < COUNT_OF(standard); i++)
        if (text_is(standard[i], label))
            return true;
    return false;
}

/* What the words say about whether an alarm was right. FIX and N/A say nothing, and a tenant's own words only
 * when they are these. */
static const struct {
    const char *label;
    enum truth truth;
} truths[] = {
    {"person", TRUTH_ALARM},     {"vehicule", TRUTH_ALARM},
    {"intrusion", TRUTH_ALARM},  {"animal", TRUTH_HARMLESS},
    {"flag", TRUTH_HARMLESS},    {"plant", TRUTH_HARMLESS},
    {"rain", TRUTH_HARMLESS},    {"spider", TRUTH_HARMLESS},
    {"text", TRUTH_HARMLESS},    {"web", TRUTH_HARMLESS},
    {"wind", TRUTH_HARMLESS},    {"EMPTY", TRUTH_HARMLESS},
    {"NOTHING", TRUTH_HARMLESS}, {"false_intrusion", TRUTH_HARMLESS},
};

enum truth alarm_truth(const char *label)
{
    for (size_t i = 0; i < COUNT_OF(truths); i++)
        if (text_is(truths[i].label, label))
            return truths[i].truth;
    return TRUTH_UNKNOWN;
}

/* A request that stores something: what its answer needs once the store has answered. */
struct feedback {
    struct request *request;
    struct caller caller;
    struct bytes answer;
};

static void stored(void *arg, const struct err *err)
{
    struct feedback *f = arg;

    if (err->kind != ERR_NONE)
        alarm_fail(f->request, &f->caller, err);
    else
        alarm_reply(f->request, &f->caller, 200, f->answer);
}

/* The tenant's own words, for a caller who may read; false when the request is answered. */
static bool enter_custom(struct request *r, struct caller *ret_caller, struct custom_label **ret,
                         size_t *ret_n)
{
    struct err err;

    if (!alarm_enter(r, "read", ret_caller))
        return false;
    if (records_custom_labels(api_of(r)->db, request_arena(r), ret_caller->tenant, ret, ret_n, &err) == 0)
        return true;
    alarm_fail(r, ret_caller, &err);
    return false;
}

/* The body of a caller who may submit; NULL when the request is answered. */
static yyjson_doc *enter_body(struct request *r, struct caller *ret_caller)
{
    yyjson_doc *doc;
    struct err err;

    if (!alarm_enter(r, "submit", ret_caller))
        return NULL;
    doc = json_read(request_body(r), BODY_MAX, &err);
    if (!doc)
        alarm_fail(r, ret_caller, &err);
    return doc;
}

/* ---- OPTIONS and GET /label ---- */

static void label_list_run(struct request *r)
{
    CLEANUP(json_mut_freep) yyjson_mut_doc *doc = json_doc_new();
    yyjson_mut_val *root = yyjson_mut_obj(doc), *list;
    struct custom_label *custom;
    struct caller caller;
    size_t n;

    if (!enter_custom(r, &caller, &custom, &n))
        return;
    yyjson_mut_doc_set_root(doc, root);
    list = yyjson_mut_obj_add_arr(doc, root, "standard");
    for (size_t i = 0; i < COUNT_OF(standard); i++)
        yyjson_mut_arr_add_str(doc, list, standard[i]);
    list = yyjson_mut_obj_add_arr(doc, root, "custom");
    for (size_t i = 0; i < n; i++)
        if (!is_standard(custom[i].value))
            yyjson_mut_arr_add_str(doc, list, custom[i].value);
    alarm_reply(r, &caller, 200, json_write(request_arena(r), doc));
}

const struct handler alarm_label_list = {.run = label_list_run};

/* ---- POST /label/{id}, POST /flow/labels ---- */

static struct bytes label_entry(struct arena *a, const struct api *api, const struct label_row *row,
                                const struct job_row *job)
{
    CLEANUP(json_mut_freep) yyjson_mut_doc *doc = json_doc_new();
    yyjson_mut_val *root = yyjson_mut_obj(doc), *data;
    char when[CLOCK_TEXT];

    yyjson_mut_doc_set_root(doc, root);
    data = yyjson_mut_obj_add_obj(doc, root, "data");
    yyjson_mut_obj_add_str(doc, data, "id", row->id);
    yyjson_mut_obj_add_int(doc, data, "analyseId",
                           job->number ? job->number
                                       : (int64_t)hash_crc32(bytes_of(job->id, strlen(job->id))));
    yyjson_mut_obj_add_str(doc, data, "videoName", job->name);
    yyjson_mut_obj_add(data, yyjson_mut_str(doc, "labels"),
                       yyjson_mut_rawn(doc, (const char *)row->labels.data, row->labels.len));
    yyjson_mut_obj_add_str(doc, data, "createdAt", clock_rfc3339(when, row->created_us));
    yyjson_mut_obj_add_str(doc, data, "userId", "000000000000000000000000");
    yyjson_mut_obj_add_bool(doc, data, "backup", false);
    yyjson_mut_obj_add_str(doc, data, "version", api->version);
    yyjson_mut_obj_add_str(doc, data, "comment", row->comment);
    yyjson_mut_obj_add_bool(doc, root, "success", true);
    return json_write(a, doc);
}

/* The labels of `body` for the job, stored and answered. */
static void add_label(struct request *r, const struct caller *caller, const char *id, yyjson_val *body)
{
    struct arena *a = request_arena(r);
    struct feedback *f = arena_alloc(a, sizeof *f);
    struct label_row row = {.tenant = caller->tenant, .created_us = clock_wall_us()};
    struct alarm_feedback given;
    struct job_row job;
    struct err err;

    *f = (struct feedback){.request = r, .caller = *caller};
    if (alarm_parse_labels(a, body, &given, &err) == 0 &&
        records_get_job(api_of(r)->db, a, caller->tenant, id, &job, &err) == 0) {
        id_new(row.id, row.created_us);
        row.job = job.id;
        row.labels = given.labels;
        row.comment = given.comment;
        f->answer = label_entry(a, api_of(r), &row, &job);
        if (records_add_label(api_of(r)->db, &row, stored, f, &err) == 0)
            return;
    }
    alarm_fail(r, caller, &err);
}

static void label_add_run(struct request *r)
{
    CLEANUP(json_freep) yyjson_doc *doc = NULL;
    struct caller caller;
    const char *id = alarm_enter_id(r, "submit", &caller);
    struct err err;

    if (!id)
        return;
    doc = json_read(request_body(r), BODY_MAX, &err);
    if (doc)
        add_label(r, &caller, id, yyjson_doc_get_root(doc));
    else
        alarm_fail(r, &caller, &err);
}

const struct handler alarm_label_add = {.run = label_add_run};

/* The same with the id in the body. */
static void flow_label_add_run(struct request *r)
{
    struct caller caller;
    CLEANUP(json_freep) yyjson_doc *doc = enter_body(r, &caller);
    const char *id;

    if (!doc)
        return;
    id = json_str(request_arena(r), yyjson_doc_get_root(doc), "id", "");
    if (!id_is_valid(id))
        alarm_fail_as(r, &caller, 412, "id must be a result id of 24 hexadecimal digits");
    else
        add_label(r, &caller, id, yyjson_doc_get_root(doc));
}

const struct handler alarm_flow_label_add = {.run = flow_label_add_run};

/* ---- GET and POST /flow/labels/custom ---- */

static void custom_list_run(struct request *r)
{
    CLEANUP(json_mut_freep) yyjson_mut_doc *doc = json_doc_new();
    yyjson_mut_val *root = yyjson_mut_obj(doc), *list;
    struct custom_label *custom;
    struct caller caller;
    size_t n;

    if (!enter_custom(r, &caller, &custom, &n))
        return;
    yyjson_mut_doc_set_root(doc, root);
    list = yyjson_mut_obj_add_arr(doc, root, "labels");
    for (size_t i = 0; i < n; i++) {
        yyjson_mut_val *o = yyjson_mut_arr_add_obj(doc, list);
        yyjson_mut_obj_add_str(doc, o, "value", custom[i].value);
        if (custom[i].label)
            yyjson_mut_obj_add_str(doc, o, "label", custom[i].label);
    }
    alarm_reply(r, &caller, 200, json_write(request_arena(r), doc));
}

const struct handler alarm_custom_list = {.run = custom_list_run};

static int check_custom(struct request *r, const char *tenant, size_t more, struct err *err)
{
    struct custom_label *have;
    size_t n;

    if (records_custom_labels(api_of(r)->db, request_arena(r), tenant, &have, &n, err) < 0)
        return -1;
    return n + more > MAX_CUSTOM ? FAIL(err, ERR_LIMIT, "more than %d own labels", MAX_CUSTOM) : 0;
}

/* All writes go into the writer's queue in one go; the last one answers for all of them. */
static void add_custom(struct request *r, const struct caller *caller, const struct custom_label *labels,
                       size_t n)
{
    static const char ok[] = "{\"success\":true}";
    struct feedback *f = arena_alloc(request_arena(r), sizeof *f);
    struct err err;

    *f = (struct feedback){.request = r, .caller = *caller, .answer = bytes_of(ok, sizeof ok - 1)};
    for (size_t i = 0; i < n; i++) {
        bool last = i + 1 == n;
        if (records_add_custom_label(api_of(r)->db, caller->tenant, labels[i].value, labels[i].label,
                                     last ? stored : NULL, f, &err) < 0) {
            alarm_fail(r, caller, &err);
            return;
        }
    }
}

static void custom_add_run(struct request *r)
{
    struct caller caller;
    CLEANUP(json_freep) yyjson_doc *doc = enter_body(r, &caller);
    struct custom_label *labels;
    size_t n;
    struct err err;

    if (!doc)
        return;
    if (alarm_parse_custom(request_arena(r), yyjson_doc_get_root(doc), &labels, &n, &err) < 0 ||
        check_custom(r, caller.tenant, n, &err) < 0)
        alarm_fail(r, &caller, &err);
    else
        add_custom(r, &caller, labels, n);
}

const struct handler alarm_custom_add = {.run = custom_add_run};
