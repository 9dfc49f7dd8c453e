/* Every route of the server, out of its own tables, against keys and tenants.
 *
 *   - What another tenant has looks like what never was: for every route, every method and every value which
 * may name something, the answers are the same bytes but for ids and dates.
 *   - Without a good key every route says what its API says to strangers, and nothing else.
 *
 * A route which is new has to be told here what its body or query looks like, and whether it is open. */
#include <ctype.h>
#include <stdio.h>
#include <unistd.h>

#include "api/api.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "harness.h"
#include "stage.h"
#include "test.h"

#define NEVER "000000000000000000000000"
/* Long, so that they are seen wherever an answer has them. */
#define NO_PROJECT "0000000099"
#define NEVER_RUN  "0000000000000000000000000000000000000000000000000000000000000000"

static struct stage stage;
static const char *rival; /* a key of another tenant, the one in turn */
static char *job;         /* of the stage's tenant, finished */
static size_t asked;      /* requests so far */

/* What an answer to a stranger must not hold: name, label, content and tenant of what is stored. */
static const char *marks[] = {"mine.mp4", "secretword", "acme", NULL, NULL};

static char my_video[48], my_batch[48]; /* jobs of the scenes API, as it names them */
static char my_image_run[80], my_video_run[80], my_audio_run[80]; /* of the provenance API */
static char my_tickets[48];
static char my_project[] = "0000000001"; /* with a sample of the same number */

/* ---- the routes ---- */

/* What a route wants besides its path: %s is an id, or the number. Every route without {names}, and every one
 * with a body, has a row. For an upload the body is the name of the part. */
