/* What a result was made from, and what would become of stored jobs under another model or other rules. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "base/text.h"
#include "harness.h"
#include "receiver.h"
#include "stage.h"
#include "test.h"

/* ---- evidence ---- */

/* The report of a job without the name of the file and without the timing, which comes last. */
static const char *without_times(struct stage *g, struct bytes text)
{
    char *copy = arena_strndup(g->a, (const char *)text.data, text.len);
    char *schema = strstr(copy, "\"schema\""), *name = schema ? strstr(schema, "\"name\":") : NULL;
    char *error = name ? strstr(name, "\"error\":") : NULL,
         *timing = error ? strstr(error, "\"timing\":") : NULL;

    if (!timing)
        return "";
    *timing = *name = '\0';
    return arena_printf(g->a, "%s%s", schema, error);
}

static char *judged(struct stage *g, const char *clip)
{
    return json_at(g->a, stage_post(g, "/api/classify?sync=true", clip).body, "id");
}

static char *root_file(struct stage *g, const char *path)
{
    const char *root = getenv("ASSAY_ROOT");

    return arena_printf(g->a, "%s/%s", root ? root : ".", path);
}

static char *clip_path(struct stage *g, const char *clip)
{
    const char *dir = getenv("ASSAY_CLIPS");

    return arena_printf(g->a, "%s/%s", dir ? dir : "build/clips", clip);
}

/* Two rounds in opposite order, two analysts side by side, and once more without a server. */
static void the_same_input_gives_the_same_bytes(void)
{
    static const char *const clips[] = {"person.mp4", "tiny.mp4", "empty.mp4", "cut.mp4"};
    enum { CLIPS = sizeof clips / sizeof clips[0] };
    struct stage g = stage_open(ARGS("--analysts", "2"));
    char *ids[2][CLIPS];

    for (int i = 0; i < CLIPS; i++)
        ids[0][i] = stage_submit(&g, clips[i]);
    for (int i = CLIPS; i-- > 0;)
        ids[1][i] = stage_submit(&g, clips[i]);
    for (int i = 0; i < CLIPS; i++) {
        struct outcome o = stage_run(&g, ARGS("check", "--json", clip_path(&g, clips[i])));
        const char *first, *check = without_times(&g, bytes_of(o.out, strlen(o.out)));

        for (int round = 0; round < 2; round++)
            result_wait(g.a, g.s.port, g.key, ids[round][i], 60);
        first = without_times(&g, stage_job(&g, ids[0][i]).body);
        CHECK(strlen(first) > 500);
        CHECK_STR(without_times(&g, stage_job(&g, ids[1][i]).body), first);
        CHECK_STR(check, first);
        ROW("%s", clips[i]);
    }
    CHECK_INT(stage_close(&g), 0);
}

static void check_has(const char *text, const char *words)
{
    bool there = strstr(text, words) != NULL;

    CHECK(there);
    if (!there)
        printf("#   no \"%s\" in \"%.300s\"\n", words, text);
}

static void evidence_is_told(void)
{
    static const char *const says[] = {
        "evidence\n",
        "  subject   sha256 ",
        "  moments   ",
        "  model     assay-detect 4, sha256 ",
        "  card      sha256 ",
        "  asked     3 frames a second, 600 at most, of 320 lines, within 60000 ms",
        "  rule      low 0.08, high 0.8, label 0.5; 0 exclusion zones",
        "  decoder   libavformat ",
        "codec h264",
        "  runtime   ONNX Runtime ",
        "  program   assay "};
    struct stage g = stage_open(ARGS("--analysts", "1"));
    char *id = judged(&g, "person.mp4");
    struct answer job = stage_job(&g, id);
    struct outcome o = stage_run(&g, ARGS("job", "show", id));
    char card[HASH_HEX];

    CHECK_INT(o.status, 0);
    for (size_t i = 0; i < sizeof says / sizeof says[0]; i++)
        check_has(o.out, says[i]);
    hash_hex(file_read(g.a, root_file(&g, "models/assay-detect-4.card.json")), card);
    check_has(o.out, card);
    check_has((const char *)job.body.data, card);
    CHECK_STR(json_at(g.a, job.body, "report.configuration.deadline_ms"), "60000");
    CHECK_STR(json_at(g.a, job.body, "report.sampling.judged"),
              json_at(g.a, job.body, "report.sampling.planned"));
    CHECK_INT(stage_close(&g), 0);
}

/* ---- results that are reused ---- */

static char *submit_with_webhook(struct stage *g, int port, const char *clip)
{
    char *path =
        arena_printf(g->a, "/api/classify?sync=true&webhook=http%%3A%%2F%%2F127.0.0.1%%3A%d%%2F", port);
    struct answer answer = stage_post(g, path, clip);

    CHECK_INT(answer.status, 200);
    CHECK_STR(json_at(g->a, answer.body, "risk"), "intrusion");
    return json_at(g->a, answer.body, "id");
}

