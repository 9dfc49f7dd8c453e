/* What is built in serves everything there is, on a machine that has nothing else and no network: alarms,
 * scenes, pictures, pictures and sounds of humans and machines, and the trainer of sensors. And with models
 * installed from a folder, the same commands use those. */
#include <math.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"
#include "harness.h"
#include "test.h"

enum { SECONDS = 200, RECORDINGS = 6, READINGS = 300, PICTURE = 320 };

static struct arena *arena;
static char *base, *shared;
static bool without_network;

#define RUN_ASSAY(...) assay_outcome(arena, (const char *const[]){__VA_ARGS__, NULL}, SECONDS)

static char *inside(const char *name)
{
    return arena_printf(arena, "%s/%s", base, name);
}

static const char *clip(const char *name)
{
    const char *clips = getenv("ASSAY_CLIPS");

    return arena_printf(arena, "%s/%s", clips ? clips : "", name);
}

/* The first line, parsed; documents live to the end of the program: there are few. */
static yyjson_val *report_of(struct outcome o)
{
    yyjson_doc *doc = json_read(bytes_of(o.out, strcspn(o.out, "\n")), 64 << 20, NULL);

    if (!doc)
        printf("# %d: %.300s %.300s\n", o.status, o.out, o.err);
    return yyjson_doc_get_root(doc);
}

#define CHECK_FILE(path, ...) \
    report_of(RUN_ASSAY("check", "--json", "--analysts", "1", "--data", inside("none"), __VA_ARGS__, path))

static bool used(yyjson_val *report, const char *model)
{
    size_t i, n;
    yyjson_val *v;

    yyjson_arr_foreach (yyjson_obj_get(report, "models"), i, n, v)
        if (text_is(json_str(arena, v, "name", ""), model))
            return true;
    return false;
}

static bool is_built_in(const char *name)
{
    return strstr(RUN_ASSAY("model", "list", "--data", inside("none")).out, name) != NULL;
}

/* A network of one's own, in which there is nobody: only the loopback that a server needs. Not everybody may
 * have one. */
static bool leave_network(void)
{
    struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    CLEANUP(fd_closep) int fd = -1;

    if (unshare(CLONE_NEWNET) < 0)
        return false;
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return ioctl(fd, SIOCSIFFLAGS, &lo) == 0;
}

/* ---- files ---- */

static void put(FILE *f, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        fputc((int)(value >> 8 * i & 255), f);
}

/* A picture with something on it: a BMP of 24 bits. */
static char *made_picture(void)
{
    char *path = inside("made.bmp");
    FILE *f = fopen(path, "we");
    uint32_t noise = 7;

    if (!f)
        abort();
    fputs("BM", f);
    put(f, 54 + PICTURE * PICTURE * 3, 4);
    put(f, 0, 4);
    put(f, 54, 4);
    put(f, 40, 4);
    put(f, PICTURE, 4);
    put(f, PICTURE, 4);
    put(f, 1, 2);
    put(f, 24, 2);
    for (int i = 0; i < 6; i++)
        put(f, 0, 4);
    for (int i = 0; i < PICTURE * PICTURE; i++) {
        noise = (noise * 1103515245u + 12345u) & 0x7fffffff;
        put(f, (uint32_t)(i % PICTURE / 2) | (uint32_t)(i / PICTURE / 2) << 8 | (noise >> 20 & 255) << 16, 3);
    }
    if (fclose(f) != 0)
        abort();
    return path;
}

/* ---- without anything ---- */

static void alarms(void)
{
    yyjson_val *r = CHECK_FILE(clip("person.mp4"), "--pipeline", "alarm");

    CHECK(used(r, "assay-detect"));
    CHECK(*json_str(arena, yyjson_obj_get(r, "verdict"), "risk", ""));
}

static void scenes(void)
{
    yyjson_val *r = CHECK_FILE(clip("person.mp4"), "--pipeline", "scenes"), *s = yyjson_obj_get(r, "scenes");

    CHECK(yyjson_arr_size(yyjson_obj_get(s, "shots")) > 0);
    CHECK(yyjson_obj_get(s, "activity"));
    if (!is_built_in("assay-faces") || !is_built_in("assay-tags"))
        SKIP("no faces or tags are built in yet");
    CHECK(used(r, "assay-faces") && used(r, "assay-tags"));
    CHECK(yyjson_is_arr(yyjson_obj_get(s, "people")) && yyjson_is_arr(yyjson_obj_get(s, "sections")));
}

