/* What a hosted service promises about jobs, over a whole server: limits per tenant, progress, cancelling,
 * deleting, requests sent twice. */
#include <signal.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "harness.h"
#include "stage.h"
#include "test.h"

static struct answer post_as(struct stage *g, const char *path, const char *key)
{
    return post_clip(g->a, g->s.port, path, key, "a.mp4", clip_load(g->a, "tiny.mp4"), NULL);
}

static struct bytes join(struct arena *a, struct bytes one, struct bytes two)
{
    char *all = arena_alloc(a, one.len + two.len + 1);

    memcpy(all, one.data, one.len);
    memcpy(all + one.len, two.data, two.len);
    return bytes_of(all, one.len + two.len);
}

/* ---- limits ---- */

static void a_tenant_over_its_limit_stops_nobody_else(void)
{
    struct stage g = stage_open(ARGS("--analysts", "1", "--max-queued-tenant", "2"));
    const char *other = key_new(g.a, g.dir, "other", NULL);
    struct answer answer;
    char *first, *theirs;

    kill(g.analyst, SIGSTOP);
    first = stage_submit(&g, "tiny.mp4");
    CHECK(stage_in_hand(&g, first, "0")); /* no longer in the queue */
    for (int i = 0; i < 2; i++)
        CHECK(*stage_submit(&g, "tiny.mp4"));
    answer = stage_post(&g, "/api/classify", "tiny.mp4");
    CHECK_INT(answer.status, 429);
    CHECK_STR(json_at(g.a, answer.body, "success"), "false");
    CHECK_STR(answer_header(g.a, &answer, "Retry-After"), "5");
    CHECK(!answer_header(g.a, &answer, "X-Rate-Limit-Limit"));
    answer = post_as(&g, "/api/classify", other);
    CHECK_INT(answer.status, 200);
    theirs = json_at(g.a, answer.body, "id");
    kill(g.analyst, SIGCONT);
    CHECK_STR(json_at(g.a, result_wait(g.a, g.s.port, other, theirs, 30).body, "status.classify"), "done");
    CHECK_INT(stage_post(&g, "/api/classify?sync=true", "tiny.mp4").status, 200);
    CHECK_INT(stage_close(&g), 0);
}

/* ---- progress ---- */

static int number(struct stage *g, struct bytes body, const char *path)
{
    char *text = json_at(g->a, body, path);

    return text ? atoi(text) : -1;
}

/* It grows, up to what the report then says. */
static void progress_is_seen(void)
{
    struct stage g = stage_open(ARGS("--analysts", "1"));
    char *id = stage_submit(&g, "long.mp4");
    int seen = 0, last = 0, planned = 0;
    struct answer job;

    CHECK(stage_in_hand(&g, id, "0"));
    for (int i = 0; i < 4000; i++, usleep(5000)) {
        job = stage_job(&g, id);
        if (!text_is(json_at(g.a, job.body, "state"), "claimed"))
            break;
        if (number(&g, job.body, "progress.planned") < 0)
            continue;
        seen++;
        CHECK(number(&g, job.body, "progress.done") >= last);
        last = number(&g, job.body, "progress.done");
        planned = number(&g, job.body, "progress.planned");
        CHECK(last <= planned);
    }
    printf("# seen %d times, last %d of %d\n", seen, last, planned);
    CHECK(seen > 0 && last > 0);
    job = stage_job(&g, id);
    CHECK_STR(json_at(g.a, job.body, "state"), "done");
    CHECK(!json_at(g.a, job.body, "progress"));
    CHECK_INT(number(&g, job.body, "report.sampling.planned"), planned);
    CHECK_INT(stage_close(&g), 0);
}

/* ---- cancelling and deleting ---- */

static struct answer send_delete(struct stage *g, const char *id, const char *key)
{
    char *request = arena_printf(g->a,
                                 "DELETE /v1/jobs/%s HTTP/1.1\r\nHost: localhost\r\n"
                                 "Authorization: Bearer %s\r\nConnection: close\r\n\r\n",
                                 id, key);

    return http_raw(g->a, g->s.port, bytes_of(request, strlen(request)));
}

static const char *admin_key(struct stage *g)
{
    char *scopes[] = {(char[]){"--scopes"}, (char[]){"submit read admin"}, NULL};

    return key_new(g->a, g->dir, "acme", scopes);
}

