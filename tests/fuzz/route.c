/* The route table: a path never matches a row whose parameters are empty or hold a slash or a NUL once decoded, and a
 * refusal names no row. The input is method, blank, path. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "net/server_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct handler none;
static const struct route routes[] = {
    {"GET", "/", &none, 0},           {"GET", "/jobs/{id}", &none, 0},    {"DELETE", "/jobs/{id}", &none, 0},
    {"GET", "/jobs/stats", &none, 0}, {"POST", "/a/{x}/b/{y}", &none, 0}, {"GET", "/a/{x}/b/c", &none, 0},
};

static void check_match(const struct route_match *m)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();

    if (!m->route)
        abort();
    for (size_t i = 0; i < m->nparams; i++) {
        const struct route_param *p = &m->params[i];
        const char *text = percent_decode(a, p->value, p->len);
        const char *s = p->value;
        size_t n = 0;
        for (; s < p->value + p->len; n++)
            percent_next(&s);
        if (s != p->value + p->len || strlen(text) != n || n == 0 || strchr(text, '/'))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(route_table_freep) struct route_table *t = NULL;
    CLEANUP(freep) char *text = mem_alloc(size + 1);
    struct route_match m;
    char *path;
    int status;

    memcpy(text, data, size);
    path = strchr(text, ' ');
    if (!path)
        return 0;
    *path++ = '\0';
    if (route_table_new(&t, routes, COUNT_OF(routes), NULL) < 0)
        abort();
    status = route_find(t, text, path, &m);
    if (status == 0)
        check_match(&m);
    else if (m.route || m.nparams || (status == 405) != (m.allow[0] != '\0'))
        abort();
    return 0;
}
