/* The impulse API's upper floor on a real server with real recordings: an impulse that another program
 * trained says of 26 gestures what it should; one that is trained here says what they are; long work is a
 * job, and the websocket tells of it. */
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"
#include "harness.h"
#include "test.h"

enum { CLASSES = 4, GESTURES = 26, PATIENCE_S = 120 };

static struct arena *arena;
static struct served server;
static char *dir, *key;
static const char *shared;

/* ---- talking ---- */

/* Documents live to the end of the program: there are few. */
static yyjson_val *parse(struct answer answer)
{
    struct err err;
    yyjson_doc *doc = json_read(answer.body, 64 << 20, &err);

    if (!doc) {
        printf("# %d: %.*s\n", answer.status, 300, (const char *)answer.body.data);
        return NULL;
    }
    return yyjson_doc_get_root(doc);
}

static yyjson_val *get(const char *path)
{
    return parse(http_get(arena, server.port, path, key));
}

static yyjson_val *post(const char *path, const char *json)
{
    const char *request = arena_printf(arena,
                                       "POST %s HTTP/1.1\r\nHost: localhost\r\nx-api-key: %s\r\n"
                                       "Content-Type: application/json\r\nContent-Length: %zu\r\n"
                                       "Connection: close\r\n\r\n%s",
                                       path, key, strlen(json), json);

    return parse(http_raw(arena, server.port, bytes_of(request, strlen(request))));
}

static bool is_good(yyjson_val *answer)
{
    bool good = yyjson_get_bool(yyjson_obj_get(answer, "success"));

    if (!good)
        printf("# %s\n", json_str(arena, answer, "error", "?"));
    return good;
}

static bool says(yyjson_val *answer, const char *text)
{
    const char *error = json_str(arena, answer, "error", "");

    if (!yyjson_get_bool(yyjson_obj_get(answer, "success")) && strstr(error, text))
        return true;
    printf("# not \"%s\": %s\n", text, error);
    return false;
}

/* Whether the job of that answer ends well. */
static bool ends_well(yyjson_val *answer)
{
    const char *path =
        arena_printf(arena, "/v1/api/1/jobs/%lld/status", (long long)json_int(answer, "id", 0));
    yyjson_val *job;

    if (!is_good(answer))
        return false;
    for (int i = 0; i < PATIENCE_S * 20; i++) {
        job = yyjson_obj_get(get(path), "job");
        if (yyjson_obj_get(job, "finished"))
            break;
        usleep(50000);
    }
    if (!json_bool(job, "finishedSuccessful", false))
        printf("# %s\n", json_str(arena, job, "additionalInfo", "did not end"));
    return json_bool(job, "finishedSuccessful", false);
}

static void serve(char *const extra[])
{
    served_start(&server, arena, dir, extra);
}

/* All gestures of a folder into a category, in the order of their names. */
static size_t upload(const char *folder, const char *category)
{
    glob_t found = {0};
    struct form form = {0};
    const char *path = arena_printf(arena, "/api/%s/files", category);
    size_t n;

    glob(arena_printf(arena, "%s/data/sensor/gestures-cbor/%s/*.cbor", shared, folder), 0, NULL, &found);
    for (size_t i = 0; i < found.gl_pathc; i++)
        form_add(&form, "data", strrchr(found.gl_pathv[i], '/') + 1, file_read(arena, found.gl_pathv[i]));
    n = found.gl_pathc;
    globfree(&found);
    CHECK(is_good(parse(http_raw(arena, server.port, form_request(arena, &form, path, key)))));
    return n;
}

#define IMPULSE                                                                                              \
    "{\"name\":\"gestures\",\"inputBlocks\":[{\"id\":1,\"type\":\"time-series\",\"windowSizeMs\":2000,"      \
    "\"windowIncreaseMs\":200}],\"dspBlocks\":[{\"id\":2,\"type\":\"spectral-analysis\","                    \
    "\"implementationVersion\":"                                                                             \
    "3,\"axes\":[\"accX\",\"accY\",\"accZ\"],\"config\":{\"filter-type\":\"low\",\"filter-cutoff\":\"4."     \
    "8828\","                                                                                                \
    "\"fft-length\":128,\"do-fft-overlap\":false}}],\"learnBlocks\":[{\"id\":3,\"type\":\"keras\",\"name\":" \
    "\"NN\","                                                                                                \
    "\"dsp\":[2],\"labels\":%s}%s]}"

