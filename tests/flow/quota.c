/* What a tenant may use: requests, bytes and unfinished jobs, refused in each API's own words, before the
 * body where its length is known; counted over a restart and a kill; shown by `assay tenant`. And what stays
 * on the disk of keys. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "base/id.h"
#include "base/text.h"
#include "harness.h"
#include "stage.h"
#include "test.h"

#define NEVER "000000000000000000000000"

static struct stage open_stage(void)
{
    return stage_open(ARGS("--analysts", "1"));
}

static char *new_key(struct stage *g, const char *tenant)
{
    return key_new(g->a, g->dir, tenant, NULL);
}

/* And the second after which the server knows. */
static void limit(struct stage *g, const char *tenant, const char *option, const char *value)
{
    CHECK_INT(stage_run(g, ARGS("tenant", "set", tenant, option, value)).status, 0);
    usleep(1200000);
}

static int get(struct stage *g, const char *path, const char *key)
{
    return http_get(g->a, g->s.port, path, key).status;
}

/* "requests today:     3/5" of `assay tenant show`: "3/5". */
static char *shown(struct stage *g, const char *tenant, const char *what)
{
    struct outcome o = stage_run(g, ARGS("tenant", "show", tenant));
    char *at = strstr(o.out, what);

    CHECK_INT(o.status, 0);
    if (!at)
        return arena_strdup(g->a, "");
    at += strlen(what) + 1;
    at += strspn(at, " ");
    return arena_strndup(g->a, at, strcspn(at, "\n"));
}

/* ---- requests ---- */

static void requests_of_all_keys_count_together(void)
{
    struct stage g = open_stage();
    const char *one = new_key(&g, "acme"), *two = new_key(&g, "acme"), *other = new_key(&g, "other");
    struct answer answer;
    const char *header;

    limit(&g, "acme", "--requests-per-day", "4");
    CHECK_INT(get(&g, "/api/result/" NEVER, one), 404);
    CHECK_INT(get(&g, "/v1/jobs/" NEVER, two), 404);
    CHECK_INT(get(&g, "/api/result/" NEVER, "nonsense"), 403); /* nobody's */
    CHECK_INT(get(&g, "/api/label", one), 200);
    CHECK_INT(get(&g, "/api/healthz", one), 200); /* needs no key, counts for none */
    CHECK_INT(get(&g, "/api/result/" NEVER, two), 404);
    answer = http_get(g.a, g.s.port, "/api/result/" NEVER, one);
    CHECK_INT(answer.status, 429);
    CHECK_STR(json_at(g.a, answer.body, "success"), "false");
    CHECK(strstr(json_at(g.a, answer.body, "error"), "4 requests a day"));
    CHECK_STR(answer_header(g.a, &answer, "X-Rate-Limit-Limit"), "4");
    CHECK_STR(answer_header(g.a, &answer, "X-Rate-Limit-Remaining"), "0");
    header = answer_header(g.a, &answer, "Retry-After");
    CHECK(header && atoi(header) > 0 && atoi(header) <= 86400);
    CHECK_STR(answer_header(g.a, &answer, "X-Rate-Limit-Reset"), header);
    answer = http_get(g.a, g.s.port, "/v1/jobs/" NEVER, two);
    CHECK_INT(answer.status, 429);
    CHECK_STR(answer_header(g.a, &answer, "Content-Type"), "application/problem+json");
    CHECK_STR(json_at(g.a, answer.body, "status"), "429");
    header = answer_header(g.a, &answer, "Retry-After");
    CHECK(header && atoi(header) > 0);
    CHECK(!answer_header(g.a, &answer, "X-Rate-Limit-Limit"));
    CHECK_INT(get(&g, "/api/result/" NEVER, other), 404);
    limit(&g, "acme", "--requests-per-day", "0");
    CHECK_INT(get(&g, "/api/result/" NEVER, one), 404);
    CHECK_INT(stage_close(&g), 0);
}

/* ---- bytes ---- */

