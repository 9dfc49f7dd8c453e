/* Projects: what clients ask for after they have a key. A tenant's first project is made when it is first
 * asked for; the others by POST projects/create. */
#include <string.h>

#include "api/impulse/sample_int.h"
#include "base/cleanup.h"
#include "base/text.h"

/* ---- how one looks ---- */

static void add_project(doc_t *doc, val_t *o, const struct project_row *p)
{
    yyjson_mut_obj_add_int(doc, o, "id", p->id);
    yyjson_mut_obj_add_str(doc, o, "name", p->name);
    yyjson_mut_obj_add_str(doc, o, "description", "");
    impulse_add_time(doc, o, "created", p->created_us);
    yyjson_mut_obj_add_str(doc, o, "owner", p->tenant);
    yyjson_mut_obj_add_bool(doc, o, "ownerIsDeveloperProfile", false);
    yyjson_mut_obj_add_arr(doc, o, "collaborators");
    yyjson_mut_obj_add_str(doc, o, "labelingMethod", "single_label");
    yyjson_mut_obj_add_obj(doc, o, "metadata");
    yyjson_mut_obj_add_bool(doc, o, "isEnterpriseProject", false);
    yyjson_mut_obj_add_null(doc, o, "whitelabelId");
    yyjson_mut_obj_add_str(doc, o, "tier", "free");
    yyjson_mut_obj_add_bool(doc, o, "hasPublicVersion", false);
    yyjson_mut_obj_add_bool(doc, o, "isPublic", false);
    yyjson_mut_obj_add_bool(doc, o, "allowsLivePublicAccess", false);
    yyjson_mut_obj_add_bool(doc, o, "indPauseProcessingSamples", false);
    yyjson_mut_obj_add_bool(doc, o, "publicProjectListed", false);
}

/* apiKey: the one that was used to ask; no other is known in clear text. */
static void add_keys(struct request *r, doc_t *doc, val_t *o, const struct project_row *p)
{
    yyjson_mut_obj_add_str(doc, o, "apiKey", key_presented(r, true));
    yyjson_mut_obj_add_str(doc, o, "hmacKey", p->hmac_key);
}

/* ---- GET projects ---- */

struct listing {
    struct request *request;
    struct caller caller;
};

static void send_list(struct request *r, const struct project_row *rows, size_t n)
{
    val_t *root, *list;
    doc_t *doc = impulse_doc(&root);

    list = yyjson_mut_obj_add_arr(doc, root, "projects");
    for (size_t i = 0; i < n; i++)
        add_project(doc, yyjson_mut_arr_add_obj(doc, list), &rows[i]);
    impulse_answer_take(r, doc);
}

/* On the desk. */
static void make_first(void *arg)
{
    struct listing *l = arg;
    struct project_row row;
    struct err err;

    if (records_first_project(api_of(l->request)->db, request_arena(l->request), l->caller.tenant, &row,
                              &err) < 0)
        impulse_fail(l->request, &l->caller, &err);
    else
        send_list(l->request, &row, 1);
}

static void list_run(struct request *r)
{
    struct listing *l = arena_alloc(request_arena(r), sizeof *l);
    struct project_row *rows;
    struct err err = {0};
    size_t n;

    l->request = r;
    if (!impulse_enter(r, "read", &l->caller))
        return;
    if (records_list_projects(api_of(r)->db, request_arena(r), l->caller.tenant, &rows, &n, &err) < 0)
        impulse_fail(r, &l->caller, &err);
    else if (n)
        send_list(r, rows, n);
    else if (impulse_desk(api_of(r), make_first, l, &err) < 0)
        impulse_fail(r, &l->caller, &err);
}

const struct handler impulse_projects_list = {.run = list_run};

/* ---- POST projects/create ---- */

struct creation {
    struct request *request;
    int64_t id;
};

static void created(void *arg, const struct err *err)
{
    struct creation *c = arg;
    val_t *root;
    doc_t *doc;

    if (err->kind != ERR_NONE) {
        /* Over the ceiling is no matter of the request's size. */
        struct err why = *err;
        why.kind = why.kind == ERR_LIMIT ? ERR_CONFLICT : why.kind;
        impulse_fail(c->request, NULL, &why);
        return;
    }
    doc = impulse_doc(&root);
    yyjson_mut_obj_add_int(doc, root, "id", c->id);
    yyjson_mut_obj_add_str(doc, root, "apiKey", key_presented(c->request, true));
    impulse_answer_take(c->request, doc);
}

static int check_name(const char *name, struct err *err)
{
    if (!*name || strlen(name) > PROJECT_NAME_MAX)
        return FAIL(err, ERR_INPUT, "'projectName' must be a text of 1 to %d bytes", PROJECT_NAME_MAX);
    return 0;
}

static void create_run(struct request *r)
{
    CLEANUP(json_freep) yyjson_doc *body = NULL;
    struct creation *c = arena_alloc(request_arena(r), sizeof *c);
    struct api *api = api_of(r);
    struct project_order order;
    struct caller caller;
    struct err err;

    c->request = r;
    if (!impulse_enter(r, "submit", &caller) || !(body = impulse_body(r, 64 << 10)))
        return;
    order = (struct project_order){
        .tenant = caller.tenant,
        .who = caller.key_id,
        .max = api->opts.impulse.max_projects,
        .name = json_str(request_arena(r), yyjson_doc_get_root(body), "projectName", "")};
    if (check_name(order.name, &err) < 0 ||
        records_add_project(api->db, &order, &c->id, created, c, &err) < 0)
        impulse_fail(r, &caller, &err);
}