static void make_impulse(const char *labels, const char *more)
{
    CHECK(is_good(post("/v1/api/1/impulse", arena_printf(arena, IMPULSE, labels, more))));
}

/* ---- an impulse of another program ---- */

static const char *sample_path(const char *category, const char *name)
{
    yyjson_val *list = get(arena_printf(arena, "/v1/api/1/raw-data?category=%s&limit=1000", category)), *v;
    size_t i, n;

    yyjson_arr_foreach (yyjson_obj_get(list, "samples"), i, n, v)
        if (text_is(json_str(arena, v, "filename", ""), name))
            return arena_printf(arena, "/v1/api/1/classify/v2/%lld", (long long)json_int(v, "id", 0));
    printf("# no sample %s\n", name);
    return "/v1/api/1/classify/v2/999";
}

static void count_best(yyjson_val *windows, yyjson_val *labels, int ret[CLASSES])
{
    yyjson_val *w, *label;
    size_t i, n, k, nlabels;

    yyjson_arr_foreach (windows, i, n, w) {
        size_t best = 0;
        double most = -1;
        yyjson_arr_foreach (labels, k, nlabels, label) {
            double p = json_num(w, yyjson_get_str(label), -1);
            if (p > most)
                most = p, best = k;
        }
        ret[best % CLASSES]++;
    }
}

static void check_window(yyjson_val *window, yyjson_val *labels, yyjson_val *want)
{
    yyjson_val *label;
    size_t k, n;

    yyjson_arr_foreach (labels, k, n, label)
        CHECK_NEAR(json_num(window, yyjson_get_str(label), -1), yyjson_get_num(yyjson_arr_get(want, k)),
                   2e-5);
}

static void check_gesture(yyjson_val *want, yyjson_val *labels)
{
    const char *file = json_str(arena, want, "file", ""), *name = strrchr(file, '/') + 1;
    const char *category = strstr(file, "/training/") ? "training" : "testing";
    yyjson_val *answer = post(
                   sample_path(category, arena_strndup(arena, name, strlen(name) - strlen(".cbor"))), ""),
               *all, *counts;
    int best[CLASSES] = {0};

    CHECK(is_good(answer));
    all = yyjson_obj_get(yyjson_arr_get_first(yyjson_obj_get(answer, "classifications")), "result");
    CHECK_INT(yyjson_arr_size(all), json_int(want, "windows", -1));
    count_best(all, labels, best);
    counts = yyjson_obj_get(want, "argmax_counts");
    for (size_t k = 0; k < CLASSES; k++)
        CHECK_INT(best[k], yyjson_get_int(yyjson_arr_get(counts, k)));
    check_window(yyjson_arr_get_first(all), labels, yyjson_obj_get(want, "first_window"));
    check_window(yyjson_arr_get_last(all), labels, yyjson_obj_get(want, "last_window"));
}

static void upload_model(const char *name, const char *learn)
{
    struct form form = {0};
    struct bytes file = file_read(arena, arena_printf(arena, "%s/data/impulses/%s", shared, name));

    form_add(&form, "modelFile", name, file);
    form_add(&form, "modelFileType", NULL, bytes_of("onnx", 4));
    form_add(&form, "learnId", NULL, bytes_of(learn, strlen(learn)));
    CHECK(ends_well(parse(
        http_raw(arena, server.port, form_request(arena, &form, "/v1/api/1/pretrained-model/upload", key)))));
}

static void a_model_that_is_brought_judges_as_published(void)
{
    struct answer oracle = {
        .body = file_read(arena,
                          arena_printf(arena, "%s/data/impulses/accelerometer-e2e.expected.json", shared))};
    yyjson_val *want = parse(oracle), *v;
    size_t i, n;

    CHECK_INT(upload("training", "training") + upload("testing", "testing"), GESTURES);
    make_impulse("[\"idle\",\"snake\",\"updown\",\"wave\"]", "");
    CHECK(says(post(sample_path("testing", "wave.0"), ""), "no learn block of the impulse has a model"));
    upload_model("accelerometer.onnx", "3");
    yyjson_arr_foreach (yyjson_obj_get(want, "samples"), i, n, v)
        check_gesture(v, yyjson_obj_get(want, "labels"));
    CHECK_INT(n, GESTURES);
}