static struct place {
    const char *path, *query, *body;
    const char *mine, *never; /* instead of the ids */
} places[] = {
    {"/classify", "", "video", NULL, NULL},
    {"/v1/jobs", "", "file", NULL, NULL},
    {"/result", "?analyse_id=%s", NULL, "77", "78"},
    {"/label", "", NULL, NULL, NULL},
    {"/label/{id}", "", "{\"labels\": [\"person\"]}", NULL, NULL},
    {"/flow/labels", "", "{\"id\": \"%s\", \"labels\": [\"person\"]}", NULL, NULL},
    {"/flow/labels/custom", "", "{\"labels\": [{\"value\": \"w%s\"}]}", NULL, NULL},
    {"/version", "", NULL, NULL, NULL},
    {"/healthz", "", NULL, NULL, NULL},
    {"/readyz", "", NULL, NULL, NULL},
    {"/videos", "", "video", NULL, NULL},
    {"/video", "", "video", NULL, NULL},
    {"/videos/{job_id}", "", NULL, my_video, "video_" NEVER},
    {"/video/{job_id}", "", NULL, my_video, "video_" NEVER},
    {"/images", "", "{\"images\": [{\"external_id\": \"%s\", \"data_base64\": \"Zm9v\"}]}", NULL, NULL},
    {"/image", "", "{\"images\": [{\"external_id\": \"%s\", \"data_base64\": \"Zm9v\"}]}", NULL, NULL},
    {"/images/{job_id}", "", NULL, my_batch, "image_batch_" NEVER},
    {"/image/{job_id}", "", NULL, my_batch, "image_batch_" NEVER},
    {"/latency", "?media_type=%s", NULL, "video", "video"},
    {"/latency/{media_type}", "", NULL, "video", "video"},
    {"/allowlist", "", "{\"external_id\": \"%s\", \"embedding\": [1, 2, 3, 4, 5, 6, 7, 8]}", NULL, NULL},
    {"/allowlist/{id}", "", NULL, "myface", "noface"},
    {"/api/classification", "", "image", NULL, NULL},
    {"/api/classification_image", "", "image", NULL, NULL},
    {"/api/classification_video", "", "video", NULL, NULL},
    {"/api/classification_audio", "", "audio", NULL, NULL},
    {"/api/image_fromurl", "", "{\"file_url\": \"https://files.invalid/a\"}", NULL, NULL},
    {"/api/video_fromurl", "", "{\"file_url\": \"https://files.invalid/a\"}", NULL, NULL},
    {"/api/audio_fromurl", "", "{\"file_url\": \"https://files.invalid/a\"}", NULL, NULL},
    {"/api/classification/{id}", "", NULL, my_image_run, NEVER_RUN},
    {"/api/classification_image/{id}", "", NULL, my_image_run, NEVER_RUN},
    {"/api/classification_video/{id}", "", NULL, my_video_run, NEVER_RUN},
    {"/api/classification_audio/{id}", "", NULL, my_audio_run, NEVER_RUN},
    {"/api/classification/{id}/override", "", "{\"classification\": \"human\"}", my_image_run, NEVER_RUN},
    {"/api/classification_image/{id}/override", "", "{\"classification\": \"human\"}", my_image_run,
     NEVER_RUN},
    {"/api/classification_video/{id}/override", "", "{\"classification\": \"human\"}", my_video_run,
     NEVER_RUN},
    {"/api/classification_audio/{id}/override", "", "{\"classification\": \"human\"}", my_audio_run,
     NEVER_RUN},
    {"/api/classifications", "?identifiers[]=%s", NULL, my_image_run, NEVER_RUN},
    {"/api/classifications_image", "?identifiers[]=%s", NULL, my_image_run, NEVER_RUN},
    {"/api/classifications_video", "?identifiers[]=%s", NULL, my_video_run, NEVER_RUN},
    {"/api/classifications_audio", "?identifiers[]=%s", NULL, my_audio_run, NEVER_RUN},
    {"/api/classification/heatmap/{id}", "", NULL, my_image_run, NEVER_RUN},
    {"/api/classification_image/heatmap/{id}", "", NULL, my_image_run, NEVER_RUN},
    {"/ui/results/{id}", "", NULL, my_image_run, NEVER_RUN},
    {"/api/v2/tampering/tickets", "", "tickets", NULL, NULL},
    {"/api/v2/tampering/tickets/{id}", "", NULL, my_tickets, NEVER},
    {"/v1/api/projects", "", NULL, NULL, NULL},
    {"/v1/api/projects/create", "", "{}", NULL, NULL},
    {"/v1/api/{projectId}", "", NULL, my_project, NO_PROJECT},
    {"/v1/api/{projectId}/public-info", "", NULL, my_project, NO_PROJECT},
    {"/v1/api/{projectId}/devkeys", "", NULL, my_project, NO_PROJECT},
    {"/v1/api/{projectId}/raw-data", "?category=training", NULL, my_project, NO_PROJECT},
    {"/v1/api/{projectId}/raw-data/count", "?category=training", NULL, my_project, NO_PROJECT},
    {"/v1/api/{projectId}/raw-data/{sampleId}", "", NULL, my_project, NO_PROJECT},
    {"/v1/api/{projectId}/raw-data/{sampleId}/raw", "", NULL, my_project, NO_PROJECT},
    {"/v1/api/{projectId}/raw-data/{sampleId}/wav", "", NULL, my_project, NO_PROJECT},
    {"/v1/api/{projectId}/raw-data/{sampleId}/image", "", NULL, my_project, NO_PROJECT},
    {"/v1/api/{projectId}/raw-data/{sampleId}/slice", "", NULL, my_project, NO_PROJECT},
    {"/v1/api/{projectId}/raw-data/{sampleId}/edit-label", "", "{\"label\": \"x\"}", my_project, NO_PROJECT},
    {"/v1/api/{projectId}/raw-data/{sampleId}/rename", "", "{\"name\": \"x\"}", my_project, NO_PROJECT},
    {"/v1/api/{projectId}/raw-data/{sampleId}/move", "", "{\"newCategory\": \"testing\"}", my_project,
     NO_PROJECT},
    {"/v1/api/{projectId}/raw-data/{sampleId}/structured-labels", "", "{\"structuredLabels\": []}",
     my_project, NO_PROJECT},
    {"/v1/api/{projectId}/raw-data/{sampleId}/bounding-boxes", "", "{\"boundingBoxes\": []}", my_project,
     NO_PROJECT},
    {"/v1/api/{projectId}/raw-data/{sampleId}/metadata", "", "{}", my_project, NO_PROJECT},
    {"/v1/api/{projectId}/raw-data/{sampleId}/enable", "", "{}", my_project, NO_PROJECT},
    {"/v1/api/{projectId}/raw-data/{sampleId}/disable", "", "{}", my_project, NO_PROJECT},
    {"/v1/api/{projectId}/impulse", "", "{}", my_project, NO_PROJECT},
    {"/v1/api/{projectId}/impulse/new", "", "{}", my_project, NO_PROJECT},
    {"/v1/api/{projectId}/impulse/update", "", "{}", my_project, NO_PROJECT},
    {"/v1/api/{projectId}/impulse/eim", "", "{}", my_project, NO_PROJECT},
    {"/v1/api/{projectId}/impulse/{impulseId}/set-thresholds", "", "{}", my_project, NO_PROJECT},
    {"/v1/api/{projectId}/dsp/{dspId}", "", "{}", my_project, NO_PROJECT},
    {"/v1/api/{projectId}/dsp/{dspId}/raw-data/{sampleId}/slice/run", "", "{}", my_project, NO_PROJECT},
    {"/v1/api/{projectId}/classify/v2/{sampleId}", "", "{}", my_project, NO_PROJECT},
    {"/v1/api/{projectId}/classify/v2/{sampleId}/variants", "", "{}", my_project, NO_PROJECT},
    {"/v1/api/{projectId}/classify/anomaly-gmm/v2/{blockId}/{sampleId}", "", "{}", my_project, NO_PROJECT},
    {"/v1/api/{projectId}/pretrained-model/save", "", "{}", my_project, NO_PROJECT},
    {"/v1/api/{projectId}/jobs/classify", "", "{}", my_project, NO_PROJECT},
    {"/v1/api/{projectId}/jobs/train/keras/{learnId}", "", "{}", my_project, NO_PROJECT},
    {"/v1/api/{projectId}/jobs/train/anomaly/{learnId}", "", "{}", my_project, NO_PROJECT},
    {"/v1/api/{projectId}/jobs/{jobId}/cancel", "", "{}", my_project, NO_PROJECT},
    {"/v1/api/{projectId}/classify/image", "", "image", my_project, NO_PROJECT},
    {"/v1/api/{projectId}/pretrained-model/upload", "", "modelFile", my_project, NO_PROJECT},
    {"/socket.io/", "?token=%s", NULL, NULL, NULL},
    {"/socket.io", "?token=%s", NULL, NULL, NULL},
    {"/v1/api/training/files", "", "data", NULL, NULL},
    {"/v1/api/training/data", "", "data", NULL, NULL},
    {"/v1/api/testing/files", "", "data", NULL, NULL},
    {"/v1/api/testing/data", "", "data", NULL, NULL},
    {"/v1/api/anomaly/files", "", "data", NULL, NULL},
    {"/v1/api/anomaly/data", "", "data", NULL, NULL},
    {"/v1/api/split/files", "", "data", NULL, NULL},
    {"/v1/api/split/data", "", "data", NULL, NULL},
    {"/api/training/files", "", "data", NULL, NULL},
    {"/api/training/data", "", "data", NULL, NULL},
    {"/api/testing/files", "", "data", NULL, NULL},
    {"/api/testing/data", "", "data", NULL, NULL},
    {"/api/anomaly/files", "", "data", NULL, NULL},
    {"/api/anomaly/data", "", "data", NULL, NULL},
    {"/api/split/files", "", "data", NULL, NULL},
    {"/api/split/data", "", "data", NULL, NULL},
};

