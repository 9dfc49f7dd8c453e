#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"
#include "cmd/tune_int.h"

typedef yyjson_mut_doc doc_t;
typedef yyjson_mut_val val_t;

/* The object of that key; a new, empty one when there is none. NULL when it is something else. */
static val_t *object_in(doc_t *doc, val_t *obj, const char *key)
{
    val_t *v = yyjson_mut_obj_get(obj, key);

    if (v)
        return yyjson_mut_is_obj(v) ? v : NULL;
    v = yyjson_mut_obj(doc);
    yyjson_mut_obj_put(obj, yyjson_mut_strcpy(doc, key), v);
    return v;
}

static val_t *tenant_in(doc_t *doc, val_t *tenants, const char *name)
{
    val_t *all = yyjson_mut_obj_get(tenants, "*");

    if (!yyjson_mut_obj_get(tenants, name) && all)
        yyjson_mut_obj_put(tenants, yyjson_mut_strcpy(doc, name), yyjson_mut_val_mut_copy(doc, all));
    return object_in(doc, tenants, name);
}

/* Hundredths as people write them. */
static void put_threshold(doc_t *doc, val_t *obj, const char *key, double x)
{
    yyjson_mut_obj_put(obj, yyjson_mut_str(doc, key), yyjson_mut_real(doc, x));
}

static void put_thresholds(doc_t *doc, val_t *obj, const struct tune_camera *c)
{
    put_threshold(doc, obj, "low", c->new_low);
    put_threshold(doc, obj, "high", c->new_high);
}

static int put_all(doc_t *doc, val_t *root, const char *tenant, const struct tune_camera *cameras, size_t n,
                   struct err *err)
{
    val_t *tenants = object_in(doc, root, "tenants");
    val_t *mine = tenants ? tenant_in(doc, tenants, tenant) : NULL;

    for (size_t i = 0; mine && i < n; i++) {
        val_t *to = mine, *list;
        if (cameras[i].result != FIT_FINE)
            continue;
        if (cameras[i].id) {
            list = object_in(doc, mine, "cameras");
            to = list ? object_in(doc, list, cameras[i].id) : NULL;
        }
        if (!to)
            return FAIL(err, ERR_INPUT, "the rules file of now is none (docs/rules.md)");
        put_thresholds(doc, to, &cameras[i]);
    }
    return mine ? 0 : FAIL(err, ERR_INPUT, "the rules file of now is none (docs/rules.md)");
}

int tune_rules(struct arena *a, struct bytes now, const char *tenant, const struct tune_camera *cameras,
               size_t n, struct bytes *ret, struct err *err)
{
    CLEANUP(json_freep) yyjson_doc *old = now.len ? json_read(now, TUNE_MAX_RULES, err) : NULL;
    CLEANUP(json_mut_freep) doc_t *doc = json_doc_new();
    val_t *root;

    if (now.len && !old)
        return -1;
    root = old ? yyjson_val_mut_copy(doc, yyjson_doc_get_root(old)) : yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    if (!yyjson_mut_is_obj(root))
        return FAIL(err, ERR_INPUT, "the rules file of now is none (docs/rules.md)");
    if (put_all(doc, root, tenant, cameras, n, err) < 0)
        return -1;
    *ret = json_write_pretty(a, doc);
    return 0;
}