/* ---- what else is said of a sample ---- */

static void an_answer_has_every_member(void)
{
    static const char *const of_all[] = {"classifications", "sample", "windowSizeMs", "windowIncreaseMs",
                                         "alreadyInDatabase"};
    static const char *const of_one[] = {"learnBlock", "result", "expectedLabels", "minimumConfidenceRating",
                                         "thresholds"};
    static const char *const of_block[] = {"id", "type", "name", "dsp", "title", "createdBy", "createdAt"};
    const char *path = sample_path("testing", "wave.0");
    yyjson_val *answer = post(path, ""), *one, *label;

    one = yyjson_arr_get_first(yyjson_obj_get(answer, "classifications"));
    for (size_t i = 0; i < COUNT_OF(of_all); i++)
        CHECK(yyjson_obj_get(answer, of_all[i]));
    for (size_t i = 0; i < COUNT_OF(of_one); i++)
        CHECK(yyjson_obj_get(one, of_one[i]));
    for (size_t i = 0; i < COUNT_OF(of_block); i++)
        CHECK(yyjson_obj_get(yyjson_obj_get(one, "learnBlock"), of_block[i]));
    CHECK(!json_bool(answer, "alreadyInDatabase", true));
    CHECK(!yyjson_obj_get(answer, "warning"));
    label = yyjson_arr_get_first(yyjson_obj_get(one, "expectedLabels"));
    CHECK_STR(json_str(arena, label, "label", ""), "wave");
    CHECK_INT(json_int(label, "endIndex", 0), 41);
    CHECK(yyjson_obj_get(yyjson_obj_get(yyjson_obj_get(answer, "sample"), "sample"), "sha256Hash"));
    CHECK(json_int(yyjson_obj_get(answer, "sample"), "totalPayloadLength", 0) > 600);
    /* Again, from memory; the older call; one window of numbers. */
    CHECK(yyjson_equals(answer, post(path, "")));
    CHECK(yyjson_equals(one, yyjson_arr_get_first(yyjson_obj_get(
                                 get(arena_printf(arena, "/v1/api/1/classify/%s", strrchr(path, '/') + 1)),
                                 "classifications"))));
    CHECK_INT(json_int(get(arena_printf(arena, "%s/raw-data/2", path)), "totalPayloadLength", 0) > 0, 1);
    CHECK(says(get(arena_printf(arena, "%s/raw-data/4000", path)), "no window 4000"));
}

static void variants_are_what_there_is(void)
{
    const char *path = sample_path("testing", "idle.0");
    yyjson_val *answer = post(arena_printf(arena, "%s/variants?variants=%%5B%%22float32%%22%%5D", path), "");

    CHECK(is_good(answer));
    CHECK_INT(yyjson_arr_size(yyjson_obj_get(answer, "results")), 1);
    CHECK(is_good(post(arena_printf(arena, "%s?variant=float32", path), "")));
    CHECK(says(post(arena_printf(arena, "%s?variant=int8", path), ""), "no int8 model"));
    CHECK(says(post(arena_printf(arena, "%s?variant=akida", path), ""), "one vendor"));
    CHECK(says(post(arena_printf(arena, "%s?variant=int4", path), ""), "float32 or int8"));
    CHECK(says(post(arena_printf(arena, "%s?impulseId=99", path), ""), "no impulse 99"));
    CHECK(says(post("/v1/api/1/classify/v2/4711", ""), "sample"));
    CHECK(says(post("/v1/api/7/classify/v2/1", ""), "project"));
}

