/* What a hosted service promises about jobs, over a whole server: limits per tenant. */
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

int main(void)
{
    RUN(progress_is_seen);
    RUN(a_tenant_over_its_limit_stops_nobody_else);
    return test_end();
}
