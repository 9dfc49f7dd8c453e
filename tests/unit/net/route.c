/* The route table: which row a path finds, what its parameters are, and how it refuses. */
#include "base/cleanup.h"
#include "net/server_int.h"
#include "test.h"

static const struct handler none;
static const struct route routes[] = {
    {"GET", "/", &none, 0},
    {"GET", "/jobs/{id}", &none, 0},
    {"DELETE", "/jobs/{id}", &none, 0},
    {"GET", "/jobs/stats", &none, 0},
    {"POST", "/jobs", &none, 10},
    {"GET", "/a/{x}/b/{y}", &none, 0},
    {"GET", "/a/{x}/b/c", &none, 0},
    {"PUT", "/jobs/{id}/", &none, 0},
};

struct row {
    const char *method, *path;
    int status;
    int route; /* index into routes */
    const char *params, *allow;
};

/* "name=value " for each parameter, decoded. */
static const char *params_text(struct arena *a, const struct route_match *m)
{
    char *text = arena_strdup(a, "");

    for (size_t i = 0; i < m->nparams; i++) {
        const struct route_param *p = &m->params[i];
        text = arena_printf(a, "%s%.*s=%s ", text, (int)p->name_len, p->name, percent_decode(a, p->value, p->len));
    }
    return text;
}

static void finds_routes(void)
{
    static const struct row rows[] = {
        {"GET", "/", 0, 0, "", NULL},
        {"HEAD", "/", 0, 0, "", NULL},
        {"GET", "/jobs/stats", 0, 3, "", NULL},
        {"GET", "/jobs/stat", 0, 1, "id=stat ", NULL},
        {"DELETE", "/jobs/stats", 0, 2, "id=stats ", NULL},
        {"GET", "/jobs/%73tats", 0, 3, "", NULL},
        {"GET", "/%6Aobs/42", 0, 1, "id=42 ", NULL},
        {"GET", "/jobs/a%20b%C3%A4", 0, 1, "id=a b\xc3\xa4 ", NULL},
        {"GET", "/jobs/a+b", 0, 1, "id=a+b ", NULL},
        {"GET", "/a/1/b/2", 0, 5, "x=1 y=2 ", NULL},
        {"GET", "/a/1/b/c", 0, 5, "x=1 y=c ", NULL}, /* both have names: the earlier row */
        {"PUT", "/jobs/7/", 0, 7, "id=7 ", NULL},
        {"GET", "", 404, 0, "", NULL},
        {"GET", "*", 404, 0, "", NULL},
        {"GET", "//", 404, 0, "", NULL},
        {"GET", "/jobs/", 404, 0, "", NULL},
        {"GET", "/jobs//", 404, 0, "", NULL},
        {"GET", "/Jobs/1", 404, 0, "", NULL},
        {"GET", "/jobs/1/2", 404, 0, "", NULL},
        {"GET", "/jobs/1%2F2", 404, 0, "", NULL},
        {"GET", "/jobs/%2f", 404, 0, "", NULL},
        {"GET", "/jobs%2F1", 404, 0, "", NULL},
        {"GET", "/a/1/b", 404, 0, "", NULL},
        {"GET", "/a/1/b/2/", 404, 0, "", NULL},
        {"GET", "/jobs/%00", 400, 0, "", NULL},
        {"GET", "/jobs/a%00b", 400, 0, "", NULL},
        {"GET", "/jobs/%", 400, 0, "", NULL},
        {"GET", "/jobs/%4", 400, 0, "", NULL},
        {"GET", "/jobs/%4g", 400, 0, "", NULL},
        {"GET", "/nowhere/%zz", 400, 0, "", NULL},
        {"POST", "/", 405, 0, "", "GET, HEAD"},
        {"POST", "/jobs/1", 405, 0, "", "GET, HEAD, DELETE"},
        {"GET", "/jobs/1/", 405, 0, "", "PUT"},
        {"get", "/", 405, 0, "", "GET, HEAD"},
        {"HEAD", "/jobs", 405, 0, "", "POST"},
    };
    CLEANUP(route_table_freep) struct route_table *t = NULL;
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct route_match m;

    CHECK_INT(route_table_new(&t, routes, COUNT_OF(routes), NULL), 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CHECK_INT(route_find(t, rows[i].method, rows[i].path, &m), rows[i].status);
        CHECK(m.route == (rows[i].status ? NULL : &routes[rows[i].route]));
        CHECK_STR(params_text(a, &m), rows[i].params);
        CHECK_STR(m.allow, rows[i].allow ? rows[i].allow : "");
        ROW("%s %s", rows[i].method, rows[i].path);
    }
}

static void refuses_bad_tables(void)
{
    static const char *const paths[] = {
        "", "jobs", "/x{id}", "/{id}x", "/{}", "/{a", "/a}", "/%41", "/{a{b}}",
        "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}",
    };

    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        struct route route = {"GET", paths[i], &none, 0};
        struct route_table *t = NULL;
        struct err err = {0};
        CHECK_INT(route_table_new(&t, &route, 1, &err), -1);
        CHECK(t == NULL && err.kind == ERR_INTERNAL && *err.text);
        ROW("%s", paths[i]);
    }
}

int main(void)
{
    RUN(finds_routes);
    RUN(refuses_bad_tables);
    return test_end();
}