static void thresholds_and_settings_count(void)
{
    yyjson_val *answer, *one;

    CHECK(is_good(post("/v1/api/1/impulse/1/set-thresholds",
                       "{\"thresholds\":[{\"blockId\":3,\"key\":\"min_score\",\"value\":0.9}]}")));
    answer = post(sample_path("testing", "wave.0"), "");
    one = yyjson_arr_get_first(yyjson_obj_get(answer, "classifications"));
    CHECK_NEAR(json_num(one, "minimumConfidenceRating", 0), 0.9, 0);
    CHECK(says(post("/v1/api/1/dsp/2", "{\"config\":{\"colour\":\"red\"}}"), "no parameter \"colour\""));
    CHECK(is_good(post("/v1/api/1/dsp/2", "{\"config\":{\"fft-length\":\"64\"}}")));
    CHECK(!is_good(post(sample_path("testing", "wave.0"), ""))); /* 24 features where 39 are wanted */
    CHECK(is_good(post("/v1/api/1/dsp/2", "{\"config\":{\"fft-length\":\"128\"}}")));
    CHECK(is_good(post(sample_path("testing", "wave.0"), "")));
}

/* ---- training ---- */

static void what_is_trained_here_knows_its_gestures(void)
{
    yyjson_val *card, *result;

    make_impulse("[]", ",{\"id\":4,\"type\":\"anomaly\",\"name\":\"Far off\",\"dsp\":[2]}");
    CHECK(upload("testing", "training") > 0);
    CHECK(ends_well(post("/v1/api/1/jobs/train/keras/3", "{\"trainingCycles\":60,\"learningRate\":0.005}")));
    CHECK(ends_well(post("/v1/api/1/jobs/train/anomaly/4", "{\"clusterCount\":16}")));
    CHECK(says(post("/v1/api/1/jobs/train/keras/4", ""), "jobs/train/anomaly/4"));
    CHECK(says(post("/v1/api/1/jobs/train/keras/9", ""), "no learn block 9"));
    card = yyjson_obj_get(get("/v1/api/1/learn/3/card"), "card");
    CHECK(json_num(yyjson_obj_get(card, "heldOut"), "accuracy", 0) > 0.9);
    CHECK_INT(yyjson_obj_size(yyjson_obj_get(card, "data")), 5);
    CHECK(ends_well(post("/v1/api/1/jobs/classify", "{}")));
    result = get("/v1/api/1/classify/all/result");
    CHECK(json_num(yyjson_obj_get(result, "accuracy"), "accuracyScore", 0) > 0.95);
    CHECK_INT(yyjson_arr_size(yyjson_obj_get(result, "result")), 15);
    CHECK_INT(yyjson_arr_size(yyjson_obj_get(result, "additionalMetricsByLearnBlock")), 2);
    CHECK_INT(yyjson_arr_size(
                  yyjson_obj_get(get("/v1/api/1/classify/all/result/page?limit=4&offset=13"), "result")),
              2);
    /* Other features: the model is stale, and says so. */
    CHECK(is_good(post("/v1/api/1/dsp/2", "{\"config\":{\"fft-length\":\"64\"}}")));
    CHECK(says(post(sample_path("testing", "wave.0"), ""), "train it again"));
    CHECK(json_bool(yyjson_obj_get(get("/v1/api/1/learn/3/card"), "card"), "stale", false));
    CHECK(is_good(post("/v1/api/1/dsp/2", "{\"config\":{\"fft-length\":\"128\"}}")));
}

/* The model is there when its job has ended, whatever happened meanwhile. */
static void a_killed_server_goes_on_training(void)
{
    yyjson_val *job = post("/v1/api/1/jobs/train/keras/3", "{\"trainingCycles\":1500}"), *settings;

    usleep(300000);
    served_kill(&server);
    serve(NULL);
    CHECK(ends_well(job));
    settings = yyjson_obj_get(yyjson_obj_get(get("/v1/api/1/learn/3/card"), "card"), "settings");
    CHECK_INT(json_int(settings, "trainingCycles", 0), 1500);
    CHECK(is_good(post(sample_path("testing", "idle.0"), "")));
}

/* ---- jobs, and the websocket ---- */