/* What is not there even for whose it is: no model makes a heat map of what is no picture. */
static const char *const absent_routes[] = {"/api/classification/heatmap/{id}",
                                            "/api/classification_image/heatmap/{id}"};

/* Routes which answer anybody. */
static const char *const open_routes[] = {"/version", "/healthz", "/readyz"};

/* Routes which tell what is nobody's own, and may not be there yet (503). */
static const char *const common_routes[] = {"/latency", "/latency/{media_type}"};

/* Routes for keys with the scope "admin" only. */
static const char *const admin_routes[] = {"/allowlist", "/allowlist/{id}"};

/* Routes for whoever has a token of another route's, whatever key comes with it. */
static const char *const token_routes[] = {"/socket.io/", "/socket.io"};

/* What an API says to a stranger, and to a good key without the scope. */
static const struct manners {
    const char *dialect;
    int stranger, lacking;
    const char *other; /* scopes which are none here */
} manners[] = {
    {"alarm", 403, 403, "native:submit native:read native:admin"},
    {"native", 401, 403, "alarm:submit alarm:read alarm:admin"},
    {"scenes", 401, 403, "alarm:submit alarm:read alarm:admin native:read"},
    {"impulse", 401, 403, "alarm:submit alarm:read alarm:admin scenes:submit"},
    {"provenance", 401, 403, "alarm:submit alarm:read alarm:admin scenes:submit"},
};

static bool is_one_of(const struct route *route, const char *const *paths, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (text_is(paths[i], route->path))
            return true;
    return false;
}

#define IS_IN(route, paths) is_one_of(route, paths, COUNT_OF(paths))

static bool is_open(const struct route *route)
{
    return IS_IN(route, open_routes);
}

