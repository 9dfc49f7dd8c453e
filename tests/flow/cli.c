/* The command line, as a person and as a script meets it: exit statuses, sentences, the same bytes twice. */
#include <ctype.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/id.h"
#include "base/text.h"
#include "harness.h"
#include "test.h"

enum { SECONDS = 60, REFUSED_AT_LEAST = 30 };

#define RUN_ASSAY(...) assay_outcome(arena, (const char *const[]){__VA_ARGS__, NULL}, SECONDS)

static struct arena *arena;
static char *base; /* a folder for everything here */

static char *clip(const char *name)
{
    const char *dir = getenv("ASSAY_CLIPS");

    return arena_printf(arena, "%s/%s", dir ? dir : "build/clips", name);
}

static char *inside(const char *name)
{
    return arena_printf(arena, "%s/%s", base, name);
}

static int count(const char *text, const char *words)
{
    int n = 0;

    for (const char *at = text; (at = strstr(at, words)); at += strlen(words))
        n++;
    return n;
}

static void write_file(const char *path, struct bytes b)
{
    FILE *f = fopen(path, "we");

    if (!f || fwrite(b.data, 1, b.len, f) != b.len || fclose(f) != 0)
        abort();
}

/* ---- doctor, version, help ---- */

static void doctor_is_content(void)
{
    struct outcome o = RUN_ASSAY("doctor", "--data", base);

    CHECK_INT(o.status, 0);
    CHECK(count(o.out, "refused: ") >= REFUSED_AT_LEAST);
    CHECK_INT(count(o.out, "FAIL"), 0);
    CHECK(strstr(o.out, "\nwell: 0 broken"));
    CHECK(strstr(o.out, "forbidden actions refused inside an analyst"));
    if (!test_ok)
        printf("# %s\n", o.out);
    o = RUN_ASSAY("doctor", "--brief", "--data", base);
    CHECK_INT(o.status, 0);
    CHECK_INT(count(o.out, "refused: "), 0);
}

static void doctor_finds_what_is_broken(void)
{
    struct outcome o =
        RUN_ASSAY("doctor", "--brief", "--data", base, "--onnxruntime", "/nonexistent/libonnxruntime.so");

    CHECK_INT(o.status, 1);
    CHECK(strstr(o.out, "FAIL"));
    CHECK(strstr(o.out, "NOT WELL"));
}

static const char *const commands[] = {"serve", "check", "key", "model", "doctor", "version"};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void help_is_there(void)
{
    struct outcome o = RUN_ASSAY("--help");

    CHECK_INT(o.status, 0);
    for (size_t i = 0; i < COMMANDS; i++) {
        struct outcome one = RUN_ASSAY(commands[i], "--help");
        CHECK(strstr(o.out, commands[i]));
        CHECK_INT(one.status, 0);
        CHECK(strstr(one.out, arena_printf(arena, "Usage: assay %s", commands[i])));
        CHECK(strstr(one.out, "--help"));
        CHECK_STR(one.err, "");
        ROW("%s", commands[i]);
    }
}

/* Status 2 and a sentence on stderr, nothing on stdout, nothing made. */
static void check_misuse(const struct outcome *o, const char *word)
{
    CHECK_INT(o->status, 2);
    CHECK_STR(o->out, "");
    CHECK(strlen(o->err) > 10);
    CHECK(strstr(o->err, word));
    if (o->status != 2 || !strstr(o->err, word))
        printf("#   status %d: %.200s\n", o->status, o->err);
}

static void misuse_is_told(void)
{
    struct outcome o = RUN_ASSAY("judge");

    check_misuse(&o, "'judge'");
    o = assay_outcome(arena, (const char *const[]){NULL}, SECONDS);
    check_misuse(&o, "Usage");
    for (size_t i = 0; i < COMMANDS; i++) {
        o = RUN_ASSAY(commands[i], "--nonsense");
        check_misuse(&o, "--nonsense");
        ROW("%s", commands[i]);
    }
    o = RUN_ASSAY("serve", "word");
    check_misuse(&o, "'word'");
    o = RUN_ASSAY("doctor", "word");
    check_misuse(&o, "'word'");
    o = RUN_ASSAY("version", "word");
    check_misuse(&o, "'word'");
    o = RUN_ASSAY("key", "word", "--data", inside("none"));
    check_misuse(&o, "'word'");
    o = RUN_ASSAY("key", "--data", inside("none"));
    check_misuse(&o, "Usage");
    o = RUN_ASSAY("model", "word", "--data", inside("none"));
    check_misuse(&o, "'word'");
    o = RUN_ASSAY("check");
    check_misuse(&o, "Usage");
    o = RUN_ASSAY("serve", "--threads", "many");
    check_misuse(&o, "threads");
    o = RUN_ASSAY("serve", "--threads", "1000");
    check_misuse(&o, "threads");
    o = RUN_ASSAY("serve", "--threads");
    check_misuse(&o, "threads");
    CHECK(access(inside("none"), F_OK) < 0);
}