static struct bytes form(struct stage *g, const char *key, size_t bytes)
{
    struct form f = {0};
    char *data = arena_alloc(g->a, bytes);

    form_add(&f, "video", "a.bin", bytes_of(data, bytes));
    return form_request(g->a, &f, "/api/classify", key);
}

/* Only the head: who waits for the body answers nothing. */
static struct answer post_head(struct stage *g, const char *key, size_t announced)
{
    char *head =
        arena_printf(g->a,
                     "POST /api/classify HTTP/1.1\r\nHost: x\r\nX-Api-Key: %s\r\nContent-Length: %zu\r\n"
                     "Content-Type: multipart/form-data; boundary=x\r\n\r\n",
                     key, announced);

    return http_raw(g->a, g->s.port, bytes_of(head, strlen(head)));
}

/* In pieces whose sum nobody announces. */
static struct answer post_chunks(struct stage *g, const char *key, size_t pieces)
{
    static char data[4096];
    char *head = arena_printf(
        g->a,
        "POST /api/classify HTTP/1.1\r\nHost: x\r\nX-Api-Key: %s\r\nConnection: close\r\n"
        "Transfer-Encoding: chunked\r\nContent-Type: multipart/form-data; boundary=x\r\n\r\n"
        "4c\r\n--x\r\nContent-Disposition: form-data; name=\"video\"; filename=\"aaaaa.bin\"\r\n\r\n\r\n",
        key);
    CLEANUP(fd_closep) int fd = http_dial(g->s.port);

    http_send(fd, bytes_of(head, strlen(head)));
    for (size_t i = 0; i < pieces; i++)
        http_send(fd, bytes_of("1000\r\n", 6)), http_send(fd, bytes_of(data, sizeof data)),
            http_send(fd, bytes_of("\r\n", 2));
    http_send(fd, bytes_of("0\r\n\r\n", 5));
    return http_receive(g->a, fd);
}

static void bytes_are_refused_before_the_body(void)
{
    struct stage g = open_stage();
    const char *key = new_key(&g, "acme");
    struct answer answer;

    limit(&g, "acme", "--bytes-per-day", "64K");
    CHECK_INT(http_raw(g.a, g.s.port, form(&g, key, 40000)).status, 200);
    answer = post_head(&g, key, 70 << 10);
    CHECK_INT(answer.status, 429);
    CHECK(strstr(json_at(g.a, answer.body, "error"), "65536 bytes a day"));
    CHECK_STR(answer_header(g.a, &answer, "X-Rate-Limit-Limit"), "65536");
    answer = post_chunks(&g, key, 20); /* 80 KiB */
    CHECK_INT(answer.status, 429);
    CHECK(strstr(json_at(g.a, answer.body, "error"), "65536 bytes a day"));
    CHECK(answer_header(g.a, &answer, "Retry-After") != NULL);
    CHECK_INT(get(&g, "/api/result/" NEVER, key), 404); /* reading goes on */
    CHECK_INT(stage_close(&g), 0);
}

/* ---- jobs ---- */

static void unfinished_jobs_are_limited(void)
{
    struct stage g = open_stage();
    char *first, *id;
    struct answer answer;

    limit(&g, "acme", "--jobs", "2");
    kill(g.analyst, SIGSTOP); /* nothing ends now */
    first = stage_submit(&g, "tiny.mp4");
    CHECK(*first && stage_in_hand(&g, first, "0"));
    id = stage_submit(&g, "tiny.mp4"); /* one in hand, one waiting */
    CHECK(*id);
    answer = stage_post(&g, "/api/classify", "tiny.mp4");
    CHECK_INT(answer.status, 429);
    CHECK(strstr(json_at(g.a, answer.body, "error"), "2 jobs of yours"));
    CHECK_STR(answer_header(g.a, &answer, "Retry-After"), "5");
    CHECK_INT(post_head(&g, g.key, 50 << 20).status, 429); /* before its 50 MB */
    CHECK_STR(shown(&g, "acme", "jobs:"), "2/2");
    kill(g.analyst, SIGCONT);
    CHECK_INT(result_wait(g.a, g.s.port, g.key, id, 30).status, 200);
    CHECK_STR(shown(&g, "acme", "jobs:"), "0/2");
    CHECK_INT(stage_post(&g, "/api/classify?sync=true", "tiny.mp4").status, 200);
    CHECK_INT(stage_close(&g), 0);
}