static const struct place *place_of(const struct route *route)
{
    static const struct place none = {"", "", NULL, NULL, NULL},
                              of_project = {"", "", NULL, my_project, NO_PROJECT};
    bool needed = !strchr(route->path, '{') || route->max_body != 0;

    for (size_t i = 0; i < COUNT_OF(places); i++)
        if (text_is(places[i].path, route->path))
            return &places[i];
    if (needed) {
        printf("# %s is a new route: give it a row in `places`\n", route->path);
        CHECK(!"a route without a row");
    }
    return strstr(route->path, "{projectId}") ? &of_project : &none;
}

static const struct manners *manners_of(const struct dialect *d)
{
    for (size_t i = 0; i < COUNT_OF(manners); i++)
        if (text_is(manners[i].dialect, d->name))
            return &manners[i];
    printf("# %s is a new API: give it a row in `manners`\n", d->name);
    CHECK(!"an API without a row");
    return &manners[0];
}

struct spot {
    const struct dialect *dialect;
    const struct route *route;
    const char *prefix;
};

static size_t each_route(void (*visit)(const struct spot *at))
{
    const struct route *route;
    const struct dialect *d;
    size_t n = 0;

    for (size_t i = 0; (d = dialect_at(i)); i++)
        for (const char *const *prefix = d->prefixes; *prefix; prefix++)
            for (size_t k = 0; (route = dialect_route(d, k)); k++, n++)
                visit(&(struct spot){d, route, *prefix});
    return n;
}

/* ---- asking ---- */

static char *fill(const char *text, const char *value)
{
    const char *hole = text ? strstr(text, "%s") : NULL;

    if (!hole)
        return arena_strdup(stage.a, text);
    return arena_printf(stage.a, "%.*s%s%s", (int)(hole - text), text, value, hole + 2);
}

/* "/label/{id}" with the value in place of {id}, and of every other {name}. */
static char *fill_path(const struct spot *at, const char *value)
{
    const char *path = at->route->path, *hole;
    char *filled = arena_strdup(stage.a, at->prefix);

    for (; (hole = strchr(path, '{')); path = strchr(hole, '}') + 1)
        filled = arena_printf(stage.a, "%s%.*s%s", filled, (int)(hole - path), path, value);
    return arena_printf(stage.a, "%s%s", filled, path);
}

static struct bytes form(const char *path, const char *part, const char *key)
{
    struct form f = {0};

    form_add(&f, part, "guess.bin", bytes_of("no film", 7));
    return form_request(stage.a, &f, path, key ? key : "");
}

static struct answer ask_raw(const char *method, const char *path, const char *key, const char *body)
{
    char *text = arena_printf(stage.a,
                              "%s %s HTTP/1.1\r\nHost: localhost\r\n%s%s%sConnection: close\r\n"
                              "%sContent-Length: %zu\r\n\r\n%s",
                              method, path, key ? "Authorization: Bearer " : "", key ? key : "",
                              key ? "\r\n" : "", body ? "Content-Type: application/json\r\n" : "",
                              body ? strlen(body) : 0, body ? body : "");

    asked++;
    return http_raw(stage.a, stage.s.port, bytes_of(text, strlen(text)));
}

/* The body is the file. */
static struct answer send_file(const char *path, const char *name, const char *key)
{
    static const char body[] = "timestamp,x\n0,1\n10,2\n20,3\n";
    char *text = arena_printf(stage.a,
                              "POST %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
                              "x-file-name: %s\r\nConnection: close\r\n"
                              "Content-Length: %zu\r\n\r\n%s",
                              path, key, name, sizeof body - 1, body);

    asked++;
    return http_raw(stage.a, stage.s.port, bytes_of(text, strlen(text)));
}

static bool is_upload(const struct route *route)
{
    return route->max_body < 0 && route->max_body != BODY_BATCH;
}

/* Value: in the path, or where the route's place has its hole. */
static struct answer ask(const struct spot *at, const char *method, const char *value, const char *key)
{
    const struct place *place = place_of(at->route);
    char *path = arena_printf(stage.a, "%s%s", fill_path(at, value), fill(place->query, value));
    bool own = text_is(method, at->route->method);

    if (own && at->route->max_body == BODY_SAMPLE && key)
        return send_file(path, "guess.csv", key);
    if (own && is_upload(at->route) && key) {
        asked++;
        return http_raw(stage.a, stage.s.port, form(path, place->body, key));
    }
    return ask_raw(method, path, key, own && at->route->max_body ? fill(place->body, value) : NULL);
}

/* ---- comparing ---- */

static bool line_is(const char *line, const char *name)
{
    return strncasecmp(line, name, strlen(name)) == 0;
}

static size_t hex_run(const char *s)
{
    return strspn(s, "0123456789abcdef");
}