/* The running job dies with its analyst, the waiting one never begins; the next one is judged. */
static void jobs_are_cancelled(void)
{
    struct stage g = stage_open(ARGS("--analysts", "1"));
    char *running = stage_submit(&g, "long.mp4"), *waiting;
    char *const ids[2] = {running, waiting = stage_submit(&g, "long.mp4")};
    struct answer answer;

    CHECK(stage_in_hand(&g, running, "0"));
    for (int i = 0; i < 2; i++) {
        answer = send_delete(&g, ids[i], g.key);
        CHECK_INT(answer.status, 200);
        CHECK_STR(json_at(g.a, answer.body, "state"), "cancelled");
        answer = stage_job(&g, ids[i]);
        CHECK_STR(json_at(g.a, answer.body, "state"), "cancelled");
        CHECK_STR(json_at(g.a, answer.body, "error.code"), "cancelled");
        answer = stage_get(&g, arena_printf(g.a, "/api/result/%s", ids[i]));
        CHECK_STR(json_at(g.a, answer.body, "status.classify"), "error");
        CHECK_STR(json_at(g.a, answer.body, "risk"), "");
    }
    CHECK(waiting != running);
    answer = stage_post(&g, "/api/classify?sync=true", "tiny.mp4");
    CHECK_STR(json_at(g.a, answer.body, "status.classify"), "done");
    for (int i = 0; i < 2; i++)
        CHECK_STR(json_at(g.a, stage_job(&g, ids[i]).body, "state"), "cancelled");
    CHECK_INT(send_delete(&g, running, g.key).status, 403); /* it has ended: that is deleting now */
    CHECK_INT(send_delete(&g, running, admin_key(&g)).status, 200);
    CHECK_INT(stage_job(&g, running).status, 404);
    CHECK_INT(stage_close(&g), 0);
}

static int count_blobs(struct stage *g)
{
    char *argv[] = {(char[]){"/usr/bin/find"}, arena_printf(g->a, "%s/blobs", g->dir), (char[]){"-type"},
                    (char[]){"f"}, NULL};
    char *out;
    int n = 0;

    CHECK_INT(program_run(g->a, argv, &out), 0);
    for (; *out; out++)
        n += *out == '\n';
    return n;
}

static bool blobs_become(struct stage *g, int n, int seconds)
{
    for (int i = 0; i < seconds * 20 && count_blobs(g) != n; i++)
        usleep(50000);
    return count_blobs(g) == n;
}

static char *judged(struct stage *g, const char *clip)
{
    return json_at(g->a, stage_post(g, "/api/classify?sync=true", clip).body, "id");
}

/* `assay job delete` beside the server: rows at once, files and remembered results right after. */
static void deleted_beside_the_server(void)
{
    struct stage g = stage_open(ARGS("--analysts", "1"));
    char *one = judged(&g, "tiny.mp4"), *two = judged(&g, "tiny.mp4");
    char *path = arena_printf(g.a, "/api/result/%s", two);
    struct outcome o;

    CHECK_INT(count_blobs(&g), 1);
    CHECK_INT(stage_get(&g, path).status, 200);
    o = stage_run(&g, ARGS("job", "delete", one));
    CHECK_INT(o.status, 0);
    CHECK_STR(o.out, "deleted 1\n");
    CHECK_INT(stage_run(&g, ARGS("job", "delete", one)).status, 1);
    CHECK_INT(stage_job(&g, one).status, 404);
    CHECK_STR(stage_run(&g, ARGS("job", "delete", "--tenant", "nobody")).out, "deleted 0\n");
    CHECK_STR(stage_run(&g, ARGS("job", "delete", "--older-than", "1h")).out, "deleted 0\n");
    CHECK_INT(stage_run(&g, ARGS("job", "delete")).status, 1);
    CHECK_INT(count_blobs(&g), 1);
    CHECK_STR(stage_run(&g, ARGS("job", "delete", "--tenant", "acme")).out, "deleted 1\n");
    CHECK(blobs_become(&g, 0, 10));
    usleep(1200000); /* the server looks every second */
    CHECK_INT(stage_get(&g, path).status, 404);
    judged(&g, "tiny.mp4");
    CHECK_INT(served_stop(&g.s), 0);
    CHECK_STR(stage_run(&g, ARGS("job", "delete", "--tenant", "acme")).out, "deleted 1\n");
    CHECK_INT(count_blobs(&g), 0); /* no server: the command removes the files itself */
    folder_remove(g.base);
}

