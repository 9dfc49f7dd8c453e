#include "api/impulse/hosted.h"

#include "api/impulse/upper_int.h"
#include "base/cleanup.h"

enum { MODELS_MAX_BYTES = 256 << 20 };

static struct api api_of_host(const struct host *h)
{
    return (struct api){.db = h->db, .blobs = h->blobs};
}

int hosted_find(const struct host *h, struct arena *a, int64_t id, struct project_row *ret_project,
                struct impulse_row *ret_row, struct err *err)
{
    struct project_row *projects;
    size_t n;

    if (records_list_projects(h->db, a, h->tenant, &projects, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (records_impulse(h->db, a, projects[i].id, id, ret_row, err) == 0) {
            *ret_project = projects[i];
            return 0;
        }
        if (err->kind != ERR_NOT_FOUND)
            return -1;
    }
    if (id)
        return FAIL(err, ERR_NOT_FOUND,
                    "'%.64s' has no impulse %lld; `assay impulse list` shows what there is", h->tenant,
                    (long long)id);
    return FAIL(err, ERR_NOT_FOUND, "'%.64s' has no impulse yet; `assay impulse import` brings one",
                h->tenant);
}

int hosted_read(const struct host *h, struct arena *a, const struct impulse_row *row, struct impulse *ret,
                bool *ret_complete, struct err *err)
{
    struct api api = api_of_host(h);
    struct definition def;

    if (definition_read(a, row->definition, &def, err) < 0)
        return -1;
    *ret = def.impulse;
    *ret_complete = impulse_is_complete(&api, a, row);
    return 0;
}

int hosted_open(const struct host *h, struct arena *a, int64_t id, const char *variant, struct hosted *ret,
                struct err *err)
{
    CLEANUP(bundle_freep) struct bundle *b = NULL;
    struct api api = api_of_host(h);
    struct loaded *l = arena_alloc(a, sizeof *l);
    struct load_ask ask = {.variant = variant};

    if (hosted_find(h, a, id, &ret->project, &ret->row, err) < 0)
        return -1;
    ask.project = ret->project.id;
    ask.impulse = ret->row.id;
    if (impulse_load(&api, a, &ask, l, err) < 0 || !(b = bundle_memory(&api, a, MODELS_MAX_BYTES, err)) ||
        bundle_add_models(b, l, err) < 0)
        return -1;
    ret->impulse = l->impulse;
    ret->left_out = l->left_out;
    ret->variant = l->variant;
    ret->parts = b->parts;
    ret->nparts = b->nparts;
    ret->fd = TAKE_FD(b->fd);
    return 0;
}

void hosted_clear(struct hosted *h)
{
    fd_closep(&h->fd);
}

int hosted_definition(struct arena *a, const struct impulse *p, int64_t now_us, struct bytes *ret,
                      struct err *err)
{
    CLEANUP(json_mut_freep) doc_t *doc = json_doc_new();
    CLEANUP(json_freep) yyjson_doc *wire = NULL;
    val_t *root = yyjson_mut_obj(doc);
    int64_t input = 1;

    for (size_t i = 0; i < p->ndsp; i++)
        input = p->dsp[i].id >= input ? p->dsp[i].id + 1 : input;
    for (size_t i = 0; i < p->nlearn; i++)
        input = p->learn[i].id >= input ? p->learn[i].id + 1 : input;
    yyjson_mut_doc_set_root(doc, root);
    definition_wire(doc, root, p, input);
    wire = json_read(json_write(a, doc), DEFINITION_BYTES, err);
    return wire ? definition_make(a, yyjson_doc_get_root(wire), &(struct define_with){.now_us = now_us}, ret,
                                  err)
                : -1;
}
