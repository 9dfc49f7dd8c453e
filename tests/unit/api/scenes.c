/* The scenes dialect without a server: what requests say, and how jobs read. */
#include <math.h>

#include "api/scenes/scenes_int.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "report/json.h"
#include "test.h"

static struct scenes_opts opts(void)
{
    return (struct scenes_opts){.prefix = "/v1",
                                .videos = "videos",
                                .images = "images",
                                .latency = "latency",
                                .allowlist = "allowlist",
                                .blocks = "people,texts,tags",
                                .biometrics = "none",
                                .fps = 2,
                                .time_ms = 3600000,
                                .time_cap_ms = 7200000};
}

/* ---- headers, ids ---- */

static const struct {
    const char *header;
    int64_t ms; /* 0: refused */
} times[] = {
    {NULL, 3600000},
    {"1", 1000},
    {"60", 60000},
    {"0", 7200000},
    {"7200", 7200000},
    {"7201", 7200000},
    {"99999999999", 7200000},
    {"-1", 0},
    {"+1", 0},
    {"", 0},
    {"1.5", 0},
    {"1e3", 0},
    {" 1", 0},
    {"one", 0},
    {"99999999999999999999", 0},
};

static void processing_time(void)
{
    struct scenes_opts o = opts();

    for (size_t i = 0; i < COUNT_OF(times); i++) {
        int64_t ms = 0;
        CHECK_INT(scenes_parse_time(times[i].header, &o, &ms, NULL), times[i].ms ? 0 : -1);
        CHECK_INT(ms, times[i].ms);
        ROW("%s", times[i].header ? times[i].header : "(none)");
    }
    o.time_cap_ms = 5000;
    CHECK(scenes_parse_time(NULL, &o, &(int64_t){0}, NULL) == 0);
}

#define ID "6b01fcc91a44c63e9ea94b73"

static void ids_have_a_kind(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();

    CHECK_STR(scenes_id(a, MEDIA_VIDEO, ID), "video_" ID);
    CHECK_STR(scenes_id(a, MEDIA_IMAGE, ID), "image_batch_" ID);
    CHECK_STR(scenes_id_parse(MEDIA_VIDEO, "video_" ID), ID);
    CHECK(!scenes_id_parse(MEDIA_IMAGE, "video_" ID));
    CHECK(!scenes_id_parse(MEDIA_VIDEO, ID));
    CHECK(!scenes_id_parse(MEDIA_VIDEO, "video_12345"));
    CHECK(!scenes_id_parse(MEDIA_VIDEO, "video_" ID "0"));
}

/* ---- options ---- */

static const struct {
    const char *path, *prefix, *videos, *want;
} paths[] = {
    {"/v1/videos", "/v1", "videos", "/v1/videos"},
    {"/v1/videos/{job_id}", "", "media/clips", "/media/clips/{job_id}"},
    {"/v1/video/{job_id}", "/api/v0.2.0", "clips", "/api/v0.2.0/video/{job_id}"},
    {"/v1/latency/{media_type}", "/x", "clips", "/x/latency/{media_type}"},
};

static void paths_follow_the_options(void)
{
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct scenes_opts o = opts();
        o.prefix = paths[i].prefix;
        o.videos = paths[i].videos;
        CHECK_INT(scenes_check_paths(&o, NULL), 0);
        CHECK_STR(scenes_path(a, &o, paths[i].path), paths[i].want);
        ROW("%s", paths[i].want);
    }
}

static const struct {
    const char *prefix, *videos;
} bad_paths[] = {{"v1", "videos"},   {"/v1/", "videos"}, {"/v1", ""},        {"/v1", "/videos"},
                 {"/v1", "videos/"}, {"/v1", "{x}"},     {"/v 1", "videos"}, {"/v1", "a?b"}};

static void bad_paths_are_refused(void)
{
    for (size_t i = 0; i < COUNT_OF(bad_paths); i++) {
        struct scenes_opts o = opts();
        o.prefix = bad_paths[i].prefix;
        o.videos = bad_paths[i].videos;
        CHECK_INT(scenes_check_paths(&o, NULL), -1);
        ROW("%s %s", o.prefix, o.videos);
    }
}

static const struct {
    const char *path;
    bool ours;
} owned[] = {
    {"/v1/videos", true},
    {"/v1/videos/x", true},
    {"/v1/image/x", true},
    {"/v1/latency", true},
    {"/v1/video/annotate/x", false},
    {"/v1/videosx", false},
    {"/v1/classify", false},
    {"/videos", false},
    {"/v1/jobs", false},
};

