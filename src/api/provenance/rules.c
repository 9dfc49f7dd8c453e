/* What the operator decides about verdicts: heuristics of their own, the one that is the verdict, when
 * credentials force one. Read at the start and on SIGHUP. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/provenance/provenance_int.h"
#include "base/cleanup.h"
#include "base/mem.h"
#include "base/text.h"
#include "report/json.h"

struct own_rules {
    struct arena *arena;
    size_t n;
    const struct heuristic *own;
    const char *heuristic;
    enum credentials_force force;
};

void own_rules_freep(struct own_rules **r)
{
    struct own_rules *rules = TAKE(*r);

    if (rules)
        arena_free(rules->arena);
    free(rules);
}

static int read_file(struct arena *a, const char *path, struct bytes *ret, struct err *err)
{
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *text = arena_alloc(a, HEURISTICS_MAX_BYTES + 2);
    ssize_t n;
    size_t len = 0;

    if (fd < 0)
        return FAIL_ERRNO(err, "provenance-heuristics: cannot open %s", path);
    while ((n = read(fd, text + len, HEURISTICS_MAX_BYTES + 1 - len)) > 0)
        len += (size_t)n;
    if (n < 0)
        return FAIL_ERRNO(err, "provenance-heuristics: cannot read %s", path);
    *ret = bytes_of(text, len);
    return 0;
}

static int read_heuristics(struct own_rules *r, const char *path, struct err *err)
{
    struct bytes text;
    struct err why = {0};

    if (!path)
        return 0;
    if (read_file(r->arena, path, &text, err) < 0)
        return -1;
    if (heuristics_from_json(r->arena, text, &r->own, &r->n, &why) < 0)
        return FAIL(err, ERR_INPUT, "provenance-heuristics: %.200s", why.text);
    return 0;
}

static int find_force(const char *name, enum credentials_force *ret, struct err *err)
{
    for (int f = 0; f < CREDENTIALS_FORCES; f++)
        if (text_is(credentials_force_name((enum credentials_force)f), name)) {
            *ret = (enum credentials_force)f;
            return 0;
        }
    return FAIL(err, ERR_INPUT, "provenance-c2pa-force is never, trusted or valid");
}

struct own_rules *own_rules_load(const struct provenance_opts *opts, struct err *err)
{
    CLEANUP(own_rules_freep) struct own_rules *r = mem_alloc(sizeof *r);

    *r = (struct own_rules){.arena = arena_new()};
    r->heuristic = arena_strdup(r->arena, opts->heuristic ? opts->heuristic : heuristic_default);
    if (find_force(opts->force, &r->force, err) < 0 || read_heuristics(r, opts->heuristics, err) < 0)
        return NULL;
    if (!heuristic_find(r->heuristic, r->own, r->n))
        return FAIL_NULL(err, ERR_INPUT, "provenance-heuristic: there is no heuristic named \"%.64s\"",
                         r->heuristic);
    return TAKE(r);
}

void provenance_renew_take(struct provenance *p, struct own_rules *rules)
{
    struct own_rules *old;

    pthread_mutex_lock(&p->lock);
    old = p->rules;
    p->rules = rules;
    pthread_mutex_unlock(&p->lock);
    own_rules_freep(&old);
}

void own_rules_apply(struct provenance *p, struct arena *a, struct origin_params *params)
{
    pthread_mutex_lock(&p->lock);
    params->own = p->rules->own;
    params->nown = p->rules->n;
    params->heuristic = p->rules->heuristic;
    params->force = p->rules->force;
    *params = origin_params_copy(a, params);
    pthread_mutex_unlock(&p->lock);
}