/* ---- restarts ---- */

static bool lists_within(struct stage *g, const char *text, int seconds)
{
    for (int i = 0; i < 4 * seconds; i++) {
        if (strstr(stage_run(g, ARGS("tenant", "list")).out, text))
            return true;
        usleep(250000);
    }
    return false;
}

/* A stop writes all that was counted; a kill forgets at most a few seconds of requests that stored nothing,
 * and never the upload of an acknowledged job. */
static void what_was_used_outlives_the_server(void)
{
    struct stage g = open_stage();
    const char *key = new_key(&g, "acme");

    limit(&g, "acme", "--requests-per-month", "100");
    for (int i = 0; i < 7; i++)
        CHECK_INT(get(&g, "/api/result/" NEVER, key), 404);
    CHECK_INT(served_stop(&g.s), 0);
    CHECK_STR(shown(&g, "acme", "requests in month:"), "7/100");
    served_start(&g.s, g.a, g.dir, NULL);
    for (int i = 0; i < 5; i++)
        CHECK_INT(get(&g, "/api/result/" NEVER, key), 404);
    CHECK_INT(http_raw(g.a, g.s.port, form(&g, key, 1000)).status, 200);
    served_kill(&g.s); /* at once: the job's commit has taken all of it along */
    CHECK_STR(shown(&g, "acme", "requests in month:"), "13/100");
    CHECK(atoi(shown(&g, "acme", "bytes in month:")) > 1000);
    served_start(&g.s, g.a, g.dir, NULL);
    limit(&g, "acme", "--requests-per-month", "14");
    CHECK_INT(get(&g, "/api/result/" NEVER, key), 404);
    CHECK_INT(get(&g, "/api/result/" NEVER, key), 429);
    CHECK(lists_within(&g, "14/14", 10)); /* without a job to go with */
    CHECK_INT(stage_close(&g), 0);
}

/* ---- the audit ---- */

static char *id_of_key(struct stage *g)
{
    struct outcome o = stage_run(g, ARGS("key", "list"));
    char *line = strchr(o.out, '\n');

    return line ? arena_strndup(g->a, line + 1, 24) : arena_strdup(g->a, "");
}

static void the_audit_says_who(void)
{
    struct stage g = open_stage();
    char *key = key_new(g.a, g.dir, "acme", (char *[]){(char[]){"--scopes"}, (char[]){"admin submit"}, NULL});
    char *first = id_of_key(&g), *uid = arena_printf(g.a, "command line (uid %u)", (unsigned)getuid());
    char *job = json_at(g.a, stage_post(&g, "/api/classify?sync=true", "tiny.mp4").body, "id"), *request;
    struct outcome o;

    request = arena_printf(
        g.a, "DELETE /v1/jobs/%s HTTP/1.1\r\nHost: x\r\nX-Api-Key: %s\r\nConnection: close\r\n\r\n", job,
        key);
    CHECK_INT(http_raw(g.a, g.s.port, bytes_of(request, strlen(request))).status, 200);
    CHECK_INT(stage_run(&g, ARGS("key", "revoke", first)).status, 0);
    o = stage_run(&g, ARGS("audit", "--json", "--what", "job.delete"));
    CHECK_STR(json_at(g.a, bytes_of(o.out, strlen(o.out)), "object"), job);
    CHECK_STR(json_at(g.a, bytes_of(o.out, strlen(o.out)), "tenant"), "acme");
    CHECK(id_is_valid(json_at(g.a, bytes_of(o.out, strlen(o.out)), "who")));
    CHECK(!text_is(json_at(g.a, bytes_of(o.out, strlen(o.out)), "who"), first));
    o = stage_run(&g, ARGS("audit", "--json", "--what", "key.revoke"));
    CHECK_STR(json_at(g.a, bytes_of(o.out, strlen(o.out)), "who"), uid);
    CHECK_STR(json_at(g.a, bytes_of(o.out, strlen(o.out)), "object"), first);
    CHECK(strstr(stage_run(&g, ARGS("audit", "--since", "1h")).out, "job.delete"));
    CHECK(!strstr(stage_run(&g, ARGS("audit", "--since", "2100-01-01T00:00:00Z")).out, "job.delete"));
    CHECK(!strstr(stage_run(&g, ARGS("audit", "--tenant", "other")).out, "job.delete"));
    CHECK_INT(stage_run(&g, ARGS("audit", "--since", "yesterday")).status, 1);
    CHECK_INT(stage_run(&g, ARGS("audit", "--what", "nothing")).status, 1);
    CHECK_INT(stage_close(&g), 0);
}