/* Head and body without what differs between two askings of the same: Date, X-Request-Id, ids (24 digits, 64
 * of a run), times and the value itself. */
static char *essence(const struct answer *answer, const char *value)
{
    char *all = arena_printf(stage.a, "%s\r\n%.*s", answer->head, (int)answer->body.len,
                             (const char *)answer->body.data),
         *out = arena_strdup(stage.a, all), *to = out;
    size_t len = strlen(value);

    for (const char *s = all; *s;) {
        bool at_line = s == all || s[-1] == '\n';
        if (at_line && (line_is(s, "Date:") || line_is(s, "X-Request-Id:"))) {
            s += strcspn(s, "\n");
        } else if (hex_run(s) == 24 || hex_run(s) == 64 || (len && strncmp(s, value, len) == 0)) {
            s += hex_run(s) == 24 || hex_run(s) == 64 ? hex_run(s) : len;
            *to++ = '#';
        } else if (isdigit((unsigned char)*s) && strlen(s) > 24 && s[10] == 'T' && s[23] == 'Z') {
            s += 24;
            *to++ = '@';
        } else {
            *to++ = *s++;
        }
    }
    *to = '\0';
    return out;
}

static bool holds_mark(const struct answer *answer, const char *value)
{
    for (const char **m = marks; *m; m++)
        if (!text_is(*m, value) &&
            (memmem(answer->body.data, answer->body.len, *m, strlen(*m)) || strstr(answer->head, *m)))
            return true;
    return false;
}

/* ---- tenants ---- */

static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

static bool must_be_404; /* the key may ask for all that the routes have */

/* One API tells applications in the body. */
static bool is_refusal(const struct spot *at, const struct answer *answer)
{
    if (!text_is(at->dialect->name, "impulse"))
        return answer->status == 404;
    return answer->status == 200 && text_is(json_at(stage.a, answer->body, "success"), "false");
}

static void compare(const struct spot *at, const char *mine, const char *never)
{
    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        struct answer theirs = ask(at, methods[i], mine, rival), nobodys = ask(at, methods[i], never, rival);
        CHECK(theirs.status != 0 && (theirs.status < 500 || IS_IN(at->route, common_routes)));
        CHECK_STR(essence(&theirs, mine), essence(&nobodys, never));
        CHECK(!holds_mark(&theirs, mine) && !holds_mark(&nobodys, never));
        if (must_be_404 && strchr(at->route->path, '{') && !IS_IN(at->route, common_routes) &&
            text_is(methods[i], at->route->method))
            CHECK(is_refusal(at, &theirs));
        ROW("%s %s%s with %s", methods[i], at->prefix, at->route->path, mine);
    }
}

static void foreign_is_unknown(const struct spot *at)
{
    const struct place *place = place_of(at->route);

    if (place->mine) {
        compare(at, place->mine, place->never);
        return;
    }
    compare(at, job, NEVER);
    if (strstr(at->route->path, "{name}"))
        compare(at, "mine.mp4", "none.mp4");
}

static void foreign_is_not_found(const struct spot *at)
{
    must_be_404 = true;
    foreign_is_unknown(at);
    must_be_404 = false;
}

/* The other half of the proof: whose it is does get it, by the very same requests. */
static void owner_gets_it(const struct spot *at)
{
    const struct place *place = place_of(at->route);
    int status;

    if (text_is(at->route->method, "DELETE") || is_open(at->route) || IS_IN(at->route, admin_routes) ||
        IS_IN(at->route, token_routes) || IS_IN(at->route, absent_routes))
        return;
    status = ask(at, at->route->method, place->mine ? place->mine : job, stage.key).status;
    CHECK(status == 200 || (status == 202 && at->route->max_body) ||
          (status == 503 && IS_IN(at->route, common_routes)));
    if (strstr(at->route->path, "{name}"))
        CHECK_INT(ask(at, at->route->method, "mine.mp4", stage.key).status, 200);
    ROW("%s %s%s", at->route->method, at->prefix, at->route->path);
}

/* With every scope, and with fewer: a refusal for a missing scope may come before the look or after it, but
 * not only for what is there. */
static void what_is_foreign_looks_unknown(void)
{
    static const char *const scopes[] = {"admin", "submit read", "submit read admin"};
    size_t before = asked, n = 0;

    for (size_t i = 0; i < COUNT_OF(scopes); i++) {
        char option[] = "--scopes";
        rival =
            key_new(stage.a, stage.dir, "rival", (char *[]){option, arena_strdup(stage.a, scopes[i]), NULL});
        n = each_route(i + 1 < COUNT_OF(scopes) ? foreign_is_unknown : foreign_is_not_found);
    }
    printf("# %zu routes, %zu requests\n", n, asked - before);
    CHECK(n > 50);
    CHECK_STR(json_at(stage.a, stage_job(&stage, job).body, "state"), "done");
}