static void errors_have_an_owner(void)
{
    struct scenes_opts o = opts();

    for (size_t i = 0; i < COUNT_OF(owned); i++) {
        CHECK_INT(scenes_owns_path(&o, owned[i].path), owned[i].ours);
        ROW("%s", owned[i].path);
    }
}

static const struct {
    const char *blocks, *biometrics, *want; /* ptg eTa: one letter each, capital = on; NULL: refused */
} lists[] = {
    {"people,texts,tags", "none", "PTG-eta"},
    {"texts", "", "pTg-eta"},
    {"all", "all", "PTG-ETA"},
    {"none", "embeddings, age-gender", "ptg-EtA"},
    {NULL, NULL, "ptg-eta"},
    {"people", "thumbnails", "Ptg-eTa"},
    {"faces", "none", NULL},
    {"all", "everything", NULL},
};

static void lists_are_words(void)
{
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        struct scenes_opts o = opts();
        struct scenes_params p = {0};
        char got[8];
        o.blocks = lists[i].blocks;
        o.biometrics = lists[i].biometrics;
        CHECK_INT(scenes_params_of(&o, &p, NULL), lists[i].want ? 0 : -1);
        snprintf(got, sizeof got, "%c%c%c-%c%c%c", p.people ? 'P' : 'p', p.texts ? 'T' : 't',
                 p.tags ? 'G' : 'g', p.embeddings ? 'E' : 'e', p.thumbnails ? 'T' : 't',
                 p.age_gender ? 'A' : 'a');
        if (lists[i].want)
            CHECK_STR(got, lists[i].want);
        ROW("%zu", i);
    }
}

/* ---- batches ---- */

#define ONE "{\"external_id\":\"a\",\"data_base64\":\"Zm9v\"}"

