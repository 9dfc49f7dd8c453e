#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/server_int.h"

struct row {
    const struct route *route;
    size_t len;    /* of the path */
    bool has_names;
};

/* Rows without {names} first, each kind in the caller's order. */
struct route_table {
    size_t n;
    struct row rows[];
};

static size_t segment_len(const char *s)
{
    return strcspn(s, "/");
}

/* One segment of a route: plain text, or {name} and nothing else. */
static bool segment_is_valid(const char *s, size_t n, bool *ret_name)
{
    *ret_name = n > 2 && s[0] == '{' && s[n - 1] == '}';
    if (*ret_name)
        s++, n -= 2;
    for (size_t i = 0; i < n; i++)
        if (s[i] == '{' || s[i] == '}' || s[i] == '%')
            return false;
    return true;
}

static int row_init(struct row *row, const struct route *route, struct err *err)
{
    const char *s = route->path;
    size_t names = 0, len;
    bool is_name;

    if (*s != '/')
        return FAIL(err, ERR_INTERNAL, "route \"%s\" does not begin with /", route->path);
    for (; *s == '/'; s += len) {
        len = segment_len(++s);
        if (!segment_is_valid(s, len, &is_name))
            return FAIL(err, ERR_INTERNAL, "route \"%s\": a segment is plain text or {name}", route->path);
        names += is_name;
    }
    if (names > ROUTE_MAX_PARAMS)
        return FAIL(err, ERR_INTERNAL, "route \"%s\" has more than %d names", route->path, ROUTE_MAX_PARAMS);
    *row = (struct row){route, strlen(route->path), names > 0};
    return 0;
}

void route_table_freep(struct route_table **t)
{
    free(*t);
    *t = NULL;
}

int route_table_new(struct route_table **ret_table, const struct route *routes, size_t n, struct err *err)
{
    CLEANUP(route_table_freep) struct route_table *t = mem_alloc(sizeof *t + n * sizeof t->rows[0]);
    struct row row;

    for (int names = 0; names <= 1; names++)
        for (size_t i = 0; i < n; i++) {
            if (row_init(&row, &routes[i], err) < 0)
                return -1;
            if (row.has_names == names)
                t->rows[t->n++] = row;
        }
    *ret_table = TAKE(t);
    return 0;
}

static bool segment_is(const char *sent, const char *end, const char *want, size_t len)
{
    while (sent < end && len > 0) {
        if (percent_next(&sent) != (unsigned char)*want++)
            return false;
        len--;
    }
    return sent == end && len == 0;
}

/* A value is not empty and does not smuggle in a slash. */
static bool value_is_usable(const char *s, const char *end)
{
    bool any = s < end;

    while (s < end)
        if (percent_next(&s) == '/')
            return false;
    return any;
}

/* Segment by segment; for routes with names and for URLs with escapes. */
static bool row_walk(const struct row *row, const char *path, struct route_match *m)
{
    const char *want = row->route->path;

    for (m->nparams = 0; *want == '/' && *path == '/';) {
        size_t want_len = segment_len(++want), len = segment_len(++path);
        if (row->has_names && *want == '{') {
            if (!value_is_usable(path, path + len))
                return false;
            m->params[m->nparams++] = (struct route_param){want + 1, path, want_len - 2, len};
        } else if (!segment_is(path, path + len, want, want_len)) {
            return false;
        }
        want += want_len;
        path += len;
    }
    return !*want && !*path;
}

static bool row_matches(const struct row *row, const char *path, size_t len, bool escaped, struct route_match *m)
{
    if (row->has_names || escaped)
        return row_walk(row, path, m);
    return row->len == len && memcmp(row->route->path, path, len) == 0;
}

static bool method_matches(const struct route *route, const char *method)
{
    return strcmp(route->method, method) == 0 || (strcmp(method, "HEAD") == 0 && strcmp(route->method, "GET") == 0);
}

static void allow_add(char allow[ROUTE_ALLOW_TEXT], const char *method)
{
    size_t used = strlen(allow), need = strlen(method);

    if (strstr(allow, method) || used + need + 3 > ROUTE_ALLOW_TEXT)
        return;
    memcpy(allow + used, ", ", used ? 2 : 0);
    text_copy(allow + used + (used ? 2 : 0), ROUTE_ALLOW_TEXT - used - 2, method);
    if (strcmp(method, "GET") == 0)
        allow_add(allow, "HEAD");
}

int route_find(const struct route_table *t, const char *method, const char *path, struct route_match *ret_match)
{
    size_t len = strlen(path);
    bool escaped = memchr(path, '%', len) != NULL;

    ret_match->route = NULL;
    ret_match->nparams = 0;
    ret_match->allow[0] = '\0';
    if (escaped && !percent_is_valid(path, len))
        return 400;
    for (const struct row *row = t->rows; row < t->rows + t->n; row++) {
        if (!row_matches(row, path, len, escaped, ret_match))
            continue;
        if (method_matches(row->route, method)) {
            ret_match->route = row->route;
            ret_match->allow[0] = '\0';
            return 0;
        }
        allow_add(ret_match->allow, row->route->method);
    }
    ret_match->nparams = 0;
    return ret_match->allow[0] ? 405 : 404;
}