static void whose_it_is_gets_it(void)
{
    each_route(owner_gets_it);
}

/* The same key of the same form makes a job for each tenant. */
static char *submit_keyed(const char *path, const char *part, const char *key)
{
    struct bytes plain = form(path, part, key);
    const char *text = (const char *)plain.data, *second = strstr(text, "\r\n") + 2;
    struct buf all = BUF(1 << 20);
    struct answer answer;

    buf_add(&all, text, (size_t)(second - text));
    buf_str(&all, "Idempotency-Key: same\r\n");
    buf_add(&all, second, plain.len - (size_t)(second - text));
    answer = http_raw(stage.a, stage.s.port, buf_bytes(&all));
    buf_clear(&all);
    CHECK(answer.status == 200 || answer.status == 202);
    return json_at(stage.a, answer.body, "id");
}

static void idempotency_keys_are_per_tenant(void)
{
    char *mine = submit_keyed("/api/classify", "video", stage.key),
         *theirs = submit_keyed("/api/classify", "video", rival);

    CHECK(mine && theirs && !text_is(mine, theirs));
    CHECK_STR(submit_keyed("/api/classify", "video", stage.key), mine);
    CHECK_STR(submit_keyed("/api/classify", "video", rival), theirs);
}

/* ---- keys ---- */

static const char *spoil(const char *key, size_t at)
{
    char *copy = arena_strdup(stage.a, key);

    copy[at] = copy[at] == '0' ? '1' : '0';
    return copy;
}

static char *id_of_newest_key(void)
{
    struct outcome o = stage_run(&stage, ARGS("key", "list"));
    char *line = strrchr(arena_strndup(stage.a, o.out, strlen(o.out) - 1), '\n');

    return line ? arena_strndup(stage.a, line + 1, 24) : arena_strdup(stage.a, "");
}

static const char *revoked_key(void)
{
    const char *key = key_new(stage.a, stage.dir, "acme", NULL);

    CHECK_INT(stage_run(&stage, ARGS("key", "revoke", id_of_newest_key())).status, 0);
    return key;
}

/* ret_new: the secret that is good now. */
static const char *rotated_key(const char *overlap, const char **ret_new)
{
    const char *key = key_new(stage.a, stage.dir, "acme", NULL);
    struct outcome o = stage_run(&stage, ARGS("key", "rotate", id_of_newest_key(), "--overlap", overlap));

    CHECK_INT(o.status, 0);
    *ret_new = arena_strndup(stage.a, o.out, strcspn(o.out, "\n"));
    return key;
}

static const char *expired_key(void)
{
    return key_new(stage.a, stage.dir, "acme", (char *[]){(char[]){"--expires"}, (char[]){"1s"}, NULL});
}

static struct {
    const char *what, *key;
    bool malformed; /* not even looked up: may be told so */
} bad[16];
static size_t nbad;

static void add_bad(const char *what, const char *key, bool malformed)
{
    bad[nbad].what = what;
    bad[nbad].key = key;
    bad[nbad++].malformed = malformed;
}

static void make_bad_keys(void)
{
    const char *fresh, *long_key = arena_printf(stage.a, "%s%0300d", stage.key, 0);
    size_t n = strlen(stage.key);

    add_bad("none", NULL, true);
    add_bad("empty", "", true);
    add_bad("very long", long_key, true);
    add_bad("a word", "secret", false);
    add_bad("of the right form", "ak_0000000000000000000000000000000000000000", false);
    add_bad("last digit", spoil(stage.key, n - 1), false);
    add_bad("first digit", spoil(stage.key, 3), false);
    add_bad("one more", arena_printf(stage.a, "%s0", stage.key), false);
    add_bad("one less", arena_strndup(stage.a, stage.key, n - 1), false);
    add_bad("expired", expired_key(), false);
    add_bad("revoked", revoked_key(), false);
    add_bad("rotated away", rotated_key("0s", &fresh), false);
    sleep(3); /* the expiry, and the second for which the server remembers */
}