/* Wanted, the same clip is answered without an analyst, and whoever waits is told; by default it is judged.
 */
static void the_same_clip_is_answered_at_once(void)
{
    struct stage g = stage_open(
        ARGS("--analysts", "1", "--reuse-results", "--hook-allow-http", "--hook-allow", "127.0.0.1"));
    struct receiver r;
    char *first, *second;
    struct outcome o;

    receiver_open(&r, MANNER_FINE, 1);
    first = submit_with_webhook(&g, r.port, "tiny.mp4");
    second = submit_with_webhook(&g, r.port, "tiny.mp4");
    CHECK(first && second && !text_is(first, second));
    CHECK(receiver_wait(&r, 2, 20));
    CHECK_STR(without_times(&g, stage_job(&g, second).body), without_times(&g, stage_job(&g, first).body));
    o = stage_run(&g, ARGS("job", "show", second));
    check_has(o.out, arena_printf(g.a, "answered   from job %s", first));
    CHECK_INT(stage_close(&g), 0);
    receiver_close(&r);
}

static void by_default_every_clip_is_judged(void)
{
    struct stage g = stage_open(ARGS("--analysts", "1"));
    char *second = (judged(&g, "tiny.mp4"), judged(&g, "tiny.mp4"));
    struct outcome o = stage_run(&g, ARGS("job", "show", second));

    CHECK_INT(o.status, 0);
    CHECK(!strstr(o.out, "answered"));
    CHECK_INT(stage_close(&g), 0);
}

/* ---- replay ---- */

static char *write_text(struct stage *g, const char *name, struct bytes text)
{
    char *path = arena_printf(g->a, "%s/%s", g->base, name);
    FILE *f = fopen(path, "we");

    if (!f || fwrite(text.data, 1, text.len, f) != text.len || fclose(f) != 0)
        abort();
    return path;
}

static char *rules(struct stage *g, const char *name, const char *text)
{
    return write_text(g, name, bytes_of(text, strlen(text)));
}

static void copy_weights(struct stage *g, const char *folder, const char *name)
{
    write_text(g, arena_printf(g->a, "%s/%s", folder, name),
               file_read(g->a, root_file(g, arena_printf(g->a, "models/%s", name))));
}

/* The built-in model beside a card of its own; `from` in the card is replaced by `to`. */
static char *candidate(struct stage *g, const char *folder, const char *from, const char *to)
{
    struct bytes card = file_read(g->a, root_file(g, "models/assay-detect-4.card.json"));
    const char *text = (const char *)card.data, *at = strstr(text, from);
    char *changed = at ? arena_printf(g->a, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)) : NULL;

    CHECK(at);
    if (mkdir(arena_printf(g->a, "%s/%s", g->base, folder), 0700) < 0)
        abort();
    copy_weights(g, folder, "assay-detect-4.onnx");
    copy_weights(g, folder, "assay-detect-4.u8s8.onnx"); /* which the server runs where the processor can */
    return write_text(g, arena_printf(g->a, "%s/candidate.json", folder),
                      changed ? bytes_of(changed, strlen(changed)) : card);
}

/* Everything stored, as one text: the names and sums of all files but SQLite's own index. */
static const char *stored(struct stage *g)
{
    char *script = arena_printf(
        g->a, "cd '%s' && find . -type f ! -name '*-shm' ! -size 0 | sort | xargs sha256sum", g->dir);
    char *argv[] = {(char[]){"/bin/sh"}, (char[]){"-c"}, script, NULL};
    char *out;

    CHECK_INT(program_run(g->a, argv, &out), 0);
    return out;
}

static int number(struct stage *g, const char *out, const char *path)
{
    const char *sums = strstr(out, "{\"sums\"");
    char *text = sums ? json_at(g->a, bytes_of(sums, strlen(sums)), path) : NULL;

    return text ? atoi(text) : -1;
}

/* A stage with the three known clips judged: intrusion (near), intrusion (0.86), safe; and one that is
 * broken. */
struct stored_jobs {
    struct stage g;
    char *person, *tiny, *empty, *broken;
};

static struct stored_jobs stored_jobs_open(void)
{
    struct stored_jobs s = {.g = stage_open(ARGS("--analysts", "1"))};

    s.person = judged(&s.g, "person.mp4");
    s.tiny = judged(&s.g, "tiny.mp4");
    s.empty = judged(&s.g, "empty.mp4");
    s.broken = judged(&s.g, "text.mp4");
    return s;
}