const struct handler impulse_project_create = {.run = create_run};

/* ---- GET {projectId} ---- */

struct survey {
    struct request *request;
    struct visit visit;
};

/* category -1: of all. */
static void add_summary(doc_t *doc, val_t *to, const struct sample_sum *sums, size_t n, int category)
{
    val_t *labels = yyjson_mut_arr(doc);
    const char *last = NULL;
    double length = 0;
    int64_t count = 0;

    for (size_t i = 0; i < n; i++) {
        if (category >= 0 && (int)sums[i].category != category)
            continue;
        length += sums[i].length_ms;
        count += sums[i].n;
        if (sums[i].label && !text_is(sums[i].label, last))
            yyjson_mut_arr_add_str(doc, labels, last = sums[i].label);
    }
    yyjson_mut_obj_add_real(doc, to, "totalLengthMs", length);
    yyjson_mut_obj_add_int(doc, to, "totalLabels", (int64_t)yyjson_mut_arr_size(labels));
    yyjson_mut_obj_add(to, yyjson_mut_str(doc, "labels"), labels);
    yyjson_mut_obj_add_int(doc, to, "dataCount", count);
}

static void add_summaries(doc_t *doc, val_t *root, const struct sample_sum *sums, size_t n)
{
    val_t *per;

    add_summary(doc, yyjson_mut_obj_add_obj(doc, root, "dataSummary"), sums, n, SAMPLE_TRAINING);
    per = yyjson_mut_obj_add_obj(doc, root, "dataSummaryPerCategory");
    for (int i = 0; i < SAMPLE_CATEGORIES; i++)
        add_summary(doc, yyjson_mut_obj_add_obj(doc, per, sample_category_name((enum sample_category)i)),
                    sums, n, i);
}

/* On the desk: it looks at every sample. */
static void send_project(void *arg)
{
    struct survey *s = arg;
    struct request *r = s->request;
    const struct project_row *p = &s->visit.project;
    struct sample_sum *sums;
    struct err err;
    size_t n;
    doc_t *doc;
    val_t *root;

    if (records_sum_samples(api_of(r)->db, request_arena(r), p->id, &sums, &n, &err) < 0) {
        impulse_fail(r, &s->visit.caller, &err);
        return;
    }
    doc = impulse_doc(&root);
    add_project(doc, yyjson_mut_obj_add_obj(doc, root, "project"), p);
    if (caller_may(&s->visit.caller, "submit"))
        add_keys(r, doc, yyjson_mut_obj_add_obj(doc, root, "developmentKeys"), p);
    else
        yyjson_mut_obj_add_obj(doc, root, "developmentKeys");
    yyjson_mut_obj_add_arr(doc, root, "devices");
    yyjson_mut_obj_add_arr(doc, root, "collaborators");
    yyjson_mut_obj_add_arr(doc, root, "experiments");
    add_summaries(doc, root, sums, n);
    impulse_answer_take(r, doc);
}

static void info_run(struct request *r)
{
    struct survey *s = arena_alloc(request_arena(r), sizeof *s);
    struct err err;

    s->request = r;
    if (impulse_visit(r, "read", &s->visit) && impulse_desk(api_of(r), send_project, s, &err) < 0)
        impulse_fail(r, &s->visit.caller, &err);
}

const struct handler impulse_project_info = {.run = info_run};

/* ---- GET {projectId}/public-info, {projectId}/devkeys ---- */

static void public_run(struct request *r)
{
    struct visit v;
    doc_t *doc;
    val_t *root;

    if (!impulse_visit(r, "read", &v))
        return;
    doc = impulse_doc(&root);
    yyjson_mut_obj_add_int(doc, root, "id", v.project.id);
    yyjson_mut_obj_add_str(doc, root, "name", v.project.name);
    yyjson_mut_obj_add_str(doc, root, "description", "");
    impulse_add_time(doc, root, "created", v.project.created_us);
    yyjson_mut_obj_add_str(doc, root, "owner", v.project.tenant);
    yyjson_mut_obj_add_str(doc, root, "publicUrl", "");
    yyjson_mut_obj_add_str(doc, root, "labelingMethod", "single_label");
    yyjson_mut_obj_add_int(doc, root, "pageViewCount", 0);
    yyjson_mut_obj_add_int(doc, root, "cloneCount", 0);
    yyjson_mut_obj_add_arr(doc, root, "tags");
    impulse_answer_take(r, doc);
}

const struct handler impulse_project_public = {.run = public_run};

/* Who may sign for the project may also upload to it. */
static void devkeys_run(struct request *r)
{
    struct visit v;
    doc_t *doc;
    val_t *root;

    if (!impulse_visit(r, "submit", &v))
        return;
    doc = impulse_doc(&root);
    add_keys(r, doc, root, &v.project);
    impulse_answer_take(r, doc);
}

const struct handler impulse_project_devkeys = {.run = devkeys_run};

/* ---- DELETE {projectId} ---- */

static void delete_run(struct request *r)
{
    struct visit v;
    struct err err;

    if (impulse_visit(r, "admin", &v) &&
        records_delete_project(api_of(r)->db, v.caller.tenant, v.project.id, v.caller.key_id,
                               impulse_committed, r, &err) < 0)
        impulse_fail(r, &v.caller, &err);
}

const struct handler impulse_project_delete = {.run = delete_run};
