/* Recordings on their way in, by the whole program: real ones, signed ones, a thousand of them; what a
 * deleted one leaves on the disk, and what a kill does. */
#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "base/text.h"
#include "harness.h"
#include "stage.h"
#include "test.h"

static struct stage stage;
static const char *admin;

#define CSV "timestamp,accX\n0,1\n10,2\n20,3.5\n"

static struct answer send_file(const char *path, const char *name, struct bytes body)
{
    char *head = arena_printf(stage.a,
                              "POST %s HTTP/1.1\r\nHost: localhost\r\nx-api-key: %s\r\nx-file-name: %s\r\n"
                              "Connection: close\r\nContent-Length: %zu\r\n\r\n",
                              path, stage.key, name, body.len);
    struct buf all = BUF(64 << 20);
    struct answer answer;

    buf_str(&all, head);
    buf_add(&all, body.data, body.len);
    answer = http_raw(stage.a, stage.s.port, buf_bytes(&all));
    buf_clear(&all);
    return answer;
}

static struct answer send_form(const char *path, struct form *f)
{
    return http_raw(stage.a, stage.s.port, form_request(stage.a, f, path, stage.key));
}

static struct answer get(const char *path)
{
    return http_get(stage.a, stage.s.port, path, stage.key);
}

static const char *at(const struct answer *answer, const char *path)
{
    const char *value = json_at(stage.a, answer->body, path);

    return value ? value : "none";
}

static long count(const char *query)
{
    struct answer answer = get(arena_printf(stage.a, "/v1/api/1/raw-data/count?category=%s", query));

    return strtol(at(&answer, "count"), NULL, 10);
}

static struct answer delete (const char *path)
{
    char *text = arena_printf(
        stage.a, "DELETE %s HTTP/1.1\r\nHost: localhost\r\nx-api-key: %s\r\nConnection: close\r\n\r\n", path,
        admin);

    return http_raw(stage.a, stage.s.port, bytes_of(text, strlen(text)));
}

/* ---- files on the disk ---- */

static long files;

static int count_file(const char *path UNUSED, const struct stat *st UNUSED, int kind,
                      struct FTW *where UNUSED)
{
    files += kind == FTW_F;
    return 0;
}

static long blobs(void)
{
    files = 0;
    nftw(arena_printf(stage.a, "%s/blobs", stage.dir), count_file, 16, FTW_PHYS);
    return files;
}

static bool blobs_come_to(long n)
{
    for (int i = 0; i < 100 && blobs() != n; i++)
        usleep(100000);
    return blobs() == n;
}

static void a_deleted_sample_leaves_nothing(void)
{
    long before = blobs();
    struct answer answer = send_file("/api/testing/data", "gone.csv", bytes_of(CSV, strlen(CSV)));
    const char *id;

    CHECK_INT(answer.status, 200);
    CHECK_INT(blobs(), before + 2); /* the file and its numbers */
    answer = get("/v1/api/1/raw-data?category=testing");
    id = at(&answer, "samples.0.id");
    answer = delete (arena_printf(stage.a, "/v1/api/1/raw-data/%s", id));
    CHECK_STR(at(&answer, "success"), "true");
    CHECK(blobs_come_to(before));
}

static void what_is_no_recording_leaves_nothing(void)
{
    long before = blobs();

    CHECK_INT(send_file("/api/testing/data", "a.csv", bytes_of("a,b\n1,2\n3,4\n", 12)).status, 400);
    CHECK_INT(send_file("/api/testing/data", "a.wav", bytes_of("RIFF", 4)).status, 400);
    CHECK_INT(send_file("/api/testing/data", "a.bin", bytes_of("\x00\x01\x02", 3)).status, 400);
    CHECK(blobs_come_to(before));
    CHECK_INT(count("testing"), 0);
}

/* ---- many ---- */

static void add_many(struct form *f, int n)
{
    for (int i = 0; i < n; i++) {
        char *text = arena_printf(stage.a, CSV "30,%d\n", i);
        form_add(f, "data", arena_printf(stage.a, "many.%d.csv", i), bytes_of(text, strlen(text)));
    }
}

