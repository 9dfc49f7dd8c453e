/* References inside a store, and labels. */
#include <string.h>

#include "base/text.h"
#include "c2pa/reader_int.h"

static const char scheme[] = "self#jumbf=", store_path[] = "/c2pa/";

const char *uri_absolute(struct arena *a, const struct manifest *m, const char *url)
{
    const char *path = text_starts(url, scheme) ? url + strlen(scheme) : url;

    return path[0] == '/' ? url : arena_printf(a, "%s/%s", m->uri, path);
}

/* The manifest's label in an absolute reference; it ends at the next '/'. NULL: there is none. The slash in
 * front is missing in references of the first files. */
static const char *label_in(const char *url, size_t *ret_len)
{
    const char *path;

    if (!text_starts(url, scheme))
        return NULL;
    path = url + strlen(scheme);
    if (!text_starts(path, store_path) && !text_starts(path, store_path + 1))
        return NULL;
    path = strchr(path + 1, '/') + 1;
    *ret_len = strcspn(path, "/");
    return *ret_len > 0 ? path : NULL;
}

const char *uri_manifest(struct arena *a, const char *url)
{
    size_t n = 0;
    const char *label = label_in(url, &n);

    return label ? arena_strndup(a, label, n) : NULL;
}

struct manifest *manifest_of_uri(const struct reading *r, const char *url)
{
    size_t n = 0;
    const char *label = label_in(url, &n);
    struct manifest *hit = NULL;

    for (size_t i = 0; label && i < r->nmanifests; i++) {
        struct manifest *m = &r->manifests[i];

        if (strlen(m->label) != n || memcmp(m->label, label, n) != 0)
            continue;
        if (hit)
            return NULL;
        hit = m;
    }
    return hit;
}

const char *label_base(struct arena *a, const char *label, int *ret_instance)
{
    const char *at = strstr(label, "__");
    int64_t n = 0;

    *ret_instance = 0;
    if (!at || at == label || !text_to_i64(at + 2, &n) || n < 0 || n > 1000000)
        return label;
    *ret_instance = (int)n;
    return arena_strndup(a, label, (size_t)(at - label));
}

/* What may follow a name: a version, an instance, both. */
bool label_is(const char *label, const char *name)
{
    size_t n = strlen(name);

    return text_starts(label, name) &&
           (label[n] == '\0' || text_starts(label + n, "__") ||
            (text_starts(label + n, ".v") && label[n + 2] >= '0' && label[n + 2] <= '9'));
}

const char *uri_last(const char *url)
{
    const char *slash = strrchr(url, '/');

    if (slash)
        return slash + 1;
    return text_starts(url, scheme) ? url + strlen(scheme) : url;
}