static void strangers_learn_nothing(const struct spot *at)
{
    const char *first = NULL;

    for (size_t i = 0; i < nbad; i++) {
        struct answer mine = ask(at, at->route->method, job, bad[i].key),
                      never = ask(at, at->route->method, NEVER, bad[i].key);
        char *told = essence(&mine, job);
        CHECK_INT(mine.status, manners_of(at->dialect)->stranger);
        CHECK_STR(told, essence(&never, NEVER));
        CHECK(!holds_mark(&mine, "") && !strstr(told, "ak_"));
        if (!bad[i].malformed) {
            first = first ? first : told;
            CHECK_STR(told, first);
        }
        ROW("%s %s%s, key %s", at->route->method, at->prefix, at->route->path, bad[i].what);
    }
}

static void anybody_may(const struct spot *at)
{
    for (size_t i = 0; i < nbad; i++) {
        CHECK_INT(ask(at, at->route->method, job, bad[i].key).status, 200);
        ROW("%s %s%s, key %s", at->route->method, at->prefix, at->route->path, bad[i].what);
    }
}

static void try_bad_keys(const struct spot *at)
{
    if (is_open(at->route))
        anybody_may(at);
    else
        strangers_learn_nothing(at);
}

static void without_a_good_key_nothing(void)
{
    size_t before = asked;

    make_bad_keys();
    each_route(try_bad_keys);
    printf("# %zu kinds of keys, %zu requests\n", nbad, asked - before);
    CHECK_STR(json_at(stage.a, stage_job(&stage, job).body, "state"), "done");
}

static const char *lacking; /* the key for the API in turn */

static void try_lacking(const struct spot *at)
{
    const struct manners *m = manners_of(at->dialect);
    char extra[] = "--scopes";
    struct answer mine, never;

    if (is_open(at->route) || IS_IN(at->route, token_routes))
        return;
    lacking = key_new(stage.a, stage.dir, "acme", (char *[]){extra, arena_strdup(stage.a, m->other), NULL});
    mine = ask(at, at->route->method, job, lacking);
    never = ask(at, at->route->method, NEVER, lacking);
    CHECK_INT(mine.status, m->lacking);
    CHECK_STR(essence(&mine, job), essence(&never, NEVER));
    CHECK(!holds_mark(&mine, ""));
    ROW("%s %s%s", at->route->method, at->prefix, at->route->path);
}

static void a_key_for_another_api_is_none(void)
{
    each_route(try_lacking);
}

/* The server looks for changes of keys about once a second; a busy machine takes its time. */
static bool comes_to(const char *path, const char *key, int status)
{
    for (int i = 0; i < 150; i++) {
        if (http_get(stage.a, stage.s.port, path, key).status == status)
            return true;
        usleep(100000);
    }
    return false;
}

/* Both secrets are the same key, until one dies. */
static void a_rotated_key_has_two_secrets(void)
{
    const char *path = arena_printf(stage.a, "/api/result/%s", job), *fresh, *third,
               *old = rotated_key("8s", &fresh);
    char *id = id_of_newest_key();
    struct outcome o;

    CHECK_INT(http_get(stage.a, stage.s.port, path, old).status, 200);
    CHECK_INT(http_get(stage.a, stage.s.port, path, fresh).status, 200);
    o = stage_run(&stage, ARGS("key", "list"));
    CHECK(strstr(o.out, "OLD SECRET UNTIL") && !strstr(o.out, old) && !strstr(o.out, fresh));
    CHECK(comes_to(path, old, 403));
    CHECK_INT(http_get(stage.a, stage.s.port, path, fresh).status, 200);
    o = stage_run(&stage, ARGS("key", "rotate", id)); /* again: a day for the second one */
    third = arena_strndup(stage.a, o.out, strcspn(o.out, "\n"));
    CHECK(comes_to(path, third, 200));
    CHECK_INT(http_get(stage.a, stage.s.port, path, old).status, 403);
    CHECK_INT(http_get(stage.a, stage.s.port, path, fresh).status, 200);
    CHECK_INT(stage_run(&stage, ARGS("key", "revoke", id)).status, 0);
    CHECK(comes_to(path, fresh, 403));
    CHECK(comes_to(path, third, 403));
    o = stage_run(&stage, ARGS("key", "rotate", id)); /* a revoked key stays revoked */
    CHECK_INT(o.status, 1);
    CHECK(strstr(o.err, "revoked"));
}