static void a_thousand_at_once_and_no_more(void)
{
    struct form good = {.body = BUF(64 << 20)}, bad = {.body = BUF(64 << 20)};
    struct answer answer;

    add_many(&bad, 1001);
    answer = send_form("/api/anomaly/files", &bad);
    CHECK_INT(answer.status, 200);
    CHECK_STR(at(&answer, "success"), "false");
    CHECK(strstr(at(&answer, "error"), "1000"));
    CHECK_INT(count("anomaly"), 0);
    add_many(&good, 1000);
    answer = send_form("/api/anomaly/files", &good);
    CHECK_STR(at(&answer, "files.999.success"), "true");
    CHECK_INT(count("anomaly"), 1000);
}

static void a_split_is_one_to_four(void)
{
    struct form f = {.body = BUF(64 << 20)};
    long training = count("training"), testing = count("testing");

    add_many(&f, 200);
    send_form("/api/split/files", &f);
    training = count("training") - training;
    testing = count("testing") - testing;
    CHECK_INT(training + testing, 200);
    CHECK(training > 140 && testing > 20);
}

/* ---- signatures ---- */

static char *signed_json(const char *key, int last)
{
    char *text = arena_printf(stage.a,
                              "{\"protected\":{\"ver\":\"v1\",\"alg\":\"HS256\",\"iat\":1700000000},"
                              "\"signature\":\"%064d\",\"payload\":{\"device_type\":\"T\",\"interval_ms\":10,"
                              "\"sensors\":[{\"name\":\"x\",\"units\":\"N/A\"}],\"values\":[[1],[2],[%d]]}}",
                              0, last);
    uint8_t mac[HASH_SIZE];
    char hex[HASH_HEX];

    hash_hmac(bytes_of(key, strlen(key)), bytes_of(text, strlen(text)), mac);
    text_hex(hex, mac, sizeof mac);
    memcpy(strstr(text, "signature") + strlen("signature\":\""), hex, 64);
    return text;
}

static void signatures_are_marked(void)
{
    struct answer answer = get("/v1/api/1/devkeys");
    const char *key = at(&answer, "hmacKey");
    char *good = signed_json(key, 3), *forged = signed_json("another", 4), *changed = signed_json(key, 5);

    changed[strlen(changed) - 5] = '6';
    CHECK_INT(send_file("/api/training/data", "good.json", bytes_of(good, strlen(good))).status, 200);
    CHECK_INT(send_file("/api/training/data", "forged.json", bytes_of(forged, strlen(forged))).status, 200);
    CHECK_INT(send_file("/api/training/data", "changed.json", bytes_of(changed, strlen(changed))).status,
              200);
    CHECK_INT(count("training&signatureValidity=valid"), 1);
    CHECK_INT(count("training&signatureValidity=valid&filename=good"), 1);
    CHECK_INT(count("training&signatureValidity=invalid&filename=forged"), 1);
    CHECK_INT(count("training&signatureValidity=invalid&filename=changed"), 1);
    answer = get("/v1/api/1/raw-data?category=training&filename=good");
    CHECK_STR(at(&answer, "samples.0.created"), "2023-11-14T22:13:20.000Z"); /* by the device's clock */
    CHECK_STR(at(&answer, "samples.0.signatureMethod"), "HS256");
    CHECK_STR(at(&answer, "samples.0.signatureKey"), "");
}

/* ---- real ones ---- */

static void add_folder(struct form *f, const char *folder, int *ret_n)
{
    DIR *dir = opendir(folder);

    for (struct dirent *e; dir && (e = readdir(dir));) {
        if (!text_ends(e->d_name, ".cbor") && !text_ends(e->d_name, ".json"))
            continue;
        form_add(f, "data", e->d_name, file_read(stage.a, arena_printf(stage.a, "%s/%s", folder, e->d_name)));
        ++*ret_n;
    }
    if (dir)
        closedir(dir);
}

static void real_gestures(void)
{
    const char *shared = getenv("ASSAY_SHARED");
    struct form f = {.body = BUF(64 << 20)};
    struct answer answer;
    int n = 0;

    if (shared)
        add_folder(&f, arena_printf(stage.a, "%s/data/sensor/gestures-cbor/testing", shared), &n);
    if (!n) {
        buf_clear(&f.body);
        return;
    }
    answer = send_form("/api/testing/files", &f);
    for (int i = 0; i < n; i++)
        CHECK_STR(at(&answer, arena_printf(stage.a, "files.%d.success", i)), "true");
    answer = get("/v1/api/1/raw-data?category=testing&filename=wave.0");
    CHECK_STR(at(&answer, "totalCount"), "1");
    CHECK_STR(at(&answer, "samples.0.label"), "wave");
    CHECK_STR(at(&answer, "samples.0.frequency"), "62.5");
    CHECK_STR(at(&answer, "samples.0.sensors.2.name"), "accZ");
    CHECK_STR(at(&answer, "samples.0.signatureValidate"), "false"); /* nobody has the key */
}