static const struct {
    const char *what, *json;
    int status;        /* 0: fine */
    const char *items; /* "a=foo b!invalid": what became of each */
} batches[] = {
    {"one", "{\"images\":[" ONE "]}", 0, "a=foo"},
    {"two, unknown members",
     "{\"x\":[1,{}],\"images\":[" ONE ",{\"z\":1,\"data_base64\":\"YmFy\",\"external_id\":\"101\"}]}", 0,
     "a=foo 101=bar"},
    {"no padding", "{\"images\":[{\"external_id\":\"a\",\"data_base64\":\"Zm9vYg\"}]}", 0, "a=foob"},
    {"escaped", "{\"images\":[{\"external_id\":\"\\u00e4\",\"data_base64\":\"Zm\\u0039v\"}]}", 0,
     "\xc3\xa4=foo"},
    {"bad ones stay alone",
     "{\"images\":[{\"external_id\":\"b\",\"data_base64\":\"data:image/"
     "png;base64,Zm9v\"},{\"external_id\":\"c\","
     "\"data_base64\":\"Zm9v!\"},{\"external_id\":\"d\",\"data_base64\":\"\"}," ONE "]}",
     0, "b!bad_input c!bad_input d!bad_input a=foo"},
    {"too large",
     "{\"images\":[{\"external_id\":\"b\",\"data_base64\":\"QUJDREVGR0hJSktMTQ==\"},"
     "{\"external_id\":\"c\",\"data_base64\":\"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=\"}]}",
     0, "b!too_large c!too_large"},
    {"just fits", "{\"images\":[{\"external_id\":\"b\",\"data_base64\":\"QUJDREVGR0hJSktM\"}]}", 0,
     "b=ABCDEFGHIJKL"},
    {"webhook", "{\"webhook\":{\"url\":\"https://x/\",\"secret\":\"s\"},\"images\":[" ONE "]}", 0, "a=foo"},
    {"webhook null", "{\"webhook\":null,\"images\":[" ONE "]}", 0, "a=foo"},
    {"no json", "{\"images\":", 400, NULL},
    {"nothing", "", 400, NULL},
    {"too deep", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", 400, NULL},
    {"a list", "[" ONE "]", 422, NULL},
    {"no images", "{}", 422, NULL},
    {"empty", "{\"images\":[]}", 422, NULL},
    {"images an object", "{\"images\":" ONE "}", 422, NULL},
    {"image a text", "{\"images\":[\"Zm9v\"]}", 422, NULL},
    {"no id", "{\"images\":[{\"data_base64\":\"Zm9v\"}]}", 422, NULL},
    {"empty id", "{\"images\":[{\"external_id\":\"\",\"data_base64\":\"Zm9v\"}]}", 422, NULL},
    {"number as id", "{\"images\":[{\"external_id\":101,\"data_base64\":\"Zm9v\"}]}", 422, NULL},
    {"NUL in an id", "{\"images\":[{\"external_id\":\"a\\u0000b\",\"data_base64\":\"Zm9v\"}]}", 422, NULL},
    {"no data", "{\"images\":[{\"external_id\":\"a\"}]}", 422, NULL},
    {"twice", "{\"images\":[" ONE "," ONE "]}", 422, NULL},
    {"webhook a text", "{\"webhook\":\"https://x/\",\"images\":[" ONE "]}", 422, NULL},
    {"webhook without url", "{\"webhook\":{\"secret\":\"s\"},\"images\":[" ONE "]}", 422, NULL},
};

/* The text in a room of its own, padded. */
static char *padded(struct arena *a, const char *text)
{
    size_t n = strlen(text);
    char *room = arena_alloc(a, n + JSON_PADDING);

    memcpy(room, text, n);
    return room;
}

static char *batch_text(struct arena *a, const struct batch *b)
{
    char *all = arena_strdup(a, "");

    for (size_t i = 0; i < b->n; i++) {
        const struct batch_item *item = &b->items[i];
        const char *blank = i ? " " : "";
        if (item->error.kind == ERR_NONE)
            all = arena_printf(a, "%s%s%s=%.*s", all, blank, item->external_id, (int)item->data.len,
                               (const char *)item->data.data);
        else
            all = arena_printf(a, "%s%s%s!%s", all, blank, item->external_id, err_code(item->error.kind));
    }
    return all;
}

static void batches_are_read(void)
{
    for (size_t i = 0; i < COUNT_OF(batches); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        char *text = padded(a, batches[i].json);
        struct batch b = {0};
        struct err err = {0};
        int status = 0, r = scenes_parse_batch(a, text, strlen(batches[i].json), 12, &b, &status, &err);
        CHECK_INT(r, batches[i].status ? -1 : 0);
        if (batches[i].status)
            CHECK_INT(status, batches[i].status);
        else
            CHECK_STR(batch_text(a, &b), batches[i].items);
        CHECK(r == 0 || err.text[0]);
        ROW("%s: %s", batches[i].what, err.text);
    }
}

static void a_batch_has_64_at_most(void)
{
    for (int n = 63; n <= 65; n++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        char *json = arena_strdup(a, "");
        struct batch b;
        int status;
        for (int i = 0; i < n; i++)
            json = arena_printf(a, "%s%s{\"external_id\":\"%d\",\"data_base64\":\"Zm9v\"}", json,
                                i ? "," : "", i);
        json = arena_printf(a, "{\"images\":[%s]}", json);
        CHECK_INT(scenes_parse_batch(a, padded(a, json), strlen(json), 12, &b, &status, NULL),
                  n > 64 ? -1 : 0);
    }
}

static const struct {
    const char *json;
    int status;
    size_t n;
} faces[] = {
    {"{\"external_id\":\"x\",\"embedding\":[3,0,0,0,0,0,0,4]}", 0, 8},
    {"{\"external_id\":\"x\",\"data_base64\":\"Zm9v\"}", 0, 0},
    {"{\"external_id\":\"x\"}", 422, 0},
    {"{\"external_id\":\"x\",\"embedding\":[1,2,3,4,5,6,7,8],\"data_base64\":\"Zm9v\"}", 422, 0},
    {"{\"external_id\":\"x\",\"embedding\":[1,2,3]}", 422, 0},
    {"{\"external_id\":\"x\",\"embedding\":[0,0,0,0,0,0,0,0]}", 422, 0},
    {"{\"external_id\":\"x\",\"embedding\":[1,2,3,4,5,6,7,\"8\"]}", 422, 0},
    {"{\"external_id\":\"x\",\"embedding\":[1,2,3,4,5,6,7,1e300]}", 422, 0},
    {"{\"external_id\":\"a/b\",\"embedding\":[1,2,3,4,5,6,7,8]}", 422, 0},
    {"{\"embedding\":[1,2,3,4,5,6,7,8]}", 422, 0},
    {"{\"external_id\":\"x\",\"data_base64\":\"Zm9v!\"}", 422, 0},
    {"[]", 422, 0},
    {"{", 400, 0},
};

static void enrolments_are_read(void)
{
    for (size_t i = 0; i < COUNT_OF(faces); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct enrolment e = {0};
        int status = 0, r = scenes_parse_enrolment(a, padded(a, faces[i].json), strlen(faces[i].json), 100,
                                                   &e, &status, NULL);
        CHECK_INT(r, faces[i].status ? -1 : 0);
        if (r < 0)
            CHECK_INT(status, faces[i].status);
        else
            CHECK_INT(e.n, faces[i].n);
        if (e.n)
            CHECK_NEAR((double)e.embedding[0], 0.6, 1e-6);
        ROW("%s", faces[i].json);
    }
}

/* ---- notes ---- */

static void notes_come_back(void)
{
    static const char *const ids[] = {"abc", "\xc3\xa4\"\\"};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct scenes_notes in = {MEDIA_IMAGE, 2, ids, {"https://x/", "s3cret"}}, out;

    CHECK_INT(scenes_notes_from_json(a, scenes_notes_to_json(a, &in), &out, NULL), 0);
    CHECK(out.media == MEDIA_IMAGE && out.n == 2);
    CHECK_STR(out.external_ids[1], ids[1]);
    CHECK_STR(out.callback.url, "https://x/");
    CHECK_STR(out.callback.secret, "s3cret");
    in = (struct scenes_notes){.media = MEDIA_VIDEO};
    CHECK_INT(scenes_notes_from_json(a, scenes_notes_to_json(a, &in), &out, NULL), 0);
    CHECK(out.media == MEDIA_VIDEO && !out.n && !out.callback.url && !out.callback.secret);
}

/* ---- rendering ---- */

static const float vector[] = {0.11f, -0.02f, 0.33f};
static const uint8_t jpeg[] = {0xff, 0xd8, 0xff};

/* The example of the API: a film of 10.7 s. */
static struct scenery *film(struct arena *a)
{
    static struct shot shots[] = {{{0, 5.2}, SHOT_START}, {{5.2, 10.7}, SHOT_CUT}};
    static float activity[] = {0.01f, 0.15f, 0.08f};
    static struct person people[] = {
        {.age = 29,
         .gender = GENDER_FEMALE,
         .nembedding = 3,
         .embedding = vector,
         .thumbnail = {jpeg, 3},
         .listed = LISTED_YES,
         .box = {0.125f, 0.125f, 0.25f, 0.25f}},
        {.age = (double)NAN, .listed = LISTED_NO, .nembedding = 3, .embedding = vector}};
    static struct appearance seen[] = {{0, 0.75}, {1, 0.25}};
    static struct constellation constellations[] = {{{3, 5.2}, 2, seen}, {{5.2, 10.7}, 0, NULL}};
    static struct scene_text texts[] = {{"No dogs off leash", "en", 0.9, {3, 5.2}, {0, 0, 1, 1}}};
    static struct segment segments[] = {{0, 3}};
    static struct section sections[] = {{"intro", true, 0.91, 0.2, 1.2, 1, segments}};
    struct scenery *s = arena_alloc(a, sizeof *s);

    *s = (struct scenery){.has_shots = true,
                          .has_people = true,
                          .has_texts = true,
                          .has_sections = true,
                          .nshots = 2,
                          .shots = shots,
                          .activity_step = 2.675,
                          .nactivity = 3,
                          .activity = activity,
                          .npeople = 2,
                          .people = people,
                          .nconstellations = 2,
                          .constellations = constellations,
                          .ntexts = 1,
                          .texts = texts,
                          .nsections = 1,
                          .sections = sections};
    return s;
}

static struct bytes report_of(struct arena *a, const char *pipeline, struct scenery *s, struct item *items,
                              size_t n)
{
    struct job_spec spec = job_spec_defaults();
    struct report *r;

    spec.pipeline = pipeline;
    r = report_new(a, &spec);
    r->media.duration = 10.7;
    r->scenery = s;
    r->items = items;
    r->nitems = n;
    return report_to_json(a, r);
}

static struct job_row row_of(struct arena *a, const struct scenes_notes *notes, const char *state)
{
    struct job_row row = {.id = ID, .tenant = "acme", .dialect = "scenes", .state = state};

    row.request = scenes_notes_to_json(a, notes);
    return row;
}

static const char *rendered(struct arena *a, const struct job_row *row, const char *biometrics)
{
    struct api_opts o = {.scenes = opts()};
    struct bytes json = {0};
    struct err err = {0};

    o.scenes.biometrics = biometrics;
    CHECK_INT(scenes_render(a, &o, row, &json, &err), 0);
    if (err.kind != ERR_NONE)
        printf("# %s\n", err.text);
    return (const char *)json.data;
}

#define HEAD "{\"job_id\":\"video_" ID "\",\"status\":\"finished\",\"result\":{"
#define SHOTS                                                                                                \
    "\"raw_scenes\":[{\"start_seconds\":0.0,\"end_seconds\":5.2},{\"start_seconds\":5.2,\"end_seconds\":10." \
    "7}],"                                                                                                   \
    "\"frame_activity_diffs\":[0.01,0.15,0.08],"
#define REST                                                                                           \
    "\"ocr_results\":[{\"language_code\":\"en\",\"full_text\":\"No dogs off leash\",\"time_segment\":" \
    "{\"start_seconds\":3.0,\"end_seconds\":5.2}}],\"sections\":[{\"section_tag\":\"intro\",\"time_"   \
    "segments\":"                                                                                      \
    "[{\"start_seconds\":0.0,\"end_seconds\":3.0}],\"thumbnail_timestamp\":1.2,\"confidence\":0.91,"   \
    "\"is_critical\":true,\"relative_activity\":0.2}]}}"
#define PEOPLE(first, second)                                                                             \
    "\"person_constellation_scenes\":[{\"time_segment\":{\"start_seconds\":3.0,\"end_seconds\":5.2},"     \
    "\"person_ids\":[{" first "\"relative_prominence\":0.75},{" second "\"relative_prominence\":0.25}]}," \
    "{\"time_segment\":{\"start_seconds\":5.2,\"end_seconds\":10.7},\"person_ids\":[]}],"

static void a_video_reads_like_the_example(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct job_row row = row_of(a, &(struct scenes_notes){0}, "done");

    row.report = report_of(a, "scenes", film(a), NULL, 0);
    CHECK_STR(rendered(a, &row, "all"),
              HEAD SHOTS PEOPLE("\"age\":29.0,\"gender\":\"female\",\"face_embedding\":[0.11,-0.02,0.33],"
                                "\"face_thumbnail\":\"/9j/\",\"allowlisted\":true,",
                                "\"gender\":\"unidentified\",\"face_embedding\":[0.11,-0.02,0.33],"
                                "\"allowlisted\":false,") REST);
}

/* Whatever was found when they were on. */
static void biometrics_stay_inside(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct job_row row = row_of(a, &(struct scenes_notes){0}, "done");

    row.report = report_of(a, "scenes", film(a), NULL, 0);
    CHECK_STR(rendered(a, &row, "none"),
              HEAD SHOTS PEOPLE("\"gender\":\"unidentified\",\"face_embedding\":[],",
                                "\"gender\":\"unidentified\",\"face_embedding\":[],") REST);
    CHECK_STR(rendered(a, &row, "age-gender"),
              HEAD SHOTS PEOPLE("\"age\":29.0,\"gender\":\"female\",\"face_embedding\":[],",
                                "\"gender\":\"unidentified\",\"face_embedding\":[],") REST);
}

static void absent_is_not_empty(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct job_row row = row_of(a, &(struct scenes_notes){0}, "done");
    struct scenery nothing = {0}, empty = {.has_people = true, .has_texts = true, .has_sections = true};

    row.report = report_of(a, "scenes", &nothing, NULL, 0);
    CHECK_STR(rendered(a, &row, "all"), HEAD "}}");
    row.report = report_of(a, "scenes", &empty, NULL, 0);
    CHECK_STR(rendered(a, &row, "all"),
              HEAD "\"person_constellation_scenes\":[],\"ocr_results\":[],\"sections\":[]}}");
}

static void pictures_keep_their_order(void)
{
    static const char *const ids[] = {"101", "b", "c", "d"};
    static struct scene_tag tags[] = {{"cat", 0.92, true}, {"indoor", 0.76, false}};
    static struct person people[] = {{.age = 4, .gender = GENDER_MALE}};
    static struct appearance seen[] = {{0, 1}};
    static struct constellation all[] = {{{0, 0}, 1, seen}};
    static struct scene_text texts[] = {{"Kitchen", NULL, 0.8, {0, 0}, {0, 0, 1, 1}}};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct item items[] = {
        {.format = "jpeg",
         .width = 8,
         .height = 8,
         .scenery = {.has_tags = true,
                     .has_people = true,
                     .has_texts = true,
                     .ntags = 2,
                     .tags = tags,
                     .npeople = 1,
                     .people = people,
                     .nconstellations = 1,
                     .constellations = all,
                     .ntexts = 1,
                     .texts = texts}},
        {.error = {ERR_INPUT, "no base64"}, .format = ""},
        {.error = {ERR_LIMIT, "too large"}, .format = ""},
        {.error = {ERR_DECODE, "no picture"}, .format = ""},
    };
    struct job_row row = row_of(a, &(struct scenes_notes){MEDIA_IMAGE, 4, ids, {0}}, "done");

    row.report = report_of(a, "pictures", NULL, items, 4);
    CHECK_STR(
        rendered(a, &row, "none"),
        "{\"job_id\":\"image_batch_" ID "\",\"status\":\"finished\",\"items\":["
        "{\"external_id\":\"101\",\"result\":{\"tags\":[{\"tag\":\"cat\",\"probability\":0.92,"
        "\"is_critical\":true},{\"tag\":\"indoor\",\"probability\":0.76,\"is_critical\":false}],"
        "\"person_ids\":[{\"gender\":\"unidentified\",\"face_embedding\":[],\"relative_prominence\":1.0}],"
        "\"ocr_results\":[{\"full_text\":\"Kitchen\"}]}},"
        "{\"external_id\":\"b\",\"status\":\"failed\",\"error\":{\"code\":\"invalid_base64\",\"message\":"
        "\"no base64\"}},"
        "{\"external_id\":\"c\",\"status\":\"failed\",\"error\":{\"code\":\"too_large\",\"message\":"
        "\"too large\"}},"
        "{\"external_id\":\"d\",\"status\":\"failed\",\"error\":{\"code\":\"unsupported_media\",\"message\":"
        "\"no picture\"}}]}");
}

static const struct {
    const char *state, *code, *want;
} states[] = {
    {"new", NULL, "\"status\":\"queued\"}"},
    {"claimed", NULL, "\"status\":\"processing\"}"},
    {"timed_out", "timeout",
     "\"status\":\"failed\",\"error\":{\"code\":\"max_processing_time_exceeded\",\"message\":\"why\"}}"},
    {"cancelled", "cancelled",
     "\"status\":\"failed\",\"error\":{\"code\":\"cancelled\",\"message\":\"why\"}}"},
    {"failed", "cannot_decode",
     "\"status\":\"failed\",\"error\":{\"code\":\"unsupported_media\",\"message\":\"why\"}}"},
    {"failed", "no_stream",
     "\"status\":\"failed\",\"error\":{\"code\":\"no_video_stream\",\"message\":\"why\"}}"},
    {"failed", "model_failure",
     "\"status\":\"failed\",\"error\":{\"code\":\"model_error\",\"message\":\"why\"}}"},
    {"failed", "analyst_crashed",
     "\"status\":\"failed\",\"error\":{\"code\":\"internal\",\"message\":\"why\"}}"},
};

static void states_have_words(void)
{
    for (size_t i = 0; i < COUNT_OF(states); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct job_row row =
            row_of(a, &(struct scenes_notes){.callback = {"https://x/", "s3cret"}}, states[i].state);
        row.error_code = states[i].code;
        row.error_text = "why";
        CHECK_STR(rendered(a, &row, "all"),
                  arena_printf(a, "{\"job_id\":\"video_" ID "\",%s", states[i].want));
        ROW("%s %s", states[i].state, states[i].code ? states[i].code : "");
    }
}

int main(void)
{
    RUN(processing_time);
    RUN(ids_have_a_kind);
    RUN(paths_follow_the_options);
    RUN(bad_paths_are_refused);
    RUN(errors_have_an_owner);
    RUN(lists_are_words);
    RUN(batches_are_read);
    RUN(a_batch_has_64_at_most);
    RUN(enrolments_are_read);
    RUN(notes_come_back);
    RUN(a_video_reads_like_the_example);
    RUN(biometrics_stay_inside);
    RUN(absent_is_not_empty);
    RUN(pictures_keep_their_order);
    RUN(states_have_words);
    return test_end();
}