static void version_is_told(void)
{
    struct outcome o = RUN_ASSAY("version"), same = RUN_ASSAY("--version");

    CHECK_INT(o.status, 0);
    CHECK(text_starts(o.out, "assay "));
    CHECK(strstr(o.out, "built-in detector: ") && strstr(o.out, "libavcodec") &&
          strstr(o.out, "ONNX Runtime"));
    CHECK_STR(same.out, o.out);
}

/* ---- check ---- */

static void status_says_the_risk(void)
{
    static const struct {
        const char *what, *first, *second, *low, *high;
        int status;
    } rows[] = {
        {"nobody", "empty.mp4", NULL, NULL, NULL, 0},
        {"somebody", "person.mp4", NULL, NULL, NULL, 20},
        {"in between", "person.mp4", NULL, "0.1", "0.9999", 10},
        {"nobody, by the thresholds", "person.mp4", NULL, "0.9998", "0.9999", 0},
        {"no video", "text.mp4", NULL, NULL, NULL, 30},
        {"empty file", "zero.bin", NULL, NULL, NULL, 30},
        {"no such file", "none.mp4", NULL, NULL, NULL, 30},
        {"a folder", ".", NULL, NULL, NULL, 30},
        {"the worst of two", "empty.mp4", "person.mp4", NULL, NULL, 20},
        {"the worst is no verdict", "text.mp4", "empty.mp4", NULL, NULL, 30},
        {"a bad file does not stop the next", "none.mp4", "person.mp4", NULL, NULL, 30},
        {"low above high", "empty.mp4", NULL, "0.9", "0.1", 30},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct outcome o = RUN_ASSAY("check", "--low", rows[i].low ? rows[i].low : "-1", "--high",
                                     rows[i].high ? rows[i].high : "-1", clip(rows[i].first),
                                     rows[i].second ? clip(rows[i].second) : NULL);
        CHECK_INT(o.status, rows[i].status);
        CHECK(!rows[i].second || strstr(o.out, rows[i].second));
        CHECK(rows[i].status != 30 || strstr(o.out, "NO VERDICT") || text_starts(o.err, "assay: "));
        ROW("%s: %s%s", rows[i].what, o.out, o.err);
    }
}

static void a_missing_file_is_called_missing(void)
{
    struct outcome o = RUN_ASSAY("check", clip("none.mp4"));

    CHECK(strstr(o.err, "none.mp4"));
    CHECK(strstr(o.err, "No such file"));
    CHECK_STR(o.out, "");
}

/* Everything but the timing, which is the last member. */
static char *without_timing(const char *line)
{
    const char *at = strstr(line, ",\"timing\":{");

    CHECK(at != NULL);
    return at ? arena_strndup(arena, line, (size_t)(at - line)) : arena_strdup(arena, line);
}

static void same_file_same_bytes(void)
{
    static const char *const names[] = {"person.mp4", "empty.mp4", "tiny.mp4", "text.mp4", "cut.mp4"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct outcome o = RUN_ASSAY("check", "--json", clip(names[i])),
                       again = RUN_ASSAY("check", "--json", clip(names[i]));
        CHECK_STR(without_timing(again.out), without_timing(o.out));
        CHECK_INT(count(o.out, "\n"), 1);
        CHECK_STR(json_at(arena, bytes_of(o.out, strlen(o.out)), "schema"), "assay.report/1");
        CHECK_INT(again.status, o.status);
        ROW("%s", names[i]);
    }
}