/* Between the scores of the two persons. */
static const char strict[] = "{\"tenants\":{\"acme\":{\"low\":0.15,\"high\":0.93,\"label\":0.5}}}";

static void a_threshold_flips_known_clips(void)
{
    struct stored_jobs s = stored_jobs_open();
    struct stage *g = &s.g;
    char *file = rules(g, "strict.json", strict);
    const char *before = stored(g);
    struct outcome o = stage_run(g, ARGS("replay", "--rules", file, "--json"));

    CHECK_INT(o.status, 0);
    check_has(o.out, s.tiny);
    CHECK(!strstr(o.out, s.person) && !strstr(o.out, s.empty) && !strstr(o.out, s.broken));
    check_has(o.out, "\"camera\":\"\",\"then\":{\"risk\":\"intrusion\"");
    CHECK_INT(number(g, o.out, "sums.jobs"), 4);
    CHECK_INT(number(g, o.out, "sums.flips"), 1);
    CHECK_INT(number(g, o.out, "sums.moves.intrusion.danger"), 1);
    CHECK_INT(number(g, o.out, "sums.moves.intrusion.intrusion"), 1);
    CHECK_INT(number(g, o.out, "sums.moves.safe.safe"), 1);
    CHECK_INT(number(g, o.out, "sums.moves.none.none"), 1);
    CHECK(number(g, o.out, "sums.from_scores") > 0);
    CHECK_STR(stored(g), before);
    o = stage_run(g, ARGS("replay", "--rules", file));
    check_has(o.out, "flips     1 of 4 (25.0 %); intrusion -> danger 1\n");
    o = stage_run(g, ARGS("replay", "--rules", file, "--tenant", "nobody", "--json"));
    CHECK_INT(number(g, o.out, "sums.jobs"), 0);
    o = stage_run(g, ARGS("replay", "--rules", file, "--limit", "2", "--json"));
    CHECK_INT(number(g, o.out, "sums.jobs"), 2);
    CHECK_INT(number(g, o.out, "sums.flips"), 0); /* the newest two: broken, empty */
    CHECK_INT(stage_close(g), 0);
}

/* The first flip, up to how it was found out. */
static const char *first_flip(struct stage *g, const char *out)
{
    const char *end = strstr(out, ",\"from_scores\"");

    return arena_strndup(g->a, out, end ? (size_t)(end - out) : 0);
}

/* The same rules once from scores and once by whole analyses of the very same model. */
static void scores_and_analyses_agree(void)
{
    struct stored_jobs s = stored_jobs_open();
    struct stage *g = &s.g;
    char *file = rules(g, "strict.json", strict), *same = candidate(g, "same", "\"schema\"", "\"schema\"");
    struct outcome fast = stage_run(g, ARGS("replay", "--rules", file, "--json"));
    struct outcome full = stage_run(g, ARGS("replay", "--rules", file, "--model", same, "--json"));

    CHECK_INT(full.status, 0);
    CHECK_INT(number(g, full.out, "sums.from_scores"), 0);
    CHECK_INT(number(g, full.out, "sums.judged_again"), 4);
    CHECK_INT(number(g, full.out, "sums.other_makers"), 0);
    CHECK(number(g, full.out, "sums.cost_now_us") > 0 && number(g, full.out, "sums.cost_then_us") > 0);
    CHECK_INT(number(g, fast.out, "sums.flips"), number(g, full.out, "sums.flips"));
    CHECK_INT(number(g, fast.out, "sums.moves.intrusion.danger"),
              number(g, full.out, "sums.moves.intrusion.danger"));
    check_has(full.out, s.tiny);
    CHECK_STR(first_flip(g, full.out), first_flip(g, fast.out)); /* the scores, too, to the last digit */
    CHECK_INT(stage_close(g), 0);
}

static void label(struct stage *g, const char *id, const char *word)
{
    char *body = arena_printf(g->a, "{\"labels\":[\"%s\"]}", word);
    char *request =
        arena_printf(g->a,
                     "POST /api/label/%s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
                     "Content-Type: application/json\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
                     id, g->key, strlen(body), body);

    CHECK_INT(http_raw(g->a, g->s.port, bytes_of(request, strlen(request))).status, 200);
}

/* Of persons, in the card of the built-in model. */
static char *first_calibration(struct stage *g)
{
    const char *text = (const char *)file_read(g->a, root_file(g, "models/assay-detect-4.card.json")).data;
    const char *at = strstr(text, "\"calibration\": [["), *end = at ? strstr(at, "]]") : NULL;

    CHECK(end);
    return end ? arena_strndup(g->a, at, (size_t)(end + 2 - at)) : arena_strdup(g->a, "");
}