/* kill -9 right after the deletion, and of an upload between file and row: the next start finds what is left.
 */
static void nothing_is_left_after_kills(void)
{
    struct stage g = stage_open(ARGS("--analysts", "1"));
    char *keep = judged(&g, "person.mp4");
    const char *admin = admin_key(&g);
    int rounds = 8;

    for (int i = 0; i < rounds; i++) {
        char *id = judged(&g, "tiny.mp4");
        int status = send_delete(&g, id, admin).status;
        served_kill(&g.s);
        served_start(&g.s, g.a, g.dir, (char *[]){(char[]){"--analysts"}, (char[]){"1"}, NULL});
        CHECK_INT(status, 200);
        CHECK_INT(stage_job(&g, id).status, 404);
        CHECK(blobs_become(&g, 1, 10));
    }
    CHECK_INT(stage_job(&g, keep).status, 200);
    CHECK_INT(stage_get(&g, "/api/avconv/original/serve.v2/person.mp4").status, 200);
    CHECK_INT(stage_close(&g), 0);
}

static void old_jobs_go_by_themselves(void)
{
    struct stage g = stage_open(ARGS("--analysts", "1"));
    char *id = judged(&g, "tiny.mp4");

    CHECK_INT(served_stop(&g.s), 0);
    usleep(1100000);
    served_start(&g.s, g.a, g.dir,
                 (char *[]){(char[]){"--analysts"}, (char[]){"1"}, (char[]){"--keep"}, (char[]){"1s"}, NULL});
    CHECK(blobs_become(&g, 0, 10));
    CHECK_INT(stage_job(&g, id).status, 404);
    CHECK_INT(stage_close(&g), 0);
}

/* ---- Idempotency-Key ---- */

static struct bytes keyed_request(struct stage *g, const char *key, const char *clip)
{
    struct form f = {.body = BUF(1 << 20)};
    struct bytes plain;
    const char *line_end;
    char *head;

    form_add(&f, "video", clip, clip_load(g->a, clip));
    plain = form_request(g->a, &f, "/api/classify", g->key);
    line_end = strstr((const char *)plain.data, "\r\n");
    head = arena_printf(g->a, "%.*s\r\nIdempotency-Key: \"%s\"", (int)(line_end - (const char *)plain.data),
                        (const char *)plain.data, key);
    return join(g->a, bytes_of(head, strlen(head)),
                bytes_of(line_end, plain.len - (size_t)(line_end - (const char *)plain.data)));
}

/* The same parts in another frame: the boundary is turned round wherever it stands. */
static struct bytes other_boundary(struct stage *g, struct bytes request)
{
    char *copy = arena_strndup(g->a, (const char *)request.data, request.len),
         *name = strstr(copy, "boundary=") + 9;
    size_t n = strcspn(name, "\r\n");
    char *old = arena_strndup(g->a, name, n);
    int places = 0;

    for (char *at = copy; (at = memmem(at, request.len - (size_t)(at - copy), old, n)); places++)
        for (size_t i = 0; i < n; i++)
            *at++ = old[n - 1 - i];
    CHECK_INT(places, 3); /* the head, before the part, at the end */
    return bytes_of(copy, request.len);
}

/* While the first one is being read, the second is told so; then it gets the first one's job. */
static void two_at_once_make_one_job(void)
{
    struct stage g = stage_open(ARGS("--analysts", "1"));
    struct bytes request = keyed_request(&g, "one", "tiny.mp4");
    int fd = http_dial(g.s.port);
    struct answer first, second;

    CHECK(http_send(fd, bytes_of(request.data, request.len - 20)));
    usleep(200000); /* the head is there */
    second = http_raw(g.a, g.s.port, request);
    CHECK_INT(second.status, 409);
    CHECK_STR(json_at(g.a, second.body, "success"), "false");
    CHECK(http_send(fd, bytes_of(request.data + request.len - 20, 20)));
    first = http_receive(g.a, fd);
    CHECK_INT(first.status, 200);
    second = http_raw(g.a, g.s.port, request);
    CHECK_INT(second.status, 200);
    CHECK_STR(json_at(g.a, second.body, "id"), json_at(g.a, first.body, "id"));
    second = http_raw(g.a, g.s.port, other_boundary(&g, request)); /* as a client's next try looks */
    CHECK_INT(second.status, 200);
    CHECK_STR(json_at(g.a, second.body, "id"), json_at(g.a, first.body, "id"));
    close(fd);
    fd = http_dial(g.s.port); /* one that goes away in the middle frees its key */
    request = keyed_request(&g, "two", "tiny.mp4");
    CHECK(http_send(fd, bytes_of(request.data, request.len - 20)));
    usleep(200000);
    CHECK_INT(http_raw(g.a, g.s.port, request).status, 409);
    close(fd);
    for (int i = 0; i < 100 && (second = http_raw(g.a, g.s.port, request)).status != 200; i++)
        usleep(50000);
    CHECK_INT(second.status, 200);
    CHECK_INT(stage_close(&g), 0);
}

