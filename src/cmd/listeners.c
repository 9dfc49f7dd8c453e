/* More addresses for the same API: clients that have a port built in find it there. In clear text, so beside
 * TLS on this machine only. */
#include <string.h>

#include "base/text.h"
#include "cmd/serve_int.h"

static bool is_loopback(const char *address)
{
    return strncmp(address, "127.", 4) == 0 || strncmp(address, "[::1]", 5) == 0 ||
           strncmp(address, "localhost:", 10) == 0;
}

static int start_one(struct serve *s, const char *address, const struct server_opts *like, struct err *err)
{
    struct server_opts opts = *like;

    if (s->nmore == MORE_LISTENERS)
        return FAIL(err, ERR_INPUT, "--also-listen takes at most %d addresses", MORE_LISTENERS);
    if (opts.tls_cert && !is_loopback(address))
        return FAIL(err, ERR_INPUT,
                    "--also-listen %.64s would serve in clear text beside --tls-cert; only addresses of this "
                    "machine (127.0.0.1) may",
                    address);
    opts.listen = address;
    opts.threads = 1;
    opts.tls_cert = opts.tls_key = NULL;
    if (server_start(&s->more[s->nmore], &opts, err) < 0)
        return -1;
    s->nmore++;
    return 0;
}

int listeners_start(struct serve *s, const struct server_opts *like, struct err *err)
{
    const char *rest = s->conf.http.also_listen, *comma;

    for (; rest && *rest; rest = *comma ? comma + 1 : comma) {
        comma = strchrnul(rest, ',');
        if (start_one(s, arena_strndup(s->arena, rest, (size_t)(comma - rest)), like, err) < 0)
            return -1;
    }
    return 0;
}

void listeners_drain(struct serve *s, int64_t deadline_mono_us)
{
    for (int i = 0; i < s->nmore; i++)
        server_drain(s->more[i], deadline_mono_us);
}

void listeners_stop(struct serve *s)
{
    while (s->nmore > 0)
        server_stop(s->more[--s->nmore]);
}

/* ---- all of them as one ---- */

static void add_reply(struct server_stats *sum, const struct reply_count *c)
{
    for (size_t i = 0; i < sum->nreplies; i++)
        if (sum->replies[i].route == c->route && sum->replies[i].status == c->status) {
            sum->replies[i].n += c->n;
            return;
        }
    sum->replies[sum->nreplies++] = *c;
}

static void add(struct arena *a, struct server_stats *sum, const struct server_stats *one)
{
    struct reply_count *all = arena_array(a, sum->nreplies + one->nreplies, sizeof *all);

    for (size_t i = 0; i < sum->nreplies; i++)
        all[i] = sum->replies[i];
    sum->replies = all;
    for (size_t i = 0; i < one->nreplies; i++)
        add_reply(sum, &one->replies[i]);
    sum->connections += one->connections;
    sum->requests += one->requests;
    sum->accepted += one->accepted;
    sum->slow += one->slow;
    sum->received += one->received;
}

void listeners_stats(struct serve *s, struct arena *a, struct server_stats *ret)
{
    struct server_stats one;

    server_stats(s->server, a, ret);
    for (int i = 0; i < s->nmore; i++) {
        server_stats(s->more[i], a, &one);
        add(a, ret, &one);
    }
}
