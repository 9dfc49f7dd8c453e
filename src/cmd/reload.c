/* SIGHUP: the configuration is read again, in the same order of sources as at the start, with the rules file
 * and the certificate. All of it must be in order, or nothing changes. What cannot change while the server
 * runs is named in the log. */
#include <string.h>
#include <unistd.h>

#include "api/rules.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "cmd/serve_int.h"

/* What may change under way; everything else waits for the next start. */
static const char *const live[] = {
    "rules",
    "log-level",
    "log-json",
    "log-requests",
    "max-queued",
    "max-queued-tenant",
    "keep",
    "keep-audit",
    "sync-wait",
    "deadline",
    "max-frames",
    "drain",
    "provenance-heuristics",
    "provenance-heuristic",
    "provenance-c2pa-force",
};

static bool is_live(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(live); i++)
        if (text_is(live[i], name))
            return true;
    return false;
}

/* One reading, until it is applied or dropped. */
struct fresh {
    struct arena *arena;
    struct serve_conf *conf;
    struct conf *texts;
    struct rules *rules;
    struct own_rules *own;
};

static int read_again(const struct serve *s, struct fresh *now, struct err *err)
{
    char **argv = arena_array(now->arena, (size_t)s->argc + 1, sizeof *argv);
    int argc = s->argc;

    memcpy(argv, s->argv, ((size_t)argc + 1) * sizeof *argv);
    now->conf = arena_alloc(now->arena, sizeof *now->conf);
    now->texts = conf_new(now->arena, serve_sets(now->arena, now->conf), SERVE_SETS);
    if (conf_read(now->texts, &argc, argv, environ, err) < 0 || log_check(&now->conf->log, err) < 0)
        return -1;
    now->rules = rules_load(now->conf->api.rules, err);
    if (!now->rules)
        return -1;
    now->own = own_rules_load(&now->conf->api.provenance, err);
    return now->own ? 0 : -1;
}

static void tell_change(void *arg, const char *name, const char *was, const char *is)
{
    int *changes = arg;

    if (!is_live(name))
        return;
    (*changes)++;
    log_info("option changed", "option=%s was=%s is=%s", name, was ? was : "", is ? is : "");
}

static void tell_restart(void *arg, const char *name, const char *was, const char *is)
{
    int *waiting = arg;

    if (is_live(name))
        return;
    (*waiting)++;
    log_warn("option needs a restart", "option=%s was=%s is=%s", name, was ? was : "", is ? is : "");
}

/* Takes the rules. */
static void apply(struct serve *s, struct fresh *now)
{
    const struct serve_conf *c = now->conf;
    struct jobs_limits limits = serve_limits(c);

    api_renew_take(&s->api, &c->api, TAKE(now->rules), TAKE(now->own));
    jobs_set_limits(s->jobs, &limits);
    server_log_requests(s->server, c->http.log_requests);
    for (int i = 0; i < s->nmore; i++)
        server_log_requests(s->more[i], c->http.log_requests);
    log_apply(&c->log, NULL);
    s->conf.http.drain_ms = c->http.drain_ms;
}

/* The texts are kept for the next comparison. */
static void keep(struct serve *s, struct fresh *now)
{
    arena_freep(&s->now_arena);
    s->now_arena = TAKE(now->arena);
    s->now = now->texts;
}

void serve_reload(struct serve *s)
{
    struct fresh now = {.arena = arena_new()};
    int changes = 0, waiting = 0;
    struct err err;

    if (read_again(s, &now, &err) < 0 || server_reload_tls(s->server, &err) < 0) {
        atomic_fetch_add(&s->reloads.refused, 1);
        log_error("configuration refused, the old one stays", "why=%s", err.text);
        rules_free(now.rules);
        own_rules_freep(&now.own);
        arena_free(now.arena);
        return;
    }
    apply(s, &now);
    conf_compare(s->now, now.texts, tell_change, &changes);
    conf_compare(s->first, now.texts, tell_restart, &waiting);
    keep(s, &now);
    atomic_fetch_add(&s->reloads.done, 1);
    log_info("configuration read again", "changed=%d waiting=%d rules=%s", changes, waiting,
             now.conf->api.rules ? now.conf->api.rules : "");
}