/* A candidate that does not believe in persons. Operators say who is right. */
static void a_candidate_model_flips_persons(void)
{
    struct stored_jobs s = stored_jobs_open();
    struct stage *g = &s.g;
    char *card =
        candidate(g, "blind", first_calibration(g), "\"calibration\": [[0, 0], [0.3, 0.2], [1, 0.3]]");
    const char *before;
    struct outcome o;

    label(g, s.person, "person");
    label(g, s.tiny, "EMPTY");
    label(g, s.empty, "N/A");
    before = stored(g);
    o = stage_run(g, ARGS("replay", "--model", card, "--json"));
    CHECK_INT(o.status, 0);
    CHECK_INT(number(g, o.out, "sums.moves.intrusion.danger"), 2);
    CHECK_INT(number(g, o.out, "sums.flips"), 2);
    CHECK_INT(number(g, o.out, "sums.agree"), 1);
    CHECK_INT(number(g, o.out, "sums.contradict"), 1);
    CHECK_INT(number(g, o.out, "sums.other_makers"), 4);
    CHECK_INT(number(g, o.out, "sums.from_scores"), 0);
    check_has(o.out, "\"label\":\"person\",\"agreement\":\"contradicts\"");
    check_has(o.out, "\"label\":\"EMPTY\",\"agreement\":\"agrees\"");
    CHECK_STR(stored(g), before);
    CHECK_INT(stage_close(g), 0);
}

/* Files that are gone are counted; a directory without a server is as good as one with; what makes no sense
 * is told. */
static void what_is_missing_is_told(void)
{
    struct stored_jobs s = stored_jobs_open();
    struct stage *g = &s.g;
    char *same = candidate(g, "same", "\"schema\"", "\"schema\"");
    char *sha256 = json_at(g->a, stage_job(g, s.tiny).body, "report.subject.sha256");
    const char *before;
    struct outcome o;

    CHECK_INT(served_stop(&g->s), 0);
    CHECK(unlink(arena_printf(g->a, "%s/blobs/%.2s/%s", g->dir, sha256, sha256)) == 0);
    before = stored(g);
    o = stage_run(g, ARGS("replay", "--model", same));
    CHECK_INT(o.status, 0);
    check_has(o.out, "jobs      4 of 4 that ended; 1 without their file\n");
    check_has(o.out, "flips     0 of 3 (0.0 %)\n");
    CHECK_STR(stored(g), before);
    CHECK_INT(stage_run(g, ARGS("replay")).status, 2);
    CHECK_INT(stage_run(g, ARGS("replay", "--rules", "/nonexistent.json")).status, 1);
    o = stage_run(g, ARGS("replay", "--model", "/nonexistent.json"));
    CHECK_INT(o.status, 1);
    CHECK_STR(o.out, "");
    folder_remove(g->dir);
    o = stage_run(g, ARGS("replay", "--rules", rules(g, "strict.json", strict)));
    CHECK_INT(o.status, 1);
    CHECK(access(g->dir, F_OK) < 0); /* nothing is made */
    folder_remove(g->base);
}

/* Ctrl-C: what there is so far. */
static void interrupted_it_tells_what_it_has(void)
{
    struct stage g = stage_open(ARGS("--analysts", "2"));
    char *same = candidate(&g, "same", "\"schema\"", "\"schema\"");
    char *argv[] = {(char[]){"/usr/bin/timeout"},
                    (char[]){"--preserve-status"},
                    (char[]){"--foreground"},
                    (char[]){"-s"},
                    (char[]){"INT"},
                    (char[]){"2"},
                    arena_strdup(g.a, harness_program()),
                    (char[]){"replay"},
                    (char[]){"--model"},
                    same,
                    (char[]){"--json"},
                    (char[]){"--data"},
                    g.dir,
                    NULL};
    struct outcome o;
    char *id = NULL;

    for (int i = 0; i < 6; i++)
        id = stage_submit(&g, "long.mp4");
    result_wait(g.a, g.s.port, g.key, id, 120);
    usleep(1500000); /* the other analyst's last one */
    o = program_outcome(g.a, argv, 60);
    CHECK_INT(o.status, 130);
    check_has(o.out, "\"interrupted\":true");
    CHECK(number(&g, o.out, "sums.jobs") < 6);
    CHECK_INT(stage_close(&g), 0);
}

int main(void)
{
    RUN(the_same_input_gives_the_same_bytes);
    RUN(evidence_is_told);
    RUN(the_same_clip_is_answered_at_once);
    RUN(by_default_every_clip_is_judged);
    RUN(a_threshold_flips_known_clips);
    RUN(scores_and_analyses_agree);
    RUN(a_candidate_model_flips_persons);
    RUN(what_is_missing_is_told);
    RUN(interrupted_it_tells_what_it_has);
    return test_end();
}