static void pictures(void)
{
    yyjson_val *r, *s;

    if (!is_built_in("assay-faces") || !is_built_in("assay-tags"))
        SKIP("no faces or tags are built in yet");
    r = CHECK_FILE(made_picture(), "--analysts", "1");
    s = yyjson_obj_get(yyjson_arr_get_first(yyjson_obj_get(r, "items")), "scenes");
    CHECK(used(r, "assay-faces") && used(r, "assay-tags"));
    CHECK(yyjson_is_arr(yyjson_obj_get(s, "people")) && yyjson_is_arr(yyjson_obj_get(s, "tags")));
}

static void texts(void)
{
    yyjson_val *r = CHECK_FILE(clip("person.mp4"), "--pipeline", "scenes"), *s = yyjson_obj_get(r, "scenes");

    if (!used(r, "tesseract"))
        SKIP("no languages to read text in");
    CHECK(yyjson_is_arr(yyjson_obj_get(s, "texts")));
}

static void humans_and_machines(void)
{
    yyjson_val *picture = CHECK_FILE(made_picture(), "--pipeline", "origin", "--faces");
    yyjson_val *video = CHECK_FILE(clip("person.mp4"), "--pipeline", "origin");
    yyjson_val *sound = CHECK_FILE(clip("audio.wav"), "--pipeline", "origin");

    CHECK(used(picture, "assay-pixels") && used(picture, "assay-residual") &&
          used(picture, "assay-spectrum"));
    CHECK(used(video, "assay-pixels"));
    CHECK(used(sound, "assay-speech"));
    CHECK(!*json_str(arena, yyjson_obj_get(picture, "error"), "text", "?"));
}

/* ---- the trainer of sensors ---- */

static struct served server;
static char *key;

static yyjson_val *answer_of(struct answer answer)
{
    yyjson_doc *doc = json_read(answer.body, 64 << 20, NULL);

    return yyjson_doc_get_root(doc);
}

static yyjson_val *post(const char *path, const char *json)
{
    const char *request = arena_printf(arena,
                                       "POST %s HTTP/1.1\r\nHost: localhost\r\nx-api-key: %s\r\n"
                                       "Content-Type: application/json\r\nContent-Length: %zu\r\n"
                                       "Connection: close\r\n\r\n%s",
                                       path, key, strlen(json), json);
    yyjson_val *v = answer_of(http_raw(arena, server.port, bytes_of(request, strlen(request))));

    if (!json_bool(v, "success", false))
        printf("# %s: %s\n", path, json_str(arena, v, "error", "?"));
    return v;
}

static void add_recording(struct form *form, const char *label, int number, double hz)
{
    CLEANUP(buf_clear) struct buf csv = BUF(1 << 20);

    buf_str(&csv, "timestamp,accX\n");
    for (int i = 0; i < READINGS; i++)
        buf_printf(&csv, "%d,%.4f\n", i * 10, sin(i * .0628 * hz + number));
    form_add(form, "data", arena_printf(arena, "%s.%d.csv", label, number), buf_bytes(&csv));
}

static bool ends_well(yyjson_val *answer)
{
    const char *path =
        arena_printf(arena, "/v1/api/1/jobs/%lld/status", (long long)json_int(answer, "id", 0));
    yyjson_val *job = NULL;

    for (int i = 0; i < SECONDS * 10 && !yyjson_obj_get(job, "finished"); i++) {
        job = yyjson_obj_get(answer_of(http_get(arena, server.port, path, key)), "job");
        usleep(100000);
    }
    return json_bool(job, "finishedSuccessful", false);
}