/* Killed at any moment of an upload and asked again: one job each, not one more. */
static void one_job_across_kills(void)
{
    enum { ROUNDS = 12 };
    struct stage g = stage_open(ARGS("--analysts", "1"));
    unsigned seed = 3;
    int acknowledged = 0;

    for (int i = 0; i < ROUNDS; i++) {
        struct bytes request = keyed_request(&g, arena_printf(g.a, "key-%d", i), "tiny.mp4");
        int fd = http_dial(g.s.port);
        struct answer answer, again;
        char *id;
        CHECK(http_send(fd, request));
        usleep((useconds_t)(rand_r(&seed) % 12000));
        served_kill(&g.s);
        answer = http_receive(g.a, fd);
        close(fd);
        served_start(&g.s, g.a, g.dir, (char *[]){(char[]){"--analysts"}, (char[]){"1"}, NULL});
        again = http_raw(g.a, g.s.port, request);
        CHECK_INT(again.status, 200);
        id = json_at(g.a, again.body, "id");
        acknowledged += answer.status == 200;
        if (answer.status == 200)
            CHECK_STR(id, json_at(g.a, answer.body, "id"));
        CHECK_STR(json_at(g.a, result_wait(g.a, g.s.port, g.key, id, 30).body, "status.classify"), "done");
    }
    printf("# acknowledged before the kill: %d of %d\n", acknowledged, ROUNDS);
    CHECK_STR(stage_run(&g, ARGS("job", "delete", "--tenant", "acme")).out,
              arena_printf(g.a, "deleted %d\n", ROUNDS));
    CHECK_INT(stage_close(&g), 0);
}

/* ---- the trace ---- */

static void what_happened_can_be_read(void)
{
    struct stage g = stage_open(ARGS("--analysts", "1"));
    char *id = judged(&g, "person.mp4");
    struct outcome o = stage_run(&g, ARGS("job", "show", id));
    const char *accepted, *claimed, *done;

    CHECK_INT(o.status, 0);
    accepted = strstr(o.out, "  new        alarm, ");
    claimed = strstr(o.out, "  claimed    ");
    done = strstr(o.out, "  done       ");
    CHECK(accepted && claimed && done && accepted < claimed && claimed < done);
    CHECK(strstr(o.out, ": done\n") && strstr(o.out, "person.mp4: intrusion") &&
          strstr(o.out, "judged 21 frames"));
    o = stage_run(&g, ARGS("job", "list", "--tenant", "acme", "--state", "done"));
    CHECK(o.status == 0 && strstr(o.out, id) && strstr(o.out, "person.mp4"));
    o = stage_run(&g, ARGS("job", "list", "--state", "failed"));
    CHECK(o.status == 0 && !strstr(o.out, id));
    CHECK_INT(stage_run(&g, ARGS("job", "list", "--state", "lost")).status, 1);
    CHECK_INT(stage_run(&g, ARGS("job", "show", "000000000000000000000000")).status, 1);
    CHECK_INT(stage_run(&g, ARGS("job", "show", id, "--tenant", "other")).status, 1);
    CHECK_INT(stage_run(&g, ARGS("job")).status, 2);
    CHECK_INT(stage_close(&g), 0);
}

int main(void)
{
    RUN(what_happened_can_be_read);
    RUN(two_at_once_make_one_job);
    RUN(one_job_across_kills);
    RUN(jobs_are_cancelled);
    RUN(deleted_beside_the_server);
    RUN(nothing_is_left_after_kills);
    RUN(old_jobs_go_by_themselves);
    RUN(progress_is_seen);
    RUN(a_tenant_over_its_limit_stops_nobody_else);
    return test_end();
}