static int open_socket(const char *token)
{
    const char *request = arena_printf(arena,
                                       "GET /socket.io/?token=%s&EIO=3&transport=websocket HTTP/1.1\r\n"
                                       "Host: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                       "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
                                       "dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                                       token);
    int fd = http_dial(server.port);
    char head[4096] = "";
    size_t n = 0;

    http_send(fd, bytes_of(request, strlen(request)));
    while (n < sizeof head - 1 && !strstr(head, "\r\n\r\n") && recv(fd, head + n, 1, 0) == 1)
        n++;
    CHECK(text_starts(head, "HTTP/1.1 101"));
    return fd;
}

/* A short frame of text; "" at the end. */
static const char *hear(int fd)
{
    uint8_t head[4];
    size_t len;
    char *text;

    if (recv(fd, head, 2, MSG_WAITALL) != 2)
        return "";
    len = head[1];
    if (len == 126 && recv(fd, head + 2, 2, MSG_WAITALL) == 2)
        len = (size_t)head[2] << 8 | head[3];
    text = arena_alloc(arena, len + 1);
    return recv(fd, text, len, MSG_WAITALL) == (ssize_t)len ? text : "";
}

/* With a mask of zeros. */
static void say(int fd, const char *text)
{
    uint8_t frame[140] = {0x81, (uint8_t)(0x80 | strlen(text))};

    memcpy(frame + 6, text, strlen(text));
    CHECK(http_send(fd, bytes_of(frame, 6 + strlen(text))));
}

static void the_socket_tells_of_a_job(long long number)
{
    yyjson_val *token = yyjson_obj_get(get("/v1/api/1/socket-token"), "token");
    int fd = open_socket(json_str(arena, token, "socketToken", ""));
    const char *heard = "",
               *finished = arena_printf(arena, "42[\"job-finished-%lld\",{\"success\":true}]", number);
    bool told = false;

    CHECK(text_starts(hear(fd), "0{"));
    CHECK_STR(hear(fd), "40");
    CHECK_STR(hear(fd), "42[\"hello\",{\"hello\":{\"version\":1}}]");
    say(fd, "2");
    CHECK_STR(hear(fd), "3");
    say(fd,
        arena_printf(arena, "42[\"start-log-stream\",{\"jobId\":%lld,\"lastReceivedTimestamp\":0}]", number));
    for (int i = 0; i < 10 && !text_is(heard, finished); i++) {
        heard = hear(fd);
        told |= text_starts(heard, arena_printf(arena, "42[\"job-data-%lld\"", number));
    }
    CHECK_STR(heard, finished);
    CHECK(told);
    close(fd);
}

static void long_work_is_a_job(void)
{
    static char when[] = "--impulse-jobs", value[] = "always";
    char *always[] = {when, value, NULL};
    yyjson_val *first, *again, *result;
    const char *path;

    CHECK_INT(served_stop(&server), 0);
    serve(always);
    path = sample_path("testing", "snake.0");
    first = post(path, "");
    CHECK(json_int(first, "id", 0) > 0 && !yyjson_obj_get(first, "classifications"));
    the_socket_tells_of_a_job(json_int(first, "id", 0));
    CHECK(ends_well(first));
    result = post(path, "");
    CHECK_INT(yyjson_arr_size(yyjson_obj_get(result, "classifications")), 2);
    again = post(path, "");
    CHECK(yyjson_equals(result, again));
    CHECK(yyjson_get_int(yyjson_obj_get(get("/v1/api/1/jobs/history"), "totalCount")) >= 4);
    CHECK(
        says(post(arena_printf(arena, "/v1/api/1/jobs/%lld/cancel", (long long)json_int(first, "id", 0)), ""),
             "has ended already"));
    CHECK_INT(served_stop(&server), 0);
}

int main(void)
{
    static char flag[] = "--style", style[] = "ei";
    char *extra[] = {flag, style, NULL};

    shared = test_shared();
    arena = arena_new();
    dir = folder_new(arena);
    if (!shared) {
        printf("ok 1 - impulse # SKIP no ASSAY_SHARED\n1..1\n");
        folder_remove(dir);
        return 0;
    }
    key = key_new(arena, dir, "acme", extra);
    serve(NULL);
    get("/v1/api/projects"); /* makes the first */
    RUN(a_model_that_is_brought_judges_as_published);
    RUN(an_answer_has_every_member);
    RUN(variants_are_what_there_is);
    RUN(thresholds_and_settings_count);
    RUN(what_is_trained_here_knows_its_gestures);
    RUN(a_killed_server_goes_on_training);
    RUN(long_work_is_a_job);
    folder_remove(dir);
    arena_free(arena);
    return test_end();
}