static void a_sensor_is_learned(void)
{
    static char flag[] = "--style", style[] = "ei";
    char *extra[] = {flag, style, NULL}, *dir = inside("sensors");
    struct form form = {0};
    yyjson_val *card;

    key = key_new(arena, dir, "acme", extra);
    served_start(&server, arena, dir, NULL);
    for (int i = 0; i < RECORDINGS; i++) {
        add_recording(&form, "slow", i, 2);
        add_recording(&form, "fast", i, 9);
    }
    CHECK(json_bool(
        answer_of(http_raw(arena, server.port, form_request(arena, &form, "/api/training/files", key))),
        "success", false));
    CHECK(json_bool(post("/v1/api/1/impulse",
                         "{\"name\":\"speed\",\"inputBlocks\":[{\"id\":1,\"type\":\"time-series\","
                         "\"windowSizeMs\":1000,\"windowIncreaseMs\":500}],\"dspBlocks\":[{\"id\":2,\"type\":"
                         "\"spectral-analysis\",\"axes\":[\"accX\"]}],\"learnBlocks\":[{\"id\":3,\"type\":"
                         "\"keras\",\"name\":\"NN\",\"dsp\":[2],\"labels\":[]}]}"),
                    "success", false));
    CHECK(ends_well(post("/v1/api/1/jobs/train/keras/3", "{\"trainingCycles\":60}")));
    card = yyjson_obj_get(answer_of(http_get(arena, server.port, "/v1/api/1/learn/3/card", key)), "card");
    CHECK(json_num(yyjson_obj_get(card, "heldOut"), "accuracy", 0) > 0.9);
    CHECK_INT(served_stop(&server), 0);
}

/* ---- with models of a folder ---- */

static void an_installed_model_goes_first(void)
{
    const char *data = inside("installed"),
               *mirror = shared ? arena_printf(arena, "%s/models", shared) : NULL;
    struct outcome o;
    yyjson_val *r;

    if (!mirror || access(mirror, R_OK) < 0)
        SKIP("no folder with models");
    o = RUN_ASSAY("model", "pull", "yolox-nano", "yunet", "mobilenetv2-imagenet", "aasist-l", "--from",
                  mirror, "--data", data);
    CHECK_INT(o.status, 0);
    r = report_of(RUN_ASSAY("check", "--json", "--data", data, "--pipeline", "alarm", clip("person.mp4")));
    CHECK(used(r, "yolox-nano") && !used(r, "assay-detect"));
    r = report_of(RUN_ASSAY("check", "--json", "--data", data, "--pipeline", "scenes", clip("person.mp4")));
    CHECK(used(r, "yunet") && used(r, "mobilenetv2-imagenet"));
    CHECK(!used(r, "assay-faces") && !used(r, "assay-tags"));
    r = report_of(RUN_ASSAY("check", "--json", "--data", data, made_picture()));
    CHECK(used(r, "yunet") && used(r, "mobilenetv2-imagenet"));
    r = report_of(RUN_ASSAY("check", "--json", "--data", data, "--pipeline", "origin", clip("audio.wav")));
    CHECK(used(r, "aasist-l") && used(r, "assay-speech")); /* these judge together */
    if (!is_built_in("assay-faces"))
        return;
    r = report_of(RUN_ASSAY("check", "--json", "--data", data, "--face-model", "assay-faces", "--detector",
                            "assay-detect", made_picture()));
    CHECK(used(r, "assay-faces") && used(r, "mobilenetv2-imagenet"));
}

static void a_model_that_is_not_there_is_said_so(void)
{
    struct outcome o = RUN_ASSAY("check", "--data", inside("none"), "--face-model", "nobody", made_picture());

    CHECK_INT(o.status, 30);
    CHECK(strstr(o.out, "no model card named nobody"));
    o = RUN_ASSAY("check", "--data", inside("none"), "--tag-model", "assay-detect", made_picture());
    CHECK_INT(o.status, 30);
    CHECK(strstr(o.out, "no model card named assay-detect"));
}

int main(void)
{
    const char *named = getenv("ASSAY_SHARED");

    arena = arena_new();
    base = folder_new(arena);
    shared = named ? arena_strdup(arena, named) : NULL;
    unsetenv("ASSAY_SHARED");
    without_network = leave_network();
    printf("# %s\n", without_network ? "without network" : "with a network: this user may not leave it");
    RUN(alarms);
    RUN(scenes);
    RUN(pictures);
    RUN(texts);
    RUN(humans_and_machines);
    RUN(a_sensor_is_learned);
    RUN(a_model_that_is_not_there_is_said_so);
    RUN(an_installed_model_goes_first);
    folder_remove(base);
    arena_freep(&arena);
    return test_end();
}