static void scopes_are_checked_when_made(void)
{
    static const struct {
        const char *scopes;
        int status;
    } rows[] = {{"submit", 0},
                {"submit read admin", 0},
                {"alarm:submit", 0},
                {"native:read alarm:read", 0},
                {"  read  ", 0},
                {"", 1},
                {" ", 1},
                {"write", 1},
                {"submit,read", 1},
                {"alarm:", 1},
                {":read", 1},
                {"alarm:write", 1},
                {"nothing:read", 1},
                {"alarm:read:admin", 1},
                {"Read", 1},
                {"read submi", 1},
                {"alarm:read evil", 1}};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct outcome o =
            stage_run(&stage, ARGS("key", "new", "--tenant", "acme", "--scopes", rows[i].scopes));
        CHECK_INT(o.status, rows[i].status);
        CHECK(rows[i].status == 0 ? text_starts(o.out, "ak_") : strstr(o.err, "scope") && !*o.out);
        ROW("'%s'", rows[i].scopes);
    }
}

/* A finished one of each kind, and a known face. */
static void fill_scenes(void)
{
    const char *admin = key_new(stage.a, stage.dir, "acme",
                                (char *[]){(char[]){"--scopes"}, (char[]){"submit read admin"}, NULL});
    struct answer answer = http_raw(stage.a, stage.s.port, form("/v1/videos", "video", stage.key));

    text_copy(my_video, sizeof my_video, json_at(stage.a, answer.body, "job_id"));
    answer = ask_raw("POST", "/v1/images", stage.key,
                     "{\"images\": [{\"external_id\": \"secretword\", \"data_base64\": \"Zm9v\"}]}");
    text_copy(my_batch, sizeof my_batch, json_at(stage.a, answer.body, "job_id"));
    answer = ask_raw("POST", "/v1/allowlist", admin,
                     "{\"external_id\": \"myface\", \"embedding\": [1, 2, 3, 4, 5, 6, 7, 8]}");
    CHECK_INT(answer.status, 201);
}

/* A run of each kind; the word would be seen in its result. */
static void fill_run(const char *path, const char *part, char *dst, size_t size)
{
    struct form f = {0};
    struct answer answer;

    form_add(&f, part, "mine.bin", bytes_of("no film", 7));
    form_add(&f, "ref_id", NULL, bytes_of("secretword", 10));
    answer = http_raw(stage.a, stage.s.port, form_request(stage.a, &f, path, stage.key));
    CHECK_INT(answer.status, 200);
    text_copy(dst, size, arena_strndup(stage.a, (const char *)answer.body.data, answer.body.len));
}

static void fill_runs(void)
{
    fill_run("/api/classification", "image", my_image_run, sizeof my_image_run);
    fill_run("/api/classification_video", "video", my_video_run, sizeof my_video_run);
    fill_run("/api/classification_audio", "audio", my_audio_run, sizeof my_audio_run);
}

static void fill_tickets(void)
{
    struct form f = {0};
    struct answer answer;

    form_add(&f, "tickets", "mine.mp4", bytes_of("no film", 7));
    form_add(&f, "ref_ids", NULL, bytes_of("secretword", 10));
    answer =
        http_raw(stage.a, stage.s.port, form_request(stage.a, &f, "/api/v2/tampering/tickets", stage.key));
    CHECK_INT(answer.status, 200);
    text_copy(my_tickets, sizeof my_tickets, json_at(stage.a, answer.body, "batch_id"));
}

/* The tenant's first project, and a sample in it. */
static void fill_impulse(void)
{
    struct answer answer = send_file("/api/training/data", "secretword.csv", stage.key);

    CHECK_INT(answer.status, 200);
    CHECK_STR(json_at(stage.a, http_get(stage.a, stage.s.port, "/v1/api/1/raw-data/1", stage.key).body,
                      "sample.label"),
              "secretword");
}

int main(void)
{
    struct answer answer;

    stage = stage_open(ARGS("--analysts", "1", "--biometrics", "embeddings"));
    answer = post_clip(stage.a, stage.s.port, "/api/classify?sync=true&analyse_id=77", stage.key, "mine.mp4",
                       clip_load(stage.a, "tiny.mp4"), "{\"camera_id\": \"secretword\"}");
    job = json_at(stage.a, answer.body, "id");
    marks[3] = json_at(stage.a, stage_job(&stage, job).body, "spec.subject.sha256");
    ask_raw("POST", "/api/flow/labels/custom", stage.key, "{\"labels\": [{\"value\": \"secretword\"}]}");
    fill_scenes();
    fill_runs();
    fill_tickets();
    fill_impulse();
    RUN(what_is_foreign_looks_unknown);
    RUN(whose_it_is_gets_it);
    RUN(idempotency_keys_are_per_tenant);
    RUN(without_a_good_key_nothing);
    RUN(a_key_for_another_api_is_none);
    RUN(a_rotated_key_has_two_secrets);
    RUN(scopes_are_checked_when_made);
    return stage_close(&stage) == 0 ? test_end() : 1;
}