static void a_real_data_set_with_labels(void)
{
    const char *shared = getenv("ASSAY_SHARED");
    struct form f = {.body = BUF(64 << 20)};
    struct answer answer;
    char *folder;
    int n = 0;

    folder = arena_printf(stage.a, "%s/data/sensor/coffee-multilabel", shared ? shared : "/nowhere");
    add_folder(&f, arena_printf(stage.a, "%s/testing", folder), &n);
    add_folder(&f, arena_printf(stage.a, "%s/training", folder), &n);
    if (!n) {
        buf_clear(&f.body);
        return;
    }
    form_add(&f, "data", "info.labels", file_read(stage.a, arena_printf(stage.a, "%s/info.labels", folder)));
    send_form("/api/split/files", &f);
    CHECK_INT(count("testing&labels=%5B%22grind%22%5D"), 3);
    CHECK_INT(count("training&labels=%5B%22grind%22%5D"), 8);
    answer = get("/v1/api/1/raw-data?category=testing&filename=multilabel_4");
    CHECK_STR(at(&answer, "samples.0.valuesCount"), "8160");
    CHECK_STR(at(&answer, "samples.0.structuredLabels.1.label"), "grind");
}

/* ---- keys ---- */

/* The official client takes no others. */
static void keys_begin_as_clients_want(void)
{
    struct outcome o = stage_run(&stage, ARGS("key", "new", "--tenant", "acme", "--style", "ei"));
    char *key = arena_strndup(stage.a, o.out, strcspn(o.out, "\n"));

    CHECK(text_starts(key, "ei_"));
    CHECK_INT(strlen(key), 43);
    CHECK_INT(http_get(stage.a, stage.s.port, "/v1/api/projects", key).status, 200);
    CHECK_INT(http_get(stage.a, stage.s.port, "/v1/api/projects", stage.key).status, 200);
    CHECK_INT(stage_run(&stage, ARGS("key", "new", "--tenant", "acme", "--style", "xy")).status, 1);
}

/* ---- kill ---- */

/* What was acknowledged is there after a kill, and nothing is by half. */
static void what_is_acknowledged_stays(void)
{
    long before, after;

    for (int i = 0; i < 20; i++) {
        char *text = arena_printf(stage.a, CSV "30,%d\n", 5000 + i);
        CHECK_INT(send_file("/api/training/data", "kept.csv", bytes_of(text, strlen(text))).status, 200);
    }
    before = count("training");
    served_kill(&stage.s);
    served_start(&stage.s, stage.a, stage.dir, (char *[]){(char[]){"--analysts"}, (char[]){"1"}, NULL});
    after = count("training");
    CHECK_INT(after, before);
    CHECK_INT(count("training&filename=kept"), 20);
}

static void a_tenant_is_forgotten(void)
{
    struct outcome o = stage_run(&stage, ARGS("tenant", "forget", "acme"));

    CHECK_INT(o.status, 0);
    CHECK(text_starts(o.out, "deleted 1 projects"));
    CHECK(blobs_come_to(0));
    CHECK_INT(count("training"), 0);
    o = stage_run(&stage, ARGS("audit", "--what", "project.delete"));
    CHECK(strstr(o.out, "acme"));
    CHECK_INT(stage_run(&stage, ARGS("tenant", "forget")).status, 2);
}

int main(void)
{
    stage = stage_open(ARGS("--analysts", "1"));
    admin = key_new(stage.a, stage.dir, "acme",
                    (char *[]){(char[]){"--scopes"}, (char[]){"submit read admin"}, NULL});
    get("/v1/api/projects"); /* makes the first one */
    RUN(what_is_no_recording_leaves_nothing);
    RUN(a_deleted_sample_leaves_nothing);
    RUN(keys_begin_as_clients_want);
    RUN(signatures_are_marked);
    RUN(a_thousand_at_once_and_no_more);
    RUN(a_split_is_one_to_four);
    RUN(real_gestures);
    RUN(a_real_data_set_with_labels);
    RUN(what_is_acknowledged_stays);
    RUN(a_tenant_is_forgotten);
    return stage_close(&stage) == 0 ? test_end() : 1;
}