static void one_line_a_file(void)
{
    struct outcome o = RUN_ASSAY("check", "--json", clip("tiny.mp4"), clip("none.mp4"), clip("empty.mp4"));
    char *second = strchr(o.out, '\n');

    CHECK_INT(count(o.out, "\n"), 2);
    CHECK(second && strstr(second, "empty.mp4"));
    CHECK(strstr(o.err, "none.mp4"));
    CHECK_INT(o.status, 30);
}

/* ---- annotate ---- */

static void annotated_clip_plays(void)
{
    char *out = inside("seen.mp4");
    struct outcome o = RUN_ASSAY("check", "--annotate", out, clip("person.mp4")), seen;
    struct bytes file, report;

    CHECK_INT(o.status, 20);
    file = file_read(arena, out);
    CHECK(file.len > 10000 && memcmp(file.data + 4, "ftyp", 4) == 0);
    seen = RUN_ASSAY("check", "--json", out);
    report = bytes_of(seen.out, strlen(seen.out));
    CHECK_STR(json_at(arena, report, "error.code"), "ok");
    CHECK_STR(json_at(arena, report, "media.codec"), "h264");
    CHECK_STR(json_at(arena, report, "media.width"), "640");
    CHECK_STR(json_at(arena, report, "media.height"), "480");
    CHECK_STR(json_at(arena, report, "media.frames"), "84"); /* all of the source's */
    CHECK_STR(json_at(arena, report, "media.truncated"), "false");
}

static void annotate_twice_is_the_same(void)
{
    struct bytes one, two;

    RUN_ASSAY("check", "--annotate", inside("one.mp4"), clip("tiny.mp4"));
    RUN_ASSAY("check", "--annotate", inside("two.mp4"), clip("tiny.mp4"));
    one = file_read(arena, inside("one.mp4"));
    two = file_read(arena, inside("two.mp4"));
    CHECK(one.len > 0 && one.len == two.len && memcmp(one.data, two.data, one.len) == 0);
}

static void annotate_refuses(void)
{
    struct outcome o = RUN_ASSAY("check", "--annotate", inside("x.mp4"), clip("tiny.mp4"), clip("empty.mp4"));

    check_misuse(&o, "Usage");
    o = RUN_ASSAY("check", "--annotate", inside("no/such/folder.mp4"), clip("tiny.mp4"));
    CHECK_INT(o.status, 30);
    CHECK(strstr(o.err, "folder.mp4"));
    o = RUN_ASSAY("check", "--annotate", inside("y.mp4"), clip("text.mp4"));
    CHECK_INT(o.status, 30);
}

/* ---- scenes and pictures ---- */

enum { BMP_HEAD = 54, BMP_SIDE = 32 };

/* A grey picture. */
static char *make_bmp(void)
{
    static const uint8_t head[BMP_HEAD] = {
        'B',      'M',      [2] = 0x36, 0x0c, [10] = BMP_HEAD, [14] = 40, [18] = BMP_SIDE, [22] = BMP_SIDE,
        [26] = 1, [28] = 24};
    uint8_t file[BMP_HEAD + BMP_SIDE * BMP_SIDE * 3];
    char *path = inside("grey.picture");

    memset(file, 0x80, sizeof file);
    memcpy(file, head, sizeof head);
    write_file(path, bytes_of(file, sizeof file));
    return path;
}

static void status_says_whether_it_was_judged(void)
{
    char *bmp = make_bmp(), *broken = inside("broken.png");
    const struct {
        const char *what, *pipeline, *file;
        int status;
        const char *words;
    } rows[] = {
        {"a video", "scenes", clip("person.mp4"), 0, "person.mp4: 1 shot"},
        {"half a video", "scenes", clip("cut.mp4"), 30, "COULD NOT BE JUDGED"},
        {"no video", "scenes", clip("text.mp4"), 30, "COULD NOT BE JUDGED (cannot_decode)"},
        {"an alarm clip as before", "alarm", clip("person.mp4"), 20, "intrusion"},
        {"a picture among scenes", "scenes", bmp, 0, "bmp, 32 x 32"},
        {"a picture as an alarm clip", "alarm", bmp, 0, "safe (intrusion"},
        {"no picture", "scenes", broken, 30, "COULD NOT BE JUDGED (cannot_decode)"},
    };

    write_file(broken, bytes_of("\x89PNG\r\n\x1a\n", 8));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct outcome o =
            RUN_ASSAY("check", "--scenes-blocks", "none", "--pipeline", rows[i].pipeline, rows[i].file);
        CHECK_INT(o.status, rows[i].status);
        CHECK(strstr(o.out, rows[i].words));
        ROW("%s: %s%s", rows[i].what, o.out, o.err);
    }
    CHECK_INT(RUN_ASSAY("check", "--scenes-blocks", "none", bmp).status, 0); /* known by its content */
}