/* ---- only hashes on disk ---- */

/* How often the bytes are in any file of the folder and below. */
static size_t found(struct arena *a, const char *folder, struct bytes what)
{
    DIR *d = opendir(folder);
    struct dirent *entry;
    size_t n = 0;

    while (d && (entry = readdir(d))) {
        char *path = arena_printf(a, "%s/%s", folder, entry->d_name);
        struct bytes file;
        if (entry->d_name[0] == '.')
            continue;
        if (entry->d_type == DT_DIR) {
            n += found(a, path, what);
            continue;
        }
        file = file_read(a, path);
        n += memmem(file.data, file.len, what.data, what.len) != NULL;
    }
    if (d)
        closedir(d);
    return n;
}

/* As text, without its prefix and as the random bytes it says: in no file, the log included, while the server
 * has it in use and after. Its hash is there, so the search can find something. */
static void look_for(struct stage *g, const char *secret)
{
    char hash[HASH_HEX];
    uint8_t raw[20];

    CHECK(strlen(secret) == 43 && text_unhex(raw, sizeof raw, secret + 3));
    hash_hex(bytes_of(secret, strlen(secret)), hash);
    CHECK_INT(found(g->a, g->base, bytes_of(secret, strlen(secret))), 0);
    CHECK_INT(found(g->a, g->base, bytes_of(secret + 3, 40)), 0);
    CHECK_INT(found(g->a, g->base, bytes_of(raw, sizeof raw)), 0);
    CHECK(found(g->a, g->base, bytes_of(hash, 64)) > 0);
}

static void secrets_are_not_on_the_disk(void)
{
    struct stage g = stage_open(ARGS("--analysts", "1", "--log-level", "debug"));
    const char *key = new_key(&g, "acme"), *secret;
    struct outcome o = stage_run(&g, ARGS("key", "rotate", id_of_key(&g)));

    secret = arena_strndup(g.a, o.out, strcspn(o.out, "\n"));
    CHECK_INT(get(&g, "/api/result/" NEVER, key), 404);
    CHECK_INT(get(&g, "/v1/jobs/" NEVER, secret), 404);
    CHECK_INT(get(&g, "/api/result/" NEVER, g.key), 404); /* the old secret of the first key */
    look_for(&g, key);
    look_for(&g, secret);
    look_for(&g, g.key);
    CHECK_INT(served_stop(&g.s), 0);
    look_for(&g, key);
    look_for(&g, secret);
    served_start(&g.s, g.a, g.dir, NULL);
    CHECK_INT(stage_close(&g), 0);
}

int main(void)
{
    RUN(requests_of_all_keys_count_together);
    RUN(bytes_are_refused_before_the_body);
    RUN(unfinished_jobs_are_limited);
    RUN(what_was_used_outlives_the_server);
    RUN(the_audit_says_who);
    RUN(secrets_are_not_on_the_disk);
    return test_end();
}