/* Every file has its place, whatever came of it; and the reports are the same as without a page. */
static void a_page_of_all_kinds(void)
{
    char *path = inside("report.html"), *bmp = make_bmp(), *text;
    struct outcome with = RUN_ASSAY("check", "--json", "--scenes-blocks", "none", "--pipeline", "scenes",
                                    "--html", path, clip("person.mp4"), bmp, clip("none.mp4")),
                   without = RUN_ASSAY("check", "--json", "--scenes-blocks", "none", "--pipeline", "scenes",
                                       clip("person.mp4"), bmp, clip("none.mp4"));
    struct bytes page = file_read(arena, path);

    CHECK_INT(with.status, 30);
    CHECK_STR(without_timing(with.out), without_timing(without.out));
    text = arena_strndup(arena, (const char *)page.data, page.len);
    CHECK(text_starts(text, "<!doctype html>") && text_ends(text, "</html>\n"));
    CHECK_INT(count(text, "<article>"), 3);
    CHECK(count(text, "src=\"data:image/jpeg;base64,") >= 2);
    CHECK(strstr(text, "No such file"));
}

static void page_and_pipeline_refuse(void)
{
    char *video = inside("video.mp4");
    struct bytes before = file_read(arena, clip("tiny.mp4")), after;
    struct outcome o = RUN_ASSAY("check", "--pipeline", "annotate", clip("tiny.mp4"));

    check_misuse(&o, "pipeline");
    o = RUN_ASSAY("check", "--biometrics", "everything", clip("tiny.mp4"));
    check_misuse(&o, "everything");
    write_file(video, before);
    o = RUN_ASSAY("check", "--html", video, clip("tiny.mp4"));
    CHECK_INT(o.status, 1);
    CHECK(strstr(o.err, "it stays as it is"));
    after = file_read(arena, video);
    CHECK(after.len == before.len && memcmp(after.data, before.data, after.len) == 0);
    o = RUN_ASSAY("check", "--html", inside("no/such/folder.html"), clip("tiny.mp4"));
    CHECK_INT(o.status, 1);
    CHECK_STR(o.out, ""); /* said before the work */
    o = RUN_ASSAY("check", "--pipeline", "scenes", "--scenes-blocks", "none", "--annotate", inside("z.mp4"),
                  clip("tiny.mp4"));
    CHECK_INT(o.status, 30);
    CHECK(strstr(o.err, "pipeline alarm only"));
}

/* ---- configuration ---- */

/* Lines that are not comments: the comments tell where a value came from. */
static char *values(const char *config)
{
    struct buf b = BUF(1 << 20);
    char *kept;

    for (const char *line = config, *end; *line; line = end) {
        end = line + strcspn(line, "\n");
        end += *end != '\0';
        if (*line != '#' && *line != '\n')
            buf_add(&b, line, (size_t)(end - line));
    }
    kept = arena_strndup(arena, b.data ? b.data : "", b.len);
    buf_clear(&b);
    return kept;
}

static char *print_config(const char *file)
{
    struct outcome o = RUN_ASSAY("serve", "--config", file, "--print-config");

    CHECK_INT(o.status, 0);
    return o.out;
}

static void config_comes_back(void)
{
    struct outcome first = RUN_ASSAY("serve", "--print-config", "--max-upload", "123M", "--deadline", "90s",
                                     "--listen", "127.0.0.1:0", "--data", "/tmp/a folder #1 = x",
                                     "--legacy-keys", "--max-pixels", "1000000");
    char *path = inside("assay.conf"), *second, *third;

    CHECK_INT(first.status, 0);
    CHECK(strstr(first.out, "\nmax-upload = 123M\n"));
    CHECK(strstr(first.out, "\ndata = /tmp/a folder #1 = x\n"));
    CHECK(strstr(first.out, "\nlegacy-keys = true\n"));
    CHECK(strstr(first.out, "(flag)") && strstr(first.out, "(default)"));
    write_file(path, bytes_of(first.out, strlen(first.out)));
    second = print_config(path);
    CHECK_STR(values(second), values(first.out));
    write_file(path, bytes_of(second, strlen(second)));
    third = print_config(path);
    CHECK_STR(third, second); /* to the byte: now all comes from the file */
}

static void config_order(void)
{
    char *path = inside("order.conf");
    struct outcome o;

    write_file(path, bytes_of("threads = 3\ndrain = 3s\nmax-queued = 3\n", 39));
    setenv("ASSAY_THREADS", "4", 1);
    setenv("ASSAY_DRAIN", "4s", 1);
    o = RUN_ASSAY("serve", "--config", path, "--threads", "5", "--print-config");
    unsetenv("ASSAY_THREADS");
    unsetenv("ASSAY_DRAIN");
    CHECK(strstr(o.out, "\nthreads = 5\n") && strstr(o.out, "\ndrain = 4s\n") &&
          strstr(o.out, "\nmax-queued = 3\n"));
    write_file(path, bytes_of("thread = 3\n", 11));
    o = RUN_ASSAY("serve", "--config", path, "--print-config");
    CHECK_INT(o.status, 2);
    CHECK(strstr(o.err, "thread") && strstr(o.err, "order.conf"));
}

/* ---- models ---- */

static char *root_file(const char *name)
{
    const char *root = getenv("ASSAY_ROOT");

    return arena_printf(arena, "%s/%s", root ? root : ".", name);
}

/* A card and its model in a folder of their own; the model damaged in its middle if asked. */
static char *make_card(const char *folder, bool damaged)
{
    struct bytes card = file_read(arena, root_file("models/assay-detect-4.card.json"));
    struct bytes model = file_read(arena, root_file("models/assay-detect-4.onnx"));
    uint8_t *copy = arena_alloc(arena, model.len);

    memcpy(copy, model.data, model.len);
    copy[model.len / 2] ^= damaged;
    mkdir(inside(folder), 0700);
    write_file(inside(arena_printf(arena, "%s/card.json", folder)), card);
    write_file(inside(arena_printf(arena, "%s/assay-detect-4.onnx", folder)), bytes_of(copy, model.len));
    return inside(arena_printf(arena, "%s/card.json", folder));
}

static void built_in_model(void)
{
    char *data = inside("fresh");
    struct outcome o = RUN_ASSAY("model", "list", "--data", data);

    CHECK_INT(o.status, 0);
    CHECK(strstr(o.out, "assay-detect") && strstr(o.out, "built in"));
    o = RUN_ASSAY("model", "show", "assay-detect", "--data", data);
    CHECK_INT(o.status, 0);
    CHECK(strstr(o.out, "sha256") && strstr(o.out, "person") && strstr(o.out, "licence"));
    o = RUN_ASSAY("model", "verify", "--data", data);
    CHECK_INT(o.status, 0);
    CHECK(strstr(o.out, "fine"));
    o = RUN_ASSAY("model", "show", "none", "--data", data);
    CHECK_INT(o.status, 1);
    CHECK(strstr(o.err, "none"));
    CHECK(access(data, F_OK) < 0); /* looking makes nothing */
}

static void damaged_model_is_not_added(void)
{
    char *data = inside("models-data"), *card = make_card("damaged", true);
    struct outcome o = RUN_ASSAY("model", "add", card, "--data", data);

    CHECK_INT(o.status, 1);
    CHECK(strstr(o.err, "SHA-256"));
    o = RUN_ASSAY("model", "list", "--data", data);
    CHECK_INT(count(o.out, "\nassay-detect "), 1); /* the built-in one */
    o = RUN_ASSAY("model", "add", "--data", data);
    CHECK(o.status == 1 || o.status == 2);
    o = RUN_ASSAY("model", "add", inside("no-card.json"), "--data", data);
    CHECK_INT(o.status, 1);
    CHECK(strstr(o.err, "no-card.json"));
}

static void model_is_added_and_verified(void)
{
    char *data = inside("models-data"), *card = make_card("good", false);
    struct outcome o = RUN_ASSAY("model", "add", card, "--data", data);

    CHECK_INT(o.status, 0);
    o = RUN_ASSAY("model", "add", card, "--data", data);
    CHECK_INT(o.status, 0); /* the same again is fine */
    o = RUN_ASSAY("model", "list", "--data", data);
    CHECK(strstr(o.out, "card.json"));
    o = RUN_ASSAY("model", "verify", "--data", data);
    CHECK_INT(o.status, 0);
    o = RUN_ASSAY("check", "--json", "--data", data, clip("tiny.mp4"));
    CHECK_INT(o.status, 20);
    /* damaged where it is installed: nobody judges with it, nor silently with another */
    make_card("damaged", true);
    rename(inside("damaged/assay-detect-4.onnx"), inside("models-data/models/assay-detect-4.onnx"));
    o = RUN_ASSAY("model", "verify", "--data", data);
    CHECK_INT(o.status, 1);
    CHECK(strstr(o.out, "BAD"));
    o = RUN_ASSAY("check", "--data", data, clip("tiny.mp4"));
    CHECK_INT(o.status, 1);
    CHECK(strstr(o.err, "SHA-256"));
    if (!test_ok)
        printf("# %s%s\n", o.out, o.err);
}

/* ---- keys ---- */

static void keys_come_and_go(void)
{
    char *data = inside("keys"), *key, *line, *id;
    struct outcome o = RUN_ASSAY("key", "new", "--data", data, "--tenant", "acme", "--note", "gate");

    CHECK_INT(o.status, 0);
    CHECK(text_starts(o.out, "ak_") && strlen(o.out) == 44 && o.out[43] == '\n' &&
          text_is_hex(arena_strndup(arena, o.out + 3, 40), 40));
    key = arena_strndup(arena, o.out, 43);
    o = RUN_ASSAY("key", "list", "--data", data);
    CHECK_INT(o.status, 0);
    CHECK(strstr(o.out, "acme") && strstr(o.out, "gate") && strstr(o.out, "valid"));
    CHECK(!strstr(o.out, key) && !strstr(o.out, key + 3));
    line = strchr(o.out, '\n');
    id = arena_strndup(arena, line ? line + 1 : "", ID_DIGITS);
    CHECK(id_is_valid(id));
    o = RUN_ASSAY("key", "revoke", id, "--data", data);
    CHECK_INT(o.status, 0);
    o = RUN_ASSAY("key", "list", "--data", data);
    CHECK(strstr(o.out, "revoked") && !strstr(o.out, "valid"));
    o = RUN_ASSAY("key", "revoke", "000000000000000000000000", "--data", data);
    CHECK_INT(o.status, 1);
    o = RUN_ASSAY("key", "revoke", "x", "--data", data);
    CHECK_INT(o.status, 1);
    o = RUN_ASSAY("key", "new", "--data", data);
    CHECK_INT(o.status, 1);
    CHECK(strstr(o.err, "--tenant"));
}

/* The key's text is nowhere in the data directory. */
static void keys_are_not_stored(void)
{
    char *data = inside("secret");
    struct outcome o = RUN_ASSAY("key", "new", "--data", data, "--tenant", "acme");
    struct bytes db = file_read(arena, inside("secret/assay.db"));

    CHECK_INT(o.status, 0);
    CHECK(db.len > 0 && !memmem(db.data, db.len, o.out, 43) && !memmem(db.data, db.len, o.out + 3, 40));
}

int main(void)
{
    arena = arena_new();
    base = folder_new(arena);
    RUN(doctor_is_content);
    RUN(doctor_finds_what_is_broken);
    RUN(help_is_there);
    RUN(misuse_is_told);
    RUN(version_is_told);
    RUN(status_says_the_risk);
    RUN(a_missing_file_is_called_missing);
    RUN(same_file_same_bytes);
    RUN(one_line_a_file);
    RUN(annotated_clip_plays);
    RUN(annotate_twice_is_the_same);
    RUN(annotate_refuses);
    RUN(status_says_whether_it_was_judged);
    RUN(a_page_of_all_kinds);
    RUN(page_and_pipeline_refuse);
    RUN(config_comes_back);
    RUN(config_order);
    RUN(built_in_model);
    RUN(damaged_model_is_not_added);
    RUN(model_is_added_and_verified);
    RUN(keys_come_and_go);
    RUN(keys_are_not_stored);
    folder_remove(base);
    arena_free(arena);
    return test_end();
}
